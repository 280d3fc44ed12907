"""The documentation says what the program does."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import click

from datagen.commands.group import names
from datagen.commands.list import KINDS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_generated_pages_are_current() -> None:
    """docs/cli.md and docs/rules.md are what `make docs` writes."""
    # In a process of its own: Click remembers the help options of the first context that asked.
    done = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_readme_names_every_command() -> None:
    """Every command stands in the README."""
    assert [name for name in names() if f"datagen {name}" not in README] == []


def test_docs_name_everything_there_is_to_choose() -> None:
    """Every rule, teacher, benchmark and method stands in the README or the docs."""
    text = README + "".join(path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md"))
    missing = [name for entries in KINDS.values() for name in entries() if name not in text]
    assert missing == []


def test_readme_commands_parse() -> None:
    """Every `datagen` line in the README's code blocks has known options."""
    from datagen.commands.group import cli

    blocks = re.findall(r"```(?:sh|bash)\n(.*?)```", README, re.DOTALL)
    lines = [line for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    commands = [shlex.split(line, comments=True)[1:] for line in lines if line.startswith("datagen ")]
    assert len(commands) >= 5
    for words in commands:
        words = words[: words.index("|")] if "|" in words else words
        command = cli.get_command(None, words[0])  # type: ignore[arg-type]
        assert command is not None, words
        if isinstance(command, click.Group):
            command, words = command.commands[words[1]], words[1:]
        known = {flag for option in command.params for flag in option.opts}
        assert {word for word in words[1:] if word.startswith("-") and word != "-"} <= known, words


def test_links_lead_somewhere() -> None:
    """Relative links in README and docs name files that exist."""
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name}: {target}"

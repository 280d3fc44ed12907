"""Writes docs/cli.md from each command's --help and docs/rules.md from each rule's docstring.

usage: python docs/generate.py [--check]     --check: exit with 1 if a page is out of date
"""

from __future__ import annotations

import sys
from pathlib import Path

import click

from datagen.commands.group import cli, names
from rules import RULES, document

HERE = Path(__file__).parent
NOTE = "<!-- Made by `make docs`; edit the code instead. -->"


def cli_page() -> str:
    """Every command's help, as a user sees it in a terminal of 100 columns."""
    wide = {"terminal_width": 100, "max_content_width": 100}
    context = click.Context(cli, info_name="datagen", **wide, **cli.context_settings)
    parts = [NOTE, "", "# Command line", "", "```", cli.get_help(context), "```", ""]
    for name in names():
        command = cli.get_command(context, name)
        assert command is not None, name
        below = click.Context(command, info_name=name, parent=context, **wide)
        parts += [f"## datagen {name}", "", "```", command.get_help(below), "```", ""]
        for sub, subcommand in command.commands.items() if isinstance(command, click.Group) else ():
            inside = click.Context(subcommand, info_name=sub, parent=below, **wide)
            parts += [f"### datagen {name} {sub}", "", "```", subcommand.get_help(inside), "```", ""]
    return "\n".join(parts)


def rules_page() -> str:
    """Every rule with what it judges, its measure and threshold, and the reasons for it."""
    parts = [
        NOTE,
        "",
        "# Rules",
        "",
        "In the order in which the first that fires becomes a row's `reason`. Rules that judge the",
        "instruction drop the task with all its answers; the others drop one teacher's answer.",
        "",
    ]
    for name, rule in RULES.items():
        doc = document(name)
        condition = type(rule.drop_when).__name__
        threshold = "" if rule.threshold is None else rule.threshold
        parts += [
            f"## {name}",
            "",
            f"Judges the {rule.judges}; drops when `{rule.measure}` {condition} {threshold}".rstrip() + ".",
            "",
            "```",
            doc,
            "```",
            "",
        ]
    return "\n".join(parts)


PAGES = {"cli.md": cli_page, "rules.md": rules_page}


def main() -> int:
    """Write the pages, or with --check compare them."""
    stale = []
    for name, page in PAGES.items():
        path, text = HERE / name, page()
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        stale.append(name)
        if "--check" not in sys.argv:
            path.write_text(text, encoding="utf-8")
    if stale and "--check" in sys.argv:
        print(f"out of date: {', '.join(stale)}; run: make docs")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""The command line as a user meets it."""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import click
import pytest
from cli import CACHE, ROOT, datagen, left_in, spawn

from datagen.commands.group import cli, names, summary

TASKS = [{"instruction": f"Write a function number {number}.", "n": number} for number in range(4)]
PROGRAM = [sys.executable, "-m", "datagen"]
STAGES = ["evolve", "sample", "filter", "decontam"]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(task) + "\n" for task in TASKS))
    return tmp_path


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


@pytest.mark.parametrize("name", names())
def test_summary_is_the_first_line_of_the_docstring(name):
    """`datagen --help` and `datagen COMMAND --help` say the same of a command."""
    assert (command(name).help or "").split("\n")[0] == summary(name)


@pytest.mark.parametrize("name", names())
def test_help_ends_with_an_example_that_parses(name):
    """Every help text ends with a command that can be typed as it stands."""
    done = datagen(name, "--help")
    assert (done.code, done.err) == (0, "")
    found = re.search(r"\n  Example: datagen ((?:.|\n)*)$", done.out)
    assert found, done.out
    words = shlex.split(found[1].partition("|")[0])
    assert words[0] == name
    arguments = [word for word in words[1:] if word.startswith("out/")]
    for word in arguments:
        Path(word).mkdir(parents=True, exist_ok=True)
    command(name).make_context(name, words[1:])


def test_help_of_the_whole(folder):
    """`datagen` alone, --help and -h print the same help; the first is a usage error."""
    alone, long, short = datagen(), datagen("--help"), datagen("-h")
    assert alone.out == long.out == short.out
    assert (alone.code, long.code, short.code) == (2, 0, 0)
    assert all(f"  {name}" in long.out for name in names())
    assert "Example: datagen run demo -o out/demo" in long.out


def test_version():
    """--version names the program and its version."""
    assert re.fullmatch(r"datagen, version \d+\.\d+\.\d+\n", datagen("--version").out)


@pytest.mark.parametrize("words", [["--help"], ["--version"], [], ["flter"]], ids=" ".join)
def test_starts_without_heavy_imports(words):
    """Help, version and a mistyped command need Click alone, so they answer at once."""
    heavy = [
        "torch",
        "vllm",
        "openai",
        "polars",
        "datasketch",
        "ray",
        "yaml",
        "numpy",
        "rich",
        "sqlite3",
        "asyncio",
    ]
    program = (
        f"import sys\nfrom datagen.commands import console\nconsole.run({words!r})\n"
        f"sys.exit(','.join(name for name in {heavy!r} if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    "words", [["filter"], ["evolve"], ["sample"], ["run"], ["cat"], ["list"]], ids=" ".join
)
def test_help_of_a_command_imports_no_model_library(words):
    """A command's help loads neither a model client nor torch."""
    program = (
        f"import sys\nfrom datagen.commands import console\nconsole.run([*{words!r}, '--help'])\n"
        "heavy = ('torch', 'vllm', 'openai', 'ray', 'datasketch')\n"
        "sys.exit(','.join(name for name in heavy if name in sys.modules) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


#: What a stage needs beside its input and OUT.
WORDS = {
    "evolve": ["--teacher", "openai:none@http://127.0.0.1:9/v1"],
    "sample": ["--teacher", "reference"],
    "filter": [],
    "decontam": ["--against", "jsonl:bench.jsonl"],
}


class TestJson:
    """--json: one object on stdout, nothing else there."""

    @pytest.fixture(autouse=True)
    def bench(self, folder):
        item = {"task_id": "1", "prompt": "Sort words.", "entry_point": "f", "tests": ["f()"]}
        (folder / "bench.jsonl").write_text(json.dumps(item))

    @pytest.mark.parametrize("stage", ["sample", "filter", "decontam"])
    def test_one_object(self, stage):
        """The counts have the names of the contract, and the identity holds."""
        done = datagen(stage, "starter", "-o", "OUT", *WORDS[stage], "--json")
        assert (done.code, done.err) == (0, "")
        assert done.out.count("\n") == 1
        told = done.json()
        assert {"command", "rows_in", "rows_made", "rows_out", "dropped", "seconds", "out"} <= told.keys()
        assert told["command"] == stage
        assert told["out"] == "OUT"
        assert told["rows_in"] + told["rows_made"] == told["rows_out"] + sum(told["dropped"].values())
        assert ("overlaps" in told) == (stage == "decontam")

    @pytest.mark.parametrize("stage", ["sample", "filter", "decontam"])
    def test_already_made(self, stage):
        """The second time says that it was there already, with the same counts."""
        first, second = (
            datagen(stage, "starter", "-o", "OUT", *WORDS[stage], "--json").json() for _ in range(2)
        )
        assert (first.pop("already_made"), second.pop("already_made")) == (False, True)
        assert first == second

    @pytest.mark.parametrize("stage", ["sample", "filter", "decontam"])
    def test_people_are_told_on_stderr(self, stage):
        """Without --json stdout is empty and stderr says the same in words."""
        done = datagen(stage, "starter", "-o", "OUT", *WORDS[stage])
        assert (done.code, done.out) == (0, "")
        assert done.err.startswith(f"{stage}: 240 rows in, ")
        again = datagen(stage, "starter", "-o", "OUT", *WORDS[stage])
        assert "(already made)" in again.err

    @pytest.mark.parametrize("stage", STAGES)
    def test_errors_print_nothing_on_stdout(self, stage):
        """An error with --json is the same line on stderr."""
        datagen(stage, "no.jsonl", "-o", "OUT", *WORDS[stage], "--json").error(2)
        datagen(stage, "-", "-o", "OUT", *WORDS[stage], "--json", stdin=b"{").error(1)

    def test_list(self):
        """`list --json` gives names and what they are."""
        for what in ("rules", "teachers", "benchmarks", "methods"):
            assert all(datagen("list", what, "--json").json().values())


class TestProcess:
    """The program as a process: streams, signals, folders."""

    def shell(self, script: str, **options) -> subprocess.CompletedProcess[str]:
        quoted = " ".join(map(shlex.quote, PROGRAM))
        environment = {**os.environ, "DATAGEN_CACHE_DIR": CACHE.name, **options.pop("env", {})}
        words = ["bash", "-c", f'set -o pipefail; datagen() {{ {quoted} "$@"; }}; {script}']
        return subprocess.run(
            words, capture_output=True, encoding="utf-8", timeout=60, check=False, env=environment, **options
        )

    def test_python_m(self):
        """`python -m datagen` is `datagen`."""
        done = spawn("filter", "in.jsonl", "-o", "OUT", "--json")
        assert (done.returncode, done.stderr) == (0, "")
        assert json.loads(done.stdout)["rows_in"] == 4

    @pytest.mark.parametrize(
        "names",
        [
            ("train.py", "rules.py", "decontam.py"),
            ("random.py", "click.py", "polars.py", "yaml.py"),
            ("datagen.py", "cli.py"),
        ],
        ids=" ".join,
    )
    def test_files_of_the_user_are_not_imported(self, names, folder):
        """A train.py, rules.py or random.py in the working folder is none of our business."""
        if "datagen.py" in names:
            names = names[1:]
        for name in names:
            (folder / name).write_text("raise SystemExit('imported by datagen')")
        done = spawn("filter", "in.jsonl", "-o", "OUT", "--json")
        assert (done.returncode, done.stderr) == (0, "")

    @pytest.mark.parametrize("package", ["rules", "decontam", "train"])
    @pytest.mark.parametrize("files", [("__init__.py",), ()], ids=["package", "namespace"])
    def test_shadowing_distribution(self, package, files, folder):
        """Another distribution's `rules` before ours is told in one line; an empty folder is not one."""
        (folder / "other" / package).mkdir(parents=True)
        for name in files:
            (folder / "other" / package / name).touch()
        done = spawn("filter", "in.jsonl", "-o", "OUT", "--quiet", env={"PYTHONPATH": str(folder / "other")})
        if files:
            assert done.returncode == 1
            assert done.stderr == (
                f"Error: the package {package} is not datagen's own but {folder}/other/{package}; remove the"
                " distribution that brought it, or install datagen into an environment of its own\n"
            )
            assert left_in(folder) == ["in.jsonl", "other"]
        else:
            assert done.returncode == 0, done.stderr

    def test_shadowing_module(self, folder):
        """A single file of that name on the path is told as well."""
        (folder / "other").mkdir()
        (folder / "other/rules.py").touch()
        done = spawn("list", "rules", env={"PYTHONPATH": str(folder / "other")})
        assert done.returncode == 1
        assert f"is not datagen's own but {folder / 'other/rules.py'};" in done.stderr

    @pytest.mark.parametrize(
        "script", ["datagen cat starter", "datagen list rules", "datagen cat starter --as messages"]
    )
    def test_reader_that_leaves(self, script):
        """`datagen cat X | head -1` ends silently with exit 0, also under pipefail."""
        done = self.shell(f"{script} | head -1")
        assert (done.returncode, done.stderr) == (0, "")
        assert done.stdout.count("\n") == 1

    def test_full_stdout(self):
        """Output that cannot be written is an error, not silence."""
        done = self.shell("datagen cat in.jsonl > /dev/full")
        assert done.returncode == 1
        assert done.stderr == "Error: No space left on device; make room and run it again\n"

    def test_closed_streams(self, folder):
        """A caller that closed stdin, stdout or stderr gets the same data set; a lost result is a failure."""
        assert self.shell("datagen cat - <&-").stderr.startswith("Error: standard input is empty")
        assert self.shell("datagen cat in.jsonl >&-").returncode == 1
        assert self.shell("datagen filter in.jsonl -o A 2>&-").returncode == 0
        assert self.shell("datagen filter in.jsonl -o B --json <&- >&- 2>&-").returncode == 1
        digests = {json.loads((folder / out / "manifest.json").read_text())["digest"] for out in "AB"}
        assert len(digests) == 1

    @pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-16"])
    def test_rows_are_utf8_whatever_the_terminal_is(self, encoding, folder):
        """JSON on stdout is UTF-8, also where the terminal is not."""
        (folder / "in.jsonl").write_text('{"instruction": "caf\u00e9 \U0001f600"}', encoding="utf-8")
        done = self.shell("datagen cat in.jsonl", env={"PYTHONIOENCODING": encoding})
        assert done.returncode == 0
        assert json.loads(done.stdout)["instruction"] == "caf\u00e9 \U0001f600"

    def test_removed_working_folder(self):
        """In a folder that was removed, one line says so, and --help works."""
        done = self.shell(
            "mkdir gone; cd gone; rmdir ../gone; datagen --version; datagen filter starter -o OUT"
        )
        assert done.stdout.startswith("datagen, version")
        assert done.stderr == "Error: the folder that you are in was removed; change to another\n"
        assert done.returncode == 1

    def test_names_that_are_no_text(self):
        """File names that are no UTF-8 are read, written and told."""
        done = self.shell("cp in.jsonl $'caf\\xe9.jsonl'; datagen filter $'caf\\xe9.jsonl' -o $'out\\xe9'")
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        assert self.shell("datagen cat $'out\\xe9'").stdout.count("\n") == 4

    @pytest.mark.parametrize("words", [["filter", "-", "-o", "OUT"], ["cat", "-"]], ids=" ".join)
    def test_interrupted_while_reading(self, words, folder):
        """Ctrl-C while standard input is awaited ends with 130 and one line."""
        with subprocess.Popen(
            [*PROGRAM, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process:
            process.stdin.write(b" " * 2**20)  # more than a pipe holds: it is being read when this ends
            process.stdin.flush()
            time.sleep(0.5)  # now it waits for more
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=30)
        assert (process.returncode, out) == (130, b"")
        assert err == b"Error: interrupted; the same command starts again\n"
        assert left_in(folder) == ["in.jsonl"]

    @pytest.mark.parametrize("delay", [0.02, 0.06, 0.1, 0.2])
    def test_interrupted_at_any_moment(self, delay):
        """Ctrl-C shows no traceback while the program starts, either."""
        code = "import time, datagen.__main__ as main; print('now', flush=True); main.main()"
        with subprocess.Popen(
            [sys.executable, "-c", code, "filter", "-", "-o", "OUT"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout.readline() == b"now\n"
            time.sleep(delay)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=30)
        assert process.returncode == 130
        assert err in (b"", b"Error: interrupted; the same command starts again\n")

    def test_quiet_and_verbose_change_no_result(self, folder):
        """--quiet and -v decide what is shown, not what is made."""
        digests = set()
        for number, more in enumerate([(), ("--quiet",), ("-v",)]):
            datagen("filter", "in.jsonl", "-o", f"OUT{number}", *more)
            digests.add(json.loads((folder / f"OUT{number}/manifest.json").read_text())["digest"])
        assert len(digests) == 1


def test_no_absolute_path_in_a_manifest(folder):
    """What a manifest says of its inputs and options names no folder of this machine."""
    item = {"task_id": "1", "prompt": "Sort words.", "entry_point": "f", "tests": ["f()"]}
    (folder / "bench.jsonl").write_text(json.dumps(item))
    assert datagen("filter", folder / "in.jsonl", "-o", folder / "a").code == 0
    assert (
        datagen("decontam", folder / "a", "-o", folder / "b", "--against", f"jsonl:{folder}/bench.jsonl").code
        == 0
    )
    assert datagen("sample", folder / "b", "-o", folder / "c", "--teacher", "reference").code in (0, 3)
    stages = f"[filter, {{decontam: {{against: 'jsonl:{folder}/bench.jsonl'}}}}]"
    recipe = f"seeds: {folder}/in.jsonl\nstages: {stages}\n"
    (folder / "recipe.yaml").write_text(recipe)
    assert datagen("run", folder / "recipe.yaml", "-o", folder / "d").code == 0
    for path in folder.rglob("*"):
        if path.name in ("manifest.json", "README.md"):
            text = path.read_text()
            assert [word for word in (str(folder), str(ROOT), str(Path.home())) if word in text] == [], path

"""What a command does when the caller closed a stream, or nobody can take what is written to it."""

from __future__ import annotations

import shlex
import subprocess
import sys

import cli
import pytest
from cli import left_in


def shell(tail: str, command: str, folder) -> subprocess.CompletedProcess[str]:
    """Run a command with the redirections of a shell."""
    program = f"{shlex.quote(sys.executable)} -m datagen {command} {tail}"
    environment = {"PYTHONPATH": str(cli.ROOT), "DATAGEN_CACHE_DIR": cli.CACHE.name, "PATH": "/usr/bin:/bin"}
    return subprocess.run(
        ["bash", "-o", "pipefail", "-c", program],
        cwd=folder, env=environment, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip


@pytest.mark.parametrize("tail", ["2>&-", "2>/dev/full", "<&- 2>&-", "2> >(true)"])
@pytest.mark.parametrize("workers", [1, 2])
def test_work_goes_on_without_stderr(tail, workers, tmp_path):
    """A note that nobody takes does not end a run, nor those of its workers."""
    done = shell(tail, f"filter starter -o OUT --workers {workers}", tmp_path)
    assert (done.returncode, done.stdout) == (0, "")
    assert left_in(tmp_path) == ["OUT"]
    assert len(shell(tail, "cat OUT", tmp_path).stdout.splitlines()) == 240


@pytest.mark.parametrize("tail", ["2>&-", "2>/dev/full", ">&- 2>&-", "<&- >&- 2>&-"])
def test_exit_code_without_stderr(tail, tmp_path):
    """An error that cannot be shown is still an error."""
    assert shell(tail, "cat nothing", tmp_path).returncode == 2
    assert shell(tail, "cat -", tmp_path).returncode == 1


@pytest.mark.parametrize(("tail", "said"), [(">&-", "standard output is closed"), (">/dev/full", "No space")])
@pytest.mark.parametrize(
    "command", ["cat starter", "list rules", "--help", "filter starter -o OUT --json --quiet"]
)
def test_a_result_that_cannot_be_written(command, tail, said, tmp_path):
    """It is lost, so that is a failure, in one line."""
    done = shell(tail, command, tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith(f"Error: {said}")


def test_stdout_that_is_not_needed_may_be_closed(tmp_path):
    """A stage writes nothing there without --json."""
    done = shell(">&-", "filter starter -o OUT", tmp_path)
    assert done.returncode == 0
    assert left_in(tmp_path) == ["OUT"]


def test_a_reader_that_has_enough(tmp_path):
    """`| head` ends `cat` without a word."""
    done = shell("| head -1", "cat starter", tmp_path)
    assert done.returncode == 0
    assert len(done.stdout.splitlines()) == 1
    assert done.stderr == ""

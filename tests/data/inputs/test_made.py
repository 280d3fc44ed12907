"""A dataset directory that was made or edited elsewhere: read as it should be, or refused in one line."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import polars as pl
import pytest
from cli import datagen, left_in

ROWS = {
    "id": ["a1", "a2"],
    "task": ["t1", "t2"],
    "instruction": ["Add two numbers.", "Sort a list of words."],
}
#: What reads a data set; none may print a traceback, whatever it holds.
READERS = [
    *(["cat", "@", "--as", shape] for shape in ("jsonl", "messages", "alpaca", "sharegpt")),
    ["cat", "@", "--limit", "1"],
    ["cat", "@", "--dropped"],
    ["trace", "@", "a1a1a1"],
    ["filter", "@", "-o", "OUT"],
    ["decontam", "@", "--check"],
    ["sample", "@", "-o", "OUT", "--teacher", "reference"],
    ["sample", "@", "-o", "OUT", "--teacher", "local:smollm2", "--dry-run"],
    ["run", "r.yaml", "-o", "OUT"],
    ["run", "r.yaml", "-o", "OUT", "--dry-run"],
    ["evolve", "@", "-o", "OUT", "--teacher", "local:smollm2", "--dry-run"],
]

RECIPE = """seeds: D
stages:
  - filter: {}
  - sample: {teacher: reference}
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "r.yaml").write_text(RECIPE)
    return tmp_path


def frame(**columns) -> pl.DataFrame:
    return pl.DataFrame({**ROWS, **columns})


def write(where: Path, *shards: pl.DataFrame, **changes) -> None:
    """A data set of these files whose manifest fits them, but for the changes."""
    files = {}
    drops = shards[0].head(0).with_columns(reason=pl.lit(None, pl.String))
    named = [(f"data/train-{n:05d}-of-{len(shards):05d}.parquet", shard) for n, shard in enumerate(shards)]
    for name, shard in [*named, ("dropped/train-00000-of-00001.parquet", drops)]:
        file = where / name
        file.parent.mkdir(parents=True, exist_ok=True)
        shard.write_parquet(file)
        files[name] = hashlib.sha256(file.read_bytes()).hexdigest()
    rows = sum(shard.height for shard in shards)
    content = {
        **{"format": 1, "datagen": "0", "stage": "filter", "key": "k", "digest": "d", "dropped_digest": "e"},
        **{"rows_in": rows, "rows_made": 0, "rows_out": rows, "failed": 0, "dropped": {}, "files": files},
        "times": {"seconds": 0.1, "made": "2026-01-01T00:00:00Z"},
    }
    content = {name: value for name, value in (content | changes).items() if value != "absent"}
    (where / "manifest.json").write_text(json.dumps(content))


def refused(*command: str) -> str:
    """The error line of a command, after checking that it left nothing."""
    done = datagen(*(part.replace("@", "D") for part in command))
    assert left_in(Path.cwd()) == ["D", "r.yaml"], command
    assert done.code in (1, 2), done
    line = done.err.splitlines()[-1]
    assert line.startswith("Error: "), done
    return line


def lists(value) -> pl.Series:
    return pl.Series("x", [value, value])


BAD_FRAMES = {
    "another column": ([frame(), frame(more=["x", "y"])], "has a column more that"),
    "a column less": ([frame(more=["x", "y"]), frame()], "has a column more that"),
    "a number for a text": ([frame(mine=["x", "y"]), frame(mine=[1, 2])], "column mine is Int64"),
    "instruction as number": ([frame(instruction=[1, 2])], "column instruction holds Int64"),
    "seed_id as integer": ([frame(seed_id=[1, 2])], "column seed_id holds Int64, but should hold String"),
    "tests as text": ([frame(tests=["assert f()", "x"])], "column tests holds String"),
    "no instruction": ([frame(instruction=["x", None])], "row 2: no instruction"),
    "no id": ([frame(id=[None, "x"])], "row 1: no id"),
    "no column id": ([frame().drop("id")], "has no column id"),
    "no column instruction": ([frame().drop("instruction")], "has no column instruction"),
    "later shard": ([frame(), frame(instruction=["x", None])], "train-00001-of-00002.parquet, row 2: no"),
}


@pytest.mark.parametrize("case", BAD_FRAMES)
def test_rows_that_are_none_of_ours(case, folder):
    """What does not have the columns of a data set is refused in one line that names the file."""
    shards, said = BAD_FRAMES[case]
    write(folder / "D", *shards)
    for command in READERS if case in ("seed_id as integer", "later shard") else READERS[::7]:
        if not {"--dropped", "--limit"} & {*command}:
            assert said in refused(*command), command


def test_dictionary_encoded_texts_are_texts(folder):
    """Other tools write repeated texts by number; the rows are the same."""
    write(folder / "D", frame().with_columns(pl.col("task", "instruction").cast(pl.Categorical)))
    for command in READERS:
        done = datagen(
            *(part.replace("@", "D") for part in command), "--overwrite" if "OUT" in command else ""
        )
        assert "Traceback" not in done.err
    assert [json.loads(line) for line in datagen("cat", "D").out.splitlines()] == frame().to_dicts()


BAD_MANIFESTS = {
    **{
        f"{name} absent": {name: "absent"}
        for name in ("rows_out", "dropped", "files", "times", "key", "stage")
    },
    **{f"rows_out {value!r}": {"rows_out": value} for value in ("2", 2.0, -2, 10**400, True, None, [2])},
    **{f"dropped {value!r}": {"dropped": value} for value in ([], {"x": "1"}, {"x": -1}, {"x": 10**300})},
    **{f"seconds {value!r}": {"times": {"seconds": value}} for value in ("1", True, None, -1)},
    **{f"calls {value!r}": {"times": {"seconds": 1, "calls": value}} for value in ([], {"asked": "1"})},
    "made": {"times": {"seconds": 1, "made": 5}},
    "files as list": {"files": ["data/x"]},
    "files by number": {"files": {"data/train-00000-of-00001.parquet": 1}},
    "a file elsewhere": {"files": {"data/../../x.parquet": "0"}},
    "a file with a null byte": {"files": {"data/train\0.parquet": "0"}},
    "more rows than are there": {"rows_out": 7},
    "fewer rows than are there": {"rows_out": 1},
    "format": {"format": "1"},
    "format true": {"format": True},
}


@pytest.mark.parametrize("case", BAD_MANIFESTS)
def test_manifests_that_are_none_of_ours(case, folder):
    """Missing entries, wrong types, and numbers that cannot be counts are refused in one line."""
    write(folder / "D", frame(), **BAD_MANIFESTS[case])
    for command in (["cat", "@"], ["filter", "@", "-o", "OUT"], READERS[-1]):
        assert "D/" in refused(*command) or "D " in refused(*command)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 500_000,
        '{"a":' * 500_000,
        '{"datagen": "0", "format": ' + "[" * 900 + "]" * 900 + "}",
        '{"datagen": "0", "format": 1, "rows_out": 1e400}',
        '{"datagen": "0", "format": 1, "times": {"seconds": Infinity}}',
        '{"datagen": "0", "format": NaN}',
        '{"datagen": "0", "format": 1, "rows_out": ' + "9" * 10_000 + "}",
        "\ud800".encode("utf-8", "surrogatepass").decode("latin-1"),
        "",
        "null",
    ],
    ids=[
        "nested",
        "nested objects",
        "nested format",
        "1e400",
        "Infinity",
        "NaN",
        "digits",
        "bytes",
        "empty",
        "null",
    ],
)
def test_texts_that_are_no_manifest(text, folder):
    """JSON that Python cannot take, or that says infinity, is refused in one line."""
    write(folder / "D", frame())
    (folder / "D/manifest.json").write_text(text, encoding="latin-1")
    for command in (["cat", "@"], ["trace", "@", "a1a1a1"], READERS[-1]):
        assert "manifest.json" in refused(*command)


def test_a_manifest_of_a_gigabyte(folder):
    """It is not read into memory."""
    write(folder / "D", frame())
    os.truncate(folder / "D/manifest.json", 2**30)
    assert "it has more than 64 MB" in refused("cat", "@")


@pytest.mark.parametrize("name", ["manifest.json", "data/train-00000-of-00001.parquet"])
def test_a_pipe_in_place_of_a_file(name, folder):
    """Nobody writes into it: reading it would wait forever."""
    write(folder / "D", frame())
    (folder / "D" / name).unlink()
    os.mkfifo(folder / "D" / name)
    for command in (["cat", "@"], ["filter", "@", "-o", "OUT"]):
        assert "it is no file" in refused(*command)


@pytest.mark.parametrize("apart", [False, True], ids=["one file", "two files"])
@pytest.mark.parametrize(
    "command", [["filter", "D", "-o", "OUT"], ["decontam", "D", "--check"]], ids=" ".join
)
def test_id_in_more_than_one_row(command, apart, folder):
    """Two rows of one id cannot be told apart: such a data set is refused as such a file is."""
    rows = frame(id=["a1", "a1"])
    write(folder / "D", *([rows.head(1), rows.tail(1)] if apart else [rows]))
    error = datagen(*command).error()
    assert "the id a1 stands in more than one row; ids must be unique; make the data set again" in error
    assert left_in(folder) == ["D", "r.yaml"]

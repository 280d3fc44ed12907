"""What the stages read: files, standard input, starter, data sets."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import sys

import polars as pl
import pytest
import zstandard
from cli import datagen

from datagen.data import inputs
from datagen.errors import DatagenError

ROWS = [{"instruction": f"Task {number} of ten", "n": number} for number in range(10)]
CONTENT = "".join(json.dumps(row) + "\n" for row in ROWS)


@pytest.fixture
def made(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text(CONTENT)
    datagen("filter", "in.jsonl", "-o", "made", "--only", "short-instruction")
    return tmp_path / "made"


@pytest.mark.parametrize("packed", [gzip.compress, zstandard.compress, bytes])
@pytest.mark.parametrize("made", [b'{"instruction": "a"}\n', b'[{"instruction": "a"}]', "parquet"], ids=str)
def test_standard_input_is_known_by_its_content(made, packed):
    """Lines, a list and Parquet are read from a pipe, packed or not."""
    if made == "parquet":
        content = io.BytesIO()
        pl.DataFrame({"instruction": ["a"]}).write_parquet(content)
        made = content.getvalue()
    assert '"instruction": "a"' in datagen("cat", "-", stdin=packed(made)).out


def test_standard_input_is_json_lines(monkeypatch):
    """`-` reads JSON lines and calls them "-"."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(CONTENT.encode())))
    found = inputs.open_source("-")
    assert (found.name, found.rows) == ("-", 10)
    assert [row["n"] for row in found.iter_rows()] == [*range(10)]


def test_starter_comes_with_datagen(tmp_path, monkeypatch):
    """`starter` is the tasks that come with datagen, unless a file of that name lies here."""
    monkeypatch.chdir(tmp_path)
    found = inputs.open_source("starter")
    assert (found.name, found.rows) == ("starter", 240)
    assert {"entry_point", "tests", "reference"} <= {*found.schema()}
    (tmp_path / "starter").mkdir()
    with pytest.raises(DatagenError, match="starter is no data set of datagen's and holds no files of rows"):
        inputs.open_source("starter")


def test_digest_is_that_of_the_content(made, tmp_path):
    """A file's digest is the sha256 of its bytes, a data set's that of its rows; names do not matter."""
    assert inputs.open_source("in.jsonl").digest == hashlib.sha256(CONTENT.encode()).hexdigest()
    (tmp_path / "other.jsonl").write_text(CONTENT)
    assert inputs.open_source("other.jsonl").digest == inputs.open_source("in.jsonl").digest
    assert inputs.open_source(str(made)).digest == json.loads((made / "manifest.json").read_text())["digest"]


def test_names_are_no_paths(made, tmp_path, monkeypatch):
    """A source is called after its file or folder alone, also when the folder is given as a dot."""
    assert inputs.open_source(str(tmp_path / "in.jsonl")).name == "in.jsonl"
    monkeypatch.chdir(made)
    assert inputs.open_source(".").name == "made"


def test_names_that_are_no_text(tmp_path):
    """Bytes of a file name that are no UTF-8 do not reach the manifest."""
    path = tmp_path / "caf\udce9.jsonl"
    path.write_text(CONTENT)
    assert inputs.open_source(str(path)).name == "caf?.jsonl"


@pytest.mark.parametrize("batch", [1, 3, 10, 100])
def test_frames_are_batches_in_order(made, batch, monkeypatch):
    """Rows come in order, in frames of at most BATCH_ROWS, from a file and from a data set alike."""
    monkeypatch.setattr(inputs, "BATCH_ROWS", batch)
    monkeypatch.setattr(inputs.made, "BATCH_ROWS", batch)
    for where in ("in.jsonl", str(made)):
        frames = [*inputs.open_source(where).frames()]
        assert all(0 < frame.height <= batch for frame in frames)
        assert pl.concat(frames)["n"].to_list() == [*range(10)]


def test_frames_can_be_read_twice(made):
    """A stage may go through its rows more than once."""
    found = inputs.open_source(str(made))
    assert pl.concat(found.frames()).equals(pl.concat(found.frames()))


def test_empty_data_set_has_one_empty_frame(made):
    """A data set without rows still shows its columns."""
    dropped = inputs.open_dropped(str(made))
    assert dropped.rows == 0
    (frame,) = dropped.frames()
    assert frame.height == 0
    assert {"instruction", "reason", "measure_instruction_words"} <= {*frame.columns}
    assert [*dropped.iter_rows()] == []


def test_dropped_is_for_data_sets(made):
    """A file has dropped nothing."""
    with pytest.raises(DatagenError, match=r"in\.jsonl is no dataset directory"):
        inputs.open_dropped("in.jsonl")


@pytest.mark.parametrize("limit", [1, 3, 9, 10, 11, None])
@pytest.mark.parametrize("batch", [1, 4, 100])
def test_limited(limit, batch, monkeypatch, made):
    """`limited` gives the first rows and no more, and counts them."""
    monkeypatch.setattr(inputs, "BATCH_ROWS", batch)
    found = inputs.open_source(str(made)).limited(limit)
    assert [row["n"] for row in found.iter_rows()] == [*range(10)][:limit]
    assert found.rows == min(limit or 10, 10)

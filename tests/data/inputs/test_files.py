"""Every format, compressed or not, gives the same rows."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path

import polars as pl
import pytest
import zstandard
from polars.testing import assert_frame_equal

from datagen.data.inputs import files, open_source
from datagen.errors import DatagenError

ROWS = [
    {
        "instruction": "Add two numbers, please: caf\u00e9 \U0001f600",
        "output": "def add(a, b):\n    return a + b\n",
    },
    {"instruction": 'Say "hello", \ttwice\u2028', "output": "print('hello')\r\n"},
    {"instruction": "Third", "output": None},
]


def as_jsonl(rows):
    return b"".join(json.dumps(row, ensure_ascii=False).encode() + b"\n" for row in rows)


def as_json(rows):
    return json.dumps(rows, indent=2).encode()


def as_csv(rows):
    return pl.DataFrame(rows).write_csv().encode()


def as_parquet(rows):
    content = io.BytesIO()
    pl.DataFrame(rows).write_parquet(content)
    return content.getvalue()


FORMATS = {
    ".jsonl": as_jsonl,
    ".ndjson": as_jsonl,
    ".json": as_json,
    ".csv": as_csv,
    ".parquet": as_parquet,
}
PACKED = {"": bytes, ".gz": gzip.compress, ".zst": zstandard.compress}


def read(path: Path, rename=None) -> pl.DataFrame:
    return pl.concat(open_source(str(path), rename).frames())


@pytest.mark.parametrize("packed", PACKED)
@pytest.mark.parametrize("suffix", FORMATS)
def test_all_formats_hold_the_same_rows(suffix, packed, tmp_path):
    """JSON lines, a JSON list, CSV and Parquet give the same rows, packed by gzip, zstd or not at all."""
    path = tmp_path / f"tasks.v1{suffix}{packed}"
    path.write_bytes(PACKED[packed](FORMATS[suffix](ROWS)))
    frame = read(path)
    assert frame["instruction"].to_list() == [row["instruction"] for row in ROWS]
    assert frame["response"].to_list() == [row["output"] for row in ROWS]
    (tmp_path / "same.jsonl").write_bytes(as_jsonl(ROWS))
    assert_frame_equal(frame, read(tmp_path / "same.jsonl"))


@pytest.mark.parametrize("name", ["A.JSONL", "a.Json", "a.CSV.GZ", "a.b.c.jsonl.ZST"])
def test_upper_case_suffixes_are_known(name, tmp_path):
    """Windows and cameras write suffixes in capitals."""
    content = as_csv(ROWS) if ".CSV" in name else as_json(ROWS) if "Json" in name else as_jsonl(ROWS)
    pack = PACKED[".gz"] if "GZ" in name else PACKED[".zst"] if "ZST" in name else bytes
    (tmp_path / name).write_bytes(pack(content))
    assert read(tmp_path / name).height == 3


@pytest.mark.parametrize("packed", [".gz", ".zst"])
def test_several_frames_are_read_to_the_end(packed, tmp_path):
    """A file made by `cat a.gz b.gz` holds the rows of both."""
    half = [PACKED[packed](as_jsonl([row])) for row in ROWS]
    (tmp_path / f"a.jsonl{packed}").write_bytes(b"".join(half))
    assert read(tmp_path / f"a.jsonl{packed}").height == 3


@pytest.mark.parametrize("packed", [".gz", ".zst"])
def test_every_cut_of_a_packed_file_is_noticed(packed, tmp_path):
    """Wherever a download broke off, the rows before are not taken for the whole file."""
    whole = PACKED[packed](as_jsonl([{"instruction": f"Task {n} of many"} for n in range(300)]))
    path = tmp_path / f"a.jsonl{packed}"
    for size in range(1, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(DatagenError, match=r"is not a whole (gzip|zstd) file"):
            files.read_bytes(path)


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + as_jsonl(ROWS),
        as_jsonl(ROWS).replace(b"}\n", b"}\r\n"),
        as_jsonl(ROWS).replace(b"}\n", b"}\n\n \t\n"),
        b"\n\n" + as_jsonl(ROWS),
        as_jsonl(ROWS)[:-1],
        as_jsonl(ROWS).replace(b"{", b"\t {"),
    ],
    ids=["bom", "crlf", "blank-lines", "blank-first", "no-last-newline", "indented"],
)
@pytest.mark.parametrize("suffix", [".jsonl", ".json"])
def test_json_lines_with_quirks(content, suffix, tmp_path):
    """A byte order mark, Windows line ends and blank lines change nothing; .json may hold lines too."""
    (tmp_path / f"a{suffix}").write_bytes(content)
    assert read(tmp_path / f"a{suffix}")["instruction"].to_list() == [row["instruction"] for row in ROWS]


@pytest.mark.parametrize(
    "content",
    [
        "\ufeffinstruction,n\na,1\nb,2\n",
        "instruction,n\r\na,1\r\nb,2\r\n",
        "instruction,n\n\na,1\n\n\nb,2\n\n",
        "instruction,n\na,1\nb,2",
        '"instruction","n"\n"a","1"\n"b","2"\n',
    ],
    ids=["bom", "crlf", "blank-lines", "no-last-newline", "quoted"],
)
def test_csv_with_quirks(content, tmp_path):
    """A byte order mark, Windows line ends and blank lines change nothing in CSV either."""
    (tmp_path / "a.csv").write_bytes(content.encode())
    frame = read(tmp_path / "a.csv")
    assert frame.select("instruction", "n").rows() == [("a", "1"), ("b", "2")]


def test_csv_cells_are_text(tmp_path):
    """Digits, dates and NA stay what they are; an empty cell is null, an empty text in quotes is one."""
    (tmp_path / "a.csv").write_text('instruction,u\na,007\nb,NA\nc,\nd,""\ne,"x\ny"\nf,"say ""hi"", now"\n')
    assert read(tmp_path / "a.csv")["u"].to_list() == ["007", "NA", None, "", "x\ny", 'say "hi", now']


def test_csv_with_few_cells(tmp_path):
    """Cells missing at the end of a line are null."""
    (tmp_path / "a.csv").write_text("instruction,u,v\na\nb,1\n")
    assert read(tmp_path / "a.csv").select("u", "v").rows() == [(None, None), ("1", None)]


def test_parquet_types_pass_through(tmp_path):
    """Dates, decimals, categories and binary columns of a Parquet file keep their type."""
    frame = pl.DataFrame({"instruction": ["a", "b"]}).with_columns(
        pl.Series("category", ["x", None], dtype=pl.Categorical),
        pl.Series("day", ["2026-01-01", None]).str.to_date(),
        pl.Series("price", ["1.10", "2.20"]).str.to_decimal(scale=2),
        pl.Series("raw", [b"\xff", None]),
        pl.Series("small", [1.5, None], dtype=pl.Float32),
        pl.Series("big", [2**64 - 1, 0], dtype=pl.UInt64),
        pl.Series("pair", [[1, 2], [3, 4]], dtype=pl.Array(pl.Int8, 2)),
    )
    frame.write_parquet(tmp_path / "a.parquet")
    assert_frame_equal(read(tmp_path / "a.parquet").drop("id", "task"), frame)

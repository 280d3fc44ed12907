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

from datagen.data.inputs import open_source
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
        with pytest.raises(DatagenError, match=r"is not a whole (gzip|zstd) file" if size > 3 else "a.jsonl"):
            open_source(str(path)).check()


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


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.tsv", "instruction\toutput\na, b; c\tx\n"),
        ("a.csv", "instruction\toutput\na, b; c\tx\n"),
        ("a.TSV.gz", "instruction\toutput\r\na, b; c\tx\r\n"),
        ("a.csv", 'instruction;output\n"a, b; c";x\n'),
        ("a.csv", '\ufeff"instruction";"output"\n"a, b; c";"x"\n'),
        ("a.tsv", 'instruction,output\n"a, b; c",x\n'),
        ("a.tsv", "instruction\toutput,more\toutput\na, b; c\t\tx\n"),
        ("a.tsv", "instruction\toutput\nsay \\N\ty\na, b; c\tx\n"),
    ],
)
def test_what_parts_the_cells(name, content, tmp_path):
    """The first line tells whether commas, tabs or semicolons part the cells."""
    raw = content.encode()
    (tmp_path / name).write_bytes(gzip.compress(raw) if name.endswith(".gz") else raw)
    assert read(tmp_path / name)["instruction", "response"].rows()[-1] == ("a, b; c", "x")


def test_one_column_of_tsv(tmp_path):
    """In a file called .tsv commas part nothing where the first line has none."""
    (tmp_path / "a.tsv").write_text("instruction\na, b\nc\n")
    assert read(tmp_path / "a.tsv")["instruction"].to_list() == ["a, b", "c"]


def test_torn_tsv_is_told(tmp_path):
    """The line names the mark that parts the cells of this file."""
    (tmp_path / "a.csv").write_text("instruction;output\na;b;c\n")
    with pytest.raises(
        DatagenError, match="line 2: 3 cells where the header names 2; is every cell that holds a semicolon"
    ):
        read(tmp_path / "a.csv")


@pytest.mark.parametrize("empty", [",", '"",""', ",\r", '""', '"",'])
def test_csv_row_of_empty_cells_is_dropped_with_its_reason(empty, tmp_path):
    """A row of empty cells is counted and told; a blank line is no row."""
    (tmp_path / "a.csv").write_text(f"instruction,output\na,b\n\n{empty}\n\r\nc,d\n", newline="")
    source = open_source(str(tmp_path / "a.csv"))
    if '"' in empty:  # a quoted cell is an empty text: that is an instruction, which `filter` judges
        assert pl.concat(source.frames())["instruction"].to_list() == ["a", "", "c"]
        return
    assert pl.concat(source.frames())["instruction"].to_list() == ["a", "c"]
    assert source.refused["reason"].to_list() == ["no-instruction"]
    assert source.refused["detail"].to_list() == ["a.csv, row 2: the instruction is null"]


def test_csv_with_few_cells(tmp_path):
    """Cells missing at the end of a line are null."""
    (tmp_path / "a.csv").write_text("instruction,u,v\na\nb,1\n")
    assert read(tmp_path / "a.csv").select("u", "v").rows() == [(None, None), ("1", None)]


def test_parquet_types_pass_through(tmp_path):
    """Dates, decimals and bytes of a Parquet file keep their type; categories become text."""
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
    plain = frame.with_columns(pl.col("category").cast(pl.String))
    assert_frame_equal(read(tmp_path / "a.parquet").drop("id", "task"), plain)


def test_odd_values_of_parquet(tmp_path):
    """NaN is null; bytes that are text and infinite numbers are text; far dates are numbers."""
    pl.DataFrame({"instruction": ["a", "b"]}).with_columns(
        pl.Series("nan", [float("nan"), 1.0]),
        pl.Series("infinite", [float("inf"), 1.0]),
        pl.Series("nested", [[{"x": float("nan")}], None]),
        pl.Series("bytes", [b"caf\xc3\xa9", None]),
        pl.Series("kinds", [["x"], None], dtype=pl.List(pl.Categorical)),
        pl.Series("far", [2**22, 0]).cast(pl.Date),
    ).write_parquet(tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet").drop("id", "task", "instruction").to_dict(as_series=False) == {
        "nan": [None, 1.0],
        "infinite": ["inf", "1.0"],
        "nested": ['[{"x": NaN}]', None],
        "bytes": ["caf\u00e9", None],
        "kinds": [["x"], None],
        "far": [2**22, 0],
    }


@pytest.mark.parametrize(
    "content",
    [
        'instruction,output\n"Print one \\" mark.",a\nb,"c\\\\"\n"d \\n e",\\N\n',
        'instruction,output\n"Print one \\" mark.",a\n"b","c\\\\"\n"d \\n e",""\n',
    ],
    ids=["MySQL", "Spark"],
)
def test_csv_with_backslashes(content, tmp_path):
    """Quotes escaped by backslashes keep rows apart; other backslashes stay."""
    (tmp_path / "a.csv").write_text(content)
    rows = [
        (asked, answer or None)
        for asked, answer in read(tmp_path / "a.csv")["instruction", "response"].rows()
    ]
    assert rows == [('Print one " mark.', "a"), ("b", "c\\"), ("d \\n e", None)]


def test_csv_with_backslashes_that_mean_nothing(tmp_path):
    """In a file that doubles its quotes a backslash before one is a backslash."""
    (tmp_path / "a.csv").write_text('instruction,output\n"C:\\","say ""x\\""."\n')
    assert read(tmp_path / "a.csv")["instruction", "response"].rows() == [("C:\\", 'say "x\\".')]


def test_an_escaped_quote_before_a_line_end(tmp_path):
    """Doubled quotes would make two rows of it, one of them torn."""
    (tmp_path / "a.csv").write_text('instruction,response\n"x \\"\ny\\"",z\n')
    assert read(tmp_path / "a.csv").select("instruction", "response").rows() == [('x "\ny"', "z")]


def test_a_column_that_is_not_there(tmp_path):
    """--columns with a name that no column has is told."""
    (tmp_path / "a.jsonl").write_bytes(as_jsonl(ROWS))
    with pytest.raises(DatagenError, match=r"a\.jsonl has no column outputs; did you mean output"):
        open_source(str(tmp_path / "a.jsonl"), None, ["instruction", "outputs"]).check()


def test_content_counts_more_than_the_name(tmp_path):
    """Whatever a file is called, it is read as what it is."""
    for name in ("a.jsonl", "a.csv.gz", "a.txt", "a"):
        for make in (as_jsonl, as_json, as_parquet):
            for pack in PACKED.values():
                (tmp_path / name).write_bytes(pack(make(ROWS)))
                assert read(tmp_path / name)["instruction"].to_list() == [row["instruction"] for row in ROWS]


class TestFolders:
    """Folders of files."""

    def test_shards(self, tmp_path):
        """The shards of a repository are read in order; of several splits it is train, and that is said."""
        for number in range(3):
            path = tmp_path / "repo" / "data" / f"train-0000{number}-of-00003.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            pl.DataFrame({"instruction": [f"{number}a", f"{number}b"]}).write_parquet(path)
        (tmp_path / "repo" / "README.md").write_text("# Rows")
        source = open_source(str(tmp_path / "repo"))
        assert [row["instruction"] for row in source.iter_rows()] == ["0a", "0b", "1a", "1b", "2a", "2b"]
        assert (source.name, source.notes) == ("repo", [])
        (tmp_path / "repo" / "data" / "test-00000.parquet").write_bytes(path.read_bytes())
        source = open_source(str(tmp_path / "repo"))
        assert source.rows == 6
        assert source.notes[0].startswith("repo: only the split train is read, not test")

    def test_shards_with_other_columns(self, tmp_path):
        """A column that one shard lacks is null there; one of two types is text."""
        pl.DataFrame({"instruction": ["a"], "n": [1], "x": [True]}).write_parquet(tmp_path / "0.parquet")
        pl.DataFrame({"n": ["one"], "instruction": ["b"], "y": [1.5]}).write_parquet(tmp_path / "1.parquet")
        found = pl.concat(open_source(str(tmp_path)).frames()).select("instruction", "n", "x", "y")
        assert found.rows() == [("a", "1", True, None), ("b", "one", None, 1.5)]

    def test_what_save_to_disk_writes(self, tmp_path):
        """Arrow streams, in the order that state.json tells."""
        names = ["data-00001-of-00002.arrow", "data-00000-of-00002.arrow"]
        for name in names:
            pl.DataFrame({"instruction": [name]}).write_ipc_stream(tmp_path / name)
        state = {"_data_files": [{"filename": name} for name in names]}
        (tmp_path / "state.json").write_text(json.dumps(state))
        (tmp_path / "dataset_info.json").write_text("{}")
        assert [row["instruction"] for row in open_source(str(tmp_path)).iter_rows()] == names

    def test_several_files(self, tmp_path):
        """Files of several formats follow each other; the digest is that of all."""
        (tmp_path / "a.jsonl").write_bytes(as_jsonl(ROWS))
        (tmp_path / "b.csv").write_bytes(as_csv(ROWS))
        source = open_source([str(tmp_path / "a.jsonl"), str(tmp_path / "b.csv")])
        assert [row["instruction"] for row in source.iter_rows()] == [row["instruction"] for row in ROWS] * 2
        assert source.name == "a.jsonl, b.csv"
        assert source.digest != open_source(str(tmp_path / "a.jsonl")).digest

    @pytest.mark.parametrize(
        ("files", "says"),
        [
            ({"README.md": "x"}, "holds no files of rows"),
            ({"state.json": "{"}, "is not what `save_to_disk` writes"),
            ({"state.json": '{"_data_files": [{"filename": "../x"}]}'}, "which is no name of one"),
        ],
    )
    def test_broken(self, files, says, tmp_path):
        """A folder without rows is one line."""
        for name, content in files.items():
            (tmp_path / name).write_text(content)
        with pytest.raises(DatagenError, match=says):
            open_source(str(tmp_path)).check()


def test_only_some_columns(tmp_path):
    """--columns reads these and no others, whatever the others hold."""
    for name, make in FORMATS.items():
        path = tmp_path / f"a{name}"
        path.write_bytes(make([row | {"x": 1, "^y$": 2} for row in ROWS]))
        found = open_source(str(path), {"response": "output"}, ["instruction", "^y$"])
        assert found.schema().names() == ["id", "task", "instruction", "response", "^y$"]

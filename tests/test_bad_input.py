"""Whatever a user gives: one line on stderr, the documented exit code, and nothing left behind."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import polars as pl
import pytest
import zstandard
from cli import Ended, datagen, left_in, spawn

TASK = {"instruction": "Write a function that adds two numbers."}
BENCHMARK = {
    "task_id": "x/1",
    "prompt": "Sort the words of a text by length.",
    "entry_point": "f",
    "tests": ["f()"],
}
#: What a stage needs beside its input and OUT.
STAGES: dict[str, tuple[str, ...]] = {
    "evolve": ("--teacher", "openai:none@http://127.0.0.1:9/v1"),  # nobody is asked before the input is read
    "sample": ("--teacher", "reference"),
    "filter": (),
    "decontam": ("--against", "jsonl:../bench.jsonl"),
    "cat": (),
}


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder; a tiny benchmark lies beside it."""
    (tmp_path / "bench.jsonl").write_text(json.dumps(BENCHMARK))
    place = tmp_path / "here"
    place.mkdir()
    monkeypatch.chdir(place)
    return place


def run(stage: str, source: object, *more: object, out: str = "OUT", stdin: bytes = b"") -> Ended:
    where = [] if stage == "cat" else ["-o", out]
    return datagen(stage, source, *where, *STAGES[stage], *more, stdin=stdin)


def lines(*rows: Any) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in rows)


def task(**more: Any) -> dict[str, Any]:
    return {**TASK, **more}


def parquet(**columns: Any) -> bytes:
    content = io.BytesIO()
    pl.DataFrame({"instruction": [TASK["instruction"]] * 2, **columns}).write_parquet(content)
    return content.getvalue()


def nested(opening: str, depth: int, closing: str) -> bytes:
    return b'{"instruction": "a", "u": ' + (opening * depth + "1" + closing * depth).encode() + b"}\n"


class Bad(NamedTuple):
    """A file that no stage can read: its name, its content, and what the error line says."""

    name: str
    content: bytes
    says: str


PACKED = lines(*[task(number=number) for number in range(2000)])
BAD = [
    Bad("empty.jsonl", b"", "empty.jsonl is empty; it should hold one task per row"),
    Bad("empty.json", b"", "is empty"),
    Bad("empty.csv", b"", "is empty"),
    Bad("empty.parquet", b"", "is empty"),
    Bad("empty.jsonl.gz", b"", "is empty"),
    Bad("blank.jsonl", b" \n\t\r\n\n", "is empty"),
    Bad("blank.csv", b"\n \n", "is empty"),
    Bad("bom-alone.jsonl", b"\xef\xbb\xbf", "holds no rows"),
    Bad("no-rows.json", b"[]", "holds no rows"),
    Bad("header-alone.csv", b"instruction\n", "holds no rows"),
    Bad(
        "latin1.jsonl", lines(TASK) + b'{"instruction": "caf\xe9"}', "line 2: byte 0xe9 is not UTF-8; convert"
    ),
    Bad("latin1.json", b'[\n{"instruction": "caf\xe9"}]', "line 2: byte 0xe9 is not UTF-8"),
    Bad("latin1.csv", b"instruction\ncaf\xe9\n", "line 2: byte 0xe9 is not UTF-8"),
    Bad("utf16.jsonl", json.dumps(TASK).encode("utf-16"), "line 1: byte 0xff is not UTF-8"),
    Bad("nul.jsonl", b"\0\n", "line 1: not JSON"),
    Bad("page.jsonl", b"<!DOCTYPE html>\n", "page.jsonl is a web page or XML"),
    Bad("cut.jsonl", lines(TASK, TASK)[:-9], "line 2: not JSON"),
    Bad("cut.json", b"[" + lines(TASK)[:-5], "line 1: not JSON"),
    Bad("two-lists.json", b"[] []", "line 1: not JSON: Extra data"),
    Bad("old-mac.jsonl", lines(TASK, TASK).replace(b"\n", b"\r"), "line 1: not JSON: Extra data"),
    Bad(
        "50MB.jsonl",
        b'{"instruction": "' + b"a" * 50_000_000 + b'"}',
        "line 1: 48 MB in one line; at most 16 MB",
    ),
    Bad("same-id.jsonl", lines(task(id="a"), task(id="a")), "the id a stands in more than one row"),
    Bad("fraction-id.jsonl", lines(task(id=1.5)), "column id should be text, but holds a number"),
    Bad(
        "number.jsonl",
        lines({"instruction": 12}),
        "column instruction should be text, but holds a whole number",
    ),
    Bad("list.jsonl", lines({"instruction": ["a"]}), "column instruction should be text, but holds a list"),
    Bad(
        "empty-list.jsonl", lines({"instruction": []}), "column instruction should be text, but holds a list"
    ),
    Bad(
        "object.jsonl",
        lines({"instruction": {"a": 1}}),
        "column instruction should be text, but holds an object",
    ),
    Bad(
        "prompt.jsonl",
        lines({"prompt": [{"role": "user"}]}),
        "has no column instruction, prompt, question or messages of text but prompt",
    ),
    Bad(
        "tests-of-numbers.jsonl",
        lines(task(tests=[1])),
        "column tests should be a list of texts, but holds a list",
    ),
    Bad(
        "response.jsonl", lines(task(response=7)), "column response should be text, but holds a whole number"
    ),
    Bad("depth.csv", b"instruction,depth\na,deep\n", "column depth should be a whole number, but holds text"),
    Bad(
        "surrogate-key.jsonl",
        b'{"instruction": "a", "\\ud800": 1}',
        "row 1: the name of a column, ?, holds half of a surrogate",
    ),
    Bad("deep-object.jsonl", nested('{"a": ', 900, "}"), "row 1: a value is nested hundreds of levels deep"),
    Bad("deeper.jsonl", nested("[", 100_000, "]"), "line 1: nested deeper than Python's parser can follow"),
    Bad("many-keys.jsonl", lines(*[{f"k{i}": 1} for i in range(1001)]), "more than 1,000 different keys"),
    Bad("nothing.jsonl", b"{}\n", "holds no rows"),
    Bad("null-row.json", b"[null]", "holds no rows"),
    Bad(
        "object-in-line.json",
        json.dumps({"rows": [TASK]}).encode(),
        "no column instruction, prompt, question or messages of text but rows",
    ),
    Bad("empty-object.json", b"{\n}", "holds an empty object; it should hold a list of objects"),
    Bad("number.json", b"12", "line 1: a whole number where an object should be"),
    Bad("numbers.json", b"[1, 2]", "row 1: a whole number where an object should be"),
    Bad("list-in-line.jsonl", b"[]\n", "holds no rows"),
    Bad("bars.csv", b"instruction|output\na|b\n", "but instruction|output; say which"),
    Bad("ragged.csv", b"instruction,output\na,b,c\n", "not a readable CSV file"),
    Bad("open-quote.csv", b'instruction\n"a\n', "not a readable CSV file"),
    Bad("same-name.csv", b"instruction,x,x\na,1,2\n", "two columns called x"),
    Bad("cut.jsonl.gz", gzip.compress(PACKED)[:-500], "is not a whole gzip file"),
    Bad("no.jsonl.gz", b"hello", "line 1: not JSON"),
    Bad(
        "flipped.jsonl.gz",
        gzip.compress(PACKED)[:-8] + b"\0" * 8,
        "is not a whole gzip file: CRC check failed",
    ),
    Bad(
        "cut.jsonl.zst", zstandard.compress(PACKED)[:-500], "is not a whole zstd file: it ends in the middle"
    ),
    Bad("no.jsonl.zst", b"hello", "line 1: not JSON"),
    Bad("cut.parquet", parquet()[:-50], "not a readable Parquet file"),
    Bad("no.parquet", b"hello, this is no Parquet file", "not a readable Parquet file"),
    Bad(
        "chat-text.jsonl",
        lines({"messages": "hello"}),
        "no column instruction, prompt, question or messages of text",
    ),
    Bad(
        "chat-and-response.jsonl",
        lines({"messages": [{"role": "user", "content": "a"}], "response": "b"}),
        "has both messages and response",
    ),
    Bad(
        "shared-task.jsonl",
        lines(task(task="t"), {"instruction": "b", "task": "t"}),
        "two instructions share the task t",
    ),
    Bad("notes.txt", b"hello", "neither its name nor its content tells its format"),
    Bad(
        "pointer.parquet", b"version https://git-lfs.github.com/spec/v1\noid sha256:0", "a pointer of Git LFS"
    ),
    Bad("book.jsonl", b"PK\x03\x04" + bytes(30), "is a zip archive"),
    Bad(
        "quotes.csv",
        b'instruction,output\n"a \\" b,c\nd,"e" f\n',
        "not a readable CSV file: line 2",
    ),
]
OF_OURS = ("reason", "detail", "overlaps", "stage", "measure_x", "measure_instruction_words")
BAD += [
    Bad(
        f"{name}.jsonl",
        lines(task(**{name: "mine"})),
        f"the column {name} bears a name that datagen writes itself",
    )
    for name in OF_OURS
]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("bad", BAD, ids=lambda bad: bad.name)
def test_unreadable_file(bad, stage, folder):
    """A file that cannot be read is one line that names it, exit 1, and no OUT."""
    (folder / bad.name).write_bytes(bad.content)
    error = run(stage, bad.name).error(1)
    assert bad.says in error
    assert error.startswith(f"Error: {bad.name}")
    assert left_in(folder) == [bad.name]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("name", ["no.jsonl", "no/such/place", "", "x" * 300])
def test_missing_file(name, stage, folder):
    """A path that does not exist is a usage error that names it."""
    assert f"{name or 'an empty path'} does not exist; give a file" in run(stage, name).error(2)
    assert left_in(folder) == []


@pytest.mark.parametrize("stage", STAGES)
def test_standard_input_is_checked_too(stage, folder):
    """Broken lines on standard input are named as such."""
    assert "standard input is empty" in run(stage, "-").error(1)
    assert "standard input, line 2: not JSON" in run(stage, "-", stdin=lines(TASK) + b"{").error(1)
    assert left_in(folder) == []


@pytest.mark.parametrize("stage", STAGES)
def test_error_is_one_line_whatever_the_names_are(stage, folder):
    """Line breaks and control characters in file and column names do not reach the terminal."""
    name = "two\nlines\x1b[31m.jsonl"
    (folder / name).write_bytes(lines({"a\nb\x07": 1}))
    assert "two lines\N{REPLACEMENT CHARACTER}[31m.jsonl has no column" in run(stage, name).error(1)


def test_error_is_short_whatever_it_quotes(folder):
    """A file of ten thousand columns does not fill the screen."""
    (folder / "wide.csv").write_text(",".join(f"column{i}" for i in range(10_000)) + "\n" + "," * 9_999)
    assert len(datagen("filter", "wide.csv", "-o", "OUT", "--map", "instruction=x").error(1)) < 1100


@pytest.mark.parametrize(
    "name",
    [
        "kept",
        "row",
        "_order",
        "index",
        "literal",
        "len",
        "item",
        "benchmark",
        "value",
        "",
        " ",
        "x.y",
        "caf\u00e9",
        "a\nb",
    ],
    ids=repr,
)
@pytest.mark.parametrize("stage", ["sample", "filter", "decontam"])
def test_columns_of_the_user_come_through(name, stage, folder):
    """A column that datagen does not know stays with every row, kept or dropped, whatever its name."""
    texts = [TASK["instruction"], "Add.", BENCHMARK["prompt"]]
    rows = [{"instruction": text, name: f"v{number}"} for number, text in enumerate(texts)]
    (folder / "in.jsonl").write_bytes(lines(*rows))
    assert run(stage, "in.jsonl").code in (0, 3)
    printed = datagen("cat", "OUT").out + datagen("cat", "OUT", "--dropped").out
    assert {"v0", "v1", "v2"} <= {json.loads(line).get(name) for line in printed.splitlines()}


class TestDataset:
    """A data set whose parts are missing or damaged."""

    @pytest.fixture(autouse=True)
    def made(self, folder):
        (folder / "in.jsonl").write_bytes(lines(*[task(number=number) for number in range(5)]))
        assert datagen("filter", "in.jsonl", "-o", "made").code == 0
        (folder / "in.jsonl").unlink()
        return folder / "made"

    @pytest.fixture(params=STAGES)
    def stage(self, request):
        return request.param

    @pytest.fixture
    def shard(self, made):
        return made / "data" / "train-00000-of-00001.parquet"

    def refused(self, stage: str, says: str) -> None:
        error = run(stage, "made").error(1)
        assert says in error
        assert "again" in error or "give a" in error
        assert left_in(Path()) == ["made"]

    def test_no_manifest(self, stage, made):
        """A directory without a manifest is no data set."""
        (made / "manifest.json").unlink()
        self.refused(stage, "made has no manifest.json, so it is no finished data set")

    @pytest.mark.parametrize(
        ("content", "says"),
        [
            (b"", "cannot be read"),
            (b"{", "cannot be read"),
            (b"caf\xe9", "cannot be read"),
            (b"[" * 100_000, "cannot be read"),
            (b"[]", "is not a manifest of datagen"),
            (b'{"name": "my browser extension"}', "is not a manifest of datagen"),
            (b'{"datagen": "9", "format": 99}', "has format 99, but this datagen reads"),
            (b'{"datagen": "0.1.0", "format": 1}', "is damaged"),
        ],
    )
    def test_damaged_manifest(self, stage, made, content, says):
        """A manifest that is cut, of another program or of another version is named."""
        (made / "manifest.json").write_bytes(content)
        self.refused(stage, f"made/manifest.json {says}")

    @pytest.mark.parametrize(
        "key", ["stage", "key", "digest", "rows_in", "rows_out", "failed", "dropped", "files", "times"]
    )
    @pytest.mark.parametrize("value", [None, [], {"x": []}, 1.5])
    def test_manifest_with_a_broken_entry(self, made, key, value):
        """Each entry of the manifest that commands rely on is checked."""
        manifest = json.loads((made / "manifest.json").read_text())
        (made / "manifest.json").write_text(json.dumps({**manifest, key: value}))
        self.refused("cat", "made/manifest.json is damaged")

    def test_missing_rows(self, stage, shard):
        """A data set without its Parquet file is not read as an empty one."""
        shard.unlink()
        self.refused(stage, f"{shard.relative_to(Path.cwd())} cannot be read: No such file")

    @pytest.mark.parametrize("size", [0, 3, 500])
    def test_cut_rows(self, stage, shard, size):
        """A truncated Parquet file is noticed."""
        shard.write_bytes(shard.read_bytes()[:size])
        self.refused(stage, "damaged or changed since; make the data set again")

    def test_flipped_bit(self, stage, shard):
        """Rows that are not those the manifest speaks of are noticed, readable or not."""
        content = bytearray(shard.read_bytes())
        content[40] ^= 1
        shard.write_bytes(content)
        self.refused(stage, "damaged or changed since")

    def test_other_rows(self, stage, shard):
        """Another Parquet file under the right name is noticed."""
        pl.DataFrame({"x": [1]}).write_parquet(shard)
        self.refused(stage, "damaged or changed since")

    def test_missing_dropped_rows(self, made):
        """`cat --dropped` notices when they are gone."""
        shutil.rmtree(made / "dropped")
        assert "cannot be read: No such file" in datagen("cat", "made", "--dropped").error(1)

    def test_map_is_for_files(self, stage):
        """A data set's columns have fixed names."""
        assert "--map and --columns are for files; made is a dataset directory" in run(
            stage, "made", "--map", "a=b"
        ).error(1)

    @pytest.mark.parametrize("damage", ["missing", "damaged"])
    def test_damaged_data_set_is_made_again(self, folder, shard, damage):
        """The same command repairs a data set that lost its rows: it is not "already made"."""
        (folder / "in.jsonl").write_bytes(lines(*[task(number=number) for number in range(5)]))
        whole = shard.read_bytes()
        shard.unlink() if damage == "missing" else shard.write_bytes(whole[:100])
        assert datagen("filter", "in.jsonl", "-o", "made", "--json").json()["already_made"] is False
        assert shard.read_bytes() == whole

    def test_damaged_manifest_in_out(self, folder, made):
        """OUT with a manifest that cannot be read is left alone, also with --overwrite."""
        (folder / "in.jsonl").write_bytes(lines(TASK))
        (made / "manifest.json").write_text("{")
        for more in ((), ("--overwrite",)):
            error = datagen("filter", "in.jsonl", "-o", "made", *more).error(1)
            assert "made/manifest.json cannot be read" in error
            assert "remove made yourself" in error
        assert (made / "manifest.json").read_text() == "{"


MAPS = [
    (("--map", "instruction=qestion"), 1, "no column qestion to map to instruction; did you mean question?"),
    (("--map", "instruction"), 2, "instruction should be NEW=OLD, such as instruction=question"),
    (("--map", "=question"), 2, "should be NEW=OLD"),
    (("--map", "a=question", "--map", "a=answer"), 2, "a is read both from question and from answer"),
    (
        ("--map", "a=question", "--map", "b=question"),
        1,
        "reads the column question of in.jsonl both as a and as b",
    ),
    (
        ("--map", "answer=question"),
        1,
        "has a column answer already; map it elsewhere first: --map old_answer=answer",
    ),
    (("--map", "instruction=number"), 1, "column instruction should be text, but holds a whole number"),
    (("--map", "instruction=question", "--map", "tests=number"), 1, "or leave out --map tests=number"),
]


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    ("words", "code", "says"), MAPS, ids=lambda value: "-".join(value) if type(value) is tuple else ""
)
def test_map(stage, words, code, says, folder):
    """A --map that does not fit the file says which part of it is wrong."""
    (folder / "in.jsonl").write_bytes(lines({"question": "a", "answer": "b", "number": 1}))
    assert says in run(stage, "in.jsonl", *words).error(code)
    assert left_in(folder) == ["in.jsonl"]


USAGE = [
    ("flter in.jsonl", "unknown command flter: did you mean filter?"),
    ("filter in.jsonl -o OUT --onyl x", "No such option '--onyl'"),
    ("filter in.jsonl", "Missing option '-o' / '--out'"),
    ("filter -o OUT", "Missing argument 'ROWS...'"),
    ("filter in.jsonl more -o OUT", "more does not exist"),
    ("filter in.jsonl -o OUT --only no-cod", "unknown rule no-cod: did you mean no-code?"),
    ("filter in.jsonl -o OUT --skip no-code,refusl", "unknown rule refusl: did you mean refusal?"),
    ("filter in.jsonl -o OUT --only ,", "it names no rule; allowed: "),
    ("decontam in.jsonl --against humanevl", "unknown benchmark humanevl: did you mean humaneval?"),
    ("decontam in.jsonl --against mbp:x", "unknown benchmark mbp:x: did you mean mbpp?"),
    ("decontam in.jsonl --against mbpp", "mbpp should be written as mbpp:PATH"),
    ("decontam in.jsonl --against humaneval:x", "humaneval:x should be written as humaneval"),
    ("decontam in.jsonl --against jsonl:no.jsonl", "no.jsonl is no file"),
    ("decontam in.jsonl --against jsonl:..", ".. is no file"),
    (
        "decontam in.jsonl -o OUT --against jsonl:../bench.jsonl --against jsonl:./../bench.jsonl",
        "two benchmarks are called bench",
    ),
    ("sample in.jsonl -o OUT --teacher refrence", "unknown teacher refrence: did you mean reference?"),
    ("evolve in.jsonl -o OUT --teacher reference:x", "reference"),
    ("evolve in.jsonl -o OUT --teacher reference --rounds 0", "0 is not in the range"),
    ("sample in.jsonl -o OUT --teacher reference -n many", "'many' is not a valid integer"),
    ("sample in.jsonl -o OUT", "Missing option '--teacher'"),
    ("sample in.jsonl -o OUT --teacher reference --student refrence", "did you mean reference?"),
    ("sample in.jsonl -o OUT --teacher reference --timeout 0", "0 is not a number above 0"),
    ("sample in.jsonl -o OUT --teacher reference --timeout nan", "nan is not a number above 0"),
    ("sample in.jsonl -o OUT --teacher reference --max-usd -1", "-1 is not a number above 0"),
    ("sample in.jsonl -o OUT --teacher reference --concurrency 0", "0 is not in the range"),
    ("sample in.jsonl -o OUT --teacher openai:m --max-usd 1", "--max-usd needs the price of openai:m"),
    ("sample in.jsonl -o OUT --teachers no.yaml", "no.yaml cannot be read: No such file or directory"),
    ("sample in.jsonl -o OUT --teachers in.jsonl", "in.jsonl, "),
    ("evolve in.jsonl -o OUT --teacher reference --judge refrence", "did you mean reference?"),
    ("evolve in.jsonl -o OUT --teacher reference --method bredth", "did you mean breadth?"),
    (
        "evolve in.jsonl -o OUT --teacher reference --method breadth=0",
        "breadth: its weight should be a number",
    ),
    (
        "evolve in.jsonl -o OUT --teacher reference --method breadth --method breadth",
        "breadth is given twice",
    ),
    ("cat in.jsonl --as mesages", "'mesages' is not one of"),
    ("cat in.jsonl --dropped --map a=b", "--dropped is for one data set, without --map and --columns"),
    ("list ruls", "'ruls' is not one of"),
    ("run no.yaml -o OUT", "no.yaml cannot be read: No such file or directory"),
    ("run demo -o OUT --until fiter", "has no stage fiter to stop after: did you mean filter?"),
]


@pytest.mark.parametrize(("words", "says"), USAGE, ids=[words for words, _ in USAGE])
def test_usage(words, says, folder):
    """What the command line alone shows to be wrong is exit 2, and the nearest name is told."""
    (folder / "in.jsonl").write_bytes(lines(TASK))
    assert says in datagen(*words.split()).error(2)
    assert left_in(folder) == ["in.jsonl"]


@pytest.mark.parametrize(
    "words", [words for words, _ in USAGE if " -o " in words and not words.startswith("cat")]
)
def test_usage_with_json(words, folder):
    """An error prints nothing on stdout, also where --json was asked for."""
    (folder / "in.jsonl").write_bytes(lines(TASK))
    datagen(*words.split(), "--json").error(2)


class TestOut:
    """An OUT that cannot or must not be written."""

    STAGES = ("sample", "filter", "decontam")

    @pytest.fixture(autouse=True)
    def tasks(self, folder):
        (folder / "in.jsonl").write_bytes(lines(TASK))

    @pytest.mark.parametrize("more", [(), ("--overwrite",)])
    @pytest.mark.parametrize("stage", STAGES)
    def test_file(self, stage, more, folder):
        """-o that is a file is refused and the file is not touched."""
        (folder / "OUT").write_text("precious")
        assert "OUT is a file; -o names the directory" in run(stage, "in.jsonl", *more).error(1)
        assert (folder / "OUT").read_text() == "precious"
        assert left_in(folder) == ["OUT", "in.jsonl"]

    #: Files of a folder that looks more or less like a data set, and what is found in it first.
    FOREIGN = (
        (("thesis.tex",), "thesis.tex"),
        (("README.md",), "README.md"),
        (("README.md", "data/train-00000-of-00001.parquet"), "README.md"),
        (("README.md", "data/train-00000-of-00001.parquet", "stages/run.py"), "stages/run.py"),
        (("README.md", "data/rows.csv", "stages/notes/x"), "data/rows.csv"),
        (("README.md", "data/train-00000-of-00001.parquet", "stages/01-evolve/x"), "stages/01-evolve"),
        ((".git/config",), ".git"),
        (("data/deep/file",), "data/deep"),
        (("dropped/notes.txt",), "dropped/notes.txt"),
    )

    @pytest.mark.parametrize("more", [(), ("--overwrite",)])
    @pytest.mark.parametrize(("files", "found"), FOREIGN, ids=[" ".join(files) for files, _ in FOREIGN])
    def test_foreign_files(self, files, found, more, folder):
        """What datagen did not put there is named and never deleted."""
        for name in files:
            (folder / "OUT" / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / "OUT" / name).write_text("precious")
        for stage in self.STAGES:
            error = run(stage, "in.jsonl", *more).error(1)
            assert f"OUT holds {found}, which datagen did not put there; choose another -o" in error
        assert all((folder / "OUT" / name).read_text() == "precious" for name in files)
        assert left_in(folder) == ["OUT", "in.jsonl"]

    @pytest.mark.parametrize(
        "name", ["notes.txt", "data/notes.txt", "stages/notes.txt", "dropped/sub/x.parquet"]
    )
    def test_foreign_file_in_a_data_set(self, name, folder):
        """A file that somebody added to a data set keeps it from being replaced."""
        run("filter", "in.jsonl")
        (folder / "OUT" / name).parent.mkdir(exist_ok=True, parents=True)
        (folder / "OUT" / name).write_text("precious")
        assert "which datagen did not put there" in run(
            "filter", "in.jsonl", "--skip", "no-code", "--overwrite"
        ).error(1)
        assert (folder / "OUT" / name).read_text() == "precious"

    def test_linked_rows_are_not_followed(self, folder, tmp_path):
        """A link inside OUT is somebody's own: what it points to is not deleted."""
        run("filter", "in.jsonl")
        (folder / "OUT/data").rename(tmp_path / "elsewhere")
        (folder / "OUT/data").symlink_to(tmp_path / "elsewhere")
        assert "OUT holds data, which" in run("filter", "in.jsonl", "--skip", "no-code", "--overwrite").error(
            1
        )
        assert left_in(tmp_path / "elsewhere") != []

    @pytest.mark.parametrize("more", [(), ("--overwrite",)])
    @pytest.mark.parametrize("out", [".", "", "../here", "./"])
    def test_working_folder(self, out, more, folder):
        """-o . would pull the folder from under the user's feet, even where it is empty."""
        for inside in (folder, folder / "empty"):
            inside.mkdir(exist_ok=True)
            os.chdir(inside)
            out_here = out.replace("here", inside.name)
            error = run("filter", folder / "in.jsonl", *more, out=out_here).error(1)
            assert "is the folder that you are in; name another" in error
        assert left_in(folder) == ["empty", "in.jsonl"]
        assert left_in(folder / "empty") == []

    @pytest.mark.parametrize("more", [(), ("--overwrite",)])
    @pytest.mark.parametrize("out", ["..", "/", "~", "/etc", "../.."])
    def test_folders_that_are_never_a_data_set(self, out, more, folder):
        """A parent folder, the root or a home folder is refused and stays as it is."""
        home = folder / "home"
        (home / "documents").mkdir(parents=True)
        out = str(home) if out == "~" else out
        before = left_in(Path(out))
        error = run("filter", "in.jsonl", *more, out=out).error(1)
        assert "which datagen did not put there" in error or "holds in.jsonl, which is read" in error
        assert left_in(Path(out)) == before

    @pytest.mark.parametrize("stage", STAGES)
    def test_parent_that_is_a_file(self, stage, folder):
        """A path through a file cannot be made."""
        assert "in.jsonl/OUT cannot be made: a file is in its way" in run(
            stage, "in.jsonl", out="in.jsonl/OUT"
        ).error(1)
        assert "in.jsonl/a/OUT cannot be made" in run(stage, "in.jsonl", out="in.jsonl/a/OUT").error(1)
        assert left_in(folder) == ["in.jsonl"]

    @pytest.mark.parametrize("out", ["x" * 255, "loop/OUT", "loop"])
    def test_names_that_no_file_system_takes(self, out, folder):
        """A name that is too long or a loop of links is told as such."""
        (folder / "loop").symlink_to("loop")
        error = run("filter", "in.jsonl", out=out).error(1)
        assert "cannot be made" in error or "loop is a loop of links" in error
        assert left_in(folder) == ["in.jsonl", "loop"]

    def test_folders_above_out_go_with_it(self, folder):
        """Parents that were made for OUT are gone again after a failure, and are there after a success."""
        (folder / "bench.jsonl").write_text("{")
        words = ("decontam", "in.jsonl", "-o", "new/deep/OUT", "--against")
        (folder / "damaged").mkdir()
        assert run("filter", "in.jsonl", out="made").code == 0
        shard = folder / "made/data/train-00000-of-00001.parquet"
        shard.write_bytes(b"")
        assert datagen("filter", "made", "-o", "new/deep/OUT").error(1)
        assert not (folder / "new").exists()
        assert datagen(*words, "jsonl:../bench.jsonl").code == 0
        assert (folder / "new/deep/OUT/manifest.json").exists()

    def test_link_to_a_data_set(self, folder, tmp_path):
        """-o that is a link is followed: the data set behind it is replaced, and the link stays."""
        (folder / "OUT").symlink_to(tmp_path / "real")
        assert run("filter", "in.jsonl").code == 0
        assert run("filter", "in.jsonl", "--skip", "no-code", "--overwrite").code == 0
        assert (folder / "OUT").is_symlink()
        assert left_in(folder) == ["OUT", "in.jsonl"]
        assert left_in(tmp_path) == ["bench.jsonl", "here", "real"]

    def test_other_options(self, folder):
        """A data set made otherwise is replaced only with --overwrite."""
        run("filter", "in.jsonl")
        before = (folder / "OUT/manifest.json").read_bytes()
        error = run("filter", "in.jsonl", "--skip", "no-code").error(1)
        assert (
            "OUT holds a data set made by filter from other inputs or options; --overwrite replaces it"
            in error
        )
        assert (folder / "OUT/manifest.json").read_bytes() == before
        assert run("filter", "in.jsonl", "--skip", "no-code", "--overwrite").code == 0
        assert (folder / "OUT/manifest.json").read_bytes() != before

    @pytest.mark.parametrize("limit", [0, 300, 3000])
    @pytest.mark.parametrize("stage", ["filter", "decontam"])
    def test_full_disk(self, stage, limit, folder):
        """A disk that is full at any moment is one line, and leaves nothing."""
        (folder / "in.jsonl").write_bytes(lines(*[task(text=os.urandom(40).hex()) for _ in range(400)]))
        full = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({limit}, {limit})); "
        words = [stage, "in.jsonl", "-o", "OUT", *STAGES[stage]]
        program = f"{full}from datagen.commands.console import run; raise SystemExit(run({words!r}))"
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (1, "")
        assert re.fullmatch(r"Error: cannot write in \S+: File too large; make room, or .*\n", done.stderr)
        assert left_in(folder) == ["in.jsonl"]

    def test_full_disk_keeps_the_old_data_set(self, folder):
        """--overwrite on a full disk leaves the data set that was there."""
        run("filter", "in.jsonl")
        before = (folder / "OUT/manifest.json").read_bytes()
        resource_limit = resource.getrlimit(resource.RLIMIT_FSIZE)
        done = spawn(
            "filter", "in.jsonl", "-o", "OUT", "--overwrite", "--skip", "no-code",
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (300, resource_limit[1])),
        )  # fmt: skip
        assert done.returncode == 1
        assert (folder / "OUT/manifest.json").read_bytes() == before
        assert left_in(folder) == ["OUT", "in.jsonl"]


def test_two_processes_on_one_out(folder):
    """The second process that writes OUT says so and leaves the first alone."""
    (folder / "in.jsonl").write_bytes(lines(*[task(number=number) for number in range(3)]))
    slow = (
        "import sys; from datagen.stages import filter; from datagen.commands.console import run\n"
        "then = filter.drop_by_rules\n"
        "def wait(*given):\n    print('now', flush=True); sys.stdin.readline(); return then(*given)\n"
        "filter.drop_by_rules = wait\n"
        "raise SystemExit(run(['filter', 'in.jsonl', '-o', 'OUT']))"
    )
    first = subprocess.Popen(
        [sys.executable, "-c", slow], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    with first:
        assert first.stdout.readline() == b"now\n"
        for stage in ("filter", "sample"):
            assert "another datagen is writing OUT; wait for it" in run(stage, "in.jsonl").error(1)
        first.stdin.write(b"\n")
        first.stdin.close()
        assert first.wait(30) == 0
    assert left_in(folder) == ["OUT", "in.jsonl"]


@pytest.mark.parametrize("kill", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_killed(kill, folder):
    """Ctrl-C and SIGTERM leave nothing; what SIGKILL leaves is cleaned up by the next run."""
    (folder / "in.jsonl").write_bytes(lines(TASK))
    slow = (
        "import time; from datagen.stages import filter; from datagen.commands.console import run\n"
        "def wait(*given):\n    print('now', flush=True); time.sleep(60)\n"
        "filter.drop_by_rules = wait\n"
        "raise SystemExit(run(['filter', 'in.jsonl', '-o', 'OUT']))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", slow], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout.readline() == b"now\n"
        time.sleep(0.1)
        process.send_signal(kill)
        out, err = process.communicate(timeout=30)
    if kill != signal.SIGKILL:
        assert (process.returncode, out) == (130, b"")
        assert err == b"Error: interrupted; the same command starts again\n"
        assert left_in(folder) == ["in.jsonl"]
    else:
        assert left_in(folder) == [".OUT.lock", ".OUT.making", "in.jsonl"]
        assert run("filter", "in.jsonl").code == 0
        assert left_in(folder) == ["OUT", "in.jsonl"]

"""The known shapes of files: what becomes the instruction, the response, the task and the id."""

from __future__ import annotations

import json

import polars as pl
import pytest
from cli import ROOT, datagen

from datagen import canonical, progress
from datagen.data import inputs
from datagen.errors import DatagenError

DATA = ROOT.parent / "shared" / "data"


def read(tmp_path, *rows, rename=None) -> pl.DataFrame:
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return pl.concat(inputs.open_source(str(tmp_path / "in.jsonl"), rename).frames())


def chat(*turns):
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


@pytest.mark.parametrize(
    ("row", "instruction", "response"),
    [
        ({"instruction": "a", "response": "b"}, "a", "b"),
        ({"instruction": "a", "input": "", "output": "b"}, "a", "b"),
        ({"instruction": "a", "input": "x", "output": "b"}, "a\nx", "b"),
        ({"instruction": "a", "input": "  \n", "output": "b"}, "a", "b"),
        ({"instruction": "a", "input": None, "output": "b"}, "a", "b"),
        ({"instruction": "a", "input": 7, "output": "b"}, "a\n7", "b"),
        ({"instruction": "a", "output": None}, "a", None),
        ({"prompt": "a"}, "a", None),
        ({"prompt": "a", "response": "b"}, "a", "b"),
        ({"prompt": "a", "input": "x", "output": "b"}, "a\nx", "b"),
        (chat(("user", "a"), ("assistant", "b")), "a", "b"),
        (chat(("system", "s"), ("user", "a"), ("assistant", "b"), ("user", "c")), "a", "b"),
        (chat(("user", "a")), "a", None),
        (chat(("assistant", "hello"), ("user", "a"), ("tool", "t"), ("assistant", "b")), "a", "b"),
        (chat(("user", "a"), ("assistant", None)), "a", None),
    ],
    ids=json.dumps,
)
def test_known_shapes(row, instruction, response, tmp_path):
    """Alpaca, prompt/response, chat and our own columns are recognised; a non-blank input is appended."""
    (found,) = read(tmp_path, row).to_dicts()
    assert found["instruction"] == instruction
    assert found.get("response") == response
    assert not {"input", "output", "prompt", "messages"} & found.keys()
    assert found["task"] == canonical.row_id(instruction)


def test_turns_that_are_not_read_are_told(tmp_path, capsys):
    """A chat of several questions loses the later ones, which is said once for the file."""
    long = chat(("user", "a"), ("assistant", "b"), ("user", "c"))
    progress.configure(quiet=False, verbose=False)
    read(tmp_path, long, chat(("user", "a"), ("assistant", "b")), long)
    assert capsys.readouterr().err == (
        "in.jsonl: 2 chats are longer than a question and its answer; the rest is not read\n"
    )


@pytest.mark.parametrize(
    "name", ["kept", "output", "inputs", "messages", "prompt", "score", "x.y", " ", "index", "row"]
)
def test_other_columns_pass_through(name, tmp_path):
    """A column that means nothing here stays what it is, whatever its name."""
    frame = read(tmp_path, {"instruction": "a", name: 7}, {"instruction": "b", name: None})
    assert frame[name].to_list() == [7, None]


def test_map_reads_a_column_under_another_name(tmp_path):
    """--map renames, swaps, and makes a known shape of an unknown one."""
    row = {"question": "a", "answer": "b", "reason": "mine"}
    frame = read(
        tmp_path, row, rename={"instruction": "question", "response": "answer", "my_reason": "reason"}
    )
    assert frame.select("instruction", "response", "my_reason").rows() == [("a", "b", "mine")]
    swapped = {"instruction": "output", "output": "instruction"}
    assert read(tmp_path, {"instruction": "a", "output": "b"}, rename=swapped).select(
        "instruction", "response"
    ).rows() == [("b", "a")]


def test_map_changes_the_digest(tmp_path):
    """The same file read otherwise is another input: a stage made from one is not made from the other."""
    read(tmp_path, {"a": "x", "b": "y"}, rename={"instruction": "a"})
    where = str(tmp_path / "in.jsonl")
    digests = {inputs.open_source(where, {"instruction": name}).digest for name in "ab"}
    assert len(digests) == 2


class TestIdentity:
    """Ids and tasks."""

    def test_ids_are_stable(self, tmp_path):
        """An id depends on the content alone: not on other rows, columns, the file's name or format."""
        first = read(tmp_path, {"instruction": "a", "output": "b"}, {"instruction": "c", "output": None})
        other = read(
            tmp_path, {"instruction": "c", "x": 1}, {"prompt2": 1, "instruction": "a", "output": "b"}
        )
        assert first["id"].to_list() == other["id"].to_list()[::-1]
        assert first["id"].to_list() == [canonical.row_id("a", "b", 0), canonical.row_id("c", None, 0)]

    def test_equal_rows_stay_two(self, tmp_path):
        """Rows that are equal in everything keep their number and have ids of their own, one task."""
        frame = read(tmp_path, *[{"instruction": "a", "output": "b"}] * 3)
        assert frame["id"].n_unique() == 3
        assert frame["task"].n_unique() == 1

    def test_answers_to_one_instruction_share_its_task(self, tmp_path):
        """The task is that of the instruction, input included."""
        frame = read(
            tmp_path,
            {"instruction": "a", "input": "", "output": "b"},
            {"instruction": "a", "input": "", "output": "c"},
            {"instruction": "a", "input": "x", "output": "c"},
        )
        assert frame["task"].to_list() == [
            canonical.row_id("a"),
            canonical.row_id("a"),
            canonical.row_id("a\nx"),
        ]

    @pytest.mark.parametrize("ids", [["b", "a"], [2, 1]])
    def test_ids_of_the_file_are_kept(self, ids, tmp_path):
        """A file's own ids stay, numbers as text."""
        assert read(tmp_path, *[{"instruction": "a", "id": i} for i in ids])["id"].to_list() == [
            *map(str, ids)
        ]

    def test_tasks_of_the_file_are_kept(self, tmp_path):
        """A file's own tasks stay, and rows without one get that of their instruction."""
        frame = read(tmp_path, {"instruction": "a", "task": "mine"}, {"instruction": "b", "task": None})
        assert frame["task"].to_list() == ["mine", canonical.row_id("b")]


def test_what_cat_prints_can_be_read_again(tmp_path, monkeypatch):
    """Measures, reasons and evidence in a file that datagen printed are its own, so they are no clash."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text(
        json.dumps({"instruction": "a"}) + "\n" + json.dumps({"instruction": "b c d e"})
    )
    datagen("filter", "in.jsonl", "-o", "made")
    for more in ((), ("--dropped",)):
        (tmp_path / "again.jsonl").write_text(datagen("cat", "made", *more).out)
        assert datagen("filter", "again.jsonl", "-o", "again", "--overwrite").code == 0
        assert datagen("cat", "again", *more).out == (tmp_path / "again.jsonl").read_text()


@pytest.mark.parametrize(("name", "rows"), [("code_alpaca_2k", 2017), ("new_codealpaca", 4535)])
def test_real_files(name, rows):
    """CodeAlpaca's files are read whole, inputs appended."""
    path = DATA / f"{name}.json"
    if not path.exists():
        pytest.skip(f"{path} is not there: a user's checkout has no shared data")
    source = inputs.open_source(str(path))
    frame = pl.concat(source.frames())
    given = json.loads(path.read_text())
    assert source.rows == frame.height == rows
    assert frame["id"].n_unique() == rows
    appended = [row["instruction"] + (f"\n{row['input']}" if row["input"].strip() else "") for row in given]
    assert frame["instruction"].to_list() == appended
    assert frame["task"].n_unique() == len({*appended})


@pytest.mark.parametrize("length", [2**20, 2**20 + 1])
@pytest.mark.parametrize("name", ["instruction", "response", "code", "reference"])
def test_longest_text(name, length, tmp_path):
    """A megabyte of text is read, more is refused: parsing it would take all memory."""
    row = {"instruction": "a", name: "x" * length}
    if length == 2**20:
        assert read(tmp_path, row).height == 1
    else:
        with pytest.raises(DatagenError, match=f"row 1: more than 1 MB of {name} in one row; remove it"):
            read(tmp_path, row)

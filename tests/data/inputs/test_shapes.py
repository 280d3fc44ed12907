"""The known shapes of files: what becomes the instruction, the response, the task and the id."""

from __future__ import annotations

import json

import polars as pl
import pytest
from cli import ROOT, datagen

from datagen import canonical
from datagen.data import inputs
from datagen.data.inputs.texts import is_no_input

DATA = ROOT.parent / "shared" / "data"


def read(tmp_path, *rows, rename=None) -> pl.DataFrame:
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return pl.concat(inputs.open_source(str(tmp_path / "in.jsonl"), rename).frames())


def opened(tmp_path, *rows):
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    return inputs.open_source(str(tmp_path / "in.jsonl"))


def chat(*turns):
    return {"messages": [{"role": role, "content": content} for role, content in turns]}


def turns(*given):
    return [{"role": role, "content": content} for role, content in given]


PART = {"type": "text", "text": "b"}
CALL = {"role": "assistant", "content": None, "tool_calls": [{"function": {"name": "f"}}]}
NO_INPUTS = ("<noinput>", "Noinput", "No input", "N/A", "None", "[no input required]")


@pytest.mark.parametrize(
    ("row", "instruction", "response"),
    [
        ({"instruction": "a", "response": "b"}, "a", "b"),
        ({"instruction": "a", "input": "", "output": "b"}, "a", "b"),
        ({"instruction": "a", "input": "x", "output": "b"}, "a\nx", "b"),
        ({"instruction": "a", "input": "  \n", "output": "b"}, "a", "b"),
        ({"instruction": "a", "input": None, "output": "b"}, "a", "b"),
        ({"instruction": "a", "input": 7, "output": "b"}, "a\n7", "b"),
        ({"instruction": "a", "input": [3, 1], "output": {"b": 1}}, "a\n[3, 1]", '{"b": 1}'),
        ({"instruction": "a", "input": {"x": None, "y": 2.0}, "output": 5}, 'a\n{"y": 2}', "5"),
        *[({"instruction": "a", "input": no, "output": "b"}, "a", "b") for no in NO_INPUTS],
        ({"instruction": "a", "output": "<No Output>"}, "a", None),
        ({"instruction": "a", "output": "b<|im_end|>\n"}, "a", "b"),
        ({"instruction": "a", "output": "b</s><s>[INST] c"}, "a", "b</s><s>[INST] c"),
        ({"instruction": "a", "output": "</s>"}, "a", "</s>"),
        ({"instruction": [{"role": "user", "content": "a"}]}, "a", None),
        (
            {"instruction": "a", "Input": [{"model": "b", "price": 3}]},
            'a\n[{"model": "b", "price": 3}]',
            None,
        ),
        ({"instruction": "a", "output": '[{"question": "b"}]'}, "a", '[{"question": "b"}]'),
        ({"instruction": "a", "output": "say </s> twice"}, "a", "say </s> twice"),
        ({"instruction": "a", "output": None}, "a", None),
        ({"prompt": "a"}, "a", None),
        ({"prompt": "a", "response": "b"}, "a", "b"),
        ({"prompt": "a", "input": "x", "output": "b"}, "a\nx", "b"),
        ({"prompt": "a", "completion": "b"}, "a", "b"),
        ({"Question": "a", "Answer": "b"}, "a", "b"),
        ({"query": "a", "answer": 7}, "a", "7"),
        ({"problem": "a", "solution": "b"}, "a", "b"),
        ({"input": "a", "output": "b"}, "a", "b"),
        ({"text": "a"}, "a", None),
        ({"prompt": "a", "chosen": "b", "rejected": "c"}, "a", "b"),
        ({"prompt": turns(("user", "a")), "completion": turns(("assistant", "b"))}, "a", "b"),
        ({"prompt": turns(("user", "a")), "chosen": turns(("assistant", "b")), "rejected": "c"}, "a", "b"),
        ({"chosen": turns(("user", "a"), ("assistant", "b")), "rejected": "c"}, "a", "b"),
        ({"conversations": [{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]}, "a", "b"),
        ({"conversation": [{"human": "a", "assistant": "b"}]}, "a", "b"),
        ({"messages": json.dumps(turns(("user", "a"), ("assistant", "b")))}, "a", "b"),
        (chat(("human", "a"), ("gpt", "b")), "a", "b"),
        (chat(("user", [{"type": "text", "text": "a"}, {"type": "text", "text": "x"}])), "a\nx", None),
        (chat(("user", "a"), ("assistant", [{"type": "thinking", "thinking": "x"}, PART])), "a", "b"),
        ({"messages": [*turns(("user", "a")), CALL, *turns(("tool", "x"), ("assistant", "b"))]}, "a", "b"),
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
    assert not {"input", "output"} & found.keys()
    assert found["task"] == canonical.row_id(instruction)


def test_longer_chats(tmp_path):
    """A chat of several questions keeps its turns in a column, which is said once for the file."""
    long = chat(("user", "a"), ("assistant", "b"), ("user", "c"))
    source = opened(tmp_path, long, chat(("user", "a"), ("assistant", "b")), long)
    assert pl.concat(source.frames())["messages"].to_list()[0] == long["messages"]
    (note,) = source.notes
    assert note.startswith("in.jsonl: 2 chats are longer than a question and its answer; the other turns")
    assert "messages" not in read(tmp_path, chat(("user", "a"), ("assistant", "b"))).columns


@pytest.mark.parametrize(
    "turn",
    [
        {"content": "b", "reasoning_content": "x"},
        {"content": [PART, {"type": "thinking", "thinking": "x"}]},
        {"content": "b", "tool_calls": [{"function": {"arguments": "x"}}]},
        {"content": "b", "context": "x"},
    ],
)
def test_turns_that_hold_more_are_kept(turn, tmp_path):
    """What question and answer leave out of a chat stays in its column."""
    row = {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", **turn}]}
    (found,) = read(tmp_path, row).to_dicts()
    assert (found["instruction"], found["response"]) == ("a", "b")
    assert "x" in json.dumps(found["messages"])
    longer = {"instruction": turns(("user", "a"), ("assistant", "b"), ("user", "c"))}
    assert "c" in json.dumps(read(tmp_path, longer)["instruction_turns"].to_list())
    chosen = {"prompt": "a", "chosen": turns(("assistant", "b"), ("user", "c"))}
    assert "c" in json.dumps(read(tmp_path, chosen)["chosen"].to_list())


def test_a_text_that_looks_like_turns_among_others_is_text(tmp_path):
    """One JSON text does not make a column of tasks one of chats."""
    frame = read(tmp_path, {"prompt": "Plain."}, {"prompt": '[{"role": "user", "content": "ann"}]'})
    assert frame["instruction"].to_list() == ["Plain.", '[{"role": "user", "content": "ann"}]']


def test_what_was_taken_for_what_is_told(tmp_path):
    """Names other than the plainest are told, and so is text that is neither task nor answer."""
    source = opened(tmp_path, {"question": "a", "answer": "b", "note": "c", "tags": ["d"], "n": 1})
    source.check()
    assert source.notes == [
        "in.jsonl: question is read as the instruction and answer as the answer",
        "in.jsonl: neither task nor answer, but kept: the text columns note, tags",
    ]
    assert not opened(tmp_path, {"instruction": "a", "input": "", "output": "b"}).notes


@pytest.mark.parametrize(
    ("rows", "reason", "detail"),
    [
        ([{"instruction": "a"}, {"instruction": None}], "no-instruction", "the instruction is null"),
        ([{"instruction": "a"}, {}], "no-instruction", "the instruction is null"),
        ([chat(("user", "a")), chat(("system", "s"))], "no-instruction", "messages holds no turn of a user"),
        ([chat(("user", "a")), {"messages": None}], "no-instruction", "messages holds no turn of a user"),
        (
            [chat(("user", "a")), chat(("user", [{"type": "image_url", "image_url": "x"}]))],
            *("unreadable-chat", "messages: a turn holds image_url that is no text"),
        ),
        (
            [{"instruction": "a"}, {"instruction": "x" * (2**20 + 1)}],
            "too-long",
            "more than 1 MB of instruction",
        ),
    ],
)
def test_a_row_that_is_none_is_dropped(rows, reason, detail, tmp_path):
    """One odd row goes with its reason and its number; the others are worked on."""
    source = opened(tmp_path, *rows, *rows[:1])
    assert [row["instruction"] for row in source.iter_rows()] == ["a", "a"]
    (refused,) = source.refused.to_dicts()
    assert refused["reason"] == reason
    assert refused["detail"].startswith(f"in.jsonl, row 2: {detail}")
    assert datagen("filter", str(tmp_path / "in.jsonl"), "-o", str(tmp_path / "out"), "--json").json()[
        "dropped"
    ] == {reason: 1, "short-instruction": 2}
    manifest = json.loads((tmp_path / "out" / "manifest.json").read_text())
    assert manifest["rows_in"] == 3
    assert manifest["inputs"][0]["rows"] == 3


@pytest.mark.parametrize(
    "name", ["kept", "inputs", "messages", "prompt", "score", "x.y", " ", "index", "row"]
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
    appended = [
        row["instruction"] + ("" if is_no_input(row["input"]) else f"\n{row['input']}") for row in given
    ]
    assert frame["instruction"].to_list() == appended
    assert frame["task"].n_unique() == len({*appended})


@pytest.mark.parametrize("length", [2**20, 2**20 + 1])
@pytest.mark.parametrize("name", ["instruction", "response", "code", "reference"])
def test_longest_text(name, length, tmp_path):
    """A megabyte of text is read, a row with more is dropped: parsing it would take all memory."""
    row = {"instruction": "a", name: "x" * length}
    assert read(tmp_path, row).height == (length == 2**20)


@pytest.mark.parametrize(
    "text",
    [
        '[{"type": "dog", "name": "Rex"}]',
        '[{"type": "text"}]',
        '[{"type": "text", "value": "x"}, {"type": "text", "text": "y"}]',
        '[{"type": "text", "text": "y"}, {"name": "x"}]',
        '[{"type": "text", "text": "y"}, 1]',
        '[{"type": "file", "size": 3}]',
        '[{"text": "sort me"}]',
        "[]",
    ],
)
def test_user_text_that_is_json_stays_as_it_is(text, tmp_path):
    """A text is taken for parts of a content only where all entries look like parts."""
    frame = read(tmp_path, chat(("user", text), ("assistant", "x")))
    assert frame["instruction"].to_list() == [text]


def test_parts_as_json_text(tmp_path):
    """Parts that a table holds as text are read; other parts than text are refused as they are in lists."""
    parts = json.dumps([{"type": "text", "text": "Sort"}, {"type": "input_text", "text": "it."}])
    assert read(tmp_path, chat(("user", parts), ("assistant", "x")))["instruction"].to_list() == ["Sort\nit."]
    image = json.dumps([{"type": "image_url", "image_url": {"url": "x"}}])
    source = opened(
        tmp_path, chat(("user", image), ("assistant", "x")), chat(("user", "a"), ("assistant", "b"))
    )
    assert source.refused["reason"].to_list() == ["unreadable-chat"]


TURNS = [{"role": "assistant", "content": "a = 1"}, {"role": "assistant", "content": "b"}]


@pytest.mark.parametrize("turns", [TURNS, json.dumps(TURNS)], ids=["list", "text"])
def test_response_of_turns(turns, tmp_path):
    """A response of turns is read as an output of turns is; the turns stay."""
    first = {"instruction": "x", "response": turns}
    frame = read(tmp_path, first, {"instruction": "y", "response": None})
    assert frame["response"].to_list() == ["a = 1", None]
    assert frame["response_turns"].to_list() == [turns, None]
    assert read(tmp_path, {"instruction": "x", "output": turns})["output"].to_list() == [turns]


@pytest.mark.parametrize("as_text", [False, True])
def test_chat_beside_a_null_instruction(as_text, tmp_path):
    """Where a row has no instruction but a chat, the chat says it; what the row says itself comes first."""
    turns = chat(("user", "q"), ("assistant", "a"))["messages"]
    turns = json.dumps(turns) if as_text else turns
    rows = [
        {"instruction": "own", "response": "mine", "messages": turns},
        {"instruction": None, "response": None, "messages": turns},
        {"instruction": None, "response": "mine", "messages": turns},
        {"instruction": "own", "response": None, "messages": turns},
        {"instruction": None, "response": "lost", "messages": None},
    ]
    frame = read(tmp_path, *rows)
    assert frame["instruction", "response"].rows() == [
        ("own", "mine"),
        ("q", "a"),
        ("q", "mine"),
        ("own", None),
    ]
    assert frame["messages"].null_count() == 0
    source = opened(tmp_path, *rows)
    assert source.refused["detail"].to_list() == ["in.jsonl, row 5: the instruction is null"]


def test_unreadable_chat_beside_a_null_instruction(tmp_path):
    """The reason is the chat's, which is what could have been used."""
    good = chat(("user", "q"), ("assistant", "a"))["messages"]
    rows = [{"instruction": "own", "messages": good}] * 20
    bad = [{"instruction": None, "messages": [{"role": "system", "content": "x"}]}]
    refused = opened(tmp_path, *rows, *bad).refused
    assert refused["detail"].to_list() == ["in.jsonl, row 21: messages holds no turn of a user"]

"""Benchmarks that are data sets of the Hub, read from a loopback Hub by the real client."""

from __future__ import annotations

import io
import json
from pathlib import Path

import hub
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datagen.overlaps import benchmarks
from decontam.benchmarks import load

ASKED = "Write a function that sorts the words of a sentence by length, longest first, ties by letter."
SOLUTION = "def by_length(text):\n    return sorted(text.split(), key=lambda word: (-len(word), word))\n"
TESTS = ["assert by_length('a bb') == ['bb', 'a']"]
ITEM = {"question": ASKED, "answer": SOLUTION, "checks": TESTS}
OTHER = {"question": "Say whether a year is a leap year.", "answer": "def leap(y): return y % 4 == 0"}
FIELDS = "prompt=question,solution=answer,tests=checks"
CARD = "---\nconfigs:\n- config_name: hard\n  data_files: {test: h/test.jsonl, train: h/train.jsonl}\n---\n"
FILES = {"data/test.jsonl": [ITEM], "data/train.jsonl": [OTHER | {"checks": []}]}


def lines(rows) -> bytes:
    return "".join(json.dumps(row) + "\n" for row in rows).encode()


def parquet(rows) -> bytes:
    pl.DataFrame(rows).write_parquet(content := io.BytesIO())
    return content.getvalue()


@pytest.fixture
def bench(run, server, tmp_path, monkeypatch):
    """A benchmark on the Hub, and rows of which one overlaps it."""
    server.repos["me/bench"] = repo = hub.Repo()
    repo.commit({name: lines(rows) for name, rows in FILES.items()})
    (tmp_path / "in.jsonl").write_bytes(
        lines([{"instruction": ASKED}, {"instruction": "Tell how far the moon is from the earth."}])
    )
    monkeypatch.chdir(tmp_path)
    return repo


def against(run, *specs, out="OUT", more=(), **environment):
    words = [word for spec in specs for word in ("--against", spec)]
    return run("decontam", "in.jsonl", "-o", out, *words, "--no-run", *more, **environment)


def test_found_recorded_and_read_offline(bench, run, server):
    """Overlap is found; the manifest has the commit; offline it is read from the cache."""
    spec = f"hf:me/bench@main:test:{FIELDS}"
    done = against(run, spec)
    told = json.loads(Path("OUT/manifest.json").read_text())
    assert told["overlaps"] == {"bench": 1}
    assert told["sources"] == {"bench": f"hf:me/bench@{bench.head}:test"}
    assert f"bench is hf:me/bench@{bench.head}:test" in done.err
    asked = server.count("")
    assert against(run, spec, out="AGAIN", HF_HUB_OFFLINE="1").code == 0
    assert server.count("") == asked
    assert json.loads(Path("AGAIN/manifest.json").read_text())["sources"] == told["sources"]


def test_alone(bench, run):
    """A process of its own reads it, too."""
    done = run.alone("decontam", "in.jsonl", "--against", f"hf:me/bench:{FIELDS}", "--check", "--no-run")
    assert (done.code, done.err.count("\n  bench: 1 rows overlap")) == (5, 1)


def test_a_commit_without_other_items(bench, run):
    """What is not read of a data set makes no other plan; other items do."""
    spec = f"hf:me/bench:test:{FIELDS}"
    assert against(run, spec).code == 0
    bench.commit({"NEWS.md": b"none"})
    assert "already made" in against(run, spec).err
    bench.commit({"data/test.jsonl": lines([ITEM, OTHER | {"checks": []}])})
    assert "--overwrite" in against(run, spec).error(1)


def test_splits_and_configs(bench, run, server):
    """The split `test` is read, and others where they are named; a config has its own name."""
    server.repos["me/cards"] = cards = hub.Repo()
    cards.commit({"README.md": CARD.encode(), "h/test.jsonl": lines([ITEM]), "h/train.jsonl": lines([OTHER])})
    for spec, count in {
        **{f"hf:me/bench:{FIELDS}": 1, f"hf:me/bench:train+test:{FIELDS}": 2},
        f"hf:me/cards:hard/train+test:{FIELDS.replace(',tests=checks', '')}": 2,
    }.items():
        [(name, items)] = against(run, spec, more=["--json", "--overwrite"]).json()["items"].items()
        assert (name, items["of"]) == ("cards-hard" if "cards" in spec else "bench", count)
    done = against(run, f"hf:me/bench:{FIELDS}", "humaneval", out="BOTH", more=["--json"])
    assert [*done.json()["overlaps"]] == ["bench", "humaneval"]
    assert "only the split test is read, not train" in done.err


def test_mbpp(bench, run, server):
    """MBPP's own fields, as Parquet has them: of the sanitized and the full set."""
    row = {"task_id": 2, "code": SOLUTION, "test_list": TESTS, "test_setup_code": ""}
    server.repos["g/mbpp"] = repo = hub.Repo()
    repo.commit({"full/test-0.parquet": parquet([row | {"text": ASKED}])})
    told = against(run, "mbpp:hf:g/mbpp", more=["--json"]).json()
    assert (told["overlaps"], told["sources"]) == ({"mbpp": 1}, {"mbpp": f"hf:g/mbpp@{repo.head}"})
    repo.commit({"full/test-0.parquet": parquet([row | {"text": None}])})
    assert "row 1): missing field 'text' or 'prompt'" in against(run, "mbpp:hf:g/mbpp").error(1)


def test_eval(bench, run):
    """A model can be tested by one, too."""
    done = run("eval", "reference", "--benchmark", f"hf:me/bench:{FIELDS}", "-o", "EVAL")
    assert done.code == 0, done
    told = json.loads(Path("EVAL/manifest.json").read_text())["benchmark"]
    assert told["source"] == f"hf:me/bench@{bench.head}"


INFO = "GET /api/datasets/me/bench"


@pytest.mark.parametrize(
    ("spec", "code", "part", "fault"),
    [
        ("hf:me", 2, "is no data set of the Hub", None),
        ("hf:", 2, "should be written as hf:OWNER/NAME", None),
        ("mbpp:hf:me", 2, "is no data set of the Hub", None),
        ("hf:me/none", 1, "has no data set me/none", None),
        ("hf:me/bench@v9", 1, "has no revision v9", None),
        ("hf:me/bench:nope", 1, "has no split nope", None),
        ("hf:me/bench:test+nope", 1, "has no split nope", None),
        ("hf:me/bench:nope/test", 1, "names no configs", None),
        ("hf:me/bench:prompt=wish", 1, "row 1): missing field 'wish', which is to be the prompt", None),
        ("hf:me/bench:promt=question", 1, "unknown field 'promt' (nearest: 'prompt')", None),
        ("mbpp:hf:me/bench", 1, "missing field 'text' or 'prompt'", None),
        ("mbpp:hf:me/bench:prompt=question", 1, "write mbpp:PATH", None),
        ("hf:me/bench", 1, "me/bench is gated; ask for access at", (403, "GatedRepo")),
        ("hf:me/bench", 1, "does not take the token for me/bench (401)", (401, "")),
        ("hf:me/bench", 1, "cannot be reached for me/bench", "reset"),
    ],
)
def test_what_cannot_be_read(spec, code, part, fault, bench, run, server):
    """What is wrong with a benchmark of the Hub is one line, and nothing is written."""
    if fault:
        is_status = isinstance(fault, tuple)
        server.faults = {
            INFO: (fault[0], None, {"X-Error-Message": "no", "X-Error-Code": fault[1]})
            if is_status
            else fault
        }
    assert part in against(run, spec).error(code)
    assert not Path("OUT").exists()


def test_not_read_before(bench, run):
    """Offline, what was never read is told."""
    error = against(run, "hf:me/bench", HF_HUB_OFFLINE="1").error(1)
    assert "me/bench was not read before, and HF_HUB_OFFLINE is set" in error


def test_without_the_package(bench, run, monkeypatch):
    """Without huggingface_hub the line says how to install it."""
    monkeypatch.setitem(__import__("sys").modules, "huggingface_hub", None)
    assert "the Hub needs the package huggingface_hub; pip install" in against(run, "hf:me/bench").error(1)


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
ROW = st.fixed_dictionaries(
    {"prompt": TEXT, "solution": st.none() | TEXT, "tests": st.none() | st.lists(TEXT, max_size=3)}
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(ROW, min_size=1, max_size=5), make=st.sampled_from([lines, parquet]))
def test_the_same_items_as_of_a_file(rows, make, run, server, tmp_path):
    """JSON Lines and Parquet on the Hub give the items that the same rows in a file give."""
    for number, row in enumerate(rows):
        row["prompt"] += f"x{number}"
    server.repos["me/same"] = repo = hub.Repo()
    repo.commit({f"test.{'jsonl' if make is lines else 'parquet'}": make(rows)})
    (tmp_path / "same.jsonl").write_bytes(lines(rows))
    with pytest.MonkeyPatch.context() as patch:
        for name, value in run.environment.items():
            patch.setenv(name, value)
        (found,) = benchmarks.read(["hf:me/same"])
    wanted = load(f"jsonl:{tmp_path / 'same.jsonl'}")
    assert (found.items, found.revision) == (wanted.items, wanted.revision)

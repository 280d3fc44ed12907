"""`trace`: why a row is in a data set or not, and which calls made it."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import sqlite3
import time
from pathlib import Path
from types import SimpleNamespace

import cli
import polars as pl
import pytest
from cli import datagen
from endpoint import Endpoint

from datagen import canonical
from datagen.data import dataset, schema
from datagen.data.dataset import Split
from datagen.data.manifest import Plan
from datagen.data.source import Source
from datagen.journal import open_journal
from datagen.request import Reply, Request
from datagen.runs import pipeline

ENDPOINT = "http://h/v1"
TEXT = "Write a function that adds up prices. " * 4


def request(prompt: str, **fields) -> Request:
    messages = (("system", "You set tasks."), ("user", prompt))
    parameters = (("seed", 0), ("temperature", 0.7))
    return Request(ENDPOINT, "m", messages, None, parameters, 0)._replace(**fields)


EVOLVE, FAILED, ANSWER, SHORT = (request(f"{TEXT}{n}") for n in ("evolve", "evolve more", "answer", "short"))


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(tmp_path / "cache")))
    return tmp_path


def put(*calls: Request, plan: str = "", made: str | None = None) -> None:
    """Store calls, made at a moment of our choice."""
    path = Path(cli.CACHE.name, "journal.sqlite")

    async def all_of_them(opened):
        for call in calls:
            await opened.put(call, Reply("text", "stop", "m-1", 120, 30), plan=plan, usd=0.002)

    with open_journal(path) as opened:
        asyncio.run(all_of_them(opened))
    if made:
        with contextlib.closing(sqlite3.connect(path)) as connection, connection:
            keys = [(made, call.key) for call in calls]
            connection.executemany("UPDATE calls SET made = ? WHERE key = ?", keys)


def row(name: str, **columns) -> dict:
    """A row whose id begins with its name."""
    return {
        "id": f"{name}-{canonical.row_id(name)}",
        "task": canonical.row_id(f"task {name}"),
        "instruction": name,
    } | columns


SEED = row("seed-row", depth=0)
CHILD = row(
    "child-row", parent=SEED["id"], seed_id=SEED["id"], depth=1, method="constraint", teacher="openai:m",
    model="m-1", request=EVOLVE.key, prompt_hash="abc123",
)  # fmt: skip
LOST = row("lost-row", parent=CHILD["id"], seed_id=SEED["id"], depth=2, request=FAILED.key) | {
    "reason": "call-failed", "dropped_by": ["call-failed"], "detail": "no answer (asked 6 times)",
}  # fmt: skip
GOOD = CHILD | row("good-answer", response="def f(): ...", task=CHILD["task"], sample=0, request=ANSWER.key)
BAD = CHILD | row("badd-answer", response="?", task=CHILD["task"], sample=1, request=SHORT.key)
DROPPED = BAD | {"reason": "truncated", "dropped_by": ["truncated", "no-code"], "detail": "it ends early"}


def frame(rows: list[dict]) -> pl.DataFrame:
    names = dict.fromkeys(name for one in (CHILD, GOOD, *rows) for name in one)
    return schema.frame(rows, pl.Schema(), [n for n in names if n not in {"reason", "dropped_by", "detail"}])


def write(
    out: Path, stage: str, kept: list[dict], dropped: list[dict], *, made: int = 0, **calls: int
) -> str:
    """A data set as a stage writes it; returns the key of its plan."""
    source = Source("in", f"digest of {stage}", 1, lambda: iter([]))
    plan = Plan(stage, [source], {})
    names = [c.name for c in schema.DROPPED_COLUMNS]
    no_drops = schema.with_columns(frame([]), names)
    drops = pl.DataFrame(
        {n: [one.get(n) for one in dropped] for n in no_drops.columns}, schema=no_drops.schema
    )
    with dataset.writing(out, plan) as writer:
        writer.times["calls"] = dict(calls)
        rows_in = len(kept) + len(dropped) - made
        writer.add(Split(frame(kept), drops), rows_in=rows_in, rows_made=made)
    return plan.key()


@pytest.fixture
def run(folder) -> Path:
    """A run of evolve, sample and filter."""
    stages = folder / "out" / "stages"
    stages.mkdir(parents=True)
    write(stages / "01-evolve", "evolve", [SEED, CHILD], [LOST], made=2, asked=1, reused=0, failed=1)
    write(stages / "02-sample", "sample", [GOOD, BAD], [], asked=1, reused=1)
    write(stages / "03-filter", "filter", [GOOD], [DROPPED])
    source = Source("in", "digest", 1, lambda: iter([]))
    outcomes = [
        dataset.Outcome(path, json.loads((path / "manifest.json").read_text()), already_made=False)
        for path in sorted(stages.iterdir())
    ]
    pipeline._join(folder / "out", Plan("run", [source], {}), outcomes, time.monotonic())
    return folder / "out"


def traced(where: Path, name: str) -> dict:
    """What --json tells, after checking that the lines for people can be printed."""
    shown = datagen("trace", where, name)
    assert (shown.code, shown.err) == (0, "")
    done = datagen("trace", where, name, "--json")
    assert (done.code, done.err) == (0, "")
    return done.json() | {"shown": shown.out}


def test_kept_row(run):
    """A kept row tells its stages, its chain from the seed on, and its calls."""
    put(ANSWER, EVOLVE)
    told = traced(run, "good-a")
    assert (told["kept"], told["dropped"], told["missing_parent"]) == (True, None, None)
    assert [(one["stage"], one["kept"]) for one in told["stages"]] == [
        ("02-sample", True),
        ("03-filter", True),
    ]
    assert [one["id"] for one in told["chain"]] == [SEED["id"], CHILD["id"], GOOD["id"]]
    assert told["chain"][1]["method"] == "constraint"
    assert told["chain"][1]["call"]["tokens_in"] == 120
    assert told["chain"][1]["call"]["usd"] == 0.002
    assert told["row"]["response"] == GOOD["response"]
    assert told["shown"].startswith(
        f"{GOOD['id']} is in {run}\nstages: 02-sample kept it, 03-filter kept it\n"
    )
    assert "120 tokens in, 30 out, $0.002000" in told["shown"]


def test_dropped_row(run):
    """A dropped row tells who dropped it and why."""
    told = traced(run, BAD["id"])
    assert told["kept"] is False
    dropped = {"stage": "03-filter", "reason": "truncated", "detail": "it ends early"}
    assert told["dropped"] == dropped | {"dropped_by": ["truncated", "no-code"]}
    assert "03-filter dropped it as truncated\n" in told["shown"]
    assert "it would have been dropped by no-code too\n  it ends early\n" in told["shown"]


def test_failed_call(run):
    """A row whose call failed says so, and that the journal does not hold it."""
    put(EVOLVE)
    told = traced(run, "lost-row")
    assert told["dropped"]["reason"] == "call-failed"
    assert [one["id"] for one in told["chain"]] == [SEED["id"], CHILD["id"], LOST["id"]]
    assert told["chain"][2]["call"]["verdict"] == "absent"
    assert "does not hold it" in told["shown"]


def test_task_of_a_run(run):
    """A task that only its answers represent tells what became of them."""
    told = traced(run, "child-row")
    assert (told["kept"], told["dropped"]) == (False, None)
    assert {one["id"]: one["kept"] for one in told["answers"]} == {GOOD["id"]: True, BAD["id"]: False}
    assert "is a task; of its 2 answers 1 are in" in told["shown"]


def test_run_without_stages(run):
    """Without its stages' folders a run still tells who dropped a row."""
    shutil.rmtree(run / "stages")
    told = traced(run, "badd-a")
    assert told["dropped"]["stage"] == "filter"
    assert told["missing_parent"] == SEED["id"]
    assert "which this data set does not hold" in told["shown"]
    assert traced(run, "good-a")["kept"] is True


ALPACA = [
    {"instruction": f"Write a function that adds {n}.", "input": "", "output": f"def f(x): return x + {n}"}
    for n in range(2)
]


def test_seeds_that_bring_an_answer(folder):
    """Every seed of the Alpaca kind has one: it is found, and its children know it."""
    Path("a.json").write_text(json.dumps(ALPACA))
    with Endpoint() as endpoint:
        made = datagen("evolve", "a.json", "-o", "out", "--teacher", endpoint.teacher, "--rounds", "2")
    assert made.code == 0, made
    seeds = [json.loads(line)["id"] for line in datagen("cat", "a.json").out.splitlines()]
    rows = [json.loads(line) for line in datagen("cat", "out").out.splitlines()]
    children = [one for one in rows if one["depth"]]
    assert len(children) == 4
    for seed in seeds:
        assert [one["id"] for one in traced(Path("out"), seed)["chain"]] == [seed]
    for child in children:
        told = traced(Path("out"), child["id"])
        assert told["missing_parent"] is None
        assert [one["depth"] for one in told["chain"]] == [*range(child["depth"] + 1)]
        assert told["chain"][0]["id"] == child["seed_id"]


def test_answers_to_seeds_that_bring_one(folder):
    """In a run, too: what answers such a seed comes from it, and is what became of it."""
    Path("a.json").write_text(json.dumps(ALPACA))
    with Endpoint() as endpoint:
        stages = [
            {"evolve": {"teacher": endpoint.teacher, "rounds": 1}},
            {"sample": {"teacher": endpoint.teacher}},
        ]
        Path("r.yaml").write_text(json.dumps({"seeds": "a.json", "stages": stages}))
        made = datagen("run", "r.yaml", "-o", "out")
    assert made.code == 0, made
    rows = [json.loads(line) for line in datagen("cat", "out").out.splitlines()]
    for one in rows:
        chain = traced(Path("out"), one["id"])["chain"]
        assert chain[0]["id"] == one["seed_id"]
        assert chain[-1]["id"] == one["id"]
        assert len(chain) == one["depth"] + 2
    told = traced(Path("out"), rows[0]["seed_id"])
    assert [one["id"] for one in told["answers"]] == [rows[0]["id"]]
    shutil.rmtree("out/stages")
    line = datagen("trace", "out", rows[0]["seed_id"]).error()
    assert f"does not hold {rows[0]['seed_id']} itself but 2 rows that descend from it" in line


def test_unknown_ids(run):
    """An id that is unknown, too short, ambiguous or a task's is told in one line."""
    more = [row("good-answer"), row("good-agent")]
    write(run.parent / "two", "filter", more, [])
    assert "no row of" in datagen("trace", run, "nothing").error()
    assert "too short" in datagen("trace", run, "good").error()
    assert (
        "2 rows have an id that begins with good-a" in datagen("trace", run.parent / "two", "good-a").error()
    )
    assert f"is no row but a task of 3 rows; give the id of one, such as {CHILD['id']}" in (
        datagen("trace", run, GOOD["task"]).error()
    )
    assert "no dataset directory" in datagen("trace", "starter", "abcdef").error()
    assert "no manifest.json" in datagen("trace", run.parent, "abcdef").error()
    assert "does not exist" in datagen("trace", "nowhere", "abcdef").error(2)


def verdict(out: Path, name: str = "child-row") -> dict:
    return traced(out, name)["chain"][-1]["call"]


def test_hit(folder):
    """A call that was stored before the stage began is a hit, and says who bought it."""
    put(EVOLVE, plan="other plan", made="2026-01-02T03:04:05Z")
    write(folder / "out", "evolve", [SEED, CHILD], [], made=1, asked=3, reused=1)
    call = verdict(folder / "out")
    assert call["verdict"] == "hit"
    assert call["why"] == "hit: asked before, on 2026-01-02T03:04:05Z, by the plan other plan"


def test_hit_of_an_interrupted_run(folder):
    """So is what an earlier run of the same plan asked."""
    key = write(folder / "out", "evolve", [SEED, CHILD], [], made=1, asked=3, reused=1)
    put(EVOLVE, plan=key, made="2026-01-02T03:04:05Z")
    call = verdict(folder / "out")
    assert call["why"] == "hit: asked before, on 2026-01-02T03:04:05Z, by an earlier run of the same plan"


def test_row_that_came_along(folder):
    """A row that a stage only passed on was asked for before."""
    put(EVOLVE, made="2026-01-02T03:04:05Z")
    write(folder / "out", "filter", [CHILD], [])
    assert verdict(folder / "out")["why"] == (
        "hit: asked before, on 2026-01-02T03:04:05Z, by a run that left no name"
    )


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (
            EVOLVE._replace(parameters=(("seed", 0), ("temperature", 0.2))),
            "parameters.temperature (0.2, now 0.7)",
        ),
        (EVOLVE._replace(parameters=(("seed", 0),)), "parameters.temperature (not set, now 0.7)"),
        (EVOLVE._replace(endpoint="http://g/v1"), 'endpoint ("http://g/v1", now "http://h/v1")'),
        (EVOLVE._replace(model="n"), 'model ("n", now "m")'),
        (EVOLVE._replace(sample=1), "sample (1, now 0)"),
        (
            EVOLVE._replace(messages=(("system", "You help."), EVOLVE.messages[1])),
            'messages.system ("You help.", now "You set tasks.")',
        ),
        (EVOLVE._replace(messages=EVOLVE.messages[1:]), 'messages.system (not set, now "You set tasks.")'),
        (
            request(EVOLVE.messages[1][1].replace("adds", "sums")),
            'messages.user ("…unction that sums up prices. Write a fun…",'
            ' now "…unction that adds up prices. Write a fun…")',
        ),
        (
            EVOLVE._replace(model="n", sample=2),
            'model ("n", now "m"), sample (2, now 0)',
        ),
    ],
)
def test_miss_names_what_differs(folder, stored, words):
    """A miss names the nearest call that was stored before, and each field in which it differs."""
    put(stored, plan="other", made="2026-01-02T03:04:05Z")
    put(request("quite another prompt", model="x"), plan="other", made="2026-01-03T03:04:05Z")
    if stored.messages[-1] == EVOLVE.messages[-1]:
        put(EVOLVE._replace(sample=5, model="z", endpoint="e"), plan="other", made="2026-01-03T03:04:05Z")
    key = write(folder / "out", "evolve", [SEED, CHILD], [], made=1, asked=1, reused=0)
    put(EVOLVE, ANSWER, plan=key)
    call = verdict(folder / "out")
    assert call["verdict"] == "miss"
    nearest = f"nearest is {stored.key[:12]} of 2026-01-02"
    assert call["why"] == f"miss: nothing equal was stored; {nearest}, which differs in {words}"
    assert call["nearest"]["key"] == stored.key


def test_miss_of_a_raw_text(folder):
    """The same holds for prompts that are continued."""
    now = EVOLVE._replace(messages=(), text=TEXT)
    put(now._replace(text=TEXT + "more"), made="2026-01-02T03:04:05Z")
    put(now._replace(text=TEXT + "very much more"), made="2026-01-03T03:04:05Z")
    write(folder / "out", "evolve", [SEED, CHILD | {"request": now.key}], [], made=1, asked=1, reused=0)
    put(now)
    assert "of 2026-01-02, which differs in text (" in verdict(folder / "out")["why"]


def test_first_miss(folder):
    """Where nothing similar was stored before the run, what the run itself asked is not named."""
    put(request("another", model="n"), made="2026-01-02T03:04:05Z")
    key = write(folder / "out", "evolve", [SEED, CHILD], [], made=1, asked=2, reused=0)
    put(EVOLVE, FAILED, plan=key)
    assert verdict(folder / "out")["why"] == "miss: no similar call was stored"


def test_pruned_journal(run, folder):
    """A call that is gone, and a journal that lies elsewhere, are told."""
    assert "there is no journal" in verdict(run, "good-a")["why"]
    assert not (folder / "cache").exists()
    put(EVOLVE)
    assert verdict(run, "good-a")["verdict"] == "absent"
    put(ANSWER, made="2999-01-02T03:04:05Z")
    call = verdict(run, "good-a")
    assert call["verdict"] == "unknown"
    assert call["why"].startswith("asked again on 2999-01-02T03:04:05Z")


def test_damaged_journal(run, folder):
    """A damaged call is told."""
    put(ANSWER)
    path = folder / "cache" / "journal.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE calls SET reply = replace(reply, 'text', 'taxt')")
    assert "is damaged: the call" in datagen("trace", run, "good-a").error()

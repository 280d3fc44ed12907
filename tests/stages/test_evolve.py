"""`datagen evolve` against a server: what is kept, in which order, and where each row comes from."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import cli
import polars as pl
import pytest
from cli import datagen, spawn
from endpoint import Endpoint, reply
from haste import hasten

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
    hasten(monkeypatch)
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
    wrong = {"unchanged-evolution", "refused-to-evolve", "leaked-evolution-prompt"}
    assert wrong <= set(summary["dropped"]) <= {*wrong, "no-gain"}
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


def undisturbed(folder, monkeypatch, port, *more):
    """The digest, and the requests, of the same run with a journal of its own and nothing in its way."""
    use_journal(monkeypatch, folder / "another")
    with Endpoint(port=port) as endpoint:
        digest = evolve(folder, endpoint, *more, out="undisturbed")["digest"]
        use_journal(monkeypatch, folder / "cache")
        return digest, set(endpoint.asked)


@pytest.mark.parametrize(
    "faults",
    [
        {"500": 0.2, "reset": 0.1, "cut-body": 0.1, "html": 0.1, "429-limits": 0.1, "503": 0.1},
        {"429-limits": 1.0},
        {"truncated-json": 0.4, "empty-choices": 0.2, "cut-chunked": 0.2, "502": 0.1},
    ],
)
def test_passing_faults_leave_no_trace(folder, monkeypatch, faults):
    """What a server does wrong for a while changes nothing: no row fails, and none is paid for twice."""
    with Endpoint(faults=faults, times=1) as endpoint:
        made = evolve(folder, endpoint, "--quiet")
        assert endpoint.injected.total() > 40
        assert endpoint.paid_twice() == 0
        asked = set(endpoint.asked)
    assert (made["failed"], made["calls"]["asked"], made["calls"]["failed"]) == (0, 120, 0)
    assert (made["digest"], asked) == undisturbed(folder, monkeypatch, endpoint.server_port)


@pytest.mark.parametrize("fault", ["hang", "drip"])
def test_calls_that_take_too_long_are_made_again(folder, monkeypatch, fault):
    """--timeout ends calls that hang, and answers that come drop by drop, however regular the drops are."""
    with Endpoint(fault=fault, share=0.2, times=1) as endpoint:
        made = evolve(folder, endpoint, "--timeout", "0.4")
        assert endpoint.injected[fault] > 10
        assert endpoint.repeated() >= endpoint.injected[fault]  # a busy machine makes others late, too
        assert endpoint.paid_twice() == 0
    assert (made["failed"], made["calls"]["asked"]) == (0, 120)
    assert made["digest"] == undisturbed(folder, monkeypatch, endpoint.server_port)[0]


@pytest.mark.parametrize("concurrency", [1, 32])
def test_response_that_comes_twice(folder, monkeypatch, concurrency):
    """A server that sends an answer twice over one connection answers no other request with it."""
    with Endpoint(fault="duplicate", share=0.5) as endpoint:
        made = evolve(folder, endpoint, "--concurrency", concurrency)
        assert endpoint.injected["duplicate"] > 40
        assert endpoint.paid_twice() == 0
    assert made["failed"] == 0
    assert made["digest"] == undisturbed(folder, monkeypatch, endpoint.server_port)[0]


def test_another_model_is_told(folder):
    """When the server's model changes under way people are told so, once, and each row says its own."""
    with Endpoint(fault="other-model", share=0.5) as endpoint:
        ended = datagen(
            *("evolve", folder / "seeds.jsonl", "-o", folder / "out", "--teacher", endpoint.teacher)
        )
    assert ended.code == 0
    assert ended.err.count("openai:stand-in answered as ") == 1
    assert {row["model"] for row in rows(folder)} == {None, "stand-in-2026", "another-model"}


def test_failed_calls_are_tried_again(folder, monkeypatch):
    """With failures the exit code is 3; the same command again asks only for what is missing.

    Nothing is paid in vain: all that was answered beside a failed call is part of an undisturbed run, too.
    """
    with Endpoint(fault="500", share=0.2) as endpoint:
        first = evolve(folder, endpoint, code=3)
        check_identity(first)
        assert first["failed"] == first["dropped"]["call-failed"] > 0
        failed = [row for row in rows(folder, part="dropped") if row["reason"] == "call-failed"]
        assert all("refused with 500" in row["detail"] for row in failed)
        assert all("(asked 6 times)" in row["detail"] for row in failed)
        assert all(row["instruction"] == "" for row in failed)
        answered = set(endpoint.answered)
        endpoint.fault = None
        again = evolve(folder, endpoint)
        assert (again["failed"], again["already_made"]) == (0, False)
        assert all(endpoint.answered[key] == 1 for key in answered)
        assert again["calls"]["reused"] == first["calls"]["asked"]
        assert evolve(folder, endpoint)["already_made"]
        assert endpoint.paid_twice() == 0
    digest, asked = undisturbed(folder, monkeypatch, endpoint.server_port)
    assert digest == again["digest"]
    assert answered <= asked
    assert json.loads((folder / "undisturbed/manifest.json").read_text())["usage"] == again["usage"]


def test_one_of_two_teachers_is_dead(folder, monkeypatch):
    """Without one of its teachers a run keeps what the other gives, and the next run makes it whole."""
    hasten(monkeypatch, first_patience=0.05)
    with Endpoint() as alive, Endpoint(fault="500") as dead:
        both = ["--teacher", f"openai:other@{dead.url}"]
        ended = datagen(
            *("evolve", folder / "seeds.jsonl", "-o", folder / "out", "--teacher", alive.teacher, *both)
        )
        assert ended.code == 3
        assert ended.err.count("openai:other is given up for this run (no answer in ") == 1
        evolved = [row for row in rows(folder) if row["depth"]]
        assert {row["teacher"] for row in evolved} == {"openai:stand-in"}
        failed = [row for row in rows(folder, part="dropped") if row["reason"] == "call-failed"]
        assert {row["teacher"] for row in failed} == {"openai:other"}
        assert dead.asked.total() < 60
        dead.fault = None
        again = evolve(folder, alive, *both)
        assert again["failed"] == 0
        assert alive.paid_twice() == dead.paid_twice() == 0
        use_journal(monkeypatch, folder / "another")
        expected = evolve(folder, alive, *both, out="undisturbed")
    assert (again["digest"], again["usage"]) == (expected["digest"], expected["usage"])


# Methods and the judge


def test_breadth(folder):
    """--method breadth asks for other tasks of the same field, which need not share the seed's words."""
    with Endpoint() as endpoint:
        summary = evolve(folder, endpoint, "--method", "breadth", "--rounds", 1)
        asked = [body["messages"][-1]["content"] for body in endpoint.bodies.values()]
    check_identity(summary)
    assert all("### New exercise" in text for text in asked)
    evolved = [row for row in rows(folder) if row["depth"]]
    assert {row["method"] for row in evolved} == {"breadth"}
    assert len(evolved) > 30
    assert all(row["instruction"].startswith("Set up `other_") for row in evolved)
    assert {row["entry_point"] for row in evolved} == {None}


def test_methods_are_drawn_by_weight(folder):
    """NAME=WEIGHT says how often a method is drawn, and the manifest and the card say what became of each."""
    with Endpoint() as endpoint:
        weights = ["--method", "constraint=3,breadth", "--method", "reasoning=0.01"]
        summary = evolve(folder, endpoint, *weights)
        assert evolve(folder, endpoint, *weights, out="again")["digest"] == summary["digest"]
        assert endpoint.repeated() == 0
    attempts = [*(row for row in rows(folder) if row["depth"]), *rows(folder, part="dropped")]
    table = summary["methods"]
    assert {"constraint", "breadth"} <= set(table) <= {"constraint", "breadth", "reasoning"}
    for name, outcomes in table.items():
        assert sum(outcomes.values()) == sum(row["method"] == name for row in attempts)
        assert outcomes["kept"] == sum(row["method"] == name and "reason" not in row for row in attempts)
    assert sum(sum(outcomes.values()) for outcomes in table.values()) == 120
    assert 70 < sum(table["constraint"].values()) < 110
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    assert manifest["methods"] == table
    assert manifest["options"]["method"] == {"constraint": 3.0, "breadth": 1.0, "reasoning": 0.01}
    card = (folder / "out" / "README.md").read_text()
    constraint = table["constraint"]
    assert f"| constraint | {sum(constraint.values())} | {constraint['kept']} | " in card


def test_rows_name_the_wording(folder):
    """Every attempt says by a hash which wording it was asked in: one for each method."""
    with Endpoint() as endpoint:
        evolve(folder, endpoint)
    hashes = {(row["method"], row["prompt_hash"]) for row in rows(folder) if row["depth"]}
    assert len(hashes) == len({one for _, one in hashes}) == 5
    assert all(row["prompt_hash"] is None for row in rows(folder) if not row["depth"])


def verdicts(say):
    """A model that gives `say(number)` as its verdict, and evolves as ever."""

    def says(body):
        if "<exercise-A>" in body["messages"][-1]["content"]:
            return say(len(body["messages"][-1]["content"]))
        return reply(body)

    return says


def test_judge_eliminates_what_is_equal(folder):
    """--judge is asked about each attempt that is good otherwise; what it calls equal is dropped."""
    says = verdicts(lambda number: f"Hm.\nVerdict: {'equal' if number % 3 == 0 else 'different'}")
    with Endpoint(says=says) as endpoint:
        judge = ["--judge", f"openai:judge@{endpoint.url}"]
        summary = evolve(folder, endpoint, *judge)
        judged = [body for body in endpoint.bodies.values() if body["model"] == "judge"]
        assert endpoint.repeated() == 0
        assert (
            evolve(folder, endpoint, *judge, "--concurrency", 1, out="again")["digest"] == summary["digest"]
        )
        assert endpoint.repeated() == 0
    check_identity(summary)
    kept = sum(1 for row in rows(folder) if row["depth"])
    equal = summary["dropped"]["judged-equal"]
    assert equal > 10
    assert len(judged) == kept + equal
    assert {body["temperature"] for body in judged} == {0.0}
    assert summary["usage"].keys() == {"openai:stand-in", "openai:judge"}
    assert summary["usage"]["openai:judge"]["calls"] == len(judged)
    assert {row["teacher"] for row in rows(folder) if row["depth"]} == {"openai:stand-in"}
    assert sum(table.get("judged-equal", 0) for table in summary["methods"].values()) == equal


def test_unreadable_verdict_is_for_the_attempt(folder):
    """A judge that says neither throws nothing away."""
    with Endpoint(says=verdicts(lambda _: "Equal or not equal? Hard to say.")) as endpoint:
        summary = evolve(folder, endpoint, "--judge", f"openai:judge@{endpoint.url}")
    assert "judged-equal" not in summary["dropped"]
    told = summary["verdicts"]
    assert told["unreadable"] == told["given"] > 0
    assert "hold no verdict; they count as no objection." in (folder / "out" / "README.md").read_text()
    assert summary["rows_out"] > 100


def test_judge_that_fails(folder, monkeypatch):
    """Without its verdict an attempt is neither kept nor lost: the next run asks the judge again."""
    says = verdicts(lambda number: f"Verdict: {'equal' if number % 3 == 0 else 'different'}")
    with Endpoint(says=says) as endpoint, Endpoint(says=says, fault="400", share=0.3) as ill:
        judge = ["--judge", f"openai:judge@{ill.url}"]
        first = evolve(folder, endpoint, *judge, code=3)
        failed = [row for row in rows(folder, part="dropped") if row["reason"] == "call-failed"]
        assert len(failed) == first["failed"] > 5
        assert all(row["detail"].startswith("the judge: the server refused with 400") for row in failed)
        assert all(row["instruction"] for row in failed)
        ill.fault = None
        again = evolve(folder, endpoint, *judge)
        assert endpoint.paid_twice() == ill.paid_twice() == 0
        use_journal(monkeypatch, folder / "another")
        expected = evolve(folder, endpoint, *judge, out="undisturbed")
    assert (again["failed"], again["digest"], again["usage"]) == (0, expected["digest"], expected["usage"])


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
    assert two["usage"] == one["usage"]
    assert two["usage_total"] == one["usage_total"]
    assert "127.0.0.1" not in (folder / "out" / "manifest.json").read_text()


def test_what_the_rows_rest_on(folder):
    """The manifest tells calls and tokens as the server counted them, and what a kept row took."""
    with Endpoint() as endpoint:
        summary = evolve(folder, endpoint)
        spent = {"calls": 120, "tokens_in": endpoint.tokens_in, "tokens_out": endpoint.tokens_out}
    assert summary["usage"] == {"openai:stand-in": {**spent, "usd": None}}
    each = round((spent["tokens_in"] + spent["tokens_out"]) / summary["rows_out"], 3)
    assert summary["usage_total"] == {
        **spent,
        "usd": None,
        "usd_unknown": ["openai:stand-in"],
        "per_kept_row": {"tokens": each, "usd": None},
    }
    manifest = json.loads((folder / "out" / "manifest.json").read_text())
    assert (manifest["usage"], manifest["usage_total"]) == (summary["usage"], summary["usage_total"])
    told = manifest["teachers"]["openai:stand-in"]
    assert (told["kind"], told["role"], told["license"], told["prompt"]) == ("openai", "teacher", None, None)


def test_teachers_file(folder):
    """--teachers says who is asked and how; their names, prices and licences stand on what they make."""
    with Endpoint() as endpoint:
        (folder / "teachers.yaml").write_text(
            f"strong: {{model: big, base_url: '{endpoint.url}', license: MIT, price_in: 1, price_out: 10,"
            " parameters: {temperature: 0.1, top_p: 0.9}, system: Be terse.}\n"
            f"weak: {{model: small, base_url: '{endpoint.url}', license: MIT, price_in: 0.5, price_out: 1}}\n"
        )
        ended = datagen(
            *("evolve", folder / "seeds.jsonl", "-o", folder / "out", "--json"),
            *("--teachers", folder / "teachers.yaml"),
        )
        sent = [body for body in endpoint.bodies.values() if body["model"] == "big"]
    assert ended.code == 0, ended
    assert {(body["temperature"], body["top_p"], body["messages"][0]["content"]) for body in sent} == {
        (0.1, 0.9, "Be terse.")
    }
    assert {(row["teacher"], row["license"]) for row in rows(folder) if row["depth"]} == {
        ("strong", "MIT"),
        ("weak", "MIT"),
    }
    usage = ended.json()["usage"]
    strong = usage["strong"]
    assert strong["usd"] == pytest.approx((strong["tokens_in"] + 10 * strong["tokens_out"]) / 1e6)
    total = ended.json()["usage_total"]
    assert total["usd"] == pytest.approx(strong["usd"] + usage["weak"]["usd"])
    assert total["per_kept_row"]["usd"] == pytest.approx(total["usd"] / ended.json()["rows_out"], rel=1e-3)
    assert ended.json()["calls"]["usd"] == pytest.approx(total["usd"])


def test_judge_that_cannot_be_asked_ends_the_run(folder, monkeypatch):
    """Attempts that nobody can judge are not bought."""
    with Endpoint() as endpoint, Endpoint(key="another") as closed:
        judge = closed.teacher.replace("stand-in", "judge")
        words = ["evolve", "starter", "-o", "OUT", "--teacher", endpoint.teacher, "--judge", judge, "--quiet"]
        error = datagen(*words, "--limit", 60, "--concurrency", 4).error(1)
        assert "openai:judge" in error
        assert endpoint.asked.total() < 40


def test_judge_of_a_teachers_name_is_refused(folder):
    """Two servers under one name could not be told apart."""
    words = ["evolve", "starter", "-o", "OUT", "--teacher", "openai:m@http://a/v1"]
    assert "two teachers are called openai:m" in datagen(*words, "--judge", "openai:m@http://b/v1").error(2)

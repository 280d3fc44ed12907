"""Calls, tokens and cost: each call counts once, whatever run made it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen import canonical
from datagen.calls import usage
from datagen.calls.usage import Usage
from datagen.request import Reply
from datagen.teachers import Profile

PRICED = Profile("openai:a", "a", price_in=1.0, price_out=10.0)
FREE = Profile("local:b", "b")


def reply(tokens_in, tokens_out):
    return Reply("text", "stop", "m", tokens_in, tokens_out)


counted = st.lists(st.tuples(st.sampled_from([PRICED, FREE]), st.integers(0, 20), st.integers(1, 10**6)))


@given(counted, st.randoms(use_true_random=False))
def test_each_call_once(calls, draw):
    """Calls that come again, and the order in which they come, change nothing."""
    one, other = Usage(), Usage()
    known = {}
    for profile, number, tokens in calls:
        known.setdefault(number, (profile, tokens))
    unique = [
        (profile, canonical.sha256(f"{number}"), reply(tokens, 7))
        for number, (profile, tokens) in known.items()
    ]
    for call in unique:
        one.add(*call)
    again = unique * 2
    draw.shuffle(again)
    for call in again:
        other.add(*call)
    assert one.as_json() == other.as_json()
    by_name = {"a": PRICED, "b": FREE}
    for name, counts in one.as_json().items():
        mine = [tokens for profile, tokens in known.values() if profile.name == name]
        usd = (sum(mine) + 70 * len(mine)) / 1e6 if by_name[name].price_in else None
        assert counts == {
            "calls": len(mine),
            "tokens_in": sum(mine),
            "tokens_out": 7 * len(mine),
            "usd": None if usd is None else pytest.approx(usd, abs=1e-9),
        }


def entry(calls, usd):
    return {"calls": calls, "tokens_in": 10 * calls, "tokens_out": 2 * calls, "usd": usd}


def test_total_of_stages():
    """Stages add up by teacher; a cost that one of them does not know hides no other's."""
    stages = [{"a": entry(1, 0.5), "b": entry(2, None)}, {"a": entry(3, 0.25), "c": entry(1, 0.0)}, {}]
    assert usage.total(stages) == {"a": entry(4, 0.75), "b": entry(2, None), "c": entry(1, 0.0)}
    mixed = usage.total([{"a": entry(1, 0.5)}, {"a": entry(1, None)}, {"a": entry(1, 0.5)}])
    assert mixed == {"a": {**entry(3, 1.0), "usd_at_least": True}}
    assert usage.total([]) == {}


def test_summary_for_each_kept_row():
    """Tokens and cost are told for each row that was kept; without rows or prices there is no such number."""
    both = {"a": entry(4, 0.75), "c": entry(1, 0.25)}
    assert usage.summary(both, 10) == {
        **{"calls": 5, "tokens_in": 50, "tokens_out": 10, "usd": 1.0},
        "per_kept_row": {"tokens": 6.0, "usd": 0.1},
    }
    assert usage.summary(both, 0)["per_kept_row"] == {"tokens": None, "usd": None}
    assert usage.summary({"a": entry(1, None)}, 3)["per_kept_row"] == {"tokens": 4.0, "usd": None}
    partly = usage.summary({**both, "b": entry(1, None)}, 10)
    assert (partly["usd"], partly["usd_at_least"], partly["usd_unknown"]) == (1.0, True, ["b"])
    assert usage.summary({}, 3) == {
        **{"calls": 0, "tokens_in": 0, "tokens_out": 0, "usd": 0},
        "per_kept_row": {"tokens": 0.0, "usd": 0.0},
    }


def test_calls_that_were_sent_otherwise_are_counted():
    """By teacher and change; several stages add up, and a teacher without any has no such entry."""
    used = Usage()
    for number, how in enumerate([("without seed",), ("without seed", "without stop"), ()]):
        used.add(PRICED, canonical.sha256(f"{number}"), reply(1, 1)._replace(adapted=how))
    used.add(FREE, canonical.sha256("free"), reply(1, 1))
    told = used.as_json()
    assert told["a"]["adapted"] == {"without seed": 2, "without stop": 1}
    assert "adapted" not in told["b"]
    both = usage.total([told, told, {"a": {**told["b"], "usd": 0.0}}])
    assert both["a"]["adapted"] == {"without seed": 4, "without stop": 2}
    assert both["a"]["calls"] == 7
    assert "adapted" not in both["b"]


def told(*replies, profile=PRICED):
    """A manifest's usage after these replies, and what the summary and the data card say of it."""
    counted = Usage()
    for number, one in enumerate(replies):
        counted.add(profile, canonical.sha256(f"{number}"), one)
    by_teacher = counted.as_json()
    manifest = {"usage": by_teacher, "usage_total": usage.summary(by_teacher, 2)}
    entries = {entry.name: entry for entry in usage.ENTRIES}
    lines = [*entries["usage_total"].lines(manifest), *entries["usage"].card(manifest)]
    return by_teacher[profile.name], "\n".join(lines)


def test_tokens_that_no_server_counted_are_unknown():
    """A reply without usage costs something, so its tokens and its cost are unknown, not 0."""
    counts, words = told(reply(0, 0), reply(0, 0))
    assert counts == {"calls": 2, "tokens_in": 0, "tokens_out": 0, "usd": None, "uncounted": 2}
    assert "tokens: unknown in, unknown out, cost unknown" in words
    assert "2 calls came back without their number of tokens" in words
    assert "| a | 2 | unknown | unknown | unknown |" in words
    assert "$0" not in words


def test_tokens_of_which_some_are_counted_are_a_least():
    """What is known is told, as the least."""
    counts, words = told(reply(100, 100), reply(0, 0))
    cost = {"usd": 0.0011, "usd_at_least": True, "uncounted": 1}
    assert counts == {"calls": 2, "tokens_in": 100, "tokens_out": 100, **cost}
    assert "tokens: at least 100 in, at least 100 out, at least $0.0011 (not known of a)" in words
    assert "| a | 2 | at least 100 | at least 100 | at least 0.0011 |" in words
    assert "USD for each row kept: at least 0.00055." in words


def test_what_costs_nothing_costs_nothing_uncounted():
    """A price of 0 is known, however many tokens there were."""
    counts, _ = told(reply(0, 0), profile=PRICED._replace(price_in=0.0, price_out=0.0))
    assert counts == {"calls": 1, "tokens_in": 0, "tokens_out": 0, "usd": 0.0, "uncounted": 1}

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


counted = st.lists(st.tuples(st.sampled_from([PRICED, FREE]), st.integers(0, 20), st.integers(0, 10**6)))


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
    """Stages add up by teacher; a cost that one of them does not know is not known."""
    stages = [{"a": entry(1, 0.5), "b": entry(2, None)}, {"a": entry(3, 0.25), "c": entry(1, 0.0)}, {}]
    assert usage.total(stages) == {"a": entry(4, 0.75), "b": entry(2, None), "c": entry(1, 0.0)}
    assert (
        usage.total([{"a": entry(1, 0.5)}, {"a": entry(1, None)}, {"a": entry(1, 0.5)}])["a"]["usd"] is None
    )
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

"""What a server's headers and words say about the next call: when it may come, and whether it can succeed."""

from __future__ import annotations

import email.utils
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen.teachers._limits import LONGEST_HINT, LONGEST_SECONDS, concerns, duration, pause, retry_after

NOW = 1_790_000_000


@pytest.fixture(autouse=True)
def clock(monkeypatch):
    """The clock of this machine, standing still."""
    monkeypatch.setattr(time, "time", lambda: float(NOW))


def date(moment):
    return email.utils.formatdate(moment, usegmt=True)


def limits(requests=None, tokens=None, reset="2s", tokens_reset="3s"):
    said = {
        "x-ratelimit-remaining-requests": requests,
        "x-ratelimit-reset-requests": reset,
        "x-ratelimit-remaining-tokens": tokens,
        "x-ratelimit-reset-tokens": tokens_reset,
    }
    return {name: value for name, value in said.items() if value is not None}


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "7"}, 7),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "1.5"}, 1.5),
        ({"retry-after": "-3"}, 0),
        ({"retry-after": "1e300"}, LONGEST_SECONDS),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after-ms": "250", "retry-after": "1"}, 0.25),
        ({"retry-after-ms": "soon", "retry-after": "1"}, 1),
        ({"retry-after": date(NOW + 90)}, 90),
        ({"retry-after": date(NOW - 90)}, 0),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry-after": "Thu, 01 Jan 9999 00:00:00 GMT"}, LONGEST_SECONDS),
        ({"retry-after": date(NOW + 20).replace("GMT", "-0000")}, 20),
        (limits(requests="0"), 2),
        (limits(requests="0", tokens="0"), 3),
        (limits(requests="5", tokens="0"), 3),
        (limits(requests="5", tokens="12"), None),
        ({"retry-after": "1", **limits(requests="0")}, 1),
        ({"retry-after": "soon", **limits(requests="0")}, 2),
        (limits(requests="0", reset="6m0s"), LONGEST_HINT),
        (limits(requests="0", reset="never"), None),
        (limits(requests="0", reset=str(NOW + 5)), 5),
        (limits(requests="0", reset=str(NOW * 1000 + 5000)), 5),
    ],
)
def test_retry_after(headers, seconds):
    """Seconds, milliseconds and dates are understood, nonsense is not, and nothing is endless."""
    said = retry_after(headers)
    assert said == seconds if seconds is None else said == pytest.approx(seconds)


@pytest.mark.parametrize("wrong", [-7200, 7200])
def test_a_wrong_clock_here_does_not_matter(monkeypatch, wrong):
    """A date is read by the server's own clock, which the answer tells."""
    headers = {"retry-after": date(NOW + 30), "date": date(NOW)}
    monkeypatch.setattr(time, "time", lambda: float(NOW + wrong))
    assert retry_after(headers) == 30


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1s", 1),
        ("6m0s", 360),
        ("20ms", 0.02),
        ("1h2m3.5s", 3723.5),
        ("2m59.56s", 179.56),
        ("1d", 86400),
        ("3.5", 3.5),
        *((text, None) for text in (None, "", "s", "1 s", "1x", "m1s", "1s!", "nan", "--1s")),
    ],
)
def test_duration(text, seconds):
    """Durations as servers write them."""
    assert duration(text) == (seconds if seconds is None else pytest.approx(seconds))


def test_pause_of_an_answered_call():
    """An answer that says that nothing is left asks for a pause; one that says nothing does not."""
    assert pause({}) == 0
    assert pause(limits(requests="0")) == 2
    assert pause(limits(requests="1", tokens="0.5")) == 3
    assert pause(limits(requests="3", tokens="900")) == 0
    assert pause(limits(requests="many")) == 0


words = st.text() | st.from_regex(r"-?\d{1,400}(\.\d+)?(ms|s|m|h|d)?", fullmatch=True) | st.floats().map(str)


@given(st.dictionaries(st.sampled_from([*limits("", ""), "retry-after", "retry-after-ms", "date"]), words))
def test_any_header(headers):
    """Whatever a server writes there, a bounded number of seconds comes of it, or none."""
    said = retry_after(headers)
    assert said is None or 0 <= said <= LONGEST_SECONDS
    assert 0 <= pause(headers) <= LONGEST_HINT


@pytest.mark.parametrize(
    ("status", "words", "expected"),
    [
        (
            400,
            "This model's maximum context length is 4096 tokens. However, you requested 4472 tokens",
            "prompt",
        ),
        (400, "{'code': 'context_length_exceeded'}", "prompt"),
        (400, "the request exceeds the available context size, try increasing it", "prompt"),
        (400, "prompt is too long: 210000 tokens > 200000 maximum", "prompt"),
        (400, "The input token count (1200000) exceeds the maximum number of tokens allowed", "prompt"),
        (400, "The response was filtered due to Azure OpenAI's content management policy", "prompt"),
        (400, "Invalid prompt: your prompt was flagged as potentially violating our usage policy", "prompt"),
        (400, "The decoder prompt (length 5000) is longer than the maximum model length of 4096", "prompt"),
        (403, "Input was flagged by moderation", "prompt"),
        (413, "", "prompt"),
        (400, "Unsupported parameter: 'max_tokens' is not supported with this model", "unknown"),
        (400, "max_tokens is too large: 8192. This model supports at most 4096 completion tokens", "unknown"),
        (422, "Extra inputs are not permitted", "unknown"),
        (403, "You have no access to this model", "all"),
        (402, "Insufficient balance", "all"),
        (405, "Method Not Allowed", "all"),
    ],
)
def test_whom_a_refusal_concerns(status, words, expected):
    """A prompt that is too long or disliked is refused alone; a missing permission refuses all."""
    assert concerns(status, words) == expected

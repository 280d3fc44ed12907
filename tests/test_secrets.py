"""No secret leaves the process, in whatever spelling."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote, quote_plus

import pytest

from datagen import secrets

KEY = 'sk-Ab/+"c d%ü-0123456789'


@pytest.fixture(autouse=True)
def _known():
    secrets.forget()
    secrets.register(KEY)
    yield
    secrets.forget()


@pytest.mark.parametrize(
    "spelling",
    [
        *(KEY, KEY.upper(), KEY.lower(), quote(KEY), quote(KEY, safe=""), quote_plus(KEY)),
        *(quote(KEY, safe="").lower(), json.dumps(KEY)[1:-1], json.dumps(KEY, ensure_ascii=False)[1:-1]),
        *(json.dumps(KEY)[1:-1].replace("/", "\\/"), base64.b64encode(KEY.encode()).decode().rstrip("=")),
    ],
)
def test_spellings(spelling):
    """Every spelling is hidden, once or more often, and what stands around it is kept."""
    assert secrets.hide(f"a {spelling} b {spelling}.") == "a *** b ***."


@pytest.mark.parametrize("length", range(8, len(KEY)))
def test_parts(length):
    """What was cut off after 8 characters or more is hidden, too, whatever follows it."""
    for end in ("", "…", " and on", KEY[:3]):
        assert KEY[:length].lower() not in secrets.hide(f"İ you sent {KEY[:length]}{end}").lower()
    assert secrets.hide(KEY[:7]) == KEY[:7]


@pytest.mark.parametrize("start", range(1, len(KEY) - 7))
def test_parts_that_are_not_the_beginning(start):
    """A server may cut the beginning off, or show the last characters only; longer parts leave no rest."""
    for end in range(start + 8, len(KEY) + 1):
        assert secrets.hide(f"ends in:{KEY[start:end]}, x") == "ends in:***, x"
    assert secrets.hide(KEY[start : start + 7]) == KEY[start : start + 7]


def test_a_part_grows_to_both_sides():
    """What looks like a word goes too where it stands beside another part of the key."""
    secrets.register("team-production-7Qx9-keyforeverybody")
    assert secrets.hide("a roduction-7Qx9-keyfor b") == "a *** b"


def test_words_in_a_key_are_no_secret():
    """A key that is made of words hides none of them but its beginning."""
    secrets.register("our-company-Production-STAGING-database-4711")
    text = "the company-production database: Production-Staging, company, PRODUCTION"
    assert secrets.hide(text) == text
    assert secrets.hide("our-company-production") == "***"


def test_a_long_text_is_searched_once():
    """A key and a text of one character only, and long ones, take no more than their length."""
    secrets.register("1" * 4000)
    assert secrets.hide("1" * 1_000_000) == "***"
    assert secrets.hide("1111111x" * 100_000) == "1111111x" * 100_000


def test_logins():
    """A proxy's password is hidden as it is and as it is sent."""
    secrets.register_login("me", "pass%40word")
    sent = base64.b64encode(b"me:pass@word").decode()
    assert (
        secrets.hide(f"http://me:pass@word@h, pass%40word, Basic {sent}") == "http://me:***@h, ***, Basic ***"
    )


def test_overlapping_secrets():
    """Of two secrets with the same beginning the longer one is hidden whole."""
    secrets.register("abcdefgh-one")
    secrets.register("abcdefgh-one-two")
    assert secrets.hide("abcdefgh-one-two abcdefgh-one") == "*** ***"


@pytest.mark.parametrize("word", ["none", "EMPTY", "", "1234567", "placeholder", "sk-no-key-required"])
def test_no_secret(word):
    """Short words and what manuals tell people to write are no secrets: code may hold them."""
    secrets.register(word)
    secrets.register_login("", word)
    assert secrets.hide(f"def f(): return '{word}'") == f"def f(): return '{word}'"

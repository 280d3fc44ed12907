"""Reads what assertions say of a call in other ways than `f(2) == 3`, in many languages.

    assertEquals(3, f(2))      assert_eq!(3, f(2))      assert 3 == f(2)        the result comes first
    expect(f(2)).toBe(3)       f(2).should.equal(3)     assertThat(f(2), is(3)) it is given to a matcher
    assertTrue(f(2))           assert(!f(2))            assert f(2)             it is a truth value

Nothing is known of a library but words that most have: assert, expect, equal, be. Each pattern looks at no
more than the characters around one call.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from decontam._literals import Literal, Value

#: Characters before and behind a call that are looked at.
NEAR = 80

_NAME = r"[\w.:>$&*-]*"
# What stands between a result and the call behind it; what calls both; and where the call has to end.
_SECOND = re.compile(rf"\s*(?:,|(?<![=!<>])(?P<equal>={{2,3}}))\s*(?:await\s+)?{_NAME}\Z")
_FIRST = re.compile(
    r"(?i:assert|expect|equal|require|check|verify|same|eq\b)\w*!?\s*\(\s*"
    r"""(?:(?:"[^"\n]*"|[^\W\d]\w*)\s*,\s*)?[\w.&*:<>\[\]!{}\s]*\Z"""
)
_COMPARED = re.compile(
    r"(?:\b(?:assert|if|and|or|return|require|check)\b|[({!&|])\s*[\w.&*:!]*\Z", re.IGNORECASE
)
_END = re.compile(r"[ \t]*(?:\Z|[,);:\n&|{]|(?:and|or)\b)")

_MATCHER = re.compile(
    r"\s*(?:\)\s*)?(?:\.\s*\w+\s*)*[.\s]\s*(?:to|should|is|be|eq|eql|equals?|same)(?:[A-Z_]\w*)?"
    r"|\s*,\s*(?:is|eq|equals?|equalTo|equal_to)"
)
_NOT = re.compile(r"(?i:not|\bne\b)")
_MATCHED = (("truthy", True), ("true", True), ("falsy", False), ("false", False))
_NOTHING = re.compile(r"(?i:null|none|nil|undefined)\Z")

_SAID = re.compile(rf"(?i:(?:assert|expect|check|require)[\w.]*?(?P<truth>true|false))!?\s*\(\s*{_NAME}\Z")
_PLAIN = re.compile(rf"\b(?i:(?:debug_)?assert|check|require)!?\s*\(\s*(?P<no>!|not\s)?\s*{_NAME}\Z")
_SAID_END, _PLAIN_END = re.compile(r"\s*[,)]"), re.compile(r"\s*\)\s*(?:[;\n]|\Z)")


def result_before(text: str, call: Literal, ends: Mapping[int, Literal]) -> Literal | None:
    """Return the result that stands before a call: `assertEquals(3, f(2))`, `assert 3 == f(2)`.

    Args:
        text: where they stand.
        call: the call, from its bracket on.
        ends: the literals by where they end.
    """
    begin = max(0, call.start - NEAR)
    before = text[begin : call.start]
    second = _SECOND.search(before)
    if not second or not _END.match(text, call.end):
        return None
    first = ends.get(begin + second.start())
    if first is None:
        return None
    lead = text[max(0, first.start - NEAR) : first.start]
    return first if (_COMPARED if second["equal"] else _FIRST).search(lead) else None


def result_in_matcher(text: str, call: Literal, behind: Literal) -> tuple[Value] | None:
    """Return the result, as a tuple of one, that the call behind a call asks for: `expect(f(2)).toBe(3)`."""
    between = text[call.end : min(behind.start, call.end + NEAR)]
    if not _MATCHER.fullmatch(between) or _NOT.search(between):
        return None
    held = behind.value if isinstance(behind.value, tuple) else (behind.value,)
    if held:
        return (held[0],)
    name = behind.name.lower()
    if _NOTHING.search(name):
        return (None,)
    return next(((truth,) for word, truth in _MATCHED if name.endswith(word)), None)


def truth(text: str, call: Literal) -> bool | None:
    """Return what is asserted of a call that gives a truth value: `assertTrue(f(2))`, `assert not f(2)`."""
    before = text[max(0, call.start - NEAR) : call.start]
    said = _SAID.search(before)
    if said and _SAID_END.match(text, call.end):
        return said["truth"].lower() == "true"
    plain = _PLAIN.search(before)
    if plain and _PLAIN_END.match(text, call.end):
        return not plain["no"]
    return None

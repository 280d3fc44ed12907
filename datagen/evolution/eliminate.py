"""When an attempt to make a task harder failed, and why.

WizardLM (arXiv 2304.12244) drops attempts without a gain, refusals, answers of stop words only, and
copies of the prompt's words. The others answer what small and hurried models do instead.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from datagen.evolution.methods import METHODS, NEW_HEADING, OLD_HEADING

#: WizardLM: a refusal is short.
REFUSAL_WORDS = 80
#: PanGu-Coder2's prompt asks for about the same length; this leaves room for short seeds.
LONGEST_FACTOR, LONGEST_EXTRA = 2, 60
#: A harder version of a task shares at least this part of its telling words.
LEAST_SHARED = 0.25
#: Fewer new words than this say nothing new.
LEAST_NEW_WORDS = 3
#: No text that people write says every word this often on average.
MOST_REPEATED = 3.0
REPEATED_FROM_WORDS = 25

_STOP_WORDS = frozenset(
    "a an and any are as at be by can do each every for from function given has have if in is it its list"
    " may must not of on one or return returns should so such than that the their then there these they"
    " this to two use using want was what when where which will with write you your".split()
)
_LEAKS = re.compile(
    r"(original|harder|given|rewritten|evolved|old|new) (exercise|prompt)\b|harder task:|#\w+ (task|prompt)#",
    re.IGNORECASE,
)
_REFUSAL = re.compile(r"\b(sorry|i cannot|i can't|i am unable|as an ai)\b", re.IGNORECASE)
_CODE = re.compile(r"```|^\s*(def|class|import|from|public|function|#include)\b", re.MULTILINE)


class Attempt(NamedTuple):
    """An old task, the new one that a teacher made of it, how it was asked for, and why it stopped.

    begun: the beginning of the new one where the prompt wrote it, and not the teacher.
    """

    parent: str
    child: str
    method: str
    finish_reason: str | None
    begun: str = ""


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold())


def _telling(text: str) -> set[str]:
    return set(_words(text)) - _STOP_WORDS


def _runs(text: str, length: int = 5) -> set[tuple[str, ...]]:
    words = _words(text)
    return {tuple(words[i : i + length]) for i in range(len(words) - length + 1)}


#: What tiny models repeat from the examples that they were shown.
_EXAMPLES = {run for method in METHODS for run in _runs(method.example)}


def _empty(a: Attempt) -> bool:
    return not _telling(a.child)


def _truncated(a: Attempt) -> bool:
    return a.finish_reason == "length"


def _leaks_prompt(a: Attempt) -> bool:
    if OLD_HEADING in a.child or NEW_HEADING in a.child or _runs(a.child) & _EXAMPLES - _runs(a.parent):
        return True
    return _LEAKS.search(a.child) is not None and _LEAKS.search(a.parent) is None


def _refuses(a: Attempt) -> bool:
    refused = _REFUSAL.search(a.child) is not None and _REFUSAL.search(a.parent) is None
    return refused and len(_words(a.child)) < REFUSAL_WORDS


def _answers(a: Attempt) -> bool:
    # A misleading attempt in code is what that method asks for.
    return a.method != "misdirection" and bool(_CODE.search(a.child)) and not _CODE.search(a.parent)


def _repeats_itself(a: Attempt) -> bool:
    words = [word for word in _words(a.child) if word not in _STOP_WORDS]
    own = Counter(words) - Counter(_words(a.parent))
    return own.total() >= REPEATED_FROM_WORDS and own.total() / len(own) > MOST_REPEATED


def _gains_nothing(a: Attempt) -> bool:
    return len(set(_words(a.child)) - set(_words(f"{a.parent} {a.begun}"))) < LEAST_NEW_WORDS


def _leaves_subject(a: Attempt) -> bool:
    parent = _telling(a.parent)
    return bool(parent) and len(parent & _telling(a.child)) < LEAST_SHARED * len(parent)


def _grows(a: Attempt) -> bool:
    return len(_words(a.child)) > LONGEST_FACTOR * len(_words(a.parent)) + LONGEST_EXTRA


#: In the order in which the first that holds becomes the reason.
ELIMINATIONS: tuple[tuple[str, Callable[[Attempt], bool]], ...] = (
    ("empty-evolution", _empty),
    ("truncated-evolution", _truncated),
    ("leaked-evolution-prompt", _leaks_prompt),
    ("refused-to-evolve", _refuses),
    ("answered-instead", _answers),
    ("repeats-itself", _repeats_itself),
    ("no-gain", _gains_nothing),
    ("left-the-subject", _leaves_subject),
    ("grew-too-long", _grows),
)


def eliminated_by(attempt: Attempt) -> list[str]:
    """Names of all reasons to eliminate this attempt, the deciding one first; none for a good one."""
    return [name for name, holds in ELIMINATIONS if holds(attempt)]

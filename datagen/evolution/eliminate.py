"""When an attempt to make a task harder failed, and why.

WizardLM (arXiv 2304.12244) drops attempts without a gain, refusals, answers of stop words only, and
copies of the prompt's words. The others answer what small and hurried models do instead.

An attempt is paid for, so each of these looks for what a failure says and a task does not: a task may be
about prompts, exercises or apologies, show code or a table, and be evolved from three words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from typing import NamedTuple

from datagen.evolution.methods import METHODS, NEW_HEADING, OLD_HEADING

#: WizardLM: a refusal is short.
REFUSAL_WORDS = 80
#: PanGu-Coder2's prompt asks for about the same length; a seed of three words needs room for a whole task.
LONGEST_FACTOR, LONGEST_EXTRA = 2, 120
#: A harder version of a task shares at least this part of its telling words, where it has enough of them.
LEAST_SHARED = 0.25
SHARED_FROM_WORDS = 4
#: Fewer new words than this say nothing new.
LEAST_NEW_WORDS = 3
#: Part of the runs of four words that repeat others. Contest tasks with worked examples reach a half;
#: a continuation of one line has no such examples.
MOST_REPEATED, MOST_REPEATED_IN_LINE = 0.52, 0.3
REPEATED_FROM_RUNS = 20

_STOP_WORDS = frozenset(
    "a an and any are as at be by can do each every for from function given has have if in is it its list"
    " may must not of on one or return returns should so such than that the their then there these they"
    " this to two use using want was what when where which will with write you your".split()
)
# Chinese and Japanese put no spaces between words, so each character counts as one.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\u3040-\u30ff\u3400-\u9fff]+")
_FENCED = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_QUOTED = re.compile(r"(?<!\w)'[^'\n]*'|\"[^\"\n]*\"|“[^”\n]*”|`[^`\n]*`")

_HARDER = r"(?:harder|rewritten|evolved|more (?:difficult|challenging|complex|advanced))"
_TASK = r"(?:exercise|task|prompt|problem|version|variant|question)"
#: Nobody writes these but a model that talks about the prompt.
_LEAKS = (
    *(OLD_HEADING, NEW_HEADING),
    r"#(?:the )?\w+ (?:task|prompt|exercise)#",
    rf"(?:^|[.;] )\W{{0,9}}(?:the |a )?{_HARDER} {_TASK}\W{{0,9}}(?::|$)",
    rf"\A\W*(?:the )?(?:new|revised|updated|modified) {_TASK}\W{{0,9}}:",
    rf"\bhere(?:['’]s| is) (?:\w+ ){{0,3}}?(?:{_HARDER}|revised|updated|modified) {_TASK}",
    r"\A\W*(?:sure|certainly|of course|absolutely)\b\s?[,!.:]",
    rf"\b(?:unlike|compared (?:to|with)|in contrast to|building (?:up)?on|than) the original {_TASK}\b",
)
#: Nor these, unless the task was about exercises or prompts before.
_LEAK_UNLESS_ASKED = re.compile(
    r"\b(?:original|harder|rewritten|evolved) exercise\b|\b(?:rewritten|evolved) prompt\b", re.IGNORECASE
)
_DECLINES = re.compile(
    r"\A\W*(?:i am |i['’]m )?(?:so |very |really )?sorry\b\W+(?:but|i|there|this|that|the|as|unfortunately)\b"
    r"|\bi(?: am|['’]m) (?:\w+ )?(?:sorry|unable to|not able to)\b"
    r"|\bi (?:cannot|can ?not|can['’]?t|won['’]t|could not|couldn['’]t) (?:\w+ )?(?:help|assist|provide"
    r"|fulfill?|complete|comply|answer|write|create|generate|rewrite|modify|make|find|see|access"
    r"|do (?:that|this|it))\b"
    r"|\bi (?:do not|don['’]t) (?:have|see) (?:access|the|any|an?|enough)\b"
    r"|\bas an ai(?: language model\b|,? i\b)"
    r"|\bplease (?:provide|share|paste|supply) (?:\w+ ){0,3}?(?:exercise|task|problem|question)\b",
    re.IGNORECASE,
)
_APOLOGETIC = re.compile(r"\bsorry\b|\bapolog", re.IGNORECASE)
_CODE = re.compile(
    r"```|^[ \t]*(?:(?:async )?def \w+\(|class \w+.*[:{]\s*$|import \w[\w.]*;?\s*$|from [\w.]+ import "
    r"|public (?:static|class|\w+ \w+\()|function \w*\(|#include\s*[<\"]|(?:const|let|var) \w+ ?=)",
    re.MULTILINE,
)
_ANSWERS = re.compile(
    r"\A\W*(?:here(?:['’]s| is| are)|the following|below is|this (?:is|function|code|program|solution)"
    r"|to (?:solve|do|achieve|implement)|(?:one|a) (?:way|solution|approach)|(?:you|we) can"
    r"|(?:the )?(?:answer|solution|code|output))\b",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"(?:^|[.!?:;)\n]|\b(?:please|should|then|and|to)\b)\W{0,9}(?:write|implement|create|design|develop|build|fix|correct"
    r"|repair|debug|find|identify|rewrite|refactor|modify|change|complete|extend|explain|optimi[sz]e|improve"
    r"|replace|provide|determine|your task|can you|could you)\b|\bmust\b|\?\s*$",
    re.IGNORECASE | re.MULTILINE,
)


class Attempt(NamedTuple):
    """An old task, the new one that a teacher made of it, and why the teacher stopped.

    begun: the beginning of the new one where the prompt wrote it, and not the teacher.
    """

    parent: str
    child: str
    finish_reason: str | None
    begun: str = ""

    @property
    def written(self) -> str:
        """What the teacher wrote itself."""
        return self.child.removeprefix(self.begun.lstrip())


def _words(text: str) -> list[str]:
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def _telling(text: str) -> set[str]:
    return set(_words(text)) - _STOP_WORDS


def _runs(words: Sequence[str], length: int) -> list[tuple[str, ...]]:
    return [tuple(words[i : i + length]) for i in range(len(words) - length + 1)]


def _prose(text: str) -> str:
    return _FENCED.sub(" ", text)


#: What tiny models repeat from the examples that they were shown.
_EXAMPLES = {
    run for method in METHODS for run in _runs(_words(method.example), 5) if len(set(run) - _STOP_WORDS) > 1
}
_LEAK = re.compile("|".join(_LEAKS), re.IGNORECASE | re.MULTILINE)


def _empty(a: Attempt) -> bool:
    return not _telling(a.child)


def _truncated(a: Attempt) -> bool:
    return a.finish_reason == "length"


def _leaks_prompt(a: Attempt) -> bool:
    if a.begun and _EXAMPLES.intersection(_runs(_words(a.written), 5)).difference(_runs(_words(a.parent), 5)):
        return True
    asked = a.parent.casefold()
    return any(found[0].casefold() not in asked for found in _LEAK.finditer(a.child)) or any(
        found[0].split()[-1].casefold() not in asked for found in _LEAK_UNLESS_ASKED.finditer(a.child)
    )


def _refuses(a: Attempt) -> bool:
    if _APOLOGETIC.search(a.parent) or len(_words(a.child)) >= REFUSAL_WORDS:
        return False
    # What a program says stands in quotes; quotes around everything are no such quotes.
    spoken = _QUOTED.sub(" ", _prose(a.child).strip("\"'`“” \n"))
    return _DECLINES.search(spoken) is not None and not _DECLINES.search(a.parent)


def _answers(a: Attempt) -> bool:
    if _CODE.search(a.written) is None:
        return False
    if a.begun:
        return True
    opens = _begins_with_code(a.child) and not _begins_with_code(a.parent)
    return (opens or _ANSWERS.search(a.child) is not None) and not _ASKS.search(_prose(a.child))


def _begins_with_code(text: str) -> bool:
    code = _CODE.search(text)
    return code is not None and not _words(text[: code.start()])


def _repeats_itself(a: Attempt) -> bool:
    known = set(_runs(_words(a.parent), 4))
    # Tables and matrices repeat their numbers.
    runs = [
        run
        for run in _runs(_words(_prose(a.written)), 4)
        if run not in known and sum(word.isdecimal() for word in run) < 2
    ]
    most = MOST_REPEATED_IN_LINE if a.begun else MOST_REPEATED
    return len(runs) >= REPEATED_FROM_RUNS and 1 - len(set(runs)) / len(runs) > most


def _gains_nothing(a: Attempt) -> bool:
    return len(set(_words(a.child)) - set(_words(f"{a.parent} {a.begun}"))) < LEAST_NEW_WORDS


def _leaves_subject(a: Attempt) -> bool:
    parent, child = _telling(a.parent), _words(a.child)
    if len(parent) < SHARED_FROM_WORDS:
        return False
    # "sort" is shared with "sorted", "add" with "adding".
    beginnings = {word[:length] for word in child for length in range(1, 5)}
    return sum(word[:4] in beginnings for word in parent) < LEAST_SHARED * len(parent)


def _grows(a: Attempt) -> bool:
    longest = LONGEST_FACTOR * len(_words(a.parent)) + LONGEST_EXTRA
    return len(_words(_prose(a.child))) > longest


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

"""When an attempt to evolve a task failed, and why.

WizardLM (arXiv 2304.12244) drops attempts without a gain, refusals, answers of stop words only, and
copies of the prompt's words. Code Alpaca drops tasks of up to three words, and those that need what is not
there. The others answer what small and hurried models do instead.

An attempt is paid for, so each of these looks for what a failure says and a task does not: a task may be
about prompts, exercises or apologies, show code or a table, and be evolved from three words.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from datagen.evolution.methods import BREADTH_HEADING, METHODS, NEW_HEADING, OLD_HEADING
from datagen.evolution.standing import is_no_programming_task, lacks_context
from datagen.evolution.words import STOP_WORDS, prose, runs, telling, words
from datagen.request import CUT_OFF

#: WizardLM: a refusal is short.
REFUSAL_WORDS = 80
#: PanGu-Coder2's prompt asks for about the same length; a seed of three words needs room for a whole task.
LONGEST_FACTOR, LONGEST_EXTRA = 2, 120
#: A harder version of a task shares at least this part of its telling words, where it has enough of them.
LEAST_SHARED = 0.25
SHARED_FROM_WORDS = 4
#: Fewer new words than this say nothing new.
LEAST_NEW_WORDS = 3
#: Overlap of telling words (Jaccard, repeated ones counted) above which a task is its parent in other words.
#: A long task made harder stays alike, so fewer than so many words must be added too; a task that was to be
#: another one, in breadth, may not be alike at all: above 0.7 MBPP has variants ("left" for "right").
MOST_ALIKE, MOST_ALIKE_IN_BREADTH = 0.9, 0.7
LEAST_ADDED_WORDS = 5
#: Code Alpaca and evol-teacher drop tasks of three words.
LEAST_WORDS = 4
#: Part of the runs of four words that repeat others. Contest tasks with worked examples reach a half;
#: a continuation of one line has no such examples.
MOST_REPEATED, MOST_REPEATED_IN_LINE = 0.52, 0.3
REPEATED_FROM_RUNS = 20

_QUOTED = re.compile(r"(?<!\w)'[^'\n]*'|\"[^\"\n]*\"|“[^“”\n]*”|`[^`\n]*`")

_HARDER = r"(?:harder|rewritten|evolved|more (?:difficult|challenging|complex|advanced))"
_TASK = r"(?:exercise|task|prompt|problem|version|variant|question)"
#: Nobody writes these but a model that talks about the prompt.
_LEAKS = (
    *(OLD_HEADING, NEW_HEADING, BREADTH_HEADING),
    r"#(?:the )?\w+ (?:task|prompt|exercise)#",
    rf"(?:^|[.;] )\W{{0,9}}(?:the |a )?{_HARDER} {_TASK}\W{{0,9}}(?::|$)",
    rf"\A\W*(?:the )?(?:new|revised|updated|modified) {_TASK}\W{{0,9}}:",
    rf"\bhere(?:['’]s| is) (?:\w+ ){{0,3}}?(?:{_HARDER}|revised|updated|modified) {_TASK}",
    r"\A\W*here(?:['’]s| is) (?:\w+ ){0,3}?(?:new|different|another|related) (?:\w+ ){0,2}?"
    rf"{_TASK}(?: (?:in|of|from) the same [^:.\n]{{0,40}})?\W{{0,9}}(?::|\n)",
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

    Args:
        parent: the old task.
        child: the new one.
        finish_reason: why the teacher stopped.
        begun: the beginning of the new one where the prompt wrote it, and not the teacher.
        in_breadth: whether another task of the same field was asked for, and not a harder one.
    """

    parent: str
    child: str
    finish_reason: str | None
    begun: str = ""
    in_breadth: bool = False

    @property
    def written(self) -> str:
        """What the teacher wrote itself."""
        return self.child.removeprefix(self.begun.lstrip())


#: What tiny models repeat from the examples that they were shown.
_EXAMPLES = {
    run for method in METHODS for run in runs(words(method.example), 5) if len(set(run) - STOP_WORDS) > 1
}
_LEAK = re.compile("|".join(_LEAKS), re.IGNORECASE | re.MULTILINE)


def _empty(a: Attempt) -> bool:
    return not words(a.child)


def _says_nothing(a: Attempt) -> bool:
    return not telling(a.child)


def _truncated(a: Attempt) -> bool:
    return (a.finish_reason or "").lower() in CUT_OFF


def _leaks_prompt(a: Attempt) -> bool:
    if a.begun and _EXAMPLES.intersection(runs(words(a.written), 5)).difference(runs(words(a.parent), 5)):
        return True
    asked = a.parent.casefold()
    return any(found[0].casefold() not in asked for found in _LEAK.finditer(a.child)) or any(
        found[0].split()[-1].casefold() not in asked for found in _LEAK_UNLESS_ASKED.finditer(a.child)
    )


def _refuses(a: Attempt) -> bool:
    if _APOLOGETIC.search(a.parent) or len(words(a.child)) >= REFUSAL_WORDS:
        return False
    # What a program says stands in quotes; quotes around everything are no such quotes.
    spoken = _QUOTED.sub(" ", prose(a.child).strip("\"'`“” \n"))
    return _DECLINES.search(spoken) is not None and not _DECLINES.search(a.parent)


def _answers(a: Attempt) -> bool:
    if _CODE.search(a.written) is None:
        return False
    if a.begun:
        return True
    opens = _begins_with_code(a.child) and not _begins_with_code(a.parent)
    return (opens or _ANSWERS.search(a.child) is not None) and not _ASKS.search(prose(a.child))


def _begins_with_code(text: str) -> bool:
    code = _CODE.search(text)
    return code is not None and not words(text[: code.start()])


def _repeats_itself(a: Attempt) -> bool:
    known = set(runs(words(a.parent), 4))
    # Tables and matrices repeat their numbers.
    fresh = [
        run
        for run in runs(words(prose(a.written)), 4)
        if run not in known and sum(word.isdecimal() for word in run) < 2
    ]
    most = MOST_REPEATED_IN_LINE if a.begun else MOST_REPEATED
    return len(fresh) >= REPEATED_FROM_RUNS and 1 - len(set(fresh)) / len(fresh) > most


def _unchanged(a: Attempt) -> bool:
    return words(a.child) == words(a.parent)


def _gains_nothing(a: Attempt) -> bool:
    return len(set(words(a.child)) - set(words(f"{a.parent} {a.begun}"))) < LEAST_NEW_WORDS


def _too_similar(a: Attempt) -> bool:
    parent, child = Counter(words(a.parent)), Counter(words(a.child))
    added = child - (parent | Counter(words(a.begun)))
    for word in STOP_WORDS:
        del parent[word], child[word]
    alike = (parent & child).total() / max(1, (parent | child).total())
    if a.in_breadth:
        return alike > MOST_ALIKE_IN_BREADTH
    return alike > MOST_ALIKE and added.total() < LEAST_ADDED_WORDS


def _leaves_subject(a: Attempt) -> bool:
    parent, child = telling(a.parent), words(a.child)
    if a.in_breadth or len(parent) < SHARED_FROM_WORDS:
        return False
    # "sort" is shared with "sorted", "add" with "adding".
    beginnings = {word[:length] for word in child for length in range(1, 5)}
    return sum(word[:4] in beginnings for word in parent) < LEAST_SHARED * len(parent)


def _too_short(a: Attempt) -> bool:
    return len(words(a.child)) < LEAST_WORDS


def _grows(a: Attempt) -> bool:
    longest = LONGEST_FACTOR * len(words(a.parent)) + LONGEST_EXTRA
    return len(words(prose(a.child))) > longest


def _programs_nothing(a: Attempt) -> bool:
    return is_no_programming_task(a.child)


def _needs_what_is_missing(a: Attempt) -> bool:
    return lacks_context(a.child) and not lacks_context(a.parent)


#: In the order in which the first that holds becomes the reason.
ELIMINATIONS: tuple[tuple[str, Callable[[Attempt], bool]], ...] = (
    ("empty-evolution", _empty),
    ("truncated-evolution", _truncated),
    ("leaked-evolution-prompt", _leaks_prompt),
    ("refused-to-evolve", _refuses),
    ("answered-instead", _answers),
    ("repeats-itself", _repeats_itself),
    ("only-stop-words", _says_nothing),
    ("unchanged-evolution", _unchanged),
    ("too-short", _too_short),
    ("no-gain", _gains_nothing),
    ("too-similar", _too_similar),
    ("left-the-subject", _leaves_subject),
    ("grew-too-long", _grows),
    ("not-a-programming-task", _programs_nothing),
    ("needs-missing-context", _needs_what_is_missing),
)


def eliminated_by(attempt: Attempt) -> list[str]:
    """Names of all reasons to eliminate this attempt, the deciding one first; none for a good one."""
    return [name for name, holds in ELIMINATIONS if holds(attempt)]

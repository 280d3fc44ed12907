"""Which attempts to make a task harder are eliminated, and which only look as if they should be."""

# ruff: noqa: E501 - the texts read better unbroken

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datagen.evolution.eliminate import ELIMINATIONS, Attempt, eliminated_by
from datagen.evolution.methods import BREADTH_HEADING, METHODS, NEW_HEADING, OLD_HEADING, evolve_prompt

BUGGY = "def mean(xs):\n    total = 0\n    for x in xs:\n        total = x\n    return total / len(xs)"
MATRIX = "\n".join(" ".join("0001"[(row * column) % 4] for column in range(12)) for row in range(8))

LONG = (
    "Write a function `unpaid(members, payments)` that tells a gym who owes money: `members` maps names to monthly"
    " fees in euros, `payments` is a list of (name, amount) pairs. It returns the names of those who paid less than"
    " their fee, ordered by the missing amount, largest first, and of equal amounts the oldest member first."
)

#: (the old task, a good harder one)
GOOD = {
    "three words": ("Reverse a string.", "Reverse each word of a sentence in place, keeping punctuation."),
    "other words for all of three": (
        "Reverse a string",
        "Given a sentence, flip the letters of every word while punctuation and blanks stay where they are.",
    ),
    "three words become a whole task": (
        "Sort a list",
        "Write a function `rank_players(results)` that receives a list of (name, points, seconds) tuples of one"
        " evening at the bowling club. It returns the names ordered by points, highest first; of players with"
        " equal points the faster one comes first, and of those with equal times too the one whose name is"
        " earlier in the alphabet. A player who appears more than once counts with the best result only."
        " Entries with a missing time are placed behind all others of the same points. The input must not be"
        " modified, and the solution should need no more than one call of a built-in sort.",
    ),
    "one clause more": (
        "Write a function that sorts a list of numbers.",
        "Write a function that sorts a list of numbers in descending order without any built-in sort.",
    ),
    "inflected words": (
        "Sort names alphabetically, ignoring case",
        "Write a function sorting customers' naming records in alphabetical order; cases of letters ignored,"
        " accents stripped.",
    ),
    "what a program says is sorry": (
        "Write a guessing game.",
        'Write a guessing game that prints "Sorry, try again" after a wrong guess and ends after five guesses.',
    ),
    "an unquoted sorry": (
        "Write a chatbot that answers greetings.",
        "Write a chatbot that answers greetings in three languages and says sorry when it understands nothing.",
    ),
    "a task about sorry messages": (
        "Create a function that formats apology messages.",
        "Create a function that formats apology messages such as: I am sorry, Ms Lee, but I cannot help you"
        " today. The names come from a CSV file with columns title and surname.",
    ),
    "harder in normal text": (
        "Implement a quiz that asks sums.",
        "Implement a quiz that asks sums and makes the next one harder after three right answers in a row.",
    ),
    "harder problems are asked for": (
        "Write a program that picks an arithmetic problem.",
        "Write a program that picks an arithmetic problem, and a harder problem once the last was solved.",
    ),
    "a task about shell prompts": (
        "Write a small shell that reads commands.",
        "Write a small shell that reads commands, prints a new prompt after each one, and restores the given"
        " prompt string when a background job ends.",
    ),
    "a task about language model prompts": (
        "Create a class that stores prompts.",
        "Create a class that stores prompts with tags; the original prompt is kept when a rewritten prompt is"
        " saved, so that both can be compared.",
    ),
    "a task about workouts": (
        "Design a class for a workout plan.",
        "Design a class for a workout plan in which a new exercise may replace an old exercise of the same"
        " muscle group, and the weekly load never grows by more than a tenth.",
    ),
    "new tasks on a to-do list": (
        "Write a to-do list in the terminal.",
        "Write a to-do list in the terminal with priorities. A session looks like this:\n"
        "New task: buy milk\nNew task: call Ann !1\ndone 2",
    ),
    "the original list": (
        "Remove duplicates from a list.",
        "Remove duplicates from a list while keeping the original order, using constant additional memory.",
    ),
    "wrong code to be repaired": (
        "Write a function that computes the mean of a list.",
        f"A colleague computes the mean of a list as below, but the result is wrong.\n\n```python\n{BUGGY}\n```\n"
        "Write a correct `mean(xs)` that also returns None for an empty list.",
    ),
    "wrong code first, then the question": (
        "Write a function that computes the mean of a list.",
        f"```python\n{BUGGY}\n```\nThe attempt above fails. Find the mistakes and write a version that works for"
        " generators too.",
    ),
    "wrong code without a fence": (
        "Write a function that computes the mean of a list.",
        f"Here is an attempt to compute the mean of a list:\n\n{BUGGY}\n\nIt is wrong. Fix it and let it ignore"
        " missing values.",
    ),
    "a class that is given": (
        "Reverse a linked list.",
        "Given nodes of this class\n\n```python\nclass Node:\n    def __init__(self, value, next=None):\n"
        "        self.value = value\n        self.next = next\n```\n\nwrite a function `reverse_groups(head, k)`"
        " that reverses a linked list k nodes at a time.",
    ),
    "a signature that is given": (
        "Merge two sorted lists.",
        "Implement `merge_all` with the signature below, which merges any number of sorted lists lazily.\n"
        "```python\ndef merge_all(*lists: Iterable[int]) -> Iterator[int]: ...\n```",
    ),
    "worked examples in fences": (
        "Count the vowels in a string.",
        "Count the vowels in a string, treating y as a vowel unless it begins a word.\n\nExample:\n```\n"
        ">>> vowels('yearly')\n3\n```",
    ),
    "code in the old task": (
        f"Fix this function:\n```python\n{BUGGY}\n```",
        f"Fix this function so that it weighs every value by its position:\n```python\n{BUGGY}\n```",
    ),
    "an old task that is code": (
        'def mean(xs):\n    """Return the mean of a list."""\n',
        'def weighted_mean(xs, weights):\n    """Return the mean of a list; missing weights count one."""\n',
    ),
    "a matrix": (
        "Count the islands in a grid.",
        f"Count the islands in a grid that wraps around at its edges, for example in\n{MATRIX}\nwhich has three.",
    ),
    "three worked examples": (
        "Return the indexes of two numbers that add up to a target.",
        "Return the indexes of two numbers that add up to a target, the pair with the smallest distance first.\n"
        + "\n".join(
            f"Example {n}: Input: nums = [{n}, 7, 1{n}, 15], target = {9 + n}. Output: [0, 1]. Explanation:"
            f" because nums[0] + nums[1] is {7 + n}, the answer is [0, 1]."
            for n in (1, 2, 3)
        ),
    ),
    "a query with code words": (
        "Write a SQL query that selects all customers.",
        "Write a SQL query that selects all customers from Norway with more than two orders, largest first.",
    ),
    "Chinese": ("写一个函数来反转字符串", "写一个函数来反转字符串，保留标点的位置，并忽略空格"),
    "German": (
        "Schreibe eine Funktion, die eine Liste sortiert.",
        "Schreibe eine Funktion, die eine Liste von Namen nach Nachnamen sortiert, Umlaute wie Grundbuchstaben.",
    ),
    "please provide": (
        "Write a login function.",
        "Please provide a login function that locks an account for ten minutes after three failures.",
    ),
    "the input begins": (
        "Add up the numbers.",
        "Here is a list of readings: [3, 4, -999, 8]. Add up the numbers but skip -999, which marks a failure.",
    ),
    "a short rule for a long task": (LONG, f"{LONG} Leave out everybody who owes less than two."),
    "what the old task did not hold either": (
        "Fix the following code.",
        "Fix the following code and make it run in linear time with constant memory.",
    ),
    "a task scheduler": (
        "Write a task scheduler.",
        "Here is a task scheduler's queue: [3, 1, 2]. Write a function that runs it by priority, lowest first.",
    ),
    "a sure thing": (
        "Write a function that checks a password.",
        "Make sure a password has twelve characters: write a function that checks this and lists all violations.",
    ),
}

#: reason -> (the old task, what came back, other fields)
BAD = {
    "empty-evolution": [
        ("Reverse a string.", "", {}),
        ("Reverse a string.", " .\n", {}),
    ],
    "only-stop-words": [
        ("Reverse a string.", "Write a function", {}),
        ("Reverse a string.", "Write a function that returns the list.", {}),
    ],
    "truncated-evolution": [
        ("Sort a list.", "Sort a list of names by the second", {"finish_reason": "length"}),
    ],
    "leaked-evolution-prompt": [
        ("Sort a list.", f"{NEW_HEADING}\nSort a list of names by their second letter.", {}),
        ("Sort a list.", f"{OLD_HEADING}\nSort a list.\n\nSort it by the second letter, stably.", {}),
        ("Sort a list.", "**Harder Exercise:** Sort a list of names by their second letter.", {}),
        ("Sort a list.", "Here is a slightly harder version:\n\nSort names by the second letter.", {}),
        ("Sort a list.", "Here's the revised exercise: sort names by their second letter.", {}),
        ("Sort a list.", "Sure! Sort a list of names by their second letter, stably.", {}),
        ("Sort a list.", "#Rewritten Prompt#: sort a list of names by their second letter.", {}),
        ("Sort a list.", "Unlike the original exercise, sort names by the second letter.", {}),
        ("Sort a list.", "Sort names by letter. This differs from the original exercise in three ways.", {}),
        ("Sort a list.", "New exercise: sort a list of names by their second letter, stably.", {}),
        ("Sort a list.", f"{BREADTH_HEADING}\nMerge two maps by the sum of their values.", {"in_breadth": True}),
        ("Sort a list.", "Here is a new programming exercise in the same field:\nMerge maps.", {"in_breadth": True}),
    ],
    "refused-to-evolve": [
        ("Fix the bug.", "I'm sorry, but I can't help with that.", {}),
        ("Fix the bug.", "Sorry, there is no code here that could be made harder.", {}),
        ("Fix the bug.", "As an AI language model, I am unable to see any code.", {}),
        ("Fix the bug.", "I cannot rewrite this, because the code is missing.", {}),
        ("Fix the bug.", '"I’m unable to do that without the code."', {}),
        ("Explain this code.", "It seems the code is missing. Please provide the exercise.", {}),
        ("Explain this code.", "I don't see any code in your message.", {}),
    ],
    "answered-instead": [
        ("Reverse a string.", "```python\ndef reverse(s):\n    return s[::-1]\n```", {}),
        ("Reverse a string.", "def reverse(text):\n    return ''.join(reversed(text))", {}),
        (
            "Reverse a string.",
            "Here is a function that reverses a string:\n\n```python\ndef reverse(s):\n    return s[::-1]\n```\n\n"
            "It uses a slice with a step of -1.",
            {},
        ),
        (
            "Write a function to compute the mean.",
            "To solve this we add everything up.\n```python\ndef mean(xs):\n    return sum(xs) / len(xs)\n```",
            {},
        ),
        (f"Fix this function:\n{BUGGY}", BUGGY.replace("total = x", "total += x"), {}),
        ("Add two numbers.", "#include <stdio.h>\nint main() { printf(\"%d\", 1 + 2); }", {}),
    ],
    "repeats-itself": [
        ("Sort a list.", "Sort a list and then " + "sort the other list and then " * 9, {}),
    ],
    "unchanged-evolution": [
        ("Reverse a string.", "Reverse a string.", {}),
        ("Reverse a string.", "reverse  a STRING!", {}),
        ("写一个函数来反转字符串", "写一个函数来反转字符串。", {}),
        ("Reverse a string.", "**Reverse** a\n`string`", {"in_breadth": True}),
    ],
    "too-short": [
        ("Write a function that sorts names.", "Quicksort three names.", {}),
        ("Reverse a string.", "Merge two maps.", {"in_breadth": True}),
    ],
    "no-gain": [
        ("Reverse a given string.", "Given a string, reverse it.", {}),
        ("Write a function that sorts names.", "Write a function that sorts numbers.", {"in_breadth": True}),
    ],
    "too-similar": [
        (LONG, LONG.replace("oldest", "very oldest outstanding overdue"), {}),
        (LONG, LONG.replace("gym", "chess club").replace("euros", "pounds sterling"), {"in_breadth": True}),
    ],
    "left-the-subject": [
        (
            "Write a SQL query that joins customers with orders by region.",
            "Create a class for a bank account with deposits, withdrawals and interest.",
            {},
        ),
    ],
    "not-a-programming-task": [
        ("Reverse a string.", "Write an essay about the wind and the sea.", {}),
        ("Reverse a string.", "Compose a poem about the wind that ends happily.", {"in_breadth": True}),
    ],
    "needs-missing-context": [
        ("Add up the sales.", "Add up the sales of each region in the table below, largest first.", {}),
        ("Add up the sales.", "Find the two cheapest paths in the image below.", {"in_breadth": True}),
        (
            "Add up the sales in the table below.\n| region | sales |\n| north | 3 |",
            "Add up the sales in the table below, per region, largest first, ignoring refunds.",
            {},
        ),
    ],
    "grew-too-long": [
        ("Reverse a string.", "Reverse a string. " + " ".join(f"Rule{n} is that{n} holds." for n in range(80)), {}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("name", GOOD)
def test_good_attempt_is_kept(name):
    """A harder task is kept, whatever words it happens to use."""
    assert eliminated_by(Attempt(*GOOD[name], finish_reason="stop")) == []


@pytest.mark.parametrize(
    ("reason", "case"),
    [pytest.param(reason, case, id=f"{reason}-{n}") for reason in BAD for n, case in enumerate(BAD[reason])],
)
def test_bad_attempt_is_eliminated(reason, case):
    """A failed attempt is eliminated, and the reason that is told is the right one."""
    old, new, fields = case
    assert eliminated_by(Attempt(old, new, **{"finish_reason": "stop"} | fields))[:1] == [reason]


def test_every_reason_has_a_case():
    """The table above covers all reasons."""
    assert set(BAD) == {name for name, _ in ELIMINATIONS}


def continued(method, text, parent="Write a function that counts the words of a text"):
    """What a model makes of a task that it is asked to continue."""
    prompt = evolve_prompt(parent, next(m for m in METHODS if m.name == method), "few-shot")
    return Attempt(parent, prompt.prefix + text, "stop", prompt.prefix)


@pytest.mark.parametrize(
    ("method", "text"),
    [
        ("constraint", " words in quotation marks count once, however many they are."),
        ("specialise", " a list of pairs of a text and its language, and stop words are skipped."),
        ("reasoning", " find the three longest words that occur only once, longest first."),
        ("misdirection", " to split at single spaces, which counts empty words between two spaces."),
        ("complexity", " read the text once, character by character, and keep only two counters."),
    ],
)
def test_good_continuation_is_kept(method, text):
    """A model that only continues the old task is judged by what it added."""
    assert eliminated_by(continued(method, text)) == []


@pytest.mark.parametrize(
    ("reason", "method", "text"),
    [
        ("leaked-evolution-prompt", "constraint", " negative prices are skipped and a discount in percent is taken"),
        ("leaked-evolution-prompt", "misdirection", " to begin the sum with the first price, which then fails."),
        ("answered-instead", "reasoning", " ```python def count(text): return len(text.split())```"),
        ("answered-instead", "reasoning", "\ndef count(text):\n    return len(text.split())"),
        ("no-gain", "reasoning", " count the words of the text."),
        ("repeats-itself", "misdirection", " to begin with the first word; a mistake that many make is" * 4),
    ],
)  # fmt: skip
def test_bad_continuation_is_eliminated(reason, method, text):
    """Repeated examples, code and empty phrases behind the old task are no harder task."""
    assert eliminated_by(continued(method, text))[:1] == [reason]


def test_examples_are_no_leak_in_chat():
    """A model that was shown no examples cannot have copied them: their words are anybody's."""
    child = "Write a function that takes a list of pairs of a price in cents and a currency code."
    assert eliminated_by(Attempt("Write a function that takes a list of prices.", child, "stop")) == []


def test_all_reasons_are_listed():
    """The first reason decides and the others are listed behind it, in a fixed order."""
    found = eliminated_by(Attempt("Sort a list.", "Sorry, I cannot do that", "length"))
    assert found == ["truncated-evolution", "refused-to-evolve"]


def test_another_subject_is_kept_in_breadth():
    """Leaving the parent's subject is what was asked for in breadth, and a failure in depth."""
    (parent, child, _), *_ = BAD["left-the-subject"]
    assert eliminated_by(Attempt(parent, child, "stop", in_breadth=True)) == []
    assert eliminated_by(Attempt(parent, child, "stop")) == ["left-the-subject"]


def test_good_continuation_in_breadth_is_kept():
    """A model that only continues text begins another task, and copies of its example are found."""
    prompt = evolve_prompt("Count the words of a text.", METHODS[-1], "few-shot")
    good = f"{prompt.prefix} splits a text into sentences, minding abbreviations."
    attempt = Attempt("Count the words of a text.", good, "stop", prompt.prefix, in_breadth=True)
    assert eliminated_by(attempt) == []
    copied = attempt._replace(child=f"{prompt.prefix} {METHODS[-1].example}")
    assert eliminated_by(copied)[0] == "leaked-evolution-prompt"


_PIECES = st.sampled_from(
    [
        "```",
        "\n",
        "'",
        '"',
        "`",
        "“",
        "Sorry",
        "I cannot",
        "def f(x):",
        " ",
        ".",
        "harder task:",
        "写",
        "0 1 0",
        "\0",
    ]
)
_TEXT = st.one_of(st.text(max_size=60), st.lists(_PIECES, max_size=30).map(" ".join))


@given(_TEXT, _TEXT, st.sampled_from(["stop", "length", None]), st.booleans())
def test_any_text_is_judged(parent, child, finish_reason, begun):
    """No text makes the judge fail, and an unchanged task is never kept."""
    attempt = Attempt(parent, child, finish_reason, parent if begun else "")
    names = [name for name, _ in ELIMINATIONS]
    assert eliminated_by(attempt) == [name for name in names if name in eliminated_by(attempt)]
    assert eliminated_by(attempt._replace(child=parent))


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "text",
    [
        "(" * 50_000,
        "'" * 50_000,
        "a " * 50_000,
        "# " * 50_000,
        "`" * 50_000,
        "\n" * 50_000,
        "please " * 20_000,
        "“" * 200_000,
        "here is a new " * 15_000,
        "I am " * 40_000,
    ],
)
def test_long_text_takes_no_time(text):
    """A megabyte of nothing is judged at once."""
    eliminated_by(Attempt("Sort a list.", text, "stop"))

"""Whether rows with the same instruction are answers to one task.

A task goes with all its answers, unless its instruction says too little to name a task ("", "Complete the
code."). Rows with an empty instruction are never one task. Rows with the same short instruction are one task
only where their answers resemble each other, or where fewer than three of them differ.
"""

from __future__ import annotations

import keyword
import re
from collections.abc import Sequence
from itertools import combinations

#: An instruction of more words than this names a task.
FEW_WORDS = 8
#: Answers that are compared, of each task: the first ones.
COMPARED = 16
#: The least mean similarity of answers to one task. Answers to one item of HumanEval by different authors
#: have 0.17, answers to different tasks 0.02.
ALIKE = 0.06
_WORD = re.compile(r"[^\W\d]\w{2,}")
_KEYWORDS = frozenset(keyword.kwlist)


def says_little(instruction: str | None) -> bool:
    """Whether an instruction is so short that it may stand over rows of different tasks."""
    return len((instruction or "").split(maxsplit=FEW_WORDS)) <= FEW_WORDS


def names_of(answer: str | None) -> frozenset[str]:
    """The words of an answer that say what it is about: three letters and more, no keywords of Python."""
    return frozenset(word.lower() for word in _WORD.findall(answer or "")) - _KEYWORDS


def is_one_task(instruction: str | None, answers: Sequence[frozenset[str]]) -> bool:
    """Whether these are answers to one task.

    Args:
        instruction: that all of them have.
        answers: the names in each, see `names_of`; equal ones count once. Two answers can differ by chance,
            so that fewer than three different ones are taken for answers to one task.
    """
    if not (instruction or "").strip():
        return False
    different = list(dict.fromkeys(answers))[:COMPARED]
    if not says_little(instruction) or len(different) < 3:
        return True
    shares = [len(one & other) / max(1, len(one | other)) for one, other in combinations(different, 2)]
    return sum(shares) / len(shares) >= ALIKE

"""Words by what they mean: stems, identifiers split, numbers as digits, other words for the same thing.

`has_close_elements`, `hasCloseElements` and "has close elements" are the same words; "three" is 3; "the
largest" and "maximum" are one word, see `_SAME`. Words that any sentence has are left out.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

_WORD = re.compile(
    r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+(?:\.[0-9]+)?|[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff]"
    r"|(?:(?![A-Za-z])[^\W\d_\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff])+"
)
# Zero-width characters and soft hyphens stand inside words without being seen.
_UNSEEN = re.compile("[\u00ad\u200b-\u200d\u2060\ufeff]")

_COMMON = frozenset(
    """
    a an the of in on at to for from by with and or if is are be was were it its this that these
    those as not no do does then than which who whose when where will would should can could may
    might must you your we our i they them there here so such into each any all some write following
    use using used also have has had one implement create please make e g etc
    """.split()
)
_DIGITS = dict(
    zip("zero one two three four five six seven eight nine ten".split(), map(str, range(11)), strict=True)
)
# The first word of a line stands for all of it.
_SAME = """
list array vector sequence arr vec slice lst nums
string text str word sentence
integer int whole
number num value numeric
return give output produce yield report result compute calculate find get determine
largest biggest maximum max highest greatest larger bigger greater higher above exceed more longer longest
smallest minimum min lowest least smaller lower less fewer below under shortest shorter
sum total add addition
character char letter
dictionary dict map hashmap object
boolean bool
check verify test decide whether
ascending increasing
descending decreasing
parenthesis parentheses paren bracket brace
element item entry member
delete remove drop exclude discard
supplied given provided specified
contain include hold consist comprise
position index place indices
equal same identical match
begin start first
end last final
split separate divide
order sort arrange
multiple several
unique distinct different
common shared
null none nil
double float real decimal
repeat duplicate recurring
reverse backward
replace substitute swap exchange
near close
function method routine procedure program code
param parameter argument
case instance example
uppercase upper capital
product multiplication multiply
positive natural
count amount quantity occurrence times frequency
shift move cycle rotate rotation
level depth
length size
deepest deep
blank space whitespace
true yes
false no
"""


def stems(text: str) -> list[tuple[str, int, int]]:
    """Return the words that say something, each with where it stands in `text`: (stem, start, end)."""
    if text.isascii() or not _UNSEEN.search(text):
        return [(stem, *m.span()) for m in _WORD.finditer(text) if (stem := _meaning(m[0]))]
    kept = [at for at, character in enumerate(text) if not _UNSEEN.match(character)]
    plain = "".join([text[at] for at in kept])
    return [
        (stem, kept[m.start()], kept[m.end() - 1] + 1)
        for m in _WORD.finditer(plain)
        if (stem := _meaning(m[0]))
    ]


def bare_stems(text: str) -> list[str]:
    """Return the stems of `stems`, without their places; faster."""
    text = text if text.isascii() else _UNSEEN.sub("", text)
    return [stem for word in _WORD.findall(text) if (stem := _meaning(word))]


@cache
def frequencies() -> dict[str, float]:
    """Return how often each stem is met in ordinary text, as its share of all; "*" is one that is rare.

    From the docstrings of Python's standard library; `bench/word_frequencies.py` makes the table.
    """
    lines = (Path(__file__).parent / "_frequencies.txt").read_text(encoding="ascii").split()
    counts = {word: int(count) for word, count in zip(lines[::2], lines[1::2], strict=True)}
    total = counts.pop("*")
    return {word: (count + 0.5) / total for word, count in counts.items()} | {"*": 0.5 / total}


_known: dict[str, str] = {}


def _meaning(word: str) -> str:
    """Return what a word counts as, empty if it says nothing."""
    found = _known.get(word)
    if found is None:
        found = _meaning_of(word)
        if len(_known) < 100_000 and len(word) < 40:
            _known[word] = found
    return found


def _meaning_of(word: str) -> str:
    lower = word.casefold()
    lower = _DIGITS.get(lower, lower)
    if lower in _COMMON:
        return ""
    stem = _stem(lower)
    return _same().get(stem, stem)


def _stem(word: str) -> str:
    """Return an English word without its ending: plural, -ing, -ed, -ly."""
    if len(word) <= 3 or not word.isalpha():
        return word
    for ending, instead in (
        ("ies", "y"),
        ("ing", ""),
        ("edly", ""),
        ("ed", ""),
        ("ly", ""),
        ("es", ""),
        ("s", ""),
    ):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word.removesuffix(ending) + instead
            if ending in {"ing", "ed"} and len(word) > 3 and word[-1] == word[-2] and word[-1] not in "ls":
                word = word[:-1]
            break
    return word[:-1] if word.endswith("e") and len(word) > 3 else word


@cache
def _same() -> dict[str, str]:
    same: dict[str, str] = {}
    for line in _SAME.strip().splitlines():
        words = [_stem(word) for word in line.split()]
        for word in words:
            same.setdefault(word, words[0])
    return same

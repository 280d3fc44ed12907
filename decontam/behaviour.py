"""What functions do: finds an item's solution however it is written, by the results of its calls.

*Measure.* The inputs of an item are the literal ones of its prompt and tests, and others made of these; its
reference gives the results. Every function of a row's Python code is called with three of them which tell
most, the item's own if it has so many, and where it agrees on two with all. With the bits of the inputs on
which it agrees (A) and of all (T),

    value = (A / T)^2 * A / (A + 10)                                                  0 <= value < 1

* The bits of an input are -log2 of the share of ordinary functions that give the item's result
  (`_ordinary.txt`, a textbook's exercises, other items' references), but no more than -log2 of the share
  of the item's own inputs that have this result, and at most 8. So "true" says little, and a long list much.
* An item is common if an ordinary function does the same: whoever writes `add` has not seen the benchmark. A
  row's function that does so is an exercise, and adds to no other evidence. Where one does the same but for
  a few of the item's own inputs ("a sum of four even numbers" and "even"), a row has to agree on these.
* An item has 20 inputs, and up to 60 while its results say too little: answers of yes and no.
* Of inputs that are made of an item's own those do not count which a row's function refuses, if it refuses
  none of the item's own: it raises a ValueError, an AssertionError or an error of its own by a statement, or
  a ValueError in some other way for at most 15 % of the bits.
* Lists and tuples are equal here; 1, 1.0 and True are equal.

*Reverse.* The item's reference is called with a row's own examples, whatever the language of its answer. The
value is the same, over the examples of one function; the bits of an example are those of the literals of its
result, or fewer if ordinary functions give it, too.

*Covered.* Renamed, restructured, translated or reworded rows with another algorithm; methods whose objects
hold some of the arguments; code in seven other languages, as far as it can be translated (`translate/`).
*Not covered.* Half of a solution, functions that change their argument or take three in another order,
scripts without functions, Python 2.
"""

from __future__ import annotations

import ast
import hashlib
import math
import operator
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from decontam._evidence import OfItem, of_item
from decontam._inputs import MANY, MOST, Input, inputs_of, literal_of, program_of
from decontam._textbook import ordinary
from decontam.benchmarks import Item

#: It grows when an item or a row may be judged otherwise than before.
VERSION = 10
#: The least value that is a match, of a row's functions and of its examples.
THRESHOLDS: dict[str, float] = {"function": 0.6, "examples": 0.45}
#: Inputs of an item that every function is called with first, and how many of these have to agree.
PROBES, AGREE = 3, 2
#: Other items' references that stand for ordinary functions.
OTHERS = 40
#: An ordinary function that agrees on this share of an item's inputs could be taken for it.
CLOSE = 0.9
#: Bits at which the second factor of a value is a half; most bits of an input.
HALF, RAREST = 10.0, 8.0
TOGETHER = 400  # inputs at a time
#: Bits that the results of an item should have; it gets more inputs while they have less.
SAYING = 3 * HALF
_FOLDER = Path(__file__).parent
_PLAIN = str.maketrans("()", "[]")


class Shown(Protocol):
    """What a program showed: `detail` of loading it, and by function a text for each input, or None.

    Texts of results that are no values begin with "!"; None stands where the number of arguments differs.
    """

    @property
    def detail(self) -> str:
        """Empty, or what came of loading it."""
        ...

    @property
    def functions(self) -> Mapping[str, Sequence[str | None]]:
        """By function, a text for each input."""
        ...


#: By benchmark and item, its solution.
Solutions = Mapping[tuple[str, str], str]
#: Programs, and the inputs that each of their functions gets whose number of arguments fits.
Job = tuple[Sequence[str], Sequence[Input]]


class Run(Protocol):
    """Runs programs. Equal values have equal texts."""

    def __call__(
        self, jobs: Sequence[Job], /, *, alone: bool = False, references: bool = False
    ) -> Sequence[Sequence[Shown]]:
        """For each job what each of its programs showed.

        Args:
            jobs: programs and inputs.
            alone: whether nothing that another program left may be there, however harmless it is.
            references: whether the programs are references: each call stands by itself, and has less time
                than one of a row's function, so that a copy of a reference is never at the limit of time.
        """
        ...


class Found(Protocol):
    """What a program agrees with: `detail` says why it could not be compared, `things` has numbers."""

    @property
    def detail(self) -> str:
        """Empty, or why nothing of it could be compared."""
        ...

    @property
    def things(self) -> Sequence[int]:
        """The numbers of what it agrees with."""
        ...


#: For each thing its results, as numbers of inputs and texts, and how many of them have to agree.
Sought = Sequence[tuple[Sequence[tuple[int, str]], int]]


class Find(Protocol):
    """Finds what programs agree with, in as few calls as it takes."""

    def __call__(self, codes: Sequence[str], inputs: Sequence[Input], sought: Sought, /) -> Sequence[Found]:
        """For each program what is sought that one of its functions agrees with.

        Args:
            codes: the programs.
            inputs: what their functions are called with.
            sought: what they are compared with; in its texts tuples and iterators are lists (`plain`).
        """
        ...


class Known(NamedTuple):
    """An item with the results of its reference; all of it is JSON but for the inputs.

    Args:
        benchmark: its benchmark.
        item: its id.
        code: the reference.
        function: which of its functions it is.
        inputs: on which it gives a result.
        results: a text for each input.
        bits: for each input, how surprising it is that another function agrees.
        made: for each input, whether it is made of one of the item's own.
        tells: for each input, whether it tells the item from an ordinary function that is close to it.
        probes: numbers of the inputs that tell most together.
        common: whether an ordinary function does the same.
    """

    benchmark: str
    item: str
    code: str
    function: str
    inputs: Sequence[Input]
    results: Sequence[str]
    bits: Sequence[float]
    made: Sequence[bool]
    tells: Sequence[bool]
    probes: Sequence[int]
    common: bool


class Hit(NamedTuple):
    """A function that does what an item's reference does.

    Args:
        benchmark: the item's benchmark.
        item: its id.
        function: the dotted name of the function.
        value: how much it agrees, 0 to 1.
        shown: inputs on which it agrees, as text.
        common: whether an ordinary function does the same.
    """

    benchmark: str
    item: str
    function: str
    value: float
    shown: str
    common: bool


class _Reference(NamedTuple):
    """A reference with its results.

    is_other: whether it stands for an ordinary function. Its place among all items decides that, not among
        those that could be run: one that is at the limit of time would change what the others say.
    """

    item: Item
    code: str
    inputs: list[Input]
    results: list[str]
    is_other: bool


def known(items: Sequence[Item], run: Run) -> list[Known]:
    """The items whose reference can be run, with their results.

    Args:
        items: of one benchmark or several; those without a solution or the name of its function are left out.
        run: runs programs.
    """
    having = [(item, inputs_of(item, MANY)) for item in items if item.entry_point and item.solution]
    pool = list({repr(one): one for _, inputs in having for one in inputs[:1]}.values())
    jobs: list[Job] = [([program_of(item)], inputs or pool) for item, inputs in having]
    found: list[_Reference] = []
    step = max(1, len(having) // OTHERS)
    answers = run(jobs, references=True)
    for place, ((item, _), (codes, inputs), [shown]) in enumerate(zip(having, jobs, answers, strict=True)):
        good = _saying(inputs, shown.functions.get(item.entry_point, [None] * len(inputs)))
        if good:
            taken, results = map(list, zip(*good, strict=True))
            found.append(_Reference(item, codes[0], taken, results, is_other=place % step == 0))
    return _weighed(found, run)


def _saying(inputs: Sequence[Input], texts: Sequence[str | None]) -> list[tuple[Input, str]]:
    """The inputs that an item is known by, with their results.

    Beyond `MOST`, while these results say too little, an input counts only if its result is not the usual
    one: more of the same would make the item like a constant.
    """
    good: list[tuple[Input, str]] = []
    for number, (one, text) in enumerate(zip(inputs, texts, strict=True)):
        if text is None or not says_something(text):
            continue
        result = plain(text)
        if number >= MOST:
            counts = Counter(before for _, before in good)
            if _most_bits(counts) >= SAYING:
                break
            if counts[result] == max(counts.values(), default=1):
                continue
        good.append((one, result))
    return good


def _most_bits(counts: Mapping[str, int]) -> float:
    """The bits that results have at most: as many as their rarity among themselves says."""
    total = sum(counts.values()) + 1
    return sum(count * min(-math.log2(count / total), RAREST) for count in counts.values())


def solutions_of(items: Iterable[Item]) -> Solutions:
    """What the evidence shows of the items."""
    return {(one.benchmark, one.task_id): one.solution for one in items}


def solution_of(hit: Hit, solutions: Solutions) -> OfItem:
    """The item's solution as a whole: it does what the row does."""
    text = solutions.get((hit.benchmark, hit.item), "")
    return of_item("solution", text, [(0, len(text))] if text else [])


def says_something(text: str) -> bool:
    """Whether a text is of a value other than None."""
    return not text.startswith("!") and text != "null"


@lru_cache(maxsize=1 << 14)  # most results are a few short texts
def plain(text: str) -> str:
    """The text of a value in which a tuple or an iterator is a list."""
    return text.removeprefix("iter").translate(_PLAIN)


def agreement(texts: Sequence[str | None], results: Sequence[str]) -> list[bool]:
    """For each input, whether the text of a result is the one that is wanted."""
    return [text is not None and plain(text) == wanted for text, wanted in zip(texts, results, strict=True)]


def value_of(agreed: float, total: float) -> float:
    """How much agreement on `agreed` of `total` bits says, 0 to 1."""
    return (agreed / total) ** 2 * agreed / (agreed + HALF) if agreed > 0 else 0.0


def in_jobs(codes: Sequence[str], inputs: Sequence[Input]) -> list[Job]:
    """The same programs with all inputs, so many at a time as a program has time for."""
    return [(codes, inputs[start : start + TOGETHER]) for start in range(0, len(inputs), TOGETHER)]


def _weighed(found: Sequence[_Reference], run: Run) -> list[Known]:
    """The references with the bits of their inputs."""
    common = ordinary()
    others = [one for one in found if one.is_other]
    names = ["f"] * len(common) + [one.item.entry_point for one in others]
    codes = [*common, *(one.code for one in others)]
    inputs = [given for one in found for given in one.inputs]
    columns = _columns(run(in_jobs(codes, inputs)), names, len(inputs))
    own = {id(one): len(common) + number for number, one in enumerate(others)}
    made: list[Known] = []
    at = 0
    for one in found:
        agree: list[list[bool]] = []
        close: list[list[bool]] = []
        for number, column in enumerate(columns):
            texts = column[at : at + len(one.inputs)]
            if number != own.get(id(one)) and any(text is not None for text in texts):
                agree.append([text == wanted for text, wanted in zip(texts, one.results, strict=True)])
                if number < len(common) and sum(agree[-1]) >= CLOSE * len(texts):
                    close.append(agree[-1])
        bits = _bits(agree, one.results)
        literal = {*map(repr, literal_of(one.item))}
        changed = [bool(literal) and repr(given) not in literal for given in one.inputs]
        # What only made inputs tell apart, the benchmark itself does not.
        is_common = any(all(map(operator.or_, same, changed)) for same in close)
        made.append(
            Known(
                benchmark=one.item.benchmark,
                item=one.item.task_id,
                code=one.code,
                function=one.item.entry_point,
                inputs=one.inputs,
                results=one.results,
                bits=bits,
                made=changed,
                tells=[not is_common and not all(same) for same in zip(*close, strict=True)]
                or [False] * len(bits),
                probes=_probes(agree, bits, changed),
                common=is_common,
            )
        )
        at += len(one.inputs)
    return made


def _columns(jobs: Sequence[Sequence[Shown]], names: Sequence[str], inputs: int) -> list[list[str | None]]:
    """For each program what its function gives for all inputs, in plain texts.

    Args:
        jobs: what the programs showed, so many inputs at a time (`in_jobs`).
        names: of each program the function.
        inputs: how many there are.
    """
    columns: list[list[str | None]] = [[] for _ in names]
    for start, job in zip(range(0, inputs, TOGETHER), jobs, strict=True):
        for column, name, shown in zip(columns, names, job, strict=True):
            texts = shown.functions.get(name) or [None] * min(TOGETHER, inputs - start)
            column.extend(None if text is None else plain(text) for text in texts)
    return columns


def _bits(agree: Sequence[Sequence[bool]], results: Sequence[str]) -> list[float]:
    counts = Counter(results)
    found = []
    for place, result in enumerate(results):
        others = (sum(one[place] for one in agree) + 0.5) / (len(agree) + 1)
        same = counts[result] / (len(results) + 1)
        found.append(round(min(-math.log2(others), -math.log2(same), RAREST), 4))
    return found


def _probes(agree: Sequence[Sequence[bool]], bits: Sequence[float], made: Sequence[bool]) -> list[int]:
    """The inputs on which the fewest ordinary functions agree, one after the other; the item's own if any."""
    left = agree
    chosen: list[int] = []
    own = [place for place, is_made in enumerate(made) if not is_made]
    places = own if len(own) >= PROBES else range(len(bits))
    while len(chosen) < min(PROBES, len(bits)):
        counts = [(sum(one[place] for one in left), -bits[place], place) for place in places]
        best = min(count for count in counts if count[2] not in chosen)[2]
        chosen.append(best)
        left = [one for one in left if one[best]]
    return chosen


def to_json(items: Sequence[Known]) -> list[dict[str, Any]]:
    """What is known, as JSON."""
    return [{**one._asdict(), "inputs": [repr(given) for given in one.inputs]} for one in items]


def from_json(stored: Sequence[Mapping[str, Any]]) -> list[Known]:
    """What `to_json` was given."""
    return [
        Known(**{**one, "inputs": [ast.literal_eval(given) for given in one["inputs"]]}) for one in stored
    ]


def settings() -> dict[str, Any]:
    """All that decides what is found by running programs."""
    return {"version": VERSION, "thresholds": dict(THRESHOLDS), "foreign": _foreign()}


@lru_cache(maxsize=1)
def _foreign() -> str:
    """The sha256 of what translated programs are built on."""
    files = sorted((_FOLDER / "translate/foreign").glob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()

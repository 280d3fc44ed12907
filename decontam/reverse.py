"""The reverse of `examples`: references are called with the examples that a row holds (behaviour.py)."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from decontam._evidence import EXCERPT, Evidence
from decontam._inputs import Input, is_quick
from decontam._textbook import ordinary
from decontam.behaviour import (
    AGREE,
    RAREST,
    THRESHOLDS,
    TOGETHER,
    Hit,
    Known,
    Run,
    Solutions,
    in_jobs,
    plain,
    says_something,
    solution_of,
    value_of,
)
from decontam.detectors.cases import information
from decontam.pairs import Pair, flat, pairs

#: Distinct examples of a function that are looked at, and the largest number in one.
EXAMPLES, LARGE = 24, 2_500
#: What stands between arguments and result where no function is called.
_SAYS = re.compile(
    r"=>|->|[\u2192\u279e]|\b(?:outputs?|returns?|results?|answer|gives?|expected|should)\b", re.I
)

#: Arguments as text, and how the result is written that a row gives for them.
_Wanted = tuple[str, str | None]
#: By arguments as text, what functions give, by their number.
_Results = dict[str, dict[int, str]]
#: Longer results, as Python writes them, are not compared: one would take the time of all others.
_LONGEST = 2_000
_LATE = ""


class Asked(NamedTuple):
    """Examples of one function in a row.

    Args:
        row: the row's id.
        column: where they stand.
        arguments: of each example.
        results: of each example.
        text: from the first on, as it stands there.
        start: where the first begins there, in characters.
        end: where the last ends.
    """

    row: str
    column: str
    arguments: Sequence[Input]
    results: Sequence[Any]
    text: str
    start: int
    end: int


def examples_of(row: str, column: str, text: str) -> Iterable[Asked]:
    """The examples of each function in a text of a row, where there is more than one."""
    found = [pair for pair in pairs(text) if is_quick(pair.arguments, LARGE) and _says(pair)]
    nearest = [pair for pair in found if not pair.told]
    sets = [nearest]
    if len(nearest) < len(found):
        others = {pair.at: pair for pair in nearest if not pair.called}
        sets.append([*(others | {pair.at: pair for pair in found if pair.told}).values()])
    for own in sets:
        yield from _by_name(row, column, text, own)


def _says(pair: Pair) -> bool:
    return bool(pair.called or pair.told or _SAYS.search(pair.between))


def _by_name(row: str, column: str, text: str, own: Sequence[Pair]) -> Iterable[Asked]:
    by_name: dict[str, dict[str, Pair]] = defaultdict(dict)
    for pair in own:
        if len(by_name[pair.called]) < EXAMPLES:
            by_name[pair.called].setdefault(repr(pair.arguments), pair)
    for found in by_name.values():
        if len(found) > 1:
            start = min(pair.span[0] for pair in found.values())
            end = max(pair.span[1] for pair in found.values())
            given, results = zip(*((pair.arguments, pair.result) for pair in found.values()), strict=True)
            yield Asked(row, column, given, results, text[start : start + EXCERPT], start, end)


def answered(asked: Sequence[Asked], items: Sequence[Known], run: Run) -> list[list[Hit]]:
    """For each row's examples the items whose reference gives the results; none depends on another.

    Examples that an ordinary function explains just as well are no match.

    Args:
        asked: examples.
        items: what is known; common ones are not sought.
        run: runs programs.
    """
    sought = [one for one in items if not one.common]
    texts = _texts(asked, run)
    wanted = [
        [
            (repr(one), texts.get(repr(result)))
            for one, result in zip(some.arguments, some.results, strict=True)
        ]
        for some in asked
    ]
    most = [_most_bits(some, pairs) for some, pairs in zip(asked, wanted, strict=True)]
    given = {
        repr(one): one
        for some, bits in zip(asked, most, strict=True)
        if _can_match(bits.values())
        for one in some.arguments
    }
    results = _results(given, sought, run)
    likely: list[dict[int, list[str]]] = []
    for examples, bits in zip(wanted, most, strict=True):
        numbers = range(len(sought)) if _can_match(bits.values()) else ()
        held = {number: _held(examples, results, number) for number in numbers}
        likely.append(
            {
                number: keys
                for number, keys in held.items()
                if len(keys) >= AGREE and _can_match(bits[key] for key in keys)
            }
        )
    doubtful = {
        key: given[key] for some, pairs in zip(likely, wanted, strict=True) if some for key, _ in pairs
    }
    common = _ordinary_results(doubtful, run)
    return [
        _answered(some, pairs, found, sought, (results, common))
        for some, pairs, found in zip(asked, wanted, likely, strict=True)
    ]


def _texts(asked: Sequence[Asked], run: Run) -> dict[str, str]:
    """How the results that rows give are written."""
    values = {repr(one): one for some in asked for one in some.results if len(repr(one)) <= _LONGEST}
    jobs = in_jobs(["def f(a):\n    return a\n"], [(one,) for one in values.values()])
    written = [text for [shown] in run(jobs) for text in shown.functions.get("f", ())]
    return {
        key: plain(text)
        for key, text in zip(values, written, strict=False)
        if text is not None and says_something(text)
    }


def _held(pairs: Sequence[_Wanted], results: _Results, number: int) -> list[str]:
    """The arguments for which a reference gives what is wanted."""
    return [key for key, text in pairs if text is not None and results[key].get(number) == text]


def _answered(
    some: Asked,
    pairs: Sequence[_Wanted],
    likely: Mapping[int, Sequence[str]],
    items: Sequence[Known],
    given: tuple[_Results, _Results],
) -> list[Hit]:
    results, common = given
    texts = dict(pairs)
    hits = []
    for number, held in likely.items():
        if any(all(common[key].get(one) == texts[key] for key in held) for one in range(len(ordinary()))):
            continue
        bits = {
            key: _bits_of(result, text, [*results[key].values(), *common.get(key, {}).values()])
            for (key, text), result in zip(pairs, some.results, strict=True)
        }
        value = round(value_of(sum(bits[key] for key in held), sum(bits.values())), 6)
        if value >= THRESHOLDS["examples"]:
            item = items[number]
            hits.append(Hit(item.benchmark, item.item, item.function, value, "", common=False))
    return hits


def _most_bits(some: Asked, pairs: Sequence[_Wanted]) -> dict[str, float]:
    """The most bits that each example can have, whatever other functions give: those of its literals."""
    return {
        key: _literal_bits(result)
        for (key, text), result in zip(pairs, some.results, strict=True)
        if text is not None
    }


def _can_match(bits: Iterable[float]) -> bool:
    """Whether so many bits are a match if nothing speaks against it."""
    total = sum(bits)
    return round(value_of(total, total), 6) >= THRESHOLDS["examples"]


def _literal_bits(result: Any) -> float:  # noqa: ANN401 - any literal
    literal = information(tuple(str(one).removeprefix("\0") for one in flat(result)))
    return min(max(literal, 1.0), RAREST)


def _bits_of(result: Any, text: str | None, given: Sequence[str]) -> float:  # noqa: ANN401 - any literal
    """How surprising it is that a reference gives this result: as rare as it is among what others give."""
    if text is None:
        return 1.0
    share = (max(given.count(text) - 1, 0) + 0.5) / (len(given) + 1)
    return min(-math.log2(share), _literal_bits(result))


def _results(given: Mapping[str, Input], items: Sequence[Known], run: Run) -> _Results:
    """For each input what those references give that take such inputs, by their number."""
    by_kind: dict[str, list[str]] = defaultdict(list)
    for key, one in given.items():
        by_kind[_kind(one)].append(key)
    kinds = [{_kind(one) for one in item.inputs} for item in items]
    found: _Results = {key: {} for key in given}
    for kind, keys in by_kind.items():
        numbers = [number for number, own in enumerate(kinds) if kind in own]
        programs = [(items[number].code, items[number].function) for number in numbers]
        for key, own in _each({key: given[key] for key in keys}, programs, run).items():
            found[key] = {numbers[place]: text for place, text in own.items()}
    return found


def _ordinary_results(given: Mapping[str, Input], run: Run) -> _Results:
    return _each(given, [(code, "f") for code in ordinary()], run)


def _each(given: Mapping[str, Input], programs: Sequence[tuple[str, str]], run: Run) -> _Results:
    """For each input what programs' functions give.

    What takes too long gives `_LATE`, which equals no result: so it is the same for the share of a result
    whether a function at the limit of time gives another one, or none in time.
    """
    found: _Results = {key: {} for key in given}
    keys = list(given)
    jobs = in_jobs([code for code, _ in programs], list(given.values())) if programs else []
    for start, job in zip(range(0, len(keys), TOGETHER), run(jobs, references=True), strict=False):
        some = keys[start : start + TOGETHER]
        for number, ((_, name), shown) in enumerate(zip(programs, job, strict=True)):
            for key, text in zip(some, shown.functions.get(name, ()), strict=False):
                if text == "!timeout":
                    found[key][number] = _LATE
                elif text is not None and says_something(text):
                    found[key][number] = plain(text)
    return found


def _kind(value: Any) -> str:  # noqa: ANN401 - any literal
    """What an input is made of: "(l,n)" for a list and a number."""
    if isinstance(value, tuple):
        return f"({','.join(map(_inner, value))})"
    return _inner(value)


def _inner(value: Any) -> str:  # noqa: ANN401 - any literal
    if isinstance(value, (list, tuple)):
        return "l"
    return {str: "s", dict: "d", type(None): "0"}.get(type(value), "n")


def example_evidence(asked: Asked, hits: Iterable[Hit], solutions: Solutions) -> Iterable[Evidence]:
    """The matches of a row's examples."""
    for hit in hits:
        yield (
            *(asked.row, hit.benchmark, hit.item, "behaviour", f"examples:{asked.column}"),
            *(hit.value, THRESHOLDS["examples"], asked.text, asked.start, asked.end),
            *(*solution_of(hit, solutions), None),
        )

"""Prints how well answers tell right tests from wrong ones, from eight of eight right answers down to one.

Tests are the asserts of HumanEval and MBPP; in 30 % of them, drawn at random, the expected value is
changed, so that the reference fails them. Right answers are the reference. Wrong answers are one-point
mutants of it that fail a real test: different ones ("independent"), or several with the same mistake
("same"). Every program is run once with all tests of its task; the verdicts are in JOURNAL, which a second
run reads.

usage: python bench/test_trust.py JOURNAL [TASKS]     MBPP needs ../shared/data; without it HumanEval alone
"""

from __future__ import annotations

import ast
import asyncio
import random
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from datagen.answers.syntax import without_warnings
from datagen.journal.verdicts import open_verdicts
from datagen.ranking import agreement, mutants
from datagen.ranking.programs import suite_of
from datagen.sandbox.judge import Judge
from datagen.sandbox.run import Sandbox
from datagen.sandbox.verdict import Limits, Verdict
from decontam.benchmarks import Item, load

MBPP = Path(__file__).parents[2] / "shared/data/mbpp.jsonl"
#: A mutant may loop for ever, and most answers need milliseconds.
LIMITS = Limits(cpu_seconds=2.0, test_seconds=0.5, restarts=1)
ANSWERS, SHARE, POOL, DRAWS = 8, 0.3, 12, 5
Passed = frozenset[int]


class Task(NamedTuple):
    """A reference with its tests.

    Args:
        real: the asserts of the benchmark.
        planted: for some of them, by their numbers, the same with another expected value.
    """

    name: str
    code: str
    setup: str
    real: tuple[str, ...]
    planted: dict[int, str]


class Matrix(NamedTuple):
    """What answers to a task satisfy.

    Args:
        right: numbers of the tests that are right, all of which the reference satisfies.
        wrong: numbers of the planted ones.
        mistakes: for each mutant that fails a real test, the tests that it satisfies.
        killed: whether the real tests refuse each mutant, in the order in which they were drawn.
    """

    right: Passed
    wrong: Passed
    mistakes: tuple[Passed, ...]
    killed: tuple[bool, ...]


def tasks_of(item: Item, draw: random.Random) -> Task:
    """An item with 30 % of its asserts changed, at least one where there are two or more."""
    code = item.solution if item.benchmark == "mbpp" else item.raw_prompt + item.solution
    suite = suite_of(item.tests, item.entry_point)
    values = [value for test in suite.tests for value in [expected(test)] if value is not None]
    wanted = max(1, round(SHARE * len(suite.tests))) if len(suite.tests) > 1 else 0
    planted = {}
    for number in draw.sample(range(len(suite.tests)), len(suite.tests)):
        if len(planted) < wanted and (changed := with_other_value(suite.tests[number], values, draw)):
            planted[number] = changed
    return Task(item.task_id, code, suite.setup, suite.tests, planted)


def expected(test: str) -> ast.expr | None:
    """The literal that an assert expects."""
    with without_warnings():
        last = ast.parse(test).body[-1]
    match last:
        case ast.Assert(test=ast.Compare(ops=[ast.Eq() | ast.Is()], comparators=[value])) if is_literal(
            value
        ):
            return value
    return None


def is_literal(node: ast.expr) -> bool:
    """Whether an expression is a value written out."""
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, SyntaxError):
        return False
    return True


def with_other_value(test: str, values: Sequence[ast.expr], draw: random.Random) -> str | None:
    """The assert with another expected value: of another test, or near to its own; None if it has none."""
    with without_warnings():
        tree = ast.parse(test)
    last = tree.body[-1]
    if not isinstance(last, ast.Assert):
        return None
    match last.test:
        case ast.Compare(ops=[ast.Eq() | ast.Is()], comparators=[value]) if is_literal(value):
            others = [one for one in values if ast.dump(one) != ast.dump(value)]
            own = ast.literal_eval(value)
            new = draw.choice(others) if others and draw.random() < 0.5 else literal(near(own, draw))
            last.test.comparators = [new]
        case ast.Compare(ops=[ast.Lt()], comparators=[ast.Constant(float())]):  # abs(f(x) - 2.5) < 1e-6
            last.test.ops = [ast.Gt()]
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            last.test = operand
        case ast.Call():
            last.test = ast.UnaryOp(ast.Not(), last.test)
        case _:
            return None
    return ast.unparse(ast.fix_missing_locations(tree))


def literal(value: object) -> ast.expr:
    """The expression of a value."""
    return ast.parse(repr(value), mode="eval").body


def near(value: object, draw: random.Random) -> object:
    """Another value of the same kind."""
    match value:
        case bool():
            return not value
        case int() | float():
            return value + draw.choice((-2, -1, 1, 2))
        case str():
            return draw.choice((value[1:], value[:-1], value[::-1] + "a")) if value else "a"
        case list() | tuple() if value:
            place = draw.randrange(len(value))
            changed = [*value[:place], near(value[place], draw), *value[place + 1 :]]
            return type(value)(draw.choice((changed, value[:place] + value[place + 1 :])))
        case dict() if value:
            key = draw.choice([*value])
            return {**value, key: near(value[key], draw)}
        case set() if value:
            return value - {draw.choice(sorted(value, key=repr))}
    return 0 if value is None else None


async def matrix(task: Task, judge: Judge) -> Matrix | None:
    """Run the reference and its mutants with all tests; None where no wrong answer or test is left."""
    changed = [*task.planted.items()]
    tests = [*task.real, *(test for _, test in changed)]
    codes = [task.code, *mutants.mutants(task.code, POOL)]
    verdicts = await asyncio.gather(*(judge.verdict(code, tests, setup=task.setup) for code in codes))
    passed = [satisfied(verdict) for verdict in verdicts]
    real = passed[0] & {*range(len(task.real))}
    wrong = {len(task.real) + n for n, (number, _) in enumerate(changed) if number in real} - passed[0]
    right = real - {changed[number - len(task.real)][0] for number in wrong}
    killed = tuple(not real <= one for one in passed[1:])
    mistakes = tuple(
        one & (right | wrong) for one, is_wrong in zip(passed[1:], killed, strict=True) if is_wrong
    )
    if not wrong or not right or not mistakes:
        return None
    return Matrix(frozenset(right), frozenset(wrong), mistakes, killed)


def satisfied(verdict: Verdict) -> Passed:
    """The numbers of the tests that a program satisfies."""
    return frozenset(number for number, one in enumerate(verdict.outcomes) if one.passed)


def answers(one: Matrix, right: int, same: bool, draw: random.Random) -> list[Passed]:
    """What eight answers satisfy, of which some are right; mistakes repeat only where there are too few."""
    wrong = ANSWERS - right
    mixed = draw.sample(one.mistakes, len(one.mistakes))
    apart = [*dict.fromkeys(mixed)]
    rest = [*mixed, *apart * ANSWERS]
    mistakes = apart[:1] * wrong if same else (apart + rest)[:wrong]
    return draw.sample([one.right] * right + mistakes, ANSWERS)


def majority(passes: Sequence[Passed]) -> Passed:
    """The tests that more than half of the answers satisfy."""
    counts = Counter(number for tests in passes for number in tests)
    return frozenset(number for number, count in counts.items() if 2 * count > len(passes))


def codet(power: float) -> Callable[[Sequence[Passed]], Passed]:
    """CodeT's rule: the best group by answers to a power, times tests; 1 in the paper, 0.5 in its code."""

    def kept(passes: Sequence[Passed]) -> Passed:
        groups = Counter(passes)
        return max(groups, key=lambda tests: (groups[tests] ** power * len(tests), len(tests)))

    return kept


RULES: dict[str, Callable[[Sequence[Passed]], Passed]] = {
    "ours": lambda passes: agreement.consensus(passes).tests,
    "CodeT": codet(1),
    "CodeT, root": codet(0.5),
    "majority": majority,
}


def shares(
    found: Sequence[Matrix], rule: str, right: int, same: bool, draws: int = DRAWS
) -> tuple[float, float]:
    """The share of right tests that a rule keeps, and of wrong ones that it removes."""
    kept = removed = rights = wrongs = 0
    for number, one in enumerate(found):
        for turn in range(draws):
            tests = RULES[rule](answers(one, right, same, random.Random(f"{number} {turn} {right}")))
            kept += len(tests & one.right)
            removed += len(one.wrong - tests)
            rights, wrongs = rights + len(one.right), wrongs + len(one.wrong)
    return kept / rights, removed / wrongs


async def matrices(items: Sequence[Item], judge: Judge) -> list[Matrix | None]:
    """The matrix of each item; what is planted depends on the item alone."""
    jobs = (matrix(tasks_of(item, random.Random(item.task_id)), judge) for item in items)
    return await asyncio.gather(*jobs)


def measured(items: Sequence[Item], journal: Path) -> list[Matrix]:
    """The matrices of all items that have one."""

    async def run() -> list[Matrix | None]:
        with open_verdicts(journal) as verdicts:
            async with Sandbox(2) as sandbox:
                return await matrices(items, Judge(verdicts, sandbox, LIMITS))

    return [one for one in asyncio.run(run()) if one]


def lines(name: str, found: Sequence[Matrix]) -> Iterator[str]:
    """What is printed of a benchmark."""
    right, wrong = sum(len(one.right) for one in found), sum(len(one.wrong) for one in found)
    mutated = [killed for one in found for killed in one.killed]
    yield f"{name}: {len(found)} tasks, {right} right tests, {wrong} wrong ones, {DRAWS} draws of answers"
    yield f"  {len(mutated)} mutants, {sum(mutated) / len(mutated):.1%} killed by the real tests"
    for count in (3, 5, 10):
        weak = [sum(one.killed[:count]) / count < 0.2 for one in found if len(one.killed) >= count]
        yield f"  below 0.2 with {count} mutants: {sum(weak)} of {len(weak)} tasks"
    for same in (False, True):
        yield f"  right tests kept / wrong ones removed, {'same mistake' if same else 'independent mistakes'}"
        yield "    right answers  " + "  ".join(f"{rule:>15}" for rule in RULES)
        for count in range(ANSWERS, 0, -1):
            cells = (shares(found, rule, count, same) for rule in RULES)
            yield f"    {count} of {ANSWERS}         " + "  ".join(f"{k:7.1%}/{r:7.1%}" for k, r in cells)


def main() -> int:
    """Print the curves."""
    if len(sys.argv) < 2:
        print(__doc__)
        return 2
    count = int(sys.argv[2]) if len(sys.argv) > 2 else None
    for name in ["humaneval", *([f"mbpp:{MBPP}"] if MBPP.exists() else [])]:
        found = measured(load(name).items[:count], Path(sys.argv[1]))
        print(*lines(name.partition(":")[0], found), sep="\n", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""Profiles: what a match asks for, how sure it is, and what is a textbook exercise."""

import runpy
import subprocess
import sys
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from decontam import EVIDENCE, MATCHES, build_indexes, find_overlaps
from decontam._textbook import is_exercise, textbook_items
from decontam._verdicts import judged
from decontam.benchmarks import load
from decontam.detectors import detector, lowered, names, settings
from decontam.overlaps import evidence_of
from decontam.profiles import NAMES, doubtful, profile

ROOT = Path(__file__).parents[2]
DEV = ROOT.parent / "shared/data/decontam_dev/dev.jsonl"
ITEMS = load("humaneval").items
#: Detectors that the profiles know, and one that they do not.
KNOWN = ("cases", "code", "entry_points", "examples", "minhash", "ngrams", "words")
SHARES = st.dictionaries(st.sampled_from([*KNOWN, "another"]), st.floats(0, 3), max_size=5)


def evidence(shares, excerpt="some words"):
    """Evidence of one row and item: by detector, the share of its threshold."""
    return frame(
        ("r", "b", "i", name, "solution:response", share * 0.3, 0.3, excerpt)
        for name, share in shares.items()
    )


def frame(rows):
    """Evidence that says not where it stands."""
    return pl.DataFrame([dict(zip(EVIDENCE, row, strict=False)) for row in rows], schema=EVIDENCE)


def verdict(shares, name="balanced", **more):
    return judged(evidence(shares, **more), profile(name), {})


@hypothesis_settings(deadline=None)
@given(SHARES, st.sampled_from([*KNOWN, "another"]), st.floats(0, 3), st.sampled_from(NAMES))
def test_a_higher_value_lowers_no_score_and_loses_no_match(shares, raised, by, name):
    """Score and verdict are monotone in every value."""
    more = {**shares, raised: shares.get(raised, 0.0) + by}
    before, after = verdict(shares, name), verdict(more, name)
    if before.height:
        assert after.height
        assert after["score"][0] >= before["score"][0]


@hypothesis_settings(deadline=None)
@given(SHARES)
def test_profiles_are_nested(shares):
    """What a profile finds, those before it find."""
    found = [bool(verdict(shares, name).height) for name in NAMES]
    assert found == sorted(found, reverse=True)


@given(SHARES)
def test_what_is_a_match_is_in_doubt(shares):
    """The profile for pairs in doubt finds all that `strict` finds."""
    if verdict(shares, "strict").height:
        assert judged(evidence(shares), doubtful(), {}).height


@pytest.mark.parametrize("name", NAMES)
def test_another_detector_counts_by_its_own_threshold(name):
    """A detector that nothing was fitted on is a match where it says so, and not below."""
    assert verdict({"another": 1.0}, name).height == 1
    assert verdict({"another": 0.99}, name).height == 0


def test_two_that_agree_are_a_match():
    """Words and code that are each too little are enough together; two that see the words are not."""
    both = verdict({"words": 0.6, "code": 0.6})
    assert dict(zip(both["detector"], both["level"], strict=True)) == {"words": "logic", "code": "logic"}
    assert verdict({"words": 0.6}).height == verdict({"words": 0.6, "ngrams": 0.6}).height == 0


def test_numbers_are_no_words_that_agree():
    """A list of numbers is in what is asked and in the code alike: it counts once."""
    assert verdict({"words": 0.6, "code": 0.6}, excerpt="[1, 2, 3, 4, 5]").height == 0


def test_levels():
    """The level says how close a match is, by what was found and how much of it."""
    values = {"ngrams": 0.95, "minhash": 0.5, "words": 0.7, "code": 0.9}
    rows = [("r", "b", "i", name, "prompt:response", value, 0.2, "x") for name, value in values.items()]
    rows.append(("s", "b", "i", "code", "solution:response", 0.7, 0.67, "x"))
    found = judged(frame(rows), profile(), {})
    assert found["level"].to_list() == ["same", "near", "near", "near", "logic"]
    assert found.schema == MATCHES


def test_textbook_items():
    """Greatest common divisor and addition are exercises of every textbook; a longer task is none."""
    found = {item for _, item in textbook_items(ITEMS)}
    assert {"HumanEval/13", "HumanEval/53", "HumanEval/31", "HumanEval/55"} <= found
    assert not {"HumanEval/0", "HumanEval/4", "HumanEval/94"} & found


def test_functions_called_like_an_exercise():
    """`isPrime` in another language is one; Python was compared with the exercises themselves."""
    assert is_exercise("code", "public static boolean isPrime(int n) {\n    return true;")
    assert not is_exercise("code", "def total(xs):\n    return 3")
    assert not is_exercise("code", "int closestVowelBetween(char* s) {")
    assert not is_exercise("words", "isPrime(int n)")


def test_a_textbook_exercise_is_common_unless_it_is_copied():
    """What anybody writes for gcd is common; the item's own examples and words are not."""
    item = next(item for item in ITEMS if item.task_id == "HumanEval/13")
    rows = pl.DataFrame(
        {
            "id": ["own", "copy", "words"],
            "instruction": ["Write a function for the greatest common divisor of two integers a and b."] * 2
            + [item.prompt],
            "response": ["def f(a, b):\n    return b", f"{item.raw_prompt}{item.solution}", ""],
        }
    )
    found = find_overlaps(rows, build_indexes(ITEMS)).filter(item="HumanEval/13")
    common = dict(found.group_by("row").agg(pl.col("common").all()).iter_rows())
    assert common == {"own": True, "copy": False, "words": False}


def test_an_exercise_makes_no_other_evidence_surer():
    """A function that does what an ordinary one does is common; few words of the item change nothing."""
    exercise = ("r", "b", "i", "behaviour", "exercise:response", 0.8, 0.6, "x")
    few = ("r", "b", "i", "words", "prompt:response", 0.15, 0.2, "x")
    enough = (*few[:5], 0.3, *few[6:])
    alone, beside, both = (
        judged(frame(rows), profile(), {}) for rows in ([exercise], [exercise, few], [enough])
    )
    assert alone.equals(beside)
    assert alone.select("part", "level", "common").rows() == [("exercise:response", "logic", True)]
    found = judged(frame([exercise, enough]), profile(), {})
    assert found.filter(detector="words").equals(both)
    assert found["common"].to_list() == [False, False]
    assert found["score"].n_unique() == 1
    weak = judged(frame([(*exercise[:5], 0.5, *exercise[6:])]), profile(), {})
    assert weak.is_empty()


@pytest.mark.parametrize("name", KNOWN)
def test_lower_thresholds_give_more_and_change_nothing_else(name):
    """What reaches a detector's own threshold is the same evidence wherever its index begins to report."""
    items = ITEMS[:60]
    rows = pl.DataFrame(
        {
            "id": [item.task_id for item in items],
            "instruction": [item.prompt.replace("list", "row") for item in items],
            "response": [f"{item.solution.replace('i', 'k')}\n{item.tests[0][:400]}" for item in items],
        }
    )
    low = profile()._replace(alone={name: 0.5})
    whole = evidence_of(rows, build_indexes(items, [name], profile()._replace(agree=1.0)))
    more = evidence_of(rows, build_indexes(items, [name], low))
    kept = more.filter(pl.col("value") >= pl.col("threshold"))
    assert lowered(name, 0.5)
    assert set(kept.drop("threshold").rows()) == set(whole.drop("threshold").rows())


def test_lowered_settings():
    """Only thresholds are lowered; a share of one changes none."""
    assert lowered("words", 0.5) == {"threshold": settings("words")["threshold"] / 2}
    assert lowered("code", 1.0) == {}
    assert lowered("minhash", 0.9) == {"threshold": 0.36}  # in floats 0.9 * 0.4 is more, so 9 of 25 were lost
    assert all(hasattr(detector(name), "index") for name in names())


@pytest.mark.skipif(not DEV.exists(), reason=f"no labelled rows at {DEV}")
def test_the_profiles_are_what_the_script_makes():
    """The file in the repository is what fitting gives, and `certain` takes no clean row."""
    script = runpy.run_path(str(ROOT / "bench/fit_overlap.py"))
    rows = script["read"](script["labelled"](DEV), ITEMS)
    everything = script["np"].ones(rows.table.height, bool)
    assert script["FILE"].read_text(encoding="utf-8") == script["text"](script["fitted"](rows, everything))
    assert not rows.found(profile("certain"))[rows.clean].any()
    assert rows.found(profile())[rows.clean].mean() <= 0.005


@pytest.mark.parametrize("script", ["fit_overlap.py", "decontam_quality.py"])
def test_the_scripts_do_without_the_rows(script, tmp_path):
    """Without the labelled rows the scripts say so and succeed."""
    for name in ("fit_overlap.py", "decontam_quality.py", "benchmark_rows.py"):
        folder = tmp_path / "repository/bench"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes((ROOT / "bench" / name).read_bytes())
    done = subprocess.run(
        [sys.executable, folder / script],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
    )
    assert "no labelled rows" in done.stdout

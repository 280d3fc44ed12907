"""Names and values that a library takes for something else: they pass, or one line says why."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import polars as pl
import pytest
from cli import ROOT, datagen

from datagen.errors import DatagenError, UsageError
from datagen.journal.store import default_path
from datagen.runs import recipe

DIGITS = "9" * 6000
ROWS = [
    {
        "instruction": "Add two numbers.",
        "response": "```python\ndef f(a, b):\n    return a + b\n```",
        "x1": "v",
    },
    {"instruction": "Mend the loop.", "response": "I'm sorry, but I can't help with that.", "x1": "w"},
]


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    """An empty working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["*", "^x.*$", "^(", "^(?P<n>x)$", "^instruction$", "", " ", "index", "len"])
@pytest.mark.parametrize("suffix", ["jsonl", "parquet"])
def test_a_column_named_like_a_pattern_passes_through(name, suffix, folder):
    """Polars takes `*` and `^...$` for patterns wherever a name may be one."""
    rows = [{**row, name: f"own {number}"} for number, row in enumerate(ROWS)]
    if suffix == "jsonl":
        (folder / "in.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    else:
        pl.DataFrame(rows).write_parquet(folder / "in.parquet")
    assert datagen("filter", f"in.{suffix}", "-o", "filtered").code == 0
    assert datagen("decontam", "filtered", "-o", "clean").code == 0
    kept, dropped = datagen("cat", "clean").out, datagen("cat", "filtered", "--dropped").out
    found = [json.loads(line) for line in (kept + dropped).splitlines()]
    assert [(row["x1"], row[name]) for row in found] == [("v", "own 0"), ("w", "own 1")]


@pytest.mark.parametrize("given", ["0", "99999", "abc", "-1", "", "1.5", DIGITS])
def test_threads_that_polars_would_not_survive(given, folder):
    """It panics at 0, and hangs at tens of thousands."""
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "POLARS_MAX_THREADS": given}
    command = [sys.executable, "-m", "datagen", "list"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("Error: the variable POLARS_MAX_THREADS")
    assert ended.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "content",
    [
        f"seeds: starter\nseed: {DIGITS}\nstages: [filter]\n",
        f"seeds: starter\nseed: 0x{'f' * 6000}\nstages: [filter]\n",
        f"seeds: starter\nstages:\n - evolve: {{teacher: reference, rounds: 0x{'f' * 6000}}}\n",
        f"seeds: starter\nstages:\n - evolve: {{teacher: [[0x{'f' * 6000}]]}}\n",
    ],
)
def test_numbers_of_thousands_of_digits_in_a_recipe(content, folder):
    """Python refuses to turn them into text or back."""
    (folder / "recipe.yaml").write_text(content)
    with pytest.raises(UsageError, match="more than 1000 bits, line"):
        recipe.load("recipe.yaml")


def test_a_stage_of_thousands_of_digits():
    """It is no stage's number."""
    with pytest.raises(UsageError, match="has no stage"):
        recipe.load("demo", DIGITS)


@pytest.mark.parametrize("variable", ["DATAGEN_CACHE_DIR", "XDG_CACHE_HOME", "HOME"])
def test_a_cache_folder_that_is_not_utf_8(variable, monkeypatch):
    """SQLite takes no such name; the journal is not damaged."""
    for name in ("DATAGEN_CACHE_DIR", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "/tmp/\udcff")
    with pytest.raises(DatagenError, match="not UTF-8; name another in DATAGEN_CACHE_DIR"):
        default_path()


@pytest.mark.parametrize(
    ("number", "dtype"),
    [
        (10**8, pl.Date()),
        (-(10**7), pl.Date()),
        (2**62, pl.Datetime("us")),
        (-(2**62), pl.Datetime("ms")),
        (2**61, pl.Datetime("us", "UTC")),
        (2**62, pl.Duration("ms")),
    ],
)
@pytest.mark.parametrize("nested", [False, True])
def test_times_beyond_the_years_of_python(number, dtype, nested, folder):
    """Polars panics where it should make them Python's, so such a column becomes numbers."""
    physical = pl.Int32 if dtype == pl.Date else pl.Int64
    column = pl.Series("when", [None, number, 0, 0], physical).cast(dtype)
    frame = pl.DataFrame({"instruction": ["a", "b", "c", "d"]}).hstack([column])
    (frame.select("instruction", pl.struct("when").alias("s")) if nested else frame).write_parquet(
        "in.parquet"
    )
    done = datagen("cat", "in.parquet")
    rows = [json.loads(line) for line in done.out.splitlines()]
    shown = [row["s"]["when"] if nested else row["when"] for row in rows]
    assert shown == [None, number, 0, 0]


def test_times_of_python_pass_through(folder):
    """Its first and last days too."""
    days = pl.Series("day", [-719162, 2932896], pl.Int32).cast(pl.Date)
    moments = pl.Series("moment", [-62135510400, 253402214400], pl.Int64) * 1000
    frame = pl.DataFrame({"instruction": ["a", "b"]}).hstack([days, moments.cast(pl.Datetime("ms", "UTC"))])
    frame.write_parquet("in.parquet")
    ended = datagen("cat", "in.parquet")
    assert [json.loads(line)["day"] for line in ended.out.splitlines()] == ["0001-01-01", "9999-12-31"]

"""Use the installed wheel as a user would, away from the source tree, with the base install alone."""

import importlib.metadata
import importlib.util
import json
import subprocess
import sys
from pathlib import Path


def datagen(*arguments: str, expect: int = 0) -> str:
    """Run the console script; returns its stdout."""
    done = subprocess.run(["datagen", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == expect, (arguments, done.returncode, done.stderr)
    assert "Traceback" not in done.stderr, done.stderr
    return done.stdout


def main() -> None:
    """Check where it came from, what it carries, and that its stages run."""
    source = Path(sys.argv[1]).resolve()
    for package in ("datagen", "rules", "decontam", "train"):
        origin = Path(importlib.util.find_spec(package).origin).resolve()
        assert source not in origin.parents, f"{package} was imported from the source tree: {origin}"
        assert (origin.parent / "py.typed").exists(), f"{package} has no py.typed"
    assert importlib.util.find_spec("torch") is None, "the base install should be light"
    assert importlib.metadata.version("datagen") in datagen("--version")
    datagen("sample", "starter", "-o", "pairs", "--teacher", "reference")
    datagen("filter", "pairs", "-o", "filtered")
    done = json.loads(datagen("decontam", "filtered", "-o", "clean", "--json"))
    assert done["overlaps"] == {"humaneval": 0}, done
    assert done["rows_out"] >= 200, done
    assert len(datagen("cat", "clean", "--as", "messages").splitlines()) == done["rows_out"]
    missing = ("evolve", "starter", "-o", "evolved", "--teacher", "local:smollm2", "--limit", "1")
    done_without = subprocess.run(["datagen", *missing], capture_output=True, text=True, check=False)
    assert done_without.returncode == 1, done_without
    assert "pip install" in done_without.stderr, done_without.stderr
    print(f"wheel: {done['rows_out']} rows through sample, filter, decontam, cat")


main()

"""`verify`: what is not as the manifest says is named, one line each; nothing else is."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from pathlib import Path

import polars as pl
import pytest
from cli import datagen
from tampering import DROPPED, SECOND, SHARD, lines, manifest


def rewritten(name: str, frame: pl.DataFrame, *, hashed: bool) -> None:
    """Write a shard anew, and its hash too for one who knows how."""
    file = Path("D", name)
    frame.write_parquet(file)
    if hashed:
        files = json.loads(Path("D/manifest.json").read_text())["files"]
        manifest("D", files=files | {name: hashlib.sha256(file.read_bytes()).hexdigest()})


def edited(frame: pl.DataFrame) -> pl.DataFrame:
    return frame.with_columns(pl.lit("print(1)").alias("response"))


@pytest.mark.parametrize("where", ["D", "R"])
def test_ok(where):
    """A data set that nobody touched is ok, told in one line."""
    done = datagen("verify", where)
    assert (done.code, done.err) == (0, "")
    assert done.out.startswith(f"ok: {where}: ")
    assert len(done.out.splitlines()) == 1


def test_json():
    """--json tells the same, with all that differs."""
    told = datagen("verify", "R", "--json").json()
    assert told["ok"]
    assert (told["stages"], told["rows_in"], told["rows_out"]) == (2, 11, 9)
    assert told["digest"] == json.loads(Path("R/manifest.json").read_text())["digest"]
    Path("R/README.md").unlink()
    done = datagen("verify", "R", "--json")
    assert done.code == 1
    (one,) = done.json()["differences"]
    assert (one["what"], one["found"]) == ("README.md", "none")


def test_expected_digest():
    """--expect compares with a digest that is known from elsewhere."""
    digest = json.loads(Path("D/manifest.json").read_text())["digest"]
    assert datagen("verify", "D", "--expect", digest.upper()).code == 0
    (line,) = lines("D", "--expect", "0" * 64)
    assert line == f"content digest: expected {'0' * 64} (--expect), found {digest}"
    assert "12 is no sha256" in datagen("verify", "D", "--expect", "12").error(2)


def swap_shards():
    one, two = Path("D", SHARD), Path("D", SECOND)
    raw = one.read_bytes()
    one.write_bytes(two.read_bytes())
    two.write_bytes(raw)


def truncate():
    file = Path("D", SHARD)
    file.write_bytes(file.read_bytes()[:-100])


def link():
    Path("D", SHARD).unlink()
    Path("D", SHARD).symlink_to("nowhere")


def read(name: str) -> pl.DataFrame:
    return pl.read_parquet(Path("D", name))


def reasons(**changes):
    return manifest("D", dropped=json.loads(Path("D/manifest.json").read_text())["dropped"] | changes)


def files(**changes):
    known = json.loads(Path("D/manifest.json").read_text())["files"]
    return manifest("D", files={k: v for k, v in (known | changes).items() if v is not None})


def digest_in_card():
    card = Path("D/README.md")
    card.write_text(card.read_text().replace("Content digest: `", "Content digest: `00"))


#: How a data set is changed, and for each line that is told a part of it.
TAMPERINGS = {
    "an edited shard": (
        lambda: rewritten(SHARD, edited(read(SHARD)), hashed=False),
        [f"{SHARD}: expected sha"],
    ),
    "an edited shard and its hash": (
        lambda: rewritten(SHARD, edited(read(SHARD)), hashed=True),
        ["digest: expected "],
    ),
    "edited drops and their hash": (
        lambda: rewritten(DROPPED, edited(read(DROPPED)), hashed=True),
        ["dropped_digest: expected "],
    ),
    "a row less and its hash": (
        lambda: rewritten(SHARD, read(SHARD).head(2), hashed=True),
        ["digest: expected", "rows_out: expected 9 rows in data/ (manifest.json), found 8"],
    ),
    "a row less": (
        lambda: rewritten(SHARD, read(SHARD).head(2), hashed=False),
        [f"{SHARD}: expected sha256", "rows_out: expected 9 rows in data/ (manifest.json), found 8"],
    ),
    "another reason and its hash": (
        lambda: rewritten(DROPPED, read(DROPPED).with_columns(reason=pl.lit("refusal")), hashed=True),
        ["dropped_digest", "dropped.empty-response: expected 1 rows", "dropped.refusal: expected 1 rows"],
    ),
    "no reason and its hash": (
        lambda: rewritten(DROPPED, read(DROPPED).drop("reason"), hashed=True),
        [
            *(
                "dropped_digest",
                "dropped.empty-response: expected 1 rows",
                "dropped.refusal: expected 1 rows",
            ),
            "dropped/: expected a reason in each row, found 2 rows without one",
        ],
    ),
    "a column more and its hash": (
        lambda: rewritten(SECOND, read(SECOND).with_columns(x=pl.lit(1)), hashed=True),
        [f"{SECOND}, column x: expected none as in {SHARD}, found Int32"],
    ),
    "another type and its hash": (
        lambda: rewritten(SECOND, read(SECOND).with_columns(license=pl.lit(1)), hashed=True),
        [
            f"{SECOND}, column license: expected String as in {SHARD}, found Int32",
            "column license holds Int32",
        ],
    ),
    "NaN and its hash": (
        lambda: rewritten(SHARD, read(SHARD).with_columns(x=pl.lit(float("nan"))), hashed=True),
        ["rows that JSON can hold", "column x: expected Float64", "column x: expected Float64"],
    ),
    "two shards swapped": (swap_shards, [f"{SHARD}: expected sha256", f"{SECOND}: expected sha256"]),
    "a truncated shard": (truncate, [f"{SHARD}: expected a Parquet file of sha256 "]),
    "an empty shard": (lambda: Path("D", SHARD).write_bytes(b""), [f"{SHARD}: expected a Parquet file"]),
    "no shard": (
        Path("D", SHARD).unlink,
        [f"{SHARD}: expected a file, which manifest.json names, found none"],
    ),
    "a link to nothing": (
        link,
        [
            f"{SHARD}: expected a file",
        ],
    ),
    "no drops": (lambda: shutil.rmtree("D/dropped"), [f"{DROPPED}: expected a file"]),
    "a shard more": (
        lambda: shutil.copy(Path("D", SHARD), "D/data/train-00003-of-00004.parquet"),
        ["data/train-00003-of-00004.parquet: expected no such file, as manifest.json does not name"],
    ),
    "a file more": (lambda: Path("D/notes\n.txt").write_text("x"), [r"notes\n.txt: expected no such file"]),
    "a hidden file": (lambda: Path("D/data/.x").write_text("x"), ["data/.x: expected no such file"]),
    "a file of no name": (
        lambda: Path(os.fsdecode(b"D/\xff")).write_text("x"),
        ["expected no such file"],
    ),
    "no card": (Path("D/README.md").unlink, ["README.md: expected the data card, found none"]),
    "another digest in the card": (digest_in_card, ["README.md: expected content digest"]),
    "stages of no run": (
        lambda: Path("D/stages").mkdir(),
        ["stages: expected none, as manifest.json is no run"],
    ),
    "rows_in": (
        lambda: manifest("D", rows_in=12),
        ["rows_in: expected 11, the rows of inputs, found 12"],
    ),
    "rows_made": (lambda: manifest("D", rows_made=1), ["rows_in + rows_made: expected 11"]),
    "rows_in and rows_made": (
        lambda: manifest("D", rows_in=10, rows_made=1),
        ["rows_in: expected 11, the rows of inputs, found 10", "README.md: expected 1 rows made here"],
    ),
    "rows_out": (lambda: manifest("D", rows_out=10), ["rows_out: expected 10 rows in data/"]),
    "rows_out and rows_in": (
        lambda: manifest("D", rows_out=10, rows_in=12),
        ["rows_out: expected 10 rows in data/", "rows_in: expected 11"],
    ),
    "failed": (lambda: manifest("D", failed=5), ["failed: expected at most the 2 rows dropped, found 5"]),
    "a reason's count": (
        lambda: reasons(refusal=2),
        ["dropped.refusal: expected 2 rows in dropped/ (manifest"],
    ),
    "a reason more": (lambda: reasons(**{"a\nb": 1}), ["dropped.a b: expected 1 rows in dropped/"]),
    "another digest": (lambda: manifest("D", digest="0" * 64), ["digest: expected 0000"]),
    "another dropped_digest": (
        lambda: manifest("D", dropped_digest="x\ny"),
        ["dropped_digest: expected x y"],
    ),
    "another key": (lambda: manifest("D", key="abc"), ["key: expected"]),
    "other options": (lambda: manifest("D", options={}), ["key: expected"]),
    "odd notes": (lambda: manifest("D", notes="x"), ["notes: expected a list of texts"]),
    "another count in the card": (
        lambda: Path("D/README.md").write_text(Path("D/README.md").read_text().replace("| 11 |", "| 12 |")),
        ["README.md: expected 11 rows came in, found 12"],
    ),
    "another stage": (lambda: manifest("D", stage="decontam"), ["key: expected"]),
    "no inputs": (
        lambda: manifest("D", inputs=3),
        ["inputs: expected name, sha256 and rows of each, found 3"],
    ),
    "a file unnamed": (
        lambda: files(**{SECOND: None}),
        [
            "files in manifest.json: expected data/train-00000-of-00002.parquet",
            f"{SECOND}: expected no such file",
            "rows_out: expected 9 rows in data/ (manifest.json), found 6",
        ],
    ),
    "a file outside": (
        lambda: files(**{"data/../../x.parquet": "0"}),
        ["files in manifest.json: expected data/train-00000-of-00004"],
    ),
    "another hash": (lambda: files(**{SHARD: "0"}), [f"{SHARD}: expected sha256 0, found"]),
}


@pytest.mark.parametrize("kind", TAMPERINGS)
def test_tampering(kind):
    """Each change is told in lines that name the file or the count."""
    tamper, parts = TAMPERINGS[kind]
    tamper()
    found = lines("D")
    assert len(found) == len(parts), found
    for part in parts:
        assert any(part in line for line in found), (part, found)


#: What stands in manifest.json instead, and a part of the one line that is told.
BAD_MANIFESTS = {
    "nothing": ("", "cannot be read"),
    "no JSON": ("{", "cannot be read"),
    "no UTF-8": (b"\xff\xfe", "cannot be read"),
    "NaN": ('{"datagen": NaN}', "NaN is no JSON"),
    "deep nesting": ("[" * 100_000, "cannot be read"),
    "a list": ("[]", "is not a manifest of datagen"),
    "another format": ({"format": 9}, "has format 9"),
    "a text for a count": ({"rows_out": "9"}, 'rows_out should be a count, but is "9"'),
    "true for a count": ({"rows_out": True}, "rows_out should be a count, but is true"),
    "a negative count": ({"rows_in": -1}, "rows_in should be a count, but is -1"),
    "a huge count": ({"rows_in": 10**400}, "rows_in should be a count, but is 1000"),
    "a number for a text": ({"digest": 3}, "digest should be text, but is 3"),
    "texts for counts": ({"dropped": {"refusal": "1"}}, "dropped should be counts by reason"),
    "no files": ({"files": None}, "files should be hashes by file, but is null"),
    "lists for hashes": ({"files": {SHARD: []}}, "files should be hashes by file"),
    "no times": ({"times": 3}, "times should be times in seconds, but is 3"),
}


@pytest.mark.parametrize("kind", BAD_MANIFESTS)
def test_bad_manifest(kind):
    """A manifest that is none is told in one line."""
    content, part = BAD_MANIFESTS[kind]
    path = Path("D/manifest.json")
    if isinstance(content, dict):
        content = json.dumps(json.loads(path.read_text()) | content)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (line,) = lines("D")
    assert line.startswith("manifest.json: expected the manifest of a data set, found "), line
    assert part in line


def test_no_manifest():
    """A folder without a manifest is no data set; a file is none either."""
    Path("D/manifest.json").unlink()
    (line,) = lines("D")
    assert "D has no manifest.json, so it is no finished data set" in line
    Path("f.jsonl").write_text("{}")
    assert "f.jsonl is no dataset directory" in datagen("verify", "f.jsonl").error(1)
    assert "nowhere does not exist" in datagen("verify", "nowhere").error(2)

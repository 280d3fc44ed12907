"""`hf:` as an input: data sets of datagen's and of others, read from a loopback Hub by the real client."""

from __future__ import annotations

import gzip
import io
import json
import subprocess
import sys
from pathlib import Path

import hub
import polars as pl
import pytest
from cli import datagen


def test_read_back(run, server, tmp_path):
    """hf: reads a published data set by its digest, the manifest has the commit; a copy is ok."""
    assert run("publish", "pairs", "me/pairs").code == 0
    commit = server.repos["me/pairs"].head
    for more in ([], ["--dropped"]):
        assert run.rows("hf:me/pairs", *more) == run.rows("pairs", *more)
    out = str(tmp_path / "out")
    assert run("filter", f"hf:me/pairs@{commit}", "-o", out).code == 0
    (told,) = json.loads(Path(out, "manifest.json").read_text())["inputs"]
    assert (told["name"], told["revision"]) == (f"hf:me/pairs@{commit}", commit)
    assert told["sha256"] == json.loads(Path("pairs/manifest.json").read_text())["digest"]
    for name, raw in server.repos["me/pairs"].files.items():
        file = tmp_path / "copy" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(raw)
    assert datagen("verify", tmp_path / "copy").code == 0
    (tmp_path / "copy/views/alpaca/train-00000-of-00001.parquet").write_bytes(b"")
    assert (
        "views/alpaca/train-00000-of-00001.parquet: expected sha256"
        in datagen("verify", tmp_path / "copy").out
    )


@pytest.mark.parametrize("config", ["messages", "alpaca"])
def test_configs(config, run):
    """A config and a split may be named; the views hold the same questions and answers."""
    assert run("publish", "pairs", "me/pairs").code == 0
    kept, found = run.rows("pairs"), run.rows(f"hf:me/pairs:{config}/train")
    assert len(kept) == 8
    assert [(row["instruction"], row["response"]) for row in found] == [
        (row["instruction"], row["response"]) for row in kept
    ]


def test_repositories_of_others(run, server, tmp_path):
    """Files of any format; the card's configs and globs, or the names of the files tell which are read."""
    rows = b'{"instruction": "Sort these words, please.", "n": %d}\n'
    server.repos["o/named"] = named = hub.Repo()
    named.commit({f"data/train-{n:05d}-of-00002.jsonl": rows % n for n in range(2)})
    named.commit({"data/test.jsonl": rows % 7, "README.md": b"no front matter"})
    server.repos["o/card"] = card = hub.Repo()
    front = "configs:\n- config_name: a\n  data_files: {train: 'x/*.csv', dev: x/deep/d.csv}\n"
    front += "- config_name: b\n  data_dir: y\n"
    csv = b"instruction,n\nSort the words of a text.,%d\n"
    card.commit({f"x/{n}.csv": csv % n for n in range(2)} | {"x/deep/d.csv": csv % 5, "y/z/1.csv": csv % 6})
    card.commit({"README.md": f"---\n{front}---\n# A\n".encode()})

    def numbers(address: str, **environment: str) -> list[int]:
        return [int(row["n"]) for row in run.rows(address, **environment)]

    assert numbers("hf:o/named") == [0, 1]
    assert numbers("hf:o/named:test") == [7]
    assert numbers("hf:o/card:a/") == [0, 1]
    assert numbers("hf:o/card:a/dev") == [5]
    assert numbers("hf:o/card:b/") == [6]
    assert "config should be named" in run("cat", "hf:o/card").error(1)
    assert "no split valid" in run("cat", "hf:o/named:valid").error(1)
    # A branch that moved, and the Hub gone: the files of the commit that was read last.
    assert numbers("hf:o/named@main") == [0, 1]
    named.commit({"data/train-00000-of-00002.jsonl": rows % 9})
    assert numbers("hf:o/named@main", HF_HUB_OFFLINE="1") == [0, 1]
    assert numbers("hf:o/named@main") == [9, 1]
    assert "was not read before" in run("cat", "hf:o/card@x", HF_HUB_OFFLINE="1").error(1)


TASKS = [{"instruction": f"Sort the words of text {n}, please.", "n": n} for n in range(3)]
LINES = "".join(json.dumps(row) + "\n" for row in TASKS).encode()
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize 12345\n" % (b"a" * 64)


def card(front: str) -> dict[str, bytes]:
    return {"README.md": f"---\n{front}\n---\n# A\n".encode()}


def parquet() -> bytes:
    pl.DataFrame(TASKS).write_parquet(content := io.BytesIO())
    return content.getvalue()


CSV = b"instruction,n\n" + b"".join(b'"%s",%d\n' % (t["instruction"].encode(), t["n"]) for t in TASKS)
NONE = "holds no files of rows"
#: The files of a repository that can be read: its three tasks come out.
READ = {
    "JSONL": {"a.jsonl": LINES},
    "packed": {"a.jsonl.gz": gzip.compress(LINES)},
    "a list": {"a.json": json.dumps(TASKS).encode()},
    "CSV": {"a.csv": CSV},
    "Parquet": {"data/train-00000-of-00001.parquet": parquet()},
    "two formats": {"a.csv": b"x", "b.parquet": parquet()},
    "a split": {"train.jsonl": LINES, "test.jsonl": b"bad"},
    "an odd name": {"a b#c?d%20\u00e9.jsonl": LINES},
    "hidden files": {".x.jsonl": b"bad", ".cache/x.jsonl": b"bad", "a.jsonl": LINES},
    "a manifest of others": {"manifest.json": b'{"a": 1}', "a.jsonl": LINES},
    "names that lead out": {"../../x.jsonl": b"bad", "/etc/x.jsonl": b"bad", "b.jsonl": LINES},
    "brackets": {
        **{"x/t-0.jsonl": LINES, "x/t-a.jsonl": b"bad"},
        **card("configs:\n- data_files: 'x/t-[0-9].jsonl'"),
    },
    "hidden by a glob": {
        **{"x/.t.jsonl": b"bad", "x/t.jsonl": LINES},
        **card("configs:\n- data_files: '**'\n  data_dir: x"),
    },
    "no name": {"a.jsonl": LINES, **card("configs:\n- config_name:\n  data_files: a.jsonl")},
    "nested aliases": {"a.jsonl": LINES, **card("a: &a [1]\nb: &b [*a, *a]\nconfigs: *b")},
    "no YAML": {"a.jsonl": LINES, **card("a: [")},
}
#: The files of a repository that cannot be read, and a part of the one line that is told.
UNREAD = {
    "two configs": (
        card("configs:\n- config_name: a\n  data_files: x\n- config_name: 'b \"c'\n  data_files: y"),
        'config should be named, :CONFIG/ behind the name; allowed: a, b "c',
    ),
    "a script": ({"set.py": b"raise SystemExit"}, f"{NONE} (.parquet, .arrow"),
    "a script and a zip": ({"set.py": b"", "d.zip": b"PK"}, "; code such as set.py is never run; give"),
    "a zip in the card": ({"d.zip": b"PK\3\4", **card("configs: [{data_files: d.zip}]")}, "is a zip archive"),
    "a text in the card": ({"d.txt": b"x\ny", **card("configs: [{data_files: d.txt}]")}, "tells its format"),
    "files that are not there": ({"a.jsonl": LINES, **card("configs: [{data_files: z/*.csv}]")}, ": z/*.csv"),
    "a way out in the card": ({"a.jsonl": LINES, **card("configs: [{data_files: ../../x}]")}, ": ../../x"),
    "an address": ({"a.jsonl": LINES, **card("configs: [{data_files: 'https://x.y/a'}]")}, ": https://x.y/a"),
    "an odd glob": ({"a.jsonl": LINES, **card("configs: [{data_files: 'a[z-a]'}]")}, ": a[z-a]"),
    "a pointer for Parquet": ({"a.parquet": POINTER}, "a.parquet is a pointer of Git LFS"),
    "a pointer for JSON": ({"a.jsonl": POINTER}, "a.jsonl is a pointer of Git LFS"),
    "a pointer for CSV": ({"a.csv": POINTER}, "a.csv is a pointer of Git LFS"),
    "no file": ({}, NONE),
    "an empty file": ({"a.jsonl": b""}, "a.jsonl is empty"),
    "broken Parquet": ({"a.parquet": b"PAR1zz"}, "not a readable Parquet file"),
    "names that lead out": ({"../x.jsonl": LINES, "a/../../b.jsonl": LINES, "..\\x.jsonl": LINES}, NONE),
    "half a manifest": ({"manifest.json": b'{"datagen": "0.1"}', "a.jsonl": LINES}, "has format null"),
}


@pytest.mark.parametrize("kind", READ)
def test_what_is_read(kind, run, server):
    """JSON, CSV and Parquet, as the card or the names of the files say; nothing that is hidden or outside."""
    server.repos["o/x"] = repo = hub.Repo()
    repo.commit(READ[kind])
    assert [(row["instruction"], int(row["n"])) for row in run.rows("hf:o/x")] == [
        (row["instruction"], row["n"]) for row in TASKS
    ]


@pytest.mark.parametrize("kind", UNREAD)
def test_what_is_not_read(kind, run, server):
    """What cannot be read is told in one line."""
    server.repos["o/x"] = repo = hub.Repo()
    repo.commit(UNREAD[kind][0])
    assert UNREAD[kind][1] in run("cat", "hf:o/x").error(1)


def said(status: int, code: str = "", message: str = "no") -> tuple[int, None, dict[str, str]]:
    return status, None, {"X-Error-Message": message, **({"X-Error-Code": code} if code else {})}


INFO, FILE = "GET /api/datasets/o/x", "HEAD /datasets/o/x/resolve"
GATED = "o/x is gated; ask for access at http://"
#: The fault by the request that meets it, and a part of the one line that is told.
READ_FAULTS = {
    "gated": ({INFO: said(403, "GatedRepo")}, GATED),
    "gated files": ({FILE: said(403, "GatedRepo")}, GATED),
    "no rights": ({FILE: said(403)}, "the token may not do this with o/x (403)"),
    "disabled": ({INFO: said(403, message="Access to this resource is disabled.")}, "has disabled o/x"),
    "a file that is not there": ({FILE: said(404, "EntryNotFound")}, "lacks a file that it lists for o/x"),
    "cut off": ({"GET /datasets/o/x": "reset"}, "cannot be reached for o/x"),
    "no Hub's answer": ({FILE: (200, b"x")}, "answers for o/x as no Hub does"),
    "no commit": ({INFO: (200, {"id": "o/x", "siblings": []})}, "names no commit for o/x"),
    "odd files": ({INFO: (200, {"id": "o/x", "sha": "a" * 40, "siblings": [{"rfilename": 3}]})}, NONE),
    "no token that is taken": ({INFO: said(401)}, "does not take the token for o/x (401)"),
    "too many": ({INFO: said(429)}, "takes no more requests for now (429)"),
}


@pytest.mark.parametrize("kind", READ_FAULTS)
def test_faults_of_reading(kind, run, server):
    """Whatever a Hub does instead of handing out files is one line."""
    server.repos["o/x"] = repo = hub.Repo()
    repo.commit({"a.jsonl": LINES})
    server.faults, part = READ_FAULTS[kind]
    assert part in run("cat", "hf:o/x").error(1)


def test_a_revision_that_moved(run, server, tmp_path):
    """Rows of another commit are another input: the stage is made again only with --overwrite."""
    server.repos["o/x"] = repo = hub.Repo()
    first = repo.commit({"a.jsonl": LINES})
    out = tmp_path / "out"

    def revision() -> str:
        (told,) = json.loads((out / "manifest.json").read_text())["inputs"]
        return told["revision"]

    assert run("filter", "hf:o/x", "-o", out).code == 0
    assert "already made" in run("filter", "hf:o/x", "-o", out).err
    second = repo.commit({"a.jsonl": LINES.replace(b"please", b"now")})
    assert "--overwrite" in run("filter", "hf:o/x", "-o", out).error(1)
    assert revision() == first
    assert "already made" in run("filter", f"hf:o/x@{first}", "-o", out).err
    assert run("filter", "hf:o/x", "-o", out, "--overwrite").code == 0
    assert revision() == second


@pytest.mark.parametrize(
    ("address", "code", "part"),
    [
        ("hf:me", 2, "is no data set of the Hub"),
        ("hf:me/x@", 2, "is no data set of the Hub"),
        ("hf:me/../x", 2, "is no data set of the Hub"),
        ("hf:me/none", 1, "has no data set me/none"),
        ("hf:me/set@v9", 1, "has no revision v9"),
        ("hf:me/set:nope/", 1, "config nope is not there; allowed: default"),
        ("hf:me/set:test", 1, "split test is not there; allowed: train"),
    ],
)
def test_odd_addresses(address, code, part, run):
    """What is not there is said in one line."""
    assert run("publish", "tasks", "me/set").code == 0
    assert part in run("cat", address).error(code)


def test_hostile_repository(run, server):
    """Names of files that lead out of the repository are not fetched; a broken file is one line."""
    server.repos["o/evil"] = repo = hub.Repo()
    repo.commit(
        {"../../evil.jsonl": b'{"instruction": "evil"}\n', "/etc/x.jsonl": b"x", "a.parquet": b"PAR1"}
    )
    assert "not a readable Parquet file" in run("cat", "hf:o/evil").error(1)
    assert server.count("GET /datasets/o/evil/resolve") == 1


def test_missing_package():
    """Without huggingface_hub the line says how to install it."""
    program = (
        "import sys\nsys.modules['huggingface_hub'] = None\nfrom datagen.commands import console\n"
        "sys.exit(console.run(['cat', 'hf:me/x']))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith("Error: the Hub needs the package huggingface_hub; pip install ")
    assert len(done.stderr.splitlines()) == 1

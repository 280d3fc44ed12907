"""`publish` and `hf:` against a loopback Hub, by the real client, and read back by the library datasets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import hub
import pytest
from cli import Ended, datagen, spawn

WRONG = "hf_WrongTokenOfTests4711471147114711"
ROWS = [
    *(
        {
            "instruction": f"Write a Python function that adds {n} to each number of a list.",
            "response": f"```python\ndef add_{n}(numbers):\n    return [x + {n} for x in numbers]\n```",
            "license": "MIT" if n % 2 else "Apache-2.0",
        }
        for n in range(8)
    ),
    {"instruction": "Write a function that sorts words by length.", "response": "", "license": "MIT"},
]
#: Reads each config of a data set with the library datasets, and prints the rows as JSON.
READ = """
import json, sys, datasets
datasets.disable_progress_bars()
name = sys.argv[1]
configs = datasets.get_dataset_config_names(name)
print(json.dumps({c: datasets.load_dataset(name, c, split="train").to_list() for c in configs}))
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A data set with answers, one of tasks alone, and one without licences."""
    place = tmp_path_factory.mktemp("made")
    tasks = [{"instruction": row["instruction"], "license": "MIT"} for row in ROWS]
    for name, rows in {
        "pairs": ROWS,
        "tasks": tasks,
        "bare": [{"instruction": row["instruction"]} for row in ROWS],
    }.items():
        file = place / f"{name}.jsonl"
        file.write_text("".join(json.dumps(row) + "\n" for row in rows))
        assert datagen("filter", file, "-o", place / name).code == 0
    return place


@pytest.fixture
def server():
    with hub.serving() as running:
        yield running


@pytest.fixture
def run(server, made, tmp_path, monkeypatch):
    """Runs commands in processes of their own: the client reads the environment when it is imported."""
    monkeypatch.chdir(made)
    home = {"HF_HOME": str(tmp_path / "hf"), "HF_ENDPOINT": server.address, "HF_TOKEN": hub.TOKEN}

    def command(*words: str, **environment: str) -> Ended:
        cache = {"DATAGEN_CACHE_DIR": str(tmp_path / "cache")}
        done = spawn(*words, env={**home, **cache, **environment})
        for secret in (hub.TOKEN, hub.READER, WRONG):
            assert secret not in done.stdout + done.stderr
        return Ended(done.returncode, done.stdout, done.stderr)

    command.environment = home
    return command


def load(run, name: str) -> dict[str, list[dict]]:
    """The rows of each config, as the library datasets reads them."""
    environment = {**os.environ, **run.environment, "HF_HUB_DISABLE_XET": "1"}
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", READ, name],
        env=environment, capture_output=True, text=True, timeout=100, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return json.loads(done.stdout.splitlines()[-1])


def printed(*words: str) -> list[dict]:
    done = datagen("cat", *words)
    assert done.code == 0, done
    return [json.loads(line) for line in done.out.splitlines()]


def test_round_trip(run, server):
    """What is published, `load_dataset` reads config by config; it is one commit; again nothing is sent."""
    done = run("publish", "pairs", "me/pairs", "--json")
    assert done.code == 0, done
    told = done.json()
    assert told["configs"] == {"default": 8, "dropped": 1, "messages": 8, "alpaca": 8}
    assert told["license"] == ["apache-2.0", "mit"]
    assert len(told["uploaded"]) == len(told["files"]) == 6
    assert server.count("POST /api/datasets/me/pairs/commit/") == 1
    assert server.count("PUT /lfs/") == 4
    found = load(run, "me/pairs")
    assert found["default"] == printed("pairs")
    assert found["dropped"] == printed("pairs", "--dropped")
    assert found["messages"] == printed("pairs", "--as", "messages")
    assert found["alpaca"] == printed("pairs", "--as", "alpaca")

    again = run("publish", "pairs", "me/pairs")
    assert again.code == 0
    assert "already published: nothing has changed" in again.err
    assert server.count("POST /api/datasets/me/pairs/commit/") == 1


def test_another_version(run, server):
    """A newer version is a commit on top: files that it lacks go, files of others stay."""
    assert run("publish", "pairs", "me/set").code == 0
    repo = server.repos["me/set"]
    repo.commit({"LICENSE": b"by hand"})
    told = run("publish", "tasks", "me/set", "--json").json()
    assert told["configs"] == {"default": 9}  # `datasets` reads no split without rows
    assert set(told["deleted"]) == {f"views/{n}/train-00000-of-00001.parquet" for n in ("alpaca", "messages")}
    assert repo.files["LICENSE"] == b"by hand"
    assert [len(rows) for rows in load(run, "me/set").values()] == [9]


def test_dry_run_asks_nobody(run, server):
    """--dry-run says what would be sent, without a token and without a request."""
    done = run("publish", "pairs", "me/pairs", "--dry-run", "--private", HF_TOKEN="", HF_HUB_OFFLINE="1")
    assert (done.code, done.err, server.asked) == (0, "", [])
    assert done.out.startswith("me/pairs would be private, with licence apache-2.0, mit\n")
    for part in ("config messages: 8 rows", "  data/train-00000-of-00001.parquet (", "6 files, "):
        assert part in done.out
    told = run("publish", "pairs", "me/pairs", "--dry-run", "--json").json()
    assert told["dry_run"]
    assert sum(one["bytes"] for one in told["files"]) > 5000


def test_unknown_licence(run, server):
    """Rows without a licence are published only under one that the user names."""
    line = run("publish", "bare", "me/bare").error(1)
    assert "the licence of 9 of 9 rows of bare is unknown (such as" in line
    assert "--license" in line
    assert server.asked == []
    assert run("publish", "bare", "me/bare", "--license", "cc-by-4.0").code == 0
    card = server.repos["me/bare"].files["README.md"].decode()
    assert card.startswith("---\nlicense: cc-by-4.0\n")
    assert "| cc-by-4.0 | 9 |" in card
    assert "is no identifier" in run("publish", "bare", "me/bare", "--license", "a b").error(2)


def test_private(run, server):
    """--private makes a private repository, and never publishes into a public one."""
    assert run("publish", "pairs", "me/mine", "--private").code == 0
    assert server.repos["me/mine"].private
    assert run("publish", "tasks", "me/mine").code == 0
    assert run("publish", "pairs", "me/open").code == 0
    assert not server.repos["me/open"].private
    before = server.repos["me/open"].head
    assert "me/open is public" in run("publish", "tasks", "me/open", "--private").error(1)
    assert server.repos["me/open"].head == before


def test_repository_of_others(run, server):
    """A repository that holds something else stays as it is, unless --overwrite is given."""
    server.repos["me/other"] = repo = hub.Repo()
    repo.commit({"train.csv": b"a,b\n1,2\n", "manifest.json": b"[1]"})
    before = repo.head
    line = run("publish", "pairs", "me/other").error(1)
    assert "me/other exists and holds manifest.json, but no data set of datagen's" in line
    assert repo.head == before
    assert run("publish", "pairs", "me/other", "--overwrite").code == 0
    assert "train.csv" not in repo.files
    assert len(load(run, "me/other")["default"]) == 8


def test_damaged_data_set(run, server, tmp_path):
    """A data set that is not as its manifest says is not published."""
    where = tmp_path / "damaged"
    subprocess.run(["cp", "-r", "pairs", where], check=True)
    (where / "data/train-00000-of-00001.parquet").write_bytes(b"PAR1")
    line = run("publish", str(where), "me/x").error(1)
    assert "is not as its manifest says: data/train-00000-of-00001.parquet" in line
    assert server.asked == []


@pytest.mark.parametrize("name", ["x", "a/b/c", "a b/c", "a/b--c", "../b", "", "a/b.git", "a/" + "b" * 99])
def test_odd_names(name, made):
    """A name that no repository can have is a mistake in the command line."""
    assert "is no name of a data set on the Hub" in datagen("publish", made / "pairs", name).error(2)


def changed(repo: str):
    """Somebody commits between our look and our commit."""

    def fault(handler: hub.Handler) -> None:
        handler.server.repos[repo].commit({"other": repr(time.monotonic()).encode()})

    return fault


COMMIT = "POST /api/datasets/me/set/commit/"
#: The fault by the request that meets it, and a part of the one line that is told.
FAULTS = {
    "a fault of the server": ({"GET /api/datasets": (500, {"error": "oops"})}, "failed with status 500"),
    "no JSON": ({"GET /api/datasets": (200, b"<html>hello</html>")}, "answers for me/set as no Hub does"),
    "a list": ({"GET /api/datasets": (200, [1, 2])}, "answers for me/set as no Hub does"),
    "cut off": ({"GET /api/datasets": "reset"}, "cannot be reached for me/set"),
    "too many": ({"POST /api/repos": (429, {"error": "slow down"})}, "takes no more requests for now (429)"),
    "exists after all": ({"POST /api/repos": (409, {"error": "You already created it"})}, "in conflict"),
    "no rights to create": (
        {"POST /api/repos": (403, {"error": "no"})},
        "the token may not do this with me/set",
    ),
    "no rights to commit": ({COMMIT: (403, {"error": "no"})}, "the token may not do this with me/set (403)"),
    "changed meanwhile": ({COMMIT: changed("me/set")}, "was changed by somebody else meanwhile (412)"),
    "refused": ({COMMIT: (400, {"error": "bad\nrow"})}, "refuses the request for me/set: bad row"),
    "a commit without an answer": ({COMMIT: (200, b"")}, "answers for me/set as no Hub does"),
    "odd modes": (
        {"POST /api/datasets/me/set/preupload": (200, {"files": [{"path": 1}]})},
        "answers for me/set as no Hub does",
    ),
    "a card refused": ({"POST /api/validate-yaml": (200, {"errors": [{"message": "bad card"}]})}, "bad card"),
    "the token in the answer": (
        {"POST /api/repos": (400, {"error": f"you sent {hub.TOKEN}"})},
        "you sent ***",
    ),
}


@pytest.mark.parametrize("kind", FAULTS)
def test_faults(kind, run, server):
    """Whatever a Hub does instead of its work is one line, and nothing of the data set is there."""
    server.faults, part = FAULTS[kind]
    line = run("publish", "pairs", "me/set").error(1)
    assert part in line
    if "me/set" in server.repos:
        assert {*server.repos["me/set"].files} <= {".gitattributes", "other"}
        assert "(the new repository me/set is empty; the same command fills it)" in line
    server.faults = {}
    if "changed" not in kind:
        assert run("publish", "pairs", "me/set").code == 0


def test_interrupted_upload(run, server):
    """An upload that breaks leaves the repository as it was; the same command does the rest."""
    assert run("publish", "tasks", "me/set").code == 0
    before = server.repos["me/set"].head
    server.faults = {"PUT /lfs/": (400, b"broken")}
    assert "refuses the request for me/set" in run("publish", "pairs", "me/set").error(1)
    assert server.repos["me/set"].head == before
    server.faults = {}
    assert run("publish", "pairs", "me/set").code == 0


@pytest.mark.parametrize(
    ("environment", "part"),
    [
        ({"HF_TOKEN": ""}, "publishing needs a token with write access to me/set"),
        ({"HF_TOKEN": hub.READER}, "the token may not do this with me/set (403)"),
        ({"HF_TOKEN": WRONG}, "does not take the token for me/set (401)"),
        ({"HF_HUB_OFFLINE": "1"}, "HF_HUB_OFFLINE is set, so nothing can be published"),
        ({"HF_ENDPOINT": "http://127.0.0.1:9"}, "http://127.0.0.1:9 cannot be reached for me/set"),
        ({"HF_ENDPOINT": "nonsense"}, "HF_ENDPOINT is no address"),
        ({"HF_ENDPOINT": "http://u:secretpass@127.0.0.1:9"}, "http://127.0.0.1:9 cannot be reached"),
    ],
)
def test_tokens_and_addresses(environment, part, run, server):
    """No token, one without rights, a wrong one, and a Hub that is not there are one line each."""
    line = run("publish", "pairs", "me/set", **environment).error(1)
    assert part in line
    assert "secretpass" not in line
    assert server.repos == {}


def test_read_back(run, server, tmp_path):
    """hf: reads a published data set by its digest, the manifest has the commit; a copy is ok."""
    assert run("publish", "pairs", "me/pairs").code == 0
    commit = server.repos["me/pairs"].head
    kept = [json.loads(line) for line in run("cat", "hf:me/pairs").out.splitlines()]
    assert kept == printed("pairs")
    dropped = [json.loads(line) for line in run("cat", "hf:me/pairs", "--dropped").out.splitlines()]
    assert dropped == printed("pairs", "--dropped")
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
    rows = [json.loads(line) for line in run("cat", f"hf:me/pairs:{config}/train").out.splitlines()]
    both = [(row["instruction"], row["response"]) for row in rows]
    assert both == [(row["instruction"], row["response"]) for row in ROWS[:8]]


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
        done = run("cat", address, **environment)
        assert done.code == 0, done
        return [int(json.loads(line)["n"]) for line in done.out.splitlines()]

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

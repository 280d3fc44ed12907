"""`publish` against a loopback Hub, by the real client, and read back by the library datasets."""

from __future__ import annotations

import subprocess
import time

import hub
import pytest
from cli import datagen

from datagen.hub import patience


@pytest.mark.slow
def test_round_trip(run, server):
    """What is published, `load_dataset` reads config by config; it is one commit; again nothing is sent."""
    done = run.alone("publish", "pairs", "me/pairs", "--json")
    assert done.code == 0, done
    told = done.json()
    assert told["configs"] == {"default": 8, "dropped": 1, "messages": 8, "alpaca": 8}
    assert told["license"] == ["apache-2.0", "mit"]
    assert len(told["uploaded"]) == len(told["files"]) == 6
    assert server.count("POST /api/datasets/me/pairs/commit/") == 1
    assert server.count("PUT /lfs/") == 4
    found = run.load("me/pairs")
    assert found["default"] == run.rows("pairs")
    assert found["dropped"] == run.rows("pairs", "--dropped")
    assert found["messages"] == run.rows("pairs", "--as", "messages")
    assert found["alpaca"] == run.rows("pairs", "--as", "alpaca")

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
    assert [len(rows) for rows in run.load("me/set").values()] == [9]


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
    assert len(run.rows("hf:me/other")) == 8


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
    "a card refused": (
        {"POST /api/validate-yaml": (400, {"errors": [{"message": "bad card"}]})},
        "refuses the request for me/set: Invalid metadata in README.md. - bad card",
    ),
    "no rights to upload": ({"PUT /lfs/": (403, b"no")}, "the token may not do this with me/set (403)"),
    "an upload refused": ({"PUT /lfs/": (400, b"broken")}, "refuses the request for me/set"),
    "too large": (
        {"POST /datasets/me/set.git": (413, {"error": "no"})},
        "no file as large as one for me/set",
    ),
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


def test_patience(run, server, monkeypatch):
    """A Hub whose client has to ask again is told of while it waits; what comes of it is told in any case."""
    monkeypatch.setattr(patience, "FIRST_SECONDS", 0.02)
    monkeypatch.setattr(patience, "NEXT_SECONDS", 0.2)
    left = [1]
    server.faults = {"POST /datasets/me/set.git": lambda _: (503, b"busy") if left and left.pop() else None}
    done = run("publish", "pairs", "me/set")
    assert done.code == 0
    told = f"still waiting for {server.address} about me/set: it answers with status 503, and is asked again"
    assert told in done.err.splitlines()
    assert "published: 6 files uploaded" in done.err


@pytest.mark.parametrize(
    ("environment", "part"),
    [
        ({"HF_TOKEN": ""}, "publishing needs a token with write access to me/set"),
        ({"HF_TOKEN": hub.READER}, "the token may not do this with me/set (403)"),
        ({"HF_TOKEN": hub.WRONG}, "does not take the token for me/set (401)"),
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

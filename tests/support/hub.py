"""A loopback Hub: the part of the Hub's protocol that publishing and reading need, with faults.

Repositories are lists of commits; a commit holds files by name. `faults` maps the beginning of "METHOD /path"
to what is done instead: a status with a body and headers, "reset", or a callable that says which.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, unquote, urlsplit

import faults as wire

TOKEN = "hf_LoopbackTokenOfTests0123456789"
READER = "hf_LoopbackReaderOfTests987654321"
WRONG = "hf_WrongTokenOfTests4711471147114711"
LFS_BYTES = 1000


class Repo:
    """One data set's repository."""

    def __init__(self, private=False):
        self.private = private
        self.commits = []
        self.commit({".gitattributes": b"*.parquet filter=lfs\n"})

    def commit(self, files, deleted=()):
        now = {**(self.commits[-1][1] if self.commits else {}), **files}
        now = {name: raw for name, raw in now.items() if name not in deleted}
        sha = hashlib.sha1(repr((len(self.commits), sorted(now.items()))).encode()).hexdigest()
        self.commits.append((sha, now))
        return sha

    @property
    def head(self):
        return self.commits[-1][0]

    @property
    def files(self):
        return self.commits[-1][1]

    def at(self, revision):
        """The files at a revision and its commit; None if there is none."""
        if revision in ("main", "HEAD", "refs/heads/main"):
            return self.commits[-1]
        return next((one for one in self.commits if one[0] == revision), None)


class Hub(ThreadingHTTPServer):
    """What the Hub holds, and what it was asked."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.repos = {}
        self.large = {}
        self.asked = []
        self.faults = {}
        self.lock = threading.Lock()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}"

    def count(self, start):
        return sum(one.startswith(start) for one in self.asked)

    def handle_error(self, *_):
        """A client that has gone is no error."""


def is_large(name, size):
    return name.endswith(".parquet") and size >= LFS_BYTES


def blob(raw):
    return hashlib.sha1(b"blob %d\0" % len(raw) + raw).hexdigest()


def sha256(raw):
    return hashlib.sha256(raw).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        """Say nothing."""

    def do_GET(self):
        self._answer()

    do_HEAD = do_POST = do_PUT = do_GET

    def _answer(self):
        length = int(self.headers["content-length"] or 0)
        raw = self.rfile.read(length)
        url = urlsplit(self.path)
        self.query = parse_qs(url.query)
        path = unquote(url.path)
        asked = f"{self.command} {path}"
        with self.server.lock:
            self.server.asked.append(asked)
            fault = next((one for start, one in self.server.faults.items() if asked.startswith(start)), None)
            if callable(fault):
                fault = fault(self)
            if fault == "reset":
                wire.reset(self.connection)
                self.close_connection = True
            elif fault is not None:
                self._send(*fault)
            else:
                self._routed(path, raw)

    def _routed(self, path, raw):
        for method, pattern, name in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and self.command in method.split():
                getattr(self, name)(raw, *found.groups())
                return
        self._send(404, {"error": f"no route {path}"})

    def _send(self, status, body=None, headers=None):
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        if "content-length" not in {name.lower() for name in headers or {}}:
            self.send_header("content-length", str(len(raw)))
        self.end_headers()
        if self.command != "HEAD":
            with contextlib.suppress(OSError):
                self.wfile.write(raw)

    def _token(self):
        return (self.headers["authorization"] or "").removeprefix("Bearer ")

    def _may_write(self):
        if self._token() == TOKEN:
            return True
        if self._token() == READER:
            self._send(403, {"error": "Your token has no write rights."})
        else:
            message = "Invalid credentials in Authorization header"
            self._send(401, {"error": message}, {"X-Error-Message": message})
        return False

    def _repo(self, name):
        repo = self.server.repos.get(name)
        if repo is None or (repo.private and self._token() not in (TOKEN, READER)):
            self._send(404, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})
            return None
        return repo

    def _at(self, name, revision):
        repo = self._repo(name)
        if repo is None:
            return None, None, None
        found = repo.at(revision)
        if found is None:
            self._send(404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"})
            return None, None, None
        return repo, *found

    def whoami(self, raw):
        self._send(200, {"type": "user", "name": "me", "orgs": [], "auth": {}})

    def create(self, raw):
        if not self._may_write():
            return
        wanted = json.loads(raw)
        name = f"{wanted['organization']}/{wanted['name']}"
        if name in self.server.repos:
            self._send(409, {"error": "You already created this dataset repo"})
            return
        self.server.repos[name] = Repo(wanted.get("visibility") == "private")
        self._send(200, {"url": f"{self.server.address}/datasets/{name}"})

    def yaml(self, raw):
        self._send(200, {"errors": [], "warnings": []})

    def preupload(self, raw, name, revision):
        repo = self._repo(name) if self._may_write() else None
        if repo is None:
            return
        files = []
        for one in json.loads(raw)["files"]:
            large = is_large(one["path"], one["size"])
            there = repo.files.get(one["path"])
            oid = None
            if there is not None:
                oid = sha256(there) if is_large(one["path"], len(there)) else blob(there)
            mode = "lfs" if large else "regular"
            files.append({"path": one["path"], "uploadMode": mode, "shouldIgnore": False, "oid": oid})
        self._send(200, {"files": files})

    def batch(self, raw, name):
        if not self._may_write():
            return
        objects = []
        for one in json.loads(raw)["objects"]:
            oid = one["oid"]
            actions = {
                "upload": {"href": f"{self.server.address}/lfs/{oid}"},
                "verify": {"href": f"{self.server.address}/lfs-verify"},
            }
            objects.append({**one, **({} if oid in self.server.large else {"actions": actions})})
        self._send(200, {"transfer": "basic", "objects": objects})

    def put(self, raw, oid):
        assert sha256(raw) == oid
        self.server.large[oid] = raw
        self._send(200)

    def verify(self, raw):
        wanted = json.loads(raw)
        fits = len(self.server.large.get(wanted["oid"], b"")) == wanted["size"]
        self._send(200 if fits else 404)

    def commit(self, raw, name, revision):
        repo = self._repo(name) if self._may_write() else None
        if repo is None:
            return
        files, deleted, parent = {}, set(), None
        for line in raw.splitlines():
            entry = json.loads(line)
            value = entry["value"]
            match entry["key"]:
                case "header":
                    parent = value.get("parentCommit")
                case "file":
                    files[value["path"]] = base64.b64decode(value["content"])
                case "lfsFile":
                    files[value["path"]] = self.server.large[value["oid"]]
                case "deletedFile":
                    deleted.add(value["path"])
        if parent and parent != repo.head:
            self._send(412, {"error": "A commit has happened since. Please refresh and try again."})
            return
        sha = repo.commit(files, deleted)
        url = f"{self.server.address}/datasets/{name}/commit/{sha}"
        self._send(200, {"commitUrl": url, "commitOid": sha})

    def info(self, raw, name, revision="main"):
        repo, sha, files = self._at(name, revision or "main")
        if repo is not None:
            siblings = [{"rfilename": one} for one in files]
            told = {"id": name, "sha": sha, "private": repo.private, "siblings": siblings, "tags": []}
            self._send(200, told | {"downloads": 0, "likes": 0})

    def refs(self, raw, name):
        repo = self._repo(name)
        if repo is not None:
            main = {"name": "main", "ref": "refs/heads/main", "targetCommit": repo.head}
            self._send(200, {"branches": [main], "tags": [], "converts": []})

    def tree(self, raw, name, revision, folder):
        repo, _, files = self._at(name, revision)
        if repo is None:
            return
        start = f"{folder.strip('/')}/" if folder else ""
        recursive = self.query.get("recursive", [""])[0].lower() in ("1", "true")
        entries = {}
        for one, content in files.items():
            if not one.startswith(start):
                continue
            parts = one.removeprefix(start).split("/")
            for depth in range(1, len(parts)) if recursive else range(1, min(2, len(parts))):
                inside = start + "/".join(parts[:depth])
                entries[inside] = {"type": "directory", "path": inside, "oid": "0" * 40, "size": 0}
            if recursive or len(parts) == 1:
                entries[one] = {"type": "file", "path": one, "size": len(content), "oid": blob(content)}
                if is_large(one, len(content)):
                    entries[one]["lfs"] = {"oid": sha256(content), "size": len(content), "pointerSize": 130}
                    entries[one]["oid"] = blob(b"pointer " + sha256(content).encode())
        if start and not entries:
            self._send(404, {"error": "no such folder"}, {"X-Error-Code": "EntryNotFound"})
            return
        self._send(200, [*entries.values()])

    def paths(self, raw, name, revision):
        repo, _, files = self._at(name, revision)
        if repo is None:
            return
        body = raw.decode()
        asked = json.loads(body)["paths"] if body.startswith("{") else parse_qs(body)["paths"]
        entries = [
            {"type": "file", "path": one, "size": len(files[one]), "oid": blob(files[one])}
            for one in asked
            if one in files
        ]
        self._send(200, entries)

    def resolve(self, raw, name, revision, path):
        repo, sha, files = self._at(name, revision)
        if repo is None:
            return
        content = files.get(path)
        if content is None:
            self._send(404, None, {"X-Error-Code": "EntryNotFound", "X-Repo-Commit": sha})
            return
        headers = {"X-Repo-Commit": sha, "ETag": f'"{blob(content)}"', "Accept-Ranges": "bytes"}
        if is_large(path, len(content)):
            headers |= {"X-Linked-Size": str(len(content)), "X-Linked-Etag": f'"{sha256(content)}"'}
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers["range"] or "")
        status = 200
        if asked:
            start, end = int(asked[1]), int(asked[2] or len(content) - 1)
            headers["Content-Range"] = f"bytes {start}-{min(end, len(content) - 1)}/{len(content)}"
            content, status = content[start : end + 1], 206
        self._send(status, content, headers | {"Content-Length": str(len(content))})


_NAME = r"([\w.-]+/[\w.-]+)"
ROUTES = (
    ("GET", r"/api/whoami-v2", "whoami"),
    ("POST", r"/api/repos/create", "create"),
    ("POST", r"/api/validate-yaml", "yaml"),
    ("POST", rf"/api/datasets/{_NAME}/preupload/(.+)", "preupload"),
    ("POST", rf"/datasets/{_NAME}\.git/info/lfs/objects/batch", "batch"),
    ("PUT", r"/lfs/(\w+)", "put"),
    ("POST", r"/lfs-verify", "verify"),
    ("POST", rf"/api/datasets/{_NAME}/commit/(.+)", "commit"),
    ("GET", rf"/api/datasets/{_NAME}/revision/(.+)", "info"),
    ("GET", rf"/api/datasets/{_NAME}/refs", "refs"),
    ("GET", rf"/api/datasets/{_NAME}/tree/([^/]+)(/.*)?", "tree"),
    ("POST", rf"/api/datasets/{_NAME}/paths-info/(.+)", "paths"),
    ("GET", rf"/api/datasets/{_NAME}", "info"),
    ("GET HEAD", rf"/datasets/{_NAME}/resolve/([^/]+)/(.+)", "resolve"),
)


@contextlib.contextmanager
def serving():
    """A Hub that answers until the block ends."""
    with Hub() as hub:
        threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        try:
            yield hub
        finally:
            hub.shutdown()

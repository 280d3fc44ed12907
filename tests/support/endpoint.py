"""A stand-in for a model's server: OpenAI's protocol on the loopback interface, without a model.

    with Endpoint(fault="500", share=0.3) as endpoint:
        datagen("evolve", "starter", "-o", out, "--teacher", endpoint.teacher)
    with Endpoint(faults={"429-limits": 0.1, "reset": 0.1, "cut-body": 0.1}, times=2) as endpoint: ...
    with Endpoint(rpm=60, window=1.0, at_most_at_once=4) as endpoint: ...

Or as a process of its own: `python tests/support/endpoint.py --port 8000 --delay 0.1`.

What it says depends on the body of a request alone, so the order in which requests come does not matter.
An evolving prompt gets a plausible harder task; about one in eight gets what must be eliminated: the old
task again, a refusal, or the prompt's own words. Everything else gets a Python function in a fence.
The faults are listed in faults.py; batches are in batches.py.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import hashlib
import json
import math
import socket
import threading
import time
from collections.abc import Callable, Collection, Mapping
from http.server import ThreadingHTTPServer
from typing import Any

import faults as wire
from batches import Batches
from faults import FAULTS
from handler import Handler
from replies import digest, digest_of_journalled, reply

__all__ = ["FAULTS", "KEY", "Endpoint", "digest", "digest_of_journalled", "reply"]

KEY = "sk-secret-of-the-tests"


class Endpoint(ThreadingHTTPServer):
    """The server; in a `with` block it answers.

    delay: seconds each answer takes. fault: one of FAULTS, for that `share` of the requests whose hash
    says so, `times` times for each of them (None: always). faults: several faults and their shares instead,
    drawn by the hash of the request and the number of the attempt, each `times` times for each request.
    hold_after: so many requests are answered, later ones wait until `release()`. key: all other keys meet
    401. body: what the fault "body" answers. says: what the model says to a body.

    rpm: so many requests are admitted in any `window` of seconds, at_most_at_once: so many at a time; others
    meet 429. retry_after, limits: headers of "429" and "429-limits". drip_seconds: between bytes of "drip".
    batch_polls: a batch is done when it was asked for so often; batch_seconds: or after so long.
    Change `fault`, `faults` or `hold_after` at any time.
    """

    daemon_threads = True
    request_queue_size = 256

    def __init__(  # noqa: PLR0913
        self,
        *,
        delay: float = 0.0,
        fault: str | None = None,
        share: float = 1.0,
        times: int | None = None,
        faults: Mapping[str, float] | None = None,
        hold_after: int | None = None,
        key: str | None = None,
        body: str = "",
        says: Callable[[Any], str] = reply,
        rpm: int | None = None,
        window: float = 60.0,
        at_most_at_once: int | None = None,
        retry_after: str = "1",
        limits: Mapping[str, str] = wire.LIMITS,
        drip_seconds: float = 0.05,
        batch_polls: int = 3,
        batch_seconds: float | None = None,
        port: int = 0,
    ) -> None:
        assert {fault, *(faults or {})} <= {None, *FAULTS}
        super().__init__(("127.0.0.1", port), Handler)
        self.delay = delay
        self.fault = fault
        self.share = share
        self.times = times
        self.faults = dict(faults or {})
        self.hold_after = hold_after
        self.key = key
        self.body = body
        self.says = says
        self.rpm = rpm
        self.window = window
        self.at_most_at_once = at_most_at_once
        self.retry_after = retry_after
        self.limits = limits
        self.drip_seconds = drip_seconds
        self.batches = Batches(self, polls=batch_polls, seconds=batch_seconds)
        #: by hash of the body: how often a request came, and how often its answer could not be delivered
        #: because the client had gone
        self.asked: collections.Counter[str] = collections.Counter()
        self.unheard: collections.Counter[str] = collections.Counter()
        #: how often each fault was met, and how many requests each limit refused ("rpm", "at-once")
        self.injected: collections.Counter[str] = collections.Counter()
        self.refused: collections.Counter[str] = collections.Counter()
        #: what was asked, by hash
        self.bodies: dict[str, Any] = {}
        #: when requests came (time.monotonic), refused ones included
        self.arrivals: list[float] = []
        self.most_at_once = self._at_once = 0
        #: what the answered requests cost
        self.tokens_in = self.tokens_out = 0
        self.lock = threading.Condition()
        self._answered: collections.Counter[str] = collections.Counter()
        self._hits: collections.Counter[tuple[str, str]] = collections.Counter()
        self._admitted: collections.deque[float] = collections.deque()
        self._connections: set[socket.socket] = set()
        self._released = threading.Event()
        self._closing = threading.Event()
        self._is_down = False

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def teacher(self) -> str:
        """A teacher SPEC."""
        return f"openai:stand-in@{self.url}"

    @property
    def answered(self) -> collections.Counter[str]:
        """How often each request was answered: a completion was written to a client that was there."""
        with self.lock:  # An answer is written and counted in one step.
            return self._answered

    @property
    def tokens_billed(self) -> int:
        with self.lock:
            return self.tokens_in + self.tokens_out

    @property
    def batches_created(self) -> int:
        return len(self.batches.created)

    def __enter__(self) -> Endpoint:
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self.release()
        self.shutdown()
        self.server_close()

    def go_down(self) -> None:
        """Refuse connections from now on, and cut those that are open."""
        self._is_down = True
        self.shutdown()
        self.server_close()
        with self.lock:
            for connection in self._connections:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def come_up(self) -> None:
        """Listen again, at the same port."""
        self.socket = socket.socket(self.address_family, self.socket_type)
        self.server_bind()
        self.server_activate()
        self._is_down = False
        self.__enter__()

    def hold(self, after: int) -> None:
        """Forget all counts, answer so many requests from now on, and let later ones wait."""
        with self.lock:
            for count in (self.asked, self._answered, self.unheard, self.injected, self.refused, self._hits):
                count.clear()
            self.arrivals.clear()
            self.tokens_in = self.tokens_out = 0
        self._released.clear()
        self.hold_after = after

    def release(self) -> None:
        """Answer what was held, and hold nothing more."""
        self.hold_after = None
        self._released.set()

    def wait_for(self, *, asked: int = 0, answered: int = 0, seconds: float = 60) -> None:
        """Return when so many requests came and so many of them were answered."""
        with self.lock:
            came = self.lock.wait_for(
                lambda: self.asked.total() >= asked and self._answered.total() >= answered, seconds
            )
        assert came, f"{self.asked.total()} asked, {self.answered.total()} answered in {seconds} s"

    def repeated(self) -> int:
        """How many requests came a second time, or oftener."""
        return self.asked.total() - len(self.asked)

    def paid_twice(self) -> int:
        """How many answers were for a request that had been answered before."""
        with self.lock:
            return sum(count - 1 for count in self._answered.values() if count > 1)

    def most_within(self, seconds: float) -> int:
        """The largest number of requests that came within so many seconds."""
        with self.lock:
            came = sorted(self.arrivals)
        most = first = 0
        for last, moment in enumerate(came):
            while came[first] <= moment - seconds:
                first += 1
            most = max(most, last - first + 1)
        return most

    def stats(self) -> dict[str, Any]:
        """All counts, as `GET /v1/stats` tells them."""
        with self.lock:
            return {
                "asked": self.asked.total(),
                "answered": self._answered.total(),
                "unheard": self.unheard.total(),
                "paid_twice": self.paid_twice(),
                "repeated": self.repeated(),
                "most_at_once": self.most_at_once,
                "tokens_in": self.tokens_in,
                "tokens_out": self.tokens_out,
                "injected": dict(self.injected),
                "refused": dict(self.refused),
                "batches_created": self.batches_created,
            }

    def draw(self, key: str, attempt: int, names: Collection[str], scope: str | None = None) -> str | None:
        """Say which of these faults an attempt meets, and count it; `times` is for each `scope`."""
        met = None
        if self.fault in names:
            met = self.fault if int(key[:8], 16) < self.share * 2**32 else None
        else:
            drawn = int(hashlib.sha256(f"{key} {attempt}".encode()).hexdigest()[:8], 16) / 2**32
            for name, share in self.faults.items():
                if name in names and met is None:
                    met = name if drawn < share else None
                    drawn -= share
        scope = key if scope is None else scope
        if met is None or (self.times is not None and self._hits[scope, met] >= self.times):
            return None
        self._hits[scope, met] += 1
        self.injected[met] += 1
        return met

    def begin(self, key: str, body: Any) -> tuple[str | None, dict[str, str] | None]:
        """Count a request and wait as long as its answer takes.

        Return the fault that it meets, and the headers of a refusal if a limit does not admit it.
        """
        with self.lock:
            now = time.monotonic()
            self.asked[key] += 1
            self.bodies[key] = body
            self.arrivals.append(now)
            order = self.asked.total()
            self.lock.notify_all()
            if refusal := self._refusal(now):
                return None, refusal
            self._admitted.append(now)
            fault = self.draw(key, self.asked[key], (*wire.CALLS, *wire.CONTENT))
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
        if self.hold_after is not None and order > self.hold_after:
            self._released.wait()
        self._closing.wait(60 if fault == "slow" else self.delay)
        return fault, None

    def _refusal(self, now: float) -> dict[str, str] | None:
        """The headers of 429 if a limit does not admit another request."""
        while self._admitted and self._admitted[0] <= now - self.window:
            self._admitted.popleft()
        if self.rpm is not None and len(self._admitted) >= self.rpm:
            self.refused["rpm"] += 1
            wait = self._admitted[0] + self.window - now
            hint = {"retry-after": str(math.ceil(wait)), "retry-after-ms": str(math.ceil(wait * 1000))}
            return {**hint, **self.limit_headers()}
        if self.at_most_at_once is not None and self._at_once >= self.at_most_at_once:
            self.refused["at-once"] += 1
            return {"retry-after-ms": "20"}
        return None

    def limit_headers(self) -> dict[str, str]:
        """What a server with a limit tells with each answer."""
        if self.rpm is None:
            return {}
        with self.lock:
            left = max(self.rpm - len(self._admitted), 0)
            oldest = self._admitted[0] if self._admitted else time.monotonic()
        wait = max(oldest + self.window - time.monotonic(), 0)
        return {
            "x-ratelimit-limit-requests": str(self.rpm),
            "x-ratelimit-remaining-requests": str(left),
            "x-ratelimit-reset-requests": f"{math.ceil(wait * 1000)}ms",
        }

    def end(self) -> None:
        """Count that a request is over without an answer."""
        with self.lock:
            self._at_once -= 1
            self.lock.notify_all()

    def deliver(self, key: str, usage: Mapping[str, int], raw: bytes, connection: socket.socket) -> bool:
        """Write an answer and count it in one step; say whether the client was still there to get it."""
        with self.lock:
            self._at_once -= 1
            heard = not wire.hung_up(connection)
            if heard:
                try:
                    connection.sendall(raw)
                except OSError:
                    heard = False
            if heard:
                self.count_answer(key, usage)
            else:
                self.unheard[key] += 1
            self.lock.notify_all()
        return heard

    def count_answer(self, key: str, usage: Mapping[str, int]) -> None:
        """Count what was answered, and is to be paid."""
        self._answered[key] += 1
        self.tokens_in += usage["prompt_tokens"]
        self.tokens_out += usage["completion_tokens"]

    def wait_until_closed(self, connection: socket.socket, seconds: float = math.inf) -> bool:
        """Wait until one end closes the connection, or for so long; say whether it was closed."""
        until = time.monotonic() + seconds
        while not (self._closing.is_set() or wire.hung_up(connection)):
            left = until - time.monotonic()
            if left <= 0:
                return False
            self._closing.wait(min(left, 0.05))
        return True

    def connected(self, connection: socket.socket, yes: bool) -> None:
        with self.lock:
            (self._connections.add if yes else self._connections.discard)(connection)
        if self._is_down:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def handle_error(self, *_: object) -> None:
        """A client that was killed is no error."""


def main() -> None:
    parser = argparse.ArgumentParser(description="A stand-in for a model's server.")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--delay", type=float, default=0.0)
    parser.add_argument("--fault", choices=FAULTS)
    parser.add_argument("--share", type=float, default=1.0)
    parser.add_argument("--times", type=int)
    parser.add_argument("--faults", type=json.loads, metavar="JSON", help="such as '{\"500\": 0.1}'")
    parser.add_argument("--hold-after", type=int)
    parser.add_argument("--rpm", type=int)
    parser.add_argument("--at-most-at-once", type=int)
    parser.add_argument("--batch-polls", type=int, default=3)
    with Endpoint(**vars(parser.parse_args())) as endpoint:
        print(endpoint.url, flush=True)
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()

"""Work on frames in this process, or in several on this machine.

The workers are programs of their own that read tasks from a pipe: unlike `multiprocessing`, they never import
the caller's main module, so a notebook or a script without `if __name__ == "__main__"` may use them, and they
end when the pipe closes, also when this process is killed.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import chain, islice
from typing import IO, Any, TypeVar

from datagen.errors import DatagenError

A = TypeVar("A")
B = TypeVar("B")

#: A pool starts when there are more frames than this; starting a worker takes about as long as one frame.
FRAMES_WITHOUT_POOL = 2
_WORKER = "import pickle, sys; sys.path[:] = pickle.load(sys.stdin.buffer); {import_}; serve()"
_IMPORT = f"from {__name__} import serve"


def cores() -> int:
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def apply(function: Callable[[A], B], items: Iterable[A], workers: int) -> Iterator[B]:
    """The results of `function` for each item, in order.

    Args:
        function: of this module's importable names, or a partial of one; it goes to the workers once.
        items: taken as they are needed; a few for each worker are in memory.
        workers: processes; 1 for none but this one.

    Raises:
        Exception: what `function` raises, of the first item for which it does.
        DatagenError: a worker was killed.
    """
    items = iter(items)
    first = deque(islice(items, FRAMES_WITHOUT_POOL + 1))
    are_few = len(first) <= FRAMES_WITHOUT_POOL
    items = chain(_emptied(first), items)
    if workers == 1 or are_few:
        yield from map(function, items)
        return
    with _Pool(function, workers) as pool:
        waiting: deque[Future[B]] = deque()
        for item in items:
            waiting.append(pool.submit(item))
            if len(waiting) > 2 * workers:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _emptied(items: deque[A]) -> Iterator[A]:
    """Yield the items and let go of them: they would stay in memory to the end of the work."""
    while items:
        yield items.popleft()


class _Pool:
    """Worker processes, each with a thread that hands it one item at a time."""

    def __init__(self, function: Callable[[Any], Any], workers: int) -> None:
        self._function = pickle.dumps(function)
        self._workers = workers
        self._own = threading.local()
        self._processes: list[subprocess.Popen[bytes]] = []
        self._starting = threading.Lock()
        self._closed = False
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="worker")

    def __enter__(self) -> _Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
        with self._starting:  # so that no worker starts after the others were ended
            self._closed = True
        for process in self._processes:
            process.kill()
        self._threads.shutdown(wait=True)
        for process in self._processes:
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe:
                    with contextlib.suppress(OSError):
                        pipe.close()

    def submit(self, item: Any) -> Future[Any]:  # noqa: ANN401 - whatever the function takes
        """Hand an item to the next worker that is free."""
        return self._threads.submit(self._work, item)

    def _work(self, item: Any) -> Any:  # noqa: ANN401
        process = self._process()
        assert process.stdin  # noqa: S101 - it is a pipe
        assert process.stdout  # noqa: S101
        try:
            _send(process.stdin, item)
            error, result = pickle.load(process.stdout)
        except (OSError, EOFError, pickle.UnpicklingError):
            raise _ended(process) from None
        if error is not None:
            raise error
        return result

    def _process(self) -> subprocess.Popen[bytes]:
        """The worker of this thread, started when it is first needed."""
        process: subprocess.Popen[bytes] | None = getattr(self._own, "process", None)
        if process is not None:
            return process
        with self._starting:
            if self._closed:
                raise DatagenError("the work has ended")  # nobody waits for this result
            process = self._own.process = _start()
            self._processes.append(process)
            function = self._function
            if len(self._processes) == self._workers:
                self._function = b""  # an index of benchmarks takes more than 20 MB
        assert process.stdin  # noqa: S101
        with contextlib.suppress(OSError):
            pickle.dump(sys.path, process.stdin)
            process.stdin.write(function)
        return process


def _start() -> subprocess.Popen[bytes]:
    """A worker; -P, because a file in the working folder may bear the name of a module that it imports."""
    return subprocess.Popen(
        [sys.executable, "-P", "-c", _WORKER.format(import_=_IMPORT)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        # Its parent is told of Ctrl-C, and ends it.
        start_new_session=True,
        env={**os.environ, "POLARS_MAX_THREADS": "1"},
    )


def _ended(process: subprocess.Popen[bytes]) -> DatagenError:
    """Why a worker ended before its work did."""
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(10)
    if process.returncode == -signal.SIGKILL:
        why = "was killed, perhaps for lack of memory; run it again with fewer workers"
    else:
        why = f"ended early (exit code {process.returncode}); run it again with one worker"
    return DatagenError(f"a worker process {why}")


def _send(pipe: IO[bytes], item: object) -> None:
    pickle.dump(item, pipe, protocol=5)
    pipe.flush()


def serve() -> None:
    """What a worker does: apply the function that comes first to each item that follows."""
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what a library prints must not stand among the results
    source = sys.stdin.buffer
    with contextlib.suppress(EOFError, BrokenPipeError, KeyboardInterrupt):
        try:
            function = pickle.load(source)
        except Exception as error:
            _fail_all(error, source, out)
            return
        while True:
            item = pickle.load(source)
            try:
                answer: tuple[BaseException | None, Any] = (None, function(item))
            except Exception as error:
                answer = (error, None)
            _answer(out, answer)


def _fail_all(error: Exception, source: IO[bytes], out: IO[bytes]) -> None:
    while True:
        pickle.load(source)
        _answer(out, (error, None))


def _answer(out: IO[bytes], answer: tuple[BaseException | None, Any]) -> None:
    try:
        content = pickle.dumps(answer, protocol=5)
    except Exception:  # an exception that holds what cannot be pickled
        content = pickle.dumps((RuntimeError(repr(answer[0])), None))
    out.write(content)
    out.flush()

"""Says that a Hub lets us wait: its client asks again and again for half a minute without a word."""

from __future__ import annotations

import contextlib
import contextvars
import logging
import re
import threading
from collections.abc import Iterator

from datagen import progress, secrets
from datagen.errors import one_line

FIRST_SECONDS = 2.0
NEXT_SECONDS = 10.0
_STATUS = re.compile(r"HTTP Error (\d+) thrown")
_ERROR = re.compile(r"'(.*)' thrown while requesting", re.DOTALL)


class _Trouble(logging.Handler):
    """Keeps why the client asked again, which it writes into its log alone."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.why = ""

    def emit(self, record: logging.LogRecord) -> None:
        text = record.getMessage()
        if found := _STATUS.search(text):
            self.why = f"it answers with status {found[1]}"
        elif found := _ERROR.search(text):
            self.why = one_line(secrets.hide(found[1]), 100)


@contextlib.contextmanager
def waiting(hub: str, repo: str) -> Iterator[None]:
    """Tell people, after two seconds and then now and then, that the block has not ended.

    Args:
        hub: whom it waits for.
        repo: what it is about.
    """
    trouble, ended = _Trouble(), threading.Event()

    def tell() -> None:
        wait = FIRST_SECONDS
        while not ended.wait(wait):
            why = f": {trouble.why}, and is asked again" if trouble.why else ""
            progress.say(f"still waiting for {hub} about {repo}{why}")
            wait = NEXT_SECONDS

    log = logging.getLogger("huggingface_hub.utils._http")
    log.addHandler(trouble)
    context = contextvars.copy_context()
    thread = threading.Thread(target=context.run, args=(tell,), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        log.removeHandler(trouble)

"""What keeps programs apart on this machine, and why not more."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from datagen.errors import DatagenError, escaped
from datagen.sandbox.run import ONLY, Sandbox
from datagen.sandbox.verdict import Limits, Verdict

#: The layers, strongest first, and why a machine has one not.
WHY_NOT = {
    "namespaces": "this user or container may make none (user.max_user_namespaces, AppArmor, the runtime)",
    "seccomp": "the kernel has no filters for system calls, or the processor is neither x86-64 nor aarch64",
    "landlock": "the kernel is older than 5.13 or was started without it (lsm=)",
    "rlimits": "this is no POSIX system",
}
#: Without these a program could end others, or start as many as it likes.
NEEDED = ("seccomp", "rlimits")
_LIBRARY = Path(os.__file__).resolve()


def missing(isolation: str) -> list[str]:
    """The layers that are not in what a sandbox grants, such as "seccomp+rlimits"."""
    return [layer for layer in WHY_NOT if layer not in isolation.split("+")]


def told(isolation: str) -> str:
    """One line on what is granted, and why the rest is not."""
    wanted = os.environ.get(ONLY, "")
    asked = set(wanted.split("+")) if wanted else set(WHY_NOT)
    lacks = "; ".join(
        f"no {layer}: {WHY_NOT[layer] if layer in asked else f'{ONLY} leaves it out'}"
        for layer in missing(isolation)
    )
    return f"programs run apart by {isolation}" + (f"; {lacks}" if lacks else "")


def unreadable(isolation: str) -> str:
    """One line where programs run as a user who cannot read Python's library; "" elsewhere."""
    layers = isolation.split("+")
    # As in `server`: root stays root only where it can do nothing; namespaces show the library to everyone.
    if (
        os.name != "posix"
        or os.getuid() != 0
        or "namespaces" in layers
        or {"seccomp", "landlock"} <= {*layers}
    ):
        return ""
    closed = next((one for one in reversed(_LIBRARY.parents) if not one.stat().st_mode & 0o001), None)
    if closed is None:
        return ""
    return (
        f"programs run as the user nobody, who cannot enter {escaped(closed)}: most imports fail;"
        " install Python where every user can read it, or run as another user"
    )


class Guarded:
    """A sandbox that is looked at before its first program: whoever runs none needs none.

    Args:
        sandbox: where programs are run.
        unsafe: whether they may be run with less than `NEEDED`.
        warn: is told once what is missing, if anything is.
    """

    def __init__(self, sandbox: Sandbox, *, unsafe: bool, warn: Callable[[str], object]) -> None:
        self._sandbox = sandbox
        self._unsafe = unsafe
        self._warn = warn
        self._turn = asyncio.Lock()
        self._checked = False

    async def run(
        self, code: str, tests: Sequence[str], limits: Limits, *, setup: str = "", trusted: bool = False
    ) -> Verdict:
        """The verdict on `code`; see `Sandbox.run`.

        Raises:
            DatagenError: less is granted than programs need, and that was not allowed.
        """
        async with self._turn:
            if not self._checked:
                if warning := await check(self._sandbox, unsafe=self._unsafe):
                    self._warn(warning)
                self._checked = True
        return await self._sandbox.run(code, tests, limits, setup=setup, trusted=trusted)


async def check(sandbox: Sandbox, *, unsafe: bool) -> str:
    """What to warn of before programs are run; "" where every layer is there.

    Args:
        sandbox: where they are to be run.
        unsafe: whether they may be run with less than `NEEDED`.

    Raises:
        DatagenError: less is granted, and that was not allowed.
    """
    isolation = await sandbox.granted()
    lacks = [layer for layer in missing(isolation) if layer in NEEDED]
    if lacks and not unsafe:
        raise DatagenError(
            f"programs cannot be kept apart here: {told(isolation)}."
            " Run them on Linux, in a container or a virtual machine; --unsafe-run runs them all the same"
        )
    if not missing(isolation):
        return ""
    return "; ".join(filter(None, (told(isolation), unreadable(isolation))))


def probe() -> str:
    """What this machine grants, such as "namespaces+seccomp+landlock+rlimits".

    Raises:
        DatagenError: no program can be run here.
    """

    async def asked() -> str:
        async with Sandbox(workers=1) as sandbox:
            return await sandbox.granted()

    return asyncio.run(asked())

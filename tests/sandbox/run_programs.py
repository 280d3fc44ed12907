"""Runs programs in a sandbox: reads cases from standard input and prints what came of them, as JSON.

It is a program of its own, so that tests can run it as another user, with another Python, or where the kernel
denies namespaces.
"""

from __future__ import annotations

import asyncio
import ctypes
import json
import struct
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from datagen.sandbox import isolate
from datagen.sandbox.run import Sandbox
from datagen.sandbox.verdict import Limits

_NEW = 0x7E020000  # all flags for new namespaces


def deny_namespaces() -> None:
    """Refuse unshare, setns and clone with flags for namespaces, as containers do."""
    calls = isolate.CALLS[isolate.MACHINE]
    refuse, unknown, allow = 0x00050001, 0x00050000 | 38, 0x7FFF0000
    lines = [(0x20, 0, 0, 0), (0x15, 0, 1, calls["clone3"]), (0x06, 0, 0, unknown)]
    for name in ("unshare", "setns", "mount"):
        lines += [(0x15, 0, 1, calls[name]), (0x06, 0, 0, refuse)]
    lines += [(0x15, 0, 3, calls["clone"]), (0x20, 0, 0, 16), (0x45, 0, 1, _NEW), (0x06, 0, 0, refuse)]
    lines.append((0x06, 0, 0, allow))
    body = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in lines))
    filter_of = ctypes.create_string_buffer(struct.pack("@HP", len(lines), ctypes.addressof(body)))
    isolate.call("prctl", 38, 1, 0, 0, 0)
    isolate.call("prctl", isolate.PR_SET_SECCOMP, 2, filter_of, 0, 0)


async def main() -> None:
    """Run the cases; the word `denied` as an argument refuses namespaces first."""
    asked = json.load(sys.stdin)
    if "denied" in sys.argv[1:]:
        deny_namespaces()
    async with Sandbox(2) as sandbox:
        work = (sandbox.run(code, tests, Limits(**asked["limits"])) for code, tests in asked["programs"])
        found = await asyncio.gather(*work)
    print(json.dumps([verdict.to_json() for verdict in found]))


asyncio.run(main())

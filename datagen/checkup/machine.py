"""The machine: processors, memory, sandbox, GPU."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
from pathlib import Path

from datagen.checkup.finding import Finding
from datagen.errors import DatagenError, one_line
from datagen.sandbox import granted

#: The memory of the embedded model, and of some rows beside it.
_LITTLE_MEMORY = 2 * 2**30
_GPU_SECONDS = 10


def processors() -> Finding:
    """How many processors and how much memory this process has."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    free = min(_available(whole), _allowed(whole))
    detail = f"{cores} CPU {'cores' if cores > 1 else 'core'}, {whole / 2**30:.1f} GiB of memory"
    if free < whole:
        detail += f", {free / 2**30:.1f} GiB of it free"
    if free < _LITTLE_MEMORY:
        return Finding("warn", detail, "the embedded model and large sets want 2 GiB; close something")
    return Finding("ok", detail)


def _available(whole: int) -> int:
    """Bytes that are free, or that the system frees at once; `whole` where it does not say."""
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"))
    except OSError:
        return whole
    return int(found[1]) * 1024 if found else whole


def _allowed(whole: int) -> int:
    """Bytes that a container may still take; `whole` without a limit."""
    try:
        most, taken = (
            int(Path("/sys/fs/cgroup", name).read_text(encoding="ascii"))
            for name in ("memory.max", "memory.current")
        )
    except (OSError, ValueError):  # no such limit: "max"
        return whole
    return max(0, most - taken)


def sandbox() -> Finding:
    """What keeps the programs of `rank` and `eval` apart here, and why not more."""
    try:
        isolation = granted.probe()
    except DatagenError as error:
        return Finding("warn", f"no programs can be run: {error}", "only rank and eval need it")
    lacks = granted.missing(isolation)
    if any(layer in granted.NEEDED for layer in lacks):
        return Finding("warn", granted.told(isolation), "rank and eval want --unsafe-run here")
    return Finding("warn" if lacks else "ok", granted.told(isolation), granted.unreadable(isolation))


def gpu() -> Finding:
    """Which GPUs there are. To have none is no fault."""
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return Finding("ok", "Apple GPU (Metal)")
    program = shutil.which("nvidia-smi")
    if program is None:
        return Finding("skip", "none found (no nvidia-smi); local models run on the CPU")
    query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(
            [program, *query],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_GPU_SECONDS,
            check=False,
        )
        said, works = done.stdout.decode(errors="replace").strip(), not done.returncode
    except subprocess.TimeoutExpired:
        said, works = f"no answer within {_GPU_SECONDS} s", False
    if not (works and said):
        detail = f"nvidia-smi fails: {one_line(said, 160) or 'it says nothing'}"
        return Finding("warn", detail, "reload the NVIDIA driver, or reboot")
    lines = said.splitlines()
    return Finding("ok", f"{len(lines)} x {lines[0]}" if len(lines) > 1 else lines[0])

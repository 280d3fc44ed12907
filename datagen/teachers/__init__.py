"""Ways of reaching a model, one file each; the folder is the registry.

A module of this folder whose name has no leading underscore has `KIND` (the word before the colon in a
teacher SPEC), `SUMMARY` (one line for people), and for what stands behind the colon `check(rest)`,
`public_name(rest)`, `identity(rest)` and `connect(rest)`, an async context manager that yields a `Teacher`.
Heavy imports happen inside `connect`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from types import ModuleType

from datagen.errors import UsageError, nearest
from datagen.teachers._teacher import CallFailed, Prompt, Reply, Request, Shape, Teacher, TeacherUnusable

__all__ = [
    "CallFailed",
    "Prompt",
    "Reply",
    "Request",
    "Shape",
    "Teacher",
    "TeacherUnusable",
    "check_all",
    "connect_all",
    "identities",
    "kinds",
    "public_name",
    "split_spec",
]


def kinds() -> dict[str, ModuleType]:
    """The teacher modules by their `KIND`, in the order of their file names."""
    names = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    modules = [importlib.import_module(f"{__name__}.{name}") for name in names]
    return {module.KIND: module for module in modules}


def split_spec(spec: str) -> tuple[str, str]:
    """Split a SPEC such as `openai:gpt-4o` or `reference` into its kind and the rest.

    Raises:
        UsageError: the kind is unknown, or what it needs behind the colon is missing or too much.
    """
    kind, _, rest = spec.partition(":")
    known = kinds()
    if kind not in known:
        raise UsageError(f"unknown teacher {spec}: {nearest(kind, known)}")
    known[kind].check(rest)
    return kind, rest


def check_all(specs: Sequence[str]) -> None:
    """Raise UsageError if one of the SPECs is malformed or two teachers would bear the same name."""
    names = [public_name(spec) for spec in specs]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two teachers are called {name}; name each model once (more answers: -n)")


def public_name(spec: str) -> str:
    """What a SPEC is called in columns and manifests: without addresses and folders."""
    kind, rest = split_spec(spec)
    return str(kinds()[kind].public_name(rest))


def identities(specs: Sequence[str]) -> tuple[str, ...]:
    """What tells whether the same SPECs mean the same models as before; for hashing, not for showing."""
    known = kinds()
    return tuple(f"{kind}:{known[kind].identity(rest)}" for kind, rest in map(split_spec, specs))


@asynccontextmanager
async def connect_all(specs: Sequence[str]) -> AsyncIterator[list[Teacher]]:
    """Connect to all teachers of `specs`, in order; on leaving, all are closed.

    Raises:
        TeacherUnusable: one of them cannot be had (a missing extra, a missing key).
    """
    split = [split_spec(spec) for spec in specs]
    known = kinds()
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(known[kind].connect(rest)) for kind, rest in split]

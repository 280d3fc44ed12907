"""Ways of reaching a model, one file each; the folder is the registry.

A module of this folder whose name has no leading underscore has `KIND` (the word before the colon in a
teacher SPEC), `SUMMARY` (one line for people), `check(rest)` and `public_name(rest)` for what stands behind
the colon, and for a `Profile` `identity(profile)` and `connect(profile)`, an async context manager that
yields a `Teacher`; `COSTS` where calls may be on somebody's bill. Heavy imports happen inside `connect`.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from types import ModuleType
from typing import Any

from datagen import canonical
from datagen.errors import UsageError, nearest
from datagen.request import Busy, CallFailed, NoAnswer, Prompt, Reply, Request, Shape, TeacherUnusable
from datagen.teachers._profiles import load as load_profiles
from datagen.teachers._profiles import parse as parse_profiles
from datagen.teachers._teacher import Profile, Role, Teacher

__all__ = [
    "Busy",
    "CallFailed",
    "NoAnswer",
    "Profile",
    "Prompt",
    "Reply",
    "Request",
    "Role",
    "Shape",
    "Teacher",
    "TeacherUnusable",
    "check_all",
    "connect_all",
    "identities",
    "kinds",
    "load_profiles",
    "parse_profiles",
    "profile",
    "public_settings",
    "split_spec",
]


def kinds() -> dict[str, ModuleType]:
    """The teacher modules by their `KIND`, in the order of their file names."""
    names = [m.name for m in pkgutil.iter_modules(__path__) if not (m.ispkg or m.name.startswith("_"))]
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
        raise UsageError(f"unknown teacher {kind}: {nearest(kind, known)}")
    known[kind].check(rest)
    return kind, rest


def profile(spec: str) -> Profile:
    """The profile of a SPEC alone: all else is the kind's default.

    Raises:
        UsageError: see `split_spec`.
    """
    kind, rest = split_spec(spec)
    return Profile(spec, str(kinds()[kind].public_name(rest)))


def public_settings(profiles: Sequence[Profile]) -> dict[str, dict[str, Any]]:
    """What of each teacher the world may know: no addresses, no names of variables, no folders."""
    return {
        one.name: {
            "kind": one.kind,
            "role": one.role,
            "parameters": dict(one.parameters),
            "prompt": one.style,
            "system_sha256": canonical.sha256(one.system) if one.system else None,
            "license": one.license,
            "price_in": one.price_in,
            "price_out": one.price_out,
        }
        for one in profiles
    }


def check_all(profiles: Sequence[Profile]) -> None:
    """Raise UsageError if a SPEC is malformed or two teachers bear the same name."""
    names = [one.name for one in profiles]
    for one in profiles:
        split_spec(one.spec)
        if names.count(one.name) > 1:
            raise UsageError(f"two teachers are called {one.name}; name each model once (more answers: -n)")


def identities(profiles: Sequence[Profile]) -> tuple[str, ...]:
    """What tells whether the same teachers mean the same models as before; for hashing, not for showing."""
    known = kinds()
    return tuple(
        canonical.dumps(
            [
                *(one.kind, str(known[one.kind].identity(one)), one.name, one.role, one.license),
                *(one.system, one.parameters, one.style),
            ]
        )
        for one in profiles
    )


@asynccontextmanager
async def connect_all(profiles: Sequence[Profile]) -> AsyncIterator[list[Teacher]]:
    """Connect to all teachers, in order; on leaving, all are closed.

    Raises:
        TeacherUnusable: one of them cannot be had (a missing extra, a missing key).
    """
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(_connecting(one)) for one in profiles]


def _connecting(one: Profile) -> AbstractAsyncContextManager[Teacher]:
    """Batches are another way to the same servers, so they are a mode and not a kind."""
    module = importlib.import_module(f"{__name__}.batch.pool") if one.mode == "batch" else kinds()[one.kind]
    teacher: AbstractAsyncContextManager[Teacher] = module.connect(one)
    return teacher

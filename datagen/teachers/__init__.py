"""Ways of reaching a model, one file each; the folder is the registry.

A module of this folder whose name has no leading underscore defines `KIND`, a `Kind`. Another distribution
adds a kind with an entry point of the group `datagen.teachers`, whose value is a module with a `KIND`.
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from importlib import metadata
from typing import Any

from datagen import canonical
from datagen.errors import UsageError
from datagen.request import Busy, CallFailed, NoAnswer, Prompt, Reply, Request, Shape, TeacherUnusable
from datagen.teachers._dialect import remembered
from datagen.teachers._extras import Extras, extras
from datagen.teachers._kind import Kind, kind_of, kinds, profile
from datagen.teachers._settings import Setting, load_profiles, parse_profiles, settings
from datagen.teachers._teacher import Profile, Role, Teacher
from datagen.teachers._vectors import vector_of

__all__ = [
    "Busy",
    "CallFailed",
    "Extras",
    "Kind",
    "NoAnswer",
    "Profile",
    "Prompt",
    "Reply",
    "Request",
    "Role",
    "Setting",
    "Shape",
    "Teacher",
    "TeacherUnusable",
    "check_all",
    "connect_all",
    "extras",
    "identities",
    "kind_of",
    "kinds",
    "load_profiles",
    "own_system_prompts",
    "parse_profiles",
    "profile",
    "public_settings",
    "remembered",
    "settings",
    "vector_of",
    "versions",
]


def public_settings(profiles: Sequence[Profile]) -> dict[str, dict[str, Any]]:
    """What of each teacher the world may know: no addresses, no names of variables, no folders."""
    return {
        one.name: {
            "kind": one.kind,
            "role": one.role,
            "parameters": dict(one.parameters),
            "prompt": one.prompt_style,
            "system_sha256": None if one.system is None else canonical.sha256(one.system),
            "license": one.license,
            "price_in": one.price_in,
            "price_out": one.price_out,
        }
        for one in profiles
    }


def own_system_prompts(profiles: Sequence[Profile]) -> Iterator[str]:
    """What is said of teachers whose settings take the place of datagen's own system prompts."""
    for number, one in enumerate(profiles):
        if one.system is not None and one not in profiles[:number]:
            how = "with the system prompt of its settings instead of" if one.system else "without"
            yield f"{one.name} is asked {how} datagen's own system prompt"


def check_all(profiles: Sequence[Profile]) -> None:
    """Raise UsageError if two teachers bear the same name."""
    names = [one.name for one in profiles]
    for name in names:
        if names.count(name) > 1:
            raise UsageError(f"two teachers are called {name}; name each model once (more answers: -n)")


def identities(profiles: Sequence[Profile]) -> tuple[str, ...]:
    """What tells whether the same teachers mean the same models as before; for hashing, not for showing."""
    return tuple(
        canonical.dumps(
            [
                *(one.kind, kind_of(one).identity(one), one.name, one.role, one.license),
                *(one.system, one.parameters, one.prompt_style),
            ]
        )
        for one in profiles
    )


def versions(profiles: Sequence[Profile]) -> dict[str, str]:
    """The installed distributions whose version decides the teachers' answers; missing ones are left out."""
    found = {}
    for name in sorted({name for one in profiles for name in kind_of(one).versions}):
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found


@asynccontextmanager
async def connect_all(profiles: Sequence[Profile]) -> AsyncIterator[list[Teacher]]:
    """Connect to all teachers, in order; on leaving, all are closed.

    Raises:
        TeacherUnusable: one of them cannot be had (a missing extra, a missing key).
    """
    async with AsyncExitStack() as stack:
        yield [await stack.enter_async_context(_connection(one)) for one in profiles]


def _connection(profile: Profile) -> AbstractAsyncContextManager[Teacher]:
    """The way to a teacher; batches are another one to the same servers, so they are a mode and no kind."""
    if profile.mode != "batch":
        return kind_of(profile).connect(profile)
    from datagen.teachers.batch import pool

    return pool.connect(profile)

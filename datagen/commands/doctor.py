"""Check what works here, one line for each thing, with what to do about the others."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from datagen.checkup import Check, Finding, guarded

# What needs polars and the like is imported by the checks: the doctor comes even where it is missing.
if TYPE_CHECKING:
    from datagen.checkup.endpoints import Server
    from datagen.teachers import Profile

_COLOURS = {"ok": "green", "warn": "yellow", "FAIL": "red", "skip": "bright_black"}
_FILE = click.Path(exists=True, dir_okay=False)


class _RecipeFile(click.ParamType[str]):
    """A recipe's path, or demo."""

    name = "recipe"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value != "demo" and not os.path.exists(value):  # noqa: PTH110 - False for a name too long, too
            self.fail(f"{value} does not exist; give the path of a recipe, or demo", param, ctx)
        return value


@click.command(epilog="Example: datagen doctor --recipe demo --quick")
@click.option("--teachers", type=_FILE, metavar="FILE", help="Check the teachers of this file (YAML).")
@click.option("--recipe", type=_RecipeFile(), metavar="FILE", help="Check this recipe and whom it asks.")
@click.option("--teacher", multiple=True, metavar="SPEC", help="Check this teacher; repeat for more.")
@click.option("--quick", is_flag=True, help="Load no model and import no torch.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    teachers: str | None, recipe: str | None, teacher: tuple[str, ...], *, quick: bool, as_json: bool
) -> int:
    """Check what works here: packages, keys, endpoints, disk.

    Nothing costs money: servers are asked for their lists of models only, and keys are never shown. Exits
    with 1 if anything fails.
    """
    asked: dict[str, Profile] = {}
    checks: list[Check] = []
    try:
        asked, checks = _asked(teachers, recipe, teacher)
        checks += _of_servers(asked)
    except ImportError as error:
        checks.append(Check("teachers", partial(_raise, error)))
    checks = [*_of_machine(asked, quick=quick), *checks]
    counts: Counter[str] = Counter()
    told = []
    for check, found in _found(checks):
        counts[found.status] += 1
        told.append({"name": check.name, **found._asdict()})
        if not as_json:
            _show(check.name, found, width=max(len(one.name) for one in checks))
    if as_json:
        click.echo(json.dumps({"command": "doctor", "checks": told, "counts": dict(counts)}))
    else:
        click.echo(f"{len(told)} checks: " + ", ".join(f"{counts[status]} {status}" for status in _COLOURS))
    return 1 if counts["FAIL"] else 0


def _asked(
    teachers: str | None, recipe: str | None, specs: Sequence[str]
) -> tuple[dict[str, Profile], list[Check]]:
    """Whom the files and SPECs name, and what there is to say about the files.

    Raises:
        UsageError: a SPEC is malformed.
    """
    from datagen.runs.recipe import load
    from datagen.teachers import check_all, load_profiles, profile

    known: dict[str, Profile] = {}
    named: dict[str, Profile] = {}
    checks = []

    def read_teachers() -> Finding:
        found = load_profiles(Path(str(teachers)))
        check_all([*found.values()])
        known.update(found)
        return Finding("ok", f"{teachers} has {', '.join(known)}")

    def read_recipe() -> Finding:
        loaded = load(str(recipe))
        named.update({one.name: one for one in loaded.profiles()})
        return Finding("ok", f"{recipe} is valid: {', '.join(step.stage.name for step in loaded.stages)}")

    if teachers is not None:
        checks.append(_looked_at("teachers file", read_teachers))
    if recipe is not None:
        checks.append(_looked_at("recipe", read_recipe))
    if teachers is not None and not known:
        return named, checks  # what SPECs mean stands in the file that cannot be read
    named.update({spec: known[spec] if spec in known else profile(spec) for spec in specs} or known)
    return named, checks


def _looked_at(name: str, find: Callable[[], Finding]) -> Check:
    """A check that is made now, because the others depend on it."""
    found = guarded(Check(name, find))
    return Check(name, lambda: found)


def _raise(error: Exception) -> Finding:
    raise error


def _of_machine(asked: Mapping[str, Profile], *, quick: bool) -> Iterator[Check]:
    from datagen.checkup import embedded, machine, packages, storage

    kinds = {one.kind for one in asked.values()}
    speaks = any(one.spec == embedded.SPEC for one in asked.values())
    yield Check("python", packages.python)
    yield Check("packages", packages.base)
    local = partial(packages.extra, "local", needed="local" in kinds, weights=embedded.WEIGHTS)
    yield Check("extra local", local)
    yield Check("embedded model", partial(embedded.answers, needed=speaks, quick=quick))
    yield Check("extra vllm", partial(packages.extra, "vllm", needed="vllm" in kinds))
    yield Check("extra train", partial(packages.extra, "train", needed=False))
    yield Check("machine", machine.processors)
    yield Check("GPU", machine.gpu)
    yield Check("torch", partial(machine.torch, quick=quick))
    yield Check("working folder", storage.working_folder)
    yield Check("cache folder", storage.cache_folder)
    yield Check("SQLite", storage.wal)
    yield Check("journal", partial(storage.journal, quick=quick))
    yield Check("open files", partial(machine.open_files, _calls_at_once(asked.values())))
    yield Check("terminal", machine.terminal)
    yield Check("HF_TOKEN", _hub_token)


def _calls_at_once(asked: Iterable[Profile]) -> int:
    usual = 16
    return sum(one.concurrency or usual for one in asked if one.kind == "openai") or usual


def _hub_token() -> Finding:
    if os.environ.get("HF_TOKEN", "").strip():
        return Finding("ok", "is set")
    return Finding(
        "skip", "is not set; only private or gated data and publishing on the Hugging Face Hub need it"
    )


def _of_servers(asked: Mapping[str, Profile]) -> Iterator[Check]:
    from datagen.checkup import endpoints, machine
    from datagen.teachers.openai_chat import KEY_VARIABLE

    servers = {name: endpoints.server_of(one) for name, one in asked.items() if one.kind == "openai"}
    if not asked and (ours := endpoints.server_of_environment()):
        servers["of the environment"] = ours
    yield Check("proxy", partial(machine.proxies, [one.address for one in servers.values()]))
    by_variable: dict[str, list[Server]] = {} if servers else {KEY_VARIABLE: []}
    for server in servers.values():
        by_variable.setdefault(server.variable, []).append(server)
    for variable, users in by_variable.items():
        yield Check(f"key {variable}", partial(endpoints.key, variable, users))
    for name, server in servers.items():
        yield Check(f"endpoint {name}", partial(endpoints.endpoint, server))
    if not servers:
        yield Check("endpoint", lambda: Finding("skip", "none is configured; --teacher SPEC checks one"))


def _found(checks: Sequence[Check]) -> Iterator[tuple[Check, Finding]]:
    """All at once, because some wait for servers; told in their order."""
    pool = ThreadPoolExecutor(len(checks))
    try:
        futures = [pool.submit(guarded, check) for check in checks]
        for check, future in zip(checks, futures, strict=True):
            yield check, future.result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _show(name: str, found: Finding, width: int) -> None:
    colour = _COLOURS[found.status] if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else None
    status = click.style(f"{found.status:4}", fg=colour) if colour else f"{found.status:4}"
    click.echo(f"{status}  {name:{width}}  {found.detail}")
    if found.advice:
        click.echo(f"{'':4}  {'':{width}}  -> {found.advice}")

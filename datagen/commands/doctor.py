"""Check what works here: a line for each check, with advice where something does not work."""

from __future__ import annotations

import json
import os
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from datagen.checkup.finding import Check, Finding, guarded

# A check imports the packages that it needs itself. A package that cannot be imported fails only its checks.
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
@click.option("--quick", is_flag=True, help="Load no model; open a large journal only.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(
    teachers: str | None, recipe: str | None, teacher: tuple[str, ...], *, quick: bool, as_json: bool
) -> int:
    """Check what works here: packages, keys, endpoints, disk.

    Nothing costs money: servers are asked for their lists of models only, and keys are never shown. Exits
    with 1 if anything fails.
    """
    asked: dict[str, Profile] = {}
    files: dict[str, Check] = {}
    servers: dict[str, Check] = {}
    try:
        asked, files = _asked(teachers, recipe, teacher)
        servers = _of_servers(asked)
    except ImportError as error:
        servers["teachers"] = partial(_raise, error)
    checks = {**_of_machine(asked, quick=quick), **files, **servers}
    counts: Counter[str] = Counter()
    told = []
    for name, found in _found(checks):
        counts[found.status] += 1
        told.append({"name": name, **found._asdict()})
        if not as_json:
            _show(name, found, width=max(map(len, checks)))
    if as_json:
        click.echo(json.dumps({"command": "doctor", "checks": told, "counts": dict(counts)}))
    else:
        click.echo(f"{len(told)} checks: " + ", ".join(f"{counts[status]} {status}" for status in _COLOURS))
    return 1 if counts["FAIL"] else 0


def _asked(
    teachers: str | None, recipe: str | None, specs: Sequence[str]
) -> tuple[dict[str, Profile], dict[str, Check]]:
    """The teachers that the files and SPECs name, and the checks of the files.

    Raises:
        UsageError: a SPEC is malformed.
    """
    from datagen.runs.recipe import load
    from datagen.teachers import check_all, load_profiles, profile

    known: dict[str, Profile] = {}
    named: dict[str, Profile] = {}
    checks = {}

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
        checks["teachers file"] = _made_now(read_teachers)
    if recipe is not None:
        checks["recipe"] = _made_now(read_recipe)
    if teachers is not None and not known:
        return named, checks  # a SPEC may be a name in the file that cannot be read
    named.update({spec: known[spec] if spec in known else profile(spec) for spec in specs} or known)
    return named, checks


def _made_now(check: Check) -> Check:
    """A check that is made at once, because others depend on it."""
    found = guarded(check)
    return lambda: found


def _raise(error: Exception) -> Finding:
    raise error


def _of_machine(asked: Mapping[str, Profile], *, quick: bool) -> dict[str, Check]:
    from datagen.checkup import embedded, machine, packages, storage

    kinds = {one.kind for one in asked.values()}
    speaks = any(one.spec == embedded.SPEC for one in asked.values())
    return {
        "python": packages.python,
        "packages": packages.base,
        "extra local": partial(packages.extra, "local", needed="local" in kinds, weights=embedded.WEIGHTS),
        "embedded model": partial(embedded.answers, needed=speaks, quick=quick),
        "extra vllm": partial(packages.extra, "vllm", needed="vllm" in kinds),
        "extra train": partial(packages.extra, "train", needed=False),
        "extra embed": partial(packages.extra, "embed", needed=False),
        "machine": machine.processors,
        "sandbox": machine.sandbox,
        "GPU": machine.gpu,
        "working folder": storage.working_folder,
        "cache folder": storage.cache_folder,
        "SQLite": storage.wal,
        "journal": partial(storage.journal, quick=quick),
        "HF_TOKEN": _hub_token,
    }


def _hub_token() -> Finding:
    if os.environ.get("HF_TOKEN", "").strip():
        return Finding("ok", "is set")
    return Finding(
        "skip", "is not set; only private or gated data and publishing on the Hugging Face Hub need it"
    )


def _of_servers(asked: Mapping[str, Profile]) -> dict[str, Check]:
    from datagen.checkup import endpoints
    from datagen.teachers.openai_chat import KEY_VARIABLE

    servers = {name: endpoints.server_of(one) for name, one in asked.items() if one.kind == "openai"}
    if not asked and (ours := endpoints.server_of_environment()):
        servers["of the environment"] = ours
    if not servers:
        none = Finding("skip", "none is configured; --teacher SPEC checks one")
        return {f"key {KEY_VARIABLE}": partial(endpoints.key, KEY_VARIABLE, []), "endpoint": lambda: none}
    by_variable: dict[str, list[Server]] = {}
    for server in servers.values():
        by_variable.setdefault(server.variable, []).append(server)
    return {
        **{f"key {name}": partial(endpoints.key, name, users) for name, users in by_variable.items()},
        **{f"endpoint {name}": partial(endpoints.endpoint, server) for name, server in servers.items()},
    }


def _found(checks: Mapping[str, Check]) -> Iterator[tuple[str, Finding]]:
    """The findings in the order of the checks, which run at the same time because some wait for servers."""
    pool = ThreadPoolExecutor(len(checks))
    try:
        yield from zip(checks, pool.map(guarded, checks.values()), strict=True)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _show(name: str, found: Finding, width: int) -> None:
    colour = _COLOURS[found.status] if sys.stdout.isatty() and not os.environ.get("NO_COLOR") else None
    status = click.style(f"{found.status:4}", fg=colour) if colour else f"{found.status:4}"
    click.echo(f"{status}  {name:{width}}  {found.detail}")
    if found.advice:
        click.echo(f"{'':4}  {'':{width}}  -> {found.advice}")

"""What the manifest and the summary of `decontam` say beside the counts of rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from datagen.data.manifest import Entry, maps_to, sums
from datagen.overlaps import found


def searched(
    characters: Mapping[str, int], only: Sequence[str], detectors: Sequence[str] | None = None
) -> dict[str, Any]:
    """The columns that were searched, and their share of all text; by which detectors, unless by all."""
    names = sorted(name for name in characters if not only or name in only)
    all_text = sum(characters.values())
    share = sum(characters[name] for name in names) / all_text if all_text else 1.0
    by = {} if detectors is None else {"detectors": list(detectors)}
    return {"columns": names, "share": round(share, 4), **by}


def _added(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> dict[str, int | float]:  # noqa: ARG001
    return sums(manifest["overlaps"] for manifest in manifests)


def _lines_of_review(manifest: Mapping[str, Any]) -> Iterator[str]:
    told = manifest["reviewed"]
    yield (
        f"  review: {told['kept']:,} matches set aside, {told['dropped']:,} rows dropped by decision"
        + (f"; {told['unused']:,} decisions meet nothing here" if told["unused"] else "")
    )


def _lines_of_search(manifest: Mapping[str, Any]) -> Iterator[str]:
    told = manifest["searched"]
    if told["share"] < 1:
        columns = ", ".join(told["columns"]) or "nothing"
        yield f"  searched {columns}: {told['share']:.1%} of the text; the rest may overlap"
    if told.get("detectors"):
        yield f"  searched only by {', '.join(told['detectors'])}: what others would find is unknown"
    elif "detectors" in told:  # of several stages, each with others
        yield "  no detector searched in each stage: what they would find is unknown"


def _lines_of_self_test(manifest: Mapping[str, Any]) -> Iterator[str]:
    told = manifest["self_test"]
    hits, planted = (sum(one[key] for one in told.values()) for key in ("found", "planted"))
    if planted:
        name, worst = min(told.items(), key=lambda one: one[1]["found"] / one[1]["planted"])
        yield (
            f"  self-test: {hits:,} of {planted:,} planted copies found ({name}: {worst['found']:,} of"
            f" {worst['planted']:,}); of reworded copies fewer are found"
        )


def _card_of_self_test(manifest: Mapping[str, Any]) -> Iterator[str]:
    yield "Copies of benchmark items, changed mechanically, were planted among the rows and looked for:"
    yield ""
    for name, one in manifest["self_test"].items():
        yield f"- {name}: {one['found']:,} of {one['planted']:,} found"
    yield ""
    yield "That is an upper bound for copies that people or models reworded."


def _add_self_test(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> dict[str, Any]:  # noqa: ARG001
    """What the last stage says: it saw the rows that are left."""
    return dict(manifests[-1]["self_test"])


def _lines_of_common(manifest: Mapping[str, Any]) -> Iterator[str]:
    for name, rows in manifest["common"].items():
        if rows:
            yield f"  {name}: {rows:,} rows more share only textbook exercises and stay; --common drop"


def _add_items(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> dict[str, dict[str, int]]:  # noqa: ARG001
    """The most items of each benchmark that one stage found: two stages may find the same ones."""
    most: dict[str, dict[str, int]] = {}
    for manifest in manifests:
        for name, items in manifest["items"].items():
            most[name] = max(most.get(name, items), items, key=lambda one: one["found"])
    return most


def _add_searched(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> dict[str, Any]:  # noqa: ARG001
    columns = {name for one in manifests for name in one["searched"]["columns"]}
    some = [frozenset(one["searched"]["detectors"]) for one in manifests if "detectors" in one["searched"]]
    by = {"detectors": sorted(frozenset.intersection(*some))} if some else {}
    return {"columns": sorted(columns), "share": min(one["searched"]["share"] for one in manifests), **by}


def _is_search(value: Any) -> bool:  # noqa: ANN401
    return (
        isinstance(value, dict)
        and isinstance(value.get("columns"), list)
        and "share" in value
        and isinstance(by := value.get("detectors", []), list)
        and all(isinstance(one, str) for one in by)
    )


def _is_items(value: Any) -> bool:  # noqa: ANN401
    return isinstance(value, dict) and all(maps_to(int, one) for one in value.values())


def _lines_of_sources(manifest: Mapping[str, Any]) -> Iterator[str]:
    for name, source in manifest["sources"].items():
        yield f"  {name} is {source}"


def _lines_of_tasks(manifest: Mapping[str, Any]) -> Iterator[str]:
    """A line for rows that go with their task, where these are most of what goes."""
    with_task, dropped = manifest["dropped_with_task"], sum(manifest["dropped"].values())
    if 2 * with_task > dropped:
        yield (
            f"  {with_task:,} of {dropped:,} dropped rows overlap nothing themselves, but another answer to"
            " their task does; --unit row keeps them"
        )


#: Where nothing is run on purpose.
NOT_RUN: Mapping[str, Any] = {"ran": False, "isolation": "", "rows": 0, "not_run": 0, "why": {}}


def _lines_of_behaviour(manifest: Mapping[str, Any]) -> Iterator[str]:
    told = manifest["behaviour"]
    if told["ran"]:
        if told["not_run"]:
            reasons = ", ".join(f"{why} {rows:,}" for why, rows in told["why"].items())
            yield (
                f"  behaviour: code of {told['rows']:,} rows ran; of {told['not_run']:,} it could not be run"
                f" ({reasons}), so what it does is unknown"
            )
    elif told["isolation"]:
        yield f"  behaviour: no code was run, because this machine grants only {told['isolation']}"
    else:
        yield "  behaviour: no code was run, so copies that only do the same may be left"


def _add_behaviour(manifests: Sequence[Mapping[str, Any]], rows_kept: int) -> dict[str, Any]:  # noqa: ARG001
    told = [one["behaviour"] for one in manifests]
    return {
        "ran": all(one["ran"] for one in told),
        "isolation": told[-1]["isolation"],
        **sums({name: one[name] for name in ("rows", "not_run")} for one in told),
        "why": sums(one["why"] for one in told),
    }


def _is_behaviour(value: Any) -> bool:  # noqa: ANN401
    return (
        isinstance(value, dict)
        and value.keys() == NOT_RUN.keys()
        and type(value["ran"]) is bool
        and isinstance(value["isolation"], str)
        and maps_to(int, {name: value[name] for name in ("rows", "not_run")})
        and maps_to(int, value["why"])
    )


ENTRIES = (
    Entry("overlaps", add=_added, is_valid=partial(maps_to, int)),
    Entry("items", add=_add_items, is_valid=_is_items),
    *found.ENTRIES,
    Entry("behaviour", add=_add_behaviour, is_valid=_is_behaviour, lines=_lines_of_behaviour),
    Entry(
        "common",
        add=lambda manifests, _: sums(one["common"] for one in manifests),
        is_valid=partial(maps_to, int),
        lines=_lines_of_common,
    ),
    Entry("searched", add=_add_searched, is_valid=_is_search, lines=_lines_of_search),
    Entry(
        "self_test",
        add=_add_self_test,
        is_valid=_is_items,
        lines=_lines_of_self_test,
        card=_card_of_self_test,
    ),
    Entry(
        "dropped_with_task",
        add=lambda manifests, _: sum(one["dropped_with_task"] for one in manifests),
        is_valid=lambda value: type(value) is int,
        lines=_lines_of_tasks,
    ),
    Entry(
        "reviewed",
        add=lambda manifests, _: sums(one["reviewed"] for one in manifests),
        is_valid=partial(maps_to, int),
        lines=_lines_of_review,
    ),
    Entry(
        "sources",
        add=lambda manifests, _: {name: one for some in manifests for name, one in some["sources"].items()},
        is_valid=partial(maps_to, str),
        lines=_lines_of_sources,
    ),
)

"""All rules by name: those of this folder, and those that installed packages bring as entry points."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Iterator, Mapping
from functools import cached_property
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import NamedTuple, get_args

from rules._rule import Condition, Rule, Unit

#: The group of entry points by which a package brings rules: `NAME = MODULE`, where MODULE defines `RULE`.
GROUP = "datagen.rules"

_ORDER: tuple[Unit, ...] = get_args(Unit)


class BrokenRuleError(ImportError):
    """An entry point does not give a rule; the message is one line that names it and says why."""


class _Entry(NamedTuple):
    rule: Rule
    module: ModuleType


class Registry(Mapping[str, Rule]):
    """Rules by name, in the order of `judges`, then of the name; they are loaded when first looked at.

    Raises:
        BrokenRuleError: from everything that looks at the rules, where an entry point does not give one.
    """

    def __getitem__(self, name: str) -> Rule:
        return self._entries[name].rule

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def document(self, name: str) -> str:
        """The docstring of the module that defines the rule `name`; "" where it has none."""
        return (self._entries[name].module.__doc__ or "").strip()

    @cached_property
    def _entries(self) -> dict[str, _Entry]:
        found = _own()
        for point in sorted(metadata.entry_points(group=GROUP)):
            _add(found, point)
        ordered = sorted(found.items(), key=lambda one: (_ORDER.index(one[1].rule.judges), one[0]))
        return dict(ordered)


def _own() -> dict[str, _Entry]:
    """The rules of this folder: each module without a leading underscore is one."""
    folder = str(Path(__file__).parent)
    files = [module.name for module in pkgutil.iter_modules([folder]) if not module.name.startswith("_")]
    modules = {name.replace("_", "-"): importlib.import_module(f"rules.{name}") for name in files}
    return {name: _Entry(module.RULE._replace(name=name), module) for name, module in modules.items()}


def _add(found: dict[str, _Entry], point: metadata.EntryPoint) -> None:
    """Add the rule of an entry point to those found so far.

    Raises:
        BrokenRuleError: it cannot be imported, is no rule, or takes a name or measure that another one has.
    """
    try:
        module = point.load()
    except Exception as error:  # another package's code: whatever it raises, it is that package's fault
        raise _broken(point, f"cannot be imported: {type(error).__name__}: {error}") from error
    rule = getattr(module, "RULE", None)
    if not isinstance(module, ModuleType) or not isinstance(rule, Rule):
        raise _broken(point, "is no module that defines RULE, a rules.Rule")
    if rule.judges not in _ORDER or not isinstance(rule.drop_when, Condition):
        allowed = f"judges is one of {', '.join(_ORDER)}; drop_when is Above, Below or IsTrue"
        raise _broken(point, f"has a RULE that cannot be applied: {allowed}")
    if point.name in found:
        raise _broken(point, "has the name of another rule; choose another name")
    for name, entry in found.items():
        if entry.rule.measure == rule.measure and entry.rule.of is not rule.of:
            raise _broken(point, f"stores another measure as {rule.measure!r} than the rule {name} does")
    found[point.name] = _Entry(rule._replace(name=point.name), module)


def _broken(point: metadata.EntryPoint, why: str) -> BrokenRuleError:
    owner = f" of {point.dist.name}" if point.dist else ""
    where = f"the rule {point.name!r} (entry point {point.name} = {point.value} in {GROUP}{owner})"
    return BrokenRuleError(" ".join(f"{where} {why}".split()))

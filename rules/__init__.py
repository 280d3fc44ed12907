"""Rules that say why a task or an answer is not worth learning from; one rule per file.

A module of this folder whose name has no leading underscore is a rule: it defines `RULE`, and its name
with hyphens is the rule's name. `RULES` holds them in the fixed order in which the first that fires
becomes a row's `reason`: by what they judge (instruction, response, code, pair), then by name.

The package knows nothing of the rest of datagen: it is handed a frame with the columns `instruction`,
and where there are answers `response`, `code`, `language`, `finish_reason`, `entry_point`, `role`.
"""

from __future__ import annotations

import importlib
import pkgutil

from rules._judge import judge
from rules._rule import Above, Below, Condition, IsTrue, Rule, Unit

__all__ = ["RULES", "Above", "Below", "Condition", "IsTrue", "Rule", "Unit", "judge"]

_ORDER: tuple[Unit, ...] = ("instruction", "response", "code", "pair")


def _load() -> dict[str, Rule]:
    names = [m.name for m in pkgutil.iter_modules(__path__) if not m.name.startswith("_")]
    found = [
        importlib.import_module(f"{__name__}.{name}").RULE._replace(name=name.replace("_", "-"))
        for name in names
    ]
    return {rule.name: rule for rule in sorted(found, key=lambda r: (_ORDER.index(r.judges), r.name))}


RULES: dict[str, Rule] = _load()

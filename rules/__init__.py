"""Rules that say why a task or an answer is not worth learning from; one rule per file.

A module of this folder whose name has no leading underscore is a rule: it defines `RULE`, and its name
with hyphens is the rule's name. An installed package brings rules by entry points of the group
`datagen.rules`: the entry point's name is the rule's name, its value a module that defines `RULE`.
`RULES` holds all of them in the fixed order in which the first that fires becomes a row's `reason`: by what
they judge (instruction, response, code, pair), then by name. They are loaded when first looked at.

The package knows nothing of the rest of datagen: it is handed a frame with the columns `instruction`,
and where there are answers `response`, `code`, `language`, `finish_reason`, `entry_point`, `role`.
"""

from __future__ import annotations

from rules._judge import CodeMeasures, judge
from rules._python import Parsed
from rules._registry import BrokenRuleError, Registry
from rules._rule import Above, Below, Condition, IsTrue, Rule, Unit

__all__ = [
    "RULES",
    "Above",
    "Below",
    "BrokenRuleError",
    "CodeMeasures",
    "Condition",
    "IsTrue",
    "Parsed",
    "Rule",
    "Unit",
    "document",
    "judge",
    "summary",
]

RULES = Registry()


def document(name: str) -> str:
    """The docstring of the module that defines the rule `name`; "" where it has none."""
    return RULES.document(name)


def summary(name: str) -> str:
    """The first line of the rule's docstring."""
    return document(name).partition("\n")[0]

"""An evolved instruction that carries words of the prompt that evolved it.

What: the instruction holds a marker of an evolving prompt (`#Rewritten Task#`), one of its labels
    ("Harder task:"), a sentence of its method list, or speaks of "the given prompt" while it also speaks
    of rewriting or of difficulty.
Why: the text is about changing a task, it is no task itself.
Source: WizardLM's fourth elimination rule; the phrases are those of WizardLM, evol-dataset and
    PanGu-Coder2's prompts. A bare "given task" or "new prompt" is no evidence, schedulers and shells have
    those (our addition).
Kept: `Write a scheduler that runs the given task list.`
Dropped: `#Rewritten Task#: Write a scheduler with priorities.`
"""

import polars as pl

from rules._rule import IsTrue, Rule

_NAMED = r"(?:programming )?(?:test )?(?:prompt|task|test|question|problem|instruction)"

# Enough alone: hardly anybody writes these but an evolving prompt.
_LEAKS = (
    # markers: '#Given Test#', and as a heading where no other reading is left
    rf"# ?(?:the )?(?:given|new|original|created|evolved|updated|translated|rewritten|harder) {_NAMED} ?#",
    rf"(?m:^)\s*#+ ?(?:given prompt|(?:rewritten|evolved|harder) {_NAMED})\b",
    # names of the result
    rf"\b(?:rewritten|evolved) {_NAMED}\b",
    # labels: 'Harder task: ...'; a to-do list may have a 'New task:' or 'Updated task:' of its own
    rf"\b(?:harder|more (?:difficult|complex|challenging)) {_NAMED}[*_]* ?:",
    r"(?:(?m:^)|\bhere(?:'s| is) )\W*(?:the |a |my |your )?(?:given task|"
    r"(?:given|new|created|updated|translated|improved|original) prompt)[*_\"]* ?:",
    r"(?:\A|[.!?\n]) ?(?:the |this )?given prompt (?:is|asks|should|must|requires|has|was)\b",
    r"\b(?:solves?|satisf(?:y|ies)|implements?) the (?:given|new|original) prompt\b",
    # sentences of the method lists
    r"\breplace a commonly used requirement\b",
    r"\bif the original problem can be solved with only a\b",
    r"\bpropose higher time or space complexity\b",
    r"\bprovide a piece of erroneous code as a reference\b",
    r"\badd new constraints and requirements to the original\b",
    r"\b(?:modify|increase the difficulty of|rewrite|evolve) the (?:given |original )?"
    r"programming (?:test|task|problem|question)\b",
)

# Not enough alone.
_SUSPECTS = (
    r"\b(?:given|following|new|created|updated|translated|original) prompt\b",
    r"\b(?:given|original) (?:programming )?(?:task|test question|instruction)"
    r"(?:[.,;:!?]|$| (?:so|to|by|into|and|that|is to)\b)",
)
_EVIDENCE = (
    r"\brewrit(?:e|es|ing|ten)\b",
    r"\bevolv(?:e|es|ed|ing)\b",
    r"\bharder\b",
    r"\bmore (?:complex|complicated|difficult|challenging)\b",
    r"\b(?:increase|raise) the (?:difficulty|complexity)\b",
    r"\badd(?:s|ed|ing)? (?:\w+ ){0,3}(?:constraints?|requirements?)\b",
)


def _any_of(patterns: tuple[str, ...]) -> pl.Expr:
    return pl.col("instruction").str.contains("(?i)" + "|".join(patterns))


RULE = Rule(
    judges="instruction",
    measure="leaked_prompt_words",
    of=_any_of(_LEAKS) | (_any_of(_SUSPECTS) & _any_of(_EVIDENCE)),
    drop_when=IsTrue(),
)

"""Python source parsed once per row, for every rule that looks at code."""

from __future__ import annotations

import ast
import warnings
from typing import NamedTuple

MAX_CHARACTERS = 65_536


class Parsed(NamedTuple):
    """An answer's Python source with its tree, or the reason why there is none.

    tree is None when the source does not compile; error then holds the message and its line.
    instruction is the task that it answers; entry_point the function that the task names, if any.
    """

    source: str
    tree: ast.Module | None
    error: str | None
    instruction: str = ""
    entry_point: str | None = None


def parse(source: str, instruction: str = "", entry_point: str | None = None) -> Parsed:
    """Parse and compile `source`, never running it.

    `compile` sees what `ast.parse` alone lets through, `return` outside a function for one.
    Hostile nesting (RecursionError, MemoryError) and null bytes (ValueError) count as errors too, and so does
    source of more than `MAX_CHARACTERS`: Python's parser takes gigabytes for some texts of that length.
    """
    if len(source) > MAX_CHARACTERS:
        return Parsed(source, None, f"more than {MAX_CHARACTERS:,} characters", instruction, entry_point)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # SyntaxWarning for "\d" in model-written code
            tree = ast.parse(source)
            compile(tree, "<answer>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return Parsed(source, None, f"{error.msg} (line {error.lineno})", instruction, entry_point)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return Parsed(source, None, f"{type(error).__name__}: {error}", instruction, entry_point)
    return Parsed(source, tree, None, instruction, entry_point)

"""Columns that several stages read, computed once: the code of an answer and its language."""

from __future__ import annotations

import ast
import re
import warnings
from typing import NamedTuple

import polars as pl

from datagen import schema

_FENCE = re.compile(r"^[ \t]*(```+|~~~+)[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:^[ \t]*\1[ \t]*$|\Z)", re.M | re.S)
_LANGUAGES = {"py": "python", "python3": "python", "js": "javascript", "ts": "typescript", "c++": "cpp"}
_PYTHON_SIGNS = re.compile(
    r"^\s*(?:async\s+)?(?:def\s+\w+\s*\(.*\).*:|class\s+\w+.*:|import\s+\w|from\s+[\w.]+\s+import\b)", re.M
)
_CODE_LINE = re.compile(
    r"[;{}]\s*$|^\s*(?:[<#@/*]|--)|^\s*(?:select|insert|update|delete|create)\b|^\s*\w[\w.\[\]]*\s*=\s|\)\s*$",
    re.I,
)


class Code(NamedTuple):
    """Code found in an answer; both None where there is none, language None where it is not known."""

    text: str | None
    language: str | None


def extract_code(response: str | None, entry_point: str | None = None) -> Code:
    """The code of an answer.

    The fenced block that defines `entry_point`, else the first fenced block (an unclosed one runs to
    the end); without fences the whole answer if it reads as code.
    """
    if not response:
        return Code(None, None)
    blocks = [(m[2].lower(), m[3].rstrip()) for m in _FENCE.finditer(response)]
    blocks = [block for block in blocks if block[1].strip()]
    if blocks:
        defines = (
            re.compile(rf"\b(?:def|function|func|fn|class)\s+{re.escape(entry_point)}\b")
            if entry_point
            else None
        )
        chosen = next((b for b in blocks if defines and defines.search(b[1])), blocks[0])
        info = _LANGUAGES.get(chosen[0], chosen[0]) or _guess(chosen[1])
        return Code(chosen[1], info)
    if "```" in response:
        return Code(None, None)
    text = response.strip("\n").rstrip()
    language = _guess(text)
    if language == "python" or _reads_as_code(text):
        return Code(text, language)
    return Code(None, None)


def _guess(text: str) -> str | None:
    return "python" if _PYTHON_SIGNS.search(text) or _is_python(text) else None


def _is_python(text: str) -> bool:
    """Whether it compiles and does something; a single word or number compiles too, but is no code."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call) for node in body)


def _reads_as_code(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip()]
    return 2 * sum(bool(_CODE_LINE.search(line)) for line in lines) > len(lines)


def with_code(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the columns `code` and `language`, where it has answers; those it brings are kept."""
    if "response" not in frame.columns:
        return frame
    frame = schema.with_columns(frame, ["code", "language", "entry_point", "finish_reason", "role"])
    if frame.height == 0:
        return frame
    rows = frame.select("response", "code", "language", "entry_point").iter_rows()
    found = [
        Code(code, language or _guess(code)) if code is not None else extract_code(response, entry_point)
        for response, code, language, entry_point in rows
    ]
    return frame.with_columns(
        pl.Series("code", [c.text for c in found], pl.String),
        pl.Series("language", [c.language for c in found], pl.String),
    )

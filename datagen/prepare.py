"""Columns that several stages read, computed once: the code of an answer and its language."""

from __future__ import annotations

import ast
import re
import warnings
from typing import NamedTuple

import polars as pl

from datagen import schema

# The text is a model's: every pattern here is linear, so none begins with what can span lines.
_FENCE = re.compile(
    r"^([ \t]*)(`{3,8}|~{3,8})[ \t]*([\w+#.-]*)[^\n]*\n(.*?)(?:^[ \t]*\2[ \t]*$|\Z)", re.MULTILINE | re.DOTALL
)
_LANGUAGES = {
    **dict.fromkeys(("py", "py3", "python3"), "python"),
    **{"js": "javascript", "ts": "typescript", "c++": "cpp"},
}
# Only Python ends such a line with a colon; `import x` alone begins Java, Swift and Haskell too.
_PYTHON_SIGNS = re.compile(
    r"^[ \t]*(?:(?:async[ \t]+)?def[ \t]+\w+[ \t]*\(|class[ \t]+\w)[^\n{;]*:[ \t]*(?:#[^\n]*)?$", re.MULTILINE
)
_PYTHON_BEGINS = re.compile(
    r"^(?:def[ \t]|async[ \t]+def[ \t]|class[ \t]+\w|import[ \t]+\w|from[ \t]+[\w.]+[ \t]+import\b|@\w)",
    re.MULTILINE,
)
_CODE_LINE = re.compile(
    r"[;{}]\s*$|^\s*(?:[<#@/*$]|--)|\)\s*$|^\s*\w[\w.\[\]]*\s*[+:]?=\s"
    r"|^\s*(?:select|insert|update|delete|create|alter|from|where)\b"
    r"|^\s*(?:echo|fi|do|done|then|else|elif|end|puts|print|return|def|func|fn|local)\b",
    re.IGNORECASE,
)
MAX_PARAGRAPHS = 50
#: Longer text is not parsed: Python's parser takes quadratic memory for `from a.a.a...`.
MAX_SOURCE = 2**16


#: Blocks that show how to install or what comes out, where another one holds the code.
_TERMINAL = frozenset({"bash", "sh", "shell", "console", "text", "txt", "plaintext", "output"})


class Code(NamedTuple):
    """Code found in an answer; both None where there is none, language None where it is not known."""

    text: str | None
    language: str | None


def extract_code(response: str | None, entry_point: str | None = None) -> Code:
    """The code of an answer.

    The fenced block that defines `entry_point`, else the first fenced block that is not for a terminal
    (an unclosed one runs to the end). Without fences: the whole answer if it is or reads as code, else the
    Python in its prose.
    """
    if not response:
        return Code(None, None)
    response = response.replace("\r\n", "\n")
    blocks = [(m[3], _dedented(m[4], m[1])) for m in _FENCE.finditer(response)]
    blocks = [block for block in blocks if block[1].strip()]
    if blocks:
        first = next((b for b in blocks if b[0].lower() not in _TERMINAL), blocks[0])
        language, text = next((b for b in blocks if _defines(b[1], entry_point)), first)
        return Code(text, _common_name(language) or _guess(text))
    if "```" in response:
        return Code(None, None)
    text = response.strip("\n").rstrip()
    if _is_python(text):
        return Code(text, "python")
    inner = _python_in_prose(text)
    if inner is not None:
        return Code(inner, "python")
    if text.startswith("#!") or _PYTHON_SIGNS.search(text) or _reads_as_code(text):
        return Code(text, _guess(text))
    return Code(None, None)


def _common_name(language: str) -> str:
    return _LANGUAGES.get(language.lower(), language.lower())


def _defines(text: str, entry_point: str | None) -> bool:
    if not entry_point:
        return False
    return re.search(rf"\b(?:def|function|func|fn|class)[ \t]+{re.escape(entry_point)}\b", text) is not None


def _dedented(text: str, indent: str) -> str:
    """A block's text as if its fence stood at the beginning of the line, as in a list item."""
    lines = [line.removeprefix(indent) for line in text.splitlines()] if indent else [text]
    return "\n".join(lines).rstrip()


def _python_in_prose(text: str) -> str | None:
    """From the first line that begins Python up to the last paragraph with which it still compiles."""
    begins = _PYTHON_BEGINS.search(text)
    if begins is None:
        return None
    paragraphs = text[begins.start() :].split("\n\n")
    for end in range(min(len(paragraphs), MAX_PARAGRAPHS), 0, -1):
        candidate = "\n\n".join(paragraphs[:end]).rstrip()
        if _is_python(candidate):
            return candidate
    return None


def _guess(text: str) -> str | None:
    return "python" if _is_python(text) or _PYTHON_SIGNS.search(text) else None


def _is_python(text: str) -> bool:
    """Whether it compiles and does something; a single word or number compiles too, but is no code."""
    if len(text) > MAX_SOURCE:
        return False
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            body = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return any(not isinstance(node, ast.Expr) or isinstance(node.value, ast.Call) for node in body)


def _reads_as_code(text: str) -> bool:
    lines = [line for line in text.splitlines() if line.strip()]
    return 2 * sum(bool(_CODE_LINE.search(line)) for line in lines) >= len(lines) > 0


def _code_of(response: str | None, code: str | None, language: str | None, entry_point: str | None) -> Code:
    """What a row brings, and what is missing of it from its answer."""
    found = extract_code(response, entry_point) if code is None else Code(code, _guess(code))
    return found._replace(language=_common_name(language)) if language else found


def with_code(frame: pl.DataFrame) -> pl.DataFrame:
    """`frame` with the columns `code` and `language`, where it has answers; those it brings are kept."""
    if "response" not in frame.columns:
        return frame
    frame = schema.with_columns(frame, ["code", "language", "entry_point", "finish_reason", "role"])
    if frame.height == 0:
        return frame
    rows = frame.select("response", "code", "language", "entry_point").iter_rows()
    found = [_code_of(*row) for row in rows]
    return frame.with_columns(
        pl.Series("code", [c.text for c in found], pl.String),
        pl.Series("language", [c.language for c in found], pl.String),
    )

"""Tokens of C, C++, Java, JavaScript, TypeScript, Go and Rust, and which of these a piece of code is."""

from __future__ import annotations

import re
from typing import NamedTuple

#: Tags of fences, and what they mean.
TAGS = {
    **{"c": "c", "h": "c", "cpp": "cpp", "c++": "cpp", "cc": "cpp", "cxx": "cpp", "hpp": "cpp"},
    **{"java": "java", "js": "js", "javascript": "js", "jsx": "js", "node": "js", "mjs": "js"},
    **{"ts": "js", "typescript": "js", "tsx": "js", "go": "go", "golang": "go", "rust": "rust", "rs": "rust"},
}
#: What only one language has. The first that is found decides.
_SIGNS = (
    ("rust", re.compile(r"\bfn \w+\s*(?:<[^>\n]*>\s*)?\(|\blet mut \w|\bimpl \w+ \{")),
    ("go", re.compile(r"^(?:package \w+\s*$|func )|\bfunc\(|\S :=\s", re.MULTILINE)),
    (
        "cpp",
        re.compile(
            r"\bstd::|\b(?:vector|unordered_map|unordered_set|map|set|pair|stack|queue)<\w"
            r"|\busing namespace\b"
            r"|#include\s*<(?:iostream|vector|string|algorithm|bits/stdc\+\+\.h|map|set|cmath)>"
            r"|\bstring \w+(?: ?=|[;(,)])|\bauto [&*]?\w+ ?[=:]|\bauto& "
        ),
    ),
    (
        "java",
        re.compile(
            r"\bpublic (?:static |class |final |abstract |[A-Z]\w*[<\[\s]|int|boolean|long|double|void|char)"
            r"|\bprivate static\b|\b(?:List|Map|Set|ArrayList|HashMap)<[A-Z]\w*|\bimport java\b"
            r"|\bString \w+[,)]"
            r"|\bstatic (?:int|boolean|String|long|double|void)\b.*\bString\b"
        ),
    ),
    (
        "js",
        re.compile(
            r"\bfunction\s*\w*\s*\(|=>|\b(?:const|let|var) (?:\w+|[\[{][\w, ]+[\]}]) ?(?:=|of\b|:)|==="
            r"|console\.log"
        ),
    ),
    (
        "c",
        re.compile(
            r"#include\s*[<\"]|\b(?:int|char|bool|void|double|float|long|size_t)\s*\*?\s*\w+\s*\([^;{}]{0,300}\)\s*\{"
        ),
    ),
)
#: At least one of these stands in all code of these languages that defines a function.
_BRACED = re.compile(r"[)>\w\]]\s*\{\s*(?:\n|//|/\*|return\b|[^{}\n]{0,200}\})|=>")
_LIFETIME = re.compile(r"(?<=[&<,\s])(?<!break )(?<!continue )'(?:static|[a-z_]\w*)\b(?!')")
_RAW = re.compile(r"(?<![\w\"'])r(?=\")")
_COMMENT = r"/\*(?:[^*]|\*(?!/))*+(?:\*/|\Z)|//[^\n]*|(?m:^[ \t]*#)(?:\\\r?\n|[^\n])*"
_REGEX = (
    r"|(?P<regex>(?<=[(,=:!&|?;\[][ ]|.[(,=:!&|?;\[]|n[ ])/(?![*/\s])"
    r"(?:[^/\\\n\[]|\\.|\[(?:[^\]\\\n]|\\.){0,200}\]){1,300}+/[gimsuy]*)"
)
_REST = (
    r"|(?P<string>\"(?:[^\"\\\n]|\\.){0,1000}+\"|'(?:[^'\\\n]|\\.){0,1000}+'|`(?:[^`\\]|\\.){0,2000}+`)"
    r"|(?P<number>0[xX][0-9a-fA-F_]+|0[bB][01_]+|[0-9][0-9_]*(?:\.(?![.a-zA-Z_])[0-9]*)?(?:[eE][+-]?[0-9]+)?)(?:[a-zA-Z_][a-zA-Z_0-9]*)?"
    r"|(?P<name>[^\W\d][\w$]*|\$[\w$]*)"
    r"|(?P<mark>>>>=|===|!==|\*\*=|<<=|>>=|\.\.=|\.\.\.|&&=|\|\|=|\?\?=|>>>|[-+*/%&|^<>=!:]=|&&|\|\||\+\+|--|=>|->|::"
    r"|\?\?|\?\.(?!\d)|\.\.|<<|>>|\*\*|[^\s\w])"
)
_TOKEN = re.compile(_COMMENT + _REST)
_TOKEN_OR_REGEX = re.compile(_COMMENT + _REGEX + _REST)
_OPENING = {"(": ")", "[": "]", "{": "}"}


class Token(NamedTuple):
    """A token.

    Args:
        kind: "name", "number", "string", "regex", "mark", or "" at the end.
        text: what stands there; numbers have no suffix.
        start: its place in the code.
        end: where it ends.
        first: whether a line ends before it.
    """

    kind: str
    text: str
    start: int
    end: int
    first: bool


def tokens_of(code: str, language: str) -> tuple[list[Token], list[int]]:
    """The tokens of code, the last one empty, and for each bracket the place of its other one, or -1."""
    if language == "rust":
        code = _RAW.sub(" ", _LIFETIME.sub(lambda found: " " * len(found[0]), code))
    tokens: list[Token] = []
    last = 0
    for found in (_TOKEN_OR_REGEX if language == "js" else _TOKEN).finditer(code):
        kind = found.lastgroup
        if kind is None:
            continue
        text = found[kind]
        if kind == "number" and (suffix := found[0][len(text) :]) and suffix[:1] in "fFdD":
            text += "" if "." in text or "x" in text or "e" in text else ".0"
        first = "\n" in code[last : found.start()]
        last = found.end()
        tokens.append(Token(kind, text, found.start(), last, first))
    tokens.append(Token("", "", len(code), len(code), True))
    return tokens, _matched(tokens)


def _matched(tokens: list[Token]) -> list[int]:
    other = [-1] * len(tokens)
    waiting: list[int] = []
    for place, (kind, text, *_) in enumerate(tokens):
        if kind != "mark":
            continue
        if text in _OPENING:
            waiting.append(place)
        elif text in ")]}" and waiting and _OPENING[tokens[waiting[-1]].text] == text:
            opened = waiting.pop()
            other[opened], other[place] = place, opened
        elif text == "}":  # brackets that nobody closed end with the block
            while waiting and tokens[waiting[-1]].text != "{":
                waiting.pop()
            if waiting:
                opened = waiting.pop()
                other[opened], other[place] = place, opened
    return other


def language_of(code: str, tag: str = "") -> str:
    """The language of code: "c", "cpp", "java", "js", "go", "rust", or "" if it looks like none of them."""
    named = TAGS.get(tag.strip().lower(), "")
    if named and named != "c":
        return named
    if not _BRACED.search(code):
        return named
    for language, sign in _SIGNS:
        if (not named or language in {"c", "cpp"}) and sign.search(code):
            return language
    return named

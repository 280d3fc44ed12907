"""Python programs for functions that are written in C, C++, Java, JavaScript, TypeScript, Go or Rust.

A translation says what the function does to plain values. It may be wrong: integers do not overflow, types
are read only where they decide a result, and what is not known is left to `foreign`, which
raises where a program comes to it. Functions that use fields, pointers to pointers, or what one of the
readers does not know, are left out.
"""

from __future__ import annotations

import builtins
import keyword
import re
import unicodedata
import warnings

from decontam.translate.expressions import Node, Unread
from decontam.translate.heads import Function
from decontam.translate.read import Reader
from decontam.translate.tokens import language_of
from decontam.translate.values import kind_of
from decontam.translate.write import Writer, sized

#: Longer code is cut.
_LONGEST = 100_000
#: A function may become so many times as long, and so many characters more.
_GROWTH, _MORE = 30, 10_000
#: Functions of a piece of code, and of these such as show what the others do.
_MOST = 40
_SHOWING = re.compile(r"main|Main|test\w*|Test\w*|run_?tests?|setup|print\w*|display\w*", re.IGNORECASE)
_DEFINES = re.compile(
    r"^[ \t]*#[ \t]*define[ \t]+(\w+)[ \t]+\(?(-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?)\)?[ \t]*$", re.MULTILINE
)
_ITEMS = re.compile(r"&?(?:mut )?(?:\[|(?:vector|List|ArrayList|Vec)<|(?:int|long|double|float)(?:\[|\*))")
_MACROS = re.compile(r"^[ \t]*#[ \t]*define[ \t]+(\w+)\(", re.MULTILINE)
#: Names that the sandbox takes for a way out of a program, or that programs need themselves.
_TAKEN = frozenset(dir(builtins)) | frozenset(
    "collections functools itertools json math re string bisect heapq register final override overload"
    " encoder decoder scanner wraps dispatch_table attrgetter enum sys dispatch abstractmethod".split()
)
_UNSAFE = re.compile(r"_.*|(?:[FT]|f|tb|gi|cr|ag|co|v|t|l|i)_.*")
#: The sandbox calls methods of classes that say they are of the program; those of `F_` take other values.
_BEGIN = """from foreign import T_


class F_:
    __module__ = ""

"""


def translated(code: str, language: str = "") -> str:
    """A Python program with the functions of a piece of code, "" if none can be translated.

    Args:
        code: in C, C++, Java, JavaScript, TypeScript, Go or Rust.
        language: the tag of its fence; it is guessed from the code where the tag names none of these.
    """
    code = code[:_LONGEST]
    known = language_of(code, language)
    return _functions(code, known) if known else ""


def _functions(code: str, language: str) -> str:
    try:
        reader = Reader(code, language)
        parts = list(reader.parts())
    except RecursionError:
        return ""
    functions = [one for one in parts if isinstance(one, Function)][:_MOST]
    counts: dict[str, list[int]] = {}
    for one in functions:
        counts.setdefault(one.name, []).append(len(one.parameters))
    writer = Writer(language, counts)
    writer.setting = {one.name for one in functions if one.sets}
    writer.failing = {one.name for one in functions if language == "go" and "error" in one.result}
    macros = set(_MACROS.findall(code)) if language in {"c", "cpp"} else set()
    writer.unread = (reader.unread | macros) - counts.keys()
    writer.results = {one.name: kind_of(one.result, language) for one in functions}
    before: list[str] = [f"v_{name} = {value}" for name, value in _DEFINES.findall(code)]
    writer.scope.kinds.update((name, "") for name, _ in _DEFINES.findall(code))
    for part in parts:
        if not isinstance(part, Function):
            before += _declared(writer, part, len(code))
    inner: list[str] = []
    outer: list[str] = []
    for one in functions:
        lines = _written(writer, one)
        if lines:
            inner += lines
            if not _SHOWING.fullmatch(one.name) and not (one.sets and one.result == "void"):
                outer += _called(one, language)
    if not outer:
        return ""
    return "\n".join([_BEGIN, *inner, "", *before, *outer, ""])


def _written(writer: Writer, function: Function) -> list[str]:
    """The lines of a function, none if it cannot be translated."""
    writer.left = (function.end - function.start) * _GROWTH + _MORE
    scope = writer.scope
    try:
        lines = writer.function(function)
        return lines if _compiles("class F_:\n" + "\n".join(lines)) else []
    except (Unread, RecursionError, ValueError, TypeError, IndexError, OverflowError):
        return []
    finally:
        writer.scope = scope


def _declared(writer: Writer, part: Node, size: int) -> list[str]:
    """The lines of a declaration outside of functions, none if it calls one or cannot be translated."""
    writer.left = size * _GROWTH + _MORE
    writer.lines, writer.indent, writer.depth, scope = [], 0, 0, writer.scope
    kinds = dict(scope.kinds)
    try:
        writer.statement(part)
        text = "\n".join(writer.lines)
        if "F_.i_" not in text and _compiles(text):
            return writer.lines
    except (Unread, RecursionError, ValueError, TypeError, IndexError, OverflowError):
        pass
    writer.scope = scope
    scope.kinds = kinds
    return []


def _compiles(text: str) -> bool:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text, "translated", "exec", dont_inherit=True)
    except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
        return False
    return True


def _called(function: Function, language: str) -> list[str]:
    """The function of the program that calls one of these with plain values."""
    lengths = sized(function.parameters) if language in {"c", "cpp"} else {}
    given: list[str] = []
    head: list[str] = []
    before: list[str] = []
    trimmed = ""
    for place, (target, written, default) in enumerate(function.parameters):
        name = f"a_{place}"
        if place in lengths:
            given.append(f"len(b_{lengths[place]})")
            continue
        if (
            language == "c"
            and "*" in written
            and target[0] == "name"
            and re.fullmatch(r"(?i)return_?\w*|\w*(?:size|len|count|length)", target[1])
        ):
            before.append(f"    b_{place} = [0]")
            given.append(f"b_{place}")
            trimmed = f"b_{place}"
            continue
        star = "*" if target[0] == "rest" else ""
        head.append(f"{star}{name}" + ("=None" if default else ""))
        before.append(f"    b_{place} = {_into(name, written, language)}")
        given.append(f"{star}b_{place}")
    name = unicodedata.normalize("NFKC", function.name)  # as Python reads it
    if name in _TAKEN or keyword.iskeyword(name) or _UNSAFE.fullmatch(name):
        name = f"{name.strip('_')}_of"
    call = f"F_.i_{function.name}_{len(function.parameters)}({', '.join(given)})"
    lines = [f"def {name}({', '.join(head)}):", *before]
    changed = next(
        (
            f"b_{place}"
            for place, one in enumerate(function.parameters)
            if place not in lengths and _many(one[1])
        ),
        "",
    )
    if function.result in {"void", "()", ""} and language in {"c", "cpp", "rust", "java", "go"} and changed:
        lines += [f"    {call}", f"    return T_.out({changed})"]
    elif trimmed:
        lines += [
            f"    r_ = T_.out({call})",
            f"    return r_[: {trimmed}[0]] if isinstance(r_, list) else r_",
        ]
    else:
        lines.append(f"    return T_.out({call})")
    return lines if name.isidentifier() and _compiles("\n".join(lines)) else []


def _many(written: str) -> bool:
    return bool(re.search(r"\[|\*|vector|Vec|List", written)) and "string" not in written.split("<")[0]


def _sort_of(written: str, kind: str) -> str:
    """What a parameter of this type takes: "number", "text", "items", or "" for anything."""
    if kind in {"int", "float"}:
        return "number"
    if kind == "string":
        return "text"
    return (
        "items" if _ITEMS.match(written) and not re.search(r"char|Char|byte|u8|rune|\bT\b", written) else ""
    )


def _into(name: str, written: str, language: str) -> str:
    """What a function is given for a plain value of its caller."""
    kind = kind_of(written, language)
    if kind == "char":
        return f"T_.char({name})"
    found = f"T_.into({name})"
    if language != "js" and (sort := _sort_of(written, kind)):
        found = f'T_.given("{sort}", {found})'
    if language != "js" and re.search(r"float|double|Double|Float|f32|f64", written) and "ap<" not in written:
        return f"T_.floats({found})"
    return found

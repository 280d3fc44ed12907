"""What translated programs run on: values and operations of C, C++, Java, JavaScript, Go and Rust in Python.

The sandbox imports this package once, as `foreign`, before programs run. It has the standard library alone.
Nothing here changes once it is imported: programs share it.

Throughout, `g` is the language ("c", "cpp", "java", "js", "go", "rust") and `o` the owner of a method or
element. Values can be anything, so they have the type Any. Sets are dicts without values, which keep their
order. What does not fit raises as Python does.
"""

from __future__ import annotations

from . import constants, elements, formatting, kinds, library, methods, operators, values


class T_:
    """Operations, by language."""

    Builder = values.Builder
    Char = values.Char
    Iter = values.Iter
    Map = values.Map
    Regex = values.Regex
    Set = values.Set

    op = staticmethod(operators.operate)
    neg = staticmethod(operators.neg)
    truth = staticmethod(operators.truth)
    typeof = staticmethod(operators.typeof)
    char = staticmethod(values.char)
    chars = staticmethod(values.chars)
    text = staticmethod(values.to_text)
    regex = staticmethod(values.regex)
    show = staticmethod(formatting.show)
    index = staticmethod(elements.index)
    put = staticmethod(elements.put)
    put_char = staticmethod(elements.put_char)
    without = staticmethod(elements.without)
    get = staticmethod(elements.get)
    call = staticmethod(methods.call)
    static = staticmethod(library.static)
    const = staticmethod(constants.const)
    new = staticmethod(kinds.new)
    default = staticmethod(kinds.default)
    cast = staticmethod(kinds.cast)
    each = staticmethod(values.each)
    pairs = staticmethod(values.pairs)
    keys = staticmethod(values.keys)
    into = staticmethod(values.into)
    out = staticmethod(values.out)
    fail = staticmethod(values.fail)
    filled = staticmethod(values.filled)
    given = staticmethod(values.given)
    copy = staticmethod(values.copied)
    floats = staticmethod(values.floats)

"""Methods of text and characters."""

from __future__ import annotations

import math
import re

from .containers import add, concat, put_all
from .elements import index
from .formatting import show, string
from .numbers import fixed
from .operators import same
from .parsing import digit
from .texts import changed, cut, matched, order_of, padding, replace, replace_all, sliced, split, substr, trim
from .values import Builder, Char, Methods, char, compare, each, letter, needed, to_text

TEXT_METHODS: Methods = (
    (
        "substring sublist",
        lambda g, o, *x: cut(g, to_text(o) if not isinstance(o, list) or isinstance(o, Builder) else o, *x),
    ),
    ("substr", substr),
    ("slice copyofrange", sliced),
    (
        "split fields splitwhitespace splitasciiwhitespace",
        lambda g, o, *x: split(g, o, *x) if x else to_text(o).split() if g != "js" else [o],
    ),
    ("lines", lambda _, o: o.splitlines()),
    (
        "splitn",
        lambda g, o, a, b: o.split(a, b - 1) if g == "go" and isinstance(a, str) else o.split(b, a - 1),
    ),
    ("join", lambda g, o, by=",": to_text(by).join(["" if x is None else show(g, x) for x in each(g, o)])),
    ("concat", lambda g, o, *x: concat(g, o, x)),
    ("repeat", lambda _, o, n: to_text(o) * n if n >= 0 else needed(None)),
    ("touppercase toupper toasciiuppercase", lambda g, o: changed(g, o, str.upper)),
    ("tolowercase tolower toasciilowercase", lambda g, o: changed(g, o, str.lower)),
    ("title capitalize", lambda _, o: to_text(o).title()),
    ("trim strip trimspace trimmatches", lambda _, o, *x: trim(to_text(o), *x)),
    ("trimstart trimleft stripleading trimstartmatches", lambda _, o, x=None: trim(o, x, "left")),
    ("trimend trimright striptrailing trimendmatches", lambda _, o, x=None: trim(o, x, "right")),
    ("trimprefix", lambda _, o, x: o.removeprefix(x)),
    ("trimsuffix", lambda _, o, x: o.removesuffix(x)),
    ("stripprefix", lambda _, o, x: o[len(x) :] if o.startswith(x) else None),
    ("stripsuffix", lambda _, o, x: o[: len(o) - len(x)] if o.endswith(x) else None),
    (
        "replace replacefirst",
        lambda g, o, *x: (
            replace(g, o, *x)
            if not isinstance(o, Builder)
            else put_all(o, "".join(o)[: x[0]] + x[2] + "".join(o)[x[1] :])
        ),
    ),
    ("replaceall", lambda g, o, *x: o.replace(*x) if g == "go" else replace_all(g, o, *x)),
    (
        "startswith hasprefix",
        lambda _, o, x, *m: (
            x(Char(o[0]))
            if callable(x) and o
            else o.startswith(x, *m)
            if isinstance(o, str)
            else o[: len(x)] == x
        ),
    ),
    (
        "endswith hassuffix",
        lambda _, o, x: (
            x(Char(o[-1]))
            if callable(x) and o
            else o.endswith(x)
            if isinstance(o, str)
            else o[len(o) - len(x) :] == x
        ),
    ),
    ("padstart", lambda _, o, n, by=" ": padding(o, n, by) + o),
    ("padend", lambda _, o, n, by=" ": o + padding(o, n, by)),
    ("match", lambda _, o, x: matched(o, x)),
    ("matchall", lambda _, o, x: [[m[0], *m.groups()] for m in re.finditer(x[0], o)]),
    (
        "matches",
        lambda g, o, x: o.count(x) and [x] * o.count(x) if g == "rust" else re.fullmatch(x, o) is not None,
    ),
    ("test", lambda g, o, x: re.search(o[0], show(g, x)) is not None),
    ("search", lambda _, o, x: next((m.start() for m in re.finditer(x[0], o)), -1)),
    (
        "charcodeat codepointat",
        lambda g, o, k=0: ord(o[k]) if 0 <= k < len(o) else math.nan if g == "js" else index(g, o, k),
    ),
    ("codepoints", lambda _, o: [ord(c) for c in o]),
    ("equals eq equal deepequal", lambda g, o, x: same(g if g != "js" else "", "==", o, x)),
    ("equalsignorecase eqignoreasciicase equalfold", lambda _, o, x: o.lower() == x.lower()),
    ("ne", lambda g, o, x: not same(g, "==", o, x)),
    ("compareto cmp partialcmp compare localecompare totalcmp strcmp", order_of),
    ("comparetoignorecase", lambda _, o, x: compare(o.lower(), x.lower())),
    ("then", lambda _, o, x: o or x),
    ("thenwith", lambda _, o, f: o or f()),
    ("tostring", string),
    (
        "str writestring writebyte writerune",
        lambda g, o, *x: add(g, o, *[char(i) if isinstance(i, int) else i for i in x]) if x else show(g, o),
    ),
    ("tofixed", lambda _, o, n=0: fixed(o, n)),
    ("tolocalestring", lambda _, o: format(o, ",")),
    ("isletter isalpha isalphabetic isasciialphabetic", lambda _, o: letter(o).isalpha()),
    ("isdigit isnumeric isasciidigit isnumber", lambda _, o, *_x: letter(o).isdigit()),
    ("isletterordigit isalnum isalphanumeric isasciialphanumeric", lambda _, o: letter(o).isalnum()),
    ("isupper isuppercase isasciiuppercase", lambda _, o: letter(o).isupper()),
    ("islower islowercase isasciilowercase", lambda _, o: letter(o).islower()),
    (
        "isspace iswhitespace isasciiwhitespace isblank",
        lambda _, o: not to_text(letter(o)).strip() if not isinstance(o, int) else chr(o).isspace(),
    ),
    ("ispunct isasciipunctuation", lambda _, o: 32 < ord(letter(o)) < 127 and (not letter(o).isalnum())),
    ("isxdigit isasciihexdigit", lambda _, o: letter(o) in "0123456789abcdefABCDEF"),
    ("getnumericvalue todigit digit", lambda g, o, base=10: digit(g, o, base)),
)

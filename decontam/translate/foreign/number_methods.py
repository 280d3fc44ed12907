"""Methods of numbers, and of values that may be missing."""

from __future__ import annotations

import functools
import math

from .elements import member
from .formatting import printf
from .kinds import collect
from .numbers import bits, divide, log, power, quotient, real, remainder, round_half, rounded, to_number
from .parsing import parse_rust
from .values import Char, Methods, length, needed


def unsettled() -> None:
    """What depends on whether a number has a sign.

    Raises:
        NotImplementedError: always.
    """
    raise NotImplementedError


NUMBER_METHODS: Methods = (
    (
        "floor floorkey",
        lambda g, o, *x: max((i for i in o if i <= x[0]), default=None) if x else rounded(g, o, math.floor),
    ),
    ("ceil", lambda g, x: rounded(g, x, math.ceil)),
    ("formatted", lambda g, form, *x: printf(g, form, x)),
    ("ceiling ceilingkey", lambda _, o, x: min((i for i in o if i >= x), default=None)),
    ("parse", lambda _, o, how="i64": parse_rust(how, o)),
    ("intvalue longvalue aslong", lambda _, o: int(o)),
    ("doublevalue", lambda _, o: float(o)),
    ("unwrap expect getasint getasdouble getaslong orelsethrow", lambda _, o, *_x: needed(o)),
    ("unwrapor orelse unwrapordefault", lambda _, o, x=0: x if o is None else o),
    ("unwraporelse orelseget", lambda _, o, f: f() if o is None else o),
    ("mapor", lambda _, o, x, f: x if o is None else f(o)),
    ("issome isok ispresent issomeand isokand", lambda _, o, *f: o is not None and (not f or f[0](o))),
    ("isnone iserr", lambda _, o: o is None),
    ("ok okor", lambda _, o, *_x: o),
    ("ifpresent", lambda _, o, f: f(o) if o is not None else None),
    ("charvalue booleanvalue aschar", lambda _, o: o),
    ("collect", collect),
    ("abs fabs llabs labs unsignedabs", lambda _, x: abs(x)),
    ("sqrt", lambda g, x: real(g, math.sqrt(x)) if x >= 0 else math.nan),
    ("cbrt", lambda g, x: real(g, round(abs(x) ** (1 / 3), 12)) * (-1 if x < 0 else 1)),
    ("pow powi powf checkedpow", lambda g, a, b, *_m: power(g, a, b)),
    ("trunc", lambda g, x: real(g, math.trunc(x))),
    ("fract", lambda _, x: math.fmod(x, 1.0)),
    ("round lround", lambda g, x, *_m: round_half(g, x)),
    ("exp", lambda _, x: math.exp(x)),
    ("ln log", lambda _, x, *b: divide(log(x), log(b[0])) if b else log(x)),
    ("log10", lambda _, x: math.log10(x) if x > 0 else log(x)),
    ("log2", lambda _, x: math.log2(x) if x > 0 else log(x)),
    ("sin", lambda _, x: math.sin(x)),
    ("cos", lambda _, x: math.cos(x)),
    ("tan", lambda _, x: math.tan(x)),
    ("atan", lambda _, x: math.atan(x)),
    ("atan2", lambda _, a, b: math.atan2(a, b)),
    ("hypot", lambda _, *x: math.hypot(*x)),
    ("fmod", lambda _, a, b: remainder(float(a), float(b))),
    ("mod remeuclid floormod", lambda g, a, b: a % b if g != "go" else remainder(float(a), float(b))),
    ("floordiv diveuclid", lambda _, a, b: a // b),
    ("sign signum", lambda _, x: (x > 0) - (x < 0)),
    ("isnan", lambda g, x, *_m: to_number(x) != to_number(x) if g == "js" else x != x),
    ("isfinite", lambda _, x: math.isfinite(to_number(x))),
    ("isinfinite isinf", lambda _, x, *_m: math.isinf(x)),
    ("clamp", lambda _, x, a, b: min(max(x, a), b)),
    ("absdiff", lambda _, a, b: abs(a - b)),
    ("wrappingadd checkedadd saturatingadd", lambda _, a, b: a + b),
    ("wrappingsub", lambda _, a, b: a - b),
    ("checkedsub", lambda _, a, b: a - b if a >= b else unsettled()),
    ("saturatingsub", lambda _, a, b: max(a - b, 0)),
    ("wrappingmul checkedmul saturatingmul multiply", lambda _, a, b: a * b),
    ("countones bitcount onescount", lambda _, x: bin(x & (1 << 64) - 1 if x < 0 else x).count("1")),
    ("trailingzeros numberoftrailingzeros", lambda _, x: (x & -x).bit_length() - 1 if x else 64),
    ("subtract", lambda _, a, b: a - b),
    ("divide", lambda _, a, b: quotient(a, b)),
    ("gcd", lambda _, a, b: math.gcd(a, b)),
    ("lcm", lambda _, a, b: math.lcm(a, b)),
    ("hashcode", lambda _, o: functools.reduce(lambda h, c: bits(h * 31 + ord(c)), o, 0)),
    ("apply applyasint accept applyasdouble", lambda _, f, *x: f(*x)),
    ("withcapacity reserve capacity cap", lambda _, o, *_x: length(o)),
    ("tochar", lambda _, o: Char(o)),
    ("hasownproperty", lambda _, o, x: member(o, x)),
)

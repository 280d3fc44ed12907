"""Library functions."""

from __future__ import annotations

import json
import math
from typing import Any

from .algorithms import between
from .constants import const, is_const, plain_path
from .containers import add_all, array_from, assign_all, put_all, put_pair, splice, swap
from .formatting import braces, printf, show, string
from .functions import best, comparing, group, ordered, place_of, sort, sort_part, sort_places
from .kinds import cast, default, new
from .methods import call
from .numbers import backwards, in_base, power, rounded, to_number
from .operators import operate, same, truth
from .parsing import parse, parse_float, parse_int, with_error
from .texts import changed, cut, split, trim
from .values import (
    Char,
    Iter,
    Methods,
    Tree,
    TreeSet,
    char,
    compare,
    each,
    into,
    key_of,
    keys,
    length,
    letter,
    needed,
    to_text,
)

#: Library functions by the path or its last name, and what they do with a language and the arguments.
_TABLE: Methods = (
    ("max Max fmax Math.max", lambda g, *x: best(max, g, *x) if x else -math.inf),
    ("min Min fmin Math.min", lambda g, *x: best(min, g, *x) if x else math.inf),
    ("floor Floor", lambda g, x: rounded(g, x, math.floor)),
    ("ceil Ceil", lambda g, x: rounded(g, x, math.ceil)),
    ("trunc Trunc", lambda g, x: rounded(g, x, math.trunc)),
    ("abs fabs Abs", lambda g, x: abs(to_number(x)) if g == "js" else float(abs(x)) if g == "go" else abs(x)),
    ("Math.pow pow Pow", power),
    ("sum Integer.sum", lambda _, *x: sum(x) if len(x) > 1 else sum(*x)),
    (
        "parseInt Number.parseInt Integer.parseInt Integer.valueOf Long.parseLong Long.valueOf",
        parse_int,
    ),
    (
        "stoi stol stoll atoi atol strtol",
        lambda g, x, *_b: parse(x, 10, True) or (0 if g == "c" or parse(x, 10, True) == 0 else needed(None)),
    ),
    (
        "parseFloat Number.parseFloat Double.parseDouble Double.valueOf stod atof stof",
        parse_float,
    ),
    ("Atoi", lambda _, x: with_error(parse(x))),
    ("ParseInt", lambda _, x, base=10, *_m: with_error(parse(x, base))),
    ("ParseFloat", lambda g, x, *_m: with_error(parse_float(g, x))),
    (
        "Itoa to_string valueOf String Integer.toString Double.toString Long.toString copyValueOf",
        lambda g, x, *b: string(
            g,
            to_text(x) if g == "java" and isinstance(x, list) and all(isinstance(c, str) for c in x) else x,
            *b,
        ),
    ),
    ("FormatInt", lambda _, x, base: in_base(x, base)),
    ("toBinaryString", lambda _, x: bin(x & 0xFFFFFFFF if x < 0 else x)[2:]),
    ("toHexString", lambda _, x: f"{x & 0xFFFFFFFF:x}"),
    ("Number", lambda _, x=0: to_number(x) if x is not None else 0),
    ("BigInt BigInteger.valueOf", lambda _, x: int(x)),
    ("Boolean", truth),
    ("Array", lambda g, *x: new(g, "Array", *x)),
    ("Array.from", lambda g, x, f=None: array_from(g, x, f)),
    (
        "Array.of List.of Arrays.asList Set.of vec",
        lambda g, *x: list(x[0]) if len(x) == 1 and isinstance(x[0], list) and (g == "java") else list(x),
    ),
    ("Array.isArray", lambda _, x: isinstance(x, list)),
    ("Number.isInteger", lambda _, x: isinstance(x, int) and (not isinstance(x, bool))),
    ("Object.keys", lambda _, o: [str(k) for k in keys(o)]),
    ("Object.values", lambda _, o: [o[k] for k in keys(o)]),
    ("Object.entries", lambda _, o: [[str(k), o[k]] for k in keys(o)]),
    ("Object.fromEntries", lambda g, x: {show(g, k): v for k, v in each(g, x)}),
    ("Object.assign", lambda _, o, *x: assign_all(o, x)),
    ("String.fromCharCode String.fromCodePoint", lambda _, *x: "".join([chr(int(c)) for c in x])),
    ("JSON.stringify", lambda _, x, *_m: json.dumps(x, separators=(",", ":"), ensure_ascii=False)),
    ("JSON.parse", lambda _, x: json.loads(x)),
    (
        "String.format format Sprintf String.formatted sprintf",
        lambda g, form, *x: braces(g, form, x) if g in ("rust", "cpp") else printf(g, form, x),
    ),
    ("Sprint", lambda g, *x: "".join([show(g, i) for i in x])),
    ("Errorf errors.New", lambda _, *x: ValueError(*x)),
    (
        "String.join",
        lambda g, by, *x: to_text(by).join(
            [show(g, i) for i in (x[0] if len(x) == 1 and (not isinstance(x[0], str)) else x)]
        ),
    ),
    ("strings.Map", lambda _, f, s: "".join([letter(f(Char(c))) for c in s])),
    ("IndexFunc", place_of),
    ("FieldsFunc", lambda g, o, f: [x for x in split(g, o, f) if x]),
    ("strings.Count", lambda _, o, x: o.count(x)),
    ("strings.Trim TrimFunc", lambda _, o, x: trim(o, x)),
    ("strings.Replace", lambda _, o, a, b, n=-1: o.replace(a, b, n)),
    ("strings.IndexByte IndexRune", lambda _, o, x: o.find(letter(x))),
    ("ContainsRune ContainsAny", lambda _, o, x: any(c in o for c in letter(x))),
    ("sort.Slice sort.SliceStable Slice SliceStable", sort_places),
    ("Ints Strings Float64s SortFunc SortStableFunc", lambda g, o, *f: o.sort() if not f else sort(g, o, *f)),
    ("sort.Sort", lambda _, o: o.sort()),
    (
        "sort.Reverse reverseOrder Reverse",
        lambda g, *x: (lambda a, b: compare(b, a)) if g == "java" else backwards(*x),
    ),
    ("naturalOrder", lambda _: compare),
    ("comparing comparingInt comparingDouble comparingLong comparator", lambda _, *f: comparing(*f)),
    ("comparingByKey", lambda _, *f: comparing(lambda e: e[0], *f)),
    ("comparingByValue", lambda _, *f: comparing(lambda e: e[1], *f)),
    ("Arrays.sort Collections.sort", sort_part),
    ("Collections.reverse slices.Reverse", lambda _, o: o.reverse()),
    ("Collections.swap", lambda _, o, i, j: swap(o, i, j)),
    ("Collections.max", lambda g, o, *f: best(max, g, o, *f)),
    ("Collections.min", lambda g, o, *f: best(min, g, o, *f)),
    ("Collections.frequency", lambda _, o, x: list(o).count(x)),
    ("Collections.nCopies", lambda _, n, x: [x] * n),
    ("Collections.emptyList", lambda _: []),
    ("Collections.addAll", lambda g, o, *x: add_all(g, o, list(x))),
    (
        "Arrays.stream Stream.of IntStream.of",
        lambda g, *x: list(cut(g, *x)) if isinstance(x[0], list) else list(x),
    ),
    ("Arrays.toString Arrays.deepToString", show),
    ("Arrays.equals Objects.equals", lambda g, a, b: same(g, "==", a, b)),
    ("Arrays.copyOf", lambda _, o, n: o[:n] + [0] * (n - len(o))),
    ("Arrays.copyOfRange", lambda _, o, a, b: o[a:b] + [0] * (b - max(len(o), a))),
    ("range", lambda _, a, b: list(range(a, b))),
    ("rangeClosed", lambda _, a, b: list(range(a, b + 1))),
    ("Collectors.toList toUnmodifiableList", lambda _: list),
    ("Collectors.toSet", lambda _: lambda o: TreeSet.fromkeys(map(key_of, o))),
    ("Collectors.joining", lambda g, by="", a="", b="": lambda o: a + by.join([show(g, x) for x in o]) + b),
    ("Collectors.counting", lambda _: len),
    ("Collectors.groupingBy", lambda _, f, *m: group(f, *m[-1:])),
    ("Collectors.toMap", lambda _, f, h, *_m: lambda o: Tree(int, {key_of(f(x)): h(x) for x in o})),
    ("Function.identity identity", lambda _: lambda x: x),
    ("Map.entry make_pair pair make_tuple SimpleEntry", lambda _, *x: list(x)),
    ("tie", lambda _, *x: tuple(x)),
    ("string", lambda g, *x: cast(g, "string", x[0]) if len(x) == 1 else new(g, "string", *x)),
    ("strlen", lambda _, o: len(to_text(o))),
    ("strcmp", lambda _, a, b: compare(to_text(a), to_text(b))),
    ("strncmp", lambda _, a, b, n: compare(to_text(a)[:n], to_text(b)[:n])),
    ("strchr", lambda _, o, x: o[o.find(letter(x)) :] if letter(x) in o else None),
    ("strstr", lambda _, o, x: o[o.find(x) :] if x in o else None),
    ("sizeof", lambda _, x=0: len(x) if isinstance(x, list) else 1),
    ("malloc", lambda _, n: [0] * n),
    ("calloc", lambda _, n, m=1: [0] * (n * m)),
    ("realloc", lambda _, o, n: (o or []) + [0] * (n - len(o or []))),
    ("free printf println cout print fmt.Println console.log System.out.println puts", lambda _, *_x: None),
    ("memset", lambda _, o, x, *_n: put_all(o, [x] * len(o))),
    ("qsort", lambda g, o, n, _size, f: put_all(o, ordered(g, o[:n], f) + o[n:])),
    ("append", lambda _, o, *x: [*(o or []), *x]),
    ("len size", lambda _, o: 0 if o is None else length(o)),
    (
        "make",
        lambda g, text, *n: default(g, text, *n[:1]) if not text.startswith("map") else default(g, text),
    ),
    ("delete", lambda _, o, k: o.pop(key_of(k), None)),
    ("copy", lambda _, o, x: put_all(o, list(x[: len(o)]) + o[len(x) :])),
    ("unicode.ToUpper", lambda _, x: changed("rust", x, str.upper)),
    ("unicode.ToLower", lambda _, x: changed("rust", x, str.lower)),
    ("utf8.RuneCountInString", lambda _, x: len(x)),
    ("from_digit", lambda _, x, base=10: Char(in_base(x, base)) if x < base else None),
    ("from_u32 char.from", lambda _, x: char(x)),
    ("from_utf8 from_utf8_lossy from_iter String.from_utf8", lambda _, x: to_text(x)),
    ("String.from str.from", show),
    (
        "i64.from i32.from u32.from u64.from usize.from f64.from",
        lambda _, x: ord(x) if isinstance(x, str) else x,
    ),
    ("repeat", lambda g, x, n: to_text(x) * n if isinstance(x, str) and g != "rust" else [x] * n),
    ("next next_iter prev", lambda g, x, n=1: operate(g, "+", x, n)),
    ("Some Ok Rc.new Box.new move ref", lambda _, x=None: x),
    ("back_inserter", lambda _, o: o),
    ("isspace", lambda _, x: letter(x).isspace()),
    ("mem.swap", lambda _, *x: put_pair(*x)),
    ("mem.take", lambda _, o: splice(o, 0) if isinstance(o, list) else o),
    ("structuredClone strdup", lambda _, x: into(x)),
)
_FUNCTIONS = {name: function for names, function in _TABLE for name in names.split()}


def static(g: str, path: str, *args: Any) -> Any:
    """What a library function gives, or the value of a constant.

    Raises:
        NotImplementedError: it is not known.
    """
    path = plain_path(path).rstrip("!")
    last = path.rpartition(".")[2]
    if len(args) > 1 and isinstance(args[1], Iter):
        if not isinstance(args[0], Iter):
            args = (Iter((args[0], 0, 1)), *args[1:])
        if g in ("c", "cpp"):
            return between(g, last, *args)
    if not args and is_const(path):
        return const(path)
    if path.endswith(">"):
        return new(g, path, *args)
    found = _FUNCTIONS.get(path) or _FUNCTIONS.get(last)
    if found:
        return found(g, *args)
    if last in ("new", "with_capacity", "from", "default") and (args or last in ("new", "default")):
        return new(g, path.rpartition(".")[0], *(args if last == "from" else ()))
    return call(g, args[0], last, *args[1:]) if args else const(path)

"""Methods that go through elements: streams, iterators, searches and sorting."""

from __future__ import annotations

import itertools
import math

from .containers import copy_of, put_all, reverse
from .functions import apply, best, first_of, flat, for_each, kept, mapped, ordered, place_of, reduce, sort
from .searching import binary_search, count_of, find, index_of, last_index_of
from .values import Iter, Methods, Set, chars, each, length, to_text

SEQUENCE_METHODS: Methods = (
    (
        "iter intoiter itermut stream boxed iterator parallelstream peekable cloned copied byref",
        lambda g, o: (
            o
            if g == "java" and isinstance(o, (int, float))
            else [o] * (o is not None)
            if not isinstance(o, (str, list, dict, range))
            else list(each(g, o))
        ),
    ),
    ("chars", lambda g, o: [ord(c) for c in to_text(o)] if g == "java" else chars(to_text(o))),
    ("bytes asbytes getbytes intobytes tobytes", lambda _, o: list(to_text(o).encode())),
    (
        "tochararray tovec toarray tolist clone toowned copy cstr asstr asref deref borrow into asstring",
        lambda g, o, *_x: copy_of(g, o),
    ),
    ("charindices enumerate", lambda g, o: [(i, x) for i, x in enumerate(each(g, o))]),
    ("rev", lambda g, o: list(each(g, o))[::-1]),
    ("zip", lambda g, o, x: list(zip(each(g, o), each(g, x), strict=False))),
    ("take limit", lambda g, o, n: list(each(g, o))[:n]),
    ("skip", lambda g, o, n: list(each(g, o))[n:]),
    ("stepby", lambda g, o, n: list(each(g, o))[::n]),
    ("nth", lambda g, o, n: next(iter(list(each(g, o))[n:]), None)),
    ("chain", lambda g, o, x: [*each(g, o), *each(g, x)]),
    ("windows", lambda _, o, n: [o[i : i + n] for i in range(len(o) - n + 1)]),
    ("chunks", lambda _, o, n: [o[i : i + n] for i in range(0, len(o), n)]),
    ("splitat", lambda _, o, n: (o[:n], o[n:])),
    ("takewhile", lambda g, o, f: list(itertools.takewhile(f, each(g, o)))),
    ("skipwhile dropwhile", lambda g, o, f: list(itertools.dropwhile(f, each(g, o)))),
    ("map maptoint maptoobj maptodouble maptolong asdoublestream", lambda g, o, f=float: mapped(g, o, f)),
    ("filter", kept),
    ("filtermap", lambda g, o, f: [x for x in mapped(g, list(each(g, o)), f) if x is not None]),
    (
        "flatmap",
        lambda g, o, f: [
            y
            for x in mapped(g, each(g, o), f)
            for y in (each(g, x) if g != "js" or isinstance(x, list) else [x])
        ],
    ),
    ("flat flatten", lambda g, o, d=1: [x for x in flat(g, o, d) if g != "rust" or x is not None]),
    ("foreach", for_each),
    ("reduce fold", reduce),
    ("reduceright", lambda g, o, f, *x: reduce(g, o[::-1], f, *x)),
    ("partition", lambda g, o, f: ([x for x in each(g, o) if f(x)], [x for x in each(g, o) if not f(x)])),
    ("sum", lambda g, o: sum(each(g, o))),
    ("product", lambda g, o: math.prod(each(g, o))),
    ("average", lambda _, o: sum(o) / len(o) if o else None),
    ("count", lambda _, o, *x: count_of(o, *x)),
    ("distinct", lambda _, o: list(dict.fromkeys(o))),
    ("dedup", lambda _, o: put_all(o, [k for k, _ in itertools.groupby(o)])),
    ("max", lambda g, o, *x: best(max, g, o, *x)),
    ("min", lambda g, o, *x: best(min, g, o, *x)),
    ("maxby", lambda g, o, f: best(max, g, o, f)),
    ("minby", lambda g, o, f: best(min, g, o, f)),
    ("maxbykey", lambda g, o, f: max(reversed(list(each(g, o))), key=lambda x: apply(f, x), default=None)),
    ("minbykey", lambda g, o, f: min(each(g, o), key=lambda x: apply(f, x), default=None)),
    ("sort sortunstable sortby sortunstableby", sort),
    ("sortbykey sortunstablebykey", lambda _, o, f: o.sort(key=lambda x: apply(f, x))),
    ("sorted tosorted", lambda g, o, *f: ordered(g, each(g, o), *f)),
    ("reverse", lambda _, o: reverse(o)),
    ("reversed toreversed descendingiterator", lambda g, o: list(each(g, o))[::-1]),
    ("find findfirst findany", lambda g, o, *x: find(g, o, *x) if x else next(iter(each(g, o)), None)),
    ("rfind", last_index_of),
    ("findindex position", place_of),
    ("findlast", lambda g, o, f: first_of(g, o[::-1], f)),
    ("indexof index", index_of),
    ("lastindexof lastindex", last_index_of),
    ("binarysearch", binary_search),
    ("issubset", lambda _, o, x: all(i in x for i in o)),
    ("union", lambda _, o, x: Set.fromkeys([*o, *x])),
    ("intersection", lambda _, o, x: Set.fromkeys([i for i in o if i in x])),
    ("difference", lambda _, o, x: Set.fromkeys([i for i in o if i not in x])),
    ("begin cbegin", lambda _, o: Iter((o, 0, 1))),
    ("end cend", lambda _, o: Iter((o, length(o), 1))),
    ("rbegin crbegin", lambda _, o: Iter((o, 0, -1))),
    ("rend crend", lambda _, o: Iter((o, length(o), -1))),
)

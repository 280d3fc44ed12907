"""Methods of lists, maps, sets, queues and builders."""

from __future__ import annotations

from .containers import (
    add,
    add_all,
    drain,
    fill_part,
    insert,
    last_of,
    peek,
    pop,
    push,
    put_all,
    remove,
    resize,
    retain,
    shift,
    splice,
    swap,
    swap_remove,
    top,
    unshift,
)
from .elements import element_at, entry, keys_of, merge, set_at, swap_in
from .functions import mapped
from .operators import truth
from .searching import contains, has_some
from .values import Builder, Deque, Heap, Methods, Set, each, into, is_map, key_of, length, sorted_keys

CONTAINER_METHODS: Methods = (
    ("length size len", lambda _, o, *_x: length(o)),
    ("isempty empty", lambda _, o: not length(o)),
    ("push pushback emplaceback append addlast offerlast pushstr offer", push),
    ("add", add),
    ("insert emplace", insert),
    ("pushfront addfirst unshift offerfirst", lambda _, o, *x: unshift(o, x)),
    ("addall extend putall pushall extendfromslice", add_all),
    ("pop popback", pop),
    ("polllast removelast", lambda _, o: o.pop() if o else None),
    ("shift popfront removefirst", shift),
    ("poll pollfirst", lambda g, o: shift(g, o, None)),
    ("next", lambda g, o: shift(g, o, None) if isinstance(o, list) else o),
    (
        "peek peekfirst",
        lambda g, o: (
            top(g, o)
            if g == "java" and isinstance(o, list) and not isinstance(o, (Deque, Heap))
            else peek(g, o, None)
        ),
    ),
    ("front getfirst element firstelement firstkey", lambda g, o: peek(g, o)[0] if is_map(o) else peek(g, o)),
    ("first", lambda g, o: peek(g, o, None) if g == "rust" else peek(g, o)),
    ("back top getlast peeklast last lastelement", last_of),
    ("lastkey", lambda _, o: sorted_keys(o)[-1]),
    ("get getordefault at charat", element_at),
    ("set", set_at),
    ("setcharat", lambda _, o, k, v: put_all(o, "".join(o)[:k] + v + "".join(o)[k + 1 :])),
    (
        "setlength truncate",
        lambda _, o, k: put_all(o, "".join(o)[:k]) if isinstance(o, Builder) else resize(o, min(k, len(o))),
    ),
    ("deletecharat", remove),
    ("put insertorassign", lambda _, o, k, v: swap_in(o, key_of(k), v)),
    ("putifabsent computeifabsent orinsert orinsertwith", entry),
    ("merge", lambda _, o, k, v, f: merge(o, k, v, f)),
    ("compute", lambda _, o, k, f: swap_in(o, key_of(k), f(k, o.get(key_of(k))))),
    ("remove erase delete removeentry", remove),
    ("swapremove", swap_remove),
    ("retain", lambda _, o, f: retain(o, f)),
    ("removeif", lambda _, o, f: retain(o, lambda x: not f(x))),
    ("removeall", lambda g, o, x: retain(o, lambda i: not contains(g, x, i))),
    ("retainall", lambda g, o, x: retain(o, lambda i: contains(g, x, i))),
    ("containsall issupersetof", lambda g, o, x: all(contains(g, o, i) for i in each(g, x))),
    ("clear", lambda _, o: o.clear() if not isinstance(o, Heap) else resize(o, 1)),
    ("resize", lambda _, o, *x: resize(o, *x)),
    ("assign", lambda _, o, n, v: put_all(o, [into(v) for _ in range(n)])),
    ("swap", lambda _, o, i, j: swap(o, i, j)),
    ("splice", lambda _, o, *x: splice(o, *x)),
    ("drain", lambda _, o, *x: splice(o, 0) if not x or not isinstance(o, list) else drain(o, x[0])),
    ("fill", fill_part),
    ("has contains containskey includes some any anymatch", lambda g, o, x, *_m: has_some(g, o, x)),
    ("containsvalue", lambda _, o, x: x in o.values()),
    ("containsany", lambda _, o, x: any(c in o for c in x)),
    ("every all allmatch", lambda g, o, f: all(truth(g, i) for i in mapped(g, each(g, o), f))),
    ("nonematch", lambda g, o, f: not contains(g, each(g, o), f)),
    ("keys keyset intokeys", lambda _, o: keys_of(o)),
    (
        "values valuesmut intovalues",
        lambda _, o: (
            keys_of(o)
            if isinstance(o, Set)
            else [o[k] for k in sorted_keys(o)]
            if isinstance(o, dict)
            else list(o)
        ),
    ),
    ("entryset entries", lambda g, o: list(enumerate(o)) if isinstance(o, list) else each(g, o)),
    ("getkey", lambda _, o: o[0]),
    ("getvalue", lambda _, o: o[1]),
)

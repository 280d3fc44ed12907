"""Which programs can run in a process that others use afterwards: those that can only change what is theirs.

Covers: all ways to what outlives a program, by the names in its compiled code. It has to import nothing but
the modules below, and use no name that leads out of it: modules reached through modules, frames, code
objects, attributes with underscores, access by strings, `open`. Whatever is not known to be harmless is not.

What a module keeps of what it was given (caches) is emptied by `forget`.

Does not cover: attributes set on modules, classes and functions of these modules: `Watch` finds them
afterwards. Faults of the interpreter.
"""

from __future__ import annotations

import dis
import importlib
import re
import sys
import types
import typing
from collections.abc import Iterator
from typing import Any

#: Modules that cannot affect other programs, but for the functions named below.
MODULES = (
    "array bisect cmath collections collections.abc datetime decimal fractions functools hashlib heapq"
    " itertools json math numbers operator random re statistics string textwrap time typing unicodedata"
).split()
#: What translations of other languages to Python need (decontam/translate). Only screeners have it.
FOREIGN = "foreign"
_ALLOWED = frozenset((*MODULES, FOREIGN))
#: Functions by which a program reaches more, or changes what is not its own.
_REACHING = (
    "open eval exec compile getattr setattr delattr globals locals vars breakpoint help exit quit license"
    " copyright credits attrgetter methodcaller total_ordering update_wrapper wraps singledispatch"
    " singledispatchmethod register final no_type_check no_type_check_decorator"
    " runtime_checkable get_type_hints overload DefaultContext BasicContext ExtendedContext dispatch_table"
    " encoder decoder scanner Formatter _value_ _name_ abstractmethod dataclass_transform override"
).split()
#: Objects of `typing` can be made anew in their place by `__init__`, so the two are refused together.
_MADE_AGAIN = frozenset({"typing", "__init__"})
_FRAMES = ("f_", "tb_", "gi_", "cr_", "ag_", "co_")
#: Names with underscores that lead nowhere: a program's own methods, and what equals an operator.
_OPERATORS = (
    "abs add and bool call ceil contains delitem divmod enter eq exit float floor floordiv ge getitem gt hash"
    " iadd iand ifloordiv ilshift imatmul imod imul index init int invert ior ipow irshift isub iter itruediv"
    " ixor le len length_hint lshift lt matmul missing mod mul ne neg new next or pos pow radd rand rdivmod"
    " repr reversed rfloordiv rlshift rmatmul rmod rmul ror round rpow rrshift rshift rsub rtruediv rxor str"
    " sub truediv trunc xor post_init"
).split()
_DUNDERS = frozenset(
    {"__name__", "__qualname__", "__module__", "__doc__", "__slots__", "__annotations__"}
    | {"__classcell__", "__classdictcell__", "__static_attributes__", "__firstlineno__"}
    | {f"__{name}__" for name in _OPERATORS}
)
_SETS = frozenset({dis.opmap["STORE_ATTR"], dis.opmap["DELETE_ATTR"]})
_READS = frozenset(dis.opmap[name] for name in ("LOAD_ATTR", "LOAD_METHOD") if name in dis.opmap)
#: Attributes that hold what can be changed: a program may have its own, and not ask for those of others.
_HOLDING = frozenset({"__slots__", "__annotations__"})
_IMPORT, _EXTENDED = dis.opmap["IMPORT_NAME"], dis.opmap["EXTENDED_ARG"]
_MATCHES_CLASS = dis.opmap["MATCH_CLASS"]  # it reads attributes whose names are constants
_IMMUTABLE_TYPE = 1 << 8
#: Operations of which imports are made, and a docstring before them.
_CONSTANTS = frozenset({"LOAD_CONST", "LOAD_SMALL_INT"})
_OF_IMPORTS = _CONSTANTS | {"RESUME", "CACHE", "EXTENDED_ARG", "IMPORT_FROM", "STORE_NAME", "POP_TOP"}


class Harmless:
    """Says of compiled programs whether they can be run beside others.

    What it refuses is computed from the modules as they are, so it has to be made before a program runs.
    """

    def __init__(self) -> None:
        modules = _modules()
        refused = {*_REACHING, *(name for module in modules for name in _leading_out(module))}
        self._refused = frozenset(refused)
        self._abstract = frozenset(name for module in modules for name in _abstract(module))

    def names(self, code: types.CodeType) -> tuple[set[str], bool] | None:
        """The names that a program uses and whether it sets attributes; None where it is not harmless."""
        names: set[str] = set()
        sets = False
        for part in _parts(code):
            names.update(part.co_names)
            operations = set(part.co_code[::2])
            if _MATCHES_CLASS in operations or (
                _IMPORT in operations and not _ALLOWED.issuperset(_imports(part))
            ):
                return None
            writes = not _SETS.isdisjoint(operations)
            if _reaches(part, writes=writes):
                return None
            sets = sets or writes
        if not self._refused.isdisjoint(names) or names >= _MADE_AGAIN:
            return None
        if "type" in names and not self._abstract.isdisjoint(names):
            return None
        for name in names:
            if name.startswith("__") and name.endswith("__"):
                if name not in _DUNDERS:
                    return None
            elif name.startswith(_FRAMES):
                return None
        return names, sets


def _modules() -> list[types.ModuleType]:
    found = [importlib.import_module(name) for name in MODULES]
    return [*found, sys.modules[FOREIGN]] if FOREIGN in sys.modules else found


def _parts(code: types.CodeType) -> Iterator[types.CodeType]:
    """A code object and all that it holds."""
    waiting = [code]
    while waiting:
        part = waiting.pop()
        yield part
        waiting += [constant for constant in part.co_consts if type(constant) is types.CodeType]


def _imports(code: types.CodeType) -> Iterator[str]:
    """The modules that a code object itself imports."""
    high = 0
    for operation, low in zip(code.co_code[::2], code.co_code[1::2], strict=True):
        if operation == _IMPORT:
            yield code.co_names[high | low]
        high = (high | low) << 8 if operation == _EXTENDED else 0


def lacks_module(code: types.CodeType) -> bool:
    """Whether a program begins with imports of which one can only fail, as its module is not Python's own."""
    if code.co_exceptiontable:  # what fails may be expected to
        return False
    constants: list[Any] = []
    for found in dis.get_instructions(code):
        if found.opname == "IMPORT_NAME":
            root = found.argval.partition(".")[0]
            if constants[-2:-1] == [0] and root not in sys.stdlib_module_names and root != FOREIGN:
                return True
        elif found.opname not in _OF_IMPORTS:
            return False
        if found.opname in _CONSTANTS:
            constants.append(found.argval)
    return False


def _reaches(code: types.CodeType, *, writes: bool) -> bool:
    """Whether a code object reads special attributes that hold something, or sets special attributes."""
    special = _DUNDERS if writes else _HOLDING
    return not special.isdisjoint(code.co_names) and any(
        (found.opcode in _READS and found.argval in _HOLDING)
        or (found.opcode in _SETS and found.argval in _DUNDERS)
        for found in dis.get_instructions(code)
    )


#: Members of flags that there are before a program combines others.
_FLAGS: dict[Any, Any] = re.RegexFlag._value2member_map_
_ALL_FLAGS = dict(_FLAGS)


def forget(names: set[str]) -> None:
    """Empty what modules keep of what a program with these names gave them, which may equal anything."""
    if "re" in names or FOREIGN in names:
        re.purge()
    if "typing" in names:
        for clear in typing._cleanups:  # type: ignore[attr-defined]
            clear()
    if "strptime" in names and "_strptime" in sys.modules:
        sys.modules["_strptime"]._regex_cache.clear()
    if len(_FLAGS) != len(_ALL_FLAGS):
        _FLAGS.clear()
        _FLAGS.update(_ALL_FLAGS)


def _leading_out(module: types.ModuleType) -> Iterator[str]:
    """Names of a module that lead to another one or to what can be changed, and its internal names."""
    for name, value in vars(module).items():
        if isinstance(value, types.ModuleType):
            if value.__name__ not in _ALLOWED:
                yield name
        elif isinstance(value, (dict, list, set, bytearray)) or _internal(name):
            yield name
        if isinstance(value, type):
            if issubclass(value, type):  # it makes classes with methods of any name
                yield name
            inside = [item for base in value.__mro__ for item in vars(base).items()]
            yield from (found for found, held in inside if _internal(found) or _holds(found, held))
        elif callable(value):  # a method of an instance, such as random.choice
            yield from filter(_internal, dir(getattr(value, "__self__", None)))


def _abstract(module: types.ModuleType) -> Iterator[str]:
    """Names of classes that keep what they were asked, or copy themselves as those that derive from them say.

    `type` makes classes that derive from them, with methods of any name.
    """
    for name, value in vars(module).items():
        if isinstance(value, type) and type(value) is not type:
            yield name


def _holds(name: str, value: object) -> bool:
    return isinstance(value, (dict, list, set, bytearray)) and not name.endswith("__")


def _internal(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


class Watch:
    """Finds out whether an attribute of the modules, their classes or functions was set."""

    def __init__(self) -> None:
        owners: dict[int, Any] = {}
        inside = [module for name, module in sys.modules.items() if name.startswith(f"{FOREIGN}.")]
        for module in [*_modules(), *inside]:
            _collect(module, owners)
        self._seen = [(vars(owner), dict(vars(owner))) for owner in owners.values()]

    def changed(self) -> bool:
        """Whether one of them is not as it was."""
        return any(names != before for names, before in self._seen)


def _collect(owner: Any, owners: dict[int, Any]) -> None:  # noqa: ANN401 - module, class or function
    """Note what has attributes that a program can set, and what is reached through them."""
    if id(owner) in owners:
        return
    owners[id(owner)] = owner
    reached = list(vars(owner).values())
    if isinstance(owner, type):
        reached += owner.__mro__
    for found in reached:
        value = found.__func__ if isinstance(found, staticmethod) else found
        if isinstance(value, types.FunctionType) or (
            isinstance(value, type) and not value.__flags__ & _IMMUTABLE_TYPE
        ):
            _collect(value, owners)

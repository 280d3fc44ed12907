"""Runs programs in this process and calls their functions: what a screening worker does.

A timer of CPU time stops a program, as long as it leaves the timer alone. What else it may do to this
process, and what is cleaned up afterwards, is in harmless.py.
"""

from __future__ import annotations

import builtins
import decimal
import dis
import functools
import gc
import math
import random
import re
import signal
import sys
import types
from collections.abc import Callable, Iterator
from time import monotonic, thread_time  # the clock of the process is coarse while a timer runs
from typing import Any, NamedTuple

from datagen.sandbox import deterministic, wire
from datagen.sandbox.harmless import FOREIGN, MODULES, Harmless, Watch, forget, lacks_module
from datagen.sandbox.texts import text_of

#: So many functions and methods of a program are called, the first that it defines.
MAX_FUNCTIONS = 64
_TICK_SECONDS = 0.004
_STALE_SECONDS = 0.0002
_FILE = "<solution>"
_VARIADIC = 4  # a flag of code objects: takes any number of arguments
_SUSPENDED = 0x20 | 0x80 | 0x200  # flags of generators, coroutines and asynchronous generators
_LACKS_MODULE = {"detail": "raised ModuleNotFoundError", "functions": {}}
#: What has code that runs where it is collected; a harmless program has no other finalizers.
_RUN_ON = frozenset({types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType})
#: After so many calls with arguments of one kind raised errors about types, others of that kind do, too.
_REFUSALS = 2
_ABOUT_TYPES = re.compile(r"""(['"])(?:bool|dict|float|int|list|set|str|tuple)\1""")
_MODULES = frozenset(name.partition(".")[0] for name in (*MODULES, FOREIGN))
_name_of: Callable[[type], str] = type.__dict__["__name__"].__get__  # a metaclass may say something else
_names_in: Callable[[type], Any] = type.__dict__["__dict__"].__get__
_bases_of: Callable[[type], tuple[type, ...]] = type.__dict__["__mro__"].__get__
_cached: type = type(functools.lru_cache(len))

#: How many arguments there are, what makes them anew, and of which kind they are (`kind_of`).
Input = tuple[int, Callable[[], Any], str]


class _Late(BaseException):
    """A program, or one of its calls, used more than its time."""


class _Function(NamedTuple):
    """What can be called: its dotted name, how many arguments it takes, and how to call it."""

    name: str
    least: int
    most: float
    call: Callable[[Any], Any]
    code: types.CodeType


class Runner:
    """Screens one program after the other.

    Args:
        inputs: arguments for every function that takes so many.
        limits: of a program, as in `ScreenLimits`.
        harmless: says which programs can be run here; None to run the first that comes, whatever it is.
        watch: finds what a program left.
    """

    def __init__(
        self, inputs: list[Input], limits: dict[str, Any], harmless: Harmless | None, watch: Watch
    ) -> None:
        self._inputs = inputs
        self._limits = limits
        self._harmless = harmless
        self._watch = watch
        self._builtins = dict(vars(builtins))
        self._ends = math.inf  # of what runs now, by the processor's clock
        self._last = math.inf  # of the program
        self._now = self._wall = 0.0  # the processor's clock when it was last read, and the wall's then
        self._by_count: dict[tuple[int, float], list[tuple[int, Callable[[], Any], str]]] = {}
        self._short_of_memory = False
        self._is_refused = False  # whether the last call raised an error about the types of its arguments
        self._imports = True  # whether the program may have been stopped in code that is not its own
        self.spent = False  # whether this process should run no other program

    def give(self, inputs: list[Input]) -> None:
        """Call functions with other inputs from now on."""
        self._inputs = inputs
        self._by_count = {}

    def start(self) -> None:
        """Let the timer tick in this process."""
        signal.signal(signal.SIGPROF, self._tick)
        signal.setitimer(signal.ITIMER_PROF, _TICK_SECONDS, _TICK_SECONDS)

    def _tick(self, *_: object) -> None:
        if thread_time() > self._ends:
            raise _Late

    def screened(self, code: str) -> dict[str, Any] | None:
        """What a program shows: `detail` of loading it, and by function its results.

        It is None for a program that has to be run in a process of its own.
        """
        try:
            compiled = compile(code.removeprefix("\ufeff"), _FILE, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return {"detail": "compile_error", "functions": {}}
        names, sets = {"random"}, False
        if self._harmless is not None:
            found = self._harmless.names(compiled)
            if found is None:
                return dict(_LACKS_MODULE) if lacks_module(compiled) else None
            names, sets = found
        self._imports = self._harmless is None or not names.isdisjoint(_MODULES)
        module = types.ModuleType("solution")
        sys.modules["solution"] = module
        space = module.__dict__
        space.clear()
        space.update({"__name__": "solution", "__builtins__": self._builtins.copy()})
        if not names.isdisjoint(("random", "statistics")):
            random.seed(0)
        if not names.isdisjoint(("random", "time", "datetime")):
            deterministic.begin(deterministic.now(), 0)
        self._last = thread_time() + self._limits["cpu_seconds"]
        shown = self._shown(compiled, space)
        self._clean(space, names, sets)
        if self._short_of_memory and self._harmless is not None:
            return None  # its neighbours may have left it too little
        return shown

    def _shown(self, compiled: types.CodeType, space: dict[str, Any]) -> dict[str, Any]:
        self._read_clocks()
        detail = self._limited(_loaded, self._limits["load_seconds"], compiled, space)
        called = {one.name: self._results(one) for one in _functions(space)}
        return {"detail": detail.removeprefix("!"), "functions": called}

    def _results(self, function: _Function) -> list[str | None]:
        """A text for each input, or None where it has another number of arguments.

        After `late_calls` that ran out of time there is no other: all inputs that follow count as that.
        """
        texts: list[str | None] = [None] * len(self._inputs)
        fitting = self._fitting(function.least, function.most)
        call, seconds, late = function.call, self._limits["call_seconds"], self._limits["late_calls"]
        sparing = self._limits["sparing"]
        if sparing and _returns_nothing(function.code):
            for place, _, _ in fitting:
                texts[place] = "null"
            return texts
        refusals: dict[str, int] = {}
        self._read_clocks()
        for place, make, kind in fitting:
            if not late:
                texts[place] = "!timeout"
                continue
            if sparing and refusals.get(kind, 0) >= _REFUSALS:
                texts[place] = "!raised TypeError"
                continue
            texts[place] = text = self._limited(_result, seconds, call, make)
            if text == "!timeout":
                late -= 1
            elif self._is_refused:
                refusals[kind] = refusals.get(kind, 0) + 1
        return texts

    def _fitting(self, least: int, most: float) -> list[tuple[int, Callable[[], Any], str]]:
        """The inputs of so many arguments: which they are, what makes them, and of which kind they are."""
        found = self._by_count.get((least, most))
        if found is None:
            found = [
                (place, make, kind)
                for place, (arguments, make, kind) in enumerate(self._inputs)
                if least <= arguments <= most
            ]
            self._by_count[least, most] = found
        return found

    def _read_clocks(self) -> None:
        self._wall = monotonic()
        self._now = thread_time()

    def _limited(self, act: Callable[..., str], seconds: float, *given: Any) -> str:  # noqa: ANN401 - of `act`
        """The text that comes of it within its time, or "!" and why there is none.

        The processor's clock is read only where it may have moved by more than `_STALE_SECONDS` since it was
        read last: that takes as long as many a call, and no thread uses more of it than goes by.

        Args:
            act: what is done.
            seconds: the CPU time it has, less what the last reading is old.
            given: what `act` gets.
        """
        ends = self._now + seconds
        if ends > self._last:
            ends = self._last
            if self._now > ends:
                return "!timeout"
        self._is_refused = False
        try:
            self._ends = ends
            try:
                text = act(*given)
            finally:
                self._ends = math.inf
        except wire.NotPlain:
            text = "!not_plain"
        except MemoryError:
            text = "!memory"
            self._short_of_memory = self.spent = True
        except BaseException as error:  # the program may raise anything
            text = f"!raised {_name_of(type(error))}"
            self._is_refused = _is_about_types(error)
        if ends == self._last or monotonic() - self._wall > _STALE_SECONDS:
            self._read_clocks()
            if self._now > ends:  # whatever the program made of it
                self.spent = self.spent or self._imports
                return "!timeout"
        return text

    def _clean(self, space: dict[str, Any], names: set[str], sets: bool) -> None:
        """Leave nothing of a program for the next one."""
        self._last = math.inf
        del sys.modules["solution"]
        if self._harmless is None:
            return
        forget(names)
        self._read_clocks()
        if self._limited(_emptied, self._limits["call_seconds"], space):
            self.spent = True  # what is left of it would take the time of the next one
        if "decimal" in names:
            decimal.setcontext(decimal.Context())
        if sets:
            self.spent = self.spent or self._watch.changed()


def _is_about_types(error: BaseException) -> bool:
    """Whether the interpreter says of a type that it does not fit: "object of type 'int' has no len()".

    Not where it may be a matter of the value: `ord` of a long text, or None that a search has returned.
    """
    if type(error) is not TypeError and type(error) is not AttributeError:
        return False
    said = error.args[0] if len(error.args) == 1 else None
    return type(said) is str and "'NoneType'" not in said and bool(_ABOUT_TYPES.search(said))


def kind_of(value: Any) -> str:  # noqa: ANN401 - anything
    """The types in a value, three levels deep: `tuple(str,list(int))` for a text and a list of numbers."""
    return _kind_below(value, 3)


def _kind_below(value: Any, levels: int) -> str:  # noqa: ANN401 - anything
    name = type(value).__name__
    if not levels or not isinstance(value, (list, tuple, set, frozenset, dict)):
        return name
    inner = [_kind_below(one, levels - 1) for one in value]
    if isinstance(value, dict):
        inner += [_kind_below(one, levels - 1) for one in value.values()]
    return f"{name}({','.join(inner if isinstance(value, tuple) else sorted(set(inner)))})"


def _returns_nothing(code: types.CodeType) -> bool:
    """Whether a function can return no value but None."""
    if code.co_flags & _SUSPENDED:
        return False
    before: dis.Instruction | None = None
    for found in dis.get_instructions(code):
        if found.opname == "RETURN_CONST":
            nothing = found.argval is None
        elif found.opname == "RETURN_VALUE":
            loaded = before is not None and before.opname == "LOAD_CONST" and before.argval is None
            nothing = loaded and not found.is_jump_target
        else:
            nothing = True
        if not nothing:
            return False
        before = found
    return True


def _loaded(compiled: types.CodeType, space: dict[str, Any]) -> str:
    exec(compiled, space)
    return ""


def _result(call: Callable[[Any], Any], make: Callable[[], Any]) -> str:
    result = call(make())
    return text_of(_waited(result) if type(result) is types.CoroutineType else result)


def _emptied(space: dict[str, Any]) -> str:
    """Nothing, or "left" where a generator is left: `finally` in one made another one."""
    space.clear()
    gc.collect()
    return "left" if any(type(one) in _RUN_ON for one in gc.get_objects()) else ""


def _functions(space: dict[str, Any]) -> Iterator[_Function]:
    """The functions of a program, and the methods of its classes that are made without arguments."""
    found = list(_all_functions(space))
    return iter(found[:MAX_FUNCTIONS])


def _all_functions(space: dict[str, Any]) -> Iterator[_Function]:
    for name, value in list(space.items()):
        if type(name) is not str:
            continue
        function = _own(value)
        if function is not None:
            yield from _function(name, function, 0, functools.partial(_called, value))
        elif isinstance(value, type) and _names_in(value).get("__module__") == "solution":
            yield from _methods(name, value)


def _methods(name: str, kind: type) -> Iterator[_Function]:
    """The methods that a class itself defines, called on a new instance each time."""
    made = next(
        (_names_in(base)["__init__"] for base in _bases_of(kind) if "__init__" in _names_in(base)), None
    )
    makers = [] if made is None or _own(made) is None else list(_function(name, made, 1, kind))
    if makers and makers[0].least > 0:
        return
    for method, value in list(_names_in(kind).items()):
        if type(method) is not str or (method.startswith("__") and method.endswith("__")):
            continue
        bound = 0 if type(value) is staticmethod else 1
        inner = value.__func__ if type(value) in (staticmethod, classmethod) else value
        function = _own(inner)
        if function is not None:
            yield from _function(
                f"{name}.{method}", function, bound, functools.partial(_method, kind, method)
            )


def _own(value: object) -> types.FunctionType | None:
    """The function of the program that a value is, or wraps in a cache."""
    if type(value) is _cached:
        value = getattr(value, "__wrapped__", None)
    if type(value) is types.FunctionType and value.__code__.co_filename == _FILE:
        return value
    return None


def _function(
    name: str, function: types.FunctionType, bound: int, call: Callable[[Any], Any]
) -> Iterator[_Function]:
    """The function, unless it needs arguments by name."""
    code = function.__code__
    if code.co_kwonlyargcount <= len(function.__kwdefaults__ or ()):
        most = code.co_argcount - bound
        least = max(most - len(function.__defaults__ or ()), 0)
        yield _Function(name, least, math.inf if code.co_flags & _VARIADIC else most, call, code)


def _called(function: Callable[..., Any], given: Any) -> Any:  # noqa: ANN401 - anything
    return function(*given)


def _method(kind: Callable[[], Any], name: str, given: Any) -> Any:  # noqa: ANN401 - anything
    return getattr(kind(), name)(*given)


def _waited(coroutine: types.CoroutineType[Any, Any, Any]) -> Any:  # noqa: ANN401 - anything
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise wire.NotPlain("coroutine")

"""Runs programs in this process and calls their functions: what a screening worker does.

A timer of CPU time stops a program, as long as it leaves the timer alone. What else it may do to this
process, and what is cleaned up afterwards, is in harmless.py.
"""

from __future__ import annotations

import builtins
import decimal
import dis
import gc
import math
import random
import re
import signal
import sys
import types
from collections.abc import Callable
from time import monotonic, thread_time  # the clock of the process is coarse while a timer runs
from typing import Any

from datagen.sandbox import callables, deterministic, wire
from datagen.sandbox.callables import FILE, Function, functions, returns_nothing
from datagen.sandbox.harmless import FOREIGN, Harmless, Watch, forget, lacks_module
from datagen.sandbox.texts import as_list, text_of

_TICK_SECONDS = 0.004
_STALE_SECONDS = 0.0002
#: Code that keeps nothing: a program's own, what calls it, and what writes its results.
_OF_NO_LIBRARY = frozenset({FILE, __file__, callables.__file__, text_of.__code__.co_filename})
_LACKS_MODULE = {"detail": "raised ModuleNotFoundError", "functions": {}, "found": []}
#: What has code that runs where it is collected; a harmless program has no other finalizers.
_RUN_ON = frozenset({types.GeneratorType, types.CoroutineType, types.AsyncGeneratorType})
#: After so many calls with arguments of one kind raised errors about types, others of that kind do, too.
_REFUSALS = 2
_ABOUT_TYPES = re.compile(r"""(['"])(?:bool|dict|float|int|list|set|str|tuple)\1""")
_RAISE = dis.opmap["RAISE_VARARGS"]
_trace_of: Callable[[BaseException], types.TracebackType | None] = BaseException.__dict__[
    "__traceback__"
].__get__
_name_of: Callable[[type], str] = type.__dict__["__name__"].__get__  # a metaclass may say something else

#: How many arguments there are, what makes them anew, and of which kind they are (`kind_of`).
Input = tuple[int, Callable[[], Any], str]


#: For each thing that is sought, its results as numbers of inputs and texts, and how many have to agree.
Sought = list[tuple[list[tuple[int, str]], int]]


class _Late(BaseException):
    """A program, or one of its calls, used more than its time."""


class Runner:
    """Screens one program after the other.

    Args:
        inputs: arguments for every function that takes so many.
        sought: what functions are compared with, instead of telling what they give; None for nothing.
        limits: of a program, as in `ScreenLimits`.
        harmless: says which programs can be run here; None to run the first that comes, whatever it is.
        watch: finds what a program left.
    """

    def __init__(
        self,
        inputs: list[Input],
        limits: dict[str, Any],
        harmless: Harmless | None,
        watch: Watch,
        sought: Sought | None = None,
    ) -> None:
        self.give(inputs, sought)
        self._limits = limits
        self._harmless = harmless
        self._watch = watch
        self._builtins = dict(vars(builtins))
        self._ends = math.inf  # of what runs now, by the processor's clock
        self._last = math.inf  # of the program
        self._now = self._wall = 0.0  # the processor's clock when it was last read, and the wall's then
        self._short_of_memory = False
        self._is_refused = False  # whether the last call raised an error about the types of its arguments
        self.spent = False  # whether this process should run no other program

    def give(self, inputs: list[Input], sought: Sought | None) -> None:
        """Call functions with other inputs from now on, and compare them with something else."""
        self._inputs = inputs
        self._by_count: dict[tuple[int, float], list[tuple[int, Callable[[], Any], str]]] = {}
        self._enough = [enough for _, enough in sought] if sought else []
        #: For each thing that is sought, how often a function differs that does not agree often enough.
        self._apart = [max(len(results) - enough + 1, 0) for results, enough in sought] if sought else []
        self._sought: list[list[tuple[int, str]]] | None = None
        if sought is not None:
            self._sought = [[] for _ in inputs]
            for number, (results, _) in enumerate(sought):
                for place, text in results:
                    self._sought[place].append((number, text))

    def start(self) -> None:
        """Let the timer tick in this process."""
        signal.signal(signal.SIGPROF, self._tick)
        signal.setitimer(signal.ITIMER_PROF, _TICK_SECONDS, _TICK_SECONDS)

    def _tick(self, _: int, frame: types.FrameType | None) -> None:
        if thread_time() > self._ends:
            self.spent = self.spent or _is_in_a_library(frame)
            raise _Late

    def screened(self, code: str) -> dict[str, Any] | None:
        """What a program shows: `detail` of loading it, and by function its results.

        It is None for a program that has to be run in a process of its own.
        """
        try:
            compiled = compile(code.removeprefix("\ufeff"), FILE, "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError, OverflowError):
            return {"detail": "compile_error", "functions": {}, "found": []}
        names, sets = {"random"}, False
        if self._harmless is not None:
            found = self._harmless.names(compiled)
            if found is None:
                return dict(_LACKS_MODULE) if lacks_module(compiled) else None
            names, sets = found
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
        detail = detail.removeprefix("!").replace("refused", "raised", 1)
        listed: list[Function] = []
        self._limited(_listed, self._limits["load_seconds"], space, listed)
        if self._sought is not None:
            return self._found(detail, listed, self._sought)
        return {"detail": detail, "functions": {one.name: self._results(one) for one in listed}}

    def _found(
        self, detail: str, called: list[Function], sought: list[list[tuple[int, str]]]
    ) -> dict[str, Any]:
        """What a program agrees with; and why it could not be compared.

        That is "timeout" where calls were made and none came to an end.
        """
        found: set[int] = set()
        ended = {self._compared(one, sought, found) for one in called}
        if called:
            detail = "timeout" if False in ended and True not in ended else ""
        return {"detail": detail or ("" if called else "no function"), "found": sorted(found)}

    def _compared(
        self, function: Function, sought: list[list[tuple[int, str]]], found: set[int]
    ) -> bool | None:
        """Add what a function agrees with; whether a call came to an end, or None where there was none.

        It is called with an input only while that may tell something.
        """
        lacks = self._enough.copy()
        #: How often the function may differ until it does not matter any more: 0 where it is settled.
        leaves = self._apart.copy()
        late = self._limits["late_calls"]
        gives_nothing = returns_nothing(function.code)
        refusals: dict[str, int] = {}
        ended: bool | None = None
        self._read_clocks()
        for place, make, kind in self._fitting(function.least, function.most):
            for one, _ in sought[place]:
                if leaves[one]:
                    break
            else:
                continue
            said = "null" if gives_nothing else self._said(function.call, make, kind, refusals)
            if said == "!timeout":
                ended = bool(ended)
                late -= 1
                if not late:
                    break
            else:
                ended = True
            said = as_list(said)
            for one, text in sought[place]:
                if not leaves[one]:
                    continue
                if said != text:
                    leaves[one] -= 1
                else:
                    lacks[one] -= 1
                    if lacks[one] == 0:
                        found.add(one)
                        leaves[one] = 0
        return ended

    def _said(
        self, call: Callable[[Any], Any], make: Callable[[], Any], kind: str, refusals: dict[str, int]
    ) -> str:
        """What comes of a call, unless calls with arguments of its kind were refused before."""
        if refusals.get(kind, 0) >= _REFUSALS:
            return "!raised TypeError"
        text = self._limited(_result, self._limits["call_seconds"], call, make)
        if self._is_refused:
            refusals[kind] = refusals.get(kind, 0) + 1
        return text

    def _results(self, function: Function) -> list[str | None]:
        """A text for each input, or None where it has another number of arguments.

        After `late_calls` that ran out of time there is no other: all inputs that follow count as that.
        """
        texts: list[str | None] = [None] * len(self._inputs)
        fitting = self._fitting(function.least, function.most)
        call, seconds, late = function.call, self._limits["call_seconds"], self._limits["late_calls"]
        self._read_clocks()
        for place, make, _ in fitting:
            if not late:
                texts[place] = "!timeout"
                continue
            texts[place] = text = self._limited(_result, seconds, call, make)
            if text == "!timeout":
                late -= 1
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
            text = f"!{'refused' if _refuses(error) else 'raised'} {_name_of(type(error))}"
            # Whoever calls itself without end for a list or a float does so for the next one, too.
            self._is_refused = type(error) is RecursionError or _is_about_types(error)
        if ends == self._last or monotonic() - self._wall > _STALE_SECONDS:
            self._read_clocks()
            if self._now > ends:  # whatever the program made of it
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


def _is_in_a_library(frame: types.FrameType | None) -> bool:
    """Whether a program is stopped in code of a library that may keep something: it would be left half done.

    What translations are built on (`foreign`) keeps nothing.
    """
    while frame is not None and frame.f_code is not Runner._limited.__code__:
        if frame.f_code.co_filename not in _OF_NO_LIBRARY:
            module = frame.f_globals.get("__name__")
            if type(module) is not str or module.partition(".")[0] != FOREIGN:
                return True
        frame = frame.f_back
    return False


def _refuses(error: BaseException) -> bool:
    """Whether a program raises an error itself that says what it does not take: of a value, or its own."""
    kind = type(error)
    module = callables.names_in(kind).get("__module__")
    if not issubclass(kind, (ValueError, AssertionError)) and not (
        type(module) is str and module == "solution"
    ):
        return False
    trace = _trace_of(error)
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if trace is None:
        return False
    code = trace.tb_frame.f_code
    return code.co_filename == FILE and code.co_code[trace.tb_lasti] == _RAISE


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


def _loaded(compiled: types.CodeType, space: dict[str, Any]) -> str:
    exec(compiled, space)
    return ""


def _listed(space: dict[str, Any], found: list[Function]) -> str:
    found += functions(space)
    return ""


def _result(call: Callable[[Any], Any], make: Callable[[], Any]) -> str:
    result = call(make())
    return text_of(_waited(result) if type(result) is types.CoroutineType else result)


def _emptied(space: dict[str, Any]) -> str:
    """Nothing, or "left" where a generator is left: `finally` in one made another one."""
    space.clear()
    gc.collect()
    return "" if _RUN_ON.isdisjoint(map(type, gc.get_objects())) else "left"


def _waited(coroutine: types.CoroutineType[Any, Any, Any]) -> Any:  # noqa: ANN401 - anything
    """The result of a coroutine that waits for nothing."""
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise wire.NotPlain("coroutine")

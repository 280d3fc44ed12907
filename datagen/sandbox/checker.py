"""The process that holds the tests: it asks the program for values, and is the only one that can tell.

Nothing of the program runs here: its functions and classes are proxies (proxies.py).
"""

from __future__ import annotations

import _thread
import builtins
import contextlib
import functools
import json
import os
import re
import resource
import signal
import socket
import sys
import time
import types
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from datagen.sandbox import marks, stand_in, wire
from datagen.sandbox.classes import Member, ProgramClass, later
from datagen.sandbox.functions import Function, changing
from datagen.sandbox.instances import Instance
from datagen.sandbox.proxies import DETAIL, Died, Program

#: A signal that comes so early in a test was meant for the test before.
_STALE_SECONDS = 0.05
#: A checker ends once it holds so much more than at its start: the next program would find too little.
_GROWTH_KB = 64 << 10


class TestTimeout(BaseException):
    """The test itself, not the program, used up its time."""


def attend(control: socket.socket, line: socket.socket, told: int, how: Mapping[str, Any]) -> None:
    """Check one program after the other: each time that the server gives a channel to one.

    Args:
        control: to the server.
        line: where datagen's request with code and tests is to be read.
        told: where to tell what came of each test.
        how: `value_bytes` and `restarts` (verdict.py); `lasting`: whether there is more than one program.
    """
    import random  # at the top it would be there before the server imports it in its own way

    from datagen.sandbox import deterministic

    resident: socket.socket | None = None
    sys.modules["pytest"] = stand_in  # whether the real one is there decides no verdict
    ordinary = _state()
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss + _GROWTH_KB
    while True:
        word, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not word:
            return
        channel = socket.socket(fileno=descriptors[0]) if descriptors else resident
        request = wire.receive(line, 1 << 31) | how | {"begins": deterministic.now()}
        deterministic.begin(request["begins"], 1)
        if not how["lasting"]:
            line.close()
        program = Program(control, channel, request, resident=word != b"y")
        run = Run(request, program, teller(told, request["seal"]))
        signal.signal(signal.SIGUSR1, lambda *_, run=run: run.interrupt())
        random.seed(1)  # what tests draw does not depend on the programs before
        run.all()
        resident = program.close() or (resident if word == b"y" else None)
        same = _state() == ordinary and not _thread._count()
        small = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss <= grown
        control.sendall(b"D" if same and small and not run.short else b"E")


#: Modules that tests use, whose names they could bind anew.
_USED = (
    "builtins collections copy functools itertools json math operator os pytest random re string sys time"
).split()
#: Timers whose signal could end a test of the next program.
_TIMERS = (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF)


def _state() -> list[Any]:
    """What tests of one program could leave to those of the next."""
    import decimal

    used = [sys.modules.get(name) for name in _USED]
    return [
        *used,
        *(dict(vars(module)) for module in used if isinstance(module, types.ModuleType)),
        *(sys.getrecursionlimit(), sys.get_int_max_str_digits(), list(sys.path), dict(os.environ)),
        *(str(decimal.getcontext()), os.getcwd()),  # noqa: PTH109 - pathlib would have to be loaded
        *(signal.getitimer(kind) != (0.0, 0.0) for kind in _TIMERS),
    ]


class Run:
    """One program with its tests."""

    def __init__(self, request: dict[str, Any], program: Program, tell: Callable[[Any], None]) -> None:
        self._request = request
        self._program = program
        self._tell = tell
        self._restarts = int(request["restarts"])
        self._inside = False
        self._started = 0.0
        self._names: dict[str, list[Any]] = {}
        #: Whether memory was short.
        self.short = False

    def all(self) -> None:
        """Tell `[-1, status, detail]` of loading, then `[number, passed, detail]` for each test."""
        loaded = self._loaded()
        self._tell([-1, *loaded])
        if loaded[0] != "loaded":
            return
        for number, test in enumerate(self._request["tests"]):
            detail = self._outcome(f"<test {number + 1}>", test)
            self._tell([number, not detail, detail])

    def interrupt(self) -> None:
        """Called by the signal of the server: the test used up its time here."""
        # A signal that was meant for the test before this one comes at once; one that is meant comes again.
        if self._inside and time.monotonic() - self._started > _STALE_SECONDS:
            self._inside = False
            self._program.fault = "timeout"
            raise TestTimeout

    def _loaded(self) -> tuple[str, str]:
        self._program.begin()
        try:
            word, *rest = self._program.load()
        except (Died, wire.NotPlain, ValueError) as error:
            return "raise", str(error)
        if word == "loaded":
            self._names = {name: kind for name, kind in rest[0].items() if isinstance(kind, list) and kind}
            return "loaded", ""
        name, text = str(rest[0]), str(rest[-1])
        self.short = name == "MemoryError"
        return ("compile_error" if word == "compile_error" else "raise"), _line(name, text)

    def _outcome(self, file: str, test: str) -> str:
        if self._program.begin():
            if not self._restarts:
                return "killed"
            self._restarts -= 1
            status, detail = self._loaded()
            if status != "loaded":
                return detail
        self._started = time.monotonic()
        self._inside = True
        try:
            self._attempt(file, test)
        except (TestTimeout, Died) as error:
            return str(error) or "timeout"
        except wire.NotPlain as error:
            return _line("not_plain", str(error))
        except MemoryError:
            self.short = True
            return "memory"
        except BaseException as error:  # a test may raise anything
            return _line(type(error).__name__, _text(error))
        finally:
            self._inside = False
        return self._program.fault

    def _attempt(self, file: str, test: str) -> None:
        setup = self._request["setup"]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            prepared = [_compiled(setup, "<setup>")] if setup else []
            body = _compiled(test, file)
            parts = (*prepared, body)
            wanted = {name for part in parts for name in _names(part)}
            module, solution = types.ModuleType("tests"), types.ModuleType("solution")
            sys.modules["tests"], sys.modules["solution"] = module, solution
            made = self._proxies(wanted, parts)
            library = {name for name in made if self._names[name][0] == "library"}  # it is the same here
            missing = wanted - made.keys() - set(dir(builtins)) | library
            imported = _imported(self._request["code"], missing)
            if made and made.keys() <= _COMMON and imported.keys() & _asked_for(parts):
                made = {}  # what is imported is tested, not what has the name of a built-in
            solution.__dict__.update(made)  # for `from solution import f`
            module.__dict__.update(made | imported)
            self._program.keeps_generators = not _STEPS.isdisjoint(wanted)
            if made and _MARKED.search(f"{setup}\n{test}"):
                module.__dict__.update(_MARKS)
                parts = (*([_marked(setup, "<setup>")] if setup else []), _marked(test, file))
            for part in parts:
                exec(part, module.__dict__)

    def _proxies(self, wanted: set[str], parts: Sequence[types.CodeType]) -> dict[str, Any]:
        """Proxies for names that the tests use.

        What tests compare with is not the program's: a name that a test may mean otherwise is the program's
        only where it is all that the test uses of it.

        Raises:
            NotPlain: the program has several such names that the test uses, and no other.
        """
        found = {name: self._names[name] for name in wanted if name in self._names}
        mine = {name: kind for name, kind in found.items() if name not in _COMMON}
        if mine and len(mine) < len(found) and not mine.keys() & _asked_for(parts):
            found = {name: kind for name, kind in found.items() if name in _COMMON}
            mine = {}
        if not mine and len(found) > 1:
            raise wire.NotPlain(f"its own {' and '.join(sorted(found))}")
        mine = mine or found
        self._program.classes.clear()
        self._program.errors.clear()
        made = {}
        # The classes that others derive from come first.
        for name, kind in sorted(mine.items(), key=_depth):
            with contextlib.suppress(wire.NotPlain):  # a constant that cannot cross is not there
                made[name] = self._proxy(name, kind)
        self._program.fault = ""
        return made

    def _proxy(self, name: str, kind: list[Any]) -> object:
        """What stands for a top-level name; `kind` is what the program's process says of it."""
        program = self._program
        match kind:
            case ["value"]:
                return program.ask(None, name)
            case ["error", list(bases), str(known)]:
                base = getattr(builtins, known, Exception)
                base = base if isinstance(base, type) and issubclass(base, Exception) else Exception
                own = [program.errors[one] for one in bases if one in program.errors]
                program.errors[name] = type(name, (*own[:1],) or (base,), {})
                return program.errors[name]
            case ["named", list(fields), defaults, list()]:
                given = wire.Decoder().decode(defaults)
                made = wire.named_tuple(name, tuple(fields))
                made.__new__.__defaults__ = tuple(given[one] for one in fields if one in given)
                return made
            case ["async"]:
                return _async(Function(program, None, name))
            case ["enum" | "data" | "record" | "class" | "library" as word, list(about), *more, list(bases)]:
                return self._class(name, word, about, more, bases)
        return Function(program, None, name)

    def _class(self, name: str, word: str, about: list[Any], more: list[Any], bases: list[Any]) -> object:
        program = self._program
        own = [program.classes[one] for one in bases if one in program.classes]
        base: tuple[type, ...] = (Member,) if word == "enum" else (Instance,)
        its: dict[str, Any] = {"_program": program, "__module__": "solution", "_is_record": word == "record"}
        if word == "enum":
            its["_members"] = [str(one) for one in about]
            if isinstance(more[0], list):
                values = [one if type(one) is str else int(one) for one in more[0]]
                its["_values"] = dict(zip(its["_members"], values, strict=True))
                its["_plain"] = type(values[0])
                base, own = (Member, its["_plain"]), []
        made: Any = ProgramClass(name, (*own[:1],) or base, its)
        if word == "data":
            made._fields, made._free = [str(one) for one in about], [str(one) for one in more[0]]
        program.classes[name] = made
        return made


#: Methods by which a test goes through a generator step by step.
_STEPS = frozenset(("send", "throw", "close"))
#: A call of a class, or one whose result nobody takes: such tests are marked.
_MARKED = re.compile(r"\b[A-Z]\w*\(|^\s*[\w.\[\]]+\(", re.MULTILINE)
_MARKS = {"@late": later, "@changes": changing}


@functools.lru_cache(maxsize=2048)  # many answers have the same tests
def _marked(source: str, file: str) -> types.CodeType:
    return compile(marks.marked(source), file, "exec", dont_inherit=True)


@functools.lru_cache(maxsize=2048)  # many answers have the same tests
def _compiled(source: str, file: str) -> types.CodeType:
    return compile(source, file, "exec", dont_inherit=True)


def _depth(item: tuple[str, list[Any]]) -> tuple[int, str]:
    """Classes after those that they derive from."""
    name, kind = item
    return len(kind[-1] if kind[0] != "error" else kind[1]) if len(kind) > 1 else 0, name


def _async(function: Function) -> Callable[..., Any]:
    async def call(*args: object, **kwargs: object) -> Any:  # noqa: ANN401 - anything
        result = function(*args, **kwargs)
        return await result if isinstance(result, types.CoroutineType) else result

    return call


def _names(code: types.CodeType) -> Iterable[str]:
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _names(constant)


def _asked_for(parts: Sequence[types.CodeType]) -> set[str]:
    """The names that tests have from the program: they read them, and do not bind them.

    Raises:
        NotPlain: the tests import all names of a module, so that this is not known.
    """
    import dis  # few tests need it

    read, bound, own = set[str](), set[str](), set[str]()
    waiting = [*parts]
    for code in waiting:  # it grows
        waiting += (one for one in code.co_consts if isinstance(one, types.CodeType))
        module = ""
        if ("*",) in code.co_consts:
            raise wire.NotPlain("a name that a test may mean otherwise")
        for step in dis.get_instructions(code):
            name = str(step.argval)
            if step.opname in ("LOAD_NAME", "LOAD_GLOBAL"):
                read.add(name)
            elif step.opname in ("STORE_NAME", "STORE_GLOBAL"):
                bound.add(name)
            elif step.opname == "IMPORT_NAME":
                module = name
            elif step.opname == "IMPORT_FROM" and module == "solution":
                own.add(name)
    return (read - bound) | own


def _imported(code: str, missing: set[str]) -> dict[str, Any]:
    """What the program imports of the standard library under names that its tests use."""
    lines = " ".join(line for line in code.splitlines() if "import" in line)
    if not missing.intersection(re.findall(r"\w+", lines)):
        return {}
    import ast  # few tests need it, and it is large

    found: dict[str, Any] = {}
    for node in ast.parse(code).body:
        if isinstance(node, ast.Import):
            names = [alias for alias in node.names if alias.name in _MODULES]
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module in _HONEST:
            names = node.names
        else:
            continue
        names = [alias for alias in names if not alias.name.startswith("_")]
        node.names = [alias for alias in names if (alias.asname or alias.name) in missing]
        if node.names:
            with contextlib.suppress(ImportError):
                exec(compile(ast.Module([node], []), "<imports>", "exec"), found)
    found.pop("__builtins__", None)
    return found


#: What the program imports from these works here as it does there. None of it is equal to everything, as
#: unittest.mock's ANY is; none runs a file, as unittest does, whose `__main__` runs tests that it finds.
_HONEST = frozenset(
    "abc bisect cmath collections copy dataclasses datetime decimal fractions functools heapq itertools math"
    " numbers operator random re statistics string textwrap typing".split()
)
#: A module as such can be called by nobody, so it stands for nothing.
_MODULES = _HONEST | frozenset("asyncio base64 calendar hashlib inspect io json os sys time types".split())


#: Names by which tests mean what every Python has.
_COMMON = frozenset(dir(builtins)) | _MODULES | {"isclose", "pi", "e", "tau", "inf", "nan"}


def _text(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # a test's own class
        return ""


def _line(name: str, text: str) -> str:
    """The name of an exception and its text, on one printable line; a failed assert has its name alone."""
    if name == "MemoryError":
        return "memory"
    line = " ".join(f"{name}: {text}".split()) if text else name
    return "".join(c if c.isprintable() else "\ufffd" for c in line)[:DETAIL]


def teller(descriptor: int, seal: str) -> Callable[[Any], None]:
    """A function that writes one JSON line to a descriptor, behind a word that only datagen knows.

    A test can write there too, but is not believed unless it searches this process for the word.
    """

    def tell(message: Any) -> None:  # noqa: ANN401 - JSON
        body = b"\n" + json.dumps([seal, *message]).encode() + b"\n"
        while body:
            body = body[os.write(descriptor, body) :]

    return tell

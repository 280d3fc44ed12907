"""Keeps built indexes in files, so that they are built once for a benchmark. Reading one runs nothing.

A file is a pickle of plain values, and of arrays and the detectors' own classes by `_made`, the one name that
its reader knows: whatever else a file names is refused. A file that is cut, changed or of another version
counts as none. Where nothing can be written, nothing is kept.

*Not covered.* Whoever can write a whole file, digest included, decides what is found, though not what runs.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import math
import pickle
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from decontam._collector import uncollected

_START = b"datagen index 2\n"
_ARRAY, _BITS = "array", "bits"
_DTYPES = frozenset({"<u8", "<i8", "<f8"})
#: Files that are kept in a folder: the newest.
_MOST = 16


def key_of(about: object) -> str:
    """What an index is known by: all that it is made of, as JSON, and the code that makes it."""
    text = json.dumps([about, _code(), sys.version_info[:3], np.__version__])
    return hashlib.sha256(text.encode()).hexdigest()


@cache
def _code() -> str:
    """The digest of this package's files."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for path in sorted(one for one in folder.rglob("*") if one.suffix in {".py", ".txt", ".json"}):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(folder).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


def load(folder: Path, name: str, modules: Mapping[str, ModuleType]) -> Any:  # noqa: ANN401 - as stored
    """The value that was stored under a name; None if there is none that can be used.

    Args:
        folder: where values are stored.
        name: what `key_of` returned.
        modules: whose classes a value may hold, by their full names.
    """
    try:
        content = (folder / f"{name}.index").read_bytes()
        start, digest, body = content[:16], content[16:48], memoryview(content)[48:]
        if start != _START or hashlib.sha256(body).digest() != digest:
            return None
        with uncollected(old=True):
            return _Reader(io.BytesIO(body), modules).load()
    except Exception:  # whatever a file may hold
        return None


def store(folder: Path, name: str, value: object, modules: Mapping[str, ModuleType]) -> None:
    """Store a value, whole or not at all; see `load`."""
    body = io.BytesIO()
    try:
        _Writer(body, modules).dump(value)
    except pickle.PicklingError:
        return
    content = body.getvalue()
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, ignore_cleanup_errors=True) as place:
            fresh = Path(place, name)
            fresh.write_bytes(_START + hashlib.sha256(content).digest() + content)
            fresh.replace(folder / f"{name}.index")
        kept = sorted(folder.glob("*.index"), key=lambda path: path.stat().st_mtime)
        for path in kept[:-_MOST]:
            path.unlink(missing_ok=True)


def _made(kind: str, *values: Any) -> NoReturn:  # noqa: ANN401
    """Stands in a file for what the reader makes of it."""
    raise TypeError(f"{kind} of {len(values)} values is made by the reader alone")


class _Writer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, modules: Mapping[str, ModuleType]) -> None:
        super().__init__(file, protocol=5)
        self._known = _classes(modules)

    def reducer_override(self, obj: Any) -> Any:  # noqa: ANN401
        if obj is _made:
            return NotImplemented
        if isinstance(obj, np.ndarray) and obj.dtype == bool:
            return _made, (_BITS, obj.shape, np.packbits(obj).tobytes())
        if isinstance(obj, np.ndarray) and obj.dtype.str in _DTYPES:
            return _made, (_ARRAY, obj.dtype.str, obj.shape, obj.tobytes())
        name = f"{type(obj).__module__}.{type(obj).__qualname__}"
        if name not in self._known:
            raise pickle.PicklingError(f"{name} cannot be stored")
        values = obj if isinstance(obj, tuple) else [getattr(obj, one.name) for one in fields(obj)]
        return _made, (name, *values)


class _Maker:
    """What `_made` is to the reader; it has nothing that a file could change."""

    __slots__ = ("_known",)
    _known: Mapping[str, Any]

    def __init__(self, known: Mapping[str, Any]) -> None:
        object.__setattr__(self, "_known", known)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(name)

    def __call__(self, kind: str, *values: Any) -> Any:  # noqa: ANN401
        if kind == _BITS:
            shape, packed = values
            bits = np.unpackbits(np.frombuffer(packed, np.uint8), count=math.prod(shape))
            return bits.view(bool).reshape(shape)
        if kind != _ARRAY:
            return self._known[kind](*values)
        dtype, shape, raw = values
        if dtype not in _DTYPES:
            raise pickle.UnpicklingError(f"arrays of {dtype} are not stored")
        return np.frombuffer(raw, dtype).reshape(shape)


class _Reader(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, modules: Mapping[str, ModuleType]) -> None:
        super().__init__(file)
        self._maker = _Maker(_classes(modules))

    def find_class(self, module: str, name: str) -> Any:  # noqa: ANN401
        if (module, name) != (__name__, _made.__name__):
            raise pickle.UnpicklingError(f"{module}.{name} is not allowed")
        return self._maker


def _classes(modules: Mapping[str, ModuleType]) -> dict[str, Any]:
    """The named tuples and dataclasses that the modules define, by their full names."""
    return {
        f"{one.__module__}.{one.__qualname__}": one
        for module in modules.values()
        for one in vars(module).values()
        if isinstance(one, type) and (hasattr(one, "_fields") or is_dataclass(one))
    }

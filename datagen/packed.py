"""Files that may be packed by gzip or zstd, read as a stream; one reader for the whole project."""

from __future__ import annotations

import gzip
import io
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Literal, cast

from datagen.errors import one_line

Packing = Literal["gzip", "zstd"]

_BLOCK = 1 << 20
#: What zstd is fed at a time. All that comes of it is in memory at once, and 1 KiB may come to 32 MB.
_ZSTD_INPUT = 1 << 10
_BY_SUFFIX: dict[str, Packing] = {".gz": "gzip", ".zst": "zstd"}
_BY_CONTENT: dict[bytes, Packing] = {b"\x1f\x8b": "gzip", b"\x28\xb5\x2f\xfd": "zstd"}


class Incomplete(Exception):
    """A packed file is damaged or cut off; the message goes on from the file's name."""

    def __init__(self, packing: Packing, why: object) -> None:
        super().__init__(f"is not a whole {packing} file: {one_line(why)}; fetch it again")


def by_name(path: Path) -> Packing | None:
    """How a file is packed, as its name says; None for a plain one."""
    return _BY_SUFFIX.get(path.suffix.lower())


def by_content(path: Path) -> Packing | None:
    """How a file is packed, as its first bytes say; None for a plain one."""
    with path.open("rb") as file:
        return by_start(file.read(4))


def by_start(start: bytes) -> Packing | None:
    """How content that begins with these four bytes is packed; None for plain content."""
    return next((packing for magic, packing in _BY_CONTENT.items() if start.startswith(magic)), None)


@contextmanager
def reading(path: Path, packing: Packing | None) -> Iterator[IO[bytes]]:
    """A file's content as a stream that cannot be rewound.

    Raises:
        OSError: it cannot be read.
        Incomplete: it is damaged or cut off; raised while it is read.
    """
    with path.open("rb") as file:
        yield unpacked(file, packing)


def unpacked(file: IO[bytes], packing: Packing | None) -> IO[bytes]:
    """What `file` holds, as a stream; only a plain one can be rewound. Raises as `reading` does."""
    if packing is None:
        return file
    blocks = _gzip(file) if packing == "gzip" else _zstd(file)
    return cast("IO[bytes]", io.BufferedReader(_Blocks(blocks), _BLOCK))


class _Blocks(io.RawIOBase):
    """Blocks of bytes as a file."""

    def __init__(self, blocks: Iterator[bytes]) -> None:
        self._blocks = blocks
        self._rest = memoryview(b"")  # a view: a slice of it copies nothing

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        while not self._rest:
            block = next(self._blocks, None)
            if block is None:
                return 0
            self._rest = memoryview(block)
        count = min(len(buffer), len(self._rest))
        buffer[:count] = self._rest[:count]
        self._rest = self._rest[count:]
        return count


def _gzip(file: IO[bytes]) -> Iterator[bytes]:
    reader = gzip.GzipFile(fileobj=file)
    try:
        while block := reader.read(_BLOCK):
            yield block
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise Incomplete("gzip", error) from None


def _zstd(file: IO[bytes]) -> Iterator[bytes]:
    """Frame by frame: only a decompressor of this kind knows whether its frame came to an end."""
    import zstandard

    frame = None
    try:
        while block := file.read(_ZSTD_INPUT):
            while block:
                frame = frame or zstandard.ZstdDecompressor().decompressobj()
                yield frame.decompress(block)
                block = frame.unused_data if frame.eof else b""
                frame = None if frame.eof else frame
    except zstandard.ZstdError as error:
        raise Incomplete("zstd", error) from None
    if frame is not None:
        raise Incomplete("zstd", "it ends in the middle of a frame")

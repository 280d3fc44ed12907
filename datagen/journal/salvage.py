"""Reads the calls out of a journal's file that SQLite itself refuses, page by page.

Covered: any damage to some pages, to the file's header, or to the pages that say where others are; a file
cut off; changes that a killed process left in the write-ahead log (-wal). Not covered: a call any byte of
which is damaged, and a page whose own header is. Nothing wrong is taken for a call: each must have the key
that its request hashes to, and the digest that its request and reply hash to.

The format is SQLite's own (sqlite.org/fileformat2.html): a table WITHOUT ROWID is an index b-tree, whose
leaf pages (type 10) and interior pages (type 2) both hold rows.
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

_MAGIC = b"SQLite format 3\0"
_INTERIOR, _LEAF = 2, 10
#: Bytes in a page, unless somebody built an SQLite of his own.
DEFAULT_PAGE = 4096
_WAL_HEADER, _FRAME_HEADER = 32, 24
_WAL_MAGIC = frozenset({0x377F0682, 0x377F0683})
_INTEGER_BYTES = {1: 1, 2: 2, 3: 3, 4: 4, 5: 6, 6: 8}

Values = tuple[str | float | None, ...]


class _Broken(Exception):
    """What stands here is no whole cell."""


class _Pages(NamedTuple):
    """A database's pages: those of the write-ahead log stand in place of the file's own."""

    size: int
    usable: int
    file: bytes | mmap.mmap
    log: bytes
    newer: dict[int, int]

    def last(self) -> int:
        """The number of the last page; half a page at the end is none."""
        return max(len(self.file) // self.size, max(self.newer, default=0))

    def page(self, number: int) -> bytes:
        """Page `number`, from 1."""
        if number in self.newer:
            return self.log[self.newer[number] : self.newer[number] + self.size]
        content = self.file[(number - 1) * self.size : number * self.size] if number > 0 else b""
        if len(content) < self.size:
            raise _Broken
        return content


def records(path: Path, *, size: int | None = None) -> Iterator[Values | None]:
    """The rows of all tables WITHOUT ROWID and all indexes, in the file's order; None for one that is broken.

    A row may come twice, from a page that is no longer in use. size:
    bytes in a page; None for what the header says.

    Raises:
        OSError: the file cannot be read.
    """
    log = path.with_name(f"{path.name}-wal")
    with path.open("rb") as file:
        empty = not path.stat().st_size
        content = b"" if empty else mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        try:
            pages = _pages(content, log.read_bytes() if log.exists() else b"", size)
            for number in range(1, pages.last() + 1):
                yield from _page_records(pages, number)
        finally:
            if isinstance(content, mmap.mmap):
                content.close()


def _pages(file: bytes | mmap.mmap, log: bytes, given: int | None) -> _Pages:
    size, reserved = given or DEFAULT_PAGE, 0
    if file[:16] == _MAGIC and not given:
        told = struct.unpack(">H", file[16:18])[0]
        told = 65536 if told == 1 else told
        if told >= 512 and told & (told - 1) == 0:
            size, reserved = told, file[20] if file[20] < 32 else 0
    return _Pages(size, size - reserved, file, log, _committed(log, size))


def _committed(log: bytes, size: int) -> dict[int, int]:
    """Where in the write-ahead log the newest committed content of each page begins."""
    newer: dict[int, int] = {}
    if len(log) < _WAL_HEADER or struct.unpack(">I", log[:4])[0] not in _WAL_MAGIC:
        return newer
    waiting: dict[int, int] = {}
    for start in range(_WAL_HEADER, len(log) - _FRAME_HEADER - size + 1, _FRAME_HEADER + size):
        number, pages_after = struct.unpack(">II", log[start : start + 8])
        if log[start + 8 : start + 16] != log[16:24]:
            break  # what is left of an earlier log
        waiting[number] = start + _FRAME_HEADER
        if pages_after:
            newer |= waiting
            waiting = {}
    return newer


def _page_records(pages: _Pages, number: int) -> Iterator[Values | None]:
    try:
        page = pages.page(number)
    except _Broken:
        return
    head = 100 if number == 1 else 0
    kind = page[head]
    if kind not in {_INTERIOR, _LEAF}:
        return
    first = head + (12 if kind == _INTERIOR else 8)
    cells = struct.unpack(">H", page[head + 3 : head + 5])[0]
    for place in range(first, min(first + 2 * cells, pages.usable - 1), 2):
        at = struct.unpack(">H", page[place : place + 2])[0] + (4 if kind == _INTERIOR else 0)
        try:
            yield _record(_payload(pages, page, at))
        except (_Broken, ValueError, IndexError, struct.error):
            yield None


def _payload(pages: _Pages, page: bytes, at: int) -> bytes:
    """A cell's content, which goes on in overflow pages where it is long."""
    length, at = _varint(page, at)
    most = (pages.usable - 12) * 64 // 255 - 23
    local = length
    if length > most:
        least = (pages.usable - 12) * 32 // 255 - 23
        local = least + (length - least) % (pages.usable - 4)
        local = local if local <= most else least
    parts = [page[at : at + local]]
    left = length - len(parts[0])
    if length > len(pages.file) + len(pages.log) or len(parts[0]) < local:
        raise _Broken
    following = struct.unpack(">I", page[at + local : at + local + 4])[0] if left else 0
    while left:
        page = pages.page(following)
        following = struct.unpack(">I", page[:4])[0]
        parts.append(page[4 : 4 + min(left, pages.usable - 4)])
        left -= len(parts[-1])
    return b"".join(parts)


def _record(payload: bytes) -> Values:
    end, at = _varint(payload, 0)
    kinds = []
    while at < end:
        kind, at = _varint(payload, at)
        kinds.append(kind)
    values: list[str | float | None] = []
    for kind in kinds:
        length = _INTEGER_BYTES.get(kind, 8 if kind == 7 else max(0, (kind - 12) // 2))
        content = payload[end : end + length]
        if len(content) < length:
            raise _Broken
        values.append(_value(kind, content))
        end += length
    return tuple(values)


def _value(kind: int, content: bytes) -> str | float | None:
    if kind in _INTEGER_BYTES:
        return int.from_bytes(content, "big", signed=True)
    if kind == 7:
        return float(struct.unpack(">d", content)[0])
    if kind in {8, 9}:
        return kind - 8
    return content.decode() if kind >= 13 and kind % 2 else None


def _varint(content: bytes, at: int) -> tuple[int, int]:
    """A number of 1 to 9 bytes, and where it ends."""
    number = 0
    for place in range(8):
        byte = content[at + place]
        number = number << 7 | byte & 0x7F
        if byte < 0x80:
            return number, at + place + 1
    return number << 8 | content[at + 8], at + 9

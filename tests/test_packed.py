"""One reader for plain and packed files: whole content, bounded memory, and a word for what is cut off."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
import zstandard
from cost import cost
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen import packed

PACKERS = {
    "gzip": gzip.compress,
    "zstd": lambda content: zstandard.ZstdCompressor().compress(content),
    None: lambda content: content,
}
SUFFIXES = {"gzip": ".gz", "zstd": ".zst", None: ".jsonl"}


def read(path: Path, packing: packed.Packing | None, size: int = 7) -> bytes:
    with packed.reading(path, packing) as file:
        return b"".join(iter(lambda: file.read(size), b""))


@settings(max_examples=50, deadline=None)
@given(parts=st.lists(st.binary(max_size=50), min_size=1, max_size=4), packing=st.sampled_from([*PACKERS]))
def test_what_was_packed_is_read(tmp_path_factory, parts, packing):
    """Several members or frames, empty ones too, are one content; name and content say how it is packed."""
    path = tmp_path_factory.mktemp("packed") / f"x{SUFFIXES[packing]}"
    path.write_bytes(b"".join(map(PACKERS[packing], parts)))
    assert packed.by_name(path) == packing
    assert packing is None or packed.by_content(path) == packing
    assert read(path, packing) == b"".join(parts)


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
@pytest.mark.parametrize("left", [5, 20, -1])
def test_cut_off(packing, left, tmp_path):
    """A file that ends in the middle is told, however much of it is there."""
    path = tmp_path / "x"
    path.write_bytes(PACKERS[packing](b"".join(b"%d" % n for n in range(5000)))[:left])
    with pytest.raises(packed.Incomplete, match=f"is not a whole {packing} file: .*; fetch it again"):
        read(path, packing)


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_what_packs_well_takes_no_longer(packing, tmp_path):
    """Time grows with the content, not with its square: reading four times as much takes about four times."""
    costs = []
    for megabytes in (16, 64):
        path = tmp_path / f"{megabytes}"
        path.write_bytes(PACKERS[packing](b"a row of text\n" * (megabytes * 2**20 // 14)))
        costs.append(min(cost(lambda path=path: read(path, packing, 1 << 13)) for _ in range(5)))
    assert costs[1] < 12 * max(costs[0], 1)  # its square would take 16 times as much


def test_memory_is_bounded(tmp_path):
    """Little of a file of zstd that unpacks to much is unpacked at a time."""
    path = tmp_path / "bomb.zst"
    path.write_bytes(zstandard.ZstdCompressor().compress(bytes(256 * 2**20)))
    with path.open("rb") as file:
        sizes = [len(block) for block in packed._zstd(file)]
    assert sum(sizes) == 256 * 2**20
    assert max(sizes) < 64 * 2**20

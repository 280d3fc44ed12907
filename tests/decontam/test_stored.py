"""Built indexes that are kept: they find the same, and a file that somebody else put there runs nothing."""

from __future__ import annotations

import hashlib
import os
import pickle
import random
import subprocess
import sys
from functools import wraps

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from decontam import _stored, build_indexes, find_overlaps
from decontam.benchmarks import load
from decontam.detectors import detector, names
from decontam.profiles import NAMES, profile
from decontam.transforms import copies

ITEMS = load("humaneval").items


def rows(items, seed):
    """Copies of items, changed in many ways, and pieces of them."""
    draw = random.Random(seed)
    texts = [(one.asked, one.answer) for item in items[:4] for one in copies(item).values()]
    whole = " ".join(f"{item.raw_prompt}{item.solution}{item.tests}" for item in items)
    starts = [draw.randrange(len(whole)) for _ in range(4)]
    texts += [(whole[start : start + 300], whole[start : start + 3000]) for start in starts]
    asked, answers = zip(*texts, strict=True)
    return pl.DataFrame({"id": range(len(texts)), "instruction": asked, "response": answers})


def stored(folder):
    return sorted(path.name for path in folder.glob("*"))


@settings(max_examples=8, deadline=None)
@given(
    st.lists(st.sampled_from(ITEMS), min_size=1, max_size=12, unique=True),
    st.sampled_from(NAMES),
    st.integers(0, 2**32),
)
def test_the_same_is_found(tmp_path_factory, items, name, seed):
    """What was built anew, what was just kept and what was read give equal frames, to the last bit."""
    folder, wanted = tmp_path_factory.mktemp("kept"), profile(name)
    frame = rows(items, seed)
    found = find_overlaps(frame, build_indexes(items, wanted=wanted))
    assert found.height
    for _ in range(2):
        assert find_overlaps(frame, build_indexes(items, wanted=wanted, kept=folder)).equals(found)
    sent = pickle.loads(pickle.dumps(build_indexes(items, wanted=wanted, kept=folder)))
    assert find_overlaps(frame, sent).equals(found)
    assert len(stored(folder)) == 1


@pytest.fixture
def kept(tmp_path):
    """A folder with the index of three items."""
    build_indexes(ITEMS[:3], kept=tmp_path / "kept")
    return tmp_path / "kept"


def test_nothing_is_built_twice(kept, monkeypatch):
    """The second time no detector builds anything; other items, options or code are another index."""
    built = []
    for name in names():
        index = detector(name).index
        monkeypatch.setattr(
            detector(name),
            "index",
            wraps(index)(lambda *a, index=index, name=name, **k: built.append(name) or index(*a, **k)),
        )
    build_indexes(ITEMS[:3], kept=kept)
    assert not built
    for other in ({"items": ITEMS[:2]}, {"wanted": profile("strict")}, {"detectors": ["code"]}):
        build_indexes(**{"items": ITEMS[:3], "kept": kept} | other)
        assert built
        built.clear()
    monkeypatch.setattr(_stored, "_code", lambda: "other")
    build_indexes(ITEMS[:3], kept=kept)
    assert built


class Attack:
    """What would make a folder if pickle did as it is told."""

    def __init__(self, place):
        self.place = str(place)

    def __reduce__(self):
        return os.mkdir, (self.place,)


def sealed(body):
    return _stored._START + hashlib.sha256(body).digest() + body


MAKER = b"\x80\x04\x8c\x10decontam._stored\x8c\x05_made\x93"
BAD = {
    "empty": lambda *_: b"",
    "cut": lambda content, _: content[:-1],
    "half": lambda content, _: content[: len(content) // 2],
    "a changed bit": lambda content, _: content[:5000] + bytes([content[5000] ^ 1]) + content[5001:],
    "another version": lambda content, _: b"datagen index 0\n" + content[16:],
    "a command": lambda _, place: sealed(pickle.dumps(Attack(place))),
    "a command without a seal": lambda _, place: pickle.dumps(Attack(place)),
    "a class": lambda *_: sealed(pickle.dumps(({}, {}, random.Random))),
    "nothing": lambda *_: sealed(pickle.dumps(None)),
    "other detectors": lambda *_: sealed(pickle.dumps(({"code": 1}, {}, {}))),
    "no pickle": lambda *_: sealed(b"abc"),
    "a changed maker": lambda *_: sealed(MAKER + b"N}\x8c\x06_knownN\x86b."),
    "an unknown kind": lambda *_: sealed(MAKER + b"\x8c\x08builtins\x85R."),
    "an array of objects": lambda *_: sealed(MAKER + b"(\x8c\x05array\x8c\x02|OK\x01\x85C\x08AAAAAAAAtR."),
}


@pytest.mark.parametrize("kind", BAD)
def test_a_bad_file_is_none(kind, kept, tmp_path):
    """A file that is damaged, or names anything, is built anew, and nothing in it is run."""
    [name] = stored(kept)
    good = (kept / name).read_bytes()
    (kept / name).write_bytes(BAD[kind](good, tmp_path / "made"))
    frame = rows(ITEMS[:3], 0)
    found = find_overlaps(frame, build_indexes(ITEMS[:3], kept=kept))
    assert found.equals(find_overlaps(frame, build_indexes(ITEMS[:3])))
    assert not (tmp_path / "made").exists()
    assert stored(kept) == [name]
    assert _stored.load(kept, name.removesuffix(".index"), {}) is None  # without the detectors' classes


def test_where_nothing_can_be_kept(tmp_path, monkeypatch):
    """A folder that cannot be made, or a full disk, only costs the time."""
    (tmp_path / "file").write_text("")
    build_indexes(ITEMS[:2], kept=tmp_path / "file" / "kept")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pathlib.Path.write_bytes", full)
    assert build_indexes(ITEMS[:2], kept=tmp_path / "kept").detectors
    assert stored(tmp_path / "kept") == []


def test_what_cannot_be_kept(tmp_path):
    """A value of another class is not written."""
    _stored.store(tmp_path, "x", {"a": random.Random()}, {})
    assert stored(tmp_path) == []


def test_the_newest_are_kept(tmp_path, monkeypatch):
    """The folder does not grow for ever."""
    monkeypatch.setattr(_stored, "_MOST", 2)
    for number in range(4):
        _stored.store(tmp_path, str(number), number, {})
        os.utime(tmp_path / f"{number}.index", (number, number))
    assert stored(tmp_path) == ["2.index", "3.index"]
    assert _stored.load(tmp_path, "3", {}) == 3


def test_several_processes_at_once(tmp_path):
    """Processes that build the same do not hurt each other, and one more reads what they left."""
    program = (
        "import sys\nfrom pathlib import Path\nfrom decontam import build_indexes\n"
        "from decontam.benchmarks import load\n"
        "print(len(build_indexes(load('humaneval').items[:9], kept=Path(sys.argv[1])).detectors))"
    )
    several = [
        subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [one.communicate(timeout=100)[0] for one in several] == ["7\n"] * 3
    assert len(stored(tmp_path)) == 1

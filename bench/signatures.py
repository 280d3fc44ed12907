"""CPU time of MinHash signatures, from text on, beside that of other libraries; ours is the last line.

Pairs of about 60 words and 40 lines of Python, each one text; shingles of 5 words, 128 permutations. All take
turns in one process on one thread; a figure is the median of the rounds' own ratios. A library that is not
installed is skipped.

What differs:
- datasketch: `MinHash.bulk` with CRC-32 and its default scheme. The same tokens, shingles and signatures, bit
  for bit, which is checked. Its "legacy" scheme is that of version 1: other permutations, modulo 2^61 - 1.
- rensa, R-MinHash: the same shingles, which it hashes by itself; other permutations.
- rensa, split: the same, but words are what stands between spaces, which is less work and finds less.
- rensa, rho: words are split so, too, and a shingle counts in few places instead of all 128: another sketch.
- gaoya: the same shingles, which it hashes by itself. It also fills its index, for it returns no signatures.
- gaoya, own words: it cuts words and makes shingles in Rust; brackets and operators are no words there.

usage: python bench/signatures.py [ROUNDS] [PAIRS]     needs ../shared/data; 5 rounds, 1,024 pairs
"""

from __future__ import annotations

import os

os.environ |= {"POLARS_MAX_THREADS": "1", "RAYON_NUM_THREADS": "1"}  # read at import

import json
import statistics
import sys
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # before bench/decontam.py

import numpy as np
from pairs import pairs

from decontam._crc import of_texts, of_words
from decontam._text import shingles, tokens
from decontam.minhash import signatures

DATA = Path(__file__).parents[2] / "shared/data"
N, NUM_PERM, SEED, BATCH = 5, 128, 0, 128

Make = Callable[[Sequence[str]], Any]


def joined(words: Sequence[str]) -> list[str]:
    """The shingles of a text as strings, for those who take strings."""
    return [" ".join(gram) for gram in shingles(words, N)]


def of_datasketch(texts: Sequence[str], scheme: str = "affine32") -> list[Any]:
    """Signatures by datasketch's own bulk call."""
    from datasketch import MinHash

    encoded = ([one.encode() for one in joined(tokens(text))] for text in texts)
    return MinHash.bulk(encoded, num_perm=NUM_PERM, seed=SEED, hashfunc=zlib.crc32, scheme=scheme)


def of_rensa(texts: Sequence[str], cut: Callable[[str], list[str]] = tokens, how: str = "") -> object:
    """Signatures by rensa's bulk call."""
    from rensa import RMinHash

    make = getattr(RMinHash, f"digest_matrix_from_token_sets{how}")
    return make([joined(cut(text)) for text in texts], NUM_PERM, SEED)


def of_gaoya(texts: Sequence[str], analyzer: object = lambda text: joined(tokens(text))) -> object:
    """An index by gaoya, 32 bands of 4."""
    from gaoya.minhash import MinHashStringIndex

    index = MinHashStringIndex(
        32, 0.7, 32, 4, NUM_PERM, analyzer=analyzer, lowercase=True, ngram_range=(N, N), id_container="vec"
    )
    index.par_bulk_insert_docs([*range(len(texts))], [*texts])
    return index


def ours(texts: Sequence[str]) -> list[Any]:
    """Signatures by `decontam.minhash`, in batches."""
    batches = (texts[at : at + BATCH] for at in range(0, len(texts), BATCH))
    return [signatures(of_texts(batch), n=N, num_perm=NUM_PERM, seed=SEED) for batch in batches]


def ours_of_words(texts: Sequence[str]) -> list[Any]:
    """The same from words that Python has cut, as for code without comments."""
    batches = (texts[at : at + BATCH] for at in range(0, len(texts), BATCH))
    cut = (of_words([tokens(text) for text in batch]) for batch in batches)
    return [signatures(one, n=N, num_perm=NUM_PERM, seed=SEED) for one in cut]


def contestants() -> Iterator[tuple[str, Make]]:
    """All that is installed, by name."""
    if find_spec("datasketch"):
        yield "datasketch", of_datasketch
        yield "datasketch, legacy", lambda texts: of_datasketch(texts, "legacy")
    if find_spec("rensa"):
        yield "rensa, R-MinHash", of_rensa
        yield "rensa, split", lambda texts: of_rensa(texts, str.split)
        yield "rensa, rho, split", lambda texts: of_rensa(texts, str.split, "_rho")
    if find_spec("gaoya"):
        yield "gaoya", of_gaoya
        yield "gaoya, own words", lambda texts: of_gaoya(texts, "word")
    yield "tokens alone (re)", lambda texts: [tokens(text) for text in texts]
    yield "ours, words by re", ours_of_words
    yield "ours", ours


def main() -> int:
    """Print how many times as much CPU time as ours each takes."""
    if not (DATA / "new_codealpaca.json").exists():
        print(f"skipped: {DATA} is not there")
        return 0
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    rows = json.loads((DATA / "new_codealpaca.json").read_text(encoding="utf-8"))
    words = [word for row in rows for word in row["instruction"].split()]
    frame = pairs(int(sys.argv[2]) if len(sys.argv) > 2 else 1024, words)
    texts = [f"{task}\n{code}" for task, code in zip(frame["instruction"], frame["response"], strict=True)]
    everyone = dict(contestants())
    if "datasketch" in everyone:
        equal = (np.concatenate(ours(texts)) == [one.hashvalues for one in of_datasketch(texts)]).all()
        print("bit-equal to datasketch" if equal else "NOT EQUAL to datasketch")
    times: dict[str, list[float]] = {name: [] for name in everyone}
    for _ in range(rounds):
        for name, make in everyone.items():
            started = time.process_time()
            make(texts)
            times[name].append(time.process_time() - started)
    for name, found in times.items():
        ratios = [one / own for one, own in zip(found, times["ours"], strict=True)]
        spread = f"{min(ratios):.2f} to {max(ratios):.2f}"
        print(f"{name:20s} {statistics.median(ratios):6.2f} times ours (rounds {spread})")
    return 0


if __name__ == "__main__":
    sys.exit(main())

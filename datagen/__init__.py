"""Build instruction-tuning sets for code models that can be trusted and rebuilt.

    import datagen as dg

    pairs = dg.filter("pairs.jsonl", skip="repeated-lines")
    pairs.kept, pairs.dropped, pairs.manifest

Every stage is a function; `dg.run` runs a recipe, `dg.open` opens a data set. They are imported when asked
for, so that `import datagen` costs nothing.
"""

from __future__ import annotations

from datagen.version import __version__

TYPE_CHECKING = False  # typing takes time, and the command line comes through here before it can hear Ctrl-C
if TYPE_CHECKING:
    from datagen.api import (
        Dataset,
        decontam,
        dedup,
        evolve,
        filter,  # noqa: A004
        make,
        open,  # noqa: A004
        rank,
        run,
        sample,
    )

__all__ = [
    "Dataset",
    "__version__",
    "decontam",
    "dedup",
    "evolve",
    "filter",
    "make",
    "open",
    "rank",
    "run",
    "sample",
]


def __getattr__(name: str) -> object:  # PEP 562
    if name not in __all__:
        raise AttributeError(f"module 'datagen' has no attribute {name!r}")
    from datagen import api

    return getattr(api, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

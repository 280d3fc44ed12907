"""Which licences a data set's rows have, and how the Hub's front matter names them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from datagen.data.source import Source
from datagen.errors import DatagenError, one_line

#: What stands for no licence.
_NONE = frozenset({"", "unknown", "none", "null", "n/a", "nan", "noassertion", "unlicensed", "no license"})
#: Identifiers that the Hub takes: https://huggingface.co/docs/hub/repositories-licenses
_KNOWN_TO_HUB = frozenset(
    """
    apache-2.0 mit openrail bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0
    bigcode-openrail-m afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear
    c-uda cc cc0-1.0 cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cc-by-sa-3.0 cc-by-sa-4.0 cc-by-nc-2.0
    cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nd-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-
    sa-3.0 cc-by-nc-sa-4.0 cdla-sharing-1.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0
    epl-1.0 epl-2.0 etalab-2.0 eupl-1.1 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 isc
    lppl-1.3c ms-pl mpl-2.0 odc-by odbl openrail++ osl-3.0 postgresql ofl-1.1 ncsa unlicense zlib
    pddl llama2 llama3 llama3.1 llama3.2 llama3.3 gemma unknown other
    """.split()
)
_VERSIONED = re.compile(r"-(?:only|or-later)$")
_EXAMPLES = 3


class Licences:
    """The licences of rows.

    Args:
        rows: how many rows each licence has.
        unnamed: how many rows have none.
        examples: ids of some that have none.
    """

    def __init__(self) -> None:
        self.rows: Counter[str] = Counter()
        self.unnamed = 0
        self.examples: list[str] = []

    def add(self, source: Source) -> None:
        """Count the rows of a data set's part."""
        for frame in source.frames():
            if not frame.height:
                continue
            named = frame["license"].to_list() if "license" in frame.columns else [None] * frame.height
            for row_id, licence in zip(frame["id"], named, strict=True):
                if licence is None or licence.strip().lower() in _NONE:
                    self.unnamed += 1
                    self.examples += [one_line(row_id, 40)] if len(self.examples) < _EXAMPLES else []
                else:
                    self.rows[one_line(licence, 200)] += 1

    def check(self, shown: str, given: str | None) -> None:
        """Give the rows without a licence the one that the user names.

        Raises:
            DatagenError: the user names none.
        """
        if not self.unnamed:
            return
        if given is None:
            whole = self.unnamed + self.rows.total()
            raise DatagenError(
                f"the licence of {self.unnamed:,} of {whole:,} rows of {shown} is unknown (such as"
                f" {', '.join(self.examples)}); name it: --license ID, for example --license cc-by-4.0, or"
                " --license unknown to publish it all the same"
            )
        self.rows[given] += self.unnamed

    def front_matter(self) -> Mapping[str, Any]:
        """What a card says: a licence that the Hub knows, a list of such, or `other` with a name."""
        found = _ids([*self.rows])
        if not found:
            return {"license": "unknown"}
        if all(one in _KNOWN_TO_HUB for one in found):
            return {"license": found[0] if len(found) == 1 else found}
        return {"license": "other", "license_name": "-and-".join(map(_slug, found))[:80]}

    def lines(self) -> list[str]:
        """A table for the card."""
        rows = [f"| {one} | {count:,} |" for one, count in sorted(self.rows.items())]
        return ["| licence | rows |", "|---|---|", *rows, ""] if rows else []


def _ids(licences: Sequence[str]) -> list[str]:
    """The single licences of SPDX expressions that join some by AND, as the Hub writes them."""
    single = {part.strip(" ()").lower() for one in licences for part in one.split(" AND ")}
    return sorted({_VERSIONED.sub("", one) for one in single})


def _slug(licence: str) -> str:
    return re.sub(r"[^a-z0-9.+]+", "-", licence).strip("-") or "other"

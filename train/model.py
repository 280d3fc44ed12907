"""Loads a model with its tokenizer, and saves both: safetensors only, and no code from outside is run."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any, NamedTuple

from train.errors import TrainError

#: One of these holds a tokenizer's vocabulary.
_VOCABULARIES = ("tokenizer.json", "tokenizer.model", "vocab.json", "vocab.txt", "spiece.model")
#: OWNER/NAME, or the bare NAME of an old model.
_HUB_ID = re.compile(r"(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9][\w.-]*(?<!\.gguf)")


class Loaded(NamedTuple):
    """A causal language model of transformers in float32, and its tokenizer."""

    model: Any
    tokenizer: Any


def load(where: str | Path) -> Loaded:
    """The model in a folder, in a GGUF file, or under an id on the Hub.

    Args:
        where: a folder as `save_pretrained` writes it, PATH.gguf, or OWNER/NAME.

    Raises:
        TrainError: it cannot be loaded; the line says what is missing.
    """
    path = Path(where)
    check(where)
    try:
        loaded = _from_gguf(path) if path.is_file() else _from_pretrained(str(where))
    except Exception as error:  # for a damaged file the libraries raise classes of their own, too
        raise TrainError(f"{where} cannot be loaded: {_first_words(error)}") from error
    _check_fit(loaded, where)
    return loaded


def _first_words(error: BaseException) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:240]


def check(where: str | Path) -> None:
    """Look at what is there before anything is loaded.

    Raises:
        TrainError: it is no model that can be loaded.
    """
    path = Path(where)
    allowed = "give a model's folder, a .gguf file or an id on the Hub (OWNER/NAME)"
    if path.is_dir():
        _check_folder(path)
    elif path.exists() and path.suffix != ".gguf":
        raise TrainError(f"{path} is no folder; {allowed}")
    elif not path.exists() and not _HUB_ID.fullmatch(str(where)):
        raise TrainError(f"{where} does not exist; {allowed}")


def _check_folder(path: Path) -> None:
    names = {one.name for one in path.iterdir()}
    if "config.json" not in names:
        raise TrainError(f"{path} holds no config.json, so it is no model; give a folder that holds one")
    if not any(name.endswith(".safetensors") for name in names):
        raise TrainError(f"{path} holds no weights (*.safetensors); convert them, other kinds are not read")
    if not names.intersection(_VOCABULARIES):
        raise TrainError(
            f"{path} holds no tokenizer (such as tokenizer.json); copy that of its base model into it"
        )


def _from_pretrained(where: str) -> Loaded:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(where)
    model = AutoModelForCausalLM.from_pretrained(where, dtype=torch.float32, use_safetensors=True)
    return Loaded(model, tokenizer)


def _from_gguf(path: Path) -> Loaded:
    """The weights as numbers of float32: what is loaded still counts as quantised and could not be saved."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, PretrainedConfig

    tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name)
    read = AutoModelForCausalLM.from_pretrained(path.parent, gguf_file=path.name, dtype=torch.float32)
    config: PretrainedConfig = read.config
    if hasattr(config, "quantization_config"):
        del config.quantization_config
    config._name_or_path = path.stem
    model = AutoModelForCausalLM.from_config(config)
    model.load_state_dict(read.state_dict())
    model.generation_config = read.generation_config
    return Loaded(model.float(), tokenizer)


def _check_fit(loaded: Loaded, where: str | Path) -> None:
    words, rows = len(loaded.tokenizer), loaded.model.get_input_embeddings().num_embeddings
    if words > rows:
        raise TrainError(
            f"{where}: its tokenizer knows {words:,} tokens but the model {rows:,}; take the model's own"
        )


def save(loaded: Loaded, folder: Path) -> None:
    """Write model and tokenizer as `load` and transformers read them; the weights as safetensors."""
    loaded.model.save_pretrained(folder)
    loaded.tokenizer.save_pretrained(folder)
    for one in folder.glob("*.safetensors"):
        one.chmod((folder / "config.json").stat().st_mode)  # safetensors lets nobody else read them


def make_quiet() -> None:
    """Let transformers show no bars and no advice, and let threads that wait leave the processor to others.

    Call it before torch is imported: its threads look at the variable once.
    """
    # Threads that spin while they wait starve each other on busy cores.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    os.environ.setdefault("TQDM_DISABLE", "1")  # what reads GGUF asks for its bars there
    import logging

    from transformers.utils import logging as of_transformers

    of_transformers.set_verbosity_error()
    of_transformers.disable_progress_bar()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # it tells of each retry

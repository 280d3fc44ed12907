"""Whether a folder of a sentence-transformers model can be loaded without running code of that folder.

A recipe of somebody else may name a folder. sentence-transformers 5 and transformers 5 run code on behalf of
a folder in these ways, each of which is refused before anything is loaded:

* `type` in modules.json, `types` of a Router and `tokenizer_class` of WordEmbeddings name classes, which are
  imported from files of the folder, or from any installed package. Only `MODULES` are allowed.
* `path` in modules.json leads elsewhere, so that other files are loaded than those that are looked at here.
* `auto_map`, `custom_pipelines` and the like in a configuration name classes in files of the folder.
* Weights that are no safetensors are pickles, which call functions when they are read. Settings of
  sentence_bert_config.json (`model_kwargs`, `config_kwargs`, ...) go to transformers as they are, where
  `weights_only: false` or `use_safetensors: false` switch its own guards off.
* The index of weights names files, and `adapter_config.json` names modules and another model.
* `attn_implementation: OWNER/NAME` and quantised weights fetch kernels from the Hub, which are compiled code.
* `method` of a modality names a method of the model that is called, `activation_function` of a Dense anything
  below `torch`, and `tokenizer_class` any class of transformers, some of which load models of their own from
  folders below.

Allowed is what needs no code: the list is short on purpose. Prompts are texts that are put in front. A chat
template is run by transformers in Jinja's sandbox. Nothing here guards against faults in the readers of
safetensors and tokenizers.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

#: Says that a folder is a model of sentence-transformers, and which parts it has.
PARTS = "modules.json"
#: Parts of sentence-transformers that load nothing but numbers and texts.
MODULES = frozenset(
    {
        *("Transformer", "Pooling", "Normalize", "Dense", "LayerNorm", "Dropout"),
        *("WeightedLayerPooling", "StaticEmbedding"),
    }
)
_MODULE = re.compile(r"sentence_transformers(?:\.[a-z_]+)*\.([A-Za-z]+)")
_PLAIN = re.compile(r"\w[\w.-]*")
_WEIGHTS = "model.safetensors"
#: Files of weights in other formats. Beside `_WEIGHTS` they are not read.
_PICKLED = re.compile(r".+\.(?:bin|pt|pth|ckpt|pkl|pickle|h5|msgpack|npy|npz)")
#: Keys of configurations that have code looked up, wherever they stand, and what is said about them.
_KEYS = {
    **dict.fromkeys(("auto_map", "auto_mapping", "custom_pipelines", "custom_generate"), "it names classes"),
    **dict.fromkeys(("trust_remote_code", "code_revision"), "it is about code"),
    "quantization_config": "its weights need kernels from elsewhere",
    **dict.fromkeys(
        ("model_args", "model_kwargs", "tokenizer_args", "processor_kwargs", "config_args", "config_kwargs"),
        "it goes to transformers unseen",
    ),
}
#: Keys whose value chooses among code that is there, wherever they stand, and what it may be.
_VALUES = {
    "method": re.compile(r"forward|get_[a-z]+_features"),
    "activation_function": re.compile(r"\w+|torch\.nn\.modules\.(?:activation|linear)\.[A-Z]\w+"),
    "tokenizer_class": re.compile(r"\w*Tokeniz\w+"),
}
_IMPLEMENTATIONS = frozenset({"eager", "sdpa", "flex_attention", "grouped_mm", "batched_mm"})
#: Longer configurations are not read: vocabularies are no configurations.
_LONGEST = 2**20


class HarmfulModel(Exception):
    """A folder can run code, or does not say clearly that it cannot; the message is one line."""


def loaded_folders(folder: Path) -> list[Path]:
    """The folders from which a model is loaded, its own first: each was looked at, and none can run code.

    Raises:
        HarmfulModel: one of them can, or the folder is no whole model.
    """
    parts = _json(folder / PARTS)
    if not isinstance(parts, list) or not parts:
        raise HarmfulModel(f"{PARTS} should be a list of parts")
    folders = [*dict.fromkeys([folder, *(folder / _place(part) for part in parts)])]
    try:
        _look_at_configs(folder)
        for one in folders:
            _look_at_weights(one)
    except OSError as error:
        raise HarmfulModel(f"it cannot be read: {error.strerror}") from None
    return folders


def _place(part: object) -> str:
    """Where a part is, below the model's folder; "" for there."""
    named = part.get("type") if isinstance(part, dict) else None
    found = _MODULE.fullmatch(named) if isinstance(named, str) else None
    if not isinstance(part, dict) or found is None or found[1] not in MODULES:
        raise HarmfulModel(
            f"{PARTS} names the class {_shown(named)}, which may run code; allowed are"
            f" {', '.join(sorted(MODULES))} of sentence_transformers"
        )
    place = part.get("path")
    if not isinstance(place, str) or not (place == "" or _PLAIN.fullmatch(place)):
        raise HarmfulModel(f"{PARTS} names the path {_shown(place)}; it should be a folder beside it")
    return place


def _look_at_weights(folder: Path) -> None:
    """Look at the weights that are loaded from a folder; one that is not there has nothing to load."""
    names = sorted(one.name for one in folder.iterdir()) if folder.is_dir() else []
    pickled = [name for name in names if _PICKLED.fullmatch(name)]
    if pickled and _WEIGHTS not in names and f"{_WEIGHTS}.index.json" not in names:
        raise HarmfulModel(f"{pickled[0]} may run code when it is read; the weights should be {_WEIGHTS}")
    for name in names:
        if name.endswith(".index.json"):
            _look_at_index(_json(folder / name), name)


def _look_at_configs(folder: Path) -> None:
    """Look at all configurations in a folder and below."""
    for place, folders, files in os.walk(folder):
        if links := [name for name in folders if Path(place, name).is_symlink()]:
            raise HarmfulModel(f"{_shown(links[0])} is a link to a folder elsewhere; copy it")
        for name in sorted(files):
            if name == "adapter_config.json":
                raise HarmfulModel(f"{name} names another model; merge the adapter into its model")
            if name.endswith(".json") and "config" in name:
                _look_at_config(_json(Path(place, name)), name)


def _look_at_index(content: Any, name: str) -> None:  # noqa: ANN401 - any JSON
    files = content.get("weight_map") if isinstance(content, dict) else None
    for file in files.values() if isinstance(files, dict) else [files]:
        if not (isinstance(file, str) and _PLAIN.fullmatch(file) and file.endswith(".safetensors")):
            raise HarmfulModel(f"{name} names {_shown(file)}; weights should be safetensors beside it")


def _look_at_config(content: Any, name: str) -> None:  # noqa: ANN401 - any JSON
    for key, value in _entries(content):
        if key in _KEYS and value:
            raise HarmfulModel(f"{name} has {key}: {_KEYS[key]}, which may run code")
        if key in _VALUES and value and not (isinstance(value, str) and _VALUES[key].fullmatch(value)):
            raise HarmfulModel(f"{name} has {key}: {_shown(value)}, which may run code")
        if key.endswith("_implementation") and not _is_known(value):
            raise HarmfulModel(f"{name} has {key}: {_shown(value)}, which may be code from elsewhere")
    kind = content.get("model_type") if isinstance(content, dict) else None
    if name == "config_sentence_transformers.json" and kind not in (None, "SentenceTransformer"):
        raise HarmfulModel(f"{name} says that it is a {_shown(kind)}, not a SentenceTransformer")


def _is_known(implementation: Any) -> bool:  # noqa: ANN401 - any JSON
    """Whether layers are computed by torch or transformers; a mapping says it of each part of a model."""
    named = implementation.values() if isinstance(implementation, dict) else [implementation]
    return all(one is None or (isinstance(one, str) and one in _IMPLEMENTATIONS) for one in named)


def _entries(content: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - any JSON
    """All keys of a JSON text, however deep, each with its value."""
    left = [content]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            yield from one.items()
            left.extend(one.values())
        elif isinstance(one, list):
            left.extend(one)


def _json(path: Path) -> Any:  # noqa: ANN401 - any JSON
    try:
        with path.open("rb") as file:
            raw = file.read(_LONGEST + 1)
        if len(raw) > _LONGEST:
            raise HarmfulModel(f"{path.name} is longer than 1 MiB, which no configuration is")
        return json.loads(raw.decode())
    except OSError as error:
        raise HarmfulModel(f"{path.name} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError):
        raise HarmfulModel(f"{path.name} is no JSON in UTF-8") from None


def _shown(value: object) -> str:
    """A value in an error line."""
    return json.dumps(value)[:60]

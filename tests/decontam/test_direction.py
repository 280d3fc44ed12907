"""What the package imports, and when."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import decontam

PACKAGE = Path(decontam.__file__).parent
OTHERS = {"datagen", "rules", "train"}


def imported(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # The sandbox imports this package under another name, so it knows itself by relative imports.
            assert node.level <= (path.parent.name == "foreign"), f"{path}: relative import"
            yield node.module or ""


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_decontam_imports_none_of_the_other_packages(path):
    """No module of decontam imports another package of the project, or its own root."""
    names = set(imported(path))
    assert not {name.split(".")[0] for name in names} & OTHERS
    assert "decontam" not in names


def test_all_names_exist():
    """What the package says it offers is there."""
    assert all(hasattr(decontam, name) for name in decontam.__all__)


def test_reading_a_benchmark_does_not_import_datasketch():
    """Detectors are imported when they are asked for: datasketch alone takes a second."""
    program = (
        "import sys\n"
        "from decontam.benchmarks import load\n"
        "load('humaneval')\n"
        "print('datasketch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=PACKAGE.parent, capture_output=True, text=True, check=True
    )
    assert done.stdout == "False\n"

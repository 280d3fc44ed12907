"""The direction in which the packages know each other, and what the top level holds."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = {"datagen", "rules", "decontam", "train"}
#: package -> those of ours that it may import
ALLOWED = {
    "rules": {"rules"},
    "decontam": {"decontam"},
    "train": {"train"},
    "datagen": {"datagen", "rules", "decontam", "train"},
}
#: A package that the sandbox imports under another name, so it knows itself by relative imports.
ALONE = ROOT / "decontam" / "translate" / "foreign"
MODULES = sorted(path for package in OURS for path in (ROOT / package).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Full names of all modules that a file imports anywhere, deferred imports included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level <= (path.parent == ALONE), f"{path}: relative import"
            own = [".".join(path.parent.relative_to(ROOT).parts)] * node.level
            base = ".".join([*own, *([node.module] if node.module else [])])
            found.update(f"{base}.{alias.name}" for alias in node.names)
    return found


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.mark.parametrize("path", MODULES, ids=module_name)
def test_packages_know_only_what_they_may(path: Path) -> None:
    """`rules`, `decontam` and `train` import neither datagen nor each other."""
    package = path.relative_to(ROOT).parts[0]
    known = {name.partition(".")[0] for name in imported(path)} & OURS
    assert known <= ALLOWED[package]


#: Parts of datagen, lowest first. A part may import its own row's other parts only where it says so below.
LAYERS = (
    {"errors", "canonical", "backoff", "secrets", "version"},
    {"packed", "sandbox", "cache"},
    {"progress", "request", "strict_yaml"},
    {"hub"},
    {"data"},
    {"journal", "answers", "evolution", "ranking"},
    {"teachers"},
    {"calls"},
    {"runs", "provenance"},
    {"publishing", "overlaps"},
    {"stages", "checkup", "training", "evaluation"},
    {"acts"},
    {"commands", "api"},
    {"__main__"},
)
#: part -> parts of its own row that it may import
BESIDE = {
    **{"request": {"progress"}, "evolution": {"answers"}, "ranking": {"answers"}, "provenance": {"runs"}},
}
#: Who may know the packages beside datagen.
KNOW_OTHERS = {"stages", "commands", "training", "evaluation", "overlaps"}


def part(name: str) -> str:
    return name.split(".")[1] if name.count(".") else ""


@pytest.mark.parametrize("path", sorted((ROOT / "datagen").rglob("*.py")), ids=module_name)
def test_layers_of_datagen(path: Path) -> None:
    """A module imports from lower layers and from its own part alone, deferred imports included."""
    own = part(module_name(path)) or path.stem
    if own == "__init__":
        return
    level = {name: number for number, layer in enumerate(LAYERS) for name in layer}
    known = {part(name) for name in imported(path) if name.startswith("datagen.")} - {own, "__version__"}
    above = {name for name in known if level[name] >= level[own]} - BESIDE.get(own, set())
    assert not above, f"{module_name(path)} imports {above}"


def test_few_parts_know_rules_decontam_and_train() -> None:
    """Inside datagen the other packages are used in few places, so they can be replaced there."""
    for path in (ROOT / "datagen").rglob("*.py"):
        others = {name.partition(".")[0] for name in imported(path)} & (OURS - {"datagen"})
        if others:
            assert part(module_name(path)) in KNOW_OTHERS, f"{module_name(path)} imports {others}"


@pytest.mark.parametrize("folder", ["stages", "evaluation", "runs", "calls"])
def test_below_commands_nothing_knows_the_screen(folder: str) -> None:
    """Stages neither print nor parse: Click stays in `commands/`, and in what declares options."""
    for path in (ROOT / "datagen" / folder).rglob("*.py"):
        names = {name.partition(".")[0] for name in imported(path)}
        allowed = {"click"} if path.name in {"values.py", "options.py", "recipe.py", "subject.py"} else set()
        assert not names & {"click", "rich"} - allowed, path


def test_no_import_cycles() -> None:
    """No module imports itself through others, deferred imports included."""
    names = {module_name(path): path for path in MODULES}
    edges: dict[str, set[str]] = {
        # `from package import module` is about the module, `from module import name` about the module too.
        name: {target if target in names else target.rpartition(".")[0] for target in imported(path)}
        for name, path in names.items()
    }
    done: set[str] = set()

    def walk(name: str, trail: tuple[str, ...]) -> None:
        if name in trail:
            raise AssertionError(" -> ".join((*trail[trail.index(name) :], name)))
        if name in done:
            return
        for target in sorted(edges[name] & names.keys()):
            walk(target, (*trail, name))
        done.add(name)

    for name in sorted(names):
        walk(name, ())


def test_top_level_is_as_designed() -> None:
    """The source tree shows the architecture: four packages, tests, docs, bench, and known files."""
    tracked = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
    ).stdout.split()
    if not tracked:
        pytest.skip("not a git checkout")
    assert {name.partition("/")[0] for name in tracked} <= {
        *(OURS | {"tests", "docs", "bench", "examples", ".ci"}),
        *("setup.cfg", "pyproject.toml", "ruff.toml", "constraints.txt", "Makefile"),
        *("README.md", "CHANGELOG.md", "LICENSE", ".gitignore"),
    }


def test_help_imports_nothing_heavy() -> None:
    """`datagen --help` needs Click alone, so it answers at once."""
    heavy = ["torch", "vllm", "openai", "polars", "datasketch", "ray", "numpy", "yaml", "rich", "rules"]
    heavy += ["huggingface_hub", "datasets"]
    program = (
        "import sys\nfrom datagen.commands import console\nconsole.run(['--help'])\n"
        f"print([name for name in {heavy!r} if name in sys.modules], file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stderr.strip() == "[]"
    assert "evolve" in done.stdout


def test_modules_stay_readable() -> None:
    """No module of ours outgrows 400 lines."""
    lengths = {module_name(path): len(path.read_text(encoding="utf-8").splitlines()) for path in MODULES}
    assert {name: lines for name, lines in lengths.items() if lines > 400} == {}

"""What may be OUT, and what is left alone around it."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import pytest
from cli import datagen, left_in, quick

ROW = '{"instruction": "Write a function that adds up two numbers."}\n'


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("in.jsonl").write_text(ROW)
    assert quick("filter", "in.jsonl", "-o", "D").code == 0
    return tmp_path


def state(place: Path) -> dict[str, object]:
    """Everything below a folder, with its content."""
    found = sorted(place.rglob("*"))
    return {str(p): p.readlink() if p.is_symlink() else p.is_file() and p.read_bytes() for p in found}


def refused(*command: object) -> str:
    """The error line, after checking that nothing was touched."""
    before = state(Path.cwd())
    line = datagen(*command).error()
    assert state(Path.cwd()) == before
    return line


STAGES = (["filter"], ["decontam"], ["sample", "--teacher", "reference"])


@pytest.mark.parametrize("out", ["D", "D/x", "D/data/x", "D/stages/01-x", "D/../D/x", "LINK", "LINK/x", "."])
@pytest.mark.parametrize("source", ["D", "LINK", "../{here}/D"])
def test_out_in_its_own_input(out, source, folder):
    """The input would be replaced, or hold another data set afterwards."""
    Path("LINK").symlink_to("D")
    source = source.format(here=folder.name)
    for stage in STAGES:
        for overwrite in ([], ["--overwrite"]):
            line = refused(*stage, source, "-o", out, *overwrite)
            assert "which is read" in line or "is what is read" in line or out == "."


@pytest.mark.parametrize("source", ["OUT/stages/01-filter", "OUT/data/train-00000-of-00001.parquet", "IN"])
def test_input_in_out(source, folder):
    """Replacing OUT would remove what is read."""
    Path("r.yaml").write_text("seeds: in.jsonl\nstages:\n  - filter: {}\n")
    assert quick("run", "r.yaml", "-o", "OUT").code == 0
    Path("IN").symlink_to("OUT/stages/01-filter")
    line = refused("filter", source, "-o", "OUT", "--overwrite")
    assert f"-o OUT holds {source}, which is read; choose another -o" in line
    Path("r.yaml").write_text(f"seeds: {source}\nstages:\n  - filter: {{}}\n")
    refused("run", "r.yaml", "-o", "OUT", "--overwrite")


def test_a_run_in_its_own_seeds(folder):
    """A recipe's OUT is looked at as a stage's is."""
    Path("r.yaml").write_text("seeds: D\nstages:\n  - filter: {}\n")
    for out in ("D", "D/x"):
        refused("run", "r.yaml", "-o", out, "--overwrite")


@pytest.mark.parametrize("name", [".OUT.lock", ".OUT.making", ".OUT.old"])
@pytest.mark.parametrize("target", ["elsewhere", "D", "in.jsonl"])
def test_links_beside_out_are_not_followed(name, target, folder):
    """Nothing is written, taken or removed where a link leads, and the link stays."""
    Path(name).symlink_to(target)
    assert f"{name} is in the way" in refused("filter", "in.jsonl", "-o", "OUT")


@pytest.mark.parametrize("name", [".joined", ".01-filter.lock", ".01-filter.making", "01-filter"])
def test_links_among_stages_are_not_followed(name, folder):
    """Nor are those in OUT itself."""
    Path("elsewhere").mkdir()
    Path("r.yaml").write_text("seeds: in.jsonl\nstages:\n  - filter: {}\n")
    assert quick("run", "r.yaml", "-o", "OUT").code == 0
    if name == "01-filter":
        Path("OUT/stages/01-filter").rename("was")
    Path("OUT/stages", name).symlink_to("../../was" if name == "01-filter" else "../../elsewhere")
    Path("r.yaml").write_text("seeds: D\nstages:\n  - filter: {}\n")
    assert "datagen did not put there" in refused("run", "r.yaml", "-o", "OUT", "--overwrite")


def test_a_lock_that_is_a_pipe(folder):
    """It is nobody's lock."""
    os.mkfifo(".OUT.lock")
    assert ".OUT.lock is in the way" in refused("filter", "in.jsonl", "-o", "OUT")


@pytest.mark.parametrize("kind", ["pipe", "link", "folder"])
def test_a_file_of_rows_that_is_none(kind, folder):
    """Reading a pipe would wait forever, and none of them is ours to remove."""
    file = Path("D/data/train-00000-of-00001.parquet")
    file.rename("moved")
    {"pipe": os.mkfifo, "link": lambda p: p.symlink_to("../../moved"), "folder": Path.mkdir}[kind](file)
    for source in ("in.jsonl", "starter"):
        assert "datagen did not put there" in refused("filter", source, "-o", "D", "--overwrite")


def test_out_that_is_no_folder(folder):
    """A file or a pipe is not replaced."""
    os.mkfifo("PIPE")
    for out in ("in.jsonl", "PIPE"):
        assert f"{out} is a file" in refused("filter", "starter", "-o", out)
    assert "a file is in its way" in refused("filter", "starter", "-o", "in.jsonl/x")


@pytest.mark.parametrize("target", ["elsewhere", "made"])
def test_out_that_is_a_link(target, folder):
    """The data set comes where the link leads, and the link stays."""
    Path("made").mkdir()
    Path("OUT").symlink_to(target)
    assert quick("filter", "in.jsonl", "-o", "OUT").code == 0
    assert Path("OUT").is_symlink()
    assert "manifest.json" in left_in(Path(target))


@pytest.mark.parametrize("length", [250, 255, 300, 5000])
def test_a_name_that_is_too_long(length, folder):
    """Nor may those of the temporary folders be, which are longer."""
    line = refused("filter", "in.jsonl", "-o", "x" * length)
    assert "File name too long" in line
    assert len(line) < 400


def test_names_are_shown_on_one_line(folder):
    """A line end or a control character in a name is shown as Python writes it."""
    name = "a\nb\x1b[31mc"
    done = datagen("filter", "in.jsonl", "-o", name)
    assert done.code == 0
    assert "  a\\nb\\x1b[31mc\n" in done.err
    line = refused("filter", "starter", "-o", name)
    assert "a\\nb\\x1b[31mc holds a data set" in line
    Path(name, "mine").touch()
    assert "a\\nb\\x1b[31mc holds mine" in refused("filter", "starter", "-o", name)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("locked", ["P", "P/OUT", "P/OUT/data"])
def test_a_folder_without_rights(locked, monkeypatch):
    """One line says so to who may not write there, or not even look."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are for one user alone
        folder = Path(name)
        folder.chmod(0o755)
        monkeypatch.chdir(folder)
        assert quick("filter", "starter", "-o", "P/OUT").code == 0
        before = state(folder)
        Path(locked).chmod(0)
        os.seteuid(65534)  # in this process: the interpreter itself may be out of another user's reach
        try:
            done = quick("filter", "starter", "-o", "P/OUT", "--overwrite", "--skip", "repeated-lines")
        finally:
            os.seteuid(0)
        Path(locked).chmod(0o755)
        assert state(folder) == before
        assert "Permission denied" in done.error()

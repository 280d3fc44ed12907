"""A data set is written whole or not at all, and read back as it was."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import polars as pl
import pytest
import yaml
from cli import left_in
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from datagen.data import dataset, directory, inputs, schema
from datagen.data.dataset import Outcome, RowWriter, Split
from datagen.data.manifest import Plan
from datagen.data.source import Source
from datagen.errors import DatagenError

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)
ROW = st.fixed_dictionaries(
    {
        "id": TEXT,
        "task": TEXT,
        "instruction": TEXT,
        "response": st.one_of(st.none(), TEXT),
        "tests": st.one_of(st.none(), st.lists(st.one_of(st.none(), TEXT), max_size=2)),
        "sample": st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)),
        "u": st.one_of(
            st.none(),
            st.fixed_dictionaries(
                {
                    "a": st.one_of(st.none(), st.floats(allow_nan=False, allow_infinity=False)),
                    "b": st.lists(TEXT, max_size=2),
                }
            ),
        ),
        "request": st.one_of(st.none(), TEXT),
    }
)
SCHEMA = {
    **{name: schema.DTYPES[name] for name in ("id", "task", "instruction", "response", "tests", "sample")},
    "u": pl.Struct({"a": pl.Float64, "b": pl.List(pl.String)}),
    "request": pl.String(),
}
DROPPED = {**SCHEMA, "reason": pl.String()}


def frame(rows, columns=SCHEMA):
    return pl.DataFrame(rows, schema=columns)


def source(name="in.jsonl", digest="0" * 64, rows=0):
    return Source(name, digest, rows, lambda: iter([frame([])]))


def plan(**options):
    return Plan("filter", [source()], options)


def row(number=0, **more):
    return {**dict.fromkeys(SCHEMA), "id": str(number), "task": "t", "instruction": f"i{number}", **more}


def write(out: Path, kept, dropped=(), batch=3, **options) -> Outcome:
    """Write rows in batches of `batch`; dropped ones have their reason."""
    with dataset.writing(out, plan(**options)) as writer:
        for start in range(0, max(len(kept), len(dropped), 1), batch):
            split = Split(frame(kept[start : start + batch]), frame(dropped[start : start + batch], DROPPED))
            writer.add(split, rows_in=split.kept.height + split.dropped.height)
    return writer.outcome(out)


def read(out: Path) -> pl.DataFrame:
    return pl.concat(inputs.open_source(str(out)).frames())


@pytest.fixture
def out(tmp_path):
    return tmp_path / "OUT"


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, max_size=9, unique_by=lambda one: one["id"]), st.integers(1, 10), st.integers(1, 10))
def test_read_equals_written_whatever_the_shards(tmp_path_factory, rows, shard_rows, batch):
    """Rows come back as they were, and the digest depends on them alone: not on shards or batches."""
    folder = tmp_path_factory.mktemp("shards")
    whole = write(folder / "whole", rows, batch=100)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(dataset, "SHARD_ROWS", shard_rows)
        cut = write(folder / "cut", rows, batch=batch)
    assert cut.manifest["digest"] == whole.manifest["digest"]
    assert cut.manifest["dropped_digest"] == whole.manifest["dropped_digest"]
    shards = max(1, -(-len(rows) // shard_rows))
    names = [f"train-{number:05d}-of-{shards:05d}.parquet" for number in range(shards)]
    assert left_in(folder / "cut/data") == names
    assert_frame_equal(read(folder / "cut"), schema.in_order(frame(rows)))
    assert_frame_equal(read(folder / "cut"), read(folder / "whole"))


@settings(max_examples=60, deadline=None)
@given(st.lists(ROW, min_size=1, max_size=4), st.data())
def test_digest_tells_rows_apart(tmp_path_factory, rows, data):
    """Another value, another order or another row is another digest; the journal key is not part of it."""
    folder = tmp_path_factory.mktemp("digest")
    digest = write(folder / "a", rows).manifest["digest"]
    others = [
        [*rows, rows[0]],
        rows[1:],
        [{**rows[0], "instruction": rows[0]["instruction"] + "x"}, *rows[1:]],
    ]
    if rows[::-1] != rows:
        others.append(rows[::-1])
    for number, other in enumerate(others):
        made = write(folder / f"b{number}", other).manifest["digest"]
        same = [{**r, "request": None} for r in other] == [{**r, "request": None} for r in rows]
        assert (made == digest) == same
    asked_again = [{**r, "request": data.draw(TEXT)} for r in rows]
    assert write(folder / "c", asked_again).manifest["digest"] == digest


def test_layout(out):
    """README.md, data, dropped, manifest.json, and nothing else."""
    write(out, [row(1), row(2)], [row(3, reason="refusal")])
    assert left_in(out) == ["README.md", "data", "dropped", "manifest.json"]
    assert left_in(out / "data") == left_in(out / "dropped") == ["train-00000-of-00001.parquet"]
    assert left_in(out.parent) == ["OUT"]


def test_card_is_a_hub_card(out):
    """The front matter is YAML with the licence, both configs and where the rows came from."""
    write(out, [row(1)], [row(2, reason="refusal"), row(3, reason="no-code")])
    text = (out / "README.md").read_text()
    _, front, body = text.split("---\n", 2)
    card = yaml.safe_load(front)
    assert [config["config_name"] for config in card["configs"]] == ["default", "dropped"]
    for config in card["configs"]:
        ((files),) = config["data_files"]
        assert files["split"] == "train"
        assert [*out.glob(files["path"])], files
    assert card["license"] == "other"
    assert card["size_categories"] == ["n<1K"]
    assert card["source_datasets"] == ["in.jsonl"]
    assert "| **kept** | **1** |" in body
    assert "| dropped: refusal | 1 |" in body


@pytest.mark.parametrize(
    ("licenses", "shown"),
    [
        (["Apache-2.0"], "apache-2.0"),
        (["Apache-2.0", "Apache-2.0"], "apache-2.0"),
        (["Apache-2.0", "MIT"], "other"),
        (["Apache-2.0", None], "other"),
        (["Apache-2.0 AND MIT"], "other"),
        ([None], "other"),
        ([], "other"),
    ],
)
def test_card_names_a_licence_that_all_rows_share(licenses, shown, out):
    """One licence is named as the Hub calls it; several, or one that is not known, are "other"."""
    with dataset.writing(out, plan()) as writer:
        for number, name in enumerate(licenses):
            kept = frame([row(number)]).with_columns(license=pl.lit(name, pl.String))
            writer.add(Split(kept, frame([], DROPPED)), rows_in=1)
    assert yaml.safe_load((out / "README.md").read_text().split("---\n")[1])["license"] == shown


@pytest.mark.parametrize("dropped", [0, 1])
def test_dropped_always_has_its_schema(dropped, out):
    """dropped/ can be read also when nothing was dropped, and knows reason, dropped_by and detail."""
    write(out, [row(1)], [row(2, reason="refusal")][:dropped])
    (found,) = inputs.open_dropped(str(out)).frames()
    assert found.height == dropped
    assert found.schema["reason"] == pl.String
    assert found.schema["dropped_by"] == pl.List(pl.String)
    assert found.schema["detail"] == pl.String
    assert {*SCHEMA} <= {*found.columns}


@pytest.mark.skipif(not Path("/proc/self/smaps_rollup").exists(), reason="reads Linux's /proc")
def test_few_rows_of_many_keep_no_others_in_memory(out):
    """What waits to be written holds its own texts, and not those of the frames that it was taken from."""

    def megabytes() -> int:
        lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("Pss_Anon"))

    before = megabytes()
    with dataset.writing(out, plan()) as writer:
        for number in range(100):
            rows = [row(f"{number}-{place}", instruction=f"{number} {place} " * 800) for place in range(500)]
            whole = frame(rows).with_columns(reason=pl.lit("refusal"))
            split = Split(frame([]), whole.filter(pl.col("id").str.ends_with("-7")))
            writer.add(split, rows_in=1)
        grown = megabytes() - before
    assert grown < 120  # 50,000 rows take more than 300


def test_nothing_at_all_can_be_written(out):
    """A stage without a single batch still makes a data set."""
    with dataset.writing(out, plan()):
        pass
    assert [*inputs.open_source(str(out)).iter_rows()] == []
    assert [*inputs.open_dropped(str(out)).iter_rows()] == []


class Broken(Exception):
    """What goes wrong in the middle."""


@pytest.mark.parametrize("moment", ["begin", "middle", "end", "close"])
@pytest.mark.parametrize("old", [False, True])
def test_an_exception_leaves_nothing(moment, old, out, monkeypatch):
    """Whenever a stage breaks off, OUT is what it was before: absent, or the old data set."""
    if old:
        write(out, [row(9)])
    before = (out / "manifest.json").read_bytes() if old else None
    monkeypatch.setattr(dataset, "SHARD_ROWS", 2)
    if moment == "close":
        monkeypatch.setattr(dataset.card, "write", lambda *_: (_ for _ in ()).throw(Broken))

    def work() -> None:
        with dataset.writing(out, plan(other=True)) as writer:
            if moment == "begin":
                raise Broken
            writer.add(Split(frame([row(1), row(2), row(3)]), frame([], DROPPED)), rows_in=3)
            if moment == "middle":
                raise Broken
            writer.add(Split(frame([row(4)]), frame([], DROPPED)), rows_in=1)
            if moment == "end":
                raise Broken

    with pytest.raises(Broken):
        work()
    assert left_in(out.parent) == (["OUT"] if old else [])
    if old:
        assert (out / "manifest.json").read_bytes() == before
        assert read(out)["id"].to_list() == ["9"]


@pytest.mark.parametrize(
    ("rows_in", "rows_made", "fits"),
    [(3, 0, True), (1, 2, True), (2, 0, False), (4, 0, False), (3, 1, False)],
)
def test_identity(rows_in, rows_made, fits, out):
    """A row that came in or was made and is neither kept nor dropped stops the stage: a bug of ours."""

    def work() -> None:
        with dataset.writing(out, plan()) as writer:
            split = Split(frame([row(1), row(2)]), frame([row(3, reason="refusal")], DROPPED))
            writer.add(split, rows_in=rows_in, rows_made=rows_made)

    if fits:
        work()
    else:
        with pytest.raises(
            AssertionError, match=r"filter: \d rows came in or were made, 3 were kept or dropped"
        ):
            work()
    assert out.exists() is fits


def test_a_lost_column_stops_the_stage(out):
    """A batch with other columns than the first would lose them silently: a bug of ours, too."""

    def work() -> None:
        with dataset.writing(out, plan()) as writer:
            writer.add(Split(frame([row(1)]), frame([], DROPPED)), rows_in=1)
            writer.add(Split(frame([row(2)]).with_columns(new=pl.lit(1)), frame([], DROPPED)), rows_in=1)

    with pytest.raises(AssertionError, match="columns changed"):
        work()
    assert not out.exists()


def test_nan_is_never_written(out):
    """A number that JSON cannot hold does not get into a digest."""
    nan = frame([row(1, u={"a": float("nan"), "b": []})])
    with pytest.raises(ValueError, match="Out of range"), dataset.writing(out, plan()) as writer:
        writer.add(Split(nan, frame([], DROPPED)), rows_in=1)
    assert not out.exists()


class TestAlreadyMade:
    """What is found in OUT before a stage begins."""

    def test_same_plan(self, out):
        """The same inputs, options and versions are "already made", and no file is touched."""
        write(out, [row(1)], only=[])
        times = {path: path.stat().st_mtime_ns for path in out.rglob("*")}
        done = dataset.already_made(out, plan(only=[]), overwrite=False)
        assert done is not None
        assert done.already_made
        assert done.manifest["rows_out"] == 1
        assert {path: path.stat().st_mtime_ns for path in out.rglob("*")} == times
        assert dataset.already_made(out, plan(only=[]), overwrite=True) is not None

    @pytest.mark.parametrize(
        "other",
        [
            Plan("filter", [source()], {"only": ["x"]}),
            Plan("decontam", [source()], {"only": []}),
            Plan("filter", [source(digest="1" * 64)], {"only": []}),
            Plan("filter", [source()], {"only": []}, ("http://elsewhere",)),
        ],
        ids=["options", "stage", "input", "private"],
    )
    def test_other_plan(self, other, out):
        """Anything that decides the result makes another plan, which needs --overwrite."""
        write(out, [row(1)], only=[])
        with pytest.raises(DatagenError, match=r"other inputs or options; --overwrite replaces it"):
            dataset.already_made(out, other, overwrite=False)
        assert dataset.already_made(out, other, overwrite=True) is None

    def test_same_content_under_another_name(self, out):
        """What a file is called does not decide the result."""
        write(out, [row(1)], only=[])
        moved = Plan("filter", [source("moved.jsonl", rows=7)], {"only": []})
        assert dataset.already_made(out, moved, overwrite=False) is not None

    def test_other_version(self, out, monkeypatch):
        """Another version of datagen may give another result."""
        write(out, [row(1)])
        monkeypatch.setattr("datagen.data.manifest.__version__", "99")
        with pytest.raises(DatagenError, match="--overwrite replaces it"):
            dataset.already_made(out, plan(), overwrite=False)

    def test_failed_rows(self, out):
        """A data set some of whose rows failed is made again."""
        with dataset.writing(out, plan()) as writer:
            failed = frame([row(1, reason=dataset.CALL_FAILED)], DROPPED)
            writer.add(Split(frame([]), failed), rows_in=1, failed=1)
        assert dataset.already_made(out, plan(), overwrite=False) is None

    @pytest.mark.parametrize("made", [False, True])
    def test_nothing_there(self, made, out):
        """An absent or empty directory is free."""
        if made:
            out.mkdir()
        assert dataset.already_made(out, plan(), overwrite=False) is None


def test_an_empty_directory_is_taken(out):
    """OUT that exists and is empty becomes the data set."""
    out.mkdir()
    write(out, [row(1)])
    assert left_in(out.parent) == ["OUT"]
    assert read(out).height == 1


@pytest.mark.parametrize("left", [".OUT.making", ".OUT.old", ".OUT.lock"])
def test_what_a_killed_process_left_is_cleaned(left, out):
    """The next run removes a half-made directory, an old one, or a lock that nobody holds."""
    write(out, [row(1)])
    if left == ".OUT.lock":
        (out.parent / left).touch()
    else:
        (out.parent / left / "data").mkdir(parents=True)
    write(out, [row(2)], only=[])
    assert left_in(out.parent) == ["OUT"]
    assert read(out)["id"].to_list() == ["2"]


def test_killed_between_the_two_renames(out):
    """A data set that was just set aside when the process died is put back by the next run."""
    write(out, [row(1)])
    out.rename(out.with_name(".OUT.old"))
    with pytest.raises(Broken), dataset.writing(out, plan(only=[])):
        raise Broken
    assert left_in(out.parent) == ["OUT"]
    assert read(out)["id"].to_list() == ["1"]


def test_lock_is_for_one_data_set(out):
    """Two data sets of one folder can be written at once, one data set cannot."""
    with dataset.writing(out, plan()):
        write(out.with_name("OTHER"), [row(1)])
        with pytest.raises(DatagenError, match="another datagen is writing"), directory.lock(out):
            pass
    assert left_in(out.parent) == ["OTHER", "OUT"]


def test_file_hashes(out):
    """The manifest knows the sha256 of every Parquet file."""
    files = write(out, [row(1)]).manifest["files"]
    assert [*files] == ["data/train-00000-of-00001.parquet", "dropped/train-00000-of-00001.parquet"]
    for name, sha256 in files.items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == sha256
    assert dataset.file_hashes(out) == files


@pytest.mark.parametrize("at_a_time", [1, 2, 100])
def test_row_writer_gathers_rows(at_a_time, out, monkeypatch):
    """Rows of model stages are written in order, whatever the number gathered at a time."""
    monkeypatch.setattr(dataset, "ROWS_AT_A_TIME", at_a_time)
    with dataset.writing(out, plan()) as writer:
        known = pl.Schema({"id": pl.String, "instruction": pl.String, "n": pl.Int64})
        rows = RowWriter(writer, known, ["teacher"])
        for number in range(5):
            row = {"id": str(number), "instruction": "i", "n": number, "unknown": 1}
            bad = [{"id": f"x{number}", "reason": dataset.CALL_FAILED}] if number % 2 else []
            rows.add([row], bad, rows_in=1, rows_made=len(bad))
        rows.flush()
    manifest = writer.outcome(out).manifest
    assert read(out).rows() == [(str(number), "i", None, number) for number in range(5)]
    assert (manifest["rows_in"], manifest["rows_made"], manifest["rows_out"]) == (5, 2, 5)
    assert (manifest["failed"], manifest["dropped"]) == (2, {"call-failed": 2})


def test_manifest_holds_nothing_of_the_machine(out, monkeypatch):
    """No path, host, user or temporary folder stands in a manifest or a card."""
    import getpass
    import socket
    import tempfile

    write(out, [row(1)])
    text = (out / "manifest.json").read_text() + (out / "README.md").read_text()
    private = [
        str(out.parent),
        tempfile.gettempdir(),
        str(Path.home()),
        str(Path.cwd()),
        socket.gethostname(),
    ]
    assert [word for word in private if word in text] == []
    assert getpass.getuser() not in json.loads((out / "manifest.json").read_text()).values()

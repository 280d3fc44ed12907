"""`init`: a recipe that explains itself, and is valid whatever was answered."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import termios
import time
from pathlib import Path

import pytest
import yaml
from cli import CACHE, datagen, left_in, quick
from endpoint import Endpoint
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from datagen.overlaps.benchmarks import DEFAULT
from datagen.runs import recipe, registry
from datagen.runs.options import click_options
from datagen.teachers import settings as settings_of
from rules import RULES

#: A setting that is not chosen.
OFF = re.compile(r"^( *)# (?=[a-z_-]+: )", re.MULTILINE)


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "in.jsonl").write_text('{"instruction": "Write a function that adds two numbers."}\n')
    (tmp_path / "bench.jsonl").write_text(
        json.dumps({"task_id": "1", "prompt": "Sort words.", "entry_point": "f", "tests": ["f()"]})
    )
    return tmp_path


def stages(file: str = "recipe.yaml") -> list[tuple[str, dict]]:
    return [(step.stage.name, vars(step.options)) for step in recipe.load(file).stages]


def test_defaults():
    """Without a terminal nothing is asked: the starter tasks and the embedded model, a few seeds first."""
    done = datagen("init")
    assert (done.code, done.out) == (0, "")
    assert "datagen doctor --recipe recipe.yaml" in done.err
    assert "datagen run recipe.yaml -o out/set --dry-run" in done.err
    assert recipe.load("recipe.yaml").seeds == ("starter",)
    made = stages()
    assert [name for name, _ in made] == ["evolve", "filter", "decontam", "sample", "filter", "decontam"]
    assert [(one.name, one.spec) for one in made[0][1]["teacher"]] == [("smollm2", "local:smollm2")]
    assert (made[0][1]["rounds"], made[0][1]["limit"]) == (3, 24)
    assert made[1][1]["only"] == tuple(name for name, rule in RULES.items() if rule.judges == "instruction")
    assert made[2][1]["against"] == made[5][1]["against"] == (DEFAULT,)
    assert (made[3][1]["n"], made[3][1]["student"], made[3][1]["tests"]) == (1, None, False)


def test_everything_said():
    """Each option is in the recipe, and teachers get names of their own."""
    words = ["mine.yaml", "--seeds", "in.jsonl", "--rounds", 5, "--answers", 4, "--tests"]
    for spec in ("openai:org/Qwen:7b@http://localhost:8000/v1", "openai:gpt", "reference", "openai:gpt"):
        words += ["--teacher", spec]
    words += ["--student", "openai:gpt@http://h/v1", "--against", "jsonl:bench.jsonl"]
    assert datagen("init", *words).code == 0
    assert recipe.load("mine.yaml").seeds == ("in.jsonl",)
    made = stages("mine.yaml")
    evolve, sample = made[0][1], made[3][1]
    assert [one.name for one in evolve["teacher"]] == ["Qwen-7b", "gpt"]
    assert (evolve["rounds"], evolve["limit"]) == (5, None)
    assert [(one.name, one.spec, one.role) for one in sample["teacher"]] == [
        ("Qwen-7b", "openai:org/Qwen:7b@http://localhost:8000/v1", "teacher"),
        ("gpt", "openai:gpt", "teacher"),
        ("reference", "reference", "teacher"),
    ]
    student = sample["student"]
    assert (student.name, student.spec, student.role) == ("gpt-2", "openai:gpt@http://h/v1", "student")
    assert (sample["n"], sample["tests"]) == (4, True)
    assert made[2][1]["against"] == ("jsonl:bench.jsonl",)


def test_reference_alone_evolves_nothing():
    """Who has only the seeds' own solutions cannot evolve, so that stage is left out."""
    assert datagen("init", "--teacher", "reference").code == 0
    assert [name for name, _ in stages()] == ["filter", "decontam", "sample", "filter", "decontam"]


def test_json():
    """--json: one object, nothing else anywhere."""
    done = datagen("init", "r.yaml", "--json")
    assert (done.code, done.err) == (0, "")
    assert done.json() == {
        **{"command": "init", "out": "r.yaml", "seeds": "starter", "teachers": ["smollm2"]},
        **{"against": ["humaneval"], "note": None},
    }


@pytest.mark.parametrize("kind", ["file", "folder", "dangling link"])
def test_nothing_is_replaced(kind, folder):
    """A file that is there stays as it is, whatever it is."""
    path = folder / "recipe.yaml"
    if kind == "file":
        path.write_text("mine")
    elif kind == "folder":
        path.mkdir()
    else:
        path.symlink_to("nowhere")
    line = datagen("init").error(1)
    assert line == "Error: recipe.yaml is there already; move it away, or name another FILE"
    assert kind != "file" or path.read_text() == "mine"
    assert not (folder / "nowhere").exists()


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["--seeds", "no.jsonl"], 2, "no.jsonl does not exist"),
        (["--seeds", ""], 2, "an empty path does not exist"),
        (["--teacher", "opnai:x"], 2, "did you mean openai?"),
        (["--teacher", "openai: "], 2, "model should be a text"),
        (["--teacher", "local:no.gguf"], 2, "there is no such file"),
        (["--student", "openai:"], 2, "names no model"),
        (["--against", "mbpp"], 2, "should be written as mbpp:PATH"),
        (["--against", "jsonl:no"], 2, "no is no file"),
        (["--rounds", "0"], 2, "1<=x<=20"),
        (["--answers", "x"], 2, "not a valid int"),
        (["no/folder/recipe.yaml"], 1, "cannot be written: No such file or directory; choose another FILE"),
        (["in.jsonl/recipe.yaml"], 1, "cannot be written: Not a directory"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_errors_write_nothing(words, code, told, folder):
    """What cannot be is one line, and no file."""
    before = left_in(folder)
    assert told in datagen("init", *words).error(code)
    assert left_in(folder) == before


def test_seeds_that_cannot_be_read_yet():
    """Seeds with other columns are told with what to do; the recipe is written all the same."""
    Path("q.jsonl").write_text('{"wish": "a"}\n')
    done = datagen("init", "--seeds", "q.jsonl")
    assert done.code == 0
    assert "note: q.jsonl has no column instruction" in done.err
    assert "add `map: {instruction: NAME}` to the recipe" in done.err
    text = Path("recipe.yaml").read_text()
    Path("recipe.yaml").write_text(text.replace("# map: ", "map: "))
    assert recipe.load("recipe.yaml").rename == {"instruction": "wish"}


@pytest.mark.parametrize("spec", ["openai:m", "openai:m@http://h/v1", "local:smollm2", "vllm:org/m"])
def test_every_setting_that_is_offered_is_valid(spec):
    """Each line that begins with "# " is a setting; without that the recipe is still valid."""
    assert datagen("init", "--teacher", spec, "--seeds", "in.jsonl").code == 0
    text = Path("recipe.yaml").read_text()
    places = list(OFF.finditer(text))
    assert len(places) >= 15
    for match in places:
        if "price_" in text[match.start() : match.end() + 10]:
            continue  # the two go together; below
        one = text[: match.start()] + match[1] + text[match.end() :]
        Path("one.yaml").write_text(one)
        recipe.load("one.yaml")
    Path("all.yaml").write_text(OFF.sub(r"\1", text))
    chosen = recipe.load("all.yaml")
    profile = chosen.stages[0].options.teacher[0]
    assert (profile.price_in, profile.price_out, profile.rpm) == (0.15, 0.6, 500)


def test_every_option_is_named():
    """Each key of a recipe and of a teacher, and each option of each stage, is in the recipe."""
    assert datagen("init", "--teacher", "openai:m", "--teacher", "local:smollm2").code == 0
    content = yaml.safe_load(OFF.sub(r"\1", Path("recipe.yaml").read_text()))
    assert content.keys() == set(recipe._KEYS)
    keys = {key for settings_ in content["teachers"].values() for key in settings_}
    assert keys == {one.key for one in settings_of()}
    for name in {name for name, _ in stages()}:
        named = {key for entry in content["stages"] for key in entry.get(name, {})}
        options = {option.opts[0].lstrip("-") for option in click_options(registry.stage(name).options)}
        assert options - named <= content.keys(), name
    assert {"evolve", "sample", "filter", "decontam"} == {name for name, _ in stages()}


def test_chosen_lines_say_what_they_do():
    """Nothing is chosen or offered below `teachers` or `stages` without a note on its line or before it."""
    assert datagen("init", "--teacher", "openai:m", "--tests").code == 0
    lines = Path("recipe.yaml").read_text().splitlines()
    bare = [
        line.strip() for line in lines if re.match(r" {4,}(# )?[a-z_-]+: \S", line) and "  # " not in line
    ]
    assert bare == ["model: m"]


NAMES = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=30)
PATHS = NAMES.filter(lambda name: name not in {".", ".."} and len(name.encode()) < 200)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seeds=PATHS, weights=PATHS, bench=PATHS, model=NAMES, file=PATHS, student=NAMES)
def test_whatever_is_accepted_makes_a_valid_recipe(seeds, weights, bench, model, file, student):
    """Paths and models of any characters are quoted as YAML wants it, and mean the same when read."""
    with tempfile.TemporaryDirectory() as place:
        root = Path(place)
        (root / f"s{seeds}").write_text('{"instruction": "a"}\n')
        (root / f"b{bench}").write_text("{}")
        (root / f"{weights}.gguf").write_text("")
        words = ["--seeds", root / f"s{seeds}", "--teacher", f"local:{root}/{weights}.gguf"]
        words += [
            "--teacher",
            f"openai:m{model}@http://localhost:1/v1",
            "--against",
            f"jsonl:{root}/b{bench}",
        ]
        words += ["--student", f"vllm:v{student}"]
        target = root / f"r{file}"
        done = datagen("init", target, *words)
        if done.code == 2:  # such as a model's name with an address in it
            assert not target.exists()
            return
        assert done.code == 0, done.err
        assert "Traceback" not in done.err
        found = recipe.load(str(target))
        assert found.seeds == (str(root / f"s{seeds}"),)
        specs = [one.spec for one in found.stages[0].options.teacher]
        assert specs == [f"local:{root}/{weights}.gguf", f"openai:m{model}@http://localhost:1/v1"]
        assert found.stages[2].options.against == (f"jsonl:{root}/b{bench}",)
        assert found.stages[3].options.student.spec == f"vllm:v{student}"


def test_names_that_are_no_text(folder):
    """A path that is no UTF-8 can be named."""
    name = os.fsdecode(b"caf\xe9.jsonl")
    (folder / name).write_text('{"instruction": "a"}\n')
    assert datagen("init", "--seeds", name).code == 0
    assert recipe.load("recipe.yaml").seeds == (name,)


def test_it_runs():
    """What it writes makes a data set, without a change."""
    with Endpoint() as endpoint:
        assert datagen("init", "--teacher", endpoint.teacher, "--tests", "--answers", 2).code == 0
        text = Path("recipe.yaml").read_text().replace("# limit: 24", "limit: 5")
        Path("recipe.yaml").write_text(text)
        done = quick("run", "recipe.yaml", "-o", "out/set", "--json")
        assert done.code == 0, done.err
        assert done.json()["rows_out"] > 0


class Terminal:
    """A process on a terminal of its own; stdout is a pipe."""

    def __init__(self, *words: str) -> None:
        self.ours, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [sys.executable, "-m", "datagen", *words],
            stdin=theirs,
            stdout=subprocess.PIPE,
            stderr=theirs,
            env={**os.environ, "DATAGEN_CACHE_DIR": CACHE.name},
            start_new_session=True,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(theirs)
        self.shown = ""

    def expect(self, text: str, seconds: float = 30) -> str:
        """What is shown until `text` is, which later calls do not see again."""
        last = time.monotonic() + seconds
        while text not in self.shown and time.monotonic() < last and self._more(last - time.monotonic()):
            pass
        assert text in self.shown, self.shown
        before, _, self.shown = self.shown.partition(text)
        return before

    def _more(self, seconds: float) -> bool:
        if not select.select([self.ours], [], [], seconds)[0]:
            return False
        try:
            raw = os.read(self.ours, 4096)
        except OSError:  # the process has ended
            return False
        self.shown += raw.decode(errors="replace")
        return bool(raw)

    def say(self, text: str) -> None:
        os.write(self.ours, text.encode())

    def end(self) -> tuple[int, str, str]:
        """Exit code, what was shown last, and what is on stdout."""
        while self._more(30):
            pass
        out = self.process.stdout.read().decode()
        code = self.process.wait(30)
        self.process.stdout.close()
        os.close(self.ours)
        return code, self.shown, out


QUESTIONS = [
    "Seeds",
    "Teacher",
    "Another",
    "Student",
    "Rounds",
    "Answers",
    "unit tests",
    "Benchmark",
    "Another",
]
ENTER = "\n"


class TestTerminal:
    """On a terminal what no option says is asked."""

    def test_defaults_are_shown_and_taken(self):
        """Enter takes what stands in brackets."""
        terminal = Terminal("init")
        defaults = []
        for question in QUESTIONS:
            terminal.expect(question)
            terminal.expect("[")
            defaults.append(terminal.expect("]: "))
            terminal.say(ENTER)
        code, shown, out = terminal.end()
        assert (code, out) == (0, "")
        assert "recipe.yaml is written" in shown
        assert defaults == [
            *("starter", "local:smollm2", "none", "none", "3", "1", "no", "humaneval", "none"),
        ]
        by_terminal = Path("recipe.yaml").read_text()
        assert datagen("init", "other.yaml", "--yes").code == 0
        assert Path("other.yaml").read_text().replace("other.yaml", "recipe.yaml") == by_terminal

    def test_answers(self):
        """Answers do what the options do; of teachers there may be several; stdout is left to --json."""
        terminal = Terminal("init", "--json")
        answers = ["in.jsonl", "openai:a@http://h/v1", "reference", "", "local:smollm2", "2", "7", "yes"]
        for answer in [*answers, "jsonl:bench.jsonl", "humaneval", ""]:
            terminal.expect("]: ")
            terminal.say(f"{answer}\n")
        code, _, out = terminal.end()
        assert code == 0
        assert json.loads(out)["teachers"] == ["a", "reference"]
        made = stages()
        assert made[0][1]["rounds"] == 2
        assert (made[3][1]["n"], made[3][1]["tests"], made[3][1]["student"].name) == (7, True, "smollm2")
        assert made[2][1]["against"] == ("jsonl:bench.jsonl", "humaneval")

    def test_wrong_answers_are_asked_again(self):
        """The reason is told, and the question comes again."""
        wrong = {
            "Seeds": ("no.jsonl", "no.jsonl does not exist"),
            "Teacher": ("opnai:x", "did you mean openai?"),
            "Rounds": ("99", "1<=x<=20"),
            "unit tests": ("perhaps", "not a valid boolean"),
        }
        terminal = Terminal("init")
        for question in QUESTIONS:
            terminal.expect(question)
            terminal.expect("]: ")
            if question in wrong:
                answer, reason = wrong[question]
                terminal.say(f"{answer}\n")
                terminal.expect(reason)
                terminal.expect(question)
                terminal.expect("]: ")
            terminal.say(ENTER)
        assert terminal.end()[0] == 0
        assert stages()[0][1]["rounds"] == 3

    def test_only_what_is_missing_is_asked(self):
        """Options are not asked for again."""
        said = ["--seeds", "starter", "--teacher", "reference", "--against", "humaneval"]
        terminal = Terminal("init", *said, "--rounds", "1", "--answers", "1", "--tests")
        assert terminal.expect("]: ").strip() == "Student: the model to train [none"
        terminal.say(ENTER)
        assert terminal.end()[0] == 0

    def test_yes_asks_nothing(self):
        """--yes takes the defaults."""
        code, shown, _ = Terminal("init", "--yes").end()
        assert code == 0
        assert "]: " not in shown

    @pytest.mark.parametrize("after", [0, 3])
    @pytest.mark.parametrize("keys", ["\x03", "\x04", "half an answer\x03"], ids=["^C", "^D", "text^C"])
    def test_given_up(self, keys, after, folder):
        """Ctrl-C and Ctrl-D end it with 130, one line, and no file."""
        before = left_in(folder)
        terminal = Terminal("init")
        for _ in range(after):
            terminal.expect("]: ")
            terminal.say(ENTER)
        terminal.expect("]: ")
        time.sleep(0.2)  # until it reads: Ctrl-C has to reach it there
        terminal.say(keys)
        code, shown, out = terminal.end()
        assert (code, out) == (130, "")
        assert shown.splitlines()[-1] == "Error: stopped; nothing was written"
        assert "Traceback" not in shown
        assert left_in(folder) == before

    def test_an_answer_that_is_no_text(self, folder):
        """Bytes that are no UTF-8 are a path like any other."""
        (folder / "in.jsonl").rename(os.fsdecode(b"caf\xe9.jsonl"))
        terminal = Terminal("init", "--teacher", "reference", "--against", "humaneval", "--rounds", "1")
        terminal.expect("]: ")
        os.write(terminal.ours, b"caf\xe9.jsonl\n")
        for _ in range(3):
            terminal.expect("]: ")
            terminal.say(ENTER)
        assert terminal.end()[0] == 0
        assert recipe.load("recipe.yaml").seeds == (os.fsdecode(b"caf\xe9.jsonl"),)

"""The teachers file: what may stand in it, what is said of anything else, and what decides an answer."""

from __future__ import annotations

import contextlib
import json

import pytest
import yaml
from cli import datagen
from endpoint import KEY, Endpoint
from hypothesis import given, settings
from hypothesis import strategies as st

from datagen import strict_yaml
from datagen.errors import UsageError
from datagen.teachers import Profile, check_all, load_profiles, parse_profiles
from datagen.teachers import settings as settings_of
from datagen.teachers._settings import PARAMETERS

KEYS = [setting.key for setting in settings_of()]
#: Half of a surrogate pair, which UTF-8 cannot hold.
HALF = "\ud800"
FULL = """
strong:
  model: org/model-7b
  base_url: https://host/v1
  key_env: STRONG_KEY
  query: {api-version: 2024-10-21}
  headers: {X-Title: our project, api-key: $STRONG_KEY}
  endpoint: our-cluster
  system: You are terse.
  parameters: {temperature: 0.8, top_p: 0.95, max_tokens: 1024, stop: [END], extra_body: {top_k: 20}}
  prompt: few-shot
  role: student
  license: Apache-2.0
  concurrency: 64
  rpm: 500
  tpm: 200000
  price_in: 0.15
  price_out: 0.6
  timeout: 300
  patience: 120
  mode: batch
"""


def one(**settings):
    """The profile of one teacher with these settings beside its model."""
    return parse_profiles({"t": {"model": "m", **settings}}, "file")["t"]


def refusal(content):
    with pytest.raises(UsageError) as caught:
        parse_profiles(content, "file")
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("file")
    return str(caught.value)


def written(folder, text, name="teachers.yaml"):
    path = folder / name
    path.write_text(text if isinstance(text, str) else json.dumps(text), encoding="utf-8")
    return path


def test_every_key(tmp_path):
    """A file with every key there is says what stands in it, and the docstring's example is one."""
    found = load_profiles(written(tmp_path, FULL))
    extra = {"top_k": 20}
    parameters = {"extra_body": extra, "max_tokens": 1024, "stop": ["END"], "temperature": 0.8, "top_p": 0.95}
    assert found == {
        "strong": Profile(
            spec="openai:org/model-7b@https://host/v1",
            name="strong",
            target=("org/model-7b", "https://host/v1"),
            endpoint="our-cluster",
            key_env="STRONG_KEY",
            query=(("api-version", "2024-10-21"),),
            headers=(("X-Title", "our project"), ("api-key", "$STRONG_KEY")),
            system="You are terse.",
            parameters=tuple(parameters.items()),
            prompt_style="few-shot",
            role="student",
            license="Apache-2.0",
            concurrency=64,
            rpm=500.0,
            tpm=200000.0,
            price_in=0.15,
            price_out=0.6,
            timeout=300.0,
            patience=120.0,
            mode="batch",
        )
    }
    assert {*yaml.safe_load(FULL)["strong"]} == {*KEYS} - {"spec"}


def test_table_of_settings(tmp_path):
    """Each setting has a line for people, and an example that is a valid value."""
    assert all(setting.meaning for setting in settings_of())
    lines = [f"  {one.key}: {one.example}  # {one.meaning}" for one in settings_of() if one.key != "spec"]
    found = load_profiles(written(tmp_path, "\n".join(["strong:", *lines])))
    assert found["strong"].price_out == 0.6


def test_a_model_is_enough():
    """All else has a default; without an address it is OpenAI's."""
    assert one() == Profile("openai:m", "t", ("m", None))
    assert parse_profiles({"t": {"spec": "local:smollm2"}}, "f")["t"] == Profile(
        "local:smollm2", "t", "smollm2"
    )
    assert one(role=None, concurrency=None, parameters=None, mode=None) == one()


def test_files_in_other_shapes(tmp_path):
    """The mapping may stand under `teachers`, as in a recipe, which is a teachers file, too."""
    inner = {"t": {"model": "m"}}
    expected = parse_profiles(inner, "f")
    recipe = {"seeds": "starter", "teachers": inner, "stages": ["filter"]}
    for content in (inner, {"teachers": inner}, recipe):
        assert load_profiles(written(tmp_path, content)) == expected
    with pytest.raises(UsageError, match="unknown key other beside teachers; put it among them"):
        load_profiles(written(tmp_path, {"teachers": inner, "other": {"model": "m"}}))


def test_anchors_and_merged_keys(tmp_path):
    """What several teachers share is written once; a teacher's own value goes before the shared one."""
    text = """
    teachers:
      base: &base {model: m, rpm: 5, parameters: &p {temperature: 1, top_p: 0.5}}
      other: &other
        <<: *base
        model: n
        parameters: {<<: *p, temperature: 0}
      third: {<<: [*other, *base], rpm: 7}
    """
    found = load_profiles(written(tmp_path, text))
    assert [(each.spec, each.rpm) for each in found.values()] == [
        ("openai:m", 5.0),
        ("openai:n", 5.0),
        ("openai:n", 7.0),
    ]
    assert found["third"].parameters == (("temperature", 0), ("top_p", 0.5))


@pytest.mark.parametrize(
    "text",
    [
        "a: {model: m}\na: {model: n}",
        "a: {model: m, model: n}",
        "a: {model: m, rpm: 1, rpm: 1}",
        "b: &b {model: m}\na: {<<: *b, model: n, model: o}",
    ],
)
def test_nothing_is_given_twice(tmp_path, text):
    """Of two equal names or keys one would be lost, so that is an error with its line."""
    with pytest.raises(UsageError, match=r"not YAML: the key \w+ is given twice, line \d"):
        load_profiles(written(tmp_path, text))


NUMBERS = {
    "concurrency": (1, 65536),
    "rpm": (0.5, 1e9),
    "tpm": (1, 1e12),
    "timeout": (0.5, 86400),
    "patience": (0, 864000),
}
NO_NUMBERS = [float("nan"), float("inf"), -1, True, "5", "", [5], {}, 10**400, -(10**5000)]


@pytest.mark.parametrize("key", NUMBERS)
def test_numbers(key):
    """Numbers within their bounds are taken; everything else is refused in one short line."""
    for value in NUMBERS[key]:
        assert getattr(one(**{key: value}), key) == value
    for value in NO_NUMBERS:
        said = refusal({"t": {"model": "m", key: value}})
        kind = "whole number" if key == "concurrency" else "number"
        assert said.startswith(f"file, t: {key} should be a {kind} from ")
        assert len(said) < 160
    if key == "concurrency":
        assert "whole number from 1 to 65,536, not 1.5" in refusal({"t": {"model": "m", key: 1.5}})
    elif key != "patience":
        assert f"{key} should be" in refusal({"t": {"model": "m", key: 0}})


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: type(value).__name__)
@pytest.mark.parametrize("key", ["price_in", "price_out"])
def test_prices(key, value):
    """Prices come in pairs, 0 included, and are numbers."""
    assert one(price_in=0, price_out=0.5).cost(10**6, 2 * 10**6) == 1.0
    assert one(price_in=2.5, price_out=10).cost(1000, 100) == pytest.approx(0.0035)
    assert one().cost(10**6, 10**6) == 0.0
    both = {"price_in": 1, "price_out": 1}
    assert f"{key} should be a number" in refusal({"t": {"model": "m", **both, key: value}})
    assert "give both price_in and price_out" in refusal({"t": {"model": "m", key: 1}})


@pytest.mark.parametrize(
    ("key", "good", "bad", "meant"),
    [
        ("role", ["teacher", "student"], "studnet", "student"),
        ("prompt", ["chat", "few-shot", "completion"], "fewshot", "few-shot"),
        ("mode", ["live", "batch"], "bacth", "batch"),
    ],
)
def test_choices(key, good, bad, meant):
    """A role, a prompt and a mode are each one of a few words; the nearest is named."""
    for word in good:
        assert word in one(**{key: word})
    assert f"{key} cannot be {bad}: did you mean {meant}?" in refusal({"t": {"model": "m", key: bad}})
    for value in (True, 1, ["chat"], {}):
        assert f"{key} cannot be" in refusal({"t": {"model": "m", key: value}})


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (None, "file: teachers should be a mapping of names to settings"),
        ([], "file: teachers should be a mapping"),
        ({}, "file: teachers should be a mapping"),
        ("strong", "file: teachers should be a mapping"),
        ({"t": None}, "file, t: settings should be a mapping"),
        ({"t": ["model"]}, "file, t: settings should be a mapping"),
        ({"t": {}}, "file, t: give model (and base_url), or spec"),
        ({"t": {"base_url": "https://host/v1"}}, "file, t: give model"),
        ({"t": {"spec": "local:smollm2", "model": "m"}}, "give spec, or model and base_url, not both"),
        ({"t": {"spec": "local:smollm2", "base_url": "https://h"}}, "not both"),
        ({"t": {"spec": "local:smollm2", "key_env": "K"}}, "key_env is for servers with OpenAI's protocol"),
        ({"t": {"spec": "local:smollm2", "mode": "batch"}}, "mode is for servers with OpenAI's protocol"),
        ({"t": {"model_": "m"}}, "unknown key model_: did you mean model?"),
        ({"t": {"model": "m", "price_it": 1}}, "unknown key price_it: did you mean price_in?"),
        ({"t": {"model": "m", 5: 1}}, "unknown key 5: allowed: "),
        ({"t": {"model": "m", None: 1}}, "unknown key None: "),
        ({"t": {"model": "m", "temperature": 1}}, "unknown key temperature: "),
        *(({"t": {"model": value}}, "model should be a text") for value in (5, "", " ", ["m"], True, HALF)),
        *(({"t": {"model": "m", key: 7}}, f"{key} should be a text")
          for key in ("system", "endpoint", "license")),
        *(({name: {"model": "m"}}, "is no name for a teacher")
          for name in ("a b", "", "a/b", 5, None, "x" * 65)),
    ],
)  # fmt: skip
def test_anything_else_is_one_line(content, says):
    """The line names the teacher, what is wrong, and what is allowed."""
    assert says in refusal(content)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ([], "parameters should be a mapping"),
        ({"temprature": 1}, "unknown parameter temprature: did you mean temperature?"),
        ({"top_k": 5}, "what only this server knows goes into extra_body"),
        ({"n": 2}, "parameters: no n: datagen asks for one answer at a time"),
        ({"stream": True}, "no stream: datagen does not stream"),
        ({"messages": []}, "no messages: datagen writes what is asked"),
        ({"model": "x"}, "no model: write `model` beside `parameters`"),
        *(({"temperature": value}, "parameter temperature should be a number from 0 to 2")
          for value in (-0.1, 2.1, "1", True, float("nan"), [1])),
        *(({"max_tokens": value}, "parameter max_tokens should be a whole number from 1 to 10,000,000")
          for value in (0, -1, 1.5, "100", True, 10**5000)),
        ({"max_completion_tokens": "many"}, "parameter max_completion_tokens should be a whole number"),
        ({"top_p": 1.1}, "parameter top_p should be a number from 0 to 1"),
        ({"stop": 5}, "parameter stop should be a text or a list of texts"),
        ({"stop": ["a", 5]}, "parameter stop should be"),
        ({"seed": 1.5}, "parameter seed should be a whole number"),
        ({"logit_bias": [1]}, "parameter logit_bias should be a mapping"),
        ({"reasoning_effort": 1}, "parameter reasoning_effort should be a text"),
        ({"extra_body": 5}, "parameter extra_body should be a mapping"),
        ({"extra_body": {"max_tokens": 9}}, "extra_body: no max_tokens: write it beside extra_body"),
        ({"extra_body": {"n": 9}}, "extra_body: no n: datagen asks for one answer at a time"),
        ({"extra_body": {"best_of": 9}}, "extra_body: no best_of"),
        ({"extra_body": {"a": {"b": [float("nan")]}}}, "parameter extra_body cannot be"),
        ({"extra_body": {"a": {5: 1}}}, "parameter extra_body cannot be"),
        ({"extra_body": {"a": b"x"}}, "parameter extra_body cannot be"),
        ({"extra_body": {"a": HALF}}, "parameter extra_body cannot be"),
        ({"extra_body": {"a": 10**5000}}, "parameter extra_body cannot be such a number"),
    ],
)  # fmt: skip
def test_parameters_that_cannot_be(parameters, says):
    """A parameter that no server takes, or that would go past the journal and the budget, is refused."""
    assert says in refusal({"t": {"model": "m", "parameters": parameters}})


def test_parameters_that_can_be():
    """Each known parameter may be given, or taken out by null; extra_body holds whatever is JSON."""
    assert one(parameters=dict.fromkeys(PARAMETERS)).parameters == tuple(
        sorted(dict.fromkeys(PARAMETERS).items())
    )
    nested = {"chat_template_kwargs": {"enable_thinking": False}, "list": [1, 2.5, "x", None]}
    assert dict(one(parameters={"extra_body": nested, "seed": -1}).parameters) == {
        "extra_body": nested,
        "seed": -1,
    }


@pytest.mark.parametrize(
    "settings",
    [
        {"key_env": KEY},
        {"key_env": "gsk_abcDEF1234567890"},
        {"key_env": "AIzaSyA0123456789abcdef"},
        {"key_env": [KEY]},
        {"key_env": {KEY: KEY}},
        {"api_key": KEY},
        {"key": KEY},
        {"OPENAI_API_KEY": KEY},
        {"parameters": {"api_key": KEY}},
        {"base_url": f"https://user:{KEY}@host/v1"},
        {"base_url": f"https://host/v1?key={KEY}"},
        {"base_url": [f"https://user:{KEY}@host/v1"]},
    ],
)
def test_a_key_in_the_file_is_not_repeated(tmp_path, settings):
    """Who writes the key itself there is told where it belongs, and the line does not hold it."""
    content = {"t": {"model": "m", **settings}}
    path = written(tmp_path, content)
    error = datagen("sample", "starter", "--teachers", path, "-o", tmp_path / "out").error(2)
    for secret in (KEY, "gsk_abc", "AIza"):
        assert secret not in error
    recipe = written(tmp_path, {"seeds": "starter", "teachers": content, "stages": ["filter"]}, "r.yaml")
    assert KEY not in datagen("run", recipe, "-o", tmp_path / "out").error(2)


@pytest.mark.parametrize("text", [f"t: {{api_key: {KEY}: x", f"t:\n  api_key: {KEY}\n bad", f"t: [{KEY}"])
def test_a_key_in_broken_yaml_is_not_repeated(tmp_path, text):
    """What is wrong with the file is told by line and column, not by quoting it."""
    path = written(tmp_path, text)
    error = datagen("sample", "starter", "--teachers", path, "-o", tmp_path / "out").error(2)
    assert "not YAML" in error
    assert ", line " in error
    assert KEY not in error


def test_variables_for_keys(monkeypatch):
    """A key's variable is in capitals, or there is a variable of that name."""
    assert one(key_env="MY_KEY_2").key_env == "MY_KEY_2"
    assert "key_env should be the name" in refusal({"t": {"model": "m", "key_env": "my_key"}})
    monkeypatch.setenv("my_key", "x")
    assert one(key_env="my_key").key_env == "my_key"


def bomb():
    layers = [f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 9)}]" for n in range(1, 9)]
    return "\n".join(["l0: &l0 [lol, lol]", *layers, "t: {model: m, rpm: *l8}"])


@pytest.mark.parametrize(
    "text",
    [
        bomb(),
        "a: &a\n  model: *a",
        "a: &a [*a]",
        "t: {model: m, parameters: {extra_body: &e {x: *e}}}",
        "[" * 5000,
        "t: " + "{a: " * 3000,
        "t: {model: !!python/object/apply:os.system [ls]}",
        "t: {model: m, rpm: " + "9" * 5000 + "}",
        "t: {model: m, rpm: 0x" + "f" * 5000 + "}",
        "? [a, b]\n: c",
        "t: {model: 2024-13-45}",
        "t: {model: 2024-01-01}",
        "t: {model: !!binary 'x'}",
        "t: {model: !!set {a, b}}",
        "t: {<<: 5, model: m}",
        "t: {model: *nobody}",
        "\ufeff",
        "a: 1\n---\nb: 2",
        "- a",
        "\x00",
        'a: {model: "\\ud800"}',
        'a: {model: m, system: "\\ud800"}',
        "t: {model: m, rpm: !!int ''}",
        "t: {model: m, rpm: !!float x}",
        "t: {model: m, rpm: !!bool maybe}",
        "t: {model: m, rpm: !!timestamp x}",
        "t: !!omap [a]",
        "!!str t: {model: m, =: 5}",
        "%YAML 9.9\n---\nt: {model: m}",
    ],
    ids=lambda text: repr(text[:30]),
)
def test_files_from_strangers(tmp_path, text):
    """Files that are broken, endless or malicious end in one short line, at once."""
    error = datagen("sample", "starter", "--teachers", written(tmp_path, text), "-o", tmp_path / "o").error(2)
    assert len(error) < 400


scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates() | st.binary()
keys = st.sampled_from([*KEYS, *PARAMETERS, "t", "teachers", "n"]) | st.text() | st.integers() | st.none()
anything = st.recursive(
    scalars | st.sampled_from(["chat", "teacher", "m", 1, 0.5]),
    lambda inside: st.lists(inside, max_size=4) | st.dictionaries(keys, inside, max_size=6),
    max_leaves=30,
)


@given(anything | st.dictionaries(st.just("t"), st.dictionaries(keys, anything)))
@settings(max_examples=200, deadline=None)
def test_any_content(content):
    """Whatever stands there, it is a profile or a UsageError of one line."""
    profiles = {}
    with contextlib.suppress(UsageError):
        profiles = parse_profiles(content, "file")
        check_all([*profiles.values()])
    assert all(json.dumps(dict(each.parameters)) for each in profiles.values())


@given(st.text())
@settings(max_examples=200, deadline=None)
def test_any_text(text):
    """Whatever a file holds, it is YAML of teachers or a UsageError of one line."""
    with contextlib.suppress(UsageError):
        assert isinstance(strict_yaml.parse_mapping(text, "file", "it"), dict)


TASKS = '{"instruction": "Write `one(x)`."}\n{"instruction": "Write `two(x)`."}\n'


@pytest.fixture
def sample(tmp_path):
    """Samples with a teacher of these settings; returns how it ended and what the server was asked."""
    (tmp_path / "tasks.jsonl").write_text(TASKS)

    def run(server, *options, out="out", **settings):
        before = server.asked.copy()
        content = {"t": {"model": "m", "base_url": server.url, **settings}}
        path = written(tmp_path, content)
        ended = datagen(
            *(
                "sample",
                tmp_path / "tasks.jsonl",
                "--teachers",
                path,
                "-o",
                tmp_path / out,
                "--json",
                *options,
            )
        )
        assert ended.code == 0, ended
        return ended.json(), [server.bodies[key] for key in server.asked - before]

    return run


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        ({"system": "In Klingon."}, lambda body: body["messages"][0]["content"] == "In Klingon."),
        ({"parameters": {"temperature": 0.123}}, lambda body: body.get("temperature") == 0.123),
        ({"parameters": {"max_tokens": 77}}, lambda body: body["max_tokens"] == 77),
        ({"parameters": {"max_tokens": None}}, lambda body: "max_tokens" not in body),
        ({"parameters": {"seed": None}}, lambda body: "seed" not in body),
        ({"parameters": {"max_completion_tokens": 9}},
         lambda body: body.get("max_completion_tokens") == 9 and "max_tokens" not in body),
        ({"parameters": {"extra_body": {"top_k": 5}}}, lambda body: body.get("top_k") == 5),
        ({"parameters": {"stop": "END"}}, lambda body: body.get("stop") == ["END"]),
        ({"prompt": "few-shot"}, lambda body: len(body.get("messages", [])) > 3),
        ({"prompt": "completion"}, lambda body: "messages" not in body and "### Task" in body["prompt"]),
        ({"model": "m2"}, lambda body: body["model"] == "m2"),
        ({"endpoint": "a-label"}, lambda body: "endpoint" not in body),
    ],
)  # fmt: skip
def test_what_decides_an_answer_is_asked_anew(sample, settings, seen):
    """A change of model, prompt, parameters or endpoint reaches the server, and makes other data."""
    with Endpoint() as endpoint:
        _, asked = sample(endpoint)
        assert len(asked) == 2
        count = endpoint.asked.total()
        other, _ = sample(endpoint, "--overwrite", **settings)
        assert endpoint.asked.total() == count + 2
        assert sum(map(seen, endpoint.bodies.values())) >= 2
        assert (other["already_made"], other["calls"]["reused"]) == (False, 0)


@pytest.mark.parametrize(
    "settings",
    [
        {"concurrency": 2},
        {"rpm": 6000, "tpm": 10**9},
        {"price_in": 1, "price_out": 2},
        {"timeout": 50, "patience": 60},
        {"key_env": "SOME_KEY"},
    ],
)
def test_what_decides_nothing_is_not(sample, settings, monkeypatch):
    """A change of limits, prices, patience or key asks nothing again: the data set is already made."""
    monkeypatch.setenv("SOME_KEY", KEY)
    with Endpoint() as endpoint:
        first, _ = sample(endpoint)
        again, _ = sample(endpoint, **settings)
        assert again["already_made"]
        fresh, _ = sample(endpoint, out="elsewhere", **settings)
        assert endpoint.asked.total() == 2
        assert (fresh["calls"]["reused"], fresh["digest"]) == (2, first["digest"])


def test_a_label_outlives_an_address(sample):
    """The journal knows a labelled server again at another address; an unlabelled one is another server."""
    with Endpoint() as one_server, Endpoint() as other:
        first, _ = sample(one_server, endpoint="our-cluster")
        again, asked = sample(other, out="elsewhere", endpoint="our-cluster")
        assert (asked, again["calls"]["reused"], again["digest"]) == ([], 2, first["digest"])
        sample(other, out="third")
        assert other.asked.total() == 2


def test_the_key_of_a_teacher_is_sent_to_its_server_alone(sample, monkeypatch):
    """Each server gets the key of its own variable."""
    monkeypatch.setenv("OPENAI_API_KEY", "sk-another")
    monkeypatch.setenv("THIS_KEY", KEY)
    with Endpoint(key=KEY) as endpoint:
        assert sample(endpoint, key_env="THIS_KEY")[0]["rows_out"] == 2


def test_roles_of_the_file(tmp_path, sample):
    """Without --teacher the file's teachers are asked and its student is the student; names may be SPECs."""
    (tmp_path / "tasks.jsonl").write_text(TASKS)
    with Endpoint() as endpoint:
        at = {"base_url": endpoint.url}
        roles = {
            "a": {"model": "a", **at},
            "b": {"model": "b", **at},
            "s": {"model": "s", **at, "role": "student"},
        }
        path = written(tmp_path, roles)
        command = ["sample", tmp_path / "tasks.jsonl", "--teachers", path, "--json", "-o"]
        assert {*datagen(*command, tmp_path / "one").json()["usage"]} == {"a", "b", "s"}
        assert {*datagen(*command, tmp_path / "two", "--teacher", "b").json()["usage"]} == {"b", "s"}
        error = datagen(*command, tmp_path / "three", "--teacher", "c").error(2)
        assert "unknown teacher c: " in error
        assert "allowed: a, b, s, " in error

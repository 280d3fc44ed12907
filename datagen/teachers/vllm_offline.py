"""vLLM in this process: the fastest way to ask a model on one's own GPUs, without a server in between.

One thread runs the engine. Whatever is asked while it computes a step joins the batch with the next one, and
an answer leaves the batch when it is complete, so that none waits for the longest of a batch. What stands
behind a "?" goes to vLLM as it is (see its EngineArgs): vllm:MODEL?max_model_len=8192&tensor_parallel_size=2

Every request has its own seed. Equal requests give equal answers as far as vLLM allows: the batch that a
request happens to be in changes rounding, and with it now and then a word (VLLM_BATCH_INVARIANT=1 prevents
that on GPUs that support it). The journal keeps the first answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import os
import queue
import re
import threading
import warnings
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from datagen import canonical
from datagen.errors import DatagenError, UsageError, nearest, one_line
from datagen.request import CallFailed, NoAnswer, Reply, Request, TeacherUnusable
from datagen.teachers import _limits
from datagen.teachers._kind import Kind
from datagen.teachers._protocol import Built, RequestBuilder
from datagen.teachers._teacher import Profile
from datagen.version import install

CONCURRENCY = 256
#: Nothing can lose a call on its way, but a CPU takes its time.
TIMEOUT_SECONDS = 3600.0
CLOSING_SECONDS = 60.0
#: Parameters under which vLLM's SamplingParams knows them too; those behind `top_p` come in `extra_body`.
PARAMETERS = tuple(
    "temperature max_tokens seed stop frequency_penalty presence_penalty logit_bias top_p top_k min_p"
    " repetition_penalty min_tokens ignore_eos stop_token_ids bad_words allowed_token_ids"
    " include_stop_str_in_output skip_special_tokens spaces_between_special_tokens".split()
)
#: What the model's generation_config.json may say; a server would use that too.
_MODELS_OWN = ("temperature", "top_p", "top_k", "min_p", "repetition_penalty")
#: Files of a folder that decide what the model says.
_DECISIVE = frozenset({".safetensors", ".bin", ".pt", ".gguf", ".json", ".jinja", ".model", ".txt", ".py"})
_ENVIRONMENT = {
    "VLLM_LOGGING_STREAM": "ext://sys.stderr",
    "VLLM_LOGGING_LEVEL": "CRITICAL",
    "VLLM_NO_USAGE_STATS": "1",
    # A process of its own would be ended by Ctrl-C too, before its last answers are kept; and it schedules
    # less repeatably.
    "VLLM_ENABLE_V1_MULTIPROCESSING": "0",
}


class LoadedModel(NamedTuple):
    """A folder or Hub id, and the options under which vLLM loads it, as the SPEC writes them."""

    model: str
    pairs: tuple[tuple[str, str], ...] = ()

    @property
    def options(self) -> dict[str, Any]:
        """The options as vLLM takes them: JSON where a value is JSON, else text."""
        return {name: _value(text) for name, text in self.pairs}


def parse(rest: str) -> LoadedModel:
    """MODEL, a folder or a Hub id, or MODEL?OPTION=VALUE&OPTION=VALUE.

    Raises:
        UsageError: there is no such folder and it is no Hub id, or the options are malformed.
    """
    model, _, query = rest.partition("?")
    shown = f"vllm:{one_line(model, 80)}"
    if not model:
        raise UsageError("vllm: names no model; write vllm:OWNER/NAME or vllm:FOLDER")
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query))
    except ValueError:
        raise UsageError(
            f"{shown}: options should be such as ?max_model_len=8192&tensor_parallel_size=2"
        ) from None
    # pathlib's is_dir raises an error for what may not be looked at.
    if not os.path.isdir(model) and not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", model):  # noqa: PTH112
        raise UsageError(f"{shown}: there is no such folder, and it is no Hub id such as OWNER/NAME")
    return LoadedModel(model, tuple(pairs))


def _value(text: str) -> Any:  # noqa: ANN401 - what the text says
    with contextlib.suppress(ValueError, RecursionError):
        return json.loads(text)
    return text


def public_name(target: LoadedModel) -> str:
    """vllm:OWNER/NAME, or vllm:NAME without the folders above."""
    return f"vllm:{_name(target.model)}"


def _name(model: str) -> str:
    return Path(model).resolve().name if os.path.isdir(model) else model  # noqa: PTH112 - see parse


def identity(profile: Profile) -> str:
    """The model and its options, and of a folder its files' sizes and ages: others may be in it now."""
    model, options = profile.target.model, profile.target.options
    files = [(path.name, path.stat().st_size, path.stat().st_mtime_ns) for path in _decisive(Path(model))]
    return canonical.dumps([model, options, profile.endpoint, files])


def _decisive(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    try:
        return sorted(path for path in folder.iterdir() if path.suffix in _DECISIVE and path.is_file())
    except OSError as error:
        raise TeacherUnusable(
            f"vllm:{folder.name}: the folder cannot be read: {one_line(error, 120)}"
        ) from None


@asynccontextmanager
async def connect(profile: Profile) -> AsyncIterator[Offline]:
    """Load the model, yield it as a teacher, and free it.

    Raises:
        UsageError: the profile has parameters that vLLM does not know.
        TeacherUnusable: vLLM is missing, or cannot load the model.
    """
    _check_parameters(profile)
    async with running(lambda: _load(profile)) as (worker, endpoint):
        yield Offline(worker, profile, profile.endpoint or endpoint)


def _check_parameters(profile: Profile) -> None:
    given = dict(profile.parameters)
    extra = given.pop("extra_body", None) or {}
    if not isinstance(extra, dict):
        raise UsageError(f"{profile.name}: extra_body should be a mapping of names to values")
    allowed = (*PARAMETERS, "max_completion_tokens", "chat_template_kwargs")
    for name in (*given, *extra):
        if name not in allowed:
            raise UsageError(
                f"{profile.name}: vLLM knows no parameter {one_line(name, 40)}: {nearest(name, allowed)}"
            )


class Offline(Built):
    """A model that vLLM runs in this process."""

    def __init__(self, worker: Worker, profile: Profile, endpoint: str) -> None:
        filled = profile._replace(
            concurrency=profile.concurrency or CONCURRENCY,
            timeout=profile.timeout or TIMEOUT_SECONDS,
            price_in=profile.price_in or 0.0,
            price_out=profile.price_out or 0.0,
        )
        self._worker = worker
        # It is asked as vLLM's own server would be.
        super().__init__(RequestBuilder(filled, _name(profile.target.model), endpoint))

    async def complete(self, request: Request) -> Reply:
        reply = await asyncio.wrap_future(self._worker.ask(request))
        return reply._replace(model=request.model)


class Worker:
    """Runs an engine in a thread of its own; whatever is asked meanwhile joins the batch at its next step."""

    def __init__(self, load: Callable[[], tuple[Engine, str]]) -> None:
        """load: makes the engine and says its endpoint; it is called in the thread."""
        self._load = load
        self._asked: queue.SimpleQueue[tuple[Request, Future[Reply]] | None] = queue.SimpleQueue()
        self._broken: DatagenError | None = None
        self.started: Future[str] = Future()
        # A daemon, because neither loading nor a step can be interrupted when the program is.
        self._thread = threading.Thread(target=self._run, name="vllm", daemon=True)
        self._thread.start()

    def ask(self, request: Request) -> Future[Reply]:
        """The reply to come; cancelling it takes the request out of the batch."""
        coming: Future[Reply] = Future()
        self._asked.put((request, coming))
        return coming

    def close(self) -> None:
        """End the thread when its step is done, and free the model; a load cannot be waited for."""
        self._asked.put(None)
        if self.started.done():
            self._thread.join(CLOSING_SECONDS)

    def _run(self) -> None:
        self.started.set_running_or_notify_cancel()
        try:
            engine, endpoint = self._load()
        except BaseException as error:  # told where it is awaited
            self.started.set_exception(error)
            return
        self.started.set_result(endpoint)
        batch: dict[str, Future[Reply]] = {}
        try:
            while self._gather(engine, batch):
                self._step(engine, batch)
        finally:
            with contextlib.suppress(Exception):
                engine.abort([*batch])
                engine.close()

    def _gather(self, engine: Engine, batch: dict[str, Future[Reply]]) -> bool:
        """Take what was asked meanwhile into the batch; with an empty batch, wait. False when all is over."""
        while not batch or not self._asked.empty():
            asked = self._asked.get()
            if asked is None:
                return False
            request, coming = asked
            if self._broken is not None:
                _settle(coming, self._broken)
            elif not coming.cancelled():
                try:
                    batch[engine.add(request)] = coming
                except Exception as error:  # of one request, such as a prompt that is too long
                    words = f"vLLM refused the request: {one_line(error, 200)}"
                    _settle(coming, CallFailed(words, concerns=_limits.concerns(400, str(error))))
        return True

    def _step(self, engine: Engine, batch: dict[str, Future[Reply]]) -> None:
        try:
            if gone := [name for name, coming in batch.items() if coming.cancelled()]:
                engine.abort(gone)
                for name in gone:
                    del batch[name]
            for name, came in engine.step() if batch else ():
                if name in batch:
                    _settle(batch.pop(name), came)
        except Exception as error:  # the engine is not ours, and after this it is of no use
            self._broken = TeacherUnusable(f"vLLM gave up: {one_line(error, 200)}")
            for name in [*batch]:
                _settle(batch.pop(name), self._broken)


def _settle(coming: Future[Reply], came: Reply | Exception) -> None:
    if coming.set_running_or_notify_cancel():
        coming.set_exception(came) if isinstance(came, Exception) else coming.set_result(came)


@asynccontextmanager
async def running(load: Callable[[], tuple[Engine, str]]) -> AsyncIterator[tuple[Worker, str]]:
    """A worker whose engine is loaded, with its endpoint; closed afterwards."""
    worker = Worker(load)
    try:
        yield worker, await asyncio.wrap_future(worker.started)
    finally:
        await asyncio.to_thread(worker.close)


def _load(profile: Profile) -> tuple[Engine, str]:
    """Start vLLM with the profile's model; also the endpoint that tells which weights these are."""
    model, options = profile.target.model, profile.target.options
    if importlib.util.find_spec("vllm") is None:
        raise TeacherUnusable(f"{profile.name} needs an extra: {install('vllm')}")
    os.environ |= _ENVIRONMENT | dict(os.environ)
    try:
        with warnings.catch_warnings(action="ignore"):
            from vllm import LLM, SamplingParams
            from vllm.platforms import current_platform

            if not hasattr(LLM, "enqueue_chat"):
                raise ImportError(f"this vLLM is too old; {install('vllm')} --upgrade")
            settings: dict[str, Any] = {"model": model, "use_tqdm_on_load": False}
            if current_platform.is_cpu():  # vLLM 0.32 cannot split a request that has a seed there
                settings["enable_chunked_prefill"] = False
            llm = LLM(**settings | options)
            template = getattr(llm.get_tokenizer(), "chat_template", "its own")
    except Exception as error:  # CUDA, the Hub, the weights: vLLM has no error of its own for most
        raise TeacherUnusable(f"{profile.name}: vLLM cannot load it: {one_line(error, 240)}") from None
    if not template and profile.prompt_style != "completion":
        raise TeacherUnusable(
            f"{profile.name} has no chat template; a base model needs `prompt: completion` in a teachers file"
        )
    return Engine(llm, SamplingParams.from_optional), _endpoint(model, options)


def _endpoint(model: str, options: dict[str, Any]) -> str:
    """What tells these weights from all others, as they are run."""
    suffix = f"?{canonical.dumps(options)}" if options else ""
    if not Path(model).is_dir():
        return f"hf:{model}@{_commit(model, options.get('revision'))}{suffix}"
    with ThreadPoolExecutor(4) as pool:
        paths = _decisive(Path(model))
        digests = list(pool.map(canonical.file_sha256, paths))
    named = [(path.name, digest) for path, digest in zip(paths, digests, strict=True)]
    return f"sha256:{canonical.sha256(canonical.dumps(named))}{suffix}"


def _commit(model: str, revision: object) -> str:
    """The commit that a branch of the Hub stood for when it was loaded."""
    from huggingface_hub import try_to_load_from_cache

    asked = str(revision) if revision else None
    found = try_to_load_from_cache(model, "config.json", revision=asked)
    # .../snapshots/COMMIT/config.json
    return Path(found).parent.name if isinstance(found, str) else asked or "main"


class Engine:
    """vLLM's LLM as a batch that requests join and leave; one thread uses it."""

    def __init__(self, llm: Any, sampling: Callable[..., Any]) -> None:  # noqa: ANN401 - vLLM is not installed
        """llm: vLLM's LLM. sampling: makes its SamplingParams."""
        self._llm = llm
        self._sampling = sampling
        said = llm.get_default_sampling_params()
        self._defaults = {name: getattr(said, name) for name in _MODELS_OWN}
        self._inner: dict[str, str] = {}

    def add(self, request: Request) -> str:
        """Put a request into the batch and return its name there; raises what vLLM raises."""
        given = dict(request.parameters)
        given |= given.pop("extra_body", None) or {}
        template = given.pop("chat_template_kwargs", None)
        given["max_tokens"] = given.pop("max_completion_tokens", None) or given["max_tokens"]
        parameters = self._sampling(**{**self._defaults, **given})
        if request.text is not None:
            (inner,) = self._llm.enqueue(request.text, parameters, use_tqdm=False)
        else:
            continued = request.messages[-1][0] == "assistant"
            (inner,) = self._llm.enqueue_chat(
                [{"role": role, "content": content} for role, content in request.messages],
                parameters,
                use_tqdm=False,
                add_generation_prompt=not continued,
                continue_final_message=continued,
                chat_template_kwargs=template,
            )
        # vLLM gives back the inner name, a number with a random tail, and answers under the number alone.
        name = str(inner).partition("-")[0]
        self._inner[name] = inner
        return name

    def step(self) -> list[tuple[str, Reply | Exception]]:
        """Compute a token for each request of the batch; return those that are complete now, by name."""
        done = [output for output in self._llm.llm_engine.step() if output.finished]
        return [(output.request_id, self._reply(output)) for output in done]

    def _reply(self, output: Any) -> Reply | Exception:  # noqa: ANN401 - vLLM's RequestOutput
        self._inner.pop(output.request_id, None)
        said = output.outputs[0]
        if said.finish_reason not in {"stop", "length", "repetition"}:
            return NoAnswer(f"vLLM ended the answer half-way: {one_line(said.finish_reason, 40)}")
        return Reply(
            text=said.text,
            finish_reason=said.finish_reason,
            model=None,
            tokens_in=len(output.prompt_token_ids or ()),
            tokens_out=len(said.token_ids),
        )

    def abort(self, names: list[str]) -> None:
        """Take requests out of the batch."""
        inner = [self._inner.pop(name) for name in names if name in self._inner]
        self._llm.llm_engine.abort_request(inner, internal=True)

    def close(self) -> None:
        """Free the model and its memory: the next stage may load one too."""
        self._llm.llm_engine.engine_core.shutdown()
        self._llm = None
        from vllm.distributed import cleanup_dist_env_and_memory

        cleanup_dist_env_and_memory()


KIND = Kind(
    name="vllm",
    summary="vllm:MODEL[?OPTION=VALUE]: a Hub id or folder of weights, run by vLLM in this process",
    parse=parse,
    public_name=public_name,
    identity=identity,
    connect=connect,
    versions=("vllm",),
)

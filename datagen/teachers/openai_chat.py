"""Any server that speaks OpenAI's protocol: OpenAI, vLLM, llama.cpp, and many more."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from datagen.errors import UsageError, one_line
from datagen.teachers._teacher import CallFailed, Prompt, Reply, Request, Shape, TeacherUnusable

if TYPE_CHECKING:
    from openai import AsyncOpenAI

KIND = "openai"
SUMMARY = "openai:MODEL[@BASE_URL]: a server with OpenAI's protocol; key in OPENAI_API_KEY"

DEFAULT_URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
NO_KEY = "none"
CONCURRENCY = 16
#: WizardLM and evol-teacher ask for at most 2048 tokens.
MAX_TOKENS = 2048
RETRIES = 5
#: How soon the first call is made again.
HASTE_SECONDS = 0.5


def check(rest: str) -> None:
    """Raise UsageError unless `rest` is MODEL or MODEL@BASE_URL."""
    model, url = _split(rest)
    shown = f"{KIND}:{model}@{_shown(url)}" if url is not None else f"{KIND}:{model}"
    if not model:
        raise UsageError(f"{shown} names no model; write openai:MODEL or openai:MODEL@http://HOST:PORT/v1")
    if url is not None and (problem := _problem(url)):
        raise UsageError(f"{shown}: {problem}")


def _split(rest: str) -> tuple[str, str | None]:
    """MODEL and BASE_URL; a model's name may hold an "@" too."""
    found = re.search("@(?=[a-z][a-z0-9+.-]*://)", rest, re.IGNORECASE) or re.search("@", rest)
    return (rest[: found.start()], rest[found.end() :]) if found else (rest, None)


def _shown(url: str) -> str:
    """An address without what may be secret in it."""
    return re.split("[?#]", url.rpartition("@")[2])[0]


def _problem(url: str) -> str | None:
    """Why `url` cannot be a server's address, if so."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
        host.encode("idna")
    except ValueError:  # UnicodeError, of a host with empty or endless parts, is one too
        return "the address is malformed; it should be such as http://HOST:PORT/v1"
    if parts.scheme not in {"http", "https"} or not re.fullmatch(r"[\w.:%-]+", host) or not url.isprintable():
        return "the address should be such as http://HOST:PORT/v1, beginning with http:// or https://"
    if parts.username or parts.password or parts.query or parts.fragment:
        return f"no name, key or query in the address; use {KEY_VARIABLE}"
    return None


def public_name(rest: str) -> str:
    """openai:MODEL, without the address."""
    return f"{KIND}:{_split(rest)[0]}"


def identity(rest: str) -> str:
    """The model and the address that is asked, the environment's included."""
    return f"{_split(rest)[0]}@{_base_url(rest)}"


def _base_url(rest: str) -> str:
    return (_split(rest)[1] or os.environ.get(URL_VARIABLE, "").strip() or DEFAULT_URL).rstrip("/")


@asynccontextmanager
async def connect(rest: str) -> AsyncIterator[OpenAIChat]:
    """A teacher for MODEL[@BASE_URL]; without an address OPENAI_BASE_URL or OpenAI's own."""
    model, _ = _split(rest)
    base_url = _base_url(rest)
    if problem := _problem(base_url):
        raise TeacherUnusable(f"{URL_VARIABLE}={_shown(base_url)}: {problem}")
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not key and base_url == DEFAULT_URL:
        raise TeacherUnusable(
            f"openai:{model} needs a key; put it into the environment variable {KEY_VARIABLE}"
        )
    if not (key.isascii() and key.isprintable()):
        raise TeacherUnusable(f"{KEY_VARIABLE} holds characters that no key has; set it again")
    async with client(base_url, key or NO_KEY) as opened:
        yield OpenAIChat(opened, name=public_name(rest), model=model, endpoint=base_url)


@asynccontextmanager
async def client(base_url: str, key: str, *, direct: bool = False) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's own client, closed afterwards; a `direct` one goes through no proxy."""
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient

    transport = DefaultAsyncHttpxClient(trust_env=False) if direct else None
    async with AsyncOpenAI(
        base_url=base_url, api_key=key, max_retries=RETRIES, http_client=transport
    ) as opened:
        yield opened


class OpenAIChat:
    """A model behind OpenAI's chat and completion calls."""

    journalled = True

    def __init__(
        self,
        opened: AsyncOpenAI,
        *,
        name: str,
        model: str,
        endpoint: str,
        shape: Shape = "chat",
        concurrency: int = CONCURRENCY,
        output_license: str | None = None,
        parameters: dict[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.license = output_license
        self.shape: Shape = shape
        self.concurrency = concurrency
        self._client = opened
        self._model = model
        self._endpoint = endpoint
        self._parameters = parameters or {}
        self._reached = False

    def request(self, prompt: Prompt, *, seed: int, sample: int) -> Request:
        parameters: dict[str, Any] = {
            **self._parameters,
            "seed": seed + sample,
            "max_tokens": prompt.max_tokens or MAX_TOKENS,
        }
        if prompt.temperature is not None:
            parameters["temperature"] = prompt.temperature
        if prompt.stop:
            parameters["stop"] = list(prompt.stop)
        return Request(
            endpoint=self._endpoint,
            model=self._model,
            messages=prompt.messages,
            text=prompt.text,
            parameters=tuple(sorted(parameters.items())),
            sample=sample,
        )

    async def complete(self, request: Request) -> Reply:
        import openai

        try:
            body = await self._send(request)
        except openai.APIConnectionError as error:
            cause = self._without_key(error.__cause__ or error, 120)
            if not self._reached:
                raise TeacherUnusable(
                    f"{self.name}: nothing answers at {self._endpoint} ({cause}); is the server running?"
                ) from None
            raise CallFailed(f"no answer from the server: {cause}") from None
        except openai.APIStatusError as error:
            raise self._refusal(error) from None
        except openai.OpenAIError as error:
            raise CallFailed(self._without_key(error)) from None
        try:
            return _reply(json.loads(body))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            start = self._without_key(body.decode(errors="replace"), 100) or "nothing"
            raise CallFailed(f"the server's answer is no completion: {start}") from None

    async def _send(self, request: Request) -> bytes:
        """Send a request, with patience once it is known that a server is there, and return the body."""
        import openai

        if not self._reached:
            # A wrong address should be told at once, so only a connection that broke is tried again.
            hasty = self._client.with_options(max_retries=0)
            try:
                return await self._post(hasty, request)
            except openai.APITimeoutError:
                raise
            except openai.APIConnectionError:
                await asyncio.sleep(HASTE_SECONDS)
                return await self._post(hasty, request)
            except openai.APIStatusError as error:
                self._reached = True
                if error.status_code < 429:
                    raise
                await asyncio.sleep(_pause(error.response.headers))
        return await self._post(self._client, request)

    async def _post(self, client: AsyncOpenAI, request: Request) -> bytes:
        # Raw responses, because the client's own parsing lets through what is no completion at all.
        chats, texts = client.chat.completions.with_raw_response, client.completions.with_raw_response
        parameters = dict(request.parameters)
        answer: Any
        if request.text is not None:
            answer = await texts.create(model=request.model, prompt=request.text, **parameters)
        else:
            messages: list[Any] = [{"role": role, "content": content} for role, content in request.messages]
            answer = await chats.create(model=request.model, messages=messages, **parameters)
        self._reached = True
        return bytes(answer.http_response.content)

    def _refusal(self, error: Any) -> Exception:  # noqa: ANN401 - openai.APIStatusError, imported lazily
        status = error.status_code
        if status in {401, 403}:
            return TeacherUnusable(
                f"{self.name}: {self._endpoint} refused the key ({status}); check {KEY_VARIABLE}"
            )
        if status == 404:
            return TeacherUnusable(
                f"{self.name}: {self._endpoint} knows no such model or address (404):"
                f" {self._without_key(error)}"
            )
        return CallFailed(f"the server refused with {status}: {self._without_key(error)}")

    def _without_key(self, words: object, limit: int = 200) -> str:
        """The server's words, which may repeat the key that it was sent."""
        key = self._client.api_key
        return one_line(words if key == NO_KEY else str(words).replace(key, "***"), limit)


def _pause(headers: Mapping[str, str]) -> float:
    """Seconds to wait before a refused call is made again: what the server asks for, within reason."""
    try:
        return min(max(int(headers["retry-after"]), 0), 60)
    except (KeyError, ValueError):
        return HASTE_SECONDS


def _reply(body: Any) -> Reply:  # noqa: ANN401 - untrusted: a server may send anything
    """Read a chat or text completion; whatever else `body` is ends in an exception."""
    choice = body["choices"][0]
    text = choice["message"]["content"] if "message" in choice else choice["text"]
    if not isinstance(text, str | None):
        raise TypeError(text)
    usage = body.get("usage")
    return Reply(
        text=_text(text) or "",
        finish_reason=_text(choice.get("finish_reason")),
        model=_text(body.get("model")),
        tokens_in=_count(usage, "prompt_tokens"),
        tokens_out=_count(usage, "completion_tokens"),
    )


def _text(value: object) -> str | None:
    """A text that UTF-8 can hold: JSON can say half of a surrogate pair. None for what is no text."""
    return value.encode(errors="replace").decode() if isinstance(value, str) else None


def _count(usage: object, name: str) -> int:
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if isinstance(value, int) else 0

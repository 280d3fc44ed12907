"""Any server that speaks OpenAI's protocol: OpenAI, vLLM, llama.cpp, and many more."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
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
CONCURRENCY = 16
#: WizardLM and evol-teacher ask for at most 2048 tokens.
MAX_TOKENS = 2048
RETRIES = 5


def check(rest: str) -> None:
    """Raise UsageError unless `rest` is MODEL or MODEL@BASE_URL."""
    model, url = _split(rest)
    if not model:
        raise UsageError(
            f"openai:{rest} names no model; write openai:MODEL or openai:MODEL@http://HOST:PORT/v1"
        )
    if url is None:
        return
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(
            f"openai:{model}@{parts.hostname or url}: the address should begin with http:// or https://"
        )
    if parts.username or parts.password or parts.query:
        raise UsageError(
            f"openai:{model}@{parts.hostname}: no name, key or query in the address; use {KEY_VARIABLE}"
        )


def _split(rest: str) -> tuple[str, str | None]:
    model, at, address = rest.rpartition("@")
    return (model, address) if at else (rest, None)


def public_name(rest: str) -> str:
    """openai:MODEL, without the address."""
    return f"{KIND}:{_split(rest)[0]}"


@asynccontextmanager
async def connect(rest: str) -> AsyncIterator[OpenAIChat]:
    """A teacher for MODEL[@BASE_URL]; without an address OPENAI_BASE_URL or OpenAI's own."""
    model, url = _split(rest)
    base_url = (url or os.environ.get("OPENAI_BASE_URL") or DEFAULT_URL).rstrip("/")
    key = os.environ.get(KEY_VARIABLE, "")
    if not key and base_url == DEFAULT_URL:
        raise TeacherUnusable(
            f"openai:{model} needs a key; put it into the environment variable {KEY_VARIABLE}"
        )
    async with client(base_url, key or "none") as opened:
        yield OpenAIChat(opened, name=public_name(rest), model=model, endpoint=base_url)


@asynccontextmanager
async def client(base_url: str, key: str) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's own client, closed afterwards."""
    from openai import AsyncOpenAI

    async with AsyncOpenAI(base_url=base_url, api_key=key, max_retries=RETRIES) as opened:
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
        self._answered = False

    def has_answered(self) -> bool:
        return self._answered

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
            answer = await self._send(request)
        except openai.APIConnectionError as error:
            cause = one_line(error.__cause__ or error, 120)
            if not self._answered:
                raise TeacherUnusable(
                    f"{self.name}: nothing answers at {self._endpoint} ({cause}); is the server running?"
                ) from None
            raise CallFailed(f"no answer from the server: {cause}") from None
        except openai.APIStatusError as error:
            raise self._refusal(error) from None
        except openai.OpenAIError as error:
            raise CallFailed(self._without_key(error)) from None
        reply = _reply(answer)
        self._answered = True
        return reply

    async def _send(self, request: Request) -> Any:  # noqa: ANN401 - whatever the server sent
        # Until the server has answered once, a wrong address should be told at once, not retried.
        caller = self._client if self._answered else self._client.with_options(max_retries=1)
        parameters = dict(request.parameters)
        if request.text is not None:
            return await caller.completions.create(model=request.model, prompt=request.text, **parameters)
        messages: list[Any] = [{"role": role, "content": content} for role, content in request.messages]
        return await caller.chat.completions.create(model=request.model, messages=messages, **parameters)

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

    def _without_key(self, error: object) -> str:
        """The server's words, which may repeat the key that it was sent."""
        key = self._client.api_key
        return one_line(str(error).replace(key, "***") if len(key) > 4 else error, 200)


def _reply(answer: Any) -> Reply:  # noqa: ANN401 - untrusted: a server may send anything
    """Read a chat or text completion.

    Raises:
        CallFailed: it is none.
    """
    try:
        choice = answer.choices[0]
        text = choice.message.content if hasattr(choice, "message") else choice.text
        usage = answer.usage
        reply = Reply(
            text="" if text is None else text,
            finish_reason=choice.finish_reason,
            model=answer.model,
            tokens_in=(usage.prompt_tokens if usage else 0) or 0,
            tokens_out=(usage.completion_tokens if usage else 0) or 0,
        )
    except (AttributeError, IndexError, TypeError) as error:
        raise CallFailed(f"the server's answer is no completion ({one_line(error, 80)})") from None
    if not isinstance(reply.text, str):
        raise CallFailed(f"the server's answer holds {type(reply.text).__name__} where text should be")
    try:
        reply.text.encode()
    except UnicodeEncodeError:
        return reply._replace(text=reply.text.encode(errors="replace").decode())
    return reply

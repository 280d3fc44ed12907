"""Any server that speaks OpenAI's protocol: OpenAI, vLLM, llama.cpp, and many more."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from datagen.errors import UsageError, one_line
from datagen.teachers import _limits
from datagen.teachers._teacher import (
    Busy,
    CallFailed,
    NoAnswer,
    Profile,
    Prompt,
    Reply,
    Request,
    Shape,
    Style,
    TeacherUnusable,
)

if TYPE_CHECKING:
    from openai import AsyncOpenAI

KIND = "openai"
SUMMARY = "openai:MODEL[@BASE_URL]: a server with OpenAI's protocol; key in OPENAI_API_KEY"

#: Its calls may be on somebody's bill.
COSTS = True

DEFAULT_URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
NO_KEY = "none"
CONCURRENCY = 16
#: WizardLM and evol-teacher ask for at most 2048 tokens.
MAX_TOKENS = 2048
#: A slow self-hosted server takes minutes for 2048 tokens; one that takes longer has lost the call.
TIMEOUT_SECONDS = 300.0
#: How soon the first call is made again.
HASTE_SECONDS = 0.5
#: Statuses that a call may do better after: the server or a proxy before it is not well.
_UNWELL = frozenset({408, 409, 425, 500, 502, 504, 520, 521, 522, 523, 524})
_BUSY = frozenset({429, 503, 529})
#: The way to ask openai's client for the response itself; its `with_raw_response` sets the same.
_RAW = {"X-Stainless-Raw-Response": "true"}


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


def identity(profile: Profile) -> str:
    """The model and the address that is asked, the environment's included; or the endpoint's label."""
    return f"{_split(profile.rest)[0]}@{profile.label or _base_url(profile.rest)}"


def _base_url(rest: str) -> str:
    return (_split(rest)[1] or os.environ.get(URL_VARIABLE, "").strip() or DEFAULT_URL).rstrip("/")


@asynccontextmanager
async def connect(profile: Profile) -> AsyncIterator[OpenAIChat]:
    """A teacher for MODEL[@BASE_URL]; without an address OPENAI_BASE_URL or OpenAI's own."""
    model, _ = _split(profile.rest)
    base_url = _base_url(profile.rest)
    variable = profile.key_env or KEY_VARIABLE
    if problem := _problem(base_url):
        raise TeacherUnusable(f"{URL_VARIABLE}={_shown(base_url)}: {problem}")
    key = os.environ.get(variable, "").strip()
    if not key and (base_url == DEFAULT_URL or profile.key_env):
        raise TeacherUnusable(f"{profile.name} needs a key; put it into the environment variable {variable}")
    if not (key.isascii() and key.isprintable()):
        raise TeacherUnusable(f"{variable} holds characters that no key has; set it again")
    async with client(base_url, key or NO_KEY) as opened:
        filled = profile._replace(
            key_env=variable,
            concurrency=profile.concurrency or CONCURRENCY,
            timeout=profile.timeout or TIMEOUT_SECONDS,
        )
        yield OpenAIChat(opened, filled, model=model, endpoint=profile.label or base_url, address=base_url)


@asynccontextmanager
async def client(base_url: str, key: str, *, direct: bool = False) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's own client, closed afterwards; a `direct` one goes through no proxy.

    It makes each call once: when to make it again is admission's affair. Its aiohttp transport is about
    twice as fast as its default one.
    """
    from openai import AsyncOpenAI, DefaultAioHttpClient

    transport = DefaultAioHttpClient(trust_env=not direct, timeout=None)
    async with AsyncOpenAI(
        base_url=base_url, api_key=key, max_retries=0, http_client=transport, timeout=None
    ) as opened:
        yield opened


class OpenAIChat:
    """A model behind OpenAI's chat and completion calls."""

    journalled = True

    def __init__(
        self,
        opened: AsyncOpenAI,
        profile: Profile,
        *,
        model: str,
        endpoint: str,
        address: str,
        style: Style = "chat",
        defaults: dict[str, Any] | None = None,
    ) -> None:
        """Wrap a client.

        endpoint: the server's identity in the journal. address: where it is, for errors. style: how to
        prompt it unless the profile says. defaults: parameters that the profile may outrank.
        """
        self.profile = profile
        self.style: Style = profile.style or style
        self.shape: Shape = "chat" if self.style == "chat" else "few-shot"
        self.client = opened
        self._model = model
        self._endpoint = endpoint
        self._address = address
        self._parameters = {**(defaults or {}), **dict(profile.parameters)}
        self._reached = False

    @property
    def name(self) -> str:
        return self.profile.name

    def request(self, prompt: Prompt, *, seed: int, sample: int, temperature: float | None = None) -> Request:
        parameters: dict[str, Any] = {
            "seed": seed + sample,
            "max_tokens": prompt.max_tokens or MAX_TOKENS,
            "temperature": prompt.temperature,
            **self._parameters,
        }
        if temperature is not None:
            parameters["temperature"] = temperature
        if "max_completion_tokens" in self._parameters:
            del parameters["max_tokens"]
        stop = [*prompt.stop, *_listed(self._parameters.get("stop"))]
        parameters["stop"] = stop or None
        messages, text = self._with_system(prompt.messages), prompt.text
        if text is None and self.style == "completion":
            messages, text = (), as_text(messages)
        return Request(
            endpoint=self._endpoint,
            model=self._model,
            messages=messages,
            text=text,
            parameters=tuple(
                sorted((name, value) for name, value in parameters.items() if value is not None)
            ),
            sample=sample,
        )

    def _with_system(self, messages: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """The turns with the profile's own system prompt, if it has one."""
        if self.profile.system is None or not messages:
            return messages
        rest = messages[1:] if messages[0][0] == "system" else messages
        return (("system", self.profile.system), *rest)

    async def complete(self, request: Request) -> Reply:
        import openai

        try:
            body, headers = await self._send(request)
        except openai.APIConnectionError as error:
            # Timeouts, too: the client has none, but its transport calls each connection that broke one.
            cause = self.without_key(error.__cause__ or error, 120)
            if not (self._reached or _was_sent(error)):
                raise TeacherUnusable(
                    f"{self.name}: nothing answers at {self._address} ({cause}); is the server running?"
                ) from None
            raise NoAnswer(f"no answer from the server: {cause}", maybe_billed=_was_sent(error)) from None
        except openai.APIStatusError as error:
            raise self.refusal(error) from None
        except openai.OpenAIError as error:
            raise CallFailed(self.without_key(error)) from None
        try:
            return parse_reply(json.loads(body))._replace(pause=_limits.pause(headers))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            start = self.without_key(body.decode(errors="replace"), 100) or "nothing"
            raise NoAnswer(f"the server's answer is no completion: {start}", maybe_billed=True) from None

    async def _send(self, request: Request) -> tuple[bytes, Any]:
        """Send a request once and return body and headers; the very first gets a second chance."""
        import openai

        try:
            return await self._post(request)
        except openai.APIConnectionError as error:
            # A wrong address should be told at once, so only what found no server is tried again here.
            if self._reached or _was_sent(error):
                raise
        await asyncio.sleep(HASTE_SECONDS)
        return await self._post(request)

    async def _post(self, request: Request) -> tuple[bytes, Any]:
        import openai

        # The general call, because the typed ones spend more time on conversions than the wire takes, and
        # let through what is no completion at all.
        try:
            answer: Any = await self.client.post(
                path(request), body=body(request), cast_to=object, options={"headers": _RAW}
            )
        except openai.APIStatusError:
            self._reached = True
            raise
        self._reached = True
        return bytes(answer.http_response.content), answer.headers

    def refusal(self, error: Any) -> Exception:  # noqa: ANN401 - openai.APIStatusError, imported lazily
        status = error.status_code
        words = self.without_key(error)
        # 403 may be about this one request, which a filter before the server dislikes.
        if status == 401:
            return TeacherUnusable(
                f"{self.name}: {self._address} refused the key ({status}); check {self.profile.key_env}"
            )
        if status == 404:
            return TeacherUnusable(
                f"{self.name}: {self._address} knows no such model or address (404): {words}"
            )
        if status == 429 and getattr(error, "code", None) in {
            "insufficient_quota",
            "billing_hard_limit_reached",
        }:
            return TeacherUnusable(f"{self.name}: {self._address} says that the quota is used up: {words}")
        if status in _BUSY:
            return Busy(
                f"the server refused with {status}: {words}", _limits.retry_after(error.response.headers)
            )
        if status in _UNWELL:
            # A proxy that gave up waiting does not know whether the server behind it went on.
            late = status in {408, 504, 524}
            return NoAnswer(f"the server refused with {status}: {words}", maybe_billed=late)
        return CallFailed(f"the server refused with {status}: {words}")

    def without_key(self, words: object, limit: int = 200) -> str:
        """The server's words, which may repeat the key that it was sent."""
        key = self.client.api_key
        return one_line(words if key == NO_KEY else str(words).replace(key, "***"), limit)


def _was_sent(error: BaseException) -> bool:
    """Whether a request may have reached the server before its connection failed."""
    import aiohttp

    return not isinstance(getattr(error.__cause__, "__cause__", None), aiohttp.ClientConnectorError)


def path(request: Request) -> str:
    """Where a request is posted to, below the base URL."""
    return "/chat/completions" if request.text is None else "/completions"


def body(request: Request) -> dict[str, Any]:
    """What is posted: parameters under their own names, `extra_body`'s entries beside them."""
    parameters = dict(request.parameters)
    extra = parameters.pop("extra_body", {})
    if request.text is not None:
        return {"model": request.model, "prompt": request.text, **parameters, **extra}
    messages = [{"role": role, "content": content} for role, content in request.messages]
    return {"model": request.model, "messages": messages, **parameters, **extra}


def as_text(messages: tuple[tuple[str, str], ...]) -> str:
    """Turns as one text to continue, for base models without a chat format."""
    headings = {"system": "", "user": "### Task\n", "assistant": "### Answer\n"}
    text = "\n\n".join(f"{headings[role]}{content}" for role, content in messages)
    return text if messages[-1][0] == "assistant" else f"{text}\n\n### Answer\n"


def _listed(stop: Any) -> list[str]:  # noqa: ANN401 - of a teachers file
    return [] if stop is None else stop if isinstance(stop, list) else [stop]


def parse_reply(body: Any) -> Reply:  # noqa: ANN401 - untrusted: a server may send anything
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
    return value if type(value) is int and 0 <= value < 2**53 else 0

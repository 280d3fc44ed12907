"""Any server that speaks OpenAI's protocol: OpenAI, vLLM, llama.cpp, and many more."""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from datagen.errors import UsageError, one_line
from datagen.request import Busy, CallFailed, NoAnswer, Prompt, Reply, Request, TeacherUnusable
from datagen.teachers import _limits
from datagen.teachers._kind import Kind
from datagen.teachers._protocol import CHAT, TEXT, RequestBuilder, body, parse_reply, path
from datagen.teachers._teacher import Profile

if TYPE_CHECKING:
    from openai import AsyncOpenAI

DEFAULT_URL = "https://api.openai.com/v1"
KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
NO_KEY = "none"
CONCURRENCY = 16
#: A slow self-hosted server takes minutes for 2048 tokens; one that takes longer has lost the call.
TIMEOUT_SECONDS = 300.0
#: How soon the first call is made again.
HASTE_SECONDS = 0.5
#: The way to ask openai's client for the response itself; its `with_raw_response` sets the same.
_RAW = {"X-Stainless-Raw-Response": "true"}


class ServedModel(NamedTuple):
    """A model's name at its server. base_url: None for the environment's, or OpenAI's own."""

    model: str
    base_url: str | None


def parse(rest: str) -> ServedModel:
    """MODEL or MODEL@BASE_URL; a model's name may hold an "@" too.

    Raises:
        UsageError: there is no model, or the address is malformed.
    """
    found = re.search("@(?=[a-z][a-z0-9+.-]*://)", rest, re.IGNORECASE) or re.search("@", rest)
    model, url = (rest[: found.start()], rest[found.end() :]) if found else (rest, None)
    shown = f"openai:{model}@{_shown(url)}" if url is not None else f"openai:{model}"
    if not model:
        raise UsageError(f"{shown} names no model; write openai:MODEL or openai:MODEL@http://HOST:PORT/v1")
    if url is not None and (problem := _problem(url)):
        raise UsageError(f"{shown}: {problem}")
    return ServedModel(model, url)


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


def public_name(target: ServedModel) -> str:
    """openai:MODEL, without the address."""
    return f"openai:{target.model}"


def identity(profile: Profile) -> str:
    """The model and the address that is asked, the environment's included; or the profile's endpoint."""
    return f"{profile.target.model}@{profile.endpoint or base_url_of(profile.target)}"


def base_url_of(target: ServedModel) -> str:
    """The address that is asked: the SPEC's, the environment's, or OpenAI's own."""
    return (target.base_url or os.environ.get(URL_VARIABLE, "").strip() or DEFAULT_URL).rstrip("/")


@asynccontextmanager
async def connect(profile: Profile) -> AsyncIterator[OpenAIChat]:
    """A teacher for MODEL[@BASE_URL]; without an address OPENAI_BASE_URL or OpenAI's own."""
    base_url = base_url_of(profile.target)
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
        builder = RequestBuilder(filled, profile.target.model, profile.endpoint or base_url)
        yield OpenAIChat(opened, builder, base_url)


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
    resumable = False

    def __init__(self, opened: AsyncOpenAI, builder: RequestBuilder, address: str) -> None:
        """Wrap a client. address: where the server is, for errors."""
        self.profile = builder.profile
        self.shape = builder.shape
        self.client = opened
        self._builder = builder
        self._address = address
        self._urls = {path: f"{str(opened.base_url).rstrip('/')}{path}" for path in (CHAT, TEXT)}
        self._reached = False

    @property
    def name(self) -> str:
        return self.profile.name

    def request(self, prompt: Prompt, *, seed: int, sample: int, temperature: float | None = None) -> Request:
        return self._builder.request(prompt, seed=seed, sample=sample, temperature=temperature)

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
        # let through what is no completion at all. A whole URL spares it merging two for each call.
        try:
            answer: Any = await self.client.post(
                self._urls[path(request)], body=body(request), cast_to=object, options={"headers": _RAW}
            )
        except openai.APIStatusError:
            self._reached = True
            raise
        self._reached = True
        return bytes(answer.http_response.content), answer.headers

    def refusal(self, error: Any) -> Exception:  # noqa: ANN401 - openai.APIStatusError, imported lazily
        status = error.status_code
        words = self.without_key(error)
        if status == 401:
            return TeacherUnusable(
                f"{self.name}: {self._address} refused the key ({status}); check {self.profile.key_env}"
            )
        if status == 404:
            return TeacherUnusable(
                f"{self.name}: {self._address} knows no such model or address (404): {words}"
            )
        if status == 429 and getattr(error, "code", None) in _limits.NO_QUOTA:
            return TeacherUnusable(f"{self.name}: {self._address} says that the quota is used up: {words}")
        if status in _limits.BUSY:
            return Busy(
                f"the server refused with {status}: {words}", _limits.retry_after(error.response.headers)
            )
        if _limits.is_unwell(status):
            # A proxy that gave up waiting does not know whether the server behind it went on.
            late = status in _limits.LATE
            return NoAnswer(f"the server refused with {status}: {words}", maybe_billed=late)
        concerns = _limits.concerns(status, f"{error} {error.body}")
        return CallFailed(f"the server refused with {status}: {words}", concerns=concerns)

    def without_key(self, words: object, limit: int = 200) -> str:
        """The server's words, which may repeat the key that it was sent."""
        key = self.client.api_key
        return one_line(words if key == NO_KEY else str(words).replace(key, "***"), limit)


def _was_sent(error: BaseException) -> bool:
    """Whether a request may have reached the server before its connection failed."""
    import aiohttp

    return not isinstance(getattr(error.__cause__, "__cause__", None), aiohttp.ClientConnectorError)


KIND = Kind(
    name="openai",
    summary="openai:MODEL[@BASE_URL]: a server with OpenAI's protocol; key in OPENAI_API_KEY",
    parse=parse,
    public_name=public_name,
    identity=identity,
    connect=connect,
    costs=True,
)

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

from datagen import progress, secrets
from datagen.errors import UsageError, one_line
from datagen.request import Busy, CallFailed, NoAnswer, Reply, Request, TeacherUnusable
from datagen.teachers import _limits, _stream, _words
from datagen.teachers._dialect import CHANGES, VERSION, Dialect, has_version, learnt
from datagen.teachers._extras import Extras, extras
from datagen.teachers._kind import Kind
from datagen.teachers._protocol import (
    CHAT,
    EMBEDDINGS,
    TEXT,
    Built,
    RequestBuilder,
    body,
    parse_reply,
    path,
)
from datagen.teachers._teacher import Profile
from datagen.teachers._vectors import parse_embedding

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
PROXIES = "check the variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
#: Refusals that hold for every call: what happened, and what to do.
_HOPELESS = {
    401: ("refused the key", "check {key}"),
    402: ("wants to be paid", "pay at the server, or use another"),
    405: ("takes no calls at this address", "should it end in /v1 ?"),
    407: ("is behind a proxy that wants a login", PROXIES),
}
#: The way to ask openai's client for the response itself; its `with_raw_response` sets the same.
_RAW = {"X-Stainless-Raw-Response": "true"}
#: And for the response before its body is read.
_UNREAD = {"X-Stainless-Raw-Response": "stream"}


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
        return f"no name, key or query in the address; use {KEY_VARIABLE}, and `query` in a teachers file"
    return None


def public_name(target: ServedModel) -> str:
    """openai:MODEL, without the address."""
    return f"openai:{target.model}"


def identity(profile: Profile) -> str:
    """The model and the address that is asked, the environment's included; or the profile's endpoint."""
    return f"{profile.target.model}@{profile.endpoint or base_url_of(profile.target)}"


def base_url_of(target: ServedModel) -> str:
    """The address that is asked: the SPEC's, the environment's, or OpenAI's own.

    Examples of curl end in the path of the call itself, which is cut.
    """
    url = (target.base_url or os.environ.get(URL_VARIABLE, "").strip() or DEFAULT_URL).rstrip("/")
    return re.sub("((/chat)?/completions|/embeddings)$", "", url).rstrip("/")


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
    async with client(base_url, key or NO_KEY, name=profile.name, extra=extras(profile)) as opened:
        filled = profile._replace(
            key_env=variable,
            concurrency=profile.concurrency or CONCURRENCY,
            timeout=profile.timeout or TIMEOUT_SECONDS,
        )
        builder = RequestBuilder(filled, profile.target.model, profile.endpoint or base_url)
        yield OpenAIChat(opened, builder, base_url)


@asynccontextmanager
async def client(
    base_url: str,
    key: str,
    *,
    direct: bool = False,
    name: str = "the server",
    extra: Extras | None = None,
) -> AsyncIterator[AsyncOpenAI]:
    """OpenAI's own client, closed afterwards; a `direct` one goes through no proxy. name: for errors.

    It makes each call once: when to make it again is admission's affair. Its aiohttp transport is about
    twice as fast as its default one.

    Raises:
        TeacherUnusable: the environment names a proxy that cannot be used.
    """
    from openai import AsyncOpenAI

    from datagen.teachers import _transport

    if key != NO_KEY:
        secrets.register(key)
    transport = _transport.opened(base_url, direct=direct, name=name)
    async with AsyncOpenAI(
        base_url=base_url,
        api_key=key,
        max_retries=0,
        http_client=transport,
        timeout=None,
        default_query=extra.query if extra else None,
        default_headers=extra.headers if extra else None,
    ) as opened:
        yield opened


class OpenAIChat(Built):
    """A model behind OpenAI's chat, completion and embedding calls."""

    def __init__(self, opened: AsyncOpenAI, builder: RequestBuilder, address: str) -> None:
        """Wrap a client. address: where the server is, for errors."""
        super().__init__(builder)
        self.client = opened
        self._address = address
        base = str(opened.base_url).rstrip("/")
        paths = CHAT, TEXT, EMBEDDINGS
        self._urls = {path: f"{base}{path}" for path in paths}
        self._versioned_urls = {path: f"{base}/v1{path}" for path in paths}
        self._learnt = learnt()
        self._server = (self.profile.name, address, builder.model)
        self._reached = False

    @property
    def _dialect(self) -> Dialect:
        """How the server is to be asked, as far as that is known."""
        return self._learnt.get(self._server, Dialect())

    async def complete(self, request: Request) -> Reply:
        import openai

        try:
            said, headers, dialect = await self._send(request)
        except openai.APIConnectionError as error:
            # Timeouts, too: the client has none, but its transport calls each connection that broke one.
            raise self._unanswered(error) from None
        except openai.APIStatusError as error:
            raise self.refusal(error) from None
        except openai.OpenAIError as error:
            raise CallFailed(self.without_key(error)) from None
        except _stream.Broken as error:
            raise NoAnswer(self.without_key(error), maybe_billed=True) from None
        try:
            parse = parse_embedding if request.embeds else parse_reply
            reply = parse(json.loads(said))._replace(pause=_limits.pause(headers))
            return dialect.finished(reply, body(request))
        except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
            start = self.without_key(said.decode(errors="replace"), 100) or "nothing"
            what = "embedding of one text" if request.embeds else "completion"
            is_bare = not has_version(self._address) and VERSION not in dialect.changes
            cure = "; should the address end in /v1 ?" if is_bare else ""
            raise NoAnswer(f"the server's answer is no {what}: {start}{cure}", maybe_billed=True) from None

    def _unanswered(self, error: BaseException) -> Exception:
        """What it means that a request got no answer; `error` is openai's."""
        from datagen.teachers import _transport

        cause = self.without_key(error.__cause__ or error, 160)
        if isinstance(error.__cause__, _transport.TooLong):
            return CallFailed(cause)
        if _transport.needs_login(error):
            return TeacherUnusable(f"{self.name}: {self._address} {_HOPELESS[407][0]} (407); {PROXIES}")
        if self._reached or _was_sent(error):
            return NoAnswer(f"no answer from the server: {cause}", maybe_billed=_was_sent(error))
        return TeacherUnusable(
            f"{self.name}: nothing answers at {self._address} ({cause}); {_transport.advice(error)}"
        )

    async def _send(self, request: Request) -> tuple[bytes, Any, Dialect]:
        """Send a request and return body and headers; the very first gets a second chance."""
        import openai

        try:
            return await self._adapted(request)
        except openai.APIConnectionError as error:
            # A wrong address should be told at once, so only what found no server is tried again here.
            if self._reached or _was_sent(error):
                raise
        await asyncio.sleep(HASTE_SECONDS)
        return await self._adapted(request)

    async def _adapted(self, request: Request) -> tuple[bytes, Any, Dialect]:
        """Send a request, and once more for each part that the server says it does not take.

        What is learnt counts for later requests only when it has led to an answer: the server's words may
        have been understood wrongly.
        """
        import openai

        meant, dialect, missing = body(request), self._dialect, None
        while True:
            sent = dialect.said(meant)
            try:
                answer = await self._post(request, sent, dialect)
            except openai.APIStatusError as error:
                cured = dialect.cured(sent, self._address, error.status_code, error.response.text)
                if cured is None:
                    # With /v1 it is not there either, so the address as it was given is what to tell of.
                    raise (missing if missing and error.status_code == 404 else error) from None
                missing = error if VERSION in cured.changes - dialect.changes else missing
                dialect = cured
            else:
                self._learn(dialect)
                return (*answer, dialect)

    def _learn(self, dialect: Dialect) -> None:
        """Send later requests as this one was, which was answered."""
        for name in sorted(dialect.changes - self._dialect.changes):
            progress.say(f"{self.name}: {CHANGES[name].told}")
        self._learnt[self._server] = Dialect(self._dialect.changes | dialect.changes)

    async def _post(self, request: Request, sent: dict[str, Any], dialect: Dialect) -> tuple[bytes, Any]:
        import openai

        # The general call, because the typed ones spend more time on conversions than the wire takes, and
        # let through what is no completion at all. A whole URL spares it merging two for each call.
        url = (self._versioned_urls if VERSION in dialect.changes else self._urls)[path(request)]
        headers = _UNREAD if sent.get("stream") else _RAW
        try:
            answer: Any = await self.client.post(url, body=sent, cast_to=object, options={"headers": headers})
        except openai.APIStatusError:
            self._reached = True
            raise
        except openai.OpenAIError:
            raise
        except Exception as error:
            # The body of a refusal broke off: openai's client reads it only now, and lets the error through.
            if headers is _UNREAD:
                raise _stream.Broken(f"no answer from the server: {error}") from None
            raise
        self._reached = True
        if sent.get("stream"):
            return await _stream.read(answer.http_response), answer.headers
        return bytes(answer.http_response.content), answer.headers

    def refusal(self, error: Any) -> Exception:  # noqa: ANN401 - openai.APIStatusError, imported lazily
        """What a refusal means, with the server's own words and what to do."""
        status, said = error.status_code, _words.of_error(error)
        words = self.without_key(said)
        if status in _HOPELESS:
            what, cure = _HOPELESS[status]
            cure = cure.format(key=self.profile.key_env or KEY_VARIABLE)
            return TeacherUnusable(f"{self.name}: {self._address} {what} ({status}); {cure}: {words}")
        if status == 404:
            return TeacherUnusable(
                f"{self.name}: {self._address} knows no such model or address (404): {words}"
            )
        wait = _limits.retry_after(error.response.headers)
        if status == 429 and getattr(error, "code", None) in _limits.NO_QUOTA:
            return TeacherUnusable(f"{self.name}: {self._address} says that the quota is used up: {words}")
        if status == 429:
            wait = _words.pause(said) if wait is None else wait
            if _words.used_up(said, wait):
                return TeacherUnusable(
                    f"{self.name}: {self._address} says that a limit is used up (429): {words};"
                    " wait until it is renewed, or have it raised"
                )
        if status in _limits.BUSY:
            return Busy(f"the server refused with {status}: {words}", wait)
        if _limits.is_unwell(status):
            # A proxy that gave up waiting does not know whether the server behind it went on.
            late = status in _limits.LATE
            return NoAnswer(f"the server refused with {status}: {words}", maybe_billed=late)
        concerns = _limits.concerns(status, f"{error} {error.body}")
        return CallFailed(f"the server refused with {status}: {words}", concerns=concerns)

    def without_key(self, words: object, limit: int = 200) -> str:
        """The server's words, which may repeat the key that it was sent."""
        return one_line(secrets.hide(str(words)), limit)


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

"""HTTP that no broken server can misuse: bodies are bounded, and every failure is an httpx error.

Imported only when a server is asked, because aiohttp, httpx and openai take their time.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

import aiohttp
import httpx2
from openai import DefaultAioHttpClient

from datagen import secrets
from datagen.errors import one_line
from datagen.request import TeacherUnusable

#: An answer takes about four bytes a token: nobody means so much.
LONGEST_BODY = 16 * 2**20
#: What all bodies that come at the same time may hold. Beyond it those end that are `LARGE`.
MOST_HELD, LARGE = 128 * 2**20, 2**20
#: A batch's results come in one file.
LONGEST_FILE = 2**30
#: The words of a refusal are at its beginning.
LONGEST_REFUSAL = 64 * 2**10


class TooLong(httpx2.RequestError):
    """A body was longer than anybody means it to be; asked again, it would be so again."""


class Client(DefaultAioHttpClient):
    """openai's client of aiohttp, with the guards of this module."""

    def __init__(self, **options: Any) -> None:  # noqa: ANN401 - those of httpx
        super().__init__(**options, event_hooks={"response": [_bound]})

    async def send(self, request: httpx2.Request, **options: Any) -> httpx2.Response:  # noqa: ANN401
        """Send a request.

        Raises:
            httpx2.RequestError: whatever went wrong.
        """
        try:
            return await super().send(request, **options)
        except httpx2.RequestError:
            raise
        except Exception as error:
            # aiohttp's own errors about bytes that are no HTTP come through as they are, so do ValueErrors
            # about headers and addresses. None of them may end a run.
            raise httpx2.RemoteProtocolError(_said(error), request=request) from error


def _said(error: Exception) -> str:
    """What went wrong, in the transport's words."""
    if isinstance(error, aiohttp.ClientResponseError):
        # Its number is its own, not the server's, and its address is known.
        return f"what came is no proper HTTP: {error.message}"
    return f"{type(error).__name__}: {error}"


async def _bound(response: httpx2.Response) -> None:
    """Let a response's body end when it is too long, before anything of it is read."""
    refused = not 200 <= response.status_code < 300
    file = response.request.method == "GET" and response.request.url.path.endswith("/content")
    limit = LONGEST_REFUSAL if refused else LONGEST_FILE if file else LONGEST_BODY
    # The bound counts what is decompressed, so a response of our own reads the body first.
    inner = httpx2.Response(response.status_code, headers=response.headers, stream=response.stream)
    response.stream = _Bounded(inner, limit, response.request, lenient=refused)
    response.headers.pop("content-encoding", None)
    if refused:
        # openai decodes refusals, and some of Python's encodings make no text.
        kind = response.headers.get("content-type", "").partition(";")[0]
        response.headers["content-type"] = kind


class _Bounded(httpx2.AsyncByteStream):
    """A response's decompressed body.

    Args:
        inner: the response as it came.
        limit: bytes.
        request: what was answered.
        lenient: whether the body just ends at the limit, or where it breaks off; its status says enough.
    """

    #: Bytes of all bodies that come now.
    held = 0

    def __init__(self, inner: httpx2.Response, limit: int, request: httpx2.Request, *, lenient: bool) -> None:
        self._inner = inner
        self._limit = limit
        self._request = request
        self._lenient = lenient

    async def __aiter__(self) -> AsyncIterator[bytes]:
        size, most = 0, self._limit
        try:
            async for piece in self._inner.aiter_bytes():
                yield piece[: self._limit - size]
                size += len(piece)
                _Bounded.held += len(piece)
                if size > (most := self._most()):
                    break
        except Exception:
            if not self._lenient:
                raise
        finally:
            _Bounded.held -= size
        if size > most and not self._lenient:
            raise TooLong(f"the answer is longer than {most / 2**20:,.0f} MiB", request=self._request)

    def _most(self) -> int:
        """How long the body may be now."""
        is_file = self._limit > LONGEST_BODY
        return self._limit if is_file or _Bounded.held <= MOST_HELD else min(self._limit, LARGE)

    async def aclose(self) -> None:
        await self._inner.aclose()


def opened(base_url: str, *, direct: bool, name: str) -> Client:
    """A client for one server, closed by who uses it; a `direct` one goes through no proxy. name: for errors.

    Raises:
        TeacherUnusable: the environment names a proxy that cannot be used.
    """
    url = urlsplit(base_url)
    if not direct:
        _look_at_proxies(url, name)
    try:
        return Client(trust_env=not direct, timeout=None)
    except (ValueError, TypeError, OSError, httpx2.InvalidURL) as error:
        # Variables about proxies, and SSL_CERT_FILE, are read here.
        raise TeacherUnusable(
            f"{name}: {base_url} cannot be asked: {one_line(secrets.hide(_said(error)), 120)};"
            " check the environment's variables about proxies and certificates"
        ) from None


def _look_at_proxies(server: SplitResult, name: str) -> None:
    """Let no proxy's password be shown, and refuse a proxy that is none."""
    for scheme, address in getproxies().items():
        problem = ""
        try:
            parts = urlsplit(address if "://" in address else f"http://{address}")
            _ = parts.port
        except ValueError:
            problem = "is no address"
        else:
            secrets.register_login(parts.username or "", parts.password or "")
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                problem = "should begin with http://, then HOST:PORT"
        if problem and scheme in {server.scheme, "all"} and not proxy_bypass(server.hostname or ""):
            variable = f"{scheme.upper()}_PROXY"
            raise TeacherUnusable(
                f"{name}: {server.geturl()} is to be asked through a proxy, but {variable} {problem};"
                f" set it again, or export NO_PROXY={server.hostname}"
            )


def advice(error: BaseException) -> str:
    """What to do about a server that cannot be reached; `error` is openai's."""
    cause = getattr(error.__cause__, "__cause__", None)
    if isinstance(cause, aiohttp.ClientProxyConnectionError):
        return "it is asked through a proxy: check the variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
    if isinstance(cause, aiohttp.ClientSSLError | ssl.SSLError):
        return "write http:// if it has no TLS, or set SSL_CERT_FILE=FILE for certificates of your own"
    if isinstance(cause, aiohttp.ClientConnectorDNSError):
        return "is the host's name right?"
    return "is the server running?"


def needs_login(error: BaseException) -> bool:
    """Whether a proxy refused to let us through; `error` is openai's."""
    cause = getattr(error.__cause__, "__cause__", None)
    return isinstance(cause, aiohttp.ClientHttpProxyError) and cause.status == 407

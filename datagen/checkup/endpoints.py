"""Keys, and the servers that take them. A server is only asked for its list of models, which is free."""

from __future__ import annotations

import asyncio
import difflib
import os
import re
import socket
import ssl
import time
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

from datagen import secrets
from datagen.checkup.finding import Finding
from datagen.errors import DatagenError, UsageError, one_line
from datagen.teachers import Extras, Profile, TeacherUnusable, extras, openai_chat, profile

SECONDS = 5.0


class Server(NamedTuple):
    """Where a teacher is asked.

    Args:
        model: empty where none is named.
        address: its base URL.
        variable: the environment variable that holds its key.
        needs_key: whether it refuses calls without a key.
        asked: the teacher, for what a teachers file adds to each call.
    """

    model: str
    address: str
    variable: str
    needs_key: bool
    asked: Profile


def server_of(asked: Profile) -> Server:
    """The server of a teacher of the kind openai."""
    model, address = asked.target.model, openai_chat.base_url_of(asked.target)
    needs_key = asked.key_env is not None or address == openai_chat.DEFAULT_URL
    return Server(model, address, asked.key_env or openai_chat.KEY_VARIABLE, needs_key, asked)


def server_of_environment() -> Server | None:
    """The server that OPENAI_API_KEY or OPENAI_BASE_URL means, if one of them is set."""
    names = (openai_chat.KEY_VARIABLE, openai_chat.URL_VARIABLE)
    if not any(os.environ.get(name, "").strip() for name in names):
        return None
    return server_of(profile("openai:?"))._replace(model="")


def key(variable: str, servers: Sequence[Server]) -> Finding:
    """Whether a variable holds a key that its servers need. The key itself is not told."""
    value = os.environ.get(variable, "").strip()
    if value and not (value.isascii() and value.isprintable()):
        return Finding("FAIL", f"{variable} holds characters that no key has", "set it again")
    if value:
        return Finding("ok", f"{variable} is set")
    asking = [one.address for one in servers if one.needs_key]
    if asking:
        return Finding(
            "FAIL", f"{variable} is not set, and {asking[0]} needs a key", f"export {variable}=..."
        )
    return Finding("skip", f"{variable} is not set" + ("; these servers may need none" if servers else ""))


def endpoint(server: Server) -> Finding:
    """Whether a server answers, takes the key, and has the model."""
    try:
        openai_chat.parse(f"?@{server.address}")
    except UsageError as error:
        problem = str(error).removeprefix("openai:?@")
        return Finding("FAIL", problem, f"check base_url, or {openai_chat.URL_VARIABLE} in the environment")
    value = os.environ.get(server.variable, "").strip()
    if not value and server.needs_key:
        return Finding("skip", f"{server.address} is not asked without a key")
    if not (value.isascii() and value.isprintable()):
        return Finding("skip", f"{server.address} is not asked with such a key")
    try:
        extra = extras(server.asked)
    except TeacherUnusable as error:
        return Finding("FAIL", str(error), "its headers or query in the teachers file name that variable")
    try:
        return asyncio.run(_asked(server, value or openai_chat.NO_KEY, extra))
    except DatagenError as error:
        return Finding(
            "FAIL", one_line(error, 240), "check the variables HTTP_PROXY, HTTPS_PROXY and NO_PROXY"
        )


def _shown(words: object, limit: int) -> str:
    """A server's words, which may repeat the key that it was sent, on one line."""
    return one_line(secrets.hide(str(words)), limit)


async def _asked(server: Server, value: str, extra: Extras) -> Finding:
    import openai

    async with openai_chat.client(server.address, value, extra=extra) as opened:
        started = time.perf_counter()
        try:
            async with asyncio.timeout(SECONDS):
                answer: Any = await opened.get("/models", cast_to=object)
        except (TimeoutError, openai.APIConnectionError) as error:
            return _unreachable(server, error)
        except openai.APIStatusError as error:
            return _refused(server, error.status_code, _shown(error, 120))
        except (openai.OpenAIError, ValueError, RecursionError) as error:
            return _strange(server, _shown(error, 80))
        return _listed(server, answer, time.perf_counter() - started)


def _unreachable(server: Server, error: Exception) -> Finding:
    # openai's client raises a timeout for a refused connection, too. Its causes say what happened.
    causes = list(_causes(error))
    words = _shown(causes[-1], 160)
    if any(isinstance(cause, ssl.SSLError) for cause in causes):
        problem = f"no TLS connection: {words}"
        advice = "http:// if it has no TLS; SSL_CERT_FILE=FILE for certificates of your own"
    elif any(isinstance(cause, socket.gaierror) for cause in causes):
        problem, advice = "no such host is known", "check its name, and the network"
    elif any(isinstance(cause, ConnectionRefusedError) for cause in causes) or "refused" in words.lower():
        problem, advice = "nothing listens there", "is the server running? check its port"
    elif any(isinstance(cause, TimeoutError) for cause in causes):
        problem, advice = f"no answer within {SECONDS:.0f} s", "is it busy, or behind a firewall or proxy?"
    else:
        problem, advice = f"no connection: {words}", "check the address, and the network"
    if proxy := _proxy_of(server.address):
        advice = f"it is asked through a proxy: check {proxy}, or export NO_PROXY=HOST"
    return Finding("FAIL", f"{server.address}: {problem}", advice)


def _proxy_of(address: str) -> str:
    """The variable that names the proxy of an address; empty without a proxy."""
    url, known = urlsplit(address), getproxies()
    found = [scheme for scheme in (url.scheme, "all") if scheme in known]
    return "" if not found or proxy_bypass(url.hostname or "") else f"{found[0].upper()}_PROXY"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and its causes, with the system's error inside one of aiohttp."""
    now: BaseException | None = error
    while now is not None:
        yield now
        if isinstance(inner := getattr(now, "os_error", None), OSError):
            yield inner
        now = now.__cause__ or now.__context__


def _refused(server: Server, status: int, words: str) -> Finding:
    where = f"{server.address} answers {status}"
    if status in {401, 403}:
        return Finding("FAIL", f"{where}: it refuses the key", f"check {server.variable}")
    if status in {404, 405}:
        if not _ends_in_version(server):
            return Finding("FAIL", f"{where}: no such page", f"should base_url be {server.address}/v1 ?")
        return Finding("warn", f"{where}: it lists no models, so the name was not checked")
    if status == 407:
        return Finding("FAIL", f"{where}: a proxy wants a login", "check HTTPS_PROXY")
    if status == 429:
        return Finding("warn", f"{where}: {words}", "wait, or check the account's limits")
    return Finding("FAIL", f"{where}: {words}", "look at the server's log, or try later")


def _listed(server: Server, answer: Any, seconds: float) -> Finding:  # noqa: ANN401 - untrusted
    entries = answer.get("data") if isinstance(answer, dict) else None
    if not isinstance(entries, list):
        return _strange(server, _shown(answer, 80))
    names = [str(entry["id"]) for entry in entries if isinstance(entry, dict) and "id" in entry]
    detail = f"{server.address} answers in {1000 * seconds:.0f} ms"
    if not server.model:
        return Finding("ok", f"{detail}, {len(names):,} models")
    if server.model in names:
        return Finding("ok", f"{detail} and has {server.model}")
    near = difflib.get_close_matches(server.model, names, n=3) or names[:3]
    advice = f"it has {', '.join(_shown(name, 60) for name in near)}" if near else ""
    return Finding("warn", f"{detail} but does not list {server.model}", advice)


def _strange(server: Server, words: str) -> Finding:
    detail = f"{server.address} answers, but with no list of models: {words}"
    if _ends_in_version(server):
        return Finding("warn", detail, "does it speak OpenAI's protocol?")
    return Finding("FAIL", detail, f"should base_url be {server.address}/v1 ?")


def _ends_in_version(server: Server) -> bool:
    return re.search(r"/v\d\w*$", server.address) is not None

"""The teachers file: how each teacher is reached, limited, paid and asked, by names of the user's own.

strong:
  model: MODEL                     # with base_url; or spec: local:smollm2, vllm:PATH, replay:FILE
  base_url: https://host/v1
  key_env: STRONG_KEY              # the environment variable that holds the key, never the key
  endpoint: our-cluster            # the journal knows the server by this label, not by its address
  system: You are terse.
  parameters: {temperature: 0.8, top_p: 0.95, max_tokens: 1024}
  prompt: chat                     # chat, few-shot or completion
  role: teacher                    # or student
  license: Apache-2.0
  concurrency: 64
  rpm: 500
  tpm: 200000
  price_in: 0.15                   # USD for a million tokens
  price_out: 0.6
  timeout: 300                     # seconds for one call
  patience: 120                    # seconds without any answer until it is given up
  mode: live                       # or batch
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, get_args

from datagen.errors import UsageError, nearest, one_line
from datagen.strict_yaml import load_mapping
from datagen.teachers._kind import profile as profile_of
from datagen.teachers._teacher import Profile, Role, Style


def _between(least: float, most: float) -> Callable[[object], str]:
    def problem(value: object) -> str:
        right = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
        return "" if right else f"a number from {least:g} to {most:g}"

    return problem


def _whole(least: int, most: int) -> Callable[[object], str]:
    def problem(value: object) -> str:
        right = isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
        return "" if right else f"a whole number from {least:,} to {most:,}"

    return problem


def _text(value: object) -> str:
    return "" if isinstance(value, str) else "a text"


def _texts(value: object) -> str:
    right = isinstance(value, str) or (isinstance(value, list) and all(isinstance(x, str) for x in value))
    return "" if right else "a text or a list of texts"


def _mapping(value: object) -> str:
    return "" if isinstance(value, dict) else "a mapping"


#: What a server takes as a sampling parameter, and what each should be; what only one kind of server knows
#: goes into `extra_body`.
PARAMETERS: Mapping[str, Callable[[object], str]] = {
    "temperature": _between(0, 2),
    "top_p": _between(0, 1),
    "max_tokens": _whole(1, 10**7),
    "max_completion_tokens": _whole(1, 10**7),
    "stop": _texts,
    "seed": _whole(-(2**63), 2**63 - 1),
    "frequency_penalty": _between(-2, 2),
    "presence_penalty": _between(-2, 2),
    "logit_bias": _mapping,
    "reasoning_effort": _text,
    "verbosity": _text,
    "service_tier": _text,
    "extra_body": _mapping,
}
#: Those that cannot be had: the answer's shape would change, or there would be several answers in one.
_REFUSED = {
    **dict.fromkeys(("n", "best_of"), "datagen asks for one answer at a time; use `datagen sample -n`"),
    **dict.fromkeys(("stream", "stream_options"), "datagen does not stream"),
    **dict.fromkeys(("messages", "prompt"), "datagen writes what is asked; see `system`"),
    "model": "write `model` beside `parameters`",
}
_KEYS = (
    *(
        "spec",
        "model",
        "base_url",
        "endpoint",
        "key_env",
        "system",
        "parameters",
        "prompt",
        "role",
        "license",
    ),
    *("concurrency", "rpm", "tpm", "price_in", "price_out", "timeout", "patience", "mode"),
)
_OPENAI_ONLY = ("key_env", "mode")
#: A recipe with `teachers` is a teachers file, too.
_OF_A_RECIPE = ("teachers", "seeds", "seed", "map", "stages")


def load(path: Path) -> dict[str, Profile]:
    """Read a teachers file: the profiles by name, in the file's order.

    Raises:
        UsageError: it cannot be read, or something in it is unknown, missing or of the wrong kind.
    """
    content = load_mapping(path, "a teachers file")
    if "teachers" not in content:
        return parse(content, path.name)
    for key in content:
        if key not in _OF_A_RECIPE:
            raise UsageError(f"{path.name}: unknown key {_shown(key)} beside teachers; put it among them")
    return parse(content["teachers"], path.name)


def parse(content: object, where: str) -> dict[str, Profile]:
    """Profiles from a mapping of names to settings.

    Raises:
        UsageError: something in it is unknown, missing or of the wrong kind; the line begins with `where`.
    """
    if not isinstance(content, dict) or not content:
        raise UsageError(f"{where}: teachers should be a mapping of names to settings, such as"
                         " {strong: {model: MODEL, base_url: https://HOST/v1}}")  # fmt: skip
    return {
        _name(name, where): _profile(str(name), given, f"{where}, {name}") for name, given in content.items()
    }


def _name(name: object, where: str) -> str:
    if isinstance(name, str) and re.fullmatch(r"[\w.-]{1,64}", name):
        return name
    raise UsageError(
        f"{where}: {_shown(name)!r} is no name for a teacher; use letters, digits, dots, hyphens and"
        " underscores"
    )


def _profile(name: str, given: object, where: str) -> Profile:
    if not isinstance(given, dict):
        raise UsageError(f"{where}: settings should be a mapping such as {{model: MODEL}}")
    for key in given:
        if key not in _KEYS:
            raise UsageError(f"{where}: unknown key {_shown(key)}: {nearest(_shown(key), _KEYS)}")
    get = _Getter(given, where)
    spec = _spec(get)
    try:
        target = profile_of(spec).target
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None
    profile = Profile(
        spec=spec,
        name=name,
        target=target,
        endpoint=get.text("endpoint"),
        key_env=get.text("key_env", _is_variable),
        system=get.text("system"),
        parameters=_parameters(given.get("parameters"), where),
        prompt_style=get.choice("prompt", get_args(Style)),
        role=get.choice("role", get_args(Role)) or "teacher",
        license=get.text("license"),
        concurrency=get.whole("concurrency", 1, 65536),
        rpm=get.number("rpm", 1e-3, 1e9),
        tpm=get.number("tpm", 1, 1e12),
        price_in=get.number("price_in", 0, 1e6),
        price_out=get.number("price_out", 0, 1e6),
        timeout=get.number("timeout", 1e-3, 86400),
        patience=get.number("patience", 0, 864000),
        mode=get.choice("mode", ("live", "batch")) or "live",
    )
    if (profile.price_in is None) != (profile.price_out is None):
        raise UsageError(
            f"{where}: give both price_in and price_out, in USD for a million tokens, or neither"
        )
    for key in _OPENAI_ONLY:
        if key in given and profile.kind != "openai":
            raise UsageError(f"{where}: {key} is for servers with OpenAI's protocol, not for {profile.kind}")
    return profile


def _spec(get: _Getter) -> str:
    spec, model, url = get.text("spec"), get.text("model"), get.text("base_url")
    if spec and (model or url):
        raise UsageError(f"{get.where}: give spec, or model and base_url, not both")
    if not spec and not model:
        raise UsageError(f"{get.where}: give model (and base_url), or spec such as local:smollm2")
    return spec or (f"openai:{model}@{url}" if url else f"openai:{model}")


def _parameters(given: object, where: str) -> tuple[tuple[str, Any], ...]:
    if given is None:
        return ()
    if not isinstance(given, dict):
        raise UsageError(f"{where}: parameters should be a mapping such as {{temperature: 0.8}}")
    for key, value in given.items():
        if key in _REFUSED:
            raise UsageError(f"{where}: parameters: no {key}: {_REFUSED[key]}")
        if key not in PARAMETERS:
            raise UsageError(
                f"{where}: unknown parameter {_shown(key)}: {nearest(_shown(key), PARAMETERS)};"
                " what only this server knows goes into extra_body"
            )
        if value is not None and (wanted := PARAMETERS[key](value)):
            raise UsageError(f"{where}: parameter {key} should be {wanted}, not {_shown(value)}")
        if not _is_json(value):
            raise UsageError(f"{where}: parameter {key} cannot be {_shown(value)}")
    for key in given.get("extra_body") or {}:
        # There it would go past what is checked here, counted in the journal and reserved in a budget.
        if key in _REFUSED or key in PARAMETERS:
            why = _REFUSED.get(key, "write it beside extra_body")
            raise UsageError(f"{where}: extra_body: no {key}: {why}")
    return tuple(sorted(given.items()))


def _is_json(value: object) -> bool:
    """Whether a value can be sent: what comes of YAML may be a date, a set, or half of a surrogate pair."""
    if isinstance(value, dict):
        return all(isinstance(key, str) and _is_json(key) and _is_json(entry) for key, entry in value.items())
    if isinstance(value, list):
        return all(map(_is_json, value))
    if isinstance(value, str):
        return _is_unicode(value)
    if isinstance(value, int):
        return abs(value) < 2**64
    return value is None or (isinstance(value, float) and math.isfinite(value))


def _is_unicode(text: str) -> bool:
    return not re.search("[\ud800-\udfff]", text)


def _shown(value: object) -> str:
    """A value in an error line; Python refuses to write endless numbers."""
    try:
        return one_line(value, 40)
    except ValueError:
        return "such a number"


def _is_variable(value: str) -> str | None:
    # Whatever else stands there may be the key itself, so it is not repeated. Some keys could be names, too,
    # but hardly in capitals.
    if re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", value) or (value in os.environ and value.isidentifier()):
        return None
    return "should be the name of an environment variable, such as OPENAI_API_KEY; no key stands in a file"


class _Getter:
    """Reads settings and says what is wrong with them."""

    def __init__(self, given: Mapping[str, Any], where: str) -> None:
        self._given = given
        self.where = where

    def text(self, key: str, problem: Callable[[str], str | None] = lambda _: None) -> str | None:
        value = self._given.get(key)
        if value is None:
            return None
        if not isinstance(value, str) or not value.strip() or not _is_unicode(value):
            # It is not repeated either: it may be a key, or an address with a password.
            raise UsageError(f"{self.where}: {key} should be a text")
        if wrong := problem(value):
            raise UsageError(f"{self.where}: {key} {wrong}")
        return value

    def choice(self, key: str, allowed: tuple[Any, ...]) -> Any:  # noqa: ANN401 - one of `allowed`
        value = self._given.get(key)
        if value is not None and value not in allowed:
            raise UsageError(
                f"{self.where}: {key} cannot be {_shown(value)}: {nearest(_shown(value), allowed)}"
            )
        return value

    def number(self, key: str, least: float, most: float) -> float | None:
        value = self._given.get(key)
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
            raise UsageError(
                f"{self.where}: {key} should be a number from {least:g} to {most:g}, not {_shown(value)}"
            )
        return float(value)

    def whole(self, key: str, least: int, most: int) -> int | None:
        value = self.number(key, least, most)
        if value is not None and value != int(value):
            raise UsageError(f"{self.where}: {key} should be a whole number, not {value:g}")
        return None if value is None else int(value)

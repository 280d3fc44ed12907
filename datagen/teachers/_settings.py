"""The teachers file: how each teacher is reached, limited, paid and asked, by names of the user's own.

strong: {model: MODEL, base_url: https://HOST/v1, price_in: 0.15, price_out: 0.6}

`SETTINGS` says what may stand there.
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

from datagen.errors import UsageError, nearest, one_line
from datagen.teachers._extras import read_headers, read_query
from datagen.teachers._kind import profile
from datagen.teachers._teacher import Mode, Profile, Role, Style

#: Returns the value of a setting as a profile holds it; its ValueError goes on from the setting's name.
Reader = Callable[[Any], Any]


def _number(least: float, most: float) -> Reader:
    def read(value: Any) -> float:  # noqa: ANN401 - untrusted
        if isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most:
            return float(value)
        raise ValueError(f"should be a number from {least:g} to {most:g}, not {_shown(value)}")

    return read


def _whole(least: int, most: int) -> Reader:
    def read(value: Any) -> int:  # noqa: ANN401 - untrusted
        if type(value) is int and least <= value <= most:
            return value
        raise ValueError(f"should be a whole number from {least:,} to {most:,}, not {_shown(value)}")

    return read


def _choice(*allowed: str) -> Reader:
    def read(value: Any) -> str:  # noqa: ANN401 - untrusted
        if isinstance(value, str) and value in allowed:
            return value
        raise ValueError(f"cannot be {_shown(value)}: {nearest(_shown(value), allowed)}")

    return read


def _text(value: Any) -> str:  # noqa: ANN401 - untrusted
    if isinstance(value, str) and value.strip() and _is_unicode(value):
        return value
    # The value is not repeated: it may be a key, or an address with a password.
    raise ValueError("should be a text")


def _system(value: Any) -> str:  # noqa: ANN401 - untrusted
    return value if value == "" else _text(value)


def _texts(value: Any) -> Any:  # noqa: ANN401 - untrusted
    if isinstance(value, str) or (isinstance(value, list) and all(isinstance(x, str) for x in value)):
        return value
    raise ValueError(f"should be a text or a list of texts, not {_shown(value)}")


def _mapping(value: Any) -> dict[Any, Any]:  # noqa: ANN401 - untrusted
    if isinstance(value, dict):
        return value
    raise ValueError("should be a mapping of names to values")


def _variable(value: Any) -> str:  # noqa: ANN401 - untrusted
    # Some keys could be names, too, but hardly in capitals.
    if re.fullmatch(r"[A-Z_][A-Z0-9_]{0,63}", name := _text(value)) or (
        name in os.environ and name.isidentifier()
    ):
        return name
    # The value is not repeated: it may be the key itself.
    raise ValueError(
        "should be the name of an environment variable, such as OPENAI_API_KEY; no key stands in a file"
    )


class Setting(NamedTuple):
    """One key of a teacher in a teachers file.

    Args:
        key: its name there.
        example: a value, as YAML.
        meaning: a line for people.
        read: what makes the profile's value of what stands there.
        field: of the profile; empty where it is called like the key.
        openai_only: whether only servers with OpenAI's protocol have it.
    """

    key: str
    example: str
    meaning: str
    read: Reader
    field: str = ""
    openai_only: bool = False


SETTINGS = (
    Setting("spec", "local:smollm2", "a SPEC, as for --teacher; or model and base_url", _text),
    Setting("model", "MODEL", "the model's name at a server with OpenAI's protocol", _text),
    Setting("base_url", "http://localhost:8000/v1", "another server with OpenAI's protocol",
            _text, openai_only=True),
    Setting("key_env", "OPENAI_API_KEY",
            "environment variable that holds the key; the key itself stands in no file",
            _variable, openai_only=True),
    Setting("query", "{api-version: 2024-10-21}", "entries of the address's query; $NAME for a secret",
            read_query, openai_only=True),
    Setting("headers", "{X-Title: our-project}", "headers of each call; $NAME for a secret",
            read_headers, openai_only=True),
    Setting("price_in", "0.15", "USD for a million tokens it reads; --max-usd and --dry-run need both prices",
            _number(0, 1e6)),
    Setting("price_out", "0.6", "USD for a million tokens it writes", _number(0, 1e6)),
    Setting("rpm", "500", "requests a minute at most, as your provider says", _number(1e-3, 1e9)),
    Setting("tpm", "200000", "tokens a minute at most", _number(1, 1e12)),
    Setting("concurrency", "16", "calls at a time at most; fewer by itself when the server is busy",
            _whole(1, 65536)),
    Setting("timeout", "300", "seconds for one call", _number(1e-3, 86400)),
    Setting("patience", "300", "seconds without any answer until it is given up", _number(0, 864000)),
    Setting("parameters", "{temperature: 0.8, top_p: 0.95, max_tokens: 2048}",
            "sampling; max_tokens bounds the cost", _mapping),
    Setting("system", "You are a careful programmer.",
            "system prompt, instead of datagen's own; \"\" for none", _system),
    Setting("prompt", "few-shot", "chat; few-shot or completion suit base models",
            _choice(*get_args(Style)), "prompt_style"),
    Setting("mode", "batch", "OpenAI's Batch API: half the price there, answers within a day",
            _choice(*get_args(Mode)), openai_only=True),
    Setting("license", "Apache-2.0", "of its answers; rows and data card name it", _text),
    Setting("endpoint", "our-cluster",
            "its server's name in the journal: answers are found again if it moves", _text),
    Setting("role", "teacher", "or student: the model to train", _choice(*get_args(Role))),
)  # fmt: skip
_KEYS = {setting.key: setting for setting in SETTINGS}

#: What a server takes as a sampling parameter, and what each should be; what only one kind of server knows
#: goes into `extra_body`.
PARAMETERS: Mapping[str, Reader] = {
    "temperature": _number(0, 2),
    "top_p": _number(0, 1),
    "max_tokens": _whole(1, 10**7),
    "max_completion_tokens": _whole(1, 10**7),
    "stop": _texts,
    "seed": _whole(-(2**63), 2**63 - 1),
    "frequency_penalty": _number(-2, 2),
    "presence_penalty": _number(-2, 2),
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
#: A recipe with `teachers` is a teachers file, too.
_OF_A_RECIPE = ("teachers", "seeds", "seed", "map", "stages")


def settings() -> Sequence[Setting]:
    """All settings of a teacher in a teachers file, in the order in which they are told."""
    return SETTINGS


def load_profiles(path: Path) -> dict[str, Profile]:
    """Read a teachers file: the profiles by name, in the file's order.

    Raises:
        UsageError: it cannot be read, or something in it is unknown, missing or of the wrong kind.
    """
    from datagen.strict_yaml import load_mapping

    content = load_mapping(path, "a teachers file")
    if "teachers" not in content:
        return parse_profiles(content, path.name)
    for key in content:
        if key not in _OF_A_RECIPE:
            raise UsageError(f"{path.name}: unknown key {_shown(key)} beside teachers; put it among them")
    return parse_profiles(content["teachers"], path.name)


def parse_profiles(content: object, where: str) -> dict[str, Profile]:
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
    try:
        return _checked(name, {key: value for key, value in given.items() if value is not None})
    except UsageError as error:
        raise UsageError(f"{where}: {error}") from None


def _checked(name: str, given: Mapping[str, Any]) -> Profile:
    values = {key: _read(key, _KEYS[key].read, value) for key, value in given.items()}
    asked = profile(_spec(values.pop("spec", None), values.pop("model", None), values.pop("base_url", None)))
    if ("price_in" in values) != ("price_out" in values):
        raise UsageError("give both price_in and price_out, in USD for a million tokens, or neither")
    for key in values:
        if _KEYS[key].openai_only and asked.kind != "openai":
            raise UsageError(f"{key} is for servers with OpenAI's protocol, not for {asked.kind}")
    if "parameters" in values:
        values["parameters"] = _parameters(values["parameters"])
    return asked._replace(name=name, **{_KEYS[key].field or key: value for key, value in values.items()})


def _read(key: str, read: Reader, value: object) -> Any:  # noqa: ANN401 - as the profile holds it
    try:
        return read(value)
    except ValueError as error:
        raise UsageError(f"{key} {error}") from None


def _spec(spec: str | None, model: str | None, url: str | None) -> str:
    if spec and (model or url):
        raise UsageError("give spec, or model and base_url, not both")
    if not spec and not model:
        raise UsageError("give model (and base_url), or spec such as local:smollm2")
    return spec or (f"openai:{model}@{url}" if url else f"openai:{model}")


def _parameters(given: Mapping[Any, Any]) -> tuple[tuple[str, Any], ...]:
    for key, value in given.items():
        if key in _REFUSED:
            raise UsageError(f"parameters: no {key}: {_REFUSED[key]}")
        if key not in PARAMETERS:
            raise UsageError(
                f"unknown parameter {_shown(key)}: {nearest(_shown(key), PARAMETERS)};"
                " what only this server knows goes into extra_body"
            )
        if value is not None:
            _read(f"parameter {key}", PARAMETERS[key], value)
        if not _is_json(value):
            raise UsageError(f"parameter {key} cannot be {_shown(value)}")
    for key in given.get("extra_body") or {}:
        # There it would go past what is checked here, counted in the journal and reserved in a budget.
        if key in _REFUSED or key in PARAMETERS:
            why = _REFUSED.get(key, "write it beside extra_body")
            raise UsageError(f"extra_body: no {key}: {why}")
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

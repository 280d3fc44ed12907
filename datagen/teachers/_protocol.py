"""OpenAI's protocol: prompts as requests, requests as bodies, bodies as replies. Nothing is sent here."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from datagen import secrets
from datagen.request import EMBED, THINKING_PARTS, Prompt, Reply, Request, Shape
from datagen.teachers._teacher import Profile, Style

#: Where requests are posted to, below the base URL.
CHAT, TEXT, EMBEDDINGS = "/chat/completions", "/completions", "/embeddings"
#: WizardLM and evol-teacher ask for at most 2048 tokens.
MAX_TOKENS = 2048


@dataclass(frozen=True)
class RequestBuilder:
    """Makes a model's requests of prompts.

    Args:
        model: the model's name at the server.
        endpoint: the server's identity in the journal.
        default_style: how the model is prompted where the profile does not say.
        defaults: parameters that the profile outranks.
    """

    profile: Profile
    model: str
    endpoint: str
    default_style: Style = "chat"
    defaults: dict[str, Any] = field(default_factory=dict)

    @property
    def shape(self) -> Shape:
        """The form in which prompts are to be made."""
        return "chat" if self.prompt_style == "chat" else "few-shot"

    @property
    def prompt_style(self) -> Style:
        """How the model is prompted."""
        return self.profile.prompt_style or self.default_style

    def request(self, prompt: Prompt, *, seed: int, sample: int, temperature: float | None = None) -> Request:
        """The request for a prompt; parameters of the profile outrank its own, `temperature` both.

        For a vector the text alone counts, and of the profile's parameters `extra_body`.
        """
        if self.profile.embeds:
            extra = [(name, value) for name, value in self.profile.parameters if name == "extra_body"]
            return Request(self.endpoint, self.model, (), prompt.text, (EMBED, *extra), 0)
        own = {**self.defaults, **dict(self.profile.parameters)}
        parameters: dict[str, Any] = {
            "seed": seed + sample,
            "max_tokens": prompt.max_tokens or MAX_TOKENS,
            "temperature": prompt.temperature,
            **own,
        }
        if temperature is not None:
            parameters["temperature"] = temperature
        if "max_completion_tokens" in own:
            del parameters["max_tokens"]
        stop = [*prompt.stop, *_listed(own.get("stop"))]
        parameters["stop"] = stop or None
        messages, text = self._with_system(prompt.messages), prompt.text
        if text is None and self.prompt_style == "completion":
            messages, text = (), as_text(messages)
        return Request(
            endpoint=self.endpoint,
            model=self.model,
            messages=messages,
            text=text,
            parameters=tuple(
                sorted((name, value) for name, value in parameters.items() if value is not None)
            ),
            sample=sample,
        )

    def _with_system(self, messages: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
        """The turns with the profile's own system prompt, if it has one; without any if that is empty."""
        if self.profile.system is None or not messages:
            return messages
        rest = messages[1:] if messages[0][0] == "system" else messages
        if not self.profile.system:
            return rest
        return (("system", self.profile.system), *rest)


class Built:
    """A teacher whose requests a `RequestBuilder` makes; what makes its calls is added by each kind."""

    journalled = True
    resumable = False

    def __init__(self, builder: RequestBuilder) -> None:
        self.profile = builder.profile
        self.shape = builder.shape
        self._builder = builder

    @property
    def name(self) -> str:
        """What stands in the column `teacher`."""
        return self.profile.name

    def request(self, prompt: Prompt, *, seed: int, sample: int, temperature: float | None = None) -> Request:
        """The call that `prompt` means for this teacher."""
        return self._builder.request(prompt, seed=seed, sample=sample, temperature=temperature)


def path(request: Request) -> str:
    """Where a request is posted to, below the base URL."""
    if request.embeds:
        return EMBEDDINGS
    return CHAT if request.text is None else TEXT


def body(request: Request) -> dict[str, Any]:
    """What is posted: parameters under their own names, `extra_body`'s entries beside them."""
    parameters = dict(request.parameters)
    extra = parameters.pop("extra_body", {})
    if request.embeds:
        return {"model": request.model, "input": request.text, **extra}
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


#: Under these names servers tell what the model thought, beside its answer.
THOUGHTS = ("reasoning_content", "reasoning", "thinking")


def parse_reply(body: Any) -> Reply:  # noqa: ANN401 - untrusted: a server may send anything
    """Read a chat or text completion; whatever else `body` is ends in an exception.

    A message without content, or with null, is a reply without text. Of a list of parts the texts count.
    """
    choice = body["choices"][0]
    if "message" in choice:
        message = choice["message"] or {}
        text, thinking = _content(message)
    else:
        text, thinking = choice["text"], ""
    if not isinstance(text, str | None):
        raise TypeError(text)
    usage = body.get("usage")
    return Reply(
        thinking=stored_text(thinking) or "",
        text=stored_text(text) or "",
        finish_reason=stored_text(choice.get("finish_reason")),
        model=stored_text(body.get("model")),
        tokens_in=counted(usage, "prompt_tokens"),
        tokens_out=counted(usage, "completion_tokens"),
    )


def _content(message: Any) -> tuple[Any, str]:  # noqa: ANN401 - untrusted
    """What a message says, or why it refuses to; and what the model thought before."""
    content = message.get("content")
    told = [message[name] for name in THOUGHTS if isinstance(message.get(name), str)][:1]
    if isinstance(content, list):
        parts = [part if isinstance(part, dict) else {"text": part} for part in content]
        told += [part_text(part) for part in parts if part.get("type") in THINKING_PARTS]
        content = "".join(part_text(part) for part in parts if part.get("type") not in THINKING_PARTS)
    return content or message.get("refusal"), "\n".join(told)


def part_text(part: Any) -> str:  # noqa: ANN401 - untrusted
    """The text of a part of a content, or of the parts that it holds in turn; "" where it has none."""
    for name in ("text", "thinking", "summary", "content"):
        held = part.get(name)
        if isinstance(held, str):
            return held
        if isinstance(held, list):
            return "".join(
                one["text"] for one in held if isinstance(one, dict) and isinstance(one.get("text"), str)
            )
    return ""


def stored_text(value: object) -> str | None:
    """A text that UTF-8 can hold: JSON can say half of a surrogate pair. None for what is no text.

    No secret is in it, because it is stored.
    """
    return secrets.hide(value.encode(errors="replace").decode()) if isinstance(value, str) else None


def counted(usage: object, name: str) -> int:
    """A number of tokens of a server's `usage`; 0 where it does not say it."""
    value = usage.get(name) if isinstance(usage, dict) else None
    return value if type(value) is int and 0 <= value < 2**53 else 0

"""The shapes that every way of reaching a model shares."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Protocol

from datagen.request import Prompt, Reply, Request, Shape

#: How a model is to be prompted; "completion" is few-shot for servers that know no chat.
Style = Literal["chat", "few-shot", "completion"]
Role = Literal["teacher", "student"]
#: Whether each call is made by itself, or through a server's batches.
Mode = Literal["live", "batch"]


class Profile(NamedTuple):
    """How one teacher is reached and asked; the kind of teacher decides what is None.

    Made by `profile` of a SPEC, or by `parse_profiles` of a teachers file.

    Args:
        spec: the SPEC, as on the command line.
        name: what stands in the column `teacher`.
        target: what the kind's `parse` made of the SPEC.
        endpoint: the server's identity in the journal, instead of its address or the sha256 of its weights.
        key_env: the environment variable that holds the key.
        query: entries of the query of each call, by name; $NAME stands for an environment variable.
        headers: of each call, likewise.
        system: the system prompt, instead of datagen's own; an empty one sends none at all.
        parameters: sampling parameters by name, which outrank the prompt's; None leaves a parameter out.
        prompt_style: how it is prompted.
        role: whether it teaches, or is the model to be trained.
        license: of its answers.
        concurrency: calls at a time, at most.
        rpm: requests per minute, at most.
        tpm: tokens per minute, at most.
        price_in: USD for a million tokens of prompts.
        price_out: USD for a million tokens of answers.
        timeout: seconds for one call.
        patience: seconds without any answer after which it is given up.
        mode: "batch" sends calls through OpenAI's Batch API.
        embeds: whether it makes vectors of texts, instead of answering them.
    """

    spec: str
    name: str
    target: Any = None
    endpoint: str | None = None
    key_env: str | None = None
    query: tuple[tuple[str, str], ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    system: str | None = None
    parameters: tuple[tuple[str, Any], ...] = ()
    prompt_style: Style | None = None
    role: Role = "teacher"
    license: str | None = None
    concurrency: int | None = None
    rpm: float | None = None
    tpm: float | None = None
    price_in: float | None = None
    price_out: float | None = None
    timeout: float | None = None
    patience: float | None = None
    mode: Mode = "live"
    embeds: bool = False

    @property
    def kind(self) -> str:
        """The word before the SPEC's colon."""
        return self.spec.partition(":")[0]

    @property
    def rest(self) -> str:
        """What stands behind the SPEC's colon."""
        return self.spec.partition(":")[2]

    def cost(self, tokens_in: int, tokens_out: int) -> float:
        """USD for so many tokens; 0 without prices."""
        return (tokens_in * (self.price_in or 0) + tokens_out * (self.price_out or 0)) / 1e6


class Teacher(Protocol):
    """A model that evolves tasks or answers them.

    Args:
        profile: with everything filled in that this kind of teacher decides.
        shape: the form in which prompts are made for it.
        journalled: whether its replies are kept in the journal; a recording or a reference is at hand anyway.
        resumable: whether an interrupted call goes on without us, and the next run gets its answer.
    """

    profile: Profile
    shape: Shape
    journalled: bool
    resumable: bool

    @property
    def name(self) -> str:
        """What stands in the column `teacher`."""
        ...

    def request(self, prompt: Prompt, *, seed: int, sample: int, temperature: float | None = None) -> Request:
        """The call that `prompt` means for this teacher.

        Args:
            sample: the index among several answers to one prompt.
            temperature: outranks the profile's and the prompt's.

        Raises:
            CallFailed: the task lacks what this teacher needs.
        """
        ...

    async def complete(self, request: Request) -> Reply:
        """Make the call, once.

        Raises:
            Busy: the server refused it for now.
            NoAnswer: it may succeed when it is made again.
            CallFailed: this request cannot succeed.
            TeacherUnusable: no request can succeed.
        """
        ...

"""The shapes that every way of reaching a model shares."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, Protocol

from datagen.request import Prompt, Reply, Request, Shape

#: How a model is to be prompted; "completion" is few-shot for servers that know no chat.
Style = Literal["chat", "few-shot", "completion"]
Role = Literal["teacher", "student"]


class Profile(NamedTuple):
    """How one teacher is reached and asked; from a SPEC, or from a teachers file (_profiles.py).

    spec: how it is named on the command line. name: stands in the column `teacher`. label: the endpoint's
    identity in the journal; None for the base URL, or the sha256 of local weights. key_env: the environment
    variable that holds the key. system: the system prompt, instead of datagen's own. parameters: sampling
    parameters as (name, value), which outrank what suits a prompt; a value None leaves that one out.
    style: how to prompt it. license: of its output. concurrency: calls at a time, at most. rpm, tpm:
    requests and tokens per minute, at most. price_in, price_out: USD for a million tokens. timeout: seconds
    for one call. patience: seconds without any answer until it is given up. mode: "batch" sends calls through
    OpenAI's Batch API. What is None is for the kind of teacher to decide.
    """

    spec: str
    name: str
    label: str | None = None
    key_env: str | None = None
    system: str | None = None
    parameters: tuple[tuple[str, Any], ...] = ()
    style: Style | None = None
    role: Role = "teacher"
    license: str | None = None
    concurrency: int | None = None
    rpm: float | None = None
    tpm: float | None = None
    price_in: float | None = None
    price_out: float | None = None
    timeout: float | None = None
    patience: float | None = None
    mode: Literal["live", "batch"] = "live"

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

    profile: with everything filled in that this kind of teacher decides. name: the profile's.
    journalled: whether its replies are worth keeping (a reference solution is at hand anyway).
    """

    profile: Profile
    shape: Shape
    journalled: bool

    @property
    def name(self) -> str:
        """What stands in the column `teacher`."""
        ...

    def request(self, prompt: Prompt, *, seed: int, sample: int, temperature: float | None = None) -> Request:
        """The call that `prompt` means for this teacher.

        temperature: what the user asked for, above all else; None: what the profile or the prompt says.
        Raises CallFailed where the task lacks what this teacher needs.
        """
        ...

    async def complete(self, request: Request) -> Reply:
        """Make the call, once. Raises Busy, NoAnswer, CallFailed or TeacherUnusable."""
        ...

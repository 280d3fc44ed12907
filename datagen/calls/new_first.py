"""The order of asking in a rerun: what failed before comes last, whatever the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass, field

from datagen.calls.asking import Answer
from datagen.calls.caller import Caller
from datagen.request import Busy, CallFailed, NoAnswer, Prompt
from datagen.teachers import Teacher


@dataclass
class NewFirst:
    """An asker for two passes over the same rows; the first leaves out what failed in an earlier run.

    The first pass only fills the journal, so nothing of it is held. The second asks for the rest, and does
    not repeat what failed in the first.

    Args:
        caller: makes the calls.
        is_first: whether this is the first pass.
        _problems: calls that failed in the first pass, by journal key, with the reason.
        _asked: calls that the first pass made.
    """

    caller: Caller
    is_first: bool = True
    _problems: dict[str, str] = field(default_factory=dict)
    _asked: int = 0

    async def ask(
        self, teacher: Teacher, prompt: Prompt, *, seed: int, sample: int, temperature: float | None = None
    ) -> Answer:
        """See `Caller.ask`."""
        if not teacher.journalled and self.is_first:
            return await _uncounted(teacher, prompt, seed, sample, temperature)
        try:
            key = teacher.request(prompt, seed=seed, sample=sample, temperature=temperature).key
        except CallFailed as problem:
            return Answer(None, None, str(problem))
        if key in self._problems:
            return Answer(None, key, self._problems[key])
        if self.is_first and self.caller.journal.has_failed(key):
            return Answer(None, key, "it failed in an earlier run")
        answer = await self.caller.ask(teacher, prompt, seed=seed, sample=sample, temperature=temperature)
        if self.is_first and answer.reply is None:
            self._problems[key] = answer.problem
        return answer

    def begin_second(self) -> None:
        """The first pass is over: from now on its answers are in the journal."""
        self.is_first = False
        self._asked, self.caller.tally.reused = self.caller.tally.asked, 0

    def end(self) -> None:
        """Both passes are over: what the first asked is no answer of an earlier run, though it was found."""
        self.caller.tally.reused -= self._asked


async def _uncounted(
    teacher: Teacher, prompt: Prompt, seed: int, sample: int, temperature: float | None
) -> Answer:
    try:
        request = teacher.request(prompt, seed=seed, sample=sample, temperature=temperature)
        return Answer(await teacher.complete(request), None)
    except (CallFailed, NoAnswer, Busy) as problem:
        return Answer(None, None, str(problem))

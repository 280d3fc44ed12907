"""The Click group: a command is imported only when it is asked for, so that --help stays instant."""

from __future__ import annotations

import contextlib
import importlib
import signal
from typing import NoReturn

import click

from datagen.errors import nearest
from datagen.runs import registry
from datagen.version import __version__

#: command -> (module, the line that `datagen --help` shows); those of stages come from their registry.
_COMMANDS: dict[str, tuple[str, str]] = {
    "init": ("datagen.commands.init", "Write a recipe with notes, to be changed and run."),
    "run": ("datagen.commands.run", "Run a recipe: all stages from seeds to a clean set."),
    "train": ("datagen.commands.train", "Train a model on ranked answers, with RRTF."),
    "eval": ("datagen.commands.eval", "Tell how good a model is: pass@k on a benchmark."),
    "cat": ("datagen.commands.cat", "Print the rows of a data set."),
    "trace": (
        "datagen.commands.trace",
        "Tell why a row is in a data set or not, and which calls made it.",
    ),
    "verify": ("datagen.commands.verify", "Compare a data set with its manifest."),
    "publish": ("datagen.commands.publish", "Publish a data set on the Hub, in one commit."),
    "journal": ("datagen.commands.journal", "Count, save, bring back or remove stored model calls."),
    "doctor": ("datagen.commands.doctor", "Check what works here: packages, keys, endpoints, disk."),
    "list": ("datagen.commands.list", "List rules, teachers, benchmarks, detectors or methods."),
}
#: Commands that help shows before those of the stages.
_FIRST = ("init",)


def names() -> list[str]:
    """All commands, in the order in which help shows them."""
    return [*_FIRST, *registry.names(), *(name for name in _COMMANDS if name not in _FIRST)]


def summary(name: str) -> str:
    """The line that help shows of a command."""
    return _COMMANDS[name][1] if name in _COMMANDS else registry.summary(name)


class LazyGroup(click.Group):
    """Knows its commands by name and imports the one that is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - Click's signature
        return names()

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name in _COMMANDS:
            command: click.Command = importlib.import_module(_COMMANDS[cmd_name][0]).command
            command.name = cmd_name
            return command
        if cmd_name not in registry.names():
            return None
        from datagen.commands.stage import command_of

        return command_of(registry.stage(cmd_name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in names() and not args[0].startswith("-"):
            self._unknown(ctx, args[0])
        resolved = super().resolve_command(ctx, args)
        with contextlib.suppress(ValueError):  # not in the main thread
            for number in (signal.SIGINT, signal.SIGTERM):  # a job scheduler's Ctrl-C is the second
                signal.signal(number, signal.default_int_handler)  # from here on there is work to end
        return resolved

    def _unknown(self, ctx: click.Context, name: str) -> NoReturn:
        ctx.fail(f"unknown command {name}: {nearest(name, names())}")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl([(name, summary(name)) for name in names()])


@click.command(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Example: datagen run demo -o out/demo",
)
@click.version_option(__version__, prog_name="datagen")
def cli() -> None:
    """Build instruction-tuning sets for code models that can be trusted and rebuilt."""

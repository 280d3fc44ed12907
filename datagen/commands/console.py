"""Runs a command and turns every way in which it can end into one line and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import select
import signal
import sys
from collections.abc import Sequence

import click

from datagen.commands.group import cli
from datagen.errors import DatagenError, one_line

INTERRUPTED = 130
#: Enough for every line of ours; what it quotes (a file's columns, a server's reply) has no limit.
LONGEST_LINE = 1000


def run(arguments: Sequence[str]) -> int:
    """Run `datagen ARGUMENTS` and return its exit code."""
    code = _run(arguments)
    try:
        sys.stdout.flush()  # of a command that failed, too
    except OSError as error:
        return _unwritten(error) or code
    return code


def _run(arguments: Sequence[str]) -> int:
    try:
        code = _invoke(arguments)
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as help_text:
        click.echo(help_text.format_message())
        return 2
    except click.ClickException as error:
        return _fail(_usage(error), error.exit_code)
    except DatagenError as error:
        return _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _ignore_signals()
        return _fail("interrupted; the same command starts again", INTERRUPTED)
    except OSError as error:
        return _unwritten(error)
    except MemoryError:
        return _fail("out of memory; work on fewer rows at a time", 1)
    return code


def _ignore_signals() -> None:
    """The command is ending already; once more would only show where."""
    with contextlib.suppress(ValueError):  # not in the main thread
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)


def _unwritten(error: OSError) -> int:
    """What ends a command that the operating system let down; in most cases stdout cannot be written."""
    has_reader = _has_reader()
    _give_up_stdout()
    # `datagen cat ... | head`: the reader has what it wanted. Any other broken pipe is a failure.
    if isinstance(error, BrokenPipeError) and not has_reader:
        return 0
    return _fail(_system(error), 1)


def _has_reader() -> bool:
    """Whether stdout is anything but a pipe whose other end was closed."""
    with contextlib.suppress(OSError, ValueError):
        asked = select.poll()
        asked.register(sys.stdout.fileno(), 0)
        return not any(events & (select.POLLERR | select.POLLHUP) for _, events in asked.poll(0))
    return True


def _invoke(arguments: Sequence[str]) -> int:
    # Not `cli.main`: it ends a broken pipe with 1, and prints an empty line on Ctrl-C.
    try:
        with cli.make_context("datagen", list(arguments)) as context:
            result = cli.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code
    return result if isinstance(result, int) else 0


def _fail(message: str, code: int) -> int:
    click.echo(f"Error: {one_line(message, LONGEST_LINE)}", err=True)
    return code


def _usage(error: click.ClickException) -> str:
    """Click's message, with the command whose --help tells more."""
    message = error.format_message().rstrip(". \n")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message} (see {context.command_path} --help)" if context else message


def _system(error: OSError) -> str:
    if error.errno == errno.EBADF and not error.filename:
        return "standard output is closed; the command writes its result there"
    what = error.strerror or str(error)
    where = f": {error.filename}" if error.filename else ""
    cures = {errno.ENOSPC: "; make room and run it again", errno.EACCES: "; choose another -o"}
    return f"{what}{where}{cures.get(error.errno or 0, '')}"


def _give_up_stdout() -> None:
    """Python flushes stdout once more when it exits; give it somewhere to write."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

"""Runs a command and turns every way in which it can end into one line and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
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
    try:
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # a job scheduler's Ctrl-C
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
        return _fail("interrupted; the same command starts again", INTERRUPTED)
    except BrokenPipeError:  # `datagen cat ... | head`: the reader has what it wanted
        _give_up_stdout()
        return 0
    except OSError as error:
        _give_up_stdout()
        return _fail(_system(error), 1)
    except MemoryError:
        return _fail("out of memory; work on fewer rows at a time", 1)
    return code


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
    what = error.strerror or str(error)
    where = f": {error.filename}" if error.filename else ""
    cures = {errno.ENOSPC: "; make room and run it again", errno.EACCES: "; choose another -o"}
    return f"{what}{where}{cures.get(error.errno or 0, '')}"


def _give_up_stdout() -> None:
    """Python flushes stdout once more when it exits; give it somewhere to write."""
    with contextlib.suppress(OSError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())

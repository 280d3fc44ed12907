"""Runs a command and turns every way in which it can end into one line and an exit code."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
from collections.abc import Sequence

import click

from datagen.cli import cli
from datagen.errors import DatagenError

INTERRUPTED = 130


def run(arguments: Sequence[str]) -> int:
    """Run `datagen ARGUMENTS` and return its exit code."""
    try:
        result = cli.main(list(arguments), prog_name="datagen", standalone_mode=False)
        _flush()
    except click.exceptions.NoArgsIsHelpError as help_text:
        click.echo(help_text.format_message())
        return 2
    except click.ClickException as error:
        return _fail(_usage(error), error.exit_code)
    except DatagenError as error:
        return _fail(str(error), error.exit_code)
    except (KeyboardInterrupt, click.Abort):
        return _fail("interrupted; the same command starts again", INTERRUPTED)
    except BrokenPipeError:
        return _reader_left()
    except OSError as error:
        return _fail(_system(error), 1)
    except MemoryError:
        return _fail("out of memory; work on less at a time, such as with --limit", 1)
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    return result if isinstance(result, int) else 0


def _flush() -> None:
    sys.stdout.flush()


def _fail(message: str, code: int) -> int:
    click.echo(f"Error: {message}", err=True)
    return code


def _usage(error: click.ClickException) -> str:
    """Click's message on one line, with the command whose --help tells more."""
    message = " ".join(error.format_message().split()).rstrip(".")
    context = error.ctx if isinstance(error, click.UsageError) else None
    return f"{message} (see {context.command_path} --help)" if context else message


def _system(error: OSError) -> str:
    what = error.strerror or str(error)
    where = f" {error.filename}" if error.filename else ""
    cures = {errno.ENOSPC: "; make room and run it again", errno.EACCES: "; choose another -o"}
    return (
        f"{what}:{where}{cures.get(error.errno or 0, '')}"
        if where
        else f"{what}{cures.get(error.errno or 0, '')}"
    )


def _reader_left() -> int:
    """`datagen cat ... | head`: the reader has what it wanted, so this is no error."""
    with contextlib.suppress(OSError):
        # Python flushes stdout once more when it exits; give it somewhere to write.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0

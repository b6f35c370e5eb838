"""From the shell's words to an exit code: 0, or another with one or two lines on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from carrousel.cli._errors import lines, missing, of_system

__all__ = ["main"]

INTERRUPTED, PIPE_CLOSED = 130, 141  # what a shell reports for a process that SIGINT or SIGPIPE ended


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs the command line and returns its exit code.

    Args:
        arguments: the shell's words without the program's name, by default those of this process.

    Returns:
        0 for success, 1 for wrong results of ``bench`` or a claim of ``reproduce`` that does not hold, 2 for a mistake
        in the call or the data, 130 after Ctrl-C, 141 when the output's reader has gone.
    """
    try:
        code = _run(list(sys.argv[1:] if arguments is None else arguments))
        return _flushed(code)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _give_up_output()
        return PIPE_CLOSED


def _flushed(code: int) -> int:
    """Returns the exit code after what is still to be written to standard output."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:  # it is a file, and the disk is full
        _give_up_output()
        return code or _refuse(f"standard output: {error.strerror}")
    return code


def _give_up_output() -> None:
    """Turns standard output to nowhere: Python flushes it once more at its end, and that must not fail again."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _run(arguments: list[str]) -> int:
    try:
        from carrousel.cli.app import app

        try:
            return app(args=arguments, prog_name="carrousel", standalone_mode=False) or 0
        except SystemExit as stop:  # typer's answer to a closed pipe, and nothing else, in this mode
            if isinstance(stop.__context__, BrokenPipeError):
                raise stop.__context__ from None
            raise
    except ModuleNotFoundError as error:
        advice = missing(error)
        if advice is None:
            raise
        return _refuse(advice)
    except BrokenPipeError:
        raise
    except OSError as error:
        return _refuse(of_system(error))
    except ValueError as error:
        return _refuse(lines(error))
    except MemoryError as error:
        return _refuse(f"there is not enough memory ({lines(error)})")
    except Exception as error:
        if not hasattr(error, "format_message"):  # the parser's own errors have it, typer's and click's alike
            raise
        context = getattr(error, "ctx", None)
        command = context.command_path if context is not None else "carrousel"
        return _refuse(f"{' '.join(error.format_message().split())} (see {command} --help)")


def _refuse(message: str) -> int:
    """Prints a message on standard error, and returns the exit code 2."""
    from carrousel.data._errors import tidy  # words that were typed, or stand in a file, are part of messages

    message = tidy(message)
    print(f"carrousel: {message}", file=sys.stderr)
    return 2

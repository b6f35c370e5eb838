"""Processes that are forked from one that has everything loaded, and killed; and how a hard script reports."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

CHANGING = ("write", "fsync", "replace", "rename", "unlink", "ftruncate", "mkdir", "open")
"""System calls that change files, and ``open``, which may."""


def report(name: str, tried: int, lost: int) -> int:
    """Prints what a script found; returns what was lost."""
    print(f"{name}: tried {tried}, survived {tried - lost}, lost {lost}", flush=True)
    return lost


def forked(call: Callable[[], Any], output: int | None = None, errors: Path | None = None) -> int:
    """Starts a call in a process of its own; its number. 0 or None is success, as ``carrousel.cli.main`` has it.

    Args:
        call: what it does.
        output: a handle for its standard output, which is thrown away without one.
        errors: a file for its standard error.
    """
    sys.stdout.flush()
    number = os.fork()
    if number:
        return number
    code = 1
    try:
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, 0)
        os.dup2(nowhere if output is None else output, 1)
        os.dup2(nowhere if errors is None else os.open(errors, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
        code = call() or 0
        sys.stdout.flush()
    except BaseException:
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)


def ended(number: int) -> int:
    """Waits for a process: its exit code, or minus the signal that ended it."""
    return os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])


def counted(call: Callable[[], Any], into: Path) -> Callable[[], Any]:
    """The call, which writes down how many system calls it made that change files."""

    def counting() -> Any:
        count = 0

        def wrap(real: Callable[..., Any]) -> Callable[..., Any]:
            def wrapped(*given: Any, **named: Any) -> Any:
                nonlocal count
                count += 1
                return real(*given, **named)

            return wrapped

        for name in CHANGING:
            setattr(os, name, wrap(getattr(os, name)))
        try:
            return call()
        finally:
            into.write_text(str(count))

    return counting


def doomed(call: Callable[[], Any], last: int) -> Callable[[], Any]:
    """The call, killed as it begins the system call after so many; of a write half is done."""

    def dying() -> Any:
        count = 0

        def wrap(real: Callable[..., Any], writes: bool) -> Callable[..., Any]:
            def wrapped(*given: Any, **named: Any) -> Any:
                nonlocal count
                count += 1
                if count > last:
                    if writes:
                        real(given[0], given[1][: len(given[1]) // 2])
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*given, **named)

            return wrapped

        for name in CHANGING:
            setattr(os, name, wrap(getattr(os, name), name == "write"))
        return call()

    return dying


def killed(call: Callable[[], Any], seconds: float, calls: int, draw: random.Random, **how: Any) -> int:
    """Runs a call that takes so long and makes so many system calls, and kills it somewhere.

    Returns:
        Its exit code: -9, or what it ended with before it could be killed.
    """
    if draw.random() < 0.5:
        return ended(forked(doomed(call, draw.randrange(calls)), **how))
    number = forked(call, **how)
    time.sleep(draw.uniform(0, seconds))
    os.kill(number, signal.SIGKILL)
    return ended(number)

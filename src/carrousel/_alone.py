"""One process at a time, where two would spoil what both go on from."""

from __future__ import annotations

import errno
import hashlib
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

__all__ = ["alone", "short"]

# The name of a lock file is a name like any other to those who can write to its folder.
_OPEN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


@contextmanager
def alone(path: Path, doing: str, *, kind: str = "lock", wait: float = 0.0) -> Iterator[None]:
    """Keeps others from ``path`` while the block lasts; they and it agree on a lock file beside it.

    The system lets go of the lock when its process dies, in whatever way; the next one is not in its way then.

    Args:
        path: what must not be used by two.
        doing: what somebody else who has it "is doing with it", for the message.
        kind: the end of the lock file's name; different kinds do not exclude each other.
        wait: seconds after which it is given up.

    Raises:
        BlockingIOError: another process has it, or another block of this one.
    """
    from filelock import FileLock, Timeout

    place = path.absolute().with_name(f".{short(path.name)}.{kind}")
    lock = FileLock(place, thread_local=False)
    try:
        lock.acquire(timeout=wait)
    except Timeout:
        raise BlockingIOError(errno.EAGAIN, f"{_who(place)} {doing}", str(path)) from None
    except OSError as error:
        error.filename = str(path)  # people know of this one, not of the lock file
        raise
    native = type(lock) is FileLock  # and not what stands in for it on a file system without locks
    try:
        if native:
            _sign(place)
        yield
    finally:
        if native and os.name == "posix":
            # Whoever has opened it by now will see that it has no name any more, and make a new one.
            with suppress(OSError):
                os.unlink(place)
        lock.release()


def short(name: str) -> str:
    """Returns a file's name, or a hash of one that leaves no room for an addition in the 255 bytes of most systems."""
    encoded = os.fsencode(name)
    return name if len(encoded) <= 200 else hashlib.sha256(encoded).hexdigest()[:32]


def _sign(place: Path) -> None:
    """Writes the number of this process into a lock file; others read it to say who holds the lock."""
    with suppress(OSError):
        handle = os.open(place, os.O_WRONLY | _OPEN)
        try:
            os.ftruncate(handle, 0)
            os.write(handle, f"{os.getpid()}\n".encode())
        finally:
            os.close(handle)


def _who(place: Path) -> str:
    """Returns who holds a lock, in words."""
    with suppress(OSError):
        handle = os.open(place, os.O_RDONLY | _OPEN)
        try:
            number = re.fullmatch(rb"(\d{1,10})\n", os.read(handle, 20))
        finally:
            os.close(handle)
        if number:
            return "this process" if int(number[1]) == os.getpid() else f"another process ({number[1].decode()})"
    return "another process"

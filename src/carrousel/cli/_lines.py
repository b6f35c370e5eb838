"""Where the lines of a stream go, each once, however often the process that writes them is killed.

Before the state is saved, the lines so far are brought to the disk, and the state holds a mark of how far that is.
Lines beyond the mark are written again after a crash: what a file has of them already is cut off, or passed over.
"""

from __future__ import annotations

import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from carrousel._alone import alone
from carrousel._atomic import append
from carrousel.cli._errors import UsageError
from carrousel.cli._place import plain_file

__all__ = ["lines_to"]

END = 4096  # the last bytes of an output, by whose hash it is recognised


class FileLines:
    """Lines in a file that has nothing else.

    A file that the state knows is cut where the state stands; any other that holds something is refused.
    """

    def __init__(self, path: Path, mark: Any) -> None:
        self.path = path
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
        self._handle = os.open(path, flags, 0o666)
        size = os.fstat(self._handle).st_size
        if not size:
            return
        if not _fits(mark, self._handle, size) or (mark["bytes"] == 0 and mark.get("file") != path.name):
            os.close(self._handle)
            raise UsageError(f"--out {path}: this file holds something that no state goes on from; name another one")
        os.ftruncate(self._handle, mark["bytes"])

    @property
    def empty(self) -> bool:
        """Whether there is nothing in it yet."""
        return os.fstat(self._handle).st_size == 0

    def say(self, text: str) -> None:
        """Writes a line."""
        try:
            append(self._handle, f"{text}\n".encode())
        except OSError as error:
            raise _named(error, str(self.path)) from None

    def mark(self) -> Any:
        """Brings all to the disk, and returns a mark of how far that is."""
        try:
            os.fsync(self._handle)
        except OSError as error:
            raise _named(error, str(self.path)) from None
        return {"file": self.path.name, **_mark(self._handle, os.fstat(self._handle).st_size)}

    def close(self) -> None:
        os.close(self._handle)


class StandardLines:
    """Lines on standard output, each on its way at once.

    In a file to which it is appended (``>> FILE``), a line that the file has already is not written again. What
    the reader of a pipe has taken is not known: lines since the last mark reach it a second time.
    """

    def __init__(self, mark: Any) -> None:
        self._reader = _reader()
        self._place: int | None = None  # what follows it in the file may be the next lines
        if self._reader is not None and _fits(mark, self._reader, os.fstat(self._reader).st_size):
            self._place = mark["bytes"]

    @property
    def empty(self) -> bool:
        """Whether a person looks at it, or a file that holds nothing yet."""
        try:
            about = os.fstat(sys.stdout.fileno())
        except (OSError, ValueError):
            return False
        return sys.stdout.isatty() or (stat.S_ISREG(about.st_mode) and about.st_size == 0)

    def say(self, text: str) -> None:
        """Writes a line."""
        rest = None if self._place is None else self._lacking(text)
        try:
            if rest is None:
                print(text, flush=True)
            else:
                sys.stdout.buffer.write(rest)
                sys.stdout.buffer.flush()
        except OSError as error:
            raise _named(error, "standard output") from None

    def _lacking(self, text: str) -> bytes:
        """Returns what the file lacks of a line that it may have already."""
        assert self._reader is not None
        assert self._place is not None
        line = f"{text}\n".encode(sys.stdout.encoding, sys.stdout.errors or "strict")
        there = _read(self._reader, self._place, len(line))
        self._place = self._place + len(line) if there == line else None
        # A line that was cut off at the file's end is completed.
        return line[len(there) :] if line.startswith(there) else line

    def mark(self) -> Any:
        """Brings all to the disk, and returns a mark of how far that is; None if lines are not appended to a file."""
        if self._reader is None:
            return None
        try:
            os.fsync(sys.stdout.fileno())
        except OSError as error:
            raise _named(error, "standard output") from None
        size = os.fstat(self._reader).st_size if self._place is None else self._place
        return {"file": None, **_mark(self._reader, size)}

    def close(self) -> None:
        if self._reader is not None:
            os.close(self._reader)


@contextmanager
def lines_to(out: Path | None, mark: Any) -> Iterator[FileLines | StandardLines]:
    """Opens the output, for this process alone if it is a file, as far as a state's mark says it is written.

    Raises:
        UsageError: the file holds something else.
        BlockingIOError: another process writes to it.
    """
    if out is None:
        output: FileLines | StandardLines = StandardLines(mark)
        try:
            yield output
        finally:
            output.close()
        return
    plain_file("--out", out)
    with alone(out, "is writing its lines there"):
        output = FileLines(out, mark)
        try:
            yield output
        finally:
            output.close()


def _mark(handle: int, size: int) -> dict[str, Any]:
    """Returns a mark of an output of this size."""
    start = max(0, size - END)
    return {"bytes": size, "end": hashlib.sha256(_read(handle, start, size - start)).hexdigest()}


def _read(handle: int, start: int, count: int) -> bytes:
    os.lseek(handle, start, os.SEEK_SET)
    return os.read(handle, count)


def _fits(mark: Any, handle: int, size: int) -> bool:
    """Tells whether an output of this size is the one of a mark, or goes on from it."""
    if not isinstance(mark, dict) or not isinstance(mark.get("bytes"), int) or not 0 <= mark["bytes"] <= size:
        return False
    return mark.get("end") == _mark(handle, mark["bytes"])["end"]


def _reader() -> int | None:
    """Returns a handle to read the file that standard output is appended to; None if it is no such file."""
    with suppress(ImportError, OSError, ValueError):  # ValueError: standard output is no file at all
        import fcntl

        handle = sys.stdout.fileno()
        appended = fcntl.fcntl(handle, fcntl.F_GETFL) & os.O_APPEND
        if appended and stat.S_ISREG(os.fstat(handle).st_mode):
            return os.open(f"/proc/self/fd/{handle}", os.O_RDONLY)
    return None


def _named(error: OSError, what: str) -> OSError:
    """Returns the error, which then says what could not be written."""
    error.filename = what
    return error

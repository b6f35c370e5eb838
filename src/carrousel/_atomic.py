"""Files and directories that are there whole or not at all. Below all rooms: whatever writes a file writes it here.

Every writer makes a temporary name of its own beside the path, and renames it when all is on the disk. While it lives
it holds a lock on what it made, so that the next writer of the path can tell what a dead one left, and removes it.
"""

import ctypes
import errno
import os
import re
import secrets
import shutil
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from carrousel._alone import alone, short

try:
    import fcntl
except ImportError:  # not a POSIX system
    fcntl = None  # type: ignore[assignment]

__all__ = ["append", "append_to", "backup_of", "refuse_unusual", "steadily", "write_directory", "write_file"]

T = TypeVar("T")

AT_FDCWD, RENAME_EXCHANGE, RENAME_SWAP = -100, 2, 2
DAY = 86_400.0
TRIES = 1000  # to read a directory that others replace
SAVING = 60.0  # seconds that a writer of a directory waits for another, longer than any directory takes to be saved

_PASSING = re.compile(r"\..+\.([0-9a-f]{16}\.tmp|lock|saving)")  # what stands in a directory for a while only
_OPEN = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def write_file(path: Path, data: bytes, *, mode: int | None = None, sync: bool = True) -> None:
    """Writes ``data`` to a file in one step: after a crash the old content or the new is there, never a part.

    Of several writers of one path the last one wins.

    Args:
        path: the file.
        data: its content.
        mode: its mode. If it is not given an old file's is kept, and a new one's is as the umask says.
        sync: whether to wait for the disk. Without, a crash of the machine, but not of the process, may leave a part.

    Raises:
        OSError: it cannot be written; nothing has changed then. A symbolic link is refused, see
            :func:`refuse_unusual`.
    """
    refuse_unusual(path)
    with _named(path):
        with closing(_claim(path, lambda new: _create(new, 0o666 if mode is None else mode))) as claim:
            try:
                _fill(claim.handle, data, like=path if mode is None else None, sync=sync)
                if os.name == "nt":  # an open file cannot be renamed there
                    claim.close()
                os.replace(claim.path, path)
            except BaseException:
                claim.close()
                with suppress(OSError):
                    os.unlink(claim.path)
                raise
        if sync:
            _sync_directory(path.parent)


def refuse_unusual(path: Path, *, directory: bool = False) -> None:
    """Refuses a path at which something stands that is no plain file (or directory).

    A symbolic link is not written through: in a folder that others can write to it could be anybody's, and lead
    anywhere. It is not replaced either: its owner put it there to have the file somewhere else. A device or a pipe
    would be lost by a replacement.

    Raises:
        OSError: it is something else; the message says what.
    """
    try:
        mode = os.lstat(path).st_mode
    except OSError:  # nothing is there, or nothing can be known: writing will tell
        return
    if stat.S_ISLNK(mode):
        reason = f"this is a symbolic link to {os.readlink(path)}, and links are not followed; name the file itself"
        raise OSError(errno.ELOOP, reason, str(path))
    if stat.S_ISDIR(mode) and not directory:
        raise IsADirectoryError(errno.EISDIR, "this is a directory", str(path))
    if not stat.S_ISDIR(mode) and directory:
        raise NotADirectoryError(errno.ENOTDIR, "this is no directory", str(path))
    if not stat.S_ISREG(mode) and not directory:
        raise OSError(errno.EINVAL, "this is no plain file and cannot be replaced by one", str(path))


def append_to(path: Path, data: bytes) -> None:
    """Appends ``data`` to a file, which is made if it is not there: all of it, or after an error nothing.

    Raises:
        OSError: it cannot be written.
    """
    refuse_unusual(path)
    with _named(path), _opened(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | _OPEN, 0o666)) as handle:
        new = os.fstat(handle).st_size == 0
        append(handle, data)
        os.fsync(handle)
        if new:
            _sync_directory(path.parent)


def append(handle: int, data: bytes) -> None:
    """Writes ``data`` at the end of an open file; if that fails, as on a full disk, takes back what it wrote of it."""
    size = os.fstat(handle).st_size
    try:
        _write(handle, data)
    except OSError:
        with suppress(OSError):
            os.ftruncate(handle, size)
        raise


def write_directory(path: Path, files: dict[str, bytes]) -> None:
    """Writes a directory with ``files`` in one step; what else an older one at ``path`` held is carried over.

    Several writers take turns. Modes are kept and links refused as by :func:`write_file`.
    """
    refuse_unusual(path, directory=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    turn = alone(path, "is saving there", kind="saving", wait=SAVING)
    with _named(path), turn, closing(_claim(path, _create_directory)) as claim:
        try:
            for name, data in files.items():
                with _opened(_create(claim.path / name)) as file:
                    _fill(file, data, like=path / name)
            if path.is_dir():
                _carry_over(path, claim.path, files)
                _liken(claim.handle, path)
            _sync_directory(claim.path)
            _swap_in(claim.path, path)
            _sync_directory(path.parent)
        finally:
            shutil.rmtree(claim.path, ignore_errors=True)


def steadily(path: Path, read: Callable[[], T]) -> T:
    """Returns what ``read`` returns, all of one writing of the directory ``path``, which may be replaced meanwhile."""
    for _ in range(TRIES):
        before = _identity(path)
        try:
            content = read()
        except Exception:
            if _identity(path) == before:
                raise
        else:
            if _identity(path) == before:
                return content
    raise BlockingIOError(errno.EAGAIN, "this directory is replaced faster than it can be read", str(path))


def _identity(path: Path) -> tuple[int, ...] | None:
    """Returns what tells a directory from others at its path: its number and, as numbers are used again, its times."""
    try:
        status = os.stat(path)
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def backup_of(path: Path) -> Path:
    """Returns the path of the old directory for the moment of a change, on systems that cannot exchange two names."""
    return path.with_name(f".{short(path.name)}.old")


# ---- temporary names ----


@dataclass
class _Claim:
    """A temporary file or directory and an open handle of it, locked: others see by it that its maker lives."""

    path: Path
    handle: int  # -1 where directories cannot be opened

    def close(self) -> None:
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1


def _claim(path: Path, create: Callable[[Path], int]) -> _Claim:
    """Makes a file or directory beside ``path`` under a name that nobody else has; removes what dead writers left."""
    _sweep(path)
    while True:
        temporary = path.with_name(f".{short(path.name)}.{secrets.token_hex(8)}.tmp")
        claim = _Claim(temporary, create(temporary))
        if _lock(claim.handle) is not False:
            with suppress(FileNotFoundError):
                if claim.handle < 0 or os.path.samestat(os.fstat(claim.handle), os.lstat(temporary)):
                    return claim
        claim.close()  # another writer swept it away before it was locked


def _create(path: Path, mode: int = 0o666) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | _OPEN, mode)


def _create_directory(path: Path) -> int:
    os.mkdir(path)
    return os.open(path, os.O_RDONLY | _OPEN) if os.name == "posix" else -1


def _sweep(path: Path) -> None:
    """Removes the temporary files and directories that writers of ``path`` left who were killed."""
    ours = re.compile(rf"\.{re.escape(short(path.name))}\.[0-9a-f]{{16}}\.tmp")
    with suppress(OSError), os.scandir(path.parent) as entries:
        left = [Path(entry.path) for entry in entries if ours.fullmatch(entry.name)]
        for temporary in left:
            with suppress(OSError):
                _remove_if_left(temporary)


def _remove_if_left(temporary: Path) -> None:
    status = os.lstat(temporary)
    flags = os.O_RDONLY | _OPEN | getattr(os, "O_NONBLOCK", 0)
    with closing(_Claim(temporary, os.open(temporary, flags) if os.name == "posix" else -1)) as claim:
        locked = _lock(claim.handle)
        if locked is False or (locked is None and time.time() - status.st_mtime < DAY):
            return
        if stat.S_ISDIR(status.st_mode):
            shutil.rmtree(temporary, ignore_errors=True)
        else:
            os.unlink(temporary)


def _lock(handle: int) -> bool | None:
    """Locks a handle until it is closed or the process dies; says whether it could be, None if there is no telling."""
    if fcntl is None:
        return None
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # some network file systems have no such locks
        return None
    return True


# ---- content ----


def _fill(handle: int, data: bytes, like: Path | None, sync: bool = True) -> None:
    _write(handle, data)
    if like is not None:
        _liken(handle, like)
    if sync:
        os.fsync(handle)


def _write(handle: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(handle, rest) :]


def _liken(handle: int, old: Path) -> None:
    """Gives an open file or directory the mode of what it will replace, and where that is allowed owner and group."""
    if not hasattr(os, "fchown"):
        return
    try:
        status = os.lstat(old)
    except FileNotFoundError:
        return
    with suppress(OSError):
        os.fchown(handle, status.st_uid if os.geteuid() == 0 else -1, status.st_gid)
    mode = stat.S_IMODE(status.st_mode)
    os.fchmod(handle, mode if stat.S_ISDIR(status.st_mode) else mode & 0o777)


def _carry_over(old: Path, new: Path, files: dict[str, bytes]) -> None:
    """Copies what else the old directory holds, links as links."""
    for other in old.iterdir():
        if other.name in files or _PASSING.fullmatch(other.name):
            continue
        if other.is_dir() and not other.is_symlink():
            shutil.copytree(other, new / other.name, symlinks=True)
        else:
            shutil.copy2(other, new / other.name, follow_symlinks=False)
    for folder, _, names in os.walk(new):
        for name in names:
            if not os.path.islink(os.path.join(folder, name)):
                _sync(Path(folder, name))
        _sync_directory(Path(folder))


def _swap_in(new: Path, path: Path) -> None:
    """Renames ``new`` to ``path``; an existing ``path`` ends up at ``new``'s name."""
    if not path.exists():
        os.rename(new, path)
    elif not _exchange(new, path):
        # Without a system call for it two renames must do; reading falls back on the backup after a crash between them.
        old = backup_of(path)
        shutil.rmtree(old, ignore_errors=True)
        os.rename(path, old)
        os.rename(new, path)
        shutil.rmtree(old, ignore_errors=True)


def _exchange(a: Path, b: Path) -> bool:
    """Swaps two names in one step; says whether the system and the file system could."""
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if sys.platform.startswith("linux"):
            done = libc.renameat2(AT_FDCWD, os.fsencode(a), AT_FDCWD, os.fsencode(b), ctypes.c_uint(RENAME_EXCHANGE))
        elif sys.platform == "darwin":
            done = libc.renamex_np(os.fsencode(a), os.fsencode(b), ctypes.c_uint(RENAME_SWAP))
        else:
            return False
    except (OSError, TypeError, AttributeError):
        return False
    return done == 0


def _sync_directory(path: Path) -> None:
    if os.name == "posix":
        _sync(path)


def _sync(path: Path) -> None:
    with _opened(os.open(path, os.O_RDONLY)) as handle:
        os.fsync(handle)


@contextmanager
def _opened(handle: int) -> Iterator[int]:
    try:
        yield handle
    finally:
        os.close(handle)


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Has errors name the path that was to be written, not a temporary one beside it, nor none at all."""
    try:
        yield
    except OSError as error:
        if error.filename != str(path):
            error.filename = str(path)
            del error.filename2
        raise

"""Files and directories that are there whole or not at all. Below all rooms, for several write such files."""

import ctypes
import os
import shutil
import sys
from pathlib import Path

AT_FDCWD, RENAME_EXCHANGE, RENAME_SWAP = -100, 2, 2


def write_file(path: Path, data: bytes) -> None:
    """Put ``data`` at ``path`` in one step: after a crash the old content or the new is there, never a part."""
    temporary = path.with_name(f".{path.name}.tmp")
    with open(temporary, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)
    _sync_directory(path.parent)


def write_directory(path: Path, files: dict[str, bytes]) -> None:
    """Put a directory with ``files`` at ``path`` in one step; what else an older one held is carried over."""
    temporary = path.with_name(f".{path.name}.tmp")
    path.parent.mkdir(parents=True, exist_ok=True)
    if temporary.exists():  # left by a process that was killed
        shutil.rmtree(temporary)
    temporary.mkdir()
    try:
        for name, data in files.items():
            write_file(temporary / name, data)
        if path.is_dir():
            for other in path.iterdir():
                if other.name not in files and not other.name.startswith("."):
                    copy = shutil.copytree if other.is_dir() else shutil.copy2
                    copy(other, temporary / other.name)
        _sync_directory(temporary)
        _swap_in(temporary, path)
        _sync_directory(path.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _swap_in(new: Path, path: Path) -> None:
    """Rename ``new`` to ``path``; an existing ``path`` ends up at ``new``'s name."""
    if not path.exists():
        os.rename(new, path)
    elif not _exchange(new, path):
        # Without a system call for it two renames must do; reading falls back on the backup after a crash between them.
        old = backup_of(path)
        shutil.rmtree(old, ignore_errors=True)
        os.rename(path, old)
        os.rename(new, path)
        shutil.rmtree(old, ignore_errors=True)


def backup_of(path: Path) -> Path:
    """Where the old directory stands for a moment on systems that cannot exchange two names."""
    return path.with_name(f".{path.name}.old")


def _exchange(a: Path, b: Path) -> bool:
    """Swap two names in one step; False where the system or file system cannot."""
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
    if os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)

"""What was compiled, and what else takes long to make, kept on disk for later processes.

What stands in the cache is executed. So it is used only where nobody else could have put it: folder and file must
belong to this user (or to root), and nobody else may be able to write to them.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import sys
import warnings
from functools import lru_cache
from pathlib import Path

from carrousel._atomic import write_file

__all__ = ["cache_folder", "read", "write"]


def cache_folder() -> Path:
    """Returns the folder of compiled kernels and made data: ``CARROUSEL_CACHE``, or one in the user's cache folder."""
    chosen = os.environ.get("CARROUSEL_CACHE")
    if chosen:
        return Path(chosen)
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "carrousel"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", Path.home())) / "carrousel" / "cache"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "carrousel"


def read(name: str) -> bytes | None:
    """Returns the bytes that :func:`write` kept under a name; None if it is not there or not trusted.

    It is trusted if nobody else could have written it and it has the hash that stands before it.
    """
    folder = _trusted_folder()
    if folder is None:
        return None
    try:
        with open(folder / name, "rb") as file:
            reason = _others_could_write(os.fstat(file.fileno()))
            if reason is not None:
                _complain(folder / name, reason)
                return None
            content = file.read()
    except OSError:
        return None
    digest, code = content[:32], content[32:]
    return code if hashlib.sha256(code).digest() == digest else None


def write(name: str, code: bytes) -> None:
    """Keeps the bytes if it can. A folder that is full or read-only costs the next process time and nothing else."""
    with contextlib.suppress(OSError, RuntimeError):
        cache_folder().mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = _trusted_folder()
        if folder is None:
            return
        # Written for this user alone. Nobody waits for the disk: a file that a crash cut off does not match its hash.
        write_file(folder / name, hashlib.sha256(code).digest() + code, mode=0o600, sync=False)


def _others_could_write(status: os.stat_result) -> str | None:
    """Says why a file or folder of the cache cannot be trusted; None if it can."""
    if not hasattr(os, "geteuid"):
        return None  # elsewhere the user's own folders are the system's business
    if status.st_uid not in (os.geteuid(), 0):
        return "belongs to another user"
    return "can be written by others" if status.st_mode & (stat.S_IWGRP | stat.S_IWOTH) else None


def _trusted_folder() -> Path | None:
    """Returns the cache's folder if it is there and nobody else can put code into it; warns once if somebody could."""
    with contextlib.suppress(OSError, RuntimeError):  # RuntimeError: the user has no home
        folder = cache_folder()
        reason = _others_could_write(folder.stat())
        if reason is None:
            return folder
        _complain(folder, reason)
    return None


@lru_cache(maxsize=64)  # once for each
def _complain(path: Path, reason: str) -> None:
    warnings.warn(
        f"{path} {reason}, so kernels are not taken from it but compiled anew; "
        "set CARROUSEL_CACHE to a folder of your own",
        stacklevel=2,
    )

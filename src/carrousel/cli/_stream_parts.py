"""Options of ``carrousel stream``: where lines come from, how they are written, and what their times say."""

from __future__ import annotations

import bz2
import codecs
import gzip
import lzma
import re
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

from carrousel.cli._errors import UsageError
from carrousel.cli._place import plain_file

__all__ = ["check_files", "clock_of", "opener", "rates_of", "seasons_of", "unpacked", "written_as"]


def seasons_of(text: str | None) -> tuple[int, ...] | None:
    """Returns the seasons, none of ``"none"``, or None where they are to be told."""
    if text is None:
        return None
    if text.strip().lower() == "none":
        return ()
    try:
        found = tuple(int(part) for part in text.split(","))
    except ValueError:
        found = (0,)
    if not all(2 <= each <= 100_000 for each in found) or len(found) > 4:
        raise UsageError(f"--season {text}: up to four numbers of lines, 2 to 100000, with commas between, or none")
    return found


def written_as(sep: str | None, decimal: str, encoding: str) -> dict[str, Any]:
    """Returns how lines are written, as a follower takes it."""
    sign = None if sep is None else {"tab": "\t", "\\t": "\t", "space": " "}.get(sep, sep)
    if sign is not None and (len(sign) != 1 or sign in '"\r\n'):
        raise UsageError(f"--sep {sep}: one sign is needed, or tab, or space")
    if decimal not in (".", ","):
        raise UsageError(f"--decimal {decimal}: the mark is . or ,")
    try:
        name = codecs.lookup(encoding).name
    except LookupError:
        raise UsageError(f"--encoding {encoding}: no encoding is called so") from None
    if "\n".encode(name) != b"\n":
        raise UsageError(
            f"--encoding {encoding}: its lines end otherwise; iconv -f {encoding} -t utf-8 makes text of it"
        )
    return {"sep": sign, "decimal": decimal, "encoding": name}


def clock_of(
    file: str, time: str | None, date_format: str | None, freq: str | None, seasons: tuple[int, ...] | None
) -> Any:
    """Returns what reads the times, or None where they are not wanted."""
    if time == "none":
        for name, value in (("date-format", date_format), ("freq", freq)):
            if value is not None:
                raise UsageError(f"--{name}: with --time none there are no times")
        return None
    from carrousel.data._line_clock import LineClock, step_named

    return LineClock(time, date_format, None if freq is None else step_named(freq, file), seasons)


def opener(file: str) -> Callable[[ExitStack], BinaryIO]:
    """Returns a function that opens the lines; a file that is not there is refused at once."""
    if file == "-":
        return lambda opened: sys.stdin.buffer
    ending = Path(file).suffix.lower()
    if ending in (".zst", ".zip", ".xlsx", ".parquet"):
        raise UsageError(f"{file}: lines are read from text, packed by gzip, bzip2 or xz or not at all; - reads a pipe")
    kind: Any = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}.get(ending, open)
    with open(file, "rb"):  # a folder, or a file that is not there, says so before anything is imported
        pass
    return lambda opened: opened.enter_context(kind(file, "rb"))


def rates_of(text: str | None) -> float | tuple[float, ...] | None:
    """Returns the rate, or several, or None for the default."""
    if text is None:
        return None
    try:
        rates = tuple(float(part) for part in text.split(","))
    except ValueError:
        raise UsageError(f"--rate {text}: a number is wanted, or several with commas between them") from None
    return rates if len(rates) > 1 else rates[0]


def unpacked(file: str) -> str:
    """Returns a file's name without the ending of what packed it."""
    return re.sub(r"\.(gz|bz2|xz)$", "", file, flags=re.IGNORECASE)


def check_files(file: str, state: Path | None, out: Path | None, quiet: bool) -> None:
    for option, path in (("--state", state), ("--out", out)):
        if path is None:
            continue
        plain_file(option, path)
        if not path.absolute().parent.is_dir():
            raise UsageError(f"{option} {path}: there is no directory {path.absolute().parent}")
        if path.exists() and Path(file).exists() and path.samefile(file):
            raise UsageError(f"{option} {path}: this is the file to be read; name another")
    if out is not None and state is not None and out.absolute() == state.absolute():
        raise UsageError(f"--out {out}: this file is the state; name another")
    if out is not None and quiet:
        raise UsageError("--quiet prints no predictions, --out says where to: give one of them")

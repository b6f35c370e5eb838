"""From a name or a path to sequences or a series."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Any, TypeVar

from carrousel.data._errors import DataError, listed, nearest, words_of
from carrousel.data._registry import Kind, Reader, by_ending, by_name, plain
from carrousel.data._types import Sequences, Series

__all__ = ["load_sequences", "load_series", "names", "splits"]

Loaded = TypeVar("Loaded", Sequences, Series)


def load_sequences(source: str | Path, *, split: str = "all", **options: Any) -> Sequences:
    """Reads sequences with labels from a data set's name or a file.

    Args:
        source: ``"japanese-vowels"``, ``"basic-motions"``, ``"digits"``, any UEA/UCR name, or the path of a ``.ts``,
            ``.csv``, ``.parquet`` or ``.npz`` file. A path that exists wins over a name.
        split: ``"train"``, ``"test"`` or ``"all"``; a file is one part and has ``"all"`` only (see ``splits``).
        **options: of the reader; for ``.csv`` and ``.parquet`` columns: ``id``, ``time``, ``label``, ``channels``; for
            these and ``.npz`` ``max_size``: bytes that a compressed file may unpack to (10⁹; ``math.inf`` for any
            number).

    Raises:
        DataError: with one or two lines that name the file and the row or column at fault.

    >>> print(load_sequences("japanese-vowels", split="train"))
    270 sequences of 7 to 26 steps, 12 channels, 9 classes
    """
    return _load("sequences", Sequences, source, split, options)


def load_series(source: str | Path, **options: Any) -> Series:
    """Reads one series from a name (``"airline"``, ``"lynx"``, ``"shampoo-sales"``) or a file.

    Files are ``.csv``, ``.parquet`` and ``.npz``.

    Args:
        source: the name, or the path of a file. A path that exists wins over a name.
        **options: of the reader: for ``.csv`` and ``.parquet`` the columns ``time`` and ``channels``; ``max_size`` as
            in ``load_sequences``.

    Raises:
        DataError: with one or two lines that name the file and the row or column at fault.

    >>> print(load_series("airline"))
    144 steps from 1949-01-01 to 1960-12-01, 1 column: passengers
    """
    return _load("series", Series, source, "all", options)


def splits(source: str | Path) -> tuple[str, ...]:
    """Returns ``("train", "test")`` for a data set that has these parts, ``()`` for a file.

    >>> splits("digits"), splits("data.csv")
    (('train', 'test'), ())
    """
    if _is_path(source, "sequences"):
        return ()
    return _named("sequences", str(source)).splits


def names(kind: Kind = "sequences") -> tuple[str, ...]:
    """Returns the names of the data sets that need no network.

    >>> names()
    ('basic-motions', 'digits', 'japanese-vowels')
    """
    return tuple(sorted(by_name(kind)))


def _load(kind: Kind, result: type[Loaded], source: str | Path, split: str, options: dict[str, Any]) -> Loaded:
    if split not in ("train", "test", "all"):
        raise DataError(f"split must be train, test or all, not {split!r}")
    options = {key: value for key, value in options.items() if value is not None}
    if _is_path(source, kind):
        path = Path(source)
        reader = _for_file(kind, path)
        if split != "all":
            raise DataError(f"{path}: a file is one part; it has no {split} part")
        arguments: tuple[Any, ...] = (path,)
    else:
        name = str(source)
        reader = _named(kind, name)
        if split != "all" and split not in reader.splits:
            raise DataError(f"{name}: it has no {split} part")
        arguments = (name, split) if kind == "sequences" else (name,)
    for key in options:
        if key not in reader.options:
            takes = f"; it takes {listed(sorted(reader.options))}" if reader.options else ""
            raise DataError(f"{source}: {key!r} is no option for this kind of data{takes}")
    loaded = reader.read(*arguments, **options)
    assert isinstance(loaded, result)
    return loaded


def _is_path(source: str | Path, kind: Kind) -> bool:
    if isinstance(source, Path) or os.path.isfile(source):
        return True
    return os.sep in source or "/" in source or Path(source).suffix != ""


def _for_file(kind: Kind, path: Path) -> Reader:
    readers = by_ending(kind)
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        raise DataError(f"{path}: there is no such file{nearest(path.name, _beside(path))}") from None
    except (OSError, ValueError) as error:  # a folder that may not be searched, a name too long, NUL in a name
        raise DataError(f"{path}: cannot be read: {words_of(error)}") from error
    if stat.S_ISDIR(mode):
        raise DataError(f"{path}: this is a directory; a file is needed ({listed(readers)})")
    if not stat.S_ISREG(mode):  # opening a pipe waits for whoever writes to it
        raise DataError(f"{path}: this is a pipe or a device; a file is needed ({listed(readers)})")
    if path.suffix.lower() not in readers:
        other: Kind = "series" if kind == "sequences" else "sequences"
        ending = path.suffix or "one without an ending"
        hint = f"; it can hold {other} only" if path.suffix.lower() in by_ending(other) else ""
        raise DataError(f"{path}: {kind} are read from {listed(readers)} files, not from {ending}{hint}")
    return readers[path.suffix.lower()]


def _beside(path: Path) -> list[str]:
    try:
        return os.listdir(path.parent)
    except OSError:
        return []


def _named(kind: Kind, name: str) -> Reader:
    readers = by_name(kind)
    for known, reader in readers.items():
        if plain(known) == plain(name):
            return reader
    candidates = list(readers)
    if kind == "sequences":
        from carrousel.data.readers.uea import PARTS, archive_names, read_archive

        archive = archive_names()
        title = archive.get(plain(name))
        if title is not None:
            return Reader(lambda name, split: read_archive(title, split, name=name), frozenset(), PARTS)
        candidates += archive.values()
    raise DataError(
        f"{name}: neither a file nor a known data set{nearest(name, candidates)}\n"
        f"known without a network: {listed(sorted(readers))}"
    )

"""From a name or a path to sequences, a series, images, or sequences with several labels each."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

from carrousel.data._errors import DataError, listed, nearest, option
from carrousel.data._file import FOLDER, File
from carrousel.data._fill import check_fill
from carrousel.data._images import Images
from carrousel.data._labelled import Tagged, Transcribed
from carrousel.data._panel import beside
from carrousel.data._pieces import Pieces
from carrousel.data._registry import ANY, KINDS, Kind, Reader, by_ending, by_name, plain
from carrousel.data._texts import Pairs, Texts
from carrousel.data._types import Panel, Sequences, Series

__all__ = [
    "LOADERS",
    "find",
    "load_images",
    "load_music",
    "load_pairs",
    "load_panel",
    "load_sequences",
    "load_series",
    "load_tagged",
    "load_texts",
    "load_transcribed",
    "look",
    "names",
    "splits",
    "takes",
]

Loaded = TypeVar("Loaded", Sequences, Series, Panel, Tagged, Transcribed, Images, Texts, Pairs, Pieces)


def load_sequences(source: str | Path | File, *, split: str = "all", **options: Any) -> Sequences:
    """Reads sequences with labels from a data set's name or a file.

    Args:
        source: ``"japanese-vowels"``, ``"basic-motions"``, ``"digits"``, any UEA/UCR name, or the path of a ``.ts`` or
            ``.npz`` file or of a table: ``.csv``, ``.tsv``, ``.txt``, ``.jsonl``, ``.xlsx``, ``.parquet``. Text may be
            packed (``.csv.gz``, ``.zst``, ``.zip``). A path that exists wins over a name.
        split: ``"train"``, ``"test"`` or ``"all"``; a file is one part and has ``"all"`` only (see ``splits``).
        **options: of the reader; for tables: the columns ``id``, ``time``, ``label``, ``channels``, ``text``, the rows
            ``where``, and how they are written, ``sep``, ``decimal``, ``encoding``, ``date_format``; for ``.npz``
            ``channels_first``; ``max_size``: bytes that a packed file may unpack to (10⁹; ``math.inf`` for any
            number). They are described in docs/files.md.

    Raises:
        DataError: with one or two lines that name the file and the row or column at fault.

    >>> print(load_sequences("japanese-vowels", split="train"))
    270 sequences of 7 to 26 steps, 12 channels, 9 classes
    """
    return _load("sequences", Sequences, source, split, options)


def load_series(source: str | Path | File, **options: Any) -> Series:
    """Reads one series from a name (``"airline"``, ``"lynx"``, ``"santa-fe-laser"``, ``"shampoo-sales"``) or a file.

    Args:
        source: the name, or the path of a table or an ``.npz`` file, as in ``load_sequences``. A path that exists wins
            over a name.
        **options: of the reader: those of ``load_sequences`` for tables but ``id`` and ``label``, and ``fill`` and
            ``freq``: what stands for missing values and rows, and the step of time.

    Raises:
        DataError: with one or two lines that name the file and the row or column at fault.

    >>> print(load_series("airline"))
    144 steps from 1949-01-01 to 1960-12-01, 1 column: passengers
    """
    return _load("series", Series, source, "all", options)


def load_panel(source: str | Path | File, *, target: Sequence[str] | None = None, **options: Any) -> Panel:
    """Reads several series from a table that has a row for each step of each; or from several columns of one series.

    Args:
        source: the path of a table, as in ``load_sequences``.
        target: columns that are a series each, beside which all other columns stand: then the source and the options
            are those of ``load_series``.
        **options: of the reader: those of ``load_series`` for tables, and ``id``, the column that tells the series
            apart, with ``static``, columns that are the same in all rows of a series.

    Raises:
        DataError: with one or two lines that name the file and the row or column at fault.
    """
    if target is None:
        return _load("panel", Panel, source, "all", options)
    series = load_series(source, **options)
    for name in target:
        if name not in series.frame.columns:
            there = listed(series.columns)
            raise DataError(
                f"{series.name}: no column {name!r} ({option('target')}){nearest(name, series.columns)}; it has {there}"
            )
    return Panel(beside(series.frame, target), (), series.name, series.how)


def load_tagged(source: str | Path | File, *, split: str = "all", **options: Any) -> Tagged:
    """Reads sequences with a label for every step from a data set's name or a file.

    Args:
        source: the name, or the path of a file. A path that exists wins over a name.
        split: ``"train"``, ``"test"`` or ``"all"``; a file is one part and has ``"all"`` only (see ``splits``).
        **options: of the reader; they are described in docs/labels.md.

    Raises:
        DataError: with one or two lines that name the file and the row or column at fault.
    """
    return _load("tags", Tagged, source, split, options)


def load_transcribed(source: str | Path | File, *, split: str = "all", **options: Any) -> Transcribed:
    """Reads sequences with a string of labels each from a data set's name or a file; otherwise as ``load_tagged``."""
    return _load("strings", Transcribed, source, split, options)


def load_images(source: str | Path | File, *, split: str = "all", **options: Any) -> Images:
    """Reads images, each with a class or a string of labels, from a data set's name, a file or a folder.

    Args:
        source: ``"mnist-5k"``, ``"digit-lines"``, or a path: a folder of pictures, a table of their paths and labels,
            or a file in MNIST's format. A path that exists wins over a name.
        split: ``"train"``, ``"test"`` or ``"all"``; a file is one part and has ``"all"`` only (see ``splits``).
        **options: of the reader; they are described in docs/files.md.

    Raises:
        DataError: with one or two lines that name the file and the row or picture at fault.
    """
    return _load("images", Images, source, split, options)


def load_texts(source: str | Path | File, *, split: str = "all", **options: Any) -> Texts:
    """Reads texts to be gone on with, from a data set's name or a file.

    Args:
        source: ``"python-source"``, or the path of a file of text, whatever its ending: one document. JSON lines
            (``.jsonl``) are a document each. A path that exists wins over a name.
        split: ``"train"``, ``"test"`` or ``"all"``; a file is one part and has ``"all"`` only (see ``splits``).
        **options: of the reader; they are described in docs/text.md.

    Raises:
        DataError: with one or two lines that name the file and the line at fault.
    """
    return _load("texts", Texts, source, split, options)


def load_pairs(source: str | Path | File, *, split: str = "all", **options: Any) -> Pairs:
    """Reads pairs of texts, of which the second is to be said for the first, from a data set's name or a file.

    Args:
        source: ``"cmudict"`` (words and their phones), ``"german-plurals"``, ``"verses"`` (English and Spanish), or
            the path of a file with a pair on each line, a tab between (``.tsv``), or JSON lines (``.jsonl``). A path
            that exists wins over a name.
        split: ``"train"``, ``"test"`` or ``"all"``; a file is one part and has ``"all"`` only (see ``splits``).
        **options: of the reader; they are described in docs/text.md.

    Raises:
        DataError: with one or two lines that name the file and the line at fault.
    """
    return _load("pairs", Pairs, source, split, options)


def load_music(source: str | Path | File, *, split: str = "all", **options: Any) -> Pieces:
    """Reads pieces of music as frames of a piano's keys, from a data set's name or a file.

    Args:
        source: ``"chorales"``, or the path of a file: MIDI (``.mid``), a score in MusicXML (``.musicxml``, ``.mxl``,
            ``.xml``), or tunes in ABC notation (``.abc``). A path that exists wins over a name.
        split: ``"train"``, ``"test"`` or ``"all"``; a file is one part and has ``"all"`` only (see ``splits``).
        **options: of the reader: ``resolution``, the frames in a quarter note; they are described in docs/text.md.

    Raises:
        DataError: with one or two lines that name the file and what is wrong with it.
    """
    return _load("music", Pieces, source, split, options)


LOADERS: dict[Kind, Callable[..., Any]] = {
    "sequences": load_sequences,
    "tags": load_tagged,
    "strings": load_transcribed,
    "images": load_images,
    "texts": load_texts,
    "pairs": load_pairs,
    "music": load_music,
}
"""What reads a source, a part of it where it has parts, by the kind of data."""


def splits(source: str | Path | File, kind: Kind = "sequences") -> tuple[str, ...]:
    """Returns ``("train", "test")`` for a data set that has these parts, ``()`` for a file.

    >>> splits("digits"), splits("data.csv")
    (('train', 'test'), ())
    """
    if _is_path(source, kind):
        return ()
    return _named(kind, str(source)).splits


def names(kind: Kind = "sequences") -> tuple[str, ...]:
    """Returns the names of the data sets that need no network; some need a package, which reading them names.

    >>> names("series"), names("images")
    (('airline', 'lynx', 'santa-fe-laser', 'shampoo-sales'), ('digit-lines', 'emoji', 'mnist-5k'))
    """
    return tuple(sorted(by_name(kind)))


def takes(found: str | File, kind: Kind = "sequences") -> frozenset[str]:
    """Returns the names of the options that the reader of a data set or a file has, as ``find`` returns them.

    Raises:
        DataError: there is no such data set, or a file with this ending holds none of this kind.
    """
    return (_for_file(kind, found) if isinstance(found, File) else _named(kind, found)).options


def find(source: str | Path | File, kind: Kind = "sequences") -> str | File:
    """Returns the opened file of a path, or the name of a data set, after checking that there is one.

    Nothing but the file's place is looked at; ``load_sequences`` and ``load_series`` take what is returned.

    Raises:
        DataError: there is no such file or data set, or none of this kind.
    """
    if isinstance(source, str) and not _is_path(source, kind):
        _named(kind, source)
        return source
    file = source if isinstance(source, File) else File.of(source, folders=FOLDER in by_ending(kind))
    _for_file(kind, file)
    return file


def look(file: File, **options: Any) -> None:
    """Decodes a file of text, and divides a table into its fields, which are kept: reading it goes on from there.

    Most mistakes are found by this, whatever is to be read from the file.

    Args:
        file: the file.
        **options: as in ``load_sequences`` and ``load_series``.

    Raises:
        DataError: the file cannot be what its ending says, or lacks a column that is asked for.
    """
    readers = [by_ending(kind).get(file.ending) for kind in KINDS]
    for reader in {reader.look: reader for reader in readers if reader is not None}.values():
        if reader.look is not None:
            reader.look(file, **{name: value for name, value in options.items() if name in reader.seen})


def _load(kind: Kind, result: type[Loaded], source: str | Path | File, split: str, options: dict[str, Any]) -> Loaded:
    if split not in ("train", "test", "all"):
        raise DataError(f"split must be train, test or all, not {split!r}")
    options = {key: value for key, value in options.items() if value is not None}
    found = find(source, kind)
    if isinstance(found, File):
        reader, name = _for_file(kind, found), found.name
        if split != "all":
            raise DataError(f"{name}: a file is one part; it has no {split} part")
        arguments: tuple[Any, ...] = (found,)
    else:
        reader, name = _named(kind, found), found
        if split != "all" and split not in reader.splits:
            raise DataError(f"{name}: it has no {split} part")
        arguments = (name,) if kind == "series" else (name, split)
    for key in options:
        if key not in reader.options:
            takes = f"; it takes {listed(sorted(reader.options), 20)}" if reader.options else ""
            raise DataError(f"{name}: {option(key)} is no option for this kind of data{takes}")
    check_fill(options.get("fill"), name)
    loaded = reader.read(*arguments, **options)
    assert isinstance(loaded, result)
    return loaded


def _is_path(source: str | Path | File, kind: Kind) -> bool:
    if isinstance(source, (Path, File)) or os.path.isfile(source):
        return True
    if FOLDER in by_ending(kind) and os.path.isdir(source):
        return True
    return os.sep in source or "/" in source or Path(source).suffix != ""


def _for_file(kind: Kind, file: File) -> Reader:
    readers = by_ending(kind)
    if file.ending not in readers and ANY in readers:
        return readers[ANY]
    if file.ending not in readers:
        known = [ending for ending in readers if ending != FOLDER]
        others = [other for other in KINDS if file.ending in by_ending(other)]
        ending = "a folder" if file.ending == FOLDER else file.ending or "one without an ending"
        hint = f"; it can hold {' or '.join(others)} only" if others else ""
        what = "several series" if kind == "panel" else kind
        raise DataError(f"{file.name}: {what} are read from {listed(known, 20)} files, not from {ending}{hint}")
    return readers[file.ending]


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
    if kind == "panel":
        raise DataError(f"{name}: several series are read from a table, such as a .csv file")
    raise DataError(
        f"{name}: neither a file nor a known data set{nearest(name, candidates)}\n"
        f"known without a network: {listed(sorted(readers))}"
    )

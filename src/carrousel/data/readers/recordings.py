"""Recordings and drawings with what is said or written in them: a table of their paths, or JSON.

A row of the table has a ``path``, from the folder of the table on, and a ``text``. Recordings of sound become features
(``_sound``), drawings in InkML the steps of a pen (``_strokes``). JSON is such a table, or holds the strokes itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import numpy as np

from carrousel.data._errors import DataError, listed, option, reading
from carrousel.data._file import File
from carrousel.data._ink import drawings_in
from carrousel.data._labelled import Transcribed
from carrousel.data._limit import MAX_SIZE
from carrousel.data._make_labelled import make_transcribed
from carrousel.data._manifest import Manifest, check_units, labels_in, manifest
from carrousel.data._registry import reads_file
from carrousel.data._sound import SOUNDS, Features, read_sound, resampled
from carrousel.data._strokes import CHANNELS, SPACING, check_spacing, height_of, trajectory
from carrousel.data._unpack import unpacked
from carrousel.data.readers.pen import drawings_of_json, sequences_of
from carrousel.data.readers.table import ENDINGS, look

__all__ = ["read"]

JSON = (".jsonl", ".ndjson", ".json")
INK = ".inkml"


@reads_file("strings", *ENDINGS, look=look)
def read(
    file: File,
    *,
    path: str | None = None,
    label: str | Sequence[str] | None = None,
    group: str | None = None,
    units: str = "letters",
    features: str | None = None,
    window: float | None = None,
    step: float | None = None,
    bands: int | None = None,
    coefficients: int | None = None,
    deltas: int | None = None,
    rate: int | None = None,
    spacing: float | None = None,
    where: str | None = None,
    sep: str | None = None,
    encoding: str | None = None,
    max_size: float = MAX_SIZE,
) -> Transcribed:
    """Reads recordings of sound or drawings of a pen, each with its transcript.

    Args:
        file: the table, or JSON with strokes.
        path: the column of the paths, by default ``"path"``.
        label: the column of the transcripts; by default ``"text"`` if the table has it.
        group: the column of who speaks or writes; by default ``"group"``, ``"speaker"``, ``"writer"`` or ``"person"``
            if the table has one.
        units: whether labels are the ``"letters"`` of a transcript or its ``"words"``.
        features: of sound, ``"mfcc"`` (the default) or ``"log-mel"``.
        window: milliseconds of a frame of sound, by default 25.
        step: milliseconds from frame to frame, by default 10.
        bands: mel bands, by default 26.
        coefficients: cepstra kept, of ``"mfcc"``, by default 13; the first is the log energy.
        deltas: 0, or 1 (the default) for the slopes of the features too, or 2 for the slopes of these as well.
        rate: samples in a second to which all recordings are brought; by default they have one rate.
        spacing: the distance of the points along a stroke, as a share of the drawing's height, by default 0.05.
        where: ``"COLUMN=VALUE"`` takes the rows that have this text in a column.
        sep: what separates the fields of the table, as for other tables.
        encoding: of the table's text, as for other tables.
        max_size: bytes that a packed file, or a compressed recording, may unpack to.
    """
    asked = {"features": features, "window": window, "step": step, "bands": bands, "coefficients": coefficients,
             "deltas": deltas}  # fmt: skip
    of_sound = {name: value for name, value in asked.items() if value is not None}
    made = Features(**of_sound)  # type: ignore[arg-type]
    made.check(file.name)
    distance = SPACING if spacing is None else spacing
    check_spacing(distance, file.name)
    check_units(units, file.name)
    if rate is not None and not 1000 <= rate <= 1_000_000:
        raise DataError(f"{file.name}: {option('rate', rate)}: it lies between 1000 and 1000000 samples a second")
    if file.ending in JSON:
        text = file.text(encoding, max_size)
        if b'"strokes"' in text.content:
            of_tables = {"path": path, "label": label, "group": group, "where": where, "sep": sep}
            _refuse_options({**of_tables, **of_sound, "rate": rate}, "strokes in JSON", file.name)
            drawings = drawings_of_json(text.content.decode("utf-8", "surrogatepass"), file.name)
            return sequences_of(drawings, file.name, distance, units, text.how)
    table = manifest(
        file, path=path, label=label, usual=("text",), group=group, where=where, sep=sep, encoding=encoding,
        max_size=max_size,
    )  # fmt: skip
    y = None
    if table.labels is not None:
        y = [labels_in(text, units) for text in table.labels]
    drawn = [each.suffix.lower() == INK for each in table.paths]
    channels: tuple[str, ...]
    per_second: float | None = None
    options: dict[str, str | int | float] = {"units": units}
    if all(drawn):
        _refuse_options({**of_sound, "rate": rate}, "drawings", file.name)
        X = [_ink(*row, distance, file.name, max_size) for row in zip(table.paths, table.rows, strict=True)]
        channels, how = CHANNELS, table.how
        options["spacing"] = distance
    else:
        _refuse_others(table, any(drawn), file.name)
        _refuse_options({"spacing": spacing}, "recordings of sound", file.name)
        X, rate, rates = _sounds(table, made, rate, file.name, max_size)
        channels, per_second = made.channels, made.rate
        how = (*table.how, f"{made.words}; {rates} samples a second")
        options |= {name: value for name, value in asdict(made).items() if value is not None} | {"rate": rate}
    return make_transcribed(
        X, y, name=file.name, ids=table.written, channels=channels, groups=table.groups, rate=per_second,
        made=options, rows=table.rows, how=how,
    )  # fmt: skip


def _refuse_options(given: dict[str, object], what: str, name: str) -> None:
    """Refuses options that have no meaning for what a file holds."""
    for key, value in given.items():
        if value is not None:
            raise DataError(f"{name}: {option(key, value)} is no option for {what}")


def _refuse_others(table: Manifest, drawn: bool, name: str) -> None:
    for row, path in zip(table.rows, table.paths, strict=True):
        if path.suffix.lower() not in SOUNDS:
            mixed = " beside recordings" if drawn and path.suffix.lower() == INK else ""
            raise DataError(
                f"{name}: {row}: files of sound are needed ({listed(SOUNDS, 20)}) or of ink ({INK}), not "
                f"{path.suffix or 'one without an ending'}{mixed}"
            )


def _sounds(
    table: Manifest, made: Features, rate: int | None, name: str, max_size: float
) -> tuple[list[np.ndarray], int, str]:
    """Returns the features of all recordings, the sample rate of all, and the rates that they had in words."""
    X: list[np.ndarray] = []
    rates: dict[int, str] = {}
    for row, path in zip(table.rows, table.paths, strict=True):
        sound, own = read_sound(path, f"{name}: {row}", max_size)
        rates.setdefault(own, row)
        if rate is None and len(rates) > 1:
            (first, before), _ = rates.items()
            raise DataError(
                f"{name}: {row} has {own} samples a second, {before} has {first}\n"
                f"{option('rate', min(own, first))} brings all to one"
            )
        if rate is not None and own != rate:
            sound, own = resampled(sound, own, rate), rate
        X.append(made.of(sound, own, f"{name}: {row}"))
    before = listed(sorted(rates))
    if rate is None or list(rates) == [rate]:
        return X, min(rates), before
    return X, rate, f"{rate}, resampled from {before}"


def _ink(path: Path, row: str, spacing: float, name: str, max_size: float) -> np.ndarray:
    """Returns the drawing of a file, which is one whole."""
    where = f"{name}: {row}"
    if not path.is_file():
        raise DataError(f"{where}: there is no such file")
    with reading(where):
        content, _ = unpacked(path, max_size)
    drawings = drawings_in(content, where)
    if len(drawings) > 1:
        raise DataError(f"{where}: it holds {len(drawings)} drawings, and has one transcript in the table")
    strokes = drawings[0].strokes
    return trajectory(strokes, spacing, height_of(strokes))

"""Strokes of a pen with what they say: ``.inkml``, and JSON with an object for each drawing.

An object has ``strokes``, a list for each stroke of its points ``[x, y]``, or ``{"x": [...], "y": [...]}``; further
values of a point are not looked at. ``text`` is what it says, or a list of labels. ``id`` and ``writer`` are optional.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from carrousel._format import parse
from carrousel.data._errors import DataError, reading
from carrousel.data._file import File
from carrousel.data._ink import Drawing, drawings_in
from carrousel.data._labelled import Transcribed
from carrousel.data._limit import MAX_SIZE
from carrousel.data._make_labelled import make_transcribed
from carrousel.data._manifest import check_units, labels_in
from carrousel.data._registry import reads_file
from carrousel.data._strokes import CHANNELS, SPACING, check_spacing, checked_stroke, height_of, trajectory
from carrousel.data._unpack import unpacked

__all__ = ["drawings_of_json", "read", "sequences_of"]


@reads_file("strings", ".inkml")
def read(file: File, *, spacing: float = SPACING, units: str = "letters", max_size: float = MAX_SIZE) -> Transcribed:
    """Reads drawings with what an annotation says of each.

    Args:
        file: the file, which may be packed.
        spacing: the distance of the points along a stroke, as a share of the drawing's height.
        units: whether labels are the ``"letters"`` of the annotation or its ``"words"``.
        max_size: bytes that a packed file may unpack to.
    """
    with reading(file.path):
        content, packing = unpacked(file.path, max_size)
    return sequences_of(drawings_in(content, file.name), file.name, spacing, units, (packing,) if packing else ())


def sequences_of(drawings: list[Drawing], name: str, spacing: float, units: str, how: tuple[str, ...]) -> Transcribed:
    """Returns drawings as sequences; all have a text, or none has."""
    check_spacing(spacing, name)
    check_units(units, name)
    texts = [each.text for each in drawings]
    lacking = next((each for each in drawings if each.text is None), None)
    if lacking is not None and any(text is not None for text in texts):
        raise DataError(f"{lacking.where} has no text, and others have one")
    y = None if lacking is not None else [_labels(text, units) for text in texts if text is not None]
    groups = [each.group for each in drawings]
    return make_transcribed(
        [trajectory(each.strokes, spacing, height_of(each.strokes)) for each in drawings],
        y,
        name=name,
        ids=[each.id for each in drawings],
        channels=CHANNELS,
        groups=None if None in groups else groups,
        made={"spacing": spacing, "units": units},
        rows=[each.where.removeprefix(f"{name}: ") for each in drawings],
        how=how,
    )


def _labels(text: str | tuple[str, ...], units: str) -> tuple[str, ...]:
    return labels_in(text, units) if isinstance(text, str) else text


def drawings_of_json(text: str, name: str) -> list[Drawing]:
    """Returns the drawings of JSON lines or of one list of objects."""
    found = []
    for number, (where, record) in enumerate(_records(text, name)):
        at = f"{name}: {where}"
        if not isinstance(record, dict) or not isinstance(record.get("strokes"), list) or not record["strokes"]:
            raise DataError(f'{at} has no strokes; it is an object such as {{"text": "a", "strokes": [[[0, 1.5]]]}}')
        strokes = [_stroke(each, f"{at}, stroke {k}") for k, each in enumerate(record["strokes"], 1)]
        said, who = record.get("text"), record.get("writer")
        if isinstance(said, list) and all(isinstance(label, str) for label in said):
            said = tuple(said)
        if not isinstance(said, (str, tuple)) and said is not None:
            raise DataError(f"{at}: its text is neither text nor a list of labels")
        found.append(Drawing(at, str(record.get("id", number)), strokes, said, None if who is None else str(who)))
    if not found:
        raise DataError(f"{name}: there is no drawing")
    return found


def _records(text: str, name: str) -> list[tuple[str, Any]]:
    lines = [(f"line {n}", line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
    whole = text.lstrip().startswith("[")
    records = []
    for where, part in [("it", text)] if whole else lines:
        try:
            records.append((where, parse(part)))
        except (ValueError, RecursionError) as error:
            raise DataError(f"{name}: {where} is no JSON: {error}") from None
    return [(f"record {k}", record) for k, record in enumerate(records[0][1], 1)] if whole else records


def _stroke(stroke: Any, where: str) -> np.ndarray:
    if isinstance(stroke, dict):
        x, y = stroke.get("x"), stroke.get("y")
        if not isinstance(x, list) or not isinstance(y, list) or len(x) != len(y):
            raise DataError(f"{where}: x and y are lists of equal length")
        stroke = list(zip(x, y, strict=True))
    if not isinstance(stroke, list) or not all(isinstance(point, (list, tuple)) for point in stroke):
        raise DataError(f'{where}: a list of points [x, y] is needed, or {{"x": [...], "y": [...]}}')
    points = []
    for number, point in enumerate(stroke, 1):
        if len(point) < 2 or not all(type(value) in (int, float) for value in point[:2]):
            raise DataError(f"{where}, point {number}: two numbers, x and y, are needed")
        try:
            points.append([float(point[0]), float(point[1])])
        except OverflowError:
            raise DataError(f"{where}, point {number}: a number is too large") from None
    return checked_stroke(np.array(points), where)

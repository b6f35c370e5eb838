"""InkML: what a pen drew, as XML (W3C Recommendation 2011)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from xml.etree import ElementTree

import numpy as np

from carrousel.data._errors import DataError
from carrousel.data._strokes import checked_stroke

__all__ = ["Drawing", "drawings_in"]

TRUTHS = ("truth", "label", "transcription", "text")
"""The types of an annotation that says what is written."""
VALUE = re.compile(r"""\s*([!'"]?)\s*([-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?|[*?TF])""")


@dataclass(frozen=True)
class Drawing:
    """A drawing.

    Attributes:
        where: what messages call it.
        id: its name.
        strokes: the points of each stroke, float64 ``[P, 2]``.
        text: what it says, or None.
        group: who drew it, or None.
    """

    where: str
    id: str
    strokes: list[np.ndarray]
    text: str | tuple[str, ...] | None
    group: str | None = None


def drawings_in(content: bytes, name: str) -> list[Drawing]:
    """Returns the drawings of a file.

    The whole is one if it is annotated as a whole, or has no groups of traces that are; else each such group is one.

    Args:
        content: the file.
        name: what messages begin with.
    """
    try:
        ink = ElementTree.fromstring(content)
    except (ElementTree.ParseError, ValueError, LookupError) as error:  # the others: encodings that it does not know
        raise DataError(f"{name}: it is no intact XML: {error}") from None
    if _tag(ink) != "ink":
        raise DataError(f"{name}: its first element is {_tag(ink)}; InkML begins with ink")
    traces = _traces(ink, name)
    groups = [element for element in ink if _tag(element) == "traceGroup" and _truth(element) is not None]
    if _truth(ink) is not None or not groups:
        if not traces:
            raise DataError(f"{name}: there is no trace, as strokes are called there")
        return [Drawing(name, "0", [points for _, points in traces], _truth(ink))]
    known = {key: points for key, points in traces if key is not None}
    found = []
    for number, group in enumerate(groups, 1):
        where = f"{name}: group {number}"
        strokes = list(_within(group, known, {id(e): p for e, p in _elements(ink, traces)}, where))
        if not strokes:
            raise DataError(f"{where} has no trace")
        found.append(Drawing(where, str(number - 1), strokes, _truth(group)))
    return found


def _tag(element: ElementTree.Element) -> str:
    return str(element.tag).rpartition("}")[2]


def _key(element: ElementTree.Element) -> str | None:
    return element.get("id") or element.get("{http://www.w3.org/XML/1998/namespace}id")


def _truth(element: ElementTree.Element) -> str | None:
    """Returns what an element's own annotation says is written."""
    for child in element:
        if _tag(child) == "annotation" and (child.get("type") or "").lower() in TRUTHS:
            return " ".join((child.text or "").split())
    return None


def _drawn(ink: ElementTree.Element) -> list[ElementTree.Element]:
    """Returns the traces of a pen on the paper, in their order."""
    return [e for e in ink.iter() if _tag(e) == "trace" and e.get("type") != "penUp"]


def _traces(ink: ElementTree.Element, name: str) -> list[tuple[str | None, np.ndarray]]:
    """Returns the id and the points of each trace."""
    axes = _axes(ink, name)
    return [
        (_key(element), _points(element, axes, f"{name}: trace {_key(element) or number}"))
        for number, element in enumerate(_drawn(ink), 1)
    ]


def _elements(
    ink: ElementTree.Element, traces: list[tuple[str | None, np.ndarray]]
) -> Iterator[tuple[ElementTree.Element, np.ndarray]]:
    yield from ((element, points) for element, (_, points) in zip(_drawn(ink), traces, strict=True))


def _within(
    group: ElementTree.Element, known: dict[str, np.ndarray], own: dict[int, np.ndarray], where: str
) -> Iterator[np.ndarray]:
    """Yields the strokes of a group: traces in it, and those that it refers to."""
    for element in group.iter():
        if id(element) in own:
            yield own[id(element)]
        reference = element.get("traceDataRef") if _tag(element) == "traceView" else None
        if reference is not None:
            key = reference.removeprefix("#")
            if key not in known:
                raise DataError(f"{where} refers to the trace {key}, which is not there")
            yield known[key]


def _axes(ink: ElementTree.Element, name: str) -> tuple[int, int]:
    """Returns at which places of a point x and y stand."""
    for form in ink.iter():
        if _tag(form) == "traceFormat":
            names = [(e.get("name") or "").upper() for e in form if _tag(e) == "channel"]
            if "X" not in names or "Y" not in names:
                raise DataError(f"{name}: its traceFormat has no channels X and Y")
            return names.index("X"), names.index("Y")
    return 0, 1


def _points(trace: ElementTree.Element, axes: tuple[int, int], where: str) -> np.ndarray:
    """Returns the points of a trace, ``[P, 2]``, whose values may be written as first or second differences."""
    modes: dict[int, str] = {}
    value: dict[int, float] = {}
    speed: dict[int, float] = {}
    points = []
    for number, written in enumerate((trace.text or "").strip().strip(",").split(","), 1):
        found, end = [], 0
        while (match := VALUE.match(written, end)) is not None:
            found.append((match[1], match[2]))
            end = match.end()
        if written[end:].strip() or len(found) <= max(axes):
            raise DataError(f"{where}, point {number}: {written.strip()[:40]!r} has no x and y")
        for axis in axes:
            mark, word = found[axis]
            modes[axis] = mark or modes.get(axis, "!")
            if word in "?TF" or (word == "*" and axis not in value):
                raise DataError(f"{where}, point {number}: {word!r} is no coordinate")
            if word == "*":  # as before
                continue
            told, before = float(word), value.get(axis, 0.0)
            if modes[axis] == "!":
                value[axis] = told
            else:
                speed[axis] = told if modes[axis] == "'" else speed.get(axis, 0.0) + told
                value[axis] = before + speed[axis]
        points.append([value[axis] for axis in axes])
    return checked_stroke(np.array(points), where)

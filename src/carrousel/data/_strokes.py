"""What a pen draws as a sequence: its strokes, points at equal distances along them, and the steps between these."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from carrousel.data._errors import DataError, option

__all__ = ["CHANNELS", "SPACING", "check_spacing", "checked_stroke", "height_of", "trajectory"]

CHANNELS = ("dx", "dy", "up")
"""The channels of a trajectory: the step from the point before, and whether the pen was in the air on the way."""
SPACING = 0.05
"""The distance of points along a stroke, as a share of the height of what is drawn."""
LARGEST = 1e12  # of a coordinate, whose squares must be finite
FLATTEST = 10.0  # times as wide as high: what is flatter, such as a dash, counts as high as that


def check_spacing(spacing: float, name: str) -> None:
    """Refuses a distance by which no drawing is left, or far too many points."""
    if not 0.001 <= spacing <= 1:
        raise DataError(f"{name}: {option('spacing', spacing)}: it lies between 0.001 and 1, a share of the height")


def checked_stroke(points: np.ndarray, where: str) -> np.ndarray:
    """Returns a stroke as float64 ``[P, 2]`` if it is one."""
    if points.ndim != 2 or len(points) == 0 or points.shape[1] < 2 or points.dtype.kind not in "fiu":
        raise DataError(f"{where}: a stroke has at least one point, and a point x and y")
    points = points[:, :2].astype(np.float64)
    bad = ~(np.abs(points) <= LARGEST)
    if bad.any():
        point, axis = np.argwhere(bad)[0]
        raise DataError(f"{where}, point {point + 1}: {'xy'[axis]} is {points[point, axis]:g}; a number is needed")
    return points


def height_of(strokes: Sequence[np.ndarray]) -> float:
    """Returns how high a drawing is; a flat one counts as a tenth of its width, and a dot as 1."""
    points = np.concatenate(strokes)
    width, height = np.ptp(points, axis=0)
    return float(max(height, width / FLATTEST)) or 1.0


def trajectory(strokes: Sequence[np.ndarray], spacing: float, height: float) -> np.ndarray:
    """Returns a drawing as a sequence.

    Args:
        strokes: the points of each, ``[P, 2]``, in the order in which they were drawn.
        spacing: the distance of the points of the sequence along a stroke, in heights.
        height: the length that counts as 1.

    Returns:
        ``[T, 3]``, float32, as ``CHANNELS`` says, in heights. A stroke has the points where it begins and ends and
        between them so many that none is farther from the next than ``spacing``. To the first point of a stroke
        the pen comes through the air; the drawing begins with a step of no length.
    """
    drawn = [_evenly(stroke / height, spacing) for stroke in strokes]
    points = np.concatenate(drawn)
    up = np.zeros(len(points))
    up[np.cumsum([0, *(len(each) for each in drawn[:-1])])] = 1.0
    steps = np.diff(points, axis=0, prepend=points[:1])
    return np.concatenate([steps, up[:, None]], axis=1).astype(np.float32)


def _evenly(points: np.ndarray, spacing: float) -> np.ndarray:
    """Returns points at equal distances along a line through ``points``, among them the first and the last."""
    steps = np.hypot(*np.diff(points, axis=0).T)
    way = np.concatenate([[0.0], np.cumsum(steps)])
    if way[-1] == 0:
        return points[:1]
    at = np.linspace(0, way[-1], int(np.ceil(way[-1] / spacing)) + 1)
    return np.stack([np.interp(at, way, points[:, axis]) for axis in (0, 1)], axis=1)

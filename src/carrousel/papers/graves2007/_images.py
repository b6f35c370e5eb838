"""Images whose places are classes: digits before a background, warped or not, and textures side by side."""

from __future__ import annotations

import numpy as np

__all__ = ["TEXTURES", "pieces", "textured", "warped"]

SPREAD, STRENGTH = 4.0, 34.0
"""Of Simard's elastic distortions: the deviation in pixels of what smooths the shifts, and their factor."""
TEXTURES = ("lying stripes", "standing stripes", "rising stripes", "checks", "dots", "clouds", "grain", "bricks")


def warped(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns an image ``[H, W]`` whose places are shifted, each nearly as its neighbours.

    Simard, Steinkraus & Platt 2003, "Best practices for convolutional neural networks applied to visual document
    analysis".
    """
    from scipy.ndimage import gaussian_filter, map_coordinates

    shift = [STRENGTH * gaussian_filter(rng.uniform(-1, 1, image.shape), SPREAD, mode="constant") for _ in range(2)]
    at = np.indices(image.shape) + np.array(shift)
    return map_coordinates(image, at, order=1, mode="constant").astype(image.dtype)


def textured(
    rng: np.random.Generator, tall: int, wide: int, kinds: int = len(TEXTURES)
) -> tuple[np.ndarray, np.ndarray]:
    """Returns an image ``[tall, wide, 3]`` of up to five textures side by side, and the number of each place's.

    They are of the first ``kinds``. Each has a scale and two colours of its own, whatever its kind; light falls from
    one side, and there is noise.
    """
    count = min(kinds, int(rng.integers(3, 6)))
    seeds = rng.uniform(0, 1, (count, 2)) * (tall, wide)
    rows, columns = np.indices((tall, wide)).astype(float)
    distance = (rows[..., None] - seeds[:, 0]) ** 2 + (columns[..., None] - seeds[:, 1]) ** 2
    region, chosen = distance.argmin(axis=2), rng.permutation(kinds)[:count]
    image = np.zeros((tall, wide, 3))
    for k, kind in enumerate(chosen):
        pattern = _pattern(int(kind), rows, columns, rng)[..., None]
        dark, bright = rng.uniform(0, 0.45, 3), rng.uniform(0.55, 1, 3)
        image = np.where((region == k)[..., None], dark + pattern * (bright - dark), image)
    angle, light = rng.uniform(0, 2 * np.pi), rng.uniform(0.2, 0.6)
    slope = (np.cos(angle) * rows / tall + np.sin(angle) * columns / wide)[..., None]
    image = image * (1 + light * (slope - slope.mean())) + 0.05 * rng.standard_normal(image.shape)
    return image.astype(np.float32), chosen[region].astype(np.int64)


def _pattern(kind: int, rows: np.ndarray, columns: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Returns a texture, 0 to 1 at each place."""
    from scipy.ndimage import gaussian_filter

    period, begin = rng.uniform(4, 7), rng.uniform(0, 10, 2)
    turn = 2 * np.pi / period
    y, x = rows + begin[0], columns + begin[1]
    if kind == 0:
        return 0.5 + 0.5 * np.sin(turn * y)
    if kind == 1:
        return 0.5 + 0.5 * np.sin(turn * x)
    if kind == 2:
        return 0.5 + 0.5 * np.sin(turn * (x + y) / np.sqrt(2))
    if kind == 3:
        return (np.sin(turn * y) * np.sin(turn * x) > 0).astype(float)
    if kind == 4:
        return (((y % period) - period / 2) ** 2 + ((x % period) - period / 2) ** 2 < (period / 3.5) ** 2).astype(float)
    if kind == 5:
        clouds = gaussian_filter(rng.standard_normal(rows.shape), period / 2)
        return (clouds - clouds.min()) / (clouds.max() - clouds.min())
    if kind == 6:
        return rng.uniform(0, 1, rows.shape)
    course = np.floor(y / period)
    joint = ((x + (course % 2) * period) % (2 * period)) < 1.2
    return np.where(joint | (y % period < 1.2), 0.0, 1.0)


def pieces(images: np.ndarray, background: int, y: np.ndarray) -> np.ndarray:
    """Returns the class of every place of images of digits ``[N, H, W]``: the digit's where there is ink.

    >>> pieces(np.array([[[0.0, 0.7]]]), 10, np.array([3])).tolist()
    [[[10, 3]]]
    """
    return np.where(images > 0.2, y[:, None, None], background).astype(np.int64)

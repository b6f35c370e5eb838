"""Images given to a classifier: checked, laid end to end, and brought to one size for the simple methods."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from carrousel.estimators._sequences import Ragged, real

__all__ = ["WIDEST", "as_images", "columns_of", "common_size", "holds_images", "resized"]

WIDEST = 1024
"""The most numbers of an image as the simple methods see it."""


def holds_images(X: Any) -> bool:
    """Tells whether X is an array ``[N, H, W, C]``, or a list of arrays ``[H, W, C]``."""
    several = isinstance(X, (list, tuple)) or (isinstance(X, np.ndarray) and X.dtype == object and X.ndim == 1)
    if several:
        return len(X) > 0 and getattr(X[0], "ndim", 0) == 3
    return getattr(X, "ndim", 0) == 4


def as_images(
    X: Any, *, channels: int | None = None, estimator: str = "estimator", what: str = "X", channels_first: bool = False
) -> Ragged:
    """Checks images and lays their places end to end, row by row.

    Args:
        X: one ``[N, H, W, C]`` array, or a list of ``[H, W, C]`` arrays of any sizes.
        channels: the number that a fitted estimator expects.
        estimator: its name in messages.
        what: the name of X in messages.
        channels_first: arrays are ``[N, C, H, W]``, or ``[C, H, W]`` in a list.

    Raises:
        ValueError: there are NaN or infinity (the message names image, row, column and channel), empty images, or mixed
            channel counts.
        TypeError: it is no array of real numbers.
    """
    if len(X) == 0:
        raise ValueError(f"{what} holds no images; at least one is needed")
    arrays = [_image(x, k, what, channels_first) for k, x in enumerate(X)]
    count = arrays[0].shape[2]
    for k, x in enumerate(arrays):
        if x.shape[2] != count:
            raise ValueError(f"mixed channel counts in {what}: image 0 has {count}, image {k} has {x.shape[2]}")
    if channels is not None and count != channels:
        turned = not channels_first and arrays[0].shape[0] == channels
        hint = "; if X is [N, C, H, W], say channels_first=True" * turned
        raise ValueError(
            f"{what} has {count} channel{'s' * (count != 1)}, but {estimator} was fitted on {channels}{hint}"
        )
    sizes = np.array([x.shape[:2] for x in arrays], dtype=np.int64)
    values = np.concatenate([x.reshape(-1, count) for x in arrays])
    return Ragged(values, sizes.prod(axis=1), sizes=sizes)


def _image(x: Any, k: int, what: str, channels_first: bool) -> np.ndarray:
    array = real(x, f"image {k} of {what}")
    if array.ndim != 3:
        raise ValueError(f"image {k} of {what} has shape {array.shape}; it must be [H, W, C]")
    if channels_first:
        array = array.transpose(1, 2, 0)
    if 0 in array.shape:
        raise ValueError(f"image {k} of {what} is empty: its shape is {array.shape}")
    bad = np.argwhere(~np.isfinite(array))
    if len(bad):
        row, column, channel = (int(place) for place in bad[0])
        value = array[row, column, channel]
        name = "NaN" if np.isnan(value) else "inf" if value > 0 else "-inf"
        raise ValueError(f"{what} contains {name} at image {k}, row {row}, column {column}, channel {channel}")
    return array


def common_size(images: Ragged) -> tuple[int, int]:
    """Returns the height and width to which images are brought for the simple methods: the median, or smaller."""
    assert images.sizes is not None
    tall, wide = (float(size) for size in np.median(images.sizes, axis=0))
    shrink = min(1.0, (WIDEST / (tall * wide * images.channels)) ** 0.5)
    most = max(1, WIDEST // images.channels)
    height = min(max(1, int(tall * shrink)), most)
    return height, min(max(1, int(wide * shrink)), most // height)


def resized(images: Ragged, size: tuple[int, int]) -> Ragged:
    """Returns images of one height and width, by linear interpolation."""
    parts = [_brought(image, size).reshape(-1, images.channels) for image in _each(images)]
    count = len(images)
    return Ragged(
        np.concatenate(parts), np.full(count, size[0] * size[1], dtype=np.int64), images.names,
        sizes=np.tile(np.array(size, dtype=np.int64), (count, 1)),
    )  # fmt: skip


def columns_of(images: Ragged, height: int) -> Ragged:
    """Returns images as sequences of their columns, brought to one height; their widths follow.

    A column's numbers are the channels of a step, ``height`` times as many as the image's.
    """
    parts = []
    for image in _each(images):
        tall, wide = image.shape[:2]
        brought = _brought(image, (height, max(1, round(wide * height / tall))))
        parts.append(brought.transpose(1, 0, 2).reshape(brought.shape[1], -1))
    return Ragged(np.concatenate(parts), np.array([len(part) for part in parts], dtype=np.int64))


def _each(images: Ragged) -> Iterator[np.ndarray]:
    """Yields each image, ``[H, W, C]``."""
    assert images.sizes is not None
    for start, (tall, wide) in zip(images.starts, images.sizes.tolist(), strict=True):
        yield images.values[start : start + tall * wide].reshape(tall, wide, -1)


def _brought(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Returns an image of another height and width, by linear interpolation."""
    if image.shape[:2] == size:
        return image
    given = torch.from_numpy(image.transpose(2, 0, 1).copy())[None]
    brought = torch.nn.functional.interpolate(given, size=size, mode="bilinear", antialias=True)
    return brought[0].permute(1, 2, 0).numpy()

"""What texts and pieces of music have in common: several sources read as one, and a part held out of whole items."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np

from carrousel.data._errors import DataError

__all__ = ["held_out", "joined"]

FEW = 5  # items; of fewer a part of each is held out

Source = TypeVar("Source", bound=Any)


def joined(parts: Sequence[Source], items: str) -> Source:
    """Returns several sources as one; ``items`` names the field that holds what each consists of."""
    if len(parts) == 1:
        return parts[0]
    held = {
        items: [item for part in parts for item in getattr(part, items)],
        "titles": tuple(title for part in parts for title in part.titles),
        "name": ", ".join(part.name for part in parts),
        "how": tuple(dict.fromkeys(word for part in parts for word in part.how)),
    }
    return replace(parts[0], **held)


def held_out(source: Source, items: str, share: float, *, seed: int, unit: str, by_size: bool) -> tuple[Source, Source]:
    """Splits a source into a training and a test part. Whole items are held out, drawn by the seed; of few the ends.

    Args:
        source: what is split; it has ``take``.
        items: the field that holds what it consists of.
        share: of the test part, in (0, 1).
        seed: of what is drawn.
        unit: what the lengths of items are counted in, for an error.
        by_size: whether the share is one of their lengths, and not of their number.

    Raises:
        DataError: they are too short.
    """
    if not 0 < share < 1:
        raise ValueError(f"the share to hold out must lie between 0 and 1, not {share}")
    held = getattr(source, items)
    sizes = [len(item) for item in held]
    if len(held) < FEW:
        cuts = [size - round(share * size) for size in sizes]
        if not all(0 < cut < size for cut, size in zip(cuts, sizes, strict=True)):
            raise DataError(f"{source.name}: {sum(sizes)} {unit} are too few to hold some out")
        train = replace(source, **{items: [item[:cut] for cut, item in zip(cuts, held, strict=True)]})
        test = replace(source, **{items: [item[cut:] for cut, item in zip(cuts, held, strict=True)]})
    else:
        order = np.random.default_rng(seed).permutation(len(held))
        reached = np.cumsum([sizes[k] for k in order])
        count = np.searchsorted(reached, share * reached[-1]) if by_size else round(share * len(held))
        count = int(np.clip(count, 1, len(held) - 1))
        train, test = source.take(np.sort(order[count:])), source.take(np.sort(order[:count]))
    return replace(train, split="train"), replace(test, split="test")

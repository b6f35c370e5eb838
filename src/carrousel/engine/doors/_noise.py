"""Noise as an operator of torch takes it: its tensors, and words that say what each is."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from carrousel.engine._layer import QUIET, Layer, Masks
from carrousel.engine._memory import in_memory

__all__ = ["read", "shares_of", "written"]


def written(masks: Masks) -> tuple[list[Tensor], str]:
    """Returns the tensors of noise, and the words that :func:`read` takes: ``"variational zoneout_c=0.3"``. A share
    without a value is a tensor.
    """
    words = [name for name in ("variational", "candidate") if getattr(masks, name) is not None]
    for name in _SHARES:
        share = getattr(masks, name)
        if share is not None:
            words.append(name if isinstance(share, Tensor) else f"{name}={share!r}")
    return masks.tensors(), " ".join(words)


_SHARES = ("zoneout_h", "zoneout_c")


def read(tensors: Sequence[Tensor], kinds: str, layer: Layer, x: Tensor) -> Masks:
    """Returns noise from its tensors and the words that say what each is, as :class:`Masks`.

    Raises:
        TypeError: the tensors are of another type than the input.
        RuntimeError: the memory of one was freed.
        ValueError: the words are none that :func:`written` makes, or the tensors do not go with them, with the layer,
            or with the input ``[T, B, input]``.
    """
    if not kinds and not tensors:
        return QUIET
    given, (T, B) = iter(tensors), x.shape[:2]
    in_memory(tensors)

    def take(*shape: int) -> Tensor:
        tensor = next(given, None)
        if tensor is not None and tensor.dtype != x.dtype:
            raise TypeError(f"noise has the type {tensor.dtype}, x {x.dtype}")
        if tensor is None or tensor.shape != shape or not tensor.is_cpu or tensor.layout != torch.strided:
            raise ValueError(f"noise should have the shape {list(shape)} and be dense on the CPU")
        return tensor

    words = kinds.split()
    shares = shares_of(kinds)
    masks = Masks(
        take(B, layer.output_size) if "variational" in words else None,
        {name: take(T, B, layer.hidden_size) for name in layer.cell.candidates} if "candidate" in words else None,
        *(
            take(T, B, size) if name in words else shares.get(name)
            for name, size in zip(_SHARES, (layer.output_size, layer.hidden_size), strict=True)
        ),
    )
    if next(given, None) is not None:
        raise ValueError(f"there are {len(tensors)} tensors of noise, more than its description {kinds!r} says")
    return masks


def shares_of(kinds: str) -> dict[str, float]:
    """Returns the shares of zoneout that are numbers, by name.

    Raises:
        ValueError: the words are none that :func:`written` makes.
    """
    words, shares = kinds.split(), dict[str, float]()
    for word in words:
        name, equals, value = word.partition("=")
        if not equals and name in ("variational", "candidate", *_SHARES):
            continue
        try:
            shares[name] = float(value)
        except ValueError:
            shares[name] = -1.0
        if name not in _SHARES or not 0 <= shares[name] <= 1:
            raise ValueError(f"a graph holds noise that carrousel cannot read: {word!r}")
    if len({word.partition("=")[0] for word in words}) < len(words):
        raise ValueError(f"a graph holds noise that carrousel cannot read: {kinds!r} has a word twice")
    return shares

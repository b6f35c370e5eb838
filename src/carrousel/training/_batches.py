"""Data sets of sequences and windows, and the order in which they are served."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

__all__ = [
    "Batch",
    "BatchSource",
    "Batches",
    "ImageDataset",
    "LabelledDataset",
    "LabelledImages",
    "SequenceDataset",
    "StepDataset",
    "goes_on",
]

Batch = tuple[dict[str, Tensor], Any]
"""The network's inputs by name, and the targets, or a pair of the targets and the items' weights."""

# Where batches drawn blindly would hold this many times the real steps, sequences are sorted by length within pools of
# so many batches. Below it a batch stays a fair mixture: lengths often go with classes, and alike batches learn worse.
WASTE, POOL = 2.0, 8


class BatchSource(Protocol):
    """Items whose lengths are known, any of which can be one padded batch.

    Where a source has a true attribute ``contiguous``, each batch goes on from the one before, sequence by sequence:
    batches are served in their order, and the network's state is carried through the epoch.
    """

    lengths: np.ndarray

    def __len__(self) -> int: ...

    def batch(self, chosen: np.ndarray) -> Batch: ...


def goes_on(source: Any) -> bool:
    """Tells whether the batches of a source go on from each other."""
    return bool(getattr(source, "contiguous", False))


class SequenceDataset(Dataset):
    """Ragged sequences and their targets.

    Args:
        values: the sequences laid end to end, float32 [S, C].
        lengths: the steps of each, [N].
        targets: [N] or [N, D].
        weights: [N], where they do not all count alike.
    """

    def __init__(self, values: np.ndarray, lengths: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None):
        self.values = torch.from_numpy(np.ascontiguousarray(values))
        self.lengths = lengths
        self.starts = np.concatenate(([0], np.cumsum(lengths)[:-1])).astype(np.int64)
        self.targets = torch.from_numpy(np.ascontiguousarray(targets))
        self.weights = None if weights is None else torch.from_numpy(weights)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, i: int) -> Batch:
        return self.batch(np.array([i]))

    def batch(self, chosen: np.ndarray) -> Batch:  # input [B, T, C], lengths [B]
        items = torch.from_numpy(chosen)
        targets: Any = self._targets(chosen)
        if self.weights is not None:
            targets = targets, self.weights[items]
        return self._inputs(chosen), targets

    def _inputs(self, chosen: np.ndarray) -> dict[str, Tensor]:
        lengths = self.lengths[chosen]
        return {
            "input": _padded(self.values, self.starts[chosen], lengths, 0),
            "lengths": torch.from_numpy(lengths),
        }

    def _targets(self, chosen: np.ndarray) -> Tensor:
        return self.targets[torch.from_numpy(chosen)]


class ImageDataset(SequenceDataset):
    """Images of several sizes and their targets, in batches [B, H, W, C].

    Args:
        values: the images' places laid end to end, row by row, float32 [S, C].
        sizes: the height and width of each, [N, 2].
        targets: [N] or [N, D].
        weights: [N], where they do not all count alike.
    """

    def __init__(self, values: np.ndarray, sizes: np.ndarray, targets: np.ndarray, weights: np.ndarray | None = None):
        super().__init__(values, sizes.prod(axis=1), targets, weights)
        self.sizes = sizes

    def _inputs(self, chosen: np.ndarray) -> dict[str, Tensor]:
        return _images(self.values, self.starts[chosen], self.sizes[chosen])


class LabelledDataset(SequenceDataset):
    """Ragged sequences with several labels each, in batches [B, U] with -1 past a sequence's last.

    Args:
        values: the sequences laid end to end, [S, C].
        lengths: the steps of each, [N].
        labels: their labels laid end to end, int64.
        counts: how many each has, [N]; as many as steps, or fewer.
    """

    def __init__(self, values: np.ndarray, lengths: np.ndarray, labels: np.ndarray, counts: np.ndarray):
        super().__init__(values, lengths, labels[:, None])
        self.counts = counts
        self.firsts = np.concatenate(([0], np.cumsum(counts)[:-1])).astype(np.int64)

    def _targets(self, chosen: np.ndarray) -> Tensor:
        return _padded(self.targets, self.firsts[chosen], self.counts[chosen], -1)[:, :, 0]


class LabelledImages(LabelledDataset):
    """Images of several sizes with several labels each, in batches [B, H, W, C] and [B, U].

    Args:
        values: the images' places laid end to end, row by row, float32 [S, C].
        sizes: the height and width of each, [N, 2].
        labels: their labels laid end to end, int64.
        counts: how many each has, [N].
    """

    def __init__(self, values: np.ndarray, sizes: np.ndarray, labels: np.ndarray, counts: np.ndarray):
        super().__init__(values, sizes.prod(axis=1), labels, counts)
        self.sizes = sizes

    def _inputs(self, chosen: np.ndarray) -> dict[str, Tensor]:
        return _images(self.values, self.starts[chosen], self.sizes[chosen])


def _images(values: Tensor, starts: np.ndarray, sizes: np.ndarray) -> dict[str, Tensor]:
    """Returns the images of values [S, C] that begin at ``starts`` as one array, and their sizes [B, 2]."""
    tall, wide = sizes.max(axis=0).tolist()
    images = values.new_zeros(len(starts), tall, wide, values.shape[1])
    for image, start, (height, width) in zip(images, starts, sizes.tolist(), strict=True):
        image[:height, :width] = values[start : start + height * width].view(height, width, -1)
    return {"input": images, "lengths": torch.from_numpy(sizes)}


class StepDataset(SequenceDataset):
    """Ragged sequences with a target of several numbers for every step, in batches [B, T, D] with -1 past an end.

    Args:
        values: the sequences laid end to end, [S, C].
        lengths: the steps of each, [N].
        targets: the targets of all steps, [S, D].
    """

    def _targets(self, chosen: np.ndarray) -> Tensor:
        return _padded(self.targets, self.starts[chosen], self.lengths[chosen], -1)


def _padded(values: Tensor, starts: np.ndarray, lengths: np.ndarray, beyond: int) -> Tensor:
    """Returns the pieces of values [S, C] that begin at ``starts`` as one array [B, T, C]."""
    steps = torch.arange(int(lengths.max()))
    inside = steps < torch.from_numpy(lengths)[:, None]  # [B, T]
    rows = torch.where(inside, torch.from_numpy(starts)[:, None] + steps, 0)
    return values[rows].masked_fill_(~inside[:, :, None], beyond)


class Batches:
    """The batches of one epoch.

    Args:
        dataset: the items.
        batch_size: items in a batch.
        order: a generator by which the items are shuffled anew in each epoch, and grouped by similar length where that
            saves much padding; None leaves them in their order.
        limit: the most batches, of items drawn at random; None takes all.
    """

    def __init__(
        self, dataset: BatchSource, batch_size: int, order: np.random.Generator | None = None, limit: int | None = None
    ):
        self.dataset, self.batch_size, self.order = dataset, batch_size, order
        self.count = len(dataset) if limit is None else min(len(dataset), limit * batch_size)

    def __len__(self) -> int:
        return -(-self.count // self.batch_size)

    def __iter__(self) -> Iterator[Batch]:
        for chosen in self._chosen():
            yield self.dataset.batch(chosen)

    def _chosen(self) -> list[np.ndarray]:
        count, size = self.count, self.batch_size
        if self.order is None or goes_on(self.dataset):
            return [np.arange(k, min(k + size, count)) for k in range(0, count, size)]
        shuffled = self.order.permutation(len(self.dataset))[:count]
        lengths = self.dataset.lengths
        batches = [shuffled[k : k + size] for k in range(0, count, size)]
        if sum(len(b) * lengths[b].max() for b in batches) <= WASTE * lengths[shuffled].sum():
            return batches
        pools = [shuffled[k : k + POOL * size] for k in range(0, count, POOL * size)]
        alike = np.concatenate([pool[np.argsort(lengths[pool], kind="stable")] for pool in pools])
        batches = [alike[k : k + size] for k in range(0, count, size)]
        return [batches[k] for k in self.order.permutation(len(batches))]

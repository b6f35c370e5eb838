"""A long text as contiguous batches: several readers, each at its own place of it, go on from batch to batch."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import Dataset

from carrousel.training._batches import Batch

__all__ = ["Streams"]


class Streams(Dataset):
    """Symbols one after the other, cut into as many streams as a batch has sequences, and these into pieces.

    A batch holds the same piece of every stream, and the next batch goes on from it; so states are carried through an
    epoch, and back-propagation ends where a piece begins (as Zaremba, Sutskever & Vinyals 2014 read a text). What is
    left when the text is divided, fewer symbols than there are streams, is not read.

    Args:
        symbols: whole numbers, ``[S]``; what comes after each is its target.
        streams: their number: the size of a batch.
        steps: symbols of a piece.

    Raises:
        ValueError: there are fewer symbols than streams.

    >>> import numpy as np
    >>> text = Streams(np.arange(9), streams=2, steps=3)
    >>> [text.batch(np.array(items))[0]["input"].tolist() for items in ([0, 1], [2, 3])]
    [[[0, 1, 2], [4, 5, 6]], [[3], [7]]]
    """

    contiguous = True

    def __init__(self, symbols: np.ndarray, streams: int, steps: int):
        each = (len(symbols) - 1) // streams
        if each < 1:
            raise ValueError(
                f"{len(symbols)} symbols are too few for {streams} streams; {streams + 1} are needed, or a smaller "
                "batch_size"
            )
        used = torch.from_numpy(np.ascontiguousarray(symbols[: each * streams + 1], dtype=np.int64))
        self.inputs, self.targets = used[:-1].view(streams, each), used[1:].view(streams, each)
        self.streams, self.steps = streams, steps
        pieces = [min(steps, each - begin) for begin in range(0, each, steps)]
        self.lengths = np.repeat(np.array(pieces, dtype=np.int64), streams)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, i: int) -> Batch:
        return self._rows(np.array([i]), i // self.streams)

    def batch(self, chosen: np.ndarray) -> Batch:  # input [B, T], lengths [B]
        piece = int(chosen[0]) // self.streams
        if (chosen // self.streams != piece).any() or len(chosen) != self.streams:
            raise ValueError(f"a batch of these streams has {self.streams} sequences, not {len(chosen)}")
        return self._rows(chosen, piece)

    def _rows(self, chosen: np.ndarray, piece: int) -> Batch:
        rows = torch.from_numpy(chosen % self.streams)
        part = slice(piece * self.steps, (piece + 1) * self.steps)
        lengths = torch.from_numpy(self.lengths[chosen])
        return {"input": self.inputs[rows, part], "lengths": lengths}, self.targets[rows, part]

"""The gradient of sequences' cross entropy, carried forward or sent back, and what each has to keep for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from carrousel.learning import elementwise
from carrousel.learning.online import Descent

__all__ = ["Backward", "Forward", "Weights", "patterns"]

SYMBOLS = 3  # bits, and the one that stands for waiting

Weights = dict[str, np.ndarray]


def patterns(rng: np.random.Generator, count: int, longest: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Returns codes, targets and spans of the copy task: a pattern of bits, then as many steps in which to say it.

    Lengths are uniform from 1 to ``longest``. Symbol 2 fills the second half of what is seen, and the first of what is
    wanted.

    >>> codes, targets, spans = patterns(np.random.default_rng(1), 1, 4)
    >>> codes.tolist(), targets.tolist(), spans.tolist()
    ([1, 1, 2, 2], [2, 2, 1, 1], [[0, 4]])
    """
    seen, wanted = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for length in rng.integers(1, longest + 1, count):
        bits, wait = rng.integers(0, 2, length), np.full(length, SYMBOLS - 1)
        seen += [bits, wait]
        wanted += [wait, bits]
    ends = np.cumsum([len(a) + len(b) for a, b in zip(seen[1::2], seen[2::2], strict=True)]).astype(np.int64)
    begins = np.concatenate([np.zeros(min(count, 1), np.int64), ends[:-1]])
    return np.concatenate(seen), np.concatenate(wanted), np.stack([begins, ends], 1)


class Forward:
    """An element-wise LSTM whose gradient is carried forward: exact RTRL, sequence after sequence."""

    def __init__(self, hidden: int, weights: Weights) -> None:
        self.net = elementwise(
            SYMBOLS, hidden, SYMBOLS, cell="elstm", loss="softmax", optimiser=Descent(1.0), dtype=np.float64
        )
        self.net.weights = weights

    def gradient(self, codes: np.ndarray, targets: np.ndarray, spans: np.ndarray, weights: Weights) -> Weights:
        """Returns the gradient of the cross entropy, summed over all steps: what plain descent takes away."""
        self.net.weights = weights
        before = self.net.vector.copy()
        self.net.learn_batch(codes, targets, spans)
        return self.net.named(before - self.net.vector)

    def outputs(self, codes: np.ndarray, spans: np.ndarray, weights: Weights) -> np.ndarray:
        """Returns the probabilities of the symbols in every step, ``[steps, 3]``."""
        self.net.weights = weights
        return self.net.sequence_outputs(codes, spans)

    def kept(self, steps: int) -> int:
        """Returns the bytes that the gradient of one sequence needs beside weights: whatever its length, the same."""
        held = self.net._arrays()
        return sum(held[name].nbytes for name in ("traces", "states", "h"))


class Backward:
    """A layer whose gradient is sent back through sequences, or through pieces of them.

    Args:
        cell: ``"elstm"``, whose units hear themselves alone, or ``"lstm"``.
        hidden: units.
        span: steps of a piece, through whose beginning states pass and errors do not; 0 for whole sequences.
    """

    def __init__(self, cell: str, hidden: int, span: int) -> None:
        import torch

        import carrousel

        self.span = span
        self.layer = carrousel.LSTM(SYMBOLS, hidden, cell=cell, diagonal=cell == "elstm").double()
        self.readout = torch.nn.Linear(hidden, SYMBOLS).double()
        self.places: dict[str, torch.Tensor] = {
            name.removesuffix("_l0"): value for name, value in self.layer.named_parameters()
        }
        self.places |= {"readout": self.readout.weight, "readout_bias": self.readout.bias}

    def begun(self, rng: np.random.Generator) -> Weights:
        """Returns first weights from a normal distribution of deviation 0.1, biases of 0."""
        shapes = {name: tuple(value.shape) for name, value in self.places.items()}
        return {
            name: np.zeros(shape) if "bias" in name else rng.normal(0.0, 0.1, shape) for name, shape in shapes.items()
        }

    def gradient(self, codes: np.ndarray, targets: np.ndarray, spans: np.ndarray, weights: Weights) -> Weights:
        """Returns the gradient of the cross entropy, summed over all steps."""
        import torch

        self._take(weights)
        inputs, wanted = (_padded(values, spans) for values in (codes, targets))
        for value in self.places.values():
            value.grad = None
        for loss in self._losses(inputs, wanted):
            loss.backward()
        return {
            name: (torch.zeros_like(value) if value.grad is None else value.grad).numpy().copy()
            for name, value in self.places.items()
        }

    def outputs(self, codes: np.ndarray, spans: np.ndarray, weights: Weights) -> np.ndarray:
        """Returns the probabilities of the symbols in every step, ``[steps, 3]``."""
        import torch

        self._take(weights)
        with torch.no_grad():
            said = self.readout(self.layer(_one_hot(_padded(codes, spans)))[0]).softmax(-1).numpy()
        return np.concatenate([said[: end - begin, k] for k, (begin, end) in enumerate(spans)])

    def kept(self, steps: int) -> int:
        """Returns the bytes that autograd keeps for one sequence of so many steps, or for the largest piece of it."""
        import torch

        codes = np.full(steps, SYMBOLS - 1)
        most = 0
        seen: dict[int, int] = {}

        def pack(tensor: torch.Tensor) -> torch.Tensor:
            held = tensor.untyped_storage()
            seen[held.data_ptr()] = held.nbytes()
            return tensor

        weights = {value.untyped_storage().data_ptr() for value in self.places.values()}
        padded = torch.from_numpy(codes[:, None])
        with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor):
            for loss in self._losses(padded, padded):
                most = max(most, sum(size for place, size in seen.items() if place not in weights))
                seen.clear()
                del loss
        return most

    def _losses(self, inputs: Any, wanted: Any) -> Any:
        """Yields the cross entropy of one piece after the other, ``[]``."""
        import torch

        span, state = self.span or len(inputs), None
        for first in range(0, len(inputs), span):
            said, state = self.layer(_one_hot(inputs[first : first + span]), state)
            state = tuple(value.detach() for value in state)
            goals = wanted[first : first + span].reshape(-1)
            scores = self.readout(said).reshape(len(goals), SYMBOLS)
            yield torch.nn.functional.cross_entropy(scores, goals, ignore_index=-1, reduction="sum")

    def _take(self, weights: Mapping[str, np.ndarray]) -> None:
        import torch

        with torch.no_grad():
            for name, value in self.places.items():
                value.copy_(torch.from_numpy(weights[name]))


def _padded(values: np.ndarray, spans: np.ndarray) -> Any:
    """Returns sequences beside each other, ``[T, B]``, -1 where they have ended."""
    import torch

    padded = np.full((int((spans[:, 1] - spans[:, 0]).max()), len(spans)), -1)
    for k, (begin, end) in enumerate(spans):
        padded[: end - begin, k] = values[begin:end]
    return torch.from_numpy(padded)


def _one_hot(codes: Any) -> Any:
    import torch

    return (codes[..., None] == torch.arange(SYMBOLS)).double()

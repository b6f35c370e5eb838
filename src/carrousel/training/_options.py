"""How to train, as data."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

__all__ = ["Options"]


@dataclass(frozen=True)
class Options:
    """How a network is trained.

    Attributes:
        learning_rate: the highest learning rate; the schedule says what share of it a step has.
        weight_decay: of the optimiser: AdamW's own, or the weight of half the squared weights for ``"sgd"``.
        batch_size: items in a batch; None takes 32, or a seventh of few items, but at least 4.
        max_epochs: the most passes over the data.
        patience: epochs without a lower validation loss after which training stops; None never stops early.
        gradient_clip: the largest norm of the gradient; None does not clip.
        device: a torch device.
        optimizer: ``"adamw"``, ``"sgd"``, or a function that is called as ``optimizer(weights, lr=learning_rate)`` and
            gives a torch optimiser, such as ``torch.optim.RMSprop``.
        momentum: of ``"sgd"``.
        nesterov: whether the momentum of ``"sgd"`` is Nesterov's.
        schedule: ``"cosine"``, ``"constant"``, a ``StepDecay``, or a function
            ``schedule(step, batches, epochs) -> share of the highest rate``.
        weight_noise: deviation of Gaussian noise on all weights, drawn for every update and taken away before it
            (Graves 2011).
        truncation: steps after which back-propagation is cut; None takes whole sequences. Each batch is cut into pieces
            of so many steps. The weights change after each piece, and the network's state is carried to the next one
            (Williams & Peng 1990, with h = h'). The network then has ``carry(input, lengths, state)`` beside
            ``forward``, and every step has a target.
        exact: whether nothing is cut between the pieces: what the state owes to the weights is carried from piece to
            piece (real-time recurrent learning), and the weights change once a batch. The gradient is that of whole
            sequences, in memory that does not grow with them. Errors go through a piece once more for every number of
            the state; where units hear themselves alone (one layer, ``diagonal=True`` or without recurrent weights)
            for every sequence and each of the cell's states.

    Raises:
        ValueError: a number is out of its range.
    """

    learning_rate: float
    weight_decay: float = 0.0
    batch_size: int | None = None
    max_epochs: int = 40
    patience: int | None = None
    gradient_clip: float | None = None
    device: str = "cpu"
    optimizer: str | Callable[..., Any] = "adamw"
    momentum: float = 0.0
    nesterov: bool = False
    schedule: str | Callable[[int, int, int], float] = "cosine"
    weight_noise: float = 0.0
    truncation: int | None = None
    exact: bool = False

    def __post_init__(self) -> None:
        for name in ("weight_decay", "momentum", "weight_noise"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a number of at least 0, got {value!r}")
        if not (math.isfinite(self.learning_rate) and self.learning_rate > 0):
            raise ValueError(f"learning_rate must be a number above 0, got {self.learning_rate!r}")
        for name in ("batch_size", "max_epochs", "patience", "truncation"):
            value = getattr(self, name)
            if value is None and name != "max_epochs":
                continue
            if not isinstance(value, int) or value < 1:
                raise ValueError(f"{name} must be an integer of at least 1, got {value!r}")

        if self.exact and self.truncation is None:
            raise ValueError("exact=True wants truncation=, the steps of a piece, between which nothing is cut then")

    def words(self) -> dict[str, Any]:
        """Returns the options as JSON values; a function stands as its name, or as it prints."""
        return {f.name: _word(getattr(self, f.name)) for f in fields(self)}


def _word(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return getattr(value, "__qualname__", None) or repr(value)

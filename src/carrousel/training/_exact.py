"""The exact gradient of a sequence that is run in pieces: what the state owes to the weights is carried along.

Within a piece errors flow back as ever. Those that reach the state in which the piece began meet the derivatives of
that state by the weights, and go no further: real-time recurrent learning from piece to piece (Williams & Zipser 1989).
So nothing is kept that grows with the sequence but the sequence itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from carrousel.nets._lstm import LSTM

__all__ = ["Owed"]


class Owed:
    """What a network's state owes to its weights.

    A state's number owes something to every weight, so that this is as many numbers as both multiplied. Only where all
    of the state is that of one layer whose units hear themselves alone, a weight has one number for each sequence and
    each state of its own unit.

    Args:
        network: the network.
    """

    def __init__(self, network: nn.Module) -> None:
        self.weights = [weight for weight in network.parameters() if weight.requires_grad]
        self._units = _units_of(network, self.weights)
        self._state: list[Tensor] = []
        self._owed: list[Tensor | None] = [None] * len(self.weights)

    def begin(self, state: Any) -> Any:
        """Returns a piece's first state, to which errors flow back and no further; None before the first piece."""
        if state is None:
            return None
        self._state = []
        return self._opened(state)

    def _opened(self, state: Any) -> Any:
        if isinstance(state, Tensor):
            self._state.append(state.detach().requires_grad_())
            return self._state[-1]
        return tuple(self._opened(part) for part in state)

    def credit(self, loss: Tensor) -> None:
        """Adds the derivatives of a piece's loss to those of the weights."""
        found = torch.autograd.grad(loss, [*self.weights, *self._state], retain_graph=True, allow_unused=True)
        errors = [
            torch.zeros_like(state) if error is None else error
            for state, error in zip(self._state, found[len(self.weights) :], strict=True)
        ]
        for k, (weight, direct) in enumerate(zip(self.weights, found, strict=False)):
            for part in (direct, self._through(errors, k) if errors else None):
                if part is not None:
                    weight.grad = part.clone() if weight.grad is None else weight.grad + part

    def _through(self, errors: Sequence[Tensor], k: int) -> Tensor | None:
        """Returns what errors of the first state mean for a weight."""
        owed = self._owed[k]
        if owed is None:
            return None
        if self._units is None:
            flat = torch.cat([error.reshape(-1) for error in errors])
            return torch.tensordot(flat, owed, dims=1)
        by_unit = torch.stack([error.reshape(-1, error.shape[-1]) for error in errors])  # [states, B, H]
        return (_spread(by_unit, self._units[k], owed) * owed).sum((0, 1))

    def carry(self, state: Any) -> None:
        """Takes the derivatives on to the state in which a piece ended."""
        ends = _leaves(state)
        found = self._derivatives(ends)
        if self._units is not None and any(
            units is None and part is not None for units, part in zip(self._units, found, strict=False)
        ):
            self._units = None  # weights before the layer have to do with several units of it
            found = self._derivatives(ends)
        direct, before = found[: len(self.weights)], found[len(self.weights) :]
        self._owed = [self._further(k, part, before) for k, part in enumerate(direct)]

    def _derivatives(self, ends: Sequence[Tensor]) -> list[Tensor | None]:
        """Returns the derivatives of a piece's last state by weights and first state.

        They are ``[numbers of the state, ...]``; where units hear themselves alone ``[states, B, ...]``, the sums over
        all units: no weight, and no number of the first state, has to do with two of them.
        """
        if self._units is None:
            shape = [sum(end.numel() for end in ends)]
            rows = torch.eye(shape[0], dtype=ends[0].dtype, device=ends[0].device)
            parts = rows.split([end.numel() for end in ends], 1)
            asked = [part.reshape(-1, *end.shape) for part, end in zip(parts, ends, strict=True)]
        else:
            shape = [len(ends), ends[0].shape[-2]]
            rows = torch.eye(shape[0] * shape[1], dtype=ends[0].dtype, device=ends[0].device)
            rows = rows.reshape(-1, *shape, 1)
            asked = [rows[:, i].expand(-1, -1, end.shape[-1]).reshape(-1, *end.shape) for i, end in enumerate(ends)]
        inputs = [*self.weights, *self._state]
        several = [
            torch.autograd.grad(ends, inputs, [part[row] for part in asked], retain_graph=True, allow_unused=True)
            for row in range(len(asked[0]))
        ]
        columns = zip(*several, strict=True)
        return [
            None if column[0] is None else torch.stack(column).reshape(*shape, *column[0].shape) for column in columns
        ]

    def _further(self, k: int, direct: Tensor | None, before: Sequence[Tensor | None]) -> Tensor | None:
        """Returns what the new state owes to a weight: directly, and by what the one before owed."""
        owed, total, first = self._owed[k], direct, 0
        if owed is None:
            return direct
        for i, part in enumerate(before):
            size = self._state[i].numel()
            if part is None:
                added = None
            elif self._units is None:
                added = torch.tensordot(part.reshape(len(part), -1), owed[first : first + size], dims=1)
            else:  # of a sequence the same sequence's first state, [states, B, H]
                H = part.shape[-1]
                across = part.reshape(*part.shape[:2], -1, H).diagonal(dim1=1, dim2=2).movedim(-1, 1)
                added = _spread(across, self._units[k], owed) * owed[i]
            first += size
            if added is not None:
                total = added if total is None else total + added
        return total


def _spread(by_unit: Tensor, along: int | None, like: Tensor) -> Tensor:
    """Returns numbers of units ``[states, B, H]`` in the shape of what a weight owes, ``[states, B, *weight]``.

    Args:
        by_unit: the numbers.
        along: 0 if the weight's first dimension are units, gate after gate; 1 if its last one are.
        like: what has the shape.
    """
    shape = like.shape[2:]
    if along == 1:
        return by_unit.reshape(*by_unit.shape[:2], *[1] * (len(shape) - 1), -1)
    repeated = by_unit.repeat(1, 1, shape[0] // by_unit.shape[-1])
    return repeated.reshape(*repeated.shape, *[1] * (len(shape) - 1))


def _units_of(network: nn.Module, weights: Sequence[Tensor]) -> list[int | None] | None:
    """Returns for each weight along which dimension units stand, None for those outside the recurrent layer.

    All is None where units hear one another.
    """
    layers = [module for module in network.modules() if isinstance(module, LSTM)]
    if len(layers) != 1 or len(layers[0].layers) != 1:
        return None
    (layer,) = layers[0].layers
    alone = layer.diagonal or not layer.cell.recurrent
    if not alone or layer.block_size > 1 or layer.layer_norm or layer.proj_size or layer.gate_recurrence:
        return None
    inside = {id(weight): name for name, weight in layers[0].named_parameters()}
    names = [inside.get(id(weight)) for weight in weights]
    return [None if name is None else int(name.startswith("weight_peephole")) for name in names]


def _leaves(state: Any) -> list[Tensor]:
    return [state] if isinstance(state, Tensor) else [leaf for part in state for leaf in _leaves(part)]

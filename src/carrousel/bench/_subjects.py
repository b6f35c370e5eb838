"""The networks of a workload, their data, and what each does in one go."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence

import carrousel
from carrousel import engine
from carrousel.bench._operations import operations
from carrousel.bench._workloads import Workload
from carrousel.nets._noise import draw

__all__ = ["Subjects"]

Work = Callable[[], Any]

_GAIN = 0.1
"""Of normalised pre-activations, as Cooijmans et al. 2017 begin with it. At a gain of 1 a random network is chaotic:
errors double every few steps, so that after a hundred the equations themselves in float32 are off by 1e-4."""


class Subjects:
    """A workload come to life: the same data for all, drawn from a seed."""

    def __init__(self, workload: Workload) -> None:
        self.workload = w = workload
        torch.manual_seed(0)
        self.net = carrousel.LSTM(w.I, w.H, **w.options)
        self.layer = self.net.layers[0]
        with torch.no_grad():
            for name, weight in self.net.named_parameters():
                if name.startswith(("norm_ih", "norm_hh")):
                    weight.fill_(_GAIN)
        self.x = torch.randn(w.T, w.B, w.I)
        self.adjoint = torch.randn(w.T, w.B, self.layer.output_size)
        self.lengths: Tensor | None = None
        if w.ragged:
            self.lengths = torch.randint(w.T // 2, w.T + 1, (w.B,)).sort(descending=True).values
            self.lengths[0] = w.T
            self.adjoint *= (torch.arange(w.T).unsqueeze(-1) < self.lengths).unsqueeze(-1)

    @property
    def needs_dx(self) -> bool:
        return self.workload.mode == "train-dx"

    def state(self, dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
        return tuple(torch.zeros(self.workload.B, size, dtype=dtype) for size in self.layer.state_sizes)

    def weights(self) -> dict[str, Tensor]:
        return self.net.weights_of(self.layer, "_l0")

    def flops(self) -> float:
        """Returns the operations of one go's matrix products; a multiplication and an addition are two."""
        w = self.workload
        rows = float(w.T * w.B if self.lengths is None else self.lengths.sum())
        return operations(self.layer, w.mode, rows)

    def masks(self) -> engine.Masks:
        """Draws the noise of one call, as the network does in its own."""
        w = self.workload
        return draw(self.layer, self.net.rates, w.T, w.B, self.x, training=self.net.training)

    def call(
        self, weights: dict[str, Tensor], x: Tensor, state: tuple[Tensor, ...], masks: engine.Masks
    ) -> engine.Call:
        """Makes what the network asks the engine for."""
        keep: tuple[str, ...] = ()
        if self.workload.asked:
            keep = tuple(dict.fromkeys((*self.layer.state_names, *self.layer.cell.rows)))
        return engine.Call(self.layer, weights, x, state, lengths=self.lengths, masks=masks, keep=keep)

    # What each subject does

    def _step(self, forward: Callable[[Tensor], Tensor], weights: list[Tensor], x: Tensor, adjoint: Tensor) -> Work:
        """Returns one go in the workload's mode, of a network given as a function."""
        if self.workload.mode == "inference":

            def work() -> Any:
                with torch.no_grad():
                    return forward(x)
        else:
            x = x.detach().requires_grad_(self.needs_dx)
            inputs = [*weights, *([x] if self.needs_dx else [])]

            def work() -> Any:
                return torch.autograd.grad(forward(x), inputs, adjoint)

        return work

    def ours(self) -> Work:
        """Returns one go of carrousel's network, as a user calls it."""
        net, lengths, asked = self.net, self.lengths, self.workload.asked
        if self.workload.mode == "step":
            return self._one_step(net.step, self.x[0], tuple(value.unsqueeze(0) for value in self.state()))
        return self._step(lambda x: net(x, lengths=lengths, **asked)[0], list(net.parameters()), self.x, self.adjoint)

    def own_lstm(self) -> Work:
        """Returns one go of carrousel's plain LSTM of the same sizes."""
        w = self.workload
        return Subjects(Workload("lstm", w.mode, w.T, w.B, w.I, w.H, w.ragged)).ours()

    def eager(self) -> Work:
        """Returns one go of the same variant written out in torch operations; it draws its noise too."""
        weights, state = self.weights(), self.state()

        def forward(x: Tensor) -> Tensor:
            return engine.reference.run(self.call(weights, x, state, self.masks())).output

        return self._step(forward, list(weights.values()), self.x, self.adjoint)

    def torchs(self) -> Work:
        """Returns one go of ``torch.nn.LSTM``, projected where the variant is; of ``LSTMCell`` for a single step.

        A ragged batch is packed beforehand, so that packing costs it nothing.
        """
        w = self.workload
        if w.mode == "step":
            state = tuple(torch.zeros(w.B, w.H) for _ in range(2))
            return self._one_step(nn.LSTMCell(w.I, w.H), self.x[0], state)
        net = nn.LSTM(w.I, w.H, proj_size=self.layer.proj_size)
        adjoint = torch.randn(w.T, w.B, self.layer.output_size)
        if self.lengths is None:
            return self._step(lambda x: net(x)[0], list(net.parameters()), self.x, adjoint)
        packed = pack_padded_sequence(self.x, self.lengths)
        adjoint = pack_padded_sequence(adjoint, self.lengths).data
        sizes = packed.batch_sizes

        def forward(data: Tensor) -> Tensor:
            return net(nn.utils.rnn.PackedSequence(data, sizes))[0].data

        return self._step(forward, list(net.parameters()), packed.data, adjoint)

    @staticmethod
    def _one_step(step: Callable[..., Any], x: Tensor, state: tuple[Tensor, ...]) -> Work:
        def work() -> Any:
            with torch.no_grad():
                return step(x, state)

        return work

    @cached_property
    def backend(self) -> str:
        """The name of the backend that runs carrousel's network."""
        if self.workload.mode == "step":
            with engine.watched() as choices:
                self.ours()()
            return choices[0].backend
        with torch.set_grad_enabled(self.workload.mode != "inference"):
            return carrousel.explain(self.net, self.x, lengths=self.lengths, **self.workload.asked)[0].backend

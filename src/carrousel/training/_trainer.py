"""skorch's loop with additions of the papers: noise on weights, back-propagation that is cut, states that are kept."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import torch
from skorch import NeuralNet
from torch import Tensor

from carrousel.training._batches import Batch, BatchSource, goes_on
from carrousel.training._checkpoint import RunState
from carrousel.training._exact import Owed

__all__ = ["StopTraining", "Trainer"]


class StopTraining(Exception):  # noqa: N818 - a signal, not an error
    """Early stopping ends the run."""


class Trainer(NeuralNet):
    """skorch's net, in which an interrupt by the user does not look like a finished training."""

    def __init__(
        self, *args: Any, weight_noise: float = 0.0, truncation: int | None = None, exact: bool = False, **kwargs: Any
    ):
        super().__init__(*args, **kwargs)
        self.weight_noise, self.truncation, self.exact = weight_noise, truncation, exact

    def run(self, dataset: BatchSource, epochs: int, state: RunState) -> None:
        """Trains for at most ``epochs``, and counts the updates in ``state``."""
        self._state = state
        self._goes_on = goes_on(dataset)
        self.notify("on_train_begin", X=dataset, y=None)
        with contextlib.suppress(StopTraining):
            self.fit_loop(dataset, epochs=epochs)
        self.notify("on_train_end", X=dataset, y=None)

    def run_single_epoch(self, iterator: Any, training: bool, *args: Any, **options: Any) -> None:
        """Runs through the training or the validation items, from no state."""
        self._carried = None
        super().run_single_epoch(iterator, training, *args, **options)

    def train_step(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Makes one update, or one after each piece of the batch."""
        if self.truncation is None or self.exact:
            self._state.updates += 1
            return super().train_step(batch, **fit_params)
        steps = batch[0]["input"].shape[1]
        if not self._goes_on:
            self._carried = None
        total = torch.zeros((), dtype=torch.float64)
        for begin in range(0, steps, self.truncation):
            piece = _cut(batch, begin, begin + self.truncation)
            self._state.updates += 1
            loss = super().train_step(piece, **fit_params)["loss"]
            total += loss.detach().cpu().double() * piece[0]["input"].shape[1] / steps
        return {"loss": total, "y_pred": None}

    def train_step_single(self, batch: Batch, **fit_params: Any) -> dict[str, Any]:
        """Returns the loss of a batch or piece, after its derivatives, at weights with noise if there is noise."""
        with self._noise():
            if self.exact:
                return self._in_pieces(batch)
            return super().train_step_single(batch, **fit_params)

    def _in_pieces(self, batch: Batch) -> dict[str, Any]:
        """Returns the loss of a batch, after its derivatives, of which nothing is cut between pieces."""
        self._set_training(True)
        steps, owed, state = batch[0]["input"].shape[1], Owed(self.module_), None
        total = torch.zeros((), dtype=torch.float64)
        for begin in range(0, steps, self.truncation or steps):
            x, y = _cut(batch, begin, begin + (self.truncation or steps))
            inputs = {name: value.to(self.device) for name, value in x.items()}
            output, state = self.module_.carry(**inputs, state=owed.begin(state))
            loss = self.get_loss(output, y, X=x, training=True) * (x["input"].shape[1] / steps)
            owed.credit(loss)
            if begin + x["input"].shape[1] < steps:
                owed.carry(state)
            total += loss.detach().cpu().double()
            state = _detached(state)
        return {"loss": total, "y_pred": None}

    def infer(self, x: Any, **fit_params: Any) -> Any:
        """Returns the network's output, of a piece from the state that the piece before it left."""
        if not self._goes_on and (self.truncation is None or not self.module_.training):
            return super().infer(x, **fit_params)
        inputs = {name: value.to(self.device) for name, value in x.items()}
        output, state = self.module_.carry(**inputs, state=self._carried)
        self._carried = _detached(state)
        return output

    @contextlib.contextmanager
    def _noise(self) -> Iterator[None]:
        if not self.weight_noise:
            yield
            return
        weights = [weight for group in self.optimizer_.param_groups for weight in group["params"]]
        before = [weight.detach().clone() for weight in weights]
        with torch.no_grad():
            for weight in weights:
                weight.add_(torch.randn_like(weight), alpha=self.weight_noise)
        try:
            yield
        finally:
            with torch.no_grad():
                for weight, old in zip(weights, before, strict=True):
                    weight.copy_(old)


def _cut(batch: Batch, begin: int, end: int) -> Batch:
    """Returns the steps from ``begin`` to before ``end`` of a batch; a sequence that is over has none left."""
    inputs, targets = batch
    lengths = (inputs["lengths"] - begin).clamp(0, end - begin)
    piece = {"input": inputs["input"][:, begin:end], "lengths": lengths}
    if isinstance(targets, Tensor):
        return piece, targets[:, begin:end]
    return piece, (targets[0][:, begin:end], targets[1])


def _detached(state: Any) -> Any:
    return state.detach() if isinstance(state, Tensor) else tuple(_detached(part) for part in state)

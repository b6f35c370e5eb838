"""How error flows back through time: the derivatives of a loss by what a network was given and held steps before."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

__all__ = ["ErrorFlow", "error_flow", "mean_flow"]


@dataclass(frozen=True)
class ErrorFlow:
    """The norms of a loss's derivatives by what was there q steps before the loss.

    Attributes:
        inputs: by the input, ``[steps]``, of q = 0, 1, ...
        states: by the states after a step, by their names (``"lstm.h"``, ``"lstm.c"``), each ``[steps]``; all layers of
            a network together. Empty where a network runs in both directions: there is no time before.
        counts: how many sequences reach so far back, ``[steps]``; norms are means over them.
    """

    inputs: np.ndarray
    states: Mapping[str, np.ndarray] = field(default_factory=dict)
    counts: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def relative(self) -> dict[str, np.ndarray]:
        """Returns what share of the norm at q = 0 is left, by name; ``"input"`` is the first."""
        curves = {"input": self.inputs, **self.states}
        return {name: norms / norms[0] if norms[0] else norms for name, norms in curves.items()}


def error_flow(
    network: nn.Module,
    input: Tensor,
    *args: Any,
    loss: Callable[[Any], Tensor] | None = None,
    step: int = -1,
    batch_first: bool = False,
    **kwargs: Any,
) -> ErrorFlow:
    """Returns how a loss depends on inputs and states of the steps before it.

    Every recurrent layer in the network, of carrousel's or of torch's, is run step by step, so that the states that it
    hands on can be told apart; what comes out is the same. Noise is switched off.

    S. Hochreiter: Untersuchungen zu dynamischen neuronalen Netzen. Diploma thesis, 1991.

    Args:
        network: any module; its layers are found.
        input: ``[T, B, I]``, sequences of the same length.
        *args: what the network is called with besides.
        loss: makes a number of what the network returns, a sum over the sequences; by default the sum of the outputs
            at ``step``, an error of one in each. Of a pair it takes the first, as of ``(output, states)``.
        step: where the loss is, from which is counted back.
        batch_first: whether the input is ``[B, T, I]``.
        **kwargs: what the network is called with besides, by name.

    Returns:
        The flow, with ``step + 1`` norms in each curve.

    Raises:
        ValueError: there is no such step, or the loss does not depend on the input.

    >>> import carrousel
    >>> net = carrousel.LSTM(1, 4, cell="original")
    >>> _ = net.weight_hh_l0.data.zero_()  # nothing but the carrousel
    >>> flow = error_flow(net, torch.randn(50, 1, 1), loss=lambda told: told[1][1].sum())
    >>> flow.states["c"].min().item(), flow.states["c"].max().item()
    (2.0, 2.0)
    """
    x = input.detach().clone().requires_grad_(True)
    time = 1 if batch_first else 0
    steps = x.shape[time]
    at = step + steps if step < 0 else step
    if not 0 <= at < steps:
        raise ValueError(f"there is no step {step}: the sequences have {steps}")
    training = network.training
    network.eval()
    try:
        with torch.enable_grad(), _in_steps(network) as kept:
            told = network(x, *args, **kwargs)
            value = _sum_at(told, at, time) if loss is None else loss(told)
            if not isinstance(value, Tensor) or value.dim() or not value.requires_grad:
                raise ValueError("the loss must be one number that depends on the input")
            wanted = [tensor for states in kept.values() for tensor in states]
            grads = torch.autograd.grad(value, [x, *wanted], allow_unused=True)
    finally:
        network.train(training)
    if grads[0] is None:
        raise ValueError("the loss does not depend on the input")
    by_input = _norms(grads[0].transpose(0, time) if time else grads[0])
    states, place = {}, 1
    for name, tensors in kept.items():
        found = [np.zeros(x.shape[1 - time])] * len(tensors)
        for t, grad in enumerate(grads[place : place + len(tensors)]):
            if grad is not None:
                found[t] = _norms(grad.transpose(0, -2)[None])[0] if grad.dim() > 1 else _norms(grad[None, None])[0]
        place += len(tensors)
        if len(found) > at:  # a layer whose answers come late goes on beyond the input
            states[name] = np.stack(found)[at::-1].mean(axis=1)
    counts = np.full(at + 1, x.shape[1 - time])
    return ErrorFlow(by_input[at::-1].mean(axis=1), states, counts)


def mean_flow(network: Any, items: Any, count: int = 100) -> ErrorFlow:
    """Returns the flow of a network's own loss back from the end of sequences, the mean of several.

    Args:
        network: has ``each(output, target)``, as those of ``carrousel.nets.NETWORKS``.
        items: a source of sequences and their targets, as networks are trained on: ``items.lengths``, and
            ``items.batch(numbers)``, which gives inputs by name and targets.
        count: how many sequences, evenly from all of them.

    Raises:
        ValueError: there are none.
    """
    if not len(items):
        raise ValueError("there are no sequences")
    device = next(network.parameters()).device
    flows = []
    for number in np.unique(np.linspace(0, len(items) - 1, count).round().astype(int)):
        given, target = items.batch(np.array([number]))
        target = _to(target[0] if isinstance(target, tuple) else target, device)
        rest = {name: _to(value, device) for name, value in given.items() if name != "input"}
        if isinstance(target, Tensor) and target.is_floating_point() and not bool(target.isfinite().any()):
            continue  # nothing was wanted of it

        def loss(output: Any, target: Any = target) -> Tensor:
            return network.each(output, target).sum()

        flows.append(error_flow(network, given["input"].to(device), loss=loss, batch_first=True, **rest))
    if not flows:
        raise ValueError("no sequence has a target")
    counts = np.array([sum(len(flow.inputs) > q for flow in flows) for q in range(max(len(f.inputs) for f in flows))])
    names = flows[0].states
    states = {name: _averaged([flow.states[name] for flow in flows], counts) for name in names}
    return ErrorFlow(_averaged([flow.inputs for flow in flows], counts), states, counts)


def _to(value: Any, device: torch.device) -> Any:
    return value.to(device) if isinstance(value, Tensor) else value


def _averaged(curves: list[np.ndarray], counts: np.ndarray) -> np.ndarray:
    """Returns the mean of curves at each q, over those that reach so far."""
    total = np.zeros(len(counts))
    for curve in curves:
        total[: len(curve)] += curve
    return total / counts


def _norms(grads: Tensor) -> np.ndarray:
    """Returns the norm for each step and sequence, ``[steps, B]``, of derivatives ``[steps, B, ...]``."""
    return grads.detach().flatten(2).double().norm(dim=2).cpu().numpy()


def _sum_at(told: Any, at: int, time: int) -> Tensor:
    output = told[0] if isinstance(told, tuple) else told
    return output.select(time, at).sum()


@contextmanager
def _in_steps(network: nn.Module) -> Iterator[dict[str, list[Tensor]]]:
    """Has every recurrent layer of a network go step by step, and keeps the states that it hands on, by their names."""
    kept: dict[str, list[Tensor]] = {}
    changed = []
    for path, module in network.named_modules():
        if isinstance(module, nn.RNNBase) and not module.bidirectional:
            module.forward = _stepwise(module, f"{path}." if path else "", kept)  # type: ignore[method-assign]
            changed.append(module)
    try:
        yield kept
    finally:
        for module in changed:
            del module.forward


def _stepwise(module: Any, prefix: str, kept: dict[str, list[Tensor]]) -> Callable[..., Any]:
    """Returns what a layer's ``forward`` is replaced by: the same, a step at a time."""
    whole = module.forward
    cell = getattr(module, "cell", None)
    own = ("c",) if cell is None else tuple(cell.states)  # torch's own have h, and maybe c

    def forward(input: Any, hx: Any = None, *, lengths: Any = None, resets: Any = None, **others: Any) -> Any:
        if not isinstance(input, Tensor) or any(not (value is None or value is False) for value in others.values()):
            raise ValueError("error is followed through plain tensors, without masks and without every step's states")
        time = 1 if module.batch_first and input.dim() == 3 else 0
        steps = input.shape[time]
        if lengths is not None and bool((torch.as_tensor(lengths) != steps).any()):
            raise ValueError("error is followed through sequences of the same length; give each alone, or those alike")
        outputs, state = [], hx
        for t in range(steps):
            how = {} if resets is None else {"resets": torch.as_tensor(resets).narrow(time, t, 1)}
            _, state = whole(input.narrow(time, t, 1), state, **how)
            every = state if isinstance(state, tuple) else (state,)
            for name, value in zip(("h", *own, *(f"gates{k}" for k in range(9))), every, strict=False):
                kept.setdefault(prefix + name, []).append(value)
            outputs.append(every[0][-1])  # [B, H] or [H]: the last layer's h is what it says
        return torch.stack(outputs, dim=time), state

    return forward

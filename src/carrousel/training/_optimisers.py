"""Optimisers by name, and what a checkpoint must hold of any of them."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.optim import Optimizer

from carrousel.training._options import Options

__all__ = ["OPTIMISERS", "optimiser_of", "slots_of"]

Maker: TypeAlias = Callable[[list[dict[str, Any]], Options], Optimizer]


def _adamw(groups: Any, options: Options) -> Optimizer:
    return torch.optim.AdamW(groups, lr=options.learning_rate, weight_decay=options.weight_decay)


def _sgd(groups: Any, options: Options) -> Optimizer:
    return torch.optim.SGD(
        groups,
        lr=options.learning_rate,
        momentum=options.momentum,
        nesterov=options.nesterov,
        weight_decay=options.weight_decay,
    )


OPTIMISERS: dict[str, Maker] = {"adamw": _adamw, "sgd": _sgd}


def optimiser_of(options: Options, groups: list[dict[str, Any]]) -> Optimizer:
    """Makes the optimiser that the options name; a function of one's own is called as ``optimizer(weights, lr=...)``.

    Raises:
        ValueError: the name is unknown, or an option is one that the optimiser does not have.
    """
    chosen = options.optimizer
    if callable(chosen):
        for name in ("momentum", "nesterov", "weight_decay"):
            if getattr(options, name):
                raise ValueError(f"{name} is for the optimisers with names; give it to your own optimizer itself")
        weights = [weight for group in groups for weight in group["params"]]
        return chosen(weights, lr=options.learning_rate)
    if chosen not in OPTIMISERS:
        raise ValueError(f"unknown optimizer {chosen!r}; choose from {', '.join(OPTIMISERS)}, or give a function")
    if chosen != "sgd" and (options.momentum or options.nesterov):
        raise ValueError(f"momentum and nesterov are of optimizer='sgd', not of {chosen!r}")
    if options.nesterov and not options.momentum:
        raise ValueError("nesterov=True needs a momentum above 0")
    return OPTIMISERS[chosen](groups, options)


def slots_of(optimizer: Optimizer) -> dict[int, dict[str, Tensor]]:
    """Returns what an optimiser remembers of each weight, by the weight's number: tensors of the right shape and type.

    A copy shows it, after a step with derivatives of zero.

    Raises:
        ValueError: it remembers something that is no tensor, or cannot be copied or stepped so.
    """
    trial = copy.deepcopy(optimizer)
    for group in trial.param_groups:
        for weight in group["params"]:
            weight.grad = torch.zeros_like(weight)
    try:
        trial.step()
    except TypeError as error:
        raise ValueError(f"a checkpoint cannot hold the state of {type(optimizer).__name__}: {error}") from None
    slots = trial.state_dict()["state"]
    for values in slots.values():
        for name, value in values.items():
            if value is not None and not isinstance(value, Tensor):
                raise ValueError(
                    f"a checkpoint holds tensors, and {type(optimizer).__name__} remembers {name}={value!r}"
                )
    return {k: {n: v for n, v in values.items() if v is not None} for k, values in slots.items()}

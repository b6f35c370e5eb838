"""Nets that learn with Adam, and generators of random numbers, as arrays and facts that a file holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from carrousel._format import Arrays, fitted, whole

__all__ = ["check_sizes", "fill", "generator_from", "state_of", "tensors_of"]


def tensors_of(nets: Mapping[str, nn.Module], optimisers: Sequence[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """Returns all weights by ``net.name``, and what each net's Adam remembers of them; zeros before it has begun."""
    found: dict[str, Tensor] = {}
    for (name, net), optimiser in zip(nets.items(), optimisers, strict=True):
        for key, parameter in net.named_parameters():
            found[f"{name}.{key}"] = parameter.data
            state = optimiser.state.get(parameter) or {
                "step": torch.zeros(()),
                "exp_avg": torch.zeros_like(parameter),
                "exp_avg_sq": torch.zeros_like(parameter),
            }
            optimiser.state[parameter] = state
            found |= {f"{name}.{key}.{what}": state[what] for what in ("step", "exp_avg", "exp_avg_sq")}
    return found


def check_sizes(facts: Mapping[str, Any], names: Sequence[str], arrays: Arrays) -> int:
    """Returns how many numbers a file holds, of which no size can be greater: before memory is taken for them.

    Raises:
        ValueError: one of the sizes is no whole number, or greater.
    """
    held = sum(array.size for array in arrays.values())
    for name in names:
        whole(facts[name], f"its number of {name}", most=held)
    return held


def fill(tensors: Mapping[str, Tensor], arrays: Arrays) -> None:
    """Copies arrays of a file into tensors of the same names.

    Raises:
        ValueError: a name, a shape or a dtype differs, or a number is below 0 that cannot be.
    """
    declared = {name: (tuple(each.shape), each.numpy().dtype) for name, each in tensors.items()}
    for name, array in fitted(arrays, declared).items():
        if name.endswith((".step", ".exp_avg_sq")) and (array < 0).any():
            raise ValueError(f"the array {name} has a number below 0")
        tensors[name].copy_(torch.from_numpy(array))


def state_of(rng: np.random.Generator) -> list[int]:
    """Returns the state of a generator, as JSON can hold it."""
    state = rng.bit_generator.state["state"]
    return [state["state"], state["inc"]]


def generator_from(numbers: Any) -> np.random.Generator:
    """Returns the generator of a state.

    Raises:
        ValueError: it is none.
    """
    state, inc = (whole(value, "its random numbers' state", most=2**128 - 1) for value in numbers)
    generator = np.random.PCG64()
    generator.state = {**generator.state, "state": {"state": state, "inc": inc}}
    return np.random.Generator(generator)

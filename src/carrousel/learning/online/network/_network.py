"""The network of the LSTM papers, declared: which groups of units there are and which feed which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from math import isfinite
from typing import Any

import numpy as np

from carrousel.learning._steps import MOST_NUMBERS, check_counts

__all__ = ["GROUPS", "SQUASHES", "Network"]

GROUPS = ("cell", "input_gate", "forget_gate", "output_gate", "hidden", "output")
"""The groups of units that have incoming weights."""

SOURCES = ("input", "cell", "hidden", "input_gate", "forget_gate", "output_gate", "bias")
"""What can feed a group, in the order of the weights' columns."""

SQUASHES = {
    "identity": None,
    "sigmoid": (1.0, 1.0, 0.0),
    "sigmoid_pm1": (2.0, 1.0, -1.0),
    "sigmoid_pm2": (4.0, 1.0, -2.0),
    "tanh": (2.0, 2.0, -1.0),
}
"""Squashing functions ``scale * sigmoid(slope * x) + offset`` as (scale, slope, offset); None is x itself."""

_EVERYTHING = ("input", "cell", "hidden", "input_gate", "forget_gate", "output_gate")


@dataclass(frozen=True)
class Network:
    """Inputs, one hidden layer of memory blocks and, if asked, conventional units, and output units.

    The defaults are the network of Hochreiter & Schmidhuber 1997: no forget gates, the hidden layer fully
    connected to itself (gates feed back too) and to the inputs, outputs fed by the cells alone, no biases.
    Hidden units see the current input and the hidden layer of the step before; outputs see the current hidden layer.

    Args:
        inputs, outputs: the numbers of input and output units.
        blocks, block_size: the number of memory blocks, and of cells in each; without blocks the network is a
            perceptron, or has conventional hidden units alone.
        hidden: the number of conventional hidden units.
        forget_gates: Gers, Schmidhuber & Cummins 2000.
        output_gates: experiment 2 of 1997 has none.
        state_decay: without forget gates, every step multiplies the states by this constant.
        traces_decay: whether the states' partial derivatives decay with them by ``state_decay``, as exactly they do;
            with forget gates they always decay as the states do.
        peepholes: Gers & Schmidhuber 2000; a gate sees the states of its own block's cells.
        input_squash, output_squash: the papers' functions g and h: names of :data:`SQUASHES`.
        unit_squash, hidden_squash: those of output units and of conventional hidden units.
        feeds: for each group of units, its sources: ``{"output": "input cell bias"}``. A group that is not named
            keeps its default: everything in the hidden layer is fed by ``input cell hidden`` and all gates,
            outputs by ``cell hidden``. Outputs can be fed by the gates too, all of them; errors then reach a gate
            from the outputs and through its cells. ``"bias"`` among the sources gives each unit of the group a bias.
        init: initial weights are uniform in [-init, init].
        bias_range: the same for biases; by default as ``init``.
        bias_init: for each group its units' initial biases, where they are not random.

    >>> embedded_reber = Network(7, 7, blocks=4).biased("input_gate output_gate", output_gate=(-1, -2, -3, -4))
    >>> embedded_reber.weight_count
    264
    """

    inputs: int
    outputs: int
    blocks: int = 1
    block_size: int = 1
    hidden: int = 0
    forget_gates: bool = False
    output_gates: bool = True
    peepholes: bool = False
    state_decay: float = 1.0
    traces_decay: bool = True
    input_squash: str = "sigmoid_pm2"
    output_squash: str = "sigmoid_pm1"
    unit_squash: str = "sigmoid"
    hidden_squash: str = "sigmoid"
    feeds: Mapping[str, str] = field(default_factory=dict)
    init: float = 0.1
    bias_range: float | None = None
    bias_init: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        check_counts(inputs=self.inputs, outputs=self.outputs, block_size=self.block_size)
        check_counts(0, blocks=self.blocks, hidden=self.hidden)
        for name in ("inputs", "outputs", "blocks", "block_size", "hidden"):
            object.__setattr__(self, name, int(getattr(self, name)))  # as JSON can hold it
        for name in ("forget_gates", "output_gates", "peepholes", "traces_decay"):
            if not isinstance(getattr(self, name), bool | np.bool_):
                raise ValueError(f"{name} must be True or False, got {getattr(self, name)!r}")
            object.__setattr__(self, name, bool(getattr(self, name)))
        ranges = {"init": self.init, "bias_range": self.init if self.bias_range is None else self.bias_range}
        for name, value in ranges.items():
            if not (isinstance(value, int | float) and isfinite(value)):
                raise ValueError(f"{name} must be a finite number, got {value!r}")
        for name in ("input_squash", "output_squash", "unit_squash", "hidden_squash"):
            if getattr(self, name) not in SQUASHES:
                raise ValueError(f"{name} must be one of {', '.join(SQUASHES)}; got {getattr(self, name)!r}")
        if not (isinstance(self.state_decay, int | float) and 0 < self.state_decay <= 1):
            raise ValueError(f"state_decay must be a number in (0, 1], got {self.state_decay!r}")
        if self.forget_gates and self.state_decay != 1:
            raise ValueError("states decay by forget gates or by state_decay, not by both")
        for group in (*self.feeds, *self.bias_init):
            if group not in self.groups:
                raise ValueError(f"this network has no group {group!r}; its groups are {', '.join(self.groups)}")
        object.__setattr__(self, "feeds", {group: " ".join(self._sources_of(group)) for group in self.groups})
        if not self.feeds["output"]:
            raise ValueError("nothing feeds the output units; feeds={'output': 'input'} makes a perceptron")
        initial = {group: tuple(float(b) for b in values) for group, values in self.bias_init.items()}
        for group, values in initial.items():
            if "bias" not in self.feeds[group].split():
                raise ValueError(f"initial biases are given for {group!r}, which 'bias' does not feed")
            if not all(isfinite(value) for value in values):
                raise ValueError(f"an initial bias of {group!r} is no finite number: {values}")
            if len(values) != self.size(group):
                raise ValueError(f"{group!r} has {self.size(group)} units, got {len(values)} initial biases")
        object.__setattr__(self, "bias_init", initial)
        if self.weight_count > MOST_NUMBERS:
            raise ValueError(f"this network has {self.weight_count:,} weights, and {MOST_NUMBERS:,} are the most")

    def _sources_of(self, group: str) -> tuple[str, ...]:
        default = ("cell", "hidden") if group == "output" else _EVERYTHING
        present = [source for source in SOURCES if self.size(source)]
        if group not in self.feeds:
            return tuple(source for source in default if source in present)
        named = self.feeds[group].split()
        for source in named:
            if source not in present:
                raise ValueError(f"{group!r} is fed by {source!r}; this network's sources are {', '.join(present)}")
        if group == "output":
            gates = [source for source in present if source.endswith("gate")]
            shown = [source for source in gates if source in named]
            if shown and (self.peepholes or shown != gates):
                raise ValueError("output units are fed by all gates or by none, and by none that has peepholes")
            for source in ("cell", "hidden"):
                if self.size(source) and source not in named:
                    raise ValueError(f"output units must be fed by {source!r}: errors reach these units only so")
        return tuple(source for source in SOURCES if source in named)

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of units that this network has, :data:`GROUPS` without the absent ones."""
        return tuple(group for group in GROUPS if self.size(group))

    def size(self, group: str) -> int:
        """Returns the number of units in a group or source."""
        return {
            "input": self.inputs,
            "cell": self.blocks * self.block_size,
            "input_gate": self.blocks,
            "forget_gate": self.blocks * self.forget_gates,
            "output_gate": self.blocks * self.output_gates,
            "hidden": self.hidden,
            "output": self.outputs,
            "bias": 1,
        }[group]

    def sources(self, group: str) -> tuple[str, ...]:
        """Returns the sources of a group, in the order of its weights' columns."""
        return tuple(self.feeds[group].split())

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Returns the weights' shapes: of a group ``[units, sources]``, of a gate's peepholes ``[blocks, block_size]``.

        Columns follow :meth:`sources`; cells stand block after block.
        """
        shapes: dict[str, tuple[int, ...]] = {
            group: (self.size(group), sum(self.size(source) for source in self.sources(group))) for group in self.groups
        }
        if self.peepholes:
            gates = [group for group in self.groups if group.endswith("gate")]
            shapes.update({f"{gate}_peephole": (self.blocks, self.block_size) for gate in gates})
        return shapes

    def units(self) -> list[np.ndarray]:
        """Returns which weights belong to which block or conventional unit, as places in the order of :meth:`shapes`.

        A block's are those into its cells and gates with their peepholes, and from its cells to the outputs; a
        conventional unit's likewise. What the outputs see besides is a part of its own, if there is any.
        """
        owners = []
        rest, cells = self.blocks + self.hidden, np.repeat(np.arange(self.blocks), self.block_size)
        own = {"cell": cells, "hidden": self.blocks + np.arange(self.hidden)}
        for name, shape in self.shapes().items():
            if name == "output":
                parts = [own.get(source, np.full(self.size(source), rest)) for source in self.sources("output")]
                owners.append(np.tile(np.concatenate(parts), (shape[0], 1)))
            else:
                owners.append(np.tile(own.get(name, np.arange(self.blocks))[:, None], shape[1]))
        owner = np.concatenate([each.ravel() for each in owners])
        parts = [np.flatnonzero(owner == unit) for unit in range(rest + 1)]
        return [part for part in parts if len(part)]

    @property
    def weight_count(self) -> int:
        """The number of weights, biases and peepholes included."""
        return sum(a * b for a, b in self.shapes().values())

    def biased(self, groups: str, **initial: tuple[float, ...]) -> Network:
        """Returns the same network with biases for these groups; ``initial`` holds a group's first values."""
        feeds = dict(self.feeds)
        for group in groups.split():
            if group not in feeds:
                raise ValueError(f"this network has no group {group!r}; its groups are {', '.join(self.groups)}")
            feeds[group] = f"{feeds[group]} bias"
        return self._with(feeds=feeds, bias_init={**self.bias_init, **initial})

    def _with(self, **changes: Any) -> Network:
        return Network(**{**self.facts(), **changes})

    def initial_weights(self, rng: np.random.Generator) -> dict[str, np.ndarray]:
        """Draws first weights in float64, as the papers do: uniform, biases as declared."""
        weights = {name: rng.uniform(-self.init, self.init, shape) for name, shape in self.shapes().items()}
        for group in self.groups:
            if "bias" in self.sources(group):  # the last source
                if self.bias_range is not None:
                    weights[group][:, -1] = rng.uniform(-self.bias_range, self.bias_range, self.size(group))
                if group in self.bias_init:
                    weights[group][:, -1] = self.bias_init[group]
        return weights

    def facts(self) -> dict[str, Any]:
        """Returns the arguments that make this network, as JSON can hold them."""
        return {f.name: getattr(self, f.name) for f in fields(self)}

"""Where everything of a network lies in the flat arrays that the compiled rule works on.

Units of a group stand side by side in lanes, padded to whole vectors; a weight row holds one source's weights to
all units of a group. The cells of a block stand in different vectors (all first cells, then all second ...), so that
a lane is a block, and what cells and gates of a block have to do with each other happens within a lane.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np

from carrousel._format import Declared
from carrousel.learning._simd import LANES
from carrousel.learning.online.network._network import SQUASHES, Network

__all__ = [
    "BIASED",
    "COLUMNS",
    "ERROR",
    "FIRST",
    "INJECT",
    "LAST",
    "PLAN",
    "ROWS",
    "SEES_INPUT",
    "SLOT",
    "TABLE",
    "Layout",
]

_HEADER = (
    "inputs", "outputs", "block_size", "lanes", "hidden_lanes", "output_lanes", "forget", "gated", "peepholes",
    "alike", "back_size", "y_size", "y_hidden", "y_input", "y_forget", "y_output", "cross_entropy", "slots", "traces",
    "shown", "recurrent", "peep_input", "peep_forget", "peep_output", "trace_peeps", "trace_end", "trace_table",
    "work_inject", "work_squashed", "work_error", "work_hidden", "work_delta",
)  # fmt: skip
PLAN = {name: index for index, name in enumerate(_HEADER)}
"""The place of each number in the plan; the table of slots follows, then the table of traces."""

TABLE = len(_HEADER)
WEIGHT, SEES_INPUT, FIRST, LAST, ROWS, BIASED, COLUMNS = range(7)
"""Columns of the table of slots: where its weights start, whether inputs feed it, its sources, its rows, whether the
last of them is a bias; and the number of columns."""

TRACE, SLOT, INJECT, ERROR = range(4)
"""Columns of the table of traces: where it starts, the slot of its weights, and where in the working space a step's
injection and the state's error stand."""


def _padded(units: int) -> int:
    return -(-units // LANES) * LANES


class Layout:
    """Sizes and offsets in the flat arrays of one network.

    A slot is a group of units, or for cells those that have the same place in their blocks: first the cells' slots,
    then input, forget and output gates, conventional units, outputs. A trace is a cell slot's derivatives by the
    weights of one slot.

    Attributes:
        plan: whole numbers, see :data:`PLAN`.
        squash: the squashing functions' constants, those that states and their derivatives decay by, and
            the size below which an error counts as zero.
        sources: the sources of all slots, as places in the array of activations.
    """

    def __init__(self, network: Network, cross_entropy: bool = False, insensitive: float = 0.0) -> None:
        self.network = network
        S = network.block_size
        lanes, hidden, outputs = _padded(network.blocks), _padded(network.hidden), _padded(network.outputs)
        # Activations: cells, conventional units, gates.
        starts = np.cumsum([0, S * lanes, hidden, lanes, lanes, lanes])
        self.start = dict(zip(("cell", "hidden", "input_gate", "forget_gate", "output_gate"), starts, strict=False))
        # Whether outputs see the gates too.
        shown = any(source.endswith("gate") for source in network.sources("output"))
        head = dict.fromkeys(_HEADER, 0)
        head.update(
            inputs=network.inputs, outputs=network.outputs, block_size=S, lanes=lanes, hidden_lanes=hidden,
            output_lanes=outputs, forget=network.forget_gates, gated=network.output_gates,
            peepholes=network.peepholes, back_size=starts[-1] if shown else S * lanes + hidden, y_size=starts[-1],
            y_hidden=self.start["hidden"], y_input=self.start["input_gate"], y_forget=self.start["forget_gate"],
            y_output=self.start["output_gate"], cross_entropy=cross_entropy, shown=shown,
        )  # fmt: skip
        gates = [gate for gate in network.groups if gate.endswith("gate")]
        self.slots = [("cell", v) for v in range(S if network.blocks else 0)] + [(gate, 0) for gate in gates]
        head["slots"] = len(self.slots)
        # Whether anything but output units sees the hidden layer's activations.
        head["recurrent"] = any(
            source not in ("input", "bias")
            for group in network.groups
            if group != "output"
            for source in network.sources(group)
        )
        head["alike"] = len({network.feeds[group].removesuffix(" bias") for group, _ in self.slots}) == 1
        self.slots += [("hidden", 0)] * bool(network.hidden) + [("output", 0)]
        sources: list[int] = []
        table = []
        self.size = 0
        for group, _ in self.slots:
            feeds = network.sources(group)
            first = len(sources)
            for source in feeds:
                if source not in ("input", "bias"):
                    sources += self._places(source)
            biased = "bias" in feeds
            rows = ("input" in feeds) * network.inputs + len(sources) - first + biased
            table.append([self.size, int("input" in feeds), first, len(sources), rows, int(biased)])
            self.size += rows * self._lanes(group)
        self.table = table
        if not network.hidden:
            table.insert(-1, [0] * COLUMNS)
        for role, gate in (("input", "input_gate"), ("forget", "forget_gate"), ("output", "output_gate")):
            head[f"peep_{role}"] = self.size
            self.size += (network.peepholes and gate in gates) * S * lanes
        # The working space of one step: net inputs of the slots, later the injections of the traces; the cells'
        # squashed states and derivatives; the states' errors and the gates'; conventional units; outputs.
        head["work_inject"] = head["slots"] * lanes
        learners = ["cell", "input_gate", "forget_gate"][: 2 + network.forget_gates if network.blocks else 0]
        head["work_squashed"] = head["work_inject"] + len(learners) * S * lanes
        head["work_error"] = head["work_squashed"] + 2 * S * lanes
        head["work_hidden"] = head["work_error"] + (S + 1 + 2 * shown) * lanes
        head["work_delta"] = head["work_hidden"] + 2 * hidden
        self.work_size = head["work_delta"] + 3 * outputs
        traces = []
        self.trace_size = 0
        for kind, group in enumerate(learners):
            for v in range(S):
                slot = v if group == "cell" else self.slots.index((group, 0))
                inject = head["work_inject"] + (kind * S + v) * lanes
                traces.append([self.trace_size, slot, inject, head["work_error"] + v * lanes])
                self.trace_size += table[slot][ROWS] * lanes
        head.update(traces=len(traces), trace_table=TABLE + COLUMNS * len(table), trace_peeps=self.trace_size)
        if network.peepholes:
            self.trace_size += (len(learners) - 1) * S * S * lanes
        head["trace_end"] = self.trace_size
        self.head = {name: int(value) for name, value in head.items()}
        self.plan = np.array([*self.head.values(), *chain(*table), *chain(*traces)], np.int64)
        self.sources = np.array(sources, np.int64)
        units = [(lanes, network.blocks), (hidden, network.hidden), (outputs, network.outputs)]
        self.masks = np.concatenate([np.arange(padded) < real for padded, real in units]).astype(float)
        squash = [
            (1.0, 1.0, 1.0, 0.0) if constants is None else (0.0, *constants)
            for name in ("input_squash", "output_squash", "hidden_squash", "unit_squash")
            for constants in [SQUASHES[getattr(network, name)]]
        ]
        trace_decay = network.state_decay if network.traces_decay else 1.0
        self.squash = np.array([*chain(*squash), network.state_decay, trace_decay, insensitive])

    def declared(self, dtype: np.dtype, moments: int, collects: bool) -> Declared:
        """Returns shapes and dtypes of the arrays that change from step to step, and are saved.

        Args:
            dtype: of weights and states.
            moments: how many numbers the optimiser remembers for each weight.
            collects: whether a gradient is collected.
        """
        inputs = self.network.inputs
        return {
            "weights": ((self.size,), dtype),
            "state": ((self.head["y_hidden"] + 2 * self.head["y_size"],), dtype),
            "traces": ((self.trace_size,), dtype),
            "gradient": ((self.size if collects else 0,), dtype),
            "moments": ((moments, self.size), dtype),
            "rates": ((4,), dtype),
            "touched": ((inputs + 1,), np.int64),
            "flags": ((inputs,), np.uint8),
            "counters": ((6,), np.int64),
        }

    @cached_property
    def weight_places(self) -> np.ndarray:
        """Where each weight lies in the flat array, in the order of the named ones: the rest fills vectors."""
        return np.concatenate([places.ravel() for places in self.unpack(np.arange(self.size)).values()])

    @property
    def nodes(self) -> np.ndarray:
        """The number of the unit that each weight enters, in the order of the named ones; peepholes enter gates."""
        n, first, nodes = self.network, 0, {}
        for group in n.groups:
            nodes[group] = np.arange(first, first + n.size(group))[:, None]
            first += n.size(group)
        shapes = n.shapes().items()
        return np.concatenate(
            [np.broadcast_to(nodes[w.removesuffix("_peephole")], shape).ravel() for w, shape in shapes]
        )

    @cached_property
    def hidden_places(self) -> np.ndarray:
        """Where the activations of cells, block after block, and of conventional units lie in the running state."""
        return self.head["y_hidden"] + np.array(self._places("cell") + self._places("hidden"), np.int64)

    def _places(self, source: str) -> list[int]:
        """Returns where a source's units stand among the activations, cells block after block."""
        n = self.network
        if source == "cell":
            return [v * self.head_lanes + j for j in range(n.blocks) for v in range(n.block_size)]
        return list(range(self.start[source], self.start[source] + n.size(source)))

    @property
    def head_lanes(self) -> int:
        return _padded(self.network.blocks)

    def activations(self, state: np.ndarray) -> dict[str, np.ndarray]:
        """Returns the hidden layer's activations by group, and the cells' states: copies from the running state."""
        y = state[self.head["y_hidden"] :]
        activations = {group: y[self._places(group)] for group in self.network.groups if group != "output"}
        return {"state": state[self._places("cell")], **activations}

    def _lanes(self, group: str) -> int:
        return _padded(self.network.blocks if group == "cell" else self.network.size(group))

    def _parts(self, flat: np.ndarray) -> Iterator[tuple[str, slice, np.ndarray]]:
        """Yields for every slot its group, its units in it, and a view of their weights ``[vectors, rows, LANES]``."""
        S = self.network.block_size
        for (group, v), line in zip(self.slots, (line for line in self.table if line[ROWS]), strict=True):
            lanes = self._lanes(group)
            part = flat[line[WEIGHT] : line[WEIGHT] + line[ROWS] * lanes]
            yield group, slice(v, None, S if group == "cell" else None), part.reshape(-1, line[ROWS], LANES)

    def pack(self, weights: dict[str, np.ndarray], dtype: Any) -> np.ndarray:
        """Returns named weights, shaped as :meth:`Network.shapes` says, as one flat array."""
        flat = np.zeros(self.size, dtype)
        for group, units, part in self._parts(flat):
            rows = np.zeros((self._lanes(group), part.shape[1]), dtype)
            rows[: len(weights[group][units])] = weights[group][units]
            part[...] = rows.reshape(-1, LANES, rows.shape[1]).transpose(0, 2, 1)
        for name, places in self._peepholes().items():
            flat[places] = weights[name]
        return flat

    def unpack(self, flat: np.ndarray) -> dict[str, np.ndarray]:
        """Returns copies of the weights by name: the inverse of :meth:`pack`."""
        weights = {name: np.empty(shape, flat.dtype) for name, shape in self.network.shapes().items()}
        for group, units, part in self._parts(flat):
            into = weights[group][units]
            into[...] = part.transpose(0, 2, 1).reshape(-1, part.shape[1])[: len(into)]
        for name, places in self._peepholes().items():
            weights[name][...] = flat[places]
        return weights

    def _peepholes(self) -> dict[str, np.ndarray]:
        """Returns for each gate with peepholes the places ``[blocks, block_size]`` of its weights."""
        n = self.network
        if not n.peepholes:
            return {}
        lane = np.arange(n.blocks)[:, None] + np.arange(n.block_size) * self.head_lanes
        return {
            f"{gate}_peephole": self.head[f"peep_{gate.removesuffix('_gate')}"] + lane
            for gate in ("input_gate", "forget_gate", "output_gate")
            if n.size(gate)
        }

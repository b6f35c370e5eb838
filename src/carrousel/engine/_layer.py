"""One layer in one direction, as the engine sees it: a cell, its sizes and options, and its weights by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, NamedTuple

import torch

from carrousel.cells import Cell

__all__ = ["QUIET", "UNPREPARED", "Layer", "Masks", "Result", "Weights"]

Weights = Mapping[str, torch.Tensor]
"""The layer's parameters by the names of :meth:`Layer.shapes`."""


UNPREPARED = "the layer was not prepared"
"""Why backends refuse a layer that they were not asked about."""


def _before() -> dict[str, str | None]:
    return {"reference": None}  # which refuses none


@dataclass(frozen=True)
class Layer:
    """What a backend must know of a layer besides its weights. Rates of dropout are not here: see :class:`Masks`.

    Attributes:
        output_size: the size of h.
        blocks: the number of blocks, which is the number of rows of a gate.
        row_sizes: the number of rows of each gate and candidate, in the cell's order.
        fed_back: the gates whose activations are states too, for they feed the next step.
        state_names: the names of all states in the order in which they are passed: h, the cell's, the gates fed back.
        state_sizes: the sizes that go with them.
        refusals: why backends refuse it, None for those that do not, by their names; known once it has been prepared.
        key: the string by which a traced graph knows it; likewise.
        kernels: what backends make for it, which so lives as long as it does; no field, for the layer is what it is
            without, and ``torch.compile`` would watch it.
    """

    cell: Cell
    input_size: int
    hidden_size: int
    proj_size: int = 0
    bias: bool = True
    layer_norm: bool = False
    block_size: int = 1
    heads: int = 1
    diagonal: bool = False
    gate_recurrence: str | None = None
    output_size: int = field(init=False, repr=False, compare=False)
    blocks: int = field(init=False, repr=False, compare=False)
    row_sizes: tuple[int, ...] = field(init=False, repr=False, compare=False)
    fed_back: tuple[str, ...] = field(init=False, repr=False, compare=False)
    state_names: tuple[str, ...] = field(init=False, repr=False, compare=False)
    state_sizes: tuple[int, ...] = field(init=False, repr=False, compare=False)
    refusals: dict[str, str | None] = field(default_factory=_before, init=False, repr=False, compare=False)
    key: str = field(default="", init=False, repr=False, compare=False)
    kernels: ClassVar[dict[Any, Any]]
    _shapes: dict[str, tuple[int, ...]] = field(init=False, repr=False, compare=False)
    _hash: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        # Plain attributes, not properties: every call looks at them, and torch.compile looks through them.
        cell = self.cell
        blocks = self.hidden_size // self.block_size
        inner = (self.hidden_size,) * len(cell.states)
        output_size = self.proj_size or self.hidden_size
        fed_back = cell.gates if self.gate_recurrence else ()
        row_sizes = tuple(self.hidden_size if row in cell.candidates else blocks for row in cell.rows)
        derived = {
            "output_size": output_size,
            "blocks": blocks,
            "row_sizes": row_sizes,
            "fed_back": fed_back,
            "state_names": ("h", *cell.states, *fed_back),
            "state_sizes": (output_size, *inner, *(blocks,) * len(fed_back)),
        }
        for name, value in derived.items():
            object.__setattr__(self, name, value)
        object.__setattr__(self, "_shapes", self._make_shapes())
        self._begin()

    def _begin(self) -> None:
        object.__setattr__(self, "kernels", {})
        object.__setattr__(self, "_hash", hash(tuple(getattr(self, f.name) for f in fields(self) if f.compare)))

    def __hash__(self) -> int:
        return self._hash

    def __deepcopy__(self, memo: dict[int, Any]) -> Layer:
        return self  # nothing in it changes

    def __getstate__(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("kernels", "_hash")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._begin()  # kernels and hashes are a process's own

    def refusal_of(self, backend: str) -> str | None:
        """Says why the backend of a name refuses the layer; None if it does not."""
        return self.refusals.get(backend, UNPREPARED)

    def size_of(self, name: str) -> int:
        """Returns the size of a state, a gate or a candidate: of what every step has of it."""
        return dict(zip(self.state_names, self.state_sizes, strict=True)).get(name, self.hidden_size)

    def shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The layer's parameters: names and shapes, in the order of ``torch.nn.LSTM``, carrousel's own after."""
        return self._shapes

    def _make_shapes(self) -> dict[str, tuple[int, ...]]:
        cell, rows = self.cell, sum(self.row_sizes)
        shapes: dict[str, tuple[int, ...]] = {"weight_ih": (rows, self.input_size)}
        if cell.recurrent:
            seen = (rows, self.output_size // self.heads)
            shapes["weight_hh"] = (rows,) if self.diagonal else seen
        if self.bias:
            shapes["bias_ih"] = (rows,)
            if cell.recurrent:
                shapes["bias_hh"] = (rows,)
        if self.proj_size:
            shapes["weight_hr"] = (self.proj_size, self.hidden_size)
        if cell.peepholes:
            shapes["weight_peephole"] = (len(cell.peepholes), self.hidden_size)
        if self.gate_recurrence:
            fed = sum(n for n, row in zip(self.row_sizes, cell.rows, strict=True) if row in cell.gates)
            shapes["weight_gh"] = (fed if self.gate_recurrence == "gates" else rows, fed)
        if self.layer_norm:
            shapes["norm_ih"] = (rows,)
            if cell.recurrent:
                shapes["norm_hh"] = (rows,)
            for state in cell.exits:
                shapes[f"norm_{state}"] = (self.hidden_size,)
                if self.bias:
                    shapes[f"norm_bias_{state}"] = (self.hidden_size,)
        return shapes


class Masks(NamedTuple):
    """The noise of one call in training, drawn before the recursion so that every backend sees the same.

    Each is None where its option is off.

    Attributes:
        variational: ``[B, output]``, factors on the recurrent input h, the same at every step.
        candidate: ``[T, B, H]`` for each candidate, factors on it.
        zoneout_h: ``[T, B, output]``, the share of the old h that is kept: 0 or 1, or the rate itself in evaluation.
        zoneout_c: ``[T, B, H]``, the same for the cell's states.
    """

    variational: torch.Tensor | None = None
    candidate: dict[str, torch.Tensor] | None = None
    zoneout_h: torch.Tensor | float | None = None
    zoneout_c: torch.Tensor | float | None = None

    def at(self, t: int) -> Masks:
        """Returns the masks of one step, without the axis of time."""
        return Masks(
            self.variational,
            self.candidate and {name: mask[t] for name, mask in self.candidate.items()},
            *(mask[t] if isinstance(mask, torch.Tensor) else mask for mask in (self.zoneout_h, self.zoneout_c)),
        )

    def tensors(self) -> list[torch.Tensor]:
        """Lists all tensors, those of a sequence first."""
        zoneout = (mask for mask in (self.zoneout_h, self.zoneout_c) if isinstance(mask, torch.Tensor))
        variational = [] if self.variational is None else [self.variational]
        return [*variational, *(self.candidate or {}).values(), *zoneout]

    def map(
        self, sequence: Callable[[torch.Tensor], torch.Tensor], step: Callable[[torch.Tensor], torch.Tensor]
    ) -> Masks:
        """Returns what ``sequence`` makes of the masks of a sequence, and ``step`` of those that every step has."""

        def zone(mask: torch.Tensor | float | None) -> torch.Tensor | float | None:
            return step(mask) if isinstance(mask, torch.Tensor) else mask

        return Masks(
            None if self.variational is None else sequence(self.variational),
            self.candidate and {name: step(mask) for name, mask in self.candidate.items()},
            zone(self.zoneout_h),
            zone(self.zoneout_c),
        )


QUIET = Masks()
"""No noise at all."""


class Result(NamedTuple):
    """What running a layer over a sequence gives.

    Attributes:
        output: ``[T, B, output]``; zero past a sequence's length.
        final: the states after each sequence's last step, in the order of :attr:`Layer.state_names`.
        steps: every step's values ``[T, B, size]`` by name, as far as they were asked for; zero past the length.
    """

    output: torch.Tensor
    final: tuple[torch.Tensor, ...]
    steps: dict[str, torch.Tensor]

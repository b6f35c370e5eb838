"""One pass forward or backward over grids on the kernels."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import NamedTuple

import torch
from torch import Tensor

from carrousel.engine.cpu._buffers import poisoned, zeros
from carrousel.engine.cpu._calls import Calls
from carrousel.engine.cpu._counts import ROWS, STEPS, Count, valued
from carrousel.engine.cpu._counts import Frame as Roughly
from carrousel.engine.cpu._program import Place, Program
from carrousel.engine.cpu._sized import Sized
from carrousel.engine.cpu.grids._code import GATHER, backward_words, forward_words, grid_code
from carrousel.engine.cpu.grids._plan import plan_of
from carrousel.engine.cpu.llvm import _parallel
from carrousel.engine.cpu.llvm._target import Target, host
from carrousel.engine.grids._layer import GridLayer, GridWeights
from carrousel.engine.grids._walk import Walk

__all__ = ["KEPT", "backward", "forward"]

KEPT = ("G", "A")
"""The buffers that are kept for the backward pass, besides every state's: the slots, and what they are computed of."""

_WIDE = 64
"""Of diagonals that are not longer there is memory for so many rows, or for a multiple."""


class Frame(NamedTuple):
    """What a program knows of the walks that it is for. The numbers of rows, and of places of the padded batch, are
    counted when it runs: sizes are new with every batch, and a program serves many.

    Attributes:
        groups: the number of groups of grids.
        widest: the most rows of a diagonal, rounded up.
        whole: whether every place of the padded batch is one of a grid.
        rows, places: how many there are about, for deciding what is worth several threads.
    """

    groups: int
    widest: int
    whole: bool
    rows: int
    places: int

    @classmethod
    def of(cls, walk: Walk) -> Frame:
        """Returns the :class:`Frame` of a walk."""
        about = [Roughly.roughly(number) for number in (walk.rows, walk.count)]
        return cls(len(walk.groups) - 1, -(-walk.widest // _WIDE) * _WIDE, walk.whole, *about)


class _Given(NamedTuple):
    """What a pass is given."""

    walk: Walk
    x: Tensor
    weights: GridWeights
    kept: dict[str, Tensor]
    d_output: Tensor | None = None


class GridKernels(Sized):
    """Holds a layer's kernels for one type of numbers, and the programs of its passes.

    Attributes:
        width: the units in whole vectors; ``ldg``, ``lda``, ``ldd`` the distances of rows of slots, of what these are
            computed of, and of the adjoints of neighbours' outputs.
    """

    def __init__(self, layer: GridLayer, dtype: torch.dtype, target: Target) -> None:
        super().__init__(dtype, target)
        self.layer, self.plan = layer, plan_of(layer.cell)
        I, H, n = layer.input_size, layer.hidden_size, layer.dimensions
        self.width, self.K = self.whole(H), I + n * H + layer.bias
        self.ldg = self.spaced(len(self.plan.slots) * self.width)
        # Whole vectors are written of every part, the last part's end past the row's.
        self.lda = self.whole(max(self.K, self.whole(I), I + (n - 1) * H + self.width))
        self.ldd = self.whole(n * H) + self._lanes
        self.zeros = zeros(max(self.ldg, self.lda, self.ldd), dtype=dtype)
        team = _parallel.runtime()
        fixed = {
            **team, "product": self.code.address("product"), "zeros": self.zeros.data_ptr(), "width": self.width,
            "ldg": self.ldg, "lda": self.lda, "ldd": self.ldd, "input": I, "units": H, "K": self.K,
            "one": int(layer.bias), "ldy": layer.output_size,
        }  # fmt: skip
        self.forward_arguments = forward_words(layer.cell).arguments(**fixed)
        self.backward_arguments = backward_words(layer.cell).arguments(**fixed)
        self.gather_arguments = GATHER.arguments(**team)
        self.cell_code = grid_code(layer.cell, self.kind, target)


def kernels_of(layer: GridLayer, dtype: torch.dtype) -> GridKernels:
    """Returns the :class:`GridKernels` of a layer. They live as long as the layer."""
    if dtype not in layer.kernels:
        layer.kernels[dtype] = _made(layer, dtype, host())
    return layer.kernels[dtype]


@lru_cache(maxsize=32)  # who makes one network after the other, all alike, finds what the last one had
def _made(layer: GridLayer, dtype: torch.dtype, target: Target) -> GridKernels:
    return GridKernels(layer.apart(), dtype, target)


def forward(
    layer: GridLayer, weights: GridWeights, x: Tensor, walk: Walk, *, keep: bool
) -> tuple[Tensor, dict[str, Tensor]]:
    """Computes the outputs ``[places, 2^n · H]``, and what is kept for the backward pass, if that will follow.

    Args:
        layer: the layer.
        weights: its parameters.
        x: the padded batch, ``[places, input]``.
        walk: the walk over its grids.
        keep: whether a backward pass will follow.
    """
    kernels = kernels_of(layer, x.dtype)
    frame = Frame.of(walk)
    key = ("forward", keep, frame, _parallel.threads(), poisoned())
    program = kernels.program(key, lambda: _Pass(kernels, frame).forward(keep=keep))
    made = program.run(_Given(walk, x, weights, {}), walk.rows, walk.count)
    kept = {name: made[name] for name in (*KEPT, *_states(layer))} if keep else {}
    return made["output"], kept


def backward(
    layer: GridLayer,
    weights: GridWeights,
    x: Tensor,
    walk: Walk,
    kept: dict[str, Tensor],
    d_output: Tensor,
    wanted: frozenset[str],
) -> dict[str, Tensor]:
    """Computes the derivatives that are ``wanted``, ``"x"`` and the weights' names. Uses ``kept`` up."""
    kernels = kernels_of(layer, x.dtype)
    frame = Frame.of(walk)
    key = ("backward", wanted, frame, _parallel.threads(), poisoned())
    program = kernels.program(key, lambda: _Pass(kernels, frame).backward(wanted))
    made = program.run(_Given(walk, x, weights, kept, d_output), walk.rows, walk.count)
    return {name: made[name] for name in wanted}


def _states(layer: GridLayer) -> list[str]:
    return [f"S_{name}" for name in layer.cell.states]


class _Pass(Calls):
    """Writes a pass over walks of a frame."""

    def __init__(self, kernels: GridKernels, frame: Frame) -> None:
        super().__init__(kernels)
        self.kernels, self.layer, self.plan, self.frame = kernels, kernels.layer, kernels.plan, frame
        self.N, self.count = ROWS, STEPS  # the rows, and in the place of steps the places of the padded batch
        self.widest, self.groups, self.whole = frame.widest, frame.groups, frame.whole
        self.D, self.H, self.width = self.layer.directions, self.layer.hidden_size, kernels.width
        self.rows_of_weights = len(self.plan.slots) * self.H
        self.threads = min(self.workers(self.D * self.N * kernels.K * kernels.ldg), self.groups * self.D)

    def _about(self, number: int | Count) -> int:
        return valued(number, self.frame.rows, self.frame.places)

    def table(self, name: str) -> Place:
        """Returns a table of the walk."""
        return self.program.given(name, lambda given: getattr(given.walk, name), 8)

    def weight(self, name: str) -> Place:
        """Returns a weight of all directions."""
        return self.program.given(("weight", name), lambda given: given.weights[name])

    def panels(self, kernel: str, source: Place, columns: int, depth: int) -> Place:
        """Returns panels of a weight of all directions, ``depth`` numbers for each."""
        room = self.program.room(self.D * depth)
        for k in range(self.D):
            starts = torch.arange(len(self.plan.slots)) * self.H + k * self.rows_of_weights
            self.pack(kernel, source, columns, starts, self.H, room.after(k * depth))
        return room

    def vectors(self) -> Place | int:
        """Returns the weights that have a number for each unit, in whole vectors."""
        count = self.D * len(self.plan.vectors)
        return self.padded(self.weight("weight_peephole"), count, self.H, self.width) if count else self.zeros

    def _walk(self, weights: Place, slots: Place) -> dict[str, Place | Count | int]:
        """Returns the words that both directions of time have."""
        words: dict[str, Place | Count | int] = {
            "threads": self.threads, "directions": self.D, "tasks": self.groups * self.D, "rows": self.N,
            "widest": self.widest, "W": weights, "P": self.vectors(), "G": slots,
        }  # fmt: skip
        return words | {name: self.table(name) for name in ("groups", "offsets", "before", "places")}

    def forward(self, *, keep: bool) -> Program:
        """Writes the forward pass."""
        kernels, program, K = self.kernels, self.program, self.kernels.K

        def joined(given: _Given) -> Tensor:
            """The weights of all that stands in a row of ``A``."""
            parts = [given.weights["weight_ih"], given.weights["weight_hh"]]
            return torch.cat([*parts, *([given.weights["bias"].unsqueeze(-1)] if self.layer.bias else [])], dim=-1)

        panels = self.panels("pack_rows", program.given("weights", joined), K, len(self.plan.slots) * self.width * K)
        sizes = {"G": kernels.ldg, "A": kernels.lda, "H": self.width} | dict.fromkeys(_states(self.layer), self.width)
        rooms = {}
        for name, size in sizes.items():
            if keep and name != "H":
                rooms[name] = program.result(name, self.D * self.N, size)
            elif keep:
                rooms[name] = program.room(self.D * self.N * size)
            else:
                rooms[name] = program.room(self.threads * self.widest * size * (1 if name in KEPT else 2))
        output = program.result("output", self.count, self.layer.output_size, cleared=not self.whole)
        words = self._walk(panels, rooms.pop("G")) | rooms
        words |= {"X": program.given("x", lambda given: given.x), "Y": output}
        name = "forward" if keep else "forward_only"
        program.call(kernels.cell_code, name, kernels.forward_arguments, **words)
        return program.seal()

    def backward(self, wanted: frozenset[str]) -> Program:
        """Writes the backward pass."""
        kernels, program, n, H, width = self.kernels, self.program, self.layer.dimensions, self.H, self.width
        deep = len(self.plan.slots) * width
        kept = {
            name: program.given(("kept", name), partial(lambda name, given: given.kept[name], name))
            for name in (*KEPT, *_states(self.layer))
        }
        panels = self.panels("pack_columns", self.weight("weight_hh"), n * H, deep * kernels.whole(n * H))
        vectors = len(self.plan.vectors) * width
        sums = program.room(max(self.groups * self.D * vectors, 1), cleared=True)
        words = self._walk(panels, kept["G"]) | {
            "after": self.table("after"), "dY": program.given("d output", lambda given: given.d_output),
            "dA": program.room(self.threads * 2 * self.widest * kernels.ldd), "dP": sums,
        }  # fmt: skip
        for name in _states(self.layer):
            words |= {name: kept[name], f"d{name}": program.room(self.threads * 2 * self.widest * n * width)}
        program.call(kernels.cell_code, "backward", kernels.backward_arguments, **words)
        if "x" in wanted:
            self._by_x(kept["G"], deep)
        for k in range(self.D):
            self._by_weights(k, kept, deep, wanted)
        if "weight_peephole" in wanted:
            count = self.D * len(self.plan.vectors)
            total = program.result("weight_peephole", self.D, len(self.plan.vectors), H)
            whole = program.room(count * width)
            self.sum(sums, count * width, self.groups, count * width, whole)
            self.rows(whole, width, total, H, count, H, H)
        return program.seal()

    def _by_x(self, slots: Place, deep: int) -> None:
        """Writes the derivative by the input: every direction's, gathered."""
        kernels, I = self.kernels, self.layer.input_size
        columns = kernels.whole(I)
        panels = self.panels("pack_columns", self.weight("weight_ih"), I, deep * columns)
        room = self.program.room(self.D * self.N * columns)
        for k in range(self.D):
            self.bulk(
                slots.after(k * self.N * kernels.ldg), kernels.ldg, panels.after(k * deep * columns),
                room.after(k * self.N * columns), columns, M=self.N, N=columns, K=deep,
            )  # fmt: skip
        self.program.call(
            kernels.cell_code, "gather", kernels.gather_arguments, threads=self.workers(self.D * self.count * I),
            directions=self.D, rows=self.N, count=self.count, found=self.table("found"), source=room, lds=columns,
            columns=I, target=self.program.result("x", self.count, I),
        )  # fmt: skip

    def _by_weights(self, k: int, kept: dict[str, Place], deep: int, wanted: frozenset[str]) -> None:
        """Writes the derivatives by a direction's weights: one product of the adjoints with what they came from."""
        kernels, layer, H, n = self.kernels, self.layer, self.H, self.layer.dimensions
        I, lda = layer.input_size, kernels.lda
        parts = {"weight_ih": (0, I), "weight_hh": (I, n * H)} | ({"bias": (I + n * H, 1)} if layer.bias else {})
        if not parts.keys() & wanted:
            return
        whole = self.program.room(deep * lda)
        a, b = kept["G"].after(k * self.N * kernels.ldg), kept["A"].after(k * self.N * lda)
        self.outer(a, kernels.ldg, self.N, deep, (b, lda, lda, whole))
        for name, (column, columns) in parts.items():
            if name not in wanted:
                continue
            shape = (self.D, self.rows_of_weights) if name == "bias" else (self.D, self.rows_of_weights, columns)
            result = self.program.result(name, *shape)
            for slot in range(len(self.plan.slots)):
                source = whole.after(slot * self.width * lda + column)
                target = result.after((k * self.rows_of_weights + slot * H) * columns)
                self.rows(source, lda, target, columns, H, columns, columns)

"""The registry: which networks, at which sizes, doing what."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import carrousel
from carrousel.cells import Gates, State
from carrousel.cells.math import exp, sigmoid, softplus, tanh

__all__ = ["ALONE", "BESIDE", "CELLS", "OPTIONS", "SHAPES", "VARIANTS", "WORKLOADS", "Workload", "own", "select"]


@carrousel.cell("i f g o", candidates="g", states="c")
def own(z, s, p):
    """A cell of a user's own, which no paper has: its forget gate is exp(-softplus(x)), and its output sees c twice."""
    i, f, g, o = sigmoid(z.i), exp(-softplus(z.f)), p.g(tanh(z.g)), sigmoid(z.o)
    c = f * s.c + (1.0 - f) * i * g
    return o * tanh(p.c(c) + 0.5 * c), State(c=c), Gates(i=i, f=f, g=g, o=o)


CELLS: dict[str, Callable[[int], dict[str, Any]]] = {
    "lstm": lambda H: {},
    "peephole": lambda H: {"cell": "peephole"},
    "coupled": lambda H: {"cell": "coupled"},
    "slstm": lambda H: {"cell": "slstm"},
    "layer-norm": lambda H: {"layer_norm": True},
    "projection": lambda H: {"proj_size": H // 2},
    "own": lambda H: {"cell": own},
}
"""The networks that are timed in every mode, and their options for a hidden size."""

OPTIONS: dict[str, dict[str, Any]] = {
    "recurrent_dropout variational": {"recurrent_dropout": ("variational", 0.25)},
    "recurrent_dropout candidate": {"recurrent_dropout": ("candidate", 0.25)},
    "zoneout": {"zoneout": 0.1},
    "block_size": {"block_size": 2},
    "heads": {"heads": 4},
    "diagonal": {"diagonal": True},
    "gate_recurrence gates": {"gate_recurrence": "gates"},
    "gate_recurrence all": {"gate_recurrence": "all"},
    "return_states gates": {},  # it is an option of the call: see ASKED
}
"""The plain LSTM with one option each. What they cost is seen in training, where noise is drawn in every go."""

ASKED: dict[str, dict[str, Any]] = {"return_states gates": {"return_states": "gates"}}
"""What some of them are called with."""

VARIANTS = (*CELLS, *OPTIONS)

SHAPES = (
    (100, 1, 32, 32),
    (100, 1, 128, 128),
    (100, 16, 64, 64),
    (100, 32, 128, 128),
    (100, 64, 256, 256),
    (50, 64, 512, 512),
    (1000, 16, 64, 64),
)
BESIDE = ((100, 16, 64, 64), (100, 32, 128, 128), (100, 64, 256, 256))
"""Those at which an option's time is held against the plain LSTM's."""

ALONE = ((100, 1, 128, 128), (100, 1, 256, 256))
"""Batches of one."""

RAGGED = ((128, 32, 128, 128), (512, 16, 128, 128))
MODES = ("train", "train-dx", "inference")


@dataclass(frozen=True)
class Workload:
    """One thing to be timed.

    Attributes:
        variant: one of ``VARIANTS``, of one or more words.
        mode: ``"train"``, forward and backward with an input that needs no gradient, as in a first layer;
            ``"train-dx"``, the same with the input's gradient; ``"inference"``, forward alone; ``"step"``, one step
            through ``step``; ``"memory"``, the peak memory of a training step.
        T, B, I, H: steps, sequences, and the sizes of input and state.
        ragged: whether lengths are drawn from T/2 to T.
    """

    variant: str
    mode: str
    T: int
    B: int
    I: int
    H: int
    ragged: bool = False

    @property
    def name(self) -> str:
        """Words by which it is selected."""
        return f"{self.variant} {self.mode} {self.shape}{' ragged' * self.ragged}"

    @property
    def shape(self) -> str:
        return f"{self.T}x{self.B}x{self.I}x{self.H}"

    @property
    def options(self) -> dict[str, Any]:
        """The keyword arguments of ``carrousel.LSTM``."""
        return CELLS[self.variant](self.H) if self.variant in CELLS else OPTIONS[self.variant]

    @property
    def asked(self) -> dict[str, Any]:
        """The keyword arguments of a call of it."""
        return ASKED.get(self.variant, {})


def _registry() -> Iterable[Workload]:
    for variant in CELLS:
        for mode in MODES:
            alone = ALONE if variant == "lstm" and mode != "train-dx" else ()
            yield from (Workload(variant, mode, *shape) for shape in dict.fromkeys((*SHAPES, *alone)))
            yield from (Workload(variant, mode, *shape, ragged=True) for shape in RAGGED)
    for variant in OPTIONS:
        yield from (Workload(variant, "train", *shape) for shape in SHAPES)
    yield Workload("lstm", "step", 1, 1, 128, 128)
    yield Workload("lstm", "memory", 1000, 16, 64, 64)


WORKLOADS: tuple[Workload, ...] = tuple(_registry())


def select(only: Iterable[str]) -> tuple[Workload, ...]:
    """Returns the workloads for which one of the selections holds: each a few words that all stand in the name.

    Raises:
        ValueError: a selection holds for none.

    >>> [workload.name for workload in select(["lstm ragged inference 128x32x128x128"])]
    ['lstm inference 128x32x128x128 ragged']
    """
    chosen: dict[Workload, None] = {}
    selections = list(only) or [""]
    for selection in selections:
        words = set(selection.split())
        matching = [workload for workload in WORKLOADS if words <= set(workload.name.split())]
        if not matching:
            vocabulary = dict.fromkeys(word for workload in WORKLOADS for word in workload.name.split())
            raise ValueError(f"no workload is {selection!r}; words that stand in their names: {', '.join(vocabulary)}")
        chosen |= dict.fromkeys(matching)
    return tuple(workload for workload in WORKLOADS if workload in chosen)

"""The registry: which networks, at which sizes, doing what."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import carrousel
from carrousel.cells import Gates, State
from carrousel.cells.math import exp, sigmoid, softplus, tanh

__all__ = ["VARIANTS", "WORKLOADS", "Workload", "own", "select"]


@carrousel.cell("i f g o", candidates="g", states="c")
def own(z, s, p):
    """A cell of a user's own, which no paper has: its forget gate is exp(-softplus(x)), and its output sees c twice."""
    i, f, g, o = sigmoid(z.i), exp(-softplus(z.f)), p.g(tanh(z.g)), sigmoid(z.o)
    c = f * s.c + (1.0 - f) * i * g
    return o * tanh(p.c(c) + 0.5 * c), State(c=c), Gates(i=i, f=f, g=g, o=o)


VARIANTS: dict[str, Callable[[int], dict[str, Any]]] = {
    "lstm": lambda H: {},
    "peephole": lambda H: {"cell": "peephole"},
    "coupled": lambda H: {"cell": "coupled"},
    "slstm": lambda H: {"cell": "slstm"},
    "layer-norm": lambda H: {"layer_norm": True},
    "projection": lambda H: {"proj_size": H // 2},
    "own": lambda H: {"cell": own},
}
"""The options of each variant's network for a hidden size."""

SHAPES = (
    (100, 1, 32, 32),
    (100, 1, 128, 128),
    (100, 16, 64, 64),
    (100, 32, 128, 128),
    (100, 64, 256, 256),
    (50, 64, 512, 512),
    (1000, 16, 64, 64),
)
RAGGED = ((128, 32, 128, 128), (512, 16, 128, 128))
MODES = ("train", "train-dx", "inference")


@dataclass(frozen=True)
class Workload:
    """One thing to be timed.

    Attributes:
        variant: one of ``VARIANTS``.
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
        return VARIANTS[self.variant](self.H)


def _registry() -> Iterable[Workload]:
    for variant in VARIANTS:
        for mode in MODES:
            yield from (Workload(variant, mode, *shape) for shape in SHAPES)
            yield from (Workload(variant, mode, *shape, ragged=True) for shape in RAGGED)
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

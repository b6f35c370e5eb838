"""The cells and options over which the module's properties are tested: every cell, and every option at least once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import torch

import carrousel
from carrousel import engine

BACKENDS = ["chosen", "reference"]
"""What runs a layer: what carrousel chooses, or the reference, against which all else is held."""


@contextmanager
def running_on(backend: str) -> Iterator[None]:
    run = engine.reference.run if backend == "reference" else engine.run
    with mock.patch.object(engine, "run", run):
        yield


OPTIONS: dict[str, dict[str, Any]] = {
    "projection": {"cell": "lstm", "proj_size": 2},
    "peephole projection": {"cell": "peephole", "proj_size": 2},
    "no bias": {"cell": "gru", "bias": False},
    "layer norm": {"cell": "peephole", "layer_norm": True},
    "layer norm without bias": {"cell": "lstm", "layer_norm": True, "bias": False},
    "layer norm gru": {"cell": "gru", "layer_norm": True},
    "layer norm slstm": {"cell": "slstm", "layer_norm": True},
    "layer norm minlstm": {"cell": "minlstm", "layer_norm": True},
    "blocks": {"cell": "peephole", "block_size": 2},
    "blocks gru": {"cell": "gru", "block_size": 4},
    "gates to gates": {"cell": "peephole", "gate_recurrence": "gates"},
    "gates to all": {"cell": "original", "gate_recurrence": "all", "block_size": 2},
    "gates to all gru": {"cell": "gru", "gate_recurrence": "all"},
    "heads": {"cell": "slstm", "heads": 2},
    "heads gru": {"cell": "gru", "heads": 4},
    "diagonal": {"cell": "lstm", "diagonal": True},
    "diagonal gru": {"cell": "gru", "diagonal": True},
    "zoneout": {"cell": "lstm", "zoneout": (0.2, 0.4)},
    "everything": {
        "cell": "peephole",
        "layer_norm": True,
        "block_size": 2,
        "gate_recurrence": "gates",
        "heads": 2,
        "zoneout": 0.3,
    },
}

CELLS: dict[str, dict[str, Any]] = {name: {"cell": name} for name in (*carrousel.cells, "elman(squash=relu)")}

ALL: dict[str, dict[str, Any]] = CELLS | OPTIONS

I, H = 3, 4


def make(config: dict[str, Any], *, seed: int = 0, **more: Any) -> carrousel.LSTM:
    """A small network in double precision, its weights large enough for the squashing functions to bend."""
    torch.manual_seed(seed)
    return carrousel.LSTM(I, H, **{"dtype": torch.float64, "init": 0.9, **config, **more}).eval()


def random_state(net: carrousel.LSTM, B: int | None, *, seed: int = 1) -> tuple[torch.Tensor, ...]:
    """Random initial states that the cell can be in: a normaliser is positive, a gate's activation in (0, 1)."""
    generator = torch.Generator().manual_seed(seed)
    dummy = torch.zeros(0, I, dtype=torch.float64) if B is None else torch.zeros(0, B, I, dtype=torch.float64)
    final = as_tuple(net(dummy)[1])
    own = ("h", *net.cell.states)
    state = []
    for index, like in enumerate(final):
        value = torch.rand(like.shape, generator=generator, dtype=like.dtype)
        name = own[index] if index < len(own) else "gate"
        state.append(value + 0.5 if name == "n" else value if name == "gate" else 2 * value - 1)
    return tuple(state)


def as_tuple(state: torch.Tensor | tuple[torch.Tensor, ...]) -> tuple[torch.Tensor, ...]:
    return (state,) if isinstance(state, torch.Tensor) else state


def as_hx(state: tuple[torch.Tensor, ...]) -> torch.Tensor | tuple[torch.Tensor, ...]:
    """The form in which the module takes states: one alone is not a tuple."""
    return state if len(state) > 1 else state[0]

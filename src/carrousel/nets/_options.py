"""The options that LSTM and LSTMCell share: checked once, and turned into the engine's layers."""

from __future__ import annotations

import numbers
from dataclasses import dataclass
from typing import Any

from carrousel import cells
from carrousel.cells import Cell
from carrousel.engine import Layer, prepare

__all__ = ["Rates", "check_flag", "check_rate", "check_size", "check_truth", "layer_of", "rates_of"]


@dataclass(frozen=True)
class Rates:
    """The rates of the noise in the recursion."""

    variational: float = 0.0
    candidate: float = 0.0
    zoneout_h: float = 0.0
    zoneout_c: float = 0.0


def check_size(name: str, value: Any, *, least: int = 1) -> int:
    """Refuses a size that is not an integer of at least ``least``."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} should be of type int, got: {type(value).__name__}")
    if value < least:
        bound = "greater than zero" if least == 1 else f"at least {least}"
        raise ValueError(f"{name} must be {bound}, got {value}")
    return value


def check_flag(name: str, value: Any) -> bool:
    """Refuses what is neither True nor False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")
    return value


def check_truth(name: str, value: Any) -> bool:
    """Refuses what is neither True nor False nor an integer, of which torch takes the truth."""
    if not isinstance(value, numbers.Integral):
        raise TypeError(f"{name} should be of type bool, got: {type(value).__name__}")
    return bool(value)


def check_rate(name: str, value: Any, *, one: bool = False) -> float:
    """Refuses a rate outside [0, 1), or outside [0, 1] if ``one``."""
    number = isinstance(value, numbers.Real) and not isinstance(value, bool)
    if not number or not (0 <= value < 1 or (one and value == 1)):
        raise ValueError(f"{name} should be a number in range [0, 1{']' if one else ')'}, got {value!r}")
    return float(value)


def layer_of(cell: str | Cell, input_size: int, hidden_size: int, *, least: int = 1, **options: Any) -> Layer:
    """Returns a layer of the engine, from a module's options. Neither size may be below ``least``.

    Raises:
        TypeError, ValueError: an option is wrong, or two of them, or one and the cell, do not go together.
    """
    member = cells.get(cell)
    check_size("input_size", input_size, least=least)
    check_size("hidden_size", hidden_size, least=least)
    for name, value in options.items():
        if name in ("bias", "layer_norm", "diagonal"):
            check_flag(name, value)
        elif name in ("block_size", "heads"):
            check_size(name, value)
        elif name == "proj_size":
            check_size(name, value, least=0)
    layer = Layer(member, input_size, hidden_size, **options)
    _check_sizes(layer)
    _check_recurrence(layer)
    return prepare(layer)


def _check_sizes(layer: Layer) -> None:
    cell, H = layer.cell, layer.hidden_size
    if layer.proj_size and layer.proj_size >= H:
        raise ValueError("proj_size has to be smaller than hidden_size")
    if layer.proj_size and cell.reads_output:
        raise ValueError(f"proj_size: cell {cell.spec!r} reads its own output, which cannot be projected")
    if H % layer.block_size:
        raise ValueError(f"block_size {layer.block_size} does not divide hidden_size {H}")
    if layer.block_size > 1 and not cell.gates:
        raise ValueError(f"block_size: cell {cell.spec!r} has no gates that its blocks could share")


def _check_recurrence(layer: Layer) -> None:
    cell = layer.cell
    if layer.gate_recurrence not in (None, "gates", "all"):
        raise ValueError(f"gate_recurrence should be None, 'gates' or 'all', got {layer.gate_recurrence!r}")
    asked = [
        name
        for name, on in (
            ("heads", layer.heads > 1),
            ("diagonal", layer.diagonal),
            ("gate_recurrence", layer.gate_recurrence),
        )
        if on
    ]
    if asked and not cell.recurrent:
        raise ValueError(f"{asked[0]}: cell {cell.spec!r} has no recurrent part")
    if layer.gate_recurrence and not cell.gates:
        raise ValueError(f"gate_recurrence: cell {cell.spec!r} has no gates")
    if layer.diagonal:
        for name, other in (
            ("heads", layer.heads > 1),
            ("proj_size", layer.proj_size),
            ("block_size", layer.block_size > 1),
        ):
            if other:
                raise ValueError(f"diagonal recurrence does not go together with {name}")
    sizes = {"the output's size": layer.output_size}
    sizes |= {f"the size of row {row!r}": size for row, size in zip(cell.rows, layer.row_sizes, strict=True)}
    for what, size in sizes.items():
        if size % layer.heads:
            raise ValueError(f"heads {layer.heads} does not divide {what}, {size}")


def rates_of(cell: Cell, recurrent_dropout: Any, zoneout: Any) -> Rates:
    """Returns the rates that ``recurrent_dropout=`` and ``zoneout=`` say.

    ``recurrent_dropout`` is a rate, which means ``("variational", rate)``, or a pair of a kind and a rate;
    ``zoneout`` is a rate for h and for c, or a pair of rates.
    """
    dropout = (
        tuple(recurrent_dropout) if isinstance(recurrent_dropout, (tuple, list)) else ("variational", recurrent_dropout)
    )
    if len(dropout) != 2 or dropout[0] not in ("variational", "candidate"):
        raise ValueError(
            "recurrent_dropout should be a rate, ('variational', rate) or ('candidate', rate), "
            f"got {recurrent_dropout!r}"
        )
    kind, rate = dropout[0], check_rate("recurrent_dropout", dropout[1])
    if rate and kind == "variational" and not cell.recurrent:
        raise ValueError(f"recurrent_dropout: cell {cell.spec!r} has no recurrent part; 'candidate' would do")
    if rate and kind == "candidate" and not cell.candidates:
        raise ValueError(f"recurrent_dropout: cell {cell.spec!r} has no candidates")
    # A single rate means the states too where the cell has one.
    pair = (
        tuple(zoneout) if isinstance(zoneout, (tuple, list)) else (zoneout, zoneout if len(cell.states) == 1 else 0.0)
    )
    if len(pair) != 2:
        raise ValueError(f"zoneout should be a rate or a pair of rates (for h, for c), got {zoneout!r}")
    for_h, for_c = check_rate("zoneout", pair[0], one=True), check_rate("zoneout", pair[1], one=True)
    if for_c and len(cell.states) != 1:
        # Old and new values of states that scale one another (c, n, m of sLSTM) cannot be averaged in evaluation.
        raise ValueError(
            f"zoneout: cell {cell.spec!r} has {len(cell.states) or 'no'} states besides h; zoneout for c needs one"
        )
    return Rates(rate if kind == "variational" else 0.0, rate if kind == "candidate" else 0.0, for_h, for_c)

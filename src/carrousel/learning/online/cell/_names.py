"""Weights under the names and in the shapes of ``carrousel.LSTM``, and where they lie under the derived rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from carrousel.cells import Cell
from carrousel.learning.online.cell._derive import Derived

__all__ = ["named_rows", "nodes_of_rows", "set_rows"]


def _places(
    derived: Derived, cell: Cell, table: np.ndarray, units: int, diagonal: bool
) -> Iterator[tuple[str, Any, slice, bool]]:
    """Yields for each kind of weight of each part its name, its lines, its rows, and whether these are columns."""
    of_row = {row: slice(k * units, (k + 1) * units) for k, row in enumerate(cell.rows)}
    for (kind, row), (first, inputs, recurrent, _) in zip(derived.parts, table, strict=False):
        if inputs:
            yield "weight_ih", of_row[row], slice(first, first + inputs), True
        if recurrent:
            yield "weight_hh", of_row[row], slice(first + inputs, first + inputs + recurrent), not diagonal
        last = first + inputs + recurrent
        yield "bias_ih" if kind in ("z", "z.input") else "bias_hh", of_row[row], slice(last, last + 1), False
    for (kind, name), (first, *_) in zip(derived.vectors, table[len(derived.parts) :], strict=True):
        if kind == "p":
            yield "weight_peephole", cell.peepholes.index(name), slice(first, first + 1), False
        else:
            yield "weight_hh", of_row[name], slice(first, first + 1), False


def named_rows(
    derived: Derived, cell: Cell, table: np.ndarray, rows: np.ndarray, inputs: int, diagonal: bool
) -> dict[str, np.ndarray]:
    """Returns copies of the rows ``[rows, units]`` by name; zeros stand where a name has no weight."""
    H = rows.shape[1]
    size = len(cell.rows) * H
    shapes: dict[str, tuple[int, ...]] = {"weight_ih": (size, inputs)}
    if cell.recurrent:
        shapes["weight_hh"] = (size,) if diagonal else (size, H)
    shapes["bias_ih"] = (size,)
    if cell.parted:
        shapes["bias_hh"] = (size,)
    if cell.peepholes:
        shapes["weight_peephole"] = (len(cell.peepholes), H)
    named = {name: np.zeros(shape, rows.dtype) for name, shape in shapes.items()}
    for name, lines, part, columns in _places(derived, cell, table, H, diagonal):
        named[name][lines] = rows[part].T if columns else rows[part][0]
    return named


def set_rows(
    derived: Derived, cell: Cell, table: np.ndarray, rows: np.ndarray, named: Mapping[str, np.ndarray], diagonal: bool
) -> None:
    """Writes weights given by name into the rows ``[rows, units]``."""
    for name, lines, part, columns in _places(derived, cell, table, rows.shape[1], diagonal):
        rows[part] = named[name][lines].T if columns else named[name][lines]


def nodes_of_rows(derived: Derived, cell: Cell, table: np.ndarray, units: int) -> np.ndarray:
    """Returns for each weight ``[rows, units]`` the number of the gate's or candidate's unit that it enters."""
    names = [name for _, name in (*derived.parts, *derived.vectors)]
    first = np.repeat([cell.rows.index(name) * units for name in names], table[:, 1:].sum(1))
    return first[:, None] + np.arange(units)

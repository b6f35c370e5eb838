"""Where rows of weights and of their traces lie under the derived rule, and so how many there are."""

from __future__ import annotations

import numpy as np

from carrousel.cells import Cell
from carrousel.learning.online.cell._derive import Derived

__all__ = ["copy_parts", "copy_traces", "lay_out"]


def lay_out(
    derived: Derived, cell: Cell, inputs: int, recurrent: int, through_h: bool
) -> tuple[np.ndarray, np.ndarray, int, int]:
    """Returns the table of parts and peepholes, the places of their traces, and the numbers of rows of both.

    Args:
        derived: the rule.
        cell: its cell.
        inputs: how many inputs a unit sees.
        recurrent: how many old outputs it sees.
        through_h: whether errors flow back through the old output.

    Returns:
        The table ``[parts and peepholes, 4]``: the first row of each, and its rows for inputs, old outputs and bias.
        The places ``[states, parts and peepholes]``: the first row of each one's traces, -1 where it has none.
        The number of rows of weights, and of rows of traces.
    """
    table, rows = [], 0
    for kind, _ in derived.parts:
        fed = cell.recurrent and kind in ("z", "z.recurrent")
        table.append([rows, inputs if kind in ("z", "z.input") else 0, recurrent if fed else 0, 1])
        rows += sum(table[-1][1:])
    for _ in derived.vectors:
        table.append([rows, 0, 0, 1])
        rows += 1
    n, width = len(derived.states), len(table)
    # A trace is there if something enters it, from the step or from another state's trace.
    alive = derived.B >= 0
    through = derived.A >= 0
    if through_h:
        through[:, -1] = True
    for _ in range(n):
        alive = alive | (through.astype(int) @ alive.astype(int) > 0)
    places, traces = np.full((n, width), -1, np.int64), 0
    for a in range(n):
        for part in range(width):
            if alive[a, part]:
                places[a, part] = traces
                traces += sum(table[part][1:])
    return np.array(table, np.int64).reshape(width, 4), places, rows, traces


def copy_parts(table: np.ndarray, wide: np.ndarray, rows: np.ndarray, new: np.ndarray) -> None:
    """Copies the rows of all parts and peepholes to where they lie with more inputs."""
    for line, new_line in zip(table, wide, strict=True):
        _copy_rows(rows, new, line[0], new_line[0], line[1:], new_line[1:])


def copy_traces(
    table: np.ndarray, wide: np.ndarray, places: np.ndarray, new_places: np.ndarray, traces: np.ndarray, new: np.ndarray
) -> None:
    """Copies all traces to where they lie with more inputs."""
    for a, part in np.argwhere(places >= 0):
        _copy_rows(traces, new, places[a, part], new_places[a, part], table[part, 1:], wide[part, 1:])


def _copy_rows(
    old: np.ndarray, new: np.ndarray, old_first: int, new_first: int, lengths: np.ndarray, new_lengths: np.ndarray
) -> None:
    """Copies a part's rows, first those of inputs, then the others, of which there are as many."""
    inputs, rest = lengths[0], lengths[1:].sum()
    new[new_first : new_first + inputs] = old[old_first : old_first + inputs]
    at, new_at = old_first + inputs, new_first + new_lengths[0]
    new[new_at : new_at + rest] = old[at : at + rest]

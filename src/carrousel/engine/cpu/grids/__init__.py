"""The CPU kernels of cells over several dimensions: all diagonals of all directions in one call."""

from __future__ import annotations

from carrousel.engine.cpu.grids._pass import backward, forward
from carrousel.engine.cpu.grids._plan import refuses_cell

__all__ = ["backward", "forward", "refuses_cell"]

"""Layers over grids of several dimensions, such as images: the plain form, and what leads to the kernels."""

from __future__ import annotations

from carrousel.engine.grids import _reference as reference
from carrousel.engine.grids._layer import GridLayer, GridWeights
from carrousel.engine.grids._run import choose, run

__all__ = ["GridLayer", "GridWeights", "choose", "reference", "run"]

"""From equations to machine: what a layer is, and the backends that run it over sequences."""

from __future__ import annotations

from carrousel.engine import reference, torch_kernels
from carrousel.engine._dispatch import Choice, choose, prepare, quick_step, run, step, tell, watched
from carrousel.engine._layer import QUIET, Layer, Masks, Result, Weights
from carrousel.engine._memory import in_memory
from carrousel.engine._recorders import recorded

DEVICES = frozenset({"cpu", "meta"})
"""The types of device on which carrousel's own engine is the right choice even where torch has a kernel too."""

__all__ = [
    "DEVICES",
    "QUIET",
    "Choice",
    "Layer",
    "Masks",
    "Result",
    "Weights",
    "choose",
    "in_memory",
    "prepare",
    "quick_step",
    "recorded",
    "reference",
    "run",
    "step",
    "tell",
    "torch_kernels",
    "watched",
]

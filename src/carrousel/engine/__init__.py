"""From equations to machine: what a layer is, and the backends that run it over sequences."""

from __future__ import annotations

from carrousel.engine import reference, torch_kernels
from carrousel.engine._backend import BACKENDS, Backend, Grads, Kept, Passes, StackBackend
from carrousel.engine._call import Call, Stack
from carrousel.engine._dispatch import Choice, choose, prepare, quick_step, run, run_stack, stack_backend, step, watched
from carrousel.engine._fit import check_layer
from carrousel.engine._layer import QUIET, Layer, Masks, Result, Weights
from carrousel.engine._memory import in_memory
from carrousel.engine._packing import Packing, pack
from carrousel.engine._recorders import recorded
from carrousel.engine._rows import Rows, ragged
from carrousel.engine.doors import bare, takes_rows

__all__ = [
    "BACKENDS",
    "QUIET",
    "Backend",
    "Call",
    "Choice",
    "Grads",
    "Kept",
    "Layer",
    "Masks",
    "Packing",
    "Passes",
    "Result",
    "Rows",
    "Stack",
    "StackBackend",
    "Weights",
    "bare",
    "check_layer",
    "choose",
    "in_memory",
    "pack",
    "prepare",
    "quick_step",
    "ragged",
    "recorded",
    "reference",
    "run",
    "run_stack",
    "stack_backend",
    "step",
    "takes_rows",
    "torch_kernels",
    "watched",
]

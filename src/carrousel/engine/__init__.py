"""From equations to machine: what a layer is, and the backends that run it over sequences."""

from __future__ import annotations

from carrousel.engine import reference, torch_kernels
from carrousel.engine._backend import BACKENDS, Backend, Grads, Kept, Passes, StackBackend
from carrousel.engine._call import Call, Stack
from carrousel.engine._dispatch import Choice, choose, prepare, quick_step, run, run_stack, stack_backend, step, watched
from carrousel.engine._fit import check_layer
from carrousel.engine._layer import QUIET, Layer, Masks, Result, Weights
from carrousel.engine._memory import in_memory
from carrousel.engine._recorders import recorded

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
    "Passes",
    "Result",
    "Stack",
    "StackBackend",
    "Weights",
    "check_layer",
    "choose",
    "in_memory",
    "prepare",
    "quick_step",
    "recorded",
    "reference",
    "run",
    "run_stack",
    "stack_backend",
    "step",
    "torch_kernels",
    "watched",
]

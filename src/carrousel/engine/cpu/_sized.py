"""What the kernels of any kind of layer have in common: sizes in whole vectors, threads, and the programs of passes."""

from __future__ import annotations

from collections.abc import Callable, Hashable

import torch
from torch import Tensor
from torch.utils._python_dispatch import _disable_current_modes

from carrousel.engine.cpu._gemm import gemm_code
from carrousel.engine.cpu._program import Program
from carrousel.engine.cpu.llvm import _parallel
from carrousel.engine.cpu.llvm._target import Target

__all__ = ["KINDS", "SMALL", "Sized"]

KINDS = {torch.float32: "float", torch.float64: "double"}
"""The types of numbers that there are kernels for, in LLVM's terms."""

SMALL = 1 << 22
"""Products of fewer multiplications than this run on one thread: waking the others would take longer."""

_SET = 256

_PROGRAMS = 64
"""The programs that are kept: a pass over batches of another frame is another one."""


class Sized:
    """Knows sizes in whole vectors of one type of numbers, the code that has no cell in it, and the passes.

    Attributes:
        dtype: the type of numbers, whose name LLVM has as ``kind``.
        target: the machine.
        code: the code.
        zeros: as many zeros as anything is wide.
    """

    zeros: Tensor

    def __init__(self, dtype: torch.dtype, target: Target) -> None:
        self.dtype, self.target, self.kind = dtype, target, KINDS[dtype]
        self._lanes = target.lanes(self.kind)
        self.code = gemm_code(self.kind, target)
        self._programs: dict[Hashable, Program] = {}

    def whole(self, size: int) -> int:
        """Returns a size rounded up to whole vectors."""
        return -(-size // self._lanes) * self._lanes

    def spaced(self, size: int) -> int:
        """Returns the distance of rows of so many numbers: that, or a little more."""
        # Rows a power of two apart fall on few sets of the cache, and drive one another out.
        return size + self._lanes if size % _SET == 0 else size

    def threads(self, work: int) -> int:
        """Tells how many threads a piece of work of so many multiplications is worth."""
        return 1 if work < SMALL else _parallel.threads()

    def program(self, key: Hashable, write: Callable[[], Program]) -> Program:
        """Returns the program of a key, written if it is not there. Some are kept."""
        found = self._programs.get(key)
        if found is None:
            while len(self._programs) >= _PROGRAMS:
                self._programs.pop(next(iter(self._programs)), None)
            with _disable_current_modes(), torch._C._DisableFuncTorch():  # what is at work now a program outlives
                found = self._programs[key] = write()
        return found

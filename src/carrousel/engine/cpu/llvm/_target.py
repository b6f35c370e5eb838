"""The machine that kernels are made for: its vectors and registers."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

import llvmlite.binding as llvm

from carrousel.engine.cpu.llvm._lock import lock

__all__ = ["Target", "host"]


@dataclass(frozen=True)
class Target:
    """A CPU as the emitter sees it.

    Attributes:
        cpu, features: its name and features in LLVM's terms.
        vector_bytes: the width of a vector register.
        registers: the number of vector registers.
    """

    cpu: str
    features: str
    vector_bytes: int
    registers: int

    def lanes(self, kind: str) -> int:
        """Returns the numbers of a kind (``"float"`` or ``"double"``) in a vector."""
        return self.vector_bytes // (4 if kind == "float" else 8)

    @property
    def tile(self) -> tuple[int, int]:
        """Rows and vectors of the largest tile whose accumulators, operands and factor fit into registers."""
        return (6, 4) if self.registers >= 32 else (4, 3)


@cache
def host(choice: str | None = None) -> Target:
    """This machine, or what the environment variable ``CARROUSEL_CPU`` chooses of it: ``avx512``, ``avx2``."""
    choice = choice or os.environ.get("CARROUSEL_CPU") or ""
    if choice not in ("", "avx512", "avx2"):
        raise ValueError(f"CARROUSEL_CPU should be avx512 or avx2, got {choice!r}")
    with lock:
        llvm.initialize_native_target()
        llvm.initialize_native_asmprinter()
        has, name = llvm.get_host_cpu_features(), llvm.get_host_cpu_name()
    features = has.flatten()
    wide = has.get("avx512f") and has.get("avx512vl") and has.get("avx512dq") and has.get("avx512bw")
    if choice == "avx512" and not wide:
        raise ValueError("CARROUSEL_CPU=avx512: this machine does not have AVX-512")
    if wide and choice != "avx2":
        return Target(name, features + ",-prefer-256-bit", 64, 32)
    if choice == "avx2" or has.get("avx2"):
        # Without its 512-bit features LLVM would not use the upper half of the registers either.
        without = ",".join("-" + name for name in has if name.startswith("avx512") or name.startswith("avx10"))
        return Target("x86-64-v3", features + "," + without if without else features, 32, 16)
    return Target(name, features, 16, 32)

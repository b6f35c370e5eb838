"""The instruction set that the kernels run in, and whether torch's own library runs in the same."""

from __future__ import annotations

import os

from carrousel.engine.cpu.llvm import Target, host

__all__ = ["instructions", "note_on_width", "widest"]


def instructions(target: Target | None = None) -> str:
    """Returns the name of an instruction set, ``"AVX-512"`` or ``"AVX2"``, or the width of another CPU's vectors.

    Args:
        target: the CPU; by default the one that kernels are made for, which ``CARROUSEL_CPU`` may narrow.
    """
    width = (target or host()).vector_bytes
    return {64: "AVX-512", 32: "AVX2"}.get(width, f"vectors of {width} bytes")


def widest() -> Target:
    """Returns the machine as it is, whatever ``CARROUSEL_CPU`` makes of it for the kernels."""
    try:
        return host("avx512")
    except ValueError:  # it has none, and then the variable narrows nothing
        return host()


def note_on_width() -> str | None:
    """Says in which width oneDNN runs where ``CARROUSEL_CPU`` narrows the kernels; None where it does not."""
    if host().vector_bytes >= widest().vector_bytes:
        return None
    name, cap = "ONEDNN_MAX_CPU_ISA", os.environ.get("ONEDNN_MAX_CPU_ISA")
    here = f"CARROUSEL_CPU narrows the kernels to {instructions()} on a machine with {instructions(widest())}"
    if (cap or "").upper() == "AVX2":
        return f"{here}; {name} is AVX2, which narrows oneDNN, nn.LSTM's library, too"
    now = "it is not set" if cap is None else f"it is {cap!r}"
    return f"{here}; oneDNN, nn.LSTM's library, keeps its own width unless {name} is AVX2: {now}"

"""The peak memory of a training step, measured in a fresh process.

In the process the kernels are loaded and warmed up at two steps. Then free memory is given back to the system, the
high-water mark of the resident memory is set back to what is resident, and one training step runs. What counts is the
mark above what was resident before. Where the mark cannot be set back (not Linux) it is the growth of ``ru_maxrss``.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

import torch
from torch import nn

__all__ = ["memory"]

_CLEAR = Path("/proc/self/clear_refs")


def memory(who: str, T: int, B: int, I: int, H: int, *, repeats: int = 3) -> float:
    """Returns the bytes that a training step takes at its peak, the median of several processes.

    Args:
        who: ``"carrousel"`` or ``"torch"``.
        T: the steps.
        B: the sequences.
        I: the features of the input.
        H: the cells.
        repeats: how many processes.
    """
    words = [sys.executable, "-m", "carrousel.bench._memory", who, *map(str, (T, B, I, H, torch.get_num_threads()))]
    lines = (subprocess.run(words, check=True, capture_output=True, text=True).stdout for _ in range(repeats))
    return median(json.loads(line) for line in lines)


def _highest() -> int:
    status = Path("/proc/self/status")
    if _CLEAR.exists():
        return 1024 * next(int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _settle() -> None:
    """Gives free memory back and starts the mark anew, as far as the system lets one."""
    gc.collect()
    if sys.platform == "linux":
        with_trim = ctypes.CDLL(None)
        if hasattr(with_trim, "malloc_trim"):
            with_trim.malloc_trim(0)
    if _CLEAR.exists():
        _CLEAR.write_text("5")


def _main(who: str, T: int, B: int, I: int, H: int, threads: int) -> None:
    import carrousel

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    net: nn.Module = (carrousel.LSTM if who == "carrousel" else nn.LSTM)(I, H)
    for steps in (2, T):
        x = torch.randn(steps, B, I)
        _settle()
        before = _highest()
        net(x)[0].square().mean().backward()
        taken = _highest() - before
        net.zero_grad(set_to_none=False)  # a training loop's gradients are there before its second step
    print(json.dumps(taken))


if __name__ == "__main__":
    os.environ.setdefault("MALLOC_ARENA_MAX", "1")
    _main(sys.argv[1], *map(int, sys.argv[2:]))

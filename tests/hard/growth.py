"""Makes ten thousand of everything that a process makes again and again, and looks at what memory is left with it.

What has to be compiled is made two hundred times, and once before: the second time it comes from the disk, for what
LLVM keeps of a compilation (100 KB) is not ours to free. GROWTH=100000 for more.
"""

from __future__ import annotations

import gc
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import torch
from growth import COMPILED, KINDS

MANY = int(os.environ.get("GROWTH", 10_000))
ALLOWED = 8 * 1024
"""What memory may grow by, in KB: what the caches hold that have a bound, and what the allocator keeps."""


def memory() -> int:
    """The process's memory in KB."""
    gc.collect()
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise SystemExit("this system does not tell a process's memory")


def main() -> None:
    torch.set_num_threads(1)
    lost = []
    for name, make in KINDS.items():
        first, last = (0, 200) if name in COMPILED else (MANY // 10, MANY)
        for k in range(first or last):
            make(k)
        before, begun = memory(), time.perf_counter()
        for k in range(first, last):
            make(k)
        grown = memory() - before
        each = 1e3 * (time.perf_counter() - begun) / (last - first)
        print(f"{name}: {last - first} made, memory grew by {grown / 1024:.1f} MB, {each:.2f} ms each", flush=True)
        if grown > ALLOWED:
            lost.append(name)
    if lost:
        raise SystemExit(f"memory grows with {', '.join(lost)}")


if __name__ == "__main__":
    main()

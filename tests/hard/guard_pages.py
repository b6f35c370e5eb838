"""Runs kernels on memory that ends, and begins, at pages which may not be touched.

Every buffer that the kernels are given or make lies against such a page: reading or writing past it ends the process.
Each batch of trials runs in a process of its own. Inputs, states and weights end flush with the page; buffers of the
engine's own, which kernels may take to be aligned to 64 bytes, within 63 bytes of it. The learners' kernels, which are
numba's, run with numba's own checks of every index.

    python tests/hard/guard_pages.py [trials]
"""

from __future__ import annotations

import ctypes
import mmap
import os
import random
import subprocess
import sys
from pathlib import Path
from typing import Any
from unittest import mock

PAGE = mmap.PAGESIZE
BATCH = 50


def guarded(count: int, dtype: Any, *, at_end: bool, align: int) -> Any:
    """Makes a flat tensor of ``count`` numbers against a page that may not be touched, after or before it."""
    import torch

    size = count * dtype.itemsize
    room = -(-size // PAGE) * PAGE
    region = mmap.mmap(-1, room + 2 * PAGE)
    base = ctypes.addressof(ctypes.c_char.from_buffer(region))
    libc = ctypes.CDLL(None, use_errno=True)
    for page in (base, base + PAGE + room):
        if libc.mprotect(ctypes.c_void_p(page), ctypes.c_size_t(PAGE), 0):
            raise OSError(ctypes.get_errno(), "mprotect")
    start = PAGE + (room - size) // align * align if at_end else PAGE
    if not count:
        return torch.empty(0, dtype=dtype)
    tensor = torch.frombuffer(region, dtype=dtype, count=count, offset=start)
    return tensor.fill_(float("nan")) if dtype.is_floating_point else tensor


def moved(tensor: Any, *, at_end: bool) -> Any:
    """Copies a tensor against a guard page, flush with it."""
    copy = guarded(tensor.numel(), tensor.dtype, at_end=at_end, align=tensor.dtype.itemsize).view(tensor.shape)
    return copy.copy_(tensor.detach())


def trial(number: int) -> None:
    """Runs one network of random form over a random batch, forward, backward and by single steps."""
    import torch

    import carrousel
    from carrousel.engine.cpu import _buffers, _kernels, _program, _step, _weights

    draw = random.Random(number)
    at_end = draw.random() < 0.8

    def empty(*shape: int, dtype: Any) -> Any:
        count = 1
        for size in shape:
            count *= size
        return guarded(count, dtype, at_end=at_end, align=64).view(shape)

    def zeros(*shape: int, dtype: Any) -> Any:
        return empty(*shape, dtype=dtype).zero_()

    def maker(dtype: Any, *, cleared: bool) -> Any:
        return lambda *shape: (zeros if cleared else empty)(*shape, dtype=dtype)

    own_buffers = [
        mock.patch.object(module, name, made)
        for module in (_buffers, _kernels, _program, _step, _weights)
        for name, made in (("empty", empty), ("zeros", zeros), ("maker", maker))
        if hasattr(module, name)
    ]
    _buffers.poison(True)  # a buffer for everything, so that each ends at a page
    torch.manual_seed(number)
    size = draw.choice([1, 2, 3, 5, 7, 8, 15, 16, 17, 24, 32, 33, 48, 63, 64, 65, 96, 130])
    options: dict[str, Any] = {"cell": draw.choice([*carrousel.cells]), "bias": draw.random() < 0.8}
    options["dtype"] = draw.choice([torch.float32, torch.float64])
    if draw.random() < 0.25:
        options["layer_norm"] = True
    cell = carrousel.cells.get(options["cell"])
    if draw.random() < 0.25 and size > 1 and not (cell.reads_output or cell.gated):
        options["proj_size"] = draw.randint(1, size - 1)
    options |= fitting(carrousel.cells.get(options["cell"]), size, options.get("proj_size", 0), draw)
    options["bidirectional"] = draw.random() < 0.3
    options["num_layers"] = draw.choice([1, 1, 2])
    features, T, B = draw.choice([1, 2, 3, 7, 8, 16, 17, 40]), draw.randint(1, 9), draw.choice([1, 2, 3, 5, 8, 13, 31])
    net = carrousel.LSTM(features, size, **options)
    for parameter in net.parameters():
        parameter.data = moved(parameter, at_end=at_end)
    x = moved(torch.randn(T, B, features, dtype=options["dtype"]), at_end=at_end).requires_grad_()
    lengths = torch.randint(0, T + 1, (B,)) if draw.random() < 0.5 else None
    resets = torch.rand(T, B) < 0.2 if draw.random() < 0.3 else None
    for patch in own_buffers:
        patch.start()
    try:
        wanted = draw.choice([True, "gates"])
        output, final, states = net(x, lengths=lengths, resets=resets, return_states=wanted)
        states_too = (output, *(final if isinstance(final, tuple) else (final,)), *states.values())
        total = sum(value.sum() for value in states_too)
        assert torch.isfinite(total)
        for grad in torch.autograd.grad(total, [x, *net.parameters()], allow_unused=True):
            assert grad is None or bool(torch.isfinite(grad).all())
        with torch.no_grad():
            assert torch.isfinite(net(x, lengths=lengths)[0].sum())
            net.eval()  # a single step has no variational dropout
            if not options["bidirectional"]:
                y, state = net.step(moved(x[0], at_end=at_end))
                y, state = net.step(moved(x[0], at_end=at_end), tuple_of(state, at_end))
                assert torch.isfinite(y.sum())
    finally:
        for patch in own_buffers:
            patch.stop()


def fitting(cell: Any, size: int, proj_size: int, draw: random.Random) -> dict[str, Any]:
    """Draws options of the recursion, and noise, that go together with a cell and its sizes."""
    options: dict[str, Any] = {}
    divisors = [n for n in range(2, size + 1) if size % n == 0]
    if cell.recurrent and not proj_size and draw.random() < 0.15:
        options["diagonal"] = True
    elif cell.gates and divisors and draw.random() < 0.3:
        options["block_size"] = draw.choice(divisors)
    blocks = size // options.get("block_size", 1)
    heads = [n for n in range(2, blocks + 1) if not (blocks % n or size % n or (proj_size or size) % n)]
    if cell.recurrent and heads and "diagonal" not in options and draw.random() < 0.3:
        options["heads"] = draw.choice(heads)
    if cell.recurrent and cell.gates and draw.random() < 0.3:
        options["gate_recurrence"] = draw.choice(["gates", "all"])
    if draw.random() < 0.3 and (cell.candidates or cell.recurrent):
        kinds = ["variational"] * cell.recurrent + ["candidate"] * bool(cell.candidates)
        options["recurrent_dropout"] = (draw.choice(kinds), 0.3)
    if draw.random() < 0.3:
        options["zoneout"] = (0.2, 0.3 if len(cell.states) == 1 else 0.0)
    return options


def tuple_of(state: Any, at_end: bool) -> Any:
    """Moves all states against guard pages."""
    return tuple(moved(s, at_end=at_end) for s in state) if isinstance(state, tuple) else moved(state, at_end=at_end)


def batches(trials: int, cpu: str | None) -> tuple[int, int]:
    """Runs trials in processes of ``BATCH`` each; returns how many were tried and how many survived."""
    tried = survived = 0
    environment = {**os.environ, "OMP_NUM_THREADS": "1", **({"CARROUSEL_CPU": cpu} if cpu else {})}
    for first in range(0, trials, BATCH):
        numbers = [str(n) for n in range(first, min(first + BATCH, trials))]
        run = subprocess.run(
            [sys.executable, __file__, "--trials", *numbers], env=environment, capture_output=True, text=True
        )
        done = run.stdout.split()
        tried, survived = tried + len(numbers), survived + len(done)
        if run.returncode:
            failed = [n for n in numbers if n not in done]
            print(f"trial {failed[0]} ended with {run.returncode}: {run.stderr.strip()[-2000:]}", file=sys.stderr)
            tried -= len(failed) - 1  # those behind it were not tried
    return tried, survived


def learners() -> int:
    """Runs the learners' tests with every index of their kernels checked; returns pytest's exit status."""
    environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "OMP_NUM_THREADS": "1"}
    tests = Path(__file__).parent.parent / "learning"
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-x", "--timeout", "3600", str(tests)], env=environment
    ).returncode


def main() -> int:
    if sys.argv[1:2] == ["--trials"]:
        for number in sys.argv[2:]:
            trial(int(number))
            print(number, flush=True)
        return 0
    trials = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    lost = 0
    for cpu in (None, "avx2"):
        tried, survived = batches(trials, cpu)
        lost += tried - survived
        print(f"guard pages, {cpu or 'widest'} vectors: tried {tried}, survived {survived}, lost {tried - survived}")
    status = learners()
    print(f"learners with checked indices: tried 1, survived {int(not status)}, lost {int(bool(status))}")
    return int(bool(lost or status))


if __name__ == "__main__":
    sys.exit(main())

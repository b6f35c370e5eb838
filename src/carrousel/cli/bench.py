"""``carrousel bench``: how fast the networks are on this machine."""

from __future__ import annotations

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._output import note, say, write_json
from carrousel.cli._place import plain_file
from carrousel.cli._verdicts import facts_of, say_verdicts

if TYPE_CHECKING:
    from carrousel.bench import Measured

__all__ = ["bench"]

HEAD = ("workload", "   time", "GFLOP/s", "of peak", "x nn.LSTM", "x eager", "x our lstm", "backend")


def bench(
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="WORDS",
            help="workloads in whose names all these words stand, 'lstm train'; repeatable  [default: all]",
        ),
    ] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="few rounds, no eager torch: rough figures, the same checks")
    ] = False,
    threads: Annotated[int | None, typer.Option(min=1, help="threads  [default: torch's own number]")] = None,
    json: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="write everything that was measured to FILE")
    ] = None,
) -> int:
    """Check and time the networks on this machine beside torch.nn.LSTM.

    Each workload (steps x batch x input x hidden) is compared with the equations in float64 first: no figure is
    given where that fails, and the exit code is then 1. "x nn.LSTM" is how many times as fast as torch.nn.LSTM, the
    median over rounds in which both take turns.

    All of it takes about 20 minutes on two cores, with --quick about 6. Options of the network are timed in training:
    --only 'zoneout train', or 'gate_recurrence all'; batches of one are --only 'lstm 100x1x256x256'.
    """
    import torch

    from carrousel.bench import instructions, measure, note_on_width, peak, select, verdicts

    try:
        workloads = select(only or [])
    except ValueError as error:
        raise UsageError(f"--only: {error}") from None
    if json is not None:
        plain_file("--json", json)
        if not os.access(json.absolute().parent, os.W_OK):
            raise UsageError(f"--json {json}: cannot be written")
    if threads is not None and threads > (os.cpu_count() or 1):
        raise UsageError(f"--threads {threads}: this machine has {os.cpu_count() or 1} processors")
    before = torch.get_num_threads()
    torch.set_num_threads(threads or before)
    try:
        best = max(peak() for _ in range(2 if quick else 5))
        count = torch.get_num_threads()
        say(
            f"torch {torch.__version__}, {count} threads, measured peak {best / 1e9:.0f} GFLOP/s (float32), "
            f"kernels in {instructions()}"
        )
        width = note_on_width()
        if width is not None:
            say(width)
        _warn_of_company(count)
        say("")
        wide = max(len(HEAD[0]), *(len(workload.name) for workload in workloads))
        say(_line(wide, HEAD))
        rows = []
        for workload in workloads:
            row = measure(workload, seconds=0.1, least=3, memories=1, eager=False) if quick else measure(workload)
            best = max(best, peak(repeats=3))
            rows.append(row)
            say(_line(wide, _cells(row, best)))
    finally:
        torch.set_num_threads(before)
    say("")
    judged = verdicts(rows, best)
    say_verdicts(judged, instructions(), f"two threads; there were {count}" if count != 2 else "two threads")
    if json is not None:
        facts = {
            "torch": torch.__version__,
            "threads": count,
            "machine": platform.machine(),
            "instructions": instructions(),
            "note": width,
        }
        targets = facts_of(judged)
        result = {**facts, "peak_gflops": best / 1e9, "rows": [row.to_dict(best) for row in rows], "targets": targets}
        write_json(json, result)
    failed = [row for row in rows if row.failure]
    if failed:
        note(f"carrousel: {len(failed)} of {len(rows)} workloads are wrong and have no figures")
    return 1 if failed else 0


def _warn_of_company(threads: int) -> None:
    """Warns that figures of a machine that has other work are rough."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0
    if load > 0.5:
        cores = os.cpu_count()
        note(f"the machine is busy (a load of {load:.1f} on {cores} cores, {threads} are wanted): figures are rough")


def _line(wide: int, cells: tuple[str, ...]) -> str:
    name, *numbers, last = cells
    columns = (f"{cell:>{len(head)}}" for cell, head in zip(numbers, HEAD[1:-1], strict=True))
    return "  ".join([f"{name:{wide}}", *columns, last])


def _cells(row: Measured, peak: float) -> tuple[str, ...]:
    name, nothing = row.workload.name, ("",) * (len(HEAD) - 2)
    if row.failure:
        return (name, *nothing, f"WRONG: {row.failure}")
    ratios = ["" if rival not in row.ratios else f"{row.ratios[rival]:.2f}" for rival in ("torch", "eager", "lstm")]
    if row.bytes:
        ours, torchs = (f"{each / 2**20:.0f}" for each in row.bytes)
        return (name, *nothing[:3], *ratios, f"{row.backend}: {ours} MiB, nn.LSTM {torchs} MiB")
    assert row.seconds is not None
    assert row.rate is not None
    return (name, _time(row.seconds), f"{row.rate / 1e9:.1f}", f"{row.rate / peak:.0%}", *ratios, row.backend)


def _time(seconds: float) -> str:
    return f"{seconds * 1e3:.1f} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.0f} us"

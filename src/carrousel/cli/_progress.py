"""A bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from carrousel.estimators import Progress

__all__ = ["watch"]

LINES = 10  # about so many plain lines for a whole run


@contextmanager
def watch(about: str) -> Iterator[Callable[[Progress], None]]:
    """Gives a callback for ``fit(progress=...)`` that shows the run on standard error, after a line ``about`` it.

    Nothing is shown before the run begins, so that a refusal stands alone.
    """

    def begin(p: Progress) -> None:
        print(about, file=sys.stderr, flush=True)
        if p.epoch > 0:
            print(f"going on after epoch {p.epoch}", file=sys.stderr, flush=True)

    if not sys.stderr.isatty():

        def plain(p: Progress) -> None:
            if p.event == "begin":
                begin(p)
            else:
                _line(p)

        yield plain
        return
    from rich.console import Console
    from rich.progress import BarColumn, TaskID, TextColumn
    from rich.progress import Progress as Bar

    bar = Bar(
        TextColumn("epoch {task.fields[epoch]}/{task.fields[epochs]}"),
        BarColumn(bar_width=None),
        TextColumn("{task.fields[figures]}"),
        TextColumn("{task.fields[left]}"),
        console=Console(stderr=True),
        expand=True,
    )
    task: TaskID | None = None

    def tell(p: Progress) -> None:
        nonlocal task
        if p.event == "begin":
            begin(p)
            bar.start()
        done = p.epoch - (p.event == "batch") + (p.batch / p.batches if p.event == "batch" else 0.0)
        shown = {
            "completed": done,
            "total": p.epochs,
            "epoch": p.epoch,
            "epochs": p.epochs,
            "figures": _figures(p),
            "left": _left(p),
        }
        if task is None:
            task = bar.add_task("", **shown)  # type: ignore[arg-type]
        elif p.event == "end":
            bar.update(task, **{**shown, "total": max(p.epoch, 1), "completed": max(p.epoch, 1)})  # type: ignore[arg-type]
        else:
            bar.update(task, refresh=p.event == "epoch", **shown)  # type: ignore[arg-type]

    try:
        yield tell
    finally:
        bar.stop()


def _line(p: Progress) -> None:
    every = max(1, p.epochs // LINES)
    if p.event == "epoch" and (p.epoch % every == 0 or p.epoch == p.epochs):
        print(f"epoch {p.epoch}/{p.epochs}  {_figures(p)}  {_left(p)}".rstrip(), file=sys.stderr, flush=True)


def _figures(p: Progress) -> str:
    words = [] if p.train_loss is None else [f"loss {p.train_loss:.4f}"]
    if p.valid_loss is not None:
        words.append(f"validation {p.valid_loss:.4f}")
    if p.metric is not None:
        words.append(f"{p.metric_name} {p.metric:.4g}")
    return "  ".join(words)


def _left(p: Progress) -> str:
    if p.event == "end" or p.seconds_left is None:
        return f"{_duration(p.seconds)} in all" if p.event == "end" else ""
    return f"at most {_duration(p.seconds_left)} left"


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"

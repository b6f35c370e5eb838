"""``carrousel reproduce``: the papers' experiments, with the published figures beside ours."""

from __future__ import annotations

import json as json_module
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ._errors import UsageError
from ._output import note, plain, say

if TYPE_CHECKING:
    from carrousel.papers import Experiment, Row, Trial


def reproduce(
    experiment: Annotated[
        str | None, typer.Argument(metavar="EXPERIMENT", show_default=False, help="such as hochreiter1997/reber")
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="trials of each row")] = 30,
    row: Annotated[list[str] | None, typer.Option(help="run this row alone; can be given several times")] = None,
    seed: Annotated[int, typer.Option(min=0, help="of all trials")] = 0,
    jobs: Annotated[int, typer.Option(help="trials at a time, -1 for one a processor")] = -1,
    backend: Annotated[str, typer.Option(help="joblib's backend: loky, ray, dask, threading ...")] = "loky",
    set: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="a choice that the paper leaves open")
    ] = None,
    fresh: Annotated[bool, typer.Option("--fresh", help="forget the trials that are done already")] = False,
    json: Annotated[Path | None, typer.Option(help="write the figures to this file")] = None,
    picture: Annotated[Path | None, typer.Option(help="draw what was learned into this PNG file")] = None,
) -> None:
    """Run a paper's experiment and print its published table beside ours; without EXPERIMENT list them."""
    from carrousel import papers

    if experiment is None:
        _list(papers.EXPERIMENTS)
        return
    found = papers.get(experiment)
    options = dict(_setting(text) for text in set or [])
    found.choose(options)
    rows = row or []
    total = len(rows or [r for r in found.rows if r.config is not None]) * trials
    for name in rows:
        found.row(name)
    for file in (json, picture):
        if file is not None and not file.absolute().parent.is_dir():
            raise UsageError(f"{file}: there is no directory {file.absolute().parent}")
    if picture is not None and found.draw is None:
        raise UsageError(f"{experiment} has no picture")
    start = time.perf_counter()
    with _progress(total) as progress:
        result = papers.reproduce(
            found,
            trials=trials,
            rows=rows,
            seed=seed,
            jobs=jobs,
            backend=backend,
            options=options,
            fresh=fresh,
            progress=progress,
        )
    _print(found, result)
    say(f"{time.perf_counter() - start:.1f} s in all")
    if json is not None:
        part = json.with_name(f".{json.name}.tmp")
        part.write_text(json_module.dumps(plain(result), indent=2) + "\n", encoding="utf-8")
        os.replace(part, json)
    if picture is not None and found.draw is not None:
        found.draw(picture, seed, found.choose(options))


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set takes NAME=VALUE, got {text!r}")
    return name, value


def _list(experiments: Mapping[str, Experiment]) -> None:
    for name, experiment in experiments.items():
        say(name)
        say(f"  {experiment.title}")
        say(f"  {experiment.citation}")
        say(f"  rows: {', '.join(row.name for row in experiment.rows if row.config is not None)}")
        for option, values in experiment.options.items():
            say(f"  --set {option}={'|'.join(values)}")


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Row, Trial | None], None]]:
    """A bar on a terminal, ten lines elsewhere."""
    done = 0
    if not sys.stderr.isatty():

        def tell(row: Row, trial: Trial | None) -> None:
            nonlocal done
            done += 1
            if done * 10 // total != (done - 1) * 10 // total:
                note(f"{done} of {total} trials")

        yield tell
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task("trials", total=total)
        yield lambda row, trial: bar.update(task, advance=1, description=row.name)


def _print(experiment: Experiment, result: Mapping[str, Any]) -> None:
    """The table: a line of published figures and one of ours for every row."""
    say(experiment.title)
    say(experiment.citation)
    say("")
    names = {row.name: row for row in experiment.rows}
    head = [*next(iter(experiment.rows)).columns]
    lines = [["row", "method", *head, "", "success", "sequences", "range", "trials", "seconds"]]
    for entry in result["rows"]:
        row = names[entry["row"]]
        lines.append([row.name, row.label, *row.columns.values(), "published", *_figures(entry["published"])])
        if "measured" in entry:
            lines.append(["", "", *("" for _ in head), "measured", *_figures(entry["measured"])])
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    say("")


def _figures(figures: Mapping[str, Any]) -> list[str]:
    def shown(key: str, form: str) -> str:
        value = figures.get(key)
        return "-" if value is None else format(value, form)

    low, high = shown("sequences_min", ",.0f"), shown("sequences_max", ",.0f")
    span = "-" if low == "-" else f"{low} to {high}"
    mean = shown("sequences_mean", ",.0f")
    return [shown("success_rate", ".0%"), mean, span, shown("trials", "d"), shown("seconds", ".1f")]

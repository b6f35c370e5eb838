"""``carrousel reproduce``: the papers' experiments, with the published figures beside ours."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._output import note, plain, say, write_json
from carrousel.cli._place import plain_file

if TYPE_CHECKING:
    from carrousel.papers import Experiment, Row, Trial

__all__ = ["reproduce"]


def reproduce(
    experiment: Annotated[
        str | None, typer.Argument(metavar="EXPERIMENT", show_default=False, help="such as hochreiter1997/reber")
    ] = None,
    trials: Annotated[
        int | None, typer.Option(min=1, show_default=False, help="of each row; by default as many as the table says")
    ] = None,
    row: Annotated[list[str] | None, typer.Option(help="run this row alone; can be given several times")] = None,
    seed: Annotated[int, typer.Option(min=0, help="of all trials")] = 0,
    jobs: Annotated[
        int | None,
        typer.Option(
            min=-1024, max=1024, show_default=False, help="trials at a time; by default, or with -1, one a processor"
        ),
    ] = None,
    backend: Annotated[
        str | None, typer.Option(show_default=False, help="joblib's: loky, the default, ray, dask, threading ...")
    ] = None,
    set: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="a choice that the paper leaves open")
    ] = None,
    quick: Annotated[bool, typer.Option("--quick", help="in a few seconds, with a claim that is checked")] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="forget the trials that are done already")] = False,
    json: Annotated[Path | None, typer.Option(help="write the figures to this file")] = None,
    into: Annotated[
        Path | None, typer.Option(metavar="DIRECTORY", help="write figures and pictures there, under their names")
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="DIRECTORY", help="make one page of the results that are there")
    ] = None,
) -> None:
    """Run a paper's experiment and print its published table beside ours; without EXPERIMENT list them."""
    from carrousel import papers

    for directory in (json.absolute().parent if json else None, into, report):
        if directory is not None and not directory.is_dir():
            raise UsageError(f"there is no directory {directory}")
    if json is not None:
        plain_file("--json", json)
    # What is for full runs alone, --json and --seed apart.
    how = trials is not None or row or set or fresh or into or jobs is not None or backend is not None
    if report is not None:
        if experiment is not None or how or quick or json:
            raise UsageError("--report is for all results of a directory; run it without EXPERIMENT and other options")
        for path in papers.report(report, papers.EXPERIMENTS):
            say(str(path))
        return
    if experiment is None:
        if how or quick or json:
            raise UsageError("say which EXPERIMENT; `carrousel reproduce` alone lists them")
        _list(papers.listing())
        return
    chosen = papers.get(experiment)
    options = dict(_setting(text) for text in set or [])
    chosen.choose(options)
    if quick:
        if how:
            raise UsageError("--quick has its own rows, trials and options, runs them here and keeps nothing")
        result = papers.quick(chosen, seed)
    else:
        total = sum(chosen.count(one, trials) for one in chosen.chosen_rows(row or []))
        with _progress(total) as progress:
            result = papers.reproduce(
                chosen,
                trials=trials,
                rows=row or [],
                seed=seed,
                jobs=-1 if jobs is None else jobs,
                backend=backend or "loky",
                options=options,
                fresh=fresh,
                progress=progress,
            )
    _print(chosen, result)
    if json is not None:
        write_json(json, result)
    if into is not None:
        name = papers.result_stem(chosen, result)
        papers.write_result(into / f"{name}.json", plain(result))
        for picture in chosen.pictures:
            picture.draw(into / f"{name}-{picture.name}.png", result)
    if quick:
        say(f"{'True' if result['holds'] else 'NOT TRUE'}: {result['claim']}")
        if not result["holds"]:
            raise typer.Exit(1)


def _setting(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise UsageError(f"--set takes NAME=VALUE, got {text!r}")
    return name, value


def _list(experiments: Sequence[Mapping[str, Any]]) -> None:
    for experiment in experiments:
        say(experiment["name"])
        say(f"  {experiment['title']}")
        say(f"  {experiment['citation']}")
        say(f"  rows: {', '.join(experiment['rows'])}")
        for option, values in experiment["options"].items():
            say(f"  --set {option}={'|'.join(values)}")


@contextmanager
def _progress(total: int) -> Iterator[Callable[[Row, Trial | None], None]]:
    """Gives a callback that shows a bar on a terminal, ten lines elsewhere."""
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
    """Prints the table: a line of published figures and one of ours for every row."""
    from carrousel import papers

    say(experiment.title)
    say(experiment.citation)
    say("")
    lines = papers.table(experiment, result)
    widths = [max(len(line[k]) for line in lines) for k in range(len(lines[0]))]
    for line in lines:
        say("  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip())
    say("")
    say(f"{result['made']['seconds']:.1f} s by the clock")

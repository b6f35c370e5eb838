"""``carrousel bench streams``: the stream learners beside simple methods, on real streams."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from carrousel.cli._options import Json
from carrousel.cli._output import emit, note, say, write_json
from carrousel.cli._place import plain_file

__all__ = ["streams"]


def streams(
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="seeds of the first weights, of which the mean counts")
    ] = 5,
    most: Annotated[int | None, typer.Option(min=600, help="records of each stream, at most")] = None,
    into: Annotated[Path | None, typer.Option(help="write the figures to this file, as JSON")] = None,
    learners: Annotated[
        bool, typer.Option("--learners", help="set the ways to learn beside each other, early and late, instead")
    ] = False,
    json: Json = False,
) -> None:
    """Judge the stream learner with its defaults beside simple methods, on five real streams, one step ahead.

    Mean absolute errors from target 501 on. The linear methods are river's, the best of six each. A stream whose
    package is not installed is left out.
    """
    from carrousel.bench._streams import STREAMS, WINDOWS, judge, over_time

    if into is not None:
        plain_file("--into", into)
    rows: list[dict[str, Any]] = []
    for stream in STREAMS:
        try:
            if learners:
                found = over_time(stream, seeds, most)
                rows.append({"name": stream.name, "season": stream.season, "source": stream.source, "errors": found})
                if not json:
                    shown = ("; ".join(f"{each:.4g}" for each in errors if each) for errors in found.values())
                    say(f"{stream.name}: {', '.join(f'{n} {s}' for n, s in zip(found, shown, strict=True))}")
                continue
            judged = judge(stream, seeds, most)
        except ModuleNotFoundError as error:
            note(f"{stream.name} is left out: {error.name} is not installed")
            continue
        rows.append({**vars(judged), "source": stream.source, "mean": judged.mean, "best": judged.best})
        rows[-1]["ratio"] = judged.ratio
        if not json:
            rivals = ", ".join(f"{name} {error:.4g}" for name, error in judged.rivals.items())
            say(f"{stream.name}: {judged.mean:.4g}; {rivals}; {judged.ratio:.3f} times the best")
    figures = {"windows": WINDOWS, "seeds": seeds, "streams": rows} if learners else {"first": 501, "streams": rows}
    if into is not None:
        write_json(into, figures)
    if json:
        emit(figures)

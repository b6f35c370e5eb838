"""``carrousel bench streams``: the stream learners beside simple methods, on real streams."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from carrousel.cli._options import Json
from carrousel.cli._output import emit, note, say
from carrousel.cli._place import Figures, figures_file

__all__ = ["streams"]


def streams(
    seeds: Annotated[
        int, typer.Option(min=1, max=100, help="seeds of the first weights, of which the mean counts")
    ] = 5,
    most: Annotated[int | None, typer.Option(min=600, help="records of each stream, at most")] = None,
    learners: Annotated[
        bool, typer.Option("--learners", help="set the ways to learn beside each other, early and late, instead")
    ] = False,
    out: Figures = None,
    json: Json = False,
) -> None:
    """Judge the stream learner with its defaults beside simple methods, on five real streams, one step ahead.

    Mean absolute errors from target 501 on. The linear methods are river's, the best of six each. A stream whose
    package is not installed is left out.
    """
    from dataclasses import asdict

    from carrousel.bench._streams import STREAMS, judge, keep_judged, keep_over_time, over_time
    from carrousel.bench._tables import learner_table, stream_table

    figures_file(out)
    found: list[Any] = []
    for stream in STREAMS:
        try:
            found.append((over_time if learners else judge)(stream, seeds, most))
        except ModuleNotFoundError as error:
            note(f"{stream.name} is left out: {error.name} is not installed")
            continue
        note(f"{stream.name} is measured")
    if out is not None and learners:
        keep_over_time(out, found, seeds)
    elif out is not None:
        keep_judged(out, found)
    if json:
        emit({"streams": [asdict(each) for each in found]})
        return
    say(learner_table(found) if learners else stream_table(found))

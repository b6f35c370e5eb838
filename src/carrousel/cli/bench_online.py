"""``carrousel bench online``: the online rule beside eager torch and back-propagation through time."""

from __future__ import annotations

from typing import Annotated

import typer

from carrousel.cli._options import Json
from carrousel.cli._output import emit, say
from carrousel.cli._verdicts import say_verdicts

__all__ = ["online"]


def online(
    repeats: Annotated[int, typer.Option(min=1, help="repeats, of which the fastest counts")] = 15,
    json: Json = False,
) -> None:
    """Time the online rule beside the same rule in eager torch and beside back-propagation through time.

    At the end three of the figures stand beside what is wanted of them on this machine's instruction set.
    """
    from carrousel.bench import instructions, online_verdicts, widest
    from carrousel.bench._online import Figure, benchmarks

    figures: list[Figure] = []

    def tell(figure: Figure) -> None:
        figures.append(figure)
        if not json:
            say(f"{figure.name:48} {figure.value:10.4g} {figure.unit:10} {figure.about}")

    benchmarks(tell, repeats)
    judged = online_verdicts(figures)
    if json:
        targets = [{**vars(verdict), "reached": verdict.reached} for verdict in judged]
        emit({"figures": [vars(figure) for figure in figures], "targets": targets})
        return
    say("")
    say_verdicts(judged, instructions(widest()), "one core")

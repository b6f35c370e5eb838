"""``carrousel bench online``: the online rule beside eager torch and back-propagation through time."""

from __future__ import annotations

from functools import partial
from typing import Annotated

import typer

from carrousel.cli._options import Json
from carrousel.cli._verdicts import say_figures

__all__ = ["online"]


def online(
    repeats: Annotated[int, typer.Option(min=1, help="repeats, of which the fastest counts")] = 15,
    json: Json = False,
) -> None:
    """Time the online rule beside the same rule in eager torch and beside back-propagation through time.

    At the end three of the figures stand beside what is wanted of them on this machine's instruction set.
    """
    from carrousel.bench import instructions, online_verdicts, widest
    from carrousel.bench._online import benchmarks

    measure = partial(benchmarks, repeats=repeats)
    say_figures(measure, online_verdicts, instructions(widest()), "one core", json=json)

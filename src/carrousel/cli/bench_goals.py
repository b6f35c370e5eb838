"""``carrousel bench goals``: what estimators reach on data for which a figure was asked, beside simple methods."""

from __future__ import annotations

from typing import Annotated

import typer

from carrousel.cli._options import Json, check_only
from carrousel.cli._output import emit, note, say
from carrousel.cli._place import Figures, figures_file

__all__ = ["goals"]


def goals(
    only: Annotated[
        list[str] | None, typer.Option(metavar="DATA", help="a data set; repeatable  [default: all]")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="seeds, from 0")] = 5,
    out: Figures = None,
    json: Json = False,
) -> None:
    """Train estimators on data for which a figure was asked, and say whether they reach it.

    Labels of recordings, proteins and images, texts, pairs of texts and music; each estimator has its defaults, or
    settings that the file of figures tells. Data sets whose packages are not installed are left out. With --out the
    same command goes on after a break. A training takes two minutes of one core, of texts half an hour.
    """
    from dataclasses import asdict

    from carrousel.bench._goals import GOALS, Reached, measure_goals
    from carrousel.bench._kept import METHOD
    from carrousel.bench._tables import goal_table
    from carrousel.data import DataError

    check_only(only, list(GOALS), "data set")
    figures_file(out)
    there = []
    for name in only or GOALS:
        try:
            GOALS[name].load(name, split="test")
            there.append(GOALS[name])
        except DataError as error:
            note(f"{name} is left out: {error}")

    def tell(one: Reached, known: bool) -> None:
        if json:
            return
        metric, tail = GOALS[one.data].metric, "measured before" if known else f"{one.seconds:.0f} s"
        say(f"{one.data}, seed {one.seed}: {metric} {one.figures[METHOD][metric]:.4g}  ({tail})")

    reached = measure_goals(there, seeds, out, tell)
    if json:
        emit({"reached": [asdict(one) for one in reached]})
    else:
        say(f"\n{goal_table(reached)}")

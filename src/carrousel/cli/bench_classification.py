"""``carrousel bench classification``: the default classifier and regressor beside simple methods on real data sets."""

from __future__ import annotations

from typing import Annotated

import typer

from carrousel.cli._options import Json, check_only
from carrousel.cli._output import emit, note, say
from carrousel.cli._place import Figures, figures_file

__all__ = ["classification"]


def classification(
    seeds: Annotated[int, typer.Option(min=1, max=1000, help="seeds with which each data set is learned")] = 3,
    only: Annotated[list[str] | None, typer.Option(help="a data set's name; repeatable  [default: all]")] = None,
    out: Figures = None,
    json: Json = False,
) -> None:
    """Train with the defaults on data sets that packages carry, and compare with simple methods on their test parts.

    Data sets of packages that are not installed are left out. With --out the same command goes on after a break. It
    takes about ten minutes of one core.
    """
    from dataclasses import asdict

    from carrousel.bench._classification import Outcome, measure_outcomes, ranks
    from carrousel.bench._recordings import RECORDINGS, NotInstalledError
    from carrousel.bench._tables import outcome_table

    names = [recording.name for recording in RECORDINGS]
    check_only(only, names, "data set")
    figures_file(out)

    def tell(outcome: Outcome) -> None:
        if not json:
            scores = "  ".join(f"{name} {value:.4g}" for name, value in outcome.scores.items())
            say(f"{outcome.data}, seed {outcome.seed}: {scores}  ({outcome.seconds:.1f} s)")

    there = []
    for recording in RECORDINGS:
        if only and recording.name not in only:
            continue
        try:
            recording.read("train")
            there.append(recording)
        except NotInstalledError as error:
            note(f"{recording.name} is left out: {error}")
    outcomes = measure_outcomes(there, seeds, out, tell)
    ranked = {task: ranks(outcomes, task) for task in ("classification", "regression")}
    if json:
        emit({"outcomes": [asdict(outcome) for outcome in outcomes], "mean_ranks": ranked})
        return
    for task in (task for task, found in ranked.items() if found):
        say(f"\n{outcome_table(outcomes, task)}")

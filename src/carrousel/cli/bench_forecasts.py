"""``carrousel bench forecasts``: the forecaster beside simple methods on real series."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._options import Json
from carrousel.cli._output import emit, say
from carrousel.cli._place import Figures, figures_file

__all__ = ["forecasts"]


def forecasts(
    only: Annotated[
        list[str] | None, typer.Option(metavar="SERIES", help="a series; repeatable  [default: all nine]")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="seeds, from 0")] = 5,
    epochs: Annotated[int | None, typer.Option(min=1, help="epochs at most  [default: the forecaster's own]")] = None,
    out: Figures = None,
    json: Json = False,
) -> None:
    """Measure forecasts on nine real series, beside all simple methods, and print the table.

    Forecasts begin at every row of a series' last fifth; models are fitted to what lies before it, and once more half
    way. With --out the same command goes on after a break. All takes some twenty minutes on one core.
    """
    from carrousel.bench._forecasts import Record, forecast_records
    from carrousel.bench._series import CASES
    from carrousel.bench._tables import forecast_table

    names = list(CASES) if only is None else only
    for name in names:
        if name not in CASES:
            raise UsageError(f"--only {name}: no such series; there are {', '.join(CASES)}")
    figures_file(out)
    options: dict[str, Any] = {} if epochs is None else {"max_epochs": epochs}

    def tell(record: Record, known: bool) -> None:
        if json:
            return
        (ours,) = (method["MAE"] for method in record["methods"].values() if not method["simple"])
        best = record["methods"][record["best"]]["MAE"]
        tail = "measured before" if known else f"{record['seconds']:.0f} s"
        say(f"{record['series']:12} seed {record['seed']}  LSTM {ours:<9.4g} {record['best']} {best:.4g}  ({tail})")

    try:
        records = forecast_records(names, seeds, out, tell, **options)
    except ValueError as error:
        raise UsageError(str(error)) from None
    if json:
        emit({"records": records})
        return
    say("")
    say(forecast_table(records))

"""``carrousel evaluate`` and ``carrousel predict``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._models import given, open_model, refuse_columns, sequences_for, series_for, unseen
from carrousel.cli._options import Columns, Data, Json, Model, Split, flat
from carrousel.cli._output import emit, plain, say, write_table
from carrousel.cli._place import folders_of, plain_file

if TYPE_CHECKING:
    import pandas as pd


@flat
def evaluate(model: Model, data: Data, *, split: Split = None, columns: Columns, json: Json = False) -> None:
    """Compare a saved model with simple methods on new data.

    The simple methods learned from the data that the model was trained on.
    """
    estimator = open_model(model)
    if estimator.reads == "series":
        refuse_columns(columns, split)
        series = series_for(data, columns)
        rows = unseen(estimator, series.frame)
        if len(rows) < estimator.horizon:
            raise UsageError(
                f"{data}: {len(rows)} of its {len(series)} steps come after the training data; "
                f"a forecast of {estimator.horizon} steps needs as many to be compared with"
            )
        report = estimator.report(*given(estimator, rows))
        about = str(series) if len(rows) == len(series) else f"the {len(rows)} steps after the training data"
    else:
        found = sequences_for(estimator, data, columns, split)
        if found.y is None:
            raise UsageError(f"{data}: there are no labels to compare with (--label names their column)")
        report = estimator.report(found.X, estimator.targets_of(found))
        about = str(found)
    if json:
        emit({"model": model, "data": data, "report": report.to_dict()})
    else:
        say(f"{model} on {data}: {about}\n\n{report}")


@flat
def predict(
    model: Model,
    data: Data,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="a .csv or .parquet file  [default: standard output]")
    ] = None,
    future: Annotated[
        str | None,
        typer.Option(metavar="DATA", help="the known columns of the steps to forecast (forecasters with --known)"),
    ] = None,
    split: Split = None,
    columns: Columns,
    json: Json = False,
) -> None:
    """Predict classes, values, or the next steps of a series.

    The answer is a table: a row for each sequence with the probabilities of the classes, or a row for each step.
    """
    if out is not None and out.suffix.lower() not in (".csv", ".parquet"):
        raise UsageError(f"--out {out}: write .csv or .parquet")
    if out is not None:
        plain_file("--out", out)
    estimator = open_model(model)
    if estimator.reads == "series":
        refuse_columns(columns, split)
        table = _forecast(estimator, data, future, columns)
    else:
        if future is not None:
            raise UsageError("--future: only a forecaster takes it")
        table = _sequences(estimator, data, columns, split)
    if out is not None:
        with folders_of(out):
            write_table(table, out)
    if json:
        rows = [plain(row) for row in table.to_dict(orient="records")]
        emit({"model": model, "data": data, **({"out": out} if out else {"predictions": rows})})
    elif out is not None:
        say(f"{len(table)} predictions: {out}")
    else:
        say(table.to_csv(index=False).rstrip("\n"))


def _sequences(estimator: Any, data: str, columns: Columns, split: str | None) -> pd.DataFrame:
    found = sequences_for(estimator, data, columns, split)
    return estimator.table(found.X, found.ids)


def _forecast(estimator: Any, data: str, future: str | None, columns: Columns) -> pd.DataFrame:
    series = series_for(data, columns)
    later = None
    if future is not None:
        frame = series_for(future, columns, all_channels=True).frame
        lacking = [c for c in estimator.known if c not in frame.columns]
        if lacking:
            raise UsageError(f"{future}: no column {lacking[0]!r}, which the model knows in advance")
        later = frame[list(estimator.known)]
    return estimator.table(*given(estimator, series.frame), future=later)

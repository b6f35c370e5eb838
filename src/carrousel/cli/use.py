"""``carrousel evaluate`` and ``carrousel predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._models import chosen, open_model, read
from carrousel.cli._options import Columns, Data, Json, Model, Split, flat
from carrousel.cli._output import emit, plain, say, write_table
from carrousel.cli._place import folders_of, plain_file

__all__ = ["evaluate", "predict"]


@flat
def evaluate(model: Model, data: Data, *, split: Split = None, columns: Columns, json: Json = False) -> None:
    """Compare a saved model with simple methods on new data.

    The simple methods learned from the data that the model was trained on.
    """
    estimator = open_model(model)
    unseen = estimator.unseen(read(estimator, data, columns, split))
    report = estimator.report_on(unseen)
    if json:
        emit({"model": model, "data": data, "report": report.to_dict()})
    else:
        say(f"{model} on {data}: {unseen}\n\n{report}")


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
    ahead = chosen(estimator.table, future=future)
    known = read(estimator, data, columns, split)
    if ahead:
        options = {"time": columns.time, "max_size": columns.options()["max_size"]}
        ahead["future"] = estimator.read_future(future, **chosen(estimator.read_future, **options))
    table = estimator.table(known, **ahead)
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

"""``carrousel evaluate`` and ``carrousel predict``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._models import chosen, open_model, read, takes
from carrousel.cli._options import AnyColumns, Data, Json, Model, Split, flat
from carrousel.cli._output import emit, note, plain, say, write_table
from carrousel.cli._place import folders_of, plain_file

__all__ = ["evaluate", "predict"]


@flat
def evaluate(model: Model, data: Data, *, split: Split = None, columns: AnyColumns, json: Json = False) -> None:
    """Compare a saved model with simple methods on new data.

    The simple methods learned from the data that the model was trained on.
    """
    estimator, source = open_model(model, data, columns, split=split)
    notes: list[str] = []
    unseen = estimator.unseen(read(estimator, source, columns, split, notes))
    report = estimator.report_on(unseen)
    for line in notes:
        note(line)
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
    columns: AnyColumns,
    json: Json = False,
) -> None:
    """Predict classes, values, labels, or the next steps of a series.

    The answer is a table: a row for each sequence with the probabilities of the classes or with a string of labels, or
    a row for each step.
    """
    if out is not None and out.suffix.lower() not in (".csv", ".parquet"):
        raise UsageError(f"--out {out}: write .csv or .parquet")
    if out is not None:
        plain_file("--out", out)
    estimator, source = open_model(model, data, columns, split=split, future=future)
    notes: list[str] = []
    ahead = chosen(estimator.table, future=future)
    known = read(estimator, source, columns, split, notes)
    if ahead:
        not_theirs = {
            "label",
            "channels",
            "channels_first",
            *(["id"] if not takes(estimator.read_future, "id") else []),
        }
        options = {name: value for name, value in columns.options().items() if name not in not_theirs}
        ahead["future"] = estimator.read_future(future, **chosen(estimator.read_future, **options))
    table = estimator.table(known, **ahead)
    for line in notes:
        note(line)
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

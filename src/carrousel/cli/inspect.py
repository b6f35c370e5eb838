"""``carrousel inspect``: pictures of a saved model at work."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._models import given, open_model, refuse_columns, sequences_for, series_for, unseen
from carrousel.cli._options import Columns, Data, Json, Model, Split, flat
from carrousel.cli._output import emit, say
from carrousel.cli._place import folders_of

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORECASTS = 4  # as many as fit one after another at the end of a series, at most


@flat
def inspect(
    model: Model,
    data: Data,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="folder for the pictures  [default: MODEL/pictures]")
    ] = None,
    sequence: Annotated[
        str | None, typer.Option(help="id of the sequence whose gates are drawn  [default: the first]")
    ] = None,
    layer: Annotated[int, typer.Option(min=0, help="layer whose gates are drawn, from 0")] = 0,
    split: Split = None,
    columns: Columns,
    json: Json = False,
) -> None:
    """Draw gates and states, learning curve and predictions.

    Pictures: every gate and state over time for one sequence; the losses of training; the confusion matrix, or
    predicted over actual values, or forecasts with their intervals.
    """
    from carrousel import pictures

    folder = model / "pictures" if out is None else out
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder}: a file of that name is there")
    estimator = open_model(model)
    depth = int(estimator.num_layers)
    if layer >= depth:
        raise UsageError(f"--layer {layer}: the model has {depth} layer{'s' * (depth > 1)}, counted from 0")
    if estimator.reads == "series":
        refuse_columns(columns, split)
        if sequence is not None:
            raise UsageError("--sequence: a forecaster reads one series")
        drawn = _series(estimator, data, columns, layer)
    else:
        drawn = _sequences(estimator, data, columns, split, sequence, layer)
    if estimator.history_:
        drawn["learning-curve"] = pictures.draw_learning_curve(
            estimator.history_, best_epoch=estimator.best_epoch_, title="Learning curve"
        )
    with folders_of(folder / "x"):
        paths = [pictures.save(figure, folder / f"{name}.png") for name, figure in drawn.items()]
    if json:
        emit({"model": model, "data": data, "pictures": paths})
    else:
        for path in paths:
            say(str(path))


def _sequences(
    estimator: Any, data: str, columns: Columns, split: str | None, sequence: str | None, layer: int
) -> dict[str, Figure]:
    from carrousel import pictures

    found = sequences_for(estimator, data, columns, split)
    row = 0
    if sequence is not None:
        ids = [str(i) for i in found.ids]
        if sequence not in ids:
            from carrousel.data._errors import nearest

            raise UsageError(f"--sequence {sequence}: {data} has no sequence of that id{nearest(sequence, ids)}")
        row = ids.index(sequence)
    x = found.X[row]
    said = estimator.predict([x])[0]
    fact = "" if found.y is None else f", {found.y[row]!s} in fact"
    drawn = {
        "gates": pictures.draw_activations(
            estimator.activations(x),
            x,
            cell=estimator.cell,
            channels=found.channels,
            layer=layer,
            title=f"{data}, sequence {found.ids[row]!s}: taken for {said!s}{fact}",
        )
    }
    if found.y is None:
        return drawn
    predicted = estimator.predict(found.X)
    actual = estimator.targets_of(found)
    drawn[estimator.pictured] = JUDGED[estimator.pictured](actual, predicted, data)
    return drawn


def _confusion(actual: Any, predicted: Any, data: str) -> Figure:
    from carrousel import pictures

    actual = actual.astype(predicted.dtype)
    right = int((predicted == actual).sum())
    return pictures.draw_confusion(actual, predicted, title=f"{data}: {right} of {len(actual)} right")


def _values(actual: Any, predicted: Any, data: str) -> Figure:
    from carrousel import pictures

    return pictures.draw_values(actual, predicted, title=f"{data}: predicted and actual")


JUDGED = {"confusion": _confusion, "values": _values}
"""How what was predicted is drawn beside what came, by the name that an estimator of sequences has for it."""


def _series(estimator: Any, data: str, columns: Columns, layer: int) -> dict[str, Figure]:
    import pandas as pd

    from carrousel import pictures

    whole = series_for(data, columns).frame
    frame, where = unseen(estimator, whole), "after the training data"
    if len(frame) < estimator.horizon:
        frame, where = whole, "within the training data"
    elif len(frame) == len(whole):
        where = "of another series"
    test = estimator.backtest(*given(estimator, frame))
    horizon = test.actual.shape[1]
    last = len(test.origins) - 1
    picks = list(range(last, -1, -horizon))[:FORECASTS][::-1]
    forecasts = [
        pd.DataFrame(
            test.quantiles[next(iter(test.quantiles))][k],
            index=frame.index[test.origins[k] : test.origins[k] + horizon],
            columns=list(test.levels),
        )
        for k in picks
    ]
    shown = whole[estimator.target_].iloc[-horizon * (FORECASTS + 4) :]
    return {
        "forecast": pictures.draw_forecast(shown, forecasts, title=f"{data}: forecasts of {horizon} steps {where}"),
        "gates": pictures.draw_activations(
            estimator.activations(*given(estimator, whole)),
            whole[list(estimator.columns_)].to_numpy()[-estimator.context_ :],
            cell=estimator.cell,
            channels=[str(c) for c in estimator.columns_],
            layer=layer,
            title=f"{data}: the last {estimator.context_} steps, before a forecast",
        ),
    }

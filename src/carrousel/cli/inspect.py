"""``carrousel inspect``: pictures of a saved model at work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._models import chosen, open_model, read
from carrousel.cli._options import AnyColumns, Data, Json, Model, Split, flat
from carrousel.cli._output import emit, note, say
from carrousel.cli._place import folders_of

__all__ = ["inspect"]


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
    columns: AnyColumns,
    json: Json = False,
) -> None:
    """Draw gates and states, learning curve and predictions.

    Pictures: every gate and state over time for one sequence; the losses of training; the confusion matrix, or
    predicted over actual values, or forecasts with their intervals; tags under a sequence, or when a string is said;
    what each direction sees in an image.
    """
    folder = model / "pictures" if out is None else out
    if folder.exists() and not folder.is_dir():
        raise UsageError(f"--out {folder}: a file of that name is there")
    estimator, source = open_model(model, data, columns, split=split, sequence=sequence)
    from carrousel import pictures

    depth = int(estimator.num_layers)
    if layer >= depth:
        raise UsageError(f"--layer {layer}: the model has {depth} layer{'s' * (depth > 1)}, counted from 0")
    options = chosen(estimator.drawings, layer=layer, sequence=sequence)
    notes: list[str] = []
    figures = estimator.drawings(read(estimator, source, columns, split, notes), **options)
    for line in notes:
        note(line)
    with folders_of(folder / "x"):
        paths = [pictures.save(figure, folder / f"{name}.png") for name, figure in figures.items()]
    if json:
        emit({"model": model, "data": data, "pictures": paths})
    else:
        for path in paths:
            say(str(path))

"""``carrousel analyse gradients``: how far back a saved model's error flows."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._models import open_model, read
from carrousel.cli._options import AnyColumns, Data, Json, Model, Split, flat
from carrousel.cli._output import emit, note, say
from carrousel.cli._place import folders_of, plain_file

__all__ = ["gradients"]

SHOWN = 12  # lines of the table at most, evenly over the steps


@flat
def gradients(
    model: Model,
    data: Data,
    *,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="the picture  [default: MODEL/pictures/gradients.png]")
    ] = None,
    count: Annotated[int, typer.Option(min=1, help="sequences, or windows of a series, evenly from all")] = 50,
    split: Split = None,
    columns: AnyColumns,
    json: Json = False,
) -> None:
    """Measure how the loss at the end of a sequence depends on inputs and states of steps before.

    A table and a picture of the norms of its derivatives, by the number of steps back; the mean of several sequences.
    """
    path = model / "pictures" / "gradients.png" if out is None else out
    if path.suffix.lower() not in (".png", ".svg", ".pdf"):
        raise UsageError(f"--out {path}: write .png, .svg or .pdf")
    plain_file("--out", path)
    estimator, source = open_model(model, data, columns)
    notes: list[str] = []
    items = estimator.items_on(read(estimator, source, columns, split, notes))
    from carrousel import pictures
    from carrousel.nets import mean_flow

    flow = mean_flow(estimator.network_, items, count)
    for line in notes:
        note(line)
    curves = {"input": flow.inputs, **flow.states}
    figure = pictures.draw_error_flow(curves, title=f"{model} on {data}: error flow")
    with folders_of(path):
        pictures.save(figure, path)
    if json:
        norms = {name: values.tolist() for name, values in curves.items()}
        emit({"model": model, "data": data, "norms": norms, "sequences": flow.counts.tolist(), "picture": path})
        return
    say("steps back  sequences  " + "  ".join(f"{name:>10}" for name in curves))
    last = len(flow.inputs) - 1
    for q in sorted({round(k * last / (SHOWN - 1)) for k in range(SHOWN)}):
        say(f"{q:10}  {flow.counts[q]:9}  " + "  ".join(f"{values[q]:10.3g}" for values in curves.values()))
    say(str(path))

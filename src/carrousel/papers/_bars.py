"""A picture of a table: a bar for each row that was run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Picture, Row

__all__ = ["bars"]


def bars(
    rows: Sequence[Row], key: str, title: str, *, form: str = ".1%", other: str = "", other_is: str = ""
) -> Picture:
    """Returns the picture of a table's rows: bars as long as one of their figures.

    Args:
        rows: the table.
        key: of the figure.
        title: what it is.
        form: how it is written; a share of 1 where that ends with ``%``, else a number of at least 1.
        other: the key of a figure beside it, of which there are pale bars.
        other_is: what that is.
    """
    draw = partial(_draw, rows=rows, key=key, title=title, form=form, other=other, other_is=other_is)
    return Picture("rows", title, draw)


def _draw(
    path: Path, result: Mapping[str, Any], *, rows: Sequence[Row], key: str, title: str, form: str, other: str,
    other_is: str,
) -> None:  # fmt: skip
    from carrousel.pictures.beside import Bar, draw_beside
    from carrousel.pictures.style import save

    figures = {entry["row"]: entry["measured"] for entry in result["rows"] if "measured" in entry}
    shown = []
    for row in rows:
        measured = figures.get(row.name)
        if measured is not None and measured.get(key) is not None:
            label = ", ".join([row.label, *(f"{name} {value}" for name, value in row.columns.items())])
            words = format(measured[key], form)
            shown.append(Bar(label, measured[key], measured.get(other), row.published.get(key), words=words))
    if not shown:
        raise ValueError("no row was run, so there is nothing to draw")
    named = {"measured": "ours", "other": other_is, "published": "published"}
    save(draw_beside(shown, title, share=form.endswith("%"), **named), path)

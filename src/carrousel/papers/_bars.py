"""A picture of a table: a bar for each row that was run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Picture, Row

__all__ = ["bars"]


def bars(
    rows: Sequence[Row],
    key: str,
    title: str,
    *,
    name: str = "rows",
    columns: Sequence[str] | None = None,
    form: str = ".1%",
    other: str = "",
    other_is: str = "",
    measured: str = "ours",
    published: str = "published",
) -> Picture:
    """Returns the picture of a table's rows: bars as long as one of their figures.

    Args:
        rows: the table.
        key: of the figure.
        title: what it is.
        name: the end of the picture's file's name.
        columns: those of a row's columns that stand beside its label; None for all.
        form: how it is written; a share of 1 where that ends with ``%``, else a number of at least 1.
        other: the key of a figure beside it, of which there are pale bars.
        other_is: what that is.
        measured: what the blue bars are.
        published: what the ticks are.
    """
    named = {"measured": measured, "other": other_is, "published": published}
    draw = partial(_draw, rows=rows, key=key, title=title, columns=columns, form=form, other=other, named=named)
    return Picture(name, title, draw)


def _draw(
    path: Path, result: Mapping[str, Any], *, rows: Sequence[Row], key: str, title: str, columns: Sequence[str] | None,
    form: str, other: str, named: Mapping[str, str],
) -> None:  # fmt: skip
    from carrousel.pictures.beside import Bar, draw_beside
    from carrousel.pictures.style import save

    figures = {entry["row"]: entry["measured"] for entry in result["rows"] if "measured" in entry}
    shown = []
    for row in rows:
        measured = figures.get(row.name)
        if measured is not None and measured.get(key) is not None:
            beside = row.columns if columns is None else columns
            label = ", ".join([row.label, *(f"{name} {row.columns[name]}" for name in beside)])
            words = format(measured[key], form)
            shown.append(Bar(label, measured[key], measured.get(other), row.published.get(key), words=words))
    if not shown:
        raise ValueError("no row was run, so there is nothing to draw")
    save(draw_beside(shown, title, share=form.endswith("%"), **named), path)

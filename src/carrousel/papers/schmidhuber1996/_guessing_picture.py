"""Draws the picture of random weight guessing: numbers of draws on a logarithmic scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Row
from carrousel.pictures.beside import Bar, draw_beside
from carrousel.pictures.style import save

__all__ = ["draw"]


def draw(path: Path, result: Mapping[str, Any], rows: Sequence[Row]) -> None:
    """Draws a bar for each row that was run, with the published number, and one for each quoted row, as a PNG file."""
    entries = {entry["row"]: entry for entry in result["rows"]}
    bars = []
    for row in rows:
        if row.name not in entries:
            continue
        published = row.published.get("draws_mean", row.published.get("draws_uncertain"))
        measured = entries[row.name].get("measured", {}).get("draws_mean")
        if row.config is None:
            bars.append(Bar(_label(row), other=published))
        elif measured is None:
            bars.append(Bar(_label(row)))
        else:
            bars.append(Bar(_label(row), measured, None, published, uncertain="draws_mean" not in row.published))
    figure = draw_beside(
        bars,
        "Random weight guessing: draws until 100 sequences are right",
        measured="guessing, here",
        other="other methods, published",
        published="guessing, published",
        xlabel="draws of all weights (other methods: trials or sequences, as published)",
    )
    save(figure, path)


def _label(row: Row) -> str:
    noise = row.columns["noise"]
    about = f"; noise: {noise}" if noise not in ("", "none") else ""
    return f"{row.columns['task']}: {row.columns['network or method']}{about}"

"""Draws the picture of a baseline: what was right when training was over."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Row
from carrousel.pictures.beside import Bar, draw_beside
from carrousel.pictures.style import save

__all__ = ["draw"]


def draw(path: Path, result: Mapping[str, Any], rows: Sequence[Row], title: str) -> None:
    """Draws two bars for each row as a PNG file: the share of right answers, and of trials that succeeded."""
    figures = {entry["row"]: entry["measured"] for entry in result["rows"] if "measured" in entry}
    bars = []
    for row in rows:
        if row.name in figures:
            measured = figures[row.name]
            share, trials = measured["success_rate"], measured["trials"]
            label = f"{row.columns['task']}\nhidden units: {row.columns['hidden units']}"
            words = f"{share * trials:.0f} of {trials}, cap {row.columns['cap']}"
            bars.append(Bar(label, share, measured["right"], words=words))
    right = "right answers when training was over"
    save(draw_beside(bars, title, measured="successful trials", other=right, share=True), path)

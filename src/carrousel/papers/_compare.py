"""Sets measured figures beside published ones."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from carrousel.papers._experiment import RUNNING, Column, Experiment, Row

__all__ = ["FACTOR", "POINTS", "near", "ratio", "table"]

FACTOR = 2.0
"""A measured figure further than this factor from the published one is marked."""
POINTS = 0.25
"""A measured share further than this from the published one is marked."""


def _both(figure: Column, row: Mapping[str, Any]) -> tuple[float, float | None] | None:
    """Returns the published and the measured number; None if there is nothing to compare, or only a bound is known."""
    published = row["published"].get(figure.key)
    if "measured" not in row or not figure.compared or published is None or isinstance(published, str):
        return None
    if not published and not figure.share:
        return None  # no factor leads from nothing
    return published, row["measured"].get(figure.key)


def ratio(figure: Column, row: Mapping[str, Any]) -> float | None:
    """Returns the measured figure over the published one; None if they are not compared, are shares, or one is none."""
    both = _both(figure, row)
    return None if both is None or figure.share or both[1] is None else both[1] / both[0]


def near(figure: Column, row: Mapping[str, Any]) -> bool | None:
    """Returns whether a figure is near the published one: within the factor, or a share within so many points.

    Returns None if it is not compared, or no number is published. Where one is published and none came out, as of a row
    without a success, it is not near.
    """
    both = _both(figure, row)
    if both is None:
        return None
    published, measured = both
    if measured is None:
        return False
    return abs(measured - published) <= POINTS if figure.share else 1 / FACTOR <= measured / published <= FACTOR


def table(experiment: Experiment, result: Mapping[str, Any]) -> list[list[str]]:
    """Returns the table as texts: a heading, and for every row a line of published figures and one of ours."""
    figures = (*experiment.figures, *RUNNING)
    head = list(dict.fromkeys(name for row in experiment.rows for name in row.columns))
    lines = [["row", "method", *head, "", *(figure.heading for figure in figures)]]
    rows = {row.name: row for row in experiment.rows}
    for entry in result["rows"]:
        row = rows[entry["row"]]
        columns = [row.columns.get(name, "") for name in head]
        told = [figure.show(entry["published"]) for figure in figures]
        lines.append([row.name, row.label, *columns, _source(experiment, row, entry["published"]), *told])
        if "measured" in entry:
            lines.append([*("" for _ in range(len(head) + 2)), "ours", *(_ours(f, entry) for f in figures)])
    return lines


def _source(experiment: Experiment, row: Row, published: Mapping[str, Any]) -> str:
    """Says where the published figures of a row are from, or that they are unknown."""
    if all(published.get(figure.key) is None for figure in experiment.figures):
        return "published: unknown"
    source = row.source or experiment.source
    return f"published, {source}" if source else "published"


def _ours(figure: Column, entry: Mapping[str, Any]) -> str:
    value, shown = ratio(figure, entry), figure.show(entry["measured"])
    if value is None:
        return f"{shown} (✗)" if near(figure, entry) is False else shown
    return f"{shown} (×{value:.2f}{'' if near(figure, entry) else ' ✗'})"

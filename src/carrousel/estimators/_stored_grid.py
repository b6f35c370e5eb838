"""A grid as a saved model keeps it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from carrousel._format import MOST, whole
from carrousel.estimators._grid import Grid
from carrousel.estimators._offsets import offset_from_json, offset_to_json
from carrousel.estimators._rules import ByOffset, Fixed, Months, Rule

__all__ = ["grid_from_json", "grid_to_json"]

CHECKED = 1000
LATEST, EARLIEST = 2**63 - 1, -(2**63)


def grid_to_json(grid: Grid | None, steps: int = CHECKED) -> dict[str, Any] | None:
    """Returns a grid in JSON, after reading it back and comparing times on both sides of its anchor.

    Args:
        grid: what is stored.
        steps: that are compared, on each side.

    Raises:
        ValueError: it would not come back the same.
    """
    if grid is None:
        return None
    rule: dict[str, Any]
    if isinstance(grid.rule, Fixed):
        rule = {"kind": "fixed", "step": grid.rule.step}
    elif isinstance(grid.rule, Months):
        rule = {"kind": "months", "months": grid.rule.months, "day": grid.rule.day}
    else:
        evening = grid.rule.evening
        rule = {"kind": "offset", **offset_to_json(grid.rule.offset)}
        rule |= {} if evening is None else {"evening": list(evening)}
    name = grid.name if isinstance(grid.name, str) else None
    facts = {
        "kind": grid.kind, "rule": rule, "first": grid.anchor, "unit": grid.unit, "zone": _zone_word(grid.zone),
        "wall": grid.wall, "frequency": grid.frequency, "name": name,
    }  # fmt: skip
    try:
        again = grid_from_json(facts)
        same = again is not None and _same(again, grid, steps)
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise ValueError(f"{grid} cannot be stored with a model: {error}") from None
    if not same:
        raise ValueError(f"{grid} cannot be stored with a model: other times would come back")
    return facts


def grid_from_json(facts: Any) -> Grid | None:
    """Returns the grid of what ``grid_to_json`` returned.

    Raises:
        ValueError: it can have returned nothing like it.
    """
    if facts is None:
        return None
    kind, rule, unit = facts["kind"], facts["rule"], facts["unit"]
    if kind not in ("times", "periods", "integers") or unit not in ("s", "ms", "us", "ns"):
        raise ValueError(f"unknown kind of time index {kind!r}")
    first = whole(facts["first"], "its first time", EARLIEST, LATEST)
    zone, frequency, name = facts["zone"], facts["frequency"], facts["name"]
    if not all(word is None or isinstance(word, str) for word in (zone, frequency, name)):
        raise ValueError("its time index is damaged")
    made: Rule
    if rule["kind"] == "fixed":
        made = Fixed(whole(rule["step"], "the step of its times", 1, MOST * 1000))
    elif rule["kind"] == "months" and kind == "times":
        made = Months(whole(rule["months"], "its months", 1, 10**4), whole(rule["day"], "its day", 1, 31))
    elif rule["kind"] == "offset" and kind == "times":
        made = ByOffset(offset_from_json({k: v for k, v in rule.items() if k != "evening"}), _evening(rule))
    else:
        raise ValueError(f"unknown rule {rule['kind']!r}")
    grid = Grid(kind, made, first, unit, _zone(zone), facts["wall"] is True, frequency, name)
    grid.places(0, 2)  # whatever is not possible is refused now
    return grid


def _evening(rule: dict[str, Any]) -> tuple[int, int] | None:
    """Returns the closing hour at which times begin, and the opening hour after it, where they do."""
    evening = rule.get("evening")
    if evening is None:
        return None
    if not isinstance(evening, list) or len(evening) != 2:
        raise ValueError("its closing hour is damaged")
    first, again = (whole(tick, "its closing hour", EARLIEST, LATEST) for tick in evening)
    return first, again


def _same(a: Grid, b: Grid, steps: int) -> bool:
    """Tells whether two grids have the same times around their anchors, and zones the same clock over the years."""
    for count in (steps, 10, 2, 0):  # fewer where times end before
        span = np.arange(-count, count + 1)
        try:
            wanted = b._index(span)
        except (ValueError, OverflowError):
            continue
        break
    else:
        return False
    near = a._index(span).equals(wanted) and a.offset_word == b.offset_word
    if b.zone is None or not near:
        return near
    over_years = pd.date_range("1971", "2037", freq="17D", tz="UTC")
    here, there = (over_years.tz_convert(grid.zone).tz_localize(None) for grid in (a, b))
    return here.equals(there)


def _zone_word(zone: Any) -> str | None:
    """Returns a name that gives the zone back; one that gives another is found by whoever compares times."""
    if zone is None:
        return None
    for word in (str(zone), getattr(zone, "zone", None), getattr(zone, "key", None)):
        if isinstance(word, str):
            try:
                _zone(word)
            except Exception:  # whatever the libraries of zones raise for a name that they do not know
                continue
            return word
    raise ValueError(f"the zone {zone!r} has no name that brings it back; tz_convert the times to one that has")


def _zone(word: str | None) -> Any:
    return None if word is None else pd.DatetimeIndex([], tz=word).tz

"""The grid of time that a series stands on: where each step lies, and which step a place is."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.frequencies import to_offset
from pandas.tseries.offsets import BaseOffset, Day

from carrousel._format import MOST, whole
from carrousel.estimators._offsets import offset_from_json, offset_to_json
from carrousel.estimators._rules import DAY, Calendar, Fixed, Months, Rule, word_of

__all__ = ["Grid", "grid_from_json", "grid_to_json", "season_of"]

# Steps in a season by the frequency of the index: the next longer natural cycle.
SEASONS = {
    "s": 60, "min": 60, "h": 24, "D": 7, "B": 5, "C": 5, "W": 52, "SME": 24, "SMS": 24, "M": 12, "ME": 12, "MS": 12,
    "BME": 12, "BMS": 12, "CBME": 12, "CBMS": 12, "WOM": 12, "LWOM": 12, "Q": 4, "QE": 4, "QS": 4, "BQE": 4, "BQS": 4,
}  # fmt: skip
CHECKED = 64  # places that must come back the same from a file, on each side


@dataclass(frozen=True)
class Grid:
    """Steps of time, numbered from 0 at the anchor.

    Attributes:
        kind: ``"times"``, ``"periods"`` or ``"integers"``.
        rule: how places follow each other.
        anchor: the tick of step 0.
        unit: of the times: ``"s"``, ``"ms"``, ``"us"`` or ``"ns"``.
        zone: of the times, or None.
        wall: whether the times go by the clock on the wall of the zone.
        frequency: of the periods.
        name: of the index.
    """

    kind: str
    rule: Rule
    anchor: int
    unit: str = "ns"
    zone: Any = None
    wall: bool = False
    frequency: str | None = None
    name: Any = None

    def numbers(self, index: pd.Index, what: str) -> np.ndarray:
        """Returns the number of each place of an index, int64 [T], in whatever order they stand.

        Raises:
            ValueError: they are of another kind, zone or frequency, or one is not on the grid.
        """
        ticks = self._ticks_of(index, what)
        missing = np.asarray(index.isna())
        if missing.any():
            raise ValueError(f"the time index of {what} has no time in row {int(missing.argmax())}")
        try:
            numbers = self.rule.number(ticks, self.anchor, self._fine)
            good = self.rule.ticks(numbers, self.anchor, self._fine) == ticks
        except (ValueError, OverflowError) as error:
            raise ValueError(f"the time index of {what} does not fit: {error}") from None
        if not good.all() and self.wall and self.zone is not None:  # an hour that daylight saving left out
            late = np.flatnonzero(~good)
            good[late] = self._index(numbers[late]).asi8 == index[late].as_unit(self.unit).asi8
        if not good.all():
            row = int(np.argmin(good))
            raise ValueError(
                f"the time index of {what} does not fit: row {row} ({index[row]}) is no step of {self}"
                f"{self._other_phase(ticks)}"
            )
        self._refuse_other_frequency(index, numbers, what)
        return numbers.astype(np.int64)

    def places(self, first: int, count: int) -> pd.Index:
        """Returns the places of ``count`` steps from the one numbered ``first``."""
        index = self._index(first + np.arange(count))
        if isinstance(index, pd.DatetimeIndex):
            try:
                return pd.DatetimeIndex(index, freq=self.offset)
            except ValueError:  # one that pandas has no offset for, such as the last of each month but one
                return index
        return index

    def moved(self, steps: int) -> Grid:
        """Returns the grid numbered from 0 at the step that is number ``steps`` here."""
        tick = self.rule.ticks(np.array([steps]), self.anchor, self._fine)[0]
        return replace(self, anchor=int(tick))

    @property
    def offset(self) -> BaseOffset | None:
        """The step as an offset of pandas; None for whole numbers."""
        if self.kind == "integers":
            return None
        if self.kind == "periods":
            base = period_offset(self.frequency)
            return base * (self._step // base.n)
        if isinstance(self.rule, Calendar):
            return self.rule.offset
        if isinstance(self.rule, Months):
            return pd.DateOffset(months=self.rule.months)
        step = pd.Timedelta(self.rule.step, self._fine)
        return (
            Day(step // DAY) if step % DAY == pd.Timedelta(0) and (self.wall or self.zone is None) else to_offset(step)
        )

    def __str__(self) -> str:
        if self.kind == "integers":
            return f"the whole numbers every {self._step} from {self.anchor}"
        offset = self.offset
        word = self.frequency if offset is None else word_of(offset)
        zone = "" if self.zone is None else f", {self.zone}"
        return f"the grid {word!r} through {self._index(np.array([0]))[0]}{zone}"

    @property
    def _step(self) -> int:
        assert isinstance(self.rule, Fixed)
        return self.rule.step

    @property
    def _fine(self) -> str:
        return "ns" if self.unit == "ns" else "us"

    def _index(self, numbers: np.ndarray) -> pd.Index:
        ticks = self.rule.ticks(numbers, self.anchor, self._fine)
        if self.kind == "integers":
            if len(ticks):
                return pd.RangeIndex(int(ticks[0]), int(ticks[-1]) + self._step, self._step, name=self.name)
            return pd.RangeIndex(0, name=self.name)
        if self.kind == "periods":
            return pd.PeriodIndex.from_ordinals(ticks, freq=self.frequency, name=self.name)
        index = pd.DatetimeIndex(ticks.astype(f"M8[{self._fine}]"), name=self.name).as_unit(self.unit)
        if self.zone is None:
            return index
        if not self.wall:
            return index.tz_localize("UTC").tz_convert(self.zone)
        # An hour that comes twice is the first one; one that daylight saving leaves out is the next that there is.
        return index.tz_localize(self.zone, nonexistent="shift_forward", ambiguous=np.ones(len(index), dtype=bool))

    def _ticks_of(self, index: pd.Index, what: str) -> np.ndarray:
        kind = kind_of(index, what)
        if kind != self.kind:
            raise ValueError(f"the index of {what} holds {kind}, and the model's {self.kind}")
        if kind == "integers":
            return np.asarray(index, dtype=np.int64)
        if isinstance(index, pd.PeriodIndex):
            if index.freq.base != period_offset(self.frequency).base:
                raise ValueError(
                    f"the index of {what} holds periods of the frequency {index.freqstr!r}, the model's are "
                    f"{self.frequency!r}"
                )
            return np.asarray(index.asi8)
        assert isinstance(index, pd.DatetimeIndex)
        if (index.tz is None) != (self.zone is None):
            ours, theirs = ("no zone" if zone is None else f"the zone {zone}" for zone in (self.zone, index.tz))
            raise ValueError(
                f"the times of {what} have {theirs}, and the model's {ours}: tz_localize or tz_convert them"
            )
        return clock(index, self.zone if self.wall else None, self._fine, what)

    def _other_phase(self, ticks: np.ndarray) -> str:
        """Says it if the places would fit after a shift."""
        if len(ticks) < 2:
            return ""
        try:
            shifted = replace(self, anchor=int(ticks[0]))
            numbers = self.rule.number(ticks, shifted.anchor, self._fine)
            fits = (self.rule.ticks(numbers, shifted.anchor, self._fine) == ticks).all()
        except (ValueError, OverflowError):
            return ""
        return "; its steps are as long, but begin elsewhere. continues=False takes it for another series" * bool(fits)

    def _refuse_other_frequency(self, index: pd.Index, numbers: np.ndarray, what: str) -> None:
        steps = np.diff(numbers)
        several = int(np.gcd.reduce(np.abs(steps))) if len(steps) > 1 else 1
        said = index.freq if isinstance(index, pd.DatetimeIndex) else None
        if said is not None and len(steps) <= 1 and self.offset is not None and isinstance(said, type(self.offset)):
            several = max(several, said.n // self.offset.n) if said.n % self.offset.n == 0 else several
        elif said is not None and len(steps) <= 1 and isinstance(self.rule, Fixed):
            try:
                step = pd.Timedelta(1, "D") * said.n if isinstance(said, Day) else pd.Timedelta(said)
                several = max(several, step // pd.Timedelta(self._step, self._fine))
            except (ValueError, TypeError):  # no step of one length
                several = 2
        if several > 1:
            raise ValueError(
                f"the rows of {what} come every {several} steps or more of {self}, one after another: it has another "
                "frequency than the model"
            )


def period_offset(frequency: str | None) -> BaseOffset:
    """Returns the offset between two periods."""
    return pd.PeriodIndex([], freq=frequency).freq


def kind_of(index: pd.Index, what: str) -> str:
    """Returns ``"times"``, ``"periods"`` or ``"integers"``; ValueError for anything else."""
    if isinstance(index, pd.PeriodIndex):
        return "periods"
    if isinstance(index, pd.DatetimeIndex):
        return "times"
    if pd.api.types.is_integer_dtype(index.dtype):
        return "integers"
    raise ValueError(f"the index of {what} holds {index.dtype}; it must be times, periods or integers")


def clock(index: pd.DatetimeIndex, zone: Any, unit: str, what: str) -> np.ndarray:
    """Returns times as ticks, int64: in UTC, or with ``zone`` as the clock on its wall shows them."""
    if index.tz is not None:
        index = index.tz_convert(zone).tz_localize(None)
    try:
        fine = index.as_unit(unit)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"the times of {what} do not fit: {error}") from None
    if not (fine == index)[~index.isna()].all():
        row = int(np.argmin(np.asarray(fine == index)))
        raise ValueError(f"the time index of {what} does not fit: row {row} ({index[row]}) is finer than {unit}")
    return np.asarray(fine.asi8)


def season_of(grid: Grid | None) -> int:
    """Returns the steps in a season by the frequency: 24 for hours, 7 for days, 12 for months; 1 if unknown."""
    if grid is None or grid.kind == "integers":
        return 1
    if isinstance(grid.rule, Months):
        return max(1, 12 // grid.rule.months) if 12 % grid.rule.months == 0 else 1
    offset = grid.offset
    if offset is None:
        return 1
    try:
        step = DAY * offset.n if isinstance(offset, Day) else pd.Timedelta(offset)
    except (ValueError, TypeError):
        return SEASONS.get(word_of(offset).split("-")[0], 1)
    for length, steps in ((DAY, 7), (7 * DAY, 52), (pd.Timedelta(1, "min"), 60), (pd.Timedelta(1, "s"), 60)):
        if step == length:
            return steps
    # Several minutes or hours: the steps in a day, if they fill it.
    return int(DAY / step) if step < DAY and DAY % step == pd.Timedelta(0) else 1


def grid_to_json(grid: Grid | None) -> dict[str, Any] | None:
    """Returns a grid in JSON, after reading it back and comparing places on both sides of its anchor.

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
        rule = {"kind": "offset", **offset_to_json(grid.rule.offset)}
    name = grid.name if isinstance(grid.name, str) else None
    facts = {
        "kind": grid.kind, "rule": rule, "last": grid.anchor, "unit": grid.unit, "zone": _zone_word(grid.zone),
        "wall": grid.wall, "frequency": grid.frequency, "name": name,
    }  # fmt: skip
    try:
        again = grid_from_json(facts)
        assert again is not None
        same = again.places(-CHECKED, 2 * CHECKED).equals(grid.places(-CHECKED, 2 * CHECKED))
    except (ValueError, TypeError, KeyError, OverflowError) as error:
        raise ValueError(f"{grid} cannot be stored with a model: {error}") from None
    if not same:
        raise ValueError(f"{grid} cannot be stored with a model: other dates would come back")
    return facts


def grid_from_json(facts: Any) -> Grid | None:
    """Returns the grid of what ``grid_to_json`` returned, or of what models of the first version hold.

    Raises:
        ValueError: it can have returned nothing like it.
    """
    if facts is None:
        return None
    if "rule" not in facts:
        return _older(facts)
    kind, rule, unit = facts["kind"], facts["rule"], facts["unit"]
    if kind not in ("times", "periods", "integers") or unit not in ("s", "ms", "us", "ns"):
        raise ValueError(f"unknown kind of time index {kind!r}")
    anchor = whole(facts["last"], "its last place", -(2**63), 2**63 - 1)
    zone, frequency, name = facts["zone"], facts["frequency"], facts["name"]
    if not all(word is None or isinstance(word, str) for word in (zone, frequency, name)):
        raise ValueError("its time index is damaged")
    made: Rule
    if rule["kind"] == "fixed":
        made = Fixed(whole(rule["step"], "the step of its places", 1, MOST * 1000))
    elif rule["kind"] == "months" and kind == "times":
        made = Months(whole(rule["months"], "its months", 1, 10**4), whole(rule["day"], "its day", 1, 31))
    elif rule["kind"] == "offset" and kind == "times":
        made = Calendar(offset_from_json(rule))
    else:
        raise ValueError(f"unknown rule {rule['kind']!r}")
    grid = Grid(kind, made, anchor, unit, _zone(zone), facts["wall"] is True, frequency, name)
    grid.places(0, 2)  # whatever is not possible is refused now
    return grid


def _older(facts: Any) -> Grid:
    """Returns the grid of a model that has its frequency as a word."""
    from carrousel.estimators._frequency import grid_of

    if facts["kind"] == "integers":
        last, step = whole(facts["last"], "its last place", -MOST), whole(facts["step"], "the step of its places", 1)
        return Grid("integers", Fixed(step), last)
    if facts["kind"] == "periods":
        return grid_of(pd.PeriodIndex([facts["last"]], freq=facts["frequency"]), "the model")[0]
    if facts["kind"] != "times":
        raise ValueError(f"unknown kind of time index {facts['kind']!r}")
    time = pd.Timestamp(facts["last"])
    if facts["zone"] is not None:
        time = time.tz_convert(facts["zone"])
    if facts["frequency"] is None:
        raise ValueError("its time index has no frequency")
    return grid_of(pd.DatetimeIndex([time]), "the model", freq=facts["frequency"])[0]


def _zone_word(zone: Any) -> str | None:
    """Returns a name that gives the zone back; one that gives another is found by whoever compares places."""
    if zone is None:
        return None
    for word in (str(zone), getattr(zone, "zone", None), getattr(zone, "key", None), _fixed_zone(zone)):
        if isinstance(word, str):
            try:
                _zone(word)
            except Exception:  # whatever the libraries of zones raise for a name that they do not know
                continue
            return word
    raise ValueError(f"the zone {zone!r} has no name that brings it back; tz_convert the times to one that has")


def _fixed_zone(zone: Any) -> str | None:
    try:
        shift = zone.utcoffset(None)
    except Exception:
        return None
    if shift is None:
        return None
    minutes = round(shift.total_seconds() / 60)
    return f"UTC{'-' if minutes < 0 else '+'}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def _zone(word: str | None) -> Any:
    return None if word is None else pd.DatetimeIndex([], tz=word).tz

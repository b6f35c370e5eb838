"""Nine real series that installed packages carry, to try forecasters on."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["CASES", "Case", "MissingPackages", "missing"]

INSTALLED_BY = {
    "river": "river",
    "sktime": "sktime",
    "statsmodels": "statsmodels",
    "vega_datasets": "vega_datasets",
}  # a package, by its name in Python: as pip knows it


class MissingPackages(ValueError):  # noqa: N818 - it says what is missing, and with which command it comes
    """Packages that carry the data are not installed."""


@dataclass(frozen=True)
class Case:
    """A series, how far ahead it is forecast, and what is wanted.

    Attributes:
        title: for people.
        horizon: steps ahead.
        package: that carries it.
        load: reads it.
        wanted: the largest MAE that is wanted; None wants no more than that of the best simple method.
        season: steps in a season, where the times do not tell.
    """

    title: str
    horizon: int
    package: str
    load: Callable[[], pd.Series]
    wanted: float | None
    season: int | None = None


def missing(names: list[str]) -> None:
    """Refuses cases whose packages are not installed.

    Raises:
        MissingPackages: some are not; the message has the command that installs them.
    """
    lacking = {CASES[name].package for name in names}
    lacking = {package for package in lacking if importlib.util.find_spec(package) is None}
    if lacking:
        words = " ".join(sorted(INSTALLED_BY[package] for package in lacking))
        carried = ", ".join(name for name in names if CASES[name].package in lacking)
        raise MissingPackages(f"packages that carry {carried} are not installed: pip install {words}")


def _inside(package: str, *parts: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        raise MissingPackages(f"{package} is not installed: pip install {INSTALLED_BY[package]}")
    return Path(found.submodule_search_locations[0]).joinpath(*parts)


def _airline() -> pd.Series:
    import pandas as pd

    frame = pd.read_csv(_inside("river", "datasets", "airline-passengers.csv"))
    return _monthly(frame["passengers"], str(frame["month"][0]))


def _employment() -> pd.Series:
    import pandas as pd

    frame = pd.read_csv(_inside("vega_datasets", "_data", "us-employment.csv"))
    return _monthly(frame["nonfarm"], str(frame["month"][0]))


def _victoria() -> pd.Series:
    import pandas as pd

    path = _inside("statsmodels", "tsa", "stl", "tests", "results", "mstl_elec_vic.csv")
    frame = pd.read_csv(path, parse_dates=["ds"])
    return frame.set_index("ds")["y"].astype(float)


def _solar() -> pd.Series:
    import pandas as pd

    frame = pd.read_csv(_inside("sktime", "datasets", "data", "solar", "solar.csv"))
    return frame.set_index(pd.to_datetime(frame["datetime_gmt"], utc=True))["solar_gen"].astype(float)


def _water() -> pd.Series:
    import pandas as pd

    frame = pd.read_csv(_inside("river", "datasets", "water-flow.csv"))
    series = frame.set_index(pd.to_datetime(frame["Time"], utc=True)).iloc[:, -1].astype(float)
    return series.asfreq("h").interpolate()  # hours are missing


def _co2() -> pd.Series:
    import pandas as pd

    frame = pd.read_csv(_inside("statsmodels", "datasets", "co2", "co2.csv"), dtype={"date": str})
    weekly = frame.set_index(pd.to_datetime(frame["date"]))["co2"].astype(float)
    return weekly.resample("MS").mean().interpolate()  # months are missing in the first years


def _el_nino() -> pd.Series:
    import pandas as pd

    frame = pd.read_csv(_inside("statsmodels", "datasets", "elnino", "elnino.csv"))
    values = frame.iloc[:, 1:].to_numpy(float).ravel()
    return _monthly(pd.Series(values, name="temperature"), f"{frame.iloc[0, 0]:.0f}-01")


def _seattle() -> pd.Series:
    import pandas as pd

    frame = pd.read_csv(_inside("vega_datasets", "_data", "seattle-weather.csv"), parse_dates=["date"])
    return frame.set_index("date")["temp_max"].astype(float)


def _sunspots() -> pd.Series:
    import pandas as pd

    frame = pd.read_csv(_inside("statsmodels", "datasets", "sunspots", "sunspots.csv"))
    return frame.set_index(frame["YEAR"].astype(int))["SUNACTIVITY"].astype(float)


def _monthly(values: pd.Series, first: str) -> pd.Series:
    import pandas as pd

    return values.astype(float).set_axis(pd.date_range(first, periods=len(values), freq="MS"))


CASES = {
    "airline": Case("airline passengers, monthly", 12, "river", _airline, 15.0),
    "employment": Case("US employment, monthly", 12, "vega_datasets", _employment, 300.0),
    "victoria": Case("load of Victoria, hourly", 24, "statsmodels", _victoria, 360.0),
    "solar": Case("solar power, half-hourly", 48, "sktime", _solar, 0.040),
    "water-flow": Case("water flow, hourly, with gaps", 24, "river", _water, 0.37),
    "co2": Case("CO2, monthly", 12, "statsmodels", _co2, 0.45),
    "el-nino": Case("El Niño's sea, monthly", 12, "statsmodels", _el_nino, 0.73),
    "seattle": Case("temperatures of Seattle, daily", 7, "vega_datasets", _seattle, None),
    "sunspots": Case("sunspots, yearly", 11, "statsmodels", _sunspots, None, season=11),
}
"""The series, by name."""

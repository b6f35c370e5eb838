"""Which unit every weight of a learner enters."""

from __future__ import annotations

from functools import singledispatch

import numpy as np

from carrousel.learning._protocol import Sensitive
from carrousel.learning.online.cell import OnlineLSTM
from carrousel.learning.online.cell._names import nodes_of_rows
from carrousel.learning.online.network import Learner
from carrousel.learning.rtrl import ModuleRTRL

__all__ = ["nodes_of"]


@singledispatch
def nodes_of(learner: Sensitive) -> np.ndarray:
    """Returns for each weight the number of the unit that it enters, ``[weights]``.

    It is the row of the array in which the weight stands; rows of different arrays are different units.
    """
    nodes, count = np.zeros(learner.weight_count, np.int64), 0
    for places in learner.named(np.arange(learner.weight_count)).values():
        rows = np.arange(len(places) if places.ndim else 1)
        nodes[places.astype(np.int64)] = count + rows.reshape(-1, *[1] * (places.ndim - 1))
        count += len(rows)
    return nodes


@nodes_of.register
def _(learner: ModuleRTRL) -> np.ndarray:
    return learner.nodes


@nodes_of.register
def _(learner: Learner) -> np.ndarray:
    return learner._layout.nodes


@nodes_of.register
def _(learner: OnlineLSTM) -> np.ndarray:
    nodes = np.zeros(learner.weight_count, np.int64)
    rows, readout = learner._views(nodes)
    rows[:] = nodes_of_rows(learner._derived, learner.cell, learner._table, learner.hidden_size)
    readout[:] = rows.max() + 1 + np.arange(learner.output_size)[:, None]
    return nodes

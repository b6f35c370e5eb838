"""One of everything that a long-lived process makes again and again, each unlike the ones before.

A test, and the script ``tests/hard/growth.py``, make many of each and look at what is left of them. What is added to
carrousel and may be made many times gets a line in ``KINDS``.
"""

from __future__ import annotations

import functools
import inspect
import pickle
import pkgutil
import sys
from collections.abc import Callable, Collection
from importlib import import_module

import numpy as np
import torch

import carrousel
from carrousel.cells.math import sigmoid, tanh
from carrousel.engine._key import layer_of
from carrousel.learning.online import Learner, Network, OnlineLSTM
from carrousel.streams import StreamClassifier, StreamRegressor

COMPILED = ("own cells that run", "own cells that learn online")
"""Those of which each is compiled, which takes time."""


def own_cell(k: int) -> carrousel.cells.Cell:
    """A cell of one's own that no other number has."""

    @carrousel.cell("i f g", candidates="g", states="c")
    def own(z, s, p):
        i, f, g = sigmoid(z.i), sigmoid(z.f + k / 7), p.g(tanh(z.g))
        c = f * s.c + i * g
        return tanh(p.c(c)), carrousel.State(c=c), carrousel.Gates(i=i, f=f, g=g)

    return own


def sizes_of(k: int) -> tuple[int, int]:
    """Sizes of inputs and layers that recur after ten thousand, small and large ones in turn."""
    return 1 + k % 97, 1 + k % 103


def _networks(k: int) -> None:
    net = carrousel.LSTM(*sizes_of(k), num_layers=1 + k % 2)
    with torch.no_grad():
        net(torch.zeros(2, 1, net.input_size))


def _trained(k: int) -> None:
    net = carrousel.LSTM(*sizes_of(k), cell=["peephole", "gru"][k % 2])
    net(torch.zeros(2, 1, net.input_size))[0].sum().backward()


def _steps(k: int) -> None:
    net = carrousel.LSTM(1 + k // 20, 8 * (1 + k % 20))
    with torch.no_grad():
        _, state = net.step(torch.zeros(net.input_size))
        net.step(torch.zeros(net.input_size), state)


def _ragged(k: int) -> None:
    net = carrousel.LSTM(*sizes_of(k), layer_norm=bool(k % 2))
    with torch.no_grad():
        net(torch.zeros(3, 2, net.input_size), lengths=[3, 1])


_net = carrousel.LSTM(1, 2)


def _batches(k: int) -> None:
    with torch.no_grad():
        _net(torch.zeros(*sizes_of(k), 1))
        _net(torch.zeros(1 + k % 5000, 1, 1))


def _own_cells(k: int) -> None:
    carrousel.LSTM(2, 3, cell=own_cell(k))


def _own_cells_run(k: int) -> None:
    net = carrousel.LSTM(2, 3, cell=own_cell(k))
    net(torch.zeros(2, 1, 2))[0].sum().backward()


def _graphs(k: int) -> None:
    net = carrousel.LSTM(1 + k, 3, cell=own_cell(k % 20))
    layer_of(net.layers[0].key)


def _pickles(k: int) -> None:
    net = carrousel.LSTM(2, 1 + k % 300)
    with torch.no_grad():
        net(torch.zeros(1, 1, 2))
        pickle.loads(pickle.dumps(net))(torch.zeros(1, 1, 2))


def _explanations(k: int) -> None:
    net = carrousel.LSTM(2, 1 + k % 300, block_size=1)
    str(carrousel.explain(net, torch.zeros(1, 1, 2)))


def _paper_learners(k: int) -> None:
    learner = Learner(Network(1 + k % 30, 1, blocks=1 + k // 30 % 30), 0.1)
    learner.learn_many(np.zeros((2, 1 + k % 30)), np.zeros((2, 1)))


def _online_learners(k: int) -> None:
    OnlineLSTM(1 + k % 30, 1 + k // 30 % 30, cell=["lstm", "slstm"][k % 2]).learn_many(
        np.zeros((2, 1 + k % 30)), np.zeros((2, 1))
    )


def _own_cells_learn(k: int) -> None:
    OnlineLSTM(2, 3, cell=own_cell(k)).learn_many(np.zeros((2, 2)), np.zeros((2, 1)))


def _streams(k: int) -> None:
    for kind, y in ((StreamRegressor, 1.0), (StreamClassifier, str(k))):
        kind(hidden_size=1 + k % 20).learn_one({str(k): 1.0}, y)


KINDS: dict[str, Callable[[int], None]] = {
    "networks": _networks,
    "networks in training": _trained,
    "networks that step": _steps,
    "networks on ragged batches": _ragged,
    "sizes of batches": _batches,
    "own cells": _own_cells,
    "own cells that run": _own_cells_run,
    "own cells in graphs": _graphs,
    "networks from pickles": _pickles,
    "explanations": _explanations,
    "learners of the papers": _paper_learners,
    "learners online": _online_learners,
    "own cells that learn online": _own_cells_learn,
    "streams": _streams,
}
"""What to call with 0, 1, 2, ..."""


def _everything() -> list[tuple[str, object]]:
    """All attributes of all modules of carrousel and of their classes, by name."""
    for module in pkgutil.walk_packages(carrousel.__path__, "carrousel."):
        if not module.name.endswith("__main__"):
            import_module(module.name)
    found = []
    for name, module in sorted(sys.modules.items()):
        if name == "carrousel" or name.startswith("carrousel."):
            for label, value in list(vars(module).items()):
                if label.startswith("__"):
                    continue
                found.append((f"{name}.{label}", value))
                if inspect.isclass(value) and value.__module__ == name:
                    found += [(f"{name}.{label}.{k}", v) for k, v in vars(value).items() if not k.startswith("__")]
    return found


def caches() -> dict[str, functools._lru_cache_wrapper]:
    """Every cache of a function in carrousel."""
    found = [(name, value) for name, value in _everything() if isinstance(value, functools._lru_cache_wrapper)]
    return {name: value for name, value in found if name.startswith(value.__module__)}


def sizes() -> dict[str, int]:
    """How much every collection, cache and compiled function holds that stands in a module or a class of carrousel."""
    found = {}
    for name, value in _everything():
        if isinstance(value, functools._lru_cache_wrapper):
            found[name] = value.cache_info().currsize
        elif isinstance(getattr(value, "overloads", None), dict):  # what numba compiled it for
            found[name] = len(value.overloads)
        elif (
            isinstance(value, Collection) and not isinstance(value, str | bytes | range) and not inspect.isclass(value)
        ):
            found[name] = len(value)
    return found

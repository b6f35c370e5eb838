"""Derivatives of outputs by weights: against finite differences with the rule's cuts, and where it is exact, torch."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest
import torch

import carrousel
from carrousel import cells
from carrousel.learning import Learner, OnlineLSTM


def other(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


derived, rule = other("test_derived"), other("test_rule")


@pytest.mark.parametrize("loss", ["squared", "logistic", "softmax"])
@pytest.mark.parametrize(
    ("diagonal", "truncate"), [(False, "paper"), (False, "recurrent"), (True, "paper"), (True, None)]
)
@pytest.mark.parametrize("cell", derived.CELLS, ids=[cell.name for cell in derived.CELLS])
def test_of_every_cell_by_autograd_with_the_same_cuts(cell, diagonal, truncate, loss):
    if loss != "squared" and cell.name not in ("lstm", "made_up"):
        pytest.skip("a readout's slopes do not depend on the cell")
    lstm = OnlineLSTM(3, 5, 2, cell=cell, diagonal=diagonal, truncate=truncate, dtype=np.float64, loss=loss)
    lstm.vector = np.random.default_rng(1).normal(size=lstm.weight_count) * 0.6
    x = np.random.default_rng(0).normal(size=(9, 3))
    said = lstm.observe_many(x, tell=True)[-1]
    found = lstm.sensitivities()
    # The gradient of a loss at the last step alone, of a target that is off by a unit vector, is one sum's derivatives.
    sums = []
    for k in range(2):
        y = np.full((9, 2), np.nan)
        twin = OnlineLSTM(3, 5, 2, cell=cell, diagonal=diagonal, truncate=truncate, dtype=np.float64)
        twin.vector = lstm.vector
        y[-1] = twin.predict_many(x)[-1] + np.eye(2)[k]
        sums.append({name: value.numpy() for name, value in derived.gradient(twin, x, y).items()})
    slopes = {"squared": np.eye(2), "logistic": np.diag(said * (1 - said))}
    slopes["softmax"] = np.diag(said) - np.outer(said, said)
    for k in range(2):
        for name, value in lstm.named(found[k]).items():
            wanted = sum(slopes[loss][k, l] * sums[l][name] for l in range(2))
            if name == "bias_hh":  # autograd gives all rows one
                wanted = (wanted.reshape(-1, 5) * np.array([[row in cell.split] for row in cell.rows])).ravel()
            np.testing.assert_allclose(value, wanted, rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.parametrize(
    "cell", [c for c in cells.values() if c.recurrent and not c.parted], ids=lambda cell: cell.name
)
def test_exact_where_recurrence_is_diagonal(cell):
    """Full back-propagation through time through ``carrousel.LSTM``."""
    lstm = OnlineLSTM(3, 5, 2, cell=cell, diagonal=True, truncate=None, dtype=np.float64, seed=4)
    x = np.random.default_rng(0).normal(size=(12, 3))
    lstm.observe_many(x)
    net = carrousel.LSTM(3, 5, cell=cell, diagonal=True, dtype=torch.float64)
    weights = lstm.weights
    with torch.no_grad():
        for name, parameter in net.named_parameters():
            key = name.removesuffix("_l0")
            parameter.copy_(
                torch.tensor(weights[key]).reshape(parameter.shape)
            ) if key in weights else parameter.zero_()
    output, _ = net(torch.tensor(x)[:, None])
    for k in range(2):
        net.zero_grad()
        (torch.tensor(weights["readout"][k]) @ output[-1, 0]).backward(retain_graph=True)
        found = lstm.named(lstm.sensitivities()[k])
        for name, parameter in net.named_parameters():
            if (key := name.removesuffix("_l0")) in weights:
                wanted = parameter.grad.numpy().reshape(found[key].shape)
                np.testing.assert_allclose(found[key], wanted, rtol=1e-9, atol=1e-12, err_msg=name)


@pytest.mark.parametrize("coded", [False, True])
@pytest.mark.parametrize("network", rule.NETWORKS.values(), ids=rule.NETWORKS.keys())
def test_of_the_papers_networks(network, coded):
    """What a target that is off by one, in one output, adds to the gradient; the pseudocode tests that rule."""
    rng = np.random.default_rng(2)
    x = rng.integers(-1, network.inputs, 13) if coded else rng.normal(size=(13, network.inputs))
    learner = Learner(network, dtype=np.float64, seed=5)
    said = learner.observe_many(x, tell=True)[-1]
    found = learner.sensitivities()
    for k in range(network.outputs):
        twin = Learner(network, 1.0, update=1000, dtype=np.float64, seed=5)
        y = np.full((13, network.outputs), np.nan)
        y[-1] = said
        y[-1, k] += 1
        twin.learn_many(x, y)
        wanted = twin._layout.unpack(twin._gradient)
        for name, value in learner.named(found[k]).items():
            np.testing.assert_allclose(value, wanted[name], rtol=1e-9, atol=1e-12, err_msg=name)
    assert (np.abs(found).max(1) > 1e-9).all()


def test_of_a_papers_network_by_finite_differences():
    """Where nothing recurs but the carrousel, nothing is cut: the function itself is differentiated."""
    network = rule.NETWORKS["nothing recurs"]
    learner = Learner(network, dtype=np.float64, seed=3)
    x = np.random.default_rng(0).normal(size=(8, network.inputs))
    learner.observe_many(x)
    found, vector, step = learner.sensitivities(), learner.vector, 1e-6
    population = vector + step * np.concatenate([np.eye(len(vector)), -np.eye(len(vector))])
    up, down = np.split(learner.respond(population, x, [[0, 8]])[:, -1], 2)
    np.testing.assert_allclose(found, ((up - down) / (2 * step)).T, rtol=1e-6, atol=1e-9)

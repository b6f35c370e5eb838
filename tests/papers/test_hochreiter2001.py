"""Hochreiter, Younger & Conwell 2001: what the nets are compared with."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.papers.hochreiter2001 import EXPERIMENTS
from carrousel.papers.hochreiter2001._functions import by_descent
from carrousel.tasks import QuadraticFunctions, SemilinearFunctions


def test_descent_is_that_of_a_unit_by_differences():
    """One step of a logistic unit, and that a family's own form learns its functions."""
    x, y = np.array([[[0.4, -0.7], [0.4, -0.7]]]), np.array([[0.9, 0.9]])
    errors = by_descent("semilinear", x, y, 2.0)[0]

    def loss(w):
        return 0.5 * (0.9 - 1 / (1 + np.exp(-w @ [0.4, -0.7, 1.0]))) ** 2

    gradient = [(loss(step) - loss(-step)) / 2e-6 for step in 1e-6 * np.eye(3)]
    assert errors[0] == pytest.approx(0.4)
    assert errors[1] == pytest.approx(np.sqrt(2 * loss(-2.0 * np.array(gradient))), abs=1e-6)
    for family, task, rate in (
        ("semilinear", SemilinearFunctions(length=300), 10.0),
        ("quadratic", QuadraticFunctions(length=300), 0.3),
    ):
        drawn = task.draw(np.random.default_rng(0), 20)
        x, y = drawn.inputs.reshape(20, 300, 3)[:, :, :2], drawn.targets.reshape(20, 300)
        errors = by_descent(family, x.astype(float), y.astype(float), rate) ** 2
        assert errors[:, -10:].mean() < 0.01 * errors[:, :1].mean()


@pytest.mark.parametrize("experiment", EXPERIMENTS, ids=lambda each: each.name)
def test_a_trial_depends_on_seed_and_number_alone(experiment):
    config = experiment.config("lstm").changed(epochs=1, batches=2, length=5, hidden=3)
    trials = [experiment.trial(config, {}, 0, number) for number in (0, 0, 1)]
    one, two, other = ({k: v for k, v in trial.items() if k != "seconds"} for trial in trials)
    assert one == two
    assert one != other
    baseline = experiment.trial(experiment.config("descent").changed(length=12), {}, 0, 0)
    assert baseline["error_10"] < baseline["error_1"]

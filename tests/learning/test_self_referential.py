"""The self-referential matrix: against its equations in NumPy, its gradient against finite differences; it learns."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.learning import SelfReferentialMatrix


def plain(net, matrix, inputs, targets):
    """Outputs and loss from the equations, with each weight's address written out."""
    o, h, bits = net.output_size, net.hidden_size, net.bits
    matrix, y = matrix.copy(), np.zeros(len(matrix))
    off, val, said, loss = np.zeros(o), 0.0, [], 0.0
    addresses = [[(c >> b) & 1 for b in range(bits)] for c in range(matrix.size)]

    def near(names):
        return np.exp(-net.sharpness * ((names - np.array(addresses)) ** 2).sum(1)).reshape(matrix.shape)

    for x, target in zip(inputs, targets, strict=True):
        total = matrix @ np.concatenate([x, off, [val, 1.0], y])
        y = 1 / (1 + np.exp(-total))
        y[-1] = np.tanh(total[-1])
        ana, mod = y[o + h : o + h + bits], y[o + h + bits : -1]
        val, matrix = (near(ana) * matrix).sum(), matrix + net.changes * y[-1] * near(mod)
        off = np.zeros(o) if np.isnan(target).any() else target - y[:o]
        loss, said = loss + 0.5 * (off**2).sum(), [*said, y[:o]]
    return np.array(said), loss


def drawn(net, steps=7, seed=0):
    rng = np.random.default_rng(seed)
    targets = rng.uniform(size=(steps, net.output_size))
    targets[[0, 3]] = np.nan
    return rng.normal(size=(steps, net.input_size)), targets


def test_it_does_what_the_equations_say():
    net = SelfReferentialMatrix(2, 2, 1, sharpness=0.3, init=1.0)
    x, y = drawn(net)
    said, loss = plain(net, net.weights["matrix"], x, y)
    assert net.gradient(x, y)[0] == pytest.approx(loss, rel=1e-12)
    one = net.learn_and_answer(x, y, [[0, 7]])
    np.testing.assert_allclose(one[0], said[-1], rtol=1e-12)
    assert 2 ** (net.bits - 1) < net.weight_count <= 2**net.bits


@pytest.mark.parametrize(("sharpness", "changes"), [(0.05, True), (0.3, True), (0.05, False)])
def test_the_gradient_is_exact(sharpness, changes):
    """With flat peaks every weight is looked at and changed in every step."""
    net = SelfReferentialMatrix(1, 2, 1, sharpness=sharpness, init=1.0, changes=changes, seed=1)
    x, y = drawn(net)
    matrix = net.weights["matrix"]
    _, found = net.gradient(x, y)
    rng = np.random.default_rng(2)
    for k in rng.choice(matrix.size, 40, replace=False):
        moved = []
        for sign in (1, -1):
            near = matrix.copy()
            near.flat[k] += sign * 1e-5
            moved.append(plain(net, near, x, y)[1])
        assert found.flat[k] == pytest.approx((moved[0] - moved[1]) / 2e-5, rel=1e-5, abs=1e-9)
    assert np.abs(found).max() > 1e-3


def test_it_learns_what_came_first():
    """Three steps after one of two symbols: which was it?"""
    net = SelfReferentialMatrix(3, 1, 2, rate=0.5, seed=0)
    x, y = np.tile([0, 2, 2, 2], 2), np.full((8, 1), np.nan)
    x[4], y[3], y[7] = 1, 1.0, 0.0
    spans = np.array([[0, 4], [4, 8]])
    for _ in range(600):
        net.learn_sequences(x, y, spans)
    assert net.answers(x, spans).round().ravel().tolist() == [1.0, 0.0]


def test_what_makes_no_sense_is_refused():
    for options in ({"rate": -1.0}, {"sharpness": float("nan")}, {"init": "large"}):
        with pytest.raises(ValueError, match="must be a number"):
            SelfReferentialMatrix(2, 1, **options)

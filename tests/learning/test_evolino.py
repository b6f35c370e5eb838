"""Evolino: the readout against NumPy's least squares, the closed loop step by step, and what it learns."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.svm import SVR

from carrousel.learning import Evolino
from carrousel.learning.evolino import fitted_readout
from carrousel.learning.evolino._candidates import Cells, Lessons, ReadoutFitness

QUICK = {"cells": 4, "washout": 20, "generations": 6, "population": 6}


def wave(steps):
    return np.sin(0.3 * np.arange(steps)) + 0.5


@pytest.mark.parametrize("rank", [6, 3])
def test_the_readout_is_that_of_least_squares(rank):
    """Where the rows do not decide, it is the shortest, as NumPy has it."""
    rng = np.random.default_rng(0)
    seen = rng.normal(size=(4, 30, rank)) @ rng.normal(size=(rank, 6))
    wanted = rng.normal(size=(30, 2))
    together = fitted_readout(seen, wanted)
    for each, found in zip(seen, together, strict=True):
        true = np.linalg.lstsq(np.column_stack([each, np.ones(30)]), wanted, rcond=None)[0]
        np.testing.assert_allclose(found, true, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(found, fitted_readout(each, wanted), rtol=1e-9, atol=1e-12)


def test_the_readout_of_support_vectors_says_what_they_say():
    rng = np.random.default_rng(0)
    seen, wanted = rng.normal(size=(40, 3)), rng.normal(size=(40, 2))
    found = fitted_readout(seen, wanted, "svm", C=2.0, epsilon=0.1)
    for k in range(2):
        machine = SVR(kernel="linear", C=2.0, epsilon=0.1).fit(seen, wanted[:, k])
        np.testing.assert_allclose(seen @ found[:-1, k] + found[-1, k], machine.predict(seen), rtol=1e-8)


def plain(cells, weights, readout, given_inputs, told, steps):
    """The network of cells and its loop, in NumPy from the equations."""
    H, n = cells.cells, cells.inputs + cells.outputs * (cells.feedback != 0)
    W = weights.reshape(4, H, n + H + 1)

    def gate(x):
        return 1 / (1 + np.exp(-x))

    state, out, heard, said = np.zeros(H), np.zeros(H), np.zeros(cells.outputs), []
    for t in range(steps):
        seen = np.concatenate([given_inputs[t], cells.feedback * heard if cells.feedback else [], out, [1.0]])
        g, i, f, o = W @ seen
        state = gate(f) * state + gate(i) * g
        out = gate(o) * np.tanh(state)
        said.append(np.concatenate([out, given_inputs[t], [1.0]]) @ readout)
        heard = told[t] if t < len(told) else said[-1]
    return np.array(said)


@pytest.mark.parametrize(("inputs", "feedback"), [(0, 0.3), (2, 0.3), (2, 0.0)])
def test_the_loop_is_what_it_is_in_plain_python(inputs, feedback):
    rng = np.random.default_rng(0)
    cells = Cells(inputs, 2, 3, feedback)
    population, readouts = rng.normal(size=(4, cells.size)), rng.normal(size=(4, 3 + inputs + 1, 2))
    x, told = rng.normal(size=(4, 9, inputs)), rng.normal(size=(4, 5, 2))
    said = cells.free(population, readouts, x, told, 9)
    for k in range(4):
        np.testing.assert_allclose(said[k], plain(cells, population[k], readouts[k], x[k], told[k], 9), rtol=1e-9)
    assert sorted(np.concatenate(cells.parts)) == list(range(cells.size))
    assert [len(part) for part in cells.parts] == [4 * (inputs + 2 * (feedback != 0) + 3 + 1)] * 3


def test_a_network_is_as_fit_as_it_goes_on_alone():
    """Two sequences, the last third of each held back from the readout."""
    rng = np.random.default_rng(0)
    cells, wanted = Cells(1, 1, 3, 0.5), rng.normal(size=(50, 1))
    lessons = Lessons(rng.normal(size=(50, 1)), wanted, np.array([[0, 20], [20, 50]]), 5, 1 / 3)
    fitness = ReadoutFitness(cells, lessons, "pinv")
    assert lessons.places(last=False).tolist() == [*range(5, 15), *range(25, 42)]
    assert lessons.places(last=True).tolist() == [*range(15, 20), *range(42, 50)]
    population = rng.normal(size=(3, cells.size))
    found = fitness.measure(population, (0, 0), None)
    for weights, one in zip(population, found, strict=True):
        features, said = [], []
        for begin, end in lessons.spans:  # what the cells say where the right outputs are fed back
            told, x = wanted[begin:end], lessons.inputs[begin:end]
            features.append(forced(cells, weights, x, told))
        fit = lessons.places(last=False)
        readout = np.linalg.lstsq(np.vstack(features)[fit], wanted[fit], rcond=None)[0]
        for begin, end in lessons.spans:
            x, told = lessons.inputs[begin:end], wanted[begin : begin + 5]
            said.append(plain(cells, weights, readout, x, told, end - begin))
        off = (np.concatenate(said) - wanted)[lessons.places(last=True)]
        assert one == pytest.approx(-np.mean(off**2), rel=1e-6)


def forced(cells, weights, x, told):
    """The features of the plain network: its readout is taken apart, unit by unit."""
    columns = []
    for k in range(cells.cells):
        readout = np.zeros((cells.cells + 2, 1))
        readout[k] = 1.0
        columns.append(plain(cells, weights, readout, x, told, len(x))[:, 0])
    return np.column_stack([*columns, x, np.ones(len(x))])


def test_a_generator_goes_on_alone():
    series = wave(300)
    model = Evolino(**{**QUICK, "generations": 15}, spread=0.1, scale=0.01, feedback=0.01).fit(None, series[:200])
    assert np.abs(model.generate(60, series[:200]) - series[200:260]).max() < 0.1
    assert model.generate(3, series[:30, None]).shape == (3,)
    same = clone(model).fit(None, series[:200])
    np.testing.assert_array_equal(same.weights_, model.weights_)
    assert clone(model).set_params(random_state=1).fit(None, series[:200]).error_ != model.error_


@pytest.mark.parametrize("readout", ["pinv", "svm"])
def test_a_regressor_of_sequences(readout, tmp_path):
    """What was the input three steps ago, and twice that."""
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(steps, 1)) for steps in (60, 45)]
    y = [np.hstack([np.roll(x, 3, 0), 2 * np.roll(x, 3, 0)]) for x in X]
    model = Evolino(**{**QUICK, "cells": 6, "feedback": 0.0, "spread": 1.0}, readout=readout).fit(X, y)
    said = model.predict(X)
    assert [each.shape for each in said] == [(60, 2), (45, 2)]
    assert model.score(X, y) > 0.3
    np.testing.assert_array_equal(model.predict(X[0]), said[0])
    assert (model.n_features_in_, model.readout_.shape) == (1, (2, 8))
    path = tmp_path / "x.evolino"
    model.save(path)
    again = Evolino.load(path)
    np.testing.assert_array_equal(again.predict(X[1]), said[1])
    assert again.get_params() == model.get_params()


def test_an_evolution_that_was_broken_off_goes_on(tmp_path):
    series, state = wave(80), tmp_path / "x.state"
    whole = Evolino(**QUICK).fit(None, series)
    Evolino(**{**QUICK, "generations": 2}, state=state).fit(None, series)
    resumed = Evolino(**QUICK, state=state).fit(None, series)
    np.testing.assert_array_equal(resumed.weights_, whole.weights_)
    assert resumed.generations_ == 6


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Evolino(cells=0).fit(None, wave(200)), "cells must be"),
        (lambda: Evolino(readout="ridge").fit(None, wave(200)), "pinv, svm"),
        (lambda: Evolino(population=1).fit(None, wave(200)), "population of one"),
        (lambda: Evolino(held=1.0).fit(None, wave(200)), "held must be"),
        (lambda: Evolino(feedback=np.nan).fit(None, wave(200)), "feedback must be"),
        (lambda: Evolino(feedback=0.0).fit(None, wave(200)), "must not be 0"),
        (lambda: Evolino().fit(None, wave(50)), "50 steps, of which washout=100"),
        (lambda: Evolino().fit(None, wave(200) * np.nan), "sequence 0 of y holds a NaN"),
        (lambda: Evolino().fit(wave(150), wave(200)), "same lengths"),
        (lambda: Evolino().fit(None, None), "got None"),
        (lambda: Evolino().fit(None, np.zeros((2, 200, 1))), "list of arrays"),
        (lambda: Evolino().predict(wave(9)), "not fitted"),
        (lambda: Evolino(**QUICK).fit(None, wave(60)).generate(0, wave(60)), "steps must be"),
        (lambda: Evolino(**QUICK).fit(None, wave(60)).predict(wave(60)), "X has 1 inputs, and 0"),
    ],
)
def test_what_makes_no_sense_is_refused(call, words):
    with pytest.raises((ValueError, NotFittedError), match=words):
        call()


def test_a_target_ends_the_evolution():
    model = Evolino(**{**QUICK, "generations": 50}, target=10.0).fit(None, wave(80))
    assert model.generations_ == 1


def test_forget_gates_begin_with_their_bias():
    plain, biased = (Cells(1, 1, 3, 0.5, forget_bias=bias) for bias in (0.0, 2.0))
    rng = np.random.default_rng(0)
    population = rng.normal(size=(2, plain.size))
    shifted = population.copy()
    gates = plain._learner.named(np.arange(plain._learner.weight_count))["forget_gate"]
    shifted[:, gates[:, -1]] += 2.0
    lessons = Lessons(rng.normal(size=(9, 1)), rng.normal(size=(9, 1)), np.array([[0, 9]]), 2, 0.0)
    np.testing.assert_array_equal(biased.forced(population, lessons), plain.forced(shifted, lessons))
    with pytest.raises(ValueError, match="forget_bias must be a finite number"):
        Evolino(2, washout=2, forget_bias=float("inf")).fit(None, np.sin(np.arange(30.0)))

"""Evolino on strings and on Mackey-Glass: what it sees, what it is judged by, and what stands beside it."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel import papers
from carrousel.learning import Evolino
from carrousel.papers.gers2001._trial import language
from carrousel.papers.schmidhuber2007 import _languages as languages
from carrousel.papers.schmidhuber2007 import _mackey_glass as chaos
from carrousel.papers.schmidhuber2007._languages import ANBNCN
from carrousel.papers.schmidhuber2007._mackey_glass import MACKEY_GLASS
from carrousel.papers.schmidhuber2007._sines import _figure


def prepared_of(experiment, row, number=0, **changes):
    setting = papers.Setting.of(experiment.config(row).changed(**changes), experiment.choose({}), 0, number)
    return experiment.prepare(setting), setting


def test_cells_see_strings_as_signs_and_learn_all_of_them(monkeypatch):
    prepared, setting = prepared_of(ANBNCN, "evolino-10", generations=2, longest=12, most=4)
    told = []
    fit = Evolino.fit
    monkeypatch.setattr(Evolino, "fit", lambda self, X, y: told.append((X, y)) or fit(self, X, y))
    found = languages._train(prepared, setting)
    ((inputs, wanted),) = told
    strings = language("anbncn", 4).all
    assert [len(each) for each in inputs] == [4, 7, 10, 13]
    np.testing.assert_array_equal(np.concatenate(inputs), 2.0 * np.eye(4)[strings.inputs] - 1)
    np.testing.assert_array_equal(np.concatenate(wanted), strings.coded())
    assert found["success"] == (found["reach"] >= 4)
    assert found["weights"] == 5 * 4 * (4 + 5 + 1)


def test_the_gradient_is_that_of_2001():
    prepared, setting = prepared_of(ANBNCN, "gradient-10", limit=2_000, longest=20)
    twin = papers.get("gers2001/anbncn")
    same = papers.Setting.of(twin.config("lstm-10").changed(limit=2_000, further=0, longest=20), twin.choose({}), 0, 0)
    ours, theirs = languages._train(prepared, setting), twin.train(twin.prepare(same), same)
    assert ours == theirs


def test_means_of_strings_are_over_those_that_accepted_all():
    won = {"success": True, "reach": 12, "generations": 7}
    found = languages._summary([won, {**won, "reach": 30}, {"success": False, "reach": 3, "generations": 9}])
    assert (found["average"], found["best"], found["reached"]) == (21, 30, [12, 30])
    assert found["success_rate"] == 2 / 3
    assert languages._summary([{"success": False, "reach": 0}])["average"] is None


def test_without_feedback_predictions_are_those_of_one_step_after_the_other():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(steps, 2)) for steps in (9, 14)]
    y = [each[:, :1] - each[:, 1:] for each in X]
    model = Evolino(3, washout=2, feedback=0, generations=1, population=3, random_state=1).fit(X, y)
    for each, said in zip(X, model.predict(X), strict=True):
        step = model._network.free(
            model.weights_[None], model.readout_.T[None], each[None], np.zeros((1, 0, 1)), len(each)
        )
        np.testing.assert_allclose(said, step[0], atol=1e-12)


def test_every_method_goes_on_from_values_that_it_has_not_seen(monkeypatch):
    """What it is told before each test are the right values, and it is judged by those that follow."""
    told = []

    def knows(prepared, setting):
        values = prepared.sets

        def goes_on(seen):
            told.append(seen)
            begin = 5_000 + 25 * (len(told) - 1)
            np.testing.assert_array_equal(seen, values[begin - 300 : begin])
            ahead = values[begin : begin + 84].copy()
            ahead[-1] += 0.1
            return ahead

        return goes_on, {"steps": 1}

    monkeypatch.setattr(chaos, "_learned", knows)
    prepared, setting = prepared_of(MACKEY_GLASS, "evolino", tests=4)
    found = chaos._train(prepared, setting)
    assert len(told) == 4
    assert found["nrmse"] == pytest.approx(0.1 / prepared.sets[200:3_200].std())
    assert max(found["errors"][:-1]) == 0


def test_nothing_after_the_learned_part_is_learned():
    options = {"generations": 1, "pieces": 2, "tests": 1, "population": 3, "cells": 4}
    ahead = []
    for spoilt in (False, True):
        prepared, setting = prepared_of(MACKEY_GLASS, "evolino", **options)
        if spoilt:
            prepared.sets[3_200:] = 7.0
        goes_on, found = chaos._learned(prepared, setting)
        ahead.append(goes_on(prepared.sets[2_000:2_300]))
    np.testing.assert_array_equal(*ahead)
    assert found["steps"] == 2 * 3 * 2 * 2 * 184
    ahead = []
    for spoilt in (False, True):
        prepared, setting = prepared_of(MACKEY_GLASS, "gradient", cells=2, sequences=3, length=60, tests=1)
        if spoilt:
            prepared.sets[3_200:] = 7.0
        ahead.append(chaos._learned(prepared, setting)[0](prepared.sets[2_000:2_300]))
    np.testing.assert_array_equal(*ahead)


def test_an_echo_state_network_goes_on_with_a_wave():
    pytest.importorskip("reservoirpy")
    wave = np.sin(0.2 * np.arange(900))
    goes_on = chaos.reservoir(wave[:600], 0, units=60, radius=0.9, leak=0.5, scaling=0.5, ridge=1e-8)
    first, again = goes_on(wave[500:800]), goes_on(wave[500:800])
    np.testing.assert_array_equal(first, again)  # it begins anew
    assert np.abs(first - wave[800:884]).max() < 0.05


def test_the_legend_stands_beside_the_curves():
    waves = np.sin(np.arange(30)), np.cos(np.arange(30))
    figure = _figure([("two", *waves), ("three", *waves)])
    figure.draw_without_rendering()
    first = figure.axes[0]
    box = first.get_legend().get_window_extent()
    assert [text.get_text() for text in first.get_legend().get_texts()] == ["true", "generated"]
    assert box.x0 >= first.get_window_extent().x1 - 1
    assert box.x1 <= figure.bbox.x1

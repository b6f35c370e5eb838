"""Gers, Schraudolph & Schmidhuber 2002."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from carrousel import papers
from carrousel.papers import gers2002
from carrousel.papers.gers2002 import _trial as timing
from carrousel.tasks import GeneratingSpikes

EXPERIMENTS = {experiment.name: experiment for experiment in gers2002.EXPERIMENTS}


def test_weight_counts_and_first_biases():
    assert timing.network(True).weight_count == 17
    assert timing.network(False).weight_count == 14
    weights = timing.network(True, "identity", "0,-2,+2").initial_weights(np.random.default_rng(0))
    assert [weights[gate][0, -1] for gate in ("input_gate", "forget_gate", "output_gate")] == [0, -2, 2]
    assert all(np.abs(weights[group]).max() <= 0.1 for group in ("cell", "output"))


def test_rows_are_those_of_the_tables():
    rows = {name: [row.config for row in experiment.rows] for name, experiment in EXPERIMENTS.items()}
    spikes = [(config["period"], config["peepholes"]) for config in rows["gers2002/generating"]]
    assert sorted(spikes) == sorted((F, peepholes) for F in (10, 20, 30, 40, 50) for peepholes in (True, False))
    waves = {(config["shape"], config["period"], config["peepholes"]) for config in rows["gers2002/functions"]}
    assert waves == {(s, F, peepholes) for s in ("cos", "tri", "rect") for F in (10, 25) for peepholes in (True, False)}
    assert {config["squash"] for config in rows["gers2002/functions"]} == {"identity"}
    assert {config["squash"] for config in rows["gers2002/generating"]} == {"sigmoid"}
    delays = {(config["period"], tuple(config["intervals"])) for config in rows["gers2002/measuring"]}
    assert delays == {(F, (0, 1)) for F in (10, 20, 30, 40, 50)} | {(10, (0, 1, 2))}
    published = EXPERIMENTS["gers2002/generating"].row("peephole-10").published
    assert published["sequences_mean"] == 41_000


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_a_trial_depends_on_its_number_alone(name):
    experiment = EXPERIMENTS[name]
    config = experiment.rows[0].config.changed(limit=300)
    one, two, other = (experiment.trial(config, experiment.choose({}), 0, number) for number in (3, 3, 4))
    assert (one["success"], one["sequences"], one["steps"]) == (False, 300, two["steps"])
    assert one["steps"] != other["steps"]


def test_success_is_a_test_without_an_error():
    """With targets that a fresh network gives already, the first test succeeds; one spike more, and none does."""
    experiment = EXPERIMENTS["gers2002/generating"]
    config = experiment.config("peephole-10").changed(limit=20, tested=50)
    setting = papers.Setting.of(config, experiment.choose({}), 0, 0)

    class Nothing(GeneratingSpikes):
        def stream(self, rng, periods):
            stream = super().stream(rng, periods)
            stream.targets[:] = 0.3
            stream.targets[self.input_spike :] = 1.3
            return stream

        input_spike = 10**9

    found = timing.train(replace(experiment.prepare(setting), task=Nothing(5)), setting)
    assert (found["success"], found["sequences"], found["steps"]) == (True, 1, 2 * 250)
    assert found["rmse"] < 0.49
    Nothing.input_spike = 249  # the test's last step, which streams learned from have too
    found = timing.train(replace(experiment.prepare(setting), task=Nothing(5)), setting)
    assert found == {"success": False, "sequences": 20, "steps": 20 * 2 * 250}


def test_errors_are_those_of_the_networks_that_learned():
    won, lost = {"success": True, "sequences": 10, "rmse": 0.1}, {"success": False, "sequences": 90}
    found = timing.summary([won, lost, {**won, "rmse": 0.3}])
    assert found["rmse"] == pytest.approx(0.2)
    assert found["success_rate"] == 2 / 3
    assert timing.summary([lost])["rmse"] is None

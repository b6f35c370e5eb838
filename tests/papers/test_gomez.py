"""Two poles and parity: the table, the compiled count of steps against worlds and networks step by step."""

from __future__ import annotations

import numpy as np

from carrousel import papers
from carrousel.learning import GuessedNetwork
from carrousel.papers.gomez._poles import STARTS, WINDOW, Balancing

POLES = papers.get("gomez/parity-and-poles")


def test_the_published_table():
    published = {row.name: row.published.get("evaluations_uncertain") for row in POLES.rows}
    assert [published[name] for name in ("poles-cma", "poles-esp", "quoted-cosyne")] == [3_521, 7_374, 1_249]
    assert len({row.name for row in POLES.rows}) == len(POLES.rows)


def test_networks_stand_as_long_as_step_by_step():
    network = GuessedNetwork(3, 3, {"hidden": "input hidden", "output": "hidden"}, "tanh")
    fitness = Balancing(network, 60)
    population = np.random.default_rng(0).normal(size=(8, network.weight_count))
    found = fitness.measure(population, (), None)
    worlds, acting = fitness.world.batch(8), network.acting(population)
    seen, _ = worlds.reset()
    past = []
    for _ in range(60):
        awake = ~worlds.over
        seen, *_ = worlds.step(np.clip(acting.step(seen, awake), -1, 1))
        past.append(np.where(awake, np.abs(worlds.states[:, :4]).sum(1), 0))
    np.testing.assert_array_equal(fitness.steps, worlds.steps)
    np.testing.assert_allclose(found, 0.1 * worlds.steps / 60)  # fewer steps than calm is asked for
    assert len(set(worlds.steps)) > 3
    _, restless = fitness._run(population, 60)
    np.testing.assert_allclose(restless, np.sum(past, axis=0), rtol=1e-12)


def test_calm_counts_in_the_last_hundred_steps():
    network = GuessedNetwork(3, 0, {"output": "input"}, "tanh")
    fitness = Balancing(network, 150)
    fitness.world = type(fitness.world)(angle=89.9, track=1e9, limit=10**6)
    still = fitness.measure(np.zeros((1, 3)), (), None)
    worlds = fitness.world.batch(1)
    worlds.reset()
    past = [float(np.abs((worlds.step([[0.0]]), worlds.states)[1][:, :4]).sum()) for _ in range(fitness.steps[0])]
    assert fitness.steps[0] <= WINDOW or still[0] > 0.1 * fitness.steps[0] / 150
    np.testing.assert_allclose(fitness._run(np.zeros((1, 3)), 150)[1], sum(past[-WINDOW:]), rtol=1e-9)


def test_the_starts_are_625_in_which_no_pole_has_fallen():
    assert STARTS.shape == (625, 6)
    assert len(np.unique(STARTS, axis=0)) == 625
    np.testing.assert_allclose(STARTS.max(0), [1.944, 1.215, np.radians(3.24), np.radians(7.74), 0, 0])
    network = GuessedNetwork(3, 0, {"output": "input"}, "tanh")
    assert Balancing(network, 1000).generalises(np.zeros(3)) == 5  # without a push: upright and at rest


def test_trials_depend_on_seed_and_number_alone():
    config = POLES.config("parity-cma").changed(shortest=4, longest=9, limit=2000)
    one, two, other = (POLES.trial(config, {}, 0, number) for number in (1, 1, 2))
    assert one["evaluations"] == two["evaluations"]
    assert one["success"]
    assert (one["evaluations"], one["test_right"]) != (other["evaluations"], other["test_right"])

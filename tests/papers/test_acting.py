"""Experiments of agents: that trials depend on seed and number alone, and what they are made of."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel import papers
from carrousel.papers.bakker2004._sub_goals import shortest
from carrousel.papers.wierstra2007._agents import Walk
from carrousel.tasks import Maze89, Rooms

SMALL = {
    "bakker2002/pole": ("lstm", {"limit": 4000, "interval": 2000}, {}),
    "bakker2004/sub-goals": ("levels", {"down": 1, "across": 2, "side": 3, "limit": 1500}, {}),
    "schmidhuber1990/controller-and-model": ("both", {"limit": 10, "begin": 4, "updates": 1, "model_updates": 1}, {}),
    "wierstra2007/poles": ("one-without-velocities", {"limit": 900}, {}),
    "wierstra2007/t-maze": ("lstm-5", {"length": 1, "hidden": 3, "limit": 800, "tests": 9}, {}),
    "wierstra2007/maze": ("lstm", {"episodes": 12, "batch": 6, "tests": 9, "hidden": 3}, {}),
    "popgym/memory": ("cartpole-easy-gru", {"span": 16, "hidden": 4, "epochs": 1}, {"steps": "500"}),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", SMALL)
def test_a_trial_depends_on_seed_and_number_alone(name):
    row, changes, options = SMALL[name]
    experiment = papers.get(name)
    config = experiment.config(row).changed(**changes)
    before = np.random.get_state()[1].copy()
    trials = [experiment.trial(config, experiment.choose(options), 0, number) for number in (0, 0, 1)]
    one, two, other = ({k: v for k, v in trial.items() if k != "seconds"} for trial in trials)
    assert one == two
    assert one != other
    assert experiment.measure(trials)["trials"] == 3
    np.testing.assert_array_equal(np.random.get_state()[1], before)


def test_the_shortest_way_is_that_of_the_best_return():
    """Against the world's own moves: no shorter sequence of steps ends an episode, and one of this length does."""
    world = Rooms(2, 2, 3)
    border, known, steps = {(0.0, 0.0)}, set(), 0
    world.reset(seed=0)
    while border:
        steps, new, known = steps + 1, set(), known | border
        for state in border:
            for action in range(4):
                world.held.states[0], world.held.over[0] = state, False
                _, _, ended, _, _ = world.step(action)
                if ended:
                    assert steps == shortest(world)
                    return
                new.add(tuple(world.held.states[0]))
        border = new - known


def test_a_walk_at_random_ends_where_its_worlds_end():
    told = Walk().try_out(Maze89(limit=40), 300, seed=0)
    assert told.steps.max() == 40
    assert set(told.last_rewards[told.steps < 40]) == {1.0}
    np.testing.assert_array_equal(told.returns, told.last_rewards)
    assert told.steps_made == told.steps.sum()
    again = Walk().try_out(Maze89(limit=40), 300, seed=0)
    np.testing.assert_array_equal(again.steps, told.steps)

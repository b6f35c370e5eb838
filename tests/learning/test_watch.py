"""What is told of an agent's episode is what it does, and nothing of the agent changes."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.learning.acting import AGENTS, Advantage, ControllerAndModel, PolicyGradient, SubGoals, watch
from carrousel.learning.before_lstm import ElmanNetwork
from carrousel.learning.online import Learner, Network, OnlineLSTM
from carrousel.pictures import draw_episodes
from carrousel.tasks import FlipFlop, Rooms, TMaze


def network():
    return Learner(Network(3, 4, 2, hidden=3, unit_squash="identity"), dtype=np.float64)


CASES = {
    "network": (lambda: Advantage(network(), seed=1), lambda: TMaze(3, limit=30)),
    "cell": (lambda: Advantage(OnlineLSTM(3, 4, 4, dtype="float64"), seed=1), lambda: TMaze(3, limit=30)),
    "elman": (lambda: Advantage(ElmanNetwork(3, 5, 4), seed=1), lambda: TMaze(3, limit=30)),
    "policy": (lambda: PolicyGradient(3, 4, hidden=4, sees_actions=True), lambda: TMaze(3, limit=30)),
    "controller": (lambda: ControllerAndModel.of(FlipFlop(length=9), pain="loss"), lambda: FlipFlop(length=9)),
    "sub-goals": (lambda: SubGoals.of(Rooms(1, 2, 3), 2, recurrent=2), lambda: Rooms(1, 2, 3, limit=30)),
}


def test_every_agent_can_be_watched():
    assert {type(make()) for make, _ in CASES.values()} == set(AGENTS.values())


@pytest.mark.parametrize("name", CASES)
def test_what_is_told_is_what_happens(name, tmp_path):
    make, world = CASES[name]
    agent, place = make(), world()
    place.reset(seed=5)
    lives = place.held.states.copy()
    agent.save(tmp_path / "before")
    one, two = (watch(agent, place, seed=3, greedy=True) for _ in range(2))
    agent.save(tmp_path / "after")
    assert (tmp_path / "before").read_bytes() == (tmp_path / "after").read_bytes()
    np.testing.assert_array_equal(place.held.states, lives)
    n = len(one.rewards)
    assert n <= 30
    assert {len(one.seen), len(one.told), len(one.actions), *map(len, one.inside.values())} == {n}
    assert all(values.ndim == 2 and np.isfinite(values).all() for values in one.inside.values())
    np.testing.assert_array_equal(one.seen, two.seen)
    again = world()
    seen, _ = again.reset(seed=3)
    for t, action in enumerate(one.actions):
        np.testing.assert_allclose(one.seen[t][: len(seen)], seen)
        if name == "controller":
            action = np.float32(0.5 + 0.5 * action)
        seen, reward, *_ = again.step(action)
        assert reward == pytest.approx(one.rewards[t])
    if one.meaning.startswith(("advantage", "probability")):
        np.testing.assert_array_equal(one.told.argmax(1), one.actions)
    short = watch(agent, place, seed=3, greedy=True, steps=2)
    np.testing.assert_array_equal(short.seen, one.seen[:2])


def test_episodes_are_drawn_side_by_side():
    make, world = CASES["network"]
    watched = [watch(make(), world(), seed=seed, steps=9) for seed in (0, 1)]
    figure = draw_episodes(watched, "two", names=["north", "south"])
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert [label for label in labels if label][:3] == ["seen", "cells' states", "cells"]
    with pytest.raises(ValueError, match="no episodes"):
        draw_episodes([])
    other = watch(CASES["elman"][0](), world(), seed=0, steps=9)
    with pytest.raises(ValueError, match="of one agent"):
        draw_episodes([watched[0], other])
    with pytest.raises(TypeError, match="must be one of Advantage"):
        watch(object(), world())

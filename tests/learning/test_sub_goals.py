"""Sub-goals: how levels earn and learn, and what two rooms can be told by."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.learning.acting import SubGoals
from carrousel.tasks import Box, Discrete, FlipFlop, Rooms, TMaze


class Halls:
    """A corridor of halls, each of two cells; the last one's end is the goal. Shows the cell within, and the hall."""

    observation_space = Box((5,))
    action_space = Discrete(2)

    def __init__(self, what="", halls=3):
        self.what, self.halls, self.at = what, halls, 0

    def _seen(self):
        hall = np.eye(3, dtype=np.float32)[min(self.at // 2, 2)]
        if self.what == "two":
            hall[:] = 1
        return np.concatenate([np.eye(2, dtype=np.float32)[self.at % 2] * (np.nan if self.what == "seen" else 1), hall])

    def reset(self, *, seed=None, options=None):
        self.at = 0
        return self._seen(), {}

    def step(self, action):
        self.at = max(0, self.at + (1 if action else -1))
        over = self.at == 6
        if self.what == "endless":
            self.at, over = 0, False
        return self._seen(), np.nan if self.what == "reward" else float(over), over, False, {}


def test_levels_are_told_what_they_have_brought_about():
    agent = SubGoals.of(Halls(), 3, policies=2, patience=3, seed=4)
    calls = []

    def spied(level, name):
        begin, then = level.begin, level.then

        def other_begin(seen, **how):
            calls.append((name, "begin", np.argmax(seen)))
            return begin(seen, **how)

        def other_then(reward, seen, terminated=False, truncated=False, **how):
            calls.append((name, reward, np.argmax(seen), terminated, how.get("discount")))
            return then(reward, seen, terminated, truncated, **how)

        level.begin, level.then = other_begin, other_then

    spied(agent.high, "high")
    for level in agent.low:
        spied(level, "low")
    lived = agent.live(Halls(), 1, seed=0)
    chosen = agent.chosen
    assert sum(each.steps for each in chosen) == lived.steps[0]
    assert chosen[-1].reached == 3
    of_high = [call for call in calls if call[0] == "high"]
    assert len(of_high) == len(chosen) + 1
    for each, (_, reward, abstract, over, discount) in zip(chosen, of_high[1:], strict=True):
        assert discount == pytest.approx(0.98**each.steps)
        regret = 0.03 * (each.reached != each.goal)
        assert reward == pytest.approx((0.98 ** (each.steps - 1) if over else 0.0) - regret)
        assert abstract == (2 if over else each.reached)
    ends = [call for call in calls if call[0] == "low" and call[1] != "begin" and call[3]]
    assert [reward for _, reward, *_ in ends] == [float(each.reached == each.goal) for each in chosen]
    assert {each.steps <= 3 for each in chosen} == {True}
    assert any(each.steps == 3 and each.reached == each.abstract for each in chosen), "a sub-goal was given up"


def test_capability_values_follow_what_happened():
    agent = SubGoals(5, 2, 3, policies=2, capability_rate=0.5)
    agent._credit(0, 1, 1, 1)
    agent._credit(0, 2, 0, 1)
    agent._credit(2, 0, 0, 2)
    assert agent.capability[0, 1].tolist() == [0.75, 0.75]
    assert agent.capability[0, 2].tolist() == [0.25, 0.5]
    assert agent.capability[2, 0].tolist() == [0.25, 0.5]
    agent._facts["capability_temperature"] = 0.25
    drawn = np.mean([agent._choose(0, 2, False) for _ in range(3000)])
    assert drawn == pytest.approx(np.e / (1 + np.e), abs=0.04)
    assert agent._choose(0, 2, True) == 1


@pytest.mark.parametrize("recurrent", [0, 3])
def test_a_way_through_rooms_is_found(recurrent):
    world = Halls() if recurrent else Rooms(1, 3, 3, limit=500)
    agent = SubGoals.of(world, 3, policies=3, recurrent=recurrent, patience=20, seed=0 if recurrent else 1)
    first = agent.live(world, 20, seed=0).steps.mean()
    agent.live(world, 150)
    last = agent.live(world, 20).steps.mean()
    assert last < 20 < first or last < 0.9 * first < 20


def test_trying_out_changes_nothing(tmp_path):
    world = Rooms(1, 2, 3, limit=60)
    agent = SubGoals.of(world, 2, policies=2, recurrent=2, seed=3)
    agent.live(world, 5, seed=0)
    agent.save(tmp_path / "before")
    tried = [agent.try_out(world, 4, seed=2).steps for _ in range(2)]
    np.testing.assert_array_equal(*tried)
    agent.save(tmp_path / "after")
    assert (tmp_path / "before").read_bytes() == (tmp_path / "after").read_bytes()
    other = SubGoals.load(tmp_path / "after")
    np.testing.assert_array_equal(other.try_out(world, 4, seed=2).steps, tried[0])
    lives = [each.live(world, 5, seed=7).steps for each in (agent, other)]
    np.testing.assert_array_equal(*lives)
    np.testing.assert_array_equal(agent.capability, other.capability)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: SubGoals.of(Halls(), 3).live(Halls("two"), 1), "one of the last 3 numbers must be 1"),
        (lambda: SubGoals.of(Halls(), 3).live(Halls("seen"), 1), "not finite"),
        (lambda: SubGoals.of(Halls(), 3).live(Halls("reward"), 1), "the reward nan"),
        (lambda: SubGoals.of(Halls(), 3).live(Halls("endless"), 1, longest=30), "not ended after 30 steps"),
        (lambda: SubGoals.of(Halls(), 3).live(TMaze(2), 1), "takes 5 inputs and has 2 actions"),
        (lambda: SubGoals.of(FlipFlop(), 1), "a few actions"),
        (lambda: SubGoals(3, 2, 3), "low levels would see nothing"),
        (lambda: SubGoals(3, 2, 1, hope=2.0), "hope must be"),
        (lambda: SubGoals(3, 2, 1, capability_temperature=0), "capability_temperature must be"),
        (lambda: SubGoals(3, 2, 1, failure=1.0), "failure must be"),
        (lambda: SubGoals(3, 2, 1, regret=-1), "regret must be"),
        (lambda: SubGoals(3, 2, 1, patience=0), "patience must be"),
        (lambda: SubGoals(3, 2, 1, discount=1.5), "discount must be"),
    ],
)
def test_what_is_wrong_is_said(call, words):
    with pytest.raises(ValueError, match=words):
        call()

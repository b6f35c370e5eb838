"""Poles on a cart: the motion against the equations of Lagrange, the ends, and batches against single worlds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from carrousel.tasks import PoleBalancing
from carrousel.tasks._pole_physics import accelerations, push

CART, GRAVITY, TRACK, HINGE = 1.0, 9.8, 0.0005, 0.000002
POLES = [(0.5, 0.1), (0.05, 0.01)]  # half length, mass: uniform rods


def lagrange(_, state, force, poles, track=TRACK, hinge=HINGE):
    """The same motion as linear equations for all accelerations at once."""
    n = len(poles)
    mass, right = np.zeros((1 + n, 1 + n)), np.zeros(1 + n)
    mass[0, 0], right[0] = CART + sum(m for _, m in poles), force - track * np.sign(state[1])
    for k, (half, m) in enumerate(poles):
        angle, turning = state[2 + 2 * k : 4 + 2 * k]
        mass[0, 1 + k] = mass[1 + k, 0] = m * half * np.cos(angle)
        mass[1 + k, 1 + k] = 4 / 3 * m * half**2
        right[0] += m * half * turning**2 * np.sin(angle)
        right[1 + k] = m * GRAVITY * half * np.sin(angle) - hinge * turning
    found = np.linalg.solve(mass, right)
    rates = np.empty_like(state)
    rates[0::2], rates[1::2] = state[1::2], found
    return rates


def energy(states, poles):
    total = (CART + sum(m for _, m in poles)) * states[:, 1] ** 2 / 2
    for k, (half, m) in enumerate(poles):
        angle, turning = states[:, 2 + 2 * k], states[:, 3 + 2 * k]
        total = total + m * half * states[:, 1] * turning * np.cos(angle)
        total = total + 2 / 3 * m * half**2 * turning**2 + m * GRAVITY * half * np.cos(angle)
    return total


def about(poles, track=TRACK, hinge=HINGE):
    return np.array([GRAVITY, CART, track, hinge, *(number for pole in poles for number in pole)])


@pytest.mark.parametrize("count", [1, 2])
def test_the_motion_is_lagranges(count):
    poles = POLES[:count]
    rng = np.random.default_rng(0)
    states, forces = rng.normal(size=(20, 2 + 2 * count)), 10 * rng.uniform(-1, 1, 20)
    found = accelerations(states, forces, about(poles))
    for state, force, rates in zip(states, forces, found, strict=True):
        np.testing.assert_allclose(rates, lagrange(0, state, force, poles), rtol=1e-9, atol=1e-12)
    assert PoleBalancing(poles=count).prepared()[0].tolist() == about(poles).tolist()


@pytest.mark.parametrize("count", [1, 2])
def test_a_step_is_a_fiftieth_of_a_second(count):
    world = PoleBalancing(poles=count, velocities=True, angle=80.0).batch(1)
    world.reset()
    before = world.states[0].copy()
    for _ in range(10):
        world.step([[0.3]])
    true = solve_ivp(lagrange, (0, 0.2), before, args=(3.0, POLES[:count]), rtol=1e-10, atol=1e-12).y[:, -1]
    np.testing.assert_allclose(world.states[0], true, rtol=1e-3, atol=1e-6)


def test_energy_stays_where_nothing_rubs_or_pushes():
    states = np.random.default_rng(1).normal(size=(5, 6)) * 0.3
    before = energy(states, POLES)
    push(states, np.zeros(5), about(POLES, 0.0, 0.0), 0.001, 500, np.zeros(5, bool))
    np.testing.assert_allclose(energy(states, POLES), before, rtol=1e-8)


def test_what_is_seen():
    seen = {
        (poles, velocities): PoleBalancing(poles, velocities).reset()[0] for poles in (1, 2) for velocities in (0, 1)
    }
    assert {key: len(value) for key, value in seen.items()} == {(1, 0): 2, (1, 1): 4, (2, 0): 3, (2, 1): 6}
    world = PoleBalancing(2, True)
    world.reset()
    for _ in range(3):
        now = world.step(np.float32([1.0]))[0]
    assert now[0] > 0
    assert now[1] > 0.3  # the cart's velocity
    assert now[3] < 0  # the long pole's
    assert now[2] == pytest.approx(0.125, abs=0.05)


def test_an_episode_ends_when_a_pole_falls_or_the_track_ends_or_the_time():
    world = PoleBalancing(limit=5)
    world.reset()
    ends = [world.step(np.float32([0.0]))[2:4] for _ in range(5)]
    assert ends == [(False, False)] * 4 + [(False, True)]
    with pytest.raises(ValueError, match="the episode is over"):
        world.step(np.float32([0.0]))
    with pytest.raises(ValueError, match="the episode is over"):
        PoleBalancing().step(np.float32([0.0]))
    fallen = PoleBalancing(poles=1)
    fallen.reset()
    steps = 0
    while not fallen.step(np.float32([0.0]))[2]:
        steps += 1
    assert steps == 35
    far = PoleBalancing(track=0.02, angle=89.0).batch(2)
    far.reset()
    fallen_at = [int(far.step([[1.0], [-1.0]])[2].sum()) for _ in range(20)]
    assert fallen_at[-1] == 2, far.states
    assert (np.abs(far.states[:, 0]) > 0.02).all()


def test_a_batch_is_as_many_worlds():
    worlds, each = PoleBalancing(jitter=0.1).batch(4), [PoleBalancing(jitter=0.1) for _ in range(4)]
    seen, _ = worlds.reset(seed=7)
    np.testing.assert_array_equal(seen, [one.reset(seed=7 + k)[0] for k, one in enumerate(each)])
    assert len(np.unique(seen[:, 1])) == 4
    rng, awake = np.random.default_rng(0), np.ones(4, bool)
    for _ in range(80):
        actions = rng.uniform(-1, 1, (4, 1)).astype(np.float32)
        before = worlds.states.copy()
        together = worlds.step(actions)
        for k in np.flatnonzero(awake):
            alone = each[k].step(actions[k])
            np.testing.assert_array_equal(together[0][k], alone[0])
            assert [float(together[1][k]), bool(together[2][k]), bool(together[3][k])] == [*alone[1:4]]
        np.testing.assert_array_equal(worlds.states[~awake], before[~awake])
        assert not together[1][~awake].any()
        awake &= ~together[2]
    assert not awake.all()
    np.testing.assert_array_equal(
        worlds.reset(seed=[9] * 4)[0], np.tile(PoleBalancing(jitter=0.1).reset(seed=9)[0], (4, 1))
    )


def test_an_episode_can_begin_anywhere():
    state = [0.3, -0.1, 0.05, 0.2, -0.1, 0.4]
    world = PoleBalancing(velocities=True)
    seen = world.reset(options={"state": state})[0]
    np.testing.assert_allclose(seen * [2.4, 1, np.radians(36), 1, np.radians(36), 1], state, rtol=1e-6)
    np.testing.assert_array_equal(world.batch(2).reset(options={"state": [state] * 2})[0], [seen] * 2)
    assert world.reset()[0][0] == 0


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: PoleBalancing(3), "poles must be 1 or 2"),
        (lambda: PoleBalancing(force=0.0), "must be positive"),
        (lambda: PoleBalancing(start=40.0), "could have fallen"),
        (lambda: PoleBalancing().batch(0), "must have a world"),
        (lambda: PoleBalancing().batch(2).reset(seed=[1]), "a seed for each of 2"),
        (lambda: PoleBalancing().reset(options={"state": [0.0] * 4}), "a state must be 6 numbers"),
        (lambda: PoleBalancing().reset(options={"state": [3.0, 0, 0, 0, 0, 0]}), "no pole has fallen"),
        (lambda: PoleBalancing().reset(options={"place": 1}), "'state' alone, got place"),
        (lambda: PoleBalancing().batch(2).reset(options={"state": [[0.0] * 6]}), "a state for each of 2"),
        (lambda: PoleBalancing().batch(2).step([[0.0], [2.0]]), "from -1.0 to 1.0, got"),
        (lambda: PoleBalancing().batch(2).step([[0.0], [np.nan]]), "from -1.0 to 1.0, got"),
        (lambda: PoleBalancing().batch(2).step([0.0, 0.0]), r"must be \[2, 1\]"),
    ],
)
def test_what_makes_no_sense_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()

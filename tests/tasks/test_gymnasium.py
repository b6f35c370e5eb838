"""Worlds of ours in gymnasium, and gymnasium's own as environments; where it is installed."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path

import numpy as np
import pytest
from made_up.tasks.corridor import Corridor

from carrousel.tasks import ENVIRONMENTS, Box, Discrete
from carrousel.tasks import gymnasium as ours

gymnasium = pytest.importorskip("gymnasium")


@pytest.mark.parametrize("make", [Corridor, *ENVIRONMENTS.values()], ids=lambda make: make.__name__)
def test_a_world_of_ours_passes_gymnasiums_own_check(make):
    from gymnasium.utils.env_checker import check_env

    check_env(ours.wrapped(make()), skip_render_check=True)


def test_a_world_of_ours_is_made_by_name():
    ours.register("carrousel/Corridor-v0", Corridor, max_episode_steps=3)
    world = gymnasium.make("carrousel/Corridor-v0", length=20)
    world.reset(seed=0)
    ends = [world.step(0)[2:4] for _ in range(3)]
    assert ends == [(False, False), (False, False), (False, True)]
    assert world.unwrapped.spec.id == "carrousel/Corridor-v0"


def test_gymnasiums_own_worlds_are_environments():
    world = gymnasium.make("CartPole-v1")
    observation, _ = world.reset(seed=0, options={})
    assert world.observation_space.contains(observation)
    assert ours.wrapped(world) is world
    _, reward, terminated, truncated, _ = world.step(world.action_space.sample())
    assert (type(float(reward)), bool(terminated), bool(truncated)) == (float, False, False)


def test_spaces_are_translated():
    assert ours.space(Discrete(3)) == gymnasium.spaces.Discrete(3)
    assert ours.space(Box((2, 3), 0.0, np.inf)) == gymnasium.spaces.Box(0.0, np.inf, (2, 3), np.float32)
    assert ours.space(gymnasium.spaces.Discrete(2)).n == 2
    with pytest.raises(TypeError, match="must be Discrete, Box or one of gymnasium's, got int"):
        ours.space(3)
    rng = np.random.default_rng(0)
    for box in (Box((2,)), Box((2,), 1.0), Box((2,), high=-1.0), Box((2,), 0.0, 1.0)):
        for _ in range(20):
            assert box.contains(box.sample(rng))
            assert ours.space(box).contains(box.sample(rng))


def test_all_our_worlds_are_registered():
    """By the entry point of pyproject.toml, which gymnasium reads when it is imported."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text("utf-8"))["project"]
    module, _, name = project["entry-points"]["gymnasium.envs"]["carrousel"].partition(":")
    getattr(importlib.import_module(module), name)()
    for name in ENVIRONMENTS:
        world = gymnasium.make(f"carrousel/{name}-v0")
        assert world.observation_space.contains(world.reset(seed=0)[0])
    assert gymnasium.make("carrousel/PoleBalancing-v0", poles=1).observation_space.shape == (2,)

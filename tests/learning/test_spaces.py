"""What worlds of other packages show, as inputs of an agent: every world that POPGym has."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.learning.acting._lived import inputs_of, seen_by

envs = pytest.importorskip("popgym.envs")


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("make", envs.ALL, ids=lambda make: make.__name__)
def test_an_agent_has_units_for_what_a_world_shows(make):
    """As many as the space says, and different ones for what looks different; the world's own order is kept."""
    world = make()
    count = inputs_of(world.observation_space)
    observation, _ = world.reset(seed=3)
    world.action_space.seed(3)
    seen: dict[bytes, str] = {}
    for _ in range(40):
        shown = seen_by(observation, world.observation_space)
        assert (shown.shape, shown.dtype) == ((count,), np.float32)
        assert np.isfinite(shown).all()
        if not hasattr(world.observation_space, "low"):  # values and not numbers: each has a unit of its own
            assert set(shown.tolist()) in ({0.0, 1.0}, {1.0})
        assert seen.setdefault(shown.tobytes(), repr(observation)) == repr(observation)
        observation, _, ended, cut, _ = world.step(world.action_space.sample())
        if ended or cut:
            observation, _ = world.reset()

"""The agents of the paper's experiments, and a walk at random beside them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from carrousel.learning.acting import Lived, PolicyGradient
from carrousel.papers._trial import Setting

__all__ = ["Agent", "Walk", "agent_of"]


@dataclass
class Walk:
    """Takes any action, all equally probable, and learns nothing."""

    weight_count: int = 0

    def try_out(self, world: Any, episodes: int, *, seed: int) -> Lived:
        """Acts in a world for some episodes, all at once."""
        worlds, rng = world.batch(episodes), np.random.default_rng(seed)
        worlds.reset(seed=seed)
        earned, last = np.zeros(episodes), np.zeros(episodes)
        while not worlds.over.all():
            awake = ~worlds.over
            reward = worlds.step(rng.integers(0, world.action_space.n, episodes))[1]
            earned += reward
            last = np.where(awake, reward, last)
        return Lived(earned, worlds.steps.copy(), last, int(worlds.steps.sum()))


class Agent:
    """A policy gradient, with what a trial asks of its learner."""

    def __init__(self, agent: PolicyGradient) -> None:
        self.agent = agent

    def ready(self) -> None:
        """Runs both nets forward and back; nothing changes."""
        nets = [net for net in (self.agent.policy, self.agent.baseline) if net is not None]
        for net in nets:
            x, begins = torch.zeros(2, 2, net.lstm.input_size), torch.zeros(2, 2, dtype=torch.bool)
            net(x, begins).sum().backward()
            net.zero_grad()


def agent_of(world: Any, setting: Setting) -> Agent:
    """Returns the agent that a row's configuration says."""
    choices = {name: setting.config[name] for name in ("hidden", "rate", "discount", "forget_bias", "sees_actions")}
    choices |= {"baseline": setting.config["hidden"], "baseline_rate": setting.config["rate"]}
    return Agent(PolicyGradient.of(world, cell="lstm", seed=int(setting.rng.integers(2**31)), **choices))

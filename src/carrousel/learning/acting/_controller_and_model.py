"""A controller that learns through a model of its world: both recurrent, and pain is what neither should foresee."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor, nn

from carrousel._format import Arrays, Format, fitted, whole
from carrousel.learning._steps import check_counts
from carrousel.learning.acting._adam import check_sizes, fill, generator_from, state_of, tensors_of
from carrousel.learning.acting._lived import Lived, inputs_of, seen_by
from carrousel.learning.acting._policy import Recurrent
from carrousel.learning.acting._saved import SavedAgent
from carrousel.learning.acting._trials import Trial, draw_windows, flat, pain_of, unflat

__all__ = ["FORMAT", "ControllerAndModel"]

FORMAT = Format("carrousel-controller-and-model", 1, "an agent")

LEARNING = ("both", "model", "controller", "neither")
PAINS = ("end", "loss")


class ControllerAndModel(SavedAgent):
    """An agent of two recurrent nets: a model that foresees the world, and a controller that learns through it.

    Both see the world's observation and the last pain. The controller's outputs are the action, numbers within bounds;
    the model sees these too, and foresees the next observation and the next pain, from 0 to 1. After every episode the
    model learns from windows of remembered episodes. Then its weights stand still, and the controller descends on the
    foreseen pain along the same windows: error flows back through the model's outputs, states and inputs into the
    actions, and through the actions into the controller, across all steps of a window, as if the two were one net.
    What goes forward is what has happened; what goes back are the model's derivatives.

    J. Schmidhuber: Making the world differentiable, FKI-126-90, 1990; An on-line algorithm for dynamic reinforcement
    learning and planning in reactive environments, 1990. Sizes and rates are not published. There both nets learn
    on-line; here from windows, with Adam.

    Args:
        inputs: how many numbers the world shows.
        actions: how many numbers an action has.
        bounds: their least and greatest value.
        pain: ``"end"`` if pain is 1 when the world ends an episode, and else 0; ``"loss"`` if it is minus the reward,
            which must be from -1 to 0 then.
        hidden, model_hidden: units of the controller's and of the model's recurrent layer.
        cell: their cell.
        rate, model_rate: of the two nets.
        noise: spread of what is added to an action as the agent lives, as a share of half the bounds' distance.
        window: steps of a window.
        windows: of how many at once a change is made.
        updates, model_updates: changes after an episode of the controller and of the model.
        begin: episodes after which the controller begins to learn.
        remembers: how many episodes are remembered.
        seed: of weights and draws.

    Raises:
        ValueError: a number is out of its range.

    >>> from carrousel.tasks import FlipFlop
    >>> agent = ControllerAndModel.of(FlipFlop(length=5), pain="loss", hidden=2, model_hidden=3, begin=1)
    >>> agent.live(FlipFlop(length=5), 2, seed=0).steps
    array([5, 5])
    """

    _format = FORMAT

    def __init__(
        self,
        inputs: int,
        actions: int,
        bounds: tuple[float, float] = (-1.0, 1.0),
        *,
        pain: str = "end",
        hidden: int = 8,
        model_hidden: int = 16,
        cell: str = "lstm",
        rate: float = 0.01,
        model_rate: float = 0.01,
        noise: float = 0.3,
        window: int = 40,
        windows: int = 32,
        updates: int = 4,
        model_updates: int = 8,
        begin: int = 10,
        remembers: int = 60,
        seed: int = 0,
    ) -> None:
        check_counts(
            inputs=inputs, actions=actions, hidden=hidden, model_hidden=model_hidden, window=window, windows=windows,
            remembers=remembers,
        )  # fmt: skip
        check_counts(0, updates=updates, model_updates=model_updates, begin=begin, seed=seed)
        for name, value in (("rate", rate), ("model_rate", model_rate), ("noise", noise)):
            if not (isinstance(value, int | float) and 0 <= value <= 1e6):
                raise ValueError(f"{name} must be a number from 0 to 1e+06, got {value!r}")
        if not (len(bounds) == 2 and -np.inf < bounds[0] < bounds[1] < np.inf):
            raise ValueError(f"bounds must be the least and the greatest value of an action, both finite; got {bounds}")
        if pain not in PAINS:
            raise ValueError(f"pain must be 'end' or 'loss', got {pain!r}")
        self._facts: dict[str, Any] = {
            "inputs": int(inputs), "actions": int(actions), "bounds": [*map(float, bounds)], "pain": pain,
            "hidden": int(hidden), "model_hidden": int(model_hidden), "cell": cell, "rate": float(rate),
            "model_rate": float(model_rate), "noise": float(noise), "window": int(window), "windows": int(windows),
            "updates": int(updates), "model_updates": int(model_updates), "begin": int(begin),
            "remembers": int(remembers),
            "seed": int(seed),
        }  # fmt: skip
        self.inputs, self.actions, self.pain = int(inputs), int(actions), pain
        self._middle, self._half = (bounds[0] + bounds[1]) / 2, (bounds[1] - bounds[0]) / 2
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.controller = Recurrent(inputs + 1, hidden, actions, cell)
            self.model = Recurrent(inputs + 1 + actions, model_hidden, inputs + 1, cell)
        self._optimisers = [
            torch.optim.Adam(self.controller.parameters(), rate),
            torch.optim.Adam(self.model.parameters(), model_rate),
        ]
        self._rng = np.random.default_rng(seed)
        self._trials: list[Trial] = []
        self._scale = np.zeros(inputs)  # of what changes in a step; zeros until some episodes have told
        self._episodes = 0

    @classmethod
    def of(cls, world: Any, **choices: Any) -> ControllerAndModel:
        """Returns an agent for a world's observations and actions.

        Raises:
            ValueError: the world's actions are a few values: a controller's are numbers.
        """
        space = world.action_space
        if hasattr(space, "n"):
            raise ValueError(f"a controller's actions are numbers, and this world's are {space}")
        bounds = float(np.max(space.low)), float(np.min(space.high))
        return cls(inputs_of(world.observation_space), inputs_of(space), bounds, **choices)

    @property
    def weight_count(self) -> int:
        """The number of weights of both nets."""
        return sum(p.numel() for net in (self.controller, self.model) for p in net.parameters())

    def live(
        self, world: Any, episodes: int, *, learns: str = "both", seed: int | None = None, longest: int = 100_000
    ) -> Lived:
        """Acts for some episodes, with noise, and learns after each of them.

        Args:
            world: an environment.
            episodes: how many.
            learns: ``"both"`` nets, the ``"model"``, the ``"controller"`` through a frozen model, or ``"neither"``.
            seed: of the world; None draws one.
            longest: steps after which an episode that has not ended is taken for one that never does.

        Raises:
            ValueError: the world has other inputs or actions than the agent; gives a number that is not finite, or a
                reward that is no pain; or an episode is longer than ``longest``. Nothing is learned from it. Or weights
                have grown beyond all bounds.
        """
        check_counts(0, episodes=episodes)
        check_counts(longest=longest)
        if learns not in LEARNING:
            raise ValueError(f"learns must be one of {', '.join(LEARNING)}; got {learns!r}")
        record = []
        for each in np.random.SeedSequence(seed).spawn(episodes):
            lived = self.act(world, seed=int(each.generate_state(1)[0]), longest=longest)
            self._trials = [*self._trials, lived][-self._facts["remembers"] :]
            self._episodes += 1
            self._learn(learns)
            record.append(lived.row)
        return Lived.of(record, int(sum(row[1] for row in record)))

    def try_out(
        self, world: Any, episodes: int, *, greedy: bool = False, seed: int | None = None, longest: int = 100_000
    ) -> Lived:
        """Acts in a world for some episodes; the agent does not change.

        Args:
            world: an environment.
            episodes: how many.
            greedy: whether actions are without noise.
            seed: of the world and of the noise; None draws one.
            longest: as for :meth:`live`.

        Raises:
            ValueError: as for :meth:`live`.
        """
        before, self._rng = self._rng, np.random.default_rng(seed)
        try:
            seeds = [int(each.generate_state(1)[0]) for each in np.random.SeedSequence(seed).spawn(episodes)]
            rows = [self.act(world, seed=each, longest=longest, greedy=greedy).row for each in seeds]
        finally:
            self._rng = before
        return Lived.of(rows, int(sum(row[1] for row in rows)))

    def act(self, world: Any, *, seed: int, longest: int = 100_000, greedy: bool = False) -> Trial:
        """Acts in one episode, and returns it; the agent does not learn.

        Raises:
            ValueError: as for :meth:`live`.
        """
        self._check(world)
        space, shape = world.observation_space, world.action_space.shape
        seen = [seen_by(world.reset(seed=seed)[0], space)]
        actions: list[np.ndarray] = []
        earned: list[float] = []
        pains = [0.0]
        state: Any = None
        over = False
        while not over:
            if len(actions) == longest:
                raise ValueError(
                    f"an episode has not ended after {longest:,} steps: a limit of the world's, or a larger longest=, "
                    "may be meant"
                )
            if not np.isfinite(seen[-1]).all():
                raise ValueError(f"the world has shown a number that is not finite, at step {len(actions)}")
            x = torch.from_numpy(np.append(seen[-1], np.float32(pains[-1])))[None]
            with torch.no_grad():
                told, state = self.controller.step(x, state)
            share = np.tanh(told[0].double().numpy())
            if not np.isfinite(share).all():
                raise ValueError("the controller's weights have grown beyond all bounds: a smaller rate may help")
            if not greedy:
                share = share + self._facts["noise"] * self._rng.standard_normal(self.actions)
            actions.append(np.clip(share, -1, 1).astype(np.float32))
            action = np.float32(self._middle + self._half * actions[-1]).reshape(shape)
            shown, reward, terminated, truncated, _ = world.step(action)
            if not np.isfinite(reward):
                raise ValueError(f"the world has given the reward {reward}, at step {len(actions) - 1}")
            seen.append(seen_by(shown, space))
            earned.append(float(reward))
            pains.append(pain_of(self.pain, float(reward), bool(terminated)))
            over = bool(terminated or truncated)
        if not np.isfinite(seen[-1]).all():
            raise ValueError(f"the world has shown a number that is not finite, at step {len(actions)}")
        return Trial(np.stack(seen), np.stack(actions), np.array(pains, np.float32), np.array(earned))

    def _check(self, world: Any) -> None:
        space = world.action_space
        if hasattr(space, "n") or inputs_of(world.observation_space) != self.inputs or inputs_of(space) != self.actions:
            raise ValueError(
                f"the agent takes {self.inputs} inputs, and its actions are {self.actions} numbers; this world shows "
                f"{world.observation_space} and takes {space}"
            )

    def _learn(self, learns: str) -> None:
        """Changes the nets after an episode."""
        if learns == "neither":
            return
        if not self._scale.any():
            if self._episodes < min(5, self._facts["remembers"]):
                return
            changes = np.concatenate([np.diff(trial.seen.astype(np.float64), axis=0) for trial in self._trials])
            self._scale = np.where((spread := changes.std(0)) > 0, spread, 1.0)
        facts, (of_controller, of_model) = self._facts, self._optimisers
        for _ in range(facts["model_updates"] if learns != "controller" else 0):
            self._change(of_model, self.model, self.model_loss(self._draw()))
        for _ in range(facts["updates"] if learns != "model" and self._episodes > facts["begin"] else 0):
            self.model.requires_grad_(False)
            try:
                self._change(of_controller, self.controller, self.controller_loss(self._draw()))
            finally:
                self.model.requires_grad_(True)

    def _draw(self) -> tuple[Tensor, ...]:
        return draw_windows(self._trials, self._facts["windows"], self._facts["window"], self._rng)

    @staticmethod
    def _change(optimiser: torch.optim.Optimizer, net: nn.Module, loss: Tensor) -> None:
        if not torch.isfinite(loss):
            raise ValueError("weights have grown beyond all bounds: smaller rates may help")
        optimiser.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(net.parameters(), 1.0)
        optimiser.step()

    def foreseen(self, told: Tensor, seen: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the next observations and the log odds of the next pains, from the model's outputs ``[..., I + 1]``.

        The outputs say by how much an observation changes, in the spread of changes in the first episodes.
        """
        scale = torch.from_numpy(self._scale).to(told.dtype)
        return seen + told[..., :-1] * scale, told[..., -1]

    def model_loss(self, windows: tuple[Tensor, ...]) -> Tensor:
        """Returns the model's mean squared error of changes, in their spread, and its log loss of pain.

        Args:
            windows: observations ``[T + 1, B, I]``, pains ``[T + 1, B]``, actions ``[T, B, A]`` as shares of their
                range, and which steps there are ``[T, B]``.
        """
        seen, pains, actions, real = windows
        told = self.model(torch.cat([seen[:-1], pains[:-1, :, None], actions], 2))
        nearest, odds = self.foreseen(told, seen[:-1])
        scale = torch.from_numpy(self._scale).to(told.dtype)
        errors = ((nearest - seen[1:]) / scale).square().mean(2)
        of_pain = nn.functional.binary_cross_entropy_with_logits(odds, pains[1:], reduction="none")
        return (errors + of_pain)[real].mean()

    def controller_loss(self, windows: tuple[Tensor, ...]) -> Tensor:
        """Returns the log loss of foreseen pain where there should be none, summed over a window, the mean of windows.

        Its value is the model's; its derivative by the controller's weights goes through the model.
        """
        seen, pains, actions, real = windows
        x, pain, total = seen[0], pains[0, :, None], seen.new_zeros(())
        of_controller: Any = None
        of_model: Any = None
        for t in range(len(actions)):
            wanted, of_controller = self.controller.step(torch.cat([x, pain], 1), of_controller)
            action = _in_place_of(actions[t], torch.tanh(wanted))
            told, of_model = self.model.step(torch.cat([x, pain, action], 1), of_model)
            following, odds = self.foreseen(told, x)
            total = total + nn.functional.softplus(odds)[real[t]].sum()
            x = _in_place_of(seen[t + 1], following)
            pain = _in_place_of(pains[t + 1, :, None], torch.sigmoid(odds)[:, None])
        return total / real.shape[1]

    def _tensors(self) -> dict[str, Tensor]:
        return tensors_of({"controller": self.controller, "model": self.model}, self._optimisers)

    def _whole(self) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
        """Returns the facts and the arrays of a file."""
        facts = {**self._facts, "draws": state_of(self._rng), "episodes": self._episodes}
        arrays = {name: each.numpy() for name, each in self._tensors().items()}
        return facts, {**arrays, "scale": self._scale, **flat(self._trials, self.inputs, self.actions)}

    @classmethod
    def _restored(cls, facts: Mapping[str, Any], arrays: Arrays) -> Self:
        choices = {name: value for name, value in facts.items() if name not in ("draws", "episodes")}
        held = check_sizes(choices, ("inputs", "actions", "hidden", "model_hidden"), arrays)
        if choices["hidden"] ** 2 > held or choices["model_hidden"] ** 2 > held:
            raise ValueError(
                f"its nets have {choices['hidden']} and {choices['model_hidden']} units, and it holds {held} numbers"
            )
        agent = cls(**choices)
        tensors = agent._tensors()
        fill(tensors, {name: array for name, array in arrays.items() if name in tensors})
        agent._trials = unflat(
            {name: array for name, array in arrays.items() if name not in tensors and name != "scale"},
            agent.inputs, agent.actions, agent._facts["remembers"],
        )  # fmt: skip
        (agent._scale,) = fitted({"scale": arrays["scale"]}, {"scale": ((agent.inputs,), np.float64)}).values()
        if not ((agent._scale > 0).all() or not agent._scale.any()):
            raise ValueError("its scales are not all above 0")
        agent._episodes = whole(facts["episodes"], "its number of episodes")
        agent._rng = generator_from(facts["draws"])
        return agent


def _in_place_of(happened: Tensor, foreseen: Tensor) -> Tensor:
    """Returns what has happened, with the derivatives of what was foreseen."""
    return happened + (foreseen - foreseen.detach())

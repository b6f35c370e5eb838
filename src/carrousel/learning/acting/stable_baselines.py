"""Recurrent PPO of sb3-contrib with any cell of the family: ``pip install 'carrousel[rl]'``.

>>> from carrousel.learning.acting.stable_baselines import LSTMPolicy, RecurrentPPO
>>> kwargs = {"lstm_hidden_size": 8, "lstm_kwargs": {"cell": "peephole"}}
>>> agent = RecurrentPPO(LSTMPolicy, "CartPole-v1", n_steps=64, policy_kwargs=kwargs, device="cpu")
>>> agent.learn(64).num_timesteps
64
"""

from __future__ import annotations

from typing import Any

import numpy as np
import sb3_contrib
import torch
from sb3_contrib.common.recurrent.buffers import RecurrentDictRolloutBuffer, RecurrentRolloutBuffer
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy
from torch import Tensor, nn

from carrousel.nets import LSTM

__all__ = ["LSTMPolicy", "RecurrentPPO"]

REFUSED = ("batch_first", "bidirectional", "proj_size")  # PPO's buffer and the heads know h of H units, forward in time


class _InTwo(LSTM):
    """Layers whose states travel as two tensors, as RecurrentPPO keeps them: h, and all others side by side.

    An LSTM's are h and c as they are. A state that is narrower than the other has zeros at its end.
    """

    @property
    def sizes(self) -> tuple[int, ...]:
        """The sizes of a layer's states, h first."""
        return self.layers[0].state_sizes

    @property
    def hidden_size(self) -> int:  # type: ignore[override]
        """The width of either tensor, by which RecurrentPPO makes its buffer."""
        return max(self.sizes[0], sum(self.sizes[1:]))

    def apart(self, pair: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Returns all states ``[layers, B, size]`` from the two."""
        h, rest = pair
        first, *others = self.sizes
        return (h[..., :first].contiguous(), *(s.contiguous() for s in rest[..., : sum(others)].split(others, -1)))

    def together(self, states: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, Tensor]:
        """Returns the two from all states."""
        h, *others = (states,) if isinstance(states, Tensor) else states
        rest = torch.cat(others, -1) if others else h[..., :0]
        width = self.hidden_size
        return tuple(nn.functional.pad(s, (0, width - s.shape[-1])) for s in (h, rest))  # type: ignore[return-value]


class LSTMPolicy(RecurrentActorCriticPolicy):
    """The policy of recurrent PPO with ``carrousel.LSTM`` in place of ``torch.nn.LSTM``, for actor and critic.

    All arguments are those of ``RecurrentActorCriticPolicy``; ``lstm_kwargs`` are those of :class:`carrousel.LSTM`, so
    ``{"cell": "gru"}`` takes another cell. With the cell that there is by default, first weights are what that class
    draws from the same seed, and state dicts can be exchanged in both directions. An update reads all steps in one
    call, with resets where episodes begin, where that class calls its layer for every step. Observations that are
    images or several things take ``features_extractor_class=``, as there.

    Raises:
        ValueError: ``lstm_kwargs`` hold what PPO's buffer has no place for.
    """

    lstm_actor: Any
    lstm_critic: Any

    def __init__(self, *args: Any, lstm_kwargs: dict[str, Any] | None = None, **kwargs: Any) -> None:
        options = dict(lstm_kwargs or {})
        if wrong := [name for name in REFUSED if name in options]:
            raise ValueError(f"lstm_kwargs may not hold {', '.join(wrong)}: the policy's layers run forward, [T, B, H]")
        super().__init__(*args, **kwargs)
        self.lstm_kwargs = options
        self.lstm_actor = self._in_place_of(self.lstm_actor)
        if self.enable_critic_lstm:
            self.lstm_critic = self._in_place_of(self.lstm_critic)
        self.lstm_hidden_state_shape = (self.lstm_actor.num_layers, 1, self.lstm_actor.hidden_size)
        self.optimizer = self.optimizer_class(self.parameters(), lr=args[2](1), **self.optimizer_kwargs)

    def _in_place_of(self, theirs: Any) -> _InTwo:
        """Returns layers of ours, with the weights of torch's if they are such layers and no option says other."""
        ours = _InTwo(self.features_dim, self.lstm_output_dim, **{"num_layers": theirs.num_layers, **self.lstm_kwargs})
        shapes = [{name: p.shape for name, p in layers.named_parameters()} for layers in (ours, theirs)]
        if shapes[0] == shapes[1] and not {"init", "forget_bias"} & set(self.lstm_kwargs):
            ours.load_state_dict(theirs.state_dict())
        return ours

    @staticmethod
    def _process_sequence(
        features: Tensor, lstm_states: tuple[Tensor, Tensor], episode_starts: Tensor, lstm: _InTwo
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        """Returns outputs ``[n T, H]`` and states after them, for features ``[n T, F]`` of n sequences one by one."""
        count = lstm_states[0].shape[1]
        x = features.reshape(count, -1, features.shape[-1]).transpose(0, 1)  # [T, n, F]
        begins = episode_starts.reshape(count, -1).transpose(0, 1) > 0.5
        states = lstm.apart(lstm_states)
        if len(x) == 1 and not lstm.training:  # a step in the world
            told, after = lstm.step(x[0], tuple(torch.where(begins[0, :, None], 0.0, state) for state in states))
            return told, lstm.together(after)
        told, after = lstm(x, states, resets=begins)
        return told.transpose(0, 1).flatten(0, 1), lstm.together(after)


class _Uncut:
    """A buffer's way to give what was lived in rows of a world's steps, which are not cut where an episode begins."""

    episode_starts: Any

    def _get_samples(self, batch_inds: np.ndarray, env_change: np.ndarray, env: Any = None) -> Any:
        begins, self.episode_starts = self.episode_starts, np.zeros_like(self.episode_starts)
        try:
            drawn = super()._get_samples(batch_inds, env_change, env)  # type: ignore[misc]
        finally:
            self.episode_starts = begins
        return drawn._replace(episode_starts=self.pad_and_flatten(begins[batch_inds]))  # type: ignore[attr-defined]


class _Rows(_Uncut, RecurrentRolloutBuffer):
    """Keeps what was lived, where an observation is an array."""


class _DictRows(_Uncut, RecurrentDictRolloutBuffer):
    """Keeps what was lived, where an observation is several arrays."""


class RecurrentPPO(sb3_contrib.RecurrentPPO):
    """The recurrent PPO of sb3-contrib, whose updates read rows of steps across the ends of episodes.

    Arguments and results are those of that class, which :class:`LSTMPolicy` serves too. That class cuts what was lived
    where an episode begins, and fills all pieces up to the longest; a policy of ours needs no cuts, for its states are
    reset within a row. The losses of an update are the same.
    """

    policy_aliases = {**sb3_contrib.RecurrentPPO.policy_aliases, "LSTMPolicy": LSTMPolicy}  # noqa: RUF012  # as there

    rollout_buffer: Any

    def _setup_model(self) -> None:
        super()._setup_model()
        held = self.rollout_buffer
        kind = _DictRows if isinstance(held, RecurrentDictRolloutBuffer) else _Rows
        self.rollout_buffer = kind(
            self.n_steps, self.observation_space, self.action_space, held.hidden_state_shape, self.device,
            gamma=self.gamma, gae_lambda=self.gae_lambda, n_envs=self.n_envs,
        )  # fmt: skip

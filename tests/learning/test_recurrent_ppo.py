"""Recurrent PPO with our layers: sb3-contrib's own losses and gradients for the same weights, and any cell."""

from __future__ import annotations

import itertools

import gymnasium
import numpy as np
import pytest
import sb3_contrib
import torch
from sb3_contrib.common.recurrent.policies import RecurrentActorCriticPolicy, RecurrentMultiInputActorCriticPolicy
from stable_baselines3.common.vec_env import DummyVecEnv

from carrousel import cells
from carrousel.learning.acting.stable_baselines import LSTMPolicy, RecurrentPPO
from carrousel.tasks import FlipFlop, TMaze
from carrousel.tasks.gymnasium import wrapped


@pytest.fixture(autouse=True)
def _own_draws():
    """PPO seeds the generators that all of a process share."""
    before = np.random.get_state()
    with torch.random.fork_rng(devices=[]):
        yield
    np.random.set_state(before)


class Several(gymnasium.ObservationWrapper):
    """A world that shows its numbers as two things."""

    def __init__(self, world):
        super().__init__(world)
        box = gymnasium.spaces.Box(0, 1, (1,), np.float32)
        self.observation_space = gymnasium.spaces.Dict({"first": box, "rest": gymnasium.spaces.Box(0, 1, (2,))})

    def observation(self, seen):
        return {"first": seen[:1], "rest": seen[1:]}


def worlds(count=3, make=lambda: TMaze(2, limit=6)):
    return DummyVecEnv([lambda: wrapped(make())] * count)


def agent_of(kind, policy, env=None, batch_size=16, **choices):
    made = {"lstm_hidden_size": 6, "net_arch": [5], **choices}
    return kind(
        policy, env or worlds(), n_steps=20, batch_size=batch_size, n_epochs=2, seed=0, device="cpu", policy_kwargs=made
    )


def lived(agent):
    """Has the agent live for as long as an update wants; it does not learn."""
    _, callback = agent._setup_learn(60)
    agent.collect_rollouts(agent.env, callback, agent.rollout_buffer, agent.n_steps)
    return agent


def losses_of(agent, drawn):
    """What PPO descends on for a batch that was drawn, as it computes that, and its gradients."""
    mask = drawn.mask > 0.5
    actions = drawn.actions.long().flatten()
    values, odds, entropy = agent.policy.evaluate_actions(
        drawn.observations, actions, drawn.lstm_states, drawn.episode_starts
    )
    ratio = torch.exp(odds - drawn.old_log_prob)
    clipped = torch.min(drawn.advantages * ratio, drawn.advantages * ratio.clamp(0.8, 1.2))
    parts = [clipped[mask].mean(), ((drawn.returns - values.flatten()) ** 2)[mask].mean(), entropy[mask].mean()]
    agent.policy.zero_grad()
    sum(parts).backward()
    return [part.item() for part in parts], {name: p.grad.clone() for name, p in agent.policy.named_parameters()}


@pytest.mark.parametrize(
    "choices",
    [{}, {"n_lstm_layers": 2}, {"enable_critic_lstm": False, "shared_lstm": True}, {"enable_critic_lstm": False}],
)
def test_losses_and_gradients_are_theirs_for_the_same_weights(choices):
    theirs = lived(agent_of(sb3_contrib.RecurrentPPO, RecurrentActorCriticPolicy, batch_size=None, **choices))
    with torch.no_grad():  # so that a wrong ratio shows
        for p in theirs.policy.parameters():
            p += 0.05 * torch.randn_like(p)
    drawn = next(theirs.rollout_buffer.get(23))
    assert drawn.episode_starts.sum() > 3
    wanted, slopes = losses_of(theirs, drawn)
    for kind in (sb3_contrib.RecurrentPPO, RecurrentPPO):
        ours = agent_of(kind, LSTMPolicy, batch_size=None, **choices)
        ours.policy.load_state_dict(theirs.policy.state_dict())
        found, gradients = losses_of(ours, drawn)
        np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=1e-6)
        assert gradients.keys() == slopes.keys()
        for name, slope in slopes.items():
            torch.testing.assert_close(gradients[name], slope, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("policy", "env"),
    [
        (RecurrentActorCriticPolicy, worlds),
        (RecurrentMultiInputActorCriticPolicy, lambda: DummyVecEnv([lambda: Several(wrapped(TMaze(2, limit=6)))] * 3)),
    ],
)
def test_rows_that_are_not_cut_learn_what_theirs_learn(policy, env):
    """A whole update from the same weights and draws: acting in the worlds, batches, and Adam."""
    extractor = {} if policy is RecurrentActorCriticPolicy else {
        "features_extractor_class": sb3_contrib.common.recurrent.policies.CombinedExtractor
    }  # fmt: skip
    theirs = agent_of(sb3_contrib.RecurrentPPO, policy, env())
    ours = agent_of(RecurrentPPO, LSTMPolicy, env(), **extractor)
    first = {name: value.clone() for name, value in theirs.policy.state_dict().items()}
    assert all(torch.equal(value, first[name]) for name, value in ours.policy.state_dict().items())
    for agent in (theirs, ours):
        agent.set_random_seed(3)
        agent.learn(60)
    for name, value in theirs.policy.state_dict().items():
        torch.testing.assert_close(ours.policy.state_dict()[name], value, rtol=1e-3, atol=1e-5)
    assert max((value - first[name]).abs().max() for name, value in theirs.policy.state_dict().items()) > 1e-4
    rows = [next(agent.rollout_buffer.get(60)).lstm_states.pi[0].shape[1] for agent in (theirs, ours)]
    assert rows[1] <= 4 < 10 <= rows[0], "a row for each of three worlds, and one that the draw has cut"


@pytest.mark.parametrize("cell", ["gru", "peephole", "slstm", "elman", "lstm"])
def test_any_cell_goes_step_by_step_as_in_one_call(cell):
    """States that travel in two tensors: what was said in the worlds is said again in an update, so ratios are 1."""
    options = {"cell": cell, **({"gate_recurrence": "gates"} if cell == "lstm" else {})}
    agent = lived(agent_of(RecurrentPPO, LSTMPolicy, lstm_kwargs=options))
    agent.policy.set_training_mode(True)
    assert agent.policy.lstm_actor.cell is cells.get(cell)
    for drawn in agent.rollout_buffer.get(25):
        mask = drawn.mask > 0.5
        values, odds, _ = agent.policy.evaluate_actions(
            drawn.observations, drawn.actions.long().flatten(), drawn.lstm_states, drawn.episode_starts
        )
        torch.testing.assert_close(odds[mask], drawn.old_log_prob[mask], rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(values.flatten()[mask], drawn.old_values[mask], rtol=1e-4, atol=1e-5)
    before = agent.policy.lstm_actor.weight_hh_l0.clone()
    agent.train()
    assert not torch.equal(before, agent.policy.lstm_actor.weight_hh_l0)


def test_an_agent_is_saved_and_goes_on_from_its_states(tmp_path):
    agent = agent_of(RecurrentPPO, LSTMPolicy, worlds(1, lambda: FlipFlop(length=9)), lstm_kwargs={"cell": "gru"})
    agent.learn(20)
    agent.save(tmp_path / "agent")
    other = RecurrentPPO.load(tmp_path / "agent", device="cpu")
    seen, state, twin = np.float32([1, 0, 0]), None, None
    said = []
    for _ in range(4):
        action, state = agent.predict(seen, state, deterministic=True)
        again, twin = other.predict(seen, twin, deterministic=True)
        np.testing.assert_array_equal(action, again)
        np.testing.assert_array_equal(state[0], twin[0])
        said.append(state[0])
    assert min(np.abs(one - other).max() for one, other in itertools.pairwise(said)) > 1e-4, "it remembers"
    _, afresh = agent.predict(seen, state, episode_start=np.array([True]), deterministic=True)
    np.testing.assert_allclose(afresh[0], said[0])


def test_options_that_do_not_fit_are_refused():
    for name in ("bidirectional", "batch_first", "proj_size"):
        with pytest.raises(ValueError, match=f"may not hold {name}"):
            agent_of(RecurrentPPO, LSTMPolicy, lstm_kwargs={name: True})
    with pytest.raises(ValueError, match="cell"):
        agent_of(RecurrentPPO, LSTMPolicy, lstm_kwargs={"cell": "nocell"})

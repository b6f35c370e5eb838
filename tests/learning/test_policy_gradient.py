"""Recurrent policy gradients: against finite differences of the expected return, and packed against separate."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from carrousel.learning.acting import Episode, PolicyGradient
from carrousel.tasks import Box, Discrete, FlipFlop, PoleBalancing, TMaze


def agent_of(actions=3, bounds=None, **choices):
    """An agent in float64, whose weights are large enough to matter."""
    agent = PolicyGradient(2, actions, bounds, hidden=3, baseline=2, discount=1.0, seed=1, **choices)
    rng = torch.Generator().manual_seed(5)
    for net in (agent.policy, agent.baseline):
        net.double()
        for p in net.parameters():
            p.data = torch.randn(p.shape, generator=rng, dtype=p.dtype) * 0.7
    return agent


def shown(first):
    """What the world of two steps shows: a constant, then what was done."""
    return np.float32([[1.0, 0.0], [0.3, first]])


def odds(agent, episode):
    with torch.no_grad():
        told = agent.policy(torch.from_numpy(episode.inputs)[:, None].double())[:, 0]
        actions = torch.from_numpy(episode.actions)
        return float(agent.policy.log_odds(told, actions).sum().exp())


def differences(agent, expected, step=1e-5):
    """Finite differences of a function of the agent by each of the policy's weights."""
    found = []
    for p in agent.policy.parameters():
        flat = p.data.view(-1)
        for k in range(len(flat)):
            kept = flat[k].item()
            ends = []
            for change in (step, -step):
                flat[k] = kept + change
                ends.append(expected())
            flat[k] = kept
            found.append((ends[0] - ends[1]) / (2 * step))
    return np.array(found)


def estimated(agent, episodes, weights):
    """The mean of the agent's estimates over episodes of these probabilities."""
    agent.policy.zero_grad()
    of_policy, _ = agent.losses(episodes)
    (of_policy * torch.tensor(weights)).sum().backward()
    return -np.concatenate([p.grad.numpy().ravel() for p in agent.policy.parameters()])


def test_the_gradient_over_a_few_actions_is_that_of_the_expected_return():
    agent = agent_of()
    reward = np.random.default_rng(0).normal(size=(3, 3))
    pairs = list(itertools.product(range(3), repeat=2))
    episodes = [
        Episode(shown(first), np.array([first, second]), np.array([0.3 * first, reward[first, second]]))
        for first, second in pairs
    ]

    def expected():
        return sum(odds(agent, episode) * episode.rewards.sum() for episode in episodes)

    found = estimated(agent, episodes, [odds(agent, episode) for episode in episodes])
    wanted = differences(agent, expected)
    assert np.abs(wanted).max() > 0.05
    np.testing.assert_allclose(found, wanted, atol=2e-8)


def test_the_gradient_over_numbers_is_that_of_the_expected_return():
    """Integrals over normal distributions by Gauss and Hermite's quadrature."""
    agent = agent_of(1, (-9.0, 9.0))
    nodes, weights = np.polynomial.hermite_e.hermegauss(16)
    weights = weights / weights.sum()

    def normal(inputs):
        with torch.no_grad():
            mean, spread = agent.policy.normal(agent.policy(torch.from_numpy(inputs)[:, None].double())[-1])
        return mean.item(), spread.item()

    def drawn():
        episodes, chances = [], []
        mean, spread = normal(shown(0.0)[:1])
        for z, p in zip(nodes, weights, strict=True):
            # As float32, which is how a world shows it.
            first = mean + spread * z
            there, width = normal(shown(first))
            for z2, p2 in zip(nodes, weights, strict=True):
                second = there + width * z2
                earned = np.array([-((first - 0.5) ** 2), np.sin(first) * second - 0.2 * second**2])
                episodes.append(Episode(shown(first), np.array([[first], [second]]), earned))
                chances.append(p * p2)
        return episodes, chances

    def expected():
        return sum(p * episode.rewards.sum() for episode, p in zip(*drawn(), strict=True))

    found = estimated(agent, *drawn())
    wanted = differences(agent, expected, 1e-3)
    assert np.abs(wanted).max() > 0.1
    np.testing.assert_allclose(found, wanted, atol=2e-3 * np.abs(wanted).max())


def some_episodes(seed=0):
    rng = np.random.default_rng(seed)
    return [
        Episode(rng.normal(size=(n, 2)).astype(np.float32), rng.integers(0, 3, n), rng.normal(size=n))
        for n in (3, 7, 1, 4, 2, 7, 5)
    ]


def test_episodes_in_one_pass_are_episodes_apart():
    agent, episodes = agent_of(), some_episodes()
    together = agent.losses(episodes)
    for k, episode in enumerate(episodes):
        for all_of_them, (alone,) in zip(together, agent.losses([episode]), strict=True):
            assert all_of_them[k].item() == pytest.approx(alone.item(), abs=1e-12)
    grads = []
    for parts in ([episodes], [[episode] for episode in episodes]):
        agent.policy.zero_grad(), agent.baseline.zero_grad()
        for part in parts:
            sum(each.sum() for each in agent.losses(part)).backward()
        grads.append([p.grad.clone() for net in (agent.policy, agent.baseline) for p in net.parameters()])
    for one, two in zip(*grads, strict=True):
        torch.testing.assert_close(one, two, rtol=1e-10, atol=1e-12)


def test_what_the_losses_are():
    agent, episode = agent_of(), Episode(shown(1), np.array([1, 2]), np.array([1.0, 3.0]))
    agent.discount = 0.5
    x = torch.from_numpy(episode.inputs)[:, None].double()
    with torch.no_grad():
        log_odds = torch.log_softmax(agent.policy(x)[:, 0], 1)[[0, 1], [1, 2]]
        better = torch.tensor([2.5, 3.0]) - agent.baseline(x)[:, 0, 0]
    of_policy, of_baseline = agent.losses([episode])
    assert of_policy.item() == pytest.approx(-(log_odds * better).sum().item())
    assert of_baseline.item() == pytest.approx(0.5 * (better**2).sum().item())
    bare = PolicyGradient(2, 3, hidden=3, baseline=0)
    assert bare.losses([episode])[1].item() == pytest.approx(0.5 * ((1 + 0.98 * 3) ** 2 + 9), rel=1e-6)


def test_the_sign_is_remembered():
    world = TMaze(1, limit=12)
    agent = PolicyGradient.of(world, hidden=8, baseline=8, rate=0.05, baseline_rate=0.05)
    agent.live(world, 1200, seed=3)
    assert (agent.try_out(world, 200, seed=0).last_rewards == 4).mean() > 0.9
    assert agent.try_out(world, 50, seed=1, greedy=True).returns.mean() > 3.5


@pytest.mark.parametrize(
    "make", [lambda: TMaze(2, limit=9), lambda: PoleBalancing(limit=20), lambda: FlipFlop(length=5)]
)
def test_a_saved_agent_goes_on_to_the_same_bits(make, tmp_path):
    agent = PolicyGradient.of(make(), hidden=4, baseline=3, cell="peephole", sees_actions=True)
    agent.live(make(), 12, batch=5, seed=0)
    agent.save(tmp_path / "agent")
    other = PolicyGradient.load(tmp_path / "agent")
    np.testing.assert_array_equal(agent.try_out(make(), 3, seed=0).returns, other.try_out(make(), 3, seed=0).returns)
    lives = [each.live(make(), 11, batch=5, seed=1) for each in (agent, other)]
    np.testing.assert_array_equal(lives[0].returns, lives[1].returns)
    assert len(lives[0]) == 11
    for name, tensor in agent._tensors().items():
        assert torch.equal(tensor, other._tensors()[name]), name


class Alone:
    """A world that cannot be a batch, with something wrong if asked."""

    action_space = Discrete(2)
    observation_space = Box((2,))

    def __init__(self, what=""):
        self.what, self.t = what, 0

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return np.float32([0, 1]), {}

    def step(self, action):
        assert isinstance(action, int)
        self.t += 1
        seen = np.float32([np.nan if self.what == "seen" else 0, self.t])
        return (
            seen,
            np.inf if self.what == "reward" else float(action),
            self.t == 3 and self.what != "endless",
            False,
            {},
        )


def test_any_world_will_do():
    agent = PolicyGradient(2, 2, hidden=2, baseline=2, rate=0.1)
    lived = agent.live(Alone(), 60, batch=10)
    assert set(lived.steps) == {3}
    assert lived.returns[-20:].mean() > lived.returns[:20].mean()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: PolicyGradient(2, 2).live(Alone("seen"), 2), "not finite, at step 1"),
        (lambda: PolicyGradient(2, 2).live(Alone("reward"), 2), "the reward inf, at step 0"),
        (lambda: PolicyGradient(2, 2).live(Alone("endless"), 2, longest=40), "has not ended after 40 steps"),
        (lambda: PolicyGradient(2, 3).live(Alone(), 2), "has 3 actions; this world shows"),
        (lambda: PolicyGradient(3, 1, (0, 1)).live(PoleBalancing(1), 2), "takes 3 inputs"),
        (lambda: PolicyGradient(2, 2, (0, 1)).live(Alone(), 2), "2 numbers an action"),
        (lambda: PolicyGradient(0, 2), "inputs must be"),
        (lambda: PolicyGradient(1, 2, rate=np.nan), "rate must be"),
        (lambda: PolicyGradient(1, 2, (1, 0)), "bounds must be"),
        (lambda: PolicyGradient(1, 2, discount=2), "discount must be"),
        (lambda: PolicyGradient(2, 2).live(Alone(), 2, batch=0), "batch must be"),
    ],
)
def test_what_is_wrong_is_said(call, words):
    with pytest.raises(ValueError, match=words):
        call()

"""Controller and model: derivatives through the model against finite differences, what is learned, what is refused."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from carrousel.learning.acting import ControllerAndModel
from carrousel.learning.acting._trials import Trial, draw_windows
from carrousel.tasks import Box, FlipFlop, PoleBalancing, TMaze


def agent_of(**choices):
    """An agent in float64, whose weights are large enough to matter."""
    agent = ControllerAndModel(2, 1, hidden=2, model_hidden=3, windows=3, window=5, seed=1, **choices)
    rng = torch.Generator().manual_seed(5)
    for net in (agent.controller, agent.model):
        net.double()
        for p in net.parameters():
            p.data = torch.randn(p.shape, generator=rng, dtype=p.dtype) * 0.7
    agent._scale = np.array([0.5, 2.0])
    return agent


def windows(steps=4, count=3, seed=0):
    rng = np.random.default_rng(seed)
    real = np.ones((steps, count), bool)
    real[2:, 1] = False
    parts = (
        rng.normal(size=(steps + 1, count, 2)),
        rng.uniform(size=(steps + 1, count)),
        rng.uniform(-1, 1, (steps, count, 1)),
    )
    return (*(torch.from_numpy(part) for part in parts), torch.from_numpy(real))


def through_the_model(agent, drawn):
    """The loss if the nets ran by themselves from each window's beginning, pulled to what has happened at each step.

    What happened minus what was foreseen there is a constant: then this function's derivative is the agent's.
    """
    seen, pains, actions, real = drawn

    def run(pulls=None):
        x, pain, total = seen[0], pains[0, :, None], 0.0
        c = m = None
        kept = []
        for t in range(len(actions)):
            wanted, c = agent.controller.step(torch.cat([x, pain], 1), c)
            action = torch.tanh(wanted)
            pull = (actions[t] - action).detach() if pulls is None else pulls[t][0]
            told, m = agent.model.step(torch.cat([x, pain, action + pull], 1), m)
            following, odds = agent.foreseen(told, x)
            total = total + torch.nn.functional.softplus(odds)[real[t]].sum()
            hurt = torch.sigmoid(odds)[:, None]
            pulled = ((seen[t + 1] - following).detach(), (pains[t + 1, :, None] - hurt).detach())
            pulled = pulled if pulls is None else pulls[t][1:]
            kept.append((pull, *pulled))
            x, pain = following + pulled[0], hurt + pulled[1]
        return float(total) / real.shape[1], kept

    return run


def test_error_flows_back_through_the_model_into_the_controller():
    agent, drawn = agent_of(), windows()
    loss = agent.controller_loss(drawn)
    loss.backward()
    found = np.concatenate([p.grad.numpy().ravel() for p in agent.controller.parameters()])
    with torch.no_grad():
        run = through_the_model(agent, drawn)
        value, pulls = run()
        assert loss.item() == pytest.approx(value, rel=1e-12)
        wanted = []
        for p in agent.controller.parameters():
            flat = p.data.view(-1)
            for k in range(len(flat)):
                kept, ends = flat[k].item(), []
                for change in (1e-5, -1e-5):
                    flat[k] = kept + change
                    ends.append(run(pulls)[0])
                flat[k] = kept
                wanted.append((ends[0] - ends[1]) / 2e-5)
    assert np.abs(wanted).max() > 0.01
    np.testing.assert_allclose(found, wanted, atol=1e-8)


def test_the_model_s_loss_is_of_changes_and_of_pain():
    agent, (seen, pains, actions, real) = agent_of(), windows()
    total = 0.0
    for k in range(3):
        state = None
        for t in range(int(real[:, k].sum())):
            with torch.no_grad():
                told, state = agent.model.step(torch.cat([seen[t, k], pains[t, k, None], actions[t, k]])[None], state)
            error = (told[0, :2] - (seen[t + 1, k] - seen[t, k]) / torch.tensor([0.5, 2.0])).square().mean()
            p = torch.sigmoid(told[0, 2])
            total += float(error - pains[t + 1, k] * p.log() - (1 - pains[t + 1, k]) * (1 - p).log())
    assert agent.model_loss((seen, pains, actions, real)).item() == pytest.approx(total / int(real.sum()), rel=1e-9)


def test_windows_are_parts_of_episodes():
    trials = [
        Trial(
            np.float32(10 * k + np.arange(n + 1))[:, None],
            np.full((n, 1), k, np.float32),
            np.float32([0] * n + [1]),
            np.zeros(n),
        )
        for k, n in ((1, 3), (2, 9))
    ]
    seen, pains, actions, real = draw_windows(trials, 200, 5, np.random.default_rng(0))
    assert seen.shape == (6, 200, 1)
    begins = []
    for k in range(200):
        n, owner = int(real[:, k].sum()), int(actions[0, k, 0])
        assert n == (3 if owner == 1 else 5)
        begin = int(seen[0, k, 0]) - 10 * owner
        np.testing.assert_array_equal(seen[: n + 1, k, 0], 10 * owner + begin + np.arange(n + 1))
        assert float(pains[n, k]) == (owner == 1 or begin == 4)
        begins += [begin] if owner == 2 else []
    assert set(begins) == set(range(5))
    assert 0.4 < np.mean(np.array(begins) == 4) < 0.8


def of_flip_flop(**choices):
    return ControllerAndModel.of(FlipFlop(length=12), pain="loss", window=12, **choices)


@pytest.mark.slow
def test_pain_is_learned_and_avoided():
    """The flip-flop: the model comes to foresee pain, and the controller to have less of it."""
    world = FlipFlop(length=12)
    agent = of_flip_flop(hidden=6, model_hidden=8, rate=0.05, model_rate=0.03, windows=20, noise=0.5, updates=3)
    before = agent.try_out(world, 40, seed=0, greedy=True).returns.mean()
    agent.live(world, 10, learns="model", seed=1)
    agent.live(world, 50, seed=4)
    assert agent.try_out(world, 40, seed=0, greedy=True).returns.mean() > 0.75 * before


def test_a_frozen_net_stays_as_it_is():
    world, agent = FlipFlop(length=12), of_flip_flop(hidden=2, model_hidden=2, windows=4, begin=0)
    agent.live(world, 5, learns="neither", seed=0)
    for learns, moved in (
        ("neither", ()),
        ("model", ("model",)),
        ("controller", ("controller",)),
        ("both", ("model", "controller")),
    ):
        nets = {"model": agent.model, "controller": agent.controller}
        before = {name: [p.clone() for p in net.parameters()] for name, net in nets.items()}
        agent.live(world, 2, learns=learns, seed=1)
        for name, net in nets.items():
            same = all(torch.equal(*pair) for pair in zip(before[name], net.parameters(), strict=True))
            assert same == (name not in moved), (learns, name)


@pytest.mark.parametrize("make", [lambda: PoleBalancing(1, limit=30), lambda: FlipFlop(length=5)])
def test_a_saved_agent_goes_on_to_the_same_bits(make, tmp_path):
    world = make()
    agent = ControllerAndModel.of(
        world, pain="loss" if isinstance(world, FlipFlop) else "end", hidden=3, model_hidden=4, cell="gru", begin=2,
        remembers=6,
    )  # fmt: skip
    agent.live(world, 8, seed=0)
    agent.save(tmp_path / "agent")
    other = ControllerAndModel.load(tmp_path / "agent")
    np.testing.assert_array_equal(agent.try_out(make(), 3, seed=0).returns, other.try_out(make(), 3, seed=0).returns)
    lives = [each.live(make(), 3, seed=1).returns for each in (agent, other)]
    np.testing.assert_array_equal(*lives)
    for name, tensor in agent._tensors().items():
        assert torch.equal(tensor, other._tensors()[name]), name


class Odd:
    """A world with something wrong."""

    observation_space = Box((2,))
    action_space = Box((1,), -1.0, 1.0)

    def __init__(self, what):
        self.what, self.t = what, 0

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return np.float32([0, 1]), {}

    def step(self, action):
        self.t += 1
        seen = np.float32([np.nan if self.what == "seen" else 0, 0])
        reward = {"reward": np.inf, "pain": 0.5}.get(self.what, -0.5)
        return seen, reward, self.t == 3 and self.what != "endless", False, {}


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: ControllerAndModel(2, 1).live(Odd("seen"), 1), "not finite, at step 1"),
        (lambda: ControllerAndModel(2, 1).live(Odd("reward"), 1), "the reward inf, at step 0"),
        (lambda: ControllerAndModel(2, 1).live(Odd("endless"), 1, longest=7), "has not ended after 7 steps"),
        (
            lambda: ControllerAndModel(2, 1, pain="loss").live(Odd("pain"), 1),
            "from -1 to 0 then; the world",
        ),
        (lambda: ControllerAndModel(2, 1).live(FlipFlop(), 1), "takes 2 inputs"),
        (lambda: ControllerAndModel(2, 1).live(Odd(""), 1, learns="all"), "learns must be one of both, model"),
        (lambda: ControllerAndModel.of(TMaze()), "actions are numbers"),
        (lambda: ControllerAndModel(2, 1, (1, 1)), "bounds must be"),
        (lambda: ControllerAndModel(2, 1, (-np.inf, 1)), "both finite"),
        (lambda: ControllerAndModel(2, 1, pain="some"), "pain must be"),
        (lambda: ControllerAndModel(2, 1, rate=np.nan), "rate must be"),
        (lambda: ControllerAndModel(2, 1, window=0), "window must be"),
    ],
)
def test_what_is_wrong_is_said(call, words):
    with pytest.raises(ValueError, match=words):
        call()

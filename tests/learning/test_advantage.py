"""Advantage(lambda): against a plain Python transliteration over sensitivities, in and outside of compiled loops."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.learning.acting import Advantage, Explorer, Lived
from carrousel.learning.before_lstm import ElmanNetwork
from carrousel.learning.online import Learner, Network, OnlineLSTM
from carrousel.tasks import Box, Discrete, FlipFlop, Maze89, MemoryBits, TMaze


def network(seed=0, dtype=np.float64, outputs=4):
    groups = "cell input_gate forget_gate output_gate hidden output"
    shape = Network(3, outputs, 2, 2, hidden=3, forget_gates=True, peepholes=True, unit_squash="identity", init=0.5)
    return Learner(shape.biased(groups), dtype=dtype, seed=seed)


def cell(name, **options):
    return lambda: OnlineLSTM(3, 4, 4, cell=name, dtype=np.float64, seed=1, **options)


class Outside:
    """A compiled world as one of somebody else's, which is stepped in Python."""

    def __init__(self, world):
        self.world, self.observation_space, self.action_space = world, world.observation_space, world.action_space

    def reset(self, **options):
        return self.world.reset(**options)

    def step(self, action):
        return self.world.step(action)


class Draws:
    """SplitMix64 in Python's whole numbers."""

    def __init__(self, state):
        self.state = int(state)

    def uniform(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
        z = self.state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return ((z ^ (z >> 31)) >> 11) / 2**53


class Foresight:
    """The exploration net with its backward pass written out in NumPy."""

    def __init__(self, agent):
        self.net, self.W, self.v = agent.explorer, agent._arrays["inward"].copy(), agent._arrays["outward"].copy()

    def look(self, x):
        x = np.append(x, 1.0)
        h = np.append(1 / (1 + np.exp(-self.W @ x)), 1.0)
        return float(self.v @ h), (x, h)

    def learn(self, error, past):
        x, h = past
        gradient_v, gradient_W = h, np.outer((self.v * h * (1 - h))[:-1], x)
        self.v += self.net.rate * error * gradient_v
        self.W += self.net.rate * error * gradient_W


def transliterated(agent, world, steps, limit):
    """Lives as the agent would, in Python and NumPy; changes its learner through its public verbs alone."""
    learner, draws = agent.learner, Draws(agent._arrays["draws"][0])
    foresight = Foresight(agent) if agent.explorer else None
    returns, made = [], 0
    while made < steps:
        seen, _ = world.reset()
        learner.reset()
        e, before, total, t = np.zeros(learner.weight_count), None, 0.0, 0
        while True:
            over = before is not None and before["over"]
            if made == steps and not (over or t == limit):  # what was earned last is learned from later
                break
            if not over:
                A = learner.observe_many(seen[None], tell=True)[0]
                derivatives = learner.sensitivities()
                V = A.max()
                y, past = foresight.look(seen) if foresight else (0.0, None)
            else:
                V, y = 0.0, 0.0
            change = 0.0
            if before is not None:
                E = before["V"] + (before["r"] + agent.discount * V - before["V"]) / agent.kappa - before["A"]
                if foresight:
                    foresight.learn(abs(E) + agent.explorer.beta * y - before["y"], before["past"])
                change = agent.rate * E * e
                if over or t == limit:
                    learner.vector = learner.vector + change
                    returns.append(total)
                    break
            T = agent.temperature
            if foresight:
                T = min(max(agent.explorer.per_value * y, agent.explorer.coldest), agent.explorer.hottest)
            odds = np.exp((A - V) / T)
            rest, action = draws.uniform() * odds.sum(), int(A.argmax())
            for k, p in enumerate(odds):
                rest -= p
                if rest < 0:
                    action = k
                    break
            e = agent.discount * agent.trace * e + derivatives[action]
            learner.vector = learner.vector + change
            seen, r, terminated, _, _ = world.step(action)
            before = {"V": V, "A": A[action], "r": r, "y": y, "past": past, "over": terminated}
            made, t, total = made + 1, t + 1, total + r
    return returns, learner.vector.copy(), foresight


@pytest.mark.parametrize(
    ("make", "explorer", "limit"),
    [
        (network, Explorer(hidden=3, rate=0.05), 0),
        (network, None, 9),
        (cell("peephole"), Explorer(hidden=2, rate=0.1, coldest=0.3), 0),
        (cell("slstm", truncate="recurrent"), None, 9),
        (cell("gru", diagonal=True, truncate=None), None, 0),
        (lambda: ElmanNetwork(3, 5, 4, init=0.7), Explorer(hidden=3, rate=0.05), 0),
    ],
)
def test_it_is_the_rule(make, explorer, limit):
    choices = {"rate": 0.003, "explorer": explorer, "temperature": 0.4, "seed": 3}
    agent, twin = Advantage(make(), **choices), Advantage(make(), **choices)
    world, other = TMaze(2, noisy=True, limit=limit), TMaze(2, noisy=True, limit=limit)
    world.reset(seed=5), other.reset(seed=5)
    lived = agent.live(world, 150)
    returns, vector, foresight = transliterated(twin, other, 150, limit)
    assert len(returns) > 5
    np.testing.assert_allclose(lived.returns[: len(returns)], returns, atol=1e-12)
    np.testing.assert_allclose(agent.learner.vector, vector, rtol=1e-8, atol=1e-10)
    assert np.abs(vector - make().vector).max() > 1e-3
    if explorer:
        np.testing.assert_allclose(agent._arrays["inward"], foresight.W, rtol=1e-8, atol=1e-10)
        np.testing.assert_allclose(agent._arrays["outward"], foresight.v, rtol=1e-8, atol=1e-10)


@pytest.mark.parametrize("make", [network, cell("peephole"), lambda: ElmanNetwork(3, 5, 4)])
def test_in_python_and_in_pieces_it_lives_to_the_same_bits(make, tmp_path):
    lives = []
    for outside in (False, True):
        agent = Advantage(make(), 0.003, explorer=Explorer(), seed=2)
        world = TMaze(3, noisy=True, limit=0 if outside else 20)
        place = Outside(TMaze(3, noisy=True, limit=20)) if outside else world
        place.reset(seed=1)
        parts = [agent.live(place, steps) for steps in (1, 40, 7, 60)]
        lives.append((np.concatenate([part.returns for part in parts]), agent))
    np.testing.assert_array_equal(lives[0][0], lives[1][0])
    np.testing.assert_array_equal(lives[0][1].learner.vector, lives[1][1].learner.vector)
    np.testing.assert_array_equal(lives[0][1]._arrays["trace"], lives[1][1]._arrays["trace"])


@pytest.mark.parametrize("make", [network, cell("peephole"), lambda: ElmanNetwork(3, 5, 4)])
def test_a_saved_agent_goes_on_within_an_episode(make, tmp_path):
    agent, world = Advantage(make(), 0.003, explorer=Explorer(), seed=2), TMaze(9)
    action = agent.begin(world.reset(seed=0)[0])
    for _ in range(13):
        seen, reward, *_ = world.step(action)
        action = agent.then(reward, seen)
    agent.save(tmp_path / "agent")
    other = Advantage.load(tmp_path / "agent")
    rng = np.random.default_rng(0)
    for _ in range(20):
        seen, reward = rng.random(3), float(rng.normal())
        assert agent.then(reward, seen) == other.then(reward, seen)
    np.testing.assert_array_equal(agent.learner.vector, other.learner.vector)
    np.testing.assert_array_equal(agent.values, other.values)
    assert agent.then(1.0, seen, terminated=True) is None
    with pytest.raises(ValueError, match="begin begins one"):
        agent.then(0.0, seen)


def test_trying_out_changes_nothing():
    agent, world = Advantage(network(), 0.003, explorer=Explorer()), TMaze(3)
    world.reset(seed=0)
    agent.live(world, 50)
    everything = {**agent._arrays, **agent.learner._arrays(), "world": world.held.states}
    before = {name: array.copy() for name, array in everything.items()}
    told = [agent.try_out(TMaze(3, limit=50), 20, seed=4, greedy=greedy) for greedy in (False, False, True)]
    for name, array in before.items():
        np.testing.assert_array_equal(everything[name], array, name)
    np.testing.assert_array_equal(told[0].returns, told[1].returns)
    assert len(told[0]) == len(told[2]) == 20
    assert told[0].steps_made == told[0].steps.sum()
    assert len(agent.try_out(world, 0)) == 0
    agent.live(world, 50)


@pytest.mark.parametrize("make", ["network", "cell"])
def test_the_sign_is_remembered(make):
    """A corridor of four steps, by the network of the paper and by a layer of one cell."""
    if make == "network":
        shape = Network(3, 4, blocks=3, hidden=12, forget_gates=True, unit_squash="identity")
        shape = shape.biased("cell input_gate forget_gate output_gate hidden output")
        learner, steps = Learner(shape, dtype=np.float64), 120_000
    else:
        learner, steps = OnlineLSTM(3, 8, 4, dtype=np.float64, seed=1), 60_000
    agent, world = Advantage(learner, 0.001, explorer=Explorer(), seed=1), TMaze(4)
    world.reset(seed=0)
    agent.live(world, steps)
    assert (agent.try_out(world, 200, seed=0).last_rewards == 4).mean() > 0.8


def test_a_table_with_a_bit_of_memory():
    """What the sign has said is out of sight at the junction: without the bit half of all turns are wrong."""
    world = MemoryBits(TMaze(2))
    inputs, actions = world.observation_space.shape[0], world.action_space.n
    shape = Network(inputs, actions, blocks=0, feeds={"output": "input"}, unit_squash="identity", init=1e-3)
    agent = Advantage(Learner(shape, dtype=np.float64), 0.01, temperature=0.5)
    world.reset(seed=0)
    agent.live(world, 100_000)
    assert agent.learner.weight_count == 54 * 5
    assert (agent.try_out(world, 300, seed=1, greedy=False).last_rewards == 4).mean() > 0.9


class Strange:
    """A world in which something is wrong."""

    observation_space, action_space = Box((3,)), Discrete(4)

    def __init__(self, what):
        self.what, self.t = what, 0

    def reset(self, *, seed=None, options=None):
        self.t = 0
        return np.float32([0, 0, np.nan if self.what == "first" else 0]), {}

    def step(self, action):
        self.t += 1
        seen = np.float32([np.inf if self.what == "seen" and self.t == 3 else 0] * 3)
        return seen, np.nan if self.what == "reward" and self.t == 3 else 0.0, False, False, {}


@pytest.mark.parametrize(
    ("what", "words"),
    [
        ("first", "number 2 of the observation is not finite"), ("seen", "number 0 of the observation is not finite"),
        ("reward", "the reward nan, which is no finite number"), ("endless", "has not ended after 30 steps"),
    ],
)  # fmt: skip
def test_strange_worlds_are_refused(what, words):
    agent = Advantage(network(), 0.003)
    with pytest.raises(ValueError, match=words):
        agent.live(Strange(what), 100, longest=30)
    assert np.isfinite(agent.learner.vector).all()
    agent.live(TMaze(2), 20)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: Advantage(network()).live(Maze89(), 5), "3 inputs, and this world wants 4"),
        (lambda: Advantage(network(outputs=3)).live(TMaze(), 5), "3 outputs, and this world wants 4"),
        (lambda: Advantage(network()).live(FlipFlop(), 5), "chooses from a few actions"),
        (lambda: Advantage(network()).live(TMaze(), 10**5, longest=3), "has not ended after 3 steps"),
        (lambda: Advantage(network()).live(TMaze(), -1), "at least 0"),
        (lambda: Advantage(network(), rate=-1), "rate must be"),
        (lambda: Advantage(network(), kappa=0), "kappa must be"),
        (lambda: Advantage(network(), trace=1.5), "trace must be"),
        (lambda: Advantage(network(), temperature=np.nan), "temperature must be"),
        (lambda: Advantage(network(), 1e6).live(TMaze(2), 10**4), "a rate below 1e\\+06"),
        (lambda: Advantage(Learner(Network(3, 4))), "unit_squash='identity'"),
        (lambda: Advantage(OnlineLSTM(3, 4, 4, loss="softmax")), "loss='squared'"),
        (lambda: Advantage(network()).begin([1.0]), "shows 1"),
        (lambda: Explorer(hidden=0), "hidden"),
        (lambda: Explorer(coldest=9.0), "coldest"),
        (lambda: Explorer(rate=np.inf), "finite"),
    ],
)
def test_what_is_wrong_is_said(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_record_is_read():
    assert Lived.of([(1.0, 2.0, 3.0)], 2).steps.tolist() == [2]
    with pytest.raises(TypeError, match="must be one of Learner, OnlineLSTM, ElmanNetwork"):
        Advantage(3)
    with pytest.raises(TypeError, match="explorer must be"):
        Advantage(network(), explorer=3)


def test_elmans_network_knows_its_exact_derivatives():
    """By differences over a whole sequence, and what it learns from a step by the same."""
    rng = np.random.default_rng(0)
    net, x, y = ElmanNetwork(2, 3, 2, rate=0.1, init=0.8), rng.normal(size=(7, 2)), rng.normal(size=2)
    said = net.observe_many(x, tell=True)[-1]
    found, vector = net.sensitivities(), net.vector.copy()
    wanted = np.zeros_like(found)
    for k in range(len(vector)):
        ends = []
        for step in (1e-6, -1e-6):
            net.reset()
            net.vector = vector + step * (np.arange(len(vector)) == k)
            ends.append(net.predict_many(x)[-1])
        wanted[:, k] = (ends[0] - ends[1]) / 2e-6
    np.testing.assert_allclose(found, wanted, atol=1e-8)
    net.vector = vector
    net.reset()
    net.learn_many(x, np.concatenate([np.full((6, 2), np.nan), y[None]]))
    np.testing.assert_allclose(net.vector - vector, 0.1 * (y - said) @ wanted, atol=1e-8)
    with pytest.raises(ValueError, match="rate must be"):
        ElmanNetwork(1, 1, 1, rate=-1.0)

"""Exact real-time recurrent learning against full back-propagation through time."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

import carrousel
from carrousel import cells
from carrousel.learning import Kalman, KalmanLearner, ModuleRTRL, OnlineLSTM, elementwise
from carrousel.learning.kalman._nodes import nodes_of

CLOSE = {"rtol": 1e-10, "atol": 1e-10}


def drawn(steps=12, inputs=3, outputs=2, seed=0):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=(steps, inputs)), rng.normal(size=(steps, outputs))
    y[rng.random(steps) < 0.3] = np.nan
    return x, y


def by_backpropagation(lstm, sequences):
    """The descent direction of sequences, through ``carrousel.LSTM`` and the readout, by the names of ``weights``."""
    options = {"diagonal": True} if lstm.cell.recurrent else {}
    net = carrousel.LSTM(lstm.input_size, lstm.hidden_size, cell=lstm.cell, dtype=torch.float64, **options)
    weights, places = lstm.weights, dict(net.named_parameters())
    with torch.no_grad():
        for name, parameter in places.items():
            held = weights.get(name.removesuffix("_l0"))
            parameter.zero_() if held is None else parameter.copy_(torch.tensor(held))
    readout, bias = (torch.tensor(weights[name], requires_grad=True) for name in ("readout", "readout_bias"))
    loss = 0.0
    for x, y in sequences:
        output, _ = net(torch.tensor(x)[:, None])
        error = torch.tensor(y) - (output[:, 0] @ readout.T + bias)
        loss = loss + 0.5 * error.nan_to_num().square().sum()
    loss.backward()
    found = {name.removesuffix("_l0"): -p.grad.numpy() for name, p in places.items()}
    if "bias_hh" in weights:  # rows whose parts the cell does not have apart have one bias here
        apart = np.repeat([row in lstm.cell.parted for row in lstm.cell.rows], lstm.hidden_size)
        found["bias_hh"] = found["bias_hh"] * apart
    return {name: found[name] for name in weights if name in found} | {
        "readout": -readout.grad.numpy(),
        "readout_bias": -bias.grad.numpy(),
    }


@pytest.mark.parametrize("name", [*cells, "elman(squash=relu)"])
def test_elementwise_equals_backpropagation_of_every_cell(name):
    """A batch of sequences, as a sum, and a stream, step after step."""
    lstm = elementwise(3, 4, 2, cell=name, optimiser=1.0, update="end", dtype=np.float64, seed=2)
    lstm.vector = np.random.default_rng(3).normal(size=lstm.weight_count) * 0.5
    x, y = drawn(19)
    spans, before = [(0, 12), (12, 13), (13, 19)], lstm.weights
    wanted = by_backpropagation(lstm, [(x[a:b], y[a:b]) for a, b in spans])
    lstm.learn_batch(x, y, spans)
    for key, w in lstm.weights.items():
        np.testing.assert_allclose(w - before[key], wanted[key], err_msg=key, **CLOSE)
    lstm.weights = before
    wanted = by_backpropagation(lstm, [(x, y)])
    lstm.reset()
    lstm.learn_many(x[:7], y[:7])
    lstm.learn_many(x[7:], y[7:])
    lstm.reset()
    for key, w in lstm.weights.items():
        np.testing.assert_allclose(w - before[key], wanted[key], err_msg=key, **CLOSE)
    assert min(np.abs(w).max() for key, w in wanted.items() if key != "bias_hh") > 1e-6


@pytest.mark.parametrize("update", ["step", "end", 3])
def test_sequences_are_streams_with_resets(update):
    x, y = drawn(40)
    spans = [(0, 9), (9, 10), (5, 30), (30, 40)]
    one, two = (elementwise(3, 4, 2, update=update, dtype=np.float64) for _ in range(2))
    told = one.learn_and_answer(x, y, spans)
    for k, (a, b) in enumerate(spans):
        two.reset()
        last = two.learn_many(x[a:b], y[a:b], tell=True)[-1]
        np.testing.assert_array_equal(told[k], last)
        if update == "end":
            two.reset()
    np.testing.assert_array_equal(one.vector, two.vector)


class TwoLayers(nn.Module):
    """Cells of torch that hear one another."""

    def __init__(self):
        super().__init__()
        self.first, self.second = nn.LSTMCell(3, 4), nn.GRUCell(4, 3)
        self.out = nn.Linear(3, 2)

    def forward(self, input, state):
        (h, c), g = state
        h, c = self.first(input, (h, c))
        g = self.second(h, g)
        return self.out(g), ((h, c), g)


class OfCarrousel(nn.Module):
    """Two layers of a cell of the family."""

    def __init__(self, cell):
        super().__init__()
        self.lstm, self.out = carrousel.LSTM(3, 3, num_layers=2, cell=cell), nn.Linear(3, 2)

    def forward(self, input, state):
        output, state = self.lstm(input[None], state)
        return self.out(output[0]), state


ZEROS = torch.zeros(2, 3, dtype=torch.float64)
MODULES = {
    "two layers": (TwoLayers, ((torch.zeros(4), torch.zeros(4)), torch.full((3,), 0.3))),
    "peephole": (lambda: OfCarrousel("peephole"), (ZEROS, ZEROS)),
    "slstm": (lambda: OfCarrousel("slstm"), (ZEROS,) * 4),
    "elstm": (lambda: OfCarrousel("elstm"), (ZEROS, ZEROS)),
}


def made(name, **options):
    torch.manual_seed(0)
    build, state = MODULES[name]
    return ModuleRTRL(build().double(), 3, 2, state, **options)


def gradient_of(learner, x, y, state):
    """The descent direction of a sequence by autograd through all its steps."""
    module, loss = learner.trained(), 0.0
    for step, target in zip(torch.tensor(x), torch.tensor(y), strict=True):
        output, state = module(step, state)
        loss = loss + 0.5 * (target - output).nan_to_num().square().sum()
    loss.backward()
    return {name: -p.grad.numpy() for name, p in module.named_parameters()}


def double(state):
    return state.double() if isinstance(state, torch.Tensor) else tuple(double(part) for part in state)


@pytest.mark.parametrize("name", MODULES)
def test_of_a_module_it_equals_backpropagation(name):
    learner = made(name, optimiser=1.0, update="end")
    x, y = drawn()
    before, wanted = learner.weights, gradient_of(learner, x, y, double(MODULES[name][1]))
    learner.learn_sequences([x], [y])
    for key, w in learner.weights.items():
        np.testing.assert_allclose(w - before[key], wanted[key], err_msg=key, **CLOSE)
    # And the derivatives of the last step's outputs.
    learner.weights = before
    learner.reset()
    said = learner.observe_many(x, tell=True)[-1]
    for k, row in enumerate(learner.sensitivities()):
        alone = np.full_like(y, np.nan)
        alone[-1] = said
        alone[-1, k] += 1
        for key, w in gradient_of(learner, x, alone, double(MODULES[name][1])).items():
            np.testing.assert_allclose(learner.named(row)[key], w, err_msg=key, **CLOSE)


def test_the_general_and_the_elementwise_rule_agree():
    """A layer of the family with a linear readout, step by step."""
    lstm = elementwise(3, 4, 2, cell="elstm", optimiser=0.1, dtype=np.float64)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = carrousel.LSTM(3, 4, cell="elstm", diagonal=True)
            self.readout = nn.Linear(4, 2)

        def forward(self, input, state):
            output, state = self.lstm(input[None], state)
            return self.readout(output[0]), state

    zeros = torch.zeros(1, 4, dtype=torch.float64)
    learner = ModuleRTRL(Net().double(), 3, 2, (zeros, zeros), optimiser=0.1)
    names = {"readout": "readout.weight", "readout_bias": "readout.bias"}
    held = {names.get(key, f"lstm.{key}_l0"): w for key, w in lstm.weights.items()}
    learner.weights = held
    x, y = drawn(25)
    np.testing.assert_allclose(lstm.learn_many(x, y, tell=True), learner.learn_many(x, y, tell=True), **CLOSE)


def test_a_filter_over_a_module():
    learner = KalmanLearner(made("two layers"), Kalman(p=1.0, r=0.1, q=1e-6))
    assert len(np.unique(nodes_of(learner.learner))) == 4 * 4 + 3 * 3 + 2
    x, _ = drawn(40)
    y = np.tanh(x[:, :2])
    errors = np.abs(learner.learn_many(x, y, tell=True) - y)
    plain = made("two layers", optimiser=0.05)
    assert errors[20:].mean() < 0.9 * np.abs(plain.learn_many(x, y, tell=True) - y)[20:].mean()


class Keeps(nn.Module):
    """Keeps a state to itself."""

    def __init__(self):
        super().__init__()
        self.layer = nn.Linear(1, 1)
        self.register_buffer("kept", torch.zeros(1))

    def forward(self, input, state):
        self.kept = self.kept + 1 + self.layer(input).detach()
        return self.kept + self.layer(input), state


class Returns(nn.Module):
    def __init__(self, result):
        super().__init__()
        self.layer, self.result = nn.Linear(1, 1), result

    def forward(self, input, state):
        return self.result(self.layer(input), state)


BAD = [
    (Keeps(), "changes its buffer 'kept': that is state which it does not return"),
    (Returns(lambda out, state: out), r"must return \(output, state\), got a tensor \[1\]"),
    (Returns(lambda out, state: (out, None)), "must return its state as it is given it"),
    (Returns(lambda out, state: (out, state[:1])), r"a tensor \[2\]; it returns a tensor \[1\]"),
    (Returns(lambda out, state: (out.expand(3), state)), r"output must be \[1\], got a tensor \[3\]"),
    (nn.Identity(), "it has no parameters"),
]


@pytest.mark.parametrize(("module", "message"), BAD)
def test_bad_modules(module, message):
    with pytest.raises(ValueError, match=message):
        ModuleRTRL(module, 1, 1, torch.zeros(2))


def test_bad_settings():
    with pytest.raises(ValueError, match="no longer cost O"):
        elementwise(1, 2, num_layers=2)
    with pytest.raises(ValueError, match="truncate is no option"):
        elementwise(1, 2, truncate="paper")
    with pytest.raises(ValueError, match="state must be a tensor"):
        ModuleRTRL(nn.Linear(1, 1), 1, 1, 0.0)
    with pytest.raises(ValueError, match="diagonal=True and truncate=None"):
        OnlineLSTM(1, 2, cell="gru_cho")
    learner = made("two layers")
    x, y = drawn()
    y[3, 1] = np.inf
    before = {name: array.copy() for name, array in learner._arrays().items()}
    with pytest.raises(ValueError, match="finite numbers are wanted"):
        learner.learn_many(x, y)
    assert all(np.array_equal(before[name], array) for name, array in learner._arrays().items())

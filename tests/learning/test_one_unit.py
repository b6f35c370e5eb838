"""The baselines of experiment 2: one self-recurrent unit with its exact gradient, and the chunker."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
import torch

from carrousel.learning import Chunker, OneUnitNetwork
from carrousel.tasks import NoiseFreeLag


def gradient(weights, codes, targets):
    """Half the sum of squared errors over one sequence, differentiated by torch."""
    hidden = torch.tensor(weights["hidden"], requires_grad=True)
    output = torch.tensor(weights["output"], requires_grad=True)
    h, loss = torch.zeros((), dtype=torch.float64), 0.0
    for code, target in zip(codes, targets, strict=True):
        h = torch.sigmoid(hidden[code] + hidden[-1] * h)
        y = torch.sigmoid(output[:, code] + output[:, -1] * h)
        if target >= 0:
            goal = torch.zeros_like(y)
            goal[target] = 1
            loss = loss + 0.5 * ((goal - y) ** 2).sum()
    loss.backward()
    return {"hidden": hidden.grad.numpy(), "output": output.grad.numpy()}


@pytest.mark.parametrize("method", ["rtrl", "bptt"])
@pytest.mark.parametrize("outputs", [3, 8, 11])
def test_the_gradient_is_the_exact_one(method, outputs):
    rng = np.random.default_rng(0)
    net = OneUnitNetwork(6, outputs, method, 0.5, init=1.5, seed=3)
    codes, targets = rng.integers(0, 6, 30), rng.integers(-1, outputs, 30)
    targets[12] = 1
    for begin, end in ((0, 12), (12, 13), (13, 30)):
        before = net.weights
        net.learn_sequences(codes, targets, [[begin, end]])
        expected = gradient(before, codes[begin:end], targets[begin:end])
        for name, value in net.weights.items():
            np.testing.assert_allclose(value, before[name] - 0.5 * expected[name], rtol=0, atol=1e-13)


def test_one_call_is_as_many():
    task = NoiseFreeLag(7)
    drawn = task.draw(np.random.default_rng(0), 20)
    for method, update in (("rtrl", "end"), ("rtrl", "step"), ("bptt", "end")):
        one, many = (OneUnitNetwork(8, 8, method, 1.0, update=update, seed=1) for _ in range(2))
        one.learn_sequences(drawn.inputs, drawn.targets, drawn.spans)
        for span in drawn.spans:
            many.learn_sequences(drawn.inputs, drawn.targets, [span])
        for name, value in one.weights.items():
            assert (value == many.weights[name]).all()


def test_updates_at_every_step_come_to_the_same_where_there_is_one():
    drawn = NoiseFreeLag(7).draw(np.random.default_rng(0), 1)
    targets = np.where(np.arange(len(drawn.targets)) == drawn.spans[0, 1] - 1, drawn.targets, -1)
    step, end = (OneUnitNetwork(8, 8, update=update, init=1.0, seed=2) for update in ("step", "end"))
    for net in (step, end):
        net.learn_sequences(drawn.inputs, targets, drawn.spans)
    for name, value in step.weights.items():
        np.testing.assert_allclose(value, end.weights[name], atol=1e-15)
    step.learn_sequences(drawn.inputs, drawn.targets, drawn.spans)
    end.learn_sequences(drawn.inputs, drawn.targets, drawn.spans)
    assert np.abs(step.weights["hidden"] - end.weights["hidden"]).max() > 1e-6


def test_outputs_are_those_of_the_equations():
    net = OneUnitNetwork(4, 3, init=1.0, seed=0)
    codes = np.array([0, 3, 1, 2, 2])
    said = net.sequence_outputs(codes, [[0, 3], [3, 5]])
    w = net.weights
    h, expected = 0.0, []
    for t, code in enumerate(codes):
        h = 1 / (1 + np.exp(-(w["hidden"][code] + w["hidden"][-1] * (0.0 if t == 3 else h))))
        expected.append(1 / (1 + np.exp(-(w["output"][:, code] + w["output"][:, -1] * h))))
    np.testing.assert_allclose(said, expected, rtol=1e-12)
    assert (net.answers(codes, [[0, 3], [3, 5]]) == said[[2, 4]]).all()


def test_a_lag_of_two_steps_is_learned():
    task = NoiseFreeLag(2)
    both = task.encode([0, 1])
    net = OneUnitNetwork(3, 3, "rtrl", 10.0, update="end", seed=0)
    picked = np.random.default_rng(0).integers(0, 2, 20_000)
    net.learn_sequences(both.inputs, both.targets, both.spans[picked])
    assert task.right(net.sequence_outputs(both.inputs, both.spans), both).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("adam", 1.0, "end"), "rtrl"),
        (("bptt", 1.0, "step"), "must be 'end'"),
        (("rtrl", 1.0, "now"), "'step' or 'end'"),
    ],
)
def test_wrong_choices_are_refused(arguments, message):
    method, rate, update = arguments
    with pytest.raises(ValueError, match=message):
        OneUnitNetwork(3, 3, method, rate, update=update)


def test_wrong_sizes_are_refused():
    for wrong in (0, -1, 2.5, True, "3"):
        for made in (lambda n: OneUnitNetwork(n, 3), lambda n: OneUnitNetwork(3, n), Chunker):
            with pytest.raises(ValueError, match=r"(inputs|outputs|symbols) must be a whole number of at least 1"):
                made(wrong)


def test_wrong_steps_are_refused():
    for net in (OneUnitNetwork(3, 3), Chunker(3)):
        with pytest.raises(ValueError, match="names input unit 3"):
            net.answers([0, 3], [[0, 2]])
        for bad in ([[0, 3]], [[-1, 1]], [[2, 1]], [[0.0, 1.0]], [0, 2]):
            with pytest.raises(ValueError, match="span"):
                net.sequence_outputs([0, 2], bad)
        with pytest.raises(ValueError, match="sequence 1 has no step"):
            net.answers([0, 2], [[0, 2], [1, 1]])
        with pytest.raises(ValueError, match=r"names output unit 3"):
            net.learn_sequences([0, 1], [0, 3], [[0, 2]])
    with pytest.raises(ValueError, match="sequence 0 has no step"):
        Chunker(3).learn_sequences([], [], np.zeros((1, 2), np.int64))
    with pytest.raises(ValueError, match="'step' or 'end'"):
        Chunker(3, update="now")


class Reference:
    """The chunker in plain Python: one sequence, weights changed at its end."""

    def __init__(self, net):
        self.net, self.n = net, net.symbols
        self.trained = [[part.copy() for part in pair] for pair in net._nets]

    @staticmethod
    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    def learn(self, text, rate, threshold):
        n = self.n
        (a, ah), (_, ch) = [[part.copy() for part in pair] for pair in self.trained]
        events = [text[0]]
        h = 0.0
        for now, following in pairwise(text):  # with weights held, A's surprises are known
            h = self.sigmoid(ah[now] + ah[n] * h)
            said = self.sigmoid(a[now, :n] + a[n, :n] * h)
            if np.abs(said - (np.arange(n) == following)).max() >= threshold:
                events.append(following)
        # What the chunker's hidden unit is after each symbol.
        states, place = [], 0
        hidden = [0.0]
        for event in events:
            hidden.append(self.sigmoid(ch[event] + ch[n] * hidden[-1]))
        h = 0.0
        surprising = True
        for t, now in enumerate(text[:-1]):
            if surprising:
                place += 1
            states.append(hidden[place])
            h = self.sigmoid(ah[now] + ah[n] * h)
            said = self.sigmoid(a[now, :n] + a[n, :n] * h)
            surprising = np.abs(said - (np.arange(n) == text[t + 1])).max() >= threshold
        targets_a = [
            np.append(np.arange(n) == following, state) for following, state in zip(text[1:], states, strict=True)
        ]
        targets_c = [(np.arange(n) == following).astype(float) for following in events[1:]]
        for pair, codes, targets in (
            (self.trained[0], text[:-1], targets_a),
            (self.trained[1], events[:-1], targets_c),
        ):
            self.descend(pair, codes, targets, rate)
        return len(events)

    def descend(self, pair, codes, targets, rate):
        readout, hidden = (torch.tensor(part, requires_grad=True) for part in pair)
        h, loss = torch.zeros((), dtype=torch.float64), torch.zeros((), dtype=torch.float64)
        for code, target in zip(codes, targets, strict=True):
            h = torch.sigmoid(hidden[code] + hidden[-1] * h)
            y = torch.sigmoid(readout[code, : len(target)] + readout[-1, : len(target)] * h)
            loss = loss + 0.5 * ((torch.tensor(target) - y) ** 2).sum()
        if len(codes):
            loss.backward()
            for part, tensor in zip(pair, (readout, hidden), strict=True):
                part -= rate * tensor.grad.numpy()


@pytest.mark.parametrize("threshold", [0.25, 0.55])
def test_the_chunker_is_its_definition(threshold):
    task = NoiseFreeLag(5)
    net = Chunker(6, 1.0, threshold=threshold, seed=4, init=0.8)
    reference = Reference(net)
    drawn = task.draw(np.random.default_rng(0), 300)
    surprises = 0
    for begin, end in drawn.spans:
        surprises += reference.learn([*drawn.inputs[begin:end], drawn.targets[end - 1]], 1.0, threshold)
    net.learn_sequences(drawn.inputs, drawn.targets, drawn.spans)
    assert net.surprises == surprises
    assert surprises < 300 * 4  # it compresses: the rest was predicted
    for pair, expected in zip(net._nets, reference.trained, strict=True):
        for part, other in zip(pair, expected, strict=True):
            np.testing.assert_allclose(part, other, atol=1e-9)


def test_the_chunker_s_weights_are_as_published():
    net = Chunker(101)
    assert net.weight_counts[0] == 10506
    (a, a_hidden), (c, c_hidden) = net._nets
    assert np.count_nonzero(a) + a_hidden.size == 10506
    assert np.count_nonzero(c) + c_hidden.size == 10404 == OneUnitNetwork(101, 101).weight_count

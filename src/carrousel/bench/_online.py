"""How fast the compiled rule is, beside the same rule in eager torch and beside back-propagation through time."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch

from carrousel._jit import entry
from carrousel.learning._steps import FORWARD
from carrousel.learning.online.network._learner import Learner
from carrousel.learning.online.network._network import Network

__all__ = ["EagerRule", "Figure", "benchmarks"]

REPEATS = 15
UNROLLED = 100  # steps of truncated back-propagation through time


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes:
        name: what was measured.
        value, unit: the figure.
        about: how it was measured.
    """

    name: str
    value: float
    unit: str
    about: str


def benchmarks(say: Callable[[Figure], None], repeats: int = REPEATS) -> None:
    """Measures everything on one core, and hands each figure to ``say``.

    Times are the least of several short repeats. The compiled rule is checked against the eager one first.

    Raises:
        RuntimeError: the check failed, and no figure was told.
    """
    reber = Network(7, 7, 4, init=0.2).biased("input_gate output_gate", output_gate=(-1, -2, -3, -4))
    adding = Network(2, 1, 2, 2).biased("cell input_gate output_gate output", input_gate=(-3, -6))
    _check(reber)
    rng = np.random.default_rng(0)
    codes, goals = rng.integers(0, 7, 4800), rng.integers(0, 7, 4800)
    spans = np.arange(0, 4800, 12)[:, None] + [0, 12]
    learner = Learner(reber, 0.1)
    ours = _rate(lambda: learner.learn_sequences(codes, goals, spans), 4800, repeats)
    say(Figure("264 weights, an error at every step", ours / 1e6, "M steps/s", "sequences of 12 one-hot steps"))
    one = learner.learn_many
    single = _rate(lambda: one(codes[:1], goals[:1]), 1, 200 * repeats)
    say(Figure("264 weights, one call a step", single / 1e6, "M steps/s", "learn() with one step"))

    x, y = _adding(rng, 50, 100)
    learner = Learner(adding, 0.1)
    spans = np.arange(0, 5000, 100)[:, None] + [0, 100]
    rate = _rate(lambda: learner.learn_sequences(x, y, spans), 5000, repeats)
    say(Figure("93 weights, an error at the sequence's end", rate / 1e6, "M steps/s", "adding problem, 100 steps"))

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        eager = EagerRule(reber, 0.1)

        def sixty() -> None:
            for code, goal in zip(codes[:60], goals[:60], strict=True):
                eager.step(code, goal)

        slow = _rate(sixty, 60, repeats)
        say(Figure("the same rule in eager torch", slow / 1e6, "M steps/s", "264 weights, a step at a time"))
        say(Figure("compiled to eager", ours / slow, "times", "264 weights, an error at every step"))
        through_time = _through_time(rng, repeats)
        say(Figure("back-propagation through time", through_time / 1e6, "M steps/s", "nn.LSTM, 4 units, 100 steps"))
        say(Figure("compiled to back-propagation", ours / through_time, "times", "an error at every step"))
    finally:
        torch.set_num_threads(threads)

    large = Network(64, 8, 72, forget_gates=True)
    learner = Learner(large)
    steps = rng.normal(size=(50, 64)).astype(np.float32)
    learner.observe_many(steps)  # from now on every input has traces
    whole = _rate(lambda: learner.observe_many(steps), 50, 5 * repeats)
    forward = _rate(lambda: learner._steps(steps, None, FORWARD), 50, 5 * repeats)
    moved = 8 * learner._traces.size / (1 / whole - 1 / forward)  # every trace is read and written
    allowed = _memory(learner._traces.size, repeats)
    about = "forget gates, dense inputs; the time of a step less that of its forward pass"
    say(Figure(f"{large.weight_count:,} weights, traces read and written", moved / 1e9, "GB/s", about))
    say(Figure("what the cache allows", allowed / 1e9, "GB/s", "an array of the traces' size, a[k] = a[k] d + b"))
    say(Figure("share", 100 * moved / allowed, "%", "of what the cache allows"))


def _rate(work: Callable[[], object], steps: int, repeats: int) -> float:
    """Returns the steps a second, by the least of several times."""
    work()
    best = np.inf
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        best = min(best, time.perf_counter() - start)
    return steps / float(best)


def _adding(rng: np.random.Generator, sequences: int, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """Draws the adding problem: inputs ``[steps, 2]`` and targets ``[steps, 1]``, those at the ends."""
    x = np.zeros((sequences, steps, 2), np.float32)
    x[:, :, 0] = rng.uniform(-1, 1, (sequences, steps))
    x[:, [0, -1], 1] = -1
    y = np.full((sequences, steps, 1), np.nan, np.float32)
    for k in range(sequences):
        first, second = rng.integers(1, 10), rng.integers(10, steps // 2)
        x[k, [first, second], 1] = 1
        y[k, -1] = 0.5 + (x[k, first, 0] + x[k, second, 0]) / 4
    return x.reshape(-1, 2), y.reshape(-1, 1)


def _through_time(rng: np.random.Generator, repeats: int) -> float:
    lstm, readout = torch.nn.LSTM(7, 4), torch.nn.Linear(4, 7)
    parameters = [*lstm.parameters(), *readout.parameters()]
    optimiser = torch.optim.SGD(parameters, 0.1)
    x = torch.eye(7)[torch.tensor(rng.integers(0, 7, UNROLLED))].unsqueeze(1)
    y = torch.eye(7)[torch.tensor(rng.integers(0, 7, UNROLLED))].unsqueeze(1)
    state = [None]

    def work() -> None:
        output, (h, c) = lstm(x, state[0])
        loss = 0.5 * ((torch.sigmoid(readout(output)) - y) ** 2).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        state[0] = (h.detach(), c.detach())  # type: ignore[call-overload]

    return _rate(work, UNROLLED, repeats)


@entry
def _scale(array, d, b):
    for k in range(len(array)):
        array[k] = array[k] * d + b


def _memory(size: int, repeats: int) -> float:
    """Returns the bytes a second at which an array of float32 is read and written, at most."""
    array = np.ones(size, np.float32)
    d, b = np.float32(0.999), np.float32(0.001)
    return _rate(lambda: _scale(array, d, b), 8 * size, 20 * repeats)


def _check(network: Network) -> None:
    rng = np.random.default_rng(1)
    codes, goals = rng.integers(0, 7, 60), rng.integers(0, 7, 60)
    learner, eager = Learner(network, 0.1, dtype=np.float64), EagerRule(network, 0.1, torch.float64)
    learner.learn_many(codes, goals)
    for code, goal in zip(codes, goals, strict=True):
        eager.step(code, goal)
    for name, w in learner.weights.items():
        if not np.allclose(w, eager.w[name].numpy(), rtol=1e-9, atol=1e-12):
            raise RuntimeError(f"the compiled rule and the eager one differ in {name}")


class EagerRule:
    """The rule of 1997 for blocks of one cell, as one would write it in torch."""

    def __init__(self, network: Network, rate: float, dtype: torch.dtype = torch.float32) -> None:
        self.n, self.rate, self.dtype = network, rate, dtype
        weights = network.initial_weights(np.random.default_rng(0))
        self.w = {name: torch.tensor(w, dtype=dtype) for name, w in weights.items()}
        self.eye = torch.eye(network.inputs, dtype=dtype)
        self.goals = torch.eye(network.outputs, dtype=dtype)
        zero = torch.zeros(network.blocks, dtype=dtype)
        self.s, self.y = zero, [zero, zero, zero]
        sources = network.inputs + 3 * network.blocks
        self.ds_cell = torch.zeros(network.blocks, sources, dtype=dtype)
        self.ds_in = torch.zeros(network.blocks, sources + 1, dtype=dtype)
        self.one = torch.ones(1, dtype=dtype)

    def step(self, code: int, goal: int) -> None:
        """Goes one step forward and learns from its target."""
        w, alpha = self.w, self.rate
        source = torch.cat([self.eye[code], *self.y])
        biased = torch.cat([source, self.one])
        y_in, y_out = torch.sigmoid(w["input_gate"] @ biased), torch.sigmoid(w["output_gate"] @ biased)
        sg = torch.sigmoid(w["cell"] @ source)
        g, dg = 4 * sg - 2, 4 * sg * (1 - sg)
        self.s = self.s + y_in * g
        sh = torch.sigmoid(self.s)
        h, dh = 2 * sh - 1, 2 * sh * (1 - sh)
        cell = y_out * h
        self.ds_cell += torch.outer(dg * y_in, source)
        self.ds_in += torch.outer(g * y_in * (1 - y_in), biased)
        out = torch.sigmoid(w["output"] @ cell)
        delta = (self.goals[goal] - out) * out * (1 - out)
        e = w["output"].T @ delta
        e_s = y_out * dh * e
        w["output"] += alpha * torch.outer(delta, cell)
        w["output_gate"] += alpha * torch.outer(y_out * (1 - y_out) * h * e, biased)
        w["input_gate"] += alpha * e_s[:, None] * self.ds_in
        w["cell"] += alpha * e_s[:, None] * self.ds_cell
        self.y = [cell, y_in, y_out]

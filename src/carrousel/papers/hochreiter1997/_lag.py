"""Hochreiter & Schmidhuber 1997, experiments 2a and 2b: a lag of p steps, with and without regularities in between."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.learning import Chunker, OneUnitNetwork
from carrousel.learning.online import Learner, Network
from carrousel.papers._experiment import Config, Experiment, Picture, Quick, Row
from carrousel.papers._trial import Found, Prepared, Setting, first_success
from carrousel.papers._until import all_right, until_right
from carrousel.papers.hochreiter1997._paper import CITATION
from carrousel.tasks import Drawn, NoiseFreeLag, NoRegularities

__all__ = ["NOISE_FREE", "NO_REGULARITIES", "network", "perceptron"]

TESTS = 10_000  # sequences that must be right one after the other
WINDOW = 100  # training sequences over which the error before the cell is added is averaged
FALL = 0.05  # the cell is added when the error falls by a smaller share than this from one window to the next
SQUASHES = {"symmetric": "sigmoid_pm2", "printed": "sigmoid"}


def perceptron(p: int) -> Network:
    """Returns what LSTM begins with: outputs fed by the inputs."""
    return Network(p + 1, p + 1, blocks=0, init=0.2, feeds={"output": "input"})


def network(p: int, g: str) -> Network:
    """Returns the network with the memory cell and its input gate, fed by the inputs: 10504 weights for p = 100.

    The squashing function h is the identity.
    """
    feeds = {"cell": "input", "input_gate": "input", "output": "input cell"}
    return Network(
        p + 1,
        p + 1,
        blocks=1,
        output_gates=False,
        init=0.2,
        feeds=feeds,
        input_squash=SQUASHES[g],
        output_squash="identity",
    )


class _Growing:
    """LSTM that begins as a perceptron; cell and gate are added when the error has stopped falling."""

    def __init__(self, task: NoiseFreeLag, rate: float, options: Mapping[str, str], rng: np.random.Generator) -> None:
        self.task, self.added = task, 0
        self._rate, self._g, self._rng = rate, options["g"], rng
        # Cross entropy is the error whose delta has no derivative of the logistic function.
        loss = {"printed": "squared", "plain": "cross_entropy"}[options["delta"]]
        self._how: dict[str, Any] = {"update": options["update"], "loss": loss}
        self.learner = Learner(perceptron(task.p), rate, seed=rng, **self._how)
        self._before, self._errors, self._seen = np.inf, 0.0, 0

    def ready(self) -> None:
        """Compiles what teaching needs; nothing changes."""
        self.learner.ready()

    def learn_sequences(self, codes: np.ndarray, targets: np.ndarray, spans: np.ndarray) -> None:
        if not self.added:
            self._errors += self._error(codes, targets, spans)
        self.learner.learn_sequences(codes, targets, spans)
        self._seen += len(spans)
        if len(spans) and not self.added and self._seen % WINDOW == 0:
            if self._errors > (1 - FALL) * self._before:
                self._add()
            self._before, self._errors = self._errors, 0.0

    def _error(self, codes: np.ndarray, targets: np.ndarray, spans: np.ndarray) -> float:
        """Returns the sum of squared errors over the sequences' targets, before they are learned from."""
        said = self.learner.sequence_outputs(codes, spans)
        wanted = np.concatenate([targets[:0], *(targets[begin:end] for begin, end in spans)])
        errors = (said - (np.arange(said.shape[1]) == wanted[:, None])) ** 2
        return float(errors[wanted >= 0].sum())

    def _add(self) -> None:
        grown = Learner(network(self.task.p, self._g), self._rate, seed=self._rng, **self._how)
        weights = grown.weights
        weights["output"][:, :-1] = self.learner.weights["output"]
        grown.weights = weights
        self.learner, self.added = grown, self._seen

    def sequence_outputs(self, codes: np.ndarray, spans: np.ndarray) -> np.ndarray:
        return self.learner.sequence_outputs(codes, spans)

    def answers(self, codes: np.ndarray, spans: np.ndarray) -> np.ndarray:
        return self.learner.answers(codes, spans)


def _learner(setting: Setting, task: NoiseFreeLag) -> Any:
    """Returns the row's learner; where a row has several rates, trials take them in turn."""
    about, options, rng = setting.config.learner, setting.options, setting.rng
    rate = about["rates"][setting.number % len(about["rates"])]
    update, method = options["update"], about["method"]
    if method == "lstm":
        return _Growing(task, rate, options, rng)
    if method == "chunker":
        return Chunker(task.input_size, rate, threshold=about["threshold"], update=update, seed=rng)
    update = "end" if method == "bptt" else update
    return OneUnitNetwork(task.input_size, task.output_size, method, rate, update=update, seed=rng)


def _prepare(setting: Setting) -> Prepared:
    task = (NoiseFreeLag if setting.config.task["regular"] else NoRegularities)(setting.config.task["p"])
    return Prepared(_learner(setting, task), task)


def _ends_of(drawn: Drawn) -> np.ndarray:
    """Returns the targets, [steps], -1 but at the last step of each sequence."""
    targets = np.full_like(drawn.targets, -1)
    last = drawn.spans[:, 1] - 1
    targets[last] = drawn.targets[last]
    return targets


def _targets(drawn: Drawn) -> np.ndarray:
    return drawn.targets


def _train(prepared: Prepared, setting: Setting) -> Found:
    """Trains until all of many sequences are right; there are two sequences only where there are regularities."""
    learner, task, until, method = (
        prepared.learner,
        prepared.task,
        setting.config.until,
        setting.config.learner["method"],
    )

    def holds() -> tuple[bool, int]:
        if not setting.config.task["regular"]:
            return all_right(learner, task, setting.rng, until["tests"], first=10)
        both = task.encode([0, 1])
        return bool(task.right(both.outputs_of(learner), both).all()), len(both.inputs)

    targets = _ends_of if setting.options.get("errors") == "end" and method != "chunker" else _targets
    block, limit = until["interval"], until["limit"]
    found = until_right(learner, task, setting.rng, holds, block=block, limit=limit, targets=targets)
    return {**found, "cell_added": learner.added} if method == "lstm" else found


_ALL_RATES = (1.0, 4.0, 10.0)
_Line = tuple[str, str, int, tuple[float, ...], str, float | None, int | str | None, int]
_NEVER = "> 5,000,000"
_TABLE: tuple[_Line, ...] = (
    # method, heading, p, rates, weights, success, after, limit
    ("rtrl", "RTRL", 4, (1.0,), "36", 0.78, 1_043_000, 5_000_000),
    ("rtrl", "RTRL", 4, (4.0,), "36", 0.56, 892_000, 5_000_000),
    ("rtrl", "RTRL", 4, (10.0,), "36", 0.22, 254_000, 5_000_000),
    ("rtrl", "RTRL", 10, _ALL_RATES, "144", 0.0, _NEVER, 5_000_000),
    ("rtrl", "RTRL", 100, _ALL_RATES, "10404", 0.0, _NEVER, 100_000),
    ("bptt", "BPTT", 100, _ALL_RATES, "10404", 0.0, _NEVER, 100_000),
    ("chunker", "CH", 100, (1.0,), "10506", 0.33, 32_400, 100_000),
    ("lstm", "LSTM", 100, (1.0,), "10504", 1.0, 5_040, 100_000),
)


def _row(regular: bool, line: _Line) -> Row:
    method, heading, p, rates, weights, success, after, limit = line
    rate = f"{rates[0]:g}" if len(rates) == 1 else f"{rates[0]:g}-{rates[-1]:g}"
    name = f"{method}-{p}" + (f"-{rate}" if p == 4 else "")
    learner: dict[str, Any] = {"method": method, "rates": list(rates)}
    if method == "chunker":
        learner["threshold"] = 0.25
    until = {"limit": limit, "interval": 10 if method == "lstm" else 100, "tests": TESTS}
    config = Config({"regular": regular, "p": p}, learner, until)
    published: dict[str, Any] = {"success_rate": success}
    if regular or method == "lstm":  # of 2b the paper says no more of the others than that they failed
        published["trials"] = 18
    if after is not None:
        published["sequences_mean"] = after
    columns = {"delay p": str(p), "learning rate": rate, "weights": weights}
    return Row(name, heading, columns, published, config)


_OF_2B = (
    ("rtrl", "RTRL", 100, _ALL_RATES, "10404", 0.0, None, 50_000),
    ("bptt", "BPTT", 100, _ALL_RATES, "10404", 0.0, None, 50_000),
    ("chunker", "CH", 100, (1.0,), "10506", 0.0, None, 50_000),
    ("lstm", "LSTM", 100, (1.0,), "10504", 1.0, 5_680, 50_000),
)


def _draw_lag(path: Path, result: Mapping[str, Any]) -> None:
    from carrousel.papers.hochreiter1997._lag_picture import draw

    draw(path, *first_success(NOISE_FREE, "lstm-100", result, p=10, limit=50_000))


_SILENT = """\
- When the cell is added: the paper says, when the error has stopped falling. Here this is so when the sum of squared
  errors over 100 training sequences, each measured before it is learned from, is less than 5% below that of the 100
  before.
- When weights change: after every step (`update=step`), or at a sequence's end (`update=end`). BPTT has its gradient at
  a sequence's end, and always changes weights then.
- The learning rate of rows with several rates: trials take 1, 4 and 10 in turn.
- The chunker is that of 1992 with the networks of 1997, taught by RTRL. A symbol is a surprise if an output is 0.25 or
  more away from it. The additional output learns to tell the activation of the chunker's hidden unit at every step. The
  chunker's answer is what the automatiser predicts.
- When a trial has failed: after {caps}."""

_CAPS_2A = "5,000,000 sequences, as in the paper, where the lag is 4 or 10, and after 100,000 where it is 100"

_READINGS = """\
- The squashing function g of the cell's input. The paper says that it is logistic with values in [0, 1], and there are
  no biases (`g=printed`). Then every symbol adds about 1/4 to the state: it is 25 at the end of a sequence of 100
  steps, and h, which is the identity, shows all of it to the outputs. With `g=symmetric` the values lie in [-2, 2], as
  in the paper's other experiments, and states do not drift at first.
- The error signal of the outputs, their delta. In the paper's appendix it is the error times the derivative of the
  logistic function (`delta=printed`). With `delta=plain` the derivative is left out, as if the error were a cross
  entropy. Only LSTM's row heeds this."""

NOISE_FREE = Experiment(
    "hochreiter1997/noise-free-lag",
    "Two sequences of p + 1 symbols that differ in the first and the last: predict every next symbol",
    f"{CITATION}. Experiment 2a, table 2",
    tuple(_row(True, line) for line in _TABLE),
    _prepare,
    _train,
    trials=18,
    options={"g": ("symmetric", "printed"), "delta": ("printed", "plain"), "update": ("step", "end")},
    quick=Quick(
        "over a lag of 10 steps LSTM, which adds its cell when the error stands still, succeeds, and BPTT does not",
        lambda found: found["lstm-100"]["success_rate"] == 1.0 and found["bptt-100"]["success_rate"] == 0.0,
        ("lstm-100", "bptt-100"),
        config={"p": 10, "limit": 30_000},
    ),
    pictures=(Picture("trace", "State, input gate and outputs of a trained network over both sequences", _draw_lag),),
    outcome="partly",
    finding=(
        "LSTM succeeds in every trial where RTRL and BPTT fail, after nearly five times as many sequences as published "
        "because one output comes within its tolerance slowly; the chunker never succeeds."
    ),
    notes=f"""\
**Result.** LSTM succeeds in every trial, after nearly five times as many sequences as published. RTRL and BPTT fail
over lags of 10 and 100, as published. Two rows do not come out. RTRL over 4 steps succeeds more often the higher the
rate is, where the paper has the reverse. The chunker never succeeds, where it did in a third of the paper's trials.

**Why LSTM takes longer.** The two sequences begin and end with x or with y. They are told apart some 2,000 sequences
after the cell was added, but one of the two outputs comes within 0.25 of its target slowly. The error of the last step
makes this output's weight from the cell grow. Small errors at the 99 other steps hold it back, and the weights from the
inputs must take these away first.

**Two places of the paper** can be read in two ways each, which makes four networks. The default, `g=symmetric` with
`delta=printed`, is the one with which every trial succeeds.

{_READINGS}

What LSTM does in each reading:

- `g=symmetric`, `delta=printed`: every trial succeeds, after 23,468 sequences in the mean.
- `g=symmetric`, `delta=plain`, the second table: two thirds of the trials succeed, after 3,000 sequences. In the others
  the shock of the new cell closes its input gate for good, to x and to y alike.
- `g=printed`, `delta=printed`: it took 33,000 to 38,000 sequences where the cell was added after 500, and more than
  60,000 where it was added when the error stood still.
- `g=printed`, `delta=plain`: no trial got over the shock of the new cell. All trials succeeded, after about 6,000, if
  the input gate began closed to the symbols between the first and the last (-4 added to their weights).

**Why the chunker fails.** It does what it should in 1,000 sequences: the automatiser predicts all but the last symbol,
so the chunker sees the first and the last only, and predicts the last from the first. But it does so by its direct
connections from inputs to outputs. Its hidden unit goes to 1 after x and after y alike, so the automatiser learns
nothing from it. The last symbol was predicted in none of 36 trials of 40,000 sequences, with thresholds of 0.1, 0.25
and 0.5 and both moments of the update.

**What was searched.** Some 250 further trials, on seeds that are none of the table's, found no setting with which the
chunker succeeds: with thresholds of 0.1, 0.25 and 0.5, both moments of the update, first weights within 0.2 and 1, a
chunker that begins each sequence at zero or whose state goes on, with and without connections from its inputs to its
outputs, and a hidden unit of the automatiser that learns from the additional output alone. They had 40,000 sequences,
ten of them 300,000; those whose chunker did not tell x from y after 4,000 sequences were stopped there. The chunker's
unit can be had to tell x from y: if its state goes on, or without the direct connections, and weights change at
sequences' ends. The automatiser does not learn from it even so. It did not when the additional output had a perfect
teacher, 0 after x and 1 after y at every step (30 trials): not over 20 steps within 20,000 sequences, at rates of 0.1
and 1, nor over 100 steps within 15,000 to 60,000, at a rate of 1, with the derivative of the logistic function in the
error and without. Its one hidden unit is taken up by the other outputs, or comes to alternate from step to step,
which did bridge 10 steps. So the default has stayed, and what made the chunker succeed in a third of the trials of
1997 is not known.

**What else the paper leaves open** was chosen as follows.

- The test: there are only two sequences, so 10,000 random ones are right if both are. This is looked at after every 10
  training sequences for LSTM and after every 100 for the others, with weights held.
{_SILENT.format(caps=_CAPS_2A)}""",
)

NO_REGULARITIES = Experiment(
    "hochreiter1997/no-regularities",
    "The first symbol of 101 is the last too, and nothing else can be predicted",
    f"{CITATION}. Experiment 2b",
    tuple(_row(False, line) for line in _OF_2B),
    _prepare,
    _train,
    trials=18,
    options={
        "errors": ("end", "step"),
        "g": ("printed", "symmetric"),
        "delta": ("plain", "printed"),
        "update": ("step", "end"),
    },
    quick=Quick(
        "over a lag of 5 steps LSTM learns to predict the last symbol from the first",
        lambda found: found["lstm-100"]["success_rate"] == 1.0,
        ("lstm-100",),
        config={"p": 5, "limit": 50_000, "tests": 1000},
    ),
    outcome="yes",
    finding=(
        "LSTM alone succeeds, in every trial, after a third more sequences than published, if there are errors at the "
        "sequences' ends alone."
    ),
    notes=f"""\
**Result.** LSTM succeeds in every trial, after a third more sequences than published. The other three methods never do,
as published. LSTM succeeds only if there are errors at sequences' ends alone. If it is to predict every symbol, as the
paper's text says, one cell cannot do what is asked.

**Why there are errors at the ends alone.** The paper says that every next symbol is to be predicted, and in its outline
that error signals are not confined to sequences' ends (`errors=step`). To say x at the end and not before, x's output
must wait until the state crosses a threshold, and y's output likewise. Outputs are monotone in the one state. So both
thresholds lie on the same side of each other's end states, and x's output cannot stay low in y's sequences. What errors
at every step teach is the mean: x and y at 1/100 each. With `errors=step` even a lag of 5 is not learned in 50,000
sequences, whatever the error signal. With `errors=end`, the default, errors occur at sequences' ends alone, as in all
later experiments. The chunker predicts every next symbol in any case.

**Two places of the paper** can be read in two ways each, which makes four networks. The default, `g=printed` with
`delta=plain`, is the one with which every trial succeeds.

{_READINGS}

What LSTM does in each reading:

- `g=printed`, `delta=plain`: every trial succeeds. States are large and rates high, so that the outputs x and y are
  soon at 0 or 1. Without the derivative they go on learning there, much as a perceptron does.
- `g=printed`, `delta=printed`: no trial succeeded within 50,000 sequences, for the error signal vanishes with the
  derivative.
- `g=symmetric`, `delta=printed`, the second table: lags of 10 (640 sequences) and 20 (1,600 to 4,100) were learned. A
  lag of 50 was learned only at lower rates (0.1: 49,000), and one of 100 not within 200,000 at any rate from 0.01 to 1.

**What else the paper leaves open** was chosen as follows.

- The test: 10,000 new random sequences, with weights held. It is tried after every 10 training sequences for LSTM and
  after every 100 for the others, and left at the first block that holds a wrong one.
{_SILENT.format(caps="50,000 sequences")}""",
)

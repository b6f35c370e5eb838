"""Schmidhuber & Hochreiter 1996: random weight guessing on the long time lag problems of its day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import sqrt
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from carrousel.learning import GuessedNetwork
from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row, Trial, mean
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers.schmidhuber1996._paper import CITATION
from carrousel.tasks import FirstElements, FreeLatch, Parity, Tomita

__all__ = ["GUESSING", "network"]

LIMIT = 1_000_000  # draws after which a search has failed
EXAMPLES = 100  # training sequences, and as many for the test
SPREADS = {"sd": 0.2, "var": sqrt(0.2)}  # "0.2" as the noise's deviation and as its variance
TASKS: Mapping[str, type] = {
    "free-latch": FreeLatch,
    "first-elements": FirstElements,
    "parity": Parity,
    "tomita": Tomita,
}


def network(learner: Mapping[str, Any], options: Mapping[str, str]) -> GuessedNetwork:
    """Returns the network of a row, whose kind is ``learner["net"]``.

    ``"A1"``: fully connected; hidden units have biases, and the output unit too with ``options["a1_output"]`` biased.
    ``"A2"``: each hidden unit sees the input, the output and itself, the output unit sees the hidden units, and the
    input too with ``options["a2_output"]`` hidden+input; all have biases. ``"A2 without self"``: hidden units do not
    see themselves. ``"latch-1"`` and ``"latch-2"``: one tanh unit with three weights.

    >>> [network({"net": net, "hidden": 10}, {}).weight_count for net in ("A1", "A2", "A2 without self")]
    [142, 51, 41]
    """
    net = learner["net"]
    if net == "latch-1":
        return GuessedNetwork(3, 0, {"output": "input self"}, "tanh", unweighted=1)
    if net == "latch-2":
        return GuessedNetwork(1, 0, {"output": "input self bias"}, "tanh")
    if net == "A1":
        bias = " bias" if options.get("a1_output") == "biased" else ""
        return GuessedNetwork(1, learner["hidden"], {"output": f"input hidden self{bias}"})
    hidden = "input self output bias" if net == "A2" else "input output bias"
    seen = "input hidden bias" if options.get("a2_output") == "hidden+input" else "hidden bias"
    return GuessedNetwork(1, learner["hidden"], {"hidden": hidden, "output": seen})


class Searching(Prepared):
    """Holds a network whose weights are guessed; ``sets`` are the training and the test sequences."""

    def ready(self) -> None:
        """Compiles the search and the answers."""
        net, training = self.learner, self.sets[0]
        net.guess(training.inputs, training.goals[:0, 0], training.spans[:0], limit=1)
        net.answers(np.zeros(net.weight_count), training.inputs, training.spans[:0])


def _prepare(setting: Setting) -> Searching:
    """Returns the network, and draws the trial's own training and test sequences."""
    about = setting.config.task
    task = TASKS[about["task"]](**about["about"], tolerance=about["tolerance"])
    training = task.training() if isinstance(task, Tomita) else task.draw(setting.rng, EXAMPLES)
    return Searching(
        network(setting.config.learner, setting.options), task, (training, task.draw(setting.rng, EXAMPLES))
    )


def _train(prepared: Prepared, setting: Setting) -> Found:
    """Draws weights until all training sequences are right, then tests them on the test sequences."""
    net, task, (training, test) = prepared.learner, prepared.task, prepared.sets
    limit, goals = setting.config.until["limit"], training.goals[:, 0]
    guess = net.guess(training.inputs, goals, training.spans, tolerance=task.tolerance, limit=limit, seed=setting.rng)
    right = None
    if guess.weights is not None:
        answers = net.answers(guess.weights, test.inputs, test.spans)[:, None]
        right = float(task.right(answers, test).mean())
    return {"success": right is not None, "draws": guess.draws, "test_right": right, "steps": guess.steps}


def _summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns the draws of the searches that found weights, and how right these are on fresh sequences."""
    won = [trial["draws"] for trial in trials if trial["success"]]
    return {
        "success_rate": len(won) / len(trials) if trials else None,
        "draws_mean": mean(won),
        "draws_median": median(won) if won else None,
        "draws_max": max(won, default=None),
        "test_right": mean([trial["test_right"] for trial in trials if trial["success"]]),
    }


def _columns(task: str, method: str, noise: str, lengths: str) -> dict[str, str]:
    return {"task": task, "network or method": method, "noise": noise, "lengths": lengths}


_NOISES = {"sd": "deviation 0.2", "var": "variance 0.2"}


def _row(
    name: str,
    columns: Mapping[str, str],
    published: Mapping[str, Any],
    net: tuple[str, int],
    task: str,
    about: Mapping[str, Any],
    *,
    tolerance: float = 0.1,
    note: str = "",
    source: str = "",
) -> Row:
    learner = {"net": net[0], "hidden": net[1]}
    config = Config({"task": task, "about": about, "tolerance": tolerance}, learner, {"limit": LIMIT})
    return Row(name, "guessing", columns, published, config, note=note, source=source)


def _quoted(name: str, task: str, method: str, lengths: str, published: Mapping[str, Any], note: str = "") -> Row:
    return Row(name, "other", _columns(task, method, "", lengths), published, note=note)


def _latches() -> list[Row]:
    rows = []
    for noise, words in _NOISES.items():
        rows.append(
            _row(
                f"latch-1-{noise}",
                _columns("latch I", "one tanh unit", words, "500-600"),
                {"draws_mean": 6, "trials": 40},
                ("latch-1", 0),
                "free-latch",
                {"spread": SPREADS[noise]},
                tolerance=0.8,
                note="Right if the sign is, for a latched unit is near 1 or -1, never within 0.1 of 0.8 or -0.8.",
            )
        )
    for noise, words in _NOISES.items():
        rows.append(
            _row(
                f"latch-2-{noise}",
                _columns("latch II", "one tanh unit", words, "500-600"),
                {"draws_mean": 22},
                ("latch-2", 0),
                "first-elements",
                {"spread": SPREADS[noise], "low": -1.0},
            )
        )
    rows.append(
        _quoted("bengio-latch", "latch", "several (Bengio et al. 1994)", "", {"draws_mean": 1600}, "It is of latch I.")
    )
    return rows


def _two_sequences() -> list[Row]:
    rows = []
    for noise, words in _NOISES.items():
        for net, hidden in (("A2", 10), ("A1", 1)):
            for relevant in (1, 3):
                rows.append(
                    _row(
                        f"two-sequence-{relevant}-{net.lower()}-{noise}",
                        _columns(f"2-sequence, N = {relevant}", f"{net}, {hidden} hidden", words, "500-600"),
                        {"draws_mean": 718} if net == "A2" else {"draws_uncertain": 1247},
                        (net, hidden),
                        "first-elements",
                        {"spread": SPREADS[noise], "relevant": relevant},
                    )
                )
    search = "multi-grid random search (Bengio et al. 1994)"
    em = "expectation maximisation (Bengio & Frasconi 1994)"
    published = {"draws_mean": 6400}
    rows.append(_quoted("multigrid-two-sequence", "2-sequence", search, "50-100", published, "With an error of 0.06."))
    rows.append(_quoted("em-two-sequence", "2-sequence", em, "", {"draws_uncertain": 2900}))
    return rows


def _parities() -> list[Row]:
    def row(name: str, net: str, hidden: int, draws: int, noise: float = 0.0) -> Row:
        words = f"uniform, up to {noise}" if noise else "none"
        columns = _columns("parity", f"{net}, {hidden} hidden", words, "500-600")
        return _row(name, columns, {"draws_mean": draws}, (net, hidden), "parity", {"noise": noise})

    annealing, discrete = "simulated annealing (Bengio et al. 1994)", "discrete error propagation (Bengio et al. 1994)"
    machine = "input/output hidden Markov model (Bengio & Frasconi 1995)"
    return [
        row("parity-a1", "A1", 1, 2906),
        row("parity-a2", "A2", 10, 2797),
        row("parity-a2-without-self", "A2 without self", 10, 250),
        row("parity-noise-a1", "A1", 1, 41_400, 0.2),
        _quoted("annealing-parity", "parity", annealing, "25-50", {"draws_mean": 810_000}, "With an error of 0."),
        _quoted("discrete-parity", "parity", discrete, "", {"draws_mean": 54_000}, "With an error of 0.05."),
        _quoted("iohmm-parity", "parity", machine, "250-500", {"draws_mean": 3400}, "With an error of 0.12."),
    ]


def _tomitas() -> list[Row]:
    rows = []
    for language, draws, sequences in ((1, 182, 23_000), (2, 1511, 77_000), (4, 13_833, 46_000)):
        task = f"Tomita #{language}"
        rows.append(
            _row(
                f"tomita-{language}",
                _columns(task, "A2, 10 hidden", "none", "1-16"),
                {"draws_uncertain": draws},
                ("A2", 10),
                "tomita",
                {"language": language},
                note="The paper's network is unknown, and this one is a choice.",
                source="from memory",
            )
        )
        method = "second-order net (Miller & Giles 1993)"
        rows.append(_quoted(f"miller-tomita-{language}", task, method, "", {"draws_uncertain": sequences}))
    return rows


_ROWS = (*_latches(), *_two_sequences(), *_parities(), *_tomitas())

_NOTES = """\
**Result.** Random guessing finds weights for every problem. All searches succeed but those for Tomita's grammar 4, of
which 15% do. Guessing takes about as many draws as published if the noise "with variance 0.2" has the standard
deviation 0.2. If it has the variance 0.2, the 2-sequence problem takes up to forty times as many. Parity with noise
takes about a third of the published number.

**A trial is one search.** Weights are drawn uniformly from [-100, 100] until all of 100 training sequences, 50 of each
class, are right. The weights are then tested on 100 fresh sequences. The figure of a search is its number of draws. A
search without success ends after 1,000,000 draws. Every mean is over 40 searches, the paper's number for the first
latch problem; its number for the other problems is unknown. The two classes take turns in the training set. This order
changes only what a failing draw costs.

**Other methods** count presentations of sequences, or trials of another kind. Their rows are quoted as they are.

**What the paper leaves open** was chosen as follows.

- The order of the units: in a step, activations go from the input through the hidden units to the output. No weights
  were found for units that are all updated at once.
- The numbers of units: A2 has 10 hidden units, and A1 has one.
- The output unit of A1: "A1 has biased hidden units" is read as an output unit without a bias; `a1_output=biased` gives
  it one. It sees the input and itself, for without either no weights were found for parity.
- The output unit of A2: "all other units" is read as the hidden units. With `a2_output=hidden+input` it sees the input
  too; parity then takes up to twice as many draws, and the 2-sequence problem about three times as many.
- The number N of relevant elements of the 2-sequence problem: it is run as 1 and as 3.
- The noise "with variance 0.2": it is run with that variance and with that standard deviation.
- The first latch problem: an output is right if its sign is.

**Tomita's grammars.** The published numbers are from memory, and the paper's networks are unknown. A2 is a choice. It
is trained on Tomita's strings as they are usually reprinted (Tomita 1982), without the empty string, of which a network
sees nothing. It is tested on 100 random strings of 1 to 15 symbols, half of them of the language. So few training
strings do not pin a language down, as the share of right test strings shows.

**Uncertain numbers.** The column "uncertain" holds published numbers whose source is not certain. They are not compared
with ours. A later slide of the authors speaks of about 1,000 draws for sequential parity.
"""


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    from carrousel.papers.schmidhuber1996._guessing_picture import draw

    draw(path, result, _ROWS)


GUESSING = Experiment(
    "schmidhuber1996/guessing",
    "Random weight guessing: draws until a recurrent network is right on 100 sequences",
    CITATION,
    _ROWS,
    _prepare,
    _train,
    trials=40,
    figures=(
        Column("success_rate", "success", ".0%"),
        Column("draws_mean", "draws", compared=True),
        Column("draws_uncertain", "uncertain"),
        Column("draws_median", "median"),
        Column("draws_max", "to"),
        Column("test_right", "test right", ".1%"),
    ),
    summary=_summary,
    options={"a2_output": ("hidden", "hidden+input"), "a1_output": ("unbiased", "biased")},
    quick=Quick(
        "guessing finds weights that are right on 100 training sequences of 500 to 600 steps and on most fresh ones",
        lambda rows: all(row["success_rate"] == 1 and row["test_right"] > 0.9 for row in rows.values()),
        ("latch-1-sd", "two-sequence-1-a1-sd", "parity-a2-without-self"),
        trials=3,
        config={"limit": 20_000},
    ),
    pictures=(
        Picture("draws", "Draws until success beside the published number, and what other methods needed", _draw),
    ),
    outcome="yes",
    finding=(
        "Guessing all weights solves every problem but the fourth of Tomita's grammars, in about as many "
        "draws as published, if the noise of 0.2 is a deviation and no variance."
    ),
    notes=_NOTES,
)

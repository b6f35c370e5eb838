"""Hochreiter & Schmidhuber 1997, experiment 1: the embedded Reber grammar."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from carrousel.learning import SimpleNetwork
from carrousel.learning.online import Learner, Network
from carrousel.papers._experiment import Config, Experiment, Picture, Quick, Row
from carrousel.papers._trial import Found, Prepared, Setting, first_success
from carrousel.papers._until import until_predicted
from carrousel.papers.hochreiter1997._paper import CITATION
from carrousel.tasks import EmbeddedReber, Strings

__all__ = ["REBER", "network", "network_of_2000"]

LIMIT = 200_000  # training sequences after which a trial has failed
PAIRS = 3  # of training and test sets


def network(blocks: int, block_size: int, outputs: str, squash: str) -> Network:
    """Returns the paper's network: 264 weights with 4 blocks of one cell, 276 with 3 blocks of two.

    Initial weights lie in [-0.2, 0.2], the input gates' biases in [-0.1, 0.1]; output gates begin at -1, -2, ...

    Args:
        blocks: the number of memory blocks.
        block_size: the number of cells in each.
        outputs: what output units see: ``"cells"`` as the paper says, or ``"layer"``, the gates too, which makes
            320 and 318 weights.
        squash: the ranges of the squashing functions g and h: ``"appendix"``, [-2, 2] and [-1, 1] as in the paper's
            appendix, or ``"caption"``, the other way round as in the caption of its table 10.
    """
    gates = tuple(-1.0 - block for block in range(blocks))
    g, h = ("sigmoid_pm2", "sigmoid_pm1") if squash == "appendix" else ("sigmoid_pm1", "sigmoid_pm2")
    feeds = {"output": "cell input_gate output_gate"} if outputs == "layer" else {}
    plain = Network(7, 7, blocks, block_size, init=0.2, bias_range=0.1, input_squash=g, output_squash=h, feeds=feeds)
    return plain.biased("input_gate output_gate", output_gate=gates)


def network_of_2000(blocks: int, block_size: int) -> Network:
    """Returns a network with the connections of Gers, Schmidhuber & Cummins 2000, without forget gates.

    It has 360 weights with 4 blocks of two.
    Gates feed nothing; outputs see the inputs too and have biases; gates begin at -0.5, -1.0, ...
    """
    gates = tuple(-0.5 - 0.5 * block for block in range(blocks))
    seen = dict.fromkeys(("input_gate", "output_gate", "output"), "input cell bias")
    biases = {"input_gate": gates, "output_gate": gates}
    return Network(7, 7, blocks, block_size, init=0.2, feeds={"cell": "input cell", **seen}, bias_init=biases)


@lru_cache(maxsize=8)
def _strings(seed: int, pair: int, distinct: bool) -> tuple[Strings, Strings]:
    """Draws a training and a test set; returns the first, and both together."""
    task = EmbeddedReber()
    training, test = task.train_test([seed, pair], distinct=distinct)
    return training, task.encode(training.text + test.text)


def _prepare(setting: Setting) -> Prepared:
    """Returns a learner, its task, and its sets, of which trials take the pairs in turn."""
    about, options = setting.config.learner, setting.options
    sets = _strings(setting.seed, setting.number % PAIRS, options["strings"] == "distinct")
    learner: Any
    if "blocks" in about:
        if about.get("connections") == "2000":
            net = network_of_2000(about["blocks"], about["block_size"])
        else:
            net = network(about["blocks"], about["block_size"], options["outputs"], options["squash"])
        insensitive = float(options["insensitive"])
        learner = Learner(net, about["rate"], update=options["update"], insensitive=insensitive, seed=setting.rng)
    else:
        learner = SimpleNetwork(7, about["hidden"], 7, about["method"], about["rate"], seed=setting.rng)
    return Prepared(learner, EmbeddedReber(criterion=options["criterion"]), sets)


def _train(prepared: Prepared, setting: Setting) -> Found:
    learner, limit, low = prepared.learner, setting.config.until["limit"], float(setting.options["targets"])
    training, both = prepared.sets
    found = until_predicted(learner, prepared.task, training, both, setting.rng, limit, low)
    return {**found, "weights": learner.weight_count}


_LSTM = {
    "lstm-4x1-0.1": (4, 1, 0.1, 264, 1.00, 39_740),
    "lstm-3x2-0.1": (3, 2, 0.1, 276, 1.00, 21_730),
    "lstm-3x2-0.2": (3, 2, 0.2, 276, 0.97, 14_060),
    "lstm-4x1-0.5": (4, 1, 0.5, 264, 0.97, 9_500),
    "lstm-3x2-0.5": (3, 2, 0.5, 276, 1.00, 8_440),
}


def _columns(hidden: str, weights: str, rate: str) -> dict[str, str]:
    return {"hidden units": hidden, "weights": weights, "learning rate": rate}


def _lstm_row(name: str) -> Row:
    blocks, size, rate, weights, success, sequences = _LSTM[name]
    published: dict[str, Any] = {"trials": 30, "success_rate": success, "sequences_mean": sequences}
    if name == "lstm-3x2-0.5":
        published |= {"sequences_min": 3_800, "sequences_max": 24_100}
    config = Config({}, {"blocks": blocks, "block_size": size, "rate": rate}, {"limit": LIMIT})
    return Row(name, "LSTM", _columns(f"{blocks} blocks, size {size}", str(weights), str(rate)), published, config)


_ROWS = (
    Row(
        "rtrl-3",
        "RTRL",
        _columns("3", "~170", "0.05"),
        {"sequences_mean": 173_000},  # "some fraction" of the trials succeeded
        Config({}, {"method": "rtrl", "hidden": 3, "rate": 0.05}, {"limit": LIMIT}),
        trials=6,
        note="The paper quotes it from Smith & Zipser 1989, who report the trials that succeeded.",
    ),
    Row(
        "rtrl-12",
        "RTRL",
        _columns("12", "~494", "0.1"),
        {"sequences_mean": 25_000},
        Config({}, {"method": "rtrl", "hidden": 12, "rate": 0.1}, {"limit": LIMIT // 4}),
        trials=6,
        note="A trial has failed after 50,000 strings, for it costs the most; bptt-12 follows the same gradient.",
    ),
    Row(
        "elman-15",
        "Elman",
        _columns("15", "~435", "not given"),
        {"success_rate": 0.0, "sequences_mean": "> 200,000"},
        Config({}, {"method": "elman", "hidden": 15, "rate": 0.1}, {"limit": LIMIT}),
    ),
    Row(
        "rcc",
        "RCC",
        _columns("7-9", "~119-198", "not given"),
        {"success_rate": 0.5, "sequences_mean": 182_000},
    ),
    Row(
        "bptt-12",
        "BPTT",
        _columns("12", "494", "0.1"),
        {},  # not in the paper's table
        Config({}, {"method": "bptt", "hidden": 12, "rate": 0.1}, {"limit": LIMIT}),
    ),
    *map(_lstm_row, _LSTM),
    Row(
        "lstm-2000-4x2-0.5",
        "LSTM",
        _columns("4 blocks, size 2", "360", "0.5"),
        {},  # not in the paper's table: the connections of 2000
        Config({}, {"blocks": 4, "block_size": 2, "rate": 0.5, "connections": "2000"}, {"limit": LIMIT}),
    ),
)


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    from carrousel.papers.hochreiter1997._reber_picture import draw

    prepared, found, _ = first_success(REBER, "lstm-3x2-0.5", result, tries=30, limit=LIMIT // 4)
    draw(prepared, path, f"Embedded Reber grammar, 3 blocks of size 2, after {found['sequences']:,} strings")


def _holds(measured: Mapping[str, Mapping[str, Any]]) -> bool:
    return bool(measured["lstm-4x1-0.5"]["success_rate"] > 0)


REBER = Experiment(
    "hochreiter1997/reber",
    "Embedded Reber grammar: predict the next symbol; the second returns as the last but one",
    f"{CITATION}. Experiment 1, table 1",
    _ROWS,
    _prepare,
    _train,
    options={
        "outputs": ("layer", "cells"),
        "targets": ("0.1", "0"),
        "insensitive": ("0", "0.1"),
        "criterion": ("all", "best"),
        "update": ("end", "step"),
        "strings": ("drawn", "distinct"),
        "squash": ("appendix", "caption"),
    },
    trials=30,
    quick=Quick(
        "of three networks of 4 blocks at rate 0.5 one at least predicts all strings within 20,000 training strings",
        _holds,
        ("lstm-4x1-0.5",),
        trials=3,
        config={"limit": 20_000},
    ),
    pictures=(Picture("carrousel", "States, gates and outputs of a trained network over two strings", _draw),),
    outcome="partly",
    finding=(
        "LSTM learns the grammar in nearly all trials and as fast as published, but only with two changes of "
        "ours; the printed network fails in most trials."
    ),
    notes="""\
**Result.** LSTM learns the grammar in nearly all trials, about as fast as published; but not with the network that the
paper prints, which fails in most trials here. Elman's network fails, as published. RTRL never succeeded in six trials
of either size, where some trials of the paper's source did. BPTT, which the paper's table does not have, succeeds in
63% of the trials.

**Two changes make LSTM succeed.** A search found them; the paper does not give them. They are the default here. Both
were chosen by how near the results come to the published ones, so that agreement is no evidence for them.

- Output units see the gates as well as the cells, and their errors reach the gates directly (`outputs=layer`). This
  makes 320 and 318 weights instead of the printed 264 and 276. The paper says in three places that gates do not feed
  the outputs (`outputs=cells`).
- Targets are 0.1 and 0.9 (`targets=0.1`) instead of 0 and 1 (`targets=0`). The paper says nothing of their values.

That outputs see the gates matters most: the table with `targets=0` and `update=step` has this change alone. A tolerance
does as well as the targets: with `insensitive=0.1`, errors of less than 0.1 count as none.

**The printed network** has `outputs=cells` and `targets=0`. It has two tables below, for the paper does not say when
weights change: at a string's end (`update=end`, the default) or after every step (`update=step`).

**The criterion** is the paper's: at every step, the units of all symbols that are possible must be the most active ones
(`criterion=all`). It is milder with `criterion=best`: the most active unit must be that of a possible symbol. With this
criterion, targets of 0.1 and 0.9, and outputs that see the cells alone, 14 of 50 trials succeeded in a second simulator
that is not part of this project.

**Why the printed network fails** was looked at in 32 networks of 3 blocks, of which 28 failed. The criterion is not the
reason. 12 had the inner grammar wrong in more than 400 of the 512 strings. 11 had it wrong in at most 108, and most of
these had not learned the second symbol. Three were looked into step by step: the first block's input gate stands at
0.99 and its states grow to 23, perhaps because outputs have no bias and need something that is always on. Even the
weakest criterion, T more active than P or the reverse where the second symbol is wanted, was met by 0 to 5 of 8
networks within 100,000 strings.

**What did not help.** The second simulator tried these changes of the printed network. None made it succeed in more
than half of 6 to 12 trials, and most in none or one, within 25,000 to 100,000 strings:

- activations that begin at 0.5 after a reset, for gates or for all; traces, states or activations that are not reset;
- updates after the next string's first symbol; strings in permuted or fixed order;
- biases random plus staggered; biased cells; biases of either gates of either sign; initial weights up to 1;
- no error at steps that are right, or where two symbols are legal; targets for all legal symbols, or of 0.5 for both;
- momentum; cross entropy; twice or four times the rate;
- no connection of a unit with itself; gates computed before the cells of the step, or units one after the other;
- other slopes and ranges of g and h, other rates for groups of weights (300 random settings: the best had 3 of 4);
- the exact gradient by back-propagation through time.

Some helped a little. Errors that go back through the output gates' recurrent weights alone help most among the
gradients (about half of the trials). Ranges of [-2, 2] for both g and h, targets of 0.1 and 0.9, and a tolerance help a
little. With three conventional hidden units beside the blocks 7 of 10 trials succeed.

**Further choices.**

- Training and test set have 256 random strings each, as often as they are drawn. No test string is a training string.
  With `strings=distinct` no string occurs twice. Trials take three pairs of sets in turn.
- The squashing functions g and h have the ranges of the paper's appendix, [-2, 2] and [-1, 1]. With `squash=caption`
  they have those of the caption of table 10, the other way round.
- The criterion is looked at after every tenth string.
- The rows of RTRL and Elman are from other papers, whose conditions are not given in full. They run with the same
  strings and criterion.
- Two rows are not in the paper's table: `bptt-12`, the network of RTRL trained by back-propagation through time, and
  `lstm-2000-4x2-0.5`, the network of Gers et al. 2000 without forget gates, whose gates feed nothing and whose outputs
  see the inputs and have biases.""",
)

"""Greff et al. 2015: eight variants of LSTM, each with one thing changed, and the vanilla cell, by random search."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row
from carrousel.papers._networks import SIZE
from carrousel.papers.greff2015._figures import beside_vanilla, summary
from carrousel.papers.greff2015._paper import CITATION
from carrousel.papers.greff2015._trial import prepare, train

__all__ = ["ODYSSEY"]


def _row(name: str, label: str, paper: str, cell: str, *, gate_recurrence: str | None = None) -> Row:
    task = {"pieces": "chorales", "whole": {"max_epochs": 150, "patience": 15}}
    learner = {
        "cell": cell, "gate_recurrence": gate_recurrence, "optimizer": "sgd", "schedule": "constant", "batch_size": 1,
    }  # fmt: skip
    return Row(name, label, {"in the paper": paper}, {}, Config(task, learner, {"max_epochs": 12, "patience": 4}))


ROWS = (
    _row("vanilla", "vanilla: all gates, peepholes", "V", "peephole"),
    _row("no-input-gate", "no input gate", "NIG", "no_input_gate"),
    _row("no-forget-gate", "no forget gate", "NFG", "no_forget_gate"),
    _row("no-output-gate", "no output gate", "NOG", "no_output_gate"),
    _row("no-input-activation", "no input activation", "NIAF", "no_input_activation"),
    _row("no-output-activation", "no output activation", "NOAF", "no_output_activation"),
    _row("no-peepholes", "no peepholes", "NP", "no_peepholes"),
    _row("coupled", "input and forget gate coupled", "CIFG", "coupled_peephole"),
    _row("full-gate-recurrence", "gates hear gates", "FGR", "peephole", gate_recurrence="gates"),
)

_NOTES = """\
**What came out.** In their best fifth the variants take from 8.92 to 9.18 nats a quarter, the vanilla cell 8.94.
Coupled gates and no peepholes are as good as it. Worst are no forget gate (0.24 nats above it), no output activation
(0.22) and full gate recurrence (0.17); a fifth of twenty trials is four, and by Welch's test none of these is sure (p =
0.06, 0.11 and 0.07). The paper, with two hundred trials each, found the same: no variant is better, forget gate and
output activation matter most. Without the output activation six of twenty settings come to nothing.

**Which setting matters** is not what the paper found. There the learning rate explains more than two thirds of the
variance. Here it explains 11 to 45 % of it alone, the units 16 to 63 % and the momentum 10 to 49 %. Twenty settings are
few for three dimensions, and in a training of twelve epochs what counts is the rate over 1 - momentum.

**What is ours.** The paper's chorales are those of JSB, 229 to learn from; these are music21's, as in
`chorales/models`, a frame each quarter note. Its other two sets, speech and handwriting, need licences.

**The search** is the paper's: units from 20 to 200, rate from 1e-6 to 1e-2 and 1 - momentum from 0.01 to 1, all
log-uniform; weights drawn from a Gaussian of deviation 0.1; gradient descent with Nesterov's momentum, a chorale at a
time, with the gradient of all its frames. The twenty settings are the same for all variants, so that differences are
not of the draws. What is compared is chosen on the validation part and judged on the test part. `--set noise=uniform`
adds noise on the input, from 0 to 1, which the paper does not have with chorales.

**Short.** A training has 12 epochs at most and ends after 4 without a lower validation loss; in the paper, and with
`--set size=whole`, 150 and 15. Outputs begin at the shares of the keys, without which small rates would come to
nothing in so few epochs. What diverges, or does worse than the shares of single keys, counts as these: 11.38 nats.
The table takes about 40 minutes of a core; with `--set size=whole --trials 200` some days: `--backend ray` or `dask`
spreads it."""


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    from carrousel.papers.greff2015._picture import draw

    draw(path, ROWS, result)


ODYSSEY = Experiment(
    "greff2015/odyssey",
    "Bach's chorales: which part of an LSTM can be left out, and which of its settings matters",
    CITATION,
    ROWS,
    prepare,
    train,
    trials=20,
    figures=(
        Column("best", "nats a quarter", ".2f"),
        Column("fifth", "best fifth", ".2f"),
        Column("above", "above vanilla", "+.2f"),
        Column("p", "Welch's p", ".3f"),
        Column("median", "median", ".2f"),
        Column("failed", "no better than single keys", "d"),
        Column("of_rate", "of the variance: rate", ".0%"),
        Column("of_units", "units", ".0%"),
        Column("of_momentum", "momentum", ".0%"),
        Column("of_noise", "noise", ".0%"),
    ),
    summary=summary,
    beside=beside_vanilla,
    options={**SIZE, "noise": ("none", "uniform")},
    quick=Quick(
        "of five settings drawn from the paper's space one or more foretell drawn songs of blues better than single "
        "keys do, and others do not",
        lambda rows: 0 < rows["vanilla"]["failed"] < 5,
        ("vanilla",),
        trials=5,
        config={"pieces": "blues", "max_epochs": 1},
    ),
    pictures=(Picture("trials", "All settings that were tried, for each variant", _draw),),
    source="from notes",
    outcome="partly",
    finding=(
        "No variant is better than the vanilla cell; without forget gate, output activation, or with full gate "
        "recurrence an LSTM is worse, though twenty trials each do not make that sure. The learning rate does not "
        "dominate here."
    ),
    notes=_NOTES,
)

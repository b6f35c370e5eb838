"""Hochreiter, Younger & Conwell 2001: families of functions, learned by frozen nets from a few examples."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from carrousel.learning.metalearning import metalearn
from carrousel.papers._experiment import Column, Config, Experiment, Picture, Quick, Row, Trial, mean
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers.hochreiter2001._paper import CITATION
from carrousel.tasks import BooleanFunctions, QuadraticFunctions, SemilinearFunctions

__all__ = ["BOOLEAN", "QUADRATIC", "SEMILINEAR", "by_descent"]

FAMILIES = {"boolean": BooleanFunctions, "semilinear": SemilinearFunctions, "quadratic": QuadraticFunctions}
SHOWN = (1, 5, 10, 30, 64)  # the examples before which errors are printed
TESTED = 500  # functions that nothing was trained on
RATES = (0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # of plain descent


class _Nothing:
    """Stands where a learner is that is made by training."""

    def ready(self) -> None:
        """Has nothing to compile."""


def by_descent(family: str, x: np.ndarray, y: np.ndarray, rate: float) -> np.ndarray:
    """Returns errors of gradient descent on a unit of the family's own form, from zero weights, ``[functions, steps]``.

    Args:
        family: its name. Booleans and semilinear functions are learned by a logistic unit, quadratic ones by a linear
            unit that sees all products.
        x: ``[functions, steps, 2]``.
        y: ``[functions, steps]``.
        rate: of descent on half the squared error, after every example.
    """
    u, v = x[:, :, 0], x[:, :, 1]
    terms = [u * u, v * v, u * v, u, v, np.ones_like(u)] if family == "quadratic" else [u, v, np.ones_like(u)]
    seen = np.stack(terms, 2)
    w = np.zeros((len(x), seen.shape[2]))
    errors = np.zeros_like(y)
    for t in range(y.shape[1]):
        total = (w * seen[:, t]).sum(1)
        said = total + 0.5 if family == "quadratic" else 1.0 / (1.0 + np.exp(-total))
        errors[:, t] = y[:, t] - said
        slope = 1.0 if family == "quadratic" else said * (1.0 - said)
        w += rate * (errors[:, t] * slope)[:, None] * seen[:, t]
    return errors


def _prepare(setting: Setting) -> Prepared:
    return Prepared(_Nothing(), FAMILIES[setting.config["family"]](length=setting.config["length"]))


def _train(prepared: Prepared, setting: Setting) -> Found:
    """Trains a net and has it learn functions that it was not trained on; or has descent learn them."""
    config, task = setting.config, prepared.task
    seeds = setting.rng.integers(0, 2**31, 2).tolist()
    drawn = task.draw(np.random.default_rng([seeds[1], 7]), TESTED)
    x = drawn.inputs.reshape(TESTED, task.length, 3)
    y = drawn.targets.reshape(TESTED, task.length).astype(np.float64)
    if config["cell"] == "descent":
        taught = task.draw(setting.apart(1), TESTED)  # by which the rate is chosen
        arguments = taught.inputs.reshape(TESTED, task.length, 3)[:, :, :2].astype(np.float64)
        values = taught.targets.reshape(TESTED, task.length).astype(np.float64)
        sums = [(by_descent(config["family"], arguments, values, rate)[:, -8:] ** 2).mean() for rate in RATES]
        errors = by_descent(config["family"], x[:, :, :2].astype(np.float64), y, RATES[int(np.argmin(sums))])
        about = {"weights": 6 if config["family"] == "quadratic" else 3, "steps": TESTED * task.length}
    else:
        learner = metalearn(
            task, config["hidden"], cell=config["cell"], rate=config["rate"], epochs=config["epochs"],
            batches=config["batches"], seed=seeds[0],
        )  # fmt: skip
        with torch.no_grad():
            lengths = torch.full((TESTED,), task.length)
            said = learner.network(torch.from_numpy(x), lengths)[:, :, 0].double().numpy()  # type: ignore[misc]
        errors, batch = y - said, 32
        steps = config["epochs"] * config["batches"] * batch * task.length
        about = {"weights": learner.weight_count, "steps": steps}
    by_example = (errors**2).mean(0)
    own_mean = ((y - y.mean(1, keepdims=True)) ** 2).mean()
    found = {f"error_{k}": float(by_example[k - 1]) for k in SHOWN if k <= task.length}
    last = float(by_example[-min(8, task.length) :].mean())
    return {"success": bool(last < own_mean), **found, "last": last, "own_mean": float(own_mean), **about}


def _summary(trials: Sequence[Trial]) -> dict[str, Any]:
    keys = [*(f"error_{k}" for k in SHOWN), "last", "own_mean"]
    return {key: mean([one[key] for one in trials if key in one]) for key in keys}


def _rows(family: str, length: int, hidden: int, rate: float, epochs: int, batches: int) -> tuple[Row, ...]:
    rows = []
    for name, label, cell in (
        ("lstm", "LSTM", "lstm"),
        ("without-forget-gate", "LSTM without forget gate", "no_forget_gate"),
        ("elman", "Elman network", "elman"),
        ("descent", "gradient descent, its best rate", "descent"),
    ):
        learner = {"cell": cell, "hidden": hidden, "rate": rate}
        config = Config({"family": family, "length": length}, learner, {"epochs": epochs, "batches": batches})
        rows.append(Row(name, label, {"units": str(hidden) if cell != "descent" else "1"}, {}, config))
    return tuple(rows)


def _draw(path: Path, result: Mapping[str, Any]) -> None:
    """Draws what each row errs before the examples of ``SHOWN``, and the error of who knows each function's mean."""
    from carrousel.papers.hochreiter2001 import EXPERIMENTS
    from carrousel.pictures.style import COLOURS, GREY, legend_beside, new_figure, save, tidy

    experiment = next(one for one in EXPERIMENTS if one.name == result["experiment"])
    family = experiment.name.partition("/")[2]
    figure = new_figure(9, 3.6, f"Errors by the number of examples of an unseen function ({family})")
    axes = figure.subplots()
    entries = [entry for entry in result["rows"] if "measured" in entry]
    for entry, colour in zip(entries, COLOURS, strict=False):
        errors = {k: entry["measured"][f"error_{k}"] for k in SHOWN}
        there = [k for k, error in errors.items() if error is not None]
        label = experiment.row(entry["row"]).label
        axes.plot(there, [errors[k] for k in there], "o-", color=colour, markersize=4, label=label)
    axes.axhline(
        entries[0]["measured"]["own_mean"], color=GREY, linestyle=(0, (4, 3)), label="each function's own mean"
    )
    axes.set(xscale="log", yscale="log", xlabel="example", ylabel="mean squared error")
    axes.set_xticks([k for k in SHOWN if k <= experiment.config("lstm")["length"]])
    axes.xaxis.set_major_formatter("{x:.0f}")
    axes.minorticks_off()
    tidy(axes, grid=True)
    legend_beside(axes)
    save(figure, path)


_NOTES = """\
The paper's sizes, rates, lengths and tables of errors are not known. Here a net's input is the two arguments and the
last target, its output is logistic, a new function is drawn for every sequence, and states begin at zero with it. It
is trained by Adam on squared errors from the first step on, in batches of 32 sequences; then its weights are frozen.
Errors are mean squares over 500 functions that nothing was trained on, before the example of that number is shown.
Beside them stands what one gets who knows each function's own mean, and gradient descent on a unit of the family's own
form, from zero weights, with the rate out of six that leaves least on other functions."""

QUICK = {"epochs": 20, "batches": 40, "length": 24, "hidden": 16, "rate": 0.02}


def _experiment(
    family: str,
    title: str,
    length: int,
    hidden: int,
    outcome: str,
    finding: str,
    more: str = "",
    *,
    rate: float = 0.03,
    epochs: int = 60,
    batches: int = 60,
) -> Experiment:
    return Experiment(
        f"hochreiter2001/{family}",
        f"Learn to learn {title} from a few examples, with frozen weights",
        CITATION,
        _rows(family, length, hidden, rate, epochs, batches),
        _prepare,
        _train,
        trials=3,
        figures=(
            *(Column(f"error_{k}", f"before example {k}", ".5f") for k in SHOWN if k <= length),
            Column("last", "last 8", ".5f"),
            Column("own_mean", "own mean", ".5f"),
        ),
        summary=_summary,
        quick=Quick(_CLAIM, _holds, ("lstm",), config=QUICK),
        pictures=(Picture("errors", "Errors by the number of examples", _draw),),
        source="from memory",
        outcome=outcome,
        finding=finding,
        notes=more + _NOTES,
    )


def _holds(measured: Mapping[str, Mapping[str, Any]]) -> bool:
    found = measured["lstm"]
    return bool(found["last"] < 0.6 * found["error_1"])


_CLAIM = "a frozen net errs less after a few examples of a function than before the first"
BOOLEAN = _experiment(
    "boolean",
    "Boolean functions of two arguments",
    32,
    16,
    "yes",
    "A frozen LSTM errs 0.015 before the tenth example of a Boolean function and less than 0.0001 before the "
    "thirtieth, where descent errs 0.11 and 0.04; an Elman network hardly learns to learn.",
    "The nets make 3,600 updates. Of the sixteen functions the fourteen are drawn that a line divides, so that\n"
    "descent can learn them too. LSTM with and without forget gates do alike. The Elman network errs little less than\n"
    "one who knows each function's mean.\n\n",
)
SEMILINEAR = _experiment(
    "semilinear",
    "logistic units of two arguments",
    32,
    24,
    "yes",
    "A frozen LSTM errs a quarter of what descent does before the tenth example, and as much before the thirtieth; an "
    "Elman network hardly learns to learn.",
    "The nets make 3,600 updates. Without forget gates LSTM errs a third more.\n\n",
)
QUADRATIC = _experiment(
    "quadratic",
    "quadratic functions of two arguments",
    64,
    32,
    "yes",
    "A frozen LSTM of 4,769 weights errs before the thirtieth example of a quadratic function what descent on the six "
    "coefficients errs after sixty; an Elman network learns no more than the functions' means.",
    "The nets make 30,000 updates, a minute and a half of a core each. After 3,600 at a rate of 0.03 little more was\n"
    "learned than the mean of the function, and after 10,000 at 0.003, with another seed, no more. Without forget\n"
    "gates LSTM errs about twice as much. Descent knows the family's form here, six coefficients; that of the paper,\n"
    "on a network, takes about 1,000 examples.\n\n",
    rate=0.01,
    epochs=300,
    batches=100,
)

"""Tables in Markdown of what the benches kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from carrousel.bench._classification import Outcome, by_data, ranks
from carrousel.bench._forecasts import BOUNDS, ENOUGH, Record
from carrousel.bench._goals import GOALS, Goal, Reached
from carrousel.bench._kept import METHOD
from carrousel.bench._series import CASES
from carrousel.bench._streams import WINDOWS, Judged, OverTime

__all__ = ["forecast_table", "goal_table", "learner_table", "markdown", "outcome_table", "stream_table"]

COLUMNS = {
    "classification": {
        "logistic, steps": "logistic regression on raw steps",
        "logistic, summary": "logistic regression on summary features",
        "1-NN": "1-nearest neighbour",
        "MiniRocket": "random convolutions (MiniRocket)",
        "most frequent": "most frequent class",
    },
    "regression": {
        "ridge, steps": "ridge on raw steps",
        "ridge, summary": "ridge on summary features",
        "1-NN": "1-nearest neighbour",
        "MiniRocket": "random convolutions (MiniRocket)",
        "mean": "mean",
    },
}
"""The simple methods of a task, by the heads of their columns."""


def markdown(head: Iterable[str], rows: Iterable[Iterable[str]], numbers: Iterable[int] = ()) -> str:
    """Returns a table; the columns of these numbers stand to the right."""
    names = list(head)
    marks = ["---:" if k in set(numbers) else "---" for k in range(len(names))]
    return "\n".join("| " + " | ".join(line) + " |" for line in [names, marks, *(list(row) for row in rows)])


def forecast_table(records: list[Record]) -> str:
    """Returns the table of all series in Markdown: MAE, coverage of 80 %, and what is wanted."""
    head = ["series", "best simple method", "its MAE", "LSTM", "± seeds", "LSTM / best", "wanted", "80 % holds", "use"]
    lines, inside = [], []
    for name, case in CASES.items():
        own = [record for record in records if record["series"] == name]
        if not own:
            continue
        row, coverage = _row(case, own)
        lines.append(row)
        inside.append(coverage)
    if not inside:
        return "Not measured yet: `carrousel bench forecasts` does."
    table = markdown(head, lines, range(2, 8))
    seeds = len({record["seed"] for record in records})
    origins = min(record["origins"] for record in records)
    return (
        f"{table}\n\nMAE over every origin of the last fifth ({origins} or more), fitted twice, mean of {seeds} seeds. "
        f"Intervals of 80 % hold {np.mean(inside):.0%} of the values in the mean over series."
    )


def _row(case: Any, own: list[Record]) -> tuple[list[str], float]:
    ours = [next(m for m in record["methods"].values() if not m["simple"]) for record in own]
    simple = {name: m["MAE"] for name, m in own[0]["methods"].items() if m["simple"]}
    best = min(simple, key=lambda name: simple[name])
    errors = np.array([m["MAE"] for m in ours])
    mae, coverage = float(errors.mean()), float(np.mean([m["coverage"] for m in ours]))
    limit = simple[best] if case.wanted is None else case.wanted
    gap = simple[best] - mae if abs(simple[best] - mae) > 1e-9 * mae else 0.0
    wanted = "≤ best" if case.wanted is None or (mae > limit and gap >= 0) else f"≤ {case.wanted:g}"
    missed = "" if case.wanted is None or mae <= limit or gap < 0 else f", not ≤ {case.wanted:g}"
    between = float(errors.std(ddof=1)) if np.ptp(errors) > 1e-9 * mae else 0.0
    known = [record["uncertainty"] for record in own if record["uncertainty"] is not None]
    doubt = float(np.sqrt(np.mean(np.square(known)) + between**2 / len(own))) if len(known) == len(own) else None
    sure = doubt is not None and gap != 0 and abs(gap) > 2 * doubt
    use = ("LSTM" if gap > 0 else best) if sure else f"{best}, which is simpler" if gap <= 0 else f"LSTM or {best}"
    judged = own[0]["origins"] * own[0]["horizon"] >= ENOUGH
    off = judged and not BOUNDS[0] <= coverage <= BOUNDS[1]
    return [
        f"{case.title}, {case.horizon} ahead",
        best,
        f"{simple[best]:.4g}",
        f"{mae:.4g}",
        f"{between:.2g}",
        f"{mae / simple[best]:.3f}",
        wanted + (" ✓" if mae <= limit or gap >= 0 else " ✗") + missed,
        f"{coverage:.0%}" + (" ✗" if off else ""),
        use,
    ], coverage


def stream_table(judged: Sequence[Judged]) -> str:
    """Returns the table of the stream learner beside simple methods."""
    rivals = list(dict.fromkeys(name for each in judged for name in each.rivals))
    rows = []
    for each in judged:
        errors = {name: f"{error:.4g}" for name, error in each.rivals.items()}
        errors[each.best] = f"*{errors[each.best]}*"
        season = "" if each.season is None else f", season {each.season}"
        spread = f"{min(each.seeds):.4g} to {max(each.seeds):.4g}"
        shown = [errors.get(name, "–") for name in rivals]
        rows.append([each.name + season, f"{each.mean:.4g}", spread, *shown, f"{each.ratio:.2f}"])
    return markdown(["stream", "the learner", "over the seeds", *rivals, "of the *best*"], rows)


def learner_table(found: Sequence[OverTime]) -> str:
    """Returns the table of the ways to learn from a stream, early and late."""
    rows, head = [], ["stream", "lines"]
    for each in found:
        head = ["stream", "lines", *each.errors]
        for k, (first, last) in enumerate(WINDOWS):
            errors = [own[k] for own in each.errors.values()]
            known = [error for error in errors if error is not None]
            if len(known) < len(errors):
                continue
            shown = [f"**{error:.4g}**" if error == min(known) else f"{error:.4g}" for error in known]
            rows.append([each.name, f"{first + 1:,} to {last:,}", *shown])
    return markdown(head, rows)


def goal_table(reached: Sequence[Reached], page: str | None = None) -> str:
    """Returns the table of the goals of a page, or of all: what was asked and what came out, beside a simple method."""
    rows = []
    for name, goal in GOALS.items():
        own = [one for one in reached if one.data == name and page in (None, goal.page)]
        if own:
            rows.append(_goal_row(goal, own))
    if not rows:
        return "Not measured yet: `carrousel bench goals` does."
    head = ["data", "figure", "wanted", METHOD, "best simple method", "other figures", "weights", "seconds"]
    return markdown(head, rows, (3, 6, 7))


def _goal_row(goal: Goal, own: Sequence[Reached]) -> list[str]:
    figures = [one.figures[METHOD][goal.metric] for one in own]
    ours = float(np.mean(figures))
    simple = {method: each[goal.metric] for method, each in own[0].figures.items() if method != METHOD}
    best = (min if goal.at_most else max)(simple, key=lambda method: simple[method])

    def no_worse(limit: float) -> bool:
        return ours <= limit if goal.at_most else ours >= limit

    asked = [] if goal.wanted is None else [(f"{'≤' if goal.at_most else '≥'} {goal.wanted:g}", no_worse(goal.wanted))]
    if goal.above_simple:
        asked.append(("better than all simple methods", no_worse(simple[best]) and ours != simple[best]))
    spread = f" ± {np.std(figures, ddof=1):.2g}" if len(figures) > 1 else ""
    shown = [f"{what} {np.mean([one.figures[METHOD][what] for one in own]):.3g}" for what in goal.shows]
    return [
        f"`{goal.data}`",
        goal.metric,
        ", ".join(f"{words} {'✓' if kept else '✗'}" for words, kept in asked),
        f"{ours:.4g}{spread} ({len(own)} seed{'s' * (len(own) > 1)})",
        f"{best}: {simple[best]:.4g}",
        ", ".join(shown) or "–",
        f"{own[0].weights:,}",
        f"{np.mean([one.seconds for one in own]):.0f}",
    ]


def outcome_table(measured: Sequence[Outcome], task: str) -> str:
    """Returns the table of a task's data sets, and of the mean ranks of all methods."""
    columns = {head: name for head, name in COLUMNS[task].items() if any(name in each.scores for each in measured)}
    rows = []
    for data, each in by_data(measured, task).items():
        learned, tested, steps, channels, classes = each[0].shape
        ours = [outcome.scores[METHOD] for outcome in each]
        known = [each[0].scores[name] for name in columns.values() if name in each[0].scores]
        best = (max if task == "classification" else min)([float(np.mean(ours)), *known])

        def figure(value: float | None, best: float = best) -> str:
            return "–" if value is None else f"**{value:.3g}**" if value == best else f"{value:.3g}"

        spread = f"{figure(float(np.mean(ours)))} ± {np.std(ours, ddof=1):.2g}" if len(ours) > 1 else figure(ours[0])
        kinds = f", {classes} classes" if classes else ""
        epochs, seconds = ([getattr(o, name) for o in each] for name in ("epochs", "seconds"))
        rows.append(
            [data + kinds, f"{learned} / {tested}", f"{steps} × {channels}", spread]
            + [figure(each[0].scores.get(name)) for name in columns.values()]
            + [f"{np.mean(epochs):.0f}", f"{np.mean(seconds):.0f}"]
        )
    convolutions = COLUMNS[task]["MiniRocket"]
    for words, without in (("mean rank", ()), ("mean rank, without MiniRocket", (convolutions,))):
        if without and "MiniRocket" not in columns:
            continue
        found = ranks(measured, task, without)
        cells = [f"{found[name]:.2f}" if name in found else "–" for name in (METHOD, *columns.values())]
        rows.append([f"*{words}*", "", "", *cells, "", ""])
    return markdown(["data", "training / test", "steps × channels", METHOD, *columns, "epochs", "seconds"], rows)

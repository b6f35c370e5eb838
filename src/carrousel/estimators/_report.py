"""A model beside the simple methods, and a plain word on which wins."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["Report", "Score", "figure"]


@dataclass(frozen=True)
class Score:
    """One method's figures on the test data.

    Attributes:
        method: its name for people, such as ``"LSTM"`` and ``"seasonal naive (24)"``.
        simple: whether it is a simple method, and not the model.
        metrics: values by the names of the metrics.
    """

    method: str
    simple: bool
    metrics: dict[str, float]


@dataclass(frozen=True)
class Report:
    """A model beside simple methods on the same test data; what ``estimator.report(...)`` returns.

    Attributes:
        task: ``"classification"``, ``"regression"`` or ``"forecast"``.
        metric: the deciding metric, a key of every ``Score.metrics``.
        higher_is_better: how to read it.
        scores: the model first, then the simple methods.
        count: test items: sequences, or forecast origins.
        uncertainty: standard error of the difference between the model and the best simple method, over the test items
            (paired; that of forecasts knows that origins overlap); None where it is not known.
        notes: sentences that stand below the verdict.
        items: what the test items are called.

    >>> lstm, naive = Score("LSTM", False, {"MAE": 2.0}), Score("naive", True, {"MAE": 1.5})
    >>> print(Report("forecast", "MAE", False, (lstm, naive), 20, items="origins"))  # doctest: +NORMALIZE_WHITESPACE
    method   MAE
    LSTM       2
    naive*   1.5
    naive, a simpler method, wins: MAE 1.5 against 2 of LSTM (20 origins). How much of the difference is chance is not
    known. Use it, or give LSTM more data or tuning.
    """

    task: str
    metric: str
    higher_is_better: bool
    scores: tuple[Score, ...]
    count: int
    uncertainty: float | None = None
    notes: tuple[str, ...] = ()
    items: str = "test sequences"

    @property
    def model(self) -> Score:
        """The model's figures."""
        return next(score for score in self.scores if not score.simple)

    @property
    def best_simple(self) -> Score:
        """The figures of the best simple method."""
        return max((score for score in self.scores if score.simple), key=self._merit)

    @property
    def winner(self) -> Score:
        """The best method; on a tie the simple one."""
        return max(self.scores, key=lambda score: (self._merit(score), score.simple))

    def _merit(self, score: Score) -> float:
        value = score.metrics[self.metric]
        return value if self.higher_is_better else -value

    @property
    def simpler_wins(self) -> bool:
        """Whether a simple method does as well as the model or better."""
        return self.winner.simple

    @property
    def clear(self) -> bool:
        """Whether the difference to the best simple method exceeds two of its standard errors (False if unknown)."""
        gap = abs(self._merit(self.model) - self._merit(self.best_simple))
        return self.uncertainty is not None and gap > 2 * self.uncertainty

    @property
    def verdict(self) -> str:
        """One or two plain sentences: which method wins, by what, and what follows."""
        model, other = self.model, self.best_simple
        ours, theirs = (figure(score.metrics[self.metric]) for score in (model, other))
        tail = f"({self.count} {self.items})"
        unknown = " How much of the difference is chance is not known."
        within = unknown if self.uncertainty is None else " The difference is within what chance explains."
        doubt = "" if self.clear else within
        if self._merit(model) == self._merit(other):
            return f"{other.method}, a simpler method, does as well: {self.metric} {theirs} {tail}. Use it."
        if self.simpler_wins:
            return (
                f"{other.method}, a simpler method, wins: {self.metric} {theirs} against {ours} of {model.method} "
                f"{tail}.{doubt} Use it, or give {model.method} more data or tuning."
            )
        return f"{model.method} wins: {self.metric} {ours} against {theirs} of {other.method} {tail}.{doubt}"

    def to_dict(self) -> dict[str, Any]:
        """Returns all as plain JSON values; ``winner``, ``simpler_wins``, ``clear`` and ``verdict`` included."""
        fields = {**asdict(self), "scores": [asdict(score) for score in self.scores]}
        for score in fields["scores"]:
            score["metrics"] = {name: v if math.isfinite(v) else None for name, v in score["metrics"].items()}
        judgement = {"simpler_wins": self.simpler_wins, "clear": self.clear, "verdict": self.verdict}
        return {**fields, "winner": self.winner.method, **judgement}

    def __str__(self) -> str:
        """Returns a table in plain text with the winner starred, the verdict and the notes below it."""
        names = list(self.scores[0].metrics)
        rows = [["method", *names]]
        for score in self.scores:
            star = "*" if score is self.winner else ""
            rows.append([score.method + star, *(figure(score.metrics.get(name, math.nan)) for name in names)])
        widths = [max(len(row[k]) for row in rows) for k in range(len(rows[0]))]
        lines = [
            "  ".join([row[0].ljust(widths[0] + 1), *(c.rjust(w) for c, w in zip(row[1:], widths[1:], strict=True))])
            for row in rows
        ]
        return "\n".join([*lines, self.verdict, *self.notes])


def figure(value: float) -> str:
    """Returns a number as a table shows it, a dash for NaN."""
    return "-" if math.isnan(value) else f"{value:.4g}"

"""A model beside the simple methods, and a plain word on which wins."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Score:
    """One method's figures on the test data.

    ``method`` is its name for people (``"LSTM"``, ``"seasonal naive (24)"``), ``simple`` tells the baselines from
    the model, ``metrics`` maps metric names to values.
    """

    method: str
    simple: bool
    metrics: dict[str, float]


@dataclass(frozen=True)
class Report:
    """A model beside simple methods on the same test data; what ``estimator.report(...)`` returns.

    Attributes
    ----------
    task : ``"classification"``, ``"regression"`` or ``"forecast"``.
    metric : the deciding metric, a key of every ``Score.metrics``.
    higher_is_better : how to read it.
    scores : the model first, then the simple methods.
    count : test items (sequences, or forecast origins).
    uncertainty : standard error of the difference between the model and the best simple method, over the test items
        (paired); None where the items are not independent (forecast origins overlap).
    """

    task: str
    metric: str
    higher_is_better: bool
    scores: tuple[Score, ...]
    count: int
    uncertainty: float | None = None

    @property
    def winner(self) -> Score:
        """The best method; on a tie the simple one."""
        sign = 1.0 if self.higher_is_better else -1.0
        return max(self.scores, key=lambda s: (sign * s.metrics[self.metric], s.simple))

    @property
    def simpler_wins(self) -> bool:
        """Whether a simple method does as well as the model or better."""
        return self.winner.simple

    @property
    def verdict(self) -> str:
        """One plain sentence: which method wins, by what."""
        raise NotImplementedError

    def to_dict(self) -> dict[str, Any]:
        """Everything as plain JSON values, ``winner``, ``simpler_wins`` and ``verdict`` included."""
        raise NotImplementedError

    def __str__(self) -> str:
        """A table in plain text, the verdict below it."""
        raise NotImplementedError

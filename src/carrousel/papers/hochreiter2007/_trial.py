"""A trial on proteins: LSTM, or a logistic regression on how often residues or triples of them occur."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from carrousel.data import Sequences, load_sequences
from carrousel.papers._estimated import Estimated, fold, learned, seed_of
from carrousel.papers._experiment import Trial, mean
from carrousel.papers._networks import sized
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.papers.hochreiter2007._families import made_families

__all__ = ["FOLDS", "counted", "prepare", "roc", "summary", "train"]

FOLDS = 5
FALSE = 50  # false positives at which ROC50 ends


class _Linear(Prepared):
    """A logistic regression, which needs no compiling."""

    def ready(self) -> None:
        """Does nothing."""


def prepare(setting: Setting) -> Prepared:
    """Returns the method of a row, with what it learns from and what it is judged on."""
    config = sized(setting)
    task, about = config.task, config.learner
    if task["data"] == "families":
        names = ("families", "members", "strangers", "tested", "shortest", "longest")
        # All methods of a trial see the same superfamily.
        parts = made_families(setting.apart(1), **{name: task[name] for name in names})
    else:
        data = load_sequences("protein-location")
        assert data.y is not None
        kept, left = fold(data.y.tolist(), FOLDS, setting.number)
        parts = data.take(kept), data.take(left)
    if about["method"] != "lstm":
        return _Linear(int(about["method"][0]), *parts)
    from carrousel.estimators import LSTMClassifier

    options = {name: value for name, value in {**about, **config.until}.items() if name != "method"}
    return Estimated(LSTMClassifier(**options, validation=None, rivals="linear", random_state=seed_of(setting)), *parts)


def train(prepared: Prepared, setting: Setting) -> Found:
    """Learns, and returns the accuracy and both areas on what was left out, with the seconds that judging it took."""
    train, test = prepared.task, prepared.sets
    positive = "in" if "in" in test.y else "membrane"
    if isinstance(prepared, _Linear):
        from sklearn.linear_model import LogisticRegressionCV

        found: Found = {"success": True, "steps": int(sum(map(len, train.X)))}
        model: Any = LogisticRegressionCV(
            Cs=np.logspace(-1, 3, 5), max_iter=300, cv=3, l1_ratios=(0,), scoring="neg_log_loss",
            use_legacy_attributes=False,
        )  # fmt: skip
        model.fit(counted(train, prepared.learner), train.y)
        start = time.perf_counter()
        said = model.predict_proba(counted(test, prepared.learner))
    else:
        model, found = learned(prepared)
        start = time.perf_counter()
        said = model.predict_proba(test.X)
    seconds = time.perf_counter() - start
    score, right = said[:, list(model.classes_).index(positive)], model.classes_[said.argmax(axis=1)] == test.y
    whole, first = (roc(score, test.y == positive, most) for most in (None, FALSE))
    accuracy = float(right.mean())
    return {**found, "accuracy": accuracy, "roc": whole, "roc50": first, "judging": seconds, "fold": setting.number}


def counted(data: Sequences, longest: int) -> Any:
    """Returns the counts of all runs of up to ``longest`` residues, of length 1 each row, and its length's logarithm.

    >>> import numpy as np
    >>> from carrousel.data import make_sequences
    >>> data = make_sequences([np.eye(20)[[0, 0, 2]]], None, name="one")
    >>> counted(data, 1).toarray().round(2)[0, :4].tolist()
    [0.89, 0.0, 0.45, 0.0]
    """
    import scipy.sparse
    from sklearn.preprocessing import normalize

    rows, columns = [], []
    width = sum(20**n for n in range(1, longest + 1))
    for row, x in enumerate(data.X):
        residues, first = x.argmax(axis=1), 0
        for n in range(1, longest + 1):
            runs = np.zeros(max(0, len(x) - n + 1), dtype=np.int64)
            for k in range(n):
                runs = 20 * runs + residues[k : len(runs) + k]
            columns.append(first + runs)
            rows.append(np.full(len(runs), row))
            first += 20**n
    places = np.concatenate(rows), np.concatenate(columns)
    counts = scipy.sparse.csr_matrix((np.ones(len(places[0])), places), shape=(len(data), width))
    lengths = np.log([[len(x)] for x in data.X]) - 5.5
    return scipy.sparse.hstack([normalize(counts), 0.1 * lengths], format="csr")


def roc(score: np.ndarray, positive: np.ndarray, most: int | None = None) -> float:
    """Returns the area under the curve of true over false positives, up to ``most`` false ones, as a share of 1.

    >>> roc(np.array([3.0, 2.0, 1.0]), np.array([True, False, True]))
    0.5
    >>> roc(np.array([3.0, 2.0, 1.0, 0.0]), np.array([True, False, True, False]), 1)
    0.5
    """
    negatives = np.sort(score[~positive])[::-1]
    negatives = negatives if most is None else negatives[:most]
    above = (score[positive][None] > negatives[:, None]) + 0.5 * (score[positive][None] == negatives[:, None])
    return float(above.mean())


def summary(trials: Sequence[Trial]) -> dict[str, Any]:
    """Returns means over the trials, and the deviation of the accuracy over whole divisions into folds."""
    keys = ("accuracy", "roc", "roc50", "judging")
    found: dict[str, Any] = {key: mean([trial[key] for trial in trials]) for key in keys}
    divided: dict[int, list[float]] = {}
    for trial in trials:
        divided.setdefault(trial["fold"] // FOLDS, []).append(trial["accuracy"])
    means = [float(np.mean(each)) for each in divided.values()]
    found["accuracy_sd"] = float(np.std(means, ddof=1)) if len(means) > 1 else None
    return found

"""The best weights from what cells say to what outputs should say: by pseudo-inverse, or by support vectors."""

from __future__ import annotations

import numpy as np

__all__ = ["READOUTS", "fitted_readout", "with_ones"]

READOUTS = ("pinv", "svm")


def with_ones(seen: np.ndarray) -> np.ndarray:
    """Returns what a readout sees, ``[..., features]``, with a 1 as the last of each row."""
    return np.concatenate([seen, np.ones((*seen.shape[:-1], 1))], axis=-1)


def fitted_readout(
    seen: np.ndarray, wanted: np.ndarray, how: str = "pinv", *, C: float = 1.0, epsilon: float = 0.01
) -> np.ndarray:
    """Returns the weights of linear outputs, ``[features + 1, outputs]``, the last row being biases.

    Args:
        seen: ``[rows, features]``; for ``"pinv"`` also many at a time, ``[..., rows, features]``.
        wanted: ``[rows, outputs]``, the same for all.
        how: ``"pinv"``: the least squares of all errors, by the pseudo-inverse; of several solutions the shortest.
            ``"svm"``: each output by support vector regression with a linear kernel, scikit-learn's ``SVR``.
        C: of the support vectors: what an error costs.
        epsilon: likewise: errors up to this cost nothing.

    Raises:
        ValueError: ``how`` is neither.

    >>> seen = np.random.default_rng(0).normal(size=(20, 3))
    >>> fitted_readout(seen, seen @ [[2.0], [3.0], [-1.0]] + 0.5).round(6).ravel().tolist()
    [2.0, 3.0, -1.0, 0.5]
    """
    if how == "pinv":
        features = with_ones(seen)
        rows, columns = features.shape[-2:]
        return np.linalg.pinv(features, rcond=np.finfo(np.float64).eps * max(rows, columns)) @ wanted
    if how != "svm":
        raise ValueError(f"readout must be one of {', '.join(READOUTS)}; got {how!r}")
    from sklearn.svm import SVR

    found = []
    for goals in wanted.T:
        machine = SVR(kernel="linear", C=C, epsilon=epsilon).fit(seen, goals)
        found.append(np.concatenate([machine.coef_[0], machine.intercept_]))
    return np.stack(found, axis=1)

"""river's own checks of estimators."""

from __future__ import annotations

import pytest

river = pytest.importorskip("river")
from river import checks  # noqa: E402

from carrousel.streams.river import LSTMAnomalyDetector, LSTMClassifier, LSTMRegressor, MetalearnedRegressor  # noqa: E402

CASES = [
    pytest.param(model, check, id=f"{type(model).__name__}-{check.__name__}-{k}")
    for model in (
        LSTMRegressor(hidden_size=3),
        LSTMClassifier(hidden_size=3),
        LSTMAnomalyDetector(hidden_size=3),
        MetalearnedRegressor(),
    )
    for k, check in enumerate(checks.yield_checks(model))
]


@pytest.mark.parametrize(("model", "check"), CASES)
def test_river_s_checks(model, check):
    check(model.clone())

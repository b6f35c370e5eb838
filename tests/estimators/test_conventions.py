"""scikit-learn's own checks of its conventions, on every estimator of the room."""

import pytest
from sklearn.base import clone
from sklearn.utils import estimator_checks, get_tags
from sklearn.utils.estimator_checks import parametrize_with_checks

from carrousel.estimators import ESTIMATORS, LSTMForecaster, __all__

# Small, quick, and able to learn what the checks demand.
SMALL = {"hidden_size": 12, "bidirectional": False, "max_epochs": 30, "batch_size": 16}
SMALL |= {"learning_rate": 0.03, "dropout": 0.0, "input_noise": 0.0}
PER_SEQUENCE = [kind for kind in ESTIMATORS if kind is not LSTMForecaster]


def test_registry_names_every_estimator():
    assert {kind.__name__ for kind in ESTIMATORS} == {name for name in __all__ if name.startswith("LSTM")}


@parametrize_with_checks([kind(**SMALL) for kind in PER_SEQUENCE])
def test_sklearn_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize(
    "check",
    [
        estimator_checks.check_estimator_cloneable,
        estimator_checks.check_estimator_repr,
        estimator_checks.check_no_attributes_set_in_init,
        estimator_checks.check_parameters_default_constructible,
        estimator_checks.check_get_params_invariance,
        estimator_checks.check_set_params,
        estimator_checks.check_do_not_raise_errors_in_init_or_set_params,
        estimator_checks.check_valid_tag_types,
        estimator_checks.check_estimator_tags_renamed,
        estimator_checks.check_mixin_order,
    ],
    ids=lambda check: check.__name__,
)
def test_checks_of_parameters_on_the_forecaster(check):
    check("LSTMForecaster", LSTMForecaster())


@pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda kind: kind.__name__)
def test_defaults_survive_clone(kind):
    estimator = kind(hidden_size=7, cell="elman(squash=relu)")
    assert clone(estimator).get_params() == estimator.get_params()


@pytest.mark.parametrize("kind", PER_SEQUENCE, ids=lambda kind: kind.__name__)
def test_tags_announce_sequences(kind):
    assert get_tags(kind()).input_tags.three_d_array

"""The parameters of all estimators are declared once, and what was saved before they were still loads."""

from __future__ import annotations

import inspect
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone

import carrousel
from carrousel.cli._options import defaults_of
from carrousel.data import make_sequences, make_series, make_tagged, make_transcribed
from carrousel.estimators import (
    ESTIMATORS,
    LSTMClassifier,
    LSTMForecaster,
    LSTMRegressor,
    LSTMTagger,
    LSTMTranscriber,
    ModelError,
    Recipe,
    load,
)
from carrousel.estimators._recipe import OfLSTM
from carrousel.training._checkpoint import read_checkpoint

from .conftest import fresh, outputs

EVERY = pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda kind: kind.__name__)
OF_BEFORE = pytest.mark.parametrize("kind", [LSTMClassifier, LSTMRegressor])
SAVED = Path(__file__).parent / "saved"

# What a network of an estimator decides itself: its input, its layout, and dropout, which is above the LSTM too.
DECIDED = {"input_size", "bias", "batch_first", "dropout", "device", "dtype"}


def test_every_option_of_the_lstm_is_in_the_recipe() -> None:
    """An option is written in three places: the LSTM's signature, its docstring, and the recipe."""
    options = inspect.signature(carrousel.LSTM).parameters.keys() - DECIDED
    assert {field.name for field in fields(OfLSTM)} == options
    for name in options:
        assert f"{name}:" in carrousel.LSTM.__doc__, name


@EVERY
def test_the_recipe_s_parameters_are_every_estimator_s(kind) -> None:
    names = {field.name for field in fields(Recipe)}
    parameters = inspect.signature(kind).parameters
    assert names <= set(parameters)
    assert set(kind().get_params()) == set(parameters)
    body = inspect.getsource(kind)
    assert "def __init__" not in body
    for name in ("forget_bias", "zoneout", "weight_decay", "max_epochs"):
        assert f"{name}:" not in body, "declared again"


@EVERY
def test_estimators_are_compared_by_identity_and_cloned_by_value(kind) -> None:
    estimator = kind(hidden_size=3, cell="gru")
    other = clone(estimator)
    assert other.get_params() == estimator.get_params()
    assert other != estimator
    assert len({estimator, other}) == 2
    assert repr(other) == f"{kind.__name__}(cell='gru', hidden_size=3)"
    with pytest.raises(TypeError, match="hiden_size"):
        kind(hiden_size=3)


@pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda kind: kind.__name__)
def test_the_help_shows_the_defaults_and_imports_no_torch(kind) -> None:
    shown = defaults_of(kind.__module__.split(".")[-1], kind.__name__)
    defaults = {name: p.default for name, p in inspect.signature(kind).parameters.items()}
    assert shown.pop("bidirectional") == ("bidirectional" if defaults["bidirectional"] else "one-direction")
    assert len(shown) >= 8
    assert shown == {name: str(defaults[name]) for name in shown}


def test_reading_the_defaults_is_light() -> None:
    code = "import sys, carrousel.cli.train; sys.exit('torch' in sys.modules or 'sklearn' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0


@OF_BEFORE
def test_models_saved_before_the_recipe_load(kind) -> None:
    _, _, test = fresh(kind)
    said = np.asarray(outputs(load(SAVED / kind.__name__), test))
    np.testing.assert_allclose(said, np.load(SAVED / f"{kind.__name__}.npy"), rtol=1e-4, atol=1e-5)


def test_a_forecaster_of_before_there_were_starting_forecasts_is_refused() -> None:
    with pytest.raises(ModelError, match="of a time when forecasts had no starting forecast: train it again"):
        load(SAVED / "LSTMForecaster")


@OF_BEFORE
def test_checkpoints_written_before_the_recipe_go_on(kind, tmp_path) -> None:
    path = tmp_path / "run.checkpoint"
    shutil.copy(SAVED / f"{kind.__name__}.checkpoint", path)
    identity = read_checkpoint(path)[0]["identity"]
    if identity["torch"] != torch.__version__:
        pytest.skip(f"written by torch {identity['torch']}, and a checkpoint is bound to its version")
    options = {"dropout": 0.2, "input_noise": 0.1, "num_layers": 2, "hidden_size": 4, "max_epochs": 4}
    options |= {"pooling": "mean", "patience": 15, "validation": 0.1}  # defaults of then
    estimator, data, test = fresh(kind, random_state=0, **options)
    estimator.fit(*data, checkpoint=path, resume=True)
    said = np.asarray(outputs(estimator, test))
    np.testing.assert_allclose(said, np.load(SAVED / f"{kind.__name__}.npy"), rtol=1e-3, atol=1e-4)


def test_the_command_line_does_not_ask_what_an_estimator_is() -> None:
    for path in (Path(carrousel.__file__).parent / "cli").glob("*.py"):
        text = path.read_text(encoding="utf-8")
        for word in ("isinstance(estimator", "isinstance(model", "hasattr(estimator", "hasattr(model", "classes_"):
            assert word not in text, path
        # train.py and the options of each command name its class; what a model can read is known from _kinds.py before
        # it is loaded, which tests/cli/test_at_once.py holds to the estimators.
        if path.name != "train.py" and not path.name.endswith(("_parts.py", "_kinds.py")):
            assert not [kind for kind in ESTIMATORS if kind.__name__ in text], path


def as_read(kind, test):
    """What an estimator predicts from, as ``carrousel.data`` would read it."""
    if kind is LSTMForecaster:
        return make_series(pd.DataFrame({0: test[0]}), name="wave")
    make = {LSTMTagger: make_tagged, LSTMTranscriber: make_transcribed}.get(kind, make_sequences)
    return make(test[0], None, name="pulses")


@EVERY
def test_an_estimator_gives_its_own_table_and_drawings(kind) -> None:
    estimator, data, test = fresh(kind, max_epochs=1)
    estimator.fit(*data)
    read = as_read(kind, test)
    table = estimator.table(read)
    first, rows = ("time", 4) if kind is LSTMForecaster else ("id", len(read))
    rows = int(read.lengths.sum()) if kind is LSTMTagger else rows  # a row for each step
    assert table.columns[0] == first
    assert len(table) == rows
    assert all(name.startswith(("prediction", "probability", "quantile", "step")) for name in table.columns[1:])
    assert {"gates", "learning-curve"} <= set(estimator.drawings(read))

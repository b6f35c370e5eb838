"""Scikit-learn style estimators over the LSTM family."""

from __future__ import annotations

from carrousel.estimators._backtest import Backtest
from carrousel.estimators._recipe import Recipe
from carrousel.estimators._report import Report, Score
from carrousel.estimators._saved import load
from carrousel.estimators.classify import LSTMClassifier
from carrousel.estimators.compose import LSTMComposer
from carrousel.estimators.forecast import LSTMForecaster
from carrousel.estimators.generate import LSTMGenerator
from carrousel.estimators.panel import LSTMPanelForecaster
from carrousel.estimators.regress import LSTMRegressor
from carrousel.estimators.tag import LSTMTagger
from carrousel.estimators.transcribe import LSTMTranscriber
from carrousel.estimators.translate import LSTMTranslator
from carrousel.training._errors import ModelError
from carrousel.training._progress import Progress, ProgressCallback

# Every estimator that scikit-learn's conventions bind: the tests run the same checks on each.
ESTIMATORS = (LSTMClassifier, LSTMRegressor, LSTMForecaster, LSTMTagger, LSTMTranscriber)
# Those whose X is nothing that scikit-learn's checks could make up: several frames, texts, or music.
OTHERS = (LSTMPanelForecaster, LSTMGenerator, LSTMComposer, LSTMTranslator)

__all__ = [
    "ESTIMATORS",
    "OTHERS",
    "Backtest",
    "LSTMClassifier",
    "LSTMComposer",
    "LSTMForecaster",
    "LSTMGenerator",
    "LSTMPanelForecaster",
    "LSTMRegressor",
    "LSTMTagger",
    "LSTMTranscriber",
    "LSTMTranslator",
    "ModelError",
    "Progress",
    "ProgressCallback",
    "Recipe",
    "Report",
    "Score",
    "load",
]

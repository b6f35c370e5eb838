"""Evolino: the weights of memory cells are evolved, those of the outputs are computed."""

from __future__ import annotations

from carrousel.learning.evolino._estimator import Evolino
from carrousel.learning.evolino._readout import READOUTS, fitted_readout

__all__ = ["READOUTS", "Evolino", "fitted_readout"]

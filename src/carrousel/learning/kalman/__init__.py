"""Learning by the extended Kalman filter: weights as a state that is estimated from what outputs should have been."""

from __future__ import annotations

from carrousel.learning.kalman._learner import KalmanLearner
from carrousel.learning.kalman._options import Annealed, Kalman

__all__ = ["Annealed", "Kalman", "KalmanLearner"]

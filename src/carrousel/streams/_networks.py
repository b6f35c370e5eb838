"""The networks of a stream's learner: layers that change by gradients, or under a Kalman filter."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from carrousel._format import Arrays
from carrousel.learning.kalman import Kalman, KalmanLearner
from carrousel.learning.online import Adam, Descent, OnlineLSTM, RMSprop

__all__ = ["OPTIMISERS", "Network", "begun", "check", "optimiser_of", "rates_of", "restored"]

Network = OnlineLSTM | KalmanLearner

OPTIMISERS = ("adam", "rmsprop", "descent", "kalman")
RATES, PRECISIONS = (0.001, 0.003, 0.01, 0.03), (1.0, 10.0, 100.0, 1000.0)
"""The rates at which networks learn side by side, and what stands for them under the filter."""
_DECAY = 0.999  # of the mean square of errors: a stream's change little from line to line
_FADING = 1e-4  # of the filter's knowledge, by every line, relative to what a line tells
_FILTERED = "filter "


def optimiser_of(name: str, rate: float) -> Any:
    """Returns how a network's weights change at a rate.

    Under the filter the rate is a precision: 1 divided by the variance of the targets' noise, which is measured in
    usual errors of what the network corrects.

    Raises:
        ValueError: the rate is out of its range.
    """
    if name == "kalman":
        if not 0 < rate < np.inf:
            raise ValueError(f"rate must be a number above 0 for kalman, got {rate!r}")
        return Kalman("node", p=1.0, r=1 / rate, q=_FADING / rate)
    if name == "rmsprop":
        return RMSprop(rate, _DECAY)
    return {"adam": Adam, "descent": Descent}[name](rate)


def rates_of(name: str) -> tuple[float, ...]:
    """Returns the rates at which networks learn side by side by default."""
    return PRECISIONS if name == "kalman" else RATES


def _of_layer(arguments: Mapping[str, Any]) -> tuple[dict[str, Any], Kalman | None]:
    """Returns the arguments of a network's layer, and its filter if it has one."""
    optimiser = arguments["optimiser"]
    if not isinstance(optimiser, Kalman):
        return dict(arguments), None
    return {**arguments, "optimiser": Descent(0.0), "dtype": np.float64}, optimiser


def begun(arguments: Mapping[str, Any], seed: int) -> Network:
    """Returns a network with its first weights."""
    of_layer, filter = _of_layer(arguments)
    layer = OnlineLSTM(**of_layer, seed=seed)
    return layer if filter is None else KalmanLearner(layer, filter)


def check(arguments: Mapping[str, Any]) -> None:
    """Refuses arguments of which no network can be made."""
    OnlineLSTM.declared(_of_layer(arguments)[0])


def restored(arguments: Mapping[str, Any], arrays: Arrays) -> Network:
    """Returns a network that was saved.

    Raises:
        ValueError: its arrays are not what the arguments declare.
    """
    of_layer, filter = _of_layer(arguments)
    own = {name: array for name, array in arrays.items() if not name.startswith(_FILTERED)}
    layer = OnlineLSTM.restored(of_layer, own)
    if filter is None:
        return layer
    rest = {name.removeprefix(_FILTERED): array for name, array in arrays.items() if name not in own}
    return KalmanLearner.restored(layer, filter, rest)

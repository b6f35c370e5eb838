"""The simple forecasts beside a learner's: persistence, the season before, and river's linear regression."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from carrousel.streams._classifier import StreamClassifier
from carrousel.streams._linear import OnlineLinear, has_river
from carrousel.streams._regressor import StreamRegressor

__all__ = ["Rivals"]

LINEAR = "linear"


class Rivals:
    """Forecasts of the targets that a learner predicts, by methods that learn beside it.

    Args:
        model: the learner. Beside one of classes stands persistence alone.
        linear: whether river's linear regression is among them; None takes it if river is installed.

    Attributes:
        seasons: the learner's, if what was before a season is among the forecasts.
        names: of the forecasts, in the order in which they are told.
    """

    def __init__(self, model: StreamRegressor | StreamClassifier, *, linear: bool | None = None) -> None:
        self._model = model if isinstance(model, StreamRegressor) else None
        self.seasons = () if self._model is None or not self._model.past else self._model.seasons
        wanted = has_river() if linear is None else linear
        self._linear = OnlineLinear(self._model.seasons) if wanted and self._model is not None else None
        named = [f"season {season}" if len(self.seasons) > 1 else "season" for season in self.seasons]
        self.names = ["persistence", *named, *([] if self._linear is None else [LINEAR])]

    @property
    def has_linear(self) -> bool:
        """Whether river's linear regression is among them."""
        return self._linear is not None

    @property
    def facts(self) -> Any:
        """What is saved of the linear method beside its arrays; None without it."""
        return None if self._linear is None else self._linear.facts

    @property
    def arrays(self) -> Mapping[str, np.ndarray]:
        """The arrays of the linear method."""
        return {} if self._linear is None else self._linear.arrays

    def restored(
        self,
        model: StreamRegressor | StreamClassifier,
        facts: Any,
        arrays: Mapping[str, np.ndarray],
        say: Callable[[str], None],
    ) -> Rivals:
        """Returns the rivals of a learner that goes on, from what was saved of them.

        Those that began without the linear method, or lost it, have none from then on.

        Raises:
            ValueError: what was saved does not fit.
        """
        if facts is None:
            if arrays:
                raise ValueError(f"it holds arrays that are not part of it: {', '.join(arrays)}")
            if self.has_linear:
                say("the state was begun without river: no linear method beside")
            return Rivals(model, linear=False)
        found = Rivals(model)
        if found._linear is not None:
            found._linear.restore(facts, arrays)
        return found

    def forecasts(self, x: dict[str, float]) -> dict[str, float]:
        """Returns what each says of the next target; of classes nothing."""
        if self._model is None:
            return {}
        simple = self._model.simple
        found = {name: simple[name] for name in self.names if name in simple}
        return found if self._linear is None else {**found, LINEAR: self._linear.predict(x)}

    def learn(self, x: dict[str, float], target: Any) -> None:
        """Learns a record; None is a target that is not known."""
        if self._linear is not None:
            self._linear.learn(x, target)

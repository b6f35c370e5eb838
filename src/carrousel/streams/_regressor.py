"""Numbers, predicted for one record after the other."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from carrousel._format import whole
from carrousel.streams._mixture import Mixture
from carrousel.streams._past import LONGEST, MOST_SEASONS, Ahead, Past
from carrousel.streams._standardise import LARGEST
from carrousel.streams._stream import Stream, finite, plain

__all__ = ["StreamRegressor"]

SAID_CUT = 10.0  # a network's correction is at most so many usual errors of what it corrects


class StreamRegressor(Stream):
    """Predicts a number for every record of a stream and learns from each, in constant time and memory.

    Networks learn how far simple forecasts are off: the last target and, with a ``season``, the target a season before,
    and the last target and the change a season before. Each of these has a network for each of four rates. There may be
    several seasons, such as a day and a week of hours. What is
    predicted is the mean of all networks' forecasts, the simple ones and the running mean of the targets, weighted by
    how well each did of late. So there is no rate to be chosen, and little is lost where nothing can be learned.

    Features are numbers; each becomes an input, standardised by its last thousand values, of which outliers count as if
    they lay less far out. One that is new when learning becomes a new input with small random weights; when predicting
    it is ignored. NaN, infinities and numbers beyond 1e100 are refused, and then nothing has changed.

    Args:
        hidden_size: the number of units of each network.
        cell: a member of the family, or your own.
        rate: the networks' step size, or several; by default 0.001, 0.003, 0.01 and 0.03. With ``"kalman"`` it is 1 by
            the variance of the targets' noise, in usual errors; by default 1, 10, 100 and 1000.
        optimiser: ``"rmsprop"`` (with a decay of 0.999), ``"adam"`` or ``"descent"``; or ``"kalman"``, a node-decoupled
            extended Kalman filter, :class:`carrousel.learning.KalmanLearner`, which learns from fewer records and costs
            a few times as much a record.
        diagonal: see :class:`carrousel.OnlineLSTM`.
        truncate: see there.
        update: see there.
        seed: of the initial weights.
        past: whether targets of earlier records are used. If not, the networks learn how far the running mean of the
            targets is off.
        season: records in a season, or in several; None if there is none. A record that is missing has to be observed,
            see :meth:`observe_one`, so that the season before stays where it is.
        missing: what stands for a feature that is absent or None. ``"mean"``: its mean. ``"mask"``: its mean, and an
            input of its own says that it is missing. ``"last"``: its last value. With the last two NaN is taken too.

    >>> model = StreamRegressor(hidden_size=8)
    >>> wave = np.sin(0.3 * np.arange(1001))
    >>> for value in wave[:-1]:
    ...     model.learn_one({}, value)
    >>> bool(abs(model.predict_one({}) - wave[-1]) < 0.02)
    True
    """

    _parameters = (*Stream._parameters, "season")

    def __init__(
        self,
        hidden_size: int = 16,
        cell: Any = "lstm",
        rate: float | Sequence[float] | None = None,
        optimiser: str = "rmsprop",
        diagonal: bool = False,
        truncate: str | None = "paper",
        update: Any = "step",
        seed: int = 0,
        past: bool = True,
        season: int | Sequence[int] | None = None,
        missing: str = "mean",
    ) -> None:
        super().__init__(hidden_size, cell, rate, optimiser, diagonal, truncate, update, seed, past, missing)
        self.season = season
        self._lazy: tuple[Past, Mixture] | None = None

    @property
    def _known(self) -> Past:
        return self._parts[0]

    @property
    def _mix(self) -> Mixture:
        return self._parts[1]

    @property
    def _parts(self) -> tuple[Past, Mixture]:
        """What is known of earlier targets, and the mixture; made when first wanted, for arguments are checked late."""
        if self._lazy is None:
            known = Past(bool(self.past), self.seasons)
            self._lazy = known, Mixture(known.simple + len(known.learned) * len(self._rates))
        return self._lazy

    @property
    def seasons(self) -> tuple[int, ...]:
        """Records in each season, the shortest first."""
        given = [] if self.season is None else np.ravel(np.asarray(self.season, dtype=object)).tolist()
        seasons = sorted({whole(plain(each), "season", 2, LONGEST) for each in given})
        if len(seasons) > MOST_SEASONS:
            raise ValueError(f"season must be at most {MOST_SEASONS} numbers, got {len(seasons)}")
        return tuple(seasons)

    @property
    def _networks_a_rate(self) -> int:
        return len(self._known.learned)

    @property
    def _past_inputs(self) -> int:
        return self._known.input_size

    @property
    def simple(self) -> dict[str, float]:
        """The simple forecasts of the next target, by their names; none before there was a target."""
        if not self._known.begun:
            return {}
        return dict(zip(self._simple_names, self._known.look(1).simple[0].tolist(), strict=True))

    @property
    def _simple_names(self) -> list[str]:
        names = ["mean", "last"][: self._known.simple]
        for season in self._known.seasons:
            of = f" {season}" if len(self._known.seasons) > 1 else ""
            names += [f"season{of}", f"last and change of season{of}" if of else "last and seasonal change"]
        return names

    @property
    def weights(self) -> dict[str, float]:
        """What each forecast counts now; their sum is 1.

        >>> model = StreamRegressor(hidden_size=2, rate=0.01)
        >>> model.learn_one({}, 1.0)
        >>> sorted(model.weights)
        ['last', 'last, corrected at 0.01', 'mean']
        """
        simple = self._simple_names
        learned = [f"{simple[k]}, corrected at {rate:g}" for k in self._known.learned for rate in self._rates]
        return dict(zip([*simple, *learned], self._mix.weights.tolist(), strict=True))

    def learn_one(self, x: Mapping[Any, Any], y: Any) -> None:
        """Learns from one record and its target."""
        rows, names = self._one(x)
        self._learn(rows, names, np.array([finite(y, "the target")]))

    def observe_one(self, x: Mapping[Any, Any]) -> None:
        """Goes on with the stream without a target; later errors still know what happened here."""
        rows, names = self._one(x)
        self._learn(rows, names, np.array([np.nan]))

    def predict_one(self, x: Mapping[Any, Any]) -> float:
        """Returns the target of the next record, 0.0 before anything was learned; nothing changes."""
        return float(self._predicted(*self._one(x))[0])

    def score_one(self, x: Mapping[Any, Any], y: Any) -> float:
        """Returns how unusual a record and its target are, between 0 and 1; nothing changes.

        It is the rank of the prediction's absolute error among the last thousand: the share of them that were smaller.
        0.5 before there was any.
        """
        target = finite(y, "the target")
        return self.rank(abs(self.predict_one(x) - target))

    def rank(self, error: float) -> float:
        """Returns the share of the last thousand absolute errors that were smaller than this one."""
        return self._ranks.rank(error)

    def learn_many(self, inputs: Any, targets: Any) -> None:
        """Learns from records one after the other: ``[n, features]`` or a data frame, and targets ``[n]``."""
        rows, names = self._array(inputs)
        y = np.asarray(targets, np.float64)
        if y.shape != rows.shape[:1] or not (np.abs(y) <= LARGEST).all():
            raise ValueError(f"targets must be {len(rows)} finite numbers, got {list(y.shape)}")
        self._learn(rows, names, y)

    def observe_many(self, inputs: Any) -> None:
        """Goes on with records without targets, ``[n, features]``, one after the other; see :meth:`observe_one`.

        ``np.zeros((n, 0))`` are records that were lost: nothing is known of them.
        """
        rows, names = self._array(inputs)
        self._learn(rows, names, np.full(len(rows), np.nan))

    def predict_many(self, inputs: Any) -> np.ndarray:
        """Returns the targets ``[n]`` of the next records, as if none of these was learned in between; nothing changes.

        The last target that is known stays the last one.
        """
        return self._predicted(*self._array(inputs))

    def _learn(self, rows: np.ndarray, names: Sequence[Any], targets: np.ndarray) -> None:
        """Learns from records and targets, NaN where one is missing."""
        self._widen(names)
        begun = self._known.begun
        features = self._features_learned(self._placed(rows, names))
        ahead = self._known.learn(targets)
        inputs = np.concatenate([ahead.inputs, features], 1)
        said = []
        for k, network in enumerate(self._networks):
            base = self._known.learned[k // len(self._rates)]
            said.append(self._teach(network, inputs, ahead.goals[:, base : base + 1]))
        errors = np.abs(self._mix.learn(self._forecasts(ahead, said), targets) - targets)
        if not begun:
            errors[: int(np.argmax(~np.isnan(targets))) + 1] = np.nan
        self._ranks.learn(errors)

    def _predicted(self, rows: np.ndarray, names: Sequence[Any]) -> np.ndarray:
        if not self._networks or not self._known.begun:
            return np.zeros(len(rows))
        ahead = self._known.look(len(rows))
        inputs = np.concatenate([ahead.inputs, self._inputs.look(self._placed(rows, names))], 1)
        return self._mix.look(self._forecasts(ahead, self._ask(inputs)))

    def _forecasts(self, ahead: Ahead, said: list[np.ndarray]) -> np.ndarray:
        """Returns all forecasts ``[n, forecasts]``, the simple ones first."""
        columns = [ahead.simple]
        for k, outputs in enumerate(said):
            base = self._known.learned[k // len(self._rates)]
            error = np.clip(outputs, -SAID_CUT, SAID_CUT) * ahead.scales[:, base : base + 1]
            columns.append(ahead.simple[:, base : base + 1] + error)
        return np.concatenate(columns, 1)

    def _groups(self) -> dict[str, Mapping[str, np.ndarray]]:
        return {**super()._groups(), "known": self._known.arrays}

    def _restore(self, facts: Mapping[str, Any], groups: dict[str, Any]) -> None:
        self._known.restore(groups.pop("known"))
        super()._restore(facts, groups)

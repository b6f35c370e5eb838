"""What an estimator of sequences knows of its channels: their number, their names, and where time stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from carrousel.data import (
    DataError,
    File,
    find,
    splits,
    takes,
)
from carrousel.data._errors import option
from carrousel.data._registry import Kind
from carrousel.data.load import LOADERS
from carrousel.estimators._base import Trainable
from carrousel.estimators._features import check_features
from carrousel.estimators._scaling import Scaler
from carrousel.estimators._sequence_gaps import filled
from carrousel.estimators._sequences import Ragged, as_sequences, names_of

__all__ = ["ReadsSequences"]


class ReadsSequences(Trainable):
    """Takes sequences as arrays, frames and files, and those it was not fitted on as it knows them.

    Attributes:
        channel_names_, n_channels_: of the sequences it was fitted on.
        scaler_: of their channels.
    """

    fill: str | None
    channels_first: bool
    channel_names_: list[str]
    n_channels_: int
    scaler_: Scaler
    _flat: int | None
    _made: Mapping[str, Any]  # how recordings became the channels, as the readers have it, if that is known
    _kind: ClassVar[Kind] = "sequences"  # of data that it reads

    def _read(self, X: Any, what: str = "X", *, channels: int | None = None) -> Ragged:
        """Returns X laid end to end, its gaps filled as far as they can be."""
        sequences = as_sequences(
            X,
            channels=channels,
            estimator=type(self).__name__,
            what=what,
            gaps=self.fill is not None,
            channels_first=self.channels_first,
        )
        return filled(sequences, self.fill)

    def _sequences(self, X: Any, what: str = "X") -> Ragged:
        """Returns X as a fitted estimator accepts it."""
        self._check_fitted()
        return self._accepted(X, what)

    def _accepted(self, X: Any, what: str = "X") -> Ragged:
        """Returns X as an estimator accepts it once it knows its channels, these in its own order."""
        known = self.channel_names_
        given = names_of(X)
        by_name = False
        if given is not None and self._flat is None and not hasattr(self, "feature_names_in_"):
            by_name = known != _numbered(len(known)) or sorted(given) == sorted(known)
        if not by_name:
            check_features(self, X, reset=False)
        sequences = self._read(X, what, channels=None if by_name else self.n_channels_)
        if by_name:
            sequences = sequences.by_name(known, what)
        if None not in (sequences.flat, self._flat) and sequences.flat != self._flat:
            raise ValueError(
                f"{what} has {sequences.flat} features, but {type(self).__name__} is expecting {self._flat} features "
                "as input: it was fitted on a 2-D array. Give sequences of another length as a list or as [N, T, 1]"
            )
        return sequences

    def _check_channels(self, X: Any, sequences: Ragged, names: Any) -> None:
        check_features(self, X, reset=True)
        self.n_channels_, self._flat = sequences.channels, sequences.flat
        self.n_features_in_ = sequences.channels if sequences.flat is None else sequences.flat
        if names is None:
            names = sequences.names or _numbered(sequences.channels)
        if len(names) != sequences.channels:
            raise ValueError(f"channel_names has {len(names)} names for {sequences.channels} channels")
        self.channel_names_ = [str(name) for name in names]

    def read(
        self,
        source: str | Path | File,
        *,
        split: str | None = None,
        channels: list[str] | None = None,
        **options: Any,
    ) -> Any:
        """Reads sequences with the channels that the fitted model knows, in its order.

        Args:
            source: a name or a file, as the readers of ``carrousel.data`` take it.
            split: the part of a data set; by default its test part where it has one, else all.
            channels: the columns of the input; by default the model's channels.
            **options: as the readers take them: the columns ``id``, ``time``, ``label`` of a table, how it is
                written, ``max_size``. Recordings and drawings are made into channels by default as those of the
                training data were, their sample rate among it.

        Raises:
            DataError: the data cannot be read, have another number of channels, or were made otherwise.
        """
        self._check_fitted()
        known = tuple(self.channel_names_)
        if split is None:
            split = "test" if "test" in splits(source, self._kind) else "all"
        found = find(source, self._kind)
        taken = takes(found, self._kind)
        if channels is None and isinstance(found, File) and "channels" in taken:
            channels = list(known)
        if channels is not None:
            options["channels"] = channels
        options = {name: value for name, value in options.items() if value is not None}
        known_made: Mapping[str, Any] = getattr(self, "_made", {})
        options = {name: value for name, value in known_made.items() if name in taken} | options
        data = LOADERS[self._kind](found, split=split, **options)
        if len(data.channels) != len(known):
            raise DataError(f"{data.name}: it has {len(data.channels)} channels, the model was trained on {len(known)}")
        made: Mapping[str, Any] = getattr(data, "made", {})
        for name, value in known_made.items():
            if made.get(name, value) != value:
                raise DataError(f"{data.name}: {option(name, made[name])}: the model was trained with {value}")
        if data.channels != known and set(data.channels) == set(known):
            order = [data.channels.index(name) for name in known]
            data = replace(data, X=[x[..., order] for x in data.X], channels=known)
        return data

    def _given(self, X: list[np.ndarray]) -> list[np.ndarray]:
        """Returns sequences ``[T_i, C]`` as this estimator takes them."""
        return [x.T for x in X] if self.channels_first else X


def _numbered(channels: int) -> list[str]:
    """Returns the names of channels that have none."""
    return [str(k) for k in range(channels)]

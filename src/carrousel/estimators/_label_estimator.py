"""What the tagger and the transcriber share: training, outputs of every step, pictures, and what is saved."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch

from carrousel import pictures
from carrousel._format import whole
from carrousel.data import DataError
from carrousel.data._errors import place_of
from carrousel.estimators import _saved
from carrousel.estimators._base import activations_of
from carrousel.estimators._features import restore_features, stored_features
from carrousel.estimators._label_reading import Labels, ReadsLabels
from carrousel.estimators._params import integer, number
from carrousel.estimators._report import Report
from carrousel.estimators._sequences import Ragged
from carrousel.estimators._symbols import Vocabulary
from carrousel.estimators._windowed import WindowBaseline, fit_windowed
from carrousel.nets._losses import NO_LABEL
from carrousel.training._batches import Batches, LabelledDataset
from carrousel.training._callbacks import Share
from carrousel.training._loop import Job, train
from carrousel.training._options import Options
from carrousel.training._threads import threads_worth

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["LabelEstimator", "ratio_error"]

MOST_STEPS = 2**16  # that are read at a time, but at least one sequence
MOST_ITEMS = 256


@dataclass(eq=False, repr=False, kw_only=True)
class LabelEstimator(ReadsLabels):
    """An estimator that gives each sequence several labels.

    Attributes:
        weight_noise: the deviation of Gaussian noise on all weights, in training only, drawn for every update.

    All others are as in ``ReadsLabels``.
    """

    weight_noise: float = 0.0

    _figure: ClassVar[str]  # the name of the figure of the validation part

    def _check_options(self) -> None:
        integer(self, "embedding")
        number(self, "weight_noise", least=0.0)
        super()._check_options()

    def _settled(self, items: int) -> Options:
        return replace(super()._settled(items), weight_noise=float(self.weight_noise))

    def _divided(
        self, lengths: np.ndarray, persons: np.ndarray | None, validation_data: tuple[Any, Any] | None, seed: int
    ) -> tuple[tuple[np.ndarray, np.ndarray], tuple[Any, Labels] | None]:
        """Returns the sequences to learn from and those set aside, by their numbers; and what is given beside."""
        if validation_data is None:
            return self._parted(len(lengths), persons, seed), None
        (X, y), what = validation_data, "validation_data's y"
        validation = X, self._numbered(self._given_labels(X, y, what), what)
        return (np.arange(len(lengths)), np.arange(0)), validation

    def _given_labels(self, X: Any, y: Any, what: str) -> list[list[Any]]:
        """Returns the labels of sequences that are not read yet."""
        return self._plain_labels(y, len(X), what)

    def _learn(
        self,
        read: tuple[Ragged | None, list[str], np.ndarray],
        labels: Labels,
        parts: tuple[np.ndarray, np.ndarray],
        validation: tuple[Any, Labels] | None,
        seed: int,
        identity: dict[str, Any],
        run: dict[str, Any],
    ) -> Ragged:
        """Trains on a part of sequences, and returns them all as the estimator knows them now."""
        given, symbols, lengths = read
        kept, aside = parts
        self._rare = None
        self._made = {}  # arrays do not say how
        if given is None:
            inside = np.repeat(np.isin(np.arange(len(lengths)), kept), lengths)
            learned = [symbol for symbol, of_training in zip(symbols, inside, strict=True) if of_training]
            self.vocabulary_ = Vocabulary(sorted(set(learned)))
            self._rare = self.vocabulary_.unknown(learned)
            given = self.vocabulary_.ragged(symbols, lengths)
        else:
            self.vocabulary_ = None
            self.scaler_ = self._standardised_by(given.take(kept))
        valid = None
        if validation is not None:
            valid = self._dataset(self._accepted(validation[0], "validation_data's X"), validation[1])
        elif len(aside):
            valid = self._dataset(given.take(aside), labels.take(aside))
        job = Job(
            build=self._build_to_learn,
            train=self._dataset(given.take(kept), labels.take(kept)),
            valid=valid,
            metric_name=self._figure,
            metric=Share(self._counts),
        )
        self._keep(train(job, self._settled(len(kept)), seed, identity=identity, **run), seed)
        return given

    def _counts(self, output: np.ndarray, target: np.ndarray) -> tuple[float, float]:
        """Returns how many labels of a batch are so, and of how many, for the figure of the validation part."""
        raise NotImplementedError

    def _build_to_learn(self) -> torch.nn.Module:
        """Makes the network with what matters in training alone."""
        raise NotImplementedError

    def _dataset(self, sequences: Ragged, labels: Labels) -> LabelledDataset:
        return LabelledDataset(self._inputs(sequences), sequences.lengths, labels.numbers, labels.counts)

    def _unlabelled(self, sequences: Ragged) -> LabelledDataset:
        none = Labels(np.full(len(sequences), NO_LABEL), np.ones(len(sequences), dtype=np.int64))
        return self._dataset(sequences, none)

    @property
    def _width(self) -> int:
        """The number of features of the network's input."""
        if self.vocabulary_ is not None:
            return int(self.embedding)
        return self.n_channels_ * (2 if self.fill == "mask" else 1)

    @property
    def _symbol_count(self) -> int:
        return 0 if self.vocabulary_ is None else len(self.vocabulary_)

    def _outputs(self, sequences: Ragged) -> list[np.ndarray]:
        """Returns the network's output for every step of each sequence, float32 [T_i, K]."""
        order = np.argsort(sequences.lengths, kind="stable")
        dataset = self._unlabelled(sequences.take(order))
        size = max(1, min(MOST_ITEMS, MOST_STEPS // int(sequences.lengths.max())))
        device = next(self.network_.parameters()).device
        self.network_.eval()
        outputs: list[np.ndarray] = []
        with torch.no_grad(), threads_worth(self.network_, size * float(dataset.lengths.mean())):
            for inputs, _ in Batches(dataset, size):
                output = self.network_(inputs["input"].to(device), inputs["lengths"].to(device)).cpu().numpy()
                counts = self._steps(inputs["lengths"]).tolist()
                outputs += [each[:count].copy() for each, count in zip(output, counts, strict=True)]
        back = np.argsort(order)
        return [outputs[k] for k in back]

    def _steps(self, lengths: torch.Tensor) -> torch.Tensor:
        """Returns the steps of the network's output for sequences of these lengths."""
        return lengths

    def _fit_rival(
        self, sequences: Ragged, classes: np.ndarray, right: int | None, class_weight: Any
    ) -> WindowBaseline:
        """Fits the linear method on all sequences; ``classes`` [S] of their steps."""
        symbols = None if self.vocabulary_ is None else len(self.vocabulary_)
        return fit_windowed(
            self._plain(sequences), classes, len(self.classes_), symbols=symbols, right=right, seed=self.seed_,
            class_weight=class_weight,
        )  # fmt: skip

    def fit_on(self, data: Any, **run: Any) -> Any:
        """Trains on sequences as ``carrousel.data`` reads them, and keeps how they were made; ``run`` as in ``fit``."""
        labels = self.targets_of(data, training=True)
        apart = data.groups is not None and self.validation is not None and len(np.unique(data.groups)) > 1
        groups = data.groups if apart else None
        self.fit(self._given(data.X), labels, groups=groups, channel_names=list(data.channels), **run)
        self._made = dict(getattr(data, "made", {}))
        return self

    def report_on(self, data: Any) -> Report:
        """Returns ``report`` on sequences as ``carrousel.data`` reads them.

        Raises:
            DataError: they have no labels, or labels that the model does not know.
        """
        return self.report(self._given(data.X), self.targets_of(data))

    def items_on(self, data: Any) -> LabelledDataset:
        """Returns what the network is shown of sequences that were read.

        Raises:
            DataError: they have no labels, or labels that the model does not know, or are of symbols.
        """
        if self.vocabulary_ is not None:
            raise DataError(f"{data.name}: error is followed back to numbers, and these sequences are of symbols")
        labels = self._numbered(self.targets_of(data), data.name)
        return self._dataset(self._sequences(self._given(data.X)), labels)

    def drawings(self, data: Any, *, layer: int = 0, sequence: str | None = None) -> dict[str, Figure]:
        """Draws the model at work on one sequence, its ``gates``, ``learning-curve``, and ``confusion`` with labels.

        Args:
            data: sequences as ``carrousel.data`` reads them.
            layer: the layer whose gates are drawn, from 0.
            sequence: the id of the sequence over which they are drawn; by default the first.

        Raises:
            DataError: there is no sequence of that id, or a label that the model does not know.
        """
        row = place_of(sequence, data.ids, "sequence", data.name)
        actual = None if data.y is None else self.targets_of(data)
        one = data.take([row])
        gates = pictures.draw_activations(
            self.activations(self._given(one.X)[0]),
            None if data.symbolic else one.X[0],
            cell=self.cell,
            channels=data.channels,
            layer=layer,
            title=f"{data.name}, sequence {data.ids[row]!s}",
        )
        drawn = {**self._drawn(one, f"{data.name}, sequence {data.ids[row]!s}"), "gates": gates}
        if actual is not None:
            drawn["confusion"] = self._confusion(actual, self.predict(self._given(data.X)), data.name)
        return {**drawn, **super().drawings(data, layer=layer)}

    def _drawn(self, one: Any, title: str) -> dict[str, Figure]:
        """Draws what is said of one sequence, by the picture's name."""
        raise NotImplementedError

    def _confusion(self, actual: list[Any], said: list[Any], name: str) -> Figure:
        """Draws which labels were taken for which."""
        raise NotImplementedError

    def predict(self, X: Any) -> list[Any]:
        """Returns the labels of each sequence."""
        raise NotImplementedError

    def activations(self, sequence: Any) -> dict[str, np.ndarray]:
        """Returns every state, gate and candidate at every step that the LSTM reads of one sequence.

        Returns ``{"h_l0": [T, H], "c_l0": [T, H], "i_l0": ..., "h_l0_reverse": ...}``: the names of the cell's states,
        gates and candidates with the layer, and the direction where it runs backward.
        """
        self._check_fitted()
        inputs = torch.from_numpy(self._inputs(self._accepted([sequence], "sequence")))
        device = next(self.network_.parameters()).device
        with torch.no_grad():
            seen = self._seen(inputs[None].to(device))[0].cpu().numpy()
        return activations_of(self.network_, seen)

    def _seen(self, inputs: torch.Tensor) -> torch.Tensor:
        """Returns what the LSTM reads of an input [1, T, C]."""
        network: Any = self.network_
        return network.vectors(inputs)  # type: ignore[no-any-return]

    def _facts(self) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "channels": self.channel_names_,
            "features": stored_features(self),
            "flat": self._flat,
            "classes": _saved.labels_to_json(self.classes_),
            "symbols": None if self.vocabulary_ is None else self.vocabulary_.symbols,
            "rival": self.rival_.facts(),
            "made": dict(self._made),
        }
        if self.vocabulary_ is None:
            facts["scaler"] = {"mean": self.scaler_.mean.tolist(), "scale": self.scaler_.scale.tolist()}
        return facts

    def _arrays(self) -> dict[str, np.ndarray]:
        return self.rival_.arrays()

    _fewest: ClassVar[int] = 2  # labels

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.channel_names_ = _saved.words(facts["channels"], "its channels")
        self.n_channels_ = len(self.channel_names_)
        self._flat = None if facts["flat"] is None else whole(facts["flat"], "its number of features", 1)
        self.n_features_in_ = self.n_channels_ if self._flat is None else self._flat
        restore_features(self, facts.get("features"))
        self.classes_ = _saved.labels_from_json(facts["classes"], self._fewest)
        self.vocabulary_, self._rare = None, None
        if facts["symbols"] is None:
            self.scaler_ = _saved.scaler(facts["scaler"], self.n_channels_)
        else:
            symbols = _saved.words(facts["symbols"], "its symbols")
            if symbols != sorted(set(symbols)) or self.n_channels_ != 1:
                raise ValueError("its symbols are not distinct, or not sorted")
            self.vocabulary_ = Vocabulary(symbols)
        self._made = dict(facts["made"])
        if not all(isinstance(value, (str, int, float)) for value in self._made.values()):
            raise ValueError("how its recordings were made is no text and numbers")
        count = None if self.vocabulary_ is None else len(self.vocabulary_)
        self.rival_ = WindowBaseline.restore(facts["rival"], arrays, count, self._rival_width, len(self.classes_))

    @property
    def _rival_width(self) -> int:
        """The number of channels that the linear method sees, where they are no symbols."""
        return self.n_channels_


def ratio_error(difference: np.ndarray, counts: np.ndarray) -> float | None:
    """Returns the standard error of sum(difference) / sum(counts) over sequences, [N] each; None for one sequence.

    Steps of one sequence are not independent, sequences are: the error is that of a ratio of two sums over them.
    """
    n = len(counts)
    if n < 2:
        return None
    rest = difference - difference.sum() / counts.sum() * counts
    return float(np.sqrt(n / (n - 1) * (rest**2).sum()) / counts.sum())

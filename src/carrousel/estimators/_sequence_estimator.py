"""What the classifier and the regressor of sequences share: checking, splitting, training, predicting."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import torch
from torch import nn

from carrousel import pictures
from carrousel._format import whole
from carrousel.data import DataError, Sequences
from carrousel.data._errors import nearest
from carrousel.estimators import _saved
from carrousel.estimators._base import PREDICT_BATCH, activations_of
from carrousel.estimators._features import restore_features, stored_features
from carrousel.estimators._params import check_memory, choice, integer, lstm_options, training_options
from carrousel.estimators._patches import folded, patches
from carrousel.estimators._report import Report
from carrousel.estimators._rivals import CONVOLUTIONS, KINDS, NEAREST, Rivals
from carrousel.estimators._scaling import Scaler
from carrousel.estimators._sequence_gaps import FILLS, scaler_of, with_mask, without_gaps
from carrousel.estimators._sequence_reading import ReadsSequences
from carrousel.estimators._sequences import Ragged
from carrousel.estimators._split import SCHEMES, split
from carrousel.estimators._summaries import resampled
from carrousel.estimators._weights import group_numbers, mean_one, part, parts_of
from carrousel.nets._losses import ItemLoss
from carrousel.nets.pooled import SequenceNet
from carrousel.training._batches import Batches, SequenceDataset
from carrousel.training._callbacks import Metric
from carrousel.training._loop import Job, train, usual_batch
from carrousel.training._options import Options
from carrousel.training._threads import threads_worth

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["Part", "SequenceEstimator", "arrays_of", "paired_error"]

UPDATES = 1200  # of the weights, about, where the number of epochs is not given: see docs/classification.md
FEWEST, MOST = 20, 400  # epochs of these
PATIENCE = 0.5  # of the epochs, where it is not given
SHARE, FEWEST_ASIDE = 0.1, 10  # of validation where it is not given, and the sequences below which none is set aside

# Parameters that came after the first saved models and checkpoints, and what they were when there were none.
SINCE = {"fill": None, "channels_first": False, "validation_scheme": "random", "patch": 1}
AFTERWARDS = ("rivals", "calibrate")  # parameters that change nothing in the training of the network

Part = tuple[Ragged, np.ndarray, "np.ndarray | None"]
"""Sequences, their targets, and their weights where they do not all count alike."""


@dataclass(eq=False, repr=False, kw_only=True)
class SequenceEstimator(ReadsSequences):
    """A classifier or regressor of whole sequences.

    Attributes:
        pooling: one vector from all steps: ``"mean"``, ``"max"``, ``"mean-max"`` (both, side by side), ``"last"`` (each
            direction where it has read the whole sequence) or ``"attention"`` (a mean whose weights are learned).
        standardise: shift and scale each channel to mean 0 and deviation 1 over the steps of the training part.
        patch: steps that the LSTM is given at once, side by side; ``"auto"`` is 1, or as many as make the longest
            training sequence at most 64 patches long.
        fill: what stands for a missing value (NaN): ``"mask"``, zero, and for each channel another one that says where;
            ``"interpolate"``, a straight line between the neighbours in time; ``"last"``, the value before. What these
            leave open (no value before, none at all) is the channel's mean. None refuses missing values.
        channels_first: arrays of three dimensions are ``[N, C, T]``, and those of a list ``[C, T_i]``.
        max_epochs: passes over the training data; ``"auto"`` makes about 1,200 updates of the weights, in 20 to 400.
        patience: epochs without a lower validation loss after which training stops; ``"auto"`` is half of
            ``max_epochs``. None trains all.
        validation: the share of the sequences set aside to end training early and to choose the weights; with None the
            last weights are used. ``"auto"`` is a tenth, or None where that were fewer than ten sequences: so few tell
            good weights from bad ones worse than their loss to training harms. A tenth it is too where ``groups``,
            ``calibrate`` or ``validation_scheme="last"`` ask for a validation part.
        validation_scheme: ``"random"``, or ``"last"`` for sequences in the order of time: the last are set aside.
        rivals: beside what ``report`` sets the model: ``"linear"`` methods, the ``"nearest"`` neighbour too, or
            ``"all"``, with random convolutions (MiniRocket, by sktime), whose first use on a machine takes a minute.
            But for ``"linear"`` the model keeps training sequences, resampled to a million numbers at most, which
            whoever has the model can read.

    >>> from carrousel.data import load_sequences
    >>> from carrousel.estimators import LSTMClassifier
    >>> model = LSTMClassifier(4, max_epochs=1, random_state=0).fit_on(load_sequences("basic-motions", split="train"))
    >>> test = model.read("basic-motions")
    >>> model.report_on(test).count, len(model.table(test)), sorted(model.drawings(test))
    (40, 40, ['confusion', 'gates', 'learning-curve'])
    """

    bidirectional: bool = True
    pooling: str = "mean-max"
    standardise: bool = True
    patch: int | str = "auto"
    fill: str | None = None
    channels_first: bool = False
    input_noise: float = 0.1
    max_epochs: int | str = "auto"  # type: ignore[assignment]
    patience: int | str | None = "auto"  # type: ignore[assignment]
    validation: float | str | None = "auto"  # type: ignore[assignment]
    validation_scheme: str = "random"
    rivals: str = "nearest"

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = self.fill is not None
        return tags

    def _check_options(self) -> None:
        """Refuses parameters out of their range, before anything is computed."""
        if self.patch != "auto":
            integer(self, "patch")
        choice(self, "fill", FILLS)
        choice(self, "validation_scheme", SCHEMES)
        choice(self, "rivals", KINDS)
        self._settled(1)
        check_memory(self)

    def _settled(self, items: int) -> Options:
        """Returns the options of a training on so many items."""
        params = self.get_params(deep=False)
        if params["max_epochs"] == "auto":
            batches = -(-items // (params["batch_size"] or usual_batch(items)))
            params["max_epochs"] = min(MOST, max(FEWEST, -(-UPDATES // batches)))
        if params["patience"] == "auto":
            integer(SimpleNamespace(**params), "max_epochs")
            params["patience"] = max(1, round(PATIENCE * params["max_epochs"]))
        if params["validation"] == "auto":
            params["validation"] = SHARE
        return training_options(SimpleNamespace(**params))

    def _share(self, count: int, groups: Any) -> float | None:
        """Returns the share of so many sequences that is set aside."""
        if self.validation != "auto":
            return None if self.validation is None else float(self.validation)
        asked = groups is not None or getattr(self, "calibrate", False) or self.validation_scheme != "random"
        return SHARE if asked or round(SHARE * count) >= FEWEST_ASIDE else None

    def _groups(self, groups: Any, count: int, validation_data: Any) -> np.ndarray | None:
        """Returns the numbers of the groups after checking them."""
        if groups is not None and (validation_data is not None or self.validation is None):
            other = "validation=None sets none aside" if validation_data is None else "validation_data gives it"
            raise ValueError(f"groups say which sequences stay together in the validation part, but {other}")
        return group_numbers(groups, count)

    def _set_aside(
        self, sequences: Ragged, targets: np.ndarray, weights: np.ndarray | None, groups: np.ndarray | None, seed: int,
        classes: np.ndarray | None,
    ) -> tuple[np.ndarray, Part | None]:  # fmt: skip
        """Returns the numbers of the sequences to train on, and the validation part."""
        share = self._share(len(sequences), groups)
        if share is None:
            return np.arange(len(sequences)), None
        scheme = self.validation_scheme
        kept, aside = split(len(sequences), share, seed, classes, groups=groups, scheme=scheme)
        valid = (sequences.take(aside), targets[aside], part(weights, aside)) if len(aside) else None
        return kept, valid

    def _identity(self, seed: int, data: list[Any]) -> dict[str, Any]:
        identity = super()._identity(seed, data)
        params = {name: value for name, value in identity["params"].items() if name not in AFTERWARDS}
        params["patch"] = self.patch_
        identity["params"] = {n: v for n, v in params.items() if n not in SINCE or v != SINCE[n]}
        return identity

    def _train(
        self,
        sequences: Ragged,
        targets: np.ndarray,
        weights: np.ndarray | None,
        valid: Part | None,
        criterion: ItemLoss,
        metric_name: str,
        metric: Metric,
        seed: int,
        identity: dict[str, Any],
        run: dict[str, Any],
    ) -> None:
        """Standardises by the training part, and trains."""
        of_steps = None if weights is None else np.repeat(weights, sequences.lengths)
        identical = Scaler.identity(sequences.channels)
        self.scaler_ = scaler_of(sequences.values, of_steps) if self.standardise else identical
        job = Job(
            build=lambda: self._build(criterion),
            train=self._dataset(sequences, targets, weights),
            valid=None if valid is None else self._dataset(*valid),
            metric_name=metric_name,
            metric=metric,
        )
        self._keep(train(job, self._settled(len(sequences)), seed, identity=identity, **run), seed)

    def _inputs(self, sequences: Ragged) -> np.ndarray:
        """Returns what the network is given of sequences, float32, one patch after the other."""
        values = with_mask(self.scaler_(sequences.values), self.fill)
        if not np.isfinite(values).all():
            raise ValueError("X has values too large for float32; rescale it, or leave standardise=True")
        return folded(values, sequences.lengths, self.patch_)

    def _dataset(self, sequences: Ragged, targets: np.ndarray, weights: np.ndarray | None = None) -> SequenceDataset:
        return SequenceDataset(
            self._inputs(sequences), patches(sequences.lengths, self.patch_), targets, mean_one(weights)
        )

    def _build(self, loss: ItemLoss | None = None) -> nn.Module:
        return SequenceNet(
            self.n_channels_ * (2 if self.fill == "mask" else 1) * self.patch_,
            self._n_outputs,
            pooling=self.pooling,
            dropout=float(self.dropout),
            noise=float(self.input_noise),
            lstm=lstm_options(self),
            loss=self._loss() if loss is None else loss,
        )

    def _loss(self) -> ItemLoss:
        """Returns the loss of a network whose training is over: it says what an output means."""
        raise NotImplementedError

    _of_classes: ClassVar[bool]  # whether targets are classes

    @property
    def _n_outputs(self) -> int:
        raise NotImplementedError

    def _outputs(self, sequences: Ragged) -> np.ndarray:
        """Returns the network's output for every sequence, float64 [N, K]."""
        order = np.argsort(sequences.lengths, kind="stable")
        dataset = self._dataset(sequences.take(order), np.zeros(len(sequences), dtype=np.float32))
        device = next(self.network_.parameters()).device
        self.network_.eval()
        outputs = np.empty((len(sequences), self._n_outputs))
        done = 0
        with torch.no_grad(), threads_worth(self.network_, PREDICT_BATCH * float(dataset.lengths.mean())):
            for inputs, _ in Batches(dataset, PREDICT_BATCH):
                output = self.network_(inputs["input"].to(device), inputs["lengths"].to(device))
                outputs[order[done : done + len(output)]] = output.cpu().double().numpy()
                done += len(output)
        return outputs

    def _plain(self, sequences: Ragged) -> Ragged:
        """Returns sequences without gaps, as methods see them that know of none."""
        return without_gaps(sequences, self.scaler_.mean)

    def _learned_again(
        self, sequences: Ragged, classes: bool, right: Any
    ) -> tuple[dict[str, np.ndarray], tuple[str, ...]]:
        """Returns what methods say for plain sequences that learn from the examples which the model keeps.

        Beside their targets [N, D], by the name of the method, there are sentences on what could not be compared.
        """
        examples = self.rivals_.examples
        if examples is None:
            return {}, ()
        steps = examples.values.shape[1]
        scaled = replace(sequences, values=self.scaler_(sequences.values).astype(np.float64))
        values = resampled(scaled, steps).astype(np.float32)
        found = {NEAREST: examples.nearest(values, right)}
        notes = []
        if self.rivals == "all":
            try:
                found[CONVOLUTIONS] = examples.convolved(values, self.seed_, classes)
            except ImportError as error:
                notes.append(f"Not compared: {CONVOLUTIONS}, for {error}.")
        if len(examples.values) < examples.whole:
            known = f"{len(examples.values):,} of {examples.whole:,} training sequences"
            notes.append(f"Of {' and '.join(found)}: learned from {known}.")
        return found, tuple(notes)

    def fit_on(self, data: Sequences, **run: Any) -> Any:
        """Trains on sequences as ``carrousel.data`` reads them; ``run`` as in ``fit``."""
        targets = self.targets_of(data, training=True)
        return self.fit(self._given(data.X), targets, channel_names=list(data.channels), **run)

    def predict(self, X: Any) -> np.ndarray:
        """Returns what is predicted for the sequences X."""
        raise NotImplementedError

    def targets_of(self, data: Sequences, *, training: bool = False) -> np.ndarray:
        """Returns the targets of sequences as ``carrousel.data`` reads them.

        Args:
            data: the sequences.
            training: whether they are to be learned.

        Raises:
            DataError: there are none, or they are none for this estimator.
        """
        raise NotImplementedError

    def items_on(self, data: Sequences) -> SequenceDataset:
        """Returns what the network is shown of sequences that were read; DataError if they have no targets."""
        if data.y is None:
            raise DataError(f"{data.name}: without labels there is no error; label=, or --label, names their column")
        sequences = self._sequences(self._given(data.X))
        return self._dataset(sequences, self._learned(self.targets_of(data)))

    def _learned(self, targets: np.ndarray) -> np.ndarray:
        """Returns targets as the network learns them."""
        raise NotImplementedError

    def report_on(self, data: Sequences) -> Report:
        """Returns ``report`` on sequences as ``carrousel.data`` reads them.

        Raises:
            DataError: they have no targets.
        """
        if data.y is None:
            raise DataError(
                f"{data.name}: there are no labels to compare with; "
                "label= in Python, --label on the command line, names their column"
            )
        return self.report(self._given(data.X), self.targets_of(data))

    def drawings(self, data: Sequences, *, layer: int = 0, sequence: str | None = None) -> dict[str, Figure]:
        """Draws the model at work: ``gates``, ``learning-curve``, and its predictions where the data have targets.

        Args:
            data: sequences as ``carrousel.data`` reads them.
            layer: the layer whose gates are drawn, from 0.
            sequence: the id of the sequence over which they are drawn; by default the first.

        Raises:
            DataError: there is no sequence of that id.
        """
        ids = [str(name) for name in data.ids]
        if sequence is not None and sequence not in ids:
            raise DataError(f"{data.name}: there is no sequence {sequence!r}{nearest(sequence, ids)}")
        row = 0 if sequence is None else ids.index(sequence)
        x, fact = data.X[row], "" if data.y is None else f", {data.y[row]!s} in fact"
        gates = pictures.draw_activations(
            self.activations(*self._given([x])),
            x,
            cell=self.cell,
            channels=data.channels,
            layer=layer,
            title=f"{data.name}, sequence {ids[row]}: taken for {self.predict(self._given([x]))[0]!s}{fact}",
        )
        judged = (
            {} if data.y is None else self._judged(self.targets_of(data), self.predict(self._given(data.X)), data.name)
        )
        return {"gates": gates, **judged, **super().drawings(data, layer=layer)}

    def _judged(self, actual: np.ndarray, predicted: np.ndarray, name: str) -> dict[str, Figure]:
        """Draws predictions beside what came, under the picture's name."""
        raise NotImplementedError

    def activations(self, sequence: Any) -> dict[str, np.ndarray]:
        """Returns every state, gate and candidate at every step of one sequence ``[T, C]``.

        Returns ``{"h_l0": [T, H], "c_l0": [T, H], "i_l0": ..., "h_l0_reverse": ...}``: the names of the cell's states,
        gates and candidates with the layer, and the direction where it runs backward. Steps of one patch have the same.
        """
        sequences = self._sequences([sequence], "sequence")
        found = activations_of(self.network_, self._inputs(sequences))
        return {name: np.repeat(v, self.patch_, axis=0)[: len(sequences.values)] for name, v in found.items()}

    def _facts(self) -> dict[str, Any]:
        return {
            "channels": self.channel_names_,
            "features": stored_features(self),
            "flat": self._flat,
            "patch": self.patch_,
            "rivals": self.rivals_.facts(),
            "scaler": {"mean": self.scaler_.mean.tolist(), "scale": self.scaler_.scale.tolist()},
        }

    def _arrays(self) -> dict[str, np.ndarray]:
        return self.rivals_.arrays()

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.channel_names_ = _saved.words(facts["channels"], "its channels")
        self.n_channels_ = len(self.channel_names_)
        self._flat = None if facts["flat"] is None else whole(facts["flat"], "its number of features", 1)
        self.n_features_in_ = self.n_channels_ if self._flat is None else self._flat
        restore_features(self, facts.get("features"))
        self.scaler_ = _saved.scaler(facts["scaler"], self.n_channels_)
        self.patch_ = whole(facts.get("patch", 1), "its patch", 1, 2**24)
        if "rivals" in facts:
            about = (self.n_channels_, self._n_outputs, self._of_classes)
            self.rivals_ = Rivals.restore(facts["rivals"], arrays, *about)
        else:
            self.rivals_ = Rivals.of_older(arrays, self.n_channels_, self._n_outputs)


def arrays_of(part: Part) -> list[np.ndarray]:
    """Returns a part as what a run was trained on."""
    return [part[0].values, part[0].lengths, part[1], *parts_of(part[2])]


def paired_error(better: np.ndarray, worse: np.ndarray) -> float | None:
    """Returns the standard error of the mean difference of two methods' scores on the same items; None for one item."""
    difference = np.asarray(better, dtype=float) - np.asarray(worse, dtype=float)
    return float(difference.std(ddof=1) / math.sqrt(len(difference))) if len(difference) > 1 else None

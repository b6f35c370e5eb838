"""Sequences to a string of labels each, whose places are not known."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import pandas as pd
import torch

from carrousel import pictures
from carrousel._format import whole
from carrousel.data import spoken
from carrousel.estimators._collapsed import SHORTEST, collapsed, shortest_run, spread
from carrousel.estimators._label_estimator import ratio_error
from carrousel.estimators._params import choice, integer, lstm_options
from carrousel.estimators._report import Report, Score
from carrousel.estimators._sequences import Ragged
from carrousel.estimators._transcribes_images import TranscribesImages
from carrousel.estimators.metrics import aligned, distance
from carrousel.nets._ctc import beam_search, best_path, ctc, prefix_search
from carrousel.nets.transcriber import Transcriber
from carrousel.training._progress import ProgressCallback

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["DECODINGS", "LSTMTranscriber", "LabelModel"]

DECODINGS = ("best path", "prefix search", "beam search")
NOTHING = "–"  # in a picture of confusions: a label that was left out, or put in

LabelModel = Callable[[tuple[Any, ...], Any], float]
"""Gives log p(label | the labels before it); of None, that the string is over."""


@dataclass(eq=False, repr=False, kw_only=True)
class LSTMTranscriber(TranscribesImages):
    """Says a string of labels for each sequence with an LSTM, or any other cell of the family: speech, handwriting.

    Where in a sequence a label stands need not be known: the loss is minus the log probability of the string over all
    its alignments (CTC; Graves, Fernández, Gomez & Schmidhuber 2006). A part of the training data is set aside to end
    training early and to choose the weights.

    Images of lines, one array ``[N, H, W, C]`` or a list of ``[H, W_i, C]`` arrays, are read by multidimensional LSTM
    in all four directions (Graves & Schmidhuber 2009): ``num_layers`` of them above each other, each over blocks of
    ``stack`` x ``stack`` places of what is below it (2 x 2 by default), the highest with ``hidden_size`` cells, each
    one below with a quarter as many. The columns of the highest are summed, and say a label each, or nothing.
    Parameters that are for sequences are refused if they are given.

    Args:
        hidden_size: cells in each layer and direction.
        num_layers, dropout, input_noise: more than others have by default, against learning single recordings by
            heart; where the input is clean, less noise does better. ``max_epochs="auto"`` makes about 1,600 updates.
        stack: frames that are joined to one step, of images the side of a block; ``"auto"`` is 1, of images 2.
        every: of the steps every so many is read, the others are left out; of images all are.
        decoding: how a string is read off: ``"best path"``, ``"prefix search"`` (the most probable string; exact
            between steps at which the blank is certain) or ``"beam search"``, which takes a model of the labels.
        beam_width: strings that beam search keeps.

    Of symbols, missing values, validation and noise on weights see ``LabelEstimator``. All other parameters are those
    of the room's recipe: the options of ``carrousel.LSTM``, under their names there, and of the training
    (learning_rate, batch_size, ...); see ``carrousel.estimators.Recipe``.

    Attributes:
        classes_: the labels, sorted [K].
        vocabulary_: as in LSTMTagger.
        n_channels_, channel_names_, n_features_in_, feature_names_in_: as in LSTMClassifier; of symbols one.
        history_: one dict per epoch: epoch, learning_rate, train_loss, valid_loss, label error rate (by the best paths
            of the validation part).
        best_epoch_, network_, fit_seconds_: as in LSTMClassifier.

    Raises:
        ValueError: as LSTMClassifier; a string is empty, or needs more steps than its sequence has.

    Which pulses come, in which order?

    >>> import numpy as np
    >>> from carrousel.estimators import LSTMTranscriber
    >>> rng = np.random.default_rng(0)
    >>> y = [rng.choice(["a", "b"], size=rng.integers(1, 4)) for _ in range(80)]
    >>> X = [np.concatenate([[[0], [0], [1 if label == "a" else -1]] for label in labels]) for labels in y]
    >>> model = LSTMTranscriber(16, num_layers=1, dropout=0.0, input_noise=0.1, max_epochs=60, random_state=0)
    >>> model = model.fit(X[:60], y[:60])
    >>> bool(model.score(X[60:], y[60:]) > 0.95)
    True
    >>> model.predict([[[0], [0], [1], [0], [0], [-1], [0], [0], [-1]]])
    [('a', 'b', 'b')]
    """

    hidden_size: int = field(default=64, kw_only=False)
    num_layers: int = 2
    dropout: float = 0.5
    input_noise: float = 0.6
    decoding: str = "best path"
    beam_width: int = 16

    _figure: ClassVar[str] = "label error rate"
    _fewest: ClassVar[int] = 1
    _updates: ClassVar[int] = 1600
    _epochs: ClassVar[tuple[int, int]] = (24, 400)

    def _check_options(self) -> None:
        integer(self, "beam_width")
        choice(self, "decoding", DECODINGS)
        super()._check_options()

    def fit(
        self,
        X: Any,
        y: Any,
        *,
        groups: Any = None,
        validation_data: tuple[Any, Any] | None = None,
        channel_names: list[str] | None = None,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: ProgressCallback | None = None,
    ) -> LSTMTranscriber:
        """Trains on the sequences X and their strings y.

        Args:
            X: as in LSTMTagger.fit; or images, one ``[N, H, W, C]`` array or a list of ``[H, W_i, C]`` arrays.
            y: the labels of each sequence in their order, at least one: lists of text or whole numbers, or texts, whose
                letters are the labels.
            groups: as in LSTMClassifier.fit, as are validation_data (``(X, y)``), channel_names, checkpoint, resume and
                progress.
            validation_data: as there.
            channel_names: as there.
            checkpoint: as there.
            resume: as there.
            progress: as there.
        """
        self._check_options()
        read = self._first_read(X, channel_names)
        lengths = read[2]
        each = self._strings_of(y, lengths if read[0] is None else read[0].extents, "y")
        persons = self._groups(groups, len(lengths), validation_data)
        self.classes_ = np.unique([label for labels in each for label in labels])
        labels = self._numbered(each, "y")
        seed = self._draw_seed(checkpoint, resume)
        parts, validation = self._divided(lengths, persons, validation_data, seed)
        identity = self._identity(seed, self._data(read, labels, persons, validation))
        run = {"checkpoint": checkpoint, "resume": resume, "progress": progress}
        sequences = self._learn(read, labels, parts, validation, seed, identity, run)

        strings = labels.each()
        steps = self._plain(sequences).lengths.tolist()
        frames = [spread(string, length) for string, length in zip(strings, steps, strict=True)]
        self.rival_ = self._fit_rival(sequences, np.concatenate(frames), None, None)
        self.shortest_ = shortest_run(self._framewise(sequences), strings)
        return self

    def _counts(self, output: np.ndarray, target: np.ndarray) -> tuple[float, float]:
        errors = sum(distance(t[t >= 0].tolist(), best_path(o)) for o, t in zip(output, target, strict=True))
        return errors, int((target >= 0).sum())

    def _build_to_learn(self) -> torch.nn.Module:
        return self._build()

    def _build(self) -> torch.nn.Module:
        if self._of_images:
            return self._build_for_images()
        return Transcriber(
            self._width,
            len(self.classes_),
            stack=self._stacked("sequences"),
            every=int(self.every),
            dropout=float(self.dropout),
            noise=float(self.input_noise),
            lstm=lstm_options(self),
            symbols=self._symbol_count,
            unknown=self._rare,
        )

    def _seen(self, inputs: torch.Tensor) -> torch.Tensor:
        network: Any = self.network_
        return network.shortened(super()._seen(inputs), torch.tensor([inputs.shape[1]]))  # type: ignore[no-any-return]

    def predict_proba(self, X: Any) -> list[np.ndarray]:
        """Returns the probability of each label and, last, of the blank at each step: a list of [steps, K + 1]."""
        return [np.exp(output) for output in self._outputs(self._sequences(X))]

    def predict(
        self, X: Any, *, model: LabelModel | None = None, weight: float = 1.0, bonus: float = 0.0
    ) -> list[tuple[Any, ...]]:
        """Returns the string of each sequence, a tuple of labels, read off by ``decoding``.

        Args:
            X: sequences.
            model: log p(label | the labels before it), for beam search: called as ``model(("on",), "e")``, and as
                ``model(("one",), None)`` for the string's end. A model of letters or of words.
            weight: how much the model counts.
            bonus: what each label adds, against a model's preference for short strings.

        Raises:
            ValueError: there is a model, and ``decoding`` is another than beam search.
        """
        outputs = self._outputs(self._sequences(X))
        names = self.classes_.tolist()
        return [tuple(names[k] for k in self._decoded(each, model, weight, bonus)) for each in outputs]

    def _decoded(
        self, output: np.ndarray, model: LabelModel | None = None, weight: float = 1.0, bonus: float = 0.0
    ) -> list[int]:
        if self.decoding != "beam search":
            if model is not None:
                raise ValueError(f'model= is for decoding="beam search", not for {self.decoding!r}')
            return best_path(output) if self.decoding == "best path" else prefix_search(output.astype(np.float64))
        names = self.classes_.tolist()
        by_number = None
        if model is not None:
            given = model

            def by_number(prefix: tuple[int, ...], label: int | None) -> float:
                return given(tuple(names[k] for k in prefix), None if label is None else names[label])

        return beam_search(output.astype(np.float64), self.beam_width, by_number, weight, bonus)

    def listen(self, frames: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        """Yields the labels of an endless sequence as they come, by the best path.

        Args:
            frames: each ``[C]``, or a symbol.

        Yields:
            The number of the frame that brought a label, from 0, and the label.

        Raises:
            ValueError: the network has both directions, or reads images, or gaps are filled by what follows.
        """
        self._check_fitted()
        if self._of_images:
            raise ValueError("an image is read in all directions, and nothing is said before its end")
        if self.bidirectional:
            raise ValueError("a network of both directions says nothing before the end; bidirectional=False listens")
        if self.fill == "interpolate":
            raise ValueError("fill='interpolate' fills a gap by what follows it; fill='last' or 'mask' can listen")
        return self._heard(frames)

    def _heard(self, frames: Iterable[Any]) -> Iterator[tuple[int, Any]]:
        network: Any = self.network_.eval()
        device = next(network.parameters()).device
        names, state, number, before = self.classes_.tolist(), None, -1, None
        for number, frame in enumerate(frames):
            if self.vocabulary_ is None:
                frame = np.asarray(frame, dtype=np.float64)
                if self.fill == "last" and before is not None:
                    frame = np.where(np.isnan(frame), before, frame)
                before = frame
            step = frame[None] if self.vocabulary_ is None else [frame]
            values = torch.from_numpy(self._inputs(self._accepted([step], f"frame {number}")))
            labels, state = network.listen(values[0].to(device), state)
            for label in labels:
                yield number, names[label]
        if number >= 0:
            for label in network.listen(None, state)[0]:
                yield number, names[label]

    def score(self, X: Any, y: Any) -> float:
        """Returns 1 minus the label error rate: 1 where every string is right; it can be below 0."""
        sequences = self._sequences(X)
        strings = self._numbered(self._plain_labels(y, len(sequences), "y"), "y").each()
        errors = sum(
            distance(string.tolist(), self._decoded(output))
            for string, output in zip(strings, self._outputs(sequences), strict=True)
        )
        return 1.0 - errors / max(sum(map(len, strings)), 1)

    def _framewise(self, sequences: Ragged) -> list[np.ndarray]:
        """Returns what the linear method says for every frame."""
        plain = self._plain(sequences)
        return np.split(self.rival_(plain).argmax(axis=1), np.cumsum(plain.lengths)[:-1])

    def report(self, X: Any, y: Any) -> Report:
        """Compares the model with a simple method; the label error rate decides.

        The method is a frame-wise classifier: a logistic regression on a window of frames, of an image its columns,
        which learned from the same strings, each label given an equal share of its sequence's frames. Runs of one label
        are read as that label; the shortest run that counts was chosen on the training data. Beside the error stands
        the share of strings that are right as a whole.
        """
        sequences = self._sequences(X)
        labels = self._numbered(self._plain_labels(y, len(sequences), "y"), "y")
        strings = [string.tolist() for string in labels.each()]
        if not labels.counts.sum():
            raise ValueError("y has no label: there is nothing to compare with")
        said = {
            self._method: [self._decoded(output) for output in self._outputs(sequences)],
            "frame-wise classifier, collapsed": [collapsed(f, self.shortest_) for f in self._framewise(sequences)],
        }
        errors = {
            method: np.array([distance(a, b) for a, b in zip(strings, found, strict=True)], dtype=float)
            for method, found in said.items()
        }
        total = labels.counts.sum()
        scores = tuple(
            Score(
                method,
                method != self._method,
                {"label error rate": float(wrong.sum() / total), "strings right": float((wrong == 0).mean())},
            )
            for method, wrong in errors.items()
        )
        ours, theirs = errors.values()
        error = ratio_error(theirs - ours, labels.counts)
        notes, items = self._unknown(sequences), f"test {self._item}s"
        return Report("transcription", "label error rate", False, scores, len(sequences), error, notes, items)

    def table(self, data: Any) -> pd.DataFrame:
        """Returns the string of each sequence under ``prediction``, and its probability."""
        outputs = self._outputs(self._sequences(self._given(data.X)))
        strings = [self._decoded(output) for output in outputs]
        likely = [_probability(output, string) for output, string in zip(outputs, strings, strict=True)]
        said = [spoken(self.classes_[string]) for string in strings]
        return pd.DataFrame({"id": data.ids, "prediction": said, "probability": np.round(likely, 6)})

    def _drawn(self, one: Any, title: str) -> dict[str, Figure]:
        X, images = self._given(one.X), self._of_images
        drawn = pictures.draw_spikes(
            self.predict_proba(X)[0],
            self.classes_.tolist(),
            one.X[0],
            said=self.predict(X)[0],
            actual=None if one.y is None else one.y[0],
            stride=self._side ** int(self.num_layers) if images else self._stacked("sequences") * int(self.every),
            rate=None if images else one.rate,
            channels=one.channels,
            title=title,
        )
        return {"spikes": drawn}

    def _confusion(self, actual: list[Any], said: list[Any], name: str) -> Figure:
        said = [[str(label) for label in labels] for labels in said]
        pairs = [pair for a, b in zip(actual, said, strict=True) for pair in aligned(list(map(str, a)), b)]
        true, found = (
            np.array([NOTHING if label is None else label for label in side]) for side in zip(*pairs, strict=True)
        )
        errors = int((true != found).sum())
        title = f"{name}: {errors:,} errors in {int((true != NOTHING).sum()):,} labels ({NOTHING}: left out, or put in)"
        return pictures.draw_confusion(true, found, title=title)

    def _facts(self) -> dict[str, Any]:
        return {**super()._facts(), "shortest": self.shortest_}

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        super()._restore(facts, arrays)
        self.shortest_ = whole(facts["shortest"], "its shortest run", 1, SHORTEST[-1])


def _probability(output: np.ndarray, string: list[int]) -> float:
    """Returns how probable a string is by the outputs of its steps, [steps, K + 1]."""
    target = torch.tensor([string or [-1]])
    return float((-ctc(torch.from_numpy(output)[None].double(), target)).exp())

"""Music that goes on."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from carrousel import pictures
from carrousel._format import fitted, whole
from carrousel.data import DataError, Pieces, load_music, splits
from carrousel.data._errors import option, place_of
from carrousel.data._pieces import MOST_FRAMES, check_resolution
from carrousel.data.music import KEYS
from carrousel.estimators._base import Trainable, activations_of
from carrousel.estimators._frame_items import items_of, transposed
from carrousel.estimators._frame_tables import FrameTables, before
from carrousel.estimators._params import (
    check_memory,
    flag,
    integer,
    lstm_options,
    number,
    refuse_unused,
    training_options,
)
from carrousel.estimators._report import Report, Score
from carrousel.nets.frames import FrameNet
from carrousel.training import Job, train
from carrousel.training._progress import ProgressCallback

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

__all__ = ["METRIC", "LSTMComposer"]

METRIC, ACCURACY = "nats per frame", "accuracy"
DRAWN = 64  # quarter notes of what a picture makes up


@dataclass(eq=False, repr=False, kw_only=True)
class LSTMComposer(Trainable):
    """Learns pieces of music as frames of keys, and makes up others: an LSTM that says which keys sound next.

    Each key of a piano has a logistic output, independent of the others given what came before (Boulanger-Lewandowski,
    Bengio & Vincent 2012); what is said can be the next input (Eck & Schmidhuber 2002). A piece begins after a frame of
    silence.

    Attributes:
        hidden_size: cells in each layer.
        transpose: semitones by which each piece is learned higher and lower too, one by one, where a piano has the
            keys. An epoch has as many times the pieces.
        rivals: whether the report sets the model beside tables of how often keys sound. They hold counts alone.
        batch_size: pieces in a batch; None takes 16, or a seventh of few pieces, but at least 4.

    All other parameters are those of the room's recipe; see ``carrousel.estimators.Recipe``. Both directions are not
    for music that goes on.

    Attributes of a fitted model:
        resolution_: frames in a quarter note.
        history_, best_epoch_, network_, fit_seconds_: as in LSTMClassifier.

    >>> from carrousel.estimators import LSTMComposer
    >>> scale = np.eye(88, dtype="u1")[[39, 41, 43, 44] * 8]
    >>> model = LSTMComposer(16, max_epochs=60, learning_rate=0.03, validation=None, random_state=0).fit([scale] * 4)
    >>> model.generate(scale[:4], length=4, threshold=0.5).argmax(axis=1).tolist()
    [39, 41, 43, 44]
    """

    hidden_size: int = field(default=128, kw_only=False)
    transpose: int = 0
    rivals: bool = True
    dropout: float = 0.3
    learning_rate: float = 1e-2
    max_epochs: int = 60
    patience: int | None = 10

    def _check_options(self) -> None:
        """Refuses parameters out of their range, before anything is computed."""
        integer(self, "transpose", least=0, most=KEYS)
        flag(self, "rivals")
        number(self, "input_noise", least=0.0)
        refuse_unused(self, bidirectional=False)
        training_options(self)
        check_memory(self)

    # Learning

    def fit(
        self,
        X: Sequence[np.ndarray],
        y: None = None,
        *,
        resolution: int = 4,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        progress: ProgressCallback | None = None,
    ) -> LSTMComposer:
        """Trains on pieces.

        Args:
            X: the frames of each, ``[T_i, 88]`` of 0 and 1, the lowest key of a piano first.
            y: not used: what comes next is in the pieces.
            resolution: frames in a quarter note; what is made up has as many.
            checkpoint: a file from which a training that was broken off goes on with ``resume``.
            resume: whether to do so.
            progress: called after each batch and epoch.

        Raises:
            ValueError: a parameter is wrong, or there is no piece.
        """
        self._check_options()
        check_resolution(resolution, "fit")
        pieces = pieces_of(X)
        seed = self._draw_seed(checkpoint, resume)
        learned, aside = self._set_aside(pieces, seed)
        run = {"checkpoint": checkpoint, "resume": resume, "progress": progress}
        identity = self._identity(seed, [np.concatenate(pieces), np.array([len(piece) for piece in pieces])])
        shifted = [each for piece in learned for each in transposed(piece, int(self.transpose))]
        size = self.batch_size
        options = training_options(self)
        if size is None:
            size = min(16, max(4, len(shifted) // 7))
        options = replace(options, batch_size=int(size))
        shares = FrameTables.learned(learned).share

        def build() -> FrameNet:
            network = self._build()
            network.start_at(shares)
            return network

        job = Job(build, items_of(shifted), items_of(aside) if aside else None)
        self._keep(train(job, options, seed, identity=identity, **run), seed)  # type: ignore[arg-type]
        self.tables_ = FrameTables.learned(pieces) if self.rivals else None
        self.resolution_ = int(resolution)
        return self

    def _set_aside(self, pieces: list[np.ndarray], seed: int) -> tuple[list[np.ndarray], list[np.ndarray]]:
        """Returns the pieces to learn from, and those by which training is ended, none of a single piece."""
        if self.validation is None or len(pieces) < 2:
            return pieces, []
        order = np.random.default_rng(seed).permutation(len(pieces))
        count = int(np.clip(round(self.validation * len(pieces)), 1, len(pieces) - 1))
        return [pieces[k] for k in np.sort(order[count:])], [pieces[k] for k in np.sort(order[:count])]

    def _build(self) -> FrameNet:
        return FrameNet(KEYS, lstm=lstm_options(self), dropout=float(self.dropout), noise=float(self.input_noise))

    # Going on

    def stream(
        self, begin: np.ndarray | None = None, length: int = 64, *, threshold: float | None = None,
        temperature: float = 1.0, seed: int = 0,
    ) -> Iterator[np.ndarray]:  # fmt: skip
        """Goes on from the beginning of a piece, and gives each frame, ``[88]`` of 0 and 1, as it is made up.

        Args:
            begin: frames ``[T, 88]``, or None to begin a piece.
            length: how many frames to make up.
            threshold: a key sounds if its probability is above; None draws each key by its probability.
            temperature: below 1 the probable becomes more so, and what is improbable less.
            seed: the same seed makes up the same piece.

        Raises:
            ValueError: a number is out of its range, or the beginning is no frames.
        """
        self._check_fitted()
        if length < 0:
            raise ValueError(f"length must be at least 0, got {length}")
        silence = np.zeros((1, KEYS), dtype=np.uint8)
        first = silence if begin is None or not len(begin) else np.concatenate([silence, *pieces_of([begin])])
        played = self._model().play(
            torch.from_numpy(first), length=length, threshold=threshold, temperature=temperature, seed=seed
        )
        return (frame.numpy().astype(np.uint8) for frame in played)

    def generate(self, begin: np.ndarray | None = None, length: int = 64, **options: Any) -> np.ndarray:
        """Returns the frames that go on from a beginning, uint8 ``[length, 88]``; arguments as in ``stream``."""
        frames = list(self.stream(begin, length, **options))
        return np.stack(frames) if frames else np.zeros((0, KEYS), dtype=np.uint8)

    # Figures

    def _model(self) -> FrameNet:
        network: Any = self.network_
        return network

    def chances(self, frames: np.ndarray) -> np.ndarray:
        """Returns with what probability each key is expected in each frame of a piece, ``[T, 88]``."""
        self._check_fitted()
        (piece,) = pieces_of([frames])
        return self._model().chances(piece)

    def score(self, X: Sequence[np.ndarray], y: None = None) -> float:
        """Returns minus the nats per frame of pieces X: higher is better."""
        return -self.report(X).model.metrics[METRIC]

    def report(self, X: Sequence[np.ndarray]) -> Report:
        """Compares the model with tables of how often keys sound, on pieces X, in nats per frame.

        The accuracy is the share of right notes among those that sound or are expected with a probability above 1/2
        (Bay, Ehmann & Downie 2009).
        """
        self._check_fitted()
        pieces = pieces_of(X)
        found: dict[str, list[np.ndarray]] = {}
        for piece in pieces:
            said = {self._method: self.chances(piece)}
            if self.tables_ is not None:
                said |= self.tables_.chances(piece)
            else:
                said["all frames alike"] = np.full(piece.shape, 0.5)
            for name, chances in said.items():
                found.setdefault(name, []).append(np.array([*_counts(chances, piece)]))
        sums = {name: np.stack(rows) for name, rows in found.items()}  # [N, 3] each
        lengths = np.array([len(piece) for piece in pieces])
        scores = []
        for k, (name, rows) in enumerate(sums.items()):
            loss, right, all_ = rows.sum(axis=0)
            figures = {METRIC: float(loss / lengths.sum()), ACCURACY: float(right / all_) if all_ else math.nan}
            scores.append(Score(name, k > 0, figures))
        best = min(scores[1:], key=lambda score: score.metrics[METRIC]).method
        error = _error(sums[self._method][:, 0] - sums[best][:, 0], lengths)
        frame = "a quarter note" if self.resolution_ == 1 else f"one of {self.resolution_} of a quarter note"
        notes = [f"A frame is {frame}; {len(pieces)} piece{'s' * (len(pieces) != 1)}."]
        if self.tables_ is None:
            notes.append("Not compared with tables of how often keys sound: the model kept none (rivals=False).")
        return Report("music", METRIC, False, tuple(scores), int(lengths.sum()), error, tuple(notes), "frames")

    # Data as they are read

    def read(self, source: str | Path, **options: Any) -> Pieces:
        """Reads music from a name or a file, at this model's resolution; options as in ``load_music``."""
        part = "test" if "test" in splits(source, "music") else "all"
        data = load_music(source, **{"split": part, "resolution": self.resolution_, **options})
        if data.resolution != self.resolution_:
            raise DataError(
                f"{data.name}: {option('resolution', data.resolution)}: the model has {self.resolution_} frames a "
                "quarter note"
            )
        return data

    def fit_on(self, data: Pieces, **run: Any) -> LSTMComposer:
        """Trains on music as ``carrousel.data`` reads it; ``run`` as in ``fit``."""
        return self.fit(data.frames, resolution=data.resolution, **run)

    def report_on(self, data: Pieces) -> Report:
        """Returns ``report`` on music as ``carrousel.data`` reads it."""
        return self.report(data.frames)

    def table(self, data: Pieces) -> pd.DataFrame:
        """Returns a row for each piece: how well the model foretells it."""
        import pandas as pd

        rows = []
        for title, piece in zip(data.titles, data.frames, strict=True):
            loss, right, all_ = _counts(self.chances(piece), piece)
            about = {"piece": title, "frames": len(piece), "notes": int(piece.sum())}
            figures = {"nats_per_frame": loss / len(piece), "accuracy": right / all_ if all_ else math.nan}
            rows.append({**about, **figures})
        return pd.DataFrame(rows)

    def drawings(self, data: Pieces, *, layer: int = 0, sequence: str | None = None) -> dict[str, Figure]:
        """Draws a piece and what the model expected, and a piece of the model's own.

        Args:
            data: music as ``carrousel.data`` reads it.
            layer: the layer whose gates are drawn, from 0.
            sequence: the title of the piece; by default the first.

        Raises:
            DataError: there is no piece of that title.
        """
        row = place_of(sequence, data.titles, "piece", data.name)
        piece, count = data.frames[row][: 4 * DRAWN * self.resolution_], self.resolution_
        made = self.generate(None, DRAWN * count)
        title = data.titles[row]
        about = title if title in data.name else f"{data.name}: {title}"
        caption = "outlines: the notes; orange: what the model expected, the surer the darker"
        figures = {
            "piece": pictures.draw_roll(piece, resolution=count, chances=self.chances(piece), caption=caption,
                                        title=f"{about}, and what the model expected"),
            "generated": pictures.draw_roll(made, resolution=count, title="made up by the model, seed 0"),
        }  # fmt: skip
        figures["activations"] = pictures.draw_activations(
            self.activations(piece), cell=self.cell, layer=layer, title=f"{about}, what the cells do"
        )
        return {**figures, **super().drawings(data, layer=layer)}

    def activations(self, frames: np.ndarray) -> dict[str, np.ndarray]:
        """Returns every state, gate and candidate while a piece is read, ``{"h_l0": [T, H], "c_l0": ..., ...}``.

        At each step the frame before is read, and the next is expected.
        """
        self._check_fitted()
        (piece,) = pieces_of([frames])
        return activations_of(self.network_, before(piece).astype(np.float32))

    # Saving

    def _facts(self) -> dict[str, Any]:
        return {"resolution": self.resolution_, "tables": self.tables_ is not None}

    def _arrays(self) -> dict[str, np.ndarray]:
        return {} if self.tables_ is None else {"tables": self.tables_.counts}

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self._check_options()
        self.resolution_ = whole(facts["resolution"], "its resolution", 1, MOST_FRAMES)
        self.tables_ = None
        if facts["tables"] != self.rivals:
            raise ValueError(f"it says rivals={self.rivals!r}, and has {'' if facts['tables'] else 'no '}tables")
        if facts["tables"]:
            counts = fitted({"tables": arrays["tables"]}, {"tables": ((2, 2, KEYS), np.int64)})["tables"]
            if (counts < 0).any() or counts.sum() > 2**53:
                raise ValueError("its tables hold what is no count")
            self.tables_ = FrameTables(counts)


def pieces_of(X: Any) -> list[np.ndarray]:
    """Returns pieces as uint8 ``[T, 88]`` after checking them.

    Raises:
        ValueError: there is none, or one is no frames.
    """
    pieces = []
    for k, each in enumerate(X):
        frames = np.asarray(each)
        if frames.ndim != 2 or frames.shape[1] != KEYS or not len(frames) or frames.dtype.kind not in "biuf":
            raise ValueError(f"piece {k} must be frames [T, {KEYS}], at least one, got {list(frames.shape)}")
        if not np.isin(frames, (0, 1)).all():
            raise ValueError(f"piece {k} holds something else than 0 and 1: whether a key sounds")
        pieces.append(frames.astype(np.uint8))
    if not pieces:
        raise ValueError("there are no pieces")
    return pieces


def _counts(chances: np.ndarray, piece: np.ndarray) -> tuple[float, int, int]:
    """Returns the nats of a piece, how many notes are rightly expected, and how many sound or are expected."""
    sure = np.clip(np.where(piece == 1, chances, 1.0 - chances), 1e-12, None)
    expected = chances > 0.5
    return float(-np.log(sure).sum()), int((expected & (piece == 1)).sum()), int((expected | (piece == 1)).sum())


def _error(difference: np.ndarray, lengths: np.ndarray) -> float | None:
    """Returns the standard error of a mean over frames, of sums over pieces; None of a single piece."""
    count = len(lengths)
    if count < 2:
        return None
    left = difference - difference.sum() / lengths.sum() * lengths  # that of a ratio
    return float(math.sqrt((left**2).sum() / (count - 1) * count) / lengths.sum())

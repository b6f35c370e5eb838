"""An estimator that somebody else might write, of a kind of data that carrousel does not read."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from made_up.networks.tagger import Tagger

from carrousel import pictures
from carrousel.estimators import Report, Score
from carrousel.estimators._base import Trainable
from carrousel.estimators._params import training_options
from carrousel.training import Items, Job, train


@dataclass(eq=False, repr=False, kw_only=True)
class LineTagger(Trainable):
    """Names the class of every step. A file has a line for each sequence, of as many steps each: ``0.3:1 -1:0``."""

    def read(self, source: str | Path) -> np.ndarray:  # [N, T, 2], a value and a class
        lines = Path(source).read_text(encoding="utf-8").splitlines()
        return np.array([[step.split(":") for step in line.split()] for line in lines], np.float32)

    def fit_on(self, data: np.ndarray, **run: Any) -> LineTagger:
        tags = data[:, :, 1].astype(np.int64)
        self.count_ = int(tags.max()) + 1
        items = self.items_on(data)
        seed = self._draw_seed(run["checkpoint"], run["resume"])
        identity = self._identity(seed, [data])
        self._keep(train(Job(self._build, items), training_options(self), seed, identity=identity, **run), seed)
        return self

    def items_on(self, data: np.ndarray) -> Items:
        tags = data[:, :, 1].astype(np.int64)
        return Items(data[:, :, :1].reshape(-1, 1), np.full(len(data), data.shape[1]), tags)

    def report_on(self, data: np.ndarray) -> Report:
        guesses = {"LSTM": self._tags(data), "always 0": np.zeros(data.shape[:2])}
        scores = [Score(n, n != "LSTM", {"accuracy": float((g == data[:, :, 1]).mean())}) for n, g in guesses.items()]
        return Report("tagging", "accuracy", True, tuple(scores), len(data))

    def table(self, data: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame({"tags": [" ".join(map(str, tags)) for tags in self._tags(data)]})

    def drawings(self, data: np.ndarray, *, layer: int = 0) -> dict[str, Any]:
        right = pictures.draw_confusion(data[:, :, 1].astype(np.int64).ravel(), self._tags(data).ravel())
        return {"tags": right, **super().drawings(data, layer=layer)}

    def _tags(self, data: np.ndarray) -> np.ndarray:  # [N, T]
        with torch.no_grad():
            lengths = torch.full((len(data),), data.shape[1])
            return self.network_(torch.from_numpy(data[:, :, :1]), lengths).argmax(2).numpy()

    def _build(self) -> torch.nn.Module:
        return Tagger(1, self.count_)

    def _facts(self) -> dict[str, Any]:
        return {"count": self.count_}

    def _arrays(self) -> dict[str, np.ndarray]:
        return {}

    def _restore(self, facts: dict[str, Any], arrays: dict[str, np.ndarray]) -> None:
        self.count_ = facts["count"]

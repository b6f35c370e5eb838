"""A trial on handwriting: LSTM, multidimensional LSTM or a convolution, each ending in CTC."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from torch import Tensor, nn

from carrousel.data import Images, hold_out, load_images, load_transcribed, make_images
from carrousel.estimators.metrics import distance
from carrousel.nets._ctc import best_path, blank_past, ctc
from carrousel.papers._estimated import Estimated, learned, seed_of
from carrousel.papers._networks import Taught, said, sized, teach
from carrousel.papers._trial import Found, Prepared, Setting
from carrousel.training import Job
from carrousel.training._batches import LabelledImages

__all__ = ["Columns", "bars", "prepare", "train"]

VALIDATION = 0.1


class Columns(nn.Module):
    """A network that says a string of labels for an image 28 pixels high: three convolutions, CTC.

    Every place that says a label is 4 pixels wide, and sees 18.

    Args:
        labels: the number of labels.
        width: the maps of the first convolution; the others have twice and four times as many.
    """

    def __init__(self, labels: int, width: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv2d(1, width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True),
            nn.Conv2d(width, 2 * width, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, ceil_mode=True),
            nn.Conv2d(2 * width, 4 * width, (7, 3), padding=(0, 1)), nn.ReLU(), nn.Dropout(0.5),
        )  # fmt: skip
        self.head = nn.Linear(4 * width, labels + 1)

    def forward(self, input: Tensor, lengths: Tensor) -> Tensor:  # [B, 28, width, 1], [B, 2] -> [B, steps, K + 1]
        """Returns the log probabilities of every column's labels, the blank last."""
        seen = self.layers(input.permute(0, 3, 1, 2))[:, :, 0].mT
        return blank_past(self.head(seen).log_softmax(dim=2), (lengths[:, 1] + 3) // 4)

    def each(self, output: Tensor, target: Tensor) -> Tensor:
        """Returns minus the log probability of each string, [B]."""
        return ctc(output, target)

    def decode(self, output: Tensor, lengths: Tensor) -> list[list[int]]:
        """Returns the string of the most probable path of each image."""
        return [best_path(each) for each in output.numpy()]


def bars(rng: np.random.Generator, count: int) -> Images:
    """Returns images of bars side by side, at the top (t) or the bottom (b) of 4 rows, with their strings."""
    strings = [tuple(rng.choice(["b", "t"], size=rng.integers(1, 4)).tolist()) for _ in range(count)]
    images = []
    for string in strings:
        image = 0.1 * rng.normal(size=(4, 6 * len(string) + int(rng.integers(0, 3))))
        for k, label in enumerate(string):
            image[slice(0, 2) if label == "t" else slice(2, 4), 6 * k + 1 : 6 * k + 4] += 1
        images.append(image)
    return make_images(images, strings, name="bars")


def _parts(data: str, setting: Setting) -> tuple[Any, Any]:
    """Returns what is learned from and what is judged on."""
    if data == "bars":
        rng = np.random.default_rng(setting.seed)
        return bars(rng, 80), bars(rng, 40)
    load = load_images if data == "digit-lines" else load_transcribed
    return load(data, split="train"), load(data, split="test")


def prepare(setting: Setting) -> Prepared:
    """Returns the method of a row, with what it learns from and what it is judged on."""
    config = sized(setting)
    about = config.learner
    parts = _parts(config.task["data"], setting)
    if about["method"] == "lstm":
        from carrousel.estimators import LSTMTranscriber

        options = {name: value for name, value in {**about, **config.until}.items() if name != "method"}
        return Estimated(LSTMTranscriber(**options, validation=None, random_state=seed_of(setting)), *parts)
    labels = parts[0].labels().tolist()
    kept, valid = hold_out(parts[0], VALIDATION, seed=setting.number)
    items = [_items(part, labels) for part in (kept, valid, parts[1])]
    return Taught(Job(partial(Columns, len(labels), about["width"]), items[0], items[1]), items[2], (parts[1], labels))


def _items(data: Images, labels: list[str]) -> LabelledImages:
    strings = [[labels.index(label) for label in string] for string in data.strings()]
    counts = np.array([len(string) for string in strings])
    values = np.concatenate([x.reshape(-1, 1) for x in data.X])
    return LabelledImages(values, data.sizes, np.concatenate(strings).astype(np.int64), counts)


def train(prepared: Any, setting: Setting) -> Found:
    """Learns, and returns the label error rate on what was left out, and how many strings are right."""
    if isinstance(prepared, Estimated):
        model, found = learned(prepared)
        report = model.report_on(prepared.sets)
        ours, simple = report.model.metrics, report.best_simple.metrics
        rates = {"error": ours["label error rate"], "right": ours["strings right"]}
        return {**found, **rates, "collapsed": simple["label error rate"]}
    network, found = teach(prepared, setting)
    test, labels = prepared.sets
    strings = [tuple(labels[k] for k in each) for each in said(network, prepared.task)]
    wrong = np.array([distance(list(a), list(b)) for a, b in zip(test.y, strings, strict=True)])
    return {**found, "error": float(wrong.sum() / sum(map(len, test.y))), "right": float((wrong == 0).mean())}

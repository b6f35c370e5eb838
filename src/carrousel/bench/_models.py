"""How fast models are trained that papers describe in full, beside the same in torch."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import Any

import torch
from torch import Tensor, nn

import carrousel
from carrousel.bench._online import Figure
from carrousel.bench._run import timed_in_turns
from carrousel.engine import grids
from carrousel.nets.language_model import LanguageModel
from carrousel.nets.segmenter import Segmenter

__all__ = ["GRIDS", "MEDIUM", "model_figures"]

MEDIUM: Mapping[str, int] = {"symbols": 10_000, "hidden": 650, "layers": 2, "steps": 35, "batch": 20}
"""The medium network of Zaremba, Sutskever & Vinyals 2014, and the pieces of text that it is trained on."""

GRIDS: Mapping[str, tuple[int, int, int]] = {"28 x 28": (28, 1, 25), "14 x 14": (14, 16, 32)}
"""Layers over images, by what they see: rows and columns, features of a place, cells of a direction."""

IMAGES = 32  # in a batch
ROUNDS = 5  # at least
DROPOUT = 0.5
CLOSE = 1e-4  # how far two ways to the same numbers may be apart, in float32


class _Torch(nn.Module):
    """``nn.LSTM`` where a language model has ``carrousel.LSTM``."""

    def __init__(self, ours: carrousel.LSTM) -> None:
        super().__init__()
        self.lstm = carrousel.to_torch(ours)

    def forward(self, input: Tensor, state: Any = None, *, lengths: None = None, resets: None = None) -> Any:
        return self.lstm(input, state)


def model_figures(
    say: Callable[[Figure], None], seconds: float = 4.0, medium: Mapping[str, int] = MEDIUM,
    shapes: Mapping[str, tuple[int, int, int]] = GRIDS,
) -> None:  # fmt: skip
    """Measures everything on torch's number of threads, and hands each figure to ``say``.

    Rivals take turns in one process, and ratios are medians over rounds. Both are checked to give the same numbers
    first.

    Args:
        say: told of each figure.
        seconds: about how long each pair is timed.
        medium: the sizes of the language model, those of :data:`MEDIUM`.
        shapes: those of the layers over images, as :data:`GRIDS` has them.

    Raises:
        RuntimeError: the check failed; no figure of this pair was told.
    """
    torch.manual_seed(0)
    _language(say, seconds, medium)
    torch.manual_seed(0)  # how much dropout drew depends on how many rounds were timed
    _images(say, seconds, shapes)


def _language(say: Callable[[Figure], None], seconds: float, sizes: Mapping[str, int]) -> None:
    lstm = {"hidden_size": sizes["hidden"], "num_layers": sizes["layers"], "init": 0.05}
    ours = LanguageModel(sizes["symbols"], lstm=lstm, dropout=DROPOUT)
    theirs = copy.deepcopy(ours)
    theirs.lstm = _Torch(ours.lstm)  # type: ignore[assignment]
    tokens = sizes["steps"] * sizes["batch"]
    about = f"{sizes['layers']} x {sizes['hidden']} units, {sizes['batch']} x {sizes['steps']} steps"

    x = torch.randn(sizes["batch"], sizes["steps"], sizes["hidden"], requires_grad=True)
    layers = {"ours": ours.lstm, "torch": theirs.lstm}
    for each in layers.values():
        each.eval()  # without dropout both are the same
    _check("the layers of the language model", lambda each: each(x)[0], layers.values())
    ratio, times = _compared({name: _pass(each, [x, *each.parameters()]) for name, each in layers.items()}, seconds)
    say(Figure("language model, recurrent part", ratio, "times", f"nn.LSTM's time / ours, {about}, forward + backward"))
    say(Figure("language model, recurrent part, ours", tokens / times["ours"], "words/s", "without dropout"))

    text = torch.randint(sizes["symbols"], (sizes["batch"], sizes["steps"] + 1))
    models = {"ours": ours.train(), "torch": theirs.train()}
    ratio, times = _compared({name: _learning(each, text) for name, each in models.items()}, seconds)
    vocabulary = f"{sizes['symbols']:,} words, dropout {DROPOUT:g}"
    say(Figure("language model, whole step", ratio, "times", f"with embedding, softmax and update, {vocabulary}"))
    for name, who in (("ours", "ours"), ("torch", "with nn.LSTM")):
        say(Figure(f"language model, whole step, {who}", tokens / times[name], "words/s", about))


def _images(say: Callable[[Figure], None], seconds: float, shapes: Mapping[str, tuple[int, int, int]]) -> None:
    for name, (side, features, hidden) in shapes.items():
        layer = carrousel.MDLSTM(features, hidden)
        x = torch.randn(IMAGES, side, side, features)
        weights = {each: getattr(layer, each) for each in layer.layer.shapes()}

        def eager(x: Tensor, layer: Any = layer, weights: Any = weights) -> Tensor:
            return grids.reference.run(layer.layer, weights, x, None)

        _check(f"layers over images of {name}", lambda run, x=x: run(x), (layer, eager))  # type: ignore[misc]
        tensors = [x, *layer.parameters()]
        ratio, _ = _compared({"ours": _pass(layer, tensors), "torch": _pass(eager, tensors)}, seconds)
        about = f"eager torch's time / ours, {features} features, {hidden} cells a direction, {IMAGES} images"
        say(Figure(f"multidimensional LSTM, {name}", ratio, "times", about))
    side, features, hidden = next(iter(shapes.values()))
    network = Segmenter(features, 11, hidden=(hidden,))
    image, places = torch.rand(IMAGES, side, side, features), torch.randint(11, (IMAGES, side, side))
    full = torch.tensor([[side, side]] * IMAGES)
    optimiser = torch.optim.AdamW(network.parameters(), foreach=True)

    def learn() -> None:
        optimiser.zero_grad()
        network.each(network(image, full), places).mean().backward()
        optimiser.step()

    took = median(each["ours"] for each in timed_in_turns({"ours": learn}, seconds, ROUNDS))
    count = sum(weight.numel() for weight in network.parameters())
    about = f"training, {count:,} weights, {IMAGES} images of {side} x {side} in a batch"
    say(Figure("network of Graves et al. 2007", IMAGES / took, "images/s", about))


def _pass(run: Callable[[Tensor], Any], tensors: Iterable[Tensor]) -> Callable[[], None]:
    """Returns a pass of the first tensor forward and backward, before which the gradients of all are cleared."""
    tensors = [*tensors]

    def work() -> None:
        for tensor in tensors:
            tensor.grad = None
        found = run(tensors[0])
        (found if isinstance(found, Tensor) else found[0]).sum().backward()

    return work


def _learning(network: LanguageModel, text: Tensor) -> Callable[[], None]:
    """Returns a step of training, the states of each going on into the next."""
    optimiser = torch.optim.SGD(network.parameters(), 1e-3, foreach=True)
    lengths = torch.full((len(text),), text.shape[1] - 1)
    held: list[Any] = [None]

    def work() -> None:
        optimiser.zero_grad()
        output, state = network.carry(text[:, :-1], lengths, held[0])
        network.each(output, text[:, 1:]).mean().backward()
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        held[0] = [each.detach() for each in state]

    return work


def _compared(works: Mapping[str, Callable[[], None]], seconds: float) -> tuple[float, dict[str, float]]:
    """Returns how many times as long torch's work takes as ours, and the median time of each."""
    rounds = timed_in_turns(dict(works), seconds, ROUNDS)
    ratio = median(each["torch"] / each["ours"] for each in rounds)
    return ratio, {name: median(each[name] for each in rounds) for name in works}


def _check(what: str, said: Callable[[Any], Tensor], subjects: Any) -> None:
    with torch.no_grad():
        one, other = (said(subject) for subject in subjects)
    apart = float((one - other).abs().max())
    if not apart <= CLOSE:
        raise RuntimeError(f"{what}: ours and torch's are {apart:.1e} apart")

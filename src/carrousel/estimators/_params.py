"""The options that all estimators share: what they may be, and how they look as JSON."""

from __future__ import annotations

import math
import numbers
import os
from dataclasses import fields
from typing import Any

import numpy as np
import torch

from carrousel import LSTM, cells
from carrousel.cells import Cell
from carrousel.estimators._recipe import OfLSTM
from carrousel.training._options import Options

__all__ = [
    "check_memory",
    "choice",
    "decode",
    "flag",
    "integer",
    "is_own_cell",
    "lstm_options",
    "number",
    "refuse_unused",
    "stored_params",
    "training_options",
]

MOST_LAYERS = 1000  # building a million takes ten minutes, and nobody means it
LSTM_OPTIONS = tuple(f.name for f in fields(OfLSTM))
LARGEST = 2**53  # of whole numbers: the last below which a float has all of them


def lstm_options(estimator: Any) -> dict[str, Any]:
    """Returns the keyword arguments of ``carrousel.LSTM`` among an estimator's parameters."""
    options = {name: getattr(estimator, name) for name in LSTM_OPTIONS}
    if options["forget_bias"] == "auto":
        options["forget_bias"] = 1.0 if "f" in cells.get(options["cell"]).gates else None
    # A grid search hands over NumPy's integers, which the module rightly refuses.
    return {name: value.item() if isinstance(value, np.generic) else value for name, value in options.items()}


def training_options(estimator: Any) -> Options:
    """Returns the options of the training, and refuses parameters out of their range."""
    number(estimator, "learning_rate", above=0.0)
    number(estimator, "weight_decay", least=0.0)
    number(estimator, "dropout", least=0.0, below=1.0)
    number(estimator, "input_noise", least=0.0)
    integer(estimator, "batch_size", none=True)
    integer(estimator, "max_epochs")
    integer(estimator, "patience", none=True)
    number(estimator, "gradient_clip", above=0.0, none=True)
    number(estimator, "validation", above=0.0, below=1.0, none=True)
    for name in ("standardise", "highway", "calibrate", "channels_first"):  # the module checks its own
        if hasattr(estimator, name):
            flag(estimator, name)
    weights_of_a_layer(estimator)
    clip = estimator.gradient_clip
    return Options(
        learning_rate=float(estimator.learning_rate),
        weight_decay=float(estimator.weight_decay),
        batch_size=None if estimator.batch_size is None else int(estimator.batch_size),
        max_epochs=int(estimator.max_epochs),
        patience=None if estimator.patience is None else int(estimator.patience),
        gradient_clip=None if clip is None else float(clip),
        device=str(_device(estimator.device)),
    )


def weights_of_a_layer(estimator: Any) -> int:
    """Returns how many weights the first layer of an estimator's network has on one channel.

    Nothing is allocated for them.
    """
    integer(estimator, "num_layers", most=MOST_LAYERS)
    try:
        options = lstm_options(estimator)
    except TypeError as error:
        raise ValueError(str(error)) from None
    for name, value in options.items():
        for part in value if isinstance(value, (list, tuple)) else [value]:
            if isinstance(part, int) and abs(part) > LARGEST:
                raise ValueError(f"{name} must not be beyond {LARGEST}, got {value!r}")
    if not (options["gate_recurrence"] is None or isinstance(options["gate_recurrence"], str)):
        raise ValueError(f"gate_recurrence must be None, 'gates' or 'all', got {options['gate_recurrence']!r}")
    try:
        layer = LSTM(1, device="meta", **{**options, "num_layers": 1})
    except (TypeError, RuntimeError) as error:  # another kind of value, or sizes that no tensor has
        raise ValueError(str(error)) from None
    return sum(weight.numel() for weight in layer.parameters())


def check_memory(estimator: Any) -> None:
    """Refuses a network that this machine could not hold while it is trained, before it is brought to a halt."""
    layers = int(estimator.num_layers)
    weights = weights_of_a_layer(estimator) * layers
    # Beside the weights their gradients and two moments, where the network is trained.
    needed = weights * 4 * (4 if torch.device(estimator.device).type == "cpu" else 1)
    try:
        there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # not every system tells
        return
    if needed > there:
        raise ValueError(
            f"hidden_size={estimator.hidden_size!r} and num_layers={layers} make {weights:.3g} weights or more, "
            f"which need {needed / 1e9:.3g} GB to be trained; this machine has {there / 1e9:.3g} GB"
        )


def _device(device: Any) -> torch.device:
    try:
        return torch.device(device)
    except (RuntimeError, TypeError) as error:
        reason = str(error).splitlines()[0].split(" device type at start")[0]
        raise ValueError(
            f"device must be one of torch's, such as 'cpu' or 'cuda:0', got {device!r} ({reason})"
        ) from None


def flag(estimator: Any, name: str) -> None:
    """Refuses a parameter that is neither True nor False."""
    value = getattr(estimator, name)
    if not isinstance(value, (bool, np.bool_)):
        raise ValueError(f"{name} must be True or False, got {value!r}")


def refuse_unused(estimator: Any, **usual: Any) -> None:
    """Refuses parameters of the recipe that an estimator has no use for, if they are not as ``usual``."""
    for name, value in usual.items():
        if getattr(estimator, name) != value:
            raise ValueError(f"{name} must be {value!r}: {type(estimator).__name__} has no use for anything else")


def choice(estimator: Any, name: str, choices: tuple[Any, ...]) -> None:
    """Refuses a parameter that is none of these."""
    value = getattr(estimator, name)
    if not any(value is None if each is None else isinstance(value, str) and value == each for each in choices):
        raise ValueError(f"{name} must be one of {', '.join(map(repr, choices))}, got {value!r}")


def integer(estimator: Any, name: str, *, least: int = 1, most: int = LARGEST, none: bool = False) -> None:
    """Refuses a parameter that is no integer from ``least`` to ``most``."""
    value = getattr(estimator, name)
    if none and value is None:
        return
    if not isinstance(value, numbers.Integral) or isinstance(value, bool) or value < least:
        raise ValueError(f"{name} must be an integer of at least {least}{' or None' * none}, got {value!r}")
    if int(value) > most:
        raise ValueError(f"{name} must be an integer of at most {most}, got {value!r}")


def number(
    estimator: Any, name: str, *, least: float | None = None, above: float | None = None, below: float | None = None,
    none: bool = False,
) -> None:  # fmt: skip
    """Refuses a parameter that is no finite number within its bounds."""
    value = getattr(estimator, name)
    if none and value is None:
        return
    good = isinstance(value, numbers.Real) and not isinstance(value, bool)
    good = good and (abs(int(value)) <= LARGEST if isinstance(value, numbers.Integral) else math.isfinite(value))
    bounds = [("at least", least, lambda v, b: v >= b), ("above", above, lambda v, b: v > b),
              ("below", below, lambda v, b: v < b)]  # fmt: skip
    if not good or not all(bound is None or holds(value, bound) for _, bound, holds in bounds):
        limits = " and ".join(f"{word} {bound:g}" for word, bound, _ in bounds if bound is not None)
        raise ValueError(f"{name} must be a number {limits}{', or None' * none}, got {value!r}")


def encode(value: Any) -> Any:
    """Returns a parameter's value in JSON: a cell by its name, a mapping as pairs (its keys are labels)."""
    if isinstance(value, Cell):
        return value.spec
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, dict):
        return {"pairs": [[encode(k), encode(v)] for k, v in value.items()]}
    if isinstance(value, (list, tuple, np.ndarray)):
        return [encode(item) for item in value]
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if hasattr(value, "freqstr"):  # an offset of pandas, which is not imported for this
        from carrousel.estimators._offsets import offset_to_json

        return {"offset": offset_to_json(value)}
    raise TypeError(f"a {type(value).__name__} cannot be stored with a model: {value!r}")


def decode(value: Any) -> Any:
    """Returns the value of what ``encode`` returned; sequences become tuples."""
    if isinstance(value, dict):
        if set(value) == {"offset"}:
            from carrousel.estimators._offsets import offset_from_json

            return offset_from_json(value["offset"])
        if set(value) != {"pairs"}:
            raise ValueError(f"unexpected fields {sorted(value)}")
        return {decode(k): decode(v) for k, v in value["pairs"]}
    if isinstance(value, list):
        return tuple(decode(item) for item in value)
    return value


def stored_params(estimator: Any) -> dict[str, Any]:
    """Returns all constructor parameters as JSON, but no generator: the seed drawn from it is stored."""
    params = dict(estimator.get_params(deep=False))
    if not (params["random_state"] is None or isinstance(params["random_state"], numbers.Integral)):
        params["random_state"] = None
    return {name: encode(value) for name, value in sorted(params.items())}


def is_own_cell(cell: Any) -> bool:
    """Tells whether this cell's code is the user's: its name alone does not bring it back."""
    if not isinstance(cell, Cell):
        return False
    try:
        return cells.get(cell.spec) != cell
    except (ValueError, TypeError):
        return True

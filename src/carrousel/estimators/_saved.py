"""A model as a directory: model.json says what it is, model.safetensors holds its arrays. Reading runs no code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch

from carrousel import __version__, cells
from carrousel._atomic import backup_of, steadily, write_directory
from carrousel._format import Format, fitted, number, pack, parse, unpack, whole
from carrousel.estimators._params import decode, is_own_cell, stored_params
from carrousel.estimators._scaling import Scaler
from carrousel.training._errors import ModelError
from carrousel.training._history import checked_history

__all__ = [
    "FORMAT",
    "array",
    "labels_from_json",
    "labels_to_json",
    "load",
    "numbers",
    "save",
    "scaler",
    "truth",
    "words",
]

FORMAT = Format("carrousel-model", 2, "a saved model", ModelError)
JSON, ARRAYS = "model.json", "model.safetensors"
LARGEST_JSON = 256 * 2**20  # bytes
LARGEST_SIZE = 2**24  # of any layer, and of their number: a description beyond it is damaged or hostile


def save(estimator: Any, path: Path) -> None:
    """Writes a fitted estimator to the directory ``path``, in one step."""
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"{path} is a file; a model is saved as a directory")
    if path.is_dir() and not (path / JSON).is_file() and any(path.iterdir()):
        raise FileExistsError(f"{path} is a directory that holds something else than a model; give another name")
    arrays = {f"network.{n}": t.detach().cpu().numpy() for n, t in estimator.network_.state_dict().items()}
    arrays |= estimator._arrays()
    facts = {
        "carrousel": __version__,
        "estimator": type(estimator).__name__,
        "cell": cells.get(estimator.cell).spec,
        "own_cell": is_own_cell(estimator.cell),
        "params": stored_params(estimator),
        "seed": estimator.seed_,
        "history": estimator.history_,
        "best_epoch": estimator.best_epoch_,
        "stopped_early": estimator.stopped_early_,
        **estimator._facts(),
    }
    text = json.dumps(FORMAT.seal(facts, arrays), indent=1, ensure_ascii=False)
    write_directory(path, {ARRAYS: pack(arrays), JSON: (text + "\n").encode()})


def load(path: str | Path, *, cell: Any = None, device: str | None = None) -> Any:
    """Reads a model that ``estimator.save(path)`` wrote: a fitted estimator of ``carrousel.estimators.ESTIMATORS``.

    Its predictions are those of the saved one, bit for bit. No code from the directory is run, whatever it holds.

    Args:
        path: the model's directory.
        cell: only for a model trained with a cell of your own, whose code is not stored: that cell.
        device: a torch device instead of the one the model was trained on.

    Raises:
        FileNotFoundError: there is nothing at ``path``.
        ModelError: what is there is no intact model: foreign, truncated, changed, or of a later version.
    """
    path = Path(path)
    if not path.exists() and backup_of(path).is_dir():
        path = backup_of(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no model at {path}")
    with FORMAT.blaming(path):
        sealed, arrays = steadily(path, lambda: _read(path))
        return _rebuild(FORMAT.unseal(sealed, arrays), arrays, cell, device)


def _read(path: Path) -> tuple[Any, dict[str, np.ndarray]]:
    if not (path / JSON).is_file() or not (path / ARRAYS).is_file():
        raise ValueError(f"it must be a directory with {JSON} and {ARRAYS}")
    size = (path / JSON).stat().st_size
    if size > LARGEST_JSON:
        raise ValueError(f"its {JSON} has {size:,} bytes")
    return parse((path / JSON).read_bytes()), unpack(path / ARRAYS)[1]


def _rebuild(facts: dict[str, Any], arrays: dict[str, np.ndarray], cell: Any, device: str | None) -> Any:
    from carrousel.estimators import ESTIMATORS, OTHERS

    kinds = {estimator.__name__: estimator for estimator in (*ESTIMATORS, *OTHERS)}
    if facts["estimator"] not in kinds:
        raise ValueError(f"unknown estimator {facts['estimator']!r}")
    params = {name: decode(value) for name, value in facts["params"].items()}
    for name, value in params.items():
        if isinstance(value, int) and abs(value) > LARGEST_SIZE and name != "random_state":
            raise ValueError(f"{name}={value} is beyond reason")
    if facts["own_cell"]:
        if cell is None:
            raise ValueError(
                f"it was trained with a cell of the user's own, {facts['cell']!r}: give it as load(cell=...)"
            )
        if cells.get(cell).spec != facts["cell"]:
            raise ValueError(f"it was trained with the cell {facts['cell']!r}, not {cells.get(cell).spec!r}")
        params["cell"] = cell
    estimator = kinds[facts["estimator"]](**params)
    estimator._restore(facts, arrays)
    estimator.seed_ = whole(facts["seed"], "its seed", most=2**32 - 1)
    estimator.history_ = checked_history(facts["history"], LARGEST_SIZE)
    estimator.best_epoch_ = whole(facts["best_epoch"], "its best epoch", 1, len(estimator.history_))
    estimator.stopped_early_ = truth(facts["stopped_early"], "stopped_early")
    estimator.network_ = _network(estimator, arrays)
    estimator.network_.to(device if device is not None else estimator.device).eval()
    return estimator


def _network(estimator: Any, arrays: dict[str, np.ndarray]) -> torch.nn.Module:
    """Builds the network, after checking every array's name, shape and type before memory is taken for it."""
    weights = {name: a for name, a in arrays.items() if name.startswith("network.")}
    if getattr(estimator, "num_layers", 1) > len(weights):
        raise ValueError(f"its description names {estimator.num_layers} layers, its arrays hold fewer")
    with torch.device("meta"):
        wanted = estimator._build().state_dict()
    declared = {f"network.{name}": (tuple(w.shape), str(w.dtype).removeprefix("torch.")) for name, w in wanted.items()}
    declared |= {name: (value.shape, value.dtype) for name, value in estimator._arrays().items()}
    checked = fitted(arrays, declared)
    with torch.random.fork_rng(devices=[]):  # the random initial weights are overwritten
        network = estimator._build()
    network.load_state_dict({name: torch.from_numpy(checked[f"network.{name}"]) for name in wanted})
    return network


def array(arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    """Returns a float64 array of the model after checking its shape."""
    return fitted({n: a for n, a in arrays.items() if n == name}, {name: (shape, np.float64)})[name]


def numbers(values: Any, count: int, what: str) -> np.ndarray:
    """Returns a list of finite numbers as float64 [count]."""
    if not isinstance(values, list) or len(values) != count:
        raise ValueError(f"{what} is no list of {count} numbers")
    return np.array([number(value, f"a number of {what}") for value in values], dtype=np.float64)


def words(values: Any, what: str, kinds: tuple[type, ...] = (str,)) -> list[Any]:
    """Returns a list of names, each of one of these kinds."""
    if not isinstance(values, list) or not values or not all(type(value) in kinds for value in values):
        raise ValueError(f"{what} are no list of names")
    return values


def truth(value: Any, what: str) -> bool:
    """Returns True or False."""
    if not isinstance(value, bool):
        raise ValueError(f"{what} is {value!r}, and neither true nor false")
    return value


def scaler(facts: dict[str, Any], columns: int) -> Scaler:
    """Returns a Scaler of its means and (positive) scales."""
    scaler = Scaler(numbers(facts["mean"], columns, "scaler mean"), numbers(facts["scale"], columns, "scaler scale"))
    if not (scaler.scale > 0).all():
        raise ValueError("a scale of the scaler is not positive")
    return scaler


def labels_to_json(labels: np.ndarray) -> dict[str, Any]:
    """Returns class labels with the kind of array they came in."""
    values = labels.tolist()
    if labels.dtype.kind not in "biufUO" or not all(isinstance(v, (bool, int, float, str)) for v in values):
        raise TypeError(f"class labels of the type {labels.dtype} cannot be stored with a model")
    return {"kind": labels.dtype.kind, "bits": 8 * labels.dtype.itemsize, "values": values}


def labels_from_json(facts: dict[str, Any], fewest: int = 2) -> np.ndarray:
    """Returns the labels of what ``labels_to_json`` returned, ``fewest`` at least."""
    kind, values = facts["kind"], facts["values"]
    simple: tuple[type, ...] = (bool, int, float, str)
    wanted = {"b": simple[:1], "i": simple[1:2], "u": simple[1:2], "f": simple[1:3], "U": simple[3:], "O": simple}
    if kind not in wanted or not isinstance(values, list) or not all(type(v) in wanted[kind] for v in values):
        raise ValueError("its class labels are damaged")
    dtype = {"b": "?", "U": "U", "O": "O"}.get(kind) or f"{kind}{whole(facts['bits'], 'their bits', 8, 128) // 8}"
    labels = np.array(values, dtype=dtype)
    if len(values) < fewest or labels.tolist() != values or not np.array_equal(np.unique(labels), labels):
        raise ValueError("its class labels are too few, not distinct, or not sorted")
    return labels

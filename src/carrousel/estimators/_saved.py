"""A model as a directory: model.json says what it is, model.safetensors holds its arrays. Reading runs no code."""

import hashlib
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.numpy import load as load_arrays
from safetensors.numpy import save as save_arrays

from carrousel import __version__, cells
from carrousel._atomic import backup_of, write_directory

from ._errors import ModelError
from ._params import decode, is_own_cell, stored_params
from ._scaling import Scaler

FORMAT, VERSION = "carrousel-model", 1
JSON, ARRAYS = "model.json", "model.safetensors"
LARGEST_JSON = 256 * 2**20  # bytes
LARGEST_SIZE = 2**24  # of any layer, and of their number: a description beyond it is damaged or hostile


def save(estimator: Any, path: Path) -> None:
    """Write a fitted estimator to the directory ``path``, in one step."""
    if path.exists() and not path.is_dir():
        raise FileExistsError(f"{path} is a file; a model is saved as a directory")
    if path.is_dir() and not (path / JSON).is_file() and any(path.iterdir()):
        raise FileExistsError(f"{path} is a directory that holds something else than a model; give another name")
    network = {f"network.{n}": t.detach().cpu().numpy() for n, t in estimator.network_.state_dict().items()}
    tensors = {n: np.array(a, order="C") for n, a in (network | estimator._arrays()).items()}
    data = save_arrays(tensors)
    facts = {
        "format": FORMAT,
        "version": VERSION,
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
        "arrays_sha256": hashlib.sha256(data).hexdigest(),
    }
    facts["sha256"] = _digest(facts)
    text = json.dumps(facts, indent=1, ensure_ascii=False, allow_nan=False)
    write_directory(path, {ARRAYS: data, JSON: (text + "\n").encode()})


def load(path: str | Path, *, cell: Any = None, device: str | None = None) -> Any:
    """Read a model that ``estimator.save(path)`` wrote: a fitted LSTMClassifier, LSTMRegressor or LSTMForecaster.

    Its predictions are those of the saved one, bit for bit. No code from the directory is run, whatever it holds.

    Parameters
    ----------
    path : the model's directory.
    cell : only for a model trained with a cell of your own, whose code is not stored: that cell.
    device : a torch device instead of the one the model was trained on.

    Raises
    ------
    FileNotFoundError : there is nothing at ``path``.
    ModelError : what is there is no intact model: foreign, truncated, changed, or of a later version.
    """
    path = Path(path)
    if not path.exists() and backup_of(path).is_dir():
        path = backup_of(path)
    if not path.exists():
        raise FileNotFoundError(f"there is no model at {path}")
    facts = _read_json(path)
    data = _read_file(path, ARRAYS)
    if hashlib.sha256(data).hexdigest() != facts.get("arrays_sha256"):
        raise ModelError(f"{path / ARRAYS} does not match {JSON}: it was truncated or changed")
    try:
        arrays = load_arrays(data)
        return _rebuild(path, facts, arrays, cell, device)
    except ModelError as error:
        raise ModelError(f"{path}: {error}") from None
    except (SafetensorError, KeyError, TypeError, ValueError, AttributeError, IndexError, RuntimeError) as error:
        reason = f"the field {error} is missing" if isinstance(error, KeyError) else str(error)
        raise ModelError(f"{path} is no intact model: {reason}") from None
    except (RecursionError, OverflowError, MemoryError) as error:
        raise ModelError(f"{path} is no intact model: {type(error).__name__}") from None


def _read_file(path: Path, name: str) -> bytes:
    file = path / name
    if not path.is_dir() or not file.is_file():
        raise ModelError(f"{path} is no model: it must be a directory with {JSON} and {ARRAYS}")
    if name == JSON and file.stat().st_size > LARGEST_JSON:
        raise ModelError(f"{file} is no model description: it has {file.stat().st_size} bytes")
    return file.read_bytes()


def _read_json(path: Path) -> dict[str, Any]:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no number of a model")

    try:
        facts = json.loads(_read_file(path, JSON).decode(), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path / JSON} is no readable model description: {error}") from None
    if not isinstance(facts, dict) or facts.get("format") != FORMAT:
        raise ModelError(f"{path / JSON} does not describe a carrousel model")
    if facts.get("version") != VERSION:
        raise ModelError(
            f"{path} has model format version {facts.get('version')!r}; this carrousel ({__version__}) reads {VERSION}"
        )
    if facts.get("sha256") != _digest(facts):
        raise ModelError(f"{path / JSON} was changed after it was saved: its checksum does not match")
    return facts


def _digest(facts: dict[str, Any]) -> str:
    rest = {name: value for name, value in facts.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()


def _rebuild(path: Path, facts: dict[str, Any], arrays: dict[str, np.ndarray], cell: Any, device: str | None) -> Any:
    from . import ESTIMATORS

    kinds = {estimator.__name__: estimator for estimator in ESTIMATORS}
    if facts["estimator"] not in kinds:
        raise ModelError(f"unknown estimator {facts['estimator']!r}")
    params = {name: decode(value) for name, value in facts["params"].items()}
    for name, value in params.items():
        if isinstance(value, int) and abs(value) > LARGEST_SIZE and name != "random_state":
            raise ModelError(f"{name}={value} is beyond reason")
    if facts["own_cell"]:
        if cell is None:
            raise ModelError(
                f"it was trained with a cell of the user's own, {facts['cell']!r}: give it as load(cell=...)"
            )
        if cells.get(cell).spec != facts["cell"]:
            raise ModelError(f"it was trained with the cell {facts['cell']!r}, not {cells.get(cell).spec!r}")
        params["cell"] = cell
    estimator = kinds[facts["estimator"]](**params)
    estimator._restore(facts, arrays)
    estimator.seed_ = int(facts["seed"])
    estimator.history_ = list(facts["history"])
    estimator.best_epoch_, estimator.stopped_early_ = int(facts["best_epoch"]), bool(facts["stopped_early"])
    estimator.network_ = _network(estimator, arrays)
    estimator.network_.to(device if device is not None else estimator.device).eval()
    return estimator


def _network(estimator: Any, arrays: dict[str, np.ndarray]) -> torch.nn.Module:
    """Check every weight's name, shape and type against the description before a byte is allocated for them."""
    found = {name.removeprefix("network."): a for name, a in arrays.items() if name.startswith("network.")}
    if getattr(estimator, "num_layers", 1) > len(found):
        raise ModelError(f"its description names {estimator.num_layers} layers, its arrays hold fewer")
    with torch.device("meta"):
        wanted = estimator._build().state_dict()
    for name in sorted(wanted.keys() | found.keys()):
        if name not in found or name not in wanted:
            raise ModelError(f"the weight {name} is {'missing' if name in wanted else 'not part of its network'}")
        shape, dtype = tuple(wanted[name].shape), str(wanted[name].dtype).removeprefix("torch.")
        if found[name].shape != shape or str(found[name].dtype) != dtype:
            raise ModelError(
                f"the weight {name} is {found[name].dtype} {found[name].shape}, its description says {dtype} {shape}"
            )
    with torch.random.fork_rng(devices=[]):  # the random initial weights are overwritten
        network = estimator._build()
    network.load_state_dict({name: torch.from_numpy(a.copy()) for name, a in found.items()})
    return network


def array(arrays: dict[str, np.ndarray], name: str, shape: tuple[int, ...]) -> np.ndarray:
    """A float64 array of the model, its shape checked."""
    if name not in arrays:
        raise ModelError(f"the array {name} is missing")
    found = arrays[name]
    if found.shape != shape or found.dtype != np.float64:
        raise ModelError(f"the array {name} is {found.dtype} {found.shape}, its description asks for float64 {shape}")
    if not np.isfinite(found).all():
        raise ModelError(f"the array {name} holds NaN or infinity")
    return found.copy()


def numbers(values: Any, count: int, what: str) -> np.ndarray:
    """A list of finite numbers as float64 [count]."""
    good = isinstance(values, list) and all(isinstance(v, (int, float)) and math.isfinite(v) for v in values)
    if not good or len(values) != count:
        raise ModelError(f"{what} is no list of {count} numbers")
    return np.array(values, dtype=np.float64)


def scaler(facts: dict[str, Any], columns: int) -> Scaler:
    """A Scaler from its means and (positive) scales."""
    found = Scaler(numbers(facts["mean"], columns, "scaler mean"), numbers(facts["scale"], columns, "scaler scale"))
    if not (found.scale > 0).all():
        raise ModelError("a scale of the scaler is not positive")
    return found


def labels_to_json(labels: np.ndarray) -> dict[str, Any]:
    """Class labels with the kind of array they came in."""
    values = labels.tolist()
    if labels.dtype.kind not in "biufUO" or not all(isinstance(v, (bool, int, float, str)) for v in values):
        raise TypeError(f"class labels of the type {labels.dtype} cannot be stored with a model")
    return {"kind": labels.dtype.kind, "bits": 8 * labels.dtype.itemsize, "values": values}


def labels_from_json(facts: dict[str, Any]) -> np.ndarray:
    """The inverse of ``labels_to_json``."""
    kind, values = facts["kind"], facts["values"]
    simple: tuple[type, ...] = (bool, int, float, str)
    wanted = {"b": simple[:1], "i": simple[1:2], "u": simple[1:2], "f": simple[1:3], "U": simple[3:], "O": simple}
    if kind not in wanted or not isinstance(values, list) or not all(isinstance(v, wanted[kind]) for v in values):
        raise ModelError("its class labels are damaged")
    if len(values) < 2 or len(set(values)) < len(values):
        raise ModelError("its class labels are fewer than two or not distinct")
    dtype = {"b": "?", "U": "U", "O": "O"}.get(kind) or f"{kind}{int(facts['bits']) // 8}"
    return np.array(values, dtype=dtype)

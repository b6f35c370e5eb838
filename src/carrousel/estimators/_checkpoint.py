"""A training run on disk: one file, rewritten in one step, from which it goes on to the same bits."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from carrousel._atomic import write_file

from ._errors import ModelError

FORMAT = "carrousel-checkpoint-1"


@dataclass
class RunState:
    """Where a training run stands after its last whole epoch.

    ``least`` holds the validation items' losses [N] in the epoch of the least mean loss, ``misses`` counts the epochs
    since. ``best_weights`` are the network's at ``best_epoch``, the last epoch that came close to it.
    """

    epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int | None = None
    misses: int = 0
    least: torch.Tensor | None = None
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)


def digest(parts: Iterable[np.ndarray | str]) -> str:
    """SHA-256 over arrays (type, shape, values) and strings, in order."""
    total = hashlib.sha256()
    for part in parts:
        array = np.asarray(part)
        if array.dtype == object:
            array = array.astype(str)
        total.update(f"{array.dtype.str}{array.shape};".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def save_checkpoint(
    path: Path,
    identity: dict[str, Any],
    state: RunState,
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    order: np.random.Generator,
    device: torch.device,
) -> None:
    """Write everything that the next epoch depends on."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in state.best_weights.items()}
    if state.least is not None:
        tensors["least"] = state.least
    optimizer_state = optimizer.state_dict()
    plain: dict[str, dict[str, Any]] = {}
    for index, values in optimizer_state["state"].items():
        for name, value in values.items():
            if torch.is_tensor(value):
                tensors[f"optimizer.{index}.{name}"] = value
            else:
                plain.setdefault(str(index), {})[name] = value
    tensors["random.torch"] = torch.get_rng_state()
    if device.type == "cuda":
        tensors["random.cuda"] = torch.cuda.get_rng_state(device)
    facts = {name: getattr(state, name) for name in ("epoch", "history", "best_epoch", "misses")}
    meta = {
        "identity": identity,
        "state": facts,
        "optimizer": {"groups": optimizer_state["param_groups"], "plain": plain},
        "order": order.bit_generator.state,
    }
    detached = {name: value.detach().to("cpu", copy=True).contiguous() for name, value in tensors.items()}
    write_file(path, save(detached, metadata={"format": FORMAT, "run": json.dumps(meta)}))


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
    """The facts and the tensors of a checkpoint; ModelError if the file is none."""
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise ModelError(f"{path} is no checkpoint of a carrousel training run (or of another version)")
            meta = json.loads(metadata["run"])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError, ValueError, KeyError, RecursionError) as error:
        if isinstance(error, ModelError):
            raise
        raise ModelError(f"{path} is no readable checkpoint: {error}") from None
    if not isinstance(meta, dict) or not {"identity", "state", "optimizer", "order"} <= meta.keys():
        raise ModelError(f"{path} is no carrousel checkpoint: its description is incomplete")
    return meta, tensors


def check_identity(path: Path, stored: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuse a checkpoint of another configuration or of other data, naming what differs."""
    if stored.get("estimator") != wanted["estimator"]:
        raise ModelError(f"{path} is a checkpoint of a {stored.get('estimator')}, not of a {wanted['estimator']}")
    old, new = stored.get("params", {}), wanted["params"]
    differing = [name for name in sorted(new.keys() | old.keys()) if old.get(name) != new.get(name)]
    if differing:
        changes = ", ".join(f"{name}={old.get(name)!r} (now {new.get(name)!r})" for name in differing)
        raise ModelError(f"{path} is a checkpoint of another configuration: it was made with {changes}")
    for name in ("seed", "torch"):
        if stored.get(name) != wanted[name]:
            raise ModelError(f"{path} is a checkpoint with {name} {stored.get(name)!r}; it is now {wanted[name]!r}")
    if stored.get("data") != wanted["data"]:
        raise ModelError(f"{path} is a checkpoint of a run on other data; train without resume to start anew")


def restore(
    path: Path,
    meta: dict[str, Any],
    tensors: dict[str, torch.Tensor],
    state: RunState,
    network: torch.nn.Module,
    optimizer: torch.optim.Optimizer,
    order: np.random.Generator,
    device: torch.device,
) -> None:
    """Put a fresh run to where ``read_checkpoint`` found the old one."""

    def part(prefix: str) -> dict[str, torch.Tensor]:
        return {name.removeprefix(prefix): t for name, t in tensors.items() if name.startswith(prefix)}

    try:
        network.load_state_dict(part("network."))
        slots: dict[int, dict[str, Any]] = {int(k): dict(v) for k, v in meta["optimizer"]["plain"].items()}
        for name, tensor in part("optimizer.").items():
            index, _, slot = name.partition(".")
            slots.setdefault(int(index), {})[slot] = tensor
        optimizer.load_state_dict({"state": slots, "param_groups": meta["optimizer"]["groups"]})
        order.bit_generator.state = meta["order"]
        facts = meta["state"]
        state.epoch, state.misses = int(facts["epoch"]), int(facts["misses"])
        state.history = list(facts["history"])
        state.best_epoch, state.least = facts["best_epoch"], tensors.get("least")
        state.best_weights = {name: tensor.to(device) for name, tensor in part("best.").items()}
        torch.set_rng_state(tensors["random.torch"])
        if device.type == "cuda":
            torch.cuda.set_rng_state(tensors["random.cuda"], device)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError) as error:
        raise ModelError(f"{path} does not fit this training run: {error}") from None


def stored_seed(path: Path) -> int:
    """The seed that the run of a checkpoint began with."""
    seed = read_checkpoint(path)[0]["identity"].get("seed")
    if not isinstance(seed, int) or not 0 <= seed < 2**32:
        raise ModelError(f"{path} is no carrousel checkpoint: its seed is {seed!r}")
    return seed

"""A training run on disk: one file, rewritten in one step, from which it goes on to the same bits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from carrousel._format import Arrays, Format, fitted, whole
from carrousel.training._errors import ModelError
from carrousel.training._history import checked_history, misses

__all__ = [
    "FORMAT",
    "Run",
    "RunState",
    "check_identity",
    "digest",
    "read_checkpoint",
    "restore",
    "save_checkpoint",
    "stored_seed",
]

FORMAT = Format("carrousel-checkpoint", 2, "a training checkpoint", ModelError)
SQUARES = ("exp_avg_sq", "max_exp_avg_sq", "square_avg", "sum")  # names of what an optimiser remembers, never negative
STEP = "step"  # what an optimiser calls the number of its updates, which follows from the run's own numbers


@dataclass
class RunState:
    """Where a training run stands after its last whole epoch.

    ``least`` holds the validation items' losses [N] in the epoch of the least mean loss, ``misses`` counts the epochs
    since, ``updates`` the optimiser's steps. ``best_weights`` are the network's at ``best_epoch``, the last epoch that
    came close to it.
    """

    epoch: int = 0
    history: list[dict[str, Any]] = field(default_factory=list)
    best_epoch: int | None = None
    misses: int = 0
    least: torch.Tensor | None = None
    updates: int = 0
    best_weights: dict[str, torch.Tensor] = field(default_factory=dict)


@dataclass(frozen=True)
class Run:
    """The parts of a training run that change while it runs, but for its state, and the numbers that it began with."""

    network: torch.nn.Module
    optimizer: torch.optim.Optimizer
    slots: dict[int, dict[str, torch.Tensor]]  # what it remembers of each weight: shapes and types
    order: np.random.Generator
    device: torch.device
    seed: int
    epochs: int  # at most
    batches: int  # of an epoch
    valid: int | None  # validation items; None without any
    truncated: bool = False  # a batch may bring several updates

    def weights(self) -> dict[str, Any]:
        """Returns shape and type of every array of the network."""
        state = self.network.state_dict().items()
        return {name: (tuple(value.shape), torch.empty(0, dtype=value.dtype).numpy().dtype) for name, value in state}


def digest(parts: Iterable[np.ndarray | str]) -> str:
    """Returns the SHA-256 of arrays (type, shape, values) and strings, in order."""
    total = hashlib.sha256()
    for part in parts:
        array = np.asarray(part)
        if array.dtype == object:
            array = array.astype(str)
        total.update(f"{array.dtype.str}{array.shape};".encode())
        total.update(np.ascontiguousarray(array).tobytes())
    return total.hexdigest()


def save_checkpoint(path: Path, identity: dict[str, Any], state: RunState, run: Run) -> None:
    """Writes everything that the next epoch depends on, and that does not follow from the run's own numbers."""
    arrays = {f"network.{name}": _numpy(value) for name, value in run.network.state_dict().items()}
    arrays |= {f"best.{name}": _numpy(value) for name, value in state.best_weights.items()}
    if state.least is not None:
        arrays["least"] = _numpy(state.least)
    slots = run.optimizer.state_dict()["state"]
    for index, names in run.slots.items():
        arrays |= {f"optimizer.{index}.{name}": _numpy(slots[index][name]) for name in names if name != STEP}
    arrays["random.torch"] = _numpy(torch.get_rng_state())
    if run.device.type == "cuda":
        arrays["random.cuda"] = _numpy(torch.cuda.get_rng_state(run.device))
    generator = run.order.bit_generator.state
    order = {**{name: generator[name] for name in ("has_uint32", "uinteger")}, "state": generator["state"]["state"]}
    facts = {"identity": identity, "history": state.history, "best_epoch": state.best_epoch, "order": order}
    if run.truncated:
        facts["updates"] = state.updates
    FORMAT.write(path, facts, arrays)


def read_checkpoint(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """Returns the facts and the arrays of a checkpoint; ModelError if the file is none."""
    with FORMAT.reading(path) as (facts, arrays):
        if not isinstance(facts["identity"], dict) or not isinstance(facts["identity"]["params"], dict):
            raise ValueError("it does not say of which run it is")
    return facts, arrays


def check_identity(path: Path, stored: dict[str, Any], wanted: dict[str, Any]) -> None:
    """Refuses a checkpoint of another configuration or of other data, naming what differs."""
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


def restore(path: Path, facts: dict[str, Any], arrays: Arrays, state: RunState, run: Run) -> None:
    """Puts a fresh run to where the run of a checkpoint stood.

    Raises:
        ModelError: what the checkpoint holds is not of such a run; then nothing is changed.
    """
    with FORMAT.blaming(path):
        history = checked_history(facts["history"], run.epochs)
        best, validated = facts["best_epoch"], run.valid is not None
        if any(("valid_loss" in row) != validated for row in history):
            raise ValueError("it was validated otherwise")
        if validated:  # the best epoch is that of the least loss, or one after it that came close
            best = whole(best, "its best epoch", len(history) - misses(history), len(history))
        elif best is not None:
            raise ValueError(f"its best epoch is {best}, and there was no validation to tell it")
        checked = fitted(arrays, _declared(run))
        for name, array in checked.items():
            if name.endswith(SQUARES) and name.startswith("optimizer.") and (array < 0).any():
                raise ValueError(f"the mean square {name} is negative")
        generator, order = _generator(checked["random.torch"], run.seed), _order(facts["order"], run.order)

        def part(prefix: str) -> dict[str, torch.Tensor]:
            items = checked.items()
            return {n.removeprefix(prefix): torch.from_numpy(value) for n, value in items if n.startswith(prefix)}

        updates = len(history) * run.batches
        if run.truncated:
            updates = whole(facts["updates"], "its updates", updates)
        slots: dict[int, dict[str, torch.Tensor]] = {
            index: {
                **part(f"optimizer.{index}."),
                **{name: torch.tensor(float(updates), dtype=value.dtype) for name, value in s.items() if name == STEP},
            }
            for index, s in run.slots.items()
        }
        run.network.load_state_dict(part("network."))
        run.optimizer.load_state_dict({"state": slots, "param_groups": run.optimizer.state_dict()["param_groups"]})
        run.order.bit_generator.state = order
        state.updates = updates
        state.epoch, state.misses = len(history), misses(history)
        state.history, state.best_epoch = history, best
        state.least = torch.from_numpy(checked["least"]) if validated else None
        state.best_weights = {name: tensor.to(run.device) for name, tensor in part("best.").items()}
        torch.set_rng_state(generator)
        if run.device.type == "cuda":
            torch.cuda.set_rng_state(torch.from_numpy(checked["random.cuda"]), run.device)


def _declared(run: Run) -> dict[str, Any]:
    """Returns shape and type of every array that a checkpoint of a run holds."""
    declared = {f"network.{name}": value for name, value in run.weights().items()}
    if run.valid is not None:
        declared |= {f"best.{name}": value for name, value in run.weights().items()} | {"least": ((run.valid,), "f8")}
    for index, slots in run.slots.items():
        declared |= {
            f"optimizer.{index}.{name}": (tuple(value.shape), torch.empty(0, dtype=value.dtype).numpy().dtype)
            for name, value in slots.items()
            if name != STEP
        }
    declared["random.torch"] = (tuple(torch.get_rng_state().shape), np.uint8)
    if run.device.type == "cuda":
        declared["random.cuda"] = (tuple(torch.cuda.get_rng_state(run.device).shape), np.uint8)
    return declared


def _generator(stored: np.ndarray, seed: int) -> torch.Tensor:
    """Returns the state of torch's generator, if it is one that can follow from the seed."""
    state, scratch = torch.from_numpy(stored), torch.Generator()
    scratch.set_state(state)  # torch refuses what would lead it out of its table
    if scratch.initial_seed() != seed or not torch.equal(scratch.get_state(), state):
        raise ValueError("the state of its random numbers is not of its seed")
    return state


def _order(facts: dict[str, Any], fresh: np.random.Generator) -> Any:
    """Returns the state of NumPy's generator: the stream is that of the seed, only the place in it is the file's."""
    state: Any = fresh.bit_generator.state
    inner = {**state["state"], "state": whole(facts["state"], "the state of its order", most=2**128 - 1)}
    has, left = whole(facts["has_uint32"], "has_uint32", most=1), whole(facts["uinteger"], "uinteger", most=2**32 - 1)
    return {**state, "state": inner, "has_uint32": has, "uinteger": left}


def _numpy(tensor: torch.Tensor) -> np.ndarray:
    return tensor.detach().cpu().numpy()


def stored_seed(path: Path) -> int:
    """Returns the seed that the run of a checkpoint began with."""
    seed = read_checkpoint(path)[0]["identity"].get("seed")
    with FORMAT.blaming(path):
        return whole(seed, "its seed", most=2**32 - 1)

"""Exact RTRL for any recurrent torch module: local derivatives by torch, carried forward."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.func import functional_call, jacrev
from torch.utils._pytree import tree_flatten, tree_unflatten

from carrousel.learning import _optimisers
from carrousel.learning._optimisers import EVERY, PENDING, STEPS, Descent, Optimiser, update_steps
from carrousel.learning._progress import beginning
from carrousel.learning._protocol import UNOBSERVED, Sensitive, Sequential, checked_vector, checked_weights, unchanged
from carrousel.learning._steps import EVERY_STEP, FORWARD, LAST_STEP, LEARN, TRACE, one_hot

__all__ = ["ModuleRTRL"]


class ModuleRTRL(Sequential, Sensitive):
    """A torch module that learns by its exact gradient, carried forward: for small nets of any kind.

    Williams & Zipser 1989, "A learning algorithm for continually running fully recurrent neural networks". With S
    numbers of state and W weights it keeps S W numbers, and a step costs S² W operations and the derivatives of S
    numbers and the outputs: O(n³) and O(n⁴) for n units that hear one another. The error is half the sum of squares.

    Args:
        module: called as ``module(input, state)`` with a step ``[input_size]``; it returns the output ``[output_size]``
            and the new state, a tensor or tuples of them, as it was given. It is copied, and must do the same every
            time: no dropout.
        input_size, output_size: the numbers of inputs and outputs.
        state: the state in which a sequence begins, as the module takes it, without a batch.
        optimiser: how errors change weights; a number is the rate of plain steepest descent.
        update: when they do: ``"step"``, ``"end"`` of a sequence, or every so many steps.

    Raises:
        ValueError: the module does not return what it should, or keeps a state to itself; the message says what.

    >>> import torch
    >>> from carrousel.learning.rtrl import ModuleRTRL
    >>> class Net(torch.nn.Module):
    ...     def __init__(self):
    ...         super().__init__()
    ...         self.cell, self.head = torch.nn.GRUCell(1, 3), torch.nn.Linear(3, 1)
    ...     def forward(self, input, state):
    ...         state = self.cell(input, state)
    ...         return self.head(state), state
    >>> learner = ModuleRTRL(Net().double(), 1, 1, torch.zeros(3, dtype=torch.float64), optimiser=0.1)
    >>> learner.learn_many([[1.0], [0.0]], [[np.nan], [1.0]])
    >>> learner.observe_one([0.5])
    >>> learner.sensitivities().shape == (1, learner.weight_count)
    True
    """

    def __init__(
        self,
        module: nn.Module,
        input_size: int,
        output_size: int,
        state: Any,
        *,
        optimiser: Optimiser | float = 0.01,
        update: str | int = "step",
    ) -> None:
        self.module, self.input_size, self.output_size = copy.deepcopy(module), int(input_size), int(output_size)
        self.optimiser = optimiser if isinstance(optimiser, Optimiser) else Descent(optimiser)
        self.update = update if isinstance(update, str) else update_steps(update)
        parameters = {name: p.detach() for name, p in self.module.named_parameters()}
        dtypes = {p.dtype for p in parameters.values()}
        if len(dtypes) != 1 or not dtypes <= {torch.float32, torch.float64}:
            found = ", ".join(sorted(map(str, dtypes))) or "no parameters"
            raise ValueError(f"all parameters of the module must be float32, or float64; it has {found}")
        self.dtype = np.dtype(str(dtypes.pop()).removeprefix("torch."))
        self._shapes = {name: tuple(p.shape) for name, p in parameters.items()}
        leaves, self._tree = tree_flatten(state)
        if not leaves or not all(isinstance(leaf, Tensor) for leaf in leaves):
            raise ValueError(f"state must be a tensor, or tuples of tensors, got {type(state).__name__}")
        self._state_shapes = [tuple(leaf.shape) for leaf in leaves]
        self._begin = torch.cat([leaf.detach().reshape(-1).to(torch.float64) for leaf in leaves]).numpy()
        self._begin = self._begin.astype(self.dtype)
        W, S = sum(map(prod, self._shapes.values())), len(self._begin)
        flat = ((W,), self.dtype)
        declared = {
            "vector": flat, "gradient": flat, "moments": ((_optimisers.moments(self.optimiser), W), self.dtype),
            "rates": ((4,), self.dtype), "state": ((S,), self.dtype), "traces": ((S, W), self.dtype),
            "sensed": ((self.output_size, W), self.dtype), "counters": ((6,), np.int64),
        }  # fmt: skip
        self._held = beginning(declared, self.optimiser, update_steps(update))
        self._held["vector"][:] = np.concatenate([p.numpy().reshape(-1) for p in parameters.values()])
        self._held["state"][:] = self._begin
        self._observed = False
        self._check()

    def _check(self) -> None:
        """Runs the module once, and refuses one that does not return what it should."""
        before = {name: b.clone() for name, b in self.module.named_buffers()}
        x = torch.zeros(self.input_size, dtype=torch.from_numpy(self._begin).dtype)
        with torch.no_grad():
            result = self.module(x, self._unpacked(torch.from_numpy(self._begin.copy())))
        for name, buffer in self.module.named_buffers():
            if name not in before or not torch.equal(buffer, before[name]):
                raise ValueError(
                    f"the module changes its buffer {name!r}: that is state which it does not return, and of which no "
                    "derivative is known; let it take and return all state"
                )
        if not (isinstance(result, tuple) and len(result) == 2):
            raise ValueError(f"the module must return (output, state), got {_shown(result)}")
        output, state = result
        leaves, tree = tree_flatten(state)
        shapes = [tuple(leaf.shape) for leaf in leaves if isinstance(leaf, Tensor)]
        if tree != self._tree or shapes != self._state_shapes:
            raise ValueError(
                "the module must return its state as it is given it, "
                f"{_shown(self._unpacked(torch.from_numpy(self._begin)))}; it returns {_shown(state)}"
            )
        if not isinstance(output, Tensor) or tuple(output.shape) != (self.output_size,):
            raise ValueError(f"the module's output must be [{self.output_size}], got {_shown(output)}")

    @classmethod
    def example(cls, seed: int = 0) -> ModuleRTRL:
        """Returns a small learner of this kind."""
        return cls(_Elman(seed), 2, 2, torch.zeros(3, dtype=torch.float64), optimiser=0.2)

    @property
    def nodes(self) -> np.ndarray:
        """For each weight the number of the unit that it enters, ``[weights]``.

        Of a submodule's parameters with equally many rows, row k enters unit k.
        """
        numbers: dict[tuple[str, int, int], int] = {}
        nodes = []
        for name, shape in self._shapes.items():
            owner, rows = name.rpartition(".")[0], shape[0] if shape else 1
            units = [numbers.setdefault((owner, rows, row), len(numbers)) for row in range(rows)]
            nodes.append(np.repeat(units, prod(shape[1:])))
        return np.concatenate(nodes)

    @property
    def weights(self) -> dict[str, np.ndarray]:
        """Copies of the module's parameters by name; assign to change them."""
        return self.named(self._held["vector"])

    @weights.setter
    def weights(self, weights: Mapping[str, Any]) -> None:
        named = checked_weights(weights, self._shapes)
        self._held["vector"][:] = np.concatenate([named[name].reshape(-1) for name in self._shapes])
        self._observed = False

    @property
    def weight_count(self) -> int:
        """The number of weights."""
        return len(self._held["vector"])

    @property
    def vector(self) -> np.ndarray:
        """All weights ``[weights]``, not to be written to; assign another to change them."""
        vector = self._held["vector"].copy()
        vector.flags.writeable = False
        return vector

    @vector.setter
    def vector(self, vector: np.ndarray) -> None:
        self._held["vector"][:] = checked_vector(vector, self.weight_count, self.dtype)
        self._observed = False

    def named(self, vector: np.ndarray) -> dict[str, np.ndarray]:
        """Returns what belongs to each weight, ``[weights]``, under the names and in the shapes of ``weights``."""
        cuts = np.cumsum([prod(shape) for shape in self._shapes.values()])[:-1]
        parts = np.split(np.array(vector), cuts)
        return {name: part.reshape(shape) for part, (name, shape) in zip(parts, self._shapes.items(), strict=True)}

    def trained(self) -> nn.Module:
        """Returns a copy of the module with the weights as they are now."""
        module = copy.deepcopy(self.module)
        module.load_state_dict({name: torch.from_numpy(w) for name, w in self.weights.items()}, strict=False)
        return module

    def sensitivities(self) -> np.ndarray:
        """Returns the exact derivatives ``[output_size, weights]`` of the last observed step's outputs.

        Raises:
            ValueError: no step was observed since the beginning, a reset, or a change of weights.
        """
        if not self._observed:
            raise ValueError(UNOBSERVED)
        return self._held["sensed"].copy()

    def predict_many(self, inputs: Any) -> np.ndarray:
        """Returns the outputs of the next steps, ``[steps, output_size]``; nothing changes."""
        with unchanged(self._held["state"]):
            return self._run(self._inputs(inputs), None, FORWARD)

    def reset(self) -> None:
        """Ends a sequence: with ``update="end"`` the weights change now. State and derivatives begin again."""
        if self._held["counters"][PENDING] and self.update == "end":
            self._apply()
        self._held["state"][:], self._held["traces"][:], self._observed = self._begin, 0, False

    def _stream(self, inputs: np.ndarray, targets: np.ndarray | None, learning: int, tell: bool) -> np.ndarray | None:
        outputs = self._run(inputs, targets, learning)
        self._observed = learning == TRACE and (len(inputs) > 0 or self._observed)
        return outputs if tell else None

    def _sequences(
        self, inputs: np.ndarray, targets: np.ndarray | None, begin: np.ndarray, end: np.ndarray, telling: int
    ) -> np.ndarray:
        outputs = [np.zeros((0, self.output_size), self.dtype)]
        held = (self._held["state"], self._held["traces"]) if targets is None else ()
        observed = self._observed and targets is None
        with unchanged(*held):
            for a, b in zip(begin, end, strict=True):
                self._held["state"][:], self._held["traces"][:] = self._begin, 0
                learning = FORWARD if targets is None else LEARN
                outputs.append(self._run(inputs[a:b], None if targets is None else targets[a:b], learning))
                if targets is not None and self.update == "end" and self._held["counters"][PENDING]:
                    self._apply()
        self._observed = observed
        if telling == LAST_STEP:
            return np.concatenate([part[-1:] for part in outputs])  # the first part has none
        return np.concatenate(outputs) if telling == EVERY_STEP else outputs[0]

    def _run(self, inputs: np.ndarray, targets: np.ndarray | None, learning: int) -> np.ndarray:
        outputs, held = np.zeros((len(inputs), self.output_size), self.dtype), self._held
        for t, x in enumerate(inputs):
            step = torch.from_numpy(x)
            if learning == FORWARD:
                with torch.no_grad():
                    both = self._step(torch.from_numpy(held["vector"]), torch.from_numpy(held["state"]), step).numpy()
            else:
                both = self._carry(step)
            S = len(self._begin)
            held["state"][:], outputs[t] = both[:S], both[S:]
            if learning == LEARN:
                self._learn(None if targets is None else targets[t], outputs[t])
        return outputs

    def _learn(self, target: np.ndarray | None, output: np.ndarray) -> None:
        counters = self._held["counters"]
        counters[STEPS] += 1
        if target is not None and not np.isnan(target[0]):
            self._held["gradient"] += (target - output) @ self._held["sensed"]
            counters[PENDING] = 1
        if counters[EVERY] > 0 and counters[PENDING] and counters[STEPS] % counters[EVERY] == 0:
            self._apply()

    def _apply(self) -> None:
        held, method = self._held, _optimisers.method(self.optimiser)
        _optimisers.apply(held["vector"], held["gradient"], held["moments"], held["rates"], method, held["counters"])

    def _carry(self, x: Tensor) -> np.ndarray:
        """Takes a step forward, and what state and outputs owe to the weights with it; returns both, ``[S + O]``."""

        def both(vector: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
            result = self._step(vector, state, x)
            return result, result

        held, S = self._held, len(self._begin)
        vector, state, traces = (torch.from_numpy(held[name]) for name in ("vector", "state", "traces"))
        (by_weights, by_state), result = jacrev(both, argnums=(0, 1), has_aux=True)(vector, state)
        total = torch.addmm(by_weights, by_state, traces).numpy()
        held["traces"][:], held["sensed"][:] = total[:S], total[S:]
        return result.detach().numpy().copy()

    def _step(self, vector: Tensor, state: Tensor, x: Tensor) -> Tensor:
        """Returns the new state and the outputs, in one vector."""
        sizes = [prod(shape) for shape in self._shapes.values()]
        parts = zip(self._shapes.items(), vector.split(sizes), strict=True)
        parameters = {name: part.reshape(shape) for (name, shape), part in parts}
        output, new = functional_call(self.module, parameters, (x, self._unpacked(state)))
        return torch.cat([*(leaf.reshape(-1) for leaf in tree_flatten(new)[0]), output])

    def _unpacked(self, state: Tensor) -> Any:
        sizes = [prod(shape) for shape in self._state_shapes]
        parts = zip(state.split(sizes), self._state_shapes, strict=True)
        return tree_unflatten([part.reshape(shape) for part, shape in parts], self._tree)

    def _inputs(self, inputs: Any) -> np.ndarray:
        return one_hot(super()._inputs(inputs), self.input_size, 0.0, self.dtype)

    def _targets(self, targets: Any, steps: int) -> np.ndarray:
        return one_hot(super()._targets(targets, steps), self.output_size, np.nan, self.dtype)

    def _arrays(self) -> dict[str, np.ndarray]:
        return {name: array for name, array in self._held.items() if name != "sensed"}


class _Elman(nn.Module):
    """Three units that hear one another, and two outputs."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        drawn = torch.Generator().manual_seed(seed)
        self.units, self.outputs = (
            nn.Parameter(torch.randn(shape, generator=drawn, dtype=torch.float64)) for shape in ((3, 6), (2, 4))
        )

    def forward(self, input: Tensor, state: Tensor) -> tuple[Tensor, Tensor]:
        one = torch.ones_like(input[:1])
        state = torch.tanh(self.units @ torch.cat([input, state, one]))
        return self.outputs @ torch.cat([state, one]), state


def _shown(value: Any) -> str:
    """Returns what a value is, tensors by their shapes."""
    if isinstance(value, Tensor):
        return f"a tensor {list(value.shape)}"
    if isinstance(value, tuple | list):
        return f"({', '.join(_shown(part) for part in value)})"
    return type(value).__name__

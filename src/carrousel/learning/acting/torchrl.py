"""Layers of any cell of the family as a module of torchrl: ``pip install 'carrousel[rl]'``.

>>> import torch
>>> from tensordict import TensorDict
>>> from torchrl.modules import set_recurrent_mode
>>> from carrousel.learning.acting.torchrl import LSTMModule
>>> module = LSTMModule(3, 8, cell="gru", in_key="observation", out_key="features")
>>> begins = torch.zeros(2, 5, 1, dtype=torch.bool)
>>> begins[0, 3] = True  # an episode begins within the first row
>>> steps = TensorDict({"observation": torch.randn(2, 5, 3), "is_init": begins}, [2, 5])
>>> with set_recurrent_mode(True):
...     module(steps)["features"].shape
torch.Size([2, 5, 8])
"""

from __future__ import annotations

from typing import Any

import torch
from tensordict import TensorDictBase
from tensordict.nn import TensorDictModuleBase, dispatch
from torch import Tensor
from torchrl.data import Unbounded
from torchrl.envs.transforms import TensorDictPrimer
from torchrl.modules import recurrent_mode

from carrousel.nets import LSTM

__all__ = ["LSTMModule"]

REFUSED = ("batch_first", "bidirectional")  # a step in a world has no steps after it


class LSTMModule(TensorDictModuleBase):
    """A stack of layers over a tensordict: a step at a time in a world, or whole rows of steps to learn from.

    It takes the place of torchrl's module of that name, with any cell. In recurrent mode (torchrl's
    ``set_recurrent_mode``) the tensordict's last dimension is that of steps; all rows are read in one call, with resets
    where ``"is_init"`` says that an episode begins, so nothing is cut and padded. The states of every step are what
    they would be step by step.

    Args:
        input_size, hidden_size: as of :class:`carrousel.LSTM`.
        in_key, out_key: where the input is, and where the output goes.
        state_key: what the keys of states begin with: ``"recurrent_state_h"`` and, for most cells,
            ``"recurrent_state_c"``, each ``[..., layers, size]``.
        options: further arguments of :class:`carrousel.LSTM`: ``cell``, ``num_layers`` and so on.

    Raises:
        ValueError: the options want more than one direction, or the steps in another place.
    """

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        in_key: Any = "observation",
        out_key: Any = "features",
        state_key: str = "recurrent_state",
        **options: Any,
    ) -> None:
        if wrong := [name for name in REFUSED if name in options]:
            raise ValueError(f"{', '.join(wrong)}: the module's layers run forward over a tensordict's last dimension")
        super().__init__()
        self.lstm = LSTM(input_size, hidden_size, **options)
        layer = self.lstm.layers[0]
        names = [name.replace("*", "_") for name in layer.state_names]
        self.state_keys = tuple(f"{state_key}_{name}" for name in names)
        self._names, self._sizes = layer.state_names, layer.state_sizes
        self.in_keys = [in_key, *self.state_keys, "is_init"]
        self.out_keys = [out_key, *(("next", key) for key in self.state_keys)]

    def make_tensordict_primer(self) -> TensorDictPrimer:
        """Returns the transform that gives a world zero states at the beginning of each episode."""
        shapes = zip(self.state_keys, self._sizes, strict=True)
        layers = self.lstm.num_layers
        return TensorDictPrimer({key: Unbounded(shape=(layers, size)) for key, size in shapes}, expand_specs=True)

    @dispatch
    def forward(self, tensordict: TensorDictBase) -> TensorDictBase:
        """Adds outputs and states to a tensordict, and returns it.

        Raises:
            KeyError: the input or ``"is_init"`` is missing; torchrl's ``InitTracker`` writes that.
            ValueError: the mode is recurrent, and there is no dimension of steps.
        """
        x, begins = tensordict.get(self.in_keys[0], None), tensordict.get("is_init", None)
        for key, value in ((self.in_keys[0], x), ("is_init", begins)):
            if value is None:
                hint = "; InitTracker() among the world's transforms writes it" if key == "is_init" else ""
                raise KeyError(f"the tensordict has no {key!r}{hint}")
        whole_rows = bool(recurrent_mode())
        if whole_rows and not tensordict.ndim:
            raise ValueError("in recurrent mode the tensordict's last dimension is that of steps, and it has none")
        lead = tuple(tensordict.shape)
        steps = lead[-1] if whole_rows else 1
        x = x.reshape(-1, steps, x.shape[-1]).transpose(0, 1)  # [T, B, I]
        resets = begins.reshape(-1, steps).transpose(0, 1)
        told, after = self._run(x, resets, self._states(tensordict, x, steps))
        tensordict.set(self.out_keys[0], told.transpose(0, 1).reshape(*lead, -1))
        for key, value in zip(self.state_keys, after, strict=True):  # [T, layers, B, size]
            tensordict.set(("next", key), value.permute(2, 0, 1, 3).reshape(*lead, *value.shape[1::2]))
        return tensordict

    def _states(self, tensordict: TensorDictBase, x: Tensor, steps: int) -> tuple[Tensor, ...]:
        """Returns the states before the first step, ``[layers, B, size]`` each; zeros where there are none."""
        found = []
        for key, size in zip(self.state_keys, self._sizes, strict=True):
            held = tensordict.get(key, None)
            if held is None:
                found.append(x.new_zeros(self.lstm.num_layers, x.shape[1], size))
            else:
                shaped = held.reshape(-1, steps, self.lstm.num_layers, size)
                found.append(shaped[:, 0].transpose(0, 1).contiguous())
        return tuple(found)

    def _run(self, x: Tensor, resets: Tensor, states: tuple[Tensor, ...]) -> tuple[Tensor, tuple[Tensor, ...]]:
        """Returns the outputs ``[T, B, H]`` and the states after every step, ``[T, layers, B, size]`` each."""
        if len(x) == 1 and not self.lstm.training:
            before = tuple(torch.where(resets[0, :, None], 0.0, state) for state in states)
            told, after = self.lstm.step(x[0], before)
            return told[None], tuple(s[None] for s in ((after,) if isinstance(after, Tensor) else after))
        told, _, every = self.lstm(x, states, resets=resets, return_states=True)
        layers = range(self.lstm.num_layers)
        return told, tuple(torch.stack([every[f"{name}_l{k}"] for k in layers], 1) for name in self._names)

"""Our module for torchrl: against torchrl's own with the same weights, and step by step against whole rows."""

from __future__ import annotations

import pytest
import torch
from tensordict import TensorDict
from torchrl.envs import GymEnv, InitTracker, TransformedEnv
from torchrl.modules import LSTMModule as Theirs
from torchrl.modules import get_primers_from_module, set_recurrent_mode

from carrousel.learning.acting.torchrl import LSTMModule


def steps(rows=3, length=7, inputs=2, begins=((0, 0), (0, 4), (1, 2), (1, 3), (2, 6))):
    first = torch.zeros(rows, length, 1, dtype=torch.bool)
    for row, step in begins:
        first[row, step] = True
    g = torch.Generator().manual_seed(0)
    return TensorDict({"observation": torch.randn(rows, length, inputs, generator=g), "is_init": first}, [rows, length])


@pytest.mark.parametrize("layers", [1, 2])
def test_it_says_what_torchrl_s_module_says(layers):
    ours = LSTMModule(2, 4, num_layers=layers)
    theirs = Theirs(2, 4, num_layers=layers, in_key="observation", out_key="features")
    theirs.lstm.load_state_dict(ours.lstm.state_dict())
    ours.eval(), theirs.eval()
    with set_recurrent_mode(True):
        torch.testing.assert_close(ours(steps())["features"], theirs(steps())["features"])
    one = {"observation": torch.randn(3, 2), "is_init": torch.tensor([[True], [False], [False]])}
    h, c = torch.randn(2, 3, layers, 4)
    told = ours(TensorDict({**one, "recurrent_state_h": h, "recurrent_state_c": c}, [3]))
    wanted = theirs(TensorDict({**one, "recurrent_state_h": h, "recurrent_state_c": c}, [3]))
    torch.testing.assert_close(told["features"], wanted["features"])
    torch.testing.assert_close(told["next", "recurrent_state_c"], wanted["next", "recurrent_state_c"])


@pytest.mark.parametrize("cell", ["gru", "slstm", "peephole"])
def test_rows_are_what_their_steps_are(cell):
    module = LSTMModule(2, 4, cell=cell, num_layers=2).eval()
    with set_recurrent_mode(True), torch.no_grad():
        whole = module(steps())
    state = {}
    for t in range(7):
        with torch.no_grad():
            now = module(TensorDict({**dict(steps()[:, t].items()), **state}, [3]))
        torch.testing.assert_close(now["features"], whole["features"][:, t])
        for key in module.state_keys:
            torch.testing.assert_close(now["next", key], whole["next", key][:, t])
        state = {key: now["next", key] for key in module.state_keys}
    with set_recurrent_mode(True):  # from the middle of a row, whose states are there
        later = steps()[:, 3:]
        later.update({key: torch.cat([whole["next", key][:, 2:3]] * 4, 1) for key in module.state_keys})
        torch.testing.assert_close(module(later)["features"], whole["features"][:, 3:])
        loss = module(steps())["features"].square().sum()
    loss.backward()
    assert all(p.grad is not None and p.grad.abs().sum() > 0 for p in module.parameters())


def test_in_a_world_it_has_its_states_from_the_primer():
    module = LSTMModule(4, 3, cell="gru").eval()
    world = TransformedEnv(GymEnv("CartPole-v1", categorical_action_encoding=True), InitTracker())
    world.append_transform(get_primers_from_module(module))
    world.set_seed(0)
    lived = world.rollout(60, lambda td: world.rand_action(module(td)), break_when_any_done=False)
    assert lived["is_init"].sum() > 1
    with set_recurrent_mode(True), torch.no_grad():
        again = module(lived.select("observation", "is_init"))
    torch.testing.assert_close(again["features"], lived["features"])


def test_what_is_wrong_is_said():
    with pytest.raises(ValueError, match="bidirectional: the module's layers run forward"):
        LSTMModule(2, 3, bidirectional=True)
    module = LSTMModule(2, 3)
    with pytest.raises(KeyError, match=r"no 'is_init'; InitTracker\(\)"):
        module(steps().exclude("is_init"))
    with pytest.raises(KeyError, match="no 'observation'"):
        module(steps().exclude("observation"))
    with set_recurrent_mode(True), pytest.raises(ValueError, match="dimension is that of steps, and it has none"):
        module(steps()[0, 0])

"""What every task and every environment holds to, whoever wrote it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from dataclasses import FrozenInstanceError, fields
from typing import Any

import numpy as np
import pytest

from carrousel.tasks import Drawn, Environment, Task

COUNT = 6


def check_task(task: Task) -> None:
    drawn = task.draw(np.random.default_rng(3), COUNT)
    check_drawn(task, drawn, COUNT)
    check_drawn(task, task.draw(np.random.default_rng(3), 1), 1)
    nothing = task.draw(np.random.default_rng(3), 0)
    check_drawn(task, nothing, 0)
    assert task.right(np.zeros((0, task.output_size)), nothing).shape == (0,)

    again, other = (task.draw(np.random.default_rng(seed), COUNT) for seed in (3, 4))
    for name in (field.name for field in fields(drawn)):
        one, two = getattr(drawn, name), getattr(again, name)
        assert np.array_equal(one, two, equal_nan=isinstance(one, np.ndarray) and one.dtype.kind == "f"), name
    assert type(task)() == type(task)(), "a task is equal to another with the same choices"
    with pytest.raises(FrozenInstanceError):
        task.anything = 1  # type: ignore[attr-defined]
    alike = all(np.array_equal(getattr(drawn, name), getattr(other, name)) for name in ("inputs", "spans"))
    silent = "nothing is drawn" in (getattr(task, "stream", task.draw).__doc__ or "")
    assert alike == silent, "another seed draws something else, unless the task says that nothing is drawn"

    check_criterion(task, drawn)
    check_words(type(task))


def check_drawn(task: Task, drawn: Drawn, count: int) -> None:
    """Shapes, types and finite numbers; parts and choices are what they were taken from."""
    assert drawn.spans.shape == (count, 2)
    assert drawn.spans.dtype == np.int64
    begin, end = drawn.spans.T
    assert (begin >= 0).all()
    assert (begin < end).all()
    assert (end <= len(drawn.inputs)).all()
    assert len(drawn.targets) == len(drawn.inputs)
    for steps, size, none in ((drawn.inputs, task.input_size, False), (drawn.targets, task.output_size, True)):
        if steps.ndim == 1:
            assert steps.dtype == np.int64
            assert ((steps >= -none) & (steps < size)).all()
        else:
            assert steps.shape[1] == size
            assert steps.dtype in (np.float32, np.float64)
            rows = np.isnan(steps).any(1)
            assert not rows.any() or none
            assert np.isfinite(steps[~rows]).all()
            assert np.isnan(steps[rows]).all(), "a step has a target for all outputs or for none"
    wanted = drawn.wanted(task.output_size)
    assert wanted.shape == (len(drawn.judged), task.output_size)
    if count > 1:
        few = drawn.chosen(np.array([count - 1, 0, 0]))
        assert few.spans.tolist() == drawn.spans[[count - 1, 0, 0]].tolist()
        each = np.split(wanted, np.cumsum([len(drawn.chosen(np.array([k])).judged) for k in range(count)])[:-1])
        expected = np.concatenate([each[count - 1], each[0], each[0]])
        assert np.array_equal(few.wanted(task.output_size), expected, equal_nan=True)


def check_criterion(task: Task, drawn: Drawn) -> None:
    """What is wanted is right; wherever anything is wanted its opposite is wrong, and NaN too."""
    wanted = drawn.wanted(task.output_size)
    asked = ~np.isnan(wanted).all(1)
    assert asked.any()
    best = np.where(np.isnan(wanted), 0, wanted)
    turned = best.max(1, keepdims=True) + best.min(1, keepdims=True) - best
    turned = np.where(np.ptp(best, axis=1, keepdims=True) > 0, turned, best + 2)
    for outputs, right in ((best, np.ones(len(best), bool)), (turned, ~asked), (best + np.nan, ~asked)):
        judged = task.right(outputs, drawn)
        assert judged.dtype == bool
        assert judged.tolist() == right.tolist()
    assert drawn.whole(task.right(best, drawn)).tolist() == [True] * COUNT
    for row in (0, len(wanted) - 1):
        judged = np.ones(len(wanted), bool)
        judged[row] = False
        assert drawn.whole(judged).tolist() == [k != (0 if row == 0 else COUNT - 1) for k in range(COUNT)]

    class Knows:
        """Answers each sequence with what is wanted of it."""

        def answers(self, inputs: Any, spans: Any) -> np.ndarray:
            assert drawn.at_ends
            return best

        def sequence_outputs(self, inputs: Any, spans: Any) -> np.ndarray:
            assert not drawn.at_ends
            return best

    assert task.right(drawn.outputs_of(Knows()), drawn).all()


def check_words(cls: type) -> None:
    """A sentence, the paper with its year, an example."""
    doc = cls.__doc__ or ""
    assert re.match(r".+[.?:]$", doc.splitlines()[0]), cls
    assert re.search(r"(19|20)\d\d", doc), f"{cls.__name__} says no paper"
    assert ">>>" in doc or ">>>" in (sys.modules[cls.__module__].__doc__ or ""), f"{cls.__name__} has no example"


def check_environment(make: Callable[[], Environment], most: int = 4000) -> None:
    worlds = make(), make()
    episodes = [episode(world, most) for world in worlds]
    assert episodes[0] == episodes[1], "equal seeds and equal actions make equal episodes"
    world = worlds[0]
    first = [str(world.reset(seed=seed)[0]) for seed in (5, 5)]
    assert first[0] == first[1]
    world.reset()
    world.reset(options={})
    for wrong in (-1, None, "left", np.full(9, np.nan)):
        assert not world.action_space.contains(wrong)
        with pytest.raises(ValueError, match="action"):
            world.step(wrong)
    check_words(type(world))


def episode(world: Environment, most: int) -> list[str]:
    """An episode with actions drawn from a generator of its own, to its end or for so many steps."""
    rng = np.random.default_rng(0)
    observation, info = world.reset(seed=7)
    record = [str(observation)]
    assert world.observation_space.contains(observation)
    assert isinstance(info, dict)
    ended = False
    for _ in range(most):
        action = int(rng.integers(world.action_space.n)) if hasattr(world.action_space, "n") else None
        if action is None:
            low, high = max(world.action_space.low, -1), min(world.action_space.high, 1)  # type: ignore[attr-defined]
            action = rng.uniform(low, high, world.action_space.shape).astype(np.float32)  # type: ignore[attr-defined]
        assert world.action_space.contains(action)
        observation, reward, terminated, truncated, info = world.step(action)
        assert world.observation_space.contains(observation)
        assert np.isfinite(float(reward))
        assert {type(terminated), type(truncated)} <= {bool, np.bool_}
        assert isinstance(info, dict)
        record.append(f"{observation} {reward} {terminated} {truncated}")
        ended = bool(terminated or truncated)
        if ended:
            with pytest.raises(ValueError, match="reset"):
                world.step(action)
            break
    assert ended, f"the episode does not end within {most} steps"
    return record

"""Every task: its contract, and that its seeds draw what they have always drawn."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from task_contract import check_environment, check_task

from carrousel import tasks
from carrousel._discover import classes_in, modules_of
from carrousel.tasks import ENVIRONMENTS, TASKS

# What somebody else might add is found and checked as ours is: a task and a world of a file each.
MADE_UP = Path(__file__).parents[1] / "made_up" / "tasks"
OTHERS = modules_of("made_up.tasks", [str(MADE_UP)])
ALL_TASKS = {**TASKS, **classes_in(OTHERS, "draw", "right")}
ALL_ENVIRONMENTS = {**ENVIRONMENTS, **classes_in(OTHERS, "reset", "step")}

# Further choices with which a task is checked; without a line here it is checked as it is by default.
CHOICES: dict[str, list[dict[str, Any]]] = {
    "Adding": [{"T": 11, "first_marker": 1.0}],
    "BooleanFunctions": [{"separable": False}],
    "ContinualReber": [{"steps": 30}],
    "ContinualTemporalOrder": [{"steps": 150, "quiet": True}],
    "CountingLanguage": [
        {"letters": "abBA", "counts": (0, 1, 1, 0), "high": 1.0, "low": 0.0},
        {"letters": "abc", "counts": (0, 0, 0)},
    ],
    "EmbeddedReber": [{"criterion": "best"}],
    "FirstElements": [{"relevant": 3, "low": -1.0}],
    "LongLagDistractors": [{"q": 0, "p": 1}],
    "MeasuringDelays": [{"fixed": 3, "intervals": (0, 1, 2), "silent": False}],
    "NoRegularities": [{"p": 2}],
    "NoiseFreeLag": [{"p": 2}],
    "Parity": [{"noise": 0.2}],
    "PeriodicFunction": [{"shape": shape} for shape in ("tri", "rect")],
    "Reber": [{"criterion": "best"}],
    "TemporalOrder": [{"relevant": 3}],
    "Tomita": [{"language": language} for language in (2, 4)],
    "TwoSequence": [{"noisy_signal": True}, {"noisy_targets": True}],
}
CASES = [(name, choice) for name in ALL_TASKS for choice in [{}, *CHOICES.get(name, [])]]


@pytest.mark.parametrize(("name", "choice"), CASES, ids=[f"{name}-{k}" for k, (name, _) in enumerate(CASES)])
def test_every_task_keeps_the_contract(name, choice):
    check_task(ALL_TASKS[name](**choice))


@pytest.mark.parametrize("name", ALL_ENVIRONMENTS)
def test_every_environment_keeps_the_contract(name):
    check_environment(ALL_ENVIRONMENTS[name])


def test_choices_are_of_tasks_that_there_are():
    assert CHOICES.keys() <= TASKS.keys()
    assert {name for name in TASKS if not hasattr(tasks, name)} == set()


def test_a_file_in_the_room_is_all_it_takes(tmp_path, monkeypatch):
    for name in ("echo", "corridor"):
        text = (MADE_UP / f"{name}.py").read_text()
        assert len(text.splitlines()) <= 40
        (tmp_path / f"_{name}.py").write_text(text)
    monkeypatch.setattr(tasks, "__path__", [*tasks.__path__, str(tmp_path)])
    modules = modules_of("carrousel.tasks", tasks.__path__)
    found, worlds = classes_in(modules, "draw", "right"), classes_in(modules, "reset", "step")
    assert found.keys() == TASKS.keys() | {"Echo"}
    assert worlds.keys() == ENVIRONMENTS.keys() | {"Corridor"}
    check_task(found["Echo"]())
    with pytest.raises(ValueError, match="both have a Echo"):
        classes_in([*modules, OTHERS[-1]], "draw", "right")


@pytest.mark.parametrize(
    ("fault", "change"),
    [
        ("draws unseeded", {"draw": lambda self, rng, count: OTHERS[-1].Echo().draw(np.random.default_rng(), count)}),
        ("all is right", {"right": lambda self, outputs, drawn: np.ones(len(outputs), bool)}),
        ("nothing is right", {"right": lambda self, outputs, drawn: np.zeros(len(outputs), bool)}),
        ("one too few", {"draw": lambda self, rng, count: OTHERS[-1].Echo().draw(rng, max(count - 1, 0))}),
        ("sizes", {"output_size": 4}),
        ("no paper", {"__doc__": "Echoes.\n\n>>> 1\n1\n"}),
    ],
)
def test_the_contract_finds_faults(fault, change):
    echo = OTHERS[-1].Echo
    about = {"__doc__": echo.__doc__, "__module__": echo.__module__}
    broken = dataclass(frozen=True)(type("Broken", (echo,), {**about, **change}))
    check_task(echo())
    with pytest.raises((AssertionError, IndexError)):
        check_task(broken())


@pytest.mark.parametrize("fault", ["reset", "step", "reward", "end"])
def test_the_contract_of_environments_finds_faults(fault):
    corridor = OTHERS[0].Corridor

    class Broken(corridor):
        __doc__ = corridor.__doc__

        def reset(self, *, seed=None, options=None):
            return super().reset(seed=None if fault == "reset" else seed, options=options)

        def step(self, action):
            if fault == "end":
                self.at = min(self.at, 1)
            observation, reward, *more = super().step(action)
            observation = observation + (fault == "step") * self.rng.random(2).astype(np.float32)
            return observation, np.nan if fault == "reward" else reward, *more

    check_environment(corridor)

    def check_often():  # a generator without a seed can draw the same a few times
        for _ in range(20):
            check_environment(Broken)

    with pytest.raises(AssertionError):
        check_often()


def digest(*arrays: np.ndarray) -> str:
    found = hashlib.sha256()
    for array in arrays:
        array = np.ascontiguousarray(array)
        found.update(f"{array.dtype.str}{array.shape}".encode())
        found.update(array.tobytes())
    return found.hexdigest()[:16]


def digest_of(drawn: tasks.Drawn) -> str:
    more: list[Any] = []
    if isinstance(drawn, tasks.WithGoals):
        more = [drawn.goals]
    elif isinstance(drawn, tasks.Strings):
        more = [drawn.legal, np.array("|".join(drawn.text))]
    return digest(drawn.inputs, drawn.targets, drawn.spans, *more)


def drawn_by(words: str, rng: np.random.Generator, seed: int, count: int) -> list[str]:
    """Digests of what the task that is written in ``words`` draws, in a few ways, and of the generator after it."""
    made, _, way = words.partition(").")
    task = eval(made + ")" * bool(way), dict(TASKS))
    if way.startswith("train_test"):
        return [digest_of(each) for each in task.train_test([seed, 2], 20, "distinct=True" in words)]
    found = []
    for number in (count, count + 1):
        if "Continual" in words:
            stream = task.stream(rng, number)
            found.append(digest(stream.codes, stream.kinds, stream.ends, task.targets(stream.kinds)))
        elif way == "stream":
            stream = task.stream(rng, number)
            found.append(digest(stream.inputs, stream.targets, stream.ends, stream.pieces(rng, 5, 10)))
        else:
            drawn = task.draw(rng, number)
            language = isinstance(task, tasks.CountingLanguage)
            found.append(digest(drawn.inputs, drawn.spans, drawn.legal) if language else digest_of(drawn))
    return [*found, digest(rng.random(3))]


DRAWS = json.loads((Path(__file__).parent / "draws.json").read_text())


@pytest.mark.parametrize("line", DRAWS)
def test_seeds_draw_what_they_have_always_drawn(line):
    """``draws.json`` holds digests from before tasks had one protocol; what is drawn must never change."""
    match = re.fullmatch(r"(.*?)(?: (\d+))? (\d+)", line)
    assert match is not None
    words, count, seed = match[1], int(match[2] or 0), int(match[3])
    if "train_test" in words:
        words, count = line.rsplit(" ", 1)[0], 0
    parts = drawn_by(words, np.random.default_rng(seed), seed, count)
    assert hashlib.sha256("".join(parts).encode()).hexdigest()[:16] == DRAWS[line]


def test_the_committed_draws_are_of_tasks_that_there_are():
    assert {line.partition("(")[0] for line in DRAWS} <= TASKS.keys()

"""What a task is to whoever learns it, and what a world is to whoever acts in it."""

from __future__ import annotations

from typing import Any, Protocol, SupportsFloat

import numpy as np

from carrousel.tasks._drawn import Drawn

__all__ = ["Environment", "Space", "Task"]


class Task(Protocol):
    """A task: it draws sequences and judges what a learner says about them.

    A task is a frozen dataclass: its fields are the choices that a paper makes, each with a default, and two tasks with
    equal fields draw equal sequences from generators in equal states.
    """

    @property
    def input_size(self) -> int:
        """The number of inputs of a step."""

    @property
    def output_size(self) -> int:
        """The number of outputs of a step."""

    def draw(self, rng: np.random.Generator, count: int) -> Drawn:
        """Draws ``count`` sequences as a :class:`Drawn`; none, if ``count`` is 0."""

    def right(self, outputs: np.ndarray, drawn: Drawn) -> np.ndarray:
        """Judges outputs ``[rows, outputs]``; returns bools ``[rows]``, True where the criterion holds.

        A row is a step that the task judges, in the order of ``drawn.judged``: each sequence's last step, or all steps.
        ``drawn.outputs_of(learner)`` are a learner's outputs there.
        """


class Space(Protocol):
    """A set of values that an observation or an action can be: a space of gymnasium's, or ours.

    Spaces of gymnasium have these two methods; its ``Discrete`` has ``n`` besides, its ``Box`` ``shape``, ``low`` and
    ``high``. Ours (:class:`Discrete`, :class:`Box`) have the same, and need no gymnasium.
    """

    def contains(self, x: Any, /) -> bool:
        """Says whether the value belongs to the space."""

    def sample(self) -> Any:
        """Draws a value."""


class Environment(Protocol):
    """A world that is acted in one step after the other, with the methods and the five values of gymnasium.

    gymnasium's own environments are environments as they are. Ours become gymnasium's through
    :func:`carrousel.tasks.gymnasium.wrapped`, and need no gymnasium otherwise. A batch of worlds has the same methods,
    and arrays with a first axis of worlds for all five values, as gymnasium's vector environments do.
    """

    @property
    def observation_space(self) -> Space:
        """What an observation can be."""

    @property
    def action_space(self) -> Space:
        """What an action can be."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Begins an episode; returns its first observation and a dict of what else is known.

        Args:
            seed: of all that is drawn from now on; None goes on with the generator that there is.
            options: choices for this episode alone, by name.
        """

    def step(self, action: Any, /) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """Acts once; returns ``(observation, reward, terminated, truncated, info)``.

        ``terminated`` says that the world has come to its end, ``truncated`` that a limit on the steps has.

        Raises:
            ValueError: the action is none, or the episode is over.
        """

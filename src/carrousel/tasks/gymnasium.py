"""Our environments as gymnasium's: for its wrappers, its registry, and all that learns in its worlds.

Needs gymnasium: ``pip install 'carrousel[rl]'``. Where both are installed, ``gymnasium.make`` knows all of ours as
``"carrousel/NAME-v0"``, such as ``"carrousel/PoleBalancing-v0"``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from carrousel.tasks._spaces import Box, Discrete
from carrousel.tasks._task import Environment, Space

__all__ = ["register", "register_all", "space", "wrapped"]


def space(value: Space) -> Any:
    """Returns gymnasium's space for one of ours; one that is gymnasium's stays as it is.

    Raises:
        TypeError: it is neither.
    """
    from gymnasium import spaces

    if isinstance(value, Discrete):
        return spaces.Discrete(value.n)
    if isinstance(value, Box):
        return spaces.Box(value.low, value.high, value.shape, np.float32)
    if isinstance(value, spaces.Space):
        return value
    raise TypeError(f"a space must be Discrete, Box or one of gymnasium's, got {type(value).__name__}")


def wrapped(environment: Environment) -> Any:
    """Wraps an environment of ours as a ``gymnasium.Env``; one that is gymnasium's stays as it is."""
    import gymnasium

    if isinstance(environment, gymnasium.Env):
        return environment

    class Wrapped(gymnasium.Env):
        """An environment of gymnasium's that hands everything on to ours."""

        metadata: dict[str, Any] = {"render_modes": []}  # noqa: RUF012  # as gymnasium declares it

        def __init__(self) -> None:
            self.observation_space = space(environment.observation_space)
            self.action_space = space(environment.action_space)

        def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
            super().reset(seed=seed)
            return environment.reset(seed=seed, options=options)

        def step(self, action: Any) -> Any:
            return environment.step(action)

    return Wrapped()


def register(name: str, make: Callable[..., Environment], **about: Any) -> None:
    """Registers an environment, so that ``gymnasium.make(name)`` makes one.

    Args:
        name: such as ``"carrousel/TMaze-v0"``.
        make: makes an environment; gets the further arguments of ``gymnasium.make``.
        about: what ``gymnasium.register`` takes besides, such as ``max_episode_steps``.
    """
    import gymnasium

    gymnasium.register(name, partial(_make_wrapped, make), **about)


def register_all() -> None:
    """Registers all environments of this room, by the names of their classes: ``"carrousel/PoleBalancing-v0"``.

    gymnasium calls it when it is imported.
    """
    from carrousel.tasks import ENVIRONMENTS

    for name, make in ENVIRONMENTS.items():
        register(f"carrousel/{name}-v0", make)


def _make_wrapped(make: Callable[..., Environment], /, **options: Any) -> Any:
    return wrapped(make(**options))

"""Calls spread over processes by joblib: loky's here, or those of a cluster of ray or dask."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["Spread", "ready", "spreading"]

Spread = Callable[[Callable[..., Any], Iterable[tuple[Any, ...]]], list[Any]]
"""Calls a function with each of some arguments, and returns what it gives in their order."""


@contextmanager
def ready(backend: str) -> Iterator[None]:
    """Registers and runs the backend of another package while the block lasts.

    A cluster is the one that the package finds by its own settings (``DASK_SCHEDULER_ADDRESS``, ``RAY_ADDRESS``); else
    this machine.

    Raises:
        ValueError: there is no such backend, or its package is not installed.
    """
    import joblib

    package = {"ray": "ray", "dask": "distributed"}.get(backend)
    known = ["loky", "threading", "multiprocessing", "sequential", "dask", "ray"]
    if backend not in {*known, *joblib.parallel.BACKENDS}:
        raise ValueError(f"backend must be one of {', '.join(known)}; got {backend!r}")
    if package is not None and importlib.util.find_spec(package) is None:
        raise ValueError(f"backend {backend!r} needs the package {package}: pip install {package}")
    if backend == "ray":
        import ray
        from ray.util.joblib import register_ray

        register_ray()
        with ray.init():
            yield
    elif backend == "dask":
        from dask.distributed import Client

        with Client():
            yield
    else:
        yield


@contextmanager
def spreading(jobs: int, backend: str) -> Iterator[Spread]:
    """Gives a function that makes calls, ``jobs`` at a time; with one job they are made here, without joblib.

    Raises:
        ValueError: ``jobs`` is 0, or there is no such backend.
    """
    if not isinstance(jobs, int) or jobs == 0:
        raise ValueError(f"jobs must be a whole number, -1 for one a processor; got {jobs!r}")
    if jobs == 1:
        yield lambda function, items: [function(*item) for item in items]
        return
    import joblib

    with ready(backend), joblib.parallel_config(backend=backend, n_jobs=jobs), joblib.Parallel() as parallel:
        yield lambda function, items: parallel(joblib.delayed(function)(*item) for item in items)

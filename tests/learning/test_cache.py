"""Compiled kernels on disk."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from pathlib import Path


def test_a_change_in_a_module_that_is_compiled_in_is_noticed(tmp_path):
    """A kernel in one file uses a function of another; numba alone looks at the first."""
    (tmp_path / "below.py").write_text("import numba\n@numba.njit\ndef f(x):\n    return x + 1\n")
    (tmp_path / "kernel.py").write_text(
        "import below\nfrom carrousel.learning.online._jit import entry\n"
        "@entry(below)\ndef run(x):\n    return below.f(x)\n"
        "print(run(1), sum(run.stats.cache_hits.values()))\n"
    )
    source = Path(importlib.util.find_spec("carrousel").origin).parents[1]

    def run():
        call = [sys.executable, "-c", f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(source)!r}]; import kernel"]
        return subprocess.run(call, capture_output=True, text=True, check=True).stdout.split()

    assert run() == ["2", "0"]
    assert run() == ["2", "1"]
    (tmp_path / "below.py").write_text("import numba\n@numba.njit\ndef f(x):\n    return x + 10\n")
    assert run() == ["11", "0"]

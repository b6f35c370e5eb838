"""PyTorch's own tests of recurrent modules, with carrousel's in the place of torch's.

    python tests/torch_suite.py                     # what torch's wheel brings: its module database
    python tests/torch_suite.py --quick             # a part of it, in ten seconds
    python tests/torch_suite.py PATH/TO/pytorch     # the tests themselves, of a checkout; nothing of it is copied

Without a checkout the checks are those of ``module_database.py``. With one, its ``test/test_modules.py`` runs, and of
its ``test/test_nn.py`` the tests that speak of a recurrent module.
"""

from __future__ import annotations

import argparse
import importlib.util
import inspect
import re
import sys
import traceback
import unittest
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from module_database import OURS, cases, database, recurrent
from torch import nn

EXCLUDED: dict[str, str] = {
    "cudnn|_cuda_": "it is about torch's own kernels for another device",
    "test_projections_errors_on_gru_and_rnn": "carrousel can project the h of nn.RNN",
}
"""Tests of a checkout that are left out, as regular expressions of their names, each with the reason."""


def run_database(*, quick: bool) -> bool:
    """Runs the checks of the database, and says what failed."""
    failed = 0
    for case in (todo := cases(quick=quick)):
        try:
            case.check(case)
        except (Exception, pytest.fail.Exception):
            failed += 1
            print(f"FAILED {case}")
            traceback.print_exc(limit=-2, file=sys.stdout)
    print(f"{len(todo)} checks with torch's module database, {len(todo) - failed} passed, {failed} failed")
    return not failed


def _of_recurrent_modules(test: Any) -> bool:
    """Whether a test of a checkout speaks of a recurrent module: in its name, or in its text."""
    method = getattr(test, test._testMethodName)
    try:
        text = inspect.getsource(inspect.unwrap(method))
    except (OSError, TypeError):
        text = ""
    in_text = re.search(r"\bnn\.(RNN|GRU|LSTM)(Cell)?\b", text)
    return in_text is not None or re.search(r"rnn|lstm|gru", test.id(), re.IGNORECASE) is not None


def _tests(suite: Any) -> Iterator[Any]:
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from _tests(test)
        else:
            yield test


def run_checkout(path: Path) -> bool:
    """Runs the tests of a checkout of PyTorch, and says what failed."""
    folder = path / "test"
    missing = [name for name in ("test_nn.py", "test_modules.py") if not (folder / name).is_file()]
    if missing:
        raise SystemExit(f"{path} is no checkout of PyTorch: it has no {' and no '.join('test/' + n for n in missing)}")
    sys.path.insert(0, str(folder))
    infos = recurrent()
    replaced = [mock.patch.object(info, "module_cls", OURS[info.module_cls]) for info in infos]
    replaced += [mock.patch.object(nn, torchs.__name__, ours) for torchs, ours in OURS.items()]
    replaced.append(mock.patch.object(database(), "module_db", infos))
    chosen = unittest.TestSuite()
    excluded: dict[str, str] = {}
    for each in replaced:
        each.start()
    try:
        for name in ("test_modules", "test_nn"):
            spec = importlib.util.spec_from_file_location(name, folder / f"{name}.py")
            assert spec is not None
            assert spec.loader is not None
            module = sys.modules[name] = importlib.util.module_from_spec(spec)
            spec.loader.exec_module(module)
            for test in _tests(unittest.defaultTestLoader.loadTestsFromModule(module)):
                if name == "test_nn" and not _of_recurrent_modules(test):
                    continue
                reason = next((why for pattern, why in EXCLUDED.items() if re.search(pattern, test.id())), None)
                if reason is None:
                    chosen.addTest(test)
                else:
                    excluded[test.id()] = reason
        result = unittest.TextTestRunner(verbosity=1).run(chosen)
    finally:
        for each in reversed(replaced):
            each.stop()
    for name, reason in excluded.items():
        print(f"left out {name}: {reason}")
    bad = len(result.failures) + len(result.errors) + len(result.unexpectedSuccesses)
    print(f"{result.testsRun} tests of {path}, {len(result.skipped)} skipped, {bad} failed, {len(excluded)} left out")
    return not bad


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("checkout", nargs="?", type=Path, help="the folder of a checkout of PyTorch")
    parser.add_argument("--quick", action="store_true", help="without a checkout: a part of the checks")
    asked = parser.parse_args()
    sys.exit(not (run_database(quick=asked.quick) if asked.checkout is None else run_checkout(asked.checkout)))

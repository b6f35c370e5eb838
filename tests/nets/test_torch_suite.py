"""``tests/torch_suite.py``: PyTorch's tests of recurrent modules with carrousel's. In processes of their own, for
torch's testing modules change the settings of other tests."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[1] / "torch_suite.py"


def run(*arguments: object) -> tuple[int, str]:
    done = subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)], capture_output=True, text=True, timeout=118, check=False
    )
    return done.returncode, done.stdout + done.stderr


@pytest.mark.slow
def test_the_module_database() -> None:
    status, told = run("--quick")
    assert status == 0, told
    tried, passed = map(int, re.search(r"(\d+) checks .*, (\d+) passed, 0 failed", told).groups())
    assert tried == passed == 102


NN = """
from torch import nn
from torch.testing._internal.common_utils import TestCase

class TestNN(TestCase):
    def test_of_nothing_recurrent(self):
        raise AssertionError("this is none of ours")

    def test_an_instance(self):
        self.assertIn("carrousel", type(nn.LSTM(3, 4)).__mro__[1].__module__)

    def test_gru_layers(self):
        self.assertEqual(getattr(nn, "GRU")(3, 4).cell.name, "lstm")
"""

MODULES = """
from torch.testing._internal.common_device_type import instantiate_device_type_tests
from torch.testing._internal.common_modules import module_db, modules
from torch.testing._internal.common_utils import TestCase

class TestModule(TestCase):
    @modules(module_db)
    def test_made(self, device, dtype, module_info, training):
        for sample in module_info.module_inputs_func(
            module_info, device=device, dtype=dtype, requires_grad=False, training=training
        ):
            given = sample.constructor_input
            self.assertTrue(hasattr(module_info.module_cls(*given.args, **given.kwargs), "cell"))

instantiate_device_type_tests(TestModule, globals())
"""


@pytest.mark.slow
def test_a_checkout(tmp_path: Path) -> None:
    (tmp_path / "test").mkdir()
    (tmp_path / "test" / "test_nn.py").write_text(NN)
    (tmp_path / "test" / "test_modules.py").write_text(MODULES)
    status, told = run(tmp_path)
    assert status == 1, told
    # Three cells in two precisions, three networks also in two modes; and those of test_nn that speak of one.
    assert f"{6 + 12 + 2} tests of {tmp_path}, 0 skipped, 1 failed, 0 left out" in told
    assert "FAIL: test_gru_layers" in told


def test_what_is_no_checkout(tmp_path: Path) -> None:
    status, told = run(tmp_path)
    assert status == 1
    assert "is no checkout of PyTorch: it has no test/test_nn.py and no test/test_modules.py" in told

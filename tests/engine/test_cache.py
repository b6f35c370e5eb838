"""Compiled kernels on disk: found again, never stale, never trusted where others could have put them."""

from __future__ import annotations

import ctypes
import errno
import os
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import pytest

from carrousel import _atomic, _cache
from carrousel.engine.cpu.llvm import _compile
from carrousel.engine.cpu.llvm._emit import Module
from carrousel.engine.cpu.llvm._target import host

POSIX = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX permissions")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and a process that has compiled nothing."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("CARROUSEL_CACHE", str(folder))
    forget(monkeypatch)
    return folder


def forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if in a new process: what was compiled must come from the disk or be compiled again."""
    monkeypatch.setattr(_compile, "_loaded", {})
    _cache._complain.cache_clear()


def source(answer: float) -> str:
    module = Module("double", host())
    f = module.function("answer", [("ptr", "a")], public=True)
    f.line(f"store double {module.number(answer)}, ptr %a")
    return module.text()


def ask(answer: float) -> float:
    """What the kernel that should answer so does answer."""
    code = _compile.compile_module(source(answer), host())
    result = ctypes.c_double()
    code.function("answer")(ctypes.byref(result))
    return result.value


def compiled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Collects what is compiled from now on."""
    texts: list[str] = []
    compile_text = _compile._compile

    def spy(text, target):
        texts.append(text)
        return compile_text(text, target)

    monkeypatch.setattr(_compile, "_compile", spy)
    return texts


def test_a_kernel_is_compiled_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    texts = compiled(monkeypatch)
    assert ask(7.0) == 7.0
    forget(monkeypatch)
    assert ask(7.0) == 7.0
    assert len(texts) == 1
    assert ask(8.0) == 8.0
    assert len(texts) == 2
    assert len(list(folder.iterdir())) == 2


@POSIX
def test_the_cache_is_the_users_own(folder: Path) -> None:
    ask(1.0)
    assert folder.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir())


@pytest.mark.parametrize("damage", ["empty", "short", "one bit", "no code"])
def test_a_damaged_file_is_compiled_anew_and_mended(damage: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(3.0)
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    flipped = whole[:-1] + bytes([whole[-1] ^ 1])
    damaged = {"empty": b"", "short": whole[: len(whole) // 2], "one bit": flipped, "no code": whole[:32]}
    file.write_bytes(damaged[damage])
    forget(monkeypatch)
    texts = compiled(monkeypatch)
    assert ask(3.0) == 3.0
    assert len(texts) == 1
    assert file.read_bytes() == whole


def fail_with(number: int):
    def fail(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT])
@pytest.mark.parametrize("where", ["mkdir", "_create", "_write", "replace"])
def test_a_full_or_read_only_disk_costs_time_and_nothing_else(
    where: str, number: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as disk:
        at = {"mkdir": Path, "replace": os}.get(where, _atomic)
        disk.setattr(at, where, fail_with(number))
        assert ask(4.0) == 4.0
    assert not folder.exists() or not list(folder.iterdir())


def test_a_file_where_the_folder_should_be(folder: Path) -> None:
    folder.write_text("mine")
    assert ask(5.0) == 5.0
    assert folder.read_text() == "mine"


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root writes everywhere")
def test_a_folder_without_the_right_to_write(folder: Path) -> None:
    folder.mkdir(mode=0o500)
    assert ask(5.0) == 5.0
    assert not list(folder.iterdir())


def test_no_home(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CARROUSEL_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)

    def lost() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", lost)
    assert ask(6.0) == 6.0


@pytest.fixture
def planted(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of the cache, whole by its hash, that answers 666 where 1 should be answered."""
    ask(1.0)
    (file,) = folder.iterdir()
    ask(666.0)
    (other,) = set(folder.iterdir()) - {file}
    file.write_bytes(other.read_bytes())
    forget(monkeypatch)
    return file


@POSIX
class TestOthers:
    """Code that another user could have put there is not run."""

    def test_what_is_planted_would_run(self, planted: Path) -> None:
        assert ask(1.0) == 666.0

    @pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
    def test_folder_that_others_may_write(self, mode: int, planted: Path) -> None:
        planted.parent.chmod(mode)
        with pytest.warns(UserWarning, match="can be written by others"):
            assert ask(1.0) == 1.0

    @pytest.mark.parametrize("mode", [0o666, 0o660, 0o602])
    def test_file_that_others_may_write(self, mode: int, planted: Path) -> None:
        planted.chmod(mode)
        with pytest.warns(UserWarning, match="can be written by others"):
            assert ask(1.0) == 1.0

    def test_a_file_in_place_of_a_suspect_one_is_trusted_again(self, planted: Path, monkeypatch) -> None:
        planted.chmod(0o666)
        with pytest.warns(UserWarning, match="compiled anew"):
            ask(1.0)
        forget(monkeypatch)
        assert ask(1.0) == 1.0
        assert planted.stat().st_mode & 0o077 == 0

    @pytest.mark.parametrize("which", ["folder", "file"])
    def test_of_another_user(self, which: str, planted: Path) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root gives files away")
        os.chown(planted.parent if which == "folder" else planted, 12345, -1)
        with pytest.warns(UserWarning, match="belongs to another user"):
            assert ask(1.0) == 1.0

    def test_owners(self, planted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        about = planted.stat()
        monkeypatch.setattr(os, "geteuid", lambda: about.st_uid)
        assert _cache._others_could_write(about) is None
        values = list(about)
        values[4] = 12345
        assert _cache._others_could_write(os.stat_result(values)) == "belongs to another user"
        values[4] = 0
        assert _cache._others_could_write(os.stat_result(values)) is None

    def test_nothing_is_put_there_either_and_it_is_said_once(self, folder: Path) -> None:
        folder.mkdir()
        folder.chmod(0o777)
        with pytest.warns(UserWarning, match="CARROUSEL_CACHE"):
            ask(1.0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            ask(2.0)
        assert not list(folder.iterdir())


CELL = """
import carrousel
from carrousel.cells.math import sigmoid, tanh

@carrousel.cell("f g", candidates="g", states="c")
def mine(z, s, p):
    f, g = sigmoid(z.f), p.g(tanh(z.g))
    c = f * s.c + (1.0 - f) * g
    return {output}, carrousel.State(c=c), carrousel.Gates(f=f, g=g)
"""

SCRIPT = """
import json, sys, time
import torch, carrousel
from carrousel import engine
from mine import mine

def timed(work):
    start = time.process_time()
    result = work()
    return result, time.process_time() - start

torch.manual_seed(0)
net, x = carrousel.LSTM(5, 33, cell=mine), torch.randn(7, 3, 5)
with torch.no_grad():
    (output, _), forward = timed(lambda: net(x))
_, train = timed(lambda: net(x)[0].sum().backward())
layer, weights = net.layers[0], net.weights_of(net.layers[0], "_l0")
zero = tuple(torch.zeros(3, 33) for _ in range(2))
call = engine.Call(layer, weights, x, zero)
assert engine.choose(call).backend == "cpu"
error = (output - engine.reference.run(call).output).abs().max().item()
print(json.dumps({"forward": forward, "train": train, "sum": output.sum().item(), "error": error}))
"""


def process(tmp_path: Path) -> subprocess.Popen[str]:
    (tmp_path / "script.py").write_text(textwrap.dedent(SCRIPT))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "script.py"], cwd=tmp_path, env=environment, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def result(running: subprocess.Popen[str]) -> dict[str, float]:
    import json

    out, err = running.communicate(timeout=100)
    assert running.returncode == 0, err
    return json.loads(out)


@pytest.mark.slow
def test_first_calls_second_processes_and_edited_cells(tmp_path: Path) -> None:
    """The times are those of the processor, for the machine may have other work."""
    cell = tmp_path / "mine.py"
    cell.write_text(CELL.format(output="tanh(p.c(c))"))
    first = result(process(tmp_path))
    assert first["forward"] <= 3
    assert first["forward"] + first["train"] <= 6
    assert first["error"] <= 2e-6
    second = result(process(tmp_path))
    assert second["forward"] + second["train"] <= 0.3
    assert second["sum"] == first["sum"]
    cell.write_text(CELL.format(output="f * tanh(p.c(c))"))
    edited = result(process(tmp_path))
    assert edited["sum"] != first["sum"]
    assert edited["error"] <= 2e-6


@pytest.mark.slow
def test_two_processes_compile_at_once(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "mine.py").write_text(CELL.format(output="tanh(p.c(c))"))
    one, other = [result(running) for running in [process(tmp_path), process(tmp_path)]]
    assert one["sum"] == other["sum"]
    assert max(one["error"], other["error"]) <= 2e-6
    files = list(folder.iterdir())
    assert files
    assert {file.suffix for file in files} == {".o"}, "nothing half-written stays behind"

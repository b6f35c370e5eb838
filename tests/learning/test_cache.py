"""Compiled rules on disk: found again, never stale, never trusted where others could have put them."""

from __future__ import annotations

import ast
import errno
import hashlib
import importlib
import os
import pickle
import pkgutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from damage import damaged, rounds
from numba.core.caching import NullCache
from numba.core.dispatcher import Dispatcher

import carrousel
from carrousel import _atomic, _cache, _jit
from carrousel.tasks import _continual  # noqa: F401 - looked up by its name

POSIX = pytest.mark.skipif(not hasattr(os, "geteuid"), reason="POSIX permissions")


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own."""
    monkeypatch.setenv("CARROUSEL_CACHE", str(tmp_path / "cache"))
    _cache._complain.cache_clear()
    return tmp_path / "cache"


def doubled(values):
    for k in range(len(values)):
        values[k] *= 2
    return len(values)


def fresh(function=doubled) -> bool:
    """Has a function compiled as in a new process, or found: whether it was found."""
    dispatcher, values = _jit.entry(function), np.arange(3.0)
    assert dispatcher(values) == 3
    assert values.tolist() == [0, 2, 4]
    return sum(dispatcher.stats.cache_hits.values()) == 1


def test_what_is_compiled_is_kept(folder: Path) -> None:
    assert [fresh(), fresh()] == [False, True]
    (file,) = folder.iterdir()
    assert file.suffix == ".numba"


@POSIX
def test_the_cache_is_the_users_own(folder: Path) -> None:
    fresh()
    assert folder.stat().st_mode & 0o077 == 0
    assert all(file.stat().st_mode & 0o077 == 0 for file in folder.iterdir())


def test_nothing_is_put_elsewhere(folder: Path) -> None:
    """numba's own cache is not used by anything of ours."""
    for module in pkgutil.walk_packages(carrousel.__path__, "carrousel."):
        if module.name.startswith(("carrousel.learning.", "carrousel.tasks.")):
            for value in vars(importlib.import_module(module.name)).values():
                if isinstance(value, Dispatcher):
                    assert type(value._cache) in (NullCache, _jit._DiskCache), f"{module.name}: {value}"


@pytest.mark.fuzz
def test_a_damaged_file_is_compiled_anew_and_mended(folder: Path) -> None:
    fresh()
    (file,) = folder.iterdir()
    whole = file.read_bytes()
    for copy in [b"", whole[:32], whole[: len(whole) // 2], *damaged(whole, rounds(8))]:
        file.write_bytes(copy)
        assert fresh() == (copy == whole)
        assert hashlib.sha256(file.read_bytes()[32:]).digest() == file.read_bytes()[:32]
    assert fresh()


def test_what_is_whole_but_no_code_is_compiled_anew(folder: Path) -> None:
    fresh()
    (file,) = folder.iterdir()
    for content in (b"", b"not a pickle", pickle.dumps(None), pickle.dumps((1, 2)), pickle.dumps(tuple("x" * 9))):
        file.write_bytes(hashlib.sha256(content).digest() + content)
        assert not fresh()


def test_code_for_other_arguments_is_not_taken(folder: Path) -> None:
    fresh()
    (file,) = folder.iterdir()
    other = _jit.entry(doubled)
    other(np.arange(3, dtype=np.float32))
    (third,) = set(folder.iterdir()) - {file}
    file.write_bytes(third.read_bytes())
    assert not fresh()


class Bomb:
    """Says so when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.fixture
def planted(folder: Path, tmp_path: Path) -> Path:
    """A file of the cache, whole by its hash, that runs code when it is read; the path of what this leaves behind."""
    fresh()
    (file,) = folder.iterdir()
    content = pickle.dumps(Bomb(tmp_path / "exploded"))
    file.write_bytes(hashlib.sha256(content).digest() + content)
    return tmp_path / "exploded"


@POSIX
class TestOthers:
    """Code that another user could have put there is not run."""

    def test_what_is_planted_would_run(self, planted: Path) -> None:
        assert not fresh()
        assert planted.exists()

    @pytest.mark.parametrize("mode", [0o777, 0o770, 0o702])
    def test_folder_that_others_may_write(self, mode: int, planted: Path, folder: Path) -> None:
        folder.chmod(mode)
        with pytest.warns(UserWarning, match="can be written by others"):
            assert not fresh()
        assert not planted.exists()
        assert not fresh()  # and nothing is put there either

    @pytest.mark.parametrize("mode", [0o666, 0o620])
    def test_file_that_others_may_write(self, mode: int, planted: Path, folder: Path) -> None:
        (file,) = folder.iterdir()
        file.chmod(mode)
        with pytest.warns(UserWarning, match="can be written by others"):
            assert not fresh()
        assert not planted.exists()
        assert fresh()  # a file of our own stands in its place

    @pytest.mark.parametrize("which", ["folder", "file"])
    def test_of_another_user(self, which: str, planted: Path, folder: Path) -> None:
        if os.geteuid() != 0:
            pytest.skip("only root gives files away")
        os.chown(folder if which == "folder" else next(folder.iterdir()), 12345, -1)
        with pytest.warns(UserWarning, match="belongs to another user"):
            assert not fresh()
        assert not planted.exists()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EDQUOT, errno.EACCES])
@pytest.mark.parametrize("where", ["mkdir", "_create", "_write", "replace"])
def test_a_full_or_read_only_disk_costs_time_and_nothing_else(
    where: str, number: int, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args, **kwargs):
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as disk:
        disk.setattr({"mkdir": Path, "replace": os}.get(where, _atomic), where, fail)
        assert not fresh()
    assert not folder.exists() or not list(folder.iterdir())
    assert [fresh(), fresh()] == [False, True]


def test_no_sources_no_cache(folder: Path) -> None:
    """What was typed in has no file whose change could be seen."""
    scope = {"__name__": "nowhere"}
    exec("def typed(values):\n    values *= 2\n    return len(values)", scope)
    assert [fresh(scope["typed"]), fresh(scope["typed"])] == [False, False]
    assert not folder.exists()


FIRST = "import {below}\nfrom carrousel._jit import entry\n@entry\ndef run(x):\n    return {call}\n"
SAY = "import kernel; print(kernel.run(1), sum(kernel.run.stats.cache_hits.values()))"
ADD = "import numba\n@numba.njit\ndef f(x):\n    return x + {number}\n"


def run(tmp_path: Path) -> list[str]:
    source = Path(carrousel.__file__).parents[1]
    code = f"import sys; sys.path[:0] = [{str(tmp_path)!r}, {str(source)!r}]; {SAY}"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.split()


def test_a_change_in_a_module_that_is_compiled_in_is_noticed(tmp_path: Path) -> None:
    """A function uses one of another module that uses one of a third; numba alone looks at the first."""
    (tmp_path / "third.py").write_text(ADD.format(number=1))
    (tmp_path / "below.py").write_text(
        "from third import (\n    f,\n)\nimport numba\n@numba.njit\ndef g(x):\n    return f(x)\n"
    )
    (tmp_path / "kernel.py").write_text(FIRST.format(below="below", call="below.g(x)"))
    assert run(tmp_path) == ["2", "0"]
    assert run(tmp_path) == ["2", "1"]
    (tmp_path / "third.py").write_text(ADD.format(number=10))
    assert run(tmp_path) == ["11", "0"]


def test_the_sources_of_our_kernels() -> None:
    """All modules of compiled code that the rule of 1997 is made of, and what they take constants from."""
    names = {name.rpartition(".")[2] for name in _jit._sources("carrousel.learning.online.network._rehearse")}
    assert {"_rehearse", "_kernel", "_tiles", "_simd", "_layout", "_network", "_optimisers", "_jit"} <= names
    assert "_learner" not in names  # which only calls it
    assert "carrousel.learning.before_lstm.one_unit" in _jit._sources("carrousel.learning.before_lstm.chunker")
    assert "carrousel.tasks._reber" in _jit._sources("carrousel.tasks._continual")


def test_imports_are_seen_as_python_sees_them() -> None:
    """Sources are searched for imports without parsing them, which would take longer than all the rest."""
    for module in pkgutil.walk_packages(carrousel.__path__, "carrousel."):
        if module.name.startswith(("carrousel.learning.", "carrousel.tasks.")) and module.name in sys.modules:
            text = _jit._file(module.name).read_text()
            wanted = set()
            for node in ast.walk(ast.parse(text)):
                if isinstance(node, ast.Import):
                    wanted |= {alias.name for alias in node.names}
                elif isinstance(node, ast.ImportFrom):
                    assert not node.level
                    inside = {f"{node.module}.{alias.name}" for alias in node.names}
                    wanted |= inside if inside <= sys.modules.keys() else {*inside, node.module}
            assert wanted <= set(_jit._mentioned(text, module.name)), module.name

"""The mechanism by which all files are written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from carrousel import _atomic
from carrousel._atomic import append_to, refuse_unusual, write_directory, write_file

pytestmark = pytest.mark.skipif(os.name != "posix", reason="modes, links and locks as on POSIX")

# Writes a path and is killed when all is written and nothing is renamed.
KILLED = """
import os, signal, sys
from pathlib import Path
from carrousel import _atomic

def kill(*names):
    os.kill(os.getpid(), signal.SIGKILL)

os.replace = _atomic._swap_in = kill
path = Path(sys.argv[1])
_atomic.write_directory(path, {"a": b"half"}) if sys.argv[2] == "directory" else _atomic.write_file(path, b"half")
"""


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def killed(path: Path, kind: str) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, str(path), kind], timeout=60, check=False)
    assert done.returncode == -signal.SIGKILL


@pytest.mark.parametrize("kind", ["file", "directory"])
def test_what_killed_writers_left_is_gone_after_the_next(kind, tmp_path):
    path = tmp_path / "x"
    for _ in range(2):
        killed(path, kind)
        assert len([name for name in names(tmp_path) if name.endswith(".tmp")]) == 1  # the second removed the first's
    (tmp_path / ".y.0123456789abcdef.tmp").write_text("of another path")
    (tmp_path / ".x.notes.tmp").write_text("of somebody else")
    write_directory(path, {"a": b"new"}) if kind == "directory" else write_file(path, b"new")
    assert names(tmp_path) == [".x.notes.tmp", ".y.0123456789abcdef.tmp", "x"]


def test_what_a_living_writer_is_at_stays(tmp_path, monkeypatch):
    """Two writes at once: the inner one must not take the outer one's temporary file for one that was left."""
    path, replace = tmp_path / "x", os.replace
    seen = []

    def between(old, new):
        monkeypatch.setattr(os, "replace", replace)
        write_file(path, b"inner")
        seen.extend(names(tmp_path))
        replace(old, new)

    monkeypatch.setattr(os, "replace", between)
    write_file(path, b"outer")
    assert path.read_bytes() == b"outer"
    assert len(seen) == 2
    assert names(tmp_path) == ["x"]


def test_a_link_at_a_name_that_can_be_guessed_leads_nowhere(tmp_path):
    """A fixed temporary name in a folder that others write to was their way to any file of ours."""
    victim = tmp_path / "victim"
    victim.write_text("mine")
    folder = tmp_path / "shared"
    folder.mkdir()
    for name in (".x.tmp", ".x.0123456789abcdef.tmp", ".x.saving", ".x.old"):
        (folder / name).symlink_to(victim)
    write_file(folder / "x", b"theirs")
    assert victim.read_text() == "mine"
    (folder / "x").unlink()
    with pytest.raises(OSError, match="symbolic link"):
        write_directory(folder / "x", {"a": b"theirs"})
    assert victim.read_text() == "mine"


def test_what_is_no_plain_file_is_not_replaced(tmp_path):
    pipe, folder, file = tmp_path / "pipe", tmp_path / "folder", tmp_path / "file"
    os.mkfifo(pipe)
    folder.mkdir()
    file.touch()
    for path, says in ((pipe, "no plain file"), (folder, "directory"), (Path(os.devnull), "no plain file")):
        for write in (write_file, append_to):
            with pytest.raises(OSError, match=says):
                write(path, b"x")
    with pytest.raises(NotADirectoryError):
        write_directory(file, {})
    refuse_unusual(tmp_path / "nothing")
    assert names(tmp_path) == ["file", "folder", "pipe"]
    assert Path(os.devnull).is_char_device()


def test_errors_name_the_path(tmp_path):
    for write in (lambda p: write_file(p, b""), lambda p: append_to(p, b"")):
        with pytest.raises(FileNotFoundError) as raised:
            write(tmp_path / "no" / "x")
        assert raised.value.filename == str(tmp_path / "no" / "x")
        assert "tmp'" not in str(raised.value)


@pytest.mark.parametrize("name", ["x" * 255, "ü" * 127, "x.json"])
def test_names_of_any_length(name, tmp_path):
    write_file(tmp_path / name, b"1")
    append_to(tmp_path / name, b"2")
    assert (tmp_path / name).read_bytes() == b"12"
    (tmp_path / name).unlink()
    for _ in range(2):
        write_directory(tmp_path / name, {"a": b"1"})
    assert names(tmp_path) == [name]


def test_all_is_on_the_disk_before_it_has_its_name(tmp_path, monkeypatch):
    """Else a crash of the machine could leave the new name with half of the content, or none."""
    done = []

    def spy(module, name, say):
        real = getattr(module, name)
        monkeypatch.setattr(module, name, lambda *given: (done.append(say(*given)), real(*given))[1])

    spy(os, "fsync", lambda handle: ("sync", os.path.basename(os.readlink(f"/proc/self/fd/{handle}"))[:2]))
    spy(os, "replace", lambda old, new: ("name", new.name))
    spy(_atomic, "_swap_in", lambda old, new: ("name", new.name))
    if not Path("/proc/self/fd").exists():
        pytest.skip("only the system knows what a handle is of")
    write_file(tmp_path / "x", b"1")
    assert done == [("sync", ".x"), ("name", "x"), ("sync", tmp_path.name[:2])]
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "other").write_text("carried over")
    done.clear()
    write_directory(tmp_path / "d", {"a": b"1"})
    at = done.index(("name", "d"))
    assert {("sync", "a"), ("sync", "ot"), ("sync", ".d")} <= set(done[:at])
    assert done[at + 1 :] == [("sync", tmp_path.name[:2])]


def test_what_is_appended_is_there_whole_or_not_at_all(tmp_path, monkeypatch):
    path, write = tmp_path / "x", _atomic._write
    append_to(path, b"one\n")

    def full(handle, data):
        write(handle, data[:2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(_atomic, "_write", full)
    with pytest.raises(OSError, match=r"No space left on device: .*x'"):
        append_to(path, b"two\n")
    assert path.read_bytes() == b"one\n"


def test_a_directory_carries_over_links_and_hidden_files_as_they_are(tmp_path):
    path = tmp_path / "model"
    write_directory(path, {"a": b"1"})
    (path / ".hidden").write_text("mine")
    (path / "link").symlink_to("/")  # would be the whole disk
    (path / "deep").mkdir()
    (path / "deep" / "link").symlink_to("/")
    (path / ".a.0123456789abcdef.tmp").write_text("of a writer that was killed")
    write_directory(path, {"a": b"2"})
    assert names(path) == [".hidden", "a", "deep", "link"]
    assert os.readlink(path / "link") == os.readlink(path / "deep" / "link") == "/"
    assert names(tmp_path) == ["model"]

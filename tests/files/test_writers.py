"""Every writer of the project: old or new, never a part, whatever happens; and all of them go through one mechanism."""

from __future__ import annotations

import ast
import errno
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from writers import WRITERS, Writer

from carrousel import _atomic

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ROOT / "src" / "carrousel"
EVERY = pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)

# What appends: to files that one process has for itself. Tested in tests/cli/test_stream.py and tests/papers.
APPENDING = {"cli/_lines.py:say", "papers/_files.py:add"}
# What is not missed if it cannot be written. Tested in tests/engine/test_cache.py.
CACHING = {"_cache.py:write"}

# Files in which something may be written, or given another name, without `carrousel._atomic`; and why.
ELSEWHERE = {
    "_atomic.py": "is the mechanism",
    "_alone.py": "a lock's file, whose content nothing depends on",
    "cli/_lines.py": "opens the file that lines are appended to",
    "cli/_main.py": "the null device, in place of an output that is gone",
    "pictures/style.py": "draws into memory",
    "data/_synthesiser.py": "writes sound into memory",
    "estimators/_search.py": "cuts half a line off a journal, which is optuna's",
    "bench/_memory.py": "the system's counter in /proc",
    "data/readers/uea.py": "unpacks a download",
}

CHANGING = {
    *("write_text", "write_bytes", "touch", "rename", "symlink_to", "hardlink_to", "savefig"),
    *("mkstemp", "NamedTemporaryFile", "TemporaryFile", "TemporaryDirectory", "mkdtemp"),
    *("copyfile", "copy2", "copytree", "move", "savez", "savez_compressed", "savetxt", "save_file", "tofile", "memmap"),
}
QUALIFIED = {("os", "replace"), ("os", "rename"), ("os", "link"), ("torch", "save"), ("np", "save"), ("shutil", "copy")}
TABLES = {"to_csv", "to_parquet", "to_pickle", "to_excel", "to_feather"}


def calls(path: Path) -> Iterator[tuple[str, ast.Call]]:
    """Every call in a file, and the innermost function in which it stands."""

    def within(node: ast.AST, function: str) -> Iterator[tuple[str, ast.Call]]:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Call):
                yield function, child
            inside = child.name if isinstance(child, ast.FunctionDef) else function
            yield from within(child, inside)

    yield from within(ast.parse(path.read_text(encoding="utf-8")), "")


def writes(call: ast.Call) -> bool:
    """Whether a call makes or changes a file by itself."""
    f = call.func
    name = f.attr if isinstance(f, ast.Attribute) else f.id if isinstance(f, ast.Name) else ""
    owner = f.value.id if isinstance(f, ast.Attribute) and isinstance(f.value, ast.Name) else ""
    if name in CHANGING or (owner, name) in QUALIFIED:
        return True
    if name in TABLES:  # with a path they write a file; without one they give the content
        return bool(call.args) or any(word.arg in ("path", "path_or_buf") for word in call.keywords)
    if name == "open" and owner == "os":
        return "O_WRONLY" in ast.unparse(call) or "O_RDWR" in ast.unparse(call) or "flags" in ast.unparse(call)
    if name in ("open", "fdopen"):
        modes = [*call.args[1:2], *(word.value for word in call.keywords if word.arg == "mode")]
        if owner not in ("", "os", "io"):  # a path's own method, or what opens a part of an archive
            modes = [m for m in [*call.args[:1], *modes] if isinstance(m, ast.Constant)]
        return any(not isinstance(m, ast.Constant) or set(str(m.value)) & set("wax+") for m in modes)
    return False


def test_the_finder_of_writing_calls_finds_them():
    found = [
        "open(path, 'w')", "open(path, mode='ab')", "path.open('x')", "open(path, kind)", "os.fdopen(handle, 'wb')",
        "path.write_text('')", "os.replace(a, b)", "np.save(path, a)", "frame.to_csv(path)", "figure.savefig(path)",
        "os.open(path, os.O_WRONLY)", "tempfile.mkstemp()", "shutil.copy(a, b)", "path.rename(other)",
    ]  # fmt: skip
    others = [
        "open(path)", "open(path, 'rb')", "path.open()", "archive.open(member)", "text.replace(a, b)",
        "frame.to_csv(index=False)",
    ]  # fmt: skip
    for text, wanted in [*((text, True) for text in found), *((text, False) for text in others)]:
        assert writes(ast.parse(text).body[0].value) == wanted, text


def test_nothing_is_written_past_the_mechanism():
    for path in [*SOURCES.rglob("*.py"), *(ROOT / "docs").glob("*.py")]:
        name = path.relative_to(SOURCES).as_posix() if path.is_relative_to(SOURCES) else path.name
        if name not in ELSEWHERE:
            past = [f"{name}:{call.lineno}: {ast.unparse(call)}" for _, call in calls(path) if writes(call)]
            assert not past, "write with carrousel._atomic:\n" + "\n".join(past)


def test_every_call_of_the_mechanism_is_behind_a_writer_of_the_list():
    mechanism = {"write_file", "write_directory", "append_to", "append"}
    found = set()
    for path in SOURCES.rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        if path.name != "_atomic.py" and "carrousel._atomic" in text:
            for function, call in calls(path):
                if isinstance(call.func, ast.Name) and call.func.id in mechanism:
                    found.add(f"{path.relative_to(SOURCES).as_posix()}:{function}")
    assert found == {writer.behind for writer in WRITERS if writer.behind != "-"} | APPENDING | CACHING


def versions(writer: Writer, folder: Path) -> list[dict[str, bytes]]:
    """What both versions are when nobody disturbs."""
    found = []
    for version in (0, 1):
        alone = folder / str(version)
        alone.mkdir()
        writer.write(alone / writer.path, version)
        found.append(writer.read(alone / writer.path))
    assert found[0] != found[1]
    return found


@EVERY
def test_two_writers_of_one_path(writer, tmp_path):
    """The last one wins; no content is mixed, nothing is raised, nothing is left."""
    old, new = versions(writer, tmp_path)
    path = tmp_path / "both" / writer.path
    path.parent.mkdir()
    failed = []
    start = threading.Barrier(2)

    def work(version):
        try:
            start.wait(10)
            for _ in range(4):
                writer.write(path, version)
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=work, args=(version,)) for version in (0, 1)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    found = writer.read(path)
    assert all(found[name] in (old[name], new[name]) for name in found)
    assert len(found) == len(old)
    assert [p.name for p in path.parent.iterdir()] == [writer.path]
    if writer.directory and writer.name != "a report":  # which is two files, each for itself
        assert found in (old, new)


@EVERY
def test_an_error_in_the_middle_leaves_the_old_and_nothing_else(writer, tmp_path, monkeypatch):
    old, _ = versions(writer, tmp_path)
    path = tmp_path / "0" / writer.path
    write = _atomic._write

    def full(handle, data):
        write(handle, data[: len(data) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(_atomic, "_write", full)
    with pytest.raises(OSError, match="No space left") as raised:
        writer.write(path, 1)
    assert str(raised.value.filename).startswith(str(path))
    assert writer.read(path) == old
    assert [p.name for p in path.parent.iterdir()] == [writer.path]
    with pytest.raises(OSError, match="No space left"):
        writer.write(tmp_path / writer.path, 1)
    there = [p.name for p in tmp_path.iterdir() if p.name not in "01"]
    assert there == ([writer.path] if writer.name == "a report" else [])  # the folder of its results


@pytest.mark.skipif(os.name != "posix", reason="modes and links as on POSIX")
@EVERY
def test_modes_are_kept_and_links_not_followed(writer, tmp_path):
    path = tmp_path / writer.path
    before = os.umask(0o027)
    try:
        writer.write(path, 0)
        made = [path, *path.rglob("*")] if writer.directory else [path]
        for part in made:
            if part.suffix != ".json" or writer.name != "a report":
                assert part.stat().st_mode & 0o777 == (0o750 if part.is_dir() else 0o640), part
            os.chmod(part, 0o700 if part.is_dir() else 0o604)
        os.umask(0)
        writer.write(path, 1)
    finally:
        os.umask(before)
    for part in made:
        assert part.stat().st_mode & 0o777 == (0o700 if part.is_dir() else 0o604), part
    if writer.name == "a report":
        return  # whose path is a folder that is there already, with results in it
    link = tmp_path / "link"
    link.symlink_to(path)
    now = writer.read(path)
    with pytest.raises(OSError, match=f"symbolic link to .*{writer.path}, and links are not followed"):
        writer.write(link, 0)
    assert link.is_symlink()
    assert writer.read(path) == now
    assert {p.name for p in tmp_path.iterdir()} == {writer.path, "link"}

"""A file of data as it is opened: what it is called, how it is packed, and its text in whatever encoding."""

from __future__ import annotations

import codecs
import os
import re
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from carrousel.data._errors import DataError, nearest, option, reading, words_of
from carrousel.data._unpack import PACKED, member_of, unpacked

__all__ = ["FOLDER", "File", "Piped", "Text"]

Made = TypeVar("Made")
FOLDER = "/"
"""What stands for the ending of a folder."""
IDX = re.compile(r"[.-]idx\d(-ubyte)?$", re.IGNORECASE)  # MNIST's files have the format's name where others end
SECOND = "windows-1252"  # what text of Western Europe is if it is not UTF-8
MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
         (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))  # fmt: skip


@dataclass(frozen=True)
class Text:
    """The text of a file.

    Attributes:
        content: the text in UTF-8, without a byte order mark.
        how: what was found and is not the usual: the packing, the encoding; empty for plain UTF-8.
    """

    content: bytes
    how: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class File:
    """A file of data. What was made of it is kept, so that it is read once however often it is asked for.

    Attributes:
        path: where it is.
        ending: what its name says that it is, in lower case and without the packing: ``".csv"`` for ``data.CSV.gz``,
            ``".idx"`` for ``images-idx3-ubyte.gz``, ``FOLDER`` for a folder.
    """

    path: Path
    ending: str
    _kept: dict[Any, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, path: str | Path, *, folders: bool = False) -> File:
        """Opens a file, or a folder where ``folders`` are data; DataError if there is none, or something else."""
        path = Path(path)
        try:
            mode = path.stat().st_mode
        except FileNotFoundError:
            raise DataError(f"{path}: there is no such file{nearest(path.name, _beside(path))}") from None
        except (OSError, ValueError) as error:  # a folder that may not be searched, a name too long, NUL in a name
            raise DataError(f"{path}: cannot be read: {words_of(error)}") from error
        if stat.S_ISDIR(mode) and folders:
            return cls(path, FOLDER)
        if stat.S_ISDIR(mode):
            raise DataError(f"{path}: this is a directory; a file is needed")
        if not stat.S_ISREG(mode):  # opening a pipe waits for whoever writes to it
            raise DataError(f"{path}: this is a pipe or a device; a file is needed")
        inner = path
        if path.suffix.lower() in PACKED:
            inner = Path(path.stem)
            if not inner.suffix and path.suffix.lower() == ".zip":  # data.zip with data.csv
                with reading(path):
                    inner = Path(member_of(path))
        ending = ".idx" if IDX.search(inner.name) else inner.suffix.lower()
        return cls(path, ending or path.suffix.lower())

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def name(self) -> str:
        """The file in messages."""
        return str(self.path)

    def once(self, key: Any, make: Callable[[], Made]) -> Made:
        """Returns what ``make`` returned when it was first called for this key."""
        if key not in self._kept:
            self._kept[key] = make()
        return self._kept[key]  # type: ignore[no-any-return]

    def text(self, encoding: str | None, max_size: float) -> Text:
        """Returns its text, unpacked.

        Args:
            encoding: a name that Python knows; None tells it: by a byte order mark, as UTF-8 or UTF-16 if it is that,
                else as Windows' code for Western Europe.
            max_size: bytes that it may unpack to.

        Raises:
            DataError: it is no text, or none of that encoding; the message names the line.
        """
        return self.once(("text", encoding, max_size), lambda: self._text(encoding, max_size))

    def _data(self, max_size: float) -> tuple[bytes, str | None]:
        """Returns its bytes, unpacked, and how they were packed."""
        with reading(self.path):
            return unpacked(self.path, max_size)

    def _text(self, encoding: str | None, max_size: float) -> Text:
        data, packing = self._data(max_size)
        if encoding is None:
            marked = next((e for mark, e in MARKS if data.startswith(mark)), None)
            used = marked or _by_zeros(data) or "utf-8"
        else:
            used = _known(encoding, self.name)
        try:
            content = _recoded(data, used)
        except UnicodeDecodeError as error:
            line = _line(data, error, used)
            if encoding is not None or used != "utf-8":
                raise DataError(
                    f"{self.name}: line {line} is no {used} text; {option('encoding')} says which encoding it is"
                ) from None
            used = SECOND
            try:
                content = _recoded(data, used)
            except UnicodeDecodeError:
                raise DataError(
                    f"{self.name}: line {line} is not UTF-8 text (byte 0x{data[error.start]:02x}), and the file is no "
                    f"{SECOND} text; {option('encoding')} says which encoding it is"
                ) from None
        content = content.removeprefix(codecs.BOM_UTF8)
        nul = content.find(b"\0")
        if nul >= 0:
            line = content.count(b"\n", 0, nul) + 1
            raise DataError(f"{self.name}: line {line} holds a NUL byte; text is needed")
        plain = used == "utf-8"
        return Text(content, (*([packing] if packing else []), *([] if plain else [used])))


class Piped(File):
    """What another program writes to this one, read once, as a file of text."""

    @classmethod
    def standard_input(cls) -> Piped:
        """Returns what comes from standard input."""
        return cls(Path("standard input"), ".txt")

    def _data(self, max_size: float) -> tuple[bytes, str | None]:
        data: bytes = self.once("bytes", lambda: sys.stdin.buffer.read(int(min(max_size, 2**62)) + 1))
        if len(data) > max_size:
            raise DataError(f"{self.name}: it is more than {max_size:g} bytes; {option('max_size')} allows more")
        return data, None


def _recoded(data: bytes, encoding: str) -> bytes:
    if encoding == "utf-8":
        codecs.decode(data, "utf-8")  # for its error
        return data
    return data.decode(encoding).encode("utf-8", "surrogatepass")


def _by_zeros(data: bytes) -> str | None:
    """Tells UTF-16 without a mark: its Latin letters and digits have a zero before or after them."""
    head = data[:2000]
    if len(data) % 2:
        return None
    even, odd = head[::2].count(0), head[1::2].count(0)
    if max(even, odd) < 0.4 * (len(head) // 2) or max(even, odd) < 4 * min(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _known(encoding: str, name: str) -> str:
    try:
        found = codecs.lookup(encoding)
        if not found._is_text_encoding:  # "rot13", "zlib" and others
            raise LookupError
    except (LookupError, ValueError, TypeError):
        raise DataError(
            f"{name}: {encoding!r} is no encoding that Python knows; such are utf-8, utf-16, windows-1252, latin-1, "
            "windows-1251, shift_jis, gb18030"
        ) from None
    return found.name


def _line(data: bytes, error: UnicodeDecodeError, encoding: str) -> int:
    before = data[: error.start].decode(encoding, "replace")
    return len(re.findall("\r\n|\r|\n", before)) + 1


def _beside(path: Path) -> list[str]:
    try:
        return os.listdir(path.parent)
    except OSError:
        return []

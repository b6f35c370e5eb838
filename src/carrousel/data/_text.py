"""Files of text, looked through before a library reads them."""

from __future__ import annotations

import codecs
from pathlib import Path

from carrousel.data._errors import DataError, reading

__all__ = ["check_text"]

BLOCK = 2**20  # bytes at a time


def check_text(path: Path) -> int:
    """Refuses what is not UTF-8 text or holds a NUL byte, and returns the number of line ends.

    Readers of tables take a NUL for the end of a field: what stands after it would be lost without a word.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    lines = 0
    with reading(path), open(path, "rb") as file:
        if file.read(2) in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
            raise DataError(f"{path}: this is UTF-16 text; save it as UTF-8")
        file.seek(0)
        block = None
        while block != b"":
            block = file.read(BLOCK)
            nul = block.find(b"\0")
            if nul >= 0:
                line = lines + block.count(b"\n", 0, nul) + 1
                raise DataError(f"{path}: line {line} holds a NUL byte; UTF-8 text is needed")
            try:
                decoder.decode(block, final=not block)
            except UnicodeDecodeError as error:
                line = lines + error.object.count(b"\n", 0, error.start) + 1
                byte = error.object[error.start]
                raise DataError(
                    f"{path}: line {line} is not UTF-8 text (byte 0x{byte:02x}); save it as UTF-8"
                ) from None
            lines += block.count(b"\n")
    return lines

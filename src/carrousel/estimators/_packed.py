"""The texts that a model keeps of its training, packed by xz: what simple methods learn from when it reports."""

from __future__ import annotations

import json
import lzma
from typing import Any

import numpy as np

from carrousel._format import fitted, whole

__all__ = ["pack_texts", "packed_size", "unpack_texts"]

MOST = 2**31  # characters
HIGHEST = 9 | lzma.PRESET_EXTREME
SMALLEST, LARGEST = 2**12, 2**26  # bytes of a dictionary: the least that there is, and that of -9


def pack_texts(texts: Any) -> tuple[np.ndarray, int]:
    """Returns texts, or lists of texts, as bytes, uint8 ``[N]``, and how many they unpack to."""
    data = json.dumps(texts, ensure_ascii=False).encode("utf-8", "surrogatepass")
    return np.frombuffer(lzma.compress(data, preset=6), dtype=np.uint8), len(data)


def unpack_texts(arrays: dict[str, np.ndarray], name: str, size: Any, length: Any) -> Any:
    """Returns what ``pack_texts`` was given, after checking it.

    Args:
        arrays: the arrays of a model.
        name: the name of the packed texts.
        size: how many bytes they are.
        length: how many bytes they unpack to.

    Raises:
        ValueError: they are none.
    """
    size = whole(size, "the size of its texts", 1, MOST)
    length = whole(length, "the length of its texts", 1, MOST)
    packed = fitted({k: v for k, v in arrays.items() if k == name}, {name: ((size,), np.uint8)})[name]
    unpacker = lzma.LZMADecompressor(memlimit=2**30)
    try:
        data = unpacker.decompress(packed.tobytes(), max_length=length + 1)
    except lzma.LZMAError as error:
        raise ValueError(f"its texts are damaged ({error})") from None
    if len(data) != length or not unpacker.eof:
        raise ValueError("its texts are not as long as it says")
    return json.loads(data.decode("utf-8", "surrogatepass"))


def packed_size(text: str) -> int:
    """Returns the bytes of a text under ``xz -9e``."""
    data = text.encode("utf-8", "surrogatepass")
    # With no more of a dictionary than the text has: more finds nothing, and takes a moment to be laid out.
    room = min(LARGEST, max(len(data), SMALLEST))
    return len(lzma.compress(data, filters=[{"id": lzma.FILTER_LZMA2, "preset": HIGHEST, "dict_size": room}]))

"""Speaks with espeak-ng, and says at which sample each phone begins. Run as a script, in a process of its own.

What the library says depends on all that it has said before in its process: so a list of utterances is spoken in its
order by a fresh one, and comes out the same whenever it is asked for. The script needs Python and the library alone.
Standard input is JSON: ``{"library", "data", "seed", "utterances": [{"text", "voice", "words_a_minute", "pitch"}]}``.
For each utterance standard output gets a line of JSON, ``{"rate", "samples", "phones": [[sample, name]]}``, and then
its samples of 16 bits each.
"""

from __future__ import annotations

import array
import ctypes
import json
import sys
from typing import Any

__all__ = ["main"]

RETRIEVAL = 2  # the library hands the sound over, before it comes back
PHONE_EVENTS = 1
UTF8, END_PAUSE = 1, 0x1000
PHONE, END = 7, 0  # kinds of events
SPEED, PITCH = 1, 3


class _Id(ctypes.Union):
    _fields_ = [("number", ctypes.c_int), ("name", ctypes.c_char_p), ("string", ctypes.c_char * 8)]


class _Event(ctypes.Structure):
    _fields_ = [
        ("type", ctypes.c_int),
        ("unique_identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", _Id),
    ]


_Heard = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


def main() -> None:
    """Speaks what standard input asks for."""
    asked = json.load(sys.stdin)
    library = ctypes.CDLL(asked["library"])
    library.espeak_Synth.argtypes = [
        ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint, ctypes.c_int, ctypes.c_uint, ctypes.c_uint, ctypes.c_void_p,
        ctypes.c_void_p,
    ]  # fmt: skip
    library.espeak_ng_SetRandSeed.argtypes = [ctypes.c_long]
    rate = library.espeak_Initialize(RETRIEVAL, 0, asked["data"].encode(), PHONE_EVENTS)
    if rate <= 0:
        sys.exit("espeak-ng cannot be started")
    library.espeak_ng_SetRandSeed(asked["seed"])  # else it is taken from the clock
    sound = array.array("h")
    phones: list[tuple[int, str]] = []

    @_Heard
    def heard(samples: Any, count: int, events: Any) -> int:
        if count > 0:
            sound.frombytes(ctypes.string_at(samples, 2 * count))
        k = 0
        while events[k].type != END:
            if events[k].type == PHONE:
                phones.append((events[k].sample, events[k].id.string.decode("utf-8", "replace")))
            k += 1
        return 0

    library.espeak_SetSynthCallback(heard)
    for each in asked["utterances"]:
        del sound[:]
        phones.clear()
        if library.espeak_SetVoiceByName(each["voice"].encode()) != 0:  # it would go on with the voice before
            sys.exit(f"espeak-ng has no voice {each['voice']}")
        library.espeak_SetParameter(SPEED, each["words_a_minute"], 0)
        library.espeak_SetParameter(PITCH, each["pitch"], 0)
        text = each["text"].encode() + b"\0"
        if library.espeak_Synth(text, len(text), 0, 0, 0, UTF8 | END_PAUSE, None, None) != 0:
            sys.exit(f"espeak-ng cannot say {each['text']!r}")
        library.espeak_Synchronize()
        head = {"rate": rate, "samples": len(sound), "phones": phones}
        sys.stdout.buffer.write(json.dumps(head).encode() + b"\n" + sound.tobytes())


if __name__ == "__main__":
    main()

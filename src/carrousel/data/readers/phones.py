"""Speech that is made: words said by espeak-ng, whose phones are known to the sample. It is no recording of anybody."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.data import _espeak
from carrousel.data._errors import DataError
from carrousel.data._kept_arrays import kept_arrays
from carrousel.data._labelled import Tagged, Transcribed
from carrousel.data._make_labelled import make_tagged, make_transcribed
from carrousel.data._packages import CARRIERS, inside
from carrousel.data._parts import PARTS
from carrousel.data._registry import reads_name
from carrousel.data._sound import Features, resampled
from carrousel.data._words_to_say import WORDS

__all__ = ["SILENCE", "strings_of_phones", "tags_of_phones"]

VERSION = 1  # raised when what is made changes
SILENCE = "sil"
VOICES = {
    "train": ("m1", "m2", "m3", "m4", "m6", "f1", "f2", "f4", "Andy", "Annie", "linda", "max"),
    "test": ("m7", "f3", "f5", "adam"),
}
"""Variants of the voice en-us."""
UTTERANCES = {"train": 840, "test": 200}
TEST = 5  # every fifth word is for the test alone
RATE = 16_000
MADE = Features(coefficients=13, bands=26, deltas=1)
WHOLE = {"words": (3, 6), "words_a_minute": (130, 210), "pitch": (30, 70)}
REAL = {"noise_db": (10.0, 30.0), "colour": (0.0, 0.95)}
"""What an utterance draws, each evenly between two limits: the number of its words, how they are said, how much weaker
than they the noise is, and how much deeper than white."""


@reads_name("tags", "phones", splits=PARTS)
def tags_of_phones(name: str, split: str) -> Tagged:
    """Reads speech made by espeak-ng, a phone or silence for each frame of 10 ms: 840 utterances, 200 for the test.

    26 channels: 13 cepstra of a window of 25 ms, and their slopes. A frame has the phone of its middle. Twelve voices
    at several speeds and pitches say three to six words; noise is added. The four voices of the test, and its
    words, are none of the training part. Voices are the groups. It stands in for recordings such as TIMIT, and is none:
    a machine says a phone much the same way each time, so that errors are lower than of people.
    """
    made = _made(name)
    rows = _rows(made, split)
    return make_tagged(
        [made["X"][k] for k in rows], [made["tags"][k] for k in rows], name=name, split=split, **_shared(made, rows)
    )


@reads_name("strings", "phones", splits=PARTS)
def strings_of_phones(name: str, split: str) -> Transcribed:
    """Reads the same made speech, each utterance with the string of its phones, without silence."""
    made = _made(name)
    rows = _rows(made, split)
    return make_transcribed(
        [made["X"][k] for k in rows],
        [made["strings"][k] for k in rows],
        name=name,
        split=split,
        rate=MADE.rate,
        **_shared(made, rows),
    )


def _shared(made: dict[str, Any], rows: list[int]) -> dict[str, Any]:
    return {
        "channels": MADE.channels,
        "ids": [made["ids"][k] for k in rows],
        "groups": [made["voices"][k] for k in rows],
        "how": ("made by espeak-ng, no recordings", MADE.words),
    }


def _rows(made: dict[str, Any], split: str) -> list[int]:
    return [k for k, part in enumerate(made["parts"]) if split in ("all", part)]


def _made(name: str) -> dict[str, Any]:
    """Returns the utterances: as they were kept in the cache, else they are made, which takes half a minute."""
    library = inside("espeakng_loader", _library(), name=name)
    voices = inside("espeakng_loader", "espeak-ng-data", name=name)
    asked = _utterances()
    recipe = [VERSION, asked, asdict(MADE), RATE, CARRIERS["espeakng_loader"]]
    return kept_arrays("phones", recipe, lambda: _spoken(asked, library, voices, name), _unpacked)


def _library() -> str:
    return {"darwin": "libespeak-ng.dylib", "win32": "espeak-ng.dll"}.get(sys.platform, "libespeak-ng.so")


def _utterances() -> list[dict[str, Any]]:
    """Returns what is said by whom, and how, the same each time."""
    rng = np.random.default_rng(0)
    words = {"train": [w for k, w in enumerate(WORDS) if k % TEST], "test": WORDS[::TEST]}
    found = []
    for part in PARTS:
        for k in range(UTTERANCES[part]):
            whole = {what: int(rng.integers(low, high + 1)) for what, (low, high) in WHOLE.items()}
            real = {what: float(rng.uniform(*limits)) for what, limits in REAL.items()}
            text = " ".join(rng.choice(words[part], whole.pop("words")).tolist())
            voice = VOICES[part][k % len(VOICES[part])]
            found.append({"part": part, "text": text, "voice": f"en-us+{voice}", **whole, **real})
    return found


def _spoken(asked: list[dict[str, Any]], library: Path, voices: Path, name: str) -> dict[str, np.ndarray]:
    """Returns the features of what is said, the phone of every frame, and the phones of every utterance."""
    X, tags, strings = [], [], []
    rng = np.random.default_rng(1)
    for each, (sound, rate, phones) in zip(asked, _said(asked, library, voices, name), strict=True):
        noisy = _noisy(resampled(sound, rate, RATE), each["noise_db"], each["colour"], rng)
        features = MADE.of(noisy, RATE, name)
        names = [SILENCE, *(plain_phone(phone) for _, phone in phones)]
        begins = np.array([0, *(sample for sample, _ in phones)]) / rate
        middles = MADE.center(np.arange(len(features)))
        X.append(features)
        tags.append([names[k] for k in np.searchsorted(begins, middles, side="right") - 1])
        strings.append([phone for phone in names if phone != SILENCE])
    known = sorted({phone for labels in tags + strings for phone in labels})
    codes = {phone: k for k, phone in enumerate(known)}
    facts = {"asked": asked, "phones": known}
    return {
        "X": np.concatenate(X),
        "tags": np.array([codes[phone] for labels in tags for phone in labels], dtype=np.int16),
        "strings": np.array([codes[phone] for labels in strings for phone in labels], dtype=np.int16),
        "steps": np.array([len(x) for x in X], dtype=np.int64),
        "counts": np.array([len(labels) for labels in strings], dtype=np.int64),
        "facts": np.frombuffer(json.dumps(facts).encode(), dtype=np.uint8),
    }


def _unpacked(arrays: dict[str, np.ndarray]) -> dict[str, Any]:
    facts = json.loads(arrays["facts"].tobytes())
    phones = np.array(facts["phones"])
    steps, labels = np.cumsum(arrays["steps"])[:-1], np.cumsum(arrays["counts"])[:-1]
    return {
        "X": np.split(arrays["X"], steps),
        "tags": np.split(phones[arrays["tags"]], steps),
        "strings": [tuple(each.tolist()) for each in np.split(phones[arrays["strings"]], labels)],
        "parts": [each["part"] for each in facts["asked"]],
        "voices": [each["voice"].partition("+")[2] for each in facts["asked"]],
        "ids": [f"{k:04d} {each['text']}" for k, each in enumerate(facts["asked"])],
    }


def _said(
    asked: list[dict[str, Any]], library: Path, voices: Path, name: str
) -> list[tuple[np.ndarray, int, list[tuple[int, str]]]]:
    """Returns the sound of each utterance, between -1 and 1, its sample rate, and at which sample each phone begins."""
    for voice in sorted(
        {each["voice"].partition("+")[2] for each in asked}
    ):  # one it lacks it leaves out, and says so not
        inside("espeakng_loader", "espeak-ng-data", "voices", "!v", voice, name=name)
    order = {"library": str(library), "data": str(voices), "seed": 1, "utterances": asked}
    command = [sys.executable, "-P", _espeak.__file__]  # without its folder, whose modules are named as others are
    done = subprocess.run(command, input=json.dumps(order).encode(), capture_output=True, check=False)
    if done.returncode != 0:
        reason = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise DataError(
            f"{name}: espeak-ng cannot speak here: {reason[-1] if reason else f'it ended with {done.returncode}'}"
        )
    found, at = [], 0
    for _ in asked:
        end = done.stdout.index(b"\n", at) + 1
        head = json.loads(done.stdout[at:end])
        at = end + 2 * head["samples"]
        sound = np.frombuffer(done.stdout[end:at], dtype=np.int16).astype(np.float32) / 32768
        found.append((sound, head["rate"], [(sample, phone) for sample, phone in head["phones"]]))
    return found


def plain_phone(name: str) -> str:
    """Returns espeak-ng's name of a phone without its stress and the marks of its variants; pauses are silence.

    >>> [plain_phone(name) for name in ("'aU", "@2", "r-", "_:", "t#")]
    ['aU', '@', 'r', 'sil', 't#']
    """
    bare = name.lstrip("',%=|")
    return SILENCE if bare.startswith("_") or not bare else bare.rstrip("2-") or bare


def _noisy(sound: np.ndarray, below: float, colour: float, rng: np.random.Generator) -> np.ndarray:
    """Returns a sound with noise that many decibels below it, white or, the nearer ``colour`` is to 1, the deeper."""
    from scipy.signal import lfilter

    noise = lfilter([1.0], [1.0, -colour], rng.normal(size=len(sound)))
    level = np.sqrt((sound**2).mean() / (noise**2).mean() * 10 ** (-below / 10))
    return (sound + level * noise).astype(np.float32)

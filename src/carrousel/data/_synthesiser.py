"""A small additive synthesiser: each note is a sum of partials that fade, the higher the faster."""

from __future__ import annotations

import io
import wave

import numpy as np

from carrousel.data._pieces import notes_of

__all__ = ["RATE", "sound_of", "wave_of"]

RATE = 22_050
"""Samples in a second."""
PARTIALS = 8
ATTACK, RELEASE = 0.006, 0.08  # seconds in which a note begins, and dies away when it has ended
FADE = 1.4  # seconds in which the first partial of the middle C falls to a third
LOUDEST = 0.9


def sound_of(frames: np.ndarray, resolution: int, tempo: float, rate: int = RATE) -> np.ndarray:
    """Returns the sound of frames ``[T, 88]``, float32 ``[samples]`` between -1 and 1.

    Partial k of a note has k times its frequency and the amplitude 1 / k to the power of 1.3, and fades at a rate that
    grows with the frequency, as a string does. There are no partials beyond half the sample rate.

    Args:
        frames: which keys sound.
        resolution: frames in a quarter note.
        tempo: quarter notes in a minute.
        rate: samples in a second.

    >>> middle_c = np.zeros((2, 88), "u1")
    >>> middle_c[:, 39] = 1
    >>> sound = sound_of(middle_c, 1, 120.0)
    >>> round(len(sound) / RATE, 2), round(float(np.abs(np.fft.rfft(sound[:RATE])).argmax()))
    (1.08, 262)
    """
    seconds = 60.0 / (tempo * resolution)  # of a frame
    sound = np.zeros(round((len(frames) * seconds + RELEASE) * rate), dtype=np.float32)
    for key, begin, end in notes_of(frames):
        first = round(begin * seconds * rate)
        note = _note(440.0 * 2.0 ** ((key - 69) / 12.0), (end - begin) * seconds, rate)[: len(sound) - first]
        sound[first : first + len(note)] += note
    peak = float(np.abs(sound).max(initial=0.0))
    return sound * np.float32(LOUDEST / peak) if peak else sound


def _note(frequency: float, seconds: float, rate: int) -> np.ndarray:
    """Returns the sound of a note that is held for so many seconds, and its release."""
    time = np.arange(round((seconds + RELEASE) * rate), dtype=np.float32) / rate
    sound = np.zeros_like(time)
    for k in range(1, PARTIALS + 1):
        if k * frequency >= rate / 2:
            break
        fade = FADE * (262.0 / (k * frequency)) ** 0.5
        sound += k**-1.3 * np.exp(-time / fade) * np.sin(2 * np.pi * k * frequency * time, dtype=np.float32)
    rise = np.minimum(time / ATTACK, 1.0)
    fall = np.clip((seconds + RELEASE - time) / RELEASE, 0.0, 1.0)
    return (sound * rise * fall).astype(np.float32)


def wave_of(frames: np.ndarray, resolution: int, tempo: float) -> bytes:
    """Returns frames as a WAV file of one channel, 16 bits a sample; the arguments are those of ``sound_of``."""
    sound = sound_of(frames, resolution, tempo)
    with wave.open(held := io.BytesIO(), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(np.round(sound * 32767).astype("<i2").tobytes())
    return held.getvalue()

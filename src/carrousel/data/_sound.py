"""Recordings of sound as sequences of features: files of WAV, FLAC and Ogg, and Kaldi's filter banks and cepstra."""

from __future__ import annotations

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from carrousel.data._errors import DataError, listed, nearest, option, reading

__all__ = ["SOUNDS", "Features", "read_sound", "resampled", "slopes"]

SOUNDS = (".wav", ".wave", ".flac", ".ogg", ".oga", ".aif", ".aiff", ".au")
"""The endings of files of sound."""
KINDS = ("mfcc", "log-mel")
SLOPE = 2  # steps to either side over which a delta is the slope, as in HTK


@dataclass(frozen=True)
class Features:
    """What is computed of a recording, and how.

    Args:
        features: ``"mfcc"``, cepstra of the logarithmic energies of mel bands, the first of which is the log energy of
            the frame; or ``"log-mel"``, the energies themselves.
        window: milliseconds of a frame, in which the sound is weighted by Kaldi's window.
        step: milliseconds from frame to frame.
        bands: mel bands, from 20 Hz to half the sample rate.
        coefficients: cepstra kept, of ``"mfcc"`` alone; None keeps 13.
        deltas: 0, or 1 for their slopes too, or 2 for the slopes of these as well.
    """

    features: str = "mfcc"
    window: float = 25.0
    step: float = 10.0
    bands: int = 26
    coefficients: int | None = None
    deltas: int = 1

    def check(self, name: str) -> None:
        """Refuses parameters that cannot be; messages begin with a name."""
        if self.features not in KINDS:
            near = nearest(self.features, KINDS)
            raise DataError(f"{name}: {option('features', self.features)}: it is {listed(KINDS)}{near}")
        for what, low, high in (("window", 1, 1000), ("step", 1, 1000), ("bands", 3, 256), ("deltas", 0, 2)):
            self._check(what, low, high, name)
        if self.features == "mfcc":
            self._check("coefficients", 1, self.bands, name)
        elif self.coefficients is not None:
            raise DataError(f"{name}: {option('coefficients', self.coefficients)}: they are of mfcc alone")

    def _check(self, what: str, low: float, high: float, name: str) -> None:
        value = self.cepstra if what == "coefficients" else getattr(self, what)
        if not low <= value <= high:
            raise DataError(f"{name}: {option(what, value)}: it lies between {low} and {high}")

    @property
    def cepstra(self) -> int:
        """How many cepstra are kept."""
        return 13 if self.coefficients is None else self.coefficients

    @property
    def channels(self) -> tuple[str, ...]:
        """The names of the features."""
        if self.features == "mfcc":
            base = ["log energy", *(f"mfcc {k}" for k in range(1, self.cepstra))]
        else:
            base = [f"band {k + 1}" for k in range(self.bands)]
        return tuple(before + name for before in ("", "delta ", "delta delta ")[: self.deltas + 1] for name in base)

    @property
    def rate(self) -> float:
        """Steps in a second."""
        return 1000.0 / self.step

    @property
    def words(self) -> str:
        """The parameters in words."""
        kind = f"{self.cepstra} MFCC" if self.features == "mfcc" else "log-mel"
        deltas = ("", ", deltas", ", deltas, their deltas")[self.deltas]
        return f"{kind} of {self.bands} bands, window {self.window:g} ms, step {self.step:g} ms{deltas}"

    def of(self, sound: np.ndarray, rate: int, where: str) -> np.ndarray:
        """Returns the features of a sound.

        A frame lies within the sound; one that is shorter than a frame is filled up with silence.

        Args:
            sound: the samples ``[N]``, between -1 and 1.
            rate: samples in a second.
            where: what messages begin with.

        Returns:
            float32 ``[T, C]``.

        Raises:
            DataError: a frame has too few samples for so many bands.
        """
        import kaldi_native_fbank as kaldi

        options: Any = kaldi.MfccOptions() if self.features == "mfcc" else kaldi.FbankOptions()
        frame = options.frame_opts
        frame.samp_freq, frame.frame_length_ms, frame.frame_shift_ms = float(rate), self.window, self.step
        frame.dither = 0.0  # of which every run would have another
        options.mel_opts.num_bins = self.bands
        if self.features == "mfcc":
            options.num_ceps = self.cepstra
        try:
            made: Any = (kaldi.OnlineMfcc if self.features == "mfcc" else kaldi.OnlineFbank)(options)
        except ValueError as error:  # a band would have no frequency in it
            raise DataError(
                f"{where}: {self.bands} bands are too many for windows of {self.window:g} ms at {rate} samples a second"
                f"; longer ones ({option('window')}) or fewer bands ({option('bands')}) would do"
            ) from error
        need = math.ceil(rate * self.window / 1000) + 1
        padded = np.zeros(max(len(sound), need), dtype=np.float32)
        padded[: len(sound)] = sound * 32768.0  # as Kaldi has samples
        made.accept_waveform(float(rate), padded)
        made.input_finished()
        base = np.stack([made.get_frame(k) for k in range(made.num_frames_ready)]).astype(np.float32)
        parts = [base]
        for _ in range(self.deltas):
            parts.append(slopes(parts[-1]))
        return np.concatenate(parts, axis=1)

    def center(self, frame: np.ndarray) -> np.ndarray:
        """Returns the middles of frames by their numbers, in seconds."""
        return (frame * self.step + self.window / 2) / 1000.0


def slopes(values: np.ndarray) -> np.ndarray:
    """Returns the slope at every step of the line through the ``2 SLOPE + 1`` steps around it, ``[T, C]``."""
    padded = np.concatenate([values[:1].repeat(SLOPE, 0), values, values[-1:].repeat(SLOPE, 0)])
    steps = range(1, SLOPE + 1)
    total = sum(k * (padded[SLOPE + k :][: len(values)] - padded[SLOPE - k :][: len(values)]) for k in steps)
    return (total / (2 * sum(k * k for k in steps))).astype(np.float32)


def read_sound(path: Path, where: str, max_size: float) -> tuple[np.ndarray, int]:
    """Returns the samples of a file ``[N]``, between -1 and 1, and their rate.

    Args:
        path: the file, of one channel.
        where: what messages begin with, such as the row that names the file.
        max_size: bytes that it may unpack to.

    Raises:
        DataError: it cannot be read, is cut off, or has several channels.
    """
    import soundfile

    if not path.is_file():
        raise DataError(f"{where}: there is no such file{nearest(path.name, _beside(path))}")
    with reading(where, "it is no intact file of sound"), soundfile.SoundFile(path) as file:
        channels, rate, frames = file.channels, file.samplerate, file.frames
        if 0 < channels <= 64 and frames * channels * 4 > max(max_size, 8 * os.path.getsize(path)):
            raise DataError(f"{where}: it holds {frames} samples, which are too many; {option('max_size')} allows more")
        sound = file.read(dtype="float32", always_2d=True)
    if channels != 1:
        raise DataError(f"{where}: it has {channels} channels; one is needed (mix them, or take one)")
    if len(sound) == 0:
        raise DataError(f"{where}: it holds no sound")
    if len(sound) < frames or _cut_off(path):
        raise DataError(f"{where}: it was cut off: its header says that it is longer")
    if not np.isfinite(sound).all():
        raise DataError(f"{where}: sample {int((~np.isfinite(sound[:, 0])).argmax())} is NaN or infinite")
    return sound[:, 0], int(rate)


def resampled(sound: np.ndarray, rate: int, to: int) -> np.ndarray:
    """Returns a sound ``[N]`` as it is at another sample rate, of what both rates can hold."""
    from scipy.signal import resample_poly

    common = math.gcd(rate, to)
    return np.asarray(resample_poly(sound, to // common, rate // common), dtype=np.float32)


def _cut_off(path: Path) -> bool:
    """Tells whether a WAV file is shorter than its head says; what is written to a pipe says nothing of its length."""
    with open(path, "rb") as file:
        head = file.read(12)
    if head[:4] != b"RIFF" or head[8:] != b"WAVE":
        return False
    where = int.from_bytes(head[4:8], "little")
    return 8 < where < 2**31 and where + 8 > os.path.getsize(path) + 1  # a byte that fills up a word may lack


def _beside(path: Path) -> list[str]:
    try:
        return os.listdir(path.parent)
    except OSError:
        return []

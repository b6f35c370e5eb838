"""The networks of the blues, and how each is taught: memory blocks by the on-line rule, torch's layers by BPTT."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np

from carrousel.learning.online import Descent, Learner, Network
from carrousel.papers.eck2002._songs import BARS, CHORD_UNITS, CHORUS, MELODY_UNITS, chords, melody

__all__ = ["BLOCKS", "Blocks", "Layers", "Player", "draw_song"]

BLOCKS = 4  # for the chords, and again for the melody
_GATES = ("input_gate", "forget_gate", "output_gate")


class Player(Protocol):
    """What says the next step of a song from those before."""

    weights: int

    def begin(self) -> None:
        """Forgets everything."""
        ...

    def say(self, frame: np.ndarray) -> np.ndarray:
        """Reads a step ``[units]``, and returns with what probability each unit is on in the next."""
        ...


def draw_song(rng: np.random.Generator, choruses: int) -> np.ndarray:
    """Returns chords and a melody whose segments are drawn anew in each bar, ``[96 choruses, 25]``."""
    tune = melody(rng.integers(0, 2, BARS * choruses))
    return np.concatenate([chords(choruses), tune], axis=1)


class Blocks:
    """Memory blocks that learn by the on-line rule of 2000: four for the chords, and four for a melody if there is one.

    Chord blocks are fed by the chord units and themselves, melody blocks by the melody units, themselves and the chord
    blocks. Under this rule no error flows from the melody's blocks into the chords': so they are two learners, of which
    the second reads what the cells of the first said a step before.

    Args:
        tune: whether there is a melody.
        about: ``forget``, 1 or -1, the sign of the forget gates' first biases; ``rate`` and
            ``melody_rate``, ``momentum``, ``init``, ``output_bias``.
        rng: of the first weights.
    """

    def __init__(self, tune: bool, about: Mapping[str, Any], rng: np.random.Generator):
        descent = Descent(about["rate"], momentum=about["momentum"])
        of_chords = _network(CHORD_UNITS, CHORD_UNITS, about)
        self.chords = Learner(of_chords, descent, loss="cross_entropy", seed=rng)
        self.cells = of_chords.size("cell")
        self.melody: Learner | None = None
        if tune:
            of_melody = _network(MELODY_UNITS + self.cells, MELODY_UNITS, about)
            descent = Descent(about["melody_rate"], momentum=about["momentum"])
            self.melody = Learner(of_melody, descent, loss="cross_entropy", seed=rng)
        self.weights = self.chords.weight_count + (self.melody.weight_count if self.melody is not None else 0)

    def ready(self) -> None:
        """Compiles what learning needs."""
        self.chords.ready()
        if self.melody is not None:
            self.melody.ready()

    def begin(self) -> None:
        """Forgets everything."""
        self.chords.reset()
        self._said = np.zeros(self.cells, dtype=np.float32)
        if self.melody is not None:
            self.melody.reset()

    def say(self, frame: np.ndarray) -> np.ndarray:
        """Reads a step, and returns with what probability each unit is on in the next."""
        found = _step(self.chords, frame[:CHORD_UNITS])
        if self.melody is None:
            return found
        tune = _step(self.melody, np.concatenate([frame[CHORD_UNITS:], self._said]))
        self._said = self.chords.activations["cell"].astype(np.float32)
        return np.concatenate([found, tune])

    def keeps(self, choruses: int) -> int:
        """Returns after how many right steps of chords the first wrong one comes, of so many choruses.

        Every chord that is shown is a right one. Up to the first error that is what a network plays by itself.
        """
        frames = chords(choruses + 1)[: CHORUS * choruses + 1]
        self.chords.reset()
        right = self.chords.follow(frames[:-1], frames[1:], 0.5, learn=False)
        self.chords.reset()
        return right

    def learn_chords(self, choruses: int, times: int) -> None:
        """Learns the chart, ``times`` times so many choruses from a reset."""
        frames = chords(choruses + 1)[: CHORUS * choruses + 1]
        self.chords.learn_sequences([frames[:-1]] * times, [frames[1:]] * times)

    def chord_cells(self, choruses: int) -> np.ndarray:
        """Returns what the chords' cells said a step before each step of so many choruses, ``[steps, cells]``."""
        self.chords.reset()
        said = [np.zeros(self.cells, dtype=np.float32)]
        for frame in chords(choruses):
            self.chords.observe_many(frame[None])
            said.append(self.chords.activations["cell"].astype(np.float32))
        self.chords.reset()
        return np.stack(said[:-1])

    def learn_melodies(self, songs: list[np.ndarray], cells: np.ndarray) -> None:
        """Learns songs with a melody, beside what the chords' cells say."""
        assert self.melody is not None
        inputs = [np.concatenate([song[:-1, CHORD_UNITS:], cells[: len(song) - 1]], axis=1) for song in songs]
        self.melody.learn_sequences(inputs, [song[1:, CHORD_UNITS:] for song in songs])


def _network(inputs: int, outputs: int, about: Mapping[str, Any]) -> Network:
    """Returns four blocks of two cells: everything is fed by the inputs, the cells, and a bias."""
    steps = tuple(-0.5 * (block + 1) for block in range(BLOCKS))
    first = {"input_gate": steps, "output_gate": steps, "forget_gate": tuple(-about["forget"] * b for b in steps)}
    return Network(
        inputs,
        outputs,
        BLOCKS,
        2,
        forget_gates=True,
        feeds=dict.fromkeys(("cell", *_GATES, "output"), "input cell bias"),
        init=about["init"],
        bias_init={**first, "output": (about["output_bias"],) * outputs},
    )


def _step(learner: Learner, frame: np.ndarray) -> np.ndarray:
    """Returns the outputs of one step, after which the learner goes on."""
    outputs = learner.predict_many(frame[None])[0]
    learner.observe_many(frame[None])
    return outputs


class Layers:
    """A layer of torch, an LSTM or an Elman network, that learns by back-propagation through whole choruses.

    Args:
        tune: whether there is a melody.
        about: ``cell``, ``hidden`` units, ``forget`` bias, ``rate``.
        seed: of the first weights and the order of songs.
    """

    def __init__(self, tune: bool, about: Mapping[str, Any], seed: int):
        import torch

        from carrousel.nets.frames import FrameNet

        lstm = {"hidden_size": about["hidden"], "cell": about["cell"]}
        if about["cell"] == "lstm":
            lstm["forget_bias"] = float(about["forget"])
        self.units = CHORD_UNITS + MELODY_UNITS * tune
        self.build = lambda: FrameNet(self.units, lstm=lstm)
        self.rate, self.seed = about["rate"], seed
        with torch.random.fork_rng():
            self.network: Any = self.build()
        self.weights = sum(weight.numel() for weight in self.network.parameters())

    def ready(self) -> None:
        """Compiles the passes of the layer."""
        import torch

        self.network(torch.zeros(1, 2, self.units), torch.tensor([2])).sum().backward()

    def learn(self, songs: list[np.ndarray], batch: int, epochs: int) -> None:
        """Learns songs, each a sequence from its first step to its last but one, from first weights."""
        from carrousel.training import Job, Options, train
        from carrousel.training._batches import StepDataset

        lengths = np.array([len(song) - 1 for song in songs])
        inputs, targets = (np.concatenate([song[part] for song in songs]) for part in (slice(-1), slice(1, None)))
        items = StepDataset(inputs.astype(np.float32), lengths, targets.astype(np.int8))
        options = Options(self.rate, batch_size=batch, max_epochs=epochs, gradient_clip=1.0)
        self.network = train(Job(self.build, items), options, self.seed).network

    def begin(self) -> None:
        """Forgets everything."""
        self._state: Any = None

    def say(self, frame: np.ndarray) -> np.ndarray:
        """Reads a step, and returns with what probability each unit is on in the next."""
        import torch

        with torch.no_grad():
            output, self._state = self.network.lstm.step(torch.from_numpy(frame.astype(np.float32)), self._state)
            return torch.sigmoid(self.network.head(output)).numpy()

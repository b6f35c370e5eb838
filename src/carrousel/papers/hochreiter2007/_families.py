"""Made families of proteins: sequences that share motifs and nothing else, a whole family of them never seen."""

from __future__ import annotations

import numpy as np

from carrousel.data import Sequences, make_sequences

__all__ = ["RESIDUES", "made_families"]

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
MOTIFS, WIDTH = 2, 10  # of a superfamily, and the places of each
ALLOWED = 3  # residues of a place
KEPT, PREFERRED = 0.95, 0.4  # how probably a place has an allowed residue, and of these the one that a family prefers
INSERTED = 0.05  # how probably a residue is put in after a place of a motif


def made_families(
    rng: np.random.Generator, *, families: int, members: int, strangers: int, tested: int, shortest: int, longest: int
) -> tuple[Sequences, Sequences]:
    """Draws a superfamily, and returns what to learn from and what to test on, of the classes ``in`` and ``out``.

    A superfamily has two motifs of ten places, at each of which three residues are allowed. A family has its own order
    of the motifs, its own distance between them, and its own residue at each place that it prefers to the other two;
    all else is random. The members of one family, which is not learned from, are to be told from strangers, the members
    of families of other superfamilies.

    Args:
        rng: draws all.
        families: how many are learned from.
        members: of each family, and of the one that is tested on.
        strangers: sequences of other superfamilies that are learned from.
        tested: and that are tested on.
        shortest: the fewest residues of a sequence.
        longest: the most, where the motifs leave room.
    """
    superfamily = _motifs(rng)
    about = (members, shortest, longest)
    seen = [x for _ in range(families) for x in _family(rng, superfamily, *about)]
    new = _family(rng, superfamily, *about)
    others = [x for _ in range((strangers + tested) // members + 1) for x in _family(rng, _motifs(rng), *about)]
    rng.shuffle(others)  # type: ignore[arg-type]
    parts = ((seen, others[:strangers]), (new, others[strangers : strangers + tested]))
    train, test = (
        make_sequences(
            [np.eye(len(RESIDUES), dtype=np.float32)[x] for x in [*inside, *outside]],
            np.array(["in"] * len(inside) + ["out"] * len(outside)),
            name="made families",
            channels=list(RESIDUES),
        )
        for inside, outside in parts
    )
    return train, test


def _motifs(rng: np.random.Generator) -> np.ndarray:
    """Returns the residues that are allowed at each place of each motif, [motifs, places, allowed]."""
    return np.array([[rng.permutation(len(RESIDUES))[:ALLOWED] for _ in range(WIDTH)] for _ in range(MOTIFS)])


def _family(
    rng: np.random.Generator, motifs: np.ndarray, members: int, shortest: int, longest: int
) -> list[np.ndarray]:
    """Returns the members of a family as numbers of residues."""
    order, gaps = rng.permutation(len(motifs)), rng.integers(5, 40, len(motifs) - 1)
    preferred = rng.integers(0, ALLOWED, motifs.shape[:2])
    lengths = rng.integers(shortest, longest + 1, members)
    return [_member(rng, motifs, order, gaps, preferred, int(length)) for length in lengths]


def _member(
    rng: np.random.Generator,
    motifs: np.ndarray,
    order: np.ndarray,
    gaps: np.ndarray,
    preferred: np.ndarray,
    length: int,
) -> np.ndarray:
    def anything(count: int) -> np.ndarray:
        return rng.integers(0, len(RESIDUES), count)

    core: list[np.ndarray] = []
    for k, motif in enumerate(order):
        for place in range(WIDTH):
            chosen = preferred[motif, place] if rng.random() < PREFERRED else rng.integers(ALLOWED)
            core.append(motifs[motif, place, [chosen]] if rng.random() < KEPT else anything(1))
            core.append(anything(int(rng.random() < INSERTED)))
        if k < len(gaps):
            core.append(anything(int(gaps[k] + rng.integers(-2, 3))))
    inner = np.concatenate(core)
    rest = max(0, length - len(inner))
    before = int(rng.integers(0, rest + 1))
    return np.concatenate([anything(before), inner, anything(rest - before)])

"""Proteins with a class, or with a label for each residue: benchmarks that the package aaanalysis carries."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from carrousel.data._check import make_sequences
from carrousel.data._errors import DataError, reading
from carrousel.data._labelled import Tagged
from carrousel.data._make_labelled import make_tagged
from carrousel.data._packages import inside
from carrousel.data._parts import PARTS, drawn
from carrousel.data._registry import reads_name
from carrousel.data._types import Sequences

__all__ = ["RESIDUES", "protein_disorder", "protein_location"]

RESIDUES = "ACDEFGHIKLMNPQRSTVWY"
"""The letters of the twenty amino acids."""
TEST = 68  # of 342 proteins, a fifth


@reads_name("tags", "protein-disorder", splits=PARTS)
def protein_disorder(name: str, split: str) -> Tagged:
    """Reads 342 proteins whose 118,248 residues are ordered or not, 44 to 1861 a protein (Tang et al. 2020).

    The source has no parts: 68 proteins, drawn once, are the test part.
    """
    path, rows = _table(name, "AA_LDR.tsv")
    X = [np.array(list(sequence)) for _, sequence, _ in rows]
    of_class = {"0": "ordered", "1": "disordered"}
    y = []
    for entry, _, labels in rows:
        tags = [of_class.get(label, "") for label in labels.split(",")]
        if "" in tags:
            raise DataError(f"{path}: {entry}: residue {tags.index('') + 1} is labelled neither 0 nor 1")
        y.append(np.array(tags))
    keep = drawn(np.zeros(len(rows)), TEST)[split]
    ids = [rows[k][0] for k in keep]
    return make_tagged([X[k] for k in keep], [y[k] for k in keep], name=name, split=split, ids=ids)


@reads_name("sequences", "protein-location")
def protein_location(name: str, split: str) -> Sequences:
    """Reads proteins of the cytoplasm and of the plasma membrane: 1819 without duplicates (Shen et al. 2019).

    A residue is a step of 20 channels, one for each amino acid, of which one is 1. The source has no parts. Its
    sequences have 14 of the 20 letters: E, F, I, L, P and Q occur in none.
    """
    path, rows = _table(name, "SEQ_LOCATION.tsv")
    once = {sequence: (entry, label) for entry, sequence, label in reversed(rows)}  # the first of those alike
    kept = [(once[sequence], sequence) for entry, sequence, _ in rows if once[sequence][0] == entry]
    codes = np.full(128, -1)
    codes[np.frombuffer(RESIDUES.encode(), dtype=np.uint8)] = np.arange(len(RESIDUES))
    X, y = [], []
    for (entry, label), sequence in kept:
        letters = codes[np.frombuffer(sequence.encode("ascii", "replace"), dtype=np.uint8)]
        if len(letters) == 0 or letters.min() < 0:
            raise DataError(f"{path}: {entry}: a sequence of the letters {RESIDUES} is needed")
        if label not in ("0", "1"):
            raise DataError(f"{path}: {entry}: its label is {label!r}, neither 0 nor 1")
        X.append(np.eye(len(RESIDUES), dtype=np.float32)[letters])
        y.append("membrane" if label == "0" else "cytoplasm")
    ids = [entry for (entry, _), _ in kept]
    return make_sequences(X, np.array(y), name=name, split=split, ids=ids, channels=list(RESIDUES))


def _table(name: str, file: str) -> tuple[Path, list[tuple[str, str, str]]]:
    """Returns the place of a table, and the entry, the sequence and the label of its rows."""
    import pandas as pd

    path = inside("aaanalysis", "_data", "benchmarks", file, name=name)
    with reading(path):
        frame = pd.read_csv(path, sep="\t", dtype=str, usecols=["entry", "sequence", "label"], na_filter=False)
    return path, list(zip(frame["entry"], frame["sequence"], frame["label"], strict=True))

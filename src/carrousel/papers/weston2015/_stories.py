"""Stories of people who walk about with things, questions about them, and the places that answer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

__all__ = ["PLACES", "WORDS", "Stories", "story_of"]

PEOPLE = ("mary", "john", "daniel", "sandra")
PLACES = ("bathroom", "bedroom", "garden", "hallway", "kitchen", "office")
THINGS = ("apple", "football", "milk")
OTHERS = (
    *("went", "moved", "travelled", "journeyed"), *("took", "grabbed", "got"), *("dropped", "left", "discarded"), "to",
    "the", ".", "where", "is", "was", "before", "?",
)  # fmt: skip
WORDS = (*PEOPLE, *PLACES, *THINGS, *OTHERS)
"""All words of stories and questions; places are the answers."""


@dataclass(frozen=True)
class _Told:
    story: list[str]
    question: list[str]
    answer: str


def story_of(facts: int, sentences: int, rng: np.random.Generator) -> _Told:
    """Tells a story of so many sentences, and asks what one, two or three of its sentences together answer.

    One: "where is mary?", for which the last sentence with her is enough. Two: "where is the milk?", for which it has
    to be known who took it and where they went then. Three: "where was the milk before the kitchen?".
    """
    while True:
        told = _attempt(facts, sentences, rng)
        if told is not None:
            return told


def _attempt(facts: int, sentences: int, rng: np.random.Generator) -> _Told | None:
    at: dict[str, str] = {}
    holder: dict[str, str] = {}
    been: dict[str, list[str]] = {thing: [] for thing in THINGS}  # places where each thing has been, one after another
    story: list[str] = []

    def one(of: tuple[str, ...] | list[str]) -> str:
        return of[int(rng.integers(len(of)))]

    def seen(thing: str, place: str) -> None:
        if been[thing][-1:] != [place]:
            been[thing].append(place)

    for _ in range(sentences):
        person = one(PEOPLE)
        held = [thing for thing in THINGS if holder.get(thing) == person]
        free = [
            thing for thing in THINGS
            if thing not in holder and (not been[thing] or been[thing][-1] == at.get(person))
        ]  # fmt: skip
        kind = rng.random()
        if facts > 1 and kind < 0.3 and free and person in at:
            thing = one(free)
            holder[thing] = person
            seen(thing, at[person])
            story += [person, one(("took", "grabbed", "got")), "the", thing, "."]
        elif facts > 1 and kind < 0.45 and held:
            thing = one(held)
            del holder[thing]
            story += [person, one(("dropped", "left", "discarded")), "the", thing, "."]
        else:
            place = one([place for place in PLACES if place != at.get(person)])
            at[person] = place
            for thing in held:
                seen(thing, place)
            story += [person, one(("went", "moved", "travelled", "journeyed")), "to", "the", place, "."]
    if facts == 1:
        person = one(list(at))
        return _Told(story, ["where", "is", person, "?"], at[person])
    known = [thing for thing in THINGS if len(been[thing]) >= facts - 1]
    if not known:
        return None
    thing = one(known)
    if facts == 2:
        return _Told(story, ["where", "is", "the", thing, "?"], been[thing][-1])
    # The last time it came to a place, and where it was before.
    later = int(rng.integers(1, len(been[thing])))
    place = been[thing][later]
    last = max(k for k in range(1, len(been[thing])) if been[thing][k] == place)
    return _Told(story, ["where", "was", "the", thing, "before", "the", place, "?"], been[thing][last - 1])


class Stories(Dataset):
    """Stories and questions as numbers of words, and answers as numbers of places.

    >>> stories = Stories(facts=1, sentences=(2, 4), count=5, rng=np.random.default_rng(0))
    >>> inputs, answers = stories.batch(np.arange(5))
    >>> sorted(inputs), answers.shape
    (['input', 'lengths', 'question'], torch.Size([5]))
    """

    def __init__(self, facts: int, sentences: tuple[int, int], count: int, rng: np.random.Generator) -> None:
        number = {word: k for k, word in enumerate(WORDS)}
        least, most = sentences
        told = [story_of(facts, int(rng.integers(least, most + 1)), rng) for _ in range(count)]
        self.told = [one.story for one in told]
        self._stories = [np.array([number[word] for word in one.story]) for one in told]
        self._questions = np.array([[number[word] for word in one.question] for one in told])
        self._answers = np.array([PLACES.index(one.answer) for one in told])
        self.lengths = np.array([len(story) for story in self._stories], np.int64)

    def __len__(self) -> int:
        return len(self.lengths)

    def __getitem__(self, i: int) -> tuple[dict[str, Tensor], Tensor]:
        return self.batch(np.array([i]))

    def batch(self, chosen: np.ndarray) -> tuple[dict[str, Tensor], Tensor]:  # input [B, T], question [B, Q]
        lengths = self.lengths[chosen]
        padded = np.zeros((len(chosen), int(lengths.max())), np.int64)
        for row, k in zip(padded, chosen, strict=True):
            row[: self.lengths[k]] = self._stories[k]
        inputs = {
            "input": torch.from_numpy(padded), "lengths": torch.from_numpy(lengths),
            "question": torch.from_numpy(self._questions[chosen]),
        }  # fmt: skip
        return inputs, torch.from_numpy(self._answers[chosen])

    def answered_by_last_place(self) -> float:
        """Returns the share of questions that the last place named in the story answers."""
        last = [next(word for word in reversed(story) if word in PLACES) for story in self.told]
        return float(np.mean([PLACES.index(place) for place in last] == self._answers))

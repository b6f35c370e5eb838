"""Papers from 2014 on: what their made languages, stories and pictures say is right, and their numbers of weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import carrousel
from carrousel.papers._anew import Anew
from carrousel.papers._networks import weight_count
from carrousel.papers._translations import ADJECTIVES, ADVERBS, NOUNS, VERBS, Language, pair_sets
from carrousel.papers._trial import Setting
from carrousel.papers.cho2014 import EXPERIMENTS as CHO
from carrousel.papers.sak2014 import EXPERIMENTS as SAK
from carrousel.papers.sak2014 import weights_of
from carrousel.papers.vinyals2014._scenes import COLOURS, SHAPES, UNSEEN, WORDS, Scenes
from carrousel.papers.weston2015._stories import PEOPLE, PLACES, THINGS, Stories, story_of
from carrousel.tasks import Copying, SumOfTwo


@pytest.mark.parametrize(("n_i", "n_c", "n_o", "n_r"), [(40, 80, 142, 51), (3, 5, 2, 4), (7, 6, 9, None)])
def test_the_formula_of_weights_is_that_of_the_layer(n_i, n_c, n_o, n_r):
    net = carrousel.LSTM(n_i, n_c, cell="peephole", proj_size=n_r or 0, bias=False)
    own = sum(weight.numel() for weight in net.parameters()) + (n_r or n_c) * n_o
    assert weights_of(n_i, n_c, n_o, n_r) == own


@pytest.mark.parametrize(
    ("experiment", "groups"),
    [(SAK[0], [("lstm-1", "projected-1"), ("lstm-2", "projected-2")]), (CHO[0], [("made-gru-cho", "made-lstm")])],
    ids=["sak", "cho"],
)
def test_networks_that_are_compared_have_equally_many_weights(experiment, groups):
    of_text = {"data": "made", "items": 2000, "valid": 200, "test": 200, "batch_size": 4}
    small = of_text if experiment is SAK[0] else {"items": 20, "valid": 10, "test": 10}
    for rows in groups:
        counts = []
        for row in rows:
            setting = Setting.of(experiment.config(row).changed(**small), {"size": "small"}, 0, 0)
            if experiment is SAK[0]:
                setting = Setting.of(setting.config.changed(items=2000), {"size": "small"}, 0, 0)
            counts.append(weight_count(experiment.prepare(setting).learner.build()))
        assert max(counts) < 1.01 * min(counts), counts


def test_a_translation_holds_the_words_of_each_clause_in_the_other_order():
    adjective, verb, adverb = 2 * NOUNS, 2 * NOUNS + ADJECTIVES, 2 * NOUNS + ADJECTIVES + VERBS
    rng, language = np.random.default_rng(0), Language()
    for clauses in (1, 2, 5):
        source, target = language.sentence(rng, clauses)
        assert source.max() < language.symbols
        assert target.max() < language.answers
        said = np.split(source, np.flatnonzero(source == language.symbols - 1))
        translated = np.split(target, np.flatnonzero(target == language.answers - 1))
        assert len(said) == len(translated) == clauses
        for one, other in zip(said, translated, strict=True):
            one, other = one[one < language.symbols - 1].tolist(), other[other < language.answers - 1].tolist()
            at = next(k for k, word in enumerate(one) if verb <= word < adverb)
            subject, thing = one[:at], [word for word in one[at + 1 :] if word < verb]
            late = [word for word in one if word >= adverb]
            plural = VERBS if subject[-1] >= NOUNS else 0
            assert other == [
                *(word + VERBS for word in late), *reversed(subject), *reversed(thing), one[at] + plural,
            ]  # fmt: skip
            assert all(word < verb or word >= verb for word in subject)
            assert all(adjective <= word for word in subject[:-1])
    assert len(late) <= ADVERBS


def test_no_sentence_stands_in_two_parts():
    config = {"data": "made", "items": 300, "valid": 50, "test": 50, "clauses": (1, 1)}
    sets = pair_sets(config, np.random.default_rng(0))
    strings = [tuple(source.tolist()) for part in (sets.train, sets.valid, sets.test) for source in part.sources]
    assert len(strings) == len(set(strings)) == 400
    assert [len(part) for part in (sets.train, sets.valid, sets.test)] == [300, 50, 50]


def _answer(story: list[str], question: list[str]) -> str:
    """Reads a story sentence by sentence, another way than it was told, and answers."""
    trail: dict[str, list[str]] = {thing: [] for thing in THINGS}
    at: dict[str, str] = {}
    hands: dict[str, set[str]] = {person: set() for person in PEOPLE}
    for sentence in " ".join(story).split(" ."):
        words = sentence.split()
        if not words:
            continue
        if words[1] in ("took", "grabbed", "got"):
            hands[words[0]].add(words[-1])
            moved = {words[-1]}
        elif words[1] in ("dropped", "left", "discarded"):
            hands[words[0]].remove(words[-1])
            moved = set()
        else:
            at[words[0]] = words[-1]
            moved = hands[words[0]]
        for thing in moved:
            if not trail[thing] or trail[thing][-1] != at[words[0]]:
                trail[thing].append(at[words[0]])
    if question[1] == "was":
        places = trail[question[3]]
        return places[len(places) - 2 - places[::-1].index(question[6])]
    return trail[question[3]][-1] if question[2] == "the" else at[question[2]]


@pytest.mark.parametrize("facts", [1, 2, 3])
def test_stories_have_the_answers_that_a_reader_finds(facts):
    rng = np.random.default_rng(facts)
    for sentences in (8, 12, 25):
        for _ in range(40):
            told = story_of(facts, sentences, rng)
            assert told.story.count(".") == sentences
            assert _answer(told.story, told.question) == told.answer
    stories = Stories(facts, (6, 9), 30, rng)
    assert 0 < stories.answered_by_last_place() < 1
    inputs, answers = stories.batch(np.arange(30))
    assert inputs["question"].min() >= 0
    assert set(answers.tolist()) <= set(range(len(PLACES)))


def test_pictures_show_what_their_sentences_say():
    for unseen in (False, True):
        scenes = Scenes(60, np.random.default_rng(1), unseen=unseen)
        for image, sentence in zip(scenes.images.numpy(), scenes.sentences, strict=True):
            words = [WORDS[number] for number in sentence]
            colours, shapes = ([w for w in words if w in known] for known in (COLOURS, SHAPES))
            assert bool(UNSEEN & set(zip(colours, shapes, strict=True))) == unseen
            centres = []
            for colour in colours:
                near = np.abs(image - np.array(COLOURS[colour], np.float32)[:, None, None]).max(0) < 0.3
                centres.append(np.argwhere(near).mean(0))
            if colours[0] == colours[1]:
                continue
            (top, left), (other_top, other_left) = centres
            relation = words[3]
            held = {"left": left < other_left, "right": left > other_left, "above": top < other_top,
                    "below": top > other_top}  # fmt: skip
            assert held[relation]


def test_sequences_are_drawn_anew_but_a_part_that_is_not_shuffled_stays():
    source = Anew(Copying(T=4), 10, seed=3)
    one, again, other = (source.batch(np.array(items))[0]["input"] for items in ([0, 1], [0, 1], [1, 0]))
    assert torch.equal(one, again)
    assert not torch.equal(one, other.flip(0))
    inputs, goals = Anew(SumOfTwo(T=9), 5, seed=0, ends=True).batch(np.arange(5))
    numbers, marks = inputs["input"].unbind(2)
    assert torch.allclose((numbers * marks).sum(1, keepdim=True), goals)


def test_the_errors_of_who_knows_nothing():
    task = Copying(T=6)
    drawn = task.draw(np.random.default_rng(0), 200)
    share = np.mean(drawn.targets < 8)  # steps whose symbol has to be guessed, out of eight
    assert task.chance == pytest.approx(share * np.log(8))
    goals = SumOfTwo(T=20, halves=True).draw(np.random.default_rng(0), 20_000).goals
    assert ((goals - 1) ** 2).mean() == pytest.approx(1 / 6, rel=0.03)
    marks = SumOfTwo(T=21, halves=True).draw(np.random.default_rng(0), 50).inputs[:, 1].reshape(50, 21)
    assert (marks[:, :10].sum(1) == 1).all()
    assert (marks.sum(1) == 2).all()

"""The streams of 2000 against their specification, by counting."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.tasks import ContinualReber, ContinualTemporalOrder, EmbeddedReber, Endless

REBER = ContinualReber()


@pytest.fixture(scope="module")
def stream():
    return REBER.stream(np.random.default_rng(0), 300_000)


def test_a_stream_is_made_of_embedded_strings(stream):
    text = "".join(REBER.symbols[code] for code in stream.codes)
    legal = [{symbol for symbol, goal in zip(REBER.symbols, row, strict=True) if goal} for row in REBER.goals]
    grammar = EmbeddedReber()
    lengths, branches, seen = [], [], 0
    for begin, end in stream.spans():
        string = text[begin:end]
        lengths.append(len(string))
        branches.append(string[1])
        # The embedded grammar refuses what is not of it, and says what can follow; after a string comes the next B.
        wanted = [*map(set, grammar.followers(string)), {"B"}]
        assert [legal[kind] for kind in stream.kinds[begin:end]] == wanted
        seen = end
    assert seen == len(text) >= 300_000
    assert len(text) - lengths[-1] < 300_000
    # 12 symbols in the mean, a quarter of the strings have the least length of 9, both branches are as probable.
    assert min(lengths) == 9
    n = len(lengths)
    assert abs(np.mean(lengths) - 12) < 4 * np.std(lengths) / np.sqrt(n)
    assert abs(np.mean(np.array(lengths) == 9) - 0.25) < 4 * np.sqrt(0.25 * 0.75 / n)
    assert abs(branches.count("T") / n - 0.5) < 4 * 0.5 / np.sqrt(n)


def test_goals_are_the_legal_symbols():
    goals = REBER.goals
    assert set(goals.ravel().tolist()) == {0.0, 1.0}
    assert set(goals.sum(1).tolist()) == {1.0, 2.0}
    assert REBER.targets(np.array([3, 0])).tolist() == goals[[3, 0]].tolist()


def test_the_same_seed_gives_the_same_stream(stream):
    again = REBER.stream(np.random.default_rng(0), 300_000)
    assert np.array_equal(again.codes, stream.codes)
    assert not np.array_equal(REBER.stream(np.random.default_rng(1), 300_000).codes[:100], stream.codes[:100])


def test_a_draw_goes_on_until_its_string_ends(monkeypatch):
    from carrousel.tasks import _continual

    whole = REBER.stream(np.random.default_rng(0), 5)
    monkeypatch.setattr(_continual, "_ROOM", 1)  # choices run out, and more are drawn
    short = REBER.stream(np.random.default_rng(0), 5)
    assert len(short.ends) == len(whole.ends) == 1
    assert short.ends[-1] == len(short.codes)


@pytest.mark.parametrize("quiet", [False, True])
def test_continual_temporal_order(quiet):
    task = ContinualTemporalOrder(quiet)
    stream = task.stream(np.random.default_rng(0), 50_000)
    targets = task.targets(stream.kinds)
    text = "".join(task.symbols[code] for code in stream.codes)
    assert len(text) >= 50_000
    classes = []
    for begin, end in stream.spans():
        string = text[begin:end]
        assert string[0] == "E"
        assert string[-1] == "B"
        assert 100 <= len(string) <= 110
        order = [symbol for symbol in string if symbol in "XY"]
        assert len(order) == 3
        classes.append(sum((symbol == "Y") << 2 - k for k, symbol in enumerate(order)))
        if quiet:
            assert targets[end - 1].tolist() == np.eye(8)[classes[-1]].tolist()
            assert not targets[begin : end - 1].any()
        else:
            assert targets[end - 1] == classes[-1]
            assert (targets[begin : end - 1] == -1).all()
    counts = np.bincount(classes, minlength=8)
    assert np.abs(counts - len(classes) / 8).max() < 4 * np.sqrt(len(classes) / 8)


@pytest.mark.parametrize("task", [REBER, ContinualTemporalOrder()], ids=["reber", "temporal order"])
def test_endless_is_one_stream_of_which_nothing_is_lost_or_comes_twice(task):
    endless = Endless(task, np.random.default_rng(0), 1000)
    rng, parts = np.random.default_rng(0), []
    again = [task.stream(rng, 1000)]
    sizes = np.random.default_rng(1)
    for _ in range(40):
        steps = int(sizes.integers(1, 700))
        stream = endless.ahead(steps)
        assert len(stream.codes) >= steps
        assert stream.ends[-1] == len(stream.codes) == len(stream.kinds)
        assert len(stream.ends) == 1 or stream.ends[-2] < steps
        strings = int(sizes.integers(1, len(stream.ends) + 1))
        few = endless.ahead(steps, strings)
        assert np.array_equal(few.ends, stream.ends[:strings])
        parts.append(few.codes)
        endless.skip(strings)
    found = np.concatenate(parts)
    while sum(len(part.codes) for part in again) < len(found):
        again.append(task.stream(rng, 1000))
    assert np.array_equal(found, np.concatenate([part.codes for part in again])[: len(found)])

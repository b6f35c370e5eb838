"""Measuring and generating time."""

from __future__ import annotations

import numpy as np
import pytest

from carrousel.tasks import GeneratingSpikes, MeasuringDelays, PeriodicFunction


@pytest.mark.parametrize("intervals", [(0, 1), (0, 1, 2), (3,)])
def test_delays_between_spikes_are_the_targets(intervals):
    stream = MeasuringDelays(10, intervals).stream(np.random.default_rng(0), 3_000)
    spikes = np.flatnonzero(stream.inputs[:, 0])
    assert len(spikes) == len(stream.ends) == 3_000
    assert (spikes + 1 == stream.ends).all()
    assert set(np.unique(stream.inputs)) == {0, 1}
    delays = np.diff(spikes, prepend=-1)
    assert (stream.targets[spikes, 0] == delays - 10).all()
    assert (np.delete(stream.targets, spikes) == 0).all()
    counts = np.array([(delays == 10 + interval).sum() for interval in intervals])
    assert counts.sum() == 3_000
    assert (np.abs(counts / 3_000 - 1 / len(intervals)) < 0.04).all()


def test_between_spikes_there_can_be_no_target():
    stream = MeasuringDelays(5, silent=False).stream(np.random.default_rng(0), 100)
    assert np.isnan(stream.targets[stream.inputs == 0]).all()
    assert set(stream.targets[stream.inputs == 1]) == {0, 1}


def test_draws_follow_the_seed():
    one, same, other = (MeasuringDelays().stream(np.random.default_rng(seed), 50) for seed in (1, 1, 2))
    assert np.array_equal(one.inputs, same.inputs)
    assert not np.array_equal(one.ends, other.ends)


def test_pieces_of_a_stream_are_streams():
    """A piece begins after a spike, ends with one, and every beginning is drawn."""
    rng = np.random.default_rng(0)
    stream = MeasuringDelays().stream(rng, 30)
    spans = stream.pieces(rng, 2_000, 20)
    assert len(np.unique(spans[:, 0])) == 11
    for begin, end in np.unique(spans, axis=0):
        assert stream.inputs[begin:end].sum() == 20
        assert stream.inputs[end - 1] == 1
        assert begin == 0 or stream.inputs[begin - 1] == 1
    assert (stream.pieces(rng, 5, 30) == [0, len(stream.inputs)]).all()


@pytest.mark.parametrize("period", [2, 10, 25])
def test_spikes_to_generate(period):
    stream = GeneratingSpikes(period, 0.5).stream(np.random.default_rng(0), 40)
    assert stream.targets.shape == stream.inputs.shape == (40 * period, 1)
    assert (stream.inputs == 0.5).all()
    assert (np.flatnonzero(stream.targets) + 1 == stream.ends).all()
    assert (np.diff(stream.ends, prepend=0) == period).all()
    assert stream.targets.sum() == 40


@pytest.mark.parametrize("period", [10, 25])
def test_functions_are_as_the_paper_gives_them(period):
    def at(shape):
        return PeriodicFunction(shape, period).stream(np.random.default_rng(0), 3).targets[:, 0]

    for t in range(3 * period):
        phase = t % period
        assert at("cos")[t] == pytest.approx((1 - np.cos(2 * np.pi * t / period)) / 2, abs=1e-6)
        assert at("rect")[t] == (1 if phase > period / 2 else 0)
        rising = 2 * phase / period
        assert at("tri")[t] == pytest.approx(rising if phase <= period / 2 else 2 - rising, abs=1e-6)
    assert at("tri").min() == 0
    assert at("cos")[:period].mean() == pytest.approx(0.5)
    with pytest.raises(ValueError, match="cos, tri or rect"):
        PeriodicFunction("sin")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (lambda: MeasuringDelays(0, (0, 1)), "at least 1"),
        (lambda: MeasuringDelays(10, ()), "at least 1"),
        (lambda: GeneratingSpikes(0), "at least 1"),
        (lambda: PeriodicFunction("cos", 0), "at least 1"),
        (lambda: GeneratingSpikes(3).stream(None, 4).pieces(np.random.default_rng(0), 2, 5), "there are 4 periods"),
    ],
)
def test_what_makes_no_stream_is_refused(wrong, message):
    with pytest.raises(ValueError, match=message):
        wrong()

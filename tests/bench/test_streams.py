"""The comparison on real streams: what it reads, what its rivals say, and what is kept of it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from carrousel.bench import _streams
from carrousel.bench._streams import STREAMS, RealStream, judge, linear, read_judged, read_over_time

KEPT = Path(__file__).resolve().parents[2] / "docs" / "results" / "bench" / "streams.json"


def made(targets, season=None):
    targets = np.asarray(targets, float)
    return RealStream("made", "nowhere", season, lambda: (np.zeros((len(targets), 0)), targets))


@pytest.mark.slow
def test_rivals_are_judged_after_the_first_targets_alone():
    pytest.importorskip("river")
    t = np.arange(560)
    targets = np.where(t < 500, 1e6 * (-1.0) ** t, t % 7)  # wild before it counts
    judged = judge(made(targets, 7), seeds=1)
    assert judged.targets == 60
    change = np.abs(np.diff(targets))[500:]
    first = abs(targets[500] - targets[499])
    assert judged.rivals["persistence"] == pytest.approx((first + change.sum()) / 60)
    assert judged.rivals["season"] == pytest.approx(np.abs(targets[500:] - targets[493:-7]).mean())
    assert judged.best == min(judged.rivals, key=judged.rivals.get)
    assert judged.ratio == judged.mean / judged.rivals[judged.best]


def test_a_missing_target_is_neither_judged_nor_learned():
    pytest.importorskip("river")
    targets = np.sin(0.3 * np.arange(620))
    targets[::10] = np.nan
    judged = judge(made(targets, 21), seeds=1)
    assert judged.targets == (~np.isnan(targets)).sum() - 500
    assert all(np.isfinite([*judged.seeds, *judged.rivals.values()]))


def test_the_linear_rival_learns_what_is_linear():
    pytest.importorskip("river")
    rng = np.random.default_rng(0)
    y = np.zeros(3000)
    for t in range(2, 3000):
        y[t] = 1.5 * y[t - 1] - 0.8 * y[t - 2] + rng.normal()
    features = np.zeros((3000, 0))
    for relative in (False, True):
        said = linear(features, y, None, 4, 0.003, relative)
        assert np.abs(said - y)[2000:].mean() < 0.9  # the noise alone is 0.8, persistence 1.4
    ahead = linear(y[:, None], y, None, 4, 0.003, False)  # a feature that tells
    assert np.abs(ahead - y)[2000:].mean() < 0.2


def test_missing_hours_are_records():
    first = datetime(2022, 3, 1, tzinfo=UTC)
    _, targets = _streams._hourly({first + timedelta(hours=k): float(k) for k in (0, 1, 4)})
    assert np.array_equal(targets, [0, 1, np.nan, np.nan, 4], equal_nan=True)


@pytest.mark.parametrize("stream", STREAMS, ids=lambda stream: stream.name)
def test_the_streams_can_be_read(stream):
    try:
        features, targets = stream.read()
    except ModuleNotFoundError as error:
        pytest.skip(f"{error.name} is not installed")
    assert len(features) == len(targets) > 1000
    assert np.isfinite(features).all()
    assert np.isfinite(targets).mean() > 0.9


def test_the_command_leaves_out_what_is_not_there(tmp_path, monkeypatch, capsys):
    from carrousel.cli import main

    pytest.importorskip("river")
    monkeypatch.chdir(tmp_path)
    here = made(np.sin(0.3 * np.arange(1000)))
    gone = RealStream("gone", "nowhere", None, lambda: _streams._inside("no_such_package"))
    monkeypatch.setattr(_streams, "STREAMS", (gone, here))
    assert main(["bench", "streams", "--seeds", "1", "--most", "620", "--out", "figures.json"]) == 0
    out, err = capsys.readouterr()
    assert err == "gone is left out: no_such_package is not installed\nmade is measured\n"
    assert "\n| made | " in out
    (judged,) = read_judged(tmp_path / "figures.json")
    assert (judged.name, judged.targets, len(judged.seeds)) == ("made", 120, 1)
    assert judged.ratio == judged.mean / min(judged.rivals.values())


def test_what_is_kept_is_what_was_asked_for():
    """At most 1.05 times the best simple method on every stream, and better on at least three."""
    rows = read_judged(KEPT)
    assert [(row.name, row.source) for row in rows] == [(stream.name, stream.source) for stream in STREAMS]
    assert all(row.ratio <= 1.05 and len(row.seeds) == 5 for row in rows)
    assert sum(row.ratio < 1 for row in rows) >= 3


@pytest.mark.slow
def test_learners_are_set_beside_each_other_early_and_late(monkeypatch, tmp_path, capsys):
    from carrousel.cli import main

    monkeypatch.chdir(tmp_path)
    stream = made(np.sin(0.3 * np.arange(280)))
    monkeypatch.setattr(_streams, "WINDOWS", ((20, 130), (130, 260), (260, 10_000)))
    found = _streams.over_time(stream, 1, 265)
    errors = found.errors
    assert list(errors) == ["persistence", *_streams.LEARNERS]
    assert all(each[2] is None and each[1] < each[0] for name, each in errors.items() if name != "persistence")
    assert errors["kalman"][1] < 0.2 * errors["persistence"][1]
    monkeypatch.setattr(_streams, "STREAMS", (stream,))
    monkeypatch.setattr(_streams, "over_time", lambda *given: found)
    assert main(["bench", "streams", "--learners", "--seeds", "1", "--out", "figures.json"]) == 0
    assert read_over_time(tmp_path / "figures.json") == [found]
    assert capsys.readouterr().out.startswith("| stream | lines | persistence | ")


def test_the_page_shows_what_was_kept_of_the_learners():
    kept = read_over_time(KEPT.with_name("stream-learners.json"))
    assert all(list(row.errors) == ["persistence", *_streams.LEARNERS] for row in kept)

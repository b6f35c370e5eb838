"""Music that goes on: training, generation, figures, saving."""

import math

import numpy as np
import pytest
import torch

from carrousel.data import DataError, Pieces
from carrousel.data.music import KEYS, write_midi
from carrousel.estimators import LSTMComposer, ModelError, load
from carrousel.estimators._frame_items import items_of, transposed
from carrousel.estimators._frame_tables import PREVIOUS, SINGLE, FrameTables

SCALE = np.eye(KEYS, dtype=np.uint8)[[39, 41, 43, 44, 46, 44, 43, 41] * 4]
CHORD = SCALE | np.roll(SCALE, 4, axis=1)
PIECES = [SCALE, CHORD, SCALE[:20], CHORD[3:], SCALE[1:], CHORD[:9]]
SMALL = {"hidden_size": 8, "max_epochs": 2, "batch_size": 3, "learning_rate": 0.03, "random_state": 0}


@pytest.fixture(scope="module")
def model():
    return LSTMComposer(**SMALL).fit(PIECES, resolution=2)


def test_a_saved_model_makes_up_the_same_music(model, tmp_path):
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    for options in ({}, {"temperature": 0.5}, {"threshold": 0.1}, {"seed": 5, "begin": SCALE[:3]}):
        np.testing.assert_array_equal(model.generate(length=30, **options), again.generate(length=30, **options))
    assert (model.generate(length=60, seed=1) != model.generate(length=60, seed=2)).any()
    assert again.report([CHORD]) == model.report([CHORD])
    assert (again.resolution_, again.get_params()) == (2, model.get_params())
    again.save(tmp_path / "again")
    for name in ("model.json", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()
    assert model.generate(length=0).shape == (0, KEYS)


def test_it_learns_a_scale_that_tables_do_not_know():
    model = LSTMComposer(24, max_epochs=60, learning_rate=0.03, validation=None, dropout=0.0, random_state=0)
    model.fit([SCALE] * 6)
    report = model.report([SCALE])
    nats = {score.method: score.metrics["nats per frame"] for score in report.scores}
    assert nats["LSTM"] < 0.3 < nats[SINGLE]
    assert nats["LSTM"] < 0.3 < nats[PREVIOUS]
    assert report.count == len(SCALE)
    assert report.uncertainty is None
    assert model.score([SCALE]) == -nats["LSTM"]
    np.testing.assert_array_equal(model.generate(SCALE[:9], 12, threshold=0.5), SCALE[9:21])


def test_nats_are_those_of_the_chances_and_the_first_frame_counts(model):
    chances = model.chances(CHORD)
    assert chances.shape == CHORD.shape
    expected = -np.where(CHORD == 1, np.log(chances), np.log1p(-chances)).sum() / len(CHORD)
    assert model.report([CHORD]).model.metrics["nats per frame"] == pytest.approx(expected)
    other = CHORD.copy()
    other[5:] = 0
    np.testing.assert_array_equal(model.chances(other)[:6], chances[:6])  # of what was before alone
    both = model.report([CHORD, SCALE[:7]])
    alone = [model.report([piece]).model.metrics["nats per frame"] for piece in (CHORD, SCALE[:7])]
    assert both.model.metrics["nats per frame"] == pytest.approx(np.average(alone, weights=[len(CHORD), 7]))
    assert both.uncertainty is not None


def test_tables_are_shares_of_frames():
    piece = np.zeros((6, KEYS), dtype=np.uint8)
    piece[[0, 1, 2, 4], 10] = 1
    tables = FrameTables.learned([piece, piece])
    chances = tables.chances(piece)
    assert chances[SINGLE][3, 10] == pytest.approx(8.5 / 13)
    assert chances[PREVIOUS][1, 10] == pytest.approx(4.5 / 9)  # on after on: 4 of 8
    assert chances[PREVIOUS][0, 10] == chances[PREVIOUS][4, 10] == pytest.approx(4.5 / 5)  # on after off: 4 of 4
    assert chances[SINGLE][0, 11] == pytest.approx(0.5 / 13)


def test_pieces_are_learned_higher_and_lower_where_a_piano_has_the_keys():
    assert [int(piece[0].argmax()) for piece in transposed(SCALE, 2)] == [37, 38, 39, 40, 41]
    assert [int(piece[0].argmax()) for piece in transposed(np.roll(SCALE, -38, axis=1), 2)] == [0, 1, 2, 3]
    batch, target = items_of(PIECES).batch(np.array([2, 0]))
    assert not batch["input"][:, 0].any()
    np.testing.assert_array_equal(batch["input"][1, 1:].numpy(), SCALE[:-1])
    np.testing.assert_array_equal(target[0, :20].numpy(), PIECES[2])
    assert (target[0, 20:] == -1).all()


def test_a_training_that_was_broken_off_goes_on_to_the_same_bits(tmp_path):
    whole = LSTMComposer(**SMALL).fit(PIECES)

    def stop(progress):
        if progress.event == "epoch":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LSTMComposer(**SMALL).fit(PIECES, checkpoint=tmp_path / "c", progress=stop)
    resumed = LSTMComposer(**SMALL).fit(PIECES, checkpoint=tmp_path / "c", resume=True)
    for a, b in zip(whole.network_.parameters(), resumed.network_.parameters(), strict=True):
        assert torch.equal(a, b)
    with pytest.raises(ModelError, match="other data"):
        LSTMComposer(**SMALL).fit(PIECES[:5], checkpoint=tmp_path / "c", resume=True)


@pytest.mark.parametrize(
    ("options", "X", "message"),
    [
        ({}, [], "there are no pieces"),
        ({}, [SCALE[:0]], "piece 0 must be frames"),
        ({}, [SCALE, SCALE[:, :12]], "piece 1 must be frames"),
        ({}, [SCALE * 2], "piece 0 holds something else than 0 and 1"),
        ({}, ["abc"], "piece 0 must be frames"),
        ({"transpose": -1}, PIECES, "transpose must be"),
        ({"transpose": 89}, PIECES, "transpose must be"),
        ({"rivals": 1}, PIECES, "rivals must be"),
        ({"bidirectional": True}, PIECES, "bidirectional must be False"),
        ({"hidden_size": 0}, PIECES, "hidden_size"),
    ],
)
def test_what_is_refused(options, X, message):
    with pytest.raises(ValueError, match=message):
        LSTMComposer(**SMALL | options).fit(X)


def test_calls_that_are_refused(model):
    for options, message in (
        ({"length": -1}, "length must be at least 0"),
        ({"threshold": 2.0}, "threshold must be a probability"),
        ({"temperature": 0.0}, "temperature must be a number above 0"),
        ({"begin": SCALE[:, :3]}, "piece 0 must be frames"),
    ):
        with pytest.raises(ValueError, match=message):
            model.generate(**options)
    with pytest.raises(DataError, match="resolution='0'"):
        LSTMComposer(**SMALL).fit(PIECES, resolution=0)


def test_a_single_piece_and_silence(tmp_path):
    model = LSTMComposer(**SMALL).fit([SCALE * 0])
    assert "valid_loss" not in model.history_[0]
    assert math.isnan(model.report([SCALE * 0]).model.metrics["accuracy"])
    assert not model.generate(length=5, threshold=0.9).any()
    alone = LSTMComposer(**SMALL | {"rivals": False}).fit(PIECES)
    alone.save(tmp_path / "m")
    report = load(tmp_path / "m").report([SCALE])
    assert [score.method for score in report.scores] == ["LSTM", "all frames alike"]
    assert report.best_simple.metrics["nats per frame"] == pytest.approx(88 * math.log(2))


def test_data_as_they_are_read(model, tmp_path):
    path = write_midi(tmp_path / "a.mid", CHORD, resolution=2)
    data = model.read(path)
    np.testing.assert_array_equal(data.frames[0], CHORD)
    with pytest.raises(DataError, match="resolution='4': the model has 2 frames a quarter note"):
        model.read(path, resolution=4)
    table = model.table(data)
    assert table["nats_per_frame"].tolist() == [model.report_on(data).model.metrics["nats per frame"]]
    assert table[["piece", "frames", "notes"]].to_numpy().tolist() == [["a.mid", 32, 64]]
    pieces = Pieces([SCALE, CHORD], ("one", "two"), 2, "b")
    figures = model.drawings(pieces, sequence="two")
    assert set(figures) == {"piece", "generated", "activations", "learning-curve"}
    assert figures["piece"].get_suptitle() == "b: two, and what the model expected"
    with pytest.raises(DataError, match="there is no piece 'three'"):
        model.drawings(pieces, sequence="three")

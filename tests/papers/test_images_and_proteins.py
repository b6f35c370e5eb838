"""What the experiments on proteins, actions, handwriting and images draw, and how they judge."""

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from sklearn.metrics import roc_auc_score

from carrousel import papers
from carrousel.papers._estimated import fold
from carrousel.papers._networks import sized
from carrousel.papers._trial import Setting
from carrousel.papers.baccouche2011._clips import MOTIONS, WINDOW, Convolution, clips
from carrousel.papers.baccouche2011._watch import summaries
from carrousel.papers.graves2007._images import TEXTURES, textured, warped
from carrousel.papers.graves2007._trial import Digits, Places
from carrousel.papers.graves2009._trial import Columns, bars
from carrousel.papers.hochreiter2007._families import made_families
from carrousel.papers.hochreiter2007._trial import counted, roc


def test_the_area_is_scikit_learns_and_ends_where_it_is_told():
    rng = np.random.default_rng(0)
    score, positive = rng.integers(0, 9, 80) / 9, rng.random(80) < 0.3
    assert roc(score, positive) == pytest.approx(roc_auc_score(positive, score))
    worst = np.sort(score[~positive])[::-1][:10]
    rates = [((score[positive] > each).mean() + (score[positive] >= each).mean()) / 2 for each in worst]
    assert roc(score, positive, 10) == pytest.approx(np.mean(rates))


def test_folds_leave_out_every_row_once_and_divide_anew():
    y = [0, 1, 1] * 10
    parts = [fold(y, 5, number) for number in range(10)]
    for first in (0, 5):
        assert sorted(np.concatenate([left for _, left in parts[first : first + 5]])) == list(range(30))
    assert any((a[1] != b[1]).any() for a, b in zip(parts[:5], parts[5:], strict=True))
    assert all(set(kept) | set(left) == set(range(30)) for kept, left in parts)


def test_families_share_motifs_that_single_residues_do_not_tell():
    about = {"families": 3, "members": 4, "strangers": 9, "tested": 8, "shortest": 60, "longest": 70}
    train, test = made_families(np.random.default_rng(1), **about)
    assert (len(train), len(test)) == (3 * 4 + 9, 4 + 8)
    assert [int((part.y == "in").sum()) for part in (train, test)] == [12, 4]
    again = made_families(np.random.default_rng(1), **about)[1]
    np.testing.assert_array_equal(np.concatenate(test.X), np.concatenate(again.X))
    assert min(map(len, train.X)) >= 60
    counts = counted(test, 3)
    assert counts.shape == (12, 20 + 20**2 + 20**3 + 1)
    np.testing.assert_allclose(counts[:, :-1].multiply(counts[:, :-1]).sum(axis=1), 1)


def test_digits_move_as_their_motion_says():
    digits = (load_digits().images / 16).astype(np.float32)
    found, motion = clips(np.random.default_rng(0), digits, 40, frames=24, noise=0.0)
    assert set(motion.tolist()) == set(range(len(MOTIONS)))
    rows = (found.sum(axis=3) * np.arange(32)).sum(axis=2) / found.sum(axis=(2, 3))
    columns = (found.sum(axis=2) * np.arange(32)).sum(axis=2) / found.sum(axis=(2, 3))
    for row, column, kind in zip(rows, columns, motion, strict=True):
        name = MOTIONS[kind]
        y, x = row - row.mean(), column - column.mean()
        turn = float((x[:-1] * np.diff(y) - y[:-1] * np.diff(x)).sum())  # in the sense of the clock, rows going down
        assert (np.ptp(row) < 0.01) == (name == "across")
        assert (np.ptp(column) < 0.01) == (name == "up and down")
        assert np.sign(round(turn / 50)) == {"clockwise": 1, "counter-clockwise": -1}.get(name, 0)
        if name in ("rising", "falling"):
            assert np.sign((x * y).sum()) == {"rising": -1, "falling": 1}[name]


def test_a_convolution_sees_windows_of_nine_frames():
    network = Convolution(5, 3).eval()
    clip = torch.randn(2, 12, 1024)
    said = network(clip, torch.tensor([12, 12]))
    assert said.shape == (2, 12 - WINDOW + 1, 3)
    clip[:, WINDOW:] += 1  # after the first window
    again = network(clip, torch.tensor([12, 12]))
    assert torch.equal(again[:, 0], said[:, 0])
    assert not torch.equal(again[:, 1], said[:, 1])
    votes = torch.tensor([[[0.0, 1, 0], [0, 1, 0], [9, 0, 0]]])
    assert network.decode(votes, torch.tensor([3])).tolist() == [1]


def test_pieces_of_a_recording():
    x = np.random.default_rng(0).normal(size=(30, 2))
    found = summaries(x, 10, 5)
    assert found.shape == (5, 10)
    np.testing.assert_allclose(found[1, 2:4], x[5:15].std(axis=0), rtol=1e-5)
    assert summaries(x, None, None).shape == summaries(x, 50, 5).shape == (1, 10)


def test_a_warped_image_is_shifted_smoothly_and_others_otherwise():
    image = load_digits().images[0].repeat(3, axis=0).repeat(3, axis=1)
    rng = np.random.default_rng(0)
    one, other = warped(image, rng), warped(image, rng)
    assert one.shape == image.shape
    assert not np.array_equal(one, other)
    assert 0.7 < one.sum() / image.sum() < 1.4
    assert np.corrcoef(one.ravel(), image.ravel())[0, 1] > 0.5


def test_textures_lie_side_by_side():
    image, places = textured(np.random.default_rng(0), 20, 30)
    assert (image.shape, places.shape) == ((20, 30, 3), (20, 30))
    assert 3 <= len(np.unique(places)) <= 5
    assert set(np.unique(places)) <= set(range(len(TEXTURES)))
    assert set(np.unique(textured(np.random.default_rng(1), 20, 30, 2)[1])) <= {0, 1}


def test_convolutions_beside_which_networks_over_images_are_set():
    sizes = torch.tensor([[28, 40], [28, 33]])
    images = torch.randn(2, 28, 40, 1)
    images[1, :, 33:] = 0
    network = Columns(3, 2).eval()
    said = network(images, sizes)
    assert said.shape == (2, 10, 4)
    assert network.each(said, torch.tensor([[0, 0, 2], [1, -1, -1]])).isfinite().all()
    assert (said[1, 9, :-1] < -1e20).all()  # past the end of the second
    assert said[1, 8, :-1].isfinite().all()
    places = Places(1, 5, 4)(images, sizes)
    assert places.shape == (2, 28, 40, 5)
    target = torch.full((2, 28, 28), 10)
    target[0, 3:5], target[1, 7, 7] = 4, 0
    network, digits = Digits().eval(), torch.randn(2, 28, 28, 1)
    loss = torch.nn.functional.cross_entropy(network(digits, sizes), torch.tensor([4, 0]), reduction="none")
    torch.testing.assert_close(network.each(network(digits, sizes), target), loss)


@pytest.mark.parametrize("name", [name for name in papers.EXPERIMENTS if "size" in papers.get(name).options])
def test_the_whole_setting_is_one_option_away(name):
    experiment = papers.get(name)
    changed = 0
    for row in experiment.own_rows():
        small, whole = (sized(Setting.of(row.config, {"size": size}, 0, 0)) for size in ("small", "whole"))
        changed += small != whole
    assert changed


def test_bars_stand_where_their_string_says():
    data = bars(np.random.default_rng(0), 20)
    for image, string in zip(data.X, data.y, strict=True):
        for k, label in enumerate(string):
            top, bottom = image[:2, 6 * k + 1 : 6 * k + 4].mean(), image[2:, 6 * k + 1 : 6 * k + 4].mean()
            assert (top > bottom) == (label == "t")

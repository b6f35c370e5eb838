"""Texts that go on: training, generation, figures, saving."""

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from carrousel.data import DataError, Texts
from carrousel.data.tokenisers import BOUNDARY, TOKENISERS
from carrousel.estimators import LSTMGenerator, ModelError, load
from carrousel.estimators._bits import bits_of
from carrousel.estimators._ngram import KneserNey
from carrousel.estimators._packed import pack_texts, unpack_texts
from carrousel.nets.language_model import LanguageModel

TEXT = "the cat sat on the mat. "
SMALL = {"hidden_size": 8, "max_epochs": 2, "steps": 16, "learning_rate": 0.03, "dropout": 0.0, "random_state": 0}
EVERY = pytest.mark.parametrize("tokens", TOKENISERS)


@pytest.fixture(scope="module")
def models():
    return {
        tokens: LSTMGenerator(**SMALL, tokens=tokens).fit([TEXT * 30, "the mat sat. " * 20, "on the cat. " * 20])
        for tokens in TOKENISERS
    }


@pytest.fixture(scope="module")
def model(models):
    return models["characters"]


@EVERY
def test_a_saved_model_makes_up_the_same_text(models, tokens, tmp_path):
    model = models[tokens]
    model.save(tmp_path / "model")
    again = load(tmp_path / "model")
    for options in ({}, {"temperature": 0.5, "top_k": 3}, {"top_p": 0.8, "seed": 5}):
        assert model.generate("the ", 40, **options) == again.generate("the ", 40, **options)
    assert model.generate("the ", 40, seed=1) != model.generate("the ", 40, seed=2)
    assert again.report([TEXT * 3]) == model.report([TEXT * 3])
    assert again.get_params() == model.get_params()
    again.save(tmp_path / "again")
    for name in ("model.json", "model.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (tmp_path / "model" / name).read_bytes()


@EVERY
def test_a_stream_is_the_text_and_ends_before_the_stop(models, tokens):
    model = models[tokens]
    whole = model.generate("the ", 60, seed=3)
    assert "".join(model.stream("the ", 60, seed=3)) == whole
    stop = whole[len(whole) // 2 :][:3]
    assert model.generate("the ", 60, seed=3, stop=stop) == whole[: whole.index(stop)]
    assert model.generate("the ", 60, seed=3, stop="no such text") == whole


def test_a_beginning_may_be_empty_unknown_or_longer_than_what_was_learned(model):
    assert model.unknown("the ☃☃").total() == 2
    for prompt in ("", "☃", TEXT * 100):
        assert len(model.generate(prompt, 5)) <= 5
    assert model.generate("the", 0) == ""
    assert "�" not in model.generate("", 300, temperature=3.0)


def test_it_learns_to_go_on_and_beats_what_knows_no_order():
    model = LSTMGenerator(**SMALL | {"max_epochs": 8, "hidden_size": 16}).fit(TEXT * 200)
    report = model.report([TEXT * 20])
    assert "xz -9e" not in {score.method for score in report.scores}
    assert any("too short to tell" in note for note in report.notes)
    noise = "".join(np.random.default_rng(0).choice(list(TEXT), 400).tolist())
    (packed,) = [score for score in model.report([noise]).scores if score.method == "xz -9e"]
    assert 1 < packed.metrics["bits per character"] < 8
    bits = {score.method: score.metrics["bits per character"] for score in report.scores}
    assert bits["LSTM"] < 0.5 < 3 < bits["single symbols"]
    assert bits["interpolated 6-gram"] < 0.5
    assert report.count == len(TEXT) * 20
    assert model.generate("the cat sat", 13, temperature=0) == " on the mat. "
    assert model.score([TEXT * 20]) == -bits["LSTM"]
    assert model.history_[-1]["valid_loss"] < model.history_[0]["valid_loss"]


def test_a_training_that_was_broken_off_goes_on_to_the_same_bits(tmp_path):
    whole = LSTMGenerator(**SMALL).fit(TEXT * 30)

    def stop(progress):
        if progress.event == "epoch":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        LSTMGenerator(**SMALL).fit(TEXT * 30, checkpoint=tmp_path / "c", progress=stop)
    resumed = LSTMGenerator(**SMALL).fit(TEXT * 30, checkpoint=tmp_path / "c", resume=True)
    for a, b in zip(whole.network_.parameters(), resumed.network_.parameters(), strict=True):
        assert torch.equal(a, b)
    with pytest.raises(ModelError, match="other data"):
        LSTMGenerator(**SMALL).fit(TEXT * 31, checkpoint=tmp_path / "c", resume=True)


def test_a_large_vocabulary_has_a_divided_softmax():
    words = " ".join(f"w{k}" for k in range(300))
    model = LSTMGenerator(**SMALL | {"hidden_size": 16}, tokens="symbols", cutoffs=(20, 100)).fit(words)
    assert isinstance(model.network_.head, torch.nn.AdaptiveLogSoftmaxWithLoss)
    assert len(model.generate("w1", 5).split()) <= 5
    assert model.report([words]).model.metrics["perplexity"] > 1


@pytest.mark.parametrize(
    ("options", "X", "message"),
    [
        ({}, [], "there are no texts"),
        ({}, [""], "document 0 is empty"),
        ({}, ["a", 5], "document 1 is a int"),
        ({"tokens": "letters"}, TEXT, "tokens must be one of"),
        ({"vocabulary": 0}, TEXT, "vocabulary must be an integer"),
        ({"vocabulary": 2}, TEXT, "a vocabulary of 2 symbols"),
        ({"tokens": "pieces", "vocabulary": 100}, TEXT, "a vocabulary of pieces"),
        ({"bidirectional": True}, TEXT, "bidirectional must be False"),
        ({"input_noise": 0.1}, TEXT, "input_noise must be 0.0"),
        ({"cutoffs": (5, 2)}, TEXT, "must rise"),
        ({"cutoffs": "x"}, TEXT, "cutoffs must be"),
        ({"tied": True, "embedding": 3}, TEXT, "3 numbers a symbol"),
        ({"steps": 0}, TEXT, "steps must be"),
        ({"rivals": 1}, TEXT, "rivals must be"),
        ({"batch_size": 10_000}, TEXT, "too few for 10000 streams"),
    ],
)
def test_what_is_refused(options, X, message):
    with pytest.raises(ValueError, match=message):
        LSTMGenerator(**SMALL | options).fit(X)


def test_calls_that_are_refused(model):
    for options, message in (
        ({"length": -1}, "length must be at least 0"),
        ({"stop": ""}, "stop must be a text"),
        ({"temperature": -1.0}, "temperature"),
        ({"top_k": 0}, "top_k"),
    ):
        with pytest.raises(ValueError, match=message):
            model.generate("a", **options)
    with pytest.raises(ValueError, match="document 0 is empty"):
        model.report([""])


def test_what_one_character_makes(tmp_path):
    assert LSTMGenerator(**SMALL).fit("a").tokeniser_.size == 3
    model = LSTMGenerator(**SMALL).fit("a" * 300)
    assert set(model.generate("", 10)) <= {"a"}
    assert model.report(["aaa" * 10]).model.metrics["bits per character"] < 1.5
    alone = LSTMGenerator(**SMALL | {"rivals": False, "validation": None}).fit(["ab" * 100])
    alone.save(tmp_path / "m")
    again = load(tmp_path / "m")
    assert again.texts_ is None
    assert "rivals=False" in again.report(["ab"]).notes[0]


def test_data_as_they_are_read(model):
    data = Texts([TEXT * 3, "on the ☃"], ("first", "second"), "texts")
    table = model.table(data)
    assert table["document"].tolist() == ["first", "second"]
    assert table["unknown"].tolist() == [0, 1]
    assert (table["bits_per_character"] > 0).all()
    figures = model.drawings(data, sequence="second")
    assert set(figures) == {"text", "generated", "learning-curve"}
    drawn = [text.get_text() for text in figures["text"].axes[0].texts]
    assert "".join(drawn) == "onthe\N{REPLACEMENT CHARACTER}"
    with pytest.raises(DataError, match="no document 'secnd'; the nearest is 'second'"):
        model.drawings(data, sequence="secnd")
    pieces, states = model.activations("the cat")
    assert "".join(pieces) == "the cat"
    assert states["c_l0"].shape == (7, 8)


def test_damaged_models_are_refused(model, tmp_path):
    facts, arrays = model._facts(), model._arrays()
    size, length = facts["texts"]["size"], facts["texts"]["length"]
    for wrong in (
        {**facts, "texts": None},
        {**facts, "tokeniser": {"kind": "words", "words": ["a"]}},
        {**facts, "texts": {"size": size, "length": length - 1}},
        {**facts, "texts": {"size": size - 1, "length": length}},
        {**facts, "texts": {"size": -1, "length": length}},
    ):
        with pytest.raises(ValueError, match=r"its t|says rivals|texts"):
            LSTMGenerator(**model.get_params())._restore(wrong, arrays)
    other = {"texts": np.roll(arrays["texts"], 1)}
    with pytest.raises(ValueError, match="damaged"):
        LSTMGenerator(**model.get_params())._restore(facts, other)
    packed, length = pack_texts({"a": 1})
    with pytest.raises(ValueError, match="no list of texts"):
        LSTMGenerator(**model.get_params())._restore(
            {**facts, "texts": {"size": len(packed), "length": length}}, {"texts": packed}
        )


# ---- figures ----


def test_bits_are_those_of_each_document_alone():
    torch.manual_seed(0)
    network = LanguageModel(9, lstm={"hidden_size": 6}, start=BOUNDARY).eval()
    rng = np.random.default_rng(0)
    documents = [rng.integers(2, 9, n) for n in (5, 700, 1, 40, *range(1, 30))]
    symbols = np.concatenate([[0], *(np.append(document, 0) for document in documents)])
    wanted = []
    for document in documents:
        line = torch.from_numpy(np.concatenate([[0], document, [0]]))[None]
        output = network(line[:, :-1], torch.tensor([line.shape[1] - 1]))
        wanted.append(network.each_step(output, line[:, 1:])[0].detach().numpy() / math.log(2))
    np.testing.assert_allclose(bits_of(network, symbols), np.concatenate(wanted), rtol=1e-4, atol=1e-5)


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=60), st.lists(st.integers(0, 3), max_size=6), st.integers(1, 5))
def test_an_n_gram_model_is_a_distribution(text, context, order):
    model = KneserNey(np.array(text), 4, order)
    chances = [2.0 ** -model.bits(np.array([0, *context, symbol]))[-1] for symbol in range(4)]
    assert sum(chances) == pytest.approx(1.0)
    assert min(chances) > 0


def test_an_n_gram_model_discounts_and_falls_back():
    """By hand: a b a b a c, order 2. The counts of what follows a are b 2, c 1; one context is before b, c each."""
    model = KneserNey(np.array([0, 1, 0, 1, 0, 2]), 3, 2)
    # Pairs ab 2, ba 2, ac 1: n1 = 1, n2 = 2, discount 1/5. One symbol: before a, b, c stands one each, discount 1/2.
    alone = (1 - 0.5) / 3 + 0.5 / 3
    wanted = (2 - 0.2) / 3 + 0.2 * 2 / 3 * alone
    assert 2.0 ** -model.bits(np.array([0, 1]))[0] == pytest.approx(wanted)
    assert 2.0 ** -model.bits(np.array([2, 1]))[0] == pytest.approx(alone)  # nothing is known after c


@settings(max_examples=20, deadline=None)
@given(st.lists(st.text(st.characters(), max_size=20)))
def test_packed_texts_come_back(texts):
    packed, length = pack_texts(texts)
    assert unpack_texts({"x": packed}, "x", len(packed), length) == texts

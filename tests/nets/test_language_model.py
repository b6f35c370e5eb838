"""Language models: where dropout is, what is carried, how many weights there are, and what is made up."""

from itertools import islice

import numpy as np
import pytest
import torch

from carrousel import cells
from carrousel.cells.math import identity
from carrousel.nets.generation import Sampling, generate
from carrousel.nets.language_model import LanguageModel
from carrousel.training import Job, Options, Streams, train

PARTS = pytest.mark.parametrize("cell", ["lstm", "gru", "slstm"])


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def model(symbols=6, start=None, **options):
    lstm = {"hidden_size": 5, **options.pop("lstm", {})}
    return LanguageModel(symbols, lstm=lstm, start=start, **options).eval()


@PARTS
@pytest.mark.parametrize("start", [None, 0])
def test_carried_states_are_one_long_pass(cell, start):
    network = model(start=start, lstm={"cell": cell, "num_layers": 2})
    text = torch.randint(6, (3, 12))
    text[1, 4] = 0
    whole = network(text, torch.tensor([12, 12, 12]))
    state, pieces = None, []
    for part in text.split([5, 1, 4, 2], dim=1):
        output, state = network.carry(part, torch.full((3,), part.shape[1]), state)
        pieces.append(output)
    torch.testing.assert_close(torch.cat(pieces, 1), whole)
    scores, state = [], None
    for symbols in text.T:
        if start is not None and state is not None:  # a step knows of no documents
            fresh = network.carry(symbols[:, None], torch.tensor([1, 1, 1]), None)[1]
            begins = (symbols == start)[None, :, None]
            pairs = [(fresh, state)] if cell == "gru" else zip(fresh, state, strict=True)
            mixed = tuple(torch.where(begins, new, old) for new, old in pairs)
            logits = network.step(symbols, state)[0]
            after = network.step(symbols, state)[1]
            after = (after,) if cell == "gru" else after
            state = tuple(torch.where(begins, new, old) for new, old in zip(mixed, after, strict=True))
            state = state[0] if cell == "gru" else state
            begun = network.step(symbols, None)[0]
            scores.append(torch.where(begins[0], begun, logits).log_softmax(-1))
        else:
            logits, state = network.step(symbols, state)
            scores.append(logits.log_softmax(-1))
    torch.testing.assert_close(torch.stack(scores, 1), network.scores(whole))


def test_a_document_is_read_as_if_nothing_had_been_before_it():
    network = model(start=0)
    alone = network(torch.tensor([[0, 3, 2]]), torch.tensor([3]))
    after = network(torch.tensor([[0, 5, 5, 0, 3, 2]]), torch.tensor([6]))
    torch.testing.assert_close(after[:, 3:], alone)
    assert not torch.allclose(model()(torch.tensor([[0, 5, 5, 0, 3, 2]]), torch.tensor([6]))[:, 3:], alone)


@pytest.mark.parametrize("layers", [1, 2, 3])
def test_every_way_crosses_one_dropout_more_than_layers(monkeypatch, layers):
    """Dropouts that double what they are given, on a linear network: what a symbol adds to a score long after it."""
    linear = cells.get("elman").using(squash=identity)
    network = model(lstm={"cell": linear, "num_layers": layers}, dropout=0.5).train()
    masks = []

    def double(input, p=0.5, training=True, inplace=False):
        masks.append(sorted(input.shape))
        return 2 * input

    def influence():
        seen = []
        network.embedding.register_forward_hook(lambda *parts: seen.append(parts[2].requires_grad_()))
        output = network(torch.randint(6, (2, 7)), torch.tensor([7, 7]))
        return torch.autograd.grad(output[:, 6].sum(), seen[0])[0]

    monkeypatch.setattr(torch.nn.functional, "dropout", lambda input, *_, **__: input)
    plain = influence()
    monkeypatch.setattr(torch.nn.functional, "dropout", double)
    torch.testing.assert_close(influence(), 2.0 ** (layers + 1) * plain)
    assert masks == [[2, 5, 7]] * (layers + 1)


@pytest.mark.parametrize(
    ("hidden", "weights"), [(200, 4_653_200), (650, 19_780_400), (1500, 66_034_000)], ids=["small", "medium", "large"]
)
def test_weights_of_zaremba_sutskever_and_vinyals(hidden, weights):
    with torch.device("meta"):
        network = LanguageModel(10_000, lstm={"hidden_size": hidden, "num_layers": 2, "init": 0.05}, dropout=0.5)
    assert sum(weight.numel() for weight in network.parameters()) == weights
    embedding, softmax = 10_000 * hidden, 10_000 * hidden + 10_000
    assert weights == embedding + 2 * (4 * hidden * 2 * hidden + 8 * hidden) + softmax


def test_weights_of_sak_senior_and_beaufays():
    cells_, projection, inputs, outputs = 80, 51, 40, 30
    with torch.device("meta"):
        lstm = {"hidden_size": cells_, "proj_size": projection, "cell": "peephole", "bias": False}
        network = LanguageModel(outputs, lstm=lstm, embedding=inputs)
    formula = cells_ * projection * 4 + inputs * cells_ * 4 + projection * outputs + cells_ * projection + 3 * cells_
    assert sum(w.numel() for w in network.parameters()) == formula + inputs * outputs + outputs  # embedding, bias


def test_weights_are_drawn_as_the_papers_draw_them():
    network = model(50, lstm={"init": 0.02})
    assert all(0.01 < weight.abs().max() <= 0.02 for weight in network.parameters())


def test_a_tied_softmax_has_the_embedding_s_weights():
    tied, free = model(tied=True), model()
    assert sum(w.numel() for w in free.parameters()) - sum(w.numel() for w in tied.parameters()) == 30
    x = torch.randn(2, 5)
    torch.testing.assert_close(tied.scores(x), (x @ tied.embedding.weight.T).log_softmax(1))


def test_a_divided_softmax_is_a_distribution_and_its_loss_is_its_own():
    network = model(30, cutoffs=(5, 12), lstm={"hidden_size": 16})
    text = torch.randint(30, (2, 7))
    output, target = network(text[:, :6], torch.tensor([6, 6])), text[:, 1:].clone()
    scores = network.scores(output)
    torch.testing.assert_close(scores.exp().sum(2), torch.ones(2, 6))
    target[1, 4:] = -1
    wanted = -scores.gather(2, target.clamp(min=0)[..., None])[..., 0].masked_fill(target < 0, 0.0)
    torch.testing.assert_close(network.each_step(output, target), wanted)
    assert network.each_step(output, torch.full_like(target, -1)).sum() == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"symbols": 0}, "at least 1 symbol"),
        ({"lstm": {"bidirectional": True}}, "one direction"),
        ({"start": 6}, "one of the 6 symbols"),
        ({"tied": True, "embedding": 3}, "3 numbers a symbol and the LSTM's output 5"),
        ({"tied": True, "cutoffs": (2,)}, "none to share"),
        ({"cutoffs": (4, 2)}, "must rise"),
        ({"cutoffs": (2, 6)}, "must rise"),
        ({"cutoffs": (2, 4)}, "leave none"),
    ],
)
def test_options_that_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        model(**options)


@pytest.mark.parametrize(
    ("text", "lengths", "message"),
    [
        ([[1, 6]], [2], "sequence 0 of the batch has the symbol 6 at step 1; the network knows 6, 0 to 5"),
        ([[1, 2], [-1, 2]], [2, 2], "sequence 1 of the batch has the symbol -1 at step 0"),
        ([[1, 2]], [0], "sequence 0 of the batch is empty"),
        ([[1, 2]], [3], "has 3 of 2 steps"),
    ],
)
def test_texts_that_are_refused(text, lengths, message):
    with pytest.raises(ValueError, match=message):
        model()(torch.tensor(text), torch.tensor(lengths))


def test_symbols_are_whole_numbers():
    with pytest.raises(TypeError, match="whole numbers"):
        model()(torch.rand(1, 2), torch.tensor([2]))


def test_a_vocabulary_of_one():
    network = model(1)
    assert list(generate(network, [0], length=3)) == [0, 0, 0]
    assert network.each(network(torch.zeros(1, 2, dtype=torch.long), torch.tensor([2])), torch.zeros(1, 2).long()) == 0


# ---- contiguous batches ----


class Watched(LanguageModel):
    """A language model that notes from what states it goes on."""

    def carry(self, input, lengths, state):
        self.notes.append((self.training, None if state is None else state[0].clone()))
        output, after = super().carry(input, lengths, state)
        self.notes.append(after[0].detach().clone())
        return output, after


def test_states_go_on_from_batch_to_batch_of_an_epoch():
    text = np.random.default_rng(0).integers(0, 4, 101)
    made = []

    def build():
        network = Watched(4, lstm={"hidden_size": 3})
        network.notes = []
        made.append(network)
        return network

    job = Job(build, Streams(text, 5, 8), Streams(text[:41], 5, 8))
    train(job, Options(0.01, batch_size=5, max_epochs=2))
    begun, left = made[0].notes[::2], made[0].notes[1::2]
    assert [state is None for _, state in begun] == [True, False, False, True] * 2  # 20 steps are 8 + 8 + 4, then 8
    assert [training for training, _ in begun] == [True, True, True, False] * 2
    for (_, state), before in zip(begun[1:], left, strict=False):
        assert state is None or torch.equal(state, before)


def test_streams_hold_every_symbol_once_and_refuse_too_short_a_text():
    text = np.arange(23)
    streams = Streams(text, 4, 3)
    parts = [streams.batch(np.arange(k, k + 4))[0]["input"] for k in range(0, len(streams), 4)]
    assert torch.cat(parts, 1).flatten().tolist() == list(range(20))
    inputs, targets = streams[5]
    assert torch.equal(targets, inputs["input"] + 1)
    with pytest.raises(ValueError, match="4 sequences, not 2"):
        streams.batch(np.array([0, 1]))
    with pytest.raises(ValueError, match="5 are needed"):
        Streams(text[:4], 4, 3)


# ---- generation ----


def test_generation_repeats_with_the_seed_and_leaves_the_network_as_it_was():
    network = model(20, start=0).train()
    said = [list(generate(network, [3, 4], length=30, seed=seed)) for seed in (1, 1, 2)]
    assert said[0] == said[1] != said[2]
    assert network.training
    stream = generate(network, [3, 4], length=30, seed=1)
    assert list(islice(stream, 7)) == said[0][:7]
    stream.close()
    assert network.training
    assert torch.is_grad_enabled()


@PARTS
def test_generation_follows_the_model_s_own_scores(cell):
    network = model(lstm={"cell": cell, "num_layers": 2})
    said = list(generate(network, [1, 2], length=8, sampling=Sampling(temperature=0)))
    text = torch.tensor([[1, 2, *said]])
    assert network.decode(network(text, torch.tensor([10])), torch.tensor([10]))[0][1:-1] == said


def test_generation_ends_and_excludes():
    network = model(4)
    free = list(generate(network, [1], length=50))
    assert set(free) == {0, 1, 2, 3}
    assert list(generate(network, [1], length=50, stop={3})) == free[: free.index(3)]
    assert 3 not in list(generate(network, [1], length=50, never=[3]))
    for wrong, message in (
        (([], {}), "no prompt"),
        (([9], {}), "knows 4 symbols, 0 to 3, not 9"),
        (([1], {"never": [0, 1, 2, 3]}), "all symbols are excluded"),
    ):
        with pytest.raises(ValueError, match=message):
            generate(network, wrong[0], length=3, **wrong[1])


def test_symbols_are_drawn_by_their_probabilities():
    chances, rng = np.array([0.5, 0.2, 0.2, 0.1]), np.random.default_rng(0)

    def shares(**options):
        draws = [Sampling(**options)(np.log(chances), rng) for _ in range(4000)]
        return np.bincount(draws, minlength=4) / 4000

    np.testing.assert_allclose(shares(), chances, atol=0.03)
    np.testing.assert_allclose(shares(temperature=0.5), chances**2 / (chances**2).sum(), atol=0.03)
    np.testing.assert_allclose(shares(top_k=2), [5 / 7, 2 / 7, 0, 0], atol=0.03)
    np.testing.assert_allclose(shares(top_p=0.6), [5 / 7, 2 / 7, 0, 0], atol=0.03)
    np.testing.assert_allclose(shares(top_p=0.5), [1, 0, 0, 0], atol=0.03)
    assert shares(temperature=0)[0] == shares(temperature=1e-300)[0] == 1
    for options in ({"temperature": -1.0}, {"temperature": float("nan")}, {"top_k": 0}, {"top_p": 0.0}, {"top_p": 1.1}):
        with pytest.raises(ValueError, match=next(iter(options))):
            Sampling(**options)

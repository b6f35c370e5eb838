"""Networks that say strings: beam search, decoders, and what is refused."""

import itertools

import numpy as np
import pytest
import torch

from carrousel.nets._beam import beam_search, greedy
from carrousel.nets.captioner import Captioner
from carrousel.nets.encoder_decoder import EncoderDecoder
from carrousel.nets.frames import FrameNet
from carrousel.nets.story_reader import StoryReader

KINDS = {
    "sutskever": {"lstm": {"hidden_size": 5, "num_layers": 2}},
    "cho": {"lstm": {"hidden_size": 5, "cell": "gru_cho"}, "fed": True, "maxout": 4, "reverse": False},
    "additive": {"lstm": {"hidden_size": 5, "bidirectional": True}, "attention": "additive"},
    "dot": {"lstm": {"hidden_size": 6, "proj_size": 4, "cell": "lstm"}, "attention": "dot"},
    "slstm": {"lstm": {"hidden_size": 4, "cell": "slstm", "bidirectional": True}, "fed": True, "attention": "dot"},
}
EVERY = pytest.mark.parametrize("kind", KINDS)


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def pair(kind, symbols=3, **options):
    """A network whose answers are not all alike, and ragged sources."""
    network = EncoderDecoder(4, symbols, **KINDS[kind] | options).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.mul_(3.0)
    return network, torch.randint(4, (3, 6)), torch.tensor([6, 2, 4])


def log_probability(network, source, length, answer):
    told = torch.tensor([answer], dtype=torch.long).view(1, -1)
    with torch.no_grad():
        output = network(source[None, :length], torch.tensor([length]), answer=told)
        return -float(network.each(output, told)[0])


@EVERY
@pytest.mark.parametrize("normalise", [0.0, 0.7, 1.0])
def test_a_wide_beam_is_an_exhaustive_search(kind, normalise):
    network, sources, lengths = pair(kind, 2)
    most = 4
    found = network.search(sources, lengths, width=2**most, most=most, normalise=normalise, best=3)
    strings = [s for n in range(most + 1) for s in itertools.product(range(2), repeat=n)]
    for source, length, best in zip(sources, lengths.tolist(), found, strict=True):
        every = {s: log_probability(network, source, length, s) for s in strings}
        ranked = sorted(strings, key=lambda s: -every[s] / (len(s) + 1) ** normalise)
        assert [tuple(one.symbols) for one in best] == ranked[:3]
        for one in best:
            assert one.log_probability == pytest.approx(every[tuple(one.symbols)], abs=1e-4)


def test_a_beam_that_ends_early_has_missed_nothing():
    """The same search with a step that counts: it ends when no string that goes on can win."""
    table = torch.tensor([[0.6, 0.2, 0.2], [0.1, 0.2, 0.7], [0.3, 0.3, 0.4]]).log()  # by the last symbol; 2 ends
    calls = []

    def step(symbols, state):
        calls.append(len(symbols))
        return table[symbols], state

    (best,) = beam_search(step, lambda state, rows: state, None, 1, end=2, width=8, most=30)
    assert best[0].symbols == []
    assert len(calls) < 10
    with pytest.raises(ValueError, match="width must be at least 1"):
        beam_search(step, lambda state, rows: state, None, 1, end=2, width=0, most=3)


@EVERY
def test_a_batch_is_searched_as_its_items_are(kind):
    network, sources, lengths = pair(kind)
    for width in (1, 3):
        together = network.search(sources, lengths, width=width, most=7)
        alone = [network.search(sources[k : k + 1, :n], lengths[k : k + 1], width=width, most=7) for k, n in
                 enumerate(lengths.tolist())]  # fmt: skip
        assert [one[0].symbols for one in together] == [one[0][0].symbols for one in alone]
        for a, b in zip(together, alone, strict=True):
            assert a[0].score == pytest.approx(b[0][0].score, abs=1e-4)


@EVERY
def test_the_greedy_string_is_what_decode_says_of_itself(kind):
    network, sources, lengths = pair(kind)
    said = network.translate(sources, lengths, most=5)
    width = max(map(len, said))
    answer = torch.tensor([one + [-1] * (width - len(one)) for one in said]).view(3, width)
    again = network.decode(network(sources, lengths, answer=answer), lengths)
    assert [one[: len(mine)] for one, mine in zip(again, said, strict=True)] == said


def test_greedy_drops_items_that_have_ended():
    calls = []

    def step(symbols, state):
        calls.append(len(symbols))
        ends = state <= 0
        return torch.stack([-ends.double(), ends.double() - 1], 1), state - 1

    said = greedy(step, lambda state, rows: state[rows], torch.tensor([1, 3, 0]), 3, end=1, most=9)
    assert said == [[0], [0, 0, 0], []]
    assert calls == [3, 2, 1, 1]


def test_states_are_handed_over_and_the_source_is_read_backward():
    network, sources, _ = pair("sutskever")
    source = network.encode(sources[:1], torch.tensor([6]))
    _, state = network.lstm(network.embedding(sources[:1].flip(1)))
    for given, left in zip(source.state, state, strict=True):
        torch.testing.assert_close(given, left)
    assert source.summary is None
    ragged = network.encode(sources, torch.tensor([6, 2, 4]))
    _, state = network.lstm(network.embedding(sources[1:2, :2].flip(1)))
    torch.testing.assert_close(ragged.state[0][:, 1:2], state[0])


def test_the_summary_is_fed_to_every_step_and_seen_by_the_maxout_layer():
    network, sources, lengths = pair("cho")
    assert network.decoder.lstm.input_size == 5 + 5  # a symbol's vector, and the summary
    assert network.decoder.deep.in_features == 5 + 5 + 5
    answer = torch.tensor([[0, 2], [1, 1], [2, -1]])
    source = network.encode(sources, lengths)
    before = network.decoder(source, answer)
    changed = network.decoder(type(source)(source.state, source.summary + 1.0), answer)
    assert not torch.isclose(before, changed).all(2).any()
    output = torch.randn(3, 1, 5)
    below = torch.randn(3, 1, 10)
    pairs = network.decoder.deep(torch.cat([output, below], 2))
    torch.testing.assert_close(
        network.decoder._above(output, below, source)[0], torch.maximum(pairs[..., ::2], pairs[..., 1::2])
    )


@pytest.mark.parametrize("kind", ["additive", "dot"])
def test_attention_sees_real_steps_in_the_source_s_order(kind):
    network, sources, lengths = pair(kind)
    answer = torch.tensor([[0, 2, 1], [1, 1, -1], [2, -1, -1]])
    weights = network.attended(sources, lengths, answer)
    assert weights.shape == (3, 4, 6)
    torch.testing.assert_close(weights.sum(2), torch.ones(3, 4))
    assert not weights[1, :, 2:].any()
    backward = EncoderDecoder(4, 3, **KINDS[kind] | {"reverse": False}).eval()
    backward.load_state_dict(network.state_dict())
    torch.testing.assert_close(
        weights[:1].flip(2), backward.attended(sources[:1].flip(1), lengths[:1], answer[:1]), atol=1e-5, rtol=1e-4
    )
    plain, *_ = pair("sutskever")
    with pytest.raises(ValueError, match="no attention"):
        plain.attended(sources, lengths, answer)


@EVERY
def test_scheduled_sampling_reads_its_own_symbols(kind, monkeypatch):
    network, sources, lengths = pair(kind)
    network.train()
    answer = torch.tensor([[0, 2, 1], [1, 1, -1], [2, -1, -1]])
    torch.testing.assert_close(network(sources, lengths, answer), network.eval()(sources, lengths, answer))
    network.train()
    network.sampling = 1e-12  # step by step, and never its own
    stepwise = network.each(network(sources, lengths, answer), answer)
    torch.testing.assert_close(stepwise, network.each(network.eval()(sources, lengths, answer), answer))
    network.train()
    network.sampling = 1.0
    monkeypatch.setattr(torch, "multinomial", lambda chances, count: chances.argmax(1, keepdim=True))
    said = network.decoder.decode(network(sources, lengths, torch.zeros(3, 5, dtype=torch.long)))
    assert said == [one[:6] for one in network.translate(sources, lengths, most=6)]
    network.eval()
    assert torch.equal(network(sources, lengths, answer), network(sources, lengths, answer))


def test_a_pair_learns_to_turn_strings_round():
    network = EncoderDecoder(3, 3, lstm={"hidden_size": 24}, embedding=8)
    optimiser = torch.optim.Adam(network.parameters(), 0.02)
    for _ in range(90):
        lengths = torch.randint(1, 4, (32,))
        source = torch.randint(3, (32, 3))
        inside = torch.arange(3) < lengths[:, None]
        answer = source.gather(1, (lengths[:, None] - 1 - torch.arange(3)).clamp(min=0)).masked_fill(~inside, -1)
        optimiser.zero_grad()
        network.each(network(source, lengths, answer), answer).mean().backward()
        optimiser.step()
    said = network.translate(torch.tensor([[0, 1, 2], [2, 1, 0]]), torch.tensor([3, 2]), width=3, most=5)
    assert said == [[2, 1, 0], [1, 2]]


def test_what_pairs_refuse():
    network, sources, lengths = pair("sutskever")
    answer = torch.tensor([[0], [1], [2]])
    for source, many, target, message in (
        (sources, [6, 0, 4], answer, "sequence 1 of the batch is empty"),
        (sources + 1, [6, 2, 4], answer, "knows 4, 0 to 3"),
        (sources, [6, 2, 4], answer + 1, "knows 3, 0 to 2"),
        (sources, [6, 2, 4], torch.tensor([[-1, 1], [0, 1], [0, -1]]), "goes on past its end"),
    ):
        if source is not sources:
            source = sources.clamp(min=3) + 1
        with pytest.raises(ValueError, match=message):
            network(source, torch.tensor(many), target)
    nothing = torch.zeros(3, 0, dtype=torch.long)  # an answer without symbols is an end, and can be learned
    assert network.each(network(sources, lengths, nothing), nothing).isfinite().all()
    with pytest.raises(ValueError, match="attention must be one of 'additive', 'dot' or None"):
        EncoderDecoder(4, 3, lstm={"hidden_size": 3}, attention="other")
    for symbols in ((0, 3), (3, 0)):
        with pytest.raises(ValueError, match="at least 1 symbol"):
            EncoderDecoder(*symbols, lstm={"hidden_size": 3})


# ---- captions ----


@pytest.mark.parametrize("every_step", [False, True])
def test_a_picture_is_given_once_or_at_every_step(every_step):
    network = Captioner(5, lstm={"hidden_size": 6}, embedding=3, every_step=every_step).eval()
    image = torch.rand(2, 3, 10, 12)
    words, lengths = torch.tensor([[1, 4, 2], [3, 0, 0]]), torch.tensor([3, 1])
    output = network(words, lengths, image)
    assert output.shape == (2, 4, 6)
    if not every_step:  # one long pass: the picture, the end that stands before the first word, the words
        decoder = network.decoder
        words = decoder.embedding(torch.tensor([[5, 1, 4, 2]] * 2))
        below = torch.cat([network.picture(network.encoder(image))[:, None], words], 1)
        torch.testing.assert_close(output[0], decoder.head(decoder.lstm(below)[0])[0, 1:])
    else:
        assert network.decoder.lstm.input_size == 6
    found = network.search(image, width=6**3, most=3, normalise=0.0)
    for row, best in zip(image, found, strict=True):
        every = [s for n in range(1, 4) for s in itertools.product(range(5), repeat=n)]
        captions = torch.tensor([[*s, *[0] * (3 - len(s))] for s in every])
        counts = torch.tensor([len(s) for s in every])
        targets = captions.masked_fill(torch.arange(3) >= counts[:, None], -1)
        losses = network.each(network(captions, counts, row.expand(len(every), -1, -1, -1)), targets)
        if best[0].symbols:
            assert tuple(best[0].symbols) == every[int(losses.argmin())]
        assert best[0].log_probability >= -float(losses.min().detach()) - 1e-5


def test_any_module_that_gives_a_vector_is_an_encoder():
    encoder = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 7))
    network = Captioner(5, lstm={"hidden_size": 4}, encoder=encoder, features=7)
    assert len(network.caption(torch.rand(2, 1, 4, 4), width=2, most=3)) == 2
    with pytest.raises(ValueError, match="say how many numbers"):
        Captioner(5, lstm={"hidden_size": 4}, encoder=encoder)
    wrong = Captioner(5, lstm={"hidden_size": 4}, encoder=torch.nn.Identity(), features=7)
    with pytest.raises(ValueError, match=r"\[2, 7\] is needed"):
        wrong.caption(torch.rand(2, 1, 4, 4))
    with pytest.raises(ValueError, match="one direction"):
        Captioner(5, lstm={"hidden_size": 4, "bidirectional": True})
    with pytest.raises(ValueError, match="is empty"):
        network(torch.zeros(1, 2, dtype=torch.long), torch.tensor([0]), torch.rand(1, 1, 4, 4))


# ---- frames ----


def test_the_loss_of_frames_is_their_negative_log_likelihood():
    network = FrameNet(3, lstm={"hidden_size": 4}).eval()
    piece = torch.randint(2, (1, 5, 3))
    output = network(piece[:, :-1].float(), torch.tensor([4]))
    chances = torch.sigmoid(output).double()
    bits = piece[:, 1:]
    wanted = -torch.where(bits > 0, chances, 1 - chances).log().sum(2).mean()
    assert float(network.each(output, bits)[0]) == pytest.approx(float(wanted), abs=1e-5)


def test_frames_are_played_in_a_closed_loop():
    network = FrameNet(6, lstm={"hidden_size": 4, "num_layers": 2}).train()
    begin = torch.randint(2, (3, 6)).float()
    drawn = [torch.stack(list(network.play(begin, length=6, seed=seed))) for seed in (1, 1, 2)]
    assert torch.equal(drawn[0], drawn[1])
    assert not torch.equal(drawn[0], drawn[2])
    assert network.training
    sure = torch.stack(list(network.play(begin, length=6, threshold=0.5)))
    again = network.eval()(torch.cat([begin, sure])[None], torch.tensor([9]))
    assert torch.equal((again[0, 2:-1] > 0).float(), sure)
    assert not torch.stack(list(network.play(begin, length=4, threshold=1.0))).any()
    cold = torch.stack(list(network.play(begin, length=6, temperature=1e-6)))
    assert torch.equal(cold, sure)  # what is more probable than not is sure then
    for wrong, options in (
        (begin[:0], {}),
        (begin[:, :4], {}),
        (begin, {"threshold": 1.5}),
        (begin, {"temperature": 0.0}),
    ):
        with pytest.raises(ValueError, match=r"begin with frames|threshold must be|temperature must be"):
            network.play(wrong, length=3, **options)
    with pytest.raises(ValueError, match="one direction"):
        FrameNet(6, lstm={"hidden_size": 4, "bidirectional": True})


# ---- stories ----


@pytest.mark.parametrize("bidirectional", [False, True])
def test_one_lstm_reads_the_question_after_the_story(bidirectional):
    network = StoryReader(6, 4, lstm={"hidden_size": 5, "bidirectional": bidirectional}).eval()
    story, question = torch.randint(6, (2, 7)), torch.tensor([[5, 1, 2], [3, -1, -1]])
    output = network(story, torch.tensor([7, 3]), question)
    whole = torch.cat([story[1, :3], question[1, :1]])[None]
    state = network.lstm(network.embedding(whole))[1][0]
    last = torch.cat([state[0], state[1]], 1) if bidirectional else state[0]
    torch.testing.assert_close(output[1:], network.head(last))
    assert network.answer(story, torch.tensor([7, 3]), question) == [[k] for k in output.argmax(1).tolist()]


def test_answers_may_be_strings():
    network = StoryReader(6, 4, lstm={"hidden_size": 5, "cell": "gru"}, apart=True, strings=True)
    story, lengths, question = torch.randint(6, (2, 7)), torch.tensor([7, 3]), torch.tensor([[5, 1], [3, -1]])
    said = network.answer(story, lengths, question, width=4, most=3)
    assert len(said) == 2
    assert all(len(one) <= 3 for one in said)
    with pytest.raises(ValueError, match="give the answers"):
        network(story, lengths, question)
    with pytest.raises(ValueError, match="question 1 of the batch is empty"):
        network.answer(story, lengths, torch.tensor([[5, 1], [-1, -1]]))
    with pytest.raises(ValueError, match="sequence 0 of the batch is empty"):
        network.answer(story, torch.tensor([0, 3]), question)
    with pytest.raises(ValueError, match="at least 1 word"):
        StoryReader(0, 4, lstm={"hidden_size": 5})


def test_stories_of_one_fact_are_learned():
    """Who was named last? The story names three, the question is always the same."""
    rng = np.random.default_rng(0)
    network = StoryReader(4, 3, lstm={"hidden_size": 12})
    optimiser = torch.optim.Adam(network.parameters(), 0.03)
    for _ in range(60):
        lengths = torch.from_numpy(rng.integers(1, 4, 16))
        story = torch.from_numpy(rng.integers(0, 3, (16, 3)))
        wanted = story.gather(1, lengths[:, None] - 1)[:, 0]
        optimiser.zero_grad()
        network.each(network(story, lengths, torch.full((16, 1), 3)), wanted).mean().backward()
        optimiser.step()
    said = network.answer(torch.tensor([[0, 1, 2], [1, 0, 0]]), torch.tensor([3, 1]), torch.tensor([[3], [3]]))
    assert said == [[2], [1]]

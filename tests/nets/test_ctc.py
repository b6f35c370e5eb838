"""CTC and its decoders, by all paths and all strings of small cases."""

import itertools

import numpy as np
import pytest
import torch

import carrousel
from carrousel.nets import _ctc
from carrousel.nets.tagger import NO_LABEL, Tagger
from carrousel.nets.transcriber import Transcriber

CASES = [(1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (6, 2)]  # steps, labels


def said(steps, labels, seed=0, sharp=1.0):
    values = sharp * np.random.default_rng(seed).normal(size=(steps, labels + 1))
    return values - np.logaddexp.reduce(values, axis=1, keepdims=True)


def by_paths(y):
    """The log probability of every string, by all paths that say it."""
    steps, outputs = y.shape
    found = {}
    for path in itertools.product(range(outputs), repeat=steps):
        string = tuple(_ctc.collapse(path, outputs - 1))
        total = sum(y[t, k] for t, k in enumerate(path))
        found[string] = np.logaddexp(found.get(string, -np.inf), total)
    return found


@pytest.mark.parametrize(("steps", "labels"), CASES)
def test_the_loss_is_the_sum_over_all_paths(steps, labels):
    y = said(steps, labels)
    found = by_paths(y)
    assert np.logaddexp.reduce(list(found.values())) == pytest.approx(0.0, abs=1e-12)
    for string, log_probability in found.items():
        target = torch.tensor([[*string] or [-1]])
        loss = _ctc.ctc(torch.from_numpy(y)[None], target)
        assert float(loss) == pytest.approx(-log_probability, abs=1e-10)


@pytest.mark.parametrize(("steps", "labels"), CASES)
@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("sharp", [0.3, 2.0])
def test_searches_find_the_most_probable_string(steps, labels, seed, sharp):
    y = said(steps, labels, seed, sharp)
    found = by_paths(y)
    highest = max(found.values())
    assert found[tuple(_ctc.prefix_search(y, threshold=1.0))] == pytest.approx(highest, abs=1e-12)
    assert found[tuple(_ctc.beam_search(y, width=10_000))] == pytest.approx(highest, abs=1e-12)
    assert found[tuple(_ctc.best_path(y))] <= highest + 1e-12


def test_the_best_path_is_not_the_best_string():
    """The example of the 2006 paper's kind: blanks are likeliest at both steps, and a label is likelier than none."""
    y = np.log([[0.4, 0.6], [0.4, 0.6]])
    assert _ctc.best_path(y) == []  # 0.36
    assert _ctc.prefix_search(y) == [0]  # 0.64
    assert _ctc.beam_search(y) == [0]


def test_certain_blanks_cut_a_sequence():
    parts = [said(4, 2, seed, 3.0) for seed in range(3)]
    blank = np.log([[1e-6, 1e-6, 1 - 2e-6]])
    whole = np.concatenate([parts[0], blank, blank, parts[1], blank, parts[2]])
    assert [part.shape[0] for part in _ctc.sections(whole, 0.9999)] == [4, 4, 4]
    each = [label for part in parts for label in _ctc.prefix_search(part, threshold=1.0)]
    assert _ctc.prefix_search(whole) == each
    assert _ctc.sections(np.repeat(blank, 5, axis=0), 0.9999) == []
    assert _ctc.prefix_search(np.repeat(blank, 5, axis=0)) == []


@pytest.mark.parametrize("seed", range(4))
def test_a_model_is_obeyed(seed):
    y = said(5, 2, seed, 1.0)
    found = by_paths(y)

    def model(prefix, label):  # twice as fond of 0 as of 1; ends after two labels
        if label is None:
            return 0.0 if len(prefix) == 2 else -5.0
        return np.log(2 / 3) if label == 0 else np.log(1 / 3)

    def score(string):
        spoken = sum(model(string[:k], label) for k, label in enumerate(string)) + model(string, None)
        return found[string] + 0.7 * spoken + 0.2 * len(string)

    best = max(found, key=score)
    assert tuple(_ctc.beam_search(y, width=10_000, model=model, weight=0.7, bonus=0.2)) == best


def test_prefix_search_of_a_long_sequence_ends():
    y = said(200, 10, 0, 4.0)
    assert isinstance(_ctc.prefix_search(y, limit=50), list)


def test_labels_that_need_more_steps_are_refused():
    network, batch, _ = Transcriber.example()
    assert _ctc.steps_needed([1, 1, 1]) == 5
    with pytest.raises(ValueError, match="item 1 of the batch: its 3 labels need 3 steps or more"):
        network.each(network(**batch), torch.tensor([[0, -1, -1], [0, 1, 2], [0, -1, -1]]))
    just = torch.tensor([[0, 0, 0], [0, -1, -1], [0, 1, 2]])  # five steps, one step, three steps
    losses = network.each(network(**batch), just)
    assert bool(losses.isfinite().all())
    losses.sum().backward()
    assert all(bool(weight.grad.isfinite().all()) for weight in network.parameters())
    with pytest.raises(ValueError, match="item 0"):
        network.each(network(**batch), torch.tensor([[0, 0, 0, 0], [0, -1, -1, -1], [0, -1, -1, -1]]))


def test_steps_past_an_end_change_nothing():
    network = Transcriber(2, 3, lstm={"hidden_size": 4}).eval()
    x, target = torch.randn(1, 6, 2), torch.tensor([[0, 2]])
    alone = network.each(network(x, torch.tensor([6])), target)
    beside = network(torch.cat([x, torch.zeros(1, 30, 2)], dim=1), torch.tensor([6]))
    torch.testing.assert_close(network.each(beside, target), alone)


@pytest.mark.parametrize(("stack", "every"), [(1, 1), (3, 1), (1, 2), (2, 3)])
def test_listening_says_what_reading_says(stack, every):
    torch.manual_seed(0)
    network = Transcriber(2, 3, stack=stack, every=every, lstm={"hidden_size": 6, "init": 2.0}).eval()
    with torch.no_grad():
        network.head.weight *= 8  # it says something, and not always the same
    x = 3 * torch.randn(240, 2)
    heard, state = [], None
    for frame in x:
        labels, state = network.listen(frame, state)
        assert len(labels) <= 1
        heard += labels
    assert len(heard) > 3
    assert network.decode(network(x[None], torch.tensor([240])), torch.tensor([240])) == [heard]
    with pytest.raises(ValueError, match="both directions"):
        Transcriber(2, 3, lstm={"hidden_size": 4, "bidirectional": True}).listen(x[0])


@pytest.mark.parametrize(
    "network",
    [
        Tagger(4, 3, delay=1, symbols=6, lstm={"hidden_size": 4}),
        Transcriber(4, 3, stack=2, symbols=6, lstm={"hidden_size": 4}),
    ],
    ids=lambda network: type(network).__name__,
)
def test_symbols_are_read_as_their_vectors_and_now_and_then_as_the_unknown_one(network):
    numbers, lengths = torch.tensor([[[1], [5], [2]], [[3], [0], [0]]]), torch.tensor([3, 1])
    network.eval()
    symbols, network.symbols = network.symbols, None
    by_vectors = network(symbols.vectors(numbers[:, :, 0]), lengths)
    network.symbols = symbols
    assert torch.equal(network(numbers, lengths), by_vectors)
    other = numbers.clone()
    other[1, 1:] = 4  # past the end
    assert torch.equal(network(other, lengths)[1, :1], by_vectors[1, :1])
    symbols.unknown = torch.tensor([0.0, 1.0, 0.0, 0.0, 0.0, 0.0])
    with_unknown = numbers.masked_fill(numbers == 1, 0)
    assert not torch.equal(network(with_unknown, lengths), by_vectors)
    assert torch.equal(network.train()(numbers, lengths), network.eval()(with_unknown, lengths))


@pytest.mark.parametrize(
    ("inputs", "hidden", "labels", "count"),
    [(26, 100, 61, 114_662), (39, 128, 12, 176_141), (25, 100, 80, 117_681), (4, 100, 80, 100_881)],
)
def test_weights_of_the_published_networks(inputs, hidden, labels, count):
    """CTC on TIMIT 2006, keywords 2007, two of on-line handwriting; the papers have one bias where torch has two."""
    network = Transcriber(inputs, labels, lstm={"hidden_size": hidden, "bidirectional": True, "cell": "peephole"})
    weights = {name: weight.numel() for name, weight in network.named_parameters() if "bias_hh" not in name}
    assert sum(weights.values()) == count


def test_a_delayed_tagger_answers_for_the_step_before():
    torch.manual_seed(0)
    network = Tagger(1, 2, delay=3, lstm={"hidden_size": 4}).eval()
    x = torch.randn(1, 8, 1)
    plain = Tagger(1, 2, lstm={"hidden_size": 4}).eval()
    plain.load_state_dict(network.state_dict())
    longer = torch.cat([x, torch.zeros(1, 3, 1)], dim=1)
    torch.testing.assert_close(network(x, torch.tensor([8])), plain(longer, torch.tensor([11]))[:, 3:])
    with pytest.raises(ValueError, match="both directions see"):
        Tagger(1, 2, delay=1, lstm={"hidden_size": 4, "bidirectional": True})
    with pytest.raises(ValueError, match="at least 0"):
        Tagger(1, 2, delay=-1, lstm={"hidden_size": 4})


def test_steps_without_a_label_count_in_no_loss():
    network = Tagger(1, 2, weights=torch.tensor([1.0, 3.0]), lstm={"hidden_size": 4}).eval()
    output = network(torch.randn(2, 4, 1), torch.tensor([4, 4]))
    target = torch.tensor([[0, NO_LABEL, 1, NO_LABEL], [NO_LABEL] * 4])
    losses = network.each(output, target)
    logs = output.log_softmax(2)
    assert float(losses[0].detach()) == pytest.approx(
        float(-(logs[0, 0, 0] + 3 * logs[0, 2, 1]).detach() / 2), rel=1e-5
    )
    assert float(losses[1].detach()) == 0.0


def test_a_transcriber_learns_to_spell():
    """Strings of pulses of three kinds at unknown times: after a little training nearly all are read."""
    torch.manual_seed(0)
    network = Transcriber(3, 3, lstm={"hidden_size": 16, "bidirectional": True, "forget_bias": 1.0})
    optimiser = torch.optim.Adam(network.parameters(), lr=0.02)
    assert isinstance(network.lstm, carrousel.LSTM)

    def draw(count):
        x, target = 0.1 * torch.randn(count, 20, 3), torch.full((count, 3), -1)
        for item in range(count):
            for k in range(int(torch.randint(1, 4, ()))):
                kind = int(torch.randint(3, ()))
                x[item, 6 * k + int(torch.randint(4, ())), kind] += 2.0
                target[item, k] = kind
        return x, torch.full((count,), 20), target

    for _ in range(120):
        x, lengths, target = draw(16)
        optimiser.zero_grad()
        network.each(network(x, lengths), target).mean().backward()
        optimiser.step()
    network.eval()
    x, lengths, target = draw(50)
    read = network.decode(network(x, lengths), lengths)
    assert sum(a == [k for k in b if k >= 0] for a, b in zip(read, target.tolist(), strict=True)) >= 45

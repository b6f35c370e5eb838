"""Small networks are trained and used on one thread, and the caller's setting comes back."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from carrousel.estimators import LSTMClassifier
from carrousel.training._threads import LARGE, threads_worth


@pytest.fixture
def three_threads():
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    yield
    torch.set_num_threads(before)


@pytest.mark.usefixtures("three_threads")
def test_only_small_work_is_done_by_one_thread() -> None:
    network = torch.nn.Linear(9, 10)  # 100 weights
    with threads_worth(network, LARGE / 100 - 1):
        assert torch.get_num_threads() == 1
    with threads_worth(network, LARGE / 100):
        assert torch.get_num_threads() == 3
    with pytest.raises(KeyError), threads_worth(network, 1):
        raise KeyError
    assert torch.get_num_threads() == 3


@pytest.mark.usefixtures("three_threads")
def test_training_uses_it() -> None:
    rng, seen = np.random.default_rng(0), set()
    X, y = rng.normal(size=(20, 5, 2)), np.arange(20) % 2
    model = LSTMClassifier(hidden_size=4, max_epochs=2, random_state=0)
    model.fit(X, y, progress=lambda _: seen.add(torch.get_num_threads()))
    assert 1 in seen
    assert torch.get_num_threads() == 3
    model.predict(X)
    assert torch.get_num_threads() == 3

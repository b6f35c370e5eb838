"""A run that is killed goes on to the same bits."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from carrousel.estimators import ESTIMATORS, LSTMClassifier, ModelError
from carrousel.training._checkpoint import RunState, read_checkpoint

from .conftest import fresh, outputs, pulses

EVERY = pytest.mark.parametrize("kind", ESTIMATORS, ids=lambda kind: kind.__name__)
NOISY = {"dropout": 0.3, "input_noise": 0.2, "random_state": 0}

# A training in a process of its own, which kills itself at the moment named on its command line, or is killed.
VICTIM = """
import os, signal, sys, time
import torch
torch.set_num_threads(1)
sys.path.insert(0, sys.argv[1])
from estimators.conftest import fresh
from carrousel import _atomic
from carrousel.estimators import LSTMClassifier

path, moment, when = sys.argv[2], sys.argv[3], int(sys.argv[4])
kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
written = 0

def half(handle, data, write=_atomic._write):  # half a file is written
    global written
    written += 1
    if written >= when:
        write(handle, data[: len(data) // 2])
        kill()
    write(handle, data)

if moment == "half":
    _atomic._write = half

def watch(progress):
    if moment == "batch" and progress.event == "batch" and progress.epoch == when and progress.batch == 2:
        kill()
    if moment == "outside":
        print(progress.epoch, flush=True)
        time.sleep(0.02)

estimator, data, _ = fresh(LSTMClassifier, dropout=0.3, input_noise=0.2, random_state=0)
estimator.fit(*data, checkpoint=path, resume=True, progress=watch)
print("finished", flush=True)
"""


def run_and_kill(path: Path, moment: str, when: int) -> None:
    tests = str(Path(__file__).parents[1])
    command = [sys.executable, "-c", VICTIM, tests, str(path), moment, str(when)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, "OMP_NUM_THREADS": "1"})
    if moment == "outside":
        for line in process.stdout:
            if int(line) >= when:
                break
        time.sleep(0.03)
        process.send_signal(signal.SIGKILL)
    process.communicate(timeout=100)
    assert process.returncode == -signal.SIGKILL


@pytest.mark.slow
def test_killed_again_and_again_ends_in_the_same_bits(tmp_path):
    path = tmp_path / "run.checkpoint"
    estimator, data, test = fresh(LSTMClassifier, **NOISY)
    whole = estimator.fit(*data)
    # Within an epoch; with half a checkpoint written; at no known moment.
    for moment, when, epochs in (("batch", 3, 2), ("half", 3, 4), ("outside", 6, None)):
        run_and_kill(path, moment, when)
        done = len(read_checkpoint(path)[0]["history"])
        assert done == epochs if epochs else 5 <= done < 8
    told = []
    resumed = fresh(LSTMClassifier, **NOISY)[0].fit(*data, checkpoint=path, resume=True, progress=told.append)
    assert told[0].epoch == done
    assert resumed.history_ == whole.history_
    assert resumed.best_epoch_ == whole.best_epoch_
    for name, weight in whole.network_.state_dict().items():
        assert torch.equal(weight, resumed.network_.state_dict()[name]), name
    assert np.array_equal(outputs(resumed, test), outputs(whole, test))
    whole.save(tmp_path / "whole")
    resumed.save(tmp_path / "resumed")
    for name in ("model.json", "model.safetensors"):
        assert (tmp_path / "whole" / name).read_bytes() == (tmp_path / "resumed" / name).read_bytes()


def interrupt(epoch):
    def watch(progress):
        if progress.event == "batch" and progress.epoch == epoch:
            raise KeyboardInterrupt

    return watch


@EVERY
def test_every_estimator_resumes(kind, tmp_path):
    path = tmp_path / "deep" / "run.checkpoint"
    estimator, data, test = fresh(kind, **NOISY)
    whole = outputs(estimator.fit(*data), test)
    broken, data, _ = fresh(kind, **NOISY)
    with pytest.raises(KeyboardInterrupt):
        broken.fit(*data, checkpoint=path, progress=interrupt(5))
    assert not hasattr(broken, "network_")
    torch.rand(3)
    np.random.rand(3)
    assert np.array_equal(outputs(fresh(kind, **NOISY)[0].fit(*data, checkpoint=path, resume=True), test), whole)


def test_without_a_seed_the_run_keeps_its_own(tmp_path):
    path = tmp_path / "run.checkpoint"
    options = {**NOISY, "random_state": None}
    estimator, data, _ = fresh(LSTMClassifier, **options)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(*data, checkpoint=path, progress=interrupt(3))
    seed = read_checkpoint(path)[0]["identity"]["seed"]
    resumed = fresh(LSTMClassifier, **options)[0].fit(*data, checkpoint=path, resume=True)
    assert resumed.seed_ == seed


def test_a_finished_run_resumes_to_itself(tmp_path):
    path = tmp_path / "run.checkpoint"
    for options in (NOISY, {**NOISY, "patience": 1, "max_epochs": 30}):
        estimator, (X, y), test = fresh(LSTMClassifier, **options)
        data = X, y if options is NOISY else np.roll(y, 1)  # labels without meaning: the validation loss soon rises
        whole = outputs(estimator.fit(*data, checkpoint=path), test)
        told = []
        again = fresh(LSTMClassifier, **options)[0].fit(*data, checkpoint=path, resume=True, progress=told.append)
        assert np.array_equal(outputs(again, test), whole)
        assert [p.event for p in told] == ["begin", "end"]
        assert told[-1].stopped_early == again.stopped_early_ == (options is not NOISY)


def test_it_starts_where_there_is_no_checkpoint_and_anew_without_resume(tmp_path):
    path = tmp_path / "run.checkpoint"
    estimator, data, test = fresh(LSTMClassifier, **NOISY)
    whole = outputs(estimator.fit(*data), test)
    for resume in (True, False):
        told = []
        model = fresh(LSTMClassifier, **NOISY)[0].fit(*data, checkpoint=path, resume=resume, progress=told.append)
        assert told[0].epoch == 0
        assert np.array_equal(outputs(model, test), whole)
    assert [p.name for p in tmp_path.iterdir()] == ["run.checkpoint"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    path = tmp_path_factory.mktemp("checkpoint") / "run.checkpoint"
    estimator, data, _ = fresh(LSTMClassifier, **NOISY)
    with pytest.raises(KeyboardInterrupt):
        estimator.fit(*data, checkpoint=path, progress=interrupt(3))
    return path


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"hidden_size": 9}, "another configuration: it was made with hidden_size=8 \\(now 9\\)"),
        ({"cell": "gru"}, "cell='lstm' \\(now 'gru'\\)"),
        ({"class_weight": {"late": 2.0}}, "class_weight=None"),
        ({"random_state": 1}, "checkpoint with seed"),
    ],
    ids=lambda value: next(iter(value)) if isinstance(value, dict) else "",
)
def test_another_configuration_is_refused(checkpoint, options, message):
    estimator, data, _ = fresh(LSTMClassifier, **NOISY | options)
    with pytest.raises(ModelError, match=message):
        estimator.fit(*data, checkpoint=checkpoint, resume=True)


def test_other_data_is_refused(checkpoint):
    estimator, (X, y), _ = fresh(LSTMClassifier, **NOISY)
    changed = [x.copy() for x in X]
    changed[7][2, 1] += 1e-9
    others = [(changed, y), (X[:-1], y[:-1]), (X, np.roll(y, 1)), pulses(seed=1)]
    for data in others:
        with pytest.raises(ModelError, match="run on other data"):
            estimator.fit(*data, checkpoint=checkpoint, resume=True)
    with pytest.raises(ModelError, match="run on other data"):
        estimator.fit(X, y, validation_data=(X[:3], y[:3]), checkpoint=checkpoint, resume=True)


def test_another_estimator_is_refused(checkpoint):
    estimator, data, _ = fresh(ESTIMATORS[1], **NOISY)
    with pytest.raises(ModelError, match="checkpoint of a LSTMClassifier, not of a LSTMRegressor"):
        estimator.fit(*data, checkpoint=checkpoint, resume=True)


@pytest.mark.parametrize("damage", ["truncated", "text", "foreign", "empty", "a folder", "older"])
def test_what_is_no_checkpoint_is_refused(checkpoint, tmp_path, damage):
    path = tmp_path / "run.checkpoint"
    if damage == "truncated":
        path.write_bytes(checkpoint.read_bytes()[:-100])
    elif damage == "text":
        path.write_text("no checkpoint at all, but long enough to have a header")
    elif damage == "foreign":
        save_file({"x": torch.ones(2)}, path)
    elif damage == "empty":
        path.touch()
    elif damage == "older":
        save_file({"x": torch.ones(2)}, path, {"format": "carrousel-checkpoint-1", "run": "{}"})
    else:
        path.mkdir()
    estimator, data, _ = fresh(LSTMClassifier, **NOISY)
    says = {"older": "has the format's number 1.*reads 2", "truncated": "cut off"}.get(damage, "run.checkpoint")
    with pytest.raises((ModelError, IsADirectoryError), match=says):
        estimator.fit(*data, checkpoint=path, resume=True)


def test_two_trainings_do_not_share_a_checkpoint(tmp_path):
    path = tmp_path / "run.checkpoint"
    refused = []

    def another(progress):
        if progress.event == "batch" and not refused:
            for resume in (True, False):
                with pytest.raises(BlockingIOError, match=r"is training with this checkpoint: .*run\.checkpoint"):
                    fresh(LSTMClassifier, **NOISY)[0].fit(*data, checkpoint=path, resume=resume)
            refused.append(progress)

    estimator, data, test = fresh(LSTMClassifier, **NOISY)
    whole = outputs(estimator.fit(*data, checkpoint=path, progress=another), test)
    assert refused
    again = fresh(LSTMClassifier, **NOISY)[0].fit(*data, checkpoint=path, resume=True)
    assert np.array_equal(outputs(again, test), whole)
    assert [p.name for p in tmp_path.iterdir()] == ["run.checkpoint"]


def test_where_it_cannot_be(tmp_path):
    estimator, data, _ = fresh(LSTMClassifier)
    with pytest.raises(IsADirectoryError, match="directory"):
        estimator.fit(*data, checkpoint=tmp_path)
    with pytest.raises(ValueError, match="resume=True needs checkpoint="):
        estimator.fit(*data, resume=True)


def test_every_field_of_the_state_is_in_the_file_or_follows_from_it(checkpoint):
    facts, arrays = read_checkpoint(checkpoint)
    assert set(facts) == {"identity", "history", "best_epoch", "order"}
    assert {"history", "best_epoch", "best_weights", "least", "epoch", "misses", "updates"} == set(vars(RunState()))
    assert len(facts["history"]) == 2
    kinds = {name.split(".")[0] for name in arrays}
    assert kinds == {"network", "best", "least", "optimizer", "random"}

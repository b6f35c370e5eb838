"""Small tables and quick trainings for the command line."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

QUICK = ["--epochs", "2", "--hidden-size", "4", "--batch-size", "8"]
TEXT = "the cat sat on the mat.\n" * 8
PAIRS = "".join(f"{word}\t{word.upper()}\n" for word in ("ab", "ba", "abb", "bab", "aab", "bba"))


@pytest.fixture(scope="session")
def table():
    """24 sequences of 4 to 9 steps, two channels; the class is the sign of the first channel's slope."""
    rng = np.random.default_rng(0)
    rows = []
    for k in range(24):
        up = k % 2
        for t in range(int(rng.integers(4, 10))):
            x = (t if up else -t) + rng.normal() * 0.3
            rows.append((f"s{k}", t, x, rng.normal(), "up" if up else "down", up + 0.1 * k))
    return pd.DataFrame(rows, columns=["id", "time", "x", "y", "label", "value"])


@pytest.fixture
def folder(tmp_path, monkeypatch, table):
    """A working directory with ``data.csv`` (classes), ``values.csv``, ``series.csv``, ``steps.csv`` (a label for every
    step), ``strings.npz``, ``text.txt`` and ``pairs.tsv``."""
    monkeypatch.chdir(tmp_path)
    table.drop(columns="value").to_csv("data.csv", index=False)
    table.drop(columns="label").to_csv("values.csv", index=False)
    wave = np.sin(np.arange(120) * 2 * np.pi / 12)
    when = pd.date_range("2020-01-01", periods=120, freq="D")
    pd.DataFrame({"date": when, "load": wave, "other": np.arange(120.0)}).to_csv("series.csv", index=False)
    (tmp_path / "text.txt").write_text(TEXT)
    (tmp_path / "pairs.tsv").write_text(PAIRS)
    steps = table[["id", "time", "x", "y"]].assign(label=np.where(table["x"] > 0, "up", "down"))
    steps.assign(person=steps["id"].str[-1]).to_csv("steps.csv", index=False)
    X = np.random.default_rng(0).normal(size=(24, 9, 1))
    np.savez("strings.npz", X=X, y=np.array(["ab", "ba", "a", "aba"] * 6), groups=np.arange(24) % 6, rate=50.0)
    return tmp_path


@pytest.fixture(scope="session")
def models(tmp_path_factory, table):
    """Trained once: ``classify``, ``regress``, ``forecast`` and ``generate`` models."""
    from carrousel.cli import main

    home = tmp_path_factory.mktemp("models")
    table.drop(columns="value").to_csv(home / "data.csv", index=False)
    table.drop(columns="label").to_csv(home / "values.csv", index=False)
    wave = pd.DataFrame({"time": np.arange(80), "load": np.sin(np.arange(80) * 2 * np.pi / 12)})
    wave.to_csv(home / "series.csv", index=False)
    data, values, series = (str(home / name) for name in ("data.csv", "values.csv", "series.csv"))
    assert main(["train", "classify", data, "-o", str(home / "classify"), *QUICK]) == 0
    assert main(["train", "regress", values, "--label", "value", "-o", str(home / "regress"), *QUICK]) == 0
    arguments = ["--horizon", "4", "--context", "12", "-o", str(home / "forecast"), *QUICK]
    assert main(["train", "forecast", series, *arguments]) == 0
    (home / "text.txt").write_text(TEXT)
    assert main(["train", "generate", str(home / "text.txt"), "-o", str(home / "generate"), *QUICK]) == 0
    _agent().save(home / "agent")
    return home


def _agent():
    """An agent of a T-maze that was never taught."""
    from carrousel.learning import Advantage, Learner
    from carrousel.learning.online import Network

    network = Network(3, 4, blocks=2, hidden=3, forget_gates=True, peepholes=True, unit_squash="identity")
    return Advantage(Learner(network, dtype=np.float64, seed=1), temperature=0.3)


@pytest.fixture
def run(capsys):
    """``run("cells", "--json")`` in this process: exit code, standard output, standard error."""

    def call(*words):
        from carrousel.cli import main

        capsys.readouterr()
        code = main([str(word) for word in words])
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def refused(run, tmp_path):
    """Asserts exit code 2, nothing on standard output, one or two lines on standard error with these words in them, and
    that nothing was written; returns the message."""

    def call(*words, says=()):
        before = listing(tmp_path)
        code, out, err = run(*words)
        assert (code, out) == (2, ""), (code, out, err)
        assert 1 <= len(err.splitlines()) <= 2, err
        assert err.startswith("carrousel: "), err
        for word in says:
            assert word in err, err
        assert listing(tmp_path) == before
        return err

    return call


def listing(folder):
    """All that is there; what a killed process held locked is taken away by whoever comes next."""
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*") if p.suffix != ".lock")


def process(*words, **options):
    """The command line as a process of its own."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "COLUMNS": "100", **options.pop("env", {})}
    return subprocess.Popen(
        [sys.executable, "-m", "carrousel", *map(str, words)],
        stdout=subprocess.PIPE,
        stderr=options.pop("stderr", subprocess.PIPE),
        text=True,
        env=environment,
        **options,
    )

"""``carrousel bench``: what is printed, written, and returned."""

import json

import pytest
import torch

from carrousel import bench, engine
from carrousel.bench import _models, _online
from carrousel.bench._online import Figure


@pytest.fixture
def quick(run, tmp_path):
    def call(*words):
        return run("bench", "--quick", "--only", "lstm inference 100x1x32x32", "--only", "lstm step", *words)

    return call


def test_a_run(quick, tmp_path):
    before = torch.get_num_threads()
    code, out, _ = quick("--threads", 1, "--json", tmp_path / "figures.json")
    assert code == 0
    about, table, *_ = out.split("\n\n")
    head, (columns, *rest) = about.splitlines()[0], table.splitlines()
    assert head.startswith(f"torch {torch.__version__}, 1 threads, measured peak ")
    assert head.endswith(f", kernels in {bench.instructions()}")
    assert columns.split()[:2] == ["workload", "time"]
    assert [line.split("  ")[0] for line in rest[:2]] == ["lstm inference 100x1x32x32", "lstm step 1x1x128x128"]
    assert rest[0].split()[-1] == "cpu"
    assert "one step: time / LSTMCell's" in out
    assert torch.get_num_threads() == before
    said = json.loads((tmp_path / "figures.json").read_text())
    assert said["threads"] == 1
    assert [row["workload"]["name"] for row in said["rows"]] == [line.split("  ")[0] for line in rest[:2]]
    assert all(row["failure"] is None and row["ratios"]["torch"] > 0 and row["gflops"] > 0 for row in said["rows"])
    assert {target["figure"]: target["reached"] for target in said["targets"]}[
        "lstm, forward + backward: the lowest of the seven shapes"
    ] is None


@pytest.mark.parametrize(
    ("column", "says"),
    [
        ("AVX2", "targets for AVX2 and two threads; there were 1:"),
        ("vectors of 16 bytes", "targets for AVX2, which are not meant for this CPU (vectors of 16 bytes), and two"),
    ],
)
def test_targets_are_those_of_the_instruction_set(quick, monkeypatch, column, says):
    monkeypatch.setattr(bench, "instructions", lambda: column)
    monkeypatch.setattr(bench, "note_on_width", lambda: "kernels are narrowed")
    monkeypatch.setattr(bench._targets, "instructions", lambda: column)
    _, out, _ = quick("--threads", 1)
    assert f"kernels in {column}\nkernels are narrowed\n" in out
    assert says in out


def test_the_online_rule(run, monkeypatch):
    figures = [Figure("share", 60.0, "%", "of what the cache allows"), Figure("compiled to eager", 500.0, "times", "")]
    monkeypatch.setattr(_online, "benchmarks", lambda say, repeats: [say(figure) for figure in figures])
    code, out, _ = run("bench", "online")
    assert code == 0
    assert out.splitlines()[-1] == "share, %   60.00  (wanted >= 50)  reached"
    _, out, _ = run("bench", "online", "--json")
    said = json.loads(out)
    assert [figure["value"] for figure in said["figures"]] == [60, 500]
    assert [(target["target"], target["reached"]) for target in said["targets"]] == [(50, True)]


def test_models(run, refused, monkeypatch):
    figures = [Figure("multidimensional LSTM, 14 x 14", 5.5, "times", "eager torch's time / ours")]
    given = []
    monkeypatch.setattr(_models, "model_figures", lambda say, seconds: given.append(seconds) or say(figures[0]))
    code, out, _ = run("bench", "models", "--seconds", "0.5")
    assert (code, given) == (0, [0.5])
    assert "eager torch's time / ours" in out.splitlines()[0]
    assert out.splitlines()[-1] == "multidimensional LSTM, 14 x 14, times    5.50  (wanted >= 10)  FALLS SHORT"
    said = json.loads(run("bench", "models", "--json")[1])
    assert [(target["value"], target["reached"]) for target in said["targets"]] == [(5.5, False)]
    refused("bench", "models", "--seconds", "-1", says=["--seconds"])
    refused("bench", "models", "--seconds", "inf", says=["--seconds"])


def test_wrong_results_have_no_figures(quick, monkeypatch, tmp_path):
    run_layer = engine.run

    def wrong(*args, **kwargs):
        result = run_layer(*args, **kwargs)
        return result._replace(output=result.output + 1e-3)

    monkeypatch.setattr(engine, "run", wrong)
    code, out, err = quick("--json", tmp_path / "figures.json")
    assert code == 1
    (line,) = (line for line in out.splitlines() if line.startswith("lstm inference"))
    assert line.split("  ")[0] == "lstm inference 100x1x32x32"
    assert line.endswith("  WRONG: output is wrong by 1.0e-03, more than 2e-06")
    assert line.count(".") == 1
    assert "1 of 2 workloads are wrong" in err
    row = json.loads((tmp_path / "figures.json").read_text())["rows"][0]
    assert (row["seconds"], row["gflops"], row["ratios"]) == (None, None, {})


def test_refusals(refused, tmp_path):
    refused("bench", "--only", "gru", says=["--only", "no workload is 'gru'"])
    refused("bench", "--threads", "0", says=["threads"])
    refused("bench", "--threads", "100000", says=["--threads 100000", "processors"])
    refused("bench", "--json", tmp_path, says=["--json", "this is a directory"])
    refused("bench", "--json", tmp_path / "not" / "there.json", says=["--json", "cannot be written"])

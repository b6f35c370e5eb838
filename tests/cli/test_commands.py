"""What each command does on good data."""

import json

import numpy as np
import pandas as pd
import pytest

from carrousel import cells, estimators

from .conftest import QUICK


def test_train_says_how_it_went(folder, run):
    code, out, err = run("train", "classify", "data.csv", *QUICK)
    assert code == 0, err
    assert (
        err.splitlines()[0] == "data.csv: 20 sequences of 4 to 9 steps, 2 channels, 2 classes; 4 more are held out "
        "for the report"
    )
    assert [line.split()[:2] for line in err.splitlines()[1:]] == [["epoch", "1/2"], ["epoch", "2/2"]]
    assert "logistic regression" in out
    assert out.rstrip().endswith("saved: data-model/")
    assert sorted(p.name for p in (folder / "data-model").iterdir()) == ["model.json", "model.safetensors"]
    assert not (folder / "data-model.checkpoint").exists()


def test_train_json_and_options(folder, run):
    words = ["--cell", "gru", "--layers", "2", "--one-direction", "--lr", "0.01", "--set", "zoneout=0.1", "--seed", "3"]
    code, out, err = run("train", "classify", "data.csv", "-o", "deep/er/model", "--json", *words, *QUICK)
    assert code == 0, err
    said = json.loads(out)
    assert said["model"] == "deep/er/model"
    assert said["epochs"] == 2
    assert said["report"]["task"] == "classification"
    model = estimators.load("deep/er/model")
    kept = {k: model.get_params()[k] for k in ("cell", "num_layers", "bidirectional", "learning_rate", "zoneout")}
    assert kept == {"cell": "gru", "num_layers": 2, "bidirectional": False, "learning_rate": 0.01, "zoneout": 0.1}
    assert model.channel_names_ == ["x", "y"]
    assert model.random_state == 3


def test_the_same_seed_gives_the_same_bytes(folder, run):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        assert run("train", "classify", "data.csv", "-o", name, "--seed", seed, *QUICK)[0] == 0
    one, same, other = ((folder / n / "model.safetensors").read_bytes() for n in "abc")
    assert one == same != other


def test_command_and_python_are_the_same_call(folder, run):
    from carrousel.data import hold_out, load_sequences

    assert run("train", "classify", "data.csv", "-o", "a", *QUICK)[0] == 0
    train, _ = hold_out(load_sequences("data.csv"), 0.2, seed=0)
    model = estimators.LSTMClassifier(hidden_size=4, max_epochs=2, batch_size=8, random_state=0)
    model.fit(train.X, train.y, channel_names=list(train.channels)).save("b")
    assert (folder / "a" / "model.safetensors").read_bytes() == (folder / "b" / "model.safetensors").read_bytes()


def test_holding_out(folder, run):
    code, out, err = run("train", "classify", "data.csv", "-o", "all", "--holdout", "0", "--json", *QUICK)
    assert code == 0
    assert json.loads(out)["report"] is None
    assert "24 sequences" in err
    code, out, err = run("train", "classify", "data.csv", "-o", "other", "--test", "data.csv", "--json", *QUICK)
    assert code == 0
    assert json.loads(out)["report"]["count"] == 24
    assert "24 sequences" in err


def test_evaluate(folder, models, run):
    for model, data, words in (
        ("classify", "data.csv", []),
        ("regress", "values.csv", ["--label", "value"]),
        ("forecast", models / "series.csv", []),
    ):
        code, out, err = run("evaluate", models / model, data, *words)
        assert code == 0, err
        code, out, err = run("evaluate", models / model, data, "--json", *words)
        assert code == 0, err
        report = json.loads(out)["report"]
        assert {s["simple"] for s in report["scores"]} == {True, False}
        assert report["verdict"]
    assert report["count"] == 13  # forecast: origins in the 16 steps that were not trained on, 4 steps each


def test_predict_classes(folder, models, run):
    code, out, _ = run("predict", models / "classify", "data.csv")
    assert code == 0
    (folder / "said.csv").write_text(out)
    said = pd.read_csv("said.csv")
    assert list(said.columns) == ["id", "prediction", "probability down", "probability up"]
    assert list(said["id"]) == [f"s{k}" for k in range(24)]
    np.testing.assert_allclose(said[["probability down", "probability up"]].sum(axis=1), 1, atol=1e-5)
    chosen = np.where(said["probability up"] > said["probability down"], "up", "down")
    assert list(said["prediction"]) == list(chosen)
    code, out, _ = run("predict", models / "classify", "data.csv", "--json")
    assert [row["id"] for row in json.loads(out)["predictions"]] == list(said["id"])


def test_predict_needs_no_labels_and_finds_channels_by_name(folder, models, run):
    _, whole, _ = run("predict", models / "classify", "data.csv")
    table = pd.read_csv("data.csv")
    table.assign(extra="words")[["extra", "y", "time", "x", "id"]].to_csv("bare.csv", index=False)
    code, out, err = run("predict", models / "classify", "bare.csv")
    assert code == 0, err
    assert out == whole


def test_predict_values_and_steps_into_files(folder, models, run):
    code, out, _ = run("predict", models / "regress", "values.csv", "-o", "deep/said.parquet")
    assert code == 0
    assert out == "24 predictions: deep/said.parquet\n"
    assert list(pd.read_parquet("deep/said.parquet").columns) == ["id", "prediction"]
    code, out, _ = run("predict", models / "forecast", models / "series.csv", "-o", "said.csv", "--json")
    assert code == 0
    said = pd.read_csv("said.csv")
    assert list(said["time"]) == [80, 81, 82, 83]
    assert list(said.columns[1:]) == ["quantile 0.1", "quantile 0.5", "quantile 0.9"]
    assert json.loads(out)["out"] == "said.csv"
    assert not list(folder.glob(".*"))


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_known_columns_of_the_future(folder, run, steps):
    words = ["--target", "load", "--known", "other", "--horizon", str(steps), "--context", "6", "-o", "m"]
    code, _, err = run("train", "forecast", "series.csv", *words, *QUICK)
    assert code == 0, err
    code, _, err = run("predict", "m", "series.csv")
    assert code == 2
    assert "future" in err
    days = ["2020-04-30", "2020-05-01", "2020-05-02"][:steps]
    (folder / "ahead.csv").write_text("date,other\n" + "".join(f"{day},120\n" for day in days))
    code, out, err = run("predict", "m", "series.csv", "--future", "ahead.csv")
    assert code == 0, err
    assert [line.split(",")[0] for line in out.splitlines()] == ["time", *days]


def test_missing_values(folder, models, run, refused):
    """They are the estimator's matter, or filled while reading for a model that was trained without any."""
    table = pd.read_csv("series.csv")
    table.loc[[3, 7], "load"] = None
    table.drop(index=11).to_csv("gaps.csv", index=False)
    words = ["--target", "load", "--horizon", "3", "--context", "6", "-o", "m", *QUICK]
    refused("train", "forecast", "gaps.csv", *words, says=["row 4, column load", "--fill interpolate, last or mask"])
    code, _, err = run("train", "forecast", "gaps.csv", *words, "--fill", "last")
    assert code == 0, err
    assert "read gaps.csv: 1 row and 2 values missing, left to the model" in err
    code, _, err = run("evaluate", "m", "gaps.csv", "--fill", "interpolate")
    assert code == 0, err
    refused("predict", models / "classify", "data.csv", "--fill", "mask", says=["trained without missing values"])


def test_an_estimator_is_told_how_missing_values_are_filled():
    from carrousel.cli._models import read
    from carrousel.cli._options import AnyColumns
    from carrousel.cli._series_parts import SeriesOptions

    class Estimator:
        fill = None

        def get_params(self):
            return {"fill": self.fill}

        def set_params(self, fill):
            self.fill = fill

        def read(self, source, *, fill=None, **options):
            return fill

    model = Estimator()
    assert SeriesOptions(horizon=3, fill="mask").parameters()["fill"] == "mask"
    model.set_params(fill="last")
    assert read(model, "data.csv", AnyColumns(), None, []) == "mask"
    assert read(model, "data.csv", AnyColumns(fill="mask"), None, []) == "mask"
    assert read(model, "data.csv", AnyColumns(fill="last"), None, []) == "last"


@pytest.mark.parametrize(
    ("model", "data", "drawn"),
    [
        ("classify", "data.csv", ["confusion", "gates", "learning-curve"]),
        ("regress", "values.csv", ["gates", "learning-curve", "values"]),
        ("forecast", "series.csv", ["forecast", "gates", "learning-curve"]),
    ],
)
def test_inspect(folder, models, run, model, data, drawn):
    words = ["--label", "value"] if model == "regress" else []
    code, out, err = run("inspect", models / model, models / data, "-o", "pictures", *words)
    assert code == 0, err
    assert sorted(p.name for p in (folder / "pictures").iterdir()) == [f"{name}.png" for name in drawn]
    assert sorted(out.splitlines()) == [f"pictures/{name}.png" for name in drawn]
    for path in (folder / "pictures").iterdir():
        assert path.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("model", "data", "states", "words"),
    [
        ("classify", "data.csv", set(), []),
        ("regress", "values.csv", set(), ["--label", "value"]),
        ("forecast", "series.csv", {"lstm.h", "lstm.c"}, []),
    ],
)
def test_analyse_gradients(folder, models, run, model, data, states, words):
    arguments = [models / model, models / data, "-o", "flow.png", "--count", "5", *words]
    code, out, err = run("analyse", "gradients", *arguments, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["norms"].keys() >= {"input", *states}
    assert all(len(norms) == len(found["sequences"]) for norms in found["norms"].values())
    assert found["sequences"][0] == 5
    assert (folder / "flow.png").stat().st_size > 5000
    code, out, err = run("analyse", "gradients", *arguments)
    assert code == 0, err
    assert out.splitlines()[0].split()[:3] == ["steps", "back", "sequences"]
    assert out.splitlines()[-1] == "flow.png"


def test_analyse_gradients_of_labels(folder, models, run, refused):
    quick = ["--epochs", "1", "--hidden-size", "4"]
    for command, data in (("tag", "steps.csv"), ("transcribe", "strings.npz")):
        assert run("train", command, data, "-o", command, *quick)[0] == 0
        code, out, err = run("analyse", "gradients", command, data, "-o", f"{command}.png", "--count", "3", "--json")
        assert code == 0, err
        assert json.loads(out)["sequences"][0] == 3
    (folder / "words.conll").write_text("the D\ndog N\n\nit P\nbarks V\n\na D\ncat N\n")
    assert run("train", "tag", "words.conll", "-o", "words", *quick, "--holdout", "0")[0] == 0
    refused("analyse", "gradients", "words", "words.conll", says=["words.conll", "of symbols"])
    refused(
        "analyse",
        "gradients",
        models / "generate",
        models / "text.txt",
        says=["not measured of a model of LSTMGenerator"],
    )


def test_act(folder, models, run, refused):
    code, out, err = run("act", models / "agent", "--world", "t-maze", "--length", "5", "--episodes", "7", "--json")
    assert code == 0, err
    found = json.loads(out)
    assert (found["episodes"], found["choices"], found["world"]) == (7, {"length": 5}, "t-maze")
    assert found["steps"]["least"] >= 6
    assert 0 <= found["ended_well"] <= 1
    again = run("act", models / "agent", "--length", "5", "--episodes", "7", "--json")[1]
    assert again == out, "the same seed, and the default world"
    code, out, err = run("act", models / "agent", "--set", "noisy=true", "--set", "length=2", "--seed", "3")
    assert code == 0, err
    assert "t-maze, noisy True, length 2: 100 episodes" in out
    for words, says in (
        (["--world", "t-mase"], ["no such world", "the nearest is 't-maze'"]),
        (["--world", "maze-89"], ["3 inputs, and this world wants 4"]),
        (["--world", "t-maze", "--set", "width=3"], ["has no 'width'", "length, noisy, limit"]),
        (["--set", "length=1.5"], ["length must be a whole number"]),
        (["--length", "3", "--set", "length=4"], ["given twice"]),
        (["--set", "length"], ["write NAME=VALUE"]),
        (["--greedy", "--length", "40", "--longest", "30"], ["has not ended after 30 steps"]),
    ):
        refused("act", models / "agent", *words, says=says)
    refused("act", models / "data.csv", says=["cannot be read as an agent"])
    refused("act", folder / "nowhere", says=["nowhere"])


def test_inspect_an_agent(folder, models, run, refused):
    """What its units hold in two episodes that begin differently."""
    words = ["--world", "t-maze", "--length", "3", "-o", "p", "--json", "--steps", "8"]
    code, out, err = run("inspect", models / "agent", *words)
    assert code == 0, err
    found = json.loads(out)
    assert [len(found["episodes"]), found["pictures"]] == [2, ["p/episodes.png"]]
    assert max(each["steps"] for each in found["episodes"]) <= 8
    assert (folder / "p" / "episodes.png").stat().st_size > 10_000
    for words, says in (
        (["data.csv"], ["is an agent", "reads no data: data.csv"]),
        (["--sequence", "s1"], ["--sequence:", "reads no data"]),
        (["--world", "maze-89"], ["3 inputs, and this world wants 4"]),
    ):
        refused("inspect", models / "agent", *words, says=says)
    refused("inspect", models / "classify", says=["DATA is missing"])
    refused("inspect", models / "classify", "data.csv", "--world", "t-maze", says=["--world: for agents"])


def test_act_in_a_world_of_gymnasium(models, run, refused, tmp_path):
    pytest.importorskip("gymnasium")
    from carrousel.learning import PolicyGradient

    PolicyGradient(4, 2, hidden=3).save(tmp_path / "pole")
    code, out, err = run("act", tmp_path / "pole", "--world", "CartPole-v1", "--episodes", "2", "--json")
    assert code == 0, err
    assert json.loads(out)["return"]["least"] >= 1
    refused("act", tmp_path / "pole", "--world", "CartPoleX-v1", says=["CartPoleX"])


def test_inspect_without_labels_and_with_a_chosen_sequence(folder, models, run):
    pd.read_csv("data.csv").drop(columns="label").to_csv("bare.csv", index=False)
    words = ["--sequence", "s3", "-o", "p", "--json"]
    code, out, err = run("inspect", models / "classify", "bare.csv", *words)
    assert code == 0, err
    assert json.loads(out)["pictures"] == ["p/gates.png", "p/learning-curve.png"]


def test_cells(run):
    code, out, _ = run("cells")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()[1:]] == list(cells)
    code, out, _ = run("cells", "--json")
    said = {row["name"]: row for row in json.loads(out)["cells"]}
    assert said["lstm"]["gates"] == ["i", "f", "o"]
    assert said["lstm"]["candidates"] == ["g"]
    assert all(row["about"] for row in said.values())


def test_help(run):
    code, out, _ = run()
    assert code == 0
    assert out == run("--help")[1]
    for words in (["train", "classify"], ["train", "regress"], ["train", "forecast"], ["evaluate"], ["predict"],
                  ["inspect"], ["cells"]):  # fmt: skip
        code, out, _ = run(*words, "--help")
        assert code == 0
        assert "Examples:\n    carrousel " in out
    assert run("--version")[1].startswith("carrousel ")


@pytest.mark.parametrize("job", ["classify", "regress", "forecast"])
def test_the_defaults_in_the_help_are_the_estimators(run, job):
    import inspect

    estimator = {
        "classify": estimators.LSTMClassifier,
        "regress": estimators.LSTMRegressor,
        "forecast": estimators.LSTMForecaster,
    }[job]
    defaults = {name: p.default for name, p in inspect.signature(estimator).parameters.items()}
    told = " ".join(run("train", job, "--help")[1].split())
    direction = "bidirectional" if defaults["bidirectional"] else "one-direction"
    assert f"read sequences in both directions [default: {direction}]" in told
    for option, name in (
        ("--hidden-size <int>", "hidden_size"),
        ("--layers <int>", "num_layers"),
        ("--cell <str>", "cell"),
        ("--dropout <float>", "dropout"),
        ("--epochs <int>", "max_epochs"),
        ("--patience <int>", "patience"),
        ("--batch-size <int>", "batch_size"),
        ("--lr <float>", "learning_rate"),
    ):
        said = told.split(option)[1].split("[default: ")[1].split("]")[0]
        assert said == str(defaults[name]), name


@pytest.mark.parametrize(("command", "label"), [("classify", "label"), ("regress", "value")])
def test_groups_stay_together_and_weights_count(folder, run, table, command, label):
    """What the command trains is what ``fit`` does with the same groups and weights."""
    from carrousel.data import hold_out, load_sequences

    persons = table.assign(person=table["id"].str[-1], counts=1.0 + (table["id"] > "s2"))
    persons.drop(columns={"label", "value"} - {label}).to_csv("persons.csv", index=False)
    beside = ["--groups", "person", "--sample-weight", "counts", "--label", label]
    code, out, err = run("train", command, "persons.csv", *beside, "-o", "m", "--json", *QUICK)
    assert code == 0, err
    data = load_sequences("persons.csv", group="person", sample_weight="counts", label=label)
    train, test = hold_out(data, 0.2, seed=0)
    assert not {name[-1] for name in train.ids} & {name[-1] for name in test.ids}
    assert json.loads(out)["report"]["count"] == len(test)
    kind = {"classify": estimators.LSTMClassifier, "regress": estimators.LSTMRegressor}[command]
    model = kind(hidden_size=4, max_epochs=2, batch_size=8, random_state=0)
    y = train.y if command == "classify" else train.values()
    names = list(train.channels)
    model.fit(train.X, y, sample_weight=train.weights, groups=train.groups, channel_names=names).save("same")
    assert (folder / "m" / "model.safetensors").read_bytes() == (folder / "same" / "model.safetensors").read_bytes()
    # Later data need neither column, and a test part none.
    table.drop(columns={"label", "value"} - {label}).to_csv("bare.csv", index=False)
    assert run("evaluate", "m", "bare.csv", "--label", label)[0] == 0
    code, _, err = run("train", command, "persons.csv", *beside, "--test", "bare.csv", "-o", "n", *QUICK)
    assert code == 0, err

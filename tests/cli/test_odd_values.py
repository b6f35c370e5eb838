"""Every option of every command with values of every wrong kind: a result, or exit code 2 and a line."""

import inspect
import itertools
import random
import typing

import pytest
import typer
from damage import one_more, rounds

from carrousel import estimators
from carrousel.cli.app import app

from .conftest import QUICK

ODD = [
    *(
        "",
        " ",
        "x",
        "é",
        "\ud800",
        "\x00",
        "\x1b[2J",
        "a\nb\nc",
        "x" * 3000,
        "a,b",
        ",",
        "=",
        "-",
        "..",
        "[",
        "[" * 10**5,
    ),
    *("-1", "0", "7", "1.5", "1e-30", "1e30", "1e999", "9" * 30, "-" + "9" * 30, "9" * 400, "9" * 5000, "１", "0x10"),
    *(
        "nan",
        "inf",
        "-inf",
        "NaN",
        "Infinity",
        "[NaN]",
        "[1e999]",
        "null",
        "true",
        "None",
        "[]",
        "{}",
        "[1, 2]",
        "[[1]]",
    ),
    *('"x"', '["x", 2]', "[null]", '{"up": "x"}', '{"up": 1e999, "down": -1}', '["candidate", 2]', "[0.1, 0.9]"),
    *("lstm(", "elman(squash=5)", "elman(squash=relu, squash=tanh)", "elman(squash=)", "elman()", "()", "lstm()()"),
    *("cuda:99", "meta", "cpu:-1", "1kB", "any", "data.csv", "series.csv", "."),
]  # what would be accepted is small: the options that it is given to are sizes


def commands(group, path=()):
    """The words of every command, and its function."""
    for command in group.registered_commands:
        yield (*path, command.name), command.callback
    for below in group.registered_groups:
        if below.typer_instance.registered_callback:
            yield (*path, below.name), below.typer_instance.registered_callback.callback
        yield from commands(below.typer_instance, (*path, below.name))


def options(function):
    """The options of a command that take a value; what stands alone is given none."""
    for parameter in inspect.signature(function, eval_str=True).parameters.values():
        if typing.get_origin(parameter.annotation) is not typing.Annotated:
            continue
        kind, option = typing.get_args(parameter.annotation)[:2]
        if not isinstance(option, typer.models.OptionInfo):
            continue
        flags = [word for word in (option.default, *(option.param_decls or ())) if str(word).startswith("--")]
        if kind is not bool and not any("/" in flag for flag in flags):
            yield flags[0] if flags else "--" + parameter.name.replace("_", "-")


COMMANDS = dict(commands(app))
TRAIN = {
    "classify": ["data.csv"],
    "regress": ["values.csv", "--label", "value"],
    "tag": ["steps.csv"],
    "transcribe": ["strings.npz"],
    "forecast": ["series.csv", "--target", "load", "--horizon", "3", "--context", "6"],
    "generate": ["text.txt"],
    "translate": ["pairs.tsv"],
}
SEARCHED = {job: words for job, words in TRAIN.items() if job not in ("generate", "translate")}
ESTIMATORS = {
    "classify": estimators.LSTMClassifier,
    "regress": estimators.LSTMRegressor,
    "tag": estimators.LSTMTagger,
    "transcribe": estimators.LSTMTranscriber,
    "forecast": estimators.LSTMForecaster,
    "generate": estimators.LSTMGenerator,
    "translate": estimators.LSTMTranslator,
}
BASE = {  # a call that works, and the arguments in it that stand by their place
    **{("train", job): (["train", job, *words, *QUICK, "--force"], 1) for job, words in TRAIN.items()},
    **{
        ("search", job): (["search", job, *words, *QUICK, "--trials", "1", "--force"], 1)
        for job, words in SEARCHED.items()
    },
    ("evaluate",): (["evaluate", "MODELS/classify", "data.csv"], 2),
    ("predict",): (["predict", "MODELS/forecast", "series.csv"], 2),
    ("inspect",): (["inspect", "MODELS/classify", "data.csv", "--out", "pictures"], 2),
    ("generate",): (["generate", "MODELS/generate", "--length", "5"], 1),
    ("analyse", "gradients"): (["analyse", "gradients", "MODELS/classify", "data.csv", "--out", "flow.png"], 2),
    ("act",): (["act", "MODELS/agent", "--length", "2", "--episodes", "3"], 1),
    ("cells",): (["cells"], 0),
    ("reproduce",): (["reproduce", "gers2000/continual-reber"], 1),
    ("stream",): (["stream", "series.csv", "--target", "load", "--quiet"], 1),
    ("bench",): (["bench", "--quick"], 0),
    ("bench", "online"): (["bench", "online"], 0),
    ("bench", "models"): (["bench", "models", "--seconds", "0"], 0),
    ("bench", "forecasts"): (["bench", "forecasts", "--only", "airline"], 0),
    ("bench", "goals"): (["bench", "goals", "--only", "python-source"], 0),
    ("bench", "streams"): (["bench", "streams"], 0),
    ("bench", "classification"): (["bench", "classification", "--only", "GunPoint"], 0),
}


def test_every_command_is_here():
    assert set(COMMANDS) == set(BASE)


@pytest.fixture
def brief(monkeypatch, folder, models):
    """Commands that have their values checked as ever, and then do not work for long."""
    import carrousel.bench
    import carrousel.bench._classification
    import carrousel.bench._forecasts
    import carrousel.bench._goals
    import carrousel.bench._models
    import carrousel.bench._online
    import carrousel.bench._streams
    import carrousel.estimators._search
    import carrousel.papers
    from carrousel.training._trainer import Trainer

    def stop(*_, **__):
        raise ValueError("this is where the work begins")

    run = Trainer.run
    monkeypatch.setattr(Trainer, "run", lambda self, dataset, epochs, state: run(self, dataset, min(epochs, 1), state))
    monkeypatch.setattr(carrousel.bench, "peak", stop)
    monkeypatch.setattr(carrousel.bench._online, "benchmarks", stop)
    monkeypatch.setattr(carrousel.bench._models, "model_figures", stop)
    monkeypatch.setattr(carrousel.bench._forecasts, "measured", stop)
    monkeypatch.setattr(carrousel.bench._goals, "measure_goals", stop)
    monkeypatch.setattr(carrousel.bench._streams, "judge", stop)
    monkeypatch.setattr(carrousel.bench._classification, "measure_outcomes", stop)
    monkeypatch.setattr(carrousel.estimators._search.Search, "run", stop)
    monkeypatch.setattr(carrousel.papers, "reproduce", stop)
    monkeypatch.setattr(carrousel.papers, "quick", stop)
    return lambda words: [word.replace("MODELS", str(models)) for word in words]


def without(words, flag):
    """A call without this option and its value."""
    words = list(words)
    while flag in words:
        place = words.index(flag)
        del words[place : place + 2]
    return words


def survives(run, words):
    one_more()
    code, _, err = run(*words)  # an exception would come through
    assert code in (0, 2), (code, words)
    if code == 2:
        last = next(k for k, line in enumerate(err.splitlines()) if line.startswith("carrousel: "))
        said = err.splitlines()[last:]
        assert 1 <= len(said) <= 2, err
        assert all(line.isprintable() for line in said), err


@pytest.mark.fuzz
def test_odd_values(run, brief):
    draw = random.Random(0)
    places = [(path, flag) for path, function in COMMANDS.items() for flag in options(function)]
    assert len(places) > 80
    for _, (path, flag) in zip(range(rounds(90)), itertools.cycle(places), strict=False):
        survives(run, [*without(brief(BASE[path][0]), flag), flag, draw.choice(ODD)])


def setting(job, name):
    """A training without an option for this parameter, which ``--set`` is to give."""
    own = {"max_epochs": "--epochs", "hidden_size": "--hidden-size", "batch_size": "--batch-size"}
    return without(BASE["train", job][0], own.get(name, f"--{name}"))


PARAMETERS = {job: list(inspect.signature(kind).parameters) for job, kind in ESTIMATORS.items()}
for job in ("tag", "transcribe"):  # what they share with the classifier is checked by the same code
    PARAMETERS[job] = [name for name in PARAMETERS[job] if name not in PARAMETERS["classify"]]
SETTINGS = [(job, name) for job, names in PARAMETERS.items() for name in names]


@pytest.mark.fuzz
def test_odd_settings(run, brief):
    """Every parameter of every estimator by ``--set``."""
    draw = random.Random(0)
    for _, (job, name) in zip(range(rounds(100)), itertools.cycle(SETTINGS), strict=False):
        survives(run, [*setting(job, name), "--set", f"{name}={draw.choice(ODD)}"])


@pytest.mark.fuzz
def test_odd_arguments(run, brief):
    """What stands by its place: data, models, files, experiments."""
    draw = random.Random(0)
    places = [(path, len(path) + k) for path, (_, count) in BASE.items() for k in range(count)]
    for _, (path, place) in zip(range(rounds(40)), itertools.cycle(places), strict=False):
        words = brief(BASE[path][0])
        words[place] = draw.choice(ODD)
        survives(run, words)


@pytest.mark.parametrize(("job", "name"), SETTINGS)
def test_no_parameter_takes_a_word_that_means_nothing(refused, folder, job, name):
    refused(*setting(job, name), "--set", f"{name}=x", says=[name if name != "cell" else "unknown cell 'x'"])


def test_what_diverges_is_not_saved(run, brief, folder):
    for rate, code in (("1e-30", 0), ("1e30", 2)):
        found, _, err = run(*BASE["train", "classify"][0], "--out", f"at-{rate}", "--lr", rate)
        assert found == code, err
        assert (folder / f"at-{rate}").exists() == (code == 0)
    assert "diverged" in err

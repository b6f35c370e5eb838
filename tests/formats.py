"""Every format that carrousel writes and reads back, as the tests walk it: a line of ``SAMPLES`` each."""

from __future__ import annotations

import io
import shutil
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from carrousel import papers
from carrousel._format import Format
from carrousel.bench import _classification, _forecasts, _streams, _tables
from carrousel.bench._kept import FIGURES
from carrousel.data._line_clock import LineClock
from carrousel.estimators import (
    LSTMClassifier,
    LSTMComposer,
    LSTMForecaster,
    LSTMGenerator,
    LSTMPanelForecaster,
    LSTMRegressor,
    LSTMTagger,
    LSTMTranscriber,
    LSTMTranslator,
    _saved,
    load,
)
from carrousel.learning import Evolino, OnlineLSTM, metalearning
from carrousel.learning.acting import (
    Advantage,
    ControllerAndModel,
    Explorer,
    PolicyGradient,
    SubGoals,
    _advantage,
    _controller_and_model,
    _policy_gradient,
    _sub_goals,
)
from carrousel.learning.evolino import _estimator as _evolino
from carrousel.learning.evolution import EvolutionStrategy, GeneticAlgorithm, Search, SubPopulations, _search
from carrousel.learning.metalearning import Metalearned
from carrousel.learning.online import Adam, Descent, Learner, Network, RMSprop
from carrousel.learning.online.cell import _online_lstm
from carrousel.learning.online.network import _saved as _learner
from carrousel.papers import _files
from carrousel.papers._report import read_results
from carrousel.streams import Follower, StreamClassifier, StreamRegressor, _stream
from carrousel.tasks import FlipFlop, Rooms, TMaze
from carrousel.training import _checkpoint


@dataclass(frozen=True)
class Sample:
    """A file, or a directory, of a format.

    Attributes:
        form: the format.
        write: puts a whole one at a path.
        read: what is made of the one at a path.
        seen: all that can be seen of that, as dicts, lists, arrays and plain values.
        use: does with it what it is for, which may raise ValueError.
    """

    form: Format
    write: Callable[[Path], None]
    read: Callable[[Path], Any]
    seen: Callable[[Any], Any]
    use: Callable[[Any], None]


def _learner_of(network: Network, optimiser: Any, update: Any) -> Learner:
    learner = Learner(network, optimiser, update=update, seed=1)
    rng = np.random.default_rng(0)
    learner.learn_many(rng.normal(size=(20, network.inputs)), rng.uniform(size=(20, network.outputs)))
    return learner


def _use_learner(learner: Learner) -> None:
    n = learner.network
    if max(n.inputs, n.outputs) > 10**4:
        return
    rng = np.random.default_rng(1)
    x, y = rng.normal(size=(12, n.inputs)), rng.uniform(size=(12, n.outputs))
    learner.learn_many(x, y)
    learner.learn_many(rng.integers(0, n.inputs, 12), rng.integers(0, n.outputs, 12))
    learner.predict_many(x)
    learner.reset()
    learner.observe_many(x)
    learner.learn_sequences([x[:5], x[5:]], [y[:5], y[5:]])


def _online(cell: str) -> OnlineLSTM:
    lstm = OnlineLSTM(3, 5, 2, cell=cell, optimiser=RMSprop(0.01), update=3)
    rng = np.random.default_rng(0)
    lstm.learn_many(rng.normal(size=(10, 3)), rng.normal(size=(10, 2)))
    return lstm


def _use_online(lstm: OnlineLSTM) -> None:
    rng = np.random.default_rng(1)
    lstm.learn_many(rng.normal(size=(12, lstm.input_size)), rng.normal(size=(12, lstm.output_size)))
    lstm.predict_many(rng.normal(size=(3, lstm.input_size)))
    lstm.widened(lstm.input_size + 1, lstm.output_size + 1)
    lstm.reset()


def _of_learner(learner: Learner | OnlineLSTM) -> Any:
    names = ("network", "cell", "optimiser", "update", "loss", "insensitive", "dtype", "truncate", "diagonal")
    return {**learner._arrays(), **{name: getattr(learner, name, None) for name in names}}


def _evolved(search: Search) -> Search:
    for _ in range(2):
        search.tell(-(search.ask() ** 2).sum(1))
    return search


def _use_search(search: Search) -> None:
    if search.ask().size > 10**5:
        return
    for _ in range(3):
        search.tell(-(search.ask() ** 2).sum(1))


def _of_search(search: Search) -> Any:
    about = {name: getattr(search, name) for name in ("generation", "evaluations", "best", "best_fitness")}
    return {**search.arguments(), **search._arrays(), **search._progress(), **about}


def _grown() -> Evolino:
    return Evolino(2, washout=3, generations=1, population=2).fit(None, np.sin(np.arange(12.0)))


def _of_evolino(model: Evolino) -> Any:
    names = ("weights_", "readout_", "error_", "generations_", "n_features_in_", "_flat")
    return {**model.get_params(), **{name: getattr(model, name) for name in names}}


def _lived(learner: Learner | OnlineLSTM) -> Advantage:
    agent, world = Advantage(learner, 0.01, explorer=Explorer(hidden=2)), TMaze(2)
    action = agent.begin(world.reset(seed=0)[0])
    for _ in range(9):
        seen, reward, *_ = world.step(1 if action == 0 else action)
        action = agent.then(reward, seen)
        if world.held.over[0]:
            world.reset()
    return agent


def _policy() -> PolicyGradient:
    agent = PolicyGradient.of(TMaze(1, limit=5), hidden=3, baseline=2, sees_actions=True)
    agent.live(TMaze(1, limit=5), 4, batch=2, seed=0)
    return agent


def _controller() -> ControllerAndModel:
    world = FlipFlop(length=5)
    agent = ControllerAndModel.of(
        world,
        pain="loss",
        hidden=2,
        model_hidden=3,
        window=4,
        windows=3,
        updates=1,
        model_updates=1,
        begin=4,
        remembers=6,
    )
    agent.live(world, 6, seed=0)
    return agent


def _of_controller(agent: ControllerAndModel) -> Any:
    trials = [vars(trial) for trial in agent._trials]
    state = agent._rng.bit_generator.state["state"]
    tensors = {name: each.numpy() for name, each in agent._tensors().items()}
    return {
        **tensors,
        **agent._facts,
        "trials": trials,
        "scale": agent._scale,
        "episodes": agent._episodes,
        "draws": state,
    }


def _use_controller(agent: ControllerAndModel) -> None:
    agent.try_out(FlipFlop(length=5), 1, seed=0)
    if max(agent._facts[name] for name in ("windows", "window", "updates", "model_updates")) < 50:
        agent.live(FlipFlop(length=5), 2, seed=0)


def _with_sub_goals() -> SubGoals:
    world = Rooms(1, 2, 3, limit=20)
    agent = SubGoals.of(world, 2, policies=2, recurrent=2, patience=5)
    agent.live(world, 2, seed=0)
    return agent


def _of_sub_goals(agent: SubGoals) -> Any:
    state = agent._rng.bit_generator.state["state"]
    levels = [_of_agent(level) for level in (agent.high, *agent.low)]
    return {**agent._facts, "capability": agent.capability, "levels": levels, "draws": state}


def _use_sub_goals(agent: SubGoals) -> None:
    agent.try_out(Rooms(1, 2, 3, limit=20), 1, seed=0)
    agent.live(Rooms(1, 2, 3, limit=20), 1, seed=0)


def _of_agent(agent: Advantage) -> Any:
    names = ("rate", "discount", "trace", "kappa", "temperature", "explorer")
    return {**agent._arrays, **_of_learner(agent.learner), **{name: getattr(agent, name) for name in names}}


def _of_policy(agent: PolicyGradient) -> Any:
    state = agent._rng.bit_generator.state["state"]
    return {**{name: each.numpy() for name, each in agent._tensors().items()}, **agent._facts, "draws": state}


def _use_agent(agent: Advantage | PolicyGradient) -> None:
    agent.try_out(TMaze(2, limit=9), 2, seed=0)
    agent.live(TMaze(2, limit=9), 6)


def _metalearned() -> Metalearned:
    learner = Metalearned(names=("a", "b"), y_range=(-1.0, 3.0))
    learner.learn_one({"a": 0.5, "b": -0.5}, 2.0)
    return learner


def _of_metalearned(learner: Metalearned) -> Any:
    weights = {name: weight.numpy() for name, weight in learner._frozen.state_dict().items()}
    facts = (learner.x_range, learner.y_range, learner.said, list(learner.names or ()), learner._names, learner._last)
    return {**weights, "facts": facts, "state": [part.numpy() for part in learner._state or ()]}


def _use_metalearned(learner: Metalearned) -> None:
    learner.predict_one({"a": 0.1})
    learner.learn_one({"a": 0.1, "b": 9.0}, 0.3)
    learner.predict_one({})


LINES = [b"u,y\n", *(b"%.2f,%s\n" % (t * 0.3 % 2, (b"1", b"2.5")[t % 2]) for t in range(30))]


def _follower(classes: bool, path: Path, timed: int = 0, **options: Any) -> Follower:
    model = (StreamClassifier if classes else StreamRegressor)(hidden_size=3, **options)
    return Follower(model, "y", state=path, save_every=10, clock=LineClock() if timed else None)


def _lines(timed: int = 0) -> list[bytes]:
    """Lines of a stream, with monthly times if there is a number: so many are followed."""
    if not timed:
        return LINES
    days = [b"date", *(b"%d-%02d-01" % (2000 + month // 12, month % 12 + 1) for month in range(30))]
    return [day + b"," + line for day, line in zip(days, LINES, strict=True)]


def _follow(classes: bool, timed: int = 0, **options: Any) -> Callable[[Path], None]:
    begun = b"".join(_lines(timed)[: timed or 14])
    return lambda path: list(_follower(classes, path, timed, **options).follow(io.BytesIO(begun))) and None


def _resume(classes: bool, **options: Any) -> Callable[[Path], Any]:
    def resume(path: Path) -> Any:
        follower = _follower(classes, path, **options)
        try:
            assert follower.resume()
        finally:  # for the next one that resumes in this process
            if follower._held is not None:
                follower._held.close()
                follower._held = None
        return follower

    return resume


def _use_follower(follower: Follower) -> None:
    list(follower.follow(io.BytesIO(b"".join(_lines(follower.clock is not None)))))
    follower.model.predict_one({"u": 1.0})
    follower.model.learn_one({"u": 1.0, "new": 2.0}, 1.0)


def _of_follower(follower: Follower) -> Any:
    model = follower.model
    return {
        "networks": [_of_learner(network) for network in model._networks],
        "groups": {name: dict(group) for name, group in model._groups().items()},
        "facts": model._facts(),
        "notes": follower._notes(follower.marked),
        "names": [model._features, model._classes],
    }


QUICK = {"hidden_size": 3, "batch_size": 8, "dropout": 0.1, "input_noise": 0.1, "random_state": 0, "device": "cpu"}


def _sequences(kind: type) -> tuple[Any, Any]:
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 24)
    X = [rng.normal(size=(n, 2)) + k for n, k in zip(rng.integers(2, 6, 24), y, strict=True)]
    if kind is LSTMTagger:  # of symbols
        return ["".join("xyz"[int(v) % 3] for v in x[:, 0]) for x in X], [
            "ab"[k % 2] * len(x) for k, x in zip(y, X, strict=True)
        ]
    if kind is LSTMTranscriber:
        return X, ["abc"[: k + 1][: len(x)] for k, x in zip(y, X, strict=True)]
    return X, np.array(["a", "b", "c"])[y] if kind is LSTMClassifier else y * 0.5


def _fitted(kind: type) -> Any:
    if kind is LSTMForecaster:
        model = kind(horizon=2, context=4, season=2, batches_per_epoch=2, max_epochs=1, **QUICK)
        return model.fit(np.sin(np.arange(60.0)))
    return kind(max_epochs=1, **QUICK).fit(*_sequences(kind))


def _images() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(12, 4, 3, 1))


def _fitted_on_images() -> Any:
    return LSTMClassifier(max_epochs=1, **QUICK).fit(_images(), np.arange(12) % 2)


def _use_on_images(model: Any) -> None:
    model.report(_images(), np.arange(12) % 2)


def _fitted_panel() -> Any:
    options = {"horizon": 2, "context": 4, "season": 2, "batches_per_epoch": 2, "max_epochs": 1, "fill": "mask"}
    frames = {}
    for k, name in enumerate("ab"):
        values = np.where(np.arange(40) == 20, np.nan, np.sin(np.arange(40.0) + k))
        frames[name] = pd.DataFrame({"x": values, "kind": name}, pd.date_range("2024", periods=40, freq="h"))
    return LSTMPanelForecaster("x", static="kind", **options, **QUICK).fit(frames)


WORDS = ["ab", "ba", "abb", "b", "aab", "a"]


def _fitted_on_text(kind: type) -> Any:
    options = {**QUICK, "input_noise": 0.0, "max_epochs": 1, "tokens": "pieces" if kind is LSTMTranslator else "words"}
    return kind(**options).fit(*([WORDS, WORDS[::-1]] if kind is LSTMTranslator else ["the cat sat on the mat. " * 9]))


def _use_model_of_text(model: Any) -> None:
    model.predict(WORDS) if isinstance(model, LSTMTranslator) else model.generate("the", 5)
    model.report(*([WORDS, WORDS] if isinstance(model, LSTMTranslator) else ["the cat"]))


SCALE = np.eye(88, dtype=np.uint8)[[39, 41, 43, 44, 46] * 3]


def _fitted_on_music() -> Any:
    return LSTMComposer(**{**QUICK, "input_noise": 0.0, "max_epochs": 1}).fit([SCALE, SCALE[::-1], SCALE])


def _use_on_music(model: Any) -> None:
    model.generate(SCALE, 3)
    model.report([SCALE])


def _use_model(model: Any) -> None:
    model.predict(*([] if isinstance(model, LSTMForecaster) else [_sequences(type(model))[0]]))


def _of_model(model: Any) -> Any:
    network = {name: value.numpy() for name, value in model.network_.state_dict().items()}
    facts = {name: getattr(model, name) for name in ("history_", "best_epoch_", "seed_", "stopped_early_")}
    return {**network, **model._arrays(), **facts, "facts": model._facts(), "params": model.get_params()}


def _broken_off(path: Path) -> None:
    """The checkpoint of a training that ends after one of its two epochs."""

    def watch(progress: Any) -> None:
        if progress.event == "batch" and progress.epoch == 2:
            raise KeyboardInterrupt

    try:
        LSTMClassifier(max_epochs=2, **QUICK).fit(*_sequences(LSTMClassifier), checkpoint=path, progress=watch)
    except KeyboardInterrupt:
        return
    raise AssertionError("it was not broken off")


def _resumed(path: Path) -> Any:
    return LSTMClassifier(max_epochs=2, **QUICK).fit(*_sequences(LSTMClassifier), checkpoint=path, resume=True)


EXPERIMENT = papers.get("hochreiter1997/reber")


@contextmanager
def _kept_at(path: Path) -> Iterator[Callable[[bool], _files.Kept]]:
    """Opens the trials that are kept beside a path, anew or not."""
    before = _files.trials_directory
    _files.trials_directory = lambda: path.parent / "trials"

    def opened(fresh: bool) -> _files.Kept:
        with ExitStack() as held:
            return _files.Kept(EXPERIMENT, EXPERIMENT.own_rows()[0], {}, 0, fresh, held)

    try:
        yield opened
    finally:
        _files.trials_directory = before


def _keep(path: Path) -> None:
    trial = {"seconds": 0.5, "steps": 7, "success": True, "sequences": 9, "ran": [1.0, 1.5], "made": {"numpy": "2"}}
    shutil.rmtree(path.parent / "trials", ignore_errors=True)
    with _kept_at(path) as kept_trials:
        kept = kept_trials(True)
        for number in range(3):
            kept.add(number, {**trial, "sequences": number})
    shutil.copy(kept.path, path)


def _kept(path: Path) -> Any:
    """The trials of a file; less than there were is what other formats say by an error."""
    with _kept_at(path) as kept_trials, warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        shutil.copy(path, kept_trials(True).path)
        kept = kept_trials(False)
    if len(kept.done) < 3:
        assert all(str(kept.path) in str(one.message) for one in said)
        raise ValueError(f"{path}: trials are made again")
    return kept.done


def _write_result(path: Path) -> None:
    figures = {"trials": 3, "seconds": 1.5, "steps": 9, "steps_per_second": 6.0, "success_rate": 0.5, "weights": 264}
    row = EXPERIMENT.own_rows()[0]
    rows = [{"row": row.name, "published": dict(row.published), "measured": {**figures, "sequences_mean": 80.0}}]
    names = ("carrousel", "python", "numpy", "numba", "machine")
    made = {**dict.fromkeys(names, "1"), "rows": [row.name], "trials": 3, "seconds": 2.0, "jobs": 1}
    result = {"experiment": EXPERIMENT.name, "seed": 0, "options": EXPERIMENT.choose({}), "made": made, "rows": rows}
    _files.write_result(path, result)


def _results(path: Path) -> Any:
    folder = path.parent / "results"
    folder.mkdir(exist_ok=True)
    shutil.copy(path, folder / f"{path.name}.json")
    return [folder, read_results(folder, papers.EXPERIMENTS)[0][1]]


def _use_results(found: Any) -> None:
    papers.report(found[0], papers.EXPERIMENTS)


def _write_outcomes(path: Path) -> None:
    scores = {"LSTM": 0.9, "1-nearest neighbour": 0.8}
    outcome = _classification.Outcome("a", "classification", (3, 4, 5, 1, 2), 0, scores, 7, 1.5, {"hidden_size": 4})
    _classification._write(path, [outcome, replace(outcome, seed=1, scores={"LSTM": 0.7})])


def _write_records(path: Path) -> None:
    methods = {name: {"MAE": 2.0, "coverage": 0.8, "simple": name != "LSTM"} for name in ("LSTM", "naive")}
    about = {"rows": 144, "origins": 17, "horizon": 12, "seconds": 2.5, "uncertainty": None, "start": "It starts."}
    record = {
        "series": "airline",
        "seed": 0,
        "options": {"max_epochs": 1},
        **about,
        "best": "naive",
        "methods": methods,
    }
    _forecasts._write(path, {("airline", 0): record, ("airline", 1): record | {"seed": 1, "uncertainty": 0.5}})


def _write_judged(path: Path) -> None:
    _streams.keep_judged(path, [_streams.Judged("a", "b: c", 24, 99, [0.5, 0.6], {"persistence": 0.7, "season": 1.0})])


def _write_over_time(path: Path) -> None:
    errors = {name: [0.5, 0.25, None] for name in ("persistence", "adam")}
    _streams.keep_over_time(path, [_streams.OverTime("a", "b: c", None, errors)], 3)


def _of_figures(found: Any) -> Any:
    return [each if isinstance(each, dict) else asdict(each) for each in found]


def _use_outcomes(found: Any) -> None:
    for task in _classification.KINDS:
        _tables.outcome_table(found, task)


ALL = Network(3, 2, 2, 2, hidden=1, forget_gates=True, peepholes=True).biased("cell output")

SAMPLES = {
    "learner": Sample(
        _learner.FORMAT, lambda p: _learner_of(ALL, Adam(0.01), 7).save(p), Learner.load, _of_learner, _use_learner
    ),
    "learner, plain": Sample(
        _learner.FORMAT,
        lambda p: _learner_of(Network(3, 2, 3), Descent(0.1, decay=0.9), "step").save(p),
        Learner.load,
        _of_learner,
        _use_learner,
    ),
    "online": Sample(
        _online_lstm.FORMAT, lambda p: _online("slstm").save(p), OnlineLSTM.load, _of_learner, _use_online
    ),
    "genetic algorithm": Sample(
        _search.FORMAT, lambda p: _evolved(GeneticAlgorithm(3, 4)).save(p), Search.load, _of_search, _use_search
    ),
    "subpopulations": Sample(
        _search.FORMAT,
        lambda p: _evolved(SubPopulations([[0, 2], [1]], 3, trials=2)).save(p),
        Search.load,
        _of_search,
        _use_search,
    ),
    "agent, network": Sample(
        _advantage.FORMAT,
        lambda p: _lived(Learner(Network(3, 4, 2, unit_squash="identity"), dtype=np.float64)).save(p),
        Advantage.load,
        _of_agent,
        _use_agent,
    ),
    "agent, cell": Sample(
        _advantage.FORMAT,
        lambda p: _lived(OnlineLSTM(3, 4, 4, cell="peephole", dtype=np.float64)).save(p),
        Advantage.load,
        _of_agent,
        _use_agent,
    ),
    "policy": Sample(_policy_gradient.FORMAT, lambda p: _policy().save(p), PolicyGradient.load, _of_policy, _use_agent),
    "controller": Sample(
        _controller_and_model.FORMAT,
        lambda p: _controller().save(p),
        ControllerAndModel.load,
        _of_controller,
        _use_controller,
    ),
    "sub-goals": Sample(
        _sub_goals.FORMAT, lambda p: _with_sub_goals().save(p), SubGoals.load, _of_sub_goals, _use_sub_goals
    ),
    "metalearned": Sample(
        metalearning.FORMAT, lambda p: _metalearned().save(p), Metalearned.load, _of_metalearned, _use_metalearned
    ),
    "evolution strategy": Sample(
        _search.FORMAT, lambda p: _evolved(EvolutionStrategy(3, 4)).save(p), Search.load, _of_search, _use_search
    ),
    "evolino": Sample(
        _evolino.FORMAT,
        lambda p: _grown().save(p),
        Evolino.load,
        _of_evolino,
        lambda model: model.generate(4, np.ones((6, model._network.outputs)), np.ones((10, model.n_features_in_))),
    ),
    "regression stream": Sample(_stream.FORMAT, _follow(False), _resume(False), _of_follower, _use_follower),
    "classification stream": Sample(_stream.FORMAT, _follow(True), _resume(True), _of_follower, _use_follower),
    "stream with times": Sample(
        _stream.FORMAT, _follow(False, 14, rate=0.01), _resume(False, timed=14, rate=0.01), _of_follower, _use_follower
    ),
    "stream whose step is not told yet": Sample(
        _stream.FORMAT, _follow(False, 8, rate=0.01), _resume(False, timed=8, rate=0.01), _of_follower, _use_follower
    ),
    "filtered stream": Sample(
        _stream.FORMAT,
        _follow(False, optimiser="kalman", rate=1.0),
        _resume(False, optimiser="kalman", rate=1.0),
        _of_follower,
        _use_follower,
    ),
    "checkpoint": Sample(_checkpoint.FORMAT, _broken_off, _resumed, _of_model, _use_model),
    "classifier": Sample(_saved.FORMAT, lambda p: _fitted(LSTMClassifier).save(p), load, _of_model, _use_model),
    "classifier of images": Sample(
        _saved.FORMAT, lambda p: _fitted_on_images().save(p), load, _of_model, _use_on_images
    ),
    "generator": Sample(
        _saved.FORMAT, lambda p: _fitted_on_text(LSTMGenerator).save(p), load, _of_model, _use_model_of_text
    ),
    "composer": Sample(_saved.FORMAT, lambda p: _fitted_on_music().save(p), load, _of_model, _use_on_music),
    "translator": Sample(
        _saved.FORMAT, lambda p: _fitted_on_text(LSTMTranslator).save(p), load, _of_model, _use_model_of_text
    ),
    "regressor": Sample(_saved.FORMAT, lambda p: _fitted(LSTMRegressor).save(p), load, _of_model, _use_model),
    "forecaster": Sample(_saved.FORMAT, lambda p: _fitted(LSTMForecaster).save(p), load, _of_model, _use_model),
    "tagger": Sample(_saved.FORMAT, lambda p: _fitted(LSTMTagger).save(p), load, _of_model, _use_model),
    "transcriber": Sample(_saved.FORMAT, lambda p: _fitted(LSTMTranscriber).save(p), load, _of_model, _use_model),
    "panel forecaster": Sample(_saved.FORMAT, lambda p: _fitted_panel().save(p), load, _of_model, _use_model),
    "trials": Sample(_files.TRIAL, _keep, _kept, lambda done: done, lambda done: None),
    "outcomes": Sample(FIGURES, _write_outcomes, _classification.read_outcomes, _of_figures, _use_outcomes),
    "records": Sample(
        FIGURES, _write_records, _forecasts.read_records, _of_figures, lambda found: _tables.forecast_table(found)
    ),
    "judged streams": Sample(
        FIGURES, _write_judged, _streams.read_judged, _of_figures, lambda found: _tables.stream_table(found)
    ),
    "learners over time": Sample(
        FIGURES,
        _write_over_time,
        _streams.read_over_time,
        _of_figures,
        lambda found: _tables.learner_table(found),
    ),
    "result": Sample(_files.RESULT, _write_result, _results, lambda found: found[1], _use_results),
}


def same(a: Any, b: Any) -> bool:
    """Whether two of what ``Sample.seen`` gives are the same, bit for bit."""
    if isinstance(a, np.ndarray):
        return isinstance(b, np.ndarray) and (a.dtype, a.shape, a.tobytes()) == (b.dtype, b.shape, b.tobytes())
    if isinstance(a, dict):
        return isinstance(b, dict) and list(a) == list(b) and all(same(a[name], b[name]) for name in a)
    if isinstance(a, list | tuple):
        return type(a) is type(b) and len(a) == len(b) and all(map(same, a, b))
    return type(a) is type(b) and (a == b or (a != a and b != b))

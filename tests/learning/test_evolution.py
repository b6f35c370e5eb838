"""Searches for weights: each kind by its properties, and what makes an evolution go on to the same bits."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from functools import partial

import numpy as np
import pytest

from carrousel._spread import spreading
from carrousel.learning import GuessedNetwork
from carrousel.learning.evolution import (
    EvolutionStrategy,
    Function,
    GeneticAlgorithm,
    Search,
    SubPopulations,
    TaskFitness,
    WorldFitness,
    crossed,
    evolve,
    mutated,
)
from carrousel.learning.online import Learner, Network, OnlineLSTM
from carrousel.tasks import EmbeddedReber, Parity, PoleBalancing

PARTS = [[0, 3], [1], [2, 4]]
MAKERS = {
    "genetic": lambda **more: GeneticAlgorithm(5, 8, **{"seed": 3, **more}),
    "one-point": lambda **more: GeneticAlgorithm(5, 8, crossing="one-point", noise="cauchy", elite=2, **more),
    "parts": lambda **more: SubPopulations(PARTS, 4, trials=3, **{"patience": 2, "seed": 3, **more}),
    "best of": lambda **more: SubPopulations(PARTS, 4, trials=3, credit="best", crossover=0.0, patience=None, **more),
    "full": lambda **more: EvolutionStrategy(5, **{"seed": 3, **more}),
    "diagonal": lambda **more: EvolutionStrategy(5, 6, covariance="diagonal", **more),
    "none": lambda **more: EvolutionStrategy(5, 6, covariance="none", **more),
}
KINDS = pytest.mark.parametrize("make", MAKERS.values(), ids=list(MAKERS))


def slope(vector):
    """Best, 0, at 0.5, with a ridge between two weights."""
    return -float(((vector - 0.5) ** 2).sum() + 3 * (vector[0] - vector[1]) ** 2)


@KINDS
def test_every_kind_finds_the_top(make):
    found = evolve(make(), slope, generations=300, target=-0.05)
    assert found.reached
    assert found.fitness == slope(found.weights)
    assert found.evaluations == found.generations * make().members


@KINDS
def test_a_population_stays_until_it_is_judged(make):
    search = make()
    asked = search.ask()
    assert asked.shape == (search.members, 5)
    asked[:] = 0
    assert search.ask().any(), "what was given away was kept"
    bad = np.zeros(search.members)
    bad[2] = np.nan
    for wrong, words in (
        (bad, "member 2 in generation 0 is nan"),
        (bad[1:], "for each of"),
        (bad * 0 - np.inf, "-inf"),
    ):
        with pytest.raises(ValueError, match=words):
            search.tell(wrong)
    assert search.generation == 0
    same = make()
    search.tell(np.arange(search.members)), same.tell(np.arange(search.members))
    np.testing.assert_array_equal(search.ask(), same.ask())
    np.testing.assert_array_equal(search.best, make().ask()[-1])


@KINDS
def test_a_saved_search_goes_on_to_the_same_bits(make, tmp_path):
    path = tmp_path / "x.evolution"
    whole, broken = make(), make()
    for generation in range(7):
        broken.save(path)
        broken = Search.load(path)
        for search in (whole, broken):
            search.tell([slope(member) for member in search.ask()])
        np.testing.assert_array_equal(whole.ask(), broken.ask(), str(generation))
    assert whole.arguments() == broken.arguments()
    assert (whole.best_fitness, whole.evaluations) == (broken.best_fitness, broken.evaluations)
    np.testing.assert_array_equal(whole.best, broken.best)


KILLED = """
import os, signal, sys
sys.path.insert(0, {tests!r})
from test_evolution import MAKERS, slope
from carrousel.learning.evolution import evolve
search = MAKERS[{kind!r}]()

def fitness(vector, left=[4.5 * search.members]):
    left[0] -= 1
    if left[0] < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return slope(vector)

evolve(search, fitness, generations=9, state={state!r})
"""


@pytest.mark.parametrize("kind", ["full"])
def test_a_killed_evolution_goes_on_to_the_same_bits(kind, tmp_path):
    state = tmp_path / "x.evolution"
    code = KILLED.format(tests=os.path.dirname(__file__), kind=kind, state=str(state))
    done = subprocess.run([sys.executable, "-c", code], timeout=100, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert done.returncode == -signal.SIGKILL
    assert Search.load(state).generation == 4
    resumed = evolve(MAKERS[kind](), slope, generations=9, state=state)
    whole = evolve(MAKERS[kind](), slope, generations=9)
    np.testing.assert_array_equal(resumed.weights, whole.weights)
    assert (resumed.fitness, resumed.evaluations) == (whole.fitness, whole.evaluations)
    again = evolve(MAKERS[kind](), slope, generations=9, state=state)  # nothing is left to do
    assert again.evaluations == whole.evaluations
    other = MAKERS["genetic" if kind == "parts" else "parts"]()
    with pytest.raises(ValueError, match=r"is of a (SubPopulations|EvolutionStrategy), and this is"):
        evolve(other, slope, generations=9, state=state)
    with pytest.raises(ValueError, match=r"with seed=3, and this has seed=4"):
        evolve(MAKERS[kind](seed=4), slope, generations=9, state=state)
    with pytest.raises(FileNotFoundError):
        evolve(MAKERS[kind](), slope, generations=9, state=tmp_path / "nowhere" / "x")


def test_a_seed_gives_one_result_whatever_the_number_of_jobs():
    def noisy(vector, rng):
        return -float(vector @ vector) + rng.normal()

    found = [
        evolve(MAKERS["genetic"](), Function(noisy, seeded=True), generations=3, **how)
        for how in ({}, {"jobs": 2}, {"jobs": 3, "backend": "threading"})
    ]
    for other in found[1:]:
        np.testing.assert_array_equal(other.weights, found[0].weights)
        assert other.fitness == found[0].fitness


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: GeneticAlgorithm(5, 1), "population of one has nothing to choose from"),
        (lambda: SubPopulations(PARTS, 1), "population of one has nothing to choose from"),
        (lambda: EvolutionStrategy(5, 1), "population of one has nothing to choose from"),
        (lambda: EvolutionStrategy(1), "at least 2 weights"),
        (lambda: EvolutionStrategy(5, covariance="some"), "full, diagonal, none"),
        (lambda: EvolutionStrategy(5, start=[0.0]), "start must be 5 finite numbers"),
        (lambda: GeneticAlgorithm(5, seed=-1), "seed must be"),
        (lambda: GeneticAlgorithm(5, 4, elite=4), "elite is 4"),
        (lambda: GeneticAlgorithm(5, crossing="two-point"), "one-point"),
        (lambda: GeneticAlgorithm(5, noise="pink"), "gauss, cauchy"),
        (lambda: GeneticAlgorithm(5, mutation=2.0), "mutation must be a number from 0 to 1"),
        (lambda: GeneticAlgorithm(5, scale=0.0), "scale must be a positive number"),
        (lambda: SubPopulations([[0, 1], [1]]), "places 0 to 2 once"),
        (lambda: SubPopulations([[0, 1], []]), "none of them empty"),
        (lambda: SubPopulations([[0]], credit="worst"), "best, mean"),
        (lambda: evolve(MAKERS["full"](), lambda w: float("nan"), generations=2), "member 0 in generation 0 is nan"),
        (lambda: evolve(MAKERS["full"](), lambda w: w, generations=2), "member 0 must be a number, got ndarray"),
        (lambda: evolve(MAKERS["full"](), slope, generations=0), "generations must be"),
        (lambda: evolve(MAKERS["full"](), slope, generations=1, jobs=0), "jobs must be"),
        (lambda: evolve(MAKERS["full"](), slope, generations=1, jobs=2, backend="mpi"), "backend must be one of"),
        (lambda: TaskFitness(GuessedNetwork(2, 1), Parity()), "learner has 2 inputs and 1 outputs, the task 1 and 1"),
        (lambda: TaskFitness(GuessedNetwork(1, 1), Parity(), measured="all"), "measured must be"),
        (lambda: WorldFitness(GuessedNetwork(2, 1), PoleBalancing), "3 numbers, but the learner 2 inputs"),
    ],
)
def test_what_makes_no_sense_is_refused(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_child_has_every_weight_from_a_parent():
    rng = np.random.default_rng(0)
    mothers, fathers = rng.normal(size=(2, 200, 7))
    for way in ("uniform", "one-point"):
        children = crossed(mothers, fathers, rng, way)
        of_father = children == fathers
        assert (of_father | (children == mothers)).all()
        assert 0.4 < of_father.mean() < 0.6
        if way == "one-point":
            assert (np.diff(of_father.astype(int), axis=1) >= 0).all(), "there is more than one place"
            assert (of_father.any(1) & ~of_father.all(1)).all(), "a child of one parent"
            assert set(of_father.sum(1)) == set(range(1, 7))
    assert (crossed(mothers[:, :1], fathers[:, :1], rng, "one-point") == mothers[:, :1]).all()


def test_mutation_changes_a_share_of_the_weights():
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(400, 50))
    for noise in ("gauss", "cauchy"):
        change = mutated(vectors, rng, 0.25, 0.5, noise) - vectors
        assert 0.23 < (change != 0).mean() < 0.27
        size = np.abs(change[change != 0])
        assert np.median(size) == pytest.approx(0.5 * (0.674 if noise == "gauss" else 1.0), rel=0.1)
    assert (mutated(vectors, rng, 0.0, 0.5, "gauss") == vectors).all()


def test_the_elite_lives_on_and_fitness_never_falls():
    search = MAKERS["one-point"]()
    top = []
    for _ in range(10):
        asked = search.ask()
        fitness = np.array([slope(member) for member in asked])
        search.tell(fitness)
        np.testing.assert_array_equal(search.ask()[:2], asked[np.argsort(-fitness)[:2]])
        top.append(fitness.max())
    assert (np.diff(top) >= 0).all()


def test_every_chromosome_is_in_as_many_networks_and_stays_in_its_part():
    search = SubPopulations(PARTS, 6, trials=4, mutation=0.0, patience=None)
    for _ in range(4):
        networks, chromosomes = search.ask(), search._chromosomes
        place = 0
        for part in PARTS:
            own = chromosomes[:, place : place + len(part)]
            place += len(part)
            times = [(networks[:, part] == one).all(1).sum() for one in np.unique(own, axis=0)]
            alike = [(own == one).all(1).sum() for one in np.unique(own, axis=0)]
            assert [t / a for t, a in zip(times, alike, strict=True)] == [4] * len(times)
        before = [set(chromosomes[:, k]) for k in range(5)]
        search.tell([slope(member) for member in networks])
        after = [set(search._chromosomes[:, k]) for k in range(5)]
        assert all(new <= old for new, old in zip(after, before, strict=True)), "a weight left its place"


def test_credit_is_the_mean_or_the_best_of_a_chromosomes_networks():
    for credit, judged in (("mean", np.mean), ("best", np.max)):
        search = SubPopulations([[0], [1]], 4, trials=3, credit=credit, mutation=0.0, parents=0.25, survivors=0.25)
        networks, chromosomes = search.ask(), search._chromosomes.copy()
        fitness = np.random.default_rng(0).normal(size=12)
        search.tell(fitness)
        for part in range(2):
            worth = [judged(fitness[networks[:, part] == one]) for one in chromosomes[:, part]]
            assert (search._chromosomes[:, part] == chromosomes[np.argmax(worth), part]).all()


def test_a_burst_begins_again_around_the_best_network():
    search = SubPopulations(PARTS, 5, trials=2, patience=3, burst=0.01)
    for _ in range(4):
        assert search.bursts == 0
        search.tell(np.zeros(10))
    assert search.bursts == 1
    best = search.best[search._order]
    assert (search._chromosomes[0] == best).all()
    assert (search._chromosomes[1:] != best).all()
    assert np.median(np.abs(search._chromosomes[1:] - best)) < 0.05


@pytest.mark.parametrize(
    ("learner", "task"),
    [
        (GuessedNetwork(1, 3), Parity(shortest=2, longest=6)),
        (Learner(Network(7, 7, 2)), EmbeddedReber()),
        (Learner(Network(1, 1, 1)), Parity(shortest=2, longest=6)),
    ],
)
def test_members_are_as_fit_together_as_alone(learner, task):
    population = np.random.default_rng(0).normal(size=(5, learner.weight_count))
    drawn = task.draw(np.random.default_rng([7, 4, 2]), 6)
    with spreading(1, "loky") as spread:
        for measured in ("error", "right", "sequences"):
            together = TaskFitness(learner, task, count=6, measured=measured).measure(population, (7, 4), spread)
            for member, figure in zip(population, together, strict=True):
                if isinstance(learner, Learner):
                    learner.vector = member
                    said = drawn.outputs_of(learner)
                else:
                    said = learner.answers(member, drawn.inputs, drawn.spans)[:, None]
                right = task.right(said, drawn)
                alone = {
                    "error": -np.nanmean((said - drawn.wanted(task.output_size)) ** 2),
                    "right": right.mean(),
                    "sequences": drawn.whole(right).mean(),
                }
                assert figure == pytest.approx(alone[measured], rel=1e-6)
        fixed = TaskFitness(learner, task, count=6, fresh=False)
        early, late = (fixed.measure(population, (7, generation), spread) for generation in (0, 1))
        np.testing.assert_array_equal(early, late)


class Alone:
    """A world without ``batch``."""

    def __init__(self, **options):
        world = PoleBalancing(**options)
        self.reset, self.step, self.action_space = world.reset, world.step, world.action_space
        self.observation_space = world.observation_space


@pytest.mark.parametrize(
    "learner", [GuessedNetwork(3, 2, squash="tanh"), Learner(Network(3, 1, 2, unit_squash="tanh"))]
)
def test_worlds_side_by_side_are_as_worlds_alone(learner):
    population = np.random.default_rng(0).normal(size=(6, learner.weight_count))
    about = {"jitter": 0.1, "limit": 60}
    how = {"episodes": 2}
    together = WorldFitness(learner, partial(PoleBalancing, **about), **how)(population, 5)
    alone = WorldFitness(learner, partial(Alone, **about), **how)(population, 5)
    np.testing.assert_array_equal(together, alone)
    assert len(set(together)) > 2
    assert (WorldFitness(learner, partial(PoleBalancing, **about), limit=5)(population) <= 5).all()
    assert (WorldFitness(learner, partial(PoleBalancing, **about))(population, 6) != together).any()


def test_a_world_of_gymnasium_is_a_fitness():
    gymnasium = pytest.importorskip("gymnasium")
    learner = Learner(Network(4, 2, 1))
    fitness = WorldFitness(learner, partial(gymnasium.make, "CartPole-v1"), limit=30)
    found = evolve(GeneticAlgorithm(learner.weight_count, 6), fitness, generations=3)
    assert 5 < found.fitness <= 30
    with pytest.raises(ValueError, match="action wants 2 outputs"):
        WorldFitness(GuessedNetwork(4, 1), partial(gymnasium.make, "CartPole-v1"))
    fitness = WorldFitness(
        GuessedNetwork(4, 1), partial(gymnasium.make, "CartPole-v1"), limit=30, act=lambda said: int(said[0] > 0.5)
    )
    assert fitness(np.zeros((2, 14))).tolist() == [fitness(np.zeros((1, 14)))[0]] * 2


def test_a_pole_on_a_cart_is_balanced():
    """One pole whose velocities are not seen: it has to be remembered where it was."""
    network = GuessedNetwork(2, 2, {"hidden": "input hidden", "output": "hidden"}, "tanh")
    fitness = WorldFitness(network, partial(PoleBalancing, poles=1, limit=1000))
    for search in (EvolutionStrategy(network.weight_count, seed=1), SubPopulations(network.units(), 10, seed=1)):
        assert evolve(search, fitness, generations=60, target=1000).reached


@pytest.mark.parametrize(
    "options",
    [
        {"cell": "peephole", "loss": "softmax"},
        {"cell": "elstm", "diagonal": True, "truncate": None, "dtype": np.float64},
        {"cell": "elman", "loss": "logistic"},
        {"cell": "minlstm", "diagonal": True},
    ],
    ids=lambda options: options["cell"],
)
def test_members_in_lanes_answer_as_each_alone(options):
    """To the bit: more members than a block has lanes, and a last block that is not full."""
    learner, rng = OnlineLSTM(3, 5, 2, **options), np.random.default_rng(0)
    population = rng.normal(size=(43, learner.weight_count))
    inputs, spans = rng.normal(size=(17, 3)), np.array([[0, 9], [9, 17]])
    inputs[::3, 1] = 0.0
    together, hidden = (learner.respond(population, inputs, spans, hidden=kind) for kind in (False, True))
    for member, vector in enumerate(population):
        learner.vector = vector
        np.testing.assert_array_equal(learner.sequence_outputs(inputs, spans), together[member])
        np.testing.assert_array_equal(learner.hidden_one(inputs[0]), hidden[member, 0])

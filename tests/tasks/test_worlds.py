"""Compiled worlds: against the same worlds in plain Python, and their best returns by dynamic programming."""

from __future__ import annotations

import hashlib

import numpy as np
import pytest

from carrousel._world import Batch, CompiledWorld, World
from carrousel.tasks import ENVIRONMENTS, FlipFlop, Maze89, MemoryBits, MultimodePole, Rooms, TMaze

COMPILED = [kind for kind in ENVIRONMENTS.values() if issubclass(kind, CompiledWorld)]


def played(world, actions, seed=0):
    """Observations, rewards and ends of one episode."""
    record = [(world.reset(seed=seed)[0], 0.0, False)]
    for action in actions:
        record.append(world.step(action)[:3])
        if record[-1][2]:
            break
    return record


def some_actions(world, steps, seed=0):
    rng = np.random.default_rng(seed)
    if hasattr(world.action_space, "n"):
        return rng.integers(world.action_space.n, size=steps)
    return rng.uniform(0, 1, (steps, *world.action_space.shape)).astype(np.float32)


def best(moves, discount):
    """Returns each state's value, ``moves`` being for each state and action ``(reward, next state or None)``."""
    value = dict.fromkeys(moves, 0.0)
    while True:
        new = {
            state: max(reward + (0.0 if after is None else discount * value[after]) for reward, after in of)
            for state, of in moves.items()
        }
        if max(abs(new[state] - value[state]) for state in value) < 1e-13:
            return new
        value = new


def moves_of(world):
    """Returns what every action does in every state that a deterministic world comes to."""
    held, moves = world.held, {}
    waiting = []
    for seed in range(20):
        world.reset(seed=seed)
        waiting.append(tuple(held.states[0]))
    while waiting:
        state = waiting.pop()
        if state not in moves:
            moves[state] = []
            for action in range(world.action_space.n):
                held.states[0], held.over[0] = state, False
                _, reward, ended, _, _ = world.step(action)
                moves[state].append((reward, None if ended else tuple(held.states[0])))
                waiting += [] if ended else [tuple(held.states[0])]
    return moves


@pytest.mark.parametrize("kind", [kind for kind in ENVIRONMENTS.values() if hasattr(kind, "batch")])
def test_worlds_of_all_kinds_are_stepped_by_one_batch(kind):
    world = kind()
    assert isinstance(world, World)
    assert type(world.batch(2)) is Batch
    for of in (world, world.batch(2)):
        with pytest.raises(ValueError, match="'state' alone, got place"):
            of.reset(options={"place": 1})
    with pytest.raises(ValueError, match=r"begins where the world says|a state must be"):
        world.reset(options={"state": [np.nan]})


@pytest.mark.parametrize("kind", COMPILED)
def test_a_batch_is_its_worlds_each_by_itself(kind):
    world = kind()
    batch, steps = world.batch(3), 60
    actions = np.stack([some_actions(world, steps, seed) for seed in range(3)], 1)
    seen, _ = batch.reset(seed=[4, 9, 4])
    told = [(seen, np.zeros(3), np.zeros(3, bool)), *(batch.step(each)[:3] for each in actions)]
    for k, seed in enumerate((4, 9, 4)):
        for t, (observation, reward, ended) in enumerate(played(world, actions[:, k], seed)):
            np.testing.assert_array_equal(told[t][0][k], observation)
            assert (told[t][1][k], told[t][2][k]) == (reward, ended)
        if ended:
            assert not any(step[1][k] for step in told[t + 1 :]), "a world that is over earns nothing"
    limited = kind(**{"limit": 3}).batch(2)
    limited.reset(seed=0)
    for _ in range(3):
        *_, truncated, _ = limited.step(actions[0, :2] * 0)
    assert truncated.tolist() == (limited.steps == 3).tolist() == limited.over.tolist()


@pytest.mark.parametrize("kind", COMPILED)
def test_actions_out_of_range_are_refused(kind):
    world = kind()
    batch = world.batch(2)
    batch.reset(seed=0)
    good = np.stack(list(some_actions(world, 2)))
    before = batch.states.copy()
    for bad in (good + 9, good[:1], good * np.nan if good.dtype.kind == "f" else good + 0.5):
        with pytest.raises(ValueError, match=r"actions (are|must be)"):
            batch.step(bad)
    np.testing.assert_array_equal(batch.states, before)
    with pytest.raises(ValueError, match="a seed for each of 2"):
        batch.reset(seed=[1])
    with pytest.raises(ValueError, match="must have a world"):
        world.batch(0)
    with pytest.raises(ValueError, match="limit"):
        kind(limit=-1)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: TMaze(0), lambda: Maze89(slip=1.1), lambda: Rooms(0), lambda: Rooms(goal=(0, 0)),
        lambda: Rooms(1, 1, 1), lambda: Rooms(goal=(15, 0)), lambda: Rooms(colours=10), lambda: FlipFlop(1),
        lambda: FlipFlop(length=0), lambda: MultimodePole(jitter=1.0), lambda: MultimodePole(force=0.0),
        lambda: MemoryBits(bits=0), lambda: MemoryBits(FlipFlop()), lambda: MemoryBits(TMaze(), bits=9, boxes=999),
    ],
)  # fmt: skip
def test_worlds_that_are_none_are_refused(wrong):
    with pytest.raises(ValueError, match=r"must|outside|begin|from 0|too many"):
        wrong()


@pytest.mark.parametrize("noisy", [False, True])
def test_the_t_maze_step_by_step(noisy):
    world = TMaze(4, noisy=noisy)
    ends = set()
    for seed in range(40):
        actions = some_actions(world, 600, seed)
        record = played(world, actions, seed)
        south, at = record[0][0].tolist() == [1, 1, 0], 0
        assert south or record[0][0].tolist() == [0, 1, 1]
        for action, (seen, reward, ended) in zip(actions, record[1:], strict=False):
            wanted, over = 0.0, False
            if action == 1 and at < 4:
                at += 1
            elif action == 3 and at > 0:
                at -= 1
            elif at == 4 and action in (0, 2):
                wanted, over = (4.0 if (action == 2) == south else -0.1), True
            else:
                wanted = -0.1
            assert (reward, ended) == (wanted, over)
            if at in (0, 4):
                assert seen.tolist() == (([1, 1, 0] if south else [0, 1, 1]) if at == 0 else [0, 1, 0])
            else:
                assert seen[1] == 0
                assert (seen == [1, 0, 1]).all() != noisy
        ends.add((south, record[-1][1]))
    assert ends == {(south, reward) for south in (False, True) for reward in (4.0, -0.1)}


def test_the_noise_of_the_corridor_is_uniform():
    batch = TMaze(3, noisy=True).batch(4000)
    batch.reset(seed=0)
    seen = batch.step(np.ones(4000, int))[0]
    assert np.abs(seen.mean(0) - [0.5, 0, 0.5]).max() < 0.02
    assert np.abs(seen[:, [0, 2]].var(0) - 1 / 12).max() < 0.005
    assert abs(np.corrcoef(seen[:, 0], seen[:, 2])[0, 1]) < 0.05
    assert abs(batch.states[:, 1].mean() - 0.5) < 0.03, "a goal is as often in the south as in the north"


@pytest.mark.parametrize("length", [1, 10, 50])
def test_the_best_return_of_the_t_maze(length):
    values = best(moves_of(TMaze(length)), 0.98)
    assert len(values) == 2 * (length + 1)
    for south in (0.0, 1.0):
        assert values[0.0, south] == pytest.approx(4 * 0.98**length, abs=1e-10)


def test_the_best_return_with_a_bit_of_memory():
    """One switch costs a step and a wrong turn is avoided: with the bit set in the south, 4 can be had either way."""
    world = MemoryBits(TMaze(6), bits=1)
    for seed in range(6):
        world.reset(seed=seed)
        south = bool(world.held.states[0, 2])
        episode = played(world, [4] * south + [1] * 6 + [2 if south else 0], seed)
        assert sum(reward for _, reward, _ in episode) == 4
        codes = [int(seen.argmax()) for seen, _, _ in episode]
        assert len(set(codes[1 + south : -1])) == 2, "corridor and junction"
        assert {code % 2 for code in codes[1:]} == {int(south)}, "the bit stays"


@pytest.mark.parametrize("rooms", [Rooms(2, 2, 3), Rooms(3, 3, 5, colours=3), Rooms(1, 3, 4, goal=(0, 6))])
def test_the_best_return_of_rooms(rooms):
    """By dynamic programming over the world's own moves, and by breadth-first search over a grid drawn here."""
    height, width, side = rooms.down * rooms.side, rooms.across * rooms.side, rooms.side
    distance, border = {rooms.goal_cell: 0}, [rooms.goal_cell]
    for row, column in border:
        for down, right in ((0, 1), (1, 0), (0, -1), (-1, 0)):
            other = row + down, column + right
            if not (0 <= other[0] < height and 0 <= other[1] < width) or other in distance:
                continue
            through = (row, column)[1 if down else 0] % side == side // 2
            if (row // side, column // side) == (other[0] // side, other[1] // side) or through:
                distance[other] = distance[row, column] + 1
                border.append(other)
    assert len(distance) == height * width
    values = best(moves_of(rooms), 0.95)
    assert values[0.0, 0.0] == pytest.approx(0.95 ** (distance[0, 0] - 1), abs=1e-10)
    for state, value in values.items():
        assert value == pytest.approx(0.95 ** (distance[int(state[0]), int(state[1])] - 1), abs=1e-10)


def test_rooms_alias_by_their_colours():
    own, shared = Rooms(2, 2, 3, anywhere=True), Rooms(2, 2, 3, colours=2, anywhere=True)
    seen = {}
    for world in (own, shared):
        cells = set()
        for seed in range(200):
            cells.add(tuple(world.reset(seed=seed)[0]))
        seen[world.colours] = len(cells)
    assert seen[0] == 35  # all but the goal
    assert seen[2] == 18


def test_the_maze_of_89_states():
    """Its size, its optimal return with states seen, and that this is what the optimal policy earns in it."""
    from carrousel.tasks._mazes import GOAL, GRID

    free = [(r, c) for r, row in enumerate(GRID) for c, cell in enumerate(row) if cell == "0"]
    assert len(free) == 23
    assert 4 * (len(free) - 1) + 1 == 89
    states = [(cell, heading) for cell in free if cell != GOAL for heading in range(4)]
    steps, discount = ((-1, 0), (0, 1), (1, 0), (0, -1)), 0.95

    def after(state, action):
        (row, column), heading = state
        if action == 1:
            ahead = row + steps[heading][0], column + steps[heading][1]
            return (ahead if GRID[ahead[0]][ahead[1]] == "0" else (row, column)), heading
        return (row, column), (heading + (0, 0, 2, 3, 1)[action]) % 4

    place = {state: k for k, state in enumerate(states)}
    moves = np.zeros((5, 88, 88))  # a fifth of the slips does what was chosen
    wins = np.zeros((5, 88))
    for k, state in enumerate(states):
        for chosen in range(5):
            for done in range(5):
                p = 0.9 * (done == chosen) + 0.1 / 5
                new = after(state, done)
                if new[0] == GOAL:
                    wins[chosen, k] += p
                else:
                    moves[chosen, k, place[new]] += p
    value = np.zeros(88)
    for _ in range(600):
        gains = wins + discount * moves @ value
        value = gains.max(0)
    policy = gains.argmax(0)
    world = Maze89(limit=0)
    batch = world.batch(4000)
    seen, _ = batch.reset(seed=0)
    starts = np.array([place[divmod(int(at), 9), int(heading)] for at, heading in batch.states])
    assert np.bincount(starts, minlength=88).min() > 20, "episodes begin everywhere"
    walls = np.zeros((4000, 4))
    for k, (at, heading) in enumerate(batch.states):
        for side, turn in enumerate((0, 3, 2, 1)):
            down, right = steps[(int(heading) + turn) % 4]
            walls[k, side] = GRID[int(at) // 9 + down][int(at) % 9 + right] == "1"
    assert abs((walls != seen).mean() - 0.1) < 0.01
    earned, factor = np.zeros(4000), 1.0
    while not batch.over.all():
        live = ~batch.over
        at = np.zeros(4000, int)
        at[live] = [place[divmod(int(s[0]), 9), int(s[1])] for s in batch.states[live]]
        earned += factor * batch.step(policy[at])[1]
        factor *= discount
    error = earned.std() / 4000**0.5
    assert abs(earned.mean() - value[starts].mean()) < 4 * error
    assert 0.4 < value.mean() < 0.8


def test_the_flip_flop_pays_for_what_is_wrong():
    world = FlipFlop(length=200)
    seen, since, total = world.reset(seed=3)[0], False, 0.0
    for _ in range(200):
        event = int(seen.argmax())
        wanted = float(event == 1 and since)
        since = event == 0 or (since and event != 1)
        seen, reward, ended, _, _ = world.step(np.float32([wanted]))
        total += reward
    assert total == 0
    assert ended
    world.reset(seed=3)
    assert world.step(np.float32([0.5]))[1] == -0.25


def test_the_modes_of_the_pole_exchange_the_pushes():
    """By the equations of Barto, Sutton & Anderson, written as they are."""
    modes = set()
    for seed in range(6):
        world, actions = MultimodePole(told=3), np.random.default_rng(seed).integers(0, 2, 400)
        seen = world.reset(seed=seed)[0]
        mode, x, angle = float(seen[2]), world.held.states[0, 0], world.held.states[0, 2]
        v = turning = 0.0
        assert max(abs(x) / 2.4, abs(angle) / np.radians(12)) <= 0.1
        for t, action in enumerate(actions):
            force = 10.0 * (1 if action else -1) * mode
            pushed = (force + 0.05 * turning**2 * np.sin(angle)) / 1.1
            fall = 9.8 * np.sin(angle) - np.cos(angle) * pushed
            spin = fall / (0.5 * (4 / 3 - 0.1 * np.cos(angle) ** 2 / 1.1))
            push = pushed - 0.05 * spin * np.cos(angle) / 1.1
            x, v, angle, turning = x + 0.02 * v, v + 0.02 * push, angle + 0.02 * turning, turning + 0.02 * spin
            seen, reward, ended, _, _ = world.step(action)
            np.testing.assert_allclose(seen, [x / 2.4, angle / np.radians(12), mode * (t < 2)], atol=1e-6)
            fallen = abs(x) > 2.4 or abs(angle) > np.radians(12)
            assert (reward, ended) == ((-1.0, True) if fallen else (0.0, False))
            if ended:
                break
        assert ended
        modes.add(mode)
    assert modes == {-1.0, 1.0}


@pytest.mark.parametrize("kind", COMPILED)
def test_seeds_never_draw_anything_else(kind):
    batch = kind().batch(50)
    batch.reset(seed=0)
    for actions in some_actions(kind(), 30)[:, None].repeat(50, 1):
        batch.step(actions)
    digest = hashlib.sha256(batch.draws.tobytes() + batch.seen.tobytes() + batch.over.tobytes()).hexdigest()[:12]
    assert digest == DRAWN[kind.__name__]


DRAWN = {
    "FlipFlop": "eaeaea9afd07",
    "TMaze": "8ba9ad06cffe",
    "Maze89": "2361e6070873",
    "MemoryBits": "49d46d02f803",
    "MultimodePole": "3db62b712813",
    "Rooms": "b125a8447925",
}

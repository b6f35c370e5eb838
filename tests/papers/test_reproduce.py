"""Running experiments, and the command and the page that show what came out."""

from __future__ import annotations

import html
import importlib
import itertools
import json
import pickle
import re
import shutil
import struct
import subprocess
import sys
import zlib
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import joblib
import numpy as np
import pytest

from carrousel import papers
from carrousel.cli import main
from carrousel.papers import _compare, _index, _run, _trial


@pytest.fixture(autouse=True)
def _own_trials(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


class Nothing(papers.Prepared):
    """Is ready at once."""

    def ready(self):
        self.sets = "ready"


def prepare(setting):
    return Nothing(None, None)


def train(prepared, setting):
    """A trial that leaves a trace of having been run."""
    assert prepared.sets == "ready"
    with open(setting.config.task["log"], "a") as file:
        file.write(f"{setting.number}\n")
    return {"success": setting.number % 2 == 0, "sequences": 10 * (setting.number + 1), "steps": 5}


def draw(path, result):
    """The smallest PNG file."""

    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b""))


@pytest.fixture
def experiment(tmp_path, monkeypatch):
    """Two rows that are run and one that is quoted, known by its name."""
    log = str(tmp_path / "log")
    rows = (
        papers.Row(
            "near", "Ours", {"rate": "0.1"}, {"success_rate": 1.0, "sequences_mean": 30}, papers.Config({"log": log})
        ),
        papers.Row(
            "far",
            "Theirs",
            {"rate": "0.5"},
            {"sequences_mean": 9},
            papers.Config({"log": log, "x": 1}),
            6,
            note="A *note*.",
        ),
        papers.Row("quoted", "Old | new", {"units": "3"}, {"success_rate": 0.5}),
    )
    quick = papers.Quick("Half of all fail", lambda found: found["near"]["success_rate"] == 0.5, ("near",), 2)
    made = papers.Experiment(
        "test/one",
        "A test",
        "Nobody",
        rows,
        prepare,
        train,
        trials=4,
        options={"update": ("step", "end")},
        quick=quick,
        pictures=(papers.Picture("dot", "A dot", draw),),
        notes="What was **chosen**.",
    )
    monkeypatch.setitem(papers.EXPERIMENTS, made.name, made)
    ticks = itertools.count()  # every trial takes a second
    monkeypatch.setattr(_trial, "time", SimpleNamespace(perf_counter=lambda: next(ticks)))
    return made


def runs(tmp_path):
    return len((tmp_path / "log").read_text().split())


def test_a_killed_run_goes_on_from_the_trials_that_are_done(experiment, tmp_path):
    first = papers.reproduce(experiment, rows=["near"], jobs=1)
    measured = first["rows"][0]["measured"]
    assert measured["success_rate"] == 0.5
    assert (measured["sequences_mean"], measured["sequences_max"]) == (20, 30)
    assert (measured["steps"], measured["steps_per_second"]) == (20, 5)
    file = next(papers.trials_directory().iterdir())
    kept = file.read_text().splitlines()
    file.write_text("\n".join(kept[:3]) + '\n{"trial": 2, "succ')  # killed while it wrote
    with pytest.warns(
        UserWarning, match="of the finished trials, 1 must be run again: .* cannot be read as a finished trial"
    ):
        again = papers.reproduce(experiment, rows=["near"], jobs=1)
    assert again["rows"] == first["rows"]
    assert sorted((tmp_path / "log").read_text().split()) == sorted(["0", "1", "2", "3", "2", "3"])
    file.write_text(file.read_text().replace('\n{"trial": 2, "succ', ""))
    papers.reproduce(experiment, rows=["near"], trials=5, jobs=1)  # one more
    assert runs(tmp_path) == 7
    papers.reproduce(experiment, rows=["near"], jobs=1, options={"update": "end"})
    papers.reproduce(experiment, rows=["near"], jobs=1, fresh=True)
    papers.reproduce(experiment, rows=["near"], jobs=1, seed=1)
    assert runs(tmp_path) == 7 + 4 + 4 + 4


def test_results_do_not_depend_on_how_many_run_at_a_time():
    experiment = papers.get("hochreiter1997/reber")
    small = [replace(row, config=row.config.changed(limit=300)) for row in experiment.own_rows()]
    experiment = replace(experiment, rows=tuple(small))
    call = {"rows": ["lstm-4x1-0.5", "elman-15"], "trials": 3, "fresh": True}
    one, two = (papers.reproduce(experiment, jobs=jobs, **call)["rows"] for jobs in (1, 2))
    for a, b in zip(one, two, strict=True):
        for key in a["measured"].keys() - {"seconds", "steps_per_second"}:
            assert a["measured"][key] == b["measured"][key], key


def test_a_backend_that_tells_nothing_before_the_end(experiment, tmp_path):
    """As Ray's: what is done is kept nevertheless, call after call."""
    told = []

    class Mute(joblib._parallel_backends.SequentialBackend):
        supports_return_generator = False

    joblib.register_parallel_backend("mute", lambda **words: Mute(**words))
    try:
        result = papers.reproduce(
            experiment, rows=["near"], jobs=1, backend="mute", progress=lambda row, trial: told.append(runs(tmp_path))
        )
    finally:
        joblib.parallel.BACKENDS.pop("mute")
    assert told == [1, 2, 3, 4]
    assert result["rows"] == papers.reproduce(experiment, rows=["near"], jobs=1)["rows"]


def test_two_runs_do_not_share_kept_trials(experiment, tmp_path):
    refused = []

    def another(row, trial):
        if not refused:
            for fresh in (False, True):
                with pytest.raises(BlockingIOError, match=r"is running these trials: .*test-one-near"):
                    papers.reproduce(experiment, rows=["near"], jobs=1, fresh=fresh)
            papers.reproduce(experiment, rows=["far"], jobs=1)  # other trials
            refused.append(row)

    papers.reproduce(experiment, rows=["near"], jobs=1, progress=another)
    assert refused
    assert runs(tmp_path) == 4 + 6
    papers.reproduce(experiment, jobs=1)
    assert runs(tmp_path) == 4 + 6
    assert all(path.suffix == ".jsonl" for path in papers.trials_directory().iterdir())


def test_what_is_asked_for_twice_is_run_once(experiment, tmp_path):
    result = papers.reproduce(experiment, rows=["near", "near"], jobs=1)
    assert runs(tmp_path) == 4
    assert [row["row"] for row in result["rows"]] == ["near", "quoted"]
    with pytest.raises(ValueError, match="trials must be at least 1, got 0"):
        papers.reproduce(experiment, trials=0)


def test_a_published_figure_that_did_not_come_out_is_not_near(experiment):
    share, figure = (figure for figure in papers.SUCCESS if figure.compared)
    row = {"published": {figure.key: 30}}
    judged = [_compare.near(figure, {**row, "measured": {figure.key: value}}) for value in (20, 61, None)]
    assert judged == [True, False, False]
    assert _compare.near(figure, row) is None
    assert _compare.near(figure, {"published": {}, "measured": {figure.key: 20}}) is None
    result = {"rows": [{"row": "near", "published": {figure.key: 30}, "measured": {figure.key: None}}]}
    assert "- (✗)" in papers.table(experiment, result)[2]
    judged = [
        _compare.near(share, {"published": {share.key: told}, "measured": {share.key: came}})
        for told, came in ((1.0, 0.75), (1.0, 0.7), (0.0, 0.0), (0.0, 0.3), (0.97, None))
    ]
    assert judged == [True, False, True, False, False]
    rare = {"published": {share.key: 1.0, figure.key: 30}, "measured": {share.key: 0.1, figure.key: 30}}
    line = papers.table(experiment, {"rows": [{"row": "near", **rare}]})[2]
    assert "10% (✗)" in line  # nearly all failed
    assert "30 (×1.00)" in line  # and those that succeeded agree


def test_a_line_of_the_table_says_where_its_figures_are_from(experiment):
    def told(experiment, published):
        return papers.table(experiment, {"rows": [{"row": "near", "published": published}]})[1][4]

    assert told(experiment, {"sequences_mean": 30}) == "published"
    assert told(replace(experiment, source="from memory"), {"sequences_mean": 30}) == "published, from memory"
    assert told(experiment, {}) == "published: unknown"


def test_the_clock_counts_what_ran_at_the_same_time_once():
    assert _run._clock([]) == 0
    assert _run._clock([[0, 10], [2, 3], [8, 12], [20, 21]]) == 13


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (["hochreiter1997/rober"], "did you mean 'hochreiter1997/reber'"),
        (["hochreiter1997/reber", "--row", "rcc"], "is quoted, not run"),
        (["hochreiter1997/reber", "--row", "lstm"], "its rows are rtrl-3"),
        (["hochreiter1997/reber", "--set", "update=never"], "update must be one of"),
        (["hochreiter1997/reber", "--set", "rate=1"], "has no option 'rate'"),
        (["hochreiter1997/reber", "--json", "/nowhere/x.json"], "no directory"),
        (["hochreiter1997/reber", "--into", "/nowhere"], "no directory"),
        (["hochreiter1997/reber", "--quick", "--trials", "3"], "its own rows"),
        (["hochreiter1997/reber", "--backend", "slurm"], "must be one of loky"),
        (["hochreiter1997/reber", "--report", "."], "without EXPERIMENT"),
        (["--report", ".", "--quick"], "without EXPERIMENT"),
        (["--report", ".", "--jobs", "2"], "without EXPERIMENT"),
        (["--quick"], "say which EXPERIMENT"),
        (["--backend", "ray"], "say which EXPERIMENT"),
        (["hochreiter1997/reber", "--quick", "--fresh"], "its own rows"),
        (["hochreiter1997/reber", "--quick", "--jobs", "-1"], "its own rows"),
        (["hochreiter1997/reber", "--quick", "--backend", "threading"], "its own rows"),
    ],
)
def test_wrong_calls_are_refused_before_anything_runs(call, message, capsys):
    assert main(["reproduce", *call]) == 2
    assert message in capsys.readouterr().err


def test_the_command_writes_the_table_and_the_page(experiment, tmp_path, capsys):
    into = tmp_path / "results"
    into.mkdir()
    assert main(["reproduce", "test/one", "--jobs", "1", "--into", str(into)]) == 0
    out = capsys.readouterr().out
    assert "20 (×0.67)" in out
    assert "30 (×3.33 ✗)" in out  # 6 trials: 10, 30, 50
    found = json.loads((into / "test-one.json").read_text())
    assert set(found) == {"format", "version", "experiment", "seed", "options", "made", "rows", "sha256"}
    assert [row["row"] for row in found["rows"]] == ["near", "far", "quoted"]
    assert "measured" not in found["rows"][2]
    assert main(["reproduce", "test/one", "--jobs", "1", "--set", "update=end", "--into", str(into)]) == 0
    assert main(["reproduce", "--report", str(into)]) == 0
    page = (into / "README.md").read_text()
    for text in (
        "1 of 3",
        "50% (✗)",
        "×3.33 ✗",
        "What was **chosen**.",
        "A *note*.",
        "(test-one-dot.png)",
        "Old \\| new",
    ):
        assert text in page, text
    assert page.count("## A test") == 2
    assert page.count("What was **chosen**.") == 1
    assert page.index("update=end") < page.rindex("## A test (update=end)")
    assert "\n    carrousel reproduce test/one --set update=end\n" in page
    call = ["--row", "far", "--trials", "7", "--seed", "1", "--jobs", "1", "--into", str(into)]
    assert main(["reproduce", "test/one", *call]) == 0
    assert main(["reproduce", "--report", str(into)]) == 0
    assert "\n    carrousel reproduce test/one --row far --trials 7 --seed 1\n" in (into / "README.md").read_text()
    page = (into / "report.html").read_text()
    assert page.count('src="data:image/png;base64,') == 2
    assert "<strong>chosen</strong>" in page
    assert "<td>Old | new</td>" in page
    assert main(["reproduce"]) == 0
    assert "hochreiter1997/reber" in capsys.readouterr().out


@pytest.mark.skipif(shutil.which("chromium") is None, reason="there is no chromium to draw the page")
@pytest.mark.parametrize("width", [1280, 390])
def test_the_committed_page_is_as_wide_as_the_screen(width, tmp_path):
    """On a desk and on a phone: what is wider, as a table is, moves within it."""
    page = (Path(__file__).parents[2] / "docs" / "results" / "report.html").read_text()
    told = "document.title = 'width ' + document.querySelector('iframe').contentDocument.documentElement.scrollWidth"
    frame = f'<iframe srcdoc="{html.escape(page)}" width="{width}" height="900" style="border: 0"></iframe>'
    (tmp_path / "page.html").write_text(f"<title>page</title>{frame}<script>onload = () => {told}</script>")
    call = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path}/profile"]
    call += ["--window-size=1400,900", "--dump-dom", (tmp_path / "page.html").as_uri()]
    drawn = subprocess.run(call, capture_output=True, text=True, timeout=60, check=True).stdout
    assert int(re.search(r"<title>width (\d+)</title>", drawn)[1]) <= width


def test_a_page_of_nothing_or_of_something_else_is_refused(tmp_path, capsys):
    assert main(["reproduce", "--report", str(tmp_path)]) == 2
    assert "holds no results" in capsys.readouterr().err
    (tmp_path / "x.json").write_text('{"experiment": "no/such"}')
    assert main(["reproduce", "--report", str(tmp_path)]) == 2
    assert "x.json cannot be read as a result of an experiment: it has no checksum" in capsys.readouterr().err
    papers.write_result(tmp_path / "x.json", {"experiment": "no/such"})
    assert main(["reproduce", "--report", str(tmp_path)]) == 2
    assert "'no/such' is missing" in capsys.readouterr().err
    papers.write_result(tmp_path / "x.json", {"experiment": "hochreiter1997/reber", "rows": [], "options": {}})
    assert main(["reproduce", "--report", str(tmp_path)]) == 2
    assert "has other options now" in capsys.readouterr().err
    quick = papers.quick(papers.get("hochreiter1997/temporal-order"))
    papers.write_result(tmp_path / "x.json", quick)
    assert main(["reproduce", "--report", str(tmp_path)]) == 2
    assert "quick run" in capsys.readouterr().err
    assert not (tmp_path / "README.md").exists()


def test_a_quick_claim_that_is_not_true_fails(experiment, monkeypatch, capsys):
    assert main(["reproduce", "test/one", "--quick"]) == 0
    assert "True: Half of all fail" in capsys.readouterr().out
    wrong = replace(experiment, quick=replace(experiment.quick, holds=lambda found: False))
    monkeypatch.setitem(papers.EXPERIMENTS, "test/one", wrong)
    assert main(["reproduce", "test/one", "--quick"]) == 1
    assert "NOT TRUE" in capsys.readouterr().out


@pytest.mark.parametrize("name", list(papers.EXPERIMENTS))
def test_every_experiment_is_whole(name):
    """Names are unique, quick rows exist, what is compared is published somewhere, notes and finding are there."""
    experiment = papers.get(name)
    assert len({row.name for row in experiment.rows}) == len(experiment.rows)
    assert experiment.notes
    keys = {figure.key for figure in experiment.figures}
    for row in experiment.rows:
        assert row.published.keys() <= keys | {"trials"}, row.name
    for figure in experiment.figures:
        told = any(figure.key in row.published for row in experiment.own_rows())
        assert told or figure.share or not figure.compared, figure.key
    assert experiment.outcome in ("yes", "partly", "no")
    assert experiment.finding.endswith(".")
    assert experiment.quick is not None
    assert {experiment.row(row).name for row in experiment.quick.rows}


@pytest.mark.parametrize("name", list(papers.EXPERIMENTS))
def test_every_experiment_holds_its_quick_claim(name):
    result = papers.quick(papers.get(name))
    assert result["holds"], result["claim"]
    compared = {figure.key for figure in papers.get(name).figures if figure.compared}
    for entry in result["rows"]:
        if "measured" in entry:
            assert compared <= entry["measured"].keys()
            assert entry["measured"]["steps"] > 0


def test_the_committed_page_is_made_of_the_committed_results(tmp_path):
    results = Path(__file__).parents[2] / "docs" / "results"
    for path in results.iterdir():
        if path.suffix in (".json", ".png"):
            shutil.copy(path, tmp_path)
    papers.report(tmp_path, papers.EXPERIMENTS)
    assert (tmp_path / "README.md").read_text() == (results / "README.md").read_text()


def test_the_list_is_that_of_the_papers():
    """``index.json`` says what the packages hold, each of which is found by itself."""
    assert _index.listing() == _index.index_of(_index.packages()), "run: python docs/generate.py"
    assert list(papers.EXPERIMENTS) == [each["name"] for each in papers.listing()]
    for name, experiment in papers.EXPERIMENTS.items():
        assert experiment.name == name
    with pytest.raises(KeyError):
        papers.EXPERIMENTS["hochreiter1997/none"]
    assert "hochreiter1997/none" not in papers.EXPERIMENTS


def test_the_list_needs_neither_torch_nor_numba_nor_a_paper():
    """A process that lists all experiments imports none of these, and is done before one could be."""
    program = """
import sys, time
start = time.process_time()
from carrousel.cli import main
assert main(["reproduce"]) == 0
spent = time.process_time() - start
heavy = {"torch", "numba", "numpy", "pandas", "matplotlib", "sklearn", "carrousel.learning", "carrousel.tasks"}
heavy |= {f"carrousel.papers.{paper}" for paper in PAPERS}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
assert spent < 0.5, spent
""".replace("PAPERS", repr(_index.packages()))
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("hochreiter1997/") == 8


@pytest.mark.parametrize("name", list(papers.EXPERIMENTS))
def test_trials_can_be_sent_to_other_processes(name):
    experiment = papers.get(name)
    sent = pickle.loads(pickle.dumps((experiment.prepare, experiment.train, experiment.own_rows()[0].config)))
    assert sent == (experiment.prepare, experiment.train, experiment.own_rows()[0].config)


def test_a_citation_stands_once():
    """Each paper is cited in one place, and its experiments add what is theirs."""
    for paper in _index.packages():
        folder = Path(papers.__file__).parent / paper
        citations = {path: path.read_text() for path in folder.glob("*.py")}
        experiments = [experiment for name, experiment in papers.EXPERIMENTS.items() if name.startswith(f"{paper}/")]
        package = importlib.import_module(f"carrousel.papers.{paper}")
        cited = getattr(package, "CITATION", papers.get("hochreiter1997/reber").citation.partition(". Exp")[0])
        every = getattr(package, "CITATIONS", (cited,))  # of several papers of the same people and year
        assert cited == every[0]
        assert all(experiment.citation.startswith(every) for experiment in experiments)
        words = [re.sub(r'"\s*"|\W+', " ", text) for text in citations.values()]
        for each in every:
            journal = re.sub(r"\W+", " ", each)[-20:]
            found = sum(" ".join(text.split()).count(" ".join(journal.split())) for text in words)
            assert found == hasattr(package, "CITATION"), f"{paper} cites itself {found} times"


def test_the_harness_makes_the_generator_and_holds_the_clock(experiment):
    """A trial gets its own generator; what makes it ready is not timed, and training is."""
    asked = []

    class Slow(papers.Prepared):
        def ready(self):
            asked.append("ready")

    def prepare(setting):
        asked.append(setting.rng.integers(1000))
        return Slow(None, None)

    def train(prepared, setting):
        asked.append(setting.rng.integers(1000))
        return {"success": True, "steps": 1}

    found = _trial.run_trial(prepare, train, experiment.config("near"), {}, 4, 2)
    rng = np.random.default_rng([4, 2])
    assert asked == [rng.integers(1000), "ready", rng.integers(1000)]
    assert found["seconds"] == 1
    setting = papers.Setting.of(experiment.config("near"), {}, 4, 2)
    assert setting.apart(1).integers(1000) == np.random.default_rng([4, 2, 1]).integers(1000)
    with pytest.raises(ValueError, match="stands in two parts"):
        papers.Config({"p": 1}, {"p": 2})

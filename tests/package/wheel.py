"""The archives that `make package` builds, and carrousel as a stranger installs it: away from its sources.

Not among the tests of `make test`: `make package` builds `dist`, then runs this file. An environment is made from
the wheel and links to exactly the packages that the wheel requires, as they lie in .venv: nothing is installed twice,
and a package that carrousel uses without requiring it is missing there.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tarfile
import venv
import zipfile
from importlib.metadata import distribution, distributions
from pathlib import Path

import pytest
from required import closure, plain

ROOT = Path(__file__).resolve().parents[2]
WHEEL = next((ROOT / "dist").glob("*.whl"), ROOT / "no wheel")
SOURCES = next((ROOT / "dist").glob("*.tar.gz"), ROOT / "no sources")


class Installed:
    """Runs Python and the command in an environment that holds the wheel and what it requires."""

    def __init__(self, folder: Path, cache: Path, *extras: str) -> None:
        self.cache, self.work, self.bin = cache, folder / "work", folder / "environment" / "bin"
        venv.create(folder / "environment", symlinks=True)
        python = self.bin / "python"
        words = [sys.executable, "-m", "pip", "--python", python]
        subprocess.run([*words, "install", "--quiet", "--no-index", "--no-deps", WHEEL], check=True)
        (site,) = (folder / "environment").glob("**/site-packages")
        (own,) = distributions(name="carrousel", path=[str(site)])
        for name in closure(own.requires or [], extras):
            needed = distribution(name)
            for top in {file.parts[0] for file in needed.files or []} - {"..", "__pycache__"}:
                if not (site / top).exists():  # some packages share a folder
                    (site / top).symlink_to(needed.locate_file(top))
        subprocess.run([*words, "check"], check=True)
        self.work.mkdir()

    def run(self, *words: str, code: int = 0) -> str:
        """Returns what a process writes to standard output, or to standard error if it is to fail."""
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        environment["XDG_CACHE_HOME"] = str(self.cache)
        command = [self.bin / words[0], *words[1:]]
        done = subprocess.run(command, cwd=self.work, env=environment, capture_output=True, text=True, timeout=300)
        assert done.returncode == code, done.stdout + done.stderr
        return done.stderr if code else done.stdout

    def python(self, code: str) -> str:
        """Returns what lines of Python print."""
        return self.run("python", "-I", "-c", code)


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """Holds what has been compiled: empty at first, the same for both environments."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def bare(tmp_path_factory, cache) -> Installed:
    return Installed(tmp_path_factory.mktemp("bare"), cache)


@pytest.fixture(scope="module")
def whole(tmp_path_factory, cache) -> Installed:
    return Installed(tmp_path_factory.mktemp("whole"), cache, "train", "onnx", "stream")


def tracked(folder: str = ".") -> set[str]:
    """The files of a folder that git knows."""
    listed = subprocess.run(["git", "ls-files", "-z", folder], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(listed.stdout.split("\0")) - {""}


def test_the_wheel_holds_the_package_and_nothing_else() -> None:
    with zipfile.ZipFile(WHEEL) as wheel:
        names = set(wheel.namelist())
    about = {name for name in names if ".dist-info/" in name}
    assert {"src/" + name for name in names - about} == tracked("src/carrousel")
    assert "carrousel/py.typed" in names
    assert {name.split("/", 1)[1] for name in about} == {
        "METADATA",
        "RECORD",
        "WHEEL",
        "entry_points.txt",
        "licenses/LICENSE",
    }


def test_the_sources_are_those_that_git_knows() -> None:
    with tarfile.open(SOURCES) as sources:
        names = {member.name.split("/", 1)[1] for member in sources.getmembers() if member.isfile()}
    assert names - {"PKG-INFO"} == tracked()


def test_the_wheel_of_the_sources_is_the_wheel_of_the_tree(tmp_path) -> None:
    words = [sys.executable, "-m", "build", "--wheel", "--outdir", tmp_path, ROOT]
    subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    assert (tmp_path / WHEEL.name).read_bytes() == WHEEL.read_bytes()


def test_the_package_is_the_installed_one(bare) -> None:
    assert Path(bare.python("import carrousel; print(carrousel.__file__)").strip()).is_relative_to(bare.bin.parent)
    said = bare.python(
        "import carrousel, importlib.metadata as m; print(carrousel.__version__, m.version('carrousel'))"
    )
    assert len(set(said.split())) == 1


def test_what_is_not_required_is_not_there(bare) -> None:
    missing = bare.python("import importlib.util as u; print(*(u.find_spec(n) for n in ('pandas', 'typer', 'pytest')))")
    assert missing.split() == ["None"] * 3


def test_a_network_learns_through_the_kernels(bare) -> None:
    assert bare.python("""
import torch, carrousel
torch.manual_seed(0)
old = torch.nn.LSTM(3, 8, num_layers=2, bidirectional=True)
new = carrousel.LSTM(3, 8, num_layers=2, bidirectional=True)
new.load_state_dict(old.state_dict())
x = torch.randn(9, 4, 3)
for net in (old, new):
    net(x)[0].square().sum().backward()
torch.testing.assert_close(new(x)[0], old(x)[0], rtol=1e-4, atol=1e-5)
for a, b in zip(new.parameters(), old.parameters(), strict=True):
    torch.testing.assert_close(a.grad, b.grad, rtol=1e-4, atol=1e-4)
print(*{line.backend for line in carrousel.explain(new, x)})
""").split() == ["cpu"]


def test_a_network_learns_online(bare) -> None:
    before, after = map(
        float,
        bare.python("""
import numpy as np, carrousel
x = np.sin(0.3 * np.arange(3000))[:, None]
learner = carrousel.OnlineLSTM(1, 8, 1, seed=0)
error = lambda: np.square(learner.predict_many(x[-300:-1]) - x[-299:]).mean()
before = error()
learner.learn_many(x[:-301], x[1:-300])
print(before, error())
""").split(),
    )
    assert after < before / 2


def test_without_its_extra_the_command_says_what_to_install(bare) -> None:
    said = bare.run("carrousel", "--help", code=2)
    assert "pip install 'carrousel[train]'" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["cells"], ["reproduce"], ["train", "--help"]])
def test_the_command_answers(whole, words) -> None:
    said = whole.run("carrousel", *words)
    assert said
    assert "Traceback" not in said


def test_the_command_trains_and_predicts(whole) -> None:
    words = ["--epochs", "2", "--hidden-size", "4"]
    told = json.loads(whole.run("carrousel", "train", "classify", "basic-motions", "--out", "model", "--json", *words))
    assert told["model"] == "model"
    whole.run("carrousel", "predict", "model", "basic-motions", "--out", "predictions.csv")
    assert len((whole.work / "predictions.csv").read_text("utf-8").splitlines()) == 1 + 40
    whole.run("carrousel", "inspect", "model", "basic-motions")


def test_the_command_learns_from_a_stream(whole) -> None:
    rows = [f"{k % 7},{(k + 1) % 7}" for k in range(300)]
    (whole.work / "stream.csv").write_text("\n".join(["x,y", *rows, ""]), "utf-8")
    said = whole.run("carrousel", "stream", "stream.csv", "--target", "y")
    assert len(said.splitlines()) >= 300


def test_the_command_refuses_without_a_traceback(whole) -> None:
    said = whole.run("carrousel", "train", "classify", "nothing.csv", code=2)
    assert re.search(r"nothing\.csv.*no such file", said)
    assert "Traceback" not in said


def test_a_network_goes_into_an_onnx_file(whole) -> None:
    whole.python("""
import torch, carrousel
net = carrousel.LSTM(3, 8, cell="peephole").eval()
torch.onnx.export(net, (torch.randn(5, 2, 3),), "net.onnx", verbose=False)
""")
    assert (whole.work / "net.onnx").stat().st_size > 0


OF_OTHERS = ("gymnasium", "sb3_contrib", "stable_baselines3", "tensordict", "torchrl")
"""What modules for agents of other libraries import, which only the extra `rl` brings."""


def test_all_rooms_can_be_imported(whole) -> None:
    with zipfile.ZipFile(WHEEL) as wheel:
        modules = sorted(
            name.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
            for name in wheel.namelist()
            if name.endswith(".py") and not name.endswith("__main__.py")
        )
    tried = f"""
import importlib
for name in {modules!r}:
    try:
        importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name.split(".")[0] not in {OF_OTHERS!r}:
            raise
"""
    whole.python(tried)


def test_a_requirement_has_a_version_in_the_constraints() -> None:
    text = (ROOT / "constraints.txt").read_text("utf-8")
    pinned = {plain(name) for name in re.findall(r"^([\w.-]+)==", text, re.MULTILINE)}
    with zipfile.ZipFile(WHEEL) as wheel:
        (name,) = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
        needs = re.findall(r"^Requires-Dist: (.*)$", wheel.read(name).decode(), re.MULTILINE)
    assert closure(needs, ("train", "onnx", "stream", "test")) - pinned - {"carrousel"} == set()

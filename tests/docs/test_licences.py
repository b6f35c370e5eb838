"""The page of licences names every package that carrousel brings along, and every data set that it offers."""

import re
import tomllib
from importlib.metadata import requires

import licences
from required import applying, closure

from carrousel.data import names
from carrousel.data._registry import KINDS

PROJECT = tomllib.loads((licences.ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def test_every_package_is_on_the_page() -> None:
    extras = PROJECT["optional-dependencies"]
    wanted = [
        *PROJECT["dependencies"],
        *(each for extra in licences.EXTRAS for each in licences.asked_by(extras, extra)),
    ]
    needed = closure(wanted)
    assert {"torch", "tqdm", "river", "onnx", "pytest", "jinja2", "soundfile"} <= needed
    assert needed - set(licences.listed()) == set()


def test_every_package_has_a_licence() -> None:
    assert {name for name, (_, words) in licences.listed().items() if words == "unknown"} == set()


def test_what_is_strict_stands_at_the_top() -> None:
    text = licences.PAGE.read_text("utf-8")
    top = set(re.findall(r"[\w-]+", text[: text.index("## Packages")]))
    strict = {name for name, (_, words) in licences.listed().items() if re.search("GPL|MPL|Mozilla|Proprietary", words)}
    assert {"tqdm", "hypothesis", "nvidia-cublas"} <= strict <= top


def test_every_data_set_is_on_the_page() -> None:
    assert sorted(row[0] for row in licences.DATA) == sorted({name for kind in KINDS for name in names(kind)})


def test_extras_of_extras_are_followed() -> None:
    asked = [each.name for each in applying(["a", "b; extra == 'x'", "c; python_version < '3'"], ["x"], [{}])]
    assert asked == ["a", "b"]
    assert requires("torch")
    assert "networkx" in closure(["torch"])

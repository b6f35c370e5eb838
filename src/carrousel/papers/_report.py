"""Writes one page of all results: each published table beside ours, with notes and pictures."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from carrousel._atomic import write_file
from carrousel.papers._compare import FACTOR, POINTS, near, table
from carrousel.papers._experiment import Experiment
from carrousel.papers._files import RESULT, read_result
from carrousel.papers._html import html_page

__all__ = ["read_results", "report", "result_stem"]

# What came out is grouped by this word, in this order.
_OUTCOMES = {"yes": "Came out", "partly": "Came out in part", "no": "Did not come out"}


def read_results(directory: Path, experiments: Mapping[str, Experiment]) -> list[tuple[Experiment, dict[str, Any]]]:
    """Reads the results in a directory, in the order of the experiments, those with the default options first.

    Raises:
        ValueError: there is none, or a file is not such a result, or is of no known experiment, row or option.
    """
    found = []
    for path in sorted(directory.glob("*.json")):
        result = read_result(path)
        with RESULT.blaming(path):
            experiment = experiments[result["experiment"]]
            if "claim" in result:
                raise ValueError("it is of a quick run, which is not the experiment")
            known = {row.name for row in experiment.rows}
            if missing := [entry["row"] for entry in result["rows"] if entry["row"] not in known]:
                raise ValueError(f"{experiment.name} has no row {missing[0]!r}")
            if experiment.choose(result["options"]) != result["options"]:
                raise ValueError(f"{experiment.name} has other options now; run it again")
            _overview([(experiment, result)])  # that all of it can be shown
            _section(directory, experiment, result, noted=False)
        found.append((experiment, result))
    if not found:
        raise ValueError(
            f"{directory} holds no results (NAME.json, written by `carrousel reproduce EXPERIMENT --into`)"
        )
    order = list(experiments)
    return sorted(found, key=lambda pair: (order.index(pair[0].name), len(_settings(*pair))))


def report(directory: Path, experiments: Mapping[str, Experiment]) -> tuple[Path, Path]:
    """Writes ``README.md`` and the self-contained ``report.html`` from the results beside them; returns their paths."""
    results = read_results(directory, experiments)
    text = _page(directory, results)
    contents = [(e.name.partition("/")[0], _heading(e, result), _anchor(e, result)) for e, result in results]
    markdown, page = directory / "README.md", directory / "report.html"
    write_file(markdown, text.encode())
    write_file(page, html_page(text, directory, contents).encode())
    return markdown, page


def _page(directory: Path, results: Sequence[tuple[Experiment, Mapping[str, Any]]]) -> str:
    parts = [
        "# The papers' experiments, published and re-run",
        "This page is made by `carrousel reproduce --report` from the result files beside it.",
        *_findings(results),
        "## All experiments",
        _overview(results),
        "## How to read the tables",
        "For every row of a published table the paper's figures stand above ours. × is our figure divided by the "
        f"paper's. ✗ marks a figure that is not within a factor of {FACTOR:g}, a share that is more than "
        f"{100 * POINTS:.0f} points of 100 away, and one that did not come out at all. Rows without a line of ours are "
        "quoted. Where the published figures were not read in the paper, their line says so.",
        "In most tables *success* is the share of trials that met the criterion, and *sequences* is how many training "
        "sequences these took in the mean, *from* the fastest *to* the slowest. *Seconds* is the time that all trials "
        "of the row took together.",
        "Where a paper leaves a choice open, or a network does not learn as it is printed, the experiment has an "
        "option with a value for each choice. `criterion=best` in a note is what `--set criterion=best` on the command "
        "line chooses. A table whose heading has no options is that of the defaults. The notes on an experiment stand "
        "folded under its first table.",
    ]
    seen: set[str] = set()
    for experiment, result in results:
        parts += _section(directory, experiment, result, noted=experiment.name in seen)
        seen.add(experiment.name)
    return "\n\n".join(parts) + "\n"


def _findings(results: Sequence[tuple[Experiment, Mapping[str, Any]]]) -> list[str]:
    """Returns paragraphs: what came out, in part or not, a line for each finding and the experiments it is of."""
    found: dict[str, dict[str, list[str]]] = {outcome: {} for outcome in _OUTCOMES}
    told: set[str] = set()
    for experiment, result in results:
        if experiment.finding and experiment.name not in told:
            told.add(experiment.name)
            link = f"[{_short(experiment)}](#{_anchor(experiment, result)})"
            found[experiment.outcome].setdefault(experiment.finding, []).append(link)
    parts = ["## What came out"] if told else []
    for outcome, findings in found.items():
        if findings:
            parts.append(f"**{_OUTCOMES[outcome]}**")
            parts.append("\n".join(f"- {'; '.join(links)}. {finding}" for finding, links in findings.items()))
    return parts


def _overview(results: Sequence[tuple[Experiment, Mapping[str, Any]]]) -> str:
    lines = [["experiment", "rows run", "compared figures that are near", "time on the clock"]]
    for experiment, result in results:
        own = [entry for entry in result["rows"] if "measured" in entry]
        every = [near(figure, entry) for entry in own for figure in experiment.figures]
        compared = [each for each in every if each is not None]
        share = f"{sum(compared)} of {len(compared)}" if compared else "-"
        link = f"[{_heading(experiment, result)}](#{_anchor(experiment, result)})"
        lines.append([link, str(len(own)), share, _time(result["made"]["seconds"])])
    return _markdown_table(lines)


def _section(directory: Path, experiment: Experiment, result: Mapping[str, Any], *, noted: bool) -> list[str]:
    """Returns the paragraphs of a result; ``noted`` if the notes stand under another result of the experiment."""
    made = result["made"]
    words = ["carrousel reproduce", experiment.name, *_settings(experiment, result)]
    words += [f"--row {name}" for name in made["rows"]]
    words += [f"--{name} {value}" for name, value in (("trials", made["trials"]), ("seed", result["seed"])) if value]
    spent = sum(entry["measured"]["seconds"] for entry in result["rows"] if "measured" in entry)
    shown = {entry["row"] for entry in result["rows"]}
    first, *diary = experiment.notes.strip().split("\n\n")
    notes = [f"- {row.name}: {row.note}" for row in experiment.rows if row.note and row.name in shown]
    diary += ["On single rows:", "\n".join(notes)] if notes else []
    parts = [
        f'<a id="{_anchor(experiment, result)}"></a>\n\n## {_heading(experiment, result)}',
        experiment.title if experiment.title.endswith("?") else f"{experiment.title}.",
        f"`{experiment.name}`. {experiment.citation}",
        *([first] if first and not noted else []),
    ]
    for picture in experiment.pictures:
        file = f"{result_stem(experiment, result)}-{picture.name}.png"
        if (directory / file).is_file():
            parts.append(f"![{picture.caption}]({file})\n\n*{picture.caption}.*")
    parts += [
        "    " + " ".join(words),
        _markdown_table(table(experiment, result)),
        f"Seed {result['seed']}; {_time(made['seconds'])} on the clock, {_time(spent)} of trials in all; "
        f"carrousel {made['carrousel']}, Python {made['python']}, NumPy {made['numpy']}, Numba {made['numba']}; "
        f"{made['machine']}.",
    ]
    if diary and not noted:
        summary = "<summary>How it was run, and what the paper leaves open</summary>"
        parts += [f"<details>\n{summary}", *diary, "</details>"]
    return parts


def result_stem(experiment: Experiment, result: Mapping[str, Any]) -> str:
    """Returns the beginning of a result's file names: the experiment, and the options that are not the defaults."""
    return "-".join(
        [experiment.stem, *(setting.split()[1].replace("=", "-") for setting in _settings(experiment, result))]
    )


def _settings(experiment: Experiment, result: Mapping[str, Any]) -> list[str]:
    """Returns the command's ``--set`` for the options that are not the defaults."""
    chosen = result["options"]
    return [f"--set {k}={chosen[k]}" for k, values in experiment.options.items() if chosen[k] != values[0]]


def _heading(experiment: Experiment, result: Mapping[str, Any]) -> str:
    return " ".join([_short(experiment), _options(experiment, result)]).strip()


def _short(experiment: Experiment) -> str:
    """Returns the title up to its colon."""
    return experiment.title.partition(":")[0]


def _options(experiment: Experiment, result: Mapping[str, Any]) -> str:
    settings = [setting.removeprefix("--set ") for setting in _settings(experiment, result)]
    return f"({', '.join(settings)})" if settings else ""


def _anchor(experiment: Experiment, result: Mapping[str, Any]) -> str:
    return re.sub("[^a-z0-9-]", "-", result_stem(experiment, result).lower())


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _markdown_table(lines: Sequence[Sequence[str]]) -> str:
    rows = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join([rows[0], "|" + " --- |" * len(lines[0]), *rows[1:]])

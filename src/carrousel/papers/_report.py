"""Writes one page of all results: each published table beside ours, with notes and pictures."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from carrousel._atomic import write_file
from carrousel.papers._experiment import RUNNING, Column, Experiment
from carrousel.papers._files import RESULT, read_result

__all__ = ["FACTOR", "near", "ratio", "read_results", "report", "result_stem", "table"]

FACTOR = 2.0
"""A measured figure further than this factor from the published one is marked."""

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em; color: #222; }
table { border-collapse: collapse; font-size: 85%; display: block; overflow-x: auto; }
th, td { padding: .2em .6em; border-bottom: 1px solid #ddd; text-align: left; font-variant-numeric: tabular-nums; }
td:first-child { white-space: nowrap; }
h2 { margin-top: 2.5em; border-top: 2px solid #222; padding-top: .5em; overflow-wrap: anywhere; }
img { max-width: 100%; }
pre { background: #f4f4f4; padding: .6em; overflow-x: auto; }
"""


def ratio(figure: Column, row: Mapping[str, Any]) -> float | None:
    """Returns the measured figure over the published one; None if they are not compared, or one is no number."""
    published, measured = row["published"].get(figure.key), row.get("measured", {}).get(figure.key)
    if not figure.compared or not published or isinstance(published, str) or measured is None:
        return None
    return measured / published


def near(figure: Column, row: Mapping[str, Any]) -> bool | None:
    """Returns whether a figure is within the factor; None if it is not compared, or no number is published.

    Where one is published and none came out, as of a row without a success, it is not.
    """
    published = row["published"].get(figure.key)
    if "measured" not in row or not figure.compared or not published or isinstance(published, str):
        return None
    value = ratio(figure, row)
    return value is not None and 1 / FACTOR <= value <= FACTOR


def table(experiment: Experiment, result: Mapping[str, Any]) -> list[list[str]]:
    """Returns the table as texts: a heading, and for every row a line of published figures and one of ours."""
    figures = (*experiment.figures, *RUNNING)
    head = list(dict.fromkeys(name for row in experiment.rows for name in row.columns))
    lines = [["row", "method", *head, "", *(figure.heading for figure in figures)]]
    rows = {row.name: row for row in experiment.rows}
    for entry in result["rows"]:
        row = rows[entry["row"]]
        columns = [row.columns.get(name, "") for name in head]
        lines.append([row.name, row.label, *columns, "published", *(f.show(entry["published"]) for f in figures)])
        if "measured" in entry:
            lines.append([*("" for _ in range(len(head) + 2)), "ours", *(_ours(f, entry) for f in figures)])
    return lines


def _ours(figure: Column, entry: Mapping[str, Any]) -> str:
    value, shown = ratio(figure, entry), figure.show(entry["measured"])
    if value is None:
        return shown if near(figure, entry) is None else f"{shown} (✗)"
    return f"{shown} (×{value:.2f}{'' if near(figure, entry) else ' ✗'})"


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
    markdown, page = directory / "README.md", directory / "report.html"
    write_file(markdown, text.encode())
    write_file(page, _html(text, directory).encode())
    return markdown, page


def _page(directory: Path, results: Sequence[tuple[Experiment, Mapping[str, Any]]]) -> str:
    parts = [
        "# The papers' experiments, published and re-run",
        "This page is made by `carrousel reproduce --report` from the result files beside it. For every row of a "
        "published table the paper's figures stand above ours. × is our figure divided by the paper's, and ✗ marks a "
        "figure that is not within a factor of 2, or did not come out at all. Rows without a line of ours are quoted.",
        "In most tables *success* is the share of trials that met the criterion, and *sequences* is how many training "
        "sequences these took in the mean, *from* the fastest *to* the slowest. *Seconds* is the time that all trials "
        "of the row took together.",
        "Where a paper leaves a choice open, or a network does not learn as it is printed, the experiment has an "
        "option with a value for each choice. `criterion=best` in a note is what `--set criterion=best` on the command "
        "line chooses. A table whose heading has no options is that of the defaults. The notes on an experiment stand "
        "under its first table.",
        _overview(results),
    ]
    seen: set[str] = set()
    for experiment, result in results:
        parts += _section(directory, experiment, result, noted=experiment.name in seen)
        seen.add(experiment.name)
    return "\n\n".join(parts) + "\n"


def _overview(results: Sequence[tuple[Experiment, Mapping[str, Any]]]) -> str:
    lines = [["experiment", "options", "rows run", "compared figures within a factor of 2", "time on the clock"]]
    for experiment, result in results:
        own = [entry for entry in result["rows"] if "measured" in entry]
        every = [near(figure, entry) for entry in own for figure in experiment.figures]
        compared = [each for each in every if each is not None]
        share = f"{sum(compared)} of {len(compared)}" if compared else "-"
        link = f"[{experiment.name}](#{_anchor(experiment, result)})"
        clock = _time(result["made"]["seconds"])
        lines.append([link, _options(experiment, result), str(len(own)), share, clock])
    return _markdown_table(lines)


def _section(directory: Path, experiment: Experiment, result: Mapping[str, Any], *, noted: bool) -> list[str]:
    """Returns the paragraphs of a result; ``noted`` if the notes stand under another result of the experiment."""
    made = result["made"]
    heading = f"{experiment.name}{' ' if _options(experiment, result) else ''}{_options(experiment, result)}"
    words = ["carrousel reproduce", experiment.name, *_settings(experiment, result)]
    words += [f"--row {name}" for name in made["rows"]]
    words += [f"--{name} {value}" for name, value in (("trials", made["trials"]), ("seed", result["seed"])) if value]
    spent = sum(entry["measured"]["seconds"] for entry in result["rows"] if "measured" in entry)
    parts = [
        f'<a id="{_anchor(experiment, result)}"></a>\n\n## {heading}',
        experiment.title if experiment.title.endswith("?") else f"{experiment.title}.",
        experiment.citation,
        "    " + " ".join(words),
        _markdown_table(table(experiment, result)),
        f"Seed {result['seed']}; {_time(made['seconds'])} on the clock, {_time(spent)} of trials in all; "
        f"carrousel {made['carrousel']}, Python {made['python']}, NumPy {made['numpy']}, Numba {made['numba']}; "
        f"{made['machine']}.",
    ]
    if experiment.notes and not noted:
        parts.append(experiment.notes.strip())
    shown = {entry["row"] for entry in result["rows"]}
    notes = [f"- {row.name}: {row.note}" for row in experiment.rows if row.note and row.name in shown]
    if notes and not noted:
        parts += ["On single rows:", "\n".join(notes)]
    for picture in experiment.pictures:
        file = f"{result_stem(experiment, result)}-{picture.name}.png"
        if (directory / file).is_file():
            parts.append(f"![{picture.caption}]({file})\n\n*{picture.caption}.*")
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


def _html(text: str, directory: Path) -> str:
    """Returns the page as one HTML file, with the pictures in it."""
    from markdown_it import MarkdownIt

    body = MarkdownIt("commonmark", {"html": True}).enable("table").render(text)

    def embedded(match: re.Match[str]) -> str:
        data = base64.b64encode((directory / html.unescape(match[1])).read_bytes()).decode()
        return f'src="data:image/png;base64,{data}"'

    body = re.sub(r'src="([^":]+\.png)"', embedded, body)
    body = body.replace(" (×", "&nbsp;(×").replace(" ✗)", "&nbsp;✗)")  # a figure and its ratio stay on one line
    title = text.splitlines()[0].removeprefix("# ")
    head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    head += f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"
    return f'<!doctype html>\n<html lang="en"><head>{head}</head>\n<body>\n{body}</body></html>\n'

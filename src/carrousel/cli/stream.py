"""``carrousel stream``: learn from lines as they come."""

from __future__ import annotations

import json as json_module
import math
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal

import typer

from carrousel.cli._errors import UsageError
from carrousel.cli._lines import lines_to
from carrousel.cli._options import names
from carrousel.cli._output import note, plain
from carrousel.cli._signals import Ending, held_back
from carrousel.cli._stream_parts import check_files, clock_of, opener, rates_of, seasons_of, unpacked, written_as

__all__ = ["stream"]

HEADING = "line,prediction,target"
RATE = "networks' step size, or several: a,b,c  [default: 0.001,0.003,0.01,0.03 side by side; kalman 1,10,100,1000]"
LEARNER = "how errors change weights; kalman learns from fewer lines  [default: rmsprop, for classes adam]"


def stream(
    file: Annotated[str, typer.Argument(metavar="FILE|-", show_default=False, help="a file, or - for a pipe")],
    target: Annotated[str, typer.Option(help="the field to predict", show_default=False)],
    task: Annotated[
        Literal["regress", "classify"], typer.Option(help="whether that is a number or a class")
    ] = "regress",
    form: Annotated[
        Literal["csv", "jsonl"] | None, typer.Option("--format", help="[default: by the file's name, else csv]")
    ] = None,
    sep: Annotated[str | None, typer.Option(help="what separates fields: a sign, tab  [default: told]")] = None,
    decimal: Annotated[str, typer.Option(help="mark of the decimals: . or ,")] = ".",
    encoding: Annotated[str, typer.Option(help="of the text: utf-8, windows-1252, …")] = "utf-8",
    features: Annotated[str | None, typer.Option(help="fields to use: a,b,c  [default: all that hold numbers]")] = None,
    ignore: Annotated[str | None, typer.Option(help="fields not to use: a,b,c")] = None,
    past: Annotated[bool, typer.Option("--past/--no-past", help="use the targets of the lines before")] = True,
    season: Annotated[
        str | None,
        typer.Option(
            metavar="LINES",
            help="lines in a season; several: 24,168; or none  [default: by the times]",
        ),
    ] = None,
    time: Annotated[str | None, typer.Option(help="field of the times, or none  [default: found]")] = None,
    date_format: Annotated[
        str | None, typer.Option(metavar="FORMAT", help="how times are written: '%d/%m/%Y'  [default: told]")
    ] = None,
    freq: Annotated[str | None, typer.Option(help="step of time: h, D, MS, 15min, …  [default: told]")] = None,
    missing: Annotated[
        Literal["mean", "mask", "last"],
        typer.Option(help="what a missing field counts as; with mask and last NaN, NA and ? are missing too"),
    ] = "mean",
    cell: Annotated[str, typer.Option(help="member of the family, see `carrousel cells`")] = "lstm",
    hidden_size: Annotated[int, typer.Option(min=1, max=2**16, help="number of units of each network")] = 16,
    rate: Annotated[str | None, typer.Option(help=RATE, show_default=False)] = None,
    learner: Annotated[
        Literal["adam", "rmsprop", "descent", "kalman"] | None,
        typer.Option(help=LEARNER, show_default=False),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="of the initial weights")] = 0,
    state: Annotated[Path | None, typer.Option(help="keep everything in this file, and go on from it")] = None,
    save_every: Annotated[int, typer.Option(min=1, help="lines between two writings of --state")] = 1000,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="write the lines to this file  [default: standard output]")
    ] = None,
    anomaly: Annotated[
        bool, typer.Option("--anomaly", help="say of every line how unusual its error is, from 0 to 1")
    ] = False,
    every: Annotated[int, typer.Option(min=1, help="lines between two reports of the error")] = 1000,
    quiet: Annotated[bool, typer.Option("--quiet", help="print no predictions")] = False,
    json: Annotated[
        bool, typer.Option("--json", help="print a JSON object for every line, and for the errors")
    ] = False,
) -> None:
    """Predict every line of a stream, then learn from it, in constant memory.

    Prints line, prediction and target; reports the error of all lines and of those since the last report, beside that
    of the line before's target (persistence), of the target a season before, and of river's linear regression. A field
    that is empty is missing; a line without target is not learned from. With --state and --out the same command goes on
    after a crash, and the file holds every line once.
    """
    check_files(file, state, out, quiet)
    if task == "classify":
        for name, value in (("season", season), ("time", time), ("date-format", date_format), ("freq", freq)):
            if value is not None:
                raise UsageError(f"--{name}: classes have no season; it goes with --task regress")
        if learner == "kalman":
            raise UsageError("--learner kalman: it learns numbers; it goes with --task regress")
    seasons, written = seasons_of(season), written_as(sep, decimal, encoding)
    source_of = opener(file)
    from carrousel.streams import Follower, StreamClassifier, StreamRegressor, has_river

    kind = StreamRegressor if task == "regress" else StreamClassifier
    given: dict[str, Any] = {} if not seasons else {"season": seasons}
    if learner is not None:
        given["optimiser"] = learner
    with ExitStack() as opened:
        source = source_of(opened)
        follower = Follower(
            kind(
                hidden_size=hidden_size,
                cell=cell,
                rate=rates_of(rate),
                past=past,
                missing=missing,
                seed=seed,
                **given,
            ),
            target,
            form=form or ("jsonl" if unpacked(file).endswith((".jsonl", ".ndjson", ".json")) else "csv"),
            features=names(features) or (),
            ignore=names(ignore) or (),
            anomaly=anomaly,
            state=state,
            save_every=save_every,
            mark=lambda: output.mark(),
            clock=None if task == "classify" else clock_of(file, time, date_format, freq, seasons),
            say=note,
            **written,
        )
        if task == "regress" and not has_river():
            note("river is not installed: no linear method beside; pip install 'carrousel[stream]'")
        resumed = follower.resume()
        output = opened.enter_context(lines_to(out, follower.marked))
        if resumed:
            note(f"going on after line {follower.line}")
        _follow(follower, source, output, every, quiet, json)


def _follow(follower: Any, source: BinaryIO, output: Any, every: int, quiet: bool, json: bool) -> None:
    # An output has one heading, however many processes write it.
    heading = not quiet and not json and (follower.line == 0 or output.empty)
    names = f"{HEADING},anomaly" if follower.anomaly else HEADING
    reported = -1
    with held_back(lambda: follower.waiting) as ending:
        for predicted in follower.follow(_UntilEnding(source, ending)):
            if heading:
                output.say(names)
                heading = False
            if not quiet:
                output.say(_line(predicted, json, follower.anomaly))
            if predicted.line % every == 0:
                _report(follower)
                follower.tally.forget()
                reported = predicted.line
    if heading:
        output.say(names)
    if follower.unfinished:
        note(f"what follows line {follower.line} has no end yet: it is left for the next call")
    if json:
        output.say(json_module.dumps(plain({"lines": follower.line, **_errors(follower)})))
    elif reported != follower.line:
        _report(follower)


class _UntilEnding:
    """A file that has no more lines for a command that is to end."""

    def __init__(self, file: BinaryIO, ending: Ending) -> None:
        self._file, self._ending = file, ending

    def readline(self) -> bytes:
        self._ending.end_if_wanted()
        return self._file.readline()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._file, name)


def _line(predicted: Any, json: bool, anomaly: bool) -> str:
    values = {"prediction": predicted.prediction, "target": predicted.target}
    if anomaly:
        values["anomaly"] = predicted.anomaly
    if json:
        return json_module.dumps(plain({"line": predicted.line, **values}))
    return ",".join([str(predicted.line), *("" if value is None else _quoted(value) for value in values.values())])


def _quoted(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else str(value)
    return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in ',"\n') else text


def _errors(follower: Any) -> dict[str, float]:
    """Returns the mean errors of all lines, and those since the last report: of predictions, and of other forecasts."""
    tally = follower.tally
    found: dict[str, Any] = {_key(name): mean for name, mean in _means(follower, tally)}
    if 0 < tally.recent.lines < tally.lines:
        found["last"] = {"lines": tally.recent.lines} | {_key(n): mean for n, mean in _means(follower, tally.recent)}
    return found


def _key(name: str) -> str:
    return name if name == "error" else f"{name.replace(' ', '_')}_error"


def _means(follower: Any, errors: Any) -> list[tuple[str, float]]:
    rivals = errors.mean_rivals
    return [("error", errors.mean_error), *((name, rivals.get(name, math.nan)) for name in follower.rivals)]


def _report(follower: Any) -> None:
    """Says the errors of all lines, and of those since the last report if these are others."""
    what = "share of wrong classes" if follower.classes else "mean absolute error"
    tally, recent = follower.tally, follower.tally.recent

    def shown(errors: Any) -> str:
        (_, own), *rivals = _means(follower, errors)
        return ", ".join([f"{own:.4g}", *(f"of {name} {mean:.4g}" for name, mean in rivals)])

    late = f"; of the last {recent.lines} {shown(recent)}" if 0 < recent.lines < tally.lines else ""
    note(f"line {follower.line}: {what} {shown(tally)}{late}")

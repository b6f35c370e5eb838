"""Options that several commands share, written once."""

from __future__ import annotations

import ast
import inspect
import json
import math
import re
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_type_hints

import typer

from carrousel.cli._errors import UsageError

__all__ = [
    "DATA",
    "AnyColumns",
    "ColoursOf",
    "Columns",
    "Data",
    "Field",
    "Grouped",
    "Json",
    "Knobs",
    "LabelsFile",
    "MaxSize",
    "Model",
    "PathColumn",
    "Recorded",
    "Resolution",
    "Run",
    "Split",
    "Written",
    "check_only",
    "defaults_of",
    "flat",
    "names",
    "size",
    "value_of",
]

DATA = "a data set's name, or a file: .ts, .npz, or a table (.csv, .tsv, .jsonl, .xlsx, .parquet; .gz, .zst, .zip)"
Data: TypeAlias = Annotated[str, typer.Argument(metavar="DATA", show_default=False, help=DATA)]
Model: TypeAlias = Annotated[
    Path, typer.Argument(metavar="MODEL", show_default=False, help="a directory that `carrousel train` made")
]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="print one JSON object instead of text")]
MaxSize: TypeAlias = Annotated[
    str | None,
    typer.Option(
        "--max-size",
        metavar="SIZE",
        help="what a compressed file may unpack to: 500MB, 4GB, any (tables, .npz)  [default: 1GB]",
    ),
]
Field: TypeAlias = Annotated[
    str | None,
    typer.Option(help="name of the text in JSON lines; of pairs both  [default: text, or source,target]"),
]
PathColumn: TypeAlias = Annotated[
    str | None, typer.Option(help="column of the files of recordings or pictures (tables)  [default: path]")
]
ColoursOf: TypeAlias = Annotated[
    str | None, typer.Option(help="what pictures are made: grey, rgb  [default: they are alike]")
]
LabelsFile: TypeAlias = Annotated[
    str | None, typer.Option(metavar="FILE", help="classes of images (.idx)  [default: the file beside theirs]")
]
Resolution: TypeAlias = Annotated[
    int | None,
    typer.Option(help="frames in a quarter note (music)  [default: the model's own, 4, or 1 of chorales]"),
]
Split: TypeAlias = Annotated[
    Literal["train", "test", "all"] | None,
    typer.Option("--split", help="which part of DATA  [default: test where DATA has that part, else all]"),
]


OPTION_OF = {"random_state": "--seed"} | {
    name: f"--{name}" for name in ("target", "horizon", "known", "id", "static", "embedding", "fill")
}
"""The options of the commands that stand for parameters of the estimators, by the parameter."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """How a file is written, where that is not to be told from its content."""

    text: Annotated[str | None, typer.Option(help="columns that are text, no numbers: a,b (tables)")] = None
    where: Annotated[
        str | None, typer.Option(metavar="COLUMN=VALUE", help="the rows to read (tables)  [default: all]")
    ] = None
    sep: Annotated[str | None, typer.Option(help="what separates fields: a sign, tab, space  [default: told]")] = None
    decimal: Annotated[str | None, typer.Option(help="mark of the decimals: . or ,  [default: told]")] = None
    encoding: Annotated[
        str | None, typer.Option(help="of text: utf-8, windows-1252, shift_jis, …  [default: told]")
    ] = None
    date_format: Annotated[
        str | None, typer.Option(metavar="FORMAT", help="how dates are written: '%d/%m/%Y'  [default: told]")
    ] = None
    fill: Annotated[
        str | None,
        typer.Option(help="what stands for missing values: interpolate, last, mask  [default: they are refused]"),
    ] = None
    max_size: MaxSize = None

    def to_learn_from(self) -> dict[str, Any]:
        """Returns them as the readers take data to learn from: missing values are the estimator's matter.

        Whoever fills them while reading draws a line from the rows that are learned from into those held out.
        """
        return {**self.options(), **({} if self.fill is None else {"fill": "mask"})}

    def parameters(self) -> dict[str, Any]:
        """Returns those that are parameters of the estimator, but no None."""
        return {} if self.fill is None else {"fill": self.fill}

    def options(self) -> dict[str, Any]:
        """Returns them as the readers take them."""
        of_readers = {f.name: getattr(self, f.name) for f in fields(Written)}
        return {**of_readers, "text": names(self.text), "max_size": size(self.max_size)}


@dataclass(frozen=True, kw_only=True)
class Columns(Written):
    """Which columns of a table hold what, and how the file is written."""

    id: Annotated[str | None, typer.Option(help="column that tells sequences apart (tables)  [default: id]")] = None
    time: Annotated[
        str | None,
        typer.Option(help="column of times, several such as year,month, or none (tables)  [default: found]"),
    ] = None
    label: Annotated[
        str | None,
        typer.Option(help="column of the class or value; several: a,b (tables)  [default: label]"),
    ] = None
    channels: Annotated[
        str | None, typer.Option(help="columns of the input: a,b,c (tables)  [default: all other numbers]")
    ] = None
    channels_first: Annotated[
        bool | None,
        typer.Option("--channels-first/--steps-first", help="whether X is [N, C, T] (.npz)  [default: [N, T, C]]"),
    ] = None

    def options(self) -> dict[str, Any]:
        """Returns them as the readers take them."""
        return {
            **super().options(),
            "id": self.id,
            "time": names(self.time),
            "label": names(self.label),
            "channels": names(self.channels),
            "channels_first": self.channels_first,
        }


@dataclass(frozen=True, kw_only=True)
class Grouped(Columns):
    """Those, and who a sequence is of."""

    group: Annotated[
        str | None,
        typer.Option(
            help="column of the person or voice: those of a report are none of the training (tables)  "
            "[default: group, speaker, writer, person]"
        ),
    ] = None

    def options(self) -> dict[str, Any]:
        """Returns them as the readers take them."""
        return {**super().options(), "group": self.group}


@dataclass(frozen=True, kw_only=True)
class Recorded(Grouped):
    """Those, and what is made of recordings, drawings and pictures, whose paths stand in a table."""

    path: PathColumn = None
    colours: ColoursOf = None
    units: Annotated[str | None, typer.Option(help="what a label of a text is: letters, words  [default: letters]")] = (
        None
    )
    features: Annotated[str | None, typer.Option(help="of sound: mfcc, log-mel  [default: mfcc]")] = None
    window: Annotated[float | None, typer.Option(help="milliseconds of a frame of sound  [default: 25]")] = None
    step: Annotated[float | None, typer.Option(help="milliseconds from frame to frame  [default: 10]")] = None
    bands: Annotated[int | None, typer.Option(help="mel bands of sound  [default: 26]")] = None
    coefficients: Annotated[int | None, typer.Option(help="cepstra of sound that are kept  [default: 13]")] = None
    deltas: Annotated[
        int | None, typer.Option(help="slopes beside features of sound: 0, 1, or 2 for theirs too  [default: 1]")
    ] = None
    rate: Annotated[
        int | None, typer.Option(help="samples in a second to which sound is brought  [default: all have one rate]")
    ] = None
    spacing: Annotated[
        float | None, typer.Option(help="distance of points along a stroke, in heights of the drawing  [default: 0.05]")
    ] = None

    def options(self) -> dict[str, Any]:
        """Returns them as the readers take them."""
        known = {f.name for f in fields(Grouped)}
        return {**super().options(), **{f.name: getattr(self, f.name) for f in fields(Recorded) if f.name not in known}}


@dataclass(frozen=True, kw_only=True)
class AnyColumns(Recorded):
    """Those of every kind of data."""

    labels: LabelsFile = None
    freq: Annotated[str | None, typer.Option(help="step of time (series): h, D, MS, 15min, …  [default: told]")] = None
    field: Field = None
    resolution: Resolution = None

    def options(self) -> dict[str, Any]:
        """Returns them as the readers take them."""
        own = {f.name: getattr(self, f.name) for f in fields(AnyColumns)[len(fields(Recorded)) :]}
        return {**super().options(), **own}


@dataclass(frozen=True)
class Knobs:
    """Parameters of the estimators under their usual names; None stands for the estimator's default."""

    cell: Annotated[str | None, typer.Option(help="member of the family, see `carrousel cells`")] = None
    hidden_size: Annotated[int | None, typer.Option(help="cells in each layer and direction")] = None
    num_layers: Annotated[int | None, typer.Option("--layers", help="layers")] = None
    bidirectional: Annotated[
        bool | None,
        typer.Option("--bidirectional/--one-direction", help="read sequences in both directions"),
    ] = None
    dropout: Annotated[float | None, typer.Option(help="dropout rate")] = None
    max_epochs: Annotated[int | None, typer.Option("--epochs", help="most passes over the training data")] = None
    patience: Annotated[int | None, typer.Option(help="epochs without improvement before training stops")] = None
    batch_size: Annotated[int | None, typer.Option(help="items in a batch")] = None
    learning_rate: Annotated[float | None, typer.Option("--lr", help="highest learning rate")] = None
    device: Annotated[str | None, typer.Option(help="cpu, cuda, mps")] = None
    set: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="any other parameter of the estimator; repeatable"),
    ] = None

    def parameters(self, estimator: type, also: dict[str, Any]) -> dict[str, Any]:
        """Returns the estimator's keyword arguments.

        Args:
            estimator: its class.
            also: arguments that other options of the command stand for.

        Raises:
            UsageError: it has no parameter of a name, or one is given twice.
        """
        known = set(inspect.signature(estimator).parameters)
        for name in also.keys() - known:
            raise UsageError(f"--{name.replace('_', '-')}: {estimator.__name__} takes no such option")
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name != "set"}
        chosen = {name: value for name, value in values.items() if value is not None} | also
        for word in self.set or []:
            name, equals, text = word.partition("=")
            name = name.strip().replace("-", "_")
            if not equals:
                raise UsageError(f"--set {word}: write NAME=VALUE")
            if name in known & OPTION_OF.keys():
                raise UsageError(f"--set {word}: {name} is given as {OPTION_OF[name]}")
            if name not in known:
                from carrousel.data._errors import nearest

                raise UsageError(f"--set {word}: {estimator.__name__} has no parameter {name!r}{nearest(name, known)}")
            if name in chosen:
                raise UsageError(f"--set {word}: {name} is given twice")
            chosen[name] = value_of(text)
        if "device" in chosen:
            _check_device(chosen["device"])
        return chosen


@dataclass(frozen=True)
class Run:
    """Where a training run goes and how it is repeated."""

    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="directory for the model  [default: DATA-model, here]"),
    ] = None
    force: Annotated[bool, typer.Option("--force", help="replace a model (or a broken-off run) that is there")] = False
    resume: Annotated[bool, typer.Option("--resume", help="go on with a run that was broken off")] = False
    seed: Annotated[int, typer.Option(min=0, max=2**32 - 1, help="the same seed gives the same model")] = 0


def names(text: str | None) -> list[str] | None:
    """Returns ``"a, b"`` as a list."""
    return None if text is None else [word.strip() for word in text.split(",") if word.strip()]


def size(text: str | None) -> float | None:
    """Returns ``"4GB"`` as a number of bytes, ``"any"`` as infinity."""
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([kmgt]?)b?", text.strip().lower(), re.ASCII)
    if text.strip().lower() == "any":
        return math.inf
    if match is None:
        raise UsageError(f"--max-size {text}: a number of bytes such as 500MB or 4GB, or any")
    number, unit = match.groups()
    return float(number) * 1000.0 ** " kmgt".index(unit or " ")


def defaults_of(module: str, estimator: str) -> dict[str, str]:
    """Returns an estimator's defaults in words for the help, from its source: importing it takes seconds (torch)."""
    values = _defaults(f"carrousel.estimators.{module}", estimator)
    values["bidirectional"] = "bidirectional" if values["bidirectional"] else "one-direction"
    return {f.name: str(values[f.name]) for f in fields(Knobs) if f.name in values}


def _defaults(module: str, name: str) -> dict[str, Any]:
    """Returns the defaults of a dataclass's fields and its bases' in the package, from their source."""
    path = files("carrousel").joinpath(*module.split(".")[1:-1], f"{module.split('.')[-1]}.py")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    declared = next(node for node in tree.body if isinstance(node, ast.ClassDef) and node.name == name)
    homes = {node.name: module for node in tree.body if isinstance(node, ast.ClassDef)}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("carrousel."):
            homes |= dict.fromkeys((alias.name for alias in node.names), str(node.module))
    values: dict[str, Any] = {}
    for base in reversed(declared.bases):
        if isinstance(base, ast.Name) and base.id in homes:
            values |= _defaults(homes[base.id], base.id)
    for node in declared.body:
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            if node.target.id.startswith("_"):  # no parameter
                continue
            value = node.value
            if isinstance(value, ast.Call):  # field(default=...)
                value = next(keyword.value for keyword in value.keywords if keyword.arg == "default")
            values[node.target.id] = ast.literal_eval(value)
    return values


def flat(function: Callable[..., Any] | None = None, *, defaults: dict[str, str] | None = None) -> Callable[..., Any]:
    """Spreads parameters that are groups of options (dataclasses) into single options, as the parser wants them.

    ``defaults`` are words for the defaults that the estimator decides, shown in the help.
    """
    if function is None:
        return partial(flat, defaults=defaults)
    groups: dict[str, type] = {}
    spread: list[inspect.Parameter] = []
    hints = get_type_hints(function, include_extras=True)
    for parameter in inspect.signature(function).parameters.values():
        hint = hints[parameter.name]
        if not is_dataclass(hint):
            spread.append(parameter.replace(annotation=hint))
            continue
        assert isinstance(hint, type)
        groups[parameter.name] = hint
        inner = get_type_hints(hint, include_extras=True)
        for f in fields(hint):
            annotation = inner[f.name]
            if defaults and f.name in defaults:
                kind, option = get_args(annotation)
                option = copy(option)
                option.help = f"{option.help}  [default: {defaults[f.name]}]"
                annotation = Annotated[kind, option]
            default = inspect.Parameter.empty if f.default is MISSING else f.default
            spread.append(
                inspect.Parameter(f.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
            )
    spread.sort(key=lambda p: p.kind is inspect.Parameter.KEYWORD_ONLY)

    def command(*positional: Any, **options: Any) -> Any:
        for name, group in groups.items():
            options[name] = group(**{f.name: options.pop(f.name) for f in fields(group)})
        return function(*positional, **options)

    command.__signature__ = inspect.Signature(spread)  # type: ignore[attr-defined]
    command.__annotations__ = {p.name: p.annotation for p in spread}
    command.__name__, command.__doc__ = function.__name__, function.__doc__
    return command


def _check_device(name: Any) -> None:
    import torch

    try:
        torch.zeros(1, device=name).item()
    except (RuntimeError, AssertionError, NotImplementedError, TypeError) as error:
        reason = str(error).splitlines()[0].split(" device type at start")[0]
        raise UsageError(f"--device {name}: not available here ({reason})") from None


def value_of(text: str) -> Any:
    """Returns a value that is written as JSON (0.1, true, null, [1, 2]), else the word itself."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def check_only(only: Sequence[str] | None, names: Sequence[str], what: str) -> None:
    """Refuses names given by ``--only`` that are none of those there are, by UsageError."""
    from carrousel.data._errors import nearest

    for name in only or ():
        if name not in names:
            raise UsageError(f"--only {name}: no such {what}{nearest(name, names)} (there are {', '.join(names)})")

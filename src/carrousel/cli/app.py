"""All commands, and the examples in their help."""

from __future__ import annotations

import inspect as inspection
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from carrousel.cli.act import act
from carrousel.cli.analyse import gradients
from carrousel.cli.bench import bench
from carrousel.cli.bench_classification import classification
from carrousel.cli.bench_forecasts import forecasts
from carrousel.cli.bench_goals import goals
from carrousel.cli.bench_models import models
from carrousel.cli.bench_online import online
from carrousel.cli.bench_streams import streams
from carrousel.cli.family import family
from carrousel.cli.generate import generate
from carrousel.cli.inspect import inspect
from carrousel.cli.reproduce import reproduce
from carrousel.cli.search import search_classify, search_forecast, search_regress, search_tag, search_transcribe
from carrousel.cli.stream import stream
from carrousel.cli.train import classify, forecast, regress, tag, transcribe, translate
from carrousel.cli.train import generate as train_generate
from carrousel.cli.use import evaluate, predict

__all__ = ["app", "train"]

# Without markup the help is plain text, and errors come to `main` instead of being drawn in boxes.
PLAIN: dict[str, Any] = {
    "rich_markup_mode": None,
    "context_settings": {"max_content_width": 110, "help_option_names": ["-h", "--help"]},
}


class InOrder(TyperGroup):
    """The commands in the order in which they are used."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Returns the names of the commands."""
        order = [
            "train",
            "search",
            "evaluate",
            "predict",
            "generate",
            "inspect",
            "analyse",
            "act",
            "stream",
            "cells",
            "reproduce",
            "bench",
        ]
        return sorted(super().list_commands(ctx), key=order.index)


app = typer.Typer(
    cls=InOrder, add_completion=False, pretty_exceptions_enable=False, invoke_without_command=True, **PLAIN
)
train = typer.Typer(help="Train a model on a data set or a file, and save it.", **PLAIN)


def _examples(*lines: str) -> str:
    return "\b\nExamples:\n" + "\n".join(f"  carrousel {line}" for line in lines)


@app.callback(
    epilog=_examples(
        "train classify japanese-vowels",
        "evaluate japanese-vowels-model japanese-vowels",
        "inspect japanese-vowels-model japanese-vowels",
    )
)
def start(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version and exit.")] = False,
) -> None:
    """The long short-term memory family: from sequences to a saved model, a comparison and pictures.

    DATA is a name (japanese-vowels, basic-motions, digits, any UEA/UCR name) or a file: .ts, .npz, or a table (.csv,
    .parquet) with a row for each step and columns id, time, label and the channels.
    """
    if version:
        from importlib.metadata import version as installed

        typer.echo(f"carrousel {installed('carrousel')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help())


train.command(
    "classify",
    epilog=_examples(
        "train classify japanese-vowels --out vowels",
        "train classify visits.csv --id patient --time hour --label ward --epochs 100",
        "train classify digits --cell peephole --hidden-size 128 --set zoneout=0.1",
        "train classify visits.csv --resume",
    ),
)(classify)
train.command(
    "regress",
    epilog=_examples(
        "train regress Tecator --out tecator",
        "train regress runs.csv --label yield,purity --seed 1",
    ),
)(regress)
train.command(
    "tag",
    epilog=_examples(
        "train tag corpus.conllu --label UPOS --out tagger",
        "train tag watches.csv --id recording --time t --label activity --group person",
        "train tag sensors.csv --one-direction --set delay=5 --set class_weight=balanced",
    ),
)(tag)
train.command(
    "transcribe",
    epilog=_examples(
        "train transcribe digit-strings --out digits",
        "train transcribe recordings.csv --units words --features log-mel --bands 40 --set stack=2",
        "train transcribe letters.inkml --set 'decoding=beam search'",
    ),
)(transcribe)
train.command(
    "forecast",
    epilog=_examples(
        "train forecast airline --horizon 12",
        "train forecast load.csv --target mw --horizon 24 --season 24 --known holiday",
        "train forecast sales.csv --id shop --target sales --horizon 12 --static region",
    ),
)(forecast)
train.command(
    "generate",
    epilog=_examples(
        "train generate novel.txt --out novel",
        "train generate chapters/*.txt --tokens words --vocabulary 20000 --hidden-size 512",
        "train generate python-source --set steps=100",
        "train generate songs/*.mid --resolution 4 --set transpose=5",
        "train generate chorales --out chorales",
    ),
)(train_generate)
train.command(
    "translate",
    epilog=_examples(
        "train translate pairs.tsv --out model",
        "train translate cmudict --hidden-size 256 --epochs 30",
        "train translate sentences.tsv --tokens words --target-tokens words",
    ),
)(translate)
app.add_typer(train, name="train")
search = typer.Typer(help="Try parameters of a model on a data set or a file, and save the best model.", **PLAIN)
search.command(
    "classify",
    epilog=_examples(
        "search classify japanese-vowels --trials 50 --jobs 4",
        "search classify visits.csv --id patient --cell gru --timeout 3600 --resume",
    ),
)(search_classify)
search.command("regress", epilog=_examples("search regress Tecator --trials 30 --out tecator"))(search_regress)
search.command("tag", epilog=_examples("search tag corpus.conllu --trials 20 --jobs 2"))(search_tag)
search.command("transcribe", epilog=_examples("search transcribe digit-strings --trials 20"))(search_transcribe)
search.command("forecast", epilog=_examples("search forecast airline --horizon 12 --trials 20"))(search_forecast)
app.add_typer(search, name="search")
app.command(
    "evaluate",
    epilog=_examples("evaluate vowels japanese-vowels", "evaluate ward-model new.csv --label ward --json"),
)(evaluate)
app.command(
    "predict",
    epilog=_examples(
        "predict vowels japanese-vowels --out said.csv",
        "predict airline-model airline --json",
        "predict plurals - < words.txt",
    ),
)(predict)
app.command(
    "generate",
    epilog=_examples(
        "generate novel --prompt 'Call me' --length 400 --temperature 0.7",
        "generate novel --top-p 0.9 --seed 3 --stop Chapter --json",
        "generate chorales --length 64 --out tune.mid --out tune.wav --out tune.png",
    ),
)(generate)
app.command(
    "inspect",
    epilog=_examples("inspect vowels japanese-vowels --sequence 7 --out pictures", "inspect airline-model airline"),
)(inspect)
analyse = typer.Typer(help="Measure what a saved model does.", **PLAIN)
analyse.command(
    "gradients",
    epilog=_examples(
        "analyse gradients vowels japanese-vowels",
        "analyse gradients airline-model airline --count 20 --out flow.png --json",
    ),
)(gradients)
app.add_typer(analyse, name="analyse")
app.command(
    "act",
    epilog=_examples(
        "act agent --world t-maze --length 50",
        "act agent --world t-maze --length 50 --set noisy=true --greedy --json",
        "act agent --world CartPole-v1 --episodes 10",
    ),
)(act)
app.command("cells", epilog=_examples("cells", "cells --json"))(family)
app.command(
    "reproduce",
    epilog=_examples(
        "reproduce",
        "reproduce hochreiter1997/reber --quick",
        "reproduce hochreiter1997/reber --row lstm-3x2-0.5 --trials 30 --json table.json",
        "reproduce hochreiter1997/reber --into results",
        "reproduce --report results",
    ),
)(reproduce)
app.command(
    "stream",
    epilog=_examples(
        "stream load.csv --target mw --ignore time --state load.state",
        "stream - --target state --task classify --format jsonl < events",
    ),
)(stream)


def _alone(function: Any) -> Any:
    """Makes a command of one that has a command below it: it runs when that was not called."""

    def call(context: typer.Context, **options: Any) -> Any:
        return function(**options) if context.invoked_subcommand is None else None

    parameters = inspection.signature(function, eval_str=True).parameters.values()
    first = inspection.Parameter("context", inspection.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    call.__signature__ = inspection.Signature([first, *parameters])  # type: ignore[attr-defined]
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in (first, *parameters)}
    call.__doc__ = function.__doc__
    return call


benches = typer.Typer(cls=TyperGroup, **PLAIN)
benches.callback(
    invoke_without_command=True,
    epilog=_examples(
        "bench --quick",
        "bench --only 'lstm train' --only 'own train' --threads 2 --json figures.json",
        "bench online",
        "bench models",
        "bench forecasts",
        "bench goals",
        "bench streams",
    ),
)(_alone(bench))
benches.command(
    "classification",
    epilog=_examples(
        "bench classification --only GunPoint --seeds 1",
        "bench classification --out docs/results/bench/classification.json",
    ),
)(classification)
benches.command("online", epilog=_examples("bench online", "bench online --json"))(online)
benches.command("models", epilog=_examples("bench models", "bench models --seconds 20 --json"))(models)
benches.command(
    "forecasts",
    epilog=_examples(
        "bench forecasts --out docs/results/bench/forecasts.json", "bench forecasts --only airline --only co2 --seeds 1"
    ),
)(forecasts)
benches.command(
    "goals",
    epilog=_examples("bench goals --only digit-strings --seeds 1", "bench goals --out docs/results/bench/goals.json"),
)(goals)
benches.command("streams", epilog=_examples("bench streams", "bench streams --out figures.json"))(streams)
app.add_typer(benches, name="bench")

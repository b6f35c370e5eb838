"""A refusal of data comes before anything is imported that takes seconds."""

import subprocess
import sys

SLOW = ("torch", "sklearn", "skorch", "sktime", "matplotlib")
FILES = {
    "ragged.csv": "id,time,x,label\na,0,1,p\nb,0,1,q,9\n",
    "gap.csv": "id,time,x,label\na,0,,p\nb,0,1,q\n",
    "alike.csv": "id,time,x,label\na,0,1,p\nb,0,1,p\n",
    "words.csv": "id,time,x,label\na,0,1,p\nb,0,1,q\n",
    "several.csv": "date,price,symbol\n2020-01-01,1,a\n2020-01-02,2,a\n2020-01-01,1,b\n2020-01-02,2,b\n",
    "series.csv": "date,x,y\n2020-01-01,1,1\n2020-01-02,2,2\n2020-01-03,1,1\n2020-01-04,2,2\n",
    "broken.ts": "@classLabel true a b\n@data\n1,2:a\n1,x:b\n",
    "bytes.csv": b"id,time,x\n\x81\xff,0,1\n",
    "broken.jsonl": '{"id": \n',
    "foreign.parquet": "id,time,x\n",
    "steps.csv": "id,time,x,label\na,0,1,p\na,1,1,q\nb,0,1,p\nb,1,1,q\n",
    "alone.conllu": "1\tit\t_\tPRON\n",
}
REFUSED = [
    "train classify nothing.csv",
    "train classify ragged.csv",
    "train classify gap.csv",
    "train classify alike.csv",
    "train classify broken.ts",
    "train classify broken.jsonl",
    "train classify words.csv --label colour",
    "train classify words.csv --sep ;",
    "train regress words.csv",
    "train forecast several.csv --horizon 1",
    "train forecast series.csv --horizon 1",
    "train forecast series.csv --horizon 1 --target z",
    "train forecast series.csv --horizon 9 --target x",
    "train forecast series.csv --horizon 1 --freq fortnight",
    "train tag steps.csv --label x,y",
    "train tag steps.csv --group who",
    "train tag alike.csv",
    "train tag alone.conllu",
    "train tag alone.conllu --label TAG",
    "train transcribe alone.conllu",
    "search tag gap.csv",
    "evaluate . nothing.csv",
    "evaluate nothing words.csv",
    "predict . ragged.csv",
    "predict . bytes.csv",
    "predict . series.csv --where colour=red",
    "inspect . broken.jsonl",
    "inspect . words.csv --encoding utf-9",
    "evaluate . foreign.parquet",
    "evaluate forecaster series.csv --label x",
    "evaluate forecaster series.csv --id x",
    "evaluate forecaster broken.ts",
    "evaluate forecaster digits",
    "predict classifier words.csv --future words.csv",
    "predict classifier words.csv --freq h",
    "predict tagger words.csv --future words.csv",
    "inspect forecaster series.csv --sequence x",
    "inspect forecaster series.csv --split test",
]
RUN = f"""
import sys
from carrousel.cli import main
for line in {REFUSED!r}:
    code = main(line.split())
    print(code, *[name for name in {SLOW!r} if name in sys.modules], flush=True)
"""


def test_nothing_slow_is_imported_before_a_refusal(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    for name in ("forecaster", "classifier", "tagger"):  # what kind of model it is stands at once in what describes it
        (tmp_path / name).mkdir()
        (tmp_path / name / "model.json").write_text(f'{{"estimator": "LSTM{name.capitalize()}"}}')
    done = subprocess.run([sys.executable, "-c", RUN], cwd=tmp_path, capture_output=True, text=True, timeout=100)
    said = dict(zip(REFUSED, done.stdout.splitlines(), strict=False))
    assert said == dict.fromkeys(REFUSED, "2"), done.stderr
    assert done.stderr.count("carrousel: ") == len(REFUSED)


def test_every_estimator_says_what_it_reads():
    from inspect import signature

    from carrousel import estimators
    from carrousel.cli._kinds import KINDS_OF, OF_METHODS, PARTED
    from carrousel.data._registry import by_name

    own = {kind.__name__: kind for kind in (*estimators.ESTIMATORS, *estimators.OTHERS)}
    for name, (_, kinds) in KINDS_OF.items():
        for method, option in (("table", "future"), ("drawings", "sequence")):
            assert (option in signature(getattr(own[name], method)).parameters) == (name in OF_METHODS[option]), name
        assert any(reader.splits for reader in by_name(kinds[0]).values()) == (kinds[0] in PARTED), name
    assert set(KINDS_OF) == set(own)

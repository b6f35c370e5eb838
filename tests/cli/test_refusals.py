"""What cannot work ends with exit code 2, one or two lines, and nothing written."""

import os

import pytest

from carrousel._alone import alone

from .conftest import QUICK

USAGE = [
    (["trian"], ["'trian'", "'train'"]),
    (["train"], ["Missing command", "carrousel train --help"]),
    (["train", "classify"], ["Missing argument 'DATA'"]),
    (["train", "classify", "data.csv", "--hiden-size", "3"], ["--hiden-size", "--hidden-size"]),
    (["train", "classify", "data.csv", "--hidden-size", "many"], ["--hidden-size", "integer"]),
    (["train", "classify", "data.csv", "--cell", "lsmt"], ["'lsmt'", "'lstm'"]),
    (["train", "classify", "data.csv", "--cell", "elman(squash=relo)"], ["relo", "relu"]),
    (["train", "classify", "data.csv", "--lr", "-1"], ["learning_rate", "-1"]),
    (["train", "classify", "data.csv", "--hidden-size", "0"], ["hidden_size", "0"]),
    (["train", "classify", "data.csv", "--device", "warp"], ["--device warp"]),
    (["train", "classify", "data.csv", "--set", "zonout=0.1"], ["--set zonout=0.1", "nearest is 'zoneout'"]),
    (["train", "classify", "data.csv", "--set", "zoneout"], ["NAME=VALUE"]),
    (["train", "classify", "data.csv", "--set", "layer_norm=x"], ["layer_norm", "bool"]),
    (["train", "classify", "data.csv", "--set", "standardise=1"], ["standardise", "True or False"]),
    (["train", "classify", "data.csv", "--set", "device=warp"], ["--device warp"]),
    (["train", "classify", "data.csv", "--set", "random_state=1"], ["random_state", "--seed"]),
    (["train", "classify", "data.csv", "--set", "num_layers=1001"], ["num_layers", "at most 1000"]),
    (["train", "classify", "data.csv", "--set", "hidden_size=10000000"], ["hidden_size=10000000", "GB"]),
    (["train", "classify", "data.csv", "--max-size", "much"], ["--max-size much", "4GB"]),
    (
        ["train", "forecast", "series.csv", "--horizon", "3", "--target", "load", "--season", "2", "--set", "season=3"],
        ["season is given twice"],
    ),
    (["train", "classify", "data.csv", "--set", "dropout=0.1", "--dropout", "0.2"], ["dropout is given twice"]),
    (["train", "classify", "data.csv", "--set", "validation=2"], ["validation", "2"]),
    (["train", "classify", "data.csv", "--seed", "-1"], ["--seed"]),
    (["train", "classify", "data.csv", "--groups", "persn"], ["no column 'persn' (group)", "--group names another"]),
    (["train", "regress", "values.csv", "--label", "value", "--sample-weight", "w"], ["no column 'w' (sample_weight)"]),
    (
        ["search", "classify", "data.csv", "--groups", "label", "--trials", "1", "-o", "x", "--sample-weight", "y"],
        ["column y", "a sequence has one value there"],
    ),
    (["train", "classify", "digits", "--groups", "person"], ["digits: --group is no option for this kind of data"]),
    (["train", "classify", "data.csv", "--holdout", "1.5"], ["--holdout 1.5"]),
    (["train", "classify", "data.csv", "--holdout", "0.5", "--test", "data.csv"], ["--test", "--holdout"]),
    (["train", "classify", "digits", "--holdout", "0.5"], ["digits has a test part"]),
    (["train", "classify", "data.csv", "--resume", "--force"], ["--resume", "--force"]),
    (["train", "classify", "data.csv", "--resume"], ["--resume", "data-model.checkpoint"]),
    (["train", "classify", "data.csv", "-o", "data.csv"], ["a file of that name"]),
    (["train", "classify", "data.csv", "-o", "."], ["name a directory"]),
    (["train", "classify", "data.csv", "-o", "values.csv/model"], ["cannot be written"]),
    (["train", "forecast", "series.csv"], ["--horizon"]),
    (["train", "forecast", "series.csv", "--horizon", "0"], ["--horizon"]),
    (["train", "forecast", "series.csv", "--horizon", "3"], ["--target", "load, other"]),
    (["train", "forecast", "series.csv", "--horizon", "3", "--target", "laod"], ["'laod'", "nearest is 'load'"]),
    (
        ["train", "forecast", "series.csv", "--horizon", "3", "--target", "load", "--known", "othr"],
        ["--known", "'other'"],
    ),
    (["train", "forecast", "series.csv", "--horizon", "500", "--target", "load"], ["--horizon 500", "120 steps"]),
    (["train", "forecast", "series.csv", "--horizon", "70", "--target", "load"], ["--horizon 70", "120"]),
    (["train", "forecast", "digits", "--horizon", "3"], ["digits", "airline"]),
    (["evaluate", "nothing", "data.csv"], ["nothing", "no such model"]),
    (["evaluate", ".", "data.csv"], ["model.json"]),
    (["predict", "nothing", "data.csv", "-o", "said.txt"], ["said.txt", ".csv or .parquet"]),
]


@pytest.mark.parametrize(("words", "says"), USAGE, ids=[" ".join(w) for w, _ in USAGE])
def test_usage(folder, refused, words, says):
    refused(*words, says=says)


def edited(old, new):
    return lambda text: text.replace(old, new, 1)


DATA = {
    "missing column": (edited("label", "lable"), ["--label", "label"], ["'label'", "'lable'"]),
    "NaN": (edited("s0,1,", "s0,1,nan,"), [], []),
    "text": (lambda t: t + "z,0,much,1,up\n", [], ["column x", "much"]),
    "gap": (lambda t: t + "z,0,,1,up\n", [], ["column x", "missing"]),
    "infinite": (lambda t: t + "z,0,inf,1,up\n", [], ["column x", "inf"]),
    "no label": (lambda t: t + "z,0,1,1,\n", [], ["column label", "missing"]),
    "two labels": (lambda t: t + "z,0,1,1,up\nz,1,1,1,down\n", [], ["z is down", "up in row"]),
    "more fields": (lambda t: t + "z,0,1,1,up,7\n", [], ["has 6 fields, the header has 5", "--sep"]),
    "disorder": (lambda t: t + "z,1,1,1,up\nz,0,1,1,up\n", [], ["column time", "earlier"]),
    "one class": (lambda t: t.replace("down", "up"), [], ["one class (up)"]),
    "empty": (lambda t: "", [], ["empty"]),
    "binary": (lambda t: "\x00\x01", [], []),
}


@pytest.mark.parametrize("case", DATA)
def test_data(folder, refused, case):
    edit, words, says = DATA[case]
    (folder / "bad.csv").write_text(edit((folder / "data.csv").read_text()))
    refused("train", "classify", "bad.csv", *words, says=["bad.csv", *says])


def test_files_that_are_not_there_or_not_readable(folder, refused, run):
    refused("train", "classify", "dat.csv", says=["dat.csv", "nearest is 'data.csv'"])
    refused("train", "regress", "data.csv", says=["target of sequence", "not a number"])
    refused("train", "regress", "values.csv", "--label", "valeu", says=["'valeu'", "nearest is 'value'"])
    (folder / "locked").mkdir()
    refused("train", "classify", "locked", says=["locked"])
    if os.getuid() != 0:  # root may write everywhere
        (folder / "locked").chmod(0o500)
        refused("train", "classify", "data.csv", "-o", "locked/model", says=["cannot be written"])


def test_a_small_file_that_unpacks_to_much(folder, refused, run):
    import numpy as np

    np.savez_compressed("zeros.npz", X=np.zeros((100, 5000, 1)), y=np.repeat(["a", "b"], 50))
    words = ["train", "classify", "zeros.npz", "--set", "batch_size=100", *QUICK[:4]]
    refused(*words, "--max-size", "1MB", says=["zeros.npz", "unpack to 4 MB", "--max-size"])
    np.savez_compressed("zeros.npz", X=np.zeros((100, 50, 1)), y=np.repeat(["a", "b"], 50))
    refused(*words, "--max-size", "39.5kb", says=["unpack to 40.7 kB, more than 39.5 kB"])
    assert run(*words, "--max-size", "any")[0] == 0


def test_a_model_that_is_there_is_kept(folder, models, refused, run):
    import shutil

    shutil.copytree(models / "classify", "model")
    before = (folder / "model" / "model.safetensors").read_bytes()
    refused("train", "classify", "data.csv", "-o", "model", says=["--force replaces it"])
    assert (folder / "model" / "model.safetensors").read_bytes() == before
    code, _, err = run("train", "classify", "data.csv", "-o", "model", "--force", "--seed", "5", *QUICK)
    assert code == 0, err
    assert (folder / "model" / "model.safetensors").read_bytes() != before
    refused("train", "classify", "data.csv", "-o", str(folder), says=["something else than a model"])


def test_a_model_that_another_process_trains_is_left_to_it(folder, refused):
    with alone(folder / "model", "is training this model"):
        for how in ([], ["--force"], ["--resume"]):
            words = ["train", "classify", "data.csv", "-o", "model", *QUICK, *how]
            refused(*words, says=["model: this process is training this model"])


@pytest.mark.skipif(os.name != "posix", reason="links as on POSIX")
def test_links_are_refused_before_anything_is_computed(folder, models, refused):
    (folder / "link").symlink_to("data.csv")
    (folder / "link.csv").symlink_to("data.csv")
    (folder / "to-model").symlink_to(models / "classify")
    (folder / "new.checkpoint").symlink_to("data.csv")
    says = ["symbolic link to", "links are not followed"]
    refused("train", "classify", "data.csv", "-o", "to-model", "--force", says=says)
    refused("train", "classify", "data.csv", "-o", "new", "--force", says=says)
    refused("predict", models / "classify", "data.csv", "-o", "link.csv", says=["--out link.csv", *says])
    refused("bench", "--json", "link", says=["--json link", *says])
    refused("reproduce", "hochreiter1997/reber", "--json", "link", says=["--json link", *says])


def test_models_that_cannot_be_used(folder, models, refused):
    import shutil

    for part, change in (
        ("model.json", lambda b: b[: len(b) // 2]),
        ("model.safetensors", lambda b: b[:-9] + b"x" * 9),
    ):
        shutil.rmtree("broken", ignore_errors=True)
        shutil.copytree(models / "classify", "broken")
        path = folder / "broken" / part
        path.write_bytes(change(path.read_bytes()))
        refused("predict", "broken", "data.csv", says=["broken"])
        refused("inspect", "broken", "data.csv", says=["broken"])


def test_models_and_data_that_do_not_go_together(folder, models, refused):
    classify, forecast = models / "classify", models / "forecast"
    refused("evaluate", classify, "japanese-vowels", says=["12 channels", "trained on 2"])
    refused("evaluate", classify, "series.csv", says=["series.csv", "'id'"])
    refused("evaluate", forecast, "data.csv", "--label", "label", says=["--label"])
    refused("inspect", forecast, "series.csv", "--sequence", "s0", says=["--sequence"])
    refused("inspect", classify, "data.csv", "--sequence", "s99", says=["s99"])
    refused("inspect", classify, "data.csv", "--layer", "3", says=["--layer 3", "1 layer"])
    refused("predict", classify, "data.csv", "--future", "series.csv", says=["--future"])
    unknown = (folder / "data.csv").read_text() + "z,0,1,1,sideways\n"
    (folder / "more.csv").write_text(unknown)
    refused("evaluate", classify, "more.csv", says=["sideways"])
    (folder / "bare.csv").write_text("id,time,x,y\na,0,1,2\n")
    refused("evaluate", classify, "bare.csv", says=["no labels", "--label"])


def test_missing_packages_are_named_with_the_command_that_installs_them(folder, refused, monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    refused("train", "classify", "data.csv", says=["pandas", "pip install 'carrousel[train]'"])

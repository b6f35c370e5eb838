"""The Python on the pages runs, and prints what they say. It takes minutes: ``make pages``."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from task_contract import check_task

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))),
]


@pytest.fixture(scope="module")
def cache(tmp_path_factory) -> Path:
    """A folder for what examples compile and keep, the same for all."""
    return tmp_path_factory.mktemp("cache")


def python_of(page: str) -> list[str]:
    return re.findall(r"```python\n(.*?)```", (ROOT / page).read_text(encoding="utf-8"), flags=re.DOTALL)


def files_of(page: str) -> dict[str, str]:
    """The files that a page shows, each below its name in a line of its own."""
    text = (ROOT / page).read_text(encoding="utf-8")
    return dict(re.findall(r"^`([\w.-]+)`\n\n```\w*\n(.*?)```", text, flags=re.DOTALL | re.MULTILINE))


EXAMPLES = [pytest.param(page, code, id=f"{page}-{k}") for page in PAGES for k, code in enumerate(python_of(page))]


def test_the_pages_have_their_examples() -> None:
    written_whole = {"docs/cells.md", "docs/licences.md"}
    assert {page for page in PAGES if not python_of(page)} == written_whole


@pytest.mark.parametrize(("page", "code"), EXAMPLES)
@pytest.mark.filterwarnings("ignore::carrousel.data.DataWarning")  # which the page on files shows
def test_examples_run(page: str, code: str, tmp_path, cache, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(cache))
    for name, text in files_of(page).items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    torch.manual_seed(0)
    names: dict[str, object] = {"__name__": "example"}
    exec(compile(code, "example", "exec", dont_inherit=True), names)
    if files_of(page) or "streams import" in code or "OnlineLSTM(1, 8, 1, optimiser" in code:  # as said, to the digit
        assert capsys.readouterr().out.splitlines() == re.findall(r"^print\(.*\)  # (.*)$", code, flags=re.MULTILINE)
    if "speakers" in names:
        import numpy as np

        assert np.mean(names["speakers"] == names["test"].y) > 0.9  # type: ignore[attr-defined]
    if "per_sample" in names:
        assert names["output"].shape == (29, 4, 32)  # type: ignore[attr-defined]
        assert (names["output"][:, 2] == 0).all()  # type: ignore[index]
    if "FirstSymbol" in names:
        check_task(names["FirstSymbol"]())  # type: ignore[operator]
    if "Tagger" in names:
        network, batch, target = names["Tagger"].example()  # type: ignore[attr-defined]
        output = network(**batch)
        assert network.each(output, target).shape == (2,)
        assert [len(said) for said in network.decode(output, batch["lengths"])] == [3, 1]
    if "experiment" in names and page == "CONTRIBUTING.md":
        assert names["result"]["holds"]  # type: ignore[index]
    if "shared_gate" in names:
        x = torch.randn(4, 2, 3)
        assert names["net"](x)[0].shape == (4, 2, 16)  # type: ignore[operator]

"""Each notebook runs from its first cell to its last, and shows the kinds of things that it holds."""

import nbformat
import pytest

import notebooks


def shown(notebook):
    """What each cell shows: kinds of outputs, without numbers that differ from machine to machine."""
    return [
        [(output.output_type, *sorted(output.get("data", {}))) for output in merged(cell.outputs)]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def merged(outputs):
    """Text that came in pieces is one text."""
    kept = []
    for output in outputs:
        if not (kept and output.output_type == "stream" and kept[-1].output_type == "stream"):
            kept.append(output)
    return kept


@pytest.mark.parametrize("path", notebooks.NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_runs_and_shows_what_it_holds(path, tmp_path):
    held = nbformat.read(path, as_version=4)
    nbformat.validate(held)
    assert shown(notebooks.run(path, tmp_path)) == shown(held), "old outputs; run: python docs/notebooks.py"


def test_there_is_one_for_each_kind_of_user():
    assert len(notebooks.NOTEBOOKS) >= 4

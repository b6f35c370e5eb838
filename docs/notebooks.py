"""Runs the notebooks and keeps what they show: ``python docs/notebooks.py``."""

from __future__ import annotations

import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient

from carrousel._atomic import write_file

FOLDER = Path(__file__).resolve().parent.parent / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))


def run(path: Path, folder: Path) -> nbformat.NotebookNode:
    """Runs a notebook from its first cell to its last in ``folder``; an error in a cell is raised."""
    notebook = nbformat.read(path, as_version=4)
    client = NotebookClient(
        notebook, timeout=110, startup_timeout=60, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    for cell in notebook.cells:
        cell.metadata.pop("execution", None)  # times of day
    notebook.metadata = {"kernelspec": notebook.metadata["kernelspec"], "language_info": {"name": "python"}}
    return notebook


if __name__ == "__main__":
    for path in NOTEBOOKS:
        print(path.name, file=sys.stderr)
        write_file(path, (nbformat.writes(run(path, FOLDER)).rstrip() + "\n").encode())

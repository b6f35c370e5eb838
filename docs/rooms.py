"""Draws docs/pictures/rooms.svg: the rooms of carrousel as floors, in the order of the contract in pyproject.toml."""

from __future__ import annotations

import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

from carrousel.pictures.style import BLUE, GREY, INK, PALE

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "pictures" / "rooms.svg"

# What is in each room.
INSIDE = {
    "cli": "the command line: train, predict, stream, reproduce, bench",
    "papers": "published tables as data, and the runs that reproduce them",
    "pictures": "gates, curves, forecasts as figures",
    "bench": "how fast the networks are",
    "estimators": "classifier, regressor and forecaster with scikit-learn's conventions",
    "data": "readers: from a name or a file to sequences or a series",
    "tasks": "the papers' tasks: what they draw, and how they judge",
    "streams": "every record is predicted, then learned from",
    "learning": "rules that change weights while a sequence runs",
    "training": "back-propagation with stopping and checkpoints",
    "nets": "LSTM, LSTMCell and networks made of them, as torch modules",
    "engine": "a cell's equations become kernels that run whole sequences",
    "cells": "the family: every cell is one function of its paper's equations",
}

WIDTH, HEIGHT, GAP, MARGIN, ARROW = 860, 40, 6, 16, 34
FONT = "font-family=\"'DejaVu Sans', Verdana, Helvetica, sans-serif\""


def floors() -> list[list[str]]:
    """Returns the modules of each floor in the contract, from the top down."""
    configuration = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (contract,) = configuration["tool"]["importlinter"]["contracts"]
    return [layer.split(" | ") for layer in contract["layers"]]


def words(x: float, y: float, text: str, colour: str, look: str = 'font-size="13"') -> str:
    return f'<text x="{x:g}" y="{y:g}" fill="{colour}" {look}>{escape(text)}</text>'


def box(x: float, y: float, width: float, name: str, inside: str, colour: str) -> list[str]:
    """Returns one room: a pale box with a bar at its left, the room's name and what is in it."""
    return [
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{HEIGHT}" fill="{PALE}" fill-opacity="0.55"/>',
        f'<rect x="{x:g}" y="{y:g}" width="4" height="{HEIGHT}" fill="{colour}"/>',
        words(x + 16, y + 25, name, INK, 'font-size="14" font-weight="bold"'),
        words(x + 116, y + 25, inside, INK),
    ]


def svg() -> str:
    """Returns the picture: a floor for each line of the contract, and one below for the modules under all rooms."""
    listed = floors()
    rooms = [floor for floor in listed if not floor[0].startswith("_")]
    below = [module for floor in listed for module in floor if module.startswith("_")]
    left, whole = MARGIN + ARROW, WIDTH - 2 * MARGIN - ARROW
    body, y = [], MARGIN
    for floor in rooms:
        width = (whole - GAP * (len(floor) - 1)) / len(floor)
        for k, room in enumerate(floor):
            body += box(left + k * (width + GAP), y, width, room, INSIDE[room], BLUE)
        y += HEIGHT + GAP
    body += box(left, y, whole, "under all", ", ".join(below), GREY)
    height = y + HEIGHT + MARGIN
    x, tip = MARGIN + 8, height - MARGIN
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" {FONT}>',
        f'<rect width="{WIDTH}" height="{height}" rx="6" fill="white"/>',
        f'<path d="M{x} {MARGIN}V{tip - 10}" stroke="{GREY}" stroke-width="2"/>',
        f'<path d="M{x - 5} {tip - 10}h10l-5 10z" fill="{GREY}"/>',
        f'<text transform="translate({x + 9} {MARGIN + 2}) rotate(90)" fill="{GREY}" font-size="12">imports</text>',
        *body,
        "</svg>",
        "",
    ])  # fmt: skip

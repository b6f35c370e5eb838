"""The pages hold what the code says, and their Python runs."""

import itertools
import re
import shlex
from dataclasses import fields
from pathlib import Path

import generate
import pytest

import carrousel
from carrousel.cli._options import AnyColumns
from carrousel.engine import Layer, cpu

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    "README.md",
    "CONTRIBUTING.md",
    *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md"))),
]


def test_tables_are_those_of_the_code() -> None:
    for path, text in generate.pages().items():
        assert path.exists(), f"{path.name} is missing; run: python docs/generate.py"
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is old; run: python docs/generate.py"


def test_every_cell_is_in_the_table_with_its_rows_in_order() -> None:
    lines = generate.family().splitlines()[2:]
    assert len(lines) == len(carrousel.cells)
    for line, (name, cell) in zip(lines, carrousel.cells.items(), strict=True):
        columns = [column.strip() for column in line.strip("|").split("|")]
        assert columns[0] == f"`{name}`"
        assert columns[1].replace("*", "").split() == list(cell.rows)
        assert columns[2].split() == ["h", *cell.states]
        assert re.search(r"(19|20)\d\d", columns[4])


def test_a_table_that_is_not_known_is_an_error() -> None:
    with pytest.raises(KeyError):
        generate.filled("<!-- nothing -->\n<!-- end -->")
    assert "| `lstm` |" in generate.filled("<!-- family -->\nold\n<!-- end -->")


def test_the_engines_table_says_what_the_engine_refuses() -> None:
    """Each line beside the engine's own answer to whether a layer has a kernel; every option of a layer is there."""
    found = {line.split(" | ")[0].strip("| "): line.split(" | ")[1] for line in generate.fused().splitlines()[2:]}
    assert len(found) == len(generate.ASKED)
    for words, options, _ in generate.ASKED:
        layer = carrousel.LSTM(3, **{"hidden_size": 8, **options}).layers[0]
        refusal = cpu.refuses_layer(layer)
        if refusal is not None:
            assert refusal in found[words]
            assert found[words].startswith("**reference**")
    asked = {option for _, options, _ in generate.ASKED for option in options}
    layers = {field.name for field in fields(Layer) if field.init} - {"input_size"}
    assert layers <= asked
    for name in carrousel.cells:
        assert found[f'`cell="{name}"`'] == "fused |"


CASES = [
    {"cell": cell, "bias": bias, "layer_norm": norm, **more}
    for cell, bias, norm, more in itertools.product(
        carrousel.cells,
        (True, False),
        (True, False),
        (
            {},
            {"proj_size": 4},
            {"block_size": 2},
            {"gate_recurrence": "gates", "block_size": 2},
            {"gate_recurrence": "all"},
            {"heads": 2},
            {"diagonal": True},
        ),
    )
]


def test_every_parameter_is_in_the_table_with_its_shape() -> None:
    """The table's own expressions, worked out for many networks, against the parameters that they have."""
    met = set()
    for options in CASES:
        try:
            net = carrousel.LSTM(3, 8, **options)
        except ValueError:
            continue
        cell = net.cell
        H, S, N = 8, options.get("block_size", 1), len(cell.gates)
        facts = {
            "I": 3,
            "H": H,
            "P": options.get("proj_size") or H,
            "S": S,
            "N": N,
            "R": N * H // S + len(cell.candidates) * H,
            "Q": len(cell.peepholes),
            "recurrent": cell.recurrent,
            "exits": cell.exits,
            "heads": 1,
            "proj_size": 0,
            "diagonal": False,
            "gate_recurrence": None,
            **options,
        }
        want = {}
        for row, (name, _, _, shape, present) in enumerate(generate.PARAMETERS):
            if eval(present, {}, facts):
                want[f"{name}_l0"] = eval(shape, {}, facts)
                met.add(row)
        assert {name: tuple(value.shape) for name, value in net.named_parameters()} == want, options
    assert met == set(range(len(generate.PARAMETERS)))


def test_links_lead_somewhere() -> None:
    for page in PAGES:
        path = ROOT / page
        for link in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text(encoding="utf-8")):
            assert (path.parent / link).exists(), f"{page} links to {link}"


def test_the_commands_on_the_page_of_files_are_commands() -> None:
    text = (ROOT / "docs" / "files.md").read_text(encoding="utf-8")
    options = {f"--{field.name.replace('_', '-')}" for field in fields(AnyColumns)}
    lines = [line for block in re.findall(r"```sh\n(.*?)```", text, flags=re.DOTALL) for line in block.splitlines()]
    used = {word for line in lines for word in line.split() if word.startswith("--")}
    assert used - options == {"--target", "--horizon", "--future"}
    assert all(shlex.split(line)[:2] in (["carrousel", "train"], ["carrousel", "predict"]) for line in lines)

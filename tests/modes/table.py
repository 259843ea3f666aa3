"""The README's table of controls and modes, made from what the tests found: `python tests/modes/table.py`.

With `--check` nothing is written: it fails where the README's columns are not what the last tests found.
"""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
RESULTS = ROOT / "tests" / "output" / "modes"
BEGIN, END = "<!-- modes -->", "<!-- /modes -->"

TITLES = {
    "graph": "TensorFlow",
    "jit": "`jit_compile`",
    "eager": "`run_eagerly`",
    "steps": "`steps_per_execution`",
    "mixed": "`mixed_float16`",
    "mirrored": "`MirroredStrategy`",
    "jax-jit": "JAX",
    "jax-eager": "JAX `run_eagerly`",
    "torch-eager": "torch",
    "torch-jit": "torch `jit_compile`",
}
AGAIN = "refused: torch.compile compiles the step again for each new number"
EXPECTED = {("torch-jit", "second_change_without_a_trace"): AGAIN}
"""What cannot be done in a mode, and why."""

INTRODUCTION = """\
Each control in each mode, proved by what the next batches do to the weights (`tests/modes/`). This table is made from
what `make test-modes` found, by `python tests/modes/table.py`. On TensorFlow every number of every
Keras optimizer is tested besides. With `steps_per_execution` above 1, Keras 3.15 on TensorFlow 2.21 does not train a
model of several layers the same way twice, with or without Monitor; that column is tested where it does."""

OK, NOTES = "✓", "¹²³⁴⁵⁶⁷⁸⁹"


def backend_of(mode: str) -> str:
    """The Keras backend of a mode."""
    return mode.split("-")[0] if "-" in mode else "tensorflow"


def path(mode: str) -> Path:
    """Where a mode leaves its results."""
    return RESULTS / f"{mode}.json"


def found() -> dict[str, dict[str, str]]:
    """The last results of each mode that was run."""
    return {mode: json.loads(path(mode).read_text()) for mode in TITLES if path(mode).exists()}


def words(control: str) -> str:
    """A row's title."""
    if control.startswith("schedule_"):
        return f"schedule: {control.removeprefix('schedule_').replace('_', ' ')}"
    for name in NAMES:
        if control.startswith(name):
            return f"`{name}`{control.removeprefix(name).replace('_', ' ').replace('None', 'off')}"
    return control.replace("_", " ")


NAMES = (
    *("learning_rate", "momentum", "beta_1", "beta_2", "epsilon", "weight_decay"),
    *("global_clipnorm", "clipnorm", "clipvalue"),
)


def column(results: dict[str, str]) -> dict[str, str]:
    """A mode's cells, by row: a tick, or why not."""
    return {words(control): OK if what == "ok" else what for control, what in results.items()}


def render(columns: dict[str, dict[str, str]]) -> str:
    """The table, with what is refused in notes below."""
    columns = {mode: columns[mode] for mode in TITLES if mode in columns}
    notes: dict[str, str] = {}
    lines = ["| | " + " | ".join(TITLES[mode] for mode in columns) + " |", "|---|" + ":-:|" * len(columns)]
    for row in next(iter(columns.values())):
        cells = [one.get(row, "not run yet") for one in columns.values()]
        marks = [cell if cell == OK else notes.setdefault(cell, NOTES[len(notes)]) for cell in cells]
        lines.append(f"| {row} | " + " | ".join(marks) + " |")
    below = [f"{mark} {what}" for what, mark in notes.items()]
    return "\n".join([*lines, *([""] if below else []), *below])


def parse(table: str) -> dict[str, dict[str, str]]:
    """A rendered table as columns again, by mode."""
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")] for line in table.splitlines() if line.startswith("|")
    ]
    notes = dict(re.findall(rf"^([{NOTES}]) (.*)$", table, re.MULTILINE))
    modes = {title: mode for mode, title in TITLES.items()}
    return {
        modes[title]: {row[0]: notes.get(row[i], row[i]) for row in rows[2:]}
        for i, title in enumerate(rows[0] if rows else [])
        if title in modes
    }


def shown() -> dict[str, dict[str, str]]:
    """The README's columns, by mode."""
    return parse(README.read_text().split(BEGIN)[1].split(END)[0])


def check() -> None:
    """Fail where a column of TensorFlow's, or another that was run here, is not what was found."""
    ours, results = [mode for mode in TITLES if backend_of(mode) == "tensorflow"], found()
    missing = [mode for mode in ours if mode not in results]
    wrong = [mode for mode, one in results.items() if shown().get(mode) != column(one)]
    if missing or wrong:
        sys.exit(f"README's table of modes: not run: {missing}; not what the tests found: {wrong}")


def main() -> None:
    """Write the table into the README; columns of modes that were not run here stay as they are."""
    text = README.read_text()
    old = shown() if BEGIN in text else {}
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    table = render({**old, **{mode: column(results) for mode, results in found().items()}})
    README.write_text(f"{before}{BEGIN}\n\n{INTRODUCTION}\n\n{table}\n\n{END}{after}")


if __name__ == "__main__":
    check() if "--check" in sys.argv else main()

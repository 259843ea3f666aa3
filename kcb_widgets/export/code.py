"""Code: a steered run as the source of a plain Keras callback, which needs nothing of this package.

Names of layers, controls and callbacks are the user's: they reach the source as Python literals and in no other way.
"""

from __future__ import annotations

import math
from typing import Any

from ..commands import Value
from ..record.record import Record
from ._code_template import TEMPLATE
from .last_fit import last_fit
from .plain import SCHEDULED, Plain
from .script import closed, ending, restored, restorers, unknown

WIDTH = 110
STEPS_SHOWN = 5
ROUNDED = (
    "Optimizer values other than the learning rate were float32 variables in the run and are Python numbers here, so "
    "the last digits may differ where an optimizer computes with them (1 - beta_1, say)."
)
NAMES = (
    "Layers are found by their names. Keras numbers those without one in the order in which they are made: in a new "
    "process, or after keras.utils.clear_session(), they are the same again."
)
FREEZING = (
    "Freezing works on TensorFlow and PyTorch; on JAX an optimizer cannot leave weights out. Keras warns that it "
    "should be compiled again, which here it should not."
)
UNKNOWN_LENGTH = (
    "Keras does not know how many batches these data have, and begins one more at each epoch's end: what is done just "
    "before that one and what is done when the epoch is over are two things."
)
UNAVERAGED = (
    "The run did not come to its end, where Keras gives the weights their averages (use_ema); this does, so its last "
    "weights are others."
)
TORCH = "On PyTorch, its own random state (not that of the layers) is not put back with a snapshot."
SCHEDULES = "On JAX what changes a schedule is a constant of the compiled step, so the last digits may differ there."
UNVALIDATED = (
    "The run ended without a closing validation, which plain Keras does not leave out. The weights are the same; what "
    "validation itself moves is not: the seeds of layers that sample, and recurrent states."
)

"""The file below its comments. What follows a mark is there only where one of the parts that it names is needed."""


def to_code(run: Record) -> str:
    """The source of a callback that does to a fresh model what was done to a run.

    Args:
        run: The run. It must be over.

    Returns:
        Python source with a class ``SteeredRun``. It imports Keras and nothing else; comments at its top say how to
        use it, and what of the run it does not do.

    Raises:
        ValueError: The run is not over.
    """
    return _Writer(run).source()


class _Writer:
    """Writes down what plain Keras can do of what was done to a run."""

    def __init__(self, run: Record) -> None:
        self._run, self._plain, self._end, self._fit = run, Plain(run), ending(run), last_fit(run)
        epochs = [epoch for _, before, epoch in self._fit.starts if before < run.step]
        # Where Keras looks for one batch more at an epoch's end, the last epoch has to end so as well.
        self._ran_out = bool(epochs) and epochs[-1] in run.ran_out

    def source(self) -> str:
        """The whole file."""
        parts = self._parts()
        lines = self._header(parts)
        needed = True
        for line in TEMPLATE.splitlines():
            if line.startswith("#?"):
                needed = line == "#?" or bool(parts & set(line.split()))
            elif needed:
                lines += self._tables() if line == "    TABLES" else [line]
        return "\n".join(lines) + "\n"

    def _parts(self) -> set[str]:
        """Which parts of the template are needed."""
        plain = self._plain
        attributes = {attribute for _, _, attribute in plain.of_optimizer.values()}
        places = [place for _, *found in plain.of_layer.values() for place in found]
        lists = [*plain.changes.values(), *plain.at_epoch_end.values()]
        needed = {
            "rollback": any(name == "rollback" for changes in lists for name, _ in changes),
            "optimizer": bool(attributes),
            "number": bool(attributes - {"learning_rate", *SCHEDULED.values()}),
            "schedule": bool(attributes & set(SCHEDULED.values())),
            "layer": bool(places),
            "regularizer": any("_regularizer." in place for place in places),
            "trainable": "trainable" in places,
            "early": plain.early,
            "late": bool(plain.at_epoch_end),
            "ran_out": self._ran_out,
        }
        for name, other in (("schedule", "optimizer"), ("trainable", "layer"), ("ran_out", "")):
            needed[f"no_{name}"] = not needed[name] and (not other or needed[other])
        return {name for name, is_needed in needed.items() if is_needed}

    def _header(self, parts: set[str]) -> list[str]:
        run, end, plain = self._run, self._end, self._plain
        epochs, first = run.params.get("epochs"), self._fit.epoch
        arguments = [f"epochs={int(epochs)}"] if epochs else []
        arguments += [f"initial_epoch={first}"] if first else []
        usage = ", ".join(["...", *arguments, "callbacks=[SteeredRun()]"])
        whole = [
            *_comment(
                f"Run {int(run.number)} in plain Keras: SteeredRun does what was done to it by hand, after the same "
                "batches. The same model, data, seed, batch size and arguments give the same weights:"
            ),
            "#",
            "#     keras.utils.set_random_seed(...)  # before the model is made",
            f"#     model.fit({usage})",
        ]
        lines = whole if self._fit.resumed is None else self._rest(usage)
        known = {"layer": NAMES, "number": ROUNDED, "schedule": SCHEDULES, "trainable": FREEZING, "rollback": TORCH}
        notes = [note for part, note in known.items() if part in parts]
        notes += [UNKNOWN_LENGTH] if run.ran_out else []
        if end is not None:
            notes.append(f"The run is {run.status}: it ended after batch {end.step}, and so does this.")
            notes += [] if end.validated else [UNVALIDATED]
        notes += [f"Its weights were put back {words}, which this does not do." for words in restored(run)[-1:]]
        for note in [*notes, *self._callbacks()]:
            lines += ["#", *_comment(note)]
        if plain.left_out:
            lines += ["#", "# What this does not do:"]
            for (name, reason), steps in plain.left_out.items():
                more = f" and {len(steps) - STEPS_SHOWN} more" if len(steps) > STEPS_SHOWN else ""
                shown = ", ".join(str(step) for step in steps[:STEPS_SHOWN]) + more
                lines += _comment(f"- after batch {shown}: {literal(name)}: {reason}.")
        return lines

    def _rest(self, usage: str) -> list[str]:
        """What is said of a run that was gone on with."""
        return [
            *_comment(
                f"Run {int(self._run.number)} {self._fit.from_where}. One fit cannot do all of it again: the process "
                "that went on drew its own random numbers, and what came before has left nothing but that model. "
                "SteeredRun does what was done to it by hand since, after the same batches. Begin with that model: the "
                "same data, batch size and arguments give the same weights where nothing is drawn at random:"
            ),
            "#",
            "#     model = ...  # restored as it was then",
            f"#     model.fit({usage})",
        ]

    def _callbacks(self) -> list[str]:
        """Which of the fit's other callbacks have to stay, and which must not."""
        run, kept, ended = self._run, restorers(self._run), closed(self._run)
        notes = []
        writers = sorted(self._plain.writers)
        strangers = [name for name in unknown(run) if name not in writers]
        if writers:
            notes.append(f"Leave out of the callbacks, as what they wrote is in the table: {_names(writers)}.")
        if kept and ended:
            notes.append(
                f"Keep in the callbacks, as what they write to the weights is not in the table: {_names(kept)}. "
                "EarlyStopping must not end the fit sooner, so give it more patience than there are epochs."
            )
        elif kept:
            notes.append(f"Leave out of the callbacks, as the run never came to their end: {_names(kept)}.")
        if strangers:
            notes.append(
                "Keep in the callbacks what writes to weights or draws random numbers; it is not known whether these "
                f"do: {_names(strangers)}."
            )
        if not ended and any(control["label"] == "ema_momentum" for control in run.controls):
            notes.append(UNAVERAGED)
        return notes

    def _tables(self) -> list[str]:
        plain = self._plain
        trained = self._run.step - self._fit.step
        lines = ["    # Batches trained: what is done before the next one.", *_table("changes", plain.changes)]
        if plain.at_epoch_end:
            lines.append("    # Batches trained: what is done when the epoch that ends there is over.")
            lines += _table("at_epoch_end", plain.at_epoch_end)
        if plain.of_optimizer:
            lines += ["    # The model's attribute, which optimizer of several in it, and what it is called there."]
            lines += _entries("of_optimizer", plain.of_optimizer)
        if plain.of_layer:
            lines += ["    # Which layer's, and where it is in there."]
            lines += _entries("of_layer", plain.of_layer)
        why = "its last batch" if self._end is None else "the batch it ended with"
        return [
            *lines,
            f"    last = {trained}  # {why}" if trained else '    last = float("inf")  # no batch was trained',
        ]


def _table(name: str, table: dict[int, list[tuple[str, Value]]]) -> list[str]:
    lines = [f"    {name} = {{"]
    for step, changes in sorted(table.items()):
        items = [f"({literal(name)}, {literal(value)})" for name, value in changes]
        line = f"        {step}: [{', '.join(items)}],"
        short = len(line) <= WIDTH
        lines += [line] if short else [f"        {step}: [", *(f"            {item}," for item in items), "        ],"]
    return [*lines, "    }"]


def _entries(name: str, table: dict[str, Any]) -> list[str]:
    lines = [f"    {name} = {{"]
    for control, entry in table.items():
        lines.append(f"        {literal(control)}: ({', '.join(literal(part) for part in entry)}),")
    return [*lines, "    }"]


def _names(names: list[str]) -> str:
    return ", ".join(literal(name) for name in names)


def literal(value: Value) -> str:
    """A value as a Python literal, strings in double quotes where that is as simple."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    text = repr(value)
    return f'"{text[1:-1]}"' if isinstance(value, str) and "'" not in value and '"' not in value else text


def _comment(text: str) -> list[str]:
    """Text as comment lines. Names in it are literals; what else there is of a run may come from anybody's file."""
    text = "".join(letter if letter.isprintable() else " " for letter in text)  # a line break would end the comment
    lines, line = [], "#"
    for word in text.split(" "):
        if len(line) + 1 + len(word) > WIDTH and line != "#":
            lines.append(line)
            line = "#  " if text.startswith("- ") else "#"
        line += f" {word}"
    return [*lines, line]

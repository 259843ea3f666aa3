"""Code: a steered run as the source of a plain Keras callback, which needs nothing of this package.

Names of layers, controls and callbacks are the user's: they reach the source as Python literals and in no other way.
"""

from __future__ import annotations

import math
import re
from typing import Any

from ._code_template import TEMPLATE
from .commands import Value
from .replay import Act, ending, script
from .run import Run

WIDTH = 110
STEPS_SHOWN = 5
PLAIN_RATES = ("rate", "stddev")
SCHEDULED = {"learning_rate": "fixed", "learning_rate_factor": "factor", "learning_rate_take_over": "take_over"}

HOLD = "plain Keras cannot hold a rate; leave what else writes to it out of the callbacks"
OWN = "a control of your own acts only where your code reads it"
PRESSED = "what a button did to the model by itself is not on the record"
UNKNOWN = "it is not known what this was"
NO_MOMENTUM = "it was 0 when the optimizer was built, which keeps none then"
NO_SEED = "it was 0 when the layer was made, which has no random numbers then"
FROZEN = "the layer was frozen when the optimizer was built, which does not know its weights then"
SEVERAL = "such a layer keeps it in several places"

ROUNDED = (
    "Optimizer values other than the learning rate were float32 variables in the run and are Python numbers here, so "
    "the last digits may differ where an optimizer computes with them (1 - beta_1, say)."
)
FREEZING = (
    "Freezing works on TensorFlow and PyTorch; on JAX an optimizer cannot leave weights out. Keras warns that it "
    "should be compiled again, which here it should not."
)
TORCH = "On PyTorch, its own random state (not that of the layers) is not put back with a snapshot."
SCHEDULES = "On JAX what changes a schedule is a constant of the compiled step, so the last digits may differ there."
UNVALIDATED = (
    "The run ended without a closing validation, which plain Keras does not leave out; the weights are the same."
)

"""The file below its comments. What follows a mark is there only where one of the parts that it names is needed."""


def to_code(run: Run) -> str:
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
    """Sorts what was done to a run into what plain Keras can do and what not."""

    def __init__(self, run: Run) -> None:
        self._run, self._controls = run, {str(control["name"]): control for control in run.controls}
        self._changes: dict[int, list[tuple[str, Value]]] = {}
        self._of_optimizer: dict[str, tuple[int, str]] = {}
        self._of_layer: dict[str, tuple[str, ...]] = {}
        self._left_out: dict[tuple[str, str], list[int]] = {}
        self._writers: set[str] = set()
        self._first: dict[str, Value] = {}  # each control's value before it was touched
        for act in script(run):
            self._sort(act)
        for event in run.events_list:
            if event.kind == "trigger":
                self._leave_out(event.step - run.first_step, str(event.new), PRESSED)

    # -- what can be done ---------------------------------------------------------------------------------------------

    def _sort(self, act: Act) -> None:
        if act.writer:
            self._writers.add(act.writer)
        if act.name in ("snapshot", "rollback"):
            self._changes.setdefault(act.step, []).append((act.name, act.value))
        if act.name in ("snapshot", "rollback", "forget", "epochs"):  # the epochs are told at the top
            return
        control, first = self._controls.get(act.name), self._first.setdefault(act.name, act.old)
        reason = UNKNOWN if control is None else self._place(act.name, control, first)
        if reason:
            self._leave_out(act.step, act.name, reason)
            return
        changes = self._changes.setdefault(act.step, [])
        if control is not None and control["label"] != "trainable":  # of several in one place the last one counts
            changes[:] = [change for change in changes if change[0] != act.name]
        changes.append((act.name, act.value))

    def _leave_out(self, step: int, name: str, reason: str) -> None:
        self._left_out.setdefault((name, reason), []).append(step)

    def _place(self, name: str, control: dict[str, Any], first: Value) -> str:
        """Find where a control's value is; returns why it cannot be written there, or an empty string."""
        label, group = str(control["label"]), control["group"]
        if group == "layers":
            if label in PLAIN_RATES and not first:
                return NO_SEED
            if label == "trainable" and not first:
                return FROZEN
            if label not in (*PLAIN_RATES, "trainable") and "." not in label:
                return SEVERAL
            self._of_layer[name] = (str(control["section"]), *label.rsplit(".", 1))
            return ""
        if group != "optimizer":
            return OWN if group == "user" else UNKNOWN
        if label.endswith("_hold"):
            return HOLD
        if label == "momentum" and not first:
            return NO_MOMENTUM
        several = re.match(r"optimizers\[(\d+)\]\.", name)
        prefix = several.group(0) if several else ""
        attribute = SCHEDULED.get(label, label) if f"{prefix}learning_rate_factor" in self._controls else label
        self._of_optimizer[name] = (int(several.group(1)) if several else 0, attribute)
        return ""

    # -- writing it down ----------------------------------------------------------------------------------------------

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
        attributes = {attribute for _, attribute in self._of_optimizer.values()}
        paths = self._of_layer.values()
        needed = {
            "rollback": any(name == "rollback" for changes in self._changes.values() for name, _ in changes),
            "optimizer": bool(attributes),
            "number": bool(attributes - {"learning_rate", *SCHEDULED.values()}),
            "schedule": bool(attributes & set(SCHEDULED.values())),
            "layer": bool(paths),
            "regularizer": any(len(path) == 3 for path in paths),
            "trainable": any(path[-1] == "trainable" for path in paths),
        }
        needed |= {"unscheduled": needed["optimizer"] and not needed["schedule"]}
        needed |= {"untrainable": needed["layer"] and not needed["trainable"]}
        return {name for name, is_needed in needed.items() if is_needed}

    def _header(self, parts: set[str]) -> list[str]:
        run, end = self._run, ending(self._run)
        epochs, first = run.params.get("epochs"), run.initial_epoch
        arguments = [f"epochs={int(epochs)}"] if epochs else []
        arguments += [f"initial_epoch={first}"] if first else []
        usage = ", ".join(["...", *arguments, "callbacks=[SteeredRun()]"])
        lines = [
            *_comment(
                f"Run {int(run.number)} in plain Keras: SteeredRun does what was done to it by hand, after the same "
                "batches. The same model, data, seed, batch size and arguments give the same weights:"
            ),
            "#",
            "#     keras.utils.set_random_seed(...)  # before the model is made",
            f"#     model.fit({usage})",
        ]
        known = {"number": ROUNDED, "schedule": SCHEDULES, "trainable": FREEZING, "rollback": TORCH}
        notes = [note for part, note in known.items() if part in parts]
        if end is not None:
            notes.append(f"The run is {run.status}: it ended after batch {end.step}, and so does this.")
            notes += [] if end.validated else [UNVALIDATED]
        if self._writers:
            writers = ", ".join(literal(name) for name in sorted(self._writers))
            notes.append(f"Leave out of the callbacks, as what they wrote is in the table: {writers}.")
        for note in notes:
            lines += ["#", *_comment(note)]
        if self._left_out:
            lines += ["#", "# What this does not do:"]
            for (name, reason), steps in self._left_out.items():
                more = f" and {len(steps) - STEPS_SHOWN} more" if len(steps) > STEPS_SHOWN else ""
                shown = ", ".join(str(step) for step in steps[:STEPS_SHOWN]) + more
                lines += _comment(f"- after batch {shown}: {literal(name)}: {reason}.")
        return lines

    def _tables(self) -> list[str]:
        end = ending(self._run)
        trained = self._run.step - self._run.first_step
        lines = ["    # Batches trained: what is done before the next one.", "    changes = {"]
        for step, changes in sorted(self._changes.items()):
            items = [f"({literal(name)}, {literal(value)})" for name, value in changes]
            line = f"        {step}: [{', '.join(items)}],"
            short = len(line) <= WIDTH
            lines += (
                [line] if short else [f"        {step}: [", *(f"            {item}," for item in items), "        ],"]
            )
        lines.append("    }")
        if self._of_optimizer:
            lines += ["    # Which optimizer's, and what it is called there.", "    of_optimizer = {"]
            lines += [f"        {literal(n)}: ({i}, {literal(to)})," for n, (i, to) in self._of_optimizer.items()]
            lines.append("    }")
        if self._of_layer:
            lines += ["    # Which layer's, and the way from there.", "    of_layer = {"]
            paths = {name: ", ".join(literal(part) for part in path) for name, path in self._of_layer.items()}
            lines += [f"        {literal(name)}: ({path})," for name, path in paths.items()]
            lines.append("    }")
        why = "its last batch" if end is None else "the batch it ended with"
        return [
            *lines,
            f"    last = {trained}  # {why}" if trained else '    last = float("inf")  # no batch was trained',
        ]


def literal(value: Value) -> str:
    """A value as a Python literal, strings in double quotes where that is as simple."""
    if isinstance(value, float) and not math.isfinite(value):
        return f'float("{value}")'
    text = repr(value)
    return f'"{text[1:-1]}"' if isinstance(value, str) and "'" not in value and '"' not in value else text


def _comment(text: str) -> list[str]:
    """Text as comment lines; it holds no line break, as names in it are literals."""
    lines, line = [], "#"
    for word in text.split(" "):
        if len(line) + 1 + len(word) > WIDTH and line != "#":
            lines.append(line)
            line = "#  " if text.startswith("- ") else "#"
        line += f" {word}"
    return [*lines, line]

"""Plain: what plain Keras can do again of the things done to a run, where values are held, and what it cannot do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import keras

from ..commands import Value
from ..record.record import Record
from .last_fit import last_fit
from .script import Act, loaded, pressed, script

if TYPE_CHECKING:
    from ..record import wire

PLAIN_RATES = ("rate", "stddev", "dropout", "recurrent_dropout")
SCHEDULED = {"learning_rate": "fixed", "learning_rate_factor": "factor", "learning_rate_take_over": "take_over"}
ROOT = "optimizer"

HOLD = "plain Keras cannot hold a rate; leave what else writes to it out of the callbacks"
OWN = "a control of your own acts only where your code reads it"
PRESSED = "what a button did to the model by itself is not on the record"
LOADED = "weights were read from a file into the model"
UNKNOWN = "it is not known what this was"
NO_MOMENTUM = "it was 0 when the optimizer was built, which keeps none then"
NO_SEED = "it was 0 when the layer was made, which has no random numbers then"
FROZEN = "the layer was frozen when the optimizer was built, which does not know its weights then"
ON_JAX = "on JAX an optimizer cannot leave out weights that it was built for"
AVERAGES = "the optimizer keeps averages of the weights (use_ema), and cannot leave any out"
GATHERED = "the optimizer gathers gradients over several batches, and cannot leave any weights out"
NAMELESS = "several layers have this name, and cannot be told apart by it"
UNBUILT = "it is older than the optimizers of the model's own training step, which the first batch builds"
SWITCHED = "another callback was switched on or off"
PARAMETER = "a setting of another callback: what that wrote to rates is in the table, and so is where the fit ended"


class Plain:
    """What can be done, sorted; and what cannot.

    Args:
        run: The run, which is over.

    Attributes:
        changes: What is done before the next batch, by batches trained.
        at_epoch_end: What is done when the epoch that ends there is over.
        of_optimizer: By control, the model's attribute that holds the optimizer, which one in it, and its attribute.
        of_layer: By control, the layer's path or name, and the places in it that hold the value.
        left_out: What cannot be done: by what and why, after which batches.
        writers: Callbacks whose writes are among the changes.
    """

    def __init__(self, run: Record) -> None:
        self._run, self._controls = run, {str(control["name"]): control for control in run.controls}
        self._sections = {str(control["section"]) for control in run.controls}
        self.changes: dict[int, list[tuple[str, Value]]] = {}
        self.at_epoch_end: dict[int, list[tuple[str, Value]]] = {}
        self.of_optimizer: dict[str, tuple[str, int, str]] = {}
        self.of_layer: dict[str, tuple[str, ...]] = {}
        self.left_out: dict[tuple[str, str], list[int]] = {}
        self.writers = {event.source for event in last_fit(run).events if event.kind == "held"}
        self._first: dict[str, Value] = {}  # each control's value before it was touched
        self._lost: set[Value] = set()  # snapshots that cannot be taken
        fit = last_fit(run)
        starts = {before - fit.step: epoch - fit.epoch for _, before, epoch in fit.starts}
        self._begun = {step: epoch for step, epoch in starts.items() if step}
        ends = [before for _, before, _ in fit.starts[1:]] + [run.step]
        epochs = [epoch for _, _, epoch in fit.starts]
        ended = zip(epochs, ends, strict=False)
        self._ran_out = {step - fit.step for epoch, step in ended if epoch in run.ran_out}
        for act in script(run):
            self._sort(act)
        for steps, reason in ((loaded(run), LOADED), (pressed(run), PRESSED)):
            for step, name in steps:
                self._leave_out(step, name, reason)

    @property
    def early(self) -> bool:
        """Whether something before the first batch needs an optimizer that is built already."""
        return any(name == "snapshot" or self._label(name) == "trainable" for name, _ in self.changes.get(0, []))

    def _label(self, name: str) -> str:
        return str(self._controls[name]["label"]) if name in self._controls else ""

    def _sort(self, act: Act) -> None:
        if act.writer:
            self.writers.add(act.writer)
        if act.name in ("forget", "epochs"):  # the epochs are told at the top
            return
        if act.name in ("snapshot", "rollback"):
            if act.name == "snapshot" and not act.step and self._roots() != {ROOT}:
                self._lost.add(act.value)
            if act.value in self._lost:
                self._leave_out(act.step, act.name, UNBUILT)
            else:
                self._when(act).append((act.name, act.value))
            return
        control, first = self._controls.get(act.name), self._first.setdefault(act.name, act.old)
        reason = UNKNOWN if control is None else self._place(act.name, control, first)
        if reason:
            self._leave_out(act.step, act.name, reason)
            return
        changes = self._when(act)
        if self._settles(act.name):  # of several in one place the last one counts
            changes[:] = [change for change in changes if change[0] != act.name]
        changes.append((act.name, act.value))

    def _when(self, act: Act) -> list[tuple[str, Value]]:
        """The list of its time. What is done as the next epoch begins is done at the end of the one before.

        Where Keras does not know how many batches there are, it begins one more. JAX loses what is written just before
        that, so there it has to come after.
        """
        late = act.at_end or self._begun.get(act.step, act.epoch + 1) <= act.epoch
        late = late or (act.step in self._ran_out and keras.backend.backend() == "jax")
        return (self.at_epoch_end if late else self.changes).setdefault(act.step, [])

    def _settles(self, name: str) -> bool:
        """Whether a later value makes an earlier one at the same time as if it had never been."""
        if self._label(name) == "trainable":
            return False
        return name not in self.of_optimizer or self.of_optimizer[name][2] not in SCHEDULED.values()

    def _leave_out(self, step: int, name: str, reason: str) -> None:
        self.left_out.setdefault((name, reason), []).append(step)

    # -- where a value is ---------------------------------------------------------------------------------------------

    def _place(self, name: str, control: wire.Control, first: Value) -> str:
        """Find where a control's value is; returns why it cannot be written there, or an empty string."""
        label, group = str(control["label"]), control["group"]
        if group == "layers":
            return self._in_layer(name, control, first)
        if group == "callbacks":
            return SWITCHED if label == "on" else PARAMETER
        if group != "optimizer":
            return OWN if group == "user" else UNKNOWN
        if label.endswith("_hold"):
            return HOLD
        if label == "momentum" and not first:
            return NO_MOMENTUM
        root, index = _optimizer(name, label)
        scheduled = f"{name.removesuffix(label)}learning_rate_factor" in self._controls
        self.of_optimizer[name] = root, index, SCHEDULED.get(label, label) if scheduled else label
        return ""

    def _in_layer(self, name: str, control: wire.Control, first: Value) -> str:
        label, section = str(control["label"]), str(control["section"])
        if label in PLAIN_RATES and not first:
            return NO_SEED
        if label == "trainable":
            labels = {str(one["label"]) for one in self._controls.values() if one["group"] == "optimizer"}
            for found, reason in (
                (not first, FROZEN),
                (keras.backend.backend() == "jax", ON_JAX),
                ("ema_momentum" in labels, AVERAGES),
                ("gradient_accumulation_steps" in labels, GATHERED),
            ):
                if found:
                    return reason
        if re.search(r"#\d+$", section) or f"{section}#2" in self._sections:
            return NAMELESS
        self.of_layer[name] = (section, *control.get("places", [label]))
        return ""

    def _roots(self) -> set[str]:
        """The model's attributes that hold optimizers."""
        places = [_optimizer(n, str(c["label"])) for n, c in self._controls.items() if c["group"] == "optimizer"]
        return {root for root, _ in places} | {ROOT}


def _optimizer(name: str, label: str) -> tuple[str, int]:
    """The attribute of the model that holds a control's optimizer, and which of several in it."""
    before = name.removesuffix(label).rstrip(".")
    several = re.search(r"(?:^|\.)optimizers\[(\d+)\]$", before)
    root = before[: several.start()] if several else before
    return root or ROOT, int(several.group(1)) if several else 0

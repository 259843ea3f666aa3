"""Carries commands out: on the training thread, at a batch boundary, each with an event on the record."""

from __future__ import annotations

from typing import Any

from ..commands import Command, Inbox, Refused
from ..events import Event
from ..run import Run
from . import flow, hyperparameters

WRITERS = {"LearningRateScheduler", "ReduceLROnPlateau"}  # Keras's callbacks that write to the learning rate


class Helm:
    """The controls of one fit.

    Args:
        run: Where events go.
        model: What is steered.
        inbox: Where commands wait.
        siblings: Class names of the fit's other callbacks.
    """

    def __init__(self, run: Run, model: Any, inbox: Inbox, siblings: list[str]) -> None:
        self._run, self._model, self._inbox = run, model, inbox
        self._writers = [name for name in siblings if name in WRITERS]

    def look(self, suspect: str = "") -> None:
        """Notice what others wrote to the learning rate, and put its value on the record.

        Args:
            suspect: The callback of Keras's that may have written in the hook just run.
        """
        run = self._run
        control = hyperparameters.control(self._model)
        run.controls = [control]
        value, known = control["value"], run.values.get("learning_rate")
        if value is None or value == known:
            return
        if known is not None and control["enabled"]:
            writers = [suspect] if suspect in self._writers else self._writers
            source = writers[0] if len(writers) == 1 else "callback"
            run.add_event("changed", "learning_rate", known, value, source, "written by another callback")
        run.set_value("learning_rate", value)

    def apply(self) -> None:
        """Carry out all that waits; the last command of a name speaks for those before it."""
        run = self._run
        for command, earlier in self._inbox.drain():
            try:
                event = self._carry_out(command)
            except Refused as why:
                event = refusal(run, command, str(why))
            except Exception as error:  # the model's own code failed: training goes on without the change
                event = refusal(run, command, f"{type(error).__name__}: {error}")
            answer(run, [*earlier, command], event)

    def _carry_out(self, command: Command) -> Event:
        run = self._run
        if command.name == "stop":
            flow.stop(self._model)
            run.status, run.message = "stopping", "after this batch; Keras still runs the epoch's closing validation"
            return run.add_event("stop", "stop", source=command.source)
        assert command.value is not None
        self.look()
        old, new = hyperparameters.write_learning_rate(self._model, command.value)
        run.set_value("learning_rate", new)
        run.controls = [{**run.controls[0], "value": new}]
        return run.add_event("applied", "learning_rate", old, new, command.source)


def refusal(run: Run, command: Command, reason: str) -> Event:
    """Put on the record that a command was not carried out, and why."""
    return run.add_event("refused", command.name, new=command.value, source=command.source, message=reason)


def refuse_all(run: Run, inbox: Inbox, reason: str) -> None:
    """Nothing that still waits will be done."""
    for command, earlier in inbox.drain():
        answer(run, [*earlier, command], refusal(run, command, reason))


def answer(run: Run, commands: list[Command], event: Event) -> None:
    """Tell those who sent ``commands`` what became of them."""
    status = "refused" if event.kind == "refused" else "applied"
    for command in commands:
        told = {"id": command.id, "name": command.name, "value": event.new, "status": status}
        run.answered.append({**told, "step": event.step, "message": event.message})
        command.reply.settle(event)

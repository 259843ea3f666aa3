"""Carries commands out, on the training thread, at a batch boundary, each with an event on the record."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..commands import VERBS, Command, Inbox, Refused
from ..keras_internals.exceptions import root_cause
from ..record.events import Event
from ..record.record import Record
from .actions import Actions
from .backends import hand_back
from .change_history import CLOCK_ERROR_S, ChangeHistory
from .control_registry import ControlRegistry
from .control_writer import ControlWriter
from .controls.control import Control

if TYPE_CHECKING:
    from ..record import wire

log = logging.getLogger(__name__)

FLOW = ("pause", "resume", "step", "finish_epoch")


class CommandExecutor:
    """Takes the commands of one fit out of the inbox and carries them out.

    Args:
        run: Where events go.
        model: What is steered.
        inbox: Where commands wait.
        registry: The controls that commands set.
        actions: What verbs do.
        writer: Sets controls.
        history: What was changed by hand.
    """

    def __init__(
        self,
        run: Record,
        model: Any,
        inbox: Inbox,
        registry: ControlRegistry,
        *,
        actions: Actions,
        writer: ControlWriter,
        history: ChangeHistory,
    ) -> None:
        self._run, self._model, self._inbox = run, model, inbox
        self._registry, self._actions, self._writer, self._history = registry, actions, writer, history
        self._latest: dict[str, Command] = {}  # of those that were carried out, by what they concern

    def apply(self, heavy: bool) -> None:
        """Carry out all that waits; the last command of a name speaks for those before it.

        Args:
            heavy: Whether the model is at rest. What needs that is left waiting otherwise.
        """
        run, stale = self._run, False
        later: list[Command] = []
        for command, earlier in self._inbox.drain():
            # What comes after something that has to wait waits too, so that all happens in the order it was asked for.
            if not heavy and (self._needs_rest(command) or (later and not _is_urgent(command))):
                later += [*earlier, command]
                continue
            try:
                event = self._carry_out(command, earlier)
            except Refused as why:
                event = refusal(run, command, str(why))
            except (TypeError, ValueError) as why:  # of our own checks, or of the model's own code
                log.debug("%s was refused", command.name, exc_info=True)
                event = refusal(run, command, str(why))
            except Exception as error:  # the model's own code failed: training goes on without the change
                log.exception("%s could not be carried out", command.name)
                event = refusal(run, command, root_cause(error))
            answer(run, [*earlier, command], event)
            stale = True
        if later:
            self._inbox.put_back(later)
        if stale:
            hand_back(self._model)
            self._registry.publish()

    def _needs_rest(self, command: Command) -> bool:
        return needs_rest(command.name, self._registry.controls.get(command.name))

    def _check_order(self, command: Command) -> None:
        """Refuse a click that was on its way while somebody asked for something else, which was done."""
        latest = self._latest.get(_topic(command.name))
        if latest is not None and command.source == "board" and command.requested < latest.requested - CLOCK_ERROR_S:
            seconds = latest.requested - command.requested
            done = f"set to {latest.value}" if latest.name == command.name else latest.name
            raise Refused(f"this came late: {done} was asked for {seconds:.2g} s after it, by {latest.source}")

    def _carry_out(self, command: Command, earlier: list[Command]) -> Event:
        self._check_order(command)
        event = self._do(command, earlier)
        known = self._latest.get(_topic(command.name))
        if known is None or command.requested >= known.requested:
            self._latest[_topic(command.name)] = command
        return event

    def _do(self, command: Command, earlier: list[Command]) -> Event:
        if command.name in VERBS:
            act: Callable[[Command], Event] = getattr(self._actions, command.name)
            return act(command)
        event = self._writer.set(command.name, command.value, command)
        self._history.note(self._registry.controls.get(command.name), command, earlier, event)
        return event


def _topic(name: str) -> str:
    """What a command concerns: of two for the same thing, the one that was asked for later counts."""
    return "flow" if name in FLOW else name


def needs_rest(name: str, control: Control | None) -> bool:
    """Whether a command of this name needs the model to be at rest.

    Args:
        name: A verb's or a control's.
        control: The control, where there is one of this name.
    """
    return (name in VERBS and VERBS[name].at_rest) or (control is not None and control.heavy)


def _is_urgent(command: Command) -> bool:
    return command.name in VERBS and VERBS[command.name].urgent


def refusal(run: Record, command: Command, reason: str) -> Event:
    """Put on the record that a command was not carried out, and why."""
    return run.add_event(
        "refused", command.name, new=command.value, source=command.source, message=reason, requested=command.requested
    )


def refuse_all(run: Record, inbox: Inbox, reason: str) -> None:
    """Nothing that still waits will be done."""
    for command, earlier in inbox.drain():
        answer(run, [*earlier, command], refusal(run, command, reason))


def answer(run: Record, commands: list[Command], event: Event) -> None:
    """Tell those who sent ``commands`` what became of them."""
    for command in commands:
        result: wire.CommandResult = {
            "id": command.id,
            "name": command.name,
            "value": event.new,
            "status": "refused" if event.kind in ("refused", "error") else "applied",
            "step": event.step,
            "message": event.message,
        }
        run.command_results.append(result)
        command.reply.settle(event)

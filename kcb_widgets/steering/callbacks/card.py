"""Card: one callback of the fit, as a board shows it. Each family is a subclass, in a file of its own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from ...commands import Command, Refused
from ...keras_internals.exceptions import root_cause
from ...record.events import Event, first_line
from ...record.record import Record
from ...record.values import plain
from ..controls.control import Control, Value
from .hook_wrappers import Meter
from .output_capture import Tee

if TYPE_CHECKING:
    from ...record import wire

log = logging.getLogger(__name__)

MAX_SAID = 200


class BestSoFar(TypedDict):
    """The best value that a callback saw, and where."""

    value: float
    epoch: int | None
    step: int


@dataclass
class CardContext:
    """What cards look at and act on.

    Attributes:
        run: The fit's record.
        model: What trains.
        registry: Whose controls and rates there are; set once it is there.
        raised: The newest exception that left a hook, by its ``id``, and which hook of whose. It is not held: its
            traceback would keep the arrays of all its frames alive.
        stopped: Which of the callbacks was the last to ask Keras to end the fit, and the event of that.
    """

    run: Record
    model: Any
    registry: Any = None
    raised: tuple[int, str] = (0, "")
    stopped: tuple[Card, Event] | None = None


class Card:
    """A callback that Keras has no special knowledge of: its hooks, what it printed, what it raised.

    Args:
        callback: The callback.
        id: Its class's name, with a number when there are several.
        context: Where it plays.

    Attributes:
        known: Whether it is one of Keras's own with a card of its own.
        switchable: Whether it can be switched off: nothing is left half done when its hooks are skipped.
        curious: Whether batch hooks are listened to as well.
        on: Whether its hooks are called.
        meters: By hook.
    """

    known = False
    switchable = True
    curious = True

    def __init__(self, callback: Any, id: str, context: CardContext) -> None:
        self.callback, self.id, self.context = callback, id, context
        self.type = type(callback).__name__
        self.on = True
        self.meters: dict[str, Meter] = {}
        self.tee = Tee()
        self.error: wire.HookError | None = None
        self.warnings, self.warning = 0, ""

    # -- what a family says of its callback ---------------------------------------------------------------------------

    def parameters(self) -> list[Control]:
        """What can be changed while the fit runs, besides on and off."""
        return []

    def facts(self) -> list[tuple[str, Value]]:
        """Short facts, by label."""
        return []

    def gauge(self) -> tuple[str, int, int] | None:
        """What is being used up: a label, how much of it, and of how much."""
        return None

    def best(self) -> wire.Best | None:
        """The best value so far, as a line on the metric's plot."""
        return None

    def says(self) -> str:
        """What it will do next, in one clause."""
        return ""

    def files(self) -> list[wire.File]:
        """The files it wrote, the newest last."""
        return []

    def actions(self) -> list[tuple[str, str]]:
        """What it can be asked to do: a name, and what the button says."""
        return []

    def act(self, action: str, argument: str, command: Command) -> Event:
        """Do it.

        Raises:
            Refused: It cannot be done; the text says why.
        """
        msg = f"{self.id} has nothing to do by this name: {action}"
        raise Refused(msg)

    def extra(self) -> list[str]:
        """Methods to be wrapped besides the hooks."""
        return []

    def wrap_extra(self, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
        """The wrapper of one of those."""
        return method

    # -- around its hooks ---------------------------------------------------------------------------------------------

    def before(self, hook: str) -> None:
        """A hook that is not a batch's is about to run."""
        self.look("callback")

    def after(self, hook: str, index: int | None, logs: dict[str, Any]) -> None:
        """It has run."""
        self.look(self.type)

    def look(self, writer: str) -> None:
        """Notice what was written to the learning rates, and by whom."""
        if self.context.registry is not None:
            self.context.registry.check_rates(writer=writer)

    def looks(self, function: Callable[..., None], *args: Any) -> None:
        """Have a look at the callback; what goes wrong in that is ours, and ends nothing."""
        try:
            function(*args)
        except Exception as error:
            self.trouble(error)

    def trouble(self, error: Exception) -> None:
        """Something of ours went wrong: said once on the record, and always in the log."""
        log.warning("The card of %s could not be drawn", self.id, exc_info=error)
        run, message = self.context.run, f"its card could not be drawn ({first_line(error)})"
        if not any(e.kind == "warning" and e.message == message and e.name == self.id for e in run.events_list):
            run.add_event("warning", self.id, message=message)

    def raised(self, hook: str, error: Exception) -> None:
        """A hook raised; Keras deals with it as ever."""
        text = root_cause(error)
        self.context.raised = id(error), f"{self.id}.{hook}"
        self.error = {"hook": hook, "message": text}
        self.context.run.add_event("error", self.id, new=hook, source=self.type, message=f"{hook} raised {text}")

    def warned(self, message: str) -> None:
        """A hook warned."""
        self.warnings += 1
        self.warning = message.strip().splitlines()[0][:MAX_SAID] if message.strip() else ""

    def ended(self, hook: str, index: int | None, logs: dict[str, Any]) -> None:
        """A hook asked Keras to end the fit."""
        try:
            message, step = self.why_ended(index, logs), self._step_of(hook, index)
            event = self.context.run.add_event("stop", self.id, None, hook, self.id, message, step=step)
            self.context.stopped = self, event
        except Exception as error:
            self.trouble(error)

    def why_ended(self, index: int | None, logs: dict[str, Any]) -> str:
        """Who ended the fit, and why, in a clause."""
        return f"{self.id} stopped it"

    def did_at_end(self) -> str:
        """What it did to the weights when the fit was over, in a clause; empty where nothing is known."""
        return ""

    def _step_of(self, hook: str, index: int | None) -> int:
        """After how many batches a hook runs: one that stands before Monitor does before the batch is noted."""
        run = self.context.run
        if index is None or hook not in ("on_train_batch_end", "on_batch_end"):
            return run.step
        missing = min(index + 1, run.params.get("steps") or index + 1) - run.batch
        return run.step + (missing if 0 < missing <= run.steps_per_execution else 0)

    # -- all of it ----------------------------------------------------------------------------------------------------

    @property
    def seconds(self) -> float:
        """How long its hooks have taken in all."""
        return sum(meter.seconds for meter in list(self.meters.values()))

    def calls(self, *hooks: str) -> int:
        """How often these hooks ran."""
        return sum(self.meters[hook].count for hook in hooks if hook in self.meters)

    def describe(self) -> wire.Card:
        """The card as a board shows it."""
        gauge, facts = self.gauge(), self.facts()
        if self.warnings:
            facts = [*facts, ("warned", self.warning)]
        return {
            "id": self.id,
            "type": self.type,
            "known": self.known,
            "on": self.on,
            "facts": [{"label": label, "value": shown(value)} for label, value in facts],
            "gauge": None if gauge is None else {"label": gauge[0], "used": gauge[1], "of": gauge[2]},
            "best": self.best(),
            "says": "" if not self.on else self.says(),
            "hooks": [
                {"name": name, "count": meter.count, "seconds": float(f"{meter.seconds:.4g}")}
                for name, meter in self.meters.items()
            ],
            "printed": self.tee.text,
            "error": self.error,
            "files": self.files(),
            "actions": [{"name": name, "label": label} for name, label in self.actions()],
        }


def shown(value: Any) -> Value:
    """A fact's value as JSON can carry it."""
    number = scalar(value)
    return plain(value if number is None else number)


def scalar(value: Any) -> float | None:
    """A number from whatever a callback keeps one in; None if it is none."""
    if value is None or isinstance(value, str):
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return int(value) if isinstance(value, int) and not isinstance(value, bool) else number

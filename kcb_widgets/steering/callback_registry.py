"""CallbackRegistry: the other callbacks of the fit, wherever Monitor stands among them."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import keras

from ..commands import Command, Refused
from ..record.events import Event
from ..record.record import Record
from .callbacks import checkpoint, patience, scheduler, watchers, writers
from .callbacks.card import Card, CardContext
from .callbacks.card_controls import Switch
from .callbacks.hook_wrappers import HOOKS, Meter, heard, install, light, watched
from .callbacks.output_capture import printing, warning
from .controls.control import Control

log = logging.getLogger(__name__)

FAMILIES: dict[str, type[Card]] = {
    "EarlyStopping": patience.EarlyStoppingCard,
    "ReduceLROnPlateau": patience.ReduceLROnPlateauCard,
    "LearningRateScheduler": scheduler.LearningRateSchedulerCard,
    "ModelCheckpoint": checkpoint.ModelCheckpointCard,
    "CSVLogger": writers.CSVLoggerCard,
    "BackupAndRestore": writers.BackupAndRestoreCard,
    "TensorBoard": writers.TensorBoardCard,
    "RemoteMonitor": writers.RemoteMonitorCard,
    "TerminateOnNaN": watchers.TerminateOnNaNCard,
    "SwapEMAWeights": watchers.SwapEMAWeightsCard,
}
UNKNOWN_STOP = "model.stop_training was set, not by a callback that is watched"
OWN = ("History", "ProgbarLogger")  # Keras puts these in by itself


class CallbackRegistry:
    """The cards of one fit.

    Args:
        run: Its record.
        model: What trains.
        callbacks: Keras's ``CallbackList``, where it was found.
        monitor: The callback that is no neighbour of its own.

    Attributes:
        cards: In the order of the list.
        before: How many of them stand before Monitor.
    """

    def __init__(self, run: Record, model: Any, callbacks: Any, monitor: Any) -> None:
        self._card_context = CardContext(run, model)
        self.cards: list[Card] = []
        self.before = 0
        self._away: list[Callable[[], None]] = []
        seen: set[int] = set()
        for callback in getattr(callbacks, "callbacks", None) or []:
            if callback is monitor:
                self.before = len(self.cards)
            own = isinstance(callback, tuple(getattr(keras.callbacks, name) for name in OWN))
            if own or isinstance(callback, type(monitor)) or id(callback) in seen or not hasattr(callback, "__dict__"):
                continue
            seen.add(id(callback))
            self.cards.append(self._card(callback))

    def _card(self, callback: Any) -> Card:
        name = type(callback).__name__
        count = sum(card.type == name for card in self.cards)
        family = next((family for known, family in FAMILIES.items() if isinstance(callback, _keras(known))), Card)
        label = name if not count else f"{name} {count + 1}"
        try:
            return family(callback, label, self._card_context)
        except Exception:  # not as we know it: a later Keras, or a class of the user's own
            log.warning("%s has a plain card only", label, exc_info=True)
            return Card(callback, label, self._card_context)

    # -- while the fit lasts ------------------------------------------------------------------------------------------

    def join(self, registry: Any) -> None:
        """The fit begins: listen to them.

        Args:
            registry: Whose controls and rates the cards look at.
        """
        self._card_context.registry = registry
        for place, card in enumerate(self.cards):
            for name in HOOKS:
                if _overridden(card.callback, name):
                    self._wrap(card, name)
            if place < self.before and "on_train_begin" in card.meters:
                card.meters["on_train_begin"].count = 1  # it has just run; nobody timed it
            for name in card.extra():
                method = getattr(card.callback, name)
                self._away.append(install(card.callback, name, card.wrap_extra(name, method)))

    def _wrap(self, card: Card, name: str) -> None:
        hook, meter = getattr(card.callback, name), Meter()
        card.meters[name] = meter
        how = watched if "batch" not in name else heard if card.curious else light
        self._away.append(install(card.callback, name, how(card, name, hook, meter)))

    def leave(self) -> None:
        """The fit is over: they are as they were, but for what was changed."""
        away, self._away = self._away, []
        for uninstall in away:
            uninstall()
        for card in self.cards:
            printing.leave(card)
            warning.leave(card)
        self.publish()

    def publish(self) -> None:
        """Put the cards on the record."""
        said = []
        for card in self.cards:
            try:
                said.append(card.describe())
            except Exception as error:
                card.trouble(error)
        if said != self._card_context.run.cards:
            self._card_context.run.cards = said

    def hook_that_raised(self, error: BaseException) -> str:
        """Which hook of which callback an exception came from, ``MyCallback.on_epoch_end``; empty where from none.

        Ask while the exception passes: it is told by its ``id``.
        """
        known, hook = self._card_context.raised
        return hook if known == id(error) else ""

    def how_ended(self, stopped: bool) -> str:
        """Which callback stopped the fit, why, and what was done to the weights when it was over.

        Args:
            stopped: Whether one of them, or what is not watched, stopped it. The event of that tells it all then.
        """
        run, parts = self._card_context.run, []
        did = next(((card, did) for card in reversed(self.cards) if (did := card.did_at_end())), None)
        if stopped and self._card_context.stopped is not None:
            card, event = self._card_context.stopped
            parts.append(event.message)
            if did is not None and did[0] is card:
                parts.append(did[1])
                run.tell_more(event, "; ".join(parts))
                return "; ".join(parts)
        elif stopped:
            parts.append(UNKNOWN_STOP)
            run.add_event("stop", "stop_training", source="", message=UNKNOWN_STOP)
        return "; ".join(parts if did is None else [*parts, f"{did[0].id}: {did[1]}"])

    @property
    def after(self) -> int:
        """How many of them stand after Monitor."""
        return len(self.cards) - self.before

    # -- what can be changed and done ---------------------------------------------------------------------------------

    def controls(self) -> list[Control]:
        """The parameters of all of them."""
        found: list[Control] = []
        for card in self.cards:
            found += [*([Switch(card)] if card.switchable else []), *card.parameters()]
        return found

    def act(self, command: Command) -> Event:
        """Have one do something: ``<card>.<action>`` or ``<card>.<action>:<argument>``.

        Raises:
            Refused: It cannot, or there is none of this name.
        """
        what, _, argument = str(command.value).partition(":")
        name, _, action = what.rpartition(".")
        card = next((card for card in self.cards if card.id == name), None)
        if card is None:
            msg = f"there is no callback {name!r} in this fit"
            raise Refused(msg)
        return card.act(action, argument, command)

    def plan(self, ahead: range, first: int, batches: int) -> scheduler.Plan:
        """What schedulers will write, by control."""
        plan: scheduler.Plan = {}
        for card in self.cards:
            if isinstance(card, scheduler.LearningRateSchedulerCard):
                plan |= card.plan(ahead, first, batches)
        return plan


def _keras(name: str) -> type:
    found: type = getattr(keras.callbacks, name, None) or type(None)
    return found


def _overridden(callback: Any, name: str) -> bool:
    """Whether a callback has a hook of its own, in its class or (as LambdaCallback has) on itself."""
    if name.startswith("on_batch_") and _overridden(callback, name.replace("on_batch", "on_train_batch")):
        return False  # Keras's own `on_train_batch_*` would have called it
    if name in vars(callback):
        return True
    found = getattr(type(callback), name, None)
    return found is not None and found is not getattr(keras.callbacks.Callback, name, None)

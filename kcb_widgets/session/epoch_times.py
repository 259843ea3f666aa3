"""Where the wall time of an epoch goes: data, the training step, validation, each callback, and the rest."""

from __future__ import annotations

from collections.abc import Sequence
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from ..commands.batch_hook_state import BatchHookState
from ..record.record import Record
from .data_wait import DataWait

if TYPE_CHECKING:
    from ..record import wire

INPUT_BOUND_SHARE = 0.3  # of an epoch spent waiting for data, from which on the run is called input-bound
INPUT_BOUND_MIN_S = 0.1  # seconds of it in an epoch, at least: nobody needs to be told of less


class Metered(Protocol):
    """A card, as far as its times go."""

    id: str
    meters: dict[str, Any]


class EpochTimes:
    """Adds up the times of one fit, epoch by epoch; an epoch lasts until the next one begins.

    The step is what lies between Monitor's own two batch hooks, less what other callbacks took in between: those after
    it in the list as the batch begins, those before it as the batch ends.

    Args:
        run: The record.
        cards: The other callbacks, in the order of the list.
        before: How many of them stand before Monitor.
        waiting: How long the training waits for data.
        hook_state: Where the batch hooks add up the time between them.
    """

    def __init__(
        self, run: Record, cards: Sequence[Metered], before: int, waiting: DataWait, hook_state: BatchHookState
    ) -> None:
        self._run, self._cards, self._before, self._waiting, self._hook_state = run, cards, before, waiting, hook_state
        self._epoch: float | None = None
        self._test = self._validation = self._paused = 0.0
        self._at: list[dict[str, float]] = []

    def note(self, name: str, logs: Any) -> None:
        """One of Monitor's hooks that is not a batch's runs."""
        now = perf_counter()
        self._run.note_hook(name, logs)
        if name in ("on_test_begin", "on_epoch_end"):
            self._run.close_epoch(self._hook_state.batch_started)
        if name in ("on_epoch_begin", "on_train_end"):
            self._close(now)
        if name == "on_epoch_begin":
            self._open(now)
        elif name == "on_test_begin":
            self._test = now
        elif name == "on_test_end" and self._test:
            self._validation, self._test = self._validation + now - self._test, 0.0

    def paused(self, seconds: float) -> None:
        """The fit was paused for so long."""
        self._paused += seconds

    def publish(self) -> None:
        """Put what the others spent in each hook on the record."""
        seconds: dict[str, float] = {}
        for card in self._cards:
            for name, meter in list(card.meters.items()):
                # Where Keras's own `on_train_batch_end` calls a callback's `on_batch_end`.
                hook = name.replace("on_batch", "on_train_batch")
                seconds[hook] = seconds.get(hook, 0.0) + meter.seconds
        self._run.hooks.seconds = seconds

    def _open(self, now: float) -> None:
        self._epoch, self._hook_state.step = now, 0.0
        self._validation = self._paused = 0.0
        self._waiting.begin_epoch()
        self._hook_state.next_data_check = self._waiting.next
        self._at = [{name: meter.seconds for name, meter in card.meters.items()} for card in self._cards]

    def _close(self, now: float) -> None:
        if self._epoch is None:
            return
        total, self._epoch = max(now - self._epoch - self._paused, 0.0), None
        spent = [
            {name: meter.seconds - at.get(name, 0.0) for name, meter in card.meters.items()}
            for card, at in zip(self._cards, self._at, strict=True)
        ]
        began = ("on_train_batch_begin", "on_batch_begin")
        ended = ("on_train_batch_end", "on_batch_end")
        between = _sum(spent[self._before :], *began) + _sum(spent[: self._before], *ended)
        tests = _sum(spent[self._before :], "on_test_begin") + _sum(spent[: self._before], "on_test_end")
        tests += _sum(spent, "on_test_batch_begin", "on_test_batch_end")
        step, validation = max(self._hook_state.step - between, 0.0), max(self._validation - tests, 0.0)
        waits = self._waiting.end_epoch()
        data = 0.0
        if waits is not None:
            unseen = min(max(waits.estimated - waits.measured, 0.0), step)
            step, data = step - unseen, waits.measured + unseen
        parts = [("data", data)] if waits is not None else []
        parts += [("step", step), ("validation", validation)]
        parts += [(card.id, sum(times.values())) for card, times in zip(self._cards, spent, strict=True)]
        parts.append(("other", max(total - sum(seconds for _, seconds in parts), 0.0)))
        kept: list[wire.TimeShare] = [
            {"name": name, "seconds": float(f"{seconds:.4g}")} for name, seconds in parts if seconds > 0
        ]
        hooks = self._run.hooks
        hooks.epoch = {"total": float(f"{total:.4g}"), "parts": kept}
        share = data / total if total else 0.0
        about = "about " if waits is not None and waits.sampled else ""
        hooks.bound = ""
        if share >= INPUT_BOUND_SHARE and data >= INPUT_BOUND_MIN_S:
            hooks.bound = f"input-bound: {about}{share:.0%} of the epoch was spent waiting for data".replace("%", " %")
        self.publish()


def _sum(spent: Sequence[dict[str, float]], *names: str) -> float:
    return sum(times.get(name, 0.0) for times in spent for name in names)

"""Checks how a fit goes on and ends: pause, step, finish the epoch, stop, and more or fewer epochs."""

from __future__ import annotations

import functools
import threading
import time
from collections.abc import Callable

import kcb_widgets as kcb

from ..mode import current
from ..models import fresh_unit, ones
from ..training import Watch, fit, granted, steered


class Helper(threading.Thread):
    """Somebody at a board: waits for pauses and answers them, one step after the other."""

    def __init__(self, monitor, *steps: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self.monitor, self.steps = monitor, steps
        self.paused_at: list[int] = []
        self.error: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            for step in self.steps:
                known = self.paused_at[-1] if self.paused_at else -1
                until(lambda known=known: self.monitor.run.status == "paused" and self.monitor.run.step > known)
                at = self.monitor.run.step
                time.sleep(0.05)
                assert self.monitor.run.step == at, "it goes on while paused"
                self.paused_at.append(at)
                step()
        except BaseException as error:
            self.error = error
            self.monitor.stop()

    def done(self) -> list[int]:
        """The steps at which it found the fit paused."""
        self.join(20)
        if self.error is not None:
            raise self.error
        return [step // current().per for step in self.paused_at]


def until(condition: Callable[[], bool], timeout: float = 30) -> None:
    """Wait for something that another thread does."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.002)


def _accompanied(executions: int, plan: dict, *steps: Callable, **kwargs) -> tuple[Watch, list[int]]:
    model, monitor = fresh_unit(), kcb.Monitor()
    watch = Watch({at: functools.partial(action, monitor) for at, action in plan.items()})
    helper = Helper(monitor, *(functools.partial(step, monitor) for step in steps))
    watch.history = fit(model, *ones(executions), monitor, watch, **kwargs).history
    granted(monitor)
    return watch, helper.done()


def check_pause_change_resume():
    def change(monitor):
        assert monitor.set(learning_rate=0.25).wait(20).kind == "applied"
        monitor.resume()

    watch, paused = _accompanied(4, {2: lambda m: m.pause()}, change)
    assert paused == [2]
    assert watch.moves == [0.5, 0.5, 0.25, 0.25], watch.moves


def check_step():
    steps = (lambda m: m.step(2 * current().per), lambda m: m.set(learning_rate=0.25) and m.resume())
    watch, paused = _accompanied(5, {1: lambda m: m.pause()}, *steps)
    assert paused == [1, 3], paused
    assert watch.moves == [0.5, 0.5, 0.5, 0.25, 0.25], watch.moves


def check_finish_epoch():
    steps = (lambda m: m.finish_epoch(), lambda m: m.set(learning_rate=0.25) and m.resume())
    watch, paused = _accompanied(3, {1: lambda m: m.pause()}, *steps, epochs=2, validation_data=ones(1))
    assert paused == [1, 3], paused
    assert watch.moves == [0.5] * 3 + [0.25] * 3, watch.moves
    assert watch.validations == 2


def _stops(after: str, validate: bool, executions: int) -> None:
    plan = {2: lambda m: m.stop(after, validate=validate)}
    watch, monitor = steered(fresh_unit(), *ones(5), plan, epochs=3, validation_data=ones(1))
    assert watch.moves == [0.5] * executions, f"{len(watch.moves)} executions, not {executions}"
    assert watch.validations == int(validate), f"{watch.validations} validations"
    assert ("val_loss" in watch.history) == validate
    assert monitor.run.status == "stopped"
    history = fit(fresh_unit(), *ones(1), validation_data=ones(1)).history
    assert "val_loss" in history, "the next fit has no validation"


def check_stop_after_the_batch():
    _stops("batch", True, 3)


def check_stop_after_the_batch_unvalidated():
    _stops("batch", False, 3)


def check_stop_after_the_epoch():
    _stops("epoch", True, 5)


def check_stop_after_the_epoch_unvalidated():
    _stops("epoch", False, 5)


def _epochs(told: int, wanted: int, at: int) -> None:
    watch, _ = steered(fresh_unit(), *ones(2), {at: lambda m: m.set(epochs=wanted)}, epochs=told)
    assert watch.moves == [0.5] * 2 * wanted, f"{len(watch.moves) / 2} epochs, not {wanted}"
    assert len(watch.history["loss"]) == wanted


def check_more_epochs():
    _epochs(1, 3, 1)
    _epochs(2, 3, 4)


def check_fewer_epochs():
    _epochs(4, 2, 1)

"""Asks of a Monitor what a case says, from a policy, from another callback, from another thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import keras

import kcb_widgets as kcb

from .cases import Act, Case


class Steering(keras.callbacks.Callback):
    """Does the acts of a case; it comes after Monitor in the list.

    Attributes:
        replies: What Monitor answered with.
        errors: What it raised although the arguments are those that people give.
    """

    def __init__(self, monitor: kcb.Monitor, case: Case) -> None:
        super().__init__()
        self.monitor, self.case = monitor, case
        self.replies: list[kcb.Reply] = []
        self.errors: list[BaseException] = []
        self._left = {source: [act for act in case.acts if act.source == source] for source in ("policy", "callback")}
        self._trained = 0
        self._lock = threading.Lock()
        self._more, self._over = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._ask_from_outside, daemon=True)
        monitor.add_policy(self._at_batch, every=1)
        monitor.add_policy(self._at_epoch_end)

    # -- when -----------------------------------------------------------------------------------------------------

    def _at_batch(self) -> None:
        self._do("policy", end=False)

    def _at_epoch_end(self) -> None:
        self._do("policy", end=True)

    def on_train_begin(self, logs: Any = None) -> None:
        """The fit begins."""
        self._thread.start()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        """A batch is done."""
        self._trained += 1
        self._more.set()
        self._do("callback", end=False)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        """An epoch is done."""
        self._do("callback", end=True)

    def finish(self) -> None:
        """The fit is over, in whatever way: the thread ends too."""
        self._over.set()
        self._more.set()
        if self._thread.ident is not None:
            self._thread.join()

    def _do(self, source: str, end: bool) -> None:
        left = self._left[source]
        for act in [act for act in left if act.end == end and act.at <= self._trained]:
            left.remove(act)
            self._ask(act)

    def _ask_from_outside(self) -> None:
        for act in self.case.acts:
            while act.source == "thread" and self._trained < act.at and not self._over.is_set():
                self._more.wait(0.05)
                self._more.clear()
                self._go_on()  # or the batch that is waited for would never come
            if act.source == "thread" and not self._over.is_set():
                self._ask(act)
        while not self._over.wait(0.002):
            self._go_on()

    def _go_on(self) -> None:
        """Resume what was paused."""
        if self.monitor.run.flow["paused"]:
            self._note(self.monitor.resume)

    # -- what -----------------------------------------------------------------------------------------------------

    def _ask(self, act: Act) -> None:
        monitor = self.monitor
        verbs: dict[str, Callable[[], kcb.Reply | None]] = {
            "set": lambda: self._set(act),
            "snapshot": monitor.snapshot,
            "rollback": lambda: monitor.rollback(self._snapshot(act)),
            "forget": lambda: monitor.forget(self._snapshot(act)),
            "evaluate": monitor.evaluate,
            "pause": monitor.pause,
            "step": lambda: monitor.step(1 + int(3 * act.value)),
            "stop": lambda: monitor.stop(validate=act.pick < 0.5) if act.value > 0.7 else None,
            "stop_epoch": lambda: monitor.stop("epoch", validate=act.pick < 0.5) if act.value > 0.7 else None,
            "epochs": lambda: monitor.set(epochs=max(1 + int(4 * act.value), (monitor.run.epoch or 0) + 1)),
            "hold": lambda: self._flag("_hold", act.value < 0.7),
            "take_over": lambda: self._flag("_take_over", True),
            "release": lambda: self._flag("_take_over", False),
            "undo": monitor.undo,
            "freeze": lambda: self._layers(act, monitor.freeze),
            "unfreeze": lambda: self._layers(act, monitor.unfreeze),
            "cut": lambda: monitor.act("ReduceLROnPlateau.cut"),
        }
        self._note(verbs[act.what])

    def _note(self, ask: Callable[[], kcb.Reply | None]) -> None:
        try:
            reply = ask()
        except ValueError as error:  # the run has gone on meanwhile: fewer epochs than begun, no such control any more
            if "there is no control of this name" not in str(error) and "epochs" not in str(error):
                self.errors.append(error)
            return
        except Exception as error:
            self.errors.append(error)
            return
        if reply is not None:
            with self._lock:
                self.replies = [*self.replies, reply]

    def _flag(self, suffix: str, on: bool) -> kcb.Reply | None:
        names = [name for name in self.monitor.controls if name.endswith(f"learning_rate{suffix}")]
        return self.monitor.set({names[0]: on}) if names else None

    def _layers(self, act: Act, change: Callable[..., kcb.Reply]) -> kcb.Reply | None:
        names = [name.removesuffix(".trainable") for name in self.monitor.controls if name.endswith(".trainable")]
        if not names:
            return None
        name = names[int(act.pick * (len(names) - 1))]
        return change() if act.value > 0.8 else change(named=name[:3]) if act.value > 0.4 else change(until=name)

    def _snapshot(self, act: Act) -> str:
        kept = self.monitor.run.snapshots
        return str(kept[int(act.pick * (len(kept) - 1))]["id"]) if kept else "latest"

    def _set(self, act: Act) -> kcb.Reply | None:
        controls = [one for one in self.monitor.run.controls if one["group"] in ("optimizer", "layers", "callbacks")]
        # This callback's own switch is left alone: a replay, which has no Steering, would rightly miss it.
        controls = [one for one in controls if not one["name"].endswith(("_hold", "_take_over", "Steering.on"))]
        if not controls:
            return None
        control = controls[int(act.pick * (len(controls) - 1))]
        return self.monitor.set({control["name"]: value_for(control, act.value)})


def value_for(control: dict[str, Any], unit: float) -> Any:
    """A value in a control's range; small changes mostly, so that the fit goes on."""
    if control["kind"] == "flag":
        return unit < 0.5
    if control["nullable"] and unit < 0.2:
        return None
    least, most, now = control["min"], control["max"], control["value"]
    if control["integer"]:
        return int(max(least or 0, 1 + int(5 * unit)))
    if control["label"].startswith("learning_rate"):
        return 10 ** (-3 + 2.5 * unit)
    if most is not None and most <= 1:
        return 0.9 * unit
    if isinstance(now, float) and now:
        return now * 4 ** (2 * unit - 1)
    return 0.001 + unit if least is None or least >= 0 else -0.5 - unit

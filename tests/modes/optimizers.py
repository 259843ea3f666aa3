"""Changes every number of every Keras optimizer, by Monitor and by hand, and compares what the next batches do."""

from __future__ import annotations

import functools

import keras
import numpy as np

import kcb_widgets as kcb

from .controls import another
from .mode import current
from .models import BATCH, data, signed_prediction
from .outcome import outcome
from .state import State, put, weights
from .training import Watch, fit, granted


def optimizer_classes() -> list[str]:
    """Keras's optimizers, by name; not what only wraps others."""
    from keras import optimizers

    wrappers = {"Optimizer", "LossScaleOptimizer", "MultiOptimizer"}
    return sorted(
        name
        for name, value in vars(optimizers).items()
        if isinstance(value, type) and issubclass(value, optimizers.Optimizer) and name not in wrappers
    )


# Lion goes by the sign of what clipping makes smaller, which is often no other one.
INDIFFERENT = {("Lion", "clipnorm"), ("Lion", "global_clipnorm"), ("Lion", "clipvalue")}


class Turns(Watch):
    """Asks Monitor to change one optimizer value after the other, each for two executions, and then stops.

    Attributes:
        turns: The values of each, and after which execution they were set.
        refused: Why values could not be changed, by name.
    """

    def __init__(self, monitor) -> None:
        super().__init__()
        self.monitor, self.turns, self.refused = monitor, [], {}
        self.waiting: list[dict] | None = None
        self.back: dict[str, object] = {}  # the turn before is taken back, so that each stands for itself

    def on_train_batch_end(self, batch, logs=None):
        super().on_train_batch_end(batch, logs)
        if len(self.states) % 2 == 0:  # the first state is from before the first execution
            return
        if self.waiting is None:
            found = self.monitor.run.controls
            self.waiting = [one for one in found if one["group"] == "optimizer" and not one["of"]]
        while self.waiting:
            control = self.waiting.pop(0)
            name = control["name"]
            if control["enabled"]:
                values = {**self.back, name: another(control)}
                self.back = {name: control["value"]}
                self.turns.append((name, values, len(self.states) - 1, self.monitor.set(values)))
                return
            self.refused[name] = control["reason"]
        self.model.stop_training = True


class ByHand(Watch):
    """Makes the same turns by hand: an attribute is set, and Keras is made to trace the training step again.

    Each turn begins in the state that Monitor's fit was in, first with the old values, then with the new ones.
    """

    def __init__(self, live: Turns) -> None:
        super().__init__()
        self.live, self.starts = live, []

    def on_train_batch_begin(self, batch, logs=None):
        turn, part = divmod(batch, 4)
        _, values, at, _ = self.live.turns[turn]
        if part in (0, 2):
            if part == 2:
                self._set(values)
            put(self.model, self.live.states[at])

    def _set(self, values: dict[str, object]) -> None:
        optimizer = self.model.optimizer
        for name, value in values.items():
            if name == "momentum" and not optimizer.momentum:  # made without, so Keras made nothing to hold it
                held = "momentums" if hasattr(optimizer, "momentums") else "_momentums"
                optimizer._tracker.unlock()
                slots = optimizer.add_optimizer_variables(optimizer._trainable_variables, "momentum")
                setattr(optimizer, held, slots)
            setattr(optimizer, name, value)
        self.model.make_train_function(force=True)


def check_optimizer(cls: str) -> dict[str, str]:
    """Every number of an optimizer, changed by Monitor and by hand: what came of each."""
    x, y = data(100)

    def layers():
        return [keras.Input((3,)), keras.layers.Dense(2, name="first"), keras.layers.Dense(1, name="last")]

    def model():
        keras.utils.set_random_seed(5)
        return current().model(layers, getattr(keras.optimizers, cls), signed_prediction)

    def differ() -> dict[str, str]:
        monitor = kcb.Monitor()
        live = Turns(monitor)
        fit(model(), x, y, monitor, live)
        rows = [np.arange(at * BATCH, (at + 2) * BATCH) for _, _, at, _ in live.turns for _ in range(2)]
        rows = np.concatenate(rows)
        by_hand = ByHand(live)
        fit(model(), x[rows], y[rows], by_hand)
        results = {name: f"refused: {why}" for name, why in live.refused.items()}
        for turn, (name, _, at, reply) in enumerate(live.turns):
            new = by_hand.states[4 * turn + 3 : 4 * turn + 5]
            old = by_hand.states[4 * turn + 1 : 4 * turn + 3]
            seen = live.states[at + 1 : at + 3]
            indifferent = (cls, name) in INDIFFERENT
            results[name] = outcome(functools.partial(_agree, monitor, reply, seen, new, old, indifferent=indifferent))
        return results

    results: dict[str, str] = {}
    whole = outcome(lambda: results.update(differ()))
    return results if whole == "ok" else {"fit": whole}


def _agree(monitor, reply, seen: list[State], new: list[State], old: list[State], *, indifferent: bool) -> None:
    granted(monitor, reply)
    for i, (one, other) in enumerate(zip(seen, new, strict=True)):
        a, b = weights(one), weights(other)
        assert np.allclose(a, b, rtol=1e-5, atol=1e-7), f"execution {i + 1}: off by {np.abs(a - b).max():.3g}"
    unchanged = np.allclose(weights(seen[-1]), weights(old[-1]), rtol=1e-5, atol=1e-7)
    assert indifferent or not unchanged, "it makes no difference"

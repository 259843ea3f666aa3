"""An optimizer's numbers: read, and written with effect from the very next batch on."""

from __future__ import annotations

from typing import Any

import keras

from ...commands import MAX_LEARNING_RATE
from ...keras_internals.optimizers import (
    forget_dependency,
    forget_momentum,
    has_no_momentum_slots,
    learning_rate_of,
    make_momentum,
    scope,
)
from ..backends import read_scalar, runs_eagerly, sync_model
from .control import MAX_NUMBER, Control, Refused, Value, Written
from .live_values import LiveScalar, OptimizerSaveFilter, shortest

# What Keras gives as None when it is off. Each is traced only when on, so turning it on or off needs a new trace.
OPTIONAL = ("weight_decay", "clipnorm", "global_clipnorm", "clipvalue")
CLIPS = ("clipnorm", "global_clipnorm", "clipvalue")
FRACTIONS = ("momentum", "rho", "ema_momentum")
ALWAYS_TRACED = ("loss_scale_factor",)
INITIAL = {"initial_accumulator_value": "it was used when the optimizer's slots were made, and never again"}


class Missing(Control):
    """A learning rate that is not there."""

    scale = "log"

    def __init__(self, model: Any, reason: str) -> None:
        super().__init__(model, "learning_rate")
        self._reason = reason

    def read(self) -> Value:
        return None

    def why_not(self) -> str:
        return self._reason

    def write(self, value: Value) -> Written:
        raise Refused(self._reason)


class LearningRate(Control):
    """A learning rate that a variable holds: Keras made it to be changed.

    Args:
        model: The model that trains.
        optimizer: The optimizer that does the work.
        name: The control's name.
        section: The optimizer's name.
    """

    scale = "log"
    maximum = MAX_LEARNING_RATE

    def __init__(self, model: Any, optimizer: Any, name: str, section: str) -> None:
        super().__init__(model, name, "learning_rate", section)
        self.optimizer = optimizer

    def read(self) -> Value:
        try:
            return shortest(read_scalar(self.model, learning_rate_of(self.optimizer), "optimizer_variables"))
        except (LookupError, AttributeError, TypeError, ValueError):
            return None

    def write(self, value: Value) -> Written:
        sync_model(self.model)
        old = self.read()
        self.optimizer.learning_rate = value
        return Written(old, self.read())


class Hyperparameter(Control):
    """A Python number of an optimizer.

    Where Keras compiles the training step a variable takes its place on the first touch; see ``live.py``. What cannot
    be such a variable (switched off, a whole number, in an optimizer that is not Keras's own) stays a Python number,
    and each change has the step traced again.
    """

    def __init__(
        self, model: Any, optimizer: Any, save_filter: OptimizerSaveFilter, prefix: str, section: str, name: str
    ) -> None:
        super().__init__(model, prefix + name, name, section)
        self.optimizer, self._save_filter, self._name = optimizer, save_filter, name
        self._live: LiveScalar | None = None
        self._made_momentum = False
        self._before: tuple[float, float] | None = None  # the user's own float, and the float32 that stood in for it
        value = getattr(optimizer, name)
        # AdamW's constructor takes no None, so a model saved with it would not load; 0 does the same.
        never_off = name == "weight_decay" and isinstance(optimizer, keras.optimizers.AdamW)
        self.nullable = name in OPTIONAL and not never_off
        self.integer = isinstance(value, int) and name.endswith(("_steps", "_frequency"))
        negative = isinstance(value, (int, float)) and value < 0  # Adafactor's beta_2_decay is
        fraction = name in FRACTIONS or name.startswith("beta_") or name.endswith(("_beta_1", "_beta_2"))
        if fraction and (value is None or 0 <= value < 1):
            self.maximum, self.below = 1.0, True
        elif self.nullable or name.startswith("epsilon") or name.endswith(("strength", "_decay", "_norm")):
            self.scale = "linear" if negative else "log"
            self.minimum = -MAX_NUMBER if negative else 0.0
        else:
            self.minimum = 1.0 if self.integer else -MAX_NUMBER

    @property
    def rebuild(self) -> bool:  # type: ignore[override]
        """Whether a change has the training step traced again."""
        return self._live is None and not runs_eagerly(self.model)

    def read(self) -> Value:
        if self._live is not None:
            try:
                return shortest(read_scalar(self.model, self._live, "optimizer_variables"))
            except (LookupError, TypeError, ValueError):
                return None
        value = getattr(self.optimizer, self._name)
        return value if value is None or self.integer else float(value)

    def why_not(self) -> str:
        name, optimizer = self._name, self.optimizer
        if not optimizer.built:
            return "the optimizer is not built yet"
        if name in INITIAL:
            return INITIAL[name]
        if name == "gradient_accumulation_steps":
            return "gradients are being accumulated over this many batches; compile the model again to change it"
        if name == "momentum" and has_no_momentum_slots(self.optimizer) and not _makes_momentum(optimizer):
            return "it was 0 when the optimizer was built, so there is nothing that could hold it"
        return ""

    def write(self, value: Value) -> Written:
        sync_model(self.model)
        others = [clip for clip in CLIPS if clip != self._name and getattr(self.optimizer, clip, None) is not None]
        if value is not None and self._name in CLIPS and others:
            msg = f"Keras clips gradients in one way at a time; switch {others[0]} off first"
            raise Refused(msg)
        old = self.read()
        if value is None:
            self._take_out()
            setattr(self.optimizer, self._name, None)
            return Written(old, None, rebuild=not runs_eagerly(self.model))
        if self._name == "momentum" and value and has_no_momentum_slots(self.optimizer):
            make_momentum(self.optimizer)
            self._made_momentum = True
        if self._live is not None:
            self._live.assign(float(value))
            return Written(old, self.read())
        if self._can_live() and not runs_eagerly(self.model):
            self._put_in(float(value))
            return Written(old, self.read(), rebuild=True)
        setattr(self.optimizer, self._name, value)
        return Written(old, value, rebuild=not runs_eagerly(self.model))

    def release(self) -> None:
        if self._live is not None:
            sync_model(self.model)
            self._take_out()
        if self._made_momentum and not getattr(self.optimizer, self._name):
            forget_momentum(self.optimizer)

    def _can_live(self) -> bool:
        optimizer = self.optimizer
        ours = type(optimizer).__module__.startswith("keras.") and not self.integer
        # jnp.clip takes no variable; a loss scale is used where optimizers keep no state.
        jax = keras.backend.backend() == "jax" and self._name == "clipvalue"
        return ours and not jax and self._name not in ALWAYS_TRACED

    def _put_in(self, value: float) -> None:
        optimizer = self.optimizer
        plain = getattr(optimizer, self._name)
        with scope(optimizer):
            live = LiveScalar(
                value, dtype="float32", trainable=False, name=f"live_{self._name}", aggregation="only_first_replica"
            )
        self._save_filter.hide(live)
        setattr(optimizer, self._name, live)  # the optimizer tracks it, so on JAX it is part of the state
        forget_dependency(optimizer, self._name)
        self._live = live
        self._before = None if plain is None else (float(plain), shortest(float(plain)))

    def _take_out(self) -> None:
        """Put a plain number back: the user's own, to the last digit, if it is still that."""
        live, self._live = self._live, None
        if live is None:
            return
        value = shortest(float(keras.ops.convert_to_numpy(live)))
        if self._before is not None and value == self._before[1]:
            value = self._before[0]
        setattr(self.optimizer, self._name, value)
        self._save_filter.show(self.optimizer, live)


def _makes_momentum(optimizer: Any) -> bool:
    return type(optimizer).__name__ in ("SGD", "RMSprop") and type(optimizer).__module__.startswith("keras.")

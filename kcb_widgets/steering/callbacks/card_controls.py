"""The controls on a card: the callback's switch, and its attributes."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

import keras

from ..controls.control import Control, Value, Written
from .card import Card, scalar

if TYPE_CHECKING:
    from ...record import wire

log = logging.getLogger(__name__)


class Switch(Control):
    """Whether a callback's hooks are called; a user's own callback still ends with the fit."""

    group, kind = "callbacks", "flag"

    def __init__(self, card: Card) -> None:
        super().__init__(card.context.model, f"{card.id}.on", "on", card.id)
        self._card = card

    def read(self) -> Value:
        return self._card.on

    def write(self, value: Value) -> Written:
        old, self._card.on = self._card.on, bool(value)
        return Written(old, self._card.on)


class Parameter(Control):
    """An attribute of a callback.

    Args:
        card: Whose it is.
        name: The attribute.
        kind: ``number`` or ``flag``.
        minimum, maximum: The range.
        below: Whether ``maximum`` itself is excluded.
        integer: Whether only whole numbers will do.
        nullable: Whether None will do.
        scale: ``log`` or ``linear``.
        said: A clause for the event of each write, from the value written.
    """

    group = "callbacks"

    def __init__(
        self, card: Card, name: str, kind: wire.ControlKind = "number", *, said: Any = None, **limits: Any
    ) -> None:
        super().__init__(card.context.model, f"{card.id}.{name}", name, card.id)
        self._card, self._said, self.kind = card, said, kind
        for limit, value in limits.items():
            setattr(self, limit, value)

    def read(self) -> Value:
        value = getattr(self._card.callback, self.label, None)
        return bool(value) if self.kind == "flag" else scalar(value)

    def write(self, value: Value) -> Written:
        old = self.read()
        setattr(self._card.callback, self.label, value)
        return Written(old, self.read(), message=self._said(value) if self._said else "")


class MinDelta(Parameter):
    """``min_delta``, which Keras holds negative where smaller is better."""

    def read(self) -> Value:
        value = scalar(getattr(self._card.callback, self.label, None))
        return None if value is None else abs(value)

    def write(self, value: Value) -> Written:
        assert isinstance(value, (int, float))
        return super().write(-value if smaller(self._card.callback) and self._signed() else value)

    def _signed(self) -> bool:
        """Whether Keras has turned its sign already: it does so once it knows which way is better."""
        return getattr(self._card.callback, "monitor_op", None) is keras.ops.less


def smaller(callback: Any) -> bool | None:
    """Whether a smaller value is better; None while Keras has not decided."""
    op = getattr(callback, "monitor_op", None)
    if op is None:
        return {"min": True, "max": False}.get(getattr(callback, "mode", ""))
    if op in (keras.ops.less, keras.ops.greater):
        return bool(op is keras.ops.less)
    try:  # older Keras has functions of its own here
        return bool(op(-1e9, 1e9))
    except Exception:  # nor like any that we know
        log.debug("Which way is better for %s cannot be told", type(callback).__name__, exc_info=True)
        return None

"""Nesting: a Monitor hears nothing of a fit, or an evaluation, inside of the fit that it records."""

from __future__ import annotations

import weakref
from threading import get_ident
from types import FrameType
from typing import Any

import keras

from ..commands.batch_hook_state import BatchHookState
from ..keras_internals.callback_lists import calling_list
from ..keras_internals.frames import current, executing, lightest
from ..record.record import Record
from .session import Session
from .standin import StandIn

INSIDE = "{} inside of the fit is not recorded"


class Nesting(keras.callbacks.Callback):  # type: ignore[misc]
    """Whose hooks are listened to. Keras does not say which fit calls a hook."""

    def __init__(self) -> None:
        super().__init__()
        self._session: Session | None = None
        self._hook_state: BatchHookState | None = None
        self._inner: FrameType | None = None  # of a fit inside of ours whose list was not found
        self._stand_ins: weakref.WeakSet[StandIn] = weakref.WeakSet()

    def _step_aside(self, callbacks: Any, fit: FrameType | None, until: str) -> None:
        """Hear nothing of what begins, wherever it is: in its list another callback stands in for this one."""
        if isinstance(getattr(callbacks, "callbacks", None), list):
            self._stand_ins.add(StandIn(callbacks, self, until))
        elif fit is not None:  # no list was found: until the call of this `fit` is over no hook is listened to
            session = self._session
            if session is not None and session.thread == get_ident():
                self._inner, self._hook_state = lightest(fit), None

    def _is_ours(self) -> bool:
        """Whether the fit inside of ours is over; then its hooks are ours again."""
        if self._inner is not None and executing(self._inner):
            return False
        session, self._inner = self._session, None
        self._hook_state = None if session is None else session.hook_state
        return session is not None

    def _is_foreign(self, session: Session, hook: str) -> bool:
        """Whether ``evaluate`` or ``predict`` begins inside of the fit, with this Monitor in a list of its own."""
        caller, own = calling_list(self, current()), session.callbacks()
        if caller is None or own is None or caller is own:
            return False
        what, _, _ = hook.removeprefix("on_").partition("_")
        self._say(session.run, "fit", INSIDE.format("evaluate" if what == "test" else what))
        self._step_aside(caller, None, f"on_{what}_end")
        return True

    def _come_back(self) -> None:
        """The fit that is recorded is over: be heard everywhere again."""
        for one in list(self._stand_ins):
            one.leave()

    @staticmethod
    def _say(run: Record, name: str, message: str) -> None:
        """Put a warning on the record, once."""
        if not any(event.name == name and event.message == message for event in list(run.events_list)):
            run.add_event("warning", name, message=message)

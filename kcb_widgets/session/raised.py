"""Raised: notes the exception that ends a ``fit``, as it passes: once it was caught nobody could tell it any more.

Keras calls no hook then. But TensorFlow's and JAX's ``fit`` train and validate inside of a context manager of the data
(``catch_stop_iteration``), and all of them call the ``CallbackList``: both are wrapped on the instance while a fit
lasts. torch's ``fit`` has no such context manager, so its step is wrapped.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any

import keras

from ..keras_internals.exceptions import root_cause
from ..keras_internals.models import validation_data_of
from ..steering.callbacks.hook_wrappers import install

if TYPE_CHECKING:
    from ..record.wire import Status

    Outcome = tuple[Status, str]

HOOKS = ("on_epoch_begin", "on_epoch_end", "on_test_begin", "on_test_end", "on_train_end")
STEPS = ("on_train_batch_begin", "on_train_batch_end", "on_test_batch_begin", "on_test_batch_end")


def outcome_of(error: BaseException, where: str = "") -> Outcome:
    """How a run ends that dies of ``error``, which came from ``where``, if that is known."""
    return ("interrupted", "") if isinstance(error, KeyboardInterrupt) else ("failed", root_cause(error, where))


class Raised:
    """What one fit dies of. Holds no exception: a traceback would keep the arrays of all its frames alive.

    Args:
        model: What trains.
        hook_of: Tells which hook of which callback raised an exception; empty where none did.

    Attributes:
        outcome: How the run ends if ``fit`` is over now; None while no exception was seen.
    """

    def __init__(self, model: Any, hook_of: Callable[[BaseException], str] = lambda _: "") -> None:
        self.outcome: Outcome | None = None
        self._hook_of = hook_of
        self._model, self._listens = model, False
        self._away: list[Callable[[], None]] = []
        self._torch = keras.backend.backend() == "torch"

    def listen(self, callbacks: Any, data: Any) -> None:
        """A ``fit`` begins.

        Args:
            callbacks: Keras's ``CallbackList``; None where it was not found.
            data: Keras's ``EpochIterator``; None where it was not found.
        """
        self._listens = True
        for name in (*HOOKS, *(STEPS if self._torch else ())):
            self._wrap(callbacks, name, self._call)
        self._wrap(data, "catch_stop_iteration", self._context)
        self.renew()

    def renew(self) -> None:
        """An epoch or a validation begins: ``fit`` goes on, and what Keras has made since is watched as well."""
        self.outcome = None
        if not self._listens:
            return
        self._wrap(validation_data_of(self._model), "catch_stop_iteration", self._context)
        if self._torch:
            for name in ("train_function", "test_function"):
                self._wrap(self._model, name, self._call)

    def note(self, error: BaseException) -> None:
        """An exception is on its way out of ``fit``."""
        self.outcome = outcome_of(error, self._hook_of(error))

    def leave(self) -> None:
        """The fit is over."""
        away, self._away = self._away, []
        for uninstall in away:
            uninstall()
        self._model, self._listens = None, False

    def _wrap(self, owner: Any, name: str, how: Callable[[Any], Any]) -> None:
        own = getattr(owner, "__dict__", None)
        if own is None or not callable(getattr(owner, name, None)):
            return
        wrapper: Any = own.get(name)
        while wrapper is not None:  # those of other Monitors may stand around ours
            if getattr(wrapper, "noting", None) is self:
                return
            wrapper = getattr(wrapper, "before", None)
        made = how(getattr(owner, name))
        made.noting = self
        self._away.append(install(owner, name, made))

    def _call(self, function: Any) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            try:
                return function(*args, **kwargs)
            except BaseException as error:
                self.note(error)
                raise

        return call

    def _context(self, make: Any) -> Any:
        return lambda *args, **kwargs: _Noted(make(*args, **kwargs), self)


class _Noted:
    """A context manager that has the exceptions noted which leave another."""

    __slots__ = ("_inner", "_raised")

    def __init__(self, inner: Any, raised: Raised) -> None:
        self._inner, self._raised = inner, raised

    def __enter__(self) -> Any:
        return self._inner.__enter__()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> Any:
        try:
            swallowed = self._inner.__exit__(kind, error, at)
        except BaseException as other:
            self._raised.note(other)
            raise
        if error is not None and not swallowed:
            self._raised.note(error)
        return swallowed

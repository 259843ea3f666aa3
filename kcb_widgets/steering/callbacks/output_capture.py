"""Hear what hooks print and warn of: one stand-in for ``sys.stdout`` and one for ``warnings.warn``, for all threads.

A stand-in is there only while a hook that is listened to runs, on any thread, and passes everything on. What is written
belongs to the hooks on the writing thread's own stack, so a stand-in needs no table of threads, and fits side by side
do not hear each other. A thread that a hook starts has a stack of its own: what that prints is only passed on.

Others replace the same two attributes (``contextlib.redirect_stdout``, IPython's capture). So the original is never
put back over something that is not ours, and a stand-in that others put back too late removes itself.
"""

from __future__ import annotations

import logging
import sys
import threading
import warnings
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from types import CodeType, FrameType
from typing import Any

from ...keras_internals.frames import current, locals_named
from ...keras_internals.interpreter import free_in_child

MAX_PRINTED = 2000
KEPT = 64  # stand-ins; a fit needs one, and one more for each redirection that a hook finds in place

log = logging.getLogger(__name__)


class Tee:
    """Keeps the end of what one card's hooks print.

    Attributes:
        text: The last characters that were written.
    """

    def __init__(self) -> None:
        self.text = ""
        self._adding = threading.RLock()  # one callback may be in two fits, and a signal handler may print

    def hear(self, text: str) -> None:
        """Remember the end of it."""
        with self._adding:
            self.text = (self.text + text[-MAX_PRINTED:])[-MAX_PRINTED:]


class OutputDispatcher:
    """Counts the hooks under way, and replaces an attribute of a module while there are any.

    Args:
        module: Whose attribute it is.
        name: The attribute.
        make: The class of stand-ins; made of this and of what is there.

    Attributes:
        running: Hooks under way, in all threads.
        latest: What a stand-in was made for last, and the stand-in.
    """

    def __init__(self, module: Any, name: str, make: type[Any]) -> None:
        self._module, self._name, self._make = module, name, make
        self._lock = threading.Lock()  # no foreign code runs while it is held
        self._cards: tuple[Any, ...] = ()
        self._codes: frozenset[CodeType] = frozenset()
        self.running = 0
        self.latest: tuple[Any, Any] = (self, make(self, None))  # stands for nothing that there could be
        # Before 3.13.3 `print` holds no reference to what it writes to, and crashes where that goes away meanwhile.
        self._kept: deque[tuple[Any, Any]] = deque(maxlen=KEPT)
        free_in_child(self._lock)

    # -- while a fit lasts --------------------------------------------------------------------------------------------

    def join(self, card: Any, code: CodeType) -> None:
        """A fit begins in which a card listens.

        Args:
            card: The card.
            code: Of a wrapper of its hooks; calls of it have the card in their local ``card``.
        """
        with self._lock:
            self._codes |= {code}
            if card not in self._cards:
                self._cards = (*self._cards, card)
            self._prepare(self._there())  # so that the first call finds it made

    def leave(self, card: Any) -> None:
        """The fit of a card is over. After the last one nothing is left, whatever an interrupt has left undone."""
        with self._lock:
            self._cards = tuple(each for each in self._cards if each is not card)
            if not self._cards:
                self.running = 0
                self._remove()

    # -- while a hook runs --------------------------------------------------------------------------------------------

    @contextmanager
    def hearing(self) -> Iterator[None]:
        """Have a stand-in in place meanwhile."""
        begun = False
        try:
            begun = self.begin()
            yield
        finally:
            if begun:
                self.end()

    def begin(self) -> bool:
        """A hook begins."""
        with self._lock:
            self.running += 1
            self._install()
        return True

    def end(self) -> None:
        """A hook is done."""
        with self._lock:
            self.running = max(self.running - 1, 0)  # its fit may have been declared over meanwhile
            if not self.running:
                self._remove()

    def correct(self) -> None:
        """Something else than expected is there: have a stand-in in place if a hook is under way, and none if not."""
        with self._lock:
            if self.running:
                self._install()
            else:
                self._remove()

    def outlived(self, stand_in: Any) -> None:
        """A stand-in is used: take it away where others put it back after the last hook."""
        if self.running or self._there() is not stand_in:
            return
        if self._lock.acquire(blocking=False):  # else one of ours is at it, perhaps this thread below a signal handler
            try:
                if not self.running:
                    self._remove()
            finally:
                self._lock.release()

    def cards(self, frame: FrameType | None, own: CodeType) -> Iterator[Any]:
        """The cards whose hooks are on this thread's stack, the innermost first.

        Args:
            frame: Where to begin.
            own: The code of the stand-in: below another call of it everything was heard already.
        """
        return locals_named("card", frame, self._codes, own)

    # -- with the lock held -------------------------------------------------------------------------------------------

    def _there(self) -> Any:
        return self._module.__dict__.get(self._name)

    def _prepare(self, there: Any) -> bool:
        """Have ``latest`` stand for what is there; False where it is none of others'."""
        if there is None or type(there) is self._make:
            return False
        if self.latest[0] is not there:
            self.latest = there, self._make(self, there)
            self._kept.append(self.latest)
        return True

    def _install(self) -> None:
        there = self._there()
        if self._prepare(there):
            self._put(there, self.latest[1])

    def _remove(self) -> None:
        there = original = self._there()
        while type(original) is self._make:
            original = original.target
        self._put(there, original)

    def _put(self, there: Any, new: Any) -> None:
        module, name = self._module.__dict__, self._name
        if new is not there and module.get(name) is there:  # as late as can be: others may have put theirs
            module[name] = new


class HeardWrite:
    """The ``write`` of a stand-in for ``sys.stdout``, over what the real one had when it was asked for.

    IPython 9 keeps a stream's ``write`` while a cell runs, sets one of its own that calls it, and sets it back at the
    end. So this must not look up the real one's ``write`` again, which is IPython's by then.
    """

    __slots__ = ("_dispatcher", "_stand_in", "over")

    def __init__(self, dispatcher: OutputDispatcher, stand_in: Stdout, over: Any) -> None:
        self._dispatcher, self._stand_in, self.over = dispatcher, stand_in, over

    def __call__(self, text: Any) -> Any:
        """Write, and let the cards hear it."""
        result = self.over(text)
        try:
            if isinstance(text, str):
                for card in self._dispatcher.cards(current(1), HeardWrite.__call__.__code__):
                    card.tee.hear(text)
            self._dispatcher.outlived(self._stand_in)
        except Exception:  # whoever prints must not fail of it
            log.exception("What a callback printed could not be kept")
        return result


class Stdout:
    """Stands in for ``sys.stdout``: in everything but ``write`` it is the real one."""

    __slots__ = ("_dispatcher", "target")

    def __init__(self, dispatcher: OutputDispatcher, target: Any) -> None:
        object.__setattr__(self, "_dispatcher", dispatcher)
        object.__setattr__(self, "target", target)

    @property
    def write(self) -> Any:
        """Writes, and lets the cards hear it."""
        return HeardWrite(self._dispatcher, self, self.target.write)

    def writelines(self, lines: Any) -> None:
        """Write them one by one, as a stream does."""
        for line in lines:
            self.write(line)

    @property  # type: ignore[misc]
    def __class__(self) -> Any:  # some ask whether it is a stream of a kind
        return type(self.target)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)

    def __setattr__(self, name: str, value: Any) -> None:
        # What was taken from here is set back: the real one gets its own, and nothing of ours stays in it.
        setattr(self.target, name, value.over if type(value) is HeardWrite else value)

    def __delattr__(self, name: str) -> None:
        delattr(self.target, name)

    def __iter__(self) -> Any:
        return iter(self.target)

    def __enter__(self) -> Any:
        return self.target.__enter__()

    def __exit__(self, *raised: Any) -> Any:
        return self.target.__exit__(*raised)


class Warn:
    """Stands in for ``warnings.warn``; Python shows most warnings once only, and a board counts each."""

    def __init__(self, dispatcher: OutputDispatcher, target: Any) -> None:
        self._dispatcher, self.target = dispatcher, target

    def __call__(self, message: Any, category: Any = None, stacklevel: int = 1, *args: Any, **kwargs: Any) -> Any:
        try:
            for card in self._dispatcher.cards(current(1), Warn.__call__.__code__):
                card.warned(str(message))
            self._dispatcher.outlived(self)
        except Exception:  # a warning whose text cannot be made, say
            log.exception("What a callback warned of could not be noted")
        if kwargs.get("skip_file_prefixes"):
            stacklevel = max(2, stacklevel)  # as Python does it, which must not count this frame
        return self.target(message, category, stacklevel + 1, *args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)


printing = OutputDispatcher(sys, "stdout", Stdout)
warning = OutputDispatcher(warnings, "warn", Warn)

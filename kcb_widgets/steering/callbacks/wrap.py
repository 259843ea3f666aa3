"""Wrap a callback's hooks, on the instance, for as long as a fit lasts: count them, time them, hear what they print."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter
from typing import Any

Hook = Callable[..., Any]
MAX_PRINTED = 2000

HOOKS = tuple(
    [f"on_{phase}_{when}" for phase in ("train", "test", "predict") for when in ("begin", "end")]
    + ["on_epoch_begin", "on_epoch_end"]
    + [f"on_{phase}batch_{when}" for phase in ("train_", "test_", "predict_", "") for when in ("begin", "end")]
)


@dataclass
class Meter:
    """How often a hook ran, and for how long."""

    count: int = 0
    seconds: float = 0.0


class Tee:
    """Stands in for ``sys.stdout`` while a hook runs: passes everything on, and keeps the end of it.

    Attributes:
        text: The last characters that were written.
        target: The real one.
    """

    def __init__(self) -> None:
        self.text = ""
        self.target: Any = None

    def write(self, text: str) -> Any:
        """Write, and remember."""
        if isinstance(text, str):
            self.text = (self.text + text)[-MAX_PRINTED:]
        return self.target.write(text)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.target, name)


def light(card: Any, name: str, hook: Hook, meter: Meter) -> Hook:
    """For hooks that run at every batch: nothing that can be left out."""
    clock = perf_counter

    def call(*args: Any, **kwargs: Any) -> Any:
        if not card.on:
            return None
        began = clock()
        try:
            return hook(*args, **kwargs)
        except Exception as error:
            card.raised(name, error)
            raise
        finally:
            meter.seconds += clock() - began
            meter.count += 1

    return call


def heard(card: Any, name: str, hook: Hook, meter: Meter) -> Hook:
    """For batch hooks of callbacks that we know nothing of: also what they print, and whether they end the fit."""
    clock, tee, model = perf_counter, card.tee, card.scene.model
    always = needed(card, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        if not card.on and not always:
            return None
        stopping = getattr(model, "stop_training", False)
        out = sys.stdout
        if out is not tee and out is not None:
            tee.target = out
            sys.stdout = tee
        began = clock()
        try:
            return hook(*args, **kwargs)
        except Exception as error:
            card.raised(name, error)
            raise
        finally:
            meter.seconds += clock() - began
            meter.count += 1
            if sys.stdout is tee:  # else the callback has put something of its own there
                sys.stdout = out
            if not stopping and getattr(model, "stop_training", False):
                card.ended(name)

    return call


def watched(card: Any, name: str, hook: Hook, meter: Meter) -> Hook:
    """For the other hooks: also what they warn of, and the card looks at its callback before and after."""
    inner, always = heard(card, name, hook, meter), needed(card, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        if not card.on and not always:
            return None
        card.looks(card.before, name)
        index, logs = plain(args, kwargs)
        if name == "on_epoch_begin":
            card.scene.run.coming = index or 0
        elif name in ("on_test_begin", "on_epoch_end"):
            card.scene.run.close_epoch()
        with warned(card):
            result = inner(*args, **kwargs)
        card.looks(card.after, name, index, logs)
        return result

    return call


def needed(card: Any, name: str) -> bool:
    """Whether a hook is called although its callback is off: a user's own closes there what it opened as it began."""
    return not card.known and name in ("on_train_begin", "on_train_end")


def plain(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[int | None, dict[str, Any]]:
    """What a hook was given: the epoch or batch, if any, and the logs."""
    given = [*args, *kwargs.values()]
    index = next((one for one in given if isinstance(one, int)), None)
    return index, next((one for one in given if isinstance(one, dict)), {})


@contextmanager
def warned(card: Any) -> Iterator[None]:
    """Hear what a hook warns of; Python shows most warnings once only, and a board does each time."""
    real = warnings.warn

    def warn(message: Any, category: Any = None, stacklevel: int = 1, *args: Any, **kwargs: Any) -> None:
        card.warned(str(message))
        real(message, category, stacklevel + 1, *args, **kwargs)

    warnings.warn = warn  # type: ignore[assignment]
    try:
        yield
    finally:
        if warnings.warn is warn:
            warnings.warn = real


def install(callback: Any, name: str, wrapper: Hook) -> Callable[[], None]:
    """Put a wrapper on an instance.

    Returns:
        A function that takes it away again, also from under the wrapper of another Monitor.
    """
    own = vars(callback)
    wrapper.before = own.get(name)  # type: ignore[attr-defined]
    own[name] = wrapper

    def uninstall() -> None:
        wrapper.gone = True  # type: ignore[attr-defined]
        while getattr(own.get(name), "gone", False):
            before = own[name].before
            if before is None:
                del own[name]
            else:
                own[name] = before

    return uninstall

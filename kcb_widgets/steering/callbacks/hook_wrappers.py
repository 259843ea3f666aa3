"""Wrap a callback's hooks, on the instance, for as long as a fit lasts: count them, time them, hear what they print."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from ...keras_internals.interpreter import runs_threads_at_once
from ...record.current_work import Work
from .output_capture import printing, warning

Hook = Callable[..., Any]
AT_ONCE = runs_threads_at_once()  # threads run at once, in a build without the lock

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


def light(card: Any, name: str, hook: Hook, meter: Meter) -> Hook:
    """For hooks that run at every batch: nothing that can be left out."""
    clock, work, here = perf_counter, card.context.run.current_work, work_of(card, name, meter)

    def call(*args: Any, **kwargs: Any) -> Any:
        if not card.on:
            return None
        began = clock()
        outer, work.now = work.now, here
        try:
            return hook(*args, **kwargs)
        except Exception as error:
            card.looks(card.raised, name, error)
            raise
        finally:
            work.now = outer
            meter.seconds += clock() - began
            meter.count += 1

    return call


def heard(card: Any, name: str, hook: Hook, meter: Meter) -> Hook:
    """For batch hooks of callbacks that we know nothing of: also what they print, and whether they end the fit.

    What `OutputDispatcher.begin` and `OutputDispatcher.end` do under a lock is written out here. No call stands between
    a comparison and the assignment after it, so CPython runs no other thread and takes no interrupt there. `safely` is
    for where threads run at once; a lock costs as much as all the rest.
    """
    clock, model, prints, names = perf_counter, card.context.model, printing, vars(sys)
    always = needed(card, name)
    work, here = card.context.run.current_work, work_of(card, name, meter)

    def call(*args: Any, **kwargs: Any) -> Any:
        if not card.on and not always:
            return None
        try:
            stopping = model.stop_training
        except AttributeError:  # no `fit` has set it
            stopping = False
        began = clock()
        outer, work.now = work.now, here
        try:
            prints.running += 1
            real, stand_in = prints.latest
            try:
                if names["stdout"] is real:
                    names["stdout"] = stand_in
                elif names["stdout"] is not stand_in:
                    prints.correct()
            except KeyError:  # it was deleted
                pass
            return hook(*args, **kwargs)
        except Exception as error:
            card.looks(card.raised, name, error)
            raise
        finally:
            work.now = outer
            running = prints.running - 1
            if running > 0:
                prints.running = running
            else:  # less than 0 where the fit was declared over meanwhile
                prints.running = 0
                try:
                    if names["stdout"] is stand_in:
                        names["stdout"] = real
                    elif names["stdout"] is not real:
                        prints.correct()
                except KeyError:
                    pass
            meter.seconds += clock() - began
            meter.count += 1
            try:
                if model.stop_training and not stopping:
                    card.ended(name, *index_and_logs(args, kwargs))
            except AttributeError:
                pass

    def safely(*args: Any, **kwargs: Any) -> Any:
        if not card.on and not always:
            return None
        stopping = getattr(model, "stop_training", False)
        began = clock()
        outer, work.now = work.now, here
        try:
            with prints.hearing():
                return hook(*args, **kwargs)
        except Exception as error:
            card.looks(card.raised, name, error)
            raise
        finally:
            work.now = outer
            meter.seconds += clock() - began
            meter.count += 1
            if not stopping and getattr(model, "stop_training", False):
                card.ended(name, *index_and_logs(args, kwargs))

    wrapper = safely if AT_ONCE else call
    prints.join(card, wrapper.__code__)
    return wrapper


def watched(card: Any, name: str, hook: Hook, meter: Meter) -> Hook:
    """For the other hooks: also what they warn of, and the card looks at its callback before and after."""
    inner, always = heard(card, name, hook, meter), needed(card, name)

    def call(*args: Any, **kwargs: Any) -> Any:
        if not card.on and not always:
            return None
        card.looks(card.before, name)
        index, logs = index_and_logs(args, kwargs)
        if name == "on_epoch_begin":
            card.context.run.announced_epoch = index or 0
        elif name in ("on_test_begin", "on_epoch_end"):
            card.context.run.close_epoch()
        begun = False
        try:
            begun = warning.begin()
            result = inner(*args, **kwargs)
        finally:
            if begun:
                warning.end()
        card.looks(card.after, name, index, logs)
        return result

    warning.join(card, call.__code__)
    return call


def work_of(card: Any, name: str, meter: Meter) -> Work:
    """A hook as other threads see that it runs; it holds nothing of the callback."""
    over = name in ("on_train_begin", "on_train_end")  # no batch is due then
    return Work(f"{card.id}.{name}", card.known or over, meter)


def needed(card: Any, name: str) -> bool:
    """Whether a hook is called although its callback is off: a user's own closes there what it opened as it began."""
    return not card.known and name in ("on_train_begin", "on_train_end")


def index_and_logs(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[int | None, dict[str, Any]]:
    """What a hook was given: the epoch or batch, if any, and the logs."""
    given = [*args, *kwargs.values()]
    index = next((one for one in given if isinstance(one, int)), None)
    return index, next((one for one in given if isinstance(one, dict)), {})


_changing = threading.Lock()  # one callback may be in two fits, which end on two threads


def install(callback: Any, name: str, wrapper: Hook) -> Callable[[], None]:
    """Put a wrapper on an instance.

    Returns:
        A function that takes it away again, also from under the wrapper of another Monitor.
    """
    own = vars(callback)
    with _changing:
        wrapper.before = own.get(name)  # type: ignore[attr-defined]
        own[name] = wrapper

    def uninstall() -> None:
        with _changing:
            wrapper.gone = True  # type: ignore[attr-defined]
            while getattr(own.get(name), "gone", False):
                before = own[name].before
                if before is None:
                    del own[name]
                else:
                    own[name] = before

    return uninstall

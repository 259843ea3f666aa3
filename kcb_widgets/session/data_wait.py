"""How long the training waits for its data.

On JAX and torch Keras takes each batch from a Python iterator before the step: that is timed. On TensorFlow the
compiled step takes it, out of sight. There, what can be seen is whether the buffer before it is empty. So now and then
Monitor waits in the step's stead, until there is something in the buffer: the step would have waited as long. Each such
wait stands for the batches since the last one.
"""

from __future__ import annotations

import logging
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from time import perf_counter
from types import FrameType
from typing import Any

import keras

from ..keras_internals.data import current_iterator, iterator_method, queue_of
from ..keras_internals.frames import variables

log = logging.getLogger(__name__)

# Between looks into a buffer that is not empty: more and more; each costs about 0.1 ms.
FIRST_PROBE_S, LAST_PROBE_S = 0.1, 0.8
PROBE_SLEEP_S = 0.0005
FIRST_WAIT_S = 0.25  # seconds that an epoch's first look may wait: how long a batch takes is not known yet


@dataclass(frozen=True)
class Waits:
    """What an epoch waited for data.

    Attributes:
        measured: Seconds that were seen, outside of the step.
        estimated: Seconds in all, those within the step included.
        sampled: Whether that is an estimate.
    """

    measured: float
    estimated: float
    sampled: bool


class DataWait:
    """Where it cannot be known: nothing is measured, and nothing is claimed."""

    next = float("inf")
    """The time of the next look, by ``perf_counter``."""

    def check(self, batch: int) -> None:
        """A batch is about to be trained; called when ``next`` has come."""

    def begin_epoch(self) -> None:
        """An epoch begins."""

    def end_epoch(self) -> Waits | None:
        """An epoch is over: what it waited; None where that is not known."""
        return None

    def waits_for(self) -> str:
        """What the training waits for at this moment, where that can be told; any thread may ask."""
        return ""

    def leave(self) -> None:
        """The fit is over."""


class IteratorTimer(DataWait):
    """Times an iterator that Python reads.

    Args:
        owner: The object whose method makes the iterator.
        method: Its name.
    """

    def __init__(self, owner: Any, method: str) -> None:
        self._owner: Any = owner
        self._method, self._seconds, self._reading = method, 0.0, False
        make = getattr(owner, method)
        vars(owner)[method] = lambda *args, **kwargs: self._through(make(*args, **kwargs))

    def _through(self, data: Any) -> Iterator[Any]:
        began = perf_counter()
        iterator = iter(data)  # at once, as Keras would: torch's loader draws from the random numbers here
        self._seconds += perf_counter() - began
        return self._timed(iterator)

    def _timed(self, iterator: Iterator[Any]) -> Iterator[Any]:
        began = perf_counter()
        while True:
            self._reading = True
            try:
                batch = next(iterator)
            except StopIteration:
                return
            finally:
                self._reading = False
                self._seconds += perf_counter() - began
            yield batch
            began = perf_counter()

    def waits_for(self) -> str:
        """The data, while the next batch is read."""
        return "the data" if self._reading else ""

    def begin_epoch(self) -> None:
        """Count from zero."""
        self._seconds = 0.0

    def end_epoch(self) -> Waits:
        """What the epoch waited."""
        return self._waits(self._seconds)

    def _waits(self, seconds: float) -> Waits:
        return Waits(seconds, seconds, False)

    def leave(self) -> None:
        """Give the owner its method back."""
        owner, self._owner = self._owner, None
        if owner is not None:
            vars(owner).pop(self._method, None)


class QueueTimer(IteratorTimer):
    """A ``PyDataset`` with workers, on TensorFlow: the step itself asks their queue for each batch."""

    def _waits(self, seconds: float) -> Waits:
        return Waits(0.0, seconds, False)


def _nothing() -> None:
    """What a weak reference to nothing gives."""


class PrefetchProbe(DataWait):
    """Looks into the buffer that TensorFlow's compiled step reads from.

    Args:
        data: Keras's ``EpochIterator``.
    """

    def __init__(self, data: Any) -> None:
        import tensorflow as tf  # type: ignore[import-untyped]

        self._proto: Callable[[Any], Any] = tf.data.experimental.get_model_proto
        self._known, self._data = True, data
        self._iterator: Callable[[], Any] = _nothing  # weak, or it would live on into the next epoch
        self.begin_epoch()

    def begin_epoch(self) -> None:
        """Count from zero, with a look at each of the first batches."""
        self.next = 0.0 if self._known else float("inf")
        self._measured = self._estimated = 0.0
        self._stood = 0  # batches that the looks so far stand for
        self._looks = 0
        self._last: tuple[int, float] | None = None
        self._every = FIRST_PROBE_S

    def check(self, batch: int) -> None:
        """Wait until there is a batch in the buffer, and note how long that took."""
        began = now = perf_counter()
        before, self._last = self._last, (batch, began)
        if before is None:  # the buffer begins to fill with the first batch
            return
        try:
            iterator = current_iterator(self._data)
            self._iterator = weakref.ref(iterator)
            ready = self._ready(iterator)
            if ready == 0:
                longest = self._longest(batch, began, before)
                while self._ready(iterator) == 0 and perf_counter() - began < longest:
                    time.sleep(PROBE_SLEEP_S)
                now = perf_counter()
        except Exception:  # several devices, or a TensorFlow that cannot be asked
            log.debug("Whether a batch waits for data cannot be told", exc_info=True)
            self._known, self.next = False, float("inf")
            return
        waited = now - began
        self._measured += waited
        self._estimated += (batch + 1 - self._stood) * waited
        self._stood, self._looks = batch + 1, self._looks + 1
        # An empty buffer costs nothing to look at again: the next step would wait as well.
        self.next = now if waited else began + self._every
        self._every = FIRST_PROBE_S if waited else min(2 * self._every, LAST_PROBE_S)

    def end_epoch(self) -> Waits | None:
        """What the epoch waited, as far as the looks tell."""
        if not self._known or not self._looks:
            return None
        return Waits(self._measured, max(self._estimated, self._measured), True)

    def waits_for(self) -> str:
        """The data, while there is no batch in the buffer."""
        iterator = self._iterator()  # not the current one: another thread must not look for it in a frame
        if not self._known or iterator is None:
            return ""
        try:
            return "" if self._ready(iterator) else "the data"
        except Exception:  # it is just replaced, or cannot be asked
            log.debug("Whether data is waited for cannot be told", exc_info=True)
            return ""

    def leave(self) -> None:
        """Let go of the data: it may be read again by the next fit."""
        self._known, self._data, self.next = False, None, float("inf")

    def _ready(self, iterator: Any) -> int:
        """How many batches are in the buffer.

        Raises:
            LookupError: There is none at the end of this pipeline.
        """
        model = self._proto(iterator)
        end = model.nodes[model.output]
        buffer = model.nodes[end.inputs[0]] if end.name == "Root" else end
        if not buffer.name.startswith("Prefetch"):
            raise LookupError(buffer.name)
        return int(buffer.buffered_elements)

    def _longest(self, batch: int, now: float, before: tuple[int, float]) -> float:
        """Where the data is at its end nothing comes any more, so there is an end to waiting."""
        last, when = before
        longest = 2 * (now - when) / max(batch - last, 1) + 0.005
        return longest if self._looks else min(longest, FIRST_WAIT_S)


def waiting(fit: FrameType | None, model: Any) -> DataWait:
    """The way to know how long this ``fit`` waits for data.

    Args:
        fit: Its frame.
        model: What trains.
    """
    data = variables(fit).get("epoch_iterator")
    if data is None or not hasattr(data, "__dict__"):
        return DataWait()
    if keras.backend.backend() in ("jax", "torch"):
        method = iterator_method(data)
        return IteratorTimer(data, method) if method else DataWait()
    if keras.backend.backend() != "tensorflow":
        return DataWait()
    queue = queue_of(data)
    if queue is not None:
        return QueueTimer(queue, "get")
    if (getattr(model, "steps_per_execution", 1) or 1) != 1:  # one batch in the buffer is not enough then
        return DataWait()
    try:
        return PrefetchProbe(data)
    except Exception:  # a model or data that cannot be asked
        log.debug("Waiting for data cannot be measured", exc_info=True)
        return DataWait()

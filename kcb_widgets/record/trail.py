"""Trail: at which step of a run a model stands, by how often its optimizer was called and by its weights.

A model that is restored from a file brings its optimizer's count of calls with it. What the run noted of that count,
now and then while it trained, tells the step, or that it cannot be known: nothing here is a guess.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


class UnknownStep(Exception):
    """It cannot be known at which step a model stands; says why in a clause."""


@dataclass(frozen=True)
class Count:
    """How a model stood at a step.

    Attributes:
        step: The step.
        calls: How often its optimizer had been called.
        weights: A checksum of some of its weights; 0 before it has any, None where they were not read.
        begins: Whether it came there otherwise than by training: a fit began, or an earlier state was put back.
    """

    step: int
    calls: int
    weights: int | None = None
    begins: bool = False


@dataclass
class Resumption:
    """A run goes on that was kept in a file.

    Attributes:
        away: For how long nothing trained it, and how it had ended, in a clause.
        step: The step at which the restored model stands; None where that cannot be known.
        why: Why it cannot.
    """

    away: str
    step: int | None = None
    why: str = field(default="no epoch was begun")

    def describe(self, last: int) -> str:
        """It in words; ``last`` is the newest step that was kept."""
        if self.step is None:
            return f"{self.away}; it cannot be known from which step, so it goes on after step {last}: {self.why}"
        if self.step > last:
            lost = f"steps {last + 1} to {self.step} were" if self.step > last + 1 else f"step {self.step} was"
            return f"from step {self.step}, {self.away}; {lost} not kept"
        return f"from step {self.step} of {last}, {self.away}"


def step_of(counts: Sequence[Count], calls: int, weights: int | None) -> int:
    """The step at which a model stands.

    Args:
        counts: What the run noted, oldest first.
        calls: How often the model's optimizer was called.
        weights: The checksum of its weights, where they could be read.

    Raises:
        UnknownStep: There is none, or it may be one of several.
    """
    if not counts:
        raise UnknownStep("nothing was noted of the run's optimizer")
    same = [each for each in counts if each.calls == calls and each.weights == weights is not None]
    if same:  # of equal states the newest that was trained; where the run went back to one, that is where it was before
        trained = [each for each in same if not each.begins]
        return trained[-1].step if trained else same[0].step
    found: set[int] = set()
    uneven = others = False
    for begin, end in _stretches(counts):
        if begin.calls == calls or (end.calls == calls and end is not begin):
            noted = begin if begin.calls == calls else end
            if noted.weights is not None and weights is not None:
                others = True  # the weights are not those
            elif _even(begin, end):
                found.add(noted.step)
            else:
                uneven = True
        elif begin.calls < calls < end.calls:
            if _even(begin, end):
                found.add(min(begin.step + calls - begin.calls, end.step))
            else:
                uneven = True
    for last, end_step, even in _ends(counts):
        at = last.step + calls - last.calls
        if calls > last.calls and (end_step is None or at <= end_step):
            if even:
                found.add(at)
            else:
                uneven = True
    if uneven:
        raise UnknownStep(f"its optimizer was not called once a batch, and has {calls} calls now")
    if not found and others:
        raise UnknownStep(f"its optimizer has {calls} calls, and its weights are none that the run had then")
    if not found:
        raise UnknownStep(f"its optimizer has {calls} calls, and the run's never had")
    if len(found) > 1:
        raise UnknownStep(f"its optimizer has {calls} calls, and the run's had them more than once")
    return found.pop()


def _even(begin: Count, end: Count) -> bool:
    """Whether the optimizer was called once a batch; where the data ran out, once more as the epoch ended."""
    return end.calls - begin.calls - (end.step - begin.step) in (0, 1)


def _stretches(counts: Sequence[Count]) -> Iterator[tuple[Count, Count]]:
    """What lies between two notes with nothing but training in between; a note that stands alone is with itself."""
    for at, each in enumerate(counts):
        following = counts[at + 1] if at + 1 < len(counts) else None
        if following is not None and not following.begins:
            yield each, following
        elif each.begins:
            yield each, each


def _ends(counts: Sequence[Count]) -> Iterator[tuple[Count, int | None, bool]]:
    """The last note before each new beginning, the step that was reached then, and whether calls went with batches.

    Of the newest it is not known how far it got: what came last may not have been kept.
    """
    even = True
    for at, each in enumerate(counts):
        even = each.begins or (even and _even(counts[at - 1], each)) if at else True
        following = counts[at + 1] if at + 1 < len(counts) else None
        if following is None:
            yield each, None, even
        elif following.begins:
            yield each, following.step, even

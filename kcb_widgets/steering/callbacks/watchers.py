"""TerminateOnNaN and SwapEMAWeights: they act on the model, and say what they did."""

from __future__ import annotations

from typing import Any

from ...keras_internals.callbacks import averages_are_in_model
from ...record.nonfinite import value_in_words
from ..controls.control import Value
from .card import Card, scalar


class TerminateOnNaNCard(Card):
    """``TerminateOnNaN``."""

    known = True
    switchable = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._ended = ""

    def facts(self) -> list[tuple[str, Value]]:
        return [("stopped", self._ended)] if self._ended else []

    def says(self) -> str:
        return "" if self._ended else "stops the fit when the loss is NaN or infinite"

    def why_ended(self, index: int | None, logs: dict[str, Any]) -> str:
        epoch, value = f"epoch {(self.context.run.epoch or 0) + 1}", scalar(logs.get("loss"))
        place = epoch if index is None else f"batch {index + 1} of {epoch}"
        self._ended = f"at {place}"
        return f"{self.id}: loss was {'not finite' if value is None else value_in_words(str(value))} at {place}"


class SwapEMAWeightsCard(Card):
    """``SwapEMAWeights``."""

    known = True
    switchable = False
    curious = False

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self._swaps, self._last, self._averaged = 0, "", self._inside

    @property
    def _inside(self) -> bool:
        return averages_are_in_model(self.callback)

    def facts(self) -> list[tuple[str, Value]]:
        when = "at each epoch's end" if self.callback.swap_on_epoch else "for each validation"
        facts: list[tuple[str, Value]] = [("swaps", when), ("swapped", self._swaps)]
        facts.append(("in the model", "averaged weights" if self._inside else "trained weights"))
        return [*facts, ("last", self._last)] if self._last else facts

    def after(self, hook: str, index: int | None, logs: dict[str, Any]) -> None:
        super().after(hook, index, logs)
        if self._inside != self._averaged:
            run = self.context.run
            self._averaged, self._swaps = self._inside, self._swaps + 1
            self._last = f"epoch {(run.epoch or 0) + 1}, step {run.step}"

"""Hold: keep a learning rate that was set by hand against callbacks that write to it."""

from __future__ import annotations

from .control import Control, Value, Written


class Hold(Control):
    """Whether the rate is held. Off by default: callbacks may write, and the board shows who did and when.

    Args:
        rate: The control of the learning rate.

    Attributes:
        kept: The rate that is held; None while it is not.
    """

    kind = "flag"

    def __init__(self, rate: Control) -> None:
        super().__init__(rate.model, f"{rate.name}_hold", f"{rate.label}_hold", rate.section)
        self.of, self.rate = rate.name, rate
        self.kept: Value = None

    def read(self) -> Value:
        return self.kept is not None

    def write(self, value: Value) -> Written:
        old = self.read()
        self.kept = self.rate.read() if value else None
        return Written(old, self.read())

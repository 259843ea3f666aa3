"""What was seen of the model while it learned: what it said of some samples at the ends of epochs."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from .class_predictions import ClassPredictions

if TYPE_CHECKING:
    import pandas as pd

LOOKED_AT_S = 20.0  # for so long a page that asked counts as there
MAX_BYTES = 20_000_000  # of a run; then every other epoch goes, but for the first, the best and the last
HOW = "Monitor(record=['classes']) records it, and so does the board's tab Classes while somebody looks at it"


class Insights:
    """What was seen of the model, oldest first. Boards read it on threads of their own.

    Attributes:
        expected: Whether the model may tell classes apart.
        why_not: Why there is nothing to see of classes; empty where there may be.
        seconds: What all of it cost.
        skipped: Epochs that were left out, so that it cost no more than it may.
        samples: How many samples it is seen by, and where they are from, in a clause; empty before they were taken.
        asked: When a page last asked for it, ``time.monotonic()``.
    """

    def __init__(self) -> None:
        self.expected, self.why_not = False, ""
        self.asked = -LOOKED_AT_S
        self.seconds = 0.0
        self.skipped = 0
        self.samples = ""
        self._classes: list[ClassPredictions] = []
        self._turn = threading.Lock()

    def __getstate__(self) -> dict[str, Any]:
        """All but the lock and who looks."""
        return {name: value for name, value in vars(self).items() if name not in ("_turn", "asked")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__init__()  # type: ignore[misc]
        vars(self).update(state)

    def add(self, found: ClassPredictions) -> None:
        """Keep what a model said at the end of an epoch."""
        with self._turn:
            self._classes.append(found)
            self.seconds += found.seconds
            while len(self._classes) > 3 and sum(each.bytes for each in self._classes) > MAX_BYTES:
                best = max(self._classes, key=lambda each: np.nan_to_num(each.accuracy, nan=-1.0))
                last = len(self._classes) - 1
                kept = [each for i, each in enumerate(self._classes) if i in (0, last) or each is best or i % 2 == 0]
                if len(kept) == len(self._classes):
                    break
                self._classes = kept

    @property
    def looked_at(self) -> bool:
        """Whether somebody looks at it now."""
        return time.monotonic() - self.asked < LOOKED_AT_S

    @property
    def classes(self) -> list[ClassPredictions]:
        """What is kept, oldest first."""
        with self._turn:
            return list(self._classes)

    def of(self, epoch: int) -> ClassPredictions | None:
        """What was said at the end of an epoch: counted as Keras does, or from the end where it is negative."""
        found = self.classes
        if epoch < 0:
            return found[epoch] if -epoch <= len(found) else None
        return next((each for each in reversed(found) if each.epoch == epoch), None)

    def known(self, epoch: int) -> ClassPredictions:
        """The same.

        Raises:
            LookupError: Nothing was recorded then; it says how to.
        """
        found = self.of(epoch)
        if found is not None:
            return found
        epochs = [each.epoch for each in self.classes]
        if epochs:
            msg = f"nothing was recorded of epoch {epoch}; there are {', '.join(map(str, epochs[:20]))}"
        else:
            msg = f"nothing was recorded: {self.why_not or HOW}"
        raise LookupError(msg)


def predictions(found: ClassPredictions) -> pd.DataFrame:
    """A row for each sample."""
    import pandas as pd

    name = np.array(found.names, dtype=object)
    made = pd.DataFrame({"probability_of_truth": found.of_truth})
    if found.kind != "labels":
        made.insert(0, "truth", name[found.truth])
        made.insert(1, "predicted", name[found.top[:, 0]])
    for i in range(found.top.shape[1]):
        made[f"top_{i + 1}"] = name[found.top[:, i]]
        made[f"probability_{i + 1}"] = found.probability[:, i]
    made.index = pd.Index(found.sample, name="sample")
    return made


def confusion(found: ClassPredictions) -> pd.DataFrame:
    """Rows are the truth, columns what the model said."""
    import pandas as pd

    names = list(found.names)
    made = pd.DataFrame(found.confusion(), index=pd.Index(names, name="truth"), columns=names)
    made.columns.name = "predicted"
    return made


def scores(found: ClassPredictions) -> pd.DataFrame:
    """A row for each class; ``attrs`` has the accuracy and the expected calibration error."""
    import pandas as pd

    made = pd.DataFrame(found.scores(), index=pd.Index(list(found.names), name="class"))
    calibration = found.calibration()
    made.attrs = {
        "accuracy": found.accuracy,
        "expected_calibration_error": None if calibration is None else calibration.error,
        "samples": found.samples,
        "left_out": found.left_out,
        "epoch": found.epoch,
    }
    return made

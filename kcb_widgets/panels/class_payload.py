"""What a board says of classes: a confusion matrix that can be read, scores, calibration, and the samples of a cell."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from ..record.class_predictions import ClassPredictions
from ..record.insights import Insights

if TYPE_CHECKING:
    from ..record import wire

MAX_MATRIX = 30  # classes in the matrix: those that were mistaken most often
MAX_SCORES = 200
MAX_SAMPLES = 50
WAITS = "The model is read at the end of each epoch while this is looked at: this epoch has not ended yet."


def reply(insights: Insights, over: bool, view: str, request: int, epoch: Any, cell: Any) -> wire.ClassesReply:
    """The answer to a page.

    Args:
        insights: What was seen.
        over: Whether the run is over.
        view: That asked.
        request: Its number.
        epoch: Which epoch was asked for; what is none of those that were read is the latest.
        cell: Which cell's samples were asked for.
    """
    every = insights.classes
    found = next((each for each in every if each.epoch == epoch), every[-1] if every else None)
    made: wire.ClassesReply = {
        "kind": "classes",
        "view": view,
        "request": request,
        "why": "" if found is not None else insights.why_not or (_never() if over else WAITS),
        "epochs": [each.epoch for each in every],
        "epoch": None,
        "accuracy": None,
        "from_samples": insights.samples,
        "left_out": 0,
        "cost": insights.seconds,
        "skipped": insights.skipped,
        "classes": 0,
        "shown": [],
        "names": [],
        "matrix": [],
        "scores": [],
        "calibration": None,
        "cell": None,
        "samples": [],
    }
    if found is not None:
        _describe(made, found)
        if (asked := _cell(cell, found)) is not None:
            made["cell"], made["samples"] = list(asked), _samples(found, *asked)
    return made


def _never() -> str:
    return "Nothing was read of classes in this run: Monitor(record=['classes']) reads them though nobody looks."


def _describe(made: wire.ClassesReply, found: ClassPredictions) -> None:
    shown = _most_mistaken(found)
    made["epoch"], made["accuracy"], made["left_out"] = found.epoch, _number(found.accuracy), found.left_out
    made["classes"], made["shown"] = len(found.names), shown.tolist()
    made["names"] = [found.names[i] for i in shown]
    if found.kind != "labels":
        made["matrix"] = found.confusion()[np.ix_(shown, shown)].tolist()
    parts = found.scores()
    made["scores"] = [
        {
            "name": found.names[i],
            "precision": _number(parts["precision"][i]),
            "recall": _number(parts["recall"][i]),
            "f1": _number(parts["f1"][i]),
            "support": float(parts["support"][i]),
        }
        for i in range(min(MAX_SCORES, len(found.names)))
    ]
    calibration = found.calibration()
    if calibration is not None:
        made["calibration"] = {
            "samples": calibration.samples.tolist(),
            "confidence": [_number(each) for each in calibration.confidence],
            "accuracy": [_number(each) for each in calibration.accuracy],
            "error": _number(calibration.error),
        }


def _most_mistaken(found: ClassPredictions) -> np.ndarray[Any, np.dtype[np.intp]]:
    """The classes of the matrix, in their own order."""
    if len(found.names) <= MAX_MATRIX:
        return np.arange(len(found.names))
    mistaken = found.counts[:, 1] + found.counts[:, 2]
    return np.sort(np.argsort(-mistaken, kind="stable")[:MAX_MATRIX])


def _cell(cell: Any, found: ClassPredictions) -> tuple[int, int] | None:
    if not isinstance(cell, list) or len(cell) != 2 or found.kind == "labels":
        return None
    if not all(isinstance(each, int) and 0 <= each < len(found.names) for each in cell):
        return None
    return cell[0], cell[1]


def _samples(found: ClassPredictions, truth: int, said: int) -> list[wire.ClassSample]:
    """The samples of a cell, those first of which the model was least sure of the truth."""
    rows = np.flatnonzero((found.truth == truth) & (found.top[:, 0] == said))
    rows = rows[np.argsort(found.of_truth[rows], kind="stable")][:MAX_SAMPLES]
    return [
        {
            "sample": int(found.sample[row]),
            "of_truth": float(found.of_truth[row]),
            "top": [found.names[i] for i in found.top[row]],
            "probability": [float(each) for each in found.probability[row]],
        }
        for row in rows
    ]


def _number(value: Any) -> float | None:
    return float(value) if math.isfinite(value) else None

"""Reads at the ends of epochs what the model says of some samples, where it tells classes apart."""

from __future__ import annotations

import logging
import time
from typing import Any

from ..record.class_predictions import ClassPredictions, predictions_of
from ..record.events import first_line
from ..record.record import Record
from ..steering.backends import sync_model
from ..steering.undisturbed import undisturbed
from .outputs import NoClasses, Reading, name_of, read
from .samples import NoSamples, Samples, from_validation

BUDGET = 0.05  # of the fit's time, that looking inside may take
BATCH = 256
KIND = 40  # letters by which what is told is known again

log = logging.getLogger(__name__)


class ClassReader:
    """Reads one fit's model, on the thread that trains it.

    It reads where somebody looks or where it was asked for, and as often as costs no more than a twentieth of the fit's
    time; at the end of the last epoch in any case. The first time may compile, and cost more.

    Args:
        run: The record.
        model: What trains.
        validation: What ``fit`` validates on; None where it does not, or that is not known.
        samples: What to read it with; None: the first of the validation data.
        class_names: Names of the classes; empty: their numbers.
        recorded: Whether it is read though nobody looks.
    """

    def __init__(
        self,
        run: Record,
        model: Any,
        validation: Any,
        samples: Samples | None,
        class_names: tuple[str, ...],
        recorded: bool,
    ) -> None:
        self._run, self._model, self._validation = run, model, validation
        self._samples, self._names, self._recorded = samples, class_names, recorded
        given = recorded or bool(class_names) or samples is not None
        run.insights.expected = given or "crossentropy" in name_of(getattr(model, "loss", None))
        self._told: set[str] = set()

    def epoch_ends(self, epoch: int) -> None:
        """An epoch is over, validation included, and the model is at rest."""
        run = self._run
        seen = run.insights
        if seen.why_not or not (self._recorded or seen.looked_at):
            return
        last = run.params.get("epochs") == epoch + 1
        if seen.classes and not last and seen.seconds > BUDGET * run.seconds:
            seen.skipped += 1
            return
        try:
            self._read(epoch)
        except (NoSamples, NoClasses) as why:
            self._give_up(str(why))
        except Exception as error:
            log.warning("The model could not be looked at", exc_info=True)
            self._give_up(f"the model could not be read with the samples: {first_line(error)}")

    def _give_up(self, why: str) -> None:
        """Say why nothing is seen, and look no more in this fit."""
        run = self._run
        run.insights.why_not = why
        if self._recorded:
            run.add_event("warning", "classes", message=why)

    def _read(self, epoch: int) -> None:
        run, began = self._run, time.perf_counter()
        samples = self._samples = self._samples or from_validation(self._validation)
        run.insights.samples = samples.said
        model = sync_model(self._model)
        with undisturbed(model):
            outputs = model.predict(samples.x, batch_size=min(BATCH, samples.count), verbose=0)
        found = read(outputs, samples.y, getattr(model, "loss", None), _last_activation(model))
        made: ClassPredictions = predictions_of(
            epoch, run.step, found.kind, self._names_of(found), found.truth, found.outputs,
            None if samples.weight is None else samples.weight.reshape(len(samples.weight), -1)[:, 0].astype(float),
            found.probabilities, time.perf_counter() - began,
        )  # fmt: skip
        run.insights.add(made)
        self._tell(found.disagreement)
        if made.left_out:
            self._tell(f"the outputs of {made.left_out} of {samples.count} samples are not finite: they are left out")

    def _names_of(self, found: Reading) -> tuple[str, ...]:
        size = found.outputs.shape[1]
        if self._names and len(self._names) != size:
            what = f"there are {len(self._names)} class_names, and the model has {size} classes"
            self._names = ()
            self._run.add_event("warning", "classes", message=f"{what}: they are numbered")
        return self._names or tuple(map(str, range(size)))

    def _tell(self, what: str) -> None:
        """Tell of what is wrong, once of each kind: its numbers are others in each epoch."""
        kind = "".join(letter for letter in what if not letter.isdigit())[:KIND]
        if what and kind not in self._told:
            self._told.add(kind)
            self._run.add_event("warning", "classes", message=what)


def _last_activation(model: Any) -> str:
    """The name of the last layer's activation, or of the layer where it is one itself; empty where it is not known."""
    layers = getattr(model, "layers", None) or []
    layer = layers[-1] if layers else None
    activation = getattr(layer, "activation", None)
    name = getattr(activation, "__name__", "") if activation is not None else type(layer).__name__
    return str(name).lower()

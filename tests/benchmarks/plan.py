"""What is measured, in which order. Imports no TensorFlow: the program that drives the kernel reads it too."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

MODELS = {"tiny": 0.0, "5 ms": 0.005, "50 ms": 0.050}  # seconds a step should take; 0: as little as there is
VARIANTS = {
    "none": "no callback",
    "noop": "no-op callback",
    "headless": "Monitor(display=False)",
    "live": "Monitor(), live board",
    "tensorboard-batch": 'TensorBoard("batch")',
    "tensorboard-epoch": 'TensorBoard("epoch")',
    "csv": "CSVLogger",
    "tqdm": "TqdmCallback",
    "livelossplot": "PlotLossesKeras",
}
HOOKED = ("noop", "headless", "live")


@dataclass(frozen=True)
class Job:
    """One fit: ``hooks`` times the callback's own hooks, otherwise nothing but the ends of epochs is touched."""

    kind: str  # "fit" or "hooks"
    model: str
    repeat: int
    variant: str


@dataclass(frozen=True)
class Settings:
    """How much is measured.

    Attributes:
        models: Names out of ``MODELS``, for the time in hooks.
        whole: Those of them for whole fits of all variants.
        repeats: How often each variant is measured.
        epoch: Seconds that the batches of one epoch take, about.
        epochs: Epochs that are measured in each fit, after one or more to warm up.
    """

    models: tuple[str, ...]
    whole: tuple[str, ...]
    repeats: int
    epoch: float
    epochs: int

    def jobs(self) -> list[Job]:
        """All fits in order: the variants take turns, so that a slow minute of the machine hits them all.

        Each repeat begins with another variant: nobody always comes after the same neighbour.
        """
        jobs = []
        for repeat, model in itertools.product(range(self.repeats), self.models):
            for kind, names in (("fit", list(VARIANTS) if model in self.whole else []), ("hooks", list(HOOKED))):
                turn = repeat % max(1, len(names))
                jobs += [Job(kind, model, repeat, name) for name in names[turn:] + names[:turn]]
        return jobs


FULL = Settings(tuple(MODELS), tuple(MODELS), repeats=4, epoch=0.25, epochs=4)
QUICK = Settings(("tiny", "5 ms"), ("tiny",), repeats=1, epoch=0.15, epochs=2)

"""The half that runs in the Jupyter kernel: one fit each time its cell is run."""

from __future__ import annotations

import dataclasses
import gc
import json
import threading
import time
from pathlib import Path
from typing import Any

import keras
import models
import numpy as np
from meters import Hooks, Meter
from plan import Job, Settings
from variants import Variant


class Bench:
    """Does the jobs one by one and writes each result as a line of JSON.

    Args:
        settings: What to measure.
        folder: Where logs and ``results.jsonl`` go.
    """

    def __init__(self, settings: Settings, folder: Path) -> None:
        models.one_thread()
        self._settings, self._folder = settings, folder
        self._jobs = iter(settings.jobs())
        self._subjects = {name: models.make(name) for name in settings.models}
        for name, subject in self._subjects.items():
            self._write({"kind": "model", "model": name, "ms": 1000 * subject.seconds, "batch": len(subject.batch[0])})

    def step(self) -> None:
        """Do the next job. Nothing of it may end the benchmark."""
        job = next(self._jobs)
        result: dict[str, Any] = dataclasses.asdict(job)
        try:
            result |= self._measure(job)
        except ImportError as error:
            result["missing"] = str(error)
        except Exception as error:
            result["failed"] = f"{type(error).__name__}: {error}".splitlines()[0]
        self._write(result)

    def _write(self, result: dict[str, Any]) -> None:
        with (self._folder / "results.jsonl").open("a") as file:
            file.write(json.dumps(result) + "\n")

    def _measure(self, job: Job) -> dict[str, Any]:
        subject, settings = self._subjects[job.model], self._settings
        variant = Variant(job.variant, self._folder)
        hooks = Hooks(variant.callbacks[0], variant.marks()) if job.kind == "hooks" else None
        seen: dict[str, Any] = {}

        def begin() -> None:
            if hooks is not None:
                hooks.clear()
            seen.update(pushes=variant.pushes, at=time.perf_counter())

        class Close(keras.callbacks.Callback):
            """Notes the count of pushes before the end of the fit adds its own."""

            def on_train_end(self, logs: Any = None) -> None:
                seen["seconds"] = time.perf_counter() - seen["at"]
                if variant.pushes is not None:
                    seen["pushes"] = variant.pushes - seen["pushes"]

        # Hooks are seen one by one: one long epoch, so that pictures are due in the middle of it.
        epoch, epochs, least = settings.epoch, settings.epochs, 5
        if hooks is not None:
            epoch, epochs, least = epoch * epochs, 1, 100
        meter = Meter(epochs, variant.ready, begin)
        keras.utils.set_random_seed(models.SEED)
        gc.collect()  # nobody pays for what the one before left
        callbacks = [Close(), meter.first, *variant.callbacks, meter.last]
        steps = max(least, round(epoch / subject.seconds))
        subject.model.fit(subject.data, epochs=1_000, steps_per_epoch=steps, verbose=0, callbacks=callbacks)
        result = {
            # The median epoch: others use the machine too, and a mean would tell of them.
            "wall_us": 1e6 * float(np.median(meter.wall)),
            "cpu_us": 1e6 * float(np.median(meter.cpu)),
            "epoch_ms": 1e3 * float(np.median(meter.between)),
            "all_wall_us": [1e6 * took for took in meter.wall],
            "all_cpu_us": [1e6 * took for took in meter.cpu],
            "begin_ms": 1e3 * meter.train_begin,
            "end_ms": 1e3 * meter.train_end,
            "batches": meter.batches,
            "seconds": seen["seconds"],
            "pushes": seen["pushes"],
            "threads": threading.active_count(),
            "complaints": variant.complaints(),
        }
        return result | ({} if hooks is None else {"hooks": _summary(hooks)})


def _summary(hooks: Hooks) -> dict[str, Any]:
    """Microseconds by what a hook did: how many calls, their sum, their median and the 99th percentile."""
    out = {}
    for name, spent in (*hooks.batch.items(), ("epoch", hooks.epoch)):
        us = 1e6 * np.array(spent)
        some = len(us) > 0
        out[name] = {
            "calls": len(us),
            "sum": float(us.sum()),
            "median": float(np.median(us)) if some else None,
            "p99": float(np.percentile(us, 99)) if some else None,
        }
    return out

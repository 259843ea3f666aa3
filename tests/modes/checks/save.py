"""Checks that a model saved in mid-training loads, predicts and trains on where this package is not installed."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import zipfile
from pathlib import Path

import keras
import numpy as np

from ..mode import current
from ..models import BATCH, branches, data, signed_prediction
from ..references import alike
from ..state import put, weights
from ..training import Watch, fit, steered


class _NoPackage:
    """An importer that has never heard of this package."""

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "kcb_widgets":
            raise ModuleNotFoundError(name)
        return None


@contextlib.contextmanager
def without_package():
    """As in a process where this package is not installed."""
    ours = {name: sys.modules.pop(name) for name in list(sys.modules) if name.partition(".")[0] == "kcb_widgets"}
    importer = _NoPackage()
    sys.meta_path.insert(0, importer)
    try:
        yield
    finally:
        sys.meta_path.remove(importer)
        sys.modules.update(ours)


def check_save():
    """A file saved in mid-training, with stand-ins installed, loads without the package, predicts and trains on."""

    def make():
        keras.utils.set_random_seed(5)
        schedule = keras.optimizers.schedules.InverseTimeDecay(0.1, 1, 0.25)
        return current().model(branches, lambda: keras.optimizers.Adam(schedule), signed_prediction)

    x, y = data(5)
    probe = np.linspace(-1, 1, 12).reshape(4, 3).astype("float32")
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder) / "model.keras")
        plan = {
            1: lambda m: m.set(beta_1=0.5, epsilon=0.01, learning_rate_factor=1.0),
            3: lambda m: m.save(path),
        }
        watch, _ = steered(make(), x, y, plan)
        for name in zipfile.ZipFile(path).namelist():
            content = zipfile.ZipFile(path).read(name)
            assert b"kcb_widgets" not in content, f"{name} names us"
            assert b"live_" not in content, f"{name} has something of ours"
        with without_package(), current().scope():
            loaded = keras.models.load_model(path, custom_objects={"signed_prediction": signed_prediction})
        put_back = make()
        put(put_back, watch.states[3])
        assert np.array_equal(loaded.predict(probe, verbose=0), put_back.predict(probe, verbose=0))
        rows = slice(3 * current().per * BATCH, 4 * current().per * BATCH)
        after = Watch()
        fit(loaded, x[rows], y[rows], after)
        alike([weights(s) for s in watch.states[3:5]], [weights(s) for s in after.states], "the loaded model")

"""Checks that a model which was steered in every way keeps nothing of ours when its fit is over."""

from __future__ import annotations

import gc
import re
import sys
import tempfile

import keras

import kcb_widgets as kcb

from ..controls import another
from ..mode import current
from ..models import data
from ..table import backend_of
from ..training import Watch, fit, granted

LEFT = {"epochs", "snapshots.each_epoch", "snapshots.keep", "last.trainable"}  # something must train
SPARE = {"_exclude_from_weight_decay_cache"}  # Keras makes it when there is weight decay


def _everything(schedule: bool):
    def layers():
        return [
            keras.Input((3,)),
            keras.layers.Dense(4, name="first", kernel_regularizer="l2"),
            keras.layers.BatchNormalization(name="normal"),
            keras.layers.Dropout(0.2, name="drop"),
            keras.layers.Dropout(0.0, name="nothing"),
            keras.layers.Dense(1, name="last"),
        ]

    rate = keras.optimizers.schedules.InverseTimeDecay(0.01, 1, 0.25) if schedule else 0.01
    made = (lambda: keras.optimizers.SGD(rate)) if schedule else (lambda: keras.optimizers.Adam(rate))
    return current().model(layers, made, "mse")


def _touch_everything(model) -> list[str]:
    x, y = data(3)
    asked: list[str] = []
    monitor = kcb.Monitor()

    def ask():
        clips = 0
        for control in monitor.run.controls:
            clip = "clip" in control["name"]
            name = control["name"]
            if not control["enabled"] or name in LEFT or (clip and clips):
                continue
            clips += clip
            asked.append(name)
            replies.append(monitor.set({name: another(control)}))

    replies: list = []
    watch = Watch({1: ask, 3: lambda: [monitor.snapshot(), monitor.evaluate(), monitor.rollback()]})
    fit(model, x, y, monitor, watch, epochs=2, validation_data=(x, y))
    fit(model, x, y, monitor, Watch({1: lambda: monitor.stop(validate=False)}), epochs=2, validation_data=(x, y))
    granted(monitor, *replies)
    return asked


def _reach(*roots: object) -> list[object]:
    """What can be reached from objects, through attributes, containers and closures, but not through modules."""
    seen: dict[int, object] = {}
    waiting = list(roots)
    modules = {id(vars(module)) for module in list(sys.modules.values()) if hasattr(module, "__dict__")}
    while waiting:
        one = waiting.pop()
        if id(one) in seen or id(one) in modules or isinstance(one, (type, type(sys))):
            continue
        seen[id(one)] = one
        waiting += gc.get_referents(one)
    return list(seen.values())


def _is_ours(thing: object) -> bool:
    module = getattr(type(thing), "__module__", "") or ""
    made_in = getattr(thing, "__module__", "") if callable(thing) else ""
    return str(module).startswith("kcb_widgets") or str(made_in or "").startswith("kcb_widgets")


def check_nothing_is_left():
    for schedule in (False, True):
        model, twin = _everything(schedule), _everything(schedule)
        x, y = data(3)
        asked = _touch_everything(model)
        assert len(asked) >= 10, asked
        fit(twin, x, y, epochs=2, validation_data=(x, y))
        fit(model, x, y, validation_data=(x, y))  # without Monitor, on the step that it left
        pairs = [(model, twin), (model.optimizer, twin.optimizer), *zip(model.layers, twin.layers, strict=True)]
        while getattr(pairs[1][0], "inner_optimizer", None) is not None:
            pairs.insert(1, (pairs[1][0].inner_optimizer, pairs[1][1].inner_optimizer))
        for one, other in pairs:
            added = vars(one).keys() ^ vars(other).keys() if one.name != "nothing" else set()
            assert not added - SPARE, f"{type(one).__name__} has {added}"
            assert one.get_config().keys() == other.get_config().keys()
            strange = [key for key, value in one.get_config().items() if "Variable" in type(value).__name__]
            assert not strange, strange
        paths = [v.path.split("/", 1)[-1] for v in model.optimizer.variables]
        assert not [path for path in paths if "live" in path], paths
        left = [thing for thing in _reach(model, model.train_function) if _is_ours(thing)]
        assert not left, f"{left[0]!r} of {len(left)}"
        if backend_of(current().name) == "tensorflow":
            checkpoint_everything(model, twin)
    gc.collect()
    alive = {type(thing).__name__ for thing in gc.get_objects()} & {"LiveScalar", "LiveSchedule"}
    assert not alive, f"{alive} are still in memory"


def checkpoint_everything(model, twin) -> None:
    """TensorFlow's own checkpoints have what they have of a model that was never steered, and no more."""
    import tensorflow as tf

    contents = []
    with tempfile.TemporaryDirectory() as folder:
        for one in (model, twin):
            path = tf.train.Checkpoint(optimizer=one.optimizer).save(f"{folder}/{len(contents)}/it")
            contents.append({name for name, _ in tf.train.list_variables(path)})
    extra = {name for name in contents[0] - contents[1] if "momentum" not in name}  # which has been switched on
    assert not [name for name in extra if "live" in name or not re.search(r"/_variables/\d+/", name)], extra

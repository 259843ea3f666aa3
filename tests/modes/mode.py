"""Says how models are made and compiled in each mode, and keeps the one mode that this process runs."""

from __future__ import annotations

import contextlib

import keras

from .table import backend_of

HOW = {
    "jit": {"jit_compile": True},
    "eager": {"run_eagerly": True},
    "steps": {"steps_per_execution": 2},
    "jax-eager": {"run_eagerly": True},
    "torch-jit": {"jit_compile": True},
}


class Mode:
    """How models are made and compiled here."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.how = HOW.get(name, {})
        self.per = int(self.how.get("steps_per_execution", 1))
        self.strategy = None
        if backend_of(name) == "tensorflow":
            import tensorflow as tf

            # With several threads TensorFlow rounds differently from fit to fit, with or without Monitor.
            tf.config.threading.set_inter_op_parallelism_threads(1)
            tf.config.threading.set_intra_op_parallelism_threads(1)
        if name == "mixed":
            keras.mixed_precision.set_global_policy("mixed_float16")
        if name == "mirrored":
            cpu = tf.config.list_physical_devices("CPU")[0]
            tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
            self.strategy = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

    def scope(self):
        """Where models are made."""
        return self.strategy.scope() if self.strategy else contextlib.nullcontext()

    def model(self, layers, optimizer, loss, **compile_args):
        """A compiled and built model; its layers (or itself) and its optimizer are made here, by functions."""
        with self.scope():
            made = layers()
            model = keras.Sequential(made, name="model") if isinstance(made, list) else made
            model.compile(optimizer(), loss=loss, **self.how, **compile_args)
            model.optimizer.build(model.trainable_variables)
        return model


_current: Mode


def begin(name: str) -> None:
    """Settle this process's mode; call it once, before any model is made."""
    global _current
    _current = Mode(name)


def current() -> Mode:
    """The mode that this process runs."""
    return _current

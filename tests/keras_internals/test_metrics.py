"""The metrics that `compile` was given are found under the names that Keras logs."""

from __future__ import annotations

import keras
import numpy as np

from kcb_widgets.keras_internals import metrics


def compiled(model):
    return next(metric for metric in model.metrics if metrics.are_compiled(metric))


def test_each_has_the_name_that_is_logged():
    data = keras.Input((1,))
    model = keras.Model(data, [keras.layers.Dense(1, name=name)(data) for name in ("a", "b")])
    model.compile("sgd", ["mse", "mse"], metrics=[["mae", "mae"], ["mse"]], weighted_metrics=[["mae"], []])
    ones = np.ones((4, 1), "float32")
    logs = model.fit(ones, [ones, ones], verbose=0).history
    found = {name: origin for name, _, origin in metrics.compiled(compiled(model))}
    assert set(found) <= set(logs)
    assert set(found.values()) == {"metrics", "weighted"}
    assert {name for name in logs if "loss" not in name} == set(found)


def test_metrics_of_the_loss_are_none_of_these():
    assert not metrics.are_compiled(keras.metrics.Mean())


def test_the_function_of_a_metric_is_found():
    function, arguments = metrics.wrapped_function(keras.metrics.BinaryAccuracy(threshold=0.25))
    assert callable(function)
    assert arguments["threshold"] == 0.25
    assert metrics.wrapped_function(keras.metrics.Mean()) == (None, {})

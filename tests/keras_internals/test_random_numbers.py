"""The random numbers that Keras draws where a layer gives no seed."""

from __future__ import annotations

import keras
import numpy as np

from kcb_widgets.keras_internals.random_numbers import shared_seeds


def state():
    return [np.array(keras.ops.convert_to_numpy(one)) for one in shared_seeds()]


def test_their_state_changes_as_they_are_drawn():
    keras.random.uniform(())
    before = state()
    keras.random.uniform(())
    assert len(before) == 1
    assert (state()[0] != before[0]).any()


def test_in_another_keras_there_is_none(monkeypatch):
    from keras.src.backend.common import global_state

    monkeypatch.delattr(global_state, "get_global_attribute")
    assert shared_seeds() == []

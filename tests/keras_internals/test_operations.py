"""Whether a function is one of Keras's operations."""

from __future__ import annotations

import keras
import numpy as np

from kcb_widgets.keras_internals.operations import OPERATIONS, is_operation


def test_operations_are_told_from_other_functions():
    assert is_operation(keras.ops.cos)
    assert keras.ops.cos.__module__.startswith(OPERATIONS)
    assert not is_operation(np.cos)
    assert not is_operation(keras.optimizers.SGD)

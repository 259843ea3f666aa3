"""The random numbers that Keras draws where a layer gives no seed."""

from __future__ import annotations

import random
import threading

import keras
import numpy as np
import pytest
from keras.src.utils import rng_utils

from kcb_widgets.keras_internals.random_numbers import seed_that_was_set, shared_seeds, shared_seeds_as_before


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


def test_random_numbers_that_were_begun_meanwhile_begin_again():
    from keras.src.backend.common import global_state

    def first(before):
        keras.utils.set_random_seed(3)
        global_state.set_global_attribute("global_seed_generator", None)
        with shared_seeds_as_before():
            before()
        return [float(keras.random.uniform(())), float(keras.random.uniform(())), random.random()]

    plain = first(lambda: None)
    assert first(lambda: [keras.random.uniform(()) for _ in range(3)]) == plain


def test_random_numbers_that_were_there_before_stay():
    keras.random.uniform(())
    (there,) = shared_seeds()
    with shared_seeds_as_before():
        keras.random.uniform(())
    assert shared_seeds()[0] is there


@pytest.mark.skipif(not hasattr(rng_utils, "GLOBAL_RANDOM_SEED"), reason="this Keras does not keep it")
def test_the_seed_that_was_set_is_known_on_its_thread_only():
    keras.utils.set_random_seed(1234)
    keras.random.uniform(())
    seen = []
    thread = threading.Thread(target=lambda: seen.append(seed_that_was_set()))
    thread.start()
    thread.join()
    assert (seed_that_was_set(), seen) == (1234, [None])


def test_in_another_keras_no_seed_is_known(monkeypatch):
    from keras.src.backend.common import global_state

    monkeypatch.delattr(global_state, "get_global_attribute")
    assert seed_that_was_set() is None

"""An optimizer's slots are found, built again and copied."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kcb_widgets.keras_internals import optimizer_slots
from kcb_widgets.keras_internals.optimizers import track


@pytest.fixture
def weights():
    return [keras.Variable(np.ones((2,), "float32")), keras.Variable(np.ones((3,), "float32"))]


def test_slots_are_lists_with_one_variable_per_weight(weights):
    optimizer = keras.optimizers.Adam(use_ema=True)
    optimizer.build(weights)
    slots = optimizer_slots.slots_of(vars(optimizer), 2)
    assert set(slots) == {"_momentums", "_velocities", optimizer_slots.AVERAGES}
    assert [slot.shape for slot in slots["_momentums"]] == [(2,), (3,)]


def test_it_is_built_again_for_other_weights_and_put_back(weights):
    optimizer = keras.optimizers.SGD(0.1, momentum=0.9)
    optimizer.build(weights)
    before, variables = dict(vars(optimizer)), list(optimizer.variables)
    optimizer_slots.build_again(optimizer, weights[:1])
    assert len(optimizer.momentums) == 1
    optimizer.added = 1
    optimizer_slots.restore_attributes(optimizer, before)
    track(optimizer, variables)
    assert len(optimizer.momentums) == 2
    assert not hasattr(optimizer, "added")
    assert [id(one) for one in optimizer.variables] == [id(one) for one in variables]


@pytest.mark.parametrize("scaled", [False, True])
def test_building_a_copy_writes_to_nothing_of_the_originals(weights, scaled):
    optimizer = keras.optimizers.Adam(0.1)
    outer = keras.optimizers.LossScaleOptimizer(optimizer) if scaled else optimizer
    outer.build(weights)
    before = [id(one) for one in outer.variables]
    copy = optimizer_slots.twin(outer)
    assert not copy.built
    copy.build(weights)
    assert [id(one) for one in outer.variables] == before
    inner = copy.inner_optimizer if scaled else copy
    assert inner is not optimizer
    assert len(optimizer_slots.slots_of(vars(inner), 2)) == 2


def test_what_is_no_optimizer_of_keras_is_told():
    class Several:
        optimizers = ()

    assert optimizer_slots.is_known(keras.optimizers.SGD())
    assert not optimizer_slots.is_known(Several())
    with pytest.raises(optimizer_slots.Unknown, match="Several is made of several optimizers"):
        optimizer_slots.twin(Several())
    with pytest.raises(optimizer_slots.Unknown, match="is not built as Keras's optimizers are"):
        optimizer_slots.twin(type("Own", (), {})())

"""What Keras's optimizers hold privately is found, and their variables are tracked as Keras would."""

from __future__ import annotations

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from kcb_widgets.keras_internals import optimizers


@pytest.fixture
def built():
    """A function that builds an optimizer for one weight, and gives both."""

    def build(optimizer):
        weight = keras.Variable(np.ones((2, 3), "float32"))
        optimizer.build([weight])
        return optimizer, weight

    return build


def same(ones, others):
    return [id(one) for one in ones] == [id(other) for other in others]


def test_a_learning_rate_is_found_as_it_is_held(built):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)
    assert float(keras.ops.convert_to_numpy(optimizers.learning_rate_of(keras.optimizers.SGD(0.25)))) == 0.25
    assert optimizers.learning_rate_of(keras.optimizers.SGD(schedule)) is schedule
    assert optimizers.learning_rate_of(object()) is None


def test_the_iterations_count_what_accumulates_too(built):
    optimizer, weight = built(keras.optimizers.SGD(0.1, gradient_accumulation_steps=4))
    optimizer.apply([keras.ops.ones((2, 3))], [weight])
    assert int(keras.ops.convert_to_numpy(optimizers.iterations_of(optimizer))) == 1
    assert int(keras.ops.convert_to_numpy(optimizer.iterations)) == 0


def test_its_own_variables_are_without_those_of_optimizers_in_it(built):
    inner = keras.optimizers.SGD(0.1, momentum=0.9)
    outer, _ = built(keras.optimizers.LossScaleOptimizer(inner))
    assert not {id(one) for one in optimizers.own_variables(outer)} & {id(one) for one in inner.variables}
    assert same(optimizers.own_variables(inner), inner.variables)
    foreign = SimpleNamespace(variables=[1, 2])
    assert optimizers.own_variables(foreign) == [1, 2]


def test_the_weights_are_known_that_it_was_built_for(built):
    optimizer, weight = built(keras.optimizers.Adam())
    assert same(optimizers.trained_weights(optimizer), [weight])
    assert optimizers.trained_weights(object()) == []


def test_without_a_strategy_variables_belong_nowhere_in_particular():
    with optimizers.scope(keras.optimizers.SGD()), optimizers.scope(None):
        pass


def test_variables_are_tracked_and_forgotten(built):
    optimizer, _ = built(keras.optimizers.SGD(0.1))
    before, more = list(optimizer.variables), keras.Variable(1.0, trainable=False)
    optimizers.track_also(optimizer, more)
    assert same(optimizer.variables, [*before, more])
    optimizers.untrack(optimizer, more)
    assert same(optimizer.variables, before)
    optimizers.track(optimizer, list(reversed(before)))
    assert same(optimizer.variables, reversed(before))
    optimizer.held = keras.Variable(1.0, trainable=False)  # Keras's own tracking goes on
    assert optimizer.variables[-1] is optimizer.held
    optimizers.forget_dependency(optimizer, "held")
    optimizers.forget_dependency(object(), "held")


@pytest.mark.parametrize("make", [keras.optimizers.SGD, keras.optimizers.RMSprop])
def test_momentum_is_made_and_forgotten(built, make):
    optimizer, weight = built(make(0.1, momentum=0.0))
    before = list(optimizer.variables)
    assert optimizers.has_no_momentum_slots(optimizer)
    optimizers.make_momentum(optimizer)
    assert not optimizers.has_no_momentum_slots(optimizer)
    assert optimizer.variables[-1].shape == weight.shape
    optimizers.forget_momentum(optimizer)
    assert optimizers.has_no_momentum_slots(optimizer)
    assert same(optimizer.variables, before)


def test_other_optimizers_have_no_such_slots(built):
    assert not optimizers.has_no_momentum_slots(built(keras.optimizers.Adagrad())[0])

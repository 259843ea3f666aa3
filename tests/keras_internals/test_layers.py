"""What Keras's layers hold privately is found and set."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kcb_widgets.keras_internals import layers


@pytest.fixture
def nested():
    inner = keras.Sequential([keras.Input((1,)), keras.layers.Dense(2, name="a"), keras.layers.Dense(3, name="b")])
    return keras.Sequential([keras.Input((1,)), inner, keras.layers.Dense(1, name="c")])


def test_layers_within_a_model_are_found(nested):
    inner, last = nested.layers
    assert {layer.name for layer in layers.within(nested)} >= {nested.name, inner.name, "a", "b", "c"}
    assert layers.layers_of(nested) == layers.within(nested)
    assert layers.layers_of(object()) == []
    assert {id(inner), id(last)} <= {id(layer) for layer in layers.children(nested)}
    assert not {"a", "b"} & {layer.name for layer in layers.children(nested)}


def test_a_layers_own_weights_are_found_also_where_it_is_frozen(nested):
    nested.trainable = False
    assert len(layers.own_weights(nested.layers[-1])) == 2
    assert layers.own_weights(nested) == []


def test_a_flag_is_set_for_a_layer_and_nothing_in_it(nested):
    nested.trainable = False
    layers.set_own_trainable(nested, True)
    assert nested.trainable
    assert not nested.layers[-1].trainable


@pytest.mark.parametrize("built", [False, True])
def test_a_layer_is_unlocked_meanwhile(built):
    layer = keras.layers.Dropout(0.0)
    if built:
        layer.build((None, 1))
    with layers.unlocked(layer):
        layer.seed_generator = keras.random.SeedGenerator(1)
    assert layers.seed_generators(layer) == [layer.seed_generator]
    if built:
        with pytest.raises(ValueError, match="cannot add new elements"):
            layer.other = keras.Variable(1.0)


def test_what_draws_nothing_has_no_seeds():
    assert layers.seed_generators(keras.layers.Dense(1)) == []
    assert layers.seed_generators(object()) == []


@pytest.mark.parametrize(
    "layer",
    [lambda: keras.layers.MultiHeadAttention(2, 2, dropout=0.25), lambda: keras.layers.GroupQueryAttention(2, 2, 1)],
)
def test_the_dropout_of_attention_is_set_in_both_places(layer):
    layer = layer()
    layer(np.ones((1, 2, 4), "float32"), np.ones((1, 2, 4), "float32"))
    layers.set_attention_dropout(layer, 0.5)
    for place in layers.attention_dropout_places(layer):
        held = layer
        for name in place.split("."):
            held = getattr(held, name)
        assert held == 0.5
    assert layers.attention_dropout_layer(layer).rate == 0.5
    assert layer.get_config()["dropout"] == 0.5
    assert not layers.uses_flash_attention(layer)

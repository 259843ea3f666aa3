"""What Keras's models hold privately is found, and `fit` skips its validation where it is asked to."""

from __future__ import annotations

import keras
import pytest

from kcb_widgets.keras_internals import models

JAX = keras.backend.backend() == "jax"


class Look(keras.callbacks.Callback):
    """Looks at the model's state as a batch ends; before `Callback.model` has brought it home."""

    def on_train_batch_end(self, batch, logs=None):
        model = self._model
        inside = models.state_in_fit(model)
        self.model.jax_state_sync()
        self.seen = set(inside), models.state_in_fit(model), models.state_is_home(model)


@pytest.mark.skipif(not JAX, reason="only JAX has such a state")
def test_the_state_of_jax_is_in_fit_until_it_is_brought_home(unit_model, ones):
    look = Look()
    unit_model().fit(*ones, verbose=0, callbacks=[look])
    kinds = {"trainable_variables", "non_trainable_variables", "optimizer_variables", "metrics_variables"}
    assert look.seen == (kinds, None, True)


def test_a_state_is_given_to_fit_and_found_there():
    class Model:
        jax_state_sync, _jax_state_synced = None, False

    model = Model()
    models.set_state_in_fit(model, {"metrics_variables": []})
    assert models.state_in_fit(model) == {"metrics_variables": []}
    assert not models.state_is_home(model)


def test_what_has_no_such_state_is_not_asked_for_it():
    assert models.state_in_fit(object()) is None
    assert not models.state_is_home(object())


def test_an_inference_that_fails_leaves_what_can_be_put_back(unit_model, ones):
    model = unit_model()
    before = [(variable, variable.value) for variable in model.variables]
    with pytest.raises(ValueError, match="incompatible"):
        model.predict(ones[0].repeat(7, axis=1), verbose=0)
    assert any(models.is_empty(variable) for variable in model.variables) == JAX
    for variable, value in before:
        if models.is_empty(variable):
            variable.assign(value)
    models.say_state_is_home(model)
    assert models.state_is_home(model) == JAX
    model.fit(*ones, verbose=0)
    models.say_state_is_home(object())
    assert not models.is_empty(object())


def test_validation_is_skipped_until_it_is_not(unit_model, ones):
    model = unit_model()

    def fit():
        return set(model.fit(*ones, validation_data=ones, verbose=0).history)

    models.skip_validation(model)
    assert fit() == {"loss"}
    models.validate_again(model)
    models.validate_again(model)
    assert fit() == {"loss", "val_loss"}


def test_the_data_of_a_validation_is_found_while_it_runs(unit_model, ones):
    seen = []

    class Validates(keras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            seen.append(models.validation_data_of(self.model))

    model = unit_model()
    model.fit(*ones, validation_data=ones, verbose=0, callbacks=[Validates()])
    assert hasattr(seen[0], "data_adapter")
    assert models.validation_data_of(object()) is None


def test_the_epoch_that_a_backup_goes_on_with_is_found(unit_model, ones, tmp_path):
    model = unit_model()

    class Dies(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            if epoch == 1:
                raise RuntimeError

    def backup():
        return keras.callbacks.BackupAndRestore(tmp_path)

    with pytest.raises(RuntimeError):
        model.fit(*ones, verbose=0, epochs=2, callbacks=[backup(), Dies()])
    model.fit(*ones, verbose=0, epochs=2, callbacks=[backup()])
    assert models.initial_epoch_of(model) == 1
    assert models.initial_epoch_of(object()) is None


def test_the_metrics_of_the_loss_are_found():
    data = keras.Input((1,))
    model = keras.Model(data, {name: keras.layers.Dense(1, name=name)(data) for name in ("a", "b")})
    model.compile("sgd", {"a": "mse", "b": "mae"})
    model.fit(keras.ops.ones((2, 1)), {name: keras.ops.ones((2, 1)) for name in ("a", "b")}, verbose=0)
    assert models.loss_tracker_of(model).name == "loss"
    assert {metric.name for metric in models.loss_metrics_of(model)} == {"a_loss", "b_loss"}
    assert models.loss_tracker_of(object()) is None
    assert models.loss_metrics_of(object()) == []


def test_what_compile_was_given_is_found(unit_model):
    model = unit_model(metrics=["mae"], loss_weights=0.5)
    assert models.compiled_with(model)["metrics"] == ["mae"]
    assert models.compiled_with(model)["loss_weights"] == 0.5
    assert models.compiled_with(keras.Sequential()) == {}
    assert models.compiled_with(object()) == {}


def test_keras_does_not_warn_of_flags_that_were_accepted(unit_model, ones):
    """Here warnings are errors."""
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    model.layers[0].trainable = False
    models.accept_trainable_flags(model)
    model.fit(*ones, verbose=0)
    models.accept_trainable_flags(object())


def test_the_methods_of_a_training_step_are_there():
    backend = {"tensorflow": "_make_function", "jax": "_update_metrics_variables"}
    expected = {"train_step", "compute_metrics", "get_metrics_result", "make_train_function"}
    there = {name for name in models.TRAINING_STEP if hasattr(keras.Model, name)}
    assert there >= expected | {backend.get(keras.backend.backend(), "train_step")}

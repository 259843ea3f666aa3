"""What Keras's own callbacks hold privately is found; elsewhere there is nothing of it."""

from __future__ import annotations

import os

import keras

from kcb_widgets.keras_internals import callbacks


def test_the_file_of_a_checkpoint_is_known_before_it_is_written(unit_model, tmp_path):
    checkpoint = keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}-{loss:.1f}.keras"))
    checkpoint.set_model(unit_model())
    assert callbacks.checkpoint_path(checkpoint, 1, None, {"loss": 0.5}) == str(tmp_path / "2-0.5.keras")
    for name in callbacks.save_methods_of_checkpoint(checkpoint):
        assert callable(getattr(checkpoint, name))
    assert callbacks.save_methods_of_checkpoint(object()) == []


def test_the_file_of_a_backup_is_known(unit_model, ones, tmp_path):
    backup = keras.callbacks.BackupAndRestore(str(tmp_path), delete_checkpoint=False)
    for name in callbacks.save_methods_of_backup(backup):
        assert callable(getattr(backup, name))
    unit_model().fit(*ones, verbose=0, callbacks=[backup])
    assert os.path.exists(callbacks.backup_path(backup))
    assert callbacks.save_methods_of_backup(object()) == []


def test_whether_averages_are_in_the_model_is_known(unit_model, ones):
    seen = []

    class Look(keras.callbacks.Callback):
        def on_test_begin(self, logs=None):
            seen.append(callbacks.averages_are_in_model(swap))

    swap, model = keras.callbacks.SwapEMAWeights(), unit_model(keras.optimizers.SGD(0.5, use_ema=True))
    model.fit(*ones, validation_data=ones, verbose=0, callbacks=[swap, Look()])
    assert seen == [True]
    assert not callbacks.averages_are_in_model(swap)
    assert not callbacks.averages_are_in_model(object())

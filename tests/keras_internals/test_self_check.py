"""What another Keras lacks is said, and what no longer works without it."""

from __future__ import annotations

import keras

from kcb_widgets import _doctor
from kcb_widgets.keras_internals import self_check


def test_this_keras_has_all_that_is_relied_on():
    assert self_check.missing() == []


def test_what_is_missing_is_said_and_so_is_what_is_lost(monkeypatch):
    monkeypatch.delattr(keras.callbacks.ModelCheckpoint, "_get_file_path")
    monkeypatch.setattr(self_check, "epoch_loop", lambda code: None)
    monkeypatch.setattr(self_check, "can_tell_ends", lambda: False)
    found = self_check.missing()
    assert [sentence.partition(": ")[2] for sentence in found] == [
        "files of checkpoints are not listed",
        "it cannot be made longer",
        "a fit that dies is noticed late",
    ]
    assert f"ModelCheckpoint of Keras {keras.__version__} has no _get_file_path" in found[0]


def test_doctor_tells_of_it(monkeypatch):
    told = []
    assert _doctor._internals(told.append) == ""
    assert told == []
    monkeypatch.setattr("kcb_widgets.keras_internals.self_check.missing", lambda: ["one thing", "another"])
    _doctor._internals(told.append)
    assert told == ["one thing", "another"]

"""The list that calls a hook is found on the stack; what stands in it twice is called once."""

from __future__ import annotations

from types import SimpleNamespace

import keras

from kcb_widgets.keras_internals import callback_lists
from kcb_widgets.keras_internals.frames import current


class Look(keras.callbacks.Callback):
    """Notes which list calls it, and which model it was given."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def on_train_begin(self, logs=None):
        frame = current()
        owner = callback_lists.calling_list(self, frame)
        self.seen.append((owner, callback_lists.is_calling(owner, frame), callback_lists.model_of_callback(self)))


def test_the_list_of_a_fit_and_its_model_are_found(unit_model, ones):
    look, model = Look(), unit_model()
    model.fit(*ones, verbose=0, callbacks=[look])
    ((owner, calling, given),) = look.seen
    assert type(owner).__name__ == "CallbackList"
    assert calling
    assert given is model
    assert callback_lists.model_of_list(owner) is model
    assert not callback_lists.is_calling(owner, current())


def test_a_hook_that_is_called_by_hand_has_no_list(unit_model):
    look = Look()
    look.set_model(unit_model())
    look.on_train_begin()
    assert look.seen[0][0] is None


def test_what_is_no_list_of_keras_has_no_model():
    assert callback_lists.model_of_list(None) is None
    assert callback_lists.model_of_list(SimpleNamespace(callbacks=[])) is None


def test_repeats_are_removed():
    one, other = object(), object()
    owner = SimpleNamespace(callbacks=[one, other, one, one])
    assert callback_lists.remove_repeats(owner, one) == 2
    assert owner.callbacks == [one, other]
    assert callback_lists.remove_repeats(None, one) == 0

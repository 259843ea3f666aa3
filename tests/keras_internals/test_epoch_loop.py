"""The loop over epochs is found in Keras's ``fit``, and a running call is sent back to such a loop."""

from __future__ import annotations

import sys
import warnings

import keras
import pytest

from kcb_widgets.keras_internals.epoch_loop import epoch_loop, jump, send_back
from kcb_widgets.keras_internals.frames import current


def loop(initial_epoch, epochs, at_end):
    seen = []
    for epoch in range(initial_epoch, epochs):
        seen.append(epoch)
        at_end(epoch)
    return seen


def test_the_loop_of_this_keras_is_found():
    assert epoch_loop(keras.Model.fit.__wrapped__.__code__) is not None


@pytest.mark.parametrize("code", [current.__code__, compile("1", "<no file>", "eval"), None])
def test_where_there_is_no_such_loop_none_is_found(code):
    assert epoch_loop(code) is None


def test_a_call_is_sent_back_once():
    sent, before = [], sys.gettrace()

    def at_end(epoch):
        if epoch == 1:
            variables = {"initial_epoch": 2, "epochs": 4}
            send_back(current(1), epoch_loop(loop.__code__), variables, lambda: sent.append(epoch), sent.append)

    assert loop(0, 2, at_end) == [0, 1, 2, 3]
    assert sent == [1]
    assert sys.gettrace() is before


def test_where_python_refuses_the_call_goes_on_as_it_would_have():
    failed, before = [], sys.gettrace()

    def at_end(epoch):
        send_back(current(1), 10**6, {}, lambda: failed.append("sent"), failed.append)

    assert loop(0, 1, at_end) == [0]
    assert [type(error) for error in failed] == [ValueError]
    assert sys.gettrace() is before


def test_a_jump_where_python_warns_of_variables_without_a_value():
    """Python >= 3.12 does so whenever a frame is sent to another line; here warnings are errors."""

    class Frame:
        @property
        def f_lineno(self):
            return self.line

        @f_lineno.setter
        def f_lineno(self, line):
            warnings.warn("assigning None to 2 unbound locals", RuntimeWarning, stacklevel=2)
            self.line = line

    frame = Frame()
    jump(frame, 7)
    assert frame.line == 7

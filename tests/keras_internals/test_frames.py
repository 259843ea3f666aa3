"""Frames: the call of ``fit`` is found and known again, and it is seen whether it still runs."""

from __future__ import annotations

import contextlib
import sys
import threading

import pytest
from keras.src.utils.traceback_utils import filter_traceback

from kcb_widgets.keras_internals import frames


@pytest.mark.parametrize("traced", [False, True])
@pytest.mark.parametrize("ends", ["returns", "raises"])
def test_a_call_is_seen_to_run_and_to_be_over(ends, traced):
    held, runs, free = [], threading.Event(), threading.Event()

    def call():
        held.append(sys._getframe())
        runs.set()
        assert free.wait(20)
        if ends == "raises":
            raise ValueError

    def work():
        if traced:  # as under a debugger
            sys.settrace(lambda *event: lambda *event: None)
        with contextlib.suppress(ValueError):
            call()

    thread = threading.Thread(target=work)
    thread.start()
    assert runs.wait(20)
    assert frames.executing(held[0])
    free.set()
    thread.join(20)
    assert not frames.executing(held[0])


def test_this_python_shows_whether_a_call_has_ended():
    frames.can_tell_ends.cache_clear()
    assert frames.can_tell_ends()


def test_where_python_does_not_show_it_a_call_counts_as_running(monkeypatch, caplog):
    monkeypatch.setattr(frames.gc, "get_referents", lambda frame: [frame.f_code])
    frames.can_tell_ends.cache_clear()
    try:
        assert frames.executing(frames.current())
        assert "fits that die are not noticed" in caplog.text
    finally:
        frames.can_tell_ends.cache_clear()


def test_the_current_frame_is_the_callers():
    def inner():
        return frames.current(1)

    assert frames.current() is sys._getframe()
    assert inner() is sys._getframe()


def test_fit_is_found_from_inside_and_so_is_what_wraps_it():
    @filter_traceback
    def fit(one, two=2):
        frame = frames.fit_frame(frames.current())
        return frames.first_argument(frame), dict(frames.variables(frame)), frames.lightest(frame).f_code.co_name

    first, names, holder = fit(1)
    assert (first, names["two"], holder) == (1, 2, "error_handler")
    assert frames.fit_frame(frames.current()) is None
    assert frames.variables(None) == {}


def test_a_call_is_known_again_while_it_runs_only():
    def call():
        known = frames.Call(frames.current())
        assert known.find() is frames.current()
        return known

    known = call()
    assert known.code is call.__code__
    assert known.find() is None


def test_a_variable_is_read_from_calls_of_some_functions_up_to_another():
    def outermost(card):
        return outer(card + 1)

    def outer(card):
        return inner(card + 1)

    def inner(card):
        codes = frozenset({outermost.__code__, inner.__code__})
        return [list(frames.locals_named("card", frames.current(), codes, end)) for end in (None, outer.__code__)]

    assert outermost(1) == [[3, 1], [3]]

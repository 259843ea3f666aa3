"""Threads, locks and exceptions of which Python tells under private names."""

from __future__ import annotations

import _thread
import os
import threading
import warnings

import pytest

from kcb_widgets.keras_internals import interpreter


def test_a_thread_that_python_did_not_start_is_seen_to_run_and_to_end():
    here, go = threading.Event(), threading.Event()
    seen = []

    def work():
        seen.append((threading.current_thread(), threading.get_ident()))
        here.set()
        go.wait(20)

    _thread.start_new_thread(work, ())
    assert here.wait(20)
    assert type(seen[0][0]).__name__ == "_DummyThread"
    assert interpreter.running(*seen[0])
    go.set()
    for _ in range(2000):
        if not interpreter.running(*seen[0]):
            break
        threading.Event().wait(0.01)
    assert not interpreter.running(*seen[0])


def test_a_thread_of_pythons_is_asked_itself():
    thread = threading.Thread(target=lambda: None)
    assert not interpreter.running(thread, 0)
    assert interpreter.running(threading.current_thread(), threading.get_ident())


def test_the_exception_that_is_handled_is_seen():
    assert interpreter.handled(threading.get_ident()) is None
    seen, error = [], ValueError("so")
    try:
        raise error
    except ValueError:
        seen.append(interpreter.handled(threading.get_ident()))
    assert seen == [error]


def test_threads_run_at_once_where_python_says_so(monkeypatch):
    monkeypatch.setattr(interpreter.sys, "_is_gil_enabled", lambda: False, raising=False)
    assert interpreter.runs_threads_at_once()
    monkeypatch.delattr(interpreter.sys, "_is_gil_enabled")
    assert not interpreter.runs_threads_at_once()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system forks no processes")
def test_a_lock_is_free_in_a_child():
    lock = threading.Lock()
    interpreter.free_in_child(lock)
    with lock, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        child = os.fork()
        if not child:
            os._exit(0 if lock.acquire(blocking=False) else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_lock_that_cannot_be_renewed_is_left_alone():
    interpreter.free_in_child(object())

"""Whether a call still runs is seen from another thread, and without harm to the one that is looked at."""

from __future__ import annotations

import contextlib
import subprocess
import sys
import weakref

import keras
from keras.src.utils.traceback_utils import filter_traceback

from kcb_widgets.session import fit_watchdog

# Many calls end while a collection of garbage, begun where the other thread is looked at, lets this one run on.
STRESS = """
import gc, random, sys, time
from kcb_widgets.session import fit_watchdog

class Slow:
    def __init__(self):
        self.me = self
    def __del__(self):
        time.sleep(1e-4)  # other threads run, as where an array on a device is let go

def wide(n, a=1, b=2, c=3, d=4):
    e = f = g = h = n
    return deep(n - 1) + a + b + c + d + e + f + g + h

def deep(n):
    if n > 0:
        return random.choice((wide, deep))(n - 1) + 1
    Slow(), Slow()
    time.sleep(1e-5)
    return 0

def fit():
    watched, end = fit_watchdog.FitWatchdog(sys._getframe(), lambda error: print("gone")), time.monotonic() + 4
    while time.monotonic() < end:
        deep(random.randrange(400))
    print("alive" if watched.alive and not watched._over.is_set() else "lost")
    watched.end()

fit_watchdog.CHECK_INTERVAL_S = 0.0
gc.set_threshold(50)
fit()
"""


def test_looking_does_no_harm_to_the_thread_that_is_looked_at():
    """Going through its stack by `f_back` crashes here within seconds, on Python 3.11."""
    done = subprocess.run([sys.executable, "-X", "faulthandler", "-c", STRESS], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, "alive\n"), done.stderr[-3000:]
    assert "Exception in thread" not in done.stderr


def test_what_a_fit_had_made_is_let_go_at_once_when_it_dies(monkeypatch):
    """Whoever tries again with smaller batches needs the memory: what is held is Keras's wrapper around `fit`."""
    monkeypatch.setattr(fit_watchdog, "CHECK_INTERVAL_S", 60.0)
    made, watches = [], []

    class Array:
        pass

    @filter_traceback
    def fit():
        array = Array()
        made.append(weakref.ref(array))
        watches.append(fit_watchdog.FitWatchdog(sys._getframe(), lambda error: None))
        assert watches[0].alive
        raise ValueError

    assert keras.Model.fit.__code__ is fit.__code__
    try:
        with contextlib.suppress(ValueError):
            fit()
        assert made[0]() is None
        assert not watches[0].alive
    finally:
        watches[0].end()

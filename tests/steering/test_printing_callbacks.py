"""Callbacks that print and warn, in several fits at once: each card hears its own, and nothing of ours stays behind."""

from __future__ import annotations

import contextlib
import io
import random
import sys
import threading
import types
import warnings

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.run import Run
from kcb_widgets.steering.callback_registry import CallbackRegistry
from kcb_widgets.steering.callbacks import hook_wrappers


class Loud(keras.callbacks.Callback):
    """Does what it is told in its hooks."""

    def __init__(self, work=None):
        super().__init__()
        self.work = work or (lambda: None)

    def on_train_batch_end(self, batch, logs=None):
        self.work()

    def on_epoch_end(self, epoch, logs=None):
        self.work()


class Listening:
    """The cards of a fit that is driven by hand; no model is needed to print."""

    def __init__(self, *callbacks):
        model = types.SimpleNamespace(stop_training=False)
        run = self.run = Run()
        self.callback_registry = CallbackRegistry(
            self.run, model, types.SimpleNamespace(callbacks=list(callbacks)), run
        )

    def __enter__(self):
        self.callback_registry.join(None)
        return self.callback_registry.cards

    def __exit__(self, *raised):
        self.callback_registry.leave()


@pytest.fixture(autouse=True)
def nothing_stays():
    """Whatever a test does, the very objects are there afterwards."""
    before = sys.stdout, warnings.warn
    yield
    assert (sys.stdout, warnings.warn) == before
    assert (sys.stdout is before[0], warnings.warn is before[1]) == (True, True)


def in_threads(*works):
    """Run each on a thread of its own; what one raises is raised here."""
    wrong = []

    def contained(work):
        try:
            work()
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=contained, args=(work,)) for work in works]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not wrong, wrong
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("hook", ["on_epoch_end", "on_train_batch_end"])
def test_hooks_that_overlap_and_end_in_the_wrong_order_leave_nothing(hook, capsys):
    """The first to come leaves while the second listens, so that the second would put back the first one's."""
    before = sys.stdout, warnings.warn
    inside, first_left, go = threading.Event(), threading.Event(), threading.Event()

    def first():
        print("first")
        warnings.warn("one", stacklevel=1)
        inside.set()
        assert go.wait(30)

    def second():
        print("second")
        warnings.warn("two", stacklevel=1)
        go.set()
        assert first_left.wait(30)
        print("second again")

    a, b = Loud(first), Loud(second)
    with Listening(a) as (one,), Listening(b) as (two,):

        def run_first():
            getattr(a, hook)(0, {})
            first_left.set()

        def run_second():
            assert inside.wait(30)
            getattr(b, hook)(0, {})

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            in_threads(run_first, run_second)
        assert (sys.stdout, warnings.warn) == before
        assert (one.tee.text, two.tee.text) == ("first\n", "second\nsecond again\n")
        if hook == "on_epoch_end":
            assert (one.warnings, one.warning, two.warnings, two.warning) == (1, "one", 1, "two")
    assert capsys.readouterr().out == "first\nsecond\nsecond again\n"


class Crowd:
    """Threads that each drive a callback of their own, in random order.

    Args:
        redirected: Whether some redirect the output meanwhile, which is not ours to overwrite.
    """

    SIZE, ROUNDS = 8, 60

    def __init__(self, redirected):
        self.redirected = redirected
        self.said = [[] for _ in range(self.SIZE)]
        self.heard = [""] * self.SIZE
        self.warned = [[0, 0] for _ in range(self.SIZE)]  # in all, and heard
        self.streams = [io.StringIO()]
        self._redirecting = threading.Lock()

    def run(self):
        interval = sys.getswitchinterval()
        sys.setswitchinterval(1e-6)
        try:
            with contextlib.redirect_stdout(self.streams[0]), warnings.catch_warnings():
                warnings.simplefilter("ignore")
                in_threads(*(lambda number=number: self._work(number) for number in range(self.SIZE)))
                print(end="")  # a stand-in that was put back late is gone with its first use
                assert sys.stdout is self.streams[0]
        finally:
            sys.setswitchinterval(interval)
        assert sum(map(len, self.said)) > 100
        return sorted(line for stream in self.streams for line in stream.getvalue().splitlines())

    def _work(self, number):
        rng = random.Random(number)

        def speak():
            for _ in range(rng.randrange(4)):
                text = f"{number}: {len(self.said[number])}\n"
                self.said[number].append(text)
                sys.stdout.write(text)

        def speak_and_warn():
            speak()
            if rng.random() < 0.3:
                self.warned[number][0] += 1
                warnings.warn(f"{number}", stacklevel=1)

        callback = Loud()
        with Listening(callback) as (card,):
            for _ in range(self.ROUNDS):
                callback.work = speak_and_warn
                callback.on_epoch_end(0, {})
                callback.work = speak
                if self.redirected and rng.random() < 0.2 and self._redirecting.acquire(blocking=False):
                    try:  # one at a time: two would bring back each other's
                        self.streams.append(io.StringIO())
                        with contextlib.redirect_stdout(self.streams[-1]):
                            callback.on_train_batch_end(0, {})
                    finally:
                        self._redirecting.release()
                else:
                    callback.on_train_batch_end(0, {})
            self.heard[number] = card.tee.text
            self.warned[number][1] = card.warnings


@pytest.mark.parametrize("safely", [False, True])
def test_many_threads_in_random_order_hear_each_their_own(safely, monkeypatch):
    """``safely`` is how it is done where threads run at once."""
    monkeypatch.setattr(hook_wrappers, "AT_ONCE", safely)
    crowd = Crowd(redirected=False)
    assert crowd.run() == sorted(text.strip() for said in crowd.said for text in said)
    assert crowd.heard == ["".join(said)[-2000:] for said in crowd.said]
    assert all(warned == heard for warned, heard in crowd.warned)
    assert sum(warned for warned, _ in crowd.warned) > 20


@pytest.mark.parametrize("safely", [False, True])
def test_redirections_that_come_and_go_meanwhile_lose_nothing(safely, monkeypatch):
    """What is written while another's stream is in place need not be heard, but comes out, and nobody else hears it."""
    monkeypatch.setattr(hook_wrappers, "AT_ONCE", safely)
    crowd = Crowd(redirected=True)
    assert crowd.run() == sorted(text.strip() for said in crowd.said for text in said)
    assert len(crowd.streams) > 20
    for heard, said in zip(crowd.heard, crowd.said, strict=True):
        rest = iter(said)
        assert all(line in rest for line in heard.splitlines(keepends=True)[1:])  # the first may be cut off
        assert len(heard) > 500
    assert all(warned == heard for warned, heard in crowd.warned)


def test_what_a_hook_puts_in_place_of_the_output_stays():
    mine, real = io.StringIO(), sys.stdout

    def swap():
        print("before")
        sys.stdout = mine
        print("after")

    callback = Loud(swap)
    try:
        with Listening(callback) as (card,):
            callback.on_train_batch_end(0, {})
            assert sys.stdout is mine
            callback.work = lambda: print("later")
            callback.on_train_batch_end(1, {})
            assert sys.stdout is mine
        assert sys.stdout is mine
        assert mine.getvalue() == "after\nlater\n"
        assert card.tee.text == "before\nlater\n"
    finally:
        sys.stdout = real


def test_a_redirection_that_ends_after_the_hook_brings_nothing_of_ours_back(capsys):
    """Its beginning saw our stand-in, and puts that back when no hook runs any more."""
    real = sys.stdout
    entered, left, hold = threading.Event(), threading.Event(), threading.Event()

    def listen():
        entered.set()
        assert hold.wait(30)

    callback = Loud(listen)
    with Listening(callback) as (card,):

        def redirect():
            assert entered.wait(30)
            with contextlib.redirect_stdout(io.StringIO()) as other:
                hold.set()
                assert left.wait(30)
                assert sys.stdout is other
            print("hello")

        def run():
            callback.on_train_batch_end(0, {})
            left.set()

        in_threads(redirect, run)
    assert sys.stdout is real
    assert capsys.readouterr().out == "hello\n"
    assert card.tee.text == ""


def test_a_hook_hears_through_a_redirection_of_its_own(capsys):
    """The innermost and all around it: a callback's hook may train another model, which has callbacks of its own."""
    inner = Loud(lambda: print("inside"))

    def outside():
        print("outside")
        with contextlib.redirect_stdout(io.StringIO()):
            inner.on_epoch_end(0, {})

    outer = Loud(outside)
    with Listening(inner) as (one,), Listening(outer) as (two,):
        outer.on_epoch_end(0, {})
        assert one.tee.text == "inside\n"
        assert two.tee.text == "outside\ninside\n"
    assert capsys.readouterr().out == "outside\n"


def test_two_listeners_on_one_callback_hear_it_once_each(capsys):
    callback = Loud(lambda: print("x"))
    with Listening(callback) as (one,), Listening(callback) as (two,):
        callback.on_epoch_end(0, {})
        assert (one.tee.text, two.tee.text) == ("x\n", "x\n")
    assert capsys.readouterr().out == "x\n"


def test_the_stand_in_is_what_it_stands_for(capsys):
    """A callback that asks finds the real stream's everything, and may set an attribute of it."""
    found = {}

    def ask():
        found.update(kind=isinstance(sys.stdout, io.TextIOBase), encoding=sys.stdout.encoding)
        sys.stdout.a_mark = 1
        sys.stdout.writelines(["a", "b\n"])
        sys.stdout.flush()

    real, callback = sys.stdout, Loud(ask)
    with Listening(callback) as (card,):
        callback.on_train_batch_end(0, {})
        assert card.tee.text == "ab\n"
    assert found == {"kind": isinstance(real, io.TextIOBase), "encoding": real.encoding}
    assert real.a_mark == 1
    del real.a_mark
    assert capsys.readouterr().out == "ab\n"


@pytest.mark.parametrize("how", ["none", "deleted"])
def test_no_output_at_all_disturbs_no_hook(how):
    real, ran = sys.stdout, []
    callback = Loud(lambda: ran.append(1))
    with Listening(callback):
        try:
            if how == "none":
                sys.stdout = None
            else:
                del sys.stdout
            callback.on_train_batch_end(0, {})
            callback.on_epoch_end(0, {})
            assert getattr(sys, "stdout", None) is None
        finally:
            sys.stdout = real
    assert ran == [1, 1]


def test_a_fit_declared_over_in_mid_hook_leaves_nothing(capsys):
    """As when the same Monitor is in a fit inside a hook."""
    real = sys.stdout
    listening = Listening(callback := Loud())
    listening.callback_registry.join(None)
    callback.work = listening.callback_registry.leave
    callback.on_epoch_end(0, {})
    assert sys.stdout is real
    with Listening(other := Loud(lambda: print("heard"))) as (card,):
        other.on_train_batch_end(0, {})
        assert sys.stdout is real
        assert card.tee.text == "heard\n"
    capsys.readouterr()


def test_where_a_warning_stands_is_told_as_without_us():
    def warn():
        warnings.warn("here", stacklevel=1)
        warnings.warn("there", stacklevel=2)

    callback = Loud(warn)

    def places():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            callback.on_epoch_end(0, {})
        return [(w.filename, w.lineno) for w in caught]

    without = places()
    with Listening(callback) as (card,):
        assert places() == without
        assert card.warnings == 2


@pytest.mark.skipif(sys.version_info < (3, 12), reason="warnings.warn has no skip_file_prefixes yet")
def test_files_that_a_warning_skips_are_skipped():
    def warn():
        warnings.warn("here", skip_file_prefixes=("/nowhere",))

    callback = Loud(warn)

    def places():
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            callback.on_epoch_end(0, {})
        return [(w.filename, w.lineno) for w in caught]

    without = places()
    with Listening(callback):
        assert places() == without


def test_two_background_fits_that_print_end_as_they_began(unit_model, ones, capfd):
    """The real thing: two fits side by side, each with a callback that prints at every batch."""
    real = sys.stdout, warnings.warn
    x, y = ones
    fits = []
    for name in ("a", "b"):
        talk = keras.callbacks.LambdaCallback(
            on_train_batch_end=lambda batch, logs, name=name: print(f"{name} {batch}"),
            on_epoch_end=lambda epoch, logs, name=name: warnings.warn(name, stacklevel=1),
        )
        monitor = kcb.Monitor()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fits.append((name, monitor, monitor.fit(unit_model(), x, y, epochs=2, batch_size=2, callbacks=[talk])))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, monitor, fit in fits:
            fit.wait(60)
            (card,) = [card for card in monitor.run.cards if card["id"] == "LambdaCallback"]
            assert card["printed"] == "".join(f"{name} {batch}\n" for batch in range(6)) * 2
            assert {fact["label"]: fact["value"] for fact in card["facts"]}["warned"] == name
    assert (sys.stdout, warnings.warn) == real
    assert np.isfinite(fits[0][2].history.history["loss"]).all()


def test_who_sets_the_streams_write_while_a_hook_runs_gets_it_back_as_ipython_does():
    """IPython 9 does so around each cell, and a hook of a fit in the background may run at its beginning or its end."""
    real = io.StringIO()

    class Stream:
        def write(self, text):
            return real.write(text)

    stream, heard, steps = Stream(), [], []

    def begin_cell():
        at_first, original = sys.stdout, sys.stdout.write

        def write(text):
            heard.append(text)
            return original(text)

        at_first.write = write
        steps.append(lambda: setattr(at_first, "write", original))

    def end_cell():
        steps.pop()()

    def cell():
        begin_cell()
        print("in the hook")
        end_cell()

    with contextlib.redirect_stdout(stream):
        for work in (cell, begin_cell, lambda: print("in the cell"), end_cell, cell):
            with Listening(Loud(work)) as (card,):
                print("outside")
                card.callback.on_epoch_end(0)
                print("outside")
            assert card.tee.text == {cell: "in the hook\n"}.get(work, card.tee.text)
        with Listening(Loud(lambda: print("late"))) as (card,):
            begin_cell()
            card.callback.on_epoch_end(0)
            end_cell()
            assert card.tee.text == "late\n"
    assert getattr(stream.write, "__self__", None) is stream  # the method that it had, and nothing of ours around it
    said = real.getvalue().split("\n")
    assert said.count("in the hook") == 2
    assert said.count("outside") == 10
    assert "".join(heard).count("in the hook") == 2


def test_prints_of_other_threads_pass_through_a_stand_in_as_often_as_they_like():
    """A cell that prints while fit runs in the background: no chain of our objects grows."""
    stream = io.StringIO()

    class Stream:
        def write(self, text):
            return stream.write(text)

    target = Stream()
    inside, go = threading.Event(), threading.Event()

    def hook():
        inside.set()
        assert go.wait(30)

    with contextlib.redirect_stdout(target), Listening(Loud(hook)) as (card,):
        thread = threading.Thread(target=lambda: card.callback.on_epoch_end(0))
        thread.start()
        assert inside.wait(30)
        for _ in range(2000):
            original = sys.stdout.write
            sys.stdout.write = lambda text, over=original: over(text)
            print("cell")
            sys.stdout.write = original
        go.set()
        thread.join(30)
    assert stream.getvalue().count("cell\n") == 2000
    assert target.write.__self__ is target

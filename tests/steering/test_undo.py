"""Undo: the latest change made by hand is taken back, through the ordinary path."""

from __future__ import annotations

import time

import keras
import numpy as np
import pytest
from conftest import Weights

import kcb_widgets as kcb
from kcb_widgets.commands import Command
from kcb_widgets.panels import payload


class Script(keras.callbacks.Callback):
    """Calls functions after given batches, counted from 1."""

    def __init__(self, **actions):
        super().__init__()
        self.actions, self.count = {int(name.removeprefix("after_")): each for name, each in actions.items()}, 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1
        for action in self.actions.get(self.count, ()):
            action()


@pytest.fixture
def steered(unit_model, ones):
    """A function that trains 12 batches, with actions after some of them; gives the monitor and the moves."""

    def train(monitor=None, callbacks=(), optimizer=None, epochs=1, **actions):
        monitor, weights = monitor or kcb.Monitor(), Weights()
        model = unit_model(optimizer)
        model.fit(
            *ones,
            batch_size=1,
            epochs=epochs,
            verbose=0,
            shuffle=False,
            callbacks=[*callbacks, Script(**actions), weights, monitor],
        )
        return monitor, weights.moves

    return train


BEGAN = time.time() + 1000.0


def click(monitor, name, value, seconds):
    """Ask as a board does, that many seconds after some moment."""
    monitor._inbox.put(Command(name, value, "board", requested=BEGAN + seconds))


def applied(run):
    return [(e.name, e.old, e.new, e.source) for e in run.events_list if e.kind == "applied"]


def test_undo_puts_the_value_before_back_for_the_next_batch(steered):
    monitor = kcb.Monitor()
    seen = []

    def look():
        seen.append((payload.state(monitor.run)["undo"], payload.state(monitor.run)["can"]["undo"]))

    _, moves = steered(
        monitor,
        after_1=[look],
        after_2=[lambda: monitor.set(learning_rate=0.25)],
        after_4=[look, monitor.undo],
        after_6=[look],
    )
    assert moves == [0.5] * 2 + [0.25] * 2 + [0.5] * 8
    assert applied(monitor.run) == [
        ("learning_rate", 0.5, 0.25, "python"),
        ("learning_rate", 0.25, 0.5, "python"),
    ]
    assert "undoes what was set after step 2" in monitor.run.events_list[-2].message
    nothing = (None, "no control was changed by hand")
    assert seen == [nothing, ({"name": "learning_rate", "old": 0.5, "new": 0.25}, ""), nothing]
    assert payload.state(monitor.run)["undo"] is None


def test_each_press_takes_back_the_change_before_and_never_an_undo(steered):
    monitor = kcb.Monitor()
    replies = []
    optimizer = keras.optimizers.SGD(0.5, momentum=0.1)
    steered(
        monitor,
        optimizer=optimizer,
        after_1=[lambda: monitor.set(learning_rate=0.25)],
        after_2=[lambda: monitor.set(momentum=0.5)],
        after_3=[lambda: monitor.set(learning_rate=0.125)],
        after_5=[lambda: replies.extend(monitor.undo() for _ in range(4))],  # between two batches: each counts
    )
    undone = [(e.name, e.new) for e in monitor.run.events_list if "undoes" in e.message]
    assert undone == [("learning_rate", 0.25), ("momentum", pytest.approx(0.1)), ("learning_rate", 0.5)]
    assert [reply.applied for reply in replies] == [True, True, True, False]
    assert replies[3].event.message == "no control was changed by hand"
    assert float(optimizer.learning_rate) == 0.5
    assert float(optimizer.momentum) == pytest.approx(0.1)


def test_what_is_asked_for_after_an_undo_is_not_undone_by_it(steered):
    monitor = kcb.Monitor()

    def together():
        monitor.set(learning_rate=0.125)
        monitor.undo()
        monitor.set(learning_rate=0.0625)

    _, moves = steered(monitor, after_1=[lambda: monitor.set(learning_rate=0.25)], after_3=[together])
    assert moves == [0.5] + [0.25] * 2 + [0.0625] * 9
    assert [each[2] for each in applied(monitor.run)] == [0.25, 0.125, 0.25, 0.0625]


@pytest.mark.parametrize(("gap", "expected"), [(0.9, 0.5), (1.1, 0.125)])
def test_a_drag_is_one_change(steered, gap, expected):
    monitor = kcb.Monitor()
    _, moves = steered(
        monitor,
        after_1=[lambda: click(monitor, "learning_rate", 0.25, 100.0)],
        after_2=[lambda: click(monitor, "learning_rate", 0.125, 100.05)],
        after_3=[lambda: click(monitor, "learning_rate", 0.0625, 100.05 + gap)],
        after_5=[monitor.undo],
    )
    assert moves == [0.5, 0.25, 0.125, 0.0625, 0.0625] + [expected] * 7


def test_a_drag_over_long_batches_is_one_change(steered):
    """What is superseded counts: the mouse never rested, though seconds lie between what was applied."""
    monitor = kcb.Monitor()

    def drag(begin):
        for i in range(60):
            click(monitor, "learning_rate", 0.3 + i / 1000, begin + i * 0.05)

    _, moves = steered(monitor, after_1=[lambda: drag(100.0)], after_2=[lambda: drag(103.0)], after_4=[monitor.undo])
    assert moves[4:] == [0.5] * 8


def test_a_drag_back_to_where_it_began_is_no_change(steered):
    monitor = kcb.Monitor()
    _, moves = steered(
        monitor,
        after_1=[lambda: monitor.set(learning_rate=0.25)],
        after_2=[lambda: click(monitor, "learning_rate", 0.125, 1.0)],
        after_3=[lambda: click(monitor, "learning_rate", 0.25, 1.5)],
        after_5=[monitor.undo],
    )
    assert moves[5:] == [0.5] * 7


def test_two_changes_from_python_are_two(steered):
    monitor = kcb.Monitor()
    _, moves = steered(
        monitor,
        after_1=[lambda: monitor.set(learning_rate=0.25)],
        after_2=[lambda: monitor.set(learning_rate=0.125)],
        after_4=[monitor.undo],
    )
    assert moves[4:] == [0.25] * 8


def test_what_was_off_is_switched_off_again(steered):
    monitor = kcb.Monitor()
    optimizer = keras.optimizers.SGD(0.5, weight_decay=None)
    _, moves = steered(
        monitor,
        optimizer=optimizer,
        after_2=[lambda: monitor.set(weight_decay=0.5)],
        after_4=[monitor.undo],
    )
    assert moves[:2] == moves[4:6] == [0.5, 0.5]
    assert moves[2:4] != [0.5, 0.5]
    assert optimizer.weight_decay is None
    assert applied(monitor.run)[-1] == ("weight_decay", 0.5, None, "python")


class Writes(keras.callbacks.Callback):
    """Another callback, which sets the learning rate after a batch."""

    def __init__(self, after, value):
        super().__init__()
        self.after, self.value, self.count = after, value, 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1
        if self.count == self.after:
            self.model.optimizer.learning_rate.assign(self.value)


def test_what_another_callback_has_overwritten_is_passed_over(steered):
    """To set the rate from before would take back what the callback did, and not what the person did."""
    monitor, replies = kcb.Monitor(), []
    optimizer = keras.optimizers.SGD(0.5, momentum=0.0625)
    steered(
        monitor,
        callbacks=[Writes(4, 0.125)],
        optimizer=optimizer,
        after_1=[lambda: monitor.set(momentum=0.5)],
        after_2=[lambda: monitor.set(learning_rate=0.25)],
        after_6=[lambda: replies.append(monitor.undo())],
        after_8=[lambda: replies.append(monitor.undo())],
    )
    assert float(optimizer.learning_rate) == 0.125
    assert replies[0].event.name == "momentum"
    assert float(optimizer.momentum) == 0.0625
    assert "(learning_rate is 0.125 by now, set by callback, and no longer" in replies[0].event.message
    assert not replies[1].applied


def test_policies_and_guards_are_not_undone(steered):
    monitor = kcb.Monitor()
    monitor.add_policy(lambda run, m: m.set(learning_rate=0.25) if run.step == 2 else None, every=1)
    _, moves = steered(monitor, after_4=[monitor.undo])
    assert moves[4:] == [0.25] * 8
    assert [e.message for e in monitor.run.events_list if e.kind == "refused"] == ["no control was changed by hand"]


def test_one_that_is_refused_makes_way_for_the_one_before(steered):
    monitor, replies = kcb.Monitor(), []
    _, moves = steered(
        monitor,
        epochs=2,
        after_1=[lambda: monitor.set(learning_rate=0.25)],
        after_2=[lambda: monitor.set(epochs=3)],
        after_26=[lambda: replies.append(monitor.undo())],
        after_28=[lambda: replies.append(monitor.undo())],
    )
    assert len(moves) == 36
    assert [reply.applied for reply in replies] == [False, True]
    assert moves[28:] == [0.5] * 8


def test_it_is_an_ordinary_change_to_a_replay_and_to_the_code(classifier):
    def train(*callbacks):
        keras.utils.clear_session()  # so that layers are called alike: the code finds them by name
        model, x, y = classifier()
        model.fit(x, y, epochs=2, batch_size=8, verbose=0, shuffle=False, callbacks=list(callbacks))
        return model.get_weights()

    monitor = kcb.Monitor()

    def name(label):
        return next(name for name in monitor.controls if name.endswith(label))

    script = Script(
        after_2=[lambda: monitor.set({name(".rate"): 0.6})],
        after_4=[lambda: monitor.set(learning_rate=0.02)],
        after_6=[monitor.undo, monitor.undo],
        after_9=[lambda: monitor.freeze(until=name(".trainable").removesuffix(".trainable"))],
        after_12=[monitor.undo],
    )
    weights = train(monitor, script)
    assert sum(event.kind == "applied" and "undoes" in event.message for event in monitor.run.events_list) == 3
    space = {}
    source = monitor.run.to_code()
    exec(source, space)
    again_by_code = [] if keras.backend.backend() == "jax" else [train(space["SteeredRun"]())]
    assert again_by_code or "What this does not do" in " ".join(source.split())  # plain Keras cannot freeze there
    for again in (train(monitor.run.replay()), *again_by_code):
        for one, other in zip(weights, again, strict=True):
            np.testing.assert_array_equal(one, other)

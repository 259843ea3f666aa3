"""Freezing and unfreezing many layers at once: by effect, with one new trace, and done again by replay and code."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.commands import check_value


class After(keras.callbacks.Callback):
    """Does things after given batches; keeps the weights after each batch."""

    def __init__(self, actions):
        super().__init__()
        self.actions, self.seen = actions, []

    def on_train_begin(self, logs=None):
        self.keep()

    def on_train_batch_end(self, batch, logs=None):
        self.keep()
        if len(self.seen) - 1 in self.actions:
            self.actions[len(self.seen) - 1]()

    def keep(self):
        self.seen.append({weight.path: np.array(weight) for weight in self.model.weights})

    def moved(self, batch):
        """The layers of which a weight moved in a batch, counted from 1."""
        before, after = self.seen[batch - 1], self.seen[batch]
        return sorted({path.split("/")[-2] for path in after if not np.array_equal(before[path], after[path])})


def nested():
    """Layers a, inner(b, c), d, each of which moves with every batch."""
    keras.utils.set_random_seed(5)
    inner = keras.Sequential([keras.Input((4,)), dense("b"), dense("c")], name="inner")
    model = keras.Sequential([keras.Input((4,)), dense("a"), inner, keras.layers.Flatten(name="flat"), dense("d")])
    model.compile(keras.optimizers.Adam(0.01), "mse")
    return model


def dense(name):
    return keras.layers.Dense(4, name=name, use_bias=False)


def train(actions, monitor=None, model=None, extra=()):
    model, after = model or nested(), After(actions)
    rng = np.random.default_rng(0)
    x, y = rng.random((40, 4), "float32"), rng.random((40, 4), "float32")
    model.fit(x, y, batch_size=4, verbose=0, shuffle=False, callbacks=[*extra, after, *([monitor] if monitor else [])])
    return after, model


@pytest.mark.parametrize(
    ("which", "frozen"),
    [
        ({"until": "b"}, ["a", "b"]),
        ({"until": "inner"}, ["a", "b", "c"]),
        ({"until": "flat"}, ["a", "b", "c"]),
        ({"named": "INN"}, ["b", "c"]),
        ({"named": "D"}, ["d"]),
    ],
)
def test_the_layers_that_are_meant_train_no_longer(which, frozen):
    monitor, traces, replies = kcb.Monitor(), [], []
    model = nested()
    step = model.train_step
    model.train_step = lambda *args: (traces.append(1), step(*args))[1]  # JAX hands the state over, too

    def freeze():
        before.append(len(traces))
        replies.append(monitor.freeze(**which))

    before = []
    after, _ = train({3: freeze, 6: lambda: replies.append(monitor.unfreeze(**which))}, monitor, model)
    everything = ["a", "b", "c", "d"]
    rest = [name for name in everything if name not in frozen]
    assert [after.moved(batch) for batch in (3, 4, 6, 7)] == [everything, rest, rest, everything]
    # One for each, not one for each layer; JAX knows the step that it comes back to, and torch traces none.
    made = {"tensorflow": 2, "jax": 1}.get(keras.backend.backend())
    assert made is None or len(traces) == before[0] + made
    events = [(e.name, e.new, e.step) for e in monitor.run.events_list if e.kind == "applied" and "." in e.name]
    assert events == [(f"{n}.trainable", on, at) for on, at in ((False, 3), (True, 6)) for n in frozen]
    assert [reply.applied for reply in replies] == [True, True]
    assert len(replies[0].events) == 1
    assert replies[0].event.message.startswith(f"{len(frozen)} layer")


def test_a_name_that_is_not_there_is_refused_and_named():
    monitor, replies = kcb.Monitor(), []
    calls = (
        lambda: monitor.freeze(until="aa"),
        lambda: monitor.unfreeze(named="zz"),
        monitor.freeze,
        lambda: monitor.freeze(named="flat"),
    )
    after, _ = train({2: lambda: replies.extend(call() for call in calls)}, monitor)
    assert [reply.event.kind for reply in replies] == ["refused"] * 4
    assert [reply.event.message for reply in replies] == [
        "there is no layer 'aa'; there are a and 5 more",
        "no layer's name contains 'zz'; there are a, inner, b, c, flat, d",
        "nothing would be left to train",
        "none of these layers has weights that could train",
    ]
    assert after.moved(3) == ["a", "b", "c", "d"]  # and what was refused has changed nothing


def test_unfreezing_all_opens_models_inside_first():
    monitor = kcb.Monitor()

    def freeze():
        monitor.set({"a.trainable": False, "inner.trainable": False})

    after, _ = train({2: freeze, 4: monitor.unfreeze}, monitor)
    assert [after.moved(batch) for batch in (2, 3, 5)] == [["a", "b", "c", "d"], ["d"], ["a", "b", "c", "d"]]


def test_layers_in_a_frozen_model_stay_frozen_and_the_reply_says_so():
    monitor, replies = kcb.Monitor(), []
    actions = {
        2: lambda: monitor.set({"a.trainable": False, "inner.trainable": False}),
        4: lambda: replies.append(monitor.unfreeze(until="b")),
        6: lambda: replies.append(monitor.unfreeze(named="b")),
    }
    after, _ = train(actions, monitor)
    assert after.moved(5) == after.moved(7) == ["a", "d"]
    assert "not b: inner, which it is part of, is frozen" in replies[0].event.message
    assert replies[1].event.message == "b: inner, which it is part of, is frozen"


def test_what_is_so_already_is_no_change_and_no_trace():
    monitor, replies = kcb.Monitor(), []
    train({2: lambda: replies.append(monitor.unfreeze())}, monitor)
    assert replies[0].event.message == "all 4 of them are so already"
    assert "recompiled" not in [event.kind for event in monitor.run.events_list]


def test_an_undo_takes_the_whole_group_back():
    monitor = kcb.Monitor()
    actions = {
        2: lambda: monitor.set({"a.trainable": False}),
        4: lambda: monitor.freeze(until="flat"),
        6: monitor.undo,
        8: monitor.undo,
    }
    after, _ = train(actions, monitor)
    everything = ["a", "b", "c", "d"]
    expected = [everything, ["b", "c", "d"], ["d"], ["b", "c", "d"], everything]
    assert [after.moved(batch) for batch in (2, 3, 5, 7, 9)] == expected


def test_replay_and_code_do_the_same():
    def steered():
        monitor = kcb.Monitor()
        actions = {
            2: lambda: monitor.freeze(until="inner"),
            4: lambda: monitor.unfreeze(named="inner"),
            5: lambda: monitor.set({"inner.trainable": False}),
            7: monitor.unfreeze,
        }
        _, model = train(actions, monitor)
        return monitor.run, model.get_weights()

    run, weights = steered()
    _, again = train({}, run.replay())
    for one, other in zip(weights, again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    if keras.backend.backend() == "jax":
        return  # plain Keras on JAX cannot freeze in mid-fit; the code's header says so
    space = {}
    exec(run.to_code(), space)
    _, again = train({}, extra=[space["SteeredRun"]()])
    for one, other in zip(weights, again.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_value_is_checked():
    for verb in ("freeze", "unfreeze"):
        for good in (None, "until:a", "named:a:b"):
            assert check_value(verb, good) == (verb, good)
        for bad in ("", "until:", "named", "until", "all", 1, True, "named:" + "x" * 300):
            with pytest.raises((TypeError, ValueError), match="Received"):
                check_value(verb, bad)
    with pytest.raises(ValueError, match="not both"):
        kcb.Monitor().freeze(until="a", named="b")
    with pytest.raises(TypeError, match="must be a string"):
        kcb.Monitor().unfreeze(named=3)

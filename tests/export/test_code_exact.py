"""Every kind of thing that can be done to a run is reproduced by a replay and by the code, or the code says why not."""

from __future__ import annotations

import keras
import numpy as np
import pytest
from reproduce import DIGITS, LEFT_OUT, fit, unlike

import kcb_widgets as kcb

pytestmark = pytest.mark.filterwarnings("ignore")
JAX = keras.backend.backend() == "jax"


def dense(optimizer=None, layers=None, **compile_args):
    """A function that makes a small model and its data: eight batches in each of three epochs. Nothing is traced."""

    def make():
        rng = np.random.default_rng(0)
        x = rng.random((32, 6), "float32")
        y = (x.sum(axis=1) > 3).astype("float32")[:, None]
        found = layers() if layers else [
            keras.layers.Dense(6, "relu", False, name="hidden", kernel_regularizer=keras.regularizers.L2(0.01)),
            keras.layers.Dropout(0.3, name="dropout"),
            keras.layers.Dense(4, "tanh", name="narrow"),
        ]  # fmt: skip
        model = keras.Sequential([keras.Input((6,)), *found, keras.layers.Dense(1, "sigmoid", False, name="out")])
        made = optimizer() if optimizer else keras.optimizers.SGD(0.1, momentum=0.5)
        model.compile(made, "binary_crossentropy", **{"run_eagerly": True} | compile_args)
        return model, {"x": x, "y": y, "batch_size": 4, "epochs": 3, "validation_data": (x[:8], y[:8])}

    return make


def adam():
    return keras.optimizers.Adam(0.01)


def decay(**settings):
    return keras.optimizers.SGD(
        keras.optimizers.schedules.ExponentialDecay(0.2, 10, 0.7), **{"momentum": 0.5} | settings
    )


def put(**values):
    return lambda m: m.set({name.replace("__", "."): value for name, value in values.items()})


def snapshot(m):
    m.snapshot()


def rollback(which="latest"):
    return lambda m: m.rollback(which)


OFF, ON = put(narrow__trainable=False), put(narrow__trainable=True)


def exact(make, steer, monitor=None, left_out="", **more):
    """The run and its source; both ways to do it again give the same weights, but for what the source leaves out."""
    run, source, found = unlike(make, steer, monitor, **more)
    assert found == []
    refused = [(e.name, e.message) for e in run.events_list if e.kind in ("refused", "error")]
    assert refused == []
    top = " ".join(line.lstrip("# ") for line in source.partition("import keras")[0].splitlines())
    assert left_out in top
    assert (LEFT_OUT in top) == bool(left_out)
    return run, top


GRAPH = {
    2: put(clipnorm=0.1, dropout__rate=0.6),
    3: snapshot,
    5: lambda m: (m.set(clipnorm=None), m.set(clipvalue=0.01)),
    7: put(weight_decay=0.05, hidden__kernel_regularizer__l2=0.1),
    9: put(momentum=0.8),
    10: rollback(),
    13: put(weight_decay=None, learning_rate=0.3),
    16: put(momentum=0.2),
}


def test_many_things_where_steps_are_traced():
    exact(dense(run_eagerly=False), GRAPH)


@pytest.mark.skipif(JAX, reason="code cannot freeze there")
def test_freezing_where_steps_are_traced():
    steer = {0: OFF, 3: OFF, 9: ON}
    exact(dense(adam, run_eagerly=False), {**steer, 11: ON, 16: OFF})


def test_a_schedule_where_steps_are_traced():
    steer = {3: put(learning_rate=0.3), 5: lambda m: m.take_over(), 9: lambda m: m.take_over(on=False)}
    exact(dense(decay, run_eagerly=False), {**steer, 12: put(learning_rate_factor=0.5), 14: lambda m: m.take_over()})


# -- freezing ----------------------------------------------------------------------------------------------------------


def nested():
    inner = keras.Sequential(
        [
            keras.layers.Dense(5, "relu", name="first"),
            keras.layers.BatchNormalization(name="norm"),
            keras.layers.Dense(5, "relu", name="second"),
        ],
        name="inner",
    )
    inner.layers[2].trainable = False
    return [inner, keras.layers.Dense(4, "tanh", name="narrow")]


ON_JAX = "on JAX an optimizer cannot leave out weights" if JAX else ""
FREEZING = {
    "what it is": ({3: ON}, {}),
    "twice off": ({3: OFF, 5: OFF, 9: ON}, {}),
    "twice on": ({3: OFF, 9: ON, 11: ON}, {}),
    "again": (
        {3: OFF, 6: ON, 9: OFF,
         14: ON},
        {},
    ),
    "before the first batch": ({0: OFF, 9: ON}, {"optimizer": adam}),
    "a nested model that is partly frozen": (
        {3: put(inner__trainable=False), 9: put(inner__trainable=True)},
        {"layers": nested, "optimizer": adam},
    ),
    "with a loss scale": (
        {3: OFF, 9: ON},
        {"optimizer": lambda: keras.optimizers.LossScaleOptimizer(adam(), initial_scale=4.0)},
    ),
    "to the end": ({3: OFF}, {"optimizer": adam}),
}  # fmt: skip


@pytest.mark.parametrize("case", FREEZING)
def test_freezing(case):
    steer, model = FREEZING[case]
    exact(dense(**model), steer, left_out=ON_JAX)


def test_freezing_where_the_optimizer_keeps_averages():
    make = dense(lambda: keras.optimizers.Adam(0.01, use_ema=True, ema_momentum=0.9))
    why = ON_JAX or "the optimizer keeps averages of the weights"
    exact(make, {3: OFF, 9: ON}, left_out=why)
    exact(make, {3: OFF}, left_out=why)
    exact(make, {3: put(learning_rate=0.02), 5: snapshot, 9: rollback()})


def test_freezing_where_gradients_are_gathered():
    make = dense(lambda: keras.optimizers.SGD(0.1, gradient_accumulation_steps=3))
    why = ON_JAX or "the optimizer gathers gradients over several batches"
    exact(make, {3: OFF, 8: ON}, left_out=why)
    exact(make, {4: put(learning_rate=0.5), 5: snapshot, 8: rollback()})


# -- snapshots ---------------------------------------------------------------------------------------------------------


SNAPSHOTS = {
    "before the first batch": ({0: snapshot, 5: rollback()}, {"optimizer": adam}),
    "several": (
        {2: snapshot, 4: snapshot, 9: rollback("1"), 12: rollback("2"), 15: rollback("1")},
        {"optimizer": adam},
    ),
    "and changes after it": (
        {2: snapshot, 5: rollback(), 6: put(learning_rate=0.5), 9: put(dropout__rate=0.6), 12: rollback()},
        {"optimizer": adam},
    ),
    "at an epoch's end": ({("epoch", 0): snapshot, 11: rollback(), ("epoch", 1): rollback()}, {}),
}


@pytest.mark.parametrize("case", SNAPSHOTS)
def test_snapshots(case):
    steer, model = SNAPSHOTS[case]
    exact(dense(**model), steer)


@pytest.mark.skipif(JAX, reason="code cannot freeze there")
def test_snapshots_around_freezing():
    # Without state for each weight: that of a frozen one is put back with a snapshot from before.
    make = dense(lambda: keras.optimizers.SGD(0.1))
    steer = {2: snapshot, 4: OFF, 6: rollback(), 7: snapshot, 10: ON}
    exact(make, {**steer, 12: rollback()})


def test_a_guard_that_goes_back_to_the_beginning():
    def poison(monitor):
        monitor.set(learning_rate=1e6)

    run, _ = exact(
        dense(adam),
        {3: poison},
        kcb.Monitor(guard=kcb.Guard(factor=1e-7, spike=3.0, limit=9)),
    )
    assert any(event.kind == "snapshot" and event.step == 0 for event in run.events_list)


# -- optimizers --------------------------------------------------------------------------------------------------------


OPTIMIZERS = {
    "clipping exchanged": (
        {2: put(clipnorm=0.1), 5: put(clipnorm=None), 6: put(clipvalue=0.01), 9: put(clipvalue=None),
         10: put(global_clipnorm=0.05), 13: put(global_clipnorm=None)},
        {},
        "",
    ),
    "clipping at one time": (
        {2: put(clipnorm=0.1), 5: lambda m: (m.set(clipnorm=None), m.set(clipvalue=0.01))},
        {},
        "",
    ),
    "decay off and on": (
        {2: put(weight_decay=None), 5: put(weight_decay=0.05), 9: put(weight_decay=None)},
        {"optimizer": lambda: keras.optimizers.SGD(0.1, weight_decay=0.01)},
        "",
    ),
    "momentum from 0": ({3: put(momentum=0.9), 8: put(momentum=0.5)}, {"optimizer": lambda: keras.optimizers.SGD(0.1)},
                        "it was 0 when the optimizer was built"),
    "momentum to 0": ({3: put(momentum=0.0), 8: put(momentum=0.7)}, {}, ""),
    "Adam": ({3: put(beta_1=0.5), 6: put(beta_2=0.9), 9: put(epsilon=1e-3)}, {"optimizer": adam}, ""),
    "averages": (
        {3: put(ema_momentum=0.5), 6: put(learning_rate=0.2)},
        {"optimizer": lambda: keras.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.9, ema_overwrite_frequency=5)},
        "",
    ),
    "RMSprop": (
        {3: put(rho=0.5), 6: put(learning_rate=0.2)},
        {"optimizer": lambda: keras.optimizers.RMSprop(0.01)},
        "",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", OPTIMIZERS)
def test_optimizers(case):
    steer, model, left_out = OPTIMIZERS[case]
    exact(dense(**model), steer, left_out=left_out)


TAKEN = {
    "after a rate": {3: put(learning_rate=0.3), 5: lambda m: m.take_over(), 9: lambda m: m.take_over(on=False)},
    "after a factor": {3: put(learning_rate_factor=0.3), 5: lambda m: m.take_over(), 9: put(learning_rate_factor=2.0),
                       14: lambda m: m.take_over(on=False)},
    "twice": {3: lambda m: m.take_over(), 7: lambda m: m.take_over(), 11: lambda m: m.take_over(on=False),
              13: lambda m: m.take_over(on=False)},
    "at one time": {3: lambda m: (m.take_over(), m.set(learning_rate_factor=0.5)),
                    5: lambda m: (m.take_over(on=False), m.take_over())},
    "with a rollback": {2: snapshot, 5: lambda m: m.take_over(), 8: rollback(), 10: lambda m: m.take_over(on=False),
                        12: lambda m: m.take_over()},
}  # fmt: skip


@pytest.mark.parametrize("case", TAKEN)
def test_schedules(case):
    exact(dense(decay), TAKEN[case])


class Twin(keras.Model):
    """A training step of its own, with two optimizers of its own, as a GAN has."""

    def __init__(self):
        super().__init__()
        self.one, self.two = keras.layers.Dense(1, name="one"), keras.layers.Dense(1, name="two")
        self.dropout = keras.layers.Dropout(0.3, name="dropout")
        self.loss_metric = keras.metrics.Mean(name="loss")

    def build(self, shape):
        self.one.build(shape)
        self.two.build(shape)
        self.built = True

    def compile(self, d_optimizer, g_optimizer):
        super().compile(run_eagerly=True)
        self.d_optimizer, self.g_optimizer = d_optimizer, g_optimizer

    def call(self, x):
        return self.one(x) + self.two(x)

    def train_step(self, data):
        import tensorflow as tf

        x, y = data
        for layer, optimizer in ((self.one, self.d_optimizer), (self.two, self.g_optimizer)):
            with tf.GradientTape() as tape:
                loss = keras.ops.mean((layer(self.dropout(x, training=True)) - y) ** 2)
            weights = layer.trainable_variables
            optimizer.apply_gradients(zip(tape.gradient(loss, weights), weights, strict=True))
        self.loss_metric.update_state(loss)
        return {"loss": self.loss_metric.result()}


def twins(d_optimizer, g_optimizer):
    def make():
        rng = np.random.default_rng(0)
        x = rng.random((32, 3), "float32")
        model = Twin()
        model.build((None, 3))
        model.compile(d_optimizer(), g_optimizer())
        return model, {"x": x, "y": x.sum(axis=1, keepdims=True), "batch_size": 4, "epochs": 2}

    return make


@pytest.mark.skipif(keras.backend.backend() != "tensorflow", reason="its training step is TensorFlow's")
def test_the_optimizers_of_a_training_step_of_its_own():
    make = twins(lambda: keras.optimizers.SGD(0.1, momentum=0.5), decay)
    steer = {
        3: lambda m: m.set({"d_optimizer.learning_rate": 0.01, "d_optimizer.momentum": 0.8}),
        5: lambda m: m.set({"g_optimizer.learning_rate_factor": 0.5}),
        6: snapshot,
        8: lambda m: m.set({"g_optimizer.learning_rate_take_over": True}),
        10: rollback(),
        12: lambda m: m.set({"dropout.rate": 0.6}),
    }
    exact(make, steer)
    exact(make, {0: snapshot, 5: rollback()}, left_out="it is older than the optimizers of the model's own")


# -- layers ------------------------------------------------------------------------------------------------------------


def sequence(*layers):
    def make():
        rng = np.random.default_rng(0)
        x = rng.random((32, 4, 6), "float32")
        found = [keras.Input((4, 6)), *layers[0](), keras.layers.Dense(1, name="out")]
        model = keras.Sequential(found)
        model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
        return model, {"x": x, "y": x.sum(axis=(1, 2))[:, None] / 10, "batch_size": 4, "epochs": 2}

    return make


def attending():
    def make():
        rng = np.random.default_rng(0)
        x = rng.random((32, 4, 6), "float32")
        inputs = keras.Input((4, 6))
        seen = keras.layers.MultiHeadAttention(2, 3, dropout=0.3, name="heads")(inputs, inputs)
        seen = keras.layers.Attention(dropout=0.2, seed=1, name="attention")([seen, seen])
        model = keras.Model(inputs, keras.layers.Dense(1, name="out")(keras.layers.Flatten()(seen)))
        model.compile(keras.optimizers.SGD(0.1), "mse", run_eagerly=True)
        return model, {"x": x, "y": x.sum(axis=(1, 2))[:, None] / 10, "batch_size": 4, "epochs": 2}

    return make


def recurrent():
    regularized = {"kernel_regularizer": keras.regularizers.L1L2(1e-3, 1e-3)}
    return [keras.layers.LSTM(4, dropout=0.2, recurrent_dropout=0.3, name="lstm", **regularized)]


def test_dropout_of_recurrent_layers():
    steer = {3: put(lstm__dropout=0.5), 6: put(lstm__recurrent_dropout=0.1), 9: put(lstm__kernel_regularizer__l2=0.1)}
    exact(sequence(recurrent), {**steer, 12: put(lstm__dropout=0.0)})


def test_dropout_of_attention():
    exact(attending(), {3: put(heads__dropout=0.6), 6: put(attention__dropout=0.5), 9: put(heads__dropout=0.0)})


def test_dropout_from_0_is_left_out():
    layers = lambda: [keras.layers.Dense(4, name="hidden"), keras.layers.Dropout(0.0, name="off")]  # noqa: E731
    exact(dense(layers=layers), {3: put(off__rate=0.5)}, left_out="it was 0 when the layer was made")


def test_layers_that_share_a_name_are_left_out():
    def layers():
        deep = keras.Sequential([keras.layers.Dropout(0.2, name="drop")], name="deep")
        also = keras.Sequential([keras.layers.Dropout(0.2, name="drop")], name="also")
        return [deep, also, keras.layers.Dropout(0.2, name="drop")]

    steer = {3: put(drop__rate=0.5), 4: lambda m: m.set({"drop#2.rate": 0.5}), 5: lambda m: m.set({"drop#3.rate": 0.1})}
    exact(dense(layers=layers), steer, left_out="several layers have this name")


def test_a_layer_that_is_not_there_is_missed_before_the_first_batch():
    run, source, _ = unlike(dense(), {3: put(dropout__rate=0.5)})
    space = {}
    exec(source, space)
    seen = []
    other = dense(layers=lambda: [keras.layers.Dropout(0.3, name="another")])
    batches = keras.callbacks.LambdaCallback(on_train_batch_begin=lambda batch, logs: seen.append(batch))
    with pytest.raises(ValueError, match="The model has no layer 'dropout'"):
        fit(other, after=[space["SteeredRun"], lambda: batches])
    assert run.step == 24
    assert seen == []


# -- ends --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["batch", "epoch"])
@pytest.mark.parametrize("validate", [True, False])
def test_stops(how, validate):
    exact(dense(adam), {3: put(learning_rate=0.2), 13: lambda m: m.stop(how, validate=validate)})


def test_it_goes_on_from_another_epoch_with_others_in_mind():
    steer = {3: put(learning_rate=0.2), 5: put(epochs=5), 9: snapshot, 14: rollback()}
    exact(dense(adam), steer, initial_epoch=1)
    exact(dense(adam), {3: put(learning_rate=0.2), 5: put(epochs=2), ("epoch", 1): put(learning_rate=0.3)})


# -- other callbacks ---------------------------------------------------------------------------------------------------


def plateau():
    return keras.callbacks.ReduceLROnPlateau(monitor="loss", mode="max", patience=1, factor=0.5, min_delta=0)


def scheduler():
    return keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.7)


@pytest.mark.parametrize("place", ["before", "after"])
@pytest.mark.parametrize("writer", [plateau, scheduler])
def test_what_others_wrote_to_the_rate(writer, place):
    steer = {5: put(learning_rate=0.3), 8: put(learning_rate=0.2), ("epoch", 1): put(momentum=0.1)}
    run, top = exact(dense(), steer, **{place: [writer]}, kept=[])
    assert "Leave out of the callbacks" in top
    assert any(event.kind == "changed" for event in run.events_list)


def test_a_rate_that_is_held():
    run, top = exact(dense(), {3: lambda m: m.hold()}, before=[plateau], kept=[], left_out="plain Keras cannot hold")
    assert any(event.kind == "held" for event in run.events_list)
    assert 'is in the table: "ReduceLROnPlateau"' in top


def test_a_cut_that_was_asked_for():
    cut = {11: lambda m: m.act("ReduceLROnPlateau.cut")}
    exact(dense(), cut, before=[plateau], kept=[])
    exact(dense(), cut, before=[plateau], kept=[], replayed=[])


def stopping():
    return keras.callbacks.EarlyStopping("loss", mode="max", patience=1, restore_best_weights=True)


def patient():
    return keras.callbacks.EarlyStopping("loss", mode="max", patience=99, restore_best_weights=True)


def test_weights_that_are_put_back_at_the_end():
    steer = {3: put(learning_rate=0.3)}
    run, top = exact(dense(), steer, before=[stopping], kept=[patient])
    assert 'Keep in the callbacks, as what they write to the weights is not in the table: "EarlyStopping"' in top
    assert run.status == "stopped"
    missing, rerun = fit(dense(), None, run.replay())
    warned = [event.message for event in rerun.events_list if event.kind == "warning"]
    assert warned == ["Run 1 had EarlyStopping, which writes to the weights; it must stay in the callbacks"]
    there, rerun = fit(dense(), None, run.replay(), [stopping])
    assert not [event for event in rerun.events_list if event.kind == "warning"]
    assert not np.array_equal(missing.get_weights()[0], there.get_weights()[0])


def test_the_settings_of_other_callbacks():
    steer = {3: put(EarlyStopping__patience=5), 9: put(EarlyStopping__on=False)}
    _, top = exact(dense(), steer, before=[stopping], kept=[patient], left_out="a setting of another callback")
    assert "another callback was switched on or off" in top
    digits = exact(dense(adam), {3: put(beta_1=0.5)})[1]
    assert DIGITS in digits

"""Layers' settings, changed while fit runs: proved by what the next batches do, on every backend and in every mode.

The file runs itself again for MirroredStrategy (its devices must be there before TensorFlow starts) and for JAX and
torch where they are installed.
"""

from __future__ import annotations

import contextlib
import importlib.util
import itertools
import json
import os
import subprocess
import sys
import zipfile

import keras
import numpy as np
import pytest

from kcb_widgets.steering.controls.control import Refused
from kcb_widgets.steering.controls.layers import find
from kcb_widgets.steering.controls.live_values import LiveScalar

BACKEND = keras.backend.backend()
AGAIN = os.environ.get("KCB_TEST_AGAIN", "")  # what this process was started for by the tests at the end of the file
STRATEGY = None
if AGAIN == "mirrored":
    import tensorflow as tf

    cpu = tf.config.list_physical_devices("CPU")[0]
    tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
    STRATEGY = tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"])

MODES = {
    "default": {},
    "jit": {"jit_compile": True},
    "eager": {"run_eagerly": True},
    "steps_per_execution": {"steps_per_execution": 2},
    "mixed_float16": {},
}
if BACKEND == "torch":
    MODES = {name: MODES[name] for name in ("default", "mixed_float16")}
if STRATEGY:
    MODES = {"default": {}}

ROWS, BATCHES = 64, 8


@pytest.fixture(params=MODES)
def mode(request):
    """How models are compiled."""
    if request.param == "mixed_float16":
        keras.mixed_precision.set_global_policy("mixed_float16")
    with STRATEGY.scope() if STRATEGY else contextlib.nullcontext():
        yield MODES[request.param]
    keras.mixed_precision.set_global_policy("float32")


class Steer(keras.callbacks.Callback):
    """Writes to controls just before given batches (counted over the whole fit, from 0), as the executor does.

    Args:
        plan: Batch, control and value, any number of times.
    """

    def __init__(self, *plan):
        super().__init__()
        self.plan, self.batch, self.written, self.seen = list(plan), 0, [], {}

    def on_train_begin(self, logs=None):
        self.controls = {control.name: control for control in find(self.model)}
        self._look(0)

    def on_train_batch_begin(self, batch, logs=None):
        due = [step for step in self.plan if step[0] == self.batch]
        written = []
        for _, name, value in due:
            control = self.controls[name]
            if callable(value):
                value(self.model, control)
                continue
            written.append(control.write(control.check(value)))
            assert control.read() == written[-1].new
        if any(one.rebuild for one in written):
            self.model.make_train_function(force=True)
        self.written += written

    def on_train_batch_end(self, batch, logs=None):
        self.batch += self.model.steps_per_execution
        self._look(self.batch)

    def on_train_end(self, logs=None):
        for control in self.controls.values():
            control.release()

    def _look(self, batch):
        self.seen[batch] = {short(weight): numbers(weight) for weight in self.model.weights}

    def moves(self, path):
        """How far a weight of one number moved, batch by batch (or by so many as Keras trains at once)."""
        values = [float(seen[path].ravel()[0]) for _, seen in sorted(self.seen.items())]
        return [a - b for a, b in itertools.pairwise(values)]


def short(weight):
    """A weight's path without the models it is in."""
    return "/".join(weight.path.split("/")[-2:])


def numbers(variable):
    return np.array(keras.ops.convert_to_numpy(variable))


def mean_prediction(y_true, y_pred):
    return keras.ops.mean(y_pred, axis=-1)


def train(model, steer, x, batch=ROWS, **kwargs):
    y = np.zeros((len(x), 1), "float32")
    return model.fit(x, y, batch_size=batch, shuffle=False, verbose=0, callbacks=[steer], **kwargs)


# -- rates -------------------------------------------------------------------------------------------------------------


def probe(layer, shape, mode, call=None):
    """A model whose last weight moves, on every batch, by the mean of what ``layer`` gives."""
    inputs = keras.Input(shape)
    outputs = call(layer, inputs) if call else layer(inputs)
    if len(outputs.shape) > 2:
        outputs = keras.layers.Lambda(lambda x: keras.ops.mean(x, axis=tuple(range(1, len(x.shape) - 1))))(outputs)
    layer.trainable = False
    last = keras.layers.Dense(1, use_bias=False, kernel_initializer="zeros", name="last")
    model = keras.Model(inputs, last(outputs), name="probe")
    model.compile(keras.optimizers.SGD(1.0), mean_prediction, **mode)
    return model


def the_same_data(shape):
    """Batches that are all alike."""
    rows = np.random.default_rng(0).uniform(0.5, 1.5, (ROWS, *shape)).astype("float32")
    return np.concatenate([rows] * BATCHES)


def test_dropout_from_0_and_back(mode):
    model = probe(keras.layers.Dropout(0.0, name="drop"), (1,), mode)
    steer = Steer((2, "drop.rate", 0.75), (6, "drop.rate", 0.0))
    train(model, steer, np.ones((ROWS * BATCHES, 1), "float32"))
    moves, at_once = steer.moves("last/kernel"), model.steps_per_execution
    batches = np.array(moves) * ROWS / at_once
    off, on = 2 // at_once, 6 // at_once
    assert batches[:off].tolist() == batches[on:].tolist() == [ROWS] * off
    kept = batches[off:on] * at_once / 4  # a quarter is kept and counts four times
    assert kept == pytest.approx(kept.round(), abs=1e-3)
    assert (kept / at_once < 28).all()
    assert len(set(kept)) > 1
    assert [(one.old, one.new) for one in steer.written] == [(0.0, 0.75), (0.75, 0.0)]
    assert all(one.rebuild == (BACKEND != "torch" and not model.run_eagerly) for one in steer.written)


KINDS = {
    "drop.rate": [
        (keras.layers.Dropout, (4,)),
        (keras.layers.SpatialDropout1D, (4, 3)),
        (keras.layers.SpatialDropout2D, (4, 4, 3)),
        (keras.layers.GaussianDropout, (4,)),
        (keras.layers.AlphaDropout, (4,)),
    ],
    "drop.stddev": [(keras.layers.GaussianNoise, (4,))],
}


@pytest.mark.parametrize(("name", "kind", "shape"), [(name, *kind) for name, kinds in KINDS.items() for kind in kinds])
def test_every_kind_of_dropout_and_noise(name, kind, shape):
    model = probe(kind(0.0, name="drop"), shape, {})
    assert_noisy_in_the_middle(model, name, shape)


def assert_noisy_in_the_middle(model, name, shape, off=0.0):
    steer = Steer((2, name, 0.5), (5, name, off))
    train(model, steer, the_same_data(shape))
    moves = steer.moves("last/kernel")
    assert moves[:2] + moves[5:] == pytest.approx([moves[0]] * 5, rel=1e-4)
    assert len({moves[0], *moves[2:5]}) == 4
    assert moves[2:5] != pytest.approx([moves[0]] * 3, rel=1e-3)


@pytest.mark.parametrize("kind", ["Attention", "AdditiveAttention", "MultiHeadAttention", "GroupQueryAttention"])
def test_dropout_of_attention(kind):
    makes = {
        "Attention": lambda: keras.layers.Attention(name="look"),
        "AdditiveAttention": lambda: keras.layers.AdditiveAttention(name="look"),
        "MultiHeadAttention": lambda: keras.layers.MultiHeadAttention(2, 3, name="look"),
        "GroupQueryAttention": lambda: keras.layers.GroupQueryAttention(3, 4, 2, name="look"),
    }
    single = kind in ("Attention", "AdditiveAttention")
    call = (lambda layer, x: layer([x, x])) if single else (lambda layer, x: layer(x, x))
    model = probe(makes[kind](), (4, 3), {}, call)
    assert [control.name for control in find(model) if control.kind == "number"] == ["look.dropout"]
    assert_noisy_in_the_middle(model, "look.dropout", (4, 3))
    assert model.get_layer("look").get_config()["dropout"] == 0


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU", "ConvLSTM1D"])
def test_dropout_of_recurrent_layers(kind):
    conv = kind == "ConvLSTM1D"
    arguments, shape = ({"filters": 2, "kernel_size": 2}, (3, 4, 2)) if conv else ({"units": 2}, (3, 4))
    model = probe(getattr(keras.layers, kind)(**arguments, name="rnn"), shape, {})
    names = [control.name for control in find(model) if control.kind == "number"]
    assert names == ["rnn.dropout", "rnn.recurrent_dropout"]
    assert_noisy_in_the_middle(model, "rnn.dropout", shape)


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM", "GRU"])
def test_dropout_of_the_state_of_recurrent_layers(kind):
    model = probe(getattr(keras.layers, kind)(2, recurrent_dropout=0.5, name="rnn"), (3, 4), {})
    model.get_layer("rnn").cell.recurrent_dropout = 0.0
    assert_noisy_in_the_middle(model, "rnn.recurrent_dropout", (3, 4))


def test_what_a_recurrent_layer_was_not_made_for_is_refused():
    model = probe(keras.layers.LSTM(2, name="rnn"), (3, 4), {})
    control = {control.name: control for control in find(model)}["rnn.recurrent_dropout"]
    assert not control.describe()["enabled"]
    with pytest.raises(Refused, match="was 0 when the layer was made"):
        control.write(0.5)
    model = probe(keras.layers.LSTM(2, dropout=0.5, recurrent_dropout=0.5, name="rnn"), (3, 4), {})
    control = {control.name: control for control in find(model)}["rnn.recurrent_dropout"]
    with pytest.raises(Refused, match="dropout but no recurrent_dropout"):
        control.write(0.0)
    assert control.read() == 0.5
    train(model, Steer(), the_same_data((3, 4)))


# -- regularizers ------------------------------------------------------------------------------------------------------


def test_l2_acts_on_the_very_next_batch(mode):
    model = keras.Sequential(
        [
            keras.Input((1,)),
            keras.layers.Dense(1, use_bias=False, kernel_initializer="ones", kernel_regularizer="l2", name="one"),
        ],
        name="model",
    )
    model.compile(keras.optimizers.SGD(0.125), mean_prediction, **mode)
    steer = Steer((4, "one.kernel_regularizer.l2", 0.5))
    train(model, steer, np.ones((ROWS * BATCHES, 1), "float32"))
    weight, expected = 1.0, {0: 1.0}
    for batch in range(BATCHES):
        weight -= 0.125 * (1 + 2 * (0.01 if batch < 4 else 0.5) * weight)
        expected[batch + 1] = weight
    for batch, seen in steer.seen.items():
        assert seen["one/kernel"].item() == pytest.approx(expected[batch], abs=2e-6), batch
    assert steer.written[0].old == 0.01


R = keras.regularizers


@pytest.mark.parametrize(
    ("label", "make"),
    [
        ("kernel_regularizer.l1", lambda x: {"kernel_regularizer": R.L1(x)}),
        ("kernel_regularizer.l1", lambda x: {"kernel_regularizer": R.L1L2(l1=x, l2=0.1)}),
        ("bias_regularizer.l2", lambda x: {"bias_regularizer": R.L1L2(l2=x)}),
        ("activity_regularizer.l2", lambda x: {"activity_regularizer": R.L2(x)}),
        ("kernel_regularizer.factor", lambda x: {"kernel_regularizer": R.OrthogonalRegularizer(x)}),
    ],
)
def test_every_strength_as_if_the_model_had_been_made_with_it(label, make):
    def model(strength):
        dense = keras.layers.Dense(3, name="dense", bias_initializer="ones", **make(strength))
        made = keras.Sequential([keras.Input((3,)), dense, keras.layers.Dense(1, name="last")], name="model")
        made.compile(keras.optimizers.SGD(0.001), "mse")
        return made

    keras.utils.set_random_seed(1)
    first = model(0.125)
    x = the_same_data((3,))
    steer = Steer((4, f"dense.{label}", 0.5))
    train(first, steer, x)
    second = model(0.5)
    for weight in second.weights:
        weight.assign(steer.seen[4][short(weight)])
    train(second, Steer(), x[: ROWS * 4])
    for weight in second.weights:
        assert numbers(weight) == pytest.approx(steer.seen[8][short(weight)], abs=1e-6)
    assert steer.written[0].old == 0.125
    assert first.get_layer("dense").get_config() == second.get_layer("dense").get_config()


def test_validation_knows_the_new_strength():
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(1, kernel_regularizer="l2", name="d")], name="model"
    )
    model.compile(keras.optimizers.SGD(0.0), "mse")
    x = the_same_data((3,))
    steer = Steer((8, "d.kernel_regularizer.l2", 5.0))
    y = np.zeros((len(x), 1), "float32")
    losses = train(model, steer, x, epochs=2, validation_data=(x, y)).history["val_loss"]
    penalty = float((numbers(model.weights[0]) ** 2).sum())
    assert losses[1] - losses[0] == pytest.approx(4.99 * penalty, rel=1e-4)


def test_a_shared_regularizer_says_so():
    shared = R.L2(0.1)
    layers = [keras.layers.Dense(3, kernel_regularizer=shared, name=name) for name in "ab"]
    model = keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    controls = {control.name: control for control in find(model)}
    assert "2 places" in controls["a.kernel_regularizer.l2"].write(0.2).message
    assert controls["b.kernel_regularizer.l2"].read() == 0.2


def test_a_regularizer_that_no_weight_uses_is_not_pretended_to_work():
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1, name="d", kernel_regularizer="l2")])
    model.layers[0].kernel_regularizer = R.L2(0.3)  # Keras ignores that
    model.compile("sgd", "mse")
    control = {control.name: control for control in find(model)}["d.kernel_regularizer.l2"]
    assert "none of the layer's weights" in control.describe()["reason"]


# -- freezing ----------------------------------------------------------------------------------------------------------


def three(optimizer, mode, frozen=()):
    """A model of three small layers."""
    keras.utils.set_random_seed(5)
    layers = [keras.layers.Dense(3, "tanh", name="a"), keras.layers.Dense(3, "tanh", name="b")]
    last = keras.layers.Dense(1, name="c", dtype="float32")
    model = keras.Sequential([keras.Input((3,)), *layers, last], name="model")
    for name in frozen:
        model.get_layer(name).trainable = False
    model.compile(optimizer, "mse", **mode)
    return model


def some_data():
    return np.random.default_rng(1).normal(size=(ROWS * BATCHES, 3)).astype("float32")


def adam():
    return keras.optimizers.Adam(0.01, weight_decay=0.01, name="adam")


def state(optimizer):
    """An optimizer's state, in its order, by path."""
    return {path(variable): numbers(variable) for variable in optimizer.variables}


def path(variable):
    """A variable's path, whoever had it made: the optimizer itself, or the one around it that scales the loss."""
    return variable.path.replace("loss_scale_optimizer/adam", "adam")


class ByHand:
    """What a person would do between two fits: another optimizer for the weights that train, with its state copied."""

    def __init__(self, model, mode):
        self.model, self.mode, self.state = model, mode, {}

    def go_on(self, x, trainable=()):
        for name, flag in trainable:
            self.model.get_layer(name).trainable = flag
        self.state |= state(self.model.optimizer)
        self.model.compile(adam(), "mse", **self.mode)
        self.model.optimizer.build(self.model.trainable_variables)
        for variable in self.model.optimizer.variables:
            if path(variable) in self.state:
                variable.assign(self.state[path(variable)])
        train(self.model, Steer(), x)


def assert_same(model, other):
    for weight, same in zip(model.weights, other.weights, strict=True):
        assert np.array_equal(numbers(weight), numbers(same)), weight.path
    ours, theirs = state(model.optimizer), state(other.optimizer)
    assert list(ours) == list(theirs)
    for name in ours:
        assert np.array_equal(ours[name], theirs[name]), name


def moved(steer, begin, end, layer):
    return not np.array_equal(steer.seen[begin][f"{layer}/kernel"], steer.seen[end][f"{layer}/kernel"])


def test_freeze_then_unfreeze_as_if_done_by_hand_between_fits(mode):
    x = some_data()
    model = three(adam(), mode)
    optimizer = model.optimizer
    steer = Steer((2, "b.trainable", False), (6, "b.trainable", True))
    train(model, steer, x)
    assert model.optimizer is optimizer
    assert [moved(steer, *span, "b") for span in ((0, 2), (2, 6), (6, 8))] == [True, False, True]
    assert all(moved(steer, *span, "a") for span in ((0, 2), (2, 4), (4, 6), (6, 8)))

    other = three(adam(), mode)
    train(other, Steer(), x[: 2 * ROWS])
    hand = ByHand(other, mode)
    hand.go_on(x[2 * ROWS : 6 * ROWS], [("b", False)])
    hand.go_on(x[6 * ROWS :], [("b", True)])
    assert_same(model, other)


def test_unfreeze_what_was_frozen_when_the_model_was_compiled(mode):
    x = some_data()
    model = three(adam(), mode, frozen=["a", "b"])
    steer = Steer((4, "a.trainable", True))
    train(model, steer, x)
    assert [moved(steer, *span, "a") for span in ((0, 4), (4, 6))] == [False, True]
    assert not moved(steer, 0, 8, "b")
    assert "anew" in steer.written[0].message

    other = three(adam(), mode, frozen=["a", "b"])
    train(other, Steer(), x[: 4 * ROWS])
    ByHand(other, mode).go_on(x[4 * ROWS :], [("a", True)])
    assert_same(model, other)


PLAIN = {
    "SGD": lambda: keras.optimizers.SGD(0.1),
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.9, nesterov=True),
    "Adam": lambda: keras.optimizers.Adam(0.01, amsgrad=True),
    "accumulating": lambda: keras.optimizers.Adam(0.01, gradient_accumulation_steps=2),
    "schedule": lambda: keras.optimizers.Adam(keras.optimizers.schedules.ExponentialDecay(0.05, 2, 0.5)),
    "RMSprop": lambda: keras.optimizers.RMSprop(0.01, momentum=0.5, centered=True),
    "Nadam": lambda: keras.optimizers.Nadam(0.01),
    "Adafactor": lambda: keras.optimizers.Adafactor(0.01),
    "Adagrad": lambda: keras.optimizers.Adagrad(0.1),
    "Adadelta": lambda: keras.optimizers.Adadelta(1.0),
    "Adamax": lambda: keras.optimizers.Adamax(0.01),
    "Ftrl": lambda: keras.optimizers.Ftrl(0.1),
    "Lion": lambda: keras.optimizers.Lion(0.01),
    "Lamb": lambda: keras.optimizers.Lamb(0.01),
    "Muon": lambda: keras.optimizers.Muon(0.01),
}


@pytest.mark.skipif(BACKEND == "jax", reason="Keras itself cannot do this on JAX")
@pytest.mark.parametrize("name", [name for name in PLAIN if name != "Muon" or hasattr(keras.optimizers, "Muon")])
def test_every_optimizer_goes_on_as_one_that_knew_all_weights_all_along(name):
    """TensorFlow and torch let a layer be frozen with no word to the optimizer: that is the reference."""
    x = some_data()
    model = three(PLAIN[name](), {"run_eagerly": True})
    steer = Steer((2, "b.trainable", False), (4, "b.trainable", True))
    train(model, steer, x)

    def flip(flag):
        def do(model, control):
            model.get_layer("b").trainable = flag

        return do

    other = three(PLAIN[name](), {"run_eagerly": True})
    train(other, Steer((2, "b.trainable", flip(False)), (4, "b.trainable", flip(True))), x)
    assert not moved(steer, 2, 4, "b")
    for weight, same in zip(model.weights, other.weights, strict=True):
        assert np.array_equal(numbers(weight), numbers(same)), weight.path
    ours, theirs = model.optimizer.variables, other.optimizer.variables
    assert [variable.shape for variable in ours] == [variable.shape for variable in theirs]
    for variable, same in zip(ours, theirs, strict=True):
        if "accumulator" not in variable.path or name != "accumulating":
            assert np.array_equal(numbers(variable), numbers(same)), variable.path


def test_an_average_of_weights_begins_at_the_weights():
    model = three(keras.optimizers.SGD(0.0, use_ema=True), {}, frozen=["a"])
    before = [numbers(weight) for weight in model.weights]
    train(model, Steer((3, "b.trainable", False), (5, "a.trainable", True)), some_data())  # fit ends with the averages
    for weight, value in zip(model.weights, before, strict=True):
        assert numbers(weight) == pytest.approx(value, abs=1e-6)


def test_two_layers_of_one_shape_are_not_taken_for_each_other():
    x, plan = some_data(), [(3, "a.trainable", False), (11, "a.trainable", True), (11, "b.trainable", False)]
    model, steer = three(adam(), {}), Steer(*plan)
    losses = train(model, steer, x, epochs=2, validation_data=(x, np.zeros((len(x), 1)))).history["val_loss"]
    assert [moved(steer, *span, "a") for span in ((3, 11), (11, 16))] == [False, True]
    assert [moved(steer, *span, "b") for span in ((3, 11), (11, 16))] == [True, False]
    assert losses[-1] == pytest.approx(float((model.predict(x, verbose=0) ** 2).mean()), rel=1e-5)
    assert losses[-1] == pytest.approx(model.evaluate(x, np.zeros((len(x), 1)), verbose=0), rel=1e-5)


def test_saved_in_mid_fit_it_loads_with_the_optimizers_state_and_without_us(tmp_path):
    file = tmp_path / "model.keras"
    dropout = keras.layers.Dropout(0.0, name="drop")
    model = three(adam(), {}, frozen=["a"])
    model = keras.Sequential([keras.Input((3,)), dropout, *model.layers], name="model")
    model.compile(adam(), "mse")
    plan = [(2, "a.trainable", True), (3, "b.trainable", False), (3, "drop.rate", 0.5)]
    states = []

    def save(model, control):
        model.save(file)
        states.append((state(model.optimizer), [numbers(weight) for weight in model.weights]))

    train(model, Steer(*plan, (5, "drop.rate", save)), some_data())
    with zipfile.ZipFile(file) as archive:
        config = archive.read("config.json").decode()
    assert "kcb" not in config
    loaded = keras.saving.load_model(file)
    assert [short(weight) for weight in loaded.trainable_weights] == ["a/kernel", "a/bias", "c/kernel", "c/bias"]
    assert loaded.get_layer("drop").rate == 0.5
    saved, weights = states[0]
    for variable, (name, value) in zip(loaded.optimizer.variables, saved.items(), strict=True):
        assert variable.path == name.replace("model_", "")  # Keras has forgotten where the model was built
        assert np.array_equal(numbers(variable), value)
    assert all(np.array_equal(numbers(ours), value) for ours, value in zip(loaded.weights, weights, strict=True))
    train(loaded, Steer(), some_data())
    config = json.loads(config)
    assert config["compile_config"]["optimizer"]["class_name"] == "Adam"


@pytest.mark.skipif(BACKEND != "tensorflow", reason="only TensorFlow has checkpoints of its own")
def test_tensorflows_own_checkpoints_can_still_be_written(tmp_path):
    import tensorflow as tf

    model = three(adam(), {})
    train(model, Steer((2, "b.trainable", False), (4, "b.trainable", True)), some_data())
    tf.train.Checkpoint(model=model, optimizer=model.optimizer).save(tmp_path / "checkpoint")


def test_a_variable_in_place_of_a_number_stays_in_its_place():
    model = three(keras.optimizers.SGD(0.1, momentum=0.9), {})
    live = LiveScalar(0.5, dtype="float32", trainable=False, name="live")
    model.optimizer.momentum = live
    refits = []

    class Hooked(Steer):
        def on_train_begin(self, logs=None):
            super().on_train_begin(logs)
            hooked = find(self.model, lambda old, new: refits.append((old, new)))
            self.controls = {control.name: control for control in hooked}

    def dial(model, control):
        live.assign(0.0)

    steer = Hooked((2, "b.trainable", False), (4, "b.trainable", dial))
    train(model, steer, some_data())
    assert refits == [(model.optimizer, model.optimizer)]
    assert model.optimizer.momentum is live
    assert sum(variable is live for variable in model.optimizer.variables) == 1
    other = three(keras.optimizers.SGD(0.1, momentum=0.5), {})

    def without(model, control):
        model.optimizer.momentum = 0.0
        model.make_train_function(force=True)

    train(other, Steer((2, "b.trainable", False), (4, "b.trainable", without)), some_data())
    for weight, same in zip(model.weights, other.weights, strict=True):
        assert numbers(weight) == pytest.approx(numbers(same), abs=1e-6)


def backbone():
    layers = [keras.Input((3,)), keras.layers.Dense(3, name="low"), keras.layers.BatchNormalization(name="norm")]
    inner = keras.Sequential([*layers, keras.layers.Dense(3, name="high")], name="backbone")
    inputs = keras.Input((3,))
    model = keras.Model(inputs, keras.layers.Dense(1, name="head")(inner(inputs)), name="whole")
    inner.trainable = False
    model.compile(adam(), "mse")
    return model


def test_unfreeze_a_backbone_then_freeze_a_part_of_it():
    model = backbone()
    steer = Steer((2, "backbone.trainable", True), (4, "low.trainable", False), (4, "norm.trainable", False))
    train(model, steer, some_data())
    assert [moved(steer, *span, "low") for span in ((0, 2), (2, 4), (4, 8))] == [False, True, False]
    assert [moved(steer, *span, "high") for span in ((0, 2), (2, 8))] == [False, True]
    assert "statistics" in steer.written[2].message
    assert np.array_equal(steer.seen[4]["norm/moving_mean"], steer.seen[8]["norm/moving_mean"])
    assert not np.array_equal(steer.seen[2]["norm/moving_mean"], steer.seen[4]["norm/moving_mean"])


def test_what_trained_in_a_backbone_before_it_was_frozen_trains_after():
    model = backbone()
    model.get_layer("backbone").trainable = True
    plan = [(1, "low", False), (2, "backbone", False), (4, "backbone", True)]
    steer = Steer(*[(batch, f"{name}.trainable", value) for batch, name, value in plan])
    train(model, steer, some_data())
    assert [moved(steer, *span, "low") for span in ((0, 1), (1, 8))] == [True, False]
    assert [moved(steer, *span, "high") for span in ((1, 2), (2, 4), (4, 8))] == [True, False, True]


def test_a_layer_of_a_frozen_model_says_why_it_cannot_be_unfrozen():
    controls = {control.name: control for control in find(backbone())}
    assert controls["low.trainable"].describe()["reason"] == "backbone, which it is part of, is frozen"
    assert controls["backbone.trainable"].describe()["enabled"]
    with pytest.raises(Refused):
        controls["low.trainable"].write(True)


@pytest.mark.parametrize("kind", ["LSTM", "Bidirectional", "MultiHeadAttention"])
def test_a_layer_made_of_layers_is_frozen_as_one(kind, tmp_path):
    inputs = keras.Input((4, 3))
    if kind == "MultiHeadAttention":
        outputs = keras.layers.MultiHeadAttention(2, 3, name="layer")(inputs, inputs)
    elif kind == "Bidirectional":
        outputs = keras.layers.Bidirectional(keras.layers.LSTM(2), name="layer")(inputs)
    else:
        outputs = keras.layers.LSTM(2, name="layer")(inputs)
    model = keras.Model(inputs, keras.layers.Dense(1, name="last")(outputs))
    model.compile("adam", "mse")
    flags = [control.name for control in find(model) if control.kind == "flag"]
    assert flags == ["layer.trainable", "last.trainable"]
    steer = Steer((2, "layer.trainable", False), (5, "layer.trainable", True))
    train(model, steer, np.tile(some_data()[:, None], (1, 4, 1)))
    watched = [name for name in steer.seen[0] if not name.startswith("last")]
    still = [
        all(np.array_equal(steer.seen[a][name], steer.seen[b][name]) for name in watched) for a, b in ((2, 5), (5, 8))
    ]
    assert still == [True, False]


def test_the_last_layer_that_trains_cannot_be_frozen():
    model = three(adam(), {}, frozen=["a", "b"])

    def refused(model, control):
        with pytest.raises(Refused, match="nothing would be left"):
            control.write(False)

    steer = Steer((2, "c.trainable", refused))
    train(model, steer, some_data())
    assert moved(steer, 2, 8, "c")


def test_what_cannot_be_refitted_is_refused_and_nothing_changes():
    class Odd(keras.optimizers.SGD):
        def build(self, variables):
            super().build(variables)
            self.extra = {i: self.add_variable(()) for i in range(2)}

    model = three(Odd(0.1, momentum=0.9), {})

    def refused(model, control):
        before, variables = dict(vars(model.optimizer)), [id(variable) for variable in model.optimizer.variables]
        with pytest.raises(Refused, match="cannot be told apart"):
            control.write(False)
        assert model.get_layer("b").trainable
        assert model.optimizer.built
        assert [id(variable) for variable in model.optimizer.variables] == variables
        assert vars(model.optimizer).keys() == before.keys()
        assert [id(slot) for slot in model.optimizer.momentums] == [id(slot) for slot in before["momentums"]]
        model.make_train_function(force=True)

    steer = Steer((2, "b.trainable", refused))
    train(model, steer, some_data())
    other = three(Odd(0.1, momentum=0.9), {})
    train(other, Steer(), some_data())
    assert moved(steer, 2, 8, "b")
    for weight, same in zip(model.weights, other.weights, strict=True):
        assert np.array_equal(numbers(weight), numbers(same))


def test_several_optimizers_are_disabled_with_a_reason():
    model = three(adam(), {})
    model.other = keras.optimizers.SGD()
    assert "besides" in {control.name: control for control in find(model)}["a.trainable"].describe()["reason"]
    if not hasattr(keras.optimizers, "MultiOptimizer"):
        return
    several = keras.optimizers.OptimizerMap(keras.optimizers.SGD(0.1), {".*a.*": adam()})
    model = three(keras.optimizers.MultiOptimizer(several), {})
    assert "several" in {control.name: control for control in find(model)}["a.trainable"].describe()["reason"]


def test_the_state_is_brought_home_by_the_control_alone():
    """``Callback.model`` brings JAX's state home whenever it is asked for; the executor asks only when it has to."""

    class Quiet(Steer):
        def on_train_batch_begin(self, batch, logs=None):
            for _, name, value in [step for step in self.plan if step[0] == self.batch]:
                if self.controls[name].write(value).rebuild:
                    self._model.make_train_function(force=True)

        def on_train_batch_end(self, batch, logs=None):
            self.batch += 1

    def model():
        layers = [
            keras.layers.Dense(3, name="a", kernel_regularizer="l2"),
            keras.layers.Dropout(0.0, seed=1, name="drop"),
        ]
        made = keras.Sequential([keras.Input((3,)), *layers, keras.layers.Dense(1, name="c")], name="model")
        made.compile(adam(), "mse")
        return made

    plan = [
        (1, "drop.rate", 0.5),
        (2, "a.trainable", False),
        (4, "a.trainable", True),
        (6, "a.kernel_regularizer.l2", 0.5),
    ]
    keras.utils.set_random_seed(2)
    quiet = model()
    train(quiet, Quiet(*plan), some_data())
    keras.utils.set_random_seed(2)
    other = model()
    train(other, Steer(*plan), some_data())
    assert_same(quiet, other)


def test_at_the_end_of_an_epoch_after_validation():
    class AtEnd(Steer):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 0:
                self.controls["b.trainable"].write(False)
                self.controls["a.trainable"].write(True)
                self.model.make_train_function(force=True)

    model, x, steer = three(adam(), {}, frozen=["a"]), some_data(), AtEnd()
    train(model, steer, x, epochs=2, validation_data=(x, np.zeros((len(x), 1))))
    assert [moved(steer, *span, "a") for span in ((0, 8), (8, 16))] == [False, True]
    assert [moved(steer, *span, "b") for span in ((0, 8), (8, 16))] == [True, False]


class Block(keras.layers.Layer):
    """A layer of a user's own, made of layers."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first, self.drop = keras.layers.Dense(3, name="first"), keras.layers.Dropout(0.0, name="inside")

    def build(self, shape):
        self.first.build(shape)
        self.built = True

    def call(self, x, training=False):
        return self.drop(self.first(x), training=training)


def test_a_subclassed_model_and_a_layer_of_the_users_own():
    class Own(keras.Model):
        def __init__(self):
            super().__init__(name="own")
            self.block, self.out = Block(name="block"), keras.layers.Dense(1, name="out")

        def call(self, x, training=False):
            return self.out(self.block(x, training=training))

    model = Own()
    model(np.zeros((1, 3)))  # TensorFlow would build it on the first batch
    model.compile(adam(), "mse")
    steer = Steer((2, "block.trainable", False), (3, "inside.rate", 0.5), (5, "block.trainable", True))
    train(model, steer, some_data())
    assert list(steer.controls) == ["block.trainable", "inside.rate", "out.trainable"]
    assert [moved(steer, *span, "first") for span in ((0, 2), (2, 5), (5, 8))] == [True, False, True]


# -- all of them -------------------------------------------------------------------------------------------------------


def test_names_are_layers_names_and_paths_where_these_are_not_unique():
    inner = [keras.Sequential([keras.Input((3,)), keras.layers.Dense(3, name="d")], name=name) for name in "xy"]
    model = keras.Sequential([keras.Input((3,)), *inner, keras.layers.Dropout(0.1, name="drop")], name="model")
    model.compile("sgd", "mse")
    names = [control.name for control in find(model)]
    first, second = (f"{one.get_layer('d').path}.trainable" for one in inner)
    assert names == ["x.trainable", first, "y.trainable", second, "drop.rate"]
    assert len(set(names)) == len(names)
    drop = find(model)[-1]
    assert (drop.section, drop.label, drop.group, drop.heavy) == ("drop", "rate", "layers", True)


@pytest.mark.parametrize(
    ("value", "error"), [(1.0, ValueError), (-0.1, ValueError), ("a", TypeError), (None, TypeError)]
)
def test_rates_out_of_range_are_refused(value, error):
    model = probe(keras.layers.Dropout(0.1, name="drop"), (1,), {})
    control = {control.name: control for control in find(model)}["drop.rate"]
    with pytest.raises(error):
        control.check(value)


def test_nothing_is_touched_before_the_first_write_and_nothing_by_the_same_value():
    model = three(adam(), {})
    model.add(keras.layers.Dropout(0.0, name="drop"))
    model.compile(adam(), "mse")
    train(model, Steer(), some_data())
    objects = [model, model.optimizer, *model.layers]
    before = [dict(vars(one)) for one in objects]
    for control in find(model):
        control.describe()
        assert not control.write(control.read()).rebuild
        control.release()
    for one, attributes in zip(objects, before, strict=True):
        assert vars(one).keys() == attributes.keys()
        assert all(vars(one)[name] is value for name, value in attributes.items())


# -- elsewhere ---------------------------------------------------------------------------------------------------------


def run_again(what, *select, **environment):
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", __file__, *select]
    done = subprocess.run(
        command, env=os.environ | {"KCB_TEST_AGAIN": what} | environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "passed" in done.stdout


@pytest.mark.skipif(bool(AGAIN) or BACKEND != "tensorflow", reason="is what starts the others")
def test_on_two_devices_of_a_mirrored_strategy():
    run_again("mirrored", "-k", "from_0 or very_next or by_hand or when_the_model")


@pytest.mark.skipif(bool(AGAIN) or BACKEND != "tensorflow", reason="is what starts the others")
@pytest.mark.parametrize("backend", ["jax", "torch"])
def test_on_other_backends(backend):
    if importlib.util.find_spec(backend) is None:
        pytest.skip(f"{backend} is not installed")
    run_again(backend, KERAS_BACKEND=backend)

"""What a run was made with is read as its fit begins: all of it that is there, nothing private, and no harm done."""

from __future__ import annotations

import gc
import json
import random
import sys
import weakref
from dataclasses import FrozenInstanceError

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.keras_internals.frames import fit_frame
from kcb_widgets.record import privacy
from kcb_widgets.session import settings as module
from kcb_widgets.session.settings import collect, collect_model
from kcb_widgets.session.tidy import MAX_LEAVES, Tidy
from kcb_widgets.steering import backends

BACKEND = keras.backend.backend()


class Look(keras.callbacks.Callback):
    """Collects as a fit begins, as a Monitor would."""

    def set_params(self, params):
        super().set_params(params)
        self.told = params

    def on_train_begin(self, logs=None):
        frame = fit_frame(sys._getframe())
        others = [one for one in self.others if one is not self]
        self.settings = collect(self._model, frame, self.told, others)


def look(model, *args, callbacks=(), verbose=0, **kwargs):
    """The settings of a fit."""
    seen = Look()
    seen.others = list(callbacks)
    model.fit(*args, verbose=verbose, callbacks=[*callbacks, seen], **kwargs)
    return seen.settings


def leaves(value):
    if isinstance(value, dict):
        return sum(map(leaves, value.values()))
    return sum(map(leaves, value)) if isinstance(value, list) else 1


def plain(value):
    """Whether JSON can hold it as it is."""
    if isinstance(value, dict):
        return all(type(key) is str and plain(one) for key, one in value.items())
    if isinstance(value, list):
        return all(map(plain, value))
    return value is None or type(value) in (str, int, float, bool)


@pytest.fixture(autouse=True)
def user(monkeypatch):
    """The user is called zquill."""
    monkeypatch.setattr("getpass.getuser", lambda: "zquill")
    privacy._names.cache_clear()
    yield
    privacy._names.cache_clear()


# -- an ordinary fit --------------------------------------------------------------------------------------------------


@pytest.fixture
def ordinary(classifier):
    model, x, y = classifier(metrics=["accuracy", keras.metrics.AUC(name="area")], loss_weights=0.5)
    kwargs = {"epochs": 1, "batch_size": 16, "validation_split": 0.25, "class_weight": {0: 1.0, 1: np.float32(2.0)}}
    return model, look(model, x, y, **kwargs)


def test_an_ordinary_fit_is_described(ordinary):
    model, found = ordinary
    values = found.values
    assert found.missing == []
    assert values["model"] == {
        "type": "Sequential",
        "name": model.name,
        "count_params": 81,
        "trainable_params": 81,
        "non_trainable_params": 0,
        "layers": 3,
        "run_eagerly": False,
        "jit_compile": model.jit_compile,
        "steps_per_execution": 1,
        "dtype_policy": "float32",
    }
    assert values["optimizer"]["type"] == "Adam"
    assert values["optimizer"]["learning_rate"] == 0.001
    assert values["optimizer"]["beta_1"] == 0.9
    assert "clipnorm" not in values["optimizer"]
    assert values["loss"] == "binary_crossentropy"
    assert values["loss_weights"] == 0.5
    assert values["metrics"] == ["accuracy", "area"]
    assert values["callbacks"] == []
    assert values["data"] == {
        "x": {"shape": [48, 8], "dtype": "float32"},
        "y": {"shape": [48, 1], "dtype": "float32"},
        "validation_data": {
            "x": {"shape": [16, 8], "dtype": "float32"},
            "y": {"shape": [16, 1], "dtype": "float32"},
        },
        "batch_size": 16,
    }
    assert values["fit"] == {
        "epochs": 1,
        "steps": 3,
        "verbose": 0,
        "batch_size": 16,
        "steps_per_epoch": None,
        "validation_split": 0.25,
        "validation_freq": 1,
        "shuffle": True,
        "initial_epoch": 0,
        "class_weight": {"0": 1.0, "1": 2.0},
    }
    assert values["backend"] == BACKEND
    assert values["versions"]["kcb_widgets"] == kcb.__version__
    assert values["versions"]["keras"] == keras.__version__
    assert set(values["versions"]) == {"python", "keras", BACKEND, "numpy", "kcb_widgets"}
    assert values["device"]["platform"] in ("cpu", "gpu", "cuda")


def test_the_documents_are_those_of_keras(ordinary):
    model, found = ordinary
    assert keras.models.model_from_json(found.model_config).count_params() == 81
    assert json.loads(found.model_config)["config"] == json.loads(model.to_json())["config"]
    assert "Dense" in found.model_summary
    assert max(map(len, found.model_summary.splitlines())) <= 100


@pytest.mark.parametrize("columns", ["60", "80", "100", "300"])
def test_no_column_of_the_summary_is_cut_off(monkeypatch, ordinary, columns):
    monkeypatch.setenv("COLUMNS", columns)
    summary = collect_model(ordinary[0]).model_summary
    assert "Param #" in summary
    assert max(map(len, summary.splitlines())) == min(int(columns), 100)


def test_it_is_plain_and_cannot_be_changed_by_chance(ordinary):
    found = ordinary[1]
    assert plain(found.values)
    assert json.loads(json.dumps(found.values)) == found.values
    with pytest.raises(FrozenInstanceError):
        found.values = {}


def test_nothing_is_kept_alive(unit_model):
    model, x = unit_model(), np.ones((8, 1), "float32")
    dead = weakref.ref(model), weakref.ref(x)
    found = look(model, x, x.copy())
    del model, x
    keras.backend.clear_session()
    gc.collect()
    assert [reference() for reference in dead] == [None, None]
    assert found.values["data"]["x"]["shape"] == [8, 1]


def test_a_fit_goes_as_it_would_have():
    """Its random numbers too, those of layers without a seed among them."""

    class Net(keras.Model):
        def __init__(self):
            super().__init__()
            self.drop, self.out = keras.layers.Dropout(0.5), keras.layers.Dense(1)

        def call(self, x, training=None):
            return self.out(self.drop(x, training=training))

    def trained(callbacks):
        keras.utils.set_random_seed(5)
        model = Net()
        model.compile("sgd", "mse")
        rng = np.random.default_rng(0)
        model.fit(rng.random((32, 4), "float32"), rng.random((32, 1), "float32"), verbose=0, callbacks=callbacks)
        return [*model.get_weights(), random.random(), np.random.rand()]

    seen = Look()
    seen.others = []
    for one, other in zip(trained([seen]), trained([]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_a_frame_what_callbacks_are_told_is_known(unit_model):
    found = collect(unit_model(), None, {"epochs": 3, "steps": 7, "verbose": 1}, None)
    assert found.values["fit"] == {"epochs": 3, "steps": 7, "verbose": 1}
    assert "data" not in found.values
    assert "callbacks" not in found.values


@pytest.mark.parametrize("model", [None, object(), 3])
def test_what_is_no_model_is_no_error(model):
    found = collect(model, None, None, [object(), None])
    assert found.values["versions"]["keras"] == keras.__version__
    assert found.model_config == found.model_summary == ""
    assert any(line.startswith("model_config: ") for line in found.missing)
    assert plain(found.values)


def test_the_seed_is_told_where_keras_was_given_one(unit_model):
    keras.utils.set_random_seed(4321)
    seed = collect(unit_model(), None, {}, []).values.get("seed")
    assert seed == module.seed_that_was_set()
    assert seed in (4321, None)  # Keras 3.8 does not keep it


# -- models and what they are compiled with ---------------------------------------------------------------------------


def test_a_model_of_several_inputs_and_outputs(tmp_path):
    inputs = {"a": keras.Input((2,), name="a"), "b": keras.Input((3,), name="b")}
    joined = keras.layers.Concatenate()(list(inputs.values()))
    outputs = {name: keras.layers.Dense(1, name=name)(joined) for name in ("left", "right")}
    model = keras.Model(inputs, outputs)
    model.compile(
        keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5)),
        {"left": keras.losses.BinaryCrossentropy(label_smoothing=0.25), "right": "mae"},
        loss_weights={"left": 1.0, "right": 0.25},
        metrics={"left": ["mae", "mse"], "right": [keras.metrics.RootMeanSquaredError(name="rmse")]},
        weighted_metrics={"left": [keras.metrics.MeanAbsoluteError(name="weighted")], "right": []},
    )
    x = {"a": np.ones((4, 2), "float32"), "b": np.ones((4, 3), "float64")}
    y = {"left": np.ones((4, 1)), "right": np.ones((4, 1), "int64")}
    values = look(model, x, y, validation_data=(x, y)).values
    assert values["optimizer"]["learning_rate"] == {
        "type": "ExponentialDecay",
        **{"initial_learning_rate": 0.1, "decay_steps": 10, "decay_rate": 0.5, "staircase": False},
        "name": "ExponentialDecay",
    }
    assert values["loss"]["right"] == "mae"
    left = {"type": "BinaryCrossentropy", "label_smoothing": 0.25, "from_logits": False}
    assert values["loss"]["left"] | left == values["loss"]["left"]
    assert values["loss_weights"] == {"left": 1.0, "right": 0.25}
    assert values["metrics"] == {"left": ["mae", "mse"], "right": ["rmse"]}
    assert values["weighted_metrics"] == {"left": ["weighted"], "right": []}
    assert values["data"]["x"] == {
        "a": {"shape": [4, 2], "dtype": "float32"},
        "b": {"shape": [4, 3], "dtype": "float64"},
    }
    assert values["data"]["validation_data"]["y"]["right"] == {"shape": [4, 1], "dtype": "int64"}


def test_a_wrapped_optimizer_is_looked_into():
    wrapped = keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, momentum=0.5))
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1)])
    model.compile(wrapped, "mse")
    optimizer = collect(model, None, {}, []).values["optimizer"]
    assert optimizer["type"] == "LossScaleOptimizer"
    assert optimizer["inner_optimizer"]["type"] == "SGD"
    assert optimizer["inner_optimizer"]["learning_rate"] == 0.1
    assert optimizer["inner_optimizer"]["momentum"] == 0.5


class Odd(keras.optimizers.SGD):
    def get_config(self):
        raise NotImplementedError("not this one")


class Halving(keras.optimizers.schedules.LearningRateSchedule):
    def __call__(self, step):
        return 0.5 / (step + 1.0)


def test_an_optimizer_that_cannot_tell_its_configuration(unit_model, ones):
    found = look(unit_model(Odd(0.25, momentum=0.5)), *ones)
    assert (
        found.values["optimizer"] | {"type": "Odd", "learning_rate": 0.25, "momentum": 0.5} == found.values["optimizer"]
    )
    assert "optimizer: NotImplementedError: not this one" in found.missing


def test_a_schedule_that_cannot_tell_its_configuration(unit_model):
    found = collect(unit_model(keras.optimizers.SGD(Halving())), None, {}, [])
    assert found.values["optimizer"]["learning_rate"] == {"type": "Halving"}
    assert any(line.startswith("optimizer: NotImplementedError") for line in found.missing)


def test_a_function_as_a_learning_rate(unit_model):
    def warmup():
        return 0.1

    rate = collect(unit_model(keras.optimizers.SGD(warmup)), None, {}, []).values["optimizer"]["learning_rate"]
    assert rate == "warmup"


def test_a_lambda_as_a_loss_keeps_its_code_to_itself(unit_model, ones, recwarn):
    model = keras.Sequential([keras.Input((1,)), keras.layers.Dense(1), keras.layers.Lambda(lambda x: x * 2.0)])
    model.compile("sgd", lambda y, p: keras.ops.mean((y - p) ** 2), metrics=[lambda y, p: keras.ops.mean(p)])
    found = look(model, *ones)
    assert found.values["loss"] == "<lambda>"
    assert found.values["metrics"] == ["<lambda>"]
    assert "__lambda__" in found.model_config
    parts = json.loads(found.model_config)
    assert parts["config"]["layers"][2]["config"]["function"] == {"class_name": "__lambda__", "config": {}}
    assert not [one for one in recwarn.list if "lambda" in str(one.message)]


class Subclassed(keras.Model):
    def __init__(self, units):
        super().__init__()
        self.inner, self.drop = keras.layers.Dense(units), keras.layers.Dropout(0.1)
        self.out = keras.layers.Dense(1)

    def call(self, x, training=None):
        return self.out(self.drop(self.inner(x), training=training))

    def get_config(self):
        raise NotImplementedError


class OwnLoss(keras.Model):
    """A model that is compiled without a loss, and with a step of its own."""

    def __init__(self):
        super().__init__()
        self.out = keras.layers.Dense(1)

    def call(self, x):
        return self.out(x)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None, training=True):
        return keras.ops.mean(y_pred)


def test_a_subclassed_model(ones):
    model = Subclassed(5)
    model.compile("sgd", "mse")
    found = look(model, *ones)
    assert found.values["model"]["type"] == "Subclassed"
    assert found.model_config == ""
    assert "Dropout" in found.model_summary
    unbuilt = [] if "count_params" in found.values["model"] else ["model.count_params"]  # the first batch builds it
    assert [line.partition(":")[0] for line in found.missing] == [*unbuilt, "model_config"]
    later = collect_model(model)
    assert set(later.values) == {"model"}
    assert later.values["model"] == found.values["model"] | {
        **{"count_params": 16, "trainable_params": 16, "non_trainable_params": 0}
    }
    assert "16" in later.model_summary
    assert later.model_config == ""


def test_a_model_without_a_loss(ones):
    model = OwnLoss()
    model.compile("sgd")
    found = look(model, *ones)
    assert "loss" not in found.values
    assert "metrics" not in found.values
    assert not [line for line in found.missing if not line.startswith(("model_config", "model.count_params"))]


def test_a_model_that_is_not_built_or_compiled():
    found = collect(keras.Sequential([keras.layers.Dense(1)]), None, {}, [])
    assert "count_params" not in found.values["model"]
    assert "jit_compile" not in found.values["model"]
    assert "optimizer" not in found.values
    assert [line.partition(":")[0] for line in found.missing] == ["model.count_params"]


def test_a_document_that_is_too_long_is_left_out(monkeypatch, unit_model):
    monkeypatch.setattr("kcb_widgets.session.model_settings.MAX_DOCUMENT", 100)
    found = collect(unit_model(), None, {}, [])
    assert found.model_config == found.model_summary == ""
    assert [line.partition(":")[0] for line in found.missing] == ["model_config", "model_summary"]


def test_each_part_fails_alone(monkeypatch, ordinary):
    model = ordinary[0]

    def raises(*_, **__):
        raise RuntimeError("/home/ann/secret/file is broken")

    for name in ("describe_model", "describe_data", "_versions", "devices", "seed_that_was_set", "summary_of"):
        monkeypatch.setattr(module, name, raises)
    found = collect(model, None, {}, [])
    assert {"optimizer", "loss", "metrics", "backend"} <= set(found.values)
    names = ["model", "model_summary", "versions", "device", "seed", "data"]
    assert found.missing == [f"{name}: RuntimeError: …/file is broken" for name in names]


# -- callbacks --------------------------------------------------------------------------------------------------------


class Mine(keras.callbacks.Callback):
    def __init__(self):
        super().__init__()
        self.token = "a secret"


class Raising(keras.callbacks.Callback):
    @property
    def patience(self):
        raise RuntimeError

    def __getattr__(self, name):
        raise RuntimeError(name)


class MyStop(keras.callbacks.EarlyStopping):
    def __init__(self, secret):
        super().__init__("loss", patience=3)
        self.secret = secret


def test_callbacks_are_told_with_their_arguments(unit_model, ones, tmp_path):
    callbacks = [
        keras.callbacks.EarlyStopping("loss", min_delta=0.1, patience=np.int64(4), restore_best_weights=True),
        keras.callbacks.ReduceLROnPlateau("loss", factor=0.5, patience=2, min_lr=1e-5),
        keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.best.keras"), monitor="loss", save_best_only=True),
        keras.callbacks.CSVLogger("runs/log.csv", separator=";"),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate),
        keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: None),
        MyStop("a secret"),
        Mine(),
        Raising(),
    ]
    found = collect(unit_model(), None, {}, [*callbacks, kcb.Monitor(), keras.callbacks.History()])
    told = {one["type"]: one for one in found.values["callbacks"]}
    assert [one["type"] for one in found.values["callbacks"]] == [type(one).__name__ for one in callbacks]
    stop = {"type": "EarlyStopping", "monitor": "loss", "min_delta": 0.1, "patience": 4, "restore_best_weights": True}
    assert told["EarlyStopping"] == stop | {"mode": "auto", "verbose": 0, "start_from_epoch": 0}
    assert told["ReduceLROnPlateau"]["factor"] == 0.5
    assert told["ModelCheckpoint"]["filepath"] == "{epoch}.best.keras"
    assert told["ModelCheckpoint"]["save_best_only"] is True
    assert told["CSVLogger"] == {"type": "CSVLogger", "filename": "runs/log.csv", "sep": ";", "append": False}
    assert told["LearningRateScheduler"] == {"type": "LearningRateScheduler", "verbose": 0}
    assert told["MyStop"] == told["EarlyStopping"] | {
        **{"type": "MyStop", "patience": 3, "min_delta": 0, "restore_best_weights": False}
    }
    for name in ("Mine", "Raising", "LambdaCallback"):
        assert told[name] == {"type": name}
    assert found.missing == []
    assert "secret" not in json.dumps(found.values)


def test_what_a_callback_turned_round_is_told_as_it_was_given(unit_model, ones):
    stop = keras.callbacks.EarlyStopping("loss", min_delta=0.1)
    look(unit_model(), *ones, callbacks=[stop])
    assert look(unit_model(), *ones, callbacks=[stop]).values["callbacks"][0]["min_delta"] == 0.1


# -- data -------------------------------------------------------------------------------------------------------------


class Batches(keras.utils.PyDataset):
    def __init__(self):
        super().__init__(workers=1)
        self.read = 0

    def __len__(self):
        return 3

    def __getitem__(self, index):
        self.read += 1
        return np.ones((4, 1), "float32"), np.ones((4, 1), "float32")


def fit_of(**known):
    """The frame of a ``fit`` with these variables."""
    space = {}
    exec(f"def fit({', '.join(known)}):\n import sys\n return sys._getframe()", space)
    return space["fit"](**known)


def data_of(**known):
    """What is told of data that ``fit`` has in these variables."""

    found = collect(None, fit_of(**known), {}, [])
    assert not [line for line in found.missing if line.startswith("data")]
    assert plain(found.values)
    return found.values.get("data")


def test_a_dataset_in_python(unit_model):
    data = Batches()
    found = collect(unit_model(), None, {}, [])
    told = {"type": "Batches", "num_batches": 3, "workers": 1, "use_multiprocessing": False, "max_queue_size": 10}
    assert data_of(x=data) == {"x": told}
    assert data.read == 0
    assert look(unit_model(), Batches()).values["data"]["x"] == told
    assert found.missing == []


def test_a_generator_is_not_advanced(unit_model):
    def batches():
        for number in range(5):
            yield np.full((4, 1), number, "float32"), np.ones((4, 1), "float32")

    data = batches()
    assert data_of(x=data) == {"x": {"type": "generator"}}
    assert next(data)[0][0] == 0
    assert look(unit_model(), batches(), steps_per_epoch=2, shuffle=False).values["data"]["x"] == {"type": "generator"}


def test_arrays_lists_and_odd_things():
    ones = np.ones((6, 2), "float32")
    tuples = data_of(x=[ones, (ones, None)], y=None, sample_weight=np.ones(6), validation_data=[ones, ones, None])
    array = {"shape": [6, 2], "dtype": "float32"}
    assert tuples == {
        "x": [array, [array, None]],
        "sample_weight": {"shape": [6], "dtype": "float64"},
        "validation_data": {"x": array, "y": array},
    }
    assert data_of(x=list(range(1000))) == {"x": {"type": "list", "length": 1000}}
    assert data_of(x=object()) == {"x": {"type": "object"}}
    assert data_of(x="/home/ann/data.csv") == {"x": {"type": "str"}}
    assert data_of(x=keras.ops.ones((2, 3))) == {"x": {"shape": [2, 3], "dtype": "float32"}}
    many = data_of(x=[ones] * 150)["x"]
    assert many[:50] == [array] * 50
    assert leaves(many) <= MAX_LEAVES
    deep = ones
    for _ in range(20):
        deep = {"inner": deep}
    assert json.dumps(data_of(x=deep)).count("inner") == 4


def test_a_part_of_the_data_that_raises_is_left_out():
    class Hollow:
        dtype = "float32"

        @property
        def shape(self):
            raise RuntimeError("no shape")

    found = collect(None, fit_of(x=Hollow(), y=np.ones(3)), {}, [])
    assert found.values["data"] == {"y": {"shape": [3], "dtype": "float64"}}
    assert "data.x: RuntimeError: no shape" in found.missing


def test_tables_of_pandas():
    import pandas as pd

    table = pd.DataFrame({"shape": [1.0, 2.0], "element_spec": [1.0, 2.0], "dtype": [3.0, 4.0]})
    assert data_of(x=table) == {"x": {"type": "DataFrame", "shape": [2, 3], "dtype": "float64"}}
    assert data_of(x=table.assign(name="a"))["x"]["dtype"] == "mixed"
    assert data_of(y=table["dtype"]) == {"y": {"type": "Series", "shape": [2], "dtype": "float64"}}


@pytest.mark.skipif(BACKEND != "tensorflow", reason="of TensorFlow")
def test_datasets_of_tensorflow(unit_model):
    import tensorflow as tf

    pairs = tf.data.Dataset.from_tensor_slices((np.ones((8, 1), "float32"), np.ones((8, 1), "int32")))
    spec = {"shape": [None, 1], "dtype": "float32"}
    found = look(unit_model(), pairs.batch(4), validation_data=pairs.batch(2), shuffle=False).values["data"]
    assert found["x"] == {"type": "BatchDataset", "element_spec": [spec, spec | {"dtype": "int32"}]}
    assert found["validation_data"] == found["x"]
    named = pairs.map(lambda x, y: ({"a": x, "b": y}, y)).batch(4)
    assert data_of(x=named)["x"]["element_spec"][0]["a"] == spec
    ragged = tf.data.Dataset.from_tensors(tf.ragged.constant([[1], [2, 3]]))
    assert data_of(x=ragged)["x"]["element_spec"] == {"shape": [2, None], "dtype": "int32"}
    unknown = tf.data.Dataset.from_generator(lambda: iter([1]), output_types=tf.int32)
    assert data_of(x=unknown)["x"]["element_spec"] == {"shape": None, "dtype": "int32"}
    assert data_of(x=tf.ones((2, 3)))["x"] == {"shape": [2, 3], "dtype": "float32"}


@pytest.mark.skipif(BACKEND != "torch", reason="of torch")
def test_loaders_of_torch(unit_model):
    import torch

    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter([])

    pairs = torch.utils.data.TensorDataset(torch.ones(10, 1), torch.ones(10, 1))
    found = look(unit_model(), torch.utils.data.DataLoader(pairs, batch_size=4), shuffle=False).values["data"]["x"]
    assert found == {"type": "DataLoader", "batch_size": 4, "length": 10}
    stream = torch.utils.data.DataLoader(Stream(), batch_size=None)
    assert data_of(x=stream) == {"x": {"type": "DataLoader", "batch_size": None}}
    assert data_of(x=torch.ones(2, 3, dtype=torch.bfloat16)) == {"x": {"shape": [2, 3], "dtype": "bfloat16"}}


# -- devices ----------------------------------------------------------------------------------------------------------


def test_where_a_model_without_weights_lies_is_not_told():
    model = keras.Sequential([keras.Input((1,)), keras.layers.Flatten()])
    assert backends.devices(model) == {}


def test_cards_are_named_by_each_backend(monkeypatch):
    from types import SimpleNamespace as Space

    details = {"card 0": {"device_name": "Card A"}, "card 1": {}}
    config = Space(
        get_visible_devices=lambda kind: ["card 0", "card 1"],
        experimental=Space(get_device_details=lambda card: details[card]),
    )
    monkeypatch.setitem(sys.modules, "tensorflow", Space(config=config))
    monkeypatch.setitem(sys.modules, "torch", Space(cuda=Space(get_device_name=lambda device: "Card T")))
    places = [Space(device=f"/job:localhost/replica:0/task:0/device:{place}") for place in ("CPU:0", "GPU:0", "GPU:1")]
    assert backends.Backend().devices(places) == ({"cpu", "gpu"}, {"Card A"})
    assert backends.Backend().devices(places[:1]) == ({"cpu"}, set())
    cuda = type("Device", (), {"type": "cuda"})()
    assert backends.Torch().devices([Space(device=cuda)]) == ({"cuda"}, {"Card T"})
    gpu = type("Device", (), {"platform": "gpu", "device_kind": "Card J"})()
    assert backends.Jax().devices([Space(devices=lambda: {gpu})]) == ({"gpu"}, {"Card J"})
    monkeypatch.setattr(backends, "current", lambda: Space(devices=lambda values: ({"cpu", "gpu"}, {"B", "A"})))
    assert backends.devices(Space(weights=[])) == {"platform": "gpu", "names": ["A", "B"]}


# -- what is kept -----------------------------------------------------------------------------------------------------


def test_nothing_private_is_kept(tmp_path):
    layers = [keras.Input((1,)), keras.layers.Dense(1, name="zquill_net")]
    model = keras.Sequential(layers, name="model_of_zquill")
    model.compile("sgd", "mse")
    (tmp_path / "words.txt").write_text("a\nb\n")
    callbacks = [
        keras.callbacks.ModelCheckpoint("/home/zquill/runs/best.keras"),
        keras.callbacks.CSVLogger("C:\\Users\\zquill\\runs\\log.csv"),
        keras.callbacks.BackupAndRestore("/data/zquill/backup"),
    ]
    frame = fit_of(x=np.ones(3), class_weight={"/home/zquill/x": 1.0}, verbose="zquill")
    found = collect(model, frame, {}, callbacks)
    everything = json.dumps(found.values) + found.model_config + found.model_summary + repr(found.missing)
    assert "zquill" not in everything
    assert "runs" not in everything
    assert found.values["callbacks"][0]["filepath"] == "best.keras"
    assert json.loads(found.model_config)["config"]["name"] == "model_of_…"


def test_paths_in_a_configuration_lose_their_folders(tmp_path):
    (tmp_path / "words.txt").write_text("a\nb\n")

    @keras.saving.register_keras_serializable("tests")
    class Reads(keras.layers.Layer):
        def get_config(self):
            return {"path": str(tmp_path / "words.txt"), "windows": "C:\\Users\\ann\\words.txt", "ratio": "a/b"}

    model = keras.Sequential([keras.Input((1,)), Reads()])
    config = json.loads(collect(model, None, {}, []).model_config)["config"]["layers"][1]["config"]
    assert config == {"path": "words.txt", "windows": "words.txt", "ratio": "a/b"}


def test_there_is_an_end_to_what_is_kept(unit_model):
    callbacks = [keras.callbacks.EarlyStopping("loss", patience=n) for n in range(150)]
    frame = fit_of(class_weight={n: 1.0 for n in range(500)}, epochs=3, verbose="x" * 5000)
    found = collect(unit_model(), frame, {}, callbacks)
    assert leaves(found.values) <= MAX_LEAVES + 10
    assert found.values["fit"]["epochs"] == 3
    assert len(found.values["fit"]["verbose"]) == 500
    assert [line for line in found.missing if line.startswith("values: ")]
    assert plain(found.values)


def test_a_value_becomes_plain():
    class Strange:
        def __repr__(self):
            raise RuntimeError

    class Lying(dict):
        def items(self):
            raise RuntimeError

    def tidy(value):
        return Tidy().value(value)

    assert tidy(np.float32(0.5)) == 0.5
    assert tidy(np.ones(3)) == "ndarray"
    assert tidy(np.ones(())) == 1.0
    assert tidy(float("inf")) == float("inf")
    assert tidy(10**30) == "a huge integer"
    assert tidy(Strange()) == "Strange"
    assert tidy(Lying(a=1)) == "Lying"
    assert tidy({1: {2.5: (1, None, True)}, Strange(): b"bytes"}) == {"1": {"2.5": [1, None, True]}, "Strange": "bytes"}
    assert tidy("\ud800") == "?"
    assert tidy(len) == "len"
    assert tidy(dict) == "dict"
    assert tidy([]) == []
    assert tidy({"class_name": "Decay", "config": {"rate": 1}, "module": "m"}) == {"type": "Decay", "rate": 1}
    assert tidy({"class_name": "function", "config": "warmup", "module": "m"}) == "warmup"
    assert tidy({"class_name": "__lambda__", "config": {"value": "code"}}) == "<lambda>"
    assert tidy([[[[[[[1]]]]]]]) == [[[[["list"]]]]]
    assert tidy([[[[[[1]]]]]]) == [[[[[[1]]]]]]
    assert len(tidy(list(range(1000)))) == 100

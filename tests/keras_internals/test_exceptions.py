"""What a fit died of at its root: the user's own exception, and where it was raised."""

from __future__ import annotations

import contextlib
import gc
import weakref

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.keras_internals.exceptions import MAX_LINE, read_text, root_cause

BACKEND = keras.backend.backend()
on_tensorflow = pytest.mark.skipif(BACKEND != "tensorflow", reason="TensorFlow's own texts")
X, Y = np.ones((8, 3), "float32"), np.ones((8, 1), "float32")


def boom(*args, **kwargs):
    raise ValueError("boom\nand more")


def message_of(*layers, data=(X, Y), inputs="float32", callbacks=(), loss="mse"):
    """What the run of a fit says that fails."""
    model = keras.Sequential([keras.Input((3,), dtype=inputs), *layers, keras.layers.Dense(1)])
    model.compile("sgd", loss)
    monitor = kcb.Monitor()
    with contextlib.suppress(Exception):
        arguments = {"batch_size": 4} if isinstance(data, tuple) else {"shuffle": False}
        known = dict(zip(("x", "y"), data, strict=False)) if isinstance(data, tuple) else {"x": data}
        model.fit(**known, **arguments, verbose=0, callbacks=[*callbacks, monitor])
    assert monitor.run.status == "failed"
    return monitor.run.message


class Fails(keras.callbacks.Callback):
    """Raises in one hook."""

    def __init__(self, hook, function=boom):
        super().__init__()
        setattr(self, hook, function)


class Late(keras.layers.Layer):
    """Fails when it is called by ``fit``, and not when the model is built."""

    calls = 0

    def call(self, x):
        self.calls += 1
        return boom() if self.calls > 1 else x


# -- real fits ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("hook", ["on_train_batch_end", "on_batch_begin", "on_epoch_end"])
def test_a_callback_that_raised_is_named_with_its_hook(hook):
    callback = type("MyCallback", (keras.callbacks.Callback,), {hook: boom})()
    assert message_of(callbacks=[callback]) == f"ValueError: boom (in MyCallback.{hook})"


def test_a_function_that_is_a_callback_is_named():
    callback = keras.callbacks.LambdaCallback(on_epoch_begin=boom)
    assert message_of(callbacks=[callback]) == "ValueError: boom (in LambdaCallback.on_epoch_begin)"


builds_first = pytest.mark.skipif(BACKEND == "jax", reason="Keras builds the model before it tells any callback")


@builds_first
def test_a_layer_that_raised_is_named():
    assert message_of(Late()) == "ValueError: boom (in Late.call)"


@builds_first
def test_where_it_is_not_known_no_place_is_named():
    assert message_of(loss=boom) == "ValueError: boom"


def test_what_the_users_code_says_it_was_raised_from_is_told_too():
    def raises(*args, **kwargs):
        try:
            {}["a"]
        except KeyError as error:
            raise RuntimeError("could not look") from error

    message = message_of(callbacks=[Fails("on_epoch_end", raises)])
    assert message == "RuntimeError: could not look, from KeyError: 'a' (in Fails.on_epoch_end)"


class Broken(keras.utils.PyDataset):
    """Data of which the last batch cannot be read."""

    def __len__(self):
        return 6

    def __getitem__(self, index):
        return boom() if index == 5 else (X, Y)


def test_data_that_fail_are_named():
    assert message_of(data=Broken()) == "ValueError: boom (in the data)"


@on_tensorflow
@pytest.mark.parametrize("place", ["generator", "map"])
def test_what_tf_data_raised_is_dug_out(place):
    import tensorflow as tf

    def pairs():
        for _ in range(4):
            yield X, Y
        boom()

    if place == "generator":
        signature = (tf.TensorSpec((8, 3)), tf.TensorSpec((8, 1)))
        data = tf.data.Dataset.from_generator(pairs, output_signature=signature)
    else:
        calls = []

        def read(x):
            calls.append(x)
            return x if len(calls) < 8 else boom()

        def mapped(x, y):
            return tf.ensure_shape(tf.numpy_function(read, [x], tf.float32), (None, 3)), y

        data = tf.data.Dataset.from_tensor_slices((X, Y)).repeat(8).batch(4).map(mapped)
    assert message_of(data=data) == "ValueError: boom (in the data)"


@on_tensorflow
def test_what_a_python_function_in_the_graph_raised_is_dug_out():
    import tensorflow as tf

    def call(x):
        return tf.ensure_shape(tf.numpy_function(boom, [x], tf.float32), (None, 3))

    layer = keras.layers.Lambda(call, output_shape=(3,), name="mine")
    message = message_of(layer)
    assert message.startswith("ValueError: boom (in node sequential")
    assert "/mine" in message
    assert message.endswith("/PyFunc)")


@on_tensorflow
def test_an_error_of_tensorflows_own_says_what_it_is_and_names_the_node():
    layers = (keras.layers.Embedding(4, 2, name="words"), keras.layers.Flatten())
    message = message_of(*layers, inputs="int32", data=(np.full((8, 3), 9), Y))
    assert message.startswith("InvalidArgumentError: indices[")
    assert "= 9 is not in [0, 4) (in node sequential" in message
    assert "/words" in message


def test_nothing_of_the_exception_is_kept(unit_model, ones):
    """Its traceback would keep the arrays of all its frames."""

    class Array:
        pass

    kept = []

    def raises(*args, **kwargs):
        array = Array()
        kept.append(weakref.ref(array))
        raise ValueError(str(array)[:1])

    monitor = kcb.Monitor()
    with contextlib.suppress(ValueError):
        unit_model().fit(*ones, verbose=0, callbacks=[Fails("on_epoch_end", raises), monitor])
    gc.collect()
    assert monitor.run.message == "ValueError: < (in Fails.on_epoch_end)"
    assert kept[0]() is None


# -- texts of others ---------------------------------------------------------------------------------------------------

LOADER = """Caught ValueError in DataLoader worker process 0.
Original Traceback (most recent call last):
  File "worker.py", line 351, in _worker_loop
    data = fetcher.fetch(index)
ValueError: boom
"""
CHAINED = """Graph execution error:

Detected at node PyFunc defined at (most recent call last):
<stack traces unavailable>
RuntimeError: could not read
Traceback (most recent call last):

  File "a.py", line 2, in g
    open("x")

FileNotFoundError: no x


The above exception was the direct cause of the following exception:

Traceback (most recent call last):

  File "a.py", line 4, in g
    raise package.errors.Unreadable("could not read") from error

package.errors.Unreadable: could not read

\t [[{{node PyFunc}}]]
\t [[IteratorGetNext]] [Op:__inference_multi_step_on_iterator_478]"""
SEVERAL = """Graph execution error:

2 root error(s) found.
  (0) INVALID_ARGUMENT:  ValueError: boom
Traceback (most recent call last):

  File "a.py", line 2, in g
    boom()

ValueError: boom

\t [[{{node PyFunc}}]]
  (1) CANCELLED:  Function was cancelled before it was started
0 successful operations."""
JAX = """INTERNAL: CpuCallback error calling callback: Traceback (most recent call last):
  File "a.py", line 2, in g
    boom()
ValueError: boom"""
USER_CODE = """in user code:

    File "a.py", line 35, in f  *
        if True: raise ValueError("no: boom")

    ValueError: boom
"""


@pytest.mark.parametrize(
    ("text", "kind", "said"),
    [
        (LOADER, "ValueError", "boom"),
        (CHAINED, "Unreadable", "could not read"),
        (SEVERAL, "ValueError", "boom"),
        (JAX, "ValueError", "boom"),
        (USER_CODE, "ValueError", "boom"),
        ("Graph execution error:\n", "", "Graph execution error:"),
        ("Graph execution error:\n\n<stack traces unavailable>\nOOM when allocating", "", "OOM when allocating"),
        ("a\nb", "", "a"),
        ("", "", ""),
    ],
)
def test_texts_are_read(text, kind, said):
    found = read_text(text)
    assert (found.kind, found.said) == (kind, said)


class Mute(Exception):
    def __str__(self):
        raise RuntimeError


def raised(error, cause=None, context=None):
    try:
        try:
            raise context or cause or KeyError("inner")
        except BaseException:
            if cause is not None:
                raise error from cause
            raise error  # noqa: B904 - it is to have a context
    except BaseException as known:
        return known


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (ValueError(), "ValueError"),
        (Mute(), "Mute"),
        (raised(RuntimeError("boom"), context=ValueError("boom")), "ValueError: boom"),
        (raised(RuntimeError(""), context=ValueError("boom")), "ValueError: boom"),
        (raised(RuntimeError("generator raised StopIteration"), cause=StopIteration("end")), "StopIteration: end"),
        (raised(RuntimeError("mine"), context=ValueError("boom")), "RuntimeError: mine"),
        (raised(RuntimeError("mine"), cause=ValueError("boom")), "RuntimeError: mine, from ValueError: boom"),
        (ExceptionGroup("one", [ValueError("boom")]), "ValueError: boom"),
        (ExceptionGroup("two", [ValueError("boom"), ValueError("b")]), "ExceptionGroup: two (2 sub-exceptions)"),
    ],
)
def test_exceptions_that_only_carry_another_are_left_out(error, line):
    assert root_cause(error) == line


def test_a_chain_that_is_a_ring_comes_to_an_end():
    first, second = RuntimeError(""), RuntimeError("")
    first.__cause__, second.__cause__ = second, first
    assert root_cause(first).startswith("RuntimeError")


def test_it_is_one_line_of_bounded_length_with_its_place():
    line = root_cause(ValueError("x" * 1000), "Callback.on_epoch_end")
    assert len(line) == MAX_LINE
    assert line.endswith("… (in Callback.on_epoch_end)")
    assert len(root_cause(ValueError("x"), "y" * 1000)) < MAX_LINE

"""Monitor records what Keras does, changes nothing by being there, and carries out what is asked: proved by effect."""

from __future__ import annotations

import contextlib
import gc
import io
import sys
import threading

import keras
import numpy as np
import pytest
from PIL import Image

import kcb_widgets as kcb
from kcb_widgets.export import figures

BACKEND = keras.backend.backend()
ONE_STEP = pytest.mark.skipif(BACKEND == "torch", reason="Keras has no steps_per_execution on torch")


def fit(model, x, y, *callbacks, **kwargs):
    return model.fit(x, y, callbacks=list(callbacks), **({"batch_size": 2, "verbose": 0} | kwargs))


# -- what is recorded --------------------------------------------------------------------------------------------------


def test_epochs_are_historys_columns_learning_rate_and_seconds(classifier):
    model, x, y = classifier()
    monitor = kcb.Monitor()
    history = fit(model, x, y, monitor, epochs=3, validation_split=0.25).history
    epochs = monitor.run.epochs
    assert epochs.index.name == "epoch"
    assert epochs.index.tolist() == [0, 1, 2]
    assert epochs.columns.tolist() == [*history, "learning_rate", "seconds"]
    for name, values in history.items():
        assert epochs[name].tolist() == values
    assert epochs["learning_rate"].tolist() == [0.001] * 3
    assert (epochs["seconds"] > 0).all()
    assert monitor.run.status == "finished"


def test_batches_are_what_keras_logs(classifier):
    model, x, y = classifier()
    seen = []
    record = keras.callbacks.LambdaCallback(on_train_batch_end=lambda batch, logs: seen.append((batch, dict(logs))))
    monitor = kcb.Monitor()
    fit(model, x, y, monitor, record, epochs=2, batch_size=10)
    batches = monitor.run.batches
    assert batches.index.tolist() == list(range(1, 15))
    assert batches["epoch"].tolist() == [0] * 7 + [1] * 7
    assert batches["batch"].tolist() == [batch for batch, _ in seen]
    for name in ("loss", "accuracy"):
        assert batches[name].tolist() == [logs[name] for _, logs in seen]
    assert batches["seconds"].is_monotonic_increasing


def test_whoever_reads_in_mid_epoch_reads_the_newest_batch(classifier):
    model, x, y = classifier()
    monitor, seen = kcb.Monitor(display=False), []

    class Reader(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            run, read = monitor.run, []
            readers = [
                lambda: read.append(run.step),
                lambda: read.append(run.batch),
                lambda: read.append(run.batch_table.rows),
                lambda: read.append(len(run.batches)),
            ]
            if batch % 7 == 3:
                readers[batch % 4]()
            elif batch % 7 == 6:
                thread = threading.Thread(target=readers[batch % 4])
                thread.start()
                thread.join()
            seen.extend((number, batch + 1) for number in read)
            logs["added"] = 1.0  # to Keras's own dictionary, after Monitor has seen it

    fit(model, x, y, monitor, Reader())
    assert len(seen) == 9
    assert all(number == truth for number, truth in seen)
    assert sorted(monitor.run.batch_table.names) == ["accuracy", "loss"]


def test_the_pace_follows_epochs_that_are_shorter_than_the_time_between_two_looks(monkeypatch):
    run, now = kcb.Run(), [0.0]
    monkeypatch.setattr(kcb.Run, "seconds", property(lambda run: now[0]))
    run.params = {"steps": 40}
    for epoch, per_step in enumerate((0.1, 0.01, 0.01)):
        run.begin_epoch(epoch)
        for batch in range(40):
            now[0] += per_step
            run.append(batch, {"loss": 1.0})
            if batch == 30:  # the only look in this epoch
                run.throughput.note(run.seconds, run.step)
        run.end_epoch(epoch, {"loss": 1.0})
        assert run.throughput.seconds_per_step == pytest.approx(per_step)


def test_the_pace_leaves_out_an_epochs_first_batch_which_waits_for_the_data(unit_model, ones, monkeypatch):
    model, monitor, now, seen = unit_model(), kcb.Monitor(), [0.0], []
    monkeypatch.setattr(kcb.Run, "seconds", property(lambda run: now[0]))
    monkeypatch.setattr("kcb_widgets.session.session.SLOW_CHECK_INTERVAL_S", 0.0)

    class Clock(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            now[0] += 0.01 if batch else 1.0

        def on_epoch_end(self, epoch, logs=None):
            seen.append(monitor.run.throughput.seconds_per_step)

    fit(model, *ones, monitor, Clock(), epochs=3, validation_data=ones)
    assert seen == pytest.approx([0.01] * 3)


def test_the_pace_is_that_of_training_alone(unit_model, ones, monkeypatch):
    """Not of tracing and not of validation, each of which takes long here."""
    model, monitor, seen, now = unit_model(), kcb.Monitor(), [], [0.0]
    monkeypatch.setattr(kcb.Run, "seconds", property(lambda run: now[0]))
    monkeypatch.setattr("kcb_widgets.session.session.SLOW_CHECK_INTERVAL_S", 0.0)

    class Clock(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            now[0] += 0.01 if monitor.run.step else 3.0  # the first is traced

        def on_test_begin(self, logs=None):
            now[0] += 2.0

        def on_epoch_end(self, epoch, logs=None):
            seen.append(monitor.run.throughput.seconds_per_step)

    fit(model, *ones, monitor, Clock(), epochs=2, validation_data=ones)
    assert seen == pytest.approx([0.01, 0.01])
    assert monitor.run.throughput.seconds_per_step == pytest.approx(0.01)
    assert monitor.run.epochs["seconds"].tolist() == pytest.approx([5.05, 2.06])


def test_a_batch_costs_the_training_thread_a_note_and_no_more(classifier):
    """What is recorded is recorded together, now and then: seen by counting, as clocks are no test."""
    model, x, y = classifier(600)
    monitor, left = kcb.Monitor(display=False), []

    class Count(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 1:  # what the first batch looks at is behind it; nobody looks for messages any more
                monitor._session.hook_state.next_poll = monitor._session._next_poll = float("inf")
            left.append(len(monitor._session.run.pending))

    fit(model, x, y, monitor, Count())
    assert left[1:128] == list(range(left[1], left[1] + 127))
    assert left[128:256] == list(range(128))  # however fast the batches are, those that wait do not pile up
    assert monitor.run.batch_table.rows == 300


def test_a_batch_allocates_its_note_and_nothing_else(classifier):
    model, x, y = classifier()
    monitor, grown = kcb.Monitor(display=False), []

    class Count(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 20:
                monitor._session.hook_state.next_poll = float("inf")
                before = sys.getallocatedblocks()
                for _ in range(1000):
                    monitor.on_train_batch_begin(1)
                    monitor.on_train_batch_end(1, logs)
                grown.append(sys.getallocatedblocks() - before)
                monitor.run.pending.clear()

    gc.disable()
    try:
        fit(model, x, y, monitor, Count())
    finally:
        gc.enable()
    assert 2000 <= grown[0] <= 4000  # of each batch a tuple, a time, and the logs in two blocks


def test_what_is_asked_for_reaches_the_model_before_its_picture_is_made(classifier, monkeypatch):
    from kcb_widgets.session.refresh_thread import RefreshThread

    model, x, y = classifier()
    monitor, pushes = kcb.Monitor(display=False), []
    monkeypatch.setattr(RefreshThread, "request", lambda self, urgent=False, delay=0.0: pushes.append((urgent, delay)))

    class Ask(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if batch == 5:
                pushes.clear()
                monitor.set(learning_rate=0.5)
                monitor._session.poll(0.0)
            elif batch == 10:
                pushes.clear()
                monitor.run.refresh_requested = True  # as a board does for a closer look
                monitor._session.poll(0.0)
            if batch in (5, 10):
                asked.append(pushes[:1])

    asked = []
    monitor.run.subscribe(lambda run: None)
    fit(model, x, y, monitor, Ask())
    assert asked == [[(True, 0.005)], [(True, 0.0)]]


@pytest.mark.parametrize("samples", [60, 64, 7])
def test_each_batchs_own_value_is_recovered_also_of_a_smaller_last_batch(classifier, samples):
    model, x, y = classifier(samples, optimizer=keras.optimizers.SGD(0.0), metrics=["accuracy", "AUC"])
    model = keras.Sequential([layer for layer in model.layers if not isinstance(layer, keras.layers.Dropout)])
    model.compile(keras.optimizers.SGD(0.0), "binary_crossentropy", metrics=["accuracy", "AUC"])
    monitor = kcb.Monitor()
    fit(model, x, y, monitor, epochs=2, batch_size=16, shuffle=False, validation_data=(x, y))
    batches = monitor.run.batches
    parts = [(x[i : i + 16], y[i : i + 16]) for i in range(0, samples, 16)]
    own = [model.evaluate(a, b, verbose=0, return_dict=True) for a, b in parts] * 2
    assert np.allclose(batches["batch_loss"], [o["loss"] for o in own], rtol=1e-5)
    assert np.allclose(batches["batch_accuracy"], [o["accuracy"] for o in own], atol=1e-5)
    assert "batch_AUC" not in batches  # not a mean: cannot be undone


def test_each_batchs_own_value_is_recovered_of_an_epoch_shorter_than_the_time_between_looks(classifier):
    model, x, y = classifier(60, optimizer=keras.optimizers.SGD(0.0))
    monitor = kcb.Monitor()
    for _ in range(2):  # the second fit has nothing to compile, on any backend
        fit(model, x, y, monitor, epochs=2, batch_size=16, shuffle=False)
    batches, epochs = monitor.run.batches, monitor.run.epochs
    assert batches["batch_loss"].notna().all()
    sums = batches["batch_loss"] * ([16, 16, 16, 12] * 2)
    assert np.allclose(sums.groupby(batches["epoch"]).sum() / 60, epochs["loss"], rtol=1e-5)
    assert monitor.run.throughput.samples_per_batch == 16


def test_batches_of_unequal_weight_are_weighed_one_by_one(classifier):
    model, x, y = classifier(metrics=[], weighted_metrics=["accuracy"])
    monitor = kcb.Monitor()
    weights = np.linspace(0.1, 5, 64)
    model.fit(x, y, sample_weight=weights, epochs=2, batch_size=10, shuffle=False, verbose=0, callbacks=[monitor])
    batches, epochs = monitor.run.batches, monitor.run.epochs
    sums = np.add.reduceat(weights, range(0, 64, 10))
    own = batches["batch_accuracy"].to_numpy().reshape(2, -1)
    assert np.allclose(own @ sums / sums.sum(), epochs["accuracy"], rtol=1e-5)
    assert own.min() >= 0
    assert own.max() <= 1
    sizes = [10] * 6 + [4]  # the loss is averaged over samples whatever they weigh
    assert np.allclose(batches["batch_loss"].to_numpy().reshape(2, -1) @ sizes / 64, epochs["loss"], rtol=1e-5)
    assert monitor.run.events.query("kind == 'warning'").empty


@ONE_STEP
def test_steps_per_execution_counts_batches_not_calls(classifier):
    model, x, y = classifier(70, steps_per_execution=3)
    monitor = kcb.Monitor()
    fit(model, x, y, monitor, epochs=2, batch_size=10)
    assert monitor.run.batches.index.tolist() == [3, 6, 7, 10, 13, 14]
    assert monitor.run.batches["batch"].tolist() == [2, 5, 6, 2, 5, 6]
    assert monitor.run.step == 14


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras says so of any data of unknown length
@pytest.mark.parametrize("kind", ["generator", "tf.data"])
def test_data_of_unknown_length(classifier, kind):
    model, x, y = classifier()

    def batches():
        for i in range(0, 50, 10):
            yield x[i : i + 10], y[i : i + 10]

    monitor = kcb.Monitor()
    if kind == "generator":
        data, kwargs = (batch for _ in range(2) for batch in batches()), {"steps_per_epoch": 5}
    else:
        tf = pytest.importorskip("tensorflow")
        signature = (tf.TensorSpec((None, 8)), tf.TensorSpec((None, 1)))
        data, kwargs = tf.data.Dataset.from_generator(batches, output_signature=signature), {}
    model.fit(data, epochs=2, verbose=0, shuffle=False, callbacks=[monitor], **kwargs)
    assert monitor.run.status == "finished"
    assert monitor.run.batches["batch"].tolist() == [0, 1, 2, 3, 4] * 2
    assert monitor.run.batches_per_epoch == 5


def test_a_continued_fit_is_a_new_run_that_goes_on_counting(classifier):
    model, x, y = classifier()
    monitor = kcb.Monitor()
    fit(model, x, y, monitor, epochs=2, batch_size=16)
    fit(model, x, y, monitor, epochs=4, batch_size=16, initial_epoch=2)
    first, second = monitor.runs
    assert first.batches.index.tolist() == list(range(1, 9))
    assert second.batches.index.tolist() == list(range(9, 17))
    assert second.epochs.index.tolist() == [2, 3]
    assert monitor.run is second


def test_each_fit_is_a_new_run(classifier):
    model, x, y = classifier()
    monitor = kcb.Monitor()
    for _ in range(3):
        fit(model, x, y, monitor, epochs=1, batch_size=32)
    assert [run.step for run in monitor.runs] == [2, 2, 2]
    assert [run.status for run in monitor.runs] == ["finished"] * 3


def test_evaluate_and_predict_do_not_disturb_a_run(classifier):
    model, x, y = classifier()
    monitor = kcb.Monitor()
    model.evaluate(x, y, verbose=0, callbacks=[monitor])
    model.predict(x, verbose=0, callbacks=[monitor])
    assert monitor.runs == []
    other, *_ = classifier()

    class Meddle(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            other.evaluate(x, y, verbose=0, callbacks=[monitor])
            other.predict(x, verbose=0, callbacks=[monitor])

    fit(model, x, y, monitor, Meddle(), epochs=2, batch_size=32)
    assert len(monitor.runs) == 1
    assert monitor.run.step == 4
    assert monitor.run.status == "finished"


def test_several_outputs_and_class_weight(classifier):
    _, x, y = classifier()
    inputs = keras.Input((8,))
    hidden = keras.layers.Dense(4)(inputs)
    outputs = {"a": keras.layers.Dense(1, name="a")(hidden), "b": keras.layers.Dense(1, name="b")(hidden)}
    model = keras.Model(inputs, outputs)
    model.compile("sgd", {"a": "mse", "b": "mae"}, metrics={"a": ["mae"], "b": ["mae", "mse"]})
    monitor = kcb.Monitor()
    history = fit(model, x, {"a": y, "b": y}, monitor, epochs=2, batch_size=30).history
    assert set(history) <= set(monitor.run.epochs.columns)
    assert {f"batch_{name}" for name in history} <= set(monitor.run.batches.columns)
    model, x, y = classifier()
    model.fit(x, y, class_weight={0: 1.0, 1: 5.0}, verbose=0, callbacks=[monitor])
    assert monitor.run.status == "finished"


def test_a_metric_first_seen_late_and_one_that_is_not_a_number(classifier):
    model, x, y = classifier()

    class Adds(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs["note"] = "fine"
            if epoch:
                logs["late"] = 3.0

    monitor = kcb.Monitor()
    fit(model, x, y, Adds(), monitor, epochs=2)
    assert monitor.run.epochs["note"].tolist() == ["fine", "fine"]
    assert monitor.run.epochs["late"].tolist()[1] == 3.0
    warnings = monitor.run.events.query("kind == 'warning'")
    assert warnings["name"].tolist() == ["note"]
    assert "str" in warnings["message"].iloc[0]


def test_nan_is_an_event_with_its_step(unit_model, ones, at):
    model, monitor = unit_model(), kcb.Monitor()

    def poison():
        monitor.model.layers[0].set_weights([np.full((1, 1), np.nan)])  # a callback's model: on JAX in sync

    fit(model, *ones, monitor, at(3, poison), epochs=1)
    event = monitor.run.events.query("kind == 'nan'").iloc[0]
    assert event["name"] == "loss"
    assert event["new"] == "nan"
    assert monitor.run.nonfinite[0]["step"] == 4


def test_passed_bare(classifier):
    model, x, y = classifier()
    monitor = kcb.Monitor()
    model.fit(x, y, verbose=0, callbacks=monitor)
    assert monitor.run.status == "finished"


def test_plot_draws_every_curve(classifier):
    model, x, y = classifier()
    monitor = kcb.Monitor()
    assert monitor.run.plot().axes  # before the first batch, too
    fit(model, x, y, monitor, epochs=2, validation_split=0.25)
    axes = {axis.get_title(): axis for axis in monitor.run.plot().axes}
    assert list(axes) == ["loss", "accuracy", "learning_rate"]
    lines = {line.get_label(): line for line in axes["loss"].get_lines()}
    assert np.allclose(lines["validation"].get_ydata(), monitor.run.epochs["val_loss"])
    assert np.allclose(lines["each batch"].get_ydata(), monitor.run.batches["batch_loss"])


def colours(picture):
    """How many pixels of each of the figure's colours a picture has, about."""
    pixels = np.asarray(Image.open(io.BytesIO(picture)).convert("RGB")).astype(int)
    named = {"train": figures.TRAIN, "val": figures.VALIDATION, "rate": figures.RATE}
    rgb = {name: [int(color[i : i + 2], 16) for i in (1, 3, 5)] for name, color in named.items()}
    return {name: int((abs(pixels - value).sum(axis=2) < 12).sum()) for name, value in rgb.items()}


def test_the_small_picture_has_the_colours_of_the_figure(classifier):
    model, x, y = classifier()
    monitor = kcb.Monitor()
    fit(model, x, y, monitor, epochs=3, validation_split=0.25)
    figure, full = monitor.run.plot(), io.BytesIO()
    figure.savefig(full, format="png", dpi=90)
    small = figure._repr_png_()
    assert len(small) < 0.6 * len(full.getvalue())
    true = colours(full.getvalue())
    assert true["train"] > 50  # dots
    assert colours(small) == pytest.approx(true, rel=0.2, abs=30)


def test_a_stretch_that_was_rolled_back_does_not_set_the_scale(unit_model, ones):
    model, monitor = unit_model(), kcb.Monitor()

    def driver(run, monitor):
        if run.step == 4:
            monitor.snapshot()
            monitor.set(learning_rate=1e6)
        elif run.step == 8:
            monitor.rollback("latest")
            monitor.set(learning_rate=0.5)

    monitor.add_policy(driver, every=1)
    model.fit(*ones, batch_size=1, epochs=1, verbose=0, callbacks=[monitor])
    (axis,) = [axis for axis in monitor.run.plot().axes if axis.get_title() == "loss"]
    assert abs(monitor.run.batches["batch_loss"]).max() > 1e5
    assert np.abs(axis.get_ylim()).max() < 10


# -- training is sacred ------------------------------------------------------------------------------------------------


@pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor")  # torch's compiler silences it itself
@pytest.mark.parametrize(
    "mode",
    [{}, {"jit_compile": True}, {"run_eagerly": True}, pytest.param({"steps_per_execution": 4}, marks=ONE_STEP)],
)
def test_training_with_monitor_is_bit_identical_to_training_without(classifier, mode):
    def train(*callbacks):
        model, x, y = classifier(**mode)
        history = fit(model, x, y, *callbacks, epochs=3, batch_size=8, validation_split=0.25).history
        return model.get_weights(), history, [variable.numpy() for variable in model.optimizer.variables]

    bare, watched = train(), train(kcb.Monitor())
    assert bare[1] == watched[1]
    for a, b in zip(bare[0] + bare[2], watched[0] + watched[2], strict=True):
        assert np.array_equal(a, b)


def test_a_failure_of_ours_in_any_hook_is_an_event_and_training_goes_on(classifier, monkeypatch):
    from kcb_widgets.steering.control_registry import ControlRegistry

    def broken(*args, **kwargs):
        raise StopIteration("ours")  # Keras would take it for the end of the data

    for place in ("_record", "_record_together", "begin_epoch", "end_epoch", "scan"):
        with monkeypatch.context() as patch:
            patch.setattr(kcb.Run, place, broken)
            model, x, y = classifier()
            monitor = kcb.Monitor()
            history = fit(model, x, y, monitor, epochs=2, batch_size=16).history
            assert len(history["loss"]) == 2, place
            assert "ours" in monitor.run.events.query("kind == 'error'")["message"].iloc[0]
    monkeypatch.setattr(ControlRegistry, "check_rates", broken)
    model, x, y = classifier()
    monitor = kcb.Monitor()
    assert len(fit(model, x, y, monitor, epochs=2).history["loss"]) == 2
    assert monitor.run.step == 64


@pytest.mark.parametrize(
    "place", ["session.session.Session.__init__", "session.session.Session.begin", "session.lifecycle.check_front_end"]
)
def test_a_failure_of_ours_as_a_fit_begins_is_said_on_the_board_and_training_goes_on(classifier, monkeypatch, place):
    def broken(*args, **kwargs):
        raise StopIteration("ours")

    module, _, name = place.partition(".")
    monkeypatch.setattr(f"kcb_widgets.{module}.{name}", broken)
    shown = []
    monkeypatch.setattr(kcb.Board, "display", lambda board: shown.append(board.run))
    model, x, y = classifier()
    monitor = kcb.Monitor(display=True)
    history = fit(model, x, y, monitor, epochs=2, validation_split=0.25).history
    assert len(history["val_loss"]) == 2
    (run,) = monitor.runs
    assert shown == [run]
    (error,) = [event for event in run.events_list if event.kind == "error"]
    assert (error.name, error.message) == ("on_train_begin", "StopIteration: ours")
    recorded = place != "session.session.Session.__init__"
    assert len(run.epochs) == (2 if recorded else 0)
    assert run.status == ("finished" if recorded else "failed")
    assert recorded or run.message == "training goes on, but cannot be recorded or steered: StopIteration: ours"
    monkeypatch.undo()
    assert len(fit(model, x, y, monitor).history["loss"]) == 1
    assert monitor.run.status == "finished"


class Boom(Exception):
    pass


def raising(exception):
    def action():
        raise exception

    return action


@pytest.mark.parametrize(
    ("exception", "status", "message"),
    [
        (Boom("no\nmore"), "failed", "Boom: no (in At.on_train_batch_end)"),
        (KeyboardInterrupt(), "interrupted", ""),
        (SystemExit(3), "failed", "SystemExit: 3"),
    ],
)
def test_a_fit_that_dies_is_never_left_running(classifier, at, exception, status, message):
    model, x, y = classifier()
    monitor = kcb.Monitor()
    run_over = threading.Event()
    try:
        fit(model, x, y, monitor, at(3, raising(exception)), epochs=2)
    except type(exception):
        unsubscribe = monitor.run.subscribe(lambda run: run_over.set())
        assert monitor.run.over or run_over.wait(5)  # while it is being handled, as IPython does
        unsubscribe()
    assert monitor.run.status == status
    assert monitor.run.message == message
    assert not monitor.training
    fit(model, x, y, monitor, epochs=1)
    assert monitor.run.status == "finished"


def test_a_death_that_was_caught_elsewhere_is_noticed_all_the_same(classifier, at):
    model, x, y = classifier()
    monitor = kcb.Monitor()
    with contextlib.suppress(Boom):
        fit(model, x, y, monitor, at(2, raising(Boom())), epochs=2)
    over = threading.Event()
    monitor.run.subscribe(lambda run: over.set())
    assert monitor.run.over or over.wait(5)
    assert monitor.run.status == "failed"


def test_data_that_raises_is_noticed(classifier):
    model, x, y = classifier()

    class Data(keras.utils.PyDataset):
        def __len__(self):
            return 5

        def __getitem__(self, i):
            if i == 3:
                raise Boom("no more data")
            return x[:8], y[:8]

    monitor = kcb.Monitor()
    with pytest.raises(Exception, match="no more data"):
        model.fit(Data(), verbose=0, callbacks=[monitor])
    over = threading.Event()
    monitor.run.subscribe(lambda run: over.set())
    assert monitor.run.over or over.wait(5)
    assert monitor.run.status == "failed"


def test_a_kernel_that_lets_no_message_in_is_said_once_aloud_and_training_goes_on(classifier, monkeypatch):
    from kcb_widgets import kernel
    from kcb_widgets.session import front_end_check

    monkeypatch.setattr(kernel, "where", lambda: "kernel")
    monkeypatch.setattr(kernel, "self_test", lambda: False)
    monkeypatch.setattr(front_end_check, "_told", set())
    model, x, y = classifier()
    monitor = kcb.Monitor(display=False)
    with pytest.warns(RuntimeWarning, match=r"wait until the cell ends; monitor\.fit") as caught:
        [fit(model, x, y, monitor, epochs=1) for _ in range(2)]
    assert sum("kcb_widgets" in str(warning.message) for warning in caught) == 1
    assert [run.status for run in monitor.runs] == ["finished", "finished"]
    assert all("kernel" in set(run.events["name"]) for run in monitor.runs)


def test_a_panel_that_raises_is_an_event_and_training_goes_on(classifier):
    model, x, y = classifier()
    monitor = kcb.Monitor()

    def broken(run):
        raise ZeroDivisionError

    monitor.run.subscribe(broken)
    assert len(fit(model, x, y, monitor, epochs=2).history["loss"]) == 2
    assert monitor.run.events.query("kind == 'error'")["name"].tolist() == ["board"]


# -- steering ----------------------------------------------------------------------------------------------------------


class BatchOver(keras.callbacks.Callback):
    """Lets another thread wait for a whole batch: a fast one's end and a stop may otherwise come together."""

    def __init__(self):
        super().__init__()
        self.batches, self.ended = 0, threading.Condition()

    def on_train_batch_end(self, batch, logs=None):
        with self.ended:
            self.batches += 1
            self.ended.notify_all()

    def wait(self):
        with self.ended:
            wanted = self.batches + 2  # the one under way may have begun before
            assert self.ended.wait_for(lambda: self.batches >= wanted, 20)


@pytest.fixture
def batch_over():
    return BatchOver()


@pytest.mark.parametrize("mode", [{}, {"jit_compile": True}, {"run_eagerly": True}])
def test_a_learning_rate_set_after_a_batch_moves_the_very_next_one(unit_model, ones, weights, at, mode):
    model, monitor = unit_model(**mode), kcb.Monitor()
    replies = []
    fit(model, *ones, monitor, weights, at(2, lambda: replies.append(monitor.set(learning_rate=0.25))), epochs=1)
    assert weights.moves == [0.5, 0.5, 0.25, 0.25, 0.25, 0.25]
    event = replies[0].wait(0)
    assert (event.kind, event.step, event.old, event.new, event.source) == ("applied", 2, 0.5, 0.25, "python")
    assert monitor.run.epochs["learning_rate"].tolist() == [0.25]


def test_through_a_loss_scale_optimizer(unit_model, ones, weights, at):
    inner = keras.optimizers.SGD(0.5)
    model, monitor = unit_model(keras.optimizers.LossScaleOptimizer(inner)), kcb.Monitor()
    fit(model, *ones, monitor, weights, at(2, lambda: monitor.set(learning_rate=0.25)), epochs=1)
    assert weights.moves[2:] == [0.25] * 4


@ONE_STEP
def test_steps_per_execution_applies_between_executions(unit_model, ones, weights, at):
    model, monitor = unit_model(steps_per_execution=3), kcb.Monitor()
    fit(model, *ones, monitor, weights, at(1, lambda: monitor.set(learning_rate=0.25)), epochs=1)
    assert weights.moves == [1.5, 0.75]


def test_from_another_thread_with_an_answer_to_wait_for(unit_model, ones, weights, batch_over):
    model, monitor = unit_model(), kcb.Monitor()
    got = []

    def steer():
        while not monitor.run.step:
            pass
        got.append(monitor.set(learning_rate=0.125).wait(10))
        batch_over.wait()
        got.append(monitor.stop().wait(10))

    thread = threading.Thread(target=steer)
    thread.start()
    fit(model, *ones, monitor, weights, batch_over, epochs=100_000)
    thread.join()
    change, stop = got
    assert set(weights.moves[: change.step]) == {0.5}
    assert set(weights.moves[change.step :]) == {0.125}
    assert stop.kind == "stop"
    assert monitor.run.status == "stopped"
    assert len(weights.moves) - stop.step in (0, 1)  # it came during a batch, or as the next one was to begin


def test_stop_ends_after_this_batch_with_validation_and_a_usable_model(classifier, at):
    model, x, y = classifier()
    monitor = kcb.Monitor()
    history = fit(model, x, y, monitor, at(5, monitor.stop), epochs=9, batch_size=8, validation_data=(x, y))
    assert monitor.run.step in (5, 6)  # the command arrived after batch 5's poll, or just before it
    assert len(history.history["val_loss"]) == 1
    assert monitor.run.status == "stopped"
    assert model.predict(x, verbose=0).shape == (64, 1)
    fit(model, x, y, monitor, epochs=1)
    assert monitor.run.status == "finished"


def test_the_last_of_many_commands_wins_and_all_are_answered(unit_model, ones, weights, at):
    model, monitor = unit_model(), kcb.Monitor()
    replies = []

    def flood():
        replies.extend(monitor.set(learning_rate=rate) for rate in (3.0, 2.0, 0.125))

    fit(model, *ones, monitor, weights, at(2, flood), epochs=1)
    assert weights.moves[2:] == [0.125] * 4
    assert {reply.wait(0).new for reply in replies} == {0.125}
    assert (monitor.run.events["kind"] == "applied").sum() == 1


@pytest.mark.parametrize(
    ("value", "error"),
    [("0.1", TypeError), (None, TypeError), (True, TypeError), ([0.1], TypeError), (float("nan"), ValueError),
     (float("inf"), ValueError), (-1e-9, ValueError), (1e7, ValueError), (10**400, ValueError)],
)  # fmt: skip
def test_a_wrong_value_is_refused_at_once_saying_what_was_received(value, error):
    with pytest.raises(error, match="Received"):
        kcb.Monitor().set(learning_rate=value)


@pytest.mark.parametrize("value", [np.float32(0.25), np.float64(0.25), np.array(0.25), keras.ops.array(0.25), 0])
def test_any_kind_of_number_will_do(unit_model, ones, weights, at, value):
    model, monitor = unit_model(), kcb.Monitor()
    fit(model, *ones, monitor, weights, at(1, lambda: monitor.set(learning_rate=value)), epochs=1)
    assert weights.moves[-1] == float(value)


def test_what_cannot_be_changed_is_refused_and_training_goes_on(unit_model, ones, at):
    model, monitor = unit_model(keras.optimizers.SGD(lambda: 0.5)), kcb.Monitor()
    replies = []
    fit(model, *ones, monitor, at(2, lambda: replies.append(monitor.set(learning_rate=0.1))), epochs=2)
    assert replies[0].wait(0).kind == "refused"
    assert "function" in replies[0].wait(0).message
    assert monitor.run.step == 12
    assert monitor.run.controls[0]["enabled"] is False
    assert "function" in monitor.run.controls[0]["reason"]


def test_a_schedules_rate_is_on_the_record(unit_model, ones):
    schedule = keras.optimizers.schedules.ExponentialDecay(0.5, 6, 0.5)
    model, monitor = unit_model(keras.optimizers.SGD(schedule)), kcb.Monitor()
    fit(model, *ones, monitor, epochs=3)
    assert monitor.run.epochs["learning_rate"].tolist() == [0.25, 0.125, 0.0625]
    assert "changed" not in set(monitor.run.events["kind"])


@pytest.mark.parametrize("monitor_first", [True, False])
def test_other_callbacks_writes_are_events_that_name_them(unit_model, ones, monitor_first):
    model, monitor = unit_model(), kcb.Monitor()
    schedule = keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.5)
    callbacks = [monitor, schedule] if monitor_first else [schedule, monitor]
    fit(model, *ones, *callbacks, epochs=3)
    changes = monitor.run.events.query("kind == 'changed'")
    assert set(changes["source"]) == {"LearningRateScheduler"}
    assert changes["new"].tolist()[-2:] == [0.125, 0.0625]
    plateau = keras.callbacks.ReduceLROnPlateau(monitor="loss", factor=0.1, patience=1, mode="max")
    model = unit_model()
    fit(model, *ones, plateau, monitor, epochs=4)
    changes = monitor.run.events.query("kind == 'changed'")
    assert set(changes["source"]) == {"ReduceLROnPlateau"}


def test_nothing_training_nothing_promised(classifier):
    monitor = kcb.Monitor()
    assert monitor.set(learning_rate=0.1).wait(0).kind == "refused"
    model, x, y = classifier()
    fit(model, x, y, monitor)
    reply = monitor.stop()
    assert reply.done
    assert not reply.applied
    assert reply.wait(0).message == "nothing is training"


def test_a_command_that_comes_too_late_is_refused(unit_model, ones, at):
    model, monitor = unit_model(), kcb.Monitor()
    replies = []

    class Last(keras.callbacks.Callback):
        def on_train_end(self, logs=None):
            replies.append(monitor.set(learning_rate=0.1))

    fit(model, *ones, Last(), monitor, epochs=1)
    assert "training ended" in replies[0].wait(0).message


def test_waiting_on_the_training_thread_is_refused_not_a_deadlock(unit_model, ones, at):
    model, monitor = unit_model(), kcb.Monitor()
    errors = []

    def wait():
        try:
            monitor.set(learning_rate=0.1).wait()
        except RuntimeError as error:
            errors.append(str(error))

    fit(model, *ones, monitor, at(2, wait), epochs=1)
    assert "wait for itself" in errors[0]


# -- in the background -------------------------------------------------------------------------------------------------


def test_a_background_fit_returns_at_once_and_can_be_steered(unit_model, ones, weights, batch_over):
    model, monitor = unit_model(), kcb.Monitor()
    handle = monitor.fit(model, *ones, batch_size=2, epochs=100_000, callbacks=[weights, batch_over])
    assert handle.running
    with pytest.raises(RuntimeError, match="training in the background already"):
        kcb.Monitor().fit(model, *ones)
    with pytest.raises(RuntimeError, match="another fit"):
        monitor.fit(unit_model(), *ones)
    with pytest.raises(TimeoutError):
        handle.wait(0.01)
    change = monitor.set(learning_rate=0.25).wait(20)
    assert change.kind == "applied"
    batch_over.wait()
    handle.stop().wait(20)
    history = handle.wait(20)
    assert isinstance(history, keras.callbacks.History)
    assert not handle.running
    assert set(weights.moves[change.step :]) == {0.25}
    assert monitor.run.status == "stopped"
    handle = monitor.fit(model, *ones, epochs=1)
    handle.wait(20)
    assert monitor.run.status == "finished"


@pytest.mark.parametrize("same", ["model", "monitor"])
def test_a_fit_that_is_seen_to_be_over_gives_way_though_it_has_not_returned(unit_model, ones, same):
    """A dashboard's Train button, pressed as soon as the board says "stopped", must not be in vain."""
    model, monitor, ended, free = unit_model(), kcb.Monitor(), threading.Event(), threading.Event()
    real = model.fit

    def late(*args, **kwargs):
        history = real(*args, **kwargs)
        ended.set()
        assert free.wait(20)
        return history

    model.fit = late
    first = monitor.fit(model, *ones, epochs=1)
    assert ended.wait(20)
    assert first.running
    assert not monitor.training
    model.fit = real
    # Whatever comes first, the next call or this: what is asserted holds.
    threading.Timer(0.2, free.set).start()
    follows = kcb.Monitor() if same == "model" else monitor
    second = follows.fit(model if same == "model" else unit_model(), *ones, epochs=1)
    assert not first.running
    second.wait(20)
    assert follows.run.status == "finished"


def test_what_is_asked_for_while_a_background_fit_begins_waits_for_its_first_batch(
    unit_model, ones, weights, monkeypatch
):
    from kcb_widgets.session import lifecycle as module

    class Asked(module.Session):
        def __init__(self, *args):
            replies.append(monitor.set(learning_rate=0.25))
            super().__init__(*args)

    monkeypatch.setattr(module, "Session", Asked)
    model, monitor, replies = unit_model(), kcb.Monitor(), []
    monitor.fit(model, *ones, batch_size=2, callbacks=[weights]).wait(20)
    assert weights.moves == [0.25] * 6
    assert replies[0].wait(0).kind == "applied"


def test_a_background_fit_that_fails_says_how(unit_model, ones, at):
    model, monitor = unit_model(), kcb.Monitor()
    handle = monitor.fit(model, *ones, batch_size=2, callbacks=[at(2, raising(Boom("gone")))])
    with pytest.raises(Boom):
        handle.wait(20)
    assert isinstance(handle.exception, Boom)
    assert monitor.run.status == "failed"
    assert monitor.run.message == "Boom: gone (in At.on_train_batch_end)"


def test_a_background_fit_that_never_begins_says_how(unit_model):
    model, monitor = unit_model(), kcb.Monitor()
    handle = monitor.fit(model, "nonsense")
    reply = monitor.set(learning_rate=0.1)
    with pytest.raises(Exception, match=r"nonsense|str|data"):
        handle.wait(20)
    assert reply.wait(20).kind == "refused"
    assert not monitor.training
    assert monitor.run.status == "failed"


@pytest.mark.parametrize("paused", [False, True])
def test_a_background_fit_that_nobody_waits_for_stops_and_gives_way(unit_model, ones, batch_over, paused):
    """marimo's threads are told so when their cell is run anew."""
    model, monitor = unit_model(), kcb.Monitor()
    first = monitor.fit(model, *ones, batch_size=2, epochs=100_000, callbacks=[batch_over])
    batch_over.wait()
    if paused:
        monitor.pause().wait(20)
    first._thread.should_exit = True
    assert isinstance(first.wait(20), keras.callbacks.History)
    (stop,) = [event for event in monitor.run.events_list if event.kind == "stop"]
    assert (monitor.run.status, stop.source) == ("stopped", "notebook")

    second = monitor.fit(model, *ones, batch_size=2, epochs=100_000, callbacks=[batch_over])
    batch_over.wait()
    second._thread.should_exit = True
    other = unit_model()
    third = monitor.fit(other, *ones, epochs=1)  # at once, with the Monitor that is not free yet
    third.wait(20)
    assert not second.running
    assert [run.status for run in monitor.runs] == ["stopped", "stopped", "finished"]


def test_display_must_be_a_choice():
    with pytest.raises(TypeError, match="Received: 'yes'"):
        kcb.Monitor(display="yes")

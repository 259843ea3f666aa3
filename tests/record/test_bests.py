"""The best values of a run: which way is better is told by the name, and what was abandoned does not count."""

from __future__ import annotations

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.panels import payload
from kcb_widgets.record.directions import direction_of
from kcb_widgets.run import Run


@pytest.mark.parametrize(
    ("direction", "names"),
    [
        ("min", "loss val_loss head_loss accents_loss mse mae_1 mean_squared_error val_log_cosh binary_crossentropy"),
        ("min", "decoder2_mse kl_divergence rmse perplexity squared_hinge false_positives val_false_negatives_2"),
        ("max", "accuracy val_acc binary_accuracy auc_1 precision recall_2 f1_score mean_io_u cosine_similarity"),
        ("max", "val_sparse_categorical_accuracy r2_score top_k_categorical_accuracy"),
        (None, "score temperature true_positives my_metric lossy steps"),
    ],
)
def test_a_name_tells_which_way_is_better_or_nothing(direction, names):
    assert {name: direction_of(name) for name in names.split()} == dict.fromkeys(names.split(), direction)


def test_keras_calls_its_metrics_by_names_that_are_known():
    smaller = ("MeanSquaredError", "MeanAbsolutePercentageError", "LogCoshError", "KLDivergence", "Hinge", "Poisson")
    larger = ("BinaryAccuracy", "AUC", "Precision", "F1Score", "R2Score", "CosineSimilarity", "TopKCategoricalAccuracy")
    for names, direction in ((smaller, "min"), (larger, "max")):
        for name in names:
            assert direction_of(getattr(keras.metrics, name)().name) == direction, name


@pytest.mark.parametrize(
    ("metric", "values", "best"),
    [
        ("val_accuracy", [0.5, 0.7, 0.6], 2),
        ("val_loss", [0.5, 0.7, 0.6], 1),
        ("score", [0.5, 0.7, 0.6], 1),  # as ever: what is not known gets better as it gets smaller, unless `mode` tells
        ("decoder2_mse", [0.5, 0.7, 0.6], 1),
    ],
)
def test_snapshots_go_by_the_same_rule(unit_model, ones, metric, values, best):
    class Logs(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            logs[metric] = values[epoch]

    monitor = kcb.Monitor(snapshots=kcb.Snapshots(best=metric))
    unit_model().fit(*ones, epochs=3, verbose=0, callbacks=[Logs(), monitor])
    taken = [event.epoch for event in monitor.run.events_list if event.kind == "snapshot" and event.name == "best"]
    assert taken[-1] + 1 == best


def ended(run, epochs, batches=2):
    """Record epochs with these metrics."""
    for metrics in epochs:
        epoch = 0 if run.epoch is None else run.epoch + 1
        run.begin_epoch(epoch)
        for batch in range(batches):
            run.append(batch, {"loss": 1.0})
        run.end_epoch(epoch, metrics)


def found(run):
    return {b["metric"]: (round(b["value"], 4), b["epoch"], b["step"], b["direction"]) for b in run.bests}


def test_the_best_so_far_is_known_at_each_epochs_end(classifier):
    model, x, y = classifier(metrics=["accuracy", keras.metrics.AUC(name="auc")])
    monitor, seen = kcb.Monitor(), []

    class Looks(keras.callbacks.Callback):
        def on_epoch_begin(self, epoch, logs=None):
            seen.append(payload.state(monitor.run)["bests"])

    history = model.fit(x, y, epochs=4, verbose=0, validation_data=(x, y), callbacks=[monitor, Looks()]).history
    assert seen[0] == []
    bests = {best["metric"]: best for best in payload.state(monitor.run)["bests"]}
    assert set(bests) == {"loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc"}
    for name, values in history.items():
        pick = np.argmin if "loss" in name else np.argmax
        assert (bests[name]["epoch"], bests[name]["value"]) == (pick(values), pytest.approx(values[pick(values)]))
        assert bests[name]["step"] == 2 * (bests[name]["epoch"] + 1)
    assert {best["epoch"] for best in seen[1]} == {0}


def test_what_is_not_finite_is_never_the_best_and_of_equals_the_first_is():
    run = Run()
    nan, inf = float("nan"), float("inf")
    ended(run, [{"loss": nan, "accuracy": inf}, {"loss": 2.0, "accuracy": 0.5}, {"loss": -inf, "accuracy": 0.5}])
    assert found(run) == {"loss": (2.0, 1, 4, "min"), "accuracy": (0.5, 1, 4, "max")}


def test_they_stand_in_the_order_of_the_metrics_whichever_was_first_finite():
    run = Run()
    ended(run, [{"loss": float("nan"), "accuracy": 0.5}, {"loss": 2.0, "accuracy": 0.6}])
    before = run.bests
    assert [best["metric"] for best in before] == ["loss", "accuracy"]
    run.find_bests()  # as a file does that is opened again
    assert run.bests == before


def test_a_metric_of_which_it_is_not_known_which_way_is_better_is_left_out():
    run = Run()
    ended(run, [{"loss": 1.0, "score": 3.0, "learning_rate": 0.1}])
    assert set(found(run)) == {"loss"}


def test_what_a_rollback_abandoned_does_not_count_and_may_count_again():
    run = Run()
    ended(run, [{"loss": 3.0}, {"loss": 2.0}, {"loss": 1.0}])
    run.rolled_back(2)
    assert found(run) == {"loss": (3.0, 0, 2, "min")}
    ended(run, [{"loss": 2.5}])
    assert found(run) == {"loss": (2.5, 3, 8, "min")}
    run.rolled_back(4)  # to a state of the abandoned stretch: that is what goes on
    assert found(run) == {"loss": (2.0, 1, 4, "min")}


def test_a_fit_that_goes_back_counts_anew(unit_model, ones, at):
    """Its loss falls with each batch: without the rollback the best would be the second epoch's."""
    monitor = kcb.Monitor(snapshots=kcb.Snapshots(each_epoch=True))
    back = at(4, lambda: monitor.rollback(monitor.run.snapshots[0]["id"]))
    slow = at(4, lambda: monitor.set(learning_rate=0.0))
    unit_model().fit(*ones, batch_size=6, epochs=3, verbose=0, callbacks=[monitor, back, slow])
    best = {b["metric"]: (b["epoch"], b["step"]) for b in monitor.run.bests}
    losses = [row["loss"] for _, row in monitor.run.epoch_rows]
    assert monitor.run.branches == [{"from": 2, "to": 4}]
    assert losses[1] < losses[2]
    assert best == {"loss": (2, 6)}

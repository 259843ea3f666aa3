"""The notebooks about callbacks run as they are written, and what they say comes true."""

from __future__ import annotations

import threading
import time
import urllib.request

import keras
import numpy as np
import pytest
from notebook_runs import cell_with, execute, pictures, read, stream

NAMES = ("callbacks-guide", "builtin-callbacks")


GUIDE = """
    "trace": trace.seen, "evaluate": trace_evaluate.seen, "predict": trace_predict.seen,
    "losses": monitor.run.epochs["loss"].tolist(),
    "stopped": stop_monitor.run.epochs["loss"].tolist(),
    "stop": stop_monitor.run.events.query("kind == 'stop'")["source"].tolist(),
    "best": stop.best_epoch,
    # A twin that trains up to the best epoch and no further.
    "twin": (twin := regressor(learning_rate=0.05)) and twin.fit(
        x_train, y_train, batch_size=64, epochs=stop.best_epoch + 1, verbose=0) and [
        weight.ravel()[:50].tolist() for weight in twin.get_weights()],
    "restored": [weight.ravel()[:50].tolist() for weight in stop_model.get_weights()],
    "table": list(TABLE.items()),
    "changes": rate_monitor.run.events.query("kind == 'changed'")[["epoch", "new"]].values.tolist(),
    "rates": rate_monitor.run.epochs["learning_rate"].tolist(),
    "files": len(files), "epochs": len(save_monitor.run.epochs),
    "last": np.allclose(predictions[-1], save.model.predict(samples, verbose=0), atol=1e-5),
    "moved": float(abs(predictions[0] - predictions[-1]).max()),
    "features": len(keep.features),
    "inside": np.allclose(keep.features[-1], feature_model.get_layer("middle")(x_test[:1]), atol=1e-5),
    "learned": not np.allclose(keep.features[0], keep.features[-1], atol=1e-3),
"""


@pytest.fixture(scope="module")
def guide(tmp_path_factory):
    return execute("callbacks-guide", tmp_path_factory.mktemp("home"), GUIDE)


def test_the_guide_traces_every_hook_in_keras_order(guide):
    facts, cells = guide
    batch = ["on_train_batch_begin", "on_train_batch_end"]
    test = ["on_test_begin", "on_test_batch_begin", "on_test_batch_end", "on_test_end"]
    assert facts["trace"] == [
        *["on_train_begin", "on_epoch_begin", *batch, *batch],
        *[*test, "on_epoch_end", "on_train_end"],
    ]
    assert facts["evaluate"] == [test[0], *test[1:3], *test[1:3], test[3]]
    assert facts["predict"] == [hook.replace("test", "predict") for hook in facts["evaluate"]]
    printed = stream(cell_with(cells, "Trace(), kcb.Monitor()")).splitlines()
    (epoch_end,) = [line for line in printed if line.startswith("on_epoch_end")]
    assert epoch_end.split()[1:] == ["loss", "mae", "val_loss", "val_mae"]


def test_the_guide_prints_losses_of_batches_and_epochs(guide):
    facts, cells = guide
    printed = stream(cell_with(cells, "[monitor, PrintLosses()]"))
    lines = printed.splitlines()
    assert len([line for line in lines if line.startswith("  batch")]) == 16
    assert len([line for line in lines if line.startswith("  test batch")]) == 2
    epochs = [line for line in lines if line.startswith("epoch")]
    assert [line.split()[3].rstrip(",") for line in epochs] == [f"{loss:.2f}" for loss in facts["losses"]]


def test_the_guide_stops_early_and_has_the_weights_of_the_lowest_loss(guide):
    facts, _ = guide
    losses = facts["stopped"]
    assert len(losses) < 30
    assert facts["best"] == int(np.argmin(losses)) == len(losses) - 2
    assert facts["stop"] == ["StopAtLowestLoss"]
    for restored, twin in zip(facts["restored"], facts["twin"], strict=True):
        assert restored == pytest.approx(twin, rel=1e-3, abs=1e-4)


def test_the_guide_trains_with_the_rates_of_its_table(guide):
    facts, _ = guide
    table = dict(facts["table"])
    assert facts["changes"] == [[epoch, pytest.approx(rate)] for epoch, rate in table.items()]
    begun = [max(first for first in table if first <= epoch) for epoch in range(len(facts["rates"]))]
    assert facts["rates"] == [pytest.approx(table[first]) for first in begun]


def test_the_guide_saves_and_shows_the_predictions_of_each_epoch(guide):
    facts, cells = guide
    assert facts["files"] == facts["epochs"] == 5
    assert facts["last"]
    assert facts["moved"] > 0.3
    assert pictures(cell_with(cells, "plt.subplots(2, len(samples)"))


def test_the_guide_keeps_and_shows_the_features_of_each_epoch(guide):
    facts, cells = guide
    assert facts["features"] == 4
    assert facts["inside"]
    assert facts["learned"]
    assert pictures(cell_with(cells, "plt.subplots(len(keep.features)"))


BUILTIN = """
    "default": default_monitor.run.epochs["val_loss"].tolist(),
    "custom": custom_monitor.run.epochs["val_accuracy"].tolist(),
    "stops": [m.run.events.query("kind == 'stop'")["source"].tolist() for m in (default_monitor, custom_monitor)],
    "log": [log.index.name, log.index.tolist(), log["val_loss"].tolist()],
    "kept": csv_monitor.run.epochs["val_loss"].tolist(),
    "files": len(saved), "noticed": len(save_monitor.run.events.query("kind == 'saved'")),
    "accuracy": [accuracy_fresh, accuracy_loaded, accuracy_trained],
    "plateau": plateau_monitor.run.epochs["val_loss"].tolist(),
    "cuts": plateau_cuts[["epoch", "old", "new", "source"]].values.tolist(),
    "schedule": schedule_cuts[["epoch", "old", "new", "source"]].values.tolist(),
    "rates": schedule_monitor.run.epochs["learning_rate"].tolist(),
    "told": told, "collected": batch_losses, "batches": lambda_monitor.run.batches["loss"].tolist(),
"""


@pytest.fixture(scope="module")
def builtin(tmp_path_factory):
    return execute("builtin-callbacks", tmp_path_factory.mktemp("home"), BUILTIN)


def test_early_stopping_stops_at_the_first_epoch_that_is_no_better(builtin):
    losses = builtin[0]["default"]
    assert len(losses) < 40
    assert losses[-1] >= losses[-2]
    assert losses[:-1] == sorted(losses[:-1], reverse=True)
    assert builtin[0]["stops"] == [["EarlyStopping"], ["EarlyStopping"]]


def test_early_stopping_waits_three_epochs_for_a_gain_in_accuracy(builtin):
    accuracies = builtin[0]["custom"]
    best, at = -1.0, 0
    for epoch, accuracy in enumerate(accuracies):
        if accuracy - 0.001 > best:
            best, at = accuracy, epoch
    assert len(accuracies) < 60
    assert len(accuracies) - 1 == at + 3


def test_the_csv_log_is_what_monitor_kept(builtin):
    name, epochs, losses = builtin[0]["log"]
    assert (name, epochs) == ("epoch", [0, 1, 2, 3])
    assert losses == pytest.approx(builtin[0]["kept"], rel=1e-6)


def test_a_new_model_with_the_last_file_is_as_good_as_the_trained_one(builtin):
    fresh, loaded, trained = builtin[0]["accuracy"]
    assert builtin[0]["files"] == builtin[0]["noticed"] == 4
    assert loaded == trained > fresh


def test_each_plateau_cuts_the_learning_rate(builtin):
    expected, rate, best, waited = [], 0.02, float("inf"), 0
    for epoch, loss in enumerate(builtin[0]["plateau"]):
        best, waited = (loss, 0) if loss < best - 1e-4 else (best, waited + 1)
        if waited >= 2 and rate > 0.001:
            old, rate, waited = rate, max(rate * 0.2, 0.001), 0
            expected.append([epoch, pytest.approx(old), pytest.approx(rate), "ReduceLROnPlateau"])
    assert expected
    assert builtin[0]["cuts"] == expected
    assert pictures(cell_with(builtin[1], "plot_rate_and_loss(plateau"))


def test_the_schedule_cuts_every_five_epochs(builtin):
    rates = [0.01, 0.002, 0.0004]
    assert builtin[0]["schedule"] == [
        [5 * (k + 1), pytest.approx(rates[k]), pytest.approx(rates[k + 1]), "LearningRateScheduler"] for k in range(2)
    ]
    assert builtin[0]["rates"] == pytest.approx([rate for rate in rates for _ in range(5)])


def test_the_three_lambdas_were_called(builtin):
    facts = builtin[0]
    assert [line.split(",")[0] for line in facts["told"]] == [
        *[f"epoch {epoch} begins after {epoch * 18} batches" for epoch in range(3)],
        "done after 54 batches",
    ]
    assert facts["collected"] == pytest.approx(facts["batches"])


def load(name, monkeypatch, home, capsys):
    """Run a notebook's imports and loader here; returns what is defined then, and what was printed."""
    monkeypatch.setenv("KERAS_HOME", str(home))
    names: dict = {}
    cells = [cell.source for cell in read(name).cells if cell.cell_type == "code"]
    for source in cells[:2]:
        exec(source.replace("seconds=5", "seconds=0.2"), names)
    return names, capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "dataset", "file"),
    [
        ("callbacks-guide", keras.datasets.mnist, "mnist.npz"),
        ("builtin-callbacks", keras.datasets.fashion_mnist, "fashion-mnist/t10k-images-idx3-ubyte.gz"),
    ],
)
def test_keras_data_sets_take_the_same_path(name, dataset, file, monkeypatch, tmp_path, capsys):
    (tmp_path / "datasets" / file).parent.mkdir(parents=True)
    (tmp_path / "datasets" / file).touch()  # Keras has downloaded it: nothing is asked for
    images, labels = np.full((6000, 28, 28), 255, np.uint8), np.ones(6000, np.uint8)
    monkeypatch.setattr(dataset, "load_data", lambda: ((images, labels), (images[:1000], labels[:1000])))
    names, printed = load(name, monkeypatch, tmp_path, capsys)
    assert "NOTE" not in printed
    assert names["x_train"].shape == (2000, 28, 28, 1)
    assert names["x_test"].shape == (500, 28, 28, 1)
    assert names["x_train"].dtype == np.float32
    assert names["x_train"].max() == 1
    assert (len(names["y_train"]), len(names["y_test"])) == (2000, 500)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_that_never_answers_is_given_up_soon(name, monkeypatch, tmp_path, capsys):
    over = threading.Event()
    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: over.wait(60))
    began = time.perf_counter()
    names, printed = load(name, monkeypatch, tmp_path, capsys)
    over.set()
    assert time.perf_counter() - began < 10
    (note,) = [line for line in printed.splitlines() if line.startswith("NOTE")]
    assert "no answer in 0.2 seconds" in note
    assert names["x_train"].shape == (1400, 28, 28, 1)
    assert 0.99 < names["x_train"].max() <= 1

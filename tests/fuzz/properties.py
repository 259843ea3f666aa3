"""What must hold for every case; each function fails with what was found."""

from __future__ import annotations

import contextlib
import re
import sys
import tempfile
import warnings
from collections.abc import Iterator
from typing import Any
from unittest import mock

import keras
import numpy as np
from same_run import assert_same_run

import kcb_widgets as kcb
from kcb_widgets.steering.snapshots import SnapshotStore

from . import models
from .cases import Case
from .steering import Steering

State = dict[tuple[str, str, int], np.ndarray]
SAID = "What this does not do"
ROUNDED = "last digits may differ"
UNVALIDATED = "what validation itself moves"


# -- state -------------------------------------------------------------------------------------------------------------


def state(model: Any) -> State:
    """Every number that training goes on from, but for what controls set and what metrics hold."""
    if hasattr(model, "jax_state_sync"):
        model.jax_state_sync()
    metrics = {id(one) for one in model.metrics_variables}
    found: State = {}
    for kind, owner in (("model", model), ("optimizer", model.optimizer)):
        for variable in owner.variables:
            if id(variable) in metrics or "learning_rate" in variable.path or "live_" in variable.path:
                continue
            path, number = re.sub(r"_\d+(?=/|$)", "", variable.path), 0
            while (key := (kind, path, number)) in found:
                number += 1
            found[key] = np.array(keras.ops.convert_to_numpy(variable))
    return found


def same(one: State, other: State, what: str, close: bool = False) -> None:
    """Fail unless two states are equal bit for bit, or ``close``."""
    assert one.keys() == other.keys(), f"{what}: {sorted(one.keys() ^ other.keys())}"
    for key, value in one.items():
        if close and np.issubdtype(value.dtype, np.floating):
            limit = 1e-3 * np.nanmax(np.abs(value), initial=0.1)
            equal = np.allclose(value, other[key], rtol=1e-3, atol=limit, equal_nan=True)
        else:
            equal = np.array_equal(value, other[key], equal_nan=np.issubdtype(value.dtype, np.floating))
        assert equal, f"{what}: {key} is {other[key].ravel()[:5]}, not {value.ravel()[:5]}"


def fit(case: Case, model: Any, callbacks: list[Any]) -> Any:
    """Train as the case says, from the same random state each time."""
    keras.utils.set_random_seed(case.seed + 1000)
    with warnings.catch_warnings(), contextlib.redirect_stdout(None):
        warnings.simplefilter("ignore")
        return model.fit(**models.fit_arguments(case), callbacks=callbacks)


# -- properties --------------------------------------------------------------------------------------------------------


def untouched(case: Case) -> None:
    """A fit with a Monitor of which nothing is asked is that without it; what it tells of batches is true."""
    plain = models.model(case)
    others = models.callbacks(case)
    history = fit(case, plain, others).history
    seen = ["classes"] if case.seed % 2 else []  # what is read between epochs changes nothing either
    watched, monitor, weights = models.model(case), kcb.Monitor(record=seen), Weights()
    others = models.callbacks(case)
    watched_history = fit(case, watched, [*others[: case.place], monitor, *others[case.place :], weights]).history
    same(state(plain), state(watched), "with Monitor")
    assert history == watched_history or any(np.isnan(np.concatenate([*map(np.ravel, history.values())])))
    ended(monitor)
    left_behind(watched, others)
    batch_values(case, monitor.run, weights.before)


def steered(case: Case) -> None:
    """All that is asked is answered, nothing is left, and the run can be done again."""
    with tempfile.TemporaryDirectory() as folder:
        _steered(case, folder if case.seed % 2 else None)


def _steered(case: Case, folder: str | None) -> None:
    model = models.model(case)
    monitor = kcb.Monitor(snapshots=kcb.Snapshots(each_epoch=case.snapshots), log_dir=folder)
    others, steering = models.callbacks(case), Steering(monitor, case)
    out = sys.stdout
    with rollbacks_watched(model) as wrong:
        try:
            fit(case, model, [*others[: case.place], monitor, *others[case.place :], steering])
        finally:
            steering.finish()
    assert not steering.errors, steering.errors
    assert not wrong, wrong
    assert sys.stdout is out
    open_replies = [reply for reply in steering.replies if not reply.done]
    assert not open_replies, f"{len(open_replies)} of {len(steering.replies)} replies are open"
    ended(monitor)
    left_behind(model, others)
    replayed(case, monitor.run, model)
    coded(case, monitor.run, model)
    if folder is not None:
        kept(monitor.run)


def ended(monitor: kcb.Monitor) -> None:
    """The run is over, and nothing of ours went wrong."""
    run = monitor.run
    assert run.status in ("finished", "stopped"), run
    errors = [event for event in run.events_list if event.kind == "error"]
    assert not errors, errors
    assert not monitor.training
    frames = run.batches, run.epochs, run.events
    assert len(frames[0]) == run.batch_table.rows
    assert frames[1].index.is_unique


def left_behind(model: Any, callbacks: list[Any]) -> None:
    """Nothing of ours is in the model, its optimizers or the other callbacks."""
    owners = [model, *model._flatten_layers(), model.optimizer, *callbacks]
    inner = getattr(model.optimizer, "inner_optimizer", None)
    for owner in [*owners, *([inner] if inner is not None else [])]:
        for name, value in vars(owner).items():
            home = getattr(type(value), "__module__", "") or ""
            function = getattr(value, "__module__", "") or "" if callable(value) else ""
            assert not home.startswith("kcb_widgets"), f"{owner}.{name} is {value}"
            assert not function.startswith("kcb_widgets"), f"{owner}.{name} is {value}"
    ours = [variable.path for variable in model.optimizer.variables if "live_" in variable.path]
    assert not ours, ours


def replayed(case: Case, run: kcb.Run, original: Any) -> None:
    """A replay gives the same weights, bit for bit."""
    model, replay = models.model(case), run.replay()
    others = models.callbacks(case)
    fit(case, model, [*others[: case.place], replay, *others[case.place :]])
    # A machine that stood still for minutes is told of, and says nothing of the replay.
    told = [event for event in replay.run.events_list if event.name != "stalled"]
    warned = [event for event in told if event.kind in ("warning", "error", "refused")]
    refused = [event for event in run.events_list if event.kind == "refused"]
    assert not warned or refused, warned
    same(state(original), state(model), "replayed")


def kept(run: kcb.Run) -> None:
    """The run's file has all of it, and can be done again as well."""
    opened = kcb.Run.open(run.path)
    assert_same_run(run, opened)
    assert opened.to_code() == run.to_code()


def coded(case: Case, run: kcb.Run, original: Any) -> None:
    """The run as code gives the same weights, or says what it does not do; it never fails."""
    source = run.to_code()
    assert "kcb" not in source
    namespace: dict[str, Any] = {}
    exec(compile(source, "steered.py", "exec"), namespace)
    model = models.model(case)
    text = " ".join(line.lstrip("# ") for line in source.splitlines() if line.startswith("#"))
    away = re.findall(r"Leave out of the callbacks[^:]*: ([^.]*)\.", text)
    others = [one for one in models.callbacks(case) if not any(type(one).__name__ in names for names in away)]
    epochs = run.params.get("epochs") or case.epochs
    keras.utils.set_random_seed(case.seed + 1000)
    with warnings.catch_warnings(), contextlib.redirect_stdout(None):
        warnings.simplefilter("ignore")
        arguments = models.fit_arguments(case) | {"epochs": epochs}
        model.fit(**arguments, callbacks=[*others[: case.place], namespace["SteeredRun"](), *others[case.place :]])
    if SAID not in text:
        one, other = state(original), state(model)
        # Slots of frozen layers are set aside in the run, and stay in the optimizer in plain Keras.
        aside = {key for key in one.keys() ^ other.keys() if key[0] == "optimizer"}
        if UNVALIDATED in text:
            aside |= {key for key in one if "seed" in key[1] or "state" in key[1]}
        one, other = ({k: v for k, v in each.items() if k not in aside} for each in (one, other))
        same(one, other, "as code", close=ROUNDED in text)


@contextlib.contextmanager
def rollbacks_watched(model: Any) -> Iterator[list[str]]:
    """Compare every rollback with what was there when its snapshot was taken; what is wrong is put in the list."""
    kept: dict[str, State] = {}
    wrong: list[str] = []
    take, restore = SnapshotStore.take, SnapshotStore.restore

    def taken(self: Any, *args: Any, **kwargs: Any) -> Any:
        snapshot = take(self, *args, **kwargs)
        kept[snapshot.id] = state(model)
        return snapshot

    def restored(self: Any, snapshot: Any) -> Any:
        said = restore(self, snapshot)
        now = state(model)
        for key, value in kept[snapshot.id].items():
            equal_nan = np.issubdtype(value.dtype, np.floating)
            if key in now and not np.array_equal(value, now[key], equal_nan=equal_nan):
                wrong.append(f"{key} is {now[key].ravel()[:5]} after a rollback, not {value.ravel()[:5]}")
        return said

    with mock.patch.object(SnapshotStore, "take", taken), mock.patch.object(SnapshotStore, "restore", restored):
        yield wrong


# -- batch values ------------------------------------------------------------------------------------------------------


class Weights(keras.callbacks.Callback):
    """All variables of the model before each batch."""

    def __init__(self) -> None:
        super().__init__()
        self.before: list[list[np.ndarray]] = []

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        """Keep them."""
        self.before.append([np.array(one) for one in self.model.get_weights()])


def batch_values(case: Case, run: kcb.Run, before: list[list[np.ndarray]]) -> None:
    """``batch_<metric>`` is what Keras computes for that batch alone from the same weights, or is left out."""
    if case.model in (*models.RANDOM, "nested"):
        return
    found = run.batches
    columns = [name for name in found if name.startswith("batch_")]
    twin = models.model(case)
    twin.compile(keras.optimizers.SGD(0.0), **loss_of(case))
    # On JAX Keras's training step passes over the masks that its test step heeds.
    masks = case.model == "masked" and keras.backend.backend() == "jax"
    measure = twin.train_on_batch if masks else twin.test_on_batch
    x, y, sample_weight = models.arrays(case, case.samples, case.seed)
    kind = models.weighted(case)
    metrics = [name.removeprefix("batch_") for name in columns]
    finite = found[metrics].to_numpy()
    scale = float(np.nanmax(np.abs(finite[np.isfinite(finite)]), initial=1.0))
    unbalanced = len(before) - len(found)  # data of unknown length begin one batch more in each epoch
    for row in range(len(found)):
        batch, epoch = int(found["batch"].iloc[row]), int(found["epoch"].iloc[row])
        twin.set_weights(before[row + (epoch if unbalanced else 0)])
        rows = slice(batch * models.BATCH, (batch + 1) * models.BATCH)
        part = [one[rows] for one in y] if isinstance(y, list) else y[rows]
        more: dict[str, Any] = {"sample_weight": sample_weight[rows]} if kind == "sample_weight" else {}
        more |= {"class_weight": {0: 0.5, 1: 3.0}} if kind == "class_weight" else {}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            twin.reset_metrics()
            truth = measure(x[rows], part, return_dict=True, **weights_of(more, part))
        for column, name in zip(columns, metrics, strict=True):
            value, true = float(found[column].iloc[row]), float(truth[name])
            limit = 2e-6 * (batch + 4) * scale + 1e-4 * abs(true)
            if np.isfinite(true) and case.model != "batchnorm":
                assert abs(value - true) <= limit, f"{column} of batch {batch} in epoch {epoch} is {value}, not {true}"


def weights_of(given: dict[str, Any], targets: Any) -> dict[str, Any]:
    """``test_on_batch`` knows no class weights: the sample weights that they stand for."""
    classes = given.get("class_weight")
    if classes is None:
        return given
    return {"sample_weight": np.array([classes[int(one)] for one in np.ravel(targets)], "float32")}


def loss_of(case: Case) -> dict[str, Any]:
    """What the model of a case is compiled with, but for its optimizer."""
    several = case.model == "two_outputs"
    return {
        "loss": ["mse", "mae"] if several else "mse",
        "metrics": [["mae"], ["mse"]] if several else ["mae"],
        "weighted_metrics": [[], ["mae"]] if several else ["mse"],
        "run_eagerly": True,
    }

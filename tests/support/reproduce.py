"""A steered fit, and the two ways to do it again: `run.replay()`, and the source of `run.to_code()`."""

from __future__ import annotations

import os
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

import kcb_widgets as kcb

DIGITS = "the last digits may differ"
LEFT_OUT = "What this does not do:"


class Steering(keras.callbacks.Callback):
    """Does things after batches (counted over the whole fit, from 1), and at the end of epochs: `("epoch", 0)`."""

    def __init__(self, monitor, steer):
        super().__init__()
        self.monitor, self.steer, self.count = monitor, steer, 0

    def on_epoch_begin(self, epoch, logs=None):
        if not self.count:
            self.act(0)

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1
        self.act(self.count)

    def on_epoch_end(self, epoch, logs=None):
        self.act(("epoch", epoch))

    def act(self, when):
        if when in self.steer:
            self.steer[when](self.monitor)


def fit(make, steer=None, monitor=None, before=(), after=(), **arguments):
    """Train a fresh model.

    Args:
        make: Gives the model and the arguments of `fit`; may use random numbers.
        steer: What `Steering` does, each a function of the monitor. It stands before the monitor, so that what it
            asks for at an epoch's end is done there.
        monitor: None for none.
        before, after: Functions that give the other callbacks of the list, around the monitor.
        arguments: More arguments of `fit`.

    Returns:
        The model, and the run if there is a monitor.
    """
    keras.utils.clear_session(free_memory=False)  # names of layers are numbered from the beginning
    keras.utils.set_random_seed(3)
    model, told = make()
    mine = [Steering(monitor, steer)] if steer else []
    monitors = [] if monitor is None else [monitor]
    callbacks = [*mine, *(one() for one in before), *monitors, *(one() for one in after)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(**{"verbose": 0, "callbacks": callbacks, **told, **arguments})
    return model, None if monitor is None else monitor.run


def state(model):
    """All that training goes on from, by where it is: weights, random numbers, and what optimizers hold."""
    metrics = {id(variable) for variable in model.metrics_variables}
    owners = {"model": model, "optimizer": model.optimizer}
    owners |= {name: value for name, value in vars(model).items() if isinstance(value, keras.optimizers.Optimizer)}
    found = {}
    for owner, value in owners.items():
        for variable in value.variables:
            if id(variable) not in metrics:
                number = 0
                while (key := (owner, variable.path, number)) in found:
                    number += 1
                found[key] = np.array(keras.ops.convert_to_numpy(variable))
    return found


def differences(model, other, close=False):
    """What differs between two models, in words; what only one of two optimizers holds is no difference."""
    one, two = state(model), state(other)
    found = [f"{key} is missing" for key in one.keys() ^ two.keys() if key[0] == "model"]
    for key in one.keys() & two.keys():
        a, b = one[key], two[key]
        if a.shape != b.shape:
            found.append(f"{key}: shape {a.shape} and {b.shape}")
        elif not np.array_equal(a, b, equal_nan=True):
            off = float(np.abs(a.astype("float64") - b.astype("float64")).max())
            if not (close and np.allclose(a, b, rtol=1e-3, atol=1e-5)):
                found.append(f"{key}: up to {off:.3g} off, {np.sum(a != b)} of {a.size}")
    return sorted(found)


def callback(source):
    """The callback that the source makes, in a namespace that knows nothing of ours."""
    space = {}
    exec(compile(source, "steered.py", "exec"), space)
    return space["SteeredRun"]()


def unlike(make, steer, monitor=None, before=(), after=(), kept=None, replayed=None, **arguments):
    """Do a fit, and do it again in both ways.

    Args:
        make, steer, monitor, before, after, arguments: See `fit`.
        kept: The other callbacks that stay in the list for the source; None for all of `before` and `after`.
        replayed: What of `before` stays in the list for the replay; None for all.

    Returns:
        The run, the source, and what is not as it was, in words.
    """
    model, run = fit(make, steer, monitor or kcb.Monitor(), before, after, **arguments)
    source, found = run.to_code(), []
    arguments = {**arguments, "epochs": run.params["epochs"]}
    try:
        replay = run.replay()
        again, rerun = fit(make, None, replay, before if replayed is None else replayed, after, **arguments)
        found += [f"replay: {text}" for text in differences(model, again)]
        found += [
            f"replay: {e.kind} {e.name}: {e.message}" for e in rerun.events_list if e.kind in ("error", "refused")
        ]
        if rerun.step != run.step:
            found.append(f"replay: {rerun.step} steps instead of {run.step}")
    except Exception as error:
        found.append(f"replay died: {type(error).__name__}: {error}")
    try:
        steered = callback(source)
        others = [*before, *after] if kept is None else kept
        other, _ = fit(make, None, None, others, [lambda: steered], **arguments)
        if LEFT_OUT not in source:
            found += [f"code: {text}" for text in differences(model, other, close=DIGITS in source)]
    except Exception as error:
        found.append(f"code died: {type(error).__name__}: {error}")
    return run, source, found

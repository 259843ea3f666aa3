"""Random fits, steered at random: `python tests/reproduce_random.py 900 1` tries them for 900 seconds, from seed 1."""

from __future__ import annotations

import contextlib
import functools
import random
import sys
import time
import traceback

import keras
import numpy as np
import reproduce

import kcb_widgets as kcb

BATCHES, EPOCHS = 5, 3
Decay = keras.optimizers.schedules.ExponentialDecay

OPTIMIZERS = {
    "SGD": lambda: keras.optimizers.SGD(0.1),
    "momentum": lambda: keras.optimizers.SGD(0.1, momentum=0.5, nesterov=True),
    "decay": lambda: keras.optimizers.SGD(0.1, weight_decay=0.02, clipnorm=1.0),
    "Adam": lambda: keras.optimizers.Adam(0.01),
    "AdamW": lambda: keras.optimizers.AdamW(0.01, weight_decay=0.02),
    "RMSprop": lambda: keras.optimizers.RMSprop(0.01, momentum=0.3),
    "Adagrad": lambda: keras.optimizers.Adagrad(0.1),
    "schedule": lambda: keras.optimizers.SGD(Decay(0.2, 5, 0.7), momentum=0.5),
    "scheduled Adam": lambda: keras.optimizers.Adam(Decay(0.02, 5, 0.7), weight_decay=0.1),
    "averages": lambda: keras.optimizers.SGD(0.1, momentum=0.4, use_ema=True, ema_momentum=0.8),
    "gathered": lambda: keras.optimizers.SGD(0.1, momentum=0.4, gradient_accumulation_steps=2),
    "scaled": lambda: keras.optimizers.LossScaleOptimizer(keras.optimizers.SGD(0.1, momentum=0.4), initial_scale=4.0),
}
PLAIN = ("SGD", "decay")  # without state for each weight


def layers(draw):
    """Some layers, by functions that make them."""
    inner = [lambda: keras.layers.Dense(4, "tanh", name="deep"), lambda: keras.layers.BatchNormalization(name="norm")]
    choices = [
        lambda: keras.layers.Dense(5, "relu", name="hidden", kernel_regularizer=keras.regularizers.L1L2(0.001, 0.01)),
        lambda: keras.layers.Dropout(0.3, name="dropout"),
        lambda: keras.layers.GaussianNoise(0.1, name="noise"),
        lambda: keras.layers.BatchNormalization(name="batch"),
        lambda: keras.Sequential([make() for make in inner], name="inner"),
    ]
    return [lambda: keras.layers.Dense(5, "tanh", name="first"), *draw.sample(choices, draw.randint(1, 4))]


def data(known, draw):
    """The arguments of `fit` that give the data."""
    samples = BATCHES * 4 - draw.choice([0, 2])
    x = np.random.default_rng(0).random((samples, 6)).astype("float32")
    y = (x.sum(axis=1) > 3).astype("float32")[:, None]
    validation = {"validation_data": (x[:6], y[:6])} if draw.random() < 0.6 else {}
    if known:
        return {"x": x, "y": y, "batch_size": 4, **validation}

    def dataset():
        import tensorflow as tf

        return tf.data.Dataset.from_tensor_slices((x, y)).batch(4).filter(lambda x, y: True)

    return {"x": dataset, **validation}


def model(draw, optimizer):
    """A function that makes a model and its data."""
    found, eager, known = layers(draw), draw.random() < 0.5, draw.random() < 0.4
    told = data(known, draw)

    def make():
        made = keras.Sequential(
            [keras.Input((6,)), *(one() for one in found), keras.layers.Dense(1, "sigmoid", name="out")]
        )
        made.compile(OPTIMIZERS[optimizer](), "binary_crossentropy", run_eagerly=eager)
        return made, {"epochs": EPOCHS, **told, "x": told["x"] if known else told["x"]()}

    return make


def action(draw, run, allowed):
    """One random thing to do to a run, from the controls that there are."""
    if draw.random() < 0.3:
        kind = draw.choice(["snapshot", "snapshot", "rollback", "rollback", "evaluate"])
        if kind == "rollback":
            which = draw.choice(["latest", "1", "2", "3"])
            return f"rollback {which}", lambda m: m.rollback(which)
        return kind, lambda m: getattr(m, kind)()
    control = draw.choice(allowed)
    name, value = control["name"], value_for(draw, control)
    return f"{name}={value}", lambda m: m.set({name: value})


def value_for(draw, control):
    label, number = control["label"], draw.random()
    if control["kind"] == "flag":
        return draw.random() < 0.5
    if control["nullable"]:
        return None if number < 0.4 else round(draw.uniform(0.001, 0.1), 4)
    if label == "epochs":
        return draw.randint(2, 5)
    if "rate" in label and control["group"] == "optimizer":
        return draw.choice([0.5, 1.5]) if "factor" in label else round(10 ** draw.uniform(-3, -0.7), 5)
    if label in ("patience", "cooldown"):
        return draw.randint(0, 3)
    return round(draw.uniform(0.05, 0.9), 3)


def do(acts, monitor):
    for act in acts:
        with contextlib.suppress(ValueError):  # fewer epochs than have begun, say
            act(monitor)


def plateau():
    return keras.callbacks.ReduceLROnPlateau(monitor="loss", mode="max", patience=1, factor=0.5, min_delta=0)


def scheduler():
    return keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.8)


def attempt(seed):
    """Make a random fit, and do it again; says what it was, and what was not the same."""
    draw = random.Random(seed)
    optimizer = draw.choice(list(OPTIMIZERS))
    make = model(draw, optimizer)
    _, run = reproduce.fit(make, None, kcb.Monitor(), epochs=1)
    writers = [plateau, scheduler] if not any("factor" in str(c["name"]) for c in run.controls) else []
    before = draw.sample(writers, draw.choice([0, 0, 1])) if writers else []
    allowed = [c for c in run.controls if c["enabled"] and c["group"] in ("optimizer", "layers", "flow")]
    allowed = [c for c in allowed if c["label"] not in ("pause", "loss_scale_factor", "initial_scale")]
    frozen = optimizer in PLAIN or draw.random() < 0.5  # state of a frozen weight and snapshots are another matter
    if not frozen:
        allowed = [c for c in allowed if c["label"] != "trainable"]
    steer, said = {}, []
    for _ in range(draw.randint(6, 24)):
        when = draw.choice([*range(1, BATCHES * EPOCHS + 1), *(("epoch", e) for e in range(EPOCHS))])
        words, act = action(draw, run, allowed)
        if frozen and optimizer not in PLAIN and words.startswith(("snapshot", "rollback")):
            continue
        said.append(f"{when}: {words}")
        steer.setdefault(when, []).append(act)
    end = draw.random()
    if end < 0.4:
        how, validate = draw.choice(["batch", "epoch"]), draw.random() < 0.5
        when = draw.randint(3, BATCHES * EPOCHS)
        said.append(f"{when}: stop {how} {validate}")
        steer.setdefault(when, []).append(lambda m: m.stop(how, validate=validate))
    monitor = kcb.Monitor(snapshots=kcb.Snapshots(each_epoch=draw.random() < 0.3, keep=50))
    told = {when: functools.partial(do, acts) for when, acts in steer.items()}
    run, source, found = reproduce.unlike(make, told, monitor, before, kept=[])
    return f"{seed} {optimizer} {[one.__name__ for one in before]} {sorted(said)}", run, source, found


def main(seconds, seed):
    began, held, left_out, acts, failed = time.time(), 0, 0, 0, []
    while time.time() - began < seconds:
        try:
            what, run, source, found = attempt(seed)
            acts += sum(e.kind in ("applied", "rollback", "snapshot", "changed") for e in run.events_list)
            left_out += reproduce.LEFT_OUT in source
        except Exception:
            what, found = str(seed), [traceback.format_exc()]
        if found:
            failed.append(seed)
            print("NOT THE SAME", what, *found, sep="\n   ", flush=True)
        held += not found
        seed += 1
    print(f"{held} of {held + len(failed)} held, {left_out} of them left something out, {acts} acts; failed {failed}")


if __name__ == "__main__":
    main(float(sys.argv[1]), int(sys.argv[2]))

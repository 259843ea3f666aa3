"""Fits in processes of their own that are killed, and gone on with in the next; run as a script.

One process imports Keras, and each fit is a fork of it that is made before anything was computed.
"""

from __future__ import annotations

import faulthandler
import json
import mmap
import os
import random
import shutil
import signal
import struct
import sys
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")

import keras
import numpy as np

import kcb_widgets as kcb
from kcb_widgets.store import keeper

keeper.INTERVAL_S = keeper.MAX_INTERVAL_S = 0.01  # else most of these short fits were killed before their first commit

EPOCHS, BATCHES, BATCH = 6, 25, 4


def make():
    """A model and its data, the same in each process."""
    keras.utils.set_random_seed(5)
    rng = np.random.default_rng(0)
    x = rng.random((BATCHES * BATCH, 8), "float32")
    y = (x.sum(axis=1) > 4).astype("float32")[:, None]
    layers = [keras.Input((8,)), keras.layers.Dense(8, "relu"), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential(layers)
    model.compile("adam", "binary_crossentropy")
    return model, x, y


def fit(folder, shared, kept=True):
    """One fit, as a script would have it; tells in shared memory how many batches it trained."""
    model, x, y = make()
    done = [0]

    def count(batch, logs):
        end = time.monotonic() + 20
        while kept and monitor.run.path is None and time.monotonic() < end:  # a run is killed that is kept by then
            time.sleep(0.001)
        done[0] += 1
        struct.pack_into("q", shared, 0, done[0])

    monitor = kcb.Monitor(log_dir=folder / "runs", resume="last") if kept else kcb.Monitor()
    callbacks = [monitor, keras.callbacks.LambdaCallback(on_train_batch_end=count)]
    if kept:
        callbacks.insert(0, keras.callbacks.BackupAndRestore(folder / "backup", double_checkpoint=True))
    model.fit(x, y, epochs=EPOCHS, batch_size=BATCH, shuffle=False, verbose=0, callbacks=callbacks)
    weights = np.concatenate([each.ravel() for each in model.get_weights()]).tolist()
    losses = monitor.run.batches.loss.to_numpy().tolist()
    (folder / "end.json").write_text(json.dumps({"weights": weights, "loss": losses}))


def forked(work):
    """Do something in a fork; gives its process."""
    process = os.fork()
    if not process:
        code = 1
        faulthandler.dump_traceback_later(120, exit=True)  # some libraries' threads do not survive a fork
        try:
            work()
            code = 0
        except BaseException as error:
            print(f"{type(error).__name__}: {error}"[:500], file=sys.stderr)
        finally:
            os._exit(code)
    return process


def main(folder, kills, seed):
    """Kill and go on until the fit comes to its end; then one that nothing happens to."""
    generator, shared = random.Random(seed), mmap.mmap(-1, 8)
    killed = broken = 0
    while True:
        struct.pack_into("q", shared, 0, 0)
        process = forked(lambda: fit(folder, shared))
        target = generator.randrange(1, BATCHES + 6) if killed < kills else None
        while os.waitpid(process, os.WNOHANG) == (0, 0):
            if target is not None and struct.unpack_from("q", shared)[0] >= target:
                time.sleep(generator.random() * 0.05)  # a random moment, not a wait for anything
                os.kill(process, signal.SIGKILL)
                os.waitpid(process, 0)
                killed += 1
                break
            time.sleep(0.0005)
        else:
            if (folder / "end.json").exists():
                break
            broken += 1  # a checkpoint that the kill left half written, which Keras cannot read
            assert broken < kills + 5
            shutil.rmtree(folder / "backup", ignore_errors=True)
    whole = folder / "whole"
    whole.mkdir()
    process = forked(lambda: fit(whole, shared, kept=False))
    os.waitpid(process, 0)
    print(json.dumps({"killed": killed, "broken": broken}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))

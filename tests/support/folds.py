"""Five folds trained with one Monitor, and what its board is sent in the third of them."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np

import kcb_widgets as kcb

FOLDS = "third fold of five"
EPOCHS, SEEN, BATCH = 20, 5, 15  # the board is looked at in the sixth epoch, or as soon as it has cards


class _Look(keras.callbacks.Callback):
    """Keeps a board of one run, and what it is sent in mid-epoch, once it has the callbacks' cards."""

    def __init__(self, monitor: kcb.Monitor, run: int) -> None:
        super().__init__()
        self._monitor, self._run, self._epoch = monitor, run, 0
        self._board: kcb.Board | None = None
        self.traits: dict[str, Any] = {}

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        self._epoch = epoch
        if self._monitor.run.number == self._run and self._board is None:
            self._board = kcb.Board(self._monitor.run)
            self._board._receive(None, {"kind": "hello", "view": "one", "seq": 1, "host": "lab"}, [])

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        run = self._monitor.run
        if self._board is None or self.traits or self._epoch < SEEN or batch < BATCH or not run.cards:
            return
        assert len(run.batches)  # what waits is recorded
        names = ("state", "controls", "events", "callbacks", "hooks", "series")
        seen = kcb.Board(run)
        self.traits = {name: getattr(seen, name) for name in names}
        for board in (seen, self._board):
            board.close()


def third_of_five() -> dict[str, Any]:
    """The traits of the board in the middle of the third fold, as they go to the browser."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(1000, 12)).astype("float32")
    y = (x @ rng.normal(size=12) + rng.normal(size=1000) > 0).astype("float32")
    monitor = kcb.Monitor(display=False, snapshots=kcb.Snapshots(best="val_loss"))
    look = _Look(monitor, run=3)
    folds = np.array_split(np.arange(1000), 5)
    with monitor.group("5 folds", fits=5):
        for held_out in folds:
            model = keras.Sequential(
                [keras.Input((12,)), keras.layers.Dense(32, "relu"), keras.layers.Dense(1, "sigmoid")]
            )
            model.compile(keras.optimizers.Adam(3e-3), loss="binary_crossentropy", metrics=["accuracy"])
            train = np.setdiff1d(np.arange(1000), held_out)
            model.fit(
                x[train], y[train], validation_data=(x[held_out], y[held_out]), epochs=EPOCHS, verbose=0,
                callbacks=[look, keras.callbacks.EarlyStopping(patience=6), monitor],
            )  # fmt: skip
            if look.traits:
                return look.traits
    raise RuntimeError("the third fold ended without cards")

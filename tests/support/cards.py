"""Callbacks as Python describes them to the board, and the controls on their cards."""

from __future__ import annotations

from host import card, control


def of_callback(name, value, **more):
    section, label = name.rsplit(".", 1)
    told = {"name": name, "label": label, "value": value, "group": "callbacks", "section": section, "scale": "linear"}
    return control(**{"max": None, **told, **more})


ON = of_callback("EarlyStopping.on", True, kind="flag")
PATIENCE = of_callback("EarlyStopping.patience", 5, integer=True, max=100)
DELTA = of_callback("EarlyStopping.min_delta", 0.01, max=1)
BASELINE = of_callback("EarlyStopping.baseline", None, nullable=True)
RESTORE = of_callback("EarlyStopping.restore_best_weights", True, kind="flag")
STEERED = [control(), ON, PATIENCE, DELTA, BASELINE, RESTORE]
STOPPING = card(
    gauge={"label": "patience", "used": 3, "of": 5},
    best={"metric": "val_loss", "value": 0.5, "epoch": 2, "step": 100, "band": 0.2},
    says="stops in 2 epochs unless val_loss falls below 0.3",
    hooks=[
        {"name": "on_epoch_end", "count": 4, "seconds": 0.0021},
        {"name": "on_train_begin", "count": 1, "seconds": 0},
    ],
)
CUTTING = card("ReduceLROnPlateau", actions=[{"name": "cut", "label": "Cut now"}])
FILES = [
    {"id": "f1", "name": "01.keras", "epoch": 0, "step": 90, "bytes": 1_200_000, "what": "model", "metrics": ""},
    {
        "id": "f2",
        "name": "02.weights.h5",
        "epoch": 1,
        "step": 180,
        "bytes": 400_000,
        "what": "weights",
        "metrics": "val_loss 0.41",
    },
]
SAVING = card("ModelCheckpoint", files=FILES, actions=[{"name": "save", "label": "Save now"}])
OWN = card("Shouter", known=False, facts=[], printed="".join(f"epoch {i} is over\n" for i in range(40)))

"""What it costs to begin: the import, the first board, and the size of the browser half.

    python tests/benchmarks/start.py [--quick] [--output DIR]

Each import is timed in a process of its own, after Keras is there; boards are timed in a real kernel.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from targets import Number, parse, publish, spread  # isort: skip  # first: it finds the others
import kernels
from host import STATIC, build_bundle

REPEATS, QUICK_REPEATS = 15, 3
BUNDLE = 140 * 1024
IMPORT = """
import json, sys, time
began = time.perf_counter()
import keras
middle = time.perf_counter()
before = set(sys.modules)
import kcb_widgets
kcb_widgets.Monitor
end = time.perf_counter()
kcb_widgets.Board
board = time.perf_counter()
print(json.dumps(dict(keras=middle - began, ours=end - middle, board=board - end, modules=len(set(sys.modules) - before))))
"""  # noqa: E501
# What a first board imports is paid once in a kernel, so each kernel gives one first and many later ones.
BOARDS = """
import json, time, numpy as np, keras, kcb_widgets as kcb
def timed(work):
    began = time.perf_counter()
    result = work()
    return time.perf_counter() - began, result
run = kcb.Run()
for epoch in range(10):
    run.begin_epoch(epoch)
    for batch in range(1000):
        run.append(batch, {"loss": 1.0 / (1 + batch), "accuracy": 0.5})
    run.end_epoch(epoch, {"loss": 1.0, "accuracy": 0.5, "val_loss": 1.0})
def show():
    board = kcb.Board(run)
    made = board.live_bundle()
    board.display()
    return made
class Mark(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        marks.append(time.perf_counter())
def fit():
    marks.clear()
    model.fit(x, x[:, :1], batch_size=4, verbose=0, callbacks=[Mark(), kcb.Monitor(), Mark()])
    return marks[1] - marks[0]
model = keras.Sequential([keras.Input((8,))] + [keras.layers.Dense(8) for _ in range(10)] + [keras.layers.Dense(1)])
model.compile("adam", "mse", metrics=["mae"])
x = np.zeros((4, 8), "float32")
model.fit(x, x[:, :1], verbose=0)
marks = []
"""
KINDS = {"show": "timed(show)[0]", "fit": "fit()"}
LATER = 4
NOTES = """
import: `from kcb_widgets import Monitor` after `import keras`, in fresh processes; Board: what its first use adds.
showing: Board(run), its MIME bundle and its display, in the kernel. on_train_begin: Monitor's own, its board included.
first: the first in a kernel, which imports the widgets; later: others in the same kernel.
"""


def main() -> int:
    """Measure, and report."""
    options = parse(__doc__)
    repeats = QUICK_REPEATS if options.quick else REPEATS
    imports = [_import() for _ in range(repeats)]
    shown = {kind: [_in_kernel(code) for _ in range(max(1, repeats // 3))] for kind, code in KINDS.items()}
    build_bundle()
    sizes = {name: (STATIC / name).read_bytes() for name in ("board.js", "board.css")}
    tables = [
        ("Import", _imports(imports)),
        ("Showing a board", _shown(shown)),
        ("The browser half", _sizes(sizes)),
    ]
    publish("start", "What it costs to begin", tables, NOTES, options.output, {"imports": imports, "shown": shown})
    return 0


def _import() -> dict[str, float]:
    environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    out = subprocess.run([sys.executable, "-c", IMPORT], env=environment, check=True, capture_output=True, text=True)
    return dict(json.loads(out.stdout))


def _in_kernel(code: str) -> list[float]:
    """Seconds of the first and of some later ones, each in a cell of its own."""
    made = tempfile.TemporaryDirectory(prefix="kcb-start-", ignore_cleanup_errors=True)
    with made as folder, kernels.start(kernels.INSTALLED, Path(folder)) as kernel:
        kernel.run(BOARDS)
        return [float(kernel.run(f"print({code})")) for _ in range(1 + LATER)]


def _imports(seen: Sequence[dict[str, float]]) -> list[Number]:
    return [
        *spread("import keras", [1000 * one["keras"] for one in seen]),
        *spread("from kcb_widgets import Monitor after it", [1000 * one["ours"] for one in seen], median=150),
        *spread("the first use of kcb_widgets.Board", [1000 * one["board"] for one in seen]),
        Number("modules that the import brings", seen[-1]["modules"], ""),
    ]


def _shown(seen: dict[str, list[list[float]]]) -> list[Number]:
    words = {"show": "Board(run), bundle and display", "fit": "Monitor's on_train_begin, board included"}
    out = []
    for kind, kernels_seen in seen.items():
        out += spread(f"{words[kind]}, later", [1000 * each for one in kernels_seen for each in one[1:]], median=100)
        out += spread(f"{words[kind]}, first", [1000 * one[0] for one in kernels_seen], median=100)
    return out


def _sizes(files: dict[str, bytes]) -> list[Number]:
    out = []
    for name, raw in files.items():
        out += [
            Number(f"{name}, raw", len(raw), "bytes", BUNDLE if name == "board.js" else None),
            Number(f"{name}, gzip", len(gzip.compress(raw, 9)), "bytes"),
        ]
    return out


if __name__ == "__main__":
    sys.exit(main())

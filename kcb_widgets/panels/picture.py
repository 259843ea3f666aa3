"""The bounded picture of a run, as the browser reads it (``js/src/picture.js``).

Layout: uint32 header length, UTF-8 JSON header, zero padding to a multiple of 8, then the arrays. Offsets in the header
count from the first array and are multiples of 8.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..bins import Bins, Buckets, Source, window
from ..run import Run, group_of
from ..series import Floats, Table, Values

X = ("step", "end", "epoch", "time")


def held(run: Run, table: Table) -> Source:
    """Values that hold until the next: the rows, and one more for now."""

    def values(first: int, last: int) -> Values:
        rows = table.values(first, min(last, table.rows))
        if last <= table.rows:
            return rows
        return np.hstack([rows, table.values(table.rows - 1, table.rows)])

    def x(first: int, last: int) -> Floats:
        rows = run.x(table, first, min(last, table.rows))
        if last <= table.rows:
            return rows
        now = [run.step, run.step, run.epoch_at(np.array([float(run.step)]))[0], run.seconds]
        return np.hstack([rows, np.array(now)[:, None]])

    return Source(lambda: table.rows and table.rows + 1, lambda: table.names, values, x)


class Picture:
    """Keeps the buckets of one run up to date and packs them."""

    def __init__(self, run: Run, buckets: int = 512) -> None:
        self._run = run
        batches, epochs, values = run.batch_table, run.epoch_table, run.value_table
        self._sources = {
            "batches": Source(
                lambda: batches.rows,
                lambda: batches.names,
                lambda a, b: run.means.recover(batches, a, b),
                lambda a, b: run.x(batches, a, b),
            ),
            "epochs": Source(
                lambda: epochs.rows, lambda: epochs.names, epochs.values, lambda a, b: run.x(epochs, a, b)
            ),
            "learning_rate": held(run, values),
        }
        self._bins = {name: Bins(source, buckets) for name, source in self._sources.items()}

    def whole(self) -> bytes:
        """The whole run, in a size that does not grow with its length."""
        run = self._run
        tables = [(name, source, self._bins[name].update()) for name, source in self._sources.items()]
        return self._pack(tables, run.first_step, run.step)

    def window(self, first: float, last: float, points: int) -> bytes:
        """Steps ``first`` to ``last`` in at most ``points`` buckets a series, one bucket beyond on either side."""
        tables = []
        for name, source in self._sources.items():
            table = {"batches": self._run.batch_table, "epochs": self._run.epoch_table}.get(name, self._run.value_table)
            a, b = table.row_of_step(first), table.row_of_step(last) + 1
            tables.append((name, source, window(source, a - 1, b + 1, points)))
        return self._pack(tables, first, last)

    def _pack(self, tables: Sequence[tuple[str, Source, Buckets | None]], first: float, last: float) -> bytes:
        arrays: list[bytes] = []
        size = 0

        def put(array: np.ndarray[Any, Any]) -> int:
            nonlocal size
            at = size
            raw = np.ascontiguousarray(array).tobytes()
            raw += bytes(-len(raw) % 8)
            arrays.append(raw)
            size += len(raw)
            return at

        described = []
        for name, source, buckets in tables:
            if buckets is None:
                continue
            names = list(source.names())[: buckets.mean.shape[0]]
            series = [self._series(name, metric, buckets, column, put) for column, metric in enumerate(names)]
            described.append(
                {
                    "name": name,
                    "length": buckets.length,
                    "rows": source.rows(),
                    "per_bucket": buckets.per_bucket,
                    "x": {key: put(buckets.x[i]) for i, key in enumerate(X)},
                    "series": series,
                }
            )
        header = json.dumps({"tables": described, "bad": self._run.bad, "first": first, "last": last}).encode()
        head = struct.pack("<I", len(header)) + header
        return head + bytes(-len(head) % 8) + b"".join(arrays)

    def _series(self, table: str, metric: str, buckets: Buckets, column: int, put: Any) -> dict[str, Any]:
        kind, label = self._kind(table, metric)
        out = {
            "name": metric,
            "group": group_of(metric),
            "kind": kind,
            "label": label,
            "mean": put(buckets.mean[column]),
        }
        if buckets.per_bucket > 1:
            out["min"] = put(buckets.minimum[column])
            out["max"] = put(buckets.maximum[column])
            out["order"] = put(buckets.order[column].astype(np.uint8))
        return out

    def _kind(self, table: str, metric: str) -> tuple[str, str]:
        if table == "learning_rate":
            return "control", metric
        if table == "epochs":
            validation = metric.startswith("val_")
            return ("val", metric) if validation else ("epoch", f"{metric}, epoch")
        if metric in self._run.means.names:
            return "train", f"{metric}, each batch"
        return "running", f"{metric}, mean since the epoch began"

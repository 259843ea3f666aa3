"""The bounded picture of a run, as the browser reads it (``js/src/link/series_decoder.js``).

Layout: uint32 header length, UTF-8 JSON header, zero padding to a multiple of 8, then the arrays. Offsets in the header
count from the first array and are multiples of 8.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..record import curves
from ..record.downsampling import Bins, Buckets, Source, window
from ..record.record import Record, group_of
from ..record.table import Table
from ..record.values import plain

if TYPE_CHECKING:
    from ..record import wire


BASELINE_BUCKETS = 200
MAX_NAME = 40


class SeriesEncoder:
    """Keeps the buckets of one run up to date and packs them.

    Args:
        run: The run.
        buckets: Of the whole.
        words: Makes of another run's name what may be read here.
    """

    def __init__(self, run: Record, buckets: int = 512, words: Callable[[str], str] = str) -> None:
        self._run, self._buckets, self._words = run, buckets, words
        self._begin()

    def _begin(self) -> None:
        run = self._run
        self._of = run.batch_table, run.returns
        self._sources: dict[wire.TableName, Source] = {
            "batches": curves.batches(run),
            "epochs": curves.epochs(run),
            "evaluations": curves.evaluations(run),
            "controls": curves.controls(run),
        }
        self._tables: dict[wire.TableName, Table] = {
            "batches": run.batch_table,
            "epochs": run.epoch_table,
            "evaluations": run.evaluation_table,
            "controls": run.value_table,
        }
        self._bins = {name: Bins(source, self._buckets) for name, source in self._sources.items()}
        self._kept: dict[wire.TableName, tuple[Any, Buckets | None]] = {}
        self._compared: tuple[Any, tuple[Source, Buckets] | None] = (None, None)

    def _follow(self) -> None:
        """A run that waited may have become one that was kept; and where an epoch begins once more, x is another."""
        if self._of[0] is not self._run.batch_table or self._of[1] is not self._run.returns:
            self._begin()

    def whole(self) -> bytes:
        """The whole run, in a size that does not grow with its length."""
        self._follow()
        run = self._run
        controls = self._unless_same("controls")
        if controls is not None:  # all stands but where the last value holds to
            controls.x[1:, -1] = curves.now(run)[1:]
            if controls.per_bucket == 1:
                controls.x[0, -1] = run.step
        small = [self._unless_same("epochs"), self._unless_same("evaluations")]
        buckets = [self._bins["batches"].update(), *small, controls]
        tables = [(name, source, each) for (name, source), each in zip(self._sources.items(), buckets, strict=True)]
        return self._pack([*tables, *self._plan(), *self._baseline()], run.first_step, run.step)

    def _plan(self) -> list[tuple[wire.TableName, Source, Buckets | None]]:
        planned = curves.plan(self._run)
        if planned is None:
            return []
        names, values, x = planned
        source = Source(lambda: x.shape[1], lambda: names, lambda first, last: values, lambda first, last: x)
        return [("plan", source, Buckets(values, values, values, np.ones(values.shape, bool), x, 1))]

    def _baseline(self) -> list[tuple[wire.TableName, Source, Buckets | None]]:
        """The run that this one is compared with: the ends of its epochs, or where it has fewer than two, batches."""
        other = self._run.baseline
        if other is None:
            return []
        wanted = tuple(self._metrics())
        if self._compared[0] != (self.baseline_mark, wanted):
            source = curves.epochs(other) if other.epoch_table.rows > 1 else curves.batches(other)
            found = window(source, 0, source.rows(), BASELINE_BUCKETS)
            columns = [] if found is None else [i for i, name in enumerate(source.names()) if name in wanted]
            self._compared = (self.baseline_mark, wanted), _of_columns(source, found, columns)
        return [("baseline", *made)] if (made := self._compared[1]) is not None else []

    @property
    def baseline_mark(self) -> Any:
        """What is another when the baseline is to be drawn anew."""
        other = self._run.baseline
        return None if other is None else (other.id, other.epoch_table.rows, other.over or other.batch_table.rows)

    def _metrics(self) -> list[str]:
        return list(dict.fromkeys([*self._run.batch_table.names, *self._run.epoch_table.names]))

    def _unless_same(self, name: wire.TableName) -> Buckets | None:
        """A small table's buckets; computed again only when there are new rows."""
        table = self._tables[name]
        key = (table.rows, len(table.names), self._run.batches_per_epoch)
        if self._kept.get(name, (None,))[0] != key:
            self._kept[name] = (key, self._bins[name].update())
        return self._kept[name][1]

    def window(self, first: float, last: float, points: int) -> bytes:
        """Steps ``first`` to ``last`` in at most ``points`` buckets a series, one bucket beyond on either side."""
        self._follow()
        tables = []
        for name, source in self._sources.items():
            table = self._tables[name]
            a, b = table.row_of_step(first), table.row_of_step(last) + 1
            tables.append((name, source, window(source, a - 1, b + 1, points)))
        return self._pack(tables, first, last)

    def _pack(
        self, tables: Sequence[tuple[wire.TableName, Source, Buckets | None]], first: float, last: float
    ) -> bytes:
        arrays: list[bytes] = []
        size = 0

        def put(rows: np.ndarray[Any, Any]) -> list[int]:
            """Append a block; returns where each row begins. Rows are padded to suit float64."""
            nonlocal size
            count, length = rows.shape
            stride = -(-length * rows.itemsize // 8) * 8
            block = np.zeros((count, stride // rows.itemsize), rows.dtype)
            block[:, :length] = rows
            arrays.append(block.tobytes())
            offsets = [size + i * stride for i in range(count)]
            size += count * stride
            return offsets

        described: list[wire.SeriesTable] = []
        for name, source, buckets in tables:
            if buckets is None:
                continue
            means, spread = put(buckets.mean), None
            if buckets.per_bucket > 1:
                spread = put(buckets.minimum), put(buckets.maximum), put(buckets.order.view(np.uint8))
            series: list[wire.SeriesColumn] = []
            for column, metric in enumerate(source.names()[: len(means)]):
                kind, label = self._kind(name, metric)
                one: wire.SeriesColumn = {
                    "name": metric,
                    "group": group_of(metric),
                    "kind": kind,
                    "label": label,
                    "mean": means[column],
                }
                if spread is not None:
                    one["min"], one["max"], one["order"] = (offsets[column] for offsets in spread)
                series.append(one)
            step, end, epoch, time = put(buckets.x)
            described.append(
                {
                    "name": name,
                    "length": buckets.length,
                    "rows": source.rows(),
                    "per_bucket": buckets.per_bucket,
                    "x": {"step": step, "end": end, "epoch": epoch, "time": time},
                    "series": series,
                }
            )
        run = self._run
        said: wire.SeriesHeader = {
            "tables": described,
            "bad": run.nonfinite,
            "branches": run.branches,
            "first": first,
            "last": last,
        }
        header = json.dumps(said).encode()
        head = struct.pack("<I", len(header)) + header
        return head + bytes(-len(head) % 8) + b"".join(arrays)

    def _kind(self, table: wire.TableName, metric: str) -> tuple[wire.SeriesKind, str]:
        if table == "controls":
            return "control", metric
        if table == "plan":
            return "plan", "planned"
        if table == "baseline":
            other = self._run.baseline
            name = "" if other is None else str(plain(self._words(other.name or other.title), MAX_NAME))
            return "baseline", f"{metric}, baseline {name}"
        if table == "evaluations":
            return "eval", f"{metric.removeprefix('val_')}, evaluated"
        if table == "epochs":
            validation = metric.startswith("val_")
            return ("val", metric) if validation else ("epoch", f"{metric}, epoch")
        if metric in self._run.batch_values.names:
            return "train", f"{metric}, each batch"
        return "running", f"{metric}, mean since the epoch began"


def _of_columns(source: Source, found: Buckets | None, columns: list[int]) -> tuple[Source, Buckets] | None:
    """Some columns of a table, as a table of rows that holds still."""
    if found is None or not columns:
        return None
    names, means = [list(source.names())[i] for i in columns], found.mean[columns]
    made = Buckets(means, means, means, np.ones(means.shape, bool), found.x, 1)
    return Source(lambda: means.shape[1], lambda: names, lambda first, last: means, lambda first, last: found.x), made

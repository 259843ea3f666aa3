"""A run as CSV: its epochs as Keras's CSVLogger writes them, or its batches."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from ..record.portable import text
from ..record.record import Record
from ..record.values import shown
from .columns import of_batches
from .whole_file import whole

MISSING = "NA"  # as CSVLogger writes it; NaN is nan
LAST = "seconds"


def to_csv(run: Record, path: str | PathLike[str], batches: bool = False, separator: str = ",") -> Path:
    """See ``Run.to_csv``."""
    if not isinstance(separator, str) or len(separator) != 1 or separator in '"\r\n':
        msg = f"separator must be one character. Received: {shown(separator)}"
        raise ValueError(msg)
    with whole(path) as part, part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=separator)
        writer.writerows(_batches(run) if batches else _epochs(run))
    return Path(path)


def _epochs(run: Record) -> Iterable[list[Any]]:
    rows = list(run.epoch_rows)
    known = {name for _, row in rows for name in row}
    columns = sorted(known - {LAST}) + ([LAST] if LAST in known else [])
    yield ["epoch", *columns]
    for epoch, row in rows:
        yield [epoch, *(_cell(row[name]) if name in row else MISSING for name in columns)]


def _batches(run: Record) -> Iterable[list[Any]]:
    header: list[str] = []
    for columns in of_batches(run):
        if not header:
            header = [column.name for column in columns]
            yield header
        for row in zip(*(column.plain() for column in columns), strict=True):
            yield [MISSING if value is None else value for value in row]
    if not header:
        yield ["step", "epoch", "batch", "seconds"]


def _cell(value: Any) -> Any:
    """A value as CSVLogger writes it: what has several in brackets."""
    if isinstance(value, (str, int, float)):
        return text(value) if isinstance(value, str) else value
    several = isinstance(value, Iterable) and not (isinstance(value, np.ndarray) and value.ndim == 0)
    return f"[{', '.join(map(text, value))}]" if several else text(value)

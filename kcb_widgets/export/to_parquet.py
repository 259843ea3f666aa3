"""A run as Parquet: one file of its epochs, and one of its batches."""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import Any

from ..record.extras import load
from ..record.portable import strict_json, text
from ..record.record import Record
from .columns import of_batches
from .to_json import described
from .whole_file import whole

SUFFIX = ".parquet"
WHY = "writing Parquet"


def to_parquet(run: Record, path: str | PathLike[str]) -> list[Path]:
    """See ``Run.to_parquet``."""
    arrow, parquet = load("pyarrow", "parquet", WHY), load("pyarrow.parquet", "parquet", WHY)
    stem = Path(path)
    stem = stem.with_name(stem.name.removesuffix(SUFFIX))
    about = {"kcb-widgets": strict_json(described(run))}
    paths = [stem.with_name(f"{stem.name}.{kind}{SUFFIX}") for kind in ("epochs", "batches")]
    with whole(paths[0]) as part:
        parquet.write_table(_epochs(run, arrow).replace_schema_metadata(about), part)
    with whole(paths[1]) as part:
        _write_batches(run, arrow, parquet, part, about)
    return paths


def _epochs(run: Record, arrow: Any) -> Any:
    rows = list(run.epoch_rows)
    names = dict.fromkeys(name for _, row in rows for name in row)
    columns = {"epoch": arrow.array([epoch for epoch, _ in rows], arrow.int64())}
    for name in names:
        values = [row.get(name) for _, row in rows]
        numbers = all(value is None or isinstance(value, (int, float)) for value in values)
        if numbers:
            made = arrow.array([None if value is None else float(value) for value in values], arrow.float64())
        else:
            made = arrow.array([None if value is None else text(value) for value in values], arrow.string())
        columns[name] = made
    return arrow.table(columns)


def _write_batches(run: Record, arrow: Any, parquet: Any, path: Path, about: dict[str, str]) -> None:
    """Write piece by piece: a row group each, so that a long run needs little memory."""
    writer = None
    try:
        for columns in of_batches(run):
            # Of arrays NaN would become null, if pandas were meant: only what is missing is.
            made = {each.name: arrow.array(each.values, mask=each.missing, from_pandas=False) for each in columns}
            table = arrow.table(made).replace_schema_metadata(about)
            writer = writer or parquet.ParquetWriter(path, table.schema)
            writer.write_table(table)
    finally:
        if writer is not None:
            writer.close()
    if writer is None:
        empty = {name: arrow.array([], arrow.int64()) for name in ("step", "epoch", "batch")}
        table = arrow.table({**empty, "seconds": arrow.array([], arrow.float64())})
        parquet.write_table(table.replace_schema_metadata(about), path)

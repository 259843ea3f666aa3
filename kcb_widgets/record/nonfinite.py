"""Finds values that are not finite among the rows of a table."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .table import Table


def first_of_each(table: Table, first: int, last: int) -> Iterator[tuple[str, int, str]]:
    """The first value of each column that is NaN or infinite, and was not left out.

    Args:
        table: The table.
        first: The first row to look through.
        last: The row after the last.

    Yields:
        The column's name, the row, and the value as text.
    """
    if last <= first or not table.names:
        return
    values = table.values(first, last)
    if np.isfinite(values).all():
        return
    for column, name in enumerate(table.names):
        for offset in np.flatnonzero(~np.isfinite(values[column]))[:1]:
            row = first + int(offset)
            if not table.is_missing(row, name):
                yield name, row, str(float(values[column, offset]))

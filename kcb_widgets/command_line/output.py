"""What is printed: tables as wide as the terminal, and strict JSON. A file's texts reach no terminal as they are."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Iterable, Sequence
from typing import Any

from ..record.formats import format_metric, format_setting
from ..record.portable import strict_json

WIDEST = 10_000  # columns where nobody's terminal is: a pipe or a file takes all
# What moves a cursor, colours, or turns the order of letters round.
CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")
MAX_CELL = 200
GAP = 1  # letters between columns


def clean(text: str, most: int = 2000) -> str:
    """A text in one line, with nothing that a terminal would obey."""
    text = CONTROLS.sub("�", text.strip().replace("\r\n", " ").replace("\n", " ").replace("\t", " "))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def lines(text: str) -> list[str]:
    """A text's lines, with nothing that a terminal would obey."""
    return [clean(line) for line in text.splitlines()]


def cell(value: Any) -> str:
    """A value in a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)):
        return format_setting(value)
    return clean(str(value), MAX_CELL)


def metric(value: Any) -> str:
    """A metric's value in a table; empty where there is none."""
    return format_metric(value) if isinstance(value, (int, float)) else cell(value)


def duration(seconds: Any) -> str:
    """How long something took: ``5.2 s``, ``3:07``, ``2:03:07``."""
    if not isinstance(seconds, (int, float)) or not 0 <= seconds < 1e10:
        return ""
    if seconds < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def moment(seconds: Any) -> str:
    """When something was, in local time, to the minute."""
    try:
        return time.strftime("%Y-%m-%d %H:%M", time.localtime(seconds))
    except (TypeError, ValueError, OverflowError, OSError):
        return ""


def table(
    headers: Sequence[str], rows: Iterable[Sequence[str]], numbers: Iterable[str] = (), extra: Sequence[str] = ()
) -> None:
    """Print a table.

    Args:
        headers: Of the columns; the first is never cut short.
        rows: Their cells.
        numbers: Headers of columns that are set to the right.
        extra: Headers of columns that are left out, the last first, where there is no room for all.
    """
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    width = None if sys.stdout.isatty() else WIDEST
    console = Console(width=width, highlight=False, soft_wrap=False, emoji=False, markup=False)
    cells = [[clean(header) for header in headers], *map(list, rows)]
    kept = _fitting(cells, [headers.index(header) for header in extra], console.width)
    made, right = Table(box=None, pad_edge=False, header_style="bold"), set(numbers)
    for column in kept:
        title, side = Text(cells[0][column]), "right" if headers[column] in right else "left"
        least = max(map(len, (row[column] for row in cells))) if column == 0 else None
        made.add_column(title, justify=side, no_wrap=True, overflow="ellipsis", min_width=least)  # type: ignore[arg-type]
    for row in cells[1:]:
        made.add_row(*(Text(row[column]) for column in kept))
    with console.capture() as captured:
        console.print(made)
    print("\n".join(line.rstrip() for line in captured.get().splitlines()))
    if len(kept) < len(headers):
        note(f"{len(headers) - len(kept)} columns are left out: a line has room for {console.width} letters")


def _fitting(cells: Sequence[Sequence[str]], extra: Sequence[int], width: int) -> list[int]:
    """The columns that there is room for."""
    from rich.cells import cell_len

    widths = [max(map(cell_len, column)) + GAP for column in zip(*cells, strict=True)]
    kept, left = list(range(len(widths))), list(extra)
    while left and sum(widths[column] for column in kept) - GAP > width:
        kept.remove(left.pop())
    return kept


def json(value: Any) -> None:
    """Print a value as strict JSON, in characters that every terminal and pipe takes."""
    print(strict_json(value, ascii_only=True))


def note(text: str) -> None:
    """Say something that is no part of the result."""
    print(clean(text), file=sys.stderr)

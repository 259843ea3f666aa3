"""How numbers lie in a run file: chunks of rows column by column, 64-row summaries, and JSON that keeps NaN.

A chunk's ``data`` is, one after the other and little-endian:

- ``int64`` steps of its rows, only where ``stride`` is NULL; else row ``i`` stands at ``step + stride * i``;
- ``uint32`` ticks of its rows, only where ``unit`` is not NULL: row ``i`` was recorded ``start + unit * ticks[i]``
  seconds after the run began, to a microsecond;
- ``float32`` values of each column of its layout. A NaN with the bits ``0x7fc0dead`` says that there was no value.

``crc`` has a CRC-32 (``uint32``) for each of these arrays, in the same order.
"""

from __future__ import annotations

import json
import math
import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ..record.block_summaries import Extremes
from ..record.chunk import Floats
from ..record.portable import KEY
from ..record.table import Values

MICROSECOND = 1e-6
TICKS = 2**32 - 1
NOT_FINITE = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
MAX_DEPTH = 32  # of lists and objects in each other
MAX_INTEGER = 2**63
EXTREMES = (("low", "<f4"), ("high", "<f4"), ("mean", "<f4"), ("order", "u1"), ("count", "u1"))


class Damaged(ValueError):
    """What was read is not what was written."""


# -- chunks ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Encoded:
    """Rows as they lie in a file; see the module.

    Attributes:
        step: The first row's step.
        stride: From one row's step to the next; None where they are irregular.
        start: Seconds of the first row; None where the series has no times.
        unit: Seconds in a tick.
        crc: Of each array.
        data: The arrays.
    """

    step: int
    stride: int | None
    start: float | None
    unit: float | None
    crc: bytes
    data: bytes

    def whole(self, rows: int) -> bool:
        """Whether all bytes of so many rows are those that were written."""
        columns = len(self.crc) // 4 - (self.stride is None) - (self.unit is not None)
        found = decode(self, rows, max(0, columns))
        timed, stepped = found.seconds is not None, found.steps is not None
        return not found.damaged and timed >= (self.unit is not None) and stepped >= (self.stride is None)


@dataclass(frozen=True)
class Decoded:
    """Rows as they were. ``damaged`` are the columns whose bytes are not those that were written: they are missing."""

    steps: Floats | None
    seconds: Floats | None
    values: Values
    damaged: tuple[int, ...]


def encode(steps: Floats, seconds: Floats | None, values: Values) -> Encoded:
    """Pack rows.

    Args:
        steps: ``(n,)``, never falling.
        seconds: ``(n,)``, or None.
        values: ``(columns, n)``.
    """
    whole = steps.astype(np.int64)
    strides = np.diff(whole)
    stride = int(strides[0]) if len(strides) else 1
    regular = stride >= 1 and bool((strides == stride).all())
    arrays: list[npt.NDArray[Any]] = [] if regular else [whole.astype("<i8")]
    start = unit = None
    if seconds is not None:
        start = float(seconds.min())
        unit = max(MICROSECOND, float(seconds.max() - start) / TICKS)
        arrays.append(np.rint((seconds - start) / unit).astype("<u4"))
    arrays += list(np.ascontiguousarray(values, "<f4"))
    parts = [array.tobytes() for array in arrays]
    crc = np.array([zlib.crc32(part) for part in parts], "<u4").tobytes()
    return Encoded(int(whole[0]), stride if regular else None, start, unit, crc, b"".join(parts))


def decode(chunk: Encoded, rows: int, columns: int) -> Decoded:
    """Unpack rows.

    Args:
        chunk: What ``encode`` made.
        rows: In the chunk.
        columns: In its layout.

    Raises:
        Damaged: The lengths do not fit together.
    """
    kinds = ["<i8"] * (chunk.stride is None) + ["<u4"] * (chunk.unit is not None) + ["<f4"] * columns
    sizes = [rows * np.dtype(kind).itemsize for kind in kinds]
    if len(chunk.data) != sum(sizes) or len(chunk.crc) != 4 * len(kinds):
        raise Damaged(f"a chunk of {rows} rows has {len(chunk.data)} bytes")
    crc, at, arrays = np.frombuffer(chunk.crc, "<u4"), 0, []
    for kind, size, wanted in zip(kinds, sizes, crc, strict=True):
        part = chunk.data[at : at + size]
        arrays.append(np.frombuffer(part, kind) if zlib.crc32(part) == wanted else None)
        at += size
    steps = None if chunk.stride is not None else _floats(arrays.pop(0))
    seconds = None
    if chunk.unit is not None:
        ticks = _floats(arrays.pop(0))
        seconds = None if ticks is None else (chunk.start or 0.0) + chunk.unit * ticks
    values = np.full((columns, rows), np.nan, np.float32)
    for row, array in zip(values, arrays, strict=True):
        if array is not None:
            row.view(np.uint32)[:] = array.view("<u4")  # bit by bit: a NaN that says "missing" stays one
    damaged = tuple(i for i, array in enumerate(arrays) if array is None)
    return Decoded(steps, seconds, values, damaged)


def _floats(array: npt.NDArray[Any] | None) -> Floats | None:
    return None if array is None else array.astype(np.float64)


# -- 64-row summaries --------------------------------------------------------------------------------------------------


def encode_extremes(extremes: Extremes, column: int) -> bytes:
    """One column's summaries, array after array."""
    return b"".join(getattr(extremes, name)[column].astype(kind).tobytes() for name, kind in EXTREMES)


def decode_extremes(data: bytes, groups: int) -> dict[str, npt.NDArray[Any]]:
    """By name, the arrays of one column.

    Raises:
        Damaged: The length does not fit.
    """
    sizes = [groups * np.dtype(kind).itemsize for _, kind in EXTREMES]
    if len(data) != sum(sizes):
        raise Damaged(f"summaries of {groups} groups have {len(data)} bytes")
    ends = np.cumsum([0, *sizes]).tolist()
    return {name: np.frombuffer(data[ends[i] : ends[i + 1]], kind) for i, (name, kind) in enumerate(EXTREMES)}


# -- JSON --------------------------------------------------------------------------------------------------------------


def from_json(text: str) -> Any:
    """What ``portable.strict_json`` was given.

    Raises:
        Damaged: It is no JSON.
    """
    try:
        value = json.loads(text, object_hook=_number, parse_constant=_refuse)
    except (ValueError, TypeError, RecursionError) as error:
        raise Damaged(f"this is no JSON: {error}") from error
    if "\\ud" in text.lower():  # ours are written as they are: half a pair is no letter
        try:
            json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError) as error:
            raise Damaged("a text in it is none") from error
    level, depth = [value], 0
    while level := [each for one in level if isinstance(one, (list, dict)) for each in _inside(one)]:
        depth += 1
        if depth > MAX_DEPTH or any(isinstance(each, int) and abs(each) >= MAX_INTEGER for each in level):
            raise Damaged("this JSON is none of ours")
    return value


def _inside(value: Any) -> Any:
    return value.values() if isinstance(value, dict) else value


def _number(found: dict[str, Any]) -> Any:
    return NOT_FINITE[found[KEY]] if len(found) == 1 and found.get(KEY) in NOT_FINITE else found


def _refuse(constant: str) -> Any:
    msg = f"{constant} is no JSON"
    raise ValueError(msg)

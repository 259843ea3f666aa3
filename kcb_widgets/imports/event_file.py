"""The scalars of an event file of TensorBoard, in the order in which they were written.

An event file is records one after the other: the length, its CRC, the bytes of a protocol buffer, their CRC. What is
damaged hides all that follows, as the length of a record is the only way to the next.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ..record.extras import load

WHY = "reading TensorBoard's files"
MAX_RECORD = 1 << 20  # bytes; longer ones hold graphs, images and the like, and are passed over
MAX_TAG = 500
MAX_STEP = 2**50
MAX_WALL = 3.2e10  # seconds; systems know no later time than the year 3000
HEADER = struct.Struct("<QI")
CRC = struct.Struct("<I")
# By the number of a dtype: how its bytes are written, and the field that has the value where there are no bytes.
KINDS = {
    1: ("<f4", "float_val"),
    2: ("<f8", "double_val"),
    3: ("<i4", "int_val"),
    9: ("<i8", "int64_val"),
    10: ("?", "bool_val"),
}


@dataclass(frozen=True)
class Scalar:
    """A number in an event file.

    Attributes:
        tag: What it is.
        step: The step it was written for.
        wall: When, by ``time.time()``.
        value: The number.
    """

    tag: str
    step: int
    wall: float
    value: float


class EventFile:
    """An event file.

    Args:
        path: The file.
        tell: Told in a clause how far it could be read, where that is not to its end.

    Attributes:
        others: The tags of what is no scalar.

    Raises:
        ModuleNotFoundError: TensorBoard is not installed.
    """

    def __init__(self, path: Path, tell: Callable[[str], None]) -> None:
        self._path, self._tell = path, tell
        self.others: set[str] = set()
        self._event = load("tensorboard.compat.proto.event_pb2", "tensorboard", WHY).Event
        self._error = load("google.protobuf.message", "tensorboard", WHY).DecodeError
        self._crc = load("tensorboard.compat.tensorflow_stub.pywrap_tensorflow", "tensorboard", WHY).masked_crc32c

    def scalars(self) -> Iterator[Scalar]:
        """All scalars, to the end of the file or to what cannot be read."""
        for data in self._records():
            try:
                event = self._event.FromString(data)
            except self._error:
                self._tell("a record that is no event is left out")
                continue
            for value in event.summary.value:
                if len(value.tag) > MAX_TAG or not (0 <= event.wall_time < MAX_WALL and 0 <= event.step < MAX_STEP):
                    self._tell("what has an impossible name, step or time is left out")
                    continue
                number = _number(value)
                if number is None:
                    self.others.add(value.tag)
                else:
                    yield Scalar(value.tag, event.step, event.wall_time, number)

    def _records(self) -> Iterator[bytes]:
        size, at, count = self._path.stat().st_size, 0, 0
        with self._path.open("rb") as file:
            while at < size:
                why, data, end = self._record(file, at, size)
                if why:
                    self._tell(f"it was read to byte {at:,} of {size:,}, {count:,} records: {why}")
                    return
                at, count = end, count + 1
                if data is not None:
                    yield data

    def _record(self, file: Any, at: int, size: int) -> tuple[str, bytes | None, int]:
        """The record at a place: why it cannot be read, its bytes where they are of use, and where the next is."""
        header = file.read(HEADER.size)
        if len(header) < HEADER.size:
            return "it ends within a record", None, at
        length, crc = HEADER.unpack(header)
        if self._crc(header[:8]) != crc:
            return "the record there is damaged", None, at
        end = at + HEADER.size + length + CRC.size
        if end > size:
            return "it ends within a record", None, at
        if length > MAX_RECORD:
            file.seek(end)
            return "", None, end
        data, tail = file.read(length), file.read(CRC.size)
        if len(tail) < CRC.size:
            return "it ends within a record", None, at
        if self._crc(data) != CRC.unpack(tail)[0]:
            return "the record there is damaged", None, at
        return "", data, end


def _number(value: Any) -> float | None:
    """The number of a value; None where it is none. TensorFlow 1 and torch write it plain, TensorFlow 2 as a tensor."""
    kind = value.WhichOneof("value")
    if kind == "simple_value":
        return float(value.simple_value)
    if kind != "tensor":
        return None
    tensor = value.tensor
    if any(dim.size != 1 for dim in tensor.tensor_shape.dim) or tensor.dtype not in KINDS:
        return None
    dtype, field = KINDS[tensor.dtype]
    if len(tensor.tensor_content) == np.dtype(dtype).itemsize:
        return float(np.frombuffer(tensor.tensor_content, dtype)[0])
    values = getattr(tensor, field)
    return float(values[0]) if len(values) == 1 else None

"""What a Monitor was told about looking inside the model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ..record.values import shown
from .samples import Samples

RECORDED = ("classes",)


@dataclass(frozen=True)
class InsightOptions:
    """What a Monitor was told about looking inside the model.

    Attributes:
        samples: What it is looked at with; None: the first of the validation data.
        class_names: Names of the classes; empty: their numbers.
        record: What is recorded though nobody looks.
    """

    samples: Samples | None = None
    class_names: tuple[str, ...] = ()
    record: frozenset[str] = frozenset()

    @property
    def given(self) -> tuple[Any, ...] | None:
        """The samples as they were given."""
        found = self.samples
        if found is None:
            return None
        return (found.x, found.y) if found.weight is None else (found.x, found.y, found.weight)


def check_record(record: object) -> frozenset[str]:
    """What is recorded, as it was given.

    Raises:
        TypeError: It is no list.
        ValueError: It names what there is not.
    """
    if isinstance(record, str) or not isinstance(record, Iterable):
        msg = f"record must be a list of {', '.join(RECORDED)}. Received: {shown(record)}"
        raise TypeError(msg)
    made = list(record)
    if unknown := [each for each in made if each not in RECORDED]:
        msg = f"record must be a list of {', '.join(RECORDED)}. Received: {shown(unknown[0])}"
        raise ValueError(msg)
    return frozenset(made)

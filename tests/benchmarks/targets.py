"""Numbers beside their targets: printed, and written as Markdown and JSON. Told, not asserted: machines differ."""

from __future__ import annotations

import argparse
import dataclasses
import json
import math
import statistics
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
TESTS = HERE.parent
sys.path[:0] = [str(HERE), str(TESTS / "support")]

import report  # noqa: E402

HEAD = ("what", "value", "target", "")


@dataclasses.dataclass(frozen=True)
class Number:
    """One result.

    Attributes:
        what: What was measured.
        value: The number; NaN where nothing came.
        unit: Its unit.
        limit: The most it should be; None without a target.
    """

    what: str
    value: float
    unit: str = "ms"
    limit: float | None = None

    def row(self) -> tuple[str, str, str, str]:
        """Its line of the table."""
        if self.limit is None:
            return self.what, self._written(self.value), "", ""
        return self.what, self._written(self.value), self._written(self.limit), "met" if self.met else "MISSED"

    @property
    def met(self) -> bool | None:
        """Whether it keeps its target; None without one."""
        return None if self.limit is None else self.value <= self.limit

    def _written(self, value: float) -> str:
        digits = 0 if value == int(value) or abs(value) >= 1000 else 1 if abs(value) >= 10 else 2
        return f"{value:,.{digits}f} {self.unit}".rstrip() if math.isfinite(value) else "none"


def spread(what: str, values: Sequence[float], median: float | None = None, p95: float | None = None) -> list[Number]:
    """The median and the 95th percentile of some milliseconds, and their targets."""
    if not values:
        return [Number(f"{what}, median", math.nan, limit=median), Number(f"{what}, 95th", math.nan, limit=p95)]
    top = sorted(values)[math.ceil(0.95 * len(values)) - 1]
    return [Number(f"{what}, median", statistics.median(values), limit=median), Number(f"{what}, 95th", top, limit=p95)]


def parse(description: str) -> argparse.Namespace:
    """The options that all of these programs have."""
    parser = argparse.ArgumentParser(description=description.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a smoke size: no numbers to quote")
    parser.add_argument("--output", type=Path, default=TESTS / "output", help="folder for the report")
    return parser.parse_args()


def publish(
    name: str, title: str, tables: Sequence[tuple[str, Sequence[Number]]], notes: str, output: Path, raw: Any = None
) -> None:
    """Print the tables and write ``name``.md and ``name``.json."""
    machine = report.machine()
    heading = (
        f"{machine['processor']}, {machine['cores']} cores, load {machine['load before']} after; "
        f"{machine['system']}\nPython {machine['python']}, "
        + ", ".join(f"{package} {version}" for package, version in machine["versions"].items())
    )
    printed, written = [heading, ""], [f"# {title}", heading.replace("\n", "  \n")]
    for caption, numbers in tables:
        rows = [number.row() for number in numbers]
        printed += [caption, report.columns([HEAD, *rows])]
        lines = [HEAD, ("---", "--:", "--:", "---"), *rows]
        written += [f"## {caption}", "\n".join(f"| {' | '.join(line)} |" for line in lines)]
    document = {
        "machine": machine,
        "tables": {caption: [_plain(number) for number in numbers] for caption, numbers in tables},
        "raw": raw,
    }
    output.mkdir(parents=True, exist_ok=True)
    (output / f"{name}.json").write_text(json.dumps(document, indent=1) + "\n")
    (output / f"{name}.md").write_text("\n\n".join([*written, notes.strip()]) + "\n")
    print("\n".join([*printed, notes.strip()]))


def _plain(number: Number) -> dict[str, Any]:
    value = number.value if math.isfinite(number.value) else None
    return {**dataclasses.asdict(number), "value": value, "met": number.met}

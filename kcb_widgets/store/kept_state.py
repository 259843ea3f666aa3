"""What is kept of a run besides its rows, as it goes back into a Run: documents, and lists that only grow."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from typing import Any, get_args

from ..record import wire
from ..record.batch_values import BatchValues
from ..record.hooks import Hooks
from ..record.record import MAX_NONFINITE
from ..record.stretches import Rule, Sizes, Stretch
from ..record.trail import Count
from ..run import Run
from . import picture
from .encoding import Damaged, from_json
from .reader import Reader
from .stored_table import StoredTable
from .typed import EXACT, conforms, either, text, those, whole

ELSEWHERE = "this run was opened from a file: nothing of it trains here"
Gap = Callable[[str], None]

# The attributes of a record that the document ``state`` may set.
STATE: dict[str, Any] = {
    "title": str, "first_step": int, "phase": wire.Phase, "params": dict[str, Any], "epoch": int | None,
    "initial_epoch": int, "announced_epoch": int, "batches_per_epoch": int | None, "test_batch": int,
    "test_batches": int | None, "values": dict[str, float], "nonfinite": list[wire.NonFinite],
    "not_finite": wire.NotFinite | None, "bests": list[wire.MetricBest], "flow": wire.Flow,
    "steps_per_execution": int, "continues": bool,
}  # fmt: skip
COUNT = (int, int, int | None, bool)
STRETCH = (int, int, int, bool, dict[str, float], dict[str, float])


class StoredHooks(Hooks):
    """Which hooks ran, as it was kept."""

    def __init__(self, described: wire.Hooks) -> None:
        super().__init__()
        self._described = described

    def describe(self, trained: int) -> wire.Hooks:
        """See ``Hooks``."""
        return self._described


class Documents:
    """The documents of a run file, by name: the newest of each.

    Args:
        reader: A look at the file, whose summary was read.
        gap: Told what cannot be read, in a clause.
    """

    def __init__(self, reader: Reader, gap: Gap) -> None:
        self._gap = gap
        found: dict[str, tuple[int, Any]] = {}
        lost = 0
        for at, row in enumerate(reader.rows("document", ("name", "json"))):
            if row is None:
                lost = at
                gap("a document is not what was written; what may have been in it is left out")
            else:
                found[text(row[0])] = at, row[1]
        self._found: dict[str, Any] = {}
        for name, (at, made) in found.items():
            if at < lost:  # perhaps it was a newer one of this that was lost
                continue
            try:
                self._found[name] = from_json(made)
            except Damaged as error:
                gap(f"the document {name}: {error}")

    def restore(self, run: Run) -> None:
        """Put what they have into a run."""
        state: dict[str, Any] = either(self._found.get("state"), dict[str, Any], {})
        for name, kind in STATE.items():
            if name in state and conforms(state[name], kind) and _possible(state[name]):
                setattr(run, name, state[name])
            elif name in state:
                self._gap(f"{name} is of an unknown kind")
        lengths = (run.params.get("epochs"), run.params.get("steps"))
        if not all(each is None or (conforms(each, int) and _possible(each)) for each in lengths):
            self._gap("params is of an unknown kind")
            run.params = {}
        run.nonfinite = [each for each in run.nonfinite if math.isfinite(each["epoch"] + each["time"])][:MAX_NONFINITE]
        run.controls = self._those("controls", wire.Control)
        for control in run.controls:
            control["enabled"], control["reason"] = False, ELSEWHERE
        run.cards = self._those("cards", wire.Card)
        run.snapshots = self._those("snapshots", wire.Snapshot)
        if conforms(self._found.get("hooks"), wire.Hooks):
            run.hooks = StoredHooks(self._found["hooks"])
        pace: dict[str, float | None] = either(self._found.get("throughput"), dict[str, float | None], {})
        run.throughput._per_step = pace.get("seconds_per_step")
        run.throughput.samples_per_batch = pace.get("samples_per_batch")
        run.texts = {name: made for name, made in self._found.items() if isinstance(made, str)}

    def picture(self, step: int) -> bytes | None:
        """The run's picture; None where there is none that may be shown.

        Args:
            step: The run's newest: a picture of an earlier one is out of date.
        """
        return picture.read(self._found.get(picture.NAME), step)

    def batch_values(self, weights: StoredTable, stretches: Sequence[Stretch]) -> BatchValues:
        """What is known of the weights of the run's batches.

        Args:
            weights: Those that were read.
            stretches: Over which running means go on.
        """
        known: dict[str, Any] = either(self._found.get("batch_values"), dict[str, Any], {})
        named: dict[str, Any] = either(known.get("rules"), dict[str, Any], {})
        rules: dict[str, Rule] = {name: rule for name, rule in named.items() if rule in get_args(Rule)}
        sizes, made = known.get("sizes"), None
        if (
            isinstance(sizes, dict)
            and conforms(sizes.get("batch"), int)
            and conforms(sizes.get("samples"), float | None)
        ):
            made = Sizes(sizes["batch"], sizes.get("samples"))
        return BatchValues.restored(rules, those(known.get("bounded"), str), made, weights, list(stretches))

    def _those(self, name: str, kind: Any) -> list[Any]:
        values = self._found.get(name, [])
        found = those(values, kind)
        if isinstance(values, list) and len(found) < len(values):
            self._gap(f"{len(values) - len(found)} of {len(values)} {name} are of an unknown kind")
        return found


class Marks:
    """Lists that grow by the epoch or the rollback.

    Args:
        reader: A look at the file, whose summary was read.

    Attributes:
        epoch_starts: See ``Record``.
        branches: See ``Record``.
        ran_out: See ``Record``.
        stretches: See ``BatchValues``.
        counts: See ``Record``.
        sittings: See ``Record``.

    Raises:
        Damaged: One is missing or impossible.
    """

    def __init__(self, reader: Reader) -> None:
        kinds = ("epoch_start", "branch", "ran_out", "stretch", "count", "sitting")
        found: dict[str, dict[int, Any]] = {kind: {} for kind in kinds}
        for row in reader.rows("mark", ("kind", "number", "json")):
            if row is None:
                raise Damaged("where epochs and rollbacks were is not what was written")
            kind, at, made = row
            if kind in found:
                found[kind][whole(at)] = from_json(text(made, 1_000_000))
        for kind, by_number in found.items():
            if list(by_number) != list(range(len(by_number))):
                raise Damaged(f"marks of kind {kind} are missing")
        starts, branches, ran_out, stretches, counts, sittings = (list(each.values()) for each in found.values())
        self.epoch_starts: list[tuple[int, int, int]] = [(a, b, c) for a, b, c in (_wholes(each, 3) for each in starts)]
        self.branches: list[wire.Branch] = [{"from": a, "to": b} for a, b in (_wholes(each, 2) for each in branches)]
        self.ran_out = [whole(each) for each in ran_out]
        self.stretches = [_stretch(each) for each in stretches]
        self.counts = [_count(each) for each in counts]
        self.sittings = [_sitting(each) for each in sittings]
        _check_rising([each[0] for each in self.epoch_starts], 0)
        _check_rising([each[1] for each in self.epoch_starts])
        _check_rising([each.row for each in self.stretches])
        if not reader.fits(len(self.stretches), max((len(each.weights) for each in self.stretches), default=0)):
            raise Damaged("there are more epochs than it has room for")


def _possible(value: Any) -> bool:
    """Whether a number may be one of steps, epochs or batches."""
    return not isinstance(value, int) or 0 <= value < EXACT


def _wholes(values: Any, count: int) -> list[int]:
    if not isinstance(values, list) or len(values) != count:
        raise Damaged("where epochs and rollbacks were is of an unknown kind")
    return [whole(each) for each in values]


def _stretch(values: Any) -> Stretch:
    right = isinstance(values, list) and len(values) == len(STRETCH)
    if not right or not all(conforms(value, kind) for value, kind in zip(values, STRETCH, strict=True)):
        raise Damaged("a stretch is of an unknown kind")
    for each in values[:3]:
        whole(each)
    return Stretch(*values)


def _count(values: Any) -> Count:
    right = isinstance(values, list) and len(values) == len(COUNT)
    if not right or not all(conforms(value, kind) for value, kind in zip(values, COUNT, strict=True)):
        raise Damaged("how often the optimizer was called is of an unknown kind")
    return Count(*values)


def _sitting(values: Any) -> tuple[float, float]:
    if not conforms(values, list[float]) or len(values) != 2 or not all(map(math.isfinite, values)):
        raise Damaged("when it was trained is of an unknown kind")
    return values[0], values[1]


def _check_rising(values: Sequence[int], first: int | None = None) -> None:
    if any(later < earlier for earlier, later in itertools.pairwise(values)):
        raise Damaged("epochs are not in their order")
    if values and first is not None and values[0] != first:
        raise Damaged("the first epoch does not begin with the first row")

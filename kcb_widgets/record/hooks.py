"""Hooks: which of Keras's hooks ran, in which order, how often, and what they were given. A record, no more."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING

from .names import text

if TYPE_CHECKING:
    from . import wire

MAX_TRACE = 24
MAX_KEYS = 40
PHASES: tuple[wire.HookPhase, ...] = ("train", "test", "predict")
BATCHES: dict[str, tuple[str, str]] = {phase: (f"on_{phase}_batch_begin", f"on_{phase}_batch_end") for phase in PHASES}


class Hooks:
    """The hooks of one run, as Monitor gets them.

    Batch hooks are counted in pairs, by the batches there were: nothing is noted at each of them.

    Attributes:
        batches: Batches of ``test`` and ``predict`` so far; those of ``train`` are the run's own.
        seconds: What the other callbacks spent in each hook.
        epoch: Where the wall time of the last epoch went.
        bound: What held the last epoch up, in a clause; empty when nothing did.
        fresh: Phases whose log keys are looked at with their next batch.
    """

    def __init__(self) -> None:
        self.batches: dict[str, int] = dict.fromkeys(PHASES, 0)
        self.seconds: dict[str, float] = {}
        self.epoch: wire.WallTime | None = None
        self.bound = ""
        self.fresh: set[str] = set(PHASES)
        self._counts: dict[str, int] = {}
        self._keys: dict[str, list[str]] = {}
        self._trace: deque[tuple[str, int]] = deque(maxlen=MAX_TRACE)
        self._traced: dict[str, int] = dict.fromkeys(PHASES, 0)

    def note(self, name: str, keys: Iterable[str], trained: int) -> None:
        """A hook that is not a batch's has run.

        Args:
            name: The hook.
            keys: Of its logs.
            trained: Batches trained so far.
        """
        self.batches["train"] = trained
        for phase in PHASES:
            new = self.batches[phase] - self._traced[phase]
            if new > 0:
                self._append(_pair(phase), new)
            self._traced[phase] = self.batches[phase]
        self._append(name, 1)
        self._counts[name] = self._counts.get(name, 0) + 1
        self._add(name, keys)
        if name == "on_epoch_begin":
            self.fresh.add("train")

    def keyed(self, phase: str, keys: Iterable[str]) -> None:
        """The log keys that a batch hook was given; asked for once in each epoch."""
        self.fresh.discard(phase)
        self._add(BATCHES[phase][1], keys)

    def describe(self, trained: int) -> wire.Hooks:
        """All of it as a board shows it; any thread may ask.

        Args:
            trained: Batches trained so far.
        """
        batches = {**self.batches, "train": trained}
        counts = dict(self._counts)
        for phase in PHASES:
            if batches[phase]:
                counts |= dict.fromkeys(BATCHES[phase], batches[phase])
        trace = [_folded(name, count) for name, count in list(self._trace)]
        for phase in PHASES:
            if (new := batches[phase] - self._traced[phase]) > 0:
                trace.append(_folded(_pair(phase), new))
        rows: list[wire.HookRow] = [
            {"name": name, "phase": _phase(name), "count": counts[name], "keys": self._keys.get(name, []),
             "seconds": float(f"{self.seconds.get(name, 0.0):.4g}")}
            for name in sorted(counts, key=_order)
        ]  # fmt: skip
        return {"rows": rows, "trace": trace[-MAX_TRACE:], "epoch": self.epoch, "bound": self.bound}

    def _append(self, name: str, count: int) -> None:
        if self._trace and self._trace[-1][0] == name:
            count += self._trace.pop()[1]
        self._trace.append((name, count))

    def _add(self, name: str, keys: Iterable[str]) -> None:
        """The first epoch's logs may lack what the later ones have."""
        known = self._keys.get(name, [])
        new = [key for key in (text(key)[:64] for key in keys) if key not in known]
        self._keys[name] = [*known, *new][:MAX_KEYS]


def _pair(phase: str) -> str:
    return f"on_{phase}_batch_begin/end"


def _folded(name: str, count: int) -> str:
    return name if count == 1 else f"{name} \u00d7{count}"


def _phase(name: str) -> wire.HookPhase:
    return next((phase for phase in PHASES if f"_{phase}_" in name), "train")


def _order(name: str) -> tuple[int, int]:
    """As they come in a fit: from the outside in, and out again."""
    depth = 2 if "batch" in name else 1 if "epoch" in name else 0
    return PHASES.index(_phase(name)), depth if name.endswith("begin") else 5 - depth

"""Policies: the user's own functions that steer, every so many batches or at each epoch's end."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..commands.batch_hook_state import BatchHookState
from ..record.record import Record


@dataclass(frozen=True, eq=False)
class Policy:
    """A function and when it is called.

    Attributes:
        function: The user's.
        every: ``epoch``, or a number of batches.
    """

    function: Callable[..., Any]
    every: str | int

    @property
    def name(self) -> str:
        """What events call it."""
        return str(getattr(self.function, "__name__", "policy"))


class Policies:
    """All policies of a Monitor. They outlive a fit; any thread may add one, also while a fit is under way.

    Attributes:
        all: The policies in the order they were added. Each addition makes a new tuple, so reading needs no lock.
    """

    def __init__(self, all: tuple[Policy, ...] = ()) -> None:
        self.all = all
        self._lock = threading.Lock()
        self._fits: weakref.WeakSet[Turns] = weakref.WeakSet()

    def __reduce__(self) -> Any:
        return Policies, (self.all,)

    def add(self, function: Callable[..., Any], every: str | int) -> None:
        """Add one; a fit under way calls it too, and counts its batches from now."""
        with self._lock:
            self.all = (*self.all, Policy(function, every))
            fits = list(self._fits)
        for fit in fits:
            fit.wake()

    def join(self, fit: Turns) -> None:
        """Tell a fit of what is added from now on."""
        with self._lock:
            self._fits.add(fit)


class Turns:
    """Whose turn it is in one fit. Its training thread alone asks.

    Args:
        policies: All there are.
        run: The fit's record.
        hook_state: Has the fit look before the next batch.
    """

    def __init__(self, policies: Policies, run: Record, hook_state: BatchHookState) -> None:
        self._policies, self._run, self._hook_state = policies, run, hook_state
        self._next: dict[Policy, int] = {}
        self._known: tuple[Policy, ...] = ()
        policies.join(self)

    def wake(self) -> None:
        """There is a new policy; called on the thread that added it."""
        self._hook_state.has_work = True

    @property
    def news(self) -> bool:
        """Whether a policy came that does not count its batches yet."""
        return self._policies.all is not self._known

    @property
    def counting(self) -> bool:
        """Whether any policy counts batches."""
        return bool(self._next)

    def by_batch(self) -> list[Policy]:
        """Those that are due before the next batch; new ones begin to count here."""
        step = self._run.step
        if self.news:
            self._known = self._policies.all
            for policy in self._known:
                if policy.every != "epoch" and policy not in self._next:
                    self._next[policy] = step + int(policy.every)
        return [policy for policy, due in self._next.items() if step >= due]

    def took(self, policies: list[Policy]) -> None:
        """These were called: they count from here."""
        for policy in policies:
            self._next[policy] = self._run.step + int(policy.every)

    def by_epoch(self) -> list[Policy]:
        """Those that are due at an epoch's end."""
        return [policy for policy in self._policies.all if policy.every == "epoch"]

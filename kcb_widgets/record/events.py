"""Events: what happened to a run, and at which step."""

from __future__ import annotations

import logging
from dataclasses import dataclass

log = logging.getLogger(__name__)


MAX_LINE = 200


def first_line(error: BaseException) -> str:
    """An exception as one line: its type, and the first line of what it says."""
    name = type(error).__name__
    try:
        said = str(error).strip().splitlines()
    except Exception:  # it cannot say what it is
        log.debug("A %s has no text", name, exc_info=True)
        said = []
    return f"{name}: {said[0][:MAX_LINE]}" if said else name


@dataclass(frozen=True)
class Event:
    """Something that happened to a run.

    Attributes:
        step: Batches trained when it happened: an applied value governs the batch after this step, unless another is
            applied before that batch begins.
        epoch: The epoch it happened in, 0-based.
        time: Seconds since the run began.
        kind: ``applied``, ``refused``; ``changed`` (another callback wrote), ``held`` (and our value was put back);
            ``paused``, ``resumed``, ``stop``; ``snapshot``, ``rollback``, ``saved``, ``evaluated``, ``trigger``;
            ``guard``, ``nan``; ``alert``, whose ``new`` is its level; ``recompiled``; ``warning``, ``error`` or
            ``status``. ``resumed`` that is named ``run`` says that the run was gone on with after it had ended.
        name: The control, metric or hook concerned.
        old: The value before, where there is one.
        new: The value after, or the one that was asked for and refused.
        source: Who: ``board``, ``python``, ``policy``, ``guard``, ``replay``, a callback's class name, ``keras``,
            ``monitor``.
        message: One readable clause; why, for a refusal or an error.
        requested: ``time.time()`` of the command; None for what nobody asked for.
        at_end: Whether the epoch's batches were over by then: it happened in validation or in the hooks that follow.
    """

    step: int
    epoch: int
    time: float
    kind: str
    name: str
    old: float | bool | str | None = None
    new: float | bool | str | None = None
    source: str = ""
    message: str = ""
    requested: float | None = None
    at_end: bool = False

"""Resuming: a Monitor's first fit goes on with a run that was kept, or says why it begins a new one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, Protocol

from ..record.portable import flat, private
from ..record.record import Record
from ..record.trail import UnknownStep
from ..run import Run
from ..store.about import About
from .open_fits import close_dead
from .settings import collect
from .training_count import calls_of

if TYPE_CHECKING:
    from ..store.keeper import Keeper

LAST = "last"
NEW = "this is a new run"


def check_resume(resume: object) -> str | Path | None:
    """What to go on with, as it was given: ``last``, a path, or None.

    Raises:
        TypeError: It is neither.
        ValueError: It is empty.
    """
    if resume is None or (isinstance(resume, str) and resume == LAST):
        return resume
    if not isinstance(resume, (str, PathLike)):
        msg = f"resume must be 'last', the path of a run file, or None. Received: {resume!r}"
        raise TypeError(msg)
    if not str(resume):
        msg = f"resume must be 'last' or name a run file. Received: {resume!r}"
        raise ValueError(msg)
    return Path(resume)


class Options(Protocol):
    """What a Monitor was told about keeping, as far as it matters here."""

    name: str | None
    tags: tuple[str, ...]
    notes: str
    config: Mapping[str, Any]
    resume: str | Path | None

    @property
    def folder(self) -> Path | None:
        """Where its runs are kept."""


class _New(Exception):
    """A new run begins; says why in a clause, which is a warning where something is wrong."""

    def __init__(self, why: str, kind: str = "warning") -> None:
        super().__init__(why)
        self.kind = kind


def resume(
    options: Options, run: Record, model: Any, fit: FrameType | None, params: Any, callbacks: Any
) -> Keeper | None:
    """Have a run that begins go on with one that was kept; on the training thread.

    Args:
        options: What the Monitor was told about keeping.
        run: The run that begins: it takes over all that the other has.
        model: What trains.
        fit: The frame of ``fit``.
        params: What Keras says of the fit.
        callbacks: Its other callbacks.

    Returns:
        What keeps it from now on; None where it is a new run, and an event that says why.
    """
    from ..store import resume as store  # here: most fits resume nothing

    assert options.resume is not None
    close_dead()
    try:
        with store.turn:
            return _resume(options, run, lambda: collect(model, fit, params, callbacks).values, model)
    except (_New, store.CannotResume) as why:
        kind = why.kind if isinstance(why, _New) else "warning"
        run.add_event(kind, "resume", message=f"{NEW}: {why}")
    return None


def _resume(options: Options, run: Record, settings: Callable[[], dict[str, Any]], model: Any) -> Keeper:
    from ..store import keeper
    from ..store import resume as store

    named = options.resume if isinstance(options.resume, Path) else None
    given, trusted = named or _last(options, model), named is not None
    path = given.absolute()  # the folder of the process may change
    kept, fresh = store.read(path, trusted), Run()
    fresh.go_on_from(kept.run, kept.away)
    fresh.status = "compiling"
    about = _about(options, fresh, settings())
    file = store.take(kept, fresh, path, about, keeper.INTERVAL_S, trusted)
    run.become(fresh)  # not before: what cannot be had leaves this run as it was
    file.run = run
    made = keeper.Keeper(run, given.parent, about, file)
    made.start()
    return made


def _last(options: Options, model: Any) -> Path:
    """The file of the run that was last heard of."""
    from ..store import resume as store

    folder = options.folder
    found = None if folder is None else store.last(folder, options.name)
    if found is None:
        called = "" if options.name is None else f" called {options.name!r}"
        raise _New(f"there is none{called} to go on with", "status")
    path, status = found
    if status in ("finished", "stopped") and not _has_trained(model):
        raise _New(f"{path.name} is {status}, and this model has not been trained", "status")
    return path


def _has_trained(model: Any) -> bool:
    """Whether a model comes from somewhere, as far as that is known before it may be restored."""
    try:
        return calls_of(model) > 0
    except UnknownStep:
        return True


def _about(options: Options, run: Record, settings: dict[str, Any]) -> About:
    """What is known of the run now: what the Monitor was told, and else what the file says."""
    run.name = run.name if options.name is None else options.name
    run.tags, run.notes = options.tags or run.tags, options.notes or run.notes
    run.config = dict(options.config) or run.config
    run.settings = run.settings | flat(private(settings))
    return About(name=run.name, tags=run.tags, notes=run.notes, config=run.config, settings=run.settings)

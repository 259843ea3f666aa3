"""Keeping: which runs of a Monitor are kept in files, and where."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import PathLike
from pathlib import Path
from threading import get_ident
from types import FrameType
from typing import TYPE_CHECKING, Any

from .. import kernel
from ..commands import Refused
from ..record.portable import flat
from ..record.record import Record
from ..store import About
from .resuming import LAST
from .settings import collect

if TYPE_CHECKING:
    from ..store.keeper import Keeper

VARIABLE = "KCB_LOG_DIR"
FOLDER = "runs"
"""Where a run is kept that somebody asks to keep, and nobody has said where."""

SOURCE = "source"
"""The name of the text in which a run's source is kept."""

_default: Path | None = None
_default_source = False


def keep(log_dir: str | PathLike[str] | None, *, keep_source: bool = False) -> None:
    """Keep every run of this process in a file of its own, unless its Monitor was given another ``log_dir``.

    The variable ``KCB_LOG_DIR`` does the same for processes that do not call this.

    Args:
        log_dir: The folder; None: no longer.
        keep_source: Keep the source of the cell or script too, unless a Monitor was told otherwise; see ``Monitor``.

    Raises:
        TypeError: ``log_dir`` is no path, or ``keep_source`` is neither True nor False.

    Example:
        >>> kcb.keep("runs")
    """
    global _default, _default_source
    wanted = check_keep_source(keep_source)
    if wanted is None:
        msg = "keep_source must be True or False. Received: None"
        raise TypeError(msg)
    _default = None if log_dir is None else check_folder(log_dir)
    _default_source = wanted and _default is not None


def check_keep_source(keep_source: object) -> bool | None:
    """Whether source is kept, as it was given; None: as ``keep`` says.

    Raises:
        TypeError: It is none of these.
    """
    if keep_source is not None and not isinstance(keep_source, bool):
        msg = f"keep_source must be True or False. Received: {keep_source!r}"
        raise TypeError(msg)
    return keep_source


def check_folder(log_dir: object) -> Path:
    """A folder as it was given.

    Raises:
        TypeError: It is no path.
        ValueError: It is empty.
    """
    if not isinstance(log_dir, (str, PathLike)):
        msg = f"log_dir must be a path. Received: {log_dir!r}"
        raise TypeError(msg)
    if not str(log_dir):
        msg = f"log_dir must name a folder. Received: {log_dir!r}"
        raise ValueError(msg)
    return Path(log_dir)


@dataclass
class KeepOptions:
    """What a Monitor was told about keeping.

    Attributes:
        log_dir: The folder; None: that of the process, if it has one.
        name: What its runs are called; the model's name by default.
        tags: Words to find them by.
        notes: A text.
        config: What the user set.
        resume: What the first fit goes on with: ``last``, the path of a run file, or None.
        keep_source: Whether the source of the cell or script is kept; None: as ``keep`` says.
    """

    log_dir: Path | None = None
    name: str | None = None
    tags: tuple[str, ...] = ()
    notes: str = ""
    config: Mapping[str, Any] = field(default_factory=dict)
    resume: str | Path | None = None
    keep_source: bool | None = None

    def __post_init__(self) -> None:
        if self.resume == LAST and self.folder is None:
            msg = f"resume='last' needs a log_dir, or kcb.keep. Received: log_dir={self.log_dir!r}"
            raise ValueError(msg)

    @property
    def folder(self) -> Path | None:
        """Where a run that begins now is kept; None: nowhere."""
        if self.log_dir is not None or _default is not None:
            return self.log_dir or _default
        told = os.environ.get(VARIABLE)
        return Path(told) if told else None

    @property
    def source_wanted(self) -> bool:
        """Whether the source of what trains is kept."""
        return _default_source if self.keep_source is None else self.keep_source


class Keeping:
    """Keeps the runs of a Monitor.

    Args:
        options: What it was told.
    """

    def __init__(self, options: KeepOptions) -> None:
        self.options = options
        self._keeper: Keeper | None = None
        self._run: Record | None = None
        self._resumes = options.resume is not None
        self._source = ""
        self._noted = "", 0  # the source of the cell that started a fit on another thread, and the thread of that cell

    def note_source(self) -> None:
        """A fit is about to begin on another thread: this one knows which cell started it."""
        self._noted = (kernel.source() if self.options.source_wanted else ""), get_ident()

    def resume(self, run: Record, model: Any, fit: FrameType | None, params: Any, callbacks: Any) -> bool:
        """A fit begins, on this thread: have it go on with a run that was kept, where that was asked for.

        Only the first fit does. Whether it goes on; else it is a new run, and an event says why.
        """
        if not self._resumes:
            return False
        self._resumes = False
        from .resuming import resume

        self._keeper = resume(self.options, run, model, fit, params, callbacks)
        self._run = None if self._keeper is None else run
        return self._keeper is not None

    def begin(self, run: Record, model: Any, fit: FrameType | None, callbacks: Any) -> None:
        """A fit begins, on this thread: keep its run, where that was asked for."""
        options = self.options
        if self._keeper is not None and self._run is run:  # it goes on
            return
        self._keeper, self._run = None, run
        noted, thread = self._noted
        self._noted = "", 0
        elsewhere = thread and thread != get_ident()
        self._source = "" if not options.source_wanted else noted if elsewhere else kernel.source()
        run.name = options.name or str(getattr(model, "name", "") or "")
        run.tags, run.notes, run.config = options.tags, options.notes, dict(options.config)
        folder = options.folder
        if folder is None and isinstance(options.resume, Path):
            folder = options.resume.parent  # beside the run that could not be gone on with, or after it
        if folder is not None:
            self._keep(run, folder, model, fit, callbacks)

    def start(self, run: Record, folder: Path | None, model: Any, fit: FrameType | None, callbacks: Any) -> str:
        """Keep a run from its first batch on, whether it is over or not.

        Args:
            run: The run.
            folder: Where; None: where this Monitor's runs are kept, else ``runs``.
            model: What trains, or trained; None where it is gone.
            fit: The frame of ``fit``, where it is under way.
            callbacks: Its other callbacks.

        Returns:
            A clause.

        Raises:
            Refused: It is kept already.
        """
        if self._keeper is not None and self._run is run:
            path = self._keeper.path
            raise Refused(f"it is kept in {path.name if path is not None else self._keeper.folder.name} already")
        folder = folder or self.options.folder or Path(FOLDER)
        self._run = run
        self._keep(run, folder, model, fit, callbacks)
        if run.over:
            self.finish(run)
        return f"kept in {folder if not folder.is_absolute() else folder.name} from its first batch on"

    def _keep(self, run: Record, folder: Path, model: Any, fit: FrameType | None, callbacks: Any) -> None:
        from ..store.git import revision  # here: most fits are not kept
        from ..store.keeper import Keeper

        found = collect(model, fit, run.params, callbacks)
        if run.group is not None and run.group.name:
            found.values["group"] = {"name": run.group.name, "number": len(run.group)}
        run.settings = flat(found.values)
        texts = {
            "model_config": found.model_config, "model_summary": found.model_summary, SOURCE: self._source,
        }  # fmt: skip
        run.texts = {name: text for name, text in texts.items() if text}
        working = Path.cwd()
        about = About(
            name=run.name, tags=run.tags, notes=run.notes, config=run.config, settings=found.values, texts=run.texts,
            late=lambda: {"git": revision(working)},
        )  # fmt: skip
        self._keeper = Keeper(run, folder, about)
        self._keeper.start()

    def sync(self, run: Record) -> None:
        """Wait until what a run has by now is kept; where that takes long, training goes on meanwhile."""
        if self._keeper is not None and self._run is run:
            self._keeper.sync()

    def finish(self, run: Record) -> None:
        """A run is over: write what is left of it."""
        if self._keeper is not None and self._run is run:
            self._keeper.finish()

    def update(self, run: Record) -> None:
        """Something was added to a run that is over."""
        if self._keeper is not None and self._run is run:
            self._keeper.update()

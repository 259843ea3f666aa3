"""Where a board stands in a notebook, and the still picture that stays when it is gone.

A live board is a widget output. Without its kernel JupyterLab would show "model not found" there, so when the run is
over the output becomes plain HTML, with the picture in a second output below it (``image/png``, which every viewer
shows). Where the page can, it brings the live board back into that HTML and hides the picture. Until then the second
output says to whoever opens a notebook that was saved meanwhile what to do; a page with a board (its CSS) hides that.
"""

from __future__ import annotations

import html
import threading
from collections.abc import Callable
from typing import Any, NamedTuple, Protocol

from .. import kernel
from ..record.fit_group import in_words
from ..record.formats import format_metric
from ..record.record import Record

HYDRATES = {"lab", "notebook"}  # hosts whose page brings a still picture back to life (js/src/hydrate.js)
TRAINING = (
    "Training was under way when this notebook was saved, and its curves are in the kernel that trained: {} in a new "
    "cell shows them, as soon as the cell that trains is done. A kernel that was restarted has lost them."
)


class Shown(Protocol):
    """What is displayed: a board, as its outputs know it."""

    board_id: Any

    @property
    def run(self) -> Record:
        """The run on the board."""

    def live_bundle(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """What makes a page show the live widget: data and metadata by MIME type."""


class Handles(NamedTuple):
    """The two outputs of a board in one place."""

    board: Any
    picture: Any
    over: bool  # whether the run was over when they were shown
    place: str


class Output:
    """The outputs of one board.

    Attributes:
        hosts: The kinds of page that views were heard from.
    """

    def __init__(self, board: Shown) -> None:
        self.hosts: set[str] = set()
        self._board = board
        self._handles: list[Handles] = []
        self._cleared: set[str] = set()
        self._in_cell = False
        self._unregister: Callable[[], None] = lambda: None
        self._updating = threading.Lock()  # a view may be heard of while the fit ends

    def heard(self, host: str) -> None:
        """A page of this kind shows the board. One that would hide it is given the words for a saved notebook."""
        if host in HYDRATES and not self.hosts & HYDRATES:
            with self._updating:
                for handle in self._handles:
                    if not handle.over:
                        handle.picture.update(_training(), raw=True)
        self.hosts.add(host)

    def show(self, run: Record) -> None:
        """Display the board, and room for its picture, under the running cell."""
        if kernel.where() == "marimo":
            kernel.append(self._board)  # it keeps no outputs, so no picture is left behind
            return
        from IPython.display import display

        data, metadata = self._board.live_bundle()
        data["text/plain"] = _alternative(run)
        if run.over:
            data["image/png"] = self._picture(run)
        board = display(data, metadata=metadata, raw=True, display_id=True)
        hides = bool(self.hosts & HYDRATES) and not run.over
        room = _training() if hides else {"text/plain": "", "text/html": ""}
        picture = display(room, raw=True, display_id=True)
        if board is None or picture is None:
            return
        place = kernel.output_place()
        self._handles = [*self._handles, Handles(board, picture, run.over, place)]
        self._cleared.discard(place)
        kernel.on_clear_output(self._note_cleared)
        self._unregister()
        self._in_cell = kernel.where() == "kernel"
        self._unregister = kernel.on_cell_end(self._cell_ended)

    @property
    def cleared_here(self) -> bool:
        """Whether the board was shown where outputs land now, and ``clear_output()`` took it away."""
        return bool(self._cleared) and kernel.output_place() in self._cleared

    def _note_cleared(self, place: str) -> None:
        """``clear_output()`` was called; with ``wait=True`` outputs go when the next one comes."""
        left = [each for each in self._handles if each.place != place]
        if len(left) < len(self._handles):
            self._handles = left  # what is gone must not be updated: a front end may bring it back
            self._cleared.add(place)

    def _cell_ended(self, _error: BaseException | None) -> None:
        self._unregister()
        self._in_cell = False
        self._cleared.clear()
        if self._board.run.over:
            self.settle(self._board.run)

    def settle(self, run: Record) -> None:
        """The run is over: leave a picture behind. Not before the cell has ended: it may train once more."""
        if self._in_cell:
            return
        # A board that was shown after the end is for looking at: it stays until its page says that it can do better.
        ripe = [handle for handle in self._handles if self.hosts or not handle.over]
        if not ripe:
            return
        with self._updating:
            self._handles = [handle for handle in self._handles if handle not in ripe]
        png, text = self._picture(run), _alternative(run)
        keep_live = bool(self.hosts) and not self.hosts & HYDRATES
        for board, picture, _, _ in ripe:
            if keep_live:
                data, metadata = self._board.live_bundle()
                board.update(data | {"image/png": png, "text/plain": text}, metadata=metadata, raw=True)
                continue
            board.update({"text/html": _html(run, self._board.board_id), "text/plain": text}, raw=True)
            alt = {"image/png": {"alt": text}}
            picture.update({"image/png": png, "text/plain": text}, metadata=alt, raw=True)

    def _picture(self, run: Record) -> str:
        from ..export import figures, group_figure

        if _has_others(run):
            return figures.still_of(group_figure.plot(run.group), self._board.board_id)
        return figures.still(run, self._board.board_id)


def _has_others(run: Record) -> bool:
    """Whether other fits belong with it."""
    return run.group is not None and len(run.group) > 1


def _alternative(run: Record) -> str:
    """The run in one line of words, and the fits that belong with it."""
    parts = [f"{run.title}: {run.status}"]
    if _has_others(run):
        parts.insert(0, in_words(run.group))
    if run.message:
        parts.append(run.message)
    if run.epoch_rows:
        epoch, logs = run.epoch_rows[-1]
        numbers = [f"{k} {format_metric(v)}" for k, v in logs.items() if isinstance(v, (int, float)) and k != "seconds"]
        parts.append(f"epoch {epoch + 1}, {run.seconds:.1f} s: " + ", ".join(numbers))
    elif run.step:
        parts.append(f"{run.step} batches")
    return ". ".join(parts)


def _html(run: Record, board_id: str) -> str:
    text = html.escape(_alternative(run))
    return f'<div class="kcb-still" data-kcb-board="{html.escape(board_id)}"><p class="kcb-still-text">{text}</p></div>'


def _training() -> dict[str, str]:
    words = TRAINING.format("<code>monitor.board</code>")
    return {"text/html": f'<p class="kcb-training">{words}</p>', "text/plain": TRAINING.format("monitor.board")}

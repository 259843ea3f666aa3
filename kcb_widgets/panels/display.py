"""Which board a Monitor shows, and under which cell."""

from __future__ import annotations

import weakref
from typing import TYPE_CHECKING

from .. import kernel
from ..record.fit_group import FitGroup
from ..record.record import Record

if TYPE_CHECKING:
    from .board import Board

_latest: tuple[int | str, weakref.ref[Board]] | None = None
"""The cell under which a fit last showed a board, and that board."""


class Showing:
    """The board of a Monitor's current run.

    Args:
        display: Whether to show it when a fit begins; None: in notebooks.
    """

    def __init__(self, display: bool | None) -> None:
        self._display = display
        self._board: Board | None = None
        self._cell: int | str | None = None

    def board(self, run: Record) -> Board:
        """A board of ``run``, made when first asked for."""
        if self._board is not None and self._board.run is not run and _same_group(self._board.run, run):
            self._board.run = run  # it showed an earlier fit of the group
        if self._board is None or self._board.run is not run:
            from .board import Board  # here: scripts need no ipywidgets

            self._board, self._cell = Board(run), None
        return self._board

    def open(self, run: Record, keep_runs: int | None = None) -> None:
        """A fit begins: show its board under the running cell.

        Several fits in one cell share one board, which is shown again if ``clear_output()`` took it away in between,
        and belong together, also those of other Monitors.

        Args:
            run: Its run.
            keep_runs: How many runs the Monitor keeps.
        """
        global _latest
        kernel.fit_begins()
        if not self._wanted():
            return
        here = self._here()
        if self._cell is None or self._cell != here:
            self._take_over(here)
        board = self._board
        if board is not None and self._cell is not None:
            if board.run is run:
                return  # shown already, by the cell that started the background fit
            if here == self._cell:
                _bring_together(board.newest, run, keep_runs)
                board.follow(run)
                if board.cleared_here:
                    board.display()
                return
        board = self.board(run)
        board.display()
        self._cell = here
        _latest = None if here is None else (here, weakref.ref(board))

    def _take_over(self, here: int | str | None) -> None:
        """Use the board that another Monitor showed under this cell, where its fit is over."""
        if here is None or _latest is None or _latest[0] != here:
            return
        board = _latest[1]()
        if board is not None and board.comm is not None and board.newest.over:
            self._board, self._cell = board, here

    def _wanted(self) -> bool:
        return self._display is True or (self._display is None and kernel.notebook())

    @staticmethod
    def _here() -> int | str | None:
        return kernel.cell() if kernel.blocking() else None


def _same_group(one: Record, other: Record) -> bool:
    return one.group is not None and one.group is other.group


def _bring_together(before: Record, run: Record, keep_runs: int | None) -> None:
    """Have a fit belong to those that came before it, unless it belongs to others."""
    if run.group is None:
        group = before.group
        if group is None:
            group = FitGroup()
            group.join(before, keep_runs)
        group.join(run, keep_runs)

"""Which board a Monitor shows, and under which cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .. import kernel
from ..record.record import Record

if TYPE_CHECKING:
    from .board import Board


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
        if self._board is None or self._board.run is not run:
            from .board import Board  # here: scripts need no ipywidgets

            self._board, self._cell = Board(run), None
        return self._board

    def open(self, run: Record) -> None:
        """A fit begins: show its board under the running cell.

        Several fits in one cell share one board, which is shown again if ``clear_output()`` took it away in between.
        """
        kernel.fit_begins()
        if not self._wanted():
            return
        if self._board is not None and self._cell is not None:
            if self._board.run is run:
                return  # shown already, by the cell that started the background fit
            if self._here() == self._cell:
                self._board.run = run
                if self._board.cleared_here:
                    self._board.display()
                return
        self.board(run).display()
        self._cell = self._here()

    def _wanted(self) -> bool:
        return self._display is True or (self._display is None and kernel.notebook())

    @staticmethod
    def _here() -> int | str | None:
        return kernel.cell() if kernel.blocking() else None

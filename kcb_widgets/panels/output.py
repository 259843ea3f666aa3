"""Where a board stands in a notebook, and the still picture that stays when it is gone.

A live board is a widget output. Without its kernel JupyterLab would show "model not found" there, so when the run is
over the output becomes plain HTML, with the picture in a second output below it (``image/png``, which every viewer
shows). Where the page can, it brings the live board back into that HTML and hides the picture.
"""

from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..run import Run
    from .board import Board


class Output:
    """The outputs of one board."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._handles: list[tuple[Any, Any]] = []  # display handles: of the board, of the picture

    def show(self, run: Run) -> None:
        """Display the board, and room for its picture, under the running cell."""
        from IPython.display import display

        data, metadata = self._board.live_bundle()
        data["text/plain"] = _alternative(run)
        board = display(data, metadata=metadata, raw=True, display_id=True)
        picture = display({"text/plain": "", "text/html": ""}, raw=True, display_id=True)
        if board is not None and picture is not None:
            self._handles.append((board, picture))
            if run.over:
                self._board._show_run(run)

    def settle(self, run: Run, live: bool) -> None:
        """The run is over: leave a picture behind.

        Args:
            run: The finished run.
            live: Keep the widget (the page cannot bring it back to life).
        """
        if not self._handles:
            return
        from ..figures import still

        png = still(run, self._board.board_id)
        text = _alternative(run)
        handles, self._handles = self._handles, []
        for board, picture in handles:
            if live:
                data, metadata = self._board.live_bundle()
                data |= {"image/png": png, "text/plain": text}
                board.update(data, metadata=metadata, raw=True)
            else:
                board.update({"text/html": _html(run, self._board.board_id), "text/plain": text}, raw=True)
                picture.update({"image/png": png, "text/plain": text}, metadata={"image/png": {"alt": text}}, raw=True)


def _alternative(run: Run) -> str:
    """The run in one line of words."""
    parts = [f"{run.title}: {run.status}"]
    if run.message:
        parts.append(run.message)
    rows = run.epoch_rows
    if rows:
        epoch, logs = rows[-1]
        numbers = [f"{k} {v:.4g}" for k, v in logs.items() if isinstance(v, (int, float)) and k != "seconds"]
        parts.append(f"epoch {epoch + 1}, {run.seconds:.1f} s: " + ", ".join(numbers))
    elif run.step:
        parts.append(f"{run.step} batches")
    return ". ".join(parts)


def _html(run: Run, board_id: str) -> str:
    text = html.escape(_alternative(run))
    return f'<div class="kcb-still" data-kcb-board="{html.escape(board_id)}"><p class="kcb-still-text">{text}</p></div>'

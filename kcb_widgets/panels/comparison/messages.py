"""Messages: what pages ask of a comparison, and what they are sent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from ...commands.validation import text
from ...kernel import threads
from ...record.values import MAX_INTEGER, is_number
from . import checks, deletion, picture, rows, side_by_side
from .selection import Selection

log = logging.getLogger(__name__)


class Messages:
    """Answers pages, which may send anything.

    Args:
        selection: The runs, and what is seen of them.
        send: Sends a message and its buffers to all pages.
        choose: Changes what is chosen, and tells the pages.
    """

    def __init__(
        self, selection: Selection, send: Callable[..., None], choose: Callable[[Mapping[str, Any]], None]
    ) -> None:
        self._selection, self._send, self._set = selection, send, choose
        self._seen = False

    def receive(self, content: Any) -> None:
        """Answer a message; whatever takes long is done on a thread, as this may be the one that trains."""
        if not isinstance(content, dict):
            return
        kind, view = content.get("kind"), text(content.get("view"))
        work: dict[str, Callable[[], None]] = {
            "hello": lambda: self.hello(content.get("first") is True),
            "choose": lambda: self.choose(content.get("choices")),
            "window": lambda: self.send_curves(view, content.get("request"), content.get("first"), content.get("last")),
            "edit": lambda: self.edit(text(content.get("run")), content.get("changes")),
            "delete": lambda: self.delete(text(content.get("run"))),
            "side_by_side": lambda: self.send_side_by_side(view),
        }
        if isinstance(kind, str) and kind in work:
            threads.start(lambda: self._contained(work[kind]), "kcb-compare")

    def _contained(self, work: Callable[[], None]) -> None:
        try:
            with self._selection.turn:
                work()
        except (TypeError, ValueError, OSError) as error:
            log.info("A comparison could not do what was asked", exc_info=True)
            self._send({"kind": "refused", "message": str(error)})
        except Exception as error:
            log.exception("A comparison failed")
            self._send({"kind": "refused", "message": f"{type(error).__name__}: {error}"})

    # -- what is asked -------------------------------------------------------------------------------------------------

    def hello(self, first: bool) -> None:
        """A view is there, and looks: send all at first, and later what is new."""
        self._seen = True
        if first or self._selection.look_again():
            self.send_all()

    def choose(self, choices: Any) -> None:
        """Change what is shown."""
        if not isinstance(choices, Mapping):
            msg = "choices must be given by name"
            raise TypeError(msg)
        self._set({str(name): value for name, value in choices.items()})
        if {"colour", "group"} & choices.keys():  # the table shows them too
            self.send_table()
        if checks.changes_curves(choices):
            self.send_curves()

    def edit(self, run: str, changes: Any) -> None:
        """Change what people say of a run."""
        self._selection.edit(run, changes)
        self.send_table()

    def delete(self, run: str) -> None:
        """Put a run's file into the bin."""
        where = self._selection.delete(run)
        self.send_all()
        self._send({"kind": "said", "message": deletion.words(where)})

    # -- what is sent --------------------------------------------------------------------------------------------------

    def tell(self) -> None:
        """Send all to the views, if there are any; reading curves may take a while."""
        if self._seen:
            threads.start(lambda: self._contained(self.send_all), "kcb-compare")

    def send_all(self) -> None:
        """Send the table and the curves."""
        self.send_table()
        self.send_curves()

    def send_table(self) -> None:
        """Send the table, with the runs that are hidden."""
        now = self._selection
        made = rows.table(now.members, now.scale(), now.choices.group)
        self._send({"kind": "table", "left_out": len(now.left_out), **made})

    def send_side_by_side(self, view: str) -> None:
        """Send the runs that are drawn as columns to one view."""
        self._send({"kind": "side_by_side", "view": view, **side_by_side.table(self._selection.drawn())})

    def send_curves(self, view: str = "", request: Any = None, first: Any = None, last: Any = None) -> None:
        """Send curves.

        Args:
            view: The view that looks at a part of them; empty: all of them, to every view.
            request: The number of the view's request.
            first: The first x in view.
            last: The last x in view.
        """
        low, high = (_finite(value) for value in (first, last))
        if view and (low is None or high is None or not low < high):
            return
        now = self._selection
        header, data = picture.picture(now.lines(), now.choices, now.scale(), low, high)
        number = request if isinstance(request, int) else None
        self._send({"kind": "curves", "view": view, "request": number, **header}, [data])


def _finite(value: Any) -> float | None:
    return float(value) if is_number(value) and abs(value) <= MAX_INTEGER else None

"""Board: the one widget. It draws a Run, and puts what people ask for in the Run's inbox. It never touches a model."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anywidget
import traitlets

from .. import commands, kernel
from ..record.record import Record
from . import payload
from .lazy_panels import LazyPanels
from .payload import PANELS
from .saved_output import Output
from .sender import Sender
from .sent_times import SentTimes
from .series_encoder import SeriesEncoder

if TYPE_CHECKING:
    from ..record import wire

STATIC = Path(__file__).parent.parent / "static"
PRESENT = 15.0  # seconds a view counts as there after it was last heard of
HOSTS = ("lab", "notebook", "vscode", "colab", "voila", "marimo", "other")
MAX_VIEWS = 50
MAX_REFUSALS = 1000
MAX_POINTS = 1600

_latest: tuple[str, float] | None = None


def latest_view() -> tuple[str, float] | None:
    """The kind of page that last showed a board of this process, and when (``time.monotonic``); None: none did."""
    return _latest


class Board(anywidget.AnyWidget):  # type: ignore[misc]
    """A live view of a run: its progress, controls, curves and events.

    A board can be shown any number of times; every view has the full history, also after the page was reloaded.

    Args:
        run: The run to draw; a Monitor's current one is ``monitor.run``.
        show: Which panels, of ``progress``, ``controls``, ``chart``, ``fits``, ``classes``, ``epochs``,
            ``snapshots``, ``callbacks``, ``hooks``, ``events``. All by default. The first two stand in the bar, the
            others under tabs.

    Raises:
        TypeError: ``run`` is not a Run.
        ValueError: ``show`` names a panel there is not.

    Example:
        >>> kcb.Board(monitor.run, show=["chart"])  # just the curves
    """

    _esm = STATIC / "board.js"
    _css = STATIC / "board.css"

    board_id = traitlets.Unicode().tag(sync=True)
    show = traitlets.List(traitlets.Unicode()).tag(sync=True)
    state = traitlets.Dict().tag(sync=True)
    controls = traitlets.List().tag(sync=True)
    events = traitlets.List().tag(sync=True)
    callbacks = traitlets.List().tag(sync=True)
    hooks = traitlets.Dict().tag(sync=True)
    series = traitlets.Bytes().tag(sync=True)

    _unsubscribe: Callable[[], None] | None = None
    _unsubscribe_newest: Callable[[], None] = staticmethod(lambda: None)
    _looks_back = False  # at a fit before the newest, as somebody asked for

    def __init__(self, run: Record, show: Sequence[str] | None = None) -> None:
        if not isinstance(run, Record):
            msg = f"run must be a Run, like monitor.run. Received: {run!r}"
            raise TypeError(msg)
        panels = list(PANELS if show is None else show)
        unknown = [panel for panel in panels if panel not in PANELS]
        if unknown or isinstance(show, str):
            msg = f"show must be a list of {', '.join(PANELS)}. Received: {show!r}"
            raise ValueError(msg)
        self._views: dict[str, tuple[float, int]] = {}
        self._windows: dict[str, dict[str, Any]] = {}
        self._sent_times, self._arriving = SentTimes(), threading.local()
        self._sender = Sender(lambda: self._send_changes(), lambda error: self._run.failed("board", error))
        self._sent_rows: Any = None
        self._sent_events: Any = None
        self._sent_controls: Any = None
        self._sent_cards: Any = None
        self._lazy_panels = LazyPanels(lambda *message: self.send(*message))
        self._path: wire.MessagePath = ""
        self._refusals = 0
        self._blind_at = 0.0
        self._blind_sent = 0
        self._told_alarm: Any = ("", False, [])
        super().__init__(board_id=uuid.uuid4().hex[:16], show=panels)
        self._output = Output(self)
        kernel.own(self.comm.comm_id if self.comm is not None else "")
        self.on_msg(self._receive)
        self._follow(run)

    @property
    def run(self) -> Record:
        """The run on the board."""
        return self._run

    @run.setter
    def run(self, run: Record) -> None:
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._follow(run)

    @property
    def newest(self) -> Record:
        """The run of the fit that began last, of those that belong together with the one on the board."""
        group = self._run.group
        return self._run if group is None else group.newest or self._run

    def follow(self, run: Record) -> None:
        """Another fit began that belongs with the one on the board. A person who looks at an earlier one goes on to."""
        if self._looks_back:
            self._listen_to_newest()
            self._sender.push()
        else:
            self.run = run

    def _look_at(self, identity: object) -> None:
        """Show another fit of the group."""
        group = self._run.group
        for run in [] if group is None else group.runs:
            if run.id == identity and run is not self._run:
                self.run = run
                self._looks_back = run is not self.newest

    def _listen_to_newest(self) -> None:
        """While an earlier fit is on the board, the one that trains has news of their group."""
        self._unsubscribe_newest()
        newest = self.newest
        self._unsubscribe_newest = lambda: None
        if newest is not self._run:
            self._unsubscribe_newest = newest.subscribe(lambda _: self._show_run(self._run), lambda: self.attended)

    def _follow(self, run: Record) -> None:
        self._run, self._looks_back = run, False
        self._listen_to_newest()
        self._picture, self._pump = SeriesEncoder(run), kernel.pump()
        self._sent_rows = self._sent_events = self._sent_controls = self._sent_cards = None
        self._unsubscribe = run.subscribe(self._show_run, lambda: self.attended)
        self._sender.push()

    # -- down: what the browser draws -------------------------------------------------------------------------------

    @property
    def attended(self) -> bool:
        """Whether a view was heard of in the last seconds. With none, nothing is sent: servers would pile it up."""
        now, stall = time.monotonic(), self._run.stalled
        deaf = 0.0 if stall is None else stall["seconds"]  # messages come in between batches, and there is none now
        return any(now - seen < PRESENT + deaf for seen, _ in list(self._views.values()))

    def _show_run(self, run: Record) -> None:
        """The run has news. Called on a thread that only shows, or on the one that ended the fit."""
        try:
            if run.over:
                self._sender.push()
                if self.newest.over:
                    self._output.settle(run)
            elif self.attended or self._blind() or self._alarming():
                self._sender.push()
        except Exception as error:  # it must not take other boards with it
            run.failed("board", error)

    def _alarming(self) -> bool:
        """Whether something went wrong, or is right again: a page in the background may still notify somebody."""
        wrong, stalled = self._run.not_finite, self._run.stalled
        alarm = (wrong["name"] if wrong else "", stalled is not None, [each["name"] for each in self._run.alerts])
        told, self._told_alarm = self._told_alarm, alarm
        return alarm != told and self._output.hosts != set()

    def _blind(self) -> bool:
        """Where no message comes in while a cell runs nobody can say they look: then draw seldom, and ever more so."""
        now = time.monotonic()
        live = not kernel.notebook() or kernel.pump().available
        if live or self._path == "subshell" or now < self._blind_at:
            return False
        self._blind_sent += 1
        self._blind_at = now + (1.0 if self._blind_sent < 300 else 10.0)
        return True

    def _send_changes(self) -> None:
        """One message with all that changed."""
        run = self._run
        state = payload.state(run)
        pump = self._pump
        state["heard"] = {view: seq for view, (_, seq) in list(self._views.items())}
        state["path"] = self._path
        state["pump"] = {"ok": pump.available, "reason": pump.reason}
        tables = (run.batch_table, run.epoch_table, run.value_table, run.evaluation_table)
        marks = (len(run.nonfinite), len(run.branches), id(run.plan), run.id, self._picture.baseline_mark)
        rows = (*(table.rows for table in tables), *marks)
        news, controls, cards = (run.id, len(run.events_list)), run.controls, run.cards
        with self.hold_sync():
            self.state = payload.clean(state)
            if news != self._sent_events:
                self.events = payload.events(run)
            if controls is not self._sent_controls:  # a list is replaced, never changed
                self.controls = payload.controls(run)
            if cards is not self._sent_cards:
                self.callbacks = payload.clean(cards)
            self.hooks = payload.clean(run.hooks.describe(run.batch_table.rows))
            if rows != self._sent_rows:
                self.series = self._picture.whole()
        self._sent_rows, self._sent_events, self._sent_controls, self._sent_cards = rows, news, controls, cards
        self._answer_windows()
        self._lazy_panels.answer(run)

    def _answer_windows(self) -> None:
        while self._windows:
            view, ask = self._windows.popitem()
            raw = self._picture.window(ask["first"], ask["last"], ask["points"])
            reply: wire.WindowReply = {"kind": "window", "view": view, "request": ask["request"]}
            self.send(reply, [raw])

    # -- up: what people ask for ------------------------------------------------------------------------------------

    def _handle_msg(self, msg: Any) -> None:
        """A message of any kind, with its header, which ipywidgets hands to nobody."""
        self._arriving.header = msg.get("header") if isinstance(msg, dict) else None
        try:
            super()._handle_msg(msg)
        finally:
            self._arriving.header = None

    def _receive(self, _widget: Any, content: Any, _buffers: Any) -> None:
        """A message from a view; comes on the main thread (between batches, or idle) or on a subshell's."""
        if not isinstance(content, dict):
            return
        self._path = kernel.arrival()
        kind = content.get("kind")
        view = commands.text(content.get("view"))
        sent = self._sent_times.of(getattr(self._arriving, "header", None), hello=kind == "hello")
        if kind == "hello" and view:
            self._hello(view, content)
        elif kind == "bye":
            self._views.pop(view, None)
        elif kind == "command":
            self._command(content, sent)
        elif kind == "window" and view:
            self._window(view, content)
        elif kind == "look":
            self._look_at(content.get("run"))
        elif kind in ("fits", "classes", "module") and view:
            self._lazy_panels.ask(view, content, self._run)
            self._run.refresh_requested = True
        if self._run.over or self._run.status == "waiting":  # nobody trains: no thread will push it for us
            self._show_run(self._run)

    def _hello(self, view: str, content: dict[str, Any]) -> None:
        seq = content.get("seq")
        if not isinstance(seq, int) or isinstance(seq, bool) or abs(seq) > 2**53:
            return
        self._run.refresh_requested = self._run.refresh_requested or not self.attended  # the first view
        self._views[view] = (time.monotonic(), seq)
        while len(self._views) > MAX_VIEWS:  # messages come on several threads
            self._views.pop(min(list(self._views.items()), key=lambda item: item[1][0])[0], None)
        host = content.get("host")
        if host in HOSTS:
            self._output.heard(host)
        global _latest
        _latest = (host if host in HOSTS else "", time.monotonic())

    def _command(self, content: dict[str, Any], sent: float) -> None:
        run, inbox = self._run, self._run.inbox  # the fit may end meanwhile, on its thread
        try:
            command = commands.parse(content, sent)
        except (TypeError, ValueError) as error:
            self._refuse(content, str(error))
            return
        if content.get("run") != run.id:
            self._refuse(content, "it was meant for an earlier run")
        elif run.over and command.name == "rollback" and run.restorer is not None:
            run.restorer.put(command)
        elif run.over or inbox is None:
            self._refuse(content, payload.OVER)
        elif command.name not in commands.VERBS and all(command.name != one["name"] for one in run.controls):
            self._refuse(content, "there is no control of this name")
        else:
            inbox.put(command)
            if run.over and inbox.take_back(command):  # it ended in between: the next fit must not be given this
                self._refuse(content, "training ended first")

    def _refuse(self, content: dict[str, Any], reason: str) -> None:
        self._refusals += 1
        if self._refusals > MAX_REFUSALS:
            return
        run, name = self._run, commands.text(content.get("name"))
        run.add_event("refused", name, source="board", message=reason)
        run.command_results.append(
            {"id": commands.text(content.get("id")), "name": name, "status": "refused", "step": None, "message": reason}
        )

    def _window(self, view: str, content: dict[str, Any]) -> None:
        first, last, points, request = (content.get(key) for key in ("first", "last", "points", "request"))
        numbers = [x for x in (first, last, points, request) if isinstance(x, (int, float)) and abs(x) < 2**53]
        if len(numbers) < 4 or content.get("run") != self._run.id or len(self._windows) >= MAX_VIEWS:
            return
        points = max(2, min(MAX_POINTS, int(numbers[2])))
        self._windows[view] = {"first": numbers[0], "last": numbers[1], "points": points, "request": int(numbers[3])}
        self._run.refresh_requested = True

    # -- where it is shown ------------------------------------------------------------------------------------------

    def display(self) -> None:
        """Show the board under the running cell."""
        self._output.show(self._run)

    @property
    def cleared_here(self) -> bool:
        """Whether the running cell showed the board, and ``clear_output()`` took it away."""
        return self._output.cleared_here

    def _ipython_display_(self, **_kwargs: Any) -> None:
        self.display()

    def live_bundle(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """The widget's own MIME bundle."""
        data, metadata = super()._repr_mimebundle_() or ({}, {})
        return dict(data), dict(metadata)

    def close(self) -> None:
        """Take the board away everywhere; the run goes on."""
        if self._unsubscribe is not None:
            self._unsubscribe()
        self._unsubscribe_newest()
        if self.comm is not None:
            kernel.disown(self.comm.comm_id)
        super().close()

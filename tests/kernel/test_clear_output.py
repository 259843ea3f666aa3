"""``clear_output()`` between two fits of one cell, in a real kernel: the board comes back with the next fit."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import kernels
import pytest
from kernels import LiveKernel

SETUP = """
from IPython.display import clear_output, display
import ipywidgets
import kcb_widgets as kcb
from kcb_widgets.panels.display import Showing

class Fits:
    def __init__(self):
        self.showing = Showing(None)
        self.runs = []
    def fit(self):
        # As a Monitor does when a fit begins, and when it ends.
        self.runs.append(kcb.Run(len(self.runs) + 1))
        self.showing.open(self.runs[-1])
        self.runs[-1].finish("finished")
        self.runs[-1].changed()

fits = Fits()
"""
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module", params=kernels.versions())
def running(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LiveKernel]:
    with kernels.start(str(request.param), tmp_path_factory.mktemp("kernel")) as live:
        yield live


@pytest.fixture
def live(running: LiveKernel) -> LiveKernel:
    running.published.clear()
    running.run(SETUP)
    return running


def outputs(live: LiveKernel, code: str) -> list[tuple[str, str]]:
    """What a cell did to its outputs, in order; each with the ``display_id`` of what it shows or updates."""
    request = live.client.execute(code)
    content = live.reply(request)["content"]
    assert content["status"] == "ok", content
    said = []
    for message in live.published:
        kind, content = message["msg_type"], message["content"]
        if message["parent_header"].get("msg_id") != request or kind not in ("clear_output", "display_data", UPDATE):
            continue
        what = {"clear_output": "clear", UPDATE: "update"}.get(kind, "")
        identity = content.get("transient", {}).get("display_id", "")
        said.append((what or ("board" if WIDGET in content["data"] else "picture"), identity))
    return said


UPDATE = "update_display_data"


def names(said: list[tuple[str, str]]) -> list[str]:
    return [what for what, _ in said]


def shown_and_updated(said: list[tuple[str, str]]) -> tuple[list[Any], list[Any]]:
    """The ids of what stands there at the cell's end, and of what was updated."""
    cleared = max((i for i, (what, _) in enumerate(said) if what == "clear"), default=-1)
    there = [identity for what, identity in said[cleared + 1 :] if what in ("board", "picture")]
    return sorted(there), sorted({identity for what, identity in said if what == "update"})


def test_several_fits_in_a_cell_share_a_board(live: LiveKernel) -> None:
    said = outputs(live, "fits.fit(); fits.fit(); fits.fit()")
    assert names(said) == ["board", "picture", "update", "update"]


@pytest.mark.parametrize("clear", ["clear_output()", "clear_output(wait=True)", "clear_output(True); print('next')"])
def test_a_board_that_was_cleared_comes_back_with_the_next_fit(live: LiveKernel, clear: str) -> None:
    said = outputs(live, f"fits.fit()\n{clear}\nfits.fit(); fits.fit()")
    assert names(said)[:5] == ["board", "picture", "clear", "board", "picture"]
    assert "clear" not in names(said)[5:]
    there, updated = shown_and_updated(said)
    assert there == updated  # the picture is left where the board is, and what is gone is let be


def test_what_was_cleared_for_good_is_not_updated(live: LiveKernel) -> None:
    said = outputs(live, "fits.fit()\nclear_output()")
    assert names(said) == ["board", "picture", "clear"]


def test_clearing_an_output_widget_takes_no_board_away(live: LiveKernel) -> None:
    live.run("out = ipywidgets.Output()")
    code = "display(out)\nfits.fit()\nout.clear_output()\nwith out:\n    clear_output()\nfits.fit()"
    assert names(outputs(live, code)).count("board") == 1 + 1  # the output widget is a widget too


def test_a_board_in_an_output_widget_comes_back_in_it(live: LiveKernel) -> None:
    live.run("out = ipywidgets.Output()")
    code = "with out:\n    fits.fit()\n    clear_output()\n    fits.fit()"
    assert names(outputs(live, code)).count("board") == 2


def test_another_cell_may_clear_its_own(live: LiveKernel) -> None:
    outputs(live, "fits.fit()")
    assert names(outputs(live, "clear_output()\nfits.fit()")) == ["clear", "board", "picture", "update", "update"]


def test_who_is_called_back_is_not_kept_for_it(live: LiveKernel) -> None:
    live.run(
        "import gc, weakref\nfrom kcb_widgets import kernel\nclass Watcher:\n    def cleared(self, place): pass\n"
        "watcher = Watcher(); kernel.on_clear_output(watcher.cleared); gone = weakref.ref(watcher); del watcher"
    )
    assert live.run("gc.collect(); clear_output(); print(gone())").strip() == "None"

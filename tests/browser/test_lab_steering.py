"""Steering in a real JupyterLab: pause, change, step, roll back by clicking a marker, resume; proved by the weights."""

from __future__ import annotations

import itertools
import json
from typing import Any

import pytest
from product import FACTS, MODEL, board, facts, open_tab, paused_step, start_fit, step

OWN = """
pressed = []
monitor.add_button("note the step", lambda: pressed.append(monitor.run.step))
monitor.add_control("temperature", 1.0, min=0.1, max=10, log=True)
"""
SEEN = "import json; print(json.dumps([pressed, monitor.values['temperature'], monitor.run.status]))"


def test_pause_change_step_roll_back_by_a_marker_and_resume(open_notebook: Any) -> None:
    notebook = open_notebook(MODEL, "fit(batches=5000, epochs=100)", FACTS)
    view = start_fit(notebook)
    view.get_by_role("button", name="Pause").click()
    first = paused_step(view)

    field = view.get_by_role("textbox", name="learning_rate")
    field.fill("0.25")
    field.press("Enter")
    view.locator('.kcb-outcome[data-phase="applied"]', has_text=f"step {first}").first.wait_for()
    assert step(view, 3, first) == first + 3

    view.get_by_role("button", name="Snapshot", exact=True).click()
    open_tab(view, "chart")
    marker = view.get_by_role("button", name=f"snapshot at step {first + 3}")
    marker.wait_for()
    assert step(view, 4, first + 3) == first + 7
    open_tab(view, "chart")
    marker.click()
    confirm = view.locator(".kcb-confirm")
    confirm.get_by_role("button", name="Roll back").click()
    open_tab(view, "events")
    view.locator(".kcb-events", has_text="rolled back").wait_for()
    assert paused_step(view) == first + 7
    view.get_by_role("button", name="Resume").click()
    board(notebook, status="running")
    view.get_by_role("button", name="Stop", exact=True).click()
    notebook.wait_idle()

    after = facts(notebook)
    weights = after["weights"]
    moves = [old - new for old, new in itertools.pairwise(weights)]
    assert moves[first - 1] == pytest.approx(0.01, rel=0.01)
    assert moves[first : first + 7] == pytest.approx([0.25] * 7, rel=1e-3)
    assert weights[first + 8] == pytest.approx(weights[first + 4], rel=1e-6), "one step on from the snapshot"
    assert moves[first + 8 :] == pytest.approx([0.25] * len(moves[first + 8 :]), rel=1e-2)
    assert after["status"] == "stopped"
    wanted = ["paused", "applied", "resumed", "paused", "snapshot", "resumed", "paused", "rollback", "resumed", "stop"]
    assert [event[0] for event in after["events"] if event[0] in wanted] == wanted
    assert {event[5] for event in after["events"] if event[0] in ("applied", "snapshot", "rollback")} == {"board"}


def test_own_buttons_and_controls_on_the_board(open_notebook: Any) -> None:
    notebook = open_notebook(MODEL + OWN, "fit(batches=5000, epochs=100)", SEEN)
    view = start_fit(notebook)
    view.get_by_role("button", name="note the step").click()
    field = view.get_by_role("textbox", name="temperature")
    field.fill("2.5")
    field.press("Enter")
    view.locator('.kcb-outcome[data-phase="applied"]').first.wait_for()
    view.get_by_role("button", name="Stop", exact=True).click()
    notebook.wait_idle()
    notebook.run(2)
    notebook.wait(2)
    pressed, temperature, status = json.loads(notebook.text(2))
    assert len(pressed) == 1
    assert temperature == 2.5
    assert status == "stopped"

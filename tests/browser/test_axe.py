"""The whole board through axe-core, the checker that accessibility people use: every panel open, both themes."""

# ruff: noqa: F401, F811 - fixtures are asked for by name
from __future__ import annotations

import pytest
from accessibility import violations
from cards import CUTTING, STEERED, STOPPING
from host import bundle, card, control, each_tab, host, make_host, plain_page, run_picture, state

pytestmark = pytest.mark.browser
EVENTS = [
    {"step": 3, "kind": "applied", "name": "learning_rate", "old": 1, "new": 2, "source": "board"},
    {"step": 9, "kind": "nan", "name": "loss", "new": "nan", "source": "keras", "message": "loss is no longer finite"},
    {"step": 12, "kind": "refused", "name": "epochs", "source": "board", "message": "no"},
]
SNAPSHOT = {"id": "1", "step": 120, "epoch": 1, "seconds": 3.0, "kind": "manual", "metric": "", "value": None}
HOOKS = {
    "rows": [{"name": "on_epoch_end", "phase": "train", "count": 3, "keys": ["loss"], "seconds": 0.01}],
    "trace": ["on_train_begin", "on_epoch_begin"],
    "epoch": {"total": 2.0, "parts": [{"name": "step", "seconds": 1.5}, {"name": "other", "seconds": 0.5}]},
    "bound": "input-bound: 40 % of the epoch was spent waiting for data",
}


def show(host, theme, **now):
    page = host.page
    page.evaluate("(light) => { document.body.dataset.jpThemeLight = light; }", str(theme == "light").lower())
    page.evaluate("(color) => { document.body.style.background = color; }", "white" if theme == "light" else "#111111")
    host.now = state(
        buttons=[{"name": "find mistakes"}], snapshots=[{**SNAPSHOT, "bytes": 10**6}], snapshot_bytes=10**6, **now
    )
    own = control(0.2, name="noise", group="user", section="")
    flag = control(False, name="flip", group="user", section="", kind="flag")
    host.controls = [
        *STEERED,
        control(0.3, name="dropout.rate", label="rate", group="layers", section="dropout"),
        own,
        flag,
    ]
    host.callbacks, host.hooks = [STOPPING, CUTTING, card("CSVLogger")], HOOKS
    host.start(series=run_picture(200), events=EVENTS)
    host.answer_hello()
    page.wait_for_function("document.querySelectorAll('.kcb-plot canvas').length >= 3")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("status", ["running", "paused", "finished", "failed"])
def test_axe_finds_nothing(host, theme, status):
    show(host, theme, status=status, message="a message")
    for tab in each_tab(host):
        closed = host.page.locator(".kcb-board .kcb-fold:not([open]) > summary:visible")
        while closed.count():
            closed.first.click()
        assert violations(host.page) == [], tab


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_what_opens(host, theme):
    show(host, theme)
    page = host.page
    for menu in ("stop options", "save what is shown", "loss plot"):
        page.locator(f"summary[aria-label='{menu}']").click()
        page.locator(".kcb-menu[open] .kcb-menu-body").get_by_role("button").first.wait_for()
        assert violations(page) == [], menu
        page.keyboard.press("Escape")
    page.locator(".kcb-mark").first.click()
    page.locator(".kcb-confirm:visible").wait_for()
    page.get_by_role("button", name="x2").click()
    command = host.wait_sent("command")[0]
    host.state(commands=[{"id": command["id"], "status": "refused", "message": "no"}])
    page.locator(".kcb-outcome", has_text="refused: no").wait_for()
    assert violations(page) == []


def test_axe_finds_nothing_in_the_note_of_a_board_without_a_place(make_host):
    host = make_host(clock=True)
    host.page.evaluate("document.body.dataset.notebook = 'yes'")
    host.start(mount=False)
    host.page.clock.run_for(6_000)
    host.page.locator(".kcb-unseen").wait_for()
    assert violations(host.page, ".kcb-unseen", 5) == []

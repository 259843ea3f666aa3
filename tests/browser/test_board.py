"""The board's browser half, from the built bundle, in Chromium under a stub of anywidget's front end."""

# ruff: noqa: F401, F811 - fixtures are asked for by name
from __future__ import annotations

import re

import numpy as np
import pytest
from host import (
    CONTRASTS,
    STATIC,
    box,
    bundle,
    control,
    drag_zoom,
    each_tab,
    encode,
    field,
    hide,
    host,
    make_host,
    open_tab,
    pixels,
    plain_page,
    run_picture,
    series,
    slider,
    state,
    text,
    value_of,
    wait_pixels,
    wait_text,
    wait_value,
)

pytestmark = pytest.mark.browser

# Counts what a page holds on to, so that a board that went away can be seen to have let go of everything.
HOLDS = """
window.holds = { timers: new Set(), listeners: 0, observers: new Set() };
for (const kind of ["Timeout", "Interval"]) {
  const set = window["set" + kind], clear = window["clear" + kind];
  window["set" + kind] = (fn, ms) => {
    const id = set(() => { if (kind === "Timeout") holds.timers.delete(id); fn(); }, ms);
    holds.timers.add(id);
    return id;
  };
  window["clear" + kind] = (id) => { holds.timers.delete(id); clear(id); };
}
for (const target of [window, document]) {
  const add = target.addEventListener, remove = target.removeEventListener;
  target.addEventListener = function (...args) { holds.listeners++; return add.apply(target, args); };
  target.removeEventListener = function (...args) { holds.listeners--; return remove.apply(target, args); };
}
for (const name of ["ResizeObserver", "IntersectionObserver", "MutationObserver"]) {
  const { observe, disconnect } = window[name].prototype;
  window[name].prototype.observe = function (...args) { holds.observers.add(this); return observe.apply(this, args); };
  window[name].prototype.disconnect = function () { holds.observers.delete(this); return disconnect.apply(this); };
}
"""

NONE = "\u2013"
BATCH = ".kcb-track .kcb-bar-text:last-child"


# -- the bundle --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("bundle")
def test_bundle_is_small_and_names_its_licence():
    code = (STATIC / "board.js").read_bytes()
    assert len(code) <= 140 * 1024
    assert b"uPlot 1.6.32, (c) Leon Sorokin, MIT" in code[:200]
    assert b"http" not in re.sub(rb"http://www\.w3\.org/2000/svg", b"", code)


# -- progress ----------------------------------------------------------------------------------------------------------


def test_progress_says_where_the_run_is(host):
    host.start(show=["progress"])
    page = host.page
    assert page.get_by_role("status").inner_text() == "running"
    epoch, batch = (page.get_by_role("progressbar", name=name) for name in ("epoch", "batch"))
    assert (epoch.get_attribute("aria-valuenow"), epoch.get_attribute("aria-valuemax")) == ("4", "20")
    assert (batch.get_attribute("aria-valuenow"), batch.get_attribute("aria-valuemax")) == ("45", "90")
    words = text(host, ".kcb-progress")
    for part in ("Run 1", "epoch 4/20", "batch 45/90", "0:12", "left", "5.20 ms/step"):
        assert part in words
    assert host.page.locator(".kcb-speed").get_attribute("title") == "6,100 samples/s"


def test_unknown_length_is_indeterminate(host):
    host.start(show=["progress"])
    host.state(batches=None, remaining=None, samples_per_second=None)
    wait_text(host, BATCH, "batch 45")
    batch = host.page.get_by_role("progressbar", name="batch")
    assert batch.get_attribute("aria-valuenow") is None
    assert host.page.locator(".kcb-speed").get_attribute("title") == "190 batches/s"


def test_validation_and_failure_are_shown(host):
    host.start(show=["progress"])
    host.state(phase="validate", test_batch=3, test_batches=10)
    wait_text(host, BATCH, "validating 3/10")
    host.state(status="failed", message="ValueError: <b>no</b>", phase="")
    wait_text(host, ".kcb-message", "ValueError: <b>no</b>")
    assert host.page.locator(".kcb-status[role=status]").inner_text() == "failed"


def test_live_region_changes_only_with_the_status(host):
    host.start(show=["progress"])
    host.page.evaluate(
        """() => { window.told = 0; new MutationObserver(() => window.told++).observe(
            document.querySelector("[role=status]"), { childList: true, characterData: true, subtree: true }); }"""
    )
    for batch in range(46, 60):
        host.state(batch=batch)
    wait_text(host, BATCH, "batch 59/90")
    assert host.page.evaluate("window.told") == 0
    host.state(status="stopping")
    host.page.wait_for_function("window.told === 1")


def test_news_write_into_the_texts_that_are_there_and_hide_nothing_anew(host):
    host.start(series=run_picture(300))
    host.page.wait_for_function("document.querySelectorAll('.kcb-marks').length === 3")  # all plots are drawn
    host.page.evaluate(
        """() => {
            const options = { childList: true, subtree: true, attributeFilter: ["hidden"] };
            const name = ({ type, target }) => `${type} ${target.className || target.parentElement.className}`;
            window.anew = [];
            const observer = new MutationObserver((all) => anew.push(...all.map(name)));
            observer.observe(document.querySelector(".kcb-board"), options);
        }"""
    )
    before = value_of(host, "loss", "val")
    for batch in range(46, 50):
        host.state(batch=batch)
        host.set(series=run_picture(300 + 100 * (batch - 45)))
    wait_text(host, BATCH, "batch 49/90")
    changed = "before => document.querySelector('[data-role=val] + .kcb-value').textContent !== before"
    host.page.wait_for_function(changed, arg=before)
    assert host.page.evaluate("anew") == []


def test_counts_of_tabs_change_with_messages_while_they_come_and_after_the_last(host):
    host.start(series=run_picture())
    drawn = host.page.evaluate(
        """async (state) => {
            const count = document.querySelector("[data-tab=snapshots] .kcb-count"), drawn = { within: 0, between: 0 };
            let last = count.textContent;
            const look = (where) => { drawn[where] += Number(count.textContent !== last); last = count.textContent; };
            for (let i = 1; i <= 30; i++) {
                look("between");
                const snapshots = Array.from({ length: i }, (_, id) => ({ id: String(id), step: id, epoch: 0 }));
                stub.set({ state: { ...state, snapshots } });
                look("within");
                await new Promise((done) => setTimeout(done, 50));
            }
            return drawn;
        }""",
        host.now,
    )
    assert drawn["between"] == 0
    assert 3 <= drawn["within"] < 15
    wait_text(host, "[data-tab=snapshots] .kcb-count", "30")


def test_elapsed_ticks_between_messages_and_stands_still_when_told(make_host):
    host = make_host(clock=True)
    host.start(show=["progress"])
    wait_text(host, ".kcb-elapsed", "0:12")
    host.page.clock.run_for(60_000)
    assert text(host, ".kcb-elapsed") == "1:12"
    host.state(ticking=False, elapsed=80.0)
    host.page.clock.run_for(60_000)
    assert text(host, ".kcb-elapsed") == "1:20"


# -- controls ----------------------------------------------------------------------------------------------------------


def test_dragging_is_throttled_and_the_last_value_is_sent(host):
    host.start(show=["controls"])
    area = slider(host).bounding_box()
    mouse, y = host.page.mouse, area["y"] + area["height"] / 2
    mouse.move(area["x"] + area["width"] / 2, y)
    mouse.down()
    for i in range(60):
        mouse.move(area["x"] + area["width"] * (0.5 + i / 150), y)
    mouse.up()
    final = 10 ** float(slider(host).input_value())
    host.page.wait_for_function(
        "(v) => Math.abs(Math.log10(stub.sent.findLast((m) => m.kind === 'command').value / v)) < 0.006", arg=final
    )
    commands = host.sent("command", name="learning_rate", run="ab12cd34")
    times = [c["at"] for c in commands]
    between = np.diff(times)
    # Letting go sends at once what is left; all before that keep their distance.
    assert (between[:-1] >= 49).all()
    assert 2 <= len(commands) <= (times[-1] - times[0]) / 49 + 2
    assert len({c["id"] for c in commands}) == len(commands)


def test_requested_becomes_applied_only_when_python_says_so(host):
    host.start(show=["controls"])
    field(host).fill("1e-2")
    field(host).press("Enter")
    (command,) = host.wait_sent("command")
    assert (command["name"], command["value"]) == ("learning_rate", 0.01)
    wait_text(host, ".kcb-outcome", "requested 0.01")
    host.state(batch=46)  # other news do not settle it
    wait_text(host, ".kcb-outcome", "requested 0.01")
    answer = {"id": command["id"], "name": "learning_rate", "value": 0.01, "status": "applied", "step": 123}
    host.state(commands=[{**answer, "message": ""}], controls=[control(0.01)])
    wait_text(host, ".kcb-outcome", "applied at step 123")
    assert field(host).input_value() == "0.01"


def test_refused_shows_why_and_goes_back_to_pythons_value(host):
    host.start(show=["controls"])
    field(host).fill("-1")
    field(host).press("Enter")
    (command,) = host.wait_sent("command")
    assert command["value"] == -1
    refusal = {"id": command["id"], "status": "refused", "step": None, "message": "must be at least 0"}
    host.state(commands=[refusal])
    wait_text(host, ".kcb-outcome", "refused: must be at least 0")
    assert field(host).input_value() == "0.001"
    assert float(slider(host).input_value()) == pytest.approx(-3)


def test_a_superseded_command_settles_with_the_newer(host):
    host.start(show=["controls"])
    host.page.get_by_role("button", name="x10").click()
    host.page.get_by_role("button", name="x2").click()
    first, second = host.wait_sent("command", 2)
    assert (first["value"], second["value"]) == (0.01, 0.02)  # each builds on what was requested
    host.state(commands=[{"id": first["id"], "status": "applied", "step": 5, "message": ""}])
    wait_text(host, ".kcb-outcome", "requested 0.02")
    host.state(commands=[{"id": second["id"], "status": "applied", "step": 6, "message": ""}], controls=[control(0.02)])
    wait_text(host, ".kcb-outcome", "applied at step 6")


def test_buttons_multiply_and_divide(host):
    host.start(show=["controls"])
    for name, expected in (("/10", 1e-4), ("/2", 5e-5), ("x2", 1e-4), ("x10", 1e-3)):
        host.page.get_by_role("button", name=name, exact=True).click()
        assert host.sent("command")[-1]["value"] == expected


def test_number_field_takes_what_people_type(host):
    host.start(show=["controls"])
    field(host).fill("0,05")
    field(host).blur()
    assert host.wait_sent("command")[0]["value"] == 0.05
    field(host).fill("7")
    field(host).press("Escape")
    assert field(host).input_value() == "0.05"
    field(host).fill("fast")
    field(host).press("Enter")
    wait_text(host, ".kcb-outcome", "“fast” is not a number")
    assert len(host.sent("command")) == 1


def test_typing_and_holding_are_not_disturbed(host):
    host.start(show=["controls"])
    field(host).press("End")
    host.page.keyboard.type("9")
    host.state(controls=[control(0.5)])
    assert field(host).input_value() == "0.0019"
    field(host).press("Escape")
    assert field(host).input_value() == "0.5"
    area = slider(host).bounding_box()
    host.page.mouse.move(area["x"] + 20, area["y"] + area["height"] / 2)
    host.page.mouse.down()
    held = slider(host).input_value()
    host.state(controls=[control(0.02)], batch=50)
    assert slider(host).input_value() == held
    host.page.mouse.up()


def test_python_changes_move_the_slider_and_widen_its_range(host):
    host.start(show=["controls"])
    assert (slider(host).get_attribute("min"), slider(host).get_attribute("max")) == ("-5", "-1")
    host.state(controls=[control(3.0)])
    host.page.wait_for_function("Number(document.querySelector('.kcb-steering .kcb-slider').max) > 1")
    assert float(slider(host).input_value()) == pytest.approx(np.log10(3), abs=0.006)
    assert slider(host).get_attribute("aria-valuetext") == "3"


def test_zero_and_none_can_be_shown(host):
    host.controls = [control(0.0)]
    host.start(show=["controls"])
    assert field(host).input_value() == "0"
    assert host.page.get_by_role("button", name="x10").is_disabled()
    slider(host).focus()
    host.page.keyboard.press("ArrowRight")
    assert host.wait_sent("command")[0]["value"] == pytest.approx(1e-5, rel=0.05)
    host.state(controls=[control(None, enabled=False, reason="the optimizer has a schedule")], commands=[], run="next")
    wait_text(host, ".kcb-outcome", "the optimizer has a schedule")
    assert field(host).input_value() == ""
    assert field(host).is_disabled()
    assert slider(host).is_disabled()


def test_stop_asks_nothing_and_says_what_goes_on(host):
    host.start(show=["progress", "controls"])
    host.page.get_by_role("button", name="Stop").click()
    (command,) = host.wait_sent("command")
    assert (command["name"], command["value"]) == ("stop", None)
    button = host.page.get_by_role("button", name="Stopping…")
    assert button.is_disabled()
    host.state(status="stopping", message="the epoch's validation still runs")
    wait_text(host, ".kcb-note", "the epoch's validation still runs")
    host.state(status="stopped", message="", ticking=False)
    host.page.wait_for_function("document.querySelector('.kcb-stop').textContent === 'Stop'")
    assert host.page.get_by_role("button", name="Stop").is_disabled()
    assert field(host).is_disabled()


def test_a_command_that_met_the_end_of_the_run_is_not_left_open(host):
    host.start(show=["controls"])
    host.page.get_by_role("button", name="x2").click()
    host.state(status="finished")
    wait_text(host, ".kcb-outcome", "not applied: the run is over")
    assert field(host).input_value() == "0.001"
    wait_text(host, ".kcb-badge", "run is over")


# -- heartbeat ---------------------------------------------------------------------------------------------------------


def test_badge_is_live_once_a_hello_is_answered(host):
    host.start(show=["controls"])
    assert text(host, ".kcb-badge") == "checking…"
    (hello,) = host.sent("hello")
    assert hello.keys() >= {"view", "seq", "visible", "width", "host"}
    assert (hello["seq"], hello["visible"], hello["host"]) == (1, True, "other")
    assert 500 < hello["width"] < 900
    host.answer_hello()
    wait_text(host, ".kcb-badge", "live")
    title = host.page.locator(".kcb-badge").get_attribute("title")
    assert re.fullmatch(r"live: messages arrive between batches; answered in [\d.]+ m?s", title)


def test_badge_is_queued_when_nobody_answers(make_host):
    host = make_host(clock=True)
    host.start(show=["controls"])
    host.page.clock.run_for(2500)
    assert text(host, ".kcb-badge") == "checking…"
    host.page.clock.run_for(1500)
    assert text(host, ".kcb-badge") == "queued until the cell ends"
    host.answer_hello()
    wait_text(host, ".kcb-badge", "live")


def test_badge_is_patient_with_slow_steps_and_with_compiling(make_host):
    host = make_host(clock=True)
    host.now = state(status="compiling", ms_per_step=None)
    host.start(show=["controls"])
    host.page.clock.run_for(20_000)
    assert text(host, ".kcb-badge") == "checking…"
    host.state(status="running", ms_per_step=10_000)
    host.page.clock.run_for(1000)
    assert text(host, ".kcb-badge") == "checking…"
    host.page.clock.run_for(12_000)
    assert text(host, ".kcb-badge") == "queued until the cell ends"


def test_badge_is_read_only_when_the_connection_goes(make_host):
    host = make_host(clock=True)
    host.start(show=["controls"])
    host.answer_hello()
    wait_text(host, ".kcb-badge", "live")
    host.page.evaluate("stub.trigger('comm_live_update')")  # the kernel was restarted, or is back: nobody says which
    host.page.clock.run_for(4500)
    assert text(host, ".kcb-badge") == "read-only"
    host.answer_hello()
    wait_text(host, ".kcb-badge", "live")
    host.page.evaluate("stub.trigger('destroy')")
    wait_text(host, ".kcb-badge", "read-only")
    assert field(host).is_disabled()
    before = len(host.page.evaluate("stub.sent"))
    host.page.clock.run_for(10_000)
    assert len(host.page.evaluate("stub.sent")) == before


def test_hellos_go_on_while_somebody_can_see(make_host):
    host = make_host(clock=True)
    host.start(show=["progress"])
    host.page.clock.run_for(8500)
    assert [m["seq"] for m in host.sent("hello")] == [1, 2, 3]
    hide(host, True)
    assert len(host.sent("bye")) == 1
    host.page.clock.run_for(20_000)
    assert len(host.sent("hello")) == 3
    hide(host, False)
    assert len(host.sent("hello")) == 4


# -- chart -------------------------------------------------------------------------------------------------------------


def test_curves_are_drawn_when_the_picture_comes_and_grow_with_it(host):
    host.start(show=["chart"])
    assert host.page.get_by_text("The curves begin with the first batch.").is_visible()
    host.set(series=run_picture(100))
    wait_pixels(host, "loss", "--kcb-train", 200)
    wait_pixels(host, "accuracy", "--kcb-train", 200)
    wait_pixels(host, "learning_rate", "--kcb-control", 200)
    assert pixels(host, "loss", "--kcb-val") < 60  # one validation point
    host.set(series=run_picture(400))
    wait_pixels(host, "loss", "--kcb-val", 150)
    groups = host.page.eval_on_selector_all(".kcb-plot", "(all) => all.map((one) => one.dataset.group)")
    assert groups == ["loss", "accuracy", "learning_rate"]


def test_plots_follow_the_width_of_the_board(host):
    host.start(show=["chart"], series=run_picture())
    wait_pixels(host, "loss", "--kcb-train", 200)
    wide = box(host, "learning_rate")["width"]
    host.page.set_viewport_size({"width": 420, "height": 800})
    host.page.wait_for_function(
        "(w) => document.querySelector('[data-group=learning_rate] .u-over').clientWidth < 0.95 * w", arg=wide
    )
    board = host.page.locator(".kcb-board").bounding_box()
    for group in ("loss", "accuracy", "learning_rate"):
        area = box(host, group)
        assert area["x"] + area["width"] <= board["x"] + board["width"]


def test_gaps_stay_empty_and_are_marked(host):
    host.start(show=["chart"], series=run_picture(hole=range(230, 280)))
    wait_pixels(host, "loss", "--kcb-bad", 30, y=[0.75, 1])
    area, canvas = box(host, "loss"), host.page.locator("[data-group=loss] canvas").bounding_box()
    middle = (area["x"] - canvas["x"] + area["width"] * 0.636) / canvas["width"]
    assert pixels(host, "loss", "--kcb-train", x=[middle - 0.03, middle + 0.03]) == 0
    assert pixels(host, "accuracy", "--kcb-bad") == 0


def test_smoothing_knows_how_many_rows_a_bucket_holds(host):
    rng = np.random.default_rng(1)
    rows = rng.random(1000) + 1
    means = rows.reshape(-1, 8).mean(axis=1)
    end = np.arange(8, 1001, 8)
    one = series("loss", "train", means, min=means - 0.1, max=means + 0.1, order=np.ones(125))
    table = {"name": "batches", "step": end - 7, "end": end, "per_bucket": 8, "rows": 1000, "series": [one]}
    host.start(show=["chart"], series=encode([table], last=1000))
    keep = 0.9 ** (8 * 400 / 1000)  # the same to the eye as in a run of 400 batches
    total = smooth = 0.0
    for mean in means.astype("float32").astype(float):
        smooth, total = keep * smooth + (1 - keep) * mean, keep * total + 1 - keep
    wait_value(host, "loss", "smooth", f"{smooth / total:.5f}")
    amount = host.page.get_by_role("slider", name="smoothing")
    amount.fill("0")
    wait_value(host, "loss", "smooth", f"{np.float32(means[-1]):.5f}")
    assert value_of(host, "loss", "raw") == f"{np.float32(means[-1]):.5f}"


def test_the_keyboard_moves_one_cursor_through_all_plots(host):
    host.start(show=["chart"], series=run_picture(20, per_epoch=10))
    wait_pixels(host, "loss", "--kcb-train", 100)
    host.page.locator("[data-group=loss] .kcb-canvas").focus()
    host.page.keyboard.press("Home")
    wait_text(host, ".kcb-place", "step 1 · epoch 0.10 · 0.01 s")
    assert value_of(host, "loss", "val") == NONE
    first = value_of(host, "accuracy", "raw")
    assert re.fullmatch(r"-?\d\.\d+", first)
    assert len(re.sub(r"\D", "", first).lstrip("0")) == 6
    for _ in range(9):
        host.page.keyboard.press("ArrowRight")
    wait_text(host, ".kcb-place", "step 10 · epoch 1.00 · 0.1 s")
    assert value_of(host, "loss", "val") != NONE
    places = host.page.eval_on_selector_all(".u-cursor-x", "(all) => all.map((one) => one.style.transform)")
    assert len(places) == 3
    assert all("translate(" in each and "-10px" not in each for each in places)
    host.page.keyboard.press("Escape")
    wait_text(host, ".kcb-place", "")


def test_events_are_marked_and_read_out_where_the_cursor_meets_them(host):
    event = {"step": 200, "epoch": 1, "time": 2.0, "kind": "applied", "name": "learning_rate"}
    event |= {"old": 0.001, "new": 0.01, "source": "board", "message": ""}
    other = event | {"step": 300, "kind": "changed", "source": "ReduceLROnPlateau"}
    host.start(show=["chart", "events"], series=run_picture(), events=[event, other])
    wait_pixels(host, "loss", "--kcb-event", 40)
    area = box(host, "loss")
    host.page.mouse.move(area["x"] + area["width"] * 0.5, area["y"] + 20)
    wait_text(host, ".kcb-place", "step 200 · learning_rate 0.001 → 0.01 · board")
    wait_text(host, "[data-tab=events] .kcb-count", "2")
    open_tab(host, "events")
    host.page.wait_for_function("document.querySelectorAll('.kcb-list li').length === 2")
    assert host.page.locator(".kcb-list li").all_inner_texts() == [
        "step 300 · learning_rate 0.001 → 0.01, changed by ReduceLROnPlateau",
        "step 200 · learning_rate 0.001 → 0.01 · board",
    ]


def test_legend_buttons_hide_and_show_curves(host):
    host.start(show=["chart"], series=run_picture())
    wait_pixels(host, "loss", "--kcb-val", 150)
    button = host.page.locator("[data-group=loss]").get_by_role("button", name="val_loss")
    assert button.get_attribute("aria-pressed") == "true"
    button.click()
    wait_pixels(host, "loss", "--kcb-val", 0, 0)
    assert button.get_attribute("aria-pressed") == "false"
    assert pixels(host, "accuracy", "--kcb-val") > 100
    button.click()
    wait_pixels(host, "loss", "--kcb-val", 150)


def test_log_axis_survives_values_without_a_logarithm(host):
    end = np.arange(1, 101)
    loss = np.where(end > 90, 0.0, 10.0 ** (-end / 20))
    table = {"name": "batches", "end": end, "series": [series("loss", "train", loss)]}
    host.start(show=["chart"], series=encode([table], last=100))
    wait_pixels(host, "loss", "--kcb-train", 100)
    assert pixels(host, "loss", "--kcb-train", x=[0.5, 0.75], y=[0.2, 0.7]) == 0
    button = host.page.get_by_role("button", name="log y")
    button.click()
    host.page.wait_for_function(
        "document.querySelector('.kcb-toolbar > .kcb-toggle').getAttribute('aria-pressed') === 'true'"
    )
    # A straight line down to the corner, where the linear axis has a flat tail.
    wait_pixels(host, "loss", "--kcb-train", 100, x=[0.5, 0.75], y=[0.2, 0.7])
    button.click()
    assert button.get_attribute("aria-pressed") == "false"


@pytest.mark.parametrize("mode", ["step", "epoch", "time"])
def test_zoom_asks_python_in_steps_whatever_the_axis(host, mode):
    host.start(show=["chart"], series=run_picture(400))
    wait_pixels(host, "loss", "--kcb-train", 200)
    host.page.get_by_role("combobox", name="x axis").select_option(mode)
    drag_zoom(host, left=0.25, right=0.5)
    (ask,) = host.wait_sent("window")
    assert (ask["run"], ask["view"]) == ("ab12cd34", host.sent("hello")[0]["view"])
    assert ask["first"] == pytest.approx(100, abs=4)
    assert ask["last"] == pytest.approx(200, abs=4)
    assert isinstance(ask["first"], int)
    assert 200 <= ask["points"] <= 1600


def coarse_and_fine():
    """One run of 1024 steps at 1: buckets of 64 rows, and its middle with a spike, row by row."""
    end = np.arange(64, 1025, 64)
    ones = np.ones(16)
    bounds = {"min": ones, "max": ones, "order": ones}
    coarse = {"name": "batches", "step": end - 63, "end": end, "per_bucket": 64, "rows": 1024}
    coarse["series"] = [series("loss", "train", ones, **bounds)]
    steps = np.arange(250, 520)
    rows = np.where(steps == 300, 7.0, 1.0)
    fine = {"name": "batches", "end": steps, "series": [series("loss", "train", rows)]}
    return encode([coarse], last=1024), encode([fine], last=1024)


def test_the_finer_picture_is_used_when_it_comes(host):
    whole, fine = coarse_and_fine()
    host.start(show=["chart"], series=whole)
    wait_pixels(host, "loss", "--kcb-train", 100)
    drag_zoom(host)
    (ask,) = host.wait_sent("window")
    wait_value(host, "loss", "raw", "1.00000")
    reply = {"kind": "window", "view": ask["view"], "request": ask["request"]}
    host.message({**reply, "request": ask["request"] - 1}, fine)  # an old answer is not for us
    host.message({**reply, "view": "another"}, fine)
    host.message(reply, b"\x01\x02")  # nor is a broken one the end
    host.message(reply, fine)
    canvas = host.page.locator("[data-group=loss] .kcb-canvas")
    canvas.focus()
    host.page.keyboard.press("Home")
    host.page.wait_for_function(
        """() => {
            const canvas = document.querySelector("[data-group=loss] .kcb-canvas");
            canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight", bubbles: true }));
            return document.querySelector("[data-role=raw] + .kcb-value").textContent === "7.00000";
        }"""
    )
    assert text(host, ".kcb-place").startswith("step 300 ")


def test_zoom_is_undone_by_double_click_and_by_its_button(host):
    host.start(show=["chart"], series=run_picture(400))
    wait_pixels(host, "loss", "--kcb-train", 200)
    reset = host.page.get_by_role("button", name="reset zoom")
    assert reset.is_disabled()
    drag_zoom(host, left=0.8, right=0.95)
    host.page.wait_for_function("!document.querySelector('.kcb-reset').disabled")
    area = box(host, "accuracy")
    host.page.mouse.dblclick(area["x"] + 60, area["y"] + 60)
    host.page.wait_for_function("document.querySelector('.kcb-reset').disabled")
    drag_zoom(host, left=0.8, right=0.95)
    host.page.wait_for_function("!document.querySelector('.kcb-reset').disabled")
    reset.click()
    host.page.wait_for_function("document.querySelector('.kcb-reset').disabled")


def test_live_updates_go_on_while_zoomed(host):
    host.start(show=["chart"], series=run_picture(300))
    wait_pixels(host, "loss", "--kcb-train", 200)
    drag_zoom(host, left=0.5, right=1.0)
    (ask,) = host.wait_sent("window")
    host.set(series=run_picture(400))
    assert not host.page.get_by_role("button", name="reset zoom").is_disabled()
    # Zoomed to steps that are all known: nothing to ask again, though the run has grown.
    host.page.locator("[data-group=loss] .kcb-canvas").focus()
    host.page.keyboard.press("-")
    second = host.wait_sent("window", 2)[1]
    assert second["request"] > ask["request"]
    assert second["last"] > ask["last"]


def test_a_new_run_starts_unzoomed(host):
    host.start(series=run_picture(400))
    wait_pixels(host, "loss", "--kcb-train", 200)
    drag_zoom(host)
    host.page.wait_for_function("!document.querySelector('.kcb-reset').disabled")
    host.state(run="ffff0000", title="Run 2")
    host.set(series=run_picture(100))
    host.page.wait_for_function("document.querySelector('.kcb-reset').disabled")


def test_nothing_is_drawn_while_hidden(host):
    host.start(show=["chart"], series=run_picture(100))
    wait_pixels(host, "loss", "--kcb-train", 100)
    before = value_of(host, "loss", "raw")
    hide(host, True)
    host.set(series=run_picture(200))
    # Two frames later the old picture still stands.
    host.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    assert value_of(host, "loss", "raw") == before
    hide(host, False)
    host.page.wait_for_function(
        "(old) => document.querySelector('[data-role=raw] + .kcb-value').textContent !== old", arg=before
    )


def test_pythons_own_picture_is_understood(host):
    from kcb_widgets.panels.series_encoder import SeriesEncoder
    from kcb_widgets.run import Run

    run = Run()
    run.params = {"epochs": 2, "steps": 4}
    run.batches_per_epoch = 4
    run.batch_values.claim("loss", "batches")
    run.start_clock()
    for epoch in range(2):
        run.begin_epoch(epoch)
        for batch in range(4):
            run.append(batch, {"loss": 2.0 - 0.1 * batch})
        run.set_value("learning_rate", 0.01)
        run.end_epoch(epoch, {"loss": 1.7, "val_loss": 1.5 + epoch})
    host.start(series=SeriesEncoder(run).whole())
    wait_value(host, "loss", "val", "2.50000")
    assert value_of(host, "loss", "epoch") == "1.70000"
    # The running means 2, 1.9, 1.8, 1.7 are undone: the last batch alone was 4 * 1.7 - 3 * 1.8.
    assert value_of(host, "loss", "raw") == "1.40000"


# -- what comes from outside -------------------------------------------------------------------------------------------


def test_names_are_text_and_nothing_else(host):
    evil = '<img src=x onerror="window.hacked=1">\'"]'
    host.now = state(
        title=evil,
        message=evil,
        status="failed",
    )
    host.controls = [control(name=evil, reason=evil, enabled=False, group=evil), {"name": None}, None, 3]
    event = {"step": 3, "kind": "applied", "name": evil, "old": evil, "new": "nan", "source": evil, "message": evil}
    host.start(series=run_picture(name=evil), events=[event, None, 7])
    host.page.wait_for_function("document.querySelectorAll('.kcb-plot canvas').length === 3")
    open_tab(host, "events")
    host.page.wait_for_function("document.querySelectorAll('.kcb-list li').length === 1")
    assert evil in text(host, ".kcb-list")
    assert host.page.locator("img").count() == 0
    assert host.page.evaluate("window.hacked") is None


@pytest.mark.parametrize(
    "broken",
    [
        b"\x01",
        b"\xff\xff\xff\xff{}",
        b"\x02\x00\x00\x00{]",
        run_picture(50)[:600],
        run_picture(50).replace(b'"length": 50', b'"length": 5e9'),
        run_picture(50).replace(b'"tables": [{', b'"tables": [7,{'),
    ],
    ids=["short", "header", "json", "cut", "length", "table"],
)
def test_a_broken_picture_leaves_the_last_one_and_says_so(host, broken):
    host.start(show=["chart"], series=run_picture(100))
    wait_pixels(host, "loss", "--kcb-train", 100)
    host.set(series=broken)
    host.page.wait_for_function(
        "document.querySelector('.kcb-chart .kcb-error').textContent.startsWith('The latest picture could not be read')"
    )
    assert pixels(host, "loss", "--kcb-train") > 100
    host.set(series=run_picture(200))
    wait_text(host, ".kcb-chart .kcb-error", "")


def test_a_state_of_nonsense_harms_nobody(host):
    host.start(series=run_picture(100))
    host.set(
        state={
            "status": 7,
            "epoch": "x",
            "flow": 3,
            "snapshots": "no",
            "can": [],
            "values": 1,
            "buttons": {},
            "commands": {},
            "heard": None,
            "elapsed": "nan",
            "group": "all",
            "classes": "some",
        }
    )
    host.set(state=None, controls="no", events="none", show=["progress", "nonsense", "chart"])
    # Of the bar progress, the fits that belong together and what went wrong; and the curves.
    host.page.wait_for_function("document.querySelectorAll('.kcb-panel').length === 4")
    host.set(state=state(status="finished"))
    wait_text(host, ".kcb-status", "finished")


def test_a_panel_that_fails_leaves_the_others(host):
    host.page.evaluate(
        """() => {
            const get = stub.model.get;
            stub.model.get = (name) => { if (name === "events") throw new Error("no events today"); return get(name); };
        }"""
    )
    host.start(series=run_picture(100))
    open_tab(host, "events")
    wait_text(host, ".kcb-events", "The events panel failed: no events today")
    host.state(status="paused")
    wait_text(host, ".kcb-status", "paused")
    assert field(host).is_visible()


# -- views -------------------------------------------------------------------------------------------------------------


def test_two_views_follow_the_same_model_and_the_same_wishes(host):
    host.start("one", "two", series=run_picture(200))
    host.page.wait_for_function("document.querySelectorAll('.kcb-plot canvas').length === 6")
    assert len({m["view"] for m in host.sent("hello")}) == 2
    host.page.locator("#one").get_by_role("combobox", name="x axis").select_option("epoch")
    host.page.locator("#one").get_by_role("button", name="x10").click()
    host.page.wait_for_function("document.querySelector('#two .kcb-toolbar select').value === 'epoch'")
    wait_text(host, "#two .kcb-outcome", "requested 0.01")
    host.page.evaluate("stub.unmount('one')")
    assert len(host.sent("bye")) == 1
    host.state(status="paused")
    wait_text(host, "#two .kcb-status", "paused")


def test_wishes_survive_being_drawn_anew(host):
    host.start("one", series=run_picture(400))
    wait_pixels(host, "loss", "--kcb-val", 100)
    page = host.page
    page.get_by_role("button", name="log y").click()
    page.get_by_role("slider", name="smoothing").fill("0.5")
    page.locator("[data-group=loss]").get_by_role("button", name="val_loss").click()
    drag_zoom(host)
    page.wait_for_function("!document.querySelector('.kcb-reset').disabled")
    page.evaluate("stub.unmount('one'); stub.mount('again')")
    wait_pixels(host, "loss", "--kcb-train", 100)
    assert page.get_by_role("button", name="log y").get_attribute("aria-pressed") == "true"
    assert page.get_by_role("slider", name="smoothing").input_value() == "0.5"
    assert page.locator("[data-group=loss] [data-role=val]").get_attribute("aria-pressed") == "false"
    assert not page.get_by_role("button", name="reset zoom").is_disabled()


def test_nothing_is_left_behind(make_host):
    host = make_host(clock=True, script=HOLDS)
    held = "({timers: holds.timers.size, listeners: holds.listeners, observers: holds.observers.size})"
    before = host.page.evaluate(held)
    host.page.evaluate("document.body.insertAdjacentHTML('beforeend', '<div data-kcb-board=\"b0a7d\"></div>')")
    host.page.set_viewport_size({"width": 1000, "height": 3000})  # both in sight: what is not is not drawn
    host.start("one", "two", series=run_picture(400))
    host.page.wait_for_function("document.querySelectorAll('.kcb-plot canvas').length === 9")
    drag_zoom(host)
    during = host.page.evaluate(held)
    assert during["timers"] > before["timers"]
    host.page.evaluate("stub.destroy()")
    assert host.page.evaluate(held) == before
    assert host.page.evaluate("stub.listeners()") == 0
    assert host.page.locator(".kcb-board").count() == 0
    sent = len(host.page.evaluate("stub.sent"))
    host.set(series=run_picture(100), state=state(status="finished"))
    host.page.clock.run_for(20_000)
    assert len(host.page.evaluate("stub.sent")) == sent
    assert len(host.sent("bye")) == 3


PNG_WITH_NAME = """
() => {
  // A PNG's signature and header, then the text that says whose picture it is.
  const raw = "\\x89PNG\\r\\n\\x1a\\n" + "\\0".repeat(25) + "\\0\\0\\0\\x0ftEXtkcb-board\\0b0a7d" + "\\0".repeat(40);
  document.body.insertAdjacentHTML("beforeend", `<div class="jp-OutputArea">
    <div class="jp-OutputArea-child"><div class="kcb-still" data-kcb-board="b0a7d"><p>Run 1: finished</p></div></div>
    <div class="jp-OutputArea-child" id="picture"><img src="data:image/png;base64,${btoa(raw)}"></div>
    <div class="jp-OutputArea-child" id="foreign"><img src="data:image/png;base64,${btoa("x".repeat(90))}"></div>
    </div>`);
}
"""


def test_a_still_picture_comes_alive_and_goes_still_again(host):
    host.page.evaluate("document.body.insertAdjacentHTML('afterbegin', '<div class=\"jp-Notebook\"></div>')")
    host.start("one", series=run_picture(200))
    host.page.evaluate("stub.unmount('one')")
    host.page.evaluate(PNG_WITH_NAME)
    host.page.wait_for_function("document.querySelector('.kcb-still .kcb-board canvas')")
    assert not host.page.get_by_text("Run 1: finished").is_visible()
    assert not host.page.locator("#picture").is_visible()
    assert host.page.locator("#foreign").evaluate("(one) => one.style.display") == ""
    host.page.evaluate("stub.trigger('comm:close')")
    host.page.wait_for_function("!document.querySelector('.kcb-board')")
    assert host.page.get_by_text("Run 1: finished").is_visible()
    assert host.page.locator("#picture").evaluate("(one) => one.style.display") == ""


def test_another_boards_picture_is_left_alone(host):
    host.page.evaluate(
        "document.body.insertAdjacentHTML('beforeend', '<div data-kcb-board=\"other\"><p>still</p></div>')"
    )
    host.start("one", series=run_picture(100))
    wait_pixels(host, "loss", "--kcb-train", 100)
    assert host.page.get_by_text("still").is_visible()
    assert host.page.locator(".kcb-board").count() == 1


# -- looks -------------------------------------------------------------------------------------------------------------

LAB_DARK = """
:root { --jp-layout-color0: #111111; --jp-layout-color1: #212121; --jp-layout-color2: #424242;
  --jp-border-color2: #616161; --jp-ui-font-color1: #fff; --jp-ui-font-color2: rgba(255, 255, 255, .7);
  --jp-ui-font-family: system-ui; }
body { background: #111111 !important; }
"""
LAB_LIGHT = """
:root { --jp-layout-color0: white; --jp-layout-color1: white; --jp-layout-color2: #eeeeee;
  --jp-border-color2: #e0e0e0; --jp-ui-font-color1: rgba(0, 0, 0, .87); --jp-ui-font-color2: rgba(0, 0, 0, .54);
  --jp-ui-font-family: system-ui; }
"""


@pytest.mark.parametrize("status", ["running", "stopping", "paused", "finished", "failed"])
@pytest.mark.parametrize("theme", ["light", "dark", "lab light", "lab dark"])
def test_text_can_be_read_in_every_theme(host, theme, status):
    page = host.page
    if theme.startswith("lab"):
        page.add_style_tag(content=LAB_DARK if "dark" in theme else LAB_LIGHT)
        page.evaluate("(light) => { document.body.dataset.jpThemeLight = light; }", str("light" in theme).lower())
    elif theme == "dark":
        page.evaluate("document.body.style.background = '#1b1b1b'")
    host.now = state(status=status, message="a message", commands=[])
    event = {"step": 3, "kind": "applied", "name": "learning_rate", "old": 1, "new": 2, "source": "board"}
    host.start(series=run_picture(200), events=[event])
    host.answer_hello()
    page.wait_for_function("document.querySelectorAll('.kcb-plot canvas').length === 3")
    if status == "running":
        page.get_by_role("button", name="log y").click()
        page.get_by_role("button", name="x2").click()
        command = host.wait_sent("command")[0]
        assert page.evaluate(CONTRASTS) == []
        host.state(commands=[{"id": command["id"], "status": "refused", "message": "no"}])
        wait_text(host, ".kcb-outcome", "refused: no")
        assert page.evaluate(CONTRASTS) == []
        host.state(commands=[{"id": command["id"], "status": "applied", "step": 1, "message": ""}])
        wait_text(host, ".kcb-outcome", "applied at step 1")
    assert page.evaluate("document.querySelector('.kcb-board').dataset.kcbTheme") == theme.split()[-1]
    for tab in each_tab(host):
        assert page.evaluate(CONTRASTS) == [], tab


def test_curves_change_colour_with_the_theme(host):
    host.page.evaluate("document.body.dataset.jpThemeLight = 'true'")
    host.start(show=["chart"], series=run_picture(200))
    wait_pixels(host, "loss", "#0072b2", 100)
    host.page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    wait_pixels(host, "loss", "#56b4e9", 100)
    assert pixels(host, "loss", "#0072b2") == 0


def test_a_view_that_is_put_into_the_page_later_has_its_colours(host):
    host.page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    host.set(board_id="b0a7d", show=["chart"], state=host.now, events=[], series=run_picture(200))
    # As JupyterLab does: first render, then attach.
    host.page.evaluate("stub.initialize(); stub.mount('one', false)")
    host.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    host.page.evaluate("document.querySelector('#views').append(stub.element('one'))")
    wait_pixels(host, "loss", "#56b4e9", 100)
    assert box(host, "loss")["width"] > 200


@pytest.mark.parametrize(
    ("color", "theme"),
    [("oklch(0.2 0 0)", "dark"), ("oklch(0.98 0 0)", "light"), ("color(srgb 1 1 1)", "light"), ("#11111155", "light")],
)
def test_a_page_may_write_its_colours_as_it_likes(host, color, theme):
    host.page.evaluate("(color) => { document.body.style.background = color; }", color)
    host.start()
    assert host.page.evaluate("document.querySelector('.kcb-board').dataset.kcbTheme") == theme


def test_the_theme_of_the_page_is_seen_from_inside_a_shadow_root(host):
    host.page.evaluate(
        """() => {
            document.body.style.background = "#111111";
            const views = document.querySelector("#views"), root = views.attachShadow({ mode: "open" });
            views.append = (element) => root.append(element);
        }"""
    )
    host.start()
    assert host.page.evaluate("stub.element('one').querySelector('.kcb-board').dataset.kcbTheme") == "dark"


def test_the_page_can_prefer_dark(make_host):
    host = make_host(color_scheme="dark")
    host.page.evaluate("document.body.style.background = 'transparent'")
    host.start(show=["progress"])
    assert host.page.evaluate("document.querySelector('.kcb-board').dataset.kcbTheme") == "dark"
    host.page.emulate_media(color_scheme="light")
    host.page.wait_for_function("document.querySelector('.kcb-board').dataset.kcbTheme === 'light'")


def test_everything_can_be_reached_with_the_keyboard(host):
    host.start(series=run_picture(400))
    wait_pixels(host, "loss", "--kcb-train", 100)
    drag_zoom(host)
    host.page.wait_for_function("!document.querySelector('.kcb-reset').disabled")
    reached = []
    for press in ("ArrowRight", "ArrowLeft"):  # first through the Controls, then through the Curves
        host.page.locator("[role=tab][aria-selected=true]").focus()
        for _ in range(2):
            host.page.keyboard.press(press)
        host.page.get_by_role("button", name="Pause").focus()
        reached.extend(walk(host))
    for name in (
        "learning_rate",
        "/10",
        "x10",
        "Pause",
        "Step",
        "batches",
        "Finish epoch",
        "Evaluate",
        "Snapshot",
        "Save",
        "Stop",
        "stop options",
        "Curves",
        "smoothing",
        "log y",
        "x axis",
        "reset zoom",
        "save what is shown",
        "val_loss",
        "loss",
        "loss, each batch",
    ):
        assert name in reached
    assert not [name for name in reached if name.startswith("no outline")]


def walk(host):
    """Where Tab leads, from what has the focus on."""
    reached = []
    for _ in range(60):
        host.page.keyboard.press("Tab" if reached else "Shift")
        name = host.page.evaluate(
            """() => { const one = document.activeElement; if (!one || one === document.body) return "";
                const { outlineStyle, outlineWidth } = getComputedStyle(one);
                if (outlineStyle === "none" || outlineWidth === "0px") return "no outline: " + one.outerHTML;
                return (one.getAttribute("aria-label") || one.textContent).split(" plot.")[0]; }"""
        )
        if not name:
            break
        reached.append(name)
    return reached


def test_numbers_do_not_move_their_neighbours(host):
    host.start(series=run_picture(100))
    wait_pixels(host, "loss", "--kcb-train", 100)
    spots = """() => [
        ".kcb-stop", ".kcb-field", ".kcb-badge", ".kcb-news", ".kcb-plot canvas", ".kcb-tabs", ".kcb-clocks"]
        .map((each) => {
        const { x, y } = document.querySelector(each).getBoundingClientRect();
        return [Math.round(x), Math.round(y)]; })"""
    host.answer_hello()
    wait_text(host, ".kcb-badge", "live")
    before = host.page.evaluate(spots)
    host.state(batch=9, batches=90, ms_per_step=1234.5, samples_per_second=1.234, elapsed=3700, remaining=9999)
    host.page.get_by_role("button", name="x10").click()
    host.set(series=run_picture(200))
    wait_text(host, ".kcb-outcome", "requested 0.01")
    assert host.page.evaluate(spots) == before

"""Endings and troubles, each told at the top of the board: a dead kernel, NaN, a stall, who stopped it and why."""

# ruff: noqa: F401, F811 - fixtures are asked for by name
from __future__ import annotations

import numpy as np
import pytest
from host import (
    box,
    bundle,
    control,
    encode,
    host,
    make_host,
    open_tab,
    pixels,
    plain_page,
    run_picture,
    series,
    state,
    text,
    value_of,
    wait_pixels,
    wait_text,
    wait_value,
)

pytestmark = pytest.mark.browser

NAN = {"name": "loss", "value": "nan", "step": 301, "epoch": 3, "batch": 1}
BEST = {"id": "b", "step": 300, "epoch": 2, "seconds": 3.0, "kind": "best", "metric": "val_loss", "value": 0.33}
SNAPSHOT = {**BEST, "bytes": 10**6}


def answer(host, command, **change):
    said = {"id": command["id"], "name": command["name"], "status": "applied", "step": 320, "message": ""}
    host.state(commands=[*host.now["commands"], said], **change)


# -- the kernel is gone ------------------------------------------------------------------------------------------------


def test_a_dead_kernel_looks_dead(make_host):
    host = make_host(clock=True)
    host.start(series=run_picture())
    host.answer_hello()
    wait_text(host, ".kcb-badge", "live")
    before = text(host, ".kcb-elapsed")
    host.page.evaluate("stub.trigger('comm:close')")
    wait_text(host, ".kcb-status", "kernel gone")
    host.page.clock.run_for(60_000)
    assert text(host, ".kcb-elapsed") == before
    assert text(host, ".kcb-remaining") == ""
    told = host.page.locator(".kcb-message[role=alert]")
    assert told.inner_text().startswith(
        "This board's kernel is gone, was restarted or is out of reach. These are the last numbers it sent, at "
    )
    assert host.page.get_by_role("button", name="Stop", exact=True).is_disabled()
    assert value_of(host, "loss", "raw") != ""


def test_a_kernel_that_answers_no_more_is_not_said_to_run(make_host):
    host = make_host(clock=True)
    host.start()
    host.answer_hello()
    wait_text(host, ".kcb-badge", "live")
    host.page.clock.run_for(9_000)
    assert text(host, ".kcb-status") == "running"
    host.page.clock.run_for(9_000)
    assert text(host, ".kcb-status") == "no answer"
    assert "it died, or hangs in one long step" in text(host, ".kcb-message")
    stopped = text(host, ".kcb-elapsed")
    host.page.clock.run_for(30_000)
    assert text(host, ".kcb-elapsed") == stopped
    host.answer_hello()
    wait_text(host, ".kcb-status", "running")
    assert host.page.locator(".kcb-told").count() == 0


def test_slow_steps_are_waited_for(make_host):
    host = make_host(clock=True)
    host.now = state(ms_per_step=3_000)
    host.start()
    host.answer_hello()
    wait_text(host, ".kcb-badge", "live")
    host.page.clock.run_for(40_000)
    assert text(host, ".kcb-status") == "running"


CUT_OFF = "on => stub.element('one').classList.toggle('jupyter-widgets-disconnected', on)"


def test_a_board_out_of_a_saved_notebook_belongs_to_an_earlier_kernel_and_says_so(make_host):
    """JupyterLab makes a model of what a notebook kept of it; what is sent by that goes nowhere."""
    host = make_host(clock=True)
    host.now = state(snapshots=[SNAPSHOT], can={"rollback": ""})
    host.start(series=run_picture())
    host.page.evaluate(CUT_OFF, True)
    host.page.clock.run_for(4_000)
    wait_text(host, ".kcb-status", "kernel gone")
    assert text(host, ".kcb-badge") == "read-only"
    assert text(host, ".kcb-message") == (
        "This board's kernel is gone, was restarted or is out of reach. These are the last numbers it sent."
    )
    elapsed = text(host, ".kcb-elapsed")
    host.page.clock.run_for(60_000)
    assert text(host, ".kcb-elapsed") == elapsed
    for name in ("Pause", "Step", "Stop"):
        assert host.page.get_by_role("button", name=name, exact=True).is_disabled()
    assert host.page.get_by_role("slider", name="learning_rate").is_disabled()
    open_tab(host, "snapshots")
    assert host.page.get_by_role("button", name="roll back to step 300").is_disabled()


def test_a_board_whose_kernel_was_restarted_says_so_until_somebody_answers(make_host):
    host = make_host(clock=True)
    host.start(show=["progress", "controls"])
    host.answer_hello()
    wait_text(host, ".kcb-badge", "live")
    host.page.evaluate(CUT_OFF, True)
    host.page.evaluate("stub.trigger('comm_live_update')")
    host.page.clock.run_for(8_000)
    wait_text(host, ".kcb-status", "kernel gone")
    assert "These are the last numbers it sent, at " in text(host, ".kcb-message")
    assert host.page.get_by_role("button", name="Stop", exact=True).is_disabled()
    host.page.evaluate(CUT_OFF, False)
    host.answer_hello()
    wait_text(host, ".kcb-status", "running")
    assert host.page.get_by_role("button", name="Stop", exact=True).is_enabled()
    assert host.page.locator(".kcb-told").count() == 0


def test_after_the_end_nothing_is_offered_that_an_earlier_kernel_would_have_to_do(make_host):
    host = make_host(clock=True)
    host.now = state(status="finished", ticking=False, snapshots=[SNAPSHOT], can={"rollback": ""})
    host.start(series=run_picture())
    assert host.page.get_by_role("button", name="Restore the best weights").is_enabled()
    host.page.evaluate(CUT_OFF, True)
    host.page.clock.run_for(4_000)
    host.page.locator(".kcb-told").wait_for(state="detached")
    assert host.page.locator(".kcb-badge").get_attribute("title") == "run is over: The connection to Python is gone"
    assert text(host, ".kcb-status") == "finished"


# -- no place in the page ----------------------------------------------------------------------------------------------

NOTE = ".kcb-unseen"


def unseen(make_host, **change):
    """A model that came with a page that is loaded anew, and no view of it."""
    host = make_host(clock=True)
    host.page.evaluate("document.body.dataset.notebook = 'yes'")
    host.now = state(**change)
    host.start(mount=False, series=run_picture())
    return host


def test_a_run_without_a_place_in_the_page_says_what_to_do_and_can_be_seen_at_once(make_host):
    host = unseen(make_host)
    host.page.clock.run_for(4_000)
    assert host.page.locator(NOTE).count() == 0
    host.page.clock.run_for(2_000)
    note = host.page.locator(NOTE)
    assert "A fit trains on, and its board is not in sight." in note.inner_text()
    assert "monitor.board in a new cell" in note.inner_text()
    note.get_by_role("button", name="Show it here").click()
    host.answer_hello()
    wait_text(host, ".kcb-badge", "live")
    note.get_by_role("button", name="Stop", exact=True).click()
    assert host.wait_sent("command", name="stop")
    note.get_by_role("button", name="dismiss").click()
    assert host.page.locator(".kcb-board").count() == 0
    assert host.wait_sent("bye")


def test_the_note_goes_when_the_board_has_a_place_or_the_run_is_over(make_host):
    host = unseen(make_host)
    host.page.clock.run_for(6_000)
    host.page.locator(NOTE).wait_for()
    host.page.evaluate("stub.mount('one')")
    assert host.page.locator(NOTE).count() == 0
    host = unseen(make_host)
    host.page.clock.run_for(6_000)
    host.page.locator(NOTE).wait_for()
    host.state(status="finished")
    assert host.page.locator(NOTE).count() == 0


@pytest.mark.parametrize("case", ["waiting", "stopped", "placed", "elsewhere"])
def test_there_is_no_note_where_nothing_is_missing(make_host, case):
    host = unseen(make_host, **({"status": case} if case in ("waiting", "stopped") else {}))
    if case == "placed":
        host.page.evaluate("stub.mount('one')")
    if case == "elsewhere":
        host = make_host(clock=True)
        host.start(mount=False)
    host.page.clock.run_for(60_000)
    assert host.page.locator(NOTE).count() == 0


# -- values that are not finite ----------------------------------------------------------------------------------------


def test_nan_is_told_with_its_batch_and_with_what_can_be_done(host):
    host.now = state(not_finite=NAN, snapshots=[{**SNAPSHOT, "id": "a", "step": 200}, SNAPSHOT])
    host.start(series=run_picture(hole=range(300, 400)))
    wait_text(host, ".kcb-doing", "loss is NaN since batch 301")
    assert host.page.locator(".kcb-status.kcb-wrong").inner_text() == "running"
    assert text(host, ".kcb-message") == "loss is NaN since batch 301 (batch 1 of epoch 4)."
    host.page.get_by_role("button", name="Roll back to step 300 and halve the rate").click()
    (rate,) = host.wait_sent("command", name="learning_rate")
    (back,) = host.wait_sent("command", name="rollback")
    assert (rate["value"], back["value"]) == (0.0005, "b")
    host.state(not_finite=None)
    wait_text(host, ".kcb-doing", "training")
    assert host.page.locator(".kcb-told").count() == 0


def test_without_a_snapshot_the_rate_can_still_be_lowered(host):
    host.now = state(not_finite={**NAN, "value": "inf"})
    host.start(show=["progress", "controls"])
    assert text(host, ".kcb-message").startswith("loss is ∞ since batch 301")
    assert "No snapshot from before it" in text(host, ".kcb-message")
    host.page.get_by_role("button", name="Halve the rate").click()
    assert host.wait_sent("command", name="learning_rate")[0]["value"] == 0.0005
    host.page.locator(".kcb-told").get_by_role("button", name="Stop").click()
    assert host.wait_sent("command", name="stop")


def test_a_value_that_came_with_the_end_of_an_epoch_has_no_batch(host):
    host.now = state(not_finite={**NAN, "name": "val_loss", "batch": None, "step": 400})
    host.start(show=["progress"])
    wait_text(host, ".kcb-doing", "val_loss is NaN since epoch 4")
    assert text(host, ".kcb-message").startswith("val_loss is NaN since the end of epoch 4.")


def test_nan_stands_in_the_legend_and_as_a_band_in_the_plot(host):
    host.start(show=["chart"], series=run_picture(hole=range(300, 400)))
    wait_value(host, "loss", "raw", "NaN")
    assert value_of(host, "loss", "smooth") == "NaN"
    assert value_of(host, "accuracy", "raw") != "NaN"
    band = {"x": [0.8, 0.95], "y": [0.2, 0.6]}
    wait_pixels(host, "loss", "--kcb-bad", 500, alpha=[15, 60], **band)
    assert pixels(host, "accuracy", "--kcb-bad", alpha=[15, 60], **band) == 0
    # It came back to finite values: the legend has those, and the band stays where it was.
    host.set(series=run_picture(hole=range(250, 300)))
    host.page.wait_for_function("document.querySelector('[data-role=raw] + .kcb-value').textContent !== 'NaN'")
    assert pixels(host, "loss", "--kcb-bad", alpha=[15, 60], x=[0.9, 0.97], y=[0.2, 0.6]) == 0


def test_what_is_nan_in_an_epoch_with_its_batches_is_one_band(host):
    """Batches from 150 on, and so the mean of that epoch, and of the next two."""
    end, epochs = np.arange(1, 401), np.arange(100, 401, 100)
    tables = [
        {"name": "batches", "end": end, "series": [series("loss", "train", np.where(end < 150, 1 / end, np.nan))]},
        {"name": "epochs", "end": epochs, "series": [series("loss", "epoch", [0.1, np.nan, np.nan, np.nan])]},
    ]
    bad = [
        {"name": "loss", "group": "loss", "step": step, "epoch": 0, "time": 0, "value": "nan"} for step in (150, 200)
    ]
    host.page.evaluate(
        """() => { window.words = [];
            const draw = CanvasRenderingContext2D.prototype.fillText;
            CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {
                words.push(text);
                return draw.call(this, text, ...at);
            }; }"""
    )
    host.start(show=["chart"], series=encode(tables, bad=bad, last=400))
    wait_pixels(host, "loss", "--kcb-bad", 500, alpha=[15, 60], x=[0.6, 0.95], y=[0.2, 0.6])
    assert pixels(host, "loss", "--kcb-bad", x=[0.45, 0.95], y=[0.2, 0.3]) < 100, "no second edge"
    host.page.evaluate("words.length = 0")
    host.set(series=encode(tables, bad=bad, last=400))
    host.page.wait_for_function("words.includes('NaN')")
    assert host.page.evaluate("words.filter((each) => each === 'NaN').length") == 1


def test_crosses_stand_above_snapshots(host):
    """In the strip of a house's height there is but the edge of the band."""
    host.now = state(snapshots=[{**SNAPSHOT, "step": step, "id": str(step)} for step in (100, 200)])
    host.start(show=["chart"], series=run_picture(hole=range(199, 200)))
    wait_pixels(host, "loss", "--kcb-bad", 20, x=[0.4, 0.7])
    cross, house = (pixels(host, "loss", "--kcb-bad", x=[0.4, 0.7], y=y) for y in ([0.73, 0.79], [0.8, 0.86]))
    assert cross > 1.5 * house


def test_a_run_that_ended_before_its_first_batch_promises_no_curves(host):
    host.now = state(status="compiling")
    host.start(show=["progress", "chart"])
    wait_text(host, ".kcb-empty", "The curves begin with the first batch.")
    host.state(status="failed", message="RuntimeError: no (in Dense.call)")
    wait_text(host, ".kcb-empty", "No batch was trained.")


# -- a stall -----------------------------------------------------------------------------------------------------------


def test_a_stall_is_told_with_what_it_waits_for(host):
    host.start(show=["progress"])
    host.state(stalled={"seconds": 34.2, "waits_for": "the data"})
    wait_text(host, ".kcb-status", "stalled")
    assert text(host, ".kcb-doing") == "waits for the data"
    assert text(host, ".kcb-message") == "No batch for 34 s: training waits for the data."
    assert text(host, ".kcb-remaining") == ""
    host.state(stalled=None)
    wait_text(host, ".kcb-status", "running")


# -- endings -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "message"),
    [
        ("stopped", "EarlyStopping: no better val_loss for 3 epochs; the weights of epoch 6 are back"),
        ("failed", "ValueError: boom (in MyCallback.on_batch_end)"),
        ("finished", "loss is NaN since batch 301 (epoch 4)"),
    ],
)
def test_how_it_ended_is_said_at_the_top(host, status, message):
    host.start(series=run_picture())
    host.state(status=status, message=message, ticking=False)
    wait_text(host, ".kcb-message", message)
    assert host.page.locator(".kcb-message").get_attribute("role") == ("alert" if status == "failed" else "status")
    assert host.page.locator(".kcb-message").bounding_box()["y"] < host.page.locator(".kcb-tabs").bounding_box()["y"]


def test_the_best_weights_can_be_fetched_after_the_end(host):
    host.now = state(status="stopped", message="", ticking=False, snapshots=[SNAPSHOT], can={"rollback": ""})
    host.start(series=run_picture())
    host.page.get_by_role("button", name="Restore the best weights").click()
    (command,) = host.wait_sent("command", name="rollback")
    assert command["value"] == "b"
    open_tab(host, "snapshots")
    wait_text(host, ".kcb-snapshots .kcb-said", "roll back: requested")  # it is not lost with the run
    answer(host, command)
    wait_text(host, ".kcb-snapshots .kcb-said", "roll back: applied at step 320")
    host.state(can={"rollback": "the model is gone"})
    back = host.page.get_by_role("button", name="roll back to step 300")
    host.page.wait_for_function("document.querySelector('.kcb-kept button').disabled")
    assert back.get_attribute("title") == "the model is gone"
    assert host.page.get_by_role("button", name="Restore the best weights").count() == 0


def test_what_was_asked_before_the_end_is_lost_with_the_run(host):
    host.now = state(snapshots=[SNAPSHOT], can={"rollback": ""})
    host.start(show=["snapshots"])
    host.page.get_by_role("button", name="roll back to step 300").click()
    host.state(status="finished")
    wait_text(host, ".kcb-said", "roll back: not applied: the run is over")


# -- undo, and many layers at once -------------------------------------------------------------------------------------


def test_the_last_change_is_taken_back_with_one_press(host):
    host.start(show=["controls"])
    undo = host.page.get_by_role("button", name="Undo", exact=True)
    assert undo.is_disabled()
    assert undo.get_attribute("title") == "Nothing was changed by hand yet"
    host.state(undo={"name": "learning_rate", "old": 0.01, "new": 0.001})
    host.page.wait_for_function("!document.querySelector('.kcb-undo').disabled")
    assert undo.get_attribute("title") == "Undo: take back learning_rate 0.01 → 0.001"
    undo.click()
    assert host.wait_sent("command", name="undo")[0]["value"] is None
    wait_text(host, ".kcb-said", "undo: requested")


def freezable(count):
    return [
        control(
            True,
            name=f"layer_{i}.trainable",
            label="trainable",
            kind="flag",
            group="layers",
            section=f"layer_{i}",
            scale="linear",
            max=None,
        )
        for i in range(count)
    ]


def test_many_layers_are_frozen_at_once(host):
    host.controls = [control(), *freezable(20)]
    host.start(show=["controls"])
    host.page.locator(".kcb-fold summary", has_text="Layers").click()
    assert host.page.get_by_role("button", name="Freeze all", exact=True).count() == 0  # nothing would be left to train
    host.page.get_by_role("button", name="Unfreeze all", exact=True).click()
    assert host.wait_sent("command", name="unfreeze")[0]["value"] is None
    host.page.get_by_role("textbox", name="filter layers").fill("Layer_1")
    host.page.get_by_role("button", name="Freeze these", exact=True).click()
    assert host.wait_sent("command", name="freeze")[0]["value"] == "named:layer_1"
    host.page.get_by_role("button", name="freeze up to layer_12", exact=True).click()
    assert host.wait_sent("command", 2, name="freeze")[1]["value"] == "until:layer_12"


def test_long_layer_names_are_shortened_in_the_middle(host):
    long = "efficientnet_block7b_project_conv_separable_depthwise_42"
    one = freezable(1)[0]
    host.controls = [control(), {**one, "name": f"{long}.trainable", "section": long}]
    host.start(show=["controls"])
    name = host.page.locator(".kcb-layer-name")
    name.wait_for()
    assert name.get_attribute("title") == long
    shown = name.inner_text()
    assert len(shown) <= 20
    assert shown.startswith("efficient")
    assert shown.endswith("_42")


# -- numbers and events ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (7.999999797903001e-05, "8e-5"),
        (float(np.float32(1.099512e-07)), "1.099512e-7"),
        (0.10000000149011612, "0.1"),
        (0.3, "0.3"),
        (1234567.0, "1234567"),
        (1.600000018742196e-05, "1.6e-5"),
    ],
)
def test_a_setting_is_the_shortest_number_that_is_the_same_in_float32(host, value, shown):
    host.controls = [control(value)]
    host.start(show=["controls"])
    field = host.page.get_by_role("textbox", name="learning_rate", exact=True)
    assert field.input_value() == shown
    assert np.float32(float(shown)) == np.float32(value)
    assert field.evaluate("(one) => one.scrollWidth <= one.clientWidth")


def applied(step, old, new, requested, **more):
    told = {"kind": "applied", "name": "learning_rate", "source": "board", "message": "", "epoch": 1, "time": 1.0}
    return {**told, "step": step, "old": old, "new": new, "requested": requested, **more}


def test_one_drag_is_one_event(host):
    drag = [applied(200 + i, 0.001 * (i + 1), 0.001 * (i + 2), 50.0 + 0.05 * i) for i in range(11)]
    later = applied(300, 0.012, 0.1, 99.0)
    host.start(show=["chart", "events"], series=run_picture(), events=[*drag, later])
    wait_pixels(host, "loss", "--kcb-event", 40)
    area = box(host, "loss")
    host.page.mouse.move(area["x"] + area["width"] * 0.525, area["y"] + 40)
    wait_text(host, ".kcb-place", "steps 200 to 210 · learning_rate 0.001 → 0.012 · board")
    open_tab(host, "events")
    assert host.page.locator(".kcb-list li").all_inner_texts() == [
        "step 300 · learning_rate 0.012 → 0.1 · board",
        "steps 200 to 210 · learning_rate 0.001 → 0.012 · board",
    ]


def test_marks_that_fall_together_are_told_together(host):
    events = [applied(200, 0.1, 0.2, 1.0, source="python"), applied(201, 0.2, 0.1, 9.0, kind="held")]
    host.start(show=["chart"], series=run_picture(), events=events)
    wait_pixels(host, "loss", "--kcb-event", 40)
    area = box(host, "loss")
    host.page.mouse.move(area["x"] + area["width"] * 0.501, area["y"] + 40)
    host.page.wait_for_function("document.querySelector('.kcb-place').textContent.endsWith('and 1 more here')")
    assert len(host.page.locator(".kcb-place").get_attribute("title").split("\n")) == 2


# -- outcomes that are no news any more --------------------------------------------------------------------------------


def test_applied_goes_when_somebody_else_has_overwritten_it(host):
    host.start(show=["controls"])
    host.page.get_by_role("button", name="x10").click()
    (command,) = host.wait_sent("command")
    answer(host, command)  # the value may come a little later than the reply
    wait_text(host, ".kcb-outcome", "applied at step 320")
    host.state(values={"learning_rate": 0.01})
    wait_text(host, ".kcb-outcome", "applied at step 320")
    host.state(values={"learning_rate": 0.005})
    wait_text(host, ".kcb-outcome", "")


def test_refused_goes_when_it_was_put_right(host):
    host.start(show=["controls"])
    field = host.page.get_by_role("textbox", name="learning_rate", exact=True)
    field.fill("-1")
    field.press("Enter")
    (command,) = host.wait_sent("command")
    host.state(commands=[{"id": command["id"], "status": "refused", "step": None, "message": "must be at least 0"}])
    wait_text(host, ".kcb-outcome", "refused: must be at least 0")
    host.state(batch=50)
    wait_text(host, ".kcb-outcome", "refused: must be at least 0")
    host.state(values={"learning_rate": 0.002})
    wait_text(host, ".kcb-outcome", "")


def test_a_rollback_is_told_in_the_bar_wherever_it_was_asked_for(host):
    host.now = state(snapshots=[SNAPSHOT])
    host.start(series=run_picture())
    host.page.get_by_role("button", name="snapshot at step 300").click()
    host.page.get_by_role("button", name="Roll back", exact=True).click()
    (command,) = host.wait_sent("command", name="rollback")
    said = {"id": command["id"], "name": "rollback", "status": "applied", "step": 320, "message": "to step 300"}
    host.state(commands=[said])
    wait_text(host, ".kcb-news .kcb-said", "rollback: applied at step 320 · to step 300")


def test_what_is_greyed_says_why(host):
    host.start()
    host.state(status="finished")
    wait_text(host, ".kcb-status", "finished")
    for name in ("Pause", "Step", "Stop", "Undo"):
        button = host.page.get_by_role("button", name=name, exact=True)
        assert button.is_disabled()
        assert button.get_attribute("title") == "The run is over"


def test_a_pause_that_is_asked_for_is_not_yet_one(host):
    host.start(show=["progress", "controls"])
    host.state(flow={"paused": True, "until": None, "stop": ""})
    wait_text(host, ".kcb-note", "pauses before the next batch")
    host.state(status="paused", step=7)
    wait_text(host, ".kcb-note", "paused at step 7")


# -- whether it is kept ------------------------------------------------------------------------------------------------


def test_the_board_says_whether_the_run_is_kept_and_keeps_it(host):
    host.start()
    keep = host.page.locator(".kcb-keep")
    assert keep.inner_text() == "Keep"
    assert keep.is_enabled()
    keep.click()
    assert host.wait_sent("command", name="keep")[0]["value"] is None
    host.state(kept={"path": "runs/20261128-115003-digits-qkzd.sqlite", "every": 1.0, "trouble": ""})
    wait_text(host, ".kcb-keep", "kept in runs/…")
    assert keep.is_disabled()
    assert keep.get_attribute("title") == "Kept in runs/20261128-115003-digits-qkzd.sqlite"
    host.state(kept={"path": "runs/a.sqlite", "every": 12.4, "trouble": ""})
    host.page.wait_for_function("document.querySelector('.kcb-keep').title.includes('every 12 s')")
    host.state(kept={"path": "runs/a.sqlite", "every": 1.0, "trouble": "the disk is full"})
    wait_text(host, ".kcb-keep", "not kept")
    assert keep.get_attribute("title") == "the disk is full"
    host.state(status="finished", ticking=False, kept=None, can={"keep": "nothing is training"})
    wait_text(host, ".kcb-keep", "Keep")
    assert keep.is_disabled()


def test_a_run_that_cannot_be_kept_says_why(host):
    host.start()
    why = "this run was opened from a file: nothing of it trains here"
    host.state(can={"keep": why})
    host.page.wait_for_function("document.querySelector('.kcb-keep').disabled")
    assert host.page.locator(".kcb-keep").get_attribute("title") == why


# -- alerts ------------------------------------------------------------------------------------------------------------

RISEN = {"name": "risen", "text": "Warning: risen. val_loss > 1: val_loss = 1.4", "bad": False}
BROKEN = {"name": "<b>x</b>", "text": "Error: <b>x</b>. <img src=x onerror=alert(1)>", "bad": True}
ALERT = {"step": 200, "epoch": 2, "time": 2.0, "kind": "alert", "name": "risen", "old": None, "new": "warning"}
ALERT = {**ALERT, "source": "monitor", "message": "val_loss > 1: val_loss = 1.4", "requested": None, "at_end": False}


def test_an_alert_is_told_at_the_top_while_it_holds(make_host):
    host = make_host()
    host.start(series=run_picture())
    assert host.page.locator(".kcb-told").count() == 0
    host.state(alerts=[RISEN, BROKEN])
    told = host.page.locator(".kcb-message")
    assert told.all_inner_texts() == [RISEN["text"], BROKEN["text"]]
    assert [each.get_attribute("role") for each in told.all()] == ["status", "alert"]
    host.state(alerts=[BROKEN])
    assert told.all_inner_texts() == [BROKEN["text"]]
    host.state(alerts=[])
    assert host.page.locator(".kcb-told").count() == 0


def test_an_alert_is_a_mark_on_the_curves_and_a_line_among_the_events(make_host):
    host = make_host()
    host.start(series=run_picture())
    wait_pixels(host, "loss", "--kcb-bad", at_least=0, at_most=0)
    host.set(events=[ALERT])
    wait_pixels(host, "loss", "--kcb-bad", at_least=10)
    open_tab(host, "events")
    line = "step 200 · alert risen · val_loss > 1: val_loss = 1.4 · monitor"
    assert host.page.locator(".kcb-list li").all_inner_texts() == [line]
    assert host.page.locator(".kcb-list li").get_attribute("data-kind") == "alert"

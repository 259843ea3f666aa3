"""Steering in the browser: many controls, the course of the fit, snapshots and what they leave in the chart."""

# ruff: noqa: F401, F811 - fixtures are asked for by name
from __future__ import annotations

import itertools

import numpy as np
import pytest
from host import (
    CONTRASTS,
    FAINT,
    box,
    branched_picture,
    bundle,
    control,
    drag_zoom,
    each_tab,
    encode,
    field,
    host,
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


def number(name, value, **more):
    return control(**{"name": name, "value": value, "scale": "linear", "max": None, **more})


def flag(name, value, **more):
    return control(**{"name": name, "value": value, "kind": "flag", **more})


HOLD = flag("learning_rate_hold", False, of="learning_rate")
TAKE_OVER = flag("learning_rate_take_over", False, of="learning_rate")
FACTOR = number("learning_rate_factor", 1.0, scale="log", of="learning_rate")
EPOCHS = number("epochs", 20, integer=True, min=1, group="flow")
MOMENTUM = number("momentum", 0.9, max=1, rebuild=True)
WEIGHT_DECAY = number("weight_decay", 0.004, scale="log", nullable=True)


def layers(count):
    return [
        number(f"dropout_{i}.rate", 0.3, max=1, label="rate", group="layers", section=f"dropout_{i}")
        for i in range(count)
    ]


def button(host, name):
    return host.page.get_by_role("button", name=name, exact=True)


def toggle(host, name):
    return host.page.get_by_role("switch", name=name, exact=True)


def unfold(host, title, open=True):
    details = host.page.locator(".kcb-fold", has=host.page.locator("summary", has_text=title))
    if (details.get_attribute("open") is not None) != open:
        details.locator("summary").first.click()


def answer(host, command, status="applied", step=320, message="", **change):
    """Python's answer to one command."""
    said = {"id": command["id"], "name": command["name"], "status": status, "step": step, "message": message}
    host.state(commands=[*host.now["commands"], said], **change)


def last(host, name):
    """The newest command of a name."""
    return host.wait_sent("command", name=name)[-1]


# -- the course of the fit ---------------------------------------------------------------------------------------------


def test_pause_becomes_resume_and_says_where(host):
    host.start(show=["progress", "controls"])
    button(host, "Pause").click()
    command = last(host, "pause")
    assert command["value"] is None
    wait_text(host, ".kcb-news .kcb-said", "pause: requested")
    answer(host, command, status="applied", flow={"paused": True, "until": None, "stop": ""})
    host.state(status="paused", step=320)
    wait_text(host, ".kcb-note", "paused at step 320")
    wait_text(host, ".kcb-said", "pause: applied at step 320")
    assert text(host, ".kcb-status") == "paused"
    assert text(host, ".kcb-remaining") == ""
    button(host, "Resume").click()
    assert last(host, "resume")["value"] is None
    host.state(status="running", flow={"paused": False, "until": None, "stop": ""})
    button(host, "Pause").wait_for()
    wait_text(host, ".kcb-note", "")


def test_progress_stands_still_while_paused(host):
    host.now = state(batches=None, epochs=None, status="running")
    host.start(show=["progress"])
    moving = "document.querySelector('.kcb-bar-fill').getAnimations().length"
    assert host.page.evaluate(moving) == 1
    host.state(status="paused")
    wait_text(host, ".kcb-status", "paused")
    assert host.page.evaluate(moving) == 0


def test_a_step_is_as_many_batches_as_the_field_says(host):
    host.start(show=["controls"])
    batches = field(host, "batches")
    assert batches.input_value() == "1"
    button(host, "Step").click()
    assert last(host, "step")["value"] == 1
    batches.fill("25")
    batches.press("Enter")
    assert last(host, "step")["value"] == 25
    wait_text(host, ".kcb-said", "step: requested 25")
    for wrong in ("0", "1.5", "some", ""):
        batches.fill(wrong)
        batches.press("Enter")
        button(host, "Step").click()
        assert batches.get_attribute("aria-invalid") == "true"
    assert len(host.sent("command")) == 2
    host.state(flow={"paused": False, "until": 340, "stop": ""})
    wait_text(host, ".kcb-note", "pauses at step 340")
    button(host, "Finish epoch").click()
    assert last(host, "finish_epoch")["value"] is None
    host.state(flow={"paused": False, "until": "epoch", "stop": ""})
    wait_text(host, ".kcb-note", "pauses at the end of this epoch")


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("after this epoch", "epoch"),
        ("now, without validation", "batch_unvalidated"),
        ("after this epoch, without validation", "epoch_unvalidated"),
    ],
)
def test_there_are_other_ways_to_stop(host, option, value):
    host.start(show=["controls"])
    assert button(host, option).count() == 0  # folded away
    summary = host.page.locator("summary[aria-label='stop options']")
    summary.focus()
    host.page.keyboard.press("Enter")
    host.page.keyboard.press("Escape")
    assert button(host, option).count() == 0
    host.page.keyboard.press("Enter")
    button(host, option).click()
    assert last(host, "stop")["value"] == value
    assert button(host, option).count() == 0
    # What ends with the epoch has not begun to end: stopping at once is still possible.
    assert button(host, "Stop").count() == (1 if value.startswith("epoch") else 0)


def test_a_stop_after_the_epoch_can_be_hurried(host):
    host.start(show=["controls"])
    host.state(status="stopping", flow={"paused": False, "until": None, "stop": "epoch"})
    wait_text(host, ".kcb-note", "stops after this epoch")
    button(host, "Stop").click()
    assert last(host, "stop")["value"] is None
    assert button(host, "Stopping…").is_disabled()


@pytest.mark.parametrize("name", ["Evaluate", "Snapshot", "Save"])
def test_what_is_done_once_tells_its_outcome(host, name):
    host.start(show=["controls"])
    button(host, name).click()
    command = last(host, name.lower())
    assert command["value"] is None
    wait_text(host, ".kcb-said", f"{name.lower()}: requested")
    answer(host, command, status="refused", step=None, message="there is no room")
    wait_text(host, ".kcb-said", f"{name.lower()}: refused: there is no room")
    assert host.page.locator(".kcb-news[role=status]").count() == 1
    assert host.page.locator(".kcb-outcome[data-phase=refused]").count() == 0


def test_what_cannot_be_done_says_why(host):
    host.now = state(can={"evaluate": "there are no validation data", "save": "no folder was given"})
    host.start(show=["controls"])
    for name, why in (("Evaluate", "there are no validation data"), ("Save", "no folder was given")):
        assert button(host, name).is_disabled()
        assert button(host, name).get_attribute("title") == why
    assert button(host, "Snapshot").is_enabled()
    host.state(status="finished")
    wait_text(host, ".kcb-badge", "run is over")
    for name in ("Pause", "Step", "Finish epoch", "Snapshot", "Stop"):
        assert button(host, name).is_disabled()


def test_the_number_of_epochs_is_a_whole_number(host):
    host.controls = [control(), EPOCHS]
    host.start(show=["controls"])
    assert field(host, "epochs").input_value() == "20"
    field(host, "epochs").fill("29.6")
    field(host, "epochs").press("Enter")
    command = last(host, "epochs")
    assert command["value"] == 30
    answer(host, command, controls=[control(), {**EPOCHS, "value": 30}])
    wait_text(host, ".kcb-said", "epochs: applied at step 320")
    assert field(host, "epochs").input_value() == "30"


# -- controls ----------------------------------------------------------------------------------------------------------


def test_the_learning_rate_has_its_companions_beside_it(host):
    host.controls = [control(), HOLD, TAKE_OVER, FACTOR]
    host.start(show=["controls"])
    row = host.page.get_by_role("group", name="learning_rate", exact=True)
    hold = row.get_by_role("button", name="hold", exact=True)
    assert hold.get_attribute("aria-pressed") == "false"
    hold.click()
    command = last(host, "learning_rate_hold")
    assert command["value"] is True
    assert hold.get_attribute("aria-pressed") == "true"
    wait_text(host, ".kcb-outcome", "hold: requested on")
    answer(host, command, controls=[control(), {**HOLD, "value": True}, TAKE_OVER, FACTOR])
    wait_text(host, ".kcb-outcome", "hold: applied at step 320")
    row.get_by_role("button", name="take over", exact=True).click()
    assert last(host, "learning_rate_take_over")["value"] is True
    slider(host, "learning_rate_factor").focus()
    host.page.keyboard.press("ArrowRight")
    assert last(host, "learning_rate_factor")["value"] == pytest.approx(1.02, abs=0.01)
    assert button(host, "x10").count() == 1


def test_a_value_that_moves_by_itself_comes_with_the_state(host):
    host.controls = [control(enabled=False, reason="a schedule sets it"), TAKE_OVER]
    host.start(show=["controls"])
    host.state(values={"learning_rate": 0.0005})
    host.page.wait_for_function("document.querySelector('.kcb-control .kcb-field').value === '5e-4'")
    wait_text(host, ".kcb-outcome", "a schedule sets it")
    assert button(host, "take over").is_enabled()


def test_other_numbers_can_be_folded_away_and_stay_as_they_were_left(host):
    host.controls = [control(), MOMENTUM, WEIGHT_DECAY]
    host.start("one", show=["controls"])
    unfold(host, "Optimizer: Adam", open=False)
    host.page.wait_for_function("document.querySelectorAll('.kcb-control').length === 1")
    unfold(host, "Optimizer: Adam")
    momentum = slider(host, "momentum")
    assert (momentum.get_attribute("min"), momentum.get_attribute("max")) == ("0", "1")
    title = host.page.get_by_text("momentum", exact=True).get_attribute("title")
    assert title == "momentum (a change recompiles the training step)"
    momentum.focus()
    host.page.keyboard.press("ArrowLeft")
    assert last(host, "momentum")["value"] == 0.895
    host.page.evaluate("stub.unmount('one'); stub.mount('again')")
    slider(host, "momentum").wait_for()
    unfold(host, "Optimizer: Adam", open=False)
    host.page.wait_for_function("document.querySelectorAll('.kcb-control').length === 1")


@pytest.mark.parametrize("typed", ["off", "None", ""])
def test_a_setting_is_switched_off_by_hand(host, typed):
    host.controls = [control(), WEIGHT_DECAY]
    host.start(show=["controls"])
    unfold(host, "Optimizer: Adam")
    field(host, "weight_decay").fill(typed)
    field(host, "weight_decay").press("Enter")
    command = last(host, "weight_decay")
    assert command["value"] is None
    wait_text(host, ".kcb-fold .kcb-outcome", "requested off")
    answer(host, command, controls=[control(), {**WEIGHT_DECAY, "value": None}])
    host.page.wait_for_function("document.querySelector('.kcb-fold .kcb-field').value === 'off'")
    assert button(host, "off").get_attribute("aria-pressed") == "true"
    field(host, "weight_decay").fill("0.01")
    field(host, "weight_decay").press("Enter")
    assert last(host, "weight_decay")["value"] == 0.01
    button(host, "off").click()
    assert last(host, "weight_decay")["value"] is None


def test_a_number_without_ends_has_no_slider(host):
    host.controls = [control(), number("clip", 3.0, max=None, group="user")]
    host.start(show=["controls"])
    assert slider(host, "clip").count() == 0
    field(host, "clip").fill("4")
    field(host, "clip").blur()
    assert last(host, "clip")["value"] == 4
    assert field(host, "learning_rate").is_visible()


def test_what_is_disabled_says_why(host):
    why = "it was 0 when the optimizer was built"
    host.controls = [control(), {**MOMENTUM, "enabled": False, "reason": why}]
    host.start(show=["controls"])
    unfold(host, "Optimizer: Adam")
    wait_text(host, ".kcb-fold .kcb-outcome", why)
    assert slider(host, "momentum").is_disabled()
    assert field(host, "momentum").is_disabled()


def test_layers_exist_only_while_they_are_open_and_can_be_found(host):
    host.controls = [control(), *layers(200), flag("dense.trainable", True, label="trainable", group="layers")]
    host.start(show=["controls"])
    assert host.page.locator(".kcb-control").count() == 1
    unfold(host, "Layers")
    host.page.wait_for_function("document.querySelectorAll('.kcb-layer').length === 201")
    field(host, "filter layers").fill("DROPOUT_19")
    host.page.wait_for_function("document.querySelectorAll('.kcb-layer').length === 11")
    field(host, "dropout_199.rate").fill("0.5")
    field(host, "dropout_199.rate").press("Enter")
    assert last(host, "dropout_199.rate")["value"] == 0.5
    field(host, "filter layers").fill("nowhere")
    host.page.get_by_text("No layer has this in its name.").wait_for()
    unfold(host, "Layers", open=False)
    host.page.wait_for_function("document.querySelectorAll('.kcb-control').length === 1")


def test_few_layers_need_no_filter(host):
    host.controls = [control(), *layers(3)]
    host.start(show=["controls"])
    unfold(host, "Layers")
    slider(host, "dropout_2.rate").wait_for()
    assert host.page.get_by_role("group", name="dropout_1", exact=True).get_by_text("rate").is_visible()
    assert field(host, "filter layers").count() == 0


def test_the_users_own_controls_and_buttons_are_in_sight(host):
    mixing = control(name="mixing", kind="choice", value="mixup", choices=["none", "mixup", "cutmix"], group="user")
    host.controls = [control(), flag("augment", True, group="user"), mixing]
    host.now = state(buttons=[{"name": "show", "label": "Show samples"}, {"name": "shuffle", "label": "Shuffle"}])
    host.start(show=["controls"])
    assert toggle(host, "augment").get_attribute("aria-checked") == "true"
    toggle(host, "augment").click()
    assert last(host, "augment")["value"] is False
    assert toggle(host, "augment").get_attribute("aria-checked") == "false"
    choice = host.page.get_by_role("combobox", name="mixing")
    assert choice.input_value() == "mixup"
    choice.select_option("cutmix")
    assert last(host, "mixing")["value"] == "cutmix"
    button(host, "Show samples").click()
    shown = last(host, "press")
    button(host, "Shuffle").click()
    shuffled = last(host, "press")
    assert (shown["value"], shuffled["value"]) == ("show", "shuffle")
    wait_text(host, ".kcb-yours .kcb-said", "Shuffle: requested")
    answer(host, shuffled, step=7)
    wait_text(host, ".kcb-yours .kcb-said", "Shuffle: applied at step 7")


def test_controls_come_and_go(host):
    host.start(show=["controls"])
    host.state(controls=[control(), number("temperature", 1.0, max=2, group="user"), EPOCHS])
    slider(host, "temperature").wait_for()
    host.state(controls=[number("temperature", 1.0, max=4, group="user")])
    host.page.wait_for_function("document.querySelectorAll('.kcb-control').length === 1")
    assert slider(host, "temperature").get_attribute("max") == "4"
    assert field(host, "epochs").count() == 0
    host.state(controls=[])
    host.page.wait_for_function("document.querySelectorAll('.kcb-control').length === 0")
    assert not host.page.locator(".kcb-yours").is_visible()


# -- snapshots ---------------------------------------------------------------------------------------------------------


def snapshot(identity, step, kind="manual", **more):
    return {
        "id": identity,
        "step": step,
        "epoch": step // 100,
        "kind": kind,
        "metric": "val_loss" if kind == "best" else "",
        "value": 0.31 if kind == "best" else None,
        "bytes": 1_234_000,
        "seconds": 0.01,
        **more,
    }


KEPT = [snapshot("a", 120, "best"), snapshot("b", 250), snapshot("c", 300, "epoch")]


def kept(host, *snapshots, **more):
    host.now = {**host.now, "snapshots": list(snapshots), "snapshot_bytes": 1_234_000 * len(snapshots), **more}


def wait_marks(host, count):
    host.page.wait_for_function("(n) => document.querySelectorAll('.kcb-mark').length === n", arg=count)


def test_snapshots_are_listed_newest_first_and_go_when_they_are_gone(host):
    host.start(show=["snapshots"])
    assert "Nothing is kept yet" in text(host, ".kcb-snapshots")
    kept(host, *KEPT)
    host.state()
    host.page.wait_for_function("document.querySelectorAll('.kcb-kept li').length === 3")
    assert host.page.locator(".kcb-kept-text").all_inner_texts() == [
        "step 300 · epoch 4 · 1.2 MB",
        "step 250 · epoch 3 · by hand · 1.2 MB",
        "step 120 · epoch 2 · best val_loss 0.31 · 1.2 MB",
    ]
    assert "3.7 MB of memory" in text(host, ".kcb-snapshots")
    button(host, "roll back to step 120").click()
    back = last(host, "rollback")
    assert back["value"] == "a"
    wait_text(host, ".kcb-snapshots .kcb-said", "roll back: requested")
    answer(host, back, message="to step 120")
    wait_text(host, ".kcb-snapshots .kcb-said", "roll back: applied at step 320 · to step 120")
    button(host, "forget step 250").click()
    assert last(host, "forget")["value"] == "b"
    kept(host, KEPT[0], KEPT[2])
    host.state()
    host.page.wait_for_function("document.querySelectorAll('.kcb-kept li').length === 2")
    host.state(status="finished")
    host.page.wait_for_function("document.querySelectorAll('.kcb-kept button:disabled').length === 4")


def test_each_of_several_snapshots_has_an_outcome_of_its_own(host):
    kept(host, *KEPT)
    host.start(show=["chart", "snapshots"], series=run_picture())
    open_tab(host, "snapshots")
    button(host, "roll back to step 250").click()
    open_tab(host, "chart")
    wait_marks(host, 3)
    button(host, "snapshot at step 120").click()
    assert text(host, ".kcb-confirm .kcb-said") == ""
    assert button(host, "Roll back").is_enabled()


def test_a_mark_opens_what_asks_before_rolling_back(host):
    kept(host, *KEPT)
    host.start(show=["chart"], series=run_picture())
    wait_marks(host, 3)
    assert host.page.locator("[data-group=accuracy] .kcb-mark").count() == 0
    bar = host.page.get_by_role("group", name="snapshot at step 120", exact=True)
    assert bar.count() == 0
    mark = button(host, "snapshot at step 120")
    assert mark.bounding_box()["width"] == 14
    mark.focus()
    host.page.keyboard.press("Enter")
    assert bar.get_by_text("Snapshot at step 120 · epoch 2 · best val_loss 0.31 · 1.2 MB").is_visible()
    assert host.page.evaluate("document.activeElement.textContent") == "Roll back"
    host.page.keyboard.press("Escape")
    assert bar.count() == 0
    assert host.page.evaluate("document.activeElement.getAttribute('aria-label')") == "snapshot at step 120"
    host.page.keyboard.press("Enter")
    button(host, "Cancel").click()
    assert bar.count() == 0
    assert not host.sent("command")
    mark.click()
    button(host, "Roll back").click()
    command = last(host, "rollback")
    assert command["value"] == "a"
    wait_text(host, ".kcb-confirm .kcb-said", "requested")
    answer(host, command, status="refused", step=None, message="its optimizer is another")
    wait_text(host, ".kcb-confirm .kcb-said", "refused: its optimizer is another")
    button(host, "Roll back").click()
    answer(host, last(host, "rollback"))
    host.page.wait_for_function("document.querySelector('.kcb-confirm').hidden")
    mark.click()
    kept(host)
    host.state()
    host.page.wait_for_function("document.querySelector('.kcb-confirm').hidden")
    wait_marks(host, 0)


def test_marks_can_be_clicked_in_every_plot_but_a_drag_is_a_zoom(host):
    kept(host, snapshot("b", 200))
    host.start(show=["chart"], series=run_picture())
    wait_marks(host, 1)
    area = box(host, "accuracy")
    x, bottom = area["x"] + area["width"] * 0.5, area["y"] + area["height"]
    cursor = "document.querySelector('[data-group=accuracy] .u-over').style.cursor"
    host.page.mouse.move(x + 3, bottom - 60)
    assert host.page.evaluate(cursor) == ""
    host.page.mouse.move(x + 3, bottom - 6)
    assert host.page.evaluate(cursor) == "pointer"
    wait_text(host, ".kcb-place", "snapshot at step 200 · by hand")
    host.page.mouse.down()
    host.page.mouse.move(x + 90, bottom - 6, steps=4)
    host.page.mouse.up()
    host.page.wait_for_function("!document.querySelector('.kcb-reset').disabled")
    assert host.page.locator(".kcb-confirm").is_hidden()
    button(host, "reset zoom").click()
    host.page.wait_for_function("document.querySelector('.kcb-reset').disabled")
    for nudge in itertools.cycle((3, 4)):  # until the whole run is drawn again, with the mark where it was
        host.page.mouse.move(x + nudge, bottom - 6)
        if host.page.evaluate(cursor) == "pointer":
            break
    host.page.mouse.click(x + 3, bottom - 60)
    assert host.page.locator(".kcb-confirm").is_hidden()
    host.page.mouse.click(x + 3, bottom - 6)
    host.page.get_by_role("group", name="snapshot at step 200", exact=True).wait_for()


def test_the_keyboards_cursor_opens_a_snapshot(host):
    kept(host, snapshot("b", 4))
    host.start(show=["chart"], series=run_picture(20, per_epoch=10))
    wait_marks(host, 1)
    host.page.locator("[data-group=accuracy] .kcb-canvas").focus()
    for key in ("Home", "ArrowRight", "ArrowRight", "ArrowRight"):
        host.page.keyboard.press(key)
    wait_text(host, ".kcb-place", "snapshot at step 4 · by hand")
    host.page.keyboard.press("Enter")
    host.page.get_by_role("group", name="snapshot at step 4", exact=True).wait_for()
    host.page.keyboard.press("Enter")
    assert last(host, "rollback")["value"] == "b"


def test_marks_follow_the_zoom_and_are_never_too_many(host):
    kept(host, *(snapshot(f"s{i}", 5 * i + 5) for i in range(60)))
    host.start(show=["chart"], series=run_picture())
    wait_marks(host, 40)
    kept(host, *KEPT)
    host.state()
    wait_marks(host, 3)
    drag_zoom(host, left=0.5, right=0.7)
    wait_marks(host, 1)
    area, mark = box(host, "loss"), button(host, "snapshot at step 250").bounding_box()
    assert area["x"] + 0.55 * area["width"] < mark["x"] < area["x"] + 0.75 * area["width"]


def test_a_mark_is_a_shape_at_the_bottom_filled_for_the_best(host):
    # In the text's own colour; the axis' labels are outside.
    inside = {"x": [0.45, 0.6], "y": [0.7, 0.86]}
    kept(host, snapshot("b", 200))
    host.start(show=["chart"], series=run_picture())
    wait_marks(host, 1)
    wait_pixels(host, "loss", "--kcb-fg", 10, **inside)
    hollow = pixels(host, "loss", "--kcb-fg", **inside)
    kept(host, snapshot("a", 200, "best"))
    host.state()
    wait_pixels(host, "loss", "--kcb-fg", hollow + 15, **inside)


# -- what happened -----------------------------------------------------------------------------------------------------


def event(kind, step=200, name="", old=None, new=None, source="", message=""):
    told = {"kind": kind, "step": step, "name": name, "old": old, "new": new, "source": source, "message": message}
    return {**told, "epoch": 2, "time": 2.0}


@pytest.mark.parametrize(
    ("told", "expected"),
    [
        (
            event("applied", name="dense.trainable", old=True, new=False, source="board"),
            "dense.trainable on → off · board",
        ),
        (event("applied", name="mixing", old="none", new="mixup", source="python"), "mixing none → mixup · python"),
        (event("held", name="learning_rate", old=0.1, new=0.01), "learning_rate held at 0.01"),
        (event("refused", name="snapshot", source="board", message="no room"), "snapshot refused · no room · board"),
        (event("paused", name="paused", source="board"), "paused · board"),
        (event("resumed", source="python"), "resumed · python"),
        (event("snapshot", new="a", message="best val_loss"), "snapshot · best val_loss"),
        (event("rollback", old=300, new="a", source="board", message="to step 120"), "rolled back to step 120 · board"),
        (event("saved", message="run.keras"), "saved · run.keras"),
        (event("saved", name="save", new="a/b.keras", message="3 MiB"), "saved a/b.keras · 3 MiB"),
        (event("evaluated", name="val_loss", new=0.25), "evaluated: val_loss 0.25"),
        (event("evaluated", message="val_loss 0.25"), "evaluated · val_loss 0.25"),
        (event("guard", name="loss", message="loss is not finite"), "guard loss · loss is not finite"),
        (
            event("error", name="Own", new="on_epoch_end", source="Own", message="on_epoch_end raised ValueError"),
            "error Own · on_epoch_end raised ValueError",
        ),
        (event("recompiled", message="1.2 s"), "training step recompiled · 1.2 s"),
        (event("trigger", name="at epoch 3", message="halved"), "trigger at epoch 3 · halved"),
    ],
)
def test_events_read_as_sentences(host, told, expected):
    host.start(show=["events"], events=[told])
    assert text(host, ".kcb-list li") == f"step 200 · {expected}"


@pytest.mark.parametrize(
    ("kind", "color"),
    [("held", "--kcb-event"), ("rollback", "--kcb-event"), ("guard", "--kcb-bad"), ("evaluated", "--kcb-val")],
)
def test_what_happened_is_marked_at_the_top(host, kind, color):
    top = {"x": [0.45, 0.65], "y": [0, 0.1]}
    host.start(show=["chart"], series=run_picture())
    wait_pixels(host, "loss", "--kcb-train", 100)
    assert pixels(host, "loss", color, **top) == 0
    host.set(events=[event(kind)])
    wait_pixels(host, "loss", color, 8, **top)


def test_a_pause_is_marked(host):
    host.start(show=["chart"], series=run_picture())
    wait_pixels(host, "loss", "--kcb-train", 100)
    before = pixels(host, "loss", "--kcb-muted", x=[0.45, 0.65], y=[0, 0.1])
    host.set(events=[event("paused")])
    wait_pixels(host, "loss", "--kcb-muted", before + 10, x=[0.45, 0.65], y=[0, 0.1])


# -- branches ----------------------------------------------------------------------------------------------------------


def around(host, group, steps, values, span, last=400):
    """The part of a plot's canvas between two steps and two values, ``span`` being what the curves reach over."""
    area, canvas = box(host, group), host.page.locator(f"[data-group={group}] canvas").bounding_box()
    low, high = span[0] - 0.06 * (span[1] - span[0]), span[1] + 0.06 * (span[1] - span[0])
    margin = 0.008 * (last - 1)
    left, right = ((step - 1 + margin) / (last - 1 + 2 * margin) for step in steps)
    bottom, top = ((high - value) / (high - low) for value in values)
    x = [(area["x"] - canvas["x"] + share * area["width"]) / canvas["width"] for share in (left, right)]
    y = [(area["y"] - canvas["y"] + share * area["height"]) / canvas["height"] for share in (top, bottom)]
    return {"x": x, "y": y}


def smoothed(values, keep=0.9, start=(0.0, 0.0)):
    total, weight = start
    for value in values:
        total, weight = keep * total + (1 - keep) * value, keep * weight + (1 - keep)
    return total, weight


def test_what_a_rollback_left_behind_is_faint(host):
    host.start(show=["chart"], series=branched_picture((120, 200)))
    wait_pixels(host, "loss", "--kcb-train", 100)
    span = (2.0, 3.5)
    for steps, bold in (((20, 115), True), ((150, 195), False), ((300, 390), True)):
        value = 3.0 if steps[0] < 200 else 2.0
        part = around(host, "loss", steps, (value - 0.05, value + 0.05), span)
        assert (pixels(host, "loss", "--kcb-train", **part) > 30) == bold
        assert pixels(host, "loss", "--kcb-train", **part, alpha=FAINT) > 30
    part = around(host, "loss", (155, 195), (3.45, 3.55), span)
    assert pixels(host, "loss", "--kcb-val", **part) == 0
    assert pixels(host, "loss", "--kcb-val", **part, alpha=FAINT) > 20
    # The tie between them is dotted, neither empty nor a line.
    tie = around(host, "loss", (125, 195), (2.1, 2.9), span)
    host.page.get_by_role("slider", name="smoothing").fill("0")
    wait_pixels(host, "loss", "--kcb-train", 15, 120, **tie)


def test_a_branch_has_no_legend_of_its_own_and_is_hidden_with_its_curve(host):
    host.start(show=["chart"], series=branched_picture((120, 200)))
    wait_pixels(host, "loss", "--kcb-val", 50)
    assert host.page.locator("[data-group=loss] .kcb-key").count() == 3
    part = around(host, "loss", (155, 195), (3.45, 3.55), (2.0, 3.5))
    assert pixels(host, "loss", "--kcb-val", **part, alpha=FAINT) > 20
    host.page.locator("[data-group=loss]").get_by_role("button", name="val_loss").click()
    wait_pixels(host, "loss", "--kcb-val", 0, 0)
    assert pixels(host, "loss", "--kcb-val", alpha=FAINT) == 0


def test_smoothing_goes_on_from_where_the_run_went_back_to(host):
    host.start(show=["chart"], series=branched_picture((120, 200), steps=210))
    total, weight = smoothed([2.0] * 10, start=smoothed([3.0] * 120))
    wait_value(host, "loss", "smooth", f"{total / weight:.5f}")


def test_the_latest_value_is_that_of_the_present_model(host):
    # Rolled back, and not a batch trained since.
    host.start(show=["chart"], series=branched_picture((60, 200), (120, 300), steps=300))
    wait_pixels(host, "loss", "--kcb-train", 50)
    # Step 120 is on the stretch that the first rollback had left: it leads to the present model again.
    assert value_of(host, "loss", "val") == "3.50000"
    assert value_of(host, "loss", "raw") == "3.00000"
    bold = around(host, "loss", (20, 115), (2.95, 3.05), (2.0, 3.5), last=300)
    assert pixels(host, "loss", "--kcb-train", **bold) > 50
    faint = around(host, "loss", (230, 290), (1.95, 2.05), (2.0, 3.5), last=300)
    assert pixels(host, "loss", "--kcb-train", **faint) == 0
    assert pixels(host, "loss", "--kcb-train", **faint, alpha=FAINT) > 20


def test_two_rollbacks_in_a_row_count_as_the_later(host):
    host.start(show=["chart"], series=branched_picture((60, 200), (150, 200)))
    wait_pixels(host, "loss", "--kcb-train", 50)
    part = around(host, "loss", (80, 145), (2.95, 3.05), (1.0, 3.5))
    assert pixels(host, "loss", "--kcb-train", **part) > 30


def test_nonsense_among_the_branches_is_no_branch(host):
    table = {"name": "batches", "end": np.arange(1, 101), "series": [series("loss", "train", np.ones(100))]}
    wrong = [{"from": 50, "to": 20}, {"from": "x", "to": None}, 7, None, {}]
    host.start(show=["chart"], series=encode([table], last=100, branches=wrong))
    wait_value(host, "loss", "raw", "1.00000")
    wait_pixels(host, "loss", "--kcb-train", 200)


# -- evaluations and plans ---------------------------------------------------------------------------------------------


def test_an_evaluation_is_a_hollow_triangle(host):
    end = np.arange(1, 101)
    tables = [
        {"name": "batches", "end": end, "series": [series("loss", "train", np.ones(100))]},
        {"name": "evaluations", "end": [50], "series": [series("val_loss", "eval", [2.0], "val_loss, evaluated")]},
    ]
    host.start(show=["chart"], series=encode(tables, last=100))
    wait_value(host, "loss", "eval", "2.00000")
    wait_pixels(host, "loss", "--kcb-val", 8, 60)
    part = around(host, "loss", (40, 60), (1.8, 2.05), (1.0, 2.0), last=100)
    assert pixels(host, "loss", "--kcb-val", **part) > 8


def planned(now=100, until=1000):
    end, ahead = np.arange(1, now + 1), np.arange(now + 5, until, 5)
    return encode(
        [
            {"name": "batches", "end": end, "series": [series("loss", "train", np.ones(now))]},
            {"name": "learning_rate", "end": end, "series": [series("learning_rate", "control", 0.1 * 0.99**end)]},
            {"name": "plan", "end": ahead, "series": [series("learning_rate", "plan", 0.1 * 0.99**ahead, "planned")]},
        ],
        last=now,
    )


def test_a_plan_goes_on_from_now_and_leaves_the_run_its_room(host):
    host.start(show=["chart"], series=planned())
    wait_pixels(host, "learning_rate", "--kcb-control", 100)
    assert host.page.locator("[data-group=learning_rate]").count() == 1
    # Nine tenths of the plan lie beyond: the run keeps most of the width.
    measured, ahead = ([0.1, 0.85], [0.9, 0.985])
    assert pixels(host, "learning_rate", "--kcb-control", x=ahead) > 5
    solid = pixels(host, "learning_rate", "--kcb-control", x=[0.75, 0.835])
    assert pixels(host, "learning_rate", "--kcb-control", x=ahead) < solid
    assert pixels(host, "loss", "--kcb-train", x=measured) > 200
    assert pixels(host, "loss", "--kcb-train", x=[0.92, 1]) == 0
    assert value_of(host, "learning_rate", "plan") == ""
    host.page.locator("[data-group=learning_rate] .kcb-canvas").press("End")
    wait_value(host, "learning_rate", "plan", f"{np.float32(0.1 * 0.99**110):.7g}")
    wait_text(host, ".kcb-place", "step 110")


def test_a_plan_that_ends_soon_is_shown_whole(host):
    host.start(show=["chart"], series=planned(until=109))
    wait_pixels(host, "loss", "--kcb-train", 10, x=[0.92, 0.94])


def test_each_setting_has_a_strip_of_its_own(host):
    end = np.arange(1, 101)
    two = [
        series("learning_rate", "control", 0.1 * 0.99**end),
        series("momentum", "control", np.where(end > 50, 0.9, 0.8)),
    ]
    tables = [
        {"name": "batches", "end": end, "series": [series("loss", "train", np.ones(100))]},
        {"name": "learning_rate", "end": end, "series": two},
    ]
    host.controls = [control(), MOMENTUM]
    host.start(show=["chart"], series=encode(tables, last=100))
    wait_value(host, "momentum", "control", "0.9")
    assert host.page.locator(".kcb-strip").count() == 2


# -- looks -------------------------------------------------------------------------------------------------------------


TOO_WIDE = """() => { const { left, right } = document.querySelector(".kcb-board").getBoundingClientRect();
    return [...document.querySelectorAll(".kcb-board *")]
        .filter((one) => one.checkVisibility() && !one.closest(".kcb-canvas, .kcb-scroller, .kcb-tabs"))
        .filter((one) => one.getBoundingClientRect().right > right || one.getBoundingClientRect().left < left)
        .map((one) => one.outerHTML.slice(0, 80)); }"""


def everything(host):
    """A board with all that there can be."""
    mixing = control(name="mixing", kind="choice", value="mixup", choices=["none", "mixup"], group="user")
    off = {**MOMENTUM, "name": "rho", "enabled": False, "reason": "it was 0 when the optimizer was built"}
    own = [number("temperature", 1.0, max=2, group="user"), flag("augment", True, group="user"), mixing]
    companions = [{**HOLD, "value": True}, TAKE_OVER, FACTOR, EPOCHS]
    host.controls = [control(), *companions, MOMENTUM, WEIGHT_DECAY, off, *layers(15), *own]
    kept(host, *KEPT, buttons=[{"name": "show", "label": "Show samples"}])
    kinds = ("applied", "held", "snapshot", "evaluated", "paused", "rollback", "guard")
    host.start(series=branched_picture((120, 200)), events=[event(kind, 40 * i) for i, kind in enumerate(kinds)])
    host.answer_hello()
    wait_marks(host, 3)
    open_tab(host, "controls")
    for title in ("Optimizer: Adam", "Layers"):
        unfold(host, title)
    slider(host, "dropout_14.rate").wait_for()
    open_tab(host, "chart")
    wait_marks(host, 3)


def test_nothing_is_wider_than_a_narrow_board(host):
    host.page.set_viewport_size({"width": 452, "height": 900})
    everything(host)
    button(host, "snapshot at step 120").click()
    host.page.locator("summary[aria-label='stop options']").click()
    button(host, "after this epoch").wait_for()
    assert host.page.evaluate(TOO_WIDE) == []
    for tab in each_tab(host):
        assert host.page.evaluate(TOO_WIDE) == [], tab
        assert host.page.evaluate("document.documentElement.scrollWidth") <= 452


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_can_be_read(host, theme):
    host.page.evaluate("(light) => { document.body.dataset.jpThemeLight = light; }", str(theme == "light").lower())
    host.page.evaluate("(color) => { document.body.style.background = color; }", "#fff" if theme == "light" else "#111")
    everything(host)
    button(host, "snapshot at step 120").click()
    host.page.locator("summary[aria-label='stop options']").click()
    for status in ("running", "paused"):
        host.state(status=status)
        wait_text(host, ".kcb-status", status)
        assert host.page.evaluate(CONTRASTS) == []
    for tab in each_tab(host):
        assert host.page.evaluate(CONTRASTS) == [], tab


def test_every_part_has_a_name(host):
    everything(host)
    for tab in each_tab(host):
        nameless = host.page.evaluate(
            """() => [...document.querySelectorAll(".kcb-board :is(button, input, select, summary)")]
                .filter((one) => !one.getAttribute("aria-label") && !one.textContent.trim() && !one.closest("label"))
                .map((one) => one.outerHTML)"""
        )
        assert nameless == [], tab


def test_news_leaves_alone_what_is_in_use(host):
    everything(host)
    open_tab(host, "controls")
    host.page.evaluate("window.before = [...document.querySelectorAll('.kcb-controls *, .kcb-steering *')]")
    field(host, "momentum").focus()
    host.page.keyboard.type("5")
    for step in range(316, 330):
        host.state(step=step, values={"learning_rate": step / 1e6}, controls=[dict(each) for each in host.controls])
    host.page.wait_for_function("document.querySelector('.kcb-control .kcb-field').value === '3.29e-4'")
    assert host.page.evaluate("before.every((one) => one.isConnected)")
    assert field(host, "momentum").evaluate("(one) => one === document.activeElement")
    assert field(host, "momentum").input_value().endswith("5")

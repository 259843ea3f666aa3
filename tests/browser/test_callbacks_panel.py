"""Keras's callbacks and hooks in the browser: their cards, what can be changed, and where the time goes."""

# ruff: noqa: F401, F811 - fixtures are asked for by name
from __future__ import annotations

import numpy as np
import pytest
from cards import CUTTING, ON, OWN, SAVING, STEERED, STOPPING, of_callback
from host import (
    CONTRASTS,
    bundle,
    card,
    control,
    each_tab,
    encode,
    field,
    host,
    open_tab,
    pixels,
    plain_page,
    series,
    state,
    text,
    value_of,
    wait_pixels,
    wait_text,
    wait_value,
)

pytestmark = pytest.mark.browser


HOOKS = {
    "rows": [
        {"name": "on_train_batch_begin", "phase": "train", "count": 188, "keys": [], "seconds": 0.0004},
        {
            "name": "on_train_batch_end",
            "phase": "train",
            "count": 188,
            "keys": ["accuracy", "loss"],
            "seconds": 1.5,
        },
    ],
    "trace": ["on_epoch_begin", "on_train_batch_begin/end \u00d7188", "on_epoch_end"],
    "epoch": {
        "total": 10.0,
        "parts": [
            {"name": "data", "seconds": 7.1},
            {"name": "step", "seconds": 2.0},
            {"name": "validation", "seconds": 0.5},
            {"name": "Shouter", "seconds": 0.25},
            {"name": "other", "seconds": 0.15},
        ],
    },
    "bound": "input-bound: 71 % of the epoch was spent waiting for data",
}


def group(host, name):
    return host.page.get_by_role("group", name=name, exact=True)


def button(host, name):
    return host.page.get_by_role("button", name=name, exact=True)


def answer(host, command, status="applied", message=""):
    said = {"id": command["id"], "name": command["name"], "status": status, "step": 320, "message": message}
    host.state(commands=[*host.now["commands"], said])


def everything(host):
    host.controls = [*STEERED, of_callback("Shouter.on", True, kind="flag")]
    failed = {"hook": "on_epoch_end", "message": "ValueError: too loud"}
    path = {"label": "path", "value": "/a/long/way/" * 12 + "{epoch:02d}-{val_loss:.3f}.keras"}
    host.callbacks = [STOPPING, CUTTING, {**SAVING, "facts": [path]}, {**OWN, "error": failed}]
    host.hooks = HOOKS
    host.start(series=measured())
    host.answer_hello()
    open_tab(host, "hooks")
    host.page.get_by_role("table", name="hooks", exact=True).wait_for()
    open_tab(host, "callbacks")
    group(host, "EarlyStopping").locator("summary").click()
    host.page.get_by_role("table", name="hooks of EarlyStopping", exact=True).wait_for()


# -- cards -------------------------------------------------------------------------------------------------------------


def test_where_there_are_no_callbacks_the_panels_say_so(host):
    host.start()
    assert host.page.locator("[data-tab=callbacks] .kcb-count").is_hidden()
    open_tab(host, "callbacks")
    assert host.page.get_by_text("fit was given no other callbacks.").is_visible()
    open_tab(host, "hooks")
    assert host.page.get_by_text("No hook of Keras was called yet.").is_visible()


def test_an_older_python_has_no_such_panels(host):
    host.callbacks = host.hooks = None
    host.start()
    for tab in each_tab(host):
        assert "".join(host.page.locator(".kcb-error").all_inner_texts()) == "", tab


def test_cards_are_counted_on_their_tab_and_exist_only_while_they_are_looked_at(host):
    host.callbacks = [STOPPING]
    host.start("one")
    assert text(host, "[data-tab=callbacks] .kcb-count") == "1"
    assert host.page.locator(".kcb-card").count() == 0
    open_tab(host, "callbacks")
    host.page.wait_for_function("document.querySelectorAll('.kcb-card').length === 1")
    host.set(callbacks=[STOPPING, OWN])
    wait_text(host, "[data-tab=callbacks] .kcb-count", "2")
    host.page.evaluate("stub.unmount('one'); stub.mount('again')")
    assert host.page.locator(".kcb-card").count() == 2
    open_tab(host, "chart")
    assert host.page.locator(".kcb-card").count() == 0


def test_a_tab_is_marked_where_something_in_it_wants_attention(host):
    host.callbacks = [OWN]
    host.start()
    marked = "[...document.querySelectorAll('.kcb-wanted')].map((one) => one.dataset.tab).join()"
    assert host.page.evaluate(marked) == ""
    host.set(callbacks=[{**OWN, "error": {"hook": "on_epoch_end", "message": "ValueError: too loud"}}])
    host.page.wait_for_function(f"{marked} === 'callbacks'")
    assert host.page.locator("[data-tab=callbacks]").get_attribute("title") == "ValueError: too loud"
    host.set(hooks=HOOKS)
    host.page.wait_for_function(f"{marked} === 'callbacks,hooks'")
    wrong = {"step": 3, "epoch": 0, "time": 1.0, "kind": "error", "name": "x", "source": "x", "message": "no"}
    host.set(events=[wrong])
    host.page.wait_for_function(f"{marked} === 'callbacks,hooks,events'")
    open_tab(host, "events")
    open_tab(host, "chart")
    assert host.page.evaluate(marked) == "callbacks,hooks"
    host.set(events=[wrong, {**wrong, "kind": "warning"}])
    host.page.wait_for_function(f"{marked} === 'callbacks,hooks,events'")


def test_a_card_says_what_a_callback_watches_and_will_do(host):
    host.callbacks = [STOPPING]
    host.start(show=["callbacks"])
    it = group(host, "EarlyStopping")
    assert it.locator("dt").all_inner_texts() == ["monitor", "mode"]
    assert it.locator("dd").all_inner_texts() == ["val_loss", "min"]
    meter = it.get_by_role("meter", name="EarlyStopping")
    assert "3 of 5" in meter.get_attribute("aria-valuetext")
    assert (meter.get_attribute("aria-valuenow"), meter.get_attribute("aria-valuemax")) == ("3", "5")
    assert it.get_by_text("patience 3 of 5").is_visible()
    assert it.get_by_text("stops in 2 epochs unless val_loss falls below 0.3").is_visible()
    host.set(callbacks=[{**STOPPING, "gauge": {"label": "patience", "used": 5, "of": 5}, "says": "stops now"}])
    it.get_by_text("patience 5 of 5").wait_for()
    assert it.get_by_text("stops now").is_visible()


def test_no_patience_at_all_is_no_unknown_length(host):
    host.callbacks = [{**STOPPING, "gauge": {"label": "patience", "used": 0, "of": 0}}]
    host.start(show=["callbacks"])
    assert group(host, "EarlyStopping").get_by_text("patience 0 of 0").is_visible()
    assert host.page.locator(".kcb-unknown").count() == 0


def test_a_callback_is_steered_on_its_card(host):
    host.controls = STEERED
    host.callbacks = [STOPPING, CUTTING]
    host.start(show=["controls", "callbacks"])
    assert host.page.locator(".kcb-rates .kcb-control").count() == 1
    open_tab(host, "callbacks")
    it = group(host, "EarlyStopping")
    assert it.locator(".kcb-name:not(:empty)").all_inner_texts() == [
        "patience",
        "min_delta",
        "baseline",
        "restore_best_weights",
    ]
    field(host, "EarlyStopping.patience").fill("10")
    field(host, "EarlyStopping.patience").press("Enter")
    (asked,) = host.wait_sent("command", name="EarlyStopping.patience")
    assert asked["value"] == 10
    on = host.page.get_by_role("switch", name="EarlyStopping.on", exact=True)
    assert on.get_attribute("aria-checked") == "true"
    on.click()
    assert host.wait_sent("command", name="EarlyStopping.on")[0]["value"] is False
    answer(host, asked)
    it.get_by_text("applied at step 320").wait_for()
    host.state(controls=[control(), {**ON, "value": False}])
    host.page.wait_for_function("document.querySelectorAll('.kcb-callbacks .kcb-control').length === 1")


def test_an_action_tells_its_outcome_on_its_own_card(host):
    host.callbacks = [CUTTING, SAVING]
    host.start(show=["callbacks"])
    button(host, "Cut now").click()
    (command,) = host.wait_sent("command", name="act")
    assert command["value"] == "ReduceLROnPlateau.cut"
    said = group(host, "ReduceLROnPlateau").get_by_role("status")
    said.get_by_text("Cut now: requested").wait_for()
    answer(host, command, message="0.01 → 0.002")
    said.get_by_text("Cut now: applied at step 320 · 0.01 → 0.002").wait_for()
    button(host, "Save now").click()
    assert host.wait_sent("command", count=2, name="act")[-1]["value"] == "ModelCheckpoint.save"
    assert group(host, "ModelCheckpoint").get_by_role("status").inner_text() == "Save now: requested"
    assert said.inner_text() == "Cut now: applied at step 320 · 0.01 → 0.002"


def test_files_are_loaded_by_their_id_newest_first(host):
    host.callbacks = [SAVING]
    host.start(show=["callbacks"])
    assert host.page.locator(".kcb-kept-text").all_inner_texts() == [
        "02.weights.h5 · weights · epoch 2 · val_loss 0.41 · 400 KB",
        "01.keras · model · epoch 1 · 1.2 MB",
    ]
    button(host, "load 01.keras").click()
    (command,) = host.wait_sent("command", name="act")
    assert command["value"] == "ModelCheckpoint.load:f1"
    answer(host, command, status="refused", message="the file is gone")
    said = group(host, "ModelCheckpoint").get_by_role("status")
    said.get_by_text("load 01.keras: refused: the file is gone").wait_for()
    assert button(host, "load weights 02.weights.h5").count() == 0
    button(host, "load weights 01.keras").click()
    command = host.wait_sent("command", count=2, name="act")[-1]
    assert command["value"] == "ModelCheckpoint.load_weights:f1"
    answer(host, command)
    said.get_by_text("load weights 01.keras: applied at step 320").wait_for()
    host.state(status="finished")
    host.page.wait_for_function("document.querySelectorAll('.kcb-card button:disabled').length === 4")


def test_calls_and_what_was_printed_can_be_read(host):
    host.callbacks = [STOPPING, OWN]
    host.start(show=["callbacks"])
    it = group(host, "EarlyStopping")
    assert it.get_by_role("table").count() == 0
    it.locator("summary").press("Enter")
    table = host.page.get_by_role("table", name="hooks of EarlyStopping")
    table.wait_for()
    assert [each.split() for each in table.get_by_role("row").all_inner_texts()] == [
        ["hook", "calls", "time"],
        ["on_epoch_end", "4", "2.10", "ms"],
        ["on_train_begin", "1", "\u2013"],
    ]
    printed = host.page.get_by_role("region", name="printed by Shouter")
    end = "(one) => one.scrollHeight > one.clientHeight && one.scrollTop + one.clientHeight >= one.scrollHeight - 4"
    assert printed.evaluate(end)
    host.set(callbacks=[STOPPING, {**OWN, "printed": OWN["printed"] + "<b>LOUD</b>\n"}])
    printed.get_by_text("<b>LOUD</b>").wait_for()
    assert printed.evaluate(end)
    printed.focus()
    host.page.keyboard.press("Home")
    host.page.wait_for_function("document.querySelector('.kcb-printed:focus').scrollTop === 0")
    host.set(callbacks=[STOPPING, {**OWN, "printed": OWN["printed"] + "more\n"}])
    host.page.wait_for_function("document.querySelector('.kcb-printed:focus').textContent.endsWith('more\\n')")
    assert printed.evaluate("(one) => one.scrollTop") == 0
    assert group(host, "EarlyStopping").locator(".kcb-printed").is_hidden()


def test_a_failure_is_called_out(host):
    host.callbacks = [OWN]
    host.start(show=["callbacks"])
    alert = group(host, "Shouter").locator("[role=alert]")
    alert.wait_for(state="attached")
    assert alert.is_hidden()
    host.set(callbacks=[{**OWN, "error": {"hook": "on_epoch_end", "message": "ValueError: too <loud>"}}])
    alert.get_by_text("on_epoch_end failed: ValueError: too <loud>").wait_for()


def test_cards_come_and_go_in_order(host):
    host.callbacks = [CUTTING]
    host.start(show=["callbacks"])
    button(host, "Cut now").focus()
    host.set(callbacks=[STOPPING, card("EarlyStopping 2"), CUTTING])
    host.page.wait_for_function("document.querySelectorAll('.kcb-card').length === 3")
    names = "[...document.querySelectorAll('.kcb-card')].map((one) => one.getAttribute('aria-label'))"
    assert host.page.evaluate(names) == ["EarlyStopping", "EarlyStopping 2", "ReduceLROnPlateau"]
    assert host.page.evaluate("document.activeElement.textContent") == "Cut now"
    host.set(callbacks=[])
    host.page.get_by_text("fit was given no other callbacks.").wait_for()
    assert host.page.locator(".kcb-card").count() == 0


# -- hooks -------------------------------------------------------------------------------------------------------------


def test_what_holds_the_run_up_is_said_first(host):
    host.hooks = HOOKS
    host.start(show=["hooks"])
    bound = host.page.get_by_text(HOOKS["bound"])
    assert bound.is_visible()
    host.set(hooks={**HOOKS, "bound": ""})
    bound.wait_for(state="hidden")


def test_hooks_have_counts_keys_times_and_an_order(host):
    host.hooks = HOOKS
    host.start(show=["hooks"])
    table = host.page.get_by_role("table", name="hooks", exact=True)
    table.wait_for()
    cells = table.get_by_role("row").last.locator("th, td").all_inner_texts()
    assert cells == ["on_train_batch_end", "188", "1.50 s", "accuracy, loss"]
    trace = host.page.get_by_role("list", name="the latest hooks, oldest first")
    assert trace.get_by_role("listitem").all_inner_texts() == HOOKS["trace"]
    host.set(hooks={**HOOKS, "rows": HOOKS["rows"][:1], "trace": ["on_epoch_end"]})
    host.page.wait_for_function("document.querySelectorAll('.kcb-trace li').length === 1")
    assert table.get_by_role("row").count() == 2


def test_the_time_of_an_epoch_is_a_bar_with_numbers_and_words(host):
    host.hooks = HOOKS
    host.start(show=["hooks"])
    bar = host.page.get_by_role("img", name="the last epoch took 10.0 s: data 7.10 s, 71 %")
    whole = bar.bounding_box()["width"]
    widths = [each.bounding_box()["width"] / whole for each in bar.locator("span").all()]
    assert widths == pytest.approx([0.71, 0.2, 0.05, 0.025, 0.015], abs=0.02)
    legend = host.page.get_by_role("list", name="the last epoch's wall time")
    assert legend.get_by_role("listitem").all_inner_texts()[:2] == ["1data 7.10 s, 71 %", "2step 2.00 s, 20 %"]
    assert bar.locator("b").all_inner_texts() == ["1", "2", "3", "4", "5"]
    host.set(hooks={**HOOKS, "epoch": None})
    bar.wait_for(state="hidden")


# -- the best value in the chart ---------------------------------------------------------------------------------------


def measured():
    end, epochs = np.arange(1, 201), np.array([50, 100, 150, 200])
    return encode(
        [
            {"name": "batches", "end": end, "series": [series("loss", "train", 2 - end / 200)]},
            {"name": "epochs", "end": epochs, "series": [series("val_loss", "val", [2.0, 0.5, 1.5, 1.5])]},
        ],
        last=200,
    )


def near(value, first, last, span=(0.5, 2.0)):
    """Where a value between two steps stands in the canvas; the plot's top is 8 px down, its bottom 26 px up."""
    low, high = span[0] - 0.06 * (span[1] - span[0]), span[1] + 0.06 * (span[1] - span[0])
    at = (8 + (high - value) / (high - low) * (190 - 26 - 8)) / 190
    return {"x": [first / 200 * 0.9 + 0.07, last / 200 * 0.9 + 0.07], "y": [at - 0.02, at + 0.02]}


FILL = [20, 60]


def test_the_best_value_is_a_line_from_its_step_on(host):
    host.start(show=["chart"], series=measured())
    wait_pixels(host, "loss", "--kcb-val", 50)
    after, before = near(0.5, 140, 190), near(0.5, 10, 60)
    assert pixels(host, "loss", "--kcb-val", **after) == 0
    host.set(callbacks=[{**STOPPING, "best": {**STOPPING["best"], "band": 0}}])
    wait_pixels(host, "loss", "--kcb-val", 20, **after)
    assert pixels(host, "loss", "--kcb-val", **before) == 0
    host.page.locator("[data-group=loss]").get_by_role("button", name="val_loss").click()
    wait_pixels(host, "loss", "--kcb-val", 0, 0, **after)
    host.page.locator("[data-group=loss]").get_by_role("button", name="val_loss").click()
    wait_pixels(host, "loss", "--kcb-val", 20, **after)
    host.set(callbacks=[])
    wait_pixels(host, "loss", "--kcb-val", 0, 0, **after)


@pytest.mark.parametrize("mode", ["min", "max"])
def test_the_band_lies_where_better_values_would(host, mode):
    best = {**STOPPING["best"], "value": 1.0, "step": 50, "band": 0.3}
    facts = [{"label": "mode", "value": mode}]
    host.callbacks = [{**STOPPING, "best": best, "facts": facts}]
    host.start(show=["chart"], series=measured())
    better, worse = (0.85, 1.15) if mode == "min" else (1.15, 0.85)
    wait_pixels(host, "loss", "--kcb-val", 100, **near(better, 160, 190), alpha=FILL)
    assert pixels(host, "loss", "--kcb-val", **near(worse, 160, 190), alpha=FILL) < 20


def test_callbacks_that_agree_share_a_line(host):
    other = {**STOPPING["best"], "band": 0.01}  # the same value, and another min_delta
    host.callbacks = [STOPPING, {**CUTTING, "best": other}, {**SAVING, "best": None}]
    best = {"metric": "val_loss", "value": 0.5, "epoch": 1, "step": 100, "direction": "min"}
    host.now = state(bests=[best])
    host.start(show=["chart"], series=measured())
    wait_text(host, "[data-group=loss] .kcb-plot-best", "best val_loss 0.5 · epoch 2")
    told = host.page.locator("[data-group=loss] .kcb-plot-best").get_attribute("title")
    assert told == (
        "the least val_loss at the end of an epoch: 0.500000 in epoch 2, step 100; "
        "best val_loss 0.500000, as EarlyStopping and ReduceLROnPlateau saw it"
    )


@pytest.mark.parametrize("value", ["inf", "nan", None])
def test_what_is_no_number_yet_has_no_line(host, value):
    host.callbacks = [{**STOPPING, "best": {**STOPPING["best"], "value": value, "step": None}}]
    host.start(show=["chart"], series=measured())
    wait_pixels(host, "loss", "--kcb-val", 50)
    assert pixels(host, "loss", "--kcb-val", **near(0.5, 140, 190)) == 0
    assert text(host, "[data-group=loss] .kcb-plot-best") == ""


def test_a_line_stays_within_a_logarithmic_plot(host):
    host.callbacks = [{**STOPPING, "best": {**STOPPING["best"], "band": 1.0}}]
    host.start(show=["chart"], series=measured())
    wait_pixels(host, "loss", "--kcb-val", 50, **near(0.5, 140, 190))
    host.page.locator(".kcb-toolbar").get_by_role("button", name="log y").click()
    wait_pixels(host, "loss", "--kcb-val", 50, y=[0.02, 0.86])
    assert pixels(host, "loss", "--kcb-val", y=[0.9, 1]) == 0


# -- looks -------------------------------------------------------------------------------------------------------------


def test_nothing_is_wider_than_a_narrow_board(host):
    host.page.set_viewport_size({"width": 452, "height": 900})
    everything(host)
    for tab in each_tab(host):
        too_wide = host.page.evaluate(
            """() => { const { left, right } = document.querySelector(".kcb-board").getBoundingClientRect();
                return [...document.querySelectorAll(".kcb-board *")]
                    .filter((one) => one.checkVisibility() && !one.closest(".kcb-canvas, .kcb-scroller, .kcb-tabs"))
                    .filter((one) => {
                        const box = one.getBoundingClientRect();
                        return box.right > right || box.left < left;
                    })
                    .map((one) => one.outerHTML.slice(0, 80)); }"""
        )
        assert too_wide == [], tab
    assert host.page.evaluate("document.documentElement.scrollWidth") <= 452


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_everything_can_be_read_and_has_a_name(host, theme):
    host.page.evaluate("(light) => { document.body.dataset.jpThemeLight = light; }", str(theme == "light").lower())
    host.page.evaluate("(color) => { document.body.style.background = color; }", "#fff" if theme == "light" else "#111")
    everything(host)
    for tab in each_tab(host):
        assert host.page.evaluate(CONTRASTS) == [], tab
        nameless = host.page.evaluate(
            """() => [...document.querySelectorAll(".kcb-board :is(button, input, select, summary)")]
                .filter((one) => !one.getAttribute("aria-label") && !one.textContent.trim() && !one.closest("label"))
                .map((one) => one.outerHTML)"""
        )
        assert nameless == [], tab


def test_news_leaves_alone_what_is_in_use(host):
    everything(host)
    host.page.evaluate("window.before = [...document.querySelectorAll('.kcb-callbacks *')]")
    field(host, "EarlyStopping.patience").focus()
    host.page.keyboard.type("7")
    for count in range(189, 200):
        host.set(
            callbacks=[{**STOPPING, "says": f"news {count}"}, *host.callbacks[1:]],
            hooks={**HOOKS, "rows": [{**row, "count": count} for row in HOOKS["rows"]]},
        )
    group(host, "EarlyStopping").get_by_text("news 199").wait_for()
    assert host.page.evaluate("before.every((one) => one.isConnected)")
    assert field(host, "EarlyStopping.patience").evaluate("(one) => one === document.activeElement")
    assert field(host, "EarlyStopping.patience").input_value().endswith("7")

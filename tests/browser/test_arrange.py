"""The chart is the user's to arrange: what is shown, where, how; kept for the next run, and saved as files."""

# ruff: noqa: F401, F811 - fixtures are asked for by name
from __future__ import annotations

import csv
import itertools
import json
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from host import (
    Host,
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
    wait_pixels,
    wait_text,
)
from PIL import Image

pytestmark = pytest.mark.browser

GROUPS = "[...document.querySelectorAll('.kcb-plot')].map((one) => one.dataset.group).join()"
KEY = "kcb_widgets /"
NO_STORAGE = "Object.defineProperty(window, 'localStorage', {get() { throw new Error('no') }})"


def wait_groups(host, *groups):
    host.page.wait_for_function(f"(wanted) => {GROUPS} === wanted", arg=",".join(groups))


def menu(host, group):
    """Open the menu of a plot, and return what it holds."""
    summary = host.page.locator(f"summary[aria-label='{group} plot']")
    if summary.locator("..").get_attribute("open") is None:
        summary.click()
    return host.page.locator(f"[data-group={group}] .kcb-menu-body")


def press(host, group, name):
    menu(host, group).get_by_role("button", name=name, exact=True).click()


def spiky(steps=400, at=200, height=1e6):
    values = 2 * np.exp(-np.arange(1, steps + 1) / 100) + 0.1
    values[at] = height
    table = {"name": "batches", "end": np.arange(1, steps + 1), "series": [series("loss", "train", values)]}
    return encode([table], last=steps)


# -- outliers ----------------------------------------------------------------------------------------------------------


def test_a_spike_never_flattens_a_run_and_it_is_said(host):
    host.start(show=["chart"], series=spiky())
    wait_pixels(host, "loss", "--kcb-train", 200, y=[0.2, 0.8])
    cut = host.page.get_by_role("button", name="outliers cut")
    assert cut.is_visible()
    cut.click()
    wait_pixels(host, "loss", "--kcb-train", 0, 60, x=[0.2, 0.45], y=[0.2, 0.8])
    cut.wait_for(state="hidden")
    press(host, "loss", "all values")
    wait_pixels(host, "loss", "--kcb-train", 200, y=[0.2, 0.8])


@pytest.mark.parametrize("shape", ["falling", "two levels", "few", "constant", "noise"])
def test_what_is_no_outlier_is_never_cut(host, shape):
    end = np.arange(1, 401)
    values = {
        "falling": 100 * np.exp(-end / 20) + 0.01,
        "two levels": np.where(end > 300, 5.0, 1.0),
        "few": np.array([1.0, 50.0, 0.9, 0.8]),
        "constant": np.ones(400),
        "noise": np.random.default_rng(0).normal(0, 1, 400),
    }[shape]
    table = {"name": "batches", "end": end[: len(values)], "series": [series("loss", "train", values)]}
    host.start(show=["chart"], series=encode([table], last=400))
    wait_pixels(host, "loss", "--kcb-train", 2)
    shown = host.page.get_by_role("button", name="outliers cut").is_visible()
    # The first batches of a steep fall lie far above the rest: those may be cut, and are said to be.
    assert not shown or shape == "falling"


def test_a_range_of_ones_own(host):
    host.start(show=["chart"], series=run_picture())
    wait_pixels(host, "loss", "--kcb-train", 100)
    inside = menu(host, "loss")
    low, high = (inside.get_by_role("textbox", name=name) for name in ("lowest y", "highest y"))
    low.fill("0")
    high.fill("100")
    high.press("Enter")
    wait_pixels(host, "loss", "--kcb-train", 0, 0, y=[0.05, 0.7])
    low.fill("")
    high.fill("")
    high.press("Enter")
    wait_pixels(host, "loss", "--kcb-train", 100, y=[0.05, 0.7])


def test_one_plot_can_be_logarithmic(host):
    host.start(show=["chart"], series=run_picture())
    wait_pixels(host, "loss", "--kcb-train", 100)
    press(host, "loss", "log y")
    both = """['loss', 'accuracy']
        .map((one) => document.querySelector(`[data-group=${one}] .kcb-menu .kcb-toggle`).ariaPressed).join()"""
    host.page.wait_for_function(f"{both} === 'true,false'")
    # The toolbar's button is for all plots, and overrules.
    host.page.locator(".kcb-toolbar").get_by_role("button", name="log y").click()
    host.page.wait_for_function(f"{both} === 'true,true'")


# -- which plots, and where --------------------------------------------------------------------------------------------


def test_plots_are_hidden_moved_and_enlarged_and_the_next_run_begins_so(host):
    host.start("one", show=["chart"], series=run_picture())
    wait_groups(host, "loss", "accuracy", "learning_rate")
    press(host, "loss", "move right")
    wait_groups(host, "accuracy", "loss", "learning_rate")
    press(host, "loss", "move right")  # beyond the last metric there is nowhere to go
    press(host, "loss", "enlarge")
    host.page.wait_for_function("document.querySelector('[data-group=loss] canvas')?.clientHeight === 380")
    press(host, "learning_rate", "hide")
    wait_groups(host, "accuracy", "loss")
    # A run of its own, in a page that was loaded anew: only the browser's storage is left.
    again = Host.__new__(Host)
    again.__dict__.update(host.__dict__)
    host.page.reload()
    host.page.wait_for_function("window.ready === true")
    again.start(show=["chart"], series=run_picture(200))
    wait_groups(again, "accuracy", "loss")
    again.page.wait_for_function("document.querySelector('[data-group=loss] canvas')?.clientHeight === 380")
    again.page.get_by_role("button", name="show 1 hidden").click()
    wait_groups(again, "accuracy", "loss", "learning_rate")


def test_a_plot_fills_the_screen(host):
    host.start(show=["chart"], series=run_picture())
    wait_pixels(host, "loss", "--kcb-train", 100)
    before = box(host, "loss")["height"]
    press(host, "loss", "full screen")
    host.page.wait_for_function("document.fullscreenElement?.dataset.group === 'loss'")
    host.page.wait_for_function(
        "(h) => document.querySelector('[data-group=loss] .u-over').clientHeight > 2 * h", arg=before
    )
    host.page.evaluate("document.exitFullscreen()")
    host.page.wait_for_function(
        "(h) => document.querySelector('[data-group=loss] .u-over').clientHeight === h", arg=round(before)
    )


@pytest.mark.parametrize(
    "kept",
    [
        "{",
        "null",
        "[]",
        '{"plots": 3, "order": "x", "hidden": {"a": 1}, "tab": 7, "smoothing": 9, "x": "sideways"}',
        json.dumps({"plots": {"metric|loss": {"range": [2, 1], "log": "yes", "wide": 1}, "__proto__": {"a": 1}}}),
        json.dumps({"tab": "nowhere", "best": "<img>", "order": ["metric|x"] * 5000}),
    ],
)
def test_what_is_stored_is_not_trusted(host, kept):
    host.page.evaluate("([key, value]) => localStorage.setItem(key, value)", [KEY, kept])
    host.start(series=run_picture())
    wait_groups(host, "loss", "accuracy", "learning_rate")
    wait_pixels(host, "loss", "--kcb-train", 100)


def test_a_page_without_storage_works(make_host):
    host = make_host(script=NO_STORAGE, store=False)
    host.start(series=run_picture())
    wait_groups(host, "loss", "accuracy", "learning_rate")
    press(host, "loss", "enlarge")
    host.page.wait_for_function("document.querySelector('[data-group=loss] canvas')?.clientHeight === 380")


def test_a_constant_has_its_tick_where_it_is(host):
    host.start(show=["chart"], series=run_picture(10, per_epoch=5))
    flat = {"name": "controls", "end": [1, 400], "series": [series("learning_rate", "control", [0.003, 0.003])]}
    metric = {"name": "batches", "end": np.arange(1, 401), "series": [series("loss", "train", np.ones(400))]}
    host.page.evaluate(
        """() => { const draw = CanvasRenderingContext2D.prototype.fillText; window.words = [];
            CanvasRenderingContext2D.prototype.fillText = function (text, ...at) {
                words.push(text);
                return draw.call(this, text, ...at);
            }; }"""
    )
    host.set(series=encode([metric, flat], last=400))
    host.page.wait_for_function("window.words.includes('0.003')")
    assert "0.005" not in host.page.evaluate("words")


def test_the_ticks_of_a_strip_have_room(host):
    host.page.evaluate(
        """() => { window.heights = {};
            const draw = CanvasRenderingContext2D.prototype.fillText;
            CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
                const strip = this.canvas.closest("[data-group=learning_rate]");
                if (strip) heights[text] = this.getTransform().f / devicePixelRatio + y / devicePixelRatio;
                return draw.apply(this, arguments);
            }; }"""
    )
    host.start(show=["chart"], series=run_picture())
    wait_pixels(host, "learning_rate", "--kcb-control", 100)
    heights = host.page.evaluate("heights")
    assert {"0.001", "0.01"} <= set(heights)
    ticks = sorted(y for text, y in heights.items() if text.startswith("0."))
    assert min(b - a for a, b in itertools.pairwise(ticks)) >= 14


def test_strips_stand_under_the_plots_above_them(host):
    host.page.set_viewport_size({"width": 1800, "height": 900})
    host.start(show=["chart"], series=run_picture())
    wait_pixels(host, "loss", "--kcb-train", 100)
    loss, rate = box(host, "loss"), box(host, "learning_rate")
    assert (rate["x"], rate["width"]) == (loss["x"], loss["width"])
    assert rate["y"] > loss["y"] + loss["height"]


# -- saving ------------------------------------------------------------------------------------------------------------


def save(host, kind, tmp_path):
    host.page.locator("summary[aria-label='save what is shown']").click()
    with host.page.expect_download() as waited:
        host.page.get_by_role("button", name=f"save as {kind}").click()
    path = tmp_path / waited.value.suggested_filename
    waited.value.save_as(path)
    return path


def test_what_is_seen_is_saved_as_csv(host, tmp_path):
    host.now = state(title="Run 7: a/b")
    host.start(show=["chart"], series=run_picture())
    wait_pixels(host, "loss", "--kcb-train", 100)
    host.page.locator("[data-group=loss] [data-role=smooth]").click()
    press(host, "accuracy", "hide")
    wait_groups(host, "loss", "learning_rate")
    path = save(host, "CSV", tmp_path)
    assert path.name == "run-7-a-b.csv"
    rows = list(csv.DictReader(path.open()))
    assert list(rows[0]) == ["step", "loss, each batch", "loss, epoch", "val_loss", "learning_rate"]
    assert [int(row["step"]) for row in rows] == list(range(1, 401))
    filled = [float(row["val_loss"]) for row in rows if row["val_loss"]]
    expected = (2 * np.exp(-(np.arange(100, 401, 100) - 50) / 150) + 0.2) * 1.1 + 0.02
    assert filled == pytest.approx(expected, rel=1e-6)


def test_what_is_seen_is_saved_as_a_picture(host, tmp_path):
    host.start(show=["chart"], series=run_picture(name="a<b>"))
    wait_pixels(host, "accuracy", "--kcb-train", 100)
    picture = np.asarray(Image.open(save(host, "PNG", tmp_path)).convert("RGB")).astype(int)
    blue = np.abs(picture - [0, 0x72, 0xB2]).sum(axis=2) < 40
    assert picture.shape[1] > 1200  # twice as fine as the page
    assert blue[:, : picture.shape[1] // 2].sum() > 300
    assert blue[:, picture.shape[1] // 2 :].sum() > 300
    root = ElementTree.parse(save(host, "SVG", tmp_path)).getroot()
    name = "{http://www.w3.org/2000/svg}"
    assert [one.text for one in root.iter(f"{name}text") if one.get("font-weight")] == [
        "a<b>",
        "accuracy",
        "learning_rate",
    ]
    paths = [one for one in root.iter(f"{name}path") if one.find(f"{name}title") is not None]
    assert len(paths) == 9
    assert all("NaN" not in one.get("d") for one in paths)


def svg_curve(root, group, label):
    """The heights of a curve's points in a saved SVG, and the two numbers at its y axis, the lower first."""
    name = "{http://www.w3.org/2000/svg}"
    (plot,) = [g for g in root.iter(f"{name}g") if g.findtext(f"{name}text") == group]
    low, high = [float(one.text) for one in plot.iter(f"{name}text") if one.get("x") == "50"]
    (path,) = [one for one in plot.iter(f"{name}path") if one.findtext(f"{name}title") == label]
    return [float(y) for y in re.findall(r"(?:M[\d.]+ |V|L[\d.]+ )(-?[\d.]+)", path.get("d"))], low, high


@pytest.mark.parametrize("scale", ["log", "linear"])
def test_an_svg_has_the_axis_that_the_chart_drew(host, tmp_path, scale):
    """The rate goes from 0.001 by 0.01 to 0.1: the one between is in the middle of a logarithmic axis."""
    end = np.arange(1, 401)
    loss = {"name": "batches", "end": end, "series": [series("loss", "train", 1 / end)]}
    rate = series("learning_rate", "control", 10.0 ** (-3 + (end > 100) + (end > 300)))
    host.controls = [control(scale=scale)]
    host.start(show=["chart"], series=encode([loss, {"name": "learning_rate", "end": end, "series": [rate]}], last=400))
    wait_pixels(host, "learning_rate", "--kcb-control", 100)
    ys, low, high = svg_curve(
        ElementTree.parse(save(host, "SVG", tmp_path)).getroot(), "learning_rate", "learning_rate"
    )
    first, middle, last = sorted(set(ys), reverse=True)
    assert (first - middle) / (first - last) == pytest.approx(0.5 if scale == "log" else 1 / 11, abs=0.01)
    assert (low > 0) == (scale == "log")
    assert high > 0.1


def test_an_svg_has_the_range_that_the_chart_drew(host, tmp_path):
    end = np.arange(1, 401)
    loss = np.where(end == 200, 1e4, 1 + np.sin(end / 20))
    batches = {"name": "batches", "end": end, "series": [series("loss", "train", loss)]}
    host.start(show=["chart"], series=encode([batches], last=400))
    wait_pixels(host, "loss", "--kcb-train", 100)
    for most in (100, 2e4):
        root = ElementTree.parse(save(host, "SVG", tmp_path)).getroot()
        ys, _, high = svg_curve(root, "loss", "loss")
        assert high < most
        assert len(ys) == 400
        if most == 100:
            assert min(ys) < -1e4, "it lies outside, and is cut there"
            host.page.get_by_role("button", name="outliers cut").click()
            host.page.locator(".kcb-cut").wait_for(state="hidden")
    assert high > 1e4
    assert root.find(".//{*}svg/{*}path") is not None, "a picture in the picture cuts what lies outside"


# -- the table of epochs -----------------------------------------------------------------------------------------------


def cells(host, column):
    return host.page.eval_on_selector_all(
        ".kcb-epoch-table tbody tr", "(all, i) => all.map((one) => one.cells[i].textContent)", column
    )


def test_the_table_of_epochs_is_sorted_copied_and_saved(host, tmp_path):
    host.now = state(bests=[{"metric": "val_loss", "value": 0.4, "epoch": 3, "step": 400, "direction": "min"}])
    host.start(series=run_picture())
    open_tab(host, "epochs")
    heads = host.page.locator(".kcb-epoch-table thead th").all_inner_texts()
    assert heads == ["epoch", "step", "loss", "accuracy", "val_loss", "val_accuracy", "time"]
    assert cells(host, 0) == ["4", "3", "2", "1"]
    assert "Keras and the tables in Python count from 0" in host.page.get_by_role("button", name="epoch").get_attribute(
        "title"
    )
    best = host.page.locator(".kcb-best-cell")
    assert best.count() == 1
    assert best.inner_text() == cells(host, 4)[0]
    host.page.get_by_role("button", name="val_accuracy", exact=True).click()
    assert cells(host, 0) == ["1", "2", "3", "4"]
    host.page.get_by_role("button", name="val_accuracy", exact=True).click()
    assert cells(host, 0) == ["4", "3", "2", "1"]
    assert host.page.locator("[data-name=val_accuracy]").get_attribute("aria-sort") == "descending"
    host.page.get_by_role("button", name="Copy", exact=True).click()
    wait_text(host, ".kcb-epochs .kcb-said", "copied")
    host.page.evaluate("document.body.prepend(document.createElement('textarea'))")
    host.page.locator("body > textarea").focus()
    host.page.keyboard.press("Control+V")
    pasted = [line.split("\t") for line in host.page.locator("body > textarea").input_value().splitlines()]
    assert pasted[0] == heads
    assert [row[0] for row in pasted[1:]] == ["4", "3", "2", "1"]
    assert [f"{float(row[4]):.6g}" for row in pasted[1:]] == [f"{float(each):.6g}" for each in cells(host, 4)]
    host.set(series=run_picture(500))
    host.page.wait_for_function("document.querySelectorAll('.kcb-epoch-table tbody tr').length === 5")
    with host.page.expect_download() as waited:
        host.page.get_by_role("button", name="Save CSV").click()
    path = tmp_path / "epochs.csv"
    waited.value.save_as(path)
    rows = list(csv.DictReader(path.open()))
    assert [row["epoch"] for row in rows] == ["5", "4", "3", "2", "1"]


def test_what_looks_like_a_formula_is_text_in_a_csv(host, tmp_path):
    host.start(show=["epochs"], series=run_picture(name='=1+1"'))
    with host.page.expect_download() as waited:
        host.page.get_by_role("button", name="Save CSV").click()
    waited.value.save_as(tmp_path / "epochs.csv")
    (head, *_) = csv.reader((tmp_path / "epochs.csv").open())
    assert head[2] == "'=1+1\""


# -- notices -----------------------------------------------------------------------------------------------------------

NOTIFICATIONS = """
window.notices = [];
window.Notification = class { constructor(title, options) { window.notices.push([title, options.body]); } };
window.Notification.permission = "default";
window.Notification.requestPermission = async () => (window.Notification.permission = "granted");
Object.defineProperty(window, "isSecureContext", { get: () => true });
"""


def test_somebody_who_looks_elsewhere_is_told(make_host):
    from host import hide

    host = make_host(script=NOTIFICATIONS)
    host.page.evaluate("document.title = 'My notebook'")
    host.start(series=run_picture())
    host.page.get_by_role("button", name="Notify me").click()
    host.page.wait_for_function("document.querySelector('.kcb-notify').ariaPressed === 'true'")
    hide(host, True)
    host.state(not_finite={"name": "loss", "value": "nan", "step": 301, "epoch": 3, "batch": 1})
    host.page.wait_for_function("document.title === '● loss is nan · My notebook'")
    host.state(status="failed", message="ValueError: boom")
    host.page.wait_for_function("document.title === '● failed · My notebook'")
    assert host.page.evaluate("notices") == [["Run 1: loss is nan", ""], ["Run 1: failed", "ValueError: boom"]]
    hide(host, False)
    assert host.page.title() == "My notebook"


def test_who_looks_elsewhere_is_told_of_the_newest_alert(make_host):
    from host import hide

    host = make_host(script=NOTIFICATIONS)
    host.page.evaluate("document.title = 'My notebook'")
    host.start(series=run_picture())
    host.page.get_by_role("button", name="Notify me").click()
    host.page.wait_for_function("document.querySelector('.kcb-notify').ariaPressed === 'true'")
    hide(host, True)
    plateau, risen = ({"name": name, "text": f"Warning: {name}.", "bad": False} for name in ("plateau", "risen"))
    host.state(alerts=[plateau])
    host.page.wait_for_function("document.title === '● plateau · My notebook'")
    host.state(alerts=[plateau, risen])
    host.page.wait_for_function("document.title === '● risen · My notebook'")
    assert host.page.evaluate("notices") == [["Run 1: plateau", ""], ["Run 1: risen", ""]]


def test_somebody_who_looks_on_is_not(make_host):
    host = make_host(script=NOTIFICATIONS)
    host.page.evaluate("document.title = 'My notebook'")
    host.start()
    host.page.get_by_role("button", name="Notify me").click()
    host.page.wait_for_function("document.querySelector('.kcb-notify').ariaPressed === 'true'")
    host.state(status="finished")
    wait_text(host, ".kcb-status", "finished")
    assert host.page.title() == "My notebook"
    assert host.page.evaluate("notices") == []

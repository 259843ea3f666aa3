"""What is seen first: one bar that stays, curves without scrolling, the best at a glance, and nothing that jumps."""

# ruff: noqa: F401, F811 - fixtures are asked for by name
from __future__ import annotations

import numpy as np
import pytest
from folds import third_of_five
from host import (
    bundle,
    control,
    each_tab,
    encode,
    host,
    open_tab,
    plain_page,
    run_picture,
    series,
    state,
    text,
    wait_pixels,
    wait_text,
)

pytestmark = pytest.mark.browser

BESTS = [
    {"metric": "accuracy", "value": 0.92, "epoch": 3, "step": 400, "direction": "max"},
    {"metric": "loss", "value": 0.39, "epoch": 3, "step": 400, "direction": "min"},
    {"metric": "val_accuracy", "value": 0.878922, "epoch": 3, "step": 400, "direction": "max"},
    {"metric": "val_loss", "value": 0.453338, "epoch": 3, "step": 400, "direction": "min"},
]
TOP = "(all) => all.map((one) => Math.round(one.getBoundingClientRect().top))"
EPOCHS = control(20, name="epochs", scale="linear", integer=True, min=1, max=None, group="flow")


@pytest.mark.parametrize(("width", "most"), [(1300, 560), (900, 560), (600, 900)])
def test_the_curves_are_in_the_first_screen(host, width, most):
    host.page.set_viewport_size({"width": width, "height": 900})
    host.controls = [control(), EPOCHS]
    host.now = state(bests=BESTS)
    host.start(series=run_picture())
    host.answer_hello()
    wait_pixels(host, "loss", "--kcb-train", 100)
    wait_pixels(host, "accuracy", "--kcb-train", 100)
    board = host.page.locator(".kcb-board").bounding_box()
    assert board["height"] <= most
    for group in ("loss", "accuracy"):
        canvas = host.page.locator(f"[data-group={group}] canvas").bounding_box()
        assert canvas["y"] + canvas["height"] < 900
    for name in ("Pause", "Step", "Stop", "Undo"):
        assert host.page.get_by_role("button", name=name, exact=True).is_visible()
    assert host.page.get_by_role("slider", name="learning_rate").is_visible()


def test_a_fold_of_several_is_a_run_with_its_own_curves(host):
    traits = third_of_five()
    host.now, host.controls = traits["state"], traits["controls"]
    host.callbacks, host.hooks = traits["callbacks"], traits["hooks"]
    host.start(series=traits["series"], events=traits["events"])
    host.answer_hello()
    assert text(host, ".kcb-title") == "Run 3"
    assert host.now["epoch"] >= 5
    wait_pixels(host, "loss", "--kcb-val", 20)
    assert {each["type"] for each in traits["callbacks"]} >= {"EarlyStopping"}
    open_tab(host, "epochs")
    assert host.page.locator(".kcb-epoch-table tbody tr").count() == host.now["epoch"]


@pytest.mark.parametrize("width", [420, 520, 640, 700, 760, 820])
def test_every_tab_is_in_sight_with_its_count_and_its_dot(host, width):
    host.page.set_viewport_size({"width": width, "height": 900})
    host.controls = [control(), *(control(name=f"setting_{i}") for i in range(140))]
    failed = {"kind": "error", "name": "fit", "step": 3, "epoch": 0, "time": 1.0, "old": None, "new": None}
    host.start(
        series=run_picture(), events=[{**failed, "source": "", "message": "ValueError", "requested": None}] * 120
    )
    host.page.locator("[data-tab=events].kcb-wanted").wait_for()
    host.page.evaluate("document.querySelector('.kcb-notify').hidden = false")  # only secure pages have it
    strip = host.page.locator(".kcb-tabs").bounding_box()
    for each in host.page.locator(".kcb-tab").all():
        box = each.bounding_box()
        assert box["x"] + box["width"] <= strip["x"] + strip["width"] + 1
        assert box["y"] + box["height"] <= strip["y"] + strip["height"] + 1
        beside = host.page.locator(".kcb-notify").bounding_box()
        assert box["x"] + box["width"] <= beside["x"] or box["y"] + box["height"] <= beside["y"]
    assert strip["height"] < 70, "two lines at most"


def test_the_bar_stays_in_sight_while_the_board_is_scrolled(host):
    host.page.evaluate(
        "document.querySelector('#views').style.cssText = 'height: 300px; overflow: auto; position: relative'"
    )
    host.start(series=run_picture())
    wait_pixels(host, "loss", "--kcb-train", 100)
    host.page.evaluate("document.querySelector('#views').scrollTop = 150")
    box = host.page.locator("#views").bounding_box()
    assert host.page.locator(".kcb-tabs").bounding_box()["y"] < box["y"]
    stop = host.page.get_by_role("button", name="Stop", exact=True)
    assert box["y"] <= stop.bounding_box()["y"] < box["y"] + 60
    stop.click()
    assert host.wait_sent("command", name="stop")


def test_nothing_moves_when_the_first_batch_comes(host):
    host.now = state(status="compiling", epoch=0, batch=0, step=0, remaining=None, ms_per_step=None)
    host.start()
    places = ".kcb-stop, .kcb-rates .kcb-field, .kcb-news, .kcb-tabs, .kcb-toolbar"
    before = host.page.eval_on_selector_all(places, TOP)
    height = host.page.locator(".kcb-board").bounding_box()["height"]
    host.state(status="running", batch=3, step=3, ms_per_step=4.0, remaining=10.0)
    host.set(series=run_picture(100))
    wait_pixels(host, "loss", "--kcb-train", 100)
    assert host.page.eval_on_selector_all(places, TOP) == before
    assert host.page.locator(".kcb-board").bounding_box()["height"] == pytest.approx(height, abs=30)


def test_plots_that_are_out_of_sight_keep_their_place(host):
    host.page.evaluate("document.querySelector('#views').style.paddingTop = '3000px'")
    host.start(series=run_picture())
    host.page.wait_for_function("document.querySelectorAll('.kcb-plot').length === 0")  # nobody sees them
    host.page.evaluate("window.scrollTo(0, 2600)")
    wait_pixels(host, "loss", "--kcb-train", 100)
    assert not host.page.get_by_role("button", name="outliers cut").first.is_visible()
    heights = "[...document.querySelectorAll('.kcb-plot .kcb-canvas')].map((one) => one.style.minHeight).join()"
    assert host.page.evaluate(heights) == "190px,190px,66px"


def test_a_legend_has_one_line_whatever_is_in_it(host):
    host.start(show=["chart"], series=run_picture(50, per_epoch=100))
    wait_pixels(host, "loss", "--kcb-train", 50)
    before = host.page.eval_on_selector_all(".u-over", TOP)
    host.now = state(bests=BESTS)
    host.state()
    host.set(series=run_picture(400, per_epoch=10))
    wait_pixels(host, "loss", "--kcb-val", 50)
    wait_text(host, "[data-group=loss] .kcb-plot-best", "best val_loss 0.4533 · epoch 4")
    assert host.page.eval_on_selector_all(".u-over", TOP)[: len(before)] == before


def test_the_best_is_pinned_and_its_metric_chosen(host):
    host.now = state(bests=BESTS)
    host.start("one", series=run_picture())
    pinned = host.page.get_by_role("combobox", name="best value of")
    chosen = "(one) => one.selectedOptions[0].textContent"
    assert pinned.evaluate(chosen) == "best val_loss 0.4533 · epoch 4"
    pinned.select_option("val_accuracy")
    better = [{**each, "value": 0.99, "epoch": 4} if each["metric"] == "val_accuracy" else each for each in BESTS]
    host.state(bests=better)
    host.page.wait_for_function("document.querySelector('.kcb-best').selectedOptions[0].textContent.includes('0.99')")
    host.page.evaluate("stub.unmount('one'); stub.mount('again')")
    assert pinned.evaluate(chosen) == "best val_accuracy 0.99 · epoch 5"
    host.state(bests=[])
    pinned.wait_for(state="hidden")


def test_the_best_epoch_has_a_ring_on_its_curve(host):
    host.start(show=["chart"], series=run_picture())
    wait_pixels(host, "accuracy", "--kcb-val", 20)
    at = {"x": [0.28, 0.4], "y": [0.3, 0.9]}  # the first epoch, whose point is small
    before = host.page.evaluate(*pixels_of("accuracy", at))
    host.now = state(bests=[{**BESTS[2], "step": 100, "value": 0.9 - 0.8 * np.exp(-100 / 110)}])
    host.state()
    host.page.wait_for_function("document.querySelector('[data-group=accuracy] .kcb-plot-best').textContent !== ''")
    wait_pixels(host, "accuracy", "--kcb-val", before + 20, **at)


def pixels_of(group, at):
    from host import BOLD, PIXELS

    return PIXELS, [group, "--kcb-val", at["x"], at["y"], BOLD]


def test_what_is_below_the_board_stays_while_tabs_are_looked_through(host):
    host.start(series=run_picture())
    wait_pixels(host, "loss", "--kcb-train", 100)
    height = host.page.locator(".kcb-board").bounding_box()["height"]
    for tab in each_tab(host):
        assert host.page.locator(".kcb-board").bounding_box()["height"] >= height - 1, tab


def test_one_panel_alone_has_no_tabs(host):
    host.start(show=["chart"], series=run_picture())
    wait_pixels(host, "loss", "--kcb-train", 100)
    assert not host.page.locator(".kcb-tabs").is_visible()
    assert host.page.locator(".kcb-progress, .kcb-steering").count() == 0


# -- many metrics, many epochs, many batches ---------------------------------------------------------------------------


def many(metrics=12, epochs=30):
    end = np.arange(1, 401)
    steps = np.linspace(10, 400, epochs).astype(int)
    names = [f"metric_{i}" for i in range(metrics)]
    return encode(
        [
            {"name": "batches", "end": end, "series": [series(n, "train", 1 / (end + i)) for i, n in enumerate(names)]},
            {
                "name": "epochs",
                "end": steps,
                "series": [
                    each
                    for n in names
                    for each in (series(n, "epoch", 1 / steps), series(f"val_{n}", "val", 2 / steps))
                ],
            },
        ],
        last=400,
    )


def test_twelve_metrics_can_be_read(host):
    host.page.set_viewport_size({"width": 1300, "height": 1600})
    host.start(show=["chart"], series=many())
    wait_pixels(host, "metric_11", "--kcb-train", 50)
    board = host.page.locator(".kcb-board").bounding_box()
    assert board["height"] < 1000
    boxes = host.page.eval_on_selector_all(
        ".kcb-plot canvas", "(all) => all.map((one) => [one.clientWidth, one.clientHeight])"
    )
    assert len(boxes) == 12
    assert all(width >= 300 and height >= 120 for width, height in boxes)


def test_the_training_epochs_stay_visible_when_there_are_many(host):
    steps = np.arange(1, 301)
    only = {"name": "epochs", "end": steps, "series": [series("loss", "epoch", np.ones(300), "loss, epoch")]}
    host.start(show=["chart"], series=encode([only], last=300))
    wait_pixels(host, "loss", "--kcb-train", 150)


def noisy(batches):
    """A noisy curve of so many batches, as Python hands it over: at most 1,600 buckets."""
    rng = np.random.default_rng(3)
    values = rng.normal(0, 1, batches) + np.sin(np.linspace(0, 6, batches)) * 3
    per = max(1, -(-batches // 1600))
    count = batches // per
    rows = values[: count * per].reshape(count, per)
    end = np.arange(1, count + 1) * per
    bounds = {"min": rows.min(axis=1), "max": rows.max(axis=1), "order": np.ones(count)} if per > 1 else {}
    one = series("loss", "train", rows.mean(axis=1), "loss, each batch", **bounds)
    table = {"name": "batches", "step": end - per + 1, "end": end, "per_bucket": per, "rows": count * per}
    return encode([{**table, "series": [one]}], last=count * per)


@pytest.mark.parametrize("batches", [400, 60_000])
def test_one_position_of_the_slider_smooths_as_much_at_any_length(host, batches):
    host.start(show=["chart"], series=noisy(batches))
    wait_pixels(host, "loss", "--kcb-train", 100)
    host.page.locator("[data-role=raw]").click()  # the smoothed one alone
    slider = host.page.get_by_role("slider", name="smoothing")
    ink = {}
    for amount in ("0", "0.95"):
        slider.fill(amount)
        host.page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        ink[amount] = host.page.evaluate(*pixels_of_train())
    # A smooth line has less ink than a jagged one, whether it stands for 400 batches or for 60,000.
    assert ink["0.95"] < 0.75 * ink["0"]
    over = host.page.locator("[data-role=smooth]").get_attribute("title")
    expected = 1 / (1 - 0.95 ** min(1, 400 / (batches // max(1, -(-batches // 1600)) * max(1, -(-batches // 1600)))))
    assert over == f"smoothed: the average over about {round(expected):,} batches"


def pixels_of_train():
    from host import ALL, BOLD, PIXELS

    return PIXELS, ["loss", "--kcb-train", ALL, ALL, BOLD]

"""Parallel coordinates and the scatter of the comparison's built bundle: by mouse, by keyboard, and from Python."""

# ruff: noqa: F401, F811 - fixtures are asked for by name
from __future__ import annotations

import math
import random
import re

import numpy as np
import pandas as pd
import pytest
from accessibility import violations
from compared import Compared
from host import bundle, plain_page
from kept import begin, file_of

import kcb_widgets as kcb
from kcb_widgets.panels.comparison import rows

pytestmark = pytest.mark.browser
RUNS = 12
TOP, SPAN, LEFT, RIGHT = 42, 236, 14, 96  # of the plot; see parallel.js
AXES = ["config.rate", "config.depth", "config.kind", "best val_loss"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs whose settings are numbers, texts, flags, or missing; the last one's val_loss is NaN."""
    made = tmp_path_factory.mktemp("runs")
    for number in range(RUNS):
        run = begin(("loss",), steps=5)
        run.name, run.started = f"run {number:02d}", run.started - 60.0 * number
        for batch in range(5):
            run.append(batch, {"loss": 1.0})
        last = number == RUNS - 1
        run.end_epoch(0, {"loss": 1.0, "val_loss": math.nan if last else (number - 5) ** 2 + 1.0, "score": number})
        run.finish("finished")
        config = {"rate": 10 ** (-number / 2), "depth": number if number % 4 else "auto", "flag": number % 2 == 0}
        if number % 3:
            config["kind"] = "deep" if number % 3 == 1 else "wide"
        file = file_of(run, made, name=run.name, config=config)
        file.commit(1.0, whole=True)
        file.close()
    return made


@pytest.fixture
def opened(plain_page, folder):
    """A function that shows a comparison; the page must have seen no error in the end."""
    plain_page.set_default_timeout(10_000)
    plain_page.set_viewport_size({"width": 900, "height": 1000})
    plain_page.mouse.move(0, 0)

    def show(source=folder, **choices):
        return Compared(plain_page, kcb.compare(source, **choices))

    yield show
    assert plain_page.evaluate("stub.errors") == []


@pytest.fixture
def compared(opened):
    return opened(view="parallel", axes=AXES)


def where(page, axis, part, axes=4):
    """A point of an axis: ``part`` of it from its bottom."""
    box = page.locator(".kcb-parallel canvas").bounding_box()
    x = box["x"] + LEFT + axis * (box["width"] - LEFT - RIGHT) / (axes - 1)
    return x, box["y"] + TOP + (1 - part) * SPAN


def drag(page, start, end):
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move((start[0] + end[0]) / 2, (start[1] + end[1]) / 2)
    page.mouse.move(*end)
    page.mouse.up()


def within(compared, count):
    """Wait for so many runs within the brushes; the table has the same ones as Python."""
    said = f"{count} of {RUNS} runs"
    compared.page.wait_for_function(
        "(said) => document.querySelector('.kcb-within [role=status]').textContent === said", arg=said
    )
    table = compared.comparison.runs()
    assert compared.names() == [table.name[each] for each in compared.comparison.brushed]
    assert len(compared.names()) == count


def inked(page, selector=".kcb-parallel canvas"):
    """A number that any change of the canvas changes, once it was drawn."""
    return page.evaluate(
        """(selector) => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {
            const canvas = document.querySelector(selector);
            const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
            let sum = 0;
            for (let i = 0; i < data.length; i++) sum = (sum * 31 + data[i]) % 1000000007;
            done(sum);
        })))""",
        selector,
    )


# -- views -------------------------------------------------------------------------------------------------------------


def test_views_are_made_only_when_they_are_opened(opened):
    compared = opened()
    page = compared.page
    assert page.locator(".kcb-parallel, .kcb-scatter").count() == 0
    assert page.locator(".kcb-within").is_hidden()
    page.get_by_role("button", name="Parallel coordinates").click()
    assert compared.answered("choose")["choices"] == {"view": ["curves", "parallel"]}
    page.locator(".kcb-parallel canvas").wait_for()
    page.get_by_role("button", name="Curves").click()
    compared.answered("choose")
    assert page.locator(".kcb-compared").is_hidden()
    page.get_by_role("button", name="Scatter").click()
    compared.answered("choose")
    page.locator(".kcb-scatter canvas").wait_for()
    compared.comparison.choose(view="curves")
    page.wait_for_function("!document.querySelector('.kcb-parallel, .kcb-scatter')")
    assert page.locator(".kcb-compared").is_visible()
    assert page.get_by_role("button", name="Curves").get_attribute("aria-pressed") == "true"


def test_curves_that_were_hidden_at_first_are_as_wide_as_the_board(opened):
    compared = opened(view="parallel")
    page = compared.page
    page.wait_for_function("document.querySelector('.kcb-compared canvas')")
    page.get_by_role("button", name="Curves").click()
    page.wait_for_function("document.querySelector('.kcb-compared canvas').clientWidth > 700")


def test_axes_are_the_settings_that_differ_and_the_outcome(opened):
    page = opened(view="parallel").page
    names = page.locator("[data-axis]").evaluate_all("(all) => all.map((one) => one.dataset.axis)")
    assert names == ["config.rate", "config.depth", "config.flag", "config.kind", "best val_loss"]
    label = page.locator(".kcb-parallel").get_attribute("aria-label")
    assert "12 of 12 runs, over rate, depth, flag, kind, best val_loss" in label


# -- brushes -----------------------------------------------------------------------------------------------------------


def test_dragging_along_axes_brushes_them_together(compared):
    page = compared.page
    drag(page, where(page, 0, 0.5), where(page, 0, 1.05))
    (low, high), *_ = compared.answered("choose")["choices"]["brush"]["config.rate"]
    assert high is None
    assert low == pytest.approx(10**-2.75, rel=0.05)
    within(compared, 6)
    drag(page, where(page, 2, -0.1), where(page, 2, 0.5))  # deep, and missing under it
    brush = compared.answered("choose")["choices"]["brush"]
    assert brush["config.kind"] == ["deep", None]
    assert list(brush) == ["config.rate", "config.kind"]
    within(compared, 4)
    page.mouse.click(*where(page, 2, 0.95))  # where nothing is
    assert list(compared.answered("choose")["choices"]["brush"]) == ["config.rate"]
    within(compared, 6)
    page.get_by_role("button", name="Clear brushes").click()
    assert compared.answered("choose")["choices"] == {"brush": {}, "best": 100}
    within(compared, 12)
    assert page.get_by_role("button", name="Clear brushes").is_hidden()


def test_a_press_on_a_place_brushes_it_and_again_does_not(compared):
    page = compared.page
    at = where(page, 2, 0.75)
    page.mouse.click(*at)
    assert compared.answered("choose")["choices"]["brush"] == {"config.kind": ["wide"]}
    within(compared, 4)
    page.mouse.click(*at)
    assert compared.answered("choose")["choices"]["brush"] == {}
    within(compared, 12)


def test_the_list_does_the_same_by_keyboard(compared):
    page = compared.page
    page.get_by_role("textbox", name="rate from").fill("1e-3")
    page.keyboard.press("Enter")
    assert compared.answered("choose")["choices"]["brush"] == {"config.rate": [[0.001, None]]}
    within(compared, 7)
    page.get_by_role("textbox", name="rate to").fill("0,5")
    page.keyboard.press("Tab")
    assert compared.answered("choose")["choices"]["brush"] == {"config.rate": [[0.001, 0.5]]}
    within(compared, 6)
    depth = page.locator("[data-axis='config.depth']")
    depth.get_by_role("checkbox", name="auto").press("Space")
    assert compared.answered("choose")["choices"]["brush"]["config.depth"] == [[None, None]]
    within(compared, 5)
    depth.get_by_role("checkbox", name="auto").check()
    assert "config.depth" not in compared.answered("choose")["choices"]["brush"]
    depth.get_by_role("checkbox", name="numbers").uncheck()
    assert compared.answered("choose")["choices"]["brush"]["config.depth"] == ["auto"]
    within(compared, 1)
    page.get_by_role("button", name="clear the brush on rate").click()
    compared.answered("choose")
    within(compared, 3)
    page.locator("[data-axis='config.kind']").get_by_role("checkbox", name="missing").uncheck()
    assert compared.answered("choose")["choices"]["brush"]["config.kind"] == ["deep", "wide"]
    within(compared, 2)
    assert compared.refused == []


def test_what_is_no_range_is_marked_and_not_sent(compared):
    page = compared.page
    low, high = page.get_by_role("textbox", name="rate from"), page.get_by_role("textbox", name="rate to")
    low.fill("much")
    low.press("Enter")
    assert low.get_attribute("aria-invalid") == "true"
    low.fill("0.1")
    low.press("Enter")
    compared.answered("choose")
    assert low.get_attribute("aria-invalid") is None
    high.fill("0.01")
    high.press("Enter")
    assert high.get_attribute("aria-invalid") == "true"
    assert not [each for each in compared.answer() if each["kind"] == "choose"]
    low.fill("")
    low.press("Enter")
    assert compared.answered("choose")["choices"]["brush"] == {}
    assert high.input_value() == "0.01"  # still to be mended


def test_the_focus_stays_where_axes_are_moved(compared):
    page = compared.page
    move = page.get_by_role("button", name="move depth to the right")
    move.focus()
    page.keyboard.press("Enter")
    moved = ["config.rate", "config.kind", "config.depth", "best val_loss"]
    assert compared.answered("choose")["choices"] == {"axes": moved}
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "move depth to the right"
    page.keyboard.press("Enter")
    assert compared.answered("choose")["choices"]["axes"][-1] == "config.depth"
    page.get_by_role("button", name="take rate away").click()
    assert "config.rate" not in compared.answered("choose")["choices"]["axes"]
    page.get_by_label("add an axis").select_option("duration")
    assert compared.answered("choose")["choices"]["axes"][-1] == "duration"


def test_a_name_is_dragged_elsewhere(compared):
    page = compared.page
    start, end = where(page, 0, 1), where(page, 2, 1)
    drag(page, (start[0] + 5, start[1] - 30), (end[0], end[1] - 30))
    assert compared.answered("choose")["choices"] == {"axes": [*AXES[1:3], AXES[0], AXES[3]]}


def test_an_axis_has_another_scale(compared):
    page = compared.page
    before = inked(page)
    page.get_by_label("scale of rate").select_option("linear")
    assert compared.answered("choose")["choices"] == {"scales": {"config.rate": "linear"}}
    assert inked(page) != before
    page.get_by_label("scale of rate").select_option("categories")
    compared.answered("choose")
    assert page.locator("[data-axis='config.rate']").get_by_role("checkbox").count() == RUNS
    page.get_by_label("scale of rate").select_option("")
    assert compared.answered("choose")["choices"] == {"scales": {}}
    assert inked(page) == before
    assert page.get_by_label("scale of kind").locator("option:disabled").count() == 2


def test_the_best_runs_are_shown_by_the_way_the_metric_gets_better(compared):
    page = compared.page
    page.get_by_role("slider", name="best percent of the runs").fill("25")
    assert compared.answered("choose")["choices"] == {"best": 25}
    within(compared, 3)
    assert compared.names() == ["run 04", "run 05", "run 06"]
    page.get_by_label("outcome", exact=True).select_option("last score")
    compared.answered("choose")
    within(compared, 12)
    assert page.get_by_role("slider", name="best percent of the runs").is_hidden()
    assert page.get_by_text("no best: nothing tells whether more or less of last score is better").is_visible()


def test_python_and_the_browser_tell_the_same_runs(compared):
    """Whatever is brushed."""
    rng = random.Random(3)
    for _ in range(25):
        brush = {}
        for name in rng.sample([*AXES, "config.flag", "last val_loss", "epochs", "gone"], 3):
            low = rng.uniform(-1, 12)
            own = ["auto", "deep", "wide", None, True, False, "nan", 1, 2, 1.0]
            brush[name] = [(rng.choice([low, None]), low + rng.uniform(0, 9)), *rng.sample(own, 3)]
        compared.comparison.choose(brush=brush, best=rng.choice([10, 50, 90, 100]))
        within(compared, len(compared.comparison.brushed))


def test_a_brush_acts_at_once_while_the_kernel_is_busy(compared):
    page = compared.page
    page.mouse.click(*where(page, 2, 0.75))
    page.get_by_role("textbox", name="rate from").fill("0.001")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.kcb-within [role=status]').textContent === '2 of 12 runs'")
    assert compared.names() == ["run 02", "run 05"]
    assert compared.comparison.chosen["brush"] == {}  # nothing was answered yet
    compared.answer()
    within(compared, 2)
    compared.comparison.choose(brush={})
    within(compared, 12)


def test_what_python_refuses_is_taken_back(compared):
    page = compared.page
    page.mouse.click(*where(page, 2, 0.75))
    page.wait_for_function("document.querySelector('.kcb-within [role=status]').textContent === '4 of 12 runs'")
    page.evaluate("stub.message({ kind: 'refused', message: 'no' })")
    within(compared, 12)


def test_runs_that_train_on_do_not_disturb_what_is_typed_or_dragged(compared):
    page = compared.page
    field = page.get_by_role("textbox", name="depth from")
    field.fill("3")
    start, end = where(page, 0, 0.2), where(page, 0, 0.7)
    compared.comparison._messages.send_table()
    assert field.input_value() == "3"
    field.press("Enter")
    assert compared.answered("choose")["choices"]["brush"] == {"config.depth": [[3, None]]}
    page.mouse.move(*start)
    page.mouse.down()
    page.mouse.move(*end)
    compared.comparison._messages.send_table()
    assert list(compared.comparison.chosen["brush"]) == ["config.depth"]
    page.wait_for_function("document.querySelectorAll('tbody tr').length === 3")  # what is dragged counts already
    page.mouse.up()
    assert list(compared.answered("choose")["choices"]["brush"]) == ["config.depth", "config.rate"]
    within(compared, len(compared.comparison.brushed))


def test_a_drag_that_is_cut_short_leaves_the_brush_as_it_was(compared):
    page = compared.page
    compared.comparison.choose(brush={"config.rate": [(0.001, None)]})
    page.mouse.move(*where(page, 0, 0.2))
    page.mouse.down()
    page.mouse.move(*where(page, 0, 0.1))
    within_now = "document.querySelector('.kcb-within [role=status]').textContent"
    page.wait_for_function(f"{within_now} !== '7 of 12 runs'")
    page.evaluate("document.querySelector('.kcb-parallel canvas').dispatchEvent(new PointerEvent('pointercancel'))")
    page.mouse.up()
    assert compared.answered("choose")["choices"]["brush"] == {"config.rate": [[0.001, None]]}
    within(compared, 7)


# -- linked ------------------------------------------------------------------------------------------------------------


def test_the_nearest_line_is_lit_with_its_row(compared):
    page = compared.page
    before = inked(page)
    x, y = where(page, 0, 1)
    page.mouse.move(x + 3, y + 1)
    page.wait_for_function("document.querySelector('tr[data-lit]')?.querySelector('th').textContent === 'run 00'")
    assert page.locator(".kcb-reading-out").inner_text() == "run 00: best val_loss 26"
    assert inked(page) != before
    page.mouse.move(0, 0)
    page.wait_for_function("!document.querySelector('tr[data-lit]')")
    assert inked(page) == before
    page.locator("tbody tr").nth(3).hover()
    assert inked(page) != before
    assert page.locator(".kcb-reading-out").inner_text() == "run 03: best val_loss 5"


def test_the_runs_within_are_drawn_as_curves(compared):
    page = compared.page
    page.mouse.click(*where(page, 2, 0.75))
    compared.answered("choose")
    page.get_by_role("button", name="Draw these").click()
    changed = compared.answered("choose")["choices"]
    assert changed["view"] == ["curves", "parallel"]
    assert changed["shown"] == compared.comparison.brushed == compared.comparison.shown
    page.locator(".kcb-compared canvas").wait_for()


# -- the scatter -------------------------------------------------------------------------------------------------------


def point(page, x, y):
    """A point of the scatter, by parts of its axes from the bottom left; see scatter.js."""
    box = page.locator(".kcb-scatter canvas").bounding_box()
    return box["x"] + 76 + x * (box["width"] - 66 - 18 - 20), box["y"] + 320 - 44 - 10 - y * (320 - 44 - 12 - 20)


def test_a_point_is_lit_shown_alone_and_toggled(opened):
    compared = opened(view="scatter", scatter=("config.rate", "last score"))
    page = compared.page
    at = point(page, 1, 0)  # the largest rate and the smallest score
    page.mouse.move(*at)
    page.wait_for_function("document.querySelector('tr[data-lit]')?.querySelector('th').textContent === 'run 00'")
    assert page.locator(".kcb-reading-out").inner_text() == "run 00: rate 1, last score 0"
    page.mouse.click(*at)
    table = compared.comparison.runs()
    assert [table.name[each] for each in compared.answered("choose")["choices"]["shown"]] == ["run 00"]
    page.keyboard.down("Shift")
    page.mouse.click(*point(page, 0, 1))
    page.keyboard.up("Shift")
    shown = compared.answered("choose")["choices"]["shown"]
    assert [table.name[each] for each in shown] == ["run 00", "run 11"]
    before = inked(page, ".kcb-scatter canvas")
    page.locator("tbody tr").nth(3).hover()
    assert inked(page, ".kcb-scatter canvas") != before


def test_points_are_reached_by_keyboard(opened):
    compared = opened(view="scatter", scatter=("config.rate", "last score"))
    page = compared.page
    page.locator(".kcb-scatter").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator(".kcb-reading-out").inner_text().startswith("run 11: ")
    page.keyboard.press("ArrowLeft")
    assert page.locator(".kcb-reading-out").inner_text().startswith("run 00: ")
    page.keyboard.press(" ")
    assert len(compared.answered("choose")["choices"]["shown"]) == RUNS - 1
    page.keyboard.press("Enter")
    assert len(compared.answered("choose")["choices"]["shown"]) == 1


def test_axes_of_the_scatter_are_chosen(opened):
    compared = opened(view="scatter")
    page = compared.page
    assert page.get_by_label("x is logarithmic").is_checked()
    page.get_by_label("x", exact=True).select_option("config.kind")
    assert compared.answered("choose")["choices"] == {"scatter": ["config.kind", None]}
    assert page.get_by_label("x is logarithmic").is_disabled()
    assert page.locator(".kcb-absent").inner_text() == "4 runs have no kind; 1 run has no best val_loss"
    assert page.locator(".kcb-related").inner_text() == ""  # of texts there is none
    page.get_by_label("x", exact=True).select_option("last val_loss")
    compared.answered("choose")
    assert "1 run has NaN for last val_loss" in page.locator(".kcb-absent").inner_text()
    page.get_by_label("x is logarithmic").check()
    assert compared.answered("choose")["choices"] == {"scales": {"last val_loss": "log"}}


def test_the_rank_correlation_is_exact_with_ties(opened):
    compared = opened(view="scatter", scatter=("config.depth", "best val_loss"))
    page = compared.page
    own = compared.comparison.runs()
    depth = pd.to_numeric(own["config.depth"], errors="coerce")
    both = pd.DataFrame({"x": depth, "y": own["best_val_loss"]}).dropna()
    wanted = np.corrcoef(both.x.rank(), both.y.rank())[0, 1]
    assert both.y.duplicated().any()
    said = page.locator(".kcb-related").inner_text()
    assert said == f"Spearman's rank correlation {wanted:.2f} (n = {len(both)} runs)".replace("-", "\u2212")
    compared.comparison.choose(brush={"config.depth": [1, 2, 3]})
    page.locator(".kcb-related", has_text="(n = 3 runs within the brushes)").wait_for()
    compared.comparison.choose(brush={"config.depth": [1, 2]})
    page.wait_for_function("!document.querySelector('.kcb-related').textContent")


# -- all of it ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [600, 1300])
def test_axe_finds_nothing(opened, theme, width):
    brush = {"config.rate": [(1e-3, None)], "config.kind": ["deep", None]}
    page = opened(view=["curves", "parallel", "scatter"], brush=brush, best=60).page
    page.set_viewport_size({"width": width, "height": 1000})
    page.evaluate("(light) => { document.body.dataset.jpThemeLight = light; }", str(theme == "light").lower())
    page.evaluate("(color) => { document.body.style.background = color; }", "white" if theme == "light" else "#111111")
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_colour_of_an_outcome_is_seen_on_its_ground(opened, theme):
    page = opened(view="parallel").page
    page.evaluate("(light) => { document.body.dataset.jpThemeLight = light; }", str(theme == "light").lower())
    page.wait_for_function(f"document.querySelector('.kcb-board').dataset.kcbTheme === '{theme}'")
    scale = page.locator(".kcb-chooser .kcb-colour-scale").evaluate("(one) => one.style.background")
    colours = [[int(each) for each in found] for found in re.findall(r"rgb\((\d+),? (\d+),? (\d+)\)", scale)]
    assert len(colours) == 5

    def luminance(colour):
        parts = [each / 255 for each in colour]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    found = [luminance(each) for each in colours]
    assert found == sorted(found, reverse=theme == "light")  # told apart without any colour too
    assert all((1.05 / (each + 0.05) if theme == "light" else (each + 0.05) / 0.06) >= 3 for each in found)


def test_a_thousand_runs_over_twelve_axes_are_drawn_as_sharp_as_the_screen_is(browser, folder):
    context = browser.new_context(device_scale_factor=2, viewport={"width": 1300, "height": 900})
    page = context.new_page()
    axes = [f"config.s{number}" for number in range(11)]
    compared = Compared(page, kcb.compare(folder, view="parallel", axes=[*axes, "best loss"]))
    rng = random.Random(1)
    row = rows.table(compared.comparison._selection.members)["rows"][0]
    many = [
        {**row, "id": f"{number:012x}", "settings": [rng.choice([None, rng.random()]) for _ in axes]}
        for number in range(1000)
    ]
    metrics = [{"name": "loss", "direction": "min", "validation": False}]
    page.evaluate(
        "(table) => stub.message(table)",
        {"kind": "table", "left_out": 0, "settings": axes, "metrics": metrics, "rows": many},
    )
    page.wait_for_function("document.querySelector('.kcb-within [role=status]').textContent === '1000 of 1000 runs'")
    inked(page)
    width, shown = page.locator(".kcb-parallel canvas").evaluate("(one) => [one.width, one.clientWidth]")
    assert width == 2 * shown
    page.get_by_role("textbox", name="s3 from").fill("0.5")
    page.keyboard.press("Enter")
    page.wait_for_function("document.querySelector('.kcb-within [role=status]').textContent !== '1000 of 1000 runs'")
    wanted = sum(each["settings"][3] is not None and each["settings"][3] >= 0.5 for each in many)
    assert page.locator(".kcb-within [role=status]").inner_text() == f"{wanted} of 1000 runs"
    page.get_by_role("button", name="Draw these").click()
    shown = next(each for each in page.evaluate("stub.sent") if "shown" in each.get("choices", {}))
    assert len(shown["choices"]["shown"]) == 200  # no more are drawn
    assert page.evaluate("stub.errors") == []
    context.close()


NAMES = ["__proto__", "constructor", "toString", "<img src=x onerror=alert(1)>", "1", "x" * 300, "hasOwn"]
VALUES = [1e308, -1e308, 5e-324, 1e17, 10**30, math.nan, math.inf, -0.0, "", "\ud800", "__proto__", True, None, [1], {}]


def test_hostile_names_and_values_are_only_text(opened, tmp_path):
    rng = random.Random(0)
    for number in range(20):
        run = begin(("loss", "constructor"), steps=1)
        run.name = f"<b>{number}</b>"
        run.append(0, {"loss": rng.choice([1e38, 1e-38, math.nan, -math.inf])})
        run.end_epoch(0, {"loss": rng.choice([1e38, 1e-38, math.nan]), "constructor": 1.0, "__proto__": 2.0})
        run.finish("finished")
        config = {name: rng.choice(VALUES) for name in NAMES}
        config["wide"] = rng.choice([1e308, -1e308, 0.0])
        config["tiny"] = 5e-324 if number else 1e308
        run.settings = {"constructor": number, "__proto__": str(number), "last loss": number}
        file = file_of(run, tmp_path, name=run.name, config=config)
        file.commit(1.0, whole=True)
        file.close()
    compared = opened(tmp_path, view=["parallel", "scatter"])
    page = compared.page
    table = page.get_by_label("add an axis").locator("option").evaluate_all("(all) => all.map((one) => one.value)")
    shown = page.locator("[data-axis]").evaluate_all("(all) => all.map((one) => one.dataset.axis)")
    every = [*shown, *filter(None, table)]
    assert {"config.constructor", "config.1", "config.wide"} <= set(every)
    for name in every:
        page.get_by_label("x", exact=True).select_option(value=name)
        assert compared.answered("choose")["choices"]["scatter"][0] == name
    compared.comparison.choose(axes=every[:30])
    for scale in ("log", "linear", "categories"):
        compared.comparison.choose(scales=dict.fromkeys(every[:30], scale))
        inked(page)
    compared.comparison.choose(scales={}, axes=["config.wide", "config.tiny"])
    for axis in range(2):
        drag(page, where(page, axis, 0.8, 2), where(page, axis, 0.3, 2))
        ((low, high), *_) = compared.answered("choose")["choices"]["brush"][("config.wide", "config.tiny")[axis]]
        assert low < high
    assert compared.refused == []
    assert page.locator(".kcb-board img, .kcb-board b").count() == 0


def test_runs_without_settings_and_no_runs_at_all_are_shown(opened, tmp_path):
    compared = opened(tmp_path, view=["parallel", "scatter"])
    page = compared.page
    assert page.locator(".kcb-within [role=status]").inner_text() == "0 of 0 runs"
    assert page.get_by_role("button", name="Draw these").is_disabled()
    run = begin(("loss",), steps=1)
    compared = opened(run, view=["parallel", "scatter"], axes=["nothing"], brush={"gone": [(1, 2)]}, outcome="worst")
    assert page.locator(".kcb-within [role=status]").inner_text() == "1 of 1 runs"
    assert page.get_by_text("no column of the table is called nothing, gone, worst").is_visible()


def test_views_leave_nothing_behind(opened):
    compared = opened(view=["curves", "parallel", "scatter"])
    page = compared.page
    before = page.evaluate("stub.listeners()")
    for _ in range(3):
        page.evaluate("stub.mount('two')")
        page.evaluate("stub.unmount('two')")
    assert page.evaluate("stub.listeners()") == before
    page.evaluate("document.body.dataset.jpThemeLight = 'false'")
    assert page.locator(".kcb-comparison").count() == 1


def test_nothing_moves_from_under_the_mouse_when_a_run_is_read_out(opened):
    page = opened(view=["parallel", "scatter"], axes=AXES).page
    row = page.locator("tr[data-run]").nth(1)
    row.scroll_into_view_if_needed()
    before = row.bounding_box()
    row.hover()
    page.wait_for_function("document.querySelector('.kcb-reading-out').textContent")
    assert row.bounding_box() == before


def test_a_run_that_is_read_out_is_no_longer_once_a_brush_begins(compared):
    page = compared.page
    read = "document.querySelector('.kcb-reading-out').textContent"
    page.mouse.move(*where(page, 0, 1))
    page.wait_for_function(read)
    page.mouse.down()
    page.mouse.move(*where(page, 0, 0.9))
    page.wait_for_function(f"!{read}")
    page.mouse.up()


def test_the_first_axes_are_the_settings_that_somebody_gave(opened, tmp_path):
    for number in range(3):
        run = begin(("loss",), steps=1)
        run.append(0, {"loss": 1.0})
        run.finish("finished")
        file = file_of(run, tmp_path, config={"depth": number}, settings={"model": {"name": f"sequential_{number}"}})
        file.commit(1.0, whole=True)
        file.close()
    page = opened(tmp_path, view="parallel").page
    assert page.locator("[data-axis]").evaluate_all("(all) => all.map((one) => one.dataset.axis)") == ["config.depth"]


def test_the_list_of_axes_is_open_where_there_is_room_for_it_beside_the_plot(opened):
    for width, is_open in ((600, False), (1300, True)):
        compared = opened(view="parallel", axes=AXES)
        compared.page.set_viewport_size({"width": width, "height": 900})
        compared = opened(view="parallel", axes=AXES)
        assert compared.page.locator(".kcb-axis-list").evaluate("(one) => one.open") is is_open

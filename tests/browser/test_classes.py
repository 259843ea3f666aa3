"""The panel of classes in the built bundle: its code comes as a message, and it is read by mouse, keyboard and ear."""

# ruff: noqa: F401, F811 - fixtures are asked for by name
from __future__ import annotations

import numpy as np
import pytest
from accessibility import violations
from host import STATIC, bundle, host, plain_page, run_picture, state

from kcb_widgets.panels import class_payload
from kcb_widgets.record.class_predictions import predictions_of
from kcb_widgets.record.insights import Insights

pytestmark = pytest.mark.browser
PANELS = ["progress", "controls", "chart", "classes", "events"]
COUNTS = "(all) => all.map((row) => [...row.querySelectorAll('button')].map((one) => Number(one.textContent)))"
THEME = """(light) => {
    document.body.dataset.jpThemeLight = String(light);
    document.body.style.background = light ? "#fff" : "#111";
}"""
NAMES = ("<b>cat</b>", "dog", "owl")


@pytest.fixture
def insights():
    rng, made = np.random.default_rng(0), Insights()
    made.samples = "60 samples of the validation data"
    for epoch in (0, 2):
        truth = rng.integers(0, 3, 60)
        outputs = rng.dirichlet(np.ones(3), 60) + 0.5 * np.eye(3)[truth]
        outputs /= outputs.sum(axis=1, keepdims=True)
        made.add(predictions_of(epoch, 10, "classes", NAMES, truth, outputs, None, True, 0.01))
    return made


def opened(host):
    host.now = state(classes=True)
    host.start(series=run_picture(), show=PANELS)
    host.page.locator("[data-tab=classes]").click()
    (asked,) = host.wait_sent("module")[-1:]
    code, style = ((STATIC / f"classes.{kind}").read_text() for kind in ("js", "css"))
    host.message({"kind": "module", "view": asked["view"], "name": "classes", "code": code, "style": style})


def answer(host, insights):
    """Answer the latest question."""
    asked = host.wait_sent("classes")[-1]
    epoch, cell = asked["epoch"], asked["cell"]
    host.message(class_payload.reply(insights, False, asked["view"], asked["request"], epoch, cell))
    return asked


def test_the_matrix_is_drawn_and_a_cell_opens_its_samples(host, insights):
    opened(host)
    answer(host, insights)
    page = host.page
    rows = page.locator(".kcb-matrix tbody tr")
    rows.nth(2).wait_for()
    kept = insights.classes[-1].confusion()
    shown = rows.evaluate_all(
        "(all) => all.map((row) => [...row.querySelectorAll('button')].map((one) => Number(one.textContent)))"
    )
    assert shown == kept.tolist()
    assert page.locator(".kcb-matrix th[scope=row]").all_inner_texts() == list(NAMES)
    cell = page.get_by_role("button", name="true dog, said owl:")
    cell.focus()
    before = len(host.sent("classes"))
    page.keyboard.press("Enter")
    host.wait_sent("classes", before + 1)
    assert answer(host, insights)["cell"] == [1, 2]
    page.locator(".kcb-class-samples li").first.wait_for()
    assert page.locator(".kcb-class-samples li").count() == int(kept[1, 2])
    assert page.evaluate("document.activeElement.dataset.cell") == "1,2"  # it is where it was
    assert page.locator(".kcb-board b").count() == 0


def test_an_earlier_epoch_is_a_movement_away(host, insights):
    opened(host)
    answer(host, insights)
    slider = host.page.get_by_role("slider", name="epoch", exact=True)
    host.page.locator(".kcb-matrix tbody tr").nth(2).wait_for()
    before = len(host.sent("classes"))
    slider.press("Home")
    host.wait_sent("classes", before + 1)
    assert answer(host, insights)["epoch"] == 0
    host.page.locator(".kcb-class-epoch", has_text="1").wait_for()
    before = len(host.sent("classes"))
    slider.press("End")
    host.wait_sent("classes", before + 1)
    assert answer(host, insights)["epoch"] is None


def test_before_the_first_epoch_it_says_what_it_waits_for(host):
    opened(host)
    answer(host, Insights())
    host.page.get_by_text("The model is read at the end of each epoch").wait_for()
    assert host.page.locator(".kcb-class-parts").is_hidden()


def test_code_that_is_broken_is_told_and_takes_nothing_with_it(host):
    host.now = state(classes=True)
    host.start(series=run_picture(), show=PANELS)
    host.page.locator("[data-tab=classes]").click()
    asked = host.wait_sent("module")[-1]
    host.message({"kind": "module", "view": asked["view"], "name": "classes", "code": "export default (", "style": ""})
    host.page.get_by_text("This panel could not be loaded").wait_for()
    host.page.locator("[data-tab=chart]").click()
    host.page.locator("[data-group=loss] canvas").first.wait_for()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [600, 1300])
def test_axe_finds_nothing(host, insights, theme, width):
    host.page.set_viewport_size({"width": width, "height": 900})
    host.page.evaluate(THEME, theme == "light")
    opened(host)
    answer(host, insights)
    host.page.locator(".kcb-calibration svg").wait_for()
    assert violations(host.page) == []

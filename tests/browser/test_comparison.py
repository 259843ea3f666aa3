"""The comparison's built bundle: table and curves, by mouse and by keyboard, in both themes."""

# ruff: noqa: F401, F811 - fixtures are asked for by name
from __future__ import annotations

import re

import pytest
from accessibility import violations
from compared import Compared
from host import STATIC, bundle, plain_page
from kept import begin, file_of

import kcb_widgets as kcb

pytestmark = pytest.mark.browser
RUNS = 30


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Runs that learn at different rates."""
    made = tmp_path_factory.mktemp("runs")
    for number in range(RUNS):
        run = begin(("loss",), steps=20, epochs=3)
        run.name, run.started = f"run {number:02d}", run.started - 60.0 * number
        for epoch in range(3):
            run.begin_epoch(epoch)
            for batch in range(20):
                run.append(batch, {"loss": 2.0 / (1 + (epoch * 20 + batch) * (number + 1) / 30)})
            run.end_epoch(epoch, {"loss": 1.0 / (epoch + 1 + number), "val_loss": 1.5 / (epoch + 1 + number)})
        run.finish("failed" if number == 5 else "finished", "ValueError: no" if number == 5 else "")
        file = file_of(
            run,
            made,
            name=run.name,
            config={"depth": number, "kind": "deep" if number % 2 else "wide"},
            tags=("odd",) if number % 2 else (),
        )
        file.commit(1.0, whole=True)
        file.close()
    return made


@pytest.fixture
def compared(plain_page, folder):
    plain_page.set_default_timeout(10_000)
    plain_page.set_viewport_size({"width": 900, "height": 900})
    yield Compared(plain_page, kcb.compare(folder))
    assert plain_page.evaluate("stub.errors") == []


def pixels(page):
    """Coloured points of the plot."""
    return page.evaluate("""() => {
        const canvas = document.querySelector(".kcb-compared canvas");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        const seen = new Set();
        for (let i = 0; i < data.length; i += 4) {
            if (data[i + 3] > 200) seen.add([data[i] >> 4, data[i + 1] >> 4, data[i + 2] >> 4].join());
        }
        return seen.size;
    }""")


def test_the_runs_are_listed_newest_first_and_drawn(compared):
    page = compared.page
    assert compared.names()[:3] == ["run 00", "run 01", "run 02"]
    assert page.locator(".kcb-run-list [role=status]").inner_text() == "30 runs, 20 drawn (the newest)"
    head = page.locator(".kcb-run-table thead th").all_inner_texts()
    for name in (
        "run",
        "status",
        "loss",
        "best loss",
        "val_loss",
        "epochs",
        "duration",
        "steered",
        "depth",
        "kind",
        "tags",
    ):
        assert name in head
    page.wait_for_function("document.querySelector('.kcb-compared canvas')?.width > 0")
    assert pixels(page) > 5


def test_the_table_is_sorted_filtered_and_paged(compared):
    page = compared.page
    assert len(compared.names()) == 25
    page.get_by_role("button", name="next page").click()
    assert compared.names() == [f"run {number}" for number in range(25, 30)]
    page.get_by_role("button", name="depth", exact=True).click()
    page.get_by_role("button", name="depth", exact=True).click()
    page.get_by_role("button", name="previous page").click()
    assert compared.names()[:2] == ["run 29", "run 28"]
    assert page.locator("th[aria-sort=descending]").inner_text().startswith("depth")
    page.get_by_role("searchbox", name="filter runs").fill("odd kind=deep depth=1")
    assert compared.names() == [f"run {number:02d}" for number in (19, 17, 15, 13, 11, 1)]
    page.get_by_role("searchbox", name="filter runs").fill("failed")
    assert compared.names() == ["run 05"]
    assert page.locator("[data-status=failed]").get_attribute("title") == "ValueError: no"


def test_a_row_toggles_and_isolates(compared):
    page = compared.page
    page.get_by_role("checkbox", name="draw run 01").uncheck()
    changed = compared.answered("choose")["choices"]["shown"]
    assert len(changed) == 19
    page.wait_for_function("document.querySelector('.kcb-run-list [role=status]').textContent === '30 runs, 19 drawn'")
    page.get_by_role("button", name="run 03", exact=True).click()
    assert len(compared.answered("choose")["choices"]["shown"]) == 1
    page.get_by_role("button", name="run 03", exact=True).click()
    assert compared.answered("choose")["choices"]["shown"] == changed


def test_the_baseline_stands_on_top_and_others_show_differences(compared):
    page = compared.page
    page.get_by_role("button", name="run 04 as baseline").click()
    compared.answered("choose")
    page.wait_for_function("document.querySelector('.kcb-run-table tbody th').textContent === 'run 04'")
    row = page.locator("tr", has=page.get_by_role("button", name="run 00", exact=True))
    worse = row.locator('[data-column="loss last"] .kcb-worse')
    assert worse.inner_text() == "+0.19"  # 1/3 - 1/7
    better = page.locator("tr", has=page.get_by_role("button", name="run 09", exact=True)).locator(
        '[data-column="loss last"] .kcb-better'
    )
    assert better.inner_text().startswith("\u2212")
    page.get_by_role("button", name="keep run 07 on top").click()
    assert compared.names()[:2] == ["run 04", "run 07"]


def test_what_is_chosen_is_drawn(compared):
    page = compared.page
    page.get_by_label("curves", exact=True).select_option("validation")
    assert compared.answered("choose")["choices"] == {"which": "validation"}
    page.get_by_label("horizontal axis").select_option("epoch")
    assert compared.answered("choose")["choices"] == {"x": "epoch"}
    page.get_by_role("slider", name="smoothing").fill("0.5")
    assert compared.answered("choose")["choices"] == {"smoothing": 0.5}
    page.get_by_role("checkbox", name="log").check()
    assert compared.answered("choose")["choices"] == {"log": True}
    assert compared.comparison.chosen["log"] is True
    assert compared.refused == []


def test_runs_are_put_together_by_a_setting(compared):
    page = compared.page
    assert "together by kind" in page.get_by_label("put together by").locator("option").all_inner_texts()
    page.get_by_label("put together by").select_option("config.kind")
    assert compared.answered("choose")["choices"] == {"group": "config.kind"}
    page.locator("tbody .kcb-run-swatch[title='deep, 10 runs']").first.wait_for(state="attached")
    colours = page.locator("tbody .kcb-run-swatch").evaluate_all(
        "(all) => [...new Set(all.slice(0, 20).map((one) => one.style.borderTopColor))]"
    )
    assert len(colours) == 2
    area = page.locator(".kcb-compared .u-over").bounding_box()
    page.mouse.move(area["x"] + area["width"] * 0.5, area["y"] + 10)
    page.wait_for_function("document.querySelector('tbody .kcb-reading').textContent")
    assert len(set(page.locator("tbody .kcb-reading").all_inner_texts()[:20])) == 2
    page.get_by_label("put together by").select_option("")
    compared.answered("choose")
    page.wait_for_function("!document.querySelector('tbody .kcb-run-swatch[title]')")


def test_a_zoom_asks_for_finer_data_and_lasts(compared):
    page = compared.page
    area = page.locator(".kcb-compared .u-over").bounding_box()
    y = area["y"] + area["height"] / 2
    page.mouse.move(area["x"] + area["width"] * 0.25, y)
    page.mouse.down()
    page.mouse.move(area["x"] + area["width"] * 0.4, y)
    page.mouse.move(area["x"] + area["width"] * 0.5, y)
    page.mouse.up()
    asked = compared.answered("window")
    assert 10 < asked["first"] < 20 < asked["last"] < 35
    page.locator(".kcb-compared figcaption", has_text="loss, ").wait_for()
    page.get_by_role("slider", name="smoothing").fill("0.3")
    compared.answered("choose")
    again = compared.answered("window")
    assert (again["first"], again["last"]) == (asked["first"], asked["last"])
    page.get_by_role("button", name="Show all").click()
    compared.answered("choose")
    page.wait_for_function("document.querySelector('.kcb-compared figcaption button').hidden")


def test_the_cursor_reads_every_run(compared):
    page = compared.page
    area = page.locator(".kcb-compared .u-over").bounding_box()
    page.mouse.move(area["x"] + area["width"] * 0.999, area["y"] + 10)
    page.wait_for_function("document.querySelector('thead .kcb-reading').textContent.startsWith('at ')")
    readings = page.locator("tbody .kcb-reading").all_inner_texts()
    assert all(readings[:20])
    assert not any(readings[20:])
    page.locator(".kcb-compared .kcb-canvas").focus()
    before = page.locator("thead .kcb-reading").inner_text()
    page.keyboard.press("Shift+ArrowLeft")
    page.wait_for_function(
        "(before) => document.querySelector('thead .kcb-reading').textContent !== before", arg=before
    )


def test_a_row_under_the_pointer_is_lit_on_the_plot(compared):
    page = compared.page
    before = pixels(page)
    page.locator("tbody tr").nth(2).hover()
    page.wait_for_function("1")
    assert pixels(page) != before


def test_name_tags_and_notes_are_edited(compared, folder):
    page = compared.page
    page.get_by_role("button", name="edit run 02").click()
    page.get_by_role("textbox", name="name", exact=True).fill("<i>renamed</i>")
    page.get_by_role("textbox", name="tags, separated by commas").fill("a, b,,")
    page.keyboard.press("Enter")
    assert compared.answered("edit")["changes"] == {"name": "<i>renamed</i>", "tags": ["a", "b"], "notes": ""}
    page.wait_for_function(
        "[...document.querySelectorAll('tbody th')].some((each) => each.textContent === '<i>renamed</i>')"
    )
    assert "<i>renamed</i>" in set(kcb.runs(folder).name)
    page.get_by_role("button", name="edit <i>renamed</i>").click()
    page.get_by_role("textbox", name="name", exact=True).fill("run 02")
    page.get_by_role("button", name="Save").click()
    compared.answered("edit")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [600, 900])
def test_axe_finds_nothing(compared, theme, width):
    page = compared.page
    page.set_viewport_size({"width": width, "height": 900})
    page.evaluate("(light) => { document.body.dataset.jpThemeLight = light; }", str(theme == "light").lower())
    page.evaluate("(color) => { document.body.style.background = color; }", "white" if theme == "light" else "#111111")
    page.get_by_role("button", name="run 04 as baseline").click()
    compared.answered("choose")
    page.get_by_role("button", name="edit run 01").click()
    assert violations(page) == []
    page.get_by_role("button", name="Cancel").click()


def test_the_bundle_is_small_and_loads_nothing():
    text = (STATIC / "comparison.js").read_text() + (STATIC / "comparison.css").read_text()
    assert (STATIC / "comparison.js").stat().st_size <= 140 * 1024
    assert not re.search(r"https?://(?!www\.w3\.org|github\.com)", text)
    assert not re.search(r"innerHTML|eval\(|new Function", text)


def test_views_leave_nothing_behind(compared):
    page = compared.page
    before = page.evaluate("stub.listeners()")
    for _ in range(3):
        page.evaluate("stub.mount('two')")
        page.evaluate("stub.unmount('two')")
    assert page.evaluate("stub.listeners()") == before
    assert page.locator(".kcb-comparison").count() == 1

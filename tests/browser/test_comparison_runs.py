"""The comparison's built bundle: axes, marks, groups, colours, and what is done with runs."""

# ruff: noqa: F401, F811 - fixtures are asked for by name
from __future__ import annotations

import shutil

import pytest
from accessibility import violations
from compared import Compared
from host import bundle, plain_page
from kept import begin, file_of

import kcb_widgets as kcb

pytestmark = pytest.mark.browser
RUNS = 8


def fill(folder):
    """Runs of two models with four seeds each: of different lengths, some changed by hand, most with a batch size."""
    for number in range(RUNS):
        epochs = 2 + number % 3
        run = begin(("loss",), steps=20, epochs=epochs)
        run.started -= 60.0 * number  # whatever time making them takes
        run.set_value("learning_rate", 0.1)
        for epoch in range(epochs):
            run.begin_epoch(epoch)
            for batch in range(20):
                run.append(batch, {"loss": 2.0 / (1 + (epoch * 20 + batch) * (number + 1) / 30)})
                if (epoch, batch) == (1, 9) and number % 2:
                    run.set_value("learning_rate", 0.01)
                    run.add_event("applied", "learning_rate", 0.1, 0.01, "board")
            run.end_epoch(epoch, {"loss": 1.0 / (epoch + 1 + number), "val_loss": 1.5 / (epoch + 1 + number)})
        run.finish("finished")
        name = f"{'mlp' if number < 4 else 'cnn'}-seed{number % 4}"
        sizes = {} if number == 6 else {"data": {"batch_size": 32}}
        config = {} if number == 7 else {"lr": 10.0 ** -(number % 4), "kind": "<b>deep" if number % 2 else "wide"}
        file = file_of(run, folder, name=name, config=config, settings=sizes, tags=("odd",) if number % 2 else ())
        file.commit(1.0, whole=True)
        file.close()
    return folder


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    return fill(tmp_path_factory.mktemp("runs"))


@pytest.fixture
def folder(kept, tmp_path):
    """A copy: tests take runs away."""
    return shutil.copytree(kept, tmp_path / "runs")


@pytest.fixture
def compared(plain_page, folder):
    plain_page.set_default_timeout(10_000)
    plain_page.set_viewport_size({"width": 900, "height": 900})
    yield Compared(plain_page, kcb.compare(folder))
    assert plain_page.evaluate("stub.errors") == []


def choose(compared, label, value):
    """Choose in a list, and hand it over."""
    compared.page.get_by_label(label, exact=True).select_option(value)
    return compared.answered("choose")["choices"]


def move_to(page, part, top=10):
    area = page.locator(".kcb-compared .u-over").bounding_box()
    page.mouse.move(area["x"] + area["width"] * part, area["y"] + top)


# -- axes and marks ----------------------------------------------------------------------------------------------------


def test_a_recorded_series_or_samples_are_an_axis_and_who_is_left_out_is_said(compared):
    page = compared.page
    options = page.get_by_label("horizontal axis").locator("option").all_inner_texts()
    assert options == [
        "step",
        "epoch",
        "time of training",
        "wall clock",
        "samples seen",
        "learning_rate",
        "loss",
        "val_loss",
    ]
    assert choose(compared, "horizontal axis", "samples") == {"x": "samples"}
    page.get_by_text("1 run is not drawn: the batch size is not known").wait_for()
    assert choose(compared, "horizontal axis", "series.learning_rate") == {"x": "series.learning_rate"}
    page.get_by_text("1 run is not drawn").wait_for(state="hidden")
    assert page.get_by_label("where zero is").is_disabled()
    move_to(page, 0.5)
    page.wait_for_function("document.querySelector('thead .kcb-reading').textContent.startsWith('at 0.05')")


def test_runs_are_in_line_by_a_change_and_what_is_before_it_is_below_zero(compared):
    page = compared.page
    assert choose(compared, "where zero is", "by_hand") == {"align": "by_hand"}
    page.get_by_text("4 runs are not drawn: no change by hand").wait_for()
    choose(compared, "horizontal axis", "time")
    assert choose(compared, "where zero is", "") == {"align": None}
    page.get_by_text("4 runs are not drawn").wait_for(state="hidden")
    choose(compared, "horizontal axis", "step")
    choose(compared, "where zero is", "by_hand")
    page.locator(".kcb-compared .kcb-canvas").focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("document.querySelector('thead .kcb-reading').textContent.startsWith('at -')")


def test_changes_by_hand_are_read_on_the_plot_and_as_a_list(compared):
    page = compared.page
    choose(compared, "where zero is", "by_hand")
    area = page.locator(".kcb-compared .u-over").bounding_box()
    page.locator(".kcb-compared .kcb-canvas").focus()
    page.keyboard.press("ArrowRight")
    for _ in range(200):  # until the cursor stands at zero, where all marks are
        if "learning_rate" in page.locator(".kcb-marks-told").inner_text():
            break
        page.keyboard.press("Shift+ArrowRight")
    assert "mlp-seed1, step 30: learning_rate 0.1 → 0.01" in page.locator(".kcb-marks-told").inner_text()
    assert "and 1 more" in page.locator(".kcb-marks-told").inner_text()
    page.mouse.move(area["x"] + area["width"] / 2, area["y"] + area["height"] + 200)
    page.get_by_text("changed by hand (4)").click()
    page.get_by_role("listitem").filter(has_text="cnn-seed3, step 30: learning_rate 0.1 → 0.01").wait_for()


# -- groups ------------------------------------------------------------------------------------------------------------


def test_runs_are_put_together_by_a_pattern_and_the_table_folds(compared):
    page = compared.page
    page.get_by_label("put together by").select_option("name:")
    pattern = page.get_by_role("textbox", name="pattern of the name")
    pattern.fill("seed*")
    pattern.press("Enter")
    assert compared.answered("choose")["choices"] == {"group": "name:seed*"}
    page.get_by_role("button", name="mlp-seed*").wait_for()
    assert compared.names() == ["▸ mlp-seed*", "▸ cnn-seed*"]
    assert page.locator(".kcb-run-list [role=status]").inner_text() == "8 runs in 2 groups, 8 drawn"
    row = page.locator("tr[data-group='mlp-seed*']")
    assert "4 runs" in row.inner_text()
    assert row.locator("[data-column='epochs']").inner_text() == "2.75 ± 0.9574"
    assert row.locator("[data-column='status']").inner_text() == "finished"
    assert row.locator("[data-column='steered']").inner_text() == "0.5 ± 0.5774"
    move_to(page, 0.2)
    page.wait_for_function("document.querySelector('tbody .kcb-reading').textContent.endsWith('n=4')")
    page.get_by_role("button", name="mlp-seed*").press("Enter")
    assert compared.names() == ["▾ mlp-seed*", "mlp-seed0", "mlp-seed1", "mlp-seed2", "mlp-seed3", "▸ cnn-seed*"]
    assert page.evaluate("document.activeElement.dataset.at") == "group mlp-seed*"
    page.get_by_role("checkbox", name="draw mlp-seed*").uncheck()
    assert len(compared.answered("choose")["choices"]["shown"]) == 4
    page.get_by_role("button", name="epochs", exact=True).click()
    page.get_by_role("button", name="epochs", exact=True).click()
    assert compared.names()[:2] == ["▸ cnn-seed*", "▾ mlp-seed*"]  # the means are 3 and 2.75


def test_a_pattern_is_waited_for_and_goes_with_its_group(compared):
    page = compared.page
    group = page.get_by_label("put together by")
    pattern = page.get_by_role("textbox", name="pattern of the name")
    group.select_option("name:")
    choose(compared, "curves", "train")  # meanwhile something else is chosen
    page.wait_for_function("document.querySelector('[aria-label=curves]').value === 'train'")
    assert pattern.is_visible()
    assert group.input_value() == "name:"
    pattern.fill("*-seed?")
    pattern.press("Enter")
    compared.answered("choose")
    page.get_by_role("button", name="*-seed?").wait_for()
    assert compared.names() == ["▸ *-seed?"]
    page.get_by_role("searchbox", name="filter runs").focus()
    compared.comparison._messages.choose({"group": None})
    pattern.wait_for(state="hidden")
    assert group.input_value() == ""


def test_groups_are_sorted_by_their_means(compared):
    page = compared.page
    choose(compared, "put together by", "tags")
    page.get_by_role("button", name="missing", exact=False).first.wait_for()
    page.get_by_role("button", name="best loss").click()
    first = compared.names()
    page.get_by_role("button", name="best loss").click()
    assert compared.names() == first[::-1]


def test_the_band_is_chosen_and_drop_outs_are_read(compared):
    page = compared.page
    assert not page.get_by_label("band around a mean").is_visible()
    choose(compared, "put together by", "tags")
    choose(compared, "curves", "validation")
    assert choose(compared, "band around a mean", "quartiles") == {"band": "quartiles"}
    page.locator(".kcb-compared .kcb-canvas").focus()
    said = set()
    for _ in range(120):
        page.keyboard.press("Shift+ArrowRight")
        said.add(page.locator(".kcb-marks-told").inner_text())
    assert any("of 4 runs go on after" in each for each in said), said


# -- colours -----------------------------------------------------------------------------------------------------------


def test_colours_are_those_of_a_setting_and_the_legend_says_which(compared):
    page = compared.page
    assert choose(compared, "colours", "config.lr") == {"colour": "config.lr"}
    legend = page.locator(".kcb-colours")
    legend.wait_for()
    assert legend.inner_text().split() == ["colour:", "lr,", "by", "decades", "0.001", "to", "1", "missing"]
    colours = page.locator("tbody .kcb-run-swatch").evaluate_all("(all) => all.map((one) => one.style.borderTopColor)")
    assert colours[0] == colours[4] != colours[1]
    assert colours[7] == "rgb(128, 128, 128)"
    choose(compared, "colours", "config.kind")
    page.wait_for_function("document.querySelector('.kcb-colours').textContent.includes('<b>deep')")
    choose(compared, "colours", "")
    legend.wait_for(state="hidden")


# -- hiding, deleting, side by side ------------------------------------------------------------------------------------


def test_a_hidden_run_comes_back(compared):
    page = compared.page
    page.get_by_role("button", name="hide mlp-seed1").press("Enter")
    assert len(compared.answered("choose")["choices"]["hidden"]) == 1
    page.get_by_role("button", name="Show hidden (1)").wait_for()
    assert "mlp-seed1" not in compared.names()
    assert page.evaluate("document.activeElement.type") == "search"
    page.get_by_role("button", name="Show hidden (1)").click()
    assert compared.answered("choose")["choices"] == {"hidden": []}
    page.get_by_role("button", name="Show hidden").wait_for(state="hidden")
    assert "mlp-seed1" in compared.names()


def test_a_run_is_deleted_only_when_asked_twice(compared, folder):
    page = compared.page
    page.get_by_role("button", name="delete mlp-seed2").press("Enter")
    asked = page.get_by_role("group", name="delete a run")
    assert "Put the file of mlp-seed2 into the folder .bin" in asked.inner_text()
    page.keyboard.press("Escape")
    assert page.evaluate("document.activeElement.ariaLabel") == "delete mlp-seed2"
    page.get_by_role("button", name="delete mlp-seed2").click()
    page.get_by_role("button", name="Delete", exact=True).click()
    compared.answered("delete")
    page.get_by_text("The run's file is runs/.bin/").wait_for()
    assert "mlp-seed2" not in compared.names()
    assert len(list((folder / ".bin").iterdir())) == 1


def test_why_a_run_is_not_deleted_is_said(plain_page, tmp_path):
    run = begin()
    run.begin_epoch(0)
    run.append(0, {"loss": 1.0})
    file = file_of(run, tmp_path, name="<i>live</i>")
    file.commit(1.0)
    compared = Compared(plain_page, kcb.compare(tmp_path))
    compared.page.get_by_role("button", name="delete <i>live</i>").click()
    compared.page.get_by_text("<i>live</i> trains, or may").wait_for()
    assert not compared.page.get_by_role("button", name="Delete", exact=True).is_visible()
    file.close()


def test_runs_stand_side_by_side_with_what_differs(compared):
    page = compared.page
    for number in (0, 2):
        page.get_by_role("checkbox", name=f"draw cnn-seed{number}").uncheck()
        compared.answered("choose")
    page.get_by_role("button", name="Side by side").click()
    compared.answered("side_by_side")
    table = page.get_by_role("table", name="runs side by side")
    table.wait_for()
    assert table.locator("thead th").all_inner_texts() == [
        "mlp-seed0",
        "mlp-seed1",
        "mlp-seed2",
        "mlp-seed3",
        "cnn-seed1",
        "cnn-seed3",
    ]
    facts = table.locator("tbody th[scope=row]").all_inner_texts()
    assert "lr" in facts
    assert "change 1" in facts
    assert "status" not in facts
    row = table.locator("tr", has=page.get_by_role("rowheader", name="change 1", exact=True))
    assert row.locator("td").all_inner_texts()[:2] == ["\u2013", "step 30: learning_rate 0.1 → 0.01"]
    page.get_by_role("checkbox", name="only what differs").uncheck()
    assert "status" in table.locator("tbody th[scope=row]").all_inner_texts()
    page.get_by_role("checkbox", name="draw mlp-seed0").uncheck()
    compared.answered("choose")
    compared.answered("side_by_side")
    page.wait_for_function("document.querySelectorAll('.kcb-side-by-side thead th').length === 5")
    page.get_by_role("region", name="runs side by side").press("Escape")
    assert page.evaluate("document.activeElement.textContent") == "Side by side"
    assert not table.is_visible()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [600, 1300])
def test_axe_finds_nothing(compared, theme, width):
    page = compared.page
    page.set_viewport_size({"width": width, "height": 1200})
    page.evaluate("(light) => { document.body.dataset.jpThemeLight = light; }", str(theme == "light").lower())
    page.evaluate("(color) => { document.body.style.background = color; }", "white" if theme == "light" else "#111111")
    choose(compared, "colours", "config.lr")
    choose(compared, "put together by", "tags")
    page.get_by_role("button", name="odd", exact=False).first.click()
    page.get_by_text("changed by hand (4)").click()
    page.get_by_role("button", name="delete mlp-seed1").click()
    page.get_by_role("button", name="Side by side").click()
    compared.answered("side_by_side")
    page.get_by_role("table", name="runs side by side").wait_for()
    assert violations(page) == []


def test_what_a_group_looks_like_follows_the_colours(compared):
    page = compared.page
    choose(compared, "put together by", "config.lr")
    page.locator(".kcb-group-row .kcb-run-swatch").first.wait_for(state="attached")
    choose(compared, "colours", "config.lr")
    page.locator(".kcb-colours").wait_for()
    colours = page.locator(".kcb-group-row .kcb-run-swatch").evaluate_all(
        "(all) => all.map((one) => one.style.borderTopColor)"
    )
    drawn = """(colour) => {
        const canvas = document.querySelector(".kcb-compared canvas");
        const [r, g, b] = colour.match(/\\d+/g).map(Number);
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        for (let i = 0; i < data.length; i += 4) {
            if (data[i + 3] > 250 && data[i] === r && data[i + 1] === g && data[i + 2] === b) return true;
        }
        return false;
    }"""
    assert len(set(colours)) > 2
    for colour in colours:
        page.wait_for_function(drawn, arg=colour)


def test_what_was_changed_by_hand_goes_with_the_curves(compared):
    page = compared.page
    page.locator(".kcb-changes").wait_for()
    page.get_by_role("button", name="Curves", exact=True).click()
    page.locator(".kcb-changes").wait_for(state="hidden")

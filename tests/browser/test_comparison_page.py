"""A comparison's page in Chromium: it reckons what a kernel would, and shows what it cannot do."""

# ruff: noqa: F401, F811 - fixtures are asked for by name
from __future__ import annotations

import numpy as np
import pytest
from accessibility import violations
from host import CONTRASTS, bundle
from kept import begin
from paged import NAMES, data_of, opened
from playwright.sync_api import expect

import kcb_widgets as kcb
from kcb_widgets.panels.comparison import picture
from kcb_widgets.panels.comparison import rows as comparison_rows
from kcb_widgets.panels.page import comparison_page, document
from kcb_widgets.panels.page.packed_curves import PackedCurves

pytestmark = pytest.mark.browser
RUNS = 24
# What the page would draw, as the messages that its view is sent.
TAPPED = """
const seen = [];
globalThis.kcbWidget = { render: ({ model }) => {
    model.on("msg:custom", (content, [raw]) => {
        seen.push({ content, raw: raw && [...new Float32Array(raw.buffer)].map(String) });
    });
    globalThis.tapped = { model, seen };
} };
"""


def runs(steps=20, count=RUNS):
    made = []
    for number in range(count):
        run = begin(("loss", "mae"), steps=steps, epochs=3)
        run.name, run.started = f"run {number:02d}", 1.7e9 - 1000.0 * number
        run.config, run.tags = {"depth": number % 3, "number": number}, ("odd",) if number % 2 else ()
        run.settings = {"data": {"batch_size": 32}} if number % 4 else {}
        for epoch in range(3):
            run.begin_epoch(epoch)
            for batch in range(steps):
                at = epoch * steps + batch
                run.append(batch, {"loss": 2.0 / (1 + at * (number + 1) / 30), "mae": float(np.sin(at + number))})
                if number % 3 and at == 4 + number:
                    run.add_event("applied", "learning_rate", 0.1, 0.01, source="board")
                    run.add_event("snapshot", "best")
            run.end_epoch(
                epoch, {"loss": 1.0 / (epoch + 1 + number), "val_loss": 1.5 / (epoch + 1 + number), "mae": 1.0}
            )
        run.finish("failed" if number == 5 else "finished", "ValueError: no" if number == 5 else "")
        made.append(run)
    return made


@pytest.fixture(scope="module")
def compared(bundle):
    return kcb.compare(runs())


@pytest.fixture(scope="module")
def path(compared, tmp_path_factory):
    return compared.to_html(tmp_path_factory.mktemp("page") / "runs.html")


@pytest.fixture
def page(browser, path):
    with opened(browser, path) as found:
        yield found


def status(page):
    return page.locator(".kcb-run-list [role=status]")


@pytest.mark.parametrize(
    "choices",
    [
        {},
        {"x": "epoch", "which": "validation"},
        {"x": "time", "smoothing": 0.6},
        {"x": "clock", "metric": "mae", "which": "train"},
        {"metric": "val_loss"},
        {"group": "config.depth", "smoothing": 0.3},
        {"group": "tags", "band": "error"},
        {"group": "config.depth", "band": "range", "colour": "config.depth"},
        {"group": "name:0*", "band": "quartiles", "colour": "config.number"},
        {"x": "samples"},
        {"x": "samples", "align": "by_hand"},
        {"align": "snapshot", "group": "config.depth"},
        {"x": "epoch", "align": "zero", "which": "validation"},
        {"align": "zero", "smoothing": 0.5},
        {"x": "time", "align": "by_hand", "which": "train"},
        {"align": "nan"},
        {"hidden": "two"},
        {"shown": "two"},
        {"shown": []},
    ],
)
def test_it_reckons_what_the_kernel_would(browser, compared, tmp_path, monkeypatch, choices):
    if "two" in choices.values():
        choices = {name: [compared._selection.members[3].id, compared._selection.members[1].id] for name in choices}
    monkeypatch.setattr(document, "_bundle", lambda name: TAPPED)
    path = kcb.compare([member.live for member in compared._selection.members], **choices).to_html(
        tmp_path / "tapped.html"
    )
    context = browser.new_context()
    page = context.new_page()
    page.goto(path.as_uri())
    window = (
        [None, None] if choices.get("x") == "clock" else [40.0, 400.0] if choices.get("x") == "samples" else [1.5, 2.5]
    )
    ask = """async ([first, last]) => {
        const { model, seen } = globalThis.tapped;
        model.send({ kind: "hello", first: true });
        if (first !== null) model.send({ kind: "window", view: "v", request: 7, first, last });
        await new Promise((done) => setTimeout(done));
        return seen;
    }"""
    table, *curves = page.evaluate(ask, window)
    context.close()
    there = kcb.compare([member.live for member in compared._selection.members], **choices)
    rows = table["content"]["rows"]
    wanted = comparison_rows.table(there._selection.members, there._selection.scale(), choices.get("group"))
    assert table["content"]["legend"] == wanted["legend"]
    assert [(row["id"], row["colour"], row["group"]) for row in rows] == [
        (row["id"], row["colour"], row["group"]) for row in wanted["rows"]
    ]
    for (first, last), message in zip([(None, None), tuple(window)], curves, strict=False):
        header, data = picture.picture(
            there._selection.lines(), there._selection.choices, there._selection.scale(), first, last
        )
        found = message["content"]
        for name in ("series", "bins", "x", "align", "band", "left_out", "more_marks"):
            assert found[name] == header[name]
        assert set(found["axes"]) >= set(header["axes"])
        for one, other in zip(found["groups"], header["groups"], strict=True):
            ends = np.array(one.pop("ends")), np.array(other.pop("ends"))
            np.testing.assert_allclose(*ends, rtol=1e-6)
            assert one == other
        assert [(mark["run"], mark["text"]) for mark in found["marks"]] == [
            (mark["run"], mark["text"]) for mark in header["marks"]
        ]
        places = [[mark["x"] for mark in each["marks"]] for each in (found, header)]
        np.testing.assert_allclose(*places, rtol=1e-9)
        np.testing.assert_allclose([found["first"], found["last"]], [header["first"], header["last"]], rtol=1e-6)
        np.testing.assert_allclose(found["whole"], header["whole"], rtol=1e-6)
        raw = np.array([float(each) for each in message["raw"]], np.float32)
        wanted = np.frombuffer(data, np.float32)
        assert raw.shape == wanted.shape
        if choices.get("x") not in ("time", "clock"):  # seconds so close have no digits in float32
            np.testing.assert_allclose(raw, wanted, rtol=2e-5, atol=1e-6)
        assert np.isfinite(raw).sum() == pytest.approx(np.isfinite(wanted).sum(), rel=0.05)


def test_rows_are_drawn_isolated_sorted_and_filtered(page):
    expect(status(page)).to_have_text(f"{RUNS} runs, 20 drawn (the newest)")
    page.get_by_role("checkbox", name="draw run 01").uncheck()
    expect(status(page)).to_have_text(f"{RUNS} runs, 19 drawn")
    page.get_by_role("button", name="run 03", exact=True).click()
    expect(status(page)).to_have_text(f"{RUNS} runs, 1 drawn")
    page.get_by_role("button", name="run 03", exact=True).click()
    expect(status(page)).to_have_text(f"{RUNS} runs, 19 drawn")
    page.get_by_role("searchbox", name="filter runs").fill("failed")
    assert page.locator(".kcb-run-table tbody th").all_inner_texts() == ["run 05"]


def test_what_is_drawn_is_chosen_and_zoomed(page):
    page.get_by_label("metric", exact=True).select_option("mae")
    expect(page.locator(".kcb-compared figcaption")).to_contain_text("mae")
    page.get_by_label("put together by").select_option("config.depth")
    expect(page.locator(".kcb-run-swatch[title='0, 7 runs']").first).to_be_visible()
    page.get_by_label("log", exact=False).first.check()
    box = page.locator(".kcb-compared .u-over").bounding_box()
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 50)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.4 * box["width"], box["y"] + 50)
    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 50)
    page.mouse.up()
    expect(page.locator(".kcb-compared figcaption")).to_contain_text(" to ")
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(".kcb-compared figcaption")).not_to_contain_text(" to ")


def test_what_needs_a_kernel_is_off_and_says_why(browser, bundle, tmp_path, monkeypatch, page):
    edit = page.get_by_role("button", name="edit run 01")
    expect(edit).to_be_disabled()
    assert edit.get_attribute("title") == comparison_page.EDIT
    monkeypatch.setattr(comparison_page, "MAX_GROUPS", 700)
    eight = kcb.compare(runs(400, 8))
    text = eight.to_html(tmp_path / "all.html").read_text()
    data = data_of(text)
    bare = len(text) - len(data["bytes"]) - len(document.dumped(data["curves"])) + comparison_page.MARGIN
    monkeypatch.setattr(comparison_page, "MAX_BYTES", bare + 10_000)
    monkeypatch.setattr(PackedCurves, "add", lambda *_: False)
    path = eight.to_html(tmp_path / "less.html")
    with opened(browser, path) as less:
        option = less.get_by_label("metric", exact=True).locator("option[value=mae]")
        assert option.inner_text() == "mae (not in this page)"
        assert option.is_disabled()
        assert less.get_by_label("metric", exact=True).input_value() == "loss"
        together = less.get_by_label("put together by").locator("option:disabled").all_inner_texts()
        assert together
        assert all(each.endswith("(not in this page)") for each in together)
        oldest = less.get_by_role("checkbox", name="draw run 07")
        assert oldest.is_disabled()
        assert oldest.get_attribute("title") == "This page has no curves of this run"
        assert less.get_by_role("checkbox", name="draw run 00").is_enabled()


def test_what_the_axis_and_the_pattern_cannot_be_is_off(browser, path, compared, tmp_path):
    with opened(browser, path) as page:
        series = page.get_by_label("horizontal axis").locator("option[value^='series.']")
        assert set(series.all_inner_texts()) == {f"{name} (not in this page)" for name in ("loss", "mae", "val_loss")}
        assert series.first.is_disabled()
        assert page.get_by_label("put together by").locator("option[value='name:']").is_disabled()
        drop = page.get_by_role("button", name="delete run 01")
        assert drop.is_disabled()
        assert drop.get_attribute("title") == comparison_page.EDIT
    live = [member.live for member in compared._selection.members]
    path = kcb.compare(live, group="name:0*", x="series.mae").to_html(tmp_path / "pattern.html")
    with opened(browser, path) as page:
        assert page.get_by_label("horizontal axis").input_value() == "step"
        assert page.get_by_text("Its curves were drawn by a series").is_visible()
        pattern = page.get_by_label("pattern of the name")
        assert (pattern.input_value(), pattern.is_editable()) == ("0*", False)
        page.get_by_label("put together by").select_option("")
        expect(pattern).to_be_hidden()
        page.get_by_label("put together by").select_option("name:")
        expect(page.locator("[data-group='run 0*']")).to_be_visible()


def test_colours_hidden_runs_and_alignment_are_chosen_in_it(page):
    page.get_by_label("colours", exact=True).select_option("config.depth")
    expect(page.locator(".kcb-colours")).to_contain_text("colour: depth")
    page.get_by_role("button", name="hide run 01").click()
    expect(status(page)).to_have_text(f"{RUNS - 1} runs, 20 drawn (the newest)")
    page.get_by_role("button", name="Show hidden (1)").click()
    expect(status(page)).to_have_text(f"{RUNS} runs, 20 drawn (the newest)")
    page.get_by_label("where zero is").select_option("by_hand")
    expect(page.locator(".kcb-comparison")).to_contain_text("7 runs are not drawn: no change by hand")


def test_runs_stand_side_by_side(page):
    page.get_by_role("button", name="run 01", exact=True).click()
    page.get_by_role("checkbox", name="draw run 02").check()
    page.get_by_role("button", name="Side by side").click()
    table = page.get_by_role("table", name="runs side by side")
    assert table.get_by_role("columnheader").all_inner_texts() == ["run 01", "run 02"]
    assert table.get_by_role("row", name="depth").get_by_role("cell").all_inner_texts() == ["1", "2"]
    assert table.get_by_role("row", name="change 1").inner_text().count("learning_rate 0.1 → 0.01") == 2
    assert not table.get_by_role("row", name="batch_size").count()  # it is the same in both
    page.get_by_label("only what differs").uncheck()
    assert table.get_by_role("row", name="batch_size").get_by_role("cell").all_inner_texts() == ["32", "32"]


def test_how_settings_relate_to_results_is_seen_without_a_kernel(browser, compared, tmp_path, page):
    page.get_by_role("button", name="Scatter", exact=True).click()
    page.get_by_role("button", name="Parallel coordinates").click()
    expect(page.locator(".kcb-relations canvas").first).to_be_visible()
    page.get_by_role("button", name="Curves", exact=True).click()
    expect(page.locator(".kcb-compared")).to_be_hidden()
    live = [member.live for member in compared._selection.members]
    choices = {"view": ["parallel"], "brush": {"config.depth": [2]}, "outcome": "best val_loss"}
    path = kcb.compare(live, **choices).to_html(tmp_path / "brushed.html")
    with opened(browser, path) as brushed:
        expect(status(brushed)).to_have_text(f"8 of {RUNS} runs, 20 drawn (the newest)")
        brushed.get_by_role("button", name="Draw these").click()
        expect(status(brushed)).to_have_text(f"8 of {RUNS} runs, 8 drawn")
        brushed.get_by_role("button", name="Clear brushes").click()
        expect(status(brushed)).to_have_text(f"{RUNS} runs, 8 drawn")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_read_by_everybody_in_both_themes(browser, path, scheme):
    with opened(browser, path, color_scheme=scheme) as page:
        assert page.locator(".kcb-board").get_attribute("data-kcb-theme") == scheme
        assert page.evaluate(CONTRASTS) == []
        assert violations(page) == []


def test_names_of_runs_run_nothing(browser, bundle, tmp_path):
    made = runs(count=3)
    for run, name in zip(made, NAMES, strict=False):
        run.name, run.notes, run.tags, run.message, run.status = name, name, NAMES, name, "failed"
        run.config = {NAMES[0]: name, NAMES[1]: name}
    with opened(browser, kcb.compare(made, group="name").to_html(tmp_path / "evil.html")) as page:
        page.locator("tbody").get_by_role("button", name=f"▸ {NAMES[0]}", exact=True).click()
        page.locator("tbody").get_by_role("button", name=NAMES[0], exact=True).click()
        assert page.evaluate("window.hit") is None
        assert page.locator("img, iframe, object, svg[onload]").count() == 0
        assert NAMES[0] in page.locator(".kcb-run-table").inner_text()

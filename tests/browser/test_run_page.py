"""A run's page in Chromium: opened from a file, zoomed without a kernel, and deaf to whatever a run is called."""

# ruff: noqa: F401, F811 - fixtures are asked for by name
from __future__ import annotations

import json
import math
import struct

import numpy as np
import pytest
from accessibility import violations
from host import ALL, CONTRASTS, PIXELS, bundle, card, control
from kept import begin
from paged import NAMES, opened
from playwright.sync_api import expect

from kcb_widgets.panels.page import document

pytestmark = pytest.mark.browser
STEPS, SPIKE = 40_000, 23_456


def long_run(spike=9.0):
    """A run with a peak of one batch."""
    run = begin(("loss",), steps=STEPS // 4, epochs=4)
    run.name = "digits"
    for epoch in range(4):
        run.begin_epoch(epoch)
        total = 0.0
        for batch in range(STEPS // 4):
            step = epoch * STEPS // 4 + batch + 1
            total += spike if step == SPIKE else 1.0 + math.sin(step / 5) / 10
            run.append(batch, {"loss": total / (batch + 1)})  # as Keras logs it
        run.end_epoch(epoch, {"loss": 1.0, "val_loss": 1.1 - epoch / 100})
    run.set_value("learning_rate", 0.5)
    run.controls = [control(0.5)]
    run.finish("finished")
    return run


@pytest.fixture(scope="module")
def path(tmp_path_factory, bundle):
    return long_run().to_html(tmp_path_factory.mktemp("page") / "a run #1?.html")


def drag(page, x0, x1):
    """Zoom from one fraction of a plot's width to another."""
    box = page.locator('[data-group="loss"] .u-over').bounding_box()
    y = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + x0 * box["width"], y)
    page.mouse.down()
    page.mouse.move(box["x"] + (x0 + x1) / 2 * box["width"], y)
    page.mouse.move(box["x"] + x1 * box["width"], y)
    page.mouse.up()


def saved_rows(page):
    """The rows of the CSV that the page saves of what is in sight."""
    page.locator("summary[title='save what is shown']").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="save as CSV").click()
    return download.value.path().read_text().splitlines()[1:]


def test_it_draws_the_run_from_a_file(browser, path):
    with opened(browser, path) as page:
        assert page.title() == "digits"
        assert page.locator(".kcb-board").get_by_text("finished", exact=True).count()
        assert page.evaluate(PIXELS, ["loss", "--kcb-train", ALL, ALL]) > 100
        assert "finished" in page.locator(".kcb-page-about").text_content()


def test_zooming_shows_finer_values_and_the_peak(browser, path):
    with opened(browser, path) as page:
        coarse = saved_rows(page)
        drag(page, 0.5, 0.65)
        expect(page.locator(".kcb-reset")).to_be_enabled()
        page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        fine = saved_rows(page)
        in_sight = [row for row in coarse if 0.5 * STEPS < float(row.split(",")[0]) < 0.65 * STEPS]
        assert len(fine) > 4 * len(in_sight)
        values = {int(row.split(",")[0]): float(row.split(",")[1] or "nan") for row in fine}
        peak = max(values, key=lambda step: values[step] if values[step] == values[step] else 0)
        assert abs(peak - SPIKE) <= 8
        assert values[peak] == pytest.approx(9.0, abs=0.01)
        page.get_by_role("button", name="reset zoom").click()
        expect(page.locator(".kcb-reset")).to_be_disabled()
        assert len(saved_rows(page)) == len(coarse)


TAPPED = """
globalThis.kcbWidget = { render: ({ model }) => {
    globalThis.ask = (first, last, points) => new Promise((done) => {
        const take = (content, [raw]) => {
            model.off("msg:custom", take);
            done([content, raw.byteOffset, [...new Uint8Array(raw.buffer)]]);
        };
        model.on("msg:custom", take);
        model.send({ kind: "window", view: "v", request: 3, first, last, points });
    });
} };
"""


def test_a_range_is_cut_out_of_the_pictures_as_the_kernel_would(browser, bundle, tmp_path, monkeypatch):
    monkeypatch.setattr(document, "_bundle", lambda name: TAPPED)
    run = long_run()
    path = run.to_html(tmp_path / "tapped.html")
    context = browser.new_context()
    page = context.new_page()
    page.goto(path.as_uri())
    for first, last, points in ((0, 50, 100), (10_000, 12_000, 800), (39_990, 50_000, 800), (0, 40_000, 500)):
        content, offset, raw = page.evaluate("(each) => ask(...each)", [first, last, points])
        assert (content["view"], content["request"], offset) == ("v", 3, 0)
        raw = bytes(raw)
        (size,) = struct.unpack_from("<I", raw)
        header, start = json.loads(raw[4 : 4 + size]), -(-(4 + size) // 8) * 8
        table = next(each for each in header["tables"] if each["name"] == "batches")
        per, length = table["per_bucket"], table["length"]
        (series,) = table["series"]

        def read(at, kind, start=start, length=length, raw=raw):
            return np.frombuffer(raw, kind, length, start + at)

        steps, ends = read(table["x"]["step"], "<f8"), read(table["x"]["end"], "<f8")
        assert steps[0] <= max(1, first) <= ends[1]
        assert ends[-1] >= min(last, STEPS)
        assert table["rows"] == ends[-1] - steps[0] + 1
        own = run.batch_values.recover(run.batch_table, 0, STEPS)[0]
        for i in range(length):
            bucket = own[int(steps[i]) - 1 : int(ends[i])]
            assert read(series["min"], "<f4")[i] == bucket.min()
            assert read(series["max"], "<f4")[i] == bucket.max()
            assert read(series["order"], "u1")[i] == (bucket.argmin() <= bucket.argmax())
        assert length * per >= min(last, STEPS) - max(first, 0)
        assert length <= 2 * points + 2 or first == 0
    context.close()


def test_nothing_can_be_steered_and_it_says_why(browser, path):
    with opened(browser, path) as page:
        for name in ("Pause", "Stop"):
            button = page.get_by_role("button", name=name, exact=True)
            assert button.is_disabled()
            assert button.get_attribute("title") == "The run is over"
        page.get_by_role("tab", name="Controls").click()
        for field in page.locator(".kcb-controls :is(input, select)").all():
            assert field.is_disabled() or field.get_attribute("type") == "search"
        assert (
            page.locator(".kcb-controls").inner_text().count("0.5")
            or page.locator(".kcb-controls input").first.input_value()
        )
        assert page.get_by_role("button", name="Keep").count() == 0
        page.get_by_role("tab", name="Snapshots").click()
        for button in page.locator(".kcb-snapshots button").all():
            assert button.is_disabled()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_read_by_everybody_in_both_themes(browser, path, scheme):
    with opened(browser, path, color_scheme=scheme) as page:
        assert page.locator(".kcb-board").get_attribute("data-kcb-theme") == scheme
        page.get_by_text("About this run").click()
        assert page.evaluate(CONTRASTS) == []
        assert violations(page) == []


def test_names_of_a_run_run_nothing(browser, bundle, tmp_path):
    run = begin(("loss",), steps=3)
    run.name, run.notes, run.tags, run.config = NAMES[0], NAMES[1], NAMES, {NAMES[0]: NAMES[1], "list": list(NAMES)}
    run.settings = {"model.name": NAMES[2]}
    run.begin_epoch(0)
    for batch in range(3):
        run.append(batch, {"loss": 1.0} | {name: 0.5 for name in NAMES})
    run.end_epoch(0, {name: 0.5 for name in NAMES} | {"val_loss": 1.0})
    run.add_event("applied", NAMES[0], NAMES[1], NAMES[2], NAMES[3], NAMES[4])
    run.cards = [
        card(
            NAMES[0],
            type=NAMES[1],
            known=False,
            facts=[{"label": NAMES[0], "value": NAMES[1]}],
            says=NAMES[2],
            printed=NAMES[0],
            error={"hook": NAMES[0], "message": NAMES[1]},
        )
    ]
    run.finish("failed", NAMES[0])
    with opened(browser, run.to_html(tmp_path / "evil.html")) as page:
        for tab in page.get_by_role("tab").all():
            tab.click()
        page.get_by_text("About this run").click()
        assert page.evaluate("window.hit") is None
        assert page.locator("h1").inner_text() == NAMES[0]
        assert page.locator("img, iframe, object, svg[onload]").count() == 0


def test_its_policy_stops_scripts_requests_and_markup(browser, path):
    """What a hole in the page would let in could still do nothing."""
    tried = """async () => {
        const blocked = new Set();
        const all = new Promise((done) => document.addEventListener("securitypolicyviolation", (event) => {
            blocked.add(event.effectiveDirective);
            if (["connect-src", "img-src", "form-action"].every((each) => blocked.has(each))) done();
        }));
        await new Promise((done) => setTimeout(done));  // what a debugger evaluates itself may do anything
        const script = document.createElement("script");
        try { script.textContent = "window.hit = 1"; document.body.append(script); } catch {}
        try { document.body.innerHTML = "<b>x</b>"; window.hit = 2; } catch {}
        try { eval("window.hit = 1"); } catch {}
        const image = new Image();
        image.src = "https://evil.test/x.png";
        document.body.append(image);
        await fetch("https://evil.test/").catch(() => {});
        const form = document.createElement("form");
        form.action = "https://evil.test/";
        document.body.append(form);
        form.submit();
        await all;
        return window.hit ?? null;
    }"""
    context = browser.new_context()
    page = context.new_page()
    requests = []
    page.on("request", lambda request: requests.append(request))
    page.goto(path.resolve().as_uri())
    page.wait_for_selector("canvas")
    assert page.evaluate(tried) is None
    assert {request.failure for request in requests if "evil" in request.url} <= {"csp"}
    context.close()

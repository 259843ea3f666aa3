"""A run that is compared with another: that one's curve behind its own, and the difference in the legend."""

# ruff: noqa: F401, F811 - fixtures are asked for by name
from __future__ import annotations

import pytest
from host import bundle, host, plain_page, state, wait_pixels, wait_value

import kcb_widgets as kcb
from kcb_widgets.panels.series_encoder import SeriesEncoder

pytestmark = pytest.mark.browser


def run_of(values, name="", batches=10):
    run = kcb.Run()
    run.name = name
    run.params = {"epochs": len(values), "steps": batches}
    run.batches_per_epoch = batches
    for epoch, value in enumerate(values):
        run.begin_epoch(epoch)
        for batch in range(batches):
            run.append(batch, {"loss": value})
        run.end_epoch(epoch, {"loss": value, "val_loss": value + 0.5})
    return run


def picture(values, other):
    run = run_of(values)
    run.baseline = other
    return SeriesEncoder(run).whole()


def test_the_other_s_curve_is_drawn_and_the_difference_is_told_here_and_at_the_cursor(host):
    other = run_of([4.0, 3.0, 2.0, 1.0, 0.5, 0.4], "<b>yesterday</b>")
    host.now = state(step=30, epochs=6)
    host.start(series=picture([3.0, 2.5, 2.25], other))
    wait_pixels(host, "loss", "--kcb-muted", 20)
    legend = host.page.locator("[data-group=loss] .kcb-entry:has([data-role=baseline])")
    assert legend.count() == 2
    assert legend.locator("button").first.get_attribute("title") == "loss, baseline <b>yesterday</b>"
    wait_value(host, "loss", "baseline", "2 (+0.25)")
    told = legend.locator(".kcb-value").all_inner_texts()
    assert told == ["2 (+0.25)", "2.5 (+0.25)"]
    # The axis is this run's, however long the other took.
    plot = host.page.locator("[data-group=loss] .kcb-canvas")
    plot.focus()
    plot.press("End")
    plot.press("Home")
    for _ in range(9):
        plot.press("ArrowRight")
    wait_value(host, "loss", "baseline", "4 (\u22121)")
    legend.locator("button").first.click()
    assert legend.locator("button").first.get_attribute("aria-pressed") == "false"


def test_beyond_the_other_s_end_there_is_no_difference(host):
    host.now = state(step=40, epochs=4)
    host.start(series=picture([3.0, 2.0, 1.0, 0.5], run_of([4.0, 3.0])))
    wait_pixels(host, "loss", "--kcb-muted", 20)
    assert host.page.locator(".kcb-entry:has([data-role=baseline]) .kcb-value").all_inner_texts() == [
        "\u2013",
        "\u2013",
    ]

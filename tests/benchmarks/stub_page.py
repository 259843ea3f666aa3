"""The board's bundle in a page of its own, fed as Python feeds it: what a frame takes, and what stays in memory."""

from __future__ import annotations

import base64
import bisect
import itertools
import json
import math
import random
import statistics
from collections.abc import Sequence
from typing import Any

from host import URL, Host, build_bundle, control, state

import kcb_widgets as kcb
from kcb_widgets.panels.series_encoder import SeriesEncoder

METRICS = ("loss", "accuracy", "mae", "top5")  # each batch, each epoch and validated: 12 series in 4 plots
PER_EPOCH = 250
EVERY = 0.1  # seconds between pictures, as kcb_widgets/session/refresh_thread.py has it
EVENTS, FEW = 200, 20  # as many as a board is ever sent; as many as a person makes
CATEGORIES = ["devtools.timeline", "disabled-by-default-devtools.timeline", "blink.user_timing", "cc"]
PARTS = {
    "script": ("FunctionCall", "TimerFire", "FireAnimationFrame"),
    "style, layout, paint": ("UpdateLayoutTree", "Layout", "PrePaint", "Paint", "Layerize"),
    "canvas": ("LayerTreeHost::DoUpdateLayers",),
}

# The stub decodes base64; a real front end hands over bytes, so they are made before anything is timed.
FEED = """pictures => {
    const views = pictures.map(stub.bytes), plain = stub.model.get;
    let count = 0;
    stub.model.get = (name) => (name === "series" ? views[count % views.length] : plain(name));
    window.feed = (state, events) => {
        count++;
        stub.set({
            state: { ...state, step: 315 + count, batch: 1 + (count % 90), elapsed: 12 + count * 0.1,
                heard: Object.fromEntries(stub.sent.map((one) => [one.view, one.seq])) },
            ...(count % 50 ? {} : { events: events.map((event, i) => ({ ...event, step: count + i })) }),
        });
        stub.trigger("change:series");
        if (stub.sent.length > 20) stub.sent.splice(0, 10);
    };
}"""
LIVE = """([state, events, every, seconds]) => new Promise((done) => {
    let left = Math.round(seconds / every);
    const timer = setInterval(() => {
        performance.mark("kcb-picture");
        feed(state, events);
        if (--left === 0) { clearInterval(timer); requestAnimationFrame(() => setTimeout(done)); }
    }, 1000 * every);
})"""
FAST = """async ([state, events, count]) => {
    for (let i = 0; i < count; i++) {
        feed(state, events);
        await new Promise(requestAnimationFrame);
    }
}"""


def pictures(count: int = 40) -> list[str]:
    """Pictures of a run, each further than the one before, as Python packs them."""
    run, rng, out = kcb.Run(), random.Random(7), []
    run.params, run.batches_per_epoch = {"epochs": 1000, "steps": PER_EPOCH}, PER_EPOCH
    picture = SeriesEncoder(run)
    for epoch in range(4 * count):
        run.begin_epoch(epoch)
        if epoch % 10 == 0:
            run.set_value("learning_rate", 1e-3 * 0.9 ** (epoch / 10))
        for batch in range(PER_EPOCH):
            falling = math.exp(-run.step / 9000)
            run.append(batch, {name: falling * i + rng.gauss(0, 0.02) for i, name in enumerate(METRICS, 1)})
        logs = {name: math.exp(-run.step / 9000) * i for i, name in enumerate(METRICS, 1)}
        run.end_epoch(epoch, {**logs, **{f"val_{name}": 1.1 * value for name, value in logs.items()}})
        if epoch % 4 == 3:
            out.append(base64.b64encode(picture.whole()).decode())
    return out


def events() -> list[dict[str, Any]]:
    """Changes of the learning rate."""
    return [
        {"step": 10 * i, "epoch": 0, "time": 0.1 * i, "kind": "applied", "name": "learning_rate", "old": 1e-3,
         "new": 1e-3 / (i + 1), "source": "board", "message": "", "requested": None}
        for i in range(EVENTS)
    ]  # fmt: skip


def open_page(browser: Any, fed: list[str], said: list[dict[str, Any]]) -> Host:
    """A board that shows every panel, with these events and with pictures at hand."""
    build_bundle()
    host = Host(browser.new_context(viewport={"width": 1100, "height": 900}).new_page())
    host.now = state(epochs=1000)
    host.controls = [control(), control(0.9, name="momentum", scale="linear", min=0, max=1)]
    host.start(series=base64.b64decode(fed[-1]), events=said)
    host.page.evaluate(FEED, fed)
    host.page.wait_for_function("document.querySelectorAll('.kcb-plot canvas').length >= 4")
    return host


def frames(browser: Any, fed: list[str], seconds: float) -> dict[str, Any]:
    """Milliseconds of the page's main thread for each frame that drew while pictures came, from Chromium's trace.

    A frame's are those of all tasks since the frame before: the message from Python, scripts, style, layout, paint.
    """
    said = events()[:FEW]
    host = open_page(browser, fed, said)
    page = host.page
    page.evaluate(LIVE, [host.now, said, EVERY, 2.0])
    browser.start_tracing(page=page, categories=CATEGORIES)
    page.evaluate(LIVE, [host.now, said, EVERY, seconds])
    trace = json.loads(browser.stop_tracing())["traceEvents"]
    curves = page.evaluate("document.querySelectorAll('.kcb-legend [data-role]').length")
    errors = page.evaluate("stub.errors")
    page.context.close()
    news = [each for each in trace if each["name"] == "kcb-picture"]
    here = [each for each in trace if (each["pid"], each["tid"]) == (news[0]["pid"], news[0]["tid"])]
    here.sort(key=lambda each: (each["ts"], -each.get("dur", 0)))
    tasks = [each for each in here if each["name"] == "RunTask" and "dur" in each]
    starts = [each["ts"] for each in tasks]
    drew = sorted({bisect.bisect(starts, each["ts"]) - 1 for each in here if each["name"] == "FireAnimationFrame"})
    found: dict[str, list[float]] = {"wall": [], "cpu": [], **{name: [] for name in PARTS}}
    for before, last in itertools.pairwise(drew):
        within = tasks[before + 1 : last + 1]
        found["wall"].append(sum(each["dur"] for each in within) / 1000)
        found["cpu"].append(sum(each.get("tdur", each["dur"]) for each in within) / 1000)
        first, end = tasks[before]["ts"] + tasks[before]["dur"], tasks[last]["ts"] + tasks[last]["dur"]
        inside = [each for each in here if first <= each["ts"] < end]
        for name, kinds in PARTS.items():
            found[name].append(_outermost(inside, kinds) / 1000)
    kilobytes = statistics.mean(len(each) for each in fed) * 3 / 4 / 1024
    return {**found, "pictures": len(news), "curves": curves, "kilobytes": kilobytes, "errors": errors}


def _outermost(events: Sequence[dict[str, Any]], kinds: Sequence[str]) -> float:
    """Microseconds of CPU in events of these kinds, those within another of them left out."""
    total, until = 0.0, 0.0
    for each in events:
        if each["name"] in kinds and "dur" in each and each["ts"] >= until:
            total += each.get("tdur", each["dur"])
            until = each["ts"] + each["dur"]
    return total


def memory(browser: Any, fed: list[str], count: int) -> dict[str, Any]:
    """Heap, DOM nodes and listeners before, in the middle of and after so many pictures, garbage taken away."""
    said = events()
    host = open_page(browser, fed, said)
    page = host.page
    devtools = page.context.new_cdp_session(page)
    devtools.send("Performance.enable")

    def look() -> dict[str, float]:
        for _ in range(2):
            devtools.send("HeapProfiler.collectGarbage")
        found = {one["name"]: one["value"] for one in devtools.send("Performance.getMetrics")["metrics"]}
        return {
            "heap": found["JSHeapUsedSize"] / 2**20,
            "nodes": found["Nodes"],
            "listeners": found["JSEventListeners"],
        }

    page.evaluate(FAST, [host.now, said, 200])
    seen = [look()]
    for _ in range(2):
        left = count // 2
        while left > 0:
            page.evaluate(FAST, [host.now, said, min(left, 500)])
            left -= 500
        seen.append(look())
    errors = page.evaluate("stub.errors")
    page.context.close()
    return {"looks": seen, "pictures": count, "url": URL, "errors": errors}

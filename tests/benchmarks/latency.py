"""From a click to the weights: how long a control takes, in a real JupyterLab, on two ipykernels.

    python tests/benchmarks/latency.py [--quick] [--output DIR]

A real mouse doubles and halves the learning rate of a model that moves by exactly that rate, so the first batch that
moved by the new one tells when the click took effect. Click, page and model read the same machine's clock.
"""

from __future__ import annotations

import bisect
import itertools
import json
import random
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from targets import Number, parse, publish, spread  # isort: skip  # first: it finds the others
import lab
from per_batch import chromium
from playwright.sync_api import TimeoutError
from product import MODEL, start_fit

VERSIONS = ("installed", "6.31.0")
STEPS = {"3 ms": 0.003, "50 ms": 0.050}
CLICKS, QUICK_CLICKS = 100, 12
RATES = (0.01, 0.02)
PATIENCE = 5.0  # seconds before a click counts as lost
SEED = 7

# The step's own time comes before the update, as in a real step; the weight is read as soon as it has moved.
WATCH = """
class Watch(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        self.weights, self.times = [0.0], [time.time()]
    def on_train_batch_begin(self, batch, logs=None):
        time.sleep({sleep})
    def on_train_batch_end(self, batch, logs=None):
        self.weights.append(float(self.model.get_weights()[0][0, 0]))
        self.times.append(time.time())

watch = Watch()
"""
FACTS = """
from pathlib import Path
run = monitor.run
Path({path!r}).write_text(json.dumps(dict(
    weights=watch.weights, times=watch.times,
    applied=[(e.step, run.started + e.time, e.requested) for e in run.events_list if e.kind == "applied"],
    trouble=[str(e) for e in run.events_list if e.kind in ("error", "warning", "refused")])))
"""
# When each click came, and when the frame after the board said "applied" was drawn.
LISTEN = """outcome => {
    window.clicked = [];
    window.shown = [];
    document.addEventListener("click", (event) => event.isTrusted && clicked.push(Date.now()), { capture: true });
    let before = outcome.dataset.phase;
    new MutationObserver(() => {
        const now = outcome.dataset.phase;
        if (now === "applied" && before !== now) requestAnimationFrame(() => shown.push(Date.now()));
        before = now;
    }).observe(outcome, { attributes: true });
}"""
NOTES = """
The effect is the end of the first batch that moved the weight by the new rate, so it holds the whole of that batch; a
click comes in the middle of another one, which cannot be changed any more: one batch and a half is the least there is.
heard: the command is in Python; applied: the optimizer has it; shown: the frame after the board says so.
lost: clicks without an effect, or with none within 5 s.
"""


def main() -> int:
    """Measure, and report."""
    options = parse(__doc__)
    tables, raw = [], {}
    with tempfile.TemporaryDirectory(prefix="kcb-latency-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        (folder / "server").mkdir()
        with chromium() as browser, lab.lab_server(folder / "server", versions=VERSIONS) as server:
            for version, (step, sleep) in itertools.product(VERSIONS, STEPS.items()):
                seen = measure(server, browser, version, sleep, QUICK_CLICKS if options.quick else CLICKS, folder)
                caption = f"ipykernel {seen['ipykernel']}, steps of {step}; {seen['path']}"
                tables.append((caption, numbers(seen)))
                raw[f"{version}, {step}"] = seen
    publish("latency", "Control latency", tables, NOTES, options.output, raw)
    return 0


def measure(server: Any, browser: Any, version: str, sleep: float, clicks: int, folder: Path) -> dict[str, Any]:
    """Click so many times in one fit, each after the effect of the one before was seen."""
    path = folder / f"{version}-{sleep}.json"
    setup = MODEL.replace("monitor = kcb", WATCH.format(sleep=sleep) + "monitor = kcb")
    print_version = "import ipykernel; print(ipykernel.__version__)"
    cells = [setup, "fit(batches=20000, epochs=100)", FACTS.format(path=str(path)), print_version]
    notebook = server.open(browser, cells, version)
    try:
        view, page, irregular = start_fit(notebook), notebook.page, random.Random(SEED)
        row = view.get_by_role("group", name="learning_rate", exact=True)
        view.locator(".kcb-outcome").first.evaluate(LISTEN)
        for number in range(clicks):
            page.wait_for_timeout(irregular.uniform(20, 250))
            row.get_by_role("button", name="/2" if number % 2 else "x2", exact=True).click()
            try:
                page.wait_for_function("count => shown.length >= count", arg=number + 1, timeout=1000 * PATIENCE)
            except TimeoutError:
                page.evaluate("shown.push(null)")
        badge = view.locator(".kcb-badge").get_attribute("title") or ""
        browser_times = page.evaluate("({clicked, shown})")
        view.get_by_role("button", name="Stop", exact=True).click()
        notebook.wait_idle()
        for index in (2, 3):
            notebook.run(index)
            notebook.wait(index)
        found = {**json.loads(path.read_text()), **browser_times, "wanted": clicks}
        return found | {"ipykernel": notebook.text(3).strip(), "path": badge.split(";")[0].removeprefix("live: ")}
    finally:
        notebook.close()


def numbers(seen: dict[str, Any]) -> list[Number]:
    """The latencies of one fit."""
    weights, times = seen["weights"], seen["times"]
    batch = 1000 * statistics.median(b - a for a, b in itertools.pairwise(times))
    fast = [abs(a - b) > statistics.mean(RATES) for a, b in itertools.pairwise(weights)]
    # The time of the first batch after each change of rate.
    switches = [times[i + 2] for i, (a, b) in enumerate(itertools.pairwise(fast)) if a != b]
    clicked = [at / 1000 for at in seen["clicked"]]
    effects, beyond, shown, heard, applied = [], [], [], [], []
    for at, until, frame in zip(clicked, [*clicked[1:], float("inf")], seen["shown"], strict=True):
        effect = next((time for time in switches if at < time <= min(until, at + PATIENCE)), None)
        if effect is None:
            continue
        effects.append(1000 * (effect - at))
        least = bisect.bisect(times, at) + 1  # the batch after the one that was under way
        beyond.append(1000 * (effect - times[least]))
        if frame is not None:
            shown.append(frame - 1000 * at)
        command = next((one for one in seen["applied"] if at - 0.002 < one[1] <= effect), None)
        if command is not None:
            heard.append(1000 * ((command[2] or command[1]) - at))
            applied.append(1000 * (command[1] - at))
    return [
        Number("one batch", batch),
        *spread("click to effect", effects, batch + 25, batch + 100),
        *spread("beyond the end of the first batch that began after the click", beyond),
        *spread("click to heard", heard),
        *spread("click to applied", applied),
        *spread('click to "applied" shown', shown),
        Number("clicks", len(clicked), ""),
        Number("clicks lost", seen["wanted"] - len(effects), "", 0),
        Number("complaints in the run", len(seen["trouble"]), "", 0),
    ]


if __name__ == "__main__":
    sys.exit(main())

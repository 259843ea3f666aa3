"""The board in a browser: what a frame costs, what stays in memory, and a run of a million batches.

    python tests/benchmarks/browser.py [--quick] [--output DIR]

Frames and memory are those of the real bundle under a stub of the front end, in a page of its own; first paint, zoom
and a hidden tab are those of a real JupyterLab with a kernel that trains.
"""

from __future__ import annotations

import math
import os
import statistics
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from targets import Number, parse, publish, spread  # isort: skip  # first: it finds the others
import lab
import lab_page
import stub_page
from per_batch import chromium

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
HOUR = round(3600 / stub_page.EVERY)
WHEN = ("before", "halfway", "after")
FLAT = 1.0  # MB that a heap may grow in an hour and be called flat
NOTES = """
frames: the main thread's time between two frames that drew, from Chromium's trace: the message from Python, scripts,
  style, layout, paint, and the canvas, which the CPU draws here; where there is a graphics card it does. CPU: the same
  without what else ran on the machine. 12 series in 4 plots, a strip for the learning rate, ten pictures a second.
memory: an hour's pictures, each drawn in a frame of its own as fast as frames come, garbage taken away before looking.
first paint: until the frame after the loss is drawn. A new cell asks a kernel at rest; after a reload the kernel
  trains, and the time counts from the moment the notebook's cells are there, or the board is, for JupyterLab itself
  takes seconds.
zoom: from the release of the mouse over a tenth of the run until the finer picture is drawn.
hidden: the messages that the kernel sent in some seconds, two after the page was hidden.
"""


def main() -> int:
    """Measure, and report."""
    options = parse(__doc__)
    quick = options.quick
    fed = stub_page.pictures()
    with chromium() as browser:
        frames = stub_page.frames(browser, fed, 5 if quick else 30)
    with chromium("--disable-frame-rate-limit", "--disable-gpu-vsync") as browser:
        memory = stub_page.memory(browser, fed, HOUR // 40 if quick else HOUR)
    with tempfile.TemporaryDirectory(prefix="kcb-browser-", ignore_cleanup_errors=True) as name:
        batches = lab_page.QUICK_BATCHES if quick else lab_page.BATCHES
        with chromium() as browser, lab.lab_server(Path(name)) as server:
            real = lab_page.measure(server, browser, batches, 3 if quick else 10, 5 if quick else 30)
    tables = [
        ("Frames while pictures come", _frames(frames)),
        (f"Memory over {memory['pictures']:,} pictures", _memory(memory)),
        (f"JupyterLab, {real['batches']:,} batches", _real(real)),
    ]
    raw = {"frames": frames, "memory": memory, "lab": real}
    publish("browser", "The board in a browser", tables, NOTES, options.output, raw)
    return 0


def _frames(seen: dict[str, Any]) -> list[Number]:
    parts = [number for name in stub_page.PARTS for number in spread(f"of it {name}, CPU", seen[name])]
    return [
        Number("curves in the legends", seen["curves"], ""),
        Number("a picture", seen["kilobytes"], "KB"),
        Number("frames that drew", len(seen["wall"]), ""),
        *spread("a frame", seen["wall"], p95=8),
        *spread("a frame, CPU", seen["cpu"], p95=8),
        *parts,
        Number("errors in the page", len(seen["errors"]), "", 0),
    ]


def _memory(seen: dict[str, Any]) -> list[Number]:
    first, middle, last = seen["looks"]
    return [
        *(Number(f"heap {when}", look["heap"], "MB") for when, look in zip(WHEN, seen["looks"], strict=True)),
        Number("heap, growth in the second half", last["heap"] - middle["heap"], "MB", FLAT / 2),
        Number("heap, growth", last["heap"] - first["heap"], "MB", FLAT),
        Number("DOM nodes", last["nodes"], ""),
        Number("DOM nodes, growth", last["nodes"] - first["nodes"], "", 0),
        Number("listeners, growth", last["listeners"] - first["listeners"], "", 0),
        Number("errors in the page", len(seen["errors"]), "", 0),
    ]


def _real(seen: dict[str, Any]) -> list[Number]:
    reload = seen["reload"]
    return [
        Number("first paint, new cell", seen["new_cell"], limit=1500),
        Number("first paint after a reload, from the cells on", reload["painted"] - reload["notebook"], limit=1500),
        Number("first paint after a reload, from the board on", reload["painted"] - reload["board"]),
        *_zooms("zoom, training", seen["zoom"]),
        *_zooms("zoom, paused", seen["zoom_paused"]),
        Number("messages a second, looked at", seen["shown_messages"], "/s"),
        Number("messages while hidden", len(seen["hidden_messages"]), "", 0),
        Number("last message after hiding", 1000 * seen["last_after_hiding"]),
    ]


def _zooms(what: str, zooms: Sequence[dict[str, float] | None]) -> list[Number]:
    drawn = [one["drawn"] for one in zooms if one]
    arrived = statistics.median(one["arrived"] for one in zooms if one) if drawn else math.nan
    return [
        *spread(f"{what}, drawn", drawn, p95=150),
        Number(f"{what}, finer picture arrived, median", arrived),
        Number(f"{what}, without an answer", len(zooms) - len(drawn), "", 0),
    ]


if __name__ == "__main__":
    sys.exit(main())

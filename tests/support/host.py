"""The board's built bundle in a page of its own: a stub of anywidget's front end, driven from Python.

The fixtures and helpers that the tests of the browser half share.
"""

from __future__ import annotations

import base64
import json
import math
import struct
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

HERE = Path(__file__).parent
PACKAGE = HERE.parent.parent / "kcb_widgets"
STATIC = PACKAGE / "static"
URL = "http://board.test/"

# Pixels of a plot's canvas that are close to a colour, between fractions of its width and height and two opacities.
PIXELS = """
([group, color, [x0, x1], [y0, y1], [faintest, boldest] = [181, 255]]) => {
  const canvas = document.querySelector(`[data-group="${group}"] canvas`);
  if (!canvas || !canvas.width) return 0;
  const probe = document.createElement("canvas").getContext("2d");
  probe.fillStyle = color.startsWith("--")
    ? getComputedStyle(document.querySelector(".kcb-board")).getPropertyValue(color).trim() : color;
  probe.fillRect(0, 0, 1, 1);
  const [r, g, b] = probe.getImageData(0, 0, 1, 1).data;
  const { width, height } = canvas;
  const left = Math.round(width * x0), top = Math.round(height * y0);
  const { data } = canvas.getContext("2d").getImageData(
    left, top, Math.max(1, Math.round(width * (x1 - x0))), Math.max(1, Math.round(height * (y1 - y0))));
  let count = 0;
  for (let i = 0; i < data.length; i += 4) {
    const far = Math.abs(data[i] - r) + Math.abs(data[i + 1] - g) + Math.abs(data[i + 2] - b);
    if (data[i + 3] >= faintest && data[i + 3] <= boldest && far < 40) count++;
  }
  return count;
}
"""
# The text of an element against what it stands on, as WCAG 2 reckons.
CONTRASTS = """
() => {
  const rgba = (color) => {
    const context = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = color;
    context.fillRect(0, 0, 1, 1);
    const [r, g, b, a] = context.getImageData(0, 0, 1, 1).data;
    return [r, g, b, a / 255];
  };
  const over = ([r, g, b, a], [R, G, B]) => [r * a + R * (1 - a), g * a + G * (1 - a), b * a + B * (1 - a), 1];
  const ground = (element) => {
    const own = rgba(getComputedStyle(element).backgroundColor);
    return own[3] === 1 || !element.parentElement ? own : over(own, ground(element.parentElement));
  };
  const luminance = ([r, g, b]) => [r, g, b].map((c) => c / 255)
    .map((c) => (c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4))
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const low = [];
  for (const element of document.querySelectorAll(".kcb-board *")) {
    const words = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!words || element.disabled || !element.checkVisibility()) continue;
    const behind = ground(element);
    const [a, b] = [luminance(over(rgba(getComputedStyle(element).color), behind)), luminance(behind)];
    const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (contrast < 4.5) low.push(`${element.className || element.tagName}: ${contrast.toFixed(2)}`);
  }
  return low;
}
"""
ALL = [0, 1]
BOLD = [181, 255]
FAINT = [40, 140]


def build_bundle() -> None:
    """Build the browser half where it was not built yet."""
    if all((STATIC / name).exists() for name in ("board.js", "board.css", "board_page.js", "comparison_page.js")):
        return
    try:
        subprocess.run(["npm", "install"], cwd=PACKAGE / "js", check=True, capture_output=True, text=True)
        subprocess.run(["npm", "run", "build"], cwd=PACKAGE / "js", check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        msg = "static/board.js is not built and there is no npm: run `pip install -e .`"
        raise RuntimeError(msg) from error
    except subprocess.CalledProcessError as error:
        msg = f"static/board.js could not be built:\n{error.stderr}"
        raise RuntimeError(msg) from error


def encode(
    tables: Sequence[Mapping[str, Any]],
    bad: Sequence[Mapping[str, Any]] = (),
    last: int = 0,
    branches: Sequence[Mapping[str, int]] = (),
) -> bytes:
    """A picture in the wire's format. Each table: name, per_bucket, steps, and series with their arrays."""
    arrays: list[bytes] = []
    size = 0

    def put(values: Any, kind: str) -> int:
        nonlocal size
        at = size
        raw = np.ascontiguousarray(values, dtype=kind).tobytes()
        raw += bytes(-len(raw) % 8)
        arrays.append(raw)
        size += len(raw)
        return at

    described = []
    for table in tables:
        end = np.asarray(table["end"], dtype=float)
        step = np.asarray(table.get("step", end), dtype=float)
        x = {
            "step": put(step, "<f8"),
            "end": put(end, "<f8"),
            "epoch": put(table.get("epoch", end / 100), "<f8"),
            "time": put(table.get("time", end * 0.01), "<f8"),
        }
        series = []
        for one in table["series"]:
            entry = {key: one[key] for key in ("name", "group", "kind", "label")}
            entry["mean"] = put(one["mean"], "<f4")
            for key, kind in (("min", "<f4"), ("max", "<f4"), ("order", "u1")):
                if key in one:
                    entry[key] = put(one[key], kind)
            series.append(entry)
        per = table.get("per_bucket", 1)
        rows = table.get("rows", per * len(end))
        described.append(
            {"name": table["name"], "length": len(end), "rows": rows, "per_bucket": per, "x": x, "series": series}
        )
    said = {"tables": described, "bad": list(bad), "branches": list(branches), "first": 0, "last": last, "extra": 1}
    header = json.dumps(said).encode()
    head = struct.pack("<I", len(header)) + header
    return head + bytes(-len(head) % 8) + b"".join(arrays)


def series(name: str, kind: str, mean: Any, label: str | None = None, **more: Any) -> dict[str, Any]:
    """One series of a table."""
    group = name.removeprefix("val_")
    return {"name": name, "group": group, "kind": kind, "label": label or name, "mean": mean, **more}


def run_picture(steps: int = 400, per_epoch: int = 100, hole: range = range(0), name: str = "loss") -> bytes:
    """A run like many: falling loss, rising accuracy, epochs, validation, two learning rates."""
    rng = np.random.default_rng(0)
    end = np.arange(1, steps + 1)
    loss = 2 * np.exp(-end / 150) + 0.2 + rng.normal(0, 0.08, steps) * np.exp(-end / 400)
    accuracy = 0.95 - 0.85 * np.exp(-end / 120) + rng.normal(0, 0.02, steps)
    for i in hole:
        loss[i] = math.nan
    epochs = np.arange(per_epoch, steps + 1, per_epoch)
    smooth = 2 * np.exp(-(epochs - per_epoch / 2) / 150) + 0.2
    rate = np.where(end > steps * 0.6, 1e-2, 1e-3)
    return encode(
        [
            {
                "name": "batches",
                "end": end,
                "epoch": end / per_epoch,
                "series": [
                    series(name, "train", loss, f"{name}, each batch"),
                    series("accuracy", "train", accuracy, "accuracy, each batch"),
                ],
            },
            {
                "name": "epochs",
                "end": epochs,
                "epoch": epochs / per_epoch,
                "series": [
                    series(name, "epoch", smooth, f"{name}, epoch"),
                    series("accuracy", "epoch", 0.95 - 0.85 * np.exp(-epochs / 120), "accuracy, epoch"),
                    series(f"val_{name}", "val", smooth * 1.1 + 0.02),
                    series("val_accuracy", "val", 0.9 - 0.8 * np.exp(-epochs / 110)),
                ],
            },
            {
                "name": "learning_rate",
                "end": end,
                "epoch": end / per_epoch,
                "series": [series("learning_rate", "control", rate)],
            },
        ],
        bad=[
            {"name": name, "group": name, "step": int(end[i]), "epoch": 0.0, "time": 0.0, "value": "nan"} for i in hole
        ],
        last=steps,
    )


def branched_picture(*branches: tuple[int, int], steps: int = 400, per_epoch: int = 50) -> bytes:
    """A run that was rolled back; its loss is 3 on the first stretch, and 1 lower on each after it."""
    end = np.arange(1, steps + 1)
    loss = 3.0 - sum((end > to).astype(float) for _, to in branches)
    epochs = np.arange(per_epoch, steps + 1, per_epoch)
    tables = [
        {"name": "batches", "end": end, "epoch": end / per_epoch, "series": [series("loss", "train", loss)]},
        {
            "name": "epochs",
            "end": epochs,
            "epoch": epochs / per_epoch,
            "series": [series("val_loss", "val", loss[epochs - 1] + 0.5)],
        },
    ]
    return encode(tables, last=steps, branches=[{"from": a, "to": b} for a, b in branches])


def control(value: Any = 0.001, **more: Any) -> dict[str, Any]:
    """The learning rate, as Python describes it; another control with the keys that differ."""
    return {
        "name": "learning_rate",
        "label": more.get("name", "learning_rate"),
        "kind": "number",
        "scale": "log",
        "value": value,
        "min": 0,
        "max": 1e6,
        "integer": False,
        "nullable": False,
        "choices": [],
        "enabled": True,
        "reason": "",
        "rebuild": False,
        "group": "optimizer",
        "section": "Adam",
        "of": "",
        **more,
    }


def state(**more: Any) -> dict[str, Any]:
    """A run in its fourth epoch."""
    return {
        "run": "ab12cd34",
        "title": "Run 1",
        "status": "running",
        "message": "",
        "phase": "train",
        "epoch": 3,
        "epochs": 20,
        "initial_epoch": 0,
        "batch": 45,
        "batches": 90,
        "test_batch": 0,
        "test_batches": None,
        "step": 315,
        "elapsed": 12.34,
        "ticking": True,
        "remaining": 45.2,
        "ms_per_step": 5.2,
        "batches_per_second": 190.1,
        "samples_per_second": 6100.0,
        "heard": {},
        "path": "pump",
        "pump": {"ok": True, "reason": ""},
        "values": {},
        "flow": {"paused": False, "until": None, "stop": ""},
        "snapshots": [],
        "snapshot_bytes": 0,
        "buttons": [],
        "can": {"evaluate": "", "save": ""},
        "commands": [],
        "errors": 0,
        "bests": [],
        "not_finite": None,
        "stalled": None,
        "alerts": [],
        "undo": None,
        "kept": None,
        "of_the_future": {"ignored": True},
        **more,
    }


def card(identity: str = "EarlyStopping", **more: Any) -> dict[str, Any]:
    """One of Keras's callbacks, as Python describes it."""
    return {
        "id": identity,
        "type": identity.split()[0],
        "known": True,
        "on": True,
        "facts": [{"label": "monitor", "value": "val_loss"}, {"label": "mode", "value": "min"}],
        "gauge": None,
        "best": None,
        "says": "",
        "hooks": [],
        "printed": "",
        "error": None,
        "files": [],
        "actions": [],
        **more,
    }


class Host:
    """A page with a board in it. ``now`` keeps the traits, as Python would."""

    def __init__(self, page: Any, store: bool = True) -> None:
        self.page = page
        page.unroute_all()
        page.route(f"{URL}**", self._serve)
        page.goto(URL)
        page.wait_for_function("window.ready === true")
        if store:
            page.evaluate("localStorage.clear()")  # what an earlier test chose
        self.now = state()
        self.controls: Any = [control()]
        self.callbacks: Any = []
        self.hooks: Any = {"rows": [], "trace": [], "epoch": None, "bound": ""}

    @staticmethod
    def _serve(route: Any) -> None:
        name = route.request.url.removeprefix(URL) or "host.html"
        path = (HERE if name == "host.html" else STATIC) / name
        types = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}
        if not path.is_file():
            route.fulfill(status=404, body="")
        else:
            route.fulfill(body=path.read_bytes(), content_type=types[path.suffix])

    def set(self, **traits: Any) -> None:
        """New traits from Python."""
        if "series" in traits:
            traits["series"] = base64.b64encode(traits["series"]).decode()
        self.page.evaluate("(patch) => stub.set(patch)", traits)

    def state(self, controls: Any = None, **change: Any) -> None:
        """A new state from Python, with these keys changed, and new controls where there are any."""
        self.now = {**self.now, **change}
        if controls is not None:
            self.controls = controls
        self.set(state=self.now, **({} if controls is None else {"controls": controls}))

    def message(self, content: dict[str, Any], raw: bytes | None = None) -> None:
        """A custom message from Python."""
        text = None if raw is None else base64.b64encode(raw).decode()
        self.page.evaluate("([content, raw]) => stub.message(content, raw)", [content, text])

    def start(
        self, *ids: str, series: bytes = b"", events: Sequence[Any] = (), show: Any = None, mount: bool = True
    ) -> None:
        """Bring the model up and mount views of it."""
        self.set(
            board_id="b0a7d",
            show=show or ["progress", "controls", "chart", "epochs", "snapshots", "callbacks", "hooks", "events"],
            state=self.now,
            controls=self.controls,
            events=list(events),
            callbacks=self.callbacks,
            hooks=self.hooks,
            series=series,
        )
        self.page.evaluate("stub.initialize()")
        for each in (ids or ("one",)) if mount else ():
            self.page.evaluate("(id) => stub.mount(id)", each)

    def sent(self, kind: str, **match: Any) -> list[dict[str, Any]]:
        """The messages of one kind that went to Python."""
        messages = self.page.evaluate("stub.sent")
        return [m for m in messages if m["kind"] == kind and all(m.get(k) == v for k, v in match.items())]

    def wait_sent(self, kind: str, count: int = 1, **match: Any) -> list[dict[str, Any]]:
        """Wait until ``count`` messages of a kind were sent."""
        self.page.wait_for_function(
            """([kind, match, count]) => stub.sent.filter((m) => m.kind === kind
                && Object.entries(match).every(([k, v]) => m[k] === v)).length >= count""",
            arg=[kind, match, count],
        )
        return self.sent(kind, **match)

    def answer_hello(self) -> None:
        """Python has heard every view."""
        heard = {m["view"]: m["seq"] for m in self.sent("hello")}
        self.state(heard=heard)


@pytest.fixture(scope="session")
def bundle() -> None:
    """The built board."""
    build_bundle()


@pytest.fixture
def make_host(browser: Any, bundle: None) -> Any:
    """A function that opens a page with a stub host; the page must have seen no error in the end."""
    contexts = []
    hosts = []

    def make(clock=False, script="", width=900, store=True, **options):
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        if clock:
            page.clock.install()
        if script:
            page.add_init_script(script)
        host = Host(page, store)
        hosts.append(host)
        return host

    yield make
    errors = [error for host in hosts for error in host.page.evaluate("stub.errors")]
    for context in contexts:
        context.close()
    assert errors == []


@pytest.fixture(scope="session")
def plain_page(browser: Any, bundle: None) -> Any:
    context = browser.new_context()
    yield context.new_page()
    context.close()


@pytest.fixture
def host(plain_page: Any) -> Any:
    """The usual case: one page for all tests, loaded anew for each."""
    plain_page.set_default_timeout(10_000)
    plain_page.set_viewport_size({"width": 900, "height": 800})
    host = Host(plain_page)
    plain_page.mouse.move(0, 0)
    yield host
    assert plain_page.evaluate("stub.errors") == []


def pixels(host, group, color, x=ALL, y=ALL, alpha=BOLD):
    return host.page.evaluate(PIXELS, [group, color, x, y, alpha])


def wait_pixels(host, group, color, at_least=1, at_most=10**9, x=ALL, y=ALL, alpha=BOLD):
    host.page.wait_for_function(
        f"([args, low, high]) => {{ const n = ({PIXELS})(args); return n >= low && n <= high; }}",
        arg=[[group, color, x, y, alpha], at_least, at_most],
    )


def text(host, selector):
    return host.page.locator(selector).first.inner_text()


def wait_text(host, selector, expected):
    host.page.wait_for_function(
        "([selector, text]) => document.querySelector(selector)?.textContent === text", arg=[selector, expected]
    )


def value_of(host, group, role):
    """The readout beside one legend entry."""
    return text(host, f'[data-group="{group}"] [data-role="{role}"] + .kcb-value')


def wait_value(host, group, role, expected):
    wait_text(host, f'[data-group="{group}"] [data-role="{role}"] + .kcb-value', expected)


def box(host, group):
    """Where a plot is; one that is being rebuilt is waited for."""
    find = """group => {
        const area = document.querySelector(`[data-group="${CSS.escape(group)}"] .u-over`)?.getBoundingClientRect();
        return area?.width && {x: area.x, y: area.y, width: area.width, height: area.height};
    }"""
    return host.page.wait_for_function(find, arg=group).json_value()


def drag_zoom(host, group="loss", left=0.25, right=0.5):
    """Drag a box over part of a plot's width."""
    area = box(host, group)
    mouse = host.page.mouse
    y = area["y"] + area["height"] / 2
    mouse.move(area["x"] + area["width"] * left, y)
    mouse.down()
    mouse.move(area["x"] + area["width"] * (left + right) / 2, y)
    mouse.move(area["x"] + area["width"] * right, y)
    mouse.up()


def hide(host, hidden):
    """The browser's tab goes to the back, or comes to the front."""
    host.page.evaluate(
        """(hidden) => {
            Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
            document.dispatchEvent(new Event("visibilitychange"));
        }""",
        hidden,
    )


def open_tab(host, name):
    """Look at another panel."""
    host.page.locator(f"[data-tab={name}]").click()
    host.page.locator(f".kcb-tab-body > .kcb-{name}").wait_for()


def each_tab(host):
    """One panel after the other."""
    for name in host.page.eval_on_selector_all("[data-tab]", "(all) => all.map((one) => one.dataset.tab)"):
        open_tab(host, name)
        yield name


def field(host, name="learning_rate"):
    return host.page.get_by_role("textbox", name=name, exact=True)


def slider(host, name="learning_rate"):
    return host.page.get_by_role("slider", name=name, exact=True)

"""The board's built bundle in a page of its own: a stub of anywidget's front end, driven from Python."""

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

HERE = Path(__file__).parent
PACKAGE = HERE.parent.parent / "kcb_widgets"
STATIC = PACKAGE / "static"
URL = "http://board.test/"


def build_bundle() -> None:
    """Build the browser half where it was not built yet."""
    if (STATIC / "board.js").exists() and (STATIC / "board.css").exists():
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


def encode(tables: Sequence[Mapping[str, Any]], bad: Sequence[Mapping[str, Any]] = (), last: int = 0) -> bytes:
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
    header = json.dumps({"tables": described, "bad": list(bad), "first": 0, "last": last, "extra": 1}).encode()
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


def control(value: Any = 0.001, **more: Any) -> dict[str, Any]:
    """The learning rate, as Python describes it."""
    return {
        "name": "learning_rate",
        "kind": "number",
        "scale": "log",
        "value": value,
        "min": 0,
        "max": 1e6,
        "enabled": True,
        "reason": "",
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
        "controls": [control()],
        "commands": [],
        "errors": 0,
        "of_the_future": {"ignored": True},
        **more,
    }


class Host:
    """A page with a board in it. ``now`` keeps the traits, as Python would."""

    def __init__(self, page: Any) -> None:
        self.page = page
        page.unroute_all()
        page.route(f"{URL}**", self._serve)
        page.goto(URL)
        page.wait_for_function("window.ready === true")
        self.now = state()

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

    def state(self, **change: Any) -> None:
        """A new state from Python, with these keys changed."""
        self.now = {**self.now, **change}
        self.set(state=self.now)

    def message(self, content: dict[str, Any], raw: bytes | None = None) -> None:
        """A custom message from Python."""
        text = None if raw is None else base64.b64encode(raw).decode()
        self.page.evaluate("([content, raw]) => stub.message(content, raw)", [content, text])

    def start(self, *ids: str, series: bytes = b"", events: Sequence[Any] = (), show: Any = None) -> None:
        """Bring the model up and mount views of it."""
        self.set(
            board_id="b0a7d",
            show=show or ["progress", "controls", "chart", "events"],
            state=self.now,
            events=list(events),
            series=series,
        )
        self.page.evaluate("stub.initialize()")
        for each in ids or ("one",):
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

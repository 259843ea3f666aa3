"""Numbers and sizes in messages: the same as on the board beside them."""

from __future__ import annotations

import json
import math
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.record.formats import format_bytes, format_metric, format_setting

FORMAT_JS = Path(kcb.__file__).parent / "js" / "src" / "ui" / "format.js"
SIZES = [0, 1, 2.5, 508, 999, 999.4, 999.5, 1000, 1040, 71_234, 99_499, 99_500, 999_499, 999_500, 2.45e6, 2**30, 3e13]
NUMBERS = [0, 1, -0.25, 1.6e-5, 1e-3, 0.5, 0.99995, 12_345.6, 1e7, -2.5e-9, 3e30]


def in_the_browser(function, values):
    """What a function of format.js makes of each."""
    node = shutil.which("node")
    if node is None:
        pytest.skip("there is no node")
    code = f"import * as format from {json.dumps(FORMAT_JS.as_uri())};" + (
        f"console.log(JSON.stringify({json.dumps(values)}.map((value) => format.{function}(value))))"
    )
    done = subprocess.run([node, "--input-type=module", "-e", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_sizes_are_written_as_the_board_writes_them():
    assert [format_bytes(size) for size in SIZES] == in_the_browser("formatBytes", SIZES)


def test_values_of_metrics_are_written_as_the_board_writes_them():
    assert [format_metric(number) for number in NUMBERS] == in_the_browser("formatTick", NUMBERS)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (float(np.float32(8e-5)), "8e-5"),
        (float(np.float32(1.099512e-07)), "1.099512e-7"),
        (1.6e-05, "1.6e-5"),
        (0.0009000000000000001, "9e-4"),
        (0.1, "0.1"),
        (0.003, "0.003"),
        (1e9, "1e9"),
        (16_777_217, "16777217"),
        (3e40, "3e40"),
        (1e-50, "1e-50"),
        (0.0, "0"),
        (math.inf, "∞"),
    ],
)
def test_a_setting_is_the_shortest_number_that_gives_the_same_float32(value, text):
    assert format_setting(value) == text
    if math.isfinite(value) and 1e-40 < abs(value) < 1e38:
        assert np.float32(text) == np.float32(value)


def test_a_refusal_says_its_limits_as_the_board_would(unit_model, ones):
    monitor = kcb.Monitor()
    monitor.add_policy(lambda run: monitor.set(learning_rate=-1.0), every=3)
    unit_model().fit(*ones, batch_size=4, epochs=2, verbose=0, callbacks=[monitor])
    assert [e.message for e in monitor.run.events_list if e.kind == "error"] == [
        "ValueError: learning_rate must be a finite number from 0 to 1000000. Received: -1.0"
    ]


def test_the_size_of_a_snapshot_is_told_as_the_board_tells_it(unit_model, ones):
    monitor = kcb.Monitor(snapshots=kcb.Snapshots(each_epoch=True))
    unit_model().fit(*ones, batch_size=4, verbose=0, callbacks=[monitor])
    snapshot = next(event for event in monitor.run.events_list if event.kind == "snapshot")
    assert snapshot.message.endswith(" B")

"""Runs of a comparison put together: by patterns of names, with bands, and with the table folded."""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from comparing import heard, make
from hypothesis import given, settings
from hypothesis import strategies as st

import kcb_widgets as kcb
from kcb_widgets.panels.comparison import groups, patterns


@pytest.mark.parametrize(
    ("pattern", "name", "key"),
    [
        ("seed*", "mlp-seed3", "mlp-seed*"),
        ("seed*", "mlp-seed3-wide", "mlp-seed*-wide"),
        ("fold-*", "fold-3", "fold-*"),
        ("fold-*", "deep fold-3", "deep fold-*"),
        ("fold *", "fold-3", "fold-3"),  # what parts words counts
        ("fold-*", "unfold-3", "unfold-3"),
        ("*", "a-b c", "*-* *"),
        ("run?", "run1 run12 run", "run? run12 run"),
        ("[ab]*", "a", "a"),
        ("[ab]*", "[ab]c", "[ab]*"),
        ("-", "a-b", "a-b"),
        ("", "", ""),
        ("a*", "", ""),
    ],
)
def test_words_that_match_are_replaced_by_the_pattern(pattern, name, key):
    assert patterns.key(name, pattern) == key


@settings(max_examples=200, deadline=None)
@given(st.text("ab*?-[]", max_size=12), st.text("ab*?-[]", max_size=30))
def test_any_pattern_gives_a_key_and_no_words_are_lost(pattern, name):
    made = patterns.key(name, pattern)
    assert made.count("-") == name.count("-")
    assert patterns.key(name, name) == name


def test_a_pattern_that_would_hang_a_regular_expression_does_not():
    assert patterns.key("a" * 500, "*a" * 49 + "b") == "a" * 500


def test_runs_are_put_together_by_a_pattern_of_the_name(tmp_path):
    for number, name in enumerate(("mlp seed1", "mlp seed2", "cnn seed1", "other")):
        make(tmp_path, name, age=number, epochs=1, steps=5)
    comparison = kcb.compare(tmp_path, group="name:seed*", which="train")
    (table, _), (header, _) = heard(comparison, {"kind": "hello", "view": "v", "first": True})
    assert [row["group"] for row in table["rows"]] == ["mlp seed*", "mlp seed*", "cnn seed*", "other"]
    assert {each["key"]: len(each["runs"]) for each in header["groups"]} == {"mlp seed*": 2, "cnn seed*": 1, "other": 1}
    assert eval(comparison.to_code(), {"kcb": kcb}).chosen == comparison.chosen


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from(list(groups.BANDS)))
def test_a_band_is_what_it_is_called(seed, band):
    rng = np.random.default_rng(seed)
    lines = rng.normal(size=(int(rng.integers(1, 6)), 20)).astype(np.float32)
    lines[rng.random(lines.shape) < 0.3] = np.nan
    made = groups.together(lines, band)
    for i in range(20):
        there = sorted(lines[:, i][~np.isnan(lines[:, i])].astype(float))
        if not there:
            assert np.isnan([made.low[i], made.high[i]]).all()
            continue
        mean, spread = statistics.fmean(there), statistics.stdev(there) if len(there) > 1 else 0.0
        wanted = {
            "deviation": (mean - spread, mean + spread),
            "error": (mean - spread / math.sqrt(len(there)), mean + spread / math.sqrt(len(there))),
            "range": (there[0], there[-1]),
            "quartiles": tuple(
                statistics.quantiles(there, n=4, method="inclusive")[::2] if len(there) > 1 else there * 2
            ),
        }[band]
        np.testing.assert_allclose([made.low[i], made.high[i]], wanted, rtol=1e-4, atol=1e-5)


def test_the_chosen_band_is_sent_and_drawn(tmp_path):
    for number in range(3):
        make(tmp_path, f"seed{number}", age=number, epochs=1, steps=5)
    heights = {}
    for band in groups.BANDS:
        comparison = kcb.compare(tmp_path, group="name:seed*", band=band, which="validation")
        header, buffers = heard(comparison, {"kind": "hello", "view": "v", "first": True})[1]
        assert header["band"] == band
        heights[band] = np.frombuffer(buffers[0], "<f4").reshape(4, -1)
        assert len(comparison.figure().axes[0].collections) == 1
    assert all(np.nanmax(each[2] - each[1]) == 0 for each in heights.values())  # all three are alike


def test_where_runs_drop_out_is_told_and_a_zoom_adds_nothing(tmp_path):
    for number, epochs in enumerate((1, 1, 2, 3)):
        make(tmp_path, f"seed{number}", age=number, epochs=epochs, steps=10)
    comparison = kcb.compare(tmp_path, group="name:seed*")
    header, _ = heard(comparison, {"kind": "hello", "view": "v", "first": True})[1]
    assert {each["curve"]: each["ends"] for each in header["groups"]} == {
        "train": [[10.0, 2], [20.0, 1]],
        "validation": [[10.0, 2], [20.0, 1]],
    }
    ((zoomed, _),) = heard(comparison, {"kind": "window", "view": "v", "request": 1, "first": 2, "last": 15})
    assert [each["ends"] for each in zoomed["groups"]] == [each["ends"] for each in header["groups"]]
    line = comparison.figure().axes[0].lines[0]
    assert len(line.get_markevery()) == 2
    assert "n=4" in line.get_label()


def test_runs_that_end_together_drop_out_nowhere():
    assert groups.endings([5.0, 5.0]) == []
    assert groups.endings([]) == []


def test_the_table_folds_to_mean_and_deviation(tmp_path):
    for number in range(4):
        make(tmp_path, f"run {number}", {"depth": number % 2}, age=number, epochs=1 + number // 2, steps=5)
    comparison = kcb.compare(tmp_path, group="config.depth")
    table = comparison.groups()
    assert table.index.name == "config.depth"
    assert table.runs.to_dict() == {"0": 2, "1": 2}
    last = [1.0, 0.5]  # of the run of one epoch, and of that of two
    assert table.loc["0", "loss last"] == statistics.fmean(last)
    assert table.loc["0", "loss last deviation"] == pytest.approx(statistics.stdev(last))
    comparison.choose(hidden=[comparison.shown[0]])
    assert comparison.groups().runs.to_dict() == {"1": 2, "0": 1}
    assert math.isnan(comparison.groups().loc["0", "loss last deviation"])
    comparison.choose(group=None)
    with pytest.raises(ValueError, match="Received: None"):
        comparison.groups()

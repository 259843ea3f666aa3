"""How settings relate to results: what can be chosen, and which runs lie within the brushes."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import begin, file_of

import kcb_widgets as kcb
from kcb_widgets.panels.comparison import axis, relations, relations_still, rows
from kcb_widgets.panels.comparison.choices import Choices

KINDS = ("wide", "deep", None)


def make(folder, number, config, **metrics):
    """A run in a file, with metrics at the end of its only epoch."""
    run = begin(("loss",), steps=3)
    run.name, run.started = f"run {number}", run.started - number
    for batch in range(3):
        run.append(batch, {"loss": 1.0})
    run.end_epoch(0, {"loss": 1.0, **metrics})
    run.finish("finished")
    file = file_of(run, folder, name=run.name, config=config)
    file.commit(1.0, whole=True)
    file.close()
    return run


@pytest.fixture
def folder(tmp_path):
    """Six runs: the later, the smaller is ``val_loss``; the last one's is NaN."""
    for number in range(6):
        config = {"depth": number, "rate": 10.0**-number, "flag": number % 2 == 0}
        if KINDS[number % 3] is not None:
            config["kind"] = KINDS[number % 3]
        make(tmp_path, number, config, val_loss=math.nan if number == 5 else 1.0 / (number + 1), score=float(number))
    return tmp_path


def names(comparison):
    """The names of the runs within the brushes."""
    table = comparison.runs()
    return [table.name[each] for each in comparison.brushed]


def test_without_a_brush_every_run_is_within(folder):
    assert len(kcb.compare(folder).brushed) == 6


@pytest.mark.parametrize(
    ("brush", "wanted"),
    [
        ({"config.depth": [(1, 3)]}, "123"),
        ({"config.depth": [(None, 1), (5, None)]}, "015"),
        ({"config.depth": [3]}, "3"),
        ({"config.rate": [(1e-3, 1e-1)]}, "123"),
        ({"config.kind": ["deep"]}, "14"),
        ({"config.kind": [None]}, "25"),
        ({"config.kind": ["wide", None]}, "0235"),
        ({"config.flag": [True]}, "024"),
        ({"config.depth": [True]}, ""),  # 1 is not True
        ({"config.flag": [1]}, ""),
        ({"last val_loss": ["nan"]}, "5"),
        ({"last val_loss": [math.nan]}, "5"),
        ({"best val_loss": [None]}, "5"),
        ({"best val_loss": [(None, None)]}, "01234"),
        ({"config.depth": [(1, 4)], "config.flag": [True]}, "24"),
        ({"config.depth": []}, ""),
        ({"no such thing": [(1, 2)]}, "012345"),
        ({"epochs": [1]}, "012345"),
    ],
)
def test_runs_within_brushes(folder, brush, wanted):
    assert names(kcb.compare(folder, brush=brush)) == [f"run {number}" for number in wanted]


@pytest.mark.parametrize(
    ("choices", "wanted"),
    [
        ({"best": 40}, "34"),  # of the five that have a best val_loss
        ({"best": 41}, "234"),
        ({"best": 0.1}, "4"),
        ({"best": 100}, "012345"),
        ({"best": 50, "outcome": "best loss"}, "012345"),  # all are as good
        ({"best": 50, "outcome": "last score"}, "012345"),  # nothing tells what is better
        ({"best": 50, "outcome": "duration"}, "012345"),
        ({"best": 50, "outcome": "nothing"}, "012345"),
        ({"best": 40, "brush": {"config.depth": [(0, 3)]}}, "3"),
    ],
)
def test_the_best_runs(folder, choices, wanted):
    assert names(kcb.compare(folder, **choices)) == [f"run {number}" for number in wanted]


def test_larger_is_better_where_it_is(tmp_path):
    for number in range(4):
        make(tmp_path, number, {"depth": number}, accuracy=number / 4)
    assert names(kcb.compare(tmp_path, metric="accuracy", best=50)) == ["run 2", "run 3"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"view": "table"}, {"view": ["curves", 3]}, {"view": None}, {"axes": "depth"}, {"axes": [3]}, {"axes": [""]},
        {"axes": ["a"] * 31}, {"scales": ["log"]}, {"scales": {"depth": "sqrt"}}, {"scales": {3: "log"}},
        {"scales": {"depth": ["log"]}}, {"brush": [1, 2]}, {"brush": {"depth": 3}}, {"brush": {"depth": "deep"}},
        {"brush": {"depth": [(1, 2, 3)]}}, {"brush": {"depth": [(2, 1)]}}, {"brush": {"depth": [(math.nan, 1)]}},
        {"brush": {"depth": [(-math.inf, 1)]}}, {"brush": {"depth": [(True, 2)]}}, {"brush": {"depth": [("a", "b")]}},
        {"brush": {"depth": [{"from": 1}]}}, {"brush": {"depth": [(10**400, None)]}}, {"brush": {"x" * 1001: [1]}},
        {"brush": {"depth": [1] * 10_001}}, {"brush": {"depth": [([1], [2])]}},
        {"best": 0}, {"best": 101}, {"best": True}, {"best": math.nan}, {"best": "10"}, {"outcome": 3},
        {"scatter": "depth"}, {"scatter": ["depth"]}, {"scatter": [1, 2]}, {"scatter": {"x": "depth"}},
    ],
)  # fmt: skip
def test_wrong_choices_are_refused(wrong):
    with pytest.raises((TypeError, ValueError), match="Received"):
        Choices().changed(wrong)


def test_choices_are_plain_and_come_back_from_code(folder):
    chosen = {
        "view": ["scatter", "parallel"],
        "axes": ("config.rate", "best val_loss"),
        "scales": {"config.rate": "linear"},
        "brush": {"config.depth": [(None, 2.5)], "config.kind": ["deep", None]},
        "outcome": "last val_loss",
        "best": 50,
        "scatter": ("config.rate", None),
    }
    first = kcb.compare(folder, **chosen)
    assert first.chosen["view"] == ["parallel", "scatter"]
    assert first.chosen == json.loads(json.dumps(first.chosen, allow_nan=False))
    second = eval(first.to_code(), {"kcb": kcb})
    assert second.chosen == first.chosen
    assert second.brushed == first.brushed != []
    assert kcb.compare(folder).to_code() == f"kcb.compare({str(folder)!r})"


def test_large_numbers_come_back_as_the_browser_sends_them():
    sent = Choices().changed({"brush": {"a": [[10**17, 1e300], 2.0**53]}}).sent()
    assert sent["brush"] == {"a": [[1e17, 1e300], 2.0**53]}


def test_what_changes_no_curve_sends_none(folder):
    comparison = kcb.compare(folder)
    sent = []
    comparison.send = lambda content, buffers=None: sent.append(content["kind"])
    comparison._choose({"brush": {"config.depth": [(1, 2)]}, "view": "parallel"})
    assert sent == []
    comparison._choose({"brush": {}, "smoothing": 0.5})
    comparison._choose({})  # a view that wants everything again
    assert sent == ["curves", "curves"]


VALUES = st.one_of(
    st.none(), st.booleans(), st.integers(-3, 3), st.floats(-3, 3), st.sampled_from(["a", "b", "nan", "inf"])
)


@settings(max_examples=60, deadline=None)
@given(st.lists(VALUES, min_size=1, max_size=20), st.floats(-3, 3), st.floats(0, 3), st.lists(VALUES, max_size=3))
def test_a_brush_is_the_runs_whose_values_it_names(values, low, wide, named):
    table = {
        "settings": ["s"],
        "metrics": [],
        "rows": [{"id": str(i), "settings": [value], "metrics": {}} for i, value in enumerate(values)],
    }
    parts = Choices().changed({"brush": {"s": [(low, low + wide), *named]}}).brush
    found = set(relations.within(table, parts, None, 100))
    for i, value in enumerate(values):
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        same = any(type(each) is type(value) and each == value for each in named)
        alike = number and any(
            isinstance(each, (int, float)) and not isinstance(each, bool) and each == value for each in named
        )
        assert (str(i) in found) == ((number and low <= value <= low + wide) or same or alike)


def test_values_are_those_of_the_table(folder):
    comparison = kcb.compare(folder)
    table = rows.table(comparison._members)
    own = comparison.runs()
    for row in table["rows"]:
        assert relations.value_of(table, row, "config.depth") == own["config.depth"][row["id"]]
        assert relations.value_of(table, row, "duration") == own["duration"][row["id"]]
    for name in ("depth", "last", "last nothing", "best", "worst loss", "id"):
        with pytest.raises(KeyError):
            relations.value_of(table, table["rows"][0], name)


# -- stills ------------------------------------------------------------------------------------------------------------


def test_parallel_coordinates_are_a_figure(folder):
    comparison = kcb.compare(folder, brush={"config.depth": [(1, None)]}, axes=["config.depth", "config.kind", "gone"])
    (plot, bar) = comparison.figure(view="parallel", size=(5, 4)).axes
    outside, inside = plot.collections
    assert (len(outside.get_segments()), len(inside.get_segments())) == (1, 5)
    assert outside.get_segments()[0][:, 1].tolist() == [0.0, 0.75]  # 0 is the least depth; deep is below wide
    lines = sorted(each[:, 1].tolist() for each in inside.get_segments())
    assert [line[0] for line in lines] == [0.2, 0.4, 0.6, 0.8, 1.0]
    assert [line[1] > 0 for line in lines] == [True, False, True, True, False]  # a missing kind stands under its axis
    assert bar.get_ylabel() == "best val_loss"
    said = [each.get_text() for each in plot.texts]
    assert {"depth", "kind", "deep", "wide", "missing"} <= set(said)
    assert "gone" not in said


def test_a_scatter_is_a_figure(folder):
    comparison = kcb.compare(folder, scatter=("config.rate", None))
    (plot,) = comparison.figure(view="scatter").axes
    assert (plot.get_xlabel(), plot.get_ylabel()) == ("rate (log)", "best val_loss")
    x, y = plot.collections[0].get_offsets().T
    np.testing.assert_allclose(x, [1.0, 0.8, 0.6, 0.4, 0.2])
    np.testing.assert_allclose(y, [(1 / (number + 1) - 0.2) / 0.8 for number in range(5)])
    ticks = {each.get_text(): each.get_position()[0] for each in plot.get_xticklabels()}
    assert ticks == {"1e-05": 0.0, "0.0001": 0.2, "0.001": 0.4, "0.01": 0.6, "0.1": 0.8, "1": 1.0}
    assert plot.get_title("left") == "Spearman's rank correlation 1.00 (n = 5); 1 of 6 runs have no point"
    (plot,) = comparison.choose(scatter=("config.kind", "last score")).figure(view="scatter").axes
    assert [each.get_text() for each in plot.get_xticklabels()] == ["deep", "wide"]
    assert plot.get_title("left") == "2 of 6 runs have no point"
    with pytest.raises(ValueError, match="Received: 'table'"):
        comparison.figure(view="table")


@pytest.mark.parametrize("view", ["parallel", "scatter"])
def test_whatever_stands_in_a_file_is_drawn(tmp_path, view):
    odd = [1e308, -1e308, 5e-324, 10**30, math.nan, -0.0, "", "$x^{", "\ud800", True, None, [1], {}]
    for number, value in enumerate(odd):
        make(
            tmp_path,
            number,
            {
                "a": value,
                "b": [1e308, -1e308][number % 2],
                "c": number % 2 * 5e-324,
                "$\\frac{": 5e-324 if number else 1e308,
            },
        )
    comparison = kcb.compare(tmp_path)
    settings = relations.axes_of(rows.table(comparison._members), None, None)
    assert len(settings) == 4
    for scale in ("log", "linear", "categories"):
        for name in settings:
            comparison.choose(scales=dict.fromkeys(settings, scale), scatter=(name, settings[0]))
            comparison.figure(view=view).savefig(tmp_path / "figure.png")
    nothing = tmp_path / "nothing"
    nothing.mkdir()
    kcb.compare(nothing).figure(view=view).savefig(tmp_path / "figure.png")


@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(st.floats(allow_nan=False, allow_infinity=False), st.none(), st.text()), min_size=1))
def test_every_value_has_one_place_on_an_axis(values):
    for wanted in (None, "log", "linear", "categories"):
        made = axis.axis_of(values, wanted)
        for value in values:
            place = made.place(value)
            assert (place is None) == (axis.index_of(made.under, value) is not None)
            assert place is None or 0 <= place <= 1
        numbers = [each for each in values if axis.is_number(each)]
        if made.kind != "categories":
            places = [made.place(each) for each in sorted(numbers)]
            assert places == sorted(places)
        assert all(0 <= at <= 1 for at, _ in made.ticks())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 5), st.floats(-1e300, 1e300)), max_size=30))
def test_the_rank_correlation_is_that_of_mean_ranks(pairs):
    table = pd.DataFrame(pairs, columns=["x", "y"])
    found = relations_still.rank_correlation(table.x, table.y)
    if len(pairs) < 3 or table.x.nunique() < 2 or table.y.nunique() < 2:
        assert found is None
    else:
        assert found == pytest.approx(np.corrcoef(table.x.rank(), table.y.rank())[0, 1], abs=1e-12)

"""A comparison's page: its size at any number of runs, what is left out for it, and nothing of who and where."""

from __future__ import annotations

import numpy as np
import pytest
from exported import hidden, odd_run
from host import build_bundle
from kept import begin, train
from paged import NAMES, data_of

import kcb_widgets as kcb
from kcb_widgets.panels.comparison import curves
from kcb_widgets.panels.comparison.markers import ALIGN
from kcb_widgets.panels.page import comparison_page, document, placing
from kcb_widgets.panels.page.packed_curves import PackedCurves


@pytest.fixture(scope="module", autouse=True)
def built():
    build_bundle()


def simple(number, batches=20, metrics=("loss",), **about):
    run = begin(metrics, steps=batches, epochs=2)
    for epoch in range(2):
        train(run, batches, metrics, epoch)
        run.end_epoch(epoch, {name: 1.0 + number for name in metrics} | {f"val_{metrics[0]}": 2.0 + number})
    run.name, run.started = f"run {number}", run.started - number
    for name, value in about.items():
        setattr(run, name, value)
    run.finish("finished")
    return run


def written(tmp_path, runs, **choices):
    path = kcb.compare(runs, **choices).to_html(tmp_path / "runs.html")
    assert path.stat().st_size <= comparison_page.MAX_BYTES
    text = path.read_text()
    return text, data_of(text)


def test_it_has_all_curves_where_there_is_room(tmp_path):
    text, data = written(tmp_path, [simple(number, metrics=("loss", "accuracy")) for number in range(3)])
    assert data["limits"] == {"metrics": ["loss", "accuracy"], "groups": ["name", "tags"], "runs": [], "colours": [],
                              "aligns": list(ALIGN), "edit": comparison_page.EDIT}  # fmt: skip
    assert "Left out" not in text
    assert "means of neighbours" not in text
    for tables in data["curves"].values():
        assert {tuple(table["curves"]) for table in tables} == {("loss", "accuracy"), ("val_loss",)}


def test_long_curves_are_thinned_and_that_is_said(tmp_path):
    text, data = written(tmp_path, [simple(0, batches=3000), simple(1)])
    assert "at most 1000 points" in text
    lengths = {table["length"] for tables in data["curves"].values() for table in tables}
    assert lengths == {1000, 2, 40}


def test_what_there_is_no_room_for_is_left_out_and_that_is_said(tmp_path, monkeypatch):
    runs = [simple(number, batches=800, metrics=("loss", "accuracy")) for number in range(8)]
    text, data = written(tmp_path, runs)
    bare = len(text) - len(data["bytes"]) - len(document.dumped(data["curves"])) + comparison_page.MARGIN
    monkeypatch.setattr(comparison_page, "MAX_BYTES", bare + 55_000)
    _, data = written(tmp_path, runs)
    assert data["limits"]["metrics"] == ["loss", "accuracy"], "both are thinned for it"
    monkeypatch.setattr(comparison_page, "MAX_BYTES", bare + 16_000)
    text, data = written(tmp_path, runs)
    assert data["limits"]["metrics"] == ["loss"]
    assert data["limits"]["runs"] == []
    assert "the curves of 1 of 2 metrics" in text
    monkeypatch.setattr(comparison_page, "MAX_BYTES", bare + 10_000)
    text, data = written(tmp_path, runs)
    without = data["limits"]["runs"]
    assert without == [run.id for run in runs[-len(without) :]], "the oldest"
    assert f"the curves of {len(without)} runs" in text
    assert set(data["curves"]) == {run.id for run in runs} - set(without)


def test_a_table_that_is_too_long_loses_the_oldest_runs(tmp_path, monkeypatch):
    monkeypatch.setattr(comparison_page, "MAX_TABLE", 3000)
    runs = [simple(number) for number in range(20)]
    text, data = written(tmp_path, runs, group="config.depth", shown=[runs[0].id, runs[-1].id])
    assert len(data["table"]["rows"]) == 5
    assert "the oldest 15 of 20 runs" in text
    assert data["chosen"]["shown"] == [runs[0].id]


@pytest.mark.parametrize("room", [0, 200, 1500, 20_000, 10**6])
def test_curves_take_no_more_room_than_there_is(room):
    members = kcb.compare(
        [simple(number, batches=1500, metrics=("loss", "mae")) for number in range(6)]
    )._selection.members
    made = PackedCurves(room)
    without = made.add_first(members, "loss")
    made.add(members, "mae")
    assert len(made.raw) * 4 / 3 <= room
    assert len(without) == (6 if room <= 1500 else 0)


def test_thinning_keeps_means_and_weights_and_leaves_out_what_is_not_finite():
    y = np.array([1.0, 3.0, np.nan, np.nan, 5.0, np.inf, 9.0])
    found = curves.thinned(curves.Rows(np.vstack([np.arange(7.0)] * 4), y, np.full(7, 2.0)), 4)
    np.testing.assert_array_equal(found.y, [2.0, np.nan, 5.0, 9.0])
    np.testing.assert_array_equal(found.weight, [4.0, 0.0, 2.0, 2.0])
    np.testing.assert_array_equal(found.x, [[0.5, 2.5, 4.5, 6.0]] * 4)
    same = curves.Rows(np.zeros((4, 3)), np.ones(3), np.ones(3))
    assert curves.thinned(same, 3) is same


def test_it_says_nothing_of_who_and_where_and_names_are_data(tmp_path):
    run = odd_run()
    run.tags, run.config = NAMES, {NAMES[0]: NAMES[1], "file": "/home/somebody/secret/x/data.npz"}
    text, _ = written(tmp_path, [run, simple(1, name=NAMES[0], config={"file": "/home/somebody/secret/y/data.npz"})])
    assert hidden(text)
    assert text.lower().count("<script") == text.lower().count("</script>") == 3
    for name in NAMES:
        assert name not in text


def test_what_was_changed_by_hand_and_what_is_shared_say_nothing_of_who_and_where_either(tmp_path):
    run, other = simple(0), simple(1)
    for each in (run, other):
        each.add_event("applied", "file", "/home/somebody/secret/a", "/home/somebody/secret/b", source="board")
        each.settings = {"data": {"path": "/home/somebody/secret/x"}, "odd": float("nan")}
    other.config = {"from": "/home/somebody/secret/y", "odd": float("nan")}
    text, data = written(
        tmp_path, [run, other], colour="config.from", brush={"config.from": ["/home/somebody/secret/y"]}
    )
    assert hidden(text)
    assert set(data["shared"]) == {"data.path", "odd"}
    assert len(data["places"][run.id]["marks"]) == 1
    assert data["colours"]["config.from"]["of"] == [0, 1]
    assert data["chosen"]["brush"]["config.from"][0] in [row["settings"][0] for row in data["table"]["rows"]]


def test_places_keep_to_their_room(tmp_path, monkeypatch):
    runs = [simple(number) for number in range(5)]
    for run in runs:
        for number in range(60):
            run.add_event("applied", f"rate {number}", 0.1, 0.01, source="board")
    _, data = written(tmp_path, runs)
    assert [(len(each["marks"]), each["more"]) for each in data["places"].values()] == [(50, True)] * 5
    assert data["places"][runs[0].id]["marks"][-1][-1].startswith("step 40: rate 59")
    monkeypatch.setattr(placing, "MAX_PLACES", 6000)
    _, data = written(tmp_path, runs)
    assert [(len(each["marks"]), each["more"]) for each in data["places"].values()] == [(10, True)] * 5
    assert data["limits"]["aligns"] == list(ALIGN)
    monkeypatch.setattr(placing, "MAX_PLACES", 100)
    _, data = written(tmp_path, runs, align="zero")
    assert (data["limits"]["aligns"], data["chosen"]["align"]) == ([], None)


def test_colours_keep_to_their_room_and_the_chosen_ones_come_first(tmp_path, monkeypatch):
    runs = [simple(number, config={"a": number, "b": -number}) for number in range(5)]
    monkeypatch.setattr(comparison_page, "MAX_COLOURS", 400)
    _, data = written(tmp_path, runs, colour="config.b")
    assert (data["limits"]["colours"], data["chosen"]["colour"]) == (["config.b"], "config.b")
    monkeypatch.setattr(comparison_page, "MAX_COLOURS", 10)
    _, data = written(tmp_path, runs, colour="config.b")
    assert (data["limits"]["colours"], data["chosen"]["colour"]) == ([], None)


def test_an_empty_comparison_is_a_page_too(tmp_path):
    _, data = written(tmp_path, [])
    assert data["table"]["rows"] == []
    _, data = written(tmp_path, [begin()])
    assert len(data["table"]["rows"]) == 1

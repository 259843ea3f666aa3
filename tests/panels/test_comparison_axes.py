"""What the curves of a comparison can be drawn by, where their zero is, and what is marked on them."""

from __future__ import annotations

import numpy as np
import pytest
from comparing import decode, heard, make
from kept import begin, train

import kcb_widgets as kcb
from kcb_widgets.panels.comparison import axes, curves, markers
from kcb_widgets.record.events import Event


def event(step, kind="applied", name="learning_rate", old=0.1, new=0.01, source="board", time=0.0, requested=None):
    return Event(step, 0, time, kind, name, old, new, source, requested=requested)


def live(*events, settings=None, config=None, first_step=0):
    """A finished run in memory, of two epochs of 10 batches."""
    run = begin(("loss",), steps=10, epochs=2)
    run.settings, run.config = settings or {}, config or {}
    run.start_at(first_step)
    run.first_step = first_step
    run.set_value("learning_rate", 0.1)
    for epoch in range(2):
        train(run, 10, ("loss",), epoch)
        if epoch == 0:
            run.set_value("learning_rate", 0.01)
        run.end_epoch(epoch, {"loss": 1.0 / (epoch + 1), "val_loss": 2.0 / (epoch + 1)})
    run.events_list.extend(events)
    run.finish("finished")
    return run


def picture(comparison):
    return heard(comparison, {"kind": "hello", "view": "v", "first": True})[1][0]


# -- samples, and series -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "config", "size"),
    [
        ({"data": {"batch_size": 32}, "fit": {"batch_size": 16}}, {}, 32),
        ({"fit": {"batch_size": 16}}, {"batch_size": 8}, 16),
        ({"fit": {"batch_size": None}}, {"batch_size": 8}, 8),
    ],
)
def test_samples_are_steps_times_the_batch_size(settings, config, size):
    run = live(settings=settings, config=config)
    np.testing.assert_array_equal(curves.points(run, "loss", "samples").x, size * np.arange(1, 21))


@pytest.mark.parametrize("said", [None, True, 0, -4, "32", 32.0, [32]])
def test_a_run_whose_batch_size_is_not_known_is_left_out_and_it_is_said(said):
    known, unknown = live(settings={"data": {"batch_size": 4}}), live(settings={"data": {"batch_size": said}})
    comparison = kcb.compare([known, unknown], x="samples")
    header = picture(comparison)
    assert {each["run"] for each in header["series"]} == {known.id}
    assert header["left_out"] == [f"1 run is not drawn: {axes.NO_BATCH_SIZE}"]
    assert set(comparison.data().run) == {known.id}
    (axis,) = comparison.figure().axes
    assert axis.get_xlabel() == "samples seen"
    assert axis.get_title(loc="left") == header["left_out"][0]


def test_a_metric_is_drawn_by_a_control_that_each_batch_was_trained_with():
    run = live()
    found = curves.points(run, "loss", "series.learning_rate")
    own = run.batch_values.recover(run.batch_table, 0, 20)[0]
    np.testing.assert_allclose(found.x, [0.01] * 10 + [0.1] * 10, rtol=1e-6)
    np.testing.assert_array_equal(found.y, [*own[10:], *own[:10]])


def test_a_metric_is_drawn_by_another_of_batches_or_of_epochs():
    run = begin(("loss", "accuracy"), steps=5)
    train(run, 5, ("loss", "accuracy"))
    run.end_epoch(0, {"loss": 0.5, "accuracy": 0.25, "val_loss": 0.75})
    found = curves.points(run, "loss", "series.accuracy")
    loss, accuracy = run.batch_values.recover(run.batch_table, 0, 5)
    order = np.argsort(accuracy)
    np.testing.assert_array_equal(found.x, accuracy[order])
    np.testing.assert_array_equal(found.y, loss[order])
    for metric, series, x, y in (("val_loss", "accuracy", 0.25, 0.75), ("loss", "val_loss", 0.75, 0.5)):
        found = curves.points(run, metric, f"series.{series}")
        assert (found.x.tolist(), found.y.tolist()) == ([x], [y])
    assert len(curves.points(run, "loss", "series.nothing").x) == 0


def test_a_long_run_is_drawn_by_a_series_from_what_is_known_of_64_batches_each(monkeypatch):
    run = begin()
    run.set_value("learning_rate", 0.5)
    train(run, 1000)
    monkeypatch.setattr(curves, "MAX_ROWS", 100)
    found = curves.points(run, "loss", "series.learning_rate")
    assert set(found.x) == {0.5}
    assert len(found.y) == -(-1000 // 64)


def test_what_a_rollback_left_behind_is_drawn_by_no_series():
    run = begin()
    run.set_value("learning_rate", 0.5)
    train(run, 10)
    run.rolled_back(4)
    assert np.isfinite(curves.points(run, "loss", "series.learning_rate").y).sum() == 4


def test_a_series_that_a_run_lacks_leaves_it_out_and_those_there_are_can_be_chosen(tmp_path):
    run, other = live(), make(tmp_path, "no learning rate")
    header = picture(kcb.compare([run, tmp_path], x="series.learning_rate"))
    assert {each["run"] for each in header["series"]} == {run.id}
    assert header["left_out"] == ["1 run is not drawn: no learning_rate"]
    assert header["axes"] == ["loss", "val_loss", "learning_rate"]
    assert other.id not in {each["run"] for each in header["series"]}


# -- where zero is -----------------------------------------------------------------------------------------------------


def test_runs_begin_at_zero_on_every_axis():
    run = live(first_step=100, settings={"data": {"batch_size": 4}})
    for axis, first, last in (("step", 1, 20), ("epoch", 0.1, 2), ("samples", 4, 80)):
        found = curves.points(run, "loss", axis, "zero").x
        np.testing.assert_allclose([found[0], found[-1]], [first, last])
    clock, time = (curves.points(run, "loss", axis, "zero").x for axis in ("clock", "time"))
    np.testing.assert_allclose(clock, time, atol=1e-3)
    np.testing.assert_array_equal(
        curves.points(run, "loss", "series.learning_rate", "zero").x,
        curves.points(run, "loss", "series.learning_rate").x,
    )


@pytest.mark.parametrize(
    ("align", "kind", "more"),
    [
        ("by_hand", "applied", {}),
        ("rollback", "rollback", {"source": "guard"}),
        ("resumed", "resumed", {"name": "run"}),
        ("snapshot", "snapshot", {"source": "monitor"}),
        ("guard", "guard", {"source": "guard"}),
        ("nan", "nan", {"source": "keras"}),
    ],
)
def test_runs_are_in_line_by_the_first_of_a_kind(align, kind, more):
    run = live(event(3, "applied", source="policy"), event(12, kind, **more), event(15, kind, **more))
    assert curves.points(run, "loss", "step", align).x.tolist() == list(range(-11, 9))
    np.testing.assert_allclose(curves.points(run, "loss", "epoch", align).x[11], 0, atol=1e-9)


def test_a_run_without_the_marker_is_left_out_and_it_is_said():
    with_one, without = live(event(12)), live(event(12, source="policy"))
    comparison = kcb.compare([with_one, without], align="by_hand")
    header = picture(comparison)
    assert {each["run"] for each in header["series"]} == {with_one.id}
    assert header["left_out"] == ["1 run is not drawn: no change by hand"]
    assert comparison.figure().axes[0].get_xlabel() == "step since the first change by hand"


def test_curves_follow_when_a_marker_comes(tmp_path):
    run = begin(("loss",))
    train(run, 10)
    comparison = kcb.compare(run, align="by_hand")
    assert picture(comparison)["series"] == []
    run.events_list.append(event(4))
    header = picture(comparison)
    assert (header["first"], header["last"]) == (-3.0, 6.0)


# -- what was changed by hand ------------------------------------------------------------------------------------------


def test_what_was_changed_by_hand_is_marked_where_it_was():
    run = live(event(5), event(7, source="policy"), event(12, "rollback", "step 5", None, None))
    header = picture(kcb.compare(run, align="zero"))
    assert header["marks"] == [
        {"run": run.id, "x": 5.0, "text": "step 5: learning_rate 0.1 → 0.01"},
        {"run": run.id, "x": 12.0, "text": "step 12: rolled back"},
    ]
    assert picture(kcb.compare(run, x="series.learning_rate"))["marks"] == []
    assert not header["more_marks"]
    figure = kcb.compare(run, which="train").figure()
    assert [line.get_marker() for line in figure.axes[0].lines].count("^") == 2


def test_a_drag_of_a_slider_is_one_mark():
    drag = [event(5 + i, old=8.0 - i, new=7.0 - i, requested=100 + i / 10) for i in range(5)]
    run = live(*drag, event(11, requested=200.0))
    assert [(each.step, each.old, each.new) for each in markers.changes(run)] == [(9, 8.0, 3.0), (11, 0.1, 0.01)]


def test_marks_are_bounded_and_any_value_can_be_told():
    odd = [event(i % 20, old=old, new="<b>" * 200) for i, old in enumerate([None, True, 2**70, float("nan"), "x"] * 30)]
    header = picture(kcb.compare(live(*odd)))
    assert len(header["marks"]) == markers.MAX_MARKS
    assert header["more_marks"]
    assert all(len(each["text"]) <= markers.MAX_TEXT for each in header["marks"])


def test_decoded_curves_are_on_the_axis_that_was_chosen():
    run = live(settings={"data": {"batch_size": 4}})
    comparison = kcb.compare(run, x="samples", which="train")
    header, buffers = heard(comparison, {"kind": "hello", "view": "v", "first": True})[1]
    assert (header["first"], header["last"]) == (4.0, 80.0)
    raw, _ = decode(header, buffers)[run.id, "train"]
    assert np.isfinite(raw).sum() == 20


def test_a_mark_on_a_group_has_the_colour_of_its_line():
    figure = kcb.compare(live(event(5)), group="tags", which="train").figure()
    line, mark = figure.axes[0].lines
    assert mark.get_marker() == "^"
    assert mark.get_color() == line.get_color()


def test_marks_of_all_runs_together_are_bounded(monkeypatch):
    monkeypatch.setattr("kcb_widgets.panels.comparison.picture.MAX_MARKS", 5)
    header = picture(kcb.compare([live(*[event(i) for i in range(3)]) for _ in range(3)]))
    assert (len(header["marks"]), header["more_marks"]) == (5, True)


def test_events_in_any_order_are_where_their_steps_are():
    run = live()
    events = [event(15), event(3), event(20)]
    assert axes.places(run, "step", None, events) == [15, 3, 20]
    np.testing.assert_allclose(axes.places(run, "epoch", None, events), [1.5, 0.3, 2.0])

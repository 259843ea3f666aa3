"""Runs beside each other: which they are, what the browser is sent, and what people get of it in Python."""

from __future__ import annotations

import json
import math

import numpy as np
import pandas as pd
import pytest
from comparing import decode, heard, make
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import begin, file_of, train, value

import kcb_widgets as kcb
from kcb_widgets.panels.comparison import colours, curves, groups
from kcb_widgets.panels.comparison.choices import Choices
from kcb_widgets.panels.comparison.curves import Points


@pytest.fixture
def folder(tmp_path):
    for number in range(4):
        make(tmp_path, f"run {number}", {"depth": number, "same": 1}, age=number)
    return tmp_path


# -- which runs --------------------------------------------------------------------------------------------------------


def test_runs_come_from_wherever_they_are(folder):
    paths = sorted(folder.glob("*.sqlite"))
    opened = kcb.Run.open(paths[0])
    table = kcb.runs(folder)
    ids = set(table.index)
    assert set(kcb.compare(folder).runs().index) == ids
    assert set(kcb.compare(paths[0]).runs().index) == {opened.id}
    assert set(kcb.compare([opened, *paths[1:]]).runs().index) == ids
    assert set(kcb.compare(table[table["config.depth"] > 1]).runs()["config.depth"]) == {2, 3}
    assert set(kcb.compare([folder, opened, table]).runs().index) == ids  # each once


def test_a_live_run_counts_before_its_file(folder):
    live = make(folder, "live", over=False)
    comparison = kcb.compare([folder, live])
    (member,) = [each for each in comparison._members if each.id == live.id]
    assert member.live is live
    assert member.run() is live


def test_what_is_no_run_is_left_out_or_refused(folder, tmp_path):
    (folder / "broken.sqlite").write_bytes(b"no")
    comparison = kcb.compare(folder)
    assert len(comparison.left_out) == 1
    assert "broken.sqlite" in comparison.left_out[0]
    with pytest.raises(TypeError, match="Received: 3"):
        kcb.compare(3)
    with pytest.raises(FileNotFoundError):
        kcb.compare(tmp_path / "nowhere")


def test_the_newest_twenty_are_drawn_at_first(tmp_path):
    for number in range(23):
        make(tmp_path, f"{number}", age=number, epochs=1, steps=3)
    comparison = kcb.compare(tmp_path)
    names = comparison.runs().name
    assert list(names)[:2] == ["0", "1"]
    assert [names[each] for each in comparison.shown] == [str(number) for number in range(20)]


# -- the table ---------------------------------------------------------------------------------------------------------


def test_only_settings_that_differ_are_in_the_table(folder):
    (content, _), _ = heard(kcb.compare(folder), {"kind": "hello", "view": "v", "first": True})
    assert content["kind"] == "table"
    assert content["settings"] == ["config.depth"]
    assert [row["settings"] for row in content["rows"]] == [[0], [1], [2], [3]]
    assert content["metrics"] == [{"name": "loss", "direction": "min", "validation": True}]
    assert content["rows"][0]["metrics"]["loss"] == {"last": 0.5, "best": 0.5, "epoch": 1, "direction": "min"}
    json.dumps(content, allow_nan=False)


def test_a_colour_belongs_to_a_run(folder):
    (first, _), _ = heard(kcb.compare(folder), {"kind": "hello", "view": "v", "first": True})
    (second, _), _ = heard(
        kcb.compare(sorted(folder.glob("*.sqlite"))[2:]), {"kind": "hello", "view": "v", "first": True}
    )
    known = {row["id"]: (row["colour"], row["dashes"]) for row in first["rows"]}
    assert all(known[row["id"]] == (row["colour"], row["dashes"]) for row in second["rows"])


def test_every_colour_is_seen_on_white_and_on_black():
    def luminance(colour):
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        return sum(
            w * (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4)
            for w, c in zip((0.2126, 0.7152, 0.0722), parts, strict=True)
        )

    for colour in colours.COLOURS:
        light, dark = (luminance(colour) + 0.05, luminance("#111111") + 0.05)
        assert 1.05 / light >= 3, colour
        assert light / dark >= 3, colour
    assert len({colours.style_of(f"{i:012x}") for i in range(2000)}) == len(colours.COLOURS) * len(colours.DASHES)


# -- curves ------------------------------------------------------------------------------------------------------------


def test_the_browser_is_sent_the_mean_in_each_bin(folder):
    comparison = kcb.compare(folder)
    sent = heard(comparison, {"kind": "hello", "view": "v", "first": True})
    header, buffers = sent[1]
    assert (header["first"], header["last"]) == (1.0, 100.0)
    found = decode(header, buffers)
    run = kcb.Run.open(sorted(folder.glob("*.sqlite"))[0])
    raw, smooth = found[run.id, "train"]
    own = run.batch_values.recover(run.batch_table, 0, 100)[0]
    np.testing.assert_array_equal(raw[np.isfinite(raw)], own)
    assert smooth is None
    validation, _ = found[run.id, "validation"]
    assert validation[np.isfinite(validation)].tolist() == [2.0, 1.0]


def test_a_zoom_is_for_the_view_that_asked(folder):
    sent = heard(kcb.compare(folder), {"kind": "window", "view": "v", "request": 7, "first": 20, "last": 30})
    ((header, _),) = sent
    assert (header["view"], header["request"], header["first"], header["last"]) == ("v", 7, 20.0, 30.0)
    for first, last in ((30, 20), (math.nan, 3), ("a", 3), (None, None), (1e300, 2e300)):
        assert (
            heard(kcb.compare(folder), {"kind": "window", "view": "v", "request": 7, "first": first, "last": last})
            == []
        )


def test_many_runs_stay_within_what_a_browser_can_draw(tmp_path):
    for number in range(60):
        make(tmp_path, f"{number}", epochs=1, steps=3, age=number)
    comparison = kcb.compare(tmp_path, smoothing=0.5)
    comparison.choose(shown=list(comparison.runs().index))
    header, buffers = heard(comparison, {"kind": "hello", "view": "v", "first": True})[1]
    assert len(header["series"]) == 120
    assert len(buffers[0]) <= 4 * curves.MAX_POINTS


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.floats(0, 1))
def test_bins_and_means_are_those_of_all_points(seed, smoothing):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(1, 300))
    x = np.sort(rng.choice(np.arange(200), n)).astype(float)
    y = rng.normal(size=n)
    y[rng.random(n) < 0.1] = rng.choice([np.nan, np.inf])
    edges = np.linspace(rng.uniform(-5, 50), rng.uniform(60, 250), int(rng.integers(2, 40)))
    made = curves.binned(Points(x, y, np.ones(n)), edges, smoothing)
    good = np.isfinite(y)
    width = curves.WIDEST * smoothing**2 * (edges[-1] - edges[0])
    near = [y[good & (np.abs(x - at) <= width / 2)] for at in x]
    means = np.array([each.mean() if len(each) else np.nan for each in near])
    for i in range(len(edges) - 1):
        last = i == len(edges) - 2
        inside = good & (x >= edges[i]) & ((x <= edges[i + 1]) if last else (x < edges[i + 1]))
        wanted = y[inside].mean() if inside.any() else np.nan
        np.testing.assert_allclose(made.raw[i], wanted, rtol=1e-5, atol=1e-6)
        if made.smooth is not None and smoothing > 0.05:
            wanted = means[inside].mean() if inside.any() else np.nan
            np.testing.assert_allclose(made.smooth[i], wanted, rtol=1e-4, atol=1e-5)


def test_the_horizontal_axis_can_be_four_things(tmp_path):
    run = make(tmp_path, "a")
    seconds = run.batch_table.seconds(0, 100)
    for axis, wanted in {
        "step": np.arange(1.0, 101),
        "epoch": np.arange(1, 101) / 50,
        "time": seconds,
        "clock": run.started + seconds,
    }.items():
        np.testing.assert_allclose(curves.points(run, "loss", axis).x, wanted)


def test_pauses_are_no_time_of_training():
    run = begin()
    run.begin_epoch(0)
    for batch, at in enumerate((1.0, 2.0, 12.0, 13.0)):
        if batch == 2:
            run.add_event("paused", "pause")
            run.events_list[-1] = type(run.events_list[-1])(2, 0, 2.0, "paused", "pause")
            run.events_list.append(type(run.events_list[-1])(2, 0, 11.0, "resumed", "resume"))
        run.append(batch, {"loss": 1.0}, run._clock + at)
    np.testing.assert_allclose(curves.points(run, "loss", "time").x, [1, 2, 3, 4], atol=1e-6)


def test_what_a_rollback_left_behind_is_not_drawn():
    run = begin()
    train(run, 10)
    run.rolled_back(4)
    train(run, 10, first=10)
    found = curves.points(run, "loss", "step").finite
    assert found.x.tolist() == [1, 2, 3, 4, *range(11, 21)]


def test_a_run_of_many_batches_is_drawn_from_what_is_known_of_64_each(monkeypatch):
    run = begin()
    train(run, 1000)
    whole = curves.points(run, "loss", "step")
    monkeypatch.setattr(curves, "MAX_ROWS", 100)
    few = curves.points(run, "loss", "step")
    assert len(few.x) == -(-1000 // 64)
    np.testing.assert_allclose(few.y[:-1], whole.y[: 64 * 15].reshape(-1, 64).mean(axis=1), rtol=1e-6)


def test_a_file_that_vanished_is_a_curve_less(folder):
    comparison = kcb.compare(folder)
    sorted(folder.glob("*.sqlite"))[0].unlink()
    header, _ = heard(comparison, {"kind": "hello", "view": "v", "first": True})[1]
    assert len({each["run"] for each in header["series"]}) == 3


def test_runs_with_the_same_setting_are_one_line_with_a_band(tmp_path):
    made = [make(tmp_path, f"{n}", {"depth": n % 2}, epochs=1 + n // 2, age=n) for n in range(4)]
    comparison = kcb.compare(tmp_path, group="config.depth", which="train")
    header, buffers = heard(comparison, {"kind": "hello", "view": "v", "first": True})[1]
    assert header["series"] == []
    assert sorted(each["key"] for each in header["groups"]) == ["0", "1"]
    lines = np.frombuffer(buffers[0], "<f4").reshape(2, 4, header["bins"])
    for group, (mean, low, high, count) in zip(header["groups"], lines, strict=True):
        members = [run for run in made if run.id in group["runs"]]
        assert len(members) == 2
        values = [run.batch_values.recover(run.batch_table, 0, 50)[0] for run in members]
        here = ~np.isnan(mean)
        at = np.linspace(header["first"], header["last"], header["bins"] + 1)
        first = here & (at[:-1] < 50)
        assert set(count[first]) == {2.0}
        assert set(count[here & (at[:-1] > 52)]) == {1.0}
        np.testing.assert_allclose(mean[here][0], np.mean([each[0] for each in values]), rtol=1e-5)
        np.testing.assert_allclose((high - low)[here][0], 2 * np.std([each[0] for each in values], ddof=1), atol=1e-6)
        np.testing.assert_allclose((high - low)[here & (count == 1)], 0, atol=1e-6)
    assert len(comparison.figure().axes[0].lines) == len(comparison.figure().axes[0].collections) == 2
    (table, _), (header, _) = heard(comparison, {"kind": "choose", "view": "v", "choices": {"group": "tags"}})
    assert [row["group"] for row in table["rows"]] == ["missing"] * 4
    assert [each["key"] for each in header["groups"]] == ["missing"]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
def test_a_group_is_the_mean_and_deviation_of_those_that_are_there(seed):
    rng = np.random.default_rng(seed)
    lines = rng.normal(size=(int(rng.integers(1, 6)), 30)).astype(np.float32)
    lines[rng.random(lines.shape) < 0.3] = np.nan
    made = groups.together(lines)
    for i in range(30):
        there = lines[:, i][~np.isnan(lines[:, i])].astype(float)
        assert made.there[i] == len(there)
        wanted = there.mean() if len(there) else np.nan
        np.testing.assert_allclose(made.mean[i], wanted, rtol=1e-5, atol=1e-6)
        if len(there):
            spread = there.std(ddof=1) if len(there) > 1 else 0.0
            np.testing.assert_allclose(
                [made.low[i], made.high[i]], [wanted - spread, wanted + spread], rtol=1e-4, atol=1e-5
            )


# -- choices and edits -------------------------------------------------------------------------------------------------


def test_choices_are_checked(folder):
    comparison = kcb.compare(folder, metric="accuracy", x="time", log=True, smoothing=0.25)
    assert comparison.chosen["metric"] == "accuracy"
    for wrong in (
        {"metric": 3}, {"which": "all"}, {"x": "epochs"}, {"log": 1}, {"smoothing": 2}, {"smoothing": True},
        {"smoothing": math.nan}, {"shown": "a"}, {"shown": [1]}, {"baseline": 3}, {"group": 3}, {"colour": "red"},
        {"which": []}, {"x": "series."}, {"x": None}, {"align": "start"}, {"align": 0}, {"band": "std"}, {"band": None},
        {"group": "name:"}, {"group": "name:" + "*" * 101}, {"colour": 3}, {"hidden": None}, {"hidden": [3]},
    ):  # fmt: skip
        with pytest.raises((TypeError, ValueError), match="Received"):
            comparison.choose(**wrong)
        ((said, _),) = heard(comparison, {"kind": "choose", "view": "v", "choices": wrong})
        assert said["kind"] == "refused"
        assert "Received" in said["message"]
    assert comparison.chosen == Choices("accuracy", "both", "time", log=True, smoothing=0.25).sent()


def test_any_message_leaves_it_as_it_was(folder):
    comparison = kcb.compare(folder)
    before = comparison.chosen
    for content in (None, 3, [], {}, {"kind": []}, {"kind": "choose"}, {"kind": "edit", "run": "x", "changes": {}},
                    {"kind": "edit", "run": comparison.shown[0], "changes": {"id": "x"}},
                    {"kind": "edit", "run": comparison.shown[0], "changes": {"name": 3}}):  # fmt: skip
        assert all(said["kind"] == "refused" for said, _ in heard(comparison, content))
    assert comparison.chosen == before


def test_a_choice_of_the_browser_is_drawn(folder):
    comparison = kcb.compare(folder)
    one = comparison.shown[2]
    ((header, buffers),) = heard(
        comparison, {"kind": "choose", "view": "v", "choices": {"shown": [one, "gone"], "smoothing": 0.5}}
    )
    assert comparison.shown == [one]
    assert comparison.chosen["shown"] == [one, "gone"]
    assert [each["run"] for each in header["series"]] == [one, one]
    raw, smooth = decode(header, buffers)[one, "train"]
    assert np.nanstd(smooth) < np.nanstd(raw)


def test_what_people_say_of_a_run_is_changed_in_its_file(folder):
    comparison = kcb.compare(folder)
    one = comparison.shown[1]
    changes = {"name": "<b>best</b>", "tags": ["a", "b"], "notes": "why"}
    ((content, _),) = heard(comparison, {"kind": "edit", "view": "v", "run": one, "changes": changes})
    assert content["rows"][1]["name"] == "<b>best</b>"
    again = kcb.runs(folder).loc[one]
    assert (again["name"], again.tags, again.notes) == ("<b>best</b>", ("a", "b"), "why")
    assert kcb.Run.open(again.path).batch_table.rows == 100


def test_a_run_can_be_renamed_while_it_is_written(tmp_path):
    run = begin()
    train(run, 5)
    file = file_of(run, tmp_path)
    file.commit(1.0)
    comparison = kcb.compare(tmp_path)
    heard(comparison, {"kind": "edit", "view": "v", "run": run.id, "changes": {"name": "renamed"}})
    train(run, 5, first=5)
    run.finish("finished")
    file.commit(1.0, whole=True)
    file.close()
    (row,) = kcb.runs(tmp_path).to_dict("records")
    assert (row["name"], row["batches"], row["status"]) == ("renamed", 10, "finished")


def test_runs_that_train_are_looked_at_again(tmp_path, monkeypatch):
    monkeypatch.setattr("kcb_widgets.panels.comparison.comparison.REFRESH_S", 0.0)
    run = begin()
    train(run, 5)
    file = file_of(run, tmp_path)
    file.commit(1.0)
    comparison = kcb.compare(tmp_path)
    heard(comparison, {"kind": "hello", "view": "v", "first": True})
    assert heard(comparison, {"kind": "hello", "view": "v"}) == []
    train(run, 5, first=5)
    file.commit(1.0)
    (table, _), (header, _) = heard(comparison, {"kind": "hello", "view": "v"})
    assert table["rows"][0]["step"] == 10
    assert header["last"] == 10.0
    file.close()


# -- in Python ---------------------------------------------------------------------------------------------------------


def test_data_is_what_is_drawn_from_all_points(folder):
    data = kcb.compare(folder, which="train").data()
    assert list(data.columns) == ["run", "name", "curve", "x", "value"]
    assert len(data) == 400
    pd.testing.assert_series_equal(
        data.groupby("run").size(), pd.Series([100] * 4, index=sorted(set(data.run))), check_names=False
    )


def test_the_call_that_shows_it_again_does(folder):
    first = kcb.compare(folder, x="time", smoothing=0.5)
    first.choose(shown=first.shown[:2], baseline=first.shown[0])
    second = eval(first.to_code(), {"kcb": kcb})
    assert second.chosen == first.chosen
    assert second.shown == first.shown
    third = eval(kcb.compare(kcb.runs(folder)).to_code(), {"kcb": kcb})
    assert set(third.runs().index) == set(first.runs().index)


def test_a_figure_has_every_curve(folder):
    figure = kcb.compare(folder, smoothing=0.5).figure(["loss", "nothing"], (5, 6))
    loss, nothing = figure.axes
    assert len(loss.lines) == 4 * 3
    assert not nothing.lines
    assert figure.get_size_inches().tolist() == [5, 6]


def test_a_saved_notebook_has_words_a_table_and_a_picture_but_no_curves(folder):
    make(folder, "<script>")
    comparison = kcb.compare(folder)
    data, _ = comparison._repr_mimebundle_()
    assert "&lt;script&gt;" in data["text/html"]
    assert "<script>" not in data["text/html"]
    assert "run 0: finished, 2 epochs" in data["text/plain"]
    assert len(data["image/png"]) < 300_000
    assert len(json.dumps(comparison.get_state(["chosen"]))) < 1000


def test_an_empty_folder_is_compared(tmp_path):
    comparison = kcb.compare(tmp_path)
    (table, _), (header, _) = heard(comparison, {"kind": "hello", "view": "v", "first": True})
    assert table["rows"] == []
    assert header["series"] == []
    assert comparison.data().empty
    assert comparison.runs().empty
    assert comparison.figure().axes
    assert value(1) == value(1)

"""What is done with the runs of a comparison: coloured by a setting, hidden, put away, laid side by side."""

from __future__ import annotations

import json

import pytest
from comparing import heard, make
from kept import begin, file_of, train

import kcb_widgets as kcb
from kcb_widgets.panels.comparison import scales
from kcb_widgets.panels.comparison.members import members
from kcb_widgets.panels.comparison.scales import Scale
from kcb_widgets.store import bin as bins


@pytest.fixture
def folder(tmp_path):
    for number in range(4):
        make(tmp_path, f"run {number}", {"depth": number, "same": 1}, age=number)
    return tmp_path


def table(comparison):
    return heard(comparison, {"kind": "hello", "view": "v", "first": True})[0][0]


def test_what_is_chosen_or_deleted_in_python_reaches_the_views(folder, monkeypatch):
    comparison = kcb.compare(folder)
    work, sent = [], []
    monkeypatch.setattr("kcb_widgets.panels.comparison.comparison.threads.start", lambda each, name: work.append(each))
    comparison.choose(x="epoch")
    assert work == []  # nobody looks
    table(comparison)
    comparison.send = lambda content, buffers=None: sent.append(content)
    comparison.choose(x="time", colour="config.depth")
    comparison.delete(comparison.shown[0])
    for each in work:
        each()
    assert [content["kind"] for content in sent] == ["table", "curves"] * 2
    assert sent[1]["x"] == "time"
    assert len(sent[2]["rows"]) == 3


# -- colours -----------------------------------------------------------------------------------------------------------


def luminance(colour):
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    return sum(
        w * (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4)
        for w, c in zip((0.2126, 0.7152, 0.0722), parts, strict=True)
    )


def test_the_scale_grows_lighter_and_is_seen_on_white_and_on_black():
    colours = [scales._on_scale(i / 100) for i in range(101)]
    assert colours[0] == scales.SCALE[0]
    assert colours[-1] == scales.SCALE[-1]
    found = [luminance(each) for each in colours]
    assert found[::5] == sorted(found[::5])  # between neighbours rounding counts
    for light in found:
        assert 1.05 / (light + 0.05) >= 3
        assert (light + 0.05) / (luminance("#111111") + 0.05) >= 2.95


def scale_of(tmp_path, values):
    """A scale, and the runs in the order of ``values``; None is a run without the setting."""
    for number, value in enumerate(values):
        make(tmp_path, f"{number}", {} if value is None else {"lr": value}, age=number, epochs=1, steps=2)
    found, _ = members(tmp_path)
    return Scale(found, "config.lr"), [member.id for member in found]


def test_numbers_lie_on_a_scale_by_decades_and_what_is_missing_is_grey(tmp_path):
    scale, runs = scale_of(tmp_path, [1e-4, 1e-2, None, 1e-3])
    colours = [scale.colour(each) for each in runs]
    assert colours == [scales.SCALE[0], scales.SCALE[-1], scales.MISSING, scales._on_scale(0.5)]
    legend = scale.legend()
    assert (legend["first"], legend["last"], legend["log"], legend["missing"]) == (1e-4, 1e-2, True, scales.MISSING)


@pytest.mark.parametrize("values", [[1, 2, 4], [0, 10, 1000], [-5, 0, 5]])
def test_numbers_of_one_decade_or_not_above_zero_lie_on_a_plain_scale(tmp_path, values):
    scale, runs = scale_of(tmp_path, values)
    parts = [(value - values[0]) / (values[-1] - values[0]) for value in values]
    assert [scale.colour(each) for each in runs] == [scales._on_scale(part) for part in parts]
    assert not scale.legend()["log"]


def test_other_values_have_colours_of_their_own(tmp_path):
    scale, runs = scale_of(tmp_path, ["deep", "wide", "deep", None])
    deep, wide, again, missing = (scale.colour(each) for each in runs)
    assert deep == again != wide
    assert missing == scales.MISSING
    assert scale.legend()["values"] == [{"text": "deep", "colour": deep}, {"text": "wide", "colour": wide}]


def test_up_to_nine_values_are_told_apart_and_none_is_missing(tmp_path):
    scale, runs = scale_of(tmp_path, [f"kind {i}" for i in range(9)])
    assert len({scale.colour(each) for each in runs} - {scales.MISSING}) == 9


@pytest.mark.parametrize("values", [
    [True, False, True], [1, "a"], [3, 3], [None, None, 2**60], [1e-300, 1e300], [-1.7e308, 1.7e308],
    [float("nan"), 1.0], [[1, 2], [3]], [0.0, 5e-324],
])  # fmt: skip
def test_any_value_has_a_colour(tmp_path, values):
    scale, runs = scale_of(tmp_path, values)
    assert all(len(scale.colour(each)) == 7 for each in runs)
    json.dumps(scale.legend(), allow_nan=False)


def test_a_chosen_colour_is_in_the_table_the_figure_and_the_groups(folder):
    comparison = kcb.compare(folder)
    before = table(comparison)
    assert before["legend"] is None
    sent = heard(comparison, {"kind": "choose", "view": "v", "choices": {"colour": "config.depth"}})
    assert [content["kind"] for content, _ in sent] == ["table", "curves"]
    colours = [row["colour"] for row in sent[0][0]["rows"]]
    assert colours == [scales._on_scale(i / 3) for i in range(4)]
    assert sent[0][0]["legend"]["setting"] == "config.depth"
    plot, bar = comparison.figure().axes
    assert [line.get_color() for line in plot.lines[::2]] == colours
    assert bar.get_ylabel() == "config.depth"
    _, (header, _) = heard(comparison, {"kind": "choose", "view": "v", "choices": {"group": "config.depth"}})
    assert [each["colour"] for each in header["groups"]][::2] == colours
    assert eval(comparison.to_code(), {"kcb": kcb}).chosen == comparison.chosen


# -- hiding and deleting -----------------------------------------------------------------------------------------------


def test_a_hidden_run_is_nowhere_until_it_is_shown_again(folder):
    comparison = kcb.compare(folder)
    first, second = comparison.shown[:2]
    comparison.choose(hidden=[first, "gone"])
    assert first not in comparison.shown
    assert first not in set(comparison.data().run)
    assert "run 0" not in comparison._repr_mimebundle_()[0]["text/html"]
    comparison.choose(shown=[first, second])
    assert comparison.shown == [second]
    assert eval(comparison.to_code(), {"kcb": kcb}).shown == [second]
    comparison.choose(hidden=[])
    assert comparison.shown == [first, second]


def test_a_deleted_run_is_in_the_bin_and_can_be_taken_back(folder):
    comparison = kcb.compare(folder)
    one = comparison.shown[1]
    sent = heard(comparison, {"kind": "delete", "view": "v", "run": one})
    assert [content["kind"] for content, _ in sent] == ["table", "curves", "said"]
    assert one not in {row["id"] for row in sent[0][0]["rows"]}
    assert one not in {each["run"] for each in sent[1][0]["series"]}
    assert one not in comparison.shown
    (away,) = (folder / bins.BIN).glob("*.sqlite")
    assert f"{folder.name}/.bin/{away.name}" in sent[2][0]["message"]
    assert one not in set(kcb.runs(folder).index)
    bins.restore(away)
    assert one in set(kcb.runs(folder).index)


def test_a_run_that_trains_is_not_deleted(tmp_path):
    run = begin()
    train(run, 5)
    file = file_of(run, tmp_path)
    file.commit(1.0)
    run.path = file.path
    for source in (tmp_path, run):
        comparison = kcb.compare(source)
        ((said, _),) = heard(comparison, {"kind": "delete", "view": "v", "run": run.id})
        assert said["kind"] == "refused"
        assert "stays" in said["message"]
        assert comparison.shown == [run.id]
    assert file.path.exists()
    file.close()


def test_what_is_in_no_file_or_gone_is_not_deleted(folder):
    memory = begin()
    train(memory, 5)
    memory.finish("finished")
    comparison = kcb.compare([folder, memory])
    with pytest.raises(ValueError, match="is in no file"):
        comparison.delete(memory.id)
    for wrong in ("", "x", None, 3, ["x"]):
        ((said, _),) = heard(comparison, {"kind": "delete", "view": "v", "run": wrong})
        assert said["kind"] == "refused"
    sorted(folder.glob("*.sqlite"))[0].unlink()
    gone = [each for each in comparison._members if each.path and not each.path.exists()]
    ((said, _),) = heard(comparison, {"kind": "delete", "view": "v", "run": gone[0].id})
    assert said["kind"] == "refused"
    assert len(comparison.shown) == 5


# -- side by side ------------------------------------------------------------------------------------------------------


def test_runs_are_laid_side_by_side_with_what_differs(folder):
    comparison = kcb.compare(folder)
    comparison.choose(shown=comparison.shown[:2])
    found = comparison.side_by_side()
    assert list(found.columns) == ["run 0", "run 1"]
    assert found.loc[("settings", "config.depth")].tolist() == [0, 1]
    assert ("settings", "config.same") not in found.index
    assert ("metrics", "last loss") not in found.index
    every = comparison.side_by_side(all_settings=True)
    assert every.loc[("settings", "config.same")].tolist() == [1, 1]
    assert every.loc[("metrics", "last loss")].tolist() == [0.5, 0.5]


def test_what_was_changed_by_hand_stands_beside_each_other(tmp_path):
    runs = []
    for new in (0.1, 0.2):
        run = begin()
        train(run, 5)
        run.add_event("applied", "learning_rate", 0.5, new, "board")
        run.finish("finished")
        runs.append(run)
    runs[0].add_event("applied", "<b>", None, None, "python", "why")
    found = kcb.compare(runs).side_by_side().loc["by hand"]
    assert {tuple(row) for row in found.T.to_numpy()} == {
        ("step 5: learning_rate 0.5 → 0.1", "step 5: <b> why"),
        ("step 5: learning_rate 0.5 → 0.2", None),
    }


def test_a_view_is_sent_at_most_ten_runs_and_no_odd_number(tmp_path):
    for number in range(12):
        make(tmp_path, "alike", {"depth": number, "odd": float("nan")}, age=number, epochs=1, steps=2)
    comparison = kcb.compare(tmp_path)
    ((content, _),) = heard(comparison, {"kind": "side_by_side", "view": "v"})
    assert (content["view"], len(content["runs"]), content["more"]) == ("v", 10, 2)
    assert all(len(row["values"]) == 10 for row in content["rows"])
    (depth,) = [row for row in content["rows"] if row["name"] == "config.depth"]
    assert depth == {"part": "settings", "name": "config.depth", "values": list(range(10)), "differs": True}
    json.dumps(content, allow_nan=False)
    assert len(set(comparison.side_by_side().columns)) == 10


def test_no_runs_are_laid_side_by_side(tmp_path):
    comparison = kcb.compare(tmp_path)
    assert comparison.side_by_side().empty
    ((content, _),) = heard(comparison, {"kind": "side_by_side", "view": "v"})
    assert content["runs"] == []

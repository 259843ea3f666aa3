"""Runs as JSON: strict, with everything, and nothing that tells who made it."""

from __future__ import annotations

import json

import numpy as np
from exported import hidden, odd_run
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import Play, begin

NAN, INFINITY = {"float": "NaN"}, {"float": "Infinity"}


def load(path):
    def refuse(constant):
        raise AssertionError(f"{constant} is no JSON")

    return json.loads(path.read_text(encoding="utf-8"), parse_constant=refuse)


def test_it_has_all_that_people_read(tmp_path):
    run = odd_run()
    found = load(run.to_json(tmp_path / "run.json"))
    assert (found["format"], found["version"], found["id"]) == ("kcb-widgets run", 1, run.id)
    assert (found["name"], found["tags"], found["status"], found["step"]) == ("digits", ["a", "b"], "stopped", run.step)
    assert found["config"]["depth"] == 3
    assert found["config"]["x"] == NAN
    assert len(found["texts"]["model_summary"]) > 20_000
    assert found["metrics"]["loss"]["last"] == run.epoch_table.column("loss")[-1]
    assert found["branches"] == [{"from": 3, "to": 6}]
    assert [row["epoch"] for row in found["epochs"]] == [0, 1, 2]
    assert found["controls"]["learning_rate"] == [0.5, 0.25]
    assert found["evaluations"]["val_loss"] == [0.75]
    assert [event["kind"] for event in found["events"]] == list(run.events["kind"])
    assert list(found["batches"]) == list(run.batches.reset_index().columns)
    losses = [each for each in found["batches"]["loss"] if each != NAN]
    np.testing.assert_array_equal(np.float32(losses), run.batches["loss"].dropna())


def test_nan_infinity_and_missing_are_three_things(tmp_path):
    found = load(odd_run().to_json(tmp_path / "run.json"))
    assert found["batches"]["größe"][:3] == [None] * 3
    assert NAN in found["batches"]["loss"]
    assert INFINITY in found["batches"]["größe"]
    assert found["epochs"][0]["größe"] == NAN
    assert "val_loss" in found["epochs"][0]
    assert "val_loss" not in found["epochs"][1]


def test_it_says_nothing_of_who_and_where(tmp_path):
    assert hidden(odd_run().to_json(tmp_path / "run.json").read_text())


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_happened_it_is_json_with_all_rows(tmp_path_factory, seed):
    play = Play(seed)
    for _ in range(25):
        play.act()
    folder = tmp_path_factory.mktemp("json")
    found = load(play.run.to_json(folder / "run.json"))
    frame = play.run.batches.reset_index()
    assert list(found["batches"] or frame.columns) == list(frame.columns)
    for values in found["batches"].values():
        assert len(values) == len(frame)
    assert len(found["epochs"]) == len(play.run.epoch_rows)
    assert len(found["events"]) == len(play.run.events_list)
    for form in (lambda: play.run.to_csv(folder / "a.csv"), lambda: play.run.to_csv(folder / "b.csv", batches=True)):
        assert form().stat().st_size


def test_an_empty_run_is_json_too(tmp_path):
    found = load(begin().to_json(tmp_path / "run.json"))
    assert (found["epochs"], found["batches"], found["events"]) == ([], {}, [])

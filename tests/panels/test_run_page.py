"""A run's page: its size, what stands in it, and that it is there whole or not at all."""

from __future__ import annotations

import base64
import html
import json
import struct

import pytest
from exported import hidden, odd_run
from host import STATIC, build_bundle, card, control
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import Play, begin, file_of, train
from paged import NAMES, data_of

import kcb_widgets as kcb
from kcb_widgets.export.public import strip
from kcb_widgets.panels import payload
from kcb_widgets.panels.lazy_panels import MODULES
from kcb_widgets.panels.page import document, run_page
from kcb_widgets.record.fit_group import FitGroup


@pytest.fixture(scope="module", autouse=True)
def built():
    build_bundle()


def header_of(series):
    raw = base64.b64decode(series)
    (size,) = struct.unpack_from("<I", raw)
    return json.loads(raw[4 : 4 + size])


def long_run(batches, metrics=("loss",), epochs=1):
    run = begin(metrics, steps=batches, epochs=epochs)
    for epoch in range(epochs):
        train(run, batches, metrics, epoch)
        run.end_epoch(epoch, {name: 1.0 for name in metrics})
    run.finish("finished")
    return run


@pytest.mark.parametrize(
    ("batches", "metrics", "epochs"),
    [(3, 1, 1), (40_000, 1, 1), (30_000, 2, 10), (2_000, 40, 3), (5, 2, 3_000), (0, 1, 0)],
)
def test_it_has_at_most_a_megabyte_whatever_the_length(tmp_path, batches, metrics, epochs):
    run = long_run(batches, tuple(f"metric_{number}" for number in range(metrics)), epochs)
    path = run.to_html(tmp_path / "run.html")
    assert path.stat().st_size <= run_page.MAX_BYTES
    data = data_of(path.read_text())
    assert data["traits"]["state"]["status"] == "finished"
    assert bool(data["series"]) == bool(header_of(data["series"]))
    tables = {table["name"]: table for level in data["levels"] for table in header_of(level)["tables"]}
    assert bool(tables) == ((batches > 512 or epochs > 512) and metrics < 40)  # of 40 there is no room for more


def test_each_level_is_finer_than_the_one_before():
    series, levels = run_page.pictures(long_run(40_000), 900_000)
    finest = [header_of(base64.b64encode(raw))["tables"][0]["per_bucket"] for raw in (series, *levels)]
    assert len(finest) >= 3
    assert finest == sorted(finest, reverse=True)
    assert len(set(finest)) == len(finest)


def test_a_great_many_words_are_cut_and_that_is_said(tmp_path):
    run = long_run(10)
    for number in range(300):
        run.add_event("note", f"name {number}", message="long " * 2000)
    run.cards = [card(f"c{number}", known=False, printed="x" * 9000) for number in range(400)]
    run.controls = [control(0.5, name=f"layer_{number}.rate", group="layers") for number in range(3000)]
    path = run.to_html(tmp_path / "run.html")
    assert path.stat().st_size <= run_page.MAX_BYTES
    text = path.read_text()
    left = len(data_of(text)["traits"]["controls"])
    assert f"{3000 - left} of 3000 controls" in text
    assert data_of(text)["traits"]["events"][-1]["name"] == "name 299"


def test_names_are_data_and_never_markup(tmp_path):
    run = begin(("loss",), steps=2)
    run.name, run.notes, run.tags = NAMES[0], NAMES[1], NAMES
    run.config = {NAMES[0]: NAMES[1]}
    train(run, 2)
    run.end_epoch(0, {name: 0.5 for name in NAMES})
    run.add_event("applied", NAMES[0], None, NAMES[1], "board", NAMES[2])
    run.finish("failed", NAMES[0])
    text = run.to_html(tmp_path / "run.html").read_text()
    assert text.lower().count("<script") == text.lower().count("</script>") == 3
    for name in NAMES:
        assert name not in text
    assert html.escape(NAMES[0]) in text
    assert data_of(text)["traits"]["state"]["message"] == NAMES[0]


def test_it_says_nothing_of_who_and_where(tmp_path):
    run = odd_run()
    facts = [{"label": "filepath", "value": "/home/somebody/secret/best.keras"}]
    wrote = "/home/somebody/secret/x/y"
    run.cards = [card("ModelCheckpoint", facts=facts, says=f"wrote {wrote}", printed=wrote)]
    run.kept = {"path": "/home/somebody/secret/run.kcb", "every": 2.0, "trouble": ""}
    assert hidden(run.to_html(tmp_path / "run.html").read_text())


def test_the_run_that_it_is_compared_with_is_drawn_and_the_others_of_its_group_are_not(tmp_path):
    run, other, group = long_run(20, epochs=3), long_run(20, epochs=3), FitGroup("3 folds", 3)
    other.name = "/home/somebody/secret/before"
    run.baseline = other
    for each in (other, run):
        group.join(each)
    assert payload.state(run)["group"]["fits"]
    text = run.to_html(tmp_path / "run.html").read_text()
    data = data_of(text)
    (drawn,) = [table for table in header_of(data["series"])["tables"] if table["name"] == "baseline"]
    assert (drawn["length"], [each["name"] for each in drawn["series"]]) == (3, ["loss"])
    assert "compared with" in text
    assert hidden(text + base64.b64decode(data["series"]).decode("latin-1"))
    assert data["traits"]["state"]["group"] is None
    assert set(payload.PANELS) - set(data["traits"]["show"]) == set(MODULES)


def test_of_a_run_that_trains_it_is_a_copy_that_says_so(tmp_path):
    run = begin(("loss",), steps=9)
    train(run, 4)
    text = run.to_html(tmp_path / "run.html").read_text()
    state = data_of(text)["traits"]["state"]
    assert (state["status"], state["message"], state["ticking"]) == ("interrupted", run_page.TRAINING, False)
    assert "It was still training when this page was written." in text
    assert run.status == "running"


def test_a_page_that_cannot_be_made_leaves_what_was_there(tmp_path, monkeypatch):
    path = tmp_path / "run.html"
    path.write_text("before")
    monkeypatch.setattr(document, "STATIC", tmp_path)
    with pytest.raises(FileNotFoundError, match=r"board\.js"):
        long_run(3).to_html(path)
    assert [each.name for each in tmp_path.iterdir()] == ["run.html"]
    assert path.read_text() == "before"


@pytest.mark.parametrize("view", ["board", "comparison"])
@pytest.mark.parametrize(("part", "what"), [("js", "</SCRIPT>"), ("js", ""), ("css", "</style>")])
def test_a_bundle_that_would_break_out_is_refused(tmp_path, monkeypatch, view, part, what):
    for name in (f"{view}.js", f"{view}.css", f"{view}_page.js", f"{view}_page.css"):
        (tmp_path / name).write_text((STATIC / name).read_text())
    (tmp_path / f"{view}.{part}").write_text(what)
    monkeypatch.setattr(document, "STATIC", tmp_path)
    with pytest.raises(ValueError, match=rf"{view}\.{part}"):
        document.document(view, "title", [], {})


def test_a_file_that_was_opened_again_makes_the_same_page(tmp_path):
    monitor_run = odd_run()
    file = file_of(monitor_run, tmp_path, name=monitor_run.name)
    file.commit(1.0, whole=True)
    file.close()
    again = data_of(kcb.Run.open(file.path).to_html(tmp_path / "again.html").read_text())
    first = data_of(monitor_run.to_html(tmp_path / "first.html").read_text())
    assert again["traits"]["events"] == first["traits"]["events"]
    assert header_of(again["series"])["tables"] == header_of(first["series"])["tables"]


def test_the_public_gets_no_words_of_callbacks_and_of_own_controls(tmp_path):
    run = long_run(3)
    facts = [{"label": "monitor", "value": "my_metric"}, {"label": "patience", "value": 7}]
    error = {"hook": "on_epoch_end", "message": "mine"}
    run.cards = [
        card("EarlyStopping", facts=facts, says="mine", printed="mine", error=error),
        card("MyOwnIdea", known=False, printed="mine"),
        card("TerminateOnNaN", facts=[]),
    ]
    run.controls = [
        control(0.5),
        control("mine", name="data", kind="choice", group="user", choices=["mine", "yours"]),
        control("sgd", name="kind", kind="choice", choices=["sgd"]),
    ]
    told = strip(run)
    assert {"the texts of 2 callbacks", "the choices of 1 controls"} <= set(told)
    traits = data_of(run.to_html(tmp_path / "run.html").read_text())["traits"]
    said = json.dumps(traits["callbacks"]) + json.dumps(traits["controls"])
    assert "mine" not in said
    assert "MyOwnIdea" not in said
    assert [each["id"] for each in traits["callbacks"]] == ["EarlyStopping", "callback 2", "TerminateOnNaN"]
    assert traits["callbacks"][0]["facts"] == [{"label": "patience", "value": 7}]
    assert [each["value"] for each in traits["controls"]] == [0.5, None, "sgd"]


@pytest.mark.parametrize("started", [1e300, -1e300, float("nan"), 0.0])
def test_a_moment_that_is_none_is_left_out(tmp_path, started):
    run = long_run(3)
    run.started = started
    text = run.to_html(tmp_path / "run.html").read_text()
    assert ('<th scope="row">began</th>' in text) == (started == 0.0)


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_happened_it_is_a_page(tmp_path_factory, seed):
    play = Play(seed)
    for _ in range(25):
        play.act()
    path = play.run.to_html(tmp_path_factory.mktemp("page") / "run.html")
    assert path.stat().st_size <= run_page.MAX_BYTES
    data = data_of(path.read_text())
    assert len(data["traits"]["events"]) == min(len(play.run.events_list), payload.MAX_EVENTS)
    assert header_of(data["series"])
    kcb.compare([play.run]).to_html(path)

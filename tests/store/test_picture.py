"""The picture in a run file: small, of any run, in time; and one that might do something is not shown."""

from __future__ import annotations

import json
import math
import subprocess
import sys
import types
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import Play, begin, file_of, train
from paged import NAMES

from kcb_widgets import Run
from kcb_widgets.export import svg
from kcb_widgets.export.public import strip
from kcb_widgets.record import late
from kcb_widgets.store import picture

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'


def kept(run, folder, **about):
    file = file_of(run, folder, **about)
    file.commit(1.0, whole=True)
    file.close()
    return Run.open(file.path)


def over(metrics=("loss",), batches=30, status="finished"):
    run = begin(metrics, steps=batches, epochs=2)
    for epoch in range(2):
        train(run, batches, metrics, epoch)
        run.end_epoch(epoch, {"loss": 1.0 - epoch / 2, "val_loss": 2.0 - epoch})
    run.finish(status)
    return run


def words(raw):
    return [each.text for each in ElementTree.fromstring(raw.decode()).iter() if each.text]


def test_a_run_that_is_over_has_a_picture_in_its_file(tmp_path):
    run = over(("loss", "accuracy"))
    run.name = "digits"
    found = kept(run, tmp_path).picture
    assert isinstance(found, bytes)
    assert len(found) <= svg.MAX_BYTES
    assert {"digits: finished", "loss", "accuracy", "validation", "step 60"} <= set(words(found))


def test_a_run_that_has_only_epochs_has_one_too(tmp_path):
    run = Run.from_history(types.SimpleNamespace(history={"loss": [2.0, 1.0]}, epoch=[0, 1], params={}, model=None))
    assert {"loss", "each epoch"} <= set(words(kept(run, tmp_path).picture))


def test_one_that_trains_has_none_and_one_that_goes_on_has_none_of_before(tmp_path):
    run = begin(("loss",))
    train(run, 5)
    file = file_of(run, tmp_path)
    file.commit(1.0, whole=True)  # it is paused, say
    assert Run.open(file.path).picture is None
    run.finish("stopped")
    file.commit(1.0, whole=True)
    assert Run.open(file.path).picture
    run.status = "running"
    train(run, 3, first=5)
    file.commit(1.0, whole=True)
    assert Run.open(file.path).picture is None
    file.close()


def test_a_picture_that_cannot_be_drawn_costs_nothing_else(tmp_path, monkeypatch, caplog):
    monkeypatch.setitem(late.given, "picture", lambda run: 1 / 0)
    run = kept(over(), tmp_path)
    assert run.picture is None
    assert (run.status, len(run.batches)) == ("finished", 60)
    assert "could not be drawn" in caplog.text
    monkeypatch.setitem(late.given, "picture", lambda run: "")
    assert kept(over(), tmp_path).picture is None


def test_names_are_text_in_it(tmp_path):
    run = over(NAMES)
    run.name = "\x00\x1b[31m\ud800" + NAMES[0]
    found = kept(run, tmp_path).picture
    assert {name for name in NAMES if len(name) < 40} <= set(words(found))
    assert b"<script" not in found
    assert b"\x1b" not in found


def test_what_was_left_behind_is_not_drawn(tmp_path):
    run = begin(("loss",))
    run.begin_epoch(0)
    total = 0.0
    for batch in range(20):
        total += 1000.0 if batch >= 10 else 1.0 + batch / 10
        run.append(batch, {"loss": total / (batch + 1)})
    run.rolled_back(10)
    run.finish("stopped")
    assert "1000" not in words(kept(run, tmp_path).picture)


@pytest.mark.parametrize("values", [[math.nan] * 4, [1.0], [3.4e38, -3.4e38, 1.0], [0.0] * 5, [math.inf, 1.0]])
def test_odd_values_make_a_picture(tmp_path, values):
    run = begin(("loss",))
    run.begin_epoch(0)
    for batch, value in enumerate(values):
        run.append(batch, {"loss": value})
    run.finish("failed", "ValueError")
    found = kept(run, tmp_path).picture
    assert found
    assert b"nan " not in found
    assert b"inf" not in found.replace(b">inf<", b"")


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_happened_it_is_small_and_may_be_shown(seed):
    play = Play(seed)
    for _ in range(30):
        play.act()
    play.run.finish("finished")
    made = json.loads(picture.made(play.run, play.run.step))
    assert picture.read(made, play.run.step) == made["svg"].encode()
    assert len(made["svg"].encode()) <= svg.MAX_BYTES


def test_many_metrics_are_thinned_and_counted():
    names = tuple(f"metric_{number}" for number in range(30))
    made = svg.picture(over(names, batches=3000))
    assert 0 < len(made.encode()) <= svg.MAX_BYTES
    assert "and 23 more" in made  # the loss is one of the epochs'


def document(inner="", head=HEAD, **more):
    return {"svg": f"{head}{inner}</svg>", "step": 60, **more}


def test_what_we_draw_with_may_be_shown():
    assert picture.read(document('<g transform="translate(1 2)"><path d="M0 0" stroke="#fff"/></g>'), 60)


@pytest.mark.parametrize(
    "made",
    [
        None,
        "text",
        [],
        {},
        {"svg": 7, "step": 60},
        {"svg": b"<svg/>", "step": 60},
        document(step=59),
        document(step=None),
        document("<script>alert(1)</script>"),
        document('<path d="M0 0" onclick="alert(1)"/>'),
        document('<path style="fill:red"/>'),
        document('<rect fill="url(https://evil.test/x)"/>'),
        document('<rect fill="image(x)"/>'),
        document('<image href="https://evil.test/x"/>'),
        document('<a href="javascript:alert(1)"><text>x</text></a>'),
        document('<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">x</p></foreignObject>'),
        document("<style>*{}</style>"),
        document('<p xmlns="http://www.w3.org/1999/xhtml">x</p>'),
        document('<g xmlns:x="http://www.w3.org/1999/xlink" x:href="y"/>'),
        document(head='<!DOCTYPE svg [<!ENTITY a "b">]>' + HEAD),
        document(head='<?xml-stylesheet href="x"?>' + HEAD),
        document("<g>"),
        document(head="<svg>"),
        document("&unknown;"),
        document("\x00"),
        document("x" * picture.MAX_BYTES),
        document("é" * (picture.MAX_BYTES // 2)),
        document("<g>" * 20_000 + "</g>" * 10),
    ],
)
def test_one_that_might_do_something_is_not_shown(tmp_path, monkeypatch, made):
    assert picture.read(made, 60) is None
    if isinstance(made, dict) and not isinstance(made.get("svg"), bytes):
        monkeypatch.setattr(picture, "made", lambda *_: json.dumps(made))
        run = kept(over(), tmp_path)
        assert run.picture is None
        assert len(run.batches) == 60


def test_deep_nesting_ends_nothing():
    deep = "<g>" * 12_000 + "</g>" * 12_000
    assert picture.read(document(deep), 60) in (None, document(deep)["svg"].encode())


def test_no_matplotlib_is_imported_for_it(tmp_path):
    code = (
        "import sys; sys.path[:0] = ['tests/support']\n"
        "from kept import begin, file_of, train\n"
        "run = begin(); train(run, 9); run.finish('finished')\n"
        f"file = file_of(run, __import__('pathlib').Path({str(tmp_path)!r})); file.commit(1.0, whole=True)\n"
        "print('matplotlib' in sys.modules, 'keras' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
    assert Run.open(next(tmp_path.glob("*.sqlite"))).picture


def test_the_public_gets_none(tmp_path):
    run = kept(over(), tmp_path)
    strip(run)
    assert run.picture is None

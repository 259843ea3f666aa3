"""What a page is told of classes: all that it shows, whatever it asks for."""

from __future__ import annotations

import json

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.panels import class_payload
from kcb_widgets.record.class_predictions import predictions_of
from kcb_widgets.record.insights import Insights


def insights_of(*, classes=3, samples=40, epochs=(0, 1), kind="classes", seed=0):
    rng, made = np.random.default_rng(seed), Insights()
    for epoch in epochs:
        outputs = rng.dirichlet(np.ones(classes), samples)
        truth = rng.random((samples, classes)) < 0.3 if kind == "labels" else rng.integers(0, classes, samples)
        names = tuple(f"<b>{i}</b>" for i in range(classes))
        made.add(predictions_of(epoch, 10, kind, names, truth, outputs, None, True, 0.25))
    return made


def ask(insights, epoch=None, cell=None, over=False):
    found = class_payload.reply(insights, over, "v", 1, epoch, cell)
    json.dumps(found, allow_nan=False)
    return found


def test_the_matrix_the_scores_and_the_samples_of_a_cell_belong_together():
    insights = insights_of()
    found = ask(insights, cell=[0, 1])
    kept = insights.classes[-1]
    assert found["epoch"] == 1
    assert found["matrix"] == kept.confusion().tolist()
    assert len(found["samples"]) == kept.confusion()[0, 1]
    for each in found["samples"]:
        row = list(kept.sample).index(each["sample"])
        assert (kept.truth[row], kept.top[row, 0]) == (0, 1)
        assert each["of_truth"] == pytest.approx(kept.of_truth[row])
    assert [each["of_truth"] for each in found["samples"]] == sorted(each["of_truth"] for each in found["samples"])
    assert sum(found["calibration"]["samples"]) == kept.samples
    assert found["cost"] == 0.5
    assert ask(insights, epoch=0)["matrix"] == insights.classes[0].confusion().tolist()


@pytest.mark.parametrize("epoch", [None, 9, -1, "0", 1.5, True, [1]])
@pytest.mark.parametrize("cell", [None, [0], [0, 9], [-1, 0], ["0", "1"], "01", [0, 1, 2], {"0": 1}, [0.0, 1.0]])
def test_whatever_a_page_asks_for_is_answered(epoch, cell):
    found = ask(insights_of(), epoch, cell)
    assert found["epoch"] in (0, 1)
    assert found["cell"] is None
    assert found["samples"] == []


def test_of_many_classes_those_are_shown_that_were_mistaken_most_often():
    insights = insights_of(classes=200, samples=3000, epochs=(0,))
    found = ask(insights)
    assert len(found["shown"]) == len(found["matrix"]) == class_payload.MAX_MATRIX
    counts = insights.classes[0].counts
    mistaken = counts[:, 1] + counts[:, 2]
    assert min(mistaken[found["shown"]]) >= np.sort(mistaken)[-class_payload.MAX_MATRIX]
    assert len(json.dumps(ask(insights_of(classes=1000, samples=1000, epochs=(0,)), cell=[1, 1]))) < 100_000


def test_labels_have_scores_and_no_matrix():
    found = ask(insights_of(kind="labels"), cell=[0, 1])
    assert found["matrix"] == []
    assert found["samples"] == []
    assert len(found["scores"]) == 3
    assert found["calibration"] is None


def test_before_anything_was_read_it_says_when_it_will_be_and_afterwards_how_to():
    assert "at the end of each epoch" in ask(Insights())["why"]
    assert "record=['classes']" in ask(Insights(), over=True)["why"]
    refused = Insights()
    refused.why_not = "no classes"
    assert ask(refused)["why"] == "no classes"


def test_it_is_read_while_a_page_asks_and_no_longer():
    x = np.random.default_rng(0).normal(size=(30, 4)).astype("float32")
    y = (x[:, 0] > 0).astype("float32")
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])
    model.compile("adam", "binary_crossentropy")
    monitor = kcb.Monitor(display=False)
    board = monitor.board
    sent = []
    board.send = lambda content, buffers=(): sent.append(content)

    def looks(epoch, logs):
        if epoch == 1:  # of an epoch that is over already: the next is read
            board._receive(board, {"kind": "classes", "view": "v", "request": 5, "epoch": None, "cell": [1, 1]}, [])
        if epoch == 3:
            monitor.run.insights.asked -= 60.0  # the page is gone

    model.fit(
        x, y, epochs=6, verbose=0, validation_data=(x, y),
        callbacks=[monitor, keras.callbacks.LambdaCallback(on_epoch_end=looks)],
    )  # fmt: skip
    assert [each.epoch for each in monitor.run.insights.classes][:1] == [2]
    assert {each.epoch for each in monitor.run.insights.classes} <= {2, 3}
    assert board.state["classes"] is True
    board._receive(board, {"kind": "classes", "view": "v", "request": 6, "epoch": None, "cell": None}, [])
    assert sent[-1]["kind"] == "classes"
    assert sent[-1]["epoch"] in (2, 3)
    board.close()

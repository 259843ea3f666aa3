"""What is told of classes equals what scikit-learn says of the same outputs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics

from kcb_widgets.insight.outputs import NoClasses, read
from kcb_widgets.record.class_predictions import predictions_of
from kcb_widgets.record.insights import confusion, predictions, scores


def made(kind, truth, outputs, weight=None, probabilities=True, epoch=0):
    names = tuple(f"c{i}" for i in range(outputs.shape[1]))
    return predictions_of(epoch, 10, kind, names, truth, outputs, weight, probabilities, 0.1)


def softmax(values):
    powers = np.exp(values - values.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def sure(seed, samples, classes, weighted=False):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, classes, samples)
    outputs = softmax(rng.normal(size=(samples, classes)) + 1.5 * np.eye(classes)[truth])
    return truth, outputs, rng.random(samples) if weighted else None


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 80), st.integers(2, 12), st.booleans())
def test_confusion_and_scores_are_those_of_scikit_learn(seed, samples, classes, weighted):
    truth, outputs, weight = sure(seed, samples, classes, weighted)
    found = made("classes", truth, outputs, weight)
    said, labels = outputs.argmax(axis=1), np.arange(classes)
    theirs = metrics.confusion_matrix(truth, said, labels=labels, sample_weight=weight)
    np.testing.assert_allclose(found.confusion(), theirs)
    parts = metrics.precision_recall_fscore_support(
        truth, said, labels=labels, sample_weight=weight, zero_division=np.nan
    )
    own = scores(found)
    for name, column in zip(("precision", "recall", "f1", "support"), parts, strict=True):
        expected = np.asarray(column, float)
        if name == "f1":  # theirs is NaN or 0 where a class was neither said nor true, ours where it was never true
            expected = np.where(own["support"] > 0, expected, np.nan)
        np.testing.assert_allclose(own[name], expected, err_msg=name)
    assert found.accuracy == pytest.approx(metrics.accuracy_score(truth, said, sample_weight=weight))
    assert list(confusion(found).columns) == [f"c{i}" for i in range(classes)]
    table = predictions(found)
    assert len(table) == samples
    np.testing.assert_allclose(table["probability_of_truth"], outputs[np.arange(samples), truth], rtol=1e-6)
    assert (table["top_1"] == table["predicted"]).all()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 60), st.integers(2, 6), st.booleans())
def test_labels_are_those_of_scikit_learn(seed, samples, classes, weighted):
    rng = np.random.default_rng(seed)
    flags, outputs = rng.random((samples, classes)) < 0.4, rng.random((samples, classes))
    weight = rng.random(samples) if weighted else None
    found = made("labels", flags, outputs, weight)
    theirs = metrics.multilabel_confusion_matrix(flags, outputs > 0.5, sample_weight=weight)
    right, false, missed, none = (found.counts[:, i] for i in range(4))
    np.testing.assert_allclose(np.stack([none, false, missed, right], axis=1).reshape(-1, 2, 2), theirs, atol=1e-9)
    parts = metrics.precision_recall_fscore_support(flags, outputs > 0.5, sample_weight=weight, zero_division=np.nan)
    own = scores(found)
    np.testing.assert_allclose(own["precision"], parts[0], atol=1e-9)
    np.testing.assert_allclose(own["recall"], parts[1], atol=1e-9)
    with pytest.raises(ValueError, match="any number of them"):
        found.confusion()


def test_calibration_is_reckoned_by_hand():
    outputs = np.array([[0.95, 0.05], [0.9, 0.1], [0.59, 0.41], [0.3, 0.7], [0.0, 1.0]])
    calibration = made("binary", np.array([0, 1, 0, 1, 1]), outputs).calibration()
    # 0.59 lies in (8/15, 9/15], 0.7 in (10/15, 11/15], 0.9 in (13/15, 14/15], 0.95 and the edge 1 in the last.
    assert calibration.samples.tolist() == [0] * 8 + [1, 0, 1, 0, 0, 1, 2]
    assert calibration.accuracy[-1] == 1.0
    assert calibration.error == pytest.approx((2 * (1 - 0.975) + 0.9 + 0.41 + 0.3) / 5, abs=1e-6)


def test_calibration_curve_is_that_of_scikit_learn():
    truth, outputs, _ = sure(0, 5000, 2)
    found = made("binary", truth, outputs)
    calibration = found.calibration()
    right, said = outputs.argmax(axis=1) == truth, outputs.max(axis=1)
    true, mean = metrics_calibration(right, said)
    some = calibration.samples > 0
    np.testing.assert_allclose(calibration.accuracy[some], true, atol=1e-6)
    np.testing.assert_allclose(calibration.confidence[some], mean, atol=1e-6)


def metrics_calibration(right, said):
    from sklearn.calibration import calibration_curve

    return calibration_curve(right, said, n_bins=15)


def test_a_class_that_is_absent_has_no_score_and_not_zero():
    found = made("classes", np.array([0, 0]), np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0]]))
    own = scores(found)
    assert np.isnan(own["recall"][["c1", "c2"]]).all()
    assert np.isnan(own["precision"]["c2"])
    assert own["precision"]["c1"] == 0.0
    assert np.isnan(own["f1"]["c2"])


def test_samples_whose_outputs_are_not_finite_are_left_out_and_counted():
    outputs = np.array([[np.nan, np.nan], [0.1, 0.9], [np.inf, 0.0]])
    found = made("binary", np.array([0, 1, 0]), outputs, np.array([5.0, 1.0, 5.0]))
    assert (found.samples, found.left_out, found.accuracy) == (1, 2, 1.0)
    assert predictions(found).index.tolist() == [1]
    assert scores(found)["support"].tolist() == [0.0, 1.0]
    none = made("classes", np.array([0]), np.full((1, 3), np.nan))
    assert np.isnan(none.accuracy)
    assert none.calibration() is None
    assert len(predictions(none)) == 0


# -- which kind of classes ---------------------------------------------------------------------------------------------


def test_kinds_are_told_by_shapes_truth_and_loss():
    five = softmax(np.random.default_rng(0).normal(size=(6, 5)))
    numbers = np.array([0, 1, 2, 3, 4, 0])
    assert read(five, numbers, "sparse_categorical_crossentropy", "softmax").kind == "classes"
    assert read(five, numbers[:, None], "sparse_categorical_crossentropy", "softmax").kind == "classes"
    one_hot = read(five, np.eye(5)[numbers], "categorical_crossentropy", "softmax")
    assert one_hot.kind == "classes"
    assert one_hot.truth.tolist() == numbers.tolist()
    assert read(five, np.eye(5)[numbers], "binary_crossentropy", "sigmoid").kind == "labels"
    binary = read(np.array([[0.2], [0.7]]), np.array([0, 1]), "binary_crossentropy", "sigmoid")
    assert binary.kind == "binary"
    np.testing.assert_allclose(binary.outputs, [[0.8, 0.2], [0.3, 0.7]])
    assert read(np.array([0.2, 0.7]), np.array([[0], [1]]), "binary_crossentropy", "sigmoid").kind == "binary"


@pytest.mark.parametrize(
    ("outputs", "y", "loss"),
    [
        (np.ones((3, 1)), np.array([0.5, 1.5, 2.0]), "mse"),
        (np.ones((3, 2)), np.ones((3, 2)) * 0.3, "mse"),
        (np.ones((3, 4, 4)), np.ones((3, 4, 4)), "mse"),
        ([np.ones((3, 1)), np.ones((3, 1))], np.ones(3), "mse"),
        (np.ones((3, 2)), np.array(["a", "b", "c"]), "sparse_categorical_crossentropy"),
        (np.ones((3, 2)), np.array([0, np.nan, 1]), "sparse_categorical_crossentropy"),
        (np.ones((3, 2)), np.array([0, 1, 7]), "sparse_categorical_crossentropy"),
        (np.ones((2, 2)), np.array([0, 1, 1]), "sparse_categorical_crossentropy"),
        (np.array([[3.0], [-2.0]]), np.array([0, 1]), "mse"),
    ],
)
def test_what_is_no_class_is_said_to_be_none(outputs, y, loss):
    with pytest.raises(NoClasses):
        read(outputs, y, loss, "")


class Loss:
    def __init__(self, name, from_logits):
        self.name, self.from_logits = name, from_logits


def test_logits_are_told_by_the_loss_then_the_activation_then_the_values():
    logits = np.array([[2.0, -1.0, 0.5], [0.1, 0.2, 3.0]])
    truth = np.array([0, 2])
    found = read(logits, truth, Loss("sparse_categorical_crossentropy", True), "linear")
    np.testing.assert_allclose(found.outputs, softmax(logits))
    assert found.probabilities
    assert not found.disagreement
    twice = read(softmax(logits), truth, Loss("sparse_categorical_crossentropy", True), "softmax")
    assert (
        twice.disagreement == "the loss has from_logits=True, and the last activation is softmax: it is applied twice"
    )
    np.testing.assert_allclose(twice.outputs, softmax(logits))
    wrong = read(logits, truth, Loss("sparse_categorical_crossentropy", False), "linear")
    assert wrong.disagreement == "the loss expects probabilities, and the outputs reach from -1 to 3"
    assert not wrong.probabilities
    sums = read(np.array([[0.9, 0.8, 0.7]]), truth[:1], "sparse_categorical_crossentropy", "sigmoid")
    assert sums.disagreement == "the loss expects probabilities, and the outputs sum to 2.4"
    own = read(logits, truth, "my_loss", "linear")
    np.testing.assert_allclose(own.outputs, softmax(logits))
    assert read(softmax(logits), truth, "my_loss", "linear").probabilities


@settings(max_examples=80, deadline=None)
@given(
    st.lists(st.lists(st.floats(width=32), min_size=3, max_size=3), min_size=1, max_size=6),
    st.sampled_from(["sparse_categorical_crossentropy", "binary_crossentropy", "mse", ""]),
    st.sampled_from(["softmax", "linear", ""]),
)
def test_whatever_a_model_says_is_read_or_refused(values, loss, activation):
    outputs = np.array(values)
    for y in (np.zeros(len(values)), np.eye(3)[np.zeros(len(values), int)], np.array(values)):
        try:
            found = read(outputs, y, loss, activation)
        except NoClasses:
            continue
        kept = made(found.kind, found.truth, found.outputs, None, found.probabilities)
        scores(kept), predictions(kept), kept.calibration()

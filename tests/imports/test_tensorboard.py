"""Folders of TensorBoard as runs: what Keras's callback writes, what others write, and what is damaged."""

from __future__ import annotations

import math
import shutil
import sys

import keras
import numpy as np
import pytest
from foreign import BATCHES, EPOCHS, fit, write_events
from hypothesis import given, settings
from hypothesis import strategies as st
from kept import file_of
from tensorboard.compat.proto import event_pb2, summary_pb2, tensor_pb2, tensor_shape_pb2
from tensorboard.summary.writer.record_writer import RecordWriter

import kcb_widgets as kcb
from kcb_widgets.imports import tensorboard
from kcb_widgets.panels.series_encoder import SeriesEncoder


@pytest.fixture(scope="module")
def logged(tmp_path_factory):
    """Folders of fits, and their histories: by how often batches were written, and how often was validated."""
    made = {}
    for update_freq, validation_freq in (("epoch", 1), ("batch", 2), ("batch", [1, 4]), (2, 1), ("epoch", 0)):
        folder = tmp_path_factory.mktemp("logs") / "digits"
        callback = keras.callbacks.TensorBoard(folder, update_freq=update_freq, write_graph=update_freq == "batch")
        made[update_freq, str(validation_freq)] = folder, fit([callback], validation_freq=validation_freq).history
    return made


def told(run):
    return [event.message for event in run.events_list if event.kind == "warning"]


@pytest.mark.parametrize("kind", [("epoch", "1"), ("batch", "2"), ("batch", "[1, 4]"), ("epoch", "0")])
def test_what_keras_wrote_into_two_folders_is_one_run(logged, kind):
    folder, history = logged[kind]
    run = kcb.Run.from_tensorboard(folder)
    assert (run.status, run.name, run.message) == ("finished", "digits", "from TensorBoard's digits")
    assert list(run.epochs.index) == list(range(EPOCHS))
    assert not told(run)
    for name, values in history.items():
        np.testing.assert_allclose(run.epochs[name].dropna(), values, rtol=1e-6)
    validated = [epoch + 1 for epoch, row in run.epoch_rows if "val_loss" in row]
    assert validated == {"1": [1, 2, 3, 4], "2": [2, 4], "[1, 4]": [1, 4], "0": []}[kind[1]]
    assert set(run.epochs["learning_rate"]) == {np.float32(0.01)}
    assert (run.epochs["seconds"] >= 0).all()
    if kind != ("epoch", "0"):  # where nothing counts batches an epoch is one step
        assert list(run.epoch_table.steps(0, EPOCHS)) == [BATCHES * (i + 1) for i in range(EPOCHS)]
    batches = run.batches
    if kind[0] == "batch":
        assert list(batches.index) == list(range(1, EPOCHS * BATCHES + 1))
        assert list(batches["epoch"]) == [i // BATCHES for i in range(EPOCHS * BATCHES)]
        assert list(batches["batch"]) == [i % BATCHES for i in range(EPOCHS * BATCHES)]
        np.testing.assert_allclose(batches["loss"][BATCHES - 1 :: BATCHES], history["loss"], rtol=1e-6)
    else:
        assert len(batches) == 0
    assert kcb.Run.from_tensorboard(folder).id == run.id
    assert run.plot() is not None
    assert SeriesEncoder(run).whole()
    with pytest.raises(ValueError, match="is from TensorBoard, which does not say"):
        run.replay()


def test_epochs_that_keras_left_out_are_told_from_its_batches(logged):
    folder, history = logged[2, "1"]
    run = kcb.Run.from_tensorboard(folder)
    assert list(run.epochs.index) == [1, 3]  # Keras writes an epoch only if its last batch is written
    np.testing.assert_allclose(run.epochs["loss"], history["loss"][1::2], rtol=1e-6)
    assert list(run.batches.index) == [2, 4, 6, 8, 10, 12]
    assert list(run.batches["epoch"]) == [0, 1, 1, 2, 3, 3]
    assert "it is taken that all had 3 batches" in told(run)[0]


def test_a_second_fit_into_the_same_folder_is_counted_on(tmp_path):
    model = None
    for epochs in (2, 3):
        callback = keras.callbacks.TensorBoard(tmp_path / "logs", update_freq="batch", write_graph=False)
        history = fit([callback], epochs=epochs, model=model)
        model = history.model
    run = kcb.Run.from_tensorboard(tmp_path / "logs")
    assert list(run.epochs.index) == [0, 1, 2, 3, 4]
    assert list(run.batches.index) == list(range(1, 16))
    np.testing.assert_allclose(run.epochs["val_loss"][2:], history.history["val_loss"], rtol=1e-6)
    assert told(run) == ["the epochs begin anew where another fit was added: they are counted on"]


def test_a_process_s_tenth_file_comes_after_its_ninth(tmp_path):
    for number, step in ((9, 0), (10, 1), (11, 2)):
        path = tmp_path / "train" / f"events.out.tfevents.1764340000.host.55.{number}.v2"
        write_events(path, [("epoch_loss", step, 2.0 - step)], wall=1000.0 + step)
    run = kcb.Run.from_tensorboard(tmp_path)
    assert list(run.epochs["loss"]) == [2.0, 1.0, 0.0]
    assert not told(run)


def test_it_reads_the_same_as_tensorboards_own_reader(logged):
    from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator
    from tensorboard.util import tensor_util

    folder, _ = logged["batch", "2"]
    theirs = EventAccumulator(str(folder / "train"), size_guidance={TENSORS: 0})
    theirs.Reload()
    run = kcb.Run.from_tensorboard(folder)
    for tag, found in (("batch_loss", run.batches["loss"]), ("epoch_loss", run.epochs["loss"])):
        values = [float(tensor_util.make_ndarray(event.tensor_proto)) for event in theirs.Tensors(tag)]
        assert list(found) == values
        assert len(values) >= EPOCHS


def test_a_file_cut_anywhere_is_read_to_there_and_says_how_far(logged, tmp_path):
    folder, _ = logged["batch", "2"]
    whole = kcb.Run.from_tensorboard(folder)
    (path,) = (folder / "train").glob("*tfevents*")
    data = path.read_bytes()
    target = tmp_path / "cut" / "train" / "x.tfevents.x"
    target.parent.mkdir(parents=True)
    seen = set()
    for cut in sorted({*range(0, len(data), max(1, len(data) // 60)), *range(len(data) - 40, len(data))}):
        target.write_bytes(data[:cut])
        run = kcb.Run.from_tensorboard(tmp_path / "cut")
        rows = len(run.batches)
        assert run.batches["loss"].tolist() == whole.batches["loss"][:rows].tolist() if rows else True
        assert len(run.epochs) <= len(whole.epochs)
        seen.add(rows)
        if told(run):
            assert told(run)[0].startswith("train, file 1 of 1: it was read to byte ")
            assert told(run)[0].endswith("it ends within a record")
    assert len(seen) > 5


def test_a_damaged_record_hides_what_follows_and_nothing_else(logged, tmp_path):
    folder, history = logged["batch", "2"]
    shutil.copytree(folder, tmp_path / "bad")
    (path,) = (tmp_path / "bad" / "train").glob("*tfevents*")
    data = bytearray(path.read_bytes())
    for at in range(len(data) // 3, len(data), max(1, len(data) // 40)):
        path.write_bytes(data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :])
        run = kcb.Run.from_tensorboard(tmp_path / "bad")
        (message,) = [each for each in told(run) if "damaged" in each or "ends within" in each]
        assert "vm" not in message.split(":")[0]
        assert "events.out" not in message
        assert len(run.epochs["val_loss"].dropna()) == len(history["val_loss"])  # another file has them


def test_epochs_alone_batches_alone_validation_alone(tmp_path):
    write_events(tmp_path / "a/train/x.tfevents.1", [("epoch_größe", i, i + 0.5) for i in range(3)])
    assert list(kcb.Run.from_tensorboard(tmp_path / "a").epochs["größe"]) == [0.5, 1.5, 2.5]
    write_events(tmp_path / "b/train/x.tfevents.1", [("batch_loss", i, float(i)) for i in range(1, 9)])
    run = kcb.Run.from_tensorboard(tmp_path / "b")
    assert list(run.batches["loss"]) == list(range(1, 9))
    assert len(run.epochs) == 0
    assert run.plot() is not None
    write_events(tmp_path / "c/validation/x.tfevents.1", [("epoch_loss", i, 1.0) for i in range(2)])
    assert list(kcb.Run.from_tensorboard(tmp_path / "c").epochs["val_loss"]) == [1, 1]
    write_events(tmp_path / "d/train/x.tfevents.1", [])
    assert len(kcb.Run.from_tensorboard(tmp_path / "d").epochs) == 0


def test_a_fit_that_ends_within_an_epoch_says_so(tmp_path):
    events = [("batch_loss", 1, 1.0), ("batch_loss", 2, 1.0), ("epoch_loss", 0, 1.0), ("batch_loss", 3, math.nan)]
    write_events(tmp_path / "x/train/x.tfevents.1", events)
    run = kcb.Run.from_tensorboard(tmp_path / "x")
    assert run.message.startswith(
        "from TensorBoard's x, which ends within an epoch; loss is NaN since batch 1 (epoch 2)"
    )
    assert list(run.batches["epoch"]) == [0, 0, 1]
    assert run.seconds == 3.0


def test_scalars_of_others_are_batches_where_nothing_is_keras_s(tmp_path):
    events = [("loss/train", step, float(step)) for step in (0, 10, 20)] + [("lr", step, 0.1) for step in (0, 10)]
    write_events(tmp_path / "torch/x.tfevents.1", events)
    run = kcb.Run.from_tensorboard(tmp_path / "torch")
    assert list(run.batches["loss/train"]) == [0, 10, 20]
    assert run.batches["lr"].notna().sum() == 2
    write_events(tmp_path / "torch/train/x.tfevents.2", [("epoch_loss", 0, 1.0)])
    run = kcb.Run.from_tensorboard(tmp_path / "torch")
    assert told(run) == ["left out, as no metric of Keras's: loss/train, lr"]
    assert len(run.batches) == 0


def test_evaluations_between_epochs_are_evaluations(tmp_path):
    train = [(f"epoch_{name}", epoch, 1.0) for epoch in range(2) for name in ("loss", "mae")]
    write_events(tmp_path / "x/train/x.tfevents.1", [*train[:2], *[("epoch_pad", 0, 1.0)], *train[2:]], wall=1000)
    found = [("evaluation_loss_vs_iterations", step, float(step)) for step in (5, 7, 10)]
    write_events(tmp_path / "x/validation/x.tfevents.1", found, wall=999.5)
    write_events(tmp_path / "x/validation/x.tfevents.2", [("epoch_loss", 0, 5.0), ("epoch_loss", 1, 10.0)])
    run = kcb.Run.from_tensorboard(tmp_path / "x")
    assert list(run.epochs["val_loss"]) == [5, 10]
    assert run.evaluation_table.rows == 1


def test_hostile_records_do_no_harm(tmp_path):
    path = tmp_path / "x/train/x.tfevents.1"
    path.parent.mkdir(parents=True)
    huge = tensor_pb2.TensorProto(dtype=1, float_val=[1.0])
    huge.tensor_shape.CopyFrom(tensor_shape_pb2.TensorShapeProto(dim=[{"size": 2**40}, {"size": 2**20}]))
    with path.open("wb") as file:
        writer = RecordWriter(file)
        writer.write(b"\xff\xff no protocol buffer")
        values = [summary_pb2.Summary.Value(tag="epoch_huge", tensor=huge)]
        values += [
            summary_pb2.Summary.Value(tag="x" * 10_000, simple_value=1.0),
            summary_pb2.Summary.Value(tag="epoch_none"),
        ]
        values += [summary_pb2.Summary.Value(tag="epoch_loss", simple_value=2.0)]
        summary = summary_pb2.Summary(value=values)
        for step, wall in ((0, 1000.0), (-5, 1000.0), (2**62, 1000.0), (0, math.nan), (1, -1e300)):
            writer.write(event_pb2.Event(wall_time=wall, step=step, summary=summary).SerializeToString())
        writer.write(b"\0" * (2 << 20))  # passed over
        writer.write(event_pb2.Event(wall_time=1001, step=2, summary=summary).SerializeToString())
    run = kcb.Run.from_tensorboard(tmp_path / "x")
    assert [epoch for epoch, _ in run.epoch_rows] == [0, 2]
    assert list(run.epochs["loss"]) == [2, 2]
    assert any("impossible name, step or time" in each for each in told(run))
    assert any("no event is left out" in each for each in told(run))
    assert run.plot() is not None


def test_what_is_huge_is_bounded(tmp_path, monkeypatch):
    monkeypatch.setattr(tensorboard, "MAX_CELLS", 100)
    write_events(tmp_path / "x/train/x.tfevents.1", [("batch_loss", i, 1.0) for i in range(1, 200)])
    run = kcb.Run.from_tensorboard(tmp_path / "x")
    assert len(run.batches) == 100
    assert "there is room for no more" in told(run)[0]


def test_which_folder_is_meant_is_said(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        kcb.Run.from_tensorboard(tmp_path / "none")
    with pytest.raises(ValueError, match="has no event files"):
        kcb.Run.from_tensorboard(tmp_path)
    for name in "ab":
        write_events(tmp_path / name / "train/x.tfevents.1", [("epoch_loss", 0, 1.0)])
    with pytest.raises(ValueError, match=r"has several runs: import .*a and .*b one by one"):
        kcb.Run.from_tensorboard(tmp_path)


def test_without_tensorboard_it_says_what_to_install(tmp_path, monkeypatch):
    write_events(tmp_path / "x/train/x.tfevents.1", [])
    for name in [name for name in sys.modules if name.split(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs tensorboard, .*: pip install 'kcb-widgets\[tensorboard\]'"):
        kcb.Run.from_tensorboard(tmp_path / "x")


TAGS = ("epoch_loss", "epoch_learning_rate", "batch_loss", "batch_x", "evaluation_loss_vs_iterations", "other")


@settings(max_examples=80, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(("", "train", "validation")),
            st.sampled_from(TAGS),
            st.one_of(st.integers(0, 6), st.integers(0, 2**50)),
            st.floats(width=32),
        ),
        max_size=40,
    ),
    st.one_of(st.floats(0, 3e10), st.floats()),
)
def test_whatever_was_written_in_whatever_order_is_a_run(tmp_path_factory, written, wall):
    folder = tmp_path_factory.mktemp("logs")
    for part in ("", "train", "validation"):
        write_events(folder / part / "x.tfevents.1", [each[1:] for each in written if each[0] == part], wall)
    run = kcb.Run.from_tensorboard(folder)
    assert run.status == "finished"
    assert (np.diff(run.batch_table.steps(0, run.batch_table.rows)) > 0).all()
    assert (np.diff(run.epoch_table.steps(0, run.epoch_table.rows)) > 0).all()
    assert len(run.epochs) == run.epoch_table.rows
    assert len(run.batches) == run.batch_table.rows
    assert SeriesEncoder(run).whole() is not None
    file = file_of(run, folder, settings=run.settings)
    file.commit(1.0, whole=True)
    file.close()
    kept = kcb.Run.open(file.path)
    np.testing.assert_array_equal(kept.batches["epoch"], run.batches["epoch"])
    assert [epoch for epoch, _ in kept.epoch_rows] == [epoch for epoch, _ in run.epoch_rows]
    assert kcb.Run.from_tensorboard(folder).id == run.id

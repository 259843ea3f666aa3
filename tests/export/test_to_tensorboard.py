"""Runs as folders of TensorBoard, read by TensorBoard's own readers and by ours."""

from __future__ import annotations

import math
import sys

import keras
import numpy as np
import pytest
from exported import hidden, odd_run
from foreign import fit
from kept import begin
from tensorboard.backend.event_processing.event_accumulator import TENSORS, EventAccumulator
from tensorboard.plugins.hparams import metadata as hparams
from tensorboard.plugins.hparams import plugin_data_pb2
from tensorboard.util import tensor_util

import kcb_widgets as kcb


def reader(folder):
    found = EventAccumulator(str(folder), size_guidance={TENSORS: 0})
    found.Reload()
    return found


def series(found, tag):
    return [(event.step, float(tensor_util.make_ndarray(event.tensor_proto))) for event in found.Tensors(tag)]


def tags(found):
    return set(found.Tags()["tensors"])


def test_the_names_steps_and_numbers_are_those_of_keras_s_callback(tmp_path):
    monitor = kcb.Monitor(display=False)
    theirs = keras.callbacks.TensorBoard(tmp_path / "theirs", update_freq="batch", write_graph=False)
    fit([monitor, theirs], validation_freq=2)
    monitor.run.to_tensorboard(tmp_path / "ours")
    for part in ("train", "validation"):
        ours, wanted = reader(tmp_path / "ours" / part), reader(tmp_path / "theirs" / part)
        assert tags(ours) == tags(wanted)
        for tag in tags(wanted):
            assert [step for step, _ in series(ours, tag)] == [step for step, _ in series(wanted, tag)], tag
            np.testing.assert_allclose(
                *([value for _, value in series(each, tag)] for each in (ours, wanted)), rtol=1e-6
            )
            assert ours.SummaryMetadata(tag).plugin_data.plugin_name == "scalars"


def test_a_run_comes_back(tmp_path):
    run = odd_run()
    assert run.to_tensorboard(tmp_path / "logs") == tmp_path / "logs"
    back = kcb.Run.from_tensorboard(tmp_path / "logs")
    np.testing.assert_array_equal(back.batches["loss"], run.batches["loss"])
    np.testing.assert_array_equal(back.batches["größe"], run.batches["größe"])
    np.testing.assert_allclose(
        back.batches["seconds"], run.batches["seconds"] - run.batches["seconds"].iloc[0], atol=1e-4
    )
    for name in ("loss", "val_loss", "learning_rate", "größe"):
        np.testing.assert_array_equal(back.epochs[name].astype("float32"), run.epochs[name].astype("float32"))
    assert list(back.epoch_table.steps(0, 3)) == list(run.epoch_table.steps(0, 3))


def test_events_are_texts_and_the_config_is_hyperparameters(tmp_path):
    run = odd_run()
    found = reader(run.to_tensorboard(tmp_path / "logs"))
    texts = [tensor_util.make_ndarray(event.tensor_proto).item().decode() for event in found.Tensors("events")]
    assert len(texts) == len(run.events_list)
    assert any(each.startswith("applied learning_rate: 0.5 → 0.25 (board; by …") for each in texts)
    assert found.SummaryMetadata("events").plugin_data.plugin_name == "text"
    assert hidden("".join(texts))

    def content(tag):
        return plugin_data_pb2.HParamsPluginData.FromString(found.SummaryMetadata(tag).plugin_data.content)

    started = content(hparams.SESSION_START_INFO_TAG).session_start_info
    assert started.hparams["depth"].number_value == 3
    assert started.hparams["on"].bool_value is True
    assert started.hparams["rates"].string_value == "[0.1,0.2]"
    assert started.hparams["x"].string_value == "nan"
    assert hidden(str(started))
    infos = content(hparams.EXPERIMENT_TAG).experiment.metric_infos
    assert ("validation", "epoch_loss") in [(each.name.group, each.name.tag) for each in infos]


def test_the_files_tell_no_machine_and_are_replaced_when_written_again(tmp_path):
    run = odd_run()
    for _ in range(2):
        run.to_tensorboard(tmp_path / "logs")
    files = [path for path in (tmp_path / "logs").rglob("*") if path.is_file()]
    assert len(files) == 3
    assert {path.name for path in files} == {f"events.out.tfevents.{int(run.started):010d}.kcb-{run.id}"}


def test_a_run_without_epochs_batches_or_config(tmp_path):
    run = begin()
    run.to_tensorboard(tmp_path / "none")
    assert list((tmp_path / "none").iterdir()) == []
    run.append(0, {"loss": math.nan})
    run.to_tensorboard(tmp_path / "some")
    ((step, value),) = series(reader(tmp_path / "some" / "train"), "batch_loss")
    assert step == 1
    assert math.isnan(value)


def test_without_tensorboard_it_says_what_to_install(tmp_path, monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "tensorboard"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "tensorboard", None)
    with pytest.raises(ModuleNotFoundError, match=r"needs tensorboard, .*: pip install 'kcb-widgets\[tensorboard\]'"):
        begin().to_tensorboard(tmp_path / "logs")

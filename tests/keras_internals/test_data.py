"""How Keras's data adapters cut batches, and where an iterator comes from."""

from __future__ import annotations

import keras
import numpy as np
import pytest

from kcb_widgets.keras_internals import data
from kcb_widgets.keras_internals.frames import current, fit_frame, variables

BACKEND = keras.backend.backend()


class Look(keras.callbacks.Callback):
    """Looks at the data of `fit` as its first batch begins."""

    def on_train_batch_begin(self, batch, logs=None):
        if not batch:
            known = variables(fit_frame(current()))
            source = known["epoch_iterator"]
            self.kind, self.sizes = data.adapter_kind(source), data.batch_sizes(source)
            self.weighs, self.queue = data.may_weigh(known), data.queue_of(source)
            self.method = data.iterator_method(source)
            if BACKEND == "tensorflow":
                self.iterator = data.current_iterator(source)


class Batches(keras.utils.PyDataset):
    def __len__(self):
        return 3

    def __getitem__(self, index):
        return np.ones((2, 1), "float32"), np.ones((2, 1), "float32")


def look(model, *args, **kwargs):
    callback = Look()
    model.fit(*args, verbose=0, shuffle=False, callbacks=[callback], **kwargs)
    return callback


@pytest.mark.parametrize(("batch", "sizes"), [(4, (4, None)), (5, (5, 12))])
def test_the_sizes_of_arrays_are_known(unit_model, ones, batch, sizes):
    seen = look(unit_model(), *ones, batch_size=batch)
    assert (seen.kind, seen.sizes, seen.weighs) == ("ArrayDataAdapter", sizes, False)
    assert seen.queue is None


def test_weights_of_samples_and_of_classes_are_seen(unit_model, ones):
    assert look(unit_model(), *ones, sample_weight=np.ones(12)).weighs
    assert look(unit_model(), *ones, class_weight={0: 1.0, 1: 2.0}).weighs


def test_the_queue_of_workers_is_found(unit_model):
    seen = look(unit_model(), Batches(workers=2))
    assert seen.sizes is None
    assert seen.weighs
    assert callable(seen.queue.get)


@pytest.mark.skipif(BACKEND != "tensorflow", reason="tf.data")
def test_a_static_size_of_a_dataset_is_known(unit_model, ones):
    import tensorflow as tf

    dataset = tf.data.Dataset.from_tensor_slices(ones)
    seen = look(unit_model(), dataset.batch(4, drop_remainder=True))
    assert (seen.kind, seen.sizes, seen.weighs) == ("TFDatasetAdapter", (4, None), False)
    assert hasattr(seen.iterator, "get_next")
    assert look(unit_model(), dataset.batch(4)).sizes is None


@pytest.mark.skipif(BACKEND != "tensorflow", reason="elsewhere the step reads from no such iterator")
@pytest.mark.filterwarnings("ignore:Your input ran out of data")
def test_the_iterator_of_data_of_unknown_length_is_found(unit_model):
    def batches():
        yield from (Batches()[i] for i in range(3))

    assert hasattr(look(unit_model(), batches()).iterator, "get_next")


def test_the_method_is_found_that_makes_an_iterator(unit_model, ones):
    assert look(unit_model(), *ones).method == "_get_iterator"
    assert data.iterator_method(object()) == ""


def test_what_is_not_known_is_told_to_be_so():
    assert data.batch_sizes(None) is None
    assert data.may_weigh({})
    assert data.queue_of(object()) is None

"""The table of backends: each has the same methods, and another one is a class and an entry."""

from __future__ import annotations

import inspect

import keras
import pytest

import kcb_widgets as kcb
from kcb_widgets.steering import backends

METHODS = [name for name, _ in inspect.getmembers(backends.Backend, inspect.isfunction)]


@pytest.mark.parametrize("name", backends.BACKENDS)
def test_each_has_the_methods_of_the_first_and_no_others(name):
    own = {method for method, _ in inspect.getmembers(backends.BACKENDS[name], inspect.isfunction)}
    assert own == set(METHODS)


def test_the_one_in_use_is_that_of_keras():
    assert type(backends.current()) is backends.BACKENDS[keras.backend.backend()]


def test_a_backend_that_is_not_in_the_table_is_treated_as_tensorflow(monkeypatch):
    monkeypatch.setattr(keras.backend, "backend", lambda: "another")
    assert type(backends.current()) is backends.Backend


def test_another_backend_is_one_entry(unit_model, ones, at, monkeypatch):
    asked = []

    class Another(backends.BACKENDS[keras.backend.backend()]):
        def sync_model(self, model):
            asked.append(model)
            super().sync_model(model)

    monkeypatch.setitem(backends.BACKENDS, keras.backend.backend(), Another)
    model, monitor = unit_model(), kcb.Monitor()
    model.fit(*ones, batch_size=2, verbose=0, callbacks=[at(2, lambda: monitor.set(learning_rate=0.25)), monitor])
    assert model in asked
    assert float(model.optimizer.learning_rate) == 0.25

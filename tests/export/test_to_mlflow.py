"""Runs in MLflow: a client that takes exactly what MLflow's takes, as it is too large to be installed for this."""

from __future__ import annotations

import sys
import types
from dataclasses import dataclass, field

import pytest
from exported import hidden, odd_run
from kept import begin, train


@dataclass
class Metric:
    key: str
    value: float
    timestamp: int
    step: int


@dataclass
class Param:
    key: str
    value: str


@dataclass
class MlflowClient:
    """The part of ``mlflow.MlflowClient`` that is called, by its own names of arguments (MLflow 2.12 to 3)."""

    tracking_uri: str | None = None
    calls: list = field(default_factory=list)

    def __post_init__(self):
        made.append(self)

    def get_experiment_by_name(self, name):
        return types.SimpleNamespace(experiment_id="0") if name == "Default" else None

    def create_experiment(self, name, artifact_location=None, tags=None):
        return f"made {name}"

    def create_run(self, experiment_id, start_time=None, tags=None, run_name=None):
        assert isinstance(start_time, int)
        self.experiment, self.name, self.tags = experiment_id, run_name, tags
        return types.SimpleNamespace(info=types.SimpleNamespace(run_id="r1"))

    def log_batch(self, run_id, metrics=(), params=(), tags=(), synchronous=None):
        assert run_id == "r1"
        assert len(metrics) <= 1000
        assert len(params) <= 100
        self.calls.append((list(metrics), list(params)))

    def log_text(self, run_id, text, artifact_file):
        if self.tracking_uri == "broken":
            raise OSError("the server is gone")
        self.calls.append((artifact_file, text))

    def set_terminated(self, run_id, status=None, end_time=None):
        self.status, self.end = status, end_time


made: list[MlflowClient] = []


@pytest.fixture
def client(monkeypatch):
    """What was asked of the newest client."""
    made.clear()
    entities = types.ModuleType("mlflow.entities")
    entities.Metric, entities.Param = Metric, Param
    package = types.ModuleType("mlflow")
    package.MlflowClient, package.entities = MlflowClient, entities
    monkeypatch.setitem(sys.modules, "mlflow", package)
    monkeypatch.setitem(sys.modules, "mlflow.entities", entities)
    return lambda: made[-1]


def logged(client):
    metrics = [each for some, more in client.calls if not isinstance(some, str) for each in some]
    params = {each.key: each.value for some, more in client.calls if not isinstance(some, str) for each in more}
    return metrics, params, {name: text for name, text in client.calls if isinstance(name, str)}


def test_epochs_are_metrics_and_settings_are_params(client):
    run = odd_run()
    assert run.to_mlflow() == "r1"
    found = client()
    metrics, params, files = logged(found)
    assert (found.experiment, found.name, found.status) == ("0", "digits", "FINISHED")
    assert found.end - int(1000 * run.started) == pytest.approx(1000 * run.seconds, abs=2)
    assert [each.step for each in metrics if each.key == "val_loss"] == [0, 2]
    assert {each.key for each in metrics} == {"loss", "größe", "val_loss", "learning_rate", "seconds"}
    assert params["config.depth"] == "3"
    assert params["model.name"] == "digits"
    assert found.tags["kcb_widgets.tags"] == "a, b"
    assert set(files) == {"model_summary.txt", "events.json"}
    assert hidden(str(params) + str(found.tags) + "".join(files.values()))


def test_batches_too_a_thousand_values_at_a_time(client):
    run = begin()
    train(run, 2500)
    run.end_epoch(0, {"loss": 1.0})
    run.finish("failed", "boom")
    run.to_mlflow("mine", tracking_uri="http://there", batches=True)
    metrics, _, _ = logged(client())
    assert (client().experiment, client().tracking_uri, client().status) == ("made mine", "http://there", "FAILED")
    assert [each.step for each in metrics if each.key == "batch_loss"] == list(range(1, 2501))
    assert len([each for each in metrics if each.key == "running_loss"]) == 2500


def test_names_that_mlflow_does_not_take_are_others_and_stay_apart(client):
    run = begin()
    run.begin_epoch(0)
    run.end_epoch(0, {"a:b": 1.0, "a*b": 2.0, "../x": 3.0, "/": 4.0, "y" * 400: 5.0})
    run.finish("interrupted")
    run.to_mlflow()
    metrics, _, _ = logged(client())
    assert [each.key for each in metrics][:4] == ["a_b", "a_b_2", "x", "_"]
    assert all(len(each.key) <= 250 for each in metrics)
    assert client().status == "KILLED"


def test_what_goes_wrong_is_raised_and_the_run_is_not_left_open(client):
    with pytest.raises(OSError, match="the server is gone"):
        odd_run().to_mlflow(tracking_uri="broken")
    assert client().status == "FAILED"


def test_without_mlflow_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(ModuleNotFoundError, match=r"MLflow needs mlflow, .*: pip install 'kcb-widgets\[mlflow\]'"):
        begin().to_mlflow()

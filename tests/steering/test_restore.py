"""After the end of a fit: a snapshot is put back, from Python and from the board, as long as it is there."""

from __future__ import annotations

import gc
import pickle
import weakref

import keras
import numpy as np
import pytest
from conftest import At

import kcb_widgets as kcb
from kcb_widgets.panels import payload


class Losses(keras.callbacks.Callback):
    """Gives each epoch a loss of its own: the second is the best."""

    def on_epoch_end(self, epoch, logs=None):
        logs["val_loss"] = abs(epoch - 1.0)


@pytest.fixture
def trained(unit_model, ones):
    """A function that trains four epochs of one batch; gives the monitor, the model, and the weight after each."""

    def train(monitor=None, callbacks=(), model=None, optimizer=None):
        monitor = monitor or kcb.Monitor(snapshots=kcb.Snapshots(each_epoch=True, best="val_loss"))
        model = model or unit_model(optimizer or keras.optimizers.SGD(0.5, momentum=0.5))
        after = []

        class Keep(keras.callbacks.Callback):
            def on_epoch_end(self, epoch, logs=None):
                after.append(self.model.get_weights()[0].item())

        model.fit(*ones, batch_size=12, epochs=4, verbose=0, callbacks=[Losses(), Keep(), *callbacks, monitor])
        return monitor, model, after

    return train


def weight(model):
    return model.get_weights()[0].item()


def can(monitor):
    return payload.state(monitor.run)["can"]["rollback"]


def rollback(monitor, which, run=None):
    """Ask as a board does; gives what it is answered."""
    board = monitor.board if run is None else kcb.Board(run)
    run = run or monitor.run
    board._receive(None, {"kind": "command", "run": run.id, "id": "7", "name": "rollback", "value": which}, [])
    return run.command_results[-1]


def test_the_whole_state_is_put_back(trained, ones):
    """Momentum too: the next batch moves the weight as it did after that epoch."""
    monitor, model, after = trained()
    reply = monitor.restore("best")
    assert weight(model) == after[1]
    assert reply.applied
    assert reply.event.message.startswith("to step 2, after the end")
    assert (reply.event.kind, reply.event.source, reply.event.old, reply.event.step) == ("rollback", "python", 4, 4)
    model.fit(*ones, batch_size=12, verbose=0)
    assert weight(model) == pytest.approx(after[2])
    assert monitor.restore("latest").event.new == monitor.run.snapshots[-1]["id"]
    assert weight(model) == after[3]
    assert monitor.restore("1").applied
    assert weight(model) == after[0]


def test_a_rate_that_stays_as_it_is_is_told_as_during_a_fit(trained):
    monitor = kcb.Monitor(snapshots=kcb.Snapshots(each_epoch=True))
    _, model, _ = trained(monitor, [At(3, lambda: monitor.set(learning_rate=0.25))])
    told = "learning_rate stays 0.25, it was 0.5 then"
    assert monitor.restore("1").event.message == f"to step 1, after the end; {told}"
    rollback(monitor, "2")
    assert monitor.run.events_list[-1].message == f"to step 2, after the end; {told}"
    assert monitor.restore("4").event.message == "to step 4, after the end"
    model.optimizer.learning_rate = 0.125  # by the user, since the fit
    assert monitor.restore("4").event.message == "to step 4, after the end; learning_rate stays 0.125, it was 0.25 then"
    assert float(model.optimizer.learning_rate) == 0.125


def test_during_a_fit_it_is_a_rollback(trained):
    monitor, replies = kcb.Monitor(snapshots=kcb.Snapshots(each_epoch=True)), []
    trained(monitor, [At(3, lambda: replies.append(monitor.restore("1")))])
    assert replies[0].event.kind == "rollback"
    assert "after the end" not in replies[0].event.message
    assert monitor.run.branches == [{"from": 1, "to": 3}]


def test_what_is_not_there_is_an_error_and_changes_nothing(trained):
    monitor = kcb.Monitor()
    with pytest.raises(RuntimeError, match="no snapshot was taken"):
        monitor.restore("best")
    monitor, model, after = trained(kcb.Monitor())
    assert can(monitor) == "no snapshot was taken"
    with pytest.raises(RuntimeError, match="no snapshot was taken"):
        monitor.restore("best")
    monitor, model, after = trained(kcb.Monitor(snapshots=kcb.Snapshots(each_epoch=True)))
    with pytest.raises(RuntimeError, match="there is no snapshot 'best'"):
        monitor.restore()
    assert weight(model) == after[-1]
    with pytest.raises(ValueError, match="takes a name"):
        monitor.restore(3)


def test_the_board_may_ask_for_it_and_is_answered(trained):
    monitor, model, after = trained()
    assert [each["id"] for each in payload.state(monitor.run)["snapshots"]] == ["1", "2", "3", "4"]
    assert can(monitor) == ""
    result = rollback(monitor, "2")
    assert weight(model) == after[1]
    assert (result["id"], result["status"], result["value"]) == ("7", "applied", "2")
    event = monitor.run.events_list[-1]
    assert (event.kind, event.source, event.new) == ("rollback", "board", "2")
    assert rollback(monitor, "9")["status"] == "refused"
    assert "there is no snapshot '9'" in monitor.run.events_list[-1].message
    assert rollback(monitor, "")["status"] == "refused"
    assert weight(model) == after[1]


def test_all_else_is_refused_after_the_end(trained):
    monitor, _, _ = trained()
    board = monitor.board
    for name, value in (("undo", None), ("snapshot", None), ("forget", "1"), ("learning_rate", 0.1)):
        board._receive(None, {"kind": "command", "run": monitor.run.id, "name": name, "value": value}, [])
        assert monitor.run.command_results[-1]["message"] == "nothing is training"
    assert {name for name, why in payload.state(monitor.run)["can"].items() if not why} == {"rollback"}


def test_the_next_fit_lets_go_of_them(trained):
    monitor, model, _ = trained()
    first, seen = monitor.run, []

    class Look(keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            seen.append((first.snapshots, payload.state(first)["can"]["rollback"]))

    _, _, after = trained(monitor, [Look()], model)
    assert seen[0] == ([], "the next fit has begun, so these snapshots are gone")
    assert rollback(monitor, "1", first)["message"] == "the next fit has begun, so these snapshots are gone"
    assert weight(model) == after[-1]
    assert rollback(monitor, "1")["status"] == "applied"
    assert weight(model) == after[0]


def test_they_can_be_let_go_of(trained):
    monitor, model, after = trained()
    monitor.forget_snapshots()
    monitor.forget_snapshots()
    assert monitor.run.snapshots == []
    assert can(monitor) == "the snapshots were let go of"
    with pytest.raises(RuntimeError, match="the snapshots were let go of"):
        monitor.restore("latest")
    assert rollback(monitor, "1")["message"] == "the snapshots were let go of"
    assert weight(model) == after[-1]


def test_they_go_with_the_model(trained):
    monitor, model, _ = trained()
    variables = [weakref.ref(variable) for variable in [*model.variables, *model.optimizer.variables]]
    gone = weakref.ref(model)
    del model
    keras.backend.clear_session()
    gc.collect()
    assert gone() is None
    assert [each() for each in variables if each() is not None] == []
    assert monitor.run.snapshots == []
    assert can(monitor) == "the model is no longer there"
    with pytest.raises(RuntimeError, match="the model is no longer there"):
        monitor.restore("latest")


def test_they_go_with_the_monitor_and_the_run_stays(trained):
    monitor, model, after = trained()
    board, gone = monitor.board, weakref.ref(monitor)
    run = monitor.run
    del monitor
    gc.collect()
    assert gone() is None
    assert run.snapshots == []
    board._receive(None, {"kind": "command", "run": run.id, "id": "7", "name": "rollback", "value": "1"}, [])
    assert run.command_results[-1]["message"] == "the Monitor that kept the snapshots is gone"
    assert weight(model) == after[-1]


def test_a_fit_that_failed_leaves_its_snapshots(trained, unit_model):
    class Fails(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if epoch == 2:
                raise ValueError("no more")

    monitor, model = kcb.Monitor(snapshots=kcb.Snapshots(each_epoch=True)), unit_model()
    with pytest.raises(ValueError, match="no more"):
        trained(monitor, [Fails()], model)
    assert monitor.run.status == "failed"
    monitor.restore("1")
    assert weight(model) == pytest.approx(-0.5)


def test_not_while_another_fit_trains_the_model(trained, unit_model, ones):
    monitor, model, _ = trained()
    seen = []

    class Try(keras.callbacks.Callback):
        def on_train_batch_end(self, batch, logs=None):
            if not seen:
                seen.append(weight(model))
                seen.append(rollback(monitor, "1"))
                seen.append(weight(model))

    kcb.Monitor().fit(model, *ones, callbacks=[Try()]).wait(60)
    assert seen[1]["message"] == "a fit is under way or about to begin"
    assert seen[0] == seen[2]


def test_pickles_have_no_snapshots(trained):
    monitor, _model, _ = trained()
    fresh, run = pickle.loads(pickle.dumps(monitor)), pickle.loads(pickle.dumps(monitor.run))
    assert fresh.run.snapshots == run.snapshots == []
    assert payload.state(run)["can"]["rollback"] == "the snapshots stayed in the process that trained"
    assert monitor.restore("best").applied


def test_replay_and_code_are_of_the_fit_and_say_so(trained, unit_model, ones):
    monitor, model, after = trained(optimizer=keras.optimizers.SGD(0.5))
    model.optimizer.learning_rate = 0.25  # the event tells that, too
    monitor.restore("1")
    replay = monitor.run.replay()
    again, space = unit_model(keras.optimizers.SGD(0.5)), {}
    again.fit(*ones, batch_size=12, epochs=4, verbose=0, callbacks=[replay])
    assert weight(again) == after[-1]
    said = [event.message for event in replay.run.events_list if event.kind == "warning"]
    assert said == ["Run 1 was put back to step 1, after the end, which is not done again"]
    code = monitor.run.to_code()
    assert "# Its weights were put back to step 1, after the end, which this does not do." in code
    exec(code, space)
    again = unit_model(keras.optimizers.SGD(0.5))
    again.fit(*ones, batch_size=12, epochs=4, verbose=0, callbacks=[space["SteeredRun"]()])
    np.testing.assert_array_equal(weight(again), after[-1])

"""When an alert is told: once, again after it cleared, never of what is not known; and what numbers it is told by."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from alerting import Watched

from kcb_widgets.alerts.reckoning import Term
from kcb_widgets.alerts.watch import MAX_SHOWN


def test_an_alert_is_told_once_and_again_after_it_cleared():
    fit = Watched(high="loss > 2")
    fit.epochs(loss=[1.0, 3.0, 4.0, 1.0, 3.0])
    assert fit.events() == [(1, "high"), (4, "high")]
    assert fit.messages() == ["loss > 2: loss = 3", "loss > 2: loss = 3"]
    assert [event.new for event in fit.run.events_list if event.kind == "alert"] == ["warning", "warning"]


def test_one_name_is_told_at_most_once_a_minute_and_then_if_it_still_holds():
    fit = Watched(high="loss > 2")
    fit.epochs(loss=[3.0, 1.0])
    fit.now = 41.0  # the next epoch ends 41 seconds after the first
    fit.epoch(loss=3.0)
    assert fit.events() == [(0, "high")]
    assert fit.run.alerts == []
    fit.epoch(loss=5.0)
    assert fit.events() == [(0, "high"), (3, "high")]
    assert fit.messages()[-1] == "loss > 2: loss = 5"


def test_the_minute_goes_by_the_name_and_not_by_the_alert():
    fit = Watched(high="loss > 2")
    fit.epoch(loss=3.0)
    fit.set("high", "loss > 1")
    fit.now -= 90.0
    fit.epoch(loss=3.0)
    assert fit.events() == [(0, "high")]


def test_what_is_not_known_neither_tells_nor_clears():
    """Validation that is done every other epoch."""
    fit = Watched(high="val_loss > 2")
    fit.epoch(loss=1.0, val_loss=3.0)
    fit.epoch(loss=1.0)
    fit.epoch(loss=1.0, val_loss=3.0)
    assert fit.events() == [(0, "high")]
    fit.epoch(loss=1.0, val_loss=1.0)
    fit.epoch(loss=1.0)
    assert fit.run.alerts == []
    fit.epoch(loss=1.0, val_loss=3.0)
    assert fit.events() == [(0, "high"), (5, "high")]


def test_nan_makes_no_comparison_hold():
    fit = Watched(above="loss > 2", below="loss < 2", other="loss != 2")
    fit.epoch(loss=math.nan)
    assert fit.events() == []


def test_best_mean_and_last_are_of_the_epochs():
    fit = Watched(risen="loss > 1.2 * best(loss)", mean="mean(loss, 3) > 2", fell="last(loss, 2) - loss >= 1")
    fit.epochs(loss=[2.0, 2.0, 2.5, 1.0])
    assert fit.events() == [(2, "risen"), (2, "mean"), (3, "fell")]
    assert fit.messages() == [
        "loss > 1.2 * best(loss): loss = 2.5, best(loss) = 2",
        "mean(loss, 3) > 2: mean(loss, 3) = 2.167",
        "last(loss, 2) - loss >= 1: last(loss, 2) = 2, loss = 1",
    ]


def test_the_best_of_an_accuracy_is_the_largest():
    fit = Watched(fell="accuracy < best(accuracy) - 0.1")
    fit.epochs(loss=[1.0, 1.0, 1.0], accuracy=[0.5, 0.9, 0.6])
    assert fit.events() == [(2, "fell")]


def test_epochs_count_from_one_and_steps_and_controls_are_known():
    fit = Watched(epoch="epoch == 2", step="step == 3", rate="learning_rate < 0.01", other='m("dropout.rate") == 0.5')
    fit.run.set_value("learning_rate", 0.1)
    fit.run.controls = [{"name": "dropout.rate", "value": 0.5}]
    fit.epochs(loss=[1.0, 1.0])
    fit.run.set_value("learning_rate", 0.001)
    fit.epoch(loss=1.0)
    assert fit.events() == [(0, "other"), (1, "epoch"), (2, "step"), (2, "rate")]


def test_what_a_rollback_abandoned_does_not_count():
    fit = Watched(low="mean(loss, 2) == 1.5", last="last(loss, 1) == 9")
    fit.epochs(loss=[1.0, 9.0])
    fit.run.rolled_back(1)
    terms = [Term("loss"), Term("loss", "best"), Term("loss", "mean", 2)]
    assert list(fit.numbers(terms).values()) == [1.0, 1.0, None]
    fit.epoch(loss=2.0)
    assert list(fit.numbers(terms).values()) == [2.0, 1.0, 1.5]
    assert fit.events() == [(2, "low")]


def test_numbers_that_are_held_are_those_of_the_table():
    """Read epoch by epoch, or all at once after 1,500 epochs."""
    fit = Watched()
    terms = [Term("loss"), Term("loss", "last", 700), Term("loss", "mean", 1000), Term("val_loss", "last", 1)]
    for i in range(1500):
        fit.epoch(loss=float(i % 97), **({"val_loss": float(i)} if i % 2 else {}))
        if i == 20:
            fit.numbers(terms)
    assert fit.numbers(terms) == fit.read_anew(terms)
    assert fit.numbers(terms)[Term("loss", "last", 700)] == (1499 - 700) % 97
    assert fit.numbers(terms)[Term("val_loss", "last", 1)] is None


def test_a_metric_of_batches_alone_is_looked_at_between_batches():
    fit = Watched(norm="norm > 5", smooth="mean(norm, 3) > 5")
    fit.epoch({"loss": 1.0, "norm": 1.0}, loss=1.0)
    fit.run.begin_epoch(1)
    for batch, norm in enumerate([2.0, 9.0, 2.0]):
        fit.run.append(batch, {"loss": 1.0, "norm": norm})
        fit.watch.between()
    assert [(event.step, event.name) for event in fit.run.events_list if event.kind == "alert"] == [(3, "norm")]
    fit.run.append(3, {"loss": 1.0, "norm": 8.0})
    fit.watch.between()
    assert fit.events()[1:] == [(1, "smooth")]


def test_a_batchs_own_value_is_recovered_from_the_running_mean():
    fit = Watched(spike="batch_loss > 5")
    fit.run.batch_values.claim("loss", "batches")
    fit.run.begin_epoch(0)
    for batch, mean in enumerate([1.0, 1.0, 3.0]):  # the third batch had 7
        fit.run.append(batch, {"loss": mean})
        fit.watch.between()
    assert fit.messages() == ["batch_loss > 5: batch_loss = 7"]


def test_a_rule_of_epochs_is_not_looked_at_between_batches():
    fit = Watched(high="loss > 2")
    fit.epoch(loss=1.0)
    fit.run.begin_epoch(1)
    fit.run.append(0, {"loss": 3.0})
    fit.watch.between()
    assert fit.events() == []


def test_a_name_that_never_comes_is_told_once_after_the_first_epoch():
    fit = Watched(typo="val_los > 1 and loss > 0", fine="loss > 5 or epoch > 9 or step > 99")
    fit.run.values["learning_rate"] = 0.1
    fit.set("rates", "mean(learning_rate, 3) > 1")
    fit.epochs(loss=[1.0, 1.0], val_loss=[1.0, 1.0])
    assert fit.events("warning") == [(0, "typo"), (0, "rates")]
    assert fit.messages("warning") == [
        "the alert cannot hold yet: val_los is not among the metrics of the first epoch; there are loss, val_loss",
        "the alert cannot hold yet: learning_rate is a control, of which mean is not known",
    ]


def test_a_function_is_asked_at_the_ends_of_epochs():
    asked = []

    def slow(run):
        asked.append(run)
        return len(asked) > 1

    fit = Watched(slow=slow)
    fit.epoch(loss=1.0)
    fit.watch.between()
    fit.epoch(loss=1.0)
    assert asked == [fit.run, fit.run]
    assert fit.messages() == ["slow(run)"]


def test_a_function_that_raises_is_off_from_then_on(caplog):
    asked = []

    def broken(run):
        asked.append(run)
        raise KeyError("gone")

    fit = Watched(broken=broken, high="loss > 2")
    fit.epochs(loss=[3.0, 3.0])
    assert len(asked) == 1
    assert fit.messages("error") == ["the alert is off, as its function failed: KeyError: 'gone'"]
    assert fit.events() == [(0, "high")]
    assert any(record.exc_info for record in caplog.records)
    assert fit.alerts.all["broken"].off == "KeyError: 'gone'"
    assert "(off: KeyError" in repr(fit.alerts.all["broken"])
    fit.set("broken", lambda run: True)
    fit.epoch(loss=3.0)
    assert fit.events()[1:] == [(2, "broken")]


def test_what_has_no_truth_turns_its_alert_off():
    class Vague:
        def __bool__(self):
            raise TypeError("neither")

    fit = Watched(vague=lambda run: Vague())
    fit.epoch(loss=1.0)
    assert fit.messages("error") == ["the alert is off, as its function failed: TypeError: neither"]


def test_a_function_may_set_and_remove_alerts():
    fit = Watched()

    def change(run):
        fit.alerts.remove("change")
        fit.set("next", "loss > 0")
        return False

    fit.set("change", change)
    fit.epochs(loss=[1.0, 1.0])
    assert fit.events() == [(1, "next")]


def test_boards_are_told_what_holds_now():
    fit = Watched(high="loss > 2")
    fit.set("worse", "loss > 3", level="error", message="look at the data")
    fit.epoch(loss=2.5)
    assert fit.run.alerts == [{"name": "high", "text": "Warning: high. loss > 2: loss = 2.5", "bad": False}]
    assert fit.run.refresh_requested
    fit.epoch(loss=4.0)
    worse = "Error: worse. look at the data (loss > 3): loss = 4"
    assert fit.run.alerts[1] == {"name": "worse", "text": worse, "bad": True}
    fit.epoch(loss=1.0)
    assert fit.run.alerts == []


def test_a_board_is_told_of_a_few():
    fit = Watched(**{f"alert {i}": f"loss > {i}" for i in range(MAX_SHOWN + 3)})
    fit.epoch(loss=100.0)
    assert len(fit.events()) == MAX_SHOWN + 3
    assert [each["name"] for each in fit.run.alerts] == [f"alert {i}" for i in range(MAX_SHOWN)] + [""]
    assert fit.run.alerts[-1]["text"].startswith("3 more alerts hold")


def test_an_alert_that_is_removed_holds_no_more():
    fit = Watched(high="loss > 2")
    fit.epoch(loss=3.0)
    fit.alerts.remove("high")
    fit.watch.between()
    assert fit.run.alerts == []


def test_the_users_function_is_told_what_was_told():
    fit = Watched(high="loss > 2")
    fit.epochs(loss=[1.0, 3.0])
    assert fit.alerts.wait(60)
    (alert,) = fit.told
    assert (alert.name, alert.level, alert.rule, alert.step, alert.epoch) == ("high", "warning", "loss > 2", 2, 1)
    assert alert.message == "loss > 2: loss = 3"
    assert replace(alert, message="", step=None, epoch=None).when is fit.alerts.all["high"].when


@pytest.mark.parametrize("level", ["info", "warning", "error"])
def test_each_level_is_kept_in_the_event(level):
    fit = Watched()
    fit.set("high", "loss > 2", level=level)
    fit.epoch(loss=3.0)
    assert fit.run.events_list[-1].new == level

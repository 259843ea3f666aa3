"""Values: what is taken for a flag, a number or a name, from Python, NumPy, tensors and subclasses of either."""

from __future__ import annotations

import enum
import fractions
import json
import math
import threading
import time

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets.commands import check_value
from kcb_widgets.panels import payload as words
from kcb_widgets.record.values import plain, python, shown
from kcb_widgets.run import Run
from kcb_widgets.steering.controls.control import Control
from kcb_widgets.steering.user_controls import UserControl


class Level(enum.IntEnum):
    TWO = 2


class Word(str, enum.Enum):  # noqa: UP042 - whose str() is not its value
    LOW = "low"


class Metres(float):
    pass


class Nasty:
    """An object of the user's own that raises wherever it is asked."""

    def __getattr__(self, name):
        raise RuntimeError(name)

    def __repr__(self):
        raise RuntimeError("repr")

    def __eq__(self, other):
        raise RuntimeError("eq")

    def __hash__(self):
        raise RuntimeError("hash")


FLAGS = [True, np.bool_(True), np.array(True), np.ma.array(True)]
WHOLE = [2, np.int64(2), np.uint8(2), np.array(2), np.array(2, "int16"), Level.TWO]
REAL = [0.5, np.float64(0.5), np.float32(0.5), np.float16(0.5), np.longdouble(0.5), np.array(0.5), Metres(0.5)]
TEXTS = ["low", np.str_("low"), Word.LOW, np.array("low")]
OTHERS = [
    *([], [1.0], (0.5,), {}, {"a": 1}, b"1", 1j, np.complex64(1), object(), Nasty()),
    *(np.array([0.5]), np.array([[1]]), np.zeros(3), np.array(None), np.array(fractions.Fraction(1, 2), object)),
    *(np.datetime64("2020"), np.timedelta64(5, "ns"), np.void(b"x"), fractions.Fraction(1, 2), int, math),
]


@pytest.mark.parametrize(
    ("given", "expected"),
    [*((v, True) for v in FLAGS), *((v, 2) for v in WHOLE), *((v, 0.5) for v in REAL), *((v, "low") for v in TEXTS)],
    ids=lambda v: f"{type(v).__name__}-{v}",
)
def test_a_scalar_becomes_pythons_own(given, expected):
    assert python(given) == expected
    assert type(python(given)) is type(expected)


@pytest.mark.parametrize("value", OTHERS, ids=lambda v: type(v).__name__)
def test_everything_else_is_refused_and_named(value):
    for check in (python, lambda v: check_value("momentum", v), Control(None, "momentum").check):
        with pytest.raises(TypeError, match="Received: "):
            check(value)


def test_tensors_of_the_backend_are_scalars_too():
    for given, expected in (
        (keras.ops.convert_to_tensor(0.5), 0.5),
        (keras.ops.convert_to_tensor(2, "int32"), 2),
        (keras.ops.convert_to_tensor(True), True),
        (keras.ops.cast(0.5, "bfloat16"), 0.5),
        (keras.Variable(0.5), 0.5),
        (keras.Variable(2, dtype="int32", trainable=False), 2),
        (keras.Variable(True, dtype="bool", trainable=False), True),
    ):
        assert python(given) == expected
        assert type(python(given)) is type(expected)
    for tensor in (keras.ops.ones(1), keras.KerasTensor(()), keras.Input(())):
        with pytest.raises(TypeError, match="Received: "):
            python(tensor)


@pytest.mark.parametrize("flag", FLAGS, ids=lambda v: type(v).__name__)
def test_a_flag_is_no_number(flag):
    with pytest.raises(TypeError, match="learning_rate must be a number"):
        check_value("learning_rate", flag)
    with pytest.raises(TypeError, match="must be a number"):
        Control(None, "momentum").check(flag)
    with pytest.raises(ValueError, match="step takes a whole number"):
        check_value("step", flag)
    with pytest.raises(TypeError, match="min must be a number"):
        UserControl("x", 1.0, minimum=flag)
    own = UserControl("x", flag)
    assert own.kind == "flag"
    assert own.read() is True


@pytest.mark.parametrize("number", WHOLE, ids=lambda v: type(v).__name__)
def test_a_whole_number_is_one_wherever_it_comes_from(number):
    for name in ("step", "epochs", "learning_rate"):
        assert check_value(name, number) == (name, 2)
        assert type(check_value(name, number)[1]) is int
    own = UserControl("x", number, minimum=number, maximum=number)
    assert own.integer
    assert type(own.read()) is int
    with pytest.raises(TypeError, match="must be True or False"):
        UserControl("x", True).check(number)


@pytest.mark.parametrize("number", REAL, ids=lambda v: type(v).__name__)
def test_a_number_is_one_wherever_it_comes_from(number):
    assert check_value("learning_rate", number) == ("learning_rate", 0.5)
    assert type(UserControl("x", number, minimum=np.float32(0.25)).read()) is float
    with pytest.raises(ValueError, match="step takes a whole number"):
        check_value("step", number)


@pytest.mark.parametrize("text", TEXTS, ids=lambda v: type(v).__name__)
def test_a_text_is_one_wherever_it_comes_from(text):
    own = UserControl("x", text, choices=np.array(["low", "high"]))
    assert own.read() == "low"
    assert type(own.read()) is str
    assert {type(choice) for choice in own.choices} == {str}
    with pytest.raises(TypeError, match="learning_rate must be a number"):
        check_value("learning_rate", text)


@pytest.mark.parametrize("bad", [math.nan, math.inf, np.float32("nan"), np.array(-np.inf), 10**400, np.float64("inf")])
def test_what_is_not_finite_is_refused_still(bad):
    for check in (
        lambda v: check_value("learning_rate", v),
        lambda v: check_value("momentum", v),
        Control(None, "momentum").check,
        lambda v: UserControl("x", v),
    ):
        with pytest.raises(ValueError, match=r"must be a (finite|whole) number"):
            check(bad)
    with pytest.raises(ValueError, match="min must be a number"):
        UserControl("x", 1.0, minimum=math.nan)


def test_odd_names_limits_and_choices_are_refused_and_named():
    with pytest.raises(TypeError, match="choices must be a list of strings"):
        UserControl("x", "a", choices=["a", 1])
    with pytest.raises(TypeError, match="choices must be a list of strings"):
        UserControl("x", "a", choices="abc")
    with pytest.raises(TypeError, match="choices must be a list of strings"):
        UserControl("x", "a", choices=np.array([1, 2]))
    with pytest.raises(TypeError, match="max must be a number"):
        UserControl("x", 1.0, maximum="3")
    with pytest.raises(TypeError, match="must be a short string"):
        UserControl(Nasty(), 1.0)


def test_numpy_steers_a_fit_as_python_does(unit_model, ones, weights, at):
    """The issue's own: a flag for a rate is refused, and a whole number of NumPy's is a number of batches."""
    monitor = kcb.Monitor()
    monitor.add_control("depth", np.int64(3), min=np.int32(1), max=np.float32(5))

    def ask():
        with pytest.raises(TypeError, match="learning_rate must be a number"):
            monitor.set(learning_rate=np.bool_(True))
        with pytest.raises(TypeError, match=r"At\.on must be True or False"):
            monitor.set({"At.on": np.float32(1)})
        monitor.set({"At.on": np.bool_(False)}, learning_rate=np.float32(0.25), depth=np.array(4), epochs=np.int64(2))

    done = at(2, ask)
    unit_model(keras.optimizers.SGD(0.5)).fit(
        *ones, epochs=1, batch_size=2, verbose=0, callbacks=[monitor, weights, done]
    )
    assert weights.moves == [0.5, 0.5] + [0.25] * 10
    assert monitor.values["depth"] == 4
    assert [e.message for e in monitor.run.events_list if e.kind in ("refused", "error")] == []


WHOLE_NUMBERS = {
    "keep_runs": lambda value: kcb.Monitor(keep_runs=value)._keep_runs,
    "keep": lambda value: kcb.Snapshots(keep=value).keep,
    "limit": lambda value: kcb.Guard(limit=value).limit,
    "every": lambda value: (m := kcb.Monitor()).add_policy(print, every=value) or m._policies.all[0].every,
}


@pytest.mark.parametrize("name", WHOLE_NUMBERS)
def test_a_whole_number_of_numpys_is_one_wherever_one_is_asked_for(name):
    kept = WHOLE_NUMBERS[name](np.int64(2))
    assert (type(kept), kept) == (int, 2)
    for value in (True, np.bool_(True), 1.0, np.float32(2), [2], None if name != "keep_runs" else {}):
        with pytest.raises(TypeError, match=f"^{name} must be a whole number. Received: "):
            WHOLE_NUMBERS[name](value)
    for value in (0, np.int8(-1)):
        with pytest.raises(ValueError, match=f"^{name} must be at least 1. Received: "):
            WHOLE_NUMBERS[name](value)


def test_stepping_with_a_number_of_numpys_pauses_there(unit_model, ones):
    monitor = kcb.Monitor(paused=True)
    fit = monitor.fit(unit_model(), *ones, batch_size=2, epochs=1)
    monitor.step(np.int64(2)).wait(60)
    tick, end = threading.Event(), time.monotonic() + 60
    while not any(e.kind == "paused" for e in monitor.run.events_list) and time.monotonic() < end:
        tick.wait(0.01)
    assert [e.step for e in monitor.run.events_list if e.kind == "paused"] == [2]
    assert monitor.run.step == 2
    monitor.resume()
    fit.wait(60)
    assert monitor.run.step == 6


# -- what a board is sent ----------------------------------------------------------------------------------------------

ODD = [
    *FLAGS, *WHOLE, *REAL, *TEXTS, *OTHERS,
    None, math.nan, -math.inf, np.float32("nan"), 10**400, -(10**5000), 2**53 + 1,
    "\ud800", "a\udcffb", "\x00", "x" * 100_000, {"a": math.nan, 1: [np.float32("nan"), {2: "\ud800"}], None: Nasty()},
    {("a", 1): {"b": object()}}, [[[[[[[[[[[[1]]]]]]]]]]]], [10**5000], np.array([np.nan]), np.ma.masked,
]  # fmt: skip


def sendable(value):
    """As Jupyter's session writes it, and as strict as a browser reads it."""
    return json.loads(json.dumps(value, allow_nan=False, ensure_ascii=False).encode("utf-8"))


@pytest.mark.parametrize("value", ODD, ids=lambda v: type(v).__name__)
def test_any_value_can_be_sent(value):
    for found in (plain(value), words.clean(value), words.clean({"it": [value]})):
        assert sendable(found) == found
    assert len(str(plain(value))) <= 500
    assert len(shown(value)) <= 64
    known = sendable(plain(value))
    assert not isinstance(known, int) or abs(known) <= 2**53


def test_what_fits_is_sent_as_it_is():
    for value in (None, True, 3, 0.5, "text", 2**53, -1e308):
        assert plain(value) == value
        assert type(plain(value)) is type(value)
    assert plain(np.float32("nan")) == "nan"
    assert words.clean({"a": [1, {"b": (np.int64(2), "c")}]}) == {"a": [1, {"b": [2, "c"]}]}


@pytest.mark.parametrize("value", ODD, ids=lambda v: type(v).__name__)
def test_a_board_survives_whatever_is_on_the_record(value):
    run = Run()
    run.start_clock()
    board = kcb.Board(run)
    run.params = {"epochs": value if isinstance(value, (int, np.integer)) and abs(int(value)) < 10**9 else 3}
    run.add_event("applied", "x", value, value, "python", "said")
    run.message = str(plain(value))
    run.command_results.append({"id": "", "name": "x", "status": "applied", "step": 0, "message": "", "value": value})
    run.cards = [{"id": "x", "facts": [{"label": "a", "value": value}], "printed": "\ud800"}]
    run.buttons = [{"name": "\ud800", "label": "b"}]
    run.controls = [{"name": "x", "group": "user", "value": value, "min": -math.inf, "max": None}]
    run.note_hook("on_epoch_end", {"\ud800": value, 3: value})
    board._sender.push()
    for name in ("state", "events", "controls", "callbacks", "hooks"):
        sent = getattr(board, name)
        assert sendable(sent) == sent, name
    board.close()

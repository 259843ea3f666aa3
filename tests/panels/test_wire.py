"""The wire: its Python and JSDoc declarations are the same, and real payloads conform to them."""

from __future__ import annotations

import dataclasses
import json
import math
import re
import struct
import threading
import time
import types
import typing
from pathlib import Path

import keras
import numpy as np
import pytest

import kcb_widgets as kcb
from kcb_widgets import kernel
from kcb_widgets.panels import board as board_module
from kcb_widgets.panels import class_payload
from kcb_widgets.record import events, wire
from kcb_widgets.record.class_predictions import predictions_of
from kcb_widgets.record.insights import Insights
from kcb_widgets.session import stall

JSDOC = Path(kcb.__file__).parent / "js" / "src" / "link" / "wire.js"
NAMES = {bool: "boolean", int: "number", float: "number", str: "string", bytes: "DataView", type(None): "null"}
UNIONS = (typing.Union, types.UnionType)

# A type of either language: ("list", its items), ("record", its values), ("union", the set of its members), or a name.


def union(*members):
    """A union without unions in it; a single member is itself."""
    flat = frozenset().union(*(each[1] if each[0] == "union" else {each} for each in members))
    return next(iter(flat)) if len(flat) == 1 else ("union", flat)


def fields_of(kind):
    """The fields of a TypedDict: their types, and whether they are optional."""
    hints = typing.get_type_hints(kind, include_extras=True)
    optional = {name for name, hint in hints.items() if typing.get_origin(hint) is typing.NotRequired}
    return {
        name: (typing.get_args(hint)[0] if name in optional else hint, name in optional) for name, hint in hints.items()
    }


def python_type(hint):
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in UNIONS:
        return union(*map(python_type, arguments))
    if origin is typing.Literal:
        return union(*map(json.dumps, arguments))
    if origin is list:
        return "list", python_type(arguments[0])
    if origin is dict:
        assert arguments[0] is str
        return "record", python_type(arguments[1])
    return hint.__name__ if typing.is_typeddict(hint) else NAMES[hint]


def python_declarations():
    dicts, aliases = {}, {}
    for name, value in vars(wire).items():
        if typing.is_typeddict(value) and name != "TypedDict":
            dicts[name] = {key: (python_type(hint), optional) for key, (hint, optional) in fields_of(value).items()}
        elif typing.get_origin(value) in (*UNIONS, typing.Literal):
            aliases[name] = python_type(value)
    return dicts, aliases


TOKEN = re.compile(r'\s*("[^"]*"|\w+|\[\]|[|<>(),])')


class Parser:
    """Reads a type as JSDoc writes it, with the names of aliases replaced by what they stand for."""

    def __init__(self, text, aliases):
        self.tokens, self.aliases = TOKEN.findall(text), aliases
        assert "".join(self.tokens) == re.sub(r"\s+", "", text), f"not understood: {text}"

    def read(self):
        found = self.union()
        assert not self.tokens, f"left over: {self.tokens}"
        return found

    def take(self, *wanted):
        token = self.tokens.pop(0)
        assert not wanted or token in wanted, f"{token} in place of {wanted}"
        return token

    def union(self):
        members = [self.listed()]
        while self.tokens[:1] == ["|"]:
            self.take("|")
            members.append(self.listed())
        return union(*members)

    def listed(self):
        found = self.single()
        while self.tokens[:1] == ["[]"]:
            self.take("[]")
            found = "list", found
        return found

    def single(self):
        token = self.take()
        if token == "(":
            found = self.union()
            self.take(")")
            return found
        if token == "Record":
            for wanted in "<", "string", ",":
                self.take(wanted)
            found = "record", self.union()
            self.take(">")
            return found
        return self.aliases.get(token, token)


def javascript_declarations(text):
    """The typedefs of the file: objects with their properties, and aliases."""
    dicts, aliases = {}, {}
    for comment in re.findall(r"/\*\*(.*?)\*/", text, re.DOTALL):
        lines = [line.strip(" *") for line in comment.strip().splitlines()]
        lines = [line for line in lines if line.startswith("@")]
        kind, name = re.fullmatch(r"@typedef \{(.*)\} (\w+)", lines[0]).groups()
        assert name not in dicts | aliases, f"{name} is declared twice"
        if kind != "object":
            assert len(lines) == 1
            aliases[name] = Parser(kind, aliases).read()
            continue
        dicts[name] = {}
        for line in lines[1:]:
            kind, key = re.fullmatch(r"@property \{(.*?)\} (\w+|\[\w+\])", line).groups()
            assert key.strip("[]") not in dicts[name], f"{name}.{key} is declared twice"
            dicts[name][key.strip("[]")] = Parser(kind, aliases).read(), key.startswith("[")
    return dicts, aliases


# -- the two declarations ----------------------------------------------------------------------------------------------


def test_python_and_the_browser_declare_the_same():
    (dicts, aliases), (own_dicts, own_aliases) = python_declarations(), javascript_declarations(JSDOC.read_text())
    assert len(dicts) > 25
    assert list(own_dicts) == list(dicts)
    for name, fields in dicts.items():
        assert own_dicts[name] == fields, name
        assert list(own_dicts[name]) == list(fields), name
    assert own_aliases == aliases


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{boolean} paused", "{boolean} halted"),
        ("{boolean} paused", "{boolean} [paused]"),
        ("{Value} [value]", "{Value} value"),
        ("{number | null} step", "{number} step"),
        ('{number | "epoch" | null} until', '{number | "Epoch" | null} until'),
        ("{string[]} choices", "{string} choices"),
        ("{Record<string, string>} can", "{Record<string, number>} can"),
        ("{Fact[]} facts", "{Gauge[]} facts"),
        ('"subshell" | "main"} MessagePath', '"subshell"} MessagePath'),
        ("@typedef {object} Pump", "@typedef {object} Pumps"),
        (" * @property {boolean} at_end\n", ""),
    ],
)
def test_a_difference_is_noticed(old, new):
    text = JSDOC.read_text()
    assert old in text
    assert javascript_declarations(text.replace(old, new, 1)) != python_declarations()


def test_the_declarations_are_no_code():
    """The bundle does not grow with them: there are only comments, and what makes the file a module."""
    text = re.sub(r"/\*.*?\*/|//[^\n]*", "", JSDOC.read_text(), flags=re.DOTALL)
    assert text.split() == ["export", "{};"]


def test_a_board_has_the_traits_that_are_declared():
    assert set(board_module.Board.class_own_traits(sync=True)) - {"_esm", "_css"} == set(fields_of(wire.Traits))


def test_what_else_names_the_same_things_agrees():
    assert [field.name for field in dataclasses.fields(events.Event)] == list(fields_of(wire.Event))
    assert set(board_module.HOSTS) == set(typing.get_args(fields_of(wire.Hello)["host"][0]))
    arrival = typing.get_type_hints(kernel.arrival)["return"]
    assert set(typing.get_args(arrival)) == set(typing.get_args(wire.MessagePath))


# -- real payloads -----------------------------------------------------------------------------------------------------


REPLIES = {"window": wire.WindowReply, "module": wire.ModuleReply, "fits": wire.FitsReply, "classes": wire.ClassesReply}


class Checker:
    """Compares values with their types, field by field.

    Attributes:
        wrong: What does not conform.
        seen: The fields that were there, as ``(TypedDict, field)``.
    """

    def __init__(self):
        self.wrong, self.seen = [], set()

    def check(self, value, hint, where):
        self.wrong += self.problems(value, hint, where)

    def problems(self, value, hint, where):
        origin, arguments = typing.get_origin(hint), typing.get_args(hint)
        if typing.is_typeddict(hint):
            return self.problems_of_dict(value, hint, where)
        if origin in UNIONS:
            found = [self.problems(value, each, where) for each in arguments]
            return min(found, key=len)
        if origin is list and type(value) is list:
            return [x for i, each in enumerate(value) for x in self.problems(each, arguments[0], f"{where}[{i}]")]
        if origin is dict and type(value) is dict:
            return [x for key, each in value.items() for x in self.problems(each, arguments[1], f"{where}.{key}")]
        if origin is typing.Literal:
            fits = type(value) is str and value in arguments
        elif hint is float:
            fits = type(value) in (int, float) and math.isfinite(value)
        else:
            fits = type(value) is hint
        return [] if fits else [f"{where} is no {hint}: {value!r}"]

    def problems_of_dict(self, value, hint, where):
        if type(value) is not dict:
            return [f"{where} is no {hint.__name__}: {value!r}"]
        fields, found = fields_of(hint), []
        for name, (kind, optional) in fields.items():
            if name in value:
                self.seen.add((hint.__name__, name))
                found += self.problems(value[name], kind, f"{where}.{name}")
            elif not optional:
                found.append(f"{where} lacks {name}")
        return [*found, *(f"{where} has {name}, which is not declared" for name in value.keys() - fields.keys())]


def header_of(raw):
    return json.loads(raw[4 : 4 + struct.unpack("<I", raw[:4])[0]])


def watch(board, checker):
    """Check what a board sends, as it is sent; traits as JSON carries them."""

    def changed(change):
        name, value = change["name"], change["new"]
        if name == "series":
            checker.check(header_of(value), wire.SeriesHeader, name)
        elif name in fields_of(wire.Traits):
            sent = json.loads(json.dumps(value, allow_nan=False))
            checker.check(sent, typing.get_type_hints(wire.Traits)[name], name)

    def send(content, buffers=None):
        checker.check(content, REPLIES[content["kind"]], content["kind"])
        if content["kind"] == "window":
            checker.check(header_of(buffers[0]), wire.SeriesHeader, "window")

    board.observe(changed)
    board.send = send


class Prints(keras.callbacks.Callback):
    """A callback of the user's own, which prints, and raises in an epoch."""

    def __init__(self, raises_in=None):
        super().__init__()
        self.raises_in = raises_in

    def on_epoch_end(self, epoch, logs=None):
        print("epoch", epoch)
        if epoch == self.raises_in:
            raise ValueError("broken")


class During(keras.callbacks.Callback):
    """Calls a function after each batch and before each validation, with how many batches there were."""

    def __init__(self, function):
        super().__init__()
        self.function, self.count = function, 0

    def on_train_batch_end(self, batch, logs=None):
        self.count += 1
        self.function(self.count)

    def on_test_begin(self, logs=None):
        self.function(None)


class Hangs(keras.callbacks.Callback):
    """Hangs as its second epoch ends, until that was noticed and sent."""

    def __init__(self, monitor, board):
        super().__init__()
        self.monitor, self.board = monitor, board

    def on_epoch_end(self, epoch, logs=None):
        end = time.monotonic() + 20
        while epoch == 1 and not self.monitor.run.stalled and time.monotonic() < end:
            threading.Event().wait(0.002)
        self.board._sender.push()


@pytest.fixture
def model_and_data():
    """A small model, and data of eight batches an epoch, of which the last makes its loss NaN."""
    rng = np.random.default_rng(0)
    x, y = rng.random((32, 5), "float32"), rng.random((32, 1), "float32")
    y[28:] = np.nan  # not x: some processors make 0 of relu(NaN)
    layers = [keras.Input((5,)), keras.layers.Dense(4, "relu"), keras.layers.Dropout(0.2), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile(keras.optimizers.Adam(0.05), "mse")
    return model, x, y


def monitored(checker, **settings):
    """A monitor and a function that sends its board a message; both ways are checked."""
    monitor = kcb.Monitor(**settings)
    board = monitor.board
    watch(board, checker)

    def say(**content):
        checker.check(content, wire.Message, "message")
        board._handle_custom_msg(content, [])

    return monitor, board, say


def test_what_a_real_fit_sends_conforms(model_and_data, tmp_path, monkeypatch):
    monkeypatch.setattr(stall, "MIN_STALL_S", 0.1)
    (model, x, y), checker = model_and_data, Checker()
    data = {"batch_size": 4, "shuffle": False, "verbose": 0, "validation_data": (x[:8], y[:8])}
    snapshots = kcb.Snapshots(each_epoch=True, best="val_loss")
    monitor, board, say = monitored(checker, guard=kcb.Guard(), snapshots=snapshots, save_to=tmp_path, log_dir=tmp_path)
    monitor.add_control("strength", 0.5, min=0.0, max=1.0)
    monitor.add_control("mode", "soft", choices=["soft", "hard"])
    monitor.add_control("extra", True)
    monitor.add_button("greet", lambda: None)
    asked = {
        2: [("learning_rate", 0.01), ("strength", 0.75), ("mode", "hard")],
        3: [("evaluate",), ("snapshot",), ("press", "greet"), ("act", "ModelCheckpoint.save")],
        5: [("undo",)],
        4: [("learning_rate", "much"), ("learning_rate", 0.1, "another"), ("press", "nobody")],
        10: [("finish_epoch",)],
        12: [("resume",)],
        18: [("stop", "epoch")],
    }

    def command(name, value=None, run=None):
        say(kind="command", run=run or monitor.run.id, id=f"{name} {value}", name=name, value=value)

    def each_batch(count):
        say(kind="hello", view="v", seq=count or 0, visible=True, width=600, host="lab")
        for one in asked.get(count, ()):
            command(*one)
        if count == 5:
            say(kind="window", view="v", request=1, run=monitor.run.id, first=0, last=4, points=100)
            say(kind="module", view="v", name="fits")
        if count == 10:
            say(kind="fits", view="v", request=2, metric="")
            say(kind="classes", view="v", request=3, epoch=None, cell=None)
            say(kind="look", run="no such run")
        board._sender.push()  # not only as often as the fit does

    callbacks = [
        keras.callbacks.EarlyStopping(patience=5),
        keras.callbacks.ReduceLROnPlateau(patience=4),
        keras.callbacks.ModelCheckpoint(str(tmp_path / "{epoch}.weights.h5"), save_weights_only=True),
        keras.callbacks.ModelCheckpoint(str(tmp_path / "best.keras"), save_best_only=True),
        keras.callbacks.LearningRateScheduler(lambda epoch, rate: rate * 0.9),
        keras.callbacks.CSVLogger(str(tmp_path / "log.csv")),
        Prints(),
        During(each_batch),
        Hangs(monitor, board),
        monitor,
    ]
    with monitor.group("one of two", fits=2):
        model.fit(x, y, epochs=6, callbacks=callbacks, **data)
    kinds = {event.kind for event in monitor.run.events_list}
    assert kinds >= {"applied", "refused", "changed", "guard", "rollback", "nan", "snapshot", "evaluated", "trigger"}
    assert "error" not in kinds  # of the board, or of what looks at it here
    say(kind="bye", view="v")

    failing, _, _ = monitored(checker)
    failing.alert("begun", "epoch > 0")
    sound = keras.models.clone_model(model)  # whose epochs are not all abandoned
    sound.compile("sgd", "mse")
    with pytest.raises(ValueError, match="broken"):
        sound.fit(x[:28], y[:28], epochs=2, callbacks=[Prints(raises_in=1), failing], **data)
    assert failing.run.status == "failed"

    run = kcb.Run()  # long enough for buckets of several rows
    long = kcb.Board(run)
    watch(long, checker)
    run.begin_epoch(0)
    for step in range(3000):
        run.append(step, {"loss": 1.0 / (step + 1)})
    long._sender.push()

    insights = Insights()  # of a model that tells classes apart
    outputs = np.array([[0.9, 0.1], [0.2, 0.8]])
    insights.add(predictions_of(0, 1, "classes", ("a", "b"), np.array([0, 1]), outputs, None, True, 0.1))
    seen = class_payload.reply(insights, False, "v", 1, None, [0, 0])
    checker.check(json.loads(json.dumps(seen, allow_nan=False)), wire.ClassesReply, "classes")

    assert checker.wrong == []
    fields = {(name, field) for name, fields in python_declarations()[0].items() for field in fields}
    assert {each for each in fields - checker.seen if each[0] != "Traits"} == set(), "no payload had these"


def test_what_does_not_conform_is_noticed():
    flow = {"paused": False, "until": None, "stop": ""}
    for change in ({"paused": 0}, {"until": "never"}, {"until": True}, {"stop": None}, {"more": 1}):
        checker = Checker()
        checker.check({**flow, **change}, wire.Flow, "flow")
        assert len(checker.wrong) == 1, change
    for missing in flow:
        checker = Checker()
        checker.check({name: value for name, value in flow.items() if name != missing}, wire.Flow, "flow")
        assert checker.wrong == [f"flow lacks {missing}"]
    checker = Checker()
    checker.check({"name": "a", "seconds": math.inf}, wire.TimeShare, "part")
    assert len(checker.wrong) == 1

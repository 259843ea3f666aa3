"""The table of verbs: each entry has an action, and a new entry is all that a new verb needs besides its action."""

from __future__ import annotations

import inspect

import pytest

import kcb_widgets as kcb
from kcb_widgets.commands import VERBS, Verb, check_value
from kcb_widgets.steering.actions import Actions


def test_each_verb_has_an_action_of_its_name_and_each_action_a_verb():
    actions = [name for name, _ in inspect.getmembers(Actions, inspect.isfunction) if not name.startswith("_")]
    assert sorted(actions) == sorted(VERBS)
    assert all(verb.name == name for name, verb in VERBS.items())


def test_a_new_verb_is_one_entry_and_its_action(unit_model, ones, at, monkeypatch):
    """It is checked, waits until the model is at rest, and can be asked for from Python and from a board."""

    def word(name, value):
        if value != "please":
            raise ValueError(f"{name} takes the word please. Received: {value!r}")
        return value

    monkeypatch.setitem(VERBS, "applaud", Verb("applaud", word, at_rest=True))
    monkeypatch.setattr(
        Actions, "applaud", lambda self, command: self._event(command, "trigger", "applause"), raising=False
    )
    with pytest.raises(ValueError, match="the word please"):
        check_value("applaud", "now")
    model, monitor = unit_model(), kcb.Monitor()
    board = kcb.Board(monitor.run)

    def ask():
        board.run = monitor.run
        message = {"kind": "command", "run": monitor.run.id, "name": "applaud", "value": "please", "id": "1"}
        board._receive(None, message, [])
        board._receive(None, message | {"value": "now"}, [])

    model.fit(*ones, batch_size=2, verbose=0, callbacks=[at(3, ask), monitor])
    said = monitor.run.events.query("name == 'applaud'")
    assert said["kind"].tolist() == ["refused", "trigger"]
    assert said["step"].tolist() == [2, 3]


def test_names_of_verbs_cannot_be_taken_by_controls_of_the_user():
    for name in VERBS:
        with pytest.raises(ValueError, match="Received"):
            kcb.Monitor().add_control(name, 1.0)

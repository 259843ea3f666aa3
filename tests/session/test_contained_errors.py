"""Errors that are contained: one line on the record, the traceback in the log, and nothing else goes wrong."""

from __future__ import annotations

import ast
import logging
import subprocess
import sys
from pathlib import Path

import keras
import pytest

import kcb_widgets as kcb
from kcb_widgets.record.events import first_line
from kcb_widgets.record.record import MAX_FAILURES
from kcb_widgets.run import Run

ROOT = Path(kcb.__file__).parent
LEVELS = {"debug", "info", "warning", "error", "critical", "exception", "log"}
BROAD = {"Exception", "BaseException"}


# -- the rule, held by reading the code --------------------------------------------------------------------------------


def _names(node):
    """The exceptions that a handler or ``suppress`` names; an empty one catches all."""
    if node is None:
        return {"BaseException"}
    parts = node.elts if isinstance(node, ast.Tuple) else [node]
    return {part.attr if isinstance(part, ast.Attribute) else getattr(part, "id", "") for part in parts}


def _logs(call):
    """Whether it is ``log.<level>(...)`` with the traceback."""
    function = call.func
    if not isinstance(function, ast.Attribute) or getattr(function.value, "id", "") != "log":
        return False
    traceback = function.attr == "exception" or any(word.arg == "exc_info" for word in call.keywords)
    return function.attr in LEVELS and traceback


def _calls(node):
    return [each for each in ast.walk(node) if isinstance(each, ast.Call)]


def _always(statements):
    """The calls, and whether there is a bare raise, in what is run whatever is the case: not below an if or a loop."""
    plain = [each for each in statements if isinstance(each, (ast.Expr, ast.Assign, ast.AnnAssign, ast.Return))]
    return [call for each in plain for call in _calls(each)], any(isinstance(each, ast.Raise) for each in statements)


def _trees(root=ROOT):
    return {path.relative_to(root).as_posix(): ast.parse(path.read_text()) for path in sorted(root.rglob("*.py"))}


def _logging_functions(trees):
    """The names of functions of which every one that is so called logs, with the traceback of what it is given."""
    found = {}
    for tree in trees.values():
        for node in ast.walk(tree):
            if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
                calls, _ = _always(node.body)
                found.setdefault(node.name, []).append(any(_logs(call) for call in calls))
    return {name for name, all_of_them in found.items() if all(all_of_them)}


def silent(trees):
    """Where an error of any kind would be lost without a trace."""
    loggers, places = _logging_functions(trees), []
    for name, tree in trees.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ExceptHandler) and _names(node.type) & BROAD:
                calls, raises = _always(node.body)
                told = any(_logs(call) or getattr(call.func, "attr", "") in loggers for call in calls)
                if not (raises or told):
                    places.append(f"{name}:{node.lineno}")
            called = getattr(node, "func", None)
            suppresses = getattr(called, "attr", getattr(called, "id", "")) == "suppress"
            if suppresses and any(_names(each) & BROAD for each in node.args):
                places.append(f"{name}:{node.lineno}")
    return places


def test_no_error_is_lost_without_a_trace():
    assert silent(_trees()) == []


@pytest.mark.parametrize(
    ("code", "lost"),
    [
        ("try: f()\nexcept Exception: pass", True),
        ("try: f()\nexcept: pass", True),
        ("try: f()\nexcept (ValueError, Exception) as e: x = 1", True),
        ("try: f()\nexcept builtins.BaseException: return_(1)", True),
        ("try: f()\nexcept Exception:\n  if x: log.exception('')", True),
        ("try: f()\nexcept Exception: log.error('no traceback')", True),
        ("try: f()\nexcept Exception: other.exception('')", True),
        ("with contextlib.suppress(Exception): f()", True),
        ("with suppress(ValueError, BaseException): f()", True),
        ("def tell(e): print(e)\ntry: f()\nexcept Exception as e: self.tell(e)", True),
        ("try: f()\nexcept ValueError: pass", False),
        ("try: f()\nexcept Exception: raise", False),
        ("try: f()\nexcept Exception as e: raise Other() from e", False),
        ("try: f()\nexcept Exception: log.exception('')", False),
        ("try: f()\nexcept Exception as e: log.debug('', exc_info=e)", False),
        ("def tell(e): log.error('', exc_info=e)\ntry: f()\nexcept Exception as e: self.tell(e)", False),
        ("with contextlib.suppress(ValueError): f()", False),
    ],
)
def test_the_rule_tells_lost_from_told(code, lost):
    assert bool(silent({"it": ast.parse(code)})) is lost


def test_every_module_logs_below_the_package():
    for name, tree in _trees().items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Assign) and any(getattr(target, "id", "") == "log" for target in node.targets):
                assert ast.unparse(node.value) == "logging.getLogger(__name__)", name


# -- what it does ------------------------------------------------------------------------------------------------------


class Wrong(RuntimeError):
    """What is raised on purpose."""


def fail(*args, **kwargs):
    raise Wrong("on purpose\nand a second line")


def traces(caplog):
    return [(r.levelname, r.exc_info[0]) for r in caplog.records if r.exc_info and r.name.startswith("kcb_widgets")]


def test_a_failing_hook_is_one_line_on_the_record_and_a_traceback_in_the_log(unit_model, ones, monkeypatch, caplog):
    monkeypatch.setattr("kcb_widgets.session.session.Session.poll", fail)
    monitor = kcb.Monitor()
    with caplog.at_level(logging.INFO, "kcb_widgets"):
        unit_model().fit(*ones, epochs=3, batch_size=2, verbose=0, callbacks=[monitor])
    found = [(e.name, e.message) for e in monitor.run.events_list if e.kind == "error"]
    assert ("on_epoch_end", "Wrong: on purpose") in found
    assert len(found) == len(set(found))
    assert traces(caplog) == [("ERROR", Wrong)] * len(found)  # once each, not once an epoch
    assert "in fail" in caplog.text
    assert monitor.run.status == "finished"


def test_the_same_again_is_in_the_log_for_those_who_look_closely(caplog):
    run = Run()
    with caplog.at_level(logging.DEBUG, "kcb_widgets"):
        for _ in range(3):
            run.failed("board", Wrong("x"))
    assert [level for level, _ in traces(caplog)] == ["ERROR", "DEBUG", "DEBUG"]
    assert len(run.events_list) == 1


def test_an_error_with_ever_new_words_does_not_fill_the_record():
    run = Run()
    for number in range(10 * MAX_FAILURES):
        run.failed("board", Wrong(number))
    assert len(run.events_list) == MAX_FAILURES


class Mute(Exception):
    """An exception that cannot even say what it is."""

    def __str__(self):
        raise Wrong("no words")


def test_an_exception_without_words_is_named():
    assert first_line(Mute()) == "Mute"
    assert first_line(Wrong("a\nb")) == "Wrong: a"
    assert first_line(Wrong()) == "Wrong"
    assert len(first_line(Wrong("x" * 10_000))) < 250
    run = Run()
    run.failed("board", Mute())
    assert run.events_list[0].message == "Mute"


def test_a_callback_that_raises_without_words_raises_what_it_would_without_us(unit_model, ones):
    def raise_it(batch, logs):
        raise Mute

    monitor = kcb.Monitor()
    with pytest.raises(Mute):
        unit_model().fit(
            *ones, verbose=0, callbacks=[keras.callbacks.LambdaCallback(on_train_batch_end=raise_it), monitor]
        )
    (event,) = [e for e in monitor.run.events_list if e.kind == "error"]
    assert event.message == "on_train_batch_end raised Mute"


@pytest.mark.parametrize(
    ("prepare", "kind"),
    [
        (lambda m, at: m.add_policy(fail, every=1), "error"),
        (lambda m, at: m.add_button("go", fail), "error"),
        (lambda m, at: None, "refused"),
    ],
    ids=["policy", "button", "command"],
)
def test_what_the_users_own_functions_raise_is_in_the_log(prepare, kind, unit_model, ones, at, caplog, monkeypatch):
    monitor = kcb.Monitor()
    prepare(monitor, at)
    ask = at(2, lambda: monitor.press("go") if kind == "error" else monitor.snapshot())
    if kind == "refused":
        monkeypatch.setattr("kcb_widgets.steering.snapshots.SnapshotStore.take", fail)
    with caplog.at_level(logging.INFO, "kcb_widgets"):
        unit_model().fit(*ones, batch_size=2, verbose=0, callbacks=[monitor, ask])
    told = [e.message for e in monitor.run.events_list if e.kind == kind and "on purpose" in e.message]
    assert told
    assert not any("\n" in message for message in told)
    assert ("ERROR", Wrong) in traces(caplog)
    assert monitor.run.status == "finished"


def test_nothing_is_printed_unless_logging_was_configured():
    code = (
        "import sys, logging; sys.stderr.flush()\n"
        "import kcb_widgets\n"
        "from kcb_widgets.run import Run\n"
        "Run().failed('board', ValueError('quiet'))\n"
        "logging.basicConfig()\n"
        "Run().failed('board', ValueError('loud'))\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "quiet" not in run.stdout + run.stderr
    assert "ValueError: loud" in run.stderr
    assert "kcb_widgets" in run.stderr


def test_one_board_that_fails_takes_no_other_with_it(caplog):
    run, shown = Run(), []
    bad, good = kcb.Board(run), kcb.Board(run)
    bad._sender.push, good._sender.push = fail, lambda: shown.append(1)
    bad._output = good._output = type("Output", (), {"settle": lambda self, run: None})()
    run.finish("finished")
    with caplog.at_level(logging.INFO, "kcb_widgets"):
        run.changed()
    assert shown == [1]
    assert traces(caplog) == [("ERROR", Wrong)]
    assert [e.message for e in run.events_list if e.kind == "error"] == ["Wrong: on purpose"]

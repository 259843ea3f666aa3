"""Pickling: a Monitor travels to another process as a fresh one with the same options; a run that is over as it is."""

from __future__ import annotations

import copyreg
import logging
import pickle
import sys
from dataclasses import replace
from typing import Any

import numpy as np

from ..record.chunk import Chunk
from ..record.table import Table
from ..run import Run
from ..store import open_run

ELSEWHERE = "the snapshots stayed in the process that trained"
DATA = ("evaluate_on", "samples", "on_alert")
KEPT = ("log_dir", "name", "tags", "notes", "config", "resume", "keep_source")
log = logging.getLogger(__name__)


class _Nowhere:
    """A file that keeps nothing: whether data can be pickled is no reason to hold it twice."""

    def write(self, data: Any) -> int:
        return len(data)


def fresh_monitor(monitor: Any, base: type) -> tuple[Any, ...]:
    """What ``Monitor.__reduce__`` returns; ``base`` is Monitor, of which this may be a subclass.

    Data, buttons, policies, alerts and a subclass's own attributes go along where they can be pickled; the fresh
    Monitor has an event for each that cannot. Its controls have the values of now.
    """
    from .resuming import LAST  # here: it brings Keras along, which a run that is unpickled does not need

    told = monitor._options
    options = {
        "display": monitor._display,
        "paused": told.paused,
        "snapshots": told.snapshots,
        "guard": told.guard,
        "save_to": told.save_to,
        "keep_runs": monitor._keep_runs,
        "alerts": told.alerts.built_in,
        "baseline": None if isinstance(told.baseline, Run) else told.baseline,
        "class_names": told.inside.class_names,
        "record": sorted(told.inside.record),
        **{name: getattr(monitor._keeping.options, name) for name in KEPT},
    }
    if options["log_dir"] is None and options["resume"] == LAST:  # the other process has not called `kcb.keep`
        options["log_dir"] = monitor._keeping.options.folder
        options["resume"] = options["log_dir"] and LAST
    missing: list[str] = []
    user_controls = monitor._user_controls
    parts: dict[str, dict[str, Any]] = {}
    wanted = {
        "evaluate_on": {"evaluate_on": told.evaluate_on},
        "samples": {"samples": told.inside.given},
        "control": dict(user_controls.controls),
        "button": dict(user_controls._buttons),
        "policy": {f"{i}": (policy.every, policy.function) for i, policy in enumerate(monitor._policies.all)},
        "alert": {each.name: replace(each, off="") for each in monitor.alerts if not each.built_in},
        "on_alert": {"on_alert": told.alerts.on_alert},
        "attribute": {name: value for name, value in list(vars(monitor).items()) if name not in _own(base)},
    }
    for kind, each in wanted.items():
        parts[kind] = {}
        for name, value in each.items():
            try:
                parts[kind][name] = portable(value)
            except Exception as error:
                log.debug("%s %s cannot be pickled", kind, name, exc_info=True)
                what = getattr(value[1], "__name__", name) if kind == "policy" else name
                label = kind if kind == what else f"{kind} {what}"
                missing.append(f"{label} could not be pickled and was left behind ({type(error).__name__}: {error})")
    return rebuild_monitor, (type(monitor), base, options, parts, missing)


def rebuild_monitor(cls: Any, base: Any, options: dict[str, Any], parts: dict[str, Any], missing: list[str]) -> Any:
    """In the other process."""
    monitor = cls.__new__(cls)  # not the subclass's __init__: its arguments are not known
    base.__init__(monitor, **options, **{name: opened(parts[name].get(name)) for name in DATA})
    for alert in map(opened, parts["alert"].values()):
        monitor._options.alerts.add(alert)
    for control in parts["control"].values():
        monitor._user_controls.add_control(opened(control))
    for name, function in parts["button"].items():
        monitor._user_controls.add_button(name, opened(function))
    for every, function in map(opened, parts["policy"].values()):
        monitor._policies.add(function, every)
    monitor.__dict__.update({name: opened(value) for name, value in parts["attribute"].items()})
    for message in missing:
        monitor.run.add_event("warning", "pickle", message=message)
    return monitor


class Packed:
    """Something that only cloudpickle can pickle, a lambda say, so that plain pickle can carry it too."""

    def __init__(self, data: bytes) -> None:
        self.data = data


def portable(value: Any) -> Any:
    """The value itself where pickle can take it, else packed by cloudpickle, where that was imported.

    Raises:
        Exception: Neither can.
    """
    try:
        pickle.Pickler(_Nowhere(), protocol=5).dump(value)
    except Exception:
        log.debug("pickle cannot take %r; cloudpickle may", type(value), exc_info=True)
        cloudpickle = sys.modules.get("cloudpickle")
        if cloudpickle is None:
            raise
        return Packed(cloudpickle.dumps(value))
    return value


def opened(value: Any) -> Any:
    """What ``portable`` was given."""
    return pickle.loads(value.data) if isinstance(value, Packed) else value


def _own(base: type) -> frozenset[str]:
    """The names of a plain Monitor's attributes."""
    return frozenset(vars(base(display=False)))


def reduce_run(run: Run) -> tuple[Any, ...]:
    """All that a run recorded, and nothing of who looked at it.

    Raises:
        TypeError: The run is not over; another process could not follow it, and would take it for one that goes on.
    """
    if run.reopened:  # its rows are in its file
        return open_run, (run.path,)
    if not run.over:
        msg = f"only a run that is over can be pickled or copied. Received: {run!r}"
        raise TypeError(msg)
    run.record_pending()
    state = dict(vars(run))
    for name in ("_recording", "_observers", "blocks", "inbox", "restorer", "group", "baseline"):
        del state[name]
    if state["snapshots"]:  # a Monitor has them, and it is not there
        state |= {"snapshots": [], "availability": {**state["availability"], "rollback": ELSEWHERE}}
    return _rebuild_run, (state,)


def _rebuild_run(state: dict[str, Any]) -> Run:
    run = Run()  # has what was left out: locks, and nobody who looks
    run.__dict__.update(state)
    return run


def _reduce_table(table: Table) -> tuple[Any, ...]:
    """A table writes through memoryviews, which cannot be pickled; they are made again."""
    chunks = [
        {slot: getattr(chunk, slot) for slot in Chunk.__slots__ if slot != "writers"}
        | {"names": [name for name, _ in chunk.writers]}
        for chunk in table._chunks
    ]
    return _rebuild_table, ({**vars(table), "_chunks": chunks, "_seconds": None},)


def _rebuild_table(state: dict[str, Any]) -> Table:
    table = Table()
    table.__dict__.update(state, _chunks=[_rebuild_chunk(slots) for slots in state["_chunks"]])
    if table._chunks and isinstance(table._chunks[-1].times, np.ndarray):
        table._seconds = memoryview(table._chunks[-1].times)  # type: ignore[arg-type]
    return table


def _rebuild_chunk(slots: dict[str, Any]) -> Chunk:
    chunk = object.__new__(Chunk)
    for slot, value in slots.items():
        if slot != "names":
            setattr(chunk, slot, value)
    chunk.bind(slots["names"])
    return chunk


copyreg.pickle(Table, _reduce_table)

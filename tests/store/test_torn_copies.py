"""Copies put together of the states that a file went through, page by page: what a slow reader may get, and worse."""

from __future__ import annotations

import random
from collections import Counter

import numpy as np
import pytest
from kept import begin, file_of, value

from kcb_widgets import Run
from kcb_widgets.store import run_file
from kcb_widgets.store.reader import NotARunFile, Reader
from kcb_widgets.store.schema import PAGE_SIZE

pytestmark = pytest.mark.timeout(1500)  # many files, on a machine that may do other things

COMMITS = 120
COPIES = 500
ROWS = 27  # of a commit: one piece of a series takes more than half a page
INNER = 5  # the first byte of a page that only leads to others


def states(folder, commits, rows, metrics, first=0, every=1):
    """The bytes of a file after each so many commits, and the batches and events that it had then, by the commit."""
    prepare = run_file._prepare

    def faster(connection):
        prepare(connection)
        connection.execute("PRAGMA synchronous = OFF")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run_file, "_prepare", faster)
        run = begin(metrics)
        run.begin_epoch(0)
        file = file_of(run, folder)
        for number in range(commits):
            for _ in range(rows(number)):
                step = run.step + 1
                run.append(run.batch, {name: value(step, name) for name in metrics})
            for _ in range(number % 4):
                run.add_event("applied", "control", number, value(number), "board", "x" * (37 * number % 900))
            file.commit(1.0)
            if number >= first and number % every == 0:
                yield number, (file.path.read_bytes(), run.step, len(run.events_list))
        file.close()


def torn(states, chance):
    """A copy whose pages are of several states, the later ones of later; here and there the reader was the faster.

    Returns:
        The copy, the first state that any of it is of, and whether a page itself may be half of a commit that was under
        way, and half of what was before.
    """
    order = sorted(chance.choices(list(states), k=chance.randint(2, 5)))
    first, raced = order[0], chance.random() < 0.3 and order[0] + 1 in states
    if raced:  # it read what a commit had written, and then what it had not yet
        order[:1] = [first + 1, first]
    longest = max(len(states[each][0]) for each in order)
    unit = chance.choice([PAGE_SIZE, 4096, 512, 1])
    near = chance.choice([longest, 20 * PAGE_SIZE, 4 * PAGE_SIZE])
    cuts = sorted(min(chance.randrange(near) // unit * unit, longest) for _ in order[1:])
    data = b""
    for each, end in zip(order, [*cuts, longest], strict=True):
        data += states[each][0][len(data) : end]
        if len(data) < end:  # the file was no longer then
            break
    return data, first, raced and unit < PAGE_SIZE


def check(path, states, first, seen, metrics=("loss", "accuracy")):
    """It is as it was after one commit, the first that any part of it is of or a later one, and opens whole."""
    with Reader(path) as reader:
        reader.summary()
    seen["older"] += reader.older
    seen["by leaves"] += reader._leaves is not None
    run = Run.open(path)
    rows = run.batch_table.rows
    counts = {(rows, events): number for number, (_, rows, events) in states.items()}
    mine = [event for event in run.events_list if event.name != "file"]
    first = max(0, first - reader.older)  # the newest summary was being written itself
    assert counts.get((rows, len(mine)), first) >= first, (rows, len(mine))
    assert rows >= states.get(first, states[min(states)])[1]
    assert run.step == rows
    for name in metrics:
        np.testing.assert_array_equal(run.batch_table.column(name), truth(rows, name))
    assert not np.isnan(run.batch_table.seconds(0, rows)).any()
    assert len(run.events_list) - len(mine) == reader.older
    seen["opened"] += 1


def check_gaps(path):
    """What is missing is said to be, and nothing is wrong."""
    try:
        run = Run.open(path)
    except NotARunFile:
        return
    found = run.batch_table.column("loss")
    assert ((found == truth(len(found), "loss")) | np.isnan(found)).all()
    assert [event for event in run.events_list if event.name == "file"]


_truth = {}


def truth(rows, name):
    if len(_truth.get(name, ())) < rows:
        _truth[name] = np.array([value(step + 1, name) for step in range(rows * 2)], np.float32)
    return _truth[name][:rows]


def test_a_copy_of_several_states_is_that_of_one(tmp_path):
    """Tables become trees of pages, and trees grow, within these commits."""
    known = dict(states(tmp_path / "runs", COMMITS, lambda number: 1 + 97 * number % 700, ("loss", "accuracy")))
    chance, seen, path = random.Random(7), Counter(), tmp_path / "copy.sqlite"
    for _ in range(COPIES):
        data, first, raced = torn(known, chance)
        path.write_bytes(data)
        try:
            check(path, known, first, seen)
        except (AssertionError, NotARunFile):
            if not raced:
                raise
            # A page that turns from rows into one that leads to others, caught in the middle of being written.
            check_gaps(path)
            seen["gaps"] += 1
    print(dict(seen))
    assert seen["gaps"] < COPIES * 0.01
    assert seen["opened"] + seen["gaps"] == COPIES
    assert seen["by leaves"] > 10
    assert seen["older"] > 10


def test_so_is_one_of_a_tree_whose_inner_pages_are_divided(tmp_path):
    """SQLite then moves what several inner pages had; it happens every thousand leaves, about."""
    seen, chance, path, divided = Counter(), random.Random(3), tmp_path / "copy.sqlite", 0
    metrics = [f"m{i}" for i in range(40)]
    before, inner = None, set()
    for number, state in states(tmp_path / "runs", 2100, lambda number: ROWS, metrics, 900, 20):
        data = state[0]
        now = {at for at in range(0, len(data), PAGE_SIZE) if data[at] == INNER}
        if before and now != inner:  # a tree has one more inner page
            divided += 1
            old = before[1][0]
            for at in [*now, *(at + PAGE_SIZE for at in now), *(chance.randrange(len(old)) for _ in range(5))]:
                path.write_bytes(old[:at] + data[at:])
                check(path, dict([before, (number, state)]), before[0], seen, metrics[:2])
        before, inner = (number, state), now
    print(dict(seen), divided)
    assert divided >= 2
    assert seen["by leaves"] > 0

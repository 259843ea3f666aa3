"""Copies made while a run is written, by any means that reads a file from its beginning to its end: all are whole."""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter

import numpy as np
import pytest
from kept import begin, file_of, value

from kcb_widgets import Run
from kcb_widgets.store import keeper, run_file
from kcb_widgets.store.about import About
from kcb_widgets.store.keeper import Keeper
from kcb_widgets.store.reader import Reader

pytestmark = pytest.mark.timeout(1500)  # many files, on a machine that may do other things

COPIES = 400  # of each writer
ROUND = 600  # commits of a run; then another begins


def do(run, number):
    """What happens before commit ``number``: always the same."""
    for _ in range(1 + number % 7):
        run.append(run.batch, {"loss": value(run.step + 1), "accuracy": value(run.step + 1, "accuracy")})
    if number % 5 == 0:
        run.add_event(
            "applied", f"control {len(run.events_list)}", number, value(number), "board", "x" * (number % 300)
        )
    if number % 11 == 0:
        epoch = len(run.epoch_rows)
        run.epoch_rows.append((epoch, {"loss": value(epoch), "seconds": 1.0}))
        run.epoch_table.append(run.step, run.seconds, {"loss": value(epoch)})
        run.begin_epoch(epoch + 1)


def after(number):
    """Rows, events and epochs when it was done so many times."""
    rows = sum(1 + each % 7 for each in range(number))
    return rows, len(range(0, number, 5)), len(range(0, number, 11))


STATES = {after(number)[0]: after(number) for number in range(1, ROUND + 1)}


def write(folder, rounds=10_000, sync="OFF"):
    """Write one run after the other, until killed; in a process of its own."""
    prepare = run_file._prepare

    def faster(connection):
        prepare(connection)
        connection.execute(
            f"PRAGMA synchronous = {sync}"
        )  # nothing loses its power here, and many more commits are seen

    run_file._prepare = faster
    for _ in range(rounds):
        run = begin(("loss", "accuracy"))
        run.begin_epoch(0)
        file = file_of(run, folder)
        for number in range(ROUND):
            do(run, number)
            file.commit(1.0)
        file.close()


def keep(folder):
    """The same with a Keeper, which takes what there is whenever its turn comes."""
    keeper.INTERVAL_S, keeper.MAX_INTERVAL_S, keeper.COST = 0.0005, 0.0005, 0
    while True:
        run = begin(("loss", "accuracy"))
        run.begin_epoch(0)
        made = Keeper(run, folder, About(name="a run"))
        made.start()
        for number in range(ROUND):
            do(run, number)
            time.sleep(0.0005)
        run.finish("finished")
        made.finish(60.0)


@contextlib.contextmanager
def written(folder, how):
    """A folder into which another process writes."""
    process = os.fork()
    if not process:
        with contextlib.suppress(BaseException):
            how(folder)
        os._exit(1)
    try:
        yield
    finally:
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)


# -- copies ------------------------------------------------------------------------------------------------------------


def in_pieces(source, target, chance):
    """Read after read of any size, each some time after the other."""
    with source.open("rb", buffering=0) as there, target.open("wb") as here:
        while data := there.read(chance.choice([512, 1000, 4096, 5000, 8192, 30_000, 65_536, 262_144])):
            here.write(data)
            if chance.random() < 0.3:
                time.sleep(chance.random() * 0.004)  # a slow disk, not a wait for anything


def as_long_as_it_was(source, target, chance):
    """As archivers do: no more than the file had at first."""
    size = source.stat().st_size
    with source.open("rb", buffering=0) as there, target.open("wb") as here:
        while size > 0 and (data := there.read(min(size, chance.choice([4096, 10_240, 65_536])))):
            here.write(data)
            size -= len(data)


def by_python(source, target, chance):
    shutil.copy(source, target)


def by_cp(source, target, chance):
    subprocess.run(["cp", source, target], check=True)


def with_journal(source, target, chance):
    in_pieces(source, target, chance)
    with contextlib.suppress(FileNotFoundError):
        shutil.copy(f"{source}-journal", f"{target}-journal")


def journal_first(source, target, chance):
    with contextlib.suppress(FileNotFoundError):
        shutil.copy(f"{source}-journal", f"{target}-journal")
    in_pieces(source, target, chance)


HOW = (in_pieces, in_pieces, as_long_as_it_was, by_python, by_cp, with_journal, journal_first)


def newest(folder):
    paths = sorted(folder.glob("*.sqlite"), key=lambda path: path.stat().st_mtime_ns)
    return paths[-1] if paths else None


def assert_a_prefix(path, seen):
    """A copy has what a commit had, no more and no less, and nothing else."""
    run = Run.open(path)
    rows = run.batch_table.rows
    events = [event for event in run.events_list if event.name != "file" and event.source == "board"]
    steps = np.arange(1, rows + 1)
    np.testing.assert_array_equal(run.batch_table.steps(0, rows), steps)
    for name in ("loss", "accuracy"):
        wanted = np.array([value(step, name) for step in steps.tolist()], np.float32)
        np.testing.assert_array_equal(run.batch_table.column(name), wanted)
    assert run.step == rows
    for i, event in enumerate(events):
        assert (event.name, event.old, event.new) == (f"control {i}", 5 * i, value(5 * i))
    for i, (epoch, row) in enumerate(run.epoch_rows):
        assert (epoch, row["loss"]) == (i, value(i))
    assert not np.isnan(run.batch_table.seconds(0, rows)).any()
    with Reader(path) as reader:
        summary = reader.summary()
        for table in reader.counts:
            assert None not in reader.rows(table, ("id",)) or table == "overview"
        assert summary["batches"] == rows
        assert summary["epochs"] == len(run.epoch_rows)
        seen["older"] += reader.older
        seen["leaves"] += reader._leaves is not None
    said = [event.message for event in run.events_list if event.name == "file"]
    assert len(said) == reader.older, said
    return rows, len(events), len(run.epoch_rows)


@pytest.mark.parametrize("how", [write, keep])
def test_every_copy_of_a_file_that_is_written_is_whole(tmp_path, how):
    folder, copies = tmp_path / "runs", tmp_path / "copies"
    folder.mkdir()
    copies.mkdir()
    chance, seen, found = random.Random(1), Counter(), set()
    with written(folder, how):
        made = []
        while len(made) < COPIES:
            source, copy = newest(folder), chance.choice(HOW)
            if source is None:
                time.sleep(0.01)
                continue
            target = copies / f"{len(made)}-{copy.__name__}.sqlite"
            copy(source, target, chance)
            made.append(target)
    for path in made:
        state = assert_a_prefix(path, seen)
        found.add(state)
        if how is write:
            assert state == STATES[state[0]], path
    print(dict(seen), len(found))
    assert len(found) > COPIES // 10

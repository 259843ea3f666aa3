"""A process that is killed in the middle of a commit leaves a journal: the file is as it was before that commit."""

from __future__ import annotations

import contextlib
import mmap
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import time

import forge
import numpy as np
import pytest
from kept import begin, file_of, value

from kcb_widgets import Run
from kcb_widgets.store import journal, run_file

pytestmark = pytest.mark.timeout(1500)  # many files, on a machine that may do other things

HOT = 24
MAX_KILLS = 400


def child(folder, shared):
    """Train until killed, with commits that take long once their first pages are written."""
    prepare, insert = run_file._prepare, run_file._insert
    generator = random.Random()

    def small(connection):
        prepare(connection)
        connection.execute("PRAGMA cache_size = 4")  # pages: others go into the file before the commit

    def slow(connection, news):
        insert(connection, news)
        if run_file.being_written:
            time.sleep(generator.random() * 0.02)

    run_file._prepare, run_file._insert = small, slow
    run, batch = begin(("loss", "accuracy")), 0
    run.begin_epoch(0)
    file = file_of(run, folder)
    while True:
        for _ in range(generator.choice([1, 50, 3000, 9000])):
            run.append(batch, {"loss": value(batch + 1), "accuracy": value(batch + 1, "accuracy")})
            batch += 1
        for number in range(generator.choice([1, 20])):
            run.add_event("applied", f"control {number}", 1.0, 2.0, "board", "x" * 400)
        file.commit(1.0)
        struct.pack_into("q", shared, 0, batch)
        if batch > 200_000:
            os._exit(0)


def killed(folder, generator):
    """A folder whose writer was killed; an older copy of its file; and how many batches it must have."""
    shared = mmap.mmap(-1, 8)
    process = os.fork()
    if not process:
        with contextlib.suppress(BaseException):
            child(folder, shared)
        os._exit(1)
    end = time.monotonic() + 60
    while not struct.unpack_from("q", shared)[0]:
        assert time.monotonic() < end
        time.sleep(0.001)
    time.sleep(generator.random() * 0.05)  # a random moment
    (path,) = folder.glob("*.sqlite")
    older = folder.parent / f"{folder.name}-older"
    older.mkdir()
    shutil.copy(path, older / path.name)
    before = struct.unpack_from("q", shared)[0]
    time.sleep(generator.random() * 0.1)
    os.kill(process, signal.SIGKILL)
    os.waitpid(process, 0)
    return path, older, before, struct.unpack_from("q", shared)[0]


def rows_of(path, least):
    run = Run.open(path)
    rows = run.batch_table.rows
    assert rows >= least
    assert run.step == rows
    for name in ("loss", "accuracy"):
        wanted = np.array([value(step + 1, name) for step in range(rows)], np.float32)
        np.testing.assert_array_equal(run.batch_table.column(name), wanted)
    assert not np.isnan(run.batch_table.seconds(0, rows)).any()
    assert len([event for event in run.events_list if event.name == "file"]) <= 1
    return rows


@contextlib.contextmanager
def read_only(folder):
    """A folder that nobody may write to, whoever runs the tests."""
    if os.geteuid():
        folder.chmod(0o555)
        yield
        folder.chmod(0o755)
        return
    if subprocess.run(["mount", "--bind", folder, folder], check=False).returncode:
        pytest.skip("no right to mount")
    try:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        yield
    finally:
        subprocess.run(["umount", folder], check=True)


def is_hot(path):
    beside = path.with_name(f"{path.name}-journal")
    return beside.exists() and beside.read_bytes()[:8] == journal.MAGIC


def test_a_commit_that_was_cut_short_never_was(tmp_path):
    generator, hot, put_back, changed, kills = random.Random(3), 0, 0, 0, 0
    while hot < HOT:
        kills += 1
        assert kills < MAX_KILLS
        path, older, before, committed = killed(tmp_path / str(kills), generator)
        if is_hot(path):
            hot += 1
            torn = path.read_bytes()
            fixed = tmp_path / f"{kills}-fixed" / path.name
            shutil.copytree(path.parent, fixed.parent)
            with read_only(path.parent):
                was = forge.fingerprint(path.parent)
                kept = rows_of(path, committed)
                assert forge.fingerprint(path.parent) == was  # nothing can be put back there
            # Where it can, it is. A commit that lacks nothing but its last word is there whole, until it is put back.
            there = rows_of(fixed, committed)
            assert committed <= there <= kept
            back = not is_hot(fixed)
            put_back += back
            assert back or fixed.read_bytes() == torn  # the journal was never finished: no page was written yet
            changed += fixed.read_bytes() != torn
            with contextlib.closing(sqlite3.connect(fixed)) as connection:
                assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            # The journal of a later commit is no business of an older copy.
            shutil.copy(f"{path}-journal", older / f"{path.name}-journal")
            was = forge.fingerprint(older)
            whole = rows_of(older / path.name, min(before, committed))
            same = forge.fingerprint(older) == was
            assert same or whole == there  # it was a copy of that very state
            shutil.rmtree(fixed.parent)
        shutil.rmtree(older)
        shutil.rmtree(path.parent)
    print(f"{hot} hot journals in {kills} kills; {put_back} were put back, {changed} with changed pages")
    assert put_back > HOT // 2
    assert changed > HOT // 4

"""What may go wrong while a run is kept, each done: training goes on, one event says so, and nothing kept is harmed."""

from __future__ import annotations

import contextlib
import mmap
import os
import pickle
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from kept import begin, file_of, train, value

import kcb_widgets as kcb
from kcb_widgets import Run
from kcb_widgets.store import keeper, liveness, run_file
from kcb_widgets.store.about import About
from kcb_widgets.store.keeper import Keeper

KILLS = 200


@pytest.fixture
def fast(monkeypatch):
    """Commits as often as can be."""
    monkeypatch.setattr(keeper, "INTERVAL_S", 0.005)
    monkeypatch.setattr(keeper, "MAX_INTERVAL_S", 0.02)
    monkeypatch.setattr(run_file, "LOCK_TIMEOUT_S", 0.02)


def until(condition, what):
    """Wait for something that comes for certain."""
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end, f"{what} did not come"
        time.sleep(0.002)


def messages(run):
    return [event.message for event in run.events_list if event.name == "keep"]


def kept_whole(run):
    """The file has every batch of the run, with its number."""
    opened = Run.open(run.path)
    rows = opened.batch_table.rows
    assert rows == run.batch_table.rows
    assert opened.step == run.step
    np.testing.assert_array_equal(opened.batch_table.column("loss"), run.batch_table.column("loss"))
    return opened


def start(run, folder):
    made = Keeper(run, Path(folder), About(name="a run"))
    made.start()
    return made


# -- SIGKILL -----------------------------------------------------------------------------------------------------------


def child(folder, shared):
    """Train until killed; say in shared memory how many batches the file must have."""
    run = begin()
    run.begin_epoch(0)
    file = file_of(run, folder)
    generator, batch = random.Random(), 0
    while True:
        for _ in range(generator.choice([1, 3, 100, 3000])):
            run.append(batch, {"loss": value(batch + 1)})
            batch += 1
        if generator.random() < 0.1:
            run.add_event("applied", "learning_rate", 1.0, 2.0, "board")
        file.commit(1.0)
        struct.pack_into("q", shared, 0, batch)


def test_a_killed_process_leaves_a_whole_file(tmp_path):
    shared = mmap.mmap(-1, 8)
    generator, seen = random.Random(1), []
    for number in range(KILLS):
        folder = tmp_path / str(number)
        struct.pack_into("q", shared, 0, 0)
        process = os.fork()
        if not process:
            with contextlib.suppress(BaseException):
                child(folder, shared)
            os._exit(1)
        until(lambda: struct.unpack_from("q", shared)[0], "a commit")
        time.sleep(generator.random() * 0.03)  # a random moment, not a wait for anything
        os.kill(process, signal.SIGKILL)
        os.waitpid(process, 0)
        (committed,) = struct.unpack_from("q", shared)
        (path,) = folder.glob("*.sqlite")
        run = Run.open(path)
        rows = run.batch_table.rows
        assert rows >= committed
        assert run.step == rows
        np.testing.assert_array_equal(
            run.batch_table.column("loss"), np.array([value(step + 1) for step in range(rows)], np.float32)
        )
        assert run.status == "interrupted"
        assert "its process ended" in run.message
        assert not [each for each in run.events_list if each.name == "file"]
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        seen.append(rows)
        shutil.rmtree(folder)
    assert len(set(seen)) > 10  # it was killed at different moments


def test_a_process_killed_before_its_first_commit_leaves_no_run(tmp_path):
    (tmp_path / ".20261128-115003-a-run-abcd.sqlite.part").write_bytes(b"half")
    assert kcb.runs(tmp_path).empty


# -- disks and folders -------------------------------------------------------------------------------------------------


def test_a_full_disk_stops_only_the_keeping_and_room_lets_it_go_on(tmp_path, fast):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "tmpfs", disk], check=False).returncode:
        pytest.skip("no right to mount")
    try:
        filler = disk / "filler"
        run = begin()
        train(run, 10)
        keep = start(run, disk / "runs")
        until(lambda: run.path, "the file")
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while file.write(bytes(4096)):
                pass
        train(run, 20_000, first=10)
        until(lambda: messages(run), "an event")
        assert messages(run) == ["the disk is full; it is tried again, and training goes on"]
        assert run.kept["trouble"] == "the disk is full"
        train(run, 10, first=20_010)
        before = Run.open(run.path)
        assert 0 < before.batch_table.rows < run.batch_table.rows
        filler.unlink()
        until(lambda: len(messages(run)) == 2, "an event")
        assert messages(run)[1] == "keeping goes on, and nothing is missing"
        run.finish("finished")
        assert keep.finish()
        kept_whole(run)
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def test_a_folder_that_cannot_be_written_to_is_one_event(tmp_path, fast):
    (tmp_path / "runs").write_text("a file where the folder should be")
    run = begin()
    train(run, 10)
    keep = start(run, tmp_path / "runs")
    until(lambda: messages(run), "an event")
    train(run, 10, first=10)
    (tmp_path / "runs").unlink()
    until(lambda: len(messages(run)) == 2, "an event")
    run.finish("finished")
    assert keep.finish()
    assert messages(run) == [
        "the folder cannot be written to (File exists); it is tried again, and training goes on",
        "keeping goes on, and nothing is missing",
    ]
    kept_whole(run)


def test_a_file_that_became_read_only_is_one_event(tmp_path, fast):
    if os.geteuid() == 0 and subprocess.run(["which", "chattr"], capture_output=True, check=False).returncode:
        pytest.skip("nothing is read-only for root")
    run = begin()
    train(run, 10)
    keep = start(run, tmp_path)
    until(lambda: run.path, "the file")
    lock = ["chattr", "+i"] if os.geteuid() == 0 else ["chmod", "400"]
    free = ["chattr", "-i"] if os.geteuid() == 0 else ["chmod", "600"]
    keep._turn.acquire()
    keep._file.close()
    done = subprocess.run([*lock, run.path], capture_output=True, check=False)
    keep._turn.release()
    if done.returncode:
        pytest.skip("this file system has no immutable files")
    try:
        train(run, 10, first=10)
        until(lambda: messages(run), "an event")
    finally:
        subprocess.run([*free, run.path], check=True)
    until(lambda: len(messages(run)) == 2, "an event")
    run.finish("finished")
    assert keep.finish()
    kept_whole(run)


def test_a_folder_that_vanishes_and_comes_back_has_everything(tmp_path, fast):
    run = begin()
    train(run, 10)
    keep = start(run, tmp_path / "runs")
    until(lambda: run.path, "the file")
    with keep._turn:
        (tmp_path / "runs").rename(tmp_path / "elsewhere")
    train(run, 10, first=10)
    until(lambda: messages(run), "an event")
    assert messages(run) == [
        "the folder cannot be written to (No such file or directory); it is tried again, and training goes on"
    ]
    train(run, 5000, first=20)
    (tmp_path / "elsewhere").rename(tmp_path / "runs")
    until(lambda: len(messages(run)) == 2, "an event")
    run.finish("finished")
    assert keep.finish()
    kept_whole(run)


def test_a_folder_that_vanishes_for_good_ends_the_fit_in_time(tmp_path, fast):
    run = begin()
    train(run, 10)
    keep = start(run, tmp_path / "runs")
    until(lambda: run.path, "the file")
    with keep._turn:
        shutil.rmtree(tmp_path / "runs")
    train(run, 10, first=10)
    run.finish("finished")
    assert keep.finish()
    assert len(messages(run)) == 1
    assert not (tmp_path / "runs").exists()


def test_a_deleted_file_stays_deleted(tmp_path, fast):
    run = begin()
    train(run, 10)
    keep = start(run, tmp_path)
    until(lambda: run.path, "the file")
    path = run.path
    with keep._turn:
        path.unlink()
    train(run, 10, first=10)
    until(lambda: messages(run), "an event")
    train(run, 5000, first=20)
    run.finish("finished")
    assert keep.finish()
    assert messages(run) == [f"{path.name} was deleted, so this run is no longer kept"]
    assert list(tmp_path.iterdir()) == []


def test_a_file_put_in_the_place_of_another_is_not_written_to(tmp_path, fast):
    run, other = begin(), begin()
    for each in (run, other):
        train(each, 10)
    file = file_of(other, tmp_path / "other")
    file.commit(1.0)
    file.close()
    keep = start(run, tmp_path)
    until(lambda: run.path, "the file")
    with keep._turn:
        shutil.copy(file.path, tmp_path / "copy")
        os.replace(tmp_path / "copy", run.path)
    train(run, 10, first=10)
    until(lambda: messages(run), "an event")
    run.finish("finished")
    assert keep.finish()
    assert messages(run) == [f"{run.path.name} is another run's, so this run is no longer kept"]
    assert run.path.read_bytes() == file.path.read_bytes()


# -- other processes ---------------------------------------------------------------------------------------------------


def test_a_lock_of_another_process_is_waited_for(tmp_path, fast):
    run = begin()
    train(run, 10)
    keep = start(run, tmp_path)
    until(lambda: run.path, "the file")
    with contextlib.closing(sqlite3.connect(run.path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        train(run, 10, first=10)
        until(lambda: messages(run), "an event")
        assert messages(run) == ["another process holds a lock on the file; it is tried again, and training goes on"]
        other.execute("ROLLBACK")
    until(lambda: len(messages(run)) == 2, "an event")
    run.finish("finished")
    assert keep.finish()
    kept_whole(run)


def test_readers_and_the_writer_do_not_disturb_each_other(tmp_path, fast):
    run = begin()
    train(run, 10)
    keep = start(run, tmp_path)
    until(lambda: run.path, "the file")
    over, rows, wrong = threading.Event(), [], []

    def read():
        while not over.is_set():
            try:
                opened = Run.open(run.path)
                opened.batch_table.column("loss")
                rows.append(opened.batch_table.rows)
            except Exception as error:
                wrong.append(error)

    readers = [threading.Thread(target=read) for _ in range(2)]
    for reader in readers:
        reader.start()
    for first in range(10, 20_000, 50):
        train(run, 50, first=first)
        time.sleep(0.001)
    over.set()
    for reader in readers:
        reader.join()
    run.finish("finished")
    assert keep.finish()
    assert not wrong
    assert len(set(rows)) > 3
    assert not [each for each in messages(run) if "lock" not in each and "goes on" not in each]
    kept_whole(run)


def test_two_processes_keep_into_one_folder(tmp_path):
    children = []
    for _ in range(4):
        process = os.fork()
        if not process:
            code = 1
            try:
                for _ in range(5):
                    run = begin()
                    train(run, 30)
                    file = file_of(run, tmp_path / "runs", name="the same")
                    file.commit(1.0)
                    run.finish("finished")
                    file.commit(1.0, whole=True)
                    file.close()
                code = 0
            finally:
                os._exit(code)
        children.append(process)
    assert [os.waitpid(process, 0)[1] for process in children] == [0] * 4
    found = kcb.runs(tmp_path / "runs")
    assert len(found) == 20
    assert set(found.status) == {"finished"}
    assert set(found.batches) == {30}


def test_the_same_name_twice_is_two_files(tmp_path, monkeypatch):
    letters = iter(["abcd", "abcd", "abcd", "wxyz"])
    monkeypatch.setattr(run_file, "file_name", lambda started, name: f"20261128-115003-{name}-{next(letters)}.sqlite")
    for _ in range(2):
        run = begin()
        train(run, 3)
        file = file_of(run, tmp_path, name="same")
        file.commit(1.0)
        file.close()
    assert sorted(path.name[-11:-7] for path in tmp_path.iterdir()) == ["abcd", "wxyz"]


def test_a_fork_keeps_nothing_and_harms_nothing(tmp_path, fast):
    run = begin()
    train(run, 10)
    keep = start(run, tmp_path)
    until(lambda: run.path, "the file")
    process = os.fork()
    if not process:
        code = 1
        try:
            train(run, 500, first=10)
            run.finish("finished")
            keep.finish()
            keep.update()
            code = 0 if run.kept is None else 2
        finally:
            os._exit(code)
    train(run, 20, first=10)
    assert os.waitpid(process, 0)[1] == 0
    run.finish("finished")
    assert keep.finish()
    assert kept_whole(run).batch_table.rows == 30


def test_a_finished_run_that_was_kept_can_be_pickled(tmp_path, fast):
    run = begin()
    train(run, 10)
    keep = start(run, tmp_path)
    run.finish("finished")
    assert keep.finish()
    copy = pickle.loads(pickle.dumps(run))
    assert copy.path == run.path
    assert copy.batch_table.rows == 10
    again = pickle.loads(pickle.dumps(Run.open(run.path)))
    assert again.reopened
    assert again.batch_table.rows == 10


# -- liveness ----------------------------------------------------------------------------------------------------------


def test_who_writes_decides_whether_a_run_lives():
    here, judge = liveness.this_process(), liveness.Judge()
    now = 1_000_000.0
    said = lambda writer, heard: judge.judge(writer, heard, 1.0, now)[0]  # noqa: E731
    assert said(here, now) == "running"
    assert said(here, now - 3600) == "silent"
    other = liveness.WritingProcess(here.host, here.boot, here.process, here.started - 100)
    assert said(other, now) == "interrupted"  # its number was given to another process
    assert said(liveness.WritingProcess(here.host, "another boot", here.process, here.started), now) == "interrupted"
    assert said(liveness.WritingProcess("another host", here.boot, here.process, here.started), now) == "unknown"
    assert said(liveness.WritingProcess(here.host, here.boot, here.process, None), now) == "unknown"


def test_a_live_run_is_heard_of_while_nothing_happens(tmp_path, fast, monkeypatch):
    monkeypatch.setattr(keeper, "BEAT_S", 0.01)
    run = begin()
    train(run, 3)
    keep = start(run, tmp_path)
    until(lambda: run.path, "the file")
    (first,) = kcb.runs(tmp_path).status
    with contextlib.closing(sqlite3.connect(run.path)) as connection:
        ask = "SELECT max(heard) FROM summary"
        (before,) = connection.execute(ask).fetchone()
        until(lambda: connection.execute(ask).fetchone()[0] > before, "a sign of life")
    assert first == "running"
    run.finish("finished")
    assert keep.finish()
    assert list(kcb.runs(tmp_path).status) == ["finished"]

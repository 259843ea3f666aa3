"""A run that was kept is gone on with: in memory as it was, in the same file, and by one process alone."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import sqlite3
import time

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from kept import Play, begin, file_of, train, value
from same_run import assert_same_run

from kcb_widgets import Run
from kcb_widgets.record.table import CHUNK, Table
from kcb_widgets.store import liveness, resume
from kcb_widgets.store.about import About
from kcb_widgets.store.resume import CannotResume
from kcb_widgets.store.rows import sealed
from kcb_widgets.store.run_file import Gone, RunFile
from kcb_widgets.store.schema import COVERED

pytestmark = pytest.mark.timeout(1500)  # many files, on a machine that may do other things

KILLS = 60
RACES = 15
RACERS = 6


def go_on(path, trusted=False):
    """Go on with a run; gives it and its file."""
    kept, run = resume.read(path, trusted), Run()
    run.go_on_from(kept.run, kept.away)
    run.status = "running"
    return run, resume.take(kept, run, path, About(name=run.name), 1.0, trusted)


@pytest.fixture
def dead(monkeypatch):
    """Every process that wrote a file is taken for dead."""
    monkeypatch.setattr(liveness.Judge, "judge", lambda *_: ("interrupted", "its process ended"))


def kept_run(folder, batches=100, status=""):
    """A file of a run that trained some batches."""
    run = begin()
    train(run, batches)
    file = file_of(run, folder)
    if status:
        run.finish(status)
    file.commit(1.0, whole=bool(status))
    file.close()
    return run, file.path


def in_child(work):
    """Do something in a process of its own that ends without a word; gives its number."""
    process = os.fork()
    if not process:
        with contextlib.suppress(BaseException):
            work()
            os._exit(0)
        os._exit(1)
    return process


def end_of(process):
    return os.waitstatus_to_exitcode(os.waitpid(process, 0)[1])


# -- what is in memory -------------------------------------------------------------------------------------------------


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32))
@example(340)  # its loss is first finite after its accuracy
def test_a_run_goes_on_as_if_nothing_had_been(tmp_path_factory, seed):
    play = Play(seed)
    play.train()
    file = file_of(play.run, tmp_path_factory.mktemp("runs"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(liveness.Judge, "judge", lambda *_: ("interrupted", "its process ended"))
        for _ in range(3):
            for _ in range(10):
                play.act()
                if play.random.random() < 0.4:
                    file.commit(1.0)
            before, whole = play.run, play.random.random() < 0.5
            file.commit(1.0, whole=whole)
            file.close()
            play.run, file = go_on(file.path)
            assert all(isinstance(getattr(play.run, name), Table) for name in ("_batch_table", "epoch_table"))
            assert_same_run(before, play.run, state=False)
            assert play.run.epoch == before.epoch
            assert play.run.bests == before.bests or before.branches
            assert not whole or not [each for each in before.nonfinite if each not in play.run.nonfinite]
            assert {name: np.float32(each) for name, each in play.run.values.items()}.items() >= {
                name: np.float32(each) for name, each in before.values.items()
            }.items() or any(np.isnan(each) for each in before.values.values())
            if play.random.random() < 0.5 and play.run.step:
                play.run.resuming.step = play.random.randrange(play.run.step + 3)
            play.run.steps_per_execution, play.batch = before.steps_per_execution, 0
            play.run.begin_epoch(play.epoch)
        for _ in range(10):
            play.act()
    play.run.finish("finished")
    file.commit(1.0, whole=True)
    file.close()
    kept = Run.open(file.path)
    assert_same_run(play.run, kept)
    assert kept.counts == play.run.counts
    assert kept.sittings == play.run.sittings
    assert len(kept.sittings) == 3
    assert (np.diff(kept.batch_table.steps(0, kept.batch_table.rows)) > 0).all()
    assert (np.diff(kept.epoch_at(np.arange(kept.step + 1.0))) >= 0).all()
    assert not [each for each in kept.events_list if each.name == "file"]


def test_a_long_run_goes_on_across_chunks(tmp_path, dead):
    run = begin(("loss", "accuracy"), steps=10_000, epochs=100)
    file = file_of(run, tmp_path)
    for epoch in range(14):
        train(run, 10_000, ("loss", "accuracy"), epoch)
        run.end_epoch(epoch, {"loss": value(epoch)})
        file.commit(1.0)
    file.close()
    assert run.batch_table.rows > 2 * CHUNK
    again, file = go_on(file.path)
    again.params = run.params
    assert_same_run(run, again, atol=1e-4)
    blocks = again.blocks._blocks
    assert blocks == 2 * CHUNK // 64  # they are not made again
    again.resuming.step, again.params = 135_000, {}
    train(again, 70_000, ("loss", "accuracy"), 13)
    again.finish("finished")
    file.commit(1.0, whole=True)
    file.close()
    kept = Run.open(file.path)
    assert_same_run(again, kept, atol=1e-4)
    assert kept.branches == [{"from": 135_000, "to": 140_000}]
    assert kept.step == 210_000
    with contextlib.closing(sqlite3.connect(file.path)) as connection:
        assert connection.execute("SELECT max(version) FROM block").fetchone() == (0,)
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_what_a_killed_process_had_not_written_yet_is_known_by_its_rows(tmp_path, dead):
    run = begin()
    train(run, 10)
    run.set_value("learning_rate", 0.1)
    file = file_of(run, tmp_path)
    file.commit(1.0)  # documents are not written again for some time
    for epoch in range(3):
        if epoch:
            train(run, 10, epoch=epoch)
        run.end_epoch(epoch, {"loss": 3.0 - epoch})
    run.append(10, {"loss": float("nan")})
    run.set_value("learning_rate", 0.3)
    file.commit(1.0)
    file.close()
    assert Run.open(file.path).epoch == 0
    again, file = go_on(file.path)
    assert again.epoch == 2
    assert again.bests[0]["value"] == 1.0
    assert again.bests == run.bests
    assert np.float32(again.values["learning_rate"]) == np.float32(0.3)
    assert [(each["name"], each["step"]) for each in again.nonfinite] == [("loss", 31)]
    assert not [each for each in again.events_list if each.kind == "nan"]
    file.close()


def test_time_adds_up_and_what_was_between_is_no_part_of_it(tmp_path, dead):
    run, path = kept_run(tmp_path)
    began, started = run.seconds, run.started
    again, file = go_on(path)
    assert began - 0.5 < again.seconds < began + 5
    assert again.started == started
    train(again, 10, epoch=1)
    seconds = again.batch_table.seconds(0, again.batch_table.rows)
    assert (np.diff(seconds) >= -1e-6).all()
    assert again.sittings[0][1] <= seconds[-10]
    file.close()


def test_steps_after_the_restored_one_are_left_behind_and_none_comes_twice(tmp_path, dead):
    _, path = kept_run(tmp_path)
    again, file = go_on(path)
    again.resuming.step = 60
    train(again, 50, epoch=1)
    assert again.branches == [{"from": 60, "to": 100}]
    frame = again.batches
    assert list(frame.index) == list(range(1, 151))
    assert list(frame.index[frame.abandoned]) == list(range(61, 101))
    (event,) = [each for each in again.events_list if each.kind == "resumed"]
    assert (event.step, event.epoch, event.name, event.old, event.new) == (100, 1, "run", 100, 60)
    assert event.message.startswith("from step 60 of 100, after 0:00:0")
    assert event.message.endswith(" away; its process had ended")
    file.close()


def test_a_model_that_got_further_than_the_file_goes_on_from_there(tmp_path, dead):
    _, path = kept_run(tmp_path)
    again, file = go_on(path)
    again.resuming.step = 130
    train(again, 5, epoch=1)
    assert not again.branches
    assert list(again.batches.index[-6:]) == [100, 131, 132, 133, 134, 135]
    assert again.events_list[-1].message.endswith("steps 101 to 130 were not kept")
    file.close()


def test_what_cannot_be_known_is_said_and_nothing_is_left_behind(tmp_path, dead):
    _, path = kept_run(tmp_path)
    again, file = go_on(path)
    again.resuming.why = "the model has no optimizer"
    train(again, 5, epoch=1)
    assert not again.branches
    assert again.step == 105
    assert "abandoned" not in again.batches
    assert (
        "cannot be known from which step, so it goes on after step 100: the model has" in again.events_list[-1].message
    )
    file.close()


def test_a_fit_that_begins_no_epoch_goes_on_too(tmp_path, dead):
    _, path = kept_run(tmp_path)
    again, file = go_on(path)
    for batch in range(3):
        again.append(batch, {"loss": 1.0})
    assert again.step == 103
    assert again.events_list[-1].kind == "resumed"
    file.close()
    _, path = kept_run(tmp_path)
    again, file = go_on(path)
    again.finish("finished")  # nothing was left to train
    assert [each.kind for each in again.events_list[-2:]] == ["resumed", "status"]
    assert again.step == 100
    file.close()


# -- one process alone -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("signalled", [None, signal.SIGSTOP])
def test_a_run_whose_process_lives_is_refused_though_it_stands_still(tmp_path, signalled):
    read, write = os.pipe()

    def live():
        run = begin()
        train(run, 10)
        file_of(run, tmp_path).commit(1.0)
        os.write(write, b"1")
        signal.pause()

    process = in_child(live)
    try:
        assert os.read(read, 1) == b"1"
        (path,) = tmp_path.glob("*.sqlite")
        if signalled:
            os.kill(process, signalled)
            with contextlib.closing(sqlite3.connect(path)) as connection:
                heard = connection.execute("SELECT heard FROM summary").fetchone()[0]
            assert liveness.Judge().judge(_writer(path), heard, 1.0, heard + 1e6)[0] == "silent"
        with pytest.raises(CannotResume, match="it trains in another process"):
            resume.read(path, trusted=True)
    finally:
        os.kill(process, signal.SIGKILL)
        end_of(process)
    run, file = go_on(path)
    assert run.step == 10
    file.close()


def _writer(path):
    with contextlib.closing(sqlite3.connect(path)) as connection:
        return liveness.WritingProcess(
            *connection.execute("SELECT host, boot, process, process_started FROM about").fetchone()
        )


def test_of_many_that_go_on_at_once_one_does(tmp_path):
    for number in range(RACES):
        folder = tmp_path / str(number)
        assert end_of(in_child(lambda folder=folder: kept_run(folder, 40))) == 0
        (path,) = folder.glob("*.sqlite")
        ready, go = os.pipe(), os.pipe()
        won, hold = os.pipe(), os.pipe()

        def race(path=path, ready=ready, go=go, won=won, hold=hold):
            os.write(ready[1], b"1")
            os.read(go[0], 1)
            try:
                run, file = go_on(path)
            except CannotResume as why:
                said = str(why)
                assert any(each in said for each in ("another process", "is locked")), said
                os.write(won[1], b"0")
            else:
                train(run, 25, epoch=1)
                file.commit(1.0)
                os.write(won[1], b"1")
            os.read(hold[0], 1)  # live on: a process that ended may be gone on from

        racers = [in_child(race) for _ in range(RACERS)]
        for _ in racers:
            os.read(ready[0], 1)
        os.write(go[1], b"1" * RACERS)
        outcomes = b"".join(os.read(won[0], 1) for _ in racers)
        assert sorted(outcomes) == sorted(b"0" * (RACERS - 1) + b"1"), outcomes
        os.write(hold[1], b"1" * RACERS)
        assert [end_of(each) for each in racers] == [0] * RACERS
        run = Run.open(path)
        assert run.batch_table.rows == 65
        assert len(run.sittings) == 1
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        for pipe in (ready, go, won, hold):
            for end in pipe:
                os.close(end)


def test_a_process_that_was_taken_for_dead_writes_no_more(tmp_path, dead):
    old = begin()
    train(old, 50)
    file = file_of(old, tmp_path)
    file.commit(1.0)
    new, taken = go_on(file.path)
    train(old, 50, first=50)
    with pytest.raises(Gone, match="another"):
        file.commit(1.0)
    train(new, 10, epoch=1)
    taken.commit(1.0)
    with pytest.raises(Gone, match="another"):
        file.commit(1.0)
    taken.close()
    assert_same_run(new, Run.open(file.path), state=False)


def test_a_kill_while_it_is_taken_leaves_it_whole(tmp_path):
    generator, taken = random.Random(2), 0
    assert end_of(in_child(lambda: kept_run(tmp_path, 300))) == 0
    (path,) = tmp_path.glob("*.sqlite")
    rows = 300
    read, write = os.pipe()

    def work():
        kept, run = resume.read(path, trusted=False), Run()
        run.go_on_from(kept.run, kept.away)
        run.status = "running"
        os.write(write, b"1")
        file = resume.take(kept, run, path, About(name="a run"), 1.0, False)
        batch = 0
        while True:
            train(run, 3, epoch=run.epoch + (batch == 0), first=batch)
            file.commit(1.0)
            batch += 3

    for _ in range(KILLS):
        process = in_child(work)
        assert os.read(read, 1) == b"1"
        time.sleep(generator.random() * 0.012)  # a random moment, not a wait for anything
        os.kill(process, signal.SIGKILL)
        assert end_of(process) == -signal.SIGKILL
        run = Run.open(path)
        assert run.status == "interrupted"
        assert run.batch_table.rows >= rows
        assert not [each for each in run.events_list if each.name == "file"]
        rows, taken = run.batch_table.rows, len(run.sittings)
        steps = run.batch_table.steps(0, rows)
        assert (np.diff(steps) > 0).all()
        assert steps[-1] == run.step
        with contextlib.closing(sqlite3.connect(path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert 0 < taken <= KILLS
    os.close(read)
    os.close(write)


# -- what cannot be gone on with ---------------------------------------------------------------------------------------


def change(path, table, **values):
    """Change every row of a table as somebody would who knows its checksum."""
    covered = COVERED[table]
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        for row in connection.execute(f"SELECT {', '.join(covered)} FROM {table}").fetchall():
            now = {**dict(zip(covered, row, strict=True)), **values}
            made = sealed(now["run"], table, now["id"], *(now[name] for name in covered[2:]))
            columns = ", ".join(f"{name} = ?" for name in covered[1:])
            connection.execute(f"UPDATE {table} SET {columns} WHERE id = ?", (*made[1:], made[0]))


def test_a_run_of_another_machine_needs_somebody_to_say_that_its_process_has_ended(tmp_path):
    _, path = kept_run(tmp_path)
    change(path, "about", host="elsewhere")
    with pytest.raises(CannotResume, match=r"from another machine; if its process has ended, name its file"):
        resume.read(path, trusted=False)
    run, file = go_on(path, trusted=True)
    assert run.resuming.away.endswith("another machine trained it")
    file.close()
    assert _writer(path).host == liveness.this_process().host


def test_a_damaged_file_is_left_as_it_is(tmp_path, dead):
    _, path = kept_run(tmp_path)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        (data,) = connection.execute("SELECT data FROM chunk").fetchone()
        connection.execute("UPDATE chunk SET data = ?", (data[:-1] + bytes([data[-1] ^ 1]),))
    before = path.read_bytes()
    with pytest.raises(CannotResume, match="damaged"):
        resume.read(path, trusted=False)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"", b"no database", b"SQLite format 3\0" + bytes(200)])
def test_what_is_no_run_file_is_none(tmp_path, content):
    path = tmp_path / "a.sqlite"
    path.write_bytes(content)
    with pytest.raises(CannotResume, match="no run file"):
        resume.read(path, trusted=True)
    with pytest.raises(CannotResume, match="no run file"):
        resume.last(tmp_path, None)  # it may have been the last
    with pytest.raises(CannotResume, match="there is no"):
        resume.read(tmp_path / "b.sqlite", trusted=True)


def test_a_file_that_cannot_be_written_is_refused_and_let_go(tmp_path, dead, monkeypatch):
    _, path = kept_run(tmp_path)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(CannotResume, match="locked"):
            resume.read(path, trusted=False)
    kept, run = resume.read(path, trusted=False), Run()
    run.go_on_from(kept.run, kept.away)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(CannotResume, match="locked"):
            resume.take(kept, run, path, About(), 1.0, False)
    run, file = go_on(path)
    file.close()


def test_the_last_run_is_the_one_that_was_heard_of_last(tmp_path, dead):
    paths = {}
    for name, heard in (("a", 30.0), ("b", 50.0), ("b", 40.0), ("c d", 20.0)):
        run = begin()
        train(run, 3)
        file = RunFile(run, tmp_path, About(name=name))
        file.commit(1.0)
        file.close()
        change(file.path, "summary", heard=heard)
        paths[name, heard] = file.path
    assert resume.last(tmp_path, None)[0] == paths["b", 50.0]
    assert resume.last(tmp_path, "a")[0] == paths["a", 30.0]
    assert resume.last(tmp_path, "c d")[0] == paths["c d", 20.0]
    assert resume.last(tmp_path, "x") is None
    assert resume.last(tmp_path / "nowhere", None) is None
    paths["a", 30.0].write_bytes(b"broken")
    with pytest.raises(CannotResume):
        resume.last(tmp_path, "a")
    assert resume.last(tmp_path, "b")[0] == paths["b", 50.0]  # another's file is nothing to it

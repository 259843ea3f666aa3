"""Run files are found by id and name, and put away and back, never one that is still written."""

from __future__ import annotations

import os
import shutil
import time

import pytest
from kept import begin, file_of, train

import kcb_widgets as kcb
from kcb_widgets.store import bin as bins
from kcb_widgets.store import liveness
from kcb_widgets.store.find import Ambiguous, find


def made(folder, name="a run", status="finished"):
    """A run and its file."""
    run = begin()
    train(run, 5)
    if status:
        run.finish(status)
    file = file_of(run, folder, name=name)
    file.commit(1.0, whole=True)
    file.close()
    return run, file.path


def test_a_run_is_found_by_path_id_name_and_file(tmp_path):
    run, path = made(tmp_path, "digits")
    other, _ = made(tmp_path, "letters")
    for what in (str(path), run.id, run.id[:4], "digits", path.name, path.stem):
        assert find(what, tmp_path) == path, what
    shutil.copy(path, tmp_path / "copy.sqlite")  # a copy is the same run
    assert find(run.id, tmp_path).name in ("copy.sqlite", path.name)
    for what in ("nothing", run.id[:2], "", str(tmp_path / "none.sqlite"), "none.sqlite"):
        with pytest.raises(FileNotFoundError, match=r"no run in|there is no file"):
            find(what, tmp_path)
    with pytest.raises(FileNotFoundError, match="no folder"):
        find("digits", tmp_path / "none")
    made(tmp_path, "letters")
    with pytest.raises(Ambiguous, match=f"2 runs in .* are called 'letters'; say which by its id: .*{other.id}"):
        find("letters", tmp_path)


def test_what_is_put_away_is_no_run_of_the_folder_and_comes_back(tmp_path):
    run, path = made(tmp_path)
    (tmp_path / f"{path.name}-journal").write_bytes(b"")
    moved = bins.put(path)
    assert moved == tmp_path / ".bin" / path.name
    assert len(kcb.runs(tmp_path)) == 0
    assert kcb.Run.open(moved).id == run.id
    assert bins.restore(moved) == path
    assert (tmp_path / f"{path.name}-journal").exists()
    assert list(kcb.runs(tmp_path).index) == [run.id]


def test_a_name_that_is_taken_gets_a_number(tmp_path):
    _, path = made(tmp_path)
    (tmp_path / ".bin").mkdir()
    (tmp_path / ".bin" / path.name).write_bytes(b"another")
    assert bins.put(path).name == f"{path.stem}-2.sqlite"
    assert (tmp_path / ".bin" / path.name).read_bytes() == b"another"


def test_a_live_run_stays(tmp_path, monkeypatch):
    _, path = made(tmp_path, status=None)
    with pytest.raises(bins.StillWritten, match="it trains in another process"):
        bins.put(path)
    elsewhere = liveness.WritingProcess("another", "", 1, None)
    monkeypatch.setattr(liveness, "this_process", lambda: elsewhere)
    with pytest.raises(bins.StillWritten, match="it may train on another machine"):
        bins.put(path)
    now = time.time()
    monkeypatch.setattr(bins.time, "time", lambda: now + 2 * bins.ELSEWHERE_S)
    assert bins.put(path).exists()


def test_a_run_that_this_process_writes_stays(tmp_path):
    run = begin()
    train(run, 5)
    file = file_of(run, tmp_path)
    file.commit(1.0)
    train(run, 5, first=5)
    file.commit(1.0)
    with pytest.raises(bins.StillWritten, match="this process writes it"):
        bins.put(file.path)
    file.close()


def test_what_cannot_be_read_may_be_put_away_unless_it_is_new(tmp_path):
    path = tmp_path / "bad.sqlite"
    path.write_bytes(b"no database")
    with pytest.raises(bins.StillWritten, match="written to just now, and cannot be read"):
        bins.put(path)
    os.utime(path, (1, 1))
    assert bins.put(path).exists()
    for name in ("notes.txt", ".hidden.sqlite"):
        (tmp_path / name).write_text("mine")
        with pytest.raises(bins.StillWritten, match="it is no run file"):
            bins.put(tmp_path / name)
    with pytest.raises(FileNotFoundError):
        bins.put(tmp_path / "none.sqlite")
    with pytest.raises(ValueError, match=r"is in no folder \.bin"):
        bins.restore(tmp_path / "notes.txt")

"""A file that is whole is found whole, and one with a changed byte or a missing page is not."""

from __future__ import annotations

import random
import re
import sqlite3
from contextlib import closing

import pytest
from kept import begin, file_of, train

from kcb_widgets.record.table import CHUNK
from kcb_widgets.store.check import check, check_folder


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A file with chunks, blocks and documents."""
    run = begin(("loss", "accuracy"))
    file = file_of(run, tmp_path_factory.mktemp("runs"))
    train(run, CHUNK + 100, ("loss", "accuracy"))
    run.end_epoch(0, {"loss": 1.0})
    run.finish("finished")
    file.commit(1.0, whole=True)
    file.close()
    return file.path


def changed(whole, folder, *statements):
    """A copy in which something was changed, as its file tells it."""
    path = folder / "changed.sqlite"
    path.write_bytes(whole.read_bytes())
    with closing(sqlite3.connect(path)) as connection, connection:
        for sql in statements:
            connection.execute(sql)
    return path


def test_a_whole_file_is_whole_and_is_not_touched(whole):
    before = whole.read_bytes(), whole.stat().st_mtime_ns
    found = check(whole)
    assert found.problems == ()
    assert found.counts["chunk"] >= 3
    assert found.counts["block"] >= 3
    assert (whole.read_bytes(), whole.stat().st_mtime_ns) == before


@pytest.mark.parametrize(
    ("sql", "why"),
    [
        (
            "UPDATE chunk SET data = zeroblob(length(data)) WHERE id = 1",
            "rows 0 to .*: their times, loss, accuracy|rows 0",
        ),
        ("UPDATE chunk SET data = x'00' WHERE id = 1", "chunk 1: a chunk of .* rows has 1 bytes"),
        (
            "UPDATE block SET crc = crc + 1 WHERE id = 2",
            "1 of .* rows of block are missing or not what was written, from 2",
        ),
        (
            "UPDATE document SET json = '{}' WHERE id = 1",
            "1 of .* rows of document are missing or not what was written, from 1",
        ),
        ("DELETE FROM chunk WHERE id = 1", "missing"),
        ("DELETE FROM event WHERE id = 1", "1 of . rows of event are missing"),
        ("UPDATE summary SET step = step + 1", "its summary is not what was written"),
        ("DELETE FROM about", "what it says of its run"),
        ("CREATE VIEW mine AS SELECT 1", "is no run file"),
    ],
)
def test_what_was_changed_is_said(whole, tmp_path, sql, why):
    found = check(changed(whole, tmp_path, sql))
    assert found.problems
    assert any(re.search(why, problem) for problem in found.problems), found.problems


def test_any_damage_is_found_or_does_no_harm(whole, tmp_path):
    data, generator, found = whole.read_bytes(), random.Random(5), 0
    path = tmp_path / "damaged.sqlite"
    for _ in range(40):
        at = generator.randrange(len(data) - 64)
        path.write_bytes(data[:at] + generator.randbytes(64) + data[at + 64 :])
        found += bool(check(path).problems)
    assert found >= 35  # the rest lies where nothing is
    for cut in (0, 50, 100, 8192, len(data) // 2, len(data) - 1):
        path.write_bytes(data[:cut])
        assert check(path).problems, cut


def test_a_folder_is_checked_file_by_file(whole, tmp_path):
    (tmp_path / "a.sqlite").write_bytes(whole.read_bytes())
    (tmp_path / "b.sqlite").write_bytes(b"no database")
    (tmp_path / "c.txt").write_bytes(b"not looked at")
    first, second = check_folder(tmp_path)
    assert (first.path.name, first.problems) == ("a.sqlite", ())
    assert "is no run file" in second.problems[0]
    with pytest.raises(FileNotFoundError):
        check(tmp_path / "none.sqlite")

"""Files made to do harm: nothing of theirs runs, nothing is written, and neither time nor memory runs out."""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import struct
import time

import forge
import pytest
from reading import measured, read_all, refused

import kcb_widgets as kcb
from kcb_widgets import Run
from kcb_widgets.store import liveness
from kcb_widgets.store.edit import edit
from kcb_widgets.store.reader import NotARunFile
from kcb_widgets.store.schema import PAGE_SIZE, TABLES

pytestmark = pytest.mark.timeout(1500)  # many files, on a machine that may do other things

BOMB = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"


SQL = (
    "ATTACH 'x.sqlite' AS x", "SELECT load_extension('x')", "PRAGMA journal_mode = WAL", "DELETE FROM event", "VACUUM",
    "SELECT * FROM sqlite_master", "SELECT * FROM pragma_table_info('event')", "CREATE TEMP TABLE t (a)",
    "SELECT randomblob(1000000000)", "SELECT * FROM json_each('[1]')",
)  # fmt: skip


# -- what a database can run -------------------------------------------------------------------------------------------

EXTRA = {
    "a view": f"CREATE VIEW v AS {BOMB}",
    "a trigger": f"CREATE TRIGGER t AFTER INSERT ON event BEGIN {BOMB}; END",
    "an index with a function": "CREATE INDEX i ON event (abs(step))",
    "a text index": "CREATE VIRTUAL TABLE f USING fts5(a)",
    "a space index": "CREATE VIRTUAL TABLE r USING rtree(a, b, c)",
    "a table of pages": "CREATE VIRTUAL TABLE d USING dbstat",
    "another table": "CREATE TABLE more (id INTEGER PRIMARY KEY)",
    "statistics": "CREATE TABLE sqlite_stat1 (tbl, idx, stat)",
}


@pytest.mark.parametrize("sql", EXTRA.values(), ids=EXTRA)
def test_a_schema_with_more_than_ours_is_refused(path, reader, sql):
    with forge.opened(path) as connection:
        kind = sql.split()[1].lower().replace("virtual", "table")
        connection.execute("INSERT INTO sqlite_master VALUES (?, 'more', 'event', 0, ?)", (kind, sql))
    refused(reader, path, "its tables are others")


INSTEAD = {
    "a view": f"CREATE VIEW summary AS {BOMB}",
    "a generated column": "CREATE TABLE summary (id INTEGER PRIMARY KEY, crc INTEGER AS (abs(id)))",
    "a check": "CREATE TABLE summary (id INTEGER PRIMARY KEY CHECK (load_extension('x')), crc INTEGER)",
    "no rowid": TABLES["summary"] + " WITHOUT ROWID",
    "a text index": "CREATE VIRTUAL TABLE summary USING fts5(id, crc)",
    "a default": "CREATE TABLE summary (id INTEGER PRIMARY KEY, crc INTEGER DEFAULT (randomblob(1000000000)))",
}


@pytest.mark.parametrize("sql", INSTEAD.values(), ids=INSTEAD)
def test_one_of_our_tables_as_something_else_is_refused(path, reader, sql):
    with forge.opened(path) as connection:
        connection.execute("UPDATE sqlite_master SET sql = ? WHERE name = 'summary'", (sql,))
    refused(reader, path, "its tables are others")


MASTER = {
    "another table's pages": (
        "rootpage",
        "(SELECT rootpage FROM sqlite_master WHERE name = 'epoch')",
        "list of tables",
    ),
    "the page of the schema": ("rootpage", "1", "list of tables"),
    "no page": ("rootpage", "0", "list of tables"),
    "a negative page": ("rootpage", "-3", "list of tables"),
    "a text for a page": ("rootpage", "'x'", "list of tables"),
    "a view of our words": ("type", "'view'", "others"),
    "an index of our words": ("type", "'index'", "others"),
    "another table's name": ("tbl_name", "'epoch'", "others"),
    "no words": ("sql", "NULL", "others"),
    "words and more": ("sql", "sql || ' -- '", "others"),
}


@pytest.mark.parametrize(("column", "value", "words"), MASTER.values(), ids=MASTER)
def test_a_forged_list_of_tables_is_refused(path, reader, column, value, words):
    with forge.opened(path) as connection:
        connection.execute(f"UPDATE sqlite_master SET {column} = {value} WHERE name = 'event'")
    refused(reader, path, words)


def test_tables_whose_pages_are_exchanged_or_beyond_the_file_have_no_rows(path, reader):
    a, b = forge.root(path, "event"), forge.root(path, "epoch")
    for one, other in ((a, b), (9_000_000, b), (a, 4_000_000_000)):
        with forge.opened(path) as connection:
            connection.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = 'epoch'", (one,))
            connection.execute("UPDATE sqlite_master SET rootpage = ? WHERE name = 'event'", (other,))
        found = reader(path)
        assert found == [] or isinstance(found, str)  # its rows are on their leaves all the same


def test_a_tree_of_pages_that_leads_in_circles_ends(path, reader):
    for table in ("event", "chunk", "mark", "summary"):
        copy = path.parent / f"{table}.sqlite"
        shutil.copy(path, copy)
        page = forge.root(copy, table)
        forge.write_page(copy, page, forge.interior([page] * 900, range(1, 901)))
        assert reader(copy) is not None
        leaf = forge.root(copy, "epoch")
        forge.write_page(copy, page, forge.interior([leaf] * 900, [5] * 900))
        forge.recount(path, event=10_000)
        assert reader(copy) is not None


# -- what lies beside --------------------------------------------------------------------------------------------------

JOURNAL = bytes.fromhex("d9d505f920a163d7")


def journal(whole, victim=None, pages=None, size=PAGE_SIZE, sector=512, count=1):
    """A journal of the file's own first page."""
    pages = len(whole) // PAGE_SIZE if pages is None else pages
    head = JOURNAL + struct.pack(">5I", count, 7, pages, sector, size)
    page = whole[:PAGE_SIZE]
    total = (7 + sum(page[PAGE_SIZE - 200 : 0 : -200])) % 2**32
    made = head.ljust(sector, b"\0") + struct.pack(">I", 1) + page + struct.pack(">I", total)
    if victim is not None:
        name = str(victim).encode()
        made += struct.pack(">I", 0x40000000 // PAGE_SIZE + 1) + name
        made += struct.pack(">2I", len(name), sum(name)) + JOURNAL
    return made


def test_a_journal_that_names_another_file_deletes_nothing(path, reader, whole, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    for name in (victim, path.parent / "a.sqlite-mj01"):
        name.write_bytes(JOURNAL)
        (path.parent / "a.sqlite-journal").write_bytes(journal(whole, name))
        assert reader(path) == []
        assert name.read_bytes() == JOURNAL


def test_nor_does_an_edit_of_such_a_file(path, whole, tmp_path):
    victim = tmp_path / "victim"
    victim.write_bytes(JOURNAL)
    (path.parent / "a.sqlite-journal").write_bytes(journal(whole, victim))
    was = forge.fingerprint(path.parent)
    with pytest.raises(NotARunFile, match="none of its own"):
        edit(path, {"name": "mine"})
    assert victim.read_bytes() == JOURNAL
    assert forge.fingerprint(path.parent) == was
    (path.parent / "a.sqlite-journal").unlink()
    edit(path, {"name": "mine"})
    assert Run.open(path).name == "mine"


BESIDE = {
    "longer": {"pages": 2**31},
    "shorter": {"pages": 3},
    "other pages": {"size": 4096},
    "no pages": {"count": 0},
    "too many": {"count": 2**32 - 1},
    "odd sectors": {"sector": 100},
}


@pytest.mark.parametrize("forged", BESIDE.values(), ids=BESIDE)
def test_a_forged_journal_is_left_alone(path, reader, whole, forged):
    (path.parent / "a.sqlite-journal").write_bytes(journal(whole, **forged))
    assert reader(path) == []


def test_a_pipe_a_folder_or_a_link_for_a_journal(path, reader, tmp_path):
    beside, victim = path.parent / "a.sqlite-journal", tmp_path / "victim"
    victim.write_bytes(journal(path.read_bytes()))
    os.mkfifo(beside)
    assert measured((path, False)) == []  # a pipe has no fingerprint
    beside.unlink()
    beside.mkdir()
    assert reader(path) == []
    beside.rmdir()
    beside.symlink_to(victim)
    assert reader(path) == []
    assert victim.read_bytes() == journal(path.read_bytes())


def test_a_link_to_a_file_with_a_journal(path, reader, whole, tmp_path):
    victim = tmp_path / "victim"
    victim.write_text("mine")
    (path.parent / "a.sqlite-journal").write_bytes(journal(whole, victim))
    link = tmp_path / "links" / "b.sqlite"
    link.parent.mkdir()
    link.symlink_to(path)
    was = forge.fingerprint(path.parent)
    assert reader(link) == []
    assert victim.read_text() == "mine"
    assert forge.fingerprint(path.parent) == was


def test_the_files_of_wal_mode_are_not_looked_at(path, reader):
    """They hold pages that would stand for the file's own; and SQLite makes and deletes them as it likes."""
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("PRAGMA journal_mode = WAL")
    writer.execute("UPDATE summary SET status = 'failed'")
    for kind in ("wal", "shm"):
        shutil.copy(f"{path}-{kind}", path.parent / f"kept-{kind}")
    writer.close()
    refused(reader, path, "WAL")
    data = bytearray(path.read_bytes())
    data[18:20] = b"\1\1"
    for kinds in (("wal", "shm"), ("wal",), ("shm",)):
        for kind in kinds:
            shutil.copy(path.parent / f"kept-{kind}", f"{path}-{kind}")
        path.write_bytes(data)
        reader(path)
        for kind in kinds:
            os.unlink(f"{path}-{kind}")


def test_what_is_no_file(tmp_path, reader):
    os.mkfifo(tmp_path / "pipe.sqlite")
    (tmp_path / "folder.sqlite").mkdir()
    (tmp_path / "link.sqlite").symlink_to("link.sqlite")
    for name in ("pipe", "folder", "link"):
        with pytest.raises((NotARunFile, OSError)):
            Run.open(tmp_path / f"{name}.sqlite")
    with pytest.raises(FileNotFoundError):
        Run.open(tmp_path / "none.sqlite")
    assert kcb.runs(tmp_path).empty


# -- limits -----------------------------------------------------------------------------------------------------------


def test_a_hostile_process_number_is_none(path, reader):
    forge.change(path, "summary", "status", "running")
    for number in (-1, 0, 2**40):
        with forge.opened(path) as connection:
            here = liveness.this_process()
            connection.execute("UPDATE about SET host = ?, boot = ?, process = ?", (here.host, here.boot, number))
            forge.seal(connection, "about")
        assert reader(path) is not None


def test_reading_takes_nothing_but_the_files_own_bytes(path):
    """SQLite may read our tables, and nothing else."""
    from kcb_widgets.store.reader import Reader

    with Reader(path) as look:
        for sql in (*SQL, BOMB):
            with pytest.raises(sqlite3.Error):
                look._connection.execute(sql).fetchall()
    assert sorted(each.name for each in path.parent.iterdir()) == ["a.sqlite"]


def test_a_file_that_takes_too_long_is_left(path, monkeypatch):
    from kcb_widgets.store import reader

    monkeypatch.setattr(reader, "DEADLINE_S", -1.0)
    began = time.monotonic()
    with contextlib.suppress(NotARunFile):
        read_all(Run.open(path))
    assert time.monotonic() - began < 30.0

"""Files made to do harm: nothing of theirs runs, nothing is written or deleted, and neither time nor memory runs out."""

from __future__ import annotations

import ast
import contextlib
import json
import os
import shutil
import sqlite3
import struct
import time
import tokenize
import traceback
from io import BytesIO

import forge
import pytest
from kept import Play, begin, file_of, train
from reading import read_all, read_file
from workers import Worker, together

import kcb_widgets as kcb
from kcb_widgets import Run
from kcb_widgets.panels import payload
from kcb_widgets.panels.series_encoder import SeriesEncoder
from kcb_widgets.store import liveness
from kcb_widgets.store.reader import NotARunFile
from kcb_widgets.store.schema import GROWING, PAGE_SIZE, TABLES

MEMORY = 200 << 20  # bytes that reading any of these files may take
SLOW_S = 20.0
BOMB = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT count(*) FROM n"
DEEP = "[" * 50_000
EVIL = "EVIL"


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The bytes of a run that has everything."""
    play = Play(5)
    play.train()
    file = file_of(play.run, tmp_path_factory.mktemp("whole"), tags=("a",), notes="b", config={"a": {"b": 1}})
    for act in (
        play.train,
        play.end_epoch,
        play.roll_back,
        play.value,
        play.event,
        play.evaluate,
        play.tell,
        play.train,
    ):
        act()
        file.commit(1.0)
    play.run.finish("finished")
    file.commit(1.0, whole=True)
    file.close()
    return file.path.read_bytes()


@pytest.fixture
def path(tmp_path, whole):
    folder = tmp_path / "runs"
    folder.mkdir()
    path = folder / "a.sqlite"
    path.write_bytes(whole)
    return path


def measured(argument):
    """What came of reading a file, in a process of its own."""
    path, draw = argument
    found = read_file(path, draw)
    return found if isinstance(found, str) else [event.message for event in found.events_list if event.name == "file"]


@pytest.fixture(scope="module")
def reader(tmp_path_factory, whole):
    """Reads files in another process, and looks at its time and memory."""
    path = tmp_path_factory.mktemp("warm") / "a.sqlite"
    path.write_bytes(whole)
    worker = Worker(measured)
    worker.ask((path, True))
    _, _, before = worker.answer()

    def read(path, draw=False):
        was = forge.fingerprint(path.parent)
        worker.ask((path, draw))
        found, took, most = worker.answer()
        assert took < SLOW_S
        assert most - before < MEMORY, f"{(most - before) >> 20} MB"
        assert forge.fingerprint(path.parent) == was
        return found

    yield read
    worker.close()


def refused(reader, path, *words):
    found = reader(path)
    assert isinstance(found, str), found
    assert path.name in found and all(word in found for word in words), found


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


# -- values ------------------------------------------------------------------------------------------------------------

VALUES = [
    None, -1, 0, 3, 2**31, 2**53 - 1, 2**63 - 1, -(2**63), 1e300, float("inf"), -0.5, "", "x", "NaN", "<b>\"'\n\0", b"",
    b"\xff\xfe", "[]", "{}", "null", "[1e999]", '{"float":"Infinity"}', '"\\ud800"', DEEP, "9" * 6000, '{"a":' * 40 + "1" + "}" * 40,
    '[[0,0,0,true,{"loss":1e308},{"loss":-1e308}]]', "x" * 60_000, b"z" * 60_000,
]  # fmt: skip
STATE = {
    "params": [{"epochs": "x"}, {"epochs": -5}, {"epochs": 2**62, "steps": 2**62}, {"steps": [1]}, []],
    "first_step": [2**60, -1, 5],
    "initial_epoch": [2**60, 3],
    "batches_per_epoch": [0, -1, 2**52],
    "steps_per_execution": [0, 2**52],
    "epoch": [2**52, 1, None],
    "values": [{"learning_rate": 1e308}, {"<b>": {"float": "NaN"}}],
    "nonfinite": [
        [{"name": "$\\bad", "group": "loss", "step": 1, "epoch": 0.5, "time": 1.0, "value": "$\\frac{"}] * 300
    ],
    "bests": [[{"metric": "loss", "value": {"float": "Infinity"}, "epoch": 2**61, "step": -4, "direction": "max"}]],
    "title": ["$\\frac{", "x" * 60_000, "\n\0"],
    "flow": [{"paused": True, "until": "epoch", "stop": "batch"}],
}


def forged(argument):
    """A file with one forged value, read."""
    path, table, column, value = argument
    if table == "state":
        with forge.opened(path) as connection:
            ask = "SELECT json FROM document WHERE name = 'state' ORDER BY id DESC"
            state = json.loads(connection.execute(ask).fetchone()[0])
        forge.change(path, "document", "json", json.dumps(state | {column: value}), "name = 'state'")
    else:
        forge.change(path, table, column, value)
    try:
        return measured((path, False))
    except Exception:
        return traceback.format_exc(), value
    finally:
        path.unlink()


def test_any_value_in_any_column_is_refused_or_shown(tmp_path, whole):
    cases = [(table, column, value) for table, column in forge.ALL for value in VALUES]
    cases += [("state", column, value) for column, values in STATE.items() for value in values]
    workers = [Worker(forged) for _ in range(2)]
    try:
        seen = []
        for first in range(0, len(cases), 50):
            asked = []
            for number, case in enumerate(cases[first : first + 50], first):
                folder = tmp_path / str(number)
                folder.mkdir()
                (folder / "a.sqlite").write_bytes(whole)
                asked.append((folder / "a.sqlite", *case))
            for case, (found, took, most) in zip(asked, together(workers, asked), strict=True):
                assert took < SLOW_S, case[1:]
                seen.append((found, most))
    finally:
        for worker in workers:
            worker.close()
    assert len(seen) == len(cases) > 1500
    failed = [(*case, found[0]) for case, (found, _) in zip(cases, seen, strict=True) if isinstance(found, tuple)]
    assert not failed, "\n".join(map(str, failed[:5]))
    unforeseen = [(case, found) for case, (found, _) in zip(cases, seen, strict=True) if "Error: " in str(found)]
    assert not unforeseen, unforeseen[:5]  # the last net caught them
    most = [most for _, most in seen]
    assert max(most) - min(most[:20]) < MEMORY, f"{(max(most) - min(most[:20])) >> 20} MB"
    assert sum(isinstance(found, str) for found, _ in seen) > 300
    assert sum(not isinstance(found, str) for found, _ in seen) > 300


# -- few bytes that stand for many -------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [2**60, 50_000_000, 12_000, -1, True, 1.5, "9", None])
@pytest.mark.parametrize("table", GROWING)
def test_rows_that_are_counted_and_not_there(path, reader, table, count):
    forge.recount(path, **{table: count})
    found = reader(path)  # layouts that no rows have, and what can be made of the rows, are not missed
    assert found != [] or table in ("overview", "layout", "block")


def chunk(layout, first, rows, step=1, stride=1, data=b"", crcs=b"", times=(None, None), series="weights"):
    return (series, layout, first, rows, step, stride, *times, crcs, data)


def test_layouts_of_many_columns_and_rows_without_bytes(path, reader, whole):
    with forge.opened(path) as connection:
        (layouts,) = connection.execute("SELECT count(*) FROM layout").fetchone()
    names = json.dumps([f"n{i}" for i in range(20_000)])
    tricks = {
        "columns": {
            "layout": [("evaluations", names)],
            "chunk": [chunk(layouts + 1, 1, 65_535, 100, series="evaluations")],
        },
        "rows": {
            "layout": [("controls", "[]")],
            "chunk": [chunk(layouts + 1, i * 65_536, 65_536, 1 + i * 65_536) for i in range(900)],
        },
        "irregular": {"layout": [("w", "[]")], "chunk": [chunk(layouts + 1, i, 1, i + 1, None) for i in range(2000)]},
        "one": {"layout": [("w", "[]")], "chunk": [chunk(layouts + 1, i, 1, i + 1) for i in range(3000)]},
    }
    for name, rows in tricks.items():
        copy = path.parent / f"{name}.sqlite"
        copy.write_bytes(whole)
        forge.add(copy, rows)
        assert reader(copy) is not None


def test_epochs_that_have_no_metric_in_common(path, reader):
    with forge.opened(path) as connection:
        (epochs,) = connection.execute("SELECT max(number) + 1 FROM epoch").fetchone()
    forge.add(path, {"epoch": [(epochs + i, i, f"m{i}", 1.0) for i in range(4000)]})
    refused(reader, path, "epochs")


def test_many_metrics_and_marks_are_drawn_in_bounded_time(path, reader):
    with forge.opened(path) as connection:
        (epochs,) = connection.execute("SELECT max(number) + 1 FROM epoch").fetchone()
        (layouts,) = connection.execute("SELECT count(*) FROM layout").fetchone()
        (rows,) = connection.execute("SELECT sum(rows) FROM chunk WHERE series = 'evaluations'").fetchone()
    names = [f"val_m{i}" for i in range(2000)]
    forge.add(path, {
        "epoch": [(epochs, epochs, name, 1.0) for name in names],
        "event": [(10_000 + i, 1, 1, 1.0, "applied", f"c{i}", "1", "2", "board", "", None, 0) for i in range(1)],
        "layout": [("more", json.dumps(names))],
    })  # fmt: skip
    assert reader(path, draw=True) is not None and rows and layouts


def test_a_value_that_claims_to_be_longer_than_the_file(path, reader):
    """Its other pages lead in a circle: 64 MB of one page."""
    data = bytearray(path.read_bytes())
    with forge.opened(path) as connection:
        blob = connection.execute("SELECT data FROM chunk WHERE length(data) > 9000").fetchone()
    made = 0
    for page in range(len(data) // PAGE_SIZE):
        at = page * PAGE_SIZE
        if data[at] == 0x0D and page:
            (cells,) = struct.unpack_from(">H", data, at + 3)
            for pointer in struct.unpack_from(f">{cells}H", data, at + 8):
                data[at + pointer : at + pointer + 4] = b"\xa0\x80\x80\x00"  # 64 MB
                made += 1
    assert made and (blob is None or blob)
    path.write_bytes(data)
    assert isinstance(reader(path), str)


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
    assert victim.read_text() == "mine" and forge.fingerprint(path.parent) == was


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


# -- texts -------------------------------------------------------------------------------------------------------------

TEXTS = (
    f'"); {EVIL}() #', f"'); {EVIL}() #", f"\n{EVIL}()\n", f'"""\n{EVIL}()\n', "\\", f"\r{EVIL}()", f"\u2028{EVIL}()",
    f"{{{EVIL}}}", f"<img src=x onerror={EVIL}()>", f"</script><script>{EVIL}()</script>", f"%s{EVIL}", f"\x00{EVIL}",
    f"\f{EVIL}()", f"\x85{EVIL}()", f"\N{RIGHT-TO-LEFT OVERRIDE}{EVIL}()",
)  # fmt: skip


def only_in_texts(source):
    """No name, attribute or call of a source comes from the hostile texts: they stand in literals and comments."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        for field, found in ast.iter_fields(node):
            if isinstance(found, str) and not (isinstance(node, ast.Constant) and field == "value"):
                assert EVIL not in found, ast.dump(node)
    for token in tokenize.tokenize(BytesIO(source.encode()).readline):
        if EVIL in token.string:
            assert token.type in (tokenize.STRING, tokenize.COMMENT), token


def hostile_run(evil):
    run = begin((evil, "loss"), epochs=2)
    train(run, 20, (evil, "loss"))
    run.end_epoch(0, {evil: 1.0, "loss": 2.0, evil + "_text": evil})
    for kind, source in (
        ("applied", "board"),
        ("changed", evil),
        ("held", evil),
        ("snapshot", evil),
        ("rollback", evil),
        ("trigger", evil),
    ):
        run.add_event(kind, evil, evil, evil, source, evil)
    run.finish("stopped", evil)
    run.add_event("rollback", evil, None, evil, evil, evil)
    shape = {"kind": "number", "scale": "log", "value": 1.0, "min": None, "max": None, "integer": False, "nullable": False,
             "choices": [evil], "enabled": True, "reason": evil, "rebuild": False, "section": evil, "of": evil}  # fmt: skip
    run.controls = [
        {**shape, "name": evil, "label": evil, "group": "layers", "places": [evil]},
        {**shape, "name": f"{evil}.optimizers[0].learning_rate", "label": "learning_rate", "group": "optimizer"},
    ]
    run.cards = [
        {"id": evil, "type": evil, "known": False, "on": True, "facts": [{"label": "restored", "value": evil}], "gauge": None,
         "best": None, "says": evil, "hooks": [], "printed": evil, "error": {"hook": evil, "message": evil}, "files": [], "actions": []}
    ]  # fmt: skip
    run.title = evil
    return run


@pytest.mark.parametrize("evil", TEXTS)
def test_texts_stay_texts(tmp_path, evil):
    run = hostile_run(evil)
    file = file_of(run, tmp_path, name=evil, tags=(evil,), notes=evil, config={evil: evil})
    file.commit(1.0, whole=True)
    file.close()
    with forge.opened(file.path) as connection:  # as nobody's writer would have it
        connection.execute("UPDATE event SET kind = 'rollback', message = ?, name = ?", (evil, evil))
        connection.execute("UPDATE event SET kind = 'status', name = 'stopped' WHERE id = 3")
        forge.seal(connection, "event")
    for path in (file.path,):
        opened = Run.open(path)
        only_in_texts(opened.to_code())
        assert opened.tags == (evil,) and evil in opened.batch_table.names
        header = SeriesEncoder(opened).whole()
        (length,) = struct.unpack_from("<I", header)
        said = json.loads(header[4 : 4 + length])
        assert evil in [each["name"] for table in said["tables"] for each in table["series"]]
        assert any(event["name"] == evil for event in payload.events(opened))
        json.dumps([payload.clean(payload.state(opened)), payload.controls(opened), payload.clean(opened.cards)])
    frame = kcb.runs(tmp_path)
    assert list(frame["tags"]) == [(evil,)]
    original = hostile_run(evil)
    only_in_texts(original.to_code())
    original.replay()


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
        for sql in (
            "ATTACH 'x.sqlite' AS x", "SELECT load_extension('x')", "PRAGMA journal_mode = WAL", "DELETE FROM event", BOMB,
            "SELECT * FROM sqlite_master", "SELECT * FROM pragma_table_info('event')", "CREATE TEMP TABLE t (a)", "VACUUM",
            "SELECT randomblob(1000000000)", "SELECT * FROM json_each('[1]')",
        ):  # fmt: skip
            with pytest.raises(sqlite3.Error):
                look._connection.execute(sql).fetchall()
    assert sorted(each.name for each in path.parent.iterdir()) == ["a.sqlite"]


def test_a_file_that_takes_too_long_is_left(path, monkeypatch):
    from kcb_widgets.store import reader

    monkeypatch.setattr(reader, "DEADLINE_S", -1.0)
    began = time.monotonic()
    with contextlib.suppress(NotARunFile):
        read_all(Run.open(path))
    assert time.monotonic() - began < SLOW_S

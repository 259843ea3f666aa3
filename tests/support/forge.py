"""Run files made to do harm: rows with any values and right CRCs, and pages with any bytes."""

from __future__ import annotations

import contextlib
import hashlib
import json
import sqlite3
import struct

from kcb_widgets.store.rows import CRC, crc_of
from kcb_widgets.store.schema import COLUMNS, GROWING, PAGE_SIZE, insert


@contextlib.contextmanager
def opened(path):
    """A file for any statement; its schema may be written to."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA writable_schema = ON")
        connection.execute("PRAGMA synchronous = OFF")
        yield connection


def run_of(path):
    with opened(path) as connection:
        return connection.execute("SELECT run FROM summary").fetchone()[0]


def seal(connection, table, run=None):
    """Give every row of a table a CRC that is right."""
    run = run or connection.execute("SELECT run FROM summary").fetchone()[0]
    connection.text_factory = bytes
    for row in connection.execute(f"SELECT * FROM {table}").fetchall():
        crc = crc_of(run, table, row)
        if crc != row[CRC]:
            connection.execute(f"UPDATE {table} SET crc = ? WHERE id = ?", (crc, row[0]))
    connection.text_factory = str


def change(path, table, column, value, where="1"):
    """Set a column, with right CRCs."""
    with opened(path) as connection:
        run = connection.execute("SELECT run FROM summary").fetchone()[0]
        connection.execute("BEGIN")
        connection.execute(f"UPDATE {table} SET {column} = ? WHERE {where}", (value,))
        seal(connection, table, None if (table, column) == ("summary", "run") else run)
        connection.execute("COMMIT")


def add(path, rows):
    """Add rows, and count them.

    Args:
        path: The file.
        rows: By table, rows without their ``id`` and ``crc``.
    """
    with opened(path) as connection:
        run, counts = connection.execute("SELECT run, counts FROM summary ORDER BY number DESC").fetchone()
        counts = json.loads(counts)
        connection.execute("BEGIN")
        for table, some in rows.items():
            made = []
            for values in some:
                counts[table] += 1
                row = [counts[table], 0, *values]
                row[CRC] = crc_of(run, table, row)
                made.append(row)
            connection.executemany(insert(table), made)
        connection.execute("UPDATE summary SET counts = ?", (json.dumps(counts),))
        seal(connection, "summary", run)
        connection.execute("COMMIT")


def recount(path, **counts):
    """Have the summary count other rows."""
    with opened(path) as connection:
        known = json.loads(connection.execute("SELECT counts FROM summary ORDER BY number DESC").fetchone()[0])
        connection.execute("UPDATE summary SET counts = ?", (json.dumps(known | counts),))
        seal(connection, "summary")


def root(path, table):
    with opened(path) as connection:
        return connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).fetchone()[0]


def write_page(path, number, data):
    with path.open("r+b") as file:
        file.seek((number - 1) * PAGE_SIZE)
        file.write(data)


def interior(children, keys):
    """An interior page of a table."""
    cells = []
    for child, key in zip(children, keys, strict=True):
        cells.append(struct.pack(">I", child) + bytes([0x80 | key >> 7 & 0x7F, key & 0x7F]))
    at, pointers, data = PAGE_SIZE, [], bytearray(PAGE_SIZE)
    for cell in cells[:-1]:
        at -= len(cell)
        data[at : at + len(cell)] = cell
        pointers.append(at)
    data[:12] = struct.pack(">BHHHBI", 5, 0, len(pointers), at, 0, children[-1])
    data[12 : 12 + 2 * len(pointers)] = struct.pack(f">{len(pointers)}H", *pointers)
    return bytes(data)


def fingerprint(folder):
    """All that is in a folder, bit for bit."""
    return {
        each.name: (each.is_symlink(), hashlib.sha256(each.read_bytes()).hexdigest() if each.is_file() else "")
        for each in folder.iterdir()
    }


ALL = [(table, column) for table in ("summary", "about", *GROWING) for column in COLUMNS[table][2:]]

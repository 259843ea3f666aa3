"""The format of a run file: an SQLite database that only grows.

Every table but ``summary`` and ``about`` is written at its end only: a row, once there, is never changed or deleted.
``summary`` has one row, near the beginning of the file, with how many rows of each table count. Whoever reads takes no
more than those. So a plain copy, made while the file was written, is whole: what the copy has of later commits lies
beyond what its summary counts. (SQLite alone does not promise that: its pages are changed in place.)
"""

from __future__ import annotations

APPLICATION_ID = 0x4B43_4252  # "KCBR"
FORMAT = 1  # the file's ``user_version``; a reader refuses newer ones
PAGE_SIZE = 8192  # bytes; large pages split seldom, and only a split touches what was written before
SUFFIX = ".sqlite"

TABLES = {
    # One row, updated by each commit. ``counts`` is a JSON object: by table, the rows that count. ``crc`` is of the
    # other columns.
    "summary": """CREATE TABLE summary (
    id INTEGER PRIMARY KEY,
    run TEXT,
    status TEXT,
    message TEXT,
    started REAL,
    seconds REAL,
    heard REAL,
    every REAL,
    step INTEGER,
    epochs INTEGER,
    batches INTEGER,
    steered INTEGER,
    metrics TEXT,
    counts TEXT,
    crc INTEGER
)""",
    # One row. Who writes the file, and what people say of the run; they may change name, tags and notes.
    "about": """CREATE TABLE about (
    id INTEGER PRIMARY KEY,
    run TEXT,
    number INTEGER,
    name TEXT,
    tags TEXT,
    notes TEXT,
    config TEXT,
    settings TEXT,
    host TEXT,
    boot TEXT,
    process INTEGER,
    process_started REAL
)""",
    # JSON texts by name; of a name, the newest row counts.
    "document": """CREATE TABLE document (
    id INTEGER PRIMARY KEY,
    name TEXT,
    crc INTEGER,
    json TEXT
)""",
    # An event a row; of a number, the newest row counts. ``old`` and ``new`` are JSON.
    "event": """CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    number INTEGER,
    step INTEGER,
    epoch INTEGER,
    time REAL,
    kind TEXT,
    name TEXT,
    old TEXT,
    new TEXT,
    source TEXT,
    message TEXT,
    requested REAL,
    at_end INTEGER
)""",
    # A value of an epoch a row, as ``run.epochs`` shows it. NULL is NaN; what an epoch lacks has no row.
    "epoch": """CREATE TABLE epoch (
    id INTEGER PRIMARY KEY,
    number INTEGER,
    epoch INTEGER,
    name TEXT,
    value
)""",
    # Short lists that grow by the epoch or the rollback, as JSON; of a kind and number, the newest row counts.
    "mark": """CREATE TABLE mark (
    id INTEGER PRIMARY KEY,
    kind TEXT,
    number INTEGER,
    json TEXT
)""",
    # The columns of chunks, as a JSON list of names.
    "layout": """CREATE TABLE layout (
    id INTEGER PRIMARY KEY,
    series TEXT,
    names TEXT
)""",
    # Rows of a series, column by column; see ``encoding.py``.
    "chunk": """CREATE TABLE chunk (
    id INTEGER PRIMARY KEY,
    series TEXT,
    layout INTEGER,
    first INTEGER,
    rows INTEGER,
    step INTEGER,
    stride INTEGER,
    start REAL,
    unit REAL,
    crc BLOB,
    data BLOB
)""",
    # Extremes and mean of each 64 rows of a column of the batches, 1,024 of them a row; the newest version counts.
    # The column without a name has ``float64`` seconds of the last of each 64 rows.
    "block": """CREATE TABLE block (
    id INTEGER PRIMARY KEY,
    version INTEGER,
    piece INTEGER,
    name TEXT,
    crc INTEGER,
    data BLOB
)""",
    # Each series in at most about 1,000 points; the newest version counts.
    "overview": """CREATE TABLE overview (
    id INTEGER PRIMARY KEY,
    version INTEGER,
    series TEXT,
    name TEXT,
    step INTEGER,
    last_step INTEGER,
    minimum REAL,
    maximum REAL,
    mean REAL
)""",
}
GROWING = tuple(name for name in TABLES if name not in ("summary", "about"))
SERIES = ("batches", "weights", "epochs", "controls", "evaluations")
COLUMNS = {name: tuple(line.split()[0].strip(",") for line in sql.splitlines()[1:-1]) for name, sql in TABLES.items()}


def insert(table: str) -> str:
    """The statement that adds a row to ``table``."""
    columns = COLUMNS[table]
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"

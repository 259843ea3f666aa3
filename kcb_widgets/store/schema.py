"""The format of a run file: an SQLite database that only grows.

Every table but ``summary`` and ``about`` is written at its end only: a row, once there, is never changed or deleted.
``summary`` has two rows, near the beginning of the file, with how many rows of each table count; commits write them in
turn. Whoever reads takes no more than the newer one counts, or, where not all of that is there, the older one. So a
plain copy, made while the file was written, is whole: what the copy has of later commits lies beyond what its summary
counts. (SQLite alone does not promise that: its pages are changed in place.)

Every row has a CRC-32 of its other columns, which also knows its run and its table; ``rows.py`` says how it is made.
"""

from __future__ import annotations

APPLICATION_ID = 0x4B43_4252  # "KCBR"
FORMAT = 1  # the file's ``user_version``; a reader refuses newer ones
PAGE_SIZE = 8192  # bytes; large pages split seldom, and only a split touches what was written before
SUFFIX = ".sqlite"

TABLES = {
    # Two rows, which commits update in turn; the one with the higher ``number`` is newer. ``counts`` is a JSON object:
    # by table, the rows that count. ``pad`` makes every row as long as any other, so that it is written over in place.
    "summary": """CREATE TABLE summary (
    id INTEGER PRIMARY KEY,
    crc INTEGER,
    number INTEGER,
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
    pad TEXT
)""",
    # One row. Who writes the file, and what people say of the run; they may change name, tags and notes.
    "about": """CREATE TABLE about (
    id INTEGER PRIMARY KEY,
    crc INTEGER,
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
    crc INTEGER,
    name TEXT,
    json TEXT
)""",
    # An event a row; of a number, the newest row counts. ``old`` and ``new`` are JSON.
    "event": """CREATE TABLE event (
    id INTEGER PRIMARY KEY,
    crc INTEGER,
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
    crc INTEGER,
    number INTEGER,
    epoch INTEGER,
    name TEXT,
    value
)""",
    # Short lists that grow by the epoch or the rollback, as JSON; of a kind and number, the newest row counts.
    "mark": """CREATE TABLE mark (
    id INTEGER PRIMARY KEY,
    crc INTEGER,
    kind TEXT,
    number INTEGER,
    json TEXT
)""",
    # The columns of chunks, as a JSON list of names.
    "layout": """CREATE TABLE layout (
    id INTEGER PRIMARY KEY,
    crc INTEGER,
    series TEXT,
    names TEXT
)""",
    # Rows of a series, column by column; see ``encoding.py``. ``crc`` is not of ``data``, whose arrays have ``crcs``.
    "chunk": """CREATE TABLE chunk (
    id INTEGER PRIMARY KEY,
    crc INTEGER,
    series TEXT,
    layout INTEGER,
    first INTEGER,
    rows INTEGER,
    step INTEGER,
    stride INTEGER,
    start REAL,
    unit REAL,
    crcs BLOB,
    data BLOB
)""",
    # Extremes and mean of each 64 rows of a column of the batches, 1,024 of them a row; the newest version counts.
    # The column without a name has ``float64`` seconds of the last of each 64 rows.
    "block": """CREATE TABLE block (
    id INTEGER PRIMARY KEY,
    crc INTEGER,
    version INTEGER,
    piece INTEGER,
    name TEXT,
    data BLOB
)""",
    # Each series in at most about 1,000 points; the newest version counts.
    "overview": """CREATE TABLE overview (
    id INTEGER PRIMARY KEY,
    crc INTEGER,
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
REAL, BLOB = (
    {
        name: frozenset(i for i, line in enumerate(sql.splitlines()[1:-1]) if kind in line.strip(" ,").split()[1:])
        for name, sql in TABLES.items()
    }
    for kind in ("REAL", "BLOB")
)
"""By table, which of its columns are of this type."""
# What the ``crc`` of a row is not of; such a column is a table's last.
UNCOVERED = {"summary": "pad", "chunk": "data"}
COVERED = {name: tuple(each for each in columns if each != UNCOVERED.get(name)) for name, columns in COLUMNS.items()}


def insert(table: str) -> str:
    """The statement that adds a row to ``table``."""
    columns = COLUMNS[table]
    return f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})"

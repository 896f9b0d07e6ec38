"""The file of a `Repository`: how it is made, recognised, written and checked.

Nothing in it is ever changed or deleted. Every revision carries a *seal*, SHA-256 over its parent's seal, its own row
and its events, and every column lies under its own SHA-256. So one pass over the file finds any byte that is not what
was committed.
"""

from __future__ import annotations

import hashlib
import io
import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

_APPLICATION = int.from_bytes(b"DNTr", "big")
_FORMAT = 1
_SCHEMA = (
    """CREATE TABLE revision (
        number INTEGER PRIMARY KEY, parent INTEGER REFERENCES revision, branch TEXT NOT NULL, t_s REAL NOT NULL,
        message TEXT NOT NULL, digest TEXT NOT NULL, follows INTEGER NOT NULL, depth INTEGER NOT NULL, columns TEXT,
        bytes INTEGER NOT NULL, seal BLOB NOT NULL)""",
    "CREATE INDEX head ON revision (branch, number)",
    "CREATE TABLE event (revision INTEGER REFERENCES revision, place INTEGER, data BLOB NOT NULL, "
    "PRIMARY KEY (revision, place))",
    "CREATE TABLE content (sha256 TEXT PRIMARY KEY, data BLOB NOT NULL)",
)
_SEALED = "number, parent, branch, t_s, message, digest, follows, depth, columns, bytes"


class RepositoryError(ValueError):
    """A repository refuses: a foreign or damaged file, something it does not hold, a name it cannot take."""


class ConflictError(RepositoryError):
    """Somebody else wrote first."""


def connect(path: Path, wait_s: float) -> sqlite3.Connection:
    """Open the file of a repository, or make it; check every byte that matters.

    Raises
    ------
    RepositoryError
        If it cannot be opened, is something else, or is damaged.
    """
    if path.is_dir() or not path.parent.is_dir():
        wrong = f"{path} is a folder" if path.is_dir() else f"there is no folder {path.parent}"
        raise RepositoryError(f"{wrong}, but a repository is a file in an existing folder")
    db = None
    try:
        db = sqlite3.connect(path, timeout=wait_s, isolation_level=None)
        _recognise(db, path)
        db.execute("PRAGMA synchronous = FULL")  # in WAL mode NORMAL may lose the last commits when the power fails
        db.execute("PRAGMA foreign_keys = ON")
        check(db, path)
    except BaseException as error:
        if db is not None:
            db.close()
        if isinstance(error, sqlite3.OperationalError) and "locked" in str(error):
            raise ConflictError(f"{path} is held by another process; try again later") from error
        if isinstance(error, sqlite3.Error):
            raise RepositoryError(f"{path} is no repository of twins, or is damaged: {error}") from error
        raise
    return db


def _recognise(db: sqlite3.Connection, path: Path) -> None:
    """Refuse a foreign file before a byte is written into it; lay out an empty one."""
    questions = ("PRAGMA application_id", "PRAGMA user_version", "SELECT count(*) FROM sqlite_master")
    application, version, n_tables = (db.execute(question).fetchone()[0] for question in questions)
    if application == _APPLICATION:
        if version != _FORMAT:
            raise RepositoryError(f"{path} has format {version}, but this dnt_lab reads format {_FORMAT}")
        return
    if application or version or n_tables:
        raise RepositoryError(f"{path} is a database of another program; name a repository, or a file yet to be made")
    db.execute("PRAGMA journal_mode = WAL")
    with writing(db):
        if db.execute(questions[0]).fetchone()[0] == 0:  # else another process was faster
            for statement in _SCHEMA:
                db.execute(statement)
            db.execute(f"PRAGMA application_id = {_APPLICATION}")
            db.execute(f"PRAGMA user_version = {_FORMAT}")


@contextmanager
def writing(db: sqlite3.Connection) -> Iterator[None]:
    """One transaction: all of it, or nothing; it holds the write lock from the start."""
    try:
        db.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        raise ConflictError(f"another process is writing to the repository ({error}); try again later") from error
    try:
        yield
        db.execute("COMMIT")
    except BaseException as error:
        if db.in_transaction:  # a full disk may have ended it already
            db.execute("ROLLBACK")
        if isinstance(error, sqlite3.Error):
            raise RepositoryError(f"nothing was written, because the repository's file failed: {error}") from error
        raise


def check(db: sqlite3.Connection, path: Path) -> None:
    """Raise RepositoryError unless the file holds, to the byte, what was committed."""
    db.execute("BEGIN")  # one view of the file, though others may be writing
    try:
        wrong = _first_damage(db)
    except (sqlite3.Error, ValueError, TypeError) as error:  # a byte can turn any value into any other
        wrong = str(error)
    finally:
        db.execute("ROLLBACK")
    if wrong:
        raise RepositoryError(f"{path} is damaged: {wrong}")


def _first_damage(db: sqlite3.Connection) -> str:
    if (found := db.execute("PRAGMA integrity_check").fetchone()[0]) != "ok":
        return found
    columns = set()
    for sha256, data in db.execute("SELECT sha256, data FROM content"):
        _unpack(sha256, data)
        columns.add(sha256)
    seals = {None: b""}
    for *row, sealed in db.execute(f"SELECT {_SEALED}, seal FROM revision ORDER BY number"):
        number, parent, stored = row[0], row[1], row[8]
        if parent not in seals or seal(seals[parent], row, events_of(db, number)) != sealed:
            return f"revision {number} is not what was committed"
        if stored and not columns.issuperset(json.loads(stored).values()):
            return f"a column of revision {number} is missing"
        seals[number] = sealed
    return ""


def seal(parent_seal: bytes, row: list, events: list[bytes]) -> bytes:
    """SHA-256 over a parent's seal, the row of a revision (all but its seal) and its events."""
    sha = hashlib.sha256(parent_seal + json.dumps(row).encode())
    for data in events:
        sha.update(len(data).to_bytes(8, "big") + data)
    return sha.digest()


def insert(db: sqlite3.Connection, parent_seal: bytes, row: list, events: list[bytes]) -> None:
    """Write a revision and its events."""
    marks = ", ".join("?" * (len(row) + 1))
    db.execute(f"INSERT INTO revision ({_SEALED}, seal) VALUES ({marks})", [*row, seal(parent_seal, row, events)])
    db.executemany("INSERT INTO event VALUES (?, ?, ?)", [(row[0], i, data) for i, data in enumerate(events)])


def events_of(db: sqlite3.Connection, number: int) -> list[bytes]:
    """Events of a revision, encoded, in order."""
    question = "SELECT CAST(data AS BLOB) FROM event WHERE revision = ? ORDER BY place"
    return [data for (data,) in db.execute(question, (number,))]


def put_column(db: sqlite3.Connection, column: np.ndarray) -> tuple[str, int]:
    """Store a column unless an equal one is there; return its name, SHA-256, and the bytes it took."""
    buffer = io.BytesIO()
    np.save(buffer, column, allow_pickle=False)
    raw = buffer.getvalue()
    sha256 = hashlib.sha256(raw).hexdigest()
    if db.execute("SELECT 1 FROM content WHERE sha256 = ?", (sha256,)).fetchone():
        return sha256, 0
    data = zlib.compress(raw)
    db.execute("INSERT INTO content VALUES (?, ?)", (sha256, data))
    return sha256, len(data)


def get_column(db: sqlite3.Connection, sha256: str) -> np.ndarray:
    """Column stored under `sha256`."""
    (data,) = db.execute("SELECT data FROM content WHERE sha256 = ?", (sha256,)).fetchone()
    return np.load(io.BytesIO(_unpack(sha256, data)), allow_pickle=False)


def _unpack(sha256: str, data: bytes) -> bytes:
    try:
        raw = zlib.decompress(data)
    except zlib.error as error:
        raise RepositoryError(f"column {sha256[:12]} of the repository is damaged: {error}") from error
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise RepositoryError(f"column {sha256[:12]} of the repository is damaged: its content is not what was stored")
    return raw

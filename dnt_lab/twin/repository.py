"""The repository of a twin: every revision of its state, and the events that led there, in one SQLite file.

A revision is stored as its events where replaying them from its parent gives the very same state, and as columns where
it does not, or where the last columns lie `snapshot_every` revisions back. Equal columns are stored once. A commit that
has returned is on the disk: the file is written ahead and synchronised (WAL, ``synchronous=FULL``), so a killed writer
loses nothing acknowledged. Readers and one writer work at the same time; of two writers the slower one is refused.

>>> import tempfile
>>> from dnt_lab import physical, twin
>>> dnt = twin.NetworkTwin.mirror(physical.PhysicalNetwork.open_field(n_users=20, seed=2))
>>> with tempfile.TemporaryDirectory() as folder, Repository(f"{folder}/twin.db") as repository:
...     start = repository.commit(dnt.state, "inventory")
...     event = physical.Demand(1.0, user=3, demand_bps=5_000_000)
...     _ = dnt.apply(event)
...     now = repository.commit(dnt.state, "ue-3 streams", [event])
...     print(repository.diff(start, now).to_string(index=False))
 object   property before   after
   ue-3 demand_bps      0 5000000
network        t_s    0.0     1.0
"""

from __future__ import annotations

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path

from dnt_lab.physical import Event, State, encode
from dnt_lab.twin import _repository_file as file
from dnt_lab.twin._repository_file import ConflictError, RepositoryError
from dnt_lab.twin._repository_reader import Reader, follow


class Repository(Reader):
    """Revisions of a twin's state, with branches and an event log.

    Parameters
    ----------
    path : path
        The file; made if it does not exist. Next to it SQLite keeps ``-wal`` and ``-shm`` files while it is open.
    snapshot_every : int
        At most so many revisions in a row are stored as events only; reading one replays as many.
    wait_s : float
        How long to wait for another writer before giving up.

    Raises
    ------
    RepositoryError
        If the file is no repository, is damaged, or cannot be opened.
    """

    def __init__(self, path: str | os.PathLike, snapshot_every: int = 32, wait_s: float = 5.0):
        if isinstance(snapshot_every, bool) or not isinstance(snapshot_every, int) or snapshot_every < 1:
            raise ValueError(f"snapshot_every is {snapshot_every!r}, but a whole number from 1 on is needed")
        super().__init__(Path(path), wait_s)
        self.snapshot_every = snapshot_every
        self._last: tuple[int, State] | None = None  # newest state at hand: saves reading the parent of the next

    def commit(
        self,
        state: State,
        message: str,
        events: Iterable[Event] = (),
        branch: str = "main",
        expected_revision: int | None = None,
    ) -> int:
        """Add a revision at the end of a branch; when this returns, it is on the disk.

        Parameters
        ----------
        state : State
            The state.
        message : str
            Why it changed.
        events : iterable of Event
            What led from the parent to `state`: the log. If replaying them gives `state`, they are all that is stored.
        branch : str
            An existing branch; ``"main"`` exists from the first commit on.
        expected_revision : int, optional
            The revision `state` was derived from. If the branch has moved on, the commit is refused (optimistic lock).

        Returns
        -------
        int
            Number of the revision.

        Raises
        ------
        ConflictError
            If the branch's head is not `expected_revision`, or another process holds the write lock.
        RepositoryError
            If there is no such branch.
        ValueError, TypeError
            If an event does not fit the parent's state, or an argument is of the wrong kind. Nothing is written then.
        """
        if not isinstance(state, State):
            raise TypeError(f"a repository stores a State, not {type(state).__name__}; commit twin.state")
        if not math.isfinite(state.t_s):
            raise ValueError(f"t_s of the state is {state.t_s}, but a revision needs a finite time")
        if not isinstance(message, str):
            raise TypeError(f"message is {message!r}, but a text that says why is needed")
        state, encoded = state.copy(), [encode(event) for event in events]
        with file.writing(self._db):
            parent = self._head(branch)
            if parent is None and (branch != "main" or self._db.execute("SELECT 1 FROM revision").fetchone()):
                raise RepositoryError(f"there is no branch {branch!r}, but {self._known()}; make it by branch()")
            if expected_revision is not None and parent != expected_revision:
                raise ConflictError(
                    f"branch {branch!r} is at revision {parent}, not at the expected {expected_revision}; "
                    "get the new head and try again"
                )
            number = self._append(parent, branch, state, message, encoded)
        self._last = (number, state)
        return number

    def branch(self, name: str, from_revision: int) -> int:
        """Start a branch: its first revision equals `from_revision`. What is committed to it, no other branch sees.

        Raises
        ------
        RepositoryError
            If the name is taken or empty, or there is no such revision.
        """
        if not isinstance(name, str) or not name.strip():
            raise RepositoryError(f"branch name is {name!r}, but a name with at least one letter is needed")
        state, start = self.get(from_revision), int(from_revision)
        with file.writing(self._db):
            if self._head(name) is not None:
                raise RepositoryError(f"branch {name!r} exists already; {self._known()}")
            return self._append(start, name, state, f"branch from revision {start}", [])

    def restore(self, revision: int, branch: str = "main", expected_revision: int | None = None) -> int:
        """Commit the state of an old revision anew, at the end of `branch`; nothing is undone, so nothing is lost."""
        return self.commit(
            self.get(revision), f"restore revision {revision}", (), branch, expected_revision=expected_revision
        )

    def _append(self, parent: int | None, branch: str, state: State, message: str, events: list[bytes]) -> int:
        db, digest = self._db, state.digest()
        number = db.execute("SELECT ifnull(max(number), -1) + 1 FROM revision").fetchone()[0]
        follows, depth, seal = False, 0, b""
        if parent is not None:
            seal, depth = db.execute("SELECT seal, depth + 1 FROM revision WHERE number = ?", (parent,)).fetchone()
            known = self._last[1].copy() if self._last and self._last[0] == parent else self.get(parent)
            follows = follow(known, events).digest() == digest
        columns, size = None, sum(map(len, events))
        if not follows or depth > self.snapshot_every:
            stored = {name: file.put_column(db, column) for name, column in state.arrays().items()}
            columns = json.dumps({name: sha256 for name, (sha256, _) in stored.items()})
            depth, size = 0, size + sum(n for _, n in stored.values())
        row = [number, parent, branch, state.t_s + 0.0, message, digest, int(follows), depth, columns, size]
        file.insert(db, seal, row, events)
        return number

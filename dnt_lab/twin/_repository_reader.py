"""The reading half of a `Repository`: states, events, replay, differences, the log."""

from __future__ import annotations

import json
from collections.abc import Iterable
from numbers import Integral
from pathlib import Path

import pandas as pd

from dnt_lab.physical import Event, State, decode
from dnt_lab.twin import _repository_file as file
from dnt_lab.twin._repository_file import RepositoryError
from dnt_lab.twin.state_diff import diff_states

_LINE = """WITH RECURSIVE line(number, parent) AS (
    SELECT number, parent FROM revision WHERE number = ?
    UNION ALL SELECT r.number, r.parent FROM revision r JOIN line ON r.number = line.parent)"""


class Reader:
    """What can be asked of a repository without changing it."""

    def __init__(self, path: Path, wait_s: float):
        self.path, self._connection = path, file.connect(path, wait_s)

    def get(self, revision: int) -> State:
        """State at a revision.

        Raises
        ------
        RepositoryError
            If there is no such revision, or what is stored does not give the state that was committed.
        """
        digest, depth = self._row(revision, "digest, depth")
        line = self._line(revision, depth + 1)
        (columns,) = self._row(line[0], "columns")
        try:
            stored = json.loads(columns).items()
            state = State.from_arrays({name: file.get_column(self._db, sha256) for name, sha256 in stored})
            for number in line[1:]:
                follow(state, file.events_of(self._db, number))
            found = state.digest()
        except (ValueError, TypeError) as error:
            found = str(error)
        if found != digest:
            raise RepositoryError(f"revision {revision} of {self.path} is damaged: it gives {found}, not {digest}")
        return state

    def head(self, branch: str = "main") -> int:
        """Newest revision of a branch."""
        number = self._head(branch)
        if number is None:
            raise RepositoryError(f"there is no branch {branch!r}, but {self._known()}")
        return number

    def at_time(self, t_s: float, branch: str = "main") -> State:
        """State of a branch at a time: that of the newest revision whose time is not after `t_s`."""
        found = self._db.execute(
            f"{_LINE} SELECT max(number) FROM revision JOIN line USING (number) WHERE t_s <= ?",
            (self.head(branch), t_s),
        ).fetchone()[0]
        if found is None:
            raise RepositoryError(f"branch {branch!r} holds nothing as early as t_s = {t_s}")
        return self.get(found)

    def events(self, revision: int) -> list[Event]:
        """Events committed with a revision."""
        self._row(revision, "number")
        return [decode(data) for data in file.events_of(self._db, revision)]

    def replay(self, from_revision: int, to_revision: int) -> State:
        """State of `from_revision` plus all events logged up to `to_revision`: the log alone, no stored columns.

        Raises
        ------
        RepositoryError
            If `to_revision` does not descend from `from_revision`, or a revision between them was committed without the
            events that lead to it.
        """
        state, line = self.get(from_revision), self._line(to_revision)
        if from_revision not in line:
            raise RepositoryError(f"revision {to_revision} does not descend from revision {from_revision}")
        for number in line[line.index(from_revision) + 1 :]:
            if not self._row(number, "follows")[0]:
                raise RepositoryError(f"revision {number} was committed without the events that lead to it")
            follow(state, file.events_of(self._db, number))
        return state

    def diff(self, a: int, b: int) -> pd.DataFrame:
        """What changed from revision `a` to revision `b`: ``object``, ``property``, ``before``, ``after``."""
        return diff_states(self.get(a), self.get(b))

    def branches(self) -> dict[str, int]:
        """Newest revision of every branch."""
        return dict(self._db.execute("SELECT branch, max(number) FROM revision GROUP BY branch ORDER BY min(number)"))

    def log(self, branch: str | None = None) -> pd.DataFrame:
        """All revisions, or those that led to a branch's head.

        Returns
        -------
        DataFrame, index ``revision``
            ``parent`` (missing for the first), ``branch``, ``t_s``, ``message``, ``events`` (number of), ``follows``
            (whether they explain the change), ``stored`` (``"events"`` or ``"columns"``), ``bytes`` (added to the file)
            and ``digest``.
        """
        line, known = ("", ()) if branch is None else (_LINE, (self.head(branch),))
        rows = self._db.execute(
            f"""{line} SELECT number, revision.parent, branch, t_s, message,
                (SELECT count(*) FROM event WHERE event.revision = number), follows,
                iif(columns IS NULL, 'events', 'columns'), bytes, digest
                FROM revision {"JOIN line USING (number)" if line else ""} ORDER BY number""",
            known,
        ).fetchall()
        names = ["revision", "parent", "branch", "t_s", "message", "events", "follows", "stored", "bytes", "digest"]
        table = pd.DataFrame(rows, columns=names).set_index("revision")
        return table.astype({"parent": "Int64", "follows": bool})

    def __len__(self):
        return self._db.execute("SELECT count(*) FROM revision").fetchone()[0]

    def check(self) -> None:
        """Read the whole file and raise RepositoryError if a byte of it is not what was committed (as opening does)."""
        file.check(self._db, self.path)

    def close(self) -> None:
        """Close the file; closing twice does no harm."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def _db(self):
        if self._connection is None:
            raise RepositoryError(f"the repository {self.path} is closed; open it again")
        return self._connection

    def _head(self, branch: str) -> int | None:
        return self._db.execute("SELECT max(number) FROM revision WHERE branch = ?", (branch,)).fetchone()[0]

    def _known(self) -> str:
        return f"the branches are {', '.join(self.branches()) or 'none yet'}"

    def _row(self, revision: int, columns: str) -> tuple:
        known = isinstance(revision, Integral) and not isinstance(revision, bool)
        question = f"SELECT {columns} FROM revision WHERE number = ?"
        row = self._db.execute(question, (int(revision),)).fetchone() if known else None
        if row is None:
            raise RepositoryError(f"there is no revision {revision!r}; {self.path} holds {len(self)}, numbered from 0")
        return row

    def _line(self, revision: int, n: int = -1) -> list[int]:
        """The last `n` revisions (all, if -1) that led to `revision`, the oldest first."""
        (start,) = self._row(revision, "number")
        return [number for (number,) in self._db.execute(f"{_LINE} SELECT number FROM line LIMIT ?", (start, n))][::-1]

    def __repr__(self):
        state = "closed" if self._connection is None else f"{len(self)} revisions; {self._known()}"
        return f"{type(self).__name__}({str(self.path)!r}, {state})"


def follow(state: State, events: Iterable[bytes]) -> State:
    """Apply encoded events to `state`, in place."""
    for event in map(decode, events):
        event.check(state)
        event.write(state)
        state.t_s = float(max(state.t_s, event.t_s))
    return state

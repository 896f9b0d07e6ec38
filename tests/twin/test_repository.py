"""The repository: what was acknowledged survives SIGKILL, a damaged byte is found, branches never meet."""

import math
import multiprocessing
import os
import shutil
import signal
import sqlite3
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from dnt_lab.physical import Configure, Demand, Handover, Move, PhysicalNetwork, State
from dnt_lab.twin import NetworkTwin
from dnt_lab.twin.link import Link
from dnt_lab.twin.policies import AgeOptimal
from dnt_lab.twin.repository import ConflictError, Repository, RepositoryError
from dnt_lab.twin.state_diff import diff_states
from dnt_lab.twin.sync import Synchroniser

FORK = multiprocessing.get_context("fork")


@pytest.fixture(scope="module")
def network():
    return PhysicalNetwork.open_field(n_sites=3, n_users=12, seed=6)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "twin.db"


def filled(path, network, n=5, **settings):
    """Repository with an inventory and `n` further revisions, one a second, and the states that went in."""
    repository, state = Repository(path, **settings), network.snapshot()
    states = [state.copy()]
    repository.commit(state, "inventory")
    for k in range(1, n + 1):
        event = Demand(float(k), k % 12, 1000 * k)
        event.write(state)
        state.t_s = event.t_s
        states.append(state.copy())
        assert repository.commit(state, f"second {k}", [event]) == k
    return repository, states


def digests(repository):
    return [repository.get(number).digest() for number in repository.log().index]


# what goes in comes out


@pytest.mark.parametrize("snapshot_every", [1, 2, 32])
def test_every_revision_comes_back_as_it_was(path, network, snapshot_every):
    repository, states = filled(path, network, snapshot_every=snapshot_every)
    assert digests(repository) == [s.digest() for s in states]
    repository.close()
    with Repository(path) as again:
        assert digests(again) == [s.digest() for s in states]
        assert again.head() == 5 and len(again) == 6
        stored = again.log().stored.tolist()
    assert stored == [["events", "columns"][k % (snapshot_every + 1) == 0] for k in range(6)]


def test_state_at_a_time(path, network):
    repository, states = filled(path, network)
    for t_s, number in ((0.0, 0), (0.99, 0), (1.0, 1), (3.5, 3), (1e9, 5)):
        assert repository.at_time(t_s).digest() == states[number].digest()
    repository.branch("what-if", 2)
    assert repository.at_time(4.0, "what-if").digest() == states[2].digest()
    with pytest.raises(RepositoryError, match=r"branch 'main' holds nothing as early as t_s = -1"):
        repository.at_time(-1.0)


def test_the_log_tells_what_happened(path, network):
    repository, states = filled(path, network, n=2)
    repository.branch("what-if", 1)
    log = repository.log()
    assert log.branch.tolist() == ["main", "main", "main", "what-if"]
    assert log.parent.tolist()[1:] == [0, 1, 1] and log.parent.isna()[0]
    assert log.message.tolist() == ["inventory", "second 1", "second 2", "branch from revision 1"]
    assert log.events.tolist() == [0, 1, 1, 0] and log.t_s.tolist() == [0.0, 1.0, 2.0, 1.0]
    assert log.digest.tolist() == [states[k].digest() for k in (0, 1, 2, 1)]
    assert repository.log("what-if").index.tolist() == [0, 1, 3]
    assert repository.events(2) == [Demand(2.0, 2, 2000)]
    assert repository.get(log.index[-1]).digest() == states[1].digest()
    assert "4 revisions; the branches are main, what-if" in repr(repository)


def test_the_log_of_a_synchronised_twin_replays_to_the_same_state(path):
    network = PhysicalNetwork.open_field(n_sites=3, n_users=12, seed=6)
    twin = NetworkTwin.mirror(network)
    sync = Synchroniser(network, twin, AgeOptimal(), Link(0.5, 2.0, 0.2, 0.2), dead_reckoning=True)
    with Repository(path, snapshot_every=4) as repository:
        start = repository.commit(twin.state, "inventory")
        for k in range(12):
            sync.step(1.0)
            number = repository.commit(twin.state, f"step {k}", sync.receiver.applied)
        assert repository.log().follows[1:].all()
        assert repository.replay(start, number).digest() == twin.state.digest() == repository.get(number).digest()


def test_a_change_without_events_is_stored_but_cannot_be_replayed(path, network):
    repository, states = filled(path, network, n=2)
    state = states[2].copy()
    state.tilt_deg[1] += 4.0
    number = repository.commit(state, "by hand")
    assert repository.get(number).digest() == state.digest()
    assert repository.log().stored[number] == "columns"
    with pytest.raises(RepositoryError, match="revision 3 was committed without the events that lead to it"):
        repository.replay(0, number)
    assert repository.replay(0, 2).digest() == states[2].digest()
    repository.branch("other", 0)
    with pytest.raises(RepositoryError, match="revision 2 does not descend from revision 4"):
        repository.replay(4, 2)


def test_unchanged_columns_are_stored_once_and_events_are_small(path, network):
    repository, states = filled(path, network, n=2)
    state = states[2].copy()
    state.demand_bps[0] += 1
    repository.commit(state, "by hand")
    size = repository.log().bytes
    assert size[1] == len(b'{"event":"Demand","t_s":1.0,"user":1,"demand_bps":1000}')
    assert 0 < size[3] < size[0] / 4
    assert repository.restore(0) == 4
    assert repository.log().bytes[4] == 0


def test_time_given_as_a_whole_number_makes_no_difference(path, network):
    state = network.snapshot()
    with Repository(path) as repository:
        repository.commit(state, "inventory")
        state.t_s = 3
        repository.commit(state, "waited", [])
        Demand(5, 1, 7).write(state)
        state.t_s = 5
        repository.commit(state, "asked", [Demand(5, 1, 7)])
        assert repository.log().follows.tolist() == [False, False, True]
        assert repository.get(2).t_s == 5.0
        state.t_s = -0.0
        repository.commit(state, "negative nought")
        repository.check()


# differences


def test_diff_names_object_property_before_and_after(path, network):
    repository, states = filled(path, network, n=0)
    twin = NetworkTwin(states[0], network.radio)
    cell = int(states[0].serving[3] + 1) % states[0].n_cells
    events = [Move(2.0, 1, (1.0, 2.0, 1.5)), Handover(2.0, 3, cell, 1, 0), Configure(2.0, 4, tilt_deg=9.5, on=False)]
    twin.apply_all(events)
    number = repository.commit(twin.state, "three events", events)
    table = repository.diff(0, number).set_index(["object", "property"])
    assert table.after["ue-1", "position_m"] == (1.0, 2.0, 1.5)
    assert table.before["ue-1", "position_m"] == tuple(states[0].position_m[1].tolist())
    assert table.after["ue-3", "serving"] == cell
    assert table.before["bs-4", "on"] is True and table.after["bs-4", "on"] is False
    assert table.after["bs-4", "tilt_deg"] == 9.5
    assert table.loc[("network", "t_s")].tolist() == [0.0, 2.0]
    assert {name for name, _ in table.index} == {"ue-1", "ue-3", "bs-4", "network"}
    back = repository.diff(number, 0).set_index(["object", "property"])
    assert back.before.to_dict() == table.after.to_dict() and back.after.to_dict() == table.before.to_dict()
    assert repository.diff(number, number).empty


def test_diff_sees_every_column_and_missing_objects(network):
    state = network.snapshot()
    for name, column in state.arrays().items():
        arrays = {k: v.copy() for k, v in state.arrays().items()}
        if name == "missing_neighbours":
            arrays[name] = np.array([[1, 2]])
        elif name == "kind":
            arrays[name][-1] = "drone"
        elif name == "on":
            arrays[name][-1] = False
        elif name == "channel":
            arrays[name][-1] = 1 - arrays[name][-1]
        elif name == "serving":
            arrays[name][-1] = -1
        else:
            arrays[name] = column + 1
        assert name in diff_states(state, State.from_arrays(arrays)).property.tolist()
    omni = {**state.arrays(), "azimuth_deg": np.full(state.n_cells, np.nan)}
    assert diff_states(State.from_arrays(omni), State.from_arrays(omni)).empty
    fewer = {k: (v[:-1] if len(v.shape) and len(v) == 12 else v) for k, v in state.arrays().items()}
    table = diff_states(state, State.from_arrays(fewer))
    assert set(table.object) == {"ue-11"} and table.after.isna().all() and len(table) == 8


# branches, restore, invariants


class Histories(RuleBasedStateMachine):
    """Random commits, branches and restores against a dictionary of states."""

    @initialize()
    def start(self):
        network = Histories.network
        self.path = Histories.folder / f"{time.monotonic_ns()}.db"
        self.repository = Repository(self.path, snapshot_every=3)
        state = network.snapshot()
        self.heads, self.committed = {"main": self.repository.commit(state, "inventory")}, [state.copy()]

    def pick(self, data, among):
        return data.draw(st.sampled_from(sorted(among)))

    @rule(data=st.data(), user=st.integers(0, 11), demand=st.integers(0, 10**9), by_hand=st.booleans())
    def commit(self, data, user, demand, by_hand):
        branch = self.pick(data, self.heads)
        state = self.committed[self.heads[branch]].copy()
        event = Demand(state.t_s + 1.0, user, demand)
        event.write(state)
        state.t_s = event.t_s
        events = [] if by_hand else [event]
        number = self.repository.commit(state, "change", events, branch, expected_revision=self.heads[branch])
        assert number == len(self.committed)
        self.committed.append(state)
        self.heads[branch] = number

    @rule(data=st.data())
    def branch(self, data):
        revision = self.pick(data, range(len(self.committed)))
        name = f"branch {len(self.heads)}"
        before = dict(self.heads)
        number = self.repository.branch(name, revision)
        assert self.repository.diff(revision, number).empty
        assert self.repository.branches() == {**before, name: number}
        self.committed.append(self.committed[revision])
        self.heads[name] = number

    @rule(data=st.data())
    def restore(self, data):
        branch, revision = self.pick(data, self.heads), self.pick(data, range(len(self.committed)))
        number = self.repository.restore(revision, branch)
        assert self.repository.diff(revision, number).empty
        self.committed.append(self.committed[revision])
        self.heads[branch] = number

    @rule()
    def reopen(self):
        self.repository.close()
        self.repository = Repository(self.path, snapshot_every=3)

    @rule(data=st.data())
    def stale_writer_is_refused(self, data):
        branch = self.pick(data, self.heads)
        stale = self.pick(data, set(range(-1, len(self.committed))) - {self.heads[branch]})
        with pytest.raises(ConflictError, match="not at the expected"):
            self.repository.commit(self.committed[0], "too late", (), branch, expected_revision=stale)

    @invariant()
    def nothing_else_changed(self):
        assert self.repository.branches() == self.heads
        assert digests(self.repository) == [s.digest() for s in self.committed]

    def teardown(self):
        self.repository.check()
        self.repository.close()


def test_histories(tmp_path, network):
    Histories.network, Histories.folder = network, tmp_path
    run_state_machine_as_test(Histories, settings=settings(max_examples=12, stateful_step_count=12, deadline=None))


@settings(max_examples=15)
@given(st.lists(st.tuples(st.integers(0, 11), st.integers(0, 10**9)), max_size=20), st.integers(1, 6))
def test_replaying_the_log_from_revision_0_gives_the_same_digest(tmp_path_factory, network, changes, snapshot_every):
    state = network.snapshot()
    with Repository(tmp_path_factory.mktemp("log") / "twin.db", snapshot_every) as repository:
        number = repository.commit(state, "inventory")
        for k, (user, demand) in enumerate(changes, start=1):
            event = Demand(float(k), user, demand)
            event.write(state)
            state.t_s = event.t_s
            number = repository.commit(state, "change", [event])
        assert repository.replay(0, number).digest() == state.digest()


# killed, raced, damaged


def _write_for_ever(path, state, acknowledge):
    """Writer that reports each revision once its commit has returned."""
    with Repository(path, snapshot_every=4) as repository:
        k = len(repository)
        while True:
            event = Demand(float(k), k % 12, k)
            event.write(state)
            state.t_s = event.t_s
            kind = k % 3  # by events, by columns, by both
            number = repository.commit(state, f"revision {k}", [event] if kind else [])
            os.write(acknowledge, f"{number} {state.digest()}\n".encode())
            k += 1


def _spawn(target, *arguments):
    """Process that writes lines into a pipe; returns it and the pipe's other end."""
    receive, send = os.pipe()
    process = FORK.Process(target=target, args=(*arguments, send))
    process.start()
    os.close(send)
    return process, os.fdopen(receive, "rb")


def test_a_writer_killed_25_times_loses_nothing_acknowledged(path, network):
    rng, state, acknowledged = np.random.default_rng(1), network.snapshot(), {}
    for life in range(25):
        writer, pipe = _spawn(_write_for_ever, path, state)
        with pipe:
            lines = [pipe.readline()] if life % 5 else []  # some die before their first revision, or the file's
            time.sleep(rng.uniform(0, 0.06))
            os.kill(writer.pid, signal.SIGKILL)
            writer.join()
            lines += pipe.readlines()
        assert writer.exitcode == -signal.SIGKILL
        acknowledged |= dict(line.decode().split() for line in lines)
        with Repository(path) as repository:
            kept = {str(number): digest for number, digest in repository.log().digest.items()}
            assert acknowledged.items() <= kept.items()
            assert len(kept) <= len(acknowledged) + life + 1  # at most one commit a life was cut off unacknowledged
            state = repository.get(repository.head()) if kept else state
    assert len(acknowledged) > 50
    with Repository(path) as repository:
        assert digests(repository) == repository.log().digest.tolist()


def _write_200(path, state, acknowledge):
    with Repository(path) as repository:
        for k in range(1, 201):
            event = Demand(float(k), k % 12, k)
            event.write(state)
            state.t_s = event.t_s
            os.write(acknowledge, f"{repository.commit(state, 'more', [event])}\n".encode())


def test_readers_see_whole_revisions_while_another_process_writes(path, network):
    filled(path, network, n=0)[0].close()
    writer, pipe = _spawn(_write_200, path, network.snapshot())
    with pipe, Repository(path) as reader:
        seen = set()
        while writer.is_alive():
            number = reader.head()
            assert reader.get(number).t_s == number
            assert len(reader.log()) >= number + 1
            seen.add(number)
            Repository(path).close()  # and the whole file is sound at any moment
        writer.join()
        assert writer.exitcode == 0 and reader.head() == 200 and len(seen) > 2


def _race(path, state, n, acknowledge):
    """Writer with an optimistic lock that tries again when refused."""
    refused = 0
    with Repository(path) as repository:
        for _ in range(n):
            while True:
                head = repository.head()
                try:
                    repository.commit(state, str(os.getpid()), (), expected_revision=head)
                    break
                except ConflictError:
                    refused += 1
    os.write(acknowledge, f"{refused}\n".encode())


def test_of_two_writers_the_slower_is_refused_and_nothing_is_lost(path, network):
    repository, states = filled(path, network, n=0)
    racers = [_spawn(_race, path, states[0], 40) for _ in range(2)]
    refused = [int(pipe.readline()) for _, pipe in racers]
    for process, pipe in racers:
        process.join()
        pipe.close()
        assert process.exitcode == 0
    assert len(repository) == 81
    assert repository.log().parent.tolist()[1:] == list(range(80))
    counts = repository.log().message.value_counts()
    assert counts[[str(process.pid) for process, _ in racers]].tolist() == [40, 40]
    other = Repository(path)
    assert repository.commit(states[0], "first", expected_revision=80) == 81
    with pytest.raises(ConflictError, match="is at revision 81, not at the expected 80; get the new head"):
        other.commit(states[0], "second", expected_revision=80)
    assert other.head() == 81 and sum(refused) >= 0


def test_a_writer_that_waits_too_long_is_told_so(path, network):
    repository, states = filled(path, network, n=0, wait_s=0.05)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(ConflictError, match="another process is writing to the repository"):
        repository.commit(states[0], "blocked")
    other.execute("ROLLBACK")
    other.close()
    assert repository.commit(states[0], "free again") == 1


def test_any_damaged_byte_is_found_or_harmless(path, network, tmp_path):
    repository = filled(path, network, n=4, snapshot_every=2)[0]
    repository.branch("what-if", 2)
    before = (digests(repository), repository.log().to_dict(), repository.branches())
    repository.close()
    data, rng, found = path.read_bytes(), np.random.default_rng(0), 0
    for position in rng.choice(len(data), 60, replace=False):
        broken = tmp_path / "broken.db"
        for leftover in tmp_path.glob("broken.db*"):
            leftover.unlink()
        broken.write_bytes(data[:position] + bytes([data[position] ^ (1 << rng.integers(8))]) + data[position + 1 :])
        try:
            with Repository(broken) as damaged:
                assert (digests(damaged), damaged.log().to_dict(), damaged.branches()) == before
        except RepositoryError as error:
            assert "broken.db" in str(error) or "column" in str(error)
            found += 1
    assert found > 10


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE revision SET message = 'nothing happened' WHERE number = 1",
        "UPDATE revision SET parent = 0 WHERE number = 3",
        "UPDATE event SET data = replace(data, 'user\":1', 'user\":2') WHERE revision = 1",
        """UPDATE event SET data = CAST(replace(data, 'user":1', 'user":2') AS BLOB) WHERE revision = 1""",
        "DELETE FROM event WHERE revision = 2",
        "DELETE FROM content WHERE rowid = 1",
        "UPDATE content SET data = zeroblob(20) WHERE rowid = 2",
        "UPDATE content SET data = (SELECT data FROM content WHERE rowid = 3) WHERE rowid = 2",
        "UPDATE content SET sha256 = (SELECT sha256 || 'x' FROM content WHERE rowid = 3) WHERE rowid = 3",
        "DELETE FROM revision WHERE number = 2",
    ],
)
def test_a_changed_history_is_refused(path, network, statement):
    filled(path, network)[0].close()
    other = sqlite3.connect(path)
    other.execute(statement)
    other.commit()
    other.close()
    with pytest.raises(RepositoryError, match="damaged"):
        Repository(path)


def test_damage_under_an_open_repository_is_found_on_reading(path, network):
    repository, states = filled(path, network)
    other = sqlite3.connect(path)
    other.execute("UPDATE event SET data = replace(data, '2000', '2001') WHERE revision = 2")
    other.commit()
    other.close()
    assert repository.get(1).digest() == states[1].digest()
    with pytest.raises(RepositoryError, match=r"revision 2 of .* is damaged: it gives \w+, not"):
        repository.get(2)
    with pytest.raises(RepositoryError, match="revision 2 is not what was committed"):
        repository.check()


# wrong calls


def test_foreign_files_are_refused_and_left_alone(tmp_path):
    text = tmp_path / "notes.txt"
    text.write_bytes(b"not a database at all, but long enough to have a header " * 100)
    other = tmp_path / "other.db"
    with sqlite3.connect(other) as db:
        db.execute("CREATE TABLE revision (number INTEGER)")
    db.close()
    future = tmp_path / "future.db"
    Repository(future).close()
    with sqlite3.connect(future) as db:
        db.execute("PRAGMA user_version = 7")
    db.close()
    short = tmp_path / "short.db"
    Repository(short).close()
    short.write_bytes(short.read_bytes()[:5000])
    for path, words in (
        (text, "notes.txt is no repository of twins, or is damaged: file is not a database"),
        (other, "other.db is a database of another program"),
        (future, "future.db has format 7, but this dnt_lab reads format 1"),
        (short, "short.db is no repository of twins, or is damaged"),
        (tmp_path, "is a folder, but a repository is a file"),
        (tmp_path / "missing" / "twin.db", "there is no folder .*missing"),
    ):
        before = path.read_bytes() if path.is_file() else None
        with pytest.raises(RepositoryError, match=words):
            Repository(path)
        assert before is None or path.read_bytes() == before


def test_an_empty_file_becomes_a_repository(path, network):
    path.touch()
    with Repository(path) as repository:
        assert len(repository) == 0 and repository.branches() == {} and repository.log().empty
        with pytest.raises(RepositoryError, match="there is no branch 'main', but the branches are none yet"):
            repository.head()


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda r, s: r.commit(s.arrays(), "x"), TypeError, "stores a State, not dict; commit twin.state"),
        (lambda r, s: r.commit(s, None), TypeError, "message is None"),
        (lambda r, s: r.commit(s, "x", [Demand(1.0, 99, 1)]), ValueError, "user is 99"),
        (lambda r, s: r.commit(s, "x", ["moved"]), TypeError, "'moved' is not an event"),
        (
            lambda r, s: r.commit(s, "x", branch="other"),
            RepositoryError,
            "no branch 'other', but the branches",
        ),
        (
            lambda r, s: r.commit(s, "x", expected_revision=9),
            ConflictError,
            "is at revision 2, not at the expected 9",
        ),
        (lambda r, s: r.get(3), RepositoryError, "there is no revision 3; .* holds 3, numbered from 0"),
        (lambda r, s: r.get(-1), RepositoryError, "there is no revision -1"),
        (lambda r, s: r.get("main"), RepositoryError, "there is no revision 'main'"),
        (lambda r, s: r.get(True), RepositoryError, "there is no revision True"),
        (lambda r, s: r.diff(0, 77), RepositoryError, "there is no revision 77"),
        (lambda r, s: r.events(77), RepositoryError, "there is no revision 77"),
        (lambda r, s: r.replay(0, 77), RepositoryError, "there is no revision 77"),
        (lambda r, s: r.branch("main", 0), RepositoryError, "branch 'main' exists already"),
        (lambda r, s: r.branch(" ", 0), RepositoryError, "branch name is ' '"),
        (lambda r, s: r.branch("new", 5), RepositoryError, "there is no revision 5"),
        (lambda r, s: r.restore(5), RepositoryError, "there is no revision 5"),
        (lambda r, s: r.head("other"), RepositoryError, "there is no branch 'other'"),
        (lambda r, s: r.log("other"), RepositoryError, "there is no branch 'other'"),
        (lambda r, s: r.at_time(math.nan), RepositoryError, "nothing as early as t_s = nan"),
    ],
)
def test_wrong_calls_are_refused_and_write_nothing(path, network, call, error, words):
    repository, states = filled(path, network, n=2)
    with pytest.raises(error, match=words):
        call(repository, states[2])
    assert len(repository) == 3 and repository.branches() == {"main": 2}
    assert repository.commit(states[2], "goes on") == 3
    repository.check()


def test_more_wrong_calls(path, network):
    for wrong in (0, 2.5, True):
        with pytest.raises(ValueError, match=f"snapshot_every is {wrong}"):
            Repository(path, snapshot_every=wrong)
    repository, states = filled(path, network, n=0)
    state = states[0]
    state.t_s = math.inf
    with pytest.raises(ValueError, match="t_s of the state is inf"):
        repository.commit(state, "the end of time")
    repository.close()
    repository.close()
    with pytest.raises(RepositoryError, match=r"twin\.db is closed; open it again"):
        repository.head()
    assert repr(repository).endswith("closed)")


def test_a_full_disk_is_one_sentence(path, network):
    repository, states = filled(path, network, n=1)
    pages = repository._db.execute("PRAGMA page_count").fetchone()[0]
    repository._db.execute(f"PRAGMA max_page_count = {pages}")
    state = states[1].copy()
    state.position_m += np.random.default_rng(0).random(state.position_m.shape)
    with pytest.raises(RepositoryError, match=r"nothing was written, because the repository's file failed: .*full"):
        repository.commit(state, "x" * 100_000)
    repository._db.execute("PRAGMA max_page_count = 1000000")
    assert len(repository) == 2 and repository.commit(state, "x" * 100_000) == 2


def test_a_copy_of_the_file_is_a_repository(path, network, tmp_path):
    repository, states = filled(path, network)
    repository.close()
    assert not list(tmp_path.glob("twin.db-*"))
    shutil.copy(path, tmp_path / "copy.db")
    with Repository(tmp_path / "copy.db") as copy:
        assert digests(copy) == [s.digest() for s in states]

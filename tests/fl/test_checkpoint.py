"""Checkpoints: killed at any moment, gone on to the same end; what is damaged or another's is refused."""

import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from dnt_lab import fl
from dnt_lab.fl import checkpoint

from . import killable
from .killable import UNTIL, build

KINDS = ("rounds", "arrivals")
SHORT = {"rounds": 8, "arrivals": 12.0}


def parts(state, name="state"):
    """Yield all arrays and numbers of a state with their names."""
    if isinstance(state, dict):
        for key, value in state.items():
            yield from parts(value, f"{name}.{key}")
    elif isinstance(state, list | tuple):
        for i, value in enumerate(state):
            yield from parts(value, f"{name}[{i}]")
    else:
        yield name, state


def assert_same(one, other):
    """Bit by bit: models, optimisers, what clients owe, clocks, queue, history."""
    found, expected = dict(parts(one._state())), dict(parts(other._state()))
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name], value, name)
        assert getattr(found[name], "dtype", None) == getattr(value, "dtype", None), name
    pd.testing.assert_frame_equal(one.history, other.history)


# Going on


@pytest.fixture(scope="module")
def forks():
    """Return a process that starts runs, so that each of them need not import everything again."""
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": os.pathsep.join(sys.path)}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    with subprocess.Popen([sys.executable, killable.__file__], env=environment, **pipes) as process:
        yield process
        process.stdin.close()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes as POSIX systems do")
@pytest.mark.parametrize("kind", KINDS)
def test_a_run_killed_at_random_moments_ends_like_one_left_alone(kind, forks, tmp_path):
    path, codes = tmp_path / "state.npz", []
    rng = np.random.default_rng(1)
    while 0 not in codes:
        delay_s = rng.uniform(0, 0.06) * 1.1 ** len(codes)  # ever longer, so that a slow machine gets there, too
        forks.stdin.write(f"{kind} {delay_s} {path}\n")
        codes.append(int(forks.stdout.readline()))
        assert codes[-1] in (0, -signal.SIGKILL)
    assert len(codes) > 3
    survivor, whole = build(kind), build(kind)
    assert checkpoint.restore(survivor, path)
    whole.run(UNTIL[kind])
    assert_same(survivor, whole)


@pytest.mark.parametrize("kind", KINDS)
def test_every_file_ever_written_leads_to_the_same_end(kind, tmp_path, monkeypatch):
    copies, save = [], checkpoint.save

    def save_and_copy(federation, path):
        save(federation, path)
        copies.append(shutil.copy(path, tmp_path / f"{len(copies)}.npz"))

    whole = build(kind)
    with monkeypatch.context() as patch:
        patch.setattr(checkpoint, "save", save_and_copy)
        whole.run(SHORT[kind], checkpoint=tmp_path / "state.npz")
    assert len(copies) >= 8
    for copy in copies:
        again = build(kind)
        again.run(SHORT[kind], checkpoint=copy)
        assert_same(again, whole)


def test_what_was_evaluated_is_kept_as_it_was(tmp_path):
    def evaluate(federation):
        return {"loss": np.abs(federation.weights).mean(), "worst": np.int32(3), "note": "fine", "odd": np.nan}

    whole, again = build("rounds"), build("rounds")
    whole.run(2, evaluate=evaluate, checkpoint=tmp_path / "state.npz")
    whole.run(4, evaluate=evaluate)
    again.run(4, evaluate=evaluate, checkpoint=tmp_path / "state.npz")
    assert_same(again, whole)


def test_without_a_file_a_run_begins_and_writes_one(tmp_path):
    path = tmp_path / "state.npz"
    assert not checkpoint.restore(build("rounds"), path)
    build("rounds").run(1, checkpoint=str(path))
    assert [file.name for file in tmp_path.iterdir()] == ["state.npz"]


def test_a_file_that_is_further_on_than_asked_is_taken_as_it_is(tmp_path):
    for kind in KINDS:
        done, again = build(kind), build(kind)
        done.run(SHORT[kind], checkpoint=tmp_path / kind)
        again.run(1, checkpoint=tmp_path / kind)
        assert_same(again, done)


@pytest.mark.parametrize("kind", KINDS)
def test_a_write_that_fails_leaves_the_last_file(kind, tmp_path, monkeypatch):
    path, until = tmp_path / "state.npz", SHORT[kind]
    build(kind).run(until / 2 if kind == "arrivals" else until // 2, checkpoint=path)
    before = path.read_bytes()

    def full(source, target):
        raise OSError("no space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        with pytest.raises(OSError, match="no space left"):
            build(kind).run(until, checkpoint=path)
    assert path.read_bytes() == before
    whole, again = build(kind), build(kind)
    whole.run(until), again.run(until, checkpoint=path)
    assert_same(again, whole)


def test_a_stack_of_trained_clients_is_written_once_and_not_with_each_arrival(tmp_path, monkeypatch):
    saved = []
    monkeypatch.setattr(checkpoint, "save", lambda federation, path: saved.append(federation.now_s))
    equal = fl.Devices(np.full(6, 1000.0), fl.Connection(np.inf, np.inf))
    data = fl.ClientData.stack([(np.ones((5, 3)), np.ones((5, 1)))] * 6)
    asynchronous = build("arrivals", devices=equal, data=data, merge_every=None)
    job_s = asynchronous.clients.cost(np.array([0]), np.array([5])).total_s[0]
    history = asynchronous.run(4.5 * job_s, checkpoint=tmp_path / "state.npz")
    assert len(history) == 4 * 6 and len(saved) == 4 + 1


# Refusing


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Return a file of each kind."""
    paths = {kind: tmp_path_factory.mktemp(kind) / "state.npz" for kind in KINDS}
    for kind, path in paths.items():
        build(kind).run(SHORT[kind], checkpoint=path)
    return paths


def assert_refused(federation, path, sentence):
    untouched = build("rounds" if isinstance(federation, fl.Federation) else "arrivals")
    with pytest.raises(ValueError, match=sentence) as refused:
        federation.run(1, checkpoint=path)
    assert refused.value.__suppress_context__ or refused.value.__context__ is None
    for name, value in parts(untouched._state()):
        np.testing.assert_array_equal(dict(parts(federation._state()))[name], value, name)


@pytest.mark.parametrize("kind", KINDS)
def test_damaged_and_foreign_files_are_refused_and_change_nothing(kind, written, tmp_path):
    content = written[kind].read_bytes()
    flipped = [bytearray(content) for _ in range(60)]
    for damaged, place in zip(flipped, np.random.default_rng(0).integers(len(content), size=60), strict=True):
        damaged[place] ^= 255
    cut = [content[:n] for n in (0, 1, 100, len(content) // 2, len(content) - 1)]
    refused = 0
    for damaged in [*cut, b"hello", b"PK\x03\x04", *flipped]:
        bad = tmp_path / "bad.npz"
        bad.write_bytes(damaged)
        federation = build(kind)
        try:
            checkpoint.restore(federation, bad)
        except ValueError as error:
            assert str(error) == "bad.npz is not a whole checkpoint; delete it to start afresh."
            refused += 1
        else:  # a byte that says nothing, such as a time of the zip archive
            good = build(kind)
            checkpoint.restore(good, written[kind])
            assert_same(federation, good)
    assert refused >= 60
    for text in ("[]", "{}", '{"state": 1}', '{"state": {"array": 7}, "identity": ""}'):
        np.savez(tmp_path / "bad.npz", skeleton=np.array(text))
        assert_refused(
            build(kind), tmp_path / "bad.npz", "bad.npz is not a whole checkpoint; delete it to start afresh"
        )
    np.savez(tmp_path / "bad.npz", a=np.zeros(3))
    assert_refused(build(kind), tmp_path / "bad.npz", "bad.npz is not a whole checkpoint")


class Runs:
    """Makes a directory when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def test_code_in_a_foreign_file_does_not_run(tmp_path):
    np.savez(tmp_path / "bad.npz", skeleton=np.array(Runs(str(tmp_path / "ran")), dtype=object))
    assert_refused(build("rounds"), tmp_path / "bad.npz", "bad.npz is not a whole checkpoint")
    assert not (tmp_path / "ran").exists()


HOW = fl.LocalTraining(batch_size=8, lr=0.01)


def times(seconds):
    data = killable.data()
    return replace(data, known_s=np.full(data.x.shape[:2], seconds))


def device(**change):
    return replace(killable.devices(), **change)


def absolute_error(prediction, target):
    return (prediction - target).abs().mean(dim=-1)


OF_BOTH = [
    {"model": fl.mlp(3, 4, 2, 1)},
    {"data": replace(killable.data(), x=killable.data().x + 1e-6)},
    {"data": replace(killable.data(), y=-killable.data().y)},
    {"data": replace(killable.data(), n_samples=np.array([30, 12, 25, 7, 18, 20]))},
    {"how": replace(HOW, epochs=2)},
    {"how": replace(HOW, batch_size=9)},
    {"how": replace(HOW, lr=0.0100001)},
    {"how": replace(HOW, momentum=0.8)},
    {"how": replace(HOW, prox=0.1)},
    {"how": replace(HOW, loss=absolute_error)},
    {"devices": device(speed_flops=killable.devices().speed_flops * 2)},
    {"devices": device(connection=fl.Connection(4000.0, 8000.0, 0.2))},
    {"devices": device(joins_s=1.0)},
    {"devices": device(leaves_s=1e6)},
    {"devices": device(drop_probability=0.2)},
    {"compression": fl.top_k(0.3)},
    {"compression": None},
    {"groups": killable.GROUPS[::-1]},
    {"merge_every": 3},
    {"merge_every": None},
    {"backhaul": None},
    {"initial": np.zeros(fl.mlp(3, 8, 1).n_parameters, np.float32)},
    {"seed": 6},
    {"strategy": {"rounds": fl.fedadam(0.05, tau=0.01), "arrivals": fl.fedbuff(2, staleness=fl.constant())}},
]
OF_ONE = {
    "rounds": [{"fraction": 0.6}, {"deadline_s": 31.0}, {"devices": None}],
    "arrivals": [{"period_s": 1.0}, {"newest": 5}, {"data": times(1.0)}],
}


@pytest.mark.parametrize(
    ("kind", "change"),
    [(kind, change) for kind in KINDS for change in (*OF_BOTH, *OF_ONE[kind])],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_federation_with_another_setting_is_refused_and_changes_nothing(kind, change, written):
    federation = build(kind, **{name: v[kind] if isinstance(v, dict) else v for name, v in change.items()})
    before = [(name, np.copy(value)) for name, value in parts(federation._state())]
    sentence = (
        r"^state\.npz belongs to a federation with another model, data, strategy, seed or other setting; use the same "
        r"ones, or another file\.$"
    )
    with pytest.raises(ValueError, match=sentence):
        checkpoint.restore(federation, written[kind])
    for (name, value), (_, now) in zip(before, parts(federation._state()), strict=True):
        np.testing.assert_array_equal(now, value, name)


def test_a_file_of_the_other_kind_is_refused(written):
    for kind, other in (KINDS, KINDS[::-1]):
        with pytest.raises(ValueError, match="belongs to a federation with another model"):
            build(kind).run(1, checkpoint=written[other])


def test_a_loss_that_is_no_plain_function_has_a_name_of_its_own(tmp_path):
    class Weighted:
        def __call__(self, prediction, target):
            return 2 * absolute_error(prediction, target)

    weighted, path = replace(HOW, loss=Weighted()), tmp_path / "state.npz"
    build("rounds", how=weighted).run(1, checkpoint=path)
    assert checkpoint.restore(build("rounds", how=weighted), path)
    with pytest.raises(ValueError, match="belongs to a federation with another"):
        checkpoint.restore(build("rounds"), path)

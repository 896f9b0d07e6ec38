"""Clients: the cost of a job by hand, drop-outs, and updates with what compression left out."""

import numpy as np
import pytest

from dnt_lab import fl
from dnt_lab.fl.clients import Clients

from . import linear
from .linear import MODEL, START

N = (4, 2, 1)
EVERYONE = np.arange(3)


def three(compression=None, seed=0, **devices):
    setting = fl.Devices([12.0, 24.0, 6.0], fl.Connection(96.0, [48.0, 96.0, 192.0], 0.25), **devices)
    return Clients(MODEL, linear.clients(N), linear.full_batch(epochs=2), setting, compression, seed)


def jobs_of(clients, n_jobs):
    """Let all clients do a few jobs from the same start; return what the server received, (jobs, K, P)."""
    sent = np.tile(START.astype(np.float32), (3, 1))
    return np.stack([clients.updates(EVERYONE, sent, np.full(3, job), clients.data) for job in range(n_jobs)])


def test_the_cost_of_a_job_by_hand():
    cost = three().cost(EVERYONE, np.array(N))
    np.testing.assert_allclose(cost.train_s, [12 * 2 * 4 / 12, 12 * 2 * 2 / 24, 12 * 2 * 1 / 6])  # 12 FLOP a sample
    np.testing.assert_allclose(cost.down_s, [2.25, 1.25, 0.75])  # 12 bytes are 96 bits
    np.testing.assert_allclose(cost.up_s, [1.25, 1.25, 1.25])
    np.testing.assert_allclose(cost.total_s, [11.5, 4.5, 6.0])
    some = three().cost(np.array([2, 0]), np.array([10, 0]))
    np.testing.assert_allclose(some.total_s, [40 + 2.0, 0 + 3.5])


@pytest.mark.parametrize(
    ("compression", "n_bytes"), [(None, 12), (fl.sign(), 5), (fl.qsgd(8), 8), (fl.qsgd(1), 5), (fl.top_k(0.3), 6)]
)
def test_compression_shortens_the_way_up_and_only_that(compression, n_bytes):
    clients = three(compression)
    assert clients.up_bytes == n_bytes
    cost = clients.cost(EVERYONE, np.array(N))
    np.testing.assert_allclose(cost.up_s, 8 * n_bytes / 96 + 0.25)
    np.testing.assert_allclose(cost.down_s, [2.25, 1.25, 0.75])


def test_without_devices_nothing_takes_time():
    clients = Clients(MODEL, linear.clients(N), linear.full_batch())
    np.testing.assert_array_equal(clients.cost(EVERYONE, np.array(N)).total_s, 0)
    assert not clients.lost(EVERYONE, np.zeros(3, int)).any()


def test_updates_are_what_gradient_descent_changes():
    clients = three()
    updates = clients.updates(EVERYONE, np.tile(START, (3, 1)), np.zeros(3, int), clients.data)
    for k in range(3):
        expected = linear.local_steps(START, *linear.samples(clients.data, k), lr=0.1, epochs=2) - START
        np.testing.assert_allclose(updates[k], expected, rtol=1e-12)


def test_a_chance_decides_which_jobs_are_lost():
    clients = three(drop_probability=[0.0, 0.3, 1.0])
    lost = np.stack([clients.lost(EVERYONE, np.full(3, job)) for job in range(2000)])
    np.testing.assert_allclose(lost.mean(axis=0), [0, 0.3, 1], atol=4 * np.sqrt(0.21 / 2000))
    both = np.count_nonzero(lost[:-1, 1] & lost[1:, 1])
    assert both == pytest.approx(0.09 * 2000, abs=4 * np.sqrt(0.09 * 2000))  # no memory


def test_whether_a_job_is_lost_depends_on_seed_client_and_job_alone():
    clients = three(drop_probability=0.5)
    jobs = np.arange(60)
    together = np.stack([clients.lost(EVERYONE, np.full(3, job)) for job in jobs])
    alone = np.stack([clients.lost(np.full(60, k), jobs) for k in EVERYONE], axis=1)
    np.testing.assert_array_equal(together, alone)
    assert (
        together != np.stack([three(seed=1, drop_probability=0.5).lost(EVERYONE, np.full(3, j)) for j in jobs])
    ).any()


@pytest.mark.parametrize("compression", [fl.top_k(0.3), fl.sign()], ids=lambda c: c.name)
def test_what_an_update_leaves_out_comes_with_the_next_one(compression):
    clients = three(compression)
    received, plain = jobs_of(clients, 5), jobs_of(three(), 5)
    assert np.abs(received - plain).max() > 0.01
    np.testing.assert_allclose(received.sum(axis=0) + clients.residual, plain.sum(axis=0), atol=1e-5)


def test_top_k_with_error_feedback_by_hand():
    clients = three(fl.top_k(0.3))  # one of three weights
    expected, left = [], np.zeros((3, 3))
    for update in jobs_of(three(), 3):
        whole = update + left
        kept = np.where(np.abs(whole) == np.abs(whole).max(axis=1, keepdims=True), whole, 0)
        left = whole - kept
        expected.append(kept)
    np.testing.assert_allclose(jobs_of(clients, 3), expected, atol=1e-6)


def test_a_client_that_does_no_job_keeps_what_it_owes():
    clients = three(fl.top_k(0.3))
    jobs_of(clients, 1)
    before = clients.residual.copy()
    some = np.array([0, 2])
    clients.updates(some, np.tile(START, (2, 1)), np.ones(2, int), clients.data[some])
    assert (clients.residual[1] == before[1]).all() and (clients.residual[some] != before[some]).any()


def test_an_unbiased_compression_owes_nothing_and_rounds_by_seed_client_and_job():
    clients = three(fl.qsgd(2))
    assert clients.residual is None
    together = jobs_of(clients, 3)
    np.testing.assert_array_equal(jobs_of(three(fl.qsgd(2)), 3), together)
    alone = three(fl.qsgd(2)).updates(EVERYONE[1:2], START[None].astype("f4"), np.array([2]), clients.data[1:2])
    np.testing.assert_allclose(alone[0], together[2, 1], rtol=1e-6)
    assert (jobs_of(three(fl.qsgd(2), seed=1), 3) != together).any()


def test_updates_keep_the_precision_of_the_weights():
    for compression in (None, fl.sign(), fl.qsgd(4)):
        for kind in (np.float32, np.float64):
            clients = three(compression)
            updates = clients.updates(EVERYONE, np.tile(START, (3, 1)).astype(kind), np.zeros(3, int), clients.data)
            assert updates.dtype == kind


def test_servers_start_alike_from_what_the_seed_draws_or_from_what_is_given():
    clients = three(seed=7)
    drawn = clients.start(None, 2)
    np.testing.assert_array_equal(drawn, [MODEL.init(7), MODEL.init(7)])
    np.testing.assert_array_equal(clients.start(START, 2), [START, START])
    np.testing.assert_array_equal(clients.start([START, 2 * START], 2), [START, 2 * START])
    given = np.array([START, START])
    clients.start(given, 2)[:] = 0
    np.testing.assert_array_equal(given[0], START)


@pytest.mark.parametrize(
    ("initial", "kind", "sentence"),
    [
        (np.zeros(4), ValueError, r"weights have shape \(4,\), but mlp\(2, 1\) needs \(3,\) or \(2, 3\)"),
        (np.zeros((3, 3)), ValueError, r"weights have shape \(3, 3\)"),
        (np.zeros(3, int), TypeError, "weights are int64, but must be float32 or float64"),
        (np.array([0, np.nan, 0]), ValueError, "initial holds NaN or infinity; finite weights are needed"),
    ],
)
def test_weights_that_no_server_can_start_from_are_refused(initial, kind, sentence):
    with pytest.raises(kind, match=sentence):
        three().start(initial, 2)


def test_what_does_not_fit_together_is_refused():
    data, how = linear.clients(N), linear.full_batch()
    with pytest.raises(ValueError, match=r"a sample has shape \(2,\), but mlp\(3, 32, 32, 1\) takes \(3,\)"):
        Clients(fl.mlp(3), data, how)
    with pytest.raises(ValueError, match="there are 1 devices for 3 clients; each needs one"):
        Clients(MODEL, data, how, fl.Devices(1.0, fl.Connection(1.0, 1.0)))
    for seed, kind, sentence in (
        (-1, ValueError, "seed is -1"),
        (2**64, ValueError, "seed is"),
        (0.5, TypeError, "0.5"),
    ):
        with pytest.raises(kind, match=sentence):
            Clients(MODEL, data, how, seed=seed)


def test_training_that_diverges_is_refused_and_the_federation_stays_where_it_was():
    x = np.full((2, 4, 1), 1e4, np.float32)
    data = fl.ClientData(x, np.ones((2, 4, 1), np.float32), np.array([4, 4]))
    federation = fl.Federation(fl.mlp(1, n_layers=0), data, how=fl.LocalTraining(epochs=9, lr=10.0, batch_size=4))
    before = federation.weights.copy()
    with pytest.raises(ValueError, match="training of client 0 diverged to NaN or infinity; a smaller lr than 10"):
        federation.run(until_round=1)
    np.testing.assert_array_equal(federation.weights, before)
    assert federation.round == 0 and len(federation.history) == 0

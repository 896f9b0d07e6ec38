"""Rounds: gradient descent and its fixed points in closed form, groups and meetings by hand, and virtual time."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab import fl

from . import linear
from .linear import MODEL, START, devices, full_batch

N = (4, 2, 1)
LR = 0.1
GIVEN = {"initial": START, "how": full_batch(LR)}


def hierarchy(data, groups, rounds, merge_every, epochs, start=START):
    """FedAvg in groups that meet now and then, one client after the other in plain numpy; models (G, P)."""
    n, groups = data.n_samples, np.array(groups)
    models = [start] * (groups.max() + 1)
    for r in range(1, rounds + 1):
        local = [linear.local_steps(models[g], *linear.samples(data, k), LR, epochs) for k, g in enumerate(groups)]
        members = [np.flatnonzero(groups == g) for g in range(len(models))]
        models = [sum(n[k] * local[k] for k in m) / n[m].sum() for m in members]
        if merge_every and r % merge_every == 0:
            mean = sum(n[m].sum() * w for m, w in zip(members, models, strict=True)) / n.sum()
            models = [mean] * len(models)
    return np.array(models)


def only(data, kept):
    """Return data in which all but some clients have no samples: who is left keeps his number."""
    return fl.ClientData(data.x, data.y, np.where(np.isin(np.arange(len(data)), kept), data.n_samples, 0))


# FedAvg as gradient descent


def test_one_step_a_round_is_gradient_descent_on_the_pooled_data():
    data = linear.clients((20, 5, 11))
    federation = fl.Federation(MODEL, data, **GIVEN)
    federation.run(until_round=10)
    expected = linear.local_steps(START, *linear.pooled(data), LR, epochs=10)
    np.testing.assert_allclose(federation.global_weights, expected, rtol=1e-12)
    federation.run(until_round=400)
    np.testing.assert_allclose(federation.global_weights, linear.solution(*linear.pooled(data)), atol=1e-9)


def closed_form(data, epochs, mu):
    """Return the matrix of a round, w <- w + M (w* - w), and its fixed point w*.

    E steps w <- w - lr (H_k (w - w_k*) + mu (w - w_sent)) move client k by S_k lr H_k (w_k* - w_sent), where S_k is the
    sum of the powers 0 to E - 1 of I - lr (H_k + mu I); with mu = 0, S_k lr H_k = I - (I - lr H_k)^E.
    """
    matrix, right = np.zeros((3, 3)), np.zeros(3)
    for k, n in enumerate(data.n_samples):
        x, y = linear.samples(data, k)
        h = 2 * x.T @ x / n
        step = np.eye(3) - LR * (h + mu * np.eye(3))
        pull = n / sum(data.n_samples) * sum(np.linalg.matrix_power(step, i) for i in range(epochs)) @ (LR * h)
        matrix, right = matrix + pull, right + pull @ linear.solution(x, y)
    return matrix, np.linalg.solve(matrix, right)


@settings(max_examples=20)
@given(st.integers(0, 1000), st.integers(2, 20), st.sampled_from([0.0, 0.5]))
def test_many_local_steps_have_a_fixed_point_in_closed_form(seed, epochs, mu):
    data = linear.clients((20, 6, 10), seed)
    matrix, fixed = closed_form(data, epochs, mu)
    for start in (fixed, START):
        federation = fl.Federation(MODEL, data, fl.fedprox(mu), full_batch(LR, epochs), initial=start)
        federation.run(1)
        np.testing.assert_allclose(federation.global_weights, start + matrix @ (fixed - start), atol=1e-11)


def test_fedavg_converges_to_its_fixed_point_and_not_to_the_pooled_solution():
    data = linear.clients((20, 6, 10))
    federation = fl.Federation(MODEL, data, how=full_batch(LR, epochs=10), initial=START)
    federation.run(60)
    np.testing.assert_allclose(federation.global_weights, closed_form(data, 10, 0.0)[1], atol=1e-9)
    assert np.abs(federation.global_weights - linear.solution(*linear.pooled(data))).max() > 0.1


def test_fedprox_with_mu_0_is_fedavg_bit_by_bit():
    data = linear.clients(N)
    prox, avg = (fl.Federation(MODEL, data, rule, seed=3) for rule in (fl.fedprox(0.0), fl.fedavg()))
    prox.run(5), avg.run(5)
    np.testing.assert_array_equal(prox.weights, avg.weights)
    assert fl.Federation(MODEL, data, fl.fedprox(0.2)).clients.how.prox == 0.2


def test_momentum_on_the_server_runs_over_rounds_in_each_group():
    data, groups, v = linear.clients((9, 4, 6)), [0, 1, 0], np.zeros((2, 3))
    federation = fl.Federation(MODEL, data, fl.fedavgm(0.5, 0.8), groups=groups, **GIVEN)
    federation.run(6)
    models = np.array([START, START])
    for _ in range(6):
        for g in range(2):
            v[g] = 0.8 * v[g] + hierarchy(data, groups, 1, None, 1, models[g])[g] - models[g]
        models = models + 0.5 * v
    np.testing.assert_allclose(federation.weights, models, rtol=1e-12)


def test_a_server_learning_rate_shortens_the_step():
    data = linear.clients(N)
    federation = fl.Federation(MODEL, data, fl.fedavg(0.25), **GIVEN)
    federation.run(1)
    whole = linear.local_steps(START, *linear.pooled(data), LR, 1)
    np.testing.assert_allclose(federation.global_weights, 0.75 * START + 0.25 * whole, rtol=1e-12)


# Groups


@settings(max_examples=12)
@given(
    st.lists(st.tuples(st.integers(1, 9), st.integers(0, 2)), min_size=3, max_size=7),
    st.sampled_from([None, 1, 2, 3]),
    st.integers(1, 3),
)
def test_groups_and_meetings_are_hierarchical_averaging(drawn, merge_every, epochs):
    n, groups = zip(*drawn, strict=True)
    groups = np.unique(groups, return_inverse=True)[1]
    data = linear.clients(n)
    federation = fl.Federation(
        MODEL, data, how=full_batch(LR, epochs), groups=groups, merge_every=merge_every, initial=START
    )
    federation.run(5)
    expected = hierarchy(data, groups, 5, merge_every, epochs)
    np.testing.assert_allclose(federation.weights, expected, rtol=1e-9)
    np.testing.assert_allclose(federation.client_weights, expected[groups], rtol=1e-9)
    share = np.bincount(groups, n) / sum(n)
    np.testing.assert_allclose(federation.global_weights, share @ expected, rtol=1e-9)


def test_meeting_after_every_round_is_flat_fedavg():
    data = linear.clients((5, 30, 11, 8))
    flat = fl.Federation(MODEL, data, seed=1)
    deep = fl.Federation(MODEL, data, groups=[1, 0, 1, 0], merge_every=1, seed=1)
    flat.run(8), deep.run(8)
    np.testing.assert_allclose(deep.weights, np.vstack([flat.weights] * 2), atol=1e-6)


def test_groups_that_never_meet_are_federations_of_their_own():
    data, groups = linear.clients((5, 30, 11, 8, 7)), np.array([1, 0, 1, 0, 0])
    setting = {"devices": devices([0.5] * 5, np.arange(5.0)[::-1], drop_probability=0.3), "seed": 4}
    setting |= {"strategy": fl.fedadam(0.1), "compression": fl.top_k(0.4)}
    together = fl.Federation(MODEL, data, groups=groups, **setting)
    together.run(6)
    rows = []
    for g in range(2):
        alone = fl.Federation(MODEL, only(data, np.flatnonzero(groups == g)), **setting)
        rows.append(alone.run(6))
        np.testing.assert_allclose(together.weights[g], alone.weights[0], atol=1e-6)
        assert together.clock_s[g] == alone.clock_s[0]
    sums = ["trained", "arrived", "training_s", "access_s", "access_bytes"]
    np.testing.assert_allclose(together.history[sums], rows[0][sums] + rows[1][sums])
    np.testing.assert_array_equal(together.history["time_s"], np.maximum(rows[0]["time_s"], rows[1]["time_s"]))


def test_groups_may_start_from_models_of_their_own():
    start = np.array([START, 2 * START])
    federation = fl.Federation(MODEL, linear.clients(N), groups=[0, 1, 1], how=full_batch(LR), initial=start)
    np.testing.assert_array_equal(federation.weights, start)
    federation.run(1)
    np.testing.assert_array_equal(start, [START, 2 * START])
    np.testing.assert_allclose(
        federation.weights[1], hierarchy(linear.clients(N), [0, 1, 1], 1, None, 1, 2 * START)[1], rtol=1e-12
    )


# Virtual time. Clients need (2, 1, 4) s to train and (2, 3, 1) s for messages: (4, 4, 5) s a round


def timed(**rest):
    more = {name: rest.pop(name) for name in list(rest) if name in ("joins_s", "leaves_s", "drop_probability")}
    setting = devices([0.5, 0.5, 4.0], [1.0, 1.0, 0.5], [1.0, 2.0, 0.5], **more)
    return fl.Federation(MODEL, linear.clients(N), devices=setting, **GIVEN, **rest)


def of(*members):
    """Return the model after one round of these members alone."""
    federation = fl.Federation(MODEL, only(linear.clients(N), members), **GIVEN)
    federation.run(1)
    return federation.weights


def test_a_round_lasts_as_long_as_its_slowest_client():
    history = timed().run(2)
    expected = {"round": [1, 2], "time_s": [5.0, 10.0], "trained": 3, "arrived": 3, "training_s": 7.0, "access_s": 6.0,
                "backhaul_s": 0.0, "access_bytes": 3 * 24, "backhaul_bytes": 0}  # fmt: skip
    pd.testing.assert_frame_equal(history, pd.DataFrame(expected))


@pytest.mark.parametrize(
    ("deadline_s", "arrived", "lasts_s"),
    [(5.0, (0, 1, 2), 5.0), (4.5, (0, 1), 4.5), (4.0, (0, 1), 4.0), (1.0, (), 1.0)],
)
def test_a_server_waits_until_its_deadline_and_no_longer(deadline_s, arrived, lasts_s):
    federation = timed(deadline_s=deadline_s)
    row = federation.run(1).iloc[0]
    assert (row["trained"], row["arrived"], row["time_s"]) == (3, len(arrived), lasts_s)
    assert (row["training_s"], row["access_bytes"]) == (7.0, 72)  # who was late has trained in vain
    np.testing.assert_allclose(federation.weights, of(*arrived) if arrived else START[None], rtol=1e-12)


def test_who_drops_out_is_paid_for_and_changes_nothing():
    federation = timed(drop_probability=[0.0, 1.0, 0.0])
    row = federation.run(1).iloc[0]
    assert (row["trained"], row["arrived"], row["time_s"], row["training_s"]) == (3, 2, 5.0, 7.0)
    np.testing.assert_allclose(federation.weights, of(0, 2), rtol=1e-12)


def test_late_joiners_take_part_from_the_first_round_after_they_joined():
    history = timed(joins_s=[0.0, 0.0, 7.0]).run(4)
    assert history["trained"].tolist() == [2, 2, 3, 3]
    assert history["time_s"].tolist() == [4.0, 8.0, 13.0, 18.0]


def test_who_leaves_in_the_middle_of_a_round_is_lost_and_then_gone():
    federation = timed(leaves_s=[np.inf, 9.0, 10.0])
    history = federation.run(3)
    assert history["trained"].tolist() == [3, 3, 1]
    assert history["arrived"].tolist() == [3, 1, 1]  # 1 would arrive at 9 s, 2 at 10 s
    assert history["time_s"].tolist() == [5.0, 10.0, 14.0]


def test_a_server_without_clients_waits_for_the_next_to_join():
    history = timed(joins_s=[3.0, 9.0, np.inf]).run(4)
    assert history["trained"].tolist() == [0, 1, 1, 2]
    assert history["time_s"].tolist() == [3.0, 7.0, 11.0, 15.0]
    gone = timed(leaves_s=6.0)
    history = gone.run(5)
    assert history["trained"].tolist() == [3, 3, 0, 0, 0]
    assert history["time_s"].tolist() == [5.0, 10.0, 10.0, 10.0, 10.0]
    never = timed(joins_s=np.inf)
    assert never.run(2)["time_s"].tolist() == [0.0, 0.0]
    np.testing.assert_array_equal(never.weights[0], START)


def test_a_client_without_samples_is_never_drawn():
    federation = fl.Federation(MODEL, only(linear.clients(N), [0, 2]), devices=devices([1, 1, 1.0]), **GIVEN)
    assert federation.run(2)["trained"].tolist() == [2, 2]
    nobody = fl.Federation(MODEL, only(linear.clients(N), []), **GIVEN)
    assert nobody.run(2)["trained"].tolist() == [0, 0]
    np.testing.assert_array_equal(nobody.weights[0], START)


def test_stragglers_delay_their_own_group_until_the_heads_meet():
    backhaul = fl.Connection(up_bps=96.0, down_bps=[48.0, 96.0], latency_s=[1.0, 0.25])  # 5 s and 2.5 s there and back
    federation = timed(groups=[0, 0, 1], merge_every=2, backhaul=backhaul)
    federation.run(1)
    assert federation.clock_s.tolist() == [4.0, 5.0]
    history = federation.run(3)
    assert federation.clock_s.tolist() == [17.0, 18.0]  # met at 13 s: 8 + 5, 10 + 2.5
    assert history["time_s"].tolist() == [5.0, 13.0, 18.0]
    assert history["backhaul_s"].tolist() == [0.0, 7.5, 0.0]
    assert history["backhaul_bytes"].tolist() == [0, 2 * 2 * 12, 0]


@pytest.mark.parametrize(("compression", "n_bytes"), [(fl.sign(), 5), (fl.qsgd(8), 8), (fl.top_k(0.3), 6)])
def test_compressed_updates_cost_their_bytes_and_no_more_time_than_these_need(compression, n_bytes):
    row = timed(compression=compression).run(1).iloc[0]
    assert row["access_bytes"] == 3 * (12 + n_bytes)
    up_s = np.array([1.0, 2.0, 0.5]) * n_bytes / 12
    assert row["access_s"] == pytest.approx(2.5 + up_s.sum())
    assert row["time_s"] == pytest.approx(np.max([3 + up_s[0], 2 + up_s[1], 4.5 + up_s[2]]))
    assert row["training_s"] == 7.0


def test_compression_that_leaves_nothing_out_changes_nothing():
    plain, packed = timed(), timed(compression=fl.top_k(1.0))
    plain.run(4), packed.run(4)
    np.testing.assert_allclose(packed.weights, plain.weights, rtol=1e-6)


def test_error_feedback_lets_the_coarsest_compression_find_the_solution():
    data = linear.clients((20, 15, 18))
    found = {}
    for compression in (fl.top_k(0.3), fl.sign()):
        federation = fl.Federation(MODEL, data, how=full_batch(0.02), compression=compression, initial=START)
        federation.run(150)
        found[compression.name] = np.abs(federation.global_weights - linear.solution(*linear.pooled(data))).max()
    assert max(found.values()) < 0.02, found


# Sampling, repetition, history


def drawn_clients(federation, rounds):
    """Return who trained in each round, (rounds, K): client k trains for 2^k s, so sums of times tell."""
    training_s = federation.run(rounds)["training_s"].to_numpy().astype(int)
    return (training_s[:, None] >> np.arange(len(federation.clients))) & 1


def test_a_fraction_of_each_group_is_drawn_and_everyone_as_often():
    groups = np.array([0, 0, 0, 0, 1, 1, 1, 1, 1, 1])
    setting = devices(2.0 ** np.arange(10), joins_s=np.where(np.arange(10) == 9, np.inf, 0))
    federation = fl.Federation(
        MODEL, linear.clients([1] * 10), devices=setting, fraction=0.4, groups=groups, seed=5, **GIVEN
    )
    drawn = drawn_clients(federation, 400)
    assert (drawn[:, groups == 0].sum(axis=1) == 2).all()  # .4 of 4, rounded
    assert (drawn[:, groups == 1].sum(axis=1) == 2).all()  # .4 of the 5 that are present
    assert (federation.history["trained"] == 4).all()
    often = drawn.mean(axis=0)
    np.testing.assert_allclose(often, [0.5] * 4 + [0.4] * 5 + [0], atol=4 * np.sqrt(0.25 / 400))
    assert len(np.unique(drawn, axis=0)) > 30


def test_at_least_one_client_is_drawn():
    federation = fl.Federation(MODEL, linear.clients([1] * 5), devices=devices(2.0 ** np.arange(5)), fraction=0.01)
    assert (drawn_clients(federation, 20).sum(axis=1) == 1).all()


def varied(seed=2, **rest):
    setting = devices([0.5, 0.5, 4.0], 1.0, 0.5, drop_probability=0.2)
    rest = {"strategy": fl.fedadam(), "compression": fl.qsgd(4), "groups": [0, 0, 1], "merge_every": 2} | rest
    return fl.Federation(MODEL, linear.clients((30, 25, 40)), devices=setting, fraction=0.5, seed=seed, **rest)


def test_the_same_seed_gives_the_same_run_in_one_go_or_in_parts():
    once, parts, other = varied(), varied(), varied(seed=3)
    once.run(6), other.run(6)
    for until in (0, 3, 3, 4, 6, 5):
        parts.run(until)
    np.testing.assert_array_equal(once.weights, parts.weights)
    np.testing.assert_array_equal(once.clock_s, parts.clock_s)
    pd.testing.assert_frame_equal(once.history, parts.history)
    assert parts.round == 6
    assert (once.weights != other.weights).any()


def test_what_is_evaluated_after_each_round_goes_into_the_history():
    def evaluate(federation):
        return {"rounds": federation.round, "norm": np.linalg.norm(federation.weights)}

    federation = varied(initial=START.astype(np.float32))
    norms = []
    for r in (1, 2, 3):
        federation.run(r, evaluate=evaluate)
        norms.append(np.linalg.norm(federation.weights))
    assert norms[0].dtype == np.float32
    assert federation.history["rounds"].tolist() == [1, 2, 3]
    assert federation.history["norm"].tolist() == norms
    assert federation.history["norm"].dtype == np.float64
    assert repr(federation) == (
        f"Federation(3 clients in 2 groups, mlp(2, 1), fedadam(0.01, 0.9, 0.99, 0.001); 3 rounds, "
        f"{federation.clock_s.max():.1f} s of virtual time)"
    )


def test_the_first_weights_come_from_the_seed():
    federation = fl.Federation(MODEL, linear.clients(N), seed=9)
    np.testing.assert_array_equal(federation.weights, MODEL.init(9)[None])
    assert federation.weights.dtype == np.float32


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ({"strategy": fl.fedasync()}, TypeError, r"strategy is fedasync\(.*\)\), but rounds need a Strategy such as"),
        ({"strategy": "fedavg"}, TypeError, "strategy is fedavg, but rounds need a Strategy"),
        ({"fraction": 0.0}, ValueError, "fraction is 0.0, but it must be over 0 and at most 1"),
        ({"fraction": 1.5}, ValueError, "fraction is 1.5"),
        ({"deadline_s": 0.0}, ValueError, "deadline_s is 0.0, but it must be over 0"),
        ({"deadline_s": np.nan}, ValueError, "deadline_s is nan"),
        ({"groups": [0, 2, 2]}, ValueError, "it must hold 0 to G - 1"),
        ({"merge_every": 2}, ValueError, "merge_every is 2, but without groups no heads can meet; leave it out"),
        ({"merge_every": 0}, ValueError, "merge_every is 0, but must be 1 or more"),
        ({"backhaul": fl.Connection([1.0, 1.0], 1.0)}, ValueError, "up_bps of backhaul has shape"),
        ({"initial": np.zeros(2)}, ValueError, r"weights have shape \(2,\), but mlp\(2, 1\) needs \(3,\)"),
        ({"seed": -1}, ValueError, "seed is -1"),
        ({"devices": devices([1.0, 1.0])}, ValueError, "there are 2 devices for 3 clients"),
    ],
)
def test_bad_arguments_are_refused(change, kind, sentence):
    with pytest.raises(kind, match=sentence):
        fl.Federation(MODEL, linear.clients(N), **change)


def test_two_different_mu_are_refused():
    how = fl.LocalTraining(prox=0.1)
    with pytest.raises(ValueError, match=r"how.prox is 0.1, but fedprox\(0.2, 1\) wants 0.2; leave it at 0"):
        fl.Federation(MODEL, linear.clients(N), fl.fedprox(0.2), how)
    for until, kind in ((-1, ValueError), (2.0, TypeError)):
        with pytest.raises(kind, match=f"until_round is {until}"):
            fl.Federation(MODEL, linear.clients(N)).run(until)


def test_samples_of_the_future_are_refused():
    data = fl.ClientData(np.ones((1, 2, 1)), np.ones((1, 2, 1)), np.array([2]), known_s=np.array([[0.0, 5.0]]))
    with pytest.raises(ValueError, match=r"data\.known_s reaches beyond 0 s"):
        fl.Federation(fl.mlp(1, n_layers=0), data)

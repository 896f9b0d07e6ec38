"""Clients at their own pace: against a slow simulator that shares no code, and by hand where one can follow."""

from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab import fl

from . import linear, one_by_one
from .linear import MODEL, START, devices, full_batch

LR, FEDASYNC = 0.1, fl.fedasync()
GIVEN = {"initial": START, "how": full_batch(LR)}
QUARTERS = st.integers(0, 8).map(lambda n: n / 4)  # exact in binary, so that many events fall on one time


def federation(sample_s, n_samples=None, strategy=FEDASYNC, down_s=0.0, up_s=0.0, joins=None, **rest):
    """Return a federation of clients that need `sample_s` for their only sample, if nothing else is said."""
    n_samples = [1] * len(sample_s) if n_samples is None else n_samples
    setting = devices(sample_s, down_s, up_s, **(joins or {}))
    return fl.AsyncFederation(MODEL, linear.clients(n_samples), strategy, devices=setting, **(GIVEN | rest))


def timeline(history):
    """Return (time_s, client, staleness) of each arrival."""
    return list(history[["time_s", "client", "staleness"]].itertuples(index=False, name=None))


# Against the simulator


@st.composite
def worlds(draw):
    """Draw clients, devices, comings and goings, groups and rules; every time is a whole number of quarter seconds."""
    k = draw(st.integers(1, 5))

    def each(values, n=k):
        return draw(st.lists(values, min_size=n, max_size=n))

    data = linear.clients(each(st.integers(1, 4)), draw(st.integers(0, 99)))
    if draw(st.booleans()):
        known_s = np.cumsum([each(QUARTERS, data.x.shape[1]) for _ in range(k)], axis=1)
        data = fl.ClientData(data.x, data.y, data.n_samples, known_s)
    if k > 2 and draw(st.booleans()):  # a client without samples
        data = fl.ClientData(data.x, data.y, data.n_samples * (np.arange(k) > 0), data.known_s)
    groups = np.unique(each(st.integers(0, 2)), return_inverse=True)[1].tolist()
    joins_s = each(QUARTERS)
    period_s = draw(st.sampled_from([None, 0.75, 2.0]))
    alike = draw(st.booleans())  # equal clients, so that all arrive at once
    sample_s = [0.5] * k if alike else each(st.sampled_from([0.25, 0.5, 1.0, 3.0] + [0.0] * (period_s is not None)))
    rule = draw(
        st.sampled_from(
            [("fedasync", 0.6, 0.5), ("fedasync", 1.0, 0.0), ("fedbuff", 2, 0.7, 1.0), ("fedbuff", 1, 1.0, 0)]
        )
    )
    return one_by_one.World(
        data=data,
        start=np.array([START + g for g in range(max(groups) + 1)]),
        rule=rule,
        lr=LR,
        groups=groups,
        sample_s=sample_s,
        down_s=[0.25] * k if alike else each(QUARTERS),
        up_s=[0.25] * k if alike else each(QUARTERS),
        joins_s=joins_s,
        leaves_s=[j + d for j, d in zip(joins_s, each(st.sampled_from([np.inf, np.inf, 4.0, 9.25])), strict=True)],
        lost=each(st.sampled_from([0.0, 0.0, 0.5, 1.0])),
        period_s=period_s,
        newest=draw(st.sampled_from([None, 1, 2])),
        merge_every=draw(st.sampled_from([None, 1, 2])),
        cloud_up_s=draw(QUARTERS),
        cloud_down_s=draw(QUARTERS),
    )


def fast(world):
    """Return the federation of a world."""
    kind, first, *more = world.rule
    discount = fl.polynomial(more[-1])
    rule = fl.fedasync(first, discount) if kind == "fedasync" else fl.fedbuff(first, more[0], discount)
    with np.errstate(divide="ignore"):
        backhaul = fl.Connection(*(8 * MODEL.n_bytes / np.array([world.cloud_up_s, world.cloud_down_s])))
    return fl.AsyncFederation(
        MODEL,
        world.data,
        rule,
        full_batch(LR),
        devices=devices(
            world.sample_s,
            world.down_s,
            world.up_s,
            joins_s=world.joins_s,
            leaves_s=world.leaves_s,
            drop_probability=world.lost,
        ),
        period_s=world.period_s,
        newest=world.newest,
        groups=world.groups,
        merge_every=world.merge_every,
        backhaul=backhaul,
        initial=world.start,
        seed=1,
    )


@settings(max_examples=80)
@given(worlds(), st.integers(1, 12))
def test_one_client_trained_at_a_time_gives_the_same_history_and_weights(world, until_s):
    asynchronous = fast(world)
    history = asynchronous.run(until_s)
    world.lost = lambda client, job: asynchronous.clients.lost(np.array([client]), np.array([job]))[0]
    heads, cloud, rows = one_by_one.simulate(world, until_s)
    columns = ["time_s", "client", "group", "arrived", "staleness", "weight", "training_s", "access_s"]
    found = [] if history.empty else list(history[columns].itertuples(index=False, name=None))
    assert found == [tuple(float(v) if isinstance(v, Fraction) else pytest.approx(v) for v in row) for row in rows]
    np.testing.assert_allclose(asynchronous.weights, [head.w for head in heads], rtol=1e-9, atol=1e-9)
    np.testing.assert_allclose(asynchronous.heads.models[-1], cloud.w, rtol=1e-9, atol=1e-9)
    np.testing.assert_array_equal(asynchronous.heads.versions, [s.version for s in (*heads, cloud)])


# By hand


def test_staleness_counts_the_versions_since_a_client_downloaded():
    history = federation([1.0, 2.5]).run(6)
    expected = [(1, 0, 0), (2, 0, 0), (2.5, 1, 2), (3, 0, 1), (4, 0, 0), (5, 0, 0), (5, 1, 3), (6, 0, 0)]
    assert timeline(history) == expected
    np.testing.assert_allclose(history["weight"], 0.6 * (history["staleness"] + 1) ** -0.5)


def test_a_fast_a_slow_and_a_lossy_client_by_hand():
    asynchronous = federation([1.0, 3.0, 1.5], joins={"drop_probability": [0, 0, 1.0]})
    history = asynchronous.run(3)
    expected = [(1, 0, 0), (1.5, 2, 1), (2, 0, 0), (3, 0, 0), (3, 1, 3), (3, 2, 3)]
    assert timeline(history) == expected
    assert history["arrived"].tolist() == [True, False, True, True, True, False]
    assert history["weight"].tolist() == [0.6, 0.0, 0.6, 0.6, 0.3, 0.0]
    assert asynchronous.heads.versions.tolist() == [4, 0]


def test_equal_clients_arrive_in_the_order_of_their_numbers_and_what_arrived_counts_for_who_downloads():
    history = federation([2.0] * 3).run(6)
    assert timeline(history) == [(t, c, c) for t in (2, 4, 6) for c in range(3)]


def test_fedbuff_of_equal_clients_is_fedavg_round_by_round():
    n, data = [2] * 4, linear.clients([2] * 4)
    asynchronous = federation([0.5] * 4, n, fl.fedbuff(4, 0.8, fl.constant()), 0.25, 0.75)
    rounds = fl.Federation(MODEL, data, fl.fedavg(0.8), devices=devices([0.5] * 4, 0.25, 0.75), **GIVEN)
    for r in (1, 2, 5):
        history = asynchronous.run(2 * r)
        np.testing.assert_allclose(asynchronous.weights, (rounds.run(r), rounds.weights)[1], rtol=1e-12)
    assert history["training_s"].sum() == rounds.history["training_s"].sum()
    assert history["access_bytes"].sum() == rounds.history["access_bytes"].sum()
    assert (history["staleness"] == 0).all()


def test_a_single_client_with_alpha_1_goes_on_with_its_own_model():
    asynchronous = federation([0.5], [4], fl.fedasync(1.0, fl.constant()))
    asynchronous.run(20)
    expected = linear.local_steps(START, *linear.samples(linear.clients([4]), 0), LR, epochs=10)
    np.testing.assert_allclose(asynchronous.weights[0], expected, rtol=1e-9)
    np.testing.assert_array_equal(asynchronous.global_weights, asynchronous.weights[0])


def test_it_goes_on_until_a_time_and_that_time_is_included():
    asynchronous = federation([1.0, 1.5])
    assert len(asynchronous.run(0.99)) == 0
    assert len(asynchronous.run(1.0)) == 1
    assert len(asynchronous.run(1.25)) == 1
    assert asynchronous.now_s == 1.25
    assert asynchronous.run(1.5)["time_s"].tolist() == [1.0, 1.5]
    assert len(asynchronous.run(1.0)) == 2 and asynchronous.now_s == 1.5


def test_bytes_and_seconds_of_a_job():
    asynchronous = federation([0.5], [4], down_s=0.25, up_s=0.75, compression=fl.sign())
    row = asynchronous.run(4).iloc[0]
    assert row["time_s"] == pytest.approx(2 + 0.25 + 0.75 * 5 / 12)  # 3 signs and a float are 5 bytes of 12
    assert (row["training_s"], row["access_bytes"]) == (2.0, 12 + 5)
    assert row["access_s"] == pytest.approx(0.25 + 0.75 * 5 / 12)
    assert (row["backhaul_s"], row["backhaul_bytes"]) == (0, 0)


# Periods, and samples that appear


def test_jobs_start_at_multiples_of_the_period_and_one_at_each():
    history = federation([0.5, 2.0, 2.5, 0.0], period_s=2.0, joins={"joins_s": [0, 0, 0, 1.0]}).run(8)
    starts = (history["time_s"] - history["training_s"]).groupby(history["client"]).apply(list)
    assert starts.tolist() == [[0, 2, 4, 6], [0, 2, 4, 6], [0, 4], [2, 4, 6, 8]]


@pytest.mark.parametrize("period_s", [0.1, 1 / 3, 0.7, 3600.0])
def test_no_multiple_of_the_period_is_left_out_by_rounding(period_s):
    for sample_s in (0.0, 0.3 * period_s, period_s):
        history = federation([sample_s], period_s=period_s, joins={"drop_probability": 1.0}).run(1000.25 * period_s)
        starts = (history["time_s"] - sample_s) / period_s
        np.testing.assert_allclose(starts, np.arange(1000 + (sample_s < 0.25 * period_s)), atol=1e-9)


def test_a_job_uses_the_newest_of_what_its_client_knows_when_it_starts():
    data = linear.clients([4])
    data = fl.ClientData(data.x, data.y, data.n_samples, np.array([[1.0, 1.0, 4.0, 9.0]]))
    asynchronous = fl.AsyncFederation(
        MODEL, data, fl.fedasync(1.0), devices=devices([0.5]), period_s=3.0, newest=2, **GIVEN
    )
    history = asynchronous.run(11)
    assert history["time_s"].tolist() == [4.0, 7.0, 10.0]  # from 3, 6 and 9 s on
    x, y = linear.samples(data, 0)
    w = START
    for first in (0, 1, 2):
        w = linear.local_steps(w, x[first : first + 2], y[first : first + 2], LR, 1)
    np.testing.assert_allclose(asynchronous.weights[0], w, rtol=1e-9)


# Comings, goings and heads


def test_joining_late_leaving_and_having_nothing():
    setting = {"joins_s": [0, 2.5, 0, 0], "leaves_s": [np.inf, np.inf, 2.0, np.inf]}
    history = federation([1.0] * 4, [1, 1, 1, 0], joins=setting).run(4.5)
    times = history.groupby("client")["time_s"].apply(list)
    assert times.to_dict() == {0: [1, 2, 3, 4], 1: [3.5, 4.5], 2: [1, 2]}
    last = history[(history["client"] == 2) & (history["time_s"] == 2)].iloc[0]
    assert not last["arrived"] and last["training_s"] == 1.0  # it left at the very moment


def test_a_federation_in_which_nobody_takes_part_stands_still():
    empty = fl.ClientData(np.zeros((1, 0, 2)), np.zeros((1, 0, 1)), np.zeros(1, int), np.zeros((1, 0)))
    for asynchronous in (
        federation([1.0], [0]),
        fl.AsyncFederation(MODEL, empty, devices=devices([1.0]), **GIVEN),
        federation([1.0], joins={"joins_s": np.inf}),
        federation([1.0], joins={"joins_s": 2.0, "leaves_s": 2.0}),
    ):
        assert asynchronous.run(100).empty
        np.testing.assert_array_equal(asynchronous.weights, START[None])


def test_heads_meet_the_cloud_after_as_many_arrivals_as_they_have_members():
    backhaul = fl.Connection(96.0, [48.0, 192.0], 0.0)  # 1 s up; 2 s and half a second down
    asynchronous = federation([1.0, 1.0, 4.0], groups=[0, 0, 1], merge_every=2, backhaul=backhaul)
    history = asynchronous.run(9)
    meetings = history[history["client"] == -1]
    assert timeline(meetings[["time_s", "client", "staleness"]]) == [(3, -1, 0), (6, -1, 0), (9, -1, 0), (9, -1, 3)]
    assert meetings["group"].tolist() == [0, 0, 0, 1]
    assert meetings["backhaul_s"].tolist() == [3, 3, 3, 1.5]
    assert (meetings["backhaul_bytes"] == 24).all() and (meetings["access_bytes"] == 0).all()
    assert asynchronous.heads.versions[-1] == 4


def test_a_head_without_members_present_neither_moves_nor_meets():
    setting = {"joins_s": [0, 0, np.inf]}
    asynchronous = federation([1.0] * 3, groups=[0, 0, 1], merge_every=1, joins=setting)
    history = asynchronous.run(5)
    assert set(history["group"]) == {0}
    np.testing.assert_array_equal(asynchronous.weights[1], START)
    assert (asynchronous.global_weights != START).any()


def test_groups_without_meetings_are_federations_of_their_own():
    groups, sample_s = np.array([0, 1, 0, 1]), np.array([0.5, 1.0, 0.75, 2.0])
    together = federation(sample_s, [3, 2, 4, 1], fl.fedbuff(2), groups=groups)
    history = together.run(20)
    for g in range(2):
        alone = federation(sample_s, [3, 2, 4, 1], fl.fedbuff(2), joins={"joins_s": np.where(groups == g, 0, np.inf)})
        rows = history[history["group"] == g].drop(columns="group").reset_index(drop=True)
        pd.testing.assert_frame_equal(alone.run(20).drop(columns="group"), rows)
        np.testing.assert_allclose(alone.weights[0], together.weights[g], rtol=1e-9)


# Repetition


def varied(seed=2, **rest):
    setting = fl.Devices.drawn(6, fl.Connection(960.0, 96.0, 0.05), speed_flops=40.0, seed=1)
    setting = fl.Devices(setting.speed_flops, setting.connection, drop_probability=0.2)
    rest = {"compression": fl.top_k(0.4), "groups": [0, 0, 1, 1, 1, 0], "merge_every": 1} | rest
    return fl.AsyncFederation(MODEL, linear.clients((30, 25, 40, 9, 14, 22)), devices=setting, seed=seed, **rest)


@pytest.mark.parametrize("strategy", [fl.fedasync(), fl.fedbuff(3)], ids=lambda rule: rule.name)
def test_the_same_seed_gives_the_same_run_in_one_go_or_in_parts(strategy):
    once, parts, other = (varied(seed, strategy=strategy) for seed in (2, 2, 3))
    once.run(60.0), other.run(60.0)
    for until_s in (0, 7.5, 7.5, 31, 60, 10):
        parts.run(until_s)
    np.testing.assert_array_equal(parts.heads.models, once.heads.models)
    pd.testing.assert_frame_equal(parts.history, once.history)
    assert (once.heads.models != other.heads.models).any()
    assert repr(once) == (
        f"AsyncFederation(6 clients in 2 groups, mlp(2, 1), {strategy.name}; {len(once.history)} arrivals in 60.0 s of "
        "virtual time)"
    )


@pytest.mark.parametrize(
    ("change", "kind", "sentence"),
    [
        ({"strategy": fl.fedavg()}, TypeError, r"strategy is fedavg\(1\), but single arrivals need an AsyncStrategy"),
        ({"period_s": 0.0}, ValueError, "period_s is 0.0, but it must be over 0"),
        ({"newest": 0}, ValueError, "newest is 0, but must be 1 or more"),
        ({"groups": [0, 2]}, ValueError, "it must hold 0 to G - 1"),
        ({"merge_every": 2}, ValueError, "merge_every is 2, but without groups no heads can meet; leave it out"),
        ({"merge_every": 0.5}, TypeError, "merge_every is 0.5, but must be a whole number"),
        ({"backhaul": fl.Connection(1.0, [1.0, 2.0])}, ValueError, "down_bps of backhaul has shape"),
        ({"initial": np.full(3, np.inf)}, ValueError, "initial holds NaN or infinity"),
        ({"seed": 1.0}, TypeError, "seed is 1.0"),
        ({"sample_s": [1.0, 0.0]}, ValueError, "a job takes no time on some device, .* for ever; set period_s"),
    ],
)
def test_bad_arguments_are_refused(change, kind, sentence):
    with pytest.raises(kind, match=sentence):
        federation(**{"sample_s": [1.0, 1.0], **change})


def test_a_bad_time_is_refused():
    for until_s, kind in ((-1.0, ValueError), (np.inf, ValueError), ("1", TypeError)):
        with pytest.raises(kind, match="until_s is"):
            federation([1.0]).run(until_s)

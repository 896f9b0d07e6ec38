"""A network of twins: exact, every user owned once, resources conserved."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab import physical, twin
from dnt_lab.twin.digital_network_twin import share_out

SIX_CHANNELS = tuple(3.5e9 + 5e6 * i for i in range(6))


def small(seed=0, n_regions=2, **more):
    return physical.PhysicalNetwork.open_field(
        n_sites=4, n_users=30, seed=seed, n_regions=n_regions, freq_hz=SIX_CHANNELS, bandwidth_hz=5e6, **more
    )


@given(
    st.integers(4, 200),
    st.lists(st.floats(0, 1e9), min_size=1, max_size=4),
)
def test_shares_add_up_and_follow_need(total, need):
    shares = share_out(total, need)
    assert shares.sum() == total and (shares >= 1).all()
    order = np.argsort(need, kind="stable")
    assert (np.diff(shares[order]) >= -1).all()  # nobody with more need gets less, rounding of one unit apart


def test_shares_known_answers():
    assert share_out(6, [10.0, 2.0]).tolist() == [4, 2]
    assert share_out(7, [1.0, 1.0, 1.0]).tolist() == [3, 2, 2]
    assert share_out(5, [0.0, 0.0]).tolist() == [3, 2]


@pytest.mark.parametrize("n_regions", [1, 2, 4])
def test_the_local_twins_together_equal_the_network(n_regions):
    pn = small(seed=n_regions, n_regions=n_regions)
    dnt = twin.DigitalNetworkTwin.mirror(pn)
    for _ in range(8):
        dnt.apply_all(pn.step(1.0))
        assert dnt.state.digest() == pn.state.digest()
        truth = physical.evaluate(pn.state, pn.radio)
        np.testing.assert_array_equal(dnt.kpis.interference_q, truth.interference_q)
        np.testing.assert_array_equal(dnt.kpis.rate_bps, truth.rate_bps)
        served = pn.state.serving >= 0
        np.testing.assert_array_equal(dnt.owner[served], pn.state.region[pn.state.serving[served]])
        owned = np.concatenate([dnt.users_of(r) for r in range(n_regions)])
        assert sorted(owned.tolist()) == list(range(30))


def test_apply_all_equals_apply():
    pn = small(seed=3)
    one, many = twin.DigitalNetworkTwin.mirror(pn), twin.DigitalNetworkTwin.mirror(pn)
    for _ in range(5):
        events = pn.step(1.0)
        many.apply_all(events)
        for event in events:
            one.apply(event)
    assert one.state.digest() == many.state.digest()
    assert [t.work for t in one.local] == [t.work for t in many.local]
    assert one.bytes_between == many.bytes_between and one.handed_over == many.handed_over


def test_a_user_that_crosses_the_border_changes_its_twin():
    pn = small()
    dnt = twin.DigitalNetworkTwin.mirror(pn)
    user = int(dnt.users_of(0)[0])
    cell = int(np.flatnonzero(pn.state.region == 1)[0])
    before = dnt.bytes_between
    dnt.apply(physical.Handover(1.0, user, cell, int(pn.state.channel[user])))
    assert user in dnt.users_of(1) and user not in dnt.users_of(0)
    assert dnt.handed_over == 1 and dnt.bytes_between > before
    dnt.apply(physical.Handover(2.0, user, -1, int(pn.state.channel[user])))
    assert user in dnt.users_of(1)  # out of coverage: the last twin keeps it


def test_too_little_compute_makes_events_wait_and_moving_it_helps():
    pn = small(seed=1)
    needy = int(np.argmax([len(twin.DigitalNetworkTwin.mirror(pn).users_of(r)) for r in range(2)]))
    fixed, moving = (twin.DigitalNetworkTwin.mirror(pn, compute_per_s=30.0) for _ in range(2))
    events = [physical.Demand(1.0, int(u), 1000 * i) for i in range(1, 6) for u in fixed.users_of(needy)]
    fixed.receive(events)
    moving.receive(events)
    assert fixed.work(0.001) > 0
    for _ in range(400):
        moving.move_compute()
        left_fixed, left_moving = fixed.work(1.0), moving.work(1.0)
        assert left_moving <= left_fixed + 1
        if left_moving == 0:
            break
    assert left_moving == 0 < left_fixed
    assert sum(t.compute_per_s for t in moving.local) == pytest.approx(30.0)
    while fixed.work(1.0):
        pass
    assert fixed.state.digest() == moving.state.digest()


def test_waiting_events_follow_the_user_to_its_new_twin():
    pn = small(seed=1)
    dnt = twin.DigitalNetworkTwin.mirror(pn, compute_per_s=4.0)
    user = int(dnt.users_of(0)[0])
    cell = int(np.flatnonzero(pn.state.region == 1)[0])
    dnt.receive([physical.Handover(1.0, user, cell, 0), physical.Demand(1.1, user, 7), physical.Demand(1.2, user, 9)])
    dnt.work(0.01)
    assert dnt.local[0].backlog == 0 < dnt.local[1].backlog
    while dnt.work(1.0):
        pass
    assert dnt.state.demand_bps[user] == 9


@settings(max_examples=30)
@given(st.lists(st.floats(0, 1e7), min_size=2, max_size=2))
def test_channels_are_disjoint_conserved_and_retune_obeys_them(need):
    pn = small(seed=2)
    dnt = twin.DigitalNetworkTwin.mirror(pn)
    dnt.move_channels(need)
    assert sorted(np.concatenate([t.channels for t in dnt.local]).tolist()) == list(range(6))
    dnt.apply_all(dnt.retune(1.0))
    for local in dnt.local:
        mine = dnt.users_of(local.region)
        assert np.isin(dnt.state.channel[mine], local.channels).all()
        for cell in np.unique(dnt.state.serving[mine]):
            counts = np.bincount(dnt.state.channel[mine][dnt.state.serving[mine] == cell], minlength=6)[local.channels]
            assert counts.max() - counts.min() <= 1
    assert dnt.retune(2.0) == []  # nothing left to do


@pytest.mark.parametrize(
    ("call", "word"),
    [
        (lambda: share_out(1, [1.0, 1.0]), "at least 1"),
        (lambda: share_out(5, [1.0, -1.0]), "at least 0"),
        (lambda: share_out(5, [np.nan, 1.0]), "finite"),
        (lambda: twin.DigitalNetworkTwin.mirror(small(), compute_per_s=0), "over 0"),
        (lambda: twin.DigitalNetworkTwin.mirror(small()).users_of(2), "regions 0 ... 1"),
        (lambda: twin.DigitalNetworkTwin.mirror(small()).apply(physical.Demand(0.0, 99, 1)), "user is 99"),
        (lambda: twin.DigitalNetworkTwin.mirror(small()).receive([physical.Configure(0.0, 99)]), "cell is 99"),
        (lambda: twin.DigitalNetworkTwin.mirror(small(n_regions=4)).move_channels([1, 2, 3, np.inf]), "finite"),
    ],
)
def test_bad_input(call, word):
    with pytest.raises(ValueError, match=word):
        call()

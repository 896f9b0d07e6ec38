"""Rules for single arrivals: by hand, the identities of their papers, and the limits of staleness."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from dnt_lab import fl

STALENESS = [fl.constant(), fl.polynomial(0.5), fl.polynomial(2), fl.hinge(10, 4), fl.hinge(0.5, 0)]
VECTORS = arrays(float, 3, elements=st.floats(-10, 10, width=32))


def arrive_all(rule, w, arrivals):
    """Let (sent, update, tau) arrive one after the other; return the last weights and all version steps."""
    state, versions = rule.init(w), []
    for sent, update, tau in arrivals:
        w, state, new = rule.arrive(w, sent, update, tau, state)
        versions.append(new)
    return w, versions


@pytest.mark.parametrize(
    ("staleness", "expected"),
    [
        (fl.constant(), [1, 1, 1, 1, 1]),
        (fl.polynomial(0.5), [1, 2**-0.5, 0.5, 6**-0.5, 0.1]),
        (fl.polynomial(2), [1, 1 / 4, 1 / 16, 1 / 36, 1e-4]),
        (fl.hinge(10, 4), [1, 1, 1, 1 / 11, 1 / 951]),
        (fl.hinge(0.5, 0), [1, 1 / 1.5, 1 / 2.5, 1 / 3.5, 1 / 50.5]),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_staleness_by_hand(staleness, expected):
    tau = [0, 1, 3, 5, 99]
    np.testing.assert_allclose(staleness(tau), expected, rtol=1e-14)
    assert [staleness(one) for one in tau] == pytest.approx(expected, rel=1e-14)
    assert np.ndim(staleness(3)) == 0


@pytest.mark.parametrize("staleness", STALENESS, ids=lambda s: s.name)
def test_a_fresh_update_counts_in_full_and_an_older_one_never_more(staleness):
    s = staleness(np.arange(1000))
    assert s[0] == 1
    assert (np.diff(s) <= 0).all() and (s > 0).all()
    assert staleness(1e12) == (1 if staleness.name == "constant()" else pytest.approx(0, abs=1e-5))


@given(VECTORS, VECTORS, VECTORS, st.integers(0, 50))
def test_fedasync_with_alpha_1_and_no_discount_returns_the_model_of_the_client(w, sent, model, tau):
    moved, versions = arrive_all(fl.fedasync(1.0, fl.constant()), w, [(sent, model - sent, tau)])
    np.testing.assert_allclose(moved, model, atol=1e-12)
    assert versions == [1]


@pytest.mark.parametrize(
    ("staleness", "share"), [(fl.constant(), 0.6), (fl.polynomial(0.5), 0.3), (fl.hinge(0.5, 1), 0.3)]
)
def test_fedasync_by_hand(staleness, share):
    rule = fl.fedasync(0.6, staleness)
    w, sent, update = np.array([1.0, -2.0]), np.array([0.0, 1.0]), np.array([2.0, 3.0])
    moved, _ = arrive_all(rule, w, [(sent, update, 3)])
    np.testing.assert_allclose(moved, (1 - share) * w + share * np.array([2.0, 4.0]), rtol=1e-14)
    assert rule.weight(3) == pytest.approx(share)


def test_fedasync_starts_from_alpha_at_each_arrival():
    """A known fault of other code: alpha is multiplied by each staleness and decays for good."""
    stale, fresh = (np.zeros(1), np.ones(1), 99), (np.zeros(1), np.ones(1), 0)
    moved, _ = arrive_all(fl.fedasync(0.5), np.zeros(1), [stale, fresh])
    np.testing.assert_allclose(moved, [0.5 * 0.05 + 0.5], rtol=1e-14)


@given(VECTORS, VECTORS, st.integers(0, 50), st.floats(0.01, 1), st.sampled_from(STALENESS))
def test_fedasync_stays_between_the_two_models(w, model, tau, alpha, staleness):
    moved, _ = arrive_all(fl.fedasync(alpha, staleness), w, [(w, model - w, tau)])
    assert (moved >= np.minimum(w, model) - 1e-12).all() and (moved <= np.maximum(w, model) + 1e-12).all()


def test_fedbuff_by_hand():
    rule = fl.fedbuff(2, server_lr=0.5, staleness=fl.polynomial(1))
    arrivals = [(None, np.array([4.0]), 0), (None, np.array([6.0]), 1), (None, np.array([1.0]), 0)]
    w, versions = arrive_all(rule, np.array([10.0]), arrivals)
    assert w == 10 + 0.5 * (4 + 6 / 2) / 2 and versions == [0, 1, 0]
    w, versions = arrive_all(rule, np.array([10.0]), [*arrivals, (None, np.array([3.0]), 2)])
    assert w == 11.75 + 0.5 * (1 + 3 / 3) / 2 and versions == [0, 1, 0, 1]
    assert rule.weight(1) == 0.25


@given(VECTORS, arrays(float, (4, 3), elements=st.floats(-10, 10, width=32)), st.permutations(range(4)))
def test_fedbuff_with_all_clients_and_none_stale_is_a_round_of_fedavg_with_equal_weights(w, updates, order):
    moved, versions = arrive_all(fl.fedbuff(4), w, [(w, updates[k], 0) for k in order])
    np.testing.assert_allclose(moved, fl.fedavg().step(w, updates, np.ones(4), {})[0], atol=1e-12)
    assert versions == [0, 0, 0, 1]


@pytest.mark.parametrize("rule", [fl.fedasync(), fl.fedbuff(2)], ids=lambda rule: rule.name)
def test_an_arrival_is_pure_and_keeps_the_precision(rule):
    for kind, expected in ((np.float32, np.float32), (np.float64, np.float64), (int, np.float64)):
        w, sent, update = (np.array(v, kind) for v in ([0, 2], [0, 1], [1, 1]))
        state = rule.init(w)
        for part in (w, sent, update, *state.values()):
            part.setflags(write=False)
        _, state, _ = rule.arrive(w, sent, update, 1, state)
        for part in state.values():
            part.setflags(write=False)
        first, second = (rule.arrive(w, sent, update, 1, state) for _ in range(2))
        np.testing.assert_array_equal(first[0], second[0])
        assert first[0].dtype == expected and first[0][0] > 0


def test_names_tell_the_parameters():
    assert fl.fedasync(0.9, fl.polynomial(2)).name == "fedasync(0.9, polynomial(2))"
    assert fl.fedbuff(5, 0.1, fl.hinge(10, 4)).name == "fedbuff(5, 0.1, hinge(10, 4))"
    assert fl.fedasync(staleness=fl.constant()).name == "fedasync(0.6, constant())"


@pytest.mark.parametrize(
    ("make", "kind", "sentence"),
    [
        (lambda: fl.constant()(-1), ValueError, "tau is -1.0, but a staleness is 0 or more versions"),
        (lambda: fl.hinge()([0, np.nan]), ValueError, "tau is .*nan.*, but a staleness is 0 or more"),
        (lambda: fl.polynomial(-0.5), ValueError, "p is -0.5, but it must be at least 0"),
        (lambda: fl.hinge(b=-1), ValueError, "b is -1, but it must be at least 0"),
        (lambda: fl.fedasync(0.0), ValueError, "alpha is 0.0, but it must be over 0 and at most 1"),
        (lambda: fl.fedasync(1.1), ValueError, "alpha is 1.1"),
        (lambda: fl.fedasync(staleness="hinge"), TypeError, "staleness is 'hinge', but must be a Staleness such as"),
        (lambda: fl.fedbuff(2, staleness=0.5), TypeError, "staleness is 0.5, but must be a Staleness such as"),
        (lambda: fl.fedbuff(0), ValueError, "size is 0, but must be 1 or more"),
        (lambda: fl.fedbuff(2.5), TypeError, "size is 2.5, but must be a whole number"),
        (lambda: fl.fedbuff(2, 0), ValueError, "server_lr is 0, but it must be over 0"),
    ],
)
def test_bad_parameters_are_refused(make, kind, sentence):
    with pytest.raises(kind, match=sentence):
        make()

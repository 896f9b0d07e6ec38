"""Whittle's index against dynamic programming; the order in which policies want reports sent."""

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.twin.policies import ACCESS, DEMAND, POSITION, AgeOptimal, EventTriggered, Periodic, Randomised
from dnt_lab.twin.policies import whittle_index as index

P = st.floats(0.05, 1.0)


def threshold_cost(threshold, p, price, alpha):
    """Mean cost per slot of 'send from age `threshold` on', by the stationary distribution of the age itself."""
    ages = np.arange(1, threshold + int(40 / p) + 1)
    stays = (1 - p) ** np.maximum(ages - threshold, 0)  # expected visits of each age in one cycle
    return (alpha * (ages * stays).sum() + price * stays[ages >= threshold].sum()) / stays.sum()


@given(st.integers(1, 60), P, st.floats(0.1, 10))
def test_the_index_is_the_price_at_which_two_thresholds_cost_the_same(h, p, alpha):
    price = float(index(h, p, alpha))
    assert threshold_cost(h, p, price, alpha) == pytest.approx(threshold_cost(h + 1, p, price, alpha), rel=1e-6)


@given(P, st.lists(st.integers(1, 1000), min_size=2, max_size=20, unique=True))
def test_for_equal_links_the_index_sorts_like_the_age(p, ages):
    assert np.array_equal(np.argsort(index(np.array(ages), p)), np.argsort(ages))


def mean_age(choose, p, alpha, longest=60):
    """Mean weighted age of two users, one of which sends in each slot: exact, from the stationary distribution."""
    h1, h2 = (a.ravel() for a in np.meshgrid(np.arange(1, longest + 1), np.arange(1, longest + 1), indexing="ij"))
    first = choose(h1, h2)
    success = np.where(first, p[0], p[1])

    def state(a, b):
        return (np.minimum(a, longest) - 1) * longest + np.minimum(b, longest) - 1

    served, failed = state(np.where(first, 1, h1 + 1), np.where(first, h2 + 1, 1)), state(h1 + 1, h2 + 1)
    share = np.full(longest**2, 1 / longest**2)
    for _ in range(600):
        new = np.bincount(served, success * share, longest**2) + np.bincount(failed, (1 - success) * share, longest**2)
        share = (share + new) / 2  # lazy steps: the same stationary distribution, no cycles
    return float((share * (alpha[0] * h1 + alpha[1] * h2)).sum())


def optimal_mean_age(p, alpha, longest=60):
    """Relative value iteration: the least mean weighted age any policy reaches."""
    h1, h2 = np.meshgrid(np.arange(1, longest + 1), np.arange(1, longest + 1), indexing="ij")
    up1, up2 = np.minimum(h1, longest - 1), np.minimum(h2, longest - 1)
    value = np.zeros((longest, longest))
    for _ in range(3000):
        failed = value[up1, up2]
        best = np.minimum(
            p[0] * value[0, up2] + (1 - p[0]) * failed,
            p[1] * value[up1, 0] + (1 - p[1]) * failed,
        )
        new = (alpha[0] * h1 + alpha[1] * h2 + best + value) / 2
        gain, value = (new - value)[0, 0] * 2, new - new[0, 0]
    return float(gain)


@pytest.mark.parametrize(
    ("p", "alpha"), [((1.0, 1.0), (1, 1)), ((0.9, 0.4), (1, 1)), ((0.5, 0.5), (4, 1)), ((0.9, 0.3), (3, 1))]
)
def test_the_index_policy_is_within_2_percent_of_the_optimum_for_two_users(p, alpha):
    best = optimal_mean_age(p, alpha)
    whittle = mean_age(lambda h1, h2: index(h1, p[0], alpha[0]) >= index(h2, p[1], alpha[1]), p, alpha)
    assert best * (1 - 1e-3) <= whittle <= best * 1.02
    oldest = mean_age(lambda h1, h2: h1 >= h2, p, alpha)
    if p[0] == p[1] and alpha[0] == alpha[1]:
        assert oldest == pytest.approx(best, rel=1e-3)
    else:
        assert oldest > whittle * 1.005


def view(**settings):
    agent = {
        "now_s": 10.0,
        "sent_s": np.array([[9.0, 4.0, 0.0]] * 3),
        "position_error_m": np.array([0.0, 7.0, 4.0]),
        "wrong": np.array([[False, True, False], [True, False, False], [True, True, True]]),
        "age_s": np.array([[1.0, 6.0, 10.0]] * 3),
        "slot_s": 1.0,
        "n_users": 3,
        "delivery_probability": np.ones(3),
        "rng": np.random.default_rng(0),
    }
    return SimpleNamespace(**(agent | settings))


def test_periodic_reports_everything_that_has_been_silent_for_a_period():
    assert np.array_equal(Periodic(6.0).urgency(view()), [[-np.inf, 6.0, 10.0]] * 3)


def test_event_triggered_reports_changes_and_positions_beyond_the_threshold():
    urgency = EventTriggered(5.0).urgency(view())
    assert np.array_equal(urgency[ACCESS], [-np.inf, np.inf, -np.inf])
    assert np.array_equal(urgency[DEMAND], [np.inf, -np.inf, -np.inf])
    assert np.array_equal(urgency[POSITION], [-np.inf, 7.0, -np.inf])


def test_age_optimal_and_random_rank_all_positions():
    assert np.argmax(AgeOptimal().urgency(view())[POSITION]) == 2
    assert np.argmax(AgeOptimal(weights=[1, 100, 1]).urgency(view())[POSITION]) == 1
    lots = Randomised().urgency(view())
    assert np.isfinite(lots[POSITION]).all()
    assert np.array_equal(lots, Randomised().urgency(view()))
    assert np.array_equal(lots[:POSITION], AgeOptimal().urgency(view())[:POSITION])


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Periodic(0.0), "period_s is 0.0"),
        (lambda: Periodic(np.nan), "period_s is nan"),
        (lambda: EventTriggered(-1.0), "threshold_m is -1.0"),
        (lambda: AgeOptimal(weights=[1.0, 0.0]), "not over 0; leave users out by a Scope"),
        (lambda: AgeOptimal(weights=[1.0, 2.0]).urgency(view()), r"weights have shape \(2,\), but there are 3 users"),
    ],
)
def test_wrong_settings_are_refused(make, words):
    with pytest.raises(ValueError, match=words):
        make()

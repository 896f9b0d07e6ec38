"""Coalition values: written out coalition by coalition, and what twins of known quality are worth."""

import numpy as np
import pytest
from scipy.stats import norm

from dnt_lab.mapping.merging import (
    Belief,
    Samples,
    averaged,
    choose,
    coalition_values,
    fit_errors,
    fuse,
    members,
    shapley,
)


def town(n=60, seed=0):
    """Four twins: good, fair, a copy of fair, and one that is sure and wrong; with reports."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(-100, 12, n)
    fair = truth + 6 * rng.normal(size=n)
    beliefs = [
        Belief(truth + 3 * rng.normal(size=n), np.full(n, 3.0)),
        Belief(fair, np.full(n, 6.0)),
        Belief(fair, np.full(n, 6.0)),
        Belief(rng.normal(-100, 12, n), np.full(n, 1.0)),
    ]
    seen = truth + 2 * rng.normal(size=n)
    return beliefs, Samples(np.zeros((n, 2)), np.zeros(n), seen, np.zeros(n, bool), np.full(n, np.nan), 2.0)


@pytest.mark.parametrize("rule", ["average", "claimed", "calibrated"])
def test_values_are_mean_gains_in_log_density_on_reports_left_out(rule):
    beliefs, seen = town(23)
    weight = np.linspace(1, 2, 23)
    part, expected = np.arange(23) % 4, []
    for taken in members(4)[1:]:
        gain = np.empty(23)
        for k in range(4):
            rest, held = part != k, part == k
            chosen = [b[held] for b, t in zip(beliefs, taken, strict=True) if t]
            if rule == "average":
                found = averaged(chosen)
            elif rule == "claimed":
                found = fuse(chosen)
            else:
                errors = fit_errors([b[rest] for b in beliefs], seen[rest], weight[rest])
                found = fuse([b[held] for b in beliefs], errors, taken)
            z, known, w = seen.gain_db[held], seen.gain_db[rest], weight[rest] / weight[rest].sum()
            spread = np.sqrt(w @ (known - w @ known) ** 2)
            gain[held] = norm.logpdf(z, found.mean_db, np.hypot(found.std_db, 2.0)) - norm.logpdf(z, w @ known, spread)
        expected.append(weight @ gain / weight.sum())
    np.testing.assert_allclose(coalition_values(beliefs, seen, rule, weight=weight, folds=4), [0.0, *expected])


def test_good_twins_are_worth_most_copies_share_and_a_liar_costs_those_who_believe_it():
    values = [shapley(coalition_values(*town(seed=seed), "claimed")) for seed in range(5)]
    good, fair, copy, liar = np.mean(values, axis=0)
    assert good > fair > 0 > liar
    assert fair == pytest.approx(copy)
    calibrated = np.mean([shapley(coalition_values(*town(seed=seed))) for seed in range(5)], axis=0)
    assert abs(calibrated[3]) < 0.1 < 0.2 < calibrated[0]


def test_the_best_coalition_leaves_the_liar_out():
    beliefs, seen = town()
    taken = choose(coalition_values(beliefs, seen, "claimed"))
    assert taken[0]
    assert not taken[3]


def test_the_order_of_twins_does_not_matter():
    beliefs, seen = town()
    values, turned = coalition_values(beliefs, seen), coalition_values(beliefs[::-1], seen)
    np.testing.assert_allclose(turned[members(4)[:, ::-1] @ [1, 2, 4, 8]], values)


def test_wrong_questions_are_refused():
    beliefs, seen = town(19)
    with pytest.raises(ValueError, match="there are 19 samples, but 5 parts need at least 20"):
        coalition_values(beliefs, seen)
    with pytest.raises(ValueError, match="rule is 'median', but must be one of 'average'"):
        coalition_values(beliefs, seen, "median")
    with pytest.raises(ValueError, match="folds is 1"):
        coalition_values(beliefs, seen, folds=1)
    with pytest.raises(ValueError, match="The number of twins is 0, but must be 1 to 20"):
        coalition_values([], seen)

"""Fusion: least squares, closed forms for independent and repeated twins, and errors learned from planted ones."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit, logit

from dnt_lab.mapping.merging import Belief, ErrorModel, Samples, as_claimed, averaged, fit_errors, fuse, members
from dnt_lab.mapping.merging.fusion import fused_by_coalition


def drawn(n=4, p=7, seed=0):
    rng = np.random.default_rng(seed)
    return [Belief(rng.normal(-100, 9, p), rng.uniform(1, 9, p)) for _ in range(n)], rng


def correlated(n, rng):
    root = rng.normal(size=(n, n + 2))
    return root @ root.T / n


def model(correlation, bias_db=0.0):
    n = len(correlation)
    return ErrorModel(np.broadcast_to(bias_db, n), np.asarray(correlation, float), np.full(n, 1 / n), np.ones(n))


def reports(gain_db, noise_db=2.0, los=None, turn_deg=np.nan):
    n = len(gain_db)
    los = np.zeros(n, bool) if los is None else los
    return Samples(np.zeros((n, 2)), np.zeros(n), gain_db, los, np.broadcast_to(turn_deg, n), noise_db)


@settings(deadline=None)
@given(st.integers(0, 10_000), st.integers(2, 6))
def test_the_fused_mean_is_the_generalised_least_squares_solution(seed, n):
    beliefs, rng = drawn(n, 3, seed)
    errors = model(correlated(n, rng) + 0.05 * np.eye(n), rng.normal(size=n))
    fused = fuse(beliefs, errors)
    for p in range(3):
        std = np.array([b.std_db[p] for b in beliefs])
        covariance = std[:, None] * errors.correlation * std
        white = scipy.linalg.inv(scipy.linalg.cholesky(covariance, lower=True))
        told = np.array([b.mean_db[p] for b in beliefs]) - errors.bias_db
        (mean_db,), *_ = scipy.linalg.lstsq(white @ np.ones((n, 1)), white @ told)
        assert fused.mean_db[p] == pytest.approx(mean_db, abs=1e-5)
        assert fused.std_db[p] ** 2 == pytest.approx(1 / (white.sum(axis=1) ** 2).sum())


@given(st.integers(0, 10_000), st.integers(1, 6))
def test_independent_claims_are_weighed_by_their_precision(seed, n):
    beliefs, _ = drawn(n, 5, seed)
    weight = np.array([b.std_db for b in beliefs]) ** -2.0
    fused = fuse(beliefs)
    np.testing.assert_allclose(fused.mean_db, (weight * [b.mean_db for b in beliefs]).sum(0) / weight.sum(0))
    np.testing.assert_allclose(fused.std_db**-2.0, weight.sum(0))
    assert (fused.std_db <= np.min([b.std_db for b in beliefs], axis=0) + 1e-12).all()


def test_the_same_twin_twice_counts_once():
    one, other = Belief([-100.0], [3.0]), Belief([-110.0], [4.0])
    twice = fuse([one, one, other], model([[1, 1 - 1e-9, 0], [1 - 1e-9, 1, 0], [0, 0, 1]]))
    once = fuse([one, other])
    np.testing.assert_allclose(twice.mean_db, once.mean_db)
    np.testing.assert_allclose(twice.std_db, once.std_db)


def test_perfectly_opposed_errors_cancel():
    told = [Belief([-97.0], [3.0]), Belief([-104.0], [4.0])]  # truth -100, errors +3 and -4
    fused = fuse(told, model([[1, -1 + 1e-12], [-1 + 1e-12, 1]]))
    assert fused.mean_db[0] == pytest.approx(-100.0, abs=1e-4)
    assert fused.std_db[0] < 1e-4


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000))
def test_all_coalitions_at_once_are_each_fused_alone(seed):
    beliefs, rng = drawn(4, 6, seed)
    errors = model(correlated(4, rng) + 0.05 * np.eye(4), rng.normal(size=4))
    mean_db, std_db = (np.array([getattr(b, name) for b in beliefs]) for name in ("mean_db", "std_db"))
    who = members(4)[1:]
    found = fused_by_coalition(mean_db, std_db, errors, who)
    for row, taken in enumerate(who):
        part = model(errors.correlation[np.ix_(taken, taken)], errors.bias_db[taken])
        alone = fuse([b for b, t in zip(beliefs, taken, strict=True) if t], part)
        np.testing.assert_allclose(found[0][row], alone.mean_db)
        np.testing.assert_allclose(found[1][row], alone.std_db)
        np.testing.assert_allclose(fuse(beliefs, errors, taken).mean_db, alone.mean_db)


def test_the_average_has_the_deviation_of_the_mixture():
    rng = np.random.default_rng(1)
    told = [Belief([-100.0], [3.0]), Belief([-90.0], [5.0])]
    mixed = np.concatenate([rng.normal(-100, 3, 200_000), rng.normal(-90, 5, 200_000)])
    found = averaged(told)
    assert found.mean_db[0] == -95.0
    assert found.std_db[0] == pytest.approx(mixed.std(), rel=0.01)


def planted(n=4000, noise_db=2.0, seed=0):
    """Truths, and three twins: an honest one, one twice as wrong as it claims, and one that half repeats the first."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(-100, 12, n)
    claim = rng.uniform(2, 6, (3, n))
    a, b, c = rng.normal(size=(3, n))
    error = claim * [a, 2 * b, 0.6 * a + 0.8 * c] + np.array([[3.0], [-5.0], [0.0]])
    beliefs = [Belief(truth + e, s) for e, s in zip(error, claim, strict=True)]
    return beliefs, reports(truth + noise_db * rng.normal(size=n), noise_db), truth


def test_planted_biases_and_correlations_are_learned_without_the_measurements_noise():
    beliefs, seen, _ = planted()
    found = fit_errors(beliefs, seen, shrinkage=1e-9)
    np.testing.assert_allclose(found.bias_db, [3, -5, 0], atol=0.3)
    np.testing.assert_allclose(found.correlation, [[1, 0, 0.6], [0, 4, 0], [0.6, 0, 1]], atol=0.15)


def test_learned_fusion_is_better_than_claims_and_average_and_knows_how_good_it_is():
    beliefs, seen, truth = planted()
    rmse = {}
    for name, fused in (("learned", fuse(beliefs, fit_errors(beliefs[:], seen))), ("claimed", fuse(beliefs)),
                        ("average", averaged(beliefs))):  # fmt: skip
        rmse[name] = np.sqrt(((fused.mean_db - truth) ** 2).mean())
        if name == "learned":
            assert np.mean(np.abs(fused.mean_db - truth) < 1.645 * fused.std_db) == pytest.approx(0.9, abs=0.03)
    assert rmse["learned"] < 0.9 * min(rmse["claimed"], rmse["average"])


def test_shrinkage_pulls_correlations_and_leaves_the_diagonal():
    beliefs, seen, _ = planted()
    none, half = (fit_errors(beliefs, seen, shrinkage=s).correlation for s in (1e-9, 0.5))
    np.testing.assert_allclose(np.diag(none), np.diag(half), atol=1e-9)
    assert half[0, 2] == pytest.approx(none[0, 2] / 2, rel=1e-6)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.integers(3, 8))
def test_a_few_samples_give_a_usable_model(seed, n):
    beliefs, rng = drawn(5, n, seed)
    found = fit_errors(beliefs, reports(rng.normal(-100, 9, n)))
    assert np.linalg.eigvalsh(found.correlation).min() > 0.04
    assert np.isfinite(fuse(beliefs, found).std_db).all()


def test_weights_count_like_repeated_samples():
    beliefs, rng = drawn(3, 12)
    beliefs = [Belief(b.mean_db, b.std_db, rng.random(12), rng.normal(size=(12, 2)) / 3) for b in beliefs]
    seen = reports(rng.normal(-100, 9, 12), los=rng.random(12) < 0.5, turn_deg=rng.uniform(-90, 90, 12))
    weight = np.r_[np.ones(4), np.zeros(8)]
    found, alone = fit_errors(beliefs, seen, weight), fit_errors([b[:4] for b in beliefs], seen[:4])
    for name in ("bias_db", "correlation", "los_weight", "departure_weight"):
        np.testing.assert_allclose(getattr(found, name), getattr(alone, name), atol=1e-6)


def test_log_odds_weights_are_the_penalised_likeliest():
    rng = np.random.default_rng(2)
    p = rng.uniform(0.03, 0.97, (3, 60))
    seen = rng.random(60) < expit(1.5 * logit(p[0]))
    beliefs = [Belief(np.zeros(60), np.ones(60), los=row) for row in p]

    def loss(w):
        odds = w @ logit(p)
        return -np.log(np.where(seen, expit(odds), expit(-odds))).sum() + ((w - 1 / 3) ** 2).sum()

    brute = minimize(loss, np.full(3, 0.5), bounds=[(0, None)] * 3, method="Powell", options={"xtol": 1e-7}).x
    found = fit_errors(beliefs, reports(np.zeros(60), los=seen))
    np.testing.assert_allclose(found.los_weight, brute, atol=1e-3)
    np.testing.assert_allclose(fuse(beliefs, found).los, expit(brute @ logit(p)), atol=1e-3)


def test_twins_without_sight_or_direction_are_left_out_of_it():
    able = Belief([0.0], [1.0], los=[0.8], departure=[[0.0, 0.5]])
    mute = Belief([0.0], [1.0])
    fused = fuse([mute, able])
    assert fused.los[0] == pytest.approx(expit(logit(0.8) / 2))
    np.testing.assert_allclose(fused.departure / np.linalg.norm(fused.departure), [[0.0, 1.0]])
    assert fuse([mute, mute]).los is None
    assert fuse([mute, mute]).departure is None
    many = [Belief(np.zeros(9), np.ones(9), los=los) for los in (None, np.full(9, 0.8))]
    found = fit_errors(many, reports(np.zeros(9), los=np.ones(9, bool)))
    assert found.los_weight[0] == 0 < found.los_weight[1]
    np.testing.assert_array_equal(found.departure_weight, 0)


def test_directions_that_agree_win_and_are_not_mixed_with_others():
    def to(deg, sure=1.0):
        return Belief([0.0], [1.0], departure=[[sure * np.cos(np.deg2rad(deg)), sure * np.sin(np.deg2rad(deg))]])

    fused = fuse([to(0.0), to(58.0), to(62.0)])
    turn_deg = np.rad2deg(np.arctan2(*fused.departure[0, ::-1]))
    assert 57.9 < turn_deg < 62.1
    sure_of_itself = fuse([to(0.0), to(58.0, 0.3), to(62.0, 0.3)])
    np.testing.assert_allclose(sure_of_itself.departure[0, 1], 0.0, atol=1e-12)
    assert np.linalg.norm(sure_of_itself.departure) < 0.5


def test_reliable_directions_get_more_weight():
    straight = Belief(np.zeros(9), np.ones(9), departure=np.tile([1.0, 0.0], (9, 1)))
    aside = Belief(np.zeros(9), np.ones(9), departure=np.tile([0.0, 0.3], (9, 1)))
    found = fit_errors([straight, aside], reports(np.zeros(9), turn_deg=0.0))
    np.testing.assert_allclose(found.departure_weight, [100.0, 1 / 1.01])


def test_wrong_questions_are_refused():
    beliefs, _ = drawn(2, 5)
    with pytest.raises(ValueError, match=r"beliefs are about \[\] positions"):
        fuse([])
    with pytest.raises(ValueError, match=r"beliefs are about \[5, 4\] positions"):
        averaged([beliefs[0], beliefs[1][:4]])
    with pytest.raises(ValueError, match="at least one True"):
        fuse(beliefs, None, [False, False])
    with pytest.raises(ValueError, match="errors are of 3 twins, but there are beliefs of 2"):
        fuse(beliefs, as_claimed(3))
    with pytest.raises(ValueError, match="there are 4 samples and beliefs about 5 positions"):
        fit_errors(beliefs, reports(np.zeros(4)))
    with pytest.raises(ValueError, match="not all 0"):
        fit_errors(beliefs, reports(np.zeros(5)), np.zeros(5))
    with pytest.raises(ValueError, match="shrinkage is 1"):
        fit_errors(beliefs, reports(np.zeros(5)), shrinkage=1.0)

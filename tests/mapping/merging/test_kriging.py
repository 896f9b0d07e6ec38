"""Kriging: dense Gaussian conditioning, a worked weight by hand, and fields found again."""

import numpy as np
import pytest
import scipy.linalg
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.mapping.merging import Field, fit_field, krige
from dnt_lab.mapping.merging.kriging import MEMORIES_H, RANGES_M, SCALES


def ground(n=25, seed=0):
    rng = np.random.default_rng(seed)
    return rng.uniform(0, 60, (n, 2)), rng.uniform(0, 20, n), rng.normal(size=n) * 6, rng


def covariance(field, a, b):
    """k between places, times and claims, written out one by one."""
    return np.array([
        [
            field.scale**2 * s * z * np.exp(-np.hypot(*(p - q)) / field.range_m - abs(t - u) / field.memory_h)
            for q, u, z in zip(*b, strict=True)
        ]
        for p, t, s in zip(*a, strict=True)
    ])  # fmt: skip


@pytest.mark.parametrize("memory_h", [7.0, np.inf])
def test_kriging_is_gaussian_conditioning_with_an_unknown_constant(memory_h):
    xy_m, time_h, r, rng = ground()
    where_m, claim_db, there_db = rng.uniform(0, 60, (9, 2)), rng.uniform(2, 8, 25), rng.uniform(2, 8, 9)
    field = Field(0.8, 12.0, memory_h)
    mean_db, std_db = krige(field, xy_m, time_h, r, 2.0, claim_db, where_m, 21.0, there_db)
    seen, asked = (xy_m, time_h, claim_db), (where_m, np.full(9, 21.0), there_db)
    # the constant as one more Gaussian unknown, so wide that nothing is known of it
    wide = 1e7
    k = covariance(field, seen, seen) + 4 * np.eye(25) + wide
    cross, prior = covariance(field, asked, seen) + wide, covariance(field, asked, asked) + wide
    solved = scipy.linalg.solve(k, np.column_stack([r, cross.T]), assume_a="pos")
    np.testing.assert_allclose(mean_db, cross @ solved[:, 0], atol=1e-4)
    variance = np.diag(prior - cross @ solved[:, 1:])
    np.testing.assert_allclose(std_db**2, variance, atol=1e-3)


def test_two_samples_by_hand():
    # one place asked for in the middle of two, with correlations h to it and h^2 between them
    h, s2, n2 = np.exp(-0.5), 9.0, 1.0
    mean_db, std_db = krige(Field(3.0, 20.0), [[0, 0], [20, 0]], [0, 0], [2.0, 6.0], 1.0, 1.0, [[10, 0]], 0.0, 1.0)
    assert mean_db[0] == pytest.approx(4.0)
    # symmetric weights 1/2: variance of f - (z1 + z2)/2
    assert std_db[0] ** 2 == pytest.approx(s2 - 2 * s2 * h + (s2 + n2 + s2 * h**2) / 2)


def test_without_noise_a_sample_is_met_exactly_and_far_away_the_mean_comes_back():
    xy_m, time_h, r, _ = ground()
    field = Field(1.0, 10.0)
    mean_db, std_db = krige(field, xy_m, 0 * time_h, r, 1e-4, 5.0, xy_m, 0.0, 5.0)
    np.testing.assert_allclose(mean_db, r, atol=1e-4)
    assert std_db.max() < 1e-2
    far_db, far_std_db = krige(field, xy_m, 0 * time_h, r, 1.0, 5.0, xy_m + 1e4, 0.0, 5.0)
    np.testing.assert_allclose(far_db, far_db[0])
    assert r.min() < far_db[0] < r.max()
    assert (far_std_db > 5.0).all()


def test_old_samples_count_less():
    sample = {"xy_m": [[0, 0], [500, 0]], "time_h": [0.0, 0.0], "residual_db": [10.0, 0.0], "noise_db": 1.0}
    now = [krige(Field(1.0, 10.0, 6.0), **sample, claim_db=5.0, where_m=[[0, 0]], when_h=t, claim_there_db=5.0)
           for t in (0.0, 3.0, 12.0, 48.0)]  # fmt: skip
    assert (np.diff([mean[0] for mean, _ in now]) < 0).all()
    assert (np.diff([std[0] for _, std in now]) > 0).all()


def test_many_positions_are_answered_piece_by_piece_alike():
    xy_m, time_h, r, rng = ground()
    where_m = rng.uniform(0, 60, (5000, 2))
    field = Field(1.0, 15.0, 24.0)
    whole = krige(field, xy_m, time_h, r, 2.0, 6.0, where_m, 20.0, 6.0)
    part = krige(field, xy_m, time_h, r, 2.0, 6.0, where_m[4990:], 20.0, 6.0)
    for a, b in zip(whole, part, strict=True):
        np.testing.assert_allclose(a[4990:], b, atol=1e-9)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.floats(-40, 40))
def test_a_shift_of_all_samples_is_a_shift_of_the_answer(seed, shift_db):
    xy_m, time_h, r, _ = ground(12, seed)
    asked = (2.0, 6.0, [[5, 5], [30, 40]], 20.0, 6.0)
    here, there = (krige(Field(1.0, 15.0, 24.0), xy_m, time_h, values, *asked) for values in (r, r + shift_db))
    np.testing.assert_allclose(there[0] - here[0], shift_db, atol=1e-8)
    np.testing.assert_allclose(there[1], here[1])
    assert fit_field(xy_m, time_h, r, 2.0, 6.0) == fit_field(xy_m, time_h, r + shift_db, 2.0, 6.0)


def test_the_fit_is_the_most_probable_of_the_fields_tried():
    xy_m, time_h, r, _ = ground(14)
    claim_db = np.linspace(3, 9, 14)

    def log_posterior(field):
        k = covariance(field, (xy_m, time_h, claim_db), (xy_m, time_h, claim_db)) + 4 * np.eye(14)
        centred = r - r.mean()
        likelihood = -0.5 * (centred @ np.linalg.solve(k, centred) + np.linalg.slogdet(k)[1])
        return likelihood - 0.5 * (np.log(field.scale) / 0.5) ** 2

    tried = [Field(s, m, h) for s in SCALES for m in RANGES_M for h in MEMORIES_H]
    assert fit_field(xy_m, time_h, r, 2.0, claim_db) == max(tried, key=log_posterior)


def test_a_drawn_field_is_found_again():
    found = []
    for seed in range(6):
        xy_m, time_h, _, rng = ground(150, seed)
        true = Field(1.5, 20.0, np.inf)
        k = covariance(true, *[(xy_m, time_h, np.full(150, 4.0))] * 2)
        r = np.linalg.cholesky(k + 1e-9 * np.eye(150)) @ rng.normal(size=150) + rng.normal(size=150)
        found.append(fit_field(xy_m, time_h, r, 1.0, 4.0))
    assert np.mean([f.scale for f in found]) == pytest.approx(1.5, rel=0.25)
    assert np.median([f.range_m for f in found]) == 20.0
    assert np.median([f.memory_h for f in found]) == np.inf


def test_three_samples_do_not_outvote_a_claim():
    field = fit_field([[0, 0], [1, 0], [90, 0]], [0, 0, 0], [0.1, 0.1, 0.2], 1.0, 8.0)
    assert field.scale > 0.3
    assert field.memory_h == np.inf


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"residual_db": [1.0, 2.0]}, r"\(3, 2\), \(3,\) and \(2,\)"),
        ({"time_h": [0.0, np.nan, 1.0]}, "holds a value that is not finite"),
        ({"noise_db": 0.0}, "noise_db is 0.0, but it must be over 0"),
        ({"claim_db": [1.0, -1.0, 1.0]}, "claim_db holds -1.0"),
    ],
)
def test_wrong_samples_are_refused(change, sentence):
    seen = {
        "xy_m": np.eye(3, 2),
        "time_h": np.zeros(3),
        "residual_db": np.arange(3.0),
        "noise_db": 1.0,
        "claim_db": 2.0,
    }
    with pytest.raises(ValueError, match=sentence):
        fit_field(**seen | change)
    with pytest.raises(ValueError, match=sentence):
        krige(Field(1.0, 10.0), **seen | change, where_m=[[0, 0]], when_h=0.0, claim_there_db=2.0)


def test_too_few_samples_and_impossible_fields_are_refused():
    with pytest.raises(ValueError, match="residual_db holds 2 values, but at least 3 are needed"):
        fit_field(np.eye(2), [0, 0], [1.0, 2.0], 1.0, 1.0)
    with pytest.raises(ValueError, match="residual_db is empty"):
        krige(Field(1.0, 10.0), np.zeros((0, 2)), [], [], 1.0, 1.0, [[0, 0]], 0.0, 1.0)
    with pytest.raises(ValueError, match="claim_there_db holds 0"):
        krige(Field(1.0, 10.0), [[1, 1]], [0], [1.0], 1.0, 1.0, [[0, 0]], 0.0, 0.0)
    for wrong, sentence in (
        ((0.0, 1.0), "scale is 0"),
        ((1.0, -1.0), "range_m is -1"),
        ((1.0, 1.0, 0.0), "memory_h is 0"),
    ):
        with pytest.raises(ValueError, match=sentence):
            Field(*wrong)

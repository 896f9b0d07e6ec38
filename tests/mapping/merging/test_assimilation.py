"""Assimilation: a planted wrong patch is mended where it is measured, and nowhere else."""

import numpy as np
import pytest

from dnt_lab.mapping.merging import Belief, Samples, assimilate, score


def street(seed=0, n=80, hours=10.0):
    """A map that is right but for a patch 15 dB too high; samples everywhere, the patch has been there from hour 5."""
    rng = np.random.default_rng(seed)
    where_m = rng.uniform(0, 100, (400, 2))
    xy_m, time_h = rng.uniform(0, 100, (n, 2)), np.sort(rng.uniform(0, hours, n))

    def wrong_db(places_m):
        return 15.0 * (np.hypot(*(places_m - 50).T) < 20)

    now = np.where(time_h > 5, wrong_db(xy_m), 0.0)
    gain_db = -100.0 - now + rng.normal(size=n)
    samples = Samples(xy_m, time_h, gain_db, np.zeros(n, bool), np.zeros(n), 1.0)
    return where_m, -100.0 - wrong_db(where_m), samples


def flat(n):
    return Belief(np.full(n, -100.0), np.full(n, 5.0), los=np.full(n, 0.5))


def test_a_wrong_patch_is_mended_and_the_answer_knows_how_well():
    where_m, truth_db, samples = street()
    before = flat(400)
    after = assimilate(before, where_m, flat(80), samples, 10.0)
    patch = truth_db < -100
    assert score(after[patch], truth_db[patch])["rmse_db"] < 0.65 * score(before[patch], truth_db[patch])["rmse_db"]
    assert score(after[~patch], truth_db[~patch])["rmse_db"] < 3.5
    assert score(after, truth_db)["log_score"] > score(before, truth_db)["log_score"] + 0.2
    assert after.los is before.los


def test_samples_of_the_patch_bring_more_the_fresher_they_are():
    where_m, truth_db, samples = street()
    early = samples[samples.time_h < 6.5]
    errors = [
        score(assimilate(flat(400), where_m, flat(len(s)), s, 10.0), truth_db)["rmse_db"] for s in (early, samples)
    ]
    assert errors[1] < errors[0]


def test_measurements_that_agree_change_little_and_make_surer():
    where_m, _, samples = street()
    agreeing = Samples(samples.xy_m, samples.time_h, np.full(80, -100.0), samples.los, samples.turn_deg, 1.0)
    after = assimilate(flat(400), where_m, flat(80), agreeing, 10.0)
    np.testing.assert_allclose(after.mean_db, -100.0, atol=1e-9)
    assert (after.std_db < 2.5).all()


def test_wrong_questions_are_refused():
    where_m, _, samples = street()
    with pytest.raises(ValueError, match="but now is hour 5: leave it out"):
        assimilate(flat(400), where_m, flat(80), samples, 5.0)
    with pytest.raises(ValueError, match="believed holds 79 positions"):
        assimilate(flat(400), where_m, flat(79), samples, 10.0)
    with pytest.raises(ValueError, match=r"where_m has shape \(3, 2\)"):
        assimilate(flat(400), where_m[:3], flat(80), samples, 10.0)
    with pytest.raises(ValueError, match="at least 3"):
        assimilate(flat(400), where_m, flat(2), samples[:2], 10.0)

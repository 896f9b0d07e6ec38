"""The scenario: what is wrong with each twin, that measurements are of the truth, and that nobody peeks at it."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from dnt_lab.mapping import merging
from dnt_lab.mapping.merging.scenario import CLUTTER_DB, clutter_db
from dnt_lab.physical.shadowing import GaussianField
from tests.mapping.merging.drawn import held, scenario

NAMES = ["radio map", "channel knowledge", "statistical", "other band", "stale map", "mirrored map"]


@cache
def short(change_h):
    return merging.draw_scenario(0, hours=3, change_h=change_h, refresh_h=3)


def errors_db(now_h):
    drawn = scenario()
    truth_db = drawn.truth(now_h).gain_db
    return {t.name: t.belief(drawn.outdoor_m, now_h).mean_db - truth_db for t in drawn.twins(now_h)}


def test_six_twins_have_the_faults_they_are_said_to_have():
    early, late, shaded = errors_db(6.0), errors_db(15.0), scenario().place.loses_sight
    assert list(early) == NAMES
    assert early["radio map"][shaded].mean() < 2 < 10 < late["radio map"][shaded].mean()
    elsewhere = [np.abs(error["radio map"][~shaded]).mean() for error in (early, late)]
    assert elsewhere[1] == pytest.approx(elsewhere[0], rel=0.2)
    # the offset is the same at all hours; what falls at the refresh is the ignorance of the house
    assert errors_db(11.0)["other band"][shaded].mean() > late["other band"][shaded].mean() + 5
    assert 1 < abs(np.median(early["other band"])) < 13
    assert late["mirrored map"].std() > 2 * early["radio map"].std()


def test_samples_and_reports_are_noisy_and_of_their_hour():
    drawn = scenario()
    for seen, per_hour in ((drawn.samples, 16), (drawn.reports, 8)):
        np.testing.assert_array_equal(np.bincount(seen.time_h.astype(int)), np.full(16, per_hour))
        np.testing.assert_array_equal(seen.gain_db * 2, np.round(seen.gain_db * 2))
    # a report stands within a metre of a grid point, whose truth at that hour it nearly measures
    error = []
    for hour in range(16):
        truth = drawn.truth(hour)
        some = drawn.reports[drawn.reports.time_h == hour]
        gap = np.linalg.norm(some.xy_m[:, None] - drawn.outdoor_m, axis=-1)
        near = gap.argmin(axis=1)
        assert gap.min(axis=1).max() < 1
        error.append(some.gain_db - truth.gain_db[near])
    assert 1.5 < np.median(np.abs(np.concatenate(error))) / 0.6745 < 3.5


def test_the_house_is_there_from_its_hour_on():
    sooner, later = short(1), short(2)
    for a, b in ((sooner.samples, later.samples), (sooner.reports, later.reports)):
        np.testing.assert_array_equal(a.time_h, b.time_h)
        same = a.gain_db == b.gain_db
        assert same[a.time_h != 1].all()
        assert not same[a.time_h == 1].all()


def test_clutter_has_its_size_and_memory():
    xy_m = np.random.default_rng(0).uniform(0, 2000, (3000, 2))
    field = GaussianField.draw(31, 15.0, 5)
    now, next_, later = (clutter_db(field, xy_m, h) for h in (0, 1, 12))
    assert now.std() == pytest.approx(CLUTTER_DB, rel=0.1)
    assert later.std() == pytest.approx(CLUTTER_DB, rel=0.1)
    assert np.corrcoef(now, next_)[0, 1] == pytest.approx(np.exp(-1 / 12), abs=0.03)
    assert np.corrcoef(now, later)[0, 1] == pytest.approx(np.exp(-1), abs=0.08)
    mixed = clutter_db(field, xy_m[:4], [0, 1, 12, 12])
    np.testing.assert_allclose(mixed, [now[0], next_[1], later[2], later[3]])


def test_a_seed_draws_the_same_scenario():
    one, again = short(1), merging.draw_scenario(np.random.default_rng(0), hours=3, change_h=1, refresh_h=3)
    np.testing.assert_array_equal(again.samples.gain_db, one.samples.gain_db)
    np.testing.assert_array_equal(again.truth(2.0).gain_db, one.truth(2.0).gain_db)


def test_no_decision_looks_at_the_truth_or_at_later_measurements():
    drawn, now_h = scenario(), 10.0
    wrong = replace(drawn._truth[0], gain_db=drawn._truth[0].gain_db * 0 - 50.0)
    later = drawn.samples.time_h > now_h
    samples = replace(drawn.samples, gain_db=drawn.samples.gain_db + 30 * later)
    reports = replace(drawn.reports, gain_db=drawn.reports.gain_db + 30 * (drawn.reports.time_h > now_h))
    changed = replace(drawn, _truth=(wrong, wrong), samples=samples, reports=reports)
    one, other = (merging.gather(s, now_h) for s in (drawn, changed))
    np.testing.assert_array_equal(one.values("claimed"), other.values("claimed"))
    for way in ("fused", "merged", "claimed", "averaged"):
        np.testing.assert_array_equal(getattr(one, way)().mean_db, getattr(other, way)().mean_db)


def test_merged_leaves_only_channel_knowledge_out():
    known = held()
    assert known.names == NAMES
    assert len(known.reports) == 128
    everything = known.reports + known.samples
    found = known.fresh(np.array([True, False, True, True, True, True]), everything)
    np.testing.assert_array_equal(known.merged().mean_db, found.mean_db)
    np.testing.assert_allclose(known.averaged().mean_db, np.mean([b.mean_db for b in known.here], axis=0))
    alone = known.averaged(np.arange(6) == 2)
    np.testing.assert_allclose(alone.mean_db, known.here[2].mean_db)


def test_the_weight_of_reports_falls_with_their_age():
    known = held()
    assert known.weight[known.reports.time_h == 15].tolist() == [1.0] * 8
    np.testing.assert_allclose(known.weight[known.reports.time_h == 9], np.exp(-1))


def test_wrong_hours_are_refused():
    with pytest.raises(ValueError, match="hours is 0, but must be 1 or more"):
        merging.draw_scenario(0, hours=0)
    with pytest.raises(ValueError, match="refresh_h is 3, but must be 5 or more"):
        merging.draw_scenario(0, change_h=5, refresh_h=3)
    with pytest.raises(TypeError, match="seed is"):
        merging.draw_scenario(-1)

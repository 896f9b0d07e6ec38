"""Twins against jobs done by hand, one after the other; and nobody learns from what has not been reported yet."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from dnt_lab import fl
from dnt_lab.mapping import continual as c
from tests.mapping.continual.planted import HOUR_S, SMALL, campus, with_other_reports_after, world

RULE = fl.fedasync(0.6, fl.polynomial(0.5))
SYSTEMS = {
    "global": lambda w: c.asynchronous(w, RULE),
    "buffered": lambda w: c.asynchronous(w, fl.fedbuff(2)),
    "local": lambda w: c.asynchronous(w, RULE, "buildings"),
    "local + global": lambda w: c.asynchronous(w, RULE, "buildings", 2),
    "alone": lambda w: c.asynchronous(w, fl.fedasync(1.0, fl.constant()), "rooms"),
    "rounds": c.in_rounds,
    "rounds, local + global": lambda w: c.in_rounds(w, "buildings", 2),
    "central": c.central,
    "constants": c.running_constants,
    "chosen": lambda w: c.choose_by_reports(w, [c.frozen(w), c.asynchronous(w, RULE)])[0],
}


def by_hand(w, k, weights, time_s, job):
    """What room k makes of a model with the newest 32 reports it has at a time."""
    data = w.measured.client_data(w.campus).newest(np.array([k]), np.array([time_s]), 32)
    named = {"seed": w.seed, "clients": np.array([k]), "jobs": np.array([job])}
    trained = fl.train(w.model, weights, data, w.learning.update, **named)
    return trained[0], data.n_samples[0]


def weights_shown(w, weights, run, hour, k):
    np.testing.assert_allclose(run.predicted_db[hour, k], w.predict_db(weights)[k], atol=1e-4)


@cache
def shared():
    """One world for all systems, and what each of them predicts in it."""
    w = world(campus((np.inf, 5.5, 9.5), building=(0, 0, 1)), drop=0.2)
    return w, {name: system(w).predicted_db for name, system in SYSTEMS.items()}


@pytest.mark.parametrize("system", SYSTEMS)
def test_nobody_learns_from_reports_to_come(system):
    w, predicted_db = shared()
    told_db = SYSTEMS[system](with_other_reports_after(w, 7.0 * HOUR_S)).predicted_db
    np.testing.assert_array_equal(predicted_db[system][:8], told_db[:8])
    assert np.abs(predicted_db[system][12:] - told_db[12:]).max() > 1


@pytest.mark.parametrize("system", SYSTEMS)
def test_nobody_sees_the_truth_of_links_and_the_same_again_is_the_same(system):
    w, predicted_db = shared()
    hidden = replace(w.campus, before_db=w.campus.before_db + 9, after_db=w.campus.after_db + 5)
    np.testing.assert_array_equal(SYSTEMS[system](replace(w, campus=hidden)).predicted_db, predicted_db[system])


@pytest.mark.parametrize("system", ["local + global", "rounds, local + global"])
def test_the_seed_decides_who_drops_out_and_how_samples_are_shuffled(system):
    w, predicted_db = shared()
    assert not np.array_equal(SYSTEMS[system](replace(w, seed=w.seed + 1)).predicted_db, predicted_db[system])


def test_a_frozen_twin_stays_what_it_was():
    w = world()
    run = c.frozen(w)
    assert run.predicted_db.shape == (37, 2, 20)
    for predicted_db in run.predicted_db:
        np.testing.assert_array_equal(predicted_db, w.predict_db(w.first))


def test_predictions_are_the_models_in_decibels():
    w = world()
    expected = 5 * w.model.predict(np.stack([w.first, w.first]), w.campus.inputs)[..., 0]
    np.testing.assert_allclose(w.predict_db(w.first), expected, rtol=1e-6)


def test_who_is_alone_trains_every_half_hour_on_its_newest_reports():
    w = world()
    run = c.asynchronous(w, fl.fedasync(1.0, fl.constant()), "rooms")
    for k in range(2):
        weights = w.first
        for job in range(6):
            if job % 2 == 0:
                weights_shown(w, weights, run, job // 2, k)
            weights, _ = by_hand(w, k, weights, 1800.0 * job, job)


def test_a_stale_update_is_mixed_in_with_the_weight_of_its_staleness():
    w = world(asleep_s=np.array([60.0, 800.0]))
    run = c.asynchronous(w, RULE)
    first_hour = run.history[run.history["time_s"] < HOUR_S]
    np.testing.assert_allclose(first_hour["time_s"], [120, 1600, 1920, 3400], atol=1)
    assert first_hour["client"].tolist() == [0, 1, 0, 1] and first_hour["staleness"].tolist() == [0, 1, 0, 1]
    np.testing.assert_allclose(first_hour["weight"], [0.6, 0.6 / 2**0.5] * 2)
    model = w.first
    for job in range(2):
        fresh, stale = (by_hand(w, k, model, 1800.0 * job, job)[0] for k in range(2))
        model = 0.4 * model + 0.6 * fresh
        model = (1 - 0.6 / 2**0.5) * model + 0.6 / 2**0.5 * stale
    for k in range(2):
        weights_shown(w, model, run, 1, k)


def test_a_round_waits_for_the_slowest_and_learns_from_what_was_known_at_its_start():
    w = world(asleep_s=np.array([60.0, 3000.0]))
    run = c.in_rounds(w)
    np.testing.assert_allclose(run.history["time_s"][:3], [6000, 12000, 18000], atol=1)
    model, models = w.first, [w.first]
    for job in range(2):
        (one, n_one), (two, n_two) = (by_hand(w, k, model, 6000.0 * job, job + 1) for k in range(2))
        model = (n_one * one + n_two * two) / (n_one + n_two)
        models.append(model)
    for hour, number in ((0, 0), (1, 0), (2, 1), (3, 1), (4, 2)):
        weights_shown(w, models[number], run, hour, 0)
    assert run.history["time_s"].max() <= c.HORIZON_S


def test_heads_in_buildings_wait_for_their_own_rooms_only():
    place = campus((np.inf,) * 3, building=(0, 0, 1))
    w, alike = world(place, asleep_s=np.array([900.0, 1800.0, 6000.0])), world(place, asleep_s=1800.0)
    run, same = (c.in_rounds(x, "buildings").predicted_db for x in (w, alike))
    np.testing.assert_allclose(run[:, :2], same[:, :2], atol=1e-4)
    for hour in range(4):  # the third room's first round ends after 200 minutes
        weights_shown(w, w.first, c.Run(run, None, 0, 0), hour, 2)
    assert np.abs(run[4, 2] - run[3, 2]).max() > 0.1


def test_the_cloud_trains_on_the_newest_reports_of_all_rooms():
    w = world()
    run, measured = c.central(w), w.measured
    real = np.isfinite(measured.time_s)
    rooms = np.repeat([0, 1], measured.n_reports)
    order = np.argsort(measured.time_s[real])
    known = order[measured.time_s[real][order] <= 0][-64:]
    x = w.campus.inputs[rooms, measured.link[real]][known]
    y = (measured.excess_db[real] / 5)[known, None].astype(np.float32)
    how = replace(SMALL.update, batch_size=32)
    trained = fl.train(w.model, w.first, fl.ClientData.stack([(x, y)]), how, seed=w.seed)[0]
    for k in range(2):
        weights_shown(w, trained, run, 0, k)
    assert run.cloud_bytes == 12 * (measured.time_s[real] >= 0).sum()


def test_bytes_are_counted_where_they_travel():
    w = world(campus((np.inf,) * 4, building=(0, 0, 1, 1)))
    n_bytes = w.model.n_bytes
    flat, local, both, alone = (SYSTEMS[name](w) for name in ("global", "local", "local + global", "alone"))
    arrivals = len(flat.history)
    assert (flat.cloud_bytes, flat.edge_bytes) == (2 * n_bytes * arrivals, 0)
    assert (local.cloud_bytes, local.edge_bytes) == (0, 2 * n_bytes * arrivals)
    meetings = (both.history["client"] == -1).sum()
    assert meetings == 2 * (arrivals // 4 // 2)  # two heads, every second round's worth of two arrivals
    assert (both.cloud_bytes, both.edge_bytes) == (2 * n_bytes * meetings, 2 * n_bytes * arrivals)
    assert alone.cloud_bytes == alone.edge_bytes == 0


def test_local_twins_that_never_meet_do_not_hear_of_one_another():
    w = world(campus((np.inf, 5.5), building=(0, 1)))
    deaf = replace(w.measured, excess_db=w.measured.excess_db + np.array([[0.0], [20.0]]))
    apart, loud = (c.asynchronous(x, RULE, "buildings").predicted_db for x in (w, replace(w, measured=deaf)))
    np.testing.assert_allclose(apart[:, 0], loud[:, 0], atol=1e-4)
    meet, heard = (c.asynchronous(x, RULE, "buildings", 2).predicted_db for x in (w, replace(w, measured=deaf)))
    assert np.abs(meet[-1, 0] - heard[-1, 0]).max() > 1


def test_bad_input_is_refused():
    w = world()
    with pytest.raises(ValueError, match="heads is 'attic', but must be one of 'cloud', 'buildings', 'rooms'"):
        c.asynchronous(w, RULE, "attic")
    with pytest.raises(ValueError, match="merge_every is 3, but only heads in buildings can meet, not in rooms"):
        c.asynchronous(w, RULE, "rooms", 3)
    with pytest.raises(ValueError, match="heads is 'rooms', but must be one of 'cloud', 'buildings'"):
        c.in_rounds(w, "rooms")
    with pytest.raises(ValueError, match="merge_every is 3, but without groups no heads can meet"):
        c.in_rounds(w, "cloud", 3)

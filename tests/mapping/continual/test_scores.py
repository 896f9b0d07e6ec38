"""Errors against the walls of their time, phases counted by hand, recovery on curves one can read off."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab import fl
from dnt_lab.mapping import continual as c
from tests.mapping.continual.planted import HOUR_S, campus, world


def planted_run(predicted_db):
    return c.Run(np.broadcast_to(predicted_db, (37, *np.shape(predicted_db)[-2:])), pd.DataFrame(), 2000, 1000)


def test_a_twin_of_the_old_walls_is_right_until_they_change():
    place = campus((np.inf, 10.5))
    error_db = c.room_errors_db(place, planted_run(place.before_db))
    np.testing.assert_allclose(error_db[:, 0], 0)
    np.testing.assert_allclose(error_db[:11, 1], 0)
    np.testing.assert_allclose(error_db[11:, 1], 6)


def test_only_held_out_links_on_which_something_arrives_count():
    place = campus((np.inf,))
    place.before_db[0, 15] = place.after_db[0, 15] = np.nan  # a held-out link
    off_db = np.zeros((1, 20))
    off_db[0, 12:] = [1, 2, 3, 99, 4, 5, 6, 7]
    off_db[0, :12] = 50
    error_db = c.room_errors_db(place, planted_run(np.nan_to_num(place.before_db) + off_db))
    np.testing.assert_allclose(error_db, np.sqrt((1 + 4 + 9 + 16 + 25 + 36 + 49) / 7))


def test_every_phase_is_the_mean_over_its_rooms_and_hours():
    place = campus((np.inf, 10.5, 20.0))
    w = world(place, asleep_s=np.array([1.0, 2.0, 3.0]))
    w = replace(w, measured=replace(w.measured, rate_per_h=np.array([3.0, 1.0, 2.0])))
    error_db = np.random.default_rng(0).uniform(0, 9, (37, 3))
    truth_db = np.stack([place.excess_db(HOUR_S * h) for h in range(37)])
    run = planted_run(np.nan_to_num(truth_db) + error_db[..., None])
    row = c.phases(w, {"planted": run}).loc["planted"]
    by_hand = {
        "before": error_db[:11],
        "waiting": np.concatenate([error_db[11:, 0], error_db[11:20, 2]]),
        "soon": np.concatenate([error_db[11:13, 1], error_db[20:22, 2]]),
        "later": np.concatenate([error_db[13:17, 1], error_db[22:26, 2]]),
        "late": np.concatenate([error_db[23:, 1], error_db[32:, 2]]),
        "quiet": error_db[13:17, 1],
        "sleepy": error_db[22:26, 2],
        "all": error_db,
    }
    for name, values in by_hand.items():
        assert row[name] == pytest.approx(values.mean()), name
    assert (row["cloud_kb"], row["edge_kb"]) == (2, 1)
    assert np.isnan(row["staleness"])


def test_recovery_is_measured_from_what_the_first_twin_was_before_the_change():
    place = campus((np.inf, 10.5))
    w = world(place)
    usual_db = c.room_errors_db(replace(place, changes_s=np.full(2, np.inf)), c.frozen(w))[0, 1]
    truth_db = np.stack([place.excess_db(HOUR_S * h) for h in range(37)])
    for excess_db, expected_h in ((0.4, 14 - 10.5), (0.6, np.inf)):
        error_db = np.where(np.arange(37) >= 14, usual_db + excess_db, usual_db + 5)
        run = planted_run(np.nan_to_num(truth_db) + error_db[:, None, None])
        row = c.phases(w, {"planted": run}).loc["planted"]
        assert row["recovery_h"] == expected_h and row["recovered"] == np.isfinite(expected_h)


def test_where_nothing_changes_there_is_nothing_to_recover_from():
    w = world(campus((np.inf, np.inf)))
    row = c.phases(w, {"frozen": c.frozen(w)}).loc["frozen"]
    assert row[["waiting", "soon", "later", "late", "quiet", "sleepy", "recovery_h", "recovered"]].isna().all()
    assert row["before"] == row["all"]


def test_staleness_and_weight_are_means_over_what_was_taken_in():
    w = world(campus((np.inf,) * 4, building=(0, 0, 1, 1)), drop=0.3)
    run = c.asynchronous(w, fl.fedasync(0.5, fl.polynomial(1.0)), "buildings", 2)
    row = c.phases(w, {"both": run}).loc["both"]
    taken = [r for r in run.history.to_dict("records") if r["arrived"] and r["client"] >= 0]
    assert len(taken) < (run.history["client"] >= 0).sum()
    assert row["staleness"] == pytest.approx(np.mean([r["staleness"] for r in taken]))
    assert row["weight"] == pytest.approx(np.mean([0.5 / (r["staleness"] + 1) for r in taken]))


CURVE = [2.0, 6.0, 2.4, 2.9, 2.3, 2.2, 2.1]


@pytest.mark.parametrize(
    ("change_s", "target_db", "hold_s", "expected"),
    [
        (0.5, 2.5, 0.0, 1.5),
        (0.5, 2.5, 1.0, 3.5),
        (0.5, 2.5, 2.0, 3.5),
        (0.5, 2.5, 3.0, np.inf),
        (0.5, 3.0, 2.0, 1.5),
        (0.5, 2.0, 0.0, np.inf),
        (0.0, 2.0, 0.0, 0.0),
        (4.0, 2.5, 0.0, 0.0),
        (9.0, 9.0, 0.0, np.inf),
    ],
)
def test_recovery_is_read_off_the_curve(change_s, target_db, hold_s, expected):
    assert c.recovery_s(range(7), CURVE, change_s, target_db, hold_s) == expected


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 9), min_size=2), st.tuples(*[st.floats(0, 9)] * 2), st.integers(0, 4), st.integers(0, 9))
def test_a_lower_target_and_a_longer_stay_never_come_sooner(curve, targets_db, hold_s, shift_s):
    time_s = np.arange(len(curve))
    low, high = sorted(targets_db)
    easy, hard = (c.recovery_s(time_s, curve, 0.5, target, hold_s) for target in (high, low))
    assert 0 <= easy <= hard <= c.recovery_s(time_s, curve, 0.5, low, hold_s + 1)
    assert c.recovery_s(time_s + shift_s, curve, 0.5 + shift_s, high, hold_s) == pytest.approx(easy)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match=r"time_s has shape \(2,\) and error_db \(3,\), but both must be \(T,\)"):
        c.recovery_s([0, 1], [1, 2, 3], 0.0, 1.0)
    with pytest.raises(ValueError, match="hold_s is -1, but it must be at least 0"):
        c.recovery_s([0, 1], [1, 2], 0.0, 1.0, -1)

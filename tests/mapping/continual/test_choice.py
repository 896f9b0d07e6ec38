"""The twin that foretold best is chosen, by reports it had not learned from."""

from dataclasses import replace

import numpy as np
import pytest

from dnt_lab.mapping import continual as c
from tests.mapping.continual.planted import HOUR_S, campus, world


def planted_runs(w, n=2, seed=0):
    rng = np.random.default_rng(seed)
    return [c.Run(rng.normal(0, 4, (37, 2, 20)), None, cloud_bytes=i + 1, edge_bytes=3) for i in range(n)]


@pytest.mark.parametrize("newest", [1, 4, 1000])
def test_choices_are_those_made_report_by_report(newest):
    w = world(rates_per_h=(0.3, 2.0))
    runs = planted_runs(w, 3)
    chosen, which = c.choose_by_reports(w, runs, newest)
    for hour, k in np.ndindex(37, 2):
        known = [i for i in range(w.measured.n_reports[k]) if w.measured.time_s[k, i] <= hour * HOUR_S][-newest:]
        times_s, links, said_db = (
            [part[k, i] for i in known] for part in (w.measured.time_s, w.measured.link, w.measured.excess_db)
        )
        errors = [
            [
                (run.predicted_db[int(np.ceil(t / HOUR_S)) - 1, k, link] - db) ** 2
                for t, link, db in zip(times_s, links, said_db, strict=True)
                if t > 0
            ]
            for run in runs
        ]
        best = int(np.argmin([np.mean(e) for e in errors])) if errors[0] else 0
        assert which[hour, k] == best
        np.testing.assert_array_equal(chosen.predicted_db[hour, k], runs[best].predicted_db[hour, k])
    assert chosen.cloud_bytes == 6 and chosen.edge_bytes == 9


def test_the_twin_of_the_old_walls_serves_until_reports_of_the_new_ones_come():
    place = campus((np.inf, 10.5))
    w = world(place, noise_db=0.0, rates_per_h=(20.0, 20.0))
    old, new = (replace(c.frozen(w), predicted_db=np.stack([db] * 37)) for db in (place.before_db, place.before_db - 6))
    _, which = c.choose_by_reports(w, [old, new], newest=3)
    assert not which[:, 0].any()
    assert not which[:11, 1].any() and which[12:, 1].all()


def test_of_equals_the_first_serves():
    w = world()
    run = planted_runs(w)[0]
    assert not c.choose_by_reports(w, [run, run])[1].any()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="there is no run, but one at least is needed"):
        c.choose_by_reports(world(), [])
    with pytest.raises(ValueError, match="newest is 0, but must be 1 or more"):
        c.choose_by_reports(world(), planted_runs(world()), 0)

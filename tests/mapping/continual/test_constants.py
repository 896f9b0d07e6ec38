"""Two running means a BS, written out report by report."""

import numpy as np
import pytest

from dnt_lab.mapping import continual as c
from dnt_lab.mapping.vertical.views import SCALARS
from tests.mapping.continual.planted import HOUR_S, campus, world


def by_hand(w, newest, base_db):
    """The same, one link at a time."""
    los = w.campus.inputs[..., SCALARS.index("direct_clearance")] <= 0
    out = np.zeros((37, *los.shape))
    for hour, k, link in np.ndindex(out.shape):
        base = np.broadcast_to(base_db, out.shape)[hour, k]
        known = [i for i in range(w.measured.n_reports[k]) if w.measured.time_s[k, i] <= hour * HOUR_S][-newest:]
        off = [(w.measured.excess_db[k, i] - base[w.measured.link[k, i]], w.measured.link[k, i]) for i in known]
        same = [d for d, at in off if los[k, at] == los[k, link]] or [d for d, _ in off] or [0.0]
        out[hour, k, link] = base[link] + sum(same) / len(same)
    return out


@pytest.mark.parametrize("newest", [1, 3, 1000])
@pytest.mark.parametrize("base", ["free space", "a twin", "a moving twin"])
def test_means_are_those_of_the_newest_reports_of_the_same_kind(newest, base):
    w = world(rates_per_h=(0.3, 2.0))
    moving = np.random.default_rng(1).normal(size=(37, 2, 20))
    base_db = {"free space": 0.0, "a twin": moving[0], "a moving twin": moving}[base]
    run = c.running_constants(w, newest, base_db)
    np.testing.assert_allclose(run.predicted_db, by_hand(w, newest, base_db), atol=1e-9)
    assert run.cloud_bytes == run.edge_bytes == 0


def test_without_reports_the_base_is_predicted():
    w = world(rates_per_h=(1e-9, 1e-9))
    assert not w.measured.n_reports.any()
    np.testing.assert_array_equal(c.running_constants(w, base_db=w.campus.before_db * 0 + 2).predicted_db[:, 1], 2)


def test_a_twin_that_is_right_is_left_alone_and_one_that_is_off_is_put_right():
    w = world(campus((np.inf, np.inf)), noise_db=0.0)
    for offset_db in (0.0, 7.0):
        run = c.running_constants(w, base_db=w.campus.before_db + offset_db)
        np.testing.assert_allclose(run.predicted_db[0], w.campus.before_db, atol=1e-9)


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="newest is 0, but must be 1 or more"):
        c.running_constants(world(), 0)
    with pytest.raises(ValueError, match=r"base_db has shape \(3,\), but must be one number, \(2, 20\) or \("):
        c.running_constants(world(), base_db=np.zeros(3))

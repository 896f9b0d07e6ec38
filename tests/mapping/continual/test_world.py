"""What all systems share: the first twin knows nothing of what comes, and drifts differ in nothing but the drift."""

import numpy as np
import pytest

from dnt_lab import fl
from dnt_lab.mapping import continual as c
from tests.mapping.continual.planted import HOUR_S

SMALL = c.Learning(hidden=8, first_rounds=8)


@pytest.fixture(scope="module")
def worlds():
    return {drift: c.draw_world(drift, 2, learning=SMALL, n_buildings=2, n_rooms=2) for drift in c.DRIFTS}


def test_drifts_share_places_devices_reports_so_far_and_the_first_twin(worlds):
    none, one, wave = (worlds[drift] for drift in c.DRIFTS)
    for other in (one, wave):
        np.testing.assert_array_equal(other.first, none.first)
        np.testing.assert_array_equal(other.devices.connection.latency_s, none.devices.connection.latency_s)
        assert other.seed == none.seed
        first_change_s = np.min(other.campus.changes_s)
        for k in range(4):
            n = (none.measured.time_s[k] < first_change_s).sum()
            assert n == (other.measured.time_s[k] < first_change_s).sum()
            np.testing.assert_array_equal(other.measured.excess_db[k, :n], none.measured.excess_db[k, :n])


def test_the_first_twin_is_made_in_rounds_of_the_reports_before_time_zero(worlds):
    w = worlds["wave"]
    clients = []
    for k, n in enumerate((w.measured.time_s <= 0).sum(axis=1)):
        x = w.campus.inputs[k, w.measured.link[k, :n]]
        clients.append((x, (w.measured.excess_db[k, :n, None] / 5).astype(np.float32)))
    federation = fl.Federation(w.model, fl.ClientData.stack(clients), fl.fedavg(), SMALL.first, seed=w.seed)
    federation.run(SMALL.first_rounds)
    np.testing.assert_allclose(w.first, federation.weights[0], atol=1e-6)


def test_the_first_twin_is_better_than_free_space_until_walls_change(worlds):
    w = worlds["wave"]
    first_db = c.frozen(w).predicted_db
    first, free = (c.room_errors_db(w.campus, c.Run(db, None, 0, 0)) for db in (first_db, 0 * first_db))
    hour = int(w.campus.changes_s.min() // HOUR_S)
    assert first[:hour].mean() < free[:hour].mean()
    assert first[-1].mean() > 1.5 * first[0].mean()


def test_bad_input_is_refused():
    with pytest.raises(ValueError, match="drift is 'flood', but must be one of"):
        c.draw_world("flood", 1)
    with pytest.raises(ValueError, match="newest is 0, but must be 1 or more"):
        c.Learning(newest=0)
    with pytest.raises(ValueError, match=r"period_s is 0\.0, but it must be over 0"):
        c.Learning(period_s=0.0)

"""Each change does what it says to the physics and nothing to those it does not concern."""

import copy

import numpy as np
import pytest
import shapely

from dnt_lab.mapping import rendering
from dnt_lab.physical import PhysicalNetwork


def los(pn):
    sites = np.arange(len(np.unique(pn.state.cell_position_m, axis=0)))
    return pn.radio.line_of_sight(pn.state.position_m, np.tile(sites, (pn.state.n_users, 1)))


def test_only_walkers_walk_and_about_as_many_as_asked(city):
    before = city.state.position_m.copy()
    for _ in range(5):
        city.step(5.0)
    moved = (city.state.position_m != before).any(axis=1)
    np.testing.assert_array_equal(moved, city.mobility.walks)
    assert 0.05 < moved.mean() < 0.3


def test_a_new_building_hides_users_and_shows_nobody(city):
    before, seen = los(city), rendering.attributes(city)
    served = city.state.cell_position_m[city.state.serving]
    change = rendering.inject(city, "new_building", seed=1)
    now = los(city)
    assert not (now & ~before).any() and (before & ~now).any()
    crossed = shapely.intersects(
        shapely.linestrings(np.stack([city.state.position_m[:, :2], served[:, :2]], axis=1)), change.outline
    )
    lower = rendering.attributes(city).rsrp_dbm < seen.rsrp_dbm - 1e-9
    assert lower.sum() >= 3 and not (lower & ~crossed).any()
    assert len(city.radio.scene.city) == len(copy.deepcopy(city).mobility.model.scene.city) == 1323
    assert not shapely.contains_xy(change.outline, *city.state.position_m[:, :2].T).any()


def test_a_moved_site_takes_its_three_cells_along(city):
    before = city.state.cell_position_m.copy()
    change = rendering.inject(city, "moved_site", seed=1)
    distance_m = np.linalg.norm(city.state.cell_position_m - before, axis=1)
    moved = distance_m > 0
    assert moved.sum() == 3 and np.argmax(moved) == change.cell
    assert (distance_m[moved] == distance_m[moved][0]).all() and 25 <= distance_m[moved][0] <= 50
    assert change.where_m == tuple(city.state.cell_position_m[change.cell, :2])
    np.testing.assert_array_equal(city.radio.cell_position_m, city.state.cell_position_m)


def test_a_changed_load_raises_the_load_of_one_cell(city):
    before = city.kpis.load[:, 0].copy()
    change = rendering.inject(city, "changed_load", seed=1)
    rise = city.kpis.load[:, 0] - before
    assert rise[change.cell] >= 0.29 and (np.delete(rise, change.cell) == 0).all()


def test_a_failed_link_lets_users_go_elsewhere(city):
    change = rendering.inject(city, "failed_link", seed=1)
    was = city.state.serving == change.cell
    for _ in range(2):
        city.step(5.0)
    assert was.any() and not (city.state.serving == change.cell).any()
    assert (city.state.serving[was] >= 0).all()


@pytest.mark.parametrize("kind", rendering.CHANGES)
def test_the_same_seed_makes_the_same_change(city, kind):
    other = copy.deepcopy(city)
    assert rendering.inject(city, kind, 5) == rendering.inject(other, kind, 5)
    city.step(5.0), other.step(5.0)
    assert city.state.digest() == other.state.digest()


def test_what_cannot_be_is_refused(city):
    with pytest.raises(ValueError, match="kind of change is 'fire', but must be one of 'new_building'"):
        rendering.inject(city, "fire", 1)
    field = PhysicalNetwork.open_field(n_users=20, seed=1)
    with pytest.raises(ValueError, match="stands on an open field, but a new building needs a city map"):
        rendering.inject(field, "new_building", 1)
    city.state.serving[:] = -1
    with pytest.raises(ValueError, match="no cell serves anybody"):
        rendering.inject(city, "moved_site", 1)
    with pytest.raises(ValueError, match=r"walking is 1\.5, but it must be at least 0 and at most 1"):
        rendering.living_city(n_users=20, seed=0, walking=1.5)

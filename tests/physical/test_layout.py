"""Layouts: lattices, states on fields and in cities, first attachment."""

import numpy as np
import pytest

from dnt_lab.physical import PhysicalNetwork, Radio, Scene, attach_best, hexagon, make_state
from dnt_lab.physical.layout import in_city, on_field


@pytest.mark.parametrize("n", [1, 2, 7, 19, 37, 100])
def test_hexagon_spacing_and_order(n):
    points = hexagon(n, 200.0)
    assert points.shape == (n, 2)
    radius = np.hypot(*points.T)
    assert (np.diff(radius) > -1e-6).all() and radius[0] == 0
    gaps = np.linalg.norm(points[:, None] - points[None], axis=-1) + 1e9 * np.eye(n)
    if n > 1:
        np.testing.assert_allclose(gaps.min(axis=1), 200.0)


def test_hexagon_takes_the_nearest_points_of_the_lattice():
    more = np.hypot(*hexagon(400, 1.0).T)
    np.testing.assert_allclose(np.hypot(*hexagon(61, 1.0).T), more[:61])
    full_rings = {7: 6, 19: 6}  # closed shells of the hexagonal lattice are symmetric
    for n in full_rings:
        np.testing.assert_allclose(hexagon(n, 1.0).sum(axis=0), 0, atol=1e-12)


def test_make_state_places_sectors_regions_and_users():
    sites = np.array([[300.0, 0.0], [0.0, 0.0], [100.0, 0.0], [200.0, 0.0]])
    state, peak_bps = make_state(sites, np.zeros((5, 2)), n_regions=2, height_m=12.0, tilt_deg=4.0, seed=3)
    assert state.azimuth_deg.tolist() == [30.0, 150.0, 270.0] * 4
    assert state.region.tolist() == [1] * 3 + [0] * 3 + [0] * 3 + [1] * 3  # west to east
    assert (state.cell_position_m[:3] == [300.0, 0.0, 12.0]).all()
    assert (state.position_m[:, 2] == 1.5).all()
    assert (state.serving == -1).all() and (state.demand_bps == 0).all()
    assert peak_bps.shape == (5,)
    omni, _ = make_state(sites, np.zeros((5, 2)), n_sectors=1)
    assert omni.n_cells == 4 and np.isnan(omni.azimuth_deg).all()


def test_make_state_takes_no_users():
    state, peak_bps = make_state(hexagon(3, 100.0), np.empty((0, 2)))
    assert state.n_users == len(peak_bps) == 0


def test_a_field_spreads_users_over_its_bounds():
    state, _, bounds = on_field(7, 2000, 200.0, seed=1)
    xy = state.position_m[:, :2]
    assert bounds == (-320.0, pytest.approx(-(173.205 + 120), abs=1e-3), 320.0, pytest.approx(293.205, abs=1e-3))
    assert (xy > bounds[:2]).all() and (xy < bounds[2:]).all()
    quadrant = (xy[:, 0] > 0) * 2 + (xy[:, 1] > 0)
    assert np.bincount(quadrant).min() > 430


def test_a_city_network_stands_in_the_streets():
    scene = Scene.of("etoile")
    state, _, bounds = in_city(scene, 7, 80, 180.0, seed=2)
    assert not scene.indoor(state.position_m).any()
    assert not scene.indoor(state.cell_position_m).any()
    assert (state.position_m[:, :2] >= bounds[:2]).all() and (state.position_m[:, :2] <= bounds[2:]).all()
    middle = np.array([scene.city.bounds_m[:2], scene.city.bounds_m[2:]]).mean(axis=0)
    site_xy = state.cell_position_m[::3, :2]
    assert np.linalg.norm(site_xy - (hexagon(7, 180.0) + middle), axis=1).max() < 60


def test_a_city_too_small_and_a_block_without_streets_are_refused():
    with pytest.raises(ValueError, match=r"61 sites 180 m apart do not fit into Florence"):
        in_city(Scene.of("florence"), 61, 5, 180.0, seed=1)
    from dnt_lab.datasets import street_grid

    with pytest.raises(ValueError, match="no street within 200 m"):
        in_city(Scene.of(street_grid(1, 1, block_m=900.0)), 1, 5, 100.0, seed=1)


@pytest.mark.parametrize("n_beams", [1, 8])
def test_attach_best_takes_the_strongest_cell_and_the_nearest_beam(n_beams):
    network = PhysicalNetwork.open_field(n_users=50, seed=3, n_beams=n_beams)
    state, kpis = network.state, network.kpis
    cells = network.radio.tile_cells[kpis.tile]
    np.testing.assert_array_equal(state.serving, cells[np.arange(50), np.argmax(kpis.heard_q, axis=1)])
    sine = np.sin(np.deg2rad(kpis.off_boresight_deg))
    centres = (2 * np.arange(n_beams) + 1) / n_beams - 1
    np.testing.assert_array_equal(state.beam, np.argmin(np.abs(sine[:, None] - centres), axis=1))


def test_attach_best_leaves_users_out_where_every_cell_is_down():
    state, _ = make_state(hexagon(3, 200.0), np.zeros((4, 2)))
    state.on[:] = False
    attach_best(state, Radio(state.cell_position_m))
    assert (state.serving == -1).all()


def test_seeds():
    a, b, c = (on_field(3, 30, 200.0, seed)[0].digest() for seed in (1, 1, 2))
    assert a == b != c

"""Radio: tiles, line of sight, the link budget against a plain computation, whole quanta."""

import numpy as np
import pytest

from dnt_lab.physical import PhysicalNetwork, Radio, Scene, antenna, pathloss
from dnt_lab.physical.layout import hexagon, make_state
from dnt_lab.physical.radio import THERMAL_NOISE_DBM_HZ


def field_state(n_sites=7, n_users=40, seed=3, **settings):
    users = np.random.default_rng(seed).uniform(-300, 300, (n_users, 2))
    return make_state(hexagon(n_sites, 200.0), users, seed=seed, **settings)[0]


def heard(radio, state):
    tile = radio.tile(state.position_m)  # registers tiles, so it comes first
    return radio.tile_cells[tile]


def test_tiles_list_the_cells_of_the_nearest_sites():
    state = field_state(n_sites=37)
    radio = Radio(state.cell_position_m, n_heard=5, tile_m=50.0)
    tile = radio.tile(state.position_m)
    for user, row in enumerate(radio.tile_cells[tile]):
        centre = (np.floor(state.position_m[user, :2] / 50.0) + 0.5) * 50.0
        distance = np.linalg.norm(state.cell_position_m[:, :2] - centre, axis=1)
        assert sorted(distance[row].round(6)) == sorted(distance)[:15] or np.allclose(
            np.sort(distance[row]), np.sort(distance)[:15]
        )
        assert len(set(row.tolist())) == 15


def test_tile_numbers_stay_when_more_are_registered():
    radio = Radio(field_state(n_sites=37).cell_position_m, n_heard=5, tile_m=50.0)
    first = radio.tile(np.array([[10.0, 10.0, 1.5], [-60.0, 10.0, 1.5]]))
    rows = radio.tile_cells[first].copy()
    radio.tile(np.random.default_rng(0).uniform(-500, 500, (50, 3)))
    np.testing.assert_array_equal(radio.tile(np.array([[10.0, 10.0, 1.5], [-60.0, 10.0, 1.5]])), first)
    np.testing.assert_array_equal(radio.tile_cells[first], rows)


def test_everyone_hears_all_cells_where_n_heard_is_not_set():
    state = field_state()
    radio = Radio(state.cell_position_m)
    assert heard(radio, state).tolist()[0] == sorted(range(21), key=lambda b: (*state.cell_position_m[b], b))
    assert radio.n_heard == 7


def test_free_space_link_budget_by_hand():
    state, _ = make_state(np.array([[0.0, 0.0]]), np.array([[100.0, 0.0], [0.0, 50.0]]), n_sectors=1, tx_power_dbm=30.0)
    state.channel[:] = 0
    radio = Radio(state.cell_position_m, scenario="free_space")
    cells = np.zeros((2, 1), int)
    expected = 30.0 - pathloss.free_space_db(np.hypot([100.0, 50.0], 8.5), 3.5e9)
    got = radio.received_dbm(state, state.position_m, state.freq_hz[state.channel], cells)[:, 0]
    np.testing.assert_allclose(got, expected, atol=1e-9)
    noise_mw = 10 ** ((THERMAL_NOISE_DBM_HZ + 7.0 + 70.0) / 10)
    np.testing.assert_allclose(radio.noise_mw(state), noise_mw, rtol=1e-12)
    quanta = radio.received_q(state, state.position_m, state.freq_hz[state.channel], cells)[:, 0]
    np.testing.assert_allclose(quanta, 10 ** (expected / 10) / (noise_mw / 2**32), rtol=1e-9)


@pytest.mark.parametrize("scenario", ["umi", "inh"])
def test_link_budget_term_by_term(scenario):
    """What the terms leave over is the shadow fading: the same for all sectors of a site, and standard normal."""
    state = field_state(n_users=60)
    radio = Radio(state.cell_position_m, scenario=scenario, seed=4)
    cells = heard(radio, state)
    got = radio.received_dbm(state, state.position_m, state.freq_hz[state.channel], cells)
    model = {"umi": pathloss.umi_db, "inh": pathloss.inh_db}[scenario]
    shadow = np.empty(cells.shape)
    for u, k in np.ndindex(cells.shape):
        b = cells[u, k]
        offset = state.position_m[u] - state.cell_position_m[b]
        site = int(np.flatnonzero((radio._site_xyz == state.cell_position_m[b]).all(axis=1))[0])
        los = radio.line_of_sight(state.position_m[[u]], np.array([[site]]))[0, 0]
        loss = model(np.hypot(*offset[:2]), state.freq_hz[state.channel[u]], los, state.cell_position_m[b, 2], 1.5)
        azimuth = np.degrees(np.arctan2(offset[1], offset[0]))
        depression = np.degrees(np.arctan2(-offset[2], np.hypot(*offset[:2])))
        gain = antenna.sector_gain_dbi(azimuth, depression, state.azimuth_deg[b], state.tilt_deg[b])
        sigma = pathloss.SHADOWING_DB[scenario][0 if los else 1]
        shadow[u, k] = (state.tx_power_dbm[b] + gain - loss - got[u, k]) / sigma
    by_site = shadow.reshape(60, 7, 3)
    np.testing.assert_allclose(by_site, by_site[:, :, :1].repeat(3, axis=2), atol=1e-9)
    assert by_site.mean() == pytest.approx(0, abs=0.3) and by_site.std() == pytest.approx(1, abs=0.2)
    assert np.unique(by_site[:, :, 0].round(6)).size == 60 * 7  # every site has a fading of its own


def test_line_of_sight_on_open_ground_follows_the_standards_probability():
    site = np.array([[70.0, -30.0, 10.0]])
    angle = np.linspace(0, 2 * np.pi, 6, endpoint=False)
    for d_m in (10.0, 50.0, 100.0, 200.0):
        position = site + np.column_stack([d_m * np.cos(angle), d_m * np.sin(angle), np.full(6, -8.5)])
        sites = np.zeros((6, 1), int)
        los = [Radio(site, seed=s).line_of_sight(position, sites).mean() for s in range(500)]
        assert np.mean(los) == pytest.approx(pathloss.umi_los_probability(d_m), abs=0.05)


def test_line_of_sight_on_a_map_is_the_rays_fate():
    scene = Scene.of("florence")
    network = PhysicalNetwork.from_city(scene, n_users=30, seed=1)
    sites = np.tile(np.arange(7), (30, 1))
    los = network.radio.line_of_sight(network.state.position_m, sites)
    for u in range(30):
        blocked = scene.blocked(np.tile(network.state.position_m[u], (7, 1)), network.radio._site_xyz)
        np.testing.assert_array_equal(los[u], ~blocked)
    assert 0 < los.mean() < 1


def test_a_cell_that_is_down_is_not_heard():
    state = field_state(n_users=3)
    radio = Radio(state.cell_position_m)
    state.on[4] = False
    order = heard(radio, state)
    dbm = radio.received_dbm(state, state.position_m, state.freq_hz[state.channel], order)
    np.testing.assert_array_equal(np.isneginf(dbm), order == 4)
    assert (radio.received_q(state, state.position_m, state.freq_hz[state.channel], order)[order == 4] == 0).all()


@pytest.mark.parametrize("n_sites", [1, 7])
@pytest.mark.parametrize("n_sectors", [1, 3])
def test_users_one_by_one_and_in_chunks_hear_what_they_hear_together(n_sites, n_sectors):
    state = field_state(n_sites, n_users=33, n_sectors=n_sectors)
    radio = Radio(state.cell_position_m, seed=5)
    cells, freq_hz = heard(radio, state), state.freq_hz[state.channel]
    together = radio.received_dbm(state, state.position_m, freq_hz, cells)
    np.testing.assert_array_equal(together, radio.received_dbm(state, state.position_m, freq_hz, cells, chunk=4))
    alone = [radio.received_dbm(state, state.position_m[[u]], freq_hz[[u]], cells[[u]])[0] for u in range(33)]
    np.testing.assert_array_equal(together, alone)


def test_a_power_beyond_what_whole_quanta_hold_is_refused():
    state, _ = make_state(np.array([[0.0, 0.0]]), np.array([[0.0, 0.5]]), n_sectors=1, height_m=2.0, tx_power_dbm=60.0)
    radio = Radio(state.cell_position_m, scenario="free_space")
    with pytest.raises(ValueError, match=r"a user at \[0.0, 0.5, 1.5\] m receives over 90 dB more than the noise"):
        radio.received_q(state, state.position_m, state.freq_hz[state.channel], np.zeros((1, 1), int))


def test_off_boresight_angle_and_repr():
    state = field_state()
    radio = Radio(state.cell_position_m, n_heard=3)
    point = state.cell_position_m[[1]] + [[-10.0, 0.0, -8.5]]
    assert radio.off_boresight_deg(state, point, np.array([1]))[0] == pytest.approx(180.0 - 150.0)
    assert repr(radio) == "Radio(umi, open field, 7 sites, 3 heard)"


def test_nothing_stands_in_the_way_in_free_space():
    state = field_state(n_users=3)
    radio = Radio(state.cell_position_m, scene=Scene.of("florence"), scenario="free_space")
    assert radio.line_of_sight(state.position_m, np.tile(np.arange(7), (3, 1))).all()
    assert not Scene().indoor(state.position_m).any()


def test_shadowing_is_standard_normal_and_half_shared_between_sites():
    radio = Radio(np.array([[0.0, 0.0, 10.0], [200.0, 0.0, 10.0], [0.0, 200.0, 10.0]]), seed=3)
    spots = np.random.default_rng(0).uniform(-5000, 5000, (4000, 3))
    x = radio._shadowing(spots, np.tile([0, 1, 2], (4000, 1)))
    np.testing.assert_allclose(x.std(axis=0), 1.0, atol=0.06)
    correlation = np.corrcoef(x.T)[np.triu_indices(3, 1)]
    np.testing.assert_allclose(correlation, 0.5, atol=0.06)


def test_nobody_couples_more_tightly_than_the_least_coupling_loss():
    state, _ = make_state(np.array([[0.0, 0.0]]), np.array([[0.1, 0.0]]), n_sectors=1, height_m=1.6, tx_power_dbm=46.0)
    radio = Radio(state.cell_position_m)
    power = radio.received_dbm(state, state.position_m, state.freq_hz[state.channel], np.zeros((1, 1), int))
    assert power == pytest.approx(46.0 - 53.0)
    wide = PhysicalNetwork.open_field(n_users=60, seed=1, tx_power_dbm=46.0, bandwidth_hz=20e6)
    for _ in range(40):
        wide.step(2.0)


@pytest.mark.parametrize("n_heard", [None, 2])
def test_old_sites_keep_their_fading_when_one_is_added(n_heard):
    state = field_state(n_sites=3, n_users=20, n_sectors=1)
    radio = Radio(state.cell_position_m, seed=6, n_heard=n_heard)
    new_site = np.array([[-500.0, 35.0, 10.0]])  # sorts before the others
    wider = radio.with_cells(np.concatenate([state.cell_position_m, new_site]))
    number = {tuple(xyz): i for i, xyz in enumerate(wider._site_xyz.tolist())}
    old = np.tile(np.arange(3), (20, 1))
    new = np.tile([number[tuple(xyz)] for xyz in radio._site_xyz.tolist()], (20, 1))
    for of_sites in ("_shadowing", "line_of_sight"):
        before, after = (getattr(r, of_sites)(state.position_m, s) for r, s in ((radio, old), (wider, new)))
        np.testing.assert_array_equal(before, after)
    assert wider.n_heard == (4 if n_heard is None else 2)

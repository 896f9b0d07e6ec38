"""Edges against brute force over all distances, means against the dense matrix product, features against physics."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from dnt_lab.mapping import rendering


def as_set(edges):
    pairs = list(map(tuple, edges.T.tolist()))
    assert len(pairs) == len(set(pairs))  # no edge twice
    return set(pairs)


@given(st.integers(2, 40), st.integers(1, 12), st.integers(0, 2**32 - 1))
@settings(max_examples=40)
def test_edges_are_those_of_brute_force(n_users, n_cells, seed):
    rng = np.random.default_rng(seed)
    user_m, cell_m = rng.uniform(0, 500, (n_users, 3)), rng.uniform(0, 500, (n_cells, 3))
    cells = np.array([rng.permutation(np.r_[np.arange(n_cells), -1, -1])[:3] for _ in range(n_users)])
    expected = set()
    for xy, first in ((user_m[:, :2], 0), (cell_m[:, :2], n_users)):
        distance = cdist(xy, xy)
        np.fill_diagonal(distance, np.inf)
        for node in range(len(xy)):
            nearest = np.argsort(distance[node])[: min(6, len(xy) - 1)]
            expected |= {(first + int(other), first + node) for other in nearest}
    for user, cell in zip(*np.nonzero(cells >= 0), strict=True):
        heard = n_users + int(cells[user, cell])
        expected |= {(int(user), heard), (heard, int(user))}
    assert as_set(rendering.graph_edges(user_m, cells, cell_m)) == expected


def test_sectors_of_one_site_are_each_others_neighbours_and_never_their_own():
    cell_m = np.zeros((9, 3))  # all in one place
    edges = rendering.graph_edges(np.zeros((0, 3)), np.zeros((0, 3), int), cell_m)
    assert (edges[0] != edges[1]).all()
    assert (np.bincount(edges[1], minlength=9) == 6).all()


def test_the_mean_of_neighbours_is_the_product_with_the_dense_matrix(pairs):
    twin, _ = pairs[0]
    adjacency = np.zeros((129, 129))
    adjacency[twin.edge_index[1], twin.edge_index[0]] = 1
    expected = (adjacency / adjacency.sum(axis=1, keepdims=True)) @ twin.features
    np.testing.assert_allclose(twin.mean_of_neighbours(twin.features), expected, atol=1e-5)


def test_a_node_that_listens_to_nobody_has_mean_0():
    lone = rendering.Graph(np.ones((3, 2), np.float32), np.array([[0], [1]]), 3)
    np.testing.assert_array_equal(lone.mean_of_neighbours(lone.features), [[0, 0], [1, 1], [0, 0]])


def test_a_fresh_record_and_a_report_without_noise_agree(city):
    record, report = rendering.full_record(city), rendering.cheap_report(city, 0.0)
    twin, seen = rendering.graph_pair(record, report, city.state.cell_position_m)
    np.testing.assert_array_equal(twin.edge_index, seen.edge_index)
    difference = seen.features - twin.features
    assert np.abs(difference[:, [0, 1, 2, 3, 4]]).max() < 0.3  # tens of dB: half a dB of noise and the rounding
    assert np.abs(difference[:, 6:]).max() < 0.1
    assert (seen.features[120:, :7] == 0).all() and (seen.features[:120, 7:] == 0).all()
    np.testing.assert_array_equal(seen.features[:, -1], np.repeat([0, 1], [120, 9]))


def test_features_are_what_their_names_say(city):
    report = rendering.cheap_report(city, 0.0)
    _, seen = rendering.graph_pair(rendering.full_record(city), report, city.state.cell_position_m)
    column = {name: seen.features[:, i] for i, name in enumerate(rendering.FEATURES)}
    np.testing.assert_allclose(column["serving_rsrp"][:120], (report.rsrp_dbm[:, 0] + 70) / 10, rtol=1e-6)
    np.testing.assert_allclose(column["rsrp_3"][:120], (report.rsrp_dbm[:, 2] + 70) / 10, rtol=1e-6)
    rate = city.kpis.rate_bps / city.state.bandwidth_hz[0]
    clear = city.kpis.sinr_db > 0
    np.testing.assert_allclose(np.exp(column["ln_rate"][:120] - 2)[clear], rate[clear], rtol=0.1)  # SINR to half a dB
    np.testing.assert_allclose(column["own_load"][:120], 2 * report.load[city.state.serving], rtol=1e-6)
    for cell in range(9):
        named = report.rsrp_dbm[report.cells == cell]
        assert column["mean_rsrp"][120 + cell] == pytest.approx((named.mean() + 70) / 10 if len(named) else 0, abs=1e-5)


def test_a_handover_shows_in_the_edges_and_in_the_power_of_the_serving_cell(city):
    record, report = rendering.full_record(city), rendering.cheap_report(city, 0.0)
    cells, dbm = report.cells.copy(), report.rsrp_dbm.copy()
    cells[0, :2], dbm[0, :2] = cells[0, 1::-1], dbm[0, 1::-1]  # user 0 is served by its best neighbour now
    moved = rendering.Report(cells, dbm, report.sinr_db, report.load, report.users)
    twin, seen = rendering.graph_pair(record, moved, city.state.cell_position_m)
    assert seen.features[0, 0] == pytest.approx((dbm[0, 0] + 70) / 10)
    assert twin.features[0, 0] == pytest.approx((record.heard_dbm[0, 0] + 70) / 10)
    assert twin.features[0, 1] == pytest.approx(
        (dbm[0, 0] + 70) / 10, abs=0.3
    )  # the cell reported first, not served by
    assert (0, 120 + cells[0, 0]) in as_set(seen.edge_index)
    assert (0, 120 + record.cells[0, 0]) in as_set(twin.edge_index)  # once, though the record names it as serving cell


def test_tables_that_do_not_fit_are_refused():
    place_m = np.zeros((4, 3))
    with pytest.raises(ValueError, match="but one row for each of 4 users is needed"):
        rendering.graph_edges(place_m, np.zeros((3, 3), int), place_m)
    with pytest.raises(ValueError, match=r"names cell 4, but this network has cells 0 \.\.\. 3"):
        rendering.graph_edges(place_m, np.full((4, 1), 4), place_m)

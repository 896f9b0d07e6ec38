"""Reports against the physics they come from, bytes written out, and records of mixed age."""

import copy
from dataclasses import fields

import numpy as np
import pytest

from dnt_lab.mapping import rendering
from dnt_lab.physical import Fault


def heard_dbm(pn):
    """Power of the cells each user hears, (U, K), and which these are."""
    state, cells = pn.state, pn.radio.tile_cells[pn.kpis.tile]
    return pn.radio.received_dbm(state, state.position_m, state.freq_hz[state.channel], cells), cells


def test_without_noise_a_report_is_the_truth_rounded(city):
    report = rendering.cheap_report(city, noise_db=0.0)
    dbm, cells = heard_dbm(city)
    for user in range(0, 120, 7):
        power = dict(zip(cells[user].tolist(), dbm[user].tolist(), strict=True))
        named = report.cells[user].tolist()
        assert named[0] == city.state.serving[user]
        others = sorted((p for cell, p in power.items() if cell != named[0]), reverse=True)[:2]
        np.testing.assert_allclose([power[cell] for cell in named[1:]], others)
        np.testing.assert_array_equal(report.rsrp_dbm[user], np.rint([power[cell] for cell in named]))
    np.testing.assert_allclose(report.sinr_db, city.kpis.sinr_db, atol=0.25 + 1e-9)
    np.testing.assert_allclose(report.load, city.kpis.load[:, 0], atol=0.025 + 1e-9)
    np.testing.assert_array_equal(report.users, np.bincount(city.state.serving, minlength=9))


def test_noise_is_as_large_as_stated(city):
    exact, _ = city.measure(0.0, 0)
    errors = [rendering.cheap_report(city, 3.0).rsrp_dbm[:, 0] - exact["rsrp_dbm"] for _ in range(40)]
    assert np.std(errors) == pytest.approx(np.hypot(3.0, 1 / np.sqrt(12)), rel=0.05)  # and the rounding
    assert abs(np.mean(errors)) < 0.2


def test_a_record_holds_every_cell_and_the_rate(city):
    record = rendering.full_record(city)
    np.testing.assert_array_equal(np.sort(record.cells, axis=1), np.tile(np.arange(9), (120, 1)))
    np.testing.assert_array_equal(record.position_m, city.state.position_m)
    np.testing.assert_allclose(record.rate_bps, city.kpis.rate_bps)
    dbm, cells = heard_dbm(city)
    by_cell = np.take_along_axis(dbm, np.argsort(cells, axis=1), axis=1)
    error = np.take_along_axis(record.heard_dbm, np.argsort(record.cells, axis=1), axis=1) - by_cell
    assert np.std(error) == pytest.approx(0.5, rel=0.15)


def test_bytes_are_those_of_the_fields(city):
    report, record = rendering.cheap_report(city), rendering.full_record(city)
    # a user's number 2; three cells of 2 each with powers of 1 each; SINR 1
    assert set(report.n_bytes[:120].tolist()) == {2 + 3 * (2 + 1) + 1}
    assert set(report.n_bytes[120:].tolist()) == {2 + 1 + 2}
    # a user's number 2; position 12; nine cells of 2 with powers of 4; SINR and rate 8
    assert set(record.n_bytes[:120].tolist()) == {2 + 12 + 9 * 6 + 8}
    assert set(record.n_bytes[120:].tolist()) == {2 + 4 + 2 + 24}
    assert len(report.n_bytes) == len(record.n_bytes) == 129


def test_who_hears_nothing_reports_the_floor(city):
    cell = int(city.state.serving[0])
    city.inject(Fault("link_failure", cell))
    report, record = rendering.cheap_report(city), rendering.full_record(city)
    lost = city.state.serving == cell
    assert lost.any()
    assert (report.cells[lost] == -1).all() and (report.rsrp_dbm[lost] == -120).all()
    assert (report.sinr_db[lost] == -23).all() and np.isfinite(record.heard_dbm).all()


def test_an_update_changes_the_rows_it_names_and_no_others(city):
    old = rendering.full_record(city)
    later = copy.deepcopy(city)
    for _ in range(3):
        later.step(5.0)
    fresh = rendering.full_record(later)
    nodes = np.random.default_rng(1).random(129) < 0.4
    mixed = old.updated(fresh, nodes)
    for field in fields(old):
        rows = nodes[120:] if field.name in ("load", "users") else nodes[:120]
        values = [getattr(record, field.name) for record in (mixed, old, fresh)]
        np.testing.assert_array_equal(values[0][rows], values[2][rows])
        np.testing.assert_array_equal(values[0][~rows], values[1][~rows])


def test_who_is_silent_is_taken_to_be_as_the_record_has_it(city):
    record = rendering.full_record(city)
    later = copy.deepcopy(city)
    for _ in range(3):
        later.step(5.0)
    report, silent = rendering.cheap_report(later), np.arange(120) % 3 == 0
    heard = rendering.silenced(report, record, silent)
    np.testing.assert_array_equal(heard.rsrp_dbm[~silent], report.rsrp_dbm[~silent])
    np.testing.assert_array_equal(heard.sinr_db[silent], record.sinr_db[silent])
    np.testing.assert_array_equal(heard.load, report.load)  # cells are never silent
    twin, seen = rendering.graph_pair(record, heard, city.state.cell_position_m)
    difference = (seen.features - twin.features)[:120]
    assert (difference[silent][:, :5] == 0).all() and (difference[~silent][:, :5] != 0).any()
    with pytest.raises(ValueError, match="but 120 truth values are needed"):
        rendering.silenced(report, record, silent[:5])


@pytest.mark.parametrize("nodes", [np.ones(5, bool), np.ones(129), [True] * 128])
def test_an_update_of_other_nodes_than_there_are_is_refused(city, nodes):
    record = rendering.full_record(city)
    with pytest.raises(ValueError, match="but 129 truth values are needed"):
        record.updated(record, nodes)


@pytest.mark.parametrize(("noise", "error"), [(-1.0, ValueError), (np.inf, ValueError), ("3", TypeError)])
def test_noise_that_is_no_standard_deviation_is_refused(city, noise, error):
    with pytest.raises(error, match="noise_db is"):
        rendering.cheap_report(city, noise)

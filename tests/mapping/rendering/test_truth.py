"""Drift by hand, fidelity by hand."""

from dataclasses import replace

import numpy as np
import pytest

from dnt_lab.mapping import rendering
from dnt_lab.mapping.rendering import Attributes

STILL = Attributes(
    rsrp_dbm=np.array([-60.0, -70.0, -80.0]),
    sinr_db=np.array([10.0, 5.0, 0.0]),
    rate_bps=np.array([3e6, 2e6, 1e6]),
    own_load=np.array([0.5, 0.5, 0.2]),
    load=np.array([0.5, 0.2]),
    users=np.array([20, 4]),
)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("rsrp_dbm", [-58.0, -70.0, -90.0], [0.5, 0, 2.5, 0, 0]),
        ("sinr_db", [10.0, 13.0, 0.0], [0, 2, 0, 0, 0]),
        ("rate_bps", [4e6, 2e6, 0.75e6], [1, 0, 1, 0, 0]),
        ("own_load", [0.5, 0.75, 0.2], [0, 1, 0, 0, 0]),
        ("load", [0.0, 0.2], [0, 0, 0, 2, 0]),
        ("users", [25, 6], [0, 0, 0, 0.8, 1]),  # 5 of 25 and 2 of 8, in quarters
    ],
)
def test_drift_counts_in_amounts(name, value, expected):
    after = replace(STILL, **{name: np.array(value)})
    np.testing.assert_allclose(rendering.drift(STILL, after), expected, atol=1e-12)
    np.testing.assert_allclose(rendering.drift(after, STILL), expected, atol=1e-12)


def test_drift_is_the_largest_of_all_changes():
    after = replace(STILL, rsrp_dbm=STILL.rsrp_dbm + 2, sinr_db=STILL.sinr_db - 6)
    np.testing.assert_allclose(rendering.drift(STILL, after), [1.5, 1.5, 1.5, 0, 0])


def test_attributes_are_those_of_the_network(city):
    truth, exact = rendering.attributes(city), city.measure(0.0, 0)[0]
    np.testing.assert_allclose(truth.rsrp_dbm, exact["rsrp_dbm"])
    np.testing.assert_allclose(truth.sinr_db, exact["sinr_db"])
    np.testing.assert_allclose(truth.own_load, truth.load[city.state.serving])
    assert truth.users.sum() == 120


def test_fidelity_is_one_less_the_relative_error(city):
    record, truth = rendering.full_record(city), rendering.attributes(city)
    assert rendering.rate_fidelity(record, truth) == pytest.approx(1)
    wrong = replace(record, rate_bps=0.9 * record.rate_bps)
    assert rendering.rate_fidelity(wrong, truth) == pytest.approx(0.9)
    assert rendering.rate_fidelity(replace(record, rate_bps=5 * record.rate_bps), truth) == 0
    off = truth.sinr_db + np.where(np.arange(120) < 30, 3.1, -2.9)
    assert rendering.sinr_fidelity(replace(record, sinr_db=off), truth) == pytest.approx(0.75)

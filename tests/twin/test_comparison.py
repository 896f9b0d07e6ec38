"""Fig. 1 as a measurement: what must come out whatever the seed, and what is counted."""

import numpy as np
import pytest

from dnt_lab import physical
from dnt_lab.twin import comparison


def test_the_network_of_twins_has_no_error_and_isolated_ones_do():
    network = physical.PhysicalNetwork.open_field(n_sites=4, n_users=50, n_regions=2, seed=1)
    table = comparison.others_error(network, n_steps=15)
    assert (table["DNT"] == 0).all()
    assert table["isolated DTs"].iloc[-1] > 0.1
    assert (np.diff(table["handovers"]) >= 0).all() and table["handovers"].iloc[-1] > 0


def test_without_handovers_nobody_is_wrong():
    network = physical.PhysicalNetwork.open_field(n_sites=4, n_users=30, n_regions=2, seed=1)
    network.mobility = None
    assert (comparison.others_error(network, n_steps=4)["isolated DTs"] < 1e-9).all()


def test_crowd_separates_the_two_effects():
    table = comparison.compare([0, 1], n_users=60, n_steps=20).set_index(["seed", "system"])
    for seed in (0, 1):
        isolated, fixed, dnt = (table.loc[(seed, name)] for name in comparison.SYSTEMS)
        assert isolated["crossings"] > 0 and fixed["crossings"] > 0
        assert fixed["interruption_s"] < isolated["interruption_s"]
        assert isolated["bytes_between"] == 0 < dnt["bytes_between"]
    mean = table.groupby("system")["worst_5_percent_mbps"].mean()
    assert mean["DNT"] > mean["isolated DTs"]


def test_same_seed_same_numbers_and_unknown_system_is_refused():
    settings = {"n_users": 30, "n_steps": 5}
    assert comparison.crowd(3, "DNT", **settings) == comparison.crowd(3, "DNT", **settings)
    with pytest.raises(ValueError, match="must be one of isolated DTs"):
        comparison.crowd(3, "digital twin")

"""The comparison holds together on a small campus, and rules are compared at equal mean weight."""

import numpy as np
import pytest

from dnt_lab import fl
from dnt_lab.mapping import continual as c
from tests.mapping.continual.planted import campus, world


@pytest.fixture(scope="module")
def w():
    place = campus((np.inf, np.inf, 8.5, 9.5), n_links=40, building=(0, 0, 1, 1))
    return world(place, asleep_s=np.array([60.0, 400.0, 700.0, 1500.0]), drop=0.1, rates_per_h=(5.0, 8.0))


def test_every_way_of_keeping_twins_alive_is_compared(w):
    table = c.compare(w)
    assert list(table.index) == [
        "frozen", "two constants", "frozen, corrected", "central", "rounds", "global", "global, buffered",
        "rounds, local + global", "local + global", "local", "alone", "local, corrected", "best by reports",
    ]  # fmt: skip
    assert table[["before", "waiting", "soon", "later", "late", "quiet", "sleepy", "all"]].notna().all(axis=None)
    alone = c.phases(w, {"x": c.asynchronous(w, fl.fedasync(1.0, fl.constant()), "rooms")}).loc["x"]
    assert table.loc["alone", "all"] == alone["all"]
    assert table.loc["local, corrected", "edge_kb"] == table.loc["local", "edge_kb"] > 0
    # inputs are noise here, so constants are all there is to learn, and a twin that is never touched keeps its error
    assert table.loc["frozen", "late"] > table.loc["two constants", "late"]


def test_rules_differ_in_shape_but_not_in_mean_weight(w):
    table = c.compare_rules(w, 0.2)
    assert list(table.index) == ["constant()", "polynomial(0.5)", "polynomial(1)", "hinge(10, 4)"]
    np.testing.assert_allclose(table["weight"].astype(float), 0.2)
    assert table["staleness"].nunique() == 1 and table["staleness"].iloc[0] > 0.5
    assert table["all"].nunique() > 1
    plain = c.phases(w, {"x": c.asynchronous(w, fl.fedasync(0.2, fl.constant()))}).loc["x"]
    assert table.loc["constant()", "all"] == plain["all"]


def test_bad_input_is_refused(w):
    with pytest.raises(ValueError, match=r"mean_weight is 0\.9, but polynomial\(0\.5\) gives 0\.\d+ at most"):
        c.compare_rules(w, 0.9)
    with pytest.raises(ValueError, match="mean_weight is 1, but it must be over 0 and below 1"):
        c.compare_rules(w, 1)

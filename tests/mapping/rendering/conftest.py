"""One small city, its quiet history and a graph of its own, for all tests of rendering."""

import copy

import pytest

from dnt_lab.mapping import rendering


@pytest.fixture(scope="session")
def _city_and_pairs():
    pn = rendering.living_city("florence", n_users=120, seed=3, n_sites=3)
    start = copy.deepcopy(pn)
    return start, rendering.quiet_pairs(pn, n_steps=8)


@pytest.fixture
def city(_city_and_pairs):
    """A living city of 120 users and 9 cells, to do with as one likes."""
    return copy.deepcopy(_city_and_pairs[0])


@pytest.fixture(scope="session")
def pairs(_city_and_pairs):
    """Its quiet history."""
    return _city_and_pairs[1]

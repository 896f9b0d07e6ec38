"""Two streets and three rooms, drawn and traced once for all tests of vertical mapping."""

import pytest
import torch

from dnt_lab.mapping.vertical import mapping_task, room_regions, street_regions


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def streets():
    return street_regions(2, seed=3, cities=("munich", "florence"), n_tracks=6, n_steps=3)


@pytest.fixture(scope="session")
def rooms():
    return room_regions(3, seed=3, n_tracks=6, n_steps=3)


@pytest.fixture(scope="session")
def task(streets, rooms):
    return mapping_task(streets + rooms)

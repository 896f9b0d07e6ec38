"""Streams by name: the same name gives the same numbers, another name others, and none runs into another."""

import itertools

import numpy as np
import pytest

from dnt_lab.fl._random import DROP_OUT, ROUND_OFF, SAMPLE_CLIENTS, SHUFFLE, stream


def test_a_name_decides_the_numbers_and_every_part_of_it_counts():
    np.testing.assert_array_equal(stream(1, SHUFFLE, 2, 3).random(5), stream(np.int64(1), SHUFFLE, 2, 3).random(5))
    seeds = (0, 1, 2**32, 2**53 + 1, 2**63, 2**63 + 1, 2**64 - 1)
    purposes = (SHUFFLE, SAMPLE_CLIENTS, DROP_OUT, ROUND_OFF)
    names = list(itertools.product(seeds, purposes, (0, 1, 9999), (0, 1, 10**9)))
    assert len({stream(*name).integers(2**63) for name in names}) == len(names)


def test_long_streams_of_neighbours_do_not_overlap():
    drawn = [stream(0, SHUFFLE, client, job).integers(2**63, size=5000) for client in range(3) for job in range(3)]
    assert len(np.unique(drawn)) == 9 * 5000


def test_streams_of_different_clients_look_independent():
    first = np.array([stream(0, SHUFFLE, client).random() for client in range(2000)])
    assert first.mean() == pytest.approx(0.5, abs=4 / np.sqrt(12 * 2000))
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 4 / np.sqrt(2000)


def test_negative_names_are_refused():
    with pytest.raises(OverflowError):
        stream(-1, SHUFFLE)

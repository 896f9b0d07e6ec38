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


def philox(counter, key):
    """Philox4x64-10 as published (Salmon et al., SC 2011): four words of a counter and two of a key to four words."""
    mask, (c0, c1, c2, c3), (k0, k1) = 2**64 - 1, counter, key
    for _ in range(10):
        product_0, product_2 = 0xD2E7470EE14C6C93 * c0, 0xCA5A826395121157 * c2
        c0, c1, c2, c3 = (product_2 >> 64) ^ c1 ^ k0, product_2 & mask, (product_0 >> 64) ^ c3 ^ k1, product_0 & mask
        k0, k1 = (k0 + 0x9E3779B97F4A7C15) & mask, (k1 + 0xBB67AE8584CAA73B) & mask
    return [c0, c1, c2, c3]


def test_streams_are_philox_with_client_and_job_in_the_high_words_of_the_counter():
    assert philox([0] * 4, [0] * 2)[0] == 0x16554D9ECA36314C  # the authors' known answer
    for seed, purpose, client, job in ((0, SHUFFLE, 0, 0), (7, DROP_OUT, 12, 345), (2**64 - 1, ROUND_OFF, 1, 2**40)):
        expected = [word for n in (1, 2) for word in philox([n, 0, client, job], [seed, purpose])]
        assert stream(seed, purpose, client, job).bit_generator.random_raw(8).tolist() == expected

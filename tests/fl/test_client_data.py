"""Samples of clients: stacked, chosen, what each knows by a time, pooled, and what is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.fl import ClientData


def numbered(n_samples, known_s=None):
    """Return clients whose sample j of client k is 100 k + j, in x (twice) and y."""
    n = np.asarray(n_samples)
    ids = 100.0 * np.arange(len(n))[:, None] + np.arange(n.max(initial=0))
    return ClientData(np.repeat(ids[..., None], 2, axis=2), ids[..., None], n, known_s)


def ids_of(data):
    """Return each client's samples as lists, and insist that x and y belong together."""
    lists = [data.y[k, :n, 0].tolist() for k, n in enumerate(data.n_samples)]
    for k, ids in enumerate(lists):
        assert data.x[k, : len(ids)].tolist() == [[i, i] for i in ids]
    return lists


def test_clients_with_different_numbers_of_samples_share_an_array():
    pairs = [(np.full((n, 3, 2), n), np.full((n, 1), -n)) for n in (2, 0, 5)]
    data = ClientData.stack(pairs)
    assert data.x.shape == (3, 5, 3, 2) and data.y.shape == (3, 5, 1) and len(data) == 3
    assert data.n_samples.tolist() == [2, 0, 5]
    for k, (x, y) in enumerate(pairs):
        np.testing.assert_array_equal(data.x[k, : len(x)], x)
        np.testing.assert_array_equal(data.y[k, : len(y)], y)
    assert repr(data) == "ClientData(3 clients, 7 samples of shape (3, 2))"


def test_stacking_loses_no_precision():
    whole, single, double = ((np.full((1, 1), v), np.full((1, 1), v)) for v in (1, np.float32(0.1), 0.1))
    data = ClientData.stack([whole, single, double])
    assert data.x.dtype == data.y.dtype == np.float64
    assert data.x.ravel().tolist() == [1.0, float(np.float32(0.1)), 0.1]
    assert ClientData.stack([single, single]).x.dtype == np.float32
    assert len(ClientData.stack([single] * 1000)) == 1000


def test_lists_and_any_whole_numbers_are_taken():
    data = ClientData([[[1.0], [2.0]]] * 2, [[[3.0], [4.0]]] * 2, np.array([2, 0], np.uint8), [[0, 1], [2, 3]])
    assert data.n_samples.dtype == np.int64 and data.known_s.dtype == float
    assert data.pooled().y.ravel().tolist() == [3.0, 4.0]


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ([2, 0], [[200, 201, 202], [0, 1]]),
        (1, [[]]),
        (np.array([True, False, True]), [[0, 1], [200, 201, 202]]),
        (slice(1, None), [[], [200, 201, 202]]),
        ([-1, -1], [[200, 201, 202]] * 2),
        ([], []),
    ],
)
def test_some_clients_are_chosen_in_the_order_asked_for(chosen, expected):
    data = numbered([2, 0, 3], np.arange(9.0).reshape(3, 3))
    assert ids_of(data[chosen]) == expected
    np.testing.assert_array_equal(data[chosen].known_s, data.known_s[np.atleast_1d(np.arange(3)[chosen])])
    assert numbered([2, 0, 3])[chosen].known_s is None


def test_pooled_is_everyones_samples_in_turn():
    pooled = numbered([2, 0, 3]).pooled()
    assert ids_of(pooled) == [[0, 1, 200, 201, 202]] and pooled.x.shape == (1, 5, 2)
    assert ids_of(numbered([0, 0]).pooled()) == [[]]


def test_newest_by_hand():
    data = numbered([4, 2, 3], np.array([[0.0, 1, 2, 3], [5, 5, 0, 0], [-1, 1, 9, 9]]))
    clients, time_s = np.array([2, 0, 1, 0]), np.array([1.0, 2.5, 4.9, 100])
    assert ids_of(data.newest(clients, time_s)) == [[200, 201], [0, 1, 2], [], [0, 1, 2, 3]]
    assert ids_of(data.newest(clients, time_s, 2)) == [[200, 201], [1, 2], [], [2, 3]]
    assert data.n_newest(clients, time_s, 2).tolist() == [2, 2, 0, 2]
    # a sample is known at its own time, and all are without times
    assert ids_of(data.newest(np.array([1]), np.array([5.0]))) == [[100, 101]]
    assert ids_of(numbered([4, 2]).newest(np.array([1, 0]), np.zeros(2), 3)) == [[100, 101], [1, 2, 3]]
    assert len(data.newest(np.zeros(0, int), np.zeros(0))) == 0


@settings(max_examples=60)
@given(st.data())
def test_newest_is_what_a_loop_finds(data):
    n = data.draw(st.lists(st.integers(0, 6), min_size=1, max_size=5))
    times = st.lists(st.integers(0, 8), min_size=max(n), max_size=max(n)).map(sorted)
    known_s = np.array(data.draw(st.lists(times, min_size=len(n), max_size=len(n))), float).reshape(len(n), max(n))
    clients = np.array(data.draw(st.lists(st.integers(0, len(n) - 1), max_size=6)), dtype=int)
    time_s = np.array(data.draw(st.lists(st.integers(-1, 9), min_size=len(clients), max_size=len(clients))), float)
    at_most = data.draw(st.one_of(st.none(), st.integers(1, 7)))
    expected = []
    for k, now_s in zip(clients, time_s, strict=True):
        known = [100.0 * k + j for j in range(n[k]) if known_s[k, j] <= now_s]
        expected.append(known if at_most is None else known[-at_most:])
    samples = numbered(n, known_s)
    assert ids_of(samples.newest(clients, time_s, at_most)) == expected
    assert samples.n_newest(clients, time_s, at_most).tolist() == [len(ids) for ids in expected]


def test_padding_may_hold_anything():
    x, y, known_s = np.ones((2, 3, 1)), np.ones((2, 3, 1)), np.array([[1.0, 2, -5], [0, 0, 0]])
    x[0, 2] = y[0, 2] = np.nan
    data = ClientData(x, y, [2, 3], known_s)
    known_s[0, 2] = np.nan
    assert ClientData(x, y, [2, 3], known_s).newest(np.array([0]), np.array([9.0])).n_samples.tolist() == [2]
    assert np.isfinite(data.pooled().x).all()


def test_a_sample_may_never_become_known():
    data = numbered([3], np.array([[0.0, np.inf, np.inf]]))
    assert data.n_newest(np.array([0]), np.array([1e9])).tolist() == [1]


def spoilt(where, value):
    array = np.ones((3, 4, 2))
    array[where] = value
    return array


@pytest.mark.parametrize(
    ("change", "error", "sentence"),
    [
        ({"x": np.ones((3, 4))}, ValueError, r"x has shape \(3, 4\) and y \(3, 4, 1\); they must be \(K, N, ...\) and"),
        ({"y": np.ones((3, 4))}, ValueError, r"y \(3, 4\); they must be \(K, N, ...\) and \(K, N, outputs\)"),
        ({"y": np.ones((3, 5, 1))}, ValueError, r"y \(3, 5, 1\)"),
        ({"n_samples": [1, 2]}, ValueError, r"n_samples is array\(\[1, 2\]\); it must hold 3 whole numbers"),
        ({"n_samples": [1.0, 2.0, 3.0]}, ValueError, "it must hold 3 whole numbers, one a client"),
        ({"n_samples": [1, 2, 5]}, ValueError, "n_samples runs from 1 to 5; it must be within 0 to 4"),
        ({"n_samples": [-1, 2, 3]}, ValueError, "n_samples runs from -1 to 3"),
        (
            {"x": spoilt((1, 2, 0), np.nan)},
            ValueError,
            "x of client 1 holds NaN or infinity; fill or drop such",
        ),
        ({"y": spoilt((2, 0, 1), -np.inf)}, ValueError, "y of client 2 holds NaN or infinity"),
        ({"x": np.full((3, 4, 2), "a")}, TypeError, "x holds <U1; real numbers are needed"),
        ({"x": np.ones((3, 4, 2), object)}, TypeError, "x holds object"),
        ({"y": np.ones((3, 4, 1), complex)}, TypeError, "y holds complex128"),
        ({"known_s": np.zeros((3, 3))}, ValueError, r"known_s has shape \(3, 3\); it must be \(3, 4\), one a sample"),
        ({"known_s": np.full((3, 4), np.nan)}, ValueError, "known_s holds NaN; every sample needs the time"),
        (
            {"known_s": [[0, 1, 2, 3], [0, 2, 1, 3], [0, 0, 0, 0]]},
            ValueError,
            "known_s falls along a row; samples",
        ),
    ],
)
def test_bad_samples_are_refused(change, error, sentence):
    arguments = {"x": np.ones((3, 4, 2)), "y": np.ones((3, 4, 1)), "n_samples": [1, 3, 4]}
    with pytest.raises(error, match=sentence):
        ClientData(**{**arguments, **change})


def test_clients_that_do_not_fit_one_another_are_refused():
    one = (np.ones((2, 3)), np.ones((2, 1)))
    with pytest.raises(ValueError, match=r"there is no client; give at least one pair \(x, y\)"):
        ClientData.stack([])
    with pytest.raises(ValueError, match="the clients' samples differ in shape; every x and every y must look alike"):
        ClientData.stack([one, (np.ones((2, 4)), np.ones((2, 1)))])
    with pytest.raises(ValueError, match="the clients' samples differ in shape"):
        ClientData.stack([one, (np.ones((2, 3)), np.ones((2, 2)))])
    with pytest.raises(ValueError, match="a client has not as many targets as inputs; each x needs one y"):
        ClientData.stack([one, (np.ones((2, 3)), np.ones((3, 1)))])
    with pytest.raises(IndexError):
        ClientData.stack([one])[1]

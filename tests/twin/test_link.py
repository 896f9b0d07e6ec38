"""The link: counts add up, order is that of arrival, the same seed gives the same fate."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, kstest

from dnt_lab.physical import Handover, decode
from dnt_lab.twin.link import Arrival, Link

PROBABILITY = st.floats(0, 1)


def test_a_plain_link_delays_by_exactly_delay_s():
    link = Link(delay_s=0.25)
    for t in (0.0, 1.0, 1.0, 2.0):
        link.send(t, str(t).encode())
    assert link.deliver(1.24) == [Arrival(0.25, b"0.0")]
    assert [a.t_s for a in link.deliver(10.0)] == [1.25, 1.25, 2.25]


def test_events_cross_as_their_bytes():
    link, event = Link(), Handover(1.5, 3, 2, 0)
    link.send(1.5, event)
    (arrival,) = link.deliver(1.5)
    assert decode(arrival.data) == event
    assert link.stats.bytes_sent == link.stats.bytes_delivered == len(arrival.data)


def test_messages_sent_together_arrive_in_the_order_of_sending():
    link = Link(delay_s=1.0)
    for k in range(50):
        link.send(0.0, bytes([99 - k]))
    assert [a.data for a in link.deliver(1.0)] == [bytes([99 - k]) for k in range(50)]


def test_jitter_reorders_and_is_uniform():
    link = Link(delay_s=2.0, jitter_s=5.0, seed=4)
    for k in range(2000):
        link.send(0.0, str(k).encode())
    arrivals = link.deliver(100.0)
    assert [int(a.data) for a in arrivals] != list(range(2000))
    assert sorted(int(a.data) for a in arrivals) == list(range(2000))
    assert kstest([(a.t_s - 2.0) / 5.0 for a in arrivals], "uniform").pvalue > 0.01


def test_loss_and_duplication_have_the_stated_probability():
    link = Link(loss=0.3, duplicate=0.2, seed=1)
    for k in range(5000):
        link.send(float(k), b"x")
    stats = link.stats
    assert binomtest(stats.messages_lost, 5000, 0.3).pvalue > 0.01
    assert binomtest(stats.messages_duplicated, 5000 - stats.messages_lost, 0.2).pvalue > 0.01


def test_links_of_one_seed_lose_the_same_messages_at_any_delay():
    def survivors(**settings):
        link = Link(loss=0.5, seed=9, **settings)
        for k in range(200):
            link.send(0.0, bytes([k]))
        return {a.data for a in link.deliver(1e6)}

    assert survivors() == survivors(delay_s=3.0, jitter_s=10.0, duplicate=0.7)
    assert survivors() != {bytes([k]) for k in range(200)}


@given(
    PROBABILITY, PROBABILITY, st.floats(0, 3), st.lists(st.floats(0, 50), min_size=1, max_size=30), st.integers(0, 99)
)
def test_nothing_is_lost_uncounted_and_nothing_arrives_too_early(loss, duplicate, jitter_s, times, seed):
    link = Link(0.5, jitter_s, loss, duplicate, seed)
    for k, t in enumerate(times):
        link.send(t, str(k).encode() * (k + 1))
    half = link.deliver(25.0)
    assert link.stats.messages_in_flight >= 0
    arrivals = half + link.deliver(1e9)
    stats = link.stats
    assert stats.messages_in_flight == 0
    assert stats.messages_sent == len(times)
    assert stats.messages_delivered == len(arrivals) == len(times) - stats.messages_lost + stats.messages_duplicated
    assert stats.bytes_delivered == sum(len(a.data) for a in arrivals)
    assert len({a.data for a in arrivals}) == stats.messages_sent - stats.messages_lost
    assert all(a.t_s <= b.t_s for a, b in pairwise(arrivals))
    sent = {str(k).encode() * (k + 1): t for k, t in enumerate(times)}
    assert all(sent[a.data] + 0.5 <= a.t_s <= sent[a.data] + 0.5 + jitter_s for a in arrivals)


def test_same_seed_same_fate():
    def run(seed):
        link = Link(0.1, 2.0, 0.3, 0.3, seed)
        for k in range(100):
            link.send(k / 10, bytes([k]))
        return link.deliver(1e3)

    assert run(5) == run(5) == run(np.random.default_rng(5))
    assert run(5) != run(6)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"delay_s": -0.1}, "delay_s is -0.1"),
        ({"delay_s": float("inf")}, "delay_s is inf"),
        ({"jitter_s": float("nan")}, "jitter_s is nan"),
        ({"jitter_s": "1 s"}, "jitter_s is '1 s'"),
        ({"loss": 1.5}, "loss is 1.5"),
        ({"duplicate": -1}, "duplicate is -1"),
    ],
)
def test_wrong_settings_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Link(**settings)


def test_wrong_use_is_refused():
    link = Link()
    link.deliver(5.0)
    with pytest.raises(ValueError, match=r"sent at t_s = 4.0, but this link has delivered up to 5.0 s"):
        link.send(4.0, b"late")
    with pytest.raises(ValueError, match="sent at t_s = nan"):
        link.send(float("nan"), b"never")
    with pytest.raises(TypeError, match="a link carries events or bytes, not str: 'text'"):
        link.send(6.0, "text")
    with pytest.raises(ValueError, match=r"until_s is 1.0"):
        link.deliver(1.0)
    assert link.stats.messages_sent == 0


def test_repr_tells_the_counts():
    link = Link(delay_s=0.1)
    link.send(0.0, b"abc")
    assert repr(link) == "Link(delay_s=0.1, jitter_s=0, loss=0, duplicate=0; 1 messages, 3 bytes sent)"
    assert "sent 1 messages, 3 bytes; delivered 0, 0 bytes; lost 0; duplicated 0; in flight 1" in repr(link.stats)

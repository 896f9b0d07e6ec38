"""Heads and the cloud, step by step with numbers one can follow."""

import numpy as np
import pytest

from dnt_lab import fl
from dnt_lab.fl.heads import Heads

HALF = fl.fedasync(0.5, fl.polynomial(1))  # a = 1/2, 1/4, 1/6, ... for a staleness of 0, 1, 2, ...


def two_heads(rule=HALF):
    return Heads(rule, np.array([[0.0], [8.0]]))


def test_the_cloud_starts_from_the_mean_of_the_heads():
    heads = two_heads()
    np.testing.assert_array_equal(heads.models, [[0.0], [8.0], [4.0]])
    np.testing.assert_array_equal(heads.versions, [0, 0, 0])
    assert heads.cloud == 2


def test_a_head_takes_in_a_client_and_leaves_the_others_alone():
    heads = two_heads()
    heads.take_in(0, np.array([0.0]), np.array([6.0]), 0)
    heads.take_in(0, np.array([0.0]), np.array([7.0]), 1)
    np.testing.assert_array_equal(heads.models, [[0.75 * 3 + 0.25 * 7], [8.0], [4.0]])
    np.testing.assert_array_equal(heads.versions, [2, 0, 0])


def test_two_heads_meet_the_cloud_by_hand():
    heads = two_heads()
    heads.push(0)
    heads.push(1)
    assert heads.reach_cloud(0) == 0  # cloud: (4 + 0) / 2 = 2
    assert heads.reach_cloud(1) == 1  # cloud: 3/4 of 2 + 1/4 of 8 = 3.5
    np.testing.assert_array_equal(heads.models[:, 0], [0.0, 8.0, 3.5])
    heads.come_back(0)  # with the cloud's model as it was when head 0 reached it
    heads.come_back(1)
    np.testing.assert_array_equal(heads.models[:, 0], [2.0, 3.5, 3.5])
    np.testing.assert_array_equal(heads.versions, [1, 1, 2])
    heads.push(0)
    assert heads.reach_cloud(0) == 1  # the cloud has moved on by head 1's model
    heads.push(1)
    assert heads.reach_cloud(1) == 1


def test_what_arrives_while_a_head_is_away_is_added_to_the_global_twin():
    heads = two_heads()
    heads.push(0)
    heads.take_in(0, np.array([0.0]), np.array([6.0]), 0)  # 0 to 3, after the push
    heads.reach_cloud(0)
    np.testing.assert_array_equal(heads.models[heads.cloud], [2.0])  # of what was pushed, not of the 3
    heads.come_back(0)
    np.testing.assert_array_equal(heads.models[0], [2.0 + 3.0])


def test_a_head_at_which_nothing_arrived_comes_back_with_the_global_twin_bit_by_bit():
    rng = np.random.default_rng(0)
    heads = Heads(HALF, rng.normal(size=(2, 100)).astype(np.float32) * 10.0 ** rng.integers(-6, 6, 100))
    heads.push(1)
    heads.reach_cloud(1)
    heads.come_back(1)
    np.testing.assert_array_equal(heads.models[1], heads.models[heads.cloud])


def test_the_cloud_of_fedbuff_waits_for_as_many_heads_and_sees_what_they_changed():
    heads = two_heads(fl.fedbuff(2, staleness=fl.constant()))
    for meeting, cloud in ((1, [4.0, 6.0]), (2, [6.0, 8.0])):
        for g, change in ((0, 1.0), (1, 3.0)):
            for _ in range(2):
                heads.take_in(g, heads.models[g], np.array([change]), 0)
            heads.push(g)
            assert heads.reach_cloud(g) == (meeting > 1 and g == 0)
            np.testing.assert_array_equal(heads.models[heads.cloud], cloud[g])
            heads.come_back(g)
    np.testing.assert_array_equal(heads.versions, [4, 4, 2])


def test_heads_do_not_share_memory_with_what_they_were_given():
    start = np.zeros((2, 1))
    heads = Heads(HALF, start)
    heads.take_in(0, np.zeros(1), np.ones(1), 0)
    np.testing.assert_array_equal(start, 0)


@pytest.mark.parametrize("rule", [HALF, fl.fedbuff(3)], ids=lambda rule: rule.name)
def test_a_state_holds_all_that_happens_next(rule):
    def act(heads):
        heads.reach_cloud(0)
        heads.take_in(1, np.ones(1), np.ones(1), 2)
        heads.come_back(0)
        heads.push(1)
        heads.reach_cloud(1)

    heads = two_heads(rule)
    heads.take_in(0, np.zeros(1), np.ones(1), 1)
    heads.push(0)
    kept = {name: np.copy(v) if isinstance(v, np.ndarray) else list(v) for name, v in heads.state().items()}
    act(heads)
    again = Heads(rule, np.full((2, 1), 99.0))
    again.set_state(kept)
    act(again)
    np.testing.assert_array_equal(again.models, heads.models)
    np.testing.assert_array_equal(again.versions, heads.versions)

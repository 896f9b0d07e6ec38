"""Groups and the way of their heads to the cloud: what is taken, what is refused, and rows by group."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.fl import Connection
from dnt_lab.fl.groups import by_group, checked_backhaul, checked_groups


def test_without_groups_all_are_in_one():
    np.testing.assert_array_equal(checked_groups(None, 3), [0, 0, 0])
    np.testing.assert_array_equal(checked_groups([1, 0, 1], 3), [1, 0, 1])
    assert checked_groups(np.array([1, 0], np.uint8), 2).dtype == int


@pytest.mark.parametrize(
    ("groups", "sentence"),
    [
        ([0, 1], r"groups has shape \(2,\) and type int64; 3 whole numbers are needed"),
        ([[0, 1, 1]], r"groups has shape \(1, 3\)"),
        ([0.0, 1.0, 1.0], "type float64; 3 whole numbers are needed"),
        ([True, False, True], "type bool"),
        ([0, 2, 2], r"groups holds \[0, 2\]; it must hold 0 to G - 1, each at least once"),
        ([1, 2, 2], r"groups holds \[1, 2\]"),
        ([-1, 0, 1], r"groups holds \[-1, 0, 1\]"),
    ],
)
def test_groups_that_leave_a_head_without_members_or_a_client_without_head_are_refused(groups, sentence):
    with pytest.raises(ValueError, match=sentence):
        checked_groups(groups, 3)


@given(st.lists(st.integers(0, 5), max_size=20))
def test_rows_by_group_are_those_one_would_look_up(groups):
    groups = np.array(groups, dtype=int)
    found = list(by_group(groups))
    assert [g for g, _ in found] == sorted(set(groups.tolist()))
    for g, rows in found:
        np.testing.assert_array_equal(rows, np.flatnonzero(groups == g))


def test_a_backhaul_has_numbers_for_every_head():
    backhaul = checked_backhaul(Connection(8.0, [8.0, 16.0], 0.5), 2)
    np.testing.assert_array_equal(backhaul.up_s(1), [1.5, 1.5])
    np.testing.assert_array_equal(backhaul.down_s(1), [1.5, 1.0])
    np.testing.assert_array_equal(checked_backhaul(None, 3).up_s(1e9), np.zeros(3))
    with pytest.raises(
        ValueError, match=r"down_bps of backhaul has shape \(2,\), but must be one number or \(3,\), one"
    ):
        checked_backhaul(Connection(8.0, [8.0, 16.0]), 3)

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.datasets import rooms, street_grid


def test_street_grid_geometry_by_hand():
    grid = street_grid(3, 2, block_m=50, street_m=10, height_m=20.0)
    assert grid.bounds_m == (-85.0, -55.0, 85.0, 55.0)  # 3 * 50 + 2 * 10 = 170 wide, 2 * 50 + 10 = 110 deep
    assert shapely.area(grid.footprints) == pytest.approx(np.full(6, 2500.0))
    assert grid.height_m.tolist() == [20.0] * 6
    first, second, fourth = grid.footprints[[0, 1, 3]]
    assert first.distance(second) == pytest.approx(10)  # west to east first
    assert first.distance(fourth) == pytest.approx(10)
    assert fourth.centroid.y > first.centroid.y


def test_street_grid_heights_follow_the_seed():
    a, b, c = (street_grid(10, 10, height_m=(12, 30), seed=s).height_m for s in (1, 1, 2))
    assert (a == b).all()
    assert (a != c).any()
    assert a.min() >= 12
    assert a.max() <= 30
    assert a.mean() == pytest.approx(21, abs=1.6)  # three standard errors of a uniform draw


@given(n_x=st.integers(1, 5), n_y=st.integers(1, 5))
def test_walls_of_rooms_have_the_area_of_walls_less_doors(n_x, n_y):
    x, y, wall, door = 5.0, 4.0, 0.2, 0.9
    plan = rooms(n_x, n_y, (x, y), wall_m=wall, door_m=door)
    level, upright = (n_y + 1) * (n_x * x + wall) * wall, (n_x + 1) * (n_y * y + wall) * wall
    crossings, doors = (n_x + 1) * (n_y + 1) * wall**2, (n_x - 1) * n_y + (n_y - 1) * n_x + 1
    assert shapely.area(plan.footprints).sum() == pytest.approx(level + upright - crossings - doors * door * wall)
    assert shapely.is_valid(plan.footprints).all()
    assert plan.bounds_m == pytest.approx(
        (-(n_x * x + wall) / 2, -(n_y * y + wall) / 2, (n_x * x + wall) / 2, (n_y * y + wall) / 2)
    )


@given(n_x=st.integers(1, 4), n_y=st.integers(1, 4))
def test_one_can_walk_from_outside_into_every_room(n_x, n_y):
    plan = rooms(n_x, n_y)
    free = shapely.box(*plan.bounds_m).buffer(2).difference(shapely.union_all(plan.footprints))
    assert free.geom_type == "Polygon"  # one connected piece of floor
    walls = plan.footprints
    assert not any(a.touches(b) for i, a in enumerate(walls) for b in walls[:i])


@pytest.mark.parametrize(
    ("call", "kind", "sentence"),
    [
        (lambda: street_grid(0, 2), ValueError, "n_x is 0, but must be 1 or more"),
        (lambda: street_grid(2, 2.5), TypeError, "n_y is 2.5, but must be a whole number"),
        (lambda: street_grid(True, 2), TypeError, "n_x is True"),
        (lambda: street_grid(block_m=-1), ValueError, "block_m is -1 m"),
        (lambda: street_grid(street_m=float("nan")), ValueError, "street_m is nan m"),
        (lambda: street_grid(height_m=(30, 12)), ValueError, "lowest <= highest"),
        (lambda: street_grid(height_m="tall"), TypeError, "height_m is 'tall'"),
        (lambda: street_grid(seed="lucky"), TypeError, "seed is 'lucky'"),
        (lambda: street_grid(seed=-1), TypeError, "seed is -1"),
        (lambda: rooms(0), ValueError, "n_x is 0"),
        (lambda: rooms(room_m=5.0), TypeError, "room_m is 5.0, but must be two lengths"),
        (lambda: rooms(door_m=4.0), ValueError, "door_m is 4.0 m, but must fit in a wall of 3.85 m"),
        (lambda: rooms(wall_m=0), ValueError, "wall_m is 0 m"),
    ],
)
def test_a_wrong_call_is_refused(call, kind, sentence):
    with pytest.raises(kind, match=sentence):
        call()

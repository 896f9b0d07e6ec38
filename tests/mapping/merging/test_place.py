"""Places and traces of them: what a quarter must have, held against shapely and the tracer's own paths."""

import numpy as np
import pytest
import shapely

from dnt_lab.datasets import CityMap, load_city
from dnt_lab.mapping.merging import find_place, traced
from dnt_lab.physical.pathloss import free_space_db
from dnt_lab.raytracing import Scene, trace
from tests.mapping.merging.drawn import scenario


def test_a_place_is_what_it_promises():
    place = scenario().place
    xmin, ymin, xmax, ymax = place.bounds_m
    assert (xmax - xmin, ymax - ymin) == pytest.approx((160, 160))
    walls = shapely.union_all(place.city_after.footprints)
    distance_m = shapely.distance(walls, shapely.points(place.outdoor_m))
    assert distance_m.min() > 1.0
    assert not place.new_house.intersects(shapely.union_all(place.city.footprints))
    assert len(place.city_after) == len(place.city) + 1
    assert place.loses_sight.mean() > 0.06
    assert not shapely.contains_xy(walls, *place.tx_m[:2])
    assert not shapely.contains_xy(shapely.union_all(place.city.footprints), *place.grid(10.0).T).any()


def test_the_new_house_takes_the_line_of_sight_that_the_tracer_sees():
    drawn = scenario()
    before, after = drawn.truth(0.0), drawn.truth(15.0)
    lost = before.los & ~after.los
    # the base station of the plan stands half a metre beside the one that is traced
    assert (lost != drawn.place.loses_sight).mean() < 0.02
    assert not (after.los & ~before.los).any()


def test_seeds_draw_places():
    one, again, other = (find_place("etoile", seed) for seed in (1, np.random.default_rng(1), 2))
    np.testing.assert_array_equal(one.outdoor_m, again.outdoor_m)
    assert one.bounds_m != other.bounds_m


@pytest.mark.parametrize("seed", range(1, 9))
def test_no_house_is_built_into_another(seed):
    place = find_place("florence", seed)
    assert not shapely.intersects(place.city.footprints, place.new_house).any()


def test_a_map_without_room_is_refused():
    city = load_city("etoile")
    with pytest.raises(ValueError, match="but more than 160 m in x and y is needed"):
        find_place(city.crop(0, 0, 20, 20), 0)
    corners = np.array([shapely.box(x, y, x + 9, y + 9) for x in (0, 400) for y in (0, 400)])
    field = CityMap("field", corners, np.full(4, 9.0), np.zeros(4), np.full(4, "itu_brick"))
    with pytest.raises(ValueError, match="field has no fitting quarter among 400 drawn"):
        find_place(field, 0)


def test_a_trace_adds_all_paths_and_a_scattered_rest():
    street = Scene.street_canyon()
    tx_m, xy_m = np.array([-40.0, 0.0, 10.0]), np.array([[30.0, 2.0], [37.0, 24.0], [0.0, 300.0]])
    found = traced(street, tx_m, xy_m, 28e9, 30.0)
    for i, (x, y) in enumerate(xy_m):
        paths = trace(street, tx_m, [x, y, 1.5], 28e9, 2)
        rest = 10 ** (-(free_space_db(np.linalg.norm([x + 40, y, 8.5]), 28e9) + 30) / 10)
        assert found.gain_db[i] == pytest.approx(10 * np.log10((np.abs(paths.gain) ** 2).sum() + rest))
        assert found.los[i] == (paths.order == 0).any()
        if len(paths):
            strongest = paths.aod_deg[np.abs(paths.gain).argmax(), 1]
            straight = np.rad2deg(np.arctan2(y, x + 40))
            assert np.cos(np.deg2rad(found.turn_deg[i] - (strongest - straight))) == pytest.approx(1)
        else:
            assert np.isnan(found.turn_deg[i])
    assert found.turn_deg[0] == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(found.turn_deg).any()

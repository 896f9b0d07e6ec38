import json
from collections import Counter

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.datasets import CITIES, OSM_ATTRIBUTION, CityMap, bundled, load_city, read_footprints

SQUARE = [[0, 0], [10, 0], [10, 10], [0, 10], [0, 0]]


def feature(rings=(SQUARE,), kind="Polygon", **properties):
    properties = {"height": 12.0} | properties
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": list(rings)}}


def write(path, *features, **extra):
    path.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)} | extra))
    return path


# counts and medians as published with the files; highest building and courtyards counted in the raw JSON
@pytest.mark.parametrize(
    ("city", "n", "median_m", "width_m", "depth_m"),
    [("munich", 1175, 16, 1400, 1100), ("florence", 1322, 12, 900, 1000), ("etoile", 279, 18, 754, 576)],
)
def test_bundled_city_has_the_published_size(city, n, median_m, width_m, depth_m):
    city_map = load_city(city)
    xmin, ymin, xmax, ymax = city_map.bounds_m
    assert len(city_map) == n
    assert np.median(city_map.height_m) == pytest.approx(median_m, abs=0.5)
    assert (xmax - xmin, ymax - ymin) == pytest.approx((width_m, depth_m), rel=0.03)
    assert city_map.attribution == OSM_ATTRIBUTION
    assert f"{n} buildings" in city_map.summary()
    assert f"{n} buildings" in repr(city_map)


@pytest.mark.parametrize("city", CITIES)
def test_every_outline_is_valid_and_keeps_its_courtyards(city):
    raw = json.loads(bundled(f"{city}_footprints.geojson").read_text())["features"]
    city_map = load_city(city)
    assert shapely.is_valid(city_map.footprints).all()
    holes = [len(f["geometry"]["coordinates"]) - 1 for f in raw]
    assert shapely.get_num_interior_rings(city_map.footprints).tolist() == holes
    assert sum(holes) > 0
    assert (city_map.height_m > 3).all()


def test_walls_are_named_as_the_scene_files_assign():
    assert Counter(load_city("munich").material.tolist()) == {"itu_marble": 1139, "itu_brick": 36}
    assert set(load_city("florence").material) == {"itu_marble"}


def test_three_buildings_of_munich_float():
    munich = load_city("munich")
    assert sorted(munich.base_m[munich.base_m > 0]) == [6.0, 6.0, 7.57]


def test_crop_keeps_whole_buildings_that_touch_the_box():
    florence = load_city("florence")
    part = florence.crop(-100, -100, 100, 100)
    box = shapely.box(-100, -100, 100, 100)
    inside = [polygon.intersects(box) for polygon in florence.footprints]
    assert len(part) == sum(inside) < len(florence)
    assert part.footprints.tolist() == florence.footprints[inside].tolist()
    assert part.height_m.tolist() == florence.height_m[inside].tolist()
    assert part.attribution == florence.attribution


def test_crop_beside_the_city_is_empty_and_says_so():
    nothing = load_city("etoile").crop(5000, 5000, 5001, 5001)
    assert len(nothing) == 0
    assert nothing.summary() == "Etoile: no buildings"
    assert np.isnan(nothing.bounds_m).all()


def test_a_map_cannot_be_changed_in_place():
    with pytest.raises(ValueError, match="read-only"):
        load_city("etoile").height_m[0] = 1.0


def test_read_footprints_reads_every_property(tmp_path):
    courtyard = [[2, 2], [4, 2], [4, 4], [2, 4], [2, 2]]
    path = write(
        tmp_path / "mine.geojson",
        feature((SQUARE, courtyard), z_base=3, material="itu_glass"),
        feature(parts=["itu_brick", "itu_wood"]),
        feature(),
    )
    city_map = read_footprints(path, attribution="me")
    assert city_map.footprints[0].area == 96.0
    assert city_map.base_m.tolist() == [3.0, 0.0, 0.0]
    assert city_map.material.tolist() == ["itu_glass", "itu_brick", "itu_concrete"]
    assert (city_map.name, city_map.attribution) == ("mine", "me")


@given(x=st.floats(-1e4, 1e4), y=st.floats(-1e4, 1e4), w=st.floats(1, 500), d=st.floats(1, 500), h=st.floats(0.1, 500))
def test_a_written_rectangle_is_read_back(tmp_path_factory, x, y, w, d, h):
    ring = [[x, y], [x + w, y], [x + w, y + d], [x, y + d], [x, y]]
    city_map = read_footprints(write(tmp_path_factory.mktemp("map") / "one.geojson", feature((ring,), height=h)))
    assert city_map.bounds_m == (x, y, x + w, y + d)
    assert city_map.height_m.tolist() == [h]


DEGREES = [[11.0 + dx / 1e4, 43.0 + dy / 1e4] for dx, dy in SQUARE]
BOWTIE = [[0, 0], [10, 10], [10, 0], [0, 10], [0, 0]]
GOOD = feature()
bad_input = [
    ([GOOD, feature((DEGREES,))], {}, "feature 2: the building is .* looks like degrees"),
    ([GOOD], {"crs": {"properties": {"name": "urn:ogc:def:crs:EPSG::4326"}}}, "declares longitude and latitude"),
    ([GOOD], {"crs": {"properties": {"name": "urn:ogc:def:crs:OGC:1.3:CRS84"}}}, "declares longitude and latitude"),
    ([], {}, "has no features"),
    ([GOOD], {"type": "Topology"}, "not a GeoJSON FeatureCollection"),
    ([GOOD, GOOD, feature((BOWTIE,))], {}, r"feature 3: the outline is broken \(Self-intersection"),
    ([feature(([[0, 0], [1, 1]],))], {}, "feature 1: the coordinates are not rings"),
    ([feature(([[0, 0], [1, float("nan")], [1, 0], [0, 0]],))], {}, "feature 1: a coordinate is not a finite number"),
    ([feature(([],))], {}, "feature 1: the coordinates are not rings"),
    ([feature(kind="MultiPolygon")], {}, "feature 1: the geometry is MultiPolygon"),
    ([{"type": "Feature", "properties": {"height": 3}, "geometry": None}], {}, "feature 1: the geometry is None"),
    (["a house"], {}, "feature 1: the geometry is None"),
    ([feature(height=None)], {}, "feature 1: height is None"),
    ([feature(height="12")], {}, "feature 1: height is '12'"),
    ([feature(height=True)], {}, "feature 1: height is True"),
    ([feature(height=0)], {}, "feature 1: height is 0.0 m, but must be above 0 m"),
    ([feature(height=-4)], {}, "feature 1: height is -4.0 m"),
    ([feature(z_base="ground")], {}, "feature 1: z_base is 'ground'"),
    ([feature(material=7)], {}, "feature 1: material is 7"),
]


@pytest.mark.parametrize(("features", "extra", "sentence"), bad_input)
def test_a_broken_file_is_refused_by_name_and_feature(tmp_path, features, extra, sentence):
    with pytest.raises(ValueError, match=sentence) as refused:
        read_footprints(write(tmp_path / "broken.geojson", *features, **extra))
    assert str(refused.value).startswith("broken.geojson")
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b'{"type": "FeatureCollection",\n "features": [', "cut.geojson is not whole GeoJSON: .* at line 2"),
        (b"\x80\x81{}", "cut.geojson is not a text file"),
        (b"[1, 2]", "cut.geojson is not a GeoJSON FeatureCollection"),
        (b"", "cut.geojson is not whole GeoJSON"),
    ],
)
def test_a_file_of_another_kind_is_refused_by_name(tmp_path, content, sentence):
    path = tmp_path / "cut.geojson"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=sentence):
        read_footprints(path)


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: load_city("milan"), "The city is 'milan', but must be one of 'munich', 'florence', 'etoile'"),
        (lambda: load_city("etoile").crop(0, 0, 0, 10), "is empty: crop"),
        (lambda: load_city("etoile").crop(0, 0, float("inf"), 10), "is empty: crop"),
        (
            lambda: CityMap("x", np.empty(2, object), np.ones(1), np.ones(2), np.array(["a", "b"])),
            "arrays of one length",
        ),
        (lambda: bundled("../pyproject.toml"), "is not a bundled data file; those are etoile_footprints.geojson"),
    ],
)
def test_a_wrong_call_is_refused(call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call()

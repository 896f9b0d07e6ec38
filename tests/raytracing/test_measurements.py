"""Reading power against position: files written here, every way they can be wrong, and the real walks."""

import gzip

import numpy as np
import pytest

from dnt_lab.raytracing.measurements import PowerMeasurements, read_power_measurements

from .path_tables import DATA

HEADER = "run,north_m,east_m,down_m,n,power_db_median,power_db_std,mag_deg,distance_m\n"
ROWS = "a,3.0,4.0,-12.0,7,-20.5,0.1,90,13.0\nb,0.0,-6.0,8.0,7,-18.25,,90,10.0\n"


@pytest.fixture
def write(tmp_path):
    def write(text, name="walk.csv"):
        (tmp_path / name).write_text(text)
        return tmp_path / name

    return write


def test_axes_are_east_north_up(write):
    measured = read_power_measurements(write(HEADER + ROWS))
    np.testing.assert_array_equal(measured.position_m, [[4, 3, 12], [-6, 0, -8]])
    np.testing.assert_array_equal(measured.power_db, [-20.5, -18.25])
    np.testing.assert_allclose(measured.distance_m, [13, 10])
    assert measured.run.tolist() == ["a", "b"]
    assert repr(measured) == "PowerMeasurements(2 readings on 2 runs, 10.0 to 13.0 m from the antenna)"
    assert repr(measured[measured.power_db > 0]) == "PowerMeasurements(empty)"


def test_only_positions_power_and_run_are_needed_and_compression_is_read(tmp_path):
    path = tmp_path / "walk.csv.gz"
    with gzip.open(path, "wt") as file:
        file.write("run,power_db_median,down_m,east_m,north_m\n1,-50,-1,2,2\n")
    measured = read_power_measurements(path)
    assert measured.position_m.tolist() == [[2, 2, 1]]
    assert measured.run.tolist() == ["1"]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "walk.csv is not a whole CSV file"),
        (HEADER.replace("east_m,", "") + "a,1,1,1,1,1,1,1\n", "walk.csv has no column east_m; run, north_m"),
        (HEADER + ROWS + "c,1,2,3", "walk.csv, line 4: power_db_median is '', but must be a finite number"),
        (HEADER + ROWS.replace("-18.25", "low"), "walk.csv, line 3: power_db_median is 'low'"),
        (HEADER + ROWS.replace("-20.5", "-inf"), "walk.csv, line 2: power_db_median is '-inf'"),
        (HEADER + ROWS.replace("10.0\n", "1"), "line 3: distance_m is 1, but north, east and down give 10 m"),
        (HEADER + ROWS + ",".join("x" * 12) + "\n", "walk.csv is not a whole CSV file"),
    ],
)
def test_damage_is_refused_by_file_and_line(write, text, sentence):
    with pytest.raises(ValueError, match=sentence):
        read_power_measurements(write(text))


def test_a_cut_off_archive_and_a_missing_file(tmp_path):
    path = tmp_path / "walk.csv.gz"
    path.write_bytes(gzip.compress((HEADER + 500 * ROWS).encode())[:-40])
    with pytest.raises(ValueError, match="is not a whole CSV file"):
        read_power_measurements(path)
    with pytest.raises(FileNotFoundError):
        read_power_measurements(tmp_path / "none.csv")


def test_aligned_takes_the_quantile_of_each_ring():
    distance_m = np.concatenate([np.linspace(10, 10.9, 50), np.linspace(11.1, 11.9, 40), [12.5]])
    power_db = np.concatenate([np.arange(50.0), np.arange(40.0), [99.0]])
    readings = PowerMeasurements(distance_m[:, None] * [0.6, 0, 0.8], power_db, np.full(91, "walk"))
    rings = readings.aligned(quantile=0.5, at_least=40)
    np.testing.assert_allclose(rings.distance_m, [10.45, 11.5])
    np.testing.assert_allclose(rings.power_db, [24.5, 19.5])
    with pytest.raises(ValueError, match="no ring of 1 m holds 51 readings"):
        readings.aligned(at_least=51)
    for wrong in ({"width_m": 0.0}, {"quantile": 1.0}):
        with pytest.raises(ValueError, match="a width over 0 m and a quantile between 0 and 1"):
            readings.aligned(**wrong)


def test_the_real_walks():
    path = DATA / "unal_60ghz_power_vs_position.csv.gz"
    if not path.is_file():
        pytest.skip("the 60 GHz walks are not beside the checkout")
    measured = read_power_measurements(path)
    open_field = np.char.startswith(measured.run, "01-08")
    assert (open_field.sum(), (~open_field).sum()) == (5810, 6193)
    assert len(np.unique(measured.run)) == 12
    assert measured.power_db.max() < -13.7

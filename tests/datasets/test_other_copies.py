import h5py
import numpy as np
import pytest

from dnt_lab.datasets import read_dataverse_day, read_fedda, read_kaggle

from .milan_files import FIRST_MS, HEADER, write_day

FIRST_S = FIRST_MS // 1000


def line(cell, hour="2013-11-01 00:00:00", country=39, amounts=(1, 2, 3, 4, 5)):
    return ",".join(map(str, [hour, cell, country, *amounts])) + "\n"


def write_csv(path, *lines, header=HEADER + "\n"):
    path.write_text(header + "".join(lines))
    return path


def test_kaggle_rows_are_summed_over_countries_in_place(tmp_path):
    path = write_csv(
        tmp_path / "a.csv",
        line(8, "2013-11-02 05:00:00", amounts=(10, 20, 30, 40, 50)),
        line(3, country=0, amounts=("", "", "", "", 2.5)),
        line(3, amounts=(1, "", 3, "", 4)),
    )
    traffic = read_kaggle(path)
    assert traffic.cell_ids.tolist() == [3, 8]
    assert (str(traffic.start), traffic.n_hours) == ("2013-11-01T00", 48)
    assert traffic.values[:, 0, 0].tolist() == [1, 3, 6.5]
    assert traffic.values[:, 29, 1].tolist() == [30, 70, 50]
    assert np.count_nonzero(~np.isnan(traffic.values)) == 6


@pytest.mark.parametrize("block_bytes", [70, 1 << 24])
def test_kaggle_and_dataverse_copies_of_a_day_agree(tmp_path, block_bytes):
    daily, sums = write_day(tmp_path, cells=(4, 9))
    lines = [
        line(cell, f"2013-11-01 {hour:02d}:00:00", amounts=sums[:, hour, k].tolist())
        for hour in range(24)
        for k, cell in enumerate((4, 9))
    ]
    np.random.default_rng(0).shuffle(lines)
    hourly = read_kaggle([write_csv(tmp_path / "a.csv", *lines)], merge=False, block_bytes=block_bytes)
    ten_minutes, _ = read_dataverse_day(daily, merge=False)
    assert hourly.values == pytest.approx(ten_minutes.select([4, 9]).values, rel=1e-6)


def test_kaggle_files_of_several_days_join(tmp_path):
    paths = [
        write_csv(tmp_path / f"{d}.csv", line(5, f"2013-11-0{d} 00:00:00", amounts=(0, 0, 0, 0, d))) for d in (2, 1)
    ]
    traffic = read_kaggle(paths)
    assert traffic.service("internet")[::24, 0].tolist() == [1, 2]


bad_csv = [
    ([line(1)], "time;cell\n", "line 1: the header must be datetime,CellID"),
    ([line(1)], "", "line 1: the header must be datetime,CellID"),
    ([], HEADER + "\n", "has a header and no rows"),
    ([line(1), line(2)[:-3]], HEADER + "\n", "line 3: the last line has no end"),
    ([line(1), "2013-11-01 00:00:00,2,39\n"], HEADER + "\n", "line 3: 3 fields, but must be 8"),
    ([line(1), line(1, "1 Nov 2013")], HEADER + "\n", "line 3: datetime is 1 Nov 2013, but must be a full hour"),
    ([line(1), line(1, "2013-11-01 00:10:00")], HEADER + "\n", "line 3: datetime is 2013-11-01 00:10:00"),
    ([line(1), line(1, "")], HEADER + "\n", "line 3: datetime is nan"),
    ([line(1), line(10001)], HEADER + "\n", "line 3: CellID is 10001, but must be 1 to 10000"),
    ([line(1), line(1, amounts=(1, 2, 3, 4, "much"))], HEADER + "\n", "line 3: internet is 'much'"),
    (
        [line(1), line(1, "2023-11-01 00:00:00")],
        HEADER + "\n",
        "The span of a.csv and the files after it, in days, is 3653",
    ),
]


@pytest.mark.parametrize("block_bytes", [70, 1 << 24])
@pytest.mark.parametrize(("lines", "header", "sentence"), bad_csv)
def test_a_broken_csv_is_refused_by_name_and_line(tmp_path, lines, header, sentence, block_bytes):
    path = write_csv(tmp_path / "a.csv", *lines, header=header)
    with pytest.raises(ValueError, match=sentence) as refused:
        read_kaggle(path, block_bytes=block_bytes)
    assert "a.csv" in str(refused.value)


def test_bytes_that_are_no_text_are_refused_by_line(tmp_path):
    path = write_csv(tmp_path / "a.csv", line(1), line(2))
    path.write_bytes(path.read_bytes().replace(b"2013-11-01 00:00:00,2", b"2013-11-01 \xff0:00:00,2"))
    with pytest.raises(ValueError, match=r"a\.csv, lines 2 to 3: a field cannot be read"):
        read_kaggle(path)


def test_an_hour_in_two_files_is_refused(tmp_path):
    paths = [write_csv(tmp_path / name, line(1)) for name in ("a.csv", "b.csv")]
    with pytest.raises(ValueError, match=r"b\.csv has the hour 2013-11-01T00 that a\.csv has too"):
        read_kaggle(paths)
    with pytest.raises(ValueError, match="read_kaggle got no file"):
        read_kaggle([])


def write_h5(path, hours=range(30), cells=(3, 7), columns=10, seed=0, **change):
    rng = np.random.default_rng(seed)
    hours = np.asarray(hours)
    content = {
        "idx": (FIRST_S + 3600 * hours)[:, None],
        "cell": np.asarray(cells),
        "lng": np.zeros(len(cells)),
        "lat": np.zeros(len(cells)),
    }
    content |= {name: rng.gamma(2, 1, (len(hours), columns)) for name in ("sms", "call", "net")}
    content |= change
    with h5py.File(path, "w") as file:
        for name, value in content.items():
            if value is not None:
                file[name] = value
    return path, content


@pytest.mark.parametrize("block_hours", [1, 7, 168])
def test_fedda_columns_follow_the_cell_ids(tmp_path, block_hours):
    path, content = write_h5(tmp_path / "milano.h5", cells=(7, 3))
    traffic = read_fedda(path, block_hours=block_hours)
    assert traffic.cell_ids.tolist() == [3, 7]
    assert str(traffic.start) == "2013-11-01T00"  # UTC seconds became local hours
    for service, name in (("sms", "sms"), ("call", "call"), ("internet", "net")):
        assert traffic.service(service) == pytest.approx(content[name][:, [2, 6]], rel=1e-6)


def test_fedda_hours_in_any_order_with_a_hole_and_nan_as_zero(tmp_path):
    path, content = write_h5(tmp_path / "milano.h5", hours=[4, 0, 2, 1])
    with h5py.File(path, "r+") as file:
        file["net"][2, 6] = np.nan
    traffic = read_fedda(path)
    assert traffic.n_hours == 5
    assert np.isnan(traffic.values[:, 3]).all()
    assert traffic.service("sms")[4] == pytest.approx(content["sms"][0, [2, 6]], rel=1e-6)
    assert traffic.service("internet")[2, 1] == 0


bad_h5 = [
    ({"net": None}, "has no dataset net; idx, cell, sms, call and net are needed"),
    ({"idx": None, "cell": None}, "has no dataset idx, cell"),
    ({"idx": np.arange(30)}, "idx must be the unix seconds of different full hours"),
    ({"idx": np.zeros(30, int)}, "idx must be the unix seconds of different full hours"),
    ({"cell": np.array([0, 3])}, "cell must hold ids from 1 to 10000"),
    ({"cell": np.array([3, 11])}, r"sms has shape \(30, 10\), but 30 hours and a column for cell 11 are needed"),
    ({"call": np.ones((29, 10))}, r"call has shape \(29, 10\), but 30 hours"),
    ({"call": np.ones(30)}, r"call has shape \(30,\)"),
    ({"net": -np.ones((30, 10))}, "net has a value that is negative or infinite"),
    ({"idx": FIRST_S + 3600 * 400 * np.arange(30)}, "The span of milano.h5, in hours, is 11601"),
]


@pytest.mark.parametrize(("change", "sentence"), bad_h5)
def test_a_foreign_h5_is_refused_by_name(tmp_path, change, sentence):
    path, _ = write_h5(tmp_path / "milano.h5", **change)
    with pytest.raises(ValueError, match=sentence) as refused:
        read_fedda(path)
    assert "milano.h5" in str(refused.value)


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"text"])
def test_a_damaged_h5_is_refused_by_name(tmp_path, damage):
    path, _ = write_h5(tmp_path / "milano.h5")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"milano\.h5 is not a whole HDF5 file"):
        read_fedda(path)


def test_a_file_that_is_not_there_is_named(tmp_path):
    for read in (read_fedda, read_kaggle):
        with pytest.raises(FileNotFoundError, match="gone"):
            read(tmp_path / "gone")

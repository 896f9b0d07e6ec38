import gzip
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.datasets import Traffic, own_traffic, read_hourly_csv, read_kaggle, save_traffic, synthetic_traffic

from .milan_files import FIRST_MS, HEADER, write_day

REAL = Path(__file__).parents[2].parent / "shared" / "data"
START = np.datetime64("2013-11-01", "h")
ATTRIBUTION = "Barlacchi"
WIDE = "time,9,3\n2013-11-01 00:00,1.5,2\n2013-11-01 01:00,,4\n"
KAGGLE = f"{HEADER}\n2013-11-01 00:00:00,7,39,1,2,3,4,5\n"


@pytest.fixture(autouse=True)
def no_variable(monkeypatch):
    monkeypatch.delenv("DNT_LAB_MILAN", raising=False)


def write(path, text=WIDE):
    content = text.encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz"])
def test_a_wide_csv_is_read_in_place_by_cell_id_with_nan_for_an_empty_field(tmp_path, name):
    traffic = read_hourly_csv(write(tmp_path / name), "call")
    assert traffic.services == ("call",)
    assert traffic.cell_ids.tolist() == [3, 9]
    assert traffic.start == START
    assert traffic.values.dtype == np.float32
    assert traffic.values == pytest.approx(np.array([[[2, 1.5], [4, np.nan]]]), nan_ok=True)
    assert ATTRIBUTION in traffic.source and "ODbL 1.0" in traffic.source


def test_what_pandas_writes_is_read_unless_said_otherwise_as_internet(tmp_path):
    wanted = synthetic_traffic((2, 3), days=2, seed=1)
    wanted.to_frame("internet").to_csv(tmp_path / "a.csv.gz")
    found = read_hourly_csv(tmp_path / "a.csv.gz")
    assert found.services == ("internet",)
    assert found.cell_ids.tolist() == wanted.cell_ids.tolist()
    assert np.array_equal(found.service("internet"), wanted.service("internet"))
    assert found.time.equals(wanted.time)


activity = st.none() | st.floats(0, 1e12)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_table_comes_back_whatever_the_order_of_its_columns(tmp_path_factory, data):
    ids = data.draw(st.lists(st.integers(1, 10_000), min_size=1, max_size=5, unique=True))
    row = st.lists(activity, min_size=len(ids), max_size=len(ids))
    table = np.array(data.draw(st.lists(row, min_size=2, max_size=30)), dtype=float)
    first = pd.Timestamp("2013-11-01") + pd.Timedelta(data.draw(st.integers(0, 1400)), "h")
    frame = pd.DataFrame(table, pd.date_range(first, periods=len(table), freq="h", name="time"), ids)
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    frame.to_csv(path)
    found = read_hourly_csv(path).to_frame("internet")
    assert found.columns.is_monotonic_increasing
    assert np.array_equal(found[ids].to_numpy(), table.astype(np.float32), equal_nan=True)
    assert found.index.equals(frame.index)


def test_byte_order_mark_windows_line_ends_and_exponents_are_read(tmp_path):
    text = "\ufefftime,3\r\n2013-11-01T05:00:00,1.25e+02\r\n2013-11-01T06:00:00,5E-1\r\n"
    assert read_hourly_csv(write(tmp_path / "a.csv", text)).values.ravel().tolist() == [125, 0.5]


HEAD, ROW = "time,9,3\n", "2013-11-01 00:00,1,2\n"
refused = [
    ("", "a.csv is empty; get it again"),
    (HEAD, "a.csv has a header and no rows"),
    (HEAD + ROW[:-1], "a.csv, line 2: the last line has no end, so the file was cut off"),
    ("hour,9\n", "a.csv, line 1: the header must be time,4142,4143,.* but begins with 'hour'"),
    ("time\n", "a.csv, line 1: the header must be time,4142"),
    ("time,9,north\n", "a.csv, line 1: 'north' is no cell id, a whole number from 1 to 10000"),
    ("time,0\n", "line 1: '0' is no cell id"),
    ("time,10001\n", "line 1: '10001' is no cell id"),
    ("time,9.0\n", r"line 1: '9\.0' is no cell id"),
    ("time,9,\n", "line 1: '' is no cell id"),
    ("time,9,3,9\n", "line 1: cell 9 has two columns, but must have one"),
    (HEAD + ROW + "2013-11-01 01:00,1\n", "a.csv, line 3: 2 fields, but must be 3 parted by ','"),
    (HEAD + ROW + "2013-11-01 01:00,1,2,3\n", "line 3: 4 fields, but must be 3"),
    (HEAD + ROW + "\n", "line 3: 1 fields, but must be 3"),
    (HEAD + ROW + "2013-11-01 02:00,1,2\n", "line 3: time is 2013-11-01 02:00, but must be 2013-11-01 01:00"),
    (HEAD + ROW + ROW, "line 3: time is 2013-11-01 00:00, but must be 2013-11-01 01:00; no hour may be left out"),
    (HEAD + ROW + "2013-10-31 23:00,1,2\n", "line 3: time is 2013-10-31 23:00, but must be 2013-11-01 01:00"),
    (HEAD + "1383260400,1,2\n", "line 2: time is '1383260400', but must be a full local hour such as 2013-11-01 00:00"),
    (HEAD + "2013-11-01 00:10,1,2\n", "line 2: time is '2013-11-01 00:10', but must be a full local hour"),
    (HEAD + "2013-11-01T00:00Z,1,2\n", "line 2: time is '2013-11-01T00:00Z', but must be a full local hour"),
    (HEAD + "2013-13-01 00:00,1,2\n", "line 2: time is '2013-13-01 00:00', but must be a full local hour"),
    (HEAD + "2013-11-01 24:00,1,2\n", "line 2: time is '2013-11-01 24:00', but must be a full local hour"),
    (HEAD + ",1,2\n", "line 2: time is '', but must be a full local hour"),
    *(
        (HEAD + ROW + f"2013-11-01 01:00,1,{amount}\n", f"line 3: cell 3 is '{amount}', but must be a number, 0 or")
        for amount in ("much", "-1", "nan", "inf", "1_0", " 1", ".", "e5", "1e39", "9" * 40, "1;5", "\u0663")
    ),
]


@pytest.mark.parametrize(("text", "sentence"), refused)
def test_a_broken_csv_is_refused_by_file_and_line(tmp_path, text, sentence):
    with pytest.raises(ValueError, match=sentence) as error:
        read_hourly_csv(write(tmp_path / "a.csv", text))
    assert str(error.value).startswith("a.csv")


def test_bytes_that_are_no_text_are_refused_by_file(tmp_path):
    path = write(tmp_path / "a.csv")
    path.write_bytes(path.read_bytes().replace(b"1.5", b"\xff.5"))
    with pytest.raises(ValueError, match=r"a\.csv cannot be read after line 0 .* damaged or no text"):
        read_hourly_csv(path)


@pytest.mark.parametrize("damage", [lambda b: b[:-12], lambda b: b"text", lambda b: b[:12] + b"\xff" * 20 + b[32:]])
def test_a_damaged_gzip_is_refused_by_file(tmp_path, damage):
    path = write(tmp_path / "a.csv.gz")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"a\.csv\.gz cannot be read .* damaged or no text; get it again"):
        read_hourly_csv(path)


def test_an_unknown_service_is_refused(tmp_path):
    with pytest.raises(ValueError, match="The service is 'video', but must be one of 'sms', 'call', 'internet'"):
        read_hourly_csv(write(tmp_path / "a.csv"), "video")


def test_without_a_path_and_a_variable_there_is_no_own_traffic(monkeypatch):
    assert own_traffic() is None
    monkeypatch.setenv("DNT_LAB_MILAN", "")
    assert own_traffic() is None


def write_npz(path):
    return save_traffic(Traffic(np.ones((1, 3, 1), np.float32), ("sms",), START, np.array([5]), "mine"), path)


def write_h5(path):
    with h5py.File(path, "w") as file:
        file["idx"], file["cell"] = FIRST_MS // 1000 + 3600 * np.arange(2), np.array([2])
        file["sms"], file["call"], file["net"] = np.full((3, 2, 4), 6.0)
    return path


copies = [
    (write_npz, "MILAN.NPZ", ("sms",), [5], 3, "mine"),
    (write_h5, "milano.h5", ("sms", "call", "internet"), [2], 2, ATTRIBUTION),
    (write, "a.csv", ("internet",), [3, 9], 2, ATTRIBUTION),
    (write, "a.csv.gz", ("internet",), [3, 9], 2, ATTRIBUTION),
    (lambda path: write(path, KAGGLE), "nov.csv", ("sms", "call", "internet"), [7], 24, ATTRIBUTION),
]


@pytest.mark.parametrize("by_variable", [False, True])
@pytest.mark.parametrize(("make", "name", "services", "cells", "hours", "source"), copies)
def test_each_copy_is_known_by_what_it_is(
    tmp_path, monkeypatch, make, name, services, cells, hours, source, by_variable
):
    path = make(tmp_path / name)
    if by_variable:
        monkeypatch.setenv("DNT_LAB_MILAN", str(path))
    traffic = own_traffic() if by_variable else own_traffic(path)
    assert (traffic.services, traffic.cell_ids.tolist(), traffic.n_hours) == (services, cells, hours)
    assert source in traffic.source


def test_kaggle_is_read_as_its_reader_reads_it(tmp_path):
    path = write(tmp_path / "a.csv", KAGGLE)
    assert np.array_equal(own_traffic(path).values, read_kaggle(path).values, equal_nan=True)


def test_a_path_goes_before_the_variable(tmp_path, monkeypatch):
    monkeypatch.setenv("DNT_LAB_MILAN", str(tmp_path / "gone.npz"))
    assert own_traffic(write(tmp_path / "a.csv")).n_hours == 2


def test_the_home_folder_may_be_written_as_a_tilde(tmp_path, monkeypatch):
    write(tmp_path / "a.csv")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    monkeypatch.setenv("DNT_LAB_MILAN", "~/a.csv")
    assert own_traffic().n_hours == 2


def test_a_place_where_nothing_is_is_named_with_who_said_so(tmp_path, monkeypatch):
    gone = tmp_path / "gone.npz"
    with pytest.raises(FileNotFoundError, match=r"path is '.*gone\.npz', but nothing is there; name a file that ends"):
        own_traffic(gone)
    monkeypatch.setenv("DNT_LAB_MILAN", str(gone))
    with pytest.raises(FileNotFoundError, match=r"DNT_LAB_MILAN is '.*gone\.npz', but nothing is there"):
        own_traffic()


def test_daily_text_files_are_sent_to_their_converter(tmp_path):
    path, _ = write_day(tmp_path, slots=range(1))
    for place in (tmp_path, path):
        with pytest.raises(ValueError, match=r"the daily text files of Dataverse; run datasets\.convert_dataverse\("):
            own_traffic(place)


@pytest.mark.parametrize("name", ["a.xlsx", "a.gz", "npz", "folder.csv"])
def test_something_else_is_refused_with_what_is_right(tmp_path, name):
    (tmp_path / "folder.csv").mkdir()
    if name != "folder.csv":
        write(tmp_path / name)
    with pytest.raises(ValueError, match=r"but must be a file that ends in \.npz, \.h5, \.csv, \.csv\.gz\.") as error:
        own_traffic(tmp_path / name)
    assert f"path is {str(tmp_path / name)!r}" in str(error.value)


def test_a_file_that_is_not_what_its_name_says_is_refused_by_its_reader(tmp_path):
    np.savez(tmp_path / "a.npz", cells=np.arange(3))
    with pytest.raises(ValueError, match=r"a\.npz is not a whole traffic file"):
        own_traffic(tmp_path / "a.npz")
    with pytest.raises(ValueError, match=r"a\.h5 is not a whole HDF5 file"):
        own_traffic(write(tmp_path / "a.h5"))
    with pytest.raises(ValueError, match=r"k\.csv\.gz is Kaggle's file packed with gzip; unpack it"):
        own_traffic(write(tmp_path / "k.csv.gz", KAGGLE))
    with pytest.raises(ValueError, match=r"e\.csv is empty"):
        own_traffic(write(tmp_path / "e.csv", ""))


def test_the_real_hours_are_the_sums_of_the_real_ten_minutes():
    hourly, ten_minutes = REAL / "milan_25cells_hourly.csv.gz", REAL / "milan_november_10min.npz"
    if not (hourly.is_file() and ten_minutes.is_file()):
        pytest.skip("the Milan files are not in the folder shared/data beside the checkout")
    traffic = own_traffic(hourly)
    with np.load(ten_minutes) as stored:
        sums = stored["internet_10min"].astype(float).reshape(720, 6, 25).sum(axis=1)
        first_s, cells = stored["time_10min"][0], stored["cells"]
    order = np.argsort(cells)
    assert traffic.cell_ids.tolist() == cells[order].tolist()
    assert traffic.start == np.datetime64(int(first_s), "s")
    assert not traffic.missing.any()
    assert traffic.service("internet") == pytest.approx(sums[:, order], abs=0.01)  # the hours have two decimals

import numpy as np
import pandas as pd
import pytest

from dnt_lab.datasets import Traffic, cell_id, load_traffic, save_traffic

START = np.datetime64("2013-11-01T00", "h")


@pytest.fixture
def traffic():
    values = np.arange(2 * 48 * 4, dtype=np.float32).reshape(2, 48, 4)
    return Traffic(values, ("sms", "internet"), START, np.array([101, 102, 201, 203]), "made by hand")


def test_cell_ids_count_from_the_south_west():
    assert cell_id(0, 0) == 1
    assert cell_id(99, 99) == 10000
    assert cell_id([41, 45], [41, 45]).tolist() == [4142, 4546]


def test_rows_columns_and_centres_follow_from_the_ids(traffic):
    row, col = traffic.row_col
    assert (row.tolist(), col.tolist()) == ([1, 1, 2, 2], [0, 1, 0, 2])
    assert traffic.centre_m[0].tolist() == [117.5, 352.5]  # half a cell east, one and a half north


def test_a_service_is_a_view_and_a_frame_has_local_time_and_ids(traffic):
    assert np.shares_memory(traffic.service("internet"), traffic.values)
    frame = traffic.to_frame("internet")
    assert frame.columns.tolist() == [101, 102, 201, 203]
    assert frame.index[0] == pd.Timestamp("2013-11-01 00:00")
    assert frame.loc["2013-11-02 01:00", 201] == traffic.values[1, 25, 2]


def test_select_by_id_and_time(traffic):
    part = traffic.select([203, 101], start="2013-11-01T06", stop="2013-11-02")
    assert part.cell_ids.tolist() == [101, 203]
    assert part.start == np.datetime64("2013-11-01T06")
    assert part.values.tolist() == traffic.values[:, 6:24][:, :, [0, 3]].tolist()
    assert traffic.select().values is not None
    assert traffic.select(stop="2013-11-01T01").n_hours == 1


def test_a_map_is_nan_where_there_is_no_cell(traffic):
    grid = traffic.on_grid(np.array([1.0, 2.0, 3.0, 4.0]))
    assert np.array_equal(grid, [[1, 2, np.nan], [3, np.nan, 4]], equal_nan=True)


def test_missing_records_are_seen_and_can_be_filled(traffic):
    traffic.values[0, 5, 2] = np.nan
    assert np.argwhere(traffic.missing).tolist() == [[5, 2]]
    assert traffic.filled().values[0, 5, 2] == 0
    assert np.isnan(traffic.values[0, 5, 2])


def test_repr_says_what_there_is(traffic):
    assert repr(traffic) == "Traffic(sms, internet; 4 cells, 2 days from 2013-11-01T00; 0.0 MB; made by hand)"


def test_a_saved_traffic_comes_back(traffic, tmp_path):
    loaded = load_traffic(save_traffic(traffic, tmp_path / "t.npz"))
    assert np.array_equal(loaded.values, traffic.values)
    assert loaded.values.dtype == np.float32
    assert (loaded.services, loaded.start, loaded.source) == (traffic.services, traffic.start, traffic.source)
    assert loaded.cell_ids.tolist() == traffic.cell_ids.tolist()
    assert [p.name for p in tmp_path.iterdir()] == ["t.npz"]


@pytest.mark.parametrize("damage", [lambda b: b[: len(b) // 2], lambda b: b"", lambda b: b"hello", lambda b: b[:-4]])
def test_a_damaged_traffic_file_is_refused_by_name(traffic, tmp_path, damage):
    path = save_traffic(traffic, tmp_path / "t.npz")
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ValueError, match=r"t\.npz is not a whole traffic file"):
        load_traffic(path)


def test_another_npz_or_npy_is_refused_by_name(tmp_path):
    np.savez(tmp_path / "other.npz", a=1)
    np.save(tmp_path / "other.npy", np.arange(3))
    for name in ("other.npz", "other.npy"):
        with pytest.raises(ValueError, match=f"{name} is not a whole traffic file"):
            load_traffic(tmp_path / name)


bad_input = [
    (lambda t: t.service("mms"), "The service is 'mms', but must be one of 'sms', 'internet'"),
    (lambda t: t.select([101, 999]), r"Cells \[999\] are not among the 4 cells"),
    (lambda t: t.select([]), r"Cells \[\] are not among"),
    (lambda t: t.select(start="2013-12-01"), "The span 2013-12-01 to None is empty or outside the data"),
    (lambda t: t.select(start="2013-11-02", stop="2013-11-01T12"), "is empty or outside"),
    (lambda t: t.select(start="2013-10-31"), "is empty or outside"),
    (lambda t: t.select(start="tomorrow"), "start is 'tomorrow', but must be a time such as"),
    (lambda t: t.select(stop="2013-11-01T06:30"), "stop is 2013-11-01T06:30, but must be on a full hour"),
    (lambda t: t.on_grid(np.ones(3)), r"on_grid needs 4 numbers, one per cell, but got \(3,\)"),
    (lambda t: cell_id(100, 0), "Rows and columns run from 0 to 99"),
    (lambda t: Traffic(t.values, ("sms",), START, t.cell_ids, ""), "but 1 services and 4 cells need"),
    (lambda t: Traffic(t.values[0], t.services, START, t.cell_ids, ""), "Traffic values have shape"),
    (lambda t: Traffic(t.values, t.services, START, t.cell_ids[::-1], ""), "Cell ids must ascend within 1 to 10000"),
    (lambda t: Traffic(t.values, t.services, START, np.array([0, 1, 2, 3]), ""), "Cell ids must ascend"),
]


@pytest.mark.parametrize(("call", "sentence"), bad_input)
def test_a_wrong_call_is_refused(traffic, call, sentence):
    with pytest.raises(ValueError, match=sentence):
        call(traffic)

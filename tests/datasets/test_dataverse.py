import hashlib
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from dnt_lab.datasets import conversion_report, convert_dataverse, load_traffic, read_dataverse_day, save_traffic
from dnt_lab.datasets._text_blocks import read_blocks

from .milan_files import DAY_1, DAY_2, FIRST_MS, row, write_day

PARTS_SUFFIX = ".parts"


@pytest.mark.parametrize("block_bytes", [2000, 1 << 24])
def test_a_day_is_summed_over_countries_by_cell_and_hour(tmp_path, block_bytes):
    path, sums = write_day(tmp_path)
    traffic, record = read_dataverse_day(path, merge=False, block_bytes=block_bytes)
    columns = traffic.cell_ids.searchsorted([1, 2, 10_000])
    assert traffic.values[:, :, columns] == pytest.approx(sums, rel=1e-6)
    assert traffic.services == ("smsin", "smsout", "callin", "callout", "internet")
    assert str(traffic.start) == "2013-11-01T00"
    assert np.isnan(np.delete(traffic.values, columns, axis=2)).all()
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    assert record == {"file": DAY_1, "sha256": digest, "rows": 144 * 3 * 2, "absent": 0, "partial": 0}


def test_in_and_out_are_added(tmp_path):
    path, sums = write_day(tmp_path)
    traffic, _ = read_dataverse_day(path)
    expected = np.stack([sums[0] + sums[1], sums[2] + sums[3], sums[4]])
    assert traffic.services == ("sms", "call", "internet")
    assert traffic.values[:, :, [0, 1, 9999]] == pytest.approx(expected, rel=1e-6)


def test_the_published_first_row_is_the_first_hour_of_cell_1(tmp_path):
    path = tmp_path / DAY_1
    path.write_text("1\t1383260400000\t0\t0.08136262351125882\t\t\t\t\n")
    traffic, _ = read_dataverse_day(path, merge=False)
    assert traffic.values[:, 0, 0].tolist() == [np.float32(0.08136262351125882), 0, 0, 0, 0]
    assert np.count_nonzero(~np.isnan(traffic.values)) == 5


def test_local_midnight_is_one_hour_before_midnight_utc(tmp_path):
    path = tmp_path / DAY_2
    path.write_text(row(7, slot=0, day=2) + row(7, slot=143, day=2))
    traffic, _ = read_dataverse_day(path)
    assert np.flatnonzero(~np.isnan(traffic.service("sms")[:, 6])).tolist() == [0, 23]


def test_missing_intervals_are_nan_and_counted(tmp_path):
    slots = [
        s for s in range(144) if s not in (6, 7, 8, 9, 10, 11, 20)
    ]  # the second hour, and one interval of the fourth
    path, sums = write_day(tmp_path, cells=(5, 6), slots=slots)
    traffic, record = read_dataverse_day(path)
    assert np.isnan(traffic.values[:, 1, 4:6]).all()
    assert np.isfinite(traffic.values[:, [0, *range(2, 24)], 4:6]).all()
    assert traffic.service("internet")[3, 4] == pytest.approx(sums[4, 3, 0])
    assert (record["absent"], record["partial"]) == (2, 2)


def test_a_file_is_held_a_block_at_a_time(tmp_path):
    path, _ = write_day(tmp_path)
    digest, content, next_line = hashlib.sha256(), b"", 1
    for line, block in read_blocks(path, digest, block_bytes=1000):
        assert line == next_line
        assert len(block) < 1000 + 200  # a block and the rest of a line
        next_line += block.count(b"\n")
        content += block
    assert content == path.read_bytes()
    assert digest.hexdigest() == hashlib.sha256(content).hexdigest()


def test_windows_line_ends_are_read(tmp_path):
    path, sums = write_day(tmp_path)
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    assert read_dataverse_day(path, merge=False)[0].values[4, :, 0] == pytest.approx(sums[4, :, 0], rel=1e-6)


GOOD = row(1)
bad_input = [
    (GOOD + row(2)[:-1], "line 2: the last line has no end, so the file was cut off"),
    (GOOD + row(2)[:20], "line 2: the last line has no end"),
    ("", "is empty; get it again"),
    ("square\ttime\tcountry\tsmsin\tsmsout\tcallin\tcallout\tinternet\n" + GOOD, "line 1: square id is 'square'"),
    (GOOD + "2\t1383260400000\t39\t1\n", "line 2: 4 fields, but must be 8 parted by"),
    (GOOD + row(2)[:-1] + "\t9\n", "line 2: 9 fields, but must be 8"),
    (GOOD.replace("\t", ","), "line 1: 1 fields, but must be 8"),
    (GOOD + "\n" + GOOD, "line 2: 1 fields"),
    (GOOD * 3 + row(0), "line 4: square id is 0, but must be 1 to 10000"),
    (GOOD + row(10_001), "line 2: square id is 10001, but must be 1 to 10000"),
    (GOOD + row("1.5"), "line 2: square id is '1.5', but must be a whole number"),
    (GOOD + row(""), "line 2: square id is '', but must be a whole number"),
    (GOOD + row(1, country="IT"), "line 2: country code is 'IT', but must be a whole number"),
    (
        GOOD + row(1, slot=144),
        "line 2: time interval is 1383346800000, but must be the ms of a 10-minute start on 2013",
    ),
    (GOOD + row(1, slot=-1), "line 2: time interval is 1383259800000"),
    (GOOD + GOOD.replace(str(FIRST_MS), str(FIRST_MS + 1)), "line 2: time interval is 1383260400001"),
    (
        GOOD + GOOD.replace(str(FIRST_MS), str(FIRST_MS // 1000)),
        "line 2: time interval is 1383260400, but must be the ms",
    ),
    (GOOD + row(1, amounts=(1, 2, "x", 4, 5)), "line 2: callin is 'x', but must be a number, 0 or more, or empty"),
    (GOOD + row(1, amounts=(1, 2, 3, 4, -5)), "line 2: internet is -5.0, but must be a number, 0 or more"),
    (GOOD + row(1, amounts=("inf", 2, 3, 4, 5)), "line 2: smsin is inf, but must be a number"),
    (GOOD + row(1, amounts=(1, '"2', 3, 4, 5)), "line 2: smsout is '\"2'"),
    (GOOD + "\x00\x01" * 4000, "line 2: .* bytes without a line end; this is no text file"),
]


@pytest.mark.parametrize("block_bytes", [64, 1 << 24])
@pytest.mark.parametrize(("content", "sentence"), bad_input)
def test_a_broken_file_is_refused_by_name_and_line(tmp_path, content, sentence, block_bytes):
    if "bytes without" in sentence and block_bytes > 8000:
        sentence = "line 2: the last line has no end"
    path = tmp_path / DAY_1
    path.write_text(content, newline="")
    with pytest.raises(ValueError, match=sentence) as refused:
        read_dataverse_day(path, block_bytes=block_bytes)
    assert str(refused.value).startswith(DAY_1)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["milan.txt", "sms-call-internet-mi-2013-11-31.txt", DAY_1 + ".gz"])
def test_a_file_of_another_name_is_refused(tmp_path, name):
    with pytest.raises(ValueError, match=r"must be named sms-call-internet-mi-YYYY-MM-DD\.txt after its day"):
        read_dataverse_day(tmp_path / name)


def test_a_folder_becomes_one_file(tmp_path):
    days = [write_day(tmp_path, day, cells=(3, 5, 8)) for day in (1, 2, 4)]
    heard = []
    report = convert_dataverse(tmp_path, tmp_path / "milan.npz", progress=heard.append)
    traffic = load_traffic(tmp_path / "milan.npz")
    assert traffic.cell_ids.tolist() == [3, 5, 8]
    assert traffic.n_hours == 96
    for (_, sums), day in zip(days, (0, 1, 3), strict=True):
        assert traffic.service("internet")[24 * day : 24 * day + 24] == pytest.approx(sums[4], rel=1e-6)
    assert traffic.missing[48:72].all()  # the day without a file
    assert report["status"].tolist() == ["converted"] * 3
    assert [str(day) for day in report.index] == ["2013-11-01", "2013-11-02", "2013-11-04"]
    assert heard[0] == f"{DAY_1}: converted"
    assert not (tmp_path / ("milan.npz" + PARTS_SUFFIX)).exists()
    stored = conversion_report(tmp_path / "milan.npz")
    assert stored.equals(report.drop(columns="status"))
    assert stored["sha256"].iloc[0] == hashlib.sha256(days[0][0].read_bytes()).hexdigest()


def test_cells_that_come_and_go_stay_in_their_column(tmp_path):
    """Cells 5239 and 5339 of the real data miss on some days, so rows must never be aligned by position."""
    write_day(tmp_path, 1, cells=(5238, 5240))
    _, sums = write_day(tmp_path, 2, cells=(5238, 5239, 5240))
    convert_dataverse(tmp_path, tmp_path / "c.npz")
    traffic = load_traffic(tmp_path / "c.npz")
    assert traffic.cell_ids.tolist() == [5238, 5239, 5240]
    assert np.isnan(traffic.service("internet")[:24, 1]).all()
    assert traffic.service("internet")[24:] == pytest.approx(sums[4], rel=1e-6)


def test_unchanged_days_are_not_read_again_and_changed_ones_are_found(tmp_path):
    for day in (1, 2):
        write_day(tmp_path, day)
    convert_dataverse(tmp_path, tmp_path / "c.npz")
    before = (tmp_path / "c.npz").read_bytes()
    assert convert_dataverse(tmp_path, tmp_path / "c.npz")["status"].tolist() == ["reused", "reused"]
    assert (tmp_path / "c.npz").read_bytes() == before
    _, sums = write_day(tmp_path, 2, seed=50)
    write_day(tmp_path, 3)
    (tmp_path / DAY_1).unlink()
    report = convert_dataverse(tmp_path, tmp_path / "c.npz")
    assert report["status"].tolist() == ["kept", "changed", "converted"]
    traffic = load_traffic(tmp_path / "c.npz")
    assert traffic.n_hours == 72
    assert traffic.service("internet")[24:48] == pytest.approx(sums[4], rel=1e-6)


def test_a_refused_day_leaves_earlier_days_finished_and_no_result(tmp_path):
    for day in (1, 2, 3):
        write_day(tmp_path, day)
    broken = tmp_path / DAY_2
    whole = broken.read_bytes()
    broken.write_bytes(whole[:-7])
    with pytest.raises(ValueError, match=rf"{DAY_2}, line \d+: the last line has no end"):
        convert_dataverse(tmp_path, tmp_path / "c.npz")
    assert not (tmp_path / "c.npz").exists()
    broken.write_bytes(whole)
    report = convert_dataverse(tmp_path, tmp_path / "c.npz")
    assert report["status"].tolist() == ["reused", "converted", "converted"]


def test_a_conversion_killed_in_the_middle_goes_on_and_ends_the_same(tmp_path):
    source = tmp_path / "days"
    source.mkdir()
    for day in range(1, 5):
        write_day(source, day, cells=range(1, 50))
    convert_dataverse(source, tmp_path / "whole.npz")
    cache, parts = tmp_path / "killed.npz", tmp_path / "killed.npz.parts"
    code = "import sys; from dnt_lab.datasets import convert_dataverse; convert_dataverse(sys.argv[1], sys.argv[2])"
    run = subprocess.Popen([sys.executable, "-c", code, str(source), str(cache)])
    deadline = time.monotonic() + 60
    while not list(parts.glob("*.npz")) and run.poll() is None and time.monotonic() < deadline:
        time.sleep(0.002)
    os.kill(run.pid, signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL  # it had not finished
    assert not cache.exists()
    done = len(list(parts.glob("*.npz")))
    status = convert_dataverse(source, cache)["status"].tolist()
    assert status == ["reused"] * done + ["converted"] * (4 - done)
    assert cache.read_bytes() == (tmp_path / "whole.npz").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["days", "killed.npz", "whole.npz"]


def test_wrong_calls_are_refused(tmp_path):
    with pytest.raises(ValueError, match="nowhere is not a folder"):
        convert_dataverse(tmp_path / "nowhere", tmp_path / "c.npz")
    with pytest.raises(ValueError, match=r"has no file named sms-call-internet-mi-YYYY-MM-DD\.txt"):
        convert_dataverse(tmp_path, tmp_path / "c.npz")
    path, _ = write_day(tmp_path)
    convert_dataverse(tmp_path, tmp_path / "c.npz")
    with pytest.raises(ValueError, match=r"c\.npz holds .* choose another name for merge=False"):
        convert_dataverse(tmp_path, tmp_path / "c.npz", merge=False)
    save_traffic(read_dataverse_day(path)[0], tmp_path / "one.npz")
    with pytest.raises(ValueError, match=r"one\.npz holds traffic that was not converted"):
        conversion_report(tmp_path / "one.npz")
    (tmp_path / "sms-call-internet-mi-2019-11-01.txt").write_bytes(path.read_bytes())
    with pytest.raises(ValueError, match="The span from the first to the last daily file, in days, is 2192"):
        convert_dataverse(tmp_path, tmp_path / "d.npz")

"""A data set is what its scenarios trace to, byte for byte the same however often its making was killed."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy as np
import pytest
import shapely

from dnt_lab.raytracing import data_set
from dnt_lab.raytracing.data_set import load_data_set, make_data_set
from dnt_lab.raytracing.scenario import Scenario
from dnt_lab.raytracing.scenarios import ScenarioSpace

SPACE = ScenarioSpace.in_room(
    (6.0, 5.0, 3.0), n_aps=2, n_users=3, n_blockers=(0, 2), materials={"plasterboard": ("wood", "glass")}
)


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """7 scenarios in shards of 3, 3 and 1; nobody may change it."""
    return make_data_set(SPACE, 7, tmp_path_factory.mktemp("set") / "rooms", 5, shard_size=3)


def test_every_path_is_that_of_its_scenario(finished):
    assert len(finished) == 7
    for number, paths in enumerate(finished):
        scenario = SPACE.scenario(number, 5)
        expected = scenario.trace(2)
        for name in ("tx_m", "rx_m", "tx", "rx", "order", "delay_s", "transfer", "aod_deg", "aoa_deg", "points_m",
                     "object_index", "material_index", "diffuse"):  # fmt: skip
            one, other = getattr(paths, name), getattr(expected, name)
            assert one.dtype == other.dtype
            assert np.array_equal(one, other, equal_nan=one.dtype.kind == "f"), name
        for name in ("freq_hz", "objects", "materials"):
            assert getattr(paths, name) == getattr(expected, name)


def test_the_things_of_a_scenario_are_kept(finished):
    for number in range(7):
        boxes = SPACE.scenario(number, 5).boxes
        table = finished.boxes(number)
        assert list(table) == [
            "kind", "x_m", "y_m", "length_m", "width_m", "height_m", "azimuth_deg", "material"
        ]  # fmt: skip
        assert table.drop(columns="material").to_numpy().tolist() == [
            [b.kind, b.x_m, b.y_m, b.length_m, b.width_m, b.height_m, b.azimuth_deg] for b in boxes
        ]
        assert table["material"].tolist() == [box.material.name for box in boxes]


def test_a_row_of_the_frame_is_a_link(finished):
    frame = finished.to_frame()
    assert list(frame) == [
        "scenario", "tx", "rx", "freq_hz", "bandwidth_hz", "n_beams", "tx_x_m", "tx_y_m", "tx_z_m", "rx_x_m", "rx_y_m",
        "rx_z_m", "distance_m", "walls", "n_obstacles", "obstacle_volume_m3", "n_blockers", "n_paths", "los", "gain_db",
        "delay_spread_ns", "best_beam",
    ]  # fmt: skip
    assert frame.index.tolist() == list(range(7 * 2 * 3))
    for row in frame.itertuples():
        scenario, link = SPACE.scenario(row.scenario, 5), finished.paths(row.scenario).link(row.rx, row.tx)
        for name in ("freq_hz", "bandwidth_hz", "n_beams"):
            assert getattr(row, name) == getattr(scenario, name)
        tx_m, rx_m = scenario.tx_m[row.tx], scenario.rx_m[row.rx]
        assert [row.tx_x_m, row.tx_y_m, row.tx_z_m, row.rx_x_m, row.rx_y_m, row.rx_z_m] == [*tx_m, *rx_m]
        assert row.distance_m == pytest.approx(np.sqrt(((tx_m - rx_m) ** 2).sum()))
        assert row.walls == scenario.walls[0]
        things = [box for box in scenario.boxes if box.kind == "obstacle"]
        assert (row.n_obstacles, row.n_blockers) == (len(things), len(scenario.boxes) - len(things))
        assert row.obstacle_volume_m3 == pytest.approx(sum(b.length_m * b.width_m * b.height_m for b in things))
        assert row.n_paths == len(link)
        assert row.los == (0 in link.order)
        power = abs(link.gain) ** 2
        assert row.gain_db == pytest.approx(10 * np.log10(power.sum()))
        mean_ns = np.average(link.delay_s, weights=power) * 1e9
        spread_ns = np.sqrt(np.average((link.delay_s * 1e9 - mean_ns) ** 2, weights=power))
        assert row.delay_spread_ns == pytest.approx(spread_ns, abs=1e-6)
    frame["gain_db"] = 0.0
    assert (finished.to_frame()["gain_db"] < 0).all()


def test_the_best_beam_of_a_lone_ray_points_at_the_user_and_a_dark_link_says_so(tmp_path):
    """Beam c of C looks at the sine (2c + 1)/C - 1 off the x axis; without reflections there is one ray or none."""
    space = replace(SPACE, n_beams=(16,), n_blockers=(2, 2), n_obstacles=(3, 3), obstacle_height_m=(2.0, 2.2))
    frame = make_data_set(space, 30, tmp_path / "s", 1, max_order=0).to_frame()
    lit = frame[frame["los"]]
    sine = (lit["rx_y_m"] - lit["tx_y_m"]) / lit["distance_m"]
    looks = (2 * np.arange(16) + 1) / 16 - 1
    # Sines of -1 and 1 are one direction for elements half a wavelength apart.
    off = np.abs((looks - sine.to_numpy()[:, None] + 1) % 2 - 1)
    assert lit["best_beam"].tolist() == off.argmin(axis=1).tolist()
    assert set(lit["n_paths"]) == {1}
    assert (lit["delay_spread_ns"] < 1e-6).all()
    dark = frame[~frame["los"]]
    assert len(dark) > 5
    assert set(dark["n_paths"]) == {0}
    assert set(dark["best_beam"]) == {-1}
    assert set(dark["gain_db"]) == {-np.inf}
    assert dark["delay_spread_ns"].isna().all()


def test_scenarios_with_nothing_in_the_way(tmp_path):
    data = make_data_set(replace(SPACE, n_obstacles=(0, 0), n_blockers=(0, 0)), 3, tmp_path / "s", 1, max_order=1)
    assert [len(data.boxes(number)) for number in range(3)] == [0, 0, 0]
    assert data.to_frame()[["n_obstacles", "n_blockers", "obstacle_volume_m3"]].to_numpy().tolist() == [[0, 0, 0]] * 18
    assert set(data.to_frame()["n_paths"]) == {7}  # the line of sight and six walls


def test_the_manifest_tells_the_recipe_and_the_checksums(finished):
    manifest = json.loads((finished.folder / "manifest.json").read_text())
    assert {name: manifest[name] for name in ("n", "seed", "shard_size", "max_order")} == {
        "n": 7, "seed": 5, "shard_size": 3, "max_order": 2
    }  # fmt: skip
    assert manifest["space"]["n_users"] == 3
    choice = [
        "ItuMaterial(itu='wood', thickness_m=0.1, name='wood')",
        "ItuMaterial(itu='glass', thickness_m=0.1, name='glass')",
    ]
    assert manifest["space"]["materials"] == {"plasterboard": choice}
    assert manifest["space"]["site"]["name"] == "room"
    assert manifest["versions"]["numpy"] == np.__version__
    files = content(finished.folder)
    assert sorted(files) == ["manifest.json", "shard-00000.npz", "shard-00001.npz", "shard-00002.npz"]
    assert manifest["sha256"] == {
        name: hashlib.sha256(data).hexdigest() for name, data in files.items() if name.startswith("shard")
    }


def test_a_set_is_read_by_numpy_alone(finished):
    with np.load(finished.folder / "shard-00001.npz", allow_pickle=False) as stored:
        assert stored["number"].tolist() == [3, 4, 5]
        assert stored["tx_m"].shape == (3, 2, 3)
        assert stored["path_end"][-1] == len(stored["path_delay_s"])


def test_what_is_opened_cannot_be_spoilt(finished):
    with pytest.raises(ValueError, match="read-only"):
        finished.paths(0).transfer[:] = 0
    table = finished.boxes(0)
    table["x_m"] = 0.0
    assert (finished.boxes(0)["x_m"] > 0).all()


def test_repr(finished):
    n_paths = sum(len(paths) for paths in finished)
    assert repr(finished) == (
        f"DataSet(room: 7 scenarios, 42 links, {n_paths} paths of up to 2 reflections at 28/60 GHz)"
    )


def test_the_same_call_again_traces_nothing_and_the_size_of_shards_changes_no_path(finished, tmp_path, monkeypatch):
    before = {path: path.stat().st_mtime_ns for path in finished.folder.iterdir()}
    with monkeypatch.context() as patch:
        patch.setattr(Scenario, "trace", None)  # calling it fails
        again = make_data_set(SPACE, 7, finished.folder, 5, shard_size=3)
    assert {path: path.stat().st_mtime_ns for path in finished.folder.iterdir()} == before
    assert again.to_frame().equals(finished.to_frame())
    other = make_data_set(SPACE, 9, tmp_path / "other", 5, shard_size=4)
    for one, two in zip(finished, other, strict=False):
        assert np.array_equal(one.transfer, two.transfer)


FORKS = """
import os, sys
from pathlib import Path
sys.path[:0] = {path!r}
from dnt_lab.raytracing.data_set import make_data_set
from dnt_lab.raytracing.scenarios import ScenarioSpace
space = ScenarioSpace.in_room((6.0, 5.0, 3.0), n_users=2)
for _ in sys.stdin:
    pid = os.fork()
    if pid == 0:
        make_data_set(space, 40, Path(sys.argv[1]), 3, shard_size=2)
        os._exit(0)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="kills processes as POSIX systems do")
def test_a_run_killed_several_times_ends_in_the_bytes_of_one_left_alone(tmp_path):
    """One process imports once and forks a run for each kill."""
    script = tmp_path / "forks.py"
    script.write_text(FORKS.format(path=sys.path))
    space = ScenarioSpace.in_room((6.0, 5.0, 3.0), n_users=2)
    whole = make_data_set(space, 40, tmp_path / "whole", 3, shard_size=2)
    folder, finished = tmp_path / "killed", {}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "bufsize": 1}
    with subprocess.Popen([sys.executable, str(script), str(folder)], **pipes) as forks:
        for shards, delay_s in ((0, 0.0), (0, 0.02), (3, 0.0), (6, 0.007), (10, 0.013), (13, 0.001)):
            forks.stdin.write("go\n")
            run = int(forks.stdout.readline())
            deadline = time.monotonic() + 60
            while len(list(folder.glob("shard-*.npz"))) < shards:
                assert time.monotonic() < deadline, "the run makes no shards"
                time.sleep(0.0005)
            time.sleep(delay_s)
            os.kill(run, signal.SIGKILL)
            assert forks.stdout.readline() == f"{-signal.SIGKILL}\n"  # it had not finished
            for name, time_ns in finished.items():  # shards of the runs before were left alone
                assert (folder / name).stat().st_mtime_ns == time_ns
            manifest = folder / "manifest.json"
            listed = json.loads(manifest.read_text())["sha256"] if manifest.exists() else {}
            assert len(listed) >= shards - 1
            finished = {name: (folder / name).stat().st_mtime_ns for name in listed}
        with pytest.raises(ValueError, match=rf"killed is not finished, {len(finished)} of 20 shards are there"):
            load_data_set(folder)
        forks.stdin.close()
    resumed = make_data_set(space, 40, folder, 3, shard_size=2)
    assert {name: (folder / name).stat().st_mtime_ns for name in finished} == finished
    assert content(folder) == content(tmp_path / "whole")
    assert resumed.to_frame().equals(whole.to_frame())


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    return make_data_set(SPACE, 3, tmp_path_factory.mktemp("quick") / "s", 5, shard_size=1, max_order=0)


@pytest.mark.parametrize("call", range(8))
@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_stop_at_any_write_is_made_good(quick, tmp_path, monkeypatch, step, call):
    """3 shards are 7 files written: stop before each is safe on the disk, and before each is moved in place."""
    real, calls = getattr(os, step), []

    def stops(*args):
        calls.append(args)
        if len(calls) == call + 1:
            raise KeyboardInterrupt
        return real(*args)

    folder = tmp_path / "s"
    with monkeypatch.context() as patch:
        patch.setattr(data_set.os, step, stops)
        if call < 7:
            with pytest.raises(KeyboardInterrupt):
                make_data_set(SPACE, 3, folder, 5, shard_size=1, max_order=0)
        else:
            make_data_set(SPACE, 3, folder, 5, shard_size=1, max_order=0)
            assert len(calls) == 7
    make_data_set(SPACE, 3, folder, 5, shard_size=1, max_order=0)
    assert content(folder) == content(quick.folder)


def copied(finished, folder):
    folder.mkdir()
    for name, data in content(finished.folder).items():
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.parametrize("where", [0, 200, -1])
def test_a_corrupted_shard_is_refused_and_made_again_once_deleted(finished, tmp_path, where):
    folder = copied(finished, tmp_path / "s")
    assert load_data_set(folder).to_frame().equals(finished.to_frame())
    shard = folder / "shard-00001.npz"
    data = bytearray(shard.read_bytes())
    data[where] ^= 1
    shard.write_bytes(data)
    sentence = r"shard-00001\.npz is damaged .*: delete it and call make_data_set as before"
    with pytest.raises(ValueError, match=sentence):
        load_data_set(folder)
    with pytest.raises(ValueError, match=sentence):
        make_data_set(SPACE, 7, folder, 5, shard_size=3)
    shard.unlink()
    with pytest.raises(ValueError, match=r"shard-00001\.npz is missing in s: call make_data_set as before"):
        load_data_set(folder)
    make_data_set(SPACE, 7, folder, 5, shard_size=3)
    assert content(folder) == content(finished.folder)


@pytest.mark.parametrize(
    ("arguments", "changes", "sentence"),
    [
        ({"n": 8}, {}, "n was 7 and is now 8"),
        ({"seed": 6}, {}, "seed was 5 and is now 6"),
        ({"shard_size": 4}, {}, "shard_size was 3 and is now 4"),
        ({"max_order": 1}, {}, "max_order was 2 and is now 1"),
        ({}, {"n_users": 4}, r"space\.n_users was 3 and is now 4"),
        ({}, {"user_height_m": (1.0, 1.7)}, r"space\.user_height_m was \[1\.0, 1\.8\] and is now \[1\.0, 1\.7\]"),
        ({}, {"ground": shapely.box(1, 1, 2, 2.5)}, r"space\.ground\.area_m2 was 25\.7\d+ and is now 1\.5"),
        ({}, {"materials": {}}, r"space\.materials\.plasterboard was .*wood.*glass.* and is now None"),
        ({}, {"site": ScenarioSpace.in_room((6.0, 5.0, 3.1)).site}, r"space\.site\.sha256 was"),
        ({}, {"site": SPACE.site.with_material("plasterboard", "wood"), "materials": {}}, r"space\.site\.materials"),
    ],
)  # fmt: skip
def test_another_recipe_is_refused_by_the_name_of_what_changed(finished, arguments, changes, sentence):
    before = content(finished.folder)
    call = {"n": 7, "seed": 5, "shard_size": 3} | arguments
    with pytest.raises(ValueError, match=rf"rooms was begun with another recipe, {sentence}.*: give another folder"):
        make_data_set(replace(SPACE, **changes), folder=finished.folder, **call)
    assert content(finished.folder) == before


def test_other_versions_are_refused(finished, tmp_path):
    folder = copied(finished, tmp_path / "s")
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(text.replace(f'"numpy": "{np.__version__}"', '"numpy": "1.0"'))
    with pytest.raises(ValueError, match=r"versions\.numpy was '1\.0' and is now"):
        make_data_set(SPACE, 7, folder, 5, shard_size=3)


def test_a_folder_of_something_else_is_left_alone(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"holds notes\.txt but no data set: give a new folder"):
        make_data_set(SPACE, 1, tmp_path, 0)
    with pytest.raises(ValueError, match=r"holds no data set: manifest\.json is missing or damaged"):
        load_data_set(tmp_path)
    for text in ("{", "[]", '{"n": 3}', '{"n": 1, "shard_size": 0, "sha256": {}, "space": {"site": {"name": "x"}}}'):
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(ValueError, match=r"holds no data set: manifest\.json is missing or damaged"):
            load_data_set(tmp_path)
        with pytest.raises(ValueError, match=r"holds no data set: manifest\.json is missing or damaged"):
            make_data_set(SPACE, 1, tmp_path, 0)
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_wrong_calls_are_refused(finished, tmp_path):
    for arguments, error, sentence in (
        ({"n": 0}, ValueError, r"n is 0, but must be 1 or more"),
        ({"seed": np.random.default_rng(0)}, TypeError, r"seed is .*, but must be a whole number"),
        ({"shard_size": 0}, ValueError, r"shard_size is 0, but must be 1 or more"),
        ({"max_order": 4}, ValueError, r"max_order is 4, but must be 0 to 3"),
    ):
        with pytest.raises(error, match=sentence):
            make_data_set(SPACE, **{"n": 1, "folder": tmp_path / "s", "seed": 0} | arguments)
    assert not (tmp_path / "s").exists()
    with pytest.raises(ValueError, match=r"number is 7, but must be 0 to 6"):
        finished.paths(7)
    with pytest.raises(ValueError, match=r"number is -1, but must be 0 to 6"):
        finished.boxes(-1)


def test_it_is_silent_unless_asked(tmp_path, capfd):
    make_data_set(SPACE, 2, tmp_path / "s", 0, max_order=0)
    assert capfd.readouterr() == ("", "")
    make_data_set(SPACE, 2, tmp_path / "t", 0, max_order=0, progress=True)
    shown = capfd.readouterr()
    assert "tracing" in shown.out
    assert shown.err == ""

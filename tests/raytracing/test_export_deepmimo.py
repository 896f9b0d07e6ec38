"""The DeepMIMO layout: matrices looked at one by one, and back within what float32 keeps."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnt_lab.raytracing.export_deepmimo import read_deepmimo, write_deepmimo
from dnt_lab.raytracing.paths import Paths, concatenate

KEYS = {"rx_pos", "tx_pos", "power", "phase", "delay", "aod_az", "aod_el", "aoa_az", "aoa_el", "inter", "inter_pos"}


def some_paths(seed, n_tx=1, n_rx=1, n_paths=4, depth=3, freq_hz=28e9):
    """Paths with random values in sorted order; some are diffuse."""
    rng = np.random.default_rng(seed)
    order = rng.integers(0, depth + 1, n_paths)
    points_m = rng.uniform(-99, 99, (n_paths, depth, 3))
    points_m[np.arange(depth) >= order[:, None]] = np.nan
    transfer = np.zeros((n_paths, 2, 2), complex)
    transfer[:, 0, 0] = 10 ** (-rng.uniform(3, 7, n_paths)) * np.exp(1j * rng.uniform(-np.pi, np.pi, n_paths))
    angles = [np.stack([rng.uniform(0, 180, n_paths), rng.uniform(-180, 180, n_paths)], axis=1) for _ in "da"]
    nothing = np.full((n_paths, depth), -1)
    paths = Paths(
        freq_hz, rng.uniform(-500, 500, (n_tx, 3)), rng.uniform(-500, 500, (n_rx, 3)), rng.integers(0, n_tx, n_paths),
        rng.integers(0, n_rx, n_paths), order, rng.uniform(1e-9, 3e-6, n_paths), transfer, *angles, points_m, nothing,
        nothing, (order > 0) & (rng.random(n_paths) < 0.3),
    )  # fmt: skip
    return concatenate([paths])


def stored(folder, key, tx=0):
    with np.load(folder / f"{key}_t001_tx{tx:03}_r000.npz") as file:
        assert file.files == [key]
        return file[key]


def test_the_matrices_of_a_small_case(tmp_path):
    """Two base stations, three users; user 1 gets a line of sight and three more rays from base station 0."""
    nan = np.nan
    points_m = np.full((4, 2, 3), nan)
    points_m[1, 0], points_m[2], points_m[3] = [1, 2, 3], [[1, 2, 3], [4, 5, 6]], [[7, 8, 9], [4, 5, 6]]
    transfer = np.zeros((4, 2, 2), complex)
    transfer[:, 0, 0] = [1e-3, -1e-4, 1e-5j, 1e-6]
    angles = np.array([[90.0, -170.0], [10.0, 180.0], [20.0, 0.0], [30.0, 45.0]])
    nothing = np.full((4, 2), -1)
    # 1 GHz: delays in ns are turns of the carrier
    paths = Paths(
        1e9, np.array([[0.0, 0, 9], [9, 0, 9]]), np.array([[1.0, 0, 1], [2, 0, 1], [3, 0, 1]]), np.zeros(4, int),
        np.ones(4, int), np.array([0, 1, 2, 2]), np.array([1.25e-9, 2e-9, 3.5e-9, 4e-9]), transfer,
        angles, angles[::-1], points_m, nothing, nothing, np.array([False, False, False, True]),
    )  # fmt: skip
    folder = write_deepmimo(paths, tmp_path / "street_1")
    names = {path.name for path in folder.iterdir()}
    assert names == {"params.json"} | {f"{key}_t001_tx00{tx}_r000.npz" for key in KEYS for tx in (0, 1)}
    for key in KEYS:
        assert stored(folder, key).dtype == np.float32
        assert stored(folder, key, 1).dtype == np.float32
    assert stored(folder, "rx_pos").tolist() == paths.rx_m.tolist() == stored(folder, "rx_pos", 1).tolist()
    assert (stored(folder, "tx_pos").tolist(), stored(folder, "tx_pos", 1).tolist()) == ([[0, 0, 9]], [[9, 0, 9]])
    expected = {
        "power": [-60, -80, -100, -120],
        "phase": [-90, 180, -90, 0],
        "delay": [1.25e-9, 2e-9, 3.5e-9, 4e-9],
        "aod_az": [190, 180, 0, 45],
        "aod_el": [90, 10, 20, 30],
        "aoa_az": [45, 0, 180, 190],
        "aoa_el": [30, 20, 10, 90],
        "inter": [0, 1, 11, 13],
    }
    for key, row in expected.items():
        matrix = stored(folder, key)
        assert matrix.shape == (3, 4)
        assert np.isnan(matrix[[0, 2]]).all()
        turned = np.abs(matrix[1]) if key == "phase" else matrix[1]  # -180 and 180 are one
        assert turned == pytest.approx(np.abs(row) if key == "phase" else row, rel=1e-6, abs=1e-4)
        assert stored(folder, key, 1).shape == (3, 0)
    assert np.array_equal(stored(folder, "inter_pos")[1], points_m.astype(np.float32), equal_nan=True)
    assert stored(folder, "inter_pos").shape == (3, 4, 2, 3)
    params = json.loads((folder / "params.json").read_text())
    assert params["rt_params"]["frequency"] == 1e9
    assert params["rt_params"]["max_reflections"] == 2
    users, stations = params["txrx_sets"]["txrx_set_0"], params["txrx_sets"]["txrx_set_1"]
    assert (users["id"], users["is_rx"], users["is_tx"], users["num_points"]) == (0, True, False, 3)
    assert (stations["id"], stations["is_rx"], stations["is_tx"], stations["num_points"]) == (1, False, True, 2)


@given(
    seed=st.integers(0, 2**32),
    n_tx=st.integers(1, 3),
    n_rx=st.integers(1, 4),
    n_paths=st.integers(0, 12),
    freq_hz=st.sampled_from([28e9, 60e9, 140e9]),
)
@settings(max_examples=20)
def test_what_is_read_is_what_was_written_to_float32(tmp_path_factory, seed, n_tx, n_rx, n_paths, freq_hz):
    written = some_paths(seed, n_tx, n_rx, n_paths, freq_hz=freq_hz)
    read = read_deepmimo(write_deepmimo(written, tmp_path_factory.mktemp("d") / "s"))
    assert read.freq_hz == freq_hz
    for name in ("tx", "rx", "order", "diffuse"):
        assert np.array_equal(getattr(read, name), getattr(written, name)), name
    for name in ("tx_m", "rx_m", "delay_s", "gain_db", "points_m"):
        np.testing.assert_allclose(getattr(read, name), getattr(written, name), rtol=1e-7, err_msg=name)
    for name in ("aod_deg", "aoa_deg"):
        np.testing.assert_allclose(getattr(read, name), getattr(written, name), atol=2e-5, err_msg=name)
    # The channel at the carrier, where all that matters is the phase between paths.
    at_carrier = [p.gain * np.exp(-2j * np.pi * p.freq_hz * p.delay_s) for p in (read, written)]
    np.testing.assert_allclose(at_carrier[0] / at_carrier[1], 1, atol=2e-6)


def test_paths_of_order_0_only_survive(tmp_path):
    written = some_paths(5, n_rx=3, n_paths=6, depth=0)
    read = read_deepmimo(write_deepmimo(written, tmp_path / "s"))
    assert read.order.tolist() == [0] * 6
    assert read.points_m.shape == (6, 0, 3)


def test_a_ray_that_brings_nothing_survives(tmp_path):
    dark = some_paths(5, n_paths=2)
    dark = replace(dark, transfer=dark.transfer * np.array([0, 1])[:, None, None])
    read = read_deepmimo(write_deepmimo(dark, tmp_path / "s"))
    assert read.gain_db[0] == -np.inf
    assert read.gain_db[1] == pytest.approx(dark.gain_db[1])


def test_wrong_calls_and_damaged_folders_are_refused(tmp_path):
    folder = write_deepmimo(some_paths(0), tmp_path / "s")
    with pytest.raises(ValueError, match=r"s is not empty, .* give a new folder"):
        write_deepmimo(some_paths(0), folder)
    path = folder / "delay_t001_tx000_r000.npz"
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    with pytest.raises(ValueError, match=r"delay_t001_tx000_r000\.npz is missing in s, damaged, or holds no 'delay'"):
        read_deepmimo(folder)
    np.savez(path, toa=np.zeros(3))
    with pytest.raises(ValueError, match=r"delay_t001_tx000_r000\.npz is missing in s, damaged, or holds no 'delay'"):
        read_deepmimo(folder)
    path.unlink()
    with pytest.raises(ValueError, match=r"delay_t001_tx000_r000\.npz is missing"):
        read_deepmimo(folder)
    for text in ("{}", "[]", "cut", '{"rt_params": {"frequency": "x"}}'):
        (folder / "params.json").write_text(text)
        with pytest.raises(ValueError, match=r"s holds no params\.json with a frequency and the sets 0 and 1"):
            read_deepmimo(folder)

"""The table of paths: rows, links, files, frames and pictures."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_hex

from dnt_lab.raytracing.paths import NO_PATHS, Paths, concatenate
from dnt_lab.raytracing.scene import Scene
from dnt_lab.raytracing.trace import trace

from .path_tables import path_table

ROOM = Scene.room((8, 5, 3), {"walls": "concrete", "floor": "wood"})
NODES_M = np.array([[1.1, 1.3, 2.2], [4.2, 3.7, 1.2]]), np.array([[6.4, 2.1, 1.5], [20, 20, 1], [6.83, 4.31, 1.77]])
FIELDS = (
    "tx_m", "rx_m", "tx", "rx", "order", "delay_s", "transfer", "aod_deg", "aoa_deg", "points_m", "object_index",
    "material_index", "diffuse",
)  # fmt: skip


@pytest.fixture(scope="module")
def paths():
    return trace(ROOM, *NODES_M, 28e9)


@pytest.fixture
def ax():
    yield plt.subplots()[1]
    plt.close("all")


def same(one, other):
    return (one.freq_hz, one.objects, one.materials) == (other.freq_hz, other.objects, other.materials) and all(
        np.array_equal(getattr(one, name), getattr(other, name), equal_nan=True)
        and getattr(one, name).dtype == getattr(other, name).dtype
        for name in FIELDS
    )


def test_repr_counts_orders_and_links(paths):
    assert repr(paths) == "Paths(100 at 28 GHz: 4 of order 0, 24 of order 1, 72 of order 2; 4 of 6 links have one)"
    assert repr(paths[:0]) == "Paths(0 at 28 GHz: 0 of order 0, 0 of order 1, 0 of order 2; 0 of 6 links have one)"
    table = path_table([1e-9, 2e-9, 3e-9], order=[0, 1, 1])
    table.diffuse[2] = True
    assert repr(table) == "Paths(3 at 60 GHz: 1 of order 0, 1 of order 1, 1 diffuse; 1 of 1 links have one)"


def test_chosen_rows_keep_the_nodes(paths):
    bounced = paths[paths.order == 1]
    assert len(bounced) == 24
    assert bounced.tx_m is paths.tx_m
    assert same(paths[10:20], paths[np.arange(10, 20)])
    assert same(paths[10:20], paths[list(range(10, 20))])
    assert paths[-1].delay_s.tolist() == [paths.delay_s[-1]]
    assert len(paths[[]]) == 0
    assert sum(len(path) for path in paths) == 100  # a loop goes path by path
    with pytest.raises(IndexError):
        paths[100]


def test_a_link_is_one_pair_of_nodes(paths):
    link = paths.link(2, 1)
    assert set(zip(link.tx.tolist(), link.rx.tolist(), strict=True)) == {(1, 2)}
    assert (np.diff(link.delay_s) >= 0).all()
    assert len(paths.link(0)) == 25
    assert len(paths.link(1)) == 0  # outside the room
    assert sum(len(paths.link(r, t)) for t in range(2) for r in range(3)) == len(paths)


@pytest.mark.parametrize(
    ("rx", "tx", "sentence"),
    [(3, 0, "rx is 3, but must be a row number from 0 to 2"), (0, 2, "tx is 2, but must be a row number from 0 to 1"),
     (-1, 0, "rx is -1, but")],
)  # fmt: skip
def test_a_link_that_is_not_there_is_refused(paths, rx, tx, sentence):
    with pytest.raises(ValueError, match=sentence):
        paths.link(rx, tx)


def test_power_is_the_sum_over_the_paths_of_each_link(paths):
    power = paths.power()
    assert power.shape == (2, 3)
    assert power[1, 2] == pytest.approx((np.abs(paths.link(2, 1).gain) ** 2).sum())
    assert (power[:, 1] == 0).all()
    assert path_table([1e-9, 2e-9, 5e-9], gain=[0.3, 0.4j, 1], rx=[1, 1, 0], n_rx=2).power() == pytest.approx(
        np.array([[1, 0.25]])
    )


def test_gain_in_decibels_and_phase():
    table = path_table([1e-9, 2e-9, 3e-9], gain=[0.1j, -1e-3, 0])
    assert table.gain_db.tolist() == pytest.approx([-20, -60, -np.inf])
    assert table.phase_rad[:2] == pytest.approx([np.pi / 2, np.pi])


def test_polarisations_are_those_of_the_antennas(paths):
    upright, level = (1, 0), (0, 1)
    circular = np.array([1, 1j]) / np.sqrt(2)
    assert np.array_equal(paths.polarised(upright, upright), paths.gain)
    assert np.array_equal(paths.polarised(level, upright), paths.transfer[:, 0, 1])
    assert np.array_equal(paths.polarised(upright, level), paths.transfer[:, 1, 0])
    swapped = paths.polarised(circular, circular)  # seen from the other end a circle turns the other way round
    m = paths.transfer
    assert swapped == pytest.approx((m[:, 0, 0] + 1j * m[:, 0, 1] - 1j * m[:, 1, 0] + m[:, 1, 1]) / 2)
    line_of_sight = paths[paths.order == 0]
    assert line_of_sight.polarised(circular, circular) == pytest.approx(0, abs=1e-15)
    assert np.abs(line_of_sight.polarised(circular, circular.conj())) == pytest.approx(np.abs(line_of_sight.gain))


@pytest.mark.parametrize(
    ("tx", "rx", "sentence"),
    [((1, 1), (1, 0), r"tx is \[\(1\+0j\), \(1\+0j\)\], but a Jones vector \(theta, phi\) of length 1 is needed"),
     ((1, 0), (1, 0, 0), r"rx is \[.*\], but a Jones"), ((1, 0), (np.nan, 0), "rx is .*nan.*, but")],
)  # fmt: skip
def test_what_is_no_polarisation_is_refused(paths, tx, rx, sentence):
    with pytest.raises(ValueError, match=sentence):
        paths.polarised(tx, rx)


def test_a_frame_has_a_row_a_path_and_units_in_its_columns(paths):
    frame = paths.to_frame()
    assert frame.columns.tolist() == [
        "tx", "rx", "order", "delay_ns", "gain_db", "phase_rad", "aod_zenith_deg", "aod_azimuth_deg",
        "aoa_zenith_deg", "aoa_azimuth_deg", "diffuse", "objects",
    ]  # fmt: skip
    assert len(frame) == len(paths)
    assert frame.delay_ns.to_numpy() == pytest.approx(paths.delay_s * 1e9)
    assert frame.aod_azimuth_deg.to_numpy() == pytest.approx(paths.aod_deg[:, 1])
    assert frame.aoa_zenith_deg.to_numpy() == pytest.approx(paths.aoa_deg[:, 0])
    assert (frame.objects[frame.order == 0] == "").all()
    assert set(frame.objects[frame.order == 1]) == set(ROOM.objects)
    row = int(np.flatnonzero(frame.order == 2)[0])
    assert frame.objects[row] == " > ".join(ROOM.objects[i] for i in paths.object_index[row])
    assert paths[:0].to_frame().columns.tolist() == frame.columns.tolist()
    nameless = Paths(28e9, *NODES_M, *(getattr(paths, name) for name in FIELDS[2:]))
    assert (nameless.to_frame().objects == "").all()


@pytest.mark.parametrize("name", ["paths.npz", "paths", "at 28.5 GHz"])
def test_a_file_gives_back_every_number(paths, tmp_path, name):
    written = paths.save(tmp_path / name)
    assert written == tmp_path / f"{name.removesuffix('.npz')}.npz"
    assert written.exists()
    assert same(Paths.load(written), paths)
    assert same(Paths.load(str(paths[:0].save(written))), paths[:0])


def test_a_file_of_something_else_is_refused(tmp_path):
    np.savez(tmp_path / "other.npz", delay_s=np.zeros(3), tx=np.zeros(3))
    with pytest.raises(ValueError, match=r"other.npz holds no paths: it lacks freq_hz, tx_m"):
        Paths.load(tmp_path / "other.npz")
    with pytest.raises(FileNotFoundError):
        Paths.load(tmp_path / "nowhere.npz")


def test_a_picture_has_a_stem_a_path_and_a_colour_an_order(paths, ax):
    link = paths.link(0)
    assert link.plot(ax) is ax
    assert (ax.get_xlabel(), ax.get_ylabel()) == ("delay (ns)", "path gain (dB)")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["order 0", "order 1", "order 2"]
    dots = {line.get_label(): line for line in ax.lines}
    assert dots["order 2"].get_xdata() == pytest.approx(link.delay_s[link.order == 2] * 1e9)
    assert dots["order 2"].get_ydata() == pytest.approx(link.gain_db[link.order == 2])
    assert len({to_hex(line.get_color()) for line in ax.lines}) == 3
    assert len({line.get_marker() for line in ax.lines}) == 3
    stems = [stem for group in ax.collections for stem in group.get_segments()]
    assert len(stems) == 25
    floor_db = {stem[0, 1] for stem in stems}
    assert len(floor_db) == 1
    assert floor_db.pop() <= link.gain_db.min()


def test_a_picture_without_axes_of_diffuse_rays_and_of_nothing(ax):
    table = path_table([1e-9, 2e-9, 3e-9, 4e-9], gain=[0.1, 0.01, 0.02, 0], order=[0, 1, 1, 1])
    table.diffuse[2] = True
    drawn = table.plot()
    assert drawn is ax
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["order 0", "order 1", "diffuse"]
    assert sum(len(line.get_xdata()) for line in ax.lines) == 3  # what does not arrive has no gain to draw
    empty = plt.subplots()[1]
    table[:0].plot(empty)
    assert empty.get_legend() is None
    assert empty.get_xlabel() == "delay (ns)"


def test_joined_paths_are_sorted_and_as_deep_as_the_deepest(paths):
    parts = [paths[paths.order == order] for order in (2, 0, 1)]
    shallow = trace(ROOM, *NODES_M, 28e9, 1)
    assert same(concatenate(parts), paths)
    assert same(concatenate([shallow, paths[paths.order == 2]]), paths)
    assert same(concatenate([paths[::-1]]), paths)
    nothing = Paths(28e9, *NODES_M, *NO_PATHS, paths.objects, paths.materials)
    assert same(concatenate([nothing, paths]), paths)
    assert len(concatenate([nothing])) == 0


def test_only_paths_of_one_setting_are_joined(paths):
    with pytest.raises(ValueError, match="no paths to join, but at least one Paths is needed"):
        concatenate([])
    others = (
        trace(ROOM, *NODES_M, 30e9, 1),
        trace(ROOM, NODES_M[0] + 0.1, NODES_M[1], 28e9, 1),
        trace(ROOM, NODES_M[0], NODES_M[1] + 0.1, 28e9, 1),
        trace(Scene.room((8, 5, 3), "wood"), *NODES_M, 28e9, 1),
        trace(ROOM + Scene.box([1, 1, 0], [2, 2, 1], "wood"), *NODES_M, 28e9, 1),
    )
    for other in others:
        with pytest.raises(ValueError, match="differ in frequency, nodes or names, but only paths of one setting"):
            concatenate([paths, other])

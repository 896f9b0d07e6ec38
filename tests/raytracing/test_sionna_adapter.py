"""Sionna RT on our scenes: what it gets, what comes back, and, where it is installed, the same paths as ours."""

import importlib
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnt_lab.raytracing import sionna_adapter as adapter
from dnt_lab.raytracing.angles import unit_vector
from dnt_lab.raytracing.materials import FixedLoss, Material, itu_material
from dnt_lab.raytracing.scene import Scene
from dnt_lab.raytracing.trace import trace

DATA = Path(__file__).parents[2].parent / "shared" / "data"
YARD = Scene.box((0, 0, 0), (4, 2, 1), itu_material("brick", 0.2)) + Scene.box((6, 0, 0), (9, 2, 3), "concrete")


@pytest.fixture
def no_sionna(monkeypatch):
    for name in [name for name in sys.modules if name.split(".")[0] == "sionna"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "sionna", None)


@pytest.fixture(scope="session")
def sionna_rt():
    """Sionna RT, or the reason why these tests are skipped."""
    try:
        return importlib.import_module("sionna.rt")
    except ImportError as error:
        pytest.skip(f"Sionna RT does not run here: {error}")


def test_without_sionna_one_sentence_says_what_to_install(no_sionna):
    with pytest.raises(ImportError, match=r"^Sionna RT is not installed, .* pip install 'dnt-lab\[bench\]'$"):
        adapter.sionna_trace(YARD, [0, 0, 5], [9, 9, 5], 28e9, 1, samples=1000)


def test_without_llvm_one_sentence_says_what_to_install(no_sionna, monkeypatch, tmp_path):
    (tmp_path / "sionna").mkdir()
    (tmp_path / "sionna" / "__init__.py").touch()
    (tmp_path / "sionna" / "rt.py").write_text("raise ImportError('no libLLVM.so')")
    monkeypatch.delitem(sys.modules, "sionna")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ImportError, match=r"does not start \(no libLLVM.so\).*apt-get install libllvm19"):
        adapter.sionna_trace(YARD, [0, 0, 5], [9, 9, 5], 28e9)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"scene": YARD.with_material("brick", FixedLoss(9.0))}, "'brick' is a FixedLoss, but .* needs a permittivity"),
        ({"freq_hz": 70e9}, "brick"),
        ({"freq_hz": -1.0}, "freq_hz is -1"),
        ({"tx": [0, 1]}, r"tx has shape \(2,\)"),
        ({"rx": [0, 1, np.nan]}, "rx holds"),
        ({"max_order": -1}, "max_order is -1"),
        ({"samples": 0}, "samples is 0"),
        ({"seed": -1}, "seed is -1"),
    ],
)
def test_bad_input_is_named_even_without_sionna(no_sionna, change, sentence):
    good = {"scene": YARD, "tx": [0, 0, 5], "rx": [9, 9, 5], "freq_hz": 28e9, "max_order": 1}
    with pytest.raises(ValueError, match=sentence):
        adapter.sionna_trace(**good | change)


@given(st.floats(1.5, 12.0), st.sampled_from([0.0, 1e-4, 0.5, 1e7]), st.floats(1e9, 100e9), st.floats(0.05, 1.0))
def test_a_half_space_becomes_a_slab_that_reflects_alike(permittivity, conductivity, freq_hz, cosine):
    half_space = Material(permittivity, conductivity)
    slab = adapter._slab(half_space, freq_hz, False)
    got, expected = (np.array(m.reflection(cosine, freq_hz)) for m in (slab, half_space))
    assert np.isfinite(slab.thickness_m)
    assert got == pytest.approx(expected, abs=1e-3)
    if conductivity > 0.1:  # then nothing was added
        assert got == pytest.approx(expected, abs=1e-9)


def test_a_slab_stays_as_it_is_at_the_frequency():
    brick = itu_material("brick", 0.2)
    assert adapter._slab(brick, 28e9, False) == brick.at(28e9)
    assert adapter._slab(brick, 70e9, True) == brick.at(70e9, extrapolate=True)


def fake_answer(n_antennas):
    """What Sionna would say: two receivers, one transmitter; the second receiver has a bounce and an LOS path."""
    valid = np.array([[[False, False]], [[True, True]]])
    angle = np.arange(4.0).reshape(2, 1, 2) / 8
    bounce = np.array([[[[0, 0]], [[1, 0]]], [[[0, 0]], [[0, 0]]]])  # (depth, R, T, P)
    points = np.zeros((2, 2, 1, 2, 3))
    points[0, 1, 0, 0] = (1.0, 0.5, 1.0)  # in the other one of the roof's two triangles
    shape = (2, n_antennas, 1, n_antennas, 2)
    real = np.arange(np.prod(shape), dtype=float).reshape(shape)
    return SimpleNamespace(
        valid=valid, a=(real, -real), tau=np.array([[[0, 0]], [[3e-8, 2e-8]]]), interactions=bounce, vertices=points,
        objects=bounce * 7, primitives=bounce * 0 + ROOF[0], theta_t=angle, phi_t=-angle, theta_r=2 * angle,
        phi_r=-2 * angle,
    )  # fmt: skip


BOX = Scene.box((0, 0, 0), (4, 2, 1), "brick")
ROOF = np.flatnonzero((BOX.vertices_m[BOX.faces][:, :, 2] == 1).all(axis=1))


@pytest.mark.parametrize("n_antennas", [1, 2])
def test_paths_are_translated(n_antennas):
    scene = Scene.from_mesh(BOX.vertices_m, BOX.faces, 0, ["brick"], face_object=range(12))
    prepared = adapter.SionnaScene(None, scene, 28e9, np.zeros((1, 3)), np.ones((2, 3)), {7: np.arange(12)})
    answer = fake_answer(n_antennas)
    paths = adapter.from_sionna(prepared, answer)
    assert paths.order.tolist() == [0, 1]
    assert paths.rx.tolist() == [1, 1]
    assert paths.delay_s.tolist() == [2e-8, 3e-8]
    assert paths.gain == pytest.approx((answer.a[0] + 1j * answer.a[1])[1, 0, 0, 0, ::-1])
    assert np.isnan(paths.transfer[:, 1, 1]).all() == (n_antennas == 1)
    if n_antennas == 2:  # receiver's row, sender's column
        assert paths.transfer[0, 1, 0].real == answer.a[0][1, 1, 0, 0, 1]
    assert paths.aod_deg == pytest.approx(np.degrees([[3 / 8, -3 / 8], [2 / 8, -2 / 8]]))
    assert paths.aoa_deg == pytest.approx(2 * paths.aod_deg)
    assert np.isnan(paths.points_m[0]).all()
    assert paths.points_m[1, 0].tolist() == [1.0, 0.5, 1.0]
    corners_m = BOX.vertices_m[BOX.faces[paths.object_index[1, 0]]]
    assert paths.object_index[1, 0] in ROOF
    assert adapter._miss_m(corners_m[None], paths.points_m[1, 0])[0] <= 0
    assert paths.object_index[:, 1].tolist() == [-1, -1]


def test_distance_from_a_triangle():
    triangle_m = np.array([[[0.0, 0, 0], [4, 0, 0], [0, 4, 0]]])
    for point_m, miss_m in (((1, 1, 0), 0), ((1, 1, -0.5), 0.5), ((1, -0.25, 0), 0.25), ((3, 3, 0), np.sqrt(2))):
        assert max(adapter._miss_m(triangle_m, np.array(point_m))[0], 0) == pytest.approx(miss_m)


def assert_same(found, ours):
    # the two paths around a corner take the same time, so delays alone do not sort them
    found, ours = (p[np.lexsort((p.delay_s, *p.object_index.T, p.order, p.rx, p.tx))] for p in (found, ours))
    assert found.order.tolist() == ours.order.tolist()
    assert found.delay_s == pytest.approx(ours.delay_s, abs=1e-13)
    strength = np.abs(ours.transfer).max(axis=(1, 2), keepdims=True)
    assert (np.abs(found.transfer - ours.transfer) < 2e-3 * strength).all()
    assert found.object_index.tolist() == ours.object_index.tolist()
    assert found.material_index.tolist() == ours.material_index.tolist()
    assert found.points_m == pytest.approx(ours.points_m, abs=1e-3, nan_ok=True)
    for got, expected in ((found.aod_deg, ours.aod_deg), (found.aoa_deg, ours.aoa_deg)):
        assert unit_vector(got) == pytest.approx(unit_vector(expected), abs=1e-4)
    assert (found.objects, found.materials) == (ours.objects, ours.materials)


def test_the_same_paths_in_a_room_with_slabs_and_half_spaces(sionna_rt):
    room = Scene.room((8, 5, 3), {"walls": "glass", "floor": Material(4.0, 0.1), "ceiling": Material(3.0, name="c")})
    setting = room, [[1.0, 2.3, 2.5], [2.0, 4.1, 1.1]], [[6.1, 2.0, 1.5], [7.2, 0.9, 1.2], [3.3, 4.2, 0.7]], 28e9, 2
    found = adapter.sionna_trace(*setting, samples=20_000)
    assert len(found) == 6 * 25
    assert_same(found, trace(*setting))
    again = adapter.sionna_trace(*setting, samples=20_000)
    assert np.array_equal(found.transfer, again.transfer)


def test_the_same_paths_over_a_yard_and_none_behind_a_wall(sionna_rt):
    setting = YARD, [-2.0, 1.0, 2.0], [[12.0, 1.3, 1.0], [5.0, 1.2, 2.5], [12.0, 1.0, 6.0]], 10e9, 2
    found = adapter.sionna_trace(*setting, samples=20_000)
    assert (found.rx != 0).all()
    assert_same(found, trace(*setting))
    nothing = adapter.sionna_trace(YARD, [-2.0, 1.0, 2.0], [12.0, 1.3, 1.0], 10e9, 0, samples=1)
    assert len(nothing) == 0


def test_sionnas_own_oracle_comes_back(sionna_rt):
    file = DATA / "oracles" / "street_canyon" / "street_canyon_28ghz.npz"
    if not file.exists():
        pytest.skip("the folder shared/data is not beside the checkout")
    known = np.load(file)
    properties = known["eps_r"], known["sigma_s_per_m"], known["thickness_m"]
    walls = [Material(*map(float, values)) for values in zip(*properties, strict=True)]
    scene = Scene.from_mesh(
        known["vertices_m"], known["faces"], known["face_object"], walls, face_object=known["face_object"],
        objects=known["object_name"].tolist(),
    )  # fmt: skip
    found = adapter.sionna_trace(scene, known["tx_m"], known["rx_m"], 28e9, 3, samples=100_000)
    row = np.lexsort((known["tau_s"], known["rx"]))
    assert found.order.tolist() == known["order"][row].tolist()
    assert found.delay_s == pytest.approx(known["tau_s"][row], abs=1e-13)
    assert found.gain_db == pytest.approx(known["gain_db"][row], abs=1e-3)
    assert found.object_index.tolist() == known["bounce_object"][row].tolist()
    assert found.points_m == pytest.approx(known["points_m"][row], abs=1e-3, nan_ok=True)
